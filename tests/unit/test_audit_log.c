/* Reading what was written: filters, earlier runs, the open incident, what --log and --verify print, and the verifier that is no part of the program. */
#include "config.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
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
#include "verify_main.h"

/* --- filters ------------------------------------------------------------------------------------------------------------------ */

static const struct item {
	enum audit_type type;
	int64_t at_s;
	const char *env, *run, *incident, *body;
} items[] = {
	{ AUDIT_OPENED, 100, "prod", NULL, NULL, "{\"version\":\"1\"}" },							/* 1 */
	{ AUDIT_RUN_START, 200, "prod", "r1", "i1", "{\"runbook\":\"rollback\",\"confirm\":\"prod/spam\",\"hosts\":[\"web-1\",\"db-1\"]}" },	/* 2 */
	{ AUDIT_INTENT, 300, "prod", "r1", "i1", "{\"step\":\"activate\",\"host\":\"web-1\",\"what\":\"run X=1 (now)\"}" },	/* 3 */
	{ AUDIT_RESULT, 400, "prod", "r1", "i1", "{\"intent\":3,\"step\":\"activate\",\"host\":\"web-1\",\"outcome\":\"failed\"}" },	/* 4 */
	{ AUDIT_RUN_END, 500, "prod", "r1", "i1", "{\"outcome\":\"FAILED\",\"exit\":1,\"hosts\":{\"web-1\":\"failed\"}}" },	/* 5 */
	{ AUDIT_RUN_START, 600, "test", "r2", NULL, "{\"runbook\":\"restart\"}" },						/* 6 */
	{ AUDIT_RUN_END, 700, "test", "r2", NULL, "{\"outcome\":\"OK\",\"exit\":0,\"verified\":true}" },			/* 7 */
	{ AUDIT_NOTE, 800, "prod", NULL, "i1", "{\"text\":\"Called the DBA\"}" },						/* 8 */
};
enum { ITEMS = sizeof items / sizeof items[0] };

static char *
items_log(size_t *ret_len)
{
	char hash[AUDIT_HASH_HEX + 1] = AUDIT_ZERO, prev[AUDIT_HASH_HEX + 1], *log;
	struct buf b;

	buf_init(&b, 1 << 20);
	for (size_t i = 0; i < ITEMS; i++) {
		struct audit_draft d = { .type = items[i].type, .run = items[i].run, .incident = items[i].incident,
		    .body = json_loads(items[i].body, 0, NULL) };

		memcpy(prev, hash, sizeof prev);
		assert_non_null(d.body);
		assert_int_equal(audit_record_write(&b, i + 1, items[i].at_s * NS_PER_S, prev, &world_actor, items[i].env, &d, hash, NULL), 0);
		json_decref(d.body);
	}
	log = buf_take(&b, ret_len);
	buf_done(&b);
	return log;
}

/* The seqs that match, as digits: "238". */
static void
matching(const char *const *words, size_t n, char *ret)
{
	struct audit_filter *f;
	struct err err = ERR_INIT;
	size_t len;
	char *log = items_log(&len);
	const char *name = "log", *text = log;
	struct audit_reader *r = audit_reader_memory(&name, &text, &len, 1);
	struct audit_line l;

	if (audit_filter_parse(words, n, 1000 * NS_PER_S, &f, &err) < 0)
		fail_msg("%s", err.msg);
	while (audit_reader_next(r, &l, NULL) > 0) {
		struct audit_record rec;

		assert_int_equal(audit_record_read(l.bytes, l.len, &rec, NULL), 0);
		if (audit_filter_matches(f, &rec))
			*ret++ = (char)('0' + rec.seq);
		audit_record_done(&rec);
	}
	*ret = '\0';
	audit_reader_free(r);
	audit_filter_free(f);
	free(log);
}

static size_t
split(char *text, const char **words)
{
	size_t n = 0;
	char *save;

	for (char *w = strtok_r(text, " ", &save); w != NULL; w = strtok_r(NULL, " ", &save))
		words[n++] = w;
	return n;
}

static void
test_filters(void **state)
{
	static const struct { const char *words, *wanted; } cases[] = {
		{ "", "12345678" }, { "run=r1", "2345" }, { "run=r*", "234567" }, { "type=note", "8" }, { "type=intent,result", "34" },
		{ "type=run-*", "2567" }, { "host=web-*", "2345" }, { "host=db-1", "2" }, { "user=alice", "12345678" }, { "user=bob", "" },
		{ "env=test", "67" }, { "incident=i1", "23458" }, { "outcome=failed", "4" }, { "outcome=OK,FAILED", "57" },
		{ "runbook=rollback", "2345" }, { "runbook=re*", "67" }, { "since=1970-01-01T00:10:00Z", "678" }, { "until=1970-01-01T00:03:20Z", "12" },
		{ "since=-250s", "8" }, { "since=00:10", "678" }, { "until=00:03:20", "12" },
		{ "since=00:16:41", "12345678" },	/* yesterday */
	 { "since=1970-01-02", "" }, { "called", "8" }, { "text=DBA", "8" }, { "text=X=1", "3" }, { "(now)", "3" },
		{ "not type=note", "1234567" }, { "not not type=note", "8" }, { "env=prod outcome=failed", "4" }, { "env=prod and outcome=failed", "4" },
		{ "type=note or type=intent", "38" }, { "type=note or type=intent host=web-1", "38" }, { "(type=note or type=intent) host=web-1", "3" },
		{ "not (type=note or env=prod)", "67" }, { "( run=r1 not ( type=intent or type=result ) )", "25" }, { "text=(now)", "3" },
	};
	char text[128], got[ITEMS + 1];
	const char *words[32];

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		snprintf(text, sizeof text, "%s", cases[i].words);
		if (strcmp(text, "(now)") == 0) {	/* a word in parentheses is a group */
			snprintf(text, sizeof text, "%s", "( now )");
		}
		matching(words, split(text, words), got);
		if (strcmp(got, cases[i].wanted) != 0)
			fail_msg("%s: expected %s, got %s", cases[i].words, cases[i].wanted, got);
	}
}

/* As a shell's quotes pass them. */
static void
test_filters_in_one_argument(void **state)
{
	static const struct { const char *word, *wanted; } cases[] = {
		{ "type=note or type=intent", "38" }, { "host=web-* and not type=intent", "245" }, { " (type=note or type=intent) host=web-1 ", "3" },
		{ "text=type=note or", "" }, { "type=note text=the DBA", "8" }, { "type=note text=DBA the", "" },
	};
	const char *blank = " ";
	struct audit_filter *f;
	char got[ITEMS + 1];

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		matching(&cases[i].word, 1, got);
		if (strcmp(got, cases[i].wanted) != 0)
			fail_msg("%s: expected %s, got %s", cases[i].word, cases[i].wanted, got);
	}
	assert_int_equal(audit_filter_parse(&blank, 1, 0, &f, NULL), ERR_USAGE);
}

static void
test_filters_refused(void **state)
{
	static const struct { const char *words, *why; } cases[] = {
		{ "typ=note", "did you mean type" }, { "wxyzq=1", "no filter" }, { "type=nonsense", "no type" }, { "run=", "missing" }, { "run=a,,b", "missing" },
		{ "not", "missing" }, { "or type=note", "missing" }, { "type=note or", "missing" }, { "type=note and", "missing" }, { "( type=note", "not closed" },
		{ "type=note )", "unexpected" }, { "( )", "missing" }, { "since=yesterday", "no time" }, { "since=-2", "no time" }, { "since=25:00", "no time" }, { "since=10:5x", "no time" }, { "text=", "nothing" },
	};
	char text[256];
	const char *words[200];
	struct audit_filter *f;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct err err = ERR_INIT;

		snprintf(text, sizeof text, "%s", cases[i].words);
		if (audit_filter_parse(words, split(text, words), 0, &f, &err) != ERR_USAGE || strstr(err.msg, cases[i].why) == NULL)
			fail_msg("%s: expected \"%s\", got %d: %s", cases[i].words, cases[i].why, err.code, err.msg);
	}
	for (size_t i = 0; i < 200; i++)
		words[i] = "not";
	assert_int_equal(audit_filter_parse(words, 200, 0, &f, NULL), ERR_LIMIT);
}

/* --- the reader ------------------------------------------------------------------------------------------------------------------- */

static void
test_tail(void **state)
{
	size_t len, total = 9000;
	char *log = world_log(total, &len), *at = log;
	const char *names[] = { "a", "b", "c" }, *texts[3];
	size_t lens[3];
	struct audit_reader *r;
	struct audit_line l;

	(void)state;
	/* three files, the last one cut in the middle of its last line */
	for (size_t i = 0; i < 3; i++) {
		texts[i] = at;
		for (size_t k = 0; k < total / 3; k++)
			at = strchr(at, '\n') + 1;
		lens[i] = (size_t)(at - texts[i]);
	}
	lens[2] -= 10;
	assert_true(len > 3 << 20);	/* more than a window each */
	r = audit_reader_memory(names, texts, lens, 3);
	for (size_t n = 0; n <= total + 1; n += n < 3 || n > 8997 ? 1 : 599) {
		size_t want = n < total ? n : total, got = 0;
		uint64_t number = want == 0 ? 0 : (total - want) % 3000 + 1;

		assert_int_equal(audit_reader_tail(r, n, NULL), 0);
		while (audit_reader_next(r, &l, NULL) > 0) {
			if (got++ == 0) {
				assert_int_equal(l.number, number);
				assert_memory_equal(l.bytes, "{\"seq\":", 7);
				assert_int_equal(strtoul(l.bytes + 7, NULL, 10), total - want + 1);
			}
			assert_int_equal(l.is_torn, got == want);
		}
		assert_int_equal(got, want);
	}
	audit_reader_free(r);
	free(log);
}

/* A line that no record can be as long as is given once, by its beginning. */
static void
test_long_lines(void **state)
{
	size_t len = 3 << 20;
	char *text = xmalloc(len);
	const char *name = "a", *t = text;
	struct audit_reader *r;
	struct audit_line l;

	(void)state;
	memset(text, 'x', len);
	memcpy(text, "first\n", 6);
	memcpy(text + len - 6, "\nlast\n", 6);
	r = audit_reader_memory(&name, &t, &len, 1);
	assert_int_equal(audit_reader_next(r, &l, NULL), 1);
	assert_int_equal(l.len, 5);
	assert_int_equal(audit_reader_next(r, &l, NULL), 1);
	assert_int_equal(l.len, AUDIT_LINE_MAX);
	assert_int_equal(l.offset, 6);
	assert_int_equal(audit_reader_next(r, &l, NULL), 1);
	assert_int_equal(l.len, 4);
	assert_memory_equal(l.bytes, "last", 4);
	assert_int_equal(l.number, 3);
	assert_int_equal(l.offset, len - 5);
	assert_int_equal(audit_reader_next(r, &l, NULL), 0);
	audit_reader_free(r);
	free(text);
}

/* --- earlier runs and incidents ------------------------------------------------------------------------------------------------------ */

static void
append(struct world *w, enum audit_type type, const char *run, const char *incident, json_t *body)
{
	struct audit_draft d = { .type = type, .run = run, .incident = incident, .body = body };

	assert_int_equal(world_append(w, &d, NULL, NULL), 0);
}

static void
start_run(struct world *w, const char *run, const char *runbook)
{
	append(w, AUDIT_RUN_START, run, "i1", json_pack("{s:s, s:s}", "runbook", runbook, "confirm", "prod/spam"));
}

static void
test_runs(void **state)
{
	struct world *w = *state;
	struct audit_run *v;
	size_t n;

	assert_int_equal(audit_runs(w->dir, NULL, NULL, 5, &v, &n, NULL), ERR_NOTFOUND);
	world_open(w);
	start_run(w, "r1", "rollback");
	append(w, AUDIT_RUN_END, "r1", NULL, json_pack("{s:s, s:i, s:b}", "outcome", "OK", "exit", 0, "verified", 1));
	start_run(w, "r2", "restart");
	start_run(w, "r3", "rollback");
	append(w, AUDIT_RUN_END, "r3", NULL, json_pack("{s:s, s:i}", "outcome", "FAILED", "exit", 1));
	for (int i = 0; i < 5000; i++) {
		struct audit_draft d = { .type = AUDIT_CHECK, .run = "r2" };

		audit_append(w->audit, &d, NULL, NULL);
	}
	start_run(w, "r4", "rollback");
	world_close(w);

	assert_int_equal(audit_runs(w->dir, "prod", "rollback", 9, &v, &n, NULL), 0);
	assert_int_equal(n, 3);
	assert_string_equal(v[0].run, "r4");
	assert_null(v[0].outcome);
	assert_int_equal(v[0].exit, -1);
	assert_string_equal(v[1].run, "r3");
	assert_int_equal(v[1].exit, 1);
	assert_false(v[1].is_verified);
	assert_string_equal(v[2].run, "r1");
	assert_true(v[2].is_verified);
	assert_string_equal(v[2].outcome, "OK");
	assert_string_equal(v[2].target, "prod/spam");
	assert_string_equal(v[2].user, "alice");
	assert_string_equal(v[2].incident, "i1");
	assert_non_null(v[2].end);
	audit_runs_free(v, n);
	assert_int_equal(audit_runs(w->dir, NULL, NULL, 2, &v, &n, NULL), 0);
	assert_int_equal(n, 2);
	assert_string_equal(v[0].run, "r4");
	assert_string_equal(v[1].run, "r3");
	audit_runs_free(v, n);
	assert_int_equal(audit_runs(w->dir, "test", NULL, 2, &v, &n, NULL), 0);
	assert_int_equal(n, 0);
	audit_runs_free(v, n);
}

/* Resumed under its own id: one run, without an end until the new one. A record that does not hold is no evidence. */
static void
test_runs_again(void **state)
{
	struct world *w = *state;
	struct audit_run *v;
	size_t n, len;
	char path[256], *log, *at;

	world_open(w);
	start_run(w, "r1", "rollback");
	append(w, AUDIT_RUN_END, "r1", NULL, json_pack("{s:s, s:i}", "outcome", "FAILED", "exit", 1));
	start_run(w, "r2", "rollback");
	start_run(w, "r1", "rollback");
	world_close(w);
	assert_int_equal(audit_runs(w->dir, NULL, NULL, 9, &v, &n, NULL), 0);
	assert_int_equal(n, 2);
	assert_string_equal(v[0].run, "r1");
	assert_int_equal(v[0].exit, -1);
	assert_null(v[0].end);
	audit_runs_free(v, n);

	world_open(w);
	append(w, AUDIT_RUN_END, "r1", NULL, json_pack("{s:s, s:i, s:b}", "outcome", "OK", "exit", 0, "verified", 0));
	world_close(w);
	snprintf(path, sizeof path, "%s/audit-000001.jsonl", w->dir);
	log = world_read(path, &len);
	at = strstr(log, "\"verified\":false");
	memcpy(at, "\"verified\":true ", 16);
	world_write(path, log, len);
	free(log);
	assert_int_equal(audit_runs(w->dir, NULL, NULL, 9, &v, &n, NULL), 0);
	assert_string_equal(v[0].run, "r1");
	assert_false(v[0].is_verified);
	audit_runs_free(v, n);
}

static void
expect_incident(struct world *w, const char *env, const char *wanted)
{
	char *id, *title;
	int64_t at;

	assert_int_equal(audit_open_incident(w->dir, env, &id, &title, &at, NULL), 0);
	if (wanted == NULL) {
		assert_null(id);
		return;
	}
	assert_string_equal(id, wanted);
	assert_string_equal(title, "spam");
	assert_true(at > 0);
	free(id);
	free(title);
}

static void
test_open_incident(void **state)
{
	struct world *w = *state;

	world_open(w);
	expect_incident(w, "prod", NULL);
	append(w, AUDIT_INCIDENT_OPENED, NULL, "i1", json_pack("{s:s}", "title", "spam"));
	append(w, AUDIT_INCIDENT_OPENED, NULL, "i2", json_pack("{s:s}", "title", "spam"));
	expect_incident(w, "prod", "i2");
	expect_incident(w, "test", NULL);
	append(w, AUDIT_INCIDENT_CLOSED, NULL, "i2", NULL);
	expect_incident(w, "prod", "i1");
	for (int i = 0; i < 3000; i++)
		audit_append(w->audit, &(struct audit_draft){ .type = AUDIT_CHECK }, NULL, NULL);
	append(w, AUDIT_NOTE, NULL, "i1", NULL);
	expect_incident(w, NULL, "i1");
	append(w, AUDIT_INCIDENT_CLOSED, NULL, "i1", NULL);
	expect_incident(w, "prod", NULL);
}

/* --- what is printed ---------------------------------------------------------------------------------------------------------------- */

/* stdout of f(), which runs in a child; free it. */
static char *
output_of(int (*f)(struct world *), struct world *w, int *ret_status)
{
	char path[256], *text;
	int fd;
	pid_t pid;

	snprintf(path, sizeof path, "%s/out", w->root);
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		dup2(fd, 1);
		dup2(open("/dev/null", O_WRONLY), 2);
		exit(f(w));
	}
	close(fd);
	assert_int_equal(waitpid(pid, ret_status, 0), pid);
	*ret_status = WEXITSTATUS(*ret_status);
	text = world_read(path, NULL);
	return text;
}

static int log_notes(struct world *w) { const char *v[] = { "type=note" }; return audit_log_main(w->dir, NULL, v, 1, false); }
static int log_json(struct world *w) { const char *v[] = { "type=note" }; return audit_log_main(w->dir, NULL, v, 1, true); }
static int log_none(struct world *w) { const char *v[] = { "user=nobody" }; return audit_log_main(w->dir, NULL, v, 1, false); }
static int log_usage(struct world *w) { const char *v[] = { "user=" }; return audit_log_main(w->dir, NULL, v, 1, false); }
static int verify_text(struct world *w) { const char *v[] = { w->dir }; return verify_main(&(struct verify_ask){ .paths = v, .n = 1 }); }
static int verify_json(struct world *w) { const char *v[] = { w->dir }; return verify_main(&(struct verify_ask){ .paths = v, .n = 1, .is_json = true }); }
static int verify_own(struct world *w) { (void)w; return verify_main(&(struct verify_ask){ .n = 0 }); }
static int verify_bad_head(struct world *w) { const char *v[] = { w->dir }; return verify_main(&(struct verify_ask){ .paths = v, .n = 1, .head = "x" }); }
static int log_configured(struct world *w) { const char *v[] = { "type=note" }; return audit_log_main(w->dir, w->head, v, 1, false); }
static int verify_configured(struct world *w) { return verify_main(&(struct verify_ask){ .own_dir = w->dir, .own_head = w->head }); }
static int verify_named(struct world *w) { const char *v[] = { w->dir }; return verify_main(&(struct verify_ask){ .paths = v, .n = 1, .own_dir = w->dir, .own_head = w->head }); }

static void
expect_output(struct world *w, int (*f)(struct world *), int status, const char *has)
{
	int got;
	char *text = output_of(f, w, &got);

	if (got != status || strstr(text, has) == NULL)
		fail_msg("expected status %d and \"%s\", got %d and: %s", status, has, got, text);
	free(text);
}

/* Where the config puts the log and its head: what was cut off at the end shows there as well. */
static void
test_mains_with_a_head_of_the_config(void **state)
{
	struct world *w = *state;
	char path[256], *log, *end;

	snprintf(w->head, sizeof w->head, "%s/elsewhere", w->root);
	world_open(w);
	assert_int_equal(world_note(w, "kept", NULL, NULL), 0);
	assert_int_equal(world_note(w, "cut off", NULL, NULL), 0);
	world_close(w);
	expect_output(w, verify_configured, 0, "good: all records hold, up to the head\n");
	expect_output(w, verify_named, 0, "good: all records hold, up to the head\n");
	expect_output(w, log_configured, 0, "note: cut off");
	snprintf(path, sizeof path, "%s/audit-000001.jsonl", w->dir);
	log = world_read(path, NULL);
	end = strstr(log, "{\"seq\":3,");
	assert_non_null(end);
	world_write(path, log, (size_t)(end - log));
	expect_output(w, verify_configured, 1, "truncated: ");
	expect_output(w, verify_named, 1, "truncated: ");
	expect_output(w, log_configured, 3, "note: kept");
	free(log);
}

static void
test_mains(void **state)
{
	struct world *w = *state;
	char path[256], *log;
	size_t len;

	/* a folder that is no fallback and not the user's own has its head beside it */
	snprintf(w->head, sizeof w->head, "%s/log-head", w->root);
	expect_output(w, log_notes, 3, "");
	world_open(w);
	assert_int_equal(world_note(w, "a note\nof two lines", NULL, NULL), 0);
	world_close(w);
	expect_output(w, log_notes, 0, "alice@web  note: a note\\nof two lines\n");
	expect_output(w, log_json, 0, "{\"seq\":2,");
	expect_output(w, log_none, 1, "");
	expect_output(w, log_usage, 2, "");
	expect_output(w, verify_text, 0, "good: all records hold, up to the head\n");
	expect_output(w, verify_json, 0, "{\"verdict\":\"good\",\"records\":2,");
	expect_output(w, verify_bad_head, 2, "");
	expect_output(w, verify_own, 3, "");
	snprintf(path, sizeof path, "%s/audit-000001.jsonl", w->dir);
	log = world_read(path, &len);
	world_write(path, log, len / 2);
	expect_output(w, verify_text, 1, "torn: ");
	*strstr(log, "a note") = 'A';
	world_write(path, log, len);
	expect_output(w, verify_text, 1, "edited: ");
	expect_output(w, log_none, 3, "");
	expect_output(w, log_json, 3, "");	/* what does not hold is not printed */
	*strstr(log, "A note") = 'a';
	world_write(path, log, len);
	unlink(w->head);
	world_write(w->head, "1:", 2);
	expect_output(w, verify_text, 3, "");
	unlink(w->head);
	expect_output(w, verify_text, 0, "no head");
	free(log);
}

static const char *last_words[3];
static int log_last(struct world *w) { return audit_log_main(w->dir, w->head, last_words, last_words[1] == NULL ? 1 : 2, false); }

/* Found from the end, in pieces: these must not show. */
static void
expect_last(struct world *w, const char *last, const char *filter, size_t lines, const char *first, const char *newest)
{
	size_t n = 0;
	char *text;
	int got;

	last_words[0] = last;
	last_words[1] = filter;
	text = output_of(log_last, w, &got);
	for (const char *p = text; (p = strchr(p, '\n')) != NULL; p++)
		n++;
	if (got != 0 || n != lines || strstr(text, first) == NULL || strstr(text, newest) == NULL || strstr(text, newest) < strstr(text, first))
		fail_msg("%s %s: %zu lines: %s", last, filter != NULL ? filter : "", n, text);
	free(text);
}

static void
test_last(void **state)
{
	enum { N = 1500 };
	struct world *w = *state;
	char text[32];

	world_open(w);
	for (int i = 1; i <= N; i++) {
		struct audit_draft d = { .type = i % 500 == 0 ? AUDIT_NOTE : AUDIT_CHECK, .body = json_object() };

		snprintf(text, sizeof text, "<%d>", i);
		json_object_set_new(d.body, i % 500 == 0 ? "text" : "what", json_string(text));
		audit_append(w->audit, &d, NULL, NULL);
	}
	world_close(w);
	expect_last(w, "last=1", NULL, 1, "<1500>", "<1500>");
	expect_last(w, "last=70", NULL, 70, "<1431>", "<1500>");
	expect_last(w, "last=2", "type=note", 2, "<1000>", "<1500>");
	expect_last(w, "last=3", "type=note", 3, "<500>", "<1500>");
	expect_last(w, "last=99", "type=note", 3, "<500>", "<1500>");
	expect_last(w, "last=999999999", NULL, N + 1, "log opened", "<1500>");
	expect_last(w, "last=1", "runbook=nothing or type=note", 1, "<1500>", "<1500>");
	last_words[1] = NULL;
	last_words[0] = "last=0";
	expect_output(w, log_last, 2, "");
	last_words[0] = "last=ten";
	expect_output(w, log_last, 2, "");
}

/* --- the verifier in shell ------------------------------------------------------------------------------------------------------------ */

static int
shell_verify(const char *path, const char *head)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		dup2(open("/dev/null", O_WRONLY), 1);
		execl("/bin/sh", "sh", SOURCE_DIR "/doc/verify-audit.sh", "--head", head, path, (char *)NULL);
		_exit(127);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WEXITSTATUS(status);
}

static void
test_shell(void **state)
{
	struct world *w = *state;
	char path[256], head[128], *log, *line[6];
	size_t len, n_head;
	int missing = WEXITSTATUS(system("command -v jq sha256sum >/dev/null 2>&1"));

	if (missing != 0) {
		print_message("jq or sha256sum is not installed\n");
		skip();
	}
	world_open(w);
	for (int i = 0; i < 4; i++) {
		struct audit_draft d = { .type = AUDIT_NOTE, .body = json_pack("{s:s, s:f}", "text", "\\ \" \n \xc3\xa9 \xe2\x80\xae %s $(x) `y`", "f", 0.1) };

		assert_int_equal(world_append(w, &d, NULL, NULL), 0);
	}
	world_close(w);
	log = world_read(w->head, &n_head);
	snprintf(head, sizeof head, "%.*s", (int)n_head - 1, log);
	free(log);
	snprintf(path, sizeof path, "%s/audit-000001.jsonl", w->dir);
	assert_int_equal(shell_verify(path, head), 0);
	log = world_read(path, &len);
	line[0] = log;
	for (int i = 1; i < 6; i++)
		line[i] = strchr(line[i - 1], '\n') + 1;
	world_write(path, log, len - 1);				/* torn */
	assert_int_equal(shell_verify(path, head), 1);
	world_write(path, log, (size_t)(line[4] - log));		/* truncated */
	assert_int_equal(shell_verify(path, head), 1);
	line[2][60] ^= 1;						/* edited */
	world_write(path, log, len);
	assert_int_equal(shell_verify(path, head), 1);
	line[2][60] ^= 1;
	memmove(line[2], line[3], (size_t)(log + len - line[3]));	/* deleted */
	world_write(path, log, len - (size_t)(line[3] - line[2]));
	assert_int_equal(shell_verify(path, head), 1);
	free(log);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, world_setup, world_teardown)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_filters), cmocka_unit_test(test_filters_in_one_argument), cmocka_unit_test(test_filters_refused), cmocka_unit_test(test_tail), cmocka_unit_test(test_long_lines),
		TEST(test_runs), TEST(test_runs_again), TEST(test_open_incident), TEST(test_mains), TEST(test_mains_with_a_head_of_the_config),
		TEST(test_shell), TEST(test_last),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
