/*
 * The settings are those of Pillow's AVIF plugin. Pillow's libavif is newer than the one of Debian 12 and brings pixels of
 * 10 and 12 bits to 8 in another way; plan_of says how, and convert does the same with the older library.
 */
#include "libavif.h"

#include <avif/avif.h>
#include <stdlib.h>
#include <string.h>

#if AVIF_VERSION >= 1000000
#define MIRROR axis
#else
#define MIRROR mode
#endif

enum { ALPHA = AVIF_CHAN_V + 1 }; /* the channel that follows Y, U and V */

static int status_of(avifResult result)
{
	switch (result) {
	case AVIF_RESULT_OK:
		return CLIPSEEK_AVIF_OK;
	case AVIF_RESULT_TRUNCATED_DATA:
	case AVIF_RESULT_IO_ERROR:
	case AVIF_RESULT_WAITING_ON_IO:
		return CLIPSEEK_AVIF_TRUNCATED;
	case AVIF_RESULT_NO_CONTENT:
	case AVIF_RESULT_NO_AV1_ITEMS_FOUND:
	case AVIF_RESULT_NO_IMAGES_REMAINING:
		return CLIPSEEK_AVIF_EMPTY;
	case AVIF_RESULT_REFORMAT_FAILED:
	case AVIF_RESULT_NO_YUV_FORMAT_SELECTED:
	case AVIF_RESULT_UNSUPPORTED_DEPTH:
	case AVIF_RESULT_NOT_IMPLEMENTED:
		return CLIPSEEK_AVIF_KIND;
	case AVIF_RESULT_NO_CODEC_AVAILABLE:
		return CLIPSEEK_AVIF_NO_CODEC;
	case AVIF_RESULT_OUT_OF_MEMORY:
		return CLIPSEEK_AVIF_MEMORY;
	default:
		return CLIPSEEK_AVIF_BROKEN;
	}
}

/* open_file makes a decoder and has it read the boxes. The decoder is NULL where that fails. */
static int open_file(const uint8_t *data, size_t size, uint32_t pixels, avifDecoder **opened)
{
	avifDecoder *decoder = avifDecoderCreate();
	avifResult result;
	int status;
	*opened = NULL;
	if (!decoder)
		return CLIPSEEK_AVIF_MEMORY;
	decoder->maxThreads = 1;
	decoder->strictFlags &= ~(AVIF_STRICT_CLAP_VALID | AVIF_STRICT_PIXI_REQUIRED);
	decoder->imageSizeLimit = pixels;
	decoder->imageDimensionLimit = 0; /* the caller has one */
	result = avifDecoderSetIOMemory(decoder, data, size);
	if (result == AVIF_RESULT_OK)
		result = avifDecoderParse(decoder);
	status = status_of(result);
	if (status == CLIPSEEK_AVIF_OK) {
		*opened = decoder;
		return status;
	}
	if (status == CLIPSEEK_AVIF_BROKEN && strstr(decoder->diag.error, "too large"))
		status = CLIPSEEK_AVIF_TOO_LARGE;
	avifDecoderDestroy(decoder);
	return status;
}

/* take copies a block of metadata. */
static int take(struct clipseek_block *to, const avifRWData *from)
{
	if (from->size == 0)
		return CLIPSEEK_AVIF_OK;
	to->data = malloc(from->size);
	if (!to->data)
		return CLIPSEEK_AVIF_MEMORY;
	memcpy(to->data, from->data, from->size);
	to->size = from->size;
	return CLIPSEEK_AVIF_OK;
}

int clipseek_avif_read(const uint8_t *data, size_t size, struct clipseek_avif *info)
{
	avifDecoder *decoder;
	const avifImage *image;
	int status = open_file(data, size, AVIF_DEFAULT_IMAGE_SIZE_LIMIT, &decoder);
	memset(info, 0, sizeof *info);
	if (status != CLIPSEEK_AVIF_OK)
		return status;
	image = decoder->image;
	info->width = image->width;
	info->height = image->height;
	info->alpha = decoder->alphaPresent;
	info->grey = image->yuvFormat == AVIF_PIXEL_FORMAT_YUV400;
	info->turn = image->transformFlags & AVIF_TRANSFORM_IROT ? image->irot.angle : 0;
	info->mirror = image->transformFlags & AVIF_TRANSFORM_IMIR ? image->imir.MIRROR : -1;
	if (take(&info->exif, &image->exif) || take(&info->xmp, &image->xmp) || take(&info->icc, &image->icc)) {
		clipseek_avif_free(info);
		status = CLIPSEEK_AVIF_MEMORY;
	}
	avifDecoderDestroy(decoder);
	return status;
}

void clipseek_avif_free(struct clipseek_avif *info)
{
	free(info->exif.data);
	free(info->xmp.data);
	free(info->icc.data);
	memset(info, 0, sizeof *info);
}

/* How pixels of more than 8 bits become 8: by cutting the lower bits off before the conversion, or after it by rounding. */
struct plan {
	int cut_colour, cut_alpha;
};

/* known_matrix tells whether libyuv, which the newer libavif prefers to its own arithmetic, has the picture's matrix. */
static int known_matrix(const avifImage *image)
{
	switch (image->matrixCoefficients) {
	case AVIF_MATRIX_COEFFICIENTS_BT709:
	case AVIF_MATRIX_COEFFICIENTS_UNSPECIFIED:
	case AVIF_MATRIX_COEFFICIENTS_BT470BG:
	case AVIF_MATRIX_COEFFICIENTS_BT601:
	case AVIF_MATRIX_COEFFICIENTS_BT2020_NCL:
		return 1;
	case AVIF_MATRIX_COEFFICIENTS_CHROMA_DERIVED_NCL:
		switch (image->colorPrimaries) {
		case AVIF_COLOR_PRIMARIES_BT709:
		case AVIF_COLOR_PRIMARIES_UNSPECIFIED:
		case AVIF_COLOR_PRIMARIES_BT470BG:
		case AVIF_COLOR_PRIMARIES_BT601:
		case AVIF_COLOR_PRIMARIES_BT2020:
			return 1;
		}
	}
	return 0;
}

/* plan_of follows what libavif 1.4 does with the functions that libyuv has for each kind. */
static struct plan plan_of(const avifImage *image)
{
	struct plan direct = {0, 0}, both = {1, 1}, colour = {1, 0}, alpha = {0, 1};
	int grey = image->yuvFormat == AVIF_PIXEL_FORMAT_YUV400;
	if (image->depth == 8 || !known_matrix(image))
		return direct;
	if (!image->alphaPlane)
		return grey ? direct : both;
	if (grey)
		return colour;
	if (image->depth == 10)
		return alpha;
	return image->yuvFormat == AVIF_PIXEL_FORMAT_YUV420 ? direct : both;
}

static uint8_t cut(uint16_t value, int depth)
{
	return value >> (depth - 8);
}

static uint8_t rounded(uint16_t value, int depth)
{
	int most = (1 << depth) - 1;
	return (255 * (value < most ? value : most) + most / 2) / most;
}

/* A plane of 8 or 16 bits a sample. */
struct plane {
	uint8_t *rows;
	uint32_t stride, width, height;
};

static struct plane plane_of(const avifImage *image, int channel)
{
	struct plane p = {image->alphaPlane, image->alphaRowBytes, image->width, image->height};
	if (channel == ALPHA)
		return p;
	p.rows = image->yuvPlanes[channel];
	p.stride = image->yuvRowBytes[channel];
	if (channel != AVIF_CHAN_Y) {
		avifPixelFormatInfo format;
		avifGetPixelFormatInfo(image->yuvFormat, &format);
		p.width = (p.width + format.chromaShiftX) >> format.chromaShiftX;
		p.height = (p.height + format.chromaShiftY) >> format.chromaShiftY;
	}
	return p;
}

/* narrow writes a plane of depth bits as one of 8; samples of the result lie step bytes apart. */
static void narrow(struct plane from, struct plane to, int step, int depth, uint8_t (*change)(uint16_t, int))
{
	for (uint32_t y = 0; y < from.height; y++) {
		const uint16_t *in = (const uint16_t *)(from.rows + (size_t)y * from.stride);
		uint8_t *out = to.rows + (size_t)y * to.stride;
		for (uint32_t x = 0; x < from.width; x++)
			out[(size_t)x * step] = change(in[x], depth);
	}
}

/* narrowed is a copy of image with 8 bits a sample, or NULL. */
static avifImage *narrowed(const avifImage *image, struct plan plan)
{
	avifImage *copy = avifImageCreate(image->width, image->height, 8, image->yuvFormat);
	if (!copy)
		return NULL;
	copy->yuvRange = image->yuvRange;
	copy->yuvChromaSamplePosition = image->yuvChromaSamplePosition;
	copy->colorPrimaries = image->colorPrimaries;
	copy->matrixCoefficients = image->matrixCoefficients;
	copy->alphaPremultiplied = image->alphaPremultiplied;
	if (avifImageAllocatePlanes(copy, image->alphaPlane ? AVIF_PLANES_ALL : AVIF_PLANES_YUV) != AVIF_RESULT_OK) {
		avifImageDestroy(copy);
		return NULL;
	}
	for (int channel = AVIF_CHAN_Y; channel <= ALPHA; channel++) {
		struct plane from = plane_of(image, channel);
		if (from.rows)
			narrow(from, plane_of(copy, channel), 1, image->depth, channel != ALPHA || plan.cut_alpha ? cut : rounded);
	}
	return copy;
}

/* only_grey writes the first of three equal channels of a row. */
static void only_grey(const uint8_t *rgb, uint8_t *out, uint32_t width)
{
	for (uint32_t x = 0; x < width; x++)
		out[x] = rgb[3 * (size_t)x];
}

/*
 * convert_grey converts one row after the other, because this libavif has no format of one channel and the whole as RGB
 * would take three times the memory.
 */
static int convert_grey(const avifImage *image, uint8_t *out)
{
	avifImage row = *image;
	avifRGBImage rgb;
	uint8_t *line = malloc(3 * (size_t)image->width);
	int status = line ? CLIPSEEK_AVIF_OK : CLIPSEEK_AVIF_MEMORY;
	row.height = 1;
	avifRGBImageSetDefaults(&rgb, &row);
	rgb.depth = 8;
	rgb.format = AVIF_RGB_FORMAT_RGB;
	rgb.pixels = line;
	rgb.rowBytes = 3 * image->width;
	for (uint32_t y = 0; y < image->height && status == CLIPSEEK_AVIF_OK; y++) {
		row.yuvPlanes[AVIF_CHAN_Y] = image->yuvPlanes[AVIF_CHAN_Y] + (size_t)y * image->yuvRowBytes[AVIF_CHAN_Y];
		status = status_of(avifImageYUVToRGB(&row, &rgb));
		if (status == CLIPSEEK_AVIF_OK)
			only_grey(line, out + (size_t)y * image->width, image->width);
	}
	free(line);
	return status;
}

/* convert writes a decoded picture as 8-bit RGB or RGBA. */
static int convert(const avifImage *image, int channels, uint8_t *out)
{
	struct plan plan = plan_of(image);
	avifImage *copy = NULL;
	const avifImage *source = image;
	avifRGBImage rgb;
	int status;
	if (plan.cut_colour) {
		source = copy = narrowed(image, plan);
		if (!copy)
			return CLIPSEEK_AVIF_MEMORY;
	}
	avifRGBImageSetDefaults(&rgb, source);
	rgb.depth = 8;
	rgb.format = channels == 4 ? AVIF_RGB_FORMAT_RGBA : AVIF_RGB_FORMAT_RGB;
	rgb.pixels = out;
	rgb.rowBytes = image->width * channels;
	if (!plan.cut_colour && plan.cut_alpha) { /* alpha comes in before colours are divided by it */
		struct plane alpha = {out + 3, rgb.rowBytes, image->width, image->height};
		rgb.alphaPremultiplied = image->alphaPremultiplied;
		status = status_of(avifImageYUVToRGB(source, &rgb));
		if (status == CLIPSEEK_AVIF_OK)
			narrow(plane_of(image, ALPHA), alpha, channels, image->depth, cut);
		if (status == CLIPSEEK_AVIF_OK && image->alphaPremultiplied)
			status = status_of(avifRGBImageUnpremultiplyAlpha(&rgb));
	} else {
		status = status_of(avifImageYUVToRGB(source, &rgb));
	}
	if (copy)
		avifImageDestroy(copy);
	return status;
}

int clipseek_avif_decode(const uint8_t *data, size_t size, const struct clipseek_avif_pixels *wanted, uint8_t *out)
{
	/* A picture is as large as its boxes say, or put together from tiles that may reach beyond its edges. */
	uint64_t pixels = 4 * (uint64_t)wanted->width * wanted->height + (1 << 16);
	avifDecoder *decoder;
	const avifImage *image;
	int status;
	if (pixels > AVIF_DEFAULT_IMAGE_SIZE_LIMIT)
		pixels = AVIF_DEFAULT_IMAGE_SIZE_LIMIT;
	status = open_file(data, size, pixels, &decoder);
	if (status != CLIPSEEK_AVIF_OK)
		return status;
	status = status_of(avifDecoderNthImage(decoder, 0));
	image = decoder->image;
	if (status == CLIPSEEK_AVIF_OK && (image->width != wanted->width || image->height != wanted->height ||
		!image->yuvPlanes[AVIF_CHAN_Y] || !image->alphaPlane != (wanted->channels != 4)))
		status = CLIPSEEK_AVIF_BROKEN;
	if (status == CLIPSEEK_AVIF_OK && wanted->channels == 1)
		status = image->yuvFormat == AVIF_PIXEL_FORMAT_YUV400 ? convert_grey(image, out) : CLIPSEEK_AVIF_BROKEN;
	else if (status == CLIPSEEK_AVIF_OK)
		status = convert(image, wanted->channels, out);
	avifDecoderDestroy(decoder);
	return status;
}
