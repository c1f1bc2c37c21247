// Package webui is the page of clipseek, embedded in the program: search by words or by a picture, results, a viewer,
// adding a folder, and a readable API reference made from the service's own OpenAPI document.
//
// The page is plain HTML, CSS and JavaScript modules under page/. It has no framework and no build step, and it loads
// nothing from elsewhere, so it works without a network. The security policy allows only what it needs: no inline
// script or style, no foreign host, no markup made from text.
//
//	site, err := webui.New()
//	file, ok := site.File("/assets/app.js") // body, media type, ETag
//
// The package is not for serving: routes, conditional requests and compression are httpapi's. It knows no handler and
// imports nothing of the project.
package webui

import (
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"fmt"
	"io/fs"
	"path"
	"slices"
)

//go:embed page
var page embed.FS

// CacheControl goes with every file: a browser may keep it and asks each time whether it still holds (see File.ETag), so
// that page and service never differ after an update.
const CacheControl = "no-cache"

// ContentSecurityPolicy goes with every file of the page. Pictures come from the service itself, or as blob: when they
// were fetched with a key or chosen by the reader.
const ContentSecurityPolicy = "default-src 'none'; " +
	"script-src 'self'; " +
	"style-src 'self'; " +
	"img-src 'self' blob:; " +
	"connect-src 'self'; " +
	"base-uri 'none'; " +
	"form-action 'none'; " +
	"frame-ancestors 'none'; " +
	"require-trusted-types-for 'script'; " +
	"trusted-types 'none'"

// Header is one header of an answer.
type Header struct{ Name, Value string }

// SecurityHeaders are the headers every file of the page is sent with. Referrer-Policy keeps queries, which are in the
// address, from other sites; X-Frame-Options repeats frame-ancestors for old browsers.
func SecurityHeaders() []Header {
	return []Header{
		{"Content-Security-Policy", ContentSecurityPolicy},
		{"X-Content-Type-Options", "nosniff"},
		{"X-Frame-Options", "DENY"},
		{"Referrer-Policy", "no-referrer"},
		{"Cross-Origin-Opener-Policy", "same-origin"},
		{"Cross-Origin-Resource-Policy", "same-origin"},
		{"Permissions-Policy", "camera=(), geolocation=(), microphone=()"},
	}
}

// File is one file of the page, ready to send.
type File struct {
	Path        string // path of the URL: /, /docs or /assets/NAME
	ContentType string // with its charset
	ETag        string // strong, in quotation marks, from the content
	Body        []byte // shared; not to be changed
}

// Site is the page, looked up by URL path. It is immutable and safe for concurrent use.
type Site struct {
	files map[string]File
}

// New reads the embedded page. An error means that a file has a kind nobody has given a media type, which a test rules out
// for the program as built.
func New() (*Site, error) {
	site := &Site{files: make(map[string]File)}
	err := fs.WalkDir(Files(), ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		body, err := fs.ReadFile(Files(), name)
		if err != nil {
			return err
		}
		kind, err := contentType(name)
		if err != nil {
			return err
		}
		sum := sha256.Sum256(body)
		url := urlPath(name)
		site.files[url] = File{Path: url, ContentType: kind, ETag: `"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`, Body: body}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the embedded page: %w", err)
	}
	return site, nil
}

// File returns the file at a URL path.
func (s *Site) File(urlPath string) (File, bool) {
	file, ok := s.files[urlPath]
	return file, ok
}

// Paths are the URL paths of all files, sorted.
func (s *Site) Paths() []string {
	paths := make([]string, 0, len(s.files))
	for url := range s.files {
		paths = append(paths, url)
	}
	slices.Sort(paths)
	return paths
}

// Files is the page as it lies on disk: index.html, docs.html and assets/.
func Files() fs.FS {
	sub, err := fs.Sub(page, "page")
	if err != nil {
		panic(err) // "page" is a constant and a valid path: fs.Sub cannot refuse it
	}
	return sub
}

// urlPath is where a file is found: the two pages under their short names, all else under its own.
func urlPath(name string) string {
	switch name {
	case "index.html":
		return "/"
	case "docs.html":
		return "/docs"
	}
	return "/" + name
}

// contentType does not ask the machine's own tables, which differ and may be wrong.
func contentType(name string) (string, error) {
	switch path.Ext(name) {
	case ".html":
		return "text/html; charset=utf-8", nil
	case ".css":
		return "text/css; charset=utf-8", nil
	case ".js":
		return "text/javascript; charset=utf-8", nil
	case ".svg":
		return "image/svg+xml", nil
	}
	return "", fmt.Errorf("no media type is known for %s", name)
}
