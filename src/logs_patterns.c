#include "config.h"

#include "logs_patterns.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "insight/drain.h"
#include "insight/log_look.h"

enum { PATTERNS_MAX = 500 };
#define TELL_EVERY (500 * NS_PER_MS)

struct logs_patterns {
	struct loop *loop;
	const struct model *model;
	logs_patterns_cb *cb;
	void *arg;
	struct pool_lane *lane;
	struct loop_timer *timer;
	struct drain *drain;		/* the worker's, while one is busy */
	bool is_wanted, is_busy, is_armed, is_ending;
	bool is_due, is_untold;		/* it is time to tell; there is something to tell */
	const struct log_segment **fed;	/* what was learnt from, as far as it is known */
	size_t n_fed;
	int64_t start_ns, end_ns, new_since_ns;
	struct log_reach *reach;	/* its names are its own */
	size_t n_reach;
};

/* --- in the worker ------------------------------------------------------------------------------------------------ */

struct feed_task {
	struct logs_patterns *p;
	struct drain *drain;
	const struct log_segment *segment;	/* NULL: only to tell */
	const struct log_segment **before;	/* those whose lines it may hold, sorted as they were */
	size_t n_before;
	bool goes_on;			/* from before[0] */
	bool tells;
	int64_t start_ns, end_ns, new_since_ns;
	struct log_reach *reach;
	size_t n_reach;
	struct log_pattern_set *set;
};

static struct log_reach *
reach_copy(const struct log_reach *v, size_t n)
{
	struct log_reach *copy = xcalloc(n + 1, sizeof *copy);

	for (size_t i = 0; i < n; i++)
		copy[i] = (struct log_reach){ xstrdup(v[i].source), v[i].from_ns };
	return copy;
}

static void
reach_free(struct log_reach *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free((char *)v[i].source);
	free(v);
}

static int
by_key(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static uint64_t *
keys_of(const struct feed_task *t, size_t *ret_n)
{
	uint64_t *keys;
	size_t n = 0;

	for (size_t i = 0; i < t->n_before; i++)
		n += log_segment_n(t->before[i]);
	keys = xcalloc(n + 1, sizeof *keys);
	*ret_n = 0;
	for (size_t i = 0; i < t->n_before; i++) {
		for (size_t k = 0; k < log_segment_n(t->before[i]); k++) {
			struct log_ref line;

			log_segment_line(t->before[i], k, &line);
			keys[(*ret_n)++] = line.key;
		}
	}
	qsort(keys, *ret_n, sizeof *keys, by_key);
	return keys;
}

/* A line that a remade segment had before has been learnt from. */
static void
feed(struct feed_task *t)
{
	size_t n_keys = 0, from = t->goes_on ? log_segment_n(t->before[0]) : 0;
	uint64_t *keys = t->goes_on || t->n_before == 0 ? NULL : keys_of(t, &n_keys);

	for (size_t i = from; i < log_segment_n(t->segment); i++) {
		struct log_ref line;

		log_segment_line(t->segment, i, &line);
		if (n_keys == 0 || bsearch(&line.key, keys, n_keys, sizeof *keys, by_key) == NULL)
			drain_add(t->drain, &line);
	}
	free(keys);
}

static void
task_work(void *arg)
{
	struct feed_task *t = arg;

	if (t->segment != NULL)
		feed(t);
	for (size_t i = 0; i < t->n_reach; i++)
		drain_reach(t->drain, t->reach[i].source, t->reach[i].from_ns);
	if (t->tells)
		t->set = drain_patterns(t->drain, t->start_ns, t->end_ns, t->new_since_ns, PATTERNS_MAX);
}

/* --- in the loop's thread ----------------------------------------------------------------------------------------- */

static void feed_on(struct logs_patterns *p);

static void
arm(struct logs_patterns *p)
{
	if (p->is_armed || !p->is_wanted || p->is_ending)
		return;
	p->is_armed = true;
	loop_timer_in(p->timer, TELL_EVERY);
}

static void
task_free(struct feed_task *t)
{
	for (size_t i = 0; i < t->n_before; i++)
		block_unref(t->before[i]);
	free(t->before);
	reach_free(t->reach, t->n_reach);
	block_unref(t->segment);
	free(t);
}

static void
task_done(void *arg)
{
	struct feed_task *t = arg;
	struct logs_patterns *p = t->p;
	bool has_fed = t->segment != NULL;

	p->is_busy = false;
	if (t->set != NULL && !p->is_ending)
		p->cb(t->set, p->arg);
	else
		block_unref(t->set);
	task_free(t);
	if (has_fed)
		feed_on(p);
}

static bool
was_fed(const struct logs_patterns *p, const struct log_segment *s)
{
	for (size_t i = 0; i < p->n_fed; i++)
		if (p->fed[i] == s)
			return true;
	return false;
}

static bool
is_held(const struct logs_patterns *p, const struct log_segment *s)
{
	for (size_t i = 0; i < model_n_log_segments(p->model); i++)
		if (model_log_segment(p->model, i) == s)
			return true;
	return false;
}

/* Segments that were fed and are not held any more, but stretch over the same time: s was made of them. */
static void
take_before(struct logs_patterns *p, struct feed_task *t)
{
	size_t kept = 0;

	t->before = xcalloc(p->n_fed + 1, sizeof *t->before);
	for (size_t i = 0; i < p->n_fed; i++) {
		const struct log_segment *s = p->fed[i];

		if (is_held(p, s) || log_segment_last(s) < log_segment_first(t->segment) ||
		    log_segment_first(s) > log_segment_last(t->segment)) {
			p->fed[kept++] = s;
			continue;
		}
		t->before[t->n_before++] = s;
	}
	p->n_fed = kept;
	t->goes_on = t->n_before == 1 && log_segment_goes_on(t->segment, t->before[0]);
}

/* Those that are gone with the oldest lines are of no use any more. */
static void
forget_gone(struct logs_patterns *p)
{
	size_t kept = 0;
	int64_t first = model_n_log_segments(p->model) > 0 ? log_segment_first(model_log_segment(p->model, 0)) : INT64_MAX;

	for (size_t i = 0; i < p->n_fed; i++) {
		if (log_segment_last(p->fed[i]) < first)
			block_unref(p->fed[i]);
		else
			p->fed[kept++] = p->fed[i];
	}
	p->n_fed = kept;
}

static void
run(struct logs_patterns *p, const struct log_segment *segment)
{
	struct feed_task *t = xcalloc(1, sizeof *t);

	*t = (struct feed_task){ .p = p, .drain = p->drain, .segment = block_ref(segment), .tells = p->is_due, .start_ns = p->start_ns,
		.end_ns = p->end_ns, .new_since_ns = p->new_since_ns,
		.reach = reach_copy(p->reach, p->n_reach), .n_reach = p->n_reach };
	if (segment != NULL) {
		take_before(p, t);
		p->fed = xreallocarray(p->fed, p->n_fed + 1, sizeof *p->fed);
		p->fed[p->n_fed++] = block_ref(segment);
	}
	p->is_untold = segment != NULL;
	p->is_due = false;
	p->is_busy = true;
	pool_run(p->lane, task_work, task_done, t);
}

/* The oldest that is not known yet, for a pattern is new by its first line. */
static void
feed_on(struct logs_patterns *p)
{
	if (p->is_busy || !p->is_wanted || p->is_ending)
		return;
	forget_gone(p);
	for (size_t i = 0; i < model_n_log_segments(p->model); i++) {
		const struct log_segment *s = model_log_segment(p->model, i);

		if (!was_fed(p, s)) {
			run(p, s);
			arm(p);
			return;
		}
	}
	if (p->is_untold) {
		p->is_due = true;
		run(p, NULL);
	}
}

static void
on_timer(void *arg)
{
	struct logs_patterns *p = arg;

	p->is_armed = false;
	p->is_due = true;
	feed_on(p);
}

void
logs_patterns_lines(struct logs_patterns *p)
{
	arm(p);
}

void
logs_patterns_want(struct logs_patterns *p, bool is_wanted)
{
	p->is_wanted = is_wanted;
	if (!is_wanted)
		return;
	if (p->drain == NULL)
		p->drain = drain_new(&(struct drain_options){ 0 });
	p->is_untold = true;
	feed_on(p);
}

void
logs_patterns_range(struct logs_patterns *p, int64_t start_ns, int64_t end_ns, int64_t new_since_ns)
{
	if (start_ns == p->start_ns && end_ns == p->end_ns && new_since_ns == p->new_since_ns)
		return;
	p->start_ns = start_ns;
	p->end_ns = end_ns;
	p->new_since_ns = new_since_ns;
	p->is_untold = true;
	arm(p);
}

static bool
is_same_reach(const struct logs_patterns *p, const struct log_reach *v, size_t n)
{
	for (size_t i = 0; i < n && n == p->n_reach; i++)
		if (v[i].from_ns != p->reach[i].from_ns || !str_eq(v[i].source, p->reach[i].source))
			return false;
	return n == p->n_reach;
}

void
logs_patterns_reach(struct logs_patterns *p, const struct log_reach *v, size_t n)
{
	if (is_same_reach(p, v, n))
		return;
	reach_free(p->reach, p->n_reach);
	p->reach = reach_copy(v, n);
	p->n_reach = n;
	p->is_untold = true;
	arm(p);
}

struct logs_patterns *
logs_patterns_new(struct loop *l, struct pool *pool, const struct model *m, logs_patterns_cb *cb, void *arg)
{
	struct logs_patterns *p = xcalloc(1, sizeof *p);

	*p = (struct logs_patterns){ .loop = l, .model = m, .cb = cb, .arg = arg, .lane = pool_lane_new(pool) };
	p->timer = loop_timer_new(l, on_timer, p);
	return p;
}

void
logs_patterns_stop(struct logs_patterns *p)
{
	if (p != NULL)
		p->is_ending = true;
}

void
logs_patterns_free(struct logs_patterns *p)
{
	if (p == NULL)
		return;
	pool_lane_free(p->lane);
	loop_timer_free(p->timer);
	drain_free(p->drain);
	for (size_t i = 0; i < p->n_fed; i++)
		block_unref(p->fed[i]);
	free(p->fed);
	reach_free(p->reach, p->n_reach);
	free(p);
}
