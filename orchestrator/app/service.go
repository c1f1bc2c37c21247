package app

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"net"
	"sync"
	"syscall"
	"time"

	"clipseek/orchestrator/bucket"
	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/follow"
	"clipseek/orchestrator/httpapi"
	"clipseek/orchestrator/index"
	"clipseek/orchestrator/ingest"
	"clipseek/orchestrator/source"
	"clipseek/orchestrator/source/archive"
	"clipseek/orchestrator/source/web"
)

// drain is how long running requests may take to end on shutdown.
const drain = 10 * time.Second

// Service is the whole program, answering HTTP.
type Service struct {
	core     *Core
	jobs     *Jobs
	server   *httpapi.Server
	listener net.Listener
	archives *archive.Files
	client   *web.Client
	log      *slog.Logger

	follower      *follow.Follower
	stopFollowing context.CancelFunc
	following     sync.WaitGroup

	stopTidying context.CancelFunc
	tidying     sync.WaitGroup

	stopWarming context.CancelFunc
	warming     sync.WaitGroup
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
	roots, err := source.NewRoots(cfg.Ingest.Roots, cfg.Ingest.Buckets...)
	if err != nil {
		return nil, fault.At("ingest.roots, ingest.buckets", err)
	}
	if s.core, err = OpenCore(ctx, cfg, log); err != nil {
		return nil, err
	}
	s.core.always = true // its index may come later than the first search
	if err := s.warm(ctx); fault.IsPassing(err) {
		log.Warn("not ready yet: a server does not answer; trying again", "err", err)
		s.keepWarming()
	} else if err != nil {
		return nil, err
	}
	s.archives = archive.NewFiles(cfg.archives())
	if s.client, err = cfg.viewClient(version); err != nil {
		return nil, err
	}
	if s.jobs, err = OpenJobs(ctx, cfg, s.core, log); err != nil {
		return nil, err
	}
	s.jobs.Work("")
	if s.follower, err = OpenFollower(cfg, s.core, "", nil, log); err != nil {
		return nil, fault.At("follow.folders", err)
	}
	uploads, err := openUploads(cfg)
	if err != nil {
		return nil, err
	}
	s.server, err = httpapi.New(cfg.Server, httpapi.Deps{
		Version:     version,
		Card:        s.core.Card,
		Collections: s.core.Collections,
		Searcher:    s.core.Searcher,
		Jobs:        s.jobs.Manager,
		Follower:    s.follower,
		Roots:       roots,
		Uploads:     uploads,
		Files:       files{s.archives, s.client, bucket.NewClient(cfg.viewObjects())},
		Thumbnails:  s.core.Thumbnails,
		Scratch:     cfg.Data,
		Ready:       s.core.Ready,
		Log:         log,
	})
	if err != nil {
		return nil, err
	}
	s.keepFollowing()
	s.keepTidy(uploads)
	return s, nil
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

// warm does ahead of the first search what it would otherwise pay for: it proves the model, opens the collection and
// brings it into memory.
func (s *Service) warm(ctx context.Context) error {
	if err := s.core.towers.proof.Ensure(ctx); err != nil {
		return err
	}
	photos, err := s.core.Make(ctx, s.core.Default())
	if err != nil {
		return err
	}
	if loader, ok := photos.(index.Loader); ok {
		return loader.Load(ctx)
	}
	return nil
}

// keepWarming warms until it is done or the service is closed.
func (s *Service) keepWarming() {
	ctx, stop := context.WithCancel(context.Background())
	s.stopWarming = stop
	s.warming.Go(func() {
		switch err := ingest.Outlast(ctx, math.MaxInt64, nil, s.warm); {
		case err == nil:
			s.log.Info("ready: every server answers")
		case ctx.Err() == nil:
			s.log.Error("not ready", "kind", fault.KindOf(err), "err", err)
		}
	})
}

// keepFollowing follows the configured folders until the service is closed.
func (s *Service) keepFollowing() {
	ctx, stop := context.WithCancel(context.Background())
	s.stopFollowing = stop
	s.following.Go(func() { s.follower.Run(ctx) })
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
	if s.stopWarming != nil {
		s.stopWarming()
		s.warming.Wait()
	}
	if s.stopFollowing != nil {
		s.stopFollowing()
		s.following.Wait()
	}
	if s.stopTidying != nil {
		s.stopTidying()
		s.tidying.Wait()
	}
	if s.jobs != nil {
		all = append(all, s.jobs.Close())
	}
	if s.client != nil {
		all = append(all, s.client.Close())
	}
	if s.archives != nil {
		all = append(all, s.archives.Close())
	}
	if s.core != nil {
		all = append(all, s.core.Close())
	}
	return errors.Join(all...)
}
