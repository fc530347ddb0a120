/* A snapshot makes an equal model of a new one: at every place of what was recorded, and of what nobody would record; now, and after all that comes. */
#include "config.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/xalloc.h"
#include "tests/unit/feed.h"

enum { FEEDS_MAX = 200, FEED_EVENTS_MAX = 400, POOL_MAX = 4096, FURTHER = 8 };
#define FEED_BYTES_MAX 60000

/* --- events ---------------------------------------------------------------------------------------------------------- */

static struct event_list feeds[FEEDS_MAX];
static char *names[FEEDS_MAX];
static size_t n_feeds;

static void
read_feed(const char *path, const char *name)
{
	json_error_t jerr;
	json_t *list = json_load_file(path, JSON_ALLOW_NUL, &jerr), *one;
	struct event_list *l = &feeds[n_feeds];
	size_t i;

	assert_non_null(list);
	if (json_array_size(list) == 0) {
		json_decref(list);
		return;
	}
	json_array_foreach(list, i, one) {
		struct err err = ERR_INIT;
		struct event ev;

		if (event_from_json(one, &ev, &err) < 0)
			fail_msg("%s: %s", path, err.msg);
		if (l->n == l->cap)
			l->v = xreallocarray(l->v, l->cap = l->cap == 0 ? 16 : l->cap * 2, sizeof *l->v);
		l->v[l->n++] = ev;
	}
	names[n_feeds++] = xstrdup(name);
	json_decref(list);
}

static int
is_feed(const struct dirent *d)
{
	return strlen(d->d_name) > 5 && strcmp(d->d_name + strlen(d->d_name) - 5, ".json") == 0;
}

static int
read_feeds(void **state)
{
	struct dirent **v;
	int n = scandir(SOURCE_DIR "/tests/scenes/feeds", &v, is_feed, alphasort);

	(void)state;
	assert_true(n > 50 && n <= FEEDS_MAX);
	for (int i = 0; i < n; i++) {
		char *path = xasprintf("%s/tests/scenes/feeds/%s", SOURCE_DIR, v[i]->d_name);
		FILE *f = fopen(path, "r");

		assert_non_null(f);
		fseek(f, 0, SEEK_END);
		if (ftell(f) <= FEED_BYTES_MAX)
			read_feed(path, v[i]->d_name);
		fclose(f);
		free(path);
		free(v[i]);
	}
	free(v);
	return 0;
}

static int
free_feeds(void **state)
{
	(void)state;
	for (size_t i = 0; i < n_feeds; i++) {
		event_list_done(&feeds[i]);
		free(names[i]);
	}
	return 0;
}

/* --- two models ------------------------------------------------------------------------------------------------------ */

/* All that a model knows: what it says, and what it would hand on. */
static json_t *
all_of(const struct model *m)
{
	json_t *events = json_array();
	struct event_list l = { 0 };

	model_snapshot(m, true, &l);
	for (size_t i = 0; i < l.n; i++)
		json_array_append_new(events, event_to_json(&l.v[i]));
	event_list_done(&l);
	return json_pack("{s:o,s:o}", "model", model_to_json(m), "snapshot", events);
}

static void
show_difference(json_t *a, json_t *b, const char *path)
{
	const char *key;
	char deeper[400];
	json_t *value;
	size_t i;

	if (json_equal(a, b))
		return;
	if (json_is_object(a) && json_is_object(b)) {
		json_object_foreach(a, key, value) {
			snprintf(deeper, sizeof deeper, "%.300s.%.80s", path, key);
			show_difference(value, json_object_get(b, key), deeper);
		}
		return;
	}
	if (json_is_array(a) && json_is_array(b) && json_array_size(a) == json_array_size(b)) {
		json_array_foreach(a, i, value) {
			snprintf(deeper, sizeof deeper, "%.300s[%zu]", path, i);
			show_difference(value, json_array_get(b, i), deeper);
		}
		return;
	}
	{
		char *x = a == NULL ? NULL : json_dumps(a, JSON_ENCODE_ANY), *y = b == NULL ? NULL : json_dumps(b, JSON_ENCODE_ANY);

		print_error("%s: %.1500s\n   against %.1500s\n", path, x == NULL ? "nothing" : x, y == NULL ? "nothing" : y);
		free(x);
		free(y);
	}
}

static void
must_be_equal(const struct model *live, const struct model *copy, const char *where, size_t at, size_t further)
{
	json_t *a = all_of(live), *b = all_of(copy);

	if (!json_equal(a, b)) {
		show_difference(a, b, "");
		fail_msg("%s: cut after %zu events, %zu later", where, at, further);
	}
	json_decref(a);
	json_decref(b);
}

/* Through JSON text and back, as a recording goes. */
static struct model *
copy_of(const struct model *live)
{
	struct model *copy = model_new(0, 0);
	struct event_list l = { 0 };

	model_snapshot(live, true, &l);
	for (size_t i = 0; i < l.n; i++) {
		json_t *json = event_to_json(&l.v[i]), *again;
		char *text = json_dumps(json, JSON_COMPACT);
		struct err err = ERR_INIT;
		struct event ev;

		again = json_loads(text, JSON_ALLOW_NUL, NULL);
		if (event_from_json(again, &ev, &err) < 0)
			fail_msg("%s: %s", err.msg, text);
		model_apply(copy, &ev);
		event_done(&ev);
		json_decref(json);
		json_decref(again);
		free(text);
	}
	event_list_done(&l);
	return copy;
}

/* Each step over a limit: of intervals, of what settles, of what is forgotten. */
static void
let_time_pass(struct model *live, struct model *copy, const char *where, size_t at)
{
	static const int steps[] = { 1, 6, 16, 40, 61, 200, 1000, 4000, 90000 };

	for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
		int64_t now_ns = model_now(live) + steps[i] * NS_PER_S;

		model_advance(live, now_ns);
		model_advance(copy, now_ns);
		must_be_equal(live, copy, where, at, 1000 + i);
	}
}

static struct model *
played(const struct event_list *l, size_t n)
{
	struct model *m = model_new(0, 0);

	for (size_t i = 0; i < n; i++) {
		model_apply(m, &l->v[i]);
		if (i % 3 != 0)
			model_advance(m, l->v[i].time_ns);
	}
	return m;
}

static void
cut_at(const struct event_list *l, size_t at, const char *where)
{
	struct model *live = played(l, at), *copy = copy_of(live);

	must_be_equal(live, copy, where, at, 0);
	for (size_t i = at; i < l->n && i < at + FURTHER; i++) {
		model_apply(live, &l->v[i]);
		model_apply(copy, &l->v[i]);
		if (i % 2 == 0) {
			model_advance(live, l->v[i].time_ns);
			model_advance(copy, l->v[i].time_ns);
		}
		must_be_equal(live, copy, where, at, i + 1 - at);
	}
	let_time_pass(live, copy, where, at);
	model_free(live);
	model_free(copy);
}

static void
a_snapshot_makes_an_equal_model_wherever_it_is_taken(void **state)
{
	(void)state;
	for (size_t f = 0; f < n_feeds; f++)
		for (size_t at = 0, step = 1 + feeds[f].n / 12; at <= feeds[f].n; at += step)
			cut_at(&feeds[f], at, names[f]);
}

/* --- what nobody would record ---------------------------------------------------------------------------------------- */

static uint64_t
draw(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

static const struct event *
any_event(uint64_t *seed, size_t feed)
{
	/* Mostly of one feed, so that answers belong to what was asked. */
	const struct event_list *l = &feeds[draw(seed) % 8 == 0 ? draw(seed) % n_feeds : feed];

	return &l->v[draw(seed) % l->n];
}

static int64_t
any_gap(uint64_t *seed)
{
	static const int gaps_ms[] = { 0, 10, 400, 1000, 5000, 12000, 20000, 70000 };

	return gaps_ms[draw(seed) % 8] * NS_PER_MS;
}

static void
play_at_random(uint64_t seed)
{
	size_t feed = draw(&seed) % n_feeds;
	struct model *live = model_new(0, 0), *copy = NULL;
	size_t n = 20 + draw(&seed) % 60, at = draw(&seed) % n;
	int64_t now_ns = T(3600);

	if (draw(&seed) % 4 != 0)
		model_apply(live, &feeds[feed].v[0]);
	for (size_t i = 0; i < n; i++) {
		struct event ev = *any_event(&seed, feed);

		if (i == at)
			copy = copy_of(live);
		now_ns += any_gap(&seed);
		/* Some answers took long, and once in a while the clock is set back. */
		ev.time_ns = now_ns - (draw(&seed) % 5 == 0 ? any_gap(&seed) : 0);
		now_ns -= draw(&seed) % 40 == 0 ? 30 * NS_PER_S : 0;
		model_apply(live, &ev);
		if (copy != NULL)
			model_apply(copy, &ev);
		if (draw(&seed) % 2 == 0) {
			model_advance(live, now_ns);
			if (copy != NULL)
				model_advance(copy, now_ns);
		}
		if (copy != NULL)
			must_be_equal(live, copy, names[feed], at, i + 1 - at);
	}
	model_free(live);
	model_free(copy);
}

static void
a_snapshot_of_any_model_makes_an_equal_one(void **state)
{
	const char *rounds = getenv("SNAPSHOT_ROUNDS");

	(void)state;
	for (uint64_t i = 1, n = rounds == NULL ? 60 : strtoull(rounds, NULL, 10); i <= n; i++) {
		uint64_t seed = i * UINT64_C(0x9e3779b97f4a7c15);

		play_at_random(seed);
	}
}

/* --- who looks when ---------------------------------------------------------------------------------------------------- */

static json_t *
timeline_of(const struct model *m)
{
	json_t *all = model_to_json(m), *timeline = json_incref(json_object_get(all, "timeline"));

	json_decref(all);
	return timeline;
}

/* Requests of queries are forgotten by the turn when nobody asks them any more, and with them how long their source may take. */
static bool
is_of_query(const struct event *ev)
{
	return ev->kind == EVENT_SOURCE_REPORT && strchr(((const struct source_report *)ev->block)->what, ':') != NULL;
}

/* A console looks all the time, a replay when something was told, which is every few seconds as long as a source is asked. */
static void
look_often_and_once(uint64_t seed)
{
	size_t feed = draw(&seed) % n_feeds, n = 20 + draw(&seed) % 60;
	struct model *often = model_new(0, 0), *once = model_new(0, 0);
	int64_t now_ns = T(3600);
	json_t *a, *b;

	if (!is_of_query(&feeds[feed].v[0])) {
		model_apply(often, &feeds[feed].v[0]);
		model_apply(once, &feeds[feed].v[0]);
	}
	for (size_t i = 0; i < n; i++) {
		const struct event_list *l = &feeds[feed];
		struct event ev = l->v[draw(&seed) % l->n];

		for (int64_t until_ns = now_ns + (int64_t)(draw(&seed) % 12 + 1) * NS_PER_S; now_ns < until_ns; now_ns += NS_PER_S / 2) {
			model_advance(often, now_ns);
			model_n_timeline(often);
		}
		if (is_of_query(&ev))
			continue;
		ev.time_ns = now_ns;
		model_apply(often, &ev);
		model_advance(once, now_ns);
		model_apply(once, &ev);
		model_advance(often, now_ns);
		model_n_timeline(often);
	}
	model_advance(once, now_ns);
	a = timeline_of(often);
	b = timeline_of(once);
	if (!json_equal(a, b)) {
		show_difference(a, b, "");
		fail_msg("%s", names[feed]);
	}
	json_decref(a);
	json_decref(b);
	model_free(often);
	model_free(once);
}

static void
the_timeline_does_not_depend_on_who_looks_when(void **state)
{
	const char *rounds = getenv("SNAPSHOT_ROUNDS");

	(void)state;
	for (uint64_t i = 1, n = rounds == NULL ? 60 : strtoull(rounds, NULL, 10); i <= n; i++)
		look_often_and_once(i * UINT64_C(0x9e3779b97f4a7c15));
}

/* --- slots ------------------------------------------------------------------------------------------------------------ */

static void
a_slot_is_named_by_what_replaces_what(void **state)
{
	static const struct {
		const char *json, *slot;
	} cases[] = {
		{ "{'event':'alerts','source':'am'}", "alerts:am" },
		{ "{'event':'source-report','source':'am','what':'query:fp'}", "source-report:am:query:fp" },
		{ "{'event':'series','type':'matrix','query':'query:fp'}", "series:query:fp:range" },
		{ "{'event':'series','type':'vector','query':'query:fp'}", "series:query:fp:instant" },
		{ "{'event':'run','id':'r1'}", "run:r1" },
		{ "{'event':'run-output','run':'r1','host':'web-1','column':2}", "run-output:r1:2:web-1" },
		{ "{'event':'slos','past':true}", "slos:past" },
		{ "{'event':'slos'}", "slos" },
		{ "{'event':'serving','model':'model:a'}", "serving:model:a" },
		{ "{'event':'memory'}", "memory" },
		{ "{'event':'focus'}", "focus" },
	};
	char slot[64];

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct event ev = feed_event(1, "%s", cases[i].json);

		assert_string_equal(event_slot(&ev, slot, sizeof slot), cases[i].slot);
		event_done(&ev);
	}
}

static void
slots_too_long_to_hold_differ_all_the_same(void **state)
{
	struct event a = feed_event(1, "{'event':'run','id':'%0400d'}", 1), b = feed_event(1, "{'event':'run','id':'%0400d'}", 2);
	char slot_a[64], slot_b[64];

	(void)state;
	assert_string_not_equal(event_slot(&a, slot_a, sizeof slot_a), event_slot(&b, slot_b, sizeof slot_b));
	assert_int_equal(strlen(slot_a), sizeof slot_a - 1);
	assert_string_equal(event_slot(&a, slot_b, sizeof slot_b), slot_a);
	event_done(&a);
	event_done(&b);
}

/* --- what a memory of others may say ---------------------------------------------------------------------------------- */

static void
a_memory_of_unknown_things_does_no_harm(void **state)
{
	struct model *m = model_new(0, 0), *twin = model_new(0, 0);

	(void)state;
	feed_environment(m, FEED_SOURCES_ALL);
	feed_environment(twin, FEED_SOURCES_ALL);
	feed(m, 5, "{'event':'memory','external':['zz','0123456789abcdef0123'],'runs':['a','a'],'incidents':['b'],'sources':[{'name':'gone'},{'name':'am',"
	    "'requests':[{'what':'alerts','failed':9}]},{'name':'am'}],'queries':[{'id':'query:gone'},{'id':''}],'models':[{'id':'model:gone'}],"
	    "'tracks':[{'kind':'alert','id':'alert:1','alert':'2'},{'kind':'slo','id':'slo:gone','state':3}],"
	    "'timeline':[{'id':'x'}],'left_out':18446744073709551}");
	assert_int_equal(model_n_sources(m), 3);
	assert_int_equal(model_n_queries(m), model_n_queries(twin));
	assert_int_equal(model_source_find(m, "am")->n_requests, 0);
	feed_alerts(m, 6, "am", "");
	feed_alerts(twin, 6, "am", "");
	feed(m, 7, "{'event':'slos','slos':[{'id':'slo:other','state':'ok'}]}");
	assert_int_equal(model_n_timeline(m), 1);
	model_free(m);
	model_free(twin);
}

static void
ranges_are_left_out_where_they_are_not_wanted(void **state)
{
	struct model *m = model_new(0, 0);
	size_t n_ranges = 0;

	(void)state;
	feed(m, 0, "{'event':'environment','name':'prod','sources':[" FEED_SOURCES_ALL "],'queries':[{'id':'query:a'}]}");
	feed(m, 1, "{'event':'series','source':'p1','type':'matrix','query':'query:a','series':[]}");
	feed(m, 1, "{'event':'series','source':'p1','type':'vector','query':'query:a','series':[]}");
	for (int with = 0; with < 2; with++) {
		struct event_list l = { 0 };

		model_snapshot(m, with == 1, &l);
		assert_int_equal(l.v[0].kind, EVENT_ENVIRONMENT);
		assert_int_equal(l.v[l.n - 1].kind, EVENT_MEMORY);
		for (size_t i = 0; i < l.n; i++) {
			n_ranges += l.v[i].kind == EVENT_SERIES && ((const struct series_set *)l.v[i].block)->type == SERIES_MATRIX;
			if (l.v[i].kind == EVENT_SERIES) {
				assert_int_equal(l.v[i].time_ns, T(1));
				assert_string_equal(l.v[i].source, "p1");
			}
		}
		event_list_done(&l);
	}
	assert_int_equal(n_ranges, 1);
	model_free(m);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_snapshot_makes_an_equal_model_wherever_it_is_taken),
		cmocka_unit_test(a_snapshot_of_any_model_makes_an_equal_one),
		cmocka_unit_test(the_timeline_does_not_depend_on_who_looks_when),
		cmocka_unit_test(a_slot_is_named_by_what_replaces_what),
		cmocka_unit_test(slots_too_long_to_hold_differ_all_the_same),
		cmocka_unit_test(a_memory_of_unknown_things_does_no_harm),
		cmocka_unit_test(ranges_are_left_out_where_they_are_not_wanted),
	};

	return cmocka_run_group_tests(tests, read_feeds, free_feeds);
}
