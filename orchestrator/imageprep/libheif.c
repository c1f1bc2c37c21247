/* The settings are those of pillow-heif: 8 bits a channel, turned and cropped as the file's boxes say. */
#include "libheif.h"

#include <libheif/heif.h>
#include <stdlib.h>
#include <string.h>

static int status_of(struct heif_error error)
{
	if (error.code == heif_error_Ok)
		return CLIPSEEK_HEIC_OK;
	switch (error.subcode) {
	case heif_suberror_End_of_data:
		return CLIPSEEK_HEIC_TRUNCATED;
	case heif_suberror_No_or_invalid_primary_item:
	case heif_suberror_No_pitm_box:
	case heif_suberror_No_meta_box:
		return CLIPSEEK_HEIC_EMPTY;
	case heif_suberror_Unsupported_codec:
		return CLIPSEEK_HEIC_NO_CODEC;
	case heif_suberror_Security_limit_exceeded:
		return CLIPSEEK_HEIC_TOO_LARGE;
	default:
		break;
	}
	switch (error.code) {
	case heif_error_Unsupported_feature:
	case heif_error_Unsupported_filetype:
		return CLIPSEEK_HEIC_KIND;
	case heif_error_Memory_allocation_error:
		return CLIPSEEK_HEIC_MEMORY;
	default:
		return CLIPSEEK_HEIC_BROKEN;
	}
}

/* An open file and its primary picture. */
struct opened {
	struct heif_context *context;
	struct heif_image_handle *primary;
};

static void close_file(struct opened *file)
{
	if (file->primary)
		heif_image_handle_release(file->primary);
	if (file->context)
		heif_context_free(file->context);
}

/* open_file has libheif read the boxes; a limit of 0 for the sides leaves libheif's own limit. close_file is owed in any case. */
static int open_file(const uint8_t *data, size_t size, int limit, struct opened *file)
{
	struct heif_error error;
	memset(file, 0, sizeof *file);
	file->context = heif_context_alloc();
	if (!file->context)
		return CLIPSEEK_HEIC_MEMORY;
	heif_context_set_max_decoding_threads(file->context, 0); /* tiles are decoded by the caller's thread */
	if (limit > 0)
		heif_context_set_maximum_image_size_limit(file->context, limit);
	error = heif_context_read_from_memory_without_copy(file->context, data, size, NULL);
	if (error.code == heif_error_Ok)
		error = heif_context_get_primary_image_handle(file->context, &file->primary);
	return status_of(error);
}

/* reserve makes room for a block of metadata. */
static int reserve(struct clipseek_block *block, size_t size)
{
	if (size == 0)
		return 0;
	block->data = malloc(size);
	block->size = block->data ? size : 0;
	return block->data != NULL;
}

static void discard(struct clipseek_block *block)
{
	free(block->data);
	block->data = NULL;
	block->size = 0;
}

/* take_exif and take_icc leave the block empty where there is none or it cannot be had: a picture can do without. */
static void take_exif(const struct heif_image_handle *picture, struct clipseek_block *block)
{
	heif_item_id id;
	if (heif_image_handle_get_list_of_metadata_block_IDs(picture, "Exif", &id, 1) != 1)
		return;
	if (!reserve(block, heif_image_handle_get_metadata_size(picture, id)))
		return;
	if (heif_image_handle_get_metadata(picture, id, block->data).code != heif_error_Ok)
		discard(block);
}

static void take_icc(const struct heif_image_handle *picture, struct clipseek_block *block)
{
	enum heif_color_profile_type type = heif_image_handle_get_color_profile_type(picture);
	if (type != heif_color_profile_type_prof && type != heif_color_profile_type_rICC)
		return;
	if (!reserve(block, heif_image_handle_get_raw_color_profile_size(picture)))
		return;
	if (heif_image_handle_get_raw_color_profile(picture, block->data).code != heif_error_Ok)
		discard(block);
}

int clipseek_heic_read(const uint8_t *data, size_t size, struct clipseek_heic *info)
{
	struct opened file;
	int status = open_file(data, size, 0, &file);
	memset(info, 0, sizeof *info);
	if (status == CLIPSEEK_HEIC_OK) {
		info->width = heif_image_handle_get_width(file.primary);
		info->height = heif_image_handle_get_height(file.primary);
		info->alpha = heif_image_handle_has_alpha_channel(file.primary);
		info->premultiplied = heif_image_handle_is_premultiplied_alpha(file.primary);
		take_exif(file.primary, &info->exif);
		take_icc(file.primary, &info->icc);
	}
	close_file(&file);
	return status;
}

void clipseek_heic_free(struct clipseek_heic *info)
{
	discard(&info->exif);
	discard(&info->icc);
}

/* copy_rows writes a decoded picture out, if it is what its boxes had said. */
static int copy_rows(const struct heif_image *image, const struct clipseek_heic_pixels *wanted, uint8_t *out)
{
	int stride = 0;
	size_t row = (size_t)wanted->width * wanted->channels;
	const uint8_t *rows = heif_image_get_plane_readonly(image, heif_channel_interleaved, &stride);
	if (!rows || heif_image_get_width(image, heif_channel_interleaved) != wanted->width ||
	    heif_image_get_height(image, heif_channel_interleaved) != wanted->height || stride < 0 || (size_t)stride < row)
		return CLIPSEEK_HEIC_BROKEN;
	for (int y = 0; y < wanted->height; y++)
		memcpy(out + y * row, rows + (size_t)y * stride, row);
	return CLIPSEEK_HEIC_OK;
}

/* longest_side is a limit for libheif: what the boxes say before they crop, or tiles that reach beyond the edges. */
static int longest_side(const struct clipseek_heic_pixels *wanted)
{
	int64_t side = 2 * (int64_t)(wanted->width > wanted->height ? wanted->width : wanted->height) + 256;
	return side < 1 << 15 ? (int)side : 1 << 15;
}

int clipseek_heic_decode(const uint8_t *data, size_t size, const struct clipseek_heic_pixels *wanted, uint8_t *out)
{
	enum heif_chroma layout = wanted->channels == 4 ? heif_chroma_interleaved_RGBA : heif_chroma_interleaved_RGB;
	struct heif_decoding_options *options = NULL;
	struct heif_image *image = NULL;
	struct opened file;
	int status = open_file(data, size, longest_side(wanted), &file);
	if (status == CLIPSEEK_HEIC_OK) {
		options = heif_decoding_options_alloc();
		status = options ? CLIPSEEK_HEIC_OK : CLIPSEEK_HEIC_MEMORY;
	}
	if (status == CLIPSEEK_HEIC_OK) {
		options->convert_hdr_to_8bit = 1;
		status = status_of(heif_decode_image(file.primary, &image, heif_colorspace_RGB, layout, options));
	}
	if (status == CLIPSEEK_HEIC_OK)
		status = copy_rows(image, wanted, out);
	if (image)
		heif_image_release(image);
	if (options)
		heif_decoding_options_free(options);
	close_file(&file);
	return status == CLIPSEEK_HEIC_TOO_LARGE ? CLIPSEEK_HEIC_BROKEN : status; /* it had said that it is smaller */
}
