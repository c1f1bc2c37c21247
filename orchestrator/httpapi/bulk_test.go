package httpapi_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

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
