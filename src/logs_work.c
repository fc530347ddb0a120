#include "config.h"

#include "logs_work.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/xalloc.h"
#include "insight/log_look.h"

enum { LANES = 2, BATCH_LINES = 65536, BATCH_MAX = 64 };
#define LOOK_EVERY (40 * NS_PER_MS)	/* at 25 frames a second it moves; oftener is work for nobody */

/* One query on its way: tasks under way hold it. Counted in the loop's thread only. */
struct question {
	unsigned refs;
	struct log_filter *filter;	/* NULL: all lines */
	char *query;
	int stop;			/* atomic */
};

struct shelf {				/* what is known of one segment */
	const struct log_segment *segment;
	const struct log_found *found;	/* NULL: not through this query */
	const struct log_found *before;	/* of a segment it goes on from, through this query; or NULL */
	const struct log_found *within;	/* of this segment, through a wider query; or NULL */
	const struct log_tally *tally;
	bool has_tally, is_busy;
};

struct logs_work {
	struct loop *loop;
	const struct model *model;
	logs_work_cb *cb;
	void *arg;
	struct pool_lane *lanes[LANES];
	bool is_busy[LANES];
	struct loop_timer *timer;
	bool is_armed;
	struct question *question;
	char *error;			/* why the last query typed cannot be; "" */
	char *typed;
	struct shelf *shelves;
	size_t n;
	int64_t start_ns, end_ns, step_ns;
	int64_t lo_ns, hi_ns;		/* of the buckets: more than the range, which moves */
	int64_t looked_mono, told_mono;
	bool is_dirty;			/* lines may have come */
	bool is_untold;
	bool is_ending;
};

/* --- questions ---------------------------------------------------------------------------------------------------- */

static struct question *
question_new(const char *query, struct log_filter *filter)
{
	struct question *q = xcalloc(1, sizeof *q);

	*q = (struct question){ .refs = 1, .filter = filter, .query = xstrdup(query) };
	return q;
}

static void
question_unref(struct question *q)
{
	if (q == NULL || --q->refs > 0)
		return;
	log_filter_free(q->filter);
	free(q->query);
	free(q);
}

/* --- shelves ------------------------------------------------------------------------------------------------------ */

static void
shelf_forget(struct shelf *s)
{
	block_unref(s->found);
	block_unref(s->before);
	block_unref(s->within);
	s->found = s->before = s->within = NULL;
}

static void
shelf_done(struct shelf *s)
{
	shelf_forget(s);
	block_unref(s->tally);
	block_unref(s->segment);
}

/* What was found in from is where the new shelf goes on. */
static void
shelf_inherit(struct shelf *to, const struct shelf *from)
{
	const struct log_found *found = from->found != NULL ? from->found : from->before;

	to->before = block_ref(found);
	to->tally = block_ref(from->tally);
}

static struct shelf *
shelf_find(const struct logs_work *w, const struct log_segment *segment, size_t *at)
{
	/* Segments are in order of time in both lists: mostly it is the next one. */
	for (size_t i = *at; i < w->n; i++) {
		if (w->shelves[i].segment == segment) {
			*at = i + 1;
			return &w->shelves[i];
		}
	}
	return NULL;
}

static const struct shelf *
shelf_before(const struct logs_work *w, const struct log_segment *segment)
{
	for (size_t i = w->n; i > 0; i--) {
		const struct shelf *s = &w->shelves[i - 1];

		if (s->segment != NULL && log_segment_first(s->segment) == log_segment_first(segment) &&
		    log_segment_goes_on(segment, s->segment))
			return s;
	}
	return NULL;
}

static void
take_segments(struct logs_work *w)
{
	size_t n = model_n_log_segments(w->model), at = 0;
	struct shelf *v = xcalloc(n + 1, sizeof *v);
	bool is_other = n != w->n;

	for (size_t i = 0; i < n; i++) {
		const struct log_segment *segment = model_log_segment(w->model, i);
		struct shelf *same = shelf_find(w, segment, &at);
		const struct shelf *before;

		if (same != NULL) {
			v[i] = *same;
			*same = (struct shelf){ 0 };
			continue;
		}
		is_other = true;
		v[i].segment = block_ref(segment);
		before = shelf_before(w, segment);
		if (before != NULL)
			shelf_inherit(&v[i], before);
	}
	for (size_t i = 0; i < w->n; i++)
		shelf_done(&w->shelves[i]);
	free(w->shelves);
	w->shelves = v;
	w->n = n;
	w->is_untold |= is_other;
}

/* --- tasks -------------------------------------------------------------------------------------------------------- */

struct item {
	const struct log_segment *segment;
	const struct log_found *before, *within, *again;
	const struct log_tally *tally_before;
	bool wants_tally;
	struct log_found *found;
	struct log_tally *tally;
};
struct look_task {
	struct logs_work *work;
	struct question *question;
	struct log_look look;
	int64_t now_ns;
	int lane;
	size_t n;
	struct item items[BATCH_MAX];
};

static void
task_work(void *arg)
{
	struct look_task *t = arg;

	for (size_t i = 0; i < t->n; i++) {
		struct item *item = &t->items[i];

		item->found = item->again != NULL ? log_found_again(&t->look, item->segment, item->again) :
		    log_found_new(&t->look, item->segment, item->before, item->within);
		if (item->found != NULL && item->wants_tally)
			item->tally = log_tally_new(item->segment, item->tally_before, t->now_ns);
	}
}

static void
item_done(struct item *item)
{
	block_unref(item->segment);
	block_unref(item->before);
	block_unref(item->within);
	block_unref(item->again);
	block_unref(item->tally_before);
	block_unref(item->found);
	block_unref(item->tally);
}

static void look_on(struct logs_work *w);

/* What came out is of use while segment and query are those that were asked about. */
static void
put_back(struct logs_work *w, const struct look_task *t, struct item *item)
{
	bool is_worked = item->found != NULL;	/* it was not stopped */

	for (size_t i = 0; i < w->n; i++) {
		struct shelf *s = &w->shelves[i];

		if (s->segment != item->segment)
			continue;
		if (is_worked && item->wants_tally) {
			block_unref(s->tally);
			s->tally = item->tally;
			s->has_tally = true;
			item->tally = NULL;
		}
		if (t->question != w->question)
			return;
		s->is_busy = false;
		if (is_worked) {
			shelf_forget(s);
			s->found = item->found;
			item->found = NULL;
			w->is_untold = true;
		}
		return;
	}
}

static void
task_done(void *arg)
{
	struct look_task *t = arg;
	struct logs_work *w = t->work;

	w->is_busy[t->lane] = false;
	for (size_t i = 0; i < t->n; i++) {
		put_back(w, t, &t->items[i]);
		item_done(&t->items[i]);
	}
	question_unref(t->question);
	free(t);
	look_on(w);
}

static bool
is_window_old(const struct logs_work *w, const struct log_found *f)
{
	return f->step_ns != w->step_ns || f->lo_ns != w->lo_ns || f->hi_ns != w->hi_ns;
}

static bool
is_to_do(const struct logs_work *w, const struct shelf *s)
{
	return !s->is_busy && (s->found == NULL || is_window_old(w, s->found));
}

static void
task_add(struct look_task *t, struct shelf *s)
{
	struct item *item = &t->items[t->n++];

	*item = (struct item){ .segment = block_ref(s->segment), .wants_tally = !s->has_tally };
	if (s->found != NULL) {
		item->again = block_ref(s->found);
	} else {
		item->before = block_ref(s->before);
		item->within = block_ref(s->within);
	}
	if (item->wants_tally)
		item->tally_before = block_ref(s->tally);
	s->is_busy = true;
}

/* The newest lines that are not looked at, as many as are a few milliseconds' work. */
static bool
task_start(struct logs_work *w, int lane)
{
	struct look_task *t = NULL;
	size_t lines = 0;

	for (size_t i = w->n; i > 0 && lines < BATCH_LINES && (t == NULL || t->n < BATCH_MAX); i--) {
		struct shelf *s = &w->shelves[i - 1];

		if (!is_to_do(w, s))
			continue;
		if (t == NULL)
			t = xcalloc(1, sizeof *t);
		lines += log_segment_n(s->segment);
		task_add(t, s);
	}
	if (t == NULL)
		return false;
	t->work = w;
	t->question = w->question;
	t->question->refs++;
	t->look = (struct log_look){ .filter = w->question->filter, .step_ns = w->step_ns, .lo_ns = w->lo_ns, .hi_ns = w->hi_ns,
		.stop = &w->question->stop };
	t->now_ns = clock_now();
	t->lane = lane;
	w->is_busy[lane] = true;
	pool_run(w->lanes[lane], task_work, task_done, t);
	return true;
}

/* --- telling ------------------------------------------------------------------------------------------------------ */

static bool
is_all_looked_at(const struct logs_work *w)
{
	for (size_t i = 0; i < w->n; i++)
		if (w->shelves[i].found == NULL || is_window_old(w, w->shelves[i].found))
			return false;
	return true;
}

static void
tell(struct logs_work *w)
{
	struct log_view_ask ask = { .query = *w->error != '\0' ? w->typed : w->question->query, .error = w->error, .start_ns = w->start_ns,
		.end_ns = w->end_ns, .step_ns = w->step_ns, .now_ns = clock_now() };
	struct log_seen *v = xcalloc(w->n + 1, sizeof *v);

	for (size_t i = 0; i < w->n; i++)
		v[i] = (struct log_seen){ w->shelves[i].segment, w->shelves[i].found, w->shelves[i].tally };
	w->told_mono = clock_mono_fresh();
	w->is_untold = false;
	w->cb(log_look_view(&ask, v, w->n), w->arg);
	free(v);
}

static void
arm(struct logs_work *w, int64_t in_ns)
{
	if (w->is_armed)
		return;
	w->is_armed = true;
	loop_timer_in(w->timer, in_ns > 0 ? in_ns : 0);
}

static void
look_on(struct logs_work *w)
{
	int64_t since = clock_mono_fresh() - w->told_mono;
	bool is_all;

	if (w->step_ns == 0 || w->is_ending)
		return;		/* no range yet, or nobody to tell */
	for (int lane = 0; lane < LANES; lane++)
		if (!w->is_busy[lane] && !task_start(w, lane))
			break;
	is_all = is_all_looked_at(w);
	if (!w->is_untold)
		return;
	/* What is ready is told at once; in parts, no oftener than it can be seen. */
	if (is_all || since >= LOOK_EVERY)
		tell(w);
	else
		arm(w, LOOK_EVERY - since);
}

static void
on_timer(void *arg)
{
	struct logs_work *w = arg;

	w->is_armed = false;
	if (w->is_dirty) {
		w->is_dirty = false;
		w->looked_mono = clock_mono_fresh();
		take_segments(w);
	}
	look_on(w);
}

/* --- from outside ------------------------------------------------------------------------------------------------- */

void
logs_work_lines(struct logs_work *w)
{
	w->is_dirty = true;
	arm(w, LOOK_EVERY - (clock_mono_fresh() - w->looked_mono));
}

void
logs_work_query(struct logs_work *w, const char *query)
{
	struct log_filter *filter = NULL;
	struct err err = ERR_INIT;
	bool is_narrower;

	free(w->typed);
	w->typed = xstrdup(query);
	w->is_untold = true;
	free(w->error);
	w->error = NULL;
	if (*query != '\0' && log_filter_new(query, &filter, &err) < 0) {
		w->error = xstrdup(err.msg);
		look_on(w);
		return;
	}
	w->error = xstrdup("");
	is_narrower = filter != NULL && w->question->filter != NULL && log_filter_narrows(w->question->filter, filter);
	for (size_t i = 0; i < w->n; i++) {
		struct shelf *s = &w->shelves[i];
		const struct log_found *wider = is_narrower ? block_ref(s->found) : NULL;

		shelf_forget(s);
		s->within = wider;
		s->is_busy = false;	/* what is under way was asked about another query */
	}
	__atomic_store_n(&w->question->stop, 1, __ATOMIC_RELAXED);
	question_unref(w->question);
	w->question = question_new(query, filter);
	look_on(w);
}

const char *
logs_work_asked(const struct logs_work *w)
{
	return w->question->query;
}

void
logs_work_range(struct logs_work *w, int64_t start_ns, int64_t end_ns, int64_t step_ns)
{
	int64_t span = end_ns - start_ns;

	if (start_ns == w->start_ns && end_ns == w->end_ns && step_ns == w->step_ns)
		return;
	w->start_ns = start_ns;
	w->end_ns = end_ns;
	if (step_ns != w->step_ns || start_ns < w->lo_ns || end_ns > w->hi_ns) {
		w->step_ns = step_ns;
		w->lo_ns = start_ns - span;
		w->hi_ns = end_ns + span;
	}
	w->is_untold = true;
	look_on(w);
}

void
logs_work_again(struct logs_work *w)
{
	w->is_untold = true;
	look_on(w);
}

bool
logs_work_is_done(const struct logs_work *w)
{
	return !w->is_dirty && !w->is_untold && is_all_looked_at(w);
}

struct logs_work *
logs_work_new(struct loop *l, struct pool *p, const struct model *m, logs_work_cb *cb, void *arg)
{
	struct logs_work *w = xcalloc(1, sizeof *w);

	*w = (struct logs_work){ .loop = l, .model = m, .cb = cb, .arg = arg, .error = xstrdup(""), .typed = xstrdup("") };
	for (int i = 0; i < LANES; i++)
		w->lanes[i] = pool_lane_new(p);
	w->timer = loop_timer_new(l, on_timer, w);
	w->question = question_new("", NULL);
	return w;
}

void
logs_work_stop(struct logs_work *w)
{
	if (w == NULL)
		return;
	w->is_ending = true;
	__atomic_store_n(&w->question->stop, 1, __ATOMIC_RELAXED);
}

void
logs_work_free(struct logs_work *w)
{
	if (w == NULL)
		return;
	for (int i = 0; i < LANES; i++)
		pool_lane_free(w->lanes[i]);
	for (size_t i = 0; i < w->n; i++)
		shelf_done(&w->shelves[i]);
	free(w->shelves);
	loop_timer_free(w->timer);
	question_unref(w->question);
	free(w->error);
	free(w->typed);
	free(w);
}
