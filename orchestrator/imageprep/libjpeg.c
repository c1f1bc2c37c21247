/*
 * The settings are the reference's: accurate integer inverse DCT and smooth chroma upsampling, which are libjpeg's
 * defaults; conversion to RGB from whatever the file's markers say; warnings about recoverable damage ignored; the
 * input a buffer that cannot be refilled, so that missing data stop the decoder instead of being made up.
 */
#include "libjpeg.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>

#include "huffman.h"

struct decoder {
	struct jpeg_decompress_struct info;
	struct jpeg_error_mgr errors;
	struct jpeg_source_mgr source;
	struct jpeg_progress_mgr progress;
	jmp_buf escape;
	int max_scans;
	int status;
	char *message;
	struct clipseek_huffman huffman;
};

/* ODD is the status of a file that the library has to decode by itself. */
enum { ODD = -1 };

static void fail(j_common_ptr info)
{
	struct decoder *d = info->client_data;
	d->status = CLIPSEEK_JPEG_BROKEN;
	info->err->format_message(info, d->message);
	longjmp(d->escape, 1);
}

static void be_silent(j_common_ptr info) { (void)info; }

static void count_scans(j_common_ptr info)
{
	struct decoder *d = info->client_data;
	if (info->is_decompressor && d->info.input_scan_number > d->max_scans) {
		d->status = CLIPSEEK_JPEG_SCANS;
		longjmp(d->escape, 1);
	}
}

static void do_nothing(j_decompress_ptr info) { (void)info; }

static boolean no_more_input(j_decompress_ptr info)
{
	(void)info;
	return FALSE;
}

static void skip_input(j_decompress_ptr info, long count)
{
	struct jpeg_source_mgr *source = info->src;
	size_t n = count < 0 ? 0 : (size_t)count;
	if (n > source->bytes_in_buffer)
		n = source->bytes_in_buffer;
	source->next_input_byte += n;
	source->bytes_in_buffer -= n;
}

/*
 * What libjpeg calls for each MCU. The structure is private to it; this is its beginning, the same in libjpeg 6b and in
 * libjpeg-turbo to this day. Others, which declare a version of 9 on, have another.
 */
#if JPEG_LIB_VERSION < 90
struct entropy_decoder {
	void (*start_pass)(j_decompress_ptr info);
	boolean (*decode_mcu)(j_decompress_ptr info, JBLOCKROW *blocks);
};

static boolean decode_mcu(j_decompress_ptr info, JBLOCKROW *blocks)
{
	struct decoder *d = info->client_data;
	if (!clipseek_huffman_mcu(&d->huffman, blocks)) {
		d->status = ODD;
		longjmp(d->escape, 1);
	}
	return TRUE;
}

static void take_over(struct decoder *d, int by_library)
{
	if (!by_library && clipseek_huffman_begin(&d->huffman, &d->info))
		((struct entropy_decoder *)d->info.entropy)->decode_mcu = decode_mcu;
}
#else
static void take_over(struct decoder *d, int by_library) { (void)d, (void)by_library; }
#endif

static JDIMENSION scaled(unsigned side, int eighths) { return (side * eighths + 7) / 8; }

/* start reads the header and gets the decoder ready for rows. */
static int start(struct decoder *d, const struct clipseek_jpeg *file)
{
	j_decompress_ptr info = &d->info;
	int header;

	do {
		header = jpeg_read_header(info, FALSE);
	} while (header == JPEG_HEADER_TABLES_ONLY);
	if (header == JPEG_SUSPENDED)
		return CLIPSEEK_JPEG_TRUNCATED;
	if (info->image_width != file->width || info->image_height != file->height || info->num_components != file->channels)
		return CLIPSEEK_JPEG_MISMATCH;
	if (file->colors == CLIPSEEK_JPEG_YCBCR)
		info->jpeg_color_space = JCS_YCbCr;
	else if (file->colors == CLIPSEEK_JPEG_STORED)
		info->jpeg_color_space = JCS_UNKNOWN;
	info->out_color_space = file->colors == CLIPSEEK_JPEG_STORED ? JCS_UNKNOWN : file->channels == 1 ? JCS_GRAYSCALE : file->channels == 3 ? JCS_RGB : JCS_CMYK;
	info->scale_num = file->eighths;
	info->scale_denom = 8;
	if (!jpeg_start_decompress(info))
		return CLIPSEEK_JPEG_TRUNCATED;
	if (info->output_width != scaled(file->width, file->eighths) || info->output_height != scaled(file->height, file->eighths))
		return CLIPSEEK_JPEG_MISMATCH; /* the caller's memory would not fit */
	take_over(d, file->by_library);
	return CLIPSEEK_JPEG_OK;
}

/* read_row decodes the next row to where its column 0 is. */
static int read_row(j_decompress_ptr info, uint8_t *row)
{
	if (jpeg_read_scanlines(info, &row, 1) != 1)
		return 0;
	if (info->out_color_space == JCS_CMYK) /* files hold 255 minus ink */
		for (size_t i = 0; i < (size_t)info->output_width * 4; i++)
			row[i] = (uint8_t)~row[i];
	return 1;
}

/* finish ends a picture of which all rows are there: a missing end marker is no loss, but damage before it is. */
static int finish(j_decompress_ptr info)
{
	jpeg_finish_decompress(info);
	return CLIPSEEK_JPEG_OK;
}

static int decode(struct decoder *d, const struct clipseek_jpeg *file, uint8_t *out)
{
	j_decompress_ptr info = &d->info;
	int status = start(d, file);

	if (status != CLIPSEEK_JPEG_OK)
		return status;
	while (info->output_scanline < info->output_height)
		if (!read_row(info, out + info->output_scanline * (size_t)info->output_width * file->channels))
			return CLIPSEEK_JPEG_TRUNCATED;
	return finish(info);
}

/*
 * MARGIN is how many columns beside those wanted are decoded too. At the edge of what is decoded chroma is smoothed as
 * at the edge of a picture, which changes the columns of at most one sample of chroma that is smoothed: two.
 */
enum { MARGIN = 2 };

/* crop leaves out columns that nobody needs, as far as whole blocks go, and gives the first that is decoded. */
static unsigned crop(j_decompress_ptr info, const struct clipseek_resizer *r)
{
	JDIMENSION from = r->left > MARGIN ? r->left - MARGIN : 0;
	JDIMENSION to = r->right + MARGIN;
	JDIMENSION width;

	if (to > info->output_width)
		to = info->output_width;
	width = to - from;
	if (width < info->output_width)
		jpeg_crop_scanline(info, &from, &width);
	return from;
}

static int decode_part(struct decoder *d, const struct clipseek_jpeg *file, struct clipseek_resizer *r)
{
	j_decompress_ptr info = &d->info;
	int status = start(d, file);
	size_t indent;
	JDIMENSION last;

	if (status != CLIPSEEK_JPEG_OK)
		return status;
	last = info->output_height - 1;
	indent = (size_t)crop(info, r) * file->channels;
	if (r->top > 0)
		jpeg_skip_scanlines(info, r->top);
	while (info->output_scanline < (JDIMENSION)r->bottom) {
		uint8_t *slot = clipseek_slot(r);
		if (!read_row(info, slot + indent))
			return CLIPSEEK_JPEG_TRUNCATED;
		clipseek_push(r, slot);
	}
	/* libjpeg leaves unread what is skipped up to the end, so the last row is decoded to see whether all are there. */
	if (info->output_scanline < last)
		jpeg_skip_scanlines(info, last - info->output_scanline);
	if (info->output_scanline <= last && !read_row(info, clipseek_slot(r) + indent))
		return CLIPSEEK_JPEG_TRUNCATED;
	return finish(info);
}

/* decode_twice decodes all columns and rows, for whole; r takes those that it reaches. */
static int decode_twice(struct decoder *d, const struct clipseek_jpeg *file, struct clipseek_resizer *r, struct clipseek_resizer *whole)
{
	j_decompress_ptr info = &d->info;
	int status = start(d, file);

	if (status != CLIPSEEK_JPEG_OK)
		return status;
	while (info->output_scanline < info->output_height) {
		int y = (int)info->output_scanline, wanted = r->top <= y && y < r->bottom;
		uint8_t *slot = clipseek_slot(wanted ? r : whole);
		if (!read_row(info, slot))
			return CLIPSEEK_JPEG_TRUNCATED;
		if (wanted)
			clipseek_push(r, slot);
		if (whole->top <= y && y < whole->bottom)
			clipseek_push(whole, slot);
	}
	return finish(info);
}

/* attempt decodes into out or, where there is none, as much as r needs, or r and whole. */
static int attempt(const uint8_t *data, size_t size, const struct clipseek_jpeg *file, uint8_t *out, struct clipseek_resizer *r,
                   struct clipseek_resizer *whole, char *message)
{
	struct decoder d;

	memset(&d, 0, sizeof d);
	d.max_scans = file->max_scans;
	d.message = message;
	d.info.err = jpeg_std_error(&d.errors);
	d.errors.error_exit = fail;
	d.errors.output_message = be_silent;
	d.info.client_data = &d;
	if (!setjmp(d.escape)) {
		jpeg_create_decompress(&d.info); /* keeps err and client_data */
		d.source.init_source = do_nothing;
		d.source.fill_input_buffer = no_more_input;
		d.source.skip_input_data = skip_input;
		d.source.resync_to_restart = jpeg_resync_to_restart;
		d.source.term_source = do_nothing;
		d.source.next_input_byte = data;
		d.source.bytes_in_buffer = size;
		d.info.src = &d.source;
		d.progress.progress_monitor = count_scans;
		d.info.progress = &d.progress;
		d.status = out ? decode(&d, file, out) : whole ? decode_twice(&d, file, r, whole) : decode_part(&d, file, r);
	}
	clipseek_huffman_end(&d.huffman);
	jpeg_destroy_decompress(&d.info);
	return d.status;
}

/* run attempts it by the library alone where its help turns out not to be for the file. */
static int run(const uint8_t *data, size_t size, const struct clipseek_jpeg *file, uint8_t *out, struct clipseek_resizer *r,
               struct clipseek_resizer *whole, char *message)
{
	struct clipseek_jpeg again = *file;
	int status = attempt(data, size, file, out, r, whole, message);

	if (status != ODD)
		return status;
	if ((r && !clipseek_begin(r, &r->job, r->out)) || (whole && !clipseek_begin(whole, &whole->job, whole->out)))
		return CLIPSEEK_JPEG_MEMORY;
	again.by_library = 1;
	return attempt(data, size, &again, out, r, whole, message);
}

int clipseek_jpeg_decode(const uint8_t *data, size_t size, const struct clipseek_jpeg *file, uint8_t *out, char *message)
{
	return run(data, size, file, out, NULL, NULL, message);
}

int clipseek_jpeg_resize(const uint8_t *data, size_t size, const struct clipseek_jpeg *file, struct clipseek_resizer *r,
                         const struct clipseek_job *job, uint8_t *out, char *message)
{
	if (!clipseek_begin(r, job, out))
		return CLIPSEEK_JPEG_MEMORY;
	return run(data, size, file, NULL, r, NULL, message);
}

int clipseek_jpeg_resize_twice(const uint8_t *data, size_t size, const struct clipseek_jpeg *file, struct clipseek_resizer *r,
                               const struct clipseek_job *job, uint8_t *out, struct clipseek_resizer *whole,
                               const struct clipseek_job *whole_job, uint8_t *whole_out, char *message)
{
	if (!clipseek_begin(r, job, out) || !clipseek_begin(whole, whole_job, whole_out))
		return CLIPSEEK_JPEG_MEMORY;
	return run(data, size, file, NULL, r, whole, message);
}

struct encoder {
	struct jpeg_compress_struct info;
	struct jpeg_error_mgr errors;
	jmp_buf escape;
	char *message;
	unsigned char *data;
	unsigned long size;
};

static void fail_encoding(j_common_ptr info)
{
	struct encoder *e = info->client_data;
	info->err->format_message(info, e->message);
	longjmp(e->escape, 1);
}

int clipseek_jpeg_encode(const uint8_t *rgb, int width, int height, int quality, struct clipseek_block *file, char *message)
{
	struct encoder e;
	volatile int status = CLIPSEEK_JPEG_BROKEN;

	memset(&e, 0, sizeof e);
	e.message = message;
	e.info.err = jpeg_std_error(&e.errors);
	e.errors.error_exit = fail_encoding;
	e.errors.output_message = be_silent;
	e.info.client_data = &e;
	if (!setjmp(e.escape)) {
		jpeg_create_compress(&e.info); /* keeps err and client_data */
		jpeg_mem_dest(&e.info, &e.data, &e.size);
		e.info.image_width = width;
		e.info.image_height = height;
		e.info.input_components = 3;
		e.info.in_color_space = JCS_RGB;
		jpeg_set_defaults(&e.info);
		jpeg_set_quality(&e.info, quality, TRUE);
		e.info.dct_method = JDCT_IFAST;
		jpeg_start_compress(&e.info, TRUE);
		while (e.info.next_scanline < e.info.image_height) {
			JSAMPROW row = (JSAMPROW)(rgb + e.info.next_scanline * (size_t)width * 3);
			jpeg_write_scanlines(&e.info, &row, 1);
		}
		jpeg_finish_compress(&e.info);
		status = CLIPSEEK_JPEG_OK;
	}
	jpeg_destroy_compress(&e.info);
	file->data = status == CLIPSEEK_JPEG_OK ? e.data : NULL; /* where libjpeg fails, its memory is in nobody's hands */
	file->size = e.size;
	return status;
}
