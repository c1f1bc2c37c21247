package source

import (
	"errors"
	"net/url"
	"strings"
	"unicode/utf8"

	"clipseek/orchestrator/fault"
)

// MaxURL is the most bytes of a URL that names a picture. RFC 9110 asks for 8,000 at least; longer ones are data.
const MaxURL = 8 << 10

// IsURL reports whether a path or line is meant as an http or https URL.
func IsURL(s string) bool {
	scheme, _, ok := strings.Cut(s, "://")
	return ok && (strings.EqualFold(scheme, "http") || strings.EqualFold(scheme, "https"))
}

// IsObject reports whether a path or argument is meant as an object of a store, or a prefix in one.
func IsObject(s string) bool {
	scheme, _, ok := strings.Cut(s, "://")
	return ok && isStore(scheme)
}

// isStore knows the schemes of S3, Google Cloud Storage and Azure Blob Storage.
func isStore(scheme string) bool { return scheme == "s3" || scheme == "gs" || scheme == "azblob" }

// SplitObject takes s3://BUCKET/KEY apart into s3://BUCKET and KEY, gs:// and azblob:// likewise. The key is what stands
// there, without any escapes; it is empty for a whole bucket. Fault: Invalid.
func SplitObject(address string) (bucket, key string, err error) {
	scheme, rest, ok := strings.Cut(address, "://")
	name, key, _ := strings.Cut(rest, "/")
	if !ok || !isStore(scheme) || name == "" || strings.ContainsAny(name, "@?#") {
		return "", "", fault.Invalid("%q is no object of a store; write s3://BUCKET/KEY, gs://BUCKET/KEY or azblob://CONTAINER/KEY, and where the store is under objects in the configuration", brief(address))
	}
	return scheme + "://" + name, key, nil
}

// NormalURL is the one form of an http or https URL, which serves as the key and path of its picture: scheme and host in
// lower case and no fragment. Nothing else is changed, since servers may tell any other two spellings apart.
// Faults: Invalid, TooLarge; neither repeats a password.
func NormalURL(raw string) (string, error) {
	switch {
	case len(raw) > MaxURL:
		return "", fault.TooLarge("the URL has %d bytes; at most %d are taken", len(raw), MaxURL)
	case !utf8.ValidString(raw):
		return "", fault.Invalid("it is not UTF-8 text")
	}
	scheme, rest, ok := strings.Cut(raw, "://")
	if !ok {
		return "", fault.Invalid("%q is not a URL; one begins with http:// or https://", brief(raw))
	}
	if !IsURL(raw) {
		return "", fault.Invalid("%q is a URL of another scheme; pictures come from http:// and https://", brief(scheme+"://"))
	}
	rest, _, _ = strings.Cut(rest, "#")
	end := strings.IndexAny(rest, "/?")
	if end < 0 {
		end = len(rest)
	}
	user, host := "", rest[:end]
	if at := strings.LastIndexByte(host, '@'); at >= 0 {
		user, host = host[:at+1], host[at+1:]
	}
	normal := strings.ToLower(scheme) + "://" + user + strings.ToLower(host) + rest[end:]
	parsed, err := url.Parse(normal)
	if err != nil || parsed.Hostname() == "" || len(normal) > MaxURL { // lower case of some letters is longer
		return "", fault.Invalid("the URL cannot be read; write it as https://host/path, with %%20 for a space").Because(errors.Unwrap(err)) // the whole repeats the URL
	}
	return normal, nil
}

// brief is the start of a text that a message repeats.
func brief(s string) string {
	const most = 60
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "..."
	}
	return s
}
