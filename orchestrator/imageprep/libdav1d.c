/*
 * libdav1d, which decodes AV1 for libavif, writes a line to the standard error of the program for each thing it finds wrong
 * with a picture, and libavif has no setting for that. So the program has a dav1d_default_settings of its own, which the
 * loader prefers to the library's: it calls that one and turns the messages off. What is wrong comes back as a status.
 */
#define _GNU_SOURCE
#include <dav1d/dav1d.h>
#include <dlfcn.h>

typedef void (*default_settings)(Dav1dSettings *);

__attribute__((visibility("default"))) void dav1d_default_settings(Dav1dSettings *settings)
{
	default_settings original = (default_settings)dlsym(RTLD_NEXT, "dav1d_default_settings");
	if (!original)
		return; /* there is no libdav1d, so nobody calls */
	original(settings);
	settings->logger.callback = NULL;
}
