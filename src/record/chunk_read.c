#include "config.h"

#include "record/chunk_read.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "base/clock.h"
#include "base/str.h"
#include "base/xalloc.h"

/* --- header and trailer -------------------------------------------------------------------------------------------------------------- */

void
chunk_header_done(struct chunk_header *h)
{
	free(h->id);
	free(h->env);
	free(h->user);
	free(h->host);
	free(h->version);
	free(h->why);
	*h = (struct chunk_header){ 0 };
}

static char *
text_of(const json_t *head, const char *name)
{
	const char *s = json_string_value(json_object_get(head, name));

	return xstrdup(s != NULL ? s : "");
}

static bool
is_sha(const char *s)
{
	return s != NULL && strlen(s) == RECORD_SHA_HEX && strspn(s, "0123456789abcdef") == RECORD_SHA_HEX;
}

static int
read_head(const json_t *head, struct chunk_header *h, struct err *err)
{
	const char *prev = json_string_value(json_object_get(head, "prev")), *from = json_string_value(json_object_get(head, "from")),
	    *after = json_string_value(json_object_get(head, "after"));
	json_int_t number = json_integer_value(json_object_get(head, "number"));

	if (!is_sha(prev) || number <= 0 || from == NULL || after == NULL)
		return err_set(err, ERR_SYNTAX, "its header lacks number, from, prev or after");
	if (clock_parse(from, &h->from_ns, err) < 0)
		return ERR_SYNTAX;
	h->from_ns = clock_within(h->from_ns);
	h->after = AFTER_GAP;	/* a word of a newer version: nothing is taken for granted */
	for (int i = 0; chunk_after_names[i] != NULL; i++)
		if (strcmp(chunk_after_names[i], after) == 0)
			h->after = (enum chunk_after)i;
	memcpy(h->prev, prev, sizeof h->prev);
	h->number = (uint64_t)number;
	h->id = text_of(head, "recording");
	h->env = text_of(head, "env");
	h->user = text_of(head, "user");
	h->host = text_of(head, "host");
	h->version = text_of(head, "version");
	h->why = text_of(head, "why");
	return 0;
}

int
chunk_header_read(const char *bytes, size_t len, struct chunk_header *ret, struct err *err)
{
	const char *lf = memchr(bytes, '\n', len < RECORD_HEADER_MAX ? len : RECORD_HEADER_MAX);
	json_int_t format;
	json_t *head;
	int r;

	*ret = (struct chunk_header){ 0 };
	if (lf == NULL || bytes[0] != '{')
		return err_set(err, ERR_SYNTAX, "it does not begin with the header line of a recording");
	head = json_loadb(bytes, (size_t)(lf - bytes), JSON_REJECT_DUPLICATES, NULL);
	format = json_integer_value(json_object_get(head, "format"));
	if (!str_eq(json_string_value(json_object_get(head, "opsconsole")), "recording") || format <= 0) {
		r = err_set(err, ERR_SYNTAX, "it does not begin with the header line of a recording");
	} else if (format > RECORD_FORMAT) {
		ret->format = (unsigned)(format > 1000000 ? 1000000 : format);
		r = err_set(err, ERR_INVALID, "it is of format %lld; this opsconsole reads formats up to %d: a newer one opens it", (long long)format,
		    RECORD_FORMAT);
	} else {
		ret->format = (unsigned)format;
		ret->size = (size_t)(lf - bytes) + 1;
		r = read_head(head, ret, err);
	}
	json_decref(head);
	return r;
}

static uint32_t
word_at(const char *bytes)
{
	const unsigned char *p = (const unsigned char *)bytes;

	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

bool
chunk_trailer_read(const char *bytes, size_t len, int64_t *ret_to_ns, uint64_t *ret_events)
{
	const char *frame = bytes + len - RECORD_TRAILER, *to;
	json_t *json;
	bool is_read = false;

	if (len < RECORD_TRAILER || word_at(frame) != RECORD_TRAILER_MAGIC || word_at(frame + 4) != RECORD_TRAILER - 8)
		return false;
	json = json_loadb(frame + 8, RECORD_TRAILER - 8, 0, NULL);
	to = json_string_value(json_object_get(json, "to"));
	if (to != NULL && clock_parse(to, ret_to_ns, NULL) == 0) {
		json_int_t n = json_integer_value(json_object_get(json, "events"));

		*ret_to_ns = clock_within(*ret_to_ns);
		*ret_events = n > 0 ? (uint64_t)n : 0;
		is_read = true;
	}
	json_decref(json);
	return is_read;
}

/* --- the text -------------------------------------------------------------------------------------------------------------------------- */

void
chunk_text_done(struct chunk_text *t)
{
	buf_done(&t->text);
	free(t->lines);
}

/* Nothing of it is to be shown. */
static void
nothing(struct chunk_text *t)
{
	buf_reset(&t->text);
	t->n_lines = t->n_snapshot = 0;
	t->has_snapshot = false;
}

static void
zstd_problem(struct chunk_text *t, size_t code)
{
	switch (ZSTD_getErrorCode(code)) {
	case ZSTD_error_checksum_wrong:
		/* Some bit in it is another one, and nobody knows which. */
		nothing(t);
		snprintf(t->problem, sizeof t->problem, "the checksum of its zstd frame is wrong");
		break;
	case ZSTD_error_frameParameter_windowTooLarge:
		snprintf(t->problem, sizeof t->problem, "its zstd window is larger than %d MiB", 1 << (RECORD_WINDOW_LOG_MAX - 20));
		break;
	default:
		snprintf(t->problem, sizeof t->problem, "its zstd frame is damaged (%s)", ZSTD_getErrorName(code));
		break;
	}
}

/* RFC 8878, 3.1.1: without its checksum a frame may say anything. */
static bool
has_checksum(const char *body, size_t len)
{
	return len < 5 || word_at(body) != ZSTD_MAGICNUMBER || (body[4] & 4) != 0;
}

static void
unpack(struct chunk_text *t, const char *body, size_t len)
{
	ZSTD_DCtx *z = ZSTD_createDCtx();
	size_t size = ZSTD_DStreamOutSize(), left = 1;
	ZSTD_inBuffer in = { body, len, 0 };
	char *out = xmalloc(size);

	ZSTD_DCtx_setParameter(z, ZSTD_d_windowLogMax, RECORD_WINDOW_LOG_MAX);
	/* Also when all is read: zstd may hold back what did not fit. */
	for (bool is_full = false; left != 0 && (in.pos < in.size || is_full); ) {
		ZSTD_outBuffer o = { out, size, 0 };

		left = ZSTD_decompressStream(z, &o, &in);
		if (ZSTD_isError(left)) {
			zstd_problem(t, left);
			break;
		}
		is_full = o.pos == o.size;
		if (buf_add(&t->text, out, o.pos) < 0) {
			snprintf(t->problem, sizeof t->problem, "it unpacks to more than %d MiB", RECORD_TEXT_MAX >> 20);
			break;
		}
	}
	t->is_ended = left == 0;
	if (t->is_ended && in.pos < in.size && (in.size - in.pos != RECORD_TRAILER || word_at(body + in.pos) != RECORD_TRAILER_MAGIC))
		snprintf(t->problem, sizeof t->problem, "bytes follow its end");
	free(out);
	ZSTD_freeDCtx(z);
}

static bool
add_line(struct chunk_text *t, size_t at, size_t len, int64_t time_ns)
{
	if (len > RECORD_LINE_MAX || t->n_lines >= RECORD_LINES_MAX) {
		snprintf(t->problem, sizeof t->problem, len > RECORD_LINE_MAX ? "a line of it is too long" : "it has too many lines");
		return false;
	}
	if (t->n_lines == t->cap_lines) {
		t->cap_lines = t->cap_lines == 0 ? 256 : t->cap_lines * 2;
		t->lines = xreallocarray(t->lines, t->cap_lines, sizeof *t->lines);
	}
	t->lines[t->n_lines++] = (struct chunk_line){ at, len, time_ns };
	return true;
}

/* `{"at":1893456000000000000,` is how each line of an event begins, so that times are known without reading more of it. */
static bool
line_time(const char *line, size_t len, int64_t *ret)
{
	static const char member[] = "{\"at\":";
	size_t i = sizeof member - 1;
	int64_t v = 0;

	if (len < sizeof member || memcmp(line, member, i) != 0 || line[i] < '0' || line[i] > '9')
		return false;
	for (; i < len && line[i] >= '0' && line[i] <= '9'; i++) {
		if (v > CLOCK_FAR_NS / 10)
			return false;
		v = v * 10 + (line[i] - '0');
	}
	*ret = clock_within(v);
	return true;
}

static bool
is_mark(const char *line, size_t len)
{
	static const char member[] = "{\"mark\":\"snapshot\"";

	return len >= sizeof member - 1 && memcmp(line, member, sizeof member - 1) == 0;
}

/* Whole lines only: what a kill cut off is no line. */
static void
index_lines(struct chunk_text *t, int64_t from_ns)
{
	const char *text = t->text.data, *lf;
	int64_t now = from_ns, at;
	size_t begin = 0;

	for (; (lf = memchr(text + begin, '\n', t->text.len - begin)) != NULL; begin = (size_t)(lf - text) + 1) {
		size_t len = (size_t)(lf - text) - begin;

		if (!t->has_snapshot && is_mark(text + begin, len)) {
			t->has_snapshot = true;
			t->n_snapshot = t->n_lines;
		} else if (!t->has_snapshot) {
			if (!add_line(t, begin, len, from_ns))
				return;
		} else if (line_time(text + begin, len, &at)) {
			now = at > now ? at : now;
			if (!add_line(t, begin, len, now))
				return;
			t->end_ns = now;
		}
	}
}

void
chunk_text_read(const char *body, size_t len, int64_t from_ns, struct chunk_text *ret)
{
	*ret = (struct chunk_text){ .end_ns = from_ns };
	buf_init(&ret->text, RECORD_TEXT_MAX);
	if (!has_checksum(body, len))
		snprintf(ret->problem, sizeof ret->problem, "its zstd frame has no checksum");
	else if (len > 0)
		unpack(ret, body, len);
	index_lines(ret, from_ns);
	if (ret->has_snapshot)
		return;
	if (ret->problem[0] == '\0')
		snprintf(ret->problem, sizeof ret->problem, "its snapshot is not whole");
	nothing(ret);
}
