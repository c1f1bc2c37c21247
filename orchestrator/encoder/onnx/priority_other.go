//go:build !linux

package onnx

// lowerPriority does nothing: other systems have no priorities of threads that are lowered this way.
func lowerPriority() {}
