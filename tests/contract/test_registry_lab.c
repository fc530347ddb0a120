/*
 * Registries through the real transport and schedule, read from the lab's registry (tests/lab/registry), which
 * speaks MLflow and two other shapes.
 */
#include "config.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "model/registry.h"
#include "source/registry_write.h"
#include "source/source.h"

static struct loop *loop;
static struct pool *pool;
static struct sources *sources;
static struct conf_source conf;
static struct conf_environment env;
static char url[64], users[] = "/tmp/opsconsole-users-XXXXXX";
static bool has_users;
static pid_t server;

/* What has come. */
static struct event registry;
static char error[512], notes[2048];
static unsigned n_reports;

/* --- the server ------------------------------------------------------------------------------------------------------ */

static void
server_start(const char *const *args)
{
	static const char script[] = SOURCE_DIR "/tests/lab/registry";
	const char *argv[512] = { script, NULL };
	char line[64] = "";
	int fds[2], port = 0;
	FILE *out;

	for (size_t i = 0; args[i] != NULL; i++) {
		assert_true(i < 510);
		argv[i + 1] = args[i];
		argv[i + 2] = NULL;
	}
	assert_int_equal(pipe(fds), 0);
	server = fork();
	if (server == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(fds[1], 1);
		close(fds[0]);
		close(fds[1]);
		execv(script, (char **)(uintptr_t)argv);
		_exit(127);
	}
	close(fds[1]);
	out = fdopen(fds[0], "r");
	if (fgets(line, sizeof line, out) == NULL || sscanf(line, "listening %d", &port) != 1)
		fail_msg("tests/lab/registry does not start");
	fclose(out);
	snprintf(url, sizeof url, "http://127.0.0.1:%d", port);
}

static void
server_stop(void)
{
	if (server <= 0)
		return;
	kill(server, SIGTERM);
	waitpid(server, NULL, 0);
	server = 0;
}

/* --- driving it ------------------------------------------------------------------------------------------------------ */

static void
keep(struct event *slot, const struct event *ev)
{
	if (slot->block != NULL)
		event_done(slot);
	*slot = *ev;
	block_ref(ev->block);
}

static void
on_event(const struct event *ev, void *arg)
{
	const struct source_report *r = ev->block;

	(void)arg;
	if (ev->kind == EVENT_REGISTRY)
		keep(&registry, ev);
	else if (ev->kind == EVENT_SOURCE_REPORT) {
		n_reports++;
		snprintf(error, sizeof error, "%s", r->error);
	}
}

static void
wait_for_reports(unsigned n)
{
	while (n_reports < n)
		loop_once(loop, NS_PER_S);
}

/* A round of one source of this type; args: of the server. */
static void
open_registry(char *type, const char *const *args, const struct model_def *models, size_t n)
{
	server_start(args);
	conf.type = type;
	conf.url = url;
	assert_int_equal(sources_new(loop, pool, &env, 64 << 20, on_event, NULL, &sources, NULL), 0);
	sources_models(sources, models, n);
	sources_start(sources);
	wait_for_reports(1);
}

static const struct registry_set *
set(void)
{
	const struct registry_set *s = registry.block;

	if (s == NULL)
		fail_msg("%s", error);
	notes[0] = '\0';
	for (size_t i = 0; i < s->notes.n; i++)
		snprintf(notes + strlen(notes), sizeof notes - strlen(notes), "%s\n", s->notes.v[i]);
	return s;
}

static int
setup(void **state)
{
	static char name[] = "registry";

	(void)state;
	conf = (struct conf_source){ .name = name, .interval_ns = NS_PER_HOUR, .timeout_ns = 20 * NS_PER_S, .body_max = 64 << 20, .series_max = 1000, .tls_verify = true };
	env = (struct conf_environment){ .name = name, .sources = &conf, .n_sources = 1 };
	n_reports = 0;
	error[0] = '\0';
	if (loop_new(&loop, NULL) < 0)
		return -1;
	pool = pool_new(loop, 2);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	sources_free(sources);
	sources = NULL;
	pool_free(pool);
	loop_free(loop);
	server_stop();
	if (registry.block != NULL)
		event_done(&registry);
	registry = (struct event){ 0 };
	if (has_users)
		unlink(users);
	has_users = false;
	return 0;
}

#define ARGS(...) (const char *const[]){ __VA_ARGS__ __VA_OPT__(,) NULL }
static char mlflow[] = "mlflow", http_json[] = "http-json";
static const struct model_def spam = { .id = "model:spam-filter", .registry = "registry", .name = "spam-filter", .alias = "champion", .data_key = "training_data_until" };

/* The lab's models, whatever the shape they came in. */
static void
check_lab(bool has_prefix)
{
	const struct registry_set *s = set();
	const struct reg_model *m = reg_model_find(s, "spam-filter");
	const struct reg_version *v;

	assert_string_equal(notes, "");
	assert_int_equal(s->n, 2);
	assert_non_null(m);
	assert_int_equal(m->n_versions, 7);
	assert_int_equal(reg_model_find(s, "ranker")->n_versions, 3);
	v = &m->versions[0];
	assert_string_equal(v->version, has_prefix ? "v7" : "7");
	assert_string_equal(reg_version_wanted(m, "champion", NULL), has_prefix ? "v6" : "6");
	v = reg_version_find(m, has_prefix ? "v6" : "6");
	assert_int_equal(v->aliases.n, 1);
	assert_string_equal(v->aliases.v[0], "champion");
	assert_string_equal(labels_get(&v->tags, "git_commit"), "41aa9f3");
	assert_string_equal(labels_get(&v->params, "learning_rate"), "0.020");	/* text stays text */
	assert_string_equal(v->metrics[0].name, "auc");
	assert_true(v->metrics[0].value > 0.965 && v->metrics[0].value < 0.967);
	assert_string_equal(v->by, "trainer");
	assert_true(v->is_run_known && *v->run != '\0' && v->created_ns > 0);
	assert_true(v->data_ns > 0 && v->data_ns < v->created_ns && v->data_ns % (24 * NS_PER_HOUR) == 0);
	assert_int_equal(reg_model_find(s, "ranker")->versions[0].data_ns, 0);	/* nobody asked for it */
}

/* --- MLflow ---------------------------------------------------------------------------------------------------------- */

static void
test_mlflow(void **state)
{
	(void)state;
	open_registry(mlflow, ARGS(), &spam, 1);
	check_lab(false);
	assert_string_equal(reg_version_wanted(reg_model_find(set(), "spam-filter"), NULL, "Production"), "6");
	assert_string_equal(registry.source, "registry");
	/* again: the same, with the runs kept */
	sources_refresh(sources);
	wait_for_reports(2);
	check_lab(false);
}

static void
test_mlflow_1(void **state)
{
	const struct reg_model *m;

	(void)state;
	open_registry(mlflow, ARGS("--mlflow", "1"), &spam, 1);
	m = reg_model_find(set(), "spam-filter");
	assert_non_null(m);
	assert_int_equal(m->n_versions, 7);
	assert_null(reg_version_wanted(m, "champion", NULL));
	assert_string_equal(reg_version_wanted(m, NULL, "Production"), "6");
	assert_string_equal(notes, "");
}

static void
test_mlflow_many_versions(void **state)
{
	const struct reg_model *m;

	(void)state;
	open_registry(mlflow, ARGS("--empty", "--fill", "big=10000"), &spam, 1);
	m = reg_model_find(set(), "big");
	assert_non_null(m);
	assert_int_equal(m->n_versions, 200);
	assert_string_equal(m->versions[0].version, "10000");
	assert_string_equal(m->versions[199].version, "9801");
	assert_int_equal(m->n_left_out, 9800);
}

static void
test_mlflow_hostile_names(void **state)
{
	static const char *const names[] = { "a/b c", "it's", "\xe2\x80\xaeX\x1b[31m", "\xe6\x97\xa5\xe6\x9c\xac?&=#%" };
	char *fills[5];

	(void)state;
	for (size_t i = 0; i < 4; i++)
		fills[i] = xasprintf("%s=3", names[i]);
	fills[4] = xstrdup("it's \"both\"=3");
	open_registry(mlflow, ARGS("--empty", "--fill", fills[0], "--fill", fills[1], "--fill", fills[2], "--fill", fills[3], "--fill", fills[4]), NULL, 0);
	for (size_t i = 0; i < 5; i++)
		free(fills[i]);
	assert_int_equal(set()->n, 5);
	for (size_t i = 0; i < 4; i++) {
		assert_non_null(reg_model_find(set(), names[i]));
		assert_int_equal(reg_model_find(set(), names[i])->n_versions, 3);
	}
	assert_non_null(reg_model_find(set(), "it's \"both\""));
	assert_non_null(strstr(notes, "it's \"both\" has both kinds of quotes"));
	assert_null(strchr(notes, '\033'));
}

/* More models than a page holds; the config names the last. */
static void
open_pages(const char *trouble)
{
	static const struct model_def last = { .id = "model:m-204", .registry = "registry", .name = "m-204" };
	enum { N = 205 };
	char fills[N][16];
	const char *args[2 * N + 4] = { "--empty" };
	size_t n = 1;

	for (size_t i = 0; i < N; i++) {
		snprintf(fills[i], sizeof fills[i], "m-%03zu=1", i);
		args[n++] = "--fill";
		args[n++] = fills[i];
	}
	if (trouble != NULL) {
		args[n++] = "--pages";
		args[n++] = trouble;
	}
	open_registry(mlflow, args, &last, 1);
	assert_non_null(reg_model_find(set(), "m-000"));
	assert_non_null(reg_model_find(set(), "m-204"));
	assert_int_equal(reg_model_find(set(), "m-204")->n_versions, 1);
}

static void
test_pages(void **state)
{
	(void)state;
	open_pages(NULL);
	assert_int_equal(set()->n, 205);
	assert_string_equal(notes, "");
}

static void
test_pages_that_repeat(void **state)
{
	(void)state;
	open_pages("repeat");
	assert_int_equal(set()->n, 201);
	assert_string_equal(notes, "page 2 of the models repeats models of the pages before: the rest is not known\n");
}

static void
test_pages_that_lose_the_token(void **state)
{
	(void)state;
	open_pages("lose");
	assert_int_equal(set()->n, 201);
	assert_string_equal(notes, "page 1 of the models is full and names no next one: there may be more\n");
}

/* --- users and changes ----------------------------------------------------------------------------------------------- */

static void
open_with_user(const char *user)
{
	static char variable[] = "TEST_REGISTRY_PASSWORD";
	int fd;

	strcpy(users + strlen(users) - 6, "XXXXXX");
	fd = mkstemp(users);
	has_users = true;
	assert_true(fd >= 0);
	assert_true(dprintf(fd, "looker:viewer:secret\nmover:editor:secret\n") > 0);
	close(fd);
	setenv(variable, "secret", 1);
	conf.user = (char *)(uintptr_t)user;
	conf.password.env = user == NULL ? NULL : variable;
	open_registry(mlflow, ARGS("--users", users), &spam, 1);
}

static void
test_no_credentials(void **state)
{
	(void)state;
	open_with_user(NULL);
	assert_null(registry.block);
	assert_non_null(strstr(error, "MLflow does not accept the credentials (HTTP 401)"));
	assert_non_null(strstr(error, "check user and password"));
}

struct outcome {
	bool is_done;
	struct write_result r;
	char *body;
	char type[64];
};

static void
on_written(const struct write_result *result, void *arg)
{
	struct outcome *o = arg;

	o->is_done = true;
	o->r = *result;
	o->body = xstrndup(result->body == NULL ? "" : result->body, result->len);
	snprintf(o->type, sizeof o->type, "%s", result->answer.content_type);
}

static void
send_request(struct request *r, struct outcome *ret)
{
	*ret = (struct outcome){ 0 };
	assert_int_equal(sources_write(sources, "registry", r, on_written, ret, NULL), 0);
	request_done(r);
	while (!ret->is_done)
		loop_once(loop, NS_PER_S);
	assert_int_equal(ret->r.err.code, 0);
	ret->r.answer.content_type = ret->type;
}

/* What is there now; "" nothing. */
static void
check_now(const struct registry_change *c, const char *expected)
{
	const struct registry_write_ops *ops = registry_write_find("mlflow");
	struct outcome o;
	struct request r;
	struct err err = ERR_INIT;
	char *now = NULL;

	assert_int_equal(ops->read(&conf, c, &r, &err), 0);
	send_request(&r, &o);
	if (ops->read_answer(c, &o.r.answer, o.body, o.r.len, &now, &err) < 0)
		fail_msg("%s", err.msg);
	assert_string_equal(now == NULL ? "" : now, expected);
	free(now);
	free(o.body);
}

static int
change(const struct registry_change *c, struct err *err)
{
	const struct registry_write_ops *ops = registry_write_find("mlflow");
	struct outcome o;
	struct request r;
	int result;

	assert_int_equal(ops->write(&conf, c, &r, err), 0);
	send_request(&r, &o);
	result = ops->write_answer(c, &o.r.answer, o.body, o.r.len, err);
	free(o.body);
	return result;
}

static void
test_changes(void **state)
{
	struct registry_change alias = { .kind = REGISTRY_ALIAS, .model = "spam-filter", .name = "champion", .version = "7" };
	struct registry_change stage = { .kind = REGISTRY_STAGE, .model = "spam-filter", .name = "production", .version = "5" };
	struct registry_change tag = { .kind = REGISTRY_TAG, .model = "spam-filter", .name = "opsconsole.previous", .value = "6 \xe2\x80\x94 \"q\"" };
	struct err err = ERR_INIT;

	(void)state;
	open_with_user("mover");
	check_lab(false);
	check_now(&alias, "6");
	assert_int_equal(change(&alias, &err), 0);
	check_now(&alias, "7");
	alias.version = NULL;
	assert_int_equal(change(&alias, &err), 0);	/* DELETE with a body */
	check_now(&alias, "");
	check_now(&stage, "6");
	assert_int_equal(change(&stage, &err), 0);
	check_now(&stage, "5");			/* though 6 is newer: it was archived */
	check_now(&tag, "");
	assert_int_equal(change(&tag, &err), 0);
	check_now(&tag, tag.value);
	tag.version = "5";
	check_now(&tag, "");
	assert_int_equal(change(&tag, &err), 0);
	check_now(&tag, tag.value);
	tag.value = NULL;
	assert_int_equal(change(&tag, &err), 0);
	check_now(&tag, "");
	/* what is not there */
	alias.version = "99";
	assert_int_equal(change(&alias, &err), ERR_NOTFOUND);
	assert_non_null(strstr(err.msg, "Model Version (name=spam-filter, version=99) not found"));
}

static void
test_a_viewer_changes_nothing(void **state)
{
	struct registry_change alias = { .kind = REGISTRY_ALIAS, .model = "spam-filter", .name = "champion", .version = "7" };
	struct err err = ERR_INIT;

	(void)state;
	open_with_user("looker");
	check_lab(false);
	assert_int_equal(change(&alias, &err), ERR_DENIED);
	assert_non_null(strstr(err.msg, "MLflow forbids this request (HTTP 403)"));
	check_now(&alias, "6");
}

static void
test_aliases_of_1(void **state)
{
	struct registry_change alias = { .kind = REGISTRY_ALIAS, .model = "spam-filter", .name = "champion", .version = "7" };
	struct err err = ERR_INIT;

	(void)state;
	open_registry(mlflow, ARGS("--mlflow", "1"), &spam, 1);
	assert_int_equal(change(&alias, &err), ERR_UNSUPPORTED);
	assert_non_null(strstr(err.msg, "has no aliases"));
}

/* --- registries of other shape --------------------------------------------------------------------------------------- */

#define T(text) ((char *)(uintptr_t)(text))

static struct conf_registry
in_house(void)
{
	return (struct conf_registry){
		.list = T("/in-house/v1/catalog?page=1&size=1"), .items = T("catalog.models"), .name = T("id.name"),
		.model_description = T("about.text"), .model_created = T("about.since"), .model_tags = T("about.labels"), .model_aliases = T("live"),
		.versions = T("builds"), .version = T("no"), .stage = T("phase"), .status = T("state"), .by = T("made.by"), .created = T("made.at"),
		.updated = T("changed"), .description = T("notes"), .run = T("training.run"), .tags = T("labels"), .params = T("training.settings"),
		.metrics = T("training.scores"), .page_next = T("links.next"), .page_first = 1,
	};
}

static void
test_nested(void **state)
{
	const struct reg_model *m;

	(void)state;
	conf.registry = in_house();
	open_registry(http_json, ARGS(), &spam, 1);
	check_lab(false);
	m = reg_model_find(set(), "spam-filter");
	assert_string_equal(reg_version_wanted(m, NULL, "production"), "6");
	assert_string_equal(m->versions[0].status, "ready");
	assert_string_equal(m->description, "Decides which posts are spam.");
	assert_true(m->created_ns > 0);
}

/* Pages by number, and a request of its own for the versions of each model. */
static void
test_versions_apart(void **state)
{
	(void)state;
	conf.registry = in_house();
	conf.registry.list = T("/in-house/v1/catalog?page={page}&size=1");
	conf.registry.page_next = NULL;
	conf.registry.versions_list = T("/in-house/v1/models/{model}/builds");
	open_registry(http_json, ARGS(), &spam, 1);
	check_lab(false);
	assert_string_equal(error, "");
}

static struct conf_registry
artifacts(void)
{
	return (struct conf_registry){
		.list = T("/api/artifacts?first=3"), .items = T("data.artifacts"), .name = T("collection.name"), .version = T("version"),
		.aliases = T("aliases"), .status = T("state"), .by = T("createdBy.username"), .created = T("createdAt"), .updated = T("updatedAt"),
		.description = T("description"), .tags = T("tags"), .run = T("run.id"), .params = T("run.config"), .metrics = T("run.summary"),
		.page_token = T("pageInfo.endCursor"), .page_param = T("after"),
	};
}

static void
test_flat_with_a_token(void **state)
{
	static char variable[] = "TEST_REGISTRY_TOKEN";

	(void)state;
	conf.registry = artifacts();
	conf.bearer.env = variable;
	setenv(variable, "lab-token", 1);
	open_registry(http_json, ARGS(), &spam, 1);
	check_lab(true);
}

static void
test_flat_without_a_token(void **state)
{
	(void)state;
	conf.registry = artifacts();
	open_registry(http_json, ARGS(), &spam, 1);
	assert_null(registry.block);
	assert_non_null(strstr(error, "the registry does not accept the credentials (HTTP 401): user is not logged in"));
}

static void
test_paths_that_lead_nowhere(void **state)
{
	(void)state;
	conf.registry = in_house();
	conf.registry.items = T("catalogue.models");
	open_registry(http_json, ARGS(), &spam, 1);
	assert_null(registry.block);
	assert_string_equal(error, "items: 'catalogue.models' is nothing; a list is expected (it has: catalog, links)");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_mlflow),
		TEST(test_mlflow_1),
		TEST(test_mlflow_many_versions),
		TEST(test_mlflow_hostile_names),
		TEST(test_pages),
		TEST(test_pages_that_repeat),
		TEST(test_pages_that_lose_the_token),
		TEST(test_no_credentials),
		TEST(test_changes),
		TEST(test_a_viewer_changes_nothing),
		TEST(test_aliases_of_1),
		TEST(test_nested),
		TEST(test_versions_apart),
		TEST(test_flat_with_a_token),
		TEST(test_flat_without_a_token),
		TEST(test_paths_that_lead_nowhere),
	};

	return cmocka_run_group_tests_name("registries against the lab", tests, NULL, NULL);
}
