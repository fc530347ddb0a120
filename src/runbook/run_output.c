/*
 * Output of what runs: hashed whole, masked, told line by line, its tail kept for the screen.
 *
 * A secret may be split over two reads, or stand on several lines. What is told is therefore cut only where cutting does not change what masking makes of it.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "base/secrets.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "runbook/run_priv.h"

enum { PENDING_MAX = 256 << 10 };
#define OUTPUT_PAUSE (NS_PER_S / 2)

void
output_begin(struct lane *l)
{
	output_done(l);
	for (int i = 0; i < 2; i++) {
		buf_init(&l->pending[i], SIZE_MAX);
		l->digest[i] = digest_new();
	}
}

void
output_done(struct lane *l)
{
	for (int i = 0; i < 2; i++) {
		if (l->pending[i].data != NULL)
			buf_done(&l->pending[i]);
		l->pending[i] = (struct buf){ 0 };
		digest_free(l->digest[i]);
		l->digest[i] = NULL;
		free(l->tail[i].data);
		l->tail[i] = (struct tail){ 0 };
	}
	l->is_output_due = false;
}

static void
tail_add(struct tail *t, const char *bytes, size_t len)
{
	if (len > RUN_TAIL_MAX) {
		bytes += len - RUN_TAIL_MAX;
		len = RUN_TAIL_MAX;
	}
	if (t->data == NULL)
		t->data = xmalloc(2 * RUN_TAIL_MAX);
	if (t->len + len > 2 * RUN_TAIL_MAX) {
		memmove(t->data, t->data + t->len - RUN_TAIL_MAX, RUN_TAIL_MAX);
		t->len = RUN_TAIL_MAX;
	}
	memcpy(t->data + t->len, bytes, len);
	t->len += len;
}

static void
tell(struct lane *l, int i, const char *bytes, size_t len)
{
	struct buf masked;

	if (len == 0)
		return;
	buf_init(&masked, SIZE_MAX);
	secrets_mask(&masked, bytes, len);
	tail_add(&l->tail[i], masked.data, masked.len);
	run_tell(l->run, NOTICE_OUTPUT, &(struct run_notice){ .name = lane_column(l)->name, .host = l->name, .batch = l->batch, .attempt = lane_cell(l)->attempt,
	    .is_err = i == 1, .text = masked.data, .len = masked.len });
	buf_done(&masked);
}

/* Does masking make the same of both parts as of the whole? */
static bool
may_cut(const struct buf *b, size_t at)
{
	struct buf whole, parts;
	bool is_same;

	if (secrets_count() == 0)
		return true;
	if (at + secrets_longest() > b->len)
		return false;
	buf_init(&whole, SIZE_MAX);
	buf_init(&parts, SIZE_MAX);
	secrets_mask(&whole, b->data, b->len);
	secrets_mask(&parts, b->data, at);
	secrets_mask(&parts, b->data + at, b->len - at);
	is_same = whole.len == parts.len && memcmp(whole.data, parts.data, whole.len) == 0;
	buf_done(&whole);
	buf_done(&parts);
	return is_same;
}

static void
flush_lines(struct lane *l, int i)
{
	struct buf *b = &l->pending[i];
	const char *end = memrchr(b->data, '\n', b->len);
	size_t cut = end != NULL ? (size_t)(end - b->data) + 1 : 0;

	if (cut == 0 && b->len > PENDING_MAX)
		cut = b->len - secrets_longest();
	while (cut > 0 && !may_cut(b, cut)) {
		end = memrchr(b->data, '\n', cut - 1);
		cut = end != NULL ? (size_t)(end - b->data) + 1 : 0;
	}
	if (cut == 0)
		return;
	tell(l, i, b->data, cut);
	memmove(b->data, b->data + cut, b->len - cut + 1);
	b->len -= cut;
}

void
output_add(struct running *running, bool is_err, const char *bytes, size_t len, void *arg)
{
	struct lane *l = arg;
	int i = is_err;

	(void)running;
	if (l->digest[i] == NULL)
		return;
	digest_add(l->digest[i], bytes, len);
	l->tail[i].total += len;
	buf_add(&l->pending[i], bytes, len);
	flush_lines(l, i);
	l->is_output_due = true;
	if (clock_mono() - l->output_ns >= OUTPUT_PAUSE)
		output_apply(l, NULL);
}

/* Hash of all that came; "" when nothing did, and while secrets are known: it would let one try values. */
void
output_hash(struct lane *l, bool is_err, char *hex)
{
	*hex = '\0';
	if (l->digest[is_err] == NULL || l->tail[is_err].total == 0 || l->tail[is_err].data == NULL || secrets_count() > 0)
		return;
	digest_so_far_hex(l->digest[is_err], hex);
}

void
output_end(struct lane *l, const struct act_result *res)
{
	/* What did not stream came with the result. */
	if (l->digest[0] == NULL)
		return;
	if (res != NULL && l->tail[0].total == 0 && res->out_len > 0)
		output_add(NULL, false, res->out, res->out_len, l);
	if (res != NULL && l->tail[1].total == 0 && res->err_len > 0)
		output_add(NULL, true, res->err_out, res->err_len, l);
	for (int i = 0; i < 2; i++) {
		tell(l, i, l->pending[i].data, l->pending[i].len);
		buf_reset(&l->pending[i]);
	}
	output_apply(l, res != NULL ? res : &(struct act_result){ .outcome = OUTCOME_UNKNOWN });
}

/* Escaped, lines kept. */
static char *
escape_lines(struct arena *a, const struct tail *t)
{
	struct buf b;
	char *text;
	const char *p = t->data, *end;

	if (t->len > RUN_TAIL_MAX)
		p += t->len - RUN_TAIL_MAX;
	end = t->data + t->len;
	buf_init(&b, SIZE_MAX);
	while (p < end) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));

		str_escape(&b, p, (size_t)((nl != NULL ? nl : end) - p));
		if (nl != NULL)
			buf_addch(&b, '\n');
		p = nl != NULL ? nl + 1 : end;
	}
	text = arena_strdup(a, b.data);
	buf_done(&b);
	return text;
}

void
output_apply(struct lane *l, const struct act_result *res)
{
	struct run *r = l->run;
	struct run_output *o;
	struct event ev;

	if (res == NULL && !l->is_output_due)
		return;
	if (res != NULL && l->tail[0].total + l->tail[1].total == 0 && res->ssh == NULL)
		return;
	o = block_new(sizeof *o);
	o->run = arena_strdup(&o->block.arena, r->id);
	o->host = arena_strdup(&o->block.arena, l->name);
	o->column = (unsigned)l->column;
	o->attempt = lane_cell(l)->attempt;
	o->out = escape_lines(&o->block.arena, &l->tail[0]);
	o->err = escape_lines(&o->block.arena, &l->tail[1]);
	o->out_bytes = l->tail[0].total;
	o->err_bytes = l->tail[1].total;
	o->status = res != NULL && res->ssh != NULL ? res->ssh->status : -1;
	o->signal = arena_strdup(&o->block.arena, res != NULL && res->ssh != NULL ? res->ssh->signal : "");
	o->is_ended = res != NULL;
	l->is_output_due = false;
	l->output_ns = clock_mono();
	event_init(&ev, EVENT_RUN_OUTPUT, clock_now(), "", o);
	r->w->apply(r->w->arg, &ev);
	event_done(&ev);
}
