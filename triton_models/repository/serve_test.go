package repository_test

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"clipseek/deploy/servers"
	"clipseek/deploy/servers/serverstest"
	"clipseek/orchestrator/app"
	"clipseek/orchestrator/app/apptest"
	"clipseek/orchestrator/encoder"
	"clipseek/orchestrator/encoder/triton/tritonpb"
	"clipseek/orchestrator/model"
	"clipseek/triton_models/repository"
)

// explicit is how the commands that Install tells start a Triton.
var explicit = []string{"--model-control-mode=explicit", "--load-model=" + repository.ImageModel, "--load-model=" + repository.TextModel}

// Tokens of a text that the built-in model takes, and priorities.
const (
	wholeContext = 77
	search       = 1
	ingest       = 2
)

// server is a Triton that serves the built-in model.
type server struct {
	*servers.Triton
	tritonpb.GRPCInferenceServiceClient
	card model.Card
}

func start(t *testing.T, dir string, args ...string) server {
	t.Helper()
	s := serverstest.Triton(t, servers.TritonConfig{Repository: dir, Variant: "python", Args: append(args, explicit...)})
	conn, err := grpc.NewClient(s.GRPC, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return server{Triton: s, GRPCInferenceServiceClient: tritonpb.NewGRPCInferenceServiceClient(conn), card: demo(t).Card}
}

func demo(t *testing.T) *app.Model {
	t.Helper()
	m, err := app.OpenModel(apptest.Config(t))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func install(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if _, err := repository.Install(demo(t).Model, dir, repository.Default()); err != nil {
		t.Fatal(err)
	}
	return dir
}

// infer sends rows of one model and gives their vectors.
func (s server) infer(t *testing.T, name string, priority int64, shape []int64, data any) ([]encoder.Vector, error) {
	t.Helper()
	var raw bytes.Buffer
	if err := binary.Write(&raw, binary.LittleEndian, data); err != nil {
		t.Fatal(err)
	}
	input, kind, output := s.card.Image.Input, "FP32", s.card.Image.Output
	if name == repository.TextModel {
		input, kind, output = s.card.Text.Input, "INT32", s.card.Text.Output
	}
	answer, err := s.ModelInfer(t.Context(), &tritonpb.ModelInferRequest{
		ModelName:        name,
		Inputs:           []*tritonpb.ModelInferRequest_InferInputTensor{{Name: input, Datatype: kind, Shape: shape}},
		RawInputContents: [][]byte{raw.Bytes()},
		Parameters:       map[string]*tritonpb.InferParameter{"priority": {ParameterChoice: &tritonpb.InferParameter_Int64Param{Int64Param: priority}}},
	})
	if err != nil {
		return nil, err
	}
	width := s.card.Width
	if out := answer.GetOutputs()[0]; out.GetName() != output || out.GetShape()[0] != shape[0] || out.GetShape()[1] != int64(width) {
		t.Errorf("%v", out)
	}
	flat := answer.GetRawOutputContents()[0]
	vectors := make([]encoder.Vector, shape[0])
	for i := range vectors {
		vectors[i] = make(encoder.Vector, width)
		for j := range vectors[i] {
			vectors[i][j] = math.Float32frombits(binary.LittleEndian.Uint32(flat[4*(i*width+j):]))
		}
	}
	return vectors, nil
}

// texts asks for rows texts of as many tokens, all the same id.
func (s server) texts(t *testing.T, priority int64, rows, length int, id int32) error {
	t.Helper()
	ids := make([]int32, rows*length)
	for i := range ids {
		ids[i] = id
	}
	_, err := s.infer(t, repository.TextModel, priority, []int64{int64(rows), int64(length)}, ids)
	return err
}

func (s server) pictures(t *testing.T, rows, side int) error {
	t.Helper()
	_, err := s.infer(t, repository.ImageModel, ingest, []int64{int64(rows), 3, int64(side), int64(side)}, make([]float32, rows*3*side*side))
	return err
}

func (s server) statistics(t *testing.T, name string) *tritonpb.ModelStatistics {
	t.Helper()
	answer, err := s.ModelStatistics(t.Context(), &tritonpb.ModelStatisticsRequest{Name: name})
	if err != nil {
		t.Fatal(err)
	}
	return answer.GetModelStats()[0]
}

// counted waits until Triton has counted that many answers more than before: it counts just after it has answered.
func (s server) counted(t *testing.T, name string, before *tritonpb.ModelStatistics, answers uint64) *tritonpb.ModelStatistics {
	t.Helper()
	want := before.GetInferenceStats().GetSuccess().GetCount() + answers
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		now := s.statistics(t, name)
		switch count := now.GetInferenceStats().GetSuccess().GetCount(); {
		case count == want:
			return now
		case count > want, time.Now().After(end):
			t.Fatalf("%s: %d answers counted, want %d", name, count, want)
		}
	}
}

func TestTritonServesWhatInstallWrites(t *testing.T) {
	s := start(t, install(t), "--log-verbose=1", "--cache-config=local,size=1048576")
	t.Run("metadata", s.testMetadata)
	t.Run("warm-up", s.testWarmup)
	t.Run("goldens", s.testGoldens)
	t.Run("foreign client", s.testForeign)
	t.Run("cache", s.testCache)
	t.Run("batches", s.testBatches)
	t.Run("wrong requests", s.testWrong)
	t.Run("overflow", s.testOverflow)
	t.Run("unload and load", s.testControl)
}

func (s server) testMetadata(t *testing.T) {
	size, width := s.card.Image.Size, s.card.Width
	for name, want := range map[string]string{
		repository.ImageModel: fmt.Sprintf("%s FP32 [-1 3 %d %d] -> %s FP32 [-1 %d]", s.card.Image.Input, size, size, s.card.Image.Output, width),
		repository.TextModel:  fmt.Sprintf("%s INT32 [-1 -1] -> %s FP32 [-1 %d]", s.card.Text.Input, s.card.Text.Output, width),
	} {
		m, err := s.ModelMetadata(t.Context(), &tritonpb.ModelMetadataRequest{Name: name})
		if err != nil {
			t.Fatal(err)
		}
		in, out := m.GetInputs()[0], m.GetOutputs()[0]
		if got := fmt.Sprintf("%s %s %v -> %s %s %v", in.GetName(), in.GetDatatype(), in.GetShape(), out.GetName(), out.GetDatatype(), out.GetShape()); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}

func (s server) testWarmup(t *testing.T) {
	log, err := os.ReadFile(s.Log())
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{repository.ImageModel, repository.TextModel} {
		for instance := range 2 {
			for _, sample := range []string{"one", "full"} {
				if want := fmt.Sprintf("instance %s_0_%d is running warmup sample '%s'", name, instance, sample); !strings.Contains(string(log), want) {
					t.Errorf("the log has no %q", want)
				}
			}
		}
	}
}

func (s server) testGoldens(t *testing.T) {
	const least = 0.9999
	m := demo(t)
	golden, err := m.Golden()
	if err != nil {
		t.Fatal(err)
	}
	compare := func(item string, got []encoder.Vector, err error, want encoder.Vector) {
		if err != nil {
			t.Fatal(err)
		}
		if !encoder.Normalize(got[0]) || !encoder.Normalize(want) || encoder.Dot(got[0], want) < least {
			t.Errorf("%s: cosine %.6f", item, encoder.Dot(got[0], want))
		}
	}
	for _, g := range golden.Texts {
		got, err := s.infer(t, repository.TextModel, search, []int64{1, int64(len(g.Tokens))}, g.Tokens)
		compare(g.Text, got, err, g.Embedding)
	}
	size := int64(m.Spec.Size)
	pixels := make([]float32, 3*size*size)
	for _, g := range golden.Images {
		file, err := m.ReadFile(g.File)
		if err != nil {
			t.Fatal(err)
		}
		if err := m.Tensor(file, pixels); err != nil {
			t.Fatal(err)
		}
		got, err := s.infer(t, repository.ImageModel, search, []int64{1, 3, size, size}, pixels)
		compare(g.File, got, err, g.Embedding)
	}
}

func (s server) testForeign(t *testing.T) {
	size, width := s.card.Image.Size, s.card.Width
	wanted, err := json.Marshal(map[string]any{
		repository.ImageModel: map[string]any{
			"input": []any{s.card.Image.Input, "FP32", []int{-1, 3, size, size}}, "output": []any{s.card.Image.Output, "FP32", []int{-1, width}},
			"model": s.card.Name, "numpy": "float32", "item": []int{3, size, size},
		},
		repository.TextModel: map[string]any{
			"input": []any{s.card.Text.Input, "INT32", []int{-1, -1}}, "output": []any{s.card.Text.Output, "FP32", []int{-1, width}},
			"model": s.card.Name, "numpy": "int32", "item": []int{9},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), filepath.Join(serverstest.Home(t), "python", "bin", "python"), filepath.Join("testdata", "foreign.py"), s.GRPC)
	cmd.Stdin = bytes.NewReader(wanted)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// testCache asks the same twice: the second answer comes from the cache.
func (s server) testCache(t *testing.T) {
	before := s.statistics(t, repository.TextModel)
	for range 2 {
		if err := s.texts(t, search, 1, 5, 77); err != nil {
			t.Fatal(err)
		}
	}
	after := s.counted(t, repository.TextModel, before, 2)
	if hits := after.GetInferenceStats().GetCacheHit().GetCount() - before.GetInferenceStats().GetCacheHit().GetCount(); hits != 1 {
		t.Errorf("%d answers from the cache, want 1", hits)
	}
}

// testBatches sends more requests, of several sizes, than there are instances: those that wait go together. It sends
// them again where they came too slowly to wait for each other.
func (s server) testBatches(t *testing.T) {
	const requests, rounds = 16, 20
	for range rounds {
		before := s.statistics(t, repository.ImageModel)
		var all sync.WaitGroup
		for i := range requests {
			all.Go(func() {
				if err := s.pictures(t, 1+i%3, s.card.Image.Size); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		after := s.counted(t, repository.ImageModel, before, requests)
		if after.GetExecutionCount()-before.GetExecutionCount() < requests {
			return
		}
	}
	t.Errorf("no two of %d requests ran together, in %d rounds", requests, rounds)
}

// testWrong sends requests that cannot be answered among ones that can, all at once.
func (s server) testWrong(t *testing.T) {
	const beyondVocabulary = 1 << 30
	var all sync.WaitGroup
	refused := func(what string, err error) {
		if status.Code(err) != codes.InvalidArgument {
			t.Errorf("%s: %v", what, err)
		}
	}
	for i := range 8 {
		all.Go(func() {
			refused("a token that is not in the vocabulary", s.texts(t, search, 1, 7, beyondVocabulary+int32(i)))
		})
		all.Go(func() { refused("a text that is too long", s.texts(t, search, 1, wholeContext+1, int32(i))) })
		all.Go(func() { refused("a picture of another size", s.pictures(t, 1, s.card.Image.Size/2)) })
		for j := range 4 {
			all.Go(func() {
				if err := s.texts(t, search, 1, 7, int32(100*i+j)); err != nil {
					t.Errorf("a neighbour of a wrong request: %v", err)
				}
			})
		}
	}
	all.Wait()
}

// testOverflow floods the queue of ingest: what does not fit is refused, what fits is answered, and a search passes.
func (s server) testOverflow(t *testing.T) {
	const flood = 300 // the queue takes 64
	var all sync.WaitGroup
	var answered, refused atomic.Int64
	full := make(chan struct{}, flood)
	for i := range flood {
		all.Go(func() {
			switch err := s.texts(t, ingest, 32, wholeContext, int32(1000+i)); status.Code(err) {
			case codes.OK:
				answered.Add(1)
			case codes.Unavailable:
				refused.Add(1)
				full <- struct{}{}
			default:
				t.Error(err)
			}
		})
	}
	done := make(chan struct{})
	go func() { all.Wait(); close(done) }()
	select {
	case <-full:
	case <-done:
		t.Fatal("nothing was refused")
	}
	if err := s.texts(t, search, 1, 5, 4000); err != nil {
		t.Errorf("a search beside the flood: %v", err)
	}
	select {
	case <-done:
		t.Error("the search came after everything else")
	default:
	}
	<-done
	if answered.Load() < 64 || refused.Load() == 0 {
		t.Errorf("%d answered, %d refused", answered.Load(), refused.Load())
	}
}

func (s server) testControl(t *testing.T) {
	ready := func() bool {
		answer, err := s.ModelReady(t.Context(), &tritonpb.ModelReadyRequest{Name: repository.TextModel})
		if err != nil {
			t.Fatal(err)
		}
		return answer.GetReady()
	}
	if _, err := s.RepositoryModelUnload(t.Context(), &tritonpb.RepositoryModelUnloadRequest{ModelName: repository.TextModel}); err != nil {
		t.Fatal(err)
	}
	if ready() {
		t.Error("an unloaded model is ready")
	}
	if _, err := s.RepositoryModelLoad(t.Context(), &tritonpb.RepositoryModelLoadRequest{ModelName: repository.TextModel}); err != nil {
		t.Fatal(err)
	}
	if !ready() {
		t.Error("a loaded model is not ready")
	}
	if err := s.texts(t, search, 1, 5, 4001); err != nil {
		t.Error(err)
	}
}

// TestTritonServesTheCommittedRepository starts a Triton on triton_models as it lies, other folders included, with the
// built-in model's towers, which have the shapes of ViT-L/14@336px. It has no cache: the configuration must not need one.
func TestTritonServesTheCommittedRepository(t *testing.T) {
	m := demo(t)
	dir := t.TempDir()
	link := func(from, to string) {
		t.Helper()
		if err := os.Symlink(from, filepath.Join(dir, to)); err != nil {
			t.Fatal(err)
		}
	}
	committed := filepath.Join(apptest.Root(t), "triton_models")
	link(filepath.Join(committed, "samples"), "samples")
	for name, tower := range map[string]string{repository.ImageModel: m.Card.Image.File, repository.TextModel: m.Card.Text.File} {
		if err := os.MkdirAll(filepath.Join(dir, name, "1"), 0o755); err != nil {
			t.Fatal(err)
		}
		for _, part := range []string{"config.pbtxt", "configs", "1/model.py"} {
			link(filepath.Join(committed, name, part), filepath.Join(name, part))
		}
		content, err := m.ReadFile(tower)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name, "1", "model.onnx"), content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	s := start(t, dir)
	s.testMetadata(t)
	s.testGoldens(t)
}
