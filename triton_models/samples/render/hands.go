package main

import "math"

// layHands lays one or two loose bananas side by side, and more of them as hands on a common crown.
func layHands(s *stage, v variety, n int) {
	s.dish = pick(s.dice, "", "", "", "board", "plate")
	s.serve(min(2+n/2, 6), v.size*0.5)
	if n <= 2 {
		s.loose(v, n)
		return
	}
	if n >= 8 {
		s.hand(v, n/2, vec{0, 0, -0.55 * v.size})
		s.hand(v, n-n/2, vec{s.between(-0.3, 0.3) * v.size, 0, 0.75 * v.size})
		return
	}
	s.hand(v, n, vec{})
}

// loose lays bananas flat, one in the curve of the other.
func (s *stage) loose(v variety, n int) {
	a := s.between(0, 2*math.Pi)
	for i := range n {
		turn := facing(vec{0, 1, 0}, a+s.between(-0.12, 0.12))
		// The arc lies level: local z points up.
		flat := turn.then(frame{vec{1, 0, 0}, vec{0, 0, -1}, vec{0, 1, 0}})
		at := flat.y.scale((float64(i) - float64(n)/2) * 0.46 * v.size)
		at.y = s.floor + 0.2*v.size
		s.put(v.grow(s.dice), v.size, at, flat, true)
	}
}

// hand fans bananas out from a crown: flat in two layers, or arched over their tips.
func (s *stage) hand(v variety, n int, at vec) {
	first := len(s.fruit)
	arched := n <= 5 && s.chance(0.5)
	base := facing(vec{0, 1, 0}, s.between(-0.7, 0.7)+pick(s.dice, 0, math.Pi))
	var crown vec
	for i := range n {
		m := v.grow(s.dice)
		step := float64(i) - float64(n-1)/2
		var turn frame
		if arched {
			fan := facing(vec{0, 1, 0}, step*0.4)
			roll := step * 0.2
			arch := frame{vec{1, 0, 0}, vec{0, -math.Cos(roll), math.Sin(roll)}, vec{0, -math.Sin(roll), -math.Cos(roll)}}
			turn = base.then(fan).then(arch)
		} else {
			fan := facing(vec{0, 1, 0}, step*0.25)
			lift := 0.26 * float64(i%2)
			level := frame{vec{math.Cos(lift), math.Sin(lift), 0}, vec{0, 0, -1}, vec{-math.Sin(lift), math.Cos(lift), 0}}
			turn = base.then(fan).then(level)
		}
		// Every stem ends at the crown, which stands half a hand from the middle.
		crown = at.add(base.x.scale(-0.85 * v.size))
		jitter := base.z.scale(step * 0.045 * v.size)
		s.put(m, v.size, crown.add(jitter).sub(turn.toWorld(m.stem.scale(v.size))), turn, false)
	}
	s.fruit = append(s.fruit, newBody(crownKnob{}, crown, base, v.size*(0.8+0.07*float64(n))))
	low := math.Inf(1)
	for _, b := range s.fruit[first:] {
		low = min(low, b.lowest())
	}
	s.lift(s.fruit[first:], s.floor-low)
}

// crownKnob is the woody end that holds a hand of bananas together.
type crownKnob struct{ smooth }

func (crownKnob) distance(p vec) float64 {
	return box(p.add(vec{0.03, 0, 0}), vec{0.07, 0.06, 0.11}, 0.05)
}

func (crownKnob) skin(p, _ vec) skin {
	c := mix(rgb(0x6a5a24), rgb(0x3a2a18), ramp(-0.04, -0.1, p.x)+0.3*noise(p.scale(20)))
	return skin{albedo: c, gloss: 0.2, shine: 0.15}
}

func (crownKnob) radius() float64 { return 0.2 }
