package main

func lemons() crop {
	whole := citrusKind{colour: 0xf7d51e, other: 0xf2dc3a, axes: vec{0.74, 0.97, 0.74}, flesh: 0xf2dc6a, segments: 9, thick: 0.1,
		pores: 20, nipple: 0.24}
	leafy := whole
	leafy.leafy = 0.5
	cut := whole
	cut.cut = 0.55
	return crop{"lemon", []variety{
		{"yellow", "lemon", "yellow", 3.9, false, whole.grow},
		{"half", "lemon cut in half", "yellow", 3.9, true, cut.grow},
		{"yellow", "lemon", "yellow", 3.8, false, whole.grow},
		{"leafy", "lemon with leaves", "yellow", 3.9, false, leafy.grow},
	}, [][2]int{{2, 2}, {3, 5}, {1, 1}, {3, 5}, {6, 9}, {10, 16}, {3, 4}}, layPieces}
}
