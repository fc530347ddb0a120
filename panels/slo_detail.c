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
	char moment[PART_MOMENT_MAX], how[PART_SLOS_TEXT_MAX];
	enum role role;
	const char *glyph = part_slo_glyph(m, &role);

	canvas_text(p->c, 1, p->y, role, glyph);
	canvas_text_w(p->c, 3, p->y++, p->c->w - 4, ROLE_STRONG, m->def->name, false);
	if (*m->def->title != '\0')
		pen_text(p, ROLE_TEXT, m->def->title);
	if (m->slo == NULL) {
		pen_text(p, ROLE_UNKNOWN, slos->kind == PART_SLOS_PENDING ? "? working it out for this time …" :
		    "? not worked out yet");
		return;
	}
	if (*m->slo->why != '\0')
		pen_text(p, role, m->slo->why);
	p->y++;
	if (m->slo->since_ns != 0)
		pen_field_printf(p, "state", role, "%s, since %s", part_slo_word(m), part_moment(v, m->slo->since_ns, moment));
	else
		pen_field(p, "state", role, part_slo_word(m));
	if (m->is_stale)
		pen_field_printf(p, "as of", ROLE_STALE, "~ %s", part_moment(v, m->slo->at_ns, moment));
	else
		pen_field(p, "as of", ROLE_DIM, *part_slos_text(v, slos, how) != '\0' ? how : NULL);
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
	duration_format(all, (int64_t)((1 - m->def->target) * (double)m->def->period_ns));
	duration_format(time, s->left_ns < 0 ? -s->left_ns : s->left_ns);
	if (s->left > 0)
		pen_field_printf(p, "budget", ROLE_STRONG, "%s left%s: %s of %s of total outage",
		    slo_share_text(share, s->left), then, time, all);
	else
		pen_field_printf(p, "budget", ROLE_CRITICAL, "spent %s%s: %s more than %s of total outage",
		    slo_share_text(share, 1 - s->left), then, time, all);
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

static void
pace_fields(struct pen *p, const struct view *v, const struct model_slo *m)
{
	const struct slo *s = m->slo;
	char rate[SLO_RATE_MAX], window[DURATION_TEXT_MAX], in[DURATION_TEXT_MAX], share[SLO_SHARE_MAX];
	char moment[PART_MOMENT_MAX];

	if (!isnan(s->burn)) {
		slo_rate_text(rate, s->burn);
		part_window(s->burn_window_ns, window);
		if (s->left <= 0)
			pen_field_printf(p, "burns", ROLE_TEXT, "%s over %s; nothing is left", rate, window);
		else if (s->exhaustion_ns == INT64_MAX)
			pen_field_printf(p, "burns", ROLE_TEXT, "%s over %s: it lasts", rate, window);
		else
			pen_field_printf(p, "burns", ROLE_STRONG, "%s over %s: gone in %s", rate, window,
			    duration_format(in, s->exhaustion_ns));
	}
	if (isnan(s->projected))
		return;
	part_moment(v, s->projected_ns, moment);
	if (s->projected > 0)
		pen_field_printf(p, "projected", ROLE_TEXT, "%s left %s", slo_share_text(share, s->projected), moment);
	else
		pen_field_printf(p, "projected", ROLE_WARNING, "spent %s %s", slo_share_text(share, 1 - s->projected), moment);
}

static void
window_field(struct pen *p, const struct model_slo *m)
{
	const struct slo *s = m->slo;
	char period[DURATION_TEXT_MAX], start[CLOCK_TEXT_MAX], end[CLOCK_TEXT_MAX];
	char covered[DURATION_TEXT_MAX], length[DURATION_TEXT_MAX];
	int64_t so_far = s->at_ns - s->start_ns;

	part_window(m->def->period_ns, period);
	clock_format(start, s->start_ns, 0);
	if (m->def->n_bounds == 0)
		pen_field_printf(p, "window", ROLE_TEXT, "%s rolling, since %s", period, start);
	else
		pen_field_printf(p, "window", ROLE_TEXT, "%s to %s (calendar)", start, clock_format(end, s->end_ns, 0));
	/* A hair less is how samples fall, not a gap. */
	if (so_far > 0 && s->covered_ns + s->excluded_ns < so_far - so_far / 100)
		pen_field_printf(p, "", ROLE_WARNING, "only %s of %s have data", duration_format(covered, s->covered_ns),
		    duration_format(length, so_far));
	if (s->excluded_ns > 0)
		pen_field_printf(p, "", ROLE_TEXT, "%s taken out by corrections", duration_format(covered, s->excluded_ns));
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
detail_corrections(struct pen *p, const struct view *v, const struct slo_def *d, const struct slo_correction *chosen)
{
	char stretch[SLO_STRETCH_MAX], length[DURATION_TEXT_MAX], age[DURATION_TEXT_MAX];

	if (d->n_corrections == 0)
		return;
	p->y++;
	pen_heading(p, d->n_corrections > 1 ? "Does not count (u puts the chosen one back; n, p choose)" :
	    "Does not count (u puts it back)");
	for (size_t i = 0; i < d->n_corrections; i++) {
		const struct slo_correction *k = &d->corrections[i];

		canvas_text(p->c, 1, p->y, ROLE_KEY, k == chosen ? "›" : " ");
		canvas_printf(p->c, 3, p->y++, k == chosen ? ROLE_STRONG : ROLE_TEXT, "%s, %s",
		    slo_stretch(k->start_ns, k->end_ns, stretch), duration_format(length, k->end_ns - k->start_ns));
		duration_format(age, (v->now_ns - k->at_ns) / NS_PER_S * NS_PER_S);
		pen_indented(p, 5, 3, ROLE_TEXT, *k->reason != '\0' ? k->reason : "(no reason)");
		canvas_printf(p->c, 5, p->y++, ROLE_DIM, "by %s, logged %s ago", k->by, age);
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
    const struct slo_correction *chosen)
{
	detail_head(p, v, slos, m);
	if (m->slo != NULL) {
		budget_field(p, m);
		pace_fields(p, v, m);
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
