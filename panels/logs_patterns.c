/* Lines by their pattern: what has not been seen before the incident first, then by how many there are. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "insight/log_look.h"
#include "insight/log_short.h"
#include "logs.h"

enum { QUERY_MAX = 1 << 14, NEW_W = 4, COUNT_W = 10, TREND_FROM = 100, SERVICES_FROM = 70, SERVICES_W = 18 };

const struct log_pattern_set *
logs_pattern_set(const struct view *v)
{
	return v->log_patterns != NULL || v->live == NULL ? v->log_patterns : model_log_patterns(v->live);
}

static bool
has_unknown(const struct log_pattern_set *set)
{
	for (size_t i = 0; set != NULL && i < set->n; i++)
		if (set->v[i].is_unknown)
			return true;
	return false;
}

void
logs_patterns_arrange(struct logs_panel *s, const struct view *v, int h)
{
	const struct log_pattern_set *set = logs_pattern_set(v);
	size_t n = set != NULL ? set->n : 0;

	s->pattern_ids = xreallocarray(s->pattern_ids, n + 1, sizeof *s->pattern_ids);
	for (size_t i = 0; i < n; i++)
		s->pattern_ids[i] = set->v[i].id;
	s->n_patterns = (int)n;
	s->page = h - 1 - (has_unknown(set) ? 1 : 0);
	s->page = s->page < 1 ? 1 : s->page;
	list_arrange(&s->patterns, s->pattern_ids, s->n_patterns, s->page);
}

const struct log_pattern *
logs_pattern_selected(const struct logs_panel *s, const struct view *v)
{
	const struct log_pattern_set *set = logs_pattern_set(v);

	if (set == NULL || s->patterns.selected < 0 || (size_t)s->patterns.selected >= set->n)
		return NULL;
	return &set->v[s->patterns.selected];
}

/* --- drawing --------------------------------------------------------------------------------- */

struct places {
	int trend_x, services_x, text_x;	/* 0: not shown */
};

static struct places
places_of(int w)
{
	struct places p = { .text_x = NEW_W + COUNT_W + 8 };

	if (w >= TREND_FROM) {
		p.trend_x = p.text_x;
		p.text_x += LOG_TREND + 1;
	}
	if (w >= SERVICES_FROM) {
		p.services_x = p.text_x;
		p.text_x += SERVICES_W + 1;
	}
	return p;
}

static void
draw_trend(struct canvas *c, int x, int y, const struct log_pattern *p)
{
	struct sample v[LOG_TREND];

	for (int i = 0; p->trend != NULL && i < LOG_TREND; i++)
		v[i] = (struct sample){ .t_ns = i, .v = p->trend[i] };
	if (p->trend != NULL)
		sparkline_draw(c, x, y, LOG_TREND, ROLE_GRAPH_1, v, LOG_TREND, 0, LOG_TREND);
}

/* What varies outside of texts is no JSON: in quotes it is. The comma or brace that ended a word went with it. */
static void
quote_wild(const char *text, struct buf *ret)
{
	static const char wild[] = "<*>";
	bool is_text = false;

	while (*text != '\0') {
		if (!is_text && str_has_prefix(text, wild)) {
			buf_printf(ret, "\"%s\"", wild);
			text += strlen(wild);
			if (*text == '\0')
				buf_addch(ret, '}');
			else if (*text == ' ')
				buf_addch(ret, ',');
			continue;
		}
		if (*text == '\\' && text[1] != '\0')
			buf_addch(ret, *text++);
		else if (*text == '"')
			is_text = !is_text;
		buf_addch(ret, *text++);
	}
}

/* Of JSON the message first, as the rows of lines have it. */
static void
draw_text(struct canvas *c, int x, int y, const struct log_pattern *p)
{
	struct buf quoted, text;
	struct log_ref line = { .level = p->level, .service = p->services != NULL ? p->services : "", .source = "" };
	size_t fields;

	buf_init(&quoted, QUERY_MAX);
	buf_init(&text, QUERY_MAX);
	if (*p->text == '{')
		quote_wild(p->text, &quoted);
	line.text = quoted.data;
	line.len = quoted.len;
	canvas_text_w(c, x, y, c->w - x, ROLE_TEXT, quoted.len > 0 && log_short(&line, &text, &fields) ? text.data : p->text, false);
	buf_done(&text);
	buf_done(&quoted);
}

static void
draw_pattern(struct canvas *c, int y, const struct places *at, const struct log_pattern *p)
{
	char n[LOGS_COUNT_MAX];
	enum role role;
	const char *glyph = logs_glyph(p->level, &role);

	if (p->is_new)
		canvas_text(c, 1, y, ROLE_CHANGED, "NEW");
	else if (p->is_unknown)
		canvas_text(c, 1, y, ROLE_UNKNOWN, "?");
	canvas_text_right(c, NEW_W + COUNT_W, y, ROLE_TEXT, logs_count(p->n, n));
	canvas_text(c, NEW_W + COUNT_W + 1, y, role, glyph);
	canvas_text(c, NEW_W + COUNT_W + 3, y, role, log_level_short(p->level));
	if (at->trend_x > 0)
		draw_trend(c, at->trend_x, y, p);
	if (at->services_x > 0)
		canvas_text_w(c, at->services_x, y, SERVICES_W, ROLE_STRONG, p->services, false);
	draw_text(c, at->text_x, y, p);
}

static void
draw_header(struct canvas *c, const struct places *at)
{
	canvas_text_right(c, NEW_W + COUNT_W, 0, ROLE_DIM, "lines");
	canvas_text(c, NEW_W + COUNT_W + 3, 0, ROLE_DIM, "lvl");
	if (at->trend_x > 0)
		canvas_text(c, at->trend_x, 0, ROLE_DIM, "over the range");
	if (at->services_x > 0)
		canvas_text(c, at->services_x, 0, ROLE_DIM, "services");
	canvas_text(c, at->text_x, 0, ROLE_DIM, "pattern");
}

/* "9 patterns of 410 lines  NEW since 02:14:11, first page" */
void
logs_patterns_summary(const struct view *v, const struct log_pattern_set *set, bool is_filtered, char *buf, size_t size)
{
	char n[LOGS_COUNT_MAX], at[CLOCK_TEXT_MAX];
	const char *what = "";
	bool is_known = v->live != NULL && log_anchor(v->live, v->range.start_ns, v->range.end_ns, &what) == set->new_since_ns;

	clock_format(at, set->new_since_ns, 0);
	snprintf(buf, size, "%zu patterns of %s%s lines%s  NEW since %.8s%s%s", set->n, is_filtered ? "all " : "", logs_count(set->n_lines, n),
	    is_filtered ? ", unfiltered" : "", strlen(at) > 11 ? at + 11 : at,
	    is_known ? ", " : "", is_known ? what : "");
}

void
logs_patterns_draw(const struct logs_panel *s, const struct view *v, struct canvas *c)
{
	const struct log_pattern_set *set = logs_pattern_set(v);
	struct places at = places_of(c->w);

	if (set == NULL || set->n == 0) {
		canvas_text(c, 1, 0, ROLE_DIM, set == NULL ? "finding patterns in the lines that are held" : "no lines, so no patterns");
		return;
	}
	draw_header(c, &at);
	if (has_unknown(set))
		canvas_text_w(c, 1, c->h - 1, c->w - 2, ROLE_UNKNOWN, "? not known: nothing is held from before; o asks for older lines", false);
	for (int i = 0; i < s->page && s->patterns.top + i < s->n_patterns && (size_t)(s->patterns.top + i) < set->n; i++) {
		draw_pattern(c, i + 1, &at, &set->v[s->patterns.top + i]);
		if (s->patterns.top + i == s->patterns.selected)
			canvas_select(c, 0, i + 1, c->w);
	}
}

/* --- filtering by one ---------------------------------------------------------------------------- */

/* pattern:"user <*> not found" */
char *
logs_pattern_query(const struct log_pattern *p)
{
	struct buf b;
	char *query;

	buf_init(&b, QUERY_MAX);
	buf_addstr(&b, "pattern:\"");
	for (const char *at = p->text; *at != '\0' && b.len < QUERY_MAX - 16; at++) {
		if (*at == '"' || *at == '\\')
			buf_addch(&b, '\\');
		buf_addch(&b, *at);
	}
	buf_addch(&b, '"');
	query = buf_take(&b, NULL);
	buf_done(&b);
	return query;
}
