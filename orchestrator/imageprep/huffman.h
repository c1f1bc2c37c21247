/*
 * Huffman decoding of baseline JPEG in libjpeg-turbo's place, of which it takes more than half of the time of a photo. It
 * is for files as encoders write them. At anything else (an unknown code, data that end early, a marker out of place) it
 * gives up, and the file is decoded once more by the library alone, whose say is final. So the pixels and the refusals
 * are always the library's.
 */
#ifndef CLIPSEEK_HUFFMAN_H
#define CLIPSEEK_HUFFMAN_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <jpeglib.h>

/* How many bits are looked up at once: the tables of a picture take 16 KiB then, and few codes are longer. */
#define CLIPSEEK_HUFFMAN_BITS 10

/* The codes of one table: what follows each of all beginnings of CLIPSEEK_HUFFMAN_BITS bits, as huffman.c packs it. */
struct clipseek_codes {
	uint32_t first[1 << CLIPSEEK_HUFFMAN_BITS];
	const JHUFF_TBL *table;
	int32_t last[17], offset[17]; /* by length: the last code, -1 for none, and its symbol's index less the code */
};

/* What remains to be read: count bits, the next one uppermost in held, and the bytes from next on. */
struct clipseek_bits {
	uint64_t held;
	int count;
	const uint8_t *next;
};

struct clipseek_huffman {
	j_decompress_ptr info;
	uint8_t *data, *end; /* what is between two markers, without the zeros stuffed behind 0xff */
	struct clipseek_bits bits;
	unsigned until_restart; /* MCUs */
	unsigned restarts;
	int before[MAX_COMPS_IN_SCAN]; /* the last block's first coefficient */
	struct clipseek_codes dc[2], ac[2];
	struct {
		const struct clipseek_codes *dc, *ac;
		int *before;
	} blocks[D_MAX_BLOCKS_IN_MCU]; /* what each block of an MCU is decoded with */
	int (*mcu)(struct clipseek_huffman *h, JBLOCKROW *blocks);
};

/*
 * clipseek_huffman_begin takes over a scan whose headers are read. It answers 0, and has done nothing, for a scan that it
 * is not for. clipseek_huffman_end frees what it took, also where it was never begun.
 */
int clipseek_huffman_begin(struct clipseek_huffman *h, j_decompress_ptr info);
void clipseek_huffman_end(struct clipseek_huffman *h);

/*
 * clipseek_huffman_mcu decodes the next MCU into its blocks, which hold zeros; NULL skips it. It answers 0 where the
 * library has to decide.
 */
int clipseek_huffman_mcu(struct clipseek_huffman *h, JBLOCKROW *blocks);

#endif
