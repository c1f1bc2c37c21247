package httpapi

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/search"
)

// Hit is one picture that was found.
type Hit struct {
	Picture
	Score float32 `json:"score" doc:"cosine of the angle between query and picture, -1 to 1"`
}

// Answer is the hits of a search, best first.
type Answer struct {
	Hits []Hit `json:"hits" nullable:"false"`
	Weak bool  `json:"weak" doc:"the best hit scores less than pictures of what is asked for usually do"`
	// Prompts and LanguageNote are of the text.
	Prompts      bool   `json:"prompts" doc:"the text was put into the model's templates"`
	LanguageNote string `json:"language_note,omitempty" doc:"why results are weak where the text is in a script that none of the model's languages uses"`
	Took         TookMS `json:"took_ms"`
}

// TookMS is the time of each step in milliseconds.
type TookMS struct {
	Prepare float64 `json:"prepare" doc:"tokenizing, decoding and resizing"`
	Encode  float64 `json:"encode" doc:"the model"`
	Search  float64 `json:"search" doc:"the index"`
	Total   float64 `json:"total"`
}

// NewAnswer is the wire form of an answer from the collection. The command line prints the same.
func NewAnswer(collection string, a search.Answer) Answer {
	out := Answer{Hits: make([]Hit, len(a.Hits)), Weak: a.Weak, Prompts: a.Prompts, LanguageNote: a.LanguageNote, Took: TookMS{
		Prepare: milliseconds(a.Took.Prepare), Encode: milliseconds(a.Took.Encode),
		Search: milliseconds(a.Took.Search), Total: milliseconds(a.Took.Total),
	}}
	for i, hit := range a.Hits {
		out.Hits[i] = Hit{Picture: newPicture(collection, hit.ID, hit.Path, hit.Fields), Score: hit.Score}
	}
	return out
}

// milliseconds is d rounded to microseconds.
func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

type searchInput struct {
	InCollection
	Body struct {
		Text      string `json:"text,omitempty" doc:"what the pictures should show" example:"a red apple"`
		Prompts   *bool  `json:"prompts,omitempty" doc:"put a short text into the model's templates and average them; the service's default where left out"`
		Like      string `json:"like,omitempty" doc:"id of an indexed picture to find others like it" example:"5269288717002027052"`
		Filter    string `json:"filter,omitempty" doc:"only pictures whose fields match" example:"label == \"apple\" && width >= 800"`
		Partition string `json:"partition,omitempty" doc:"only pictures of this partition"`
		Limit     int    `json:"limit,omitempty" doc:"most hits; 0 is the service's default, 16"`
		Offset    int    `json:"offset,omitempty" doc:"leave out so many of the best, for paging"`
	}
}

type uploadForm struct {
	Image     huma.FormFile `form:"image" required:"true" doc:"a picture file: JPEG, PNG, WebP, camera RAW or another kind that can be ingested"`
	Text      string        `form:"text" required:"false" doc:"looked for together with the picture"`
	Prompts   string        `form:"prompts" required:"false" enum:"true,false" doc:"put a short text into the model's templates and average them; the service's default where left out"`
	Filter    string        `form:"filter" required:"false"`
	Partition string        `form:"partition" required:"false"`
	Limit     int           `form:"limit" required:"false"`
	Offset    int           `form:"offset" required:"false"`
}

type uploadInput struct {
	InCollection
	RawBody huma.MultipartFormFiles[uploadForm]
}

type answerOutput struct{ Body Answer }

func (s *Server) searchRoutes(api huma.API) {
	op := operation("search", http.MethodPost, "/v1/collections/{collection}/search", "search", "Search by text or by an indexed picture",
		"At least one of text and like; both are combined with equal weight.")
	op.MaxBodyBytes = int64(s.cfg.MaxUpload)
	register(s, api, op, func(ctx context.Context, in *searchInput) (*answerOutput, error) {
		q := search.Query{Text: in.Body.Text, Prompts: in.Body.Prompts, Filter: in.Body.Filter, Partition: in.Body.Partition, Limit: in.Body.Limit, Offset: in.Body.Offset}
		if in.Body.Like != "" {
			id, err := parseID(in.Body.Like)
			if err != nil {
				return nil, err
			}
			q.Like = &id
		}
		return s.search(ctx, in.Collection, q)
	})
	op = operation("search", http.MethodPost, "/v1/collections/{collection}/search/upload", "search-upload", "Search by a picture",
		"The picture is not kept. A text, if given, is combined with it.")
	register(s, api, op, func(ctx context.Context, in *uploadInput) (*answerOutput, error) {
		form := in.RawBody.Data()
		file, err := io.ReadAll(form.Image)
		if err != nil {
			return nil, fault.Invalid("the uploaded picture cannot be read").Because(err)
		}
		if len(file) == 0 {
			return nil, fault.Invalid("the uploaded picture %s is empty (0 bytes)", form.Image.Filename)
		}
		q := search.Query{
			Text: form.Text, Image: file, ImageName: form.Image.Filename,
			Filter: form.Filter, Partition: form.Partition, Limit: form.Limit, Offset: form.Offset,
		}
		if form.Prompts != "" {
			q.Prompts = new(form.Prompts == "true")
		}
		return s.search(ctx, in.Collection, q)
	})
}

func (s *Server) search(ctx context.Context, collection string, q search.Query) (*answerOutput, error) {
	answer, err := s.find(ctx, collection, q)
	if fault.KindOf(err) == fault.KindNotFound { // perhaps it was dropped and made anew by another process
		s.deps.Collections.Forget(ctx, collection)
		answer, err = s.find(ctx, collection, q)
	}
	if err != nil {
		return nil, err
	}
	return &answerOutput{Body: NewAnswer(collection, answer)}, nil
}

func (s *Server) find(ctx context.Context, collection string, q search.Query) (search.Answer, error) {
	photos, err := s.deps.Collections.Get(ctx, collection)
	if err != nil {
		return search.Answer{}, err
	}
	return s.deps.Searcher.Search(ctx, photos, q)
}

func parseID(text string) (int64, error) {
	id, err := strconv.ParseInt(text, 10, 64)
	if err != nil || id < 0 {
		return 0, fault.Invalid("%q is not the id of a picture", text)
	}
	return id, nil
}

// Picture is an indexed picture.
type Picture struct {
	ID        string         `json:"id" doc:"decimal; a string because it has 63 bits"`
	Path      string         `json:"path"`
	Fields    map[string]any `json:"fields" doc:"label, width, height, bytes, format, taken_at ... and the caller's own"`
	Thumbnail string         `json:"thumbnail" doc:"path of a small JPEG"`
	Original  string         `json:"original" doc:"path of the file itself"`
}

func newPicture(collection string, id int64, path string, fields map[string]any) Picture {
	base := fmt.Sprintf("/v1/collections/%s/pictures/%d", collection, id)
	if fields == nil {
		fields = map[string]any{}
	}
	thumbnail := base + "/thumbnail"
	if v := version(fields); v != "" {
		thumbnail += "?v=" + url.QueryEscape(v)
	}
	return Picture{ID: strconv.FormatInt(id, 10), Path: path, Fields: fields, Thumbnail: thumbnail, Original: base + "/original"}
}
