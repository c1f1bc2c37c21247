package triton_test

import (
	"bytes"
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"clipseek/deploy/servers/serverstest"
	"clipseek/orchestrator/encoder/triton"
	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/imageprep"
)

// soon bounds what must not take long, on a busy machine too.
const soon = 20 * time.Second

// nobody is an address where nothing listens.
func nobody(t *testing.T) string {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = listener.Close()
	return listener.Addr().String()
}

// unavailable checks an error that a search met without a server.
func unavailable(t *testing.T, err error, mentions string) {
	t.Helper()
	if fault.KindOf(err) != fault.KindUnavailable || fault.RetryAfter(err) == 0 || !strings.Contains(fault.Public(err), mentions) {
		t.Errorf("err = %v (kind %s, again after %s), want unavailable, when to try again, and %s", err, fault.KindOf(err), fault.RetryAfter(err), mentions)
	}
}

// TestNoServer: refused connections are told at once, whatever time there is.
func TestNoServer(t *testing.T) {
	t.Parallel()
	address := nobody(t)
	enc := open(t, withServers(address))
	ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
	defer cancel()
	_, err := enc.EncodeText(ctx, text(t, "apple"))
	unavailable(t, err, address)
	unavailable(t, enc.Ready(t.Context()), address)
	for name, broken := range map[string]string{"name without address": "dns:///no-such-host.invalid:8001"} {
		_, err := open(t, withServers(broken)).EncodeText(t.Context(), text(t, "apple"))
		if fault.KindOf(err) != fault.KindUnavailable || !strings.Contains(fault.Public(err), "no-such-host.invalid") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestLoadSheddingIsNotRepeated fills queues of a real server.
func TestLoadSheddingIsNotRepeated(t *testing.T) {
	t.Parallel()
	server := sharedTriton(t)
	for name, tc := range map[string]struct {
		image, text string
		run         func(*triton.Encoder) error
	}{
		"queue full": {image: "full_image", text: "clip_text", run: func(e *triton.Encoder) error {
			_, err := e.EncodeImages(t.Context(), pictures(t, 8))
			return err
		}},
		"waited too long": {image: "clip_image", text: "late_text", run: func(e *triton.Encoder) error {
			_, err := e.EncodeText(t.Context(), text(t, "a", "b", "c", "d"))
			return err
		}},
		// It takes two seconds of the server's minute, less than those before it need.
		"waited longer than the client wants": {image: "clip_image", text: "patient_text", run: func(e *triton.Encoder) error {
			_, err := e.EncodeText(t.Context(), slices.Repeat(text(t, "a"), 16))
			return err
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := withServers(server.GRPC)
			cfg.ImageModel, cfg.TextModel, cfg.Load, cfg.ImageBatch, cfg.TextBatch = tc.image, tc.text, true, 1, 1
			if tc.text == "patient_text" {
				cfg.Timeout, cfg.InFlight = 2*time.Second, 16
			}
			cfg.Retry.Search = 1000 // would have it succeed
			enc := open(t, cfg)
			err := tc.run(enc)
			if fault.KindOf(err) != fault.KindOverloaded || fault.RetryAfter(err) == 0 {
				t.Fatalf("err = %v", err)
			}
		})
	}
}

// TestCallerLeaves: the caller is let go at once and its memory left alone, while the server goes on.
func TestCallerLeaves(t *testing.T) {
	t.Parallel()
	server := sharedTriton(t)
	for _, memory := range []string{"on", "off"} {
		t.Run("shared memory "+memory, func(t *testing.T) {
			t.Parallel()
			cfg := withServers(server.GRPC)
			cfg.ImageModel, cfg.Load, cfg.SharedMemory = "slow_image", true, memory
			enc := open(t, cfg)
			if err := enc.Ready(t.Context()); err != nil {
				t.Fatal(err)
			}
			for range 4 {
				ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
				batch := pictures(t, 4)
				_, err := enc.EncodeImages(ctx, batch)
				cancel()
				if !errors.Is(err, context.DeadlineExceeded) {
					t.Fatalf("err = %v", err)
				}
				clear(batch.Pixels) // the race detector looks
			}
			if _, err := enc.EncodeImages(t.Context(), pictures(t, 1)); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestServerComesAndGoes starts before its server, loses it in mid-flight and finds it again.
func TestServerComesAndGoes(t *testing.T) {
	t.Parallel()
	server := ownTriton(t)
	server.Kill()
	cfg := withServers(server.GRPC)
	cfg.Retry.Bulk, cfg.Retry.Elapsed = 1000, 2*time.Minute
	cfg.Retry.Most, cfg.SharedMemory = 500*time.Millisecond, "on" // each server must be told of the regions
	enc := open(t, cfg)
	_, err := enc.EncodeText(t.Context(), text(t, "apple"))
	unavailable(t, err, server.GRPC)

	start := func() {
		if err := server.Start(t.Context()); err != nil {
			t.Error(err)
		}
	}
	start()
	want, err := enc.Bulk().EncodeImages(t.Context(), pictures(t, 4))
	if err != nil {
		t.Fatal(err)
	}

	// Bulk work goes on while the server is killed and started.
	var all sync.WaitGroup
	began := make(chan struct{}, 100)
	for range 3 {
		all.Go(func() {
			for range 5 {
				began <- struct{}{}
				got, err := enc.Bulk().EncodeImages(t.Context(), pictures(t, 4))
				if err != nil {
					t.Error(err)
					return
				}
				for i := range got {
					near(t, got[i], want[i])
				}
			}
		})
	}
	for range 5 {
		<-began
	}
	server.Kill()
	start()
	all.Wait()
	if err := enc.Ready(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestAnotherEndpointTakesOver kills one of two servers while both work: no call fails.
func TestAnotherEndpointTakesOver(t *testing.T) {
	t.Parallel()
	doomed := ownTriton(t)
	enc := open(t, withServers(doomed.GRPC, sharedTriton(t).GRPC))
	began := make(chan struct{}, 100)
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range 6 {
				began <- struct{}{}
				if _, err := enc.EncodeImages(t.Context(), pictures(t, 2)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for range 12 {
		<-began
	}
	image, _, err := enc.Statistics(t.Context())
	if err != nil || image.Requests == 0 {
		t.Errorf("statistics of both: %+v, %v", image, err)
	}
	doomed.Kill()
	all.Wait()
	if err := enc.Ready(t.Context()); err != nil {
		t.Errorf("with one of two: %v", err)
	}
}

// TestAnotherEndpointIsFaster pauses one of two servers: what it does not answer in time the other computes.
func TestAnotherEndpointIsFaster(t *testing.T) {
	t.Parallel()
	slow := ownTriton(t)
	cfg := withServers(slow.GRPC, sharedTriton(t).GRPC)
	cfg.Timeout = time.Second
	enc := open(t, cfg)
	if err := enc.Load(t.Context()); err != nil { // connects to both
		t.Fatal(err)
	}
	slow.Pause()
	defer slow.Resume()
	for range 5 {
		if _, err := enc.EncodeText(t.Context(), text(t, "apple")); err != nil {
			t.Error(err)
		}
	}
}

// TestAnotherModelAfterRestart puts a model that does not fit in the place of one that did.
func TestAnotherModelAfterRestart(t *testing.T) {
	t.Parallel()
	server, folder := ownRepository(t)
	enc := open(t, withServers(server.GRPC))
	if _, err := enc.EncodeText(t.Context(), text(t, "apple")); err != nil {
		t.Fatal(err)
	}
	server.Kill()
	config := filepath.Join(folder, "clip_text", "config.pbtxt")
	other, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(config, bytes.ReplaceAll(other, []byte("[768]"), []byte("[512]")), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := server.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(soon)
	for fault.KindOf(err) != fault.KindConflict {
		if _, err = enc.EncodeText(t.Context(), text(t, "apple")); err == nil || time.Now().After(deadline) {
			t.Fatalf("err = %v", err)
		}
	}
	if !strings.Contains(fault.Public(err), "[-1 512]") {
		t.Errorf("err = %v", err)
	}
}

// TestSlowServer pauses a server: it takes bytes and answers nothing.
func TestSlowServer(t *testing.T) {
	t.Parallel()
	server := ownTriton(t)
	cfg := withServers(server.GRPC)
	cfg.Timeout = time.Second
	enc := open(t, cfg)
	if _, err := enc.EncodeText(t.Context(), text(t, "apple")); err != nil {
		t.Fatal(err)
	}
	server.Pause()
	defer server.Resume()
	ctx, cancel := context.WithTimeout(t.Context(), soon)
	defer cancel()
	for range 2 { // with a model that is known, and with one that must be asked for
		_, err := enc.EncodeText(ctx, text(t, "apple"))
		unavailable(t, err, server.GRPC)
	}
	server.Resume()
	eventually(t, func() error {
		_, err := enc.EncodeText(t.Context(), text(t, "apple"))
		return err
	})
}

// TestBadNetwork has a proxy stall, and answer random bytes.
func TestBadNetwork(t *testing.T) {
	t.Parallel()
	proxy := serverstest.NewProxy(t, sharedTriton(t).GRPC)
	cfg := withServers(proxy.Address)
	cfg.Timeout = time.Second
	enc := open(t, cfg)
	works := func() error {
		_, err := enc.EncodeImages(t.Context(), pictures(t, 2))
		return err
	}
	if err := works(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), soon)
	defer cancel()
	for _, harm := range []func(){proxy.Garble, proxy.Stall} {
		harm()
		_, err := enc.EncodeImages(ctx, pictures(t, 2))
		unavailable(t, err, proxy.Address)
		proxy.Forward()
		eventually(t, works)
	}
}

// TestCloseDoesNotHang closes while a paused server owes answers.
func TestCloseDoesNotHang(t *testing.T) {
	t.Parallel()
	server := ownTriton(t)
	enc := open(t, withServers(server.GRPC))
	if _, err := enc.EncodeImages(t.Context(), pictures(t, 1)); err != nil {
		t.Fatal(err)
	}
	server.Pause()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := enc.EncodeImages(ctx, pictures(t, 1)); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("err = %v", err)
	}
	began := time.Now()
	if err := enc.Close(); err != nil {
		t.Error(err)
	}
	if took := time.Since(began); took > soon {
		t.Errorf("Close took %s", took)
	}
	if _, err := enc.Bulk().EncodeImages(t.Context(), imageprep.Batch{}); fault.KindOf(err) != fault.KindUnavailable {
		t.Errorf("a view of a closed encoder gives %v", err)
	}
}

// eventually tries until it works.
func eventually(t testing.TB, works func() error) {
	t.Helper()
	deadline := time.Now().Add(soon)
	for {
		err := works()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("still: %v", err)
		}
	}
}
