package main

import (
	"testing"
	"time"
)

func TestSearchTimes(t *testing.T) {
	t.Parallel()
	var hundred []time.Duration
	for i := 100; i > 0; i-- {
		hundred = append(hundred, time.Duration(i)*time.Millisecond)
	}
	for name, test := range map[string]struct {
		took []time.Duration
		want searchTimes
	}{
		"none":    {nil, searchTimes{Failed: 2}},
		"one":     {hundred[:1], searchTimes{Searches: 1, Failed: 2, P50: 100, P95: 100, Max: 100}},
		"two":     {hundred[98:], searchTimes{Searches: 2, Failed: 2, P50: 1, P95: 2, Max: 2}},
		"hundred": {hundred, searchTimes{Searches: 100, Failed: 2, P50: 50, P95: 95, Max: 100}},
	} {
		if got := newSearchTimes(append([]time.Duration{}, test.took...), 2); got != test.want {
			t.Errorf("%s: %+v, want %+v", name, got, test.want)
		}
	}
	if b := newSearchBench(20, searchTimes{P50: 2, P95: 4}, searchTimes{P50: 3, P95: 8}); b.RatioP50 != 1.5 || b.RatioP95 != 2 {
		t.Errorf("ratios are %.2f and %.2f", b.RatioP50, b.RatioP95)
	}
}
