package sourcetest

import (
	"context"
	"errors"
	"reflect"
	"testing"

	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/source"
)

// step is one step of a listing.
type step struct {
	item source.Item
	err  string
}

func steps(ctx context.Context, t *testing.T, s source.Source, after string) (all []step) {
	t.Helper()
	for item, err := range s.Items(ctx, after) {
		one := step{item: item}
		if err != nil {
			one.err = fault.Public(err)
			if item.Path == "" {
				t.Fatalf("after %q the listing ends with %v", after, err)
			}
		}
		if item.Place == "" || item.Path == "" {
			t.Errorf("after %q: an item without a place or path: %+v", after, item)
		}
		all = append(all, one)
	}
	return all
}

// RunListing is the part of Run about listings, for sources whose items are opened elsewhere and say little of themselves: the order is stable, a listing goes on from every place, may be
// left at any item, and ends with the context. The source must list at least least items.
func RunListing(t *testing.T, s source.Source, least int) {
	t.Helper()
	if s.Name() == "" {
		t.Error("the source has no name")
	}
	whole := steps(t.Context(), t, s, "")
	if len(whole) < least {
		t.Fatalf("%d items, want %d or more: %+v", len(whole), least, whole)
	}
	if again := steps(t.Context(), t, s, ""); !reflect.DeepEqual(again, whole) {
		t.Errorf("a second listing differs:\n%+v\n%+v", whole, again)
	}
	places := map[string]bool{}
	for i, at := range whole {
		if places[at.item.Place] {
			t.Errorf("two items have the place %q", at.item.Place)
		}
		places[at.item.Place] = true
		rest := steps(t.Context(), t, s, at.item.Place)
		if len(rest)+len(whole[i+1:]) > 0 && !reflect.DeepEqual(rest, whole[i+1:]) {
			t.Errorf("after %q come\n%+v\nwant\n%+v", at.item.Place, rest, whole[i+1:])
		}
	}
	for _, err := range s.Items(t.Context(), "") {
		_ = err
		break // must not go on, nor leave anything open that -race or a leak test would see
	}
	endsAt(t, s, 0)
	endsAt(t, s, len(whole)/2)
	for item, err := range s.Items(t.Context(), "no such place") {
		if fault.KindOf(err) != fault.KindInvalid || item.Path != "" {
			t.Errorf("after a foreign place: %+v, %v", item, err)
		}
	}
}

// endsAt cancels the context at an item.
func endsAt(t *testing.T, s source.Source, at int) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	if at == 0 {
		cancel()
	}
	var last error
	n := 0
	for item, err := range s.Items(ctx, "") {
		if n++; n == at {
			cancel()
		}
		if last = err; err != nil && item.Path == "" {
			break
		}
	}
	if !errors.Is(last, context.Canceled) {
		t.Errorf("cancelled at item %d the listing ends with %v after %d", at, last, n)
	}
}
