/* Drift: the words for it, and what readers look up in a standing. */
#include "config.h"

#include "model/drift.h"

#include <math.h>

const char *
drift_kind_name(enum drift_kind k)
{
	switch (k) {
	case DRIFT_FEATURE: return "feature";
	case DRIFT_PREDICTION: return "prediction";
	case DRIFT_LABEL: return "label";
	case DRIFT_SKEW: return "skew";
	}
	return "feature";
}

const char *
drift_reference_name(enum drift_reference r)
{
	switch (r) {
	case DRIFT_FROM_PROFILE: return "training profile";
	case DRIFT_FROM_VERSION: return "another version";
	case DRIFT_FROM_PAST: return "a past window";
	}
	return "training profile";
}

const char *
drift_measure_name(enum drift_measure m)
{
	switch (m) {
	case DRIFT_PSI: return "PSI";
	case DRIFT_JS: return "JS";
	case DRIFT_KS: return "KS";
	case DRIFT_CHI2: return "chi-square";
	case DRIFT_WASSERSTEIN: return "Wasserstein";
	case DRIFT_MEAN: return "mean shift";
	case DRIFT_Q50: return "median shift";
	case DRIFT_Q95: return "p95 shift";
	case DRIFT_MISSING: return "missing";
	case DRIFT_MEASURES: break;
	}
	return "unknown";
}

const char *
drift_state_name(enum drift_state s)
{
	switch (s) {
	case DRIFT_DRIFTED: return "drifted";
	case DRIFT_MOVING: return "moving";
	case DRIFT_UNKNOWN: return "unknown";
	case DRIFT_FEW: return "not enough data";
	case DRIFT_STEADY: return "steady";
	}
	return "unknown";
}

const struct drift_score *
drift_score_find(const struct drift *d, enum drift_measure m)
{
	for (size_t i = 0; i < d->n_scores; i++)
		if (d->scores[i].measure == m)
			return &d->scores[i];
	return NULL;
}

double
drift_ratio(const struct drift *d)
{
	const struct drift_score *psi = drift_score_find(d, DRIFT_PSI);

	return psi == NULL || !(psi->floor > 0) ? NAN : psi->value / psi->floor;
}
