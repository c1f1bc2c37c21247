package triton

import (
	"context"
	"errors"
	"sync"
	"time"

	"google.golang.org/grpc/codes"

	"clipseek/orchestrator/fault"

	pb "clipseek/orchestrator/encoder/triton/tritonpb"
)

// Ready tells what keeps the model from being run: nil where one endpoint at least answers and holds the towers as the
// card wants them. Fault otherwise: that of each endpoint, with its name.
func (e *Encoder) Ready(ctx context.Context) error {
	var one sync.Mutex
	var well bool
	err := e.everywhere(func(ep *endpoint) error {
		err := ep.ready(ctx)
		one.Lock()
		defer one.Unlock()
		well = well || err == nil
		return err
	})
	if well {
		return nil
	}
	return err
}

// ready asks for the models, whatever is known of them.
func (ep *endpoint) ready(ctx context.Context) error {
	for s, n := range ep.needs {
		if err := ep.modelReady(ctx, n, ep.cfg.Load); err != nil {
			return err
		}
		if _, err := ep.tower(ctx, side(s)); err != nil {
			return err
		}
	}
	return nil
}

// fits asks for what is not known of the models.
func (ep *endpoint) fits(ctx context.Context) error {
	for s := range ep.needs {
		if _, err := ep.tower(ctx, side(s)); err != nil {
			return err
		}
	}
	return nil
}

// Load has every endpoint load the models, or load them again as they are in its repository now. The servers must run
// with --model-control-mode=explicit. Faults: Conflict (they do not), NotFound (no such model, or one that cannot be
// loaded), Unavailable.
func (e *Encoder) Load(ctx context.Context) error {
	return e.everywhere(func(ep *endpoint) error {
		for _, n := range ep.needs {
			if err := ep.load(ctx, n); err != nil {
				return err
			}
		}
		return nil
	})
}

// Unload has every endpoint end the use of the models once the requests under way are answered. Faults as of Load.
func (e *Encoder) Unload(ctx context.Context) error {
	return e.everywhere(func(ep *endpoint) error {
		defer ep.forget()
		for _, n := range ep.needs {
			if _, err := ep.api.RepositoryModelUnload(ctx, &pb.RepositoryModelUnloadRequest{ModelName: n.model}); err != nil {
				return ep.refused(ctx, err)
			}
		}
		return nil
	})
}

// load returns when the model can be used, which may take minutes.
func (ep *endpoint) load(ctx context.Context, n need) error {
	began := time.Now()
	defer ep.forget()
	_, err := ep.api.RepositoryModelLoad(ctx, &pb.RepositoryModelLoadRequest{ModelName: n.model})
	if err == nil {
		ep.log.Info("triton has loaded a model", "model", n.model, "dur", time.Since(began))
		return nil
	}
	made := ep.refused(ctx, err)
	if codeOf(made) == codes.Internal {
		return fault.NotFound("%s cannot load the model %s; its log says why, and `clipseek model install --triton DIR` renders a model repository that fits", ep.where(), n.model).Because(err)
	}
	return made
}

// Statistics is what a server counts of one model, over all priorities and since it was loaded.
type Statistics struct {
	Rows     int // encoded
	Requests int // answered
	Batches  int // that the server made of them; Rows/Batches is how well its batcher is fed

	// What the answered requests took, each, together: waiting for the batch, copying in, computing, copying out.
	Queue, Input, Compute, Output time.Duration
}

// Statistics asks all endpoints what their models have done, image tower and text tower.
func (e *Encoder) Statistics(ctx context.Context) (image, text Statistics, err error) {
	var one sync.Mutex
	var sum [sides]Statistics
	err = e.everywhere(func(ep *endpoint) error {
		for s, n := range ep.needs {
			answer, err := ep.api.ModelStatistics(ctx, &pb.ModelStatisticsRequest{Name: n.model, Version: n.version})
			if err != nil {
				return ep.refused(ctx, err)
			}
			one.Lock()
			for _, m := range answer.ModelStats {
				sum[s].add(m)
			}
			one.Unlock()
		}
		return nil
	})
	return sum[images], sum[texts], err
}

func (s *Statistics) add(m *pb.ModelStatistics) {
	took := func(d *pb.StatisticDuration) time.Duration { return time.Duration(d.GetNs()) }
	all := m.GetInferenceStats()
	s.Rows += int(m.InferenceCount)
	s.Batches += int(m.ExecutionCount)
	s.Requests += int(all.GetSuccess().GetCount())
	s.Queue += took(all.GetQueue())
	s.Input += took(all.GetComputeInput())
	s.Compute += took(all.GetComputeInfer())
	s.Output += took(all.GetComputeOutput())
}

// everywhere calls f for all endpoints at once and joins their faults into one of the first one's kind.
func (e *Encoder) everywhere(f func(*endpoint) error) error {
	if err := e.enter(); err != nil {
		return err
	}
	defer e.calls.Done()
	all, err := e.roster.endpoints()
	if err != nil {
		return err
	}
	errs := make([]error, len(all))
	var group sync.WaitGroup
	for i, ep := range all {
		group.Go(func() { errs[i] = f(ep) })
	}
	group.Wait()
	return join(errs)
}

// join makes one fault of several: its kind is the first's, its message all of theirs.
func join(errs []error) error {
	var made *fault.Error
	for _, err := range errs {
		switch {
		case err == nil:
		case made == nil:
			made = &fault.Error{Kind: fault.KindOf(err), Message: fault.Public(err), RetryAfter: fault.RetryAfter(err)}
		default:
			made.Message += "; " + fault.Public(err)
		}
	}
	if made == nil {
		return nil
	}
	return made.Because(errors.Join(errs...))
}
