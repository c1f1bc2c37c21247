package local_test

import (
	"bufio"
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"clipseek/orchestrator/index"
	"clipseek/orchestrator/index/local"
)

// childFile names the index file in the environment of a test binary that runs as a second process.
const childFile = "CLIPSEEK_TEST_INDEX_FILE"

func TestMain(m *testing.M) {
	if file := os.Getenv(childFile); file != "" {
		if err := runChild(file, os.Args[1], os.Args[2]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// runChild does the steps [first, last) and acknowledges each on stdout.
func runChild(file, first, last string) error {
	from, err := strconv.Atoi(first)
	if err != nil {
		return err
	}
	to, err := strconv.Atoi(last)
	if err != nil {
		return err
	}
	ctx := context.Background()
	db, err := local.Open(ctx, config(file))
	if err != nil {
		return err
	}
	idx, err := db.Open(ctx, childSpec())
	if err != nil {
		return err
	}
	for step := from; step < to; step++ {
		if err := doStep(ctx, idx, step); err != nil {
			return err
		}
		fmt.Println(step)
	}
	return db.Close()
}

const childWidth, childBatch = 32, 20

func childSpec() index.Spec {
	return index.Spec{Collection: "shared", Width: childWidth, Model: "test"}
}

// A history is steps whose outcome is known: most write a batch, some of it over an earlier one; each fifth deletes a
// batch. So what the file must hold after any number of steps can be said.

func doStep(ctx context.Context, idx index.Index, step int) error {
	if step%5 == 4 {
		_, err := idx.Delete(ctx, stepIDs(step-3))
		return err
	}
	return idx.Upsert(ctx, stepRecords(step))
}

// stepKey is the batch of ids that a step writes to: each seventh step writes over the one before.
func stepKey(step int) int {
	if step%7 == 6 {
		return step - 1
	}
	return step
}

func stepIDs(step int) []int64 {
	list := make([]int64, childBatch)
	for i := range list {
		list[i] = int64(stepKey(step)*childBatch + i)
	}
	return list
}

func stepRecords(step int) []index.Record {
	r := rand.New(rand.NewPCG(uint64(step), 7))
	records := make([]index.Record, childBatch)
	for i, id := range stepIDs(step) {
		v := make([]float32, childWidth)
		v[r.IntN(childWidth)] = 1
		records[i] = index.Record{ID: id, Path: fmt.Sprintf("step %d", step), Vector: v, Fields: map[string]any{"step": int64(step)}}
	}
	return records
}

// histories is the paths that the file holds, by id, after each number of steps from 0.
func histories(steps int) []map[int64]string {
	list := make([]map[int64]string, steps+1)
	list[0] = map[int64]string{}
	for step := range steps {
		paths := maps.Clone(list[step])
		if step%5 == 4 {
			for _, id := range stepIDs(step - 3) {
				delete(paths, id)
			}
		} else {
			for _, r := range stepRecords(step) {
				paths[r.ID] = r.Path
			}
		}
		list[step+1] = paths
	}
	return list
}

// contentOf is the paths that the file holds, by id, as searches see them.
func contentOf(t *testing.T, idx index.Index) map[int64]string {
	t.Helper()
	query := make([]float32, childWidth)
	query[0] = 1
	hits, err := idx.Search(t.Context(), index.Query{Vector: query, Limit: index.MaxWindow})
	if err != nil {
		t.Fatal(err)
	}
	paths := map[int64]string{}
	for _, h := range hits {
		paths[h.ID] = h.Path
	}
	return paths
}

// child is a second process that writes.
type child struct {
	command *exec.Cmd
	acks    *bufio.Scanner
}

func startChild(t *testing.T, file string, first, last int) *child {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := &child{command: exec.Command(program, strconv.Itoa(first), strconv.Itoa(last))}
	c.command.Env = append(os.Environ(), childFile+"="+file)
	c.command.Stderr = os.Stderr
	out, err := c.command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	c.acks = bufio.NewScanner(out)
	if err := c.command.Start(); err != nil {
		t.Fatal(err)
	}
	return c
}

// next is the next step that the child acknowledged; false when it has ended.
func (c *child) next(t *testing.T) (step int, ok bool) {
	t.Helper()
	if !c.acks.Scan() {
		return 0, false
	}
	step, err := strconv.Atoi(strings.TrimSpace(c.acks.Text()))
	if err != nil {
		t.Fatal(err)
	}
	return step, true
}

func openFile(t testing.TB, file string) *local.Database {
	t.Helper()
	db, err := local.Open(t.Context(), config(file))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

func openShared(t *testing.T, db *local.Database) index.Index {
	t.Helper()
	idx, err := db.Open(t.Context(), childSpec())
	if err != nil {
		t.Fatal(err)
	}
	return idx
}

func TestKilledWriter(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "index.db")
	r := rand.New(rand.NewPCG(1, 0))
	done := 0
	for range 15 {
		c := startChild(t, file, done, 1_000_000)
		acknowledged := done - 1
		for range 1 + r.IntN(12) {
			step, ok := c.next(t)
			if !ok {
				t.Fatal("the child ended by itself")
			}
			acknowledged = step
		}
		if err := c.command.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		for step, ok := c.next(t); ok; step, ok = c.next(t) { // acknowledged before the kill reached it
			acknowledged = step
		}
		if err := c.command.Wait(); err == nil {
			t.Fatal("the child was not killed")
		}
		done = checkHistory(t, file, acknowledged+1)
	}
}

// checkHistory checks that the file holds all steps that were acknowledged, perhaps one more, and nothing half.
func checkHistory(t *testing.T, file string, acknowledged int) (steps int) {
	t.Helper()
	db, err := local.Open(t.Context(), config(file))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if result := db.Setting(t, "integrity_check"); result != "ok" {
		t.Fatalf("after the kill: %s", result)
	}
	got, want := contentOf(t, openShared(t, db)), histories(acknowledged+1)
	for _, steps := range []int{acknowledged, acknowledged + 1} {
		if maps.Equal(got, want[steps]) {
			return steps
		}
	}
	t.Fatalf("after %d acknowledged steps the file has %d records of other steps; want %d", acknowledged, len(got), len(want[acknowledged]))
	return 0
}

func TestTwoProcesses(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "index.db")
	idx := openShared(t, openFile(t, file))
	const steps, ours = 60, 1 << 40
	c := startChild(t, file, 0, steps)
	states := histories(steps)
	written := 0
	for {
		step, ok := c.next(t)
		if !ok {
			break
		}
		// Both write, and each search here is at least as new as what the other acknowledged.
		own := stepRecords(step)
		for i := range own {
			own[i].ID += ours
		}
		if err := idx.Upsert(t.Context(), own); err != nil {
			t.Fatal(err)
		}
		written++
		got := contentOf(t, idx)
		theirs := maps.Clone(got)
		maps.DeleteFunc(theirs, func(id int64, _ string) bool { return id >= ours })
		if !slices.ContainsFunc(states[step+1:], func(state map[int64]string) bool { return maps.Equal(theirs, state) }) {
			t.Fatalf("after step %d was acknowledged a search sees another state", step)
		}
	}
	if err := c.command.Wait(); err != nil {
		t.Fatal(err)
	}
	want := states[steps]
	for step := range written {
		for _, r := range stepRecords(step) {
			want[r.ID+ours] = r.Path
		}
	}
	if got := contentOf(t, idx); !maps.Equal(got, want) {
		t.Errorf("the two wrote %d records; %d are there", len(want), len(got))
	}
}
