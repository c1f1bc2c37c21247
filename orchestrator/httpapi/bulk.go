package httpapi

import (
	"context"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humafiber"
	"github.com/gofiber/fiber/v2"

	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/jobs"
)

const bulkPath = "/v1/collections/{collection}/upload"

// isBulk reports whether a request is an upload to be ingested, before it is routed.
func isBulk(c *fiber.Ctx) bool {
	name, ok := strings.CutPrefix(strings.ToLower(c.Path()), "/v1/collections/")
	name, rest, _ := strings.Cut(strings.TrimSuffix(name, "/"), "/")
	return ok && name != "" && rest == "upload" && c.Method() == http.MethodPost
}

// bulkTypes are the media types of one file as a body, and the ending that it gets where nobody names it.
var bulkTypes = map[string]string{
	"application/zip": ".zip", "application/x-zip-compressed": ".zip", "application/x-tar": ".tar", "application/tar": ".tar",
	"application/gzip": ".tar.gz", "application/x-gzip": ".tar.gz", "application/zstd": ".tar.zst", "application/x-bzip2": ".tar.bz2",
	"application/octet-stream": "", "": "",
}

type bulkInput struct {
	InCollection
	Partition   string `query:"partition" doc:"the partition that the pictures go into"`
	Name        string `query:"name" doc:"name of the file, where the body is one; it is part of the pictures' paths. The Content-Disposition header may name it too" example:"album.zip"`
	ContentType string `header:"Content-Type" hidden:"true"`
	Disposition string `header:"Content-Disposition" hidden:"true"`
	request     *fiber.Ctx
}

// Resolve keeps the request, whose body is read as it comes.
func (in *bulkInput) Resolve(ctx huma.Context) []error {
	in.request = humafiber.Unwrap(ctx)
	return nil
}

func (s *Server) bulkRoutes(api huma.API) {
	op := operation("jobs", http.MethodPost, bulkPath, "upload", "Upload pictures and index them",
		"A form of any number of files, or one file as the body: pictures, and archives of them (zip, tar, tar.gz, tar.zst, tar.bz2), told by their content. "+
			"They are kept below the service's data folder. The answer is a job, as that of ingest; what cannot be taken of several files is in its ledger. "+
			"A file's name may have folders before it, the last of which is the picture's label. The same file under the same name is the same picture, "+
			"in however many uploads; another file under that name is another picture. Takes up to server.max_bulk_upload bytes, for as long as they keep coming.")
	op.DefaultStatus = http.StatusAccepted
	file := &huma.Schema{Type: huma.TypeString, Format: "binary"}
	body := &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{
		"multipart/form-data": {Schema: &huma.Schema{Type: huma.TypeObject, Required: []string{"file"}, Properties: map[string]*huma.Schema{
			"file": {Type: huma.TypeArray, Items: file, Description: "the files; any field name will do"},
		}}},
		"application/octet-stream": {Schema: file}, "image/*": {Schema: file},
	}}
	for kind, ending := range bulkTypes {
		if ending != "" {
			body.Content[kind] = &huma.MediaType{Schema: file}
		}
	}
	register(s, api, op, s.bulk)
	api.OpenAPI().Paths[bulkPath].Post.RequestBody = body // huma would read what it is told of
}

// bulk keeps what is sent and makes a job of it. Only what comes before and after the body has the time of a request.
func (s *Server) bulk(ctx context.Context, in *bulkInput) (*jobOutput, error) {
	if _, err := s.deps.Collections.Get(ctx, in.Collection); err != nil && fault.KindOf(err) != fault.KindNotFound {
		return nil, err
	}
	if err := s.deps.Jobs.Room(); err != nil {
		return nil, err
	}
	if in.Partition != "" { // an index without partitions says so before it all is sent
		if err := s.makeFor(ctx, in.Collection, in.Partition); err != nil {
			return nil, err
		}
	}
	body, _ := in.request.Locals(arrivingKey{}).(*arriving)
	if body == nil {
		return nil, fault.Internal("%s is no upload's path", in.request.Path())
	}
	if body.length == 0 {
		return nil, fault.Invalid("the request is empty: send a form of files, or one archive or picture, as its body")
	}
	if int64(body.length) > s.cfg.MaxBulkUpload {
		return nil, s.bulkTooLarge()
	}
	list, title, err := s.keep(context.WithoutCancel(ctx), in, body)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.cfg.Timeout)
	defer cancel()
	return s.start(ctx, jobs.Spec{Sources: []string{list}, Title: title, Collection: in.Collection, Partition: in.Partition})
}

// keep reads the body to its end.
func (s *Server) keep(ctx context.Context, in *bulkInput, body *arriving) (list, title string, err error) {
	kind, params, err := mime.ParseMediaType(in.ContentType)
	if err != nil && in.ContentType != "" {
		return "", "", fault.Invalid("the Content-Type %q cannot be read", in.ContentType).Because(err)
	}
	ending, known := bulkTypes[kind]
	form := kind == fiber.MIMEMultipartForm
	if !form && !known && !strings.HasPrefix(kind, "image/") {
		return "", "", newProblem(http.StatusUnsupportedMediaType, "uploads of "+kind+" are not taken: send a form (multipart/form-data), or one archive or picture with its own Content-Type, such as application/zip")
	}
	if form && params["boundary"] == "" {
		return "", "", fault.Invalid("the form cannot be read: its Content-Type names no boundary; let the HTTP client set the header")
	}
	batch, err := s.deps.Uploads.Begin(ctx, int64(body.length))
	if err != nil {
		return "", "", err
	}
	defer func() { err = errors.Join(err, batch.Close()) }()
	// A body that waits for more must not keep the service from ending.
	defer context.AfterFunc(s.life, func() { _ = body.conn.SetReadDeadline(time.Now()) })()
	if form {
		err = addForm(ctx, batch, multipart.NewReader(body, params["boundary"]))
	} else {
		err = batch.Add(ctx, in.fileName(ending), body)
	}
	if err != nil {
		if body.err != nil && !errors.Is(body.err, io.EOF) {
			return "", "", body.err // says it better than who read it
		}
		return "", "", err
	}
	return batch.Commit()
}

// fileName is the name of a body that is one file.
func (in *bulkInput) fileName(ending string) string {
	if in.Name != "" {
		return in.Name
	}
	if _, params, err := mime.ParseMediaType(in.Disposition); err == nil && params["filename"] != "" {
		return params["filename"]
	}
	return "upload" + ending
}

// addForm takes the files of a form. Their names keep the folders that browsers put before them.
func addForm(ctx context.Context, batch Batch, form *multipart.Reader) error {
	for {
		part, err := form.NextPart()
		if err == io.EOF { //nolint:errorlint // a wrapped one is a form that broke off
			return nil
		}
		if err != nil {
			return fault.Invalid("the form is broken: it does not end as its boundary says, or a part's header cannot be read").Because(err)
		}
		_, params, err := mime.ParseMediaType(part.Header.Get(fiber.HeaderContentDisposition))
		name, named := params["filename"]
		switch {
		case err != nil:
			return fault.Invalid("the form is broken: a part has no Content-Disposition that can be read").Because(err)
		case !named:
			return fault.Invalid("the form's field %q is a text, not a file; with curl, put @ before a file's name: -F file=@a.jpg", part.FormName())
		case name == "": // a browser's field without a choice
			continue
		}
		if err := batch.Add(ctx, name, part); err != nil {
			return formFault(err)
		}
	}
}

// formFault is the fault of a part that ends too early.
func formFault(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return fault.Invalid("the form is broken: it ends within a file").Because(err)
	}
	return err
}
