/* Colours by their ICC profile to sRGB, with Little CMS. */
#ifndef CLIPSEEK_LCMS_H
#define CLIPSEEK_LCMS_H

#include <stddef.h>
#include <stdint.h>

enum {
	CLIPSEEK_LCMS_OK,
	CLIPSEEK_LCMS_UNFIT, /* the profile is damaged or not one of such pixels: nothing was written */
};

/*
 * clipseek_lcms_to_srgb converts count pixels of channels bytes each (1 grey, 2 grey and alpha, 3 RGB, 4 RGBA or, where
 * cmyk is set, ink) to RGB, with alpha where the source has it. in and out may be the same where they have as many
 * channels. No pointer is kept.
 */
int clipseek_lcms_to_srgb(const uint8_t *profile, size_t size, int channels, int cmyk, const uint8_t *in, uint8_t *out, size_t count);

#endif
