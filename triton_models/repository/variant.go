package repository

import "fmt"

// variant is a way to run both models: one configuration of each.
type variant struct {
	Name, Title   string
	Backend, File string // Triton's backend, and the file that it loads
	GPU           bool
	Plan          bool   // a TensorRT plan, built on the GPU that will run it
	Threads       string // for the CPU: what 0 cores stands for
}

// variants are named as --model-config-name takes them. The first is config.pbtxt too: every image of Triton has it, and
// it needs no GPU.
var variants = []variant{
	{Name: "onnx-cpu", Title: "ONNX Runtime on the CPU", Backend: "onnxruntime", File: "model.onnx", Threads: "all cores; --backend-config=onnxruntime,enable-global-threadpool=1 shares one pool and overrides this"},
	{Name: "onnx-gpu", Title: "ONNX Runtime on a GPU with CUDA", Backend: "onnxruntime", File: "model.onnx", GPU: true},
	{Name: "onnx-tensorrt", Title: "ONNX Runtime on a GPU with the TensorRT accelerator in FP16", Backend: "onnxruntime", File: "model.onnx", GPU: true},
	{Name: "tensorrt-plan", Title: "a TensorRT plan in FP16, built on the target GPU", Backend: "tensorrt", File: "model.plan", GPU: true, Plan: true},
	{Name: "python", Title: "the Python backend with the package onnxruntime on the CPU", Backend: "python", File: "model.py", Threads: "an equal share of the cores"},
}

// capabilities are the compute capabilities of the data centre and workstation GPUs that current Tritons run on.
var capabilities = []string{"7.5", "8.0", "8.6", "8.9", "9.0", "10.0", "10.3", "12.0"}

// setting is everything that a configuration says.
type setting struct {
	tower
	Variant                     variant
	EngineCache                 string
	MaxBatch                    int
	BatchReason, InstanceReason string
	Queues                      []queue
}

// queue bounds what waits at one priority level.
type queue struct {
	Level   int
	Size    int // requests, each of up to MaxBatch items
	Timeout int // microseconds; a client's deadline lies above it
}

const second = 1_000_000 // microseconds

func newSetting(t tower, v variant, opts Options) setting {
	s := setting{tower: t, Variant: v, EngineCache: opts.EngineCache}
	search, ingest := queue{Level: 1, Size: 64}, queue{Level: 2, Size: 32}
	if v.GPU {
		s.MaxBatch = 32
		s.BatchReason = "A transformer fills a large GPU with some 16 pictures; more in one run would only keep searches waiting longer."
		s.InstanceReason = "Two: one copies while the other computes, and a lone one would leave requests lying (docs/triton.md, Queues)."
		search.Timeout, ingest.Timeout = 2*second, 30*second
	} else {
		s.MaxBatch = 8
		s.BatchReason = "On a CPU a large batch is no faster for each picture, and searches wait until it is done."
		s.InstanceReason = "Two: a lone one would leave requests lying for up to half a second (docs/triton.md, Queues)."
		search.Timeout, ingest.Timeout = 5*second, 60*second
	}
	if t.model == TextModel {
		s.MaxBatch *= 4
		s.BatchReason = "A text costs a small part of a picture. Only texts of one length share a batch."
		search.Size, ingest.Size = 256, 64
	}
	s.Queues = []queue{search, ingest}
	return s
}

// Model, Input and Output are for the template.
func (s setting) Model() string  { return s.model }
func (s setting) Input() tensor  { return s.input }
func (s setting) Output() tensor { return s.output }

// Capabilities are the kinds of GPU that plans are named for.
func (s setting) Capabilities() []string { return capabilities }

// Cache reports whether answers are worth keeping: texts come again, pictures do not.
func (s setting) Cache() bool { return s.model == TextModel }

// warmup is a batch of zeros that runs before the model is ready.
type warmup struct {
	Name  string
	Batch int
	Shape string
}

// typicalTokens is the length of a usual query, start and end included.
const typicalTokens = 8

// Warmup is the least and the greatest batch.
func (s setting) Warmup() []warmup {
	return []warmup{
		{"one", 1, join(s.dims(typicalTokens), ", ")},
		{"full", s.MaxBatch, join(s.dims(s.context), ", ")},
	}
}

// dims is an input of one item, a text having length tokens where the model lets it.
func (s setting) dims(length int) []int64 {
	dims := append([]int64(nil), s.input.dims...)
	for i := range dims {
		if dims[i] == open {
			dims[i] = int64(min(length, s.context))
		}
	}
	return dims
}

// profile is the shapes that a TensorRT engine is built for, as TensorRT writes them.
type profile struct{ Min, Opt, Max string }

// Profile covers all that Triton lets through, at its best for what comes most: full batches of pictures, and short texts.
func (s setting) Profile() profile {
	shape := func(batch, length int) string {
		return fmt.Sprintf("%s:%dx%s", s.input.Name, batch, join(s.dims(length), "x"))
	}
	best := s.MaxBatch
	if s.model == TextModel {
		best = typicalTokens
	}
	return profile{Min: shape(1, 1), Opt: shape(best, 2*typicalTokens), Max: shape(s.MaxBatch, s.context)}
}
