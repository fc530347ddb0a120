/* Windows of a log that grows, is filtered, replaced and damaged; the app around is a few stand-ins. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "anchors.h"
#include "audit_index.h"
#include "audit_show.h"
#include "audit_world.h"
#include "base/clock.h"
#include "base/xalloc.h"
#include "trail.h"

/* --- the app ----------------------------------------------------------------------------------------------------------------------------------------------- */

static const struct audit_view *shown;
static unsigned n_shown;

void
app_apply(struct app *a, const struct event *ev)
{
	(void)a;
	assert_int_equal(ev->kind, EVENT_AUDIT_VIEW);
	block_unref(shown);
	shown = block_ref(ev->block);
	n_shown++;
}

size_t
anchors_list(const struct anchors *n, struct arena *arena, struct audit_anchor **ret)
{
	(void)n;
	*ret = arena_alloc(arena, sizeof **ret);
	**ret = (struct audit_anchor){ .kind = "head", .name = "h", .state = ANCHOR_OK, .seq = 3, .text = "" };
	return 1;
}

bool
trail_is_writable(const struct trail *t)
{
	(void)t;
	return true;
}

struct audit *
trail_audit(struct trail *t, struct err *err)
{
	(void)t;
	(void)err;
	return NULL;
}

struct test {
	struct world *w;
	struct app app;
	struct conf conf;
	struct audit_show *show;
};

static int
setup(void **state)
{
	struct test *t = xcalloc(1, sizeof *t);

	if (world_setup((void **)&t->w) < 0)
		return -1;
	t->conf.audit.head = t->w->head;
	t->app.conf = &t->conf;
	t->app.loop = t->w->loop;
	t->app.pool = pool_new(t->w->loop, 2);
	t->show = audit_show_new(&t->app, t->w->dir);
	n_shown = 0;
	*state = t;
	return 0;
}

static int
teardown(void **state)
{
	struct test *t = *state;
	void *w = t->w;

	pool_stop(t->app.pool);
	audit_show_free(t->show);
	pool_free(t->app.pool);
	block_unref(shown);
	shown = NULL;
	free(t);
	return world_teardown(&w);
}

static void
until_shown(struct test *t, unsigned than)
{
	int64_t until = clock_mono_fresh() + 60 * NS_PER_S;

	while (n_shown <= than || shown->is_partial) {
		loop_once(t->w->loop, 10 * NS_PER_MS);
		assert_true(clock_mono_fresh() < until);
	}
}

static void
window(struct test *t, uint64_t first, const char *filter)
{
	unsigned before = n_shown;

	audit_show_window(t->show, first, filter);
	until_shown(t, before);
	while (strcmp(shown->filter, filter) != 0)	/* a look that was under way */
		until_shown(t, n_shown);
}

static void
put_log(struct test *t, size_t n, size_t per_file)
{
	size_t len, in_file = per_file, number = 0;
	char *text = world_log(n, &len), path[256];
	FILE *f = NULL;

	mkdir(t->w->dir, 0700);
	for (char *p = text; p < text + len; in_file++) {
		char *lf = memchr(p, '\n', (size_t)(text + len - p));

		if (in_file == per_file) {
			if (f != NULL)
				fclose(f);
			snprintf(path, sizeof path, "%s/audit-%06zu.jsonl", t->w->dir, ++number);
			f = fopen(path, "w");
			assert_non_null(f);
			in_file = 0;
		}
		assert_int_equal(fwrite(p, 1, (size_t)(lf + 1 - p), f), lf + 1 - p);
		p = lf + 1;
	}
	fclose(f);
	free(text);
}

/* Appended by the writer: count records of all kinds. */
static void
append(struct test *t, enum audit_type type, const char *run, json_t *body)
{
	struct audit_draft d = { .type = type, .run = run, .body = body };

	assert_int_equal(world_append(t->w, &d, NULL, NULL), 0);
}

/* --- windows ----------------------------------------------------------------------------------------------------------------------------------------------- */

static void
nothing_yet(void **state)
{
	struct test *t = *state;

	window(t, UINT64_MAX, "");
	assert_int_equal(shown->n_records, 0);
	assert_int_equal(shown->n, 0);
	assert_string_equal(shown->verdict, "");
	assert_string_equal(shown->filter_error, "");
	audit_show_window(NULL, 0, "");
	audit_show_until(NULL, 0);
	audit_show_changed(NULL);
	audit_show_verify(NULL);
	audit_show_free(NULL);
}

/* Every window of a log of several files has the records that stand there. */
static void
windows_anywhere(void **state)
{
	enum { N = 3000 };
	static const uint64_t firsts[] = { 0, 1, 511, 512, 513, 1000, 1999, 2000, N - AUDIT_VIEW_ROWS - 1, N - AUDIT_VIEW_ROWS, N - 5, N, UINT64_MAX };
	struct test *t = *state;

	put_log(t, N, 700);
	for (size_t i = 0; i < sizeof firsts / sizeof firsts[0]; i++) {
		uint64_t want = firsts[i] < N - AUDIT_VIEW_ROWS ? firsts[i] : N - AUDIT_VIEW_ROWS;

		window(t, firsts[i], "");
		assert_int_equal(shown->n_records, N);
		assert_int_equal(shown->n_matching, N);
		assert_int_equal(shown->first, want);
		assert_int_equal(shown->n, AUDIT_VIEW_ROWS);
		for (size_t k = 0; k < shown->n; k++)
			assert_int_equal(shown->rows[k].seq, want + k + 1);
	}
	assert_int_equal(shown->first_seq, 1);
	assert_int_equal(shown->last_seq, N);
	assert_string_equal(shown->last_hash, shown->rows[shown->n - 1].hash);
	assert_string_equal(shown->rows[0].actor, "alice@web");
	assert_non_null(strstr(shown->rows[0].detail, "\n  \"seq\": "));
}

static void
it_grows(void **state)
{
	struct test *t = *state;
	unsigned before;

	world_open(t->w);
	window(t, UINT64_MAX, "");
	assert_int_equal(shown->n_records, 1);
	append(t, AUDIT_INTENT, "r1", json_pack("{s:s, s:s}", "step", "activate", "host", "web-01"));
	append(t, AUDIT_ACT, NULL, json_pack("{s:s}", "verb", "silence"));
	before = n_shown;
	audit_show_changed(t->show);
	until_shown(t, before);
	assert_int_equal(shown->n_records, 3);
	assert_int_equal(shown->n_open, 2);
	assert_false(shown->rows[0].is_open);
	assert_true(shown->rows[1].is_open);
	assert_true(shown->rows[2].is_open);
	assert_string_equal(shown->rows[1].run, "r1");
	assert_string_equal(shown->rows[1].text, "activate on web-01");
	append(t, AUDIT_RESULT, "r1", json_pack("{s:i, s:s}", "intent", 2, "outcome", "ok"));
	append(t, AUDIT_ACT_RESULT, NULL, json_pack("{s:i, s:s}", "act", 3, "outcome", "done"));
	window(t, UINT64_MAX, "");
	assert_int_equal(shown->n_open, 0);
	assert_false(shown->rows[1].is_open);
}

/* What says the same is not told twice. */
static void
told_once(void **state)
{
	struct test *t = *state;
	unsigned before;
	int64_t until;

	put_log(t, 5, 10);
	window(t, UINT64_MAX, "");
	before = n_shown;
	audit_show_changed(t->show);
	for (until = clock_mono_fresh() + NS_PER_S; clock_mono_fresh() < until;)
		loop_once(t->w->loop, 10 * NS_PER_MS);
	assert_int_equal(n_shown, before);
}

static void
filtered(void **state)
{
	struct test *t = *state;

	world_open(t->w);
	for (int i = 0; i < 40; i++) {
		append(t, AUDIT_NOTE, NULL, json_pack("{s:s}", "text", i % 4 == 0 ? "needle" : "hay"));
		append(t, AUDIT_CHECK, i < 20 ? "r1" : "r2", json_pack("{s:s}", "what", "up"));
	}
	window(t, UINT64_MAX, "type=note needle");
	assert_int_equal(shown->n_records, 81);
	assert_int_equal(shown->n_matching, 10);
	assert_int_equal(shown->n, 10);
	for (size_t i = 0; i < shown->n; i++) {
		assert_string_equal(shown->rows[i].type, "note");
		assert_int_equal(shown->rows[i].seq, 2 + i * 8);
	}
	assert_string_equal(shown->filter, "type=note needle");
	window(t, UINT64_MAX, "run=r2 or actor=nobody");
	assert_int_equal(shown->n_matching, 20);
	/* What comes later is met by it, too. */
	append(t, AUDIT_CHECK, "r2", json_pack("{s:s}", "what", "down"));
	window(t, UINT64_MAX, "run=r2 or actor=nobody");
	assert_int_equal(shown->n_matching, 21);
	window(t, UINT64_MAX, "host=nowhere");
	assert_int_equal(shown->n_matching, 0);
	assert_int_equal(shown->n, 0);
	assert_string_equal(shown->filter_error, "");
	window(t, UINT64_MAX, "hots=web");
	assert_non_null(strstr(shown->filter_error, "did you mean host="));
	assert_int_equal(shown->n, 0);
	window(t, UINT64_MAX, "");
	assert_int_equal(shown->n_matching, 82);
}

/* In the past only what was there by then. */
static void
until_a_time(void **state)
{
	struct test *t = *state;
	unsigned before;

	put_log(t, 2000, 700);	/* record n is of second n */
	window(t, UINT64_MAX, "");
	assert_int_equal(shown->n_records, 2000);
	for (int64_t s = 1500; s > 0; s -= 499) {
		before = n_shown;
		audit_show_until(t->show, s * NS_PER_S);
		until_shown(t, before);
		assert_int_equal(shown->n_records, s);
		assert_int_equal(shown->rows[shown->n - 1].seq, s);
	}
	before = n_shown;
	audit_show_until(t->show, 0);
	until_shown(t, before);
	assert_int_equal(shown->n_records, 0);
	before = n_shown;
	audit_show_until(t->show, INT64_MAX);
	until_shown(t, before);
	assert_int_equal(shown->n_records, 2000);
}

static void
put_line(struct buf *b, uint64_t seq, char *hash, enum audit_type type, json_t *body)
{
	static const struct audit_actor alice = { .user = "alice", .uid = 1000, .host = "web", .tty = "", .client = "" };
	struct audit_draft d = { .type = type, .body = body };
	char prev[AUDIT_HASH_HEX + 1];

	memcpy(prev, hash, sizeof prev);
	assert_int_equal(audit_record_write(b, seq, (int64_t)seq * NS_PER_S, prev, &alice, "test", &d, hash, NULL), 0);
	json_decref(body);
}

/* At a time at which there was no result yet, the outcome was not known. */
static void
unknown_until_its_result(void **state)
{
	struct test *t = *state;
	char path[256], hash[AUDIT_HASH_HEX + 1] = AUDIT_ZERO;
	unsigned before;
	struct buf b;

	buf_init(&b, 16 << 20);
	for (uint64_t seq = 1; seq < 2000; seq += 2) {
		put_line(&b, seq, hash, AUDIT_ACT, json_pack("{s:s, s:s}", "verb", "silence", "object", "x"));
		put_line(&b, seq + 1, hash, AUDIT_ACT_RESULT, json_pack("{s:I, s:s}", "act", (json_int_t)seq, "outcome", "OK"));
	}
	mkdir(t->w->dir, 0700);
	snprintf(path, sizeof path, "%s/audit-000001.jsonl", t->w->dir);
	world_write(path, b.data, b.len);
	buf_done(&b);
	window(t, UINT64_MAX, "");
	assert_int_equal(shown->n_records, 2000);
	assert_int_equal(shown->n_open, 0);
	before = n_shown;
	audit_show_until(t->show, 3 * NS_PER_S);
	until_shown(t, before);
	assert_int_equal(shown->n_records, 3);
	assert_int_equal(shown->n_open, 1);
	assert_false(shown->rows[0].is_open);
	assert_true(shown->rows[2].is_open);
	before = n_shown;
	audit_show_until(t->show, 1998 * NS_PER_S);
	until_shown(t, before);
	assert_int_equal(shown->n_open, 0);
}

/* --- what should not be --------------------------------------------------------------------------------------------------------------------------------------- */

static void
replaced(void **state)
{
	struct test *t = *state;
	char path[256];

	put_log(t, 600, 1000);
	window(t, UINT64_MAX, "");
	assert_int_equal(shown->n_records, 600);
	snprintf(path, sizeof path, "%s/audit-000001.jsonl", t->w->dir);
	unlink(path);
	world_open(t->w);
	append(t, AUDIT_NOTE, NULL, json_pack("{s:s}", "text", "anew"));
	window(t, UINT64_MAX, "");
	assert_int_equal(shown->n_records, 2);
	assert_string_equal(shown->rows[1].text, "note: anew");
}

static void
damaged(void **state)
{
	struct test *t = *state;
	size_t len;
	char *text = world_log(4, &len), path[256], *second;

	second = strchr(text, '\n') + 1;
	second[40] = '\x1b';
	mkdir(t->w->dir, 0700);
	snprintf(path, sizeof path, "%s/audit-000001.jsonl", t->w->dir);
	world_write(path, text, len);
	free(text);
	window(t, UINT64_MAX, "");
	assert_int_equal(shown->n, 4);
	assert_string_equal(shown->rows[1].type, "?");
	assert_non_null(strstr(shown->rows[1].text, "no record"));
	assert_true(shown->rows[1].seq > 4);	/* an id that no record has */
	assert_int_equal(shown->rows[2].seq, 3);
}

static void
verified(void **state)
{
	struct test *t = *state;
	char path[256], *text;
	size_t len;

	world_open(t->w);
	append(t, AUDIT_NOTE, NULL, json_pack("{s:s}", "text", "x"));
	world_close(t->w);	/* the head is written */
	t->app.anchors = (struct anchors *)(uintptr_t)1;
	audit_show_verify(t->show);
	while (shown == NULL || (strcmp(shown->verdict, "good") != 0))
		until_shown(t, n_shown);
	assert_true(shown->verified_ns > 0);
	assert_non_null(strstr(shown->verdict_text, "up to the head"));
	assert_int_equal(shown->n_anchors, 1);
	assert_string_equal(shown->anchors[0].kind, "head");
	snprintf(path, sizeof path, "%s/audit-000001.jsonl", t->w->dir);
	text = world_read(path, &len);
	text[60] ^= 1;
	world_write(path, text, len);
	free(text);
	audit_show_verify(t->show);
	while (strcmp(shown->verdict, "edited") != 0)
		until_shown(t, n_shown);
	assert_non_null(strstr(shown->verdict_text, "line 1"));
}

/* Freed while its tasks run. */
static void
freed_early(void **state)
{
	struct test *t = *state;

	put_log(t, 5000, 5000);
	audit_show_window(t->show, 0, "text=nothing");
	audit_show_verify(t->show);
	audit_show_free(t->show);
	t->show = audit_show_new(&t->app, t->w->dir);
	window(t, 0, "");
	assert_int_equal(shown->n_records, 5000);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(nothing_yet), TEST(windows_anywhere), TEST(it_grows), TEST(told_once), TEST(filtered), TEST(until_a_time), TEST(unknown_until_its_result), TEST(replaced), TEST(damaged),
		TEST(verified), TEST(freed_early),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
