/*
 * Pillow's resampling of 8-bit pixels, row by row, for resample.go. Rows of the stored picture are pushed in order;
 * no more of them are kept than the longest window of the vertical filter reaches.
 */
#ifndef CLIPSEEK_RESIZE_H
#define CLIPSEEK_RESIZE_H

#include <stddef.h>
#include <stdint.h>

/* A weight is in fixed point, CLIPSEEK_PRECISION bits after the point; its absolute value is below 2. */
#define CLIPSEEK_PRECISION 22

/* Bytes behind the last row of a picture in memory that may be read; their values do not matter. */
#define CLIPSEEK_SLACK 64

/* The part of an axis that one output is made of: count pixels from start, their weights from index at on. */
struct clipseek_window {
	int32_t start, count, at;
};

/*
 * A filter as the kernels take it: every window has 4 * groups weights, zeros included. The memory belongs to the
 * filter. starts has room for a multiple of four outputs, of which the last repeats; taps is in the kernel's layout.
 */
struct clipseek_filter {
	int outputs, groups, in;
	int32_t *starts, *ends; /* ends is one past the last pixel that has a weight */
	uint8_t *taps;
	size_t room; /* bytes of all three */
};

/*
 * A kernel is one implementation of the two inner loops. put stores the weight of pixel number tap of an output's
 * window. along filters one row into filter->outputs pixels of n bytes. across filters the rows of one output's window
 * into one row of bytes. Reads go up to CLIPSEEK_SLACK bytes beyond what is filtered, writes do not.
 */
struct clipseek_kernel {
	const char *name;
	void (*put)(struct clipseek_filter *f, int output, int tap, int32_t weight);
	void (*along)(const struct clipseek_filter *f, const uint8_t *row, int n, uint8_t *out);
	void (*across)(const struct clipseek_filter *f, int output, const uint8_t *const *rows, size_t bytes, uint8_t *out);
};

/* clipseek_kernel gives kernel number i, fastest first, of those that this processor can run; NULL behind the last. */
const struct clipseek_kernel *clipseek_kernel(int i);

/* What is to be done with a picture as it is stored: its width and bytes of a pixel, and how its filters are used. */
struct clipseek_job {
	int width, n;
	int vertical_first;
	int backwards; /* the vertical windows run from the last output to the first */
	int timed;     /* count the time, that of some rows for all */
};

/* A resizer's memory is its own and is kept from picture to picture. */
struct clipseek_resizer {
	const struct clipseek_kernel *kernel;
	struct clipseek_filter x, y;

	struct clipseek_job job;
	int left, right;      /* columns that are reached */
	int top, bottom;      /* rows that are reached */
	uint8_t *out;
	int pushed, emitted;  /* rows and outputs so far */
	int64_t nanoseconds;  /* that pushing took, if timed */

	uint8_t *rows;        /* a ring of rows and one row beside it */
	size_t rows_room, stride;
	int ring;
	const uint8_t **window;
	size_t window_room;
};

/* clipseek_resizer_new takes memory for a resizer with a kernel; NULL where there is none. Free what it gives. */
struct clipseek_resizer *clipseek_resizer_new(int kernel);
void clipseek_resizer_free(struct clipseek_resizer *r);

/* clipseek_set_filter prepares an axis of in pixels. It answers 0 where memory is lacking. */
int clipseek_set_filter(struct clipseek_resizer *r, int vertical, int in, int outputs, const struct clipseek_window *windows, const int32_t *weights);

/*
 * clipseek_begin starts a picture by the filters that are set. out takes x.outputs * y.outputs pixels without gaps and
 * is borrowed until the last row is pushed. It answers 0 where memory is lacking.
 */
int clipseek_begin(struct clipseek_resizer *r, const struct clipseek_job *job, uint8_t *out);

/* clipseek_slot is where the next row may be written in full, with CLIPSEEK_SLACK bytes to spare. */
uint8_t *clipseek_slot(struct clipseek_resizer *r);

/* clipseek_push takes the next of the rows top to bottom: clipseek_slot's or any other. */
void clipseek_push(struct clipseek_resizer *r, const uint8_t *row);

/* clipseek_resize resizes a picture in memory, its rows without gaps. It answers 0 where memory is lacking. */
int clipseek_resize(struct clipseek_resizer *r, const struct clipseek_job *job, const uint8_t *pixels, uint8_t *out);

#endif
