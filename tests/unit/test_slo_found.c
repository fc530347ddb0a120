/*
 * Objectives found in rules: what a real Prometheus answered that had loaded files as Sloth and Pyrra generate them (tests/fixtures/slo-rules), and
 * rules that are odd, wrong, hostile or many.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/xalloc.h"
#include "insight/slo_found.h"
#include "insight/slo_found_expr.h"
#include "insight/slo_found_value.h"
#include "insight/slo_promql.h"
#include "source/source.h"

enum { TEXT_MAX = 1 << 20, MANY_OBJECTIVES = 700 };

/* --- answers ------------------------------------------------------------------------------------------------------------ */

static const struct decoder_ops *
rules_decoder(void)
{
	const struct poll *p;

	for (p = source_prometheus.polls; strcmp(p->what, "rules") != 0; p++)
		;
	return p->decoder;
}

/* The answer of the rules API as the program reads it. */
static struct rule_set *
decode(const char *body, size_t len)
{
	const struct decode_ctx ctx = { .source = "prometheus", .query = "", .series_max = 1, .requested_ns = 1 };
	const struct answer answer = { .status = 200, .content_type = "" };
	struct decoder *d = decoder_new(rules_decoder(), &ctx);
	struct event_list events = { 0 };
	struct err err = ERR_INIT;
	struct rule_set *set;

	if (decoder_start(d, &answer) < 0 || decoder_push(d, body, len, &err) < 0 || decoder_finish(d, &events, &err) < 0)
		fail_msg("%s", err.msg);
	decoder_free(d);
	assert_int_equal(events.n, 1);
	set = block_ref(events.v[0].block);
	event_list_done(&events);
	return set;
}

static struct rule_set *
recorded(const char *name)
{
	char path[1024];
	struct rule_set *set;
	struct buf b;
	FILE *fp;
	char piece[4096];
	size_t n;

	snprintf(path, sizeof path, "%s/tests/fixtures/slo-rules/%s.json", SOURCE_DIR, name);
	fp = fopen(path, "rb");
	if (fp == NULL)
		fail_msg("cannot read %s", path);
	buf_init(&b, TEXT_MAX);
	while ((n = fread(piece, 1, sizeof piece, fp)) > 0)
		assert_int_equal(buf_add(&b, piece, n), 0);
	fclose(fp);
	set = decode(b.data, b.len);
	buf_done(&b);
	return set;
}

/* A list of rules in one group, with ' for ". */
static struct rule_set *
written(const char *rules)
{
	char *body = xasprintf("{'status':'success','data':{'groups':[{'name':'g','file':'f','rules':[%s]}]}}", rules), *p;
	struct rule_set *set;

	for (p = body; *p != '\0'; p++)
		if (*p == '\'')
			*p = '"';
	set = decode(body, strlen(body));
	free(body);
	return set;
}

/* --- an objective as text --------------------------------------------------------------------------------------------------- */

static void
add_rules(struct buf *b, const struct slo_def *def)
{
	static const char *const severities[] = { "none", "info", "ticket", "page" };
	char a[PROMQL_DURATION_MAX], c[PROMQL_DURATION_MAX], f[PROMQL_DURATION_MAX];

	for (size_t i = 0; i < def->n_rules; i++) {
		const struct slo_rule *r = &def->rules[i];

		buf_printf(b, " %s:%.10g:%s/%s", severities[r->severity], r->factor, promql_duration(a, r->long_ns),
		    r->short_ns == 0 ? "-" : promql_duration(c, r->short_ns));
		if (r->for_ns > 0)
			buf_printf(b, ":for-%s", promql_duration(f, r->for_ns));
	}
}

/* One line an objective, then a line for each note. */
static char *
dump(const struct slo_def_set *set)
{
	char d[PROMQL_DURATION_MAX];
	struct buf b;
	char *text;

	buf_init(&b, TEXT_MAX);
	for (size_t i = 0; i < set->n; i++) {
		const struct slo_def *def = &set->v[i];

		buf_printf(&b, "%s | %s %s %s%s%s | %s | %.12g %s |", def->id, slo_origin_name(def->origin), def->name, def->service,
		    def->kind[0] != '\0' ? " " : "", def->kind, def->where, def->target, promql_duration(d, def->period_ns));
		add_rules(&b, def);
		buf_addstr(&b, " |");
		for (size_t j = 0; j < def->alert_labels.n; j++)
			buf_printf(&b, " %s=%s", def->alert_labels.v[j].name, def->alert_labels.v[j].value);
		buf_printf(&b, " | %s%s / %s\n", def->sli == SLI_RAW ? "raw " : def->good != NULL ? "good " : "bad ",
		    def->sli == SLI_RAW ? def->raw : def->good != NULL ? def->good : def->bad, def->total == NULL ? "-" : def->total);
		for (size_t j = 0; j < def->notes.n; j++)
			buf_printf(&b, "  %s\n", def->notes.v[j]);
	}
	text = buf_take(&b, NULL);
	buf_done(&b);
	return text;
}


static void
check(const struct rule_set *rules, const char *want)
{
	struct slo_def_set *set = slo_found(rules, "prometheus");
	char *text = dump(set);

	assert_string_equal(text, want);
	free(text);
	block_unref(set);
}

/* --- files as the tools generate them ------------------------------------------------------------------------------------------ */

#define WORKBOOK " page:14.4:1h/5m page:6:6h/30m ticket:3:1d/2h ticket:1:3d/6h "

static const char sloth_want[] =
    "slo:comments-fast-pages | Sloth comments-fast-pages comments | rule group sloth-slo-sli-recordings-comments-fast-pages | 0.95 30d |" WORKBOOK
    "| sloth_id=comments-fast-pages | raw slo:sli_error:ratio_rate5m{sloth_id=\"comments-fast-pages\"} / -\n"
    "  an average of the recorded ratios over 5m: traffic does not weigh (its expression has a range that is not [5m])\n"
    "slo:feed-satisfaction | Sloth feed-satisfaction feed | rule group sloth-slo-sli-recordings-feed-satisfaction | 0.95 30d |" WORKBOOK
    "| sloth_id=feed-satisfaction | good sum(sum_over_time(feed_satisfaction_ratio[${window}])) / "
    "sum(count_over_time(feed_satisfaction_ratio[${window}]))\n"
    "slo:mail-delivery | Sloth mail-delivery mail | rule group sloth-slo-sli-recordings-mail-delivery | 0.995 30d |" WORKBOOK
    "| sloth_id=mail-delivery | bad sum(rate(mail_sent_total{result=\"bounced\"}[${window}])) / sum(rate(mail_sent_total[${window}]))\n"
    "  Sloth's rules hold no burn rate alert for it: the Workbook's burn rates are taken\n"
    "slo:spam-filter-quality | Sloth spam-filter-quality spam-filter | rule group sloth-slo-sli-recordings-spam-filter-quality | 0.99 30d |" WORKBOOK
    "| sloth_id=spam-filter-quality | bad sum(rate(spam_verdicts_total{verdict=\"wrong\"}[${window}])) / "
    "sum(rate(spam_verdicts_total[${window}]))\n"
    "slo:web-availability | Sloth web-availability web | rule group sloth-slo-sli-recordings-web-availability | 0.999 30d |" WORKBOOK
    "| sloth_id=web-availability | bad sum(rate(http_requests_total{code=~\"(5..|429)\",job=\"web\"}[${window}])) / "
    "sum(rate(http_requests_total{job=\"web\"}[${window}]))\n";

#define SLOTH_28D " page:13.44:1h/5m page:5.6:6h/30m ticket:2.8:1d/2h ticket:0.933333:3d/6h "
#define SLOTH_28D_NOTE "  burn rates of Sloth's alerts, not the Workbook's: 13.44 over 1h/5m, 5.6 over 6h/30m, 2.8 over 1d/2h, 0.933333 over 3d/6h\n"

static const char sloth_28d_want[] =
    "slo:api-corrected | Sloth api-corrected api | rule group sloth-slo-sli-recordings-api-corrected | 0.99 28d |" SLOTH_28D
    "| sloth_id=api-corrected | raw slo:sli_error:ratio_rate5m{sloth_id=\"api-corrected\"} / -\n"
    "  an average of the recorded ratios over 5m: traffic does not weigh (its expression reads slo:numerator_correction:ratio5m, which has one "
    "window only)\n" SLOTH_28D_NOTE
    "slo:api-errors | Sloth api-errors api | rule group sloth-slo-sli-recordings-api-errors | 0.999 28d |" SLOTH_28D
    "| sloth_id=api-errors | bad sum(rate(http_requests_total{code=~\"5..\",job=\"api\"}[${window}])) / "
    "sum(rate(http_requests_total{job=\"api\"}[${window}]))\n" SLOTH_28D_NOTE
    "slo:api-search-latency | Sloth api-search-latency api | rule group sloth-slo-sli-recordings-api-search-latency | 0.98 7d |"
    " page:33.6:40m/10m page:7:3h/1h ticket:2.8:12h/2h ticket:1.47:2d/8h | sloth_id=api-search-latency | "
    "bad sum(sum(rate(http_request_duration_seconds_count{handler=\"/search\",job=\"api\"}[${window}])) - "
    "sum(rate(http_request_duration_seconds_bucket{handler=\"/search\",job=\"api\",le=\"0.5\"}[${window}]))) / "
    "sum(rate(http_request_duration_seconds_count{handler=\"/search\",job=\"api\"}[${window}]))\n"
    "  burn rates of Sloth's alerts, not the Workbook's: 33.6 over 40m/10m, 7 over 3h/1h, 2.8 over 12h/2h, 1.47 over 2d/8h\n";

#define PYRRA_28D " page:14:1h/5m:for-2m page:7:6h/30m:for-15m ticket:2:1d/2h:for-1h ticket:1:4d/6h:for-3h "
#define PYRRA_NOTE(a, b, c, d) "  burn rates of Pyrra's alerts, not the Workbook's: 14 over " a ", 7 over " b ", 2 over " c ", 1 over " d "\n"
#define PYRRA_28D_NOTE PYRRA_NOTE("1h/5m", "6h/30m", "1d/2h", "4d/6h")

static const char pyrra_want[] =
    "slo:api-by-handler | Pyrra api-by-handler  | rule group api-by-handler | 0.999 28d |" PYRRA_28D
    "| alertname=ApiHandlerBudgetBurn slo=api-by-handler | bad sum(sum by (handler, job) "
    "(rate(http_requests_total{code=~\"5..\",job=\"api\"}[${window}]))) / sum(sum by (handler, job) "
    "(rate(http_requests_total{job=\"api\"}[${window}])))\n"
    "  Pyrra keeps a budget for each handler, job; here they are one\n" PYRRA_28D_NOTE
    "slo:blog-http-errors | Pyrra blog-http-errors  | rule group blog-http-errors | 0.99 28d |" PYRRA_28D
    "| alertname=ErrorBudgetBurn slo=blog-http-errors | bad sum(rate(http_requests_total{code=~\"5..\",job=\"blog\"}[${window}])) / "
    "sum(rate(http_requests_total{job=\"blog\"}[${window}]))\n" PYRRA_28D_NOTE
    "slo:blog-http-latency | Pyrra blog-http-latency  latency | rule group blog-http-latency | 0.995 28d |" PYRRA_28D
    "| alertname=ErrorBudgetBurn slo=blog-http-latency | "
    "bad sum(sum(rate(http_request_duration_seconds_count{code=~\"2..\",job=\"blog\"}[${window}])) - "
    "sum(rate(http_request_duration_seconds_bucket{code=~\"2..\",job=\"blog\",le=\"0.25\"}[${window}]))) / "
    "sum(rate(http_request_duration_seconds_count{code=~\"2..\",job=\"blog\"}[${window}]))\n" PYRRA_28D_NOTE
    "slo:quiet-exports | Pyrra quiet-exports exporter | rule group quiet-exports | 0.98 7d |" WORKBOOK "| slo=quiet-exports | "
    "bad sum(rate(exports_total{result=\"failed\"}[${window}])) / sum(rate(exports_total[${window}]))\n"
    "  Pyrra's rules hold no burn rate alert for it: the Workbook's burn rates are taken\n"
    /* 30 days: Pyrra's windows grow with the period and are rounded to minutes; without generic rules target and period come from elsewhere. */
    "slo:search-probe | Pyrra search-probe  | rule group search-probe | 0.99 30d |"
    " page:14:64m/5m:for-2m page:7:386m/32m:for-16m ticket:2:1543m/129m:for-64m ticket:1:6171m/386m:for-193m "
    "| alertname=ErrorBudgetBurn slo=search-probe | bad sum(sum(count_over_time(probe_success{job=\"search\"}[${window}])) - "
    "sum(sum_over_time(probe_success{job=\"search\"}[${window}]))) / sum(count_over_time(probe_success{job=\"search\"}[${window}]))\n"
    PYRRA_NOTE("64m/5m", "386m/32m", "1543m/129m", "6171m/386m")
    "slo:spam-verdict-native | Pyrra spam-verdict-native  latency | rule group spam-verdict-native | 0.9 14d |"
    " page:14:30m/3m:for-1m page:7:3h/15m:for-8m ticket:2:12h/1h:for-30m ticket:1:2d/3h:for-90m "
    "| alertname=ErrorBudgetBurn slo=spam-verdict-native | "
    "good sum(histogram_fraction(0, 0.2, sum(increase(spam_verdict_seconds{job=\"spam\"}[${window}]))) * "
    "histogram_count(sum(increase(spam_verdict_seconds{job=\"spam\"}[${window}])))) / "
    "sum(histogram_count(sum(increase(spam_verdict_seconds{job=\"spam\"}[${window}]))))\n"
    PYRRA_NOTE("30m/3m", "3h/15m", "12h/1h", "2d/3h");

static void
check_recorded(const char *name, const char *want)
{
	struct rule_set *rules = recorded(name);
	struct slo_def_set *set = slo_found(rules, "prometheus");
	struct arena arena = ARENA_INIT;
	struct slo_terms terms;
	struct err err = ERR_INIT;

	check(rules, want);
	for (size_t i = 0; i < set->n; i++) {
		if (slo_terms(&set->v[i], &arena, &terms, &err) < 0)
			fail_msg("%s: %s", set->v[i].id, err.msg);
		assert_string_equal(set->v[i].source, "prometheus");
		assert_true(set->v[i].resolution_ns > 0 && set->v[i].recorded_ns == 0);
	}
	arena_done(&arena);
	block_unref(set);
	block_unref(rules);
}

static void
test_sloth(void **state)
{
	(void)state;
	check_recorded("sloth", sloth_want);
}

static void
test_sloth_28d(void **state)
{
	(void)state;
	check_recorded("sloth-28d", sloth_28d_want);
}

static void
test_pyrra(void **state)
{
	(void)state;
	check_recorded("pyrra", pyrra_want);
}

/* --- rules that are odd ---------------------------------------------------------------------------------------------------------- */

#define RULE(name, query, labels) "{'name':'" name "','query':'" query "','labels':{" labels "},'health':'ok','type':'recording'}"
#define ALERT(name, query, labels) "{'name':'" name "','query':'" query "','labels':{" labels "},'health':'ok','type':'alerting'}"
#define SLOTH_LABELS "'sloth_id':'a-b','sloth_service':'a','sloth_slo':'b'"
#define SLOTH_SLI RULE("slo:sli_error:ratio_rate5m", "(sum(rate(x{e=\\'1\\'}[5m]))) / (sum(rate(x[5m])))", SLOTH_LABELS)
#define SLOTH_OBJECTIVE RULE("slo:objective:ratio", "vector(0.99)", SLOTH_LABELS)
#define SLOTH_DAYS RULE("slo:time_period:days", "vector(30)", SLOTH_LABELS)
#define PYRRA_SLI RULE("x:burnrate5m", "sum(rate(x{e=\\'1\\'}[5m])) / sum(rate(x[5m]))", "'slo':'p'")
#define PYRRA_OBJECTIVE RULE("pyrra_objective", "0.99", "'slo':'p'")
#define PYRRA_WINDOW RULE("pyrra_window", "2.4192e+06", "'slo':'p'")
#define SLOTH_LINE(target, period, rules) "slo:a-b | Sloth a-b a | rule group g | " target " " period " |" rules \
	"| sloth_id=a-b | bad sum(rate(x{e=\"1\"}[${window}])) / sum(rate(x[${window}]))\n"
#define PYRRA_LINE(target, period, rules, labels) "slo:p | Pyrra p  | rule group g | " target " " period " |" rules \
	"| " labels " | bad sum(rate(x{e=\"1\"}[${window}])) / sum(rate(x[${window}]))\n"
#define NO_ALERT(whose) "  " whose "'s rules hold no burn rate alert for it: the Workbook's burn rates are taken\n"

static const struct {
	const char *name, *rules, *want;
} odd[] = {
	{ "no rules", "", "" },
	{ "other rules", RULE("job:up:sum", "sum(up)", "") "," ALERT("Down", "up == 0", "'slo':'p'") "," RULE("y:rate5m", "sum(rate(y[5m]))", "'slo':'p'"), "" },
	{ "burn rates of the Kubernetes mixin have no label slo", RULE("apiserver_request:burnrate5m", "sum(rate(a[5m])) / sum(rate(b[5m]))", "'verb':'read'"), "" },
	{ "our own recordings are not Pyrra's", RULE("slo:first:increase5m", "sum(increase(x[5m]))", "'slo':'p'") ","
	    RULE("slo:total:increase5m", "sum(increase(x[5m]))", "'slo':'p'"), "" },
	{ "an objective that is no number between 0 and 1", SLOTH_SLI "," RULE("slo:objective:ratio", "vector(1)", SLOTH_LABELS), "" },
	{ "no objective at all", SLOTH_SLI "," SLOTH_DAYS, "" },
	{ "an objective without an indicator", SLOTH_OBJECTIVE "," SLOTH_DAYS, "" },
	{ "an empty id is none", RULE("slo:sli_error:ratio_rate5m", "a / b", "'sloth_id':''"), "" },
	{ "the objective from the budget", SLOTH_SLI "," SLOTH_DAYS "," RULE("slo:error_budget:ratio", "vector(1-0.99)", SLOTH_LABELS),
	    SLOTH_LINE("0.99", "30d", WORKBOOK) NO_ALERT("Sloth") },
	{ "the objective from the info", SLOTH_SLI "," SLOTH_DAYS "," RULE("sloth_slo_info", "vector(1)", SLOTH_LABELS ",'sloth_objective':'99.9'"),
	    SLOTH_LINE("0.999", "30d", WORKBOOK) NO_ALERT("Sloth") },
	{ "no period", SLOTH_SLI "," SLOTH_OBJECTIVE, SLOTH_LINE("0.99", "30d", WORKBOOK)
	    "  no rule slo:time_period:days says how long its window is: 30 days are taken\n" NO_ALERT("Sloth") },
	{ "binary fractions and arithmetic", SLOTH_SLI "," RULE("slo:time_period:days", "vector(28 / 4)", SLOTH_LABELS) ","
	    RULE("slo:objective:ratio", "vector(1 - (0.1 + 0.2) / 3)", SLOTH_LABELS), SLOTH_LINE("0.9", "7d", WORKBOOK) NO_ALERT("Sloth") },
	{ "the shortest window counts, whatever it is", RULE("slo:sli_error:ratio_rate1h", "(sum(rate(z[1h]))) / (sum(rate(x[1h])))", SLOTH_LABELS) ","
	    RULE("slo:sli_error:ratio_rate2m30s", "(sum(rate(x{e=\\'1\\'}[2m30s]))) / (sum(rate(x[2m30s])))", SLOTH_LABELS) "," SLOTH_OBJECTIVE ","
	    SLOTH_DAYS, SLOTH_LINE("0.99", "30d", WORKBOOK) NO_ALERT("Sloth") },
	{ "as written, with comments", RULE("slo:sli_error:ratio_rate5m", "# all (\\n ( sum(rate(x{e=\\'1\\'}[5m])) # bad )\\n )\\n/\\n(sum(rate(x[5m]))) # )",
	    SLOTH_LABELS) "," SLOTH_OBJECTIVE "," SLOTH_DAYS, SLOTH_LINE("0.99", "30d", WORKBOOK) NO_ALERT("Sloth") },
	{ "alerts that say something else", SLOTH_SLI "," SLOTH_OBJECTIVE "," SLOTH_DAYS ","
	    ALERT("Dynamic", "slo:sli_error:ratio_rate5m{sloth_id=\\'a-b\\'} > scalar(threshold)", "'sloth_severity':'page'") ","
	    ALERT("Three", "slo:sli_error:ratio_rate5m{sloth_id=\\'a-b\\'} > 0.1 and slo:sli_error:ratio_rate1h > 0.1 and slo:sli_error:ratio_rate6h > 0.1",
	    "'sloth_severity':'page'"), SLOTH_LINE("0.99", "30d", WORKBOOK)
	    "  its alert Dynamic is not used: it compares something else than burn rates over one or two windows\n"
	    "  its alert Three is not used: it compares something else than burn rates over one or two windows\n" NO_ALERT("Sloth") },
	{ "one window only", SLOTH_SLI "," SLOTH_OBJECTIVE "," SLOTH_DAYS ","
	    ALERT("One", "slo:sli_error:ratio_rate1h{sloth_id=\\'a-b\\'} > 0.02", "'sloth_severity':'ticket'"),
	    SLOTH_LINE("0.99", "30d", " ticket:2:1h/- ") "  burn rates of Sloth's alerts, not the Workbook's: 2 over 1h\n" },
	{ "an alert belongs to the id in its expression", SLOTH_SLI "," SLOTH_OBJECTIVE "," SLOTH_DAYS ","
	    ALERT("Other", "slo:sli_error:ratio_rate1h{sloth_slo=\\'sloth_id\\',sloth_id=\\'a-c\\'} > 0.02", "'sloth_severity':'ticket'"),
	    SLOTH_LINE("0.99", "30d", WORKBOOK) NO_ALERT("Sloth") },
	{ "a rule that fails says so", "{'name':'slo:sli_error:ratio_rate5m','query':'(sum(rate(x{e=\\'1\\'}[5m]))) / (sum(rate(x[5m])))','labels':{"
	    SLOTH_LABELS "},'health':'err','lastError':'many-to-many\\nmatching','type':'recording'}," SLOTH_OBJECTIVE "," SLOTH_DAYS,
	    SLOTH_LINE("0.99", "30d", WORKBOOK) "  its rule slo:sli_error:ratio_rate5m fails: many-to-many\\nmatching\n" NO_ALERT("Sloth") },
	{ "the same file twice", SLOTH_SLI "," SLOTH_OBJECTIVE "," SLOTH_DAYS "," SLOTH_SLI "," SLOTH_OBJECTIVE "," SLOTH_DAYS,
	    SLOTH_LINE("0.99", "30d", WORKBOOK) NO_ALERT("Sloth") },
	{ "two objectives of one id: the first counts", SLOTH_SLI "," SLOTH_OBJECTIVE "," SLOTH_DAYS ","
	    RULE("slo:sli_error:ratio_rate5m", "(sum(rate(y[5m]))) / (sum(rate(x[5m])))", SLOTH_LABELS) ","
	    RULE("slo:objective:ratio", "vector(0.5)", SLOTH_LABELS), SLOTH_LINE("0.99", "30d", WORKBOOK)
	    "  another rule slo:sli_error:ratio_rate5m has the same sloth_id with another expression and is not used: give one of them its own name\n"
	    NO_ALERT("Sloth") },
	{ "labels that need quoting", RULE("slo:sli_error:ratio_rate5m", "avg(x)", "'sloth_id':'a\\\\\\'b\\n'") ","
	    RULE("slo:objective:ratio", "vector(0.99)", "'sloth_id':'a\\\\\\'b\\n'") "," RULE("slo:time_period:days", "vector(30)", "'sloth_id':'a\\\\\\'b\\n'"),
	    "slo:a\\\"b\n | Sloth a\\\"b\n  | rule group g | 0.99 30d |" WORKBOOK "| sloth_id=a\\\"b\n | "
	    "raw slo:sli_error:ratio_rate5m{sloth_id=\"a\\\\\\\"b\\x0a\"} / -\n"
	    "  an average of the recorded ratios over 5m: traffic does not weigh (its expression is no division of two sums)\n" NO_ALERT("Sloth") },
	{ "Pyrra, the target from an alert, the period from a name", PYRRA_SLI "," RULE("x:increase2w", "sum(increase(x[2w]))", "'slo':'p'") ","
	    RULE("x:increase5m", "sum(increase(x[5m]))", "'slo':'p'") ","
	    ALERT("B", "x:burnrate5m{slo=\\'p\\'} > (14 * (1 - 0.95)) and x:burnrate1h{slo=\\'p\\'} > (14 * (1 - 0.95))", "'slo':'p','severity':'critical'"),
	    PYRRA_LINE("0.95", "14d", " page:14:1h/5m:for-1m ", "alertname=B slo=p") "  burn rates of Pyrra's alerts, not the Workbook's: 14 over 1h/5m\n" },
	{ "Pyrra, no target", PYRRA_SLI "," PYRRA_WINDOW, "" },
	{ "Pyrra, no period", PYRRA_SLI "," PYRRA_OBJECTIVE, PYRRA_LINE("0.99", "28d", WORKBOOK, "slo=p")
	    "  no rule says how long its window is: 28 days are taken\n" NO_ALERT("Pyrra") },
	{ "Pyrra, severities of one's own", PYRRA_SLI "," PYRRA_OBJECTIVE "," PYRRA_WINDOW ","
	    ALERT("B", "x:burnrate5m{slo=\\'p\\'} > 0.07 and x:burnrate1h{slo=\\'p\\'} > 0.07", "'slo':'p','severity':'sev1'") ","
	    ALERT("C", "x:burnrate6h{slo=\\'p\\'} > 0.01 and x:burnrate4d{slo=\\'p\\'} > 0.01", "'slo':'p','severity':'sev3'"),
	    PYRRA_LINE("0.99", "28d", " page:7:1h/5m:for-15m ticket:1:4d/6h:for-3h ", "slo=p")
	    "  burn rates of Pyrra's alerts, not the Workbook's: 7 over 1h/5m, 1 over 4d/6h\n" },
	{ "one word for both", SLOTH_SLI "," SLOTH_OBJECTIVE "," SLOTH_DAYS ","
	    RULE("x:burnrate5m", "sum(rate(x{e=\\'1\\'}[5m])) / sum(rate(x[5m]))", "'slo':'a-b'") "," RULE("pyrra_objective", "0.9", "'slo':'a-b'") ","
	    RULE("pyrra_window", "604800", "'slo':'a-b'"), SLOTH_LINE("0.99", "30d", WORKBOOK) NO_ALERT("Sloth")
	    "slo:a-b@pyrra | Pyrra a-b  | rule group g | 0.9 7d |" WORKBOOK
	    "| slo=a-b | bad sum(rate(x{e=\"1\"}[${window}])) / sum(rate(x[${window}]))\n" NO_ALERT("Pyrra") },
};

static void
test_odd(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++) {
		struct rule_set *rules = written(odd[i].rules);

		print_message("  %s\n", odd[i].name);
		check(rules, odd[i].want);
		block_unref(rules);
	}
}

/* --- expressions -------------------------------------------------------------------------------------------------------------------- */

/* The recorded expression; first and total, or why not. */
static const struct {
	const char *text, *first, *total;
	bool is_good;
} ratios[] = {
	{ "sum(rate(a[5m])) / sum(rate(b[5m]))", "sum(rate(a[${window}]))", "sum(rate(b[${window}]))", false },
	{ "((sum(increase(a[5m]))) / ((sum(increase(b[5m])))))", "sum(increase(a[${window}]))", "sum(increase(b[${window}]))", false },
	{ "1 - sum(rate(a[5m])) / sum(rate(b[5m]))", "sum(rate(a[${window}]))", "sum(rate(b[${window}]))", true },
	{ "(1 - (sum(rate(a[5m])) / sum(rate(b[5m]))))", "sum(rate(a[${window}]))", "sum(rate(b[${window}]))", true },
	{ "rate(a[5m]) / rate(b[5m])", "sum(rate(a[${window}]))", "sum(rate(b[${window}]))", false },
	{ "sum by (x) (rate(a[5m])) / sum(rate(b[5m] offset 1m))", "sum(sum by (x) (rate(a[${window}])))", "sum(rate(b[${window}] offset 1m))", false },
	{ "(sum(rate(a{x=\"[5m] / (\"}[5m])) or vector(0)) / sum(rate(b[5m]))", "sum(sum(rate(a{x=\"[5m] / (\"}[${window}])) or vector(0))",
	    "sum(rate(b[${window}]))", false },
	{ "sum(rate(a[5m])) / sum(rate(b[10m]))", NULL, "has a range that is not [5m]", false },
	{ "sum(rate(a[5m])) / 100", NULL, "has a side without a range", false },
	{ "sum(rate(a[5m])) / on (x) sum(rate(b[5m]))", NULL, "is no division of two sums", false },
	{ "sum(rate(a[5m])) / sum(rate(b[5m])) > 0", NULL, "is no division of two sums", false },
	{ "avg(rate(a[5m])) / sum(rate(b[5m]))", NULL, "uses avg(), which cannot be added up", false },
	{ "sum(rate(a[5m])) / sum(max_over_time(b[5m]))", NULL, "uses max_over_time(), which cannot be added up", false },
	{ "(sum(rate(a[5m])) / 2 + sum(rate(c[5m]))) / sum(rate(b[5m]))", NULL, "has / within a side of its division", false },
	{ "1 - histogram_fraction(0, 0.2, sum(rate(a[5m])))", NULL, "is no division of two sums", false },
	{ "histogram_fraction(0, 0.2, sum(rate(a[5m]))) / sum(rate(b[5m]))", NULL, "uses histogram_fraction(), which cannot be added up", false },
	{ "(1 - histogram_share(0.2, sum by (vmrange) (rate(a[5m])))) / (vector(1)[5m])", NULL, "uses histogram_share(), which cannot be added up", false },
	{ "sum(rate(a[5m]) @ 100) / sum(rate(b[5m]))", NULL, "has @ within a side of its division", false },
	{ "a:ratio5m", NULL, "is no division of two sums", false },
	{ "sum(rate(a[5m]", NULL, "could not be read", false },
	{ "", NULL, "could not be read", false },
};

static void
test_ratios(void **state)
{
	struct arena arena = ARENA_INIT;
	struct expr_ratio got;
	const char *why;

	(void)state;
	for (size_t i = 0; i < sizeof ratios / sizeof ratios[0]; i++) {
		bool r = expr_ratio(ratios[i].text, "5m", &arena, &got, &why);

		print_message("  %s\n", ratios[i].text);
		assert_int_equal(r, ratios[i].first != NULL);
		assert_string_equal(r ? got.total : why, ratios[i].total);
		if (r) {
			assert_string_equal(got.first, ratios[i].first);
			assert_int_equal(got.is_good, ratios[i].is_good);
		}
	}
	arena_done(&arena);
}

static const struct {
	const char *text;
	int n;
	const char *want;	/* "1h/5m 0.144;" for each; the target behind them */
} burns[] = {
	{ "x:r5m > 0.1 and x:r1h > 0.1", 1, "1h/5m 0.1; nan" },
	{ "x:r1h > 0.1 and x:r5m > 0.1", 1, "1h/5m 0.1; nan" },
	{ "(x:r5m{a=\"b > 1\"} > (14 * (1 - 0.99))) and ignoring (w) (x:r1h > (14 * (1 - 0.99)))", 1, "1h/5m 0.14; 0.99" },
	{ "(max without (w) (x:r5m > 0.1) and max without (w) (x:r1h > 0.1)) or (x:r30m >= 0.05 and x:r6h >= 0.05)", 2, "1h/5m 0.1;6h/30m 0.05; nan" },
	{ "x:r1h > 0.1", 1, "1h/1ms 0.1; nan" },
	{ "x:r5m > 0.1 and x:r1h > 0.2", -1, "" },
	{ "x:r5m > bool 0.1", -1, "" },
	{ "x:r5m < 0.1", -1, "" },
	{ "x:r5m > 0", -1, "" },
	{ "x:r5m > 1 / 0", -1, "" },
	{ "x:r5m", -1, "" },
	{ "x:r5m > 0.1 unless y", -1, "" },
	{ "x:r5m > 0.1 or vector(1)", -1, "" },
	{ "up == 0", -1, "" },
	{ "", -1, "" },
	{ "x:r5m > ((((", -1, "" },
};

static void
test_burns(void **state)
{
	struct expr_burn got[EXPR_BURNS_MAX];
	char a[PROMQL_DURATION_MAX], c[PROMQL_DURATION_MAX];
	double target;

	(void)state;
	for (size_t i = 0; i < sizeof burns / sizeof burns[0]; i++) {
		struct buf b;

		print_message("  %s\n", burns[i].text);
		assert_int_equal(expr_burns(burns[i].text, ":r", got, &target), burns[i].n);
		if (burns[i].n < 0)
			continue;
		buf_init(&b, TEXT_MAX);
		for (int j = 0; j < burns[i].n; j++)
			buf_printf(&b, "%s/%s %.10g;", promql_duration(a, got[j].long_ns), promql_duration(c, got[j].short_ns), got[j].threshold);
		buf_printf(&b, " %.10g", target);
		assert_string_equal(b.data, burns[i].want);
		buf_done(&b);
	}
}

static void
test_values(void **state)
{
	static const struct {
		const char *text;
		int64_t ns;	/* 0: none */
	} durations[] = {
		{ "5m", 5 * NS_PER_MIN }, { "1h4m", 64 * NS_PER_MIN }, { "4w", 28 * 24 * NS_PER_HOUR }, { "1y", 365 * 24 * NS_PER_HOUR },
		{ "1y1d", 366 * 24 * NS_PER_HOUR }, { "500ms", NS_PER_S / 2 }, { "30d", 30 * 24 * NS_PER_HOUR }, { "", 0 }, { "5", 0 }, { "y", 0 }, { "m", 0 },
		{ "0m", 0 }, { "5mm", 0 }, { "-5m", 0 }, { "5m ", 0 }, { "101y", 0 }, { "99999999999999999999y", 0 }, { "99999999999999999999d", 0 },
		{ "total", 0 }, { "5m5m5m5m5m5m5m5m5m5m5m5m5m5m5m5m5m", 0 },
	};
	static const struct {
		const char *text;
		double value;	/* -1: none */
	} constants[] = {
		{ "vector(0.999)", 0.999 }, { "vector(1-0.5)", 0.5 }, { "0.99", 0.99 }, { "2.4192e+06", 2419200 }, { " ( 3 ) ", 3 }, { "1 - 2 * 0.25", 0.5 },
		{ "8 / 2 / 2", 2 }, { "vector(-(-7))", 7 }, { "vector(time())", -1 }, { "vector(1) + x", -1 }, { "1 / 0", -1 }, { "1 2", -1 }, { "", -1 },
		{ "5m", -1 }, { "((1)", -1 }, { "vector", -1 }, { "NaN", -1 },
	};
	struct arena arena = ARENA_INIT;
	int64_t ns;
	double v;

	(void)state;
	for (size_t i = 0; i < sizeof durations / sizeof durations[0]; i++) {
		bool r = value_duration(durations[i].text, strlen(durations[i].text), &ns);

		print_message("  %s\n", durations[i].text);
		assert_int_equal(r, durations[i].ns != 0);
		assert_true(!r || ns == durations[i].ns);
	}
	for (size_t i = 0; i < sizeof constants / sizeof constants[0]; i++) {
		bool r = expr_constant(constants[i].text, &v);

		print_message("  %s\n", constants[i].text);
		assert_int_equal(r, constants[i].value != -1);
		assert_true(!r || v == constants[i].value);
	}
	assert_string_equal(expr_matcher("x{a=~\"1\",b=\"id=\\\"2\\\",id=\\\"3\\\"\", id = 'a\\'\\u00e9\\x41'}", "id", &arena), "a'\xc3\xa9" "A");
	assert_null(expr_matcher("x{a=\"id=1\",idx=\"2\",id!=\"3\"}", "id", &arena));
	assert_string_equal(expr_matcher("x{id=`a\\n`}", "id", &arena), "a\\n");
	assert_string_equal(expr_grouping("sum by (a, b) (x) / sum by (c) (y)", &arena), "a, b");
	assert_string_equal(expr_grouping("sum(x{by=\"(a)\"})", &arena), "");
	arena_done(&arena);
}

/* --- hostile and many ------------------------------------------------------------------------------------------------------------------ */

/* An indicator and an alert that say the same thing again and again, so many bytes long. */
static void
check_repeated(const char *text, size_t len)
{
	struct slo_def_set *set;
	struct rule_set *rules;
	struct buf b;

	buf_init(&b, 4 << 20);
	buf_addstr(&b, SLOTH_OBJECTIVE "," SLOTH_DAYS ",{'name':'slo:sli_error:ratio_rate5m','labels':{" SLOTH_LABELS "},'type':'recording','query':'");
	for (size_t n = 0; n < len; n += strlen(text))
		buf_addstr(&b, text);
	buf_addstr(&b, "'},{'name':'A','labels':{" SLOTH_LABELS ",'sloth_severity':'page'},'type':'alerting','query':'slo:sli_error:ratio_rate5m > ");
	for (size_t n = 0; n < len; n += strlen(text))
		buf_addstr(&b, text);
	buf_addstr(&b, "'}");
	rules = written(b.data);
	set = slo_found(rules, "prometheus");
	assert_int_equal(set->n, 1);
	assert_int_equal(set->v[0].sli, SLI_RAW);
	assert_int_equal(set->v[0].notes.n, 3);		/* no traffic, the alert, no alert left */
	buf_done(&b);
	block_unref(set);
	block_unref(rules);
}

static void
test_hostile(void **state)
{
	static const char *const repeated[] = { "(", "[", "{", "${", "x{", "sum(rate(", "1-", "\\'", "a or ", "slo:sli_error:ratio_rate5m > ", "/ ", "# ",
		"x[5m] / ", ")", };

	(void)state;
	for (size_t i = 0; i < sizeof repeated / sizeof repeated[0]; i++) {
		print_message("  %s\n", repeated[i]);
		check_repeated(repeated[i], 200);
		check_repeated(repeated[i], 15000);
		check_repeated(repeated[i], 500000);
	}
}

/* 700 objectives of 15 rules each; the time is for the reader of the log. */
static void
test_many(void **state)
{
	struct slo_def_set *set;
	struct rule_set *rules;
	int64_t start_ns, end_ns;
	struct buf b;

	(void)state;
	buf_init(&b, 64 << 20);
	for (int i = MANY_OBJECTIVES; i-- > 0;) {
		static const char *const windows[] = { "5m", "30m", "1h", "2h", "6h", "1d", "3d", "30d" };
		char labels[128];

		snprintf(labels, sizeof labels, "'sloth_id':'s-%03d','sloth_service':'s','sloth_slo':'%03d'", i, i);
		for (size_t w = 0; w < sizeof windows / sizeof windows[0]; w++)
			buf_printf(&b, "{'name':'slo:sli_error:ratio_rate%s','labels':{%s},'type':'recording','query':'sum(rate(x{i=\\'%d\\'}[%s])) / sum(rate(y[%s]))'},",
			    windows[w], labels, i, windows[w], windows[w]);
		buf_printf(&b, "{'name':'slo:objective:ratio','labels':{%s},'type':'recording','query':'vector(0.999)'},", labels);
		buf_printf(&b, "{'name':'slo:time_period:days','labels':{%s},'type':'recording','query':'vector(30)'},", labels);
		for (int a = 0; a < 5; a++)
			buf_printf(&b, "{'name':'A','labels':{'sloth_severity':'page'},'type':'alerting','query':'(slo:sli_error:ratio_rate5m{sloth_id=\\'s-%03d\\'} > "
			    "(%d * 0.001) and slo:sli_error:ratio_rate1h{sloth_id=\\'s-%03d\\'} > (%d * 0.001))'}%s", i, 14 - a, i, 14 - a, i == 0 && a == 4 ? "" : ",");
	}
	rules = written(b.data);
	start_ns = clock_mono_fresh();
	set = slo_found(rules, "prometheus");
	end_ns = clock_mono_fresh();
	print_message("  %zu objectives in %zu rules: %.1f ms\n", set->n, rules->n, (double)(end_ns - start_ns) / 1e6);
	assert_int_equal(set->n, MANY_OBJECTIVES);
	for (size_t i = 0; i < set->n; i++) {
		assert_int_equal(set->v[i].n_rules, 5);
		assert_true(i == 0 || strcmp(set->v[i - 1].id, set->v[i].id) < 0);
	}
	buf_done(&b);
	block_unref(set);
	block_unref(rules);
}

/* --- rules of --export slo-rules ---------------------------------------------------------------------------------------------------------- */

static void
test_recorded(void **state)
{
	const struct slo_def v[] = {
		{ .id = "slo:a", .name = "a", .title = "", .service = "s", .kind = "", .source = "p", .where = "", .origin = SLO_FROM_CONFIG },
		{ .id = "slo:b", .name = "b", .title = "", .service = "", .kind = "", .source = "p", .where = "", .origin = SLO_FROM_OPENSLO },
		{ .id = "slo:c", .name = "c", .title = "", .service = "", .kind = "", .source = "other", .where = "", .origin = SLO_FROM_CONFIG },
		{ .id = "slo:d", .name = "d", .title = "", .service = "", .kind = "", .source = "p", .where = "", .origin = SLO_FROM_CONFIG },
		{ .id = "slo:e", .name = "e", .title = "", .service = "", .kind = "", .source = "p", .where = "", .origin = SLO_FROM_PYRRA },
		{ .id = "slo:f", .name = "f", .title = "", .service = "", .kind = "", .source = "p", .where = "", .origin = SLO_FROM_CONFIG },
	};
	static const int64_t want[] = { 5 * NS_PER_MIN, NS_PER_MIN, 0, 0, 0, 0 };
	const struct slo_def_set defs = { .n = sizeof v / sizeof v[0], .v = v };
	struct rule_set *rules = written(
	    RULE("slo:total:increase5m", "t", "'slo':'a','service':'s'") "," RULE("slo:first:increase5m", "f", "'slo':'a','service':'s'") ","
	    /* b has two lengths, one of them without its total: the whole one counts */
	    RULE("slo:first:increase10s", "f", "'slo':'b'") "," RULE("slo:first:increase1m", "f", "'slo':'b'") "," RULE("slo:total:increase1m", "t", "'slo':'b'") ","
	    RULE("slo:first:increase5m", "f", "'slo':'c'") "," RULE("slo:total:increase5m", "t", "'slo':'c'") ","
	    /* d's are of another service */
	    RULE("slo:first:increase5m", "f", "'slo':'d','service':'s'") "," RULE("slo:total:increase5m", "t", "'slo':'d','service':'s'") ","
	    RULE("slo:first:increase5m", "f", "'slo':'e'") "," RULE("slo:total:increase5m", "t", "'slo':'e'") ","
	    /* f's cannot be worked out */
	    RULE("slo:first:increase5m", "f", "'slo':'f'") ",{'name':'slo:total:increase5m','query':'t','labels':{'slo':'f'},'health':'err','type':'recording'}");
	struct slo_def_set *set = slo_found_recorded(&defs, rules, "p");

	(void)state;
	assert_int_equal(set->n, defs.n);
	for (size_t i = 0; i < set->n; i++) {
		print_message("  %s\n", set->v[i].name);
		assert_int_equal(set->v[i].recorded_ns, want[i]);
		assert_int_equal(set->v[i].notes.n, want[i] > 0);
		assert_string_equal(set->v[i].id, v[i].id);
	}
	block_unref(set);
	block_unref(rules);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sloth),
		cmocka_unit_test(test_sloth_28d),
		cmocka_unit_test(test_pyrra),
		cmocka_unit_test(test_odd),
		cmocka_unit_test(test_ratios),
		cmocka_unit_test(test_burns),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_recorded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
