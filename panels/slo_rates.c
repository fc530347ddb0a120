/* Burn rates over every window, and what the rules make of them. */
#include "config.h"

#include <math.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/str.h"
#include "slo.h"

enum { WINDOW_X = 3, RATE_END = 15, COUNTS_X = 18, RULE_WORD_W = 7 };

static const struct slo_burn *
burn_over(const struct slo *s, int64_t window_ns)
{
	for (size_t i = 0; i < s->n_burns; i++)
		if (s->burns[i].window_ns == window_ns)
			return &s->burns[i];
	return NULL;
}

/* "1h 14.9x" */
static void
add_rate(struct buf *b, const struct slo *s, int64_t window_ns)
{
	const struct slo_burn *burn = burn_over(s, window_ns);
	char window[DURATION_TEXT_MAX], rate[SLO_RATE_MAX];

	buf_printf(b, "%s %s", part_window(window_ns, window), slo_rate_text(rate, burn != NULL ? burn->rate : NAN));
}

/* --- windows ------------------------------------------------------------------------------------- */

static void
burn_row(struct pen *p, const struct model_slo *m, const struct slo_burn *burn)
{
	char window[DURATION_TEXT_MAX], rate[SLO_RATE_MAX], age[DURATION_TEXT_MAX];
	char bad[NUM_TEXT_MAX], total[NUM_TEXT_MAX];
	int64_t old = m->slo->at_ns - burn->at_ns;
	int x = COUNTS_X;

	canvas_text(p->c, WINDOW_X, p->y, ROLE_TEXT, part_window(burn->window_ns, window));
	canvas_text_right(p->c, RATE_END, p->y, isnan(burn->rate) ? ROLE_UNKNOWN : ROLE_STRONG, slo_rate_text(rate, burn->rate));
	if (isnan(burn->rate))
		x = canvas_text(p->c, COUNTS_X, p->y, ROLE_UNKNOWN, "no data");
	else if (isfinite(burn->total))
		x = canvas_printf(p->c, COUNTS_X, p->y, ROLE_DIM, "%s bad of %s %s", num_format(bad, burn->bad, "count"),
		    num_format(total, burn->total, "count"), slo_counts_what(m->def));
	if (old >= NS_PER_S)
		canvas_printf(p->c, x + 2, p->y, ROLE_DIM, "%s old", duration_format(age, old / NS_PER_S * NS_PER_S));
	p->y++;
}

/* --- rules --------------------------------------------------------------------------------------- */

/* Nothing is below where nothing was measured. */
static bool
is_unknown(const struct slo *s, const struct slo_rule *rule, const struct slo_rule_state *state)
{
	const struct slo_burn *longer = burn_over(s, rule->long_ns), *shorter = burn_over(s, rule->short_ns);

	if (state == NULL || state->is_above)
		return state == NULL;
	if (longer == NULL || isnan(longer->rate))
		return true;
	return rule->short_ns != 0 && (shorter == NULL || isnan(shorter->rate));
}

static const char *
rule_glyph(const struct slo_rule *rule, const struct slo_rule_state *state, enum role *ret_role)
{
	*ret_role = ROLE_UNKNOWN;
	if (state == NULL)
		return GLYPH_UNKNOWN;
	*ret_role = ROLE_DIM;
	if (state->is_firing) {
		*ret_role = rule->severity == SEVERITY_PAGE ? ROLE_ALERT_FIRING : ROLE_ALERT_TICKET;
		return GLYPH_FIRING;
	}
	if (!state->is_above)
		return GLYPH_OK;
	*ret_role = ROLE_ALERT_PENDING;
	return GLYPH_PENDING;
}

static void
add_rule_state(struct buf *b, const struct view *v, const struct slo_rule *rule, const struct slo_rule_state *state)
{
	char since[CLOCK_TEXT_MAX], wait[DURATION_TEXT_MAX];

	if (state == NULL) {
		buf_addstr(b, ": not known");
		return;
	}
	buf_addstr(b, state->is_firing ? ": fires" : state->is_gated ? ": above, on too few events to fire" :
	    state->is_above ? ": above" : ": below");
	if (state->is_above && !state->is_firing && !state->is_gated && rule->for_ns > 0)
		buf_printf(b, ", fires after %s", duration_format(wait, rule->for_ns));
	if (state->is_above && state->above_since_ns != 0)
		buf_printf(b, ", since %s", part_when(v, state->above_since_ns, since));
}

/* "● page  14.4x: 1h 14.9x, 5m 16x: fires, since 02:16:10Z" */
static void
rule_row(struct pen *p, const struct view *v, const struct model_slo *m, size_t i)
{
	const struct slo_rule *rule = &m->def->rules[i];
	const struct slo_rule_state *state = i < m->slo->n_rules ? &m->slo->rules[i] : NULL;
	char factor[SLO_RATE_MAX];
	const char *glyph;
	enum role role;
	struct buf b;

	if (is_unknown(m->slo, rule, state))
		state = NULL;
	glyph = rule_glyph(rule, state, &role);
	buf_init(&b, 1024);
	buf_printf(&b, "%s  ", slo_rate_text(factor, rule->factor));
	add_rate(&b, m->slo, rule->long_ns);
	if (rule->short_ns != 0) {
		buf_addstr(&b, ", ");
		add_rate(&b, m->slo, rule->short_ns);
	}
	add_rule_state(&b, v, rule, state);
	canvas_text(p->c, 1, p->y, role, glyph);
	canvas_text(p->c, WINDOW_X, p->y, role, severity_name(rule->severity));
	pen_indented(p, WINDOW_X + RULE_WORD_W, 3, state != NULL && state->is_firing ? ROLE_STRONG : ROLE_TEXT, b.data);
	buf_done(&b);
}

void
slo_detail_rates(struct pen *p, const struct view *v, const struct model_slo *m)
{
	if (m->def->n_rules > 0) {
		p->y++;
		pen_heading(p, "Rules: both windows above the factor");
		for (size_t i = 0; i < m->def->n_rules; i++)
			rule_row(p, v, m, i);
	}
	if (m->slo->n_burns > 0) {
		p->y++;
		pen_heading(p, "Burn rates (1x spends the budget in exactly the window)");
		for (size_t i = 0; i < m->slo->n_burns; i++)
			burn_row(p, m, &m->slo->burns[i]);
	}
}
