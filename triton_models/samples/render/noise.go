package main

import (
	"math"
	"math/rand/v2"
)

// dice draws the random choices of one picture.
type dice struct{ *rand.Rand }

func newDice(seed uint64, fruit string, number int) *dice {
	// FNV-1a keeps the pictures of two fruits with one seed apart.
	h := uint64(14695981039346656037)
	for i := 0; i < len(fruit); i++ {
		h = (h ^ uint64(fruit[i])) * 1099511628211
	}
	return &dice{rand.New(rand.NewPCG(seed*0x9E3779B97F4A7C15+1, h+uint64(number)*0xD1B54A32D192ED03))}
}

func (d *dice) between(low, high float64) float64 { return low + (high-low)*d.Float64() }

func (d *dice) count(low, high int) int { return low + d.IntN(high-low+1) }

func (d *dice) chance(p float64) bool { return d.Float64() < p }

// direction is even over the unit sphere.
func (d *dice) direction() vec {
	y, a := d.between(-1, 1), d.between(0, 2*math.Pi)
	r := math.Sqrt(1 - y*y)
	return vec{r * math.Cos(a), y, r * math.Sin(a)}
}

// offset moves the noise field of one fruit away from that of its neighbours.
func (d *dice) offset() vec {
	return vec{d.between(0, 50), d.between(0, 50), d.between(0, 50)}
}

// vary shifts a colour a little in brightness and hue.
func (d *dice) vary(c vec, by float64) vec {
	k := d.between(1-by, 1+by)
	return vec{c.x * k * d.between(1-by/3, 1+by/3), c.y * k * d.between(1-by/3, 1+by/3), c.z * k}
}

// pick takes one of the given values.
func pick[T any](d *dice, from ...T) T { return from[d.IntN(len(from))] }

func scramble(x, y, z int32) uint32 {
	h := uint32(x)*0x8da6b343 ^ uint32(y)*0xd8163841 ^ uint32(z)*0xcb1ab31f
	h ^= h >> 15
	h *= 0x2c1b3c6d
	h ^= h >> 12
	h *= 0x297a2d39
	return h ^ h>>15
}

func unitOf(h uint32) float64 { return float64(h>>8) / (1 << 24) }

// noise is smooth value noise, 0 to 1, with features about one unit wide.
func noise(p vec) float64 {
	fx, fy, fz := math.Floor(p.x), math.Floor(p.y), math.Floor(p.z)
	x, y, z := int32(fx), int32(fy), int32(fz)
	u, v, w := p.x-fx, p.y-fy, p.z-fz
	u, v, w = u*u*(3-2*u), v*v*(3-2*v), w*w*(3-2*w)
	at := func(i, j, k int32) float64 { return unitOf(scramble(x+i, y+j, z+k)) }
	return lerp(
		lerp(lerp(at(0, 0, 0), at(1, 0, 0), u), lerp(at(0, 1, 0), at(1, 1, 0), u), v),
		lerp(lerp(at(0, 0, 1), at(1, 0, 1), u), lerp(at(0, 1, 1), at(1, 1, 1), u), v), w)
}

// clouds sums three octaves of noise, 0 to 1.
func clouds(p vec) float64 {
	q := vec{p.x*2.03 + 7.1, p.y*2.03 + 3.3, p.z*2.03 + 5.7}
	r := vec{p.x*4.1 + 1.9, p.y*4.1 + 8.2, p.z*4.1 + 2.4}
	return noise(p)*0.57 + noise(q)*0.29 + noise(r)*0.14
}

// dots is 1 in the middle of small round spots and 0 between them; share is the part of the unit cells that have
// a spot. Spots differ in size and stay inside their cell, so one cell is enough to look at.
func dots(p vec, share float64) float64 {
	fx, fy, fz := math.Floor(p.x), math.Floor(p.y), math.Floor(p.z)
	h := scramble(int32(fx), int32(fy), int32(fz))
	if unitOf(h) > share {
		return 0
	}
	h2 := scramble(int32(h&0xffff), int32(h>>16), 77)
	c := vec{0.35 + 0.3*float64(h2&255)/255, 0.35 + 0.3*float64(h2>>8&255)/255, 0.35 + 0.3*float64(h2>>16&255)/255}
	r := 0.12 + 0.22*float64(h2>>24)/255
	d := vec{p.x - fx, p.y - fy, p.z - fz}.sub(c).length()
	return ramp(r, r*0.4, d)
}

// cells gives the distance to the nearest and to the second nearest of points scattered one a unit cell, and a
// number, 0 to 1, of the nearest point.
func cells(p vec) (first, second, id float64) {
	fx, fy, fz := math.Floor(p.x), math.Floor(p.y), math.Floor(p.z)
	first, second = 9, 9
	for i := -1.0; i <= 1; i++ {
		for j := -1.0; j <= 1; j++ {
			for k := -1.0; k <= 1; k++ {
				h := scramble(int32(fx+i), int32(fy+j), int32(fz+k))
				c := vec{
					fx + i + 0.15 + 0.7*float64(h&1023)/1023,
					fy + j + 0.15 + 0.7*float64(h>>10&1023)/1023,
					fz + k + 0.15 + 0.7*float64(h>>20&1023)/1023,
				}
				d := c.sub(p)
				dd := d.dot(d)
				if dd < first {
					first, second, id = dd, first, unitOf(h*2654435761)
				} else if dd < second {
					second = dd
				}
			}
		}
	}
	return math.Sqrt(first), math.Sqrt(second), id
}
