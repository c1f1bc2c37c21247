package main

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"image/color"
	"io"
	"math/rand/v2"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"clipseek/orchestrator/app/apptest"
	"clipseek/orchestrator/httpapi"
)

// sending is an upload and what must come of it.
type sending struct {
	contentType, query string
	body               []byte
	good               []string // the records' paths below the folder of uploads
	bad                []string // in the ledger: names, and ends of paths
	job                string   // its answer
}

// placeOf is where a file of an upload lies.
func placeOf(name string, content []byte) string {
	sum := sha256.Sum256(content)
	hash := hex.EncodeToString(sum[:16])
	return filepath.Join(hash[:2], hash[2:], name)
}

// mixedUpload is the n-th upload of a client: a form of pictures, of bad files and of an archive, or an archive alone. Some
// pictures are those of other uploads, and other clients'.
func mixedUpload(t *testing.T, client, n int) *sending {
	tag := fmt.Sprintf("%d-%d", client, n)
	picture := func(i int) []byte {
		disc := color.RGBA{uint8(i * 37), uint8(i * 91), uint8(i * 53), 255}
		return apptest.JPEG(t, apptest.Picture(48+i%40, disc, apptest.White))
	}
	own := picture(1000*client + n)
	album := zipOf(t, file{"in/" + tag + ".jpg", own}, file{"in/bad.jpg", []byte("no picture " + tag)}, file{"other.jpg", picture(n)})
	albumAt := placeOf("album.zip", album)
	s := &sending{good: []string{albumAt + "!/in/" + tag + ".jpg", albumAt + "!/other.jpg"}, bad: []string{albumAt + "!/in/bad.jpg"}}
	if n%4 == 3 {
		s.contentType, s.query, s.body = "application/zip", "?name=album.zip", album
		return s
	}
	files := []file{
		{"album.zip", album}, {"a/" + tag + ".jpg", own}, {"shared.jpg", picture(n / 2)}, {"day/shared.jpg", picture(n / 3)},
		{"broken-" + tag + ".jpg", []byte("\xff\xd8\xff\xe0 no more of it " + tag)}, {"notes.txt", []byte("hello")}, {"../up.jpg", own}, {"shared.jpg", picture(n / 2)},
	}
	for _, f := range files[1:4] {
		s.good = append(s.good, placeOf(f.name, f.content))
	}
	s.bad = append(s.bad, placeOf(files[4].name, files[4].content), "notes.txt", "../up.jpg", "shared.jpg")
	s.contentType, s.body = formOf(t, files...)
	return s
}

// file is one of an archive or form.
type file struct {
	name    string
	content []byte
}

func zipOf(t *testing.T, files ...file) []byte {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, f := range files {
		entry, err := w.Create(f.name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := entry.Write(f.content); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func formOf(t *testing.T, files ...file) (contentType string, body []byte) {
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for _, f := range files {
		to, err := w.CreatePart(textproto.MIMEHeader{"Content-Disposition": {fmt.Sprintf(`form-data; name="file"; filename=%q`, f.name)}})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := to.Write(f.content); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return w.FormDataContentType(), b.Bytes()
}

// slowly reads in pieces with pauses, as from a network, and tells where it is half through.
type slowly struct {
	io.Reader
	left, half int
	pause      time.Duration
	tell       func()
}

func (s *slowly) Read(p []byte) (int, error) {
	<-time.After(s.pause) // a slow network
	n, err := s.Reader.Read(p[:min(len(p), 700)])
	if s.left -= n; s.left < s.half && s.tell != nil {
		s.tell()
		s.tell = nil
	}
	return n, err
}

// senders are clients that send uploads and repeat what was not acknowledged.
type senders struct {
	base   string
	client http.Client
	halves chan struct{} // a request is half through
	acks   chan struct{} // an answer came
	ending chan struct{} // closed when no further uploads are to begin

	mu      sync.Mutex
	done    []*sending
	lost    []*sending // that were not repeated
	repeats int
}

// send sends until it is acknowledged. Where it gives up, one try has to do.
func (s *senders) send(ctx context.Context, r *rand.Rand, up *sending, givesUp bool) error {
	for try := 0; ctx.Err() == nil; try++ {
		id, err := s.once(ctx, r, up)
		if err != nil {
			return err
		}
		s.mu.Lock()
		switch {
		case id != "":
			up.job = id
			s.done = append(s.done, up)
		case givesUp:
			s.lost = append(s.lost, up)
		default:
			s.repeats++
		}
		s.mu.Unlock()
		if id != "" || givesUp {
			return nil
		}
		<-time.After(time.Duration(20+r.IntN(60)) * time.Millisecond) // as a client waits before it tries again
	}
	return ctx.Err()
}

// once is one try. An error is an answer that no kill explains.
func (s *senders) once(ctx context.Context, r *rand.Rand, up *sending) (id string, err error) {
	tell := func(to chan struct{}) {
		select {
		case to <- struct{}{}:
		default:
		}
	}
	body := &slowly{Reader: bytes.NewReader(up.body), left: len(up.body), half: r.IntN(len(up.body)), pause: time.Duration(2+r.IntN(8)) * time.Millisecond, tell: func() { tell(s.halves) }}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.base+"/v1/collections/mine/upload"+up.query, body)
	if err != nil {
		return "", err
	}
	req.ContentLength = int64(len(up.body))
	req.Header.Set("Content-Type", up.contentType)
	resp, err := s.client.Do(req)
	if err != nil {
		return "", nil // the process was killed, or is not there yet
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode == http.StatusTooManyRequests || resp.StatusCode == http.StatusServiceUnavailable {
		return "", nil
	}
	var job httpapi.Job
	if err := json.Unmarshal(text, &job); err != nil || resp.StatusCode != http.StatusAccepted || job.ID == "" {
		return "", fmt.Errorf("answer %d: %s", resp.StatusCode, text)
	}
	tell(s.acks)
	return job.ID, nil
}

// run sends one upload after the other until it is to end. One upload in four is never repeated.
func (s *senders) run(ctx context.Context, t *testing.T, client int, r *rand.Rand) {
	for n := 0; ; n++ {
		select {
		case <-s.ending:
			return
		default:
		}
		if err := s.send(ctx, r, mixedUpload(t, client, n), n%4 == 1); err != nil {
			t.Errorf("client %d, upload %d: %v", client, n, err)
			return
		}
	}
}

// awaitService waits until the service answers.
func awaitService(ctx context.Context, base string, d *daemon) error {
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, base+"/healthz", nil)
		if err != nil {
			return err
		}
		if resp, err := http.DefaultClient.Do(req); err == nil {
			return resp.Body.Close()
		}
		if code, said := d.ended(); code >= 0 {
			return fmt.Errorf("it ended by itself with %d: %s", code, said)
		}
		select {
		case <-time.After(10 * time.Millisecond): // between looks
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// TestUploadKills has clients upload while the service is killed: while it receives, right after an answer, during the
// jobs. Clients repeat what was not acknowledged, but for some that give up. KILLS=30 kills more often.
func TestUploadKills(t *testing.T) {
	t.Parallel()
	count, seed := killCount(t), rand.Uint64()
	if given := os.Getenv("SEED"); given != "" {
		if _, err := fmt.Sscan(given, &seed); err != nil {
			t.Fatal(err)
		}
	}
	defer func() {
		if t.Failed() {
			t.Errorf("the moments are those of SEED=%d KILLS=%d", seed, count)
		}
	}()
	ctx, cancel := context.WithTimeout(t.Context(), time.Duration(30+5*count)*time.Second)
	defer cancel()
	cfg := apptest.Config(t)
	dir, port := t.TempDir(), freePort(t)
	config := filepath.Join(dir, "clipseek.yaml")
	text := fmt.Sprintf("encoder: {onnx: {library: %q}}\njobs: {batch: 4, lease: 2s, waiting: 1000, history: 10000}\nupload: {at_once: 8}\nserver: {listen: '127.0.0.1:%s'}\n", cfg.Encoder.ONNX.Library, port)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	serving := &daemon{log: filepath.Join(dir, "log"), args: []string{"clipseek", "serve", "--config", config, "--data", cfg.Data}}
	t.Cleanup(serving.kill)
	base := "http://127.0.0.1:" + port
	restart := func() {
		serving.kill()
		if err := errors.Join(serving.start(), awaitService(ctx, base, serving)); err != nil {
			t.Fatal(err)
		}
	}
	restart()
	s := &senders{base: base, halves: make(chan struct{}), acks: make(chan struct{}), ending: make(chan struct{})}
	r := rand.New(rand.NewPCG(seed, 0))
	var clients sync.WaitGroup
	for client := range 3 {
		r := rand.New(rand.NewPCG(seed, uint64(client+1)))
		clients.Go(func() { s.run(ctx, t, client, r) })
	}
	s.kills(ctx, t, r, count, restart)
	clients.Wait()
	restart() // what the last requests left is found too
	t.Logf("%d uploads acknowledged, %d tries repeated, %d uploads given up", len(s.done), s.repeats, len(s.lost))
	if len(s.done) < count || t.Failed() {
		t.Fatalf("%d uploads were acknowledged", len(s.done))
	}
	s.check(ctx, t, cfg)
}

// kills kills at moments of all three kinds in a random order, and then ends the clients.
func (s *senders) kills(ctx context.Context, t *testing.T, r *rand.Rand, count int, restart func()) {
	defer close(s.ending)
	var order []int
	did := map[string]int{}
	for kill := range count {
		if kill%3 == 0 {
			order = r.Perm(3)
		}
		kind := []string{"receiving", "answered", "working"}[order[kill%3]]
		moment := s.acks
		if kind == "receiving" {
			moment = s.halves
		}
		select {
		case <-moment:
		case <-ctx.Done():
			t.Fatal("the service does not take uploads")
		}
		switch kind {
		case "answered":
			<-time.After(time.Duration(r.IntN(3)) * time.Millisecond) // the moment of the kill
		case "receiving": // up to the end of the request and the moving of its files
			<-time.After(time.Duration(r.IntN(80)) * time.Millisecond)
		case "working":
			<-time.After(time.Duration(r.IntN(300)) * time.Millisecond)
		}
		restart()
		did[kind]++
	}
	t.Logf("killed: %v", did)
}
