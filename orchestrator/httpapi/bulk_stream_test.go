package httpapi_test

import (
	"archive/tar"
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"clipseek/orchestrator/app"
	"clipseek/orchestrator/app/apptest"
	"clipseek/orchestrator/httpapi"
)

// TestUploadBrokenOff has clients leave, or send nothing more, in the middle of a picture.
func TestUploadBrokenOff(t *testing.T) {
	t.Parallel()
	var data string
	c := serve(t, "", func(cfg *app.Config) {
		data, cfg.Server.UploadIdle, cfg.Server.Timeout = cfg.Data, 300*time.Millisecond, 2*time.Second
	})
	uploads := filepath.Join(data, "uploads")
	red := apptest.JPEG(t, apptest.Picture(900, apptest.Red, apptest.White))
	contentType, body := form(t, part{"1.jpg", red}, part{"2.jpg", red[:len(red)-1]})
	begin := func(head string) net.Conn {
		conn, err := net.Dial("tcp", strings.TrimPrefix(c.base, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
			t.Fatal(err)
		}
		if _, err := fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: %s\r\n%s\r\n\r\n", bulk, contentType, head); err != nil {
			t.Fatal(err)
		}
		return conn
	}
	length := "Content-Length: " + strconv.Itoa(len(body))
	for name, tc := range map[string]struct {
		head  string
		sent  []byte
		close bool
	}{
		"closed":           {length, body[:len(body)/2], true},
		"closed in chunks": {"Transfer-Encoding: chunked", append([]byte("100000\r\n"), body[:len(body)/2]...), true},
		"idle":             {length, body[:len(body)/2], false},
		"idle in chunks":   {"Transfer-Encoding: chunked", append([]byte("100000\r\n"), body[:len(body)/2]...), false},
		"idle at once":     {length, nil, false},
	} {
		conn := begin(tc.head)
		if _, err := conn.Write(tc.sent); err != nil {
			t.Fatal(name, err)
		}
		if tc.close {
			if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
				t.Fatal(name, err)
			}
		}
		answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		content, _ := io.ReadAll(answer.Body)
		if want := map[bool]int{true: 400, false: 408}[tc.close]; answer.StatusCode != want {
			t.Errorf("%s: %d %s", name, answer.StatusCode, content)
		}
		if files := left(t, uploads); len(files) > 0 {
			t.Errorf("%s: left %v", name, files)
		}
	}
	if job := c.sendForm(bulk, part{"1.jpg", red}); job.Indexed != 1 {
		t.Errorf("%+v", job)
	}
}

// TestUploadOutlastsTheTimeout sends for longer than a request may take, and never pauses for long.
func TestUploadOutlastsTheTimeout(t *testing.T) {
	t.Parallel()
	c := serve(t, "", func(cfg *app.Config) { cfg.Server.Timeout, cfg.Server.UploadIdle = time.Second, 20*time.Second })
	contentType, body := form(t, part{"1.jpg", apptest.JPEG(t, apptest.Picture(60, apptest.Red, apptest.White))})
	from, to := io.Pipe()
	go func() {
		_, err := to.Write(body[:100])
		<-time.After(1500 * time.Millisecond) // beyond the timeout
		if err == nil {
			_, err = to.Write(body[100:])
		}
		_ = to.CloseWithError(err)
	}()
	var job httpapi.Job
	resp, content := c.send(http.MethodPost, bulk, contentType, from)
	c.decode(resp, content, http.StatusAccepted, &job)
	if job = c.wait(job.ID); job.Indexed != 1 {
		t.Errorf("%+v", job)
	}
}

// TestUploadEndsWithTheService stops the service while an upload waits for more.
func TestUploadEndsWithTheService(t *testing.T) {
	t.Parallel()
	cfg := apptest.Config(t)
	base, stop, ended := start(t, cfg)
	from, to := io.Pipe()
	req, err := http.NewRequest(http.MethodPost, base+bulk, from)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "image/jpeg")
	answered := make(chan int, 1)
	go func() {
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			answered <- 0
			return
		}
		_ = resp.Body.Close()
		answered <- resp.StatusCode
	}()
	if _, err := to.Write([]byte("\xff\xd8\xff\xe0 the beginning")); err != nil {
		t.Fatal(err)
	}
	for len(left(t, filepath.Join(cfg.Data, "uploads"))) == 0 {
		runtime.Gosched()
	}
	began := time.Now()
	stop()
	if status := <-answered; status != http.StatusServiceUnavailable && status != 0 {
		t.Errorf("status %d", status)
	}
	_ = to.Close()
	if err := <-ended; err != nil || time.Since(began) > 8*time.Second {
		t.Errorf("%v after %s", err, time.Since(began))
	}
	if files := left(t, filepath.Join(cfg.Data, "uploads")); len(files) > 0 {
		t.Errorf("left: %v", files)
	}
}

// zeros reads as zeros and keeps the most memory that is in use meanwhile.
type zeros struct {
	left int64
	most uint64
	next int64
}

func (z *zeros) Read(p []byte) (int, error) {
	if z.left == 0 {
		return 0, io.EOF
	}
	if z.left <= z.next {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		z.most, z.next = max(z.most, m.HeapInuse), z.left-16<<20
	}
	n := int(min(int64(len(p)), z.left))
	clear(p[:n])
	z.left -= int64(n)
	return n, nil
}

// TestUploadIsStreamed sends a tar of 300 MB, whose picture comes first.
func TestUploadIsStreamed(t *testing.T) {
	const size = 300 << 20
	var data string
	c := serve(t, "", func(cfg *app.Config) { data = cfg.Data })
	var head bytes.Buffer
	w := tar.NewWriter(&head)
	red := apptest.JPEG(t, apptest.Picture(60, apptest.Red, apptest.White))
	for _, h := range []tar.Header{{Name: "1.jpg", Size: int64(len(red)), Typeflag: tar.TypeReg}, {Name: "rest.bin", Size: size, Typeflag: tar.TypeReg}} {
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if h.Name == "1.jpg" {
			if _, err := w.Write(red); err != nil {
				t.Fatal(err)
			}
		}
	}
	runtime.GC()
	var before runtime.MemStats
	runtime.ReadMemStats(&before)
	rest := &zeros{left: size + 1024, next: size}
	var job httpapi.Job
	resp, content := c.send(http.MethodPost, bulk, "application/x-tar", io.MultiReader(&head, rest))
	c.decode(resp, content, http.StatusAccepted, &job)
	if job = c.wait(job.ID); job.Indexed != 1 || job.Failed != 0 {
		t.Errorf("%+v", job)
	}
	if grown := int64(rest.most) - int64(before.HeapInuse); grown > 64<<20 {
		t.Errorf("the heap grew by %d MB", grown>>20)
	}
	if files := left(t, filepath.Join(data, "uploads")); len(files) != 2 {
		t.Errorf("%v", files)
	}
}
