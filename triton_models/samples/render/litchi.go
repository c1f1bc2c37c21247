package main

import "math"

// scales is the height and the tone of a litchi's bumps over the directions of a cube map: looking them up is far
// cheaper than finding the nearest bump at every step of a ray.
type scales struct {
	height, tone []float32
}

const scaleSide = 72 // cells along an edge of the cube map

func newScales(d *dice) *scales {
	s := &scales{make([]float32, 6*scaleSide*scaleSide), make([]float32, 6*scaleSide*scaleSide)}
	field, freq := d.offset(), d.between(5.4, 6.6)
	for f := range 6 {
		for j := range scaleSide {
			for i := range scaleSide {
				u, v := (float64(i)+0.5)/scaleSide*2-1, (float64(j)+0.5)/scaleSide*2-1
				first, second, id := cells(cubeDirection(f, u, v).scale(freq).add(field))
				bump := ramp(0, 0.5, second-first)
				k := (f*scaleSide+j)*scaleSide + i
				s.height[k] = float32(bump*0.7 + 0.5*ramp(0.35, 0, first))
				s.tone[k] = float32(id)
			}
		}
	}
	return s
}

func cubeDirection(f int, u, v float64) vec {
	switch f {
	case 0:
		return vec{1, u, v}.unit()
	case 1:
		return vec{-1, u, v}.unit()
	case 2:
		return vec{u, 1, v}.unit()
	case 3:
		return vec{u, -1, v}.unit()
	case 4:
		return vec{u, v, 1}.unit()
	}
	return vec{u, v, -1}.unit()
}

// at looks up the bumps in the direction of p, heights smoothed between the four nearest cells.
func (s *scales) at(p vec) (height, tone float64) {
	ax, ay, az := math.Abs(p.x), math.Abs(p.y), math.Abs(p.z)
	var f int
	var u, v, m float64
	switch {
	case ax >= ay && ax >= az:
		f, u, v, m = 0, p.y, p.z, p.x
	case ay >= az:
		f, u, v, m = 2, p.x, p.z, p.y
	default:
		f, u, v, m = 4, p.x, p.y, p.z
	}
	if m < 0 {
		f, m = f+1, -m
	}
	m = max(m, 1e-9)
	gu := clamp((u/m+1)/2*scaleSide-0.5, 0, scaleSide-1.001)
	gv := clamp((v/m+1)/2*scaleSide-0.5, 0, scaleSide-1.001)
	i, j := int(gu), int(gv)
	k := (f*scaleSide+j)*scaleSide + i
	x, y := gu-float64(i), gv-float64(j)
	top := lerp(float64(s.height[k]), float64(s.height[k+1]), x)
	low := lerp(float64(s.height[k+scaleSide]), float64(s.height[k+scaleSide+1]), x)
	return lerp(top, low, y), float64(s.tone[k])
}

// litchi is a rough red ball; peeled above the ragged line at height bare, where the white flesh shows.
type litchi struct {
	scales      *scales
	red, groove vec
	bare        float64 // 2 for a whole fruit
	field       vec
}

// hull is the body without its bumps: an egg, blunt at the stem.
func (l *litchi) hull(p vec) float64 {
	wide := 0.97 + 0.06*clamp(p.y, -1, 1)
	return ellipsoid(vec{p.x / wide, p.y, p.z / wide}, vec{0.93, 1, 0.93}) * 0.92
}

func (l *litchi) edge(p vec) float64 {
	return l.bare + 0.12*(noise(vec{p.x * 4, 0, p.z * 4}.add(l.field))-0.5) - p.y
}

func (l *litchi) distance(p vec) float64 {
	d := l.hull(p)
	if d > 0.2 {
		return d - 0.08
	}
	h, _ := l.scales.at(p)
	shell := d - 0.07*h
	if l.bare < 1 {
		return 0.75 * min(d+0.05, max(shell, -l.edge(p)))
	}
	return 0.75 * shell
}

func (l *litchi) relief(p vec) float64 {
	if l.peeledAt(p) {
		return 0
	}
	return 0.01 * noise(p.scale(15).add(l.field))
}

func (l *litchi) peeledAt(p vec) bool { return l.bare < 1 && l.edge(p) < 0.01 }

func (l *litchi) skin(p, _ vec) skin {
	if l.peeledAt(p) {
		c := mix(rgb(0xb8b2aa), rgb(0xd4d0c8), clouds(p.scale(2).add(l.field)))
		c = c.scale(0.94 + 0.06*noise(vec{math.Atan2(p.z, p.x) * 6, p.y, 0}.add(l.field)))
		return skin{albedo: c, gloss: 0.85, shine: 1, scatter: 0.85}
	}
	h, tone := l.scales.at(p)
	patch := clouds(p.scale(1.2).add(l.field))
	c := mix(l.groove, l.red, ramp(0.05, 0.6, h))
	c = c.scale(0.75 + 0.5*tone)
	c = mix(c, rgb(0xb08a4a), 0.6*ramp(0.6, 0.85, patch))
	c = mix(c, rgb(0x5a2a20), 0.25*ramp(0.85, 1.15, h))
	c = mix(c, rgb(0x6a4428), ramp(0.14, 0.06, hypot(p.x, p.z))*ramp(0.3, 0.6, p.y))
	return skin{albedo: c, gloss: 0.3, shine: 0.25, scatter: 0.12}
}

func (l *litchi) radius() float64 { return 1.16 }

func growLitchi(red, groove uint32, peeled, twig float64) func(*dice) model {
	return func(d *dice) model {
		l := &litchi{scales: newScales(d), red: d.vary(rgb(red), 0.14), groove: d.vary(rgb(groove), 0.1), bare: 2, field: d.offset()}
		if d.chance(peeled) {
			l.bare = d.between(-0.1, 0.35)
			m := round(l, 0.97, mix(l.red, rgb(0xf0e8e0), 0.5), faceUp)
			return m
		}
		m := round(l, 0.98, l.red, tumbled)
		if d.chance(twig) {
			stem, at := newTube(vec{0, 0.9, 0}, vec{d.between(-0.2, 0.2), 1.3, 0}, vec{d.between(-0.5, 0.5), d.between(1.4, 1.9), d.between(-0.4, 0.4)},
				0.07, 0.045, rgb(0x6a4a2c), rgb(0x5a3c22))
			m = m.with(stem, at, upright(), 1)
			m.stance = standing
		}
		return m
	}
}

func litchis() crop {
	red := variety{"red", "red litchi", "red", 1.75, false, growLitchi(0xb63238, 0xc8685c, 0, 0.3)}
	peeled := variety{"peeled", "peeled litchi", "red and white", 1.75, true, growLitchi(0xb02c34, 0xc26054, 0.3, 0.1)}
	brown := variety{"brownish", "brownish red litchi", "reddish brown", 1.75, false, growLitchi(0x9a3a34, 0xb87a58, 0, 0.3)}
	return crop{"litchi", []variety{red, peeled, red, brown, peeled},
		[][2]int{{6, 9}, {3, 4}, {12, 18}, {2, 3}, {4, 6}, {1, 1}, {20, 26}}, layPieces}
}
