package bucket

import (
	"context"
	"errors"
	"io/fs"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"
	"gocloud.dev/gcerrors"

	"clipseek/orchestrator/fault"
)

// credentials tells apart that none are found from what a store says of them.
type credentials struct {
	from aws.CredentialsProvider
	had  atomic.Bool
}

// credentialsError is why there are none.
type credentialsError struct {
	err   error
	again bool // there have been some
}

func (e *credentialsError) Error() string { return "no credentials: " + e.err.Error() }
func (e *credentialsError) Unwrap() error { return e.err }

// Retrieve implements aws.CredentialsProvider.
func (c *credentials) Retrieve(ctx context.Context) (aws.Credentials, error) {
	found, err := c.from.Retrieve(ctx)
	if err != nil {
		return found, &credentialsError{err, c.had.Load()}
	}
	c.had.Store(true)
	return found, nil
}

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
	if none, ok := errors.AsType[*credentialsError](err); ok {
		if none.again {
			return fault.Unavailable("%s: the credentials have run out, and no new ones are given", at).Because(err)
		}
		return fault.Forbidden("%s: no credentials for S3 are found; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY or AWS_PROFILE, or objects.anonymous for a public bucket", at).Because(err)
	}
	var answer *awshttp.ResponseError
	if b.store.ErrorAs(err, &answer) && answer.HTTPStatusCode() != 0 { // 0: the request has not been sent
		return b.refused(at, key, answer, err)
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

// refused sorts an answer of S3 by its status and code.
func (b *Bucket) refused(at, key string, answer *awshttp.ResponseError, err error) error {
	code, shown := "", ""
	if said, ok := errors.AsType[smithy.APIError](err); ok && isWord(said.ErrorCode()) {
		code = said.ErrorCode()
		shown = " (" + code + ")"
	}
	status := answer.HTTPStatusCode()
	region := answer.HTTPResponse().Header.Get("X-Amz-Bucket-Region")
	switch {
	case status == http.StatusMovedPermanently || status == http.StatusTemporaryRedirect || code == "AuthorizationHeaderMalformed" || code == "PermanentRedirect":
		if region == "" || !isRegion(region) {
			return fault.Invalid("%s lies in another region; set objects.region to it", at).Because(err)
		}
		return fault.Invalid("%s lies in the region %s; set objects.region: %s", at, region, region).Because(err)
	case code == "NoSuchBucket" || status == http.StatusNotFound && key == "" && code == "":
		return fault.NotFound("there is no bucket %s", b.name).Because(err)
	case status == http.StatusNotFound && (code == "" || code == "NoSuchKey" || code == "NotFound"):
		return fault.NotFound("%s is not there", at).Because(err)
	case code == "RequestTimeTooSkewed":
		return fault.Forbidden("%s: the clock of this machine differs too much from the store's", at).Because(err)
	case status == http.StatusUnauthorized, status == http.StatusForbidden, code == "ExpiredToken", code == "InvalidToken":
		return forbidden(at, shown).Because(err)
	case status == http.StatusTooManyRequests, code == "SlowDown":
		return fault.Overloaded("%s: the store asks for fewer requests%s", at, shown).After(retryAfter(answer)).Because(err)
	case status >= 500, status == http.StatusRequestTimeout, code == "RequestTimeout", status < 400:
		return fault.Unavailable("%s: the store answers %d%s", at, status, shown).After(retryAfter(answer)).Because(err)
	}
	return fault.Invalid("%s: the store refuses the request: %d%s", at, status, shown).Because(err)
}

// retryAfter reads the header in its form of seconds, which is the one that S3 sends.
func retryAfter(answer *awshttp.ResponseError) time.Duration {
	seconds, err := strconv.Atoi(answer.HTTPResponse().Header.Get("Retry-After"))
	if err != nil || seconds < 0 || seconds > 3600 {
		return 0
	}
	return time.Duration(seconds) * time.Second
}

// isWord keeps what a server sends out of messages unless it is one plain word, as S3's codes are.
func isWord(s string) bool {
	return s != "" && len(s) <= 64 && !strings.ContainsFunc(s, func(r rune) bool { return (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') })
}

func isRegion(s string) bool {
	return len(s) <= 64 && !strings.ContainsFunc(s, func(r rune) bool { return (r < '0' || r > '9') && (r < 'a' || r > 'z') && r != '-' })
}
