package httpapi_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"clipseek/orchestrator/app"
	"clipseek/orchestrator/app/apptest"
	"clipseek/orchestrator/httpapi"
	"clipseek/orchestrator/index"
	"clipseek/orchestrator/jobs"
)

// client talks to a running service.
type client struct {
	t    *testing.T
	base string
	key  string
}

// serve runs the real service with pictures of root in the default collection, until the test ends.
func serve(t *testing.T, root string, change func(*app.Config)) client {
	t.Helper()
	cfg := apptest.Config(t)
	if root != "" {
		fill(t, cfg, root)
	}
	if change != nil {
		change(&cfg)
	}
	base, stop, ended := start(t, cfg)
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return client{t: t, base: base, key: cfg.Server.APIKey}
}

// start runs the real service until stop is called; ended then gives what went wrong.
func start(t *testing.T, cfg app.Config) (base string, stop func(), ended <-chan error) {
	t.Helper()
	service, err := app.OpenService(t.Context(), cfg, "test", apptest.Log(t))
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	end := make(chan error, 1)
	go func() { end <- errors.Join(service.Run(ctx), service.Close()) }()
	return service.URL(), stop, end
}

func fill(t *testing.T, cfg app.Config, root string) {
	t.Helper()
	src, err := app.OpenSource(t.Context(), cfg, jobs.Spec{Sources: []string{root}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	core, err := app.OpenCore(t.Context(), cfg, apptest.Log(t))
	if err != nil {
		t.Fatal(err)
	}
	photos, err := core.Make(t.Context(), cfg.Collection)
	if err != nil {
		t.Fatal(err)
	}
	apptest.IngestFrom(t, core, photos, src)
	if err := core.Close(); err != nil {
		t.Fatal(err)
	}
}

// send gives the status, headers and body of an answer.
func (c client) send(method, path, contentType string, body io.Reader, header ...string) (*http.Response, []byte) {
	c.t.Helper()
	req, err := http.NewRequest(method, c.base+path, body)
	if err != nil {
		c.t.Fatal(err)
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	if c.key != "" {
		req.Header.Set("Authorization", "Bearer "+c.key)
	}
	for i := 0; i < len(header); i += 2 {
		if req.Header.Set(header[i], header[i+1]); header[i] == "Host" {
			req.Host = header[i+1]
		}
	}
	resp, err := http.DefaultClient.Do(req)
	// A server that refuses a body may close before all of it was sent, and its answer may be lost with the connection.
	for tries := 0; tries < 20 && req.GetBody != nil && (errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)); tries++ {
		if req.Body, err = req.GetBody(); err == nil {
			resp, err = http.DefaultClient.Do(req)
		}
	}
	if err != nil {
		c.t.Fatal(err)
	}
	content, err := io.ReadAll(resp.Body)
	if closeErr := resp.Body.Close(); err != nil || closeErr != nil {
		c.t.Fatal(err, closeErr)
	}
	return resp, content
}

// call sends JSON and decodes an answer of the wanted status into out.
func (c client) call(method, path string, in any, status int, out any) *http.Response {
	c.t.Helper()
	var body io.Reader
	contentType := ""
	if in != nil {
		text, err := json.Marshal(in)
		if err != nil {
			c.t.Fatal(err)
		}
		body, contentType = bytes.NewReader(text), "application/json"
	}
	resp, content := c.send(method, path, contentType, body)
	c.decode(resp, content, status, out)
	return resp
}

func (c client) decode(resp *http.Response, content []byte, status int, out any) {
	c.t.Helper()
	if resp.StatusCode != status {
		c.t.Fatalf("%s %s: status %d, want %d: %s", resp.Request.Method, resp.Request.URL.Path, resp.StatusCode, status, content)
	}
	if status >= 400 && resp.Header.Get("Content-Type") != "application/problem+json" {
		c.t.Errorf("content type of a problem is %q", resp.Header.Get("Content-Type"))
	}
	if out == nil {
		return
	}
	if err := json.Unmarshal(content, out); err != nil {
		c.t.Fatalf("%v in %s", err, content)
	}
}

const collection = "/v1/collections/text_image_vector"

func (c client) search(query map[string]any) httpapi.Answer {
	c.t.Helper()
	var answer httpapi.Answer
	c.call(http.MethodPost, collection+"/search", query, http.StatusOK, &answer)
	return answer
}

// upload posts a multipart form with a file and fields.
func (c client) upload(path string, file []byte, fields map[string]string, status int, out any) {
	c.t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	part, err := form.CreateFormFile("image", "query.jpg")
	if err != nil {
		c.t.Fatal(err)
	}
	if _, err := part.Write(file); err != nil {
		c.t.Fatal(err)
	}
	for name, value := range fields {
		if err := form.WriteField(name, value); err != nil {
			c.t.Fatal(err)
		}
	}
	if err := form.Close(); err != nil {
		c.t.Fatal(err)
	}
	resp, content := c.send(http.MethodPost, path, form.FormDataContentType(), &body)
	c.decode(resp, content, status, out)
}

// photos makes a folder of eight pictures of three kinds.
func photos(t *testing.T) string {
	files := map[string][]byte{}
	for i, disc := range []struct {
		label string
		paint func(side int) image.Image
	}{
		{"apple", func(side int) image.Image { return apptest.Picture(side, apptest.Red, apptest.White) }},
		{"lemon", func(side int) image.Image { return apptest.Picture(side, apptest.Yellow, apptest.White) }},
		{"leaf", func(side int) image.Image { return apptest.Picture(side, apptest.Green, apptest.White) }},
	} {
		for j := range 3 - i%2 {
			files[fmt.Sprintf("%s/%d.png", disc.label, j)] = apptest.PNG(t, disc.paint(100+20*j))
		}
	}
	return apptest.Write(t, files)
}

func TestSearch(t *testing.T) {
	t.Parallel()
	root := photos(t)
	c := serve(t, root, nil)

	all := c.search(map[string]any{"text": "a red apple"})
	if len(all.Hits) != 8 || all.Took.Total <= 0 {
		t.Fatalf("answer = %+v", all)
	}
	for i, hit := range all.Hits {
		if i > 0 && hit.Score > all.Hits[i-1].Score {
			t.Errorf("hit %d scores more than the one before", i)
		}
		if hit.Fields["label"] == nil || !filepath.IsAbs(hit.Path) {
			t.Errorf("hit = %+v", hit)
		}
	}
	if again := c.search(map[string]any{"text": "  A RED   apple "}); again.Hits[0].ID != all.Hits[0].ID {
		t.Error("white space and capitals change the answer")
	}
	var paged []string
	for offset := 0; offset < 8; offset += 3 {
		for _, hit := range c.search(map[string]any{"text": "a red apple", "limit": 3, "offset": offset}).Hits {
			paged = append(paged, hit.ID)
		}
	}
	for i, hit := range all.Hits {
		if i >= len(paged) || paged[i] != hit.ID {
			t.Fatalf("pages give %v, the whole answer has %s at %d", paged, hit.ID, i)
		}
	}
	filtered := c.search(map[string]any{"text": "fruit", "filter": `label == "lemon" && width >= 110`})
	if len(filtered.Hits) != 1 || filtered.Hits[0].Fields["label"] != "lemon" {
		t.Errorf("filtered = %+v", filtered.Hits)
	}

	like := c.search(map[string]any{"like": all.Hits[0].ID})
	if len(like.Hits) != 7 || like.Hits[0].Fields["label"] != all.Hits[0].Fields["label"] {
		t.Errorf("like = %+v", like.Hits)
	}
	for _, hit := range like.Hits {
		if hit.ID == all.Hits[0].ID {
			t.Error("a picture is like itself")
		}
	}
	file, err := os.ReadFile(filepath.Join(root, "apple/0.png"))
	if err != nil {
		t.Fatal(err)
	}
	var answer httpapi.Answer
	c.upload(collection+"/search/upload", file, map[string]string{"limit": "2"}, http.StatusOK, &answer)
	if len(answer.Hits) != 2 || answer.Hits[0].Score < 0.999 || filepath.Base(answer.Hits[0].Path) != "0.png" {
		t.Errorf("upload = %+v", answer.Hits)
	}
	c.upload(collection+"/search/upload", file, map[string]string{"text": "lemon"}, http.StatusOK, &answer)
	if len(answer.Hits) != 8 || answer.Hits[0].Score > 0.999 {
		t.Errorf("picture and text = %+v", answer.Hits)
	}
}

func TestPictures(t *testing.T) {
	t.Parallel()
	root := photos(t)
	c := serve(t, root, nil)
	hit := c.search(map[string]any{"text": "lemon", "limit": 1}).Hits[0]

	var picture httpapi.Picture
	c.call(http.MethodGet, collection+"/pictures/"+hit.ID, nil, http.StatusOK, &picture)
	if picture.Path != hit.Path || picture.Fields["format"] != "png" {
		t.Errorf("picture = %+v", picture)
	}
	for range 2 {
		resp, small := c.send(http.MethodGet, hit.Thumbnail, "", nil)
		cfg, format, err := image.DecodeConfig(bytes.NewReader(small))
		if err != nil || format != "jpeg" || cfg.Width > 320 || resp.Header.Get("Content-Type") != "image/jpeg" {
			t.Errorf("thumbnail: %v %s %+v", err, format, cfg)
		}
	}
	want, err := os.ReadFile(hit.Path)
	if err != nil {
		t.Fatal(err)
	}
	resp, original := c.send(http.MethodGet, hit.Original, "", nil)
	if !bytes.Equal(original, want) || resp.Header.Get("Content-Type") != "image/png" {
		t.Errorf("original: %d bytes of %s, want %d", len(original), resp.Header.Get("Content-Type"), len(want))
	}
	if err := os.WriteFile(hit.Path, []byte("root:x:0:0 this is no picture"), 0o600); err != nil {
		t.Fatal(err)
	}
	c.call(http.MethodGet, hit.Original, nil, http.StatusConflict, nil)
	if err := os.Remove(hit.Path); err != nil {
		t.Fatal(err)
	}
	var problem httpapi.Problem
	c.call(http.MethodGet, hit.Original, nil, http.StatusNotFound, &problem)
	if !strings.Contains(problem.Detail, hit.Path) {
		t.Errorf("detail = %q", problem.Detail)
	}
}

// TestPicturesOfTheWeb shows pictures whose path is a URL: the thumbnail comes of the ingest, the original is not ours.
func TestPicturesOfTheWeb(t *testing.T) {
	t.Parallel()
	var fetched atomic.Int32
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fetched.Add(1)
		_, _ = w.Write(apptest.JPEG(t, apptest.Picture(64, apptest.Red, apptest.White)))
	}))
	t.Cleanup(web.Close)
	list := filepath.Join(t.TempDir(), "urls.txt")
	address := strings.Replace(web.URL, "://", "://me:secret@", 1) + "/1.jpg?size=64"
	if err := os.WriteFile(list, []byte(address), 0o600); err != nil {
		t.Fatal(err)
	}
	c := serve(t, "", func(cfg *app.Config) {
		cfg.Web.Allow = []string{"127.0.0.1"}
		fill(t, *cfg, list)
	})
	hit := c.search(map[string]any{"text": "apple", "limit": 1}).Hits[0]
	for range 2 {
		if resp, small := c.send(http.MethodGet, hit.Thumbnail, "", nil); resp.StatusCode != http.StatusOK || len(small) == 0 {
			t.Errorf("thumbnail: %d", resp.StatusCode)
		}
	}
	if fetched.Load() != 1 { // for the index and the thumbnail
		t.Errorf("fetched %d times", fetched.Load())
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, c.base+hit.Original, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultTransport.RoundTrip(request) // without following
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusFound || resp.Header.Get("Location") != web.URL+"/1.jpg?size=64" || resp.Header.Get("Referrer-Policy") != "no-referrer" {
		t.Errorf("original: %d, %v", resp.StatusCode, resp.Header)
	}
}

// TestOriginalOfRAW shows a browser a copy of what it could not show.
func TestOriginalOfRAW(t *testing.T) {
	t.Parallel()
	c := serve(t, photos(t), nil)
	hit := c.search(map[string]any{"text": "lemon", "limit": 1}).Hits[0]
	const header = 160
	raw := append([]byte("FUJIFILMCCD-RAW 0201FF159502X-T1"), make([]byte, header-32)...)
	var preview bytes.Buffer
	if err := jpeg.Encode(&preview, image.NewGray(image.Rect(0, 0, 300, 200)), nil); err != nil {
		t.Fatal(err)
	}
	binary.BigEndian.PutUint32(raw[84:], header)
	binary.BigEndian.PutUint32(raw[88:], uint32(preview.Len()))
	if err := os.WriteFile(hit.Path, append(raw, preview.Bytes()...), 0o600); err != nil {
		t.Fatal(err)
	}
	resp, shown := c.send(http.MethodGet, hit.Original, "", nil)
	cfg, format, err := image.DecodeConfig(bytes.NewReader(shown))
	if err != nil || format != "jpeg" || cfg.Width != 300 || cfg.Height != 200 || resp.Header.Get("Content-Type") != "image/jpeg" {
		t.Errorf("%d: %v %s %+v of %s", resp.StatusCode, err, format, cfg, resp.Header.Get("Content-Type"))
	}
	if name := resp.Header.Get("Content-Disposition"); !strings.Contains(name, filepath.Base(hit.Path)+".jpg") {
		t.Errorf("the copy is called %q", name)
	}
}

func TestBadRequests(t *testing.T) {
	t.Parallel()
	c := serve(t, photos(t), func(cfg *app.Config) { cfg.Server.MaxUpload = 100_000 })
	for name, tc := range map[string]struct {
		method, path string
		body         string
		status       int
		detail       string
	}{
		"empty query":         {"POST", collection + "/search", `{"text":" \n"}`, 400, "the query is empty"},
		"nothing at all":      {"POST", collection + "/search", `{}`, 400, "the query is empty"},
		"text too long":       {"POST", collection + "/search", `{"text":"` + strings.Repeat("apple ", 100) + `"}`, 413, "tokens"},
		"text far too long":   {"POST", collection + "/search", `{"text":"` + strings.Repeat("a", 20_000) + `"}`, 413, "bytes"},
		"not UTF-8":           {"POST", collection + "/search", "{\"text\":\"\xff\xfe\"}", 400, "UTF-8"},
		"not JSON":            {"POST", collection + "/search", `{"text":`, 400, ""},
		"unknown property":    {"POST", collection + "/search", `{"txt":"apple"}`, 422, "txt"},
		"bad filter":          {"POST", collection + "/search", `{"text":"apple","filter":"label == 3"}`, 400, "label"},
		"limit too large":     {"POST", collection + "/search", `{"text":"apple","limit":100000}`, 400, "limit"},
		"negative offset":     {"POST", collection + "/search", `{"text":"apple","offset":-1}`, 400, "offset"},
		"no such picture":     {"POST", collection + "/search", `{"like":"7"}`, 404, "picture 7"},
		"id too large":        {"POST", collection + "/search", `{"like":"9999999999999999999"}`, 400, "id"},
		"no such collection":  {"POST", "/v1/collections/nowhere/search", `{"text":"apple"}`, 404, "nowhere"},
		"bad collection name": {"POST", "/v1/collections/a-b/search", `{"text":"apple"}`, 400, "a-b"},
		"describe collection": {"GET", "/v1/collections/nowhere", ``, 404, "nowhere"},
		"no such route":       {"GET", "/v2/x", ``, 404, "/v2/x"},
		"wrong method":        {"DELETE", "/v1/info", ``, 405, "DELETE"},
		"no such job":         {"GET", "/v1/jobs/x", ``, 404, "x"},
		"outside the roots":   {"POST", collection + "/ingest", `{"path":"/etc"}`, 403, "/etc"},
		"picture of no id":    {"GET", collection + "/pictures/7", ``, 404, "7"},
		"thumbnail of no id":  {"GET", collection + "/pictures/7/thumbnail", ``, 404, "7"},
		"body over the limit": {"POST", collection + "/search", `{"text":"` + strings.Repeat("a", 200_000) + `"}`, 413, "max_upload"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := client{t: t, base: c.base}
			contentType := ""
			if tc.body != "" {
				contentType = "application/json"
			}
			resp, content := c.send(tc.method, tc.path, contentType, strings.NewReader(tc.body))
			var problem httpapi.Problem
			c.decode(resp, content, tc.status, &problem)
			if !strings.Contains(problem.Detail, tc.detail) || problem.Status != tc.status || problem.Kind == "" || problem.Title == "" {
				t.Errorf("problem = %+v, want a detail with %q", problem, tc.detail)
			}
		})
	}
	for name, file := range map[string][]byte{"empty": nil, "text": []byte("hello"), "broken": []byte("\xff\xd8\xff\xe0nonsense")} {
		c.upload(collection+"/search/upload", file, nil, http.StatusBadRequest, nil)
		t.Log("refused:", name)
	}
}

func TestIngestJob(t *testing.T) {
	t.Parallel()
	root := photos(t)
	if err := os.WriteFile(filepath.Join(root, "leaf/broken.jpg"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	c := serve(t, "", func(cfg *app.Config) { cfg.Ingest.Roots = []string{root} })
	if empty := c.search(map[string]any{"text": "apple"}); len(empty.Hits) != 0 {
		t.Errorf("an empty index gives %v", empty.Hits)
	}
	var job httpapi.Job
	c.call(http.MethodPost, "/v1/collections/mine/ingest", map[string]string{"path": filepath.Join(root, "leaf")}, http.StatusAccepted, &job)
	job = c.wait(job.ID)
	if job.State != "done" || job.Indexed != 3 || job.Failed != 1 || len(job.Failures) != 1 || !strings.HasSuffix(job.Failures[0].Path, "broken.jpg") {
		t.Errorf("job = %+v", job)
	}
	var list struct {
		Collections []httpapi.Collection `json:"collections"`
	}
	c.call(http.MethodGet, "/v1/collections", nil, http.StatusOK, &list)
	if len(list.Collections) != 2 || list.Collections[0].Name != "mine" || list.Collections[0].Count != 3 {
		t.Errorf("collections = %+v", list)
	}
	var answer httpapi.Answer
	c.call(http.MethodPost, "/v1/collections/mine/search", map[string]string{"text": "leaf"}, http.StatusOK, &answer)
	if len(answer.Hits) != 3 {
		t.Errorf("hits = %+v", answer.Hits)
	}
	c.call(http.MethodPost, "/v1/jobs/"+job.ID+"/cancel", nil, http.StatusOK, &job)
	if job.State != "done" {
		t.Errorf("a finished job that is cancelled is %s", job.State)
	}
	c.call(http.MethodPost, collection+"/ingest", map[string]string{"path": filepath.Join(root, "nowhere")}, http.StatusNotFound, nil)
}

// wait asks until the job has ended; the test's own deadline bounds it.
func (c client) wait(id string) httpapi.Job {
	c.t.Helper()
	for {
		var job httpapi.Job
		c.call(http.MethodGet, "/v1/jobs/"+url.PathEscape(id), nil, http.StatusOK, &job)
		if job.State != "queued" && job.State != "running" {
			return job
		}
		time.Sleep(10 * time.Millisecond) // between questions, not for a result
	}
}

func TestGuards(t *testing.T) {
	t.Parallel()
	const key = "0123456789abcdef"
	c := serve(t, "", func(cfg *app.Config) { cfg.Server.APIKey = key })
	c.call(http.MethodGet, "/v1/info", nil, http.StatusOK, nil)
	for name, bad := range map[string]string{"no key": "", "wrong key": "0123456789abcdeX"} {
		stranger := client{t: t, base: c.base, key: bad}
		resp := stranger.call(http.MethodGet, "/v1/info", nil, http.StatusUnauthorized, nil)
		if resp.Header.Get("WWW-Authenticate") == "" {
			t.Errorf("%s: no WWW-Authenticate", name)
		}
		for _, open := range []string{"/healthz", "/readyz", "/", "/docs"} {
			stranger.call(http.MethodGet, open, nil, http.StatusOK, nil)
		}
	}
	open := serve(t, "", nil)
	for name, header := range map[string][]string{
		"foreign page": {"Origin", "http://evil.example"},
		"foreign name": {"Host", "evil.example"},
	} {
		resp, content := open.send(http.MethodGet, "/v1/info", "", nil, header...)
		t.Log(name)
		open.decode(resp, content, http.StatusForbidden, nil)
	}
	resp, content := open.send(http.MethodGet, "/v1/info", "", nil, "Origin", open.base)
	open.decode(resp, content, http.StatusOK, nil)
}

func TestPageAndDescription(t *testing.T) {
	t.Parallel()
	c := serve(t, "", nil)
	resp, page := c.send(http.MethodGet, "/", "", nil)
	if !bytes.Contains(page, []byte("clipseek")) || !strings.Contains(resp.Header.Get("Content-Security-Policy"), "default-src 'none'") {
		t.Errorf("page: %v", resp.Header)
	}
	resp, _ = c.send(http.MethodGet, "/", "", nil, "If-None-Match", resp.Header.Get("Etag"))
	if resp.StatusCode != http.StatusNotModified {
		t.Errorf("asked again: %d", resp.StatusCode)
	}
	var description struct {
		Paths map[string]any `json:"paths"`
	}
	c.call(http.MethodGet, "/openapi.json", nil, http.StatusOK, &description)
	for _, path := range []string{"/v1/info", "/v1/collections/{collection}/search", "/v1/collections/{collection}/search/upload", "/v1/jobs/{id}",
		"/v1/collections/{collection}/index", "/v1/collections/{collection}/duplicates", "/v1/collections/{collection}/partitions/{partition}", "/v1/aliases/{alias}"} {
		if description.Paths[path] == nil {
			t.Errorf("openapi.json lacks %s", path)
		}
	}
	var ready struct {
		Ready bool              `json:"ready"`
		Parts map[string]string `json:"parts"`
	}
	c.call(http.MethodGet, "/readyz", nil, http.StatusOK, &ready)
	if !ready.Ready || ready.Parts["index"] != "ok" {
		t.Errorf("ready = %+v", ready)
	}
}

// TestFollowsTheFile indexes beside a running service, as `clipseek ingest` does.
func TestFollowsTheFile(t *testing.T) {
	t.Parallel()
	var data app.Config
	c := serve(t, "", func(cfg *app.Config) { data = *cfg })
	fill(t, data, photos(t))
	answer := c.search(map[string]any{"text": "apple"})
	if len(answer.Hits) != 8 {
		t.Errorf("the service sees %d of 8 pictures that another program indexed", len(answer.Hits))
	}
	core := apptest.OpenCore(t, data)
	collection, err := core.Get(t.Context(), data.Collection)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := collection.Delete(t.Context(), []int64{index.ID(answer.Hits[0].Path)}); err != nil {
		t.Fatal(err)
	}
	if left := c.search(map[string]any{"text": "apple"}); len(left.Hits) != 7 {
		t.Errorf("the service sees %d of 7 pictures", len(left.Hits))
	}
	if err := core.Database().Drop(t.Context(), data.Collection); err != nil {
		t.Fatal(err)
	}
	fill(t, data, photos(t))
	if again := c.search(map[string]any{"text": "apple"}); len(again.Hits) != 8 {
		t.Errorf("the service sees %d of 8 pictures of a collection that was dropped and made anew", len(again.Hits))
	}
}

func TestConfigFaults(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		change func(*httpapi.Config)
		want   string
	}{
		"open to all":  {func(c *httpapi.Config) { c.Listen = "0.0.0.0:9099" }, "api_key"},
		"any address":  {func(c *httpapi.Config) { c.Listen = ":9099" }, "api_key"},
		"no port":      {func(c *httpapi.Config) { c.Listen = "localhost" }, "host:port"},
		"short key":    {func(c *httpapi.Config) { c.APIKey = "short" }, "16 characters"},
		"small upload": {func(c *httpapi.Config) { c.MaxUpload = 1 }, "max_upload"},
		"no timeout":   {func(c *httpapi.Config) { c.Timeout = 0 }, "timeout"},
	} {
		cfg := httpapi.Default()
		tc.change(&cfg)
		if err := cfg.Validate(); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v lacks %q", name, err, tc.want)
		}
	}
	allowed := httpapi.Default()
	allowed.Listen, allowed.AllowOpen = "0.0.0.0:9099", true
	if err := allowed.Validate(); err != nil {
		t.Error(err)
	}
}
