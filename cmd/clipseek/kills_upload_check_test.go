package main

import (
	"context"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"clipseek/orchestrator/app"
	"clipseek/orchestrator/app/apptest"
	"clipseek/orchestrator/index"
	"clipseek/orchestrator/jobs"
)

// check compares what there is with what was sent.
func (s *senders) check(ctx context.Context, t *testing.T, cfg app.Config) {
	uploads := filepath.Join(cfg.Data, "uploads")
	for deadline := time.Now().Add(20 * time.Second); ; {
		left, err := os.ReadDir(filepath.Join(uploads, ".new"))
		if err != nil {
			t.Fatal(err)
		}
		if len(left) == 0 {
			break
		}
		if ctx.Err() != nil || time.Now().After(deadline) {
			t.Fatalf("%d requests that were broken off are still there: %v", len(left), left)
		}
		<-time.After(10 * time.Millisecond) // between looks
	}
	all, err := app.OpenQueue(ctx, cfg, apptest.Log(t))
	if err != nil {
		t.Fatal(err)
	}
	defer all.Close()
	list, err := all.List(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, job := range list { // those that nobody knows of, too
		if job = await(t, all, job.ID, time.Minute, final); job.State != jobs.Done {
			t.Errorf("%+v", job)
		}
	}
	want := map[string]bool{}
	for _, up := range s.done {
		s.checkJob(ctx, t, all, up, uploads)
		for _, path := range up.good {
			want[filepath.Join(uploads, path)] = true
		}
	}
	checkRows(t, cfg, want, s.lost)
	checkFiles(t, uploads)
}

// checkJob looks at one job's counts and ledger.
func (s *senders) checkJob(ctx context.Context, t *testing.T, all *app.Jobs, up *sending, uploads string) {
	job, err := all.Get(ctx, up.job)
	if err != nil {
		t.Fatal(err)
	}
	if p := job.Progress; p.Indexed+p.Unchanged != int64(len(up.good)) || p.Failed != int64(len(up.bad)) {
		t.Errorf("job %s: %d indexed, %d unchanged, %d failed, want %d and %d", job.ID, p.Indexed, p.Unchanged, p.Failed, len(up.good), len(up.bad))
	}
	var ledger []string
	for f, err := range all.Failures(ctx, up.job) {
		if err != nil {
			t.Fatal(err)
		}
		ledger = append(ledger, strings.TrimPrefix(f.Path, uploads+"/"))
	}
	slices.Sort(ledger)
	if bad := slices.Sorted(slices.Values(up.bad)); !slices.Equal(ledger, bad) {
		t.Errorf("job %s: ledger %q, want %q", job.ID, ledger, bad)
	}
}

// checkRows compares the collection with the good pictures. Those of uploads that were given up are there wholly or not at all.
func checkRows(t *testing.T, cfg app.Config, want map[string]bool, lost []*sending) {
	core := apptest.OpenCore(t, cfg)
	photos, err := core.Make(t.Context(), "mine")
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]bool{}
	var rows int
	for r, err := range photos.(index.Iterator).Iterate(t.Context(), index.Walk{}) {
		if err != nil {
			t.Fatal(err)
		}
		got[r.Path] = true
		rows++
	}
	if rows != len(got) {
		t.Errorf("%d rows of %d pictures", rows, len(got))
	}
	for _, up := range lost {
		there := 0
		for _, path := range up.good {
			if got[filepath.Join(cfg.Data, "uploads", path)] {
				there++
			}
		}
		if unique := filepath.Join(cfg.Data, "uploads", up.good[0]); got[unique] {
			if there != len(up.good) {
				t.Errorf("%d of the %d pictures of an upload without an answer are there", there, len(up.good))
			}
			for _, path := range up.good {
				want[filepath.Join(cfg.Data, "uploads", path)] = true
			}
		}
	}
	for path := range want {
		if !got[path] {
			t.Errorf("%s is missing", path)
		}
	}
	for path := range got {
		if !want[path] {
			t.Errorf("%s should not be there", path)
		}
	}
}

// checkFiles looks for files at their places that no list names: those of uploads that were broken off.
func checkFiles(t *testing.T, uploads string) {
	named := map[string]bool{}
	lists, err := filepath.Glob(filepath.Join(uploads, "requests", "*.upload"))
	if err != nil || len(lists) == 0 {
		t.Fatalf("lists: %v, %v", lists, err)
	}
	for _, list := range lists {
		text, err := os.ReadFile(list)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			var entry struct{ Path string }
			if err := json.Unmarshal([]byte(line), &entry); err != nil {
				t.Fatal(list, err)
			}
			named[filepath.Join(uploads, entry.Path)] = true
		}
	}
	err = filepath.WalkDir(uploads, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() && !named[path] && filepath.Dir(path) != filepath.Join(uploads, "requests") && path != filepath.Join(uploads, ".lock") {
			t.Errorf("%s was left by an upload that was broken off", path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
