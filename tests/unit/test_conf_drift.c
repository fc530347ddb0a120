/* Drift in the config: what it becomes, and the sentences when it is wrong. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "conf/conf_drift.h"

#define TOP "apiVersion: opsconsole/v1\nkind: Config\nenvironments:\n- name: e\n  sources:\n" \
	"  - { name: p, type: prometheus, url: 'http://h' }\n" \
	"  - { name: p2, type: prometheus, url: 'http://i' }\n" \
	"  - { name: ml, type: mlflow, url: 'http://m' }\n"
#define MODEL "  models:\n  - name: spam\n    alias: champion\n    serving: { expr: served == 1 }\n"
/* What stands under it begins at line 14, column 7. */
#define DRIFT TOP MODEL "    drift:\n"
#define PROFILE "      profile: 'tag:profile'\n"

static struct conf *conf;
static struct conf_problems problems;
static struct drift_def_set *set;

static int
teardown(void **state)
{
	(void)state;
	block_unref(set);
	conf_free(conf);
	conf_problems_done(&problems);
	conf = NULL;
	set = NULL;
	return 0;
}

static void
parse(const char *text)
{
	struct err err = ERR_INIT;

	teardown(NULL);
	if (conf_parse("/etc/c.yaml", text, strlen(text), &conf, &problems, &err) < 0)
		fail_msg("%s\n%s", err.msg, text);
	set = conf_drifts(&conf->environments[0]);
}

static void
parse_good(const char *text)
{
	parse(text);
	if (problems.n > 0)
		fail_msg("%s\n%s", problems.v[0], text);
}

/* expected: the problems without the file's name, a line each. */
static void
assert_problems(const char *text, const char *expected)
{
	struct buf b;

	parse(text);
	buf_init(&b, 1 << 20);
	for (size_t i = 0; i < problems.n; i++)
		buf_printf(&b, "%s%s", i > 0 ? "\n" : "", strchr(problems.v[i], ':') + 1);
	if (!str_eq(b.data, expected))
		fail_msg("in:\n%s\ngot:\n%s\nexpected:\n%s", text, b.data, expected);
	buf_done(&b);
}

/* The same for one feature below a model that has a profile; it stands at line 16, column 11. */
static void
assert_item(const char *item, const char *expected)
{
	char *text = xasprintf("%s%s      features:\n        - { %s }\n", DRIFT, PROFILE, item);

	assert_problems(text, expected);
	free(text);
}

static const struct drift_def *
def(const char *id)
{
	for (size_t i = 0; i < set->n; i++)
		if (strcmp(set->v[i].id, id) == 0)
			return &set->v[i];
	fail_msg("no %s", id);
	return NULL;
}

/* --- what it becomes --------------------------------------------------------------------------- */

static void
none(void **state)
{
	(void)state;
	parse_good(TOP MODEL);
	assert_int_equal(set->n, 0);
	assert_true(set->confidence == 0.95 && set->fdr == 0.05);
	assert_int_equal(conf->environments[0].drift_interval_ns, NS_PER_MIN);
}

static void
least(void **state)
{
	const struct drift_def *d;

	(void)state;
	parse_good(DRIFT PROFILE "      features: [ { name: n, histogram: 'm{job=\"a\", }' } ]\n");
	assert_int_equal(set->n, 1);
	d = def("drift:spam:n");
	assert_string_equal(d->model, "model:spam");
	assert_string_equal(d->name, "n");
	assert_string_equal(d->title, "");
	assert_int_equal(d->kind, DRIFT_FEATURE);
	assert_int_equal(d->data, DRIFT_CLASSIC);
	assert_string_equal(d->source, "p");
	assert_string_equal(d->metric, "m{job=\"a\"}");
	assert_null(d->label);
	assert_null(d->trained);
	assert_null(d->missing);
	assert_null(d->version_label);
	assert_int_equal(d->reference, DRIFT_FROM_PROFILE);
	assert_string_equal(d->profile, "tag:profile");
	assert_null(d->feature);
	assert_null(d->version);
	assert_int_equal(d->window_ns, NS_PER_HOUR);
	assert_true(d->effect == 0.1 && d->min_n == 100);
	assert_int_equal(d->severity, SEVERITY_TICKET);
	assert_string_equal(d->where, "c.yaml:15:19");
}

static void
everything(void **state)
{
	const struct drift_def *d;

	(void)state;
	parse_good(DRIFT
	    "      source: p2\n      window: 30m\n      reference: { ago: 7d, window: 1d }\n"
	    "      version: ver\n      effect: 0.2\n      min: 50\n      severity: page\n"
	    "      profile: 'artifact:drift/profile.json'\n"
	    "      features:\n"
	    "        - { name: a, title: A, histogram: m, missing: 'x / y', feature: f, reference: training }\n"
	    "        - { name: b, native: 'm2', window: 2h, effect: 0, min: 1, severity: none, reference: previous }\n"
	    "        - { name: c, gauge: g, reference: { version: \"6\" }, severity: info }\n"
	    "      predictions: [ { name: score, histogram: s } ]\n"
	    "      labels: [ { name: label, categories: 'fb_total{a=\"}\"}', label: lang } ]\n"
	    "      skew: [ { name: a, histogram: trained } ]\n"
	    "  drift: { interval: 5m, confidence: 99%, fdr: 0.1 }\n");
	assert_int_equal(set->n, 6);
	assert_true(set->confidence == 0.99 && set->fdr == 0.1);
	assert_int_equal(conf->environments[0].drift_interval_ns, 5 * NS_PER_MIN);
	d = def("drift:spam:a");
	assert_string_equal(d->title, "A");
	assert_string_equal(d->source, "p2");
	assert_string_equal(d->missing, "x / y");
	assert_string_equal(d->feature, "f");
	assert_string_equal(d->profile, "artifact:drift/profile.json");
	assert_string_equal(d->version_label, "ver");
	assert_int_equal(d->window_ns, 30 * NS_PER_MIN);
	assert_true(d->effect == 0.2 && d->min_n == 50);
	assert_int_equal(d->severity, SEVERITY_PAGE);
	d = def("drift:spam:b");
	assert_int_equal(d->data, DRIFT_NATIVE);
	assert_int_equal(d->reference, DRIFT_FROM_VERSION);
	assert_string_equal(d->version, "previous");
	assert_int_equal(d->window_ns, 2 * NS_PER_HOUR);
	assert_true(d->effect == 0 && d->min_n == 1);
	assert_int_equal(d->severity, SEVERITY_NONE);
	d = def("drift:spam:c");
	assert_int_equal(d->data, DRIFT_GAUGE);
	assert_string_equal(d->version, "6");
	assert_int_equal(d->severity, SEVERITY_INFO);
	d = def("drift:spam:score");
	assert_int_equal(d->kind, DRIFT_PREDICTION);
	assert_int_equal(d->reference, DRIFT_FROM_PAST);
	assert_int_equal(d->ago_ns, 7 * 24 * NS_PER_HOUR);
	assert_int_equal(d->reference_ns, 24 * NS_PER_HOUR);
	assert_null(d->profile);
	d = def("drift:spam:label");
	assert_int_equal(d->kind, DRIFT_LABEL);
	assert_int_equal(d->data, DRIFT_CATEGORIES);
	assert_string_equal(d->metric, "fb_total{a=\"}\"}");
	assert_string_equal(d->label, "lang");
	d = def("drift:spam:skew:a");
	assert_int_equal(d->kind, DRIFT_SKEW);
	assert_string_equal(d->name, "a");
	assert_string_equal(d->metric, "m");
	assert_string_equal(d->trained, "trained");
}

/* What the config accepts, a recording of it can be read. */
static void
as_event(void **state)
{
	struct event ev, again;
	struct err err = ERR_INIT;
	json_t *json;

	everything(state);
	event_init(&ev, EVENT_DRIFT_DEFS, 1, "", block_ref(set));
	json = event_to_json(&ev);
	if (event_from_json(json, &again, &err) < 0)
		fail_msg("%s", err.msg);
	event_done(&again);
	event_done(&ev);
	json_decref(json);
}

/* How long the past window is without a word. */
static void
past(void **state)
{
	(void)state;
	parse_good(DRIFT "      reference: { ago: 1h }\n      features: [ { name: n, native: m } ]\n");
	assert_int_equal(def("drift:spam:n")->reference_ns, NS_PER_HOUR);
	assert_int_equal(def("drift:spam:n")->ago_ns, NS_PER_HOUR);
}

static void
profile_of_home(void **state)
{
	(void)state;
	parse_good(DRIFT "      profile: ~/p.json\n      features: [ { name: n, native: m } ]\n");
	assert_string_equal(def("drift:spam:n")->profile, "/home/ann/p.json");
}

/* --- what is wrong ------------------------------------------------------------------------------- */

static void
wrong_items(void **state)
{
	static const char one[] = "16:11: one of histogram, native, categories and gauge is expected";

	(void)state;
	assert_item("name: n", one);
	assert_item("name: n, native: m, gauge: g", one);
	assert_item("native: m", "16:11: 'name' is missing");
	assert_item("name: 'a:b', native: m", "16:19: name: may have no ':', which parts it from the model's");
	assert_item("name: n, histogram: m_bucket",
	    "16:33: histogram: 'm_bucket': write the histogram's name without _bucket");
	assert_item("name: n, histogram: 'm{le=\"1\"}'",
	    "16:33: histogram: the label le tells its buckets apart; leave it out");
	assert_item("name: n, gauge: 'rate(m[5m])'", "16:29: gauge: 'rate(m[5m])' is not the name of a metric, perhaps "
	    "with labels (such as queue_age_seconds{job=\"serving\"})");
	assert_item("name: n, categories: c",
	    "16:34: label: is needed with categories:, the label that holds the value");
	assert_item("name: n, categories: c, label: a-b", "16:44: label: 'a-b' is not the name of a label");
	assert_item("name: n, gauge: g, label: l", "16:39: label: goes with categories: only");
	assert_item("name: n, gauge: g, window: 0s", "16:40: window: '0s' is below the least allowed, 1m");
	assert_int_equal(set->n, 0);
}

static void
wrong_references(void **state)
{
	static const char one[] =
	    "16:44: reference: one of training, previous, { version: \"6\" } and { ago: 7d } is expected";

	(void)state;
	assert_item("name: n, gauge: g, reference: {}", "16:43: reference: one of training, previous, "
	    "{ version: \"6\" } and { ago: 7d } is expected");
	assert_item("name: n, gauge: g, reference:  { version: v, ago: 1d }", one);
	assert_item("name: n, gauge: g, reference: { version: v, window: 1d }",
	    "16:65: window: goes with ago: only, it is how long the past window is");
	assert_item("name: n, gauge: g, reference: previous", "16:43: reference: another version needs version: under "
	    "drift:, the label that holds the version");
	assert_item("name: n, gauge: g, reference: { ago: 30m }", "16:43: reference: a window that ended 30m ago is "
	    "part of what is looked at now, 1h00m; make ago: longer");
}

static void
wrong_models(void **state)
{
	(void)state;
	assert_problems(DRIFT PROFILE "      window: 0s\n",
	    "15:15: window: '0s' is below the least allowed, 1m\n"
	    "14:7: drift: features, predictions or labels are expected: what is to be looked at");
	assert_problems(DRIFT PROFILE,
	    "14:7: drift: features, predictions or labels are expected: what is to be looked at");
	assert_problems(DRIFT "      features: [ { name: n, native: m } ]\n",
	    "14:19: profile: is needed under drift:, as the reference is the "
	    "training profile: tag:NAME, artifact:PATH, or a file");
	assert_problems(DRIFT "      profile: p.json\n      features: [ { name: n, native: m } ]\n",
	    "14:16: profile: 'p.json' is not a path that begins "
	    "with / or ~/ (nothing is read from the current folder); or write tag:NAME or artifact:PATH");
	assert_problems(DRIFT "      profile: 'tag:'\n      features: [ { name: n, native: m } ]\n",
	    "14:16: profile: tag: the name of a tag is expected");
	assert_problems(DRIFT "      profile: 'artifact:../x'\n      features: [ { name: n, native: m } ]\n",
	    "14:16: profile: artifact: a path within the run's artifacts is expected, such as profile.json");
	assert_problems(DRIFT PROFILE "      source: ml\n      features: [ { name: n, native: m } ]\n",
	    "14:7: drift: the source 'ml' is of type mlflow, which answers no queries");
	assert_problems(DRIFT PROFILE "      source: q\n      features: [ { name: n, native: m } ]\n",
	    "14:7: drift: there is no source 'q' in this environment");
	assert_problems(DRIFT PROFILE "      sauce: p\n      features: [ { name: n, native: m } ]\n",
	    "15:7: 'sauce' is not an option of drift; did you mean 'source'?");
	assert_problems(DRIFT PROFILE "      version: 'a b'\n      features: [ { name: n, native: m } ]\n",
	    "15:16: version: 'a b' is not the name of a label");
}

static void
names_taken(void **state)
{
	(void)state;
	assert_problems(DRIFT PROFILE "      features:\n        - { name: n, native: m }\n        - { name: n, gauge: g }\n",
	    "17:11: the name 'n' is taken by a feature at line 16");
	assert_int_equal(set->n, 1);
	assert_problems(DRIFT PROFILE "      features: [ { name: n, native: m } ]\n      labels: [ { name: n, native: m } ]\n",
	    "16:17: the name 'n' is taken at line 15");
	assert_int_equal(set->n, 1);
}

static void
wrong_skew(void **state)
{
	(void)state;
	assert_problems(DRIFT PROFILE "      features: [ { name: count, native: m } ]\n      skew: [ { name: coun, native: t } ]\n",
	    "16:23: skew: there is no feature 'coun' to hold it against; did you mean 'count'?");
	assert_problems(DRIFT PROFILE "      features: [ { name: count, native: m } ]\n      skew: [ { name: count, gauge: t } ]\n",
	    "16:15: skew: is not counted as the feature at line 15 is; use the same of "
	    "histogram, native, categories and gauge, and the same label");
	assert_problems(DRIFT PROFILE "      features: [ { name: count, native: m } ]\n"
	    "      skew: [ { name: count, native: t, reference: previous } ]\n",
	    "16:52: reference: does not go with skew: serving is held against training");
	assert_problems(DRIFT PROFILE "      features: [ { name: count } ]\n      skew: [ { name: count, native: t } ]\n",
	    "15:19: one of histogram, native, categories and gauge is expected\n"
	    "16:23: skew: its feature 'count' has a mistake of its own");
}

/* A model stays without its drift. */
static void
model_stays(void **state)
{
	(void)state;
	parse(DRIFT PROFILE "      window: soon\n      features: [ { name: n, native: m } ]\n");
	assert_int_equal(problems.n, 1);
	assert_int_equal(conf->environments[0].n_models, 1);
	assert_null(conf->environments[0].models[0].drift);
	assert_int_equal(set->n, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(none, teardown),
		cmocka_unit_test_teardown(least, teardown),
		cmocka_unit_test_teardown(everything, teardown),
		cmocka_unit_test_teardown(as_event, teardown),
		cmocka_unit_test_teardown(past, teardown),
		cmocka_unit_test_teardown(profile_of_home, teardown),
		cmocka_unit_test_teardown(wrong_items, teardown),
		cmocka_unit_test_teardown(wrong_references, teardown),
		cmocka_unit_test_teardown(wrong_models, teardown),
		cmocka_unit_test_teardown(names_taken, teardown),
		cmocka_unit_test_teardown(wrong_skew, teardown),
		cmocka_unit_test_teardown(model_stays, teardown),
	};

	setenv("HOME", "/home/ann", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
