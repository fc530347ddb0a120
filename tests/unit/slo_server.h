/*
 * A Prometheus for tests of the book of objectives: it answers what the book asks from closed
 * formulas, and refuses what it is told to.
 *
 * Metrics by name: total* counts 10 events a second; bad* 0.005 a second, and 2 a second in the
 * outage; good* is total less bad; others have no series.
 */
#ifndef OPS_TESTS_SLO_SERVER_H
#define OPS_TESTS_SLO_SERVER_H

#include "insight/slo_book.h"

#define TOTAL_RATE 10.0
#define BAD_RATE 0.005
#define OUTAGE_RATE 2.0

struct slo_server {
	int64_t outage_start_ns, outage_end_ns;
	int64_t store_start_ns;		/* nothing is kept from before */
	double extra_bad;		/* events that come late: in the second before late_ns, when known_ns is reached */
	int64_t late_ns, known_ns, now_ns;
	bool is_histogram;		/* answers histograms, not numbers */
	bool has_firing;		/* ALERTS has an alert that fires during the outage */
	/* What it refuses. 0 and NULL: nothing. */
	long status;			/* everything, so */
	size_t items_max;		/* more in one request: 422, too many samples */
	size_t slow_items_max;		/* more in one request: no answer in time */
	size_t points_max;		/* more points of a term: 503 */
	int64_t range_max_ns;		/* a longer range: 400, exceeds the limit */
	size_t tile_items_max;		/* more terms of one request for tiles: no answer */
	const char *wrong_metric;	/* 400, parse error that speaks of a limit */
	const char *heavy_metric;	/* over more than heavy_ns, or as a range of more than heavy_points: 422, too many samples */
	int64_t heavy_ns;
	size_t heavy_points;
	/* What it saw. */
	size_t n_requests, n_refused, n_items, n_points, items_most;
	char last_expr[1 << 15];
};

/* The sum of a metric's events over (start, end]; NaN: no series. */
double slo_server_sum(
    const struct slo_server *s, const char *metric, int64_t start_ns, int64_t end_ns);
/* One reference, the caller's; NULL: refused, *ret_status and *ret_error say how. */
struct series_set *slo_server_answer(
    struct slo_server *s, const struct slo_ask *ask, long *ret_status, const char **ret_error);

#endif
