/*
 * A round of the book of drift: so many definitions are asked, answered and judged. Answers are made
 * before the clock runs, as a decoder would leave them.
 *
 *   bench_drift_book [-d definitions] [-c cells] [-n runs]
 */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/xalloc.h"
#include "insight/drift_book.h"

#define NOW_NS (INT64_C(1893456000) * NS_PER_S)

#define TERM "label_replace("

static size_t n_cells = 12;

static double
cpu_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static struct drift_def_set *
make_defs(size_t n)
{
	struct drift_def_set *set = block_new(sizeof *set);
	struct drift_def *v = arena_alloc(&set->block.arena, n * sizeof *v);
	char text[64];

	for (size_t i = 0; i < n; i++) {
		snprintf(text, sizeof text, "drift:model-%zu:feature_%zu", i / 20, i);
		v[i] = (struct drift_def){ .id = arena_strdup(&set->block.arena, text),
			.model = "model:m",
			.name = "f",
			.title = "",
			.source = "prom",
			.data = DRIFT_CLASSIC,
			.reference = DRIFT_FROM_PROFILE,
			.profile = "p",
			.window_ns = NS_PER_HOUR,
			.effect = 0.1,
			.min_n = 100 };
		snprintf(text, sizeof text, "feature_%zu{job=\"serving\"}", i);
		v[i].metric = arena_strdup(&set->block.arena, text);
	}
	set->n = n;
	set->v = v;
	set->confidence = 0.95;
	set->fdr = 0.05;
	return set;
}

static char *
make_profile(void)
{
	struct buf b;

	buf_init(&b, 1 << 20);
	buf_addstr(&b, "{\"features\":{\"f\":{\"bounds\":[");
	for (size_t i = 0; i + 1 < n_cells; i++)
		buf_printf(&b, "%s%zu", i == 0 ? "" : ",", i);
	buf_addstr(&b, "],\"counts\":[");
	for (size_t i = 0; i < n_cells; i++)
		buf_printf(&b, "%s%zu", i == 0 ? "" : ",", 100 + 10 * i);
	buf_addstr(&b, "]}}}");
	return buf_take(&b, NULL);
}

static struct series_set *
make_answer(const struct drift_ask *ask)
{
	struct series_set *set = block_new(sizeof *set);
	struct arena *mem = &set->block.arena;
	const char *term = ask->expr;
	size_t n = 0;
	struct series *v;

	for (const char *p = ask->expr; (p = strstr(p, TERM)) != NULL; p++)
		n++;
	v = arena_alloc(mem, n * n_cells * sizeof *v);
	for (size_t i = 0; i < n; i++) {
		bool is_layout;

		term = strstr(term, TERM) + strlen(TERM);
		is_layout = strncmp(term, "count", strlen("count")) == 0;
		for (size_t k = 0; k < n_cells; k++) {
			struct label *l = arena_alloc(mem, 2 * sizeof *l);
			struct sample *s = arena_alloc(mem, sizeof *s);
			char text[24];

			snprintf(text, sizeof text, k + 1 < n_cells ? "%zu" : "+Inf", k);
			l[0] = (struct label){ "le", arena_strdup(mem, text) };
			snprintf(text, sizeof text, "%zu", i);
			l[1] = (struct label){ "ops", arena_strdup(mem, text) };
			*s = (struct sample){ ask->at_ns,
				is_layout ? 2 :
					    100.4 * (double)(k + 1) + (double)((i * 7 + k) % 13) };
			v[set->n++] = (struct series){ .labels = { 2, l }, .n = 1, .v = s };
		}
	}
	set->query = arena_strdup(mem, ask->id);
	set->v = v;
	return set;
}

/* How many were judged, not found unknown. */
static size_t
count_judged(const struct event_list *list)
{
	size_t n = 0;

	for (size_t i = 0; i < list->n; i++) {
		const struct drift_set *set = list->v[i].block;

		for (size_t k = 0; list->v[i].kind == EVENT_DRIFTS && k < set->n; k++)
			n += set->v[k].state != DRIFT_UNKNOWN && set->v[k].n_scores > 0;
	}
	return n;
}

/* CPU of one round without making the answers. */
static double
round_ms(struct drift_book *b, int64_t now_ns, size_t n)
{
	double ms = 0, start = cpu_ms();
	struct event_list list;
	size_t n_judged = 0;

	drift_book_turn(b, now_ns);
	ms += cpu_ms() - start;
	while (n_judged == 0) {
		const struct drift_ask *asks;
		struct series_set *set;

		if (drift_book_asks(b, &asks) == 0)
			break;	/* told below */
		set = make_answer(&asks[0]);
		start = cpu_ms();
		drift_book_answer(b, set);
		drift_book_turn(b, now_ns);
		drift_book_take(b, &list);
		ms += cpu_ms() - start;
		n_judged = count_judged(&list);
		event_list_done(&list);
		block_unref(set);
	}
	if (n_judged != n) {
		fprintf(stderr, "%zu of %zu were judged\n", n_judged, n);
		exit(1);
	}
	return ms;
}

int
main(int argc, char **argv)
{
	size_t n = 2000, runs = 10, len;
	double best = 1e9, first;
	struct drift_book *b = drift_book_new();
	struct drift_def_set *defs;
	struct err err = ERR_INIT;
	char *profile;
	int c;

	while ((c = getopt(argc, argv, "d:c:n:")) != -1) {
		size_t v = (size_t)strtoul(optarg == NULL ? "" : optarg, NULL, 10);

		if (c == '?' || v < 2) {
			fprintf(stderr, "usage: bench_drift_book [-d definitions] [-c cells] [-n runs]\n");
			return 2;
		}
		*(c == 'd' ? &n : c == 'c' ? &n_cells : &runs) = v;
	}
	defs = make_defs(n);
	profile = make_profile();
	len = strlen(profile);
	drift_book_every(b, NS_PER_MIN);
	drift_book_define(b, defs);
	for (size_t i = 0; i < n; i++)
		if (drift_book_profile(b, defs->v[i].id, profile, len, NULL, &err) < 0) {
			fprintf(stderr, "%s\n", err.msg);
			return 1;
		}
	first = round_ms(b, NOW_NS, n);
	for (size_t i = 1; i <= runs; i++) {
		double ms = round_ms(b, NOW_NS + (int64_t)i * NS_PER_MIN, n);

		best = ms < best ? ms : best;
	}
	printf("%zu definitions of %zu cells: first round %.1f ms, later ones at best %.1f ms of CPU\n", n,
	    n_cells, first, best);
	drift_book_free(b);
	block_unref(defs);
	free(profile);
	return 0;
}
