package jobs

import (
	"context"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"clipseek/orchestrator/fault"
)

// silence is how soon a follower notices that the queue's process has gone.
const silence = 500 * time.Millisecond

// follow hands every message of a subject that the stream has and gets to take, in order, each once, until ctx ends. It
// outlasts the queue's process: it goes on behind the last message. caught is called when all that there was has been taken.
func (s *store) follow(ctx context.Context, stream jetstream.Stream, subject string, take func(jetstream.Msg), caught func()) {
	last := uint64(0)
	_ = s.insist(ctx, nil, func(ctx context.Context) error { // it only ends with ctx
		consumer, err := stream.CreateConsumer(ctx, jetstream.ConsumerConfig{
			FilterSubject: subject, AckPolicy: jetstream.AckNonePolicy, MemoryStorage: true, Replicas: 1, InactiveThreshold: time.Minute,
			DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: last + 1,
		})
		if err != nil {
			return err
		}
		end, err := s.lastOf(ctx, stream, subject)
		if err != nil {
			return err
		}
		if end <= last {
			caught()
		}
		messages, err := consumer.Messages(jetstream.PullExpiry(4*silence), jetstream.PullHeartbeat(silence))
		if err != nil {
			return err
		}
		defer messages.Stop()
		for expected := uint64(1); ; expected++ {
			message, err := messages.Next(jetstream.NextContext(ctx))
			if err != nil {
				return err
			}
			at, err := message.Metadata()
			if err != nil {
				return err
			}
			if at.Sequence.Consumer != expected {
				return fault.Unavailable("a message was lost on the way")
			}
			last = at.Sequence.Stream
			take(message)
			if last >= end {
				caught()
			}
		}
	})
}

// lastOf is the number of the last message of a subject; 0 is none. (What the server says of messages still to come is wrong
// at times, after its process has been killed.)
func (s *store) lastOf(ctx context.Context, stream jetstream.Stream, subject string) (uint64, error) {
	question, err := encode(map[string]string{"last_by_subj": subject})
	if err != nil {
		return 0, err
	}
	reply, err := s.js.Conn().RequestWithContext(ctx, "$JS.API.STREAM.MSG.GET."+stream.CachedInfo().Config.Name, question)
	if err != nil {
		return 0, err
	}
	var answer struct {
		Error   *jetstream.APIError `json:"error"`
		Message struct {
			Seq uint64 `json:"seq"`
		} `json:"message"`
	}
	if err := decode(reply.Data, &answer); err != nil {
		return 0, err
	}
	if answer.Error != nil && answer.Error.ErrorCode != jetstream.JSErrCodeMessageNotFound {
		return 0, answer.Error
	}
	return answer.Message.Seq, nil
}
