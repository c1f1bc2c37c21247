package triton

import (
	"context"
	"fmt"
	"slices"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"clipseek/orchestrator/encoder"
	"clipseek/orchestrator/fault"

	pb "clipseek/orchestrator/encoder/triton/tritonpb"
)

// request is one inference that owns all its memory: the caller's may change once it is made.
type request struct {
	t       *tower
	count   int
	message mem.BufferSlice // as it goes over the wire
	region  *region         // of the input, where it does not
}

// compose makes a request of rows. wait is how long it may stay in the server's queue; 0 is as long as that lets it.
func (ep *endpoint) compose(ctx context.Context, t *tower, part rows, priority int, wait time.Duration) (*request, error) {
	shape := part.shape(t)
	size := length(shape, t.inType)
	input := &pb.ModelInferRequest_InferInputTensor{Name: t.input, Datatype: t.inType, Shape: shape}
	head := &pb.ModelInferRequest{
		ModelName: t.model, ModelVersion: t.version,
		Inputs:     []*pb.ModelInferRequest_InferInputTensor{input},
		Outputs:    []*pb.ModelInferRequest_InferRequestedOutputTensor{{Name: t.output}},
		Parameters: map[string]*pb.InferParameter{},
	}
	if wait > 0 {
		head.Parameters["timeout"] = number(wait.Microseconds())
	}
	if priority > 0 { // servers without levels ignore it
		head.Parameters["priority"] = number(int64(priority))
	}
	r := &request{t: t, count: part.count()}
	var err error
	if r.region, err = ep.shared.acquire(ctx, ep, t, size); err != nil {
		return nil, err
	}
	if r.region != nil {
		part.write(t, r.region.memory[:size])
		input.Parameters = map[string]*pb.InferParameter{
			"shared_memory_region":    {ParameterChoice: &pb.InferParameter_StringParam{StringParam: r.region.name}},
			"shared_memory_byte_size": number(int64(size)),
		}
	}
	encoded, err := proto.Marshal(head)
	if err != nil {
		ep.shared.release(r.region)
		return nil, fault.Internal("a request to %s cannot be encoded", ep.where()).Because(err)
	}
	if r.region == nil {
		// Fields may come in any order and in pieces, so the tensor is written once, where gRPC sends it from.
		encoded = protowire.AppendTag(encoded, rawInputContents, protowire.BytesType)
		encoded = protowire.AppendVarint(encoded, uint64(size))
		tensor := mem.DefaultBufferPool().Get(size)
		part.write(t, *tensor)
		r.message = mem.BufferSlice{mem.SliceBuffer(encoded), mem.NewBuffer(tensor, mem.DefaultBufferPool())}
	} else {
		r.message = mem.BufferSlice{mem.SliceBuffer(encoded)}
	}
	return r, nil
}

// rawInputContents is the number of ModelInferRequest's field raw_input_contents.
const rawInputContents protowire.Number = 7

func number(n int64) *pb.InferParameter {
	return &pb.InferParameter{ParameterChoice: &pb.InferParameter_Int64Param{Int64Param: n}}
}

// infer sends a request and returns its vectors. It frees the request's memory.
func (ep *endpoint) infer(ctx context.Context, r *request) ([]encoder.Vector, error) {
	answer := new(pb.ModelInferResponse)
	err := ep.conn.Invoke(ctx, pb.GRPCInferenceService_ModelInfer_FullMethodName, r.message, answer, grpc.ForceCodecV2(ready{}), grpc.StaticMethod())
	r.message.Free()
	var made *fault.Error
	if err != nil {
		made = ep.translate(ep.where(), err)
	}
	if r.region != nil {
		if made != nil && made.Kind == fault.KindUnavailable && codeOf(err) != codes.NotFound {
			r.region.unanswered = true
		}
		ep.shared.release(r.region)
	}
	if made != nil {
		if made.Kind == fault.KindInvalid { // it fitted when we asked
			ep.forget()
		}
		return nil, made
	}
	if ep.epoch.Load() != r.t.epoch {
		return nil, fault.Unavailable("the connection to %s was lost", ep.where()).Because(errStale)
	}
	vectors, err := r.t.read(answer, r.count)
	return vectors, fault.At(ep.where(), err)
}

// ready is a codec for messages that are encoded already; answers are decoded as usual.
type ready struct{}

// Name is that of the encoding.
func (ready) Name() string { return "proto" }

// Marshal hands out a reference; whoever made the message keeps its own.
func (ready) Marshal(message any) (mem.BufferSlice, error) {
	data, ok := message.(mem.BufferSlice)
	if !ok {
		return nil, fmt.Errorf("%T is not an encoded message", message)
	}
	data.Ref()
	return data, nil
}

// Unmarshal decodes an answer.
func (ready) Unmarshal(data mem.BufferSlice, message any) error {
	answer, ok := message.(proto.Message)
	if !ok {
		return fmt.Errorf("%T is not a message", message)
	}
	flat := data.MaterializeToBuffer(mem.DefaultBufferPool())
	defer flat.Free()
	return proto.Unmarshal(flat.ReadOnlyData(), answer)
}

// read takes count vectors of L2 norm 1 from an answer.
func (t *tower) read(answer *pb.ModelInferResponse, count int) ([]encoder.Vector, error) {
	i := slices.IndexFunc(answer.Outputs, func(o *pb.ModelInferResponse_InferOutputTensor) bool { return o.Name == t.output })
	if i < 0 || i >= len(answer.RawOutputContents) {
		return nil, fault.Internal("%s answered without the output %q", t.model, t.output)
	}
	output, raw := answer.Outputs[i], answer.RawOutputContents[i]
	row := t.width * sizes[t.outType]
	if output.Datatype != t.outType || !slices.Equal(output.Shape, []int64{int64(count), int64(t.width)}) || len(raw) != count*row {
		return nil, fault.Internal("%s answered with %s %v in %d bytes where %s [%d %d] was due", t.model, output.Datatype, output.Shape, len(raw), t.outType, count, t.width)
	}
	flat := make([]float32, count*t.width)
	vectors := make([]encoder.Vector, count)
	for i := range vectors {
		vectors[i] = flat[i*t.width : (i+1)*t.width : (i+1)*t.width]
		readVector(t.outType, raw[i*row:(i+1)*row], vectors[i])
		if !encoder.Normalize(vectors[i]) {
			return nil, fault.Internal("%s gave item %d an embedding without direction (zero or not finite)", t.model, i)
		}
	}
	return vectors, nil
}
