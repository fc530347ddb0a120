/*
 * `--export slo-rules`: the file for one objective as people will read it, and what must hold for any: well formed YAML, names that
 * slo_found_recorded() finds, nothing of others taken for markup. promtool reads such files in tests/e2e/test_slo_rules.py.
 */
#include "config.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/yaml.h"
#include "insight/slo_found.h"
#include "insight/slo_promql.h"
#include "insight/slo_rules.h"
#include "insight/slo_rules_yaml.h"

enum { FILE_MAX = 1 << 20, RULES_MAX = 256 };
#define DAY (24 * NS_PER_HOUR)

static const struct slo_rule two_rules[] = {
	{ 14.4, NS_PER_HOUR, 5 * NS_PER_MIN, 0, SEVERITY_PAGE },
	{ 1, 3 * DAY, 6 * NS_PER_HOUR, 15 * NS_PER_MIN, SEVERITY_TICKET },
};
static const struct slo_rule small_rules[] = { { 2, NS_PER_MIN, 10 * NS_PER_S, 0, SEVERITY_INFO }, { 1, 5 * NS_PER_MIN, 0, 0, SEVERITY_TICKET } };

/* Bad of all requests, 30 days. */
static struct slo_def
ratio(const char *name)
{
	return (struct slo_def){ .id = "slo:web", .name = name, .title = "", .service = "", .kind = "", .source = "prometheus", .where = "c.yaml:1:1",
		.target = 0.999, .slice_target = NAN, .period_ns = 30 * DAY, .sli = SLI_RATIO, .bad = "requests_total{code=~\"5..\"}",
		.total = "requests_total", .is_counter = true, .resolution_ns = NS_PER_MIN, .n_rules = 2, .rules = two_rules };
}

/* The rules file for one definition; free() it. */
static char *
export(const struct slo_def *def)
{
	const struct slo_def_set set = { .n = 1, .v = def };
	struct err err = ERR_INIT;
	struct buf b;
	char *text;

	buf_init(&b, FILE_MAX);
	if (slo_rules_export(&set, &b, &err) < 0)
		fail_msg("%s", err.msg);
	text = buf_take(&b, NULL);
	buf_done(&b);
	return text;
}

/* --- the file as it stands --------------------------------------------------------------------------------------------------- */

#define HEAD \
	"# Prometheus rules for error budgets, written by opsconsole --export slo-rules. Name this file in rule_files of prometheus.yml and\n" \
	"# reload; `promtool check rules FILE` checks it. opsconsole reads slo:first:* and slo:total:* instead of the metrics behind them as soon\n" \
	"# as they are loaded; they begin then, so that a budget is whole one window later.\n"
#define RECORD(name, expr) "      - record: " name "\n        expr: |-\n          " expr "\n        labels:\n          slo: \"web\"\n          service: \"blog\"\n"
#define NL "\n          "
#define BAD(w) "sum(increase(requests_total{code=~\"5..\"}[" w "]))"
#define ALL(w) "sum(increase(requests_total[" w "]))"
#define BAD_0(w) "(" BAD(w) " or 0 * " ALL(w) ")"
#define WEB "{slo=\"web\",service=\"blog\"}"
#define TILES(what, w) "sum_over_time(slo:" what ":increase5m" WEB "[" w ":5m])"
#define DIRECT(w) RECORD("slo:error_ratio:rate" w, BAD_0(w) NL "/" NL ALL(w))
#define TILED(w) RECORD("slo:error_ratio:rate" w, TILES("first", w) NL "/" NL TILES("total", w))

static const char want[] =
    HEAD
    "groups:\n"
    "\n"
    "  # web: 99.9% within 30d. For the Prometheus behind source prometheus; defined in c.yaml:1:1\n"
    "  - name: \"slo:web\"\n"
    "    interval: 1m\n"
    "    rules:\n"
    RECORD("slo:first:increase5m", BAD("5m") NL "or" NL "0 * " ALL("5m"))
    RECORD("slo:total:increase5m", ALL("5m"))
    DIRECT("5m") DIRECT("30m") DIRECT("1h") TILED("2h") TILED("6h") TILED("1d") TILED("3d")
    RECORD("slo:objective:ratio", "vector(0.999)")
    TILED("30d")
    RECORD("slo:error_budget_remaining:ratio", "1 - slo:error_ratio:rate30d" WEB " / (1 - 0.999)")
    "  - name: \"slo:web:alerts\"\n"
    "    rules:\n"
    "      - alert: \"ErrorBudgetBurn\"\n"
    "        expr: |-\n"
    "          slo:error_ratio:rate1h" WEB " > (14.4 * (1 - 0.999))" NL "and" NL "slo:error_ratio:rate5m" WEB " > (14.4 * (1 - 0.999))" NL
    "and on ()" NL BAD_0("1h") " >= 3\n"
    "        labels:\n"
    "          severity: \"page\"\n"
    "          slo: \"web\"\n"
    "          service: \"blog\"\n"
    "          long: \"1h\"\n"
    "        annotations:\n"
    "          summary: \"web burns its error budget at more than 14.4x over 1h and 5m\"\n"
    /* 14.4 x 1 h / 720 h = 2 %; 720 h / 14.4 = 50 h */
    "          description: \"Error ratio {{ $value | humanizePercentage }} over 1h; 99.9% within 30d is promised. At 14.4x, 2% of the budget goes "
    "in 1h and all of it in 2d02h.\"\n"
    "      - alert: \"ErrorBudgetBurn\"\n"
    "        expr: |-\n"
    "          slo:error_ratio:rate3d" WEB " > (1 * (1 - 0.999))" NL "and" NL "slo:error_ratio:rate6h" WEB " > (1 * (1 - 0.999))" NL
    "and on ()" NL TILES("first", "3d") " >= 3\n"
    "        for: 15m\n"
    "        labels:\n"
    "          severity: \"ticket\"\n"
    "          slo: \"web\"\n"
    "          service: \"blog\"\n"
    "          long: \"3d\"\n"
    "        annotations:\n"
    "          summary: \"web burns its error budget at more than 1x over 3d and 6h\"\n"
    "          description: \"Error ratio {{ $value | humanizePercentage }} over 3d; 99.9% within 30d is promised. At 1x, 10% of the budget goes in 3d "
    "and all of it in 30d.\"\n";

static void
test_file(void **state)
{
	struct slo_def def = ratio("web");
	char *text;

	(void)state;
	def.service = "blog";
	def.min_bad = 3;
	text = export(&def);
	assert_string_equal(text, want);
	free(text);
}

#define ABSENT(w, severity) "      - alert: \"ErrorBudgetNoData\"\n        expr: |-\n          absent(" ALL(w) ")\n        for: " w "\n        labels:\n" \
	"          severity: \"" severity "\"\n          slo: \"web\"\n        annotations:\n          summary: \"web has had no data for " w \
	", so that nobody knows what is left of its error budget\"\n"

static bool
ends_with(const char *text, const char *end)
{
	size_t n = strlen(text), n_end = strlen(end);

	return n >= n_end && strcmp(text + n - n_end, end) == 0;
}

/* What missing data counts as: an alert behind the others, over the shortest window of the rules. */
static void
test_no_data(void **state)
{
	const struct label own[] = { { "alertname", "BudgetBurn" }, { "slo", "web" } };
	struct slo_def def = ratio("web");
	char *text;

	(void)state;
	text = export(&def);
	assert_null(strstr(text, "absent("));
	free(text);

	def.no_data_severity = SEVERITY_PAGE;
	text = export(&def);
	assert_true(ends_with(text, ABSENT("5m", "page")));
	free(text);

	/* Of the rule without a short window that is its long one; and without rules the shortest that is asked. */
	def.no_data_severity = SEVERITY_TICKET;
	def.rules = &small_rules[1];
	def.n_rules = 1;
	def.resolution_ns = 10 * NS_PER_S;
	text = export(&def);
	assert_true(ends_with(text, ABSENT("5m", "ticket")));
	free(text);
	def.n_rules = 0;
	text = export(&def);
	assert_non_null(strstr(text, "  - name: \"slo:web:alerts\"\n    rules:\n" ABSENT("5m", "ticket")));
	free(text);

	/* The name by which its alerts are known. */
	def.alert_labels = (struct labels){ 2, own };
	text = export(&def);
	assert_non_null(strstr(text, "- alert: \"BudgetBurn\"\n        expr: |-\n          absent("));
	free(text);
}

/* What a calendar's window lacks is said where it would stand. */
static void
test_calendar_says_what_is_missing(void **state)
{
	static const int64_t bounds[] = { 0, 31 * DAY, 59 * DAY };
	struct slo_def def = ratio("web");
	char *text;

	(void)state;
	text = export(&def);
	assert_null(strstr(text, "# No slo:error_budget_remaining:ratio"));
	free(text);
	def.bounds = bounds;
	def.n_bounds = 3;
	text = export(&def);
	assert_non_null(strstr(text, "      # No slo:error_budget_remaining:ratio: a range in PromQL has one length"));
	free(text);
}

static void
test_empty(void **state)
{
	struct slo_def found = ratio("web");
	struct slo_def_set set = { .n = 1, .v = &found };
	struct buf b;

	(void)state;
	buf_init(&b, FILE_MAX);
	found.origin = SLO_FROM_PYRRA;
	assert_int_equal(slo_rules_export(&set, &b, NULL), 0);
	assert_string_equal(b.data, HEAD "# No objective is defined by the config or an OpenSLO file.\ngroups: []\n");
	buf_done(&b);
}

/* --- read back --------------------------------------------------------------------------------------------------------------------- */

/* The recording rules of a file, as the rules API would tell of them. free() the rules and yaml_file_free() the file. */
static struct rule *
read_rules(const char *text, struct yaml_file **ret_file, size_t *ret_n)
{
	struct rule *v = calloc(RULES_MAX, sizeof *v);
	struct label *labels = calloc(2 * RULES_MAX, sizeof *labels);
	struct err err = ERR_INIT;
	const struct yaml_node *groups;

	assert_non_null(v);
	assert_non_null(labels);
	*ret_n = 0;
	if (yaml_parse("rules.yaml", text, strlen(text), ret_file, &err) < 0)
		fail_msg("%s\n%s", err.msg, text);
	groups = yaml_get((*ret_file)->docs[0], "groups");
	for (size_t i = 0; i < groups->n; i++) {
		const struct yaml_node *rules = yaml_get(groups->items[i], "rules");

		for (size_t j = 0; j < rules->n; j++) {
			const struct yaml_node *record = yaml_get(rules->items[j], "record"), *own = yaml_get(rules->items[j], "labels");
			struct rule *r = &v[*ret_n];

			if (record == NULL)
				continue;
			assert_in_range(*ret_n, 0, RULES_MAX - 1);
			*r = (struct rule){ .group = "", .name = record->text, .query = yaml_get(rules->items[j], "expr")->text, .error = "", .health = "ok",
				.labels = { own->n, &labels[2 * (*ret_n)++] } };
			/* sorted: service before slo, which is how they are written backwards */
			for (size_t k = 0; k < own->n; k++)
				((struct label *)r->labels.v)[own->n - 1 - k] = (struct label){ own->keys[k]->text, own->items[k]->text };
		}
	}
	assert_true(*ret_n > 0);
	return v;
}

/* The filled in templates of the definition are in its first two recordings. */
static void
check_terms(const struct slo_def *def, int64_t step_ns, const struct rule *v)
{
	struct arena arena = ARENA_INIT;
	struct slo_terms terms;
	struct err err = ERR_INIT;
	struct buf b;

	buf_init(&b, FILE_MAX);
	if (slo_terms_direct(def, &arena, &terms, &err) < 0)
		fail_msg("%s", err.msg);
	slo_fill(&b, terms.first, step_ns);
	assert_non_null(strstr(v[0].query, b.data));
	buf_reset(&b);
	slo_fill(&b, terms.total, step_ns);
	assert_string_equal(v[1].query, b.data);
	buf_done(&b);
	arena_done(&arena);
}

static const struct rule *
find_rule(const struct rule_set *rules, const char *name)
{
	for (size_t i = 0; i < rules->n; i++)
		if (strcmp(rules->v[i].name, name) == 0)
			return &rules->v[i];
	return NULL;
}

/* What the console finds of an export. with and without: rules that are and are not among it. */
static void
check_found(const struct slo_def *def, int64_t step_ns, const char *with, const char *without)
{
	struct slo_def_set defs = { .n = 1, .v = def }, *set;
	char *text = export(def);
	struct rule_set rules = { 0 };
	struct yaml_file *file;
	struct rule *v;

	rules.v = v = read_rules(text, &file, &rules.n);
	set = slo_found_recorded(&defs, &rules, def->source);
	assert_int_equal(set->v[0].recorded_ns, step_ns);
	check_terms(def, step_ns, v);
	assert_non_null(find_rule(&rules, with));
	assert_null(find_rule(&rules, without));
	block_unref(set);
	free((void *)v[0].labels.v);
	free(v);
	yaml_file_free(file);
	free(text);
}

static void
test_ratio_kinds(void **state)
{
	static const int64_t bounds[] = { 0, 31 * DAY, 59 * DAY };
	struct slo_def def = ratio("web");

	(void)state;
	check_found(&def, 5 * NS_PER_MIN, "slo:error_ratio:rate30d", "slo:error_ratio:rate10s");

	def.bad = NULL;
	def.good = "sum(rate(requests_total{code!~\"5..\"}[${window}])) + sum(rate(cached_total[${window}]))";
	def.total = "sum(increase(requests_total[${window}]))";
	check_found(&def, 5 * NS_PER_MIN, "slo:error_budget_remaining:ratio", "slo:error_ratio:rate10s");

	/* PromQL has no calendar. */
	def.n_bounds = 3;
	def.bounds = bounds;
	check_found(&def, 5 * NS_PER_MIN, "slo:objective:ratio", "slo:error_budget_remaining:ratio");

	/* Windows shorter than five minutes are read from tiles that are shorter still. */
	def = ratio("web");
	def.rules = small_rules;
	def.resolution_ns = NS_PER_S;
	def.period_ns = NS_PER_HOUR;
	check_found(&def, 10 * NS_PER_S, "slo:error_ratio:rate10s", "slo:error_ratio:rate30d");
}

/* Slices and samples are counted whole: a tile holds some of them, and none is cut. */
static void
test_whole_kinds(void **state)
{
	struct slo_def def = ratio("web");

	(void)state;
	def.method = SLO_TIMESLICES;
	def.slice_ns = 2 * NS_PER_MIN;
	def.slice_target = 0.95;
	check_found(&def, 6 * NS_PER_MIN, "slo:first:increase6m", "slo:first:increase5m");
	def.method = SLO_RATIO_TIMESLICES;
	def.slice_ns = NS_PER_MIN;
	check_found(&def, 5 * NS_PER_MIN, "slo:first:increase5m", "slo:first:increase1m");

	def = ratio("web");
	def.sli = SLI_THRESHOLD;
	def.raw = "histogram_quantile(0.99, sum by (le) (rate(latency_bucket[5m])))";
	def.compare = SLI_LTE;
	def.threshold = 0.25;
	check_found(&def, 5 * NS_PER_MIN, "slo:error_ratio:rate30d", "slo:first:increase1m");
	def.sli = SLI_RAW;
	def.raw = "job:errors:ratio";
	def.resolution_ns = 4 * NS_PER_MIN;
	check_found(&def, 8 * NS_PER_MIN, "slo:total:increase8m", "slo:total:increase5m");
}

/* --- text of others --------------------------------------------------------------------------------------------------------------------- */

static void
test_quote(void **state)
{
	static const struct {
		const char *text, *quoted, *read;	/* read NULL: the text itself */
	} cases[] = {
		{ "", "\"\"", NULL },
		{ "plain", "\"plain\"", NULL },
		{ "a\"b\\c", "\"a\\\"b\\\\c\"", NULL },
		{ "a\nb\tc\rd", "\"a\\nb\\tc\\x0dd\"", NULL },
		{ "- [a]: {b} # c", "\"- [a]: {b} # c\"", NULL },
		{ "\x1b[31m\x7f", "\"\\x1b[31m\\x7f\"", NULL },
		{ "\xc2\x85\xe2\x80\xa8\xef\xbb\xbf", "\"\\x85\\u2028\\ufeff\"", NULL },
		{ "\xf0\x9f\x98\x80 \xc3\xa9", "\"\xf0\x9f\x98\x80 \xc3\xa9\"", NULL },
		{ "\xf3\xa0\x80\x81", "\"\\U000e0001\"", NULL },
		{ "a\xff" "b", "\"a\\ufffdb\"", "a\xef\xbf\xbd" "b" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const char *back = cases[i].read == NULL ? cases[i].text : cases[i].read;
		struct yaml_file *file;
		struct err err = ERR_INIT;
		struct buf b;

		buf_init(&b, FILE_MAX);
		buf_addstr(&b, "a: ");
		rules_quote(&b, cases[i].text);
		assert_string_equal(b.data + 3, cases[i].quoted);
		buf_addstr(&b, "\nb");
		rules_block(&b, 4, cases[i].text);
		if (yaml_parse("quote.yaml", b.data, b.len, &file, &err) < 0)
			fail_msg("%s\n%s", err.msg, b.data);
		assert_string_equal(yaml_get(file->docs[0], "a")->text, back);
		assert_string_equal(yaml_get(file->docs[0], "b")->text, back);
		yaml_file_free(file);
		buf_done(&b);
	}
}

static void
test_block(void **state)
{
	static const char *const texts[] = { "a\nb", "a\n\n  b\n\tc", " a", "\ta", "\na", "a\n", "a\r\nb", "# a\nb: c", "a  ", "- a\n- b", "a\n ", "" };

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		struct yaml_file *file;
		struct err err = ERR_INIT;
		struct buf b;

		buf_init(&b, FILE_MAX);
		buf_addstr(&b, "rules:\n  - expr");
		rules_block(&b, 6, texts[i]);
		buf_addstr(&b, "    next: 1\n");
		if (yaml_parse("block.yaml", b.data, b.len, &file, &err) < 0)
			fail_msg("%s\n%s", err.msg, b.data);
		assert_string_equal(yaml_get(yaml_get(file->docs[0], "rules")->items[0], "expr")->text, texts[i]);
		assert_string_equal(yaml_get(yaml_get(file->docs[0], "rules")->items[0], "next")->text, "1");
		yaml_file_free(file);
		buf_done(&b);
	}
}

/* Names, sentences and expressions that look like something else. */
static void
test_hostile(void **state)
{
	static const char *const texts[] = { "a\"}) or up{x=\"", "a\nb: c", "{{ $labels.x }}", "{{", "{{{", "# c", "'", "\\", "a\x1b[2J", "\xe2\x80\xa8", "%s%n", "- a", "null",
		"${window}", "`" };

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		const struct label labels[] = { { "alertname", texts[i] }, { "on", texts[i] } };
		struct slo_def def = ratio(texts[i]), *p = &def;
		struct slo_def_set defs = { .n = 1, .v = p }, *set;
		struct rule_set rules = { 0 };
		struct yaml_file *file;
		struct rule *v;
		char *text;

		def.service = def.title = def.where = def.source = def.id = texts[i];
		def.total = "x{a=\"#\"} # }\n";
		def.alert_labels = (struct labels){ 2, labels };
		text = export(&def);
		rules.v = v = read_rules(text, &file, &rules.n);
		set = slo_found_recorded(&defs, &rules, def.source);
		assert_int_equal(set->v[0].recorded_ns, 5 * NS_PER_MIN);
		block_unref(set);
		free((void *)v[0].labels.v);
		free(v);
		yaml_file_free(file);
		free(text);
	}
}

/* Prometheus expands {{ }} in labels and annotations of alerts: a name must not become a program. */
static void
test_templates(void **state)
{
	const struct label labels[] = { { "team", "{{ query \"up\" }}" } };
	struct slo_def def = ratio("a {{ b");
	char *text;

	(void)state;
	def.alert_labels = (struct labels){ 1, labels };
	text = export(&def);
	assert_non_null(strstr(text, "\"team\": \"{{ \\\"{{\\\" }} query \\\"up\\\" }}\"\n"));
	assert_non_null(strstr(text, "          slo: \"a {{ \\\"{{\\\" }} b\"\n"));
	assert_non_null(strstr(text, "summary: \"a {{ \\\"{{\\\" }} b burns"));
	/* Recordings are no templates. */
	assert_non_null(strstr(text, "          slo: \"a {{ b\"\n"));
	free(text);
}

/* --- alerts ------------------------------------------------------------------------------------------------------------------------------- */

static void
test_alerts(void **state)
{
	const struct label labels[] = { { "alertname", "MailBudget" }, { "severity", "sev2" }, { "slo", "mail" } };
	struct slo_def def = ratio("web");
	char *text;

	(void)state;
	/* One window; a gate on all events; labels of one's own. */
	def.rules = small_rules;
	def.resolution_ns = NS_PER_S;
	def.period_ns = NS_PER_HOUR;
	def.min_events = 100;
	def.alert_labels = (struct labels){ 3, labels };
	text = export(&def);
	assert_non_null(strstr(text, "      - alert: \"MailBudget\"\n"));
	assert_non_null(strstr(text, "          slo:error_ratio:rate5m{slo=\"web\"} > (1 * (1 - 0.999))\n          and on ()\n"
	    "          sum_over_time(slo:total:increase10s{slo=\"web\"}[5m:10s]) >= 100\n"));
	assert_non_null(strstr(text, "        labels:\n          severity: \"sev2\"\n          slo: \"mail\"\n          long: \"5m\"\n        annotations:\n"));
	assert_null(strstr(text, "ErrorBudgetBurn"));
	assert_null(strstr(text, "\"info\""));
	free(text);

	/* Good is recorded: bad is the rest. */
	def = ratio("web");
	def.bad = NULL;
	def.good = "ok_total";
	def.min_bad = 5;
	text = export(&def);
	assert_non_null(strstr(text, "          1 - sum_over_time(slo:first:increase5m{slo=\"web\"}[3d:5m])\n          /\n"));
	assert_non_null(strstr(text, "          sum_over_time(slo:total:increase5m{slo=\"web\"}[3d:5m]) - sum_over_time(slo:first:increase5m{slo=\"web\"}[3d:5m]) >= 5\n"));
	free(text);

	def.n_rules = 0;
	text = export(&def);
	assert_null(strstr(text, "alert:"));
	free(text);
}

/* --- what cannot be written ------------------------------------------------------------------------------------------------------------------ */

static void
test_errors(void **state)
{
	struct slo_def v[] = { ratio("good"), ratio("bad\n") };
	const struct slo_def_set set = { .n = 2, .v = v };
	struct err err = ERR_INIT;
	struct buf b;

	(void)state;
	v[1].total = "sum(rate(requests_total[5m]))";
	buf_init(&b, FILE_MAX);
	buf_addstr(&b, "before");
	assert_int_equal(slo_rules_export(&set, &b, &err), ERR_INVALID);
	assert_string_equal(b.data, "before");
	assert_non_null(strstr(err.msg, "objective bad\\n: total: "));
	assert_non_null(strstr(err.msg, "${window}"));
	buf_done(&b);

	v[1].total = "requests_total";
	buf_init(&b, 5000);
	assert_int_equal(slo_rules_export(&set, &b, &err), ERR_LIMIT);
	assert_int_equal(b.len, 0);
	assert_non_null(strstr(err.msg, "longer than 5000 bytes"));
	buf_done(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_file),
		cmocka_unit_test(test_no_data),
		cmocka_unit_test(test_calendar_says_what_is_missing),
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_ratio_kinds),
		cmocka_unit_test(test_whole_kinds),
		cmocka_unit_test(test_quote),
		cmocka_unit_test(test_block),
		cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_templates),
		cmocka_unit_test(test_alerts),
		cmocka_unit_test(test_errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
