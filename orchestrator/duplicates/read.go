package duplicates

import (
	"cmp"
	"context"
	"encoding/hex"
	"math"
	"slices"

	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/index"
)

// digest is the first half of a SHA-256, which tells files apart well enough; zero where it is not known.
type digest [16]byte

// picture is what is kept in memory of one.
type picture struct {
	id, pixels, bytes, modified int64
	hash                        digest
	row                         int32 // of the temporary file
}

// better orders pictures by what is worth keeping.
func better(a, b picture) int {
	return cmp.Or(
		cmp.Compare(b.pixels, a.pixels), cmp.Compare(b.bytes, a.bytes),
		cmp.Compare(a.modified, b.modified), cmp.Compare(a.id, b.id),
	)
}

// mostPictures is how many a row's number has room for.
const mostPictures = math.MaxInt32

// library is the pictures of a collection, ranked, with their vectors on disk.
type library struct {
	pictures []picture
	*spill
}

// read takes all that the query is about out of the collection. The caller closes the file.
func read(ctx context.Context, photos index.Index, q Query) (_ *library, err error) {
	walker, ok := photos.(index.Iterator)
	if !ok {
		return nil, fault.Conflict("this index cannot be walked over, which finding duplicates needs")
	}
	l := &library{}
	defer func() {
		if err != nil {
			l.close()
		}
	}()
	for r, err := range walker.Iterate(ctx, index.Walk{Filter: q.Filter, Vectors: true}) {
		if err != nil {
			return nil, err
		}
		if n := len(l.pictures); n > 0 && l.pictures[n-1].id == r.ID { // in two partitions
			continue
		}
		if l.spill == nil {
			if l.spill, err = newSpill(q.Folder, len(r.Vector)); err != nil {
				return nil, err
			}
		}
		if err := q.Allows(int64(len(l.pictures)) + 1); err != nil {
			return nil, err
		}
		if err := l.add(r.Vector); err != nil {
			return nil, err
		}
		l.pictures = append(l.pictures, pictureOf(r, int32(len(l.pictures))))
		if len(l.pictures)%blockRows == 0 {
			q.tell(Reading, int64(len(l.pictures)), 0)
		}
	}
	if l.spill != nil {
		if err := l.flush(); err != nil {
			return nil, err
		}
	}
	slices.SortFunc(l.pictures, better)
	return l, ctx.Err()
}

// Allows refuses to compare so many pictures. Fault: TooLarge.
func (q Query) Allows(pictures int64) error {
	most := int64(mostPictures)
	if q.Most > 0 {
		most = min(most, q.Most)
	}
	if pictures <= most {
		return nil
	}
	return fault.TooLarge("there are more than %d pictures to compare; narrow them down with a filter, or use `clipseek collection duplicates`, which has the time", most)
}

func pictureOf(r index.Record, row int32) picture {
	p := picture{id: r.ID, row: row, modified: math.MaxInt64}
	width, _ := r.Fields[index.FieldWidth].(int64)
	height, _ := r.Fields[index.FieldHeight].(int64)
	p.pixels = width * height
	p.bytes, _ = r.Fields[index.FieldBytes].(int64)
	if text, ok := r.Fields[index.FieldModifiedAt].(string); ok {
		if t, err := index.ParseTimestamp(text); err == nil {
			p.modified = t.Unix()
		}
	}
	if text, _ := r.Fields[index.FieldSHA256].(string); len(text) >= 2*len(p.hash) {
		if _, err := hex.Decode(p.hash[:], []byte(text[:2*len(p.hash)])); err != nil {
			p.hash = digest{}
		}
	}
	return p
}

func (l *library) close() {
	if l.spill != nil {
		_ = l.file.Close() // what was written is not needed any more
	}
}

// sample is some vectors, evenly from all of the file.
func (l *library) sample() ([][]float32, error) {
	n := min(sampled, len(l.pictures))
	buf := make([]byte, 4*l.width)
	vectors := make([][]float32, n)
	for i := range vectors {
		vectors[i] = make([]float32, l.width)
		if err := l.vector(int32(int64(i)*int64(len(l.pictures))/int64(n)), vectors[i], buf); err != nil {
			return nil, err
		}
	}
	return vectors, nil
}

func (q Query) tell(stage Stage, done, of int64) {
	if q.Progress != nil {
		q.Progress(stage, done, of)
	}
}
