#include "config.h"

#include "plain_news.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/xalloc.h"
#include "model/hindex.h"
#include "plain_line.h"

struct plain_news {
	int64_t since_ns;
	struct hindex told;	/* names of the entries that the timeline held at the last look */
};

struct plain_news *
plain_news_new(int64_t since_ns)
{
	struct plain_news *n = xcalloc(1, sizeof *n);

	n->since_ns = since_ns;
	hindex_init(&n->told, 0);
	return n;
}

void
plain_news_free(struct plain_news *n)
{
	if (n == NULL)
		return;
	hindex_done(&n->told);
	free(n);
}

/* Not its seq, which may become known later. */
static uint64_t
name_of(const struct timeline_entry *e)
{
	char text[64];

	snprintf(text, sizeof text, "%" PRIi64 " %d %d ", e->at_ns, (int)e->kind, e->is_end);
	return str_hash(e->id, strlen(e->id), str_hash(text, strlen(text), STR_HASH_SEED));
}

/* Runs and incidents of before, read from the audit log, and alerts of before, read from the metrics, come in after the opening. */
static bool
is_history(const struct plain_news *n, const struct timeline_entry *e)
{
	if (e->at_ns >= n->since_ns)
		return false;
	switch (e->kind) {
	case TIMELINE_RUN:
	case TIMELINE_ACT:
	case TIMELINE_MESSAGE:
	case TIMELINE_NOTE:
		return true;
	case TIMELINE_INCIDENT:
		return e->is_end;
	default:
		return e->is_backfilled;
	}
}

void
plain_news_look(struct plain_news *n, const struct model *m, struct buf *out)
{
	size_t n_entries = model_n_timeline(m);
	struct hindex now;

	hindex_init(&now, n_entries);
	for (size_t i = 0; i < n_entries; i++) {
		const struct timeline_entry *e = model_timeline(m, i);
		uint64_t name = name_of(e);

		if (hindex_set(&now, name, 1) == HINDEX_NONE && out != NULL && hindex_get(&n->told, name) == HINDEX_NONE && !is_history(n, e))
			plain_line_entry(out, e);
	}
	hindex_done(&n->told);
	n->told = now;
}
