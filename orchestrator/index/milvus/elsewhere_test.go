package milvus_test

import (
	"errors"
	"slices"
	"sync"
	"testing"

	"github.com/milvus-io/milvus-sdk-go/v2/client"
	"github.com/milvus-io/milvus-sdk-go/v2/entity"

	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/index"
)

// What others do to a collection reaches a handle that is open on it: it was dropped, made again, or an alias moved.
func TestChangedElsewhere(t *testing.T) {
	t.Parallel()
	cfg := exact(t)
	here, there := open(t, cfg), open(t, cfg)
	photos := openCollection(t, here, "pictures", 8)
	check(t, photos.Upsert(t.Context(), batch(0, 5, 8)))

	check(t, there.Drop(t.Context(), "pictures"))
	openCollection(t, there, "pictures", 16) // another of the same name
	eventually(t, func() bool { return fault.KindOf(photos.Upsert(t.Context(), batch(0, 1, 8))) == fault.KindNotFound })
	_, err := photos.Search(t.Context(), index.Query{Vector: axis(0, 8), Limit: 1})
	if fault.KindOf(err) != fault.KindNotFound {
		t.Errorf("a search of a collection that was replaced: %v, want NotFound", err)
	}

	one, two := openCollection(t, there, "one", 8), openCollection(t, there, "two", 8)
	check(t, one.Upsert(t.Context(), batch(0, 1, 8)))
	check(t, two.Upsert(t.Context(), batch(1, 2, 8)))
	check(t, there.SetAlias(t.Context(), "photos", "one"))
	follows := openCollection(t, here, "photos", 8)
	ids := func() (ids []int64) {
		hits, err := follows.Search(t.Context(), index.Query{Vector: axis(1, 8), Limit: 10})
		check(t, err)
		for _, h := range hits {
			ids = append(ids, h.ID)
		}
		return ids
	}
	if got := ids(); !slices.Equal(got, []int64{0}) {
		t.Errorf("through the alias: %v", got)
	}
	check(t, there.SetAlias(t.Context(), "photos", "two"))
	eventually(t, func() bool { return slices.Equal(ids(), []int64{1, 2}) })
	check(t, there.Drop(t.Context(), "one"))
	if got := ids(); !slices.Equal(got, []int64{1, 2}) {
		t.Errorf("through the alias: %v", got)
	}
	err = there.Drop(t.Context(), "photos")
	if fault.KindOf(err) != fault.KindConflict {
		t.Errorf("an alias is dropped as a collection: %v, want Conflict", err)
	}
}

// A handle opened later sees what was acknowledged before, and strong consistency what anybody wrote.
func TestConsistency(t *testing.T) {
	t.Parallel()
	cfg := exact(t)
	writer := openCollection(t, open(t, cfg), "pictures", 8)
	check(t, writer.Upsert(t.Context(), batch(0, 100, 8)))
	count := func(idx index.Index, want int64) {
		t.Helper()
		n, err := idx.(index.Counter).Count(t.Context(), nil)
		check(t, err)
		if n != want {
			t.Errorf("it sees %d records, want %d", n, want)
		}
	}
	count(openCollection(t, open(t, cfg), "pictures", 8), 100)
	cfg.Consistency = "strong"
	strong := openCollection(t, open(t, cfg), "pictures", 8)
	for i := range 5 {
		check(t, writer.Upsert(t.Context(), batch(100+i, 1, 8)))
		count(strong, int64(101+i))
		_, err := writer.Delete(t.Context(), []int64{int64(100 + i)})
		check(t, err)
		count(writer, int64(100+i))
		count(strong, int64(100+i))
		check(t, writer.Upsert(t.Context(), batch(100+i, 1, 8)))
	}
	for _, level := range []string{"bounded", "eventually"} {
		cfg.Consistency = level
		idx := openCollection(t, open(t, cfg), "pictures", 8)
		eventually(t, func() bool {
			n, err := idx.(index.Counter).Count(t.Context(), nil)
			check(t, err)
			return n == 105
		})
	}
}

// Several that make one collection at the same moment all get it, and one whose making was cut short is completed.
func TestMadeAtOnce(t *testing.T) {
	t.Parallel()
	cfg := exact(t)
	var all sync.WaitGroup
	for i := range 4 {
		db := open(t, cfg)
		all.Go(func() {
			photos, err := db.Open(t.Context(), index.Spec{Collection: "pictures", Width: 8, Model: model})
			if err == nil {
				err = errors.Join(photos.Upsert(t.Context(), batch(i, 1, 8)), photos.Close())
			}
			if err != nil {
				t.Errorf("one of several: %v (%v)", err, fault.KindOf(err))
			}
		})
	}
	all.Wait()
	hits, err := openCollection(t, open(t, cfg), "pictures", 8).Search(t.Context(), index.Query{Vector: axis(0, 8), Limit: 10})
	check(t, err)
	if len(hits) != 4 {
		t.Errorf("%d records are there, want 4", len(hits))
	}

	half := entity.NewSchema().WithName("half").WithDynamicFieldEnabled(true).
		WithField(entity.NewField().WithName("m_id").WithDataType(entity.FieldTypeInt64).WithIsPrimaryKey(true)).
		WithField(entity.NewField().WithName("embeding").WithDataType(entity.FieldTypeFloatVector).WithDim(8)).
		WithField(entity.NewField().WithName("path").WithDataType(entity.FieldTypeVarChar).WithMaxLength(1024))
	check(t, plain(t, cfg).CreateCollection(t.Context(), half, 2, client.WithCollectionProperty("clipseek.model", model)))
	_, err = openCollection(t, open(t, cfg), "half", 8).Search(t.Context(), index.Query{Vector: axis(0, 8), Limit: 10})
	check(t, err)
}
