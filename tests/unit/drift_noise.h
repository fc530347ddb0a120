/*
 * Samples of known distributions, to see how often noise passes for drift, and how often drift is seen: for the tests (few pairs) and for `make bench-drift` (10,000).
 */
#ifndef OPS_TESTS_DRIFT_NOISE_H
#define OPS_TESTS_DRIFT_NOISE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* xoshiro256** (Blackman and Vigna 2018): the same numbers everywhere, seeded by splitmix64. */
struct noise_rng {
	uint64_t s[4];
};
void noise_seed(struct noise_rng *r, uint64_t seed);
uint64_t noise_next(struct noise_rng *r);
double noise_uniform(struct noise_rng *r);	/* between 0 and 1, neither */
double noise_normal(struct noise_rng *r);
double noise_poisson(struct noise_rng *r, double mean);

#define NOISE_CELLS_MAX 200
struct noise_shape {
	const char *name;
	size_t n;
	bool is_ordered;
	double p[NOISE_CELLS_MAX];
};
#define NOISE_SHAPES 6
void noise_shape_init(struct noise_shape *s, size_t which);
/* Normal, `shift` standard deviations to the right, in n cells that are equally likely without a shift. */
void noise_shape_normal(struct noise_shape *s, size_t n, double shift);

enum noise_floor {
	NOISE_PSI, NOISE_JS, NOISE_KS, NOISE_CHI2,
	NOISE_FLOORS
};
extern const char *const noise_floor_names[NOISE_FLOORS];
/* The share of pairs, of about n_then and n_now samples, that each floor at confidence flags. */
void noise_measure(const struct noise_shape *then, const struct noise_shape *now, double n_then, double n_now, size_t pairs, double confidence, uint64_t seed,
    double ret_flagged[NOISE_FLOORS]);
/* The most that can be expected of an honest floor in so many pairs: 4 standard deviations above 1 - confidence. */
double noise_allowed(size_t pairs, double confidence);

#endif
