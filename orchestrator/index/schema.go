package index

import (
	"regexp"
	"time"
)

// The record's own columns, as filters name them.
const (
	FieldID   = "id"   // Record.ID
	FieldPath = "path" // Record.Path
)

// The standard fields. All are optional.
const (
	FieldLabel      = "label"       // string: the item's folder, or what the caller calls it
	FieldWidth      = "width"       // int64: pixels, upright
	FieldHeight     = "height"      // int64: pixels, upright
	FieldBytes      = "bytes"       // int64: size of the file
	FieldFormat     = "format"      // string: jpeg, png, webp ...
	FieldSHA256     = "sha256"      // string: of the file, 64 lower-case hexadecimal digits
	FieldTakenAt    = "taken_at"    // time: when the camera says the picture was taken
	FieldModifiedAt = "modified_at" // time: when the file was last changed
	FieldIngestedAt = "ingested_at" // time: when the record was written
	FieldSource     = "source"      // string: the source that the item came from
	FieldModel      = "model"       // string: the model that made the vector
)

// Type is what a filter may compare a field with.
type Type uint8

// The types. TypeAny is that of every field that is not standard: its values decide, record by record.
const (
	TypeAny Type = iota
	TypeString
	TypeInt
	TypeTime
)

// String names the type as messages do.
func (t Type) String() string {
	return [...]string{"any value", "a string", "a whole number", "a time"}[t]
}

// Column is a field that every collection knows the type of.
type Column struct {
	Name string
	Type Type
}

// Columns lists the standard fields in the order in which they are shown. The caller owns the slice.
func Columns() []Column {
	return []Column{
		{FieldLabel, TypeString},
		{FieldWidth, TypeInt},
		{FieldHeight, TypeInt},
		{FieldBytes, TypeInt},
		{FieldFormat, TypeString},
		{FieldSHA256, TypeString},
		{FieldTakenAt, TypeTime},
		{FieldModifiedAt, TypeTime},
		{FieldIngestedAt, TypeTime},
		{FieldSource, TypeString},
		{FieldModel, TypeString},
	}
}

// TypeOf is the type of a field: that of the record's own column or standard field of the name, else TypeAny.
func TypeOf(name string) Type {
	switch name {
	case FieldPath, FieldLabel, FieldFormat, FieldSHA256, FieldSource, FieldModel:
		return TypeString
	case FieldID, FieldWidth, FieldHeight, FieldBytes:
		return TypeInt
	case FieldTakenAt, FieldModifiedAt, FieldIngestedAt:
		return TypeTime
	}
	return TypeAny
}

// Times are strings, all of one form: RFC 3339 in UTC to the second. So they order as text, in SQL and in Milvus alike,
// the start of one serves as a bound (taken_at >= "2024-06"), and people can read and type them; seconds since 1970
// would order as well and could not be read.
const (
	timeLayout  = "2006-01-02T15:04:05Z"
	exampleTime = "2024-06-01T09:30:00Z"
)

// Timestamp is t as a value of a field of type time.
func Timestamp(t time.Time) string { return t.UTC().Format(timeLayout) }

// ParseTimestamp reverses Timestamp.
func ParseTimestamp(s string) (time.Time, error) { return time.Parse(timeLayout, s) }

func isTimestamp(s string) bool {
	_, err := ParseTimestamp(s)
	return err == nil && len(s) == len(timeLayout)
}

// timestampStart matches what may begin a timestamp: a year, and then more of it, unit by unit.
var timestampStart = regexp.MustCompile(`^\d{4}(-\d\d(-\d\d(T\d\d(:\d\d(:\d\dZ?)?)?)?)?)?$`)

func isTimestampStart(s string) bool { return timestampStart.MatchString(s) }
