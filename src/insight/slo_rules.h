/*
 * Recording and alerting rules for objectives, ready to paste into Prometheus: `--export slo-rules`.
 *
 * For windows beyond what a store keeps, or too costly to ask each time. Names follow level:metric:operations (prometheus.io, "Recording rules"). The
 * burn rate alerts are those of the Workbook's table 5-8, with the definition's own rules.
 */
#ifndef OPS_INSIGHT_SLO_RULES_H
#define OPS_INSIGHT_SLO_RULES_H

#include "base/buf.h"
#include "model/slo.h"

/* Append a rules file (YAML) for those of defs that were not found as rules already. 0; ERR_INVALID when an indicator cannot be used (see slo_promql.h). */
int slo_rules_export(const struct slo_def_set *defs, struct buf *out, struct err *err);

#endif
