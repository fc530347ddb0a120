/*
 * What to ask Prometheus for an objective: its indicator as two sums over a window.
 *
 * Whatever the method, an objective becomes a pair of PromQL templates, "first" (good or bad) and
 * "total", each the sum over ${window} of a number of events, slices or samples. All arithmetic is
 * then the same: error ratio = bad / total. A template is made once and filled in with each window.
 *
 *   counters          sum(increase(SELECTOR[W])); an expression such as sum(SELECTOR) is taken apart and increase() is put
 *                     around the selector inside (the increase of a sum would take the restart of one host for a restart of all)
 *   gauges of events  sum(sum_over_time(SELECTOR[W]))
 *   with ${window}    as it stands; rate() in it is times the window's seconds
 *   raw ratio         sum_over_time((BAD)[W:res]) and count_over_time((BAD)[W:res]): samples count, not traffic
 *   threshold         sum_over_time(((VALUE) OP bool X)[W:res]) and count_over_time((VALUE)[W:res])
 *   Timeslices        the same again over slices: sum_over_time(((RATIO of a slice) >= bool TARGET)[W:slice])
 *   RatioTimeslices   sum_over_time((RATIO of a slice)[W:slice])
 *
 * In a slice that has events, bad or good without a series is 0. But of good that has none in any
 * slice of W first is nothing (`and on () ...`): see slo_eval.h on good that is nowhere.
 *
 * Subqueries and sums of samples are asked over W less a millisecond, so that W holds W / step
 * points whether the server counts a range's left end (Prometheus 2) or not (Prometheus 3). Values
 * that are NaN (0 / 0: no traffic) are no values.
 *
 * ${window} may be written $window, {{.window}} (Sloth), $__range, $__interval or $__rate_interval
 * (Grafana) too.
 */
#ifndef OPS_INSIGHT_SLO_PROMQL_H
#define OPS_INSIGHT_SLO_PROMQL_H

#include "base/arena.h"
#include "base/buf.h"
#include "model/slo.h"

enum { SLO_TEMPLATE_MAX = 8192 };	/* bytes */

struct slo_terms {		/* templates, in the arena */
	const char *first;	/* good if is_good, else bad */
	bool is_good;
	const char *total;
};
/* 0; ERR_INVALID with what of the expressions cannot be used and what to write instead. */
int slo_terms(
    const struct slo_def *def, struct arena *arena, struct slo_terms *ret, struct err *err);
/* The same without regard to recorded_ns: what `--export slo-rules` records. */
int slo_terms_direct(
    const struct slo_def *def, struct arena *arena, struct slo_terms *ret, struct err *err);
/*
 * Append template with its placeholders filled in: ${window} in the largest unit that is exact
 * ("1h", "90m", "500ms"), ${less} a millisecond less, ${seconds} as a number, ${step:MS} so many
 * milliseconds, but no longer than the window.
 */
void slo_fill(struct buf *out, const char *template, int64_t window_ns);
/*
 * The same for windows side by side, so that each event and each slice is counted once. ${step:MS}
 * stays as it is: a window shorter than a step may then hold none. ${window} is longer by
 * overlap_ns (about the time between two samples), and the whole is made smaller by as much:
 * increase() sees nothing of what a counter did between the last sample before its range and the
 * first in it. So what happens at the full hour, each hour, would never be seen in tiles of an
 * hour. With an overlap of one sample the differences of all samples are in one tile each.
 *
 * The overlap is the objective's resolution, for nobody tells how often a target is scraped. Where
 * that is longer than the time between two samples, a burst in what is too much of it, at the end
 * of a tile, counts in two tiles, and one elsewhere a little too little (at 15 s and 1m of an hour:
 * the last 45 s, and 1.2%); where it is shorter, as much is not seen. What happens steadily is
 * right either way.
 */
void slo_fill_exact(struct buf *out, const char *template, int64_t window_ns, int64_t overlap_ns);
/*
 * PromQL for a person to look at: the error ratio over a window, as slo_terms() would have it
 * asked.
 */
void slo_ratio_expr(struct buf *out, const struct slo_terms *terms, int64_t window_ns);
/*
 * "1h", "90m", "500ms": a duration as PromQL (and names of recording rules) have it. At least 1ms.
 */
enum { PROMQL_DURATION_MAX = 24 };
const char *promql_duration(char *buf, int64_t ns);
/* Append text as a PromQL string, in double quotes. */
void promql_quote(struct buf *out, const char *text);

/*
 * A little of PromQL's grammar, enough to find selectors, durations and operators without taking
 * strings, comments or braces for them. Offsets are bytes into text. Also used to read recording
 * rules.
 */
/*
 * The two sides of a division at the top level ("(A) / (B)", brackets around it all passed over),
 * without their own outer brackets; false: it is none.
 */
bool promql_split_division(
    const char *text, const char **ret_a, size_t *ret_a_len, const char **ret_b, size_t *ret_b_len);
/*
 * Append text with every range "[old]" (the duration exactly; not inside strings) written as
 * "[new]"; returns how many there were.
 */
unsigned promql_replace_range(struct buf *out, const char *text, size_t len,
    const char *old_duration, const char *new_duration);

#endif
