/*
 * A book of objectives, two servers ("prom" and "other") and a clock: the world of
 * test_slo_book*.c.
 */
#ifndef OPS_TESTS_SLO_BOOK_WORLD_H
#define OPS_TESTS_SLO_BOOK_WORLD_H

#include "base/clock.h"
#include "insight/slo_book.h"
#include "slo_server.h"

#define DAY (24 * NS_PER_HOUR)
#define PERIOD (30 * DAY)
#define EVERY (15 * NS_PER_S)
/* 2030-01-20T10:17:30Z: no edge of a tile. */
#define NOW ((INT64_C(1893456000) + 19 * 86400 + 10 * 3600 + 17 * 60 + 30) * NS_PER_S)
#define TARGET 0.99

enum { DEFS_MAX = 256, PUMPS_MAX = 2000 };

struct world {
	struct slo_server servers[2];	/* "prom" and "other" */
	struct slo_book *book;
	int64_t now_ns;
	bool is_held;			/* requests for tiles stay unanswered */
	bool is_held_instants;
	struct slo_set *set, *past;	/* the last ones */
	struct slo_detail_set *details, *past_details;
	size_t n_sets, n_details, n_pasts;
	size_t n_def;
	struct slo_def defs[DEFS_MAX];
	char text[DEFS_MAX][3][64];	/* id, first, total */
};

/*
 * One with the rules of the Workbook over 30 d; the test may change it before world_define() gives
 * all to the book.
 */
struct slo_def *world_add(struct world *w, const char *name, const char *bad, const char *total);
void world_define(struct world *w);
void world_init(struct world *w);
void world_done(struct world *w);
/* What the book has worked out. */
void world_take(struct world *w);
/* All that happens at this moment: what is not held back is answered. */
void world_pump(struct world *w);
/* Time passes. */
void world_pass(struct world *w, int64_t ns);
/* Fails the test when it is not there. */
const struct slo *world_find(const struct slo_set *set, const char *name);
const struct slo_burn *world_burn(const struct slo *slo, int64_t window_ns);
bool world_has_note(const struct slo *slo, const char *text);
void assert_near(double got, double want, const char *what);
double world_ratio(const struct slo_server *s, const char *bad, const char *total, int64_t start_ns,
    int64_t end_ns);
/* What the formulas say of an objective at a time: left, and all burn rates. */
void world_check(const struct slo_server *s, const struct slo *slo, const char *bad,
    const char *total, int64_t at_ns);
/* Requests sent, and halved, so far. */
size_t world_asked(const struct world *w);
size_t world_split(const struct world *w);

#endif
