/* Lines of logs in the model: batches go into the book, views and patterns are kept as they come. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/xalloc.h"
#include "model/log_book.h"
#include "model/model_priv.h"

enum { NOTICE_MAX = 1000 };	/* bytes of one */

/* --- the book ----------------------------------------------------------------------------------------------------------- */

struct log_book *
log_book_new(void)
{
	struct log_book *b = xcalloc(1, sizeof *b);

	b->max_bytes = LOG_BOOK_BYTES;
	b->max_lines = LOG_BOOK_LINES;
	return b;
}

void
log_chunk_done(struct log_chunk *c)
{
	block_unref(c->segment);
	log_store_unref(c->store);
}

size_t
log_chunk_n(const struct log_chunk *c)
{
	return c->is_shared ? log_segment_n(c->segment) : log_store_n(c->store);
}

struct log_segment *
log_chunk_segment(struct log_chunk *c)
{
	if (c->segment != NULL && log_segment_n(c->segment) == log_store_n(c->store))
		return c->segment;
	/* Another model's is as much as was lent. */
	if (c->segment != NULL && c->is_shared)
		return c->segment;
	block_unref(c->segment);
	c->segment = log_store_publish(c->store, log_store_n(c->store));
	return c->segment;
}

/* The oldest chunk goes as a whole: it must be a small part of what may be kept. */
size_t
log_chunk_lines(const struct log_book *b)
{
	size_t n = b->max_lines / 16;

	return n < 1 ? 1 : n > LOG_CHUNK_LINES ? LOG_CHUNK_LINES : n;
}

size_t
log_chunk_text(const struct log_book *b)
{
	size_t n = b->max_bytes / 16;

	return n < 1024 ? 1024 : n > LOG_CHUNK_TEXT ? LOG_CHUNK_TEXT : n;
}

void
log_book_clear(struct log_book *b)
{
	for (size_t i = 0; i < b->n; i++)
		log_chunk_done(&b->v[i]);
	for (size_t i = 0; i < b->n_pending; i++)
		block_unref(b->pending[i].batch);
	for (size_t i = 0; i < b->n_seen; i++)
		free(b->seen[i].source);
	for (size_t i = 0; i < b->n_notices; i++) {
		free((char *)b->notices[i].source);
		free((char *)b->notices[i].text);
	}
	block_unref(b->view);
	block_unref(b->patterns);
	b->n = b->n_pending = b->pending_lines = b->pending_bytes = b->n_seen = b->n_notices = 0;
	b->view = NULL;
	b->patterns = NULL;
	b->totals = (struct log_totals){ 0 };
}

void
log_book_free(struct log_book *b)
{
	if (b == NULL)
		return;
	log_book_clear(b);
	free(b->v);
	free(b->pending);
	free(b);
}

static struct log_book *
book_of(struct model *m)
{
	if (m->logs == NULL)
		m->logs = log_book_new();
	return m->logs;
}

/* --- events ---------------------------------------------------------------------------------------------------------------- */

static void
notice_add(struct log_book *b, int64_t at_ns, const char *source, const char *text)
{
	struct log_notice one = { .at_ns = at_ns };
	size_t i = 0;

	while (i < b->n_notices && (strcmp(b->notices[i].source, source) != 0 || strncmp(b->notices[i].text, text, NOTICE_MAX) != 0))
		i++;
	if (i < b->n_notices) {
		one = b->notices[i];
		one.at_ns = at_ns;
	} else {
		one.source = xstrdup(source);
		one.text = xstrndup(text, strnlen(text, NOTICE_MAX));
		if (b->n_notices == LOG_NOTICES_MAX) {
			i = LOG_NOTICES_MAX - 1;
			free((char *)b->notices[i].source);
			free((char *)b->notices[i].text);
		} else {
			b->n_notices++;
		}
	}
	one.n++;
	memmove(&b->notices[1], &b->notices[0], i * sizeof *b->notices);
	b->notices[0] = one;
}

static void
lines_apply(struct log_book *b, const struct event *ev)
{
	const struct log_batch *batch = ev->block;

	b->totals.n_cut += batch->n_cut;
	if (batch->note != NULL && batch->note[0] != '\0')
		notice_add(b, ev->time_ns, ev->source, batch->note);
	if (batch->n == 0)
		return;
	if (b->n_pending == b->pending_cap) {
		b->pending_cap = b->pending_cap == 0 ? 16 : b->pending_cap * 2;
		b->pending = xreallocarray(b->pending, b->pending_cap, sizeof *b->pending);
	}
	b->pending[b->n_pending++] = (struct log_pending){ block_ref(batch), ev->source };
	b->pending_lines += batch->n;
	b->pending_bytes += block_bytes(batch);
	if (b->pending_lines > LOG_PENDING_LINES || b->pending_bytes > LOG_PENDING_BYTES)
		log_book_settle(b);
}

void
logs_apply(struct model *m, const struct event *ev)
{
	struct log_book *b = book_of(m);

	if (ev->kind == EVENT_LOG_LINES)
		lines_apply(b, ev);
	else if (ev->kind == EVENT_LOG_VIEW)
		block_replace(&b->view, ev->block);
	else
		block_replace(&b->patterns, ev->block);
	model_touch(m, MODEL_LOGS);
}

void
logs_done(struct model *m)
{
	struct log_book *b = m->logs;
	size_t bytes, lines;

	if (b == NULL)
		return;
	bytes = b->max_bytes;
	lines = b->max_lines;
	log_book_free(b);
	m->logs = log_book_new();
	m->logs->max_bytes = bytes;
	m->logs->max_lines = lines;
}

/* --- other models ------------------------------------------------------------------------------------------------------------ */

/* Chunks up to and with those of t. */
static void
chunks_lend(struct log_book *to, struct log_book *from, int64_t t_ns)
{
	for (size_t i = 0; i < from->n && log_store_time(from->v[i].store, 0) <= t_ns; i++) {
		struct log_segment *all = log_chunk_segment(&from->v[i]);
		size_t n = t_ns == INT64_MAX ? log_segment_n(all) : log_segment_find(all, t_ns + 1);

		if (to->n == to->cap) {
			to->cap = to->cap == 0 ? 16 : to->cap * 2;
			to->v = xreallocarray(to->v, to->cap, sizeof *to->v);
		}
		to->v[to->n++] = (struct log_chunk){ .store = log_store_ref(from->v[i].store), .is_shared = true,
			.segment = n == log_segment_n(all) ? block_ref(all) : log_segment_head(all, n) };
		to->totals.n += n;
		to->totals.last_ns = log_segment_last(to->v[to->n - 1].segment);
	}
}

static void
notices_copy(struct log_book *to, const struct log_book *from, int64_t t_ns)
{
	for (size_t i = 0; i < from->n_notices; i++) {
		struct log_notice one = from->notices[i];

		if (one.at_ns > t_ns)
			continue;
		one.source = xstrdup(one.source);
		one.text = xstrdup(one.text);
		to->notices[to->n_notices++] = one;
	}
}

void
logs_clone(struct model *to, const struct model *from)
{
	struct log_book *b;

	if (from->logs == NULL)
		return;
	log_book_settle(from->logs);
	b = book_of(to);
	chunks_lend(b, from->logs, INT64_MAX);
	notices_copy(b, from->logs, INT64_MAX);
	b->totals = from->logs->totals;
	b->max_bytes = from->logs->max_bytes;
	b->max_lines = from->logs->max_lines;
	b->view = block_ref(from->logs->view);
	b->patterns = block_ref(from->logs->patterns);
}

void
logs_lend(struct model *to, const struct model *from, int64_t t_ns)
{
	struct log_totals past;
	struct log_book *b;

	if (from->logs == NULL)
		return;
	log_book_settle(from->logs);
	past = from->logs->totals;
	b = book_of(to);
	log_book_clear(b);
	chunks_lend(b, from->logs, t_ns);
	notices_copy(b, from->logs, t_ns);
	past.n = b->totals.n;
	past.last_ns = b->totals.last_ns;
	b->totals = past;
	b->view = from->logs->view == NULL ? NULL : log_view_until(from->logs->view, t_ns);
	b->patterns = block_ref(from->logs->patterns);
	model_touch(to, MODEL_LOGS);
}

/* --- for the reader ------------------------------------------------------------------------------------------------------------ */

void
model_share_lines(struct model *to, const struct model *from)
{
	logs_clone(to, from);
}

size_t
model_n_log_segments(const struct model *m)
{
	if (m->logs == NULL)
		return 0;
	log_book_settle(m->logs);
	return m->logs->n;
}

const struct log_segment *
model_log_segment(const struct model *m, size_t i)
{
	return log_chunk_segment(&m->logs->v[i]);
}

const struct log_totals *
model_log_totals(const struct model *m)
{
	static const struct log_totals none;

	if (m->logs == NULL)
		return &none;
	log_book_settle(m->logs);
	return &m->logs->totals;
}

size_t
model_n_log_notices(const struct model *m)
{
	return m->logs == NULL ? 0 : m->logs->n_notices;
}

const struct log_notice *
model_log_notice(const struct model *m, size_t i)
{
	return &m->logs->notices[i];
}

void
model_log_limit(struct model *m, size_t bytes, size_t lines)
{
	struct log_book *b = book_of(m);

	log_book_settle(b);
	b->max_bytes = bytes == 0 ? LOG_BOOK_BYTES : bytes;
	b->max_lines = lines == 0 ? LOG_BOOK_LINES : lines;
	log_book_drop(b);
	model_touch(m, MODEL_LOGS);
}

const struct log_view *
model_log_view(const struct model *m)
{
	return m->logs == NULL ? NULL : m->logs->view;
}

const struct log_pattern_set *
model_log_patterns(const struct model *m)
{
	return m->logs == NULL ? NULL : m->logs->patterns;
}
