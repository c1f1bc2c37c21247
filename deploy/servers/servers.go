// Package servers runs a real NVIDIA Triton, a real Milvus and real servers of object stores as processes of this machine,
// for tests and for a small cluster on one machine.
//
// It starts what `make servers` has put into the folders .servers (Home) and .tools beside it, gives every server its own ports and folder,
// waits until it answers, and ends it by its own process id. Addresses are of the loopback interface.
//
//	triton, err := servers.StartTriton(ctx, servers.TritonConfig{Home: home, Repository: "models", Folder: dir})
//	milvus, err := servers.StartMilvus(ctx, servers.MilvusConfig{Home: home, Folder: dir})
//
// The package is not for running any of them in production: the Helm chart and compose files are for that.
package servers

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// Home is the folder .servers of the project that dir lies in. It fails where `make servers` has not run.
func Home(dir string) (string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	for at := dir; ; at = filepath.Dir(at) {
		if _, err := os.Stat(filepath.Join(at, "go.mod")); err == nil {
			home := filepath.Join(at, ".servers")
			if _, err := os.Stat(filepath.Join(home, "stamp")); err != nil {
				return "", fmt.Errorf("the servers are not installed in %s: run `make servers`", home)
			}
			return home, nil
		}
		if at == filepath.Dir(at) {
			return "", fmt.Errorf("%s is not inside the project", dir)
		}
	}
}

// startTimeout bounds the start of a server on a busy machine.
const startTimeout = 2 * time.Minute

// process is a server that can be ended and started again on the same ports and data.
type process struct {
	name    string
	command func(context.Context) *exec.Cmd
	ready   func(context.Context) error // nil once the server answers
	log     string                      // file that the server's own words go to
	keep    bool                        // it may outlive this program

	mu     sync.Mutex
	cmd    *exec.Cmd
	exited chan struct{} // closed when the process has ended
}

// errEnded is a server that came to an end while it was waited for.
var errEnded = errors.New("it ended by itself")

// again starts a server up to three times: another program may take one of its ports before it does.
func again[T any](start func() (T, error)) (server T, err error) {
	for range 3 {
		if server, err = start(); !errors.Is(err, errEnded) {
			break
		}
	}
	return server, err
}

// Start starts the server, which must not be running, and waits until it answers.
func (p *process) Start(ctx context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	out, err := os.OpenFile(p.log, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer func() { _ = out.Close() }()           // the child has its own
	cmd := p.command(context.WithoutCancel(ctx)) // it runs until it is ended
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if !p.keep {
		cmd.SysProcAttr.Pdeathsig = syscall.SIGKILL // a test that dies leaves no server behind
	}
	started, exited := make(chan error), make(chan struct{})
	go func() {
		runtime.LockOSThread() // Pdeathsig comes with the end of the thread that started it, which is this one's for as long
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait() // how it ended is in its log
			close(exited)
		}
	}()
	if err := <-started; err != nil {
		return fmt.Errorf("start %s: %w", p.name, err)
	}
	p.cmd, p.exited = cmd, exited
	if err := p.wait(ctx, exited); err != nil {
		p.signal(syscall.SIGKILL)
		<-exited
		return fmt.Errorf("%s does not answer: %w; its log, %s, ends with\n%s", p.name, err, p.log, tail(p.log))
	}
	return nil
}

// tail is the end of a file.
func tail(file string) string {
	const most = 2 << 10
	content, err := os.ReadFile(file)
	if err != nil {
		return err.Error()
	}
	return string(content[max(0, len(content)-most):])
}

func (p *process) wait(ctx context.Context, exited <-chan struct{}) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		err := p.ready(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-exited:
			return errEnded
		case <-ctx.Done():
			return errors.Join(ctx.Err(), err)
		case <-tick.C:
		}
	}
}

// Kill ends the server at once, as a crash would.
func (p *process) Kill() { p.end(syscall.SIGKILL, 0) }

// Stop asks the server to end and kills it if it has not after ten seconds.
func (p *process) Stop() { p.end(syscall.SIGTERM, 10*time.Second) }

// Pause stops the server from running without ending it, as an overloaded machine would; Resume lets it go on. Processes of
// its own run on: Triton takes a backend for dead that has shown no sign of life when it looks again, and starts another.
func (p *process) Pause()  { p.signalLeader(syscall.SIGSTOP) }
func (p *process) Resume() { p.signalLeader(syscall.SIGCONT) }

func (p *process) signalLeader(signal syscall.Signal) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cmd != nil {
		_ = p.cmd.Process.Signal(signal) // it may have ended already
	}
}

func (p *process) end(signal syscall.Signal, patience time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cmd == nil {
		return
	}
	p.signal(signal)
	if signal != syscall.SIGKILL {
		select {
		case <-p.exited:
		case <-time.After(patience):
			p.signal(syscall.SIGKILL)
		}
	}
	<-p.exited
	p.signal(syscall.SIGKILL) // what the server has left behind
	for p.leftover() {
		time.Sleep(time.Millisecond) // until the kernel has done it: they hold the server's ports
	}
	p.cmd = nil
}

// leftover reports whether a process of the server's session is still there.
func (p *process) leftover() bool {
	return !errors.Is(syscall.Kill(-p.cmd.Process.Pid, 0), syscall.ESRCH)
}

// signal sends to the whole session that the server leads: Triton's backends are processes of their own.
func (p *process) signal(signal syscall.Signal) {
	if p.cmd != nil {
		_ = syscall.Kill(-p.cmd.Process.Pid, signal) // it may have ended already
	}
}

// PID is the server's process id.
func (p *process) PID() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cmd == nil {
		return 0
	}
	return p.cmd.Process.Pid
}

// Log is the file that the server writes to.
func (p *process) Log() string { return p.log }

// Ports are taken below those that systems give to connections (32768 on Linux): one of these would else be taken in the
// seconds that a server needs to start.
const (
	firstPort = 20_000
	lastPort  = 32_000
)

// freePorts finds ports of the loopback interface that nobody listens on. The first is the one that is wanted, unless
// that is 0.
func freePorts(n, wanted int) ([]int, error) {
	ports := make([]int, 0, n)
	for tries := 0; len(ports) < n; tries++ {
		port := firstPort + rand.IntN(lastPort-firstPort)
		if wanted != 0 && len(ports) == 0 {
			port = wanted
		}
		l, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port})
		switch {
		case err == nil:
			defer func() { _ = l.Close() }() // held until all are found, so that they differ
			ports = append(ports, port)
		case port == wanted:
			return nil, fmt.Errorf("port %d is taken: end what listens there, or choose another: %w", port, err)
		case tries > 1000:
			return nil, fmt.Errorf("no free port from %d to %d: %w", firstPort, lastPort, err)
		}
	}
	return ports, nil
}

func loopback(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

// listening reports whether somebody listens at an address.
func listening(ctx context.Context, address string) error {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		return err
	}
	return conn.Close()
}
