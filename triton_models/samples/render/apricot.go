package main

import "math"

// apricot is a slightly flattened ball with one groove from the stem round to the tip.
type apricot struct {
	ground, blush vec
	sun           vec
	cover         float64
	field         vec
}

func (a *apricot) distance(p vec) float64 {
	d := ellipsoid(p, vec{0.97, 1, 0.93})
	if d > 0.3 {
		return d * 0.9
	}
	rho := hypot(p.x, p.z)
	if p.x > 0 {
		d += 0.12 * math.Exp(-p.z*p.z/0.012) * ramp(0, 0.35, p.x)
	}
	d += 0.17*math.Exp(-rho*rho/0.03)*ramp(0.3, 0.8, p.y) - 0.05*math.Exp(-rho*rho/0.01)*ramp(-0.3, -0.8, p.y)
	return 0.8 * d
}

func (a *apricot) relief(p vec) float64 {
	return 0.0012*noise(p.scale(30).add(a.field)) + 0.02*noise(p.scale(2.5).add(a.field))
}

func (a *apricot) skin(p, _ vec) skin {
	patch := clouds(p.scale(1.6).add(a.field))
	k := ramp(0.1, 0.85, a.cover+0.55*p.dot(a.sun)+0.5*(patch-0.5))
	freckle := dots(p.scale(11).add(a.field), 0.5)*0.6 + dots(p.scale(19).add(a.field), 0.4)*0.5
	c := mix(a.ground, a.blush, k*0.75+0.4*freckle*k)
	c = c.scale(0.9 + 0.2*patch)
	rho := hypot(p.x, p.z)
	c = mix(c, rgb(0x6a4a1c), 0.85*ramp(0.16, 0.07, rho)*ramp(0.3, 0.7, p.y))
	c = mix(c, rgb(0xd9a53c), 0.5*ramp(0.4, 0.15, rho)*ramp(0.2, 0.7, p.y))
	return skin{albedo: c, gloss: 0.15, shine: 0.18, scatter: 0.3, fuzz: 0.7}
}

func (a *apricot) radius() float64 { return 1.06 }

// stone is the pit that sits in a halved apricot.
type stone struct{ field vec }

func (s stone) distance(p vec) float64 { return 0.9 * ellipsoid(p, vec{0.36, 0.27, 0.46}) }

func (s stone) relief(p vec) float64 { return 0.02 * clouds(p.scale(12).add(s.field)) }

func (s stone) skin(p, _ vec) skin {
	c := mix(rgb(0x6b3f1c), rgb(0xa8713a), clouds(p.scale(8).add(s.field)))
	return skin{albedo: c, gloss: 0.3, shine: 0.35}
}

func (s stone) radius() float64 { return 0.5 }

func newApricot(d *dice, cover float64) *apricot {
	return &apricot{ground: d.vary(rgb(0xf0a548), 0.06), blush: d.vary(rgb(0xc8401e), 0.1),
		sun: d.direction(), cover: cover + d.between(-0.1, 0.1), field: d.offset()}
}

func growApricot(cover, leafy float64) func(*dice) model {
	return func(d *dice) model {
		a := newApricot(d, cover)
		m := round(a, 0.97, mix(a.ground, a.blush, 0.3), grooved)
		if d.chance(leafy) {
			turn := facing(vec{d.between(-0.5, 0.5), 1, d.between(-0.5, 0.5)}, d.between(0, 6.28))
			m = m.with(newLeaf(d, rgb(0x4f8a2c)), vec{0, 1, 0}.add(turn.x.scale(0.7)), turn, 0.8)
		}
		return m
	}
}

// growHalfApricot halves the fruit along its groove; some halves keep the stone, the others show its hollow.
func growHalfApricot(d *dice) model {
	if d.chance(0.3) {
		return growApricot(0.3, 0.2)(d)
	}
	a := newApricot(d, 0.25)
	field := d.offset()
	withStone := d.chance(0.55)
	hollow := func(p vec) float64 {
		q := vec{p.x / 0.4, p.y / 0.33, p.z / 0.5}.length()
		return -0.3 * max(0, 1-q*q*q)
	}
	h := &half{whole: a, normal: vec{0, 1, 0}, grain: hollow, ease: 0.5, face: func(p vec, deep float64) skin {
		ray := noise(vec{math.Atan2(p.z, p.x) * 7, deep, 0}.add(field))
		c := mix(rgb(0xf2a02c), rgb(0xe88418), ray*0.6+0.4*clouds(p.scale(6).add(field)))
		q := hypot(p.x/0.4, p.z/0.5)
		c = mix(c, rgb(0xc8641a), 0.75*ramp(1.08, 0.9, q))
		return skin{albedo: mix(c, a.ground, ramp(0.08, 0.01, deep)), gloss: 0.6, shine: 0.6, scatter: 0.4}
	}}
	// The cut runs through the stem: the fruit's own y axis lies in the face, along local z.
	h.whole = turned{a, frame{vec{0, -1, 0}, vec{0, 0, 1}, vec{-1, 0, 0}}}
	m := round(h, 0.95, a.ground, faceUp)
	m.parts[0].balls = []ball{{at: vec{0, -0.42, 0}, r: 0.55}}
	if withStone {
		m = m.with(stone{field}, vec{0, -0.02, 0}, upright(), 1)
	}
	return m
}

// turned is a solid seen in a rotated frame.
type turned struct {
	of   solid
	turn frame
}

func (t turned) distance(p vec) float64 { return t.of.distance(t.turn.toLocal(p)) }
func (t turned) relief(p vec) float64   { return t.of.relief(t.turn.toLocal(p)) }
func (t turned) skin(p, n vec) skin     { return t.of.skin(t.turn.toLocal(p), t.turn.toLocal(n)) }
func (t turned) radius() float64        { return t.of.radius() }

func apricots() crop {
	orange := variety{"orange", "apricot", "orange", 2.4, false, growApricot(0.4, 0.12)}
	blushed := variety{"blushed", "apricot with a red blush", "orange and red", 2.4, false, growApricot(0.62, 0.1)}
	leafy := variety{"leafy", "apricot with leaves", "orange", 2.4, false, growApricot(0.42, 0.55)}
	halved := variety{"halved", "apricot cut in half", "orange", 2.5, true, growHalfApricot}
	return crop{"apricot", []variety{orange, halved, blushed, leafy, halved},
		[][2]int{{3, 5}, {2, 2}, {6, 9}, {1, 1}, {10, 18}, {3, 5}, {4, 7}}, layPieces}
}
