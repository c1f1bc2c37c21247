/* JPEG decoding by libjpeg-turbo, for jpeg_decode.go. */
#ifndef CLIPSEEK_LIBJPEG_H
#define CLIPSEEK_LIBJPEG_H

#include <stddef.h>
#include <stdint.h>

#include "block.h"
#include "resize.h"

enum clipseek_jpeg_status {
	CLIPSEEK_JPEG_OK = 0,
	CLIPSEEK_JPEG_TRUNCATED, /* the data end before the pixels do */
	CLIPSEEK_JPEG_BROKEN,    /* libjpeg refuses; message says why */
	CLIPSEEK_JPEG_MISMATCH,  /* size or channels are not those asked for */
	CLIPSEEK_JPEG_SCANS,     /* more scans than max_scans */
	CLIPSEEK_JPEG_MEMORY     /* none for the resizer */
};

/* Room for libjpeg's own text (JMSG_LENGTH_MAX), which every message must have. */
#define CLIPSEEK_JPEG_MESSAGE 200

/* What the channels are turned into. */
enum clipseek_jpeg_colors {
	CLIPSEEK_JPEG_AS_MARKED = 0, /* what the file's markers say they are becomes grey, RGB or CMYK */
	CLIPSEEK_JPEG_YCBCR,         /* YCbCr, whatever the markers say, becomes RGB */
	CLIPSEEK_JPEG_STORED         /* nothing */
};

/* What a file's header was found to say, and what to make of it. channels is 1 (grey), 3 (RGB) or 4 (CMYK). */
struct clipseek_jpeg {
	unsigned width, height;
	int channels;
	int eighths;   /* the size to decode to: 8 is the file's own, 4 half of it; sides are rounded up */
	int max_scans;
	int by_library; /* decode Huffman codes by libjpeg too (huffman.h), which gives the same */
	enum clipseek_jpeg_colors colors;
};

/*
 * clipseek_jpeg_decode decodes a file into out: rows without gaps; CMYK is turned so that 255 is full ink. Everything
 * that libjpeg allocates is settled before it returns, and no pointer is kept. message gets a text for
 * CLIPSEEK_JPEG_BROKEN.
 */
int clipseek_jpeg_decode(const uint8_t *data, size_t size, const struct clipseek_jpeg *file, uint8_t *out, char *message);

/*
 * clipseek_jpeg_resize resizes a file by the filters of r as it decodes, and decodes only what they reach. The pixels
 * are those of the whole picture, and a file that ends early or is damaged anywhere is refused all the same.
 */
int clipseek_jpeg_resize(const uint8_t *data, size_t size, const struct clipseek_jpeg *file, struct clipseek_resizer *r,
                         const struct clipseek_job *job, uint8_t *out, char *message);

/*
 * clipseek_jpeg_resize_twice is clipseek_jpeg_resize for two results of one decode: the rows go to a second resizer too,
 * which takes the whole picture.
 */
int clipseek_jpeg_resize_twice(const uint8_t *data, size_t size, const struct clipseek_jpeg *file, struct clipseek_resizer *r,
                               const struct clipseek_job *job, uint8_t *out, struct clipseek_resizer *whole,
                               const struct clipseek_job *whole_job, uint8_t *whole_out, char *message);

/*
 * clipseek_jpeg_encode makes a baseline file (4:2:0, quality 1 to 100) of RGB rows without gaps. What it puts into file is
 * to be freed.
 */
int clipseek_jpeg_encode(const uint8_t *rgb, int width, int height, int quality, struct clipseek_block *file, char *message);

#endif
