/* Moving among the lines: selecting, errors, marks. */
#include "config.h"

#include <limits.h>
#include <string.h>

#include "logs.h"

enum { LOOK_MAX = 500000 };	/* lines gone through by one key */

static void
select_line(struct logs_panel *s, const struct view *v, size_t index)
{
	const struct log_view *view = logs_view(v);
	struct log_ref line;

	if (view == NULL || s->limit == 0)
		return;
	index = index < s->limit ? index : s->limit - 1;
	log_view_line(view, index, &line);
	s->is_following = s->is_behind = false;
	s->at = (struct logs_mark){ line.time_ns, line.key };
	s->index = index;
	s->record_top = 0;
}

struct op *
logs_move(struct logs_panel *s, const struct view *v, int by)
{
	size_t back = by < 0 ? (size_t)-(by + 1) + 1 : 0;

	if (s->is_patterns) {
		list_move(&s->patterns, s->pattern_ids, s->n_patterns, by);
		return NULL;
	}
	if (s->limit == 0 || (s->is_following && by > 0))
		return NULL;
	if (by == INT_MIN)
		s->row = 0;
	else
		s->row += by;	/* arranging keeps it in sight */
	select_line(s, v, by < 0 ? (s->index > back ? s->index - back : 0) : s->index + (size_t)by);
	return NULL;
}

struct op *
logs_move_follow(struct logs_panel *s)
{
	if (s->is_patterns)
		list_move(&s->patterns, s->pattern_ids, s->n_patterns, INT_MAX);
	else
		s->is_following = true;
	return NULL;
}

/* In the middle of the screen, so that what led to it is read too. */
static struct op *
go_to(struct logs_panel *s, const struct view *v, size_t index)
{
	select_line(s, v, index);
	s->row = s->page / 2;
	return NULL;
}

struct op *
logs_move_error(struct logs_panel *s, const struct view *v, bool is_back)
{
	const struct log_view *view = logs_view(v);
	size_t i = s->index;

	for (int looked = 0; view != NULL && looked < LOOK_MAX; looked++) {
		struct log_ref line;

		if (is_back ? i == 0 : i + 1 >= s->limit)
			break;
		i = is_back ? i - 1 : i + 1;
		log_view_line(view, i, &line);
		if (line.level >= LOG_LEVEL_ERROR)
			return go_to(s, v, i);
	}
	if (!is_back && s->is_following)
		return op_text(OP_MESSAGE, "this is the newest line: E goes back to the errors before it");
	return op_text(OP_MESSAGE, "no error %s this line", is_back ? "before" : "after");
}

struct op *
logs_mark_line(struct logs_panel *s, const struct view *v)
{
	struct log_ref line;

	if (!logs_selected(s, v, &line))
		return NULL;
	for (int i = 0; i < s->n_marks; i++) {
		if (s->marks[i].key != line.key || s->marks[i].time_ns != line.time_ns)
			continue;
		memmove(&s->marks[i], &s->marks[i + 1], (size_t)(--s->n_marks - i) * sizeof s->marks[0]);
		return NULL;
	}
	if (s->n_marks == LOGS_MARKS_MAX)
		return op_text(OP_ERROR, "%d lines are marked already: m on one of them takes its mark away", LOGS_MARKS_MAX);
	s->marks[s->n_marks++] = (struct logs_mark){ line.time_ns, line.key };
	return NULL;
}

/* In order of time, round and round. */
struct op *
logs_move_mark(struct logs_panel *s, const struct view *v)
{
	const struct log_view *view = logs_view(v);
	size_t best = SIZE_MAX, first = SIZE_MAX;

	for (int i = 0; view != NULL && i < s->n_marks; i++) {
		bool is_there;
		size_t at = logs_rows_find(view, &s->marks[i], &is_there);

		if (!is_there || at >= s->limit)
			continue;
		first = at < first ? at : first;
		if (at > s->index && at < best)
			best = at;
	}
	if (first == SIZE_MAX)
		return op_text(OP_MESSAGE, s->n_marks == 0 ? "no line is marked: m marks one" : "the filter hides all marked lines");
	return go_to(s, v, best != SIZE_MAX ? best : first);
}
