/*
 * Sources: through what we see, and how well. A row each; for the selected one every kind of request, the targets that are down,
 * the rules that fail, and what the server says of itself.
 */
#include "config.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "panels.h"
#include "parts.h"
#include "ui/widget.h"

enum { LISTED_MAX = 200 };

struct sources_state {
	struct list list;
	uint64_t *ids;
	int n;
	struct split split;
	bool is_detail_closed;
	int detail_top;
	bool is_detail_wanted;		/* on a screen too small for both */
};

static struct sources_state *
state_of(const struct panel *p)
{
	return p->state;
}

static uint64_t
source_id(const char *name)
{
	uint64_t h = str_hash(name, strlen(name), STR_HASH_SEED);

	return h != 0 ? h : 1;
}

static const struct model_source *
selected(const struct sources_state *s, const struct view *v)
{
	for (size_t i = 0; v->model != NULL && i < model_n_sources(v->model); i++)
		if (source_id(model_source(v->model, i)->name) == s->list.selected_id)
			return model_source(v->model, i);
	return NULL;
}

/* --- the detail ------------------------------------------------------------------------------ */

static void
detail_failure(struct pen *p, const struct view *v, const struct source_request *r)
{
	char age[DURATION_TEXT_MAX], times[40] = "failed once";

	pen_indented(p, 3, 3, ROLE_TEXT, r->last->error);
	if (r->n_failed_in_row > 1)
		snprintf(times, sizeof times, "failed %u times in a row", r->n_failed_in_row);
	if (r->last_ok_ns != 0)
		canvas_printf(p->c, 3, p->y++, ROLE_DIM, "%s; last good answer %s ago", times, view_age(v, r->last_ok_ns, age));
	else
		canvas_printf(p->c, 3, p->y++, ROLE_DIM, "%s; never a good answer", times);
}

static void
detail_request(struct pen *p, const struct view *v, const struct source_request *r, int name_w)
{
	char age[DURATION_TEXT_MAX], due[DURATION_TEXT_MAX], latency[NUM_TEXT_MAX], bytes[NUM_TEXT_MAX] = "-", status[24] = "-";
	const struct source_report *last = r->last;
	enum role role = last->is_ok ? ROLE_OK : ROLE_CRITICAL;
	int64_t in = last->next_due_ns - view_time(v);
	int x = 4 + name_w;

	num_format(latency, (double)last->latency_ns / 1e9, "seconds");
	if (last->bytes > 0)
		num_format(bytes, (double)last->bytes, "bytes");
	if (last->http_status != 0)
		snprintf(status, sizeof status, "%ld", last->http_status);
	canvas_text(p->c, 1, p->y, role, last->is_ok ? GLYPH_OK : GLYPH_FIRING);
	canvas_text_w(p->c, 3, p->y, name_w, ROLE_TEXT, last->what, false);
	x = canvas_printf(p->c, x, p->y, last->is_ok ? ROLE_TEXT : ROLE_CRITICAL, "%-6s %3s %7s %8s %5s ago",
	    last->is_ok ? "ok" : "failed", status, latency, bytes, view_age(v, r->last_ns, age));
	if (in > 0 && v->range.is_live && x + 14 < p->c->w)
		canvas_printf(p->c, x, p->y, ROLE_DIM, ", next in %s", duration_format(due, in));
	p->y++;
	if (!last->is_ok)
		detail_failure(p, v, r);
}

static int
request_name_width(const struct model_source *s, int w)
{
	int widest = 6;

	for (size_t i = 0; i < s->n_requests; i++) {
		int width = (int)str_width(s->requests[i].last->what);

		widest = width > widest ? width : widest;
	}
	/* What stands behind takes 37 columns. */
	return widest > w - 42 && w - 42 > 6 ? w - 42 : widest;
}

static void
detail_targets(struct pen *p, const struct view *v, const struct model_source *s)
{
	const struct target_set *set = s->targets;
	char age[DURATION_TEXT_MAX], title[160];
	size_t n = 0;

	if (set == NULL)
		return;
	snprintf(title, sizeof title, "Targets: %zu up, %zu down, %zu not scraped yet  (%s ago)", set->n_up, set->n_down,
	    set->n_unknown, view_age(v, s->targets_ns, age));
	p->y++;
	pen_heading(p, title);
	for (size_t i = 0; i < set->n && n < LISTED_MAX; i++) {
		const struct target *t = &set->v[i];

		if (t->health != TARGET_DOWN)
			continue;
		n++;
		canvas_text(p->c, 1, p->y, ROLE_CRITICAL, GLYPH_FIRING);
		canvas_printf(p->c, 3, p->y++, ROLE_STRONG, "%s  %s", t->job, t->instance);
		if (*t->error != '\0')
			pen_indented(p, 3, 3, ROLE_TEXT, t->error);
		if (t->last_scrape_ns != 0)
			canvas_printf(p->c, 3, p->y++, ROLE_DIM, "last scraped %s ago", view_age(v, t->last_scrape_ns, age));
	}
}

static void
detail_rules(struct pen *p, const struct view *v, const struct model_source *s)
{
	const struct rule_set *set = s->rules;
	char age[DURATION_TEXT_MAX], title[160];
	size_t n = 0;

	if (set == NULL)
		return;
	snprintf(title, sizeof title, "Rules: %zu, %zu in error  (%s ago)", set->n, set->n_err, view_age(v, s->rules_ns, age));
	p->y++;
	pen_heading(p, title);
	for (size_t i = 0; i < set->n && n < LISTED_MAX; i++) {
		const struct rule *r = &set->v[i];

		if (*r->error == '\0')
			continue;
		n++;
		canvas_text(p->c, 1, p->y, ROLE_CRITICAL, GLYPH_FIRING);
		canvas_printf(p->c, 3, p->y++, ROLE_STRONG, "%s  %s", r->name, r->group);
		pen_indented(p, 3, 3, ROLE_TEXT, r->error);
	}
}

/* The replica that answered last, and the largest difference between the clocks. */
static void
detail_server(struct pen *p, const struct view *v, const struct model_source *s)
{
	const char *replica = "";
	char moment[PART_MOMENT_MAX], skew[DURATION_TEXT_MAX];
	int64_t skew_ns = 0, newest = 0;

	for (size_t i = 0; i < s->n_requests; i++) {
		const struct source_request *r = &s->requests[i];

		if (llabs(r->last->skew_ns) > llabs(skew_ns))
			skew_ns = r->last->skew_ns;
		if (r->last->is_ok && *r->last->replica != '\0' && r->last_ns > newest) {
			newest = r->last_ns;
			replica = r->last->replica;
		}
	}
	pen_field(p, "url", ROLE_TEXT, s->url);
	if (strcmp(replica, s->url) != 0)
		pen_field(p, "answers from", ROLE_TEXT, replica);
	if (s->info != NULL) {
		pen_field_printf(p, "server", ROLE_TEXT, "%s %s", s->info->product, s->info->version);
		if (s->info->started_ns != 0)
			pen_field(p, "started", ROLE_TEXT, part_moment(v, s->info->started_ns, moment));
		for (size_t i = 0; i < s->info->notes.n; i++)
			pen_field(p, i == 0 ? "notes" : "", ROLE_TEXT, s->info->notes.v[i]);
		for (size_t i = 0; i < s->info->receivers.n; i++)
			pen_field(p, i == 0 ? "receivers" : "", ROLE_TEXT, s->info->receivers.v[i]);
	}
	if (skew_ns != 0)
		pen_field_printf(p, "clock", ROLE_WARNING, "its clock is %s %s ours: ages may be off by that",
		    duration_format(skew, llabs(skew_ns)), skew_ns > 0 ? "ahead of" : "behind");
}

static void
detail(struct pen *p, const struct view *v, const struct model_source *s)
{
	char age[DURATION_TEXT_MAX];
	enum role role;
	const char *glyph = part_source_glyph(s->state, &role);

	canvas_text(p->c, 1, p->y, role, glyph);
	canvas_printf(p->c, 3, p->y++, ROLE_STRONG, "%s", s->name);
	pen_field_printf(p, "state", role, "%s%s%s", source_state_name(s->state), s->since_ns != 0 ? " for " : "",
	    s->since_ns != 0 ? view_age(v, s->since_ns, age) : "");
	if (*s->error != '\0')
		pen_field(p, "error", ROLE_TEXT, s->error);
	detail_server(p, v, s);
	p->y++;
	pen_heading(p, "Requests");
	if (s->n_requests == 0)
		pen_text(p, ROLE_UNKNOWN, GLYPH_UNKNOWN " none has come back yet");
	for (size_t i = 0; i < s->n_requests; i++)
		detail_request(p, v, &s->requests[i], request_name_width(s, p->c->w));
	detail_targets(p, v, s);
	detail_rules(p, v, s);
}

/* --- the list -------------------------------------------------------------------------------- */

enum { COL_GLYPH, COL_NAME, COL_STATE, COL_TYPE, COL_VERSION, COL_LATENCY, COL_AGE, COL_FAILED, COL_ERROR, COLS };

/* The slowest of the newest answers, and the most failures in a row: what a person would ask about. */
static void
worst_of(const struct model_source *s, int64_t *ret_latency_ns, unsigned *ret_failed)
{
	*ret_latency_ns = -1;
	*ret_failed = 0;
	for (size_t i = 0; i < s->n_requests; i++) {
		const struct source_request *r = &s->requests[i];

		if (r->last->is_ok && r->last->latency_ns > *ret_latency_ns)
			*ret_latency_ns = r->last->latency_ns;
		if (r->n_failed_in_row > *ret_failed)
			*ret_failed = r->n_failed_in_row;
	}
}

/* What it says when all its requests are fine: the things behind it that are not. */
static const char *
trouble_text(const struct model_source *s, char *buf, size_t size)
{
	size_t down = s->targets != NULL ? s->targets->n_down : 0, err = s->rules != NULL ? s->rules->n_err : 0;

	*buf = '\0';
	if (*s->error != '\0')
		return s->error;
	if (down > 0)
		snprintf(buf, size, "%zu of %zu targets down%s", down, s->targets->n, err > 0 ? ", rules in error" : "");
	else if (err > 0)
		snprintf(buf, size, "%zu of %zu rules in error", err, s->rules->n);
	return buf;
}

static void
draw_row(struct canvas *c, int y, const struct view *v, const struct model_source *s, const struct column *cols)
{
	struct canvas row = canvas_sub(c, 1, y, c->w - 1, 1);
	char latency[NUM_TEXT_MAX] = "-", age[DURATION_TEXT_MAX], failed[24], version[96] = "", trouble[96];
	int64_t latency_ns;
	unsigned n_failed;
	enum role role;
	const char *glyph = part_source_glyph(s->state, &role);

	worst_of(s, &latency_ns, &n_failed);
	if (latency_ns >= 0)
		num_format(latency, (double)latency_ns / 1e9, "seconds");
	if (s->info != NULL)
		snprintf(version, sizeof version, "%.40s", s->info->version);
	snprintf(failed, sizeof failed, "%u", n_failed);
	columns_cell(&row, 0, &cols[COL_GLYPH], role, glyph);
	columns_cell(&row, 0, &cols[COL_NAME], ROLE_STRONG, s->name);
	columns_cell(&row, 0, &cols[COL_STATE], role, source_state_name(s->state));
	columns_cell(&row, 0, &cols[COL_TYPE], ROLE_DIM, s->type);
	columns_cell(&row, 0, &cols[COL_VERSION], ROLE_DIM, version);
	columns_cell(&row, 0, &cols[COL_LATENCY], ROLE_TEXT, latency);
	columns_cell(&row, 0, &cols[COL_AGE], s->state == SOURCE_STALE ? ROLE_STALE : ROLE_TEXT,
	    s->last_ok_ns != 0 ? view_age(v, s->last_ok_ns, age) : "never");
	columns_cell(&row, 0, &cols[COL_FAILED], n_failed > 0 ? ROLE_CRITICAL : ROLE_DIM, failed);
	columns_cell(&row, 0, &cols[COL_ERROR], ROLE_TEXT, trouble_text(s, trouble, sizeof trouble));
}

static void
columns_of(const struct view *v, int w, struct column *cols)
{
	int name_w = 8;

	for (size_t i = 0; i < model_n_sources(v->model); i++) {
		int width = (int)str_width(model_source(v->model, i)->name);

		name_w = width > name_w ? width : name_w;
	}
	name_w = name_w > w / 3 ? w / 3 : name_w;
	cols[COL_GLYPH] = (struct column){ .title = "", .min = 1, .priority = 0 };
	cols[COL_NAME] = (struct column){ .title = "source", .min = name_w > 4 ? name_w : 4, .priority = 0 };
	cols[COL_STATE] = (struct column){ .title = "state", .min = 8, .priority = 1 };
	cols[COL_TYPE] = (struct column){ .title = "type", .min = 12, .priority = 7 };
	cols[COL_VERSION] = (struct column){ .title = "version", .min = 9, .priority = 6 };
	cols[COL_LATENCY] = (struct column){ .title = "latency", .min = 7, .is_right = true, .priority = 4 };
	cols[COL_AGE] = (struct column){ .title = "age", .min = 6, .is_right = true, .priority = 1 };
	cols[COL_FAILED] = (struct column){ .title = "failed", .min = 6, .is_right = true, .priority = 5 };
	cols[COL_ERROR] = (struct column){ .title = "trouble", .min = 16, .weight = 1, .priority = 3 };
	columns_fit(cols, COLS, w - 2);
}

/* --- the panel ------------------------------------------------------------------------------- */

static void
sources_arrange(struct panel *p, const struct view *v, int w, int h)
{
	struct sources_state *s = state_of(p);
	const struct model_source *source;
	int most = 0;

	free(s->ids);
	s->ids = NULL;
	s->n = 0;
	if (v->model == NULL)
		return;
	s->n = (int)model_n_sources(v->model);
	s->ids = xcalloc((size_t)s->n, sizeof *s->ids);
	for (int i = 0; i < s->n; i++)
		s->ids[i] = source_id(model_source(v->model, (size_t)i)->name);
	s->split = part_split(w, h, !s->is_detail_closed && s->n > 0, s->n + 1);
	if (s->split.kind == SPLIT_FULL && !s->is_detail_wanted)
		s->split = part_split(w, h, false, s->n + 1);
	list_arrange(&s->list, s->ids, s->n, s->split.list_h - 1);
	source = selected(s, v);
	if (source != NULL && s->split.kind != SPLIT_NONE && s->detail_top > 0) {
		struct pen_measure m;

		detail(pen_measure(&m, s->split.detail_w), v, source);
		most = pen_measure_done(&m) - s->split.detail_h;
	}
	s->detail_top = s->detail_top > most ? most < 0 ? 0 : most : s->detail_top;
}

static void
draw_detail(const struct sources_state *s, const struct view *v, struct canvas *c)
{
	struct canvas part = part_split_detail(c, &s->split);
	const struct model_source *source = selected(s, v);
	struct pen pen = { .c = &part, .y = -s->detail_top };

	if (source == NULL)
		return;
	detail(&pen, v, source);
	part_more(&part, pen.y);
}

static void
sources_draw(const struct panel *p, const struct view *v, struct canvas *c)
{
	const struct sources_state *s = state_of(p);
	struct column cols[COLS] = { 0 };
	struct canvas list, header;

	if (part_not_recorded(c, v))
		return;
	if (s->n == 0) {
		canvas_text_w(c, 1, 0, c->w - 2, ROLE_UNKNOWN, GLYPH_UNKNOWN " No sources are configured: nothing can be seen.", false);
		return;
	}
	if (s->split.kind != SPLIT_NONE)
		draw_detail(s, v, c);
	list = canvas_sub(c, 0, 0, s->split.list_w, s->split.list_h);
	if (list.h == 0)
		return;
	columns_of(v, list.w, cols);
	header = canvas_sub(&list, 1, 0, list.w - 1, 1);
	columns_header(&header, 0, cols, COLS);
	for (int i = 0; i + 1 < list.h && s->list.top + i < s->n; i++) {
		draw_row(&list, i + 1, v, model_source(v->model, (size_t)(s->list.top + i)), cols);
		if (v->is_focused && s->list.top + i == s->list.selected)
			canvas_select(&list, 0, i + 1, list.w);
	}
}

static void
sources_summary(const struct panel *p, const struct view *v, char *buf, size_t size)
{
	size_t n_ok = 0, n;

	(void)p;
	if (v->model == NULL) {
		snprintf(buf, size, "? not recorded");
		return;
	}
	n = model_n_sources(v->model);
	for (size_t i = 0; i < n; i++)
		n_ok += model_source(v->model, i)->state == SOURCE_OK;
	snprintf(buf, size, "%zu of %zu ok", n_ok, n);
}

static void
sources_show(struct panel *p, const struct view *v, const char *arg)
{
	struct sources_state *s = state_of(p);

	if (v->model == NULL || model_source_find(v->model, arg) == NULL)
		return;
	s->list.selected_id = source_id(arg);
	s->is_detail_closed = false;
	s->is_detail_wanted = true;
	s->detail_top = 0;
}

static void
sources_close(struct panel *p)
{
	free(state_of(p)->ids);
}

#define COMMAND(name, ...)								\
	static struct op *								\
	sources_##name(struct panel *p, const struct view *v, const char *arg)		\
	{										\
		struct sources_state *s = state_of(p);					\
											\
		(void)v;								\
		(void)arg;								\
		__VA_ARGS__								\
		return NULL;								\
	}

static void
move(struct sources_state *s, int by)
{
	list_move(&s->list, s->ids, s->n, by);
	s->detail_top = 0;
}

static void
toggle_detail(struct sources_state *s)
{
	if (s->split.kind == SPLIT_NONE)
		s->is_detail_closed = false;
	else
		s->is_detail_closed = s->split.kind != SPLIT_FULL;
	s->is_detail_wanted = s->split.kind == SPLIT_NONE;
	s->detail_top = 0;
}

COMMAND(next, move(s, 1);)
COMMAND(previous, move(s, -1);)
COMMAND(first, move(s, INT_MIN);)
COMMAND(last, move(s, INT_MAX);)
COMMAND(details, toggle_detail(s);)
COMMAND(detail_down, s->detail_top += 3;)
COMMAND(detail_up, s->detail_top = s->detail_top > 3 ? s->detail_top - 3 : 0;)

static const struct command sources_commands[] = {
	{ "details", "Enter", CMD_HINT, sources_details, "show or hide requests, targets and rules" },
	{ "next", "j", CMD_HINT, sources_next, "select the next source" },
	{ "previous", "k", CMD_HINT, sources_previous, "select the source before" },
	{ "next-arrow", "Down", CMD_HIDDEN, sources_next, "select the next source" },
	{ "previous-arrow", "Up", CMD_HIDDEN, sources_previous, "select the source before" },
	{ "first", "Home", 0, sources_first, "select the first source" },
	{ "last", "End", 0, sources_last, "select the last source" },
	{ "detail-down", "J", CMD_HINT, sources_detail_down, "scroll the details down" },
	{ "detail-up", "K", 0, sources_detail_up, "scroll the details up" },
	{ "detail-page-down", "PgDn", CMD_HIDDEN, sources_detail_down, "scroll the details down" },
	{ "detail-page-up", "PgUp", CMD_HIDDEN, sources_detail_up, "scroll the details up" },
	{ 0 }
};

const struct panel_ops panel_sources = {
	.name = "sources",
	.title = "Sources",
	.help = "How well we see: health, latency, age and errors of every source; targets down, rules in error.",
	.state_size = sizeof(struct sources_state),
	.watches = MODEL_SOURCES | MODEL_ENVIRONMENT,
	.commands = sources_commands,
	.show = sources_show,
	.arrange = sources_arrange,
	.draw = sources_draw,
	.summary = sources_summary,
	.close = sources_close,
};
