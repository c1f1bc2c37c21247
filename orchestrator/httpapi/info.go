package httpapi

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gofiber/fiber/v2"

	"clipseek/orchestrator/fault"
)

// readyWithin bounds the look at the parts: whoever watches the service gets an answer also while a server hangs.
const readyWithin = 2 * time.Second

// health adds /healthz, alive as long as it answers, and /readyz, well when every part is. They need no key: what they
// tell is which part is missing.
func (s *Server) health() {
	s.app.Get("/healthz", func(c *fiber.Ctx) error { return c.JSON(fiber.Map{"status": "alive"}) })
	s.app.Get("/readyz", func(c *fiber.Ctx) error {
		ctx, cancel := context.WithTimeout(c.UserContext(), readyWithin)
		defer cancel()
		parts, ready := map[string]string{}, true
		for part, err := range s.deps.Ready(ctx) {
			parts[part] = "ok"
			if err != nil {
				parts[part], ready = s.missing(part, err), false
			}
		}
		if !ready {
			c.Status(http.StatusServiceUnavailable).Set(fiber.HeaderRetryAfter, seconds(retryAfter))
		}
		return c.JSON(fiber.Map{"ready": ready, "parts": parts})
	})
}

// missing says what a part lacks.
func (s *Server) missing(part string, err error) string {
	switch _, told := errors.AsType[*fault.Error](err); {
	case !told && errors.Is(err, context.DeadlineExceeded):
		return fmt.Sprintf("no answer within %s", readyWithin)
	case fault.KindOf(err) == fault.KindInternal:
		s.deps.Log.Error("not ready", "part", part, "err", err)
	}
	return fault.Public(err)
}

// Info is what a client needs to know of the service before it asks for anything.
type Info struct {
	Version    string   `json:"version"`
	Collection string   `json:"collection" doc:"the collection that is used when nobody names one"`
	Model      Model    `json:"model"`
	Roots      []string `json:"roots" nullable:"false" doc:"folders, and prefixes of object stores, below which pictures may be ingested by request"`
	MaxUpload  int      `json:"max_upload_bytes" doc:"of a request, and so of a picture to search with"`
	MaxBulk    int64    `json:"max_bulk_upload_bytes" doc:"of an upload to be ingested"`
	Prompts    bool     `json:"prompts" doc:"short texts are put into the model's templates where a request does not say"`
}

// Model is the public part of a model's card.
type Model struct {
	Name       string   `json:"name"`
	Title      string   `json:"title"`
	Languages  []string `json:"languages" nullable:"false" doc:"ISO 639-1 codes of the languages that queries may be written in"`
	Width      int      `json:"width" doc:"components of an embedding"`
	Text       bool     `json:"text" doc:"false: the model has no text tower, so pictures are found by pictures alone"`
	MatchScore float32  `json:"match_score" doc:"a best hit below this score is probably not what the text asks for; 0 is unknown"`
	Prompts    []string `json:"prompts" nullable:"false" doc:"templates for short texts; where there are none, asking for them changes nothing"`
}

type infoOutput struct{ Body Info }

func (s *Server) infoRoutes(api huma.API) {
	register(s, api, operation("service", http.MethodGet, "/v1/info", "get-info", "Describe the service", "Version, model, default collection and limits."),
		func(context.Context, *struct{}) (*infoOutput, error) {
			card := s.deps.Card
			return &infoOutput{Body: Info{
				Version:    s.deps.Version,
				Collection: s.deps.Collections.Default(),
				Model: Model{
					Name: card.Name, Title: card.Title, Languages: append([]string{}, card.Languages...),
					Width: card.Width, Text: card.HasText(), MatchScore: card.Text.MatchScore, Prompts: append([]string{}, card.Text.Prompts...),
				},
				Roots:     append(append([]string{}, s.deps.Roots.Dirs()...), s.deps.Roots.Buckets()...),
				MaxUpload: s.cfg.MaxUpload,
				MaxBulk:   s.cfg.MaxBulkUpload,
				Prompts:   s.deps.Searcher.Prompts(),
			}}, nil
		})
}
