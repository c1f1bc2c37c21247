/*
 * The inner loops with AVX2. One instruction multiplies two pixels of 16 bits with two weights of 16 bits and adds both
 * to 32 bits, so a weight is split: its lower half, signed, and the rest above. Sums may wrap on the way: the result
 * fits 32 bits, so arithmetic modulo 2^32 gives it exactly.
 */
#include "resize.h"

#include <immintrin.h>
#include <string.h>

#define AVX2 __attribute__((target("avx2")))

enum { LOWER_BITS = 15 };

int clipseek_has_avx2(void);
int clipseek_has_avx2(void) { return __builtin_cpu_supports("avx2"); }

/* For an output and four taps: four lower parts, four upper parts. */
static int16_t *taps_of(const struct clipseek_filter *f, int output, int group)
{
	return (int16_t *)f->taps + ((size_t)output * f->groups + group) * 8;
}

static int32_t two_taps(const int16_t *taps)
{
	int32_t k;
	memcpy(&k, taps, sizeof k);
	return k;
}

static void put(struct clipseek_filter *f, int output, int tap, int32_t weight)
{
	int16_t *to = taps_of(f, output, tap / 4) + tap % 4;
	int32_t upper = (weight + (1 << (LOWER_BITS - 1))) >> LOWER_BITS;
	to[0] = (int16_t)(weight - upper * (1 << LOWER_BITS));
	to[4] = (int16_t)upper;
}

/* sums are those of both parts. */
struct sums {
	__m256i lower, upper;
};

/* nothing is the sum of no pixels: what rounds the whole. */
AVX2 static inline struct sums nothing(void)
{
	return (struct sums){_mm256_set1_epi32(1 << (CLIPSEEK_PRECISION - 1)), _mm256_setzero_si256()};
}

AVX2 static inline void add(struct sums *s, __m256i px, __m256i lower, __m256i upper)
{
	s->lower = _mm256_add_epi32(s->lower, _mm256_madd_epi16(px, lower));
	s->upper = _mm256_add_epi32(s->upper, _mm256_madd_epi16(px, upper));
}

/* joined puts the parts' sums together and takes the whole part. */
AVX2 static inline __m256i joined(const struct sums *s)
{
	return _mm256_srai_epi32(_mm256_add_epi32(s->lower, _mm256_slli_epi32(s->upper, LOWER_BITS)), CLIPSEEK_PRECISION);
}

AVX2 static inline __m256i both(const void *a, const void *b)
{
	return _mm256_inserti128_si256(_mm256_castsi128_si256(_mm_loadu_si128(a)), _mm_loadu_si128(b), 1);
}

/* spread widens pixels 0 and 1 of n bytes, or 2 and 3, to 16 bits: both of a channel side by side. */
#define CHANNEL(n, c, first) (first) * (n) + (c), -1, ((first) + 1) * (n) + (c), -1
#define PAIR(n, first) {CHANNEL(n, 0, first), CHANNEL(n, 1, first), CHANNEL(n, 2, first), CHANNEL(n, 3, first)}
static const int8_t spread[4][2][16] = {
	{PAIR(1, 0), PAIR(1, 2)}, {PAIR(2, 0), PAIR(2, 2)}, {PAIR(3, 0), PAIR(3, 2)}, {PAIR(4, 0), PAIR(4, 2)},
};

/* two filters two outputs that begin at a and b: their channels, 32 bits each. */
AVX2 static inline __m256i two(const uint8_t *a, const uint8_t *b, int n, const int16_t *taps, int groups, __m256i first, __m256i second)
{
	const int16_t *next = taps + 8 * groups;
	struct sums s = nothing();
	for (int g = 0; g < groups; g++, a += 4 * n, b += 4 * n) {
		__m256i k = both(taps + 8 * g, next + 8 * g), px = both(a, b);
		add(&s, _mm256_shuffle_epi8(px, first), _mm256_shuffle_epi32(k, 0x00), _mm256_shuffle_epi32(k, 0xaa));
		add(&s, _mm256_shuffle_epi8(px, second), _mm256_shuffle_epi32(k, 0x55), _mm256_shuffle_epi32(k, 0xff));
	}
	return joined(&s);
}

AVX2 static void along(const struct clipseek_filter *f, const uint8_t *row, int n, uint8_t *out)
{
	const __m256i first = both(spread[n - 1][0], spread[n - 1][0]), second = both(spread[n - 1][1], spread[n - 1][1]);
	for (int i = 0; i < f->outputs; i += 2, out += 2 * n) {
		const uint8_t *a = row + (size_t)f->starts[i] * n, *b = row + (size_t)f->starts[i + 1] * n;
		__m256i words = _mm256_packs_epi32(two(a, b, n, taps_of(f, i, 0), f->groups, first, second), _mm256_setzero_si256());
		__m256i bytes = _mm256_packus_epi16(words, words);
		int32_t px = _mm256_extract_epi32(bytes, 0), next = _mm256_extract_epi32(bytes, 4);
		if ((i + 1) * n + 4 <= f->outputs * n) { /* what is too much is written over */
			memcpy(out, &px, 4);
			memcpy(out + n, &next, 4);
			continue;
		}
		memcpy(out, &px, n);
		if (i + 1 < f->outputs)
			memcpy(out + n, &next, n);
	}
}

AVX2 static void across(const struct clipseek_filter *f, int output, const uint8_t *const *rows, size_t bytes, uint8_t *out)
{
	const __m256i zero = _mm256_setzero_si256();
	for (size_t x = 0; x < bytes; x += 32) {
		struct sums s0 = nothing(), s1 = nothing(), s2 = nothing(), s3 = nothing();
		for (int j = 0; j < 4 * f->groups; j += 2) {
			const int16_t *taps = taps_of(f, output, j / 4) + j % 4;
			__m256i lower = _mm256_set1_epi32(two_taps(taps)), upper = _mm256_set1_epi32(two_taps(taps + 4));
			__m256i a = _mm256_loadu_si256((const __m256i *)(rows[j] + x)), b = _mm256_loadu_si256((const __m256i *)(rows[j + 1] + x));
			__m256i ab = _mm256_unpacklo_epi8(a, b), ab2 = _mm256_unpackhi_epi8(a, b);
			add(&s0, _mm256_unpacklo_epi8(ab, zero), lower, upper);
			add(&s1, _mm256_unpackhi_epi8(ab, zero), lower, upper);
			add(&s2, _mm256_unpacklo_epi8(ab2, zero), lower, upper);
			add(&s3, _mm256_unpackhi_epi8(ab2, zero), lower, upper);
		}
		__m256i words = _mm256_packs_epi32(joined(&s0), joined(&s1)), words2 = _mm256_packs_epi32(joined(&s2), joined(&s3));
		__m256i whole = _mm256_packus_epi16(words, words2);
		if (bytes - x >= 32)
			_mm256_storeu_si256((__m256i *)(out + x), whole);
		else
			memcpy(out + x, &whole, bytes - x);
	}
}

const struct clipseek_kernel clipseek_avx2 = {"avx2", put, along, across};
