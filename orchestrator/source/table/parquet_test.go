package table_test

import (
	"bytes"
	"math"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress"

	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/source/sourcetest"
	"clipseek/orchestrator/source/table"
)

type inner struct {
	Bytes []byte `parquet:"bytes"`
	Path  string `parquet:"path"`
}

type deep struct {
	Names []string `parquet:"names"`
}

// photo has a column of each type.
type photo struct {
	URL    string    `parquet:"url"`
	Stars  int32     `parquet:"stars"`
	Views  *int64    `parquet:"views,optional"`
	Count  uint64    `parquet:"count"`
	Score  float64   `parquet:"score"`
	Small  float32   `parquet:"small"`
	Good   bool      `parquet:"good"`
	Tags   []string  `parquet:"tags,list"`
	Bare   []string  `parquet:"bare"`
	When   time.Time `parquet:"when,timestamp(microsecond)"`
	Day    int32     `parquet:"day,date"`
	Note   *string   `parquet:"note,optional,dict"`
	Raw    []byte    `parquet:"raw"`
	Image  inner     `parquet:"image"`
	Shape  []int64   `parquet:"shape,list"`
	Deep   []deep    `parquet:"deep"`
	Prices int64     `parquet:"price,decimal(2:18)"`
	Label  string    `parquet:"label"`
}

func parquetOf(t testing.TB, codec compress.Codec, groups ...[]photo) []byte {
	t.Helper()
	var b bytes.Buffer
	w := parquet.NewGenericWriter[photo](&b, parquet.Compression(codec), parquet.PageBufferSize(256))
	for _, rows := range groups {
		if _, err := w.Write(rows); err != nil {
			t.Fatal(err)
		}
		if err := w.Flush(); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func photos(n int, from int) []photo {
	rows := make([]photo, n)
	for i := range rows {
		k := from + i
		note, views := strings.Repeat("n", k%7), int64(k)
		rows[i] = photo{URL: "http://x/" + strings.Repeat("p", k%50), Stars: int32(-k), Score: float64(k) / 2, Good: k%2 == 0, Label: "l"}
		rows[i].Tags = slices.Repeat([]string{"t"}, k%4)
		rows[i].When = time.Date(2024, 6, 1, 9, 30, k%60, 999_000, time.UTC)
		if k%3 == 0 {
			rows[i].Note, rows[i].Views = &note, &views
		}
	}
	return rows
}

func TestParquet(t *testing.T) {
	t.Parallel()
	views, note := int64(7), "x"
	all := []photo{
		{URL: "http://x/1", Stars: -5, Views: &views, Count: 3, Score: 0.5, Small: 0.25, Good: true, Tags: []string{"a", "", "b"}, Bare: []string{"c"}, When: time.Date(1969, 12, 31, 23, 59, 59, 5e8, time.UTC), Day: -1, Note: &note, Raw: make([]byte, 1000), Deep: []deep{{[]string{"x"}}}, Label: "fruit"},
		{URL: "http://x/2", Score: math.NaN(), Small: float32(math.NaN()), When: time.Unix(0, 0)},
		{URL: "http://x/3", Count: math.MaxUint64, When: time.Unix(0, 0)},
		{URL: "", When: time.Unix(0, 0)},
		{URL: "a.jpg", Score: math.Inf(1), When: time.Unix(0, 0)},
	}
	const zero = " bare=[]string([]) count=int64(0) day=string(1970-01-01) good=bool(false)"
	var told []string
	rows := open(t, "t.parquet", string(parquetOf(t, &parquet.Snappy, all[:2], all[2:])), table.Options{Note: func(s string) { told = append(told, s) }})
	got := list(t, rows)
	want := []string{
		"http://x/1 [fruit] bare=[]string([c]) count=int64(3) day=string(1969-12-31) good=bool(true) note=string(x) score=float64(0.5) small=float64(0.25) stars=int64(-5) tags=[]string([a  b]) views=int64(7) when=string(1969-12-31T23:59:59Z)",
		"http://x/2 [x]" + strings.Replace(zero, " bare=[]string([])", "", 1) + " stars=int64(0) when=string(1970-01-01T00:00:00Z)",
		`t.parquet:3 invalid: the column "count" has 18446744073709551615 in this row, which is over 2^63`,
		`t.parquet:4 invalid: the row has nothing in the column "url", which names the picture`,
		"t.parquet:5 invalid: field score is +Inf; a number is finite",
	}
	if !slices.Equal(got, want) {
		t.Errorf("rows\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	sourcetest.RunListing(t, rows, len(want))
	left := strings.Join(told, "\n")
	for _, name := range []string{"raw", "image", "shape", "deep", "price"} {
		if !strings.Contains(left, `"`+name+`"`) {
			t.Errorf("nothing is said of %s: %s", name, left)
		}
	}
	if len(told) != 5 {
		t.Errorf("told %q", told)
	}
	for _, place := range []string{"6", "0", "-1", "x"} {
		for item, err := range rows.Items(t.Context(), place) {
			if err == nil || item.Path != "" {
				t.Errorf("after %q: %+v", place, item)
			}
		}
	}
}

// TestParquetPages goes on from every row of a file of many pages and groups.
func TestParquetPages(t *testing.T) {
	t.Parallel()
	for name, codec := range map[string]compress.Codec{"plain": &parquet.Uncompressed, "Zstandard": &parquet.Zstd, "gzip": &parquet.Gzip} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rows := open(t, "t.parquet", string(parquetOf(t, codec, photos(70, 0), photos(1, 70), photos(40, 71))), table.Options{})
			sourcetest.RunListing(t, rows, 111)
			for i, line := range list(t, rows) {
				if n := strings.Count(line, " stars=int64(-"); n != 1 && i > 0 {
					t.Errorf("row %d is %s", i, line)
				}
			}
		})
	}
}

// TestParquetDamage changes every byte of a file in turn, and cuts it everywhere.
func TestParquetDamage(t *testing.T) {
	t.Parallel()
	whole := parquetOf(t, &parquet.Snappy, photos(3, 1))
	path := folder(t, "t.parquet", whole)
	read := func(content []byte) {
		t.Helper()
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		rows, err := table.New(t.Context(), path, table.Options{})
		if err != nil {
			if fault.KindOf(err) != fault.KindInvalid {
				t.Fatal(err)
			}
			return
		}
		n := 0
		for item, err := range rows.Items(t.Context(), "") {
			if item.Path == "" || err != nil && fault.KindOf(err) == fault.KindInternal {
				t.Fatalf("%+v, %v", item, err)
			}
			if n++; n == 1000 {
				break
			}
		}
	}
	for i := range whole {
		for _, flip := range []byte{0x01, 0xff} {
			changed := bytes.Clone(whole)
			changed[i] ^= flip
			read(changed)
		}
		if i%7 == 0 {
			read(whole[:i])
		}
	}
}

func FuzzParquet(f *testing.F) {
	f.Add(string(parquetOf(f, &parquet.Snappy, photos(3, 0))))
	f.Add(string(parquetOf(f, &parquet.Uncompressed, photos(2, 0), photos(1, 5))))
	f.Fuzz(func(t *testing.T, content string) { fuzz(t, "t.parquet", content) })
}
