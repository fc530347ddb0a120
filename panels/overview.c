/*
 * Overview: what is wrong now, since when and how sure; what changed lately; through which sources we see; whom to call.
 * The sections stand in order of importance and share the room: each keeps a little, the first ones take the rest.
 */
#include "config.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "overview.h"
#include "parts_drift.h"
#include "parts_models.h"
#include "parts_slo.h"
#include "ui/panel.h"
#include "ui/widget.h"

enum section { SECTION_WRONG, SECTION_BUDGETS, SECTION_MODELS, SECTION_CHANGED, SECTION_SOURCES, SECTION_CALL, SECTIONS };
enum { WORD_W_MIN = 8, TEXT_W_MIN = 12, EVIDENCE_W = 30, EVIDENCE_FROM = 110, EVIDENCE_ROW_FROM = 14, TEXT_ROW_FROM = 18, TINY_H = 6 };

struct overview {
	struct list list;
	uint64_t *ids;			/* of the problems, in the model's order */
	int n;
	int rows[SECTIONS];		/* given to each section, heading included; 0: not shown */
};

static struct overview *
state_of(const struct panel *p)
{
	return p->state;
}

/* --- problems -------------------------------------------------------------------------------- */

/* What a problem is known by from one poll to the next. */
static uint64_t
problem_id(const struct problem *p)
{
	uint64_t h;

	if (p->kind == PROBLEM_ALERT)
		return p->alert_id;
	h = str_hash(&p->kind, sizeof p->kind, STR_HASH_SEED);
	/* Several models may have a feature of one name. */
	h = p->kind == PROBLEM_DRIFT ? str_hash(p->drift_id, strlen(p->drift_id), h) : str_hash(p->name, strlen(p->name), h);
	return h != 0 ? h : 1;
}

static const struct problem *
problem_find(const struct model *m, uint64_t id)
{
	for (size_t i = 0; m != NULL && i < model_n_problems(m); i++)
		if (problem_id(model_problem(m, i)) == id)
			return model_problem(m, i);
	return NULL;
}

static bool
is_old(const struct model *m, const struct problem *p)
{
	const struct model_alert *a = p->kind == PROBLEM_ALERT ? model_alert_find(m, p->alert_id) : NULL;

	return a != NULL && a->is_stale;
}

static const char *
problem_glyph(const struct model *m, const struct problem *p, enum role *ret_role)
{
	const struct model_slo *slo = p->kind == PROBLEM_SLO ? model_slo_find(m, p->slo_id) : NULL;
	const struct model_model *model = p->kind == PROBLEM_MODEL ? part_model_find(m, p->name) : NULL;
	const struct model_drift *drift = p->kind == PROBLEM_DRIFT ? model_drift_find(m, p->drift_id) : NULL;
	const struct model_source *s;

	if (slo != NULL)
		return part_slo_glyph(slo, ret_role);
	if (drift != NULL)
		return part_drift_glyph(drift, ret_role);
	if (model != NULL)
		return part_model_glyph(model, ret_role);
	if (is_old(m, p)) {
		*ret_role = ROLE_STALE;
		return GLYPH_STALE;
	}
	if (p->kind == PROBLEM_ALERT)
		return part_alert_glyph(p->state, p->severity, ret_role);
	s = model_source_find(m, p->name);
	if (p->kind == PROBLEM_SOURCE && s != NULL)
		return part_source_glyph(s->state, ret_role);
	*ret_role = part_severity_role(p->severity);
	return GLYPH_FIRING;
}

static const char *
problem_word(const struct model *m, const struct problem *p)
{
	const struct model_alert *a;
	const struct model_source *s;
	const struct model_drift *drift;
	const struct model_model *model;
	const struct model_slo *slo;

	switch (p->kind) {
	case PROBLEM_ALERT:
		if (p->state == ALERT_PENDING)
			return "pending";
		a = model_alert_find(m, p->alert_id);
		return a != NULL ? part_severity_word(a) : severity_name(p->severity);
	case PROBLEM_SOURCE:
		s = model_source_find(m, p->name);
		return s != NULL ? source_state_name(s->state) : "unknown";
	case PROBLEM_TARGETS:
		return "down";
	case PROBLEM_SLO:
		slo = model_slo_find(m, p->slo_id);
		/* That there is no data, its text says. */
		if (slo != NULL && part_slo_is_blind(slo) && part_slo_severity(slo) != SEVERITY_NONE)
			return severity_name(part_slo_severity(slo));
		return slo != NULL ? part_slo_word(slo) : "unknown";
	case PROBLEM_MODEL:
		model = part_model_find(m, p->name);
		return model != NULL ? part_model_word(model) : "model";
	case PROBLEM_DRIFT:
		drift = model_drift_find(m, p->drift_id);
		return drift != NULL ? part_drift_word(drift) : "drifted";
	case PROBLEM_RULES:
		break;
	}
	return "rules";
}

/* --- room ------------------------------------------------------------------------------------ */

static int
count_max(size_t n)
{
	return n > 10000 ? 10000 : (int)n;
}

/* Every section first gets its least, the most important one first; then what is left goes round in the same order. */
static void
share_rows(int *rows, const int *want, const int *least, int h)
{
	for (int i = 0; i < SECTIONS; i++) {
		int first = want[i] < least[i] ? want[i] : least[i];

		rows[i] = first <= h ? first : i == 0 ? h : 0;
		h -= rows[i];
	}
	for (int i = 0; i < SECTIONS && h > 0; i++) {
		int more = rows[i] == 0 ? 0 : want[i] - rows[i];

		more = more > h ? h : more;
		rows[i] += more;
		h -= more;
	}
}

/* Where all sources answered, their heading says so: a row of what is wrong or changed is worth more than one of theirs. */
static void
take_from_sources(int *rows, const int *want)
{
	for (int i = 0; i < SECTION_SOURCES; i++) {
		while (rows[i] > 0 && rows[i] < want[i] && rows[SECTION_SOURCES] > 1) {
			rows[i]++;
			rows[SECTION_SOURCES]--;
		}
	}
}

/* Rows below the list for what its narrow columns cut of the selected problem: how sure, and before it the whole text. */
static int
rows_of_text(int w, int h, int n)
{
	if (w >= EVIDENCE_FROM || n == 0)
		return 0;
	return h >= TEXT_ROW_FROM ? 2 : h >= EVIDENCE_ROW_FROM ? 1 : 0;
}

/* The same and, where any is offered, one for the runbooks. */
static int
rows_of_selected(const struct view *v, int w, int h, int n)
{
	return rows_of_text(w, h, n) + (n > 0 && h >= EVIDENCE_ROW_FROM && overview_runbooks_any(v));
}

static void
overview_arrange(struct panel *p, const struct view *v, int w, int h)
{
	static const int least[SECTIONS] = { 4, 1, 1, 2, 2, 2 };
	const struct environment *e = v->live != NULL ? model_environment(v->live) : NULL;
	struct overview *o = state_of(p);
	int want[SECTIONS], shown;

	free(o->ids);
	o->ids = NULL;
	o->n = 0;
	if (v->model == NULL)
		return;
	o->n = count_max(model_n_problems(v->model));
	o->ids = xcalloc((size_t)o->n, sizeof *o->ids);
	for (int i = 0; i < o->n; i++)
		o->ids[i] = problem_id(model_problem(v->model, (size_t)i));
	want[SECTION_WRONG] = 1 + (o->n > 0 ? o->n + rows_of_selected(v, w, h, o->n) : 1);
	want[SECTION_BUDGETS] = overview_budgets_rows(v);
	want[SECTION_MODELS] = overview_models_rows(v);
	want[SECTION_CHANGED] = 1 + (model_n_markers(v->model) > 0 ? count_max(model_n_markers(v->model)) : 1);
	want[SECTION_SOURCES] = 1 + (model_n_sources(v->model) > 0 ? count_max(model_n_sources(v->model)) : 1);
	want[SECTION_CALL] = 1 + (e != NULL && e->n_contacts > 0 ? count_max(e->n_contacts) : 1);
	share_rows(o->rows, want, least, h);
	if (overview_sources_ok(v->model))
		take_from_sources(o->rows, want);
	if (h < TINY_H)
		o->rows[SECTION_WRONG] = h;
	shown = o->rows[SECTION_WRONG] - (h >= TINY_H) - rows_of_selected(v, w, h, o->n);
	list_arrange(&o->list, o->ids, o->n, shown);
}

/* --- what is wrong --------------------------------------------------------------------------- */

static void
draw_nothing_wrong(struct canvas *c, int y, const struct view *v)
{
	struct alert_counts n = { 0 };
	char evidence[96], text[256];
	size_t silenced_pages = 0;

	for (size_t i = 0; i < model_n_alerts(v->model); i++) {
		const struct model_alert *a = model_alert(v->model, i);

		part_count(&n, a->state);
		silenced_pages += a->state == ALERT_SILENCED && a->severity == SEVERITY_PAGE;
	}
	overview_sources_evidence(v, evidence, sizeof evidence);
	if (model_n_sources(v->model) == 0) {
		canvas_text_w(c, 1, y, c->w - 1, ROLE_UNKNOWN, GLYPH_UNKNOWN " Nothing is known: no sources are configured", false);
		return;
	}
	if (!model_alerts_known(v->model)) {
		canvas_text_w(c, 1, y, c->w - 1, ROLE_UNKNOWN, GLYPH_UNKNOWN " Nothing is known yet: no source has told of alerts",
		    false);
		return;
	}
	/* Somebody silenced what may be wrong still: that is said, and not in the colour of well-being. */
	if (silenced_pages > 0) {
		snprintf(text, sizeof text, GLYPH_SILENCED " %zu page%s silenced, nothing else fires; %s",
		    silenced_pages, silenced_pages == 1 ? " is" : "s are", evidence);
		canvas_text_w(c, 1, y, c->w - 1, ROLE_ALERT_SILENCED, text, false);
		return;
	}
	snprintf(text, sizeof text, GLYPH_OK " Nothing is wrong: %zu alerts firing%s, %s", n.firing,
	    n.silenced + n.inhibited > 0 ? ", some silenced or inhibited" : "", evidence);
	canvas_text_w(c, 1, y, c->w - 1, ROLE_OK, text, false);
}

static void
columns_of(const struct view *v, int w, struct column *cols)
{
	int name_w = 12, word_w = WORD_W_MIN;

	for (size_t i = 0; i < model_n_problems(v->model) && i < 100; i++) {
		const struct problem *p = model_problem(v->model, i);
		int width = (int)str_width(p->name), word = p->kind == PROBLEM_MODEL ? (int)strlen(problem_word(v->model, p)) : 0;

		name_w = width > name_w ? width : name_w;
		word_w = word > word_w ? word : word_w;
	}
	if (name_w > w * 2 / 5)
		name_w = w * 2 / 5;
	cols[0] = (struct column){ .min = 1, .priority = 0 };
	cols[1] = (struct column){ .min = name_w > 6 ? name_w : 6, .priority = 0 };
	cols[2] = (struct column){ .min = word_w, .priority = 2 };
	cols[3] = (struct column){ .min = 6, .is_right = true, .priority = 1 };
	cols[4] = (struct column){ .min = TEXT_W_MIN, .weight = 1, .priority = 3 };
	cols[5] = (struct column){ .min = w >= EVIDENCE_FROM ? EVIDENCE_W : 1, .priority = 4 };
	columns_fit(cols, w >= EVIDENCE_FROM ? 6 : 5, w - 2);
}

/* "38% left, 6h10m at 14.9x" of the objective that an alert tells of, "" when it tells of none. */
static const char *
budget_of(const struct model *m, const struct problem *p, char *buf, size_t size)
{
	const struct model_slo *slo = p->kind == PROBLEM_ALERT && p->slo_id != NULL ? model_slo_find(m, p->slo_id) : NULL;
	char text[SLO_TEXT_MAX];

	*buf = '\0';
	if (slo != NULL && slo->slo != NULL)
		str_escape_to(buf, size, slo_budget_text(text, sizeof text, slo->slo));
	return buf;
}

/* What it says, then in a lower voice what it costs, where there is room for both. Where what it says would be cut, what it costs is
 * worth more: it is short, and the whole text stands behind Enter. */
static void
draw_text(struct canvas *row, const struct model *m, const struct problem *p, const struct column *col)
{
	char budget[4 * SLO_TEXT_MAX] = "", brief[PART_SLO_SHORT_MAX];
	int text_w = (int)str_width(p->text);

	if (col->w <= 0 || *budget_of(m, p, budget, sizeof budget) == '\0' || text_w + 2 + (int)str_width(budget) <= col->w) {
		columns_cell(row, 0, col, ROLE_TEXT, p->text);
		if (col->w > 0 && *budget != '\0')
			canvas_text(row, col->x + text_w + 2, 0, ROLE_DIM, budget);
		return;
	}
	if (text_w <= col->w)
		columns_cell(row, 0, col, ROLE_TEXT, p->text);
	else if ((int)str_width(budget) <= col->w)
		columns_cell(row, 0, col, ROLE_TEXT, budget);
	else
		columns_cell(row, 0, col, ROLE_TEXT, part_slo_short(model_slo_find(m, p->slo_id), brief));
}

static void
draw_problem(struct canvas *c, int y, const struct view *v, const struct problem *p, const struct column *cols,
    bool is_selected)
{
	struct canvas row = canvas_sub(c, 1, y, c->w - 1, 1);
	char age[DURATION_TEXT_MAX];
	enum role role;
	const char *glyph = problem_glyph(v->model, p, &role);

	columns_cell(&row, 0, &cols[0], role, glyph);
	columns_cell(&row, 0, &cols[1], ROLE_STRONG, *p->name != '\0' ? p->name : "(no name)");
	columns_cell(&row, 0, &cols[2], role, problem_word(v->model, p));
	columns_cell(&row, 0, &cols[3], ROLE_TEXT, view_age(v, p->since_ns, age));
	draw_text(&row, v->model, p, &cols[4]);
	if (c->w >= EVIDENCE_FROM)
		columns_cell(&row, 0, &cols[5], is_old(v->model, p) || p->is_unknown ? ROLE_STALE : ROLE_DIM, p->evidence);
	if (is_selected)
		canvas_select(c, 0, y, c->w);
}

static void
draw_selected(struct canvas *c, int y, int rows, const struct view *v, uint64_t id)
{
	const struct problem *p = problem_find(v->model, id);
	char age[DURATION_TEXT_MAX], budget[4 * SLO_TEXT_MAX];
	bool is_doubtful;
	int x;

	if (p == NULL)
		return;
	if (rows > 1)
		canvas_text_w(c, 3, y++, c->w - 4, ROLE_TEXT, p->text, false);
	is_doubtful = is_old(v->model, p) || p->is_unknown;
	if (p->seen_ns == 0 || is_doubtful)
		x = canvas_printf(c, 3, y, is_doubtful ? ROLE_STALE : ROLE_DIM, "how sure: %s", p->evidence);
	else
		x = canvas_printf(c, 3, y, ROLE_DIM, "how sure: %s, seen %s ago", p->evidence, view_age(v, p->seen_ns, age));
	if (*budget_of(v->model, p, budget, sizeof budget) == '\0')
		return;
	x = canvas_text(c, x, y, ROLE_DIM, "; budget ");
	canvas_text_w(c, x, y, c->w - x - 1, ROLE_STRONG, budget, false);
}

static void
wrong_counts(const struct model *m, char *buf, size_t size)
{
	size_t page = 0, ticket = 0, pending = 0, unknown = 0, used = 0;

	for (size_t i = 0; i < model_n_problems(m); i++) {
		const struct problem *p = model_problem(m, i);

		if (p->is_unknown)
			unknown++;
		else if (p->kind == PROBLEM_ALERT && p->state == ALERT_PENDING)
			pending++;
		else if (p->severity == SEVERITY_PAGE)
			page++;
		else if (p->severity == SEVERITY_TICKET)
			ticket++;
	}
	{
		const struct {
			size_t n;
			const char *word;
		} parts[] = { { page, "critical" }, { ticket, "warning" }, { pending, "pending" }, { unknown, "unknown" } };

		*buf = '\0';
		for (size_t i = 0; i < 4 && used < size; i++)
			if (parts[i].n > 0)
				used += (size_t)snprintf(buf + used, size - used, "%s%zu %s", used > 0 ? ", " : "",
				    parts[i].n, parts[i].word);
	}
}

/* What there is no room for beside the rows out of sight is said in fewer words, not covered. */
static void
draw_wrong_heading(struct canvas *c, const struct view *v, int n_below)
{
	static const char title[] = "What is wrong", unknown[] = GLYPH_UNKNOWN " nothing is known yet", why[] = ": no source has told of alerts";
	const int whole = (int)(str_width(title) + str_width(unknown) + str_width(why)) + 4;
	char counts[96], below[32] = "";
	struct canvas left;

	if (n_below > 0)
		snprintf(below, sizeof below, " %d more below ", n_below);
	part_heading(c, 0, title, "");
	left = canvas_sub(c, 0, 0, c->w - (n_below > 0 ? (int)str_width(below) + 1 : 0), 1);
	if (model_alerts_known(v->model))
		wrong_counts(v->model, counts, sizeof counts);
	else
		snprintf(counts, sizeof counts, "%s%s", unknown, n_below > 0 && left.w < whole ? "" : why);
	part_heading(&left, 0, title, counts);
	if (n_below > 0)
		canvas_text_right(c, c->w - 1, 0, ROLE_DIM, below);
}

static void
draw_wrong(const struct overview *o, const struct view *v, struct canvas *c, bool is_tiny, int text_rows, bool has_runbooks)
{
	struct column cols[6];
	int y = is_tiny ? 0 : 1, shown = c->h - y - text_rows - has_runbooks;

	if (!is_tiny)
		draw_wrong_heading(c, v, o->n - o->list.top - shown);
	if (o->n == 0) {
		draw_nothing_wrong(c, y, v);
		return;
	}
	columns_of(v, c->w, cols);
	for (int i = 0; i < shown && o->list.top + i < o->n; i++, y++)
		draw_problem(c, y, v, model_problem(v->model, (size_t)(o->list.top + i)), cols,
		    v->is_focused && o->list.top + i == o->list.selected);
	if (text_rows > 0)
		draw_selected(c, y, text_rows, v, o->list.selected_id);
	if (has_runbooks)
		overview_runbooks_draw(v, c, y + text_rows, problem_find(v->model, o->list.selected_id));
}

/* --- what changed ---------------------------------------------------------------------------- */

static enum role
marker_role(const struct marker *m)
{
	return m->kind == MARKER_CHANGE ? ROLE_CHANGED : m->kind == MARKER_ALERT ? ROLE_ALERT_FIRING : ROLE_STRONG;
}

static void
draw_change(struct canvas *c, int y, const struct view *v, const struct marker *m)
{
	char when[CLOCK_TEXT_MAX], age[DURATION_TEXT_MAX], where[64] = "", ago[40];
	int right;

	snprintf(ago, sizeof ago, "%s ago", view_age(v, m->at_ns, age));
	right = canvas_text_right(c, c->w - 1, y, ROLE_DIM, ago);
	if (m->n_series > 1)
		snprintf(where, sizeof where, "%u series", m->n_series);
	if (*where != '\0' && c->w >= 60)
		right = canvas_text_right(c, right - 2 < c->w - 13 ? right - 2 : c->w - 13, y, ROLE_DIM, where);
	canvas_text(c, 1, y, ROLE_TEXT, part_when(v, m->at_ns, when));
	canvas_text(c, 11, y, marker_role(m), m->kind == MARKER_CHANGE ? GLYPH_CHANGED : m->kind == MARKER_ALERT ? GLYPH_FIRING :
	    "·");
	canvas_text_w(c, 13, y, right - 15, ROLE_TEXT, m->text, false);
}

static bool
has_any_answer(const struct model *m)
{
	for (size_t i = 0; i < model_n_sources(m); i++)
		if (model_source(m, i)->last_ok_ns != 0)
			return true;
	return false;
}

static void
draw_changed(const struct view *v, struct canvas *c)
{
	const struct environment *e = model_environment(v->model);
	size_t n = model_n_markers(v->model);
	char more[64] = "";

	if (n > (size_t)(c->h - 1))
		snprintf(more, sizeof more, "newest %d of %zu", c->h - 1, n);
	part_heading(c, 0, "What changed", more);
	for (int i = 0; i < c->h - 1 && (size_t)i < n; i++)
		draw_change(c, i + 1, v, model_marker(v->model, (size_t)i));
	if (n > 0)
		return;
	if (!has_any_answer(v->model))
		canvas_text_w(c, 1, 1, c->w - 1, ROLE_UNKNOWN, GLYPH_UNKNOWN " not known: no source has answered", false);
	else if (e == NULL || e->n_markers == 0)
		canvas_text_w(c, 1, 1, c->w - 1, ROLE_UNKNOWN,
		    GLYPH_UNKNOWN " not known: no markers are configured", false);
	else
		canvas_text_w(c, 1, 1, c->w - 1, ROLE_DIM, "No change seen.", false);
}

/* --- the panel ------------------------------------------------------------------------------- */

static void
overview_draw(const struct panel *p, const struct view *v, struct canvas *c)
{
	const struct overview *o = state_of(p);
	bool is_tiny = c->h < TINY_H;
	int y = 0;

	if (part_not_recorded(c, v))
		return;
	for (int i = 0; i < SECTIONS; i++) {
		struct canvas part = canvas_sub(c, 0, y, c->w, o->rows[i]);

		y += o->rows[i];
		if (part.h == 0)
			continue;
		switch ((enum section)i) {
		case SECTION_WRONG:
			draw_wrong(o, v, &part, is_tiny, part.h > 3 ? rows_of_text(c->w, c->h, o->n) : 0,
			    part.h > 3 && rows_of_selected(v, c->w, c->h, o->n) > rows_of_text(c->w, c->h, o->n));
			break;
		case SECTION_BUDGETS: overview_budgets_draw(v, &part); break;
		case SECTION_MODELS: overview_models_draw(v, &part); break;
		case SECTION_CHANGED: draw_changed(v, &part); break;
		case SECTION_SOURCES: overview_sources_draw(v, &part); break;
		case SECTION_CALL: overview_call_draw(v, &part); break;
		case SECTIONS: break;
		}
	}
}

static void
overview_summary(const struct panel *p, const struct view *v, char *buf, size_t size)
{
	(void)p;
	if (v->model == NULL)
		snprintf(buf, size, "? not recorded");
	else
		snprintf(buf, size, "%s", health_name(model_health(v->model)));
}

static void
overview_close(struct panel *p)
{
	free(state_of(p)->ids);
}

static struct op *
overview_move(struct panel *p, int by)
{
	struct overview *o = state_of(p);

	list_move(&o->list, o->ids, o->n, by);
	return NULL;
}

static struct op *
overview_next(struct panel *p, const struct view *v, const char *arg)
{
	(void)v;
	(void)arg;
	return overview_move(p, 1);
}

static struct op *
overview_previous(struct panel *p, const struct view *v, const char *arg)
{
	(void)v;
	(void)arg;
	return overview_move(p, -1);
}

static struct op *
overview_first(struct panel *p, const struct view *v, const char *arg)
{
	(void)v;
	(void)arg;
	return overview_move(p, INT_MIN);
}

static struct op *
overview_last(struct panel *p, const struct view *v, const char *arg)
{
	(void)v;
	(void)arg;
	return overview_move(p, INT_MAX);
}

static struct op *
overview_open_problem(struct panel *p, const struct view *v, const char *arg)
{
	const struct problem *problem = problem_find(v->model, state_of(p)->list.selected_id);
	struct op *op;

	(void)arg;
	if (problem == NULL)
		return op_text(OP_MESSAGE, "nothing is selected");
	if (problem->kind == PROBLEM_ALERT) {
		op = op_text(OP_PANEL, "alerts");
		op->arg = xasprintf("%016llx", (unsigned long long)problem->alert_id);
	} else if (problem->kind == PROBLEM_SLO) {
		op = op_text(OP_PANEL, "slo");
		op->arg = xstrdup(problem->slo_id);
	} else if (problem->kind == PROBLEM_MODEL) {
		op = op_text(OP_PANEL, "models");
		op->arg = xstrdup(problem->name);
	} else if (problem->kind == PROBLEM_DRIFT) {
		op = op_text(OP_PANEL, "drift");
		op->arg = xstrdup(problem->drift_id);
	} else {
		op = op_text(OP_PANEL, "sources");
		op->arg = xstrdup(problem->name);
	}
	return op;
}

static struct op *
overview_budget(struct panel *p, const struct view *v, const char *arg)
{
	const struct problem *problem = problem_find(v->model, state_of(p)->list.selected_id);
	struct op *op;

	(void)arg;
	if (problem == NULL || problem->slo_id == NULL)
		return op_text(OP_MESSAGE, problem == NULL ? "nothing is selected" : "this belongs to no objective");
	op = op_text(OP_PANEL, "slo");
	op->arg = xstrdup(problem->slo_id);
	return op;
}

static struct op *
overview_runbooks(struct panel *p, const struct view *v, const char *arg)
{
	(void)arg;
	return overview_runbooks_op(v, problem_find(v->model, state_of(p)->list.selected_id));
}

static struct op *
overview_lines(struct panel *p, const struct view *v, const char *arg)
{
	const struct problem *problem = problem_find(v->model, state_of(p)->list.selected_id);

	(void)arg;
	if (problem == NULL || problem->kind != PROBLEM_ALERT)
		return op_text(OP_MESSAGE, problem == NULL ? "nothing is selected" : "only alerts have lines of logs");
	return op_text(OP_LOG_ALERT, "%016llx", (unsigned long long)problem->alert_id);
}

static const struct command overview_commands[] = {
	{ "open", "Enter", CMD_HINT, overview_open_problem, "show the selected problem where it comes from" },
	{ "budget", "b", CMD_HINT, overview_budget, "show the error budget that the selected problem spends" },
	{ "runbooks", "R", CMD_HINT, overview_runbooks, "what may be run for the selected alert" },
	{ "lines", "l", 0, overview_lines, "the lines of logs that the selected alert is about, at its time" },
	{ "next", "j", CMD_HINT, overview_next, "select the next problem" },
	{ "previous", "k", CMD_HINT, overview_previous, "select the problem before" },
	{ "next-arrow", "Down", CMD_HIDDEN, overview_next, "select the next problem" },
	{ "previous-arrow", "Up", CMD_HIDDEN, overview_previous, "select the problem before" },
	{ "first", "Home", 0, overview_first, "select the worst problem" },
	{ "last", "End", 0, overview_last, "select the last problem" },
	{ 0 }
};

const struct panel_ops panel_overview = {
	.name = "overview",
	.title = "Overview",
	.help = "What is wrong now, since when and how sure; budgets; which model serves; what changed lately; the sources; whom to call.",
	.state_size = sizeof(struct overview),
	.watches = MODEL_ALL,
	.commands = overview_commands,
	.arrange = overview_arrange,
	.draw = overview_draw,
	.summary = overview_summary,
	.close = overview_close,
};
