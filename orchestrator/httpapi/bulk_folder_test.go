package httpapi_test

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"clipseek/orchestrator/app"
	"clipseek/orchestrator/app/apptest"
	"clipseek/orchestrator/httpapi"
)

// TestUploadWithoutRoom sends to a disk that is too small, and to one that may not be written.
func TestUploadWithoutRoom(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=256k"); err != nil {
		t.Skipf("a disk of its own cannot be made (not root?): %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	c := serve(t, "", func(cfg *app.Config) { cfg.Upload.Folder = dir })
	red := apptest.JPEG(t, apptest.Picture(60, apptest.Red, apptest.White))
	large := append(red[:len(red):len(red)], make([]byte, 400<<10)...)
	refused := func(body io.Reader, status int, detail string) {
		t.Helper()
		resp, content := c.send(http.MethodPost, bulk, "image/jpeg", body)
		var problem httpapi.Problem
		if c.decode(resp, content, status, &problem); !strings.Contains(problem.Detail, detail) {
			t.Errorf("%+v", problem)
		}
		if files := left(t, dir); len(files) > 0 {
			t.Errorf("left: %v", files)
		}
	}
	refused(bytes.NewReader(large), http.StatusServiceUnavailable, "no room")
	refused(io.MultiReader(bytes.NewReader(large)), http.StatusServiceUnavailable, "no room left") // of a length that nobody knows
	if err := syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	refused(bytes.NewReader(red), http.StatusForbidden, "no permission")
	if err := syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_REMOUNT, "size=1m"); err != nil {
		t.Fatal(err)
	}
	if job := c.sendBody(bulk, "image/jpeg", red); job.Indexed != 1 {
		t.Errorf("%+v", job)
	}
}

// TestUploadBesideOtherMachines shares a queue with machines that may not see the folder.
func TestUploadBesideOtherMachines(t *testing.T) {
	t.Parallel()
	node, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: server.RANDOM_PORT, JetStream: true, StoreDir: t.TempDir(), NoSigs: true, NoLog: true})
	if err != nil {
		t.Fatal(err)
	}
	node.Start()
	t.Cleanup(func() {
		node.Shutdown()
		node.WaitForShutdown()
	})
	if !node.ReadyForConnections(20 * time.Second) {
		t.Fatal("the queue does not start")
	}
	red := apptest.JPEG(t, apptest.Picture(60, apptest.Red, apptest.White))
	c := serve(t, "", func(cfg *app.Config) { cfg.Jobs.NATS.URL = node.ClientURL() })
	resp, content := c.send(http.MethodPost, bulk, "image/jpeg", bytes.NewReader(red))
	var problem httpapi.Problem
	if c.decode(resp, content, http.StatusForbidden, &problem); !strings.Contains(problem.Detail, "upload.shared: true") {
		t.Errorf("%+v", problem)
	}
	c = serve(t, "", func(cfg *app.Config) { cfg.Jobs.NATS.URL, cfg.Upload.Shared = node.ClientURL(), true })
	if job := c.sendBody(bulk, "image/jpeg", red); job.Indexed != 1 {
		t.Errorf("%+v", job)
	}
}
