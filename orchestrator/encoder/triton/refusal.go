package triton

import (
	"crypto/tls"
	"errors"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"clipseek/orchestrator/fault"
)

// What a refused caller is told about when to come back: a full queue is short, a server takes a while to start.
const (
	loadPasses   = time.Second
	serverStarts = 2 * time.Second
)

// Triton answers with the code UNAVAILABLE for much that has nothing to do with a server that is away, and gives no other
// distinction than these words, which 2.51 was heard to say. They may stand anywhere in the message.
var words = []struct {
	text  string
	fault func(where string) *fault.Error
}{
	{"Exceeds maximum queue size", overloaded},
	{"Request timeout expired", overloaded},
	{"This protocol is restricted", func(where string) *fault.Error {
		return fault.Forbidden("%s keeps a part of its protocol to those who send a header; set headers to triton-grpc-protocol-KEY=VALUE as in its --grpc-restricted-protocol", where)
	}},
	{"explicit model load / unload is not allowed", func(where string) *fault.Error {
		return fault.Conflict("%s loads and unloads models by itself; start it with --model-control-mode=explicit to have it done from here", where)
	}},
}

func overloaded(where string) *fault.Error {
	return fault.Overloaded("%s has as much to do as its queue allows; try again in a second", where).After(loadPasses)
}

// translate makes a fault of an error that a call to this server came to.
func (w *witness) translate(where string, err error) *fault.Error {
	made := w.classify(where, status.Convert(err))
	return made.Because(err)
}

func (w *witness) classify(where string, s *status.Status) *fault.Error {
	switch s.Code() {
	case codes.Unavailable:
		for _, known := range words {
			if strings.Contains(s.Message(), known.text) {
				return known.fault(where)
			}
		}
		if trouble := w.trouble.Load(); trouble != nil {
			if refused := distrust(where, *trouble); refused != nil {
				return refused
			}
		}
		return fault.Unavailable("%s does not answer; see that it runs and that the network lets us through", where).After(serverStarts)
	case codes.DeadlineExceeded, codes.Canceled: // ours: callers look at their own context first
		return fault.Unavailable("%s did not answer in time; see what it is busy with", where).After(serverStarts)
	case codes.NotFound: // a model that was there is being loaded again, or a region of memory was forgotten
		return fault.Unavailable("%s does not have what it had a moment ago; see whether its models are being loaded", where).After(serverStarts)
	case codes.ResourceExhausted: // of proxies; Triton does not use it
		return overloaded(where)
	case codes.InvalidArgument:
		return fault.Invalid("%s does not take this input for the model", where)
	case codes.PermissionDenied, codes.Unauthenticated:
		return fault.Forbidden("%s does not let us in; set headers or tls as it asks", where)
	case codes.Unimplemented:
		return fault.Conflict("what answers at %s is not a Triton server, or one too old", where)
	default:
		return fault.Internal("%s could not compute the request", where)
	}
}

// distrust tells apart why TLS ended; nil where it was only cut.
func distrust(where string, err error) *fault.Error {
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return fault.Conflict("the certificate of %s is not trusted; set tls.ca to the authority that signed it, and tls.server_name to the name that it holds", where)
	}
	if errors.Is(err, errHungUp) { // or else it was just killed
		return fault.Unavailable("%s asks for a certificate and does not take ours; set tls.cert and tls.key to a pair that it trusts", where).After(serverStarts)
	}
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return fault.Conflict("%s does not speak TLS; set tls.enabled to false or have it started with --grpc-use-ssl", where)
	}
	return nil
}

// codeOf is what gRPC said at the bottom of a fault; OK where it said nothing.
func codeOf(err error) codes.Code {
	if said, ok := errors.AsType[interface {
		error
		GRPCStatus() *status.Status
	}](err); ok {
		return said.GRPCStatus().Code()
	}
	return codes.OK
}
