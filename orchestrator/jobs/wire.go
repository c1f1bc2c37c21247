package jobs

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/index"
	"clipseek/orchestrator/ingest"
	"clipseek/orchestrator/source"
)

// octets is a string of any bytes, such as a file name: JSON alone would change those that are no UTF-8.
type octets string

type encodedOctets struct {
	Base64 []byte `json:"base64"`
}

// MarshalJSON writes a string where that keeps all bytes.
func (o octets) MarshalJSON() ([]byte, error) {
	if utf8.ValidString(string(o)) {
		return json.Marshal(string(o))
	}
	return json.Marshal(encodedOctets{[]byte(o)})
}

// UnmarshalJSON reverses MarshalJSON.
func (o *octets) UnmarshalJSON(text []byte) error {
	if strings.HasPrefix(string(text), "{") {
		var encoded encodedOctets
		err := json.Unmarshal(text, &encoded)
		*o = octets(encoded.Base64)
		return err
	}
	return json.Unmarshal(text, (*string)(o))
}

// item is a source.Item as messages hold it, with the failure of one that could not be had.
type item struct {
	Key      octets          `json:"k"`
	Path     octets          `json:"p,omitempty"` // where it is not the key
	Source   octets          `json:"s,omitempty"`
	Label    octets          `json:"l,omitempty"`
	Place    octets          `json:"w,omitempty"`
	Bytes    int64           `json:"b,omitempty"`
	Modified time.Time       `json:"m,omitzero"`
	Fields   json.RawMessage `json:"f,omitempty"` // as index.EncodeFields writes them
	Kind     string          `json:"e,omitempty"`
	Reason   string          `json:"r,omitempty"`
}

func newItem(from source.Item) (item, error) {
	fields, err := index.EncodeFields(from.Fields)
	out := item{
		Key: octets(from.Key), Source: octets(from.Source), Label: octets(from.Label), Place: octets(from.Place),
		Bytes: from.Bytes, Modified: from.Modified, Fields: json.RawMessage(fields),
	}
	if from.Path != from.Key {
		out.Path = octets(from.Path)
	}
	return out, err
}

// longestReason bounds what a failure takes in a message, whatever a source's error says. Bytes.
const longestReason = 2000

func (i item) failed(kind, reason string) item {
	if len(reason) > longestReason {
		reason = strings.ToValidUTF8(reason[:longestReason], "") + "..."
	}
	i.Kind, i.Reason = kind, reason
	return i
}

func (i item) path() string {
	if i.Path == "" {
		return string(i.Key)
	}
	return string(i.Path)
}

func (i item) failure() Failure {
	return Failure{Path: strings.ToValidUTF8(i.path(), "\uFFFD"), Kind: i.Kind, Reason: i.Reason}
}

func (i item) item() (source.Item, error) {
	fields, err := index.DecodeFields(nil, string(i.Fields))
	return source.Item{
		Key: string(i.Key), Path: i.path(), Source: string(i.Source), Label: string(i.Label), Place: string(i.Place),
		Bytes: i.Bytes, Modified: i.Modified, Fields: fields,
	}, err
}

// batch is a message of the work queue.
type batch struct {
	Try   int    `json:"try,omitempty"` // of its items; 0 is the first
	Items []item `json:"items"`
}

// Headers of a batch: when it may be begun, and in which listing of its source it was cut, counted from 0.
const (
	notBefore = "Clipseek-Not-Before"
	listing   = "Clipseek-Listing"
)

// outcome is what is known of a batch: that it has been begun, or what became of it.
type outcome struct {
	Done bool `json:"done,omitempty"`

	// Of a batch that has been begun.
	By     string      `json:"by,omitempty"`     // whose mark it is
	Begun  int         `json:"begun,omitempty"`  // how often, without an end
	Since  time.Time   `json:"since,omitzero"`   // the first time
	At     int         `json:"at,omitempty"`     // the item under way, counted from 1, where they are done one by one
	Deaths map[int]int `json:"deaths,omitempty"` // of processes, by item counted from 1

	// Of one that is done.
	Digest    string       `json:"digest,omitempty"`  // of the message
	Listing   int          `json:"listing,omitempty"` // the last in which the batch was this one
	Indexed   int          `json:"indexed,omitempty"`
	Unchanged int          `json:"unchanged,omitempty"`
	Bytes     int64        `json:"bytes,omitempty"`
	Failed    []item       `json:"failed,omitempty"`
	Next      []string     `json:"next,omitempty"` // batches in which items are tried again
	Times     ingest.Times `json:"times"`
}

func (o *outcome) add(r ingest.Result) {
	o.Indexed += r.Indexed
	o.Unchanged += r.Unchanged
	o.Bytes += r.Bytes
	o.Times.Add(r.Times)
}

func digest(message []byte) string {
	sum := sha256.Sum256(message)
	return base64.RawStdEncoding.EncodeToString(sum[:12])
}

func decode(text []byte, into any) error {
	if err := json.Unmarshal(text, into); err != nil {
		return fault.Internal("read a message of the queue").Because(err)
	}
	return nil
}

func encode(message any) ([]byte, error) {
	text, err := json.Marshal(message)
	if err != nil {
		return nil, fault.Internal("write a message of the queue").Because(err)
	}
	return text, nil
}

// Names of batches: the lister's are numbers, counted from 0; the items of "7" that are tried again are "7r1", then "7r2";
// those that somebody asked to retry are "7t1", "7r1t1" and so on.

func nameOf(number int) string { return strconv.Itoa(number) }

// numberOf reverses nameOf; false for other batches.
func numberOf(name string) (int, bool) {
	number, err := strconv.Atoi(name)
	return number, err == nil && number >= 0
}

// again names the batch of the items of another that are tried again; try is that of the new one.
func again(name string, try int) string {
	if before, _, found := cutLast(name, 'r'); found && try > 1 {
		name = before
	}
	return name + "r" + strconv.Itoa(try)
}

// roundOf is the last round of retries that a batch belongs to; 0 is none.
func roundOf(name string) int {
	_, after, _ := cutLast(name, 't')
	after, _, _ = strings.Cut(after, "r")
	round, _ := strconv.Atoi(after) // what is no number is no round
	return round
}

func cutLast(s string, sep byte) (before, after string, found bool) {
	i := strings.LastIndexByte(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+1:], true
}

// relisted names a batch of a later listing where its number alone would do: what follows from it is told from what
// followed from the batch that had the number before.
func relisted(name string, listing int) string {
	if _, ok := numberOf(name); ok && listing > 0 {
		return name + "e" + strconv.Itoa(listing)
	}
	return name
}

// asked names the batch of the items of another that somebody asked to retry for the round-th time.
func asked(name string, round int) string { return name + "t" + strconv.Itoa(round) }
