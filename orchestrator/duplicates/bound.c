#include "bound.h"

#ifdef __x86_64__

#define NAME clipseek_bound_avx512
#define TARGET __attribute__((target("avx512f"), optimize("O3")))
#define WIDTH 16
#define ROWS 6
#include "bound_kernel.h"

#define NAME clipseek_bound_avx2
#define TARGET __attribute__((target("avx2,fma"), optimize("O3")))
#define WIDTH 8
#define ROWS 3
#include "bound_kernel.h"

#endif

/* Vectors of four are what every processor has (NEON, SSE2). */
#define NAME clipseek_bound_plain
#define TARGET __attribute__((optimize("O3")))
#define WIDTH 4
#define ROWS 1
#include "bound_kernel.h"

static const struct {
	const char *name;
	clipseek_bound_kernel *run;
} kernels[] = {
#ifdef __x86_64__
	{"avx512", clipseek_bound_avx512},
	{"avx2", clipseek_bound_avx2},
#endif
	{"plain", clipseek_bound_plain},
};

static int missing(int kernel)
{
#ifdef __x86_64__
	if (kernels[kernel].run == clipseek_bound_avx512)
		return !__builtin_cpu_supports("avx512f");
	if (kernels[kernel].run == clipseek_bound_avx2)
		return !__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma");
#endif
	(void)kernel;
	return 0;
}

static int at(int place)
{
	for (int i = 0; i < (int)(sizeof kernels / sizeof *kernels); i++)
		if (!missing(i) && place-- == 0)
			return i;
	return -1;
}

const char *clipseek_bound_name(int place)
{
	int kernel = at(place);
	return kernel < 0 ? NULL : kernels[kernel].name;
}

size_t clipseek_bound(int place, const float *rows, size_t count, const float *panel, float bound, uint32_t *found)
{
	return kernels[at(place)].run(rows, count, panel, bound, found);
}
