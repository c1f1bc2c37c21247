package jobs

import (
	"context"
	"errors"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"clipseek/orchestrator/clock"
	"clipseek/orchestrator/fault"
)

// Names in NATS.
const (
	workStream   = "CLIPSEEK_WORK"
	resultStream = "CLIPSEEK_RESULTS"
	jobBucket    = "CLIPSEEK_JOBS"
	leaseBucket  = "CLIPSEEK_LEASES"
)

func workSubject(job, batch string) string   { return "clipseek.work." + job + "." + batch }
func resultSubject(job, batch string) string { return "clipseek.result." + job + "." + batch }

// batchOf is the last token of a subject.
func batchOf(subject string) string { return subject[strings.LastIndexByte(subject, '.')+1:] }

// store is what jobs keep in NATS.
type store struct {
	log     *slog.Logger
	mend    func() // has the server started again, where that is ours to do
	js      jetstream.JetStream
	work    jetstream.Stream
	results jetstream.Stream
	jobs    jetstream.KeyValue
	leases  jetstream.KeyValue
}

const (
	answerWithin = 5 * time.Second  // one question to NATS
	makeWithin   = 20 * time.Second // the streams, when a server has just been started
)

func openStore(ctx context.Context, cfg Config, deps Deps) (*store, error) {
	js, err := jetstream.New(deps.Conn, jetstream.WithDefaultTimeout(answerWithin))
	if err != nil {
		return nil, unanswered(err)
	}
	s := &store{log: deps.Log, mend: deps.Mend, js: js}
	ctx, cancel := context.WithTimeout(ctx, makeWithin)
	defer cancel()
	for pause := firstPause; ; pause = min(2*pause, longestPause) {
		err := s.make(ctx, cfg)
		if err == nil {
			return s, nil
		}
		if clock.Sleep(ctx, pause) != nil {
			return nil, unanswered(err)
		}
	}
}

func (s *store) make(ctx context.Context, cfg Config) (err error) {
	if s.work, err = s.js.CreateOrUpdateStream(ctx, jetstream.StreamConfig{
		Name: workStream, Subjects: []string{workSubject("*", "*")}, Retention: jetstream.WorkQueuePolicy, Discard: jetstream.DiscardNew,
		Storage: jetstream.FileStorage, Compression: jetstream.S2Compression, Replicas: cfg.NATS.Replicas,
	}); err != nil {
		return err
	}
	if s.results, err = s.js.CreateOrUpdateStream(ctx, jetstream.StreamConfig{
		Name: resultStream, Subjects: []string{resultSubject("*", "*")}, MaxMsgsPerSubject: 1,
		Storage: jetstream.FileStorage, Compression: jetstream.S2Compression, Replicas: cfg.NATS.Replicas,
	}); err != nil {
		return err
	}
	if s.jobs, err = s.js.CreateOrUpdateKeyValue(ctx, jetstream.KeyValueConfig{Bucket: jobBucket, Replicas: cfg.NATS.Replicas}); err != nil {
		return err
	}
	s.leases, err = s.js.CreateOrUpdateKeyValue(ctx, jetstream.KeyValueConfig{
		Bucket: leaseBucket, TTL: cfg.Lease, Storage: jetstream.MemoryStorage, Replicas: cfg.NATS.Replicas,
	})
	return err
}

// unanswered is the fault of a queue that does not do what it is asked.
func unanswered(err error) error {
	if err == nil || errors.Is(err, context.Canceled) {
		return err
	}
	if _, ok := errors.AsType[*fault.Error](err); ok {
		return err
	}
	if api, ok := errors.AsType[*jetstream.APIError](err); ok {
		return fault.Unavailable("the queue of jobs refuses: %s; is its disk full?", api.Description).Because(err)
	}
	return fault.Unavailable("the queue of jobs does not answer; is its disk full? It is asked again").Because(err)
}

// Pauses between questions that get no answer, and how long that goes on before it is news.
const (
	soon         = 2 * time.Second
	firstPause   = 20 * time.Millisecond
	longestPause = time.Second
)

// insist repeats f, which must be safe to repeat, until the queue does it: work that is under way outlasts a queue whose
// process has died. It ends with ctx, or with what is not passing.
func (s *store) insist(ctx context.Context, tell func(error), f func(context.Context) error) error {
	began, told := time.Now(), false
	for pause := firstPause; ; pause = min(2*pause, longestPause) {
		err := unanswered(f(ctx))
		if !fault.IsPassing(err) || ctx.Err() != nil {
			if err != nil && ctx.Err() != nil {
				err = ctx.Err()
			}
			if told && tell != nil {
				tell(nil)
			}
			return err
		}
		s.log.Debug("queue of jobs", "err", err)
		if tell != nil && time.Since(began) > soon {
			tell(err)
			told = true
		}
		if s.mend != nil && time.Since(began) > 2*answerWithin {
			s.mend()
		}
		if err := clock.Sleep(ctx, pause); err != nil {
			return err
		}
	}
}

// outcome gives what is known of a batch, and the number of the message that says so; zero values are nothing.
func (s *store) outcome(ctx context.Context, job, name string) (o outcome, number uint64, err error) {
	message, err := s.results.GetLastMsgForSubject(ctx, resultSubject(job, name))
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return o, 0, nil
	}
	if err != nil {
		return o, 0, err
	}
	return o, message.Sequence, decode(message.Data, &o)
}

// put writes what is known of a batch, in place of what was known.
func (s *store) put(ctx context.Context, job, name string, o outcome, options ...jetstream.PublishOpt) (number uint64, err error) {
	text, err := encode(o)
	if err != nil {
		return 0, err
	}
	ack, err := s.js.Publish(ctx, resultSubject(job, name), text, options...)
	if err != nil {
		return 0, err
	}
	return ack.Sequence, nil
}

// errTaken ends work on a batch that somebody else has begun or done meanwhile.
var errTaken = fault.Conflict("the batch is another's")

// mark is put where what is known is still the message of that number, and errTaken where it is not.
func (s *store) mark(ctx context.Context, job, name string, o outcome, after uint64) (number uint64, err error) {
	number, err = s.put(ctx, job, name, o, jetstream.WithExpectLastSequencePerSubject(after))
	api, ok := errors.AsType[*jetstream.APIError](err)
	if !ok || api.ErrorCode != jetstream.JSErrCodeStreamWrongLastSequence {
		return number, err
	}
	now, number, err := s.outcome(ctx, job, name)
	if err == nil && (now.Done || now.By != o.By || now.At != o.At || now.Begun != o.Begun) { // else it is ours, whose acknowledgement was lost
		err = errTaken
	}
	return number, err
}

// cut is what the headers of a batch say.
type cut struct {
	listing int
	at      time.Time // zero is now
}

// queue adds a batch. Of messages with one id the first is kept, for two minutes.
func (s *store) queue(ctx context.Context, job, name, id string, b batch, c cut) error {
	text, err := encode(b)
	if err != nil {
		return err
	}
	message := &nats.Msg{Subject: workSubject(job, name), Data: text, Header: nats.Header{}}
	message.Header.Set(listing, strconv.Itoa(c.listing))
	if !c.at.IsZero() {
		message.Header.Set(notBefore, c.at.UTC().Format(time.RFC3339Nano))
	}
	_, err = s.js.PublishMsg(ctx, message, jetstream.WithMsgID(id))
	return err
}

// drop removes what followed from a batch that is done anew.
func (s *store) drop(ctx context.Context, job string, names []string) error {
	for _, name := range names {
		o, _, err := s.outcome(ctx, job, name)
		if err != nil {
			return err
		}
		if err := s.drop(ctx, job, o.Next); err != nil {
			return err
		}
		if err := s.work.Purge(ctx, jetstream.WithPurgeSubject(workSubject(job, name))); err != nil {
			return err
		}
		if err := s.results.Purge(ctx, jetstream.WithPurgeSubject(resultSubject(job, name))); err != nil {
			return err
		}
	}
	return nil
}

// forget removes what a job has in the streams; its record stays.
func (s *store) forget(ctx context.Context, job string) error {
	return errors.Join(s.unqueue(ctx, job), s.results.Purge(ctx, jetstream.WithPurgeSubject(resultSubject(job, "*"))))
}

// unqueue removes a job's batches from the queue.
func (s *store) unqueue(ctx context.Context, job string) error {
	if err := s.work.DeleteConsumer(ctx, job); err != nil && !errors.Is(err, jetstream.ErrConsumerNotFound) {
		return err
	}
	return s.work.Purge(ctx, jetstream.WithPurgeSubject(workSubject(job, "*")))
}

// consumer is where the processes take a job's batches from.
func (s *store) consumer(ctx context.Context, job string, cfg Config) (jetstream.Consumer, error) {
	return s.work.CreateOrUpdateConsumer(ctx, jetstream.ConsumerConfig{
		Durable: job, FilterSubject: workSubject(job, "*"), AckPolicy: jetstream.AckExplicitPolicy,
		AckWait: cfg.Lease, MaxAckPending: 20_000, // those that wait for another try are among them
	})
}
