#include "config.h"

#include "slo_book_world.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/str.h"

static const struct slo_rule rules[] = {
	{ .factor = 14.4,
	    .long_ns = NS_PER_HOUR,
	    .short_ns = 5 * NS_PER_MIN,
	    .severity = SEVERITY_PAGE },
	{ .factor = 6,
	    .long_ns = 6 * NS_PER_HOUR,
	    .short_ns = 30 * NS_PER_MIN,
	    .severity = SEVERITY_PAGE },
	{ .factor = 3, .long_ns = DAY, .short_ns = 2 * NS_PER_HOUR, .severity = SEVERITY_TICKET },
	{ .factor = 1,
	    .long_ns = 3 * DAY,
	    .short_ns = 6 * NS_PER_HOUR,
	    .severity = SEVERITY_TICKET },
};

struct slo_def *
world_add(struct world *w, const char *name, const char *bad, const char *total)
{
	struct slo_def *d = &w->defs[w->n_def];
	char *const *t = (char *[]){ w->text[w->n_def][0], w->text[w->n_def][1],
		w->text[w->n_def][2] };

	snprintf(t[0], sizeof w->text[0][0], "slo:%s", name);
	snprintf(t[1], sizeof w->text[0][1], "%s", bad);
	snprintf(t[2], sizeof w->text[0][2], "%s", total);
	*d = (struct slo_def){ .id = t[0],
		.name = t[0] + 4,
		.title = "",
		.service = "",
		.kind = "",
		.source = "prom",
		.where = "test:1:1",
		.target = TARGET,
		.method = SLO_OCCURRENCES,
		.slice_target = NAN,
		.period_ns = PERIOD,
		.sli = SLI_RATIO,
		.bad = t[1],
		.total = t[2],
		.is_counter = true,
		.resolution_ns = NS_PER_MIN,
		.n_rules = 4,
		.rules = rules };
	w->n_def++;
	return d;
}

static struct environment *
make_environment(void)
{
	struct environment *e = block_new(sizeof *e);
	struct marker_def *m = arena_alloc(&e->block.arena, sizeof *m);

	*m = (struct marker_def){ .id = "marker:version",
		.name = "version",
		.title = "spam-filter {{version}}",
		.expr = "served_version",
		.source = "prom",
		.label = "version" };
	e->severity_label = "severity";
	e->n_markers = 1;
	e->markers = m;
	return e;
}

void
world_define(struct world *w)
{
	struct slo_def_set *set = block_new(sizeof *set);
	struct environment *env = make_environment();
	struct slo_def *v = arena_alloc(&set->block.arena, (w->n_def + 1) * sizeof *v);

	memcpy(v, w->defs, w->n_def * sizeof *v);
	set->v = v;
	set->n = w->n_def;
	slo_book_define(w->book, set, env);
	block_unref(set);
	block_unref(env);
}

void
world_init(struct world *w)
{
	memset(w, 0, sizeof *w);
	w->book = slo_book_new();
	w->now_ns = NOW;
	for (int i = 0; i < 2; i++) {
		w->servers[i].outage_start_ns = NOW - 2 * DAY - 7 * NS_PER_MIN;
		w->servers[i].outage_end_ns = NOW - 2 * DAY + 53 * NS_PER_MIN;
		w->servers[i].has_firing = true;
	}
	slo_book_every(w->book, EVERY);
}

void
world_done(struct world *w)
{
	slo_book_free(w->book);
	block_unref(w->set);
	block_unref(w->past);
	block_unref(w->details);
	block_unref(w->past_details);
}

void
world_take(struct world *w)
{
	struct slo_set *set;
	struct slo_detail_set *details;

	for (;;) {
		slo_book_take(w->book, &set, &details);
		if (set == NULL && details == NULL)
			return;
		if (set != NULL) {
			struct slo_set **to = set->is_past ? &w->past : &w->set;

			block_unref(*to);
			*to = set;
			*(set->is_past ? &w->n_pasts : &w->n_sets) += 1;
		}
		if (details != NULL) {
			struct slo_detail_set **to = details->is_past ? &w->past_details :
									&w->details;

			block_unref(*to);
			*to = details;
			w->n_details++;
		}
	}
}

static bool
is_held(const struct world *w, const struct slo_ask *ask)
{
	return ask->step_ns > 0 ? w->is_held : w->is_held_instants;
}

/* Answers one request that is not held back; false: there is none. */
static bool
serve_one(struct world *w)
{
	const struct slo_ask *v;
	size_t n = slo_book_asks(w->book, &v);

	for (size_t i = 0; i < n; i++) {
		struct slo_server *s = &w->servers[strcmp(v[i].source, "prom") != 0];
		struct series_set *set;
		long status = 0;
		const char *error = NULL;
		char id[64];

		if (is_held(w, &v[i]))
			continue;
		assert_true(str_has_prefix(v[i].id, SLO_ASK_PREFIX));
		snprintf(id, sizeof id, "%s", v[i].id);
		s->now_ns = w->now_ns;
		set = slo_server_answer(s, &v[i], &status, &error);
		if (set != NULL)
			assert_true(slo_book_answer(w->book, set));
		else
			assert_true(slo_book_failed(w->book, id, status, error));
		block_unref(set);
		return true;
	}
	return false;
}

void
world_pump(struct world *w)
{
	size_t n = 0;
	bool has_changed, was_served;

	do {
		has_changed = slo_book_turn(w->book, w->now_ns);
		world_take(w);
		was_served = serve_one(w);
		assert_true(n++ < PUMPS_MAX);
	} while (has_changed || was_served);
}

void
world_pass(struct world *w, int64_t ns)
{
	w->now_ns += ns;
	world_pump(w);
}

const struct slo *
world_find(const struct slo_set *set, const char *name)
{
	for (size_t i = 0; set != NULL && i < set->n; i++)
		if (strcmp(set->v[i].id + 4, name) == 0)
			return &set->v[i];
	fail_msg("%s is not in the set", name);
	return NULL;
}

const struct slo_burn *
world_burn(const struct slo *slo, int64_t window_ns)
{
	for (size_t i = 0; i < slo->n_burns; i++)
		if (slo->burns[i].window_ns == window_ns)
			return &slo->burns[i];
	fail_msg("%s has no burn rate over %lld s", slo->id, (long long)(window_ns / NS_PER_S));
	return NULL;
}

bool
world_has_note(const struct slo *slo, const char *text)
{
	for (size_t i = 0; i < slo->notes.n; i++)
		if (strstr(slo->notes.v[i], text) != NULL)
			return true;
	return false;
}

void
assert_near(double got, double want, const char *what)
{
	if (!(fabs(got - want) <= 1e-9 * fmax(1, fabs(want))))
		fail_msg("%s: got %.15g, wanted %.15g", what, got, want);
}

double
world_ratio(const struct slo_server *s, const char *bad, const char *total, int64_t start_ns,
    int64_t end_ns)
{
	return slo_server_sum(s, bad, start_ns, end_ns) /
	    slo_server_sum(s, total, start_ns, end_ns);
}

void
world_check(const struct slo_server *s, const struct slo *slo, const char *bad, const char *total,
    int64_t at_ns)
{
	int64_t start = at_ns - PERIOD > s->store_start_ns ? at_ns - PERIOD : s->store_start_ns;

	assert_int_equal(slo->at_ns, at_ns);
	assert_near(slo->left, 1 - world_ratio(s, bad, total, start, at_ns) / (1 - TARGET), "left");
	assert_near(slo->total, slo_server_sum(s, total, start, at_ns), "total");
	assert_near(slo->bad, slo_server_sum(s, bad, start, at_ns), "bad");
	assert_int_equal(slo->n_burns, 7);
	for (size_t i = 0; i < slo->n_burns; i++) {
		const struct slo_burn *b = &slo->burns[i];

		assert_near(b->rate,
		    world_ratio(s, bad, total, b->at_ns - b->window_ns, b->at_ns) / (1 - TARGET),
		    "a burn rate");
	}
}

size_t
world_asked(const struct world *w)
{
	struct slo_book_stats stats;

	slo_book_stats(w->book, &stats);
	return stats.n_asked;
}

size_t
world_split(const struct world *w)
{
	struct slo_book_stats stats;

	slo_book_stats(w->book, &stats);
	return stats.n_split;
}
