package repository

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"
)

// graph is what an ONNX file says of its inputs and outputs.
type graph struct {
	inputs, outputs []value
	external        bool // weights are in another file
}

// value is an input or output.
type value struct {
	name string
	elem int32   // TensorProto.DataType
	dims []int64 // open for one of any size
}

// The field numbers of onnx.proto that are followed.
const (
	modelGraph        = 7
	graphInitializer  = 5
	graphInput        = 11
	graphOutput       = 12
	initializerName   = 8
	initializerPlace  = 14 // data_location
	placeExternal     = 1
	valueName         = 1
	valueType         = 2
	typeTensor        = 1
	tensorElem        = 1
	tensorShape       = 2
	shapeDim          = 1
	dimValue          = 1
	greatestNameBytes = 1 << 16
	greatestRank      = 64
)

// readGraph reads an ONNX file, passing over its weights: they may be gigabytes.
func readGraph(r io.Reader) (graph, error) {
	var g graph
	var found bool
	initialized := map[string]bool{}
	file := &message{r: bufio.NewReaderSize(r, 1<<16), left: math.MaxInt64, top: true}
	err := file.each(modelGraph, func(m *message) error {
		found = true
		return m.fields(func(field protowire.Number, m *message) error {
			switch field {
			case graphInitializer:
				return g.readInitializer(m, initialized)
			case graphInput:
				return readValue(m, &g.inputs)
			case graphOutput:
				return readValue(m, &g.outputs)
			}
			return nil
		})
	})
	if err == nil && !found {
		err = errors.New("there is no graph in it")
	}
	// Old exports list their weights among the inputs.
	g.inputs = slices.DeleteFunc(g.inputs, func(v value) bool { return initialized[v.name] })
	return g, err
}

func (g *graph) readInitializer(m *message, initialized map[string]bool) error {
	return m.fields(func(field protowire.Number, m *message) error {
		switch field {
		case initializerName:
			name, err := m.text()
			initialized[name] = true
			return err
		case initializerPlace:
			g.external = g.external || m.number == placeExternal
		}
		return nil
	})
}

func readValue(m *message, values *[]value) error {
	var v value
	err := m.fields(func(field protowire.Number, m *message) (err error) {
		switch field {
		case valueName:
			v.name, err = m.text()
		case valueType:
			err = m.each(typeTensor, v.readTensor)
		}
		return err
	})
	*values = append(*values, v)
	return err
}

func (v *value) readTensor(m *message) error {
	return m.fields(func(field protowire.Number, m *message) error {
		switch field {
		case tensorElem:
			v.elem = int32(m.number)
		case tensorShape:
			return m.each(shapeDim, func(m *message) error {
				if len(v.dims) == greatestRank {
					return errors.New("a tensor has too many dimensions")
				}
				v.dims = append(v.dims, open) // a name instead of a number is any size
				return m.each(dimValue, func(m *message) error {
					v.dims[len(v.dims)-1] = int64(m.number)
					return nil
				})
			})
		}
		return nil
	})
}

// message is a field being read: a number, or left bytes that are text or further fields.
type message struct {
	r      *bufio.Reader
	left   int64
	top    bool // the file itself, which ends where r does
	number uint64
}

// fields calls f for every field, and passes over what f leaves unread of it.
func (m *message) fields(f func(protowire.Number, *message) error) error {
	for m.left > 0 {
		if m.top {
			if _, err := m.r.Peek(1); errors.Is(err, io.EOF) {
				return nil
			}
		}
		tag, err := binary.ReadUvarint(m)
		if err != nil {
			return unexpected(err)
		}
		field, kind := protowire.DecodeTag(tag)
		if field < protowire.MinValidNumber {
			return fmt.Errorf("field number %d", field)
		}
		inner := &message{r: m.r}
		switch kind {
		case protowire.VarintType:
			inner.number, err = binary.ReadUvarint(m)
		case protowire.BytesType:
			var size uint64
			size, err = binary.ReadUvarint(m)
			if size > uint64(m.left) {
				return io.ErrUnexpectedEOF
			}
			inner.left = int64(size)
		case protowire.Fixed32Type:
			inner.left = 4
		case protowire.Fixed64Type:
			inner.left = 8
		default:
			return fmt.Errorf("wire type %d", kind)
		}
		if err != nil {
			return unexpected(err)
		}
		m.left -= inner.left
		if m.left < 0 {
			return io.ErrUnexpectedEOF
		}
		if err := f(field, inner); err != nil {
			return err
		}
		if err := inner.skip(); err != nil {
			return err
		}
	}
	return nil
}

// each calls f for every field of one number.
func (m *message) each(number protowire.Number, f func(*message) error) error {
	return m.fields(func(field protowire.Number, m *message) error {
		if field != number {
			return nil
		}
		return f(m)
	})
}

// ReadByte makes a message a source of varints.
func (m *message) ReadByte() (byte, error) {
	if m.left == 0 {
		return 0, io.ErrUnexpectedEOF
	}
	m.left--
	return m.r.ReadByte()
}

func (m *message) text() (string, error) {
	if m.left > greatestNameBytes {
		return "", errors.New("a name is too long")
	}
	b := make([]byte, m.left)
	m.left = 0
	_, err := io.ReadFull(m.r, b)
	return string(b), unexpected(err)
}

func (m *message) skip() error {
	for m.left > 0 {
		n, err := m.r.Discard(int(min(m.left, math.MaxInt32)))
		m.left -= int64(n)
		if err != nil {
			return unexpected(err)
		}
	}
	return nil
}

// unexpected is err, with the end of the file as what it is inside a field: too early.
func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
