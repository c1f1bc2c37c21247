package triton_test

import (
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"clipseek/orchestrator/encoder"
	"clipseek/orchestrator/encoder/onnx"
	"clipseek/orchestrator/encoder/triton"
	"clipseek/orchestrator/imageprep"
)

// BenchmarkOverhead is the time of a batch of 8 pictures that the server's own statistics do not account for, one batch
// at a time.
func BenchmarkOverhead(b *testing.B) {
	server := sharedTriton(b)
	for _, memory := range []string{"on", "off"} {
		b.Run("shared_memory="+memory, func(b *testing.B) {
			cfg := withServers(server.GRPC)
			cfg.SharedMemory = memory
			enc := open(b, cfg)
			batch := pictures(b, 8)
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
// both have the same machine.
func BenchmarkThroughput(b *testing.B) {
	library, err := filepath.Abs("../../../bin/libonnxruntime.so")
	if err != nil {
		b.Fatal(err)
	}
	local := onnx.Default()
	local.Library = library
	inProcess, err := onnx.Open(demo(b), local)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = inProcess.Close() }()
	cfg := withServers(sharedTriton(b).GRPC)
	remote := open(b, cfg).Bulk()
	batch := pictures(b, 32)
	encode(b, remote, batch)
	encode(b, inProcess, batch)
	var there, here time.Duration
	for b.Loop() {
		there += took(b, remote, batch, 4)
		here += took(b, inProcess, batch, 1) // it takes all cores by itself
	}
	n := float64(b.N * batch.N)
	b.ReportMetric(4*n/there.Seconds(), "triton-pictures/s")
	b.ReportMetric(n/here.Seconds(), "onnx-pictures/s")
	b.ReportMetric(4*here.Seconds()/there.Seconds(), "triton/onnx")
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
