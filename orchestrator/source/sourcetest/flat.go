package sourcetest

import (
	"runtime"
	"testing"

	"clipseek/orchestrator/source"
)

// mostGrown bounds the heap that a listing may take, however long it is.
const mostGrown = 64 << 20

// RunFlat lists n items, none of which may fail, and looks at the heap after every so many.
func RunFlat(t *testing.T, s source.Source, n, every int) {
	t.Helper()
	var before, now runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	count := 0
	for _, err := range s.Items(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		if count++; count%every == 0 {
			runtime.GC()
			runtime.ReadMemStats(&now)
			if grown := int64(now.HeapAlloc) - int64(before.HeapAlloc); grown > mostGrown {
				t.Errorf("after %d items the heap has grown by %d bytes", count, grown)
			}
		}
	}
	if count != n {
		t.Errorf("%d items, want %d", count, n)
	}
}
