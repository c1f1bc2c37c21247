package imageprep

import "clipseek/orchestrator/half"

// Normalizer makes a model's tensor of a batch's pixels: (value/255 - mean) / std for each channel, each step rounded to
// float32 as in torchvision's ToTensor and Normalize. There are 256 values of each, so they are looked up.
type Normalizer struct {
	mean, std [3]float32
	single    [3][256]float32
	half      [3][256]uint16
}

// NewNormalizer prepares the tables for a mean and a standard deviation of R, G and B, of values in 0..1.
func NewNormalizer(mean, std [3]float32) *Normalizer {
	t := new(Normalizer)
	t.set(mean, std)
	return t
}

func (t *Normalizer) set(mean, std [3]float32) {
	if t.mean == mean && t.std == std {
		return
	}
	t.mean, t.std = mean, std
	for c := range t.single {
		for v := range t.single[c] {
			t.single[c][v] = (float32(v)/255 - mean[c]) / std[c]
			t.half[c][v] = half.From(t.single[c][v])
		}
	}
}

// Value is what a byte of a channel (0 is R) becomes.
func (t *Normalizer) Value(channel int, v byte) float32 { return t.single[channel][v] }

// Float32 writes the batch to dst as float32 [N, 3, Size, Size], whose length is that of b.Pixels.
func (t *Normalizer) Float32(dst []float32, b Batch) { lookUp(dst, b, &t.single) }

// Float16 writes the batch to dst as IEEE 754 binary16 [N, 3, Size, Size]: Float32's values, rounded to nearest even.
func (t *Normalizer) Float16(dst []uint16, b Batch) { lookUp(dst, b, &t.half) }

// lookUp writes each picture of the batch, channel after channel.
func lookUp[T float32 | uint16](dst []T, b Batch, table *[3][256]T) {
	n := b.Size * b.Size
	red, green, blue := &table[0], &table[1], &table[2]
	for i := range b.N {
		px := b.Image(i)
		tensor := dst[3*n*i : 3*n*(i+1)]
		r, g, b := tensor[:n:n], tensor[n:2*n:2*n], tensor[2*n:]
		for j := range r {
			if len(px) < 3 || j >= len(g) || j >= len(b) { // never; it spares three checks of bounds
				break
			}
			r[j], g[j], b[j] = red[px[0]], green[px[1]], blue[px[2]]
			px = px[3:]
		}
	}
}
