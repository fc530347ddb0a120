/* The short form of an objective, as a definition. */
#include "config.h"

#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "conf/conf_slo_build.h"

enum { SHOWN = 72 };

struct short_form {
	struct slo_build *b;
	const struct conf_slo *s;
	const struct yaml_node *node;
	struct slo_def def;
};

static bool
is_given(const struct short_form *f, const char *key)
{
	return !yaml_is_null(yaml_get(f->node, key));
}

/* Where an option stands, or the objective where it does not. */
static const struct yaml_node *
at(const struct short_form *f, const char *key)
{
	const struct yaml_node *node = yaml_get(f->node, key);

	return node != NULL ? node : f->node;
}

/* --- the indicator --------------------------------------------------------------------------- */

/* What each indicator is made of. Those of no other are refused, rather than passed over. */
static const struct indicator {
	const char *key;
	const char *needs[2];		/* one of them */
	const char *takes;		/* also possible */
} indicators[] = {
	{ "good", { "total" }, "counter" },
	{ "bad", { "total" }, "counter" },
	{ "histogram", { "below" }, "native" },
	{ "expr", { "below", "above" }, NULL },
	{ "timestamp", { "max_age" }, NULL },
	{ "error_ratio", { NULL }, NULL },
	{ "success_ratio", { NULL }, NULL },
};

static bool
belongs_to(const struct indicator *in, const char *option)
{
	return str_eq(in->needs[0], option) || str_eq(in->needs[1], option) ||
	    str_eq(in->takes, option);
}

static const struct indicator *
find_indicator(struct short_form *f)
{
	const struct indicator *found = NULL;

	for (size_t i = 0; i < sizeof indicators / sizeof indicators[0]; i++) {
		const struct indicator *in = &indicators[i];

		if (!is_given(f, in->key))
			continue;
		if (found != NULL) {
			conf_problem(f->b->d, at(f, in->key), "%s: cannot go with %s; keep one",
			    in->key, found->key);
			return NULL;
		}
		found = in;
	}
	if (found == NULL)
		conf_problem(f->b->d, f->node, "nothing says what is measured: one of good, bad, "
		    "histogram, expr, timestamp, error_ratio and success_ratio is expected");
	return found;
}

static bool
check_options(struct short_form *f, const struct indicator *in)
{
	static const char *const options[] = { "total", "counter", "native", "below", "above",
	    "max_age" };
	bool has_first = is_given(f, in->needs[0] != NULL ? in->needs[0] : in->key);
	bool has_second = in->needs[1] != NULL && is_given(f, in->needs[1]);

	for (size_t i = 0; i < sizeof options / sizeof options[0]; i++)
		if (is_given(f, options[i]) && !belongs_to(in, options[i])) {
			conf_problem(f->b->d, at(f, options[i]), "%s: does not go with %s:",
			    options[i], in->key);
			return false;
		}
	if (has_first && has_second) {
		conf_problem(f->b->d, at(f, in->needs[1]), "%s: cannot go with %s; keep one",
		    in->needs[1], in->needs[0]);
		return false;
	}
	if (!has_first && !has_second) {
		conf_problem(f->b->d, at(f, in->key), "%s: needs %s:%s%s%s too", in->key,
		    in->needs[0], in->needs[1] != NULL ? " or " : "",
		    in->needs[1] != NULL ? in->needs[1] : "", in->needs[1] != NULL ? ":" : "");
		return false;
	}
	return true;
}

static bool
set_histogram(struct short_form *f)
{
	struct err err = ERR_INIT;

	if (slo_build_histogram(f->b, f->s->histogram, f->s->below, f->s->is_native, &f->def.good,
	    &f->def.total, &err) < 0) {
		conf_problem(f->b->d, at(f, "histogram"), "histogram: %s", err.msg);
		return false;
	}
	f->def.is_counter = true;
	return true;
}

static void
set_threshold(struct short_form *f, const char *raw, enum sli_compare compare, double threshold)
{
	f->def.sli = SLI_THRESHOLD;
	f->def.raw = raw;
	f->def.compare = compare;
	f->def.threshold = threshold;
}

static void
set_age(struct short_form *f)
{
	const char *expr = f->s->timestamp;
	/* A comment at its end would take the bracket with it. */
	const char *end = strchr(expr, '#') != NULL ? "\n" : "";

	set_threshold(f, slo_build_printf(f->b, "time() - (%s%s)", expr, end), SLI_LTE,
	    (double)f->s->max_age_ns / (double)NS_PER_S);
}

static bool
set_indicator(struct short_form *f)
{
	const struct indicator *in = find_indicator(f);
	const struct conf_slo *s = f->s;
	struct slo_build *b = f->b;

	if (in == NULL || !check_options(f, in))
		return false;
	f->def.sli = SLI_RATIO;
	f->def.is_counter = s->is_counter;
	f->def.good = slo_build_text(b, s->good);
	f->def.bad = slo_build_text(b, s->bad);
	f->def.total = slo_build_text(b, s->total);
	if (s->histogram != NULL)
		return set_histogram(f);
	if (s->expr != NULL && !isnan(s->below))
		set_threshold(f, slo_build_text(b, s->expr), SLI_LTE, s->below);
	else if (s->expr != NULL)
		set_threshold(f, slo_build_text(b, s->expr), SLI_GTE, s->above);
	if (s->timestamp != NULL)
		set_age(f);
	if (s->error_ratio != NULL || s->success_ratio != NULL) {
		f->def.sli = SLI_RAW;
		f->def.is_raw_success = s->success_ratio != NULL;
		f->def.raw = slo_build_text(b, f->def.is_raw_success ? s->success_ratio :
		    s->error_ratio);
		slo_build_note(b, &f->def, "%s", slo_note_raw);
	}
	return true;
}

/* --- window, slices, rules ------------------------------------------------------------------- */

static const struct {
	const char *word;
	enum calendar_unit unit;
	int length, days;
} calendars[] = {
	{ "day", CALENDAR_DAY, 1, 1 }, { "week", CALENDAR_DAY, 7, 7 },
	{ "month", CALENDAR_MONTH, 1, 30 }, { "quarter", CALENDAR_MONTH, 3, 91 },
	{ "year", CALENDAR_MONTH, 12, 365 },
};

static bool
set_window(struct short_form *f)
{
	/* A Monday: weeks begin with it (ISO 8601). Months count from January. */
	struct calendar c = { .year = 2001, .month = 1, .day = 1, .zone = f->s->timezone };

	for (size_t i = 0; i < sizeof calendars / sizeof calendars[0]; i++)
		if (str_eq(f->s->window, calendars[i].word)) {
			c.unit = calendars[i].unit;
			c.length = calendars[i].length;
			f->def.period_ns = calendars[i].days * NS_PER_DAY;
			return slo_build_calendar(f->b, f->b->d, at(f, "timezone"), &c, &f->def);
		}
	if (is_given(f, "timezone")) {
		conf_problem(f->b->d, at(f, "timezone"), "timezone: only a window of the calendar "
		    "has one; window: day, week, month, quarter or year");
		return false;
	}
	return duration_parse(f->s->window, &f->def.period_ns, NULL) == 0;
}

static bool
set_method(struct short_form *f)
{
	const struct conf_slo *s = f->s;

	f->def.method = (enum slo_method)s->method;
	f->def.resolution_ns = s->resolution_ns;
	f->def.slice_target = NAN;
	for (const char *const *key = (const char *const[]){ "slice", "slice_target", NULL };
	    *key != NULL; key++)
		if (is_given(f, *key) && (s->method == SLO_OCCURRENCES ||
		    (s->method == SLO_RATIO_TIMESLICES && str_eq(*key, "slice_target")))) {
			conf_problem(f->b->d, at(f, *key), "%s: goes with method: timeslices%s",
			    *key, str_eq(*key, "slice") ? " or ratio-timeslices" : "");
			return false;
		}
	if (s->method == SLO_OCCURRENCES)
		return true;
	f->def.slice_ns = s->slice_ns;
	if (!is_given(f, "resolution") && s->slice_ns < f->def.resolution_ns)
		f->def.resolution_ns = s->slice_ns;
	if (s->method == SLO_RATIO_TIMESLICES)
		return true;
	if (!(s->slice_target > 0 && s->slice_target <= 1)) {
		conf_problem(f->b->d, at(f, "slice_target"), "slice_target: the share from which "
		    "on a slice is good is expected, above 0 and at most 100%%");
		return false;
	}
	f->def.slice_target = s->slice_target;
	return true;
}

static bool
set_rules(struct short_form *f)
{
	static const enum severity severities[] = { SEVERITY_PAGE, SEVERITY_TICKET, SEVERITY_INFO };
	const struct conf_slo *s = f->s;
	struct slo_rule *v;

	if (!is_given(f, "burn")) {
		slo_build_default_rules(f->b, &f->def);
		return true;
	}
	/* Less rules than were written would be silent where a page was meant. */
	if (s->n_burns < yaml_get(f->node, "burn")->n)
		return false;
	v = arena_alloc(&f->b->set->block.arena, (s->n_burns + 1) * sizeof *v);
	for (size_t i = 0; i < s->n_burns; i++) {
		const struct conf_burn *burn = &s->burns[i];
		const struct yaml_node where = { .line = burn->line, .column = burn->column };

		if (burn->short_ns >= burn->long_ns) {
			conf_problem(f->b->d, &where, "short: must be shorter than long:");
			return false;
		}
		v[i] = (struct slo_rule){
			.factor = burn->factor, .long_ns = burn->long_ns,
			.short_ns = burn->short_ns, .for_ns = burn->for_ns,
			.severity = severities[burn->severity],
		};
	}
	slo_build_sort_rules(v, s->n_burns);
	f->def.rules = v;
	f->def.n_rules = s->n_burns;
	return true;
}

/* --- the whole ------------------------------------------------------------------------------- */

/* A name that Prometheus takes in a rule that is exported. */
static bool
is_label_name(const char *name)
{
	static const char first[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_";
	static const char all[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_"
	    "0123456789";

	return name[0] != '\0' && strchr(first, name[0]) != NULL &&
	    name[strspn(name, all)] == '\0';
}

static bool
set_alerts(struct short_form *f)
{
	const struct yaml_node *node = yaml_get(f->node, "alerts");
	const struct conf_slo *s = f->s;
	size_t n = s->n_alerts > 0 ? s->n_alerts : 1;
	struct label *v = arena_alloc(&f->b->set->block.arena, n * sizeof *v);
	bool is_good = true;
	char shown[SHOWN];

	v[0] = (struct label){ "slo", f->def.name };
	for (size_t i = 0; i < s->n_alerts; i++) {
		v[i] = (struct label){ slo_build_text(f->b, s->alerts[i].name),
		    slo_build_text(f->b, s->alerts[i].value) };
		if (is_label_name(v[i].name))
			continue;
		conf_problem(f->b->d, node->keys[i], "alerts: '%s' is not the name of a label: "
		    "letters, digits and _, no digit first",
		    str_escape_to(shown, sizeof shown, v[i].name));
		is_good = false;
	}
	slo_build_set_labels(&f->def, v, n);
	return is_good;
}

static const char *
kind_of(const struct conf_slo *s)
{
	if (s->kind != NULL)
		return s->kind;
	return s->histogram != NULL ? "latency" : s->timestamp != NULL ? "freshness" : "";
}

void
slo_build_short(struct slo_build *b, const struct conf_slo *s, const struct yaml_node *node)
{
	static const enum severity no_data[] = { SEVERITY_NONE, SEVERITY_TICKET, SEVERITY_PAGE };
	struct short_form f = { .b = b, .s = s, .node = node };
	bool is_good;

	f.def = (struct slo_def){
		.id = slo_build_printf(b, "slo:%s", s->name), .name = slo_build_text(b, s->name),
		.title = slo_build_text(b, s->title != NULL ? s->title : ""),
		.service = slo_build_text(b, s->service != NULL ? s->service : ""),
		.kind = slo_build_text(b, kind_of(s)), .source = slo_build_text(b, s->source),
		.origin = SLO_FROM_CONFIG, .target = s->target,
		.where = slo_build_where(b, b->d->conf->path, s->line, s->column),
		.min_bad = s->min_bad, .min_events = s->min_events,
		.no_data_severity = no_data[s->no_data],
	};
	is_good = set_alerts(&f);
	is_good = set_indicator(&f) && is_good;
	is_good = set_window(&f) && is_good;
	is_good = set_method(&f) && is_good;
	is_good = is_good && set_rules(&f);
	if (isnan(s->min_bad))
		f.def.min_bad = slo_build_min_bad(&f.def);
	if (is_good && slo_build_check(b, b->d, at(&f, "burn"), "burn", &f.def))
		slo_build_add(b, b->d, node, &f.def);
}
