package ingest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"time"

	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/imageprep"
	"clipseek/orchestrator/index"
	"clipseek/orchestrator/source"
)

// settled is how much older than its record a file must be for its time to prove anything: records keep whole seconds,
// and a file may change again within the second in which it was read.
const settled = 2 * time.Second

// sameFile reports whether size and time show that the item is what the record was made from.
func (g *Ingester) sameFile(item source.Item, known *index.Record) bool {
	if item.Modified.IsZero() { // a source that knows no times proves nothing by them
		return false
	}
	if !g.sameModel(known) || known.Fields[index.FieldBytes] != item.Bytes || known.Fields[index.FieldModifiedAt] != index.Timestamp(item.Modified) {
		return false
	}
	if label, _ := known.Fields[index.FieldLabel].(string); label != item.Label || !sameFields(item.Fields, known.Fields) {
		return false
	}
	text, _ := known.Fields[index.FieldIngestedAt].(string)
	ingested, err := index.ParseTimestamp(text)
	return err == nil && item.Modified.Add(settled).Before(ingested)
}

func (g *Ingester) sameModel(known *index.Record) bool {
	return known.Fields[index.FieldModel] == g.model
}

// prepare brings the picture of the worker's file into the group, or finds that nothing is to be encoded. A panic is that item's failure.
func (b *batch) prepare(ctx context.Context, w *worker, t task) (err error) {
	claimed := "" // the hash of a picture that others of the batch may wait for
	defer func() {
		if p := recover(); p != nil {
			err = fault.Internal("prepare %s: panic: %v", t.item.Path, p)
		}
		if err != nil && claimed != "" {
			b.settle(claimed, nil, err)
			err = nil // it has been told to this item too
		}
	}()
	if t.item.Bytes == 0 { // the source could not say
		t.item.Bytes = int64(len(w.file))
	}
	began := time.Now()
	sum := sha256.Sum256(w.file)
	hash := hex.EncodeToString(sum[:])
	if t.known != nil && b.sameModel(t.known) && t.known.Fields[index.FieldSHA256] == hash {
		return b.keep(t)
	}
	picture, err := b.decoder.Decode(w.file)
	if err != nil {
		return err
	}
	defer picture.Release()
	record := index.Record{ID: index.ID(t.item.Key), Path: t.item.Path, Fields: map[string]any{}}
	b.describeFile(&record, t.item)
	b.describePicture(&record, picture.Info(), hash)
	if err := checkRecord(record); err != nil {
		return err
	}
	if b.join(hash, entry{item: t.item, record: record}) {
		return nil
	}
	claimed = hash
	opened := time.Since(began)
	if w.pixels == nil {
		w.pixels = make([]byte, b.spec.Len())
	}
	times, err := b.pixels(ctx, picture, hash, w.pixels)
	b.mu.Lock()
	b.result.Times.Decode += opened + times.Decode
	b.result.Times.Resize += times.Resize + times.Convert
	b.result.Times.Thumbnail += times.Thumbnail
	b.mu.Unlock()
	if err != nil {
		return err
	}
	b.add(ctx, hash, w.pixels)
	return nil
}

// keep lets a record whose picture has not changed have its vector; only what it says of the file is renewed.
func (b *batch) keep(t task) error {
	renewed := *t.known
	renewed.Fields = maps.Clone(t.known.Fields)
	b.describeFile(&renewed, t.item)
	if err := checkRecord(renewed); err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.countKept(t.known)
	b.done = append(b.done, entry{item: t.item, record: renewed, kept: true})
	return nil
}

// describeFile writes what the source knows of the item.
func (b *batch) describeFile(record *index.Record, item source.Item) {
	record.Path = item.Path
	describeFields(record.Fields, item.Fields)
	f := record.Fields
	f[index.FieldLabel], f[index.FieldSource] = item.Label, item.Source
	f[index.FieldBytes] = item.Bytes
	if delete(f, index.FieldModifiedAt); !item.Modified.IsZero() {
		f[index.FieldModifiedAt] = index.Timestamp(item.Modified)
	}
	f[index.FieldIngestedAt] = index.Timestamp(b.now())
}

func (b *batch) describePicture(record *index.Record, info imageprep.Info, hash string) {
	f := record.Fields
	f[index.FieldWidth], f[index.FieldHeight] = int64(info.Width), int64(info.Height)
	f[index.FieldFormat], f[index.FieldSHA256], f[index.FieldModel] = info.Format, hash, b.model
	if !info.TakenAt.IsZero() {
		f[index.FieldTakenAt] = index.Timestamp(info.TakenAt)
	}
}

// checkRecord finds what the index would refuse, before a vector is made for it.
func checkRecord(record index.Record) error {
	record.Vector = []float32{1}
	return record.Validate(1)
}
