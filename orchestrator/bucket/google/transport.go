package google

import (
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/googleapis/gax-go/v2"
)

// asStored reads objects as they are: a plain request has Google unpack those that are kept with gzip, whose size is then not told.
type asStored struct{ to http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (a asStored) RoundTrip(request *http.Request) (*http.Response, error) {
	if request.Method == http.MethodGet && request.URL.Query().Get("alt") == "media" {
		request = request.Clone(request.Context())
		request.Header.Set("Accept-Encoding", "gzip") // the transport then leaves the answer as it is
	}
	return a.to.RoundTrip(request)
}

// retrying sends a request again, with pauses up to 5 s, as the clients of the other stores do. The generated client
// would not, or without an end.
type retrying struct {
	to      http.RoundTripper
	retries int
}

// RoundTrip implements http.RoundTripper.
func (r *retrying) RoundTrip(request *http.Request) (*http.Response, error) {
	pause := gax.Backoff{Initial: 500 * time.Millisecond, Max: 5 * time.Second}
	for tries := 0; ; tries++ {
		answer, err := r.to.RoundTrip(request)
		if tries >= r.retries || !passing(request, answer, err) {
			return answer, err
		}
		again := request.Clone(request.Context())
		if request.GetBody != nil {
			body, failed := request.GetBody()
			if failed != nil {
				return answer, err
			}
			again.Body = body
		}
		if answer != nil {
			_, _ = io.CopyN(io.Discard, answer.Body, 64<<10) // so that the connection serves again
			_ = answer.Body.Close()
		}
		if err := gax.Sleep(request.Context(), pause.Pause()); err != nil {
			if again.Body != nil {
				_ = again.Body.Close() // nothing was read from it
			}
			return nil, err
		}
		request = again
	}
}

// passing reports whether another try may end otherwise and can be made.
func passing(request *http.Request, answer *http.Response, err error) bool {
	if request.Context().Err() != nil || request.Body != nil && request.Body != http.NoBody && request.GetBody == nil {
		return false
	}
	if err != nil {
		return !isCredential(err)
	}
	return answer.StatusCode == http.StatusRequestTimeout || answer.StatusCode == http.StatusTooManyRequests || answer.StatusCode >= 500
}

func hasScheme(address string) bool {
	parsed, err := url.Parse(address)
	return err == nil && parsed.Host != ""
}
