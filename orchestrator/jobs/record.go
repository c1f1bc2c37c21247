package jobs

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"clipseek/orchestrator/fault"
)

// record is a job as the bucket holds it.
type record struct {
	Spec
	Home    string    `json:"home"` // see Deps.Home
	State   State     `json:"state"`
	Created time.Time `json:"created"`
	Ended   time.Time `json:"ended,omitzero"`

	Lister  string `json:"lister,omitempty"` // who lists; only that one moves what follows
	Place   octets `json:"place,omitempty"`  // of the last item that is in a batch
	Batches int    `json:"batches,omitempty"`
	Found   int64  `json:"found,omitempty"`
	Listed  bool   `json:"listed,omitempty"`
	Listing int    `json:"listing,omitempty"` // how often it was begun anew
	Round   int    `json:"round,omitempty"`   // how often somebody asked to retry
	Walked  int    `json:"walked,omitempty"`  // of which the batches are queued
	Awaits  uint64 `json:"awaits,omitempty"`  // the newest outcome that names one of them: who has not seen it cannot tell what is open

	Synced   bool   `json:"synced,omitempty"`   // what has gone is removed
	Removing int64  `json:"removing,omitempty"` // records that the removal under way began with
	Removed  int64  `json:"removed,omitempty"`
	Notice   string `json:"notice,omitempty"` // see Progress

	Error   string    `json:"error,omitempty"`
	Kind    string    `json:"kind,omitempty"`
	Summary *Progress `json:"summary,omitempty"` // when it is final
}

// listing reports whether a lister has something to do.
func (r *record) listing() bool { return !r.Listed || r.Walked < r.Round }

// syncing reports whether what has gone is still to be removed. Of a source that could not be listed nothing is.
func (r *record) syncing() bool { return r.Sync.On && !r.Synced && r.Error == "" }

// relist has the source listed from its beginning. Batches that come out as they were keep their outcome.
func (r *record) relist() {
	r.Place, r.Batches, r.Found, r.Listed = "", 0, 0, false
	r.Listing++
	r.Awaits = 0
}

// errAsIs ends an update that has nothing to change.
var errAsIs = errors.New("nothing to change")

// update changes a job's record by f, which is called again where another process was faster. Fault: NotFound.
func (m *Manager) update(ctx context.Context, id string, f func(*record) error) error {
	return m.store.insist(ctx, nil, func(ctx context.Context) error {
		for {
			entry, err := m.store.jobs.Get(ctx, id)
			if errors.Is(err, jetstream.ErrKeyNotFound) || errors.Is(err, jetstream.ErrInvalidKey) {
				return fault.NotFound("there is no job %q; `clipseek job list` names those that are remembered", id)
			}
			if err != nil {
				return err
			}
			var rec record
			if err := decode(entry.Value(), &rec); err != nil {
				return err
			}
			if err := f(&rec); err != nil {
				if errors.Is(err, errAsIs) {
					return nil
				}
				return err
			}
			text, err := encode(rec)
			if err != nil {
				return err
			}
			revision, err := m.store.jobs.Update(ctx, id, text, entry.Revision())
			if errors.Is(err, jetstream.ErrKeyExists) {
				continue
			}
			if err == nil {
				m.know(id, rec, revision)
			}
			return err
		}
	})
}

// claims begins the keys under which processes agree which job is that of a spec.
const claims = "claim."

// claim makes id the unfinished job of its spec, unless there is one already, which it gives.
func (m *Manager) claim(ctx context.Context, rec record, id string) (string, error) {
	text, err := encode([]any{rec.Spec, rec.Home})
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(text)
	key := claims + hex.EncodeToString(sum[:16])
	for {
		_, err := m.store.jobs.Create(ctx, key, []byte(id))
		if !errors.Is(err, jetstream.ErrKeyExists) {
			return id, err
		}
		held, err := m.store.jobs.Get(ctx, key)
		if errors.Is(err, jetstream.ErrKeyNotFound) {
			continue
		}
		if err != nil {
			return "", err
		}
		final := true
		err = m.update(ctx, string(held.Value()), func(r *record) error {
			final = r.State.Final()
			return errAsIs
		})
		if err != nil && fault.KindOf(err) != fault.KindNotFound {
			return "", err
		}
		if err == nil && !final {
			return string(held.Value()), nil
		}
		if _, err = m.store.jobs.Update(ctx, key, []byte(id), held.Revision()); !errors.Is(err, jetstream.ErrKeyExists) {
			return id, err
		}
	}
}
