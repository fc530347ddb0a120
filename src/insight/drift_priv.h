/* Rare cells joined to their neighbours, one group after the other: drift_psi.c and drift.c walk over a histogram this way. */
#ifndef OPS_INSIGHT_DRIFT_PRIV_H
#define OPS_INSIGHT_DRIFT_PRIV_H

#include <stdbool.h>
#include <stddef.h>

/* Counts on both sides. */
struct drift_pair {
	double a, b;
};
struct drift_join {
	const double *a, *b;
	size_t n, i;
	double least;		/* of both sides together: a group with fewer is rare */
	struct drift_pair held;	/* a whole group, kept back until it is known that nothing rare is left over to join it */
	bool is_holding;
};

struct drift_pair drift_totals(const double *a, const double *b, size_t n);
/* The count on both sides together at which `expected` are expected on the smaller one. */
double drift_least(struct drift_pair totals, double expected);
void drift_join_init(struct drift_join *j, const double *a, const double *b, size_t n, double least);
/* false: that was the last one. */
bool drift_join_next(struct drift_join *j, struct drift_pair *ret);

#endif
