/*
 * Writing one record. A line is made in one pass, where it is to stand; only when it is longer than AUDIT_LINE_MAX more are made, elsewhere, with a ceiling
 * for each text that was worked out from the lengths of all: the longest texts give way, short ones stay whole. Nothing here goes through printf(): with it,
 * making a record cost more than its hash.
 */
#include "config.h"

#include "audit/record.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "audit/record_priv.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/secrets.h"
#include "base/str.h"
#include "base/xalloc.h"

enum {
	DRAFT_MAX = 64 << 20,	/* bytes of a line before it is cut */
	DEPTH_MAX = 32,		/* of arrays and objects in a body */
	CUT_MEMBER_MAX = 32	/* ,"cut":18446744073709551615 */
};
#define HASH_KEY ",\"hash\":\""
#define CUT_MARK "\xe2\x80\xa6"

static const char *const type_names[AUDIT_TYPES] = {
	[AUDIT_OPENED] = "opened", [AUDIT_RECOVERED] = "recovered", [AUDIT_GAP] = "gap", [AUDIT_RUN_START] = "run-start",
	[AUDIT_RUN_STATE] = "run-state", [AUDIT_INTENT] = "intent", [AUDIT_RESULT] = "result", [AUDIT_CHECK] = "check",
	[AUDIT_RUN_END] = "run-end", [AUDIT_ACT] = "act", [AUDIT_ACT_RESULT] = "act-result", [AUDIT_NOTE] = "note",
	[AUDIT_INCIDENT_OPENED] = "incident-opened", [AUDIT_INCIDENT_CLOSED] = "incident-closed",
	[AUDIT_RECORDING] = "recording", [AUDIT_CHUNK] = "chunk", [AUDIT_ANCHOR] = "anchor",
};

/* Names a body's own members may not bear. */
static const char *const frame_names[] = { "seq", "time", "prev", "type", "actor", "env", "run", "incident", "cut", "hash" };

const char *
audit_type_name(enum audit_type type)
{
	return type < AUDIT_TYPES ? type_names[type] : NULL;
}

bool
audit_type_find(const char *name, enum audit_type *ret)
{
	for (int i = 0; i < AUDIT_TYPES; i++)
		if (strcmp(type_names[i], name) == 0) {
			*ret = (enum audit_type)i;
			return true;
		}
	return false;
}

struct writer {
	struct buf *b;
	struct buf masked;
	bool has_secrets;	/* otherwise nothing has to be masked */
	size_t text_max;	/* of one text, escaped; SIZE_MAX: no ceiling */
	uint64_t cut;		/* bytes left out */
	bool is_measured;	/* lens has the texts' escaped lengths: only a line that is too long is made three times */
	size_t *lens;
	size_t n_lens, cap_lens;
};

#define ADD(b, literal) buf_add((b), (literal), sizeof(literal) - 1)

/* --- numbers --------------------------------------------------------------------------------------------------------------------------- */

/* With zeros in front up to `width` digits. */
static void
add_digits(struct buf *b, uint64_t v, size_t width)
{
	char text[20];
	size_t at = sizeof text;

	do {
		text[--at] = (char)('0' + v % 10);
		v /= 10;
	} while (v > 0 || sizeof text - at < width);
	buf_add(b, text + at, sizeof text - at);
}

static void
add_integer(struct buf *b, int64_t v)
{
	if (v < 0)
		buf_addch(b, '-');
	add_digits(b, v < 0 ? -(uint64_t)v : (uint64_t)v, 1);
}

/* Most records are of the second of the one before. */
static void
add_time(struct buf *b, int64_t ns)
{
	static _Thread_local char text[CLOCK_TEXT_MAX];
	static _Thread_local int64_t second = -1;

	if (ns / NS_PER_S != second) {
		second = ns / NS_PER_S;
		clock_format(text, ns, 0);
	}
	buf_add(b, text, strlen(text) - 1);	/* without the Z */
	buf_addch(b, '.');
	add_digits(b, (uint64_t)(ns % NS_PER_S), 9);
	buf_addch(b, 'Z');
}

/* --- texts ----------------------------------------------------------------------------------------------------------------------------- */

/* Always written as \u escapes beside what JSON demands, so that the log can be shown in a terminal as it stands. */
static bool
is_escaped(uint32_t cp)
{
	return cp < 0x20 || (cp >= 0x7f && cp < 0xa0) || cp_width(cp) < 0;
}

static size_t
u_escape(char *out, uint32_t cp)
{
	static const char hex[] = "0123456789abcdef";
	uint32_t unit[2] = { cp, 0 };
	size_t n = 1, len = 0;

	if (cp > 0xffff) {
		unit[0] = 0xd800 + ((cp - 0x10000) >> 10);
		unit[1] = 0xdc00 + ((cp - 0x10000) & 0x3ff);
		n = 2;
	}
	for (size_t i = 0; i < n; i++) {
		out[len++] = '\\';
		out[len++] = 'u';
		for (int shift = 12; shift >= 0; shift -= 4)
			out[len++] = hex[unit[i] >> shift & 15];
	}
	return len;
}

/* The first thing in s as it stands in the log, into out[12]. Returns how many bytes of s it took. */
static size_t
escape_unit(const char *s, size_t len, char *out, size_t *ret_len)
{
	static const char short_escapes[] = "\"\"\\\\\nn\tt\rr";
	uint32_t cp = 0;
	size_t took = utf8_decode(s, len, &cp);

	if (took == 0) {
		/* The two bytes \x of a text: in JSON the backslash is doubled. */
		static const char hex[] = "0123456789ABCDEF";
		unsigned char c = (unsigned char)*s;

		memcpy(out, "\\\\x", 3);
		out[3] = hex[c >> 4];
		out[4] = hex[c & 15];
		*ret_len = 5;
		return 1;
	}
	for (const char *e = short_escapes; *e != '\0'; e += 2)
		if (cp == (unsigned char)*e) {
			out[0] = '\\';
			out[1] = e[1];
			*ret_len = 2;
			return 1;
		}
	if (is_escaped(cp)) {
		*ret_len = u_escape(out, cp);
	} else {
		memcpy(out, s, took);
		*ret_len = took;
	}
	return took;
}

static inline bool
is_plain(unsigned char c)
{
	return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

/* Escaped, at most text_max bytes of it; what is cut ends in an ellipsis. */
static void
add_escaped(struct writer *w, const char *s, size_t len)
{
	size_t begin = w->b->len, last_fit = begin, max = w->text_max;

	buf_addch(w->b, '"');
	begin = last_fit = w->b->len;
	for (size_t i = 0; i < len;) {
		size_t n = i;
		char out[12];
		size_t out_len;

		while (n < len && is_plain((unsigned char)s[n]))
			n++;
		if (n > i) {
			buf_add(w->b, s + i, n - i);
			if (w->b->len - begin <= max - sizeof CUT_MARK)
				last_fit = w->b->len;
			else if (last_fit < begin + max - sizeof CUT_MARK)
				last_fit = begin + max - sizeof CUT_MARK;	/* within plain bytes any place will do */
			i = n;
			continue;
		}
		i += escape_unit(s + i, len - i, out, &out_len);
		buf_add(w->b, out, out_len);
		if (w->b->len - begin <= max - sizeof CUT_MARK)
			last_fit = w->b->len;
	}
	if (w->b->len - begin > max) {
		w->cut += w->b->len - last_fit;
		w->b->len = last_fit;
		buf_addstr(w->b, CUT_MARK);
	}
	if (w->is_measured) {
		if (w->n_lens == w->cap_lens) {
			w->cap_lens = w->cap_lens * 2 + 32;
			w->lens = xreallocarray(w->lens, w->cap_lens, sizeof *w->lens);
		}
		w->lens[w->n_lens++] = w->b->len - begin;
	}
	buf_addch(w->b, '"');
}

/* Text without secrets: s itself, or what stands in w->masked until the next. */
static const char *
mask(struct writer *w, const char *s, size_t *len)
{
	if (!w->has_secrets)
		return s;
	buf_reset(&w->masked);
	if (secrets_mask(&w->masked, s, *len) < 0)
		w->b->is_over = true;
	*len = w->masked.len;
	return w->masked.data;
}

static void
add_text(struct writer *w, const char *s, size_t len)
{
	s = mask(w, s, &len);
	add_escaped(w, s, len);
}

static void
add_text_or_null(struct writer *w, const char *s)
{
	if (s == NULL)
		ADD(w->b, "null");
	else
		add_text(w, s, strlen(s));
}

/* Names of members stand without escapes: a byte that would need one, one beyond ASCII, and the per cent sign are written as %HH. */
static void
add_name(struct writer *w, const char *name)
{
	size_t len = strlen(name), n;

	name = mask(w, name, &len);
	buf_addch(w->b, '"');
	for (size_t i = 0; i < len; i += n + 1) {
		for (n = 0; i + n < len && is_plain((unsigned char)name[i + n]) && name[i + n] != '%'; n++)
			;
		buf_add(w->b, name + i, n);
		if (i + n < len)
			buf_printf(w->b, "%%%02X", (unsigned char)name[i + n]);
	}
	ADD(w->b, "\":");
}

/* --- values ---------------------------------------------------------------------------------------------------------------------------- */

static int add_value(struct writer *w, json_t *value, unsigned depth);

static int
add_members(struct writer *w, json_t *object, unsigned depth, bool is_first)
{
	const char *name;
	json_t *value;

	json_object_foreach(object, name, value) {
		if (!is_first)
			buf_addch(w->b, ',');
		is_first = false;
		add_name(w, name);
		if (add_value(w, value, depth) < 0)
			return -1;
	}
	return 0;
}

static int
add_items(struct writer *w, json_t *array, unsigned depth)
{
	size_t i;
	json_t *value;

	buf_addch(w->b, '[');
	json_array_foreach(array, i, value) {
		if (i > 0)
			buf_addch(w->b, ',');
		if (add_value(w, value, depth) < 0)
			return -1;
	}
	return buf_addch(w->b, ']');
}

/* 17 digits read back as the same double; the locale must not choose the point. */
static void
add_real(struct writer *w, double v)
{
	char text[40];
	json_t *real = json_real(v);
	size_t len = json_dumpb(real, text, sizeof text, JSON_ENCODE_ANY | JSON_REAL_PRECISION(17));

	buf_add(w->b, text, len < sizeof text ? len : 0);
	json_decref(real);
}

static int
add_value(struct writer *w, json_t *value, unsigned depth)
{
	int r = 0;

	if (depth >= DEPTH_MAX)
		return -1;
	switch (json_typeof(value)) {
	case JSON_OBJECT:
		buf_addch(w->b, '{');
		r = add_members(w, value, depth + 1, true);
		buf_addch(w->b, '}');
		break;
	case JSON_ARRAY:
		r = add_items(w, value, depth + 1);
		break;
	case JSON_STRING:
		add_text(w, json_string_value(value), json_string_length(value));
		break;
	case JSON_INTEGER:
		add_integer(w->b, json_integer_value(value));
		break;
	case JSON_REAL:
		add_real(w, json_real_value(value));
		break;
	case JSON_TRUE:
		ADD(w->b, "true");
		break;
	case JSON_FALSE:
		ADD(w->b, "false");
		break;
	case JSON_NULL:
		ADD(w->b, "null");
		break;
	}
	return r;
}

/* --- the line ---------------------------------------------------------------------------------------------------------------------------- */

struct parts {
	uint64_t seq;
	int64_t time_ns;
	const char *prev;
	const struct audit_actor *actor;
	const char *env;
	const struct audit_draft *draft;
};

static void
add_frame(struct writer *w, const struct parts *p)
{
	ADD(w->b, "{\"seq\":");
	add_digits(w->b, p->seq, 1);
	ADD(w->b, ",\"time\":\"");
	add_time(w->b, p->time_ns);
	ADD(w->b, "\",\"prev\":\"");
	buf_addstr(w->b, p->prev);
	ADD(w->b, "\",\"type\":\"");
	buf_addstr(w->b, audit_type_name(p->draft->type));
	ADD(w->b, "\",\"actor\":{\"user\":");
	add_text(w, p->actor->user, strlen(p->actor->user));
	ADD(w->b, ",\"uid\":");
	add_integer(w->b, p->actor->uid);
	ADD(w->b, ",\"host\":");
	add_text(w, p->actor->host, strlen(p->actor->host));
	ADD(w->b, ",\"tty\":");
	add_text(w, p->actor->tty, strlen(p->actor->tty));
	ADD(w->b, ",\"client\":");
	add_text(w, p->actor->client, strlen(p->actor->client));
	ADD(w->b, "},\"env\":");
	add_text_or_null(w, p->env);
	ADD(w->b, ",\"run\":");
	add_text_or_null(w, p->draft->run);
	ADD(w->b, ",\"incident\":");
	add_text_or_null(w, p->draft->incident);
}

static int
add_all(struct writer *w, const struct parts *p, struct err *err)
{
	add_frame(w, p);
	if (p->draft->body != NULL && add_members(w, p->draft->body, 0, false) < 0)
		return err_set(err, ERR_INVALID, "audit record %s: its body is nested deeper than %d levels",
		    audit_type_name(p->draft->type), DEPTH_MAX);
	if (w->cut > 0)
		buf_printf(w->b, ",\"cut\":%" PRIu64, w->cut);
	if (w->b->is_over || w->masked.is_over)
		return err_set(err, ERR_LIMIT, "audit record %s: its body is larger than %d MiB", audit_type_name(p->draft->type),
		    DRAFT_MAX >> 20);
	return 0;
}

static int
by_length(const void *a, const void *b)
{
	size_t x = *(const size_t *)a, y = *(const size_t *)b;

	return x < y ? -1 : x > y;
}

/* The greatest ceiling under which texts of these lengths take at most room bytes together; 0: none does. */
static size_t
text_ceiling(size_t *lens, size_t n, size_t room)
{
	size_t taken = 0;

	qsort(lens, n, sizeof *lens, by_length);
	for (size_t i = 0; i < n; i++) {
		size_t share = (room - taken) / (n - i);

		if (lens[i] > share)
			return share;
		taken += lens[i];
	}
	return 0;
}

static size_t
without_texts(const struct writer *w)
{
	size_t sum = 0;

	for (size_t i = 0; i < w->n_lens; i++)
		sum += w->lens[i];
	return w->b->len - sum;
}

/* Once more, with the longest texts cut so far that the line fits. */
static int
add_cut(struct writer *w, const struct parts *p, size_t room, struct err *err)
{
	size_t rest, max;
	int r;

	w->is_measured = true;
	buf_reset(w->b);
	r = add_all(w, p, err);
	if (r < 0)
		return r;
	rest = without_texts(w) + CUT_MEMBER_MAX;
	max = rest < room ? text_ceiling(w->lens, w->n_lens, room - rest) : 0;
	if (max < 2 * sizeof CUT_MARK)
		return err_set(err, ERR_LIMIT, "audit record %s: its body has too many members for a line of %d KiB",
		    audit_type_name(p->draft->type), AUDIT_LINE_MAX >> 10);
	w->is_measured = false;
	w->text_max = max;
	buf_reset(w->b);
	return add_all(w, p, err);
}

static int
check_body(const struct audit_draft *d, struct err *err)
{
	const char *name;
	json_t *value;

	if (d->type >= AUDIT_TYPES)
		return err_set(err, ERR_INVALID, "audit record: there is no type %d", (int)d->type);
	if (d->body == NULL)
		return 0;
	if (!json_is_object(d->body))
		return err_set(err, ERR_INVALID, "audit record %s: its body is no object", audit_type_name(d->type));
	json_object_foreach(d->body, name, value)
		for (size_t i = 0; i < sizeof frame_names / sizeof frame_names[0]; i++)
			if (name[0] == frame_names[i][0] && strcmp(name, frame_names[i]) == 0)
				return err_set(err, ERR_INVALID, "audit record %s: its body may not have a member \"%s\"",
				    audit_type_name(d->type), frame_names[i]);
	return 0;
}

/* The line that begins at `begin` is whole but for its hash. Nothing is written that would not be read. */
static int
add_hash(struct buf *b, size_t begin, char *hash, struct err *err)
{
	int r;

	digest_hex(b->data + begin, b->len - begin, hash);
	ADD(b, HASH_KEY);
	buf_add(b, hash, AUDIT_HASH_HEX);
	ADD(b, "\"}");
	r = audit_frame_check(b->data + begin, b->len - begin, err);
	if (r == 0 && (r = buf_addch(b, '\n')) < 0)
		err_set(err, r, "audit record: no room for it");
	return r;
}

/* In a buffer of its own, for what is too long for a line or for the room behind those that are there. */
static int
write_apart(struct writer *w, struct buf *b, const struct parts *p, size_t room, char *hash, struct err *err)
{
	struct buf line;
	int r;

	buf_init(&line, DRAFT_MAX);
	w->b = &line;
	r = add_all(w, p, err);
	if (r == 0 && line.len > room)
		r = add_cut(w, p, room, err);
	if (r == 0)
		r = add_hash(&line, 0, hash, err);
	if (r == 0 && (r = buf_add(b, line.data, line.len)) < 0)
		err_set(err, r, "audit record: no room for it");
	buf_done(&line);
	return r;
}

int
audit_record_write(struct buf *b, uint64_t seq, int64_t time_ns, const char *prev, const struct audit_actor *actor, const char *env,
    const struct audit_draft *draft, char *ret_hash, struct err *err)
{
	struct parts p = { seq, time_ns < 0 ? 0 : time_ns, prev, actor, env, draft };
	size_t room = AUDIT_LINE_MAX - (sizeof HASH_KEY - 1) - AUDIT_HASH_HEX - 3, begin = b->len, max = b->max;
	struct writer w = { .b = b, .has_secrets = secrets_count() > 0, .text_max = SIZE_MAX };
	bool was_over = b->is_over, is_whole;
	char hash[AUDIT_HASH_HEX + 1];
	int r = check_body(draft, err);

	if (r < 0)
		return r;
	buf_init(&w.masked, DRAFT_MAX);
	if (max - begin > AUDIT_LINE_MAX)
		b->max = begin + AUDIT_LINE_MAX;	/* not the whole draft, when it has to be cut anyway */
	is_whole = add_all(&w, &p, NULL) == 0 && b->len - begin <= room && b->max - b->len >= AUDIT_LINE_MAX - room;
	b->max = max;
	if (is_whole) {
		r = add_hash(b, begin, hash, err);
	} else {
		b->len = begin;
		b->is_over = was_over;
		r = write_apart(&w, b, &p, room, hash, err);
	}
	if (r == 0)
		memcpy(ret_hash, hash, sizeof hash);
	else
		b->len = begin;
	b->data[b->len] = '\0';
	free(w.lens);
	buf_done(&w.masked);
	return r;
}
