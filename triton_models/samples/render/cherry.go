package main

import "math"

// cherry is a glossy ball with a hollow for the stem and a faint seam.
type cherry struct {
	ground, blush vec
	cover         float64
	sun           vec
	field         vec
}

func (c *cherry) distance(p vec) float64 {
	rho := hypot(p.x, p.z)
	wide := 1 + 0.08*clamp(p.y, -1, 1)
	seam := 0.03 * math.Exp(-p.z*p.z/0.01) * ramp(0, 0.3, p.x)
	return 0.88 * (hypot(rho/wide-0.27, p.y*0.86) - 0.74 + seam)
}

func (c *cherry) relief(p vec) float64 { return 0.01 * noise(p.scale(2.5).add(c.field)) }

func (c *cherry) skin(p, _ vec) skin {
	patch := clouds(p.scale(1.5).add(c.field))
	k := ramp(-0.3, 0.35, c.cover*1.9-0.95+0.6*p.dot(c.sun)+0.7*(patch-0.5))
	a := mix(c.ground, c.blush, k).scale(0.75 + 0.5*patch)
	a = mix(a, a.scale(1.6), 0.4*dots(p.scale(16).add(c.field), 0.4))
	return skin{albedo: a, gloss: 0.9, shine: 1, scatter: 0.3}
}

func (c *cherry) radius() float64 { return 1.12 }

func growCherry(ground, blush uint32, cover float64) func(*dice) model {
	return func(d *dice) model {
		c := &cherry{ground: d.vary(rgb(ground), 0.1), blush: d.vary(rgb(blush), 0.2), cover: cover,
			sun: d.direction(), field: d.offset()}
		return round(c, 0.99, mix(c.ground, c.blush, cover), standing)
	}
}

func cherries() crop {
	red := variety{"red", "red cherry", "red", 1.25, false, growCherry(0xc0281c, 0xa00a18, 0.7)}
	dark := variety{"dark", "dark red cherry", "dark red", 1.3, false, growCherry(0x6a0c18, 0x3c0610, 0.7)}
	pale := variety{"yellow", "yellow and red cherry", "yellow and red", 1.25, false, growCherry(0xe6a83c, 0xc8301e, 0.5)}
	return crop{"cherry", []variety{red, dark, red, pale, red},
		[][2]int{{2, 2}, {6, 10}, {4, 4}, {14, 20}, {2, 3}, {24, 32}}, layPairs}
}
