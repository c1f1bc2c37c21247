package main

import (
	"image"
	"math"
)

// draw renders the picture with the given number of rays a pixel.
func (p *picture) draw(samples int) *image.RGBA {
	out := image.NewRGBA(image.Rect(0, 0, p.width, p.height))
	for y := range p.height {
		for x := range p.width {
			dot := p.pixel(x, y, samples)
			copy(out.Pix[out.PixOffset(x, y):], append(dot[:], 255))
		}
	}
	return out
}

// pixel averages its rays. Each ray takes one step of an additive sequence in six dimensions (place in the pixel,
// place in the lens, place in the lamp), started elsewhere for every pixel, so that few rays cover them evenly.
func (p *picture) pixel(x, y, samples int) [3]uint8 {
	var step, start [6]float64
	// Powers of the root of x^7 = x + 1 spread evenly in six dimensions.
	const root = 1.1127756842787055
	k := 1.0
	for i := range step {
		k /= root
		step[i] = k
		start[i] = dither(float64(x), float64(y)+offBeat*float64(i))
	}
	sum := vec{}
	for n := range samples {
		var q [6]float64
		for i := range q {
			_, q[i] = math.Modf(start[i] + float64(n+1)*step[i])
		}
		if samples == 1 {
			q[0], q[1] = 0.5, 0.5
		}
		u := (float64(x)+q[0])/float64(p.width)*2 - 1
		v := 1 - (float64(y)+q[1])/float64(p.height)*2
		r, w := math.Sqrt(q[2]), 2*math.Pi*q[3]
		o, d := p.scene.camera.ray(u, v, r*math.Cos(w), r*math.Sin(w))
		c := p.scene.radiance(o, d, q[4], q[5])
		// A single sparkle must not outweigh the rest of the pixel.
		sum = sum.add(vec{min(c.x, 3), min(c.y, 3), min(c.z, 3)})
	}
	u := float64(x)/float64(p.width)*2 - 1
	v := float64(y)/float64(p.height)*2 - 1
	const exposure = 0.74 // keeps white marble just below the shoulder
	return develop(sum.scale(exposure * (1 - 0.1*(u*u+v*v)) / float64(samples)))
}

// offBeat shifts the dither of one dimension against that of the next.
const offBeat = 47.13

// dither is interleaved gradient noise (J. Jimenez, 2014), 0 to 1: the values of neighbouring pixels are spread
// evenly, so that what noise is left in a shadow is fine-grained.
func dither(x, y float64) float64 {
	_, f := math.Modf(0.06711056*x + 0.00583715*y)
	_, g := math.Modf(52.9829189 * f)
	return g
}

// develop turns linear light into sRGB with a soft shoulder for what is too bright.
func develop(c vec) [3]uint8 {
	channel := func(x float64) uint8 {
		const knee = 0.65
		if x > knee {
			x = knee + (1-knee)*(1-math.Exp((knee-x)/(1-knee)))
		}
		if x <= 0.0031308 {
			x *= 12.92
		} else {
			x = 1.055*math.Pow(x, 1/2.4) - 0.055
		}
		return uint8(clamp(x, 0, 1)*255 + 0.5)
	}
	return [3]uint8{channel(c.x), channel(c.y), channel(c.z)}
}
