package app

import (
	"context"
	"errors"
	"log/slog"
	"strings"

	"clipseek/orchestrator/encoder"
	"clipseek/orchestrator/encoder/onnx"
	"clipseek/orchestrator/encoder/triton"
	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/index"
	"clipseek/orchestrator/index/local"
	"clipseek/orchestrator/index/milvus"
)

// towers is a model that runs, behind the proof that it is the one it should be.
type towers struct {
	search, bulk encoder.Encoder // the same model, as each lane uses it
	proof        *encoder.Proof
	examine      func(context.Context) ([]encoder.Check, error) // what the proof looks at, in detail
	server       any                                            // what can be asked whether it is ready; nil in process
	where        string                                         // names it, for messages
	step         int                                            // pictures of a bulk batch after which a search gets its turn; 0 is all
}

// openTowers has the configured encoder run the model.
func openTowers(cfg Config, m *Model, log *slog.Logger) (*towers, error) {
	if cfg.Encoder.Kind == EncoderTriton {
		enc, err := triton.Open(m.Model, cfg.Encoder.Triton, log)
		if err != nil {
			return nil, err
		}
		return prove(m, enc, enc.Bulk(), enc, "triton "+strings.Join(cfg.Encoder.Triton.Endpoints, ", ")), nil
	}
	enc, err := onnx.Open(m.Model, cfg.Encoder.ONNX, log)
	if err != nil {
		return nil, err
	}
	t := prove(m, enc, enc.Bulk(), nil, "the model")
	t.step = enc.BulkImages()
	return t, nil
}

func prove(m *Model, search, bulk encoder.Encoder, server any, where string) *towers {
	examine := func(ctx context.Context) ([]encoder.Check, error) {
		return encoder.Examine(ctx, m.Model, m.Tokenizer, m.Pixels, search)
	}
	proof := encoder.NewProof(func(ctx context.Context) error {
		return encoder.SelfTest(ctx, m.Model, m.Tokenizer, m.Pixels, search)
	})
	return &towers{search: proof.Guard(search), bulk: proof.Guard(bulk), proof: proof, examine: examine, server: server, where: where}
}

// ready tells what keeps the model from answering.
func (t *towers) ready(ctx context.Context) error {
	if err := ready(ctx, t.server); err != nil {
		return err
	}
	return t.proof.Ensure(ctx)
}

// Close ends the encoder; both lanes are views of it.
func (t *towers) Close() error { return errors.Join(t.proof.Close(), t.search.Close()) }

// OpenEncoder runs the model's towers for bulk work, proven on its reference values. Close is owed.
func OpenEncoder(ctx context.Context, cfg Config, m *Model, log *slog.Logger) (encoder.Encoder, error) {
	t, err := openTowers(cfg, m, log)
	if err != nil {
		return nil, err
	}
	if err := t.proof.Ensure(ctx); err != nil {
		return nil, errors.Join(err, t.Close())
	}
	return proven{t.bulk, t}, nil
}

// Examine runs the model as configured and tells how each of its steps comes out beside its reference values. Faults:
// those of the model's files and of the encoder; what drifted is none.
func Examine(ctx context.Context, cfg Config, m *Model, log *slog.Logger) (checks []encoder.Check, err error) {
	t, err := openTowers(cfg, m, log)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, t.Close()) }()
	return t.examine(ctx)
}

// proven is an encoder that ends with all that it was opened with.
type proven struct {
	encoder.Encoder
	towers *towers
}

func (p proven) Close() error { return p.towers.Close() }

// LoadModel has the servers of the encoder load the model, or load it again as it is in their repository now; UnloadModel
// has them end its use. Fault, beside theirs: Invalid where the model runs in process.
func LoadModel(ctx context.Context, cfg Config, m *Model, log *slog.Logger) error {
	return onServers(cfg, m, log, func(s modelServers) error { return s.Load(ctx) })
}

// UnloadModel is the reverse of LoadModel.
func UnloadModel(ctx context.Context, cfg Config, m *Model, log *slog.Logger) error {
	return onServers(cfg, m, log, func(s modelServers) error { return s.Unload(ctx) })
}

// modelServers is an encoder on servers that load and unload models when told.
type modelServers interface {
	Load(context.Context) error
	Unload(context.Context) error
}

func onServers(cfg Config, m *Model, log *slog.Logger, f func(modelServers) error) error {
	t, err := openTowers(cfg, m, log)
	if err != nil {
		return err
	}
	servers, ok := t.server.(modelServers)
	if !ok {
		return errors.Join(fault.Invalid("encoder.kind = %q runs the model in this program; only servers are told to load models: pass a --config with encoder.kind: %s", cfg.Encoder.Kind, EncoderTriton), t.Close())
	}
	return errors.Join(f(servers), t.Close())
}

// OpenDatabase opens the index alone. Close is owed.
func OpenDatabase(ctx context.Context, cfg Config, log *slog.Logger) (index.Database, error) {
	if cfg.Index.Kind == IndexMilvus {
		return milvus.Open(cfg.Index.Milvus, log)
	}
	return local.Open(ctx, cfg.Index.Local.config(cfg.Data))
}

// ready asks a part whether its server answers; parts without a server always do.
func ready(ctx context.Context, part any) error {
	if server, ok := part.(interface{ Ready(context.Context) error }); ok {
		return server.Ready(ctx)
	}
	return nil
}

// unanswered names who did not answer within the time that a question had.
func unanswered(where string, err error) error {
	if errors.Is(err, context.DeadlineExceeded) {
		return fault.Unavailable("%s has not answered yet", where).Because(err)
	}
	return err
}
