/*
 * A Prometheus for tests of the book of drift: it takes a request apart into its terms, and answers each
 * from metrics that the test describes.
 */
#ifndef DRIFT_WORLD_H
#define DRIFT_WORLD_H

#include "base/clock.h"
#include "insight/drift_book.h"

enum { WORLD_DEFS = 8, WORLD_CELLS = 12, WORLD_METRICS = 12 };
#define NOW_NS (INT64_C(1893456000) * NS_PER_S)
#define W NS_PER_HOUR

struct world_metric {
	const char *find;	/* what the term must contain; the first metric that fits answers */
	enum drift_data data;
	size_t n;		/* cells, bounds (the last is +Inf), categories; 0: no series */
	const char *names[WORLD_CELLS];	/* le, or values of the label "lang" */
	double shares[WORLD_CELLS], shifted[WORLD_CELLS];	/* of a cell, before and from shift_ns on */
	double series[WORLD_CELLS];	/* how many have the bound; 0: 2 */
	bool is_replaced;	/* what only one series has is of a host that went within the window */
	double lo[WORLD_CELLS], hi[WORLD_CELLS];	/* native */
	double per_window;	/* counts in a window of an hour */
	int64_t shift_ns;	/* 0: never */
	int64_t until_ns;	/* 0: for ever; then there are no series */
	double mean, shifted_mean, stddev, parts;	/* gauge */
	double missing, shifted_missing;
	long status;		/* a term of it is refused so */
	/* NULL: as above. Counts of a cell in the window that ends then, or the answer of a gauge's term, with noise. */
	double (*count)(const struct world_metric *m, size_t cell, int64_t at_ns);
	double (*gauge)(const struct world_metric *m, const char *term, int64_t at_ns);
};
struct world {
	struct drift_book *book;
	int64_t now_ns;
	size_t n_defs;
	struct drift_def defs[WORLD_DEFS];
	char ids[WORLD_DEFS][40];
	size_t n_metrics;
	struct world_metric metrics[WORLD_METRICS];
	bool is_down;
	size_t n_asked, n_terms, n_searches;
	char last_expr[65536];
	char now_expr[65536];	/* the first of the round that looks at now */
	struct drift_set *set, *past;	/* the newest */
	struct drift_history *history;
	struct marker_set *markers;
	size_t n_sets;
};

void world_init(struct world *w);
void world_done(struct world *w);
/* A definition with defaults; adapt it before world_define(). */
struct drift_def *world_add(struct world *w, const char *name, enum drift_data data, const char *metric);
struct world_metric *world_metric(struct world *w, const char *find, enum drift_data data);
void world_define(struct world *w);
/* Until the book has no more to ask at this time. */
void world_pump(struct world *w);
/* In steps of a minute. */
void world_pass(struct world *w, int64_t ns);
const struct drift *world_find(const struct drift_set *set, const char *name);
void world_state(const struct world *w, const char *name, enum drift_state state, const char *why);

#endif
