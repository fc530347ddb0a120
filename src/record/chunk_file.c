#include "config.h"

#include "record/chunk_file.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/fault.h"
#include "base/xalloc.h"
#include "model/codec.h"

enum { LEVEL = 3, TRAILER_HEAD = 8 };

void
chunk_file_init(struct chunk_file *c)
{
	*c = (struct chunk_file){ .fd = -1, .z = ZSTD_createCCtx(), .out_size = ZSTD_CStreamOutSize() };
	c->out = xmalloc(c->out_size);
	if (c->z == NULL) {
		fputs("opsconsole: out of memory (zstd)\n", stderr);
		abort();
	}
	ZSTD_CCtx_setParameter(c->z, ZSTD_c_compressionLevel, LEVEL);
	ZSTD_CCtx_setParameter(c->z, ZSTD_c_windowLog, RECORD_WINDOW_LOG);
	ZSTD_CCtx_setParameter(c->z, ZSTD_c_checksumFlag, 1);
}

static void
abandon(struct chunk_file *c)
{
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
	digest_free(c->digest);
	c->digest = NULL;
	c->out_len = 0;
	ZSTD_CCtx_reset(c->z, ZSTD_reset_session_only);
}

void
chunk_file_done(struct chunk_file *c)
{
	abandon(c);
	ZSTD_freeCCtx(c->z);
	free(c->out);
}

static int
write_all(struct chunk_file *c, const void *bytes, size_t len, struct err *err)
{
	const char *p = bytes;

	while (len > 0) {
		ssize_t n = fault_write(FAULT_RECORD_WRITE, c->fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			err_set_errno(err, ERR_IO, n == 0 ? ENOSPC : errno, "%s", c->name);
			abandon(c);
			return ERR_IO;
		}
		digest_add(c->digest, p, (size_t)n);
		c->bytes += (uint64_t)n;
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

/* --- beginning ------------------------------------------------------------------------------------------------------------------- */

static int
write_head(struct chunk_file *c, const struct chunk_head *h, struct err *err)
{
	json_t *head = json_pack("{s:s, s:i, s:o, s:o, s:o, s:o, s:o, s:I, s:o, s:s, s:s}", "opsconsole", "recording", "format", RECORD_FORMAT,
	    "recording", codec_text(h->id), "env", codec_text(h->env), "user", codec_text(h->user), "host", codec_text(h->host), "version",
	    codec_text(h->version), "number", (json_int_t)h->number, "from", codec_time(h->from_ns), "prev", h->prev, "after",
	    chunk_after_names[h->after]);
	char *text;
	int r;

	if (h->why[0] != '\0')
		json_object_set_new(head, "why", codec_text(h->why));
	text = json_dumps(head, JSON_COMPACT);
	r = write_all(c, text, strlen(text), err);
	if (r == 0)
		r = write_all(c, "\n", 1, err);
	free(text);
	json_decref(head);
	return r;
}

int
chunk_file_begin(struct chunk_file *c, int dir_fd, const struct chunk_head *head, struct err *err)
{
	abandon(c);
	folder_chunk_name(c->name, head->number);
	c->number = head->number;
	c->from_ns = c->to_ns = head->from_ns;
	c->bytes = c->n_events = 0;
	snprintf(c->prev, sizeof c->prev, "%s", head->prev);
	c->fd = fault_openat(FAULT_RECORD_OPEN, dir_fd, c->name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (c->fd < 0)
		return err_set_errno(err, ERR_IO, errno, "%s", c->name);
	c->digest = digest_new();
	return write_head(c, head, err);
}

/* --- what is in it ----------------------------------------------------------------------------------------------------------------- */

static int
drain(struct chunk_file *c, struct err *err)
{
	size_t len = c->out_len;

	c->out_len = 0;
	return len == 0 ? 0 : write_all(c, c->out, len, err);
}

static int
compress(struct chunk_file *c, const char *text, size_t len, ZSTD_EndDirective end, struct err *err)
{
	ZSTD_inBuffer in = { text, len, 0 };
	size_t left;

	do {
		ZSTD_outBuffer out = { c->out, c->out_size, c->out_len };

		left = ZSTD_compressStream2(c->z, &out, &in, end);
		c->out_len = out.pos;
		if (ZSTD_isError(left)) {
			err_set(err, ERR_IO, "%s: zstd: %s", c->name, ZSTD_getErrorName(left));
			abandon(c);
			return ERR_IO;
		}
		if (c->out_len == c->out_size && drain(c, err) < 0)
			return ERR_IO;
	} while (in.pos < in.size || (end != ZSTD_e_continue && left > 0));
	return 0;
}

int
chunk_file_add(struct chunk_file *c, const char *text, size_t len, struct err *err)
{
	return compress(c, text, len, ZSTD_e_continue, err);
}

int
chunk_file_flush(struct chunk_file *c, struct err *err)
{
	int r = compress(c, NULL, 0, ZSTD_e_flush, err);

	return r < 0 ? r : drain(c, err);
}

/* --- ending ------------------------------------------------------------------------------------------------------------------------ */

/* A frame that zstd skips, of a length that is always the same: a reader finds it from the end, without unpacking. */
static int
write_trailer(struct chunk_file *c, struct err *err)
{
	unsigned char frame[RECORD_TRAILER];
	char end[CLOCK_TEXT_MAX];
	uint32_t words[2] = { RECORD_TRAILER_MAGIC, RECORD_TRAILER - TRAILER_HEAD };

	for (size_t i = 0; i < sizeof words; i++)
		frame[i] = (unsigned char)(words[i / 4] >> (8 * (i % 4)));
	memset(frame + TRAILER_HEAD, ' ', sizeof frame - TRAILER_HEAD);
	snprintf((char *)frame + TRAILER_HEAD, sizeof frame - TRAILER_HEAD, "{\"to\":\"%s\",\"events\":%llu}", clock_format(end, c->to_ns, 9),
	    (unsigned long long)c->n_events);
	frame[strlen((char *)frame + TRAILER_HEAD) + TRAILER_HEAD] = ' ';
	frame[sizeof frame - 1] = '\n';
	return write_all(c, frame, sizeof frame, err);
}

int
chunk_file_close(struct chunk_file *c, int64_t to_ns, struct err *err)
{
	int r;

	c->to_ns = to_ns > c->to_ns ? to_ns : c->to_ns;
	r = compress(c, NULL, 0, ZSTD_e_end, err);
	if (r == 0)
		r = drain(c, err);
	if (r == 0)
		r = write_trailer(c, err);
	if (r < 0)
		return r;
	if (fault_fdatasync(FAULT_RECORD_FSYNC, c->fd) < 0) {
		err_set_errno(err, ERR_IO, errno, "%s: cannot sync", c->name);
		abandon(c);
		return ERR_IO;
	}
	digest_end_hex(c->digest, c->sha256);
	c->digest = NULL;
	abandon(c);
	return 0;
}
