#include "resize.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#ifdef __x86_64__
extern const struct clipseek_kernel clipseek_avx512, clipseek_avx2;
int clipseek_has_avx512(void);
int clipseek_has_avx2(void);
#endif
extern const struct clipseek_kernel clipseek_plain;

const struct clipseek_kernel *clipseek_kernel(int i)
{
	const struct clipseek_kernel *found[3];
	int n = 0;
#ifdef __x86_64__
	if (clipseek_has_avx512())
		found[n++] = &clipseek_avx512;
	if (clipseek_has_avx2())
		found[n++] = &clipseek_avx2;
#endif
	found[n++] = &clipseek_plain;
	return i < n ? found[i] : NULL;
}

struct clipseek_resizer *clipseek_resizer_new(int kernel)
{
	struct clipseek_resizer *r = calloc(1, sizeof *r);
	if (r)
		r->kernel = clipseek_kernel(kernel);
	return r;
}

void clipseek_resizer_free(struct clipseek_resizer *r)
{
	free(r->x.starts);
	free(r->y.starts);
	free(r->rows);
	free(r->window);
	free(r);
}

/* reserve makes sure of size bytes; what was there is lost when it grows. */
static int reserve(void **memory, size_t *room, size_t size)
{
	if (*room >= size)
		return 1;
	free(*memory);
	*memory = malloc(size);
	*room = *memory ? size : 0;
	return *memory != NULL;
}

/*
 * Windows are widened to whole groups of four. Near the end of the axis they are moved back instead, so that no more
 * than three pixels behind it are read, which have no weight.
 */
int clipseek_set_filter(struct clipseek_resizer *r, int vertical, int in, int outputs, const struct clipseek_window *windows, const int32_t *weights)
{
	struct clipseek_filter *f = vertical ? &r->y : &r->x;
	int padded = (outputs + 3) & ~3, longest = 1;
	size_t taps;

	for (int i = 0; i < outputs; i++)
		if (windows[i].count > longest)
			longest = windows[i].count;
	f->outputs = outputs;
	f->in = in;
	f->groups = (longest + 3) / 4;
	taps = (size_t)padded * f->groups * 16; /* no kernel takes more than four bytes for a weight */
	if (!reserve((void **)&f->starts, &f->room, 2 * padded * sizeof *f->starts + taps))
		return 0;
	f->ends = f->starts + padded;
	f->taps = (uint8_t *)(f->ends + padded);
	memset(f->taps, 0, taps);
	for (int i = 0; i < padded; i++) {
		const struct clipseek_window *w = &windows[i < outputs ? i : outputs - 1];
		int latest = in > 4 * f->groups ? in - 4 * f->groups : 0;
		int start = w->start < latest ? w->start : latest;
		f->starts[i] = start;
		f->ends[i] = w->start + w->count;
		for (int j = 0; j < w->count; j++)
			r->kernel->put(f, i, w->start - start + j, weights[w->at + j]);
	}
	return 1;
}

/* reach finds the pixels that the windows of a filter reach. */
static void reach(const struct clipseek_filter *f, int *from, int *to)
{
	*from = f->in;
	*to = 0;
	for (int i = 0; i < f->outputs; i++) {
		if (f->starts[i] < *from)
			*from = f->starts[i];
		if (f->ends[i] > *to)
			*to = f->ends[i];
	}
}

/*
 * Rows begin at odd addresses: libjpeg-turbo writes aligned ones around the processor's caches, out of which they are
 * read back at once.
 */
enum { ODD = 1 };

int clipseek_begin(struct clipseek_resizer *r, const struct clipseek_job *job, uint8_t *out)
{
	size_t widest = (size_t)(job->width > r->x.outputs ? job->width : r->x.outputs) * job->n;

	r->job = *job;
	r->out = out;
	reach(&r->x, &r->left, &r->right);
	reach(&r->y, &r->top, &r->bottom);
	r->pushed = r->top;
	r->emitted = 0;
	r->nanoseconds = 0;
	r->stride = (widest + 2 * CLIPSEEK_SLACK - 1) / CLIPSEEK_SLACK * CLIPSEEK_SLACK;
	r->ring = 4 * r->y.groups;
	return reserve((void **)&r->rows, &r->rows_room, (r->ring + 1) * r->stride + ODD) &&
	       reserve((void **)&r->window, &r->window_room, r->ring * sizeof *r->window);
}

static uint8_t *ring_row(struct clipseek_resizer *r, int y) { return r->rows + ODD + y % r->ring * r->stride; }

static uint8_t *row_beside(struct clipseek_resizer *r) { return r->rows + ODD + r->ring * r->stride; }

uint8_t *clipseek_slot(struct clipseek_resizer *r)
{
	return r->job.vertical_first ? ring_row(r, r->pushed) : row_beside(r);
}

/* emit makes output row i, whose window is complete. Rows beyond those there are have no weight: any will do. */
static void emit(struct clipseek_resizer *r, int i)
{
	size_t out_bytes = (size_t)r->x.outputs * r->job.n;
	uint8_t *out = r->out + i * out_bytes;
	size_t skip = r->job.vertical_first ? (size_t)r->left * r->job.n : 0;

	for (int j = 0; j < r->ring; j++) {
		int y = r->y.starts[i] + j;
		r->window[j] = ring_row(r, y < r->pushed ? y : r->pushed - 1) + skip;
	}
	if (!r->job.vertical_first) {
		r->kernel->across(&r->y, i, r->window, out_bytes, out);
		return;
	}
	r->kernel->across(&r->y, i, r->window, (size_t)(r->right - r->left) * r->job.n, row_beside(r) + skip);
	r->kernel->along(&r->x, row_beside(r), r->job.n, out);
}

static void push(struct clipseek_resizer *r, const uint8_t *row)
{
	uint8_t *keep = ring_row(r, r->pushed);

	if (!r->job.vertical_first)
		r->kernel->along(&r->x, row, r->job.n, keep);
	else if (row != keep)
		memcpy(keep, row, (size_t)r->right * r->job.n);
	r->pushed++;
	while (r->emitted < r->y.outputs) {
		int i = r->job.backwards ? r->y.outputs - 1 - r->emitted : r->emitted;
		if (r->y.ends[i] > r->pushed)
			return;
		emit(r, i);
		r->emitted++;
	}
}

static int64_t now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

/* SAMPLED is how many rows one stands for in what is timed: looking at the clock takes a part of a row's time. */
enum { SAMPLED = 7 };

void clipseek_push(struct clipseek_resizer *r, const uint8_t *row)
{
	int timed = r->job.timed && r->pushed % SAMPLED == 0;
	int64_t start = timed ? now() : 0;
	push(r, row);
	if (timed)
		r->nanoseconds += SAMPLED * (now() - start);
}

int clipseek_resize(struct clipseek_resizer *r, const struct clipseek_job *job, const uint8_t *pixels, uint8_t *out)
{
	if (!clipseek_begin(r, job, out))
		return 0;
	for (int y = r->top; y < r->bottom; y++)
		push(r, pixels + (size_t)y * job->width * job->n);
	return 1;
}
