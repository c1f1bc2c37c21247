package httpapi

import (
	"cmp"
	"errors"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gofiber/fiber/v2"

	"clipseek/orchestrator/fault"
)

// Problem is an error as RFC 9457 describes it, with the kind of fault beside.
type Problem struct {
	Type   string              `json:"type" doc:"always about:blank: the kind says more"`
	Title  string              `json:"title" doc:"the status in words"`
	Status int                 `json:"status"`
	Detail string              `json:"detail" doc:"what is wrong, with which item, and what to do"`
	Kind   string              `json:"kind" doc:"stable name of the kind of fault" enum:"internal,invalid,forbidden,not_found,conflict,too_large,overloaded,unavailable,canceled,unauthorized"`
	Errors []*huma.ErrorDetail `json:"errors,omitempty" doc:"the parts of the request that are wrong"`

	retryAfter time.Duration
}

// Error is the detail.
func (p *Problem) Error() string { return p.Detail }

// GetStatus makes a Problem a huma.StatusError.
func (p *Problem) GetStatus() int { return p.Status }

// retryAfter is when to come back where nobody knows better: servers restart in seconds.
const retryAfter = 3 * time.Second

const problemType = "application/problem+json"

// ContentType is that of RFC 9457.
func (p *Problem) ContentType(string) string { return problemType }

// kindUnauthorized is the one refusal that is no fault of a lower package.
const kindUnauthorized = "unauthorized"

// statusOf is the one table from kinds to HTTP statuses.
func statusOf(kind fault.Kind) int {
	switch kind {
	case fault.KindInvalid:
		return http.StatusBadRequest
	case fault.KindForbidden:
		return http.StatusForbidden
	case fault.KindNotFound:
		return http.StatusNotFound
	case fault.KindConflict:
		return http.StatusConflict
	case fault.KindTooLarge:
		return http.StatusRequestEntityTooLarge
	case fault.KindOverloaded:
		return http.StatusTooManyRequests
	case fault.KindUnavailable:
		return http.StatusServiceUnavailable
	case fault.KindCanceled:
		return 499 // nginx's word for a client that went away; nobody reads it
	default:
		return http.StatusInternalServerError
	}
}

// kindOf names a status that the router or huma chose.
func kindOf(status int) string {
	for kind := fault.KindInternal; kind <= fault.KindCanceled; kind++ {
		if statusOf(kind) == status {
			return kind.String()
		}
	}
	switch {
	case status == http.StatusUnauthorized:
		return kindUnauthorized
	case status < http.StatusInternalServerError:
		return fault.KindInvalid.String()
	}
	return fault.KindInternal.String()
}

func newProblem(status int, detail string) *Problem {
	title := http.StatusText(status)
	if title == "" {
		title = "Client Closed Request"
	}
	p := &Problem{Type: "about:blank", Title: title, Status: status, Detail: detail, Kind: kindOf(status)}
	if status == http.StatusServiceUnavailable || status == http.StatusTooManyRequests {
		p.retryAfter = retryAfter
	}
	return p
}

// problemOf translates any error of the packages below.
func problemOf(err error) *Problem {
	p := newProblem(statusOf(fault.KindOf(err)), fault.Public(err))
	p.retryAfter = cmp.Or(fault.RetryAfter(err), p.retryAfter)
	return p
}

// seconds is d as Retry-After has it: whole seconds, rounded up.
func seconds(d time.Duration) string { return strconv.Itoa(int(math.Ceil(d.Seconds()))) }

// asProblem gives huma's own refusals (a body that does not fit its schema) our form.
func asProblem(_ huma.Context, _ string, body any) (any, error) {
	model, ok := body.(*huma.ErrorModel)
	if !ok {
		return body, nil
	}
	detail := model.Detail
	for i, part := range model.Errors {
		separator := "; "
		if i == 0 {
			separator = ": "
		}
		detail += separator + strings.TrimSpace(part.Location+" "+part.Message)
	}
	p := newProblem(model.Status, detail)
	p.Errors = model.Errors
	return p, nil
}

// writeProblem answers a request that did not reach an operation.
func writeProblem(c *fiber.Ctx, p *Problem) error {
	if p.retryAfter > 0 {
		c.Set(fiber.HeaderRetryAfter, seconds(p.retryAfter))
	}
	if err := c.Status(p.Status).JSON(p); err != nil {
		return err
	}
	c.Set(fiber.HeaderContentType, problemType)
	return nil
}

// onError is Fiber's last word: an unknown route, a body over the limit, or an error that a handler returned.
func onError(c *fiber.Ctx, err error) error {
	fe, ok := errors.AsType[*fiber.Error](err)
	if !ok {
		return writeProblem(c, problemOf(err))
	}
	switch fe.Code {
	case http.StatusNotFound, http.StatusMethodNotAllowed:
		return writeProblem(c, newProblem(fe.Code, "there is no "+c.Method()+" "+c.Path()+"; /docs lists the routes"))
	case http.StatusRequestEntityTooLarge:
		return writeProblem(c, newProblem(fe.Code, "the request is larger than the "+strconv.Itoa(c.App().Config().BodyLimit)+" bytes that server.max_upload allows"))
	}
	return writeProblem(c, newProblem(fe.Code, fe.Message))
}
