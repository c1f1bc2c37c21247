package main

import "math"

// tube is a bent stem: a chain of points with a radius that runs from thick to thin. Its origin is the middle of
// the chain, so that its bounding sphere is small.
type tube struct {
	smooth
	points      []vec
	thick, thin float64
	foot, tip   vec // colours at the first and last point
	reach       float64
}

// newTube bends a tube from a over the control point c to b. The second value is where its origin lies.
func newTube(a, c, b vec, thick, thin float64, foot, tip vec) (*tube, vec) {
	const links = 7
	mid := a.add(b).scale(0.5)
	t := &tube{thick: thick, thin: thin, foot: foot, tip: tip}
	for i := range links + 1 {
		u := float64(i) / links
		p := mix(mix(a, c, u), mix(c, b, u), u).sub(mid)
		t.points = append(t.points, p)
		t.reach = max(t.reach, p.length()+max(thick, thin)*1.3)
	}
	return t, mid
}

// nearest is the distance to the tube and the place along it, 0 to 1.
func (t *tube) nearest(p vec) (d, along float64) {
	d = math.Inf(1)
	last := float64(len(t.points) - 1)
	for i := 1; i < len(t.points); i++ {
		a := t.points[i-1]
		ab, ap := t.points[i].sub(a), p.sub(a)
		h := clamp(ap.dot(ab)/ab.dot(ab), 0, 1)
		u := (float64(i-1) + h) / last
		if e := ap.along(ab, -h).length() - lerp(t.thick, t.thin, u); e < d {
			d, along = e, u
		}
	}
	return d, along
}

func (t *tube) distance(p vec) float64 {
	d, _ := t.nearest(p)
	return d
}

func (t *tube) skin(p, _ vec) skin {
	_, u := t.nearest(p)
	c := mix(t.foot, t.tip, u).scale(0.75 + 0.5*noise(p.scale(14)))
	return skin{albedo: c, gloss: 0.3, shine: 0.3, scatter: 0.15}
}

func (t *tube) radius() float64 { return t.reach }

// leaf is a blade along +x from the origin's left to its right (x from -1 to 1), a little folded and arched.
type leaf struct {
	smooth
	width, arch, fold float64
	colour            vec
	field             vec
}

func newLeaf(d *dice, colour vec) *leaf {
	return &leaf{width: d.between(0.36, 0.48), arch: d.between(0.1, 0.35), fold: d.between(0.05, 0.3),
		colour: d.vary(colour, 0.15), field: d.offset()}
}

func (l *leaf) outline(x float64) float64 {
	u := clamp((x+1)/2, 0, 1)
	return l.width * 1.85 * math.Sqrt(u*math.Sqrt(u)) * (1 - u)
}

func (l *leaf) distance(p vec) float64 {
	sheet := p.y + l.arch*p.x*p.x - l.fold*math.Abs(p.z) - 0.02*math.Sin(p.x*9+l.field.x)*math.Abs(p.z)/l.width
	plan := max(math.Abs(p.z)-l.outline(p.x), math.Abs(p.x)-1)
	return 0.6 * max(plan, math.Abs(sheet)-0.012)
}

func (l *leaf) skin(p, _ vec) skin {
	rib := ramp(0.035, 0.01, math.Abs(p.z))
	vein := ramp(0.82, 0.97, math.Cos((p.x-math.Abs(p.z)*0.9)*26))
	c := l.colour.scale(0.75 + 0.5*clouds(p.scale(5).add(l.field)))
	c = mix(c, l.colour.scale(1.8).add(vec{0.03, 0.04, 0}), 0.65*max(rib, vein*0.5))
	return skin{albedo: c, gloss: 0.45, shine: 0.5, scatter: 0.5}
}

func (l *leaf) radius() float64 { return 1.15 }

// half is the part of a whole fruit below the plane dot(p, normal) = height, with a face for the cut.
type half struct {
	whole  solid
	normal vec
	height float64
	grain  func(p vec) float64            // height of the cut face
	ease   float64                        // cosine of the steepest slope of grain, which keeps distances safe
	face   func(p vec, deep float64) skin // deep is the depth below the fruit's skin in local units
}

func (h *half) above(p vec) float64 { return p.dot(h.normal) - h.height }

func (h *half) distance(p vec) float64 {
	return max(h.whole.distance(p), h.ease*(h.above(p)-h.grain(p)))
}

func (h *half) relief(p vec) float64 {
	if h.whole.distance(p) > -0.01 {
		return h.whole.relief(p)
	}
	return 0
}

func (h *half) skin(p, n vec) skin {
	if deep := -h.whole.distance(p); deep > 0.006 {
		return h.face(p, deep)
	}
	return h.whole.skin(p, n)
}

func (h *half) radius() float64 { return h.whole.radius() }
