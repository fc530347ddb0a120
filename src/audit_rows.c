/* A line of the log as a row of the panel. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit/reader.h"
#include "audit_index.h"
#include "base/str.h"
#include "base/xalloc.h"

enum { WORDS_MAX = 4 << 10, DETAIL_MAX = 64 << 10, FULL_MAX = 4 * AUDIT_LINE_MAX };
#define ODD_SEQ (UINT64_C(1) << 62)	/* beyond any seq: ids of what is no record */

static const char *__attribute__((format(printf, 2, 3)))
printed(struct arena *arena, const char *fmt, ...)
{
	const char *copy;
	va_list ap;
	char *text;

	va_start(ap, fmt);
	text = xvasprintf(fmt, ap);
	va_end(ap);
	copy = arena_strdup(arena, text);
	free(text);
	return copy;
}

static const char *
escaped(struct arena *arena, const char *text)
{
	struct buf b;
	const char *copy;

	if (text == NULL || *text == '\0')
		return "";
	buf_init(&b, FULL_MAX);
	str_escape(&b, text, strlen(text));
	copy = arena_strdup(arena, b.data);
	buf_done(&b);
	return copy;
}

/* Line by line, so that its lines stay lines. */
static const char *
detail_of(const struct audit_record *rec, struct arena *arena)
{
	char *text = json_dumps(rec->json, JSON_INDENT(2)), *p, *next;
	const char *copy;
	struct buf b;

	if (text == NULL)
		return "";
	buf_init(&b, DETAIL_MAX);
	for (p = text; p != NULL && !b.is_over; p = next) {
		next = strchr(p, '\n');
		if (next != NULL)
			*next++ = '\0';
		str_escape(&b, p, strlen(p));
		if (next != NULL)
			buf_addch(&b, '\n');
	}
	copy = b.is_over ? printed(arena, "%.*s\n… (longer than %d KiB: opsconsole --log --json text=%s)", (int)b.len, b.data, DETAIL_MAX >> 10, rec->hash) :
	    arena_strdup(arena, b.data);
	buf_done(&b);
	free(text);
	return copy;
}

static void
odd_row(uint64_t number, const struct err *why, struct arena *arena, struct audit_row *ret)
{
	*ret = (struct audit_row){ .seq = ODD_SEQ + number, .type = "?", .actor = "", .run = "", .incident = "", .hash = "", .detail = "" };
	ret->text = printed(arena, "this line is no record: %s", why->msg);
}

void
audit_row_make(const struct audit_line *l, uint64_t number, struct arena *arena, struct audit_row *ret)
{
	struct audit_record rec;
	struct err why = ERR_INIT;
	struct buf b;

	if (l->is_torn)
		err_set(&why, ERR_SYNTAX, "it does not end in a line feed");
	if (why.code != 0 || audit_record_read(l->bytes, l->len, &rec, &why) < 0) {
		odd_row(number, &why, arena, ret);
		return;
	}
	buf_init(&b, FULL_MAX);
	audit_record_words(&rec, &b);
	*ret = (struct audit_row){ .seq = rec.seq, .time_ns = rec.time_ns, .type = arena_strdup(arena, rec.type_name), .run = escaped(arena, rec.run),
	    .incident = escaped(arena, rec.incident), .hash = arena_strdup(arena, rec.hash) };
	ret->text = b.len > WORDS_MAX ? printed(arena, "%.*s…", WORDS_MAX, b.data) : arena_strdup(arena, b.data);
	buf_reset(&b);
	str_escape(&b, rec.user, strlen(rec.user));
	buf_addch(&b, '@');
	str_escape(&b, rec.host, strlen(rec.host));
	ret->actor = arena_strdup(arena, b.data);
	ret->detail = detail_of(&rec, arena);
	buf_done(&b);
	audit_record_done(&rec);
}
