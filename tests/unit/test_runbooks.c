/* Runbooks in folders: which is used, which cannot be, what is included; lists for people and programs. */
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

#include <ftw.h>

#include <cmocka.h>

#include <jansson.h>

#include "base/str.h"
#include "base/xalloc.h"
#include "runbook/runbook.h"

#define BOOK(name, title) "apiVersion: opsconsole/v1\nkind: Runbook\nname: " name "\ntitle: " title "\nsteps:\n"
#define SAY "  - { name: say, notify: hello }\n"

static char root[64];

static void
put(const char *path, const char *text)
{
	char *full = xasprintf("%s/%s", root, path);
	FILE *f = fopen(full, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	chmod(full, 0600);
	free(full);
}

static void
folder(const char *path)
{
	char *full = xasprintf("%s/%s", root, path);

	assert_int_equal(mkdir(full, 0700), 0);
	free(full);
}

static void
point_to(const char *variable, const char *path)
{
	char *full = xasprintf("%s/%s", root, path);

	setenv(variable, full, 1);
	free(full);
}

static int
setup(void **state)
{
	(void)state;
	strcpy(root, "/tmp/test-runbooks-XXXXXX");
	assert_non_null(mkdtemp(root));
	folder("own");
	folder("own/parts");
	folder("config");
	folder("config/opsconsole");
	folder("config/opsconsole/runbooks");
	folder("data");
	folder("data/runbooks");
	point_to("XDG_CONFIG_HOME", "config");
	point_to("OPSCONSOLE_DATADIR", "data");
	return 0;
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *walk)
{
	(void)st;
	(void)type;
	(void)walk;
	return remove(path);
}

static int
teardown(void **state)
{
	(void)state;
	return nftw(root, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void
read_all(struct runbooks *ret)
{
	char *own = xasprintf("%s/own", root);
	struct conf conf = { .runbooks = (char *[]){ own, NULL } };

	assert_int_equal(runbooks_read(&conf, NULL, ret, NULL), 0);
	free(own);
}

static void
the_first_of_a_name_wins(void **state)
{
	struct err err = ERR_INIT;
	const struct runbook *rb;
	struct runbooks r;

	(void)state;
	put("own/a.yaml", BOOK("a", "own") SAY);
	put("config/opsconsole/runbooks/a.yaml", BOOK("a", "user") SAY);
	put("config/opsconsole/runbooks/b.yml", BOOK("b", "user") SAY);
	put("data/runbooks/b.yaml", BOOK("b", "shipped") SAY);
	put("data/runbooks/rollback.yaml", BOOK("rollback", "shipped") SAY);
	put("own/notes.txt", "no runbook");
	read_all(&r);
	assert_int_equal(r.problems.n, 0);
	assert_int_equal(r.n, 3);
	assert_string_equal(r.v[0]->title, "own");
	assert_string_equal(r.v[1]->title, "user");
	assert_false(r.v[1]->is_shipped);
	assert_true(r.v[2]->is_shipped);
	assert_int_equal(runbooks_pick(&r, "rolback", &rb, &err), ERR_NOTFOUND);
	assert_string_equal(err.msg, "there is no runbook 'rolback'; did you mean 'rollback'?");
	assert_int_equal(runbooks_pick(&r, "a", &rb, &err), 0);
	assert_ptr_equal(rb, runbooks_find(&r, "a"));
	runbooks_done(&r);
}

/* What somebody wrote to replace a shipped one must not silently be the shipped one. */
static void
a_broken_one_is_not_replaced(void **state)
{
	struct err err = ERR_INIT;
	const struct runbook *rb;
	struct runbooks r;

	(void)state;
	put("own/b.yaml", BOOK("b", "own") "  - { name: say, notfy: hello }\n");
	put("own/c.yaml", BOOK("d", "other") SAY);
	put("own/e.yaml", "a: [");
	read_all(&r);
	assert_null(runbooks_find(&r, "b"));
	assert_int_equal(r.n_broken, 3);
	assert_int_equal(runbooks_pick(&r, "b", &rb, &err), ERR_INVALID);
	assert_non_null(strstr(err.msg, "own/b.yaml:6:5: a step says not what it is"));
	assert_int_equal(runbooks_pick(&r, "c", &rb, &err), ERR_INVALID);
	assert_non_null(strstr(err.msg, "call the file d.yaml"));
	assert_int_equal(runbooks_pick(&r, "e", &rb, &err), ERR_INVALID);
	runbooks_done(&r);
}

/* Not everybody has what a shipped one needs, and their config has no mistake for it. */
static void
a_shipped_one_that_does_not_fit_is_no_problem(void **state)
{
	struct conf_environment env = { .name = "prod" };
	struct err err = ERR_INIT;
	const struct runbook *rb;
	struct conf conf = { 0 };
	struct runbooks r;
	char *path = xasprintf("%s/data/runbooks/fit.yaml", root);

	(void)state;
	put("data/runbooks/fit.yaml", BOOK("fit", "shipped") "  - { name: d, action: drain }\n");
	assert_int_equal(runbooks_read(&conf, &env, &r, NULL), 0);
	assert_int_equal(r.problems.n, 0);
	assert_int_equal(runbooks_pick(&r, "fit", &rb, &err), ERR_INVALID);
	assert_non_null(strstr(err.msg, "'drain' is no action of the environment 'prod'"));
	runbooks_done(&r);
	assert_int_equal(runbooks_read(&conf, NULL, &r, NULL), 0);
	assert_non_null(runbooks_find(&r, "fit"));
	runbooks_done(&r);
	/* Nobody to call is no reason not to have it. */
	put("data/runbooks/fit.yaml", BOOK("fit", "shipped") SAY "escalate: nobody\n");
	assert_int_equal(runbooks_read(&conf, &env, &r, NULL), 0);
	assert_int_equal(runbooks_pick(&r, "fit", &rb, &err), 0);
	assert_null(rb->escalate);
	runbooks_done(&r);
	unlink(path);
	free(path);
}

static void
others_may_not_write_them(void **state)
{
	char *path = xasprintf("%s/own/f.yaml", root);
	struct runbooks r;

	(void)state;
	put("own/f.yaml", BOOK("f", "open") SAY);
	chmod(path, 0666);
	read_all(&r);
	assert_null(runbooks_find(&r, "f"));
	assert_true(r.problems.n > 0);
	unlink(path);
	free(path);
	runbooks_done(&r);
}

static void
steps_are_included(void **state)
{
	const struct runbook *rb;
	struct runbooks r;
	char before[65];

	(void)state;
	put("own/g.yaml", BOOK("g", "includes") "  - { name: one, notify: x }\n  - include: parts/more.yaml\n  - { name: four, notify: x }\n");
	put("own/parts/more.yaml", "- { name: two, notify: x }\n- include: last.yaml\n");
	put("own/parts/last.yaml", "- { name: three, notify: x }\n");
	read_all(&r);
	rb = runbooks_find(&r, "g");
	assert_non_null(rb);
	assert_int_equal(rb->n_steps, 4);
	assert_string_equal(rb->steps[1].name, "two");
	assert_string_equal(rb->steps[2].name, "three");
	assert_string_equal(rb->steps[3].name, "four");
	assert_non_null(strstr(rb->steps[2].at.file, "own/parts/last.yaml"));
	strcpy(before, rb->sha256);
	runbooks_done(&r);
	/* A change of an included file is a change of the runbook. */
	put("own/parts/last.yaml", "- { name: three, notify: y }\n");
	read_all(&r);
	assert_string_not_equal(runbooks_find(&r, "g")->sha256, before);
	runbooks_done(&r);
}

static void
cycles_and_missing_files_are_told(void **state)
{
	static const struct {
		const char *part, *says;
	} cases[] = {
		{ "- include: more.yaml\n", "own/parts/more.yaml:1:12: include: more.yaml includes itself" },
		{ "- include: gone.yaml\n", "cannot read" },
		{ "- { name: two, notify: '${x}' }\n", "own/parts/more.yaml:1:24: 'x' (a variable of notify)" },
		{ "a: b\n", "own/parts/more.yaml:1:1: one list of steps is expected" },
	};
	struct runbooks r;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		bool is_told = false;

		put("own/parts/more.yaml", cases[i].part);
		read_all(&r);
		assert_null(runbooks_find(&r, "g"));
		for (size_t j = 0; j < r.problems.n; j++)
			is_told = is_told || strstr(r.problems.v[j], cases[i].says) != NULL;
		if (!is_told)
			fail_msg("not told: %s, but %s", cases[i].says, r.problems.n > 0 ? r.problems.v[0] : "");
		runbooks_done(&r);
	}
}

static void
the_model_gets_all_of_them(void **state)
{
	const struct past_run past = { .run = "20300101-022931-web", .runbook = "a", .target = "prod", .outcome = "done", .user = "ann", .started_ns = 1, .is_verified = true };
	struct runbook_set *set;
	struct runbooks r;
	size_t n_bad = 0;

	(void)state;
	read_all(&r);
	set = runbooks_event(&r, NULL, &past, 1);
	assert_int_equal(set->n, r.n + r.n_broken);
	runbooks_done(&r);
	for (size_t i = 0; i < set->n; i++) {
		assert_true(i == 0 || strcmp(set->v[i - 1].name, set->v[i].name) < 0);
		n_bad += set->v[i].error[0] != '\0';
	}
	assert_true(n_bad >= 3);
	assert_string_equal(set->v[0].name, "a");
	assert_string_equal(set->v[0].steps.v[0], "say: notify once");
	assert_string_equal(set->past[0].user, "ann");
	block_unref(set);
}

/* The form opens with what planning would take: the environment's word, the runbook's, the only model there is. */
static void
defaults_are_told_as_planning_finds_them(void **state)
{
	static const struct { const char *name, *def, *from; bool is_required; } wanted[] = {
		{ "count", "3", NULL, false }, { "model", "spam", "the only one there is", false }, { "token", NULL, "config", false },
		{ "what", NULL, NULL, true }, { "who", "ann", "config", false },
	};
	struct conf_model model = { .name = (char *)"spam" };
	const struct conf_environment env = { .n_models = 1, .models = &model, .n_params = 2, .params = (struct conf_label[]){
		{ .name = (char *)"who", .value = (char *)"ann" }, { .name = (char *)"token", .value = (char *)"s3cret" } } };
	struct runbook_set *set;
	struct runbooks r;
	size_t at = 0;
	char *path;

	(void)state;
	put("own/defaults.yaml", "apiVersion: opsconsole/v1\nkind: Runbook\nname: defaults\ntitle: t\ndescription: |\n  one\n  two\ndanger: low\nparams:\n"
	    "  count: { type: int, default: 3 }\n  model: { type: model, required: true }\n  token: { type: secret, required: true }\n"
	    "  what: { type: string, required: true }\n  who: { type: string, required: true, default: bob }\n"
	    "steps:\n  - { name: say, notify: '${who} ${what} ${count} ${model}' }\n");
	read_all(&r);
	if (runbooks_find(&r, "defaults") == NULL)
		fail_msg("%s", r.problems.n > 0 ? r.problems.v[r.problems.n - 1] : "it is not there");
	set = runbooks_event(&r, &env, NULL, 0);
	runbooks_done(&r);
	while (strcmp(set->v[at].name, "defaults") != 0)
		at++;
	assert_string_equal(set->v[at].description, "one two");
	assert_int_equal(set->v[at].n_params, sizeof wanted / sizeof wanted[0]);
	for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
		const struct param_info *p = &set->v[at].params[i];

		assert_string_equal(p->name, wanted[i].name);
		assert_int_equal(p->is_required, wanted[i].is_required);
		assert_string_equal(p->def != NULL ? p->def : "-", wanted[i].def != NULL ? wanted[i].def : "-");
		assert_string_equal(p->from != NULL ? p->from : "-", wanted[i].from != NULL ? wanted[i].from : "-");
	}
	block_unref(set);
	path = xasprintf("%s/own/defaults.yaml", root);
	assert_int_equal(unlink(path), 0);
	free(path);
}

/* --- lists ------------------------------------------------------------------------------------------------ */

/* What main prints on stdout. */
static char *
printed(int (*print)(const struct runbooks *r, bool is_json), const struct runbooks *r, bool is_json)
{
	char *path = xasprintf("%s/out", root), *text = xcalloc(1, 65536);
	int saved = dup(STDOUT_FILENO);
	FILE *f;
	int status;

	fflush(stdout);
	f = freopen(path, "w", stdout);
	assert_non_null(f);
	status = print(r, is_json);
	fflush(stdout);
	dup2(saved, STDOUT_FILENO);
	close(saved);
	assert_int_equal(status, 0);
	f = fopen(path, "r");
	text[fread(text, 1, 65535, f)] = '\0';
	fclose(f);
	free(path);
	return text;
}

static int
describe(const struct runbooks *r, bool is_json)
{
	return runbook_describe_main(runbooks_find(r, "h"), is_json);
}

static void
lists_are_for_people_and_programs(void **state)
{
	struct runbooks r;
	json_t *json, *p;
	char *text;

	(void)state;
	put("own/b.yaml", BOOK("b", "own") "  - { name: say, notfy: hello }\n  - { name: too, notfy: hello }\n");
	put("own/h.yaml", "apiVersion: opsconsole/v1\nkind: Runbook\nname: h\ntitle: all of it\ndanger: low\n"
	    "params: { colour: { type: enum, choices: [red, blue], default: red, title: which }, n: { type: int, max: 5, required: true } }\n"
	    "hosts: web-01\nsteps:\n" SAY "  - { name: look, ssh: { script: \"df -h $1\\nexit 0\\n\", args: ['${n}'] }, undo: nothing }\n");
	read_all(&r);
	text = printed(runbooks_list_main, &r, false);
	assert_non_null(strstr(text, "h         low     all of it\n"));
	assert_non_null(strstr(text, "b         cannot be run: "));
	assert_non_null(strstr(text, "(and 1 more: --check lists them)\n"));
	free(text);
	text = printed(runbooks_list_main, &r, true);
	json = json_loads(text, 0, NULL);
	assert_int_equal(json_array_size(json_object_get(json, "runbooks")), r.n);
	assert_int_equal(json_array_size(json_object_get(json, "broken")), r.n_broken);
	json_decref(json);
	free(text);
	text = printed(describe, &r, false);
	assert_non_null(strstr(text, "  colour        enum, default red: red, blue - which\n"));
	assert_non_null(strstr(text, "  n             int, needed\n"));
	assert_non_null(strstr(text, "  say           notify once\n"));
	assert_non_null(strstr(text, "  look          ssh on each host, changes nothing\n"));
	assert_non_null(strstr(text, "                | df -h $1\n                | exit 0\n"));
	free(text);
	text = printed(describe, &r, true);
	json = json_loads(text, 0, NULL);
	p = json_array_get(json_object_get(json, "params"), 1);
	assert_string_equal(json_string_value(json_object_get(p, "name")), "n");
	assert_true(json_is_true(json_object_get(p, "required")));
	assert_int_equal(json_integer_value(json_object_get(p, "max")), 5);
	json_decref(json);
	free(text);
	runbooks_done(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_of_a_name_wins),
		cmocka_unit_test(a_broken_one_is_not_replaced),
		cmocka_unit_test(a_shipped_one_that_does_not_fit_is_no_problem),
		cmocka_unit_test(others_may_not_write_them),
		cmocka_unit_test(steps_are_included),
		cmocka_unit_test(cycles_and_missing_files_are_told),
		cmocka_unit_test(the_model_gets_all_of_them),
		cmocka_unit_test(defaults_are_told_as_planning_finds_them),
		cmocka_unit_test(lists_are_for_people_and_programs),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
