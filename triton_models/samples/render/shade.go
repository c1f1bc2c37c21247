package main

import "math"

// radiance is the linear light that comes back along the ray. a and b, 0 to 1, pick a point of the lamp.
func (s *scene) radiance(o, d vec, a, b float64) vec {
	limit := math.Inf(1)
	if d.y < -1e-4 {
		limit = -o.y / d.y
	}
	hit, t := s.first(o, d, limit)
	if hit == nil && math.IsInf(limit, 1) {
		return s.backdrop(d)
	}
	p := o.along(d, t)
	if hit == nil {
		return s.table(p, d, a, b)
	}
	n := hit.normal(p)
	if n.dot(d) > 0 {
		n = n.along(d, -n.dot(d)).unit()
	}
	k := hit.solid.skin(hit.local(p), hit.turn.toLocal(n))
	return s.lit(p, n, d, k, hit, a, b)
}

// table is the ground at p, which fades into the wall with the distance.
func (s *scene) table(p, d vec, a, b float64) vec {
	away := hypot(p.x, p.z) / s.spread
	k := s.ground.paint(p)
	k.albedo = mix(k.albedo, s.ground.mean, ramp(5, 14, away))
	c := s.lit(p, vec{0, 1, 0}, d, k, nil, a, b)
	if s.ground.plain {
		return mix(c, s.backdrop(d), ramp(2.5, 8, away))
	}
	return mix(c, s.backdrop(d), ramp(9, 16, away))
}

// backdrop is the wall behind the table, out of focus and lit from the lamp's side.
func (s *scene) backdrop(d vec) vec {
	l := &s.light
	fall := 0.75 + 0.35*d.dot(vec{l.toward.x, 0, l.toward.z}) + 0.25*d.y
	c := s.ground.wall.mul(l.around.add(l.above).scale(0.75).add(l.lamp.scale(0.22))).scale(max(fall, 0.3))
	if s.ground.plain {
		return c
	}
	blur := noise(vec{d.x * 5, d.y * 5, d.z * 5}.add(s.light.toward.scale(20)))
	return c.scale(0.6 + 0.8*blur)
}

// inLamp is a direction to the point a, b of the lamp.
func (l *light) inLamp(a, b float64) vec {
	r, w := math.Sqrt(a)*l.spread, 2*math.Pi*b
	up := l.toward.cross(l.across)
	return l.toward.along(l.across, r*math.Cos(w)).along(up, r*math.Sin(w)).unit()
}

// lit is the light that the skin k at p sends back against d. owner is nil for the table.
func (s *scene) lit(p, n, d vec, k skin, owner *body, a, b float64) vec {
	l := &s.light
	hidden, glow := s.hemmed(p, n, owner)
	if owner != nil {
		hidden = 1 - (1-hidden)*(1-owner.folded(p, n))
	}
	open := 1 - hidden
	to := l.inLamp(a, b)
	nl := n.dot(to)
	lamp := 0.0
	if nl > -k.scatter {
		lift := 0.02
		if owner != nil {
			lift = 0.012 * owner.size
		}
		lamp = 1
		if s.shaded(p.along(n, lift), to) {
			lamp = 0.12 * k.scatter
		}
	}
	wrap := 0.6 * k.scatter
	direct := max(0, (nl+wrap)/(1+wrap)) * lamp
	bounce := s.ground.mean.mul(l.lamp.scale(0.3 * max(l.toward.y, 0)).add(l.above.scale(0.5)))
	sky := mix(bounce, mix(l.around, l.above, clamp(n.y, 0, 1)), clamp(0.5+0.7*n.y, 0, 1))
	fill := sky.scale(open).add(glow.mul(l.around.add(l.lamp.scale(0.15))))
	in := l.lamp.scale(direct).add(fill)
	in = in.add(l.rim.scale(max(0, n.dot(l.rimFrom)) * open))
	c := k.albedo.mul(in)
	if k.scatter > 0.3 {
		// Light from inside deepens the colour: albedo squared is what two passes through the skin leave.
		deep := k.albedo.mul(k.albedo).mul(l.lamp.scale(0.3).add(l.around))
		c = c.scale(1 - 0.2*k.scatter).add(deep.scale(0.75 * k.scatter * (0.4 + 0.6*open)))
	}
	graze := 1 + n.dot(d)
	graze2 := graze * graze
	if k.fuzz > 0 {
		c = c.add(k.albedo.scale(0.5).add(vec{0.12, 0.11, 0.1}).mul(in).scale(k.fuzz * graze2 * graze * 0.9))
	}
	if k.shine > 0 {
		r := d.along(n, -2*n.dot(d))
		window, above := l.glint(r, 1-k.gloss)
		fresnel := 0.04 + 0.5*k.gloss*graze2*graze2*graze
		spot := l.lamp.scale(window * min(lamp, 1) * 9)
		air := mix(l.around, l.above, clamp(r.y, 0, 1)).scale(above * open * k.gloss * 1.4)
		c = c.add(spot.add(air).scale(fresnel * k.shine))
	}
	return c
}
