/* Notification groups in the state model: which of them hold an alert. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/clock.h"
#include "tests/unit/feed.h"

#define COUNT(a) (sizeof(a) / sizeof(a)[0])

#define ALERT(name, fingerprint) "{'name':'" name "','labels':{'alertname':'" name "'},'state':'firing','fingerprint':'" fingerprint "'}"
#define GROUP(labels, receiver, fingerprints) "{'labels':{" labels "},'receiver':'" receiver "','fingerprints':[" fingerprints "]}"

static struct model *
new_model(void)
{
	struct model *m = model_new(0, 0);

	feed_environment(m, FEED_SOURCES_ALL ",{'name':'am2','type':'alertmanager','interval_ns':5000000000}");
	return m;
}

static void
feed_groups(struct model *m, double seconds, const char *source, const char *groups)
{
	feed(m, seconds, "{'event':'groups','source':'%s','groups':[%s]}", source, groups);
}

static const struct model_alert *
alert_named(const struct model *m, const char *name)
{
	for (size_t i = 0; i < model_n_alerts(m); i++)
		if (strcmp(model_alert(m, i)->name, name) == 0)
			return model_alert(m, i);
	fail_msg("no alert %s", name);
	return NULL;
}

/* "oncall:service=web tickets:" */
static void
groups_text(struct buf *b, const struct model_alert *a)
{
	for (size_t i = 0; i < a->n_groups; i++) {
		const struct alert_group *g = a->groups[i];

		buf_printf(b, "%s%s:", i == 0 ? "" : " ", g->receiver);
		for (size_t j = 0; j < g->labels.n; j++)
			buf_printf(b, "%s%s=%s", j == 0 ? "" : ",", g->labels.v[j].name, g->labels.v[j].value);
	}
}

static void
check_groups(const struct model *m, const char *alert, const char *expected, const char *title)
{
	struct buf b;

	buf_init(&b, 4096);
	groups_text(&b, alert_named(m, alert));
	if (strcmp(b.data, expected) != 0)
		fail_msg("%s: %s is in \"%s\", expected \"%s\"", title, alert, b.data, expected);
	buf_done(&b);
}

static void
an_alert_has_its_groups(void **state)
{
	static const struct {
		const char *title, *groups, *a, *b;
	} cases[] = {
		{ "one for both", GROUP("'service':'web'", "oncall", "'fa','fb'"), "oncall:service=web", "oncall:service=web" },
		{ "several receivers, in their order", GROUP("", "tickets", "'fa'") "," GROUP("'x':'1'", "oncall", "'fb','fa'"),
		  "tickets: oncall:x=1", "oncall:x=1" },
		{ "unknown fingerprints", GROUP("", "oncall", "'gone','fa','','f'"), "oncall:", "" },
		{ "an alert twice in a group", GROUP("", "oncall", "'fa','fa'"), "oncall:", "" },
		{ "a group twice", GROUP("'x':'1'", "oncall", "'fa'") "," GROUP("'x':'1'", "oncall", "'fa','fb'"), "oncall:x=1", "oncall:x=1" },
		{ "alike but for a label's value", GROUP("'x':'1'", "oncall", "'fa'") "," GROUP("'x':'2'", "oncall", "'fa'"),
		  "oncall:x=1 oncall:x=2", "" },
		{ "none", "", "", "" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		/* The groups may come before the alerts they name. */
		for (int order = 0; order < 2; order++) {
			struct model *m = new_model();

			if (order == 0)
				feed_groups(m, 1, "am", cases[i].groups);
			feed_alerts(m, 1, "am", ALERT("A", "fa") "," ALERT("B", "fb"));
			assert_int_equal(model_groups_known(m), order == 0);
			if (order == 1) {
				check_groups(m, "A", "", "before its groups came");
				feed_groups(m, 2, "am", cases[i].groups);
			}
			assert_true(model_groups_known(m));
			check_groups(m, "A", cases[i].a, cases[i].title);
			check_groups(m, "B", cases[i].b, cases[i].title);
			model_free(m);
		}
	}
}

static void
newer_groups_replace_the_older(void **state)
{
	struct model *m = new_model();

	(void)state;
	feed_alerts(m, 1, "am", ALERT("A", "fa"));
	feed_groups(m, 1, "am", GROUP("", "tickets", "'fa'"));
	(void)model_changes(m);
	feed_groups(m, 2, "am", GROUP("", "oncall", "'fa'"));
	assert_true(model_changes(m) & MODEL_ALERTS);
	check_groups(m, "A", "oncall:", "a newer word");
	assert_true(model_source_find(m, "am")->groups_ns == T(2));
	model_advance(m, T(3));
	check_groups(model_at(m, T(1), NULL), "A", "tickets:", "one second ago");
	feed(m, 4, "{'event':'environment','name':'staging','sources':[" FEED_SOURCES_ALL "]}");
	assert_false(model_groups_known(m));
	model_free(m);
}

/* Another Alertmanager's fingerprints may mean other alerts. */
static void
groups_count_from_the_side_that_is_believed(void **state)
{
	struct model *m = new_model();

	(void)state;
	feed_alerts(m, 1, "am", ALERT("A", "f"));
	feed_alerts(m, 1, "am2", ALERT("B", "f"));
	feed_groups(m, 1, "am", GROUP("", "of-am", "'f'"));
	feed_groups(m, 1, "am2", GROUP("", "of-am2", "'f'"));
	check_groups(m, "A", "of-am:", "its own");
	check_groups(m, "B", "of-am2:", "its own");
	feed_alerts(m, 2, "p1", "{'name':'C','labels':{'alertname':'C'},'state':'firing'}");
	feed_groups(m, 2, "p1", GROUP("", "of-p1", "'f'"));
	check_groups(m, "C", "", "without a fingerprint");
	model_free(m);
}

static void
a_server_without_groups_is_sound(void **state)
{
	struct model *m = new_model();
	const struct model_source *am = model_source_find(m, "am");

	(void)state;
	feed_alerts(m, 1, "am", ALERT("A", "fa"));
	feed(m, 1, "{'event':'source-report','source':'am','what':'groups','ok':false,'error':'not found','http_status':404}");
	model_advance(m, T(2));
	assert_int_equal(am->state, SOURCE_OK);
	assert_string_equal(am->error, "");
	assert_false(model_groups_known(m));
	/* Where it has them but fails to tell, that is a fault. */
	feed(m, 2, "{'event':'source-report','source':'am','what':'groups','ok':false,'error':'oops','http_status':500}");
	assert_int_equal(am->state, SOURCE_DEGRADED);
	assert_string_equal(am->error, "oops");
	/* Nor does a wrong url pass for an old server. */
	feed(m, 3, "{'event':'source-report','source':'am2','what':'groups','ok':false,'error':'not found','http_status':404}");
	feed(m, 3, "{'event':'source-report','source':'am2','what':'alerts','ok':false,'error':'not found','http_status':404}");
	assert_int_equal(model_source_find(m, "am2")->state, SOURCE_DOWN);
	model_free(m);
}

/* All of them name all alerts; each is kept by its first few. */
static void
ten_thousand_groups(void **state)
{
	enum { N = 10000, ALERTS = 100, KEPT = 32 };
	struct model *m = new_model();
	struct buf alerts, groups;
	int64_t start_ns;

	(void)state;
	buf_init(&alerts, 16 << 20);
	buf_init(&groups, 64 << 20);
	for (int i = 0; i < ALERTS; i++)
		buf_printf(&alerts, "%s{'name':'A','labels':{'alertname':'A','i':'%d'},'state':'firing','fingerprint':'f%d'}", i == 0 ? "" : ",", i, i);
	for (int i = 0; i < N; i++) {
		buf_printf(&groups, "%s{'labels':{'i':'%d'},'receiver':'r','fingerprints':['none-%d'", i == 0 ? "" : ",", i, i);
		for (int j = 0; j < ALERTS; j++)
			buf_printf(&groups, ",'f%d'", j);
		buf_addstr(&groups, "]}");
	}
	feed_alerts(m, 1, "am", alerts.data);
	feed_groups(m, 1, "am", groups.data);
	start_ns = clock_mono_fresh();
	assert_int_equal(model_n_alerts(m), ALERTS);
	print_message("collected in %d ms\n", (int)((clock_mono_fresh() - start_ns) / NS_PER_MS));
	for (size_t i = 0; i < ALERTS; i++) {
		const struct model_alert *a = model_alert(m, i);

		assert_int_equal(a->n_groups, KEPT);
		assert_string_equal(labels_get(&a->groups[0]->labels, "i"), "0");
		assert_string_equal(labels_get(&a->groups[KEPT - 1]->labels, "i"), "31");
	}
	buf_done(&alerts);
	buf_done(&groups);
	model_free(m);
}

static void
the_dump_tells_of_them(void **state)
{
	struct model *m = new_model();
	json_t *json, *groups;

	(void)state;
	feed_alerts(m, 1, "am", ALERT("A", "fa"));
	feed_groups(m, 1, "am", GROUP("'service':'web'", "oncall", "'fa'"));
	json = model_to_json(m);
	groups = json_object_get(json_array_get(json_object_get(json, "alerts"), 0), "groups");
	assert_int_equal(json_array_size(groups), 1);
	assert_string_equal(json_string_value(json_object_get(json_array_get(groups, 0), "receiver")), "oncall");
	assert_string_equal(json_string_value(json_object_get(json_object_get(json_array_get(groups, 0), "labels"), "service")), "web");
	json_decref(json);
	model_free(m);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_alert_has_its_groups),
		cmocka_unit_test(newer_groups_replace_the_older),
		cmocka_unit_test(groups_count_from_the_side_that_is_believed),
		cmocka_unit_test(a_server_without_groups_is_sound),
		cmocka_unit_test(ten_thousand_groups),
		cmocka_unit_test(the_dump_tells_of_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
