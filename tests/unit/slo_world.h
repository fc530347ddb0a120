/*
 * A small world for the tests of error budgets: one objective whose events the test lays out in
 * time, and the sums that come of them.
 */
#ifndef OPS_TESTS_SLO_WORLD_H
#define OPS_TESTS_SLO_WORLD_H

#include <math.h>

#include "base/clock.h"
#include "insight/slo_eval.h"

#define N_OF(v) (sizeof(v) / sizeof *(v))
#define DAY (24 * NS_PER_HOUR)
#define HOUR NS_PER_HOUR
#define MINUTE NS_PER_MIN
#define AT (INT64_C(1900000000) * NS_PER_S)	/* 2030-03-17T17:46:40Z */

enum { WORLD_TILES_MAX = 4096, WORLD_WINDOWS_MAX = 16, WORLD_CORRECTIONS_MAX = 4 };

struct world {
	struct arena arena;
	struct slo_def def;
	struct slo_rule rules[4];
	struct slo_correction corrections[WORLD_CORRECTIONS_MAX];
	struct slo_sum tiles[WORLD_TILES_MAX], excluded[WORLD_CORRECTIONS_MAX];
	struct slo_window_sum windows[WORLD_WINDOWS_MAX];
	struct slo_input in;
	struct slo slo;
	struct slo_detail detail;
};

/*
 * 99.9 % of events over 30 rolling days, the Workbook's rules; first is bad. Every tile and window:
 * 100 events an hour, none bad.
 */
struct world *world_new(void);
void world_free(struct world *w);
/* Tiles of step that reach back so far from at. */
void world_tiles(struct world *w, int64_t step_ns, int64_t back_ns);
/* All sums of that window: of the tiles each, or of a burn window. */
void world_tile(struct world *w, size_t i, double bad, double total);
void world_window(struct world *w, int64_t window_ns, double bad, double total);
/* Burn rates of all windows, at 100 events an hour. */
void world_burn(struct world *w, double rate);
void world_correct(struct world *w, int64_t start_ns, int64_t end_ns, double bad, double total);
const struct slo *world_evaluate(struct world *w);
const struct slo_detail *world_detail(struct world *w);
const struct slo_burn *world_burn_over(const struct world *w, int64_t window_ns);

/*
 * Fail the test when it is not so. what: named in the failure; NaN is near NaN; times may differ by
 * a microsecond, for they pass through doubles.
 */
void near(const char *what, double got, double want);
void near_ns(const char *what, int64_t got, int64_t want);
void is_state(const struct slo *s, enum slo_state want);
void has_note(const struct slo *s, const char *part);

#endif
