/* Values in PromQL: strings, durations, arithmetic of numbers. Private to slo_found. */
#ifndef OPS_INSIGHT_SLO_FOUND_VALUE_H
#define OPS_INSIGHT_SLO_FOUND_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "insight/promql_scan.h"

/* What a string (with its quotes) says, escapes decoded, in the arena. */
const char *value_string(const char *text, size_t len, struct arena *arena);
/* A duration as PromQL writes it: "5m", "1h4m", "4w", "1y"; all len bytes. */
bool value_duration(const char *text, size_t len, int64_t *ret_ns);
/*
 * A number, or arithmetic of numbers with + - * / and brackets, from token *i on; *i is then the token behind it. ret_rest, when it is not NULL: what
 * stands behind the minus of a "1 - X" in it (an error budget, written down by its target), NaN without one.
 */
bool value_scalar(const struct promql_tokens *t, size_t *i, double *ret, double *ret_rest);

#endif
