package ftfy

import "bytes"

// The repairs of this file work on text encoded back to the bytes it was presumably read from. Each returns its argument
// where it finds nothing to do.

// lostSpace returns the size of the UTF-8 sequence at the start of b that has a space where byte 0xA0 must have been,
// and 0 where there is none. The lead bytes are those whose characters are likely in real text.
func lostSpace(b []byte) int {
	space := func(i int) bool { return i < len(b) && b[i] == ' ' }
	tail := func(i int) bool { return i < len(b) && b[i]&0xC0 == 0x80 }
	switch b[0] {
	case 0xC2, 0xC3, 0xC5, 0xCE, 0xD0, 0xD9:
		if space(1) {
			return 2
		}
	case 0xE0, 0xE1, 0xE2, 0xE3:
		likely := func(i int) bool { return tail(i) && b[i] != 0x85 && b[i] != 0xA0 }
		if b[0] >= 0xE2 && space(1) && likely(2) || likely(1) && space(2) {
			return 3
		}
	case 0xF0:
		if space(1) && tail(2) && tail(3) || tail(1) && space(2) && tail(3) || tail(1) && tail(2) && space(3) {
			return 4
		}
	}
	return 0
}

// restoreA0 puts byte 0xA0 back where something took it for a space and the sequence is UTF-8 with it.
func restoreA0(b []byte) []byte {
	found := false
	for i := range b {
		if lostSpace(b[i:]) > 0 {
			found = true
			break
		}
	}
	if !found {
		return b
	}
	b = separateAGrave(b)
	out := make([]byte, 0, len(b))
	for len(b) > 0 {
		size := max(lostSpace(b), 1)
		if size == 1 {
			out = append(out, b[0])
		} else {
			out = append(out, bytes.ReplaceAll(b[:size], []byte{' '}, []byte{0xA0})...)
		}
		b = b[size:]
	}
	return out
}

// separateAGrave keeps the space after a lone byte 0xC3, which is mostly the French word "à" whose own space was merged
// with the next, unless what follows makes it a Portuguese contraction ("às", "àquele", "àquela", "àquilo").
func separateAGrave(b []byte) []byte {
	lead := []byte{0xC3, ' '}
	var out []byte
	for {
		i := bytes.Index(b, lead)
		if i < 0 {
			return append(out, b...)
		}
		out = append(out, b[:i]...)
		b = b[i+len(lead):]
		out = append(out, 0xC3)
		if !continuesAGrave(b) {
			out = append(out, 0xA0)
		}
		out = append(out, ' ')
	}
}

func continuesAGrave(after []byte) bool {
	for _, part := range [...]string{" ", "quele", "quela", "quilo", "s "} {
		if bytes.HasPrefix(after, []byte(part)) {
			return true
		}
	}
	return false
}

// lostSequence returns the size of the UTF-8 or CESU-8 sequence at the start of b of which a part was replaced by
// byte 0x1A, or by a question mark at most once, and 0 where there is none.
func lostSequence(b []byte) int {
	lost := func(i int) bool { return b[i] == substitute || b[i] == '?' }
	tail := func(i int) bool { return b[i] == substitute || b[i]&0xC0 == 0x80 }
	lead := b[0]
	switch {
	case lead >= 0xC2 && lead <= 0xDF && len(b) >= 2:
		if b[1] == substitute || lead <= 0xC3 && b[1] == '?' {
			return 2
		}
	case lead == 0xED && len(b) >= 6 && b[1]&0xF0 == 0xA0 && b[3] == 0xED && b[4]&0xF0 == 0xB0:
		if lost(2) && (lost(5) || tail(5)) || tail(2) && lost(5) {
			return 6
		}
	}
	switch {
	case lead&0xF0 == 0xE0 && len(b) >= 3:
		if lost(1) && tail(2) || tail(1) && lost(2) {
			return 3
		}
	case lead >= 0xF0 && lead <= 0xF4 && len(b) >= 4:
		if lost(1) && tail(2) && tail(3) || tail(1) && lost(2) && tail(3) || tail(1) && tail(2) && lost(3) {
			return 4
		}
	case lead == substitute:
		return 1
	}
	return 0
}

// replaceLost writes U+FFFD for each sequence that cannot be told any more.
func replaceLost(b []byte) []byte {
	first := 0
	for first < len(b) && lostSequence(b[first:]) == 0 {
		first++
	}
	if first == len(b) {
		return b
	}
	out := append(make([]byte, 0, len(b)+8), b[:first]...)
	for b = b[first:]; len(b) > 0; {
		size := lostSequence(b)
		if size == 0 {
			out = append(out, b[0])
			size = 1
		} else {
			out = append(out, "\uFFFD"...)
		}
		b = b[size:]
	}
	return out
}
