package main

import (
	"context"
	"fmt"
	"image/color"
	"maps"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"clipseek/deploy/servers"
	"clipseek/deploy/servers/serverstest"
	"clipseek/orchestrator/app"
	"clipseek/orchestrator/app/apptest"
	"clipseek/orchestrator/config"
	"clipseek/orchestrator/encoder"
	"clipseek/orchestrator/index"
	"clipseek/orchestrator/ingest"
	"clipseek/orchestrator/jobs"
	"clipseek/orchestrator/model"
	"clipseek/triton_models/repository"
)

// natsServer is a NATS server as an administrator would run it: nats-server PORT FOLDER.
func natsServer() {
	port, err := strconv.Atoi(os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	s, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: port, JetStream: true, StoreDir: os.Args[2], SyncAlways: true, NoLog: true})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	s.Start()
	s.WaitForShutdown()
}

// killCount is how many kills TestKills does; the variable KILLS sets it.
func killCount(t *testing.T) int {
	if n, err := strconv.Atoi(os.Getenv("KILLS")); err == nil {
		return n
	}
	if testing.Short() {
		return 3
	}
	return 6
}

// victim is one of the processes that are killed.
type victim struct {
	name  string
	kill  func()
	start func() error // returns when it answers, where it is a server

	busy     sync.Mutex // held from the kill until it has been started
	starting sync.WaitGroup
}

// strike kills the victim and starts it again, beside whatever else goes on. It reports false where it is still starting.
func (v *victim) strike(t *testing.T) bool {
	if !v.busy.TryLock() {
		return false
	}
	v.kill()
	v.starting.Go(func() {
		defer v.busy.Unlock()
		if err := v.start(); err != nil {
			t.Errorf("%s does not start again: %v", v.name, err)
		}
	})
	return true
}

// daemon is a process of this test binary as one of TestMain's commands. What it says is in a file.
type daemon struct {
	log  string
	args []string // the command first

	mu   sync.Mutex
	cmd  *exec.Cmd
	done chan struct{}
}

// current is the process that was started last, if any.
func (d *daemon) current() (*exec.Cmd, chan struct{}) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.cmd, d.done
}

func (d *daemon) start() error {
	out, err := os.OpenFile(d.log, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer out.Close() // the child has its own
	cmd := exec.Command(os.Args[0], d.args[1:]...)
	cmd.Args[0], cmd.Stdout, cmd.Stderr = d.args[0], out, out
	if err := cmd.Start(); err != nil {
		return err
	}
	done := make(chan struct{})
	go func() {
		_ = cmd.Wait() // ended tells
		close(done)
	}()
	d.mu.Lock()
	defer d.mu.Unlock()
	d.cmd, d.done = cmd, done
	return nil
}

func (d *daemon) kill() {
	if cmd, done := d.current(); cmd != nil {
		_ = cmd.Process.Kill() // it may have ended
		<-done
	}
}

// ended reports how the process ended, if it has and if nobody killed it.
func (d *daemon) ended() (code int, by string) {
	cmd, done := d.current()
	select {
	case <-done:
	default:
		return -1, ""
	}
	text, _ := os.ReadFile(d.log)
	return cmd.ProcessState.ExitCode(), string(text[max(0, len(text)-2000):])
}

// cluster is the servers that TestKills runs, and the configuration that clipseek has there.
type cluster struct {
	cfg    app.Config
	file   string // the configuration
	triton *servers.Triton
	milvus *servers.Milvus
	nats   *daemon
}

func newCluster(t *testing.T) *cluster {
	m, err := model.OpenDemo()
	if err != nil {
		t.Fatal(err)
	}
	models, dir := t.TempDir(), t.TempDir()
	if _, err := repository.Install(m, models, repository.Default()); err != nil {
		t.Fatal(err)
	}
	port := freePort(t)
	c := &cluster{nats: &daemon{log: filepath.Join(dir, "nats.log"), args: []string{"nats-server", port, filepath.Join(dir, "nats")}}}
	if err := c.nats.start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.nats.kill)
	c.triton = serverstest.Triton(t, servers.TritonConfig{Repository: models, Variant: "python"})
	c.milvus = serverstest.Milvus(t, servers.MilvusConfig{})
	c.file = filepath.Join(dir, "clipseek.yaml")
	text := fmt.Sprintf("encoder: {kind: triton, triton: {endpoints: [%q]}}\n"+
		"index: {kind: milvus, milvus: {address: %q}}\n"+
		"ingest: {group: 4, in_flight: 2, patience: 5m}\n"+
		"jobs: {batch: 10, pause: 100ms, lease: 2s, nats: {url: %q}}\nserver: {listen: '127.0.0.1:0'}\n",
		c.triton.GRPC, c.milvus.GRPC, "nats://127.0.0.1:"+port)
	if err := os.WriteFile(c.file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if c.cfg, err = config.Load(app.Default(), config.Sources{File: c.file}); err != nil {
		t.Fatal(err)
	}
	c.cfg.Data = t.TempDir()
	return c
}

// freePort is one below those that systems give to connections, so that nobody takes it while the server is away.
func freePort(t *testing.T) string {
	for {
		port := strconv.Itoa(20_000 + rand.IntN(12_000))
		if l, err := net.Listen("tcp", "127.0.0.1:"+port); err == nil {
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
			return port
		}
	}
}

// clipseek is a process of the program with a data folder of its own, as on another machine.
func (c *cluster) clipseek(t *testing.T, args ...string) *daemon {
	dir := t.TempDir()
	d := &daemon{log: filepath.Join(dir, "log"), args: append([]string{"clipseek"}, append(args, "--config", c.file, "--data", filepath.Join(dir, "data"))...)}
	t.Cleanup(d.kill)
	return d
}

// mixedAlbum is a folder of n good pictures, of which one in eight has a twin, and of bad ones.
func mixedAlbum(t *testing.T, n int) (folder string, good, bad int64) {
	files := map[string][]byte{}
	for i := range n {
		disc := color.RGBA{uint8(i * 37), uint8(i * 91), uint8(i * 53), 255}
		picture := apptest.JPEG(t, apptest.Picture(48+i%40, disc, apptest.White))
		files[fmt.Sprintf("%02d/%04d.jpg", i%11, i)] = picture
		good++
		if i%8 == 3 {
			files[fmt.Sprintf("twins/%04d.jpg", i)] = picture
			good++
		}
		if i%9 == 5 {
			files[fmt.Sprintf("%02d/%04d-bad.jpg", i%11, i)] = fmt.Appendf(nil, "no picture %d", i)
			bad++
		}
		if i%25 == 7 {
			files[fmt.Sprintf("%02d/%04d-cut.jpg", i%11, i)] = picture[:len(picture)/3]
			bad++
		}
	}
	return apptest.Write(t, files), good, bad
}

// content is what a job has left: the records of its folder by path, all rows of the collection, and the ledger.
type content struct {
	job     jobs.Job
	records map[string]index.Record
	rows    int64
	ledger  map[string]jobs.Failure
}

func (c *cluster) content(t *testing.T, core *app.Core, all *app.Jobs, job jobs.Job) content {
	out := content{job: job, records: map[string]index.Record{}, ledger: map[string]jobs.Failure{}}
	for f, err := range all.Failures(t.Context(), job.ID) {
		if err != nil {
			t.Fatal(err)
		}
		if _, twice := out.ledger[f.Path]; twice {
			t.Errorf("%s is in the ledger twice", f.Path)
		}
		out.ledger[f.Path] = f
	}
	paths, err := filepath.Glob(filepath.Join(job.Sources[0], "*", "*"))
	if err != nil {
		t.Fatal(err)
	}
	ids := make([]int64, len(paths))
	for i, path := range paths {
		ids[i] = index.ID(path)
	}
	err = ingest.Outlast(t.Context(), 2*time.Minute, nil, func(ctx context.Context) error {
		photos, err := core.Make(ctx, job.Collection)
		if err != nil {
			return err
		}
		records, err := photos.Get(ctx, ids)
		if err != nil {
			return err
		}
		for _, r := range records {
			out.records[r.Path] = r
		}
		out.rows, err = photos.(index.Counter).Count(ctx, nil)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// sameAs compares with a run that nobody disturbed.
func (c content) sameAs(t *testing.T, clean content) {
	counts := func(j jobs.Job) string {
		p := j.Progress
		return fmt.Sprintf("%s: found %d indexed %d unchanged %d failed %d bytes %d", j.State, p.Found, p.Indexed, p.Unchanged, p.Failed, p.Bytes)
	}
	if got, want := counts(c.job), counts(clean.job); got != want {
		t.Errorf("the job ends %s, want %s", got, want)
	}
	if c.rows != clean.rows || len(c.records) != len(clean.records) {
		t.Errorf("%d rows and %d records of the folder, want %d and %d", c.rows, len(c.records), clean.rows, len(clean.records))
	}
	for path, want := range clean.records {
		got := c.records[path]
		if len(got.Vector) == 0 {
			t.Errorf("%s is missing", path)
			continue
		}
		delete(got.Fields, index.FieldIngestedAt)
		delete(want.Fields, index.FieldIngestedAt)
		if got.ID != want.ID || encoder.Dot(got.Vector, want.Vector) < 0.99999 || !maps.Equal(got.Fields, want.Fields) {
			t.Errorf("%s is %d %v, want %d %v, vectors' product %.6f", path, got.ID, got.Fields, want.ID, want.Fields, encoder.Dot(got.Vector, want.Vector))
		}
	}
	if !maps.Equal(c.ledger, clean.ledger) {
		t.Errorf("ledger = %+v, want %+v", c.ledger, clean.ledger)
	}
}

// TestKills has two processes of clipseek work on one job, with a real Triton, Milvus and NATS, kills one or another of
// the five at random moments, and compares with a clean run. KILLS=30 kills more often.
func TestKills(t *testing.T) {
	t.Parallel()
	count, seed := killCount(t), rand.Uint64()
	if given, err := strconv.ParseUint(os.Getenv("SEED"), 10, 64); err == nil {
		seed = given
	}
	defer func() {
		if t.Failed() {
			t.Errorf("the victims and moments are those of SEED=%d KILLS=%d", seed, count)
		}
	}()
	c := newCluster(t)
	core := apptest.OpenCore(t, c.cfg)
	all, err := app.OpenQueue(t.Context(), c.cfg, apptest.Log(t))
	if err != nil {
		t.Fatal(err)
	}
	defer all.Close()
	folder, good, bad := mixedAlbum(t, 80+10*count)

	start := func(collection string) jobs.Job {
		job, _, err := all.Start(t.Context(), jobs.Spec{Sources: []string{folder}, Collection: collection})
		if err != nil {
			t.Fatal(err)
		}
		return job
	}
	serving := c.clipseek(t, "serve")
	if err := serving.start(); err != nil {
		t.Fatal(err)
	}
	clean := await(t, all, start("clean").ID, time.Minute, final)
	if p := clean.Progress; p.Indexed != good || p.Failed != bad {
		t.Fatalf("the clean run ends with %+v, want %d indexed and %d failed", clean, good, bad)
	}
	t.Logf("%d pictures in %s without kills", good, clean.Progress.Elapsed)

	job := start("killed")
	ingesting := c.clipseek(t, "ingest", folder, "--collection", "killed")
	if err := ingesting.start(); err != nil {
		t.Fatal(err)
	}
	victims := []*victim{
		{name: "clipseek serve", kill: serving.kill, start: serving.start},
		{name: "clipseek ingest", kill: ingesting.kill, start: ingesting.start},
		{name: "NATS", kill: c.nats.kill, start: c.nats.start},
		{name: "Triton", kill: c.triton.Kill, start: func() error { return c.triton.Start(t.Context()) }},
		{name: "Milvus", kill: c.milvus.Kill, start: func() error { return c.milvus.Start(t.Context()) }},
	}
	killed := strikeAll(t, rand.New(rand.NewPCG(seed, 0)), count, victims, []*daemon{serving, ingesting, c.nats}, func() (jobs.Job, error) { return all.Get(t.Context(), job.ID) })
	job = await(t, all, job.ID, 3*time.Minute, final)
	t.Logf("%s; the job took %s", killed, job.Progress.Elapsed)
	c.content(t, core, all, job).sameAs(t, c.content(t, core, all, clean))
}

// strikeAll kills so many times, as long as the job is not done: all victims in a random order, and again in another. Half
// the time it first lets the job get further. It tells what it did when everything has been started again.
func strikeAll(t *testing.T, r *rand.Rand, count int, victims []*victim, processes []*daemon, now func() (jobs.Job, error)) string {
	did := map[string]int{}
	done := func(j jobs.Job) int64 { return j.Progress.Indexed + j.Progress.Failed }
	job, err := now()
	order := r.Perm(len(victims))
	for kills := 0; kills < count && err == nil && !job.State.Final(); {
		before, patience := done(job), 100*time.Millisecond+time.Duration(r.Int64N(int64(700*time.Millisecond)))
		further := r.IntN(2) == 0
		v := victims[order[kills%len(order)]]
		for deadline := time.Now().Add(patience); err == nil && !job.State.Final(); job, err = now() {
			if time.Now().After(deadline) && (!further || done(job) > before || time.Now().After(deadline.Add(20*time.Second))) {
				break
			}
			<-time.After(10 * time.Millisecond) // between looks, not for a result
		}
		if job.State.Final() {
			break
		}
		for _, p := range processes {
			if code, said := p.ended(); code > 0 {
				t.Errorf("%v ended by itself with %d: %s", p.args[:2], code, said)
			}
		}
		if v.strike(t) {
			t.Logf("%d done: %s is killed", done(job), v.name)
			did[v.name]++
			if kills++; kills%len(order) == 0 {
				order = r.Perm(len(victims))
			}
		}
	}
	for _, v := range victims {
		v.starting.Wait()
	}
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("killed: %v", did)
}

func final(j jobs.Job) bool { return j.State.Final() }

// await waits for a job to be as it should.
func await(t *testing.T, all *app.Jobs, id string, within time.Duration, holds func(jobs.Job) bool) jobs.Job {
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()
	var last jobs.Job
	for job := range all.Watch(ctx, id, 20*time.Millisecond) {
		if last = job; holds(job) {
			return job
		}
	}
	t.Fatalf("the job does not come to its end: %+v", last)
	return last
}
