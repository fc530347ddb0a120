/* All that is known of one. The answer first: how far, how sure; then the two histograms, every score beside its noise; what it
 * was held against comes last. */
#include "config.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "drift.h"
#include "parts_slo.h"

enum { SCORE_NAME_W = 14, SCORE_W = 10, NEW_SHOWN_MAX = 12, NEW_TEXT_MAX = 1024, SHARE_MAX = 32 };

/* --- how it stands ------------------------------------------------------------------------------- */

static void
detail_head(struct pen *p, const struct view *v, const struct part_drifts *drifts, const struct model_drift *m)
{
	char moment[PART_MOMENT_MAX], how[STANDING_TEXT_MAX], model[256], name[256];
	enum role role;
	const char *glyph = part_drift_glyph(m, &role);

	canvas_text(p->c, 1, p->y, role, glyph);
	canvas_printf(p->c, 3, p->y++, ROLE_STRONG, "%s, %s of %s", str_escape_to(name, sizeof name, m->def->name),
	    drift_kind_name(m->def->kind), str_escape_to(model, sizeof model, part_drift_model(m->def)));
	if (*m->def->title != '\0')
		pen_text(p, ROLE_TEXT, m->def->title);
	if (m->drift == NULL) {
		pen_text(p, ROLE_UNKNOWN,
		    drifts->kind == STANDING_PENDING ? "? working it out for this time …" : "? not worked out yet");
		p->y++;
		return;
	}
	if (*m->drift->why != '\0')
		pen_text(p, role, m->drift->why);
	p->y++;
	if (m->drift->since_ns != 0)
		pen_field_printf(p, "state", role, "%s, since %s", drift_state_name(m->drift->state),
		    part_moment(v, m->drift->since_ns, moment));
	else
		pen_field(p, "state", role, drift_state_name(m->drift->state));
	if (m->is_stale)
		pen_field_printf(p, "as of", ROLE_STALE, "~ %s", part_moment(v, m->drift->at_ns, moment));
	else
		pen_field(p, "as of", ROLE_DIM, *part_drifts_text(v, drifts, how) != '\0' ? how : NULL);
}

static void
alert_field(struct pen *p, const struct view *v, const struct model_drift *m)
{
	const struct model_alert *a = m->alert_id != 0 && v->model != NULL ? model_alert_find(v->model, m->alert_id) : NULL;

	if (a != NULL)
		pen_field_printf(p, "alert", ROLE_TEXT, "%s, %s %s (a shows it)", a->name, part_row_word(a), part_severity_word(a));
}

static const char *
share_text(double share, char *buf)
{
	if (isnan(share))
		snprintf(buf, SHARE_MAX, "?");
	else
		snprintf(buf, SHARE_MAX, "%.3g%%", share * 100);
	return buf;
}

/* How little does not matter below one in a million. */
static const char *
chance_text(double p, char *buf)
{
	snprintf(buf, SHARE_MAX, p < 1e-6 ? "<1e-6" : "%.2g", p);
	return buf;
}

/* How many were looked at on both sides, and how likely noise alone is. */
static void
sizes_fields(struct pen *p, const struct model_drift *m, const struct drift_def_set *defs)
{
	const struct drift *d = m->drift;
	char now[NUM_TEXT_MAX], then[NUM_TEXT_MAX], least[NUM_TEXT_MAX], share_now[SHARE_MAX], share_then[SHARE_MAX];
	bool is_few = d->state == DRIFT_FEW;

	if (!isnan(d->n_now) || !isnan(d->n_then))
		pen_field_printf(p, "n", is_few ? ROLE_WARNING : ROLE_TEXT, "%s now, %s then%s%s%s", part_drift_n(d->n_now, now),
		    part_drift_n(d->n_then, then), is_few ? "; at least " : "", is_few ? part_drift_n(m->def->min_n, least) : "",
		    is_few ? " on each side are wanted" : "");
	if (!isnan(d->p) && !isnan(d->q))
		pen_field_printf(p, "chance", ROLE_TEXT, "p %s; q %s after Benjamini-Hochberg%s%s", chance_text(d->p, share_now),
		    chance_text(d->q, share_then), defs != NULL ? ", flagged up to " : "",
		    defs != NULL ? part_score(defs->fdr, true, now) : "");
	else if (!isnan(d->p))
		pen_field_printf(p, "chance", ROLE_TEXT, "p %s", chance_text(d->p, share_now));
	if (!isnan(d->missing_now) || !isnan(d->missing_then))
		pen_field_printf(p, "missing", ROLE_TEXT, "%s now, %s then", share_text(d->missing_now, share_now),
		    share_text(d->missing_then, share_then));
}

/* What is seen now and was not then, as many as have room in a few lines. */
static void
new_field(struct pen *p, const struct drift *d)
{
	char text[NEW_TEXT_MAX] = "", one[48];
	size_t used = 0;

	for (size_t i = 0; i < d->n_new && i < NEW_SHOWN_MAX; i++)
		used += (size_t)snprintf(text + used, sizeof text - used, "%s%s", i > 0 ? ", " : "",
		    str_escape_to(one, sizeof one, *d->new_categories[i] != '\0' ? d->new_categories[i] : "(empty)"));
	if (d->n_new > NEW_SHOWN_MAX)
		snprintf(text + used, sizeof text - used, " and %zu more", d->n_new - NEW_SHOWN_MAX);
	if (d->n_new > 0)
		pen_field_printf(p, "new", ROLE_WARNING, "%s (not seen then)", text);
}

/* --- every score -------------------------------------------------------------------------------------- */

/* ">=0.310" where cells tell only a bound of it; the missing are a share. */
static void
score_text(const struct drift_score *s, double value, bool is_bound, char *buf, size_t size)
{
	char text[PART_SCORE_MAX];

	if (isnan(value))
		snprintf(buf, size, "-");
	else if (s->measure == DRIFT_MISSING)
		snprintf(buf, size, "%+.2g%%", value * 100);
	else
		snprintf(buf, size, "%s%s", is_bound ? ">=" : "", part_score(value, false, text));
}

static const char *
unit_of(const struct drift_score *s)
{
	switch (s->measure) {
	case DRIFT_WASSERSTEIN: case DRIFT_MEAN: case DRIFT_Q50: case DRIFT_Q95: return "standard deviations of then";
	case DRIFT_JS: return "distance, base 2";
	case DRIFT_KS: return s->is_bound ? "of cells: a lower bound" : "";
	case DRIFT_MISSING: return "points, now less then";
	case DRIFT_PSI: case DRIFT_CHI2: case DRIFT_MEASURES: break;
	}
	return "";
}

static void
draw_score(struct pen *p, const struct drift_score *s)
{
	int value_end = 1 + SCORE_NAME_W + SCORE_W, noise_end = value_end + SCORE_W, times_end = noise_end + 9;
	char value[PART_SCORE_MAX + 4], noise[PART_SCORE_MAX + 4], times[PART_SCORE_MAX + 4] = "";
	bool is_beyond = s->floor > 0 && fabs(s->value) > s->floor;

	score_text(s, s->value, s->is_bound, value, sizeof value);
	score_text(s, s->floor, false, noise, sizeof noise);
	if (s->floor > 0 && !isnan(s->value))
		snprintf(times, sizeof times, "%.1fx", fabs(s->value) / s->floor);
	canvas_text_w(p->c, 1, p->y, SCORE_NAME_W, ROLE_TEXT, drift_measure_name(s->measure), false);
	canvas_text_right(p->c, value_end, p->y, is_beyond ? ROLE_WARNING : ROLE_TEXT, value);
	canvas_text_right(p->c, noise_end, p->y, ROLE_DIM, noise);
	canvas_text_right(p->c, times_end, p->y, is_beyond ? ROLE_WARNING : ROLE_DIM, times);
	canvas_text_w(p->c, times_end + 2, p->y++, p->c->w - times_end - 3, ROLE_DIM, unit_of(s), false);
}

static void
detail_scores(struct pen *p, const struct drift *d, const struct drift_def_set *defs)
{
	int value_end = 1 + SCORE_NAME_W + SCORE_W;

	if (d->n_scores == 0)
		return;
	p->y++;
	if (defs != NULL) {
		char text[64];

		snprintf(text, sizeof text, "Scores (noise alone stays below in %.3g%%)", defs->confidence * 100);
		pen_heading(p, text);
	} else {
		pen_heading(p, "Scores");
	}
	canvas_text_right(p->c, value_end, p->y, ROLE_DIM, "score");
	canvas_text_right(p->c, value_end + SCORE_W, p->y, ROLE_DIM, "noise");
	canvas_text_right(p->c, value_end + SCORE_W + 9, p->y++, ROLE_DIM, "times");
	for (size_t i = 0; i < d->n_scores; i++)
		draw_score(p, &d->scores[i]);
}

/* --- over time ------------------------------------------------------------------------------------------ */

static void
detail_history(struct pen *p, const struct view *v, const struct model_drift *m)
{
	const struct drift_history *h = part_drift_history(v);
	char from[CLOCK_TEXT_MAX], window[DURATION_TEXT_MAX], title[CLOCK_TEXT_MAX + 96];
	int n = part_drift_columns(v, h), shown = n < p->c->w - 2 ? n : p->c->w - 2;
	int64_t first_ns;

	if (shown <= 0)
		return;
	first_ns = h->start_ns + (n - shown) * h->step_ns;
	clock_format(from, first_ns, 0);
	from[10] = ' ';
	from[16] = '\0';
	snprintf(title, sizeof title, "Over time, since %sZ, a shade for %s", from, part_window(h->step_ns, window));
	if (part_drift_heat(p->c, 1, p->y + 2, shown, h, m->def->id, n) == 0)
		return;
	p->y++;
	pen_heading(p, title);
	p->y++;
	part_drift_legend(p->c, 1, p->y++);
}

/* --- what is compared with what -------------------------------------------------------------------------- */

static void
detail_notes(struct pen *p, const struct drift *d)
{
	if (d->notes.n == 0)
		return;
	p->y++;
	pen_heading(p, "Notes");
	for (size_t i = 0; i < d->notes.n; i++) {
		canvas_text(p->c, 1, p->y, ROLE_DIM, "·");
		pen_indented(p, 3, 4, ROLE_TEXT, d->notes.v[i]);
	}
}

static void
reference_field(struct pen *p, const struct drift_def *def)
{
	char ago[DURATION_TEXT_MAX], window[DURATION_TEXT_MAX];

	if (def->kind == DRIFT_SKEW)
		pen_field(p, "training", ROLE_TEXT, def->trained);
	else if (def->reference == DRIFT_FROM_PROFILE)
		pen_field_printf(p, "profile", ROLE_TEXT, "%s%s%s", def->profile, def->feature != NULL ? ", feature " : "",
		    def->feature != NULL ? def->feature : "");
	else if (def->reference == DRIFT_FROM_VERSION)
		pen_field_printf(p, "reference", ROLE_TEXT, strcmp(def->version, "previous") == 0 ? "the %s version" : "version %s",
		    def->version);
	else
		pen_field_printf(p, "reference", ROLE_TEXT, "%s that ended %s before", part_window(def->reference_ns, window),
		    part_window(def->ago_ns, ago));
}

static void
detail_definition(struct pen *p, const struct drift_def *def)
{
	static const char *const data[] = { [DRIFT_CLASSIC] = "a classic histogram", [DRIFT_NATIVE] = "a native histogram",
		[DRIFT_CATEGORIES] = "counters, one for each value", [DRIFT_GAUGE] = "samples of a gauge" };
	char window[DURATION_TEXT_MAX], n[NUM_TEXT_MAX], effect[PART_SCORE_MAX];

	p->y++;
	pen_heading(p, "What is compared");
	pen_field(p, "metric", ROLE_TEXT, def->metric);
	if (def->label != NULL)
		pen_field_printf(p, "data", ROLE_TEXT, "%s of label %s", data[def->data], def->label);
	else
		pen_field(p, "data", ROLE_TEXT, data[def->data]);
	pen_field_printf(p, "window", ROLE_TEXT, "%s", part_window(def->window_ns, window));
	reference_field(p, def);
	if (def->version_label != NULL)
		pen_field_printf(p, "only", ROLE_TEXT, "the version that should serve, by label %s", def->version_label);
	pen_field(p, "missing by", ROLE_TEXT, def->missing);
	pen_field_printf(p, "drifted", ROLE_TEXT, "beyond noise and an effect of %s in two windows; %s",
	    part_score(def->effect, false, effect), def->severity == SEVERITY_NONE ? "nobody is told" : severity_name(def->severity));
	pen_field_printf(p, "least n", ROLE_TEXT, "%s on each side", part_drift_n(def->min_n, n));
	pen_field(p, "source", ROLE_TEXT, def->source);
	pen_field(p, "defined", ROLE_TEXT, def->where);
}

void
drift_detail_draw(struct pen *p, const struct view *v, const struct part_drifts *drifts, const struct model_drift *m)
{
	const struct drift_def_set *defs = drifts->model != NULL ? model_drift_defs(drifts->model) : NULL;
	const struct drift *d = m->drift;

	detail_head(p, v, drifts, m);
	if (d != NULL) {
		pen_field(p, "against", ROLE_TEXT, d->against);
		sizes_fields(p, m, defs);
		new_field(p, d);
	}
	alert_field(p, v, m);
	if (d != NULL && d->n_cells > 0)
		drift_cells_draw(p, m);
	if (d != NULL)
		detail_scores(p, d, defs);
	detail_history(p, v, m);
	if (d != NULL)
		detail_notes(p, d);
	detail_definition(p, m->def);
}
