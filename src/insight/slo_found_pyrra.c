/*
 * Pyrra's rules. Source: github.com/pyrra-dev/pyrra, slo/rules.go: up to three groups for an objective, told by the label slo.
 *
 *   NAME            METRIC:burnrate5m (an error ratio) over each window of its alerts, and ErrorBudgetBurn alerts with the labels short, long,
 *                   severity, exhaustion
 *   NAME-increase   METRIC:increase4w, the period in its name: events, and of latency objectives the good ones with the label le;
 *                   METRIC:count4w and METRIC:sum4w for a gauge of 0 and 1; SLOMetricAbsent
 *   NAME-generic    pyrra_objective and pyrra_window as plain numbers; only with --generic-rules, and not for objectives with a grouping
 *
 * Its factors are 14, 7, 2 and 1 over windows that scale with the period (1h/5m, 6h/30m, 1d/2h, 4d/6h for 28 days), not the Workbook's.
 */
#include "config.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/str.h"
#include "insight/slo_found_priv.h"

#define PYRRA_RATIO ":burnrate"
#define PYRRA_INCREASE ":increase"

static bool
has_window(const struct rule *r, const char *infix)
{
	const char *duration;
	int64_t ns;

	return expr_window(r->name, strlen(r->name), infix, &ns, &duration);
}

/* Other things than objectives have a label slo too: only what Pyrra names is Pyrra's. Rules of --export slo-rules begin with "slo:". */
const char *
found_pyrra_slo(const struct rule *r)
{
	const char *slo = labels_get(&r->labels, "slo");

	if (slo == NULL || slo[0] == '\0' || str_has_prefix(r->name, "slo:"))
		return NULL;
	if (r->is_alerting)
		return strstr(r->query, PYRRA_RATIO) == NULL ? NULL : slo;
	if (has_window(r, PYRRA_RATIO) || has_window(r, PYRRA_INCREASE) || has_window(r, ":count"))
		return slo;
	return str_has_prefix(r->name, "pyrra_") ? slo : NULL;
}

/* --- objective and window ----------------------------------------------------------------------------------------------------- */

/* pyrra_objective, or what its alerts compare to: (14 * (1-0.99)). */
static bool
read_target(struct found *f, const struct found_rules *rules)
{
	struct expr_burn burns[EXPR_BURNS_MAX];
	double target;

	if (found_constant(found_recorded(rules, "pyrra_objective"), &target) && found_target(f, target))
		return true;
	for (size_t i = 0; i < rules->n; i++)
		if (rules->v[i]->is_alerting && expr_burns(rules->v[i]->query, PYRRA_RATIO, burns, &target) > 0 && found_target(f, target))
			return true;
	return false;
}

/* The longest window that its increase (or, of a gauge, its count) is recorded over: with --performance-over-accuracy there is one of 5m too. */
static double
recorded_seconds(const struct found_rules *rules)
{
	int64_t longest_ns = 0, ns;
	const char *duration;

	for (size_t i = 0; i < rules->n; i++) {
		const char *name = rules->v[i]->name;

		if (!rules->v[i]->is_alerting && (expr_window(name, strlen(name), PYRRA_INCREASE, &ns, &duration) ||
		    expr_window(name, strlen(name), ":count", &ns, &duration)) && ns > longest_ns)
			longest_ns = ns;
	}
	return (double)longest_ns / 1e9;
}

static void
read_period(struct found *f, const struct found_rules *rules)
{
	double seconds;

	if (found_constant(found_recorded(rules, "pyrra_window"), &seconds) && found_period(f, seconds))
		return;
	if (found_period(f, recorded_seconds(rules)))
		return;
	found_period(f, 28.0 * 86400);
	found_note(f, "no rule says how long its window is: 28 days are taken");
}

/* --- alerts --------------------------------------------------------------------------------------------------------------------- */

/*
 * Pyrra writes critical and warning where nothing else is asked for; of other words the factor tells, as it does in Pyrra: the two fast
 * ones page.
 */
static enum severity
severity_of(const struct rule *alert, double factor)
{
	const char *text = labels_get(&alert->labels, "severity");

	if (str_eq(text, "critical") || str_eq(text, "page"))
		return SEVERITY_PAGE;
	if (str_eq(text, "warning") || str_eq(text, "ticket"))
		return SEVERITY_TICKET;
	if (str_eq(text, "info"))
		return SEVERITY_INFO;
	return factor >= 7 ? SEVERITY_PAGE : SEVERITY_TICKET;
}

/* How long an alert waits is not in what we keep of a rule, but follows from the period: for a factor of 14, 7, 2, 1 the 20160th, 2688th, 672nd and 224th
 * part of it, in whole minutes (slo/rules.go, Windows()). */
static int64_t
for_of(int64_t period_ns, double factor)
{
	static const struct {
		double factor;
		int64_t part;
	} known[] = { { 14, 20160 }, { 7, 2688 }, { 2, 672 }, { 1, 224 } };

	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
		if (known[i].factor == factor)
			return (period_ns / known[i].part + NS_PER_MIN / 2) / NS_PER_MIN * NS_PER_MIN;
	return 0;
}

static void
read_alerts(struct found *f, const struct found_rules *rules)
{
	const char *alertname = NULL;
	struct label *labels;
	bool is_same = true;

	for (size_t i = 0; i < rules->n; i++) {
		const struct rule *r = rules->v[i];
		size_t n = f->n_rules;

		if (!r->is_alerting || !found_alert(f, r, PYRRA_RATIO, SEVERITY_TICKET))
			continue;
		for (; n < f->n_rules; n++) {
			f->rules[n].severity = severity_of(r, f->rules[n].factor);
			f->rules[n].for_ns = for_of(f->def.period_ns, f->rules[n].factor);
		}
		is_same = is_same && (alertname == NULL || strcmp(alertname, r->name) == 0);
		alertname = r->name;
	}
	if (alertname != NULL && is_same) {
		/* Not every alert with this slo is its burn: SLOMetricAbsent has the label too. */
		labels = arena_alloc(f->arena, 2 * sizeof *labels);
		labels[0] = (struct label){ "alertname", arena_strdup(f->arena, alertname) };
		labels[1] = f->def.alert_labels.v[0];
		f->def.alert_labels = (struct labels){ 2, labels };
	}
	found_finish_rules(f, "Pyrra");
}

/* --- indicator -------------------------------------------------------------------------------------------------------------------- */

/*
 * A native histogram's burn rate is 1 less a fraction, which cannot be added up; but its increase is recorded as two sums, all events and, with the
 * label le, the good ones.
 */
static bool
read_increases(struct found *f, const struct found_rules *rules)
{
	const char *good = NULL, *total = NULL, *why, *duration;
	int64_t ns;

	for (size_t i = 0; i < rules->n; i++) {
		const struct rule *r = rules->v[i];
		bool is_good = labels_get(&r->labels, "le") != NULL;
		const char *sum;

		if (r->is_alerting || !expr_window(r->name, strlen(r->name), PYRRA_INCREASE, &ns, &duration) ||
		    (is_good ? good : total) != NULL)
			continue;
		sum = expr_sum(r->query, strlen(r->query), duration, f->arena, &why);
		*(is_good ? &good : &total) = sum;
	}
	if (good == NULL || total == NULL)
		return false;
	f->def.sli = SLI_RATIO;
	f->def.good = good;
	f->def.total = total;
	f->def.is_counter = true;
	return true;
}

static bool
is_latency(const struct found_rules *rules)
{
	for (size_t i = 0; i < rules->n; i++)
		if (!rules->v[i]->is_alerting && labels_get(&rules->v[i]->labels, "le") != NULL)
			return true;
	return false;
}

static void
read_indicator(struct found *f, const struct found_rules *rules, const struct rule *ratio, const char *duration, const char *slo)
{
	const char *grouping = expr_grouping(ratio->query, f->arena);

	if (strstr(ratio->query, "histogram_fraction") == NULL || !read_increases(f, rules))
		found_indicator(f, ratio, duration, "slo", slo);
	if (grouping[0] != '\0')
		found_note(f, "Pyrra keeps a budget for each %s; here they are one", grouping);
}

/* What else a reader may know it by: Pyrra can put its description into a label; a service is what the people said. */
static void
read_words(struct found *f, const struct found_rules *rules)
{
	for (size_t i = 0; i < rules->n; i++) {
		const char *description = labels_get(&rules->v[i]->labels, "description");
		const char *service = labels_get(&rules->v[i]->labels, "service");

		if (description != NULL && f->def.title[0] == '\0')
			f->def.title = arena_strdup(f->arena, description);
		if (service != NULL && f->def.service[0] == '\0')
			f->def.service = arena_strdup(f->arena, service);
	}
}

static void
note_others(struct found *f, const struct found_rules *rules, const struct rule *ratio)
{
	for (size_t i = 0; i < rules->n; i++) {
		const struct rule *r = rules->v[i];

		if (r != ratio && strcmp(r->name, ratio->name) == 0 && strcmp(r->query, ratio->query) != 0) {
			found_note(f, "another objective has the same name with another expression and is not used: give one of them its own name");
			return;
		}
	}
}

bool
found_pyrra(struct found *f, const char *slo, const struct found_rules *rules)
{
	const char *duration;
	const struct rule *ratio = found_shortest(rules, PYRRA_RATIO, &duration);
	char shown[128];

	if (ratio == NULL || !read_target(f, rules)) {
		log_write(LOG_INFO, "slo", "rules of Pyrra for %s: %s", str_escape_to(shown, sizeof shown, slo),
		    ratio == NULL ? "no burnrate among them" : "neither pyrra_objective nor an alert says the target");
		return false;
	}
	f->def.origin = SLO_FROM_PYRRA;
	f->def.where = found_join(f->arena, "rule group ", ratio->group);
	f->def.name = arena_strdup(f->arena, slo);
	f->def.kind = is_latency(rules) ? "latency" : "";
	read_words(f, rules);
	read_period(f, rules);
	read_indicator(f, rules, ratio, duration, slo);
	note_others(f, rules, ratio);
	read_alerts(f, rules);
	return true;
}
