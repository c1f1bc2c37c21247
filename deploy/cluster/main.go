// Command cluster starts a real Triton and a real Milvus as processes of this machine and ends them: what `make cluster`
// and `make cluster-down` run.
//
//	cluster up   --dir .cluster --models .cluster/models
//	cluster down --dir .cluster
//	cluster up   --dir DIR --only milvus --milvus-port 19531
//
// The folder holds data, logs and the process ids; servers that run already are left as they are.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"clipseek/deploy/servers"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "cluster: "+err.Error())
		os.Exit(1)
	}
}

// options are the flags of both commands.
type options struct {
	dir, models    string
	only           string // the part to start; empty starts both
	triton, milvus int    // gRPC ports
}

func run(ctx context.Context, args []string, out io.Writer) error {
	if len(args) == 0 {
		return errors.New("say up or down")
	}
	var o options
	flags := flag.NewFlagSet("cluster "+args[0], flag.ContinueOnError)
	flags.SetOutput(out)
	flags.StringVar(&o.dir, "dir", ".cluster", "folder of data, logs and process ids")
	flags.StringVar(&o.models, "models", ".cluster/models", "Triton's model repository")
	flags.StringVar(&o.only, "only", "", "triton or milvus: start no other")
	flags.IntVar(&o.triton, "triton-port", 8001, "gRPC port of Triton")
	flags.IntVar(&o.milvus, "milvus-port", 19530, "gRPC port of Milvus")
	if err := flags.Parse(args[1:]); err != nil {
		return err
	}
	if o.only != "" && o.only != triton && o.only != milvus {
		return fmt.Errorf("--only is %q; it must be %s or %s", o.only, triton, milvus)
	}
	switch args[0] {
	case "up":
		return up(ctx, o, out)
	case "down":
		return down(o.dir, out)
	}
	return fmt.Errorf("there is no command %q: say up or down", args[0])
}

// The parts, by the name of their folder and process id file.
const (
	triton   = "triton"
	milvus   = "milvus"
	clipseek = "clipseek" // the service, whose id `make cluster` writes
)

// programs are the names of the parts' executables, by which a process is known for one of ours.
var programs = map[string]string{triton: "tritonserver", milvus: "milvus", clipseek: "clipseek"}

func up(ctx context.Context, o options, out io.Writer) error {
	home, err := servers.Home(".")
	if err != nil {
		return err
	}
	start := map[string]func(folder string) (address string, pid int, err error){
		triton: func(folder string) (string, int, error) {
			t, err := servers.StartTriton(ctx, servers.TritonConfig{
				Home: home, Repository: o.models, Variant: "python", Folder: folder, Port: o.triton, Keep: true,
			})
			if err != nil {
				return "", 0, err
			}
			return t.GRPC, t.PID(), nil
		},
		milvus: func(folder string) (string, int, error) {
			m, err := servers.StartMilvus(ctx, servers.MilvusConfig{Home: home, Folder: folder, Port: o.milvus, Keep: true})
			if err != nil {
				return "", 0, err
			}
			return m.GRPC, m.PID(), nil
		},
	}
	for _, part := range []string{triton, milvus} {
		if o.only != "" && o.only != part {
			continue
		}
		if pid, ok := running(o.dir, part); ok {
			_, _ = fmt.Fprintf(out, "%s runs already, process %d\n", part, pid)
			continue
		}
		folder := filepath.Join(o.dir, part)
		if err := os.MkdirAll(folder, 0o755); err != nil {
			return err
		}
		address, pid, err := start[part](folder)
		if err != nil {
			return err
		}
		if err := os.WriteFile(pidFile(o.dir, part), []byte(strconv.Itoa(pid)), 0o644); err != nil {
			return err
		}
		_, _ = fmt.Fprintf(out, "%s answers at %s, process %d, log in %s\n", part, address, pid, folder)
	}
	return nil
}

// patience is how long a part may take to end by itself.
const patience = 15 * time.Second

// down ends what runs, the service first. A process id that belongs to another program by now is left alone.
func down(dir string, out io.Writer) error {
	var all []error
	for _, part := range []string{clipseek, triton, milvus} {
		pid, ok := running(dir, part)
		if ok {
			all = append(all, end(dir, part, pid))
			_, _ = fmt.Fprintf(out, "%s has ended, process %d\n", part, pid)
		}
		if err := os.Remove(pidFile(dir, part)); err != nil && !errors.Is(err, os.ErrNotExist) {
			all = append(all, err)
		}
	}
	return errors.Join(all...)
}

func end(dir, part string, pid int) error {
	target := pid
	if part != clipseek {
		target = -pid // the servers lead a session of their own
	}
	if err := syscall.Kill(target, syscall.SIGTERM); err != nil {
		return fmt.Errorf("end %s, process %d: %w", part, pid, err)
	}
	deadline := time.Now().Add(patience)
	for time.Now().Before(deadline) {
		if _, ok := running(dir, part); !ok {
			return nil
		}
		time.Sleep(50 * time.Millisecond)
	}
	return syscall.Kill(target, syscall.SIGKILL)
}

func pidFile(dir, part string) string { return filepath.Join(dir, part+".pid") }

// running gives the process id of a part, if that process is there and runs the part's program.
func running(dir, part string) (pid int, ok bool) {
	text, err := os.ReadFile(pidFile(dir, part))
	if err != nil {
		return 0, false
	}
	if pid, err = strconv.Atoi(strings.TrimSpace(string(text))); err != nil || pid <= 0 {
		return 0, false
	}
	exe, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", pid))
	return pid, err == nil && filepath.Base(strings.TrimSuffix(exe, " (deleted)")) == programs[part]
}
