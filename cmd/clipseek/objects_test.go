package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"clipseek/deploy/servers"
	"clipseek/deploy/servers/serverstest"
	"clipseek/orchestrator/app/apptest"
	"clipseek/orchestrator/bucket/buckettest"
)

// TestObjectScripts runs testdata/objects/*.txtar, each with an object store that has the pictures, an hour old, in the
// bucket pictures.
func TestObjectScripts(t *testing.T) {
	server := serverstest.S3(t, servers.S3Config{})
	testscript.Run(t, testscript.Params{
		Dir: filepath.Join("testdata", "objects"),
		Setup: func(env *testscript.Env) error {
			for name, value := range server.Environment() {
				env.Setenv(name, value)
			}
			env.Setenv("CLIPSEEK_ENCODER__ONNX__LIBRARY", filepath.Join(apptest.Root(t), "bin", "libonnxruntime.so"))
			env.Setenv("CLIPSEEK_DATA", filepath.Join(env.WorkDir, "data"))
			env.Setenv("CLIPSEEK_OBJECTS__ENDPOINT", server.Endpoint)
			env.Setenv("CLIPSEEK_OBJECTS__RETRIES", "0")
			bucket := filepath.Join(server.Buckets, "pictures")
			return errors.Join(writePhotos(t, bucket), age(bucket))
		},
	})
}

// TestStoreScripts runs testdata/stores/*.txtar with every object store, which has the pictures in the bucket photos.
func TestStoreScripts(t *testing.T) {
	buckettest.Each(t, func(t *testing.T, s *buckettest.Store) {
		dir := t.TempDir()
		if err := writePhotos(t, dir); err != nil {
			t.Fatal(err)
		}
		content := map[string]string{}
		err := fs.WalkDir(os.DirFS(dir), ".", func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return err
			}
			bytes, err := os.ReadFile(filepath.Join(dir, path))
			content[path] = string(bytes)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		buckettest.Fill(t, s.Open(t, "photos"), content)
		testscript.Run(t, testscript.Params{
			Dir: filepath.Join("testdata", "stores"),
			Setup: func(env *testscript.Env) error {
				for name, value := range s.Environment() {
					env.Setenv(name, value)
				}
				env.Setenv("STORE", s.Scheme)
				env.Setenv("CLIPSEEK_ENCODER__ONNX__LIBRARY", filepath.Join(apptest.Root(t), "bin", "libonnxruntime.so"))
				env.Setenv("CLIPSEEK_DATA", filepath.Join(env.WorkDir, "data"))
				env.Setenv("CLIPSEEK_OBJECTS__ENDPOINT", s.Config.Endpoint)
				env.Setenv("CLIPSEEK_OBJECTS__AZURE__ENDPOINT", s.Config.Azure.Endpoint)
				env.Setenv("CLIPSEEK_OBJECTS__RETRIES", "0")
				return nil
			},
		})
	})
}

// age makes all files of a folder an hour old, so that their times prove that they have not changed.
func age(dir string) error {
	then := time.Now().Add(-time.Hour)
	return filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		return os.Chtimes(path, then, then)
	})
}
