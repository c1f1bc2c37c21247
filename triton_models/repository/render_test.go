package repository

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/prototext"

	"clipseek/orchestrator/encoder/triton/tritonpb"
	"clipseek/orchestrator/model"
)

// other is a model that differs from the committed one in everything that a card can say.
func other() (model.Card, []tower) {
	card := model.Card{
		Name: "squash-256", Width: 512,
		Image: model.ImageTower{Size: 256, Input: "pixel_values", Output: "image_embeds"},
		Text:  model.TextTower{File: "text.onnx", Context: 52, Input: "input_ids", Output: "text_embeds"},
	}
	towers := towersOf(card)
	for i := range towers {
		towers[i].input.Type, towers[i].output.Type = "TYPE_FP16", "TYPE_FP16"
	}
	towers[1].input.Type = "TYPE_INT64"
	return card, towers
}

// TestConfigurations reads every configuration as Triton does, unknown fields being errors, and holds it against the card.
func TestConfigurations(t *testing.T) {
	for _, of := range []func() (model.Card, []tower){vitL14, other} {
		card, towers := of()
		files, err := render(card, towers, Default())
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			if !strings.HasSuffix(f.path, ".pbtxt") {
				continue
			}
			t.Run(card.Name+"/"+f.path, func(t *testing.T) {
				var config tritonpb.ModelConfig
				if err := prototext.Unmarshal(f.content, &config); err != nil {
					t.Fatalf("%v\n%s", err, f.content)
				}
				i := slices.IndexFunc(towers, func(w tower) bool { return strings.HasPrefix(f.path, w.model+"/") })
				checkTensors(t, &config, card, towers[i])
				checkQueues(t, config.GetDynamicBatching())
				checkWarmup(t, &config, towers[i])
				checkBackend(t, f.path, &config, towers[i])
			})
		}
	}
}

func checkTensors(t *testing.T, c *tritonpb.ModelConfig, card model.Card, w tower) {
	t.Helper()
	want := fmt.Sprintf("%s %s:%v -> %s:%v %s", w.model, w.input.Name, w.input.dims, w.output.Name, []int64{int64(card.Width)}, card.Name)
	got := fmt.Sprintf("%s %s:%v -> %s:%v %s", c.GetName(), c.GetInput()[0].GetName(), c.GetInput()[0].GetDims(),
		c.GetOutput()[0].GetName(), c.GetOutput()[0].GetDims(), c.GetParameters()["clipseek_model"].GetStringValue())
	if got != want || len(c.GetInput()) != 1 || len(c.GetOutput()) != 1 {
		t.Errorf("%s, want %s", got, want)
	}
	if c.GetInput()[0].GetDataType().String() != w.input.Type || c.GetOutput()[0].GetDataType().String() != w.output.Type {
		t.Errorf("types %s, %s", c.GetInput()[0].GetDataType(), c.GetOutput()[0].GetDataType())
	}
	if c.GetInput()[0].GetAllowRaggedBatch() {
		t.Error("ragged batches: no backend here takes them")
	}
	if c.GetResponseCache().GetEnable() != (w.model == TextModel) {
		t.Error("answers to texts are kept, those to pictures are not")
	}
}

func checkQueues(t *testing.T, b *tritonpb.ModelDynamicBatching) {
	t.Helper()
	if b.GetPriorityLevels() != 2 || b.GetDefaultPriorityLevel() != 2 || len(b.GetPriorityQueuePolicy()) != 2 {
		t.Fatalf("priorities: %v", b)
	}
	search, ingest := b.GetPriorityQueuePolicy()[1], b.GetPriorityQueuePolicy()[2]
	for _, p := range []*tritonpb.ModelQueuePolicy{search, ingest} {
		if p.GetTimeoutAction() != tritonpb.ModelQueuePolicy_REJECT || p.GetMaxQueueSize() == 0 || p.GetDefaultTimeoutMicroseconds() == 0 || !p.GetAllowTimeoutOverride() {
			t.Errorf("a queue without bounds: %v", p)
		}
	}
	if search.GetDefaultTimeoutMicroseconds() >= ingest.GetDefaultTimeoutMicroseconds() {
		t.Error("a search waits longer than ingest")
	}
}

func checkWarmup(t *testing.T, c *tritonpb.ModelConfig, w tower) {
	t.Helper()
	var sizes []uint32
	for _, sample := range c.GetModelWarmup() {
		sizes = append(sizes, sample.GetBatchSize())
		input := sample.GetInputs()[w.input.Name]
		if input.GetDataType().String() != w.input.Type || !input.GetZeroData() || len(input.GetDims()) != len(w.input.dims) {
			t.Errorf("%v", sample)
		}
		for i, d := range input.GetDims() {
			if d != w.input.dims[i] && (w.input.dims[i] != open || d < 1 || d > int64(w.context)) {
				t.Errorf("dims %v for %v", input.GetDims(), w.input.dims)
			}
		}
	}
	if !slices.Equal(sizes, []uint32{1, uint32(c.GetMaxBatchSize())}) {
		t.Errorf("batches of %v", sizes)
	}
}

func checkBackend(t *testing.T, path string, c *tritonpb.ModelConfig, w tower) {
	t.Helper()
	name := "onnx-cpu" // config.pbtxt
	if _, after, ok := strings.Cut(path, "/configs/"); ok {
		name = strings.TrimSuffix(after, ".pbtxt")
	}
	want := map[string]string{
		"onnx-cpu": "onnxruntime model.onnx KIND_CPU", "onnx-gpu": "onnxruntime model.onnx KIND_GPU", "onnx-tensorrt": "onnxruntime model.onnx KIND_GPU",
		"tensorrt-plan": "tensorrt model.plan KIND_GPU", "python": "python model.py KIND_CPU",
	}[name]
	group := c.GetInstanceGroup()[0]
	if got := fmt.Sprintf("%s %s %s", c.GetBackend(), c.GetDefaultModelFilename(), group.GetKind()); got != want || group.GetCount() != 2 {
		t.Errorf("%s, want %s", got, want)
	}
	switch name {
	case "onnx-cpu", "python":
		if c.GetParameters()["intra_op_thread_count"].GetStringValue() != "0" {
			t.Error("no count of threads")
		}
	case "onnx-tensorrt":
		gpu := c.GetOptimization().GetExecutionAccelerators().GetGpuExecutionAccelerator()
		if len(gpu) != 1 || gpu[0].GetName() != "tensorrt" || gpu[0].GetParameters()["precision_mode"] != "FP16" {
			t.Fatalf("%v", gpu)
		}
		p := gpu[0].GetParameters()
		if at := "/var/cache/clipseek/" + w.model; p["trt_engine_cache_path"] != at || p["trt_timing_cache_path"] != at {
			t.Errorf("caches: %v", p)
		}
		checkProfile(t, w, int(c.GetMaxBatchSize()), p["trt_profile_min_shapes"], p["trt_profile_opt_shapes"], p["trt_profile_max_shapes"])
	case "tensorrt-plan":
		if !slices.Equal(group.GetProfile(), []string{"0"}) || c.GetCcModelFilenames()["8.9"] != "model-8.9.plan" {
			t.Errorf("%v %v", group, c.GetCcModelFilenames())
		}
	}
}

var profileForm = regexp.MustCompile(`^[A-Za-z0-9_./-]+:([0-9]+)((?:x[0-9]+)+)$`)

// checkProfile reads the shapes as ONNX Runtime does and finds batches 1 to most, and texts of 1 to context tokens, inside.
func checkProfile(t *testing.T, w tower, most int, shapes ...string) {
	t.Helper()
	least, last := join(w.input.dims, "x"), join(w.input.dims, "x")
	if w.input.dims[0] == open {
		least, last = "1", fmt.Sprint(w.context)
	}
	for i, want := range []string{"1x" + least, "", fmt.Sprintf("%dx%s", most, last)} {
		if !profileForm.MatchString(shapes[i]) || !strings.HasPrefix(shapes[i], w.input.Name+":") {
			t.Errorf("profile %q", shapes[i])
		}
		if want != "" && shapes[i] != w.input.Name+":"+want {
			t.Errorf("profile %q, want %s", shapes[i], want)
		}
	}
}

// TestPlansFitTheirConfiguration holds the commands that build plans against the configurations that load them.
func TestPlansFitTheirConfiguration(t *testing.T) {
	_, towers := vitL14()
	i := slices.IndexFunc(variants, func(v variant) bool { return v.Plan })
	commands := plans("/srv/my models", variants[i], towers, Default())
	for j, want := range []string{
		"--saveEngine=/models/clip_image/1/model-$(nvidia-smi --query-gpu=compute_cap --format=csv,noheader --id=0).plan --fp16 " +
			"--minShapes=pixels:1x3x336x336 --optShapes=pixels:32x3x336x336 --maxShapes=pixels:32x3x336x336",
		"--minShapes=tokens:1x1 --optShapes=tokens:8x16 --maxShapes=tokens:128x77",
	} {
		if !strings.Contains(commands[j], want) || !strings.Contains(commands[j], "-v '/srv/my models':/models") {
			t.Error(commands[j])
		}
	}
}
