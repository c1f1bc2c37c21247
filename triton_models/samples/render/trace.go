package main

import "math"

// scene is everything of one picture. It does not change while it is drawn.
type scene struct {
	bodies []*body
	ground ground
	light  light
	camera camera
	spread float64 // radius of the fruit on the table: beyond it the table goes out of focus
}

// span is the part of the ray that lies inside the body's bounding sphere.
func (b *body) span(o, d vec) (near, far float64, hit bool) {
	oc := b.at.sub(o)
	m := oc.dot(d)
	gap := oc.dot(oc) - m*m
	if gap >= b.reach*b.reach {
		return 0, 0, false
	}
	h := math.Sqrt(b.reach*b.reach - gap)
	return m - h, m + h, m+h > 0
}

// march walks the ray from near to far and gives the distance of the first hit.
func (b *body) march(o, d vec, near, far, close float64, steps int) (float64, bool) {
	lo, ld := b.local(o), b.turn.toLocal(d)
	t, end := max(near, 0)/b.size, far/b.size
	for range steps {
		s := b.solid.distance(lo.along(ld, t))
		if s < close {
			return t * b.size, true
		}
		if t += s; t > end {
			return 0, false
		}
	}
	return 0, false
}

// first is the nearest body that the ray meets before limit.
func (s *scene) first(o, d vec, limit float64) (*body, float64) {
	var found *body
	for _, b := range s.bodies {
		near, far, hit := b.span(o, d)
		if !hit || near > limit {
			continue
		}
		if t, hit := b.march(o, d, near, min(far, limit), 0.0012, 90); hit && t < limit {
			found, limit = b, t
		}
	}
	return found, limit
}

// shaded says whether anything stands between p and the light in direction d.
func (s *scene) shaded(p, d vec) bool {
	for _, b := range s.bodies {
		near, far, hit := b.span(p, d)
		if !hit {
			continue
		}
		if _, hit := b.march(p, d, near, far, 0.004, 40); hit {
			return true
		}
	}
	return false
}

// normal is the outward direction of the surface of b at p, with its relief.
func (b *body) normal(p vec) vec {
	const h = 0.004
	q := b.local(p)
	at := func(x, y, z float64) float64 {
		r := vec{q.x + x*h, q.y + y*h, q.z + z*h}
		return b.solid.distance(r) - b.solid.relief(r)
	}
	a, c, e, g := at(1, -1, -1), at(-1, -1, 1), at(-1, 1, -1), at(1, 1, 1)
	return b.turn.toWorld(vec{a - c - e + g, -a - c + e + g, -a + c - e + g}.unit())
}

// hemmed is the share of the sky that the neighbours of owner hide from p with normal n, and the light that their
// colours throw back instead.
func (s *scene) hemmed(p, n vec, owner *body) (hidden float64, glow vec) {
	open := 1.0
	for _, b := range s.bodies {
		if b.hollow {
			// A dish hides what lies within its reach along the normal.
			if b != owner {
				for _, h := range [2]float64{0.6, 2.2} {
					c := b.clearance(p.along(n, h))
					k := 0.5 * clamp(1-c/h, 0, 1)
					open *= 1 - k
					glow = glow.add(b.tint.scale(k * 0.5))
				}
			}
			continue
		}
		if b == owner {
			continue
		}
		for _, q := range b.balls {
			to := q.at.sub(p)
			far := to.dot(to)
			if far > 64*q.r*q.r {
				continue
			}
			l := math.Sqrt(far)
			h := max(l/q.r, 1.0001)
			k := clamp(0.5*(n.dot(to)/l*h+1)/(h*h), 0, 1)
			k *= math.Sqrt(k)
			open *= 1 - k
			glow = glow.add(b.tint.scale(k))
		}
	}
	return 1 - open, glow.scale(min(1, (1-open)/(glow.length()+1e-6)*0.9))
}

// folded is the share of the sky that the body hides from itself at p.
func (b *body) folded(p, n vec) float64 {
	q, m := b.local(p), b.turn.toLocal(n)
	hidden := 0.0
	for _, h := range [2]float64{0.07, 0.22} {
		hidden += 0.45 * clamp(1-b.solid.distance(q.along(m, h))/h-0.3, 0, 1)
	}
	return min(hidden, 0.85)
}
