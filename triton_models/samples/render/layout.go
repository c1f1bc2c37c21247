package main

import "math"

// layPieces scatters, heaps or serves single pieces of fruit.
func layPieces(s *stage, v variety, n int) {
	models := make([]model, 0, n)
	for i := range n {
		m := v.grow(s.dice)
		for i == 0 && v.sliced && m.stance != faceUp {
			m = v.grow(s.dice)
		}
		models = append(models, m)
	}
	r := (models[0].girth + models[0].half*0.5) * v.size
	s.chooseDish(n, false)
	s.serve(n, r)
	heaped := s.dish == "bowl" || s.dish == "crate" || n >= 10 && s.chance(0.6)
	pebbles := make([]*pebble, 0, n)
	for i, m := range models {
		pebbles = append(pebbles, s.drop(m, v.size, r, i, n, heaped))
	}
	settle(pebbles, s.dishes, 160)
	for i, p := range pebbles {
		m := models[i]
		axis := p.b.sub(p.a).unit()
		if p.length == 0 {
			a := s.between(0, 2*math.Pi)
			axis = vec{math.Cos(a), 0, math.Sin(a)}
		}
		bottom := min(p.a.y, p.b.y)-p.r < s.floor+0.2*p.r && s.dish != "bowl"
		s.put(m, v.size, p.centre(), s.pose(m.stance, axis, heaped), bottom)
	}
}

// drop is the pebble of piece i of n above the place where it will come to rest.
func (s *stage) drop(m model, size, r float64, i, n int, heaped bool) *pebble {
	p := &pebble{r: m.girth * size, length: 2 * m.half * size}
	spread := r * 1.15 * math.Sqrt(float64(n))
	if heaped {
		spread *= 0.7
		p.pull = 0.004
	}
	if s.dish != "" {
		spread = min(spread, max(0.55*s.wide, 0.3*r))
	}
	// A spiral keeps the first positions apart and the middle full.
	a, k := float64(i)*2.399963+s.between(-0.4, 0.4), math.Sqrt((float64(i)+0.5)/float64(n))
	c := vec{spread * k * math.Cos(a), s.floor + p.r*1.2, spread * k * math.Sin(a)}
	if n == 1 {
		c.x, c.z = 0, 0
	}
	if s.dish == "bowl" || s.dish == "crate" || heaped {
		c.y += r * (1 + 0.8*math.Mod(float64(i)*0.618, 1)*math.Cbrt(float64(n)))
	}
	w := s.between(0, math.Pi)
	d := vec{math.Cos(w), s.between(-0.2, 0.2), math.Sin(w)}.unit()
	p.a, p.b = c.along(d, -p.length/2), c.along(d, p.length/2)
	if s.chance(0.5) {
		p.a, p.b = p.b, p.a
	}
	return p
}

// layPairs lays cherries, most of them two on a joined stem.
func layPairs(s *stage, v variety, n int) {
	r := v.size
	s.chooseDish(n, false)
	s.serve(n, r)
	heaped := s.dish == "bowl" || s.dish == "crate" || n >= 14 && s.chance(0.6)
	models, pebbles := make([]model, 0, n), make([]*pebble, 0, n)
	for i := range n {
		models = append(models, v.grow(s.dice))
		p := s.drop(models[i], v.size, r, i, n, heaped)
		if i%2 == 1 { // beside its twin
			c := pebbles[i-1].a.add(vec{s.between(-1, 1) * 2 * r, 0.2 * r, s.between(-1, 1) * r})
			p.a, p.b = c, c
		}
		pebbles = append(pebbles, p)
	}
	settle(pebbles, s.dishes, 160)
	for i := 0; i < n; i += 2 {
		s.hang(v, models[i:min(i+2, n)], pebbles[i:min(i+2, n)])
	}
}

// hang adds one or two cherries and the stems that meet above them.
func (s *stage) hang(v variety, models []model, pebbles []*pebble) {
	mid := pebbles[0].centre().add(pebbles[len(pebbles)-1].centre()).scale(0.5)
	a := s.between(0, 2*math.Pi)
	aside := s.between(0.3, 2.2) * v.size
	joint := mid.add(vec{aside * math.Cos(a), s.between(2.9, 3.9) * v.size, aside * math.Sin(a)})
	green := s.vary(rgb(pick(s.dice, uint32(0x7a9a34), 0x6a8a2c, 0x8a8a3c)), 0.15)
	for i, p := range pebbles {
		c := p.centre()
		up := joint.sub(c).unit().add(vec{0, s.between(0.1, 0.5), 0}).along(s.direction(), 0.25).unit()
		bottom := c.y-p.r < s.floor+0.2*p.r && s.dish != "bowl"
		first := len(s.fruit)
		s.put(models[i], v.size, c, facing(up, s.between(0, 6.28)), bottom)
		foot := s.fruit[first].at.along(up, 0.74*v.size)
		bend := foot.along(up, 1.5*v.size).add(vec{s.between(-0.5, 0.5), 0, s.between(-0.5, 0.5)}.scale(v.size))
		stem, at := newTube(foot, bend, joint, 0.055*v.size, 0.075*v.size, green, mix(green, rgb(0x6a5a2c), 0.5))
		twig := newBody(stem, at, upright(), 1)
		twig.balls = []ball{{joint, 0.1 * v.size}} // keeps the joint in the picture
		s.fruit = append(s.fruit, twig)
	}
	if s.chance(0.15) {
		turn := facing(vec{s.between(-0.6, 0.6), 1, s.between(-0.6, 0.6)}, s.between(0, 6.28))
		at := joint.add(turn.x.scale(1.7 * v.size))
		s.fruit = append(s.fruit, newBody(newLeaf(s.dice, rgb(0x3f8a2c)), at, turn, 1.8*v.size))
	}
}

// layBunches lays whole bunches of grapes of 25 to 50 berries.
func layBunches(s *stage, v variety, n int) {
	const each = 40
	if n == 1 {
		s.chooseDish(4, true)
		s.serve(each, v.size*0.95)
	}
	for i := range n {
		offset := (float64(i) - float64(n-1)/2) * 7 * v.size
		side := pick(s.dice, 0.0, math.Pi)
		s.bunch(v, each+s.count(-10, 10), vec{s.between(-1, 1), s.floor + 2*v.size, offset}, side+s.between(-0.5, 0.5))
	}
}

// bunch is one cone of berries round a stalk that lies at the height of mid, its wide end at the angle a.
func (s *stage) bunch(v variety, berries int, mid vec, a float64) {
	r := v.size * 0.95
	long := r * 2.3 * math.Cbrt(float64(berries))
	head := vec{math.Cos(a), 0.06, math.Sin(a)}
	top := mid.along(head, long*0.42)
	models, pebbles := make([]model, 0, berries), make([]*pebble, 0, berries)
	for i := range berries {
		m := v.grow(s.dice)
		// u is the place along the stalk; the wide end takes more berries than the tip.
		u := 1 - math.Pow(1-(float64(i)+0.5)/float64(berries), 0.62)
		home := top.along(head, -long*u)
		size := r * s.between(0.93, 1.05)
		p := &pebble{r: size * (m.girth + m.half*0.55), home: home, pull: 0.04}
		w := lerp(2.9, 0.9, u) * r
		p.a = home.along(s.direction(), w)
		p.a.y = max(p.a.y, s.floor+r)
		p.b = p.a
		models, pebbles = append(models, m), append(pebbles, p)
	}
	settle(pebbles, s.dishes, 90)
	for i, p := range pebbles {
		c := p.centre()
		out := c.sub(p.home).add(head.scale(-0.8*r)).along(s.direction(), 0.5*r)
		s.put(models[i], p.r/(models[i].girth+models[i].half*0.55), c, facing(out.scale(-1), 0), false)
	}
	green := s.vary(rgb(pick(s.dice, uint32(0x8a9a44), 0x7a6a34)), 0.15)
	rise := vec{s.between(-0.5, 0.5), s.between(0.5, 1.2), s.between(-0.5, 0.5)}
	stalk, at := newTube(top.along(head, -0.5*long), top.along(head, 0.5*r), top.along(head, 3.6*r).along(rise, 2.2*r), 0.12*r, 0.2*r, green, rgb(0x6a5230))
	s.fruit = append(s.fruit, newBody(stalk, at, upright(), 1))
	end := top.along(head, 3.6*r).along(rise, 2.2*r)
	across := vec{-head.z, 0.2, head.x}.scale(1.1 * r)
	bar, at := newTube(end.sub(across), end, end.add(across), 0.22*r, 0.2*r, rgb(0x6a5230), rgb(0x5a4428))
	s.fruit = append(s.fruit, newBody(bar, at, upright(), 1))
	if s.chance(0.3) {
		turn := facing(vec{s.between(-0.4, 0.4), 1, s.between(-0.4, 0.4)}, s.between(0, 6.28))
		s.fruit = append(s.fruit, newBody(newLeaf(s.dice, rgb(0x5a8a34)), top.add(vec{0, 2.6 * r, 0}).add(turn.x.scale(2*r)), turn, 3.2*r))
	}
}
