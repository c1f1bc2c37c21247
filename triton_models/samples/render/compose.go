package main

import "math"

// picture is one composed scene, its size in pixels and what the captions say of it.
type picture struct {
	scene         *scene
	width, height int
	caption       caption
	file          string
}

// compose sets up picture number of a crop. It depends on nothing but the seed, the crop and the number; long and
// short are the edges of the picture in pixels.
func compose(c crop, seed uint64, number, digits, long, short int) picture {
	d := newDice(seed, c.name, number)
	v := c.varieties[number%len(c.varieties)]
	amount := c.amounts[number%len(c.amounts)]
	tops := grounds()
	g := tops[(number+d.IntN(2))%len(tops)](d)
	l := newLight(d)
	s := &stage{dice: d}
	rise := d.between(0.35, 1.15)
	s.toward = vec{0, math.Sin(rise), math.Cos(rise)}
	n := d.count(amount[0], amount[1])
	c.lay(s, v, n)
	switch s.dish {
	case "bowl":
		rise = max(rise, 0.65)
	case "crate":
		rise = max(rise, 0.75)
	}
	p := picture{width: long, height: short}
	switch d.IntN(4) {
	case 0:
		p.width, p.height = short, long
	case 1:
		edge := int(math.Sqrt(float64(long) * float64(short)))
		p.width, p.height = edge, edge
	}
	p.scene = s.film(g, l, rise, float64(p.width)/float64(p.height), n)
	p.caption = caption{Fruit: c.name, Kind: v.kind, Colour: v.colour, Count: n, Setting: g.table, Background: g.background, Light: l.name}
	if s.phrase != "" {
		p.caption.Setting = s.phrase + " " + g.table
	}
	p.file = fileName(c.name, v.slug, number, digits)
	p.caption.File = p.file
	return p
}

// film points the camera at what lies on the stage.
func (s *stage) film(g ground, l light, rise, aspect float64, n int) *scene {
	var balls []ball
	low, high := vec{1e9, 1e9, 1e9}, vec{-1e9, -1e9, -1e9}
	for _, b := range s.fruit {
		for _, q := range b.balls {
			balls = append(balls, q)
			low = vec{min(low.x, q.at.x-q.r), min(low.y, q.at.y-q.r), min(low.z, q.at.z-q.r)}
			high = vec{max(high.x, q.at.x+q.r), max(high.y, q.at.y+q.r), max(high.z, q.at.z+q.r)}
		}
	}
	fill := s.between(0.68, 0.98)
	if n >= 6 {
		fill = s.between(0.8, 1.3)
	}
	target := low.add(high).scale(0.5)
	reach := high.sub(low).length() / 2
	target = target.add(vec{s.between(-0.1, 0.1) * reach, 0, s.between(-0.1, 0.1) * reach})
	return &scene{bodies: append(s.dishes, s.fruit...), ground: g, light: l,
		camera: frameUp(s.dice, balls, target, rise, aspect, fill), spread: reach}
}
