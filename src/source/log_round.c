/* What is still to be asked, what is known, and what is told: the same for all stores. */
#include "config.h"

#include "source/log_round.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "base/xalloc.h"

/* --- what to ask ------------------------------------------------------------------------------------------------------------ */

bool
log_round_is_full(const struct log_round *r)
{
	return r->n_lines >= r->limit || r->n_bytes >= LOG_ROUND_BYTES || r->n_requests >= LOG_ROUND_REQUESTS;
}

static size_t
page_size(const struct log_round *r)
{
	size_t page = r->page, wanted = r->limit - r->n_lines + r->n_boundary;

	if (r->page_max > 0 && r->page_max < page)
		page = r->page_max;
	return wanted < page ? wanted : page;
}

bool
log_round_ask(struct log_round *r)
{
	if (r->is_done)
		return false;
	if (r->start_ns >= r->end_ns) {
		r->is_done = r->is_whole = true;
		return false;
	}
	if (log_round_is_full(r)) {
		r->is_done = true;
		return false;
	}
	r->asked = (struct log_page){ r->start_ns, r->end_ns, page_size(r) };
	if (r->window_ns > 0 && r->end_ns - r->start_ns > r->window_ns) {
		if (r->is_forward)
			r->asked.end_ns = r->start_ns + r->window_ns;
		else
			r->asked.start_ns = r->end_ns - r->window_ns;
	}
	r->n_page = 0;
	r->oldest_page_ns = INT64_MAX;
	r->newest_page_ns = INT64_MIN;
	r->n_requests++;
	return true;
}

bool
log_round_page_max(struct log_round *r, size_t n)
{
	if (n == 0 || n >= r->asked.limit)
		return false;
	r->page_max = n;
	return true;
}

bool
log_round_halve(struct log_round *r)
{
	return log_round_page_max(r, r->asked.limit / 2);
}

/* --- lines -------------------------------------------------------------------------------------------------------------------- */

/* false: it was not asked for. */
static bool
take_place(struct log_round *r, int64_t at_ns)
{
	r->n_page++;
	if (at_ns < r->asked.start_ns || at_ns >= r->asked.end_ns)
		return false;
	if (at_ns < r->oldest_page_ns)
		r->oldest_page_ns = at_ns;
	if (at_ns > r->newest_page_ns)
		r->newest_page_ns = at_ns;
	return true;
}

void
log_round_line(struct log_round *r, const struct log_draft *d, uint64_t key)
{
	int64_t at_ns = d->place_ns != 0 ? d->place_ns : d->time_ns;

	if (!take_place(r, at_ns))
		return;
	if (log_seen_has(&r->kept->seen, key) || !log_seen_add(&r->fresh, key, at_ns))
		return;
	if (at_ns > r->newest_ns)
		r->newest_ns = at_ns;
	r->n_lines++;
	r->n_bytes += d->len + d->fields.len;
	log_build_line(&r->build, d);
}

void
log_round_pass_over(struct log_round *r, int64_t at_ns)
{
	take_place(r, at_ns);
}

void
log_round_note(struct log_round *r, const char *fmt, ...)
{
	va_list ap;
	char *note;

	va_start(ap, fmt);
	note = xvasprintf(fmt, ap);
	va_end(ap);
	log_build_note(&r->build, "%s", note);
	free(note);
}

void
log_round_flaw(struct log_round *r, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(r->flaw, sizeof r->flaw, fmt, ap);
	va_end(ap);
	log_build_note(&r->build, "%s", r->flaw);
}

/* --- the end of a page -------------------------------------------------------------------------------------------------------- */

static void
tally(struct log_round *r)
{
	for (size_t i = 0; i < r->build.n; i++)
		log_round_count(r, r->build.streams[r->build.v[i].stream].service, r->build.v[i].level, 1);
}

void
log_round_close(struct log_round *r, int64_t start_ns, int64_t end_ns)
{
	struct log_batch *batch;

	if (r->is_count)
		tally(r);
	/* Lines ahead of our clock are told, but that stretch is not over. */
	if (end_ns > r->now_ns)
		end_ns = r->now_ns;
	batch = log_build_take(&r->build, r->want, start_ns, end_ns);
	log_build_init(&r->build, r->redact);
	if (r->is_count)
		block_unref(batch);
	else
		event_list_add(&r->events, EVENT_LOG_LINES, r->now_ns, r->source, batch);
}

/* All that the page holds is of one nanosecond, and there may be more of it: no request can tell. */
static void
stuck(struct log_round *r, int64_t at_ns)
{
	char when[CLOCK_TEXT_MAX];

	log_round_flaw(r, "at %s there are %zu lines or more in one nanosecond, which is all that the store can tell of it", clock_format(when, at_ns, 9),
	    r->asked.limit);
	if (r->is_forward)
		r->start_ns = at_ns + 1;
	else
		r->end_ns = at_ns;
	r->n_boundary = 0;
	log_round_close(r, 0, 0);
}

/* Everything up to the last nanosecond of a full page is there; that one is asked for again. */
static void
paged_full(struct log_round *r)
{
	const struct log_page *p = &r->asked;
	int64_t edge = r->is_forward ? r->newest_page_ns : r->oldest_page_ns;
	size_t n = 0;

	for (size_t i = 0; i < r->fresh.cap; i++)
		n += r->fresh.v[i].hash != 0 && r->fresh.v[i].time_ns == edge;
	for (size_t i = 0; i < r->kept->seen.cap; i++)
		n += r->kept->seen.v[i].hash != 0 && r->kept->seen.v[i].time_ns == edge;
	r->n_boundary = n;
	if (r->is_forward) {
		r->start_ns = edge;
		log_round_close(r, p->start_ns, edge);
	} else {
		r->end_ns = edge + 1;
		log_round_close(r, edge + 1, p->end_ns);
	}
}

void
log_round_paged(struct log_round *r)
{
	const struct log_page *p = &r->asked;

	if (r->n_page >= p->limit && r->newest_page_ns == INT64_MIN)
		log_round_flaw(r, "nothing of a whole page can be read, and what is beyond it cannot be asked for");
	if (r->n_page < p->limit || r->newest_page_ns == INT64_MIN) {
		r->n_boundary = 0;
		if (r->is_forward)
			r->start_ns = p->end_ns;
		else
			r->end_ns = p->start_ns;
		log_round_close(r, p->start_ns, p->end_ns);
		return;
	}
	/* A page of nothing but its first nanosecond, and known ones make room for no more. */
	if (r->oldest_page_ns == r->newest_page_ns && !log_round_is_full(r) &&
	    r->oldest_page_ns == (r->is_forward ? p->start_ns : p->end_ns - 1))
		stuck(r, r->oldest_page_ns);
	else
		paged_full(r);
}

/* --- counting --------------------------------------------------------------------------------------------------------------------- */

void
log_round_count(struct log_round *r, const char *service, enum line_level level, uint64_t n)
{
	struct log_count *c = NULL;

	r->n_counted += n;
	for (size_t i = 0; i < r->n_counts && c == NULL; i++)
		if (r->counts[i].level == level && str_eq(r->counts[i].service, service))
			c = &r->counts[i];
	if (c == NULL) {
		r->counts = xreallocarray(r->counts, r->n_counts + 1, sizeof *r->counts);
		c = &r->counts[r->n_counts++];
		*c = (struct log_count){ .service = arena_strdup(&r->mem, service), .level = level };
	}
	c->n += n;
}

/* --- bodies ----------------------------------------------------------------------------------------------------------------------- */

int
log_body_begin(struct decoder *d)
{
	struct log_body *b = decoder_state(d);

	buf_init(&b->buf, LOG_BODY_MAX);
	return 0;
}

int
log_body_push(struct decoder *d, const char *bytes, size_t len, struct err *err)
{
	struct log_body *b = decoder_state(d);

	if (buf_add(&b->buf, bytes, len) == 0)
		return 0;
	return err_set(err, ERR_LIMIT, "the answer is larger than %d MiB", LOG_BODY_MAX >> 20);
}

int
log_body_finish(struct decoder *d, struct event_list *events, struct err *err)
{
	const struct log_body *b = decoder_state(d);
	const struct decode_ctx *ctx = decoder_ctx(d);
	struct chain_body *body = block_new(sizeof *body);

	(void)err;
	body->bytes = arena_strndup(&body->block.arena, b->buf.data, b->buf.len);
	body->len = b->buf.len;
	event_list_add(events, EVENT_KINDS, ctx->requested_ns, ctx->source, body);
	return 0;
}

void
log_body_end(struct decoder *d)
{
	struct log_body *b = decoder_state(d);

	buf_done(&b->buf);
}
