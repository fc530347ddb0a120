/* Writes and what is known of them: an act is done only when it was read back as it was sent. The sources are this test's own. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/str.h"
#include "operate.h"
#include "trail.h"

#define T0 (INT64_C(1893456000) * NS_PER_S)	/* 2030-01-01 */

static struct {
	struct loop *loop;
	struct app app;
	struct operate *operate;
	struct conf_source conf;
	struct conf_environment env;
	sources_write_cb *cb;		/* of the write under way */
	void *arg;
	unsigned n_polls;
	enum operation_state state;	/* of the operation last told */
	char text[512];
	unsigned n_intents;
	bool is_trail_broken;
	char recorded[16];		/* outcome told to the trail */
} t;

/* --- the sources and the app, as far as operate sees them ------------------------------------------------------- */

int
sources_write(struct sources *s, const char *source, const struct request *r, sources_write_cb *cb, void *arg, struct err *err)
{
	(void)s;
	(void)err;
	assert_string_equal(source, "am");
	assert_true(str_has_prefix(r->path, "/api/v2/silence"));
	t.cb = cb;
	t.arg = arg;
	return 0;
}

void
sources_poll_now(struct sources *s, const char *source, const char *what)
{
	(void)s;
	(void)source;
	assert_string_equal(what, "silences");
	t.n_polls++;
}

/* The trail: everything is durable at once, unless it is broken. */
void
trail_act(struct trail *trail, const char *verb, const char *object, const char *source, const char *text, trail_ready_cb *cb, void *arg)
{
	struct err err = { .code = ERR_IO, .msg = "the disk is full" };

	(void)trail;
	(void)object;
	(void)text;
	assert_string_equal(source, "am");
	assert_true(*verb != '\0');
	t.n_intents++;
	cb(t.n_intents, t.is_trail_broken ? &err : NULL, arg);
}

void
trail_act_result(struct trail *trail, uint64_t seq, const char *outcome, const char *text)
{
	(void)trail;
	(void)text;
	assert_int_equal(seq, t.n_intents);
	snprintf(t.recorded, sizeof t.recorded, "%s", outcome);
}

void
trail_forget(struct trail *trail, const void *arg)
{
	(void)trail;
	(void)arg;
}

void
app_apply(struct app *a, const struct event *ev)
{
	const struct operation *op = ev->block;

	(void)a;
	assert_int_equal(ev->kind, EVENT_OPERATION);
	t.state = op->state;
	snprintf(t.text, sizeof t.text, "%s", op->text);
}

/* --- driving ------------------------------------------------------------------------------------------------------ */

static int
setup(void **state)
{
	(void)state;
	clock_freeze(T0);
	memset(&t, 0, sizeof t);
	assert_int_equal(loop_new(&t.loop, NULL), 0);
	t.conf = (struct conf_source){ .name = (char *)"am", .type = (char *)"alertmanager" };
	t.env = (struct conf_environment){ .sources = &t.conf, .n_sources = 1 };
	t.app = (struct app){ .env = &t.env, .loop = t.loop };
	t.operate = operate_new(&t.app);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	operate_free(t.operate);
	loop_free(t.loop);
	clock_freeze(0);
	return 0;
}

static const struct matcher matchers[] = {
	{ "alertname", "High", false, true }, { "instance", "web-1", false, true },
};

static struct silence
as_sent(const char *id)
{
	return (struct silence){ .id = id, .n_matchers = 2, .matchers = matchers, .starts_ns = T0, .ends_ns = T0 + NS_PER_HOUR,
		.created_by = "jane", .comment = "deploy", .state = SILENCE_ACTIVE };
}

static void
silence(const char *id)
{
	struct op *op = op_new(OP_SILENCE);
	struct silence s = as_sent(id);

	op->silence = silence_block_new(&s);
	assert_int_equal(operate_run(t.operate, op, NULL), 0);
	op_free(op);
	assert_int_equal(t.state, OPERATION_STARTED);
}

static void
answer(long status, const char *body)
{
	struct write_result r = { .answer = { .status = status, .content_type = "application/json" }, .body = body, .len = strlen(body) };

	clock_freeze(clock_now() + NS_PER_S);
	t.cb(&r, t.arg);
}

/* Alertmanager has these silences, as asked at that time. */
static void
read_back(int64_t at_ns, const struct silence *v, size_t n)
{
	struct silence_set *set = block_new(sizeof *set);
	struct silence *copy = arena_alloc(&set->block.arena, (n + 1) * sizeof *copy);
	struct event ev;

	for (size_t i = 0; i < n; i++)
		copy[i] = v[i];
	set->n = n;
	set->v = copy;
	event_init(&ev, EVENT_SILENCES, at_ns, "am", set);
	operate_event(t.operate, &ev);
	event_done(&ev);
}

static void
give_up(void)
{
	for (int i = 0; i < 60 && t.state == OPERATION_STARTED; i++) {
		clock_freeze(clock_now() + NS_PER_S);
		loop_once(t.loop, 0);
	}
}

/* --- tests -------------------------------------------------------------------------------------------------------- */

static void
test_done_when_read_back(void **state)
{
	struct silence s = as_sent("id-1");

	(void)state;
	silence("");
	answer(200, "{\"silenceID\":\"id-1\"}");
	assert_int_equal(t.n_polls, 1);
	assert_int_equal(t.state, OPERATION_STARTED);
	read_back(clock_now(), &s, 1);
	assert_int_equal(t.state, OPERATION_DONE);
	assert_non_null(strstr(t.text, "2030-01-01T01:00:00Z"));
	assert_int_equal(t.n_intents, 1);
	assert_string_equal(t.recorded, "done");
}

static void
test_an_older_read_proves_nothing(void **state)
{
	struct silence s = as_sent("id-1");

	(void)state;
	silence("id-1");
	answer(200, "{\"silenceID\":\"id-1\"}");
	read_back(clock_now() - 1, &s, 1);	/* asked before the answer */
	assert_int_equal(t.state, OPERATION_STARTED);
	s.ends_ns -= 30 * NS_PER_MIN;		/* the silence as it was before the edit, from a replica that lags */
	read_back(clock_now(), &s, 1);
	assert_int_equal(t.state, OPERATION_STARTED);
	s.ends_ns += 30 * NS_PER_MIN;
	read_back(clock_now(), &s, 1);
	assert_int_equal(t.state, OPERATION_DONE);
}

static void
test_accepted_but_never_seen_is_unknown(void **state)
{
	(void)state;
	silence("");
	answer(200, "{\"silenceID\":\"id-1\"}");
	for (int i = 0; i < 10; i++)
		read_back(clock_now(), NULL, 0);
	assert_int_equal(t.state, OPERATION_STARTED);
	give_up();
	assert_int_equal(t.state, OPERATION_UNKNOWN);
	assert_true(t.n_polls > 5);
}

static void
test_open_answers(void **state)
{
	static const struct {
		long status;
		const char *body;
	} open[] = { { 504, "gateway timeout" }, { 502, "" }, { 503, "" }, { 408, "" }, { 200, "{}" }, { 200, "<html>" } };

	(void)state;
	for (size_t i = 0; i < sizeof open / sizeof open[0]; i++) {
		struct silence s = as_sent("of its own");

		silence("");
		answer(open[i].status, open[i].body);
		assert_int_equal(t.state, OPERATION_STARTED);
		read_back(clock_now(), &s, 1);		/* known by all that was sent */
		assert_int_equal(t.state, OPERATION_DONE);
		silence("");
		answer(open[i].status, open[i].body);
		s.comment = "somebody else's";
		read_back(clock_now(), &s, 1);
		give_up();
		assert_int_equal(t.state, OPERATION_UNKNOWN);
	}
}

/* What cannot be recorded is not sent. */
static void
test_no_trail_no_act(void **state)
{
	struct silence s = as_sent("");
	struct op *op = op_new(OP_SILENCE);

	(void)state;
	t.is_trail_broken = true;
	op->silence = silence_block_new(&s);
	assert_int_equal(operate_run(t.operate, op, NULL), 0);
	op_free(op);
	assert_int_equal(t.state, OPERATION_FAILED);
	assert_non_null(strstr(t.text, "the disk is full"));
	assert_null(t.cb);
}

static void
test_refused_is_failed(void **state)
{
	(void)state;
	silence("");
	answer(400, "\"silence invalid: end time can't be before start time\"");
	assert_int_equal(t.state, OPERATION_FAILED);
	assert_non_null(strstr(t.text, "end time"));
	assert_int_equal(t.n_polls, 0);
	assert_string_equal(t.recorded, "failed");
}

static void
test_no_answer(void **state)
{
	struct write_result r = { .answer = { .content_type = "" }, .body = "", .err = { .code = ERR_TIMEOUT, .msg = "no answer" } };
	struct silence s = as_sent("x");

	(void)state;
	silence("");
	t.cb(&r, t.arg);
	assert_int_equal(t.state, OPERATION_FAILED);	/* nothing was sent */
	r.is_maybe_sent = true;
	silence("");
	t.cb(&r, t.arg);
	assert_int_equal(t.state, OPERATION_STARTED);
	read_back(clock_now(), &s, 1);
	assert_int_equal(t.state, OPERATION_DONE);
}

static void
test_expire(void **state)
{
	struct silence s = as_sent("id-1");
	struct op *op = op_text(OP_EXPIRE, "id-1");

	(void)state;
	assert_int_equal(operate_run(t.operate, op, NULL), 0);
	op_free(op);
	answer(200, "");
	read_back(clock_now(), &s, 1);
	assert_int_equal(t.state, OPERATION_STARTED);
	s.state = SILENCE_EXPIRED;
	read_back(clock_now(), &s, 1);
	assert_int_equal(t.state, OPERATION_DONE);
}

static void
test_whom_to_write_to(void **state)
{
	struct conf_source two[] = { t.conf, t.conf };
	struct op *op = op_text(OP_EXPIRE, "id-1");
	struct err err = ERR_INIT;

	(void)state;
	two[1].name = (char *)"other";
	t.env.sources = two;
	t.env.n_sources = 2;
	assert_true(operate_run(t.operate, op, &err) < 0);
	assert_non_null(strstr(err.msg, "several Alertmanagers (am, other)"));
	t.env.n_sources = 0;
	assert_true(operate_run(t.operate, op, &err) < 0);
	assert_non_null(strstr(err.msg, "no Alertmanager"));
	op_free(op);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_done_when_read_back),
		TEST(test_an_older_read_proves_nothing),
		TEST(test_accepted_but_never_seen_is_unknown),
		TEST(test_open_answers),
		TEST(test_no_trail_no_act),
		TEST(test_refused_is_failed),
		TEST(test_no_answer),
		TEST(test_expire),
		TEST(test_whom_to_write_to),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
