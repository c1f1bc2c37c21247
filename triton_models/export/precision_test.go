package export_test

import (
	"encoding/json"
	"slices"
	"testing"
)

// TestPrecision converts towers of two layers, and a small ResNet, and compares them with FP32 on items that the conversion
// never saw.
func TestPrecision(t *testing.T) {
	const float32Type, int32Type = 1, 6 // onnx.TensorProto
	for name, tc := range map[string]struct {
		kind, precision string
		towers          int
		cosine          float64
		least, most     float64 // part of FP32's file
	}{
		"FP16 transformer": {"vit", "fp16", 2, 0.999, 0.49, 0.53},
		"FP16 ResNet":      {"resnet", "fp16", 1, 0.999, 0.49, 0.53},
		"INT8 transformer": {"vit", "int8", 2, 0.99, 0.24, 0.29},
		"INT8 ResNet":      {"resnet", "int8", 1, 0.99, 0.24, 0.29},
	} {
		t.Run(name, func(t *testing.T) {
			told := must(t, nil, "testdata/halve.py", tc.kind, tc.precision)
			var towers map[string]struct {
				Cosine, Size, Batch float64
				Domains             []string
				Input, Output       int
			}
			if err := json.Unmarshal([]byte(told), &towers); err != nil {
				t.Fatalf("%v: %s", err, told)
			}
			if len(towers) != tc.towers {
				t.Errorf("%d towers, want %d", len(towers), tc.towers)
			}
			for tower, got := range towers {
				if !(got.Cosine >= tc.cosine) {
					t.Errorf("%s: cosine %g, want at least %g", tower, got.Cosine, tc.cosine)
				}
				if got.Size < tc.least || got.Size > tc.most {
					t.Errorf("%s: %g of FP32's bytes, want %g to %g", tower, got.Size, tc.least, tc.most)
				}
				if got.Batch > 1e-5 {
					t.Errorf("%s: an item differs by %g in a batch", tower, got.Batch)
				}
				if !slices.Equal(got.Domains, []string{""}) {
					t.Errorf("%s: operators of the domains %q, want ONNX's own alone", tower, got.Domains)
				}
				if want := map[string]int{"image": float32Type, "text": int32Type}[tower]; got.Input != want || got.Output != float32Type {
					t.Errorf("%s: input type %d, output type %d", tower, got.Input, got.Output)
				}
			}
		})
	}
}
