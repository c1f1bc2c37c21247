package triton

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/model"

	pb "clipseek/orchestrator/encoder/triton/tritonpb"
)

// side is one of the model's towers.
type side uint8

const (
	images side = iota
	texts
	sides // how many there are
)

// Triton's names of the types in use.
const (
	fp32   = "FP32"
	fp16   = "FP16"
	int32s = "INT32"
	int64s = "INT64"
)

// sizes is the bytes of one value.
var sizes = map[string]int{fp32: 4, fp16: 2, int32s: 4, int64s: 8}

// anySize stands for a dimension of any size, as in Triton's own descriptions.
const anySize = -1

// need is what the card asks of a server's model.
type need struct {
	model, version string
	input, output  string
	types          []string // that the input may hold
	shape          []int64  // of the input, rows first
	causal         bool     // texts: the second dimension may be open, and need not be
	pad            int32    // texts: fills what is behind the end token
	width          int
}

// needs is by side; a model of pictures alone has no texts.
func needs(card model.Card, cfg Config) []need {
	size := int64(card.Image.Size)
	all := []need{images: {
		model: cfg.ImageModel, version: cfg.Version, input: card.Image.Input, output: card.Image.Output,
		types: []string{fp32, fp16}, shape: []int64{anySize, 3, size, size}, width: card.Width,
	}}
	if card.HasText() {
		all = append(all, need{
			model: cfg.TextModel, version: cfg.Version, input: card.Text.Input, output: card.Text.Output,
			types: []string{int32s, int64s}, shape: []int64{anySize, int64(card.Text.Context)}, causal: card.Text.Causal, pad: card.Text.Pad, width: card.Width,
		})
	}
	return all
}

// tower is a server's model that fits the card, with what a request to it must mind.
type tower struct {
	need
	inType, outType string
	rows            int  // most rows of one request; 0 is any number
	anyLength       bool // texts may be shorter than the context
	queue           [lanes]queue
	epoch           uint64 // of the connection over which this was learned
}

// fit compares a server's model with the card. The fault, Conflict, says what the model has, what the card needs and
// what to do.
func (n need) fit(where string, meta *pb.ModelMetadataResponse, config *pb.ModelConfig) (*tower, error) {
	refuse := func(format string, args ...any) error {
		return fault.Conflict("the model %s on %s does not fit the card: %s; `clipseek model install --triton DIR` renders a model repository that fits",
			n.model, where, fmt.Sprintf(format, args...))
	}
	input, output := named(meta.Inputs, n.input), named(meta.Outputs, n.output)
	switch {
	case input == nil:
		return nil, refuse("it has no input %q but %s", n.input, names(meta.Inputs))
	case output == nil:
		return nil, refuse("it has no output %q but %s", n.output, names(meta.Outputs))
	case !slices.Contains(n.types, input.Datatype):
		return nil, refuse("its input %q holds %s and %s is needed", n.input, input.Datatype, strings.Join(n.types, " or "))
	case output.Datatype != fp32 && output.Datatype != fp16:
		return nil, refuse("its output %q holds %s and FP32 or FP16 is needed", n.output, output.Datatype)
	case !takes(input.Shape[min(1, len(input.Shape)):], n.shape[1:]):
		return nil, refuse("its input %q has the shape %v and %v is needed (-1 is any size)", n.input, input.Shape, n.shape)
	case !takes(output.Shape[min(1, len(output.Shape)):], []int64{int64(n.width)}):
		return nil, refuse("its output %q has the shape %v and %v is needed (-1 is any size)", n.output, output.Shape, []int64{anySize, int64(n.width)})
	}
	for _, other := range config.Input {
		if other.Name != n.input && !other.Optional {
			return nil, refuse("it also wants the input %q, which the card does not have", other.Name)
		}
	}
	t := &tower{need: n, inType: input.Datatype, outType: output.Datatype, rows: int(config.MaxBatchSize)}
	if t.rows == 0 { // the server does not batch; the model's own first dimension says how many rows it takes
		switch first := input.Shape[0]; first {
		case anySize:
		case 1:
			t.rows = 1
		default:
			return nil, refuse("its input %q takes exactly %d rows and any number is needed (export it with a dynamic batch, as `make export-model` does)", n.input, first)
		}
	}
	t.anyLength = n.causal && input.Shape[1] == anySize
	return t, nil
}

func named(tensors []*pb.ModelMetadataResponse_TensorMetadata, name string) *pb.ModelMetadataResponse_TensorMetadata {
	for _, tensor := range tensors {
		if tensor.Name == name {
			return tensor
		}
	}
	return nil
}

func names(tensors []*pb.ModelMetadataResponse_TensorMetadata) string {
	var all []string
	for _, tensor := range tensors {
		all = append(all, fmt.Sprintf("%q", tensor.Name))
	}
	return strings.Join(all, ", ")
}

// takes reports whether a tensor whose dimensions are described as got may have those of want.
func takes(got, want []int64) bool {
	return slices.EqualFunc(got, want, func(g, w int64) bool { return g == anySize || g == w })
}

// queue is how long a server lets a request wait before it rejects it.
type queue struct {
	limit   time.Duration // 0 is for ever
	shorter bool          // a request may ask to be rejected earlier
}

// queueOf is the queue of requests of this priority.
func queueOf(config *pb.ModelConfig, priority int) queue {
	batching := config.GetDynamicBatching()
	if priority == 0 || uint64(priority) > batching.GetPriorityLevels() {
		priority = int(batching.GetDefaultPriorityLevel()) // as the server does
	}
	policy := batching.GetDefaultQueuePolicy()
	if own, ok := batching.GetPriorityQueuePolicy()[uint64(priority)]; ok {
		policy = own
	}
	if policy.GetTimeoutAction() != pb.ModelQueuePolicy_REJECT {
		return queue{} // it is delayed, not rejected
	}
	limit := time.Duration(policy.GetDefaultTimeoutMicroseconds()) * time.Microsecond
	return queue{limit: limit, shorter: limit > 0 && policy.GetAllowTimeoutOverride()} // the server takes shorter limits for what has one
}
