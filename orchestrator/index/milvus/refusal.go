package milvus

import (
	"context"
	"errors"
	"fmt"
	"path"
	"time"

	"github.com/milvus-io/milvus-proto/go-api/v2/commonpb"
	"github.com/milvus-io/milvus-sdk-go/v2/merr"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"clipseek/orchestrator/fault"
)

// edge is where calls leave for the server: it gives each a deadline and translates what goes wrong.
type edge struct {
	address     string
	read, write time.Duration // deadlines
}

// intercept makes one call. The client throws a refusal's code away, so that it has to be seen here, before the client
// sees it.
func (e edge) intercept(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption) error {
	name := path.Base(method)
	limit := e.read
	switch name {
	case "Upsert", "Delete", "Flush", "CreateCollection", "DropCollection", "CreateIndex", "DropIndex", "CreatePartition",
		"DropPartition", "LoadCollection", "ReleaseCollection", "ReleasePartitions", "CreateDatabase":
		limit = e.write
	}
	limited, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	err := invoke(limited, method, req, reply, cc, opts...)
	switch {
	case err != nil && ctx.Err() != nil:
		return fmt.Errorf("%s at %s: %w", name, e.address, ctx.Err())
	case err != nil:
		return e.broken(name, limit, err)
	}
	if said := statusOf(reply); !merr.Ok(said) {
		return e.refused(&refusal{method: name, code: codeOf(said), reason: said.GetReason()})
	}
	return nil
}

// awhile is when to try again what only time can mend.
const awhile = time.Second

// broken translates a call that got no answer of Milvus.
func (e edge) broken(method string, limit time.Duration, err error) error {
	cause := fmt.Errorf("%s: %w", method, err)
	switch status.Code(err) {
	case codes.Unauthenticated:
		return fault.Forbidden("Milvus at %s does not know this user; check user and password, or token", e.address).Because(cause)
	case codes.PermissionDenied:
		return fault.Forbidden("Milvus at %s does not let this user do that; grant the user's role %s", e.address, method).Because(cause)
	case codes.ResourceExhausted: // a message over a limit, ours or the server's
		return fault.TooLarge("a message is larger than Milvus at %s takes; lower batch.bytes", e.address).Because(cause)
	case codes.Unimplemented:
		return fault.Conflict("the server at %s cannot %s; this needs Milvus 2.3 or newer", e.address, method).Because(cause)
	case codes.DeadlineExceeded:
		return fault.Unavailable("Milvus at %s does not answer within %s; see whether it is overloaded", e.address, limit).After(awhile).Because(cause)
	}
	return fault.Unavailable("Milvus at %s cannot be reached; see whether it runs there, and that tls is as the server has it", e.address).After(awhile).Because(cause)
}

// refusal is an answer of Milvus that is not success.
type refusal struct {
	method string
	code   int32 // of package merr
	reason string
}

func (r *refusal) Error() string { return fmt.Sprintf("%s: %s (code %d)", r.method, r.reason, r.code) }

// statusOf is the status in an answer; nil, which stands for success, where answers of its kind have none.
func statusOf(reply any) *commonpb.Status {
	switch r := reply.(type) {
	case *commonpb.Status:
		return r
	case interface{ GetStatus() *commonpb.Status }:
		return r.GetStatus()
	}
	return nil
}

// codeOf is the code of package merr, which servers before 2.3 leave out in favour of an older one.
func codeOf(s *commonpb.Status) int32 {
	if s.GetCode() != 0 {
		return s.GetCode()
	}
	return merr.Code(merr.OldCodeToMerr(s.GetErrorCode())) //nolint:staticcheck // the only code that such servers give
}

// The codes of package merr that are told apart; it exports the errors and not their codes.
const (
	codeMemory            = 3
	codeRequests          = 4
	codeDisk              = 7
	codeRate              = 8
	codeForceDeny         = 9
	codeNoCollection      = 100
	codeNotLoaded         = 101
	codeCollections       = 102
	codeNotFullyLoaded    = 103
	codeNoPartition       = 200
	codePartNotLoaded     = 201
	codePartNotFullyReady = 202
	codeNoIndex           = 700
	codeNoDatabase        = 800
	codeDatabases         = 801
	codeInvalid           = 1100
	codeUnauthenticated   = 1400
	codeNotPermitted      = 1401
	codeNoAlias           = 1600
	codeAliasIsName       = 1601
	codeAliasTaken        = 1602
	codeUnexpected        = 65535 // anything, also what only time can mend; the text alone tells
)

// refused translates a refusal. Callers that know what they asked for add to it.
func (e edge) refused(r *refusal) error {
	switch r.code {
	case codeRate, codeRequests:
		return fault.Overloaded("Milvus at %s is asked too much at once", e.address).After(awhile).Because(r)
	case codeMemory, codeDisk, codeForceDeny:
		return fault.Overloaded("Milvus at %s is out of memory or disk, or its quota is used up; make room", e.address).After(10 * awhile).Because(r)
	case codeNoCollection:
		return fault.NotFound("Milvus at %s has no such collection", e.address).Because(r)
	case codeNoPartition:
		return fault.NotFound("the collection has no such partition").Because(r)
	case codeNoDatabase:
		return fault.NotFound("Milvus at %s has no such database", e.address).Because(r)
	case codeNoAlias:
		return fault.NotFound("Milvus at %s has no such alias", e.address).Because(r)
	case codeAliasIsName:
		return fault.Conflict("a collection has the name of the alias; choose another").Because(r)
	case codeAliasTaken:
		return fault.Conflict("another collection has the alias").Because(r)
	case codeCollections, codeDatabases:
		return fault.TooLarge("Milvus at %s has as many collections or databases as it may; drop one", e.address).Because(r)
	case codeNoIndex:
		return fault.Unavailable("the collection has no index to search through; wait until it is built, or have it built").After(10 * awhile).Because(r)
	case codeUnauthenticated, codeNotPermitted:
		return fault.Forbidden("Milvus at %s does not let this user do that; grant the user's role %s", e.address, r.method).Because(r)
	case codeInvalid:
		return fault.Internal("Milvus refuses a request of %s", r.method).Because(r)
	}
	return fault.Unavailable("Milvus at %s cannot do that now; see its log", e.address).After(awhile).Because(r)
}

// refusedWith reports whether the server refused with one of the codes.
func refusedWith(err error, some ...int32) bool {
	r, ok := errors.AsType[*refusal](err)
	if !ok {
		return false
	}
	for _, code := range some {
		if r.code == code {
			return true
		}
	}
	return false
}

// isNotLoaded reports whether the collection, or the part that was asked for, is not in the server's memory.
func isNotLoaded(err error) bool {
	return refusedWith(err, codeNotLoaded, codeNotFullyLoaded, codePartNotLoaded, codePartNotFullyReady)
}

// reasonOf is what the server said, for changes that people ask for and the server alone can judge.
func reasonOf(err error) string {
	if r, ok := errors.AsType[*refusal](err); ok {
		return r.reason
	}
	return fault.Public(err)
}
