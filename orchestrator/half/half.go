// Package half converts numbers to and from IEEE 754 binary16, which models on GPUs take and give.
//
// It is not for arithmetic, and not for other narrow types (bfloat16).
package half

import "math"

// From is f as IEEE 754 binary16, rounded to nearest, ties to even; what is too large becomes infinite.
func From(f float32) uint16 {
	bits := math.Float32bits(f)
	sign := uint16(bits>>16) & 0x8000
	bits &= 0x7fff_ffff
	switch {
	case bits > 0x7f80_0000: // NaN stays one
		return sign | 0x7e00
	case bits >= 0x4780_0000: // 65536 and more
		return sign | 0x7c00
	case bits < 0x3880_0000: // below 2^-14: a multiple of 2^-24, the unit of float32 at 0.5, so the addition rounds
		return sign | uint16(math.Float32bits(math.Float32frombits(bits)+0.5)-0x3f00_0000)
	default: // drop 13 bits of the fraction; the exponent's bias is 15 instead of 127
		bits += 0x0fff + bits>>13&1
		return sign | uint16((bits-0x3800_0000)>>13)
	}
}

// Float32 is the same value; every half is exact in float32.
func Float32(h uint16) float32 {
	sign, rest := uint32(h&0x8000)<<16, uint32(h&0x7fff)
	switch {
	case rest >= 0x7c00: // infinite or NaN
		return math.Float32frombits(sign | 0x7f80_0000 | rest<<13)
	case rest < 0x0400: // a multiple of 2^-24
		return math.Float32frombits(sign | math.Float32bits(float32(rest)*0x1p-24))
	default:
		return math.Float32frombits(sign | (rest<<13 + 0x3800_0000))
	}
}
