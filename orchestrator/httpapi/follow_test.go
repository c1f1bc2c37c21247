package httpapi_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"clipseek/orchestrator/app"
	"clipseek/orchestrator/app/apptest"
	"clipseek/orchestrator/httpapi"
)

// TestFollow has a service follow a folder that comes later than the service, and one that does not come.
func TestFollow(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	root := filepath.Join(dir, "photos")
	c := serve(t, "", func(cfg *app.Config) {
		cfg.Follow.Folders, cfg.Follow.Quiet = []string{root, filepath.Join(dir, "Zurich")}, 50*time.Millisecond
	})
	var got struct{ Folders []httpapi.Followed }
	until := func(what string, holds func(httpapi.Followed) bool) {
		t.Helper()
		for deadline := time.Now().Add(time.Minute); ; {
			got.Folders = nil
			c.call(http.MethodGet, "/v1/follow", nil, http.StatusOK, &got)
			if len(got.Folders) != 2 {
				t.Fatalf("folders %+v", got.Folders)
			}
			if holds(got.Folders[1]) {
				return
			}
			if time.Now().After(deadline) {
				t.Fatalf("never %s: %+v", what, got.Folders)
			}
		}
	}
	until("waiting", func(f httpapi.Followed) bool {
		return f.State == "waiting" && strings.Contains(f.Reason, "is not there")
	})
	if err := os.CopyFS(root, os.DirFS(apptest.Write(t, map[string][]byte{
		"a.jpg": apptest.JPEG(t, apptest.Picture(40, apptest.Red, apptest.White)), "bad.jpg": []byte("words"),
	}))); err != nil {
		t.Fatal(err)
	}
	until("one indexed and one failed", func(f httpapi.Followed) bool { return f.Indexed == 1 && f.Failed == 1 && f.State == "watching" })
	f := got.Folders[1]
	if f.Folder != root || f.Collection != app.DefaultCollection || f.Scanned == nil || f.Failing != 1 || len(f.Failures) != 1 || f.Failures[0].Kind != "invalid" {
		t.Errorf("got %+v", f)
	}
	if err := os.Remove(filepath.Join(root, "a.jpg")); err != nil {
		t.Fatal(err)
	}
	until("one removed", func(f httpapi.Followed) bool { return f.Removed == 1 })
	if got.Folders[0].State != "waiting" {
		t.Errorf("got %+v", got.Folders[0])
	}
}

// TestFollowNothing is a service as it is by default.
func TestFollowNothing(t *testing.T) {
	t.Parallel()
	c := serve(t, "", nil)
	var got struct{ Folders []httpapi.Followed }
	c.call(http.MethodGet, "/v1/follow", nil, http.StatusOK, &got)
	if got.Folders == nil || len(got.Folders) != 0 {
		t.Errorf("got %+v, want an empty list", got)
	}
}
