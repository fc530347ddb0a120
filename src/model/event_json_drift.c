/* Drift as JSON: what is compared with what, how it stands, and the heat map. */
#include "config.h"

#include <math.h>

#include "model/event_fields.h"

static const char *const kinds[] = { "feature", "prediction", "label", "skew", NULL };
static const char *const data[] = { "classic", "native", "categories", "gauge", NULL };
static const char *const references[] = { "profile", "version", "past", NULL };
static const char *const measures[] = { "psi", "js", "ks", "chi2", "wasserstein", "mean", "q50", "q95", "missing", NULL };
static const char *const states[] = { "drifted", "moving", "unknown", "few", "steady", NULL };

/* --- definitions -------------------------------------------------------------------------------------------------------- */

static const struct field def_fields[] = {
	F("id", FIELD_TEXT, drift_def, id),
	F("model", FIELD_TEXT, drift_def, model),
	F("name", FIELD_TEXT, drift_def, name),
	F("title", FIELD_TEXT, drift_def, title),
	F_ENUM("kind", drift_def, kind, kinds),
	F_ENUM("data", drift_def, data, data),
	F("source", FIELD_TEXT, drift_def, source),
	F("metric", FIELD_TEXT, drift_def, metric),
	F("label", FIELD_TEXT_OR_NULL, drift_def, label),
	F("trained", FIELD_TEXT_OR_NULL, drift_def, trained),
	F("missing", FIELD_TEXT_OR_NULL, drift_def, missing),
	F("version_label", FIELD_TEXT_OR_NULL, drift_def, version_label),
	F_ENUM("reference", drift_def, reference, references),
	F("profile", FIELD_TEXT_OR_NULL, drift_def, profile),
	F("feature", FIELD_TEXT_OR_NULL, drift_def, feature),
	F("version", FIELD_TEXT_OR_NULL, drift_def, version),
	F("ago_ns", FIELD_NS, drift_def, ago_ns),
	F("reference_ns", FIELD_NS, drift_def, reference_ns),
	F("window_ns", FIELD_NS, drift_def, window_ns),
	F("effect", FIELD_DOUBLE, drift_def, effect),
	F("min_n", FIELD_DOUBLE, drift_def, min_n),
	F_ENUM("severity", drift_def, severity, severity_words),
	F("where", FIELD_TEXT, drift_def, where),
	F_END
};
const struct field drift_def_set_fields[] = {
	F("confidence", FIELD_DOUBLE, drift_def_set, confidence),
	F("fdr", FIELD_DOUBLE, drift_def_set, fdr),
	F_LIST("drifts", FIELD_LIST, drift_def_set, v, n, def_fields),
	F_END
};

/* --- how they stand ------------------------------------------------------------------------------------------------------- */

static const struct field score_fields[] = {
	F_ENUM("measure", drift_score, measure, measures),
	F("value", FIELD_DOUBLE_OR_NAN, drift_score, value),
	F("floor", FIELD_DOUBLE_OR_NAN, drift_score, floor),
	F("bound", FIELD_BOOL, drift_score, is_bound),
	F_END
};
static const struct field cell_fields[] = {
	F("lo", FIELD_DOUBLE, drift_cell, lo),
	F("hi", FIELD_DOUBLE, drift_cell, hi),
	F("value", FIELD_TEXT_OR_NULL, drift_cell, value),
	F("then", FIELD_DOUBLE, drift_cell, then),
	F("now", FIELD_DOUBLE, drift_cell, now),
	F("part", FIELD_DOUBLE, drift_cell, part),
	F_END
};
/* Of a list of texts each is one alone. */
static const struct field category_fields[] = {
	{ "value", FIELD_TEXT, 0, 0, 0, NULL, NULL },
	F_END
};
static const struct field drift_fields[] = {
	F("id", FIELD_TEXT, drift, id),
	F_ENUM("state", drift, state, states),
	F("why", FIELD_TEXT, drift, why),
	F("against", FIELD_TEXT, drift, against),
	F("at", FIELD_TIME, drift, at_ns),
	F("since", FIELD_TIME, drift, since_ns),
	F("n_then", FIELD_DOUBLE_OR_NAN, drift, n_then),
	F("n_now", FIELD_DOUBLE_OR_NAN, drift, n_now),
	F("missing_then", FIELD_DOUBLE_OR_NAN, drift, missing_then),
	F("missing_now", FIELD_DOUBLE_OR_NAN, drift, missing_now),
	F("p", FIELD_DOUBLE_OR_NAN, drift, p),
	F("q", FIELD_DOUBLE_OR_NAN, drift, q),
	F_LIST("scores", FIELD_LIST, drift, scores, n_scores, score_fields),
	F_LIST("cells", FIELD_TUPLES, drift, cells, n_cells, cell_fields),
	F("notes", FIELD_STRINGS, drift, notes),
	F_LIST("new_categories", FIELD_TUPLES, drift, new_categories, n_new, category_fields),
	F_END
};
const struct field drift_set_fields[] = {
	F("at", FIELD_TIME, drift_set, at_ns),
	F("every_ns", FIELD_NS, drift_set, every_ns),
	F("past", FIELD_BOOL, drift_set, is_past),
	F_LIST("drifts", FIELD_LIST, drift_set, v, n, drift_fields),
	F_END
};

/* --- over time ------------------------------------------------------------------------------------------------------------- */

static const struct field row_fields[] = {
	F("id", FIELD_TEXT, drift_row, id),
	F_FLOATS("ratio", drift_row, ratio, n),
	F_END
};
const struct field drift_history_fields[] = {
	F("start", FIELD_TIME, drift_history, start_ns),
	F("step_ns", FIELD_NS, drift_history, step_ns),
	F_LIST("rows", FIELD_LIST, drift_history, v, n, row_fields),
	F_END
};

/* --- what must hold ------------------------------------------------------------------------------------------------------------ */

static int
wrong(struct err *err, const char *list, size_t i, const char *member, const char *what)
{
	return err_set(err, ERR_INVALID, "%s[%zu]: %s: expected %s", list, i, member, what);
}

static bool
is_text(const char *s)
{
	return s != NULL && s[0] != '\0';
}

static int
reference_check(const struct drift_def *def, size_t at, struct err *err)
{
	if (def->kind == DRIFT_SKEW)
		return is_text(def->trained) ? 0 : wrong(err, "drifts", at, "trained", "a selector, as this is skew");
	if (def->reference == DRIFT_FROM_PROFILE && !is_text(def->profile))
		return wrong(err, "drifts", at, "profile", "where the training profile is");
	if (def->reference == DRIFT_FROM_VERSION && !is_text(def->version))
		return wrong(err, "drifts", at, "version", "which version it is held against");
	if (def->reference == DRIFT_FROM_PAST && (def->ago_ns <= 0 || def->reference_ns <= 0))
		return wrong(err, "drifts", at, "ago_ns", "ago_ns and reference_ns above 0");
	return 0;
}

static int
def_check(const struct drift_def *def, size_t at, struct err *err)
{
	if (!is_text(def->id))
		return wrong(err, "drifts", at, "id", "a text");
	if (def->window_ns <= 0)
		return wrong(err, "drifts", at, "window_ns", "more than 0");
	if (!(def->effect >= 0) || isinf(def->effect))
		return wrong(err, "drifts", at, "effect", "a number from 0 on");
	if (!(def->min_n >= 0) || isinf(def->min_n))
		return wrong(err, "drifts", at, "min_n", "a number from 0 on");
	if (def->data == DRIFT_CATEGORIES && !is_text(def->label))
		return wrong(err, "drifts", at, "label", "the label whose values are counted");
	return reference_check(def, at, err);
}

static bool
is_share(double v)
{
	return v > 0 && v < 1;
}

int
drift_defs_check(const struct drift_def_set *set, struct err *err)
{
	int r = 0;

	if (set->n > 0 && !is_share(set->confidence))
		return err_set(err, ERR_INVALID, "confidence: expected a share above 0 and below 1");
	if (set->n > 0 && !is_share(set->fdr))
		return err_set(err, ERR_INVALID, "fdr: expected a share above 0 and below 1");
	for (size_t i = 0; i < set->n && r == 0; i++)
		r = def_check(&set->v[i], i, err);
	return r;
}

static bool
is_count(double v)
{
	return v >= 0 && isfinite(v);
}

int
drifts_check(const struct drift_set *set, struct err *err)
{
	for (size_t i = 0; i < set->n; i++) {
		const struct drift *d = &set->v[i];

		for (size_t j = 0; j < d->n_cells; j++)
			if (!is_count(d->cells[j].then) || !is_count(d->cells[j].now))
				return wrong(err, "drifts", i, "cells", "counts from 0 on");
	}
	return 0;
}

int
drift_history_check(const struct drift_history *set, struct err *err)
{
	for (size_t i = 0; i < set->n; i++)
		if (set->v[i].n > 0 && set->step_ns <= 0)
			return wrong(err, "rows", i, "ratio", "none, or a step_ns above 0");
	return 0;
}
