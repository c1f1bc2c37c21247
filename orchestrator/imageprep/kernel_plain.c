/* The inner loops in C, with vectors of four that a compiler turns into whatever the processor has (NEON, SSE2). */
#include "resize.h"

#include <string.h>

typedef uint8_t bytes4 __attribute__((vector_size(4)));
typedef int32_t ints4 __attribute__((vector_size(16)));

/* taps are int32_t, window by window. */
static void put(struct clipseek_filter *f, int output, int tap, int32_t weight)
{
	((int32_t *)f->taps)[(size_t)output * 4 * f->groups + tap] = weight;
}

static const int32_t *taps_of(const struct clipseek_filter *f, int output)
{
	return (const int32_t *)f->taps + (size_t)output * 4 * f->groups;
}

static ints4 widened(const uint8_t *px)
{
	bytes4 b;
	memcpy(&b, px, sizeof b);
	return __builtin_convertvector(b, ints4);
}

/* cut takes the whole part of fixed-point sums, cut to bytes. */
static bytes4 cut(ints4 sum)
{
	sum >>= CLIPSEEK_PRECISION;
	sum &= ~(sum < 0);
	sum |= sum > 255;
	return __builtin_convertvector(sum & 255, bytes4);
}

static void along(const struct clipseek_filter *f, const uint8_t *row, int n, uint8_t *out)
{
	for (int i = 0; i < f->outputs; i++) {
		const uint8_t *px = row + (size_t)f->starts[i] * n;
		const int32_t *k = taps_of(f, i);
		ints4 sum = {0};
		for (int j = 0; j < 4 * f->groups; j++)
			sum += widened(px + (size_t)j * n) * k[j];
		bytes4 value = cut(sum + (1 << (CLIPSEEK_PRECISION - 1)));
		memcpy(out + (size_t)i * n, &value, i * n + 4 <= f->outputs * n ? 4 : n); /* what is too much is written over */
	}
}

static void across(const struct clipseek_filter *f, int output, const uint8_t *const *rows, size_t bytes, uint8_t *out)
{
	const int32_t *k = taps_of(f, output);
	for (size_t x = 0; x < bytes; x += 16) {
		ints4 sum[4] = {{0}};
		for (int j = 0; j < 4 * f->groups; j++)
			for (int v = 0; v < 4; v++)
				sum[v] += widened(rows[j] + x + 4 * v) * k[j];
		bytes4 values[4];
		for (int v = 0; v < 4; v++)
			values[v] = cut(sum[v] + (1 << (CLIPSEEK_PRECISION - 1)));
		memcpy(out + x, values, bytes - x < 16 ? bytes - x : 16);
	}
}

const struct clipseek_kernel clipseek_plain = {"plain", put, along, across};
