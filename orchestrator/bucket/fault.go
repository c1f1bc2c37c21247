package bucket

import (
	"context"
	"errors"
	"io/fs"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"
	"gocloud.dev/gcerrors"
	"google.golang.org/api/googleapi"

	"clipseek/orchestrator/bucket/credential"
	"clipseek/orchestrator/fault"
)

// fault is what a store's error means for an object, or for the bucket where key is "". The end of ctx stays what it is.
func (b *Bucket) fault(ctx context.Context, key string, err error) error {
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if known, ok := errors.AsType[*fault.Error](err); ok {
		return known
	}
	at := b.at(key)
	if none, ok := errors.AsType[*credential.Error](err); ok {
		if none.Again {
			return fault.Unavailable("%s: the credentials have run out, and no new ones are given", at).Because(err)
		}
		return fault.Forbidden("%s: no credentials for %s are found; %s, or objects.anonymous for a public bucket", at, none.Store, none.Advice).Because(err)
	}
	if answer, ok := answerOf(err); ok {
		return b.refused(at, key, answer)
	}
	switch gcerrors.Code(err) {
	case gcerrors.NotFound:
		return fault.NotFound("%s is not there", at).Because(err)
	case gcerrors.PermissionDenied:
		return forbidden(at, "").Because(err)
	case gcerrors.InvalidArgument, gcerrors.FailedPrecondition, gcerrors.Unimplemented:
		return fault.Invalid("%s: the store cannot do what is asked", at).Because(err)
	}
	if errors.Is(err, fs.ErrPermission) { // of a folder
		return fault.Forbidden("%s cannot be read: no permission", at).Because(err)
	}
	return fault.Unavailable("%s: the store does not answer", at).Because(err)
}

// writeFault is fault for what was to be changed.
func (b *Bucket) writeFault(ctx context.Context, key string, err error) error {
	if err != nil && b.folder && ctx.Err() == nil && gcerrors.Code(err) == gcerrors.Unknown {
		return fault.Unwritable(b.at(key), err, b.at(key)+" cannot be written: the disk is full")
	}
	return b.fault(ctx, key, err)
}

func forbidden(at, code string) *fault.Error {
	return fault.Forbidden("%s: the store refuses it to these credentials%s; do they belong to this store, and may they list and read?", at, code)
}

// answer is what a store says in place of what it was asked for.
type answer struct {
	status int
	code   string // a word of its own, or ""
	header http.Header
	err    error
}

// answerOf finds the answer of any store in an error. One that has not been sent has none.
func answerOf(err error) (answer, bool) {
	a := answer{err: err, header: http.Header{}}
	if said, ok := errors.AsType[*awshttp.ResponseError](err); ok && said.HTTPStatusCode() != 0 {
		a.status, a.header = said.HTTPStatusCode(), said.HTTPResponse().Header
		if named, ok := errors.AsType[smithy.APIError](err); ok {
			a.code = named.ErrorCode()
		}
	} else if said, ok := errors.AsType[*googleapi.Error](err); ok {
		if a.status = said.Code; said.Header != nil {
			a.header = said.Header
		}
		if len(said.Errors) > 0 {
			a.code = said.Errors[0].Reason
		}
	} else if said, ok := errors.AsType[*azcore.ResponseError](err); ok {
		a.status, a.code = said.StatusCode, said.ErrorCode
		if said.RawResponse != nil {
			a.header = said.RawResponse.Header
		}
	}
	if !isWord(a.code) {
		a.code = ""
	}
	return a, a.status != 0
}

// What stores call what, beside the statuses of HTTP.
var (
	redirects = []string{"AuthorizationHeaderMalformed", "PermanentRedirect"}
	noBucket  = []string{"NoSuchBucket", "ContainerNotFound"}
	noObject  = []string{"", "NoSuchKey", "NotFound", "notFound", "BlobNotFound"}
	refusals  = []string{"ExpiredToken", "InvalidToken", "PublicAccessNotPermitted", "BlobArchived"}
	tooMany   = []string{"SlowDown", "ServerBusy", "rateLimitExceeded", "userRateLimitExceeded"}
)

// refused sorts an answer by its status and code.
func (b *Bucket) refused(at, key string, a answer) error {
	shown := ""
	if a.code != "" {
		shown = " (" + a.code + ")"
	}
	region := a.header.Get("X-Amz-Bucket-Region")
	switch {
	case a.status == http.StatusMovedPermanently || a.status == http.StatusTemporaryRedirect || slices.Contains(redirects, a.code):
		if region == "" || !isRegion(region) {
			return fault.Invalid("%s lies in another region; set objects.region to it", at).Because(a.err)
		}
		return fault.Invalid("%s lies in the region %s; set objects.region: %s", at, region, region).Because(a.err)
	case slices.Contains(noBucket, a.code) || a.status == http.StatusNotFound && key == "" && slices.Contains(noObject, a.code):
		return fault.NotFound("there is no bucket %s", b.name).Because(a.err)
	case a.status == http.StatusNotFound && slices.Contains(noObject, a.code):
		return fault.NotFound("%s is not there", at).Because(a.err)
	case a.code == "RequestTimeTooSkewed":
		return fault.Forbidden("%s: the clock of this machine differs too much from the store's", at).Because(a.err)
	case a.status == http.StatusTooManyRequests, slices.Contains(tooMany, a.code):
		return fault.Overloaded("%s: the store asks for fewer requests%s", at, shown).After(retryAfter(a.header)).Because(a.err)
	case a.status == http.StatusUnauthorized, a.status == http.StatusForbidden, slices.Contains(refusals, a.code):
		return forbidden(at, shown).Because(a.err)
	case a.status >= 500, a.status == http.StatusRequestTimeout, a.code == "RequestTimeout", a.status < 400:
		return fault.Unavailable("%s: the store answers %d%s", at, a.status, shown).After(retryAfter(a.header)).Because(a.err)
	}
	return fault.Invalid("%s: the store refuses the request: %d%s", at, a.status, shown).Because(a.err)
}

// retryAfter reads the header in its form of seconds, which is the one that stores send.
func retryAfter(header http.Header) time.Duration {
	seconds, err := strconv.Atoi(header.Get("Retry-After"))
	if err != nil || seconds < 0 || seconds > 3600 {
		return 0
	}
	return time.Duration(seconds) * time.Second
}

// isWord keeps what a server sends out of messages unless it is one plain word, as the codes of stores are.
func isWord(s string) bool {
	return s != "" && len(s) <= 64 && !strings.ContainsFunc(s, func(r rune) bool { return (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') })
}

func isRegion(s string) bool {
	return len(s) <= 64 && !strings.ContainsFunc(s, func(r rune) bool { return (r < '0' || r > '9') && (r < 'a' || r > 'z') && r != '-' })
}
