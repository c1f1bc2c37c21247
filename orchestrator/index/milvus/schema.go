package milvus

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/milvus-io/milvus-proto/go-api/v2/commonpb"
	"github.com/milvus-io/milvus-proto/go-api/v2/milvuspb"
	"github.com/milvus-io/milvus-sdk-go/v2/client"
	"github.com/milvus-io/milvus-sdk-go/v2/entity"

	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/index"
)

// modelProperty is the property of a collection that names the model of its vectors.
const modelProperty = "clipseek.model"

// metaField is Milvus' own column of dynamic fields, one JSON object a record.
const metaField = "$meta"

// schema is what a collection on the server is like.
type schema struct {
	id       int64  // the server's; another after the collection was dropped and made again
	name     string // its own, never an alias
	width    int
	model    string // "" where the collection does not say
	longest  int    // path, bytes
	dynamic  bool
	index    builtIndex
	tuning   tuning
	idField  string
	pathName string
	vector   string
}

// builtIndex is the search structure of a collection.
type builtIndex struct {
	kind   string // "" where there is none
	metric entity.MetricType
	params map[string]string
}

func (b builtIndex) exists() bool { return b.kind != "" }

func (s *schema) info() index.Info { return index.Info{Name: s.name, Width: s.width, Model: s.model} }

// serves refuses a collection of another width or model than spec asks for. One that names no model is taken for any.
func (s *schema) serves(spec index.Spec) error {
	found := s.info()
	if found.Model == "" {
		found.Model = spec.Model
	}
	return spec.Matches(found)
}

// describe reads what a collection, or the collection of an alias, is like. Faults: NotFound; Conflict for one that cannot
// serve, with every reason.
func (d *Database) describe(ctx context.Context, name string) (*schema, error) {
	found, err := d.client.DescribeCollection(ctx, name)
	if err != nil {
		return nil, named(name, err)
	}
	s := &schema{
		id: found.ID, name: found.Name, model: found.Properties[modelProperty], dynamic: found.Schema.EnableDynamicField,
		idField: d.cfg.Fields.ID, vector: d.cfg.Fields.Vector, pathName: d.cfg.Fields.Path,
	}
	reasons := s.readFields(found.Schema)
	built, err := d.indexOf(ctx, s)
	if err != nil && !refusedWith(err, codeNoIndex) {
		return nil, err
	}
	if built != nil {
		s.index = readIndex(built)
		s.tuning = d.cfg.Index.tuned(s.index)
		reasons = append(reasons, s.checkMetric()...)
	}
	if len(reasons) > 0 {
		return nil, fault.Conflict("collection %q cannot serve: %s; name another collection, or another column in index.milvus.fields",
			name, strings.Join(reasons, "; "))
	}
	return s, nil
}

// readFields takes what matters of the columns and returns what is wrong with them.
func (s *schema) readFields(found *entity.Schema) (reasons []string) {
	wrong := func(format string, args ...any) { reasons = append(reasons, fmt.Sprintf(format, args...)) }
	columns := map[string]*entity.Field{}
	for _, f := range found.Fields {
		columns[f.Name] = f
		if f.Name != s.idField && f.Name != s.vector && f.Name != s.pathName && !f.IsDynamic {
			wrong("it has a column %s, which records could not fill", f.Name)
		}
	}
	column := func(name string, want entity.FieldType, typeName string) *entity.Field {
		f, ok := columns[name]
		switch {
		case !ok:
			wrong("it has no column %s, which must be %s", name, typeName)
		case f.DataType != want:
			wrong("its column %s is %s and must be %s", name, typeNameOf(f.DataType), typeName)
		default:
			return f
		}
		return nil
	}
	if f := column(s.idField, entity.FieldTypeInt64, "INT64"); f != nil {
		if !f.PrimaryKey {
			wrong("its column %s is not the primary key", s.idField)
		}
		if f.AutoID || found.AutoID {
			wrong("it gives ids itself (auto_id), and a record's id comes from its key")
		}
	}
	if f := column(s.vector, entity.FieldTypeFloatVector, "FLOAT_VECTOR"); f != nil {
		s.width, _ = strconv.Atoi(f.TypeParams[entity.TypeParamDim])
	}
	if f := column(s.pathName, entity.FieldTypeVarChar, "VARCHAR"); f != nil {
		s.longest, _ = strconv.Atoi(f.TypeParams[entity.TypeParamMaxLength])
	}
	return reasons
}

// typeNameOf is the type as Milvus' documentation writes it.
func typeNameOf(t entity.FieldType) string {
	switch t {
	case entity.FieldTypeFloatVector:
		return "FLOAT_VECTOR"
	case entity.FieldTypeBinaryVector:
		return "BINARY_VECTOR"
	case entity.FieldTypeFloat16Vector:
		return "FLOAT16_VECTOR"
	case entity.FieldTypeBFloat16Vector:
		return "BFLOAT16_VECTOR"
	case entity.FieldTypeSparseVector:
		return "SPARSE_FLOAT_VECTOR"
	}
	return strings.ToUpper(t.Name())
}

// checkMetric refuses a metric whose scores are no inner products. The squared distance can be turned into one for unit
// vectors only; ours are, and nobody vouches for another program's.
func (s *schema) checkMetric() []string {
	switch metric := s.index.metric; {
	case metric == innerProduct, metric == cosine, metric == distance && s.model != "":
		return nil
	case metric == distance:
		return []string{"its metric is L2, whose scores are not those of IP or COSINE where vectors may be of any length"}
	default:
		return []string{fmt.Sprintf("its metric is %s and must be IP or COSINE", metric)}
	}
}

// indexOf describes the structure over the vectors. Fault: a refusal with codeNoIndex where there is none.
func (d *Database) indexOf(ctx context.Context, s *schema) (*milvuspb.IndexDescription, error) {
	reply, err := d.client.Service.DescribeIndex(ctx, &milvuspb.DescribeIndexRequest{CollectionName: s.name})
	if err != nil {
		return nil, err
	}
	for _, one := range reply.GetIndexDescriptions() {
		if one.GetFieldName() == s.vector {
			return one, nil
		}
	}
	return nil, nil
}

func readIndex(description *milvuspb.IndexDescription) builtIndex {
	b := builtIndex{params: map[string]string{}}
	for key, value := range entity.KvPairsMap(description.GetParams()) {
		switch key {
		case "index_type":
			b.kind = value
		case "metric_type":
			b.metric = entity.MetricType(value)
		case "params":
			b.addParams(value)
		default: // where older clients put them
			b.params[key] = value
		}
	}
	return b
}

// addParams reads parameters as the server keeps them: a JSON object of numbers or strings, as their maker wrote them.
func (b builtIndex) addParams(text string) {
	var params map[string]any
	if json.Unmarshal([]byte(text), &params) == nil {
		for name, value := range params {
			b.params[name] = fmt.Sprint(value)
		}
	}
}

// create makes the collection, and the database if it is the first, and the index over it.
func (d *Database) create(ctx context.Context, spec index.Spec) (*schema, error) {
	if err := d.cfg.Index.fits(spec.Width); err != nil {
		return nil, err
	}
	if err := d.createDatabase(ctx); err != nil {
		return nil, err
	}
	if err := d.createCollection(ctx, spec); err != nil {
		// Another process may have been quicker; the server has no code for that.
		s, describeErr := d.describe(ctx, spec.Collection)
		if describeErr != nil {
			return nil, err
		}
		return d.complete(ctx, s)
	}
	// From here on it is finished, or taken back, also if the caller goes away.
	ctx = context.WithoutCancel(ctx)
	if err := d.createIndex(ctx, spec.Collection); err != nil {
		if fault.KindOf(err) == fault.KindInvalid {
			_ = d.client.DropCollection(ctx, spec.Collection) // the reason why it is dropped says more than that it is not
		}
		return nil, err
	}
	d.log.Info("made a collection in Milvus", "collection", spec.Collection, "width", spec.Width, "model", spec.Model, "index", d.cfg.Index.Type)
	return d.describe(ctx, spec.Collection)
}

// complete makes the index of a collection of ours whose making was cut short, or is going on in another process: of two
// that ask for the same index, the server takes both.
func (d *Database) complete(ctx context.Context, s *schema) (*schema, error) {
	if s.index.exists() || s.model == "" {
		return s, nil
	}
	if err := d.createIndex(ctx, s.name); err != nil {
		return nil, err
	}
	return d.describe(ctx, s.name)
}

// createDatabase makes the database if it is not there, which only the list of its collections tells by a code.
func (d *Database) createDatabase(ctx context.Context) error {
	_, err := d.client.ListCollections(ctx)
	if !refusedWith(err, codeNoDatabase) {
		return err
	}
	err = d.client.CreateDatabase(ctx, d.cfg.Database)
	if refusedWith(err, codeUnexpected) { // another process may have been quicker, which has no code
		_, err = d.client.ListCollections(ctx)
	}
	return err
}

func (d *Database) createCollection(ctx context.Context, spec index.Spec) error {
	fields := d.cfg.Fields
	s := entity.NewSchema().WithName(spec.Collection).WithDescription("pictures, found by clipseek").WithDynamicFieldEnabled(true).
		WithField(entity.NewField().WithName(fields.ID).WithDataType(entity.FieldTypeInt64).WithIsPrimaryKey(true)).
		WithField(entity.NewField().WithName(fields.Vector).WithDataType(entity.FieldTypeFloatVector).WithDim(int64(spec.Width))).
		WithField(entity.NewField().WithName(fields.Path).WithDataType(entity.FieldTypeVarChar).WithMaxLength(int64(d.cfg.PathLength)))
	return d.client.CreateCollection(ctx, s, int32(d.cfg.Shards), //nolint:gosec // at most 64
		client.WithCollectionProperty(modelProperty, spec.Model), client.WithConsistencyLevel(d.level()))
}

// level is what a collection made here tells clients that name no consistency of their own.
func (d *Database) level() entity.ConsistencyLevel {
	return map[string]entity.ConsistencyLevel{strong: entity.ClStrong, session: entity.ClSession, bounded: entity.ClBounded, eventually: entity.ClEventually}[d.cfg.Consistency]
}

// createIndex has the configured structure built; the server does it behind the scenes. Fault: Invalid for one that this
// server cannot build.
func (d *Database) createIndex(ctx context.Context, collection string) error {
	definition, err := d.cfg.Index.definition()
	if err != nil {
		return err
	}
	_, err = d.request(ctx, collection, definition)
	if refusedWith(err, codeUnexpected, codeInvalid) {
		return fault.Invalid("Milvus at %s builds no index %s as index.milvus.index asks for: %s", d.cfg.Address, d.cfg.Index.Type, reasonOf(err)).Because(err)
	}
	return err
}

// request asks for an index without the questions and the waiting of the client's own method.
func (d *Database) request(ctx context.Context, collection string, definition entity.Index) (*commonpb.Status, error) {
	return d.client.Service.CreateIndex(ctx, &milvuspb.CreateIndexRequest{
		CollectionName: collection, FieldName: d.cfg.Fields.Vector, ExtraParams: entity.MapKvPairs(definition.Params()),
	})
}

func rowCount(stats []*commonpb.KeyValuePair) int64 {
	n, _ := strconv.ParseInt(entity.KvPairsMap(stats)["row_count"], 10, 64)
	return n
}
