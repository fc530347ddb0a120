/* Texts of a review: made in its arena, cleaned of what must not be in it, and how evidence is named. */
#include "config.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/secrets.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "report/report_priv.h"

void *
list_room(void *v, size_t n, size_t *cap, size_t size)
{
	if (n == *cap) {
		*cap = *cap == 0 ? 16 : 2 * *cap;
		v = xreallocarray(v, *cap, size);
	}
	memset((char *)v + n * size, 0, size);
	return v;
}

const char *
rep_fmt(struct report *r, const char *fmt, ...)
{
	struct buf b;
	va_list ap;
	const char *text;

	buf_init(&b, 1 << 20);
	va_start(ap, fmt);
	buf_vprintf(&b, fmt, ap);
	va_end(ap);
	text = arena_strndup(&r->arena, b.data, b.len);
	buf_done(&b);
	return text;
}

/* Secrets first, while the bytes are still those that the secret has; then names; then what no screen should see. */
const char *
rep_clean(struct report *r, const char *text, size_t len)
{
	struct buf masked, named, shown;
	const char *clean;
	size_t cut;

	buf_init(&masked, 64 << 20);
	buf_init(&named, 64 << 20);
	buf_init(&shown, 64 << 20);
	if (secrets_mask(&masked, text, len) < 0)
		buf_reset(&masked);	/* too long to be looked through: nothing of it is shown */
	people_mask(r, &named, masked.data, masked.len);
	cut = named.len;
	if (cut > REPORT_TEXT_MAX)
		for (cut = REPORT_TEXT_MAX; cut > REPORT_TEXT_MAX - 4 && ((unsigned char)named.data[cut] & 0xc0) == 0x80; cut--)
			;
	str_escape(&shown, named.data, cut);
	if (cut < named.len)
		buf_printf(&shown, "… (%zu more bytes)", named.len - cut);
	clean = arena_strndup(&r->arena, shown.data, shown.len);
	buf_done(&masked);
	buf_done(&named);
	buf_done(&shown);
	return clean;
}

const char *
rep_cleans(struct report *r, const char *text)
{
	return text == NULL ? "" : rep_clean(r, text, strlen(text));
}

const char *
rep_member(struct report *r, const struct audit_record *rec, const char *name)
{
	const json_t *v = json_object_get(rec->json, name);

	return json_is_string(v) ? rep_clean(r, json_string_value(v), json_string_length(v)) : "";
}

const char *
rep_time(struct report *r, int64_t ns)
{
	char text[CLOCK_TEXT_MAX];

	if (ns == 0)
		return "";
	clock_format(text, ns, 0);
	text[10] = ' ';
	return arena_strdup(&r->arena, text);
}

const char *
rep_duration(struct report *r, int64_t ns)
{
	char text[DURATION_TEXT_MAX];

	return arena_strdup(&r->arena, slo_time_text(text, ns));
}

void
rep_missing(struct report *r, const char *text)
{
	*LIST_ADD(&r->missing) = text;
}

void
evidence_add(struct evidence *v, const struct entry *e)
{
	struct cite *c;

	if (v->n_cites == REPORT_CITES)
		return;
	c = &v->cites[v->n_cites++];
	c->chain = e->chain;
	c->seq = e->rec.seq;
	memcpy(c->hash, e->rec.hash, sizeof c->hash);
	c->is_trusted = e->is_trusted;
}

struct evidence
evidence_of(const struct entry *e)
{
	struct evidence v = { .n_cites = 0 };

	evidence_add(&v, e);
	return v;
}

const char *
row_kind_name(enum row_kind kind)
{
	static const char *const names[ROW_KINDS] = { "incident", "alert", "objective", "drift", "model", "source", "change", "run", "step", "check", "act",
		"message", "note", "log" };

	return names[kind];
}

const char *
chunk_state_name(enum chunk_state state)
{
	static const char *const names[] = { "as the chain says", "differs from the chain", "in no chain", "cannot be read", "not closed yet" };

	return names[state];
}

static void
add_cite(struct buf *b, const struct cite *c)
{
	if (b->len > 0)
		buf_addch(b, ' ');
	buf_printf(b, "%s:%" PRIu64 " %.*s%s", c->chain->label, c->seq, REPORT_HASH_SHOWN, c->hash, c->is_trusted ? "" : " (not verified)");
}

const char *
evidence_text(struct report *r, const struct evidence *v)
{
	struct buf b;
	const char *text;

	buf_init(&b, 4096);
	for (size_t i = 0; i < v->n_cites; i++)
		add_cite(&b, &v->cites[i]);
	if (v->chunk != NULL) {
		const struct chunk *c = v->chunk;

		if (c->cite.chain != NULL)
			add_cite(&b, &c->cite);
		buf_printf(&b, "%srecording %s, chunk %" PRIu64 "%s%s", b.len > 0 ? ": " : "", c->recording, c->number, c->state == CHUNK_HOLDS ? "" : ", ",
		    c->state == CHUNK_HOLDS ? "" : chunk_state_name(c->state));
	}
	text = arena_strndup(&r->arena, b.data, b.len);
	buf_done(&b);
	return text;
}
