package onnx

import "testing"

func TestMost(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		tower                  tower
		configured, side, want int
	}{
		"the demo model":       {tower{bytes: 14 << 20}, 0, 336, 1},
		"ViT-B/32":             {tower{bytes: 351 << 20}, 0, 224, together},
		"ViT-B/32 in INT8":     {tower{bytes: 88 << 20}, 0, 224, together},
		"ViT-L/14@336":         {tower{bytes: 1217 << 20}, 0, 336, 1},
		"ViT-L/14@336 in INT8": {tower{bytes: 305 << 20}, 0, 336, 1},
		"configured":           {tower{bytes: 14 << 20}, 8, 336, 8},
		"one by one":           {tower{bytes: 351 << 20, single: true}, 8, 224, 1},
	} {
		if got := tc.tower.most(tc.configured, tc.side); got != tc.want {
			t.Errorf("%s: %d, want %d", name, got, tc.want)
		}
	}
}
