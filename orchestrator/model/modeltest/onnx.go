// Package modeltest gives tests the built-in model, and writes small model directories with real ONNX files in them. It is for
// tests only.
package modeltest

import (
	"bytes"
	"encoding/binary"
	"math"
	"math/rand/v2"

	"google.golang.org/protobuf/encoding/protowire"
)

// Elem is a type of values, by onnx.proto's TensorProto.DataType.
type Elem int64

// The types in use.
const (
	Float32 Elem = 1
	Uint8   Elem = 2
	Int32   Elem = 6
	Int64   Elem = 7
	Float16 Elem = 10
	Float64 Elem = 11
)

// Open is a dimension of any size.
const Open = -1

// Value is an input or output as a graph declares it.
type Value struct {
	Name string
	Elem Elem
	Dims []int64
}

// grid is the number of cells along a side that Colours averages.
const grid = 4

// features is how many numbers the cells have.
const features = 3 * grid * grid

// Colours is a tower that sees in which colours a picture is where: the means of 4 x 4 cells, spread over the width of
// out by a fixed random matrix, which keeps angles roughly. The picture's side must be a multiple of 4.
func Colours(in, out Value, size int) []byte {
	width := int(out.Dims[len(out.Dims)-1])
	cell := int64(size / grid)
	return file(in, out,
		node("Cast", []string{in.Name}, "x", number("to", int64(Float32))),
		node("AveragePool", []string{"x"}, "cells", numbers("kernel_shape", cell, cell), numbers("strides", cell, cell)),
		node("Flatten", []string{"cells"}, "flat", number("axis", 1)),
		node("MatMul", []string{"flat", "spread"}, "wide"),
		node("Cast", []string{"wide"}, out.Name, number("to", int64(out.Elem))),
		weights("spread", spread(width), features, int64(width)),
	)
}

// Plain is a tower for inputs of any shape with the items first: it answers with a fixed direction. It is there to be
// opened, and to tell what it was fed by its sign.
func Plain(in, out Value) []byte {
	width := out.Dims[len(out.Dims)-1]
	direction := make([]float32, max(width, 1))
	for i := range direction {
		direction[i] = float32(1 + i%7)
	}
	return file(in, out,
		node("Cast", []string{in.Name}, "x", number("to", int64(Float32))),
		node("Flatten", []string{"x"}, "flat", number("axis", 1)),
		node("ReduceMean", []string{"flat"}, "mean", numbers("axes", 1), number("keepdims", 1)),
		node("MatMul", []string{"mean", "direction"}, "wide"),
		node("Cast", []string{"wide"}, out.Name, number("to", int64(out.Elem))),
		weights("direction", direction, 1, int64(len(direction))),
	)
}

// spread is the matrix of Colours, features rows of width numbers.
func spread(width int) []float32 {
	random := rand.New(rand.NewPCG(48, uint64(width)))
	values := make([]float32, features*width)
	for i := range values {
		values[i] = float32(random.NormFloat64())
	}
	return values
}

// file is a whole ONNX file of the operator set 13.
func file(in, out Value, parts ...[]byte) []byte {
	graph := append([][]byte{text(2, "graph")}, parts...)
	graph = append(graph, in.field(11), out.field(12))
	return bytes.Join([][]byte{varint(1, 8), nested(8, text(1, ""), varint(2, 13)), nested(7, graph...)}, nil)
}

func (v Value) field(number protowire.Number) []byte {
	var shape []byte
	for i, d := range v.Dims {
		dim := varint(1, d)
		if d == Open { // one name for all dimensions of one size
			dim = text(2, []string{"items", "a", "b", "c"}[i])
		}
		shape = append(shape, nested(1, dim)...)
	}
	return nested(number, text(1, v.Name), nested(2, nested(1, varint(1, int64(v.Elem)), nested(2, shape))))
}

func node(op string, inputs []string, output string, attributes ...[]byte) []byte {
	var fields [][]byte
	for _, name := range inputs {
		fields = append(fields, text(1, name))
	}
	return nested(1, append(fields, append(attributes, text(2, output), text(4, op))...)...)
}

// number and numbers are attributes; the last field is the kind that onnx.proto asks for.
func number(name string, n int64) []byte {
	return nested(5, text(1, name), varint(3, n), varint(20, 2))
}

func numbers(name string, all ...int64) []byte {
	fields := [][]byte{text(1, name), varint(20, 7)}
	for _, n := range all {
		fields = append(fields, varint(8, n))
	}
	return nested(5, fields...)
}

func weights(name string, values []float32, rows, columns int64) []byte {
	raw := make([]byte, 0, 4*len(values))
	for _, v := range values {
		raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(v))
	}
	return nested(5, varint(1, rows), varint(1, columns), varint(2, int64(Float32)), nested(9, raw), text(8, name))
}

func nested(number protowire.Number, parts ...[]byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(nil, number, protowire.BytesType), bytes.Join(parts, nil))
}

func text(number protowire.Number, s string) []byte { return nested(number, []byte(s)) }

func varint(number protowire.Number, n int64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(nil, number, protowire.VarintType), uint64(n))
}
