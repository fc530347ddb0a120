/* Runbooks of any bytes, with and without an environment: a runbook or problems, never both, never neither; each problem can be shown and says where. */
#include "config.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "runbook/runbook.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char config[] =
    "apiVersion: opsconsole/v1\nkind: Config\nenvironments:\n  - name: prod\n"
    "    sources: [{ name: prometheus, type: prometheus, url: 'http://m' }, { name: flags, type: http, url: 'http://f' }]\n"
    "    hosts: [{ name: serving, hosts: ['web-[01-03]'] }]\n"
    "    contacts: [{ role: secondary }]\n"
    "    exec: [kubectl]\n"
    "    actions:\n      drain: { ssh: { run: [drain, '${pool}'] }, undo: { run: [undrain, '${pool}'] } }\n";

static void __attribute__((noreturn))
die(const char *what)
{
	fprintf(stderr, "%s\n", what);
	abort();
}

static void
check_problems(const struct conf_problems *p)
{
	for (size_t i = 0; i < p->n; i++) {
		if (!utf8_is_valid(p->v[i], strlen(p->v[i])) || strpbrk(p->v[i], "\n\033") != NULL)
			die("a sentence that cannot be shown");
		if (strchr(p->v[i], ':') == NULL)
			die("a sentence without a place");
	}
}

static void
check_runbook(const struct runbook *rb)
{
	if (rb->name == NULL || rb->title == NULL || strlen(rb->sha256) != 64 || rb->n_steps == 0)
		die("a runbook that lacks what every one has");
	for (size_t i = 0; i < rb->n_steps; i++)
		if (rb->steps[i].act == NULL || rb->steps[i].name == NULL || rb->steps[i].act->timeout_ns <= 0)
			die("a step that cannot be done");
	for (size_t i = 0; i < rb->n_verify; i++)
		if (rb->verify[i]->text == NULL || (rb->verify[i]->subject == NULL && rb->verify[i]->kind != COND_TIME))
			die("a condition of nothing");
}

static void
read_one(const uint8_t *data, size_t size, const struct conf *conf, const struct conf_environment *env)
{
	struct conf_problems problems = { 0 };
	struct runbook *rb = NULL;
	struct err err = ERR_INIT;
	int r = runbook_read("r.yaml", size > 0 ? (const char *)data : "", size, conf, env, &rb, &problems, &err);

	if (r != err.code || (r < 0 && rb != NULL))
		die("result and error disagree");
	if (r == 0 && (rb != NULL) == (problems.n > 0))
		die("neither a runbook nor a reason, or both");
	check_problems(&problems);
	if (rb != NULL)
		check_runbook(rb);
	runbook_free(rb);
	conf_problems_done(&problems);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct conf_problems problems;
	struct conf *conf;

	/* No file is included: this is about text. */
	for (size_t i = 0; i + 7 < size; i++)
		if (memcmp(data + i, "include", 7) == 0)
			return 0;
	if (conf_parse("c", config, strlen(config), &conf, &problems, NULL) < 0 || problems.n > 0)
		die("the config of this test");
	read_one(data, size, NULL, NULL);
	read_one(data, size, conf, &conf->environments[0]);
	conf_problems_done(&problems);
	conf_free(conf);
	return 0;
}
