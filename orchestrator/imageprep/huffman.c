/*
 * Each code costs one look into a table, whose answer says how far to go on; what the value is, is found beside that, and
 * without branches: those that a processor guesses wrong cost more than the rest.
 */
#include "huffman.h"

#include <stdlib.h>
#include <string.h>

#define INLINE static inline __attribute__((always_inline))

enum { MARKER = 0xff, STUFFED = 0x00, RESTART = 0xd0 };

/* Bytes behind the data that are read as zeros: a block takes at most 64 codes of 31 bits with what follows them. */
enum { BEYOND = 64 * 4 + 16 };

/* upright is where a coefficient stands in its block, by its place in the file. */
static const uint8_t upright[64] = {
	0,  1,  8,  16, 9,  2,  3,  10, 17, 24, 32, 25, 18, 11, 4,  5,  12, 19, 26, 33, 40, 48,
	41, 34, 27, 20, 13, 6,  7,  14, 21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23,
	30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
};

/*
 * What a code stands for, in 32 bits: how many bits it has together with its value, how many alone, by how much the value
 * is to be shifted down from the top of 64 bits (64: there is none), and by how many places it is behind the last value.
 */
#define TOTAL(c) ((c) & 63)
#define LENGTH(c) ((c) >> 8 & 31)
#define SHIFT(c) ((c) >> 16 & 127)
#define SKIP(c) ((c) >> 24)

/* In place of places, more than a block has of them: its end, zeros without a value, a code longer than the table's. */
enum { END_OF_BLOCK = 64, ZEROS = 64 + 16, TOO_LONG = 128 };
#define LONG ((uint32_t)TOO_LONG << 24)

/* meaning takes a symbol: for ac four bits of zeros before the value and four bits of its size, else a size alone. */
static uint32_t meaning(unsigned symbol, unsigned length, int ac)
{
	uint32_t size = symbol & 15, zeros = symbol >> 4, skip = ac ? zeros + 1 : 0;

	if (ac && size == 0)
		skip = zeros == 15 ? ZEROS : END_OF_BLOCK;
	return (length + size) | length << 8 | (64 - size) << 16 | skip << 24;
}

/* build makes the tables of what libjpeg has found to be a code. */
static void build(struct clipseek_codes *codes, const JHUFF_TBL *table, int ac)
{
	int32_t code = 0;
	int at = 0;

	codes->table = table;
	for (int i = 0; i < 1 << CLIPSEEK_HUFFMAN_BITS; i++)
		codes->first[i] = LONG;
	for (int length = 1; length <= 16; length++, code <<= 1) {
		int spare = CLIPSEEK_HUFFMAN_BITS - length;
		codes->offset[length] = at - code;
		for (int i = 0; i < table->bits[length]; i++, code++, at++)
			for (int j = 0; spare >= 0 && j < 1 << spare; j++)
				codes->first[(code << spare) + j] = meaning(table->huffval[at], length, ac);
		codes->last[length] = table->bits[length] ? code - 1 : -1;
	}
}

/* segment copies the data up to the next marker, at which the source then is. It answers 0 where there is no marker. */
static int segment(struct clipseek_huffman *h)
{
	struct jpeg_source_mgr *source = h->info->src;
	const uint8_t *from = source->next_input_byte, *end = from + source->bytes_in_buffer;
	uint8_t *to = h->data;

	for (;;) {
		const uint8_t *found = memchr(from, MARKER, end - from);
		if (!found || end - found < 2)
			return 0;
		memcpy(to, from, found - from);
		to += found - from;
		from = found;
		if (found[1] != STUFFED)
			break;
		*to++ = MARKER;
		from += 2;
	}
	source->next_input_byte = from;
	source->bytes_in_buffer = end - from;
	h->end = to;
	memset(to, 0, BEYOND);
	h->bits = (struct clipseek_bits){.next = h->data};
	h->until_restart = h->info->restart_interval;
	memset(h->before, 0, sizeof h->before);
	return 1;
}

/* restart goes on behind a restart marker. */
static int restart(struct clipseek_huffman *h)
{
	struct jpeg_source_mgr *source = h->info->src;

	if (source->next_input_byte[1] != RESTART + h->restarts++ % 8)
		return 0;
	source->next_input_byte += 2;
	source->bytes_in_buffer -= 2;
	return segment(h);
}

/* refill leaves at least 56 bits. Of the bytes that it takes, it takes a part of the last again the next time. */
INLINE void refill(struct clipseek_bits *b)
{
	uint64_t eight;

	memcpy(&eight, b->next, sizeof eight);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	eight = __builtin_bswap64(eight);
#endif
	b->held |= eight >> b->count;
	b->next += (63 - b->count) >> 3;
	b->count |= 56;
}

INLINE void take(struct clipseek_bits *b, uint32_t c)
{
	b->held <<= TOTAL(c);
	b->count -= TOTAL(c);
}

/* value_of is the number at the top of bits. One that begins with a 0 is negative, and all its bits are inverted. */
INLINE int value_of(uint64_t bits, uint32_t c)
{
	uint64_t negative = ~(uint64_t)((int64_t)bits >> 63);
	uint64_t size = (bits ^ negative) >> SHIFT(c);

	return (int)((size ^ negative) - negative);
}

/* long_code is 0 for what is no code. */
static uint32_t long_code(const struct clipseek_codes *codes, uint64_t held, int ac)
{
	for (int length = CLIPSEEK_HUFFMAN_BITS + 1; length <= 16; length++) {
		int32_t code = (int32_t)(held >> (64 - length));
		if (code <= codes->last[length])
			return meaning(codes->table->huffval[code + codes->offset[length]], length, ac);
	}
	return 0;
}

enum outcome { GO_ON, DONE, REFUSED };

/* unusual takes a code that no value within the block follows, or a long one. k is where the last value was. */
static enum outcome unusual(struct clipseek_bits *b, const struct clipseek_codes *ac, uint32_t c, unsigned *k, JCOEF *block)
{
	uint64_t follows;

	if (c == LONG) {
		refill(b);
		c = long_code(ac, b->held, 1);
		if (!c)
			return REFUSED;
	}
	follows = b->held << LENGTH(c);
	take(b, c);
	if (SKIP(c) == END_OF_BLOCK)
		return DONE;
	*k += SKIP(c) == ZEROS ? 16 : SKIP(c);
	if (*k > 63)
		return REFUSED;
	if (SKIP(c) != ZEROS)
		block[upright[*k]] = (JCOEF)value_of(follows, c);
	return *k == 63 ? DONE : GO_ON;
}

/* next_value takes a code and its value. */
INLINE enum outcome next_value(struct clipseek_bits *b, const struct clipseek_codes *ac, unsigned *k, JCOEF *block)
{
	uint32_t c = ac->first[b->held >> (64 - CLIPSEEK_HUFFMAN_BITS)];
	unsigned place = *k + SKIP(c);

	if (place < 63) {
		*k = place;
		block[upright[place]] = (JCOEF)value_of(b->held << LENGTH(c), c);
		take(b, c);
		return GO_ON;
	}
	if (SKIP(c) == END_OF_BLOCK) {
		take(b, c);
		return DONE;
	}
	struct clipseek_bits copy = *b; /* so that b itself can be in registers */
	enum outcome o = unusual(&copy, ac, c, k, block);
	*b = copy;
	return o;
}

/* first_value adds up the first coefficients of a component's blocks. It answers 0 for what is no code. */
INLINE int first_value(struct clipseek_bits *b, const struct clipseek_codes *dc, int *before)
{
	uint32_t c = dc->first[b->held >> (64 - CLIPSEEK_HUFFMAN_BITS)];

	if (c == LONG)
		c = long_code(dc, b->held, 0);
	if (SHIFT(c) < 64)
		*before = (JCOEF)(*before + value_of(b->held << LENGTH(c), c));
	take(b, c);
	return c != 0;
}

/* decode_block answers 0 where the library has to decide. */
INLINE int decode_block(struct clipseek_bits *b, const struct clipseek_codes *dc, const struct clipseek_codes *ac, int *before, JCOEF *block)
{
	enum outcome o = GO_ON;
	unsigned k = 0;

	refill(b);
	if (!first_value(b, dc, before))
		return 0;
	block[0] = (JCOEF)*before;
	while (o == GO_ON) {
		if (b->count < 32) /* hardly ever */
			refill(b);
		o = next_value(b, ac, &k, block);
		if (o != GO_ON)
			break;
		refill(b);
		o = next_value(b, ac, &k, block);
	}
	return o == DONE;
}

INLINE int decode_mcu(struct clipseek_huffman *h, JBLOCKROW *blocks)
{
	struct clipseek_bits b = h->bits;
	int n = h->info->blocks_in_MCU;
	JBLOCK nowhere;

	for (int i = 0; i < n; i++) {
		if (!decode_block(&b, h->blocks[i].dc, h->blocks[i].ac, h->blocks[i].before, blocks ? blocks[i][0] : nowhere))
			return 0;
		if (b.next - b.count / 8 > h->end) /* more was taken than is there */
			return 0;
	}
	h->bits = b;
	return 1;
}

static int mcu(struct clipseek_huffman *h, JBLOCKROW *blocks) { return decode_mcu(h, blocks); }

#ifdef __x86_64__
/* Its shifts by a number in a register take a third of the time. */
__attribute__((target("bmi2"))) static int mcu_bmi2(struct clipseek_huffman *h, JBLOCKROW *blocks) { return decode_mcu(h, blocks); }
#endif

int clipseek_huffman_mcu(struct clipseek_huffman *h, JBLOCKROW *blocks)
{
	if (h->info->restart_interval && h->until_restart-- == 0) {
		if (!restart(h))
			return 0;
		h->until_restart--;
	}
	return h->mcu(h, blocks);
}

int clipseek_huffman_begin(struct clipseek_huffman *h, j_decompress_ptr info)
{
	h->info = info;
	h->mcu = mcu;
#ifdef __x86_64__
	if (__builtin_cpu_supports("bmi2"))
		h->mcu = mcu_bmi2;
#endif
	if (info->progressive_mode || info->arith_code || info->data_precision != 8 || info->comps_in_scan != info->num_components)
		return 0;
	for (int i = 0; i < info->comps_in_scan; i++)
		if (info->cur_comp_info[i]->dc_tbl_no > 1 || info->cur_comp_info[i]->ac_tbl_no > 1) /* baseline has two of each */
			return 0;
	h->data = malloc(info->src->bytes_in_buffer + BEYOND);
	if (!h->data || !segment(h))
		return 0;
	for (int i = 0; i < info->blocks_in_MCU; i++) {
		int n = info->MCU_membership[i];
		const jpeg_component_info *c = info->cur_comp_info[n];
		struct clipseek_codes *dc = &h->dc[c->dc_tbl_no], *ac = &h->ac[c->ac_tbl_no];
		if (!dc->table)
			build(dc, info->dc_huff_tbl_ptrs[c->dc_tbl_no], 0);
		if (!ac->table)
			build(ac, info->ac_huff_tbl_ptrs[c->ac_tbl_no], 1);
		h->blocks[i].dc = dc;
		h->blocks[i].ac = ac;
		h->blocks[i].before = &h->before[n];
	}
	return 1;
}

void clipseek_huffman_end(struct clipseek_huffman *h)
{
	free(h->data);
	h->data = NULL;
}
