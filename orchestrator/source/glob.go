package source

import (
	"context"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/bmatcuk/doublestar/v4"

	"clipseek/orchestrator/fault"
)

// Glob is a source of the local picture files whose path matches a pattern: * and ? within a name, ** across folders,
// [a-z], {a,b}, and {000..099} for numbers. Files are met in the order in which Folders meets them; hidden ones, and
// matches that have not a picture's ending, are passed over. Folders that match are not gone into for that.
type Glob struct {
	name  string   // the pattern, absolute
	base  string   // the folder that all matches lie below
	below string   // the pattern below it, ranges written out
	steps []string // of below, name by name; nil where an alternative has a separator in it
}

var _ Source = (*Glob)(nil)

// mostNumbers is how many numbers the ranges of a pattern may stand for: each file is compared with all of them.
const mostNumbers = 10_000

// IsPattern reports whether a path has characters that mean something in a pattern.
func IsPattern(path string) bool { return strings.ContainsAny(path, "*?[{") }

// NewGlob checks a pattern. Faults: Invalid for one that cannot be read, NotFound and Forbidden for the folder before its
// first special character.
func NewGlob(pattern string) (*Glob, error) {
	if !doublestar.ValidatePathPattern(pattern) {
		return nil, fault.Invalid("%q is no pattern; a bracket or brace is not closed", pattern)
	}
	written, err := writeOut(pattern)
	if err != nil {
		return nil, err
	}
	name, err := filepath.Abs(pattern)
	if err != nil {
		return nil, fault.Invalid("%s is not a path", pattern).Because(err)
	}
	base, below := doublestar.SplitPattern(filepath.ToSlash(written))
	base, err = filepath.Abs(filepath.FromSlash(base))
	if err != nil {
		return nil, fault.Invalid("%s is not a path", pattern).Because(err)
	}
	if _, err := os.Stat(base); err != nil {
		return nil, pathFault(base, err)
	}
	g := &Glob{name: name, base: base, below: below, steps: strings.Split(below, "/")}
	if !slices.ContainsFunc(g.steps, func(step string) bool { return !doublestar.ValidatePattern(step) }) {
		return g, nil
	}
	g.steps = nil
	return g, nil
}

var numbers = regexp.MustCompile(`\{(\d{1,18})\.\.(\d{1,18})\}`)

// writeOut turns {08..10} into {08,09,10}.
func writeOut(pattern string) (string, error) {
	var err error
	left := mostNumbers
	out := numbers.ReplaceAllStringFunc(pattern, func(r string) string {
		ends := numbers.FindStringSubmatch(r)
		first, _ := strconv.ParseInt(ends[1], 10, 64) // 18 digits always fit
		last, _ := strconv.ParseInt(ends[2], 10, 64)
		if first > last || last-first >= int64(left) {
			err = fault.Invalid("%s in a pattern must go upwards and stand for at most %d numbers", r, mostNumbers)
			return r
		}
		left -= int(last - first + 1)
		all := make([]string, 0, last-first+1)
		for n := first; n <= last; n++ {
			all = append(all, fmt.Sprintf("%0*d", len(ends[1]), n))
		}
		return "{" + strings.Join(all, ",") + "}"
	})
	return out, err
}

// Name is the pattern.
func (g *Glob) Name() string { return g.name }

// Items walks the folders that can hold matches. A place is the item's path.
func (g *Glob) Items(ctx context.Context, after string) iter.Seq2[Item, error] {
	return g.items(ctx, after, IsPictureName)
}

// Others lists matching files that Items passes over and accept takes, as items that are not to be opened.
func (g *Glob) Others(ctx context.Context, accept func(name string) bool) iter.Seq2[Item, error] {
	return g.items(ctx, "", func(name string) bool { return !IsPictureName(name) && accept(name) })
}

func (g *Glob) items(ctx context.Context, after string, accept func(name string) bool) iter.Seq2[Item, error] {
	return func(yield func(Item, error) bool) {
		if after != "" && !Within(after, g.base) {
			yield(Item{}, fault.Invalid("%q is no place in %s; begin the listing anew", after, g.Name()))
			return
		}
		w := walker{
			root: g.base, from: g.name, after: after, yield: yield, enter: g.enter,
			accept: func(path string) bool { return accept(path) && g.matches(path) },
		}
		w.walk(ctx)
	}
}

func (g *Glob) matches(path string) bool {
	below, err := filepath.Rel(g.base, path)
	return err == nil && doublestar.MatchUnvalidated(g.below, filepath.ToSlash(below))
}

// enter reports whether matches can lie below a folder.
func (g *Glob) enter(dir string) bool {
	below, err := filepath.Rel(g.base, dir)
	if err != nil || below == "." || g.steps == nil {
		return true
	}
	names := strings.Split(filepath.ToSlash(below), "/")
	for i, name := range names {
		if i >= len(g.steps) || !doublestar.MatchUnvalidated(g.steps[i], name) {
			return false
		}
		if g.steps[i] == "**" {
			return true
		}
	}
	return len(names) < len(g.steps)
}

// Open opens the item's file.
func (g *Glob) Open(_ context.Context, item Item) (io.ReadCloser, error) { return open(item) }
