/* Which lines stand on which row of the screen. The selected one keeps its row, whatever comes above or below it; only what is on the screen is looked at. */
#include "config.h"

#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "logs.h"

#define LATER_LEAST (10 * NS_PER_S)	/* a store whose lines begin that much later than the oldest has a row to say so */

size_t
logs_rows_find(const struct log_view *view, const struct logs_mark *at, bool *ret_is_there)
{
	size_t first = log_view_find(view, at->time_ns);

	*ret_is_there = false;
	for (size_t i = first; i < view->n; i++) {
		struct log_ref line;

		log_view_line(view, i, &line);
		if (line.time_ns != at->time_ns)
			break;
		if (line.key == at->key) {
			*ret_is_there = true;
			return i;
		}
	}
	return first;
}

/* --- since when stores are held ---------------------------------------------------------------- */

static bool
has_store(const struct logs_panel *s, const char *name)
{
	for (size_t i = 0; i < s->n_stores; i++)
		if (str_eq(s->stores[i].name, name))
			return true;
	return s->n_stores == LOGS_STORES_MAX;
}

/* Its first line, in the first segment that has any of it. */
static void
add_store(struct logs_panel *s, const struct log_segment *segment, const struct log_texts *texts, const char *name)
{
	for (size_t i = 0; i < texts->n; i++) {
		struct log_ref shared;

		log_segment_stream(segment, texts->streams[i], &shared);
		if (!str_eq(shared.source, name))
			continue;
		s->stores[s->n_stores].name = shared.source;
		s->stores[s->n_stores++].first_ns = texts->times[i];
		return;
	}
}

static void
find_stores(struct logs_panel *s, const struct model *m)
{
	s->n_stores = 0;
	for (size_t i = 0; i < model_n_log_segments(m); i++) {
		const struct log_segment *segment = model_log_segment(m, i);
		struct log_texts texts;

		log_segment_texts(segment, &texts);
		for (size_t k = 0; k < texts.n_streams; k++) {
			struct log_ref shared;

			log_segment_stream(segment, k, &shared);
			if (!has_store(s, shared.source))
				add_store(s, segment, &texts, shared.source);
		}
	}
}

/* --- notes between lines --------------------------------------------------------------------- */

/* The notices told after a line and before the next one. */
struct between {
	int64_t after_ns, before_ns;
	size_t next;		/* in the model, newest first */
	size_t next_store;
};

static struct between
between_lines(const struct logs_panel *s, const struct log_view *view, size_t below)
{
	struct between b = { .after_ns = INT64_MIN, .before_ns = INT64_MAX };
	struct log_ref line;

	if (below > 0) {
		log_view_line(view, below - 1, &line);
		b.after_ns = line.time_ns;
	}
	if (below < s->limit) {
		log_view_line(view, below, &line);
		b.before_ns = line.time_ns;
	}
	return b;
}

/* Newest first. */
static bool
next_notice(const struct model *m, struct between *b, size_t *ret_index)
{
	for (; b->next < model_n_log_notices(m); b->next++) {
		int64_t at = model_log_notice(m, b->next)->at_ns;

		if (at >= b->after_ns && at < b->before_ns) {
			*ret_index = b->next++;
			return true;
		}
	}
	return false;
}

/* A store whose lines begin here, later than those of others. What is played back tells lines by itself. */
static bool
next_store(const struct logs_panel *s, const struct view *v, struct between *b, size_t *ret_index)
{
	int64_t from = model_log_totals(v->live)->first_ns + LATER_LEAST;

	for (; v->replay == NULL && b->before_ns != INT64_MAX && b->next_store < s->n_stores; b->next_store++) {
		int64_t first = s->stores[b->next_store].first_ns;

		if (first >= from && first > b->after_ns && first <= b->before_ns) {
			*ret_index = b->next_store++;
			return true;
		}
	}
	return false;
}

/* --- rows ------------------------------------------------------------------------------------ */

struct stack {			/* rows from the bottom up */
	struct logs_row v[LOGS_ROWS_MAX];
	int n, max;
};

static bool
push(struct stack *t, enum logs_row_kind kind, size_t index, int sub)
{
	if (t->n < t->max)
		t->v[t->n++] = (struct logs_row){ .kind = kind, .index = index, .sub = sub };
	return t->n < t->max;
}

static int
rows_of(const struct logs_panel *s, const struct log_view *view, size_t index)
{
	struct log_ref line;

	if (!s->is_wrapped)
		return 1;
	log_view_line(view, index, &line);
	return logs_line_rows(s, &line);
}

/* What stands above the selected line, at most s->row rows of it. */
static void
stack_above(const struct logs_panel *s, const struct view *v, const struct log_view *view, struct stack *t)
{
	size_t at = s->index, notice;

	t->n = 0;
	t->max = s->row;
	while (t->n < t->max) {
		struct between b = between_lines(s, view, at);

		while (next_store(s, v, &b, &notice))
			if (!push(t, LOGS_STORE, notice, 0))
				return;
		while (next_notice(v->live, &b, &notice))
			if (!push(t, LOGS_NOTICE, notice, 0))
				return;
		if (at == 0) {
			push(t, LOGS_TOP, 0, 0);
			return;
		}
		at--;
		for (int sub = rows_of(s, view, at) - 1; sub >= 0; sub--)
			if (!push(t, LOGS_LINE, at, sub))
				return;
	}
}

static bool
add(struct logs_panel *s, enum logs_row_kind kind, size_t index, int sub)
{
	if (s->n_rows < s->page)
		s->rows[s->n_rows++] = (struct logs_row){ .kind = kind, .index = index, .sub = sub };
	return s->n_rows < s->page;
}

/* Oldest first. */
static void
add_notices(struct logs_panel *s, const struct view *v, const struct log_view *view, size_t below)
{
	struct between b = between_lines(s, view, below);
	size_t found[64], n = 0;

	while (n < sizeof found / sizeof found[0] && next_notice(v->live, &b, &found[n]))
		n++;
	while (n > 0)
		add(s, LOGS_NOTICE, found[--n], 0);
	while (next_store(s, v, &b, &n))
		add(s, LOGS_STORE, n, 0);
}

static void
add_below(struct logs_panel *s, const struct view *v, const struct log_view *view)
{
	for (size_t at = s->index; at < s->limit; at++) {
		int rows = rows_of(s, view, at);

		for (int sub = 0; sub < rows; sub++)
			if (!add(s, LOGS_LINE, at, sub))
				return;
		add_notices(s, v, view, at + 1);
	}
	if (!v->range.is_live)
		add(s, LOGS_CURSOR, 0, 0);
}

static void
fill(struct logs_panel *s, const struct view *v, const struct log_view *view)
{
	struct stack t;

	stack_above(s, v, view, &t);
	s->row = t.n;
	s->n_rows = 0;
	for (int i = t.n; i > 0; i--)
		add(s, t.v[i - 1].kind, t.v[i - 1].index, t.v[i - 1].sub);
	add_below(s, v, view);
}

/* --- where the selection is ------------------------------------------------------------------- */

static void
locate(struct logs_panel *s, const struct view *v, const struct log_view *view)
{
	struct log_ref line;
	bool is_there;

	s->limit = v->range.is_live ? view->n : log_view_find(view, v->range.cursor_ns + 1);
	if (s->limit == 0)
		return;
	if (s->is_following) {
		s->index = s->limit - 1;
		log_view_line(view, s->index, &line);
		s->at = (struct logs_mark){ line.time_ns, line.key };
		s->seen_ns = line.time_ns;
		s->row = s->page - 1;
		return;
	}
	s->index = s->is_behind ? log_view_find(view, s->at.time_ns) : logs_rows_find(view, &s->at, &is_there);
	s->index = s->index < s->limit ? s->index : s->limit - 1;
}

/* The selection with all of its rows in sight. */
static void
keep_in_sight(struct logs_panel *s, const struct log_view *view)
{
	int most = s->page - rows_of(s, view, s->index);

	if (s->is_behind && s->is_led) {	/* led here: a third of the screen for what came before */
		s->row = s->page / 3;
		s->is_led = false;
	}
	/* What is said above the oldest line belongs to it. */
	if (s->index == 0 && s->row < 1)
		s->row = 1;
	most = most < 0 ? 0 : most;
	s->row = s->row > most ? most : s->row;
	s->row = s->row < 0 ? 0 : s->row;
}

void
logs_rows_arrange(struct logs_panel *s, const struct view *v)
{
	const struct log_view *view = logs_view(v);

	s->n_rows = 0;
	s->limit = 0;
	if (view == NULL)
		return;
	locate(s, v, view);
	if (s->limit == 0)
		return;
	find_stores(s, v->live);
	keep_in_sight(s, view);
	fill(s, v, view);
	if (s->n_rows < s->page) {	/* room below: what is above moves down, if there is more of it */
		s->row += s->page - s->n_rows;
		fill(s, v, view);
	}
}
