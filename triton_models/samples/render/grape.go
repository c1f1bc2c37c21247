package main

// grape is one berry, round or oval along y, with a dull bloom over a translucent skin.
type grape struct {
	colour, glow vec // skin, and the lighter tone of its patches
	bloom        float64
	long         float64 // half length against half width
	scatter      float64
	field        vec
}

func (g *grape) distance(p vec) float64 { return 0.96 * ellipsoid(p, vec{0.92, 0.92 * g.long, 0.92}) }

func (g *grape) relief(p vec) float64 { return 0.012 * noise(p.scale(2.4).add(g.field)) }

func (g *grape) skin(p, _ vec) skin {
	patch := clouds(p.scale(1.3).add(g.field))
	c := mix(g.colour, g.glow, ramp(0.3, 0.75, patch))
	vein := dots(p.scale(9).add(g.field), 0.4)
	c = mix(c, g.glow.scale(1.25), 0.25*vein)
	k := g.bloom * ramp(0.3, 0.7, clouds(p.scale(2.7).add(g.field)))
	c = mix(c, rgb(0x9aa0b8), 0.42*k)
	end := ramp(0.1, 0.05, hypot(p.x, p.z)) * ramp(0, -0.3, p.y)
	c = mix(c, rgb(0x5a3a20), 0.8*end)
	return skin{albedo: c, gloss: 0.75 - 0.45*k, shine: 0.8 - 0.5*k, scatter: g.scatter, fuzz: 0.25 * k}
}

func (g *grape) radius() float64 { return 0.95 * max(1, g.long) }

func growGrape(colour, glow uint32, bloom, long, scatter float64) func(*dice) model {
	return func(d *dice) model {
		g := &grape{colour: d.vary(rgb(colour), 0.14), glow: d.vary(rgb(glow), 0.14), bloom: bloom,
			long: long * d.between(0.96, 1.05), scatter: scatter, field: d.offset()}
		m := round(g, 0.92, g.colour, tumbled)
		m.half = 0.92 * (long - 1)
		return m
	}
}

func grapes() crop {
	green := variety{"green", "green grapes", "green", 1.0, false, growGrape(0x8fae38, 0xb5c65a, 0.35, 1.08, 0.75)}
	oval := variety{"green", "green grapes", "green", 1.0, false, growGrape(0x9db544, 0xc0c862, 0.25, 1.35, 0.75)}
	red := variety{"red", "red grapes", "red", 1.05, false, growGrape(0x7a1c2a, 0xa84a48, 0.45, 1.12, 0.5)}
	black := variety{"black", "black grapes", "dark purple", 1.05, false, growGrape(0x221428, 0x3a2040, 0.9, 1.05, 0.15)}
	return crop{"grape", []variety{green, black, red, oval, black, red, green},
		[][2]int{{1, 1}, {1, 1}, {2, 2}, {1, 1}, {3, 3}}, layBunches}
}
