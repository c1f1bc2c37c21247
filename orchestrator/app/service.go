package app

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"path/filepath"
	"syscall"
	"time"

	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/httpapi"
	"clipseek/orchestrator/index"
	"clipseek/orchestrator/jobs"
	"clipseek/orchestrator/source"
	"clipseek/orchestrator/thumbnail"
)

// drain is how long running requests may take to end on shutdown.
const drain = 10 * time.Second

// Service is the whole program, answering HTTP.
type Service struct {
	core     *Core
	jobs     *jobs.Manager
	server   *httpapi.Server
	listener net.Listener
	log      *slog.Logger
}

// OpenService opens everything and listens; requests wait until Run. Close is owed.
// Fault, beside those of the parts: Conflict where the address is in use.
func OpenService(ctx context.Context, cfg Config, version string, log *slog.Logger) (_ *Service, err error) {
	s := &Service{log: log}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close())
		}
	}()
	if s.listener, err = listen(ctx, cfg.Server.Listen); err != nil { // first: it is quick, and a second service stops here
		return nil, err
	}
	roots, err := source.NewRoots(cfg.Ingest.Roots)
	if err != nil {
		return nil, fault.At("ingest.roots", err)
	}
	if s.core, err = OpenCore(ctx, cfg); err != nil {
		return nil, err
	}
	photos, err := s.core.Make(ctx, cfg.Collection)
	if err != nil {
		return nil, err
	}
	if loader, ok := photos.(index.Loader); ok {
		if err := loader.Load(ctx); err != nil {
			return nil, err
		}
	}
	s.jobs = jobs.Open(cfg.Jobs, s.core.Ingester, log)
	s.server, err = httpapi.New(cfg.Server, httpapi.Deps{
		Version:     version,
		Card:        s.core.Card,
		Collections: s.core.Collections,
		Searcher:    s.core.Searcher,
		Jobs:        s.jobs,
		Roots:       roots,
		Thumbnails:  thumbnail.New(filepath.Join(cfg.Data, "thumbnails"), cfg.Thumbnail, s.core.Decoder),
		Ready:       s.ready,
		Log:         log,
	})
	return s, err
}

func listen(ctx context.Context, address string) (net.Listener, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fault.Conflict("%s is in use by another program (another clipseek?); stop it or choose another address with --listen", address).Because(err)
	case errors.Is(err, syscall.EACCES):
		return nil, fault.Forbidden("%s may not be used by this user; ports below 1024 need privileges: choose another with --listen", address).Because(err)
	case err != nil:
		return nil, fault.Invalid("cannot listen on %s: %s", address, err).Because(err)
	}
	return listener, nil
}

// ready tells how each part stands.
func (s *Service) ready(ctx context.Context) map[string]error {
	parts := map[string]error{"model": nil} // proved on start, and in this process ever after
	_, parts["index"] = s.core.List(ctx)
	return parts
}

// URL is where the page is.
func (s *Service) URL() string { return "http://" + s.listener.Addr().String() }

// Run answers requests until ctx ends, and then lets those that run end. It returns nil after an orderly end.
func (s *Service) Run(ctx context.Context) error {
	served := make(chan error, 1)
	go func() { served <- s.server.Serve(s.listener) }()
	select {
	case err := <-served:
		return fault.Internal("the server ended").Because(err)
	case <-ctx.Done():
	}
	s.log.Info("stopping: waiting for running requests", "most", drain)
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), drain)
	defer cancel()
	err := s.server.Shutdown(ending)
	if errors.Is(err, context.DeadlineExceeded) {
		s.log.Warn("some requests did not end in time")
		return nil
	}
	return errors.Join(err, <-served)
}

// Close ends the parts: no more requests, then the jobs, then index and encoder.
func (s *Service) Close() error {
	var all []error
	if s.listener != nil {
		if err := s.listener.Close(); !errors.Is(err, net.ErrClosed) {
			all = append(all, err)
		}
	}
	if s.jobs != nil {
		all = append(all, s.jobs.Close())
	}
	if s.core != nil {
		all = append(all, s.core.Close())
	}
	return errors.Join(all...)
}
