/* How far noise alone puts two samples of one distribution: the null distributions, their quantiles and tails. */
#include "config.h"

#include "insight/drift.h"

#include <float.h>
#include <math.h>

/* --- chi-square --------------------------------------------------------------------------------------------------------- */

/* x^s e^-x / gamma(s), by logarithms. lgamma() itself has a global that threads would share. */
static double
gamma_front(double s, double x)
{
	int sign;

	return exp(s * log(x) - x - lgamma_r(s, &sign));
}

/* Lower regularised incomplete gamma function for x < s + 1, by its series: NIST Digital Library of Mathematical Functions, 8.11.4 (https://dlmf.nist.gov/8.11#E4). */
static double
gamma_lower(double s, double x)
{
	double term = 1 / s, sum = term;

	for (double k = s + 1; term > sum * DBL_EPSILON / 4; k++) {
		term *= x / k;
		sum += term;
	}
	return sum * gamma_front(s, x);
}

/*
 * Upper one for x >= s + 1, by its continued fraction, DLMF 8.9.2 (https://dlmf.nist.gov/8.9#E2), evaluated by Lentz's method as Numerical Recipes (3rd ed.), 6.2, does. It takes
 * about the root of s steps; the bound on them only guards against a NaN that nobody saw coming.
 */
static double
gamma_upper(double s, double x)
{
	double b = x + 1 - s, c = 1 / DBL_MIN, d = 1 / b, h = d;

	for (int i = 1; i < 1000000; i++) {
		double an = -i * (i - s), step;

		b += 2;
		d = an * d + b;
		d = 1 / (fabs(d) < DBL_MIN ? DBL_MIN : d);
		c = b + an / c;
		c = fabs(c) < DBL_MIN ? DBL_MIN : c;
		step = c * d;
		h *= step;
		if (!(fabs(step - 1) > DBL_EPSILON))
			break;
	}
	return h * gamma_front(s, x);
}

/* Upper tail: DLMF 8.2.4 at s = df / 2, x / 2; Abramowitz and Stegun 26.4.19. */
double
drift_chi2_sf(double x, double df)
{
	double s = df / 2, h = x / 2;

	if (isnan(x) || !(df > 0))
		return NAN;
	if (x <= 0)
		return 1;
	if (isinf(x))
		return 0;
	return h < s + 1 ? 1 - gamma_lower(s, h) : gamma_upper(s, h);
}

/* What is missing to p at x: worked out in the smaller tail, where there is no cancellation. */
static double
chi2_lack(double x, double df, double p)
{
	double s = df / 2, h = x / 2;

	return h < s + 1 ? p - gamma_lower(s, h) : gamma_upper(s, h) - (1 - p);
}

/* A step of Newton's so small in proportion that the next would change nothing: it would be about the square of this one. */
#define LAST_STEP 1e-9

/*
 * Where to begin: Wilson and Hilferty (1931), PNAS 17, Abramowitz and Stegun 26.4.17, with a normal quantile that is good to three digits, 26.2.23. Right to a percent or so;
 * not above 0 in the far lower tail of few degrees.
 */
static double
chi2_guess(double p, double df)
{
	double t = sqrt(-2 * log(fmin(p, 1 - p)));
	double z = t - (2.515517 + t * (0.802853 + t * 0.010328)) / (1 + t * (1.432788 + t * (0.189269 + t * 0.001308)));
	double root = 1 - 2 / (9 * df) + (p < 0.5 ? -z : z) * sqrt(2 / (9 * df));

	return df * root * root * root;
}

/* By Newton's steps, halving instead where one would leave the bracket. */
double
drift_chi2_quantile(double p, double df)
{
	double lo = 0, hi = df + 1, x;

	if (!(p >= 0 && p <= 1) || !(df > 0))
		return NAN;
	if (p <= 0)
		return 0;
	if (p >= 1)
		return INFINITY;
	x = chi2_guess(p, df);
	hi = fmax(hi, 2 * x);
	while (chi2_lack(hi, df, p) > 0)
		hi *= 2;
	if (!(x > 0))
		x = hi / 2;
	for (int i = 0; i < 200; i++) {
		double lack = chi2_lack(x, df, p), step = lack * x / gamma_front(df / 2, x / 2);

		if (lack > 0)
			lo = x;
		else
			hi = x;
		if (fabs(step) <= LAST_STEP * x)
			return x + step;
		x = x + step > lo && x + step < hi ? x + step : lo + (hi - lo) / 2;
	}
	return x;
}

/* --- Student's t -------------------------------------------------------------------------------------------------------------- */

/* Continued fraction of the incomplete beta function, DLMF 8.17.22 (https://dlmf.nist.gov/8.17#E22), by Lentz's method as Numerical Recipes (3rd ed.), 6.4, does. */
static double
beta_fraction(double a, double b, double x)
{
	double c = 1, d = 1 - (a + b) * x / (a + 1), h;

	d = 1 / (fabs(d) < DBL_MIN ? DBL_MIN : d);
	h = d;
	for (int m = 1; m < 10000; m++) {
		double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
		double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));

		d = 1 + even * d;
		c = 1 + even / c;
		d = 1 / (fabs(d) < DBL_MIN ? DBL_MIN : d);
		c = fabs(c) < DBL_MIN ? DBL_MIN : c;
		h *= d * c;
		d = 1 + odd * d;
		c = 1 + odd / c;
		d = 1 / (fabs(d) < DBL_MIN ? DBL_MIN : d);
		c = fabs(c) < DBL_MIN ? DBL_MIN : c;
		h *= d * c;
		if (!(fabs(d * c - 1) > DBL_EPSILON))
			break;
	}
	return h;
}

/* Regularised incomplete beta function; y is 1 - x, which the caller has without cancellation. */
static double
beta_part(double a, double b, double x, double y)
{
	int sign;
	double front = exp(lgamma_r(a + b, &sign) - lgamma_r(a, &sign) - lgamma_r(b, &sign) + a * log(x) + b * log(y));

	if (x < (a + 1) / (a + b + 2))
		return front * beta_fraction(a, b, x) / a;
	return 1 - front * beta_fraction(b, a, y) / b;
}

#define T_IS_NORMAL 1e7		/* degrees; beyond it t is the normal distribution to more digits than the difference of logarithms has */

/* Abramowitz and Stegun 26.7.1 and 26.5.27. */
double
drift_t_p(double t, double df)
{
	double t2 = t * t;

	if (isnan(t) || !(df > 0))
		return NAN;
	if (df > T_IS_NORMAL)
		return drift_chi2_sf(t2, 1);
	if (t2 <= 0)
		return 1;
	if (isinf(t2))
		return 0;
	return beta_part(df / 2, 0.5, df / (df + t2), t2 / (df + t2));
}

static double
t_density(double t, double df)
{
	int sign;

	return exp(lgamma_r((df + 1) / 2, &sign) - lgamma_r(df / 2, &sign) - (df + 1) / 2 * log1p(t * t / df)) / sqrt(df * M_PI);
}

/* By Newton's steps from the normal quantile, which is never too high: the tail is convex, so that no step goes too far. */
double
drift_t_quantile(double confidence, double df)
{
	double t;

	if (!(confidence > 0 && confidence < 1) || !(df > 0))
		return NAN;
	t = sqrt(drift_chi2_quantile(confidence, 1));
	for (int i = 0; i < 200 && df <= T_IS_NORMAL; i++) {
		double step = (drift_t_p(t, df) - (1 - confidence)) / (2 * t_density(t, df));

		t += step;
		if (!(fabs(step) > LAST_STEP * t))
			break;
	}
	return t;
}

/* --- Kolmogorov --------------------------------------------------------------------------------------------------------------- */

/*
 * Distribution of the root of n times the statistic: Kolmogorov (1933), Smirnov (1948, Ann. Math. Stat. 19). The two series are the same function (Numerical Recipes, 3rd ed.,
 * 6.14.56 and 6.14.57); each is used where four terms are enough for every digit.
 */
static double
kolmogorov_cdf(double x)
{
	double sum = 0;

	if (x < 1) {
		for (int k = 1; k <= 7; k += 2)
			sum += exp(-k * k * M_PI * M_PI / (8 * x * x));
		return sqrt(2 * M_PI) / x * sum;
	}
	for (int k = 1; k <= 4; k++)
		sum += (k % 2 == 1 ? 2 : -2) * exp(-2 * k * k * x * x);
	return 1 - sum;
}

static double
kolmogorov_density(double x)
{
	double sum = 0;

	for (int k = 1; k <= 8; k++)
		sum += (k % 2 == 1 ? 8 : -8) * k * k * x * exp(-2 * k * k * x * x);
	return sum;
}

/* From the first term of the series alone, which is never too low, by Newton's steps; halving where one would leave the bracket. */
static double
kolmogorov_quantile(double p)
{
	double lo = 0, hi = sqrt(-log((1 - p) / 2) / 2), x = hi;

	for (int i = 0; i < 200; i++) {
		double lack = p - kolmogorov_cdf(x), step = lack / kolmogorov_density(x);

		if (lack > 0)
			lo = x;
		else
			hi = x;
		if (fabs(step) <= LAST_STEP * x)
			return x + step;
		x = x + step > lo && x + step < hi ? x + step : lo + (hi - lo) / 2;
	}
	return x;
}

/* --- floors --------------------------------------------------------------------------------------------------------------------- */

static bool
is_sane(double n_a, double n_b, double confidence)
{
	return n_a > 0 && n_b > 0 && confidence > 0 && confidence < 1;
}

/*
 * How much further than chi-square the quantile of PSI may lie when every cell but one is as rare as joining lets it be (DRIFT_RARE expected). Its expectation there is higher
 * by 1 / (2 DRIFT_RARE) (expand (x - y) ln(x / y) for Poisson x and y), its variance more so, and with few degrees of freedom the far tail most of all: the ratio was
 * measured for 2 to 100 cells, sides alike and 1 : 1000, confidence 0.95 and 0.99, and this lies above it. tests/unit/test_drift_noise.c holds it against samples.
 */
static double
psi_allowance(double quantile, double df)
{
	return 1 + (0.7 + 0.3 * quantile / df) / DRIFT_RARE;
}

/*
 * Under no drift PSI / (1 / n_a + 1 / n_b) is distributed as chi-square with cells - 1 degrees: Yurdakul and Naranjo (2020), J. Risk Model Validation 14(4), "Statistical properties
 * of the population stability index".
 */
double
drift_psi_floor(size_t cells, double n_a, double n_b, double confidence)
{
	double df = (double)cells - 1, quantile;

	if (cells == 0 || !is_sane(n_a, n_b, confidence))
		return NAN;
	if (cells == 1)
		return 0;
	quantile = drift_chi2_quantile(confidence, df);
	return quantile * psi_allowance(quantile, df) * (1 / n_a + 1 / n_b);
}

/*
 * The divergence is an eighth of PSI to the second order, in nats (Lin 1991; expand both around p = q), so the same law holds for eight times as much. Bits, and the root.
 * Its fourth-order terms are smaller, so that PSI's allowance is more than enough.
 */
double
drift_js_floor(size_t cells, double n_a, double n_b, double confidence)
{
	double psi = drift_psi_floor(cells, n_a, n_b, confidence);

	return isnan(psi) ? NAN : fmin(sqrt(psi / (8 * M_LN2)), 1);
}

/* Smirnov (1939). Cells only make the statistic smaller, and so do small samples: on the safe side. */
double
drift_ks_floor(double n_a, double n_b, double confidence)
{
	if (!is_sane(n_a, n_b, confidence))
		return NAN;
	return fmin(kolmogorov_quantile(confidence) * sqrt(1 / n_a + 1 / n_b), 1);
}

/* Either way: the root of a chi-square quantile with one degree is the normal one of (1 + confidence) / 2. */
double
drift_mean_floor(double n_a, double n_b, double confidence)
{
	if (!is_sane(n_a, n_b, confidence))
		return NAN;
	return sqrt(drift_chi2_quantile(confidence, 1) * (1 / n_a + 1 / n_b));
}
