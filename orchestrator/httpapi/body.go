package httpapi

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/gofiber/fiber/v2"
)

// Bounds of what is read of an upload that is refused, so that its client gets to read why: many look for the answer only
// when all is sent.
const (
	drainBytes = 256 << 20
	drainTime  = 5 * time.Second
)

// takeBody reads the body of a request before its handler, within server.max_upload; that of an upload stays a stream.
func (s *Server) takeBody(c *fiber.Ctx) error {
	stream := c.Context().RequestBodyStream()
	if isBulk(c) {
		body := s.arriving(c)
		c.Locals(arrivingKey{}, body)
		err := c.Next()
		body.drain(c)
		return err
	}
	body := []byte{}
	if stream != nil {
		var err error
		if body, err = readBody(stream, c.Request().Header.ContentLength(), s.cfg.MaxUpload); err != nil {
			c.Context().SetConnectionClose() // what is left of the body is no request
			return err
		}
	}
	contentType := c.Get(fiber.HeaderContentType)
	// Go's JSON decoder would put U+FFFD for bytes that are not UTF-8 and search for that.
	if strings.HasPrefix(contentType, fiber.MIMEApplicationJSON) && !utf8.Valid(body) {
		return writeProblem(c, newProblem(http.StatusBadRequest, "the request's JSON is not UTF-8 text"))
	}
	switch {
	case strings.HasPrefix(contentType, fiber.MIMEMultipartForm):
		c.Request().SetBodyRaw(body) // forms from streams go to files
	case stream != nil || c.Method() != http.MethodGet && c.Method() != http.MethodHead:
		c.Request().SetBodyStream(bytes.NewReader(body), len(body)) // huma asks for a stream
	}
	return c.Next()
}

// readBody gives the errors that Fiber would.
func readBody(stream io.Reader, length, most int) ([]byte, error) {
	if length > most {
		return nil, fiber.ErrRequestEntityTooLarge
	}
	var body bytes.Buffer
	if length > 0 {
		body.Grow(min(length, 1<<20))
	}
	n, err := body.ReadFrom(io.LimitReader(stream, int64(most)+1))
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil, fiber.ErrRequestTimeout
	case err != nil || length > 0 && n < int64(length):
		return nil, fiber.NewError(http.StatusBadRequest, "the request broke off")
	case n > int64(most):
		return nil, fiber.ErrRequestEntityTooLarge
	}
	return body.Bytes(), nil
}

// drain reads what the handler left, within bounds, and has the connection end where there is more.
func (a *arriving) drain(c *fiber.Ctx) {
	if a.err == io.EOF { //nolint:errorlint // as Read gives it
		return
	}
	if !a.gone && a.conn.SetReadDeadline(time.Now().Add(drainTime)) == nil {
		if _, err := io.CopyN(io.Discard, a.stream, drainBytes); errors.Is(err, io.EOF) {
			return
		}
	}
	c.Context().SetConnectionClose()
}

// paceBytes must come within server.upload_idle each.
const paceBytes = 64 << 10

// arriving is the body of an upload: bounded in size and pace, and whole or an error.
type arriving struct {
	stream io.Reader
	conn   net.Conn
	server *Server
	length int // -1 for unknown
	read   int64
	until  int64 // the bytes after which the time begins anew
	err    error
	gone   bool // the client sends nothing more
}

// arrivingKey is that of a request's arriving among its locals.
type arrivingKey struct{}

func (s *Server) arriving(c *fiber.Ctx) *arriving {
	stream := c.Context().RequestBodyStream()
	if stream == nil {
		stream = bytes.NewReader(nil)
	}
	length := c.Request().Header.ContentLength()
	if length < -1 { // there is no body
		length = 0
	}
	return &arriving{stream: stream, conn: c.Context().Conn(), server: s, length: length}
}

func (a *arriving) Read(p []byte) (int, error) {
	if a.err != nil {
		return 0, a.err
	}
	n, err := a.next(p)
	a.err = err
	return n, err
}

func (a *arriving) next(p []byte) (int, error) {
	if a.read >= a.until {
		if err := a.conn.SetReadDeadline(time.Now().Add(a.server.cfg.UploadIdle)); err != nil {
			return 0, brokenOff(a.read)
		}
		a.until = a.read + paceBytes
	}
	if a.server.life.Err() != nil {
		return 0, shuttingDown()
	}
	n, err := a.stream.Read(p)
	a.read += int64(n)
	a.gone = err != nil
	switch {
	case a.read > a.server.cfg.MaxBulkUpload:
		return n, a.server.bulkTooLarge()
	case err != nil && err != io.EOF && a.server.life.Err() != nil:
		return n, shuttingDown()
	case errors.Is(err, os.ErrDeadlineExceeded):
		return n, newProblem(http.StatusRequestTimeout, "less than "+strconv.Itoa(paceBytes)+" bytes of the upload came within the "+a.server.cfg.UploadIdle.String()+" of server.upload_idle; send it again")
	case err == io.EOF && (a.length < 0 || a.read >= int64(a.length)):
		return n, io.EOF
	case err != nil:
		return n, brokenOff(a.read)
	}
	return n, nil
}

func shuttingDown() *Problem {
	return newProblem(http.StatusServiceUnavailable, "the service is shutting down; send the upload again when it is back")
}

func brokenOff(read int64) *Problem {
	return newProblem(http.StatusBadRequest, "the upload broke off after "+strconv.FormatInt(read, 10)+" bytes; nothing of it was kept, send it again")
}

func (s *Server) bulkTooLarge() *Problem {
	return newProblem(http.StatusRequestEntityTooLarge, "the upload is larger than the "+strconv.FormatInt(s.cfg.MaxBulkUpload, 10)+" bytes that server.max_bulk_upload allows; send it in parts")
}
