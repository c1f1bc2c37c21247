package triton

import (
	"context"
	"log/slog"
	"net"
	"slices"
	"time"

	"clipseek/orchestrator/clock"
	"clipseek/orchestrator/fault"
)

// namesFollowed is how often the addresses of names are asked for.
const namesFollowed = 10 * time.Second

// followed is an entry of Config.Endpoints that stands for all addresses of a name.
type followed struct {
	address
	open  func(host, at string) (*endpoint, error)
	known map[string]*endpoint // by address
}

// follow keeps the roster's endpoints what the names stand for.
func (r *roster) follow(names []*followed, log *slog.Logger) {
	for first := true; first || clock.Sleep(r.life, namesFollowed) == nil; first = false {
		for _, n := range names {
			if err := n.update(r); err != nil && r.life.Err() == nil {
				log.Warn("the addresses of a triton are not known", "name", n.String(), "err", err)
			}
		}
	}
}

// update asks for the addresses of a name. Those it had stay when nobody answers.
func (n *followed) update(r *roster) error {
	ctx, cancel := context.WithTimeout(r.life, probeTimeout)
	defer cancel()
	found, err := net.DefaultResolver.LookupHost(ctx, n.host)
	if err != nil {
		err = fault.Unavailable("the name %s of a triton has no address; see that it is right and that the server runs", n.host).Because(err).After(serverStarts)
		r.miss(err)
		return err
	}
	for _, ip := range found {
		if n.known[ip] != nil {
			continue
		}
		ep, err := n.open(n.host, net.JoinHostPort(ip, n.port))
		if err != nil {
			return err
		}
		n.known[ip] = ep
		r.add(ep)
	}
	for ip, ep := range n.known {
		if !slices.Contains(found, ip) {
			delete(n.known, ip)
			r.remove(ep)
		}
	}
	return nil
}
