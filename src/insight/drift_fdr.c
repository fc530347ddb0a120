/* Which of many tests still say something when there are many. */
#include "config.h"

#include "insight/drift.h"

#include <math.h>
#include <stdlib.h>

#include "base/xalloc.h"

static int
by_value(const void *va, const void *vb)
{
	const double *const *a = va, *const *b = vb;

	return (**a > **b) - (**a < **b);
}

/*
 * Benjamini and Hochberg (1995), J. R. Stat. Soc. B 57, "Controlling the false discovery rate"; as adjusted values: the smallest share of false discoveries at which this one
 * would still be among them, min over j >= i of p(j) m / j.
 */
void
drift_fdr(double *p, size_t n)
{
	double **order = xcalloc(n, sizeof *order), least = 1;
	size_t m = 0;

	for (size_t i = 0; i < n; i++)
		if (!isnan(p[i]))
			order[m++] = &p[i];
	qsort(order, m, sizeof *order, by_value);
	for (size_t i = m; i-- > 0;) {
		least = fmin(least, *order[i] * (double)m / (double)(i + 1));
		*order[i] = least;
	}
	free(order);
}
