package app_test

import (
	"context"
	"encoding/json"
	"fmt"
	"image/color"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"clipseek/deploy/servers"
	"clipseek/deploy/servers/serverstest"
	"clipseek/orchestrator/app"
	"clipseek/orchestrator/app/apptest"
	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/index"
	"clipseek/orchestrator/ingest"
	"clipseek/orchestrator/jobs"
	"clipseek/orchestrator/model/modeltest"
	"clipseek/triton_models/repository"
)

// These tests run clipseek against a real Triton and a real Milvus, and break both.

// models renders the demo model for Triton.
func models(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if _, err := repository.Install(modeltest.Demo(t), dir, repository.Default()); err != nil {
		t.Fatal(err)
	}
	return dir
}

// clusterConfig is the configuration of a cluster at these addresses.
func clusterConfig(t *testing.T, triton, milvus string) app.Config {
	t.Helper()
	cfg := apptest.Config(t)
	cfg.Encoder.Kind, cfg.Encoder.Triton.Endpoints = app.EncoderTriton, []string{triton}
	cfg.Encoder.Recent = 0 // every search asks the server
	cfg.Index.Kind, cfg.Index.Milvus.Address = app.IndexMilvus, milvus
	cfg.Ingest.Group, cfg.Jobs.Batch, cfg.Ingest.InFlight, cfg.Jobs.Pause = 4, 10, 2, 100*time.Millisecond
	cfg.Ingest.Patience = 5 * time.Second // a job outlasts it
	cfg.Ingest.Recent = 0                 // every picture asks the server
	return cfg
}

// album is a folder of n pictures that all differ.
func album(t *testing.T, n int) string {
	t.Helper()
	files := map[string][]byte{}
	for i := range n {
		disc := color.RGBA{uint8(i * 37), uint8(i * 91), uint8(i * 53), 255}
		files[fmt.Sprintf("album/%03d.jpg", i)] = apptest.JPEG(t, apptest.Picture(48+i%40, disc, apptest.White))
	}
	return apptest.Write(t, files)
}

// start begins a job in this process; now tells how it stands.
func start(t *testing.T, cfg app.Config, core *app.Core, collection, folder string) (now func() jobs.Job) {
	t.Helper()
	all, err := app.OpenJobs(t.Context(), cfg, core, apptest.Log(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := all.Close(); err != nil {
			t.Error(err)
		}
	})
	job, _, err := all.Start(t.Context(), jobs.Spec{Sources: []string{folder}, Collection: collection})
	if err != nil {
		t.Fatal(err)
	}
	all.Work(job.ID)
	return func() jobs.Job {
		now, err := all.Get(t.Context(), job.ID)
		if err != nil {
			t.Fatal(err)
		}
		return now
	}
}

// poll asks until it holds.
func poll(t *testing.T, what string, holds func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	for !holds() {
		select {
		case <-ctx.Done():
			t.Fatalf("%s: it never came to this", what)
		case <-time.After(20 * time.Millisecond): // between questions, not for a result
		}
	}
}

// wantEach checks that every picture of the folder is in the collection, and each once.
func wantEach(t *testing.T, photos index.Index, folder string, n int) {
	t.Helper()
	ids := make([]int64, n)
	for i := range ids {
		ids[i] = index.ID(filepath.Join(folder, "album", fmt.Sprintf("%03d.jpg", i)))
	}
	var records []index.Record
	var count int64
	// Milvus takes writes again before it has brought the collection back into memory for reading.
	err := ingest.Outlast(t.Context(), time.Minute, nil, func(ctx context.Context) (err error) {
		if records, err = photos.Get(ctx, ids); err == nil {
			count, err = photos.(index.Counter).Count(ctx, nil)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(records) != n || count != int64(n) {
		t.Errorf("%d pictures are there and %d rows in all, want %d of each", len(records), count, n)
	}
}

// breakDuring kills and restarts the server at random moments of an ingest and expects nothing to be lost or doubled.
func breakDuring(t *testing.T, cfg app.Config, core *app.Core, collection string, kill func(), restart func(context.Context) error) {
	t.Helper()
	const n = 120
	seed := rand.Uint64()
	t.Logf("the moments are those of seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	folder := album(t, n)
	photos, err := core.Make(t.Context(), collection)
	if err != nil {
		t.Fatal(err)
	}
	cfg.Data = t.TempDir()
	now := start(t, cfg, core, collection, folder)
	for kills := range int64(3) {
		moment := kills*n/3 + r.Int64N(n/4)
		poll(t, "the next kill", func() bool { return now().Progress.Indexed >= moment })
		kill()
		if kills == 0 { // let the run notice
			poll(t, "waiting", func() bool { return now().Waiting != "" })
		}
		if err := restart(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	poll(t, "the job's end", func() bool { return now().State.Final() })
	if job := now(); job.State != jobs.Done || job.Progress.Indexed != n || job.Progress.Failed != 0 || job.Waiting != "" {
		t.Errorf("the job ends with %+v", job)
	}
	wantEach(t, photos, folder, n)
}

func TestServersRestartDuringIngest(t *testing.T) {
	t.Parallel()
	triton := serverstest.Triton(t, servers.TritonConfig{Repository: models(t), Variant: "python"})
	milvus := serverstest.Milvus(t, servers.MilvusConfig{})
	cfg := clusterConfig(t, triton.GRPC, milvus.GRPC)
	core := apptest.OpenCore(t, cfg)
	for name, server := range map[string]interface {
		Kill()
		Start(context.Context) error
	}{"Triton": triton, "Milvus": milvus} {
		t.Run(name, func(t *testing.T) {
			breakDuring(t, cfg, core, "pictures_"+strings.ToLower(name), server.Kill, server.Start)
		})
	}
}

// service is a running service and a client of it.
type service struct {
	t    *testing.T
	base string
}

// serve runs the whole program until the test ends.
func serve(t *testing.T, cfg app.Config) service {
	t.Helper()
	s, err := app.OpenService(t.Context(), cfg, "test", apptest.Log(t))
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
		if err := s.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return service{t, s.URL()}
}

// get asks, and gives up where the service's own deadline of three seconds has not led to an answer long after it.
func (s service) get(method, path, body string) (status int, header http.Header, answer string) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), 20*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, method, s.base+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		s.t.Errorf("no answer: %v", err)
		return 0, nil, ""
	}
	content, err := io.ReadAll(response.Body)
	_ = response.Body.Close()
	if err != nil {
		s.t.Errorf("half an answer: %v", err)
	}
	return response.StatusCode, response.Header, string(content)
}

func (s service) search() (status int, header http.Header, answer string) {
	s.t.Helper()
	return s.get(http.MethodPost, "/v1/collections/text_image_vector/search", `{"text": "a red apple"}`)
}

// works waits until searches are answered and all parts are ready.
func (s service) works(hits int) {
	s.t.Helper()
	poll(s.t, "a search that is answered", func() bool {
		status, header, answer := s.search()
		if status != http.StatusOK {
			s.wantAway(status, header, answer)
			return false
		}
		var found struct {
			Hits []struct{} `json:"hits"`
		}
		if err := json.Unmarshal([]byte(answer), &found); err != nil {
			s.t.Fatal(err)
		}
		return len(found.Hits) == hits
	})
	poll(s.t, "readiness", func() bool { status, _, _ := s.get(http.MethodGet, "/readyz", ""); return status == http.StatusOK })
}

// wantAway checks the answer to a search while a server is away.
func (s service) wantAway(status int, header http.Header, answer string) {
	s.t.Helper()
	if status != http.StatusServiceUnavailable || header.Get("Retry-After") == "" {
		s.t.Errorf("a search gets %d, Retry-After %q: %s", status, header.Get("Retry-After"), answer)
	}
}

// away waits until the service says that this part is missing, and that it lives.
func (s service) away(part, address string) {
	s.t.Helper()
	poll(s.t, part+" missing", func() bool {
		status, _, answer := s.get(http.MethodGet, "/readyz", "")
		var ready struct {
			Parts map[string]string `json:"parts"`
		}
		if err := json.Unmarshal([]byte(answer), &ready); err != nil {
			s.t.Fatal(err)
		}
		return status == http.StatusServiceUnavailable && strings.Contains(ready.Parts[part], address)
	})
	s.wantAway(s.search())
	if status, _, _ := s.get(http.MethodGet, "/healthz", ""); status != http.StatusOK {
		s.t.Errorf("/healthz answers %d", status)
	}
}

// TestServersComeAndGo starts the service before its servers, lets them come, makes them slow, has them answer garbage,
// and kills them: searches get 503 within the deadline, /readyz names the part, and everything works again by itself.
func TestServersComeAndGo(t *testing.T) {
	t.Parallel()
	toTriton, toMilvus := freeAddress(t), freeAddress(t)
	tritonProxy, milvusProxy := serverstest.NewProxy(t, toTriton), serverstest.NewProxy(t, toMilvus)
	cfg := clusterConfig(t, tritonProxy.Address, milvusProxy.Address)
	cfg.Server.Timeout = 3 * time.Second
	s := serve(t, cfg)
	s.away("model", tritonProxy.Address)

	triton := serverstest.Triton(t, servers.TritonConfig{Repository: models(t), Variant: "python", Port: port(t, toTriton)})
	s.away("index", milvusProxy.Address)
	milvus := serverstest.Milvus(t, servers.MilvusConfig{Port: port(t, toMilvus)})
	s.works(0)
	fillCluster(t, cfg, 20)
	s.works(16)
	defer s.keepSearching()()

	for _, part := range []struct {
		name, address string
		proxy         *serverstest.Proxy
		server        interface {
			Kill()
			Start(context.Context) error
			Pause()
			Resume()
		}
	}{{"model", tritonProxy.Address, tritonProxy, triton}, {"index", milvusProxy.Address, milvusProxy, milvus}} {
		t.Logf("%s: stalled", part.name)
		part.proxy.Stall()
		s.away(part.name, part.address)
		part.proxy.Forward()
		s.works(16)
		t.Logf("%s: garbage", part.name)
		part.proxy.Garble()
		s.away(part.name, part.address)
		part.proxy.Forward()
		s.works(16)
		t.Logf("%s: hung", part.name)
		part.server.Pause()
		s.away(part.name, part.address)
		part.server.Resume()
		s.works(16)
		t.Logf("%s: killed", part.name)
		part.server.Kill()
		s.away(part.name, part.address)
		if err := part.server.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		s.works(16)
	}
}

// keepSearching searches until the function that comes back is called: whatever is done to the servers in the middle of a
// search, it is answered, with hits or with 503.
func (s service) keepSearching() (stop func()) {
	ctx, cancel := context.WithCancel(s.t.Context())
	var searching sync.WaitGroup
	searching.Go(func() {
		for ctx.Err() == nil {
			if status, header, answer := s.search(); status != http.StatusOK {
				s.wantAway(status, header, answer)
			}
		}
	})
	return func() { cancel(); searching.Wait() }
}

// fillCluster ingests n pictures as another process would.
func fillCluster(t *testing.T, cfg app.Config, n int) {
	t.Helper()
	cfg.Data = t.TempDir()
	core := apptest.OpenCore(t, cfg)
	photos, err := core.Make(t.Context(), cfg.Collection)
	if err != nil {
		t.Fatal(err)
	}
	apptest.Ingest(t, core, photos, album(t, n))
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

func port(t *testing.T, address string) int {
	t.Helper()
	a, err := net.ResolveTCPAddr("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	return a.Port
}

// TestModelsAreLoadedWhenTold starts a Triton that loads nothing by itself.
func TestModelsAreLoadedWhenTold(t *testing.T) {
	t.Parallel()
	triton := serverstest.Triton(t, servers.TritonConfig{Repository: models(t), Variant: "python", Args: []string{"--model-control-mode=explicit"}})
	cfg := clusterConfig(t, triton.GRPC, "127.0.0.1:1")
	m, err := app.OpenModel(cfg)
	if err != nil {
		t.Fatal(err)
	}
	log := apptest.Log(t)
	if _, err := app.OpenEncoder(t.Context(), cfg, m, log); fault.KindOf(err) != fault.KindUnavailable {
		t.Errorf("before it is loaded: %v", err)
	}
	if err := app.LoadModel(t.Context(), cfg, m, log); err != nil {
		t.Fatal(err)
	}
	enc, err := app.OpenEncoder(t.Context(), cfg, m, log)
	if err != nil {
		t.Fatal(err)
	}
	if err := enc.Close(); err != nil {
		t.Error(err)
	}
	if err := app.UnloadModel(t.Context(), cfg, m, log); err != nil {
		t.Fatal(err)
	}
	if _, err := app.OpenEncoder(t.Context(), cfg, m, log); fault.KindOf(err) != fault.KindUnavailable {
		t.Errorf("after it is unloaded: %v", err)
	}
	cfg.Encoder.Triton.Load = true
	if enc, err = app.OpenEncoder(t.Context(), cfg, m, log); err != nil {
		t.Fatal(err)
	}
	if err := enc.Close(); err != nil {
		t.Error(err)
	}
}
