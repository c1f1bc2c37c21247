package jobs

import (
	"context"
	"strings"

	"github.com/nats-io/nats.go/jetstream"
)

// Sources gives what the jobs there are name as their sources, whatever their state and whichever process and model they
// are of: what is not among them no job can read any more, by a retry either. The queue itself is asked, since this process may not
// have heard of it for long. Only what jobs name that are made meanwhile may be missing. Faults: Unavailable; the context's.
func (m *Manager) Sources(ctx context.Context) (map[string]bool, error) {
	bucket, err := m.store.js.Stream(ctx, "KV_"+jobBucket)
	if err != nil {
		return nil, unanswered(err)
	}
	asking, cancel := context.WithCancel(ctx)
	defer cancel()
	all := map[string]bool{}
	var wrong error
	caught := false
	m.store.follow(asking, bucket, "$KV."+jobBucket+".>", func(message jetstream.Msg) {
		if strings.Contains(message.Subject(), claims) || message.Headers().Get("KV-Operation") != "" {
			return
		}
		var rec record
		if err := decode(message.Data(), &rec); err != nil {
			wrong = err
		}
		for _, source := range rec.Sources {
			all[source] = true
		}
	}, func() { caught = true; cancel() })
	if !caught {
		return nil, ctx.Err()
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, j := range m.jobs { // a record that is replaced while it is asked for is not heard
		for _, source := range j.rec.Sources {
			all[source] = true
		}
	}
	return all, wrong
}
