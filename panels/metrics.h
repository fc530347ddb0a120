/* The metrics panel, over several files. Private to panels/metrics*.c. */
#ifndef OPS_PANELS_METRICS_H
#define OPS_PANELS_METRICS_H

#include "panels.h"
#include "parts.h"
#include "ui/widget.h"

enum metrics_freshness {
	METRICS_NONE,		/* no value at or before the cursor */
	METRICS_OLD,		/* the last one is more than two steps older than the cursor */
	METRICS_FRESH
};

/* What a series said last at or before at_ns. */
enum metrics_freshness metrics_value(const struct series *s, int64_t at_ns, int64_t step_ns, struct sample *ret_sample);
/* The largest value at the cursor among all series; i of its series in *ret_i. *ret_smallest: the smallest fresh one, +Inf when there is none. */
enum metrics_freshness metrics_largest(const struct series_set *set, int64_t at_ns, struct sample *ret_sample, double *ret_smallest,
    size_t *ret_i);
/* The time whose values are shown: the cursor, never later than now. */
int64_t metrics_cursor(const struct view *v);
/* Colour of the i-th series. */
enum role metrics_role(size_t i);
const char *metrics_unit(const struct model_query *q);

/* One query over the canvas: a line with its name, then graph and legend, or why there is none. title names it. */
void metrics_graph_draw(struct canvas *c, const struct view *v, const struct model_query *q, const char *title,
    bool is_selected);

/* metrics_levels.c: the objective of a query, and the burn rates at which it pages. */
enum { METRICS_LEVELS_MAX = 16, METRICS_LEVEL_TEXT_MAX = 80 };
struct metrics_levels {
	size_t n;
	struct graph_level v[METRICS_LEVELS_MAX];	/* the objective first */
	char texts[METRICS_LEVELS_MAX][METRICS_LEVEL_TEXT_MAX];
};
void metrics_levels_of(const struct view *v, const struct model_query *q, struct metrics_levels *ret);

/* Native histograms: buckets up, time across, density by shade. */
bool metrics_is_histogram(const struct series_set *set);
void metrics_heat_draw(struct canvas *c, const struct view *v, const struct model_query *q);
/* "n=5.1k, mean 0.21 s, 20 buckets" at the cursor. buf of size. */
const char *metrics_heat_text(const struct view *v, const struct model_query *q, char *buf, size_t size);

#endif
