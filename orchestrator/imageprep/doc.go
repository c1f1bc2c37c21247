// Package imageprep turns the bytes of a picture file into the tensor a model takes, exactly as the Python reference
// does: decode, turn upright, resize with Pillow's bicubic filter, crop, convert to RGB, normalize.
//
//	decoder, err := imageprep.New(imageprep.Default())
//	picture, err := decoder.Decode(file) // the header, judged by the limits
//	defer picture.Release()
//	batch := imageprep.NewBatch(1, spec.Size)
//	err = picture.Pixels(spec, batch.Image(0)) // decodes as little as the crop needs
//	imageprep.NewNormalizer(spec.Mean, spec.Std).Float32(tensor, batch)
//
// Exact means: the 8-bit pixels after resize, crop and conversion are those of Pillow 13, and the floats are those of
// torchvision's ToTensor and Normalize. That includes Pillow's fixed-point arithmetic and order of passes, its rules for
// each mode of picture (see the mode constants) and EXIF orientation as PIL.ImageOps.exif_transpose applies it.
//
// Formats are JPEG (libjpeg-turbo), WebP (libwebp), AVIF (libavif), HEIC (libheif), PNG, BMP and the first picture of
// a GIF or TIFF (Go). JPEG and WebP decoders define pixels that no specification fixes (inverse DCT, chroma upsampling), so only the
// reference's own libraries give its pixels. PNG is lossless, so any decoder does; one in Go cannot be broken by a hostile
// file, and it keeps what Pillow's modes need and general decoders lose (16-bit grey, grey beside a transparent colour,
// palette indices).
//
// AV1 and HEVC decode to the same planes everywhere; what differs between versions of libavif and libheif is how planes
// become RGB. Pillow's libavif is newer than Debian 12's, and libavif.c does as the newer one. The reference for HEIC is
// pillow-heif: where chroma is stored at half the size (4:2:0) in full range, pixels differ from its newer libheif, by 1 in
// a few of a hundred at 8 bits and by up to 3 at 10 and 12; every other kind is the same, but for two: grey of 10 and 12
// bits is grey of 8 here, where Pillow would show nearly all of it as white, and a picture of red, green and blue planes
// (matrix 0) in limited range is only similar.
//
// A camera RAW file is shown by the largest JPEG preview in it, decoded where it lies; sensor data are not developed.
//
// A JPEG is filtered row by row as it is decoded: no more of it is in memory than one output row is made of, and what the
// crop cuts off is not decoded beyond its Huffman codes, which have to be read to find the rest and to see that the file is
// sound. Those codes are the larger part of the work: huffman.h decodes them in libjpeg-turbo's place, in two thirds of its time,
// where a file is as encoders write them, and leaves it to the library otherwise. Everything else is decoded as a whole. The filters are C with vectors, chosen when the program runs; each gives
// the same bits. testdata/compare.py measures all of it against Pillow.
//
// Embedded colour profiles are left alone, as the reference leaves them, unless Config.SRGB asks for sRGB (Little CMS, as in
// Pillow's ImageCms); then a JPEG is decoded as a whole.
//
// Fast mode (Config.Fast) decodes JPEG and WebP at a half, a quarter or an eighth of their size as long as twice the wanted
// size remains. Its pixels are not the reference's, its embeddings nearly are.
//
// AVIF and HEIC are always decoded whole. The thumbnail that many a HEIC holds is no shortcut: it is coded anew, mostly a
// few hundred pixels wide, and of another shape or crop in some files.
//
// Where this package is stricter than Pillow: a PNG whose pixel data has a wrong checksum or ends early is refused
// rather than filled with black, and so is a TIFF with damage that libtiff would pass over. Where it is right and Pillow is
// not: TIFF's big endian grey of more than 8 bits, channels stored apart, bits stored in reverse order and grey
// premultiplied by alpha, of all of which Pillow mistakes or lacks some kinds, are read as the format says.
//
// The package is not for reading files or folders (source), for batching or parallelism (ingest: one picture is
// prepared by one goroutine) and not for editing pictures.
package imageprep
