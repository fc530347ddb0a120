/* Hosts: who they are, whether they are reachable, what they serve, and their health. */
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

#define SOURCES FEED_SOURCES_ALL ",{'name':'mlflow','type':'mlflow','interval_ns':5000000000}"
#define QUERY(name) "{'id':'host:" name "','name':'" name "','title':'','unit':'ratio','source':'p1'}"
#define HOST(name, groups, address) "{'name':'" name "','groups':[" groups "],'address':'" address "','where':'opsconsole.yaml:4:9'}"
#define TARGET(instance, health, scraped) "{'job':'node','instance':'" instance "','error':'no route','health':'" health "'," \
	"'last_scrape':'2030-01-01T00:00:" scraped "Z'}"
#define VALUE(instance, v) "{'labels':{'instance':'" instance "'},'samples':[[1893456001000000000," v "]]}"

static struct model *
new_model(void)
{
	struct model *m = model_new(0, 0);

	feed(m, 0, "{'event':'environment','name':'prod','sources':[" SOURCES "],'queries':[" QUERY("cpu") "," QUERY("disk") ",{'id':'query:a'}],"
	    "'models':[{'id':'model:spam','name':'spam','registry':'mlflow','alias':'c','serving_expr':'e','serving_source':'p1','group':'serving'}]}");
	model_advance(m, T(1));
	return m;
}

static void
feed_hosts(struct model *m, const char *hosts)
{
	feed(m, 1, "{'event':'hosts','hosts':[%s]}", hosts);
}

static void
feed_targets(struct model *m, double seconds, const char *source, const char *targets)
{
	feed_ok(m, seconds, source, "targets");
	feed(m, seconds, "{'event':'targets','source':'%s','targets':[%s]}", source, targets);
}

static char *
names_of(const struct model *m)
{
	struct buf b;
	char *names;

	buf_init(&b, 10000);
	for (size_t i = 0; i < model_n_hosts(m); i++)
		buf_printf(&b, "%s%s", i == 0 ? "" : " ", model_host(m, i)->name);
	names = buf_take(&b, NULL);
	buf_done(&b);
	return names;
}

static void
rows_are_in_natural_order(void **state)
{
	struct model *m = new_model();
	struct strings groups;
	char *names;

	(void)state;
	assert_int_equal(model_n_hosts(m), 0);
	assert_int_equal(model_host_groups(m).n, 0);
	assert_null(model_host_find(m, "web-1"));
	feed_hosts(m, HOST("db", "'db','all'", "db") "," HOST("web-2", "'web'", "web-2") "," HOST("web-10", "'all','web'", "web-10"));
	names = names_of(m);
	assert_string_equal(names, "db web-2 web-10");
	free(names);
	assert_string_equal(model_host_find(m, "web-10")->def->groups.v[1], "web");
	assert_string_equal(model_host_find(m, "db")->def->where, "opsconsole.yaml:4:9");
	groups = model_host_groups(m);
	assert_int_equal(groups.n, 3);
	assert_string_equal(groups.v[0], "all");
	assert_string_equal(groups.v[1], "db");
	assert_string_equal(groups.v[2], "web");
	assert_int_equal(model_host(m, 0)->state, HOST_UNKNOWN);
	model_free(m);
}

static void
whoever_serves_is_a_host(void **state)
{
	struct model *m = new_model();
	const struct model_host_row *row;
	char *names;

	(void)state;
	feed_hosts(m, HOST("s-1", "'serving'", "10.0.0.1") "," HOST("s-2", "'serving'", "10.0.0.2") "," HOST("s-3", "'serving'", "10.0.0.3"));
	feed_ok(m, 1, "mlflow", "registry");
	feed(m, 1, "{'event':'registry','source':'mlflow','models':[{'name':'spam','aliases':[{'alias':'c','version':'7'}]}]}");
	feed(m, 1, "{'event':'serving','source':'p1','model':'model:spam','serving':[{'host':'10.0.0.2:80','version':'6'},{'host':'s-1','version':'7'},"
	    "{'host':'stray','version':'7'},{'host':'','version':'7'}]}");
	names = names_of(m);
	assert_string_equal(names, "s-1 s-2 s-3 stray");
	free(names);
	row = model_host_find(m, "s-2");
	assert_int_equal(row->n_serving, 1);
	assert_string_equal(row->serving[0].model, "spam");
	assert_string_equal(row->serving[0].version, "6");
	assert_int_equal(row->serving[0].state, SERVE_OTHER);
	assert_true(row->serving[0].since_ns == T(1));
	assert_int_equal(model_host_find(m, "s-1")->serving[0].state, SERVE_RIGHT);
	assert_null(model_host_find(m, "stray")->def);
	/* That one more has no name there does not hide that s-3 is missing. */
	assert_int_equal(model_host_find(m, "s-3")->n_serving, 1);
	assert_int_equal(model_host_find(m, "s-3")->serving[0].state, SERVE_NONE);
	/* What serves is shown anew with the registry. */
	model_changes(m);
	feed(m, 2, "{'event':'registry','source':'mlflow','models':[{'name':'spam','aliases':[{'alias':'c','version':'6'}]}]}");
	assert_true(model_changes(m) & MODEL_HOSTS);
	assert_int_equal(model_host_find(m, "s-2")->serving[0].state, SERVE_RIGHT);
	model_free(m);
}

/* Any target down is down; where none tells, nothing is known. */
static void
targets_say_whether_a_host_is_up(void **state)
{
	static const struct {
		const char *targets;
		enum host_state state;
		size_t n;
		const char *error;
	} cases[] = {
		{ "", HOST_UNKNOWN, 0, "" },
		{ TARGET("s-1:9100", "up", "01"), HOST_UP, 1, "" },
		{ TARGET("s-1", "up", "01"), HOST_UP, 1, "" },
		{ TARGET("10.0.0.1:9100", "up", "01"), HOST_UP, 1, "" },
		{ TARGET("s-1:9100", "unknown", "01"), HOST_UNKNOWN, 1, "" },
		{ TARGET("s-1:9100", "up", "01") "," TARGET("s-1:8080", "down", "00") "," TARGET("s-1:8081", "up", "00"), HOST_DOWN, 3, "no route" },
		{ TARGET("s-11:9100", "down", "01") "," TARGET("10.0.0.11:9100", "down", "01"), HOST_UNKNOWN, 0, "" },
		/* An address that two hosts share is neither's. */
		{ TARGET("10.0.0.9:9100", "down", "01"), HOST_UNKNOWN, 0, "" },
		/* A host may be called by name and port. */
		{ TARGET("s-2:8080", "down", "01"), HOST_UNKNOWN, 0, "" },
		{ TARGET("[fe80::1]:9100", "up", "01"), HOST_UNKNOWN, 0, "" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct model *m = new_model();
		const struct model_host_row *row;

		feed_hosts(m, HOST("a", "", "10.0.0.9") "," HOST("b", "", "10.0.0.9") "," HOST("s-1", "", "10.0.0.1") "," HOST("s-2", "", "") ","
		    HOST("six", "", "fe80::1"));
		feed_targets(m, 1, "p1", cases[i].targets);
		model_advance(m, T(2));
		row = model_host_find(m, "s-1");
		assert_int_equal(row->state, cases[i].state);
		assert_int_equal(row->n_targets, cases[i].n);
		assert_string_equal(row->error, cases[i].error);
		if (cases[i].n > 0)
			assert_string_equal(row->targets[0].source, "p1");
		assert_true(cases[i].n == 0 || row->seen_ns == T(1));
		assert_int_equal(model_host_find(m, "a")->n_targets, 0);
		if (strstr(cases[i].targets, "fe80") != NULL)
			assert_int_equal(model_host_find(m, "six")->state, HOST_UP);
		model_free(m);
	}
}

/* What was up when last seen need not be now. */
static void
old_targets_tell_nothing(void **state)
{
	struct model *m = new_model();

	(void)state;
	feed_hosts(m, HOST("s-1", "", "s-1"));
	feed_targets(m, 10, "p1", TARGET("s-1:9100", "up", "01"));
	model_advance(m, T(25));
	assert_int_equal(model_host(m, 0)->state, HOST_UP);
	model_changes(m);
	model_advance(m, T(26));
	assert_true(model_changes(m) & MODEL_HOSTS);
	assert_int_equal(model_host(m, 0)->state, HOST_UNKNOWN);
	assert_int_equal(model_host(m, 0)->n_targets, 1);
	/* Another source still sees it; and the answer that did not change comes as a report alone. */
	feed_targets(m, 26, "p2", TARGET("s-1:8080", "down", "26"));
	assert_int_equal(model_host(m, 0)->state, HOST_DOWN);
	feed_targets(m, 27, "p2", "");
	assert_int_equal(model_host(m, 0)->state, HOST_UNKNOWN);
	feed_ok(m, 27, "p1", "targets");
	assert_int_equal(model_host(m, 0)->state, HOST_UP);
	model_free(m);
}

static void
health_is_one_value_a_host(void **state)
{
	struct model *m = new_model();
	const struct model_host_row *row;

	(void)state;
	feed_hosts(m, HOST("s-1", "", "s-1") "," HOST("s-2", "", "s-2"));
	feed(m, 1, "{'event':'series','source':'p1','type':'vector','query':'host:disk','series':[" VALUE("s-1:9100", "0.2") "," VALUE("s-2", "0.9") ","
	    VALUE("s-1:9100", "0.7") "," VALUE("s-1", "'NaN'") "," VALUE("stray", "1") "," VALUE("s-1:9100", "0.3") "]}");
	feed(m, 1, "{'event':'series','source':'p1','type':'vector','query':'host:cpu','series':[" VALUE("s-1:9100", "0.5") "]}");
	feed(m, 1, "{'event':'series','source':'p1','type':'vector','query':'query:a','series':[" VALUE("s-1:9100", "0.5") "]}");
	row = model_host_find(m, "s-1");
	assert_int_equal(row->n_values, 2);
	assert_string_equal(row->values[0].def->name, "cpu");	/* in the order of the queries */
	assert_float_equal(row->values[0].v, 0.5, 0);
	assert_float_equal(row->values[1].v, 0.7, 0);		/* of several disks the fullest */
	assert_true(row->values[1].at_ns == T(1));
	assert_int_equal(model_host_find(m, "s-2")->n_values, 1);
	assert_float_equal(model_host_find(m, "s-2")->values[0].v, 0.9, 0);
	assert_null(model_host_find(m, "stray"));
	model_changes(m);
	feed(m, 2, "{'event':'series','source':'p1','type':'vector','query':'host:cpu','series':[]}");
	assert_true(model_changes(m) & MODEL_HOSTS);
	assert_int_equal(model_host_find(m, "s-1")->n_values, 1);
	/* Why it fails is known, as for any query. */
	feed_failed(m, 3, "p1", "host:cpu", "bad expression");
	assert_string_equal(model_query_find(m, "host:cpu")->error, "bad expression");
	model_free(m);
}

static void
hosts_belong_to_their_environment(void **state)
{
	struct model *m = new_model();

	(void)state;
	feed_hosts(m, HOST("s-1", "", "s-1"));
	feed(m, 2, "{'event':'environment','name':'prod','sources':[" SOURCES "]}");
	assert_int_equal(model_n_hosts(m), 1);
	model_advance(m, T(3));
	assert_int_equal(model_n_hosts(model_at(m, T(0), NULL)), 0);
	assert_int_equal(model_n_hosts(model_at(m, T(1), NULL)), 1);
	feed(m, 3, "{'event':'environment','name':'test'}");
	assert_int_equal(model_n_hosts(m), 0);
	model_free(m);
}

static void
many_hosts(void **state)
{
	struct model *m = new_model();
	struct buf hosts, targets;

	(void)state;
	buf_init(&hosts, 8 << 20);
	buf_init(&targets, 8 << 20);
	for (int i = 1; i <= 10000; i++) {
		buf_printf(&hosts, "%s{'name':'s-%d','groups':['serving'],'address':'s-%d'}", i > 1 ? "," : "", i, i);
		buf_printf(&targets, "%s{'job':'node','instance':'s-%d:9100','health':'%s'}", i > 1 ? "," : "", i, i % 10 == 0 ? "down" : "up");
	}
	feed_hosts(m, hosts.data);
	feed_targets(m, 1, "p1", targets.data);
	assert_int_equal(model_n_hosts(m), 10000);
	for (size_t i = 0; i < 10000; i++) {
		char name[24];

		snprintf(name, sizeof name, "s-%zu", i + 1);
		assert_string_equal(model_host(m, i)->name, name);
		assert_int_equal(model_host(m, i)->state, (i + 1) % 10 == 0 ? HOST_DOWN : HOST_UP);
		assert_ptr_equal(model_host_find(m, name), model_host(m, i));
	}
	buf_done(&hosts);
	buf_done(&targets);
	model_free(m);
}

static void
names_compare_as_people_count(void **state)
{
	static const char *const ordered[] = { "", "01", "1a", "2", "10", "10a", "18446744073709551616", "18446744073709551617", "A", "a", "a1", "a2b", "a2b1",
	    "a10", "b", "web-1", "web-01", "web-2", "web-10", "web-10.b" };

	(void)state;
	for (size_t i = 0; i < COUNT(ordered); i++)
		for (size_t j = 0; j < COUNT(ordered); j++) {
			int c = host_name_compare(ordered[i], ordered[j]);

			if ((c < 0) != (i < j) || (c > 0) != (i > j))
				fail_msg("%s and %s: %d", ordered[i], ordered[j], c);
		}
}

static void
an_instance_names_a_host(void **state)
{
	static const struct {
		const char *instance;
		size_t len;
	} cases[] = {
		{ "web-1:9100", 5 }, { "web-1", 5 }, { "10.0.0.1:80", 8 }, { "[::1]:9100", 5 }, { "::1", 3 }, { "fe80::1:2", 9 }, { "", 0 }, { ":", 1 },
		{ ":80", 3 }, { "web-1:", 6 }, { "web-1:http", 10 }, { "web:1:2", 7 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		assert_int_equal(host_of_instance(cases[i].instance), cases[i].len);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_are_in_natural_order),
		cmocka_unit_test(whoever_serves_is_a_host),
		cmocka_unit_test(targets_say_whether_a_host_is_up),
		cmocka_unit_test(old_targets_tell_nothing),
		cmocka_unit_test(health_is_one_value_a_host),
		cmocka_unit_test(hosts_belong_to_their_environment),
		cmocka_unit_test(many_hosts),
		cmocka_unit_test(names_compare_as_people_count),
		cmocka_unit_test(an_instance_names_a_host),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
