/*
 * Two groups of rules for an objective: recordings, and the alerts that read them.
 *
 *   slo:first:increase5m, slo:total:increase5m   the two sums of slo_promql.h over each five minutes: all that the budget needs, in one
 *                                                sample each. The console reads these where it finds them (slo_found_recorded())
 *   slo:error_ratio:rate1h                       over each window of the alerts, and over a rolling period; long ones read the tiles above
 *   slo:objective:ratio                          what is promised
 *   slo:error_budget_remaining:ratio             of a rolling window; PromQL has no calendar
 *
 * An objective that says what missing data counts as has an alert for that, too.
 */
#include "config.h"

#include "insight/slo_rules.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "insight/promql_scan.h"
#include "insight/slo_eval.h"
#include "insight/slo_promql.h"
#include "insight/slo_rules_yaml.h"

#define FIRST "slo:first:increase"
#define TOTAL "slo:total:increase"
#define RATIO "slo:error_ratio:rate"

/* Windows of more tiles than that are added up from the tiles: an hour, of tiles of five minutes, is cheap enough to be asked itself. */
enum { DIRECT_TILES = 12, EXPR_MAX = 64 << 10, TEXT_MAX = 1024, KEY_INDENT = 8, BLOCK_INDENT = 10 };

struct writer {			/* of one objective */
	const struct slo_def *def;
	struct slo_terms terms;
	int64_t step_ns;
	char step[PROMQL_DURATION_MAX];
	struct buf *out;
};

/* --- expressions -------------------------------------------------------------------------------------------------------- */

/* Of slices and samples a tile holds whole ones. */
static int64_t
unit_of(const struct slo_def *def)
{
	if (def->method != SLO_OCCURRENCES)
		return def->slice_ns;
	return def->sli == SLI_RATIO ? 0 : def->resolution_ns;
}

/* Five minutes; shorter when there is a shorter window to read from the tiles. */
static int64_t
step_of(const struct slo_def *def)
{
	static const int64_t steps[] = { 5 * NS_PER_MIN, NS_PER_MIN, 30 * NS_PER_S, 10 * NS_PER_S, 5 * NS_PER_S };
	int64_t windows[SLO_WINDOWS_MAX], unit_ns = unit_of(def), step_ns = NS_PER_S;
	size_t n = slo_windows(def, windows);

	for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++)
		if (n == 0 || steps[i] <= windows[0]) {
			step_ns = steps[i];
			break;
		}
	return unit_ns > 0 ? (step_ns + unit_ns - 1) / unit_ns * unit_ns : step_ns;
}

/* {slo="NAME",service="SERVICE"} */
static void
add_selector(const struct writer *w, struct buf *b)
{
	buf_addstr(b, "{slo=");
	promql_quote(b, w->def->name);
	if (w->def->service[0] != '\0') {
		buf_addstr(b, ",service=");
		promql_quote(b, w->def->service);
	}
	buf_addch(b, '}');
}

static bool
is_call(const char *expr)
{
	struct promql_tokens t;
	bool r = promql_scan(expr, strlen(expr), &t, NULL) == 0 && t.n > 1 && t.v[1].kind == PROMQL_OPEN && t.v[1].close + 1 == t.n;

	promql_tokens_done(&t);
	return r;
}

/* A template filled in, in brackets where it needs them. */
static void
add_filled(struct buf *b, const char *template, int64_t window_ns)
{
	struct buf expr;
	bool is_bare;

	buf_init(&expr, EXPR_MAX);
	slo_fill(&expr, template, window_ns);
	is_bare = !is_call(expr.data);
	buf_printf(b, is_bare ? "(%s)" : "%s", expr.data);
	buf_done(&expr);
}

static bool
is_direct(const struct writer *w, int64_t window_ns)
{
	return window_ns <= DIRECT_TILES * w->step_ns;
}

static void
add_tiles(const struct writer *w, struct buf *b, const char *name, int64_t window_ns)
{
	char window[PROMQL_DURATION_MAX];

	buf_printf(b, "sum_over_time(%s%s", name, w->step);
	add_selector(w, b);
	buf_printf(b, "[%s:%s])", promql_duration(window, window_ns), w->step);
}

/* A counter for errors that never happened does not exist yet: with a total beside it, that is 0. */
static void
add_first(const struct writer *w, struct buf *b, int64_t window_ns)
{
	if (!is_direct(w, window_ns)) {
		add_tiles(w, b, FIRST, window_ns);
		return;
	}
	buf_addch(b, '(');
	add_filled(b, w->terms.first, window_ns);
	buf_addstr(b, " or 0 * ");
	add_filled(b, w->terms.total, window_ns);
	buf_addch(b, ')');
}

static void
add_total(const struct writer *w, struct buf *b, int64_t window_ns)
{
	if (is_direct(w, window_ns))
		add_filled(b, w->terms.total, window_ns);
	else
		add_tiles(w, b, TOTAL, window_ns);
}

static void
add_ratio(const struct writer *w, struct buf *b, int64_t window_ns)
{
	if (w->terms.is_good)
		buf_addstr(b, "1 - ");
	add_first(w, b, window_ns);
	buf_addstr(b, "\n/\n");
	add_total(w, b, window_ns);
}

static void
add_bad(const struct writer *w, struct buf *b, int64_t window_ns)
{
	if (w->terms.is_good) {
		add_total(w, b, window_ns);
		buf_addstr(b, " - ");
	}
	add_first(w, b, window_ns);
}

/* --- recordings ------------------------------------------------------------------------------------------------------------ */

static void
write_labels(const struct writer *w)
{
	buf_printf(w->out, "%*slabels:\n%*sslo: ", KEY_INDENT, "", BLOCK_INDENT, "");
	rules_quote(w->out, w->def->name);
	buf_addch(w->out, '\n');
	if (w->def->service[0] == '\0')
		return;
	buf_printf(w->out, "%*sservice: ", BLOCK_INDENT, "");
	rules_quote(w->out, w->def->service);
	buf_addch(w->out, '\n');
}

static void
write_record(const struct writer *w, const char *name, const char *window, struct buf *expr)
{
	buf_printf(w->out, "      - record: %s%s\n%*sexpr", name, window, KEY_INDENT, "");
	rules_block(w->out, BLOCK_INDENT, expr->data);
	write_labels(w);
	w->out->is_over |= expr->is_over;
	buf_reset(expr);
}

static void
write_tiles(const struct writer *w, struct buf *expr)
{
	add_filled(expr, w->terms.first, w->step_ns);
	buf_addstr(expr, "\nor\n0 * ");
	add_filled(expr, w->terms.total, w->step_ns);
	write_record(w, FIRST, w->step, expr);
	slo_fill(expr, w->terms.total, w->step_ns);
	write_record(w, TOTAL, w->step, expr);
}

static void
write_ratio(const struct writer *w, struct buf *expr, int64_t window_ns)
{
	char window[PROMQL_DURATION_MAX];

	add_ratio(w, expr, window_ns);
	write_record(w, RATIO, promql_duration(window, window_ns), expr);
}

static void
write_budget(const struct writer *w, struct buf *expr)
{
	char period[PROMQL_DURATION_MAX];

	write_ratio(w, expr, w->def->period_ns);
	buf_printf(expr, "1 - " RATIO "%s", promql_duration(period, w->def->period_ns));
	add_selector(w, expr);
	buf_printf(expr, " / (1 - %.12g)", w->def->target);
	write_record(w, "slo:error_budget_remaining:ratio", "", expr);
}

static void
write_recordings(const struct writer *w)
{
	int64_t windows[SLO_WINDOWS_MAX], interval_ns = w->step_ns / 5 < NS_PER_MIN ? w->step_ns / 5 : NS_PER_MIN;
	char interval[PROMQL_DURATION_MAX];
	size_t n = slo_windows(w->def, windows);
	struct buf expr;

	buf_init(&expr, EXPR_MAX);
	buf_addstr(w->out, "  - name: ");
	rules_quote(w->out, w->def->id);
	buf_printf(w->out, "\n    interval: %s\n    rules:\n", promql_duration(interval, interval_ns));
	write_tiles(w, &expr);
	for (size_t i = 0; i < n; i++)
		if (windows[i] != w->def->period_ns || w->def->n_bounds > 0)
			write_ratio(w, &expr, windows[i]);
	buf_printf(&expr, "vector(%.12g)", w->def->target);
	write_record(w, "slo:objective:ratio", "", &expr);
	if (w->def->n_bounds == 0)
		write_budget(w, &expr);
	else
		buf_addstr(w->out, "      # No slo:error_budget_remaining:ratio: a range in PromQL has one length, and this window is as old as its calendar says.\n"
		    "      # The console adds the tiles above up from the start of the window on.\n");
	buf_done(&expr);
}

/* --- alerts ------------------------------------------------------------------------------------------------------------------- */

static void
add_comparison(const struct writer *w, struct buf *b, int64_t window_ns, double factor)
{
	char window[PROMQL_DURATION_MAX];

	buf_printf(b, RATIO "%s", promql_duration(window, window_ns));
	add_selector(w, b);
	buf_printf(b, " > (%.12g * (1 - %.12g))", factor, w->def->target);
}

/* Low traffic: the Workbook's "Low-Traffic Services and Error Budget Alerting"; the same gate that the console has. */
static void
add_gate(const struct writer *w, struct buf *b, const struct slo_rule *rule)
{
	if (w->def->min_bad > 0) {
		buf_addstr(b, "\nand on ()\n");
		add_bad(w, b, rule->long_ns);
		buf_printf(b, " >= %.12g", w->def->min_bad);
	}
	if (w->def->min_events > 0) {
		buf_addstr(b, "\nand on ()\n");
		add_total(w, b, rule->long_ns);
		buf_printf(b, " >= %.12g", w->def->min_events);
	}
}

static const char *
severity_name(enum severity severity)
{
	switch (severity) {
	case SEVERITY_PAGE: return "page";
	case SEVERITY_TICKET: return "ticket";
	case SEVERITY_INFO: return "info";
	case SEVERITY_NONE: break;
	}
	return "none";
}

/* A name of others is quoted: YAML takes y, n and on for something else. */
static void
write_label(const struct writer *w, const char *name, const char *value)
{
	bool is_plain = strcmp(name, "severity") == 0 || strcmp(name, "slo") == 0 || strcmp(name, "service") == 0 || strcmp(name, "long") == 0;
	char *text = rules_untemplated(value);

	buf_printf(w->out, "%*s", BLOCK_INDENT, "");
	if (is_plain)
		buf_addstr(w->out, name);
	else
		rules_quote(w->out, name);
	buf_addstr(w->out, ": ");
	rules_quote(w->out, text);
	buf_addch(w->out, '\n');
	free(text);
}

/* Those by which the console (and whoever routes alerts) knows the objective, and the long window (NULL: none), which tells its alerts apart. The
 * severity is that of their own if they say one. */
static void
write_alert_labels(const struct writer *w, enum severity severity, const char *long_window)
{
	const struct labels *own = &w->def->alert_labels;

	buf_printf(w->out, "%*slabels:\n", KEY_INDENT, "");
	for (size_t i = 0; i < own->n; i++)
		if (strcmp(own->v[i].name, "alertname") != 0)
			write_label(w, own->v[i].name, own->v[i].value);
	if (labels_get(own, "severity") == NULL)
		write_label(w, "severity", severity_name(severity));
	if (labels_get(own, "slo") == NULL)
		write_label(w, "slo", w->def->name);
	if (labels_get(own, "service") == NULL && w->def->service[0] != '\0')
		write_label(w, "service", w->def->service);
	if (long_window != NULL && labels_get(own, "long") == NULL)
		write_label(w, "long", long_window);
}

static void
write_annotation(const struct writer *w, const char *name, const char *text)
{
	buf_printf(w->out, "%*s%s: ", BLOCK_INDENT, "", name);
	rules_quote(w->out, text);
	buf_addch(w->out, '\n');
}

/* Budget consumed by a burn rate B held for W is B x W / period, and all of it is gone after period / B (the Workbook, chapter 5). */
static void
write_annotations(const struct writer *w, const struct slo_rule *rule)
{
	char a[PROMQL_DURATION_MAX], b[PROMQL_DURATION_MAX], c[DURATION_TEXT_MAX], *name = rules_untemplated(w->def->name), *text;
	double period = (double)w->def->period_ns, gone = fmin(period / rule->factor, (double)CLOCK_FAR_NS);

	buf_printf(w->out, "%*sannotations:\n", KEY_INDENT, "");
	text = xasprintf("%s burns its error budget at more than %gx over %s%s%s", name, rule->factor, promql_duration(a, rule->long_ns),
	    rule->short_ns > 0 ? " and " : "", rule->short_ns > 0 ? promql_duration(b, rule->short_ns) : "");
	write_annotation(w, "summary", text);
	free(text);
	text = xasprintf("Error ratio {{ $value | humanizePercentage }} over %s; %.12g%% within %s is promised. At %gx, %.3g%% of the budget goes in %s and "
	    "all of it in %s.", a, 100 * w->def->target, promql_duration(b, w->def->period_ns), rule->factor,
	    100 * rule->factor * (double)rule->long_ns / period, a, duration_format(c, (int64_t)gone));
	write_annotation(w, "description", text);
	free(text);
	free(name);
}

/* The head of an alert: its name is theirs by which it is known, if they say one. */
static void
write_alert_head(const struct writer *w, const char *otherwise, const struct buf *expr, int64_t for_ns)
{
	const char *name = labels_get(&w->def->alert_labels, "alertname");
	char wait[PROMQL_DURATION_MAX];

	buf_addstr(w->out, "      - alert: ");
	rules_quote(w->out, name == NULL ? otherwise : name);
	buf_printf(w->out, "\n%*sexpr", KEY_INDENT, "");
	rules_block(w->out, BLOCK_INDENT, expr->data);
	if (for_ns > 0)
		buf_printf(w->out, "%*sfor: %s\n", KEY_INDENT, "", promql_duration(wait, for_ns));
	w->out->is_over |= expr->is_over;
}

static void
write_alert(const struct writer *w, const struct slo_rule *rule)
{
	char window[PROMQL_DURATION_MAX];
	struct buf expr;

	buf_init(&expr, EXPR_MAX);
	add_comparison(w, &expr, rule->long_ns, rule->factor);
	if (rule->short_ns > 0) {
		buf_addstr(&expr, "\nand\n");
		add_comparison(w, &expr, rule->short_ns, rule->factor);
	}
	add_gate(w, &expr, rule);
	write_alert_head(w, "ErrorBudgetBurn", &expr, rule->for_ns);
	write_alert_labels(w, rule->severity, promql_duration(window, rule->long_ns));
	write_annotations(w, rule);
	buf_done(&expr);
}

/* As the console has it: the shortest window that a rule looks at, and without rules that there is, has no data. */
static int64_t
least_window(const struct slo_def *def)
{
	int64_t windows[SLO_WINDOWS_MAX], least_ns = INT64_MAX;

	if (def->n_rules == 0)
		return slo_windows(def, windows) > 0 ? windows[0] : def->period_ns;
	for (size_t i = 0; i < def->n_rules; i++) {
		int64_t ns = def->rules[i].short_ns > 0 ? def->rules[i].short_ns : def->rules[i].long_ns;

		least_ns = ns < least_ns ? ns : least_ns;
	}
	return least_ns;
}

static void
write_absence(const struct writer *w)
{
	int64_t window_ns = least_window(w->def);
	char window[PROMQL_DURATION_MAX], *name = rules_untemplated(w->def->name), *text;
	struct buf expr;

	buf_init(&expr, EXPR_MAX);
	buf_addstr(&expr, "absent(");
	add_total(w, &expr, window_ns);
	buf_addch(&expr, ')');
	write_alert_head(w, "ErrorBudgetNoData", &expr, window_ns);
	write_alert_labels(w, w->def->no_data_severity, NULL);
	buf_printf(w->out, "%*sannotations:\n", KEY_INDENT, "");
	text = xasprintf("%s has had no data for %s, so that nobody knows what is left of its error budget", name, promql_duration(window, window_ns));
	write_annotation(w, "summary", text);
	free(text);
	free(name);
	buf_done(&expr);
}

static void
write_alerts(const struct writer *w)
{
	bool has_absence = w->def->no_data_severity != SEVERITY_NONE;
	char *name;

	if (w->def->n_rules == 0 && !has_absence)
		return;
	name = xasprintf("%s:alerts", w->def->id);
	buf_addstr(w->out, "  - name: ");
	rules_quote(w->out, name);
	buf_addstr(w->out, "\n    rules:\n");
	for (size_t i = 0; i < w->def->n_rules; i++)
		write_alert(w, &w->def->rules[i]);
	if (has_absence)
		write_absence(w);
	free(name);
}

/* --- the file --------------------------------------------------------------------------------------------------------------------- */

static bool
is_wanted(const struct slo_def *def)
{
	return def->origin == SLO_FROM_CONFIG || def->origin == SLO_FROM_OPENSLO;
}

static void
write_about(const struct writer *w)
{
	char period[DURATION_TEXT_MAX];

	buf_addstr(w->out, "\n  # ");
	rules_comment(w->out, w->def->title[0] != '\0' ? w->def->title : w->def->name);
	buf_printf(w->out, ": %.12g%% within %s%s. For the Prometheus behind source ", 100 * w->def->target, duration_format(period, w->def->period_ns),
	    w->def->n_bounds > 0 ? " (calendar)" : "");
	rules_comment(w->out, w->def->source);
	buf_addstr(w->out, "; defined in ");
	rules_comment(w->out, w->def->where);
	buf_addch(w->out, '\n');
}

static int
write_def(const struct slo_def *def, struct buf *out, struct err *err)
{
	struct arena arena = ARENA_INIT;
	struct writer w = { .def = def, .out = out };
	char shown[64];
	int r = slo_terms_direct(def, &arena, &w.terms, err);

	if (r < 0) {
		err_prefix(err, "objective %s", str_escape_to(shown, sizeof shown, def->name));
	} else {
		w.step_ns = step_of(def);
		promql_duration(w.step, w.step_ns);
		write_about(&w);
		write_recordings(&w);
		write_alerts(&w);
	}
	arena_done(&arena);
	return r;
}

static void
write_head(struct buf *out, size_t n)
{
	buf_addstr(out, "# Prometheus rules for error budgets, written by opsconsole --export slo-rules. Name this file in rule_files of prometheus.yml and\n"
	    "# reload; `promtool check rules FILE` checks it. opsconsole reads slo:first:* and slo:total:* instead of the metrics behind them as soon\n"
	    "# as they are loaded; they begin then, so that a budget is whole one window later.\n");
	buf_addstr(out, n == 0 ? "# No objective is defined by the config or an OpenSLO file.\ngroups: []\n" : "groups:\n");
}

int
slo_rules_export(const struct slo_def_set *defs, struct buf *out, struct err *err)
{
	size_t start = out->len, n = 0;
	int r = 0;

	for (size_t i = 0; i < defs->n; i++)
		n += is_wanted(&defs->v[i]);
	write_head(out, n);
	for (size_t i = 0; i < defs->n && r == 0; i++)
		if (is_wanted(&defs->v[i]))
			r = write_def(&defs->v[i], out, err);
	if (r == 0 && out->is_over)
		r = err_set(err, ERR_LIMIT, "the rules of %zu objectives become longer than %zu bytes", n, out->max);
	if (r < 0) {
		out->len = start;
		out->data[start] = '\0';
	}
	return r;
}
