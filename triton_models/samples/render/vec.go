package main

import "math"

// vec is a point or direction (centimetres or local units), or a linear RGB colour.
type vec struct{ x, y, z float64 }

func (a vec) add(b vec) vec              { return vec{a.x + b.x, a.y + b.y, a.z + b.z} }
func (a vec) sub(b vec) vec              { return vec{a.x - b.x, a.y - b.y, a.z - b.z} }
func (a vec) mul(b vec) vec              { return vec{a.x * b.x, a.y * b.y, a.z * b.z} }
func (a vec) scale(k float64) vec        { return vec{a.x * k, a.y * k, a.z * k} }
func (a vec) dot(b vec) float64          { return a.x*b.x + a.y*b.y + a.z*b.z }
func (a vec) length() float64            { return math.Sqrt(a.dot(a)) }
func (a vec) along(d vec, t float64) vec { return vec{a.x + d.x*t, a.y + d.y*t, a.z + d.z*t} }

func (a vec) cross(b vec) vec {
	return vec{a.y*b.z - a.z*b.y, a.z*b.x - a.x*b.z, a.x*b.y - a.y*b.x}
}

// unit is a scaled to length one; the zero vector becomes +y.
func (a vec) unit() vec {
	l := a.length()
	if l < 1e-12 {
		return vec{0, 1, 0}
	}
	return a.scale(1 / l)
}

// mix is a at k = 0 and b at k = 1.
func mix(a, b vec, k float64) vec { return a.scale(1 - k).add(b.scale(k)) }

// lerp is a at k = 0 and b at k = 1.
func lerp(a, b, k float64) float64 { return a + (b-a)*k }

func clamp(x, low, high float64) float64 { return max(low, min(high, x)) }

// hypot is math.Hypot without its care for huge and tiny values, which no scene has.
func hypot(x, y float64) float64 { return math.Sqrt(x*x + y*y) }

// ramp rises smoothly from 0 at low to 1 at high; it falls when low > high.
func ramp(low, high, x float64) float64 {
	t := clamp((x-low)/(high-low), 0, 1)
	return t * t * (3 - 2*t)
}

// blend is the smaller of a and b with the edge between them rounded over the width k.
func blend(a, b, k float64) float64 {
	h := max(k-math.Abs(a-b), 0) / k
	return min(a, b) - h*h*k*0.25
}

// frame is a rotation; its columns are where the local axes point in the world.
type frame struct{ x, y, z vec }

func upright() frame { return frame{vec{1, 0, 0}, vec{0, 1, 0}, vec{0, 0, 1}} }

// facing is a frame whose y axis is the direction up, turned about it by spin radians.
func facing(up vec, spin float64) frame {
	y := up.unit()
	side := vec{1, 0, 0}
	if math.Abs(y.x) > 0.8 {
		side = vec{0, 0, 1}
	}
	a := side.sub(y.scale(side.dot(y))).unit()
	b := a.cross(y)
	x := a.scale(math.Cos(spin)).add(b.scale(math.Sin(spin)))
	return frame{x, y, x.cross(y)}
}

func (f frame) toWorld(p vec) vec {
	return f.x.scale(p.x).add(f.y.scale(p.y)).add(f.z.scale(p.z))
}

func (f frame) toLocal(p vec) vec { return vec{f.x.dot(p), f.y.dot(p), f.z.dot(p)} }

// then is the frame g carried along by f.
func (f frame) then(g frame) frame {
	return frame{f.toWorld(g.x), f.toWorld(g.y), f.toWorld(g.z)}
}

// rgb reads a 0xRRGGBB sRGB colour as linear light.
func rgb(hex uint32) vec {
	channel := func(shift uint) float64 {
		c := float64(hex>>shift&255) / 255
		if c <= 0.04045 {
			return c / 12.92
		}
		return math.Pow((c+0.055)/1.055, 2.4)
	}
	return vec{channel(16), channel(8), channel(0)}
}
