/*
 * Logs: the lines of all stores in one order of time, the newest at the bottom while it follows. A filter lets some of them through as it is typed; the histogram over them says when;
 * Enter opens all of a line; patterns say what kinds of lines there are, those that are new first.
 */
#include "config.h"

#include "logs.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "ui/key.h"

enum { HISTOGRAM_FROM = 14, TALL_FROM = 24, HISTOGRAM_SMALL = 3, HISTOGRAM_TALL = 5, STEP_LEFT = 20, LEFT_MAX = 1 << 16 };

static struct logs_panel *
state_of(const struct panel *p)
{
	return p->state;
}

const struct log_view *
logs_view(const struct view *v)
{
	return v->log_view != NULL || v->live == NULL ? v->log_view : model_log_view(v->live);
}

bool
logs_selected(const struct logs_panel *s, const struct view *v, struct log_ref *ret)
{
	const struct log_view *view = logs_view(v);

	if (view == NULL || s->limit == 0 || s->index >= s->limit || s->limit > view->n)
		return false;
	log_view_line(view, s->index, ret);
	return true;
}

bool
logs_is_marked(const struct logs_panel *s, const struct log_ref *line)
{
	for (int i = 0; i < s->n_marks; i++)
		if (s->marks[i].key == line->key && s->marks[i].time_ns == line->time_ns)
			return true;
	return false;
}

/* --- the query --------------------------------------------------------------------------------- */

static const enum line_level levels[] = { LOG_LEVEL_UNKNOWN, LOG_LEVEL_INFO, LOG_LEVEL_WARNING, LOG_LEVEL_ERROR, LOG_LEVEL_CRITICAL };

static char *
query_of(const struct logs_panel *s)
{
	const char *filter = s->filter != NULL ? s->filter : "";

	if (s->least == LOG_LEVEL_UNKNOWN)
		return xstrdup(filter);
	return xasprintf("%s%slevel:%s", filter, *filter != '\0' ? " " : "", log_level_name(s->least));
}

static struct op *
logs_filtered(struct panel *p)
{
	struct logs_panel *s = state_of(p);
	char *query = query_of(s);
	struct op *op;

	if (strcmp(query, s->told != NULL ? s->told : "") == 0) {
		free(query);
		return NULL;
	}
	free(s->told);
	s->told = query;
	op = op_text(OP_LOG_FILTER, "%s", query);
	op->arg = xstrdup(s->filter != NULL ? s->filter : "");
	return op;
}

static void
logs_filter(struct panel *p, const char *text)
{
	struct logs_panel *s = state_of(p);

	free(s->filter);
	s->filter = xstrdup_or_null(text);
}

/* One that the view shows; what does not compile shows the last good one, and highlights nothing. */
static void
arrange_match(struct logs_panel *s, const struct log_view *view)
{
	const char *query = view != NULL && *view->error == '\0' ? view->query : "";

	if (str_eq(query, s->match_query))
		return;
	log_filter_free(s->match);
	s->match = NULL;
	free(s->match_query);
	s->match_query = xstrdup(query);
	if (*query != '\0' && log_filter_new(query, &s->match, NULL) < 0)
		s->match = NULL;
}

/* --- arranging ----------------------------------------------------------------------------------- */

static int
logs_open(struct panel *p, const struct view *v, const struct op *op)
{
	struct logs_panel *s = state_of(p);

	(void)v;
	(void)op;
	s->is_following = true;
	s->page = 1;
	return 0;
}

static void
arrange_record(struct logs_panel *s, const struct view *v)
{
	struct pen_measure measure;
	struct log_ref line;
	int most = 0;

	if (s->record_top > 0 && s->split.kind != SPLIT_NONE && logs_selected(s, v, &line)) {
		logs_record_draw(pen_measure(&measure, s->split.detail_w), v, &line);
		most = pen_measure_done(&measure) - s->split.detail_h;
	}
	s->record_top = s->record_top > most ? most : s->record_top;
	s->record_top = s->record_top < 0 ? 0 : s->record_top;
}

/* Columns come from what is in sight, and what is in sight, wrapped, from the columns. */
static void
arrange_rows(struct logs_panel *s, const struct view *v)
{
	int w = s->split.list_w > 0 ? s->split.list_w : 1, text_w;

	s->page = s->split.list_h > LOGS_ROWS_MAX ? LOGS_ROWS_MAX : s->split.list_h;
	s->page = s->page < 1 ? 1 : s->page;
	if (s->text_w == 0)
		logs_columns(s, v, w);
	logs_rows_arrange(s, v);
	text_w = s->text_w;
	logs_columns(s, v, w);
	if (s->is_wrapped && s->text_w != text_w)
		logs_rows_arrange(s, v);
}

static void
logs_arrange(struct panel *p, const struct view *v, int w, int h)
{
	struct logs_panel *s = state_of(p);

	arrange_match(s, logs_view(v));
	if (s->is_patterns) {
		s->split = (struct split){ .list_w = w, .list_h = h };
		logs_patterns_arrange(s, v, h);
		return;
	}
	s->histogram_h = h >= TALL_FROM ? HISTOGRAM_TALL : h >= HISTOGRAM_FROM ? HISTOGRAM_SMALL : 0;
	s->is_picking &= s->histogram_h > 0;
	s->notes_h = logs_notes_rows(v, w, h - s->histogram_h);
	s->split = part_split(w, h - s->histogram_h - s->notes_h, s->is_record, h);
	arrange_rows(s, v);
	arrange_record(s, v);
}

/* --- drawing ------------------------------------------------------------------------------------- */

static void
draw_unknown(struct canvas *c, const struct view *v)
{
	struct pen pen = { .c = c };

	if (v->live == NULL || model_environment(v->live) == NULL) {
		part_not_recorded(c, v);
		return;
	}
	pen_text(&pen, ROLE_UNKNOWN, "? no lines are known yet");
	pen.y++;
	pen.name_w = 10;
	pen_field(&pen, "sources:", ROLE_DIM, "of type loki, elasticsearch or journald hold lines of logs");
	pen_field(&pen, "logs:", ROLE_DIM, "streams: in opsconsole.yaml says which of them are followed");
	pen.y++;
	pen_text(&pen, ROLE_DIM, "man opsconsole.yaml has examples to copy; 4 shows whether the stores answer.");
}

static void
draw_none(const struct logs_panel *s, const struct view *v, const struct log_view *view, struct canvas *c)
{
	struct pen pen = { .c = c };
	char n[LOGS_COUNT_MAX], at[CLOCK_TEXT_MAX];

	if (view->is_partial) {
		pen_text(&pen, ROLE_DIM, "looking");
	} else if (view->n > 0) {
		pen_printf(&pen, ROLE_UNKNOWN, "? not recorded: no line is held up to %s", clock_format(at, v->range.cursor_ns, 0));
		pen_text(&pen, ROLE_DIM, "o asks the stores for older lines; = goes live.");
	} else if (view->n_of > 0) {
		pen_printf(&pen, ROLE_TEXT, "None of %s lines matches.", logs_count(view->n_of, n));
		pen_printf(&pen, ROLE_DIM, "Esc clears the filter%s; s asks the stores for it.", s->least != LOG_LEVEL_UNKNOWN ? ", [ lowers the level" : "");
	} else {
		pen_text(&pen, ROLE_TEXT, "The stores have told no line yet.");
		pen_text(&pen, ROLE_DIM, "o asks for older lines; 4 shows whether the stores answer.");
	}
}

static void
draw_list(const struct logs_panel *s, const struct view *v, struct canvas *c)
{
	const struct log_view *view = logs_view(v);
	struct canvas list;

	list = canvas_sub(c, 0, s->histogram_h, s->split.list_w, s->split.list_h);
	if (s->n_rows > 0)
		logs_rows_draw(s, v, &list);
	else
		draw_none(s, v, view, &list);
}

static void
draw_record(const struct logs_panel *s, const struct view *v, struct canvas *c)
{
	struct canvas below = canvas_sub(c, 0, s->histogram_h, c->w, c->h - s->histogram_h - s->notes_h), part = part_split_detail(&below, &s->split);
	struct pen pen = { .c = &part, .y = -s->record_top };
	struct log_ref line;

	if (!logs_selected(s, v, &line))
		return;
	logs_record_draw(&pen, v, &line);
	part_more(&part, pen.y);
}

static void
logs_draw(const struct panel *p, const struct view *v, struct canvas *c)
{
	const struct logs_panel *s = state_of(p);
	struct canvas top;

	if (logs_view(v) == NULL) {
		draw_unknown(c, v);
		return;
	}
	if (s->is_patterns) {
		logs_patterns_draw(s, v, c);
		return;
	}
	top = canvas_sub(c, 0, 0, c->w, s->histogram_h);
	if (s->histogram_h > 0)
		logs_histogram_draw(s, v, &top);
	draw_list(s, v, c);
	if (s->split.kind != SPLIT_NONE)
		draw_record(s, v, c);
	logs_notes_draw(v, c, s->notes_h);
}

/* "12 came since, End follows" */
static void
follow_text(const struct logs_panel *s, const struct view *v, const struct log_view *view, char *buf, size_t size)
{
	const struct model_source *dead = logs_dead_store(v);
	char n[LOGS_COUNT_MAX], name[32];
	size_t came;

	if (dead != NULL && s->is_following) {
		snprintf(buf, size, "%s does not answer", str_escape_to(name, sizeof name, dead->name));
		return;
	}
	if (!v->range.is_live || s->is_following) {
		snprintf(buf, size, "%s", v->range.is_live ? "following" : "past");
		return;
	}
	came = view->n - log_view_find(view, s->seen_ns + 1);
	if (came > 0)
		snprintf(buf, size, "%s came since: End follows", logs_count(came, n));
	else
		snprintf(buf, size, "End follows");
}

static void
logs_summary(const struct panel *p, const struct view *v, char *buf, size_t size)
{
	const struct logs_panel *s = state_of(p);
	const struct log_view *view = logs_view(v);
	const struct log_pattern_set *set = logs_pattern_set(v);
	char n[LOGS_COUNT_MAX], of[LOGS_COUNT_MAX], follow[64], level[64] = "";
	const char *type = NULL;

	*buf = '\0';
	if (s->is_patterns) {
		if (set != NULL)
			logs_patterns_summary(v, set, s->match_query != NULL && *s->match_query != '\0', buf, size);
		return;
	}
	if (view == NULL)
		return;
	if (s->match != NULL && log_filter_native(s->match, &type) != NULL)
		snprintf(level, sizeof level, "asked of %s with s; not filtered here  ", type);
	else if (s->least != LOG_LEVEL_UNKNOWN)
		snprintf(level, sizeof level, "%s and worse  ", log_level_name(s->least));
	follow_text(s, v, view, follow, sizeof follow);
	if (view->n == view->n_of)
		snprintf(buf, size, "%s%s lines  %s%s", type != NULL ? level : "", logs_count(view->n, n), view->is_partial ? "looking  " : "", follow);
	else
		snprintf(buf, size, "%s%s of %s lines  %s%s", level, logs_count(view->n, n), logs_count(view->n_of, of), view->is_partial ? "looking  " : "", follow);
}

/* "TIME QUERY": lines that match, the first one from that time on selected. TIME 0: wherever it is now. */
static void
logs_show(struct panel *p, const struct view *v, const char *arg)
{
	struct logs_panel *s = state_of(p);
	char *rest;
	int64_t at = strtoll(arg, &rest, 10);

	logs_filter(p, rest + (*rest == ' '));
	s->is_patterns = s->is_record = s->is_picking = false;
	if (at == 0)
		return;
	s->is_following = false;
	s->is_behind = s->is_led = true;
	s->at = (struct logs_mark){ .time_ns = at };
	s->seen_ns = v->now_ns;
}

static void
logs_close(struct panel *p)
{
	struct logs_panel *s = state_of(p);

	log_filter_free(s->match);
	free(s->match_query);
	free(s->filter);
	free(s->told);
	free(s->pattern_ids);
}

/* --- commands ------------------------------------------------------------------------------------------ */

static struct op *
change_level(struct panel *p, int by)
{
	struct logs_panel *s = state_of(p);
	int n = (int)(sizeof levels / sizeof levels[0]), at = 0;

	while (at < n && levels[at] != s->least)
		at++;
	at += by;
	s->least = levels[at < 0 ? 0 : at >= n ? n - 1 : at];
	return logs_filtered(p);
}

static struct op *
toggle_patterns(struct logs_panel *s)
{
	struct op *op = op_new(OP_LOG_PATTERNS);

	s->is_patterns = !s->is_patterns;
	op->number = s->is_patterns;
	return op;
}

static struct op *
jump(int64_t t_ns)
{
	struct op *op = op_new(OP_TIME_JUMP);

	op->number = t_ns;
	return op;
}

static struct op *
open_pattern(struct panel *p, const struct view *v)
{
	struct logs_panel *s = state_of(p);
	const struct log_pattern *pattern = logs_pattern_selected(s, v);
	char *query;

	if (pattern == NULL)
		return NULL;
	query = logs_pattern_query(pattern);
	logs_filter(p, query);
	free(query);
	s->is_patterns = false;
	return logs_filtered(p);
}

static struct op *
open_selected(struct panel *p, const struct view *v)
{
	struct logs_panel *s = state_of(p);
	struct log_ref line;

	if (s->is_patterns)
		return open_pattern(p, v);
	if (s->is_picking) {
		s->is_picking = false;
		return jump(logs_histogram_end(s, v));
	}
	if (!s->is_record && !logs_selected(s, v, &line))
		return op_text(OP_MESSAGE, "there is no line to open");
	s->is_record = !s->is_record;
	s->record_top = 0;
	return NULL;
}

static struct op *
time_here(struct logs_panel *s, const struct view *v)
{
	struct log_ref line;

	return logs_selected(s, v, &line) ? jump(line.time_ns) : op_text(OP_MESSAGE, "no line is selected");
}

static struct op *
pick(struct logs_panel *s, const struct view *v)
{
	struct log_ref line;

	if (s->histogram_h == 0)
		return op_text(OP_MESSAGE, "the histogram has no room here: z gives the panel the screen");
	s->is_picking = !s->is_picking;
	s->picked_ns = logs_selected(s, v, &line) ? line.time_ns : v->range.end_ns;
	logs_histogram_pick(s, v, 0);
	return NULL;
}

static struct op *
sideways(struct logs_panel *s, const struct view *v, int by)
{
	if (s->is_picking) {
		logs_histogram_pick(s, v, by);
		return NULL;
	}
	s->left += by * STEP_LEFT;
	s->left = s->left < 0 || s->is_wrapped ? 0 : s->left > LEFT_MAX ? LEFT_MAX : s->left;
	return NULL;
}

static struct op *
search(struct logs_panel *s, const char *arg)
{
	struct op *op;
	char *query = arg != NULL ? xstrdup(arg) : query_of(s);

	op = *query != '\0' ? op_text(OP_LOG_SEARCH, "%s", query) :
	    op_text(OP_MESSAGE, "nothing to search for: / filters first, or :search QUERY");
	free(query);
	return op;
}

/* ":save", ":save FILE", ":save jsonl", ":save jsonl FILE". */
static struct op *
save(const char *arg)
{
	static const char format[] = "jsonl";

	arg = arg != NULL ? arg : "";
	if (strncmp(arg, format, strlen(format)) == 0 && (arg[strlen(format)] == ' ' || arg[strlen(format)] == '\0')) {
		arg += strlen(format);
		arg += strspn(arg, " ");
	}
	return op_text(OP_LOG_SAVE, "%s", arg);
}

static struct op *
scroll_record(struct logs_panel *s, int by)
{
	s->record_top = s->record_top + by < 0 ? 0 : s->record_top + by;
	return NULL;
}

static struct op *
toggle_wrap(struct logs_panel *s)
{
	s->is_wrapped = !s->is_wrapped;
	s->left = 0;
	return NULL;
}

static struct op *
toggle_raw(struct logs_panel *s)
{
	s->is_raw = !s->is_raw;
	s->left = 0;
	return op_text(OP_MESSAGE, s->is_raw ? "lines as they came" : "of lines that are JSON or logfmt the message first");
}

#define COMMAND(name, ...)								\
	static struct op *								\
	logs_##name(struct panel *p, const struct view *v, const char *arg)		\
	{										\
		struct logs_panel *s = state_of(p);					\
											\
		(void)s;								\
		(void)v;								\
		(void)arg;								\
		__VA_ARGS__								\
	}

COMMAND(next, return logs_move(s, v, 1);)
COMMAND(previous, return logs_move(s, v, -1);)
COMMAND(page_down, return logs_move(s, v, s->page);)
COMMAND(page_up, return logs_move(s, v, -s->page);)
COMMAND(first, return logs_move(s, v, INT_MIN);)
COMMAND(follow, return logs_move_follow(s);)
COMMAND(details, return open_selected(p, v);)
COMMAND(error, return logs_move_error(s, v, false);)
COMMAND(error_back, return logs_move_error(s, v, true);)
COMMAND(less, return change_level(p, 1);)
COMMAND(more, return change_level(p, -1);)
COMMAND(wrap, return toggle_wrap(s);)
COMMAND(raw, return toggle_raw(s);)
COMMAND(mark, return logs_mark_line(s, v);)
COMMAND(next_mark, return logs_move_mark(s, v);)
COMMAND(time, return time_here(s, v);)
COMMAND(pick, return pick(s, v);)
COMMAND(patterns, return toggle_patterns(s);)
COMMAND(search, return search(s, arg);)
COMMAND(older, return op_new(OP_LOG_OLDER);)
COMMAND(save, return save(arg);)
COMMAND(left, return sideways(s, v, -1);)
COMMAND(right, return sideways(s, v, 1);)
COMMAND(record_down, return scroll_record(s, 3);)
COMMAND(record_up, return scroll_record(s, -3);)

static const struct command logs_commands[] = {
	{ "details", "Enter", CMD_HINT, logs_details, "all of the line: its fields, labels, where it comes from; of a pattern: its lines" },
	{ "follow", "End", CMD_HINT, logs_follow, "follow: the newest line stays in sight" },
	{ "follow-key", "F", CMD_HIDDEN, logs_follow, "follow: the newest line stays in sight" },
	{ "error", "e", CMD_HINT, logs_error, "select the next error" },
	{ "error-back", "E", 0, logs_error_back, "select the error before" },
	{ "patterns", "p", CMD_HINT, logs_patterns, "what kinds of lines there are, new ones first; or the lines again" },
	{ "less", "]", CMD_HINT, logs_less, "only more severe lines: a higher least level" },
	{ "more", "[", 0, logs_more, "less severe lines too: a lower least level" },
	{ "search", "s", CMD_HINT | CMD_ARG, logs_search, "ask the stores for the filter over the time range; :search QUERY" },
	{ "older", "o", 0, logs_older, "ask the stores for the lines before" },
	{ "wrap", "w", 0, logs_wrap, "break long lines, or no longer" },
	{ "raw", "v", 0, logs_raw, "lines that are JSON or logfmt as they came, or their message first again" },
	{ "mark", "m", 0, logs_mark, "mark the line, or take the mark away" },
	{ "next-mark", "'", 0, logs_next_mark, "select the next line that is marked" },
	{ "time", "t", 0, logs_time, "time cursor of all panels to this line" },
	{ "pick", "h", 0, logs_pick, "choose a time in the histogram: Left and Right, Enter goes there" },
	{ "save", NULL, CMD_ARG, logs_save, "write what is shown as JSON lines: save [jsonl] [FILE]" },
	{ "next", "j", 0, logs_next, "select the next line" },
	{ "previous", "k", 0, logs_previous, "select the line before" },
	{ "next-arrow", "Down", CMD_HIDDEN, logs_next, "select the next line" },
	{ "previous-arrow", "Up", CMD_HIDDEN, logs_previous, "select the line before" },
	{ "page-down", "PgDn", 0, logs_page_down, "a page down" },
	{ "page-up", "PgUp", 0, logs_page_up, "a page up" },
	{ "first", "Home", 0, logs_first, "select the oldest line" },
	{ "left", "Left", 0, logs_left, "to the left in long lines" },
	{ "right", "Right", 0, logs_right, "to the right in long lines" },
	{ "record-down", "J", 0, logs_record_down, "scroll the details down" },
	{ "record-up", "K", 0, logs_record_up, "scroll the details up" },
	{ 0 }
};

/* Esc closes what was opened last, before it means anything else. */
static bool
logs_key(struct panel *p, const struct view *v, int key, struct op **ret_op)
{
	struct logs_panel *s = state_of(p);

	(void)v;
	if (key != KEY_ESC)
		return false;
	if (s->is_picking)
		s->is_picking = false;
	else if (s->is_patterns)
		*ret_op = toggle_patterns(s);
	else if (s->is_record)
		s->is_record = false;
	else
		return false;
	return true;
}

const struct panel_ops panel_logs = {
	.name = "logs",
	.title = "Logs",
	.help = "The lines of all log stores in one order of time; filter with / (words, !word, /regex/, level:warning, service:NAME, "
	    "label:NAME=VALUE, source:NAME).",
	.state_size = sizeof(struct logs_panel),
	.watches = MODEL_LOGS | MODEL_SOURCES | MODEL_ALERTS | MODEL_MARKERS | MODEL_ENVIRONMENT,
	.commands = logs_commands,
	.open = logs_open,
	.show = logs_show,
	.arrange = logs_arrange,
	.draw = logs_draw,
	.key = logs_key,
	.filter = logs_filter,
	.filtered = logs_filtered,
	.summary = logs_summary,
	.close = logs_close,
};
