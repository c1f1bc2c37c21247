// Package search is the one query path, used by the API, the page and the command line.
//
// A query is a text, a picture, a picture that is indexed already, or several of them together: each gives a unit
// vector, their sum is normalized, and the index is asked for the nearest records. A short text is put into the templates of
// the model's card, where there are some, and its vector is the normalized mean of theirs.
//
//	answer, err := searcher.Search(ctx, collection, search.Query{Text: "a red apple", Limit: 16})
//
// The package is not for HTTP (httpapi), nor for the choice of collections (app).
package search

import (
	"cmp"
	"context"
	"errors"
	"strings"
	"time"

	"clipseek/orchestrator/encoder"
	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/imageprep"
	"clipseek/orchestrator/index"
	"clipseek/orchestrator/index/filter"
	"clipseek/orchestrator/tokenizer"
)

// Config bounds queries.
type Config struct {
	Limit    int  `koanf:"limit"`     // hits of a query that names no limit
	MaxLimit int  `koanf:"max_limit"` // most hits of one query
	MaxText  int  `koanf:"max_text"`  // longest text, bytes; the model's context is shorter still
	Truncate bool `koanf:"truncate"`  // cut texts that are too long for the model instead of refusing them
	Prompts  bool `koanf:"prompts"`   // put short texts into the model's templates, where its card has some and a query does not say
}

// Default shows sixteen results, as the original program did.
func Default() Config { return Config{Limit: 16, MaxLimit: 1000, MaxText: 10_000, Prompts: true} }

// Validate reports every fault.
func (c Config) Validate() error {
	return errors.Join(
		fault.Between("max_limit", c.MaxLimit, 1, index.MaxWindow, 1000),
		fault.Between("limit", c.Limit, 1, c.MaxLimit, 16),
		fault.Between("max_text", c.MaxText, 1, 1<<20, 10_000),
	)
}

// Query is what to look for. At least one of Text, Image and Like is given; several are combined with equal weight.
type Query struct {
	Text      string // any language the model knows
	Prompts   *bool  // put a short text into the model's templates; nil is Config.Prompts
	Image     []byte // a picture file
	ImageName string // what the picture is called in messages
	Like      *int64 // the id of an indexed picture, which is itself left out of the answer; nil is none
	Filter    string // only records that match; see package index/filter; empty is all
	Partition string // only records of this partition; empty is all
	Limit     int    // 0 is Config.Limit
	Offset    int
}

// Answer is what was found, best first.
type Answer struct {
	Hits []index.Hit
	Weak bool // a text query whose best hit is below what the model scores for things that are there
	// Prompts is whether the text was put into templates.
	Prompts bool
	// LanguageNote tells of a text in a script that none of the model's languages uses; empty is none.
	LanguageNote string
	Took         Took
}

// Took is the time of each step.
type Took struct {
	Prepare time.Duration // tokenize, decode and resize
	Encode  time.Duration
	Search  time.Duration
	Total   time.Duration
}

// Searcher answers queries with one model. It is safe for concurrent use.
type Searcher struct {
	cfg       Config
	tokenizer tokenizer.Tokenizer
	decoder   *imageprep.Decoder
	spec      imageprep.Spec
	enc       encoder.Encoder
	templates []template
	languages languages
}

// New makes a searcher. The encoder should be the search lane; the searcher closes nothing that it is given. tok may be
// nil where the model has no text tower.
func New(cfg Config, tok tokenizer.Tokenizer, decoder *imageprep.Decoder, spec imageprep.Spec, enc encoder.Encoder) *Searcher {
	card := enc.Card()
	return &Searcher{
		cfg: cfg, tokenizer: tok, decoder: decoder, spec: spec, enc: enc,
		templates: newTemplates(card.Text.Prompts), languages: newLanguages(card.Languages),
	}
}

// Prompts reports whether a query that does not say is put into the model's templates.
func (s *Searcher) Prompts() bool { return s.cfg.Prompts && len(s.templates) > 0 }

// Search answers q from the collection, whose vectors are the searcher's model's.
//
// Faults: Invalid (an empty query, bad UTF-8, a broken picture or filter, a limit out of range, a text for a model
// without a text tower), TooLarge (text or
// picture over a limit), NotFound (no picture Like, no such partition), Conflict (an index without partitions), and those
// of the encoder and the index.
func (s *Searcher) Search(ctx context.Context, collection index.Index, q Query) (Answer, error) {
	start := time.Now()
	query, err := q.check(s.cfg)
	if err != nil {
		return Answer{}, err
	}
	if q.hasText() {
		if err := s.enc.Card().NeedText(); err != nil {
			return Answer{}, err
		}
	}
	within := collection // the picture Like may lie in another partition than what is looked for
	if q.Partition != "" {
		parts, err := Partitioner(collection)
		if err != nil {
			return Answer{}, err
		}
		within = parts.Partition(q.Partition)
	}
	var out Answer
	if query.Vector, err = s.vector(ctx, collection, q, &out); err != nil {
		return Answer{}, err
	}
	before := time.Now()
	if out.Hits, err = s.find(ctx, within, q, query); err != nil {
		return Answer{}, err
	}
	out.Weak, out.LanguageNote = s.weak(q, out.Hits), s.languages.note(q.Text)
	out.Took.Search, out.Took.Total = time.Since(before), time.Since(start)
	return out, nil
}

// Partitioner is the collection's ability to have partitions. Fault: Conflict where its index has not.
func Partitioner(collection index.Index) (index.Partitioner, error) {
	if parts, ok := collection.(index.Partitioner); ok {
		return parts, nil
	}
	return nil, fault.Conflict("this collection lives in an index that has no partitions; Milvus has them (index.kind: milvus)")
}

// Validate reports what is wrong with the query before anything is opened for it. Faults: Invalid, TooLarge.
func (q Query) Validate(cfg Config) error {
	_, err := q.check(cfg)
	return err
}

// check refuses what no index need see, and gives the query for the index without its vector.
func (q Query) check(cfg Config) (index.Query, error) {
	out := index.Query{Limit: q.Limit, Offset: q.Offset}
	if out.Limit == 0 {
		out.Limit = cfg.Limit
	}
	switch {
	case q.isEmpty():
		return out, fault.Invalid("the query is empty: give a text, a picture or the id of an indexed picture")
	case len(q.Text) > cfg.MaxText:
		return out, fault.TooLarge("the text has %d bytes, at most %d are allowed; shorten it", len(q.Text), cfg.MaxText)
	case out.Limit < 1 || out.Limit > cfg.MaxLimit:
		return out, fault.Invalid("limit is %d and must be 1 to %d; further hits are reached with offset", q.Limit, cfg.MaxLimit)
	case q.Offset < 0 || q.Offset > index.MaxWindow-out.Limit:
		return out, fault.Invalid("offset is %d; offset and limit together must be 0 to %d", q.Offset, index.MaxWindow)
	case q.Filter == "":
		return out, nil
	}
	var err error
	out.Filter, err = filter.Parse(q.Filter)
	return out, err
}

func (q Query) isEmpty() bool { return !q.hasText() && len(q.Image) == 0 && q.Like == nil }

func (q Query) hasText() bool { return strings.TrimSpace(q.Text) != "" }

// vector makes the query's unit vector, and tells in out how.
func (s *Searcher) vector(ctx context.Context, collection index.Index, q Query, out *Answer) (encoder.Vector, error) {
	var parts []encoder.Vector
	if q.hasText() {
		v, err := s.text(ctx, q, out)
		if err != nil {
			return nil, err
		}
		parts = append(parts, v)
	}
	if len(q.Image) > 0 {
		v, err := s.image(ctx, q.Image, &out.Took)
		if err != nil {
			return nil, fault.At(cmp.Or(q.ImageName, "the picture"), err)
		}
		parts = append(parts, v)
	}
	if q.Like != nil {
		records, err := collection.Get(ctx, []int64{*q.Like})
		if err != nil {
			return nil, err
		}
		if len(records) == 0 {
			return nil, fault.NotFound("there is no picture %d in this collection", *q.Like)
		}
		parts = append(parts, records[0].Vector)
	}
	combined := sum(parts)
	if !encoder.Normalize(combined) {
		return nil, fault.Invalid("the parts of the query cancel each other out; leave one out")
	}
	return combined, nil
}

func (s *Searcher) text(ctx context.Context, q Query, out *Answer) (encoder.Vector, error) {
	start := time.Now()
	texts, err := s.tokens(q, out)
	if err != nil {
		return nil, err
	}
	prepared := time.Now()
	vectors, err := s.enc.EncodeText(ctx, texts)
	if err != nil {
		return nil, err
	}
	out.Took.Prepare += prepared.Sub(start)
	out.Took.Encode += time.Since(prepared)
	mean := sum(vectors)
	if !encoder.Normalize(mean) {
		return nil, fault.Invalid("the model's templates cancel each other out for this text; search without prompts")
	}
	return mean, nil
}

// tokens are those of the text, or of the text in each template that takes it and has room for it.
func (s *Searcher) tokens(q Query, out *Answer) ([]tokenizer.Tokens, error) {
	use := s.cfg.Prompts
	if q.Prompts != nil {
		use = *q.Prompts
	}
	var all []tokenizer.Tokens
	if use {
		for _, text := range prompted(s.templates, q.Text) {
			tokens, err := s.tokenizer.Encode(text)
			if fault.KindOf(err) == fault.KindTooLarge {
				continue
			}
			if err != nil {
				return nil, err
			}
			all = append(all, tokens)
		}
	}
	if out.Prompts = len(all) > 0; out.Prompts {
		return all, nil
	}
	encode := s.tokenizer.Encode
	if s.cfg.Truncate {
		encode = s.tokenizer.EncodeTruncated
	}
	tokens, err := encode(q.Text)
	return []tokenizer.Tokens{tokens}, err
}

// sum adds vectors up in the memory of the first.
func sum(vectors []encoder.Vector) encoder.Vector {
	total := vectors[0]
	for _, v := range vectors[1:] {
		for i, x := range v {
			total[i] += x
		}
	}
	return total
}

func (s *Searcher) image(ctx context.Context, file []byte, took *Took) (encoder.Vector, error) {
	start := time.Now()
	batch := imageprep.NewBatch(1, s.spec.Size)
	picture, err := s.decoder.Decode(file)
	if err != nil {
		return nil, err
	}
	err = picture.Pixels(s.spec, batch.Image(0))
	picture.Release()
	if err != nil {
		return nil, err
	}
	prepared := time.Now()
	vectors, err := s.enc.EncodeImages(ctx, batch)
	if err != nil {
		return nil, err
	}
	took.Prepare += prepared.Sub(start)
	took.Encode += time.Since(prepared)
	return vectors[0], nil
}

// find asks the index. A picture that is its own query is asked for too and then left out, so that pages stay whole.
func (s *Searcher) find(ctx context.Context, collection index.Index, q Query, query index.Query) ([]index.Hit, error) {
	if q.Like == nil {
		return collection.Search(ctx, query)
	}
	offset, limit := query.Offset, query.Limit
	query.Offset, query.Limit = 0, min(offset+limit+1, index.MaxWindow)
	hits, err := collection.Search(ctx, query)
	if err != nil {
		return nil, err
	}
	others := hits[:0]
	for _, hit := range hits {
		if hit.ID != *q.Like {
			others = append(others, hit)
		}
	}
	others = others[min(offset, len(others)):]
	return others[:min(limit, len(others))], nil
}

// weak reports whether a text query found nothing that looks like it, by the score that the model's card gives.
func (s *Searcher) weak(q Query, hits []index.Hit) bool {
	floor := s.enc.Card().Text.MatchScore
	return q.hasText() && len(q.Image) == 0 && q.Like == nil && q.Offset == 0 && len(hits) > 0 && hits[0].Score < floor
}
