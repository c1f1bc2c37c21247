package follow_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"clipseek/deploy/servers"
	"clipseek/deploy/servers/serverstest"
	"clipseek/orchestrator/app"
	"clipseek/orchestrator/app/apptest"
	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/follow"
	"clipseek/orchestrator/index"
	"clipseek/orchestrator/source"
)

// place is an index, as two processes have it.
type place struct {
	cfg         app.Config
	core, other *app.Core
}

func open(t *testing.T, cfg app.Config) place {
	t.Helper()
	return place{cfg, apptest.OpenCore(t, cfg), apptest.OpenCore(t, cfg)}
}

// TestFollow follows into each index there is, as the program does.
func TestFollow(t *testing.T) {
	t.Parallel()
	t.Run("local", func(t *testing.T) {
		t.Parallel()
		at := open(t, apptest.Config(t))
		t.Run("Happenings", func(t *testing.T) { testHappenings(t, at) })
		t.Run("Dropped", func(t *testing.T) { testDropped(t, at) })
		t.Run("NoPartitions", func(t *testing.T) { testNoPartitions(t, at) })
	})
	t.Run("Milvus", func(t *testing.T) {
		t.Parallel()
		cfg := apptest.Config(t)
		cfg.Index.Kind, cfg.Index.Milvus.Address = app.IndexMilvus, serverstest.Milvus(t, servers.MilvusConfig{}).GRPC
		cfg.Index.Milvus.Shards = 1 // since there are many collections
		at := open(t, cfg)
		t.Run("Happenings", func(t *testing.T) { testHappenings(t, at) })
		t.Run("Dropped", func(t *testing.T) { testDropped(t, at) })
		t.Run("Partition", func(t *testing.T) { testPartition(t, at) })
		t.Run("DroppedPartition", func(t *testing.T) { testDroppedPartition(t, at) })
	})
}

// beginAt follows the folder as the program does that has this core. Scans come at the beginning alone.
func (f *followed) beginAt(cfg app.Config, core *app.Core) {
	f.Helper()
	cfg.Follow = follow.Config{Folders: []string{f.root}, Collection: f.name, Scan: time.Hour, Quiet: 100 * time.Millisecond}
	var err error
	if f.follower, err = app.OpenFollower(cfg, core, f.part, f.deps().Tell, apptest.Log(f.T)); err != nil {
		f.Fatal(err)
	}
	f.run()
}

// testDropped drops the collection: it stays dropped until somebody makes it.
func testDropped(t *testing.T, at place) {
	p := newPictures(t)
	f := newFollowed(t, at.core, map[string][]byte{"a.jpg": p.red})
	f.beginAt(at.cfg, at.core)
	f.untilState(follow.StateWatching, "")
	f.must(at.other.Database().Drop(t.Context(), f.name)) // another process does
	f.write("b.jpg", p.green)
	f.untilState(follow.StateWaiting, "was dropped")
	if _, err := at.other.Get(t.Context(), f.name); fault.KindOf(err) != fault.KindNotFound {
		t.Errorf("the collection is there: %v", err)
	}
	_, err := at.other.Make(t.Context(), f.name)
	f.must(err)
	f.untilRows(map[string][]byte{"a.jpg": p.red, "b.jpg": p.green})
}

// testNoPartitions asks for a part where there are none.
func testNoPartitions(t *testing.T, at place) {
	f := newFollowed(t, at.core, map[string][]byte{"a.jpg": newPictures(t).red})
	f.part = "summer"
	f.beginAt(at.cfg, at.core)
	f.untilState(follow.StateWaiting, "has no partitions")
}

// testPartition follows a folder into one part of a collection, of which other parts have the same files, and others of the
// folder that are gone.
func testPartition(t *testing.T, at place) {
	p := newPictures(t)
	f := newFollowed(t, at.core, map[string][]byte{"a.jpg": p.red, "sub/b.jpg": p.yellow, "gone.jpg": p.green})
	photos, err := at.core.Make(t.Context(), f.name)
	f.must(err)
	all, err := source.NewFolders(f.root)
	f.must(err)
	apptest.IngestFrom(t, at.core, photos, all) // into the part without a name
	parts := photos.(index.Partitioner)
	f.must(parts.CreatePartition(t.Context(), "winter"))
	apptest.IngestFrom(t, at.core, parts.Partition("winter"), all)
	f.must(os.Remove(f.in("gone.jpg")))

	f.part = "summer"
	f.beginAt(at.cfg, at.core)
	f.untilRows(map[string][]byte{"a.jpg": p.red, "sub/b.jpg": p.yellow})
	f.untilState(follow.StateWatching, "")
	if shown := f.follower.Status()[0].Collection; shown != f.name+"/summer" {
		t.Errorf("it follows into %s", shown)
	}
	f.write("new.jpg", p.green)
	f.write("a.jpg", p.yellow)
	f.untilRows(map[string][]byte{"a.jpg": p.yellow, "sub/b.jpg": p.yellow, "new.jpg": p.green})
	f.must(os.RemoveAll(f.in("sub")))
	f.must(os.Rename(f.in("new.jpg"), f.in("renamed.jpg")))
	want := map[string][]byte{"a.jpg": p.yellow, "renamed.jpg": p.green}
	f.untilRows(want)

	f.stop() // what happens meanwhile is caught up with by another process
	f.events = nil
	f.must(os.Remove(f.in("renamed.jpg")))
	f.write("b.jpg", p.red)
	f.beginAt(at.cfg, at.other)
	want = map[string][]byte{"a.jpg": p.yellow, "b.jpg": p.red}
	f.untilRows(want)
	f.untilState(follow.StateWatching, "")
	if indexed, removed := strings.Join(f.heard(follow.Indexed), " "), strings.Join(f.heard(follow.Removed), " "); indexed != "b.jpg" || removed != "renamed.jpg" {
		t.Errorf("the other process indexed %s, removed %s", indexed, removed)
	}
	for _, part := range []string{"winter", "_default"} { // are as they were
		f.part = part
		f.untilRows(map[string][]byte{"a.jpg": p.red, "sub/b.jpg": p.yellow, "gone.jpg": p.green})
	}
}

// testDroppedPartition drops the part that is followed: it stays dropped until somebody makes it.
func testDroppedPartition(t *testing.T, at place) {
	p := newPictures(t)
	f := newFollowed(t, at.core, map[string][]byte{"a.jpg": p.red})
	f.part = "summer"
	f.beginAt(at.cfg, at.core)
	f.untilState(follow.StateWatching, "")
	photos, err := at.other.Get(t.Context(), f.name)
	f.must(err)
	parts := photos.(index.Partitioner)
	f.must(parts.DropPartition(t.Context(), "summer")) // another process does
	f.write("b.jpg", p.green)
	f.untilState(follow.StateWaiting, `partition "summer" of collection "`+f.name+`" was dropped`)
	all, err := parts.Partitions(t.Context())
	f.must(err)
	if len(all) != 1 {
		t.Errorf("the parts are %v", all)
	}
	f.must(parts.CreatePartition(t.Context(), "summer"))
	f.untilRows(map[string][]byte{"a.jpg": p.red, "b.jpg": p.green})
	if _, err := os.Stat(filepath.Join(at.cfg.Data, "follow")); err != nil {
		t.Errorf("nothing keeps two processes from following at once: %v", err)
	}
}
