package triton_test

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"clipseek/deploy/servers"
	"clipseek/deploy/servers/serverstest"
	"clipseek/orchestrator/encoder"
	"clipseek/orchestrator/encoder/onnx"
	"clipseek/orchestrator/encoder/triton"
	"clipseek/orchestrator/imageprep"
	"clipseek/orchestrator/model"
	"clipseek/orchestrator/model/modeltest"
	"clipseek/triton_models/repository"
)

// served is what is measured: the model directory that BENCH_MODEL names, or the demo model, as `clipseek model install`
// renders it, on a Triton of its own.
func served(b *testing.B) (*model.Model, triton.Config) {
	b.Helper()
	m := modeltest.Demo(b)
	if dir := os.Getenv("BENCH_MODEL"); dir != "" {
		var err error
		if m, err = model.Open(dir); err != nil {
			b.Fatal(err)
		}
	}
	folder := b.TempDir()
	if _, err := repository.Install(m, folder, repository.Default()); err != nil {
		b.Fatal(err)
	}
	server := serverstest.Triton(b, servers.TritonConfig{Repository: folder, Variant: "python"})
	return m, withServers(server.GRPC)
}

// noise is n pictures of the model's size.
func noise(m *model.Model, n int) imageprep.Batch {
	batch := imageprep.NewBatch(n, m.Card.Image.Size)
	for i := range batch.Pixels {
		batch.Pixels[i] = byte(i % 251)
	}
	return batch
}

// BenchmarkOverhead is the time of a batch of 8 pictures that the server's own statistics do not account for, one batch
// at a time.
func BenchmarkOverhead(b *testing.B) {
	m, cfg := served(b)
	for _, memory := range []string{"on", "off"} {
		b.Run("shared_memory="+memory, func(b *testing.B) {
			cfg.SharedMemory = memory
			enc := openModel(b, m, cfg)
			batch := noise(m, 8)
			encode(b, enc, batch) // connects, and makes the regions
			before := counted(b, enc, 0)
			b.ReportAllocs()
			for b.Loop() {
				encode(b, enc, batch)
			}
			wall := b.Elapsed()
			inside := inServer(counted(b, enc, before.Rows+b.N*batch.N)) - inServer(before)
			b.ReportMetric(perBatch(b, wall-inside), "overhead-ms")
			b.ReportMetric(perBatch(b, inside), "server-ms")
			b.ReportMetric(float64(wall-inside)/float64(wall), "overhead/wall")
		})
	}
}

// BenchmarkThroughput encodes as ingest does, several batches at once, through Triton and in process by turns, so that
// both have the same machine. In process the pictures run one by one and in eights; the faster way counts.
func BenchmarkThroughput(b *testing.B) {
	m, cfg := served(b)
	remote := openModel(b, m, cfg).Bulk()
	inProcess := map[int]encoder.Encoder{1: inProcess(b, m, 1), 8: inProcess(b, m, 8)}
	batch := noise(m, 32)
	encode(b, remote, batch)
	var there time.Duration
	here := map[int]time.Duration{}
	for b.Loop() {
		there += took(b, remote, batch, 4)
		for size, enc := range inProcess {
			here[size] += took(b, enc, batch, 1) // it takes all cores by itself
		}
	}
	n := float64(b.N * batch.N)
	b.ReportMetric(4*n/there.Seconds(), "triton-pictures/s")
	b.ReportMetric(n/here[1].Seconds(), "onnx-ones-pictures/s")
	b.ReportMetric(n/here[8].Seconds(), "onnx-eights-pictures/s")
	b.ReportMetric(4*min(here[1], here[8]).Seconds()/there.Seconds(), "triton/onnx")
}

func inProcess(b *testing.B, m *model.Model, imageBatch int) encoder.Encoder {
	b.Helper()
	library, err := filepath.Abs("../../../bin/libonnxruntime.so")
	if err != nil {
		b.Fatal(err)
	}
	cfg := onnx.Default()
	cfg.Library, cfg.ImageBatch = library, imageBatch
	enc, err := onnx.Open(m, cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = enc.Close() })
	encode(b, enc, noise(m, imageBatch))
	return enc
}

// took is how long it takes so many callers to have the batch encoded at once.
func took(b *testing.B, enc encoder.Encoder, batch imageprep.Batch, callers int) time.Duration {
	began := time.Now()
	var all sync.WaitGroup
	for range callers {
		all.Go(func() { encode(b, enc, batch) })
	}
	all.Wait()
	return time.Since(began)
}

func encode(b *testing.B, enc encoder.Encoder, batch imageprep.Batch) {
	if _, err := enc.EncodeImages(b.Context(), batch); err != nil {
		b.Error(err)
	}
}

// counted is what the server has counted when it has come to so many rows: it counts after it has answered.
func counted(b *testing.B, enc *triton.Encoder, rows int) triton.Statistics {
	var image triton.Statistics
	eventually(b, func() error {
		var err error
		image, _, err = enc.Statistics(b.Context())
		if err == nil && image.Rows < max(1, rows) {
			err = fmt.Errorf("%d of %d rows are counted", image.Rows, rows)
		}
		return err
	})
	return image
}

// inServer is all the time that a server accounts for.
func inServer(s triton.Statistics) time.Duration { return s.Queue + s.Input + s.Compute + s.Output }

func perBatch(b *testing.B, d time.Duration) float64 {
	return float64(d.Microseconds()) / 1000 / float64(b.N)
}
