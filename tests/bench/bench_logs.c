/*
 * Lines of logs: held, filtered, clustered, redacted.
 *
 *	bench_logs make FILE [N]	write N lines (10^6) as programs write them, each 93 bytes and its newline
 *	bench_logs load FILE		hold them, and say what that took
 *	bench_logs filter FILE QUERY..	hold them, and time each filter: the processor's time of one thread, the wall's of two
 *	bench_logs follow FILE		hold them, and add 10,000 lines/s from two stores, one of them late: what a turn of 16 ms costs
 *	bench_logs patterns FILE
 *	bench_logs redact FILE
 *
 * One result a line: name, a number, its unit. bench-logs.py runs lnav and grep over the same lines.
 */
#include "config.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "base/redact.h"
#include "base/xalloc.h"
#include "insight/drain.h"
#include "insight/log_filter.h"
#include "log_world.h"

enum { EACH = 5000, RUNS = 5 };

static double
now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static double
cpu_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static double
rss_mb(void)
{
	struct rusage r;

	getrusage(RUSAGE_SELF, &r);
	return (double)r.ru_maxrss / 1024;
}

static int
make_lines(const char *path, size_t n)
{
	FILE *f = fopen(path, "w");
	uint64_t random = 1;
	char text[256];

	if (f == NULL) {
		perror(path);
		return 1;
	}
	for (size_t i = 0; i < n; i++) {
		size_t len = log_text(text, sizeof text, &random);

		fprintf(f, "%.*s\n", (int)len, text);
	}
	return fclose(f) != 0;
}

/* --- the lines of the file, in the model ------------------------------------------------------------------------------------ */

static void
tell_some(struct model *m, const struct batch_line *v, size_t n, size_t *bytes)
{
	for (size_t i = 0; i < n; i++)
		*bytes += v[i].len;
	tell(m, 0, "loki", v, n);
}

static struct model *
load(const char *path, size_t *ret_n)
{
	struct batch_line *v = xcalloc(EACH, sizeof *v);
	char **texts = xcalloc(EACH, sizeof *texts);
	size_t *caps = xcalloc(EACH, sizeof *caps), n = 0, bytes = 0;
	struct model *m = model_new(0, 0);
	FILE *f = fopen(path, "r");
	double begin = now_s(), telling = 0;

	if (f == NULL) {
		perror(path);
		exit(1);
	}
	for (ssize_t len = 0; len >= 0;) {
		size_t i = 0;
		double t;

		for (; i < EACH && (len = getline(&texts[i], &caps[i], f)) >= 0; i++, n++) {
			texts[i][--len] = '\0';
			v[i] = (struct batch_line){ .time_ns = INT64_C(1893456000000000000) + (int64_t)n * 100000, .text = texts[i], .len = (size_t)len,
				.level = log_level_guess(texts[i], (size_t)len), .stream = (uint32_t)(n % LOG_WORLD_STREAMS) };
		}
		t = now_s();
		tell_some(m, v, i, &bytes);
		model_n_log_segments(m);
		telling += now_s() - t;
	}
	printf("load %.3f s\nload-batches-and-model %.3f s\n", now_s() - begin, telling);
	for (size_t i = 0; i < EACH; i++)
		free(texts[i]);
	free(texts);
	free(caps);
	free(v);
	fclose(f);
	printf("lines %zu lines\ntext %.1f MB\nheld %.1f MB\nheld-of-text %.3f times\n", n, (double)bytes / 1e6, (double)model_log_totals(m)->bytes / 1e6,
	    (double)model_log_totals(m)->bytes / (double)bytes);
	*ret_n = n;
	return m;
}

/* --- filters ------------------------------------------------------------------------------------------------------------------- */

struct share {			/* every second segment */
	const struct model *m;
	const struct log_filter *f;
	size_t first, step, n, n_costly;
};

static void *
filter_share(void *arg)
{
	struct share *s = arg;
	uint32_t *found = xreallocarray(NULL, 65536, sizeof *found);

	s->n = s->n_costly = 0;
	for (size_t i = s->first; i < model_n_log_segments(s->m); i += s->step) {
		const struct log_segment *segment = model_log_segment(s->m, i);
		size_t costly;

		s->n += log_filter_run(s->f, segment, 0, log_segment_n(segment), found, &costly);
		s->n_costly += costly;
	}
	free(found);
	return NULL;
}

static void
filter_time(const struct model *m, const struct log_filter *f, const char *query, size_t threads)
{
	double best = 1e9;
	size_t n = 0, costly = 0;

	for (int run = 0; run < RUNS; run++) {
		struct share shares[2];
		pthread_t thread;
		double begin = threads == 1 ? cpu_s() : now_s(), took;

		for (size_t i = 0; i < threads; i++)
			shares[i] = (struct share){ .m = m, .f = f, .first = i, .step = threads };
		if (threads == 2 && pthread_create(&thread, NULL, filter_share, &shares[1]) != 0)
			exit(1);
		filter_share(&shares[0]);
		if (threads == 2)
			pthread_join(thread, NULL);
		took = (threads == 1 ? cpu_s() : now_s()) - begin;
		best = took < best ? took : best;
		n = shares[0].n + (threads == 2 ? shares[1].n : 0);
		costly = shares[0].n_costly;
	}
	printf("filter-%zu %.4f s\t%s\t%zu lines%s\n", threads, best, query, n, costly > 0 ? ", some too costly" : "");
}

static int
filters(const char *path, char **queries, int n_queries)
{
	size_t n;
	struct model *m = load(path, &n);

	for (int i = 0; i < n_queries; i++) {
		struct err err = ERR_INIT;
		struct log_filter *f;

		if (log_filter_new(queries[i], &f, &err) < 0) {
			fprintf(stderr, "%s: %s\n", queries[i], err.msg);
			return 1;
		}
		filter_time(m, f, queries[i], 1);
		filter_time(m, f, queries[i], 2);
		log_filter_free(f);
	}
	printf("rss %.1f MB\n", rss_mb());
	model_free(m);
	return 0;
}

/* --- following ------------------------------------------------------------------------------------------------------------------- */

static int
double_compare(const void *a, const void *b)
{
	return (*(const double *)a > *(const double *)b) - (*(const double *)a < *(const double *)b);
}

/* Each turn both stores tell 80 lines; those of the second are two seconds behind, so that they belong between others. In time of the processor: a turn that waits for it says
 * nothing of what it costs. */
static int
follow(const char *path)
{
	enum { TURNS = 2000, LINES = 80 };
	struct batch_line v[LINES];
	static char texts[LINES][100];
	size_t n;
	struct model *m = load(path, &n);
	double *took = xcalloc(TURNS, sizeof *took);
	int64_t now_ns = model_log_totals(m)->last_ns;
	uint64_t random = 3;

	for (size_t i = 0; i < LINES; i++)
		v[i] = (struct batch_line){ .text = texts[i], .len = log_text(texts[i], sizeof texts[i], &random) };
	for (size_t turn = 0; turn < TURNS; turn++) {
		double begin = cpu_s();

		for (size_t i = 0; i < LINES; i++)
			v[i].time_ns = now_ns + (int64_t)(turn * LINES + i) * 200000;
		tell(m, 0, "loki", v, LINES);
		for (size_t i = 0; i < LINES; i++)
			v[i].time_ns -= INT64_C(2000000000) + 50000;
		tell(m, 0, "journal", v, LINES);
		for (size_t i = 0; i < model_n_log_segments(m); i++)
			model_log_segment(m, i);
		took[turn] = cpu_s() - begin;
	}
	qsort(took, TURNS, sizeof *took, double_compare);
	printf("follow-median %.3f ms\nfollow-p99 %.3f ms\nfollow-most %.3f ms\n", took[TURNS / 2] * 1e3, took[TURNS * 99 / 100] * 1e3,
	    took[TURNS - 1] * 1e3);
	free(took);
	model_free(m);
	return 0;
}

/* --- patterns, redaction --------------------------------------------------------------------------------------------------------- */

static int
patterns(const char *path)
{
	size_t n;
	struct model *m = load(path, &n);
	struct drain *d = drain_new(NULL);
	struct log_pattern_set *set;
	double begin = cpu_s(), took;

	for (size_t i = 0; i < model_n_log_segments(m); i++) {
		const struct log_segment *s = model_log_segment(m, i);

		for (size_t j = 0; j < log_segment_n(s); j++) {
			struct log_ref line;

			log_segment_line(s, j, &line);
			drain_add(d, &line);
		}
	}
	took = cpu_s() - begin;
	set = drain_patterns(d, model_log_totals(m)->first_ns, model_log_totals(m)->last_ns, 0, 100);
	printf("patterns %.3f s\npatterns-rate %.0f lines/s\npatterns-found %zu patterns\n", took, (double)n / took, set->n);
	for (size_t i = 0; i < set->n && i < 12; i++)
		printf("# %zu %s\n", set->v[i].n, set->v[i].text);
	block_unref(set);
	drain_free(d);
	model_free(m);
	return 0;
}

static int
redaction(const char *path)
{
	struct redact *r = redact_new(true);
	size_t caps[EACH] = { 0 }, n = 0, hits = 0;
	char *texts[EACH] = { NULL };
	ssize_t lens[EACH];
	FILE *f = fopen(path, "r");
	double took = 0;
	struct buf b;

	if (f == NULL) {
		perror(path);
		return 1;
	}
	buf_init(&b, 1 << 20);
	for (size_t read = EACH; read == EACH; n += read) {
		double begin;

		for (read = 0; read < EACH && (lens[read] = getline(&texts[read], &caps[read], f)) >= 0; read++)
			;
		begin = cpu_s();
		for (size_t i = 0; i < read; i++) {
			buf_reset(&b);
			hits += redact_text(r, texts[i], (size_t)lens[i], &b);
		}
		took += cpu_s() - begin;
	}
	printf("redact %.3f s\nredact-rate %.0f lines/s\nredacted %zu lines\n", took, (double)n / took, hits);
	for (size_t i = 0; i < EACH; i++)
		free(texts[i]);
	buf_done(&b);
	fclose(f);
	redact_free(r);
	return 0;
}

int
main(int argc, char **argv)
{
	const char *what = argc > 2 ? argv[1] : "";
	size_t n;

	if (strcmp(what, "make") == 0)
		return make_lines(argv[2], argc > 3 ? strtoul(argv[3], NULL, 10) : 1000000);
	if (strcmp(what, "load") == 0) {
		model_free(load(argv[2], &n));
		printf("rss %.1f MB\n", rss_mb());
		return 0;
	}
	if (strcmp(what, "filter") == 0)
		return filters(argv[2], argv + 3, argc - 3);
	if (strcmp(what, "follow") == 0)
		return follow(argv[2]);
	if (strcmp(what, "patterns") == 0)
		return patterns(argv[2]);
	if (strcmp(what, "redact") == 0)
		return redaction(argv[2]);
	fprintf(stderr, "usage: bench_logs make|load|filter|follow|patterns|redact FILE ..\n");
	return 2;
}
