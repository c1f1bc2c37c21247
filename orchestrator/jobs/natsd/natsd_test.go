package natsd_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"clipseek/orchestrator/app/apptest"
	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/jobs/natsd"
	"clipseek/orchestrator/tlsclient"
)

func open(t *testing.T, dir string) *natsd.Node {
	t.Helper()
	n, err := natsd.Open(t.Context(), dir, apptest.Log(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	})
	return n
}

func stream(t *testing.T, conn *nats.Conn) jetstream.JetStream {
	t.Helper()
	js, err := jetstream.New(conn)
	if err == nil {
		_, err = js.CreateOrUpdateStream(t.Context(), jetstream.StreamConfig{Name: "S", Subjects: []string{"s"}})
	}
	if err != nil {
		t.Fatal(err)
	}
	return js
}

// publish stores a message, however long its server is away.
func publish(t *testing.T, js jetstream.JetStream, text string) {
	t.Helper()
	for {
		_, err := js.Publish(t.Context(), "s", []byte(text), jetstream.WithMsgID(text))
		if err == nil {
			return
		}
		if t.Context().Err() != nil {
			t.Fatal(err)
		}
	}
}

// TestServerMoves has three nodes on one folder, ends the one with the server, and again: the others go on, with all that
// was stored.
func TestServerMoves(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	nodes := []*natsd.Node{open(t, dir), open(t, dir), open(t, dir)}
	if !nodes[0].Owner() || nodes[1].Owner() || nodes[2].Owner() {
		t.Fatal("the first has not the server, or not alone")
	}
	info, err := os.Stat(filepath.Join(dir, "server"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the token's file: %v, %v", info, err)
	}
	all := make([]jetstream.JetStream, len(nodes))
	for i, n := range nodes {
		all[i] = stream(t, n.Conn())
		publish(t, all[i], fmt.Sprint("first ", i))
	}
	for len(nodes) > 1 {
		owner := 0
		for !nodes[owner].Owner() {
			if owner = (owner + 1) % len(nodes); t.Context().Err() != nil {
				t.Fatal("nobody takes the server")
			}
		}
		if err := nodes[owner].Close(); err != nil {
			t.Fatal(err)
		}
		nodes, all = append(nodes[:owner], nodes[owner+1:]...), append(all[:owner], all[owner+1:]...)
		for i := range all {
			publish(t, all[i], fmt.Sprint(len(nodes), " left ", i))
		}
	}
	s, err := all[0].Stream(t.Context(), "S")
	if err != nil {
		t.Fatal(err)
	}
	if info, err := s.Info(t.Context()); err != nil || info.State.Msgs != 6 {
		t.Errorf("%+v, %v; want 6 messages", info.State, err)
	}
}

func TestStrangersAreRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	open(t, dir)
	var where struct {
		Address string `json:"address"`
	}
	text, err := os.ReadFile(filepath.Join(dir, "server"))
	if err == nil {
		err = json.Unmarshal(text, &where)
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, err := nats.Connect("nats://"+where.Address, nats.Token("guess")); !errors.Is(err, nats.ErrAuthorization) {
		t.Errorf("a wrong token: %v", err)
	}
	if _, err := natsd.Open(t.Context(), filepath.Join(dir, "server", "below"), apptest.Log(t)); fault.KindOf(err) != fault.KindInvalid {
		t.Errorf("a folder that cannot be made: %v", err)
	}
}

func TestOuterServer(t *testing.T) {
	t.Parallel()
	options := &server.Options{Host: "127.0.0.1", Port: server.RANDOM_PORT, JetStream: true, StoreDir: t.TempDir(), NoSigs: true, NoLog: true}
	s, err := server.NewServer(options)
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	if !s.ReadyForConnections(10 * time.Second) {
		t.Fatal("the server does not start")
	}
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	conn, err := natsd.Dial(natsd.Outer{URL: s.ClientURL()}, apptest.Log(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	publish(t, stream(t, conn), "hello")
	for name, outer := range map[string]natsd.Outer{
		"no credentials": {URL: s.ClientURL(), Credentials: "nowhere.creds"},
		"no certificate": {URL: s.ClientURL(), TLS: tlsclient.Config{Enabled: true, CA: "nowhere.pem"}},
		"no address":     {URL: "http://[::1"},
	} {
		if _, err := natsd.Dial(outer, apptest.Log(t)); fault.KindOf(err) != fault.KindInvalid {
			t.Errorf("%s: %v", name, err)
		}
	}
}
