package servers

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// StoreConfig says how a server of an object store runs.
type StoreConfig struct {
	Home   string // from Home
	Folder string // where its log and its objects go; it must be there
}

// Google is a running fake-gcs-server, which speaks the JSON interface of Google Cloud Storage and knows no credentials.
type Google struct {
	process
	Endpoint string // its URL
}

// StartGoogle starts a server of Google's storage and waits until it answers. The caller ends it with Stop or Kill.
func StartGoogle(ctx context.Context, cfg StoreConfig) (*Google, error) {
	return again(func() (*Google, error) { return startGoogle(ctx, cfg) })
}

func startGoogle(ctx context.Context, cfg StoreConfig) (*Google, error) {
	ports, err := freePorts(1, 0)
	if err != nil {
		return nil, err
	}
	g := &Google{Endpoint: "http://" + loopback(ports[0])}
	g.process = process{
		name: "the server of Google's storage", log: filepath.Join(cfg.Folder, "google.log"),
		command: func(ctx context.Context) *exec.Cmd {
			cmd := exec.CommandContext(ctx, GoogleProgram(cfg.Home), "-scheme", "http", "-host", "127.0.0.1", "-port", strconv.Itoa(ports[0]),
				"-backend", "filesystem", "-filesystem-root", filepath.Join(cfg.Folder, "google"), "-log-level", "error")
			cmd.Dir = cfg.Folder
			return cmd
		},
		ready: func(ctx context.Context) error { return listening(ctx, loopback(ports[0])) },
	}
	return g, g.Start(ctx)
}

// GoogleProgram is where the server of Google's storage is, if it is installed.
func GoogleProgram(home string) string {
	return filepath.Join(filepath.Dir(home), ".tools", "fake-gcs-server")
}

// MakeBucket makes a bucket that is not there yet.
func (g *Google) MakeBucket(ctx context.Context, name string) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, g.Endpoint+"/storage/v1/b?project=test", strings.NewReader(fmt.Sprintf(`{"name": %q}`, name)))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }() // nothing is read
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("make the bucket %s: %s", name, answer.Status)
	}
	return nil
}

// Environment is what the variables of Google's libraries have to be for a client of the server: there are no credentials,
// and the machine is not asked for any.
func (g *Google) Environment() map[string]string {
	return map[string]string{
		"STORAGE_EMULATOR_HOST": g.Endpoint, "GOOGLE_APPLICATION_CREDENTIALS": os.DevNull, "GCE_METADATA_HOST": "127.0.0.1:1",
	}
}
