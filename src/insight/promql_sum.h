/*
 * An expression that selects counters (or numbers of events) as the sum of their events over
 * ${window}.
 */
#ifndef OPS_INSIGHT_PROMQL_SUM_H
#define OPS_INSIGHT_PROMQL_SUM_H

#include "base/buf.h"
#include "insight/promql_scan.h"

/*
 * Append sum(increase(SELECTOR[${window}])), or of sum_over_time() over ${less} where samples are
 * numbers of events. Sums and differences are added up part by part: what has no series (no such
 * error happened yet) hides nothing. ERR_INVALID for what is no sum of events.
 */
int promql_sum(const struct promql_tokens *t, bool is_counter, struct buf *out, struct err *err);
/*
 * The same of an expression with ${window} in it: as it stands, but rates over ${window} become
 * numbers of events, and sums and differences of such are added up part by part, too.
 */
int promql_sum_windowed(const struct promql_tokens *t, struct buf *out, struct err *err);

#endif
