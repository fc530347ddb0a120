/*
 * What the expressions of Sloth's and Pyrra's rules say. Private to slo_found.
 *
 * Expressions come as Prometheus prints them, or as they were written (Thanos, vmalert): blanks, comments and brackets do not matter.
 */
#ifndef OPS_INSIGHT_SLO_FOUND_EXPR_H
#define OPS_INSIGHT_SLO_FOUND_EXPR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "model/slo.h"

/* "vector(0.999)", "vector(1 - 0.999)" or a plain number. */
bool expr_constant(const char *text, double *ret);
/* name ends in infix and a duration ("slo:sli_error:ratio_rate" and "5m"); ret_duration: the text of that duration. */
bool expr_window(const char *name, size_t len, const char *infix, int64_t *ret_ns, const char **ret_duration);
/* The value of the first matcher label="..." in text, in the arena; NULL without one. */
const char *expr_matcher(const char *text, const char *label, struct arena *arena);
/* The labels of the first "by (a, b)", in the arena; "" without one. */
const char *expr_grouping(const char *text, struct arena *arena);

/* One "SHORT > X and LONG > X" of a burn rate alert. */
struct expr_burn {
	int64_t long_ns, short_ns;	/* short_ns is 0 when there is one window only */
	double threshold;	/* an error ratio: factor x (1 - target) */
};
enum { EXPR_BURNS_MAX = 16 };
/*
 * The burn rates that an alert compares, in their order: series whose names end in infix and a window, one or two windows joined by `and`, such pairs
 * joined by `or`. ret_target: what "1 - X" in it says, NaN without one. -1: it says something else, or more.
 */
int expr_burns(const char *text, const char *infix, struct expr_burn *ret, double *ret_target);

/* An indicator taken out of a recording rule: two sums over ${window}. */
struct expr_ratio {
	const char *first, *total;	/* in the arena */
	bool is_good;			/* first is good, else bad */
};
/*
 * text is the division of two sums (or 1 less such a division), all of whose ranges are [duration]. false: it is not, and ret_why says what it is
 * instead, to go behind "its expression "; in the arena, or constant.
 */
bool expr_ratio(const char *text, const char *duration, struct arena *arena, struct expr_ratio *ret, const char **ret_why);
/* One sum whose ranges are all [duration], with ${window} for it, in the arena; NULL and ret_why as above. */
const char *expr_sum(const char *text, size_t len, const char *duration, struct arena *arena, const char **ret_why);

#endif
