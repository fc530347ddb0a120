/*
 * Objectives found by themselves: the recording rules of Sloth and Pyrra, as the rules API of a Prometheus tells them.
 *
 * Sloth (sloth.dev): slo:sli_error:ratio_rate5m with labels sloth_id, sloth_service, sloth_slo; slo:objective:ratio and slo:time_period:days carry
 * the objective as vector(0.999). Pyrra (github.com/pyrra-dev/pyrra): METRIC:burnrate5m (an error ratio in spite of its name), METRIC:increase4w, and the generic
 * pyrra_objective and pyrra_window, all with the label slo.
 *
 * Where the rule's expression is a division of two rates, its two sides become the indicator, so that traffic weighs and any window can be asked. Where
 * it is not, the recorded ratio is read as it is, and a note says that traffic does not weigh.
 */
#ifndef OPS_INSIGHT_SLO_FOUND_H
#define OPS_INSIGHT_SLO_FOUND_H

#include "model/slo.h"

/* All objectives found in the rules of one source; n may be 0. One reference, the caller's. */
struct slo_def_set *slo_found(const struct rule_set *rules, const char *source);
/* The same, with recorded_ns set where the rules of `--export slo-rules` (see slo_rules.h) are there for an objective. One reference, the caller's. */
struct slo_def_set *slo_found_recorded(const struct slo_def_set *defs, const struct rule_set *rules, const char *source);

#endif
