package servers

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

// TritonConfig says how a Triton runs.
type TritonConfig struct {
	Home       string   // from Home
	Repository string   // folder of models
	Variant    string   // --model-config-name; empty takes each model's config.pbtxt
	Folder     string   // where its log goes; it must be there
	Port       int      // of gRPC; 0 takes a free one
	Args       []string // further arguments of tritonserver
	Keep       bool     // let it outlive this program
}

// Triton is a running NVIDIA Triton.
type Triton struct {
	process
	GRPC    string // host:port
	HTTP    string // host:port
	Metrics string // host:port
}

// StartTriton starts a Triton and waits until its models are ready. The caller ends it with Stop or Kill.
func StartTriton(ctx context.Context, cfg TritonConfig) (*Triton, error) {
	return again(func() (*Triton, error) { return startTriton(ctx, cfg) })
}

func startTriton(ctx context.Context, cfg TritonConfig) (*Triton, error) {
	ports, err := freePorts(3, cfg.Port)
	if err != nil {
		return nil, err
	}
	t := &Triton{GRPC: loopback(ports[0]), HTTP: loopback(ports[1]), Metrics: loopback(ports[2])}
	site := filepath.Join(cfg.Home, "site")
	args := []string{
		"--model-repository", cfg.Repository, "--backend-directory", filepath.Join(cfg.Home, "triton", "backends"),
		"--cache-directory", filepath.Join(site, "pytriton", "tritonserver", "caches"),
		"--grpc-address", "127.0.0.1", "--grpc-port", strconv.Itoa(ports[0]),
		"--http-address", "127.0.0.1", "--http-port", strconv.Itoa(ports[1]),
		"--metrics-address", "127.0.0.1", "--metrics-port", strconv.Itoa(ports[2]), "--allow-gpu-metrics", "false",
	}
	if cfg.Variant != "" {
		args = append(args, "--model-config-name", cfg.Variant)
	}
	t.process = process{
		name: "Triton", log: filepath.Join(cfg.Folder, "triton.log"), keep: cfg.Keep,
		command: func(ctx context.Context) *exec.Cmd {
			cmd := exec.CommandContext(ctx, filepath.Join(site, "pytriton", "tritonserver", "bin", "tritonserver"), append(args, cfg.Args...)...)
			cmd.Env = append(os.Environ(), "LD_LIBRARY_PATH="+filepath.Join(site, "nvidia_pytriton.libs"), "PYTHONPATH="+site)
			return cmd
		},
		ready: func(ctx context.Context) error {
			return errors.Join(answers(ctx, "http://"+t.HTTP+"/v2/health/ready"), listening(ctx, t.GRPC))
		},
	}
	return t, t.Start(ctx)
}

// Kill ends Triton at once, as a crash would, and removes what a crash leaves in shared memory, so that many kills do not
// fill it.
func (t *Triton) Kill() {
	left := t.sharedMemory()
	t.process.Kill()
	for _, file := range left {
		_ = os.Remove(file) // another process may have done so
	}
}

// sharedMemory lists the files that the Python backend shares with its own processes.
func (t *Triton) sharedMemory() []string {
	maps, err := os.ReadFile(fmt.Sprintf("/proc/%d/maps", t.PID()))
	if err != nil {
		return nil // it has ended by itself
	}
	var files []string
	for line := range strings.Lines(string(maps)) {
		if at := strings.Index(line, "/dev/shm/triton_python_backend_shm_region"); at >= 0 {
			files = append(files, strings.TrimSpace(line[at:]))
		}
	}
	return files
}

// answers asks a health address.
func answers(ctx context.Context, url string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	_ = response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s", url, response.Status)
	}
	return nil
}
