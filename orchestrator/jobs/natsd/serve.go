package natsd

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
	"github.com/nats-io/nats-server/v2/server"

	"clipseek/orchestrator/disk"
	"clipseek/orchestrator/fault"
)

// Files of the folder, beside the server's own.
const (
	lockFile    = "lock"
	addressFile = "server"
)

const (
	startWithin = 30 * time.Second
	mostMemory  = 64 << 20 // of streams in memory: only leases
	mostStore   = 1 << 50  // the disk decides
)

// address is where the server is; the file that holds it is this user's alone.
type address struct {
	Address string `json:"address"`
	Token   string `json:"token"`
	PID     int    `json:"pid"` // for people
}

func readAddress(dir string) (address, error) {
	var where address
	text, err := os.ReadFile(filepath.Join(dir, addressFile))
	if err != nil {
		return where, err
	}
	return where, json.Unmarshal(text, &where)
}

func writeAddress(dir string, where address) error {
	text, err := json.Marshal(where)
	if err != nil {
		return err
	}
	return disk.Write(filepath.Join(dir, addressFile), append(text, '\n'), 0o600)
}

// takeLock reports whether this process may run the server. The system frees the lock with the process, however it ends.
func (n *Node) takeLock() (bool, error) {
	lock := flock.New(filepath.Join(n.dir, lockFile))
	held, err := lock.TryLock()
	if _, unopened := errors.AsType[*fs.PathError](err); unopened {
		return false, fault.Invalid("the folder %s cannot be written; make it writable or name another data folder", n.dir).Because(err)
	}
	if held {
		n.lock = lock
	}
	return held, err
}

func (n *Node) dropLock() {
	if n.lock != nil {
		_ = n.lock.Unlock() // the end of the process unlocks as well
		n.lock = nil
	}
}

// start runs the server on the folder. The caller holds mu and the lock.
func (n *Node) start() error {
	token := rand.Text()
	s, err := server.NewServer(&server.Options{
		ServerName: "clipseek", Host: "127.0.0.1", Port: server.RANDOM_PORT, Authorization: token,
		JetStream: true, StoreDir: n.dir, SyncAlways: true, JetStreamMaxMemory: mostMemory, JetStreamMaxStore: mostStore,
		NoSigs: true, DisableJetStreamBanner: true,
	})
	if err != nil {
		return fault.Unavailable("the queue of jobs in %s cannot be started", n.dir).Because(err)
	}
	s.SetLoggerV2(logger{n.log}, false, false, false)
	s.Start()
	if !s.ReadyForConnections(startWithin) || !s.JetStreamEnabled() {
		s.Shutdown()
		s.WaitForShutdown()
		return fault.Unavailable("the queue of jobs in %s does not start; is the disk full? The log has the cause", n.dir)
	}
	if err := writeAddress(n.dir, address{Address: s.Addr().String(), Token: token, PID: os.Getpid()}); err != nil {
		s.Shutdown()
		s.WaitForShutdown()
		return fault.Unavailable("the folder %s cannot be written; is the disk full?", n.dir).Because(err)
	}
	n.server, n.token, n.began = s, token, time.Now()
	return nil
}

// logger passes on what the server says that somebody should know.
type logger struct{ log *slog.Logger }

func (l logger) say(level slog.Level, format string, v []any) {
	l.log.Log(context.Background(), level, "queue of jobs", "says", fmt.Sprintf(format, v...))
}

func (l logger) Noticef(format string, v ...any) { l.say(slog.LevelDebug, format, v) }
func (l logger) Warnf(format string, v ...any)   { l.say(slog.LevelDebug, format, v) }
func (l logger) Fatalf(format string, v ...any)  { l.say(slog.LevelError, format, v) }
func (l logger) Errorf(format string, v ...any)  { l.say(slog.LevelWarn, format, v) }
func (l logger) Debugf(format string, v ...any)  { l.say(slog.LevelDebug, format, v) }
func (l logger) Tracef(format string, v ...any)  { l.say(slog.LevelDebug, format, v) }
