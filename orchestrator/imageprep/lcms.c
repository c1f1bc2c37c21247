/* The intent and the lack of flags are those of Pillow's ImageCms.profileToProfile, which is the reference. */
#include "lcms.h"

#include <lcms2.h>

static int fits(cmsHPROFILE profile, int channels, int cmyk)
{
	switch (cmsGetColorSpace(profile)) {
	case cmsSigGrayData:
		return channels <= 2;
	case cmsSigRgbData:
		return channels >= 3 && !cmyk;
	case cmsSigCmykData:
		return cmyk;
	default:
		return 0;
	}
}

int clipseek_lcms_to_srgb(const uint8_t *profile, size_t size, int channels, int cmyk, const uint8_t *in, uint8_t *out, size_t count)
{
	/* Alpha is skipped as an extra channel and copied; flags of 0 let Little CMS do the same as it does in Pillow. */
	int alpha = !cmyk && (channels == 2 || channels == 4);
	cmsUInt32Number from = cmyk ? TYPE_CMYK_8 : channels <= 2 ? TYPE_GRAY_8 : TYPE_RGB_8;
	cmsUInt32Number to = TYPE_RGB_8;
	cmsHPROFILE source, target;
	cmsHTRANSFORM transform = NULL;
	cmsContext context = cmsCreateContext(NULL, NULL); /* of its own: nothing is shared between threads */
	int status = CLIPSEEK_LCMS_UNFIT;
	if (alpha) {
		from |= EXTRA_SH(1);
		to |= EXTRA_SH(1);
	}
	source = cmsOpenProfileFromMemTHR(context, profile, (cmsUInt32Number)size);
	target = cmsCreate_sRGBProfileTHR(context);
	if (source && target && fits(source, channels, cmyk))
		transform = cmsCreateTransformTHR(context, source, from, target, to, INTENT_PERCEPTUAL, alpha ? cmsFLAGS_COPY_ALPHA : 0);
	if (transform) {
		while (count > 0) { /* Little CMS counts in 32 bits */
			cmsUInt32Number some = count > 1 << 24 ? 1 << 24 : (cmsUInt32Number)count;
			cmsDoTransform(transform, in, out, some);
			in += (size_t)some * channels;
			out += (size_t)some * (alpha ? 4 : 3);
			count -= some;
		}
		cmsDeleteTransform(transform);
		status = CLIPSEEK_LCMS_OK;
	}
	if (source)
		cmsCloseProfile(source);
	if (target)
		cmsCloseProfile(target);
	cmsDeleteContext(context);
	return status;
}
