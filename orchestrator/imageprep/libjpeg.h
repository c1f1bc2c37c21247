/* JPEG decoding by libjpeg-turbo, for jpeg_decode.go. */
#ifndef CLIPSEEK_LIBJPEG_H
#define CLIPSEEK_LIBJPEG_H

#include <stddef.h>
#include <stdint.h>

enum clipseek_jpeg_status {
	CLIPSEEK_JPEG_OK = 0,
	CLIPSEEK_JPEG_TRUNCATED, /* the data end before the pixels do */
	CLIPSEEK_JPEG_BROKEN,    /* libjpeg refuses; message says why */
	CLIPSEEK_JPEG_MISMATCH,  /* size or channels are not those asked for */
	CLIPSEEK_JPEG_SCANS      /* more scans than max_scans */
};

/* Room for libjpeg's own text (JMSG_LENGTH_MAX). */
#define CLIPSEEK_JPEG_MESSAGE 200

/*
 * clipseek_jpeg_decode decodes data into out: height rows of width * channels bytes without gaps; channels is 1 (grey),
 * 3 (RGB) or 4 (CMYK, turned so that 255 is full ink). It settles everything that libjpeg allocates before it returns
 * and keeps no pointer. message receives a text for CLIPSEEK_JPEG_BROKEN.
 */
int clipseek_jpeg_decode(const uint8_t *data, size_t size, unsigned width, unsigned height, int channels,
                         int max_scans, uint8_t *out, char message[CLIPSEEK_JPEG_MESSAGE]);

#endif
