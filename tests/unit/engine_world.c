#include "config.h"

#include "engine_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/xalloc.h"
#include "conf/conf_hosts.h"

static const struct model *
world_model(void *arg)
{
	return ((struct engine *)arg)->model;
}

static void
world_apply(void *arg, const struct event *ev)
{
	struct engine *e = arg;

	e->n_events += ev->kind == EVENT_RUN;
	e->n_outputs += ev->kind == EVENT_RUN_OUTPUT;
	e->applied_bytes += (int64_t)block_bytes(ev->block);
	model_apply(e->model, ev);
}

static void
parse_conf(struct engine *e, unsigned n_hosts)
{
	char text[2048];
	struct conf_problems problems = { 0 };
	struct err err = ERR_INIT;

	snprintf(text, sizeof text, "apiVersion: opsconsole/v1\nkind: Config\nenvironments:\n  - name: prod\n    sources:\n"
	    "      - { name: mlflow, type: mlflow, url: 'http://127.0.0.1:9' }\n"
	    "      - { name: prom, type: prometheus, url: 'http://127.0.0.1:9' }\n"
	    "    hosts:\n      - { name: serving, hosts: ['web-[01-%02u]'] }\n"
	    "    models:\n      - { name: spam, registry: mlflow, alias: champion, serving: { expr: served } }\n", n_hosts);
	if (conf_parse("c", text, strlen(text), &e->conf, &problems, &err) < 0 || problems.n > 0 || e->conf->n_environments != 1)
		fail_msg("config: %s %s", err.msg, problems.n > 0 ? problems.v[0] : "");
	conf_problems_done(&problems);
}

void
engine_open(struct engine *e, unsigned n_hosts)
{
	struct err err = ERR_INIT;
	struct event ev;

	memset(e, 0, sizeof *e);
	fake_reset();
	if (loop_new(&e->loop, &err) < 0)
		fail_msg("%s", err.msg);
	fake_loop(e->loop);
	parse_conf(e, n_hosts);
	e->model = model_new(0, 0);
	clock_tick();
	model_advance(e->model, clock_now());
	event_init(&ev, EVENT_HOSTS, clock_now(), "", conf_hosts(&e->conf->environments[0], NULL, 0));
	model_apply(e->model, &ev);
	event_done(&ev);
	snprintf(e->dir, sizeof e->dir, "/tmp/ops-engine-XXXXXX");
	assert_non_null(mkdtemp(e->dir));
	buf_init(&e->notices, SIZE_MAX);
	e->world = (struct run_world){ .loop = e->loop, .audit = (struct audit *)e, .conf = e->conf, .env = &e->conf->environments[0], .user = "alice",
		.state_dir = e->dir, .arg = e, .model = world_model, .apply = world_apply };
}

void
engine_close(struct engine *e)
{
	char *cmd[] = { (char *)"rm", (char *)"-rf", e->dir, NULL };
	pid_t pid;

	run_free(e->run);
	engine_turns(e, 3);
	runbook_free(e->runbook);
	model_free(e->model);
	loop_free(e->loop);
	conf_free(e->conf);
	buf_done(&e->notices);
	fake_reset();
	pid = fork();
	if (pid == 0) {
		execvp(cmd[0], cmd);
		_exit(127);
	}
}

void
engine_runbook(struct engine *e, const char *text)
{
	char *whole = xasprintf("apiVersion: opsconsole/v1\nkind: Runbook\nname: rollback\ntitle: Put it back\n%s", text);
	struct conf_problems problems = { 0 };
	struct err err = ERR_INIT;

	runbook_free(e->runbook);
	e->runbook = NULL;
	if (runbook_read("rollback.yaml", whole, strlen(whole), e->conf, e->world.env, &e->runbook, &problems, &err) < 0 || e->runbook == NULL)
		fail_msg("runbook: %s%s", err.msg, problems.n > 0 ? problems.v[0] : "");
	conf_problems_done(&problems);
	free(whole);
}

static void
on_notice(struct run *r, const struct run_notice *n, void *arg)
{
	static const char *const kinds[] = { "state", "fact", "step", "output", "condition", "batch", "question", "end" };
	struct engine *e = arg;

	(void)r;
	buf_printf(&e->notices, "%s %s %s: %s %s\n", kinds[n->kind], n->host, n->name, outcome_name(n->outcome), n->kind == NOTICE_OUTPUT ? "" : n->text);
}

int
engine_new(struct engine *e, const struct run_request *q, const char *const *sets, struct err *err)
{
	struct run_request request = *q;
	struct run_set v[8];
	char names[8][32];

	request.runbook = e->runbook;
	request.sets = v;
	for (size_t i = 0; sets != NULL && sets[i] != NULL; i++) {
		const char *eq = strchr(sets[i], '=');

		snprintf(names[i], sizeof names[i], "%.*s", (int)(eq - sets[i]), sets[i]);
		v[request.n_sets++] = (struct run_set){ names[i], eq + 1, "given" };
	}
	run_free(e->run);
	e->run = NULL;
	clock_tick();
	return run_new(&e->world, &request, on_notice, e, &e->run, err);
}

void
engine_turns(struct engine *e, unsigned n)
{
	while (n-- > 0)
		loop_once(e->loop, NS_PER_MS);
}

void
engine_until(struct engine *e, enum run_state state)
{
	int64_t end = clock_mono_fresh() + 20 * NS_PER_S;

	while (run_state(e->run) != state) {
		loop_once(e->loop, 50 * NS_PER_MS);
		if (clock_mono_fresh() > end || (run_state(e->run) == RUN_ENDED && state != RUN_ENDED))
			fail_msg("%s instead of %s: %s\n%s\n%s", run_state_name(run_state(e->run)), run_state_name(state), run_info(e->run)->text, fake_journal(), e->notices.data);
	}
}

void
engine_confirm(struct engine *e)
{
	struct err err = ERR_INIT;

	engine_until(e, RUN_PLANNED);
	if (run_confirm(e->run, run_plan_hash(e->run), run_info(e->run)->target, "typed", &err) < 0)
		fail_msg("confirm: %s", err.msg);
}

int
engine_run(struct engine *e, bool is_interactive)
{
	struct err err = ERR_INIT;

	if (engine_new(e, &(struct run_request){ .is_interactive = is_interactive }, (const char *const[]){ "model=spam", NULL }, &err) < 0)
		fail_msg("run_new: %s", err.msg);
	engine_confirm(e);
	engine_until(e, RUN_ENDED);
	return run_exit(e->run);
}

const struct run_cell *
engine_cell(struct engine *e, const char *host, const char *column)
{
	const struct run_info *i = run_info(e->run);

	for (size_t r = 0; r < i->n_rows; r++)
		for (size_t c = 0; c < i->n_columns; c++)
			if (strcmp(i->rows[r].host, host) == 0 && strcmp(i->columns[c].name, column) == 0)
				return &i->rows[r].cells[c];
	fail_msg("no cell %s on %s", column, host);
	return NULL;
}

const char *
engine_fact(struct engine *e, const char *name)
{
	const struct run_info *i = run_info(e->run);

	for (size_t k = 0; k < i->n_facts; k++)
		if (strcmp(i->facts[k].name, name) == 0)
			return i->facts[k].text;
	return "";
}
