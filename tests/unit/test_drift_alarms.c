/*
 * False alarms of the judgement as a whole: a service whose distributions never change is watched for days through the book, and
 * what was called drifted or moving is counted. Windows overlap, as they do in life.
 */
#include "config.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/str.h"
#include "drift_noise.h"
#include "drift_world.h"

enum { MINUTES = 60, CELLS = 10, SAMPLES = 4 };	/* of a window; a gauge is scraped every 15 s */
#define STEP (10 * NS_PER_MIN)

static const char *const names[WORLD_DEFS] = { "fa", "fb", "fc", "fd", "fe", "ff", "fg", "fh" };

struct alarms { double drifted, moving, steady, all; };

/* The same minute of the same metric has always the same noise. */
static void
seed_minute(struct noise_rng *rng, const struct world_metric *m, int64_t minute)
{
	noise_seed(rng, str_hash(m->find, strlen(m->find), (uint64_t)minute));
}

static double
noisy_count(const struct world_metric *m, size_t cell, int64_t at_ns)
{
	double sum = 0;

	for (int i = 0; i < MINUTES; i++) {
		struct noise_rng rng;

		seed_minute(&rng, m, (at_ns / NS_PER_MIN - i) * CELLS + (int64_t)cell);
		sum += noise_poisson(&rng, m->per_window * m->shares[cell] / MINUTES);
	}
	return sum;
}

/* --- a gauge that moves slowly ------------------------------------------------------------------------------------------ */

/* Samples of an hour, oldest first: each is mostly the one before it (m->parts is how much), begun long enough before. */
static void
gauge_samples(const struct world_metric *m, int64_t at_ns, double v[MINUTES * SAMPLES])
{
	double x = 0, keep = m->parts, fresh = sqrt(1 - keep * keep);
	int64_t first = at_ns / NS_PER_MIN - 2 * MINUTES;

	for (int i = 0; i < 2 * MINUTES; i++) {
		struct noise_rng rng;

		seed_minute(&rng, m, first + i);
		for (int k = 0; k < SAMPLES; k++) {
			x = keep * x + fresh * noise_normal(&rng);
			if (i >= MINUTES)
				v[(i - MINUTES) * SAMPLES + k] = 10 + 4 * x;
		}
	}
}

static double
mean_of(const double *v, int n)
{
	double sum = 0;

	for (int i = 0; i < n; i++)
		sum += v[i];
	return sum / n;
}

static double
variance_of(const double *v, int n)
{
	double sum = 0, mean = mean_of(v, n);

	for (int i = 0; i < n; i++)
		sum += (v[i] - mean) * (v[i] - mean);
	return sum / n;
}

static double
noisy_gauge(const struct world_metric *m, const char *term, int64_t at_ns)
{
	enum { N = MINUTES * SAMPLES, PARTS = 10 };
	double v[N], parts[PARTS];
	int n_parts = strstr(term, ":12m]") != NULL ? PARTS / 2 : PARTS;

	gauge_samples(m, at_ns, v);
	if (str_has_prefix(term, "sum(count_over_time"))
		return N;
	if (str_has_prefix(term, "sum(stdvar"))
		return variance_of(v, N);
	for (int i = 0; i < n_parts; i++)
		parts[i] = mean_of(v + i * (N / n_parts), N / n_parts);
	return str_has_prefix(term, "stdvar_over_time") ? variance_of(parts, n_parts) : mean_of(v, N);
}

/* --- days of it ------------------------------------------------------------------------------------------------------- */

static void
count_states(struct alarms *a, const struct drift_set *set)
{
	for (size_t i = 0; i < set->n; i++) {
		a->drifted += set->v[i].state == DRIFT_DRIFTED;
		a->moving += set->v[i].state == DRIFT_MOVING;
		a->steady += set->v[i].state == DRIFT_STEADY;
		a->all++;
	}
}

static struct alarms
watch(struct world *w, int hours)
{
	struct alarms a = { 0 };

	drift_book_every(w->book, STEP);
	world_define(w);
	for (int i = 0; i < hours * 6; i++) {
		w->now_ns += STEP;
		world_pump(w);
		count_states(&a, w->set);
	}
	print_message("drifted %.4f, moving %.4f, steady %.4f of %.0f\n", a.drifted / a.all, a.moving / a.all, a.steady / a.all,
	    a.all);
	return a;
}

/* Of each round 5 % may be beyond noise; it takes two windows, and an effect, to be called drifted. */
static void
assert_believable(const struct alarms *a)
{
	assert_true(a->drifted + a->moving + a->steady == a->all);
	assert_true(a->drifted + a->moving <= 0.05 * a->all);
	assert_true(a->drifted <= 0.01 * a->all);
}

static void
add_histogram(struct world *w, const char *name, double per_window)
{
	struct world_metric *m = world_metric(w, name, DRIFT_CLASSIC);

	m->n = CELLS;
	m->per_window = per_window;
	m->count = noisy_count;
	memcpy(m->names, (const char *[]){ "1", "2", "3", "4", "5", "6", "7", "8", "9", "+Inf" }, CELLS * sizeof *m->names);
	for (int i = 0; i < CELLS; i++)
		m->shares[i] = 1.0 / CELLS;
	world_add(w, name, DRIFT_CLASSIC, name);
}

static void
watch_histograms(double per_window, size_t n_defs)
{
	struct world w;
	struct alarms a;

	world_init(&w);
	for (size_t k = 0; k < n_defs; k++)
		add_histogram(&w, names[k], per_window);
	print_message("histograms n %.0f defs %zu: ", per_window, n_defs);
	a = watch(&w, 48);
	world_done(&w);
	assert_believable(&a);
}

/* The second window is asked for only of what the first one flagged. */
static void
test_fresh_starts(void **state)
{
	struct alarms a = { 0 };

	(void)state;
	for (int i = 0; i < 200; i++) {
		struct world w;

		world_init(&w);
		for (size_t k = 0; k < WORLD_DEFS; k++)
			add_histogram(&w, names[k], 150);
		w.now_ns += i * 3 * W;
		world_define(&w);
		world_pump(&w);
		count_states(&a, w.set);
		world_done(&w);
	}
	print_message("fresh starts: drifted %.4f, moving %.4f of %.0f\n", a.drifted / a.all, a.moving / a.all, a.all);
	assert_believable(&a);
}

static void
watch_gauges(double keep, size_t n_defs)
{
	struct world w;
	struct alarms a;

	world_init(&w);
	for (size_t k = 0; k < n_defs; k++) {
		struct world_metric *m = world_metric(&w, names[k], DRIFT_GAUGE);

		m->gauge = noisy_gauge;
		m->parts = keep;
		world_add(&w, names[k], DRIFT_GAUGE, names[k]);
	}
	print_message("gauges keep %.3f defs %zu: ", keep, n_defs);
	a = watch(&w, 48);
	world_done(&w);
	assert_believable(&a);
}

static void
test_histograms(void **state)
{
	(void)state;
	watch_histograms(150, 8);
	watch_histograms(150, 1);
	watch_histograms(1000, 8);
	watch_histograms(20000, 8);
}

static void
test_gauges(void **state)
{
	(void)state;
	watch_gauges(0, 8);
	watch_gauges(0.9, 8);
	watch_gauges(0.9, 1);
	watch_gauges(0.97, 8);
	watch_gauges(0.99, 8);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_histograms),
		cmocka_unit_test(test_fresh_starts),
		cmocka_unit_test(test_gauges),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
