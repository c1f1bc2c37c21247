package main

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"clipseek/orchestrator/disk"
	"clipseek/orchestrator/fault"
)

func addOutFlag(cmd *cobra.Command, out *string) {
	cmd.Flags().StringVarP(out, "out", "o", "", "NumPy `FILE` to write")
	cmd.PreRunE = func(cmd *cobra.Command, _ []string) error {
		if *out == "" {
			return usageError{fmt.Errorf("%s needs -o FILE.npy; see `%s --help`", cmd.Name(), cmd.CommandPath())}
		}
		return nil
	}
}

// writeNPY writes a little-endian float32 array of this shape in NumPy's format, version 1.0. fill writes the values in
// row-major order. The file appears whole or not at all.
func writeNPY(path string, shape []int, fill func(write func([]float32) error) error) error {
	file, err := disk.Create(filepath.Dir(path), 0o644)
	if err != nil {
		return fault.Invalid("%s cannot be written: %s", path, reason(err)).Because(err)
	}
	defer file.Drop()
	out := bufio.NewWriterSize(file, 1<<20)
	if _, err := out.Write(npyHeader(shape)); err != nil {
		return notWritten(path, err)
	}
	var bytes [4]byte
	err = fill(func(values []float32) error {
		for _, v := range values {
			binary.LittleEndian.PutUint32(bytes[:], math.Float32bits(v))
			if _, err := out.Write(bytes[:]); err != nil {
				return notWritten(path, err)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	if err := out.Flush(); err != nil {
		return notWritten(path, err)
	}
	if err := file.Keep(path); err != nil {
		return notWritten(path, err)
	}
	return nil
}

// npyHeader is magic, version and the description, padded so that the values start at a multiple of 64 bytes.
func npyHeader(shape []int) []byte {
	const prefix = 10
	sizes := strings.Trim(strings.Join(strings.Fields(fmt.Sprint(shape)), ", "), "[]")
	if len(shape) == 1 {
		sizes += ","
	}
	text := fmt.Sprintf("{'descr': '<f4', 'fortran_order': False, 'shape': (%s), }", sizes)
	text += strings.Repeat(" ", 63-(prefix+len(text))%64) + "\n"
	header := append([]byte("\x93NUMPY\x01\x00"), 0, 0)
	binary.LittleEndian.PutUint16(header[8:], uint16(len(text)))
	return append(header, text...)
}

func notWritten(path string, err error) error {
	return fault.Unavailable("%s cannot be written: %s", path, reason(err)).Because(err)
}

// reason is the system's own words without the path.
func reason(err error) string {
	if pathErr, ok := errors.AsType[*os.PathError](err); ok {
		return pathErr.Err.Error()
	}
	return err.Error()
}
