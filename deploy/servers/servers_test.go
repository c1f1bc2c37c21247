package servers_test

import (
	"testing"

	"clipseek/deploy/servers"
	"clipseek/deploy/servers/serverstest"
)

// TestMilvusSurvivesKill starts a Milvus, kills it and starts it again on its data.
func TestMilvusSurvivesKill(t *testing.T) {
	t.Parallel()
	server := serverstest.Milvus(t, servers.MilvusConfig{})
	server.Kill()
	if server.PID() != 0 {
		t.Error("a killed server has a process")
	}
	if err := server.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestTritonStops(t *testing.T) {
	t.Parallel()
	server := serverstest.Triton(t, servers.TritonConfig{Repository: t.TempDir()})
	server.Stop()
	if err := server.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// TestMilvusTakesOtherPorts starts a second Milvus on the data of one that has ended, as `make cluster` does the next day.
func TestMilvusTakesOtherPorts(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	first := serverstest.Milvus(t, servers.MilvusConfig{Folder: folder})
	first.Stop()
	if second := serverstest.Milvus(t, servers.MilvusConfig{Folder: folder}); second.GRPC == first.GRPC {
		t.Error("both have the same ports")
	}
}
