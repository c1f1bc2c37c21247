package removal_test

import (
	"fmt"
	"log/slog"
	"slices"
	"testing"

	"clipseek/deploy/servers"
	"clipseek/deploy/servers/serverstest"
	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/index"
	"clipseek/orchestrator/index/milvus"
	"clipseek/orchestrator/removal"
)

// TestMilvus removes from a collection with partitions, each of which may have a record of its own of a picture.
func TestMilvus(t *testing.T) {
	t.Parallel()
	cfg := milvus.Default()
	cfg.Address = serverstest.Milvus(t, servers.MilvusConfig{}).GRPC
	db, err := milvus.Open(cfg, slog.New(slog.DiscardHandler))
	do(t, err)
	t.Cleanup(func() { do(t, db.Close()) })
	photos, err := db.Open(t.Context(), index.Spec{Collection: "photos", Width: 8, Model: "test"})
	do(t, err)
	parts := photos.(index.Partitioner)
	do(t, parts.CreatePartition(t.Context(), "summer"))
	summer := parts.Partition("summer")
	root := tree(t, "photos/1.jpg", "photos/2.jpg", "photos/3.jpg", "photos/in/4.jpg")
	folder := root + "/photos"
	var rows []row
	for _, name := range []string{"1", "2", "3", "in/4", "gone", "in/gone"} {
		rows = append(rows, row{folder + "/" + name + ".jpg", folder})
	}
	rows = append(rows, row{"https://h/x/5.jpg", "/l.txt"})
	do(t, photos.Upsert(t.Context(), records(rows...)))
	do(t, summer.Upsert(t.Context(), records(rows[0], rows[4])))
	left := func(part string, want ...string) {
		t.Helper()
		if have := paths(t, parts.Partition(part), folder); !slices.Equal(have, want) {
			t.Errorf("left in %s are %q, want %q", part, have, want)
		}
	}

	// A part of its own, then the whole, of which a walk shows an id once.
	gone := find(t, summer, folders(t, folder))
	want(t, summer, gone, folder, 1, 0, "1.jpg")
	left("_default", "1.jpg", "2.jpg", "3.jpg", "gone.jpg", "https://h/x/5.jpg", "in/4.jpg", "in/gone.jpg")
	want(t, photos, find(t, photos, folders(t, folder)), folder, 2, 0, "1.jpg", "2.jpg", "3.jpg", "https://h/x/5.jpg", "in/4.jpg")

	for _, tc := range []struct {
		name, partition string
		removal.Selection
		removed int64
	}{
		{"in a part without it", "summer", removal.Selection{Filter: `path.endsWith("/2.jpg")`}, 0},
		{"filter that the server cannot finish", "", removal.Selection{Filter: `path.endsWith("/2.jpg")`}, 1},
		{"id in all parts", "", removal.Selection{IDs: []int64{index.ID(rows[0].path), 7}}, 2},
		{"source", "", removal.Selection{Source: folder + "/in"}, 1},
		{"source again", "", removal.Selection{Source: folder + "/in"}, 0},
		{"list", "", removal.Selection{Source: "/l.txt"}, 1},
	} {
		counted, err := removal.Count(t.Context(), photos, tc.partition, tc.Selection)
		do(t, err)
		removed, err := removal.Delete(t.Context(), photos, tc.partition, tc.Selection, nil)
		do(t, err)
		if counted != tc.removed || removed != tc.removed {
			t.Errorf("%s: counted %d, removed %d, want %d", tc.name, counted, removed, tc.removed)
		}
	}
	left("_default", "3.jpg")
	left("summer")
	if _, err := removal.Delete(t.Context(), photos, "winter", removal.Selection{Filter: "id == 1"}, nil); fault.KindOf(err) != fault.KindNotFound {
		t.Errorf("a partition that is not there: %v", err)
	}

	// More than is looked at once.
	rows = nil
	for i := range 3_000 {
		rows = append(rows, row{fmt.Sprintf("%s/%d/%d.jpg", folder, i%10, i), folder})
	}
	do(t, photos.Upsert(t.Context(), records(rows...)))
	want(t, photos, find(t, photos, folders(t, folder)), folder, 3_000, 0, "3.jpg")
}
