/* Cells joined until each expects enough; see drift.h for why. */
#include "config.h"

#include "insight/drift_priv.h"

#include <math.h>

#include "insight/drift.h"

struct drift_pair
drift_totals(const double *a, const double *b, size_t n)
{
	struct drift_pair sum = { 0, 0 };

	for (size_t i = 0; i < n; i++) {
		sum.a += a[i];
		sum.b += b[i];
	}
	return sum;
}

double
drift_least(struct drift_pair totals, double expected)
{
	return expected * (totals.a + totals.b) / fmin(totals.a, totals.b);
}

void
drift_join_init(struct drift_join *j, const double *a, const double *b, size_t n, double least)
{
	*j = (struct drift_join){ .a = a, .b = b, .n = n, .least = least };
}

/* The next cells that together are not rare. false: the cells ran out first, *ret is what was left over. */
static bool
join_group(struct drift_join *j, struct drift_pair *ret)
{
	*ret = (struct drift_pair){ 0, 0 };
	while (j->i < j->n) {
		ret->a += j->a[j->i];
		ret->b += j->b[j->i];
		j->i++;
		if (ret->a + ret->b >= j->least)
			return true;
	}
	return false;
}

/*
 * Whether a group is whole depends on both sides together and never on how they share it: otherwise the joining would pick out differences, and noise would look like drift.
 * What is left over at the end goes to the last whole group.
 */
bool
drift_join_next(struct drift_join *j, struct drift_pair *ret)
{
	struct drift_pair group;
	bool is_whole = join_group(j, &group);

	if (is_whole && !j->is_holding) {
		j->held = group;
		j->is_holding = true;
		is_whole = join_group(j, &group);
	}
	if (is_whole) {
		*ret = j->held;
		j->held = group;
		return true;
	}
	if (!j->is_holding && group.a + group.b <= 0)
		return false;
	*ret = (struct drift_pair){ j->held.a + group.a, j->held.b + group.b };
	j->held = (struct drift_pair){ 0, 0 };
	j->is_holding = false;
	return true;
}
