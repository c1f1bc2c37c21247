package main

import "math"

// plate is a shallow dish of revolution with its foot at y = 0, in centimetres.
type plate struct {
	smooth
	wide  float64 // radius
	glaze vec
	band  vec // colour of a ring on the rim
}

func (q *plate) level(rho float64) float64 {
	return 0.7 + 0.11*q.wide*ramp(0.62*q.wide, 1.05*q.wide, rho)
}

func (q *plate) distance(p vec) float64 {
	rho := hypot(p.x, p.z)
	sheet := math.Abs(p.y-q.level(rho)) - 0.25
	foot := max(rho-0.55*q.wide, max(p.y-0.7, -p.y))
	return 0.85 * min(max(sheet, rho-q.wide), foot)
}

func (q *plate) skin(p, _ vec) skin {
	rho := hypot(p.x, p.z) / q.wide
	c := mix(q.glaze, q.band, ramp(0.015, 0.01, math.Abs(rho-0.95)))
	return skin{albedo: c, gloss: 0.85, shine: 0.7}
}

func (q *plate) radius() float64 { return q.wide * 1.03 }

// bowl is a cut spherical shell that stands on a small foot at y = 0, in centimetres.
type bowl struct {
	smooth
	wide          float64 // radius of the sphere
	high          float64 // height of the rim
	inside, outer vec
	wooden        bool
}

func (q *bowl) distance(p vec) float64 {
	rho := hypot(p.x, p.z)
	y := p.y - q.wide
	wall := math.Abs(hypot(rho, y)-q.wide+0.3) - 0.3
	cut := max(wall, p.y-q.high)
	foot := max(math.Abs(rho-0.38*q.wide)-0.3, max(p.y-0.12*q.wide, -p.y))
	return 0.9 * min(cut, foot)
}

func (q *bowl) skin(p, _ vec) skin {
	rho := hypot(p.x, p.z)
	c := q.outer
	if hypot(rho, p.y-q.wide) < q.wide-0.3 {
		c = q.inside
	}
	if q.wooden {
		ring := noise(vec{p.x * 0.15, p.y * 1.3, p.z * 0.5})
		return skin{albedo: c.scale(0.7 + 0.6*ring), gloss: 0.4, shine: 0.3}
	}
	return skin{albedo: c, gloss: 0.85, shine: 0.7}
}

func (q *bowl) radius() float64 { return max(q.high, q.wide) * 1.45 }

// board is a flat wooden cutting board with its foot at y = 0, in centimetres.
type board struct {
	smooth
	half vec // half edges
	wood vec
}

func (q *board) distance(p vec) float64 { return box(p.sub(vec{0, q.half.y, 0}), q.half, 0.35) }

func (q *board) skin(p, _ vec) skin {
	return skin{albedo: grain(p, q.wood), gloss: 0.35, shine: 0.25}
}

func (q *board) radius() float64 { return q.half.length() * 1.05 }

// crate is an open box of wooden slats with its foot at y = 0, in centimetres.
type crate struct {
	smooth
	half vec // inner half edges; half.y is half the height
	wood vec
}

func (q *crate) distance(p vec) float64 {
	const slat = 0.45
	x, z := math.Abs(p.x), math.Abs(p.z)
	d := box(vec{p.x, p.y - slat, p.z}, vec{q.half.x, slat, q.half.z}, 0.1)
	gap := q.half.y // two slats a side, one above the other
	y := math.Abs(p.y-gap-0.2) - gap*0.5
	d = min(d, box(vec{x - q.half.x - slat, y, p.z}, vec{slat, gap * 0.4, q.half.z + slat*2}, 0.1))
	d = min(d, box(vec{p.x, y, z - q.half.z - slat}, vec{q.half.x + slat*2, gap * 0.4, slat}, 0.1))
	return min(d, box(vec{x - q.half.x + slat, p.y - gap, z - q.half.z + slat}, vec{slat, gap, slat}, 0.1))
}

func (q *crate) skin(p, n vec) skin {
	g := vec{p.x, p.y, p.z}
	if math.Abs(n.x) > 0.7 {
		g = vec{p.z, p.y, p.x}
	} else if math.Abs(n.z) > 0.7 {
		g = vec{p.x + 31, p.y, p.z}
	}
	return skin{albedo: grain(vec{g.x, g.z * 0.2, g.y}, q.wood), gloss: 0.15, shine: 0.12}
}

func (q *crate) radius() float64 {
	return vec{q.half.x + 1, q.half.y * 2, q.half.z + 1}.length() * 1.05
}

// grain is the colour of wood whose fibres run along x.
func grain(p, wood vec) vec {
	wave := clouds(vec{p.x * 0.06, p.y * 0.3, p.z * 0.25})
	ring := 0.5 + 0.5*math.Sin((p.z*0.9+wave*9)*1.9)
	fibre := noise(vec{p.x * 0.35, p.y * 3, p.z * 7})
	return wood.scale(0.7 + 0.22*ring + 0.2*fibre + 0.2*(wave-0.5))
}
