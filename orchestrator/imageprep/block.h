/* A block of metadata that a library found, for block.go. */
#ifndef CLIPSEEK_BLOCK_H
#define CLIPSEEK_BLOCK_H

#include <stddef.h>
#include <stdint.h>

/* The bytes are in memory of their own (malloc); data is NULL where there are none. */
struct clipseek_block {
	uint8_t *data;
	size_t size;
};

#endif
