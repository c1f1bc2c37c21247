package main

import "math"

// ground is what the fruit stands on: a table top that runs back to a wall out of focus.
type ground struct {
	background string // as the captions name it
	table      string // as in "on a wooden table"
	paint      func(p vec) skin
	mean       vec // mean colour, seen far away and in the light thrown up
	wall       vec
	plain      bool // studio paper: the table bends up into the wall
}

func grounds() []func(*dice) ground {
	return []func(*dice) ground{woodGround, linenGround, studioGround, marbleGround, checkGround, studioGround, woodGround, slateGround}
}

func woodGround(d *dice) ground {
	wood := rgb(pick(d, uint32(0xb98a58), 0x8a5a34, 0x5e3c24, 0xd2b48a, 0x9c7a58))
	plank, field := d.between(8, 16), d.offset()
	wall := d.vary(rgb(pick(d, uint32(0x8a8276), 0x54463a, 0xc9c2b4, 0x3c4438, 0x7d94a0)), 0.1)
	return ground{"wood", "on a wooden table", func(p vec) skin {
		row := math.Floor(p.z / plank)
		in := p.z - row*plank
		tone := 0.85 + 0.3*unitOf(scramble(int32(row), 5, 9))
		c := grain(vec{p.x + row*37, 0, p.z + row*11}.add(field), wood).scale(tone)
		seam := min(in, plank-in)
		return skin{albedo: c.scale(0.3 + 0.7*ramp(0.03, 0.2, seam)), gloss: 0.35, shine: 0.3}
	}, wood, wall, false}
}

func linenGround(d *dice) ground {
	cloth := rgb(pick(d, uint32(0xe6dfd0), 0xc9c4ba, 0xa8b4bc, 0xd8c7a8, 0xf0ede6))
	field, folds := d.offset(), d.between(0.1, 0.45)
	turn := d.between(-0.6, 0.6)
	wall := d.vary(mix(cloth, rgb(0xb0a898), 0.6), 0.15)
	return ground{"linen", "on a linen cloth", func(p vec) skin {
		x, z := p.x*math.Cos(turn)-p.z*math.Sin(turn), p.x*math.Sin(turn)+p.z*math.Cos(turn)
		warp := noise(vec{x * 9, z * 0.8, 0}.add(field))
		weft := noise(vec{x * 0.8, z * 9, 5}.add(field))
		fold := noise(vec{x * 0.09, z * 0.3, 2}.add(field))
		k := 0.84 + 0.12*warp + 0.12*weft + folds*(fold-0.5)
		return skin{albedo: cloth.scale(k)}
	}, cloth, wall, false}
}

func marbleGround(d *dice) ground {
	stone, field := rgb(pick(d, uint32(0xe8e6e2), 0xdcdad8, 0xeae4da)), d.offset()
	return ground{"marble", "on a marble table", func(p vec) skin {
		q := vec{p.x * 0.05, 0, p.z * 0.05}.add(field)
		warp := clouds(q.scale(1.7))
		vein := math.Abs(clouds(vec{q.x + warp*1.4, q.y, q.z - warp}) - 0.5)
		fine := math.Abs(clouds(q.scale(3).add(vec{warp, 0, warp * 2})) - 0.5)
		c := mix(stone, rgb(0x8a8c92), 0.65*ramp(0.05, 0, vein)+0.2*ramp(0.03, 0, fine))
		return skin{albedo: c.scale(0.95 + 0.08*warp), gloss: 0.75, shine: 0.6}
	}, stone, d.vary(rgb(pick(d, uint32(0xb8b8b4), 0x9aa4a8, 0xd0cac0)), 0.1), false}
}

func slateGround(d *dice) ground {
	stone, field := rgb(pick(d, uint32(0x34363a), 0x26282a, 0x3c3a38)), d.offset()
	return ground{"dark slate", "on a dark slate table", func(p vec) skin {
		k := clouds(vec{p.x * 0.3, 0, p.z * 0.3}.add(field))
		chip := noise(vec{p.x * 2.5, 0, p.z * 2.5}.add(field))
		return skin{albedo: stone.scale(0.55 + 0.7*k + 0.25*chip), gloss: 0.3, shine: 0.35}
	}, stone, d.vary(rgb(0x1c1e20), 0.2), false}
}

func checkGround(d *dice) ground {
	name := pick(d, "red", "blue", "green")
	dye := map[string]vec{"red": rgb(0xb8262c), "blue": rgb(0x2c5aa0), "green": rgb(0x3c8048)}[name]
	white, wide := rgb(0xf0ece4), d.between(2, 4.5)
	turn := d.between(-0.7, 0.7)
	return ground{name + " picnic check", "on a " + name + " checked cloth", func(p vec) skin {
		x, z := p.x*math.Cos(turn)-p.z*math.Sin(turn), p.x*math.Sin(turn)+p.z*math.Cos(turn)
		band := func(t float64) float64 {
			return 0.5 * ramp(-0.06, 0.06, math.Abs(t/wide-2*math.Floor(t/wide/2)-1)-0.5)
		}
		weave := 0.9 + 0.1*noise(vec{x * 8, z * 8, 0}) + 0.05*noise(vec{x * 0.3, z * 0.3, 3})
		return skin{albedo: mix(white, dye, band(x)+band(z)).scale(weave)}
	}, mix(white, dye, 0.5), d.vary(rgb(pick(d, uint32(0x8a9a7a), 0xc8c0b0, 0x9aaab8)), 0.1), false}
}

// studioGround is seamless coloured paper.
func studioGround(d *dice) ground {
	type paper struct {
		name string
		hue  uint32
	}
	q := pick(d, paper{"white", 0xeeeeec}, paper{"white", 0xe8e8ea}, paper{"light grey", 0xc4c6c8}, paper{"pale blue", 0xa8c8dc},
		paper{"pale pink", 0xe8c0c0}, paper{"beige", 0xdccab0}, paper{"mint green", 0xb4d8c4}, paper{"yellow", 0xeacb5c},
		paper{"dark grey", 0x46484c}, paper{"teal", 0x3c8088}, paper{"black", 0x141416})
	c := d.vary(rgb(q.hue), 0.04)
	return ground{"plain " + q.name, "on a plain " + q.name + " background", func(vec) skin {
		return skin{albedo: c, gloss: 0.2, shine: 0.12}
	}, c, c, true}
}
