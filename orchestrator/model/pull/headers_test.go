package pull

import (
	"net/http"
	"testing"
)

func TestContentRangeHeader(t *testing.T) {
	t.Parallel()
	for value, want := range map[string][2]int64{
		"bytes 5-9/10": {5, 10},
		"bytes 0-0/*":  {0, 0},
	} {
		if start, total, ok := contentRange(value); !ok || start != want[0] || total != want[1] {
			t.Errorf("%q is %d of %d, %v", value, start, total, ok)
		}
	}
	for _, value := range []string{"", "bytes */10", "bytes -5-9/10", "bytes 5/10", "items 5-9/10", "bytes 5-9/10 ", "bytes 99999999999999999999-1/2"} {
		if _, _, ok := contentRange(value); ok {
			t.Errorf("%q is read", value)
		}
	}
}

// FuzzHeaders reads what servers say.
func FuzzHeaders(f *testing.F) {
	f.Add("bytes 5-9/10", `"0123"`, "12")
	f.Add("bytes */10", "W/\"x\"", "-1")
	f.Fuzz(func(t *testing.T, ranged, etag, size string) {
		if start, total, ok := contentRange(ranged); start < 0 || total < 0 || (!ok && (start != 0 || total != 0)) {
			t.Errorf("%q is %d of %d", ranged, start, total)
		}
		var o offer
		o.read(http.Header{"X-Linked-Etag": {etag}, "X-Linked-Size": {size}})
		if (o.sha256 != "" && len(o.sha256) != 64) || o.size < 0 {
			t.Errorf("%q and %q are %+v", etag, size, o)
		}
	})
}

func TestSize(t *testing.T) {
	t.Parallel()
	for bytes, want := range map[int64]string{0: "0 B", 999: "999 B", 1000: "1.0 kB", 25_600: "26 kB", 999_999: "1.0 MB", 1_712_000_000: "1.7 GB", 10_160_000_000: "10 GB"} {
		if got := Size(bytes); got != want {
			t.Errorf("%d is %s, want %s", bytes, got, want)
		}
	}
}
