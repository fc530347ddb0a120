/*
 * Lines of logs at a place that is sought. A snapshot has the newest only; those of the minutes before are in chunks, and there may be more of them than can be read while somebody waits: so many are
 * read as a screen full of them and its search need, from the newest backwards.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/xalloc.h"
#include "record/lines.h"
#include "record/recording_priv.h"

enum { CHUNKS_MOST = 10, LINES_ENOUGH = 5000 };
#define LINES_SPAN (10 * NS_PER_MIN)	/* lines of logs are shown from no longer before a place that is sought */
#define LINES_LATE NS_PER_MIN		/* what is older than its chunk by more was told because somebody looked there */

struct gathered {
	size_t n, cap, n_lines;
	struct event *v;		/* newest first */
	int64_t since_ns;		/* older lines do not count */
};

bool
line_is_of_logs(const struct decoded *d, size_t i)
{
	const struct chunk_line *line = &d->text.lines[i];

	return lines_are_in(d->text.text.data + line->at, line->len);
}

bool
line_is_again(const struct decoded *d, size_t i)
{
	const struct chunk_line *line = &d->text.lines[i];
	static const char is[] = "\"is\":{";

	return memmem(d->text.text.data + line->at, line->len, is, sizeof is - 1) == NULL;
}

/* Where no line is held, none need be looked for. */
static bool
brings_lines(const struct decoded *d)
{
	for (size_t i = 0; i < d->n_snaps; i++)
		if (d->snaps[i].ev.kind == EVENT_LOG_LINES)
			return true;
	return false;
}

static void
add(struct gathered *g, const struct event *ev)
{
	const struct log_batch *batch = ev->block;

	if (g->n == g->cap) {
		g->cap = g->cap == 0 ? 64 : g->cap * 2;
		g->v = xreallocarray(g->v, g->cap, sizeof *g->v);
	}
	g->v[g->n++] = *ev;
	for (size_t i = 0; i < batch->n; i++)
		g->n_lines += batch->v[i].time_ns >= g->since_ns;
}

/* From line end backwards: the number of the line at which there were enough, or where its events begin. */
static size_t
gather(struct recording *r, struct rchunk *c, size_t end, struct gathered *g)
{
	struct decoded *d = store_text(r, c);
	uint64_t work = 0;
	size_t i = end;

	g->since_ns = chunk_from(c) - LINES_LATE;
	while (d != NULL && i > d->text.n_snapshot && g->n_lines < LINES_ENOUGH) {
		struct event ev;

		i--;
		if (!line_is_of_logs(d, i) || line_is_again(d, i) || store_event(r, c, i, NULL, &work, &ev, NULL) != 1)
			continue;
		if (ev.kind == EVENT_LOG_LINES && ev.block != NULL)
			add(g, &ev);
		else
			event_done(&ev);
	}
	return i;
}

size_t
lines_before(struct recording *r, struct rchunk *c, size_t end, struct model *m)
{
	size_t index = recording_index(r, c), first = index > CHUNKS_MOST ? index - CHUNKS_MOST : 0, from, n_own;
	struct gathered g = { 0 };
	bool has_older = brings_lines(store_snapshot(r, c));

	from = gather(r, c, end, &g);
	n_own = g.n;
	for (size_t i = index; has_older && i-- > first && g.n_lines < LINES_ENOUGH;)
		if (chunk_is_shown(r->chunks[i]) && chunk_from(c) - chunk_to(r->chunks[i]) < LINES_SPAN && store_text(r, r->chunks[i]) != NULL)
			gather(r, r->chunks[i], r->chunks[i]->decoded->text.n_lines, &g);
	for (size_t i = g.n; i-- > 0;) {
		if (i >= n_own)
			model_apply(m, &g.v[i]);
		event_done(&g.v[i]);
	}
	free(g.v);
	return from;
}
