#ifndef CLIPSEEK_BOUND_H
#define CLIPSEEK_BOUND_H

#include <stddef.h>
#include <stdint.h>

enum {
	CLIPSEEK_DEPTH = 64, /* numbers of a sketch */
	CLIPSEEK_LANES = 32, /* sketches side by side in a panel */
	CLIPSEEK_STEP = 6,   /* rows at a time; the number of rows is a multiple */
};

/*
 * Products of every row with every lane of a panel. rows holds sketches one after the other; a panel holds the first
 * numbers of its lanes, then their second ones, and so on. Pairs of at least bound go to found, as row * CLIPSEEK_LANES +
 * lane; it has room for all. The number of them is returned.
 */
typedef size_t clipseek_bound_kernel(const float *rows, size_t count, const float *panel, float bound, uint32_t *found);

clipseek_bound_kernel clipseek_bound_plain, clipseek_bound_avx2, clipseek_bound_avx512;

/* clipseek_bound runs the kernel of this place, fastest first; its name is NULL behind the last that the processor can run. */
const char *clipseek_bound_name(int place);
size_t clipseek_bound(int place, const float *rows, size_t count, const float *panel, float bound, uint32_t *found);

#endif
