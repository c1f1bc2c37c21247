package main

// stance says how a fruit comes to rest.
type stance int

const (
	standing stance = iota // stem up, more or less
	tumbled                // any way round
	grooved                // stem up or sideways, the groove (local x) towards the camera
	lying                  // long axis (local y) level
	faceUp                 // cut face (local y) towards sky and camera
)

// part is one solid of a fruit, in the local units of the whole fruit.
type part struct {
	solid solid
	at    vec
	turn  frame
	size  float64
	tint  vec
	balls []ball // local to the fruit; none for thin parts
}

// model is one fruit before it is put anywhere: its parts and the capsule that it takes up, from -half to +half
// on the local y axis with radius girth.
type model struct {
	parts       []part
	half, girth float64
	stance      stance
	stem        vec // where a banana joins its hand
}

// round is a model of one nearly spherical solid of radius girth.
func round(s solid, girth float64, tint vec, st stance) model {
	return model{parts: []part{{solid: s, turn: upright(), size: 1, tint: tint,
		balls: []ball{{r: girth * 0.97}}}}, girth: girth, stance: st}
}

// with adds a thin part such as a stem or a leaf.
func (m model) with(s solid, at vec, turn frame, size float64) model {
	m.parts = append(m.parts, part{solid: s, at: at, turn: turn, size: size})
	return m
}

// variety is one kind of a fruit as the captions name it.
type variety struct {
	slug, kind, colour string
	size               float64 // centimetres per local unit
	sliced             bool    // at least one piece is cut open or peeled
	grow               func(d *dice) model
}

// crop is one of the ten fruits.
type crop struct {
	name      string
	varieties []variety // taken in turn; a common variety may stand here more than once
	amounts   [][2]int  // least and most pieces, taken in turn
	lay       layout
}

// crops lists the ten fruits by name.
func crops() []crop {
	return []crop{
		apples(), apricots(), bananas(), blueberries(), cherries(),
		citrus(), grapes(), lemons(), litchis(), mangos(),
	}
}
