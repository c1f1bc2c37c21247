// Package serverstest starts real servers for tests and ends them with the test.
//
// The package is not for how servers are run (servers).
package serverstest

import (
	"os"
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
	place(t, &cfg.Home, &cfg.Folder)
	server, err := servers.StartTriton(t.Context(), cfg)
	return ending(t, server, err)
}

// Milvus starts a Milvus that ends with the test. Home and Folder are filled in where they are empty.
func Milvus(t testing.TB, cfg servers.MilvusConfig) *servers.Milvus {
	t.Helper()
	place(t, &cfg.Home, &cfg.Folder)
	server, err := servers.StartMilvus(t.Context(), cfg)
	return ending(t, server, err)
}

// S3 starts an S3 server that ends with the test, and has AWS' own variables name its user, so that the test cannot run in
// parallel. Home and Folder are filled in where they are empty.
func S3(t testing.TB, cfg servers.S3Config) *servers.S3 {
	t.Helper()
	place(t, &cfg.Home, &cfg.Folder)
	server, err := servers.StartS3(t.Context(), cfg)
	return named(t, server, err)
}

// Google starts a server of Google's storage that ends with the test, and has Google's variables name it, so that the test
// cannot run in parallel. A test is skipped where the server is not installed, unless REQUIRE_REFERENCE=1.
func Google(t testing.TB) *servers.Google {
	t.Helper()
	server, err := servers.StartGoogle(t.Context(), storeConfig(t, servers.GoogleProgram))
	return named(t, server, err)
}

// Azure is Google for Azure's storage.
func Azure(t testing.TB) *servers.Azure {
	t.Helper()
	server, err := servers.StartAzure(t.Context(), storeConfig(t, servers.AzureProgram))
	return named(t, server, err)
}

// storeConfig is for a store whose program is below Home.
func storeConfig(t testing.TB, program func(home string) string) servers.StoreConfig {
	t.Helper()
	home := Home(t)
	if _, err := os.Stat(program(home)); err != nil {
		if os.Getenv("REQUIRE_REFERENCE") == "1" {
			t.Fatalf("%v: run `make servers`", err)
		}
		t.Skipf("%v: run `make servers`", err)
	}
	return servers.StoreConfig{Home: home, Folder: t.TempDir()}
}

// place fills in where a server is installed and where it works.
func place(t testing.TB, home, folder *string) {
	t.Helper()
	if *home == "" {
		*home = Home(t)
	}
	if *folder == "" {
		*folder = t.TempDir()
	}
}

// ending has a server that was started end with the test.
func ending[S interface{ Kill() }](t testing.TB, server S, err error) S {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Kill)
	return server
}

// named is ending for a store, which the variables of its clients name until then.
func named[S interface {
	Kill()
	Environment() map[string]string
}](t testing.TB, server S, err error) S {
	t.Helper()
	ending(t, server, err)
	for name, value := range server.Environment() {
		t.Setenv(name, value)
	}
	return server
}
