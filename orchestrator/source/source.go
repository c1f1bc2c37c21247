// Package source says where pictures come from.
//
// A Source lists items and opens them. NewFolders is trees of the local file system and single files, NewGlob the files
// that match a pattern; Join makes one source of several. source/archive reads archives. The package is not for deciding
// what is new (ingest) or for decoding (imageprep).
package source

import (
	"context"
	"io"
	"iter"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Item is one picture file of a source, not yet opened.
type Item struct {
	Key      string         // names the item in the world; its row's id is made from it, so the same item is the same row, ever
	Path     string         // stored with the record and shown to people
	Source   string         // the source it was found in
	Label    string         // the item's folder
	Bytes    int64          // 0 for unknown
	Modified time.Time      // zero for unknown: the item is read each time, and its hash tells whether it is unchanged
	Place    string         // where it stands in the listing; see Source.Items
	Fields   map[string]any // what the source knows of it besides, to be stored with the record; see index.Record.Fields
}

// Source lists and opens items. Its methods are safe for concurrent use.
type Source interface {
	// Name is how people call the source.
	Name() string
	// Items lists the items in a stable order, those behind the item whose Place is after, or all for "". An item that
	// cannot be had is yielded with an error (its Path and Place are set) and the listing goes on; a cancelled context ends
	// it with the context's error and an empty item. Fault, with an empty item: Invalid for an after that the source did not give.
	Items(ctx context.Context, after string) iter.Seq2[Item, error]
	// Open opens an item that Items gave. Faults: NotFound (it has gone since), Forbidden (no permission), Internal.
	Open(ctx context.Context, item Item) (io.ReadCloser, error)
}

// pictureEndings are the file name endings, lower case, by which a file is taken for a picture. Files with other endings
// are passed over in silence: a folder of photos holds videos, texts and side files too.
var pictureEndings = []string{
	".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp",
	".gif", ".bmp", ".tif", ".tiff", ".avif", ".heic", ".heif",
	".cr2", ".cr3", ".nef", ".nrw", ".arw", ".sr2", ".dng", ".orf", ".ori", ".rw2", ".raf", ".pef", ".srw", ".rwl", ".3fr", ".fff", ".iiq", // camera RAW
}

// IsPictureName reports whether a file of this name is taken for a picture: by its ending.
func IsPictureName(name string) bool {
	return slices.Contains(pictureEndings, strings.ToLower(filepath.Ext(name)))
}
