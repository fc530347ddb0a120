/* All that is known of one objective. The answer first: how bad, how long; then the evidence; where it is defined comes last. */
#include "config.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "slo.h"

const char *
slo_counts_what(const struct slo_def *def)
{
	if (def->method != SLO_OCCURRENCES)
		return "slices";
	return def->sli == SLI_RATIO ? "events" : "samples";
}

/* "2030-01-01T02:13:00Z" to "2030-01-01 02:13": seconds that say nothing are left out, and so is the Z. */
static void
short_time(int64_t ns, bool has_date, char *buf)
{
	char text[CLOCK_TEXT_MAX];

	clock_format(text, ns, 0);
	text[10] = ' ';
	text[strlen(text) - (ns % NS_PER_MIN == 0 ? 4 : 1)] = '\0';
	snprintf(buf, CLOCK_TEXT_MAX, "%s", has_date ? text : text + 11);
}

const char *
slo_stretch(int64_t start_ns, int64_t end_ns, char *buf)
{
	char start[CLOCK_TEXT_MAX], end[CLOCK_TEXT_MAX], start_day[CLOCK_TEXT_MAX], end_day[CLOCK_TEXT_MAX];

	clock_format(start_day, start_ns, 0);
	clock_format(end_day, end_ns, 0);
	short_time(start_ns, true, start);
	short_time(end_ns, strncmp(start_day, end_day, 10) != 0, end);
	snprintf(buf, SLO_STRETCH_MAX, "%.38s–%.38sZ", start, end);
	return buf;
}

/* --- how it stands ------------------------------------------------------------------------------- */

static void
detail_head(struct pen *p, const struct view *v, const struct part_slos *slos, const struct model_slo *m)
{
	char moment[PART_MOMENT_MAX], how[STANDING_TEXT_MAX], counts_as[48] = "";
	enum role role;
	const char *glyph = part_slo_glyph(m, &role);

	canvas_text(p->c, 1, p->y, role, glyph);
	canvas_text_w(p->c, 3, p->y++, p->c->w - 4, ROLE_STRONG, m->def->name, false);
	if (*m->def->title != '\0')
		pen_text(p, ROLE_TEXT, m->def->title);
	if (m->slo == NULL) {
		pen_text(p, ROLE_UNKNOWN, slos->kind == STANDING_PENDING ? "? working it out for this time …" :
		    "? not worked out yet");
		return;
	}
	if (*m->slo->why != '\0')
		pen_text(p, role, m->slo->why);
	p->y++;
	if (m->slo->state == SLO_NO_DATA && part_slo_severity(m) != SEVERITY_NONE)
		snprintf(counts_as, sizeof counts_as, ", which counts as %s", severity_name(part_slo_severity(m)));
	if (m->slo->since_ns != 0)
		pen_field_printf(p, "state", role, "%s%s, since %s", part_slo_word(m), counts_as, part_moment(v, m->slo->since_ns, moment));
	else
		pen_field_printf(p, "state", role, "%s%s", part_slo_word(m), counts_as);
	if (m->is_stale)
		pen_field_printf(p, "as of", ROLE_STALE, "~ %s", part_moment(v, m->slo->at_ns, moment));
	else
		pen_field(p, "as of", ROLE_DIM, *part_slos_text(v, slos, how) != '\0' ? how : NULL);
}

/* Of a rolling window with little data the budget is of what there is; a recording of an earlier version does not say. */
static int64_t
budget_ns(const struct model_slo *m)
{
	return m->slo->budget_ns > 0 ? m->slo->budget_ns : (int64_t)((1 - m->def->target) * (double)m->def->period_ns);
}

static void
budget_field(struct pen *p, const struct model_slo *m)
{
	const struct slo *s = m->slo;
	char share[SLO_SHARE_MAX], time[DURATION_TEXT_MAX], all[DURATION_TEXT_MAX];
	const char *then = s->state == SLO_NO_DATA || s->state == SLO_UNKNOWN ? " when last known" : "";

	if (isnan(s->left)) {
		pen_field(p, "budget", ROLE_UNKNOWN, "? not known");
		return;
	}
	slo_time_text(all, budget_ns(m));
	slo_time_text(time, s->left_ns < 0 ? -s->left_ns : s->left_ns);
	if (s->left > 0)
		pen_field_printf(p, "budget", ROLE_STRONG, "%s left%s: %s of %s of total outage",
		    slo_share_text(share, s->left), then, time, all);
	else
		pen_field_printf(p, "budget", ROLE_CRITICAL, "spent %s%s: %s more than %s of total outage",
		    slo_share_text(share, 1 - s->left), then, time, all);
	if (slo_is_partial(s))
		pen_field_printf(p, "", ROLE_WARNING, "~ only %s of %s have data%s", slo_time_text(time, s->covered_ns),
		    slo_time_text(all, s->at_ns - s->start_ns), m->def->n_bounds == 0 ? ", and this is the budget of that" : "");
}

static void
events_field(struct pen *p, const struct model_slo *m)
{
	char bad[NUM_TEXT_MAX], total[NUM_TEXT_MAX];

	if (!isfinite(m->slo->total))
		return;
	pen_field_printf(p, "counted", ROLE_TEXT, "%s bad of %s %s: %.8g%% good", num_format(bad, m->slo->bad, "count"),
	    num_format(total, m->slo->total, "count"), slo_counts_what(m->def), m->slo->sli * 100);
	if (m->slo->is_over)
		pen_field(p, "", ROLE_WARNING, "! more good (or bad) than there are in all: the expressions do not belong "
		    "together, and ratios were clamped");
}

/* "at 07:18Z, in 3m"; with seconds where they matter, and with its day when that is not near. */
static void
ahead_text(const struct view *v, int64_t at_ns, char *buf, size_t size)
{
	int64_t ahead = at_ns - view_time(v);
	char at[CLOCK_TEXT_MAX], in[DURATION_TEXT_MAX];

	clock_format(at, at_ns, 0);
	if (ahead >= 0 && ahead < 10 * NS_PER_MIN)
		snprintf(buf, size, "at %.8sZ, in %s", at + 11, slo_time_text(in, ahead));
	else if (ahead >= 0 && ahead < 20 * NS_PER_HOUR)
		snprintf(buf, size, "at %.5sZ, in %s", at + 11, slo_time_text(in, ahead));
	else
		snprintf(buf, size, "at %.10s %.5sZ%s%s", at, at + 11, ahead >= 0 ? ", in " : "", ahead >= 0 ? slo_time_text(in, ahead) : "");
}

static void
burn_field(struct pen *p, const struct slo *s)
{
	char rate[SLO_RATE_MAX], window[DURATION_TEXT_MAX], in[DURATION_TEXT_MAX];

	if (isnan(s->burn))
		return;
	slo_rate_text(rate, s->burn);
	part_window(s->burn_window_ns, window);
	if (s->left <= 0)
		pen_field_printf(p, "burns", ROLE_TEXT, "%s over %s; nothing is left", rate, window);
	else if (s->exhaustion_ns == INT64_MAX)
		pen_field_printf(p, "burns", ROLE_TEXT, "%s over %s: it lasts", rate, window);
	else
		pen_field_printf(p, "burns", ROLE_STRONG, "%s over %s: gone in %s", rate, window, slo_time_text(in, s->exhaustion_ns));
}

/* What it would come to at the pace that the line above tells of. */
static void
projected_field(struct pen *p, const struct view *v, const struct slo *s)
{
	char rate[SLO_RATE_MAX], window[DURATION_TEXT_MAX], share[SLO_SHARE_MAX], when[96], pace[96] = "";

	if (isnan(s->projected))
		return;
	ahead_text(v, s->projected_ns, when, sizeof when);
	if (!isnan(s->burn))
		snprintf(pace, sizeof pace, ", at the %s pace of %s", part_window(s->burn_window_ns, window), slo_rate_text(rate, s->burn));
	if (s->projected > 0)
		pen_field_printf(p, "projected", ROLE_TEXT, "%s left %s%s", slo_share_text(share, s->projected), when, pace);
	else
		pen_field_printf(p, "projected", ROLE_WARNING, "spent %s %s%s", slo_share_text(share, 1 - s->projected), when, pace);
}

static void
window_field(struct pen *p, const struct model_slo *m)
{
	const struct slo *s = m->slo;
	char start[CLOCK_TEXT_MAX], end[CLOCK_TEXT_MAX], text[SLO_WINDOW_MAX], excluded[DURATION_TEXT_MAX];

	slo_window_text(text, m->def);
	clock_format(start, s->start_ns, 0);
	if (m->def->n_bounds == 0)
		pen_field_printf(p, "window", ROLE_TEXT, "%s rolling, since %s", text, start);
	else
		pen_field_printf(p, "window", ROLE_TEXT, "%s, %s to %s", text, start, clock_format(end, s->end_ns, 0));
	if (s->excluded_ns > 0)
		pen_field_printf(p, "", ROLE_TEXT, "%s taken out by corrections", slo_time_text(excluded, s->excluded_ns));
}

static void
target_field(struct pen *p, const struct slo_def *d)
{
	char target[PART_TARGET_MAX], slice_target[PART_TARGET_MAX], slice[DURATION_TEXT_MAX];

	part_target(d->target, target);
	part_window(d->slice_ns, slice);
	if (d->method == SLO_TIMESLICES)
		pen_field_printf(p, "target", ROLE_TEXT, "%s of slices of %s; a slice is good from %s", target, slice,
		    part_target(d->slice_target, slice_target));
	else if (d->method == SLO_RATIO_TIMESLICES)
		pen_field_printf(p, "target", ROLE_TEXT, "%s, the mean over slices of %s", target, slice);
	else
		pen_field_printf(p, "target", ROLE_TEXT, "%s of %s", target, slo_counts_what(d));
}

static void
alert_field(struct pen *p, const struct view *v, const struct model_slo *m)
{
	const struct model_alert *a = m->alert_id != 0 && v->model != NULL ? model_alert_find(v->model, m->alert_id) : NULL;

	if (a != NULL)
		pen_field_printf(p, "alert", ROLE_TEXT, "%s, %s %s (a shows it)", a->name, part_row_word(a),
		    part_severity_word(a));
}

/* --- what was taken out, what to know, where it comes from ----------------------------------------------------------- */

static void
draw_correction(struct pen *p, const struct view *v, const struct slo_correction *k, bool is_chosen)
{
	char stretch[SLO_STRETCH_MAX], length[DURATION_TEXT_MAX], age[DURATION_TEXT_MAX];

	canvas_text(p->c, 1, p->y, ROLE_KEY, is_chosen ? "›" : " ");
	canvas_printf(p->c, 3, p->y++, is_chosen ? ROLE_STRONG : ROLE_TEXT, "%s, %s", slo_stretch(k->start_ns, k->end_ns, stretch),
	    slo_time_text(length, k->end_ns - k->start_ns));
	duration_format(age, (v->now_ns - k->at_ns) / NS_PER_S * NS_PER_S);
	pen_indented(p, 5, 3, ROLE_TEXT, *k->reason != '\0' ? k->reason : "(no reason)");
	canvas_printf(p->c, 5, p->y++, ROLE_DIM, "by %s, logged %s ago", k->by, age);
}

static void
detail_corrections(struct pen *p, const struct view *v, const struct slo_def *d, struct slo_chosen *chosen)
{
	if (d->n_corrections == 0)
		return;
	p->y++;
	pen_heading(p, d->n_corrections > 1 ? "Does not count (u puts the chosen one back; n, p choose)" :
	    "Does not count (u puts it back)");
	for (size_t i = 0; i < d->n_corrections; i++) {
		bool is_chosen = &d->corrections[i] == chosen->correction;
		int y = p->y;

		draw_correction(p, v, &d->corrections[i], is_chosen);
		if (!is_chosen)
			continue;
		chosen->y = y;
		chosen->h = p->y - y;
	}
}

static void
detail_notes(struct pen *p, const struct model_slo *m)
{
	const struct strings *const lists[] = { m->slo != NULL ? &m->slo->notes : NULL, &m->def->notes };
	size_t n = 0;

	for (size_t l = 0; l < 2; l++) {
		for (size_t i = 0; lists[l] != NULL && i < lists[l]->n; i++) {
			if (n++ == 0) {
				p->y++;
				pen_heading(p, "Notes");
			}
			canvas_text(p->c, 1, p->y, ROLE_DIM, "·");
			pen_indented(p, 3, 4, ROLE_TEXT, lists[l]->v[i]);
		}
	}
}

static void
detail_indicator(struct pen *p, const struct slo_def *d)
{
	p->y++;
	pen_heading(p, "Indicator");
	pen_field(p, "good", ROLE_TEXT, d->good);
	pen_field(p, "bad", ROLE_TEXT, d->bad);
	pen_field(p, "total", ROLE_TEXT, d->total);
	if (d->sli == SLI_THRESHOLD)
		pen_field_printf(p, "good when", ROLE_TEXT, "%s %s %.10g", d->raw, sli_compare_text(d->compare), d->threshold);
	else
		pen_field(p, d->is_raw_success ? "ratio good" : "ratio bad", ROLE_TEXT, d->raw);
	pen_field(p, "service", ROLE_TEXT, d->service);
	pen_field(p, "kind", ROLE_TEXT, d->kind);
	pen_field(p, "source", ROLE_TEXT, d->source);
	pen_field_printf(p, "defined", ROLE_TEXT, "%s (%s)", d->where, slo_origin_name(d->origin));
}

void
slo_detail_draw(struct pen *p, const struct view *v, const struct part_slos *slos, const struct model_slo *m,
    struct slo_chosen *chosen)
{
	detail_head(p, v, slos, m);
	if (m->slo != NULL) {
		budget_field(p, m);
		burn_field(p, m->slo);
		projected_field(p, v, m->slo);
		events_field(p, m);
	}
	target_field(p, m->def);
	if (m->slo != NULL)
		window_field(p, m);
	alert_field(p, v, m);
	if (m->slo != NULL) {
		slo_detail_burndown(p, v, m);
		slo_detail_rates(p, v, m);
		slo_detail_spends(p, m);
	}
	detail_corrections(p, v, m->def, chosen);
	detail_notes(p, m);
	detail_indicator(p, m->def);
}
