/* Objectives as JSON: what they are, how they stand, and the course of their budgets. */
#include "config.h"

#include <string.h>

#include "model/event_fields.h"

static const char *const origins[] = { "config", "openslo", "sloth", "pyrra", NULL };
static const char *const methods[] = { "occurrences", "timeslices", "ratio-timeslices", NULL };
static const char *const indicators[] = { "ratio", "raw", "threshold", NULL };
static const char *const comparisons[] = { "<", "<=", ">", ">=", NULL };
static const char *const states[] = { "page", "ticket", "exhausted", "no-data", "unknown", "gated", "ok", "excluded", NULL };

/* --- definitions -------------------------------------------------------------------------------------------------------- */

static const struct field rule_fields[] = {
	F("factor", FIELD_DOUBLE, slo_rule, factor),
	F("long_ns", FIELD_NS, slo_rule, long_ns),
	F("short_ns", FIELD_NS, slo_rule, short_ns),
	F("for_ns", FIELD_NS, slo_rule, for_ns),
	F_ENUM("severity", slo_rule, severity, severity_words),
	F_END
};
static const struct field correction_fields[] = {
	F("id", FIELD_TEXT, slo_correction, id),
	F("start", FIELD_TIME, slo_correction, start_ns),
	F("end", FIELD_TIME, slo_correction, end_ns),
	F("reason", FIELD_TEXT, slo_correction, reason),
	F("by", FIELD_TEXT, slo_correction, by),
	F("at", FIELD_TIME, slo_correction, at_ns),
	F_END
};
static const struct field def_fields[] = {
	F("id", FIELD_TEXT, slo_def, id),
	F("name", FIELD_TEXT, slo_def, name),
	F("title", FIELD_TEXT, slo_def, title),
	F("service", FIELD_TEXT, slo_def, service),
	F("kind", FIELD_TEXT, slo_def, kind),
	F("source", FIELD_TEXT, slo_def, source),
	F_ENUM("origin", slo_def, origin, origins),
	F("where", FIELD_TEXT, slo_def, where),
	F("target", FIELD_DOUBLE, slo_def, target),
	F_ENUM("method", slo_def, method, methods),
	F("slice_ns", FIELD_NS, slo_def, slice_ns),
	F("slice_target", FIELD_DOUBLE_OR_NAN, slo_def, slice_target),
	F("period_ns", FIELD_NS, slo_def, period_ns),
	F_TIMES("bounds", slo_def, bounds, n_bounds),
	F_ENUM("indicator", slo_def, sli, indicators),
	F("good", FIELD_TEXT_OR_NULL, slo_def, good),
	F("bad", FIELD_TEXT_OR_NULL, slo_def, bad),
	F("total", FIELD_TEXT_OR_NULL, slo_def, total),
	F("counter", FIELD_BOOL, slo_def, is_counter),
	F("raw", FIELD_TEXT_OR_NULL, slo_def, raw),
	F("raw_success", FIELD_BOOL, slo_def, is_raw_success),
	F_ENUM("compare", slo_def, compare, comparisons),
	F("threshold", FIELD_DOUBLE, slo_def, threshold),
	F("resolution_ns", FIELD_NS, slo_def, resolution_ns),
	F_LIST("rules", FIELD_LIST, slo_def, rules, n_rules, rule_fields),
	F_ENUM("no_data_severity", slo_def, no_data_severity, severity_words),
	F("min_bad", FIELD_DOUBLE, slo_def, min_bad),
	F("min_events", FIELD_DOUBLE, slo_def, min_events),
	F_LIST("corrections", FIELD_LIST, slo_def, corrections, n_corrections, correction_fields),
	F("alert_labels", FIELD_LABELS, slo_def, alert_labels),
	F("recorded_ns", FIELD_NS, slo_def, recorded_ns),
	F("notes", FIELD_STRINGS, slo_def, notes),
	F_END
};
const struct field slo_def_set_fields[] = {
	F_LIST("slos", FIELD_LIST, slo_def_set, v, n, def_fields),
	F_END
};

/* --- how they stand ------------------------------------------------------------------------------------------------------- */

static const struct field burn_fields[] = {
	F("window_ns", FIELD_NS, slo_burn, window_ns),
	F("rate", FIELD_DOUBLE_OR_NAN, slo_burn, rate),
	F("bad", FIELD_DOUBLE_OR_NAN, slo_burn, bad),
	F("total", FIELD_DOUBLE_OR_NAN, slo_burn, total),
	F("at", FIELD_TIME, slo_burn, at_ns),
	F_END
};
static const struct field rule_state_fields[] = {
	F("above", FIELD_BOOL, slo_rule_state, is_above),
	F("firing", FIELD_BOOL, slo_rule_state, is_firing),
	F("gated", FIELD_BOOL, slo_rule_state, is_gated),
	F("above_since", FIELD_TIME, slo_rule_state, above_since_ns),
	F_END
};
static const struct field slo_fields[] = {
	F("id", FIELD_TEXT, slo, id),
	F_ENUM("state", slo, state, states),
	F("why", FIELD_TEXT, slo, why),
	F("since", FIELD_TIME, slo, since_ns),
	F("at", FIELD_TIME, slo, at_ns),
	F("left", FIELD_DOUBLE_OR_NAN, slo, left),
	F("budget_ns", FIELD_NS, slo, budget_ns),
	F("left_ns", FIELD_NS, slo, left_ns),
	F("bad", FIELD_DOUBLE_OR_NAN, slo, bad),
	F("total", FIELD_DOUBLE_OR_NAN, slo, total),
	F("sli", FIELD_DOUBLE_OR_NAN, slo, sli),
	F("start", FIELD_TIME, slo, start_ns),
	F("end", FIELD_TIME, slo, end_ns),
	F("covered_ns", FIELD_NS, slo, covered_ns),
	F("excluded_ns", FIELD_NS, slo, excluded_ns),
	F("burn", FIELD_DOUBLE_OR_NAN, slo, burn),
	F("burn_window_ns", FIELD_NS, slo, burn_window_ns),
	F("exhaustion_ns", FIELD_NS_OR_NEVER, slo, exhaustion_ns),
	F("projected", FIELD_DOUBLE_OR_NAN, slo, projected),
	F("projected_at", FIELD_TIME, slo, projected_ns),
	F_LIST("burns", FIELD_LIST, slo, burns, n_burns, burn_fields),
	F_LIST("rules", FIELD_LIST, slo, rules, n_rules, rule_state_fields),
	F("over", FIELD_BOOL, slo, is_over),
	F("notes", FIELD_STRINGS, slo, notes),
	F_END
};
const struct field slo_set_fields[] = {
	F("at", FIELD_TIME, slo_set, at_ns),
	F("every_ns", FIELD_NS, slo_set, every_ns),
	F("past", FIELD_BOOL, slo_set, is_past),
	F_LIST("slos", FIELD_LIST, slo_set, v, n, slo_fields),
	F_END
};

/* --- over the window -------------------------------------------------------------------------------------------------------- */

static const struct field spend_fields[] = {
	F("start", FIELD_TIME, slo_spend, start_ns),
	F("end", FIELD_TIME, slo_spend, end_ns),
	F("share", FIELD_DOUBLE, slo_spend, share),
	F("beside", FIELD_TEXT, slo_spend, beside),
	F_END
};
static const struct field held_fields[] = {
	F("id", FIELD_TEXT, slo_held, id),
	F("share", FIELD_DOUBLE, slo_held, share),
	F_END
};
static const struct field detail_fields[] = {
	F("id", FIELD_TEXT, slo_detail, id),
	F("step_ns", FIELD_NS, slo_detail, step_ns),
	F_LIST("left", FIELD_TUPLES, slo_detail, left, n, sample_fields),
	F_LIST("spends", FIELD_LIST, slo_detail, spends, n_spends, spend_fields),
	F_LIST("held", FIELD_LIST, slo_detail, held, n_held, held_fields),
	F("rest", FIELD_DOUBLE_OR_NAN, slo_detail, rest),
	F_END
};
const struct field slo_detail_set_fields[] = {
	F("at", FIELD_TIME, slo_detail_set, at_ns),
	F("past", FIELD_BOOL, slo_detail_set, is_past),
	F_LIST("slos", FIELD_LIST, slo_detail_set, v, n, detail_fields),
	F_END
};

/* --- what must hold ------------------------------------------------------------------------------------------------------------ */

static int
wrong(struct err *err, size_t slo, const char *member, const char *what)
{
	return err_set(err, ERR_INVALID, "slos[%zu]: %s: expected %s", slo, member, what);
}

static int
wrong_item(struct err *err, size_t slo, const char *list, size_t i, const char *what)
{
	return err_set(err, ERR_INVALID, "slos[%zu]: %s[%zu]: expected %s", slo, list, i, what);
}

static int
def_check(const struct slo_def *def, size_t at, struct err *err)
{
	if (!(def->target > 0 && def->target < 1))
		return wrong(err, at, "target", "a share above 0 and below 1");
	if (def->period_ns <= 0)
		return wrong(err, at, "period_ns", "more than 0");
	if (def->method != SLO_OCCURRENCES && def->slice_ns <= 0)
		return wrong(err, at, "slice_ns", "more than 0, as slices count");
	for (size_t i = 1; i < def->n_bounds; i++)
		if (def->bounds[i] <= def->bounds[i - 1])
			return wrong_item(err, at, "bounds", i, "a time after the one before it");
	for (size_t i = 0; i < def->n_rules; i++)
		if (def->rules[i].long_ns <= 0 || !(def->rules[i].factor > 0))
			return wrong_item(err, at, "rules", i, "factor and long_ns above 0");
	for (size_t i = 1; i < def->n_corrections; i++)
		if (def->corrections[i].start_ns < def->corrections[i - 1].start_ns)
			return wrong_item(err, at, "corrections", i, "a start not before the one before it");
	return 0;
}

int
slo_defs_check(const struct slo_def_set *set, struct err *err)
{
	int r = 0;

	for (size_t i = 0; i < set->n && r == 0; i++) {
		if (i > 0 && strcmp(set->v[i].id, set->v[i - 1].id) <= 0)
			return wrong(err, i, "id", "one that sorts after the one before it");
		r = def_check(&set->v[i], i, err);
	}
	return r;
}

int
slos_check(const struct slo_set *set, struct err *err)
{
	for (size_t i = 0; i < set->n; i++) {
		const struct slo *s = &set->v[i];

		for (size_t j = 1; j < s->n_burns; j++)
			if (s->burns[j].window_ns <= s->burns[j - 1].window_ns)
				return wrong_item(err, i, "burns", j, "a window longer than the one before it");
	}
	return 0;
}

int
slo_details_check(const struct slo_detail_set *set, struct err *err)
{
	for (size_t i = 0; i < set->n; i++) {
		const struct slo_detail *d = &set->v[i];

		for (size_t j = 1; j < d->n; j++)
			if (d->left[j].t_ns <= d->left[j - 1].t_ns)
				return wrong_item(err, i, "left", j, "a time after the one before it");
	}
	return 0;
}
