package milvus_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync"
	"testing"
	"time"

	"clipseek/deploy/servers"
	"clipseek/deploy/servers/serverstest"
	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/index"
	"clipseek/orchestrator/index/milvus"
)

// isAway reports whether an error says that the server is away, and when to come back.
func isAway(err error) bool {
	return fault.KindOf(err) == fault.KindUnavailable && fault.RetryAfter(err) > 0
}

// insist repeats a call that meets a server that is away.
func insist(ctx context.Context, call func() error) error {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		err := call()
		if !isAway(err) {
			return err
		}
		select {
		case <-ctx.Done():
			return errors.Join(ctx.Err(), err)
		case <-tick.C:
		}
	}
}

// Milvus is killed and started again while records are written and searched: every record is there once in the end,
// searches meanwhile say that the server is away, and one handle lives through all of it.
func TestKilledServer(t *testing.T) {
	t.Parallel()
	const width, batches, rows, kills = 32, 40, 100, 2
	own := serverstest.Milvus(t, servers.MilvusConfig{})
	cfg := milvus.Default()
	cfg.Address, cfg.Timeout, cfg.WriteTimeout = own.GRPC, 2*time.Second, 5*time.Second
	db := open(t, cfg)
	photos := openCollection(t, db, "pictures", width)
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()

	var searching, writing sync.WaitGroup
	done := make(chan struct{})
	written := make(chan int, batches)
	searching.Go(func() {
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case <-tick.C:
			}
			if _, err := photos.Search(ctx, index.Query{Vector: axis(0, width), Limit: 16}); err != nil && !isAway(err) {
				t.Errorf("a search while the server is killed: %v (%v)", err, fault.KindOf(err))
				return
			}
		}
	})
	writing.Go(func() {
		defer close(written)
		for b := range batches {
			if err := insist(ctx, func() error { return photos.Upsert(ctx, batch(b*rows, rows, width)) }); err != nil {
				t.Errorf("batch %d: %v", b, err)
				return
			}
			written <- b
		}
	})
	for b := range written {
		if b > 0 && b%(batches/(kills+1)) == 0 {
			own.Kill()
			check(t, own.Start(ctx))
		}
	}
	writing.Wait()
	check(t, insist(ctx, func() error { return photos.(index.Loader).Load(ctx) }))
	check(t, insist(ctx, func() error {
		hits, err := photos.Search(ctx, index.Query{Vector: axis(0, width), Limit: index.MaxWindow})
		if err == nil && len(hits) != batches*rows {
			t.Errorf("%d records are found, want %d", len(hits), batches*rows)
		}
		return err
	}))
	close(done)
	searching.Wait()
	n, err := photos.(index.Counter).Count(ctx, nil)
	check(t, err)
	if n != batches*rows {
		t.Errorf("%d records are there, want %d", n, batches*rows)
	}
}

func batch(from, n, width int) []index.Record {
	records := make([]index.Record, n)
	for i := range records {
		records[i] = index.Record{ID: int64(from + i), Path: fmt.Sprint(from + i), Vector: axis(from+i, width), Fields: map[string]any{"n": int64(from + i)}}
	}
	return records
}

// A server that is not there yet, hangs, or answers nonsense is Unavailable, sooner than the caller's patience ends, and
// nothing has to be opened again when it is well.
func TestServerAway(t *testing.T) {
	t.Parallel()
	proxy := serverstest.NewProxy(t, address(t))
	cfg := config(t)
	direct := open(t, cfg)
	photos := openCollection(t, direct, "pictures", 8)
	check(t, photos.Upsert(t.Context(), batch(0, 10, 8)))

	cfg.Address, cfg.Timeout = proxy.Address, time.Second
	db := open(t, cfg)
	var through index.Index
	check(t, insist(t.Context(), func() (err error) { // a second is little for a server with much else to do
		through, err = db.Open(t.Context(), index.Spec{Collection: "pictures", Width: 8, Model: model})
		return err
	}))
	t.Cleanup(func() { check(t, through.Close()) })
	search := func() error {
		hits, err := through.Search(t.Context(), index.Query{Vector: axis(0, 8), Limit: 16})
		if err == nil && len(hits) != 10 {
			t.Errorf("%d hits, want 10", len(hits))
		}
		return err
	}
	check(t, insist(t.Context(), search)) // the collection may still be on its way into memory
	for name, spoil := range map[string]func(){"stalled": proxy.Stall, "garbled": proxy.Garble} {
		spoil()
		for range 3 {
			if err := search(); !isAway(err) {
				t.Errorf("%s: a search answers %v (%v), want Unavailable with a time", name, err, fault.KindOf(err))
			}
			if err := db.Ready(t.Context()); !isAway(err) {
				t.Errorf("%s: Ready answers %v", name, err)
			}
		}
		proxy.Forward()
		check(t, insist(t.Context(), search))
		check(t, insist(t.Context(), func() error { return db.Ready(t.Context()) }))
	}
}

func TestNoServer(t *testing.T) {
	t.Parallel()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	check(t, err)
	address := listener.Addr().String()
	check(t, listener.Close())
	cfg := milvus.Default()
	cfg.Address, cfg.Timeout, cfg.WriteTimeout = address, time.Hour, time.Hour // none of them ends the calls below
	db := open(t, cfg)
	spec := index.Spec{Collection: "pictures", Width: 8, Model: model}
	for range 3 {
		_, err := db.Open(t.Context(), spec)
		if !isAway(err) {
			t.Errorf("Open answers %v (%v), want Unavailable with a time", err, fault.KindOf(err))
		}
		if _, err := db.Collections(t.Context()); !isAway(err) {
			t.Errorf("Collections answers %v", err)
		}
	}
	_, port, err := net.SplitHostPort(address)
	check(t, err)
	n, err := strconv.Atoi(port)
	check(t, err)
	serverstest.Milvus(t, servers.MilvusConfig{Port: n})
	check(t, insist(t.Context(), func() error {
		photos, err := db.Open(t.Context(), spec)
		if err != nil {
			return err
		}
		return errors.Join(photos.Upsert(t.Context(), batch(0, 10, 8)), photos.Close())
	}))
}

// A server that sheds load or is full is Overloaded.
func TestOverloadedServer(t *testing.T) {
	for name, environment := range map[string]map[string]string{
		"rate":  {"QUOTAANDLIMITS_DML_ENABLED": "true", "QUOTAANDLIMITS_DML_UPSERTRATE_COLLECTION_MAX": "0.0001", "QUOTAANDLIMITS_DML_UPSERTRATE_MAX": "0.0001"},
		"quota": {"QUOTAANDLIMITS_LIMITWRITING_FORCEDENY": "true"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("QUOTAANDLIMITS_ENABLED", "true")
			for key, value := range environment {
				t.Setenv(key, value)
			}
			own := serverstest.Milvus(t, servers.MilvusConfig{})
			cfg := milvus.Default()
			cfg.Address = own.GRPC
			photos := openCollection(t, open(t, cfg), "pictures", 8)
			eventually(t, func() bool { // the limits take a moment to be known
				err := photos.Upsert(t.Context(), batch(0, 1_000, 8))
				if err != nil && (fault.KindOf(err) != fault.KindOverloaded || fault.RetryAfter(err) == 0) {
					t.Fatalf("a write answers %v (%v), want Overloaded with a time", err, fault.KindOf(err))
				}
				return err != nil
			})
		})
	}
}
