package main

import "math"

// camera is a thin lens that looks at target.
type camera struct {
	at       vec
	turn     frame // x right, y up, z from the target to the camera
	halfView float64
	aspect   float64 // width by height
	focus    float64 // distance of the sharp plane
	lens     float64 // radius of the lens in centimetres
}

// frameUp places a camera at the given height angle so that the balls fill the share fill of the picture.
func frameUp(d *dice, balls []ball, target vec, height, aspect, fill float64) camera {
	c := camera{halfView: d.between(0.2, 0.36), aspect: aspect}
	yaw, roll := d.between(-0.15, 0.15), d.between(-0.04, 0.04)
	back := vec{math.Sin(yaw) * math.Cos(height), math.Sin(height), math.Cos(yaw) * math.Cos(height)}
	right := vec{0, 1, 0}.cross(back).unit()
	up := back.cross(right)
	c.turn = frame{right.scale(math.Cos(roll)).add(up.scale(math.Sin(roll))), up.scale(math.Cos(roll)).sub(right.scale(math.Sin(roll))), back}
	// The distance grows until all balls lie inside the share of the picture.
	far := 1.0
	for _, b := range balls {
		q := c.turn.toLocal(b.at.sub(target))
		k := math.Tan(c.halfView) * fill
		far = max(far, q.z+(math.Abs(q.y)+b.r)/k)
		far = max(far, q.z+(math.Abs(q.x)+b.r)/(k*aspect))
	}
	c.at = target.along(back, far)
	c.focus = far - 0.2*nearest(balls, target, c.turn.z)
	c.lens = far * d.between(0.002, 0.012)
	return c
}

// nearest is how far the balls reach from the target towards the camera.
func nearest(balls []ball, target, back vec) float64 {
	reach := 0.0
	for _, b := range balls {
		reach = max(reach, b.at.sub(target).dot(back)+b.r)
	}
	return reach
}

// ray goes through the picture at u, v (-1 to 1, v up) and through the lens at the point a, b of the unit disc.
func (c *camera) ray(u, v, a, b float64) (origin, direction vec) {
	k := math.Tan(c.halfView)
	sharp := c.turn.toWorld(vec{u * k * c.aspect, v * k, -1}).scale(c.focus).add(c.at)
	origin = c.at.along(c.turn.x, a*c.lens).along(c.turn.y, b*c.lens)
	return origin, sharp.sub(origin).unit()
}
