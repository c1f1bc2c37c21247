package archive_test

import (
	"fmt"
	"io"
	"sync"
	"testing"

	"clipseek/orchestrator/source"
)

// BenchmarkRead lists an archive and reads all that is in it with four workers, as an ingest does.
func BenchmarkRead(b *testing.B) {
	const n, size = 1000, 50_000
	all := noise(size + n)
	var files []file
	for i := range n {
		files = append(files, file{fmt.Sprintf("%04d.jpg", i), all[i:][:size]})
	}
	tarred := tarOf(b, files...)
	for name, content := range map[string][]byte{"a.zip": zipOf(b, nil, files...), "a.tar": tarred, "a.tar.gz": gzipped(b, tarred), "a.tar.zst": zstandard(b, tarred)} {
		b.Run(name, func(b *testing.B) {
			a := open(b, save(b, name, content), nil)
			b.SetBytes(n * size)
			for b.Loop() {
				queue := make(chan source.Item)
				var workers sync.WaitGroup
				for range 4 {
					workers.Go(func() {
						for item := range queue {
							r, err := a.Open(b.Context(), item)
							if err == nil {
								_, err = io.Copy(io.Discard, r)
								r.Close()
							}
							if err != nil {
								b.Error(err)
							}
						}
					})
				}
				for item, err := range a.Items(b.Context(), "") {
					if err != nil {
						b.Fatal(err)
					}
					queue <- item
				}
				close(queue)
				workers.Wait()
			}
		})
	}
}
