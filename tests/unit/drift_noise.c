#include "config.h"

#include "drift_noise.h"

#include <math.h>

#include "insight/drift.h"

const char *const noise_floor_names[NOISE_FLOORS] = { "PSI", "JS", "KS", "chi2" };

/* --- random numbers ------------------------------------------------------------------------------------------------------ */

void
noise_seed(struct noise_rng *r, uint64_t seed)
{
	for (size_t i = 0; i < 4; i++) {
		uint64_t z = seed += 0x9e3779b97f4a7c15;

		z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
		z = (z ^ z >> 27) * 0x94d049bb133111eb;
		r->s[i] = z ^ z >> 31;
	}
}

static uint64_t
rotated(uint64_t x, int by)
{
	return x << by | x >> (64 - by);
}

uint64_t
noise_next(struct noise_rng *r)
{
	uint64_t *s = r->s, result = rotated(s[1] * 5, 7) * 9, t = s[1] << 17;

	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = rotated(s[3], 45);
	return result;
}

double
noise_uniform(struct noise_rng *r)
{
	return ((double)(noise_next(r) >> 12) + 0.5) / 4503599627370496.0;
}

/* Box and Muller (1958). */
double
noise_normal(struct noise_rng *r)
{
	double radius = sqrt(-2 * log(noise_uniform(r)));

	return radius * cos(2 * M_PI * noise_uniform(r));
}

/* Small means by multiplication (Knuth, vol. 2, 3.4.1), others by Hoermann's transformed rejection PTRS (1993, Insurance: Mathematics and Economics 12): exact ones both. */
double
noise_poisson(struct noise_rng *r, double mean)
{
	double b = 0.931 + 2.53 * sqrt(mean), a = -0.059 + 0.02483 * b, inverse = 1.1239 + 1.1328 / (b - 3.4), rim = 0.9277 - 3.6224 / (b - 2);
	double product = 1, limit = exp(-mean);
	int sign, k = 0;

	if (mean < 10) {
		while ((product *= noise_uniform(r)) > limit)
			k++;
		return k;
	}
	for (;;) {
		double u = noise_uniform(r) - 0.5, v = noise_uniform(r), us = 0.5 - fabs(u), x = floor((2 * a / us + b) * u + mean + 0.43);

		if (us >= 0.07 && v <= rim)
			return x;
		if (x < 0 || (us < 0.013 && v > us))
			continue;
		if (log(v) + log(inverse) - log(a / (us * us) + b) <= x * log(mean) - mean - lgamma_r(x + 1, &sign))
			return x;
	}
}

/* --- shapes ----------------------------------------------------------------------------------------------------------------- */

static void
shape_scale(struct noise_shape *s)
{
	double sum = 0;

	for (size_t i = 0; i < s->n; i++)
		sum += s->p[i];
	for (size_t i = 0; i < s->n; i++)
		s->p[i] /= sum;
}

static double
even(size_t i)
{
	(void)i;
	return 1;
}

/* The counts of words, of countries, of clients. */
static double
zipf(size_t i)
{
	return 1.0 / (double)(i + 1);
}

static double
geometric(size_t i)
{
	return pow(0.6, (double)i);
}

/* A score that is nearly always 0: nearly every cell is rare, and at some n all of them nearly. */
static double
peaked(size_t i)
{
	return i == 0 ? 0.95 * 49 / 0.05 : 1;
}

void
noise_shape_init(struct noise_shape *s, size_t which)
{
	static const struct {
		const char *name;
		size_t n;
		bool is_ordered;
		double (*weight)(size_t);
	} shapes[NOISE_SHAPES] = {
		{ "2 even", 2, true, even },
		{ "10 even", 10, true, even },
		{ "50 even", 50, true, even },
		{ "20 geometric", 20, true, geometric },
		{ "50 peaked", 50, true, peaked },
		{ "200 zipf, unordered", 200, false, zipf },
	};

	*s = (struct noise_shape){ .name = shapes[which].name, .n = shapes[which].n, .is_ordered = shapes[which].is_ordered };
	for (size_t i = 0; i < s->n; i++)
		s->p[i] = shapes[which].weight(i);
	shape_scale(s);
}

static double
normal_cdf(double x)
{
	return erfc(-x / M_SQRT2) / 2;
}

static double
normal_quantile(double p)
{
	double lo = -40, hi = 40;

	for (int i = 0; i < 100; i++) {
		double mid = (lo + hi) / 2;

		if (normal_cdf(mid) < p)
			lo = mid;
		else
			hi = mid;
	}
	return lo;
}

void
noise_shape_normal(struct noise_shape *s, size_t n, double shift)
{
	double below = 0;

	*s = (struct noise_shape){ .name = "normal", .n = n, .is_ordered = true };
	for (size_t i = 0; i < n; i++) {
		double upto = i + 1 == n ? 1 : normal_cdf(normal_quantile((double)(i + 1) / (double)n) - shift);

		s->p[i] = upto - below;
		below = upto;
	}
}

/* --- measured ---------------------------------------------------------------------------------------------------------------- */

/* Counts as those of a window of time are: the total varies too. Given the total they are a multinomial sample. */
static double
draw(struct noise_rng *r, const struct noise_shape *s, double n, double *ret_counts)
{
	double total = 0;

	for (size_t i = 0; i < s->n; i++)
		total += ret_counts[i] = noise_poisson(r, s->p[i] * n);
	return total;
}

void
noise_measure(const struct noise_shape *then, const struct noise_shape *now, double n_then, double n_now, size_t pairs, double confidence, uint64_t seed,
    double ret_flagged[NOISE_FLOORS])
{
	double a[NOISE_CELLS_MAX], b[NOISE_CELLS_MAX];
	size_t flagged[NOISE_FLOORS] = { 0 };
	struct noise_rng r;

	noise_seed(&r, seed);
	for (size_t i = 0; i < pairs; i++) {
		double n_a = draw(&r, then, n_then, a), n_b = draw(&r, now, n_now, b), df, p;
		size_t cells = drift_cells(a, b, then->n);

		flagged[NOISE_PSI] += drift_psi(a, b, then->n) > drift_psi_floor(cells, n_a, n_b, confidence);
		flagged[NOISE_JS] += drift_js(a, b, then->n) > drift_js_floor(cells, n_a, n_b, confidence);
		flagged[NOISE_KS] += drift_ks(a, b, then->n) > drift_ks_floor(n_a, n_b, confidence);
		drift_chi2(a, b, then->n, then->is_ordered, &df, &p);
		flagged[NOISE_CHI2] += p < 1 - confidence;
	}
	for (size_t f = 0; f < NOISE_FLOORS; f++)
		ret_flagged[f] = (double)flagged[f] / (double)pairs;
}

double
noise_allowed(size_t pairs, double confidence)
{
	return 1 - confidence + 4 * sqrt(confidence * (1 - confidence) / (double)pairs);
}
