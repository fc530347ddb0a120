#include "config.h"

#include "frame.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "panels/parts_run.h"
#include "panels/parts_slo.h"

enum { BUDGET_MAX = 512, TITLE_FROM = 100, SOURCES_FROM = 16, INCIDENT_WHOLE_FROM = 100, REPLAY_DATE_FROM = 100 };

static enum role
environment_role(const char *colour)
{
	static const struct {
		const char *name;
		enum role role;
	} roles[] = { { "prod", ROLE_ENV_PROD }, { "staging", ROLE_ENV_STAGING }, { "lab", ROLE_ENV_LAB } };

	for (size_t i = 0; i < sizeof roles / sizeof roles[0]; i++)
		if (str_eq(colour, roles[i].name))
			return roles[i].role;
	return ROLE_ENV_OTHER;
}

const char *
frame_health_glyph(enum health health, enum role *ret_role)
{
	switch (health) {
	case HEALTH_OK: *ret_role = ROLE_OK; return GLYPH_OK;
	case HEALTH_WARNING: *ret_role = ROLE_WARNING; return GLYPH_FIRING;
	case HEALTH_CRITICAL: *ret_role = ROLE_CRITICAL; return GLYPH_FIRING;
	case HEALTH_UNKNOWN: break;
	}
	*ret_role = ROLE_UNKNOWN;
	return GLYPH_UNKNOWN;
}

/* In the past, and in a replay, even at its very end. */
static bool
is_past(const struct view *v)
{
	return !v->range.is_live || v->replay != NULL;
}

/* There the whole bar has one look, so that nobody takes it for now. */
static enum role
on_bar(const struct view *v, enum role role)
{
	return is_past(v) ? ROLE_STATUS_PAST : role;
}

/* Those that serve what they should not: a page that no alert need tell of. */
static size_t
wrong_models(const struct model *m)
{
	size_t n = 0;

	while (n < model_n_models(m) && model_model(m, n)->state <= MODEL_UNSERVED)	/* worst first */
		n++;
	return n;
}

/* Objectives that no alert tells of: they are as wrong as those that one does. */
static void
count_objectives(const struct model *m, size_t *page, size_t *ticket)
{
	for (size_t i = 0; i < model_n_problems(m); i++) {
		const struct problem *p = model_problem(m, i);

		if ((p->kind != PROBLEM_SLO && p->kind != PROBLEM_DRIFT) || p->is_unknown)
			continue;
		*page += p->severity == SEVERITY_PAGE;
		*ticket += p->severity == SEVERITY_TICKET;
	}
}

/* What stands on the left, part after part, up to where the clock begins. */
struct bar {
	struct canvas *c;
	const struct view *v;
	int x, end;
	bool is_full;		/* something was left out */
};

/* Half a number is a wrong one: a part that was drawn up to x, and too far, is taken back whole. */
static bool
keep(struct bar *b, int x)
{
	if (x <= b->end) {
		b->x = x;
		return true;
	}
	canvas_fill(b->c, b->x, 0, b->c->w - b->x, 1, on_bar(b->v, ROLE_STATUS));
	b->is_full = true;
	return false;
}

/* "INC 20300101-021405-web 00:14:32": the incident that is open at the time shown, since when. Narrow bars name it only. */
static void
draw_incident(struct bar *b)
{
	const struct view *v = b->v;
	const struct incident *i = v->model != NULL ? model_incident(v->model) : NULL;
	bool is_whole = b->c->w >= INCIDENT_WHOLE_FROM;
	char elapsed[DURATION_TEXT_MAX];
	int x;

	if (i == NULL)
		return;
	x = canvas_text(b->c, b->x + 2, 0, on_bar(v, ROLE_WARNING), "INC");
	if (!keep(b, canvas_text_w(b->c, x + 1, 0, is_whole ? 24 : 14, on_bar(v, ROLE_STATUS), i->id, false)))
		return;
	if (is_whole)
		keep(b, canvas_text(b->c, b->x + 1, 0, on_bar(v, ROLE_STATUS), part_elapsed(view_time(v) - i->opened_ns, elapsed)));
}

/* "run rollback 2/3": what is being done just now, by this program or told by another; where it waits for an answer, that. Who looks into
 * the past is told all the same; a replay has no now. */
static void
draw_run(struct bar *b)
{
	const struct view *v = b->v;
	const struct model *m = v->replay != NULL ? v->model : v->live;
	const struct run_info *r = m != NULL ? part_run_first(m) : NULL;
	enum role role;
	int x;

	if (r == NULL || !run_is_under_way(r))
		return;
	part_run_glyph(r, &role);
	x = canvas_text(b->c, b->x + 2, 0, on_bar(v, role), r->state == RUN_ASKING ? "ASKS:" : "run");
	if (keep(b, canvas_text_w(b->c, x + 1, 0, 16, on_bar(v, role), r->runbook, false)) && r->n_batches > 1)
		keep(b, canvas_printf(b->c, b->x + 1, 0, on_bar(v, role), "%u/%u", r->batch + 1, r->n_batches));
}

/* What only metrics tell of is never ok: nobody looked then. */
static int
draw_health(struct canvas *c, int x, const struct view *v)
{
	enum role role;
	const char *glyph = frame_health_glyph(model_health(v->model), &role);

	if (v->past_from == PAST_METRICS)
		return canvas_text(c, x, 0, on_bar(v, ROLE_UNKNOWN), "? not seen then");
	x = canvas_text(c, x, 0, on_bar(v, role), glyph);
	return canvas_text(c, x + 1, 0, on_bar(v, role), health_name(model_health(v->model)));
}

/* "2 page  1 ticket" of what fires, how many models are wrong, and how many pages are silenced. */
static void
draw_firing(struct bar *b)
{
	const struct view *v = b->v;
	const struct model *m = v->model;
	size_t page = 0, ticket = 0, other = 0, muted = 0, models = wrong_models(m);
	enum role role;
	const char *glyph = frame_health_glyph(model_health(m), &role);

	count_objectives(m, &page, &ticket);
	for (size_t i = 0; i < model_n_alerts(m); i++) {
		const struct model_alert *a = model_alert(m, i);

		/* A page that somebody silenced is no reason to call it ok without a word. */
		muted += a->state == ALERT_SILENCED && a->severity == SEVERITY_PAGE;
		if (a->state != ALERT_FIRING && a->state != ALERT_UNPROCESSED)
			continue;
		if (a->severity == SEVERITY_PAGE)
			page++;
		else if (a->severity == SEVERITY_TICKET)
			ticket++;
		else
			other++;
	}
	if (!keep(b, draw_health(b->c, b->x + 2, v)))
		keep(b, canvas_text(b->c, b->x + 2, 0, on_bar(v, role), glyph));
	if (page > 0)
		keep(b, canvas_printf(b->c, b->x + 2, 0, on_bar(v, ROLE_ALERT_FIRING), "%zu page", page));
	if (ticket > 0)
		keep(b, canvas_printf(b->c, b->x + 2, 0, on_bar(v, ROLE_ALERT_TICKET), "%zu ticket", ticket));
	if (other > 0)
		keep(b, canvas_printf(b->c, b->x + 2, 0, on_bar(v, ROLE_STATUS), "%zu other", other));
	if (models > 0)
		keep(b, canvas_printf(b->c, b->x + 2, 0, on_bar(v, ROLE_ALERT_FIRING), "%zu model%s", models, models == 1 ? "" : "s"));
	if (muted > 0)
		keep(b, canvas_printf(b->c, b->x + 2, 0, on_bar(v, ROLE_ALERT_SILENCED), GLYPH_SILENCED " %zu page silenced", muted));
}

/* The same words fit on w_less columns, but for the first, which says nothing that the rest does not. */
static bool
is_said_on(const struct model_slo *slo, int w, int w_less)
{
	char all[BUDGET_MAX], less[BUDGET_MAX];
	const char *words = part_slo_sentence(slo, w, all, sizeof all);

	part_slo_sentence(slo, w_less, less, sizeof less);
	if (strcmp(words, less) == 0)
		return true;
	return str_has_prefix(words, "budget ") && strcmp(words + strlen("budget "), less) == 0;
}

/* That all of them answer is the first thing to go where the budget needs the room. Returns where it begins. */
static int
draw_sources(struct canvas *c, int x, int x_end, const struct view *v, const struct model_slo *slo)
{
	const struct model *m = v->model;
	size_t ok = 0, n = model_n_sources(m);
	char text[48];
	int begin;

	for (size_t i = 0; i < n; i++)
		ok += model_source(m, i)->state == SOURCE_OK;
	snprintf(text, sizeof text, "sources %zu/%zu", ok, n);
	begin = x_end - 2 - (int)str_width(text);
	if (x_end - x <= SOURCES_FROM || (ok == n && slo != NULL && !is_said_on(slo, x_end - 2 - (x + 2), begin - 2 - (x + 2))))
		return x_end;
	return canvas_text_right(c, x_end - 2, 0, on_bar(v, ok == n ? ROLE_STATUS : ROLE_STALE), text);
}

/* How long have we got, in the room that is left. */
static void
draw_budget(struct canvas *c, int x, int x_end, const struct view *v, const struct model_slo *slo)
{
	char text[BUDGET_MAX];
	enum role role;

	part_slo_glyph(slo, &role);
	part_slo_sentence(slo, x_end - x, text, sizeof text);
	canvas_text(c, x, 0, on_bar(v, slo->slo->state == SLO_OK && !slo->is_stale ? ROLE_STATUS : role), text);
}

/* Where what is shown of the past comes from; "" this console's own memory. */
static const char *
past_words(const struct view *v)
{
	if (v->model == NULL)
		return "";	/* said in the bar already */
	switch (v->past_from) {
	case PAST_RECORDING: return "  recording";
	case PAST_METRICS: return "  metrics only: not recorded";
	case PAST_NONE: case PAST_MEMORY: break;
	}
	return "";
}

/* "02:28:32Z live", "PAST 02:10:00Z  recording  18m ago", "REPLAY 02:10:00Z": of a replay it says nothing how long ago it was. Returns where
 * it begins. */
static int
draw_time(struct canvas *c, const struct view *v)
{
	char at[CLOCK_TEXT_MAX], age[DURATION_TEXT_MAX], text[160];
	int64_t t = view_time(v);
	bool is_long_ago = v->now_ns - t > 20 * NS_PER_HOUR;

	clock_format(at, t, 0);
	if (!is_past(v)) {
		snprintf(text, sizeof text, "%s live ", at + 11);
		return canvas_text_right(c, c->w, 0, ROLE_STATUS, text);
	}
	duration_format(age, v->now_ns - t);
	if (v->replay != NULL)
		snprintf(text, sizeof text, " REPLAY %s ", c->w >= REPLAY_DATE_FROM ? at : at + 11);
	else
		snprintf(text, sizeof text, " PAST %s%s  %s ago ", is_long_ago ? at : at + 11, past_words(v), age);
	return canvas_text_right(c, c->w, 0, ROLE_STATUS_PAST, text);
}

/* What can be done from here, what fires, what is done about it: from x on. The title goes first where the rest needs the room. */
static int
draw_left(struct canvas *c, int x, int end, const struct view *v, const char *title)
{
	struct bar b = { .c = c, .v = v, .x = x, .end = end };

	canvas_fill(c, x, 0, c->w - x, 1, on_bar(v, ROLE_STATUS));
	if (v->is_read_only && v->replay == NULL)	/* a replay goes without saying */
		keep(&b, canvas_text(c, b.x + 1, 0, on_bar(v, ROLE_WARNING), "read-only"));
	if (v->is_unrecorded && v->replay == NULL)
		keep(&b, canvas_text(c, b.x + (b.x == x ? 1 : 2), 0, on_bar(v, ROLE_WARNING), "audit: not writable"));
	if (*title != '\0')
		keep(&b, canvas_text_w(c, b.x + (b.x == x ? 1 : 2), 0, 24, on_bar(v, ROLE_STATUS), title, false));
	if (v->model == NULL)
		keep(&b, canvas_text(c, b.x + 2, 0, on_bar(v, ROLE_UNKNOWN), "? not recorded"));
	else
		draw_firing(&b);
	draw_run(&b);
	draw_incident(&b);
	return b.is_full && *title != '\0' ? draw_left(c, x, end, v, "") : b.x;
}

void
frame_status(struct canvas *c, const struct view *v)
{
	const struct environment *e = v->live != NULL ? model_environment(v->live) : v->model != NULL ? model_environment(v->model) : NULL;
	struct part_slos slos = part_slos(v);
	struct model_slo slo;
	bool has_slo = part_slo_first(&slos, &slo);
	char name[64], *p;
	int x, badge, right;

	canvas_fill(c, 0, 0, c->w, 1, on_bar(v, ROLE_STATUS));
	right = draw_time(c, v);
	snprintf(name, sizeof name, " %s ", e != NULL ? e->name : "?");
	for (p = name; *p != '\0'; p++)
		if (*p >= 'a' && *p <= 'z')
			*p -= 'a' - 'A';
	badge = canvas_text(c, 0, 0, environment_role(e != NULL ? e->colour : NULL), name);
	x = draw_left(c, badge, is_past(v) ? right : right - 1, v, c->w >= TITLE_FROM && e != NULL && strcmp(e->title, e->name) != 0 ? e->title : "");
	if (v->model != NULL && v->past_from != PAST_METRICS)
		right = draw_sources(c, x, right, v, has_slo ? &slo : NULL);
	if (has_slo)
		draw_budget(c, x + 2, right - 2, v, &slo);
	draw_time(c, v);	/* the last to give way */
	if (!is_past(v))	/* one background under all of it */
		canvas_select(c, badge, 0, c->w - badge);
}
