// Package httpapi is the service's face: routes, wire types, errors as problem details, who may ask, and the page.
//
// Routes live under /v1 and are described by /openapi.json, which is made from the Go types; /healthz says that the
// process is alive and /readyz that it can answer. Handlers translate and call; what they call is in search, jobs,
// thumbnail and the index.
//
// The package is not for the wiring of those parts (app) nor for the page's looks (webui).
package httpapi

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humafiber"
	"github.com/gofiber/fiber/v2"

	"clipseek/orchestrator/follow"
	"clipseek/orchestrator/index"
	"clipseek/orchestrator/jobs"
	"clipseek/orchestrator/model"
	"clipseek/orchestrator/search"
	"clipseek/orchestrator/source"
	"clipseek/orchestrator/thumbnail"
	"clipseek/orchestrator/webui"
)

// Collections opens collections by name for the model that the service runs. The indexes belong to the implementation,
// which closes them.
type Collections interface {
	// Get opens a collection that is there. Faults: NotFound, Invalid, Conflict, Unavailable.
	Get(ctx context.Context, name string) (index.Index, error)
	// Make opens a collection and makes it if need be. Faults: Invalid, Conflict, Unavailable.
	Make(ctx context.Context, name string) (index.Index, error)
	// Forget lets go of a collection that has been dropped, so that Get and Make find one that was made in its place.
	Forget(ctx context.Context, name string)
	// List describes all that are there.
	List(ctx context.Context) ([]index.Info, error)
	// Default names the collection that is used when nobody names one.
	Default() string
	// Database is the index itself, for looking after collections whatever model made them.
	Database() index.Database
}

// Files opens the pictures that records name.
type Files interface {
	// Open opens the picture of a record's path and tells its size. Faults: NotFound, Forbidden, Invalid, TooLarge.
	Open(ctx context.Context, path string) (io.ReadCloser, int64, error)
}

// Uploads keeps what people send to be ingested.
type Uploads interface {
	// Begin makes room for a request of so many bytes, -1 for unknown. Faults: Overloaded, Unavailable, Forbidden.
	Begin(ctx context.Context, length int64) (Batch, error)
}

// Batch is what one request sends.
type Batch interface {
	// Add reads a file to its end. What is wrong with the file alone becomes its failure in the job; an error ends the request.
	Add(ctx context.Context, name string, r io.Reader) error
	// Commit has all of it on the disk when it returns, and gives the source that a job names, and what people call it.
	// Faults: Invalid where nothing can be taken; Unavailable, Forbidden.
	Commit() (source, title string, err error)
	// Close removes what has not been committed.
	Close() error
}

// Deps are the parts that the routes call. The server closes none of them.
type Deps struct {
	Version     string
	Card        model.Card
	Collections Collections
	Searcher    *search.Searcher
	Jobs        *jobs.Manager
	Follower    *follow.Follower // nil where nothing is followed
	Roots       *source.Roots
	Files       Files
	Uploads     Uploads
	Thumbnails  *thumbnail.Store
	Scratch     string                                 // folder of temporary files
	Ready       func(context.Context) map[string]error // by part of the system, nil where it is well; asks all at once, and ends with the context
	Log         *slog.Logger
}

// Server answers HTTP requests.
type Server struct {
	cfg  Config
	deps Deps
	app  *fiber.App
	life context.Context //nolint:containedctx // ends with Shutdown; streams outlive their handlers
	end  context.CancelFunc

	comparing chan struct{} // holds the one request that compares pictures, which takes all processors
}

// New makes the routes.
func New(cfg Config, deps Deps) (*Server, error) {
	site, err := webui.New()
	if err != nil {
		return nil, err
	}
	s := &Server{cfg: cfg, deps: deps, comparing: make(chan struct{}, 1)}
	s.life, s.end = context.WithCancel(context.Background())
	s.app = fiber.New(fiber.Config{
		AppName:               "clipseek",
		DisableStartupMessage: true,
		Immutable:             true, // strings of a request outlive its handler
		BodyLimit:             cfg.MaxUpload,
		ReadTimeout:           cfg.Timeout,
		// Uploads go to the disk as they come; takeBody reads all other bodies, within BodyLimit.
		StreamRequestBody:            true,
		DisablePreParseMultipartForm: true,
		WriteTimeout:                 0, // a slow reader of an original is not an error
		ErrorHandler:                 onError,
	})
	s.app.Use(s.observe, s.takeBody, s.secure)
	s.health()
	s.app.Use(s.authorize)
	api := humafiber.New(s.app, apiConfig(deps.Version))
	s.routes(api)
	s.page(site)
	return s, nil
}

func apiConfig(version string) huma.Config {
	cfg := huma.DefaultConfig("clipseek", version)
	cfg.Info.Description = "Find pictures by what they show."
	cfg.DocsPath = "" // our own page, which needs nothing from outside
	cfg.SchemasPath = ""
	cfg.CreateHooks = nil // no $schema links in answers
	cfg.Transformers = append(cfg.Transformers, asProblem)
	cfg.Components.SecuritySchemes = map[string]*huma.SecurityScheme{"key": {Type: "http", Scheme: "bearer", Description: "asked for where server.api_key is set"}}
	return cfg
}

func (s *Server) routes(api huma.API) {
	s.infoRoutes(api)
	s.collectionRoutes(api)
	s.searchRoutes(api)
	s.duplicateRoutes(api)
	s.pictureRoutes(api)
	s.removalRoutes(api)
	s.jobRoutes(api)
	s.followRoutes(api)
	s.bulkRoutes(api)
}

// Serve answers on the listener until Shutdown; it then returns nil.
func (s *Server) Serve(listener net.Listener) error { return s.app.Listener(listener) }

// Shutdown stops accepting, ends streams, and waits for running requests until ctx ends.
func (s *Server) Shutdown(ctx context.Context) error {
	s.end()
	return s.app.ShutdownWithContext(ctx)
}

// operation describes a route; tag groups it with others of one subject.
func operation(tag, method, path, id, summary, description string) huma.Operation {
	return huma.Operation{Tags: []string{tag}, OperationID: id, Method: method, Path: path, Summary: summary, Description: description, DefaultStatus: http.StatusOK}
}

// register adds a route whose handler returns the errors of the packages below.
func register[I, O any](s *Server, api huma.API, op huma.Operation, handler func(context.Context, *I) (*O, error)) {
	huma.Register(api, op, func(ctx context.Context, in *I) (*O, error) {
		out, err := handler(ctx, in)
		if err == nil {
			return out, nil
		}
		return nil, s.refuse(op.OperationID, err)
	})
}

// refuse logs what is our own fault and translates err for the client.
func (s *Server) refuse(operation string, err error) error {
	p, ok := errors.AsType[*Problem](err)
	if !ok {
		p = problemOf(err)
	}
	if p.Status >= http.StatusInternalServerError {
		s.deps.Log.Error("request failed", "operation", operation, "kind", p.Kind, "err", err)
	}
	if p.retryAfter > 0 {
		return huma.ErrorWithHeaders(p, http.Header{fiber.HeaderRetryAfter: {seconds(p.retryAfter)}})
	}
	return p
}
