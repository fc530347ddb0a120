/* Records on their way to a server that answers, refuses, hangs up, or is not there. */
#include "config.h"

#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
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

#include "audit_world.h"
#include "base/clock.h"
#include "base/xalloc.h"
#include "fakes/fake_http.h"
#include "ship.h"
#include "source/web.h"

enum { GOT_MAX = 20000 };

/* The server: what it was given, and how it answers. Its handlers run in threads of their own. */
struct server {
	struct fake_http *http;
	pthread_mutex_t lock;
	uint64_t got[GOT_MAX];		/* seqs of acknowledged records, in order */
	size_t n, refused;
	int status;			/* 0: hang up */
	size_t most;			/* 413 beyond so many records; 0: any */
	char *last;			/* body of the newest request */
	char path[1024], type[64];
};

struct test {
	struct world *w;
	struct pool *pool;
	struct transport *web;
	struct server s;
	struct conf_source conf;
	char url[64];
	struct ship *ship;
	char notes[4096];
};

static size_t
count_lines(const char *body)
{
	size_t n = 0;

	for (; (body = strchr(body, '\n')) != NULL; body++)
		n++;
	return n;
}

/* Each `{"seq":N`, quoted once more for Loki. */
static void
take(struct server *s, const char *body)
{
	for (const char *p = body; (p = strstr(p, "seq")) != NULL; p += 3) {
		const char *digits = p + strcspn(p, "0123456789,");

		if ((p[3] == '"' || p[3] == '\\') && s->n < GOT_MAX && (p[-1] == '"') && *digits != ',')
			s->got[s->n++] = strtoull(digits, NULL, 10);
	}
}

static bool
handle(const struct fake_request *r, void *arg)
{
	struct server *s = arg;
	int status;

	pthread_mutex_lock(&s->lock);
	free(s->last);
	s->last = strndup(r->body, r->body_len);
	snprintf(s->path, sizeof s->path, "%s", r->path);
	fake_header(r, "Content-Type", s->type, sizeof s->type);
	status = s->status;
	if (status == 200 && s->most > 0 && count_lines(s->last) > s->most)
		status = 413;
	if (status >= 200 && status < 300)
		take(s, s->last);
	else
		s->refused++;
	pthread_mutex_unlock(&s->lock);
	return status != 0 && fake_answer(r, status, "", status == 400 ? "entry too far behind" : "", status == 400 ? 20 : 0);
}

static int
setup(void **state)
{
	struct test *t = xcalloc(1, sizeof *t);

	if (world_setup((void **)&t->w) < 0)
		return -1;
	pthread_mutex_init(&t->s.lock, NULL);
	t->s.status = 200;
	t->s.http = fake_http_new(handle, &t->s);
	t->pool = pool_new(t->w->loop, 2);
	if (web_new(t->w->loop, t->pool, 1 << 20, &t->web, NULL) < 0)
		return -1;
	snprintf(t->url, sizeof t->url, "http://127.0.0.1:%d/in", fake_http_port(t->s.http));
	t->conf = (struct conf_source){ .name = (char *)(uintptr_t)"siem", .type = (char *)(uintptr_t)"http", .url = t->url, .timeout_ns = 10 * NS_PER_S,
	    .body_max = 1 << 20, .tls_verify = true };
	*state = t;
	return 0;
}

static int
teardown(void **state)
{
	struct test *t = *state;
	void *w = t->w;

	ship_free(t->ship);
	fake_http_free(t->s.http);
	pool_stop(t->pool);
	t->web->ops->free(t->web);
	pool_free(t->pool);
	pthread_mutex_destroy(&t->s.lock);
	free(t->s.last);
	free(t);
	return world_teardown(&w);
}

static void
on_note(const char *text, void *arg)
{
	struct test *t = arg;
	size_t n = strlen(t->notes);

	snprintf(t->notes + n, sizeof t->notes - n, "%s\n", text);
}

static void
start_named(struct test *t, struct ship **ret)
{
	const struct ship_options o = { .conf = &t->conf, .dir = t->w->dir, .chain = "alice@web", .pause_ns = 5 * NS_PER_MS, .look_ns = 5 * NS_PER_MS,
	    .note = on_note, .arg = t };
	struct err err = ERR_INIT;

	if (ship_new(t->w->loop, t->pool, t->web, &o, ret, &err) < 0)
		fail_msg("%s", err.msg);
}

static void
start(struct test *t)
{
	start_named(t, &t->ship);
}

static void
stop(struct test *t)
{
	ship_free(t->ship);
	t->ship = NULL;
}

static size_t
n_got(struct test *t)
{
	size_t n;

	pthread_mutex_lock(&t->s.lock);
	n = t->s.n;
	pthread_mutex_unlock(&t->s.lock);
	return n;
}

static void
until_seq(struct test *t, uint64_t seq)
{
	int64_t until = clock_mono_fresh() + 60 * NS_PER_S;
	struct ship_state st;

	for (ship_state(t->ship, &st); st.seq != seq; ship_state(t->ship, &st)) {
		loop_once(t->w->loop, 10 * NS_PER_MS);
		if (clock_mono_fresh() > until)
			fail_msg("at %" PRIu64 ", not %" PRIu64 ": %s", st.seq, seq, st.text);
	}
}

static void
turn(struct test *t, int64_t ns)
{
	for (int64_t until = clock_mono_fresh() + ns; clock_mono_fresh() < until;)
		loop_once(t->w->loop, NS_PER_MS);
}

/* As a log grows: what is there stays, for a log that is shorter for a moment is another one to who reads it. */
static void
append_rest(struct test *t, size_t number, const char *bytes, size_t len)
{
	char path[256];
	struct stat st;
	int fd;

	snprintf(path, sizeof path, "%s/audit-%06zu.jsonl", t->w->dir, number);
	fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600);
	assert_true(fd >= 0 && fstat(fd, &st) == 0 && (size_t)st.st_size <= len);
	assert_int_equal(write(fd, bytes + st.st_size, len - (size_t)st.st_size), (ssize_t)len - st.st_size);
	close(fd);
}

/* A log of n records in files of so many; what world_log() makes is the same each time. */
static void
put_log(struct test *t, size_t n, size_t per_file)
{
	size_t len, number = 0;
	char *text = world_log(n, &len), *p = text;

	mkdir(t->w->dir, 0700);
	while (p < text + len) {
		const char *start = p;

		for (size_t i = 0; i < per_file && p < text + len; i++)
			p = (char *)memchr(p, '\n', (size_t)(text + len - p)) + 1;
		append_rest(t, ++number, start, (size_t)(p - start));
	}
	free(text);
}

static void
assert_got(struct test *t, uint64_t first, uint64_t last)
{
	pthread_mutex_lock(&t->s.lock);
	assert_int_equal(t->s.n, last - first + 1);
	for (size_t i = 0; i < t->s.n; i++)
		assert_int_equal(t->s.got[i], first + i);
	t->s.n = 0;
	pthread_mutex_unlock(&t->s.lock);
}

/* --- the way it should be -------------------------------------------------------------------------------------------------------------------------------- */

static void
all_once_and_in_order(void **state)
{
	struct test *t = *state;
	size_t len;
	char *text;

	put_log(t, 2500, 700);
	start(t);
	until_seq(t, 2500);
	assert_got(t, 1, 2500);
	assert_string_equal(t->s.path, "/in");
	assert_string_equal(t->s.type, "application/x-ndjson");
	/* Bytes of the log, as they stand there. */
	text = world_log(2500, &len);
	assert_non_null(strstr(text, t->s.last));
	free(text);
	/* A restart goes on where it was. */
	stop(t);
	put_log(t, 2600, 700);
	start(t);
	until_seq(t, 2600);
	assert_got(t, 2501, 2600);
	assert_string_equal(t->notes, "");
}

static void
what_comes_later(void **state)
{
	struct test *t = *state;
	struct ship_state st;
	uint64_t seq;

	start(t);	/* there is no log yet */
	turn(t, 30 * NS_PER_MS);
	ship_state(t->ship, &st);
	assert_false(st.is_failing);
	world_open(t->w);
	assert_int_equal(world_note(t->w, "one", &seq, NULL), 0);
	ship_poke(t->ship);
	until_seq(t, seq);
	assert_got(t, 1, seq);
	assert_int_equal(world_note(t->w, "two", &seq, NULL), 0);
	until_seq(t, seq);
	assert_got(t, seq, seq);
	ship_state(t->ship, &st);
	assert_true(st.at_ns > 0);
}

static void
loki(void **state)
{
	struct test *t = *state;
	json_t *body, *streams, *values, *pair;
	int64_t last = 0;
	size_t i;

	t->conf.type = (char *)(uintptr_t)"loki";
	put_log(t, 50, 50);
	start(t);
	until_seq(t, 50);
	assert_got(t, 1, 50);
	assert_string_equal(t->s.path, "/in/loki/api/v1/push");
	body = json_loads(t->s.last, 0, NULL);
	assert_non_null(body);
	streams = json_object_get(body, "streams");
	assert_int_equal(json_array_size(streams), 1);
	assert_string_equal(json_string_value(json_object_get(json_object_get(json_array_get(streams, 0), "stream"), "job")), "opsconsole");
	assert_string_equal(json_string_value(json_object_get(json_object_get(json_array_get(streams, 0), "stream"), "chain")), "alice@web");
	values = json_object_get(json_array_get(streams, 0), "values");
	assert_int_equal(json_array_size(values), 50);
	json_array_foreach(values, i, pair) {
		const char *line = json_string_value(json_array_get(pair, 1));
		int64_t ns = strtoll(json_string_value(json_array_get(pair, 0)), NULL, 10);
		struct audit_record rec;

		assert_true(ns >= last);
		last = ns;
		assert_int_equal(audit_record_read(line, strlen(line), &rec, NULL), 0);
		assert_int_equal(rec.seq, i + 1);
		audit_record_done(&rec);
	}
	json_decref(body);
}

/* Clocks step back; the times of a stream do not. Environments are streams of their own. */
static void
loki_times_and_streams(void **state)
{
	static const struct { int64_t s; const char *env; } v[] = { { 100, "prod" }, { 50, "prod" }, { 70, NULL }, { 200, "lab" } };
	struct test *t = *state;
	char hash[AUDIT_HASH_HEX + 1] = AUDIT_ZERO, prev[AUDIT_HASH_HEX + 1], path[256];
	json_t *body;
	struct buf b;

	buf_init(&b, 1 << 20);
	for (size_t i = 0; i < 4; i++) {
		struct audit_draft d = { .type = AUDIT_NOTE, .body = json_pack("{s:s}", "text", "\"quoted\\ \x01") };

		memcpy(prev, hash, sizeof prev);
		assert_int_equal(audit_record_write(&b, i + 1, v[i].s * NS_PER_S, prev, &world_actor, v[i].env, &d, hash, NULL), 0);
		json_decref(d.body);
	}
	mkdir(t->w->dir, 0700);
	snprintf(path, sizeof path, "%s/audit-000001.jsonl", t->w->dir);
	world_write(path, b.data, b.len);
	buf_done(&b);
	t->conf.type = (char *)(uintptr_t)"loki";
	start(t);
	until_seq(t, 4);
	body = json_loads(t->s.last, 0, NULL);
	assert_non_null(body);
	assert_int_equal(json_array_size(json_object_get(body, "streams")), 3);
	assert_non_null(strstr(t->s.last, "[\"100000000000\",\"{\\\"seq\\\":2,"));
	assert_non_null(strstr(t->s.last, "[\"100000000000\",\"{\\\"seq\\\":3,"));
	assert_non_null(strstr(t->s.last, "[\"200000000000\",\"{\\\"seq\\\":4,"));
	assert_non_null(strstr(t->s.last, "\"env\":\"lab\""));
	json_decref(body);
}

/* --- when it goes wrong ----------------------------------------------------------------------------------------------------------------------------------- */

static void
set_status(struct test *t, int status)
{
	pthread_mutex_lock(&t->s.lock);
	t->s.status = status;
	pthread_mutex_unlock(&t->s.lock);
}

static void
until_failing(struct test *t, unsigned requests)
{
	int64_t until = clock_mono_fresh() + 60 * NS_PER_S;
	struct ship_state st;

	for (ship_state(t->ship, &st); fake_http_requests(t->s.http) < requests || !st.is_failing; ship_state(t->ship, &st)) {
		loop_once(t->w->loop, 10 * NS_PER_MS);
		assert_true(clock_mono_fresh() < until);
	}
}

static void
it_comes_back(void **state)
{
	static const int ways[] = { 503, 0, 429 };
	struct test *t = *state;
	struct ship_state st;

	put_log(t, 10, 10);
	for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
		char *place = xasprintf("%s/ship-siem.place", t->w->dir);
		unsigned before = fake_http_requests(t->s.http);

		unlink(place);
		free(place);
		t->notes[0] = '\0';
		set_status(t, ways[i]);
		start(t);
		until_failing(t, before + 5);
		turn(t, 10 * NS_PER_MS);
		ship_state(t->ship, &st);
		assert_true(st.is_failing);
		assert_true(st.text[0] != '\0');
		assert_int_equal(st.seq, 0);
		assert_int_equal(n_got(t), 0);
		set_status(t, 204);
		until_seq(t, 10);
		assert_got(t, 1, 10);
		assert_non_null(strstr(t->notes, "wait in the log"));
		assert_non_null(strstr(t->notes, "well again: sent up to record 10"));
		stop(t);
	}
}

/* Said at once, with the server's words, and once. */
static void
refused(void **state)
{
	struct test *t = *state;
	struct ship_state st;
	const char *said;

	put_log(t, 3, 10);
	set_status(t, 400);
	start(t);
	until_failing(t, 2);
	turn(t, 20 * NS_PER_MS);
	said = strstr(t->notes, "HTTP 400: entry too far behind");
	assert_non_null(said);
	assert_null(strstr(said + 1, "HTTP 400"));
	ship_state(t->ship, &st);
	assert_true(st.is_failing);
	set_status(t, 200);
	until_seq(t, 3);
	assert_got(t, 1, 3);
}

static void
too_large(void **state)
{
	struct test *t = *state;

	put_log(t, 400, 1000);
	t->s.most = 60;
	start(t);
	until_seq(t, 400);
	assert_got(t, 1, 400);
	assert_true(t->s.refused > 0);
}

static void
a_replaced_log_is_noticed(void **state)
{
	struct test *t = *state;
	char path[256];

	put_log(t, 20, 100);
	start(t);
	until_seq(t, 20);
	assert_got(t, 1, 20);
	stop(t);
	/* Another chain, which is as long. */
	snprintf(path, sizeof path, "%s/audit-000001.jsonl", t->w->dir);
	unlink(path);
	world_open(t->w);
	assert_int_equal(world_note(t->w, "another", NULL, NULL), 0);
	world_close(t->w);
	start(t);
	until_seq(t, 2);
	assert_got(t, 1, 2);
	assert_non_null(strstr(t->notes, "record 20, which was sent last, is not in the log any more"));
}

static void
damage_is_left_out(void **state)
{
	struct test *t = *state;
	size_t len;
	char *text = world_log(5, &len), path[256], *third;

	third = strchr(strchr(text, '\n') + 1, '\n') + 1;
	third[20] ^= 1;
	mkdir(t->w->dir, 0700);
	snprintf(path, sizeof path, "%s/audit-000001.jsonl", t->w->dir);
	world_write(path, text, len);
	free(text);
	start(t);
	until_seq(t, 5);
	assert_int_equal(n_got(t), 4);
	assert_non_null(strstr(t->notes, "1 line of the log that hold no record was left out"));
	snprintf(path, sizeof path, "%s/ship-siem.place", t->w->dir);
	stop(t);
	/* A place that cannot be read: better twice than never. */
	world_write(path, "?", 1);
	start(t);
	until_seq(t, 5);
	assert_int_equal(n_got(t), 8);
}

static void
one_at_a_time(void **state)
{
	struct test *t = *state;
	struct ship *second;
	struct ship_state st;
	int64_t until;

	put_log(t, 5, 10);
	start(t);
	until_seq(t, 5);
	start_named(t, &second);
	until = clock_mono_fresh() + 60 * NS_PER_S;
	for (ship_state(second, &st); !st.is_standby || st.seq != 5; ship_state(second, &st)) {	/* it knows how far the other is */
		loop_once(t->w->loop, 10 * NS_PER_MS);
		assert_true(clock_mono_fresh() < until);
	}
	put_log(t, 8, 10);
	until_seq(t, 8);
	assert_got(t, 1, 8);
	/* It takes over. */
	stop(t);
	t->ship = second;
	put_log(t, 9, 10);
	until_seq(t, 9);
	assert_got(t, 9, 9);
}

static void
names_become_files(void **state)
{
	struct test *t = *state;
	char found[256];

	put_log(t, 1, 10);
	t->conf.name = (char *)(uintptr_t)"../../x y";
	start(t);
	until_seq(t, 1);
	assert_int_equal(world_files(t->w->dir, "ship-______x_y.", found), 2);
}

/* --- kill -9 ------------------------------------------------------------------------------------------------------------------------------------------------ */

static void __attribute__((noreturn))
child_ships(struct test *t)
{
	struct loop *l;
	struct pool *p;
	struct transport *web;
	struct ship *s;
	const struct ship_options o = { .conf = &t->conf, .dir = t->w->dir, .chain = "alice@web", .pause_ns = NS_PER_MS, .look_ns = NS_PER_MS };

	if (loop_new(&l, NULL) < 0 || (p = pool_new(l, 1)) == NULL || web_new(l, p, 1 << 20, &web, NULL) < 0 || ship_new(l, p, web, &o, &s, NULL) < 0)
		_exit(1);
	for (;;)
		loop_once(l, NS_PER_S);
}

/* Killed at any moment: whatever was sent twice, nothing is missing, and nothing comes before what was before it. */
static void
killed_again_and_again(void **state)
{
	enum { N = 12000 };
	struct test *t = *state;
	uint64_t newest = 0;

	put_log(t, N, 3000);
	for (unsigned i = 0; i < 6; i++) {
		size_t want = n_got(t) + 1 + i * 300;
		int64_t until = clock_mono_fresh() + 60 * NS_PER_S;
		pid_t pid = fork();

		assert_true(pid >= 0);
		if (pid == 0)
			child_ships(t);
		while (n_got(t) < want && n_got(t) < N && clock_mono_fresh() < until)
			loop_once(t->w->loop, NS_PER_MS / 4);
		kill(pid, SIGKILL);
		assert_int_equal(waitpid(pid, NULL, 0), pid);
	}
	start(t);
	until_seq(t, N);
	for (size_t i = 0; i < t->s.n; i++) {
		assert_true(t->s.got[i] <= newest + 1);
		newest = t->s.got[i] > newest ? t->s.got[i] : newest;
	}
	assert_int_equal(newest, N);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(all_once_and_in_order), TEST(what_comes_later), TEST(loki), TEST(loki_times_and_streams), TEST(it_comes_back), TEST(refused),
		TEST(too_large), TEST(a_replaced_log_is_noticed), TEST(damage_is_left_out), TEST(one_at_a_time), TEST(names_become_files),
		TEST(killed_again_and_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
