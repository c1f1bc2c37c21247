/*
 * The settings are the reference's: accurate integer inverse DCT and smooth chroma upsampling, which are libjpeg's
 * defaults; conversion to RGB from whatever the file's markers say; warnings about recoverable damage ignored; the
 * input a buffer that cannot be refilled, so that missing data stop the decoder instead of being made up.
 */
#include "libjpeg.h"

#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include <jpeglib.h>

struct decoder {
	struct jpeg_decompress_struct info;
	struct jpeg_error_mgr errors;
	struct jpeg_source_mgr source;
	struct jpeg_progress_mgr progress;
	jmp_buf escape;
	int max_scans;
	int status;
	char *message;
};

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

static int decode(struct decoder *d, unsigned width, unsigned height, int channels, uint8_t *out)
{
	j_decompress_ptr info = &d->info;
	size_t stride = (size_t)width * channels;
	int header;

	do {
		header = jpeg_read_header(info, FALSE);
	} while (header == JPEG_HEADER_TABLES_ONLY);
	if (header == JPEG_SUSPENDED)
		return CLIPSEEK_JPEG_TRUNCATED;
	if (info->image_width != width || info->image_height != height || info->num_components != channels)
		return CLIPSEEK_JPEG_MISMATCH;
	info->out_color_space = channels == 1 ? JCS_GRAYSCALE : channels == 3 ? JCS_RGB : JCS_CMYK;
	if (!jpeg_start_decompress(info))
		return CLIPSEEK_JPEG_TRUNCATED;
	while (info->output_scanline < height) {
		JSAMPROW row = out + info->output_scanline * stride;
		if (jpeg_read_scanlines(info, &row, 1) != 1)
			return CLIPSEEK_JPEG_TRUNCATED;
		if (channels == 4) /* files hold 255 minus ink */
			for (size_t i = 0; i < stride; i++)
				row[i] = (uint8_t)~row[i];
	}
	/* All rows are there: a missing end marker is no loss, but damage before it is reported by fail. */
	jpeg_finish_decompress(info);
	return CLIPSEEK_JPEG_OK;
}

int clipseek_jpeg_decode(const uint8_t *data, size_t size, unsigned width, unsigned height, int channels,
                         int max_scans, uint8_t *out, char message[CLIPSEEK_JPEG_MESSAGE])
{
	struct decoder d;

	memset(&d, 0, sizeof d);
	d.max_scans = max_scans;
	d.message = message;
	d.info.err = jpeg_std_error(&d.errors);
	d.errors.error_exit = fail;
	d.errors.output_message = be_silent;
	d.info.client_data = &d;
	if (setjmp(d.escape)) {
		jpeg_destroy_decompress(&d.info);
		return d.status;
	}
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
	d.status = decode(&d, width, height, channels, out);
	jpeg_destroy_decompress(&d.info);
	return d.status;
}
