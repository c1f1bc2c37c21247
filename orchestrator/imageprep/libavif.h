/* AVIF reading by libavif, for avif_decode.go. */
#ifndef CLIPSEEK_LIBAVIF_H
#define CLIPSEEK_LIBAVIF_H

#include "block.h"

enum clipseek_avif_status {
	CLIPSEEK_AVIF_OK = 0,
	CLIPSEEK_AVIF_TRUNCATED, /* the file ends before what it refers to does */
	CLIPSEEK_AVIF_EMPTY,     /* it holds no AV1 picture */
	CLIPSEEK_AVIF_BROKEN,    /* libavif refuses */
	CLIPSEEK_AVIF_TOO_LARGE, /* more than 2^28 pixels */
	CLIPSEEK_AVIF_KIND,      /* pixels that cannot be converted to RGB */
	CLIPSEEK_AVIF_NO_CODEC,  /* libavif was built without an AV1 decoder */
	CLIPSEEK_AVIF_MEMORY     /* memory was lacking */
};

/* What the boxes of a file say. */
struct clipseek_avif {
	uint32_t width, height;
	int alpha, grey;      /* 1 or 0 */
	int turn, mirror;     /* quarter turns against the clock; then 1 exchanges left and right, 0 top and bottom, -1 nothing */
	struct clipseek_block exif, xmp, icc;
};

/* clipseek_avif_read reads the boxes of a file and decodes nothing. The caller owes clipseek_avif_free where it succeeds. */
int clipseek_avif_read(const uint8_t *data, size_t size, struct clipseek_avif *info);
void clipseek_avif_free(struct clipseek_avif *info);

/* The pixels wanted: width x height with channels bytes each (1 grey, 3 RGB, 4 RGBA), rows without gaps. */
struct clipseek_avif_pixels {
	uint32_t width, height;
	int channels;
};

/*
 * clipseek_avif_decode decodes the first picture of a file into out, of width * height * channels bytes, by one thread.
 * Everything that libavif allocates is freed before it returns, and no pointer is kept.
 */
int clipseek_avif_decode(const uint8_t *data, size_t size, const struct clipseek_avif_pixels *wanted, uint8_t *out);

#endif
