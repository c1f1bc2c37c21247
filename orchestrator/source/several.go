package source

import (
	"context"
	"io"
	"iter"
	"strconv"
	"strings"

	"clipseek/orchestrator/fault"
)

// Several is sources one after the other. An item of two of them is yielded twice.
type Several struct {
	parts []Source
}

var _ Source = (*Several)(nil)

// Join makes one source of several. The parts and their order must be the same for places to hold.
func Join(parts ...Source) *Several { return &Several{parts: parts} }

// Name lists the parts.
func (s *Several) Name() string {
	names := make([]string, len(s.parts))
	for i, part := range s.parts {
		names[i] = part.Name()
	}
	return strings.Join(names, ", ")
}

// Items lists the parts in order. A place is the number of a part and the place there.
func (s *Several) Items(ctx context.Context, after string) iter.Seq2[Item, error] {
	return func(yield func(Item, error) bool) {
		first := 0
		if after != "" {
			var ok bool
			if first, after, ok = s.find(after); !ok {
				yield(Item{}, fault.Invalid("%q is no place in %s; begin the listing anew", after, s.Name()))
				return
			}
		}
		for i := first; i < len(s.parts); i++ {
			for item, err := range s.parts[i].Items(ctx, after) {
				if err != nil && item.Path == "" {
					yield(Item{}, err)
					return
				}
				item.Place = strconv.Itoa(i) + "/" + item.Place
				if !yield(item, err) {
					return
				}
			}
			after = ""
		}
	}
}

func (s *Several) find(place string) (part int, inner string, ok bool) {
	number, inner, ok := strings.Cut(place, "/")
	part, err := strconv.Atoi(number)
	if !ok || err != nil || part < 0 || part >= len(s.parts) || inner == "" {
		return 0, place, false
	}
	return part, inner, true
}

// Open opens an item of the part that its place names.
func (s *Several) Open(ctx context.Context, item Item) (io.ReadCloser, error) {
	part, inner, ok := s.find(item.Place)
	if !ok {
		return nil, fault.Invalid("%s is no item of %s", item.Path, s.Name())
	}
	item.Place = inner
	return s.parts[part].Open(ctx, item)
}
