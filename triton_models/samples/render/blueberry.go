package main

import "math"

// blueberry is a small flattened ball with the calyx crown at its top.
type blueberry struct {
	base, bloom vec
	dust        float64 // how much of the pale bloom is left
	field       vec
	crown       float64 // radius of the crown
}

func (b *blueberry) distance(p vec) float64 {
	d := ellipsoid(p, vec{1, 0.87, 1})
	if p.y < 0.4 || d > 0.4 {
		return d * 0.95
	}
	rho := hypot(p.x, p.z)
	d += 0.16 * ramp(b.crown+0.02, b.crown*0.5, rho)
	wall := math.Abs(rho-b.crown-0.25*(p.y-0.85)) - 0.035
	top := math.Abs(p.y-0.84) - 0.09 - 0.06*fivefold(p.x, rho)
	return 0.7 * blend(d, max(wall, top), 0.07)
}

func (b *blueberry) relief(p vec) float64 { return 0.015 * noise(p.scale(4).add(b.field)) }

func (b *blueberry) skin(p, _ vec) skin {
	rho := hypot(p.x, p.z)
	patch := clouds(p.scale(2.2).add(b.field))
	fine := clouds(p.scale(9).add(b.field))
	k := b.dust * ramp(0.25, 0.65, patch*0.75+fine*0.25)
	c := mix(b.base, b.bloom, k)
	inside := ramp(b.crown+0.03, b.crown-0.05, rho) * ramp(0.5, 0.65, p.y)
	c = mix(c, rgb(0x231a24), 0.85*inside)
	c = mix(c, rgb(0x4a3c3c), 0.6*ramp(0.12, 0.03, rho)*inside)
	return skin{albedo: c, gloss: 0.35 - 0.2*k, shine: 0.4 - 0.25*k, scatter: 0.08, fuzz: 0.35 * k}
}

func (b *blueberry) radius() float64 { return 1.1 }

func growBlueberry(dust float64) func(*dice) model {
	return func(d *dice) model {
		b := &blueberry{base: d.vary(rgb(0x181c3a), 0.25), bloom: d.vary(rgb(0x5d6c98), 0.12),
			dust: clamp(dust+d.between(-0.25, 0.2), 0.1, 1), field: d.offset(), crown: d.between(0.3, 0.4)}
		m := round(b, 0.97, mix(b.base, b.bloom, 0.4), tumbled)
		if d.chance(0.02) {
			turn := facing(vec{d.between(-0.4, 0.4), 1, d.between(-0.4, 0.4)}, d.between(0, 6.28))
			m = m.with(newLeaf(d, rgb(0x4a8a30)), vec{0, 0.95, 0}.add(turn.x.scale(1.2)), turn, 1.5)
		}
		return m
	}
}

func blueberries() crop {
	dusty := variety{"blue", "blueberry", "blue", 0.85, false, growBlueberry(0.85)}
	dark := variety{"dark", "dark blueberry", "dark blue", 0.85, false, growBlueberry(0.5)}
	return crop{"blueberry", []variety{dusty, dusty, dark},
		[][2]int{{28, 40}, {8, 12}, {50, 70}, {3, 5}, {16, 24}}, layPieces}
}
