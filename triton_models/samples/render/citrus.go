package main

import "math"

// peel is the whole fruit of orange, mandarin, grapefruit and lime: a ball with pores and a stem button.
type peel struct {
	colour, other vec     // main colour and that of its patches
	axes          vec     // half axes
	nipple        float64 // height of the point at the blossom end (-y)
	neck          float64 // height of the neck at the stem
	pores         float64 // cells of pores a local unit
	field         vec
}

func (o *peel) distance(p vec) float64 {
	d := ellipsoid(p, o.axes)
	if far := 0.35 + o.nipple; d > far {
		return (d - o.nipple) * 0.86
	}
	rho := hypot(p.x, p.z)
	if o.nipple > 0 {
		d = blend(d, ellipsoid(p.add(vec{0, o.axes.y - 0.02, 0}), vec{0.2, 0.1 + o.nipple, 0.2}), 0.3)
		d = blend(d, ellipsoid(p.sub(vec{0, o.axes.y - 0.02, 0}), vec{0.13, 0.03 + o.neck, 0.13}), 0.22)
	} else {
		folds := math.Abs(fivefold(p.x, rho))
		d += (0.09 + 0.02*folds) * math.Exp(-rho*rho/0.06) * ramp(0.2, 0.7, p.y)
	}
	return 0.86 * d
}

func (o *peel) relief(p vec) float64 {
	f, _, _ := cells(p.scale(o.pores).add(o.field))
	return 0.02*noise(p.scale(2.6).add(o.field)) - 0.085/o.pores*ramp(0.42, 0.1, f)
}

func (o *peel) skin(p, _ vec) skin {
	patch := clouds(p.scale(1.4).add(o.field))
	f, _, _ := cells(p.scale(o.pores).add(o.field))
	c := mix(o.colour, o.other, 0.8*ramp(0.5, 0.8, patch))
	c = c.scale(0.92 + 0.16*noise(p.scale(3).add(o.field)))
	c = c.scale(1 - 0.1*ramp(0.4, 0.1, f))
	rho := hypot(p.x, p.z)
	if p.y > 0.3 && o.nipple == 0 {
		star := 0.085 + 0.03*fivefold(p.x, rho)
		c = mix(c, rgb(0x6f7a34), ramp(star+0.02, star-0.01, rho))
	} else if p.y > 0.3 {
		c = mix(c, rgb(0x6a6a2c), ramp(0.05, 0.03, rho))
	}
	c = mix(c, rgb(0x6a5a2c), ramp(0.05, 0.03, rho)*ramp(-0.3, -0.6, p.y))
	return skin{albedo: c, gloss: 0.5, shine: 0.5, scatter: 0.2}
}

func (o *peel) radius() float64 {
	return max(o.axes.x, o.axes.y+max(o.nipple, o.neck)) + 0.12
}

// pulp is the look of a cut citrus fruit.
type pulp struct {
	flesh, pith, rind vec
	segments          int
	thick             float64 // of the white pith in local units
	turn              float64
	field             vec
}

// face draws the segments of a cut across the y axis; deep is the distance from the skin.
func (f *pulp) face(p vec, deep float64) skin {
	rho := hypot(p.x, p.z)
	a := (math.Atan2(p.z, p.x) + f.turn + 0.03*math.Sin(rho*7)) / (2 * math.Pi) * float64(f.segments)
	beside := math.Abs(a-math.Floor(a)-0.5) * 2 * math.Pi / float64(f.segments) // angle from the middle
	wall := (math.Pi/float64(f.segments) - beside) * rho                        // distance from the wall
	edge := min(wall-0.012, min(deep-f.thick, rho-0.1))
	// The corners of a segment are round: shrink it where wall and pith are both near.
	edge -= 0.03 * ramp(0.16, 0, wall) * ramp(0.16, 0, deep-f.thick)
	sac, next, id := cells(vec{a * 2.6, rho * 4.2, math.Floor(a)}.add(f.field))
	c := f.flesh.scale(0.8 + 0.4*id)
	c = mix(c, f.flesh.scale(1.25).add(vec{0.06, 0.05, 0.02}), 0.4*ramp(0.16, 0, next-sac))
	c = mix(f.pith, c, ramp(0, 0.022, edge))
	c = mix(f.rind, c, ramp(0.03, 0.055, deep))
	return skin{albedo: c, gloss: 0.75, shine: 0.7 * ramp(0, 0.03, edge), scatter: 0.5}
}

func (f *pulp) grain(p vec) float64 {
	return 0.012 * noise(p.scale(17).add(f.field))
}

func halve(d *dice, o *peel, flesh uint32, segments int, thick float64) model {
	f := &pulp{flesh: d.vary(rgb(flesh), 0.08), pith: rgb(0xf4ead0), rind: o.colour, segments: segments,
		thick: thick, turn: d.between(0, 6), field: d.offset()}
	h := &half{whole: o, normal: vec{0, 1, 0}, grain: f.grain, ease: 0.9, face: f.face}
	m := round(h, o.axes.x*0.97, mix(o.colour, f.flesh, 0.4), faceUp)
	m.parts[0].balls = []ball{{at: vec{0, -o.axes.y * 0.45, 0}, r: o.axes.y * 0.56}}
	return m
}

// citrusKind is what sets one citrus fruit apart from another.
type citrusKind struct {
	colour, other uint32
	axes          vec
	flesh         uint32
	segments      int
	thick         float64
	pores         float64
	leafy         float64
	nipple        float64
	cut           float64 // share of the fruits that are cut
}

func (k citrusKind) grow(d *dice) model {
	wide := d.between(0.96, 1.03)
	o := &peel{colour: d.vary(rgb(k.colour), 0.06), other: d.vary(rgb(k.other), 0.08),
		axes: vec{k.axes.x * wide, k.axes.y, k.axes.z * wide}, nipple: k.nipple, neck: k.nipple * 0.5, pores: k.pores, field: d.offset()}
	if d.chance(k.cut) {
		return halve(d, o, k.flesh, k.segments, k.thick)
	}
	m := round(o, (o.axes.x+o.axes.y)/2*0.98, o.colour, tumbled)
	if k.nipple > 0 {
		m.girth, m.half, m.stance = o.axes.x*0.97, o.axes.y-o.axes.x*0.9, lying
		m.parts[0].balls = []ball{{r: 0.72}, {at: vec{0, 0.35, 0}, r: 0.55}, {at: vec{0, -0.35, 0}, r: 0.55}}
	}
	if d.chance(k.leafy) {
		m.stance = standing
		stem, at := newTube(vec{0, 0.75, 0}, vec{0, 0.95, 0}, vec{0.1, 1.15, 0}, 0.06, 0.05, rgb(0x5a6a2c), rgb(0x4a5a24))
		m = m.with(stem, at, upright(), 1)
		for i := range d.count(1, 2) {
			turn := facing(vec{d.between(-0.5, 0.5), 1, d.between(-0.5, 0.5)}, d.between(0, 2)+3*float64(i))
			m = m.with(newLeaf(d, rgb(0x2f6a24)), vec{0, 0.98, 0}.add(turn.x.scale(0.6)), turn, 0.68)
		}
	}
	return m
}

func citrus() crop {
	orange := citrusKind{colour: 0xf58a12, other: 0xf7a02a, axes: vec{1, 0.97, 1}, flesh: 0xee7a0c, segments: 10, thick: 0.12, pores: 15, leafy: 0.06}
	halves := orange
	halves.cut = 0.6
	mandarin := citrusKind{colour: 0xf27a10, other: 0xf58e1c, axes: vec{1, 0.76, 1}, flesh: 0xec720c, segments: 10, thick: 0.09, pores: 13, leafy: 0.4}
	grapefruit := citrusKind{colour: 0xf2b63c, other: 0xee9a4c, axes: vec{1, 0.93, 1}, flesh: 0xe0533f, segments: 11, thick: 0.14, pores: 20, cut: 0.5}
	lime := citrusKind{colour: 0x5f9a22, other: 0x8fb53a, axes: vec{0.8, 0.92, 0.8}, flesh: 0xb3cc58, segments: 9, thick: 0.075, pores: 17, nipple: 0.1, cut: 0.4}
	return crop{"citrus", []variety{
		{"orange", "orange", "orange", 3.9, false, orange.grow},
		{"orange-half", "orange cut in half", "orange", 3.9, true, halves.grow},
		{"mandarin", "mandarin", "orange", 3.3, false, mandarin.grow},
		{"grapefruit", "grapefruit", "yellow and pink", 5.2, false, grapefruit.grow},
		{"lime", "lime", "green", 2.9, false, lime.grow},
		{"orange", "orange", "orange", 3.9, false, orange.grow},
	}, [][2]int{{2, 3}, {3, 4}, {4, 6}, {2, 3}, {4, 7}, {8, 14}, {1, 1}}, layPieces}
}
