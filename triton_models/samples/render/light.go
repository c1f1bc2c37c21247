package main

import "math"

// light is one lighting: a main lamp or sun of some size, the light from all sides, and a faint one from behind.
type light struct {
	name    string
	toward  vec     // to the lamp
	lamp    vec     // its strength and colour
	spread  float64 // its radius seen from the fruit, in radians: large makes soft shadows
	above   vec     // light from overhead
	around  vec     // light from the horizon
	rim     vec
	rimFrom vec
	window  float64 // how much the lamp shows as a window in glossy skin
	across  vec     // the window's horizontal axis
}

func lightAt(azimuth, height float64) vec {
	return vec{math.Sin(azimuth) * math.Cos(height), math.Sin(height), math.Cos(azimuth) * math.Cos(height)}
}

// newLight draws one of the lightings. Azimuth 0 is behind the camera and pi is behind the fruit.
func newLight(d *dice) light {
	side := pick(d, -1.0, 1.0)
	l := pick(d,
		light{name: "soft daylight", toward: lightAt(side*d.between(0.6, 2.2), d.between(0.6, 1.1)), lamp: rgb(0xfff6ea).scale(1.55),
			spread: 0.3, above: rgb(0xdfe8f4).scale(0.62), around: rgb(0xe4e6e8).scale(0.42), rim: rgb(0xe8f0ff).scale(0.25), window: 1},
		light{name: "warm evening light", toward: lightAt(side*d.between(0.9, 2.3), d.between(0.35, 0.6)), lamp: rgb(0xffd4a6).scale(2.3),
			spread: 0.1, above: rgb(0xc8c0d0).scale(0.45), around: rgb(0xf0d6bc).scale(0.32), rim: rgb(0xffd8a0).scale(0.3), window: 0.7},
		light{name: "hard side light", toward: lightAt(side*d.between(1.2, 1.8), d.between(0.4, 0.75)), lamp: rgb(0xfffaf0).scale(2.3),
			spread: 0.03, above: rgb(0xe0e4ec).scale(0.36), around: rgb(0xe0e0e4).scale(0.25), rim: rgb(0xffffff).scale(0.2), window: 0.6},
		light{name: "bright studio light", toward: lightAt(side*d.between(0.3, 1.0), d.between(0.7, 1.15)), lamp: rgb(0xffffff).scale(1.5),
			spread: 0.24, above: rgb(0xffffff).scale(0.72), around: rgb(0xffffff).scale(0.5), rim: rgb(0xffffff).scale(0.35), window: 1.1},
		light{name: "overcast daylight", toward: lightAt(side*d.between(0.4, 2.0), d.between(0.8, 1.3)), lamp: rgb(0xf2f6ff).scale(0.8),
			spread: 0.45, above: rgb(0xe4ecf8).scale(0.95), around: rgb(0xe2e6ec).scale(0.6), rim: rgb(0xe8f0ff).scale(0.15), window: 0.8},
	)
	l.rimFrom = lightAt(math.Pi-side*0.5, 0.35)
	l.across = vec{0, 1, 0}.cross(l.toward).unit()
	return l
}

// glint is what a mirror-like skin sees in the direction r; blur runs from 0 (sharp) to 1.
func (l *light) glint(r vec, blur float64) (lamp, sky float64) {
	upright := l.toward.cross(l.across)
	w := 0.17 + 0.3*l.spread
	ahead := r.dot(l.toward)
	if ahead > 0 {
		soft := 0.03 + 0.9*blur*blur
		u, v := math.Abs(r.dot(l.across)), math.Abs(r.dot(upright))
		area := w / (w + soft)
		lamp = ramp(w+soft, w-soft*0.5, u) * ramp(w*1.25+soft, w*1.25-soft*0.5, v) * area * area
	}
	return lamp * l.window, 0.35 + 0.65*clamp(r.y, 0, 1)
}
