/* Several recordings as one: of a console that was killed and the next one, of two that were open at the same time. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/xalloc.h"
#include "record/pack.h"
#include "tests/unit/record_world.h"

enum { PATHS_MAX = 4 };

struct paths {
	size_t n;
	char *v[PATHS_MAX];
};

static int64_t
at(double seconds)
{
	return T0 + (int64_t)(seconds * 1e9);
}

static void
note(struct world *w, double seconds, const char *id, enum timeline_kind kind)
{
	struct timeline_set *set = block_new(sizeof *set);
	struct timeline_entry *e = arena_alloc(&set->block.arena, sizeof *e);
	struct event ev;

	*e = (struct timeline_entry){ .at_ns = at(seconds), .known_ns = at(seconds), .kind = kind, .id = arena_strdup(&set->block.arena, id), .what = "w", .text = "",
		.by = "" };
	set->v = e;
	set->n = 1;
	event_init(&ev, EVENT_TIMELINE, at(seconds), "", set);
	world_apply(w, seconds, &ev);
	event_done(&ev);
}

/* A console from begin to end, that writes one note; it is kept. */
static void
console(struct world *w, double begin, double end, double noted, const char *id)
{
	model_free(w->model);
	w->model = model_new(0, 0);
	clock_freeze(at(begin));
	world_open(w);
	recorder_pin(w->recorder, "incident");
	world_environment(w, begin);
	world_run(w, begin, noted);
	note(w, noted, id, TIMELINE_NOTE);
	world_run(w, noted + 1, end);
	world_close(w);
}

static struct paths
all(struct world *w)
{
	struct paths p = { 0 };
	struct recording_found *v;
	size_t n;

	assert_int_equal(recordings_find(w->dir, NULL, &v, &n, NULL), 0);
	assert_true(n <= PATHS_MAX);
	for (size_t i = 0; i < n; i++)
		p.v[p.n++] = xstrdup(v[i].path);
	recordings_free(v, n);
	return p;
}

static void
paths_done(struct paths *p)
{
	for (size_t i = 0; i < p->n; i++)
		free(p->v[i]);
}

static void
count_refused(const char *why, void *arg)
{
	assert_non_null(strstr(why, "not a recording"));
	(*(size_t *)arg)++;
}

static struct recording *
open_all(const struct paths *p, size_t n_refused)
{
	struct recording *r;
	struct err err = ERR_INIT;
	size_t refused = 0;

	if (recording_open_all((const char *const *)p->v, p->n, &r, count_refused, &refused, &err) < 0)
		fail_msg("%s", err.msg);
	assert_int_equal(refused, n_refused);
	return r;
}

static size_t
count(struct player *p, const char *id)
{
	const struct timeline_entry *v;
	size_t n = player_timeline(p, &v), found = 0;

	for (size_t i = 0; i < n; i++) {
		found += strcmp(v[i].id, id) == 0;
		assert_true(i == 0 || v[i].known_ns >= v[i - 1].known_ns);
	}
	return found;
}

/* At t as the recording at path alone knows it. */
static void
assert_shown(struct player *p, const char *path, double seconds)
{
	struct recording *alone;
	struct player *q;
	char *x, *y;

	assert_int_equal(recording_open(path, &alone, NULL), 0);
	q = player_new(alone);
	assert_non_null(player_seek(q, at(seconds), NULL));
	assert_non_null(player_seek(p, at(seconds), NULL));
	x = world_dump(player_seek(q, at(seconds), NULL));
	y = world_dump(player_seek(p, at(seconds), NULL));
	assert_string_equal(x, y);
	free(x);
	free(y);
	player_free(q);
	recording_free(alone);
}

static void
test_one_after_the_other(void **state)
{
	struct world *w = *state;
	struct recording_info info;
	const struct recording_gap *gaps;
	struct recording *r;
	struct player *p;
	struct paths paths;
	const char *why = "";

	console(w, 0, 90, 30, "note:1");
	console(w, 120, 200, 150, "note:2");
	paths = all(w);
	assert_int_equal(paths.n, 2);
	r = open_all(&paths, 0);
	recording_info(r, &info);
	assert_int_equal(info.n_recordings, 2);
	assert_int_equal(info.problems.n, 0);
	assert_true(info.first_ns <= at(1) && info.last_ns >= at(195));
	assert_string_equal(info.path, paths.v[1]);
	assert_int_equal(recording_gaps(r, &gaps), 1);
	assert_string_equal(gaps[0].why, "between two recordings");
	p = player_new(r);
	assert_int_equal(count(p, "note:1"), 1);
	assert_int_equal(count(p, "note:2"), 1);
	assert_shown(p, paths.v[0], 80);
	assert_shown(p, paths.v[1], 180);
	assert_shown(p, paths.v[0], 20);
	assert_null(player_seek(p, at(110), &why));
	assert_string_equal(why, "between two recordings");
	player_free(p);
	recording_free(r);
	paths_done(&paths);
}

struct told_times {
	int64_t last_ns;
	size_t n;
};

static void
take_time(const struct event *ev, int64_t at_ns, void *arg)
{
	struct told_times *t = arg;

	(void)ev;
	assert_true(at_ns >= t->last_ns);
	t->last_ns = at_ns;
	t->n++;
}

/* The second reaches further: it is shown from its beginning, in the middle of a chunk of the first. Nothing is missing in between, and time never goes back. */
static void
assert_overlap(struct world *w, struct recording *r, const struct paths *paths)
{
	struct told_times told = { 0 };
	const struct recording_gap *gaps;
	struct player *p = player_new(r);

	(void)w;
	assert_int_equal(recording_gaps(r, &gaps), 0);
	assert_int_equal(count(p, "note:1"), 1);
	assert_int_equal(count(p, "note:2"), 1);
	assert_int_equal(count(p, "note:both"), 1);
	assert_shown(p, paths->v[0], 69);
	assert_shown(p, paths->v[1], 75);
	assert_shown(p, paths->v[1], 130);
	assert_shown(p, paths->v[0], 40);
	player_on_event(p, take_time, &told);
	for (double s = 1; s < 195; s += 1)
		assert_non_null(player_seek(p, at(s), NULL));
	assert_true(told.n > 50);
	player_free(p);
}

static void
two_at_a_time(struct world *w)
{
	model_free(w->model);
	w->model = model_new(0, 0);
	clock_freeze(at(0));
	world_open(w);
	recorder_pin(w->recorder, "incident");
	world_environment(w, 0);
	world_run(w, 0, 70);
	note(w, 72, "note:both", TIMELINE_NOTE);
	world_run(w, 75, 90);
	note(w, 92, "note:1", TIMELINE_NOTE);
	world_run(w, 95, 100);
	world_close(w);
	model_free(w->model);
	w->model = model_new(0, 0);
	clock_freeze(at(70));
	world_open(w);
	recorder_pin(w->recorder, "incident");
	world_environment(w, 70);
	note(w, 72, "note:both", TIMELINE_NOTE);
	note(w, 73, "note:2", TIMELINE_NOTE);
	world_run(w, 75, 200);
	world_close(w);
}

static void
test_at_the_same_time(void **state)
{
	struct world *w = *state;
	struct recording *r;
	struct paths paths;

	two_at_a_time(w);
	paths = all(w);
	r = open_all(&paths, 0);
	assert_overlap(w, r, &paths);
	recording_free(r);
	paths_done(&paths);
}

static void
entry(struct world *w, double seconds, struct timeline_entry e)
{
	struct timeline_set *set = block_new(sizeof *set);
	struct timeline_entry *v = arena_alloc(&set->block.arena, sizeof *v);
	struct event ev;

	*v = e;
	v->known_ns = at(seconds);
	v->by = "";
	set->v = v;
	set->n = 1;
	event_init(&ev, EVENT_TIMELINE, at(seconds), "", set);
	world_apply(w, seconds, &ev);
	event_done(&ev);
}

static size_t
find_entry(struct player *p, const char *id, bool is_end, const struct timeline_entry **ret)
{
	const struct timeline_entry *v;
	size_t n = player_timeline(p, &v), found = 0;

	for (size_t i = 0; i < n; i++)
		if (strcmp(v[i].id, id) == 0 && v[i].is_end == is_end) {
			*ret = &v[i];
			found++;
		}
	return found;
}

/* The other one asks other sources, judges at other times, reads of the note later and was begun while it drifted already. */
static void
watcher(struct world *w, double begin, double end, double late)
{
	model_free(w->model);
	w->model = model_new(0, 0);
	clock_freeze(at(begin));
	world_open(w);
	recorder_pin(w->recorder, "incident");
	world_environment(w, begin);
	if (begin < 20)
		entry(w, 20, (struct timeline_entry){ .at_ns = at(20), .kind = TIMELINE_DRIFT, .id = "drift:score", .what = "score", .text = "x" });
	else
		entry(w, begin + 1, (struct timeline_entry){ .at_ns = at(begin + 1), .kind = TIMELINE_DRIFT, .id = "drift:score", .what = "score", .text = "x" });
	entry(w, 80 + late, (struct timeline_entry){ .at_ns = at(80 + late), .kind = TIMELINE_ALERT, .id = "alert:1", .what = "A", .text = "" });
	entry(w, 85 + late, (struct timeline_entry){ .at_ns = at(85 + late), .kind = TIMELINE_NOTE, .id = "note:10", .what = "note", .text = "hello", .seq = 10 });
	entry(w, 90 + late, (struct timeline_entry){ .at_ns = at(90), .kind = TIMELINE_RUN, .id = "run:r1", .is_end = true, .what = late > 0 ? "r1" : "rollback", .text = "" });
	world_run(w, 100, end);
	world_close(w);
}

static void
test_one_thing_is_told_once(void **state)
{
	static const struct { const char *id; bool is_end; double at, known; } told[] = { { "drift:score", false, 20, 20 }, { "alert:1", false, 80, 80 },
		{ "note:10", false, 85, 85 }, { "run:r1", true, 90, 90 } };
	struct world *w = *state;
	struct paths paths;
	struct recording *r;
	struct player *p;

	watcher(w, 0, 120, 0);
	watcher(w, 70, 200, 7);
	paths = all(w);
	r = open_all(&paths, 0);
	p = player_new(r);
	for (size_t i = 0; i < sizeof told / sizeof told[0]; i++) {
		const struct timeline_entry *e = NULL;

		assert_int_equal(find_entry(p, told[i].id, told[i].is_end, &e), 1);
		assert_int_equal(e->at_ns, at(told[i].at));
		assert_int_equal(e->known_ns, at(told[i].known));
	}
	player_free(p);
	recording_free(r);
	paths_done(&paths);
}

/* The same from one file. */
static void
test_packed(void **state)
{
	struct world *w = *state;
	struct recording *v[PATHS_MAX], *packed;
	struct pack_draft draft = { .incident = "inc", .title = "t", .env = "test", .version = "1", .from_ns = at(0), .to_ns = at(300), .recordings = v };
	struct recording_info info;
	struct paths paths;
	char file[160];
	int fd;

	two_at_a_time(w);
	paths = all(w);
	for (size_t i = 0; i < paths.n; i++)
		assert_int_equal(recording_open(paths.v[i], &v[i], NULL), 0);
	draft.n_recordings = paths.n;
	snprintf(file, sizeof file, "%s/pack", w->root);
	fd = open(file, O_WRONLY | O_CREAT | O_EXCL, 0600);
	assert_true(fd >= 0);
	assert_int_equal(pack_write(fd, &draft, NULL), 0);
	close(fd);
	assert_int_equal(recording_open(file, &packed, NULL), 0);
	recording_info(packed, &info);
	assert_int_equal(info.problems.n, 0);
	assert_overlap(w, packed, &paths);
	recording_free(packed);
	for (size_t i = 0; i < paths.n; i++)
		recording_free(v[i]);
	paths_done(&paths);
}

static void
damage(const char *dir, const char *name)
{
	char *path = xasprintf("%s/%s", dir, name), *bytes, *body;
	size_t len;

	bytes = world_file(path, &len);
	body = memchr(bytes, '\n', len);
	assert_non_null(body);
	memset(body + 1, 'x', len - (size_t)(body + 1 - bytes) - 1);
	world_write_file(path, bytes, len);
	free(bytes);
	free(path);
}

/* What the one that would be shown cannot tell any more is shown from the other. */
static void
test_damaged(void **state)
{
	struct world *w = *state;
	struct recording_info info;
	struct recording *r;
	struct player *p;
	struct paths paths;
	const struct timeline_entry *v;

	two_at_a_time(w);
	paths = all(w);
	damage(paths.v[1], "000001.rec");
	r = open_all(&paths, 0);
	p = player_new(r);
	player_timeline(p, &v);
	player_seek(p, at(75), NULL);
	assert_shown(p, paths.v[0], 80);
	assert_shown(p, paths.v[1], 180);
	recording_info(r, &info);
	assert_int_equal(info.problems.n, 1);
	assert_non_null(strstr(info.problems.v[0], "000001.rec: "));
	player_free(p);
	recording_free(r);
	paths_done(&paths);
}

static void
test_one_refused(void **state)
{
	struct world *w = *state;
	struct recording *r;
	struct player *p;
	struct paths paths;

	console(w, 0, 40, 30, "note:1");
	paths = all(w);
	paths.v[paths.n++] = xstrdup(w->root);
	r = open_all(&paths, 1);
	p = player_new(r);
	assert_int_equal(count(p, "note:1"), 1);
	player_free(p);
	recording_free(r);
	free(paths.v[0]);
	paths.v[0] = xstrdup(w->root);
	assert_true(recording_open_all((const char *const *)paths.v, 2, &r, NULL, NULL, NULL) < 0);
	paths_done(&paths);
}

/* The one that is open goes on. */
static void
test_grows(void **state)
{
	struct world *w = *state;
	struct recording_info info;
	struct recording *r;
	struct player *p;
	struct paths paths;

	console(w, 0, 90, 30, "note:1");
	model_free(w->model);
	w->model = model_new(0, 0);
	clock_freeze(at(100));
	world_open(w);
	world_environment(w, 100);
	world_run(w, 100, 120);
	world_at(w, 125);
	paths = all(w);
	r = open_all(&paths, 0);
	p = player_new(r);
	assert_int_equal(count(p, "note:2"), 0);
	note(w, 130, "note:2", TIMELINE_NOTE);
	world_run(w, 135, 200);
	world_at(w, 205);
	assert_true(recording_refresh(r));
	recording_info(r, &info);
	assert_true(info.is_live);
	assert_true(info.last_ns >= at(190));
	assert_int_equal(count(p, "note:2"), 1);
	assert_non_null(player_seek(p, at(190), NULL));
	assert_non_null(player_seek(p, at(50), NULL));
	player_free(p);
	recording_free(r);
	paths_done(&paths);
}

int
main(void)
{
#define T_(test) cmocka_unit_test_setup_teardown(test, world_setup, world_teardown)
	const struct CMUnitTest tests[] = {
		T_(test_one_after_the_other),
		T_(test_at_the_same_time),
		T_(test_one_thing_is_told_once),
		T_(test_packed),
		T_(test_damaged),
		T_(test_one_refused),
		T_(test_grows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
