/* What is asked of log stores, which lines belong to an alert, and what is saved. The stores are a list that is written down. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/xalloc.h"
#include "insight/log_filter.h"
#include "insight/log_look.h"
#include "logs.h"
#include "logs_world.h"
#include "source/log.h"

enum { WANTS_MAX = 32 };

/* --- fakes ------------------------------------------------------------------------------------ */

static struct wanted {
	char id[64], source[64], query[256];
	int64_t start_ns, end_ns;
	size_t limit;
	bool is_follow, is_count;
} wants[WANTS_MAX];
static size_t n_wants;
static log_done_cb *done;
static log_counts_cb *counted;
static void *done_arg, *counted_arg;

void
sources_logs(struct sources *s, const struct log_want *v, size_t n, const struct redact *redact)
{
	(void)s;
	assert_non_null(redact);
	assert_true(n <= WANTS_MAX);
	n_wants = n;
	for (size_t i = 0; i < n; i++) {
		wants[i] = (struct wanted){ .start_ns = v[i].start_ns, .end_ns = v[i].end_ns, .limit = v[i].limit, .is_follow = v[i].is_follow,
			.is_count = v[i].is_count };
		snprintf(wants[i].id, sizeof wants[i].id, "%s", v[i].id);
		snprintf(wants[i].source, sizeof wants[i].source, "%s", v[i].source);
		snprintf(wants[i].query, sizeof wants[i].query, "%s", v[i].query);
	}
}

void
sources_logs_done(struct sources *s, log_done_cb *cb, void *arg)
{
	(void)s;
	done = cb;
	done_arg = arg;
}

void
sources_logs_counts(struct sources *s, log_counts_cb *cb, void *arg)
{
	(void)s;
	counted = cb;
	counted_arg = arg;
}

int
sources_log_names(struct sources *s, const struct log_names_want *w, log_names_cb *cb, void *arg, struct err *err)
{
	(void)s;
	(void)w;
	(void)cb;
	(void)arg;
	return err_set(err, ERR_NOTFOUND, "not in this test");
}

void
app_apply(struct app *a, const struct event *ev)
{
	model_apply(a->model, ev);
}

int64_t
app_range_resolution(const struct app *a)
{
	(void)a;
	return 15 * NS_PER_S;
}

/* --- world ------------------------------------------------------------------------------------ */

static struct conf_source sources[] = { { .name = (char *)"loki", .type = (char *)"loki" }, { .name = (char *)"es", .type = (char *)"elasticsearch" },
	{ .name = (char *)"prometheus", .type = (char *)"prometheus" } };
static struct conf_log_stream streams[] = { { .name = (char *)"app", .source = (char *)"loki", .query = (char *)"{env=\"prod\"}" },
	{ .name = (char *)"audit", .source = (char *)"es", .query = (char *)"event.kind:audit" } };
static struct conf_label is_spam[] = { { (char *)"alertname", (char *)"Spam*" } };
static struct conf_log_alert alerts[] = {
	{ .match = is_spam, .n_match = 1, .query = (char *)"service:${labels.job} /model ${labels.model}\\b/ \"by ${labels.who}\"", .before_ns = NS_PER_MIN,
	    .after_ns = 2 * NS_PER_MIN },
	{ .match = is_spam, .n_match = 1, .query = (char *)"service:${labels.job} ${alert}", .before_ns = NS_PER_MIN, .after_ns = NS_PER_MIN },
};

struct world {
	struct app app;
	struct conf conf;
	struct conf_environment env;
	struct logs *logs;
	char said[256];
	bool is_error;
	char saved[256];
	size_t n_saved;
	struct err err;
	bool is_saved;
};

static void
on_say(bool is_error, const char *text, void *arg)
{
	struct world *w = arg;

	snprintf(w->said, sizeof w->said, "%s", text);
	w->is_error = is_error;
}

static struct world *
world_new(void)
{
	struct world *w = xcalloc(1, sizeof *w);
	struct err err = ERR_INIT;

	clock_freeze(LOGS_NOW);
	n_wants = 0;
	w->conf.redact_builtin = true;
	w->env = (struct conf_environment){ .name = (char *)"lab", .sources = sources, .n_sources = 3,
		.logs = { .streams = streams, .n_streams = 2, .alerts = alerts, .n_alerts = 2, .keep_bytes = 64 << 20, .keep_lines = 100000,
		    .late_ns = 30 * NS_PER_S, .page = 500 } };
	w->app = (struct app){ .conf = &w->conf, .env = &w->env, .span_ns = NS_PER_HOUR,
		.range = { .start_ns = LOGS_NOW - NS_PER_HOUR, .end_ns = LOGS_NOW, .cursor_ns = LOGS_NOW, .is_live = true } };
	assert_int_equal(loop_new(&w->app.loop, &err), 0);
	w->app.pool = pool_new(w->app.loop, 2);
	w->app.model = model_new(0, 0);
	w->logs = logs_new(&w->app);
	logs_on_say(w->logs, on_say, w);
	logs_start(w->logs);
	return w;
}

static void
world_free(struct world *w)
{
	logs_stop(w->logs);
	pool_stop(w->app.pool);
	logs_free(w->logs);
	pool_free(w->app.pool);
	model_free(w->app.model);
	loop_free(w->app.loop);
	free(w);
}

static void
tell_lines(struct world *w, const char *want, const struct logs_line *v, size_t n, int64_t start_ns)
{
	struct log_batch *b = block_new(sizeof *b);
	struct event ev;

	b->want = arena_strdup(&b->block.arena, want);
	b->start_ns = start_ns;
	b->end_ns = start_ns != 0 ? LOGS_NOW : 0;
	event_init(&ev, EVENT_LOG_LINES, LOGS_NOW, "loki", b);
	assert_false(logs_event(w->logs, &ev));
	event_done(&ev);
	logs_tell_model(w->app.model, "loki", v, n);
}

static void
report(struct world *w, const char *what)
{
	struct source_report *r = block_new(sizeof *r);
	struct event ev;

	r->what = arena_strdup(&r->block.arena, what);
	r->error = r->replica = "";
	event_init(&ev, EVENT_SOURCE_REPORT, LOGS_NOW, "loki", r);
	assert_false(logs_event(w->logs, &ev));
	event_done(&ev);
}

static void
turn(struct world *w)
{
	for (int i = 0; i < 200; i++) {
		clock_freeze(clock_now() + NS_PER_MS);
		logs_turn(w->logs);
		loop_once(w->app.loop, NS_PER_MS);
	}
}

static const struct wanted *
want(const char *prefix, size_t nth)
{
	for (size_t i = 0; i < n_wants; i++)
		if (strncmp(wants[i].id, prefix, strlen(prefix)) == 0 && nth-- == 0)
			return &wants[i];
	fail_msg("nothing like %s is wanted", prefix);
	return NULL;
}

/* --- asking -------------------------------------------------------------------------------------- */

static void
test_follows(void **state)
{
	struct world *w = world_new();
	const struct wanted *app = want("logs:app", 0);

	(void)state;
	assert_int_equal(n_wants, 2);
	assert_string_equal(app->query, "{env=\"prod\"}");
	assert_int_equal(app->start_ns, LOGS_NOW - NS_PER_HOUR);
	assert_int_equal(app->end_ns, 0);
	assert_int_equal(app->limit, 500);
	assert_true(app->is_follow);
	assert_string_equal(want("logs:audit", 0)->source, "es");
	/* Every stream has been asked once, or failed. */
	assert_false(logs_is_settled(w->logs));
	report(w, "logs:app");
	assert_false(logs_is_settled(w->logs));
	report(w, "logs:audit");
	turn(w);
	assert_true(logs_is_settled(w->logs));
	world_free(w);
}

static void
tell_counts(const char *want, const struct log_count *v, size_t n)
{
	struct log_counts *c = block_new(sizeof *c);

	c->want = want;
	c->start_ns = LOGS_NOW - 5 * NS_PER_MIN;
	c->end_ns = LOGS_NOW;
	c->v = v;
	c->n = n;
	counted(c, counted_arg);
	block_unref(c);
}

/* --status: where a page does not hold all lines of the last minutes, the store counts them. */
static void
test_counts(void **state)
{
	static const struct logs_line held[] = { { LOGS_NOW - NS_PER_S, "web", LOG_LEVEL_ERROR, "a" }, { LOGS_NOW - 2 * NS_PER_S, "web", LOG_LEVEL_INFO, "b" },
		{ LOGS_NOW - 3 * NS_PER_S, "audit", LOG_LEVEL_ERROR, "c" } };
	static const struct log_count counts[] = { { "ranker", LOG_LEVEL_CRITICAL, 7 }, { "ranker", LOG_LEVEL_ERROR, 40 }, { "web", LOG_LEVEL_ERROR, 30 },
		{ "web", LOG_LEVEL_INFO, 9000 } };
	static const struct log_count vague[] = { { "web", LOG_LEVEL_UNKNOWN, 9030 } };
	struct world *w = world_new();
	const struct log_view *view;

	(void)state;
	w->app.is_instant = true;
	logs_start(w->logs);
	tell_lines(w, "logs:app", held, 3, LOGS_NOW - 2 * NS_PER_S);
	report(w, "logs:app");
	done("logs:app", false, NULL, done_arg);
	report(w, "logs:audit");
	done("logs:audit", true, NULL, done_arg);
	turn(w);
	/* Only where it is needed, and it is waited for. */
	assert_int_equal(n_wants, 3);
	assert_true(want("adhoc:lines:count:app", 0)->is_count);
	assert_string_equal(want("adhoc:lines:count:app", 0)->query, "{env=\"prod\"}");
	assert_int_equal(want("adhoc:lines:count:app", 0)->end_ns - want("adhoc:lines:count:app", 0)->start_ns, 5 * NS_PER_MIN);
	assert_false(logs_is_settled(w->logs));
	assert_true(model_log_view(w->app.model)->are_least);
	tell_counts("adhoc:lines:count:app", counts, 4);
	done("adhoc:lines:count:app", true, NULL, done_arg);
	turn(w);
	assert_true(logs_is_settled(w->logs));
	view = model_log_view(w->app.model);
	assert_false(view->are_least);
	assert_int_equal(view->n_services, 3);
	assert_string_equal(view->services[0].name, "ranker");
	assert_int_equal(view->services[0].n_errors, 47);
	assert_string_equal(view->services[1].name, "web");
	assert_int_equal(view->services[1].n_errors, 30);
	assert_int_equal(view->services[1].n_lines, 9030);
	assert_string_equal(view->services[2].name, "audit");
	assert_int_equal(view->services[2].n_errors, 1);
	/* A store that does not know the levels: what is held is the least. */
	tell_counts("adhoc:lines:count:app", vague, 1);
	done("adhoc:lines:count:app", true, NULL, done_arg);
	turn(w);
	view = model_log_view(w->app.model);
	assert_true(view->are_least);
	assert_string_equal(view->services[0].name, "web");
	assert_int_equal(view->services[0].n_errors, 1);
	assert_int_equal(view->services[0].n_lines, 9030);
	world_free(w);
}

static void
test_no_store(void **state)
{
	struct world *w = world_new();
	struct conf_environment none = { .name = (char *)"lab", .sources = &sources[2], .n_sources = 1 };
	struct app bare = w->app;
	struct err err = ERR_INIT;

	(void)state;
	bare.env = &none;
	assert_null(logs_new(&bare));
	logs_turn(NULL);
	logs_filter(NULL, "x");
	assert_true(logs_is_settled(NULL));
	assert_int_equal(logs_search(NULL, "x", &err), ERR_NOTFOUND);
	assert_non_null(strstr(err.msg, "no log store"));
	world_free(w);
}

static void
test_older(void **state)
{
	struct world *w = world_new();
	struct logs_line line = { LOGS_NOW - 40 * NS_PER_MIN, "web", LOG_LEVEL_INFO, "first" };
	struct err err = ERR_INIT;
	char id[64];

	(void)state;
	/* It told all of the range that it has, back to that line: the page was full. */
	tell_lines(w, "logs:app", &line, 1, LOGS_NOW - 40 * NS_PER_MIN);
	assert_int_equal(logs_older(w->logs, &err), 0);
	logs_turn(w->logs);
	assert_int_equal(n_wants, 4);
	assert_int_equal(want("adhoc:lines:older:", 0)->end_ns, LOGS_NOW - 40 * NS_PER_MIN);
	assert_int_equal(want("adhoc:lines:older:", 0)->start_ns, LOGS_NOW - 40 * NS_PER_MIN - 24 * NS_PER_HOUR);
	assert_false(want("adhoc:lines:older:", 0)->is_follow);
	/* Not twice. */
	assert_int_equal(logs_older(w->logs, &err), ERR_NOTFOUND);
	/* Nothing was there: the next one goes on before that. */
	snprintf(id, sizeof id, "%s", want("adhoc:lines:older:", 0)->id);
	done(id, true, NULL, done_arg);
	logs_turn(w->logs);
	assert_int_equal(n_wants, 3);
	assert_int_equal(logs_older(w->logs, &err), 0);
	logs_turn(w->logs);
	assert_int_equal(want("adhoc:lines:older:", 1)->end_ns, LOGS_NOW - 40 * NS_PER_MIN - 24 * NS_PER_HOUR);
	world_free(w);
}

static const struct wanted *
around_loki(void)
{
	for (size_t i = 0; i < n_wants; i++)
		if (strncmp(wants[i].id, "adhoc:lines:around:", 19) == 0 && strcmp(wants[i].source, "loki") == 0)
			return &wants[i];
	return NULL;
}

/* A longer range: what of it is not held, once. A cursor in it: what is around. */
static void
test_range(void **state)
{
	struct world *w = world_new();
	struct logs_line line = { LOGS_NOW - 10 * NS_PER_MIN, "web", LOG_LEVEL_INFO, "first" };
	char id[64];

	(void)state;
	tell_lines(w, "logs:app", &line, 1, LOGS_NOW - NS_PER_HOUR);
	logs_range(w->logs);
	assert_int_equal(n_wants, 2);
	w->app.range.start_ns = LOGS_NOW - 6 * NS_PER_HOUR;
	logs_range(w->logs);
	assert_int_equal(n_wants, 3);
	assert_int_equal(want("adhoc:lines:older:", 0)->start_ns, LOGS_NOW - 6 * NS_PER_HOUR);
	assert_int_equal(want("adhoc:lines:older:", 0)->end_ns, LOGS_NOW - NS_PER_HOUR);
	logs_range(w->logs);
	assert_int_equal(n_wants, 3);
	w->app.range.is_live = false;
	w->app.range.cursor_ns = LOGS_NOW - 5 * NS_PER_HOUR;
	logs_range(w->logs);
	assert_int_equal(around_loki()->end_ns, LOGS_NOW - 5 * NS_PER_HOUR + NS_PER_S);
	/* It moved on while that was asked: that is asked when the first is done, and nothing once it is known. */
	snprintf(id, sizeof id, "%s", around_loki()->id);
	w->app.range.cursor_ns = LOGS_NOW - 4 * NS_PER_HOUR;
	logs_range(w->logs);
	assert_string_equal(around_loki()->id, id);
	done(id, true, NULL, done_arg);
	logs_turn(w->logs);
	assert_int_equal(around_loki()->end_ns, LOGS_NOW - 4 * NS_PER_HOUR + NS_PER_S);
	assert_int_equal(model_n_log_notices(w->app.model), 1);
	assert_non_null(strstr(model_log_notice(w->app.model, 0)->text, "were not asked for"));
	assert_int_equal(model_log_notice(w->app.model, 0)->at_ns, LOGS_NOW - 5 * NS_PER_HOUR + NS_PER_S);
	snprintf(id, sizeof id, "%s", around_loki()->id);
	done(id, true, NULL, done_arg);
	w->app.range.cursor_ns = LOGS_NOW - 5 * NS_PER_HOUR;
	logs_range(w->logs);
	assert_null(around_loki());
	world_free(w);
}

static void
test_search(void **state)
{
	struct world *w = world_new();
	struct err err = ERR_INIT;
	char first[64], second[64];

	(void)state;
	assert_int_equal(logs_search(w->logs, "timeout !retry", &err), 0);
	logs_turn(w->logs);
	assert_int_equal(n_wants, 4);
	assert_memory_equal(want("adhoc:lines:search:", 0)->query, "{env=\"prod\"}", 12);
	assert_non_null(strstr(want("adhoc:lines:search:", 0)->query, "timeout"));
	assert_non_null(strstr(want("adhoc:lines:search:", 1)->query, "event.kind:audit"));
	assert_int_equal(want("adhoc:lines:search:", 0)->start_ns, LOGS_NOW - NS_PER_HOUR);
	snprintf(first, sizeof first, "%s", want("adhoc:lines:search:", 0)->id);
	snprintf(second, sizeof second, "%s", want("adhoc:lines:search:", 1)->id);
	done(first, true, NULL, done_arg);
	assert_string_equal(w->said, "");
	done(second, false, "429 too many requests", done_arg);
	assert_true(w->is_error);
	assert_string_equal(w->said, "searching: 429 too many requests");
	logs_turn(w->logs);
	assert_int_equal(n_wants, 2);
	world_free(w);
}

/* An alert of a server whose clock is ahead of ours: there is nothing to ask for, and nothing is waited for. */
static void
test_search_of_no_time(void **state)
{
	struct world *w = world_new();
	struct err err = ERR_INIT;
	char first[64], second[64];

	(void)state;
	assert_int_equal(logs_search(w->logs, "first", &err), 0);
	w->app.range.start_ns = LOGS_NOW + NS_PER_HOUR;
	assert_int_equal(logs_search(w->logs, "timeout", &err), ERR_NOTFOUND);
	logs_turn(w->logs);
	assert_int_equal(n_wants, 4);
	snprintf(first, sizeof first, "%s", wants[2].id);
	snprintf(second, sizeof second, "%s", wants[3].id);
	done(first, true, NULL, done_arg);
	done(second, true, NULL, done_arg);
	assert_string_equal(w->said, "loki: no line; es: no line");
	world_free(w);
}

/* A store that cannot say all of a filter answers more: what does not match was not found. */
static void
test_search_counts_what_matches(void **state)
{
	static const struct log_line lines[] = { { .time_ns = LOGS_NOW, .text = "a timeout", .len = 9 }, { .time_ns = LOGS_NOW, .text = "all is well", .len = 11 } };
	static const struct log_stream shared[] = { { .service = "web" } };
	struct world *w = world_new();
	struct log_batch *b = block_new(sizeof *b);
	char first[64], second[64];
	struct err err = ERR_INIT;
	struct event ev;

	(void)state;
	assert_int_equal(logs_search(w->logs, "timeout", &err), 0);
	logs_turn(w->logs);
	snprintf(first, sizeof first, "%s", wants[2].id);
	snprintf(second, sizeof second, "%s", wants[3].id);
	*b = (struct log_batch){ .block = b->block, .want = first, .n = 2, .v = lines, .n_streams = 1, .streams = shared };
	event_init(&ev, EVENT_LOG_LINES, LOGS_NOW, "loki", b);
	logs_event(w->logs, &ev);
	event_done(&ev);
	done(first, true, NULL, done_arg);
	done(second, true, NULL, done_arg);
	assert_string_equal(w->said, "loki: 1 of 2 lines read matches; es: no line");
	world_free(w);
}

/* How many lines came, and how many of them are no news. */
static void
test_search_counts(void **state)
{
	static const struct logs_line held = { LOGS_NOW - NS_PER_MIN, "web", LOG_LEVEL_INFO, "held" }, found = { LOGS_NOW - 2 * NS_PER_MIN, "web", LOG_LEVEL_INFO, "found" };
	struct world *w = world_new();
	struct log_batch *b = block_new(sizeof *b);
	struct err err = ERR_INIT;
	struct event ev;
	char id[64];

	(void)state;
	logs_tell_model(w->app.model, "loki", &held, 1);
	assert_int_equal(logs_search(w->logs, "loki: {a=\"b\"}", &err), 0);
	logs_turn(w->logs);
	snprintf(id, sizeof id, "%s", want("adhoc:lines:search:", 0)->id);
	b->want = arena_strdup(&b->block.arena, id);
	b->n = 2;
	b->v = arena_alloc(&b->block.arena, 2 * sizeof *b->v);
	event_init(&ev, EVENT_LOG_LINES, LOGS_NOW, "loki", b);
	logs_event(w->logs, &ev);
	event_done(&ev);
	/* As the model takes them: one it has, one it has not. */
	logs_tell_model(w->app.model, "loki", &held, 1);
	logs_tell_model(w->app.model, "loki", &found, 1);
	done(id, true, NULL, done_arg);
	assert_false(w->is_error);
	assert_string_equal(w->said, "loki: 2 lines, 1 of them new here");
	world_free(w);
}

static void
test_native_search(void **state)
{
	struct world *w = world_new();
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(logs_search(w->logs, "loki: {app=\"x\"} |= `y`", &err), 0);
	logs_turn(w->logs);
	assert_int_equal(n_wants, 3);
	assert_string_equal(want("adhoc:lines:search:", 0)->query, "{app=\"x\"} |= `y`");
	assert_string_equal(want("adhoc:lines:search:", 0)->source, "loki");
	assert_int_equal(logs_search(w->logs, "journal: _PID=1", &err), ERR_NOTFOUND);
	assert_non_null(strstr(err.msg, "journald"));
	assert_int_equal(logs_search(w->logs, "/(/", &err), ERR_INVALID);
	world_free(w);
}

/* --- alerts ---------------------------------------------------------------------------------------- */

static struct model_alert
alert_with(const char *name, struct labels *labels, struct label *v, size_t n)
{
	*labels = (struct labels){ n, v };
	return (struct model_alert){ .name = name, .labels = labels, .since_ns = LOGS_NOW - 20 * NS_PER_MIN };
}

static void
test_alert_map(void **state)
{
	struct world *w = world_new();
	struct label all[] = { { "alertname", "SpamHigh" }, { "job", "spam filter" }, { "model", "a.b/c" }, { "who", "x\" or \"y" } };
	struct label few[] = { { "alertname", "SpamHigh" }, { "job", "web" } };
	struct labels labels;
	struct model_alert a = alert_with("SpamHigh", &labels, all, 4);
	struct err err = ERR_INIT;
	char *query = logs_for_alert(w->logs, &a, &err);

	(void)state;
	/* Each value is written for where it stands. */
	assert_string_equal(query, "service:\"spam filter\" /model a\\.b\\/c\\b/ \"by x\\\" or \\\"y\"");
	free(query);
	/* Its time is asked for. */
	logs_turn(w->logs);
	assert_int_equal(want("adhoc:lines:search:", 0)->start_ns, LOGS_NOW - 21 * NS_PER_MIN);
	assert_int_equal(want("adhoc:lines:search:", 0)->end_ns, LOGS_NOW - 18 * NS_PER_MIN);
	/* A label is missing: the next rule. */
	a = alert_with("SpamHigh", &labels, few, 2);
	query = logs_for_alert(w->logs, &a, &err);
	assert_string_equal(query, "service:web SpamHigh");
	free(query);
	/* So is an empty one, and one with a newline is none that a line has. */
	few[1].value = "";
	assert_null(logs_for_alert(w->logs, &a, &err));
	few[1].value = "a\nb";
	assert_null(logs_for_alert(w->logs, &a, &err));
	world_free(w);
}

/* A map to the store's own words: it is asked, and what is shown is filtered by the service. */
static void
test_alert_native(void **state)
{
	static struct conf_log_alert native = { .query = (char *)"loki: {app=\"${labels.app}\"}", .before_ns = NS_PER_MIN, .after_ns = NS_PER_MIN };
	struct world *w = world_new();
	struct label v[] = { { "alertname", "Slow" }, { "app", "ranker" } }, plain[] = { { "alertname", "Slow" } };
	struct labels labels;
	struct model_alert a = alert_with("Slow", &labels, v, 2);
	struct err err = ERR_INIT;
	char *query;

	(void)state;
	w->env.logs.alerts = &native;
	w->env.logs.n_alerts = 1;
	query = logs_for_alert(w->logs, &a, &err);
	assert_string_equal(query, "service:ranker");
	free(query);
	logs_turn(w->logs);
	assert_string_equal(want("adhoc:lines:search:", 0)->query, "{app=\"ranker\"}");
	/* Nothing names a service: it stands there as it was asked, and the panel says so. */
	native.query = (char *)"loki: {app=\"x\"}";
	a = alert_with("Slow", &labels, plain, 1);
	query = logs_for_alert(w->logs, &a, &err);
	assert_string_equal(query, native.query);
	free(query);
	world_free(w);
}

/* No value can leave its place. */
static void
test_alert_hostile(void **state)
{
	static const char *const evil[] = { "\" !x \"", "a b", "/.*/", "x level:=info", "\\", "${alert}", "a\"b\\\"c" };
	struct world *w = world_new();

	(void)state;
	for (size_t i = 0; i < sizeof evil / sizeof evil[0]; i++) {
		struct label v[] = { { "alertname", "SpamHigh" }, { "job", evil[i] }, { "model", evil[i] }, { "who", evil[i] } };
		struct labels labels;
		struct model_alert a = alert_with("SpamHigh", &labels, v, 4);
		struct err err = ERR_INIT;
		struct log_filter *f = NULL;
		char *query = logs_for_alert(w->logs, &a, &err);

		assert_non_null(query);
		if (log_filter_new(query, &f, &err) < 0)
			fail_msg("%s: %s", query, err.msg);
		log_filter_free(f);
		free(query);
	}
	world_free(w);
}

/* Without a rule: what the alert and the lines have in common. */
static void
test_alert_common(void **state)
{
	struct world *w = world_new();
	struct logs_line line = { LOGS_NOW - NS_PER_MIN, "ranker", LOG_LEVEL_ERROR, "x" };
	struct label by_service[] = { { "alertname", "Slow" }, { "service", "ranker" } };
	struct label by_label[] = { { "alertname", "Slow" }, { "app", "ranker" }, { "severity", "page" } };
	struct label none[] = { { "alertname", "Slow" }, { "service", "other" } };
	struct labels labels;
	struct model_alert a = alert_with("Slow", &labels, by_service, 2);
	struct err err = ERR_INIT;
	char *query;

	(void)state;
	logs_tell_model(w->app.model, "loki", &line, 1);
	query = logs_for_alert(w->logs, &a, &err);
	assert_string_equal(query, "service:ranker");
	free(query);
	a = alert_with("Slow", &labels, by_label, 3);
	query = logs_for_alert(w->logs, &a, &err);
	assert_string_equal(query, "service:ranker");
	free(query);
	a = alert_with("Slow", &labels, none, 2);
	assert_null(logs_for_alert(w->logs, &a, &err));
	assert_non_null(strstr(err.msg, "logs: alerts:"));
	world_free(w);
}

/* --- patterns -------------------------------------------------------------------------------------- */

static void
apply(struct world *w, enum event_kind kind, const char *source, void *block)
{
	struct event ev;

	event_init(&ev, kind, LOGS_NOW, source, block);
	model_apply(w->app.model, &ev);
	event_done(&ev);
}

/* Since when a pattern is new: the last tenth, the newest change, the incident. The scenes have a page. */
static void
test_anchor(void **state)
{
	struct world *w = world_new();
	struct marker changes[] = { { .kind = MARKER_CHANGE, .at_ns = LOGS_NOW - 30 * NS_PER_MIN, .what = "m", .from = "1", .to = "2", .text = "m 2" },
		{ .kind = MARKER_CHANGE, .at_ns = LOGS_NOW - 20 * NS_PER_MIN, .what = "m", .from = "2", .to = "3", .text = "m 3" } };
	struct marker_set *set = block_new(sizeof *set);
	struct incident *incident = block_new(sizeof *incident);
	int64_t start = LOGS_NOW - NS_PER_HOUR;
	const char *what;

	(void)state;
	assert_true(log_anchor(w->app.model, start, LOGS_NOW, &what) == LOGS_NOW - 6 * NS_PER_MIN);
	assert_string_equal(what, "last tenth of the range");
	*set = (struct marker_set){ .block = set->block, .def = "marker:m", .start_ns = start, .end_ns = LOGS_NOW, .n = 2, .v = changes };
	apply(w, EVENT_MARKERS, "prometheus", set);
	assert_true(log_anchor(w->app.model, start, LOGS_NOW, &what) == LOGS_NOW - 20 * NS_PER_MIN - 30 * NS_PER_S);
	assert_string_equal(what, "newest change");
	incident->id = incident->title = incident->by = "i";
	incident->opened_ns = LOGS_NOW - 25 * NS_PER_MIN;
	apply(w, EVENT_INCIDENT, "", incident);
	assert_true(log_anchor(w->app.model, start, LOGS_NOW, &what) == LOGS_NOW - 30 * NS_PER_MIN - 30 * NS_PER_S);
	assert_string_equal(what, "before the incident");
	incident = block_new(sizeof *incident);
	incident->id = incident->title = incident->by = "i";
	incident->opened_ns = LOGS_NOW - 4 * NS_PER_MIN;
	apply(w, EVENT_INCIDENT, "", incident);
	assert_true(log_anchor(w->app.model, start, LOGS_NOW, &what) == LOGS_NOW - 9 * NS_PER_MIN);
	world_free(w);
}

/* --- saving ------------------------------------------------------------------------------------------ */

static void
on_saved(const char *path, size_t n, const struct err *err, void *arg)
{
	struct world *w = arg;

	snprintf(w->saved, sizeof w->saved, "%s", path);
	w->n_saved = n;
	w->err = *err;
	w->is_saved = true;
}

static void
test_save(void **state)
{
	struct world *w = world_new();
	struct logs_line lines[] = { { LOGS_NOW - 3, "web", LOG_LEVEL_ERROR, "bad \xff byte \"quoted\"" }, { LOGS_NOW - 2, "web", LOG_LEVEL_INFO, "left out" } };
	char dir[] = "/tmp/opsconsole-logs-XXXXXX", path[128], text[1024] = "", other[160], cwd[4096];
	struct err err = ERR_INIT;
	json_error_t where;
	struct stat st;
	json_t *json;
	FILE *f;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof path, "%s/lines.jsonl", dir);
	assert_int_equal(logs_save(w->logs, path, on_saved, w, &err), ERR_NOTFOUND);
	logs_tell_model(w->app.model, "loki", lines, 2);
	tell_lines(w, "logs:app", lines, 0, 0);
	logs_filter(w->logs, "level:error");
	turn(w);
	assert_int_equal(logs_save(w->logs, path, on_saved, w, &err), 0);
	while (!w->is_saved)
		loop_once(w->app.loop, 10 * NS_PER_MS);
	assert_int_equal(w->err.code, 0);
	assert_int_equal(w->n_saved, 1);
	assert_string_equal(w->saved, path);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	f = fopen(path, "r");
	assert_non_null(f);
	assert_non_null(fgets(text, sizeof text, f));
	assert_null(fgets(other, sizeof other, f));
	fclose(f);
	json = json_loads(text, 0, &where);
	assert_non_null(json);
	assert_string_equal(json_string_value(json_object_get(json, "text")), "bad \xef\xbf\xbd byte \"quoted\"");
	assert_string_equal(json_string_value(json_object_get(json, "level")), "error");
	assert_string_equal(json_string_value(json_object_get(json, "time")), "2030-01-01T02:28:31.999999997Z");
	json_decref(json);
	/* What is there stays, and nothing is left beside it. */
	assert_int_equal(logs_save(w->logs, path, on_saved, w, &err), ERR_INVALID);
	assert_non_null(strstr(err.msg, "is there already"));
	/* Without a name it is told with its folder. */
	assert_non_null(getcwd(cwd, sizeof cwd));
	assert_int_equal(chdir(dir), 0);
	w->is_saved = false;
	assert_int_equal(logs_save(w->logs, NULL, on_saved, w, &err), 0);
	assert_int_equal(chdir(cwd), 0);
	while (!w->is_saved)
		loop_once(w->app.loop, 10 * NS_PER_MS);
	assert_int_equal(w->err.code, 0);
	assert_true(strncmp(w->saved, dir, strlen(dir)) == 0);
	assert_int_equal(unlink(w->saved), 0);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(dir), 0);
	/* The folder is gone. */
	w->is_saved = false;
	assert_int_equal(logs_save(w->logs, path, on_saved, w, &err), 0);
	while (!w->is_saved)
		loop_once(w->app.loop, 10 * NS_PER_MS);
	assert_int_equal(w->err.code, ERR_IO);
	assert_non_null(strstr(w->err.msg, "could not be written"));
	world_free(w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_follows),
		cmocka_unit_test(test_counts),
		cmocka_unit_test(test_no_store),
		cmocka_unit_test(test_older),
		cmocka_unit_test(test_range),
		cmocka_unit_test(test_search),
		cmocka_unit_test(test_search_of_no_time),
		cmocka_unit_test(test_search_counts),
		cmocka_unit_test(test_search_counts_what_matches),
		cmocka_unit_test(test_native_search),
		cmocka_unit_test(test_alert_map),
		cmocka_unit_test(test_alert_native),
		cmocka_unit_test(test_alert_hostile),
		cmocka_unit_test(test_alert_common),
		cmocka_unit_test(test_anchor),
		cmocka_unit_test(test_save),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
