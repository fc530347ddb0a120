#include "config.h"

#include "conf/conf_slo_build.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "base/xalloc.h"

/* Each definition has all its bounds with it, in each copy and event: as few as will do. */
enum { BACK_DAYS = 2 * 366, BACK_DAYS_SHORT = 100, AHEAD_DAYS = 400, SHORT_DAYS = 7 };
enum { SHOWN = 72, OBJECTIVES_MAX = 5000 };

const char slo_note_raw[] =
    "an average of ratios: every sample weighs alike, whatever the traffic";

/* --- text in the arena ----------------------------------------------------------------------- */

const char *
slo_build_text(struct slo_build *b, const char *s)
{
	return s != NULL ? arena_strdup(&b->set->block.arena, s) : NULL;
}

static const char *
vprint(struct slo_build *b, const char *fmt, va_list ap)
{
	char *text = xvasprintf(fmt, ap);
	const char *copy = slo_build_text(b, text);

	free(text);
	return copy;
}

const char *
slo_build_printf(struct slo_build *b, const char *fmt, ...)
{
	const char *text;
	va_list ap;

	va_start(ap, fmt);
	text = vprint(b, fmt, ap);
	va_end(ap);
	return text;
}

void
slo_build_note(struct slo_build *b, struct slo_def *def, const char *fmt, ...)
{
	size_t n = def->notes.n;
	const char **v = arena_alloc(&b->set->block.arena, (n + 1) * sizeof *v);
	va_list ap;

	if (n > 0)
		memcpy(v, def->notes.v, n * sizeof *v);
	va_start(ap, fmt);
	v[n] = vprint(b, fmt, ap);
	va_end(ap);
	def->notes = (struct strings){ .n = n + 1, .v = v };
}

const char *
slo_build_where(struct slo_build *b, const char *file, unsigned line, unsigned column)
{
	const char *slash = strrchr(file, '/');

	return slo_build_printf(b, "%s:%u:%u", slash != NULL ? slash + 1 : file, line, column);
}

/* In the largest unit that is exact: "90s" is not "1m". */
static const char *
exact(char buf[DURATION_TEXT_MAX], int64_t ns)
{
	static const struct {
		int64_t ns;
		const char *name;
	} units[] = { { NS_PER_DAY, "d" }, { NS_PER_HOUR, "h" }, { NS_PER_MIN, "m" },
	    { NS_PER_S, "s" }, { NS_PER_MS, "ms" } };
	size_t u = 0;

	while (u + 1 < sizeof units / sizeof units[0] && ns % units[u].ns != 0)
		u++;
	snprintf(buf, DURATION_TEXT_MAX, "%" PRId64 "%s", ns / units[u].ns, units[u].name);
	return buf;
}

/* --- windows and rules ----------------------------------------------------------------------- */

static bool
is_same_calendar(const struct calendar *a, const struct calendar *b)
{
	return a->year == b->year && a->month == b->month && a->day == b->day &&
	    a->hour == b->hour && a->minute == b->minute && a->second == b->second &&
	    a->unit == b->unit && a->length == b->length && str_eq(a->zone, b->zone);
}

bool
slo_build_calendar(struct slo_build *b, struct conf_decode *d, const struct yaml_node *node,
    const struct calendar *calendar, struct slo_def *def)
{
	bool is_short = calendar->unit == CALENDAR_DAY && calendar->length < SHORT_DAYS;
	int64_t now = clock_now(), *v, *bounds,
	    from = now - (is_short ? BACK_DAYS_SHORT : BACK_DAYS) * NS_PER_DAY;
	struct err err = ERR_INIT;
	size_t n;

	if (b->bounds != NULL && is_same_calendar(calendar, &b->calendar)) {
		def->bounds = b->bounds;
		def->n_bounds = b->n_bounds;
		return true;
	}
	if (calendar_bounds(calendar, from, now + AHEAD_DAYS * NS_PER_DAY, &v, &n, &err) < 0) {
		conf_problem(d, node, "%s", err.msg);
		return false;
	}
	bounds = arena_alloc(&b->set->block.arena, n * sizeof *bounds);
	memcpy(bounds, v, n * sizeof *bounds);
	free(v);
	b->calendar = *calendar;
	b->calendar.zone = slo_build_text(b, calendar->zone);
	def->bounds = b->bounds = bounds;
	def->n_bounds = b->n_bounds = n;
	return true;
}

/*
 * Of a short window only rules are left that fire when more than all of the budget is gone: 14.4x
 * over an hour are 720% of one of two hours.
 */
static void
note_misfit(struct slo_build *b, struct slo_def *def, const struct slo_rule *v, size_t n)
{
	char text[DURATION_TEXT_MAX];
	bool is_misfit = n == 0;

	for (size_t i = 0; i < n; i++)
		if (v[i].factor * (double)v[i].long_ns > (double)def->period_ns)
			is_misfit = true;
	if (is_misfit)
		slo_build_note(b, def, "the usual rules do not fit a window of %s: give %s",
		    exact(text, def->period_ns),
		    def->origin == SLO_FROM_OPENSLO ? "alertPolicies" : "burn: rules of its own");
}

void
slo_build_default_rules(struct slo_build *b, struct slo_def *def)
{
	const struct slo_rule *usual;
	int64_t least = def->slice_ns > def->resolution_ns ? def->slice_ns : def->resolution_ns;
	char text[DURATION_TEXT_MAX];
	struct slo_rule *v;
	size_t n, kept = 0, longer = 0;

	usual = slo_default_rules(def->period_ns, &b->set->block.arena, &n);
	note_misfit(b, def, usual, n);
	v = arena_alloc(&b->set->block.arena, (n + 1) * sizeof *v);
	for (size_t i = 0; i < n; i++) {
		if (usual[i].long_ns < least)
			continue;
		v[kept] = usual[i];
		if (v[kept].short_ns < least) {
			longer++;
			v[kept].short_ns = least < v[kept].long_ns ? least : 0;
		}
		kept++;
	}
	def->rules = v;
	def->n_rules = kept;
	if (longer > 0 || kept < n)
		slo_build_note(b, def, "no burn over less than %s can be seen: short windows of the "
		    "usual rules are as long as that", exact(text, least));
}

static int
compare_labels(const void *a, const void *b)
{
	return strcmp(((const struct label *)a)->name, ((const struct label *)b)->name);
}

void
slo_build_set_labels(struct slo_def *def, struct label *v, size_t n)
{
	qsort(v, n, sizeof *v, compare_labels);
	def->alert_labels = (struct labels){ .n = n, .v = v };
}

double
slo_build_min_bad(const struct slo_def *def)
{
	return def->sli == SLI_RATIO && def->method == SLO_OCCURRENCES ? 3 : 0;
}

static int
compare_rules(const void *a, const void *b)
{
	const struct slo_rule *x = a, *y = b;

	if (x->severity != y->severity)
		return x->severity > y->severity ? -1 : 1;
	if (x->factor < y->factor || x->factor > y->factor)
		return x->factor > y->factor ? -1 : 1;
	return (x->long_ns > y->long_ns) - (x->long_ns < y->long_ns);
}

void
slo_build_sort_rules(struct slo_rule *v, size_t n)
{
	qsort(v, n, sizeof *v, compare_rules);
}

/* --- what must go together ------------------------------------------------------------------- */

static bool
check_rule(struct conf_decode *d, const struct yaml_node *node, const char *burns,
    const struct slo_def *def, const struct slo_rule *rule)
{
	int64_t least = rule->short_ns > 0 ? rule->short_ns : rule->long_ns;
	bool is_slice = def->slice_ns > def->resolution_ns;
	char name[SHOWN];
	int64_t seen = is_slice ? def->slice_ns : def->resolution_ns;
	char a[DURATION_TEXT_MAX], b[DURATION_TEXT_MAX];

	str_escape_to(name, sizeof name, def->name);
	if (rule->long_ns > def->period_ns) {
		conf_problem(d, node, "%s: objective '%s': a burn over %s does not fit into the "
		    "window of %s", burns, name, exact(a, rule->long_ns), exact(b, def->period_ns));
		return false;
	}
	if (least >= seen)
		return true;
	exact(a, least);
	if (!str_eq(burns, "burn"))
		conf_problem(d, node, "%s: objective '%s': a burn over %s is shorter than the %s, %s",
		    burns, name, a, is_slice ? "slices" : "resolution", exact(b, seen));
	else
		conf_problem(d, node, "%s: objective '%s': a burn over %s is shorter than the %s, "
		    "%s; set %s: %s or less", burns, name, a, is_slice ? "slices" : "resolution",
		    exact(b, seen), is_slice ? "slice" : "resolution", a);
	return false;
}

static bool
check_slices(struct conf_decode *d, const struct yaml_node *node, const struct slo_def *def)
{
	/* A day of the calendar has whole hours, whatever the clocks do. */
	int64_t whole = def->n_bounds > 0 ? NS_PER_HOUR : def->period_ns;
	char a[DURATION_TEXT_MAX], b[DURATION_TEXT_MAX];

	if (def->method == SLO_OCCURRENCES)
		return true;
	if (def->slice_ns > whole || whole % def->slice_ns != 0) {
		conf_problem(d, node, "slices of %s do not fill %s evenly",
		    exact(a, def->slice_ns), def->n_bounds > 0 ?
		    "an hour of the calendar" : exact(b, def->period_ns));
		return false;
	}
	if (def->slice_ns % def->resolution_ns != 0) {
		conf_problem(d, node, "slices of %s are not a multiple of the resolution, %s",
		    exact(a, def->slice_ns), exact(b, def->resolution_ns));
		return false;
	}
	return true;
}

bool
slo_build_check(struct slo_build *b, struct conf_decode *d, const struct yaml_node *node,
    const char *burns, const struct slo_def *def)
{
	bool is_good = check_slices(d, node, def);

	(void)b;
	if (def->resolution_ns * 2 > def->period_ns) {
		conf_problem(d, node, "the window is too short for the resolution of its metrics");
		is_good = false;
	}
	for (size_t i = 0; i < def->n_rules && is_good; i++)
		is_good = check_rule(d, node, burns, def, &def->rules[i]);
	return is_good;
}

bool
slo_build_add(struct slo_build *b, struct conf_decode *d, const struct yaml_node *node,
    const struct slo_def *def)
{
	char shown[SHOWN];

	if (b->n == OBJECTIVES_MAX) {
		if (!b->is_full)
			conf_problem(d, node, "no more than %d objectives are worked out",
			    (int)OBJECTIVES_MAX);
		b->is_full = true;
		return false;
	}
	for (size_t i = 0; i < b->n; i++)
		if (str_eq(b->v[i].id, def->id)) {
			conf_problem(d, node, "the name '%s' is taken by the objective at %s",
			    str_escape_to(shown, sizeof shown, def->name), b->v[i].where);
			return false;
		}
	b->v = xreallocarray(b->v, b->n + 1, sizeof *b->v);
	b->v[b->n++] = *def;
	return true;
}
