package half

import (
	"math"
	"testing"
)

// TestRoundTrip: every half is exact in float32, so it comes back as it was.
func TestRoundTrip(t *testing.T) {
	t.Parallel()
	for h := range 1 << 16 {
		f := Float32(uint16(h))
		if math.IsNaN(float64(f)) {
			if back := From(f); back&0x7c00 != 0x7c00 || back&0x03ff == 0 {
				t.Errorf("NaN %#04x comes back as %#04x", h, back)
			}
			continue
		}
		if back := From(f); back != uint16(h) {
			t.Errorf("%#04x is %g and comes back as %#04x", h, f, back)
		}
	}
}

// TestRounds looks at every pair of neighbouring halves: what lies between goes to the nearer one, the middle to the
// even one.
func TestRounds(t *testing.T) {
	t.Parallel()
	for h := range uint16(0x7bff) {
		low, high := Float32(h), Float32(h+1)
		middle := (low + high) / 2 // exact: float32 has 13 bits more
		even := h + h&1
		for _, tc := range []struct {
			f    float32
			want uint16
		}{
			{middle, even},
			{math.Nextafter32(middle, low), h},
			{math.Nextafter32(middle, high), h + 1},
		} {
			if got := From(tc.f); got != tc.want {
				t.Fatalf("From(%g) = %#04x, want %#04x", tc.f, got, tc.want)
			}
			if got := From(-tc.f); got != tc.want|0x8000 {
				t.Fatalf("From(%g) = %#04x, want %#04x", -tc.f, got, tc.want|0x8000)
			}
		}
	}
}

func TestEdges(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		f    float32
		want uint16
	}{
		"zero":                        {0, 0},
		"minus zero":                  {float32(math.Copysign(0, -1)), 0x8000},
		"one":                         {1, 0x3c00},
		"greatest":                    {65504, 0x7bff},
		"just below the next":         {65519.996, 0x7bff},
		"half way to the next":        {65520, 0x7c00},
		"far too large":               {1e30, 0x7c00},
		"infinite":                    {float32(math.Inf(-1)), 0xfc00},
		"not a number":                {float32(math.NaN()), 0x7e00},
		"least normal":                {0x1p-14, 0x0400},
		"least subnormal":             {0x1p-24, 0x0001},
		"half the least":              {0x1p-25, 0},
		"a little more than half":     {0x1.000002p-25, 0x0001},
		"least of float32":            {math.SmallestNonzeroFloat32, 0},
		"rounds up to the least norm": {0x1.ffep-15, 0x0400},
	} {
		if got := From(tc.f); got != tc.want {
			t.Errorf("%s: From(%g) = %#04x, want %#04x", name, tc.f, got, tc.want)
		}
	}
}

func BenchmarkFrom(b *testing.B) {
	values := make([]float32, 1<<20)
	for i := range values {
		values[i] = float32(math.Sin(float64(i))) * 2
	}
	halves := make([]uint16, len(values))
	for b.Loop() {
		for i, f := range values {
			halves[i] = From(f)
		}
	}
	b.ReportMetric(float64(len(values))*float64(b.N)/b.Elapsed().Seconds()/1e6, "Mvalues/s")
}
