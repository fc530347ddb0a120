/* An SLO document as definitions, one for each of its objectives. */
#include "config.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/jread.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "conf/openslo_priv.h"

enum { SHOWN = 72 };

static const int64_t period_max = 1830 * NS_PER_DAY;

static const struct os_slo_spec *
spec_of(const struct openslo_slo *s)
{
	return ((const struct os_slo *)s->doc->item)->spec;
}

/* --- the window ------------------------------------------------------------------------------ */

static bool
set_calendar(struct openslo_slo *s, const struct os_window *w, int n, char unit)
{
	struct conf_decode *d = &s->doc->file->d;
	struct calendar c = { .zone = w->calendar->zone };
	struct err err = ERR_INIT;

	if (unit == 'm' || unit == 'h') {
		conf_problem(d, openslo_at(w->node, "duration"), "duration: a window of the "
		    "calendar has whole days, weeks, months, quarters or years; one of hours is "
		    "rolling (isRolling: true)");
		return false;
	}
	if (calendar_read_time(w->calendar->start, &c, &err) < 0) {
		conf_problem(d, openslo_at(w->calendar->node, "startTime"), "startTime: %s",
		    err.msg);
		return false;
	}
	c.unit = unit == 'd' || unit == 'w' ? CALENDAR_DAY : CALENDAR_MONTH;
	c.length = n * (unit == 'w' ? 7 : unit == 'Q' ? 3 : unit == 'Y' ? 12 : 1);
	return slo_build_calendar(s->o->b, d, openslo_at(w->calendar->node, "timeZone"), &c,
	    &s->def);
}

static bool
set_rolling(struct openslo_slo *s, const struct os_window *w, int n, char unit)
{
	const struct yaml_node *rolling = yaml_get(w->node, "isRolling");

	if (!yaml_is_null(rolling) && !w->is_rolling) {
		conf_problem(&s->doc->file->d, rolling,
		    "isRolling: false needs a calendar: { startTime: ..., timeZone: ... }");
		return false;
	}
	if (unit == 'M' || unit == 'Q' || unit == 'Y')
		slo_build_note(s->o->b, &s->def, "the rolling window of %s is taken as %d days",
		    w->duration, (int)(s->def.period_ns / NS_PER_DAY));
	(void)n;
	return true;
}

static bool
set_window(struct openslo_slo *s)
{
	const struct os_slo_spec *spec = spec_of(s);
	struct conf_decode *d = &s->doc->file->d;
	const struct os_window *w = spec->windows;
	char unit;
	int n;

	if (spec->n_windows == 0) {
		/* Where one was written, its mistake has been told. */
		if (yaml_get(spec->node, "timeWindow")->n == 0)
			conf_problem(d, openslo_at(spec->node, "timeWindow"),
			    "timeWindow: one is needed");
		return false;
	}
	if (!openslo_shorthand(w->duration, &n, &unit) || n == 0) {
		conf_problem(d, openslo_at(w->node, "duration"), "duration: a number with one of "
		    "m, h, d, w, M, Q, Y is expected, such as 30d or 1M");
		return false;
	}
	if (!openslo_duration(w->duration, &s->def.period_ns) || s->def.period_ns > period_max) {
		conf_problem(d, openslo_at(w->node, "duration"),
		    "duration: more than five years are too many");
		return false;
	}
	if (w->calendar == NULL)
		return set_rolling(s, w, n, unit);
	if (w->is_rolling) {
		conf_problem(d, openslo_at(w->node, "isRolling"),
		    "isRolling: true cannot go with a calendar:; keep one");
		return false;
	}
	return set_calendar(s, w, n, unit);
}

/* --- one objective --------------------------------------------------------------------------- */

static bool
set_target(struct conf_decode *d, const struct os_objective *o, struct slo_def *def)
{
	bool is_percent = !isnan(o->target_percent);
	const char *key = is_percent ? "targetPercent" : "target";

	if (is_percent && !isnan(o->target)) {
		conf_problem(d, openslo_at(o->node, "targetPercent"),
		    "targetPercent: cannot go with target; keep one");
		return false;
	}
	if (!is_percent && isnan(o->target)) {
		conf_problem(d, o->node, "'target' is missing, or targetPercent");
		return false;
	}
	def->target = is_percent ? o->target_percent / 100 : o->target;
	if (def->target > 0 && def->target < 1)
		return true;
	if (!is_percent && o->target > 1 && o->target < 100)
		conf_problem(d, openslo_at(o->node, key), "target: is not between 0 and 1; in "
		    "percent it is a targetPercent");
	else if (def->target >= 1 && def->target <= 1)
		conf_problem(d, openslo_at(o->node, key), "%s: all leaves no room for any error; "
		    "less is expected", key);
	else
		conf_problem(d, openslo_at(o->node, key), "%s: is not between 0 and %s", key,
		    is_percent ? "100" : "1");
	return false;
}

static bool
set_threshold(struct openslo_slo *s, const struct os_objective *o, struct slo_def *def)
{
	static const struct {
		const char *op;
		enum sli_compare compare;
	} ops[] = { { "lt", SLI_LT }, { "lte", SLI_LTE }, { "gt", SLI_GT }, { "gte", SLI_GTE } };
	struct conf_decode *d = &s->doc->file->d;

	if (def->sli != SLI_THRESHOLD) {
		if (o->op != NULL || !isnan(o->value))
			slo_build_note(s->o->b, def, "op and value of an objective mean nothing "
			    "with a ratioMetric");
		return true;
	}
	if (o->op == NULL || isnan(o->value)) {
		conf_problem(d, o->node, "'%s' is missing: a thresholdMetric is compared to it",
		    o->op == NULL ? "op" : "value");
		return false;
	}
	def->threshold = o->value;
	for (size_t i = 0; i < sizeof ops / sizeof ops[0]; i++)
		if (str_eq(ops[i].op, o->op))
			def->compare = ops[i].compare;
	return true;
}

/* A plain number is minutes. */
static bool
read_slice(const char *text, int64_t *ret_ns)
{
	double minutes;

	if (openslo_duration(text, ret_ns))
		return *ret_ns > 0 && *ret_ns <= NS_PER_DAY;
	if (jread_double(text, strlen(text), &minutes) < 0 || !(minutes > 0 && minutes <= 1440))
		return false;
	*ret_ns = (int64_t)(minutes * 60) * NS_PER_S;
	return (double)*ret_ns >= minutes * (double)NS_PER_MIN && *ret_ns > 0;
}

static bool
has_slices(struct openslo_slo *s, const struct os_objective *o, struct slo_def *def)
{
	struct conf_decode *d = &s->doc->file->d;

	if (def->method == SLO_OCCURRENCES || (def->method == SLO_RATIO_TIMESLICES &&
	    !isnan(o->slice_target))) {
		bool is_window = def->method == SLO_OCCURRENCES && o->slice_window != NULL;
		bool is_target = !isnan(o->slice_target);

		if (is_window || is_target)
			slo_build_note(s->o->b, def, "not used with the method %s: %s%s%s",
			    slo_method_name(def->method), is_window ? "timeSliceWindow" : "",
			    is_window && is_target ? ", " : "", is_target ? "timeSliceTarget" : "");
		return def->method != SLO_OCCURRENCES;
	}
	if (def->method == SLO_TIMESLICES && isnan(o->slice_target)) {
		conf_problem(d, o->node, "'timeSliceTarget' is missing: the share from which on a "
		    "slice is good");
		return false;
	}
	return true;
}

static bool
set_slices(struct openslo_slo *s, const struct os_objective *o, struct slo_def *def)
{
	struct conf_decode *d = &s->doc->file->d;

	def->slice_target = NAN;
	if (!has_slices(s, o, def))
		return def->method == SLO_OCCURRENCES;
	if (o->slice_window == NULL) {
		conf_problem(d, o->node, "'timeSliceWindow' is missing: how long a slice is");
		return false;
	}
	if (!read_slice(o->slice_window, &def->slice_ns)) {
		conf_problem(d, openslo_at(o->node, "timeSliceWindow"), "timeSliceWindow: a number "
		    "of minutes or a duration up to a day is expected, such as 5 or 5m");
		return false;
	}
	if (def->slice_ns < def->resolution_ns)
		def->resolution_ns = def->slice_ns;
	if (def->method == SLO_RATIO_TIMESLICES)
		return true;
	if (!(o->slice_target > 0 && o->slice_target <= 1)) {
		conf_problem(d, openslo_at(o->node, "timeSliceTarget"),
		    "timeSliceTarget: is not above 0 and at most 1");
		return false;
	}
	def->slice_target = o->slice_target;
	return true;
}

/* --- names ----------------------------------------------------------------------------------- */

/* Small letters and digits of a display name, the rest as single dashes. NULL: none. */
static char *
slug(const char *text)
{
	char *s = xstrdup(text);
	size_t n = 0;

	for (size_t i = 0; text[i] != '\0'; i++) {
		if (isalnum((unsigned char)text[i]))
			s[n++] = (char)tolower((unsigned char)text[i]);
		else if (n > 0 && s[n - 1] != '-')
			s[n++] = '-';
	}
	while (n > 0 && s[n - 1] == '-')
		n--;
	s[n] = '\0';
	if (n > 0)
		return s;
	free(s);
	return NULL;
}

static void
set_names(struct openslo_slo *s, size_t i, struct slo_def *def)
{
	const struct os_slo_spec *spec = spec_of(s);
	const struct os_objective *o = &spec->objectives[i];
	const struct os_meta *meta = ((const struct os_slo *)s->doc->item)->object.meta;
	const char *title = meta->display_name != NULL ? meta->display_name : "";
	struct slo_build *b = s->o->b;
	struct label *label;
	char *part = NULL;

	/* As many as were written, so that a name does not change with the others' mistakes. */
	if (yaml_get(spec->node, "objectives")->n > 1) {
		part = o->display_name != NULL ? slug(o->display_name) : NULL;
		if (part == NULL)
			part = xasprintf("%zu", i + 1);
		def->name = slo_build_printf(b, "%s-%s", meta->name, part);
		def->title = slo_build_printf(b, "%s%s%s", title, title[0] != '\0' &&
		    o->display_name != NULL ? ": " : "", o->display_name != NULL ?
		    o->display_name : "");
		def->where = slo_build_where(b, s->doc->file->name, o->node->line, o->node->column);
	} else {
		def->name = slo_build_text(b, meta->name);
		def->title = slo_build_text(b, title[0] != '\0' || o->display_name == NULL ? title :
		    o->display_name);
		def->where = slo_build_where(b, s->doc->file->name, s->doc->node->line,
		    s->doc->node->column);
	}
	free(part);
	def->id = slo_build_printf(b, "slo:%s", def->name);
	label = arena_alloc(&b->set->block.arena, sizeof *label);
	*label = (struct label){ "slo", def->name };
	slo_build_set_labels(def, label, 1);
}

static void
build_objective(struct openslo_slo *s, size_t i)
{
	const struct os_objective *o = &spec_of(s)->objectives[i];
	struct conf_decode *d = &s->doc->file->d;
	struct slo_def def = s->def;
	bool is_good = set_target(d, o, &def);

	is_good = is_good && set_threshold(s, o, &def);
	is_good = is_good && set_slices(s, o, &def);
	def.min_bad = slo_build_min_bad(&def);
	if (is_good && !s->has_rules) {
		slo_build_note(s->o->b, &def, "without alertPolicies the burn rules of the SRE "
		    "Workbook hold");
		slo_build_default_rules(s->o->b, &def);
	}
	set_names(s, i, &def);
	if (is_good && slo_build_check(s->o->b, d, o->node, "alertPolicies", &def))
		slo_build_add(s->o->b, d, o->node, &def);
}

/* --- the whole ------------------------------------------------------------------------------- */

/* A service is a plain name where no Service document says which there are. */
static bool
check_service(struct openslo_slo *s)
{
	const struct os_slo_spec *spec = spec_of(s);
	const struct openslo_doc *doc;
	bool has_services = false;

	for (size_t i = 0; i < s->o->n_docs; i++)
		has_services = has_services || s->o->docs[i].kind == OPENSLO_SERVICE;
	if (!has_services)
		return true;
	doc = openslo_follow(s->o, s->doc->file, openslo_at(spec->node, "service"), "service",
	    OPENSLO_SERVICE, spec->service);
	if (doc != NULL)
		openslo_note_object(s, OPENSLO_SERVICE, doc->item);
	return doc != NULL;
}

/* Of several indicators, which the objectives name: the specification's composite SLO. */
static bool
is_single(struct openslo_slo *s)
{
	const struct os_slo_spec *spec = spec_of(s);
	bool is_good = true;

	for (size_t i = 0; i < spec->n_objectives; i++) {
		const struct os_objective *o = &spec->objectives[i];

		if (o->composite == NULL)
			continue;
		conf_problem(&s->doc->file->d, openslo_at(o->node, o->composite[0]), "%s: an SLO "
		    "made of several indicators is not worked out by this program; write an SLO "
		    "for each", o->composite[0]);
		is_good = false;
	}
	return is_good;
}

static enum slo_method
method_of(const char *name)
{
	for (enum slo_method m = SLO_OCCURRENCES; m <= SLO_RATIO_TIMESLICES; m++)
		if (str_eq(slo_method_name(m), name))
			return m;
	abort();	/* the table lets no other through */
}

void
openslo_build_slo(struct openslo *o, struct openslo_doc *doc)
{
	struct openslo_slo s = { .o = o, .doc = doc };
	const struct os_slo_spec *spec = spec_of(&s);
	bool is_good;

	buf_init(&s.unused, 2000);
	s.def = (struct slo_def){
		.service = slo_build_text(o->b, spec->service), .kind = "",
		.origin = SLO_FROM_OPENSLO, .method = method_of(spec->method),
		.slice_target = NAN, .resolution_ns = NS_PER_MIN,
		.no_data_severity = SEVERITY_NONE,
	};
	openslo_note_unused(&s, "", ((const struct os_slo *)doc->item)->object.meta->unused);
	is_good = check_service(&s);
	is_good = is_single(&s) && openslo_set_indicator(&s) && is_good;
	is_good = set_window(&s) && is_good;
	is_good = is_good && openslo_set_rules(&s);
	if (s.unused.len > 0)
		slo_build_note(o->b, &s.def, "not used here: %s", s.unused.data);
	for (size_t i = 0; is_good && i < spec->n_objectives; i++)
		build_objective(&s, i);
	if (is_good && yaml_get(spec->node, "objectives")->n == 0)
		conf_problem(&doc->file->d, openslo_at(spec->node, "objectives"),
		    "objectives: at least one is needed");
	buf_done(&s.unused);
}
