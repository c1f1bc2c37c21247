// Package tritonpb holds the Go stubs of Triton's gRPC protocol and model configuration, generated from Triton's own
// definitions by `make stubs`. Nothing here is written by hand.
package tritonpb
