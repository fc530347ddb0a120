/* Raw samples, millions of them: into cells, and the exact Kolmogorov-Smirnov statistic. */
#include "config.h"

#include "insight/drift.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"

/* --- into cells --------------------------------------------------------------------------------------------------------- */

/* The range of the finite edges in equal slots, so that most samples need no search: between the edges of one slot there are few. */
#define SLOTS 4096
struct slots {
	double lo, scale;
	uint32_t start[SLOTS + 1];	/* how many inner edges lie in slots before this one */
};

/* Rises with x whatever is rounded, so an edge in an earlier slot is below x, and one in a later slot is not. */
static inline size_t
slot_of(const struct slots *s, double x)
{
	double at = (x - s->lo) * s->scale;

	/* Infinity times a scale of 0 is no number, and goes to slot 0 as all does then. */
	return !(at > 0) ? 0 : at >= SLOTS - 1 ? SLOTS - 1 : (size_t)at;
}

static void
slots_fill(struct slots *s, const double *edges, size_t n_cells)
{
	size_t first = isinf(edges[0]) ? 1 : 0, last = isinf(edges[n_cells]) ? n_cells - 1 : n_cells;

	*s = (struct slots){ .lo = 0 };
	if (last > first && isfinite(SLOTS / (edges[last] - edges[first]))) {
		s->lo = edges[first];
		s->scale = SLOTS / (edges[last] - edges[first]);
	}
	for (size_t i = 1; i < n_cells; i++)
		s->start[slot_of(s, edges[i]) + 1]++;
	for (size_t i = 0; i < SLOTS; i++)
		s->start[i + 1] += s->start[i];
}

/* How many inner edges (the first is edges[1]) lie below x, which is the number of its cell. */
static inline size_t
cell_of(const struct slots *s, const double *edges, double x)
{
	size_t slot = slot_of(s, x), lo = s->start[slot], hi = s->start[slot + 1];

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (edges[mid + 1] < x)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

void
drift_count(const double *samples, size_t n, const double *edges, size_t n_cells, double *ret_counts)
{
	struct slots slots;

	if (n_cells == 0)
		return;
	memset(ret_counts, 0, n_cells * sizeof *ret_counts);
	slots_fill(&slots, edges, n_cells);
	for (size_t i = 0; i < n; i++)
		if (samples[i] >= edges[0] && samples[i] <= edges[n_cells])
			ret_counts[cell_of(&slots, edges, samples[i])]++;
}

/* --- sorted ---------------------------------------------------------------------------------------------------------------- */

#define DIGIT_BITS 11
#define DIGITS 6	/* of 11 bits: all 64 */
#define DIGIT_VALUES (1u << DIGIT_BITS)

/*
 * Bits that order as the numbers do: negative ones are inverted, others get the highest bit; NaN last.
 * Source: Terdiman, "Radix Sort Revisited" (2000), Herf, "Radix Tricks" (2001).
 */
static inline uint64_t
sort_key(double x)
{
	uint64_t bits;

	memcpy(&bits, &x, sizeof bits);
	bits ^= (0 - (bits >> 63)) | UINT64_C(1) << 63;
	return isnan(x) ? UINT64_MAX : bits;
}

static inline size_t
digit_of(double x, unsigned digit)
{
	return sort_key(x) >> (digit * DIGIT_BITS) & (DIGIT_VALUES - 1);
}

/* One pass of a least-significant-digit radix sort: Knuth, The Art of Computer Programming, vol. 3, 5.2.5. */
static void
sort_by_digit(const double *from, size_t n, unsigned digit, double *to)
{
	size_t at[DIGIT_VALUES] = { 0 }, sum = 0;

	for (size_t i = 0; i < n; i++)
		at[digit_of(from[i], digit)]++;
	for (size_t i = 0; i < DIGIT_VALUES; i++) {
		size_t count = at[i];

		at[i] = sum;
		sum += count;
	}
	for (size_t i = 0; i < n; i++)
		to[at[digit_of(from[i], digit)]++] = from[i];
}

static void
sort_by_digits(double *v, size_t n, unsigned first, double *scratch)
{
	double *from = v, *to = scratch;

	for (unsigned digit = first; digit < DIGITS; digit++) {
		double *sorted = to;

		sort_by_digit(from, n, digit, to);
		to = from;
		from = sorted;
	}
	if (from != v)
		memcpy(v, from, n * sizeof *v);
}

/* Insertion sort of what is nearly in order; false when it is not: values by the thousand that only their last digits tell apart. */
static bool
sort_finish(double *v, size_t n)
{
	size_t moves_left = 4 * n;

	for (size_t i = 1; i < n; i++) {
		double x = v[i];
		size_t at = i;

		for (; at > 0 && v[at - 1] > x; at--) {
			if (moves_left-- == 0) {
				v[at] = x;
				return false;
			}
			v[at] = v[at - 1];
		}
		v[at] = x;
	}
	return true;
}

/* By the upper half of their digits, which is sign, exponent and 19 bits more: of a million samples few share them. */
static void
sort(double *v, size_t n, double *scratch)
{
	sort_by_digits(v, n, DIGITS / 2, scratch);
	if (!sort_finish(v, n))
		sort_by_digits(v, n, 0, scratch);
}

static size_t
without_nan(const double *sorted, size_t n)
{
	while (n > 0 && isnan(sorted[n - 1]))
		n--;
	return n;
}

/*
 * The largest difference of two empirical distribution functions, of sorted samples. Where a value occurs several times the functions are compared only behind the last of them.
 * Counted in i * n_b - j * n_a, without branches: which side is next cannot be foreseen.
 */
static double
ks_sorted(const double *a, size_t n_a, const double *b, size_t n_b)
{
	size_t i = 0, j = 0;
	double at = 0, most = 0;

	while (i < n_a && j < n_b) {
		double x = a[i], y = b[j], here = x < y ? x : y;
		bool is_a = x <= here, is_b = y <= here;

		i += is_a;
		j += is_b;
		at += (is_a ? (double)n_b : 0) - (is_b ? (double)n_a : 0);
		if (fabs(at) > most && !(i < n_a && a[i] <= here) && !(j < n_b && b[j] <= here))
			most = fabs(at);
	}
	return most / ((double)n_a * (double)n_b);
}

/* Smirnov (1939); Hodges (1958), Arkiv foer Matematik 3, on the two-sample test with ties. */
double
drift_ks_samples(double *a, size_t n_a, double *b, size_t n_b)
{
	double *scratch = xcalloc(n_a > n_b ? n_a : n_b, sizeof *scratch);

	sort(a, n_a, scratch);
	sort(b, n_b, scratch);
	free(scratch);
	n_a = without_nan(a, n_a);
	n_b = without_nan(b, n_b);
	if (n_a == 0 || n_b == 0)
		return NAN;
	return ks_sorted(a, n_a, b, n_b);
}
