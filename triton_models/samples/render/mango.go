package main

import "math"

// mango is a flattened egg, bent sideways to a kidney, with a small beak near its lower end.
type mango struct {
	base, blush, shade vec // ground colour, sunny shoulder, and the far side
	cover, dark        float64
	bend               float64
	sun                vec
	field              vec
}

func (m *mango) distance(p vec) float64 {
	q := vec{p.x + m.bend*p.y*p.y - 0.06, p.y, p.z}
	wide := 1 + 0.07*clamp(q.y, -1, 1)
	d := ellipsoid(vec{q.x / wide, q.y, q.z / wide}, vec{0.72, 1, 0.62})
	if d > 0.3 {
		return d * 0.75
	}
	beak := vec{q.x + 0.27, q.y + 0.7, q.z}.length() - 0.12
	d = blend(d, beak, 0.34)
	top := vec{q.x, q.y - 1.02, q.z}
	d += 0.05 * math.Exp(-top.dot(top)/0.02)
	return 0.75 * d
}

func (m *mango) relief(p vec) float64 { return 0.015 * noise(p.scale(2.2).add(m.field)) }

func (m *mango) skin(p, _ vec) skin {
	patch := clouds(p.scale(1.3).add(m.field))
	red := ramp(-0.1, 0.55, m.cover*2-1+0.75*p.dot(m.sun)+0.3*p.y+0.7*(patch-0.5))
	green := ramp(0, 0.55, m.dark*2-1-0.7*p.dot(m.sun)+0.6*(clouds(p.scale(1.1).add(m.field).add(vec{9, 9, 9}))-0.5))
	c := mix(m.base, m.shade, green)
	c = mix(c, m.blush, 0.92*red)
	c = c.scale(0.9 + 0.2*patch)
	spots := max(dots(p.scale(14).add(m.field), 0.5), 0.7*dots(p.scale(24).add(m.field), 0.4))
	c = mix(c, mix(m.base, rgb(0xe0c878), 0.5), 0.4*spots)
	c = mix(c, rgb(0x4a3a20), 0.35*dots(p.scale(7).add(m.field), 0.12))
	return skin{albedo: c, gloss: 0.5, shine: 0.45, scatter: 0.18}
}

func (m *mango) radius() float64 { return 1.12 }

// mangoKind sets the colours of a variety.
type mangoKind struct {
	base, blush, shade uint32
	cover, dark, cut   float64
}

func (k mangoKind) grow(d *dice) model {
	m := &mango{base: d.vary(rgb(k.base), 0.07), blush: d.vary(rgb(k.blush), 0.1), shade: d.vary(rgb(k.shade), 0.1),
		cover: k.cover, dark: k.dark, bend: d.between(0.14, 0.24), sun: d.direction().add(vec{0, 0.5, 0.4}).unit(), field: d.offset()}
	if d.chance(k.cut) {
		return hedgehog(d, m)
	}
	out := model{parts: []part{{solid: m, turn: upright(), size: 1, tint: mix(m.base, m.blush, 0.4),
		balls: []ball{{r: 0.6}, {at: vec{0, 0.38, 0}, r: 0.55}, {at: vec{-0.04, -0.4, 0}, r: 0.5}}}},
		half: 0.34, girth: 0.62, stance: lying}
	stem, at := newTube(vec{-m.bend + 0.06, 0.93, 0}, vec{-m.bend + 0.06, 1, 0}, vec{-m.bend + 0.1, 1.1, 0.03}, 0.04, 0.045, rgb(0x5a4424), rgb(0x4a3820))
	out = out.with(stem, at, upright(), 1)
	if d.chance(0.12) {
		turn := facing(vec{d.between(-0.3, 0.3), 1, d.between(-0.3, 0.3)}, d.between(0, 6.28))
		out = out.with(newLeaf(d, rgb(0x2f6a28)), vec{-m.bend, 1.05, 0}.add(turn.x.scale(0.8)), turn, 0.9)
	}
	return out
}

// hedgehog is a cheek cut off the stone, its flesh scored to cubes and pushed out.
func hedgehog(d *dice, m *mango) model {
	cubes := d.between(3.1, 3.8)
	scored := d.chance(0.85)
	whole := turned{m, frame{vec{1, 0, 0}, vec{0, 0, -1}, vec{0, 1, 0}}}
	groove := func(p vec) float64 {
		fx, fz := p.x*cubes, p.z*cubes
		return min(math.Abs(fx-math.Round(fx)), math.Abs(fz-math.Round(fz)))
	}
	grain := func(p vec) float64 {
		if !scored {
			return 0
		}
		rise := 0.3 * (1 - (p.x*p.x/0.45 + p.z*p.z))
		return max(rise, 0) - 0.17*ramp(0.13, 0.02, groove(p))*ramp(1, 0.7, p.x*p.x/0.4+p.z*p.z/0.9)
	}
	h := &half{whole: whole, normal: vec{0, 1, 0}, height: -0.1, grain: grain, ease: 0.3, face: func(p vec, deep float64) skin {
		c := mix(rgb(0xf7a81e), rgb(0xf28c10), clouds(p.scale(3).add(m.field)))
		c = c.scale(0.93 + 0.14*noise(vec{p.x * 9, p.y * 9, p.z * 3}.add(m.field)))
		return skin{albedo: mix(c, m.base, ramp(0.045, 0.01, deep)), gloss: 0.7, shine: 0.7, scatter: 0.45}
	}}
	out := round(h, 0.62, mix(m.base, rgb(0xf7a81e), 0.6), faceUp)
	out.parts[0].balls = []ball{{at: vec{0, -0.2, 0.45}, r: 0.5}, {at: vec{0, -0.2, -0.45}, r: 0.5}}
	out.half = 0.3
	return out
}

func mangos() crop {
	mixed := mangoKind{base: 0xe8a02a, blush: 0xb01c20, shade: 0x5c8a24, cover: 0.6, dark: 0.62}
	yellow := mangoKind{base: 0xf0a624, blush: 0xe2742a, shade: 0xd8b440, cover: 0.42, dark: 0.3}
	green := mangoKind{base: 0x8a9e34, blush: 0x9a4a2c, shade: 0x4f7a28, cover: 0.2, dark: 0.6}
	cut := mixed
	cut.cut = 0.55
	gold := yellow
	gold.cut = 0.5
	return crop{"mango", []variety{
		{"red-green", "red and green mango", "red, yellow and green", 6.2, false, mixed.grow},
		{"yellow", "yellow mango", "yellow", 5.8, false, yellow.grow},
		{"cut", "mango cut open", "orange", 6.2, true, cut.grow},
		{"red-green", "red and green mango", "red, yellow and green", 6.2, false, mixed.grow},
		{"green", "green mango", "green", 6.0, false, green.grow},
		{"cut", "mango cut open", "orange and yellow", 5.8, true, gold.grow},
	}, [][2]int{{2, 2}, {1, 1}, {3, 4}, {3, 5}, {2, 3}, {2, 3}, {6, 9}}, layPieces}
}
