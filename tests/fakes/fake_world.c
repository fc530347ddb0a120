#include "config.h"

#include "fakes/fake_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "fakes/fake_ssh.h"

enum { REPLIES_MAX = 32, SERIES_MAX = 32, TEMPLATES_MAX = 256 };

struct run_world world;
struct model *live;
struct world_request last_request;
unsigned n_requests, n_queries, n_polls;
char last_poll[64];
struct told told;
struct judged judged;
const char *const three_hosts[] = { "web-01", "web-02", "web-03", NULL };

static struct conf_source sources[] = {
	{ .name = (char *)"prom", .type = (char *)"prometheus" }, { .name = (char *)"am", .type = (char *)"alertmanager" },
	{ .name = (char *)"mlflow", .type = (char *)"mlflow" }, { .name = (char *)"flags", .type = (char *)"http" },
	{ .name = (char *)"loki", .type = (char *)"loki", .tenant = (char *)"blog" }, { .name = (char *)"elastic", .type = (char *)"elasticsearch" },
	{ .name = (char *)"journal", .type = (char *)"journald" },
};
static struct conf_model models[] = { { .name = (char *)"spam", .registry = (char *)"mlflow", .alias = (char *)"champion" } };
static struct conf_contact contacts[] = { { .role = (char *)"secondary", .name = (char *)"Bob", .channel = (char *)"#ops" } };
static char *programs[] = { (char *)"/bin/sh", NULL };
static struct conf world_conf;
struct conf_environment world_env = {
	.name = (char *)"prod", .sources = sources, .n_sources = sizeof sources / sizeof *sources, .models = models, .n_models = 1, .contacts = contacts, .n_contacts = 1,
	.exec = programs,
};

/* --- requests --------------------------------------------------------------------------------------- */

static struct reply { const char *request, *body; long status; bool is_maybe_sent; } replies[REPLIES_MAX];
static size_t n_replies;

struct pending {
	struct reply reply;
	sources_write_cb *cb;
	void *arg;
	struct loop_timer *timer;
};

void
world_reply(const char *request, long status, const char *body)
{
	assert_true(n_replies < REPLIES_MAX);
	replies[n_replies++] = (struct reply){ request, body, status, true };
}

void
world_no_reply(const char *request, bool is_maybe_sent)
{
	assert_true(n_replies < REPLIES_MAX);
	replies[n_replies++] = (struct reply){ request, "", 0, is_maybe_sent };
}

unsigned
world_replies_left(void)
{
	return (unsigned)n_replies;
}

static void
on_reply(void *arg)
{
	struct pending *p = arg;
	struct write_result r = {
		.answer = { .status = p->reply.status, .content_type = "application/json" }, .body = p->reply.body, .len = strlen(p->reply.body),
		.is_maybe_sent = p->reply.is_maybe_sent,
	};

	if (p->reply.status == 0)
		err_set(&r.err, ERR_TIMEOUT, "no answer came");
	loop_timer_free(p->timer);
	p->cb(&r, p->arg);
	free(p);
}

static void
note_request(const char *source, const struct request *r)
{
	struct world_request *l = &last_request;
	size_t at = 0;

	n_requests++;
	*l = (struct world_request){ 0 };
	snprintf(l->source, sizeof l->source, "%s", source);
	snprintf(l->line, sizeof l->line, "%s %s", r->method, r->path);
	snprintf(l->body, sizeof l->body, "%s", r->body.data);
	for (size_t i = 0; i < r->n_headers; i++)
		at += (size_t)snprintf(l->headers + at, sizeof l->headers - at, "%s: %s\n", r->headers[i].name, r->headers[i].value);
}

static int
on_write(void *arg, const char *source, const struct request *r, sources_write_cb *cb, void *cb_arg, struct err *err)
{
	struct pending *p;

	(void)arg;
	(void)err;
	note_request(source, r);
	if (n_replies == 0 || strcmp(replies[0].request, last_request.line) != 0)
		fail_msg("request '%s', expected '%s'", last_request.line, n_replies == 0 ? "none" : replies[0].request);
	p = xcalloc(1, sizeof *p);
	*p = (struct pending){ .reply = replies[0], .cb = cb, .arg = cb_arg };
	memmove(replies, replies + 1, --n_replies * sizeof *replies);
	p->timer = loop_timer_new(world.loop, on_reply, p);
	loop_timer_in(p->timer, 0);
	return 0;
}

/* --- queries ---------------------------------------------------------------------------------------- */

static struct scripted { char *expr, *series, *why; } scripted[SERIES_MAX];
static size_t n_scripted;

struct world_ask {
	struct scripted *answer;
	world_series_cb *cb;
	void *arg;
	struct loop_timer *timer;
};

void
world_series(const char *expr, const char *series, const char *why)
{
	size_t i;

	for (i = 0; i < n_scripted; i++)
		if (strcmp(scripted[i].expr, expr) == 0)
			break;
	assert_true(i < SERIES_MAX);
	if (i < n_scripted) {
		free(scripted[i].expr);
		free(scripted[i].series);
		free(scripted[i].why);
	} else {
		n_scripted++;
	}
	scripted[i] = (struct scripted){ xstrdup(expr), xstrdup_or_null(series), xstrdup_or_null(why) };
}

static void
add_labels(struct series *s, struct arena *mem, char *text)
{
	struct label *v = arena_alloc(mem, 16 * sizeof *v), tmp;
	char *save = NULL;

	for (char *w = strtok_r(text, ",", &save); w != NULL; w = strtok_r(NULL, ",", &save)) {
		char *eq = strchr(w, '=');

		v[s->labels.n++] = (struct label){ arena_strndup(mem, w, (size_t)(eq - w)), arena_strdup(mem, eq + 1) };
	}
	for (size_t i = 0; i < s->labels.n; i++)
		for (size_t k = i + 1; k < s->labels.n; k++)
			if (strcmp(v[k].name, v[i].name) < 0) {
				tmp = v[i];
				v[i] = v[k];
				v[k] = tmp;
			}
	s->labels.v = v;
}

static void
add_series(struct series *s, struct arena *mem, char *line)
{
	struct sample *sample = arena_alloc(mem, sizeof *sample);
	char *space = strchr(line, ' '), *at;

	assert_non_null(space);
	*space = '\0';
	at = strchr(space + 1, '@');
	sample->v = strtod(space + 1, NULL);
	sample->t_ns = at != NULL ? (int64_t)(strtod(at + 1, NULL) * 1e9) : clock_now();
	s->n = 1;
	s->v = sample;
	add_labels(s, mem, line);
}

static struct series_set *
make_set(const char *text)
{
	struct series_set *set = block_new(sizeof *set);
	struct series *v = arena_alloc(&set->block.arena, 64 * sizeof *v);
	char *copy = xstrdup(text), *save = NULL;

	set->type = SERIES_VECTOR;
	for (char *line = strtok_r(copy, "\n", &save); line != NULL; line = strtok_r(NULL, "\n", &save))
		add_series(&v[set->n++], &set->block.arena, line);
	set->v = v;
	free(copy);
	return set;
}

static void
on_asked(void *arg)
{
	struct world_ask *ask = arg;
	struct series_set *set = ask->answer->series != NULL ? make_set(ask->answer->series) : NULL;
	struct err err = ERR_INIT;

	if (set == NULL)
		err_set(&err, ERR_REFUSED, "%s", ask->answer->why != NULL ? ask->answer->why : "no answer");
	loop_timer_free(ask->timer);
	ask->cb(set, &err, ask->arg);
	block_unref(set);
	free(ask);
}

static struct world_ask *
on_query(void *arg, const char *source, const char *expr, world_series_cb *cb, void *cb_arg)
{
	struct world_ask *ask;

	(void)arg;
	(void)source;
	n_queries++;
	for (size_t i = 0; i < n_scripted; i++) {
		if (strcmp(scripted[i].expr, expr) != 0)
			continue;
		ask = xcalloc(1, sizeof *ask);
		*ask = (struct world_ask){ .answer = &scripted[i], .cb = cb, .arg = cb_arg };
		ask->timer = loop_timer_new(world.loop, on_asked, ask);
		loop_timer_in(ask->timer, 0);
		return ask;
	}
	fail_msg("query '%s' was not expected", expr);
	return NULL;
}

static void
on_query_cancel(void *arg, struct world_ask *ask)
{
	(void)arg;
	loop_timer_free(ask->timer);
	free(ask);
}

static void
on_poll_now(void *arg, const char *source, const char *what)
{
	(void)arg;
	(void)source;
	n_polls++;
	snprintf(last_poll, sizeof last_poll, "%s", what);
}

static const struct model *
on_model(void *arg)
{
	(void)arg;
	return live;
}

/* --- bindings --------------------------------------------------------------------------------------- */

static struct template *templates[TEMPLATES_MAX];
static size_t n_templates;

struct template *
tpl(const char *text, enum template_place place)
{
	struct err err = ERR_INIT;
	size_t column = 0;

	assert_true(n_templates < TEMPLATES_MAX);
	if (template_parse(text, place, &templates[n_templates], &column, &err) < 0)
		fail_msg("template '%s': %s", text, err.msg);
	return templates[n_templates++];
}

static const char *
lookup(const char *name, void *arg, const char **ret_why)
{
	const struct test_values *v = arg;

	(void)ret_why;
	for (size_t i = 0; i < 8 && v != NULL && v->names[i] != NULL; i++)
		if (strcmp(v->names[i], name) == 0)
			return v->values[i];
	return NULL;
}

static bool
is_secret(const char *name, void *arg)
{
	(void)arg;
	return strncmp(name, "secret", 6) == 0;
}

struct bindings
world_bindings(struct test_values *v, const char *host)
{
	static struct ssh_host at;

	at = (struct ssh_host){ .name = host, .address = host, .user = "ops", .port = 2222 };
	return (struct bindings){
		.lookup = lookup, .arg = v, .host = host != NULL ? &at : NULL, .hosts = three_hosts, .is_secret = is_secret,
	};
}

/* --- results ---------------------------------------------------------------------------------------- */

void
world_told(struct running *r, const struct act_result *result, void *arg)
{
	(void)arg;
	assert_false(told.is_done);
	told.is_done = true;
	told.outcome = result->outcome;
	told.is_not_begun = result->is_not_begun;
	told.is_refused = result->is_refused;
	told.is_exited = result->is_exited;
	told.status = result->status;
	told.has_previous = result->previous != NULL;
	snprintf(told.text, sizeof told.text, "%s", result->text != NULL ? result->text : "(null)");
	snprintf(told.previous, sizeof told.previous, "%s", result->previous != NULL ? result->previous : "");
	snprintf(told.why, sizeof told.why, "%s", result->err.msg);
	act_free(r);
}

static void
on_output(struct running *r, bool is_err, const char *bytes, size_t len, void *arg)
{
	size_t at = strlen(told.output);

	(void)r;
	(void)arg;
	snprintf(told.output + at, sizeof told.output - at, "%s%.*s", is_err ? "!" : "", (int)len, bytes);
}

struct bound *
world_bind(struct act *act, const struct bindings *b)
{
	struct bound *bound = NULL;
	struct err err = ERR_INIT;

	if (step_bind(&world, act, b, &bound, &err) < 0)
		fail_msg("bind: %s", err.msg);
	return bound;
}

int
world_act(struct act *act, const struct bindings *b, const struct act_start *start, struct err *err)
{
	struct act_start s = *start;
	struct running *r;
	struct bound *bound;
	int e = step_bind(&world, act, b, &bound, err);

	if (e < 0)
		return e;
	told = (struct told){ 0 };
	s.done = world_told;
	s.output = on_output;
	e = act_begin(&world, bound, &s, &r, err);
	bound_unref(bound);
	if (e == 0) {
		assert_false(told.is_done);	/* never from inside */
		world_until(&told.is_done);
	}
	return e;
}

static void
add_names(char *dst, size_t size, const struct strings *v)
{
	size_t at = 0;

	for (size_t i = 0; i < v->n && at < size; i++)
		at += (size_t)snprintf(dst + at, size - at, "%s%s", i > 0 ? " " : "", v->v[i]);
}

static void
on_progress(struct judging *j, const struct judgement *result, void *arg)
{
	(void)j;
	(void)result;
	(void)arg;
	judged.n_progress++;
}

static void
on_judged(struct judging *j, const struct judgement *result, void *arg)
{
	(void)arg;
	judged.is_done = true;
	judged.outcome = result->outcome;
	snprintf(judged.text, sizeof judged.text, "%s", result->text);
	add_names(judged.failed, sizeof judged.failed, &result->failed_hosts);
	add_names(judged.unknown, sizeof judged.unknown, &result->unknown_hosts);
	judge_free(j);
}

void
world_judge(struct condition *c, const struct bindings *b, int64_t since_ns)
{
	world_judge_behind(c, b, since_ns, 0);
}

void
world_judge_behind(struct condition *c, const struct bindings *b, int64_t since_ns, int64_t begun_ns)
{
	judged = (struct judged){ 0 };
	judge_begin(&world, c, b, since_ns, begun_ns, on_progress, on_judged, NULL);
	assert_false(judged.is_done);
	world_until(&judged.is_done);
}

/* --- life ------------------------------------------------------------------------------------------- */

static int64_t frozen_ns;
void (*world_tick)(void);

void
world_freeze(int64_t ns)
{
	frozen_ns = ns;
	clock_freeze(ns);
}

void
world_until(const bool *flag)
{
	for (unsigned i = 0; !*flag && i < 20000; i++) {
		if (world_tick != NULL)
			world_tick();
		if (frozen_ns != 0)
			clock_freeze(frozen_ns += NS_PER_S / 2);
		loop_once(world.loop, frozen_ns != 0 ? 0 : 20 * NS_PER_MS);
	}
	assert_true(*flag);
}

void
world_turns(unsigned n)
{
	while (n-- > 0)
		loop_once(world.loop, NS_PER_MS);
}

int
world_setup(void **state)
{
	struct err err = ERR_INIT;

	(void)state;
	frozen_ns = 0;
	world_tick = NULL;
	clock_freeze(0);
	clock_tick();
	live = model_new(0, 0);
	world = (struct run_world){
		.conf = &world_conf, .env = &world_env, .user = "ops", .model = on_model, .query = on_query, .query_cancel = on_query_cancel,
		.write = on_write, .poll_now = on_poll_now,
	};
	assert_int_equal(loop_new(&world.loop, &err), 0);
	world.ssh = fake_ssh_new(world.loop);
	n_replies = n_scripted = 0;
	n_requests = n_queries = n_polls = 0;
	return 0;
}

int
world_teardown(void **state)
{
	(void)state;
	ssh_free(world.ssh);
	loop_free(world.loop);
	model_free(live);
	for (size_t i = 0; i < n_scripted; i++) {
		free(scripted[i].expr);
		free(scripted[i].series);
		free(scripted[i].why);
	}
	while (n_templates > 0)
		template_free(templates[--n_templates]);
	n_scripted = 0;
	clock_freeze(0);
	return 0;
}
