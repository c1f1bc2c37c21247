package triton_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"clipseek/deploy/servers"
	"clipseek/deploy/servers/serverstest"
	"clipseek/orchestrator/encoder/triton"
	"clipseek/orchestrator/fault"
)

// TestLoadAndUnload controls the models of a server of its own.
func TestLoadAndUnload(t *testing.T) {
	t.Parallel()
	server := ownTriton(t)
	enc := open(t, withServers(server.GRPC))
	encode := func(enc *triton.Encoder) error {
		_, err := enc.EncodeText(t.Context(), text(t, "apple"))
		return err
	}
	if err := encode(enc); err != nil {
		t.Fatal(err)
	}
	if err := enc.Unload(t.Context()); err != nil {
		t.Fatal(err)
	}
	unavailable(t, encode(enc), "clip_text is not ready on triton "+server.GRPC)
	unavailable(t, enc.Ready(t.Context()), "clip_image is not ready")
	if err := enc.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := encode(enc); err != nil {
		t.Error(err)
	}
	if err := enc.Unload(t.Context()); err != nil {
		t.Fatal(err)
	}
	cfg := withServers(server.GRPC)
	cfg.Load = true
	if err := encode(open(t, cfg)); err != nil {
		t.Errorf("with load: %v", err)
	}
	cfg.TextModel = "no_such_model"
	if err := encode(open(t, cfg)); fault.KindOf(err) != fault.KindNotFound || !strings.Contains(fault.Public(err), "no_such_model") {
		t.Errorf("a model that is not there: %v", err)
	}
}

// TestLoadIsNotAllowed asks a server that loads what it finds.
func TestLoadIsNotAllowed(t *testing.T) {
	t.Parallel()
	server := serverstest.Triton(t, servers.TritonConfig{Repository: t.TempDir()})
	if err := open(t, withServers(server.GRPC)).Load(t.Context()); fault.KindOf(err) != fault.KindConflict || !strings.Contains(fault.Public(err), "--model-control-mode=explicit") {
		t.Errorf("err = %v", err)
	}
}

func TestStatistics(t *testing.T) {
	t.Parallel()
	server := ownTriton(t)
	enc := open(t, withServers(server.GRPC))
	if _, err := enc.EncodeImages(t.Context(), pictures(t, 3)); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() error { // the server counts after it has answered
		image, words, err := enc.Statistics(t.Context())
		if err == nil && (image.Rows != 3 || image.Requests != 1 || image.Batches != 1 || image.Compute <= 0 || words.Rows != 0) {
			err = fmt.Errorf("%+v, %+v", image, words)
		}
		return err
	})
}

// TestSharedMemoryIsLeftClean: Close takes the regions away; those of processes that are no more go when they have rested.
func TestSharedMemoryIsLeftClean(t *testing.T) {
	t.Parallel()
	abandon := func(name string, age time.Duration) string {
		file := filepath.Join("/dev/shm", fmt.Sprintf("clipseek-1-%s-%d", name, os.Getpid()))
		if err := os.WriteFile(file, make([]byte, 10), 0o600); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = os.Remove(file) })
		then := time.Now().Add(-age)
		if err := os.Chtimes(file, then, then); err != nil {
			t.Fatal(err)
		}
		return file
	}
	old, young := abandon("old", time.Hour), abandon("young", 0)
	server := ownTriton(t)
	cfg := withServers(server.GRPC)
	cfg.SharedMemory = "on"
	enc := open(t, cfg)
	if _, err := enc.EncodeImages(t.Context(), pictures(t, 16)); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(old); !os.IsNotExist(err) {
		t.Errorf("%s is still there: %v", old, err)
	}
	if _, err := os.Stat(young); err != nil {
		t.Errorf("%s may still be read: %v", young, err)
	}
	ours := triton.Regions(enc)
	if len(ours) == 0 || len(ours) > 2 {
		t.Errorf("two requests used the regions %v", ours)
	}
	if err := enc.Close(); err != nil {
		t.Fatal(err)
	}
	for _, name := range ours {
		if _, err := os.Stat(filepath.Join("/dev/shm", name)); !os.IsNotExist(err) {
			t.Errorf("%s is still there: %v", name, err)
		}
	}
}

// TestSharedMemoryElsewhere: what a server cannot open goes through the connection, unless that is not wanted.
func TestSharedMemoryElsewhere(t *testing.T) {
	t.Parallel()
	server := ownTriton(t, "--grpc-restricted-protocol=shared-memory:key=value")
	cfg := withServers(server.GRPC)
	if _, err := open(t, cfg).EncodeImages(t.Context(), pictures(t, 2)); err != nil {
		t.Error(err)
	}
	cfg.SharedMemory = "on"
	_, err := open(t, cfg).EncodeImages(t.Context(), pictures(t, 2))
	if fault.KindOf(err) != fault.KindConflict || !strings.Contains(fault.Public(err), "shared_memory") {
		t.Errorf("err = %v", err)
	}
}
