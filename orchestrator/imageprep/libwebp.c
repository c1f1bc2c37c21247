/* The settings are libwebp's defaults, as the reference uses them: smooth chroma upsampling, no dithering, one thread. */
#include "libwebp.h"

#include <webp/decode.h>

static int status_of(VP8StatusCode code)
{
	switch (code) {
	case VP8_STATUS_OK:
		return CLIPSEEK_WEBP_OK;
	case VP8_STATUS_SUSPENDED:
	case VP8_STATUS_NOT_ENOUGH_DATA:
		return CLIPSEEK_WEBP_TRUNCATED;
	case VP8_STATUS_OUT_OF_MEMORY:
		return CLIPSEEK_WEBP_MEMORY;
	default:
		return CLIPSEEK_WEBP_BROKEN;
	}
}

int clipseek_webp_features(const uint8_t *data, size_t size, int *width, int *height, int *alpha)
{
	WebPBitstreamFeatures features;
	VP8StatusCode code = WebPGetFeatures(data, size, &features);
	if (code != VP8_STATUS_OK)
		return status_of(code);
	*width = features.width;
	*height = features.height;
	*alpha = features.has_alpha;
	return CLIPSEEK_WEBP_OK;
}

int clipseek_webp_decode(const uint8_t *data, size_t size, const struct clipseek_webp *wanted, uint8_t *out, size_t out_size)
{
	WebPDecoderConfig config;
	VP8StatusCode code;
	if (!WebPInitDecoderConfig(&config))
		return CLIPSEEK_WEBP_BROKEN;
	config.output.colorspace = wanted->alpha ? MODE_RGBA : MODE_RGB;
	config.output.is_external_memory = 1;
	config.output.u.RGBA.rgba = out;
	config.output.u.RGBA.stride = wanted->stride;
	config.output.u.RGBA.size = out_size;
	config.options.use_scaling = wanted->width > 0;
	config.options.scaled_width = wanted->width;
	config.options.scaled_height = wanted->height;
	code = WebPDecode(data, size, &config);
	WebPFreeDecBuffer(&config.output); /* leaves external memory alone */
	return status_of(code);
}
