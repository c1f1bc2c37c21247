/* HEIC reading by libheif, for heic_decode.go. */
#ifndef CLIPSEEK_LIBHEIF_H
#define CLIPSEEK_LIBHEIF_H

#include "block.h"

enum clipseek_heic_status {
	CLIPSEEK_HEIC_OK = 0,
	CLIPSEEK_HEIC_TRUNCATED, /* the file ends before a box does */
	CLIPSEEK_HEIC_EMPTY,     /* it has no primary picture */
	CLIPSEEK_HEIC_BROKEN,    /* libheif refuses */
	CLIPSEEK_HEIC_TOO_LARGE, /* it goes over libheif's limits */
	CLIPSEEK_HEIC_KIND,      /* a feature that libheif lacks */
	CLIPSEEK_HEIC_NO_CODEC,  /* no decoder for the picture's codec is there */
	CLIPSEEK_HEIC_MEMORY     /* memory was lacking */
};

/* What the boxes of a file say of its primary picture. */
struct clipseek_heic {
	int width, height;        /* as shown: libheif crops and turns as the boxes say */
	int alpha, premultiplied; /* 1 or 0 */
	struct clipseek_block exif, icc;
};

/* clipseek_heic_read reads the boxes of a file and decodes nothing. The caller owes clipseek_heic_free where it succeeds. */
int clipseek_heic_read(const uint8_t *data, size_t size, struct clipseek_heic *info);
void clipseek_heic_free(struct clipseek_heic *info);

/* The pixels wanted: width x height with channels bytes each (3 RGB, 4 RGBA), rows without gaps. */
struct clipseek_heic_pixels {
	int width, height, channels;
};

/*
 * clipseek_heic_decode decodes the primary picture of a file into out, of width * height * channels bytes. Everything that
 * libheif allocates is freed before it returns, and no pointer is kept.
 */
int clipseek_heic_decode(const uint8_t *data, size_t size, const struct clipseek_heic_pixels *wanted, uint8_t *out);

#endif
