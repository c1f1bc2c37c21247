package removal_test

import (
	"os"
	"path/filepath"
	"testing"

	"clipseek/deploy/servers"
	"clipseek/deploy/servers/serverstest"
	"clipseek/orchestrator/bucket"
	"clipseek/orchestrator/removal"
	"clipseek/orchestrator/source"
	"clipseek/orchestrator/source/object"
)

// TestObjects has objects go from a real store. Records that a listing would not give stay, and so do those elsewhere.
func TestObjects(t *testing.T) {
	server := serverstest.S3(t, servers.S3Config{})
	for _, key := range []string{"in/a.jpg", "in/b.jpg", "in/c.jpg", "in/odd.bin"} {
		write(t, filepath.Join(server.Buckets, "photos", filepath.FromSlash(key)), key)
	}
	cfg := bucket.Default()
	cfg.Endpoint, cfg.Retries = server.Endpoint, 0
	src := func(address string) source.Source {
		t.Helper()
		s, err := object.New(t.Context(), bucket.NewClient(cfg), address)
		do(t, err)
		t.Cleanup(func() { _ = s.Close() })
		return s
	}
	const all, one = "s3://photos/in/", "s3://photos/in/odd.bin"
	photos := open(t, row{all + "a.jpg", all}, row{all + "b.jpg", all}, row{all + "c.jpg", all}, row{one, one},
		row{all + ".hidden.jpg", all}, row{"s3://photos/in-between.jpg", "s3://photos"}, row{"/in/a.jpg", "/in"})

	gone, err := removal.Find(t.Context(), photos, src(all))
	do(t, err)
	if gone.Count != 0 || gone.Rows != 3 || len(gone.Kept) != 0 {
		t.Fatalf("with every object there: %+v", gone)
	}
	do(t, os.Remove(filepath.Join(server.Buckets, "photos", "in", "b.jpg")))
	do(t, os.Remove(filepath.Join(server.Buckets, "photos", "in", "odd.bin")))
	want(t, photos, find(t, photos, src(all)), "s3://photos", 1, 0, "/in/a.jpg", "in-between.jpg", "in/.hidden.jpg", "in/a.jpg", "in/c.jpg", "in/odd.bin")

	listing := src(all)
	server.Kill()
	blind, err := removal.Find(t.Context(), photos, listing)
	do(t, err)
	if blind.Count != 0 || len(blind.Kept) != 1 {
		t.Errorf("of a store that does not answer: %+v", blind)
	}
}
