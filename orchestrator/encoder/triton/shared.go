package triton

import (
	"context"
	"net"
	"os"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"clipseek/orchestrator/fault"

	pb "clipseek/orchestrator/encoder/triton/tritonpb"
)

// leastShared is the size of a tensor below which shared memory saves nothing.
const leastShared = 64 << 10

// regions are pieces of this machine's shared memory that one server reads inputs from. Each is used by one request at a
// time. Outputs are small and come through the connection.
//
// A request that got no answer (the deadline, a cut connection) may be read by the server still. Its region can be used
// again all the same: the server only reads, and nobody is there to be told what it makes of it. But the server must not
// be made to give such a region up, as that would take the memory from under a running computation; so it is left behind,
// and swept up by another process once it has rested.
type regions struct {
	size int
	must bool // no other way is wanted

	mu      sync.Mutex
	free    []*region
	refuser *tower    // the server, as it was when it refused a region; it is not asked again
	swept   time.Time // what others have left behind was looked after
}

// region is one piece, locked by this process.
type region struct {
	name       string // the server's and the file's
	file       *os.File
	memory     []byte
	known      *tower // the server, as it was when the region was registered; a server that was away has forgotten it
	unanswered bool   // a request that used it got no answer
}

// acquire takes a region for an input of this size; nil where the input is to go through the connection.
func (s *regions) acquire(ctx context.Context, ep *endpoint, t *tower, size int) (*region, error) {
	if s == nil || size < leastShared {
		return nil, nil
	}
	s.mu.Lock()
	refused := s.refuser == t
	sweep := !refused && time.Since(s.swept) > regionRests
	if sweep {
		s.swept = time.Now()
	}
	var r *region
	if last := len(s.free) - 1; last >= 0 && !refused {
		r, s.free = s.free[last], s.free[:last]
	}
	s.mu.Unlock()
	if refused {
		return nil, nil
	}
	if sweep {
		s.sweep(ctx, ep)
	}
	var err error
	if r == nil {
		r, err = newRegion(s.size)
	}
	if err == nil && r.known != t {
		err = register(ctx, ep, r)
	}
	if err == nil {
		r.known = t
		r.touch()
		return r, nil
	}
	s.release(r)
	made := ep.refused(ctx, err)
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case s.must && fault.KindOf(made) == fault.KindUnavailable:
		return nil, made
	case s.must:
		return nil, fault.Conflict("%s cannot share memory with us; see that it runs on this machine as the same user with --allow-client-shm=true, or set shared_memory to auto", ep.where()).Because(err)
	}
	ep.log.Info("pictures go through the connection, not through shared memory", "err", err)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refuser = t
	return nil, nil
}

func (s *regions) release(r *region) {
	if r == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.free = append(s.free, r)
}

// register tells the server of a region. The name is ours alone, so one that it knows already is this one; one that it
// does not know it is not reading.
func register(ctx context.Context, ep *endpoint, r *region) error {
	ask, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	_, err := ep.api.SystemSharedMemoryRegister(ask, &pb.SystemSharedMemoryRegisterRequest{Name: r.name, Key: "/" + r.name, ByteSize: uint64(len(r.memory))})
	if status.Code(err) == codes.AlreadyExists {
		return nil
	}
	if err == nil {
		r.unanswered = false
	}
	return err
}

// close gives all regions back; no request runs any more.
func (s *regions) close(ep *endpoint) {
	if s == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), probeTimeout)
	defer cancel()
	for _, r := range s.free {
		if r.unanswered {
			_, err := ep.api.SystemSharedMemoryStatus(ctx, &pb.SystemSharedMemoryStatusRequest{Name: r.name})
			code := status.Code(err)
			r.unanswered = code != codes.Unavailable && code != codes.NotFound // nobody is there, or somebody else
		}
		if !r.unanswered && r.known != nil {
			_, _ = ep.api.SystemSharedMemoryUnregister(ctx, &pb.SystemSharedMemoryUnregisterRequest{Name: r.name}) // a server that is gone has forgotten it
		}
		r.close()
	}
	s.free = nil
}

// sweep has the server forget what processes have left behind that are no more, and removes it.
func (s *regions) sweep(ctx context.Context, ep *endpoint) {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	answer, err := ep.api.SystemSharedMemoryStatus(ctx, &pb.SystemSharedMemoryStatusRequest{})
	if err != nil {
		return // another time
	}
	for name := range answer.Regions {
		if strings.HasPrefix(name, regionPrefix) && abandoned(name) {
			_, _ = ep.api.SystemSharedMemoryUnregister(ctx, &pb.SystemSharedMemoryUnregisterRequest{Name: name})
		}
	}
	removeAbandoned()
}

// regionRests is how long a region is left alone that nobody owns: a server may be computing what its owner asked for.
const regionRests = 5 * time.Minute

// local reports whether host is this machine.
func local(host string) bool {
	ip := net.ParseIP(host)
	if ip == nil {
		self, err := os.Hostname()
		return host == "localhost" || err == nil && strings.EqualFold(host, self)
	}
	addresses, _ := net.InterfaceAddrs() // none are none
	for _, a := range addresses {
		if n, ok := a.(*net.IPNet); ok && n.IP.Equal(ip) {
			return true
		}
	}
	return ip.IsLoopback()
}
