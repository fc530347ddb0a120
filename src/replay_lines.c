#include "config.h"

#include "replay_lines.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/xalloc.h"
#include "insight/drain.h"
#include "insight/log_look.h"

enum { BUCKETS = 240, PATTERNS_MAX = 500 };

struct replay_lines {
	char *query, *error;
	struct log_filter *filter;	/* NULL: all */
	bool wants_patterns, is_due;
	int64_t at_ns, start_ns, end_ns;
	const struct log_view *view;
	const struct log_pattern_set *patterns;
};

struct replay_lines *
replay_lines_new(void)
{
	struct replay_lines *l = xcalloc(1, sizeof *l);

	l->query = xstrdup("");
	l->error = xstrdup("");
	l->is_due = true;
	return l;
}

void
replay_lines_free(struct replay_lines *l)
{
	if (l == NULL)
		return;
	block_unref(l->view);
	block_unref(l->patterns);
	log_filter_free(l->filter);
	free(l->query);
	free(l->error);
	free(l);
}

/* One that makes no sense leaves the last good one. */
void
replay_lines_filter(struct replay_lines *l, const char *query)
{
	struct log_filter *filter = NULL;
	struct err err = ERR_INIT;

	l->is_due = true;
	free(l->query);
	free(l->error);
	l->query = xstrdup(query);
	if (log_filter_new(query, &filter, &err) < 0) {
		l->error = xstrdup(err.msg);
		return;
	}
	l->error = xstrdup("");
	log_filter_free(l->filter);
	l->filter = filter;
}

void
replay_lines_patterns(struct replay_lines *l, bool is_wanted)
{
	l->wants_patterns = is_wanted;
	l->is_due = true;
}

static void
cluster(struct replay_lines *l, const struct model *m)
{
	const struct incident *incident = model_incident(m);
	struct drain *d = drain_new(&(struct drain_options){ 0 });

	for (size_t i = 0; i < model_n_log_segments(m); i++) {
		const struct log_segment *s = model_log_segment(m, i);

		for (size_t j = 0; j < log_segment_n(s); j++) {
			struct log_ref line;

			log_segment_line(s, j, &line);
			if (l->filter == NULL || log_filter_line(l->filter, &line))
				drain_add(d, &line);
		}
	}
	/* Without an incident what is in the last tenth of the range is new. */
	l->patterns = drain_patterns(d, l->start_ns, l->end_ns,
	    incident != NULL ? incident->opened_ns : l->end_ns - (l->end_ns - l->start_ns) / 10, PATTERNS_MAX);
	drain_free(d);
}

void
replay_lines_view(struct replay_lines *l, const struct model *m, int64_t at_ns, struct view *v)
{
	const struct timerange *r = &v->range;

	if (m != NULL && (l->is_due || at_ns != l->at_ns || r->start_ns != l->start_ns || r->end_ns != l->end_ns)) {
		int64_t span = r->end_ns - r->start_ns;
		struct log_view_ask ask = { .query = l->query, .error = l->error, .start_ns = r->start_ns, .end_ns = r->end_ns,
			.step_ns = span / BUCKETS > 0 ? span / BUCKETS : 1, .now_ns = at_ns };

		l->is_due = false;
		l->at_ns = at_ns;
		l->start_ns = r->start_ns;
		l->end_ns = r->end_ns;
		block_unref(l->view);
		block_unref(l->patterns);
		l->patterns = NULL;
		l->view = log_look_now(m, l->filter, &ask);
		if (l->wants_patterns)
			cluster(l, m);
	}
	v->log_view = m != NULL ? l->view : NULL;
	v->log_patterns = m != NULL ? l->patterns : NULL;
}
