// Package imageprep turns the bytes of a picture file into the tensor a model takes, exactly as the Python reference
// does: decode, turn upright, resize with Pillow's bicubic filter, crop, convert to RGB, normalize.
//
//	decoder, err := imageprep.New(imageprep.Default())
//	picture, err := decoder.Decode(file) // bounded: header first, then pixels
//	defer picture.Release()
//	batch := imageprep.NewBatch(1, spec.Size)
//	err = picture.Tensor(spec, batch.Image(0))
//
// Exact means: the 8-bit pixels after resize, crop and conversion are those of Pillow 13, and the floats are those of
// torchvision's ToTensor and Normalize. That includes Pillow's fixed-point arithmetic and order of passes, its rules for
// each mode of picture (see the mode constants) and EXIF orientation as PIL.ImageOps.exif_transpose applies it.
//
// Formats are JPEG (libjpeg-turbo), WebP (libwebp) and PNG (Go). JPEG and WebP decoders define pixels that no
// specification fixes (inverse DCT, chroma upsampling), so only the reference's own libraries give its pixels. PNG is
// lossless, so any decoder does; one in Go cannot be broken by a hostile file, and it keeps what Pillow's modes need and
// general decoders lose (16-bit grey, grey beside a transparent colour, palette indices).
//
// Where this package is stricter than Pillow: a PNG whose pixel data has a wrong checksum or ends early is refused
// rather than filled with black.
//
// The package is not for reading files or folders (source), for batching or parallelism (ingest: one picture is
// prepared by one goroutine) and not for editing pictures.
package imageprep
