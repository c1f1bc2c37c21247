/*
 * The kernel for one kind of vectors: NAME, TARGET, WIDTH floats a vector, ROWS rows at a time, which divide CLIPSEEK_STEP.
 * ROWS * CLIPSEEK_LANES / WIDTH sums and a few operands are to fit the registers. It is included once for each kind.
 */
#define JOIN2(a, b) a##b
#define JOIN(a, b) JOIN2(a, b)
#define VECTOR JOIN(NAME, _vector)
#define PER_LANES (CLIPSEEK_LANES / WIDTH)

typedef float VECTOR __attribute__((vector_size(4 * WIDTH), aligned(4)));

TARGET size_t NAME(const float *rows, size_t count, const float *panel, float bound, uint32_t *found)
{
	size_t n = 0;
	for (size_t row = 0; row < count; row += ROWS) {
		const float *x = rows + row * CLIPSEEK_DEPTH;
		VECTOR sum[ROWS][PER_LANES] = {{{0}}};
		for (int k = 0; k < CLIPSEEK_DEPTH; k++) {
			const VECTOR *y = (const VECTOR *)(panel + k * CLIPSEEK_LANES);
#pragma GCC unroll 8
			for (int v = 0; v < PER_LANES; v++) {
				VECTOR lanes = y[v];
#pragma GCC unroll 8
				for (int r = 0; r < ROWS; r++)
					sum[r][v] += x[r * CLIPSEEK_DEPTH + k] * lanes;
			}
		}
#pragma GCC unroll 8
		for (int r = 0; r < ROWS; r++) {
			float out[CLIPSEEK_LANES];
			int any = 0;
#pragma GCC unroll 8
			for (int v = 0; v < PER_LANES; v++)
				*(VECTOR *)(out + v * WIDTH) = sum[r][v];
			for (int i = 0; i < CLIPSEEK_LANES; i++)
				any |= out[i] >= bound;
			for (int i = 0; any && i < CLIPSEEK_LANES; i++)
				if (out[i] >= bound)
					found[n++] = (uint32_t)((row + r) * CLIPSEEK_LANES + i);
		}
	}
	return n;
}

#undef JOIN2
#undef JOIN
#undef VECTOR
#undef PER_LANES
#undef NAME
#undef TARGET
#undef WIDTH
#undef ROWS
