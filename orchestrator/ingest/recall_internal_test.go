package ingest

import (
	"testing"
	"time"
)

// TestAllowance has groups of 16 looked up and encoded one after the other, with made-up times.
func TestAllowance(t *testing.T) {
	t.Parallel()
	const groups, ms = 1000, time.Millisecond
	for name, tc := range map[string]struct {
		ask, encode time.Duration // of a group
		twins       int           // of a group's pictures
		least, most int           // how often the index is asked
	}{
		"quick index":               {ask: ms / 10, encode: 160 * ms, least: groups, most: groups},
		"quick index, all twins":    {ask: ms / 10, encode: 160 * ms, twins: 16, least: groups, most: groups},
		"20,000 in Milvus":          {ask: 6 * ms, encode: 160 * ms, least: groups, most: groups},
		"half of what encoding is":  {ask: 80 * ms, encode: 160 * ms, least: groups / 5, most: groups / 3},
		"half, and half are twins":  {ask: 40 * ms, encode: 160 * ms, twins: 8, least: groups, most: groups},
		"longer than encoding":      {ask: 400 * ms, encode: 160 * ms, least: groups / 25, most: groups / 15},
		"longer, and all are twins": {ask: 400 * ms, encode: 160 * ms, twins: 16, least: groups / 25, most: groups / 10},
		"much longer":               {ask: time.Minute, encode: 20 * ms, least: 1, most: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newAllowance()
			asked := 0
			for range groups {
				left := 16
				if a.allowed() {
					asked++
					a.asked(tc.twins, tc.ask)
					left -= tc.twins
				}
				if left > 0 {
					a.encoded(left, tc.encode*time.Duration(left)/16)
				}
			}
			if asked < tc.least || asked > tc.most {
				t.Errorf("asked %d times, want %d to %d", asked, tc.least, tc.most)
			}
		})
	}
}
