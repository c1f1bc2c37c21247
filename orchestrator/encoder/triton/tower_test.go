package triton

import (
	"strings"
	"testing"
	"time"

	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/model"
	"clipseek/orchestrator/model/modeltest"

	pb "clipseek/orchestrator/encoder/triton/tritonpb"
)

func tensor(name, datatype string, shape ...int64) *pb.ModelMetadataResponse_TensorMetadata {
	return &pb.ModelMetadataResponse_TensorMetadata{Name: name, Datatype: datatype, Shape: shape}
}

// TestFit compares descriptions of servers' models with the demo model's card.
func TestFit(t *testing.T) {
	t.Parallel()
	m := modeltest.Demo(t)
	whole := m.Card // every text is padded to the context
	whole.Text.Causal = false
	type tensors = []*pb.ModelMetadataResponse_TensorMetadata
	vectors := tensors{tensor("embedding", "FP32", -1, 768)}
	for name, tc := range map[string]struct {
		card    model.Card
		side    side
		in, out tensors
		config  *pb.ModelConfig
		want    string // in the fault; empty fits
		rows    int
		any     bool // text of any length
	}{
		"pictures":          {card: m.Card, in: tensors{tensor("pixels", "FP32", -1, 3, 336, 336)}, config: &pb.ModelConfig{MaxBatchSize: 16}, rows: 16},
		"half, open sizes":  {card: m.Card, in: tensors{tensor("pixels", "FP16", -1, 3, -1, -1)}, out: tensors{tensor("embedding", "FP16", -1, -1)}, rows: 0},
		"other outputs too": {card: m.Card, in: tensors{tensor("pixels", "FP32", -1, 3, 336, 336)}, out: append(tensors{tensor("hidden", "INT8", 1)}, vectors...)},
		"one by one":        {card: m.Card, in: tensors{tensor("pixels", "FP32", 1, 3, 336, 336)}, rows: 1},
		"bytes":             {card: m.Card, in: tensors{tensor("pixels", "UINT8", -1, 3, 336, 336)}, want: "holds UINT8 and FP32 or FP16 is needed"},
		"channels last":     {card: m.Card, in: tensors{tensor("pixels", "FP32", -1, 336, 336, 3)}, want: "[-1 336 336 3] and [-1 3 336 336] is needed"},
		"no dimensions":     {card: m.Card, in: tensors{tensor("pixels", "FP32")}, want: "has the shape [] and"},
		"exactly four":      {card: m.Card, in: tensors{tensor("pixels", "FP32", 4, 3, 336, 336)}, want: "exactly 4 rows"},
		"strange output":    {card: m.Card, in: tensors{tensor("pixels", "FP32", -1, 3, 336, 336)}, out: tensors{tensor("embedding", "BF16", -1, 768)}, want: "holds BF16 and FP32 or FP16"},
		"another width":     {card: m.Card, in: tensors{tensor("pixels", "FP32", -1, 3, 336, 336)}, out: tensors{tensor("embedding", "FP32", -1, 512)}, want: "[-1 512] and [-1 768]"},
		"more inputs": {card: m.Card, in: tensors{tensor("pixels", "FP32", -1, 3, 336, 336)}, want: `also wants the input "mask"`,
			config: &pb.ModelConfig{Input: []*pb.ModelInput{{Name: "pixels"}, {Name: "size", Optional: true}, {Name: "mask"}}}},
		"texts":                 {card: m.Card, side: texts, in: tensors{tensor("tokens", "INT64", -1, -1)}, any: true},
		"texts of the context":  {card: m.Card, side: texts, in: tensors{tensor("tokens", "INT32", -1, 77)}},
		"texts too short":       {card: m.Card, side: texts, in: tensors{tensor("tokens", "INT32", -1, 32)}, want: "[-1 32] and [-1 77] is needed"},
		"float tokens":          {card: m.Card, side: texts, in: tensors{tensor("tokens", "FP32", -1, -1)}, want: "INT32 or INT64 is needed"},
		"a tower not causal":    {card: whole, side: texts, in: tensors{tensor("tokens", "INT32", -1, -1)}},
		"no such input":         {card: m.Card, side: texts, in: tensors{tensor("ids", "INT32", -1, -1), tensor("mask", "INT32", -1, -1)}, want: `no input "tokens" but "ids", "mask"`},
		"no such output either": {card: m.Card, side: texts, in: tensors{tensor("tokens", "INT32", -1, -1)}, out: tensors{tensor("pooled", "FP32", -1, 768)}, want: `no output "embedding" but "pooled"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if tc.out == nil {
				tc.out = vectors
			}
			if tc.config == nil {
				tc.config = &pb.ModelConfig{}
			}
			got, err := needs(tc.card, Default())[tc.side].fit("triton a:1", &pb.ModelMetadataResponse{Inputs: tc.in, Outputs: tc.out}, tc.config)
			switch {
			case tc.want == "" && err != nil:
				t.Error(err)
			case tc.want == "":
				if got.rows != tc.rows || got.anyLength != tc.any {
					t.Errorf("rows %d, any length %t", got.rows, got.anyLength)
				}
			case fault.KindOf(err) != fault.KindConflict || !strings.Contains(fault.Public(err), tc.want) || !strings.Contains(fault.Public(err), "on triton a:1"):
				t.Errorf("err = %v, want one that says %q", err, tc.want)
			}
		})
	}
}

func TestQueueOf(t *testing.T) {
	t.Parallel()
	limit := func(ms uint64) *pb.ModelQueuePolicy {
		return &pb.ModelQueuePolicy{DefaultTimeoutMicroseconds: ms * 1000}
	}
	levels := &pb.ModelDynamicBatching{PriorityLevels: 2, DefaultPriorityLevel: 2, DefaultQueuePolicy: limit(100),
		PriorityQueuePolicy: map[uint64]*pb.ModelQueuePolicy{2: {DefaultTimeoutMicroseconds: 500_000, AllowTimeoutOverride: true}}}
	delayed := limit(100)
	delayed.TimeoutAction = pb.ModelQueuePolicy_DELAY
	for name, tc := range map[string]struct {
		batching *pb.ModelDynamicBatching
		priority int
		want     queue
	}{
		"no batching":         {nil, 1, queue{}},
		"no policy":           {&pb.ModelDynamicBatching{}, 1, queue{}},
		"override of nothing": {&pb.ModelDynamicBatching{DefaultQueuePolicy: &pb.ModelQueuePolicy{AllowTimeoutOverride: true}}, 1, queue{}},
		"one for all":         {&pb.ModelDynamicBatching{DefaultQueuePolicy: limit(100)}, 1, queue{limit: 100 * time.Millisecond}},
		"the default's":       {levels, 1, queue{limit: 100 * time.Millisecond}},
		"its own":             {levels, 2, queue{limit: 500 * time.Millisecond, shorter: true}},
		"the default level's": {levels, 0, queue{limit: 500 * time.Millisecond, shorter: true}},
		"a level too many":    {levels, 3, queue{limit: 500 * time.Millisecond, shorter: true}},
		"delayed":             {&pb.ModelDynamicBatching{DefaultQueuePolicy: delayed}, 1, queue{}},
	} {
		config := &pb.ModelConfig{}
		if tc.batching != nil {
			config.SchedulingChoice = &pb.ModelConfig_DynamicBatching{DynamicBatching: tc.batching}
		}
		if got := queueOf(config, tc.priority); got != tc.want {
			t.Errorf("%s: %+v, want %+v", name, got, tc.want)
		}
	}
}
