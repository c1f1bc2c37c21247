/*
 * The inner loops with AVX-512 (VBMI and VNNI). One instruction multiplies four bytes of pixels with four signed bytes
 * of weights and adds all to 32 bits, so a weight is split into three signed digits of base 256. Sums may wrap on the
 * way: the result fits 32 bits, so arithmetic modulo 2^32 gives it exactly.
 */
#include "resize.h"

#include <immintrin.h>
#include <string.h>

#define AVX512 __attribute__((target("avx512f,avx512bw,avx512vl,avx512vbmi,avx512vnni")))

enum { DIGITS = 3 };

int clipseek_has_avx512(void);
int clipseek_has_avx512(void)
{
	return __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
	       __builtin_cpu_supports("avx512vbmi") && __builtin_cpu_supports("avx512vnni");
}

/* For four outputs and four taps: sixteen bytes of each digit, output by output. */
static uint8_t *taps_of(const struct clipseek_filter *f, int output, int group)
{
	return f->taps + ((size_t)(output / 4) * f->groups + group) * 16 * DIGITS + output % 4 * 4;
}

static int32_t four(const uint8_t *taps)
{
	int32_t k;
	memcpy(&k, taps, sizeof k);
	return k;
}

static void put(struct clipseek_filter *f, int output, int tap, int32_t weight)
{
	uint8_t *to = taps_of(f, output, tap / 4) + tap % 4;
	for (int d = 0; d < DIGITS; d++) {
		int8_t digit = (int8_t)weight;
		to[16 * d] = (uint8_t)digit;
		weight = (weight - digit) >> 8;
	}
}

/* sums are those of each digit. */
struct sums {
	__m512i digit0, digit1, digit2;
};

/* nothing is the sum of no pixels: what rounds the whole. */
AVX512 static inline struct sums nothing(void)
{
	return (struct sums){_mm512_set1_epi32(1 << (CLIPSEEK_PRECISION - 1)), _mm512_setzero_si512(), _mm512_setzero_si512()};
}

AVX512 static inline void add(struct sums *s, __m512i px, __m512i k0, __m512i k1, __m512i k2)
{
	s->digit0 = _mm512_dpbusd_epi32(s->digit0, px, k0);
	s->digit1 = _mm512_dpbusd_epi32(s->digit1, px, k1);
	s->digit2 = _mm512_dpbusd_epi32(s->digit2, px, k2);
}

/* joined puts the digits' sums together and takes the whole part. */
AVX512 static inline __m512i joined(const struct sums *s)
{
	__m512i upper = _mm512_add_epi32(_mm512_slli_epi32(s->digit1, 8), _mm512_slli_epi32(s->digit2, 16));
	return _mm512_srai_epi32(_mm512_add_epi32(s->digit0, upper), CLIPSEEK_PRECISION);
}

/* by_channel orders four pixels of n bytes of each of four windows, sixteen bytes apart, by channel, window, pixel. */
#define PIXELS(n, c, window) 16 * (window) + (c), 16 * (window) + (n) + (c), 16 * (window) + 2 * (n) + (c), 16 * (window) + 3 * (n) + (c)
#define CHANNEL(n, c) PIXELS(n, c, 0), PIXELS(n, c, 1), PIXELS(n, c, 2), PIXELS(n, c, 3)
#define CHANNELS(n) {CHANNEL(n, 0), CHANNEL(n, 1), CHANNEL(n, 2), CHANNEL(n, 3)}
static const uint8_t by_channel[4][64] = {CHANNELS(1), CHANNELS(2), CHANNELS(3), CHANNELS(4)};

/* by_pixel puts four outputs, ordered by channel, together as pixels of n bytes. */
static const uint8_t by_pixel[4][16] = {
	{0, 1, 2, 3},
	{0, 4, 1, 5, 2, 6, 3, 7},
	{0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11},
	{0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15},
};

AVX512 static inline __m512i four_times(const uint8_t *taps)
{
	return _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)taps));
}

AVX512 static inline __m128i load(const uint8_t *px) { return _mm_loadu_si128((const __m128i *)px); }

AVX512 static void along(const struct clipseek_filter *f, const uint8_t *row, int n, uint8_t *out)
{
	const __m512i spread = _mm512_loadu_si512(by_channel[n - 1]);
	const __m128i together = load(by_pixel[n - 1]);
	const uint8_t *taps = f->taps;

	for (int i = 0; i < f->outputs; i += 4, out += 4 * n) {
		const int32_t *start = f->starts + i;
		const uint8_t *a = row + (size_t)start[0] * n, *b = row + (size_t)start[1] * n;
		const uint8_t *c = row + (size_t)start[2] * n, *d = row + (size_t)start[3] * n;
		const uint8_t *end = taps + (size_t)f->groups * 16 * DIGITS;
		struct sums s = nothing();
		for (; taps < end; taps += 16 * DIGITS, a += 4 * n, b += 4 * n, c += 4 * n, d += 4 * n) {
			__m512i px = _mm512_castsi128_si512(load(a));
			px = _mm512_inserti32x4(px, load(b), 1);
			px = _mm512_inserti32x4(px, load(c), 2);
			px = _mm512_inserti32x4(px, load(d), 3);
			add(&s, _mm512_permutexvar_epi8(spread, px), four_times(taps), four_times(taps + 16), four_times(taps + 32));
		}
		int outputs = f->outputs - i < 4 ? f->outputs - i : 4;
		__m512i whole = _mm512_max_epi32(joined(&s), _mm512_setzero_si512());
		__m128i bytes = _mm_shuffle_epi8(_mm512_cvtusepi32_epi8(whole), together);
		_mm_mask_storeu_epi8(out, (__mmask16)((1u << outputs * n) - 1), bytes);
	}
}

AVX512 static void across(const struct clipseek_filter *f, int output, const uint8_t *const *rows, size_t bytes, uint8_t *out)
{
	for (size_t x = 0; x < bytes; x += 64) {
		__mmask64 there = bytes - x < 64 ? ((__mmask64)1 << (bytes - x)) - 1 : ~(__mmask64)0;
		struct sums s0 = nothing(), s1 = nothing(), s2 = nothing(), s3 = nothing();
		for (int g = 0; g < f->groups; g++) {
			const uint8_t *const *row = rows + 4 * g, *taps = taps_of(f, output, g);
			__m512i a = _mm512_loadu_si512(row[0] + x), b = _mm512_loadu_si512(row[1] + x);
			__m512i c = _mm512_loadu_si512(row[2] + x), d = _mm512_loadu_si512(row[3] + x);
			__m512i ab = _mm512_unpacklo_epi8(a, b), cd = _mm512_unpacklo_epi8(c, d);
			__m512i ab2 = _mm512_unpackhi_epi8(a, b), cd2 = _mm512_unpackhi_epi8(c, d);
			__m512i k0 = _mm512_set1_epi32(four(taps)), k1 = _mm512_set1_epi32(four(taps + 16)), k2 = _mm512_set1_epi32(four(taps + 32));
			add(&s0, _mm512_unpacklo_epi16(ab, cd), k0, k1, k2);
			add(&s1, _mm512_unpackhi_epi16(ab, cd), k0, k1, k2);
			add(&s2, _mm512_unpacklo_epi16(ab2, cd2), k0, k1, k2);
			add(&s3, _mm512_unpackhi_epi16(ab2, cd2), k0, k1, k2);
		}
		__m512i words = _mm512_packs_epi32(joined(&s0), joined(&s1)), words2 = _mm512_packs_epi32(joined(&s2), joined(&s3));
		_mm512_mask_storeu_epi8(out + x, there, _mm512_packus_epi16(words, words2));
	}
}

const struct clipseek_kernel clipseek_avx512 = {"avx512", put, along, across};
