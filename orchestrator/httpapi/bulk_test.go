package httpapi_test

import (
	"archive/tar"
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"mime/multipart"
	"net"
	"net/http"
	"net/textproto"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"clipseek/orchestrator/app"
	"clipseek/orchestrator/app/apptest"
	"clipseek/orchestrator/httpapi"
)

const bulk = "/v1/collections/mine/upload"

// part is one file of a form.
type part struct {
	name    string
	content []byte
}

// form is a form as browsers send it: file names keep the folders before them.
func form(t *testing.T, parts ...part) (contentType string, body []byte) {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for _, p := range parts {
		to, err := w.CreatePart(textproto.MIMEHeader{"Content-Disposition": {fmt.Sprintf(`form-data; name="file"; filename=%q`, p.name)}})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := to.Write(p.content); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return w.FormDataContentType(), b.Bytes()
}

// sendForm uploads files and waits for their job.
func (c client) sendForm(path string, parts ...part) httpapi.Job {
	c.t.Helper()
	contentType, body := form(c.t, parts...)
	return c.sendBody(path, contentType, body)
}

func (c client) sendBody(path, contentType string, body []byte, header ...string) httpapi.Job {
	c.t.Helper()
	var job httpapi.Job
	resp, content := c.send(http.MethodPost, path, contentType, bytes.NewReader(body), header...)
	c.decode(resp, content, http.StatusAccepted, &job)
	return c.wait(job.ID)
}

func (c client) searchIn(collection, text string) []httpapi.Hit {
	c.t.Helper()
	var answer httpapi.Answer
	c.call(http.MethodPost, "/v1/collections/"+collection+"/search", map[string]any{"text": text, "limit": 20}, http.StatusOK, &answer)
	return answer.Hits
}

// left is the files below a folder, but for its lock.
func left(t *testing.T, dir string) (files []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err == nil && path != filepath.Join(dir, ".lock") && (!entry.IsDir() || filepath.Base(filepath.Dir(path)) == ".new") {
			files = append(files, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// TestUpload sends pictures, archives and what is neither in one form, and looks at what comes of each.
func TestUpload(t *testing.T) {
	t.Parallel()
	var data string
	c := serve(t, "", func(cfg *app.Config) { data = cfg.Data })
	red := apptest.JPEG(t, apptest.Picture(120, apptest.Red, apptest.White))
	green := apptest.PNG(t, apptest.Picture(100, apptest.Green, apptest.White))
	parts := []part{
		{"fruit/apple/red.jpg", red}, {"leaf.png", green},
		{"album.zip", packZip(t, "lemon/yellow.png", apptest.PNG(t, apptest.Picture(90, apptest.Yellow, apptest.White)))},
		{"fruit/.DS_Store", []byte("x")}, {"notes.txt", []byte("hello")}, {"empty.jpg", nil}, {"../up.jpg", red}, {"leaf.png", green},
		{"broken.jpg", []byte("\xff\xd8\xff\xe0nonsense")}, {"cut.zip", []byte("PK\x03\x04 and no more")},
	}
	job := c.sendForm(bulk, parts...)
	if job.State != "done" || job.Indexed != 3 || job.Failed != 6 || !strings.Contains(job.Path, "upload of 9 files") {
		t.Errorf("%+v", job)
	}
	reasons := map[string]string{"notes.txt": "no picture", "empty.jpg": "empty", "../up.jpg": "leads out", "leaf.png": "sent twice", "cut.zip": "cut short"}
	for _, f := range job.Failures {
		if want, ok := reasons[f.Path]; !ok && !strings.HasSuffix(f.Path, "/broken.jpg") || !strings.Contains(f.Reason, want) {
			t.Errorf("%+v", f)
		}
		delete(reasons, f.Path)
	}
	if len(reasons) > 0 {
		t.Errorf("not in the ledger: %v", reasons)
	}
	hits := c.searchIn("mine", "apple")
	if len(hits) != 3 || !strings.HasSuffix(hits[0].Path, "/fruit/apple/red.jpg") || hits[0].Fields["label"] != "apple" || !strings.HasPrefix(hits[0].Path, filepath.Join(data, "uploads")) {
		t.Fatalf("%+v", hits)
	}
	if _, original := c.send(http.MethodGet, hits[0].Original, "", nil); !bytes.Equal(original, red) {
		t.Errorf("the original has %d bytes", len(original))
	}
	for _, hit := range hits {
		if resp, _ := c.send(http.MethodGet, hit.Thumbnail, "", nil); resp.StatusCode != http.StatusOK {
			t.Errorf("thumbnail of %s: %d", hit.Path, resp.StatusCode)
		}
	}
	before := len(left(t, filepath.Join(data, "uploads")))
	if job = c.sendForm(bulk, parts...); job.Indexed != 0 || job.Unchanged != 3 || job.Failed != 6 {
		t.Errorf("sent again: %+v", job)
	}
	if after := left(t, filepath.Join(data, "uploads")); len(after) != before {
		t.Errorf("%d files, and %d when sent again: %v", before, len(after), after)
	}
	// Another picture under a name in use takes nothing's place.
	if job = c.sendForm(bulk, part{"fruit/apple/red.jpg", green}); job.Indexed != 1 {
		t.Errorf("%+v", job)
	}
	if hits = c.searchIn("mine", "apple"); len(hits) != 4 {
		t.Errorf("%d pictures", len(hits))
	}
}

// TestUploadOfOneFile sends archives and a picture as bodies.
func TestUploadOfOneFile(t *testing.T) {
	t.Parallel()
	c := serve(t, "", func(cfg *app.Config) { cfg.Server.APIKey = "a key of 16 letters" })
	red := apptest.JPEG(t, apptest.Picture(120, apptest.Red, apptest.White))
	for name, tc := range map[string]struct {
		query, contentType string
		body               []byte
		path               string
		header             []string
	}{
		"zip":             {"?name=album.zip", "application/zip", packZip(t, "zip/1.jpg", red), "/album.zip!/zip/1.jpg", nil},
		"tar.gz":          {"", "application/gzip", packTar(t, "gz/1.jpg", red), "/upload.tar.gz!/gz/1.jpg", nil},
		"told by content": {"", "application/octet-stream", packTar(t, "octets/1.jpg", red), "/upload!/octets/1.jpg", nil},
		"no type":         {"", "", packZip(t, "none/1.jpg", red), "/upload!/none/1.jpg", nil},
		"named by header": {"", "application/zip", packZip(t, "header/1.jpg", red), "/b/c.zip!/header/1.jpg", []string{"Content-Disposition", `attachment; filename="b/c.zip"`}},
		"a picture":       {"?name=d/e.jpg", "image/jpeg", red, "/d/e.jpg", nil},
	} {
		name := strings.ReplaceAll(strings.ReplaceAll(name, " ", "_"), ".", "_")
		job := c.sendBody("/v1/collections/"+name+"/upload"+tc.query, tc.contentType, tc.body, tc.header...)
		if job.Indexed != 1 || job.Failed != 0 {
			t.Errorf("%s: %+v", name, job)
			continue
		}
		if hits := c.searchIn(name, "apple"); len(hits) != 1 || !strings.HasSuffix(hits[0].Path, tc.path) {
			t.Errorf("%s: %+v", name, hits)
		}
	}
	c.key = ""
	if resp, _ := c.send(http.MethodPost, bulk, "image/jpeg", bytes.NewReader(red)); resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("without the key: %d", resp.StatusCode)
	}
}

// TestUploadRefused sends what is refused as a whole; nothing of it stays.
func TestUploadRefused(t *testing.T) {
	t.Parallel()
	var data string
	c := serve(t, "", func(cfg *app.Config) {
		data, cfg.Server.MaxBulkUpload, cfg.Upload.MaxFiles = cfg.Data, 100_000, 3
	})
	red := apptest.JPEG(t, apptest.Picture(40, apptest.Red, apptest.White))
	formType, whole := form(t, part{"a.jpg", red})
	manyType, many := form(t, part{"1.jpg", red}, part{"2.jpg", red}, part{"3.jpg", red}, part{"4.jpg", red})
	for name, tc := range map[string]struct {
		path, contentType string
		body              []byte
		status            int
		detail            string
	}{
		"nothing":            {bulk, "application/zip", nil, 400, "is empty"},
		"empty form":         {bulk, formType, []byte("--" + boundary(formType) + "--\r\n"), 400, "holds no file"},
		"a text":             {bulk, "application/octet-stream", []byte("hello"), 400, "no picture and no archive"},
		"foreign archive":    {bulk, "application/octet-stream", []byte("Rar!\x1a\x07\x00 and more"), 400, "of a kind that is not read"},
		"cut zip":            {bulk + "?name=a.zip", "application/zip", packZip(t, "1.jpg", red)[:200], 400, "a.zip: it has no directory"},
		"cut tar.gz":         {bulk, "application/gzip", packTar(t, "1.jpg", red)[:40], 400, "upload.tar.gz"},
		"zip of texts":       {bulk, "application/zip", packZip(t, "1.txt", []byte("hello")), 400, "holds no picture"},
		"unknown type":       {bulk, "application/pdf", red, 415, "application/pdf"},
		"curl without type":  {bulk, "application/x-www-form-urlencoded", red, 415, "application/zip"},
		"bad type":           {bulk, ";;", red, 400, "Content-Type"},
		"no boundary":        {bulk, "multipart/form-data", whole, 400, "boundary"},
		"other boundary":     {bulk, "multipart/form-data; boundary=other", whole, 400, "form is broken"},
		"cut form":           {bulk, formType, whole[:len(whole)-20], 400, "form is broken"},
		"form cut in a name": {bulk, formType, whole[:70], 400, "form is broken"},
		"a text field":       {bulk, formType, []byte(strings.Replace(string(whole), `; filename="a.jpg"`, "", 1)), 400, "-F file=@a.jpg"},
		"too large":          {bulk, "application/zip", make([]byte, 100_001), 413, "server.max_bulk_upload"},
		"too many files":     {bulk, manyType, many, 413, "upload.max_files"},
		"collection's name":  {"/v1/collections/a-b/upload", formType, whole, 400, "a-b"},
		"no partitions":      {bulk + "?partition=p", formType, whole, 409, "no partitions"},
		"name leads out":     {bulk + "?name=" + url.QueryEscape("../a.jpg"), "image/jpeg", red, 400, "leads out"},
	} {
		resp, content := c.send(http.MethodPost, tc.path, tc.contentType, bytes.NewReader(tc.body))
		var problem httpapi.Problem
		if resp.StatusCode != tc.status || json.Unmarshal(content, &problem) != nil || !strings.Contains(problem.Detail, tc.detail) || strings.Contains(problem.Detail, data) {
			t.Errorf("%s: %d %s", name, resp.StatusCode, content)
		}
	}
	if resp, content := c.send(http.MethodPost, bulk, "image/jpeg", io.MultiReader(bytes.NewReader(red), bytes.NewReader(make([]byte, 100_000)))); resp.StatusCode != 413 {
		t.Errorf("too large in chunks: %d %s", resp.StatusCode, content)
	}
	if files := left(t, filepath.Join(data, "uploads")); len(files) > 0 {
		t.Errorf("left: %v", files)
	}
	var all struct{ Collections []struct{ Name string } }
	if c.call(http.MethodGet, "/v1/collections", nil, http.StatusOK, &all); len(all.Collections) > 2 { // "no partitions" made one
		t.Errorf("collections: %+v", all)
	}
	// Connections of refused uploads are still good, or closed.
	if job := c.sendForm(bulk, part{"a.jpg", red}); job.Indexed != 1 {
		t.Errorf("%+v", job)
	}
}

func boundary(contentType string) string {
	_, b, _ := strings.Cut(contentType, "boundary=")
	return b
}

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
	service, err := app.OpenService(t.Context(), cfg, "test", apptest.Log(t))
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- service.Run(ctx) }()
	from, to := io.Pipe()
	req, err := http.NewRequest(http.MethodPost, service.URL()+bulk, from)
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
	if err := errors.Join(<-ended, service.Close()); err != nil || time.Since(began) > 8*time.Second {
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

// TestUploadWithoutRoom sends to a disk that is too small, and to one that may not be written.
func TestUploadWithoutRoom(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=256k"); err != nil {
		t.Skipf("a disk of its own cannot be made (not root?): %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	c := serve(t, "", func(cfg *app.Config) { cfg.Upload.Folder = dir })
	red := apptest.JPEG(t, apptest.Picture(60, apptest.Red, apptest.White))
	large := append(red[:len(red):len(red)], make([]byte, 400<<10)...)
	refused := func(body io.Reader, status int, detail string) {
		t.Helper()
		resp, content := c.send(http.MethodPost, bulk, "image/jpeg", body)
		var problem httpapi.Problem
		if c.decode(resp, content, status, &problem); !strings.Contains(problem.Detail, detail) {
			t.Errorf("%+v", problem)
		}
		if files := left(t, dir); len(files) > 0 {
			t.Errorf("left: %v", files)
		}
	}
	refused(bytes.NewReader(large), http.StatusServiceUnavailable, "no room")
	refused(io.MultiReader(bytes.NewReader(large)), http.StatusServiceUnavailable, "no room left") // of a length that nobody knows
	if err := syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	refused(bytes.NewReader(red), http.StatusForbidden, "no permission")
	if err := syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_REMOUNT, "size=1m"); err != nil {
		t.Fatal(err)
	}
	if job := c.sendBody(bulk, "image/jpeg", red); job.Indexed != 1 {
		t.Errorf("%+v", job)
	}
}

// TestUploadBesideOtherMachines shares a queue with machines that may not see the folder.
func TestUploadBesideOtherMachines(t *testing.T) {
	t.Parallel()
	node, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: server.RANDOM_PORT, JetStream: true, StoreDir: t.TempDir(), NoSigs: true, NoLog: true})
	if err != nil {
		t.Fatal(err)
	}
	node.Start()
	t.Cleanup(func() {
		node.Shutdown()
		node.WaitForShutdown()
	})
	if !node.ReadyForConnections(20 * time.Second) {
		t.Fatal("the queue does not start")
	}
	red := apptest.JPEG(t, apptest.Picture(60, apptest.Red, apptest.White))
	c := serve(t, "", func(cfg *app.Config) { cfg.Jobs.NATS.URL = node.ClientURL() })
	resp, content := c.send(http.MethodPost, bulk, "image/jpeg", bytes.NewReader(red))
	var problem httpapi.Problem
	if c.decode(resp, content, http.StatusForbidden, &problem); !strings.Contains(problem.Detail, "upload.shared: true") {
		t.Errorf("%+v", problem)
	}
	c = serve(t, "", func(cfg *app.Config) { cfg.Jobs.NATS.URL, cfg.Upload.Shared = node.ClientURL(), true })
	if job := c.sendBody(bulk, "image/jpeg", red); job.Indexed != 1 {
		t.Errorf("%+v", job)
	}
}

// TestUploadIsDescribed looks at the route in the API's own description.
func TestUploadIsDescribed(t *testing.T) {
	t.Parallel()
	c := serve(t, "", nil)
	var api struct {
		Paths map[string]map[string]struct {
			Parameters  []struct{ Name, In string }
			RequestBody struct {
				Required bool
				Content  map[string]any
			}
			Responses map[string]any
		}
	}
	c.call(http.MethodGet, "/openapi.json", nil, http.StatusOK, &api)
	post := api.Paths["/v1/collections/{collection}/upload"]["post"]
	if !post.RequestBody.Required || post.RequestBody.Content["multipart/form-data"] == nil || post.RequestBody.Content["application/zip"] == nil || post.Responses["202"] == nil {
		t.Errorf("%+v", post)
	}
	for _, p := range post.Parameters {
		if p.In == "header" {
			t.Errorf("the header %s is shown", p.Name)
		}
	}
}

// TestUploadByCurl runs the commands of docs/ingest.md.
func TestUploadByCurl(t *testing.T) {
	t.Parallel()
	curl, err := exec.LookPath("curl")
	if err != nil {
		t.Skip("curl is not installed")
	}
	text, err := os.ReadFile(filepath.Join(apptest.Root(t), "docs", "ingest.md"))
	if err != nil {
		t.Fatal(err)
	}
	c := serve(t, "", nil)
	red := apptest.JPEG(t, apptest.Picture(60, apptest.Red, apptest.White))
	dir := apptest.Write(t, map[string][]byte{
		"a.jpg": red, "b.jpg": apptest.JPEG(t, apptest.Picture(60, apptest.Green, apptest.White)), "album.zip": packZip(t, "c/1.jpg", red),
	})
	found := 0
	for line := range strings.Lines(string(text)) {
		line, ok := strings.CutPrefix(strings.TrimSpace(line), "curl ")
		if !ok {
			continue
		}
		var args []string
		for _, arg := range regexp.MustCompile(`'[^']*'|\S+`).FindAllString(line, -1) {
			args = append(args, strings.ReplaceAll(strings.Trim(arg, "'"), "http://127.0.0.1:9099", c.base))
		}
		cmd := exec.CommandContext(t.Context(), curl, append([]string{"-sS", "--max-time", "20"}, args...)...)
		cmd.Dir = dir
		out, err := cmd.Output()
		var job httpapi.Job
		if err != nil || json.Unmarshal(out, &job) != nil || job.ID == "" {
			t.Errorf("%s: %v: %s", line, err, out)
			continue
		}
		found += int(c.wait(job.ID).Indexed)
	}
	if found != 3 {
		t.Errorf("%d pictures, want 3", found)
	}
}
