package main

import "math"

// apple is a spindle torus stretched upwards, which gives the hollows of stem and calyx.
type apple struct {
	ground, blush vec     // colour of the shaded and of the sunny side
	cover         float64 // part of the skin that is blushed, 0 to 1
	stripes       float64 // strength of the stripes in the blush
	spots         float64 // strength of the pale lenticels
	sun           vec     // the sunny side
	field         vec
	tall          float64
}

func (a *apple) distance(p vec) float64 {
	rho := hypot(p.x, p.z)
	lobes := fivefold(p.x, rho) * 0.03 * ramp(0.2, -0.8, p.y)
	wide := 1 + 0.13*clamp(p.y, -1, 1) + lobes
	r := rho / wide
	y := p.y * a.tall
	return 0.86 * (hypot(r-0.42, y) - 0.6)
}

func (a *apple) relief(p vec) float64 { return 0.012 * noise(p.scale(3.1).add(a.field)) }

func (a *apple) skin(p, _ vec) skin {
	rho := hypot(p.x, p.z) + 1e-6
	meridian := vec{p.x / rho, p.y * 0.12, p.z / rho}
	streak := noise(meridian.scale(9).add(a.field))*0.6 + noise(meridian.scale(23).add(a.field))*0.4
	patch := clouds(p.scale(1.3).add(a.field))
	sunny := a.cover*1.9 - 0.95 + 0.55*p.dot(a.sun) + 0.7*(patch-0.5)
	k := ramp(-0.35, 0.35, sunny+a.stripes*(streak-0.5))
	// The blush stays out of the stem hollow, which is greener and then russet.
	hollow := ramp(0.42, 0.1, rho) * ramp(0.2, 0.5, math.Abs(p.y))
	c := mix(a.ground, a.blush, k*(1-0.75*hollow))
	c = c.scale(1 - a.stripes*0.35*k*(streak-0.4))
	c = c.scale(0.88 + 0.24*patch)
	c = mix(c, rgb(0x8a6a32), 0.8*ramp(0.26, 0.08, rho)*ramp(0.1, 0.4, p.y))
	c = mix(c, rgb(0x3a2a18), 0.8*ramp(0.16, 0.04, rho)*ramp(-0.1, -0.4, p.y))
	pale := dots(p.scale(19).add(a.field), 0.55)
	c = mix(c, a.ground.scale(0.5).add(vec{0.4, 0.38, 0.25}), a.spots*0.5*pale)
	return skin{albedo: c, gloss: 0.72, shine: 0.75, scatter: 0.14}
}

func (a *apple) radius() float64 { return 1.2 }

func growApple(ground, blush uint32, cover, stripes, spots float64) func(*dice) model {
	return func(d *dice) model {
		a := &apple{ground: d.vary(rgb(ground), 0.12), blush: d.vary(rgb(blush), 0.15),
			cover: clamp(cover+d.between(-0.06, 0.06), 0, 1.1), stripes: stripes * d.between(0.5, 1.2),
			spots: spots, sun: d.direction(), field: d.offset(), tall: d.between(0.64, 0.74)}
		m := round(a, 0.98, mix(a.ground, a.blush, cover), standing)
		m.parts[0].balls = []ball{{r: 0.95}}
		if d.chance(0.88) {
			lean := vec{d.between(-0.25, 0.25), d.between(1, 1.25), d.between(-0.25, 0.25)}
			stem, at := newTube(vec{0, 0.5, 0}, vec{0, 0.85, 0}, lean, 0.04, 0.06, rgb(0x5a4020), rgb(0x4a3018))
			m = m.with(stem, at, upright(), 1)
			if d.chance(0.3) {
				turn := facing(vec{d.between(-0.4, 0.4), 1, d.between(-0.4, 0.4)}, d.between(0, 6.28))
				m = m.with(newLeaf(d, rgb(0x3f7a24)), lean.scale(0.9).add(turn.x.scale(0.5)), turn, 0.55)
			}
		}
		return m
	}
}

func apples() crop {
	red := variety{"red", "red apple", "red", 3.9, false, growApple(0xc9a03a, 0xb0101a, 0.98, 0.35, 0.35)}
	dark := variety{"red", "red apple", "red", 3.9, false, growApple(0xa83a24, 0x8a0a16, 1.05, 0.3, 0.5)}
	green := variety{"green", "green apple", "green", 3.9, false, growApple(0x7fb02a, 0x9cc43a, 0.4, 0.1, 0.6)}
	yellow := variety{"yellow", "yellow apple", "yellow", 3.8, false, growApple(0xd9bd3c, 0xe0b640, 0.3, 0.1, 0.45)}
	both := variety{"striped", "red and yellow apple", "red and yellow", 3.9, false, growApple(0xe0b84a, 0xc22a20, 0.62, 0.9, 0.3)}
	return crop{"apple", []variety{red, green, both, dark, yellow, red, green},
		[][2]int{{1, 1}, {2, 2}, {3, 5}, {6, 9}, {1, 1}, {10, 18}, {3, 3}}, layPieces}
}
