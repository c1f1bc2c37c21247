package jobs_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"clipseek/orchestrator/app"
	"clipseek/orchestrator/app/apptest"
	"clipseek/orchestrator/encoder"
	"clipseek/orchestrator/index"
	"clipseek/orchestrator/jobs"
	"clipseek/orchestrator/source"
	"clipseek/orchestrator/telemetry"
)

// The tests of this file run processes of this test binary, which do what `clipseek ingest` does, and kill them.

// Switches of a child, in its environment.
const (
	childFolder = "JOBS_TEST_FOLDER" // what it ingests; makes a child of the process
	childData   = "JOBS_TEST_DATA"
	childLethal = "JOBS_TEST_LETHAL" // the name of a file that kills the process which opens it
	childTriton = "JOBS_TEST_TRITON" // the address of the Triton that it uses; it ends abruptly when it waits for that
	childSync   = "JOBS_TEST_SYNC"   // has it remove what has gone; the look at a record, by number, that kills it
	childServer = "JOBS_TEST_SERVER" // the port of the NATS server that the process is, with its files in the folder
)

func TestMain(m *testing.M) {
	if port, err := strconv.Atoi(os.Getenv(childServer)); err == nil {
		serveNATS(port, os.Getenv(childFolder))
	}
	if folder := os.Getenv(childFolder); folder != "" {
		if err := child(folder); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func childConfig(data, library string) app.Config {
	cfg := app.Default()
	cfg.Data = data
	cfg.Encoder.ONNX.Library, cfg.Encoder.ONNX.Threads = library, 1
	cfg.Ingest.Group, cfg.Jobs.Batch, cfg.Jobs.Lease, cfg.Jobs.Pause = 4, 6, 500*time.Millisecond, 20*time.Millisecond
	return cfg
}

// lethal is a source with a file that kills whoever opens it, as one does over which a C library crashes.
type lethal struct {
	source.Source
	name string
}

func (l lethal) Open(ctx context.Context, item source.Item) (io.ReadCloser, error) {
	if filepath.Base(item.Path) == l.name {
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	}
	return l.Source.Open(ctx, item)
}

// child does what `clipseek ingest --json` does.
func child(folder string) error {
	ctx := context.Background()
	cfg := childConfig(os.Getenv(childData), os.Getenv("JOBS_TEST_LIBRARY"))
	away := os.Getenv(childTriton)
	if away != "" {
		cfg.Encoder.Kind, cfg.Encoder.Triton.Endpoints = app.EncoderTriton, []string{away}
	}
	log := telemetry.New(cfg.Log, os.Stderr)
	core, err := app.OpenCore(ctx, cfg, log)
	if err != nil {
		return err
	}
	defer func() { _ = core.Close() }()
	all, err := app.OpenJobsFrom(ctx, cfg, core, log, func(ctx context.Context, spec jobs.Spec) (source.Source, error) {
		inner, err := app.OpenSource(ctx, cfg, spec, nil)
		if name := os.Getenv(childLethal); name != "" && err == nil {
			return lethal{inner, name}, nil
		}
		if looks, _ := strconv.Atoi(os.Getenv(childSync)); looks > 0 && err == nil {
			return &shortsighted{Source: inner, parts: inner.Parts(), left: looks}, nil
		}
		return inner, err
	})
	if err != nil {
		return err
	}
	defer func() { _ = all.Close() }()
	spec := jobs.Spec{Sources: []string{folder}, Collection: cfg.Collection}
	if os.Getenv(childSync) != "" {
		spec.Sync = jobs.Sync{On: true, Limit: 10_000}
	}
	job, _, err := all.Start(ctx, spec)
	if err != nil {
		return err
	}
	if away != "" {
		all.Work(job.ID)
		for job := range all.Watch(ctx, job.ID, time.Millisecond) {
			if job.Waiting != "" {
				_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			}
		}
	}
	job, err = all.Run(ctx, job.ID, nil)
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(job)
}

// process is a child.
type process struct {
	cmd *exec.Cmd
	out *strings.Builder
	err *strings.Builder
}

func begin(t *testing.T, data, folder string, env ...string) *process {
	t.Helper()
	p := &process{cmd: exec.CommandContext(t.Context(), os.Args[0]), out: &strings.Builder{}, err: &strings.Builder{}}
	library := filepath.Join(apptest.Root(t), "bin", "libonnxruntime.so")
	p.cmd.Env = append(os.Environ(), append(env, childFolder+"="+folder, childData+"="+data, "JOBS_TEST_LIBRARY="+library)...)
	p.cmd.Stdout, p.cmd.Stderr = p.out, p.err
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return p
}

// killAfter kills the child after a time, and reports whether it had ended by itself, well.
func (p *process) killAfter(t *testing.T, moment time.Duration) (ended bool) {
	t.Helper()
	done := make(chan error, 1)
	go func() { done <- p.cmd.Wait() }()
	select {
	case err := <-done:
		if err != nil {
			t.Fatalf("a process fails: %v\n%s", err, p.err)
		}
		return true
	case <-time.After(moment):
		_ = p.cmd.Process.Kill()
		<-done
		return false
	}
}

// end waits for a child to do its job, and gives it.
func (p *process) end(t *testing.T) jobs.Job {
	t.Helper()
	if err := p.cmd.Wait(); err != nil {
		t.Fatalf("a process fails: %v\n%s", err, p.err)
	}
	var job jobs.Job
	if err := json.Unmarshal([]byte(p.out.String()), &job); err != nil {
		t.Fatalf("%v: %s", err, p.out)
	}
	return job
}

// content is all that a data folder holds of its first job: the records by path, and the ledger.
type content struct {
	records map[string]index.Record
	ledger  map[string]jobs.Failure
	job     jobs.Job
}

func contentOf(t *testing.T, data, folder string) content {
	t.Helper()
	cfg := childConfig(data, apptest.Config(t).Encoder.ONNX.Library)
	core := apptest.OpenCore(t, cfg)
	all, err := app.OpenJobs(t.Context(), cfg, core, apptest.Log(t))
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := all.Close(); err != nil {
			t.Error(err)
		}
	}()
	list, err := all.List(t.Context())
	if err != nil || len(list) == 0 {
		t.Fatalf("jobs = %+v, %v", list, err)
	}
	first := list[len(list)-1] // a process that comes when it has ended does the folder again
	out := content{records: map[string]index.Record{}, ledger: failuresOf(t, all.Manager, first.ID), job: first}
	photos, err := core.Make(t.Context(), cfg.Collection)
	if err != nil {
		t.Fatal(err)
	}
	var ids []int64
	paths, err := filepath.Glob(filepath.Join(folder, "*", "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		ids = append(ids, index.ID(path))
	}
	records, err := photos.Get(t.Context(), ids)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range records {
		out.records[r.Path] = r
	}
	if n, err := photos.(index.Counter).Count(t.Context(), nil); err != nil || n != int64(len(records)) {
		t.Errorf("%d records in all, %d of them of the folder, %v", n, len(records), err)
	}
	return out
}

// sameAs compares with a run that nobody disturbed.
func (c content) sameAs(t *testing.T, clean content) {
	t.Helper()
	p, q := c.job.Progress, clean.job.Progress
	want(t, c.job, jobs.Done, q.Found, q.Indexed, q.Unchanged, q.Failed)
	if p.Bytes != q.Bytes {
		t.Errorf("%d bytes, want %d", p.Bytes, q.Bytes)
	}
	if len(c.records) != len(clean.records) || len(c.ledger) != len(clean.ledger) {
		t.Errorf("%d records and %d failures, want %d and %d", len(c.records), len(c.ledger), len(clean.records), len(clean.ledger))
	}
	for path, r := range clean.records {
		if len(c.records[path].Vector) == 0 {
			t.Errorf("%s is missing", path)
			continue
		}
		if encoder.Dot(r.Vector, c.records[path].Vector) < 0.99999 || r.Fields[index.FieldSHA256] != c.records[path].Fields[index.FieldSHA256] {
			t.Errorf("%s has another vector", path)
		}
	}
	for path, f := range c.ledger {
		if clean.ledger[path] != f {
			t.Errorf("the ledger has %+v", f)
		}
	}
	for path, f := range clean.ledger {
		if c.ledger[path] != f {
			t.Errorf("%s is %+v in the ledger, want %+v", path, c.ledger[path], f)
		}
	}
}

// kills is how often the tests kill; JOBS_TEST_KILLS sets it.
func kills(t *testing.T) int {
	if n, err := strconv.Atoi(os.Getenv("JOBS_TEST_KILLS")); err == nil {
		return n
	}
	if testing.Short() {
		return 3
	}
	return 5
}

func random(t *testing.T) *rand.Rand {
	seed := rand.Uint64()
	t.Logf("the moments are those of seed %d", seed)
	return rand.New(rand.NewPCG(seed, 0))
}

// TestKilled kills the process of a job, with all its queue, at random moments, and compares with a clean run.
func TestKilled(t *testing.T) {
	t.Parallel()
	r := random(t)
	folder := album(t, 150, 12)
	clean, data := t.TempDir(), t.TempDir()
	begin(t, clean, folder).end(t)
	killed := 0
	for range kills(t) {
		p := begin(t, data, folder)
		defer func() {
			if t.Failed() && p.err.Len() > 0 {
				t.Log(p.err)
			}
		}()
		if p.killAfter(t, 200*time.Millisecond+time.Duration(r.Int64N(int64(1200*time.Millisecond)))) {
			break // it came to its end
		}
		killed++
	}
	t.Logf("killed %d times", killed)
	if killed > 0 {
		p := begin(t, data, folder)
		p.end(t)
		defer func() { t.Log(p.err) }()
	}
	contentOf(t, data, folder).sameAs(t, contentOf(t, clean, folder))
}

// TestOneOfSeveralKilled has three processes work on one job and kills one or another, the one with the queue among them.
func TestOneOfSeveralKilled(t *testing.T) {
	t.Parallel()
	r := random(t)
	folder := album(t, 120, 7)
	clean, data := t.TempDir(), t.TempDir()
	begin(t, clean, folder).end(t)
	var running [2]*process
	for i := range running {
		running[i] = begin(t, data, folder)
	}
	for kill := range kills(t) / 2 {
		i := kill % len(running) // the older one, which has the queue
		if running[i].killAfter(t, 500*time.Millisecond+time.Duration(r.Int64N(int64(time.Second)))) {
			t.Log("a process came to its end")
			break
		}
		running[i] = begin(t, data, folder)
	}
	for _, p := range running {
		_ = p.cmd.Wait() // one that comes after the end does the folder again
	}
	contentOf(t, data, folder).sameAs(t, contentOf(t, clean, folder))
}

// serveNATS runs a NATS server as an administrator would.
func serveNATS(port int, dir string) {
	s, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: port, JetStream: true, StoreDir: dir, SyncAlways: true, NoLog: true})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	s.Start()
	s.WaitForShutdown()
	os.Exit(0)
}

// TestOuterServerKilled kills the process of an outer NATS server in the middle of a job, and starts it again.
func TestOuterServerKilled(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := strconv.Itoa(listener.Addr().(*net.TCPAddr).Port)
	listener.Close()
	dir, r := t.TempDir(), random(t)
	nats := begin(t, "", dir, childServer+"="+port)
	defer func() { _ = nats.cmd.Process.Kill(); _ = nats.cmd.Wait() }()
	cfg := childConfig(t.TempDir(), apptest.Config(t).Encoder.ONNX.Library)
	cfg.Jobs.NATS.URL = "nats://127.0.0.1:" + port
	all, err := app.OpenJobs(t.Context(), cfg, apptest.OpenCore(t, cfg), apptest.Log(t))
	if err != nil {
		t.Fatal(err)
	}
	defer all.Close()
	all.Work("")
	job := start(t, all.Manager, album(t, 100, 5))
	for range 3 {
		indexed := job.Progress.Indexed + r.Int64N(20)
		job = until(t, all.Manager, job.ID, "further", func(j jobs.Job) bool { return j.Progress.Indexed > indexed })
		_ = nats.cmd.Process.Kill()
		_ = nats.cmd.Wait()
		nats = begin(t, "", dir, childServer+"="+port)
	}
	want(t, until(t, all.Manager, job.ID, "done", final), jobs.Done, 105, 100, 0, 5)
	if failures := failuresOf(t, all.Manager, job.ID); len(failures) != 5 {
		t.Errorf("ledger = %+v", failures)
	}
}

// TestPoison has a file under which every process dies: it ends in the ledger, and the rest is indexed.
func TestPoison(t *testing.T) {
	t.Parallel()
	folder, data := album(t, 20, 2), t.TempDir()
	deaths := 0
	for {
		p := begin(t, data, folder, childLethal+"=009.jpg")
		if err := p.cmd.Wait(); err == nil {
			break
		} else if p.cmd.ProcessState.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
			t.Fatalf("a process fails: %v\n%s", err, p.err)
		}
		if deaths++; deaths > 10 {
			t.Fatal("processes die for ever")
		}
	}
	got := contentOf(t, data, folder)
	want(t, got.job, jobs.Done, 22, 19, 0, 3)
	if f := got.ledger[filepath.Join(folder, "02", "009.jpg")]; f.Kind != jobs.Poison || len(got.ledger) != 3 {
		t.Errorf("ledger = %+v", got.ledger)
	}
	t.Logf("%d processes died", deaths)
}

// TestKilledWhileWaiting kills processes that wait for an encoder, more often than an item may have processes die under it:
// no item is blamed for that.
func TestKilledWhileWaiting(t *testing.T) {
	t.Parallel()
	folder, data := album(t, 5, 1), t.TempDir()
	for range 2*jobs.Default().Tries + 3 {
		p := begin(t, data, folder, childTriton+"=127.0.0.1:1")
		if err := p.cmd.Wait(); err == nil || p.cmd.ProcessState.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
			t.Fatalf("a process is not killed: %v\n%s", err, p.err)
		}
	}
	begin(t, data, folder).end(t)
	want(t, contentOf(t, data, folder).job, jobs.Done, 6, 5, 0, 1)
}
