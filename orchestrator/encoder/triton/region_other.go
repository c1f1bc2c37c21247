//go:build !linux

package triton

import "errors"

const regionPrefix = "clipseek-"

// Triton runs on Linux, so there is no server to share memory with.

func newRegion(int) (*region, error) { return nil, errors.ErrUnsupported }
func (*region) touch()               {}
func (*region) close()               {}
func abandoned(string) bool          { return false }
func removeAbandoned()               {}
