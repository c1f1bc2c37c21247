package main

import "math"

// skin is what light meets at one point of a surface. Colours are linear RGB.
type skin struct {
	albedo  vec     // diffuse reflectance
	gloss   float64 // 0 dull to 1 mirror-sharp highlights
	shine   float64 // strength of the highlights; 1 is wet fruit
	scatter float64 // 0 opaque to 1 translucent: light wraps round the form and fills its shadows
	fuzz    float64 // pale velvet seen at grazing angles
}

// solid is a shape in its own units, inside the sphere of radius() about its origin. Implementations hold no
// state that changes, so they are safe for concurrent use.
type solid interface {
	// distance is at most the distance from p to the surface, negative inside.
	distance(p vec) float64
	// relief is a small height above the surface near p, seen in the shading only.
	relief(p vec) float64
	// skin describes the surface at p with outward normal n.
	skin(p, n vec) skin
	radius() float64
}

// smooth is embedded by solids without relief.
type smooth struct{}

func (smooth) relief(vec) float64 { return 0 }

// ellipsoid is close to the signed distance to an ellipsoid with the half axes s.
func ellipsoid(p, s vec) float64 {
	a := vec{p.x / s.x, p.y / s.y, p.z / s.z}
	b := vec{a.x / s.x, a.y / s.y, a.z / s.z}
	k := b.length()
	if k < 1e-9 {
		return -min(s.x, min(s.y, s.z))
	}
	l := a.length()
	return l * (l - 1) / k
}

// box is the signed distance to a box with the half edges h, its corners rounded by r.
func box(p, h vec, r float64) float64 {
	q := vec{math.Abs(p.x) - h.x + r, math.Abs(p.y) - h.y + r, math.Abs(p.z) - h.z + r}
	out := vec{max(q.x, 0), max(q.y, 0), max(q.z, 0)}.length()
	return out + min(max(q.x, max(q.y, q.z)), 0) - r
}

// fivefold is cos(5a) of the angle a of (x, z) about the y axis, rho its distance from that axis.
func fivefold(x, rho float64) float64 {
	if rho < 1e-9 {
		return 0
	}
	c := x / rho
	cc := c * c
	return c * (5 + cc*(16*cc-20))
}

// ball is a sphere that stands for a part of a body where light that comes from all sides is worked out.
type ball struct {
	at vec
	r  float64
}

// body is a solid put into the world.
type body struct {
	solid  solid
	at     vec
	turn   frame
	size   float64 // centimetres per local unit
	reach  float64 // radius of the bounding sphere in centimetres
	tint   vec     // mean colour, for the light it throws on its neighbours
	balls  []ball  // in the world; empty for dishes and thin things
	hollow bool    // a dish: its shape, not its balls, keeps light away
}

func newBody(s solid, at vec, turn frame, size float64) *body {
	return &body{solid: s, at: at, turn: turn, size: size, reach: s.radius() * size}
}

func (b *body) local(p vec) vec { return b.turn.toLocal(p.sub(b.at)).scale(1 / b.size) }

// clearance is the signed distance from the world point p to the body in centimetres.
func (b *body) clearance(p vec) float64 { return b.solid.distance(b.local(p)) * b.size }

// away is the direction from the body's surface to the world point p.
func (b *body) away(p vec) vec {
	const h = 0.01
	d := b.clearance(p)
	return vec{
		b.clearance(p.add(vec{h, 0, 0})) - d,
		b.clearance(p.add(vec{0, h, 0})) - d,
		b.clearance(p.add(vec{0, 0, h})) - d,
	}.unit()
}

// lowest is the least y of the body's surface, found by walking in from its bounding sphere along rays to the
// origin, which meets the surface of every shape that is star-shaped about it.
func (b *body) lowest() float64 {
	low := math.Inf(1)
	const rays = 260
	for i := range rays {
		y := 1 - 2*(float64(i)+0.5)/rays
		r, a := math.Sqrt(1-y*y), float64(i)*2.399963229728653
		d := b.turn.toLocal(vec{r * math.Cos(a), y, r * math.Sin(a)})
		t := b.solid.radius()
		for range 40 {
			step := b.solid.distance(d.scale(t))
			if t -= step; step < 0.002 || t < 0 {
				break
			}
		}
		low = min(low, b.at.y+y*max(t, 0)*b.size)
	}
	return low
}
