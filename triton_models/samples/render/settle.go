package main

// pebble is a capsule that falls into place: a round fruit when both ends are one point.
type pebble struct {
	a, b   vec
	length float64 // distance between the ends that the fall keeps
	r      float64
	home   vec     // where it is drawn to, on its own height
	pull   float64 // share of the way home at each step
}

func (p *pebble) centre() vec { return p.a.add(p.b).scale(0.5) }

// move shifts the point at share h between the ends.
func (p *pebble) move(by vec, h float64) {
	k := 1 / ((1-h)*(1-h) + h*h)
	p.a = p.a.along(by, (1-h)*k)
	p.b = p.b.along(by, h*k)
}

// settle lets the pebbles fall onto the table at y = 0 and into the dishes until they rest side by side. It moves
// positions only, so it always ends: what still overlaps after the last round stays so.
func settle(pebbles []*pebble, dishes []*body, rounds int) {
	for round := range rounds {
		fall := 0.1 * (1 - 0.85*float64(round)/float64(rounds))
		for _, p := range pebbles {
			home := p.home.sub(p.centre()).scale(p.pull)
			step := vec{home.x, home.y - fall*p.r, home.z}
			p.a, p.b = p.a.add(step), p.b.add(step)
		}
		for range 2 {
			for i, p := range pebbles {
				for _, q := range pebbles[:i] {
					separate(p, q)
				}
			}
			for _, p := range pebbles {
				p.hold()
				p.stay(dishes)
			}
		}
	}
}

// hold restores the capsule's length.
func (p *pebble) hold() {
	if p.length == 0 {
		m := p.centre()
		p.a, p.b = m, m
		return
	}
	d := p.b.sub(p.a)
	l := d.length()
	by := d.scale((l - p.length) / (2 * max(l, 1e-9)))
	p.a, p.b = p.a.add(by), p.b.sub(by)
}

// stay pushes the capsule out of the table and of the dishes.
func (p *pebble) stay(dishes []*body) {
	for _, h := range [3]float64{0, 1, 0.5} {
		if p.length == 0 && h > 0 {
			return
		}
		c := mix(p.a, p.b, h)
		if c.y < p.r {
			p.move(vec{0, p.r - c.y, 0}, h)
		}
		for _, dish := range dishes {
			c = mix(p.a, p.b, h)
			if gap := dish.clearance(c); gap < p.r {
				p.move(dish.away(c).scale((p.r-gap)*0.8), h)
			}
		}
	}
}

// separate moves two capsules apart where they overlap.
func separate(p, q *pebble) {
	reach := p.r + q.r
	if p.centre().sub(q.centre()).length() > reach+(p.length+q.length)/2 {
		return
	}
	h, k := closest(p.a, p.b, q.a, q.b)
	d := mix(p.a, p.b, h).sub(mix(q.a, q.b, k))
	l := d.length()
	if l >= reach {
		return
	}
	by := d.unit().scale((reach - l) / 2)
	p.move(by, h)
	q.move(by.scale(-1), k)
}

// closest gives the shares along the segments a-b and c-d where they come nearest to each other.
func closest(a, b, c, d vec) (h, k float64) {
	u, v, w := b.sub(a), d.sub(c), a.sub(c)
	uu, vv, uv, uw, vw := u.dot(u), v.dot(v), u.dot(v), u.dot(w), v.dot(w)
	if uu < 1e-9 && vv < 1e-9 {
		return 0.5, 0.5
	}
	if vv < 1e-9 {
		return clamp(-uw/uu, 0, 1), 0.5
	}
	if uu < 1e-9 {
		return 0.5, clamp(vw/vv, 0, 1)
	}
	if den := uu*vv - uv*uv; den > 1e-9 {
		h = clamp((uv*vw-vv*uw)/den, 0, 1)
	}
	k = clamp((uv*h+vw)/vv, 0, 1)
	return clamp((uv*k-uw)/uu, 0, 1), k
}
