package main

import "math"

// layout puts n pieces of a variety on the stage.
type layout func(s *stage, v variety, n int)

// stage is a picture while its fruit is put in place.
type stage struct {
	*dice
	dish   string  // "", "plate", "bowl", "board" or "crate"
	phrase string  // where the fruit is when it is in a dish, as the captions say it
	floor  float64 // height of what the fruit stands on
	toward vec     // to the camera
	dishes []*body
	fruit  []*body
	wide   float64 // radius of the dish; 0 without one
}

// chooseDish draws a dish that suits n pieces; flatOnly leaves out those with high walls.
func (s *stage) chooseDish(n int, flatOnly bool) {
	switch {
	case flatOnly || n <= 2:
		s.dish = pick(s.dice, "", "", "", "plate", "board")
	case n <= 5:
		s.dish = pick(s.dice, "", "", "plate", "board", "bowl")
	default:
		s.dish = pick(s.dice, "", "plate", "board", "bowl", "bowl", "crate")
	}
}

// serve makes the dish for n pieces of radius r.
func (s *stage) serve(n int, r float64) {
	k := float64(n)
	flat := r * (0.6 + 1.05*math.Sqrt(k))
	var solid solid
	var tint vec
	turn := facing(vec{0, 1, 0}, s.between(0, 2*math.Pi))
	switch s.dish {
	case "plate":
		colour, glaze := s.glaze()
		q := &plate{wide: max(flat*s.between(1.15, 1.45), 2.3*r), glaze: glaze, band: glaze}
		if s.chance(0.3) {
			q.band = rgb(pick(s.dice, uint32(0x2c4a80), 0xa88a4c, 0x4a6a4c))
		}
		solid, tint, s.wide, s.floor, s.phrase = q, glaze, q.wide, 0.95, "on a "+colour+" plate"
	case "bowl":
		wide := r * (0.75 + 1.32*math.Cbrt(k))
		q := &bowl{wide: wide, high: wide * s.between(0.62, 0.85)}
		colour, glaze := s.glaze()
		q.inside, q.outer = glaze, glaze
		if q.wooden = s.chance(0.25); q.wooden {
			colour = "wooden"
			q.inside, q.outer = rgb(0x9a6a3c), rgb(0x8a5a30)
		} else if s.chance(0.3) {
			q.inside = rgb(0xf0ece2)
		}
		solid, tint, s.wide, s.phrase = q, q.inside, wide, "in a "+colour+" bowl"
	case "board":
		wood := rgb(pick(s.dice, uint32(0xc89a60), 0xa87444, 0xdab888, 0x7a4c2c))
		q := &board{half: vec{flat * s.between(1.3, 1.6), 0.9, flat * s.between(0.95, 1.2)}, wood: wood}
		turn = facing(vec{0, 1, 0}, math.Pi+s.between(-0.4, 0.4))
		solid, tint, s.wide, s.floor, s.phrase = q, wood, flat, 1.8, "on a wooden board"
	case "crate":
		wood := rgb(pick(s.dice, uint32(0xd0a870), 0xb48a58, 0xdcc49c))
		side := r * (0.5 + 0.82*math.Sqrt(k))
		q := &crate{half: vec{side * 1.15, max(r*0.75, 1.2), side * 0.85}, wood: wood}
		turn = facing(vec{0, 1, 0}, math.Pi+s.between(-0.5, 0.5))
		solid, tint, s.wide, s.floor, s.phrase = q, wood, side, 0.9, "in a wooden crate"
	default:
		return
	}
	b := newBody(solid, vec{}, turn, 1)
	b.hollow, b.tint = true, tint
	s.dishes = append(s.dishes, b)
}

// glaze draws a colour of crockery.
func (s *stage) glaze() (string, vec) {
	type ware struct {
		name string
		hue  uint32
	}
	w := pick(s.dice, ware{"white", 0xf2f0ea}, ware{"white", 0xeeeeee}, ware{"blue", 0x3a6298}, ware{"grey", 0x8a8c90},
		ware{"green", 0x6a9478}, ware{"black", 0x222326})
	return w.name, rgb(w.hue)
}

// put adds a model with its origin at the given place. A piece that lies at the bottom is let down until it
// touches the floor.
func (s *stage) put(m model, size float64, at vec, turn frame, bottom bool) {
	first := len(s.fruit)
	for _, p := range m.parts {
		b := newBody(p.solid, at.add(turn.toWorld(p.at.scale(size))), turn.then(p.turn), size*p.size)
		b.tint = p.tint
		for _, q := range p.balls {
			b.balls = append(b.balls, ball{at.add(turn.toWorld(q.at.scale(size))), q.r * size})
		}
		s.fruit = append(s.fruit, b)
	}
	if bottom {
		s.lift(s.fruit[first:], s.floor-s.fruit[first].lowest())
	}
}

// lift moves bodies by dy.
func (s *stage) lift(bodies []*body, dy float64) {
	for _, b := range bodies {
		b.at.y += dy
		for i := range b.balls {
			b.balls[i].at.y += dy
		}
	}
}

// pose draws how a piece of the given stance is turned; axis is the direction of its pebble.
func (s *stage) pose(st stance, axis vec, heaped bool) frame {
	spin := s.between(0, 2*math.Pi)
	loose := s.direction()
	up := vec{0, 1, 0}
	switch st {
	case standing:
		tilt, lean := 0.3, 0.25
		if heaped {
			tilt, lean = 0.8, 0.7
		}
		return facing(up.along(loose, tilt*s.Float64()).along(s.toward, lean*s.Float64()), spin)
	case grooved:
		y := up.along(loose, 0.9).unit()
		z := s.toward.along(loose, 0.7).cross(y).unit()
		return frame{y.cross(z), y, z}
	case lying:
		return facing(axis, spin)
	case faceUp:
		y := up.scale(0.55).add(s.toward.scale(s.between(0.3, 0.9))).along(loose, 0.3).unit()
		x := y.cross(axis).unit()
		return frame{x, y, x.cross(y)}
	}
	return facing(loose.along(s.toward, 0.5), spin)
}
