/* WebP decoding by libwebp, for webp_decode.go. */
#ifndef CLIPSEEK_LIBWEBP_H
#define CLIPSEEK_LIBWEBP_H

#include <stddef.h>
#include <stdint.h>

enum clipseek_webp_status {
	CLIPSEEK_WEBP_OK = 0,
	CLIPSEEK_WEBP_TRUNCATED, /* the data end before the pixels do */
	CLIPSEEK_WEBP_BROKEN,    /* libwebp refuses */
	CLIPSEEK_WEBP_MEMORY     /* libwebp could not allocate */
};

/* clipseek_webp_features reads the size of the picture and whether it has alpha (1 or 0). */
int clipseek_webp_features(const uint8_t *data, size_t size, int *width, int *height, int *alpha);

/* How a picture is decoded: RGBA or RGB, rows stride bytes apart, shrunk to width x height unless they are 0. */
struct clipseek_webp {
	int alpha, stride;
	int width, height;
};

/*
 * clipseek_webp_decode decodes data into out, of out_size bytes. Everything that libwebp allocates is settled before it
 * returns, and no pointer is kept.
 */
int clipseek_webp_decode(const uint8_t *data, size_t size, const struct clipseek_webp *wanted, uint8_t *out, size_t out_size);

#endif
