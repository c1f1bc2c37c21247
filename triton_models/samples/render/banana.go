package main

import "math"

// banana is a bent, five-edged rod: an arc in the x-y plane, lowest at the origin, curving towards +y, from the
// stem at s = -1 to the blossom end at s = +1.
type banana struct {
	bend         float64 // radius of the arc
	peel, unripe vec
	green, ripe  float64 // strength of the green ends and of the brown spots
	thick        float64
	field        vec
}

// place is where p lies along the arc (s), and beside it outwards from the arc's centre (q) and across (z).
func (b *banana) place(p vec) (s, q, z float64) {
	rise := b.bend - p.y
	return math.Atan2(p.x, rise) * b.bend, hypot(p.x, rise) - b.bend, p.z
}

func (b *banana) girth(s float64) float64 {
	body := b.thick * (1 - 0.16*s*s)
	stem := 0.052 + 0.02*ramp(-0.9, -1.02, s)
	w := lerp(stem, body, ramp(-0.84, -0.46, s))
	return lerp(w, 0.05, ramp(0.62, 0.98, s)*0.93)
}

func (b *banana) distance(p vec) float64 {
	s, q, z := b.place(p)
	r := hypot(q, z)
	edge := 1 + 0.055*fivefold(q, r)*ramp(1.0, 0.7, math.Abs(s))
	d := max(r-b.girth(clamp(s, -1, 1))*edge, math.Abs(s)-1)
	return 0.72 * d
}

func (b *banana) relief(p vec) float64 { return 0.006 * noise(p.scale(5).add(b.field)) }

func (b *banana) skin(p, _ vec) skin {
	s, q, z := b.place(p)
	r := hypot(q, z) + 1e-9
	patch := clouds(p.scale(3).add(b.field))
	c := b.peel.scale(0.9 + 0.2*patch)
	ends := max(ramp(-0.4, -0.9, s), 0.8*ramp(0.66, 0.95, s))
	c = mix(c, b.unripe, clamp(b.green*(0.25+patch*0.5)+ends*(0.25+0.7*b.green), 0, 1))
	ridge := ramp(0.93, 1, fivefold(q, r))
	c = mix(c, rgb(0x7a6418), ridge*(0.12+0.25*b.ripe))
	thin := vec{s * 9, q * 22, z * 22}.add(b.field)
	spots := dots(thin, 0.5*b.ripe)*0.8 + dots(thin.scale(2.1), 0.45*b.ripe)*0.7
	scar := ramp(0.78-0.1*b.ripe, 0.86, noise(vec{s * 5, q * 16, z * 16}.add(b.field)))
	c = mix(c, rgb(0x4a2e12), clamp(spots*0.85+scar*0.5*b.ripe, 0, 0.9))
	c = mix(c, rgb(0x2a1c10), ramp(0.925, 0.965, s+0.03*patch))
	c = mix(c, rgb(0x6a5224), 0.7*ramp(-0.93, -1.0, s-0.03*patch))
	return skin{albedo: c, gloss: 0.3, shine: 0.3, scatter: 0.16}
}

func (b *banana) radius() float64 { return 1.08 }

// stem is the place near the end of the arc where a hand holds the banana.
func (b *banana) stem() vec {
	a := 0.97 / b.bend
	return vec{-b.bend * math.Sin(a), b.bend * (1 - math.Cos(a)), 0}
}

// balls stand for the banana where light from all sides is worked out.
func (b *banana) balls() []ball {
	out := make([]ball, 0, 7)
	for i := -3; i <= 3; i++ {
		s := float64(i) * 0.24
		a := s / b.bend
		out = append(out, ball{vec{b.bend * math.Sin(a), b.bend * (1 - math.Cos(a)), 0}, b.girth(s) * 1.05})
	}
	return out
}

func newBanana(d *dice, peel, unripe uint32, green, ripe float64) *banana {
	return &banana{bend: d.between(0.95, 1.3), peel: d.vary(rgb(peel), 0.06), unripe: d.vary(rgb(unripe), 0.1),
		green: green, ripe: ripe * d.between(0.6, 1.2), thick: d.between(0.185, 0.21), field: d.offset()}
}

func growBanana(peel, unripe uint32, green, ripe float64) func(*dice) model {
	return func(d *dice) model {
		b := newBanana(d, peel, unripe, green, ripe)
		return model{parts: []part{{solid: b, turn: upright(), size: 1, tint: b.peel, balls: b.balls()}},
			half: 0.8, girth: 0.2, stance: lying, stem: b.stem()}
	}
}

func bananas() crop {
	yellow := variety{"yellow", "yellow banana", "yellow", 10, false, growBanana(0xf2c92a, 0xa9b03a, 0.1, 0.25)}
	ripe := variety{"spotted", "ripe banana with brown spots", "yellow and brown", 9.5, false, growBanana(0xe8b82c, 0xb59a34, 0, 1)}
	green := variety{"green", "green banana", "green", 10, false, growBanana(0xb3b83a, 0x7d9a2e, 0.75, 0.1)}
	return crop{"banana", []variety{yellow, yellow, ripe, yellow, green},
		[][2]int{{4, 5}, {1, 1}, {3, 4}, {2, 2}, {6, 7}, {3, 3}, {5, 6}, {8, 10}}, layHands}
}
