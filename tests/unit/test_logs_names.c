/* Words for a query that is being typed: those of lines that are held, and what the stores tell. The stores are a list that is written down. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "logs_priv.h"
#include "logs_world.h"

enum { ASKED_ROOM = 64 };

/* --- stores ------------------------------------------------------------------------------------- */

static struct asked {
	char source[32], label[32], selector[64];
	int64_t start_ns, end_ns;
	log_names_cb *cb;
	void *arg;
} asked[ASKED_ROOM];
static size_t n_asked;

int
sources_log_names(struct sources *s, const struct log_names_want *w, log_names_cb *cb, void *arg, struct err *err)
{
	struct asked *a = &asked[n_asked];

	(void)s;
	if (str_eq(w->source, "es"))
		return err_set(err, ERR_NOTFOUND, "no es today");
	assert_true(n_asked < ASKED_ROOM);
	*a = (struct asked){ .start_ns = w->start_ns, .end_ns = w->end_ns, .cb = cb, .arg = arg };
	snprintf(a->source, sizeof a->source, "%s", w->source);
	snprintf(a->label, sizeof a->label, "%s", w->label != NULL ? w->label : "-");
	snprintf(a->selector, sizeof a->selector, "%s", w->selector != NULL ? w->selector : "-");
	n_asked++;
	return 0;
}

/* The oldest question: words joined by blanks; or a mistake. */
static void
answer(const char *source, const char *label, const char *selector, const char *words, const char *error)
{
	struct asked a = asked[0];
	char *copy = xstrdup(words);
	const char *v[8];
	struct strings names = { 0, v };

	assert_true(n_asked > 0);
	assert_string_equal(a.source, source);
	assert_string_equal(a.label, label);
	assert_string_equal(a.selector, selector);
	memmove(asked, asked + 1, --n_asked * sizeof *asked);
	for (char *word = strtok(copy, " "); word != NULL; word = strtok(NULL, " "))
		v[names.n++] = word;
	a.cb(&names, error, a.arg);
	free(copy);
}

/* --- world -------------------------------------------------------------------------------------- */

static struct model *model;
static struct timerange range;
static struct logs logs;
static unsigned n_told;

static void
on_more(void *arg)
{
	(void)arg;
	n_told++;
}

static void
tell_environment(void)
{
	static const struct source_def sources[] = { { .name = "loki", .type = "loki", .url = "" }, { .name = "es", .type = "elasticsearch", .url = "" },
		{ .name = "journal", .type = "journald", .url = "" }, { .name = "prometheus", .type = "prometheus", .url = "" } };
	struct environment *e = block_new(sizeof *e);
	struct event ev;

	e->name = e->title = e->colour = e->severity_label = "";
	e->sources = sources;
	e->n_sources = sizeof sources / sizeof *sources;
	event_init(&ev, EVENT_ENVIRONMENT, LOGS_NOW, "", e);
	model_apply(model, &ev);
	event_done(&ev);
}

/* A line of the stream {app="web", pod="a"}, another of {app="ranker"}. */
static void
tell_lines(const char *source)
{
	static const struct label web[] = { { "app", "web" }, { "pod", "a" } }, ranker[] = { { "app", "ranker" } };
	static const struct log_stream streams[] = { { .labels = { 2, web }, .service = "web" }, { .labels = { 1, ranker }, .service = "ranker" } };
	static const struct log_line lines[] = { { .time_ns = LOGS_NOW, .text = "x", .len = 1 }, { .time_ns = LOGS_NOW, .text = "y", .len = 1, .stream = 1 } };
	struct log_batch *b = block_new(sizeof *b);
	struct event ev;

	b->want = "w";
	b->v = lines;
	b->n = 2;
	b->streams = streams;
	b->n_streams = 2;
	event_init(&ev, EVENT_LOG_LINES, LOGS_NOW, source, b);
	model_apply(model, &ev);
	event_done(&ev);
}

static int
set_up(void **state)
{
	(void)state;
	clock_freeze(LOGS_NOW);
	model = model_new(0, 0);
	tell_environment();
	range = (struct timerange){ .start_ns = LOGS_NOW - NS_PER_HOUR, .end_ns = LOGS_NOW, .cursor_ns = LOGS_NOW, .is_live = true };
	logs = (struct logs){ .redact = redact_new(true) };
	logs.names = logs_names_new(NULL, logs.redact, &range);
	logs_on_names(&logs, on_more, NULL);
	n_asked = n_told = 0;
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	logs_names_free(logs.names);
	redact_free(logs.redact);
	model_free(model);
	return 0;
}

/* "app pod (asking loki)" is to be put at the end of the text. */
static void
check_of(struct logs *l, const char *text, const char *expected)
{
	struct logs_offers o;
	struct buf b;

	logs_offer(l, model, NULL, text, strlen(text), &o);
	buf_init(&b, 1 << 16);
	for (size_t i = 0; i < o.words.n; i++)
		buf_printf(&b, "%s%s", i > 0 ? " " : "", o.words.v[i]);
	if (*o.note != '\0')
		buf_printf(&b, "%s(%s)", b.len > 0 ? " " : "", o.note);
	assert_string_equal(b.data, expected);
	buf_done(&b);
	logs_offers_done(&o);
}

static void
check(const char *text, const char *expected)
{
	check_of(&logs, text, expected);
}

/* --- tests -------------------------------------------------------------------------------------- */

static void
what_is_held_is_there_at_once(void **state)
{
	(void)state;
	tell_lines("loki");
	check("", "level: service: source: label: loki: { es:  journal: ");
	check("x l", "level: label:");
	check("level:", "critical error warning notice info debug trace");
	check("service:", "ranker web");
	check("service:W", "web");
	check("source:", "es journal loki");
	check("label:", "app pod (asking loki)");
	check("label:app=", "ranker web (asking loki)");
	check("loki: {p", "pod (asking loki)");
	/* Of another store. */
	check("journal: pod=", "(asking journal)");
	check("journal: _sys", "_SYSTEMD_SLICE _SYSTEMD_UNIT _SYSTEMD_USER_UNIT");
	check("journal: app", "");
	assert_int_equal(n_asked, 3);
}

static void
stores_are_asked_once(void **state)
{
	(void)state;
	check("loki: {", "(asking loki)");
	check("loki: {a", "(asking loki)");
	assert_int_equal(n_asked, 1);
	assert_true(asked[0].start_ns == range.start_ns && asked[0].end_ns == range.end_ns);
	answer("loki", "-", "-", "app env password=hunter2", NULL);
	assert_int_equal(n_told, 1);
	/* What is redacted in lines is not shown here either. */
	check("loki: {", "app env");
	check("loki: {E", "env");
	assert_int_equal(n_asked, 0);
	check("loki: {env=\"x\",app=\"", "(asking loki)");
	answer("loki", "app", "{env=\"x\"}", "web", NULL);
	check("loki: {env=\"x\",app=\"", "web");
	/* The range moves on while it is live; another length, and another time, are asked for. */
	range.start_ns += NS_PER_S;
	range.end_ns += NS_PER_S;
	check("loki: {", "app env");
	range.is_live = false;
	check("loki: {", "(asking loki)");
	assert_true(asked[0].start_ns == range.start_ns);
}

static void
what_is_old_is_shown_and_asked_again(void **state)
{
	(void)state;
	check("loki: {", "(asking loki)");
	answer("loki", "-", "-", "app", NULL);
	clock_freeze(LOGS_NOW + 3 * NS_PER_MIN);
	check("loki: {", "app (asking loki)");
	answer("loki", "-", "-", "app env", NULL);
	check("loki: {", "app env");
}

static void
what_fails_is_told(void **state)
{
	(void)state;
	check("loki: {", "(asking loki)");
	answer("loki", "-", "-", "", "HTTP 500: \x1b[2J");
	check("loki: {", "(loki: HTTP 500: \\x1B[2J)");
	assert_int_equal(n_asked, 0);
	clock_freeze(LOGS_NOW + 20 * NS_PER_S);
	check("loki: {", "(asking loki)");
	check("es: ", "(es: no es today)");
}

static void
nothing_is_asked_in_a_replay(void **state)
{
	(void)state;
	tell_lines("loki");
	check_of(NULL, "loki: {", "app pod");
	check_of(NULL, "label:app=", "ranker web");
	assert_int_equal(n_asked, 0);
}

static void
few_are_asked_at_once_and_few_are_kept(void **state)
{
	char text[64];

	(void)state;
	for (int i = 0; i < 10; i++) {
		snprintf(text, sizeof text, "loki: {l%d=\"", i);
		check(text, i < 4 ? "(asking loki)" : "");
	}
	assert_int_equal(n_asked, 4);
	for (int i = 0; i < 100; i++) {
		char label[16], name[16];

		while (n_asked > 0)
			asked[0].cb(&(struct strings){ 0 }, NULL, asked[0].arg), memmove(asked, asked + 1, --n_asked * sizeof *asked);
		snprintf(text, sizeof text, "loki: {m%d=\"", i);
		snprintf(label, sizeof label, "m%d", i);
		snprintf(name, sizeof name, "v%d", i);
		check(text, "(asking loki)");
		answer("loki", label, "-", name, NULL);
		check(text, name);
	}
	/* The first ones made room. */
	check("loki: {m0=\"", "(asking loki)");
	check("loki: {m99=\"", "v99");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_is_held_is_there_at_once, set_up, tear_down),
		cmocka_unit_test_setup_teardown(stores_are_asked_once, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_is_old_is_shown_and_asked_again, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_fails_is_told, set_up, tear_down),
		cmocka_unit_test_setup_teardown(nothing_is_asked_in_a_replay, set_up, tear_down),
		cmocka_unit_test_setup_teardown(few_are_asked_at_once_and_few_are_kept, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
