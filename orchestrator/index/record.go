package index

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"clipseek/orchestrator/fault"
)

// Record is one item of a collection.
type Record struct {
	ID     int64     // primary key (m_id), 0 to MaxID; ID makes it from the item's key
	Path   string    // where the item is: its path or URI; UTF-8, at most MaxPathBytes
	Vector []float32 // the embedding: width of the collection, L2 norm 1

	// Fields is what else is known. A name is an identifier (see CheckField). A value is a string, int64, finite
	// float64, bool or []string and comes back as the same type; nil is the same as leaving the field out, and
	// does not come back. The standard fields have the types of TypeOf.
	Fields map[string]any
}

// MaxID is the greatest id. Milvus 2.3 takes the one after it and never gives it back.
const MaxID = math.MaxInt64 - 1

// Limits of a record. The path's is that of a Milvus VARCHAR, the fields' that of a Milvus JSON value; an index may be
// configured with smaller ones and answers TooLarge beyond them.
const (
	MaxPathBytes   = 65_535
	MaxFieldsBytes = 65_536 // all fields of a record, as JSON
)

// unitTolerance is how far from 1 the L2 norm of an embedding may be: float16 arithmetic in a model leaves up to 5e-4.
const unitTolerance = 1e-3

// ID is the id of the item with this key (its URI, or its path inside its source): the first 63 bits of the key's
// SHA-256, that is the first 8 bytes, big-endian, shifted right by one. The same item is the same row, ever; that two
// of a billion items share an id has a chance of about 5 in 100.
func ID(key string) int64 {
	sum := sha256.Sum256([]byte(key))
	return min(MaxID, int64(binary.BigEndian.Uint64(sum[:8])>>1))
}

// Validate refuses a record that a collection of this width cannot hold. Faults: Invalid, TooLarge.
func (r Record) Validate(width int) error {
	if err := r.check(width); err != nil {
		return fault.At("record "+quote(r.Path), err)
	}
	return nil
}

func (r Record) check(width int) error {
	switch {
	case r.ID < 0 || r.ID > MaxID:
		return fault.Invalid("its id is %d; ids are 0 to %d", r.ID, int64(MaxID))
	case r.Path == "":
		return fault.Invalid("it has no path")
	case !isText(r.Path):
		return fault.Invalid("its path is not UTF-8 text without NUL; rename the file")
	case len(r.Path) > MaxPathBytes:
		return fault.TooLarge("its path has %d bytes; at most %d fit", len(r.Path), MaxPathBytes)
	}
	if err := checkVector(r.Vector, width); err != nil {
		return err
	}
	for name, value := range r.Fields {
		if err := CheckField(name, value); err != nil {
			return err
		}
	}
	if b, err := EncodeFields(r.Fields); err != nil {
		return err
	} else if len(b) > MaxFieldsBytes {
		return fault.TooLarge("its fields have %d bytes as JSON; at most %d fit", len(b), MaxFieldsBytes)
	}
	return nil
}

// checkVector refuses what is not a unit vector of this width.
func checkVector(v []float32, width int) error {
	if len(v) != width {
		return fault.Invalid("a vector of width %d does not fit a collection of width %d; use the model that the collection was made with", len(v), width)
	}
	if norm := Norm(v); !(math.Abs(norm-1) <= unitTolerance) { // also true of NaN
		return fault.Invalid("a vector of L2 norm %.4g is not an embedding; normalize it to 1", norm)
	}
	return nil
}

// Norm is the L2 norm of v, summed in float64.
func Norm(v []float32) float64 {
	var sum float64
	for _, x := range v {
		sum += float64(x) * float64(x)
	}
	return math.Sqrt(sum)
}

// CheckField refuses a field that no record can have: a name that is not an identifier of the filter language (letters,
// digits and _, not a digit first, no reserved word, none of the record's own columns), or a value of a type that
// fields cannot have or that the standard field of that name does not have. Fault: Invalid.
func CheckField(name string, value any) error {
	if err := checkFieldName(name); err != nil {
		return err
	}
	if name == FieldID || name == FieldPath {
		return fault.Invalid("field %s is the record's own and not one of its fields", name)
	}
	switch v := value.(type) {
	case nil:
		return nil
	case string:
		if !isText(v) {
			return fault.Invalid("field %s is not UTF-8 text without NUL", name)
		}
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return fault.Invalid("field %s is %v; a number is finite", name, v)
		}
	case []string:
		for _, s := range v {
			if !isText(s) {
				return fault.Invalid("field %s holds a string that is not UTF-8 text without NUL", name)
			}
		}
	case int64, bool:
	default:
		return fault.Invalid("field %s is a Go %T; a field is a string, int64, float64, bool or []string", name, value)
	}
	return checkStandard(name, value)
}

// checkStandard refuses a value that has not the type of the standard field of that name.
func checkStandard(name string, value any) error {
	fits := true
	switch t := TypeOf(name); t {
	case TypeString:
		_, fits = value.(string)
	case TypeInt:
		_, fits = value.(int64)
	case TypeTime:
		s, ok := value.(string)
		if !ok || !isTimestamp(s) {
			return fault.Invalid("field %s is a time and needs a string such as %q, in UTC; it is %s", name, exampleTime, literal(value))
		}
	}
	if !fits {
		return fault.Invalid("field %s is %s; it needs %s", name, literal(value), TypeOf(name))
	}
	return nil
}

// reserved reports whether the filter language (CEL) keeps the word for itself, so that no field can have the name.
func reserved(word string) bool {
	switch word {
	case "in", "true", "false", "null",
		"as", "break", "const", "continue", "else", "for", "function", "if", "import", "let", "loop", "package",
		"namespace", "return", "var", "void", "while":
		return true
	}
	return false
}

func checkFieldName(name string) error {
	switch {
	case !isIdentifier(name) || len(name) > maxNameBytes:
		return fault.Invalid("%s cannot name a field; use letters, digits and _, not a digit first, at most %d", quote(name), maxNameBytes)
	case reserved(name):
		return fault.Invalid("%s cannot name a field; the filter language keeps the word for itself", quote(name))
	}
	return nil
}

func isIdentifier(s string) bool {
	for i := range len(s) {
		c := s[i]
		letter := c == '_' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
		if !letter && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return s != ""
}

// isText reports whether s is UTF-8 without NUL, at which C libraries end a string.
func isText(s string) bool { return utf8.ValidString(s) && strings.IndexByte(s, 0) < 0 }

// quote is s for a message: quoted, at most 60 characters of it.
func quote(s string) string {
	const longest = 60
	if r := []rune(s); len(r) > longest {
		s = string(r[:longest]) + "..."
	}
	return strconv.Quote(s)
}

// EncodeFields is the JSON of fields: keys in order, nil values left out, "" for none. A float64 keeps a point or an
// exponent ("2.0"), so that DecodeFields, and any index that keeps the text, can tell it from an int64.
func EncodeFields(fields map[string]any) (string, error) {
	kept := make(map[string]any, len(fields))
	for name, value := range fields {
		switch v := value.(type) {
		case nil:
		case float64:
			kept[name] = json.RawMessage(encodeFloat(v))
		default:
			kept[name] = v
		}
	}
	if len(kept) == 0 {
		return "", nil
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(kept); err != nil {
		return "", fault.Internal("fields passed the check and are not JSON").Because(err)
	}
	return strings.TrimSuffix(b.String(), "\n"), nil
}

func encodeFloat(v float64) string {
	s := strconv.FormatFloat(v, 'g', -1, 64)
	if !strings.ContainsAny(s, ".e") {
		s += ".0"
	}
	return s
}

// DecodeFields reverses EncodeFields into fields of the caller's, which it returns; it makes the map if fields is nil
// and there is something to put in.
func DecodeFields(fields map[string]any, encoded string) (map[string]any, error) {
	if encoded == "" {
		return fields, nil
	}
	dec := json.NewDecoder(strings.NewReader(encoded))
	dec.UseNumber()
	var raw map[string]any
	if err := dec.Decode(&raw); err != nil {
		return nil, fmt.Errorf("decode fields: %w", err)
	}
	if fields == nil {
		fields = make(map[string]any, len(raw))
	}
	for name, value := range raw {
		v, err := decodeValue(value)
		if err != nil {
			return nil, fmt.Errorf("decode field %s: %w", name, err)
		}
		fields[name] = v
	}
	return fields, nil
}

func decodeValue(value any) (any, error) {
	switch v := value.(type) {
	case json.Number:
		if strings.ContainsAny(v.String(), ".eE") {
			return v.Float64()
		}
		return v.Int64()
	case []any:
		list := make([]string, len(v))
		for i, item := range v {
			s, ok := item.(string)
			if !ok {
				return nil, fmt.Errorf("item %d of the list is not a string", i)
			}
			list[i] = s
		}
		return list, nil
	case map[string]any, nil:
		return nil, fmt.Errorf("not a value that a field can have")
	}
	return value, nil
}
