package table

import (
	"math"
	"time"
	"unicode/utf8"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"

	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/index"
)

func isText(t parquet.Type) bool {
	if t.Kind() != parquet.ByteArray || t.LogicalType() == nil {
		return false
	}
	switch t.LogicalType().Value.(type) {
	case *format.StringType, *format.EnumType, *format.JsonType:
		return true
	}
	return false
}

// reads gives what turns values of a type into those of a field, nil for types that are not taken.
func reads(t parquet.Type) func(parquet.Value) (any, error) {
	var logical format.LogicalTypeValue
	if t.LogicalType() != nil {
		logical = t.LogicalType().Value
	}
	switch l := logical.(type) {
	case nil:
		return readsPlain(t.Kind())
	case *format.StringType, *format.EnumType, *format.JsonType:
		if isText(t) {
			return readText
		}
	case *format.IntType:
		return readsInt(t.Kind(), l.IsSigned)
	case *format.DateType:
		if t.Kind() == parquet.Int32 {
			return func(v parquet.Value) (any, error) {
				return time.Unix(int64(v.Int32())*24*60*60, 0).UTC().Format(time.DateOnly), nil
			}
		}
	case *format.TimestampType:
		if t.Kind() == parquet.Int64 && l.Unit.Value != nil {
			return readsTime(l.Unit.Value.Duration())
		}
	}
	return nil
}

func readsPlain(kind parquet.Kind) func(parquet.Value) (any, error) {
	switch kind {
	case parquet.Boolean:
		return func(v parquet.Value) (any, error) { return v.Boolean(), nil }
	case parquet.Int32, parquet.Int64:
		return readsInt(kind, true)
	case parquet.Float:
		return func(v parquet.Value) (any, error) { return finite(float64(v.Float())) }
	case parquet.Double:
		return func(v parquet.Value) (any, error) { return finite(v.Double()) }
	}
	return nil
}

func readsInt(kind parquet.Kind, signed bool) func(parquet.Value) (any, error) {
	switch {
	case kind == parquet.Int32 && signed:
		return func(v parquet.Value) (any, error) { return int64(v.Int32()), nil }
	case kind == parquet.Int32:
		return func(v parquet.Value) (any, error) { return int64(v.Uint32()), nil }
	case kind == parquet.Int64 && signed:
		return func(v parquet.Value) (any, error) { return v.Int64(), nil }
	case kind == parquet.Int64:
		return func(v parquet.Value) (any, error) {
			if v.Uint64() > math.MaxInt64 {
				return nil, fault.Invalid("has %d in this row, which is over 2^63", v.Uint64())
			}
			return v.Int64(), nil
		}
	}
	return nil
}

func readsTime(unit time.Duration) func(parquet.Value) (any, error) {
	perSecond := int64(time.Second / unit)
	return func(v parquet.Value) (any, error) {
		seconds := v.Int64() / perSecond
		if v.Int64()%perSecond < 0 {
			seconds--
		}
		if t := time.Unix(seconds, 0).UTC(); 0 <= t.Year() && t.Year() <= 9999 {
			return index.Timestamp(t), nil
		}
		return nil, fault.Invalid("has a time in this row that is beyond the year 9999")
	}
}

func readText(v parquet.Value) (any, error) {
	if b := v.ByteArray(); utf8.Valid(b) {
		return string(b), nil
	}
	return nil, fault.Invalid("has a value in this row that is not UTF-8 text")
}

// finite takes what other programs write for a missing number as missing.
func finite(x float64) (any, error) {
	if math.IsNaN(x) {
		return nil, nil
	}
	return x, nil
}
