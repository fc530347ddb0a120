/*
 * --status: error lines of the last five minutes where one page of a stream does not hold them all. The stores count them then, by level and service; a journal is read for
 * that, page by page, up to so many lines that the answer still comes in time.
 */
#include "config.h"

#include "logs_priv.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "insight/log_look.h"

enum { READ_MAX = 20000 };
#define COUNT_EVERY (30 * NS_PER_S)	/* --watch: until what is followed reaches as far back itself */

static bool
is_counting(const struct followed *f)
{
	return f->is_cut && clock_now() - f->since_ns < 2 * LOG_LATELY;
}

void
logs_count_turn(struct logs *l)
{
	int64_t now = clock_now();

	for (size_t i = 0; i < l->n_streams; i++) {
		struct followed *f = &l->streams[i];

		if (!is_counting(f) || (f->count_end_ns != 0 && (!f->is_counted || now - f->count_end_ns < COUNT_EVERY)))
			continue;
		f->count_end_ns = now;
		l->are_wants_old = true;
	}
}

size_t
logs_count_wants(const struct logs *l, struct log_want *v)
{
	size_t n = 0;

	for (size_t i = 0; i < l->n_streams; i++) {
		const struct followed *f = &l->streams[i];

		if (f->count_end_ns != 0 && is_counting(f))
			v[n++] = (struct log_want){ .id = f->count_id, .source = f->def->source, .query = f->def->query != NULL ? f->def->query : "",
				.start_ns = f->count_end_ns - LOG_LATELY, .end_ns = f->count_end_ns, .limit = READ_MAX, .is_count = true };
	}
	return n;
}

/* Also when it could not be counted: nobody waits any longer, and what is held is told as the least. */
void
logs_count_done(struct logs *l, const char *id, bool is_whole, const char *error)
{
	for (size_t i = 0; i < l->n_streams; i++) {
		struct followed *f = &l->streams[i];

		if (str_eq(f->count_id, id)) {
			f->is_counted = true;
			logs_work_again(l->work);
		} else if (str_eq(f->id, id) && !f->is_asked && error == NULL) {
			f->is_asked = true;
			f->is_cut = l->app->is_instant && !is_whole;
			if (f->is_cut)
				logs_work_again(l->work);
		}
	}
	logs_count_turn(l);
}

void
logs_on_counts(const struct log_counts *counts, void *arg)
{
	struct logs *l = arg;

	for (size_t i = 0; i < l->n_streams; i++) {
		struct followed *f = &l->streams[i];

		if (!str_eq(f->count_id, counts->want))
			continue;
		block_unref(f->counts);
		f->counts = block_ref(counts);
	}
}

bool
logs_count_is_settled(const struct logs *l)
{
	for (size_t i = 0; i < l->n_streams; i++)
		if (is_counting(&l->streams[i]) && !l->streams[i].is_counted)
			return false;
	return true;
}

/* --- what is told ------------------------------------------------------------------------------------------------- */

struct sums {
	struct log_view *view;
	struct log_service *v;
	size_t n;
};

static struct log_service *
sum_of(struct sums *s, const char *name)
{
	size_t i = 0;

	while (i < s->n && strcmp(s->v[i].name, name) != 0)
		i++;
	if (i == s->n) {
		s->v = xreallocarray(s->v, s->n + 1, sizeof *s->v);
		s->v[s->n++] = (struct log_service){ .name = arena_strdup(&s->view->block.arena, name) };
	}
	return &s->v[i];
}

/* Of one service what the store counted; lines that are held may be more, of another stream. false: the store could not tell the levels of all. */
static bool
take_service(struct sums *s, const struct log_counts *counts, const char *name)
{
	size_t n_lines = 0, n_errors = 0, n_unknown = 0;
	struct log_service *to;

	for (size_t i = 0; i < counts->n; i++) {
		const struct log_count *c = &counts->v[i];

		if (!str_eq(c->service, name))
			continue;
		n_lines += c->n;
		n_errors += c->level >= LOG_LEVEL_ERROR ? c->n : 0;
		n_unknown += c->level == LOG_LEVEL_UNKNOWN ? c->n : 0;
	}
	to = sum_of(s, name);
	to->n_lines = n_lines > to->n_lines ? n_lines : to->n_lines;
	to->n_errors = n_errors > to->n_errors ? n_errors : to->n_errors;
	return n_unknown == 0;
}

/* Lines without a service may have one by a field that is not counted by: they are none to add. */
static bool
take_counts(struct sums *s, const struct log_counts *counts)
{
	bool is_all = !counts->is_least && counts->note == NULL;

	for (size_t i = 0; i < counts->n; i++)
		is_all = *counts->v[i].service != '\0' && take_service(s, counts, counts->v[i].service) && is_all;
	return is_all;
}

static int
by_errors(const void *a, const void *b)
{
	const struct log_service *x = a, *y = b;

	if (x->n_errors != y->n_errors)
		return x->n_errors > y->n_errors ? -1 : 1;
	if (x->n_lines != y->n_lines)
		return x->n_lines > y->n_lines ? -1 : 1;
	return strcmp(x->name, y->name);
}

/* Two streams that were counted may have the same lines, or different ones of the same service: then the larger count is the least. */
void
logs_count_take(const struct logs *l, struct log_view *view)
{
	struct sums s = { .view = view };
	size_t n_counted = 0;

	s.v = xreallocarray(NULL, view->n_services + 1, sizeof *s.v);
	for (; s.n < view->n_services; s.n++)
		s.v[s.n] = view->services[s.n];
	for (size_t i = 0; i < l->n_streams; i++) {
		const struct followed *f = &l->streams[i];
		bool is_fresh = f->counts != NULL && clock_now() - f->counts->end_ns < 2 * COUNT_EVERY;

		if (!f->is_cut || clock_now() - f->since_ns >= 2 * LOG_LATELY)
			continue;
		if (!is_fresh || !take_counts(&s, f->counts) || n_counted++ > 0)
			view->are_least = true;
	}
	if (s.n > 0) {
		struct log_service *v = arena_alloc(&view->block.arena, s.n * sizeof *v);

		qsort(s.v, s.n, sizeof *s.v, by_errors);
		memcpy(v, s.v, s.n * sizeof *v);
		view->services = v;
		view->n_services = s.n;
	}
	free(s.v);
}

void
logs_counts_free(struct logs *l)
{
	for (size_t i = 0; i < l->n_streams; i++) {
		free(l->streams[i].count_id);
		block_unref(l->streams[i].counts);
	}
}
