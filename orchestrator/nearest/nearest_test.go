package nearest_test

import (
	"slices"
	"testing"

	"clipseek/orchestrator/nearest"
)

func TestDistance(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		a, b string
		want int
	}{
		"same":        {"listen", "listen", 0},
		"empty":       {"", "abc", 3},
		"replaced":    {"listen", "lasten", 1},
		"transposed":  {"listen", "lisetn", 2},
		"inserted":    {"listen", "listten", 1},
		"kitten":      {"kitten", "sitting", 3},
		"nothing old": {"abc", "", 3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := nearest.Distance(tc.a, tc.b); got != tc.want {
				t.Errorf("distance of %q and %q = %d, want %d", tc.a, tc.b, got, tc.want)
			}
		})
	}
}

func TestWords(t *testing.T) {
	t.Parallel()
	known := []string{"listen", "limit", "library", "log"}
	if got := nearest.Word("lisen", known); got != "listen" {
		t.Errorf("nearest = %q", got)
	}
	if got := nearest.Word("elephant", known); got != "" {
		t.Errorf("%q is not near", got)
	}
	if got := nearest.Words("limet", []string{"lime", "limit", "limes"}, 2); !slices.Equal(got, []string{"lime", "limit"}) {
		t.Errorf("words = %q", got)
	}
}
