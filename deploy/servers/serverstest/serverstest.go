// Package serverstest starts real servers for tests and ends them with the test.
//
// The package is not for how servers are run (servers).
package serverstest

import (
	"testing"

	"clipseek/deploy/servers"
)

// Home is where the servers are installed; a test that needs them fails where they are not.
func Home(t testing.TB) string {
	t.Helper()
	home, err := servers.Home(".")
	if err != nil {
		t.Fatal(err)
	}
	return home
}

// Triton starts a Triton that ends with the test. Home and Folder are filled in where they are empty.
func Triton(t testing.TB, cfg servers.TritonConfig) *servers.Triton {
	t.Helper()
	if cfg.Home == "" {
		cfg.Home = Home(t)
	}
	if cfg.Folder == "" {
		cfg.Folder = t.TempDir()
	}
	server, err := servers.StartTriton(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Kill)
	return server
}

// Milvus starts a Milvus that ends with the test. Home and Folder are filled in where they are empty.
func Milvus(t testing.TB, cfg servers.MilvusConfig) *servers.Milvus {
	t.Helper()
	if cfg.Home == "" {
		cfg.Home = Home(t)
	}
	if cfg.Folder == "" {
		cfg.Folder = t.TempDir()
	}
	server, err := servers.StartMilvus(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Kill)
	return server
}

// S3 starts an S3 server that ends with the test, and has AWS' own variables name its user, so that the test cannot run in
// parallel. Home and Folder are filled in where they are empty.
func S3(t testing.TB, cfg servers.S3Config) *servers.S3 {
	t.Helper()
	if cfg.Home == "" {
		cfg.Home = Home(t)
	}
	if cfg.Folder == "" {
		cfg.Folder = t.TempDir()
	}
	server, err := servers.StartS3(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Kill)
	for name, value := range server.Environment() {
		t.Setenv(name, value)
	}
	return server
}
