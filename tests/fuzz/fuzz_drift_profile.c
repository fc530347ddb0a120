/*
 * Training profiles. Whatever the bytes: refused with a sentence, or cells that arithmetic can take:
 * edges that ascend, counts that are no less than 0 and finite, names in order.
 */
#include "config.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "insight/drift_profile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void __attribute__((noreturn))
die(const char *what)
{
	fprintf(stderr, "%s\n", what);
	abort();
}

static void
check_cells(const struct drift_profile_feature *f)
{
	double sum = 0;

	for (size_t i = 0; i < f->n_cells; i++) {
		if (!(f->counts[i] >= 0) || !isfinite(f->counts[i]))
			die("a count that cannot be");
		sum += f->counts[i];
		if (f->edges != NULL && !(f->edges[i] < f->edges[i + 1]))
			die("edges that do not ascend");
		if (f->values != NULL && i > 0 && strcmp(f->values[i - 1], f->values[i]) >= 0)
			die("categories out of order");
	}
	if (f->n_cells > 0 && fabs(sum - f->n) > 1e-6 * (sum + 1))
		die("n is not the sum of the counts");
}

static void
check(const struct drift_profile *p, const struct drift_profile_group *g, enum drift_kind kind)
{
	for (size_t i = 0; i < g->n; i++) {
		const struct drift_profile_feature *f = &g->v[i];

		if (i > 0 && strcmp(f[-1].name, f->name) >= 0)
			die("names out of order");
		if (drift_profile_find(p, kind, f->name) != f)
			die("a feature that is not found");
		if ((f->edges != NULL) + (f->values != NULL) != (f->n_cells > 0))
			die("cells without edges or values");
		if (f->n_cells == 0 && !(f->n >= 0 && isfinite(f->mean) && f->stddev >= 0))
			die("a feature that says nothing");
		if (f->missing < 0 || f->missing > 1)
			die("a share that is none");
		check_cells(f);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct drift_profile *p = NULL;
	struct err err = ERR_INIT;

	if (drift_profile_parse((const char *)data, size, &p, &err) < 0) {
		if (p != NULL || err.msg[0] == '\0')
			die("refused, but not cleanly");
		return 0;
	}
	check(p, &p->features, DRIFT_FEATURE);
	check(p, &p->predictions, DRIFT_PREDICTION);
	check(p, &p->labels, DRIFT_LABEL);
	drift_profile_free(p);
	return 0;
}
