package servers_test

import (
	"net"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"clipseek/deploy/servers"
	"clipseek/deploy/servers/serverstest"
)

// TestThreadEnds ends the thread that started a server, as a goroutine does that never unlocks its own. Linux takes that for
// the end of the parent, with which the server is to end.
func TestThreadEnds(t *testing.T) {
	t.Parallel()
	cfg := servers.S3Config{Home: serverstest.Home(t), Folder: t.TempDir()}
	var server *servers.S3
	var err error
	onItsOwnThread(func() { server, err = servers.StartS3(t.Context(), cfg) })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Kill)
	for until := time.Now().Add(time.Second); time.Now().Before(until); {
		c, err := net.Dial("tcp", strings.TrimPrefix(server.Endpoint, "http://"))
		if err != nil {
			t.Fatalf("the server has ended with a thread: %v", err)
		}
		_ = c.Close()
	}
}

// onItsOwnThread runs f on a thread that ends with it, which the first of a process never does.
func onItsOwnThread(f func()) {
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		runtime.LockOSThread()
		if syscall.Gettid() == syscall.Getpid() {
			onItsOwnThread(f)
			return
		}
		f()
	}()
	<-ended
}
