/* The recorder on real files: what reaches the disk and when, what is kept and what makes room, and what happens when the disk does not do as it should. */
#include "config.h"

#include <errno.h>
#include <semaphore.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/fault.h"
#include "base/xalloc.h"
#include "record/format.h"
#include "tests/unit/record_world.h"

static void
in_recording(const struct world *w, const char *name, char *buf, size_t size)
{
	snprintf(buf, size, "%s/%s", world_recording(w), name);
}

static unsigned
mode_of(const char *path)
{
	struct stat st;

	assert_int_equal(lstat(path, &st), 0);
	return st.st_mode & 07777;
}

/* --- the plain case ------------------------------------------------------------------------------------------------------------- */

static void
test_nothing_before_the_first_event(void **state)
{
	struct world *w = *state;
	struct recorder_state s;

	world_open(w);
	world_at(w, 10);
	recorder_state(w->recorder, &s);
	assert_string_equal(s.path, "");
	assert_int_equal(s.since_ns, 0);
	assert_int_equal(access(w->dir, F_OK), -1);
	world_close(w);
	assert_int_equal(access(w->dir, F_OK), -1);
}

static void
expect_file(const struct world *w, const struct told *t)
{
	char path[600], hex[65];
	size_t len;
	void *bytes;

	in_recording(w, t->file, path, sizeof path);
	bytes = world_file(path, &len);
	digest_hex(bytes, len, hex);
	assert_string_equal(hex, t->sha256);
	assert_int_equal(len, t->bytes);
	assert_int_equal(mode_of(path), 0600);
	free(bytes);
}

static void
test_chunks_of_a_minute(void **state)
{
	struct world *w = *state;
	struct recorder_state s;

	umask(0);
	world_open(w);
	world_environment(w, 0);
	world_run(w, 1, 190);
	world_at(w, 200);
	assert_int_equal(w->n_told, 3);
	for (size_t i = 0; i < w->n_told; i++) {
		const struct told *t = &w->told[i];

		assert_int_equal(t->number, i + 1);
		assert_false(t->is_pinned);
		assert_true(t->to_ns - t->from_ns >= 60 * NS_PER_S && t->to_ns - t->from_ns < 66 * NS_PER_S);
		assert_string_equal(t->prev, i == 0 ? RECORD_ZERO : w->told[i - 1].sha256);
		if (i > 0)
			assert_int_equal(t->from_ns, w->told[i - 1].to_ns);
		expect_file(w, t);
	}
	recorder_state(w->recorder, &s);
	assert_string_equal(s.path, world_recording(w));
	assert_int_equal(s.since_ns, T0);
	assert_int_equal(s.chunks, 4);
	assert_true(s.bytes > w->told[0].bytes + w->told[1].bytes + w->told[2].bytes);
	assert_true(s.bytes_per_hour > 0);
	assert_false(s.is_pinned || s.is_broken);
	assert_int_equal(mode_of(world_recording(w)), 0700);
	assert_int_equal(w->n_problems, 0);
}

/* What a kill leaves is what was flushed: within a second of the event, though its chunk is open. */
static void
test_within_a_second(void **state)
{
	struct world *w = *state;
	struct recording_info info;
	struct recording *r;

	world_open(w);
	world_environment(w, 0);
	world_event(w, 0.5, "{'event':'note','text':'one','by':'alice'}");
	world_at(w, 1.5);
	world_event(w, 2, "{'event':'note','text':'two','by':'alice'}");
	world_at(w, 3);
	r = world_read(w);
	recording_info(r, &info);
	assert_true(info.is_live);
	assert_false(info.is_pinned);
	assert_int_equal(info.first_ns, T0);
	assert_int_equal(info.last_ns, T(2));
	assert_int_equal(info.problems.n, 0);
	recording_free(r);
}

static void
test_removed_when_nothing_pins(void **state)
{
	struct world *w = *state;
	char env[128];

	world_open(w);
	world_environment(w, 0);
	world_run(w, 1, 100);
	world_close(w);
	snprintf(env, sizeof env, "%s/test", w->dir);
	assert_int_equal(world_count(env, ""), 0);
	assert_int_equal(w->n_told, 2);	/* the last one is closed, too */
}

/* A console that nothing happens on closes its chunk all the same; what comes next is no gap. */
static void
test_quiet(void **state)
{
	struct world *w = *state;
	const struct recording_gap *gaps;
	struct recording *r;

	world_open(w);
	world_environment(w, 0);
	world_at(w, 10);
	world_at(w, 200);
	assert_int_equal(w->n_told, 1);
	world_event(w, 300, "{'event':'note','text':'one','by':'alice'}");
	world_at(w, 302);
	r = world_read(w);
	assert_int_equal(recording_gaps(r, &gaps), 0);
	recording_free(r);
}

/* --- the ring ------------------------------------------------------------------------------------------------------------------- */

static void
test_ring_by_time(void **state)
{
	struct world *w = *state;
	struct recorder_state s;

	w->options.keep_ns = 5 * NS_PER_MIN;
	world_open(w);
	world_environment(w, 0);
	world_run(w, 1, 900);
	world_at(w, 901);
	assert_in_range(world_count(world_recording(w), ".rec"), 6, 7);
	recorder_state(w->recorder, &s);
	assert_true(s.since_ns <= T(900 - 300) && s.since_ns > T(900 - 300 - 130));
}

static void
test_ring_by_bytes(void **state)
{
	struct world *w = *state;
	uint64_t one;

	world_open(w);
	world_environment(w, 0);
	world_run(w, 1, 70);
	world_at(w, 75);
	one = w->told[0].bytes;
	world_close(w);
	w->options.keep_bytes = (int64_t)(3 * one);
	world_open(w);
	world_run(w, 80, 900);
	world_at(w, 905);
	assert_in_range(world_count(world_recording(w), ".rec"), 2, 4);
}

/* --- pins ----------------------------------------------------------------------------------------------------------------------- */

static size_t
told_pinned(const struct world *w, uint64_t from)
{
	size_t n = 0;

	for (size_t i = 0; i < w->n_told; i++)
		if (w->told[i].is_pinned) {
			assert_int_equal(w->told[i].number, from + n);
			n++;
		}
	return n;
}

static void
test_pin_keeps_what_is_there_and_what_comes(void **state)
{
	struct world *w = *state;
	struct recorder_state s;
	char path[600];
	size_t kept;
	struct stat st;

	w->options.keep_ns = 3 * NS_PER_MIN;
	world_open(w);
	world_environment(w, 0);
	world_run(w, 1, 400);
	world_at(w, 401);
	assert_int_equal(told_pinned(w, 0), 0);
	recorder_pin(w->recorder, "incident 20300101-0006-x");
	recorder_pin(w->recorder, "incident 20300101-0006-x");
	recorder_pin(w->recorder, "page Always");
	world_at(w, 402);
	kept = told_pinned(w, 4);	/* those of the last three minutes, from the oldest on */
	assert_int_equal(kept, 3);
	in_recording(w, "pinned", path, sizeof path);
	assert_int_equal(stat(path, &st), 0);
	world_run(w, 405, 1000);
	world_at(w, 1001);
	recorder_state(w->recorder, &s);
	assert_true(s.is_pinned);
	recorder_unpin(w->recorder, "incident 20300101-0006-x");
	recorder_state(w->recorder, &s);
	assert_true(s.is_pinned);
	recorder_unpin(w->recorder, "page Always");
	recorder_unpin(w->recorder, "never pinned");
	world_at(w, 1002);
	recorder_state(w->recorder, &s);
	assert_false(s.is_pinned);
	/* The chunk under way was closed at once and is one of them; what comes now makes room again. */
	kept = told_pinned(w, 4);
	assert_int_equal(world_count(world_recording(w), ".rec"), kept);
	world_run(w, 1005, 2000);
	world_at(w, 2001);
	assert_in_range(world_count(world_recording(w), ".rec"), kept + 3, kept + 5);
	world_close(w);
	assert_int_equal(world_count(world_recording(w), ".rec"), kept);
	assert_int_equal(told_pinned(w, 4), kept);
	assert_int_equal(w->n_problems, 0);
}

static void
test_pin_before_the_first_event(void **state)
{
	struct world *w = *state;
	struct recording *r;
	struct recording_info info;

	world_open(w);
	recorder_pin(w->recorder, "run 20300101-1");
	world_settle(w);
	world_environment(w, 1);
	world_at(w, 3);
	world_close(w);
	r = world_read(w);
	recording_info(r, &info);
	assert_true(info.is_pinned);
	assert_false(info.is_live);
	assert_int_equal(w->n_told, 1);
	assert_true(w->told[0].is_pinned);
	recording_free(r);
}

static void
test_kept_max(void **state)
{
	struct world *w = *state;

	world_open(w);
	world_environment(w, 0);
	world_run(w, 1, 130);
	world_at(w, 131);
	world_close(w);
	w->options.kept_max = (int64_t)(w->told[0].bytes * 5 / 2);
	w->n_told = 0;
	world_open(w);
	recorder_pin(w->recorder, "incident x");
	world_run(w, 200, 800);
	world_at(w, 801);
	assert_int_equal(w->n_problems, 1);
	assert_non_null(strstr(w->problems[0], "nothing more is kept"));
	assert_in_range(told_pinned(w, 1), 1, 3);
}

/* --- what others left -------------------------------------------------------------------------------------------------------------- */

static void
make_recording(const struct world *w, const char *id, bool is_pinned)
{
	char path[300];

	snprintf(path, sizeof path, "%s/test/%s", w->dir, id);
	assert_int_equal(mkdir(path, 0700), 0);
	snprintf(path, sizeof path, "%s/test/%s/lock", w->dir, id);
	world_write_file(path, "", 0);
	snprintf(path, sizeof path, "%s/test/%s/000001.rec", w->dir, id);
	world_write_file(path, "x", 1);
	snprintf(path, sizeof path, "%s/test/%s/pinned", w->dir, id);
	if (is_pinned)
		world_write_file(path, "{}\n", 3);
}

static bool
is_there(const struct world *w, const char *name)
{
	char path[300];

	snprintf(path, sizeof path, "%s/test/%s", w->dir, name);
	return access(path, F_OK) == 0;
}

static void
test_leftovers(void **state)
{
	struct world *w = *state, other = *w;
	char path[200];

	assert_int_equal(mkdir(w->dir, 0700), 0);
	snprintf(path, sizeof path, "%s/test", w->dir);
	assert_int_equal(mkdir(path, 0700), 0);
	make_recording(w, "20291231-235900-1", false);
	make_recording(w, "20291231-235901-2", true);
	make_recording(w, "20291231-235903-4", false);	/* just before */
	snprintf(path, sizeof path, "%s/test/20291231-235903-4/000001.rec", w->dir);
	world_write_file(path, "x", 1);
	assert_int_equal(utimensat(AT_FDCWD, path, (struct timespec[2]){ { .tv_sec = clock_now() / NS_PER_S - 60 }, { .tv_sec = clock_now() / NS_PER_S - 60 } }, 0), 0);
	snprintf(path, sizeof path, "%s/test/notes", w->dir);
	assert_int_equal(mkdir(path, 0700), 0);
	/* one that lives: another recorder in this process */
	other.options.arg = &other;
	world_open(&other);
	world_environment(&other, 0);
	world_at(&other, 1);
	assert_false(is_there(w, "20291231-235900-1"));
	make_recording(w, "20291231-235902-3", false);
	world_open(w);
	world_environment(w, 2);
	world_at(w, 3);
	assert_false(is_there(w, "20291231-235902-3"));
	assert_true(is_there(w, "20291231-235901-2"));
	assert_true(is_there(w, "20291231-235903-4"));
	assert_true(is_there(w, "notes"));
	snprintf(path, sizeof path, "%s/test", w->dir);
	assert_int_equal(world_count(path, ""), 5);
	world_close(w);
	assert_int_equal(world_count(path, ""), 4);
	world_close(&other);
	assert_int_equal(world_count(path, ""), 3);
}

static void
test_refused_places(void **state)
{
	struct world *w = *state;
	struct recorder *r;
	struct err err = ERR_INIT;
	char link[128];

	assert_int_equal(mkdir(w->dir, 0755), 0);
	assert_int_equal(chmod(w->dir, 0755), 0);
	assert_int_equal(recorder_new(w->loop, w->pool, &w->options, &r, &err), ERR_DENIED);
	assert_non_null(strstr(err.msg, "chmod 700"));
	assert_int_equal(chmod(w->dir, 0700), 0);
	snprintf(link, sizeof link, "%s/link", w->root);
	assert_int_equal(symlink(w->dir, link), 0);
	w->options.dir = link;
	assert_int_equal(recorder_new(w->loop, w->pool, &w->options, &r, &err), ERR_DENIED);
	assert_non_null(strstr(err.msg, "symbolic link"));
	w->options.dir = w->dir;
	/* one that becomes bad later is told of, and tried again */
	world_open(w);
	assert_int_equal(chmod(w->dir, 0777), 0);
	world_environment(w, 0);
	world_at(w, 2);
	assert_int_equal(w->n_problems, 1);
	assert_non_null(strstr(w->problems[0], "chmod 700"));
	assert_int_equal(chmod(w->dir, 0700), 0);
	world_environment(w, 13);
	world_at(w, 15);
	assert_int_equal(w->n_problems, 2);
	assert_non_null(strstr(w->problems[1], "goes on"));
}

/* --- outages ------------------------------------------------------------------------------------------------------------------------ */

static void
expect_outage(struct world *w, enum fault_place place, unsigned nth, enum fault_kind fault)
{
	const struct recording_gap *gaps;
	struct recording *r;
	struct recorder_state s;
	size_t n;

	fault_set(place, nth, fault);
	world_run(w, 1, 40);
	world_at(w, 41);
	recorder_state(w->recorder, &s);
	if (!s.is_broken) {
		fault_set(place, 0, FAULT_NONE);
		return;
	}
	assert_int_equal(w->n_problems, 1);
	assert_non_null(strstr(w->problems[0], "has stopped"));
	world_at(w, 55);
	world_run(w, 56, 90);
	world_at(w, 91);
	assert_int_equal(w->n_problems, 2);
	assert_non_null(strstr(w->problems[1], "goes on"));
	r = world_read(w);
	n = recording_gaps(r, &gaps);
	if (n > 0) {
		assert_int_equal(n, 1);
		assert_true(gaps[0].from_ns <= T(41) && gaps[0].to_ns >= T(50) && gaps[0].to_ns <= T(57));
		assert_non_null(strstr(gaps[0].why, strerror(fault == FAULT_ENOSPC ? ENOSPC : EIO)));
	}
	recording_free(r);
}

static void
test_disk_full(void **state)
{
	struct world *w = *state;

	world_open(w);
	world_environment(w, 0);
	world_at(w, 1);
	expect_outage(w, FAULT_RECORD_WRITE, 1, FAULT_ENOSPC);
	assert_int_equal(w->n_problems, 2);
}

static void
test_write_error(void **state)
{
	struct world *w = *state;

	world_open(w);
	expect_outage(w, FAULT_RECORD_WRITE, 2, FAULT_EIO);
	assert_int_equal(w->n_problems, 2);
}

static void
test_open_error(void **state)
{
	struct world *w = *state;

	world_open(w);
	expect_outage(w, FAULT_RECORD_OPEN, 2, FAULT_EIO);
	assert_int_equal(w->n_problems, 2);
}

static void
test_sync_error(void **state)
{
	struct world *w = *state;

	world_open(w);
	world_environment(w, 0);
	fault_set(FAULT_RECORD_FSYNC, 1, FAULT_EIO);
	world_run(w, 1, 64);
	world_at(w, 65);
	assert_int_equal(w->n_problems, 1);
	assert_int_equal(w->n_told, 0);	/* a chunk that may not be there has no hash */
}

static void
test_short_writes(void **state)
{
	struct world *w = *state;
	struct recording_info info;
	struct recording *r;

	world_open(w);
	for (unsigned i = 0; i < 20; i++) {
		fault_set(FAULT_RECORD_WRITE, 1 + i % 3, FAULT_SHORT);
		world_run(w, 1 + i * 5, 5 + i * 5);
		world_at(w, 5 + i * 5);
	}
	fault_set(FAULT_RECORD_WRITE, 0, FAULT_NONE);
	r = world_read(w);
	recording_info(r, &info);
	assert_int_equal(info.problems.n, 0);
	assert_int_equal(w->n_problems, 0);
	assert_true(w->n_told > 0);
	expect_file(w, &w->told[0]);
	recording_free(r);
}

/* A disk that does not follow costs a gap, and not memory. */
static sem_t held, let_go;

static void
hold(void *arg)
{
	(void)arg;
	sem_post(&held);
	sem_wait(&let_go);
}

static void
big_event(struct world *w, double seconds)
{
	struct source_info *info = block_new(sizeof *info);
	struct event ev;
	char *text = xmalloc(8 << 20);

	memset(text, 'x', (8 << 20) - 1);
	text[(8 << 20) - 1] = '\0';
	info->product = arena_strdup(&info->block.arena, text);
	info->version = "";
	free(text);
	event_init(&ev, EVENT_SOURCE_INFO, T0 + (int64_t)(seconds * 1e9), "p1", info);
	world_apply(w, seconds, &ev);
	event_done(&ev);
}

static void
test_disk_does_not_follow(void **state)
{
	struct world *w = *state;
	struct pool_lane *lanes[2];
	const struct recording_gap *gaps;
	struct recorder_state s;
	struct recording *r;

	sem_init(&held, 0, 0);
	sem_init(&let_go, 0, 0);
	world_open(w);
	world_environment(w, 0);
	world_at(w, 1);
	for (int i = 0; i < 2; i++) {
		lanes[i] = pool_lane_new(w->pool);
		pool_run(lanes[i], hold, NULL, NULL);
		sem_wait(&held);
	}
	for (int i = 0; i < 40; i++)
		big_event(w, 2 + i);
	recorder_state(w->recorder, &s);
	assert_true(s.is_broken);
	assert_true(s.waiting < 20);
	assert_int_equal(w->n_problems, 1);
	assert_non_null(strstr(w->problems[0], "did not keep up"));
	sem_post(&let_go);
	sem_post(&let_go);
	world_settle(w);
	world_round(w, 50);
	world_at(w, 55);
	assert_int_equal(w->n_problems, 2);
	r = world_read(w);
	assert_int_equal(recording_gaps(r, &gaps), 1);
	assert_non_null(strstr(gaps[0].why, "did not keep up"));
	assert_int_equal(gaps[0].to_ns, T(50));
	recording_free(r);
	for (int i = 0; i < 2; i++)
		pool_lane_free(lanes[i]);
	sem_destroy(&held);
	sem_destroy(&let_go);
}

/* --- kill -9 ------------------------------------------------------------------------------------------------------------------------- */

/* In a process of its own: kill comes in the middle of the nth write. Returns false when there were not so many. */
static bool
killed_at(const struct world *w, const char *said, unsigned nth)
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0) {
		void *inner;
		struct world *c;

		world_setup(&inner);
		c = inner;
		rmdir(c->root);
		c->options.dir = w->dir;
		world_open(c);
		recorder_pin(c->recorder, "test");
		fault_set(FAULT_RECORD_WRITE, nth, FAULT_KILL);
		world_environment(c, 0);
		for (double s = 1; s < 70; s += 5) {
			char line[32];

			world_round(c, s);
			world_at(c, s + 2);
			/* what is said here was flushed */
			snprintf(line, sizeof line, "%d", (int)s);
			world_write_file(said, line, strlen(line));
		}
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status);
}

static void
test_killed_at_every_write(void **state)
{
	struct world *w = *state;
	char said[80];
	unsigned nth = 1;
	bool is_killed = true;

	snprintf(said, sizeof said, "%s-said", w->root);
	for (; is_killed; nth++) {
		struct recording_info info;
		struct recording *r;
		struct player *p;
		char *text;
		size_t len;
		int flushed;

		world_write_file(said, "-1", 2);
		is_killed = killed_at(w, said, nth);
		text = world_file(said, &len);
		flushed = atoi(text);
		free(text);
		if (access(w->dir, F_OK) == 0 && flushed >= 0) {
			r = world_read(w);
			recording_info(r, &info);
			assert_false(info.is_live);
			p = player_new(r);
			assert_true(info.last_ns >= T(flushed) + 300 * NS_PER_MS);
			assert_non_null(player_seek(p, T(flushed) + 300 * NS_PER_MS, NULL));
			assert_non_null(player_seek(p, T0, NULL));
			player_free(p);
			recording_free(r);
		}
		world_remove(w->dir);
	}
	unlink(said);
	assert_true(nth > 15);
}

int
main(void)
{
#define T_(test) cmocka_unit_test_setup_teardown(test, world_setup, world_teardown)
	const struct CMUnitTest tests[] = {
		T_(test_nothing_before_the_first_event),
		T_(test_chunks_of_a_minute),
		T_(test_within_a_second),
		T_(test_removed_when_nothing_pins),
		T_(test_quiet),
		T_(test_ring_by_time),
		T_(test_ring_by_bytes),
		T_(test_pin_keeps_what_is_there_and_what_comes),
		T_(test_pin_before_the_first_event),
		T_(test_kept_max),
		T_(test_leftovers),
		T_(test_refused_places),
		T_(test_disk_full),
		T_(test_write_error),
		T_(test_open_error),
		T_(test_sync_error),
		T_(test_short_writes),
		T_(test_disk_does_not_follow),
		T_(test_killed_at_every_write),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
