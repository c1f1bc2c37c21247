package webui_test

import (
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"

	"clipseek/orchestrator/webui"
)

func newSite(t *testing.T) *webui.Site {
	t.Helper()
	site, err := webui.New()
	if err != nil {
		t.Fatal(err)
	}
	return site
}

// source is the text of an embedded file.
func source(t *testing.T, name string) string {
	t.Helper()
	body, err := fs.ReadFile(webui.Files(), name)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func assets(t *testing.T, pattern string) []string {
	t.Helper()
	names, err := fs.Glob(webui.Files(), pattern)
	if err != nil || len(names) == 0 {
		t.Fatalf("no files match %s: %v", pattern, err)
	}
	return names
}

func TestSiteFiles(t *testing.T) {
	t.Parallel()
	site := newSite(t)
	cases := []struct{ url, contentType string }{
		{"/", "text/html; charset=utf-8"},
		{"/docs", "text/html; charset=utf-8"},
		{"/assets/app.js", "text/javascript; charset=utf-8"},
		{"/assets/base.css", "text/css; charset=utf-8"},
		{"/assets/icon.svg", "image/svg+xml"},
	}
	for _, c := range cases {
		t.Run(c.url, func(t *testing.T) {
			t.Parallel()
			file, ok := site.File(c.url)
			if !ok {
				t.Fatal("not there")
			}
			if file.ContentType != c.contentType || len(file.Body) == 0 || file.Path != c.url {
				t.Errorf("got %q, %d bytes, path %q", file.ContentType, len(file.Body), file.Path)
			}
			if !regexp.MustCompile(`^"[A-Za-z0-9_-]{16}"$`).MatchString(file.ETag) {
				t.Errorf("ETag %s is not a strong entity tag", file.ETag)
			}
		})
	}
	for _, url := range []string{"", "/index.html", "/docs.html", "/assets", "/assets/", "/assets/../index.html", "assets/app.js"} {
		if _, ok := site.File(url); ok {
			t.Errorf("%q is served and should not be", url)
		}
	}
}

func TestETagsDiffer(t *testing.T) {
	t.Parallel()
	site := newSite(t)
	seen := map[string]string{}
	for _, url := range site.Paths() {
		file, _ := site.File(url)
		if other, ok := seen[file.ETag]; ok {
			t.Errorf("%s and %s have the same ETag", url, other)
		}
		seen[file.ETag] = url
	}
}

func TestSecurityPolicy(t *testing.T) {
	t.Parallel()
	for _, directive := range []string{"default-src 'none'", "script-src 'self'", "style-src 'self'", "frame-ancestors 'none'", "base-uri 'none'"} {
		if !strings.Contains(webui.ContentSecurityPolicy, directive) {
			t.Errorf("the policy lacks %s", directive)
		}
	}
	for _, hole := range []string{"unsafe", "data:", "http:", "https:", "*"} {
		if strings.Contains(webui.ContentSecurityPolicy, hole) {
			t.Errorf("the policy has %s", hole)
		}
	}
	headers := map[string]string{}
	for _, h := range webui.SecurityHeaders() {
		headers[h.Name] = h.Value
	}
	if headers["Content-Security-Policy"] != webui.ContentSecurityPolicy || headers["X-Content-Type-Options"] != "nosniff" {
		t.Errorf("headers: %v", headers)
	}
}

// Pages refer to files of their own only, and the browser is told of every module in advance, so that they load at once.
func TestReferences(t *testing.T) {
	t.Parallel()
	site := newSite(t)
	reference := regexp.MustCompile(`(?:src|href)="([^"]*)"`)
	elsewhere := []string{"/", "/docs", "/openapi.json"}
	for _, name := range []string{"index.html", "docs.html"} {
		html := source(t, name)
		for _, match := range reference.FindAllStringSubmatch(html, -1) {
			url := match[1]
			if strings.HasPrefix(url, "#") {
				if !hasID(html, url[1:]) {
					t.Errorf("%s points at %s, which is not in it", name, url)
				}
				continue
			}
			if _, ok := site.File(url); !ok && !slices.Contains(elsewhere, url) {
				t.Errorf("%s refers to %s, which is not embedded", name, url)
			}
		}
		entry := regexp.MustCompile(`<script type="module" src="/(assets/[^"]+)">`).FindStringSubmatch(html)
		if entry == nil {
			t.Fatalf("%s has no entry module", name)
		}
		for _, module := range imports(t, entry[1]) {
			if module != entry[1] && !strings.Contains(html, `<link rel="modulepreload" href="/`+module+`">`) {
				t.Errorf("%s does not preload %s", name, module)
			}
		}
	}
}

// imports lists a module and all it imports.
func imports(t *testing.T, entry string) []string {
	t.Helper()
	found := []string{entry}
	statement := regexp.MustCompile(`(?m)^import [^;]* from "([^"]+)";$`)
	for at := 0; at < len(found); at++ {
		for _, match := range statement.FindAllStringSubmatch(source(t, found[at]), -1) {
			if next := path.Join(path.Dir(found[at]), match[1]); !slices.Contains(found, next) {
				found = append(found, next)
			}
		}
	}
	return found
}

func hasID(html, id string) bool {
	return strings.Contains(html, ` id="`+id+`"`)
}

// Every element a script asks for is in each page that loads the script, and no id is there twice.
func TestIDs(t *testing.T) {
	t.Parallel()
	wanted := regexp.MustCompile(`\b(byId|icon)\("([^"]+)"\)`)
	given := regexp.MustCompile(` id="([^"]+)"`)
	for page, entry := range map[string]string{"index.html": "assets/app.js", "docs.html": "assets/docs.js"} {
		html := source(t, page)
		seen := map[string]bool{}
		for _, match := range given.FindAllStringSubmatch(html, -1) {
			if seen[match[1]] {
				t.Errorf("%s has the id %s twice", page, match[1])
			}
			seen[match[1]] = true
		}
		for _, module := range imports(t, entry) {
			for _, match := range wanted.FindAllStringSubmatch(source(t, module), -1) {
				id := match[2]
				if match[1] == "icon" {
					id = "i-" + id
				}
				if !seen[id] {
					t.Errorf("%s asks for #%s, which is not in %s", module, id, page)
				}
			}
		}
		for _, match := range regexp.MustCompile(`(?:for|list|aria-[a-z]+)="([a-z]+-?[a-z-]*)"`).FindAllStringSubmatch(html, -1) {
			if strings.Contains(match[0], "aria-live") || match[1] == "true" || match[1] == "false" || strings.HasPrefix(match[0], "aria-label=") {
				continue
			}
			if !seen[match[1]] {
				t.Errorf("%s: %s names no element", page, match[0])
			}
		}
	}
}

// Nothing comes from elsewhere, nothing is inline, and text never becomes markup.
func TestNothingForeignOrInline(t *testing.T) {
	t.Parallel()
	url := regexp.MustCompile(`(?i)(https?:)?//[a-z0-9.-]+\.[a-z]{2,}[^\s"'` + "`" + `)]*`)
	// Names of XML's SVG namespace and the example of a uri in the API reference are not loaded.
	harmless := []string{"http://www.w3.org/2000/svg", "https://example.org/"}
	forbidden := map[string][]*regexp.Regexp{
		".html": {regexp.MustCompile(`<style`), regexp.MustCompile(`\sstyle=`), regexp.MustCompile(`\son[a-z]+=`), regexp.MustCompile(`<script(?:>| [^>]*[^>]>[^<])`)},
		".js":   {regexp.MustCompile(`innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|setAttribute\("style"`), regexp.MustCompile(`console\.`)},
		".css":  {regexp.MustCompile(`@import|url\(`)},
		".svg":  {regexp.MustCompile(`<script|<style`)},
	}
	for _, name := range append(assets(t, "*.html"), assets(t, "assets/*")...) {
		text := source(t, name)
		for _, found := range url.FindAllString(text, -1) {
			if !slices.Contains(harmless, found) {
				t.Errorf("%s has the foreign address %s", name, found)
			}
		}
		for _, rule := range forbidden[path.Ext(name)] {
			if found := rule.FindString(text); found != "" {
				t.Errorf("%s has %q", name, found)
			}
		}
	}
}
