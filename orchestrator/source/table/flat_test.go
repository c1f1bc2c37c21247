package table_test

import (
	"bufio"
	"fmt"
	"os"
	"testing"

	"github.com/parquet-go/parquet-go"

	"clipseek/orchestrator/source/sourcetest"
	"clipseek/orchestrator/source/table"
)

// TestFlat lists long tables and looks at the heap on the way.
func TestFlat(t *testing.T) {
	const n = 300_000
	address := func(i int) string { return fmt.Sprintf("https://pictures.example/albums/of/summer/%d.jpg", i) }
	for name, write := range map[string]func(*bufio.Writer) error{
		"t.csv": func(w *bufio.Writer) error {
			_, err := w.WriteString("url,title,stars:int\n")
			for i := range n {
				_, _ = fmt.Fprintf(w, "%s,\"the \"\"%d\"\"\",%d\n", address(i), i, i%6) // Flush has the error
			}
			return err
		},
		"t.jsonl": func(w *bufio.Writer) (err error) {
			for i := range n {
				_, err = fmt.Fprintf(w, "{\"url\": %q, \"title\": \"the %d\", \"stars\": %d}\n", address(i), i, i%6)
			}
			return err
		},
		"t.parquet": func(w *bufio.Writer) error {
			rows := parquet.NewGenericWriter[photo](w, parquet.MaxRowsPerRowGroup(100_000), parquet.Compression(&parquet.Snappy))
			for i := range n {
				if _, err := rows.Write([]photo{{URL: address(i), Stars: int32(i % 6), Raw: make([]byte, 100)}}); err != nil {
					return err
				}
			}
			return rows.Close()
		},
	} {
		t.Run(name, func(t *testing.T) {
			path := folder(t, name, nil)
			file, err := os.Create(path)
			if err != nil {
				t.Fatal(err)
			}
			w := bufio.NewWriter(file)
			if err := write(w); err != nil {
				t.Fatal(err)
			}
			if err := w.Flush(); err != nil {
				t.Fatal(err)
			}
			_ = file.Close()
			rows, err := table.New(t.Context(), path, table.Options{})
			if err != nil {
				t.Fatal(err)
			}
			sourcetest.RunFlat(t, rows, n, 100_000)
		})
	}
}
