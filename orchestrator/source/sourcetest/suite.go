// Package sourcetest is the suite that every implementation of source.Source runs.
package sourcetest

import (
	"context"
	"errors"
	"io"
	"reflect"
	"slices"
	"sync"
	"testing"

	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/source"
)

// Run tests a source. content is what each item's file holds, by the item's path; items that cannot be had are not in it.
func Run(t *testing.T, s source.Source, content map[string]string) {
	t.Helper()
	whole, failed := list(t, s, "")
	if got := len(whole) - failed; got != len(content) {
		t.Errorf("%d items, want %d", got, len(content))
	}
	t.Run("the order is stable", func(t *testing.T) {
		if again, _ := list(t, s, ""); !slices.EqualFunc(again, whole, same) {
			t.Errorf("a second listing gives %v, the first gave %v", again, whole)
		}
	})
	t.Run("a listing goes on from every place", func(t *testing.T) {
		for i, item := range whole {
			if got, _ := list(t, s, item.Place); !slices.EqualFunc(got, whole[i+1:], same) {
				t.Errorf("behind %q come %v, want %v", item.Place, got, whole[i+1:])
			}
		}
	})
	t.Run("a foreign place is refused", func(t *testing.T) {
		for item, err := range s.Items(t.Context(), "no place of anything") {
			if fault.KindOf(err) != fault.KindInvalid || item.Path != "" {
				t.Errorf("%v, %v", item, err)
			}
		}
	})
	t.Run("a cancelled listing ends", func(t *testing.T) { cancelled(t, s) })
	t.Run("a listing may be left", func(t *testing.T) {
		for item, err := range s.Items(t.Context(), "") {
			if item.Path == "" {
				t.Error(err)
			}
			break
		}
	})
	t.Run("items open in any order", func(t *testing.T) { opens(t, s, content) })
	t.Run("items open at once", func(t *testing.T) { opensAtOnce(t, s, content) })
}

// list gives all items behind a place, those that cannot be had among them, and how many of them cannot.
func list(t *testing.T, s source.Source, after string) (items []source.Item, failed int) {
	t.Helper()
	places := map[string]bool{}
	for item, err := range s.Items(t.Context(), after) {
		if item.Path == "" || item.Key == "" || item.Place == "" || places[item.Place] {
			t.Fatalf("after %q: item %+v, %v", after, item, err)
		}
		places[item.Place] = true
		if err != nil {
			failed++
		} else if item.Label == "" || item.Source == "" || item.Modified.IsZero() {
			t.Errorf("item %+v", item)
		}
		items = append(items, item)
	}
	return items, failed
}

func same(a, b source.Item) bool {
	return a.Key == b.Key && a.Path == b.Path && a.Place == b.Place && a.Label == b.Label && a.Bytes == b.Bytes && a.Modified.Equal(b.Modified) && reflect.DeepEqual(a.Fields, b.Fields)
}

func cancelled(t *testing.T, s source.Source) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := false
	for item, err := range s.Items(ctx, "") {
		if item.Path == "" {
			ended = errors.Is(err, context.Canceled)
		}
		cancel()
	}
	if !ended {
		t.Error("a cancelled listing does not end in the context's error")
	}
}

func opens(t *testing.T, s source.Source, content map[string]string) {
	items := good(t, s)
	for _, item := range slices.Backward(items) {
		check(t, s, item, content)
	}
	for i := range items {
		check(t, s, items[i*7%len(items)], content)
	}
}

func opensAtOnce(t *testing.T, s source.Source, content map[string]string) {
	queue := make(chan source.Item)
	var workers sync.WaitGroup
	for range 8 {
		workers.Go(func() {
			for item := range queue {
				check(t, s, item, content)
			}
		})
	}
	for range 3 {
		for _, item := range good(t, s) {
			queue <- item
		}
	}
	close(queue)
	workers.Wait()
}

func good(t *testing.T, s source.Source) (items []source.Item) {
	for item, err := range s.Items(t.Context(), "") {
		if err == nil {
			items = append(items, item)
		}
	}
	if len(items) == 0 {
		t.Fatal("no items")
	}
	return items
}

func check(t *testing.T, s source.Source, item source.Item, content map[string]string) {
	t.Helper()
	file, err := s.Open(t.Context(), item)
	if err != nil {
		t.Errorf("%s: %v", item.Path, err)
		return
	}
	b, err := io.ReadAll(file)
	if want, ok := content[item.Path]; err != nil || !ok || string(b) != want || int64(len(b)) != item.Bytes {
		t.Errorf("%s holds %q (%d bytes said), %v; want %q", item.Path, b, item.Bytes, err, want)
	}
	if err := file.Close(); err != nil {
		t.Errorf("close %s: %v", item.Path, err)
	}
}
