/*
 * What objectives cost beside the parsing of answers: the book's queries, and its CPU time.
 *
 * usage: bench_slo [-n ROUNDS] [-o OBJECTIVES] [-t TOTALS]
 *
 * OBJECTIVES with bad events of their own share TOTALS totals. Answers are made in memory as the
 * reader of a source would hand them over; only what the book does is counted (CPU time of the
 * process around its calls): choosing and writing queries, taking answers, the arithmetic, events.
 * Rows: the first load (a window of 30 d in 720 tiles), a usual round (median and worst of ROUNDS,
 * every 15 s), and the rounds in which a tile ended.
 */
#include "config.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "insight/slo_book.h"
#include "slo_server.h"

#define EVERY (15 * NS_PER_S)
#define NOW ((INT64_C(1893456000) + 20 * 86400 + 37 * 60) * NS_PER_S)

struct bench {
	struct slo_book *book;
	struct slo_server server;
	int64_t now_ns;
	double cpu_s;		/* of the book, since it was last looked at */
	size_t n_queries, n_samples;
	bool has_details;	/* the round at hand worked out burn-downs */
};
struct round {
	double cpu_s;
	size_t n_queries;
	bool has_details;
};

static double
cpu_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* --- definitions ------------------------------------------------------------------------------ */

static void
fill_def(struct slo_def *d, struct arena *arena, size_t i, size_t n_totals)
{
	char text[32];

	snprintf(text, sizeof text, "slo:s%05zu", i);
	*d = (struct slo_def){ .title = "",
		.service = "",
		.kind = "availability",
		.source = "prom",
		.where = "",
		.target = 0.999,
		.slice_target = NAN,
		.period_ns = 30 * 24 * NS_PER_HOUR,
		.is_counter = true,
		.resolution_ns = NS_PER_MIN,
		.min_bad = 3 };
	d->id = arena_strdup(arena, text);
	d->name = d->id + strlen("slo:");
	snprintf(text, sizeof text, "bad_%zu", i);
	d->bad = arena_strdup(arena, text);
	snprintf(text, sizeof text, "total_%zu", i % n_totals);
	d->total = arena_strdup(arena, text);
	d->rules = slo_default_rules(d->period_ns, arena, &d->n_rules);
}

static void
define(struct bench *b, size_t n, size_t n_totals)
{
	struct slo_def_set *set = block_new(sizeof *set);
	struct environment *env = block_new(sizeof *env);
	struct slo_def *v = arena_alloc(&set->block.arena, n * sizeof *v);
	double before;

	for (size_t i = 0; i < n; i++)
		fill_def(&v[i], &set->block.arena, i, n_totals);
	set->v = v;
	set->n = n;
	before = cpu_now();
	slo_book_define(b->book, set, env);
	b->cpu_s += cpu_now() - before;
	block_unref(set);
	block_unref(env);
}

/* --- rounds ----------------------------------------------------------------------------------- */

static void
take(struct bench *b)
{
	struct slo_set *set;
	struct slo_detail_set *details;

	do {
		slo_book_take(b->book, &set, &details);
		b->has_details |= details != NULL;
		block_unref(set);
		block_unref(details);
	} while (set != NULL || details != NULL);
}

/* One answer, made while nobody counts; false: nothing is asked. */
static bool
answer_one(struct bench *b)
{
	const struct slo_ask *v;
	struct series_set *set;
	const char *error;
	long status;
	double before;

	if (slo_book_asks(b->book, &v) == 0)
		return false;
	set = slo_server_answer(&b->server, &v[0], &status, &error);
	before = cpu_now();
	slo_book_answer(b->book, set);
	b->cpu_s += cpu_now() - before;
	block_unref(set);
	return true;
}

static struct round
run_round(struct bench *b)
{
	size_t n_before = b->server.n_requests;
	bool has_changed, was_answered;
	struct round r;

	b->has_details = false;
	do {
		double before = cpu_now();

		has_changed = slo_book_turn(b->book, b->now_ns);
		take(b);
		b->cpu_s += cpu_now() - before;
		was_answered = answer_one(b);
	} while (has_changed || was_answered);
	r = (struct round){ .cpu_s = b->cpu_s,
		.n_queries = b->server.n_requests - n_before,
		.has_details = b->has_details };
	b->cpu_s = 0;
	return r;
}

/* --- the table -------------------------------------------------------------------------------- */

static int
by_cpu(const void *a, const void *b)
{
	const struct round *x = a, *y = b;

	return (x->cpu_s > y->cpu_s) - (x->cpu_s < y->cpu_s);
}

static void
print_rows(const char *name, struct round *v, size_t n)
{
	size_t n_queries = 0;

	if (n == 0)
		return;
	qsort(v, n, sizeof *v, by_cpu);
	for (size_t i = 0; i < n; i++)
		n_queries += v[i].n_queries;
	printf("%-28s %7zu %10.1f %12.2f %12.2f\n", name, n, (double)n_queries / (double)n,
	    v[n / 2].cpu_s * 1e3, v[n - 1].cpu_s * 1e3);
}

static void
bench(size_t n, size_t n_totals, size_t n_rounds)
{
	struct bench b = { .book = slo_book_new(),
		.now_ns = NOW,
		.server = { .outage_start_ns = NOW - 30 * NS_PER_HOUR,
		    .outage_end_ns = NOW - 29 * NS_PER_HOUR,
		    .has_firing = true } };
	struct round *usual = xcalloc(n_rounds, sizeof *usual),
		     *edge = xcalloc(n_rounds, sizeof *edge), first;
	size_t n_usual = 0, n_edge = 0;
	struct slo_book_stats stats;

	slo_book_every(b.book, EVERY);
	define(&b, n, n_totals);
	first = run_round(&b);
	for (size_t i = 0; i < n_rounds; i++) {
		struct round r;

		b.now_ns += EVERY;
		r = run_round(&b);
		if (r.has_details)
			edge[n_edge++] = r;
		else
			usual[n_usual++] = r;
	}
	slo_book_stats(b.book, &stats);
	printf(
	    "%zu objectives, %zu different expressions (%zu uses shared), answers of %zu samples in all\n",
	    n, stats.n_terms, stats.n_shared, b.server.n_points);
	printf("%-28s %7s %10s %12s %12s\n", "", "rounds", "queries", "CPU ms", "worst ms");
	print_rows("first load, 30 d", &first, 1);
	print_rows("usual round", usual, n_usual);
	print_rows("round with a new tile", edge, n_edge);
	free(usual);
	free(edge);
	slo_book_free(b.book);
}

static size_t
number(const char *text, const char *what, size_t most)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	if (*text == '\0' || *end != '\0' || n < 1 || n > most) {
		fprintf(stderr, "bench_slo: %s: expected a number from 1 to %zu, not '%s'\n", what,
		    most, text);
		exit(2);
	}
	return n;
}

int
main(int argc, char **argv)
{
	size_t n = 200, n_totals = 20, n_rounds = 500;
	int c;

	while ((c = getopt(argc, argv, "n:o:t:")) != -1) {
		if (c == 'n') {
			n_rounds = number(optarg, "-n", 100000);
		} else if (c == 'o') {
			n = number(optarg, "-o", 10000);
		} else if (c == 't') {
			n_totals = number(optarg, "-t", 10000);
		} else {
			fprintf(
			    stderr, "usage: bench_slo [-n ROUNDS] [-o OBJECTIVES] [-t TOTALS]\n");
			return 2;
		}
	}
	bench(n, n_totals, n_rounds);
	return 0;
}
