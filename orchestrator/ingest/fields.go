package ingest

import (
	"maps"
	"reflect"
	"slices"
	"strings"

	"clipseek/orchestrator/index"
)

// ownFields are a source's fields by the names that records have them under. Characters that no name may have become _,
// and a word that the filter language keeps for itself gets one behind it. Fields with the names of standard fields are
// left out, since clipseek knows those itself; so are those whose name another has already: first come the names that
// stay as they are, then the others in order.
func ownFields(fields map[string]any) map[string]any {
	own := make(map[string]any, len(fields))
	var renamed []string
	for name, value := range fields {
		if fieldName(name) != name {
			renamed = append(renamed, name)
		} else if !isStandard(name) {
			own[name] = value
		}
	}
	slices.Sort(renamed)
	for _, name := range renamed {
		to := fieldName(name)
		if _, taken := own[to]; !taken && !isStandard(to) {
			own[to] = fields[name]
		}
	}
	return own
}

func isStandard(name string) bool { return index.TypeOf(name) != index.TypeAny }

// fieldName is the name nearest to a source's that a field may have.
func fieldName(name string) string {
	valid := strings.Map(func(r rune) rune {
		if r == '_' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' {
			return r
		}
		return '_'
	}, name)
	if valid == "" || '0' <= valid[0] && valid[0] <= '9' {
		valid = "_" + valid
	}
	if !isStandard(valid) && index.CheckField(valid, nil) != nil && index.CheckField(valid+"_", nil) == nil {
		return valid + "_"
	}
	return valid // one that is too long is the item's failure
}

// describeFields puts a source's fields into a record's, in place of what the source knew of it before. A source that
// gives none at all (nil) has nothing to say about fields.
func describeFields(record, fields map[string]any) {
	if fields == nil {
		return
	}
	maps.DeleteFunc(record, func(name string, _ any) bool { return !isStandard(name) })
	maps.Copy(record, ownFields(fields))
}

// sameFields reports whether a record has the fields that its source gives now.
func sameFields(fields, record map[string]any) bool {
	if fields == nil {
		return true
	}
	own := ownFields(fields)
	for name := range record {
		if _, ok := own[name]; !ok && !isStandard(name) {
			return false
		}
	}
	for name, value := range own {
		if value != nil && !reflect.DeepEqual(value, record[name]) {
			return false
		}
	}
	return true
}
