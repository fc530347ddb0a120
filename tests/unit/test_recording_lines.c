/* Lines of logs in recordings: both readers of them make the same of the same line, and a jump shows the newest of very many. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/xalloc.h"
#include "model/log.h"
#include "record/chunk_read.h"
#include "record/lines.h"
#include "tests/unit/record_world.h"

/* --- two readers ------------------------------------------------------------------------------------------------------------------ */

static int
read_line(const char *line, size_t len, struct event *ret, struct err *err)
{
	struct slots slots = { 0 };
	uint64_t work = 0;
	const char *slot;
	int r = chunk_line_read(1, line, len, &slots, &work, ret, &slot, err);

	slots_done(&slots);
	return r;
}

/* A blank behind the list makes it a line that is not as the recorder writes it. */
static char *
otherwise(const char *line)
{
	size_t len = strlen(line);
	char *same = xmalloc(len + 2);

	memcpy(same, line, len - 2);
	memcpy(same + len - 2, " }}", 4);
	return same;
}

static char *
whole_line(const char *lines)
{
	return xasprintf("{\"at\":1893456001000000000,\"slot\":\"log-lines:app:1\",\"is\":{\"event\":\"log-lines\",\"time\":\"2030-01-01T00:00:01.000000000Z\",\"source\":\"loki\","
	    "\"want\":\"app\",\"streams\":[{\"labels\":{\"app\":\"web\"},\"service\":\"web\"},{\"labels\":{\"app\":\"b\"},\"service\":\"\"}],"
	    "\"start\":\"2030-01-01T00:00:00Z\",\"end\":\"2030-01-01T00:00:01Z\",\"n_cut\":3,\"note\":\"one is missing\",\"lines\":%s}}", lines);
}

static char *
as_text(const struct event *ev)
{
	json_t *json = event_to_json(ev);
	char *text = json_dumps(json, JSON_COMPACT | JSON_SORT_KEYS);

	json_decref(json);
	return text;
}

static void
test_both_readers_say_the_same(void **state)
{
	static const struct { const char *lines; bool is_good; } cases[] = {
		{ "[]", true },
		{ "[[1893456000000000001,\"one\",\"info\",0],[1893456000000000002,\"two\",\"error\",1]]", true },
		{ "[[1,\"a \\\"quoted\\\" \\u00e9\\ud83d\\ude00 \\n \\u0000 nul\",\"warning\",1,\"{\\\"pod\\\":\\\"a\\\"}\",\"id-7\"]]", true },
		{ "[[1,\"x\",\"debug\",0,null,\"id\"],[2,\"y\",\"debug\",0,\"{}\",null],[3,\"\"]]", true },
		{ "[[1,\"\\\"lines\\\":[[9,\\\"no\\\"]]}}\",\"info\",0]]", true },
		/* What only the reader of all events takes. */
		{ "[[\"2030-01-01T00:00:00Z\",\"a time as text\",\"info\",0]]", true },
		{ "[[-5,\"before the epoch\",\"info\",0]]", true },
		{ "[[1,\"x\",\"info\",0,{\"pod\":\"a\"}]]", true },
		/* What neither takes. */
		{ "[[1,\"x\",\"loud\",0]]", false },
		{ "[[1,\"x\",\"info\",2]]", false },
		{ "[[1,\"x\",\"info\",99999999999]]", false },
		{ "[[1]]", false },
		{ "[[]]", false },
		{ "[7]", false },
		{ "[[[1,\"x\"]]]", false },
		{ "[[\"x\",1]]", false },
		{ "[[1,\"x\",\"info\",0,\"a\\u0000b\"]]", false },
		{ "[[1,\"x\",\"info\",0,7]]", false },
		{ "[[1,\"\\ud800\"]]", false },
		{ "[[1,\"x\"]", false },
		{ "[[1,\"x\"]]]", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct err err = ERR_INIT, other_err = ERR_INIT;
		struct lines_apart apart;
		struct event ev, other;
		char *line = whole_line(cases[i].lines), *same = otherwise(line), *a, *b;

		assert_false(lines_take_apart(same, strlen(same), &apart));
		assert_true(lines_take_apart(line, strlen(line), &apart));
		buf_done(&apart.rest);
		assert_int_equal(read_line(line, strlen(line), &ev, &err) == 1, cases[i].is_good);
		assert_int_equal(read_line(same, strlen(same), &other, &other_err) == 1, cases[i].is_good);
		if (cases[i].is_good) {
			a = as_text(&ev);
			b = as_text(&other);
			assert_string_equal(a, b);
			free(a);
			free(b);
			event_done(&ev);
			event_done(&other);
		} else {
			assert_string_equal(err.msg, other_err.msg);
			assert_true(err.msg[0] != '\0');
		}
		free(line);
		free(same);
	}
}

/* Which of them the streaming reader takes by itself. */
static void
test_which_is_read_apart(void **state)
{
	static const struct { const char *lines; bool is_read; } cases[] = {
		{ "[]", true }, { "[[1,\"x\"],[2,\"y\",\"info\",1,null,\"id\"]]", true },
		{ "[[-1,\"x\"]]", false }, { "[[1,\"x\",\"loud\"]]", false }, { "[[1]]", false }, { "[[1,\"x\",\"info\",2]]", false }, { "[[1.5,\"x\"]]", false },
		{ "[[1,\"x\",\"info\",0,{}]]", false }, { "[[1,\"x\",true]]", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char *line = whole_line(cases[i].lines);
		struct lines_apart apart;
		struct event ev;

		assert_true(lines_take_apart(line, strlen(line), &apart));
		assert_int_equal(read_line(apart.rest.data, apart.rest.len, &ev, NULL), 1);
		assert_int_equal(lines_put(&apart, &ev), cases[i].is_read);
		event_done(&ev);
		buf_done(&apart.rest);
		free(line);
	}
}

/* --- very many ---------------------------------------------------------------------------------------------------------------------- */

enum { EACH = 200, SECONDS = 130 };

static void
tell_lines(struct world *w, int second)
{
	struct buf b;

	buf_init(&b, 1 << 20);
	buf_addstr(&b, "{'event':'log-lines','source':'loki','want':'logs:app','streams':[{'labels':{'app':'web'},'service':'web'}],'lines':[");
	for (int i = 0; i < EACH; i++)
		buf_printf(&b, "%s[%lld,'line %d of second %d','info',0]", i > 0 ? "," : "", (long long)(T(second) - 1000 + i), i, second);
	buf_addstr(&b, "]}");
	world_event(w, second, "%s", b.data);
	buf_done(&b);
}

/* The newest of them are there to the last one, without a hole; further back than how_many nobody need look. */
static void
expect_newest(const struct model *m, int second, size_t how_many)
{
	size_t n = model_log_totals(m)->n, seen = 0;

	assert_true(n >= (how_many < (size_t)second * EACH ? how_many : (size_t)second * EACH));
	for (size_t i = model_n_log_segments(m); i-- > 0;) {
		const struct log_segment *s = model_log_segment(m, i);

		for (size_t k = log_segment_n(s); k-- > 0 && seen < how_many && seen < n; seen++) {
			struct log_ref line;

			log_segment_line(s, k, &line);
			assert_int_equal(line.time_ns, T(second - (int)(seen / EACH)) - 1000 + (EACH - 1 - (int)(seen % EACH)));
		}
	}
}

static struct recording *
record_lines(struct world *w)
{
	world_open(w);
	world_environment(w, 0);
	for (int s = 1; s <= SECONDS; s++)
		tell_lines(w, s);
	recorder_pin(w->recorder, "x");
	world_close(w);
	return world_read(w);
}

static void
test_a_jump_shows_the_newest(void **state)
{
	static const int seeks[] = { 130, 59, 61, 10, 125, 1, 110, 58, 57 };
	struct world *w = *state;
	struct recording *r;
	struct player *p;

	r = record_lines(w);
	p = player_new(r);
	for (size_t i = 0; i < sizeof seeks / sizeof seeks[0]; i++) {
		const struct model *m = player_seek(p, T(seeks[i]), NULL);

		assert_non_null(m);
		assert_true(model_log_totals(m)->n <= (size_t)seeks[i] * EACH);
		expect_newest(m, seeks[i], 5000);
		/* Whoever scrolls up comes to an end, not to a hole. */
		expect_newest(m, seeks[i], model_log_totals(m)->n);
	}
	/* In the middle of a chunk far fewer are read than there are; playing on, none is lost. */
	player_free(p);
	p = player_new(r);
	assert_in_range(model_log_totals(player_seek(p, T(58), NULL))->n, 5000, 5000 + 2 * EACH + 1000);
	assert_in_range(model_log_totals(player_seek(p, T(59), NULL))->n, 5000 + EACH, 5000 + 3 * EACH + 1000);
	expect_newest(player_seek(p, T(70), NULL), 70, 5000 + 12 * EACH);
	player_free(p);
	recording_free(r);
}

/* Somebody looks at what was before: those are many, and come last, but what is sought is not there. */
static void
test_lines_of_before(void **state)
{
	struct world *w = *state;
	struct recording *r;
	struct player *p;
	struct buf b;

	world_open(w);
	world_environment(w, 0);
	for (int s = 1; s <= 20; s++)
		tell_lines(w, s);
	buf_init(&b, 1 << 20);
	buf_addstr(&b, "{'event':'log-lines','source':'loki','want':'logs:then','streams':[{'labels':{'app':'web'},'service':'web'}],'lines':[");
	for (int i = 0; i < 6000; i++)
		buf_printf(&b, "%s[%lld,'line %d of then','info',0]", i > 0 ? "," : "", (long long)(T(-300) + i), i);
	buf_addstr(&b, "]}");
	world_event(w, 21, "%s", b.data);
	buf_done(&b);
	recorder_pin(w->recorder, "x");
	world_close(w);
	r = world_read(w);
	p = player_new(r);
	expect_newest(player_seek(p, T(21), NULL), 20, 20 * EACH);
	player_free(p);
	recording_free(r);
}

static void
count_lines(const struct event *ev, int64_t at_ns, void *arg)
{
	const struct log_batch *batch = ev->block;

	(void)at_ns;
	if (ev->kind == EVENT_LOG_LINES && strcmp(batch->want, "snapshot") != 0)
		*(size_t *)arg += batch->n;
}

/* Whoever mirrors events misses none. */
static void
test_a_mirror_is_told_of_all(void **state)
{
	struct world *w = *state;
	struct recording *r;
	struct player *p;
	size_t n = 0;

	r = record_lines(w);
	p = player_new(r);
	player_on_event(p, count_lines, &n);
	player_seek(p, T(0), NULL);
	player_seek(p, T(SECONDS), NULL);
	assert_int_equal(n, SECONDS * EACH);
	player_free(p);
	recording_free(r);
}

#define T_(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_both_readers_say_the_same),
		cmocka_unit_test(test_which_is_read_apart),
		T_(test_a_jump_shows_the_newest),
		T_(test_lines_of_before),
		T_(test_a_mirror_is_told_of_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
