package httpapi

import (
	"bytes"
	"context"
	"io"
	"mime"
	"net/http"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humafiber"

	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/index"
	"clipseek/orchestrator/source"
	"clipseek/orchestrator/thumbnail"
)

type pictureInput struct {
	InCollection
	ID string `path:"id" doc:"id of the picture" example:"5269288717002027052"`
}

type pictureOutput struct{ Body Picture }

func (s *Server) pictureRoutes(api huma.API) {
	const path = "/v1/collections/{collection}/pictures/{id}"
	register(s, api, operation("pictures", http.MethodGet, path, "get-picture", "Describe a picture", ""),
		func(ctx context.Context, in *pictureInput) (*pictureOutput, error) {
			record, err := s.record(ctx, in)
			if err != nil {
				return nil, err
			}
			return &pictureOutput{Body: newPicture(in.Collection, record.ID, record.Path, record.Fields)}, nil
		})
	op := operation("pictures", http.MethodGet, path+"/thumbnail", "get-thumbnail", "A small copy of a picture", "")
	op.Responses = binary("image/jpeg")
	register(s, api, op, s.thumbnail)
	op = operation("pictures", http.MethodGet, path+"/original", "get-original", "The picture's own file",
		"A picture in a format that browsers do not show (camera RAW, TIFF, HEIC) is answered as a JPEG copy of at most 2048 pixels on a side. One that came from the web is answered with a redirect (302) to its URL.")
	op.Responses = binary("image/*")
	register(s, api, op, s.original)
}

func binary(contentType string) map[string]*huma.Response {
	return map[string]*huma.Response{"200": {
		Description: "the picture",
		Content:     map[string]*huma.MediaType{contentType: {Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}}},
	}}
}

func (s *Server) record(ctx context.Context, in *pictureInput) (index.Record, error) {
	id, err := parseID(in.ID)
	if err != nil {
		return index.Record{}, err
	}
	photos, err := s.deps.Collections.Get(ctx, in.Collection)
	if err != nil {
		return index.Record{}, err
	}
	records, err := photos.Get(ctx, []int64{id})
	if err != nil {
		return index.Record{}, err
	}
	if len(records) == 0 {
		return index.Record{}, fault.NotFound("there is no picture %d in collection %s", id, in.Collection)
	}
	return records[0], nil
}

type thumbnailInput struct {
	InCollection
	ID      string `path:"id" doc:"id of the picture" example:"5269288717002027052"`
	Version string `query:"v" doc:"of the picture; with the right one, as in the paths that answers hold, the copy may be kept for ever"`
	Have    string `header:"If-None-Match"`
}

// thumbnail answers what was kept without a look at the original.
func (s *Server) thumbnail(ctx context.Context, in *thumbnailInput) (*huma.StreamResponse, error) {
	record, err := s.record(ctx, &pictureInput{in.InCollection, in.ID})
	if err != nil {
		return nil, err
	}
	hash, _ := record.Fields[index.FieldSHA256].(string)
	tag, keep := s.deps.Thumbnails.Tag(hash), "private, no-cache" // the picture of this id may become another
	if in.Version != "" && in.Version == version(record.Fields) {
		keep = "private, max-age=31536000, immutable"
	}
	var small []byte
	have := matches(in.Have, tag)
	if !have {
		if small, err = s.deps.Thumbnails.Get(ctx, hash, s.opener(ctx, record)); err != nil {
			return nil, fault.At(record.Path, err)
		}
	}
	return &huma.StreamResponse{Body: func(c huma.Context) {
		c.SetHeader("ETag", tag)
		c.SetHeader("Cache-Control", keep)
		if have {
			c.SetStatus(http.StatusNotModified)
			return
		}
		c.SetHeader("Content-Type", "image/jpeg")
		humafiber.Unwrap(c).Response().SetBody(small)
	}}, nil
}

// version tells a picture from others that had its id, in the URL of its thumbnail; empty where nothing is known of it.
func version(fields map[string]any) string {
	hash, _ := fields[index.FieldSHA256].(string)
	return hash[:min(len(hash), 16)]
}

// matches tells whether an If-None-Match names the tag, by weak comparison as RFC 9110 has it.
func matches(header, tag string) bool {
	for one := range strings.SplitSeq(header, ",") {
		if one = strings.TrimSpace(one); one == "*" || strings.TrimPrefix(one, "W/") == tag {
			return true
		}
	}
	return false
}

// opener outlives the request, because other requests may wait for the same thumbnail.
func (s *Server) opener(ctx context.Context, record index.Record) thumbnail.Opener {
	ctx = context.WithoutCancel(ctx)
	return func() (io.ReadCloser, int64, error) { return s.deps.Files.Open(ctx, record.Path) }
}

// original serves the file that a record names, if it still looks like a picture: records are data, and no record may
// make the service hand out another file. What browsers do not show is served as a JPEG copy.
func (s *Server) original(ctx context.Context, in *pictureInput) (*huma.StreamResponse, error) {
	record, err := s.record(ctx, in)
	if err != nil {
		return nil, err
	}
	if source.IsURL(record.Path) {
		return elsewhere(record.Path)
	}
	file, size, err := s.deps.Files.Open(ctx, record.Path)
	if err != nil {
		return nil, err
	}
	head := make([]byte, 512) // what DetectContentType looks at
	n, err := io.ReadFull(file, head)
	if err != nil && n == 0 || !strings.HasPrefix(http.DetectContentType(head[:n]), "image/") {
		_ = file.Close()
		return s.view(ctx, record)
	}
	whole := struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(head[:n]), file), file}
	return &huma.StreamResponse{Body: func(c huma.Context) {
		c.SetHeader("Content-Type", http.DetectContentType(head[:n]))
		c.SetHeader("Content-Length", strconv.FormatInt(size, 10))
		c.SetHeader("Cache-Control", "private, max-age=60")
		c.SetHeader("Content-Security-Policy", "sandbox; default-src 'none'")
		c.SetHeader("Content-Disposition", mime.FormatMediaType("inline", map[string]string{"filename": filepath.Base(record.Path)}))
		humafiber.Unwrap(c).Response().SetBodyStream(whole, int(size)) // closes the file
	}}, nil
}

// elsewhere sends the browser to a picture's own URL, without the credentials that it may carry.
func elsewhere(address string) (*huma.StreamResponse, error) {
	target, err := url.Parse(address)
	if err != nil {
		return nil, fault.Invalid("the picture's URL cannot be read")
	}
	target.User = nil
	return &huma.StreamResponse{Body: func(c huma.Context) {
		c.SetStatus(http.StatusFound)
		c.SetHeader("Location", target.String())
		c.SetHeader("Cache-Control", "private, max-age=60")
		c.SetHeader("Referrer-Policy", "no-referrer")
	}}, nil
}

// view serves a JPEG copy of a picture, large enough to stand for it.
func (s *Server) view(ctx context.Context, record index.Record) (*huma.StreamResponse, error) {
	hash, _ := record.Fields[index.FieldSHA256].(string)
	copied, err := s.deps.Thumbnails.View(ctx, hash, s.opener(ctx, record))
	if fault.KindOf(err) == fault.KindInvalid {
		return nil, fault.Conflict("%s is no picture any more; ingest its folder again", record.Path).Because(err)
	}
	if err != nil {
		return nil, fault.At(record.Path, err)
	}
	name := filepath.Base(record.Path) + ".jpg"
	return &huma.StreamResponse{Body: func(c huma.Context) {
		c.SetHeader("Content-Type", "image/jpeg")
		c.SetHeader("Cache-Control", "private, max-age=60")
		c.SetHeader("Content-Disposition", mime.FormatMediaType("inline", map[string]string{"filename": name}))
		humafiber.Unwrap(c).Response().SetBody(copied)
	}}, nil
}
