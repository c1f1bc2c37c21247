package milvus

import (
	"bytes"
	"encoding/json"
	"math"
	"strings"

	"github.com/milvus-io/milvus-proto/go-api/v2/schemapb"
	"github.com/milvus-io/milvus-sdk-go/v2/client"
	"github.com/milvus-io/milvus-sdk-go/v2/entity"

	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/index"
)

// row is a record as it is written.
type row struct {
	id     int64
	path   string
	vector []float32
	meta   string // its fields, JSON
}

// newRow checks what this collection asks of a record beyond what every one does.
func (s *schema) newRow(r index.Record) (row, error) {
	if err := r.Validate(s.width); err != nil {
		return row{}, err
	}
	if len(r.Path) > s.longest {
		return row{}, fault.TooLarge("the path %.60q... has %d bytes; collection %q has room for %d", r.Path, len(r.Path), s.name, s.longest)
	}
	for name, value := range r.Fields {
		switch {
		case value == nil:
		case !s.dynamic:
			return row{}, fault.Conflict("record %q has a field %s, and collection %q was made without dynamic fields; "+
				"it can be searched; ingest into another", r.Path, name, s.name)
		case name == s.idField || name == s.vector || name == s.pathName:
			return row{}, fault.Invalid("record %q has a field %s, which is a column of collection %q; give it another name", r.Path, name, s.name)
		}
	}
	meta, err := index.EncodeFields(r.Fields)
	if meta == "" {
		meta = "{}"
	}
	return row{id: r.ID, path: r.Path, vector: r.Vector, meta: meta}, err
}

// bytes is about what the row takes in a request.
func (r row) bytes() int { return 4*len(r.vector) + len(r.path) + len(r.meta) + 24 }

// columns are rows as the server takes them.
func (s *schema) columns(rows []row) []*schemapb.FieldData {
	ids, paths, vectors, metas := make([]int64, len(rows)), make([]string, len(rows)), make([][]float32, len(rows)), make([][]byte, len(rows))
	for i, r := range rows {
		ids[i], paths[i], vectors[i], metas[i] = r.id, r.path, r.vector, []byte(r.meta)
	}
	columns := []*schemapb.FieldData{
		entity.NewColumnInt64(s.idField, ids).FieldData(),
		entity.NewColumnVarChar(s.pathName, paths).FieldData(),
		entity.NewColumnFloatVector(s.vector, s.width, vectors).FieldData(),
	}
	if s.dynamic {
		columns = append(columns, entity.NewColumnJSONBytes(metaField, metas).WithIsDynamic(true).FieldData())
	}
	return columns
}

// output are the columns that a record is made of; the id comes by itself.
func (s *schema) output(vectors bool) []string {
	names := []string{s.idField, s.pathName}
	if s.dynamic {
		names = append(names, metaField)
	}
	if vectors {
		names = append(names, s.vector)
	}
	return names
}

// records are the rows of an answer, without their ids where ids are given apart, as searches do.
func (s *schema) records(found client.ResultSet, ids entity.Column) ([]index.Record, error) {
	if ids == nil {
		ids = found.GetColumn(s.idField)
	}
	keys, ok := ids.(*entity.ColumnInt64)
	if !ok {
		return nil, s.garbled("ids")
	}
	records := make([]index.Record, keys.Len())
	for i, id := range keys.Data() {
		records[i] = index.Record{ID: id, Fields: map[string]any{}}
	}
	if len(records) == 0 {
		return nil, nil
	}
	paths, ok := found.GetColumn(s.pathName).(*entity.ColumnVarChar)
	if !ok || paths.Len() != len(records) {
		return nil, s.garbled("paths")
	}
	for i, path := range paths.Data() {
		records[i].Path = path
	}
	if vectors, ok := found.GetColumn(s.vector).(*entity.ColumnFloatVector); ok {
		if vectors.Len() != len(records) {
			return nil, s.garbled("vectors")
		}
		for i, v := range vectors.Data() {
			records[i].Vector = v
		}
	}
	if metas, ok := found.GetColumn(metaField).(*entity.ColumnJSONBytes); ok {
		if metas.Len() != len(records) {
			return nil, s.garbled("fields")
		}
		for i, meta := range metas.Data() {
			if err := decodeFields(records[i].Fields, meta); err != nil {
				return nil, s.garbled("fields").Because(err)
			}
		}
	}
	return records, nil
}

func (s *schema) garbled(what string) *fault.Error {
	return fault.Unavailable("Milvus answers with %s of collection %q that do not fit the rest", what, s.name).After(awhile)
}

// decodeFields adds what a JSON object holds to fields, as the types that fields have. Other programs may have written
// more than fields can hold: null, objects and whole numbers beyond 64 bits are left out, and so is what is no string in
// a list.
func decodeFields(fields map[string]any, object []byte) error {
	if len(object) == 0 {
		return nil
	}
	dec := json.NewDecoder(bytes.NewReader(object))
	dec.UseNumber()
	var raw map[string]any
	if err := dec.Decode(&raw); err != nil {
		return err
	}
	for name, value := range raw {
		if v := fieldValue(value); v != nil {
			fields[name] = v
		}
	}
	return nil
}

func fieldValue(value any) any {
	switch v := value.(type) {
	case string, bool:
		return v
	case json.Number:
		if !strings.ContainsAny(v.String(), ".eE") {
			if n, err := v.Int64(); err == nil {
				return n
			}
			return nil
		}
		if f, err := v.Float64(); err == nil && !math.IsInf(f, 0) {
			return f
		}
	case []any:
		list := []string{}
		for _, item := range v {
			if text, ok := item.(string); ok {
				list = append(list, text)
			}
		}
		return list
	}
	return nil
}
