/* How the indicator of an objective becomes templates: see the table in slo_promql.h. */
#include "config.h"

#include "insight/slo_promql.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "insight/promql_scan.h"
#include "insight/promql_sum.h"

#define WINDOW "${window}"

/* --- the text as written ---------------------------------------------------------------------- */

static bool
is_word_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	    c == '_';
}

/* Length of another way to write ${window} at s, or 0. */
static size_t
window_alias(const char *s)
{
	static const char *const names[] = { "window", "__range", "__interval", "__rate_interval" };
	const char *p = s;
	bool has_braces;

	if (strncmp(s, "{{", 2) == 0) {		/* {{ .window }} */
		for (p = s + 2; *p == ' '; p++)
			;
		if (strncmp(p, ".window", 7) != 0)
			return 0;
		for (p += 7; *p == ' '; p++)
			;
		return strncmp(p, "}}", 2) == 0 ? (size_t)(p + 2 - s) : 0;
	}
	if (*s != '$')
		return 0;
	has_braces = s[1] == '{';
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		size_t len = strlen(names[i]);

		p = s + 1 + has_braces;
		if (strncmp(p, names[i], len) == 0 &&
		    (has_braces ? p[len] == '}' : !is_word_char(p[len])))
			return (size_t)(p + len + has_braces - s);
	}
	return 0;
}

/* The end of the string that begins at s, or of the text. */
static const char *
string_end(const char *s)
{
	char quote = *s;

	for (s++; *s != '\0' && *s != quote; s++)
		if (*s == '\\' && quote != '`' && s[1] != '\0')
			s++;
	return *s == '\0' ? s : s + 1;
}

/*
 * Without comments (what stands behind the expression would be lost in them), with one way to write
 * the window.
 */
static void
normalise(struct buf *out, const char *s)
{
	while (*s != '\0') {
		size_t alias = window_alias(s), len = 1;

		if (alias > 0) {
			buf_addstr(out, WINDOW);
			s += alias;
			continue;
		}
		if (*s == '#') {
			s += strcspn(s, "\n");
			continue;
		}
		if (*s == '"' || *s == '\'' || *s == '`')
			len = (size_t)(string_end(s) - s);
		if (strchr("\t\r\n", *s) != NULL)
			buf_addch(out, ' ');
		else
			buf_add(out, s, len);
		s += len;
	}
}

/* --- a number of events ----------------------------------------------------------------------- */

static int
scan_text(const char *text, struct buf *ret_clean, struct promql_tokens *ret, struct err *err)
{
	int r;

	buf_init(ret_clean, SLO_TEMPLATE_MAX);
	*ret = (struct promql_tokens){ 0 };
	normalise(ret_clean, text);
	if (ret_clean->is_over)
		return err_set(err, ERR_LIMIT,
		    "is longer than %d bytes: record it by a rule and name that", SLO_TEMPLATE_MAX);
	r = promql_scan(ret_clean->data, ret_clean->len, ret, err);
	if (r == 0 && ret->n == 0)
		r = err_set(err, ERR_INVALID, "is empty");
	return r;
}

/* Append the sum of events over ${window}. */
static int
write_count(const struct slo_def *def, const char *text, struct buf *out, struct err *err)
{
	struct promql_tokens t;
	struct buf clean;
	int r = scan_text(text, &clean, &t, err);

	if (r == 0 && strstr(clean.data, WINDOW) != NULL)
		r = promql_sum_windowed(&t, out, err);
	else if (r == 0)
		r = promql_sum(&t, def->is_counter, out, err);
	if (r == 0 && out->is_over)
		r = err_set(err, ERR_LIMIT,
		    "becomes longer than %d bytes: record it by a rule and name that",
		    SLO_TEMPLATE_MAX);
	promql_tokens_done(&t);
	buf_done(&clean);
	return r;
}

/* --- values that are looked at ---------------------------------------------------------------- */

static int64_t
resolution(const struct slo_def *def)
{
	return def->resolution_ns > 0 ? def->resolution_ns : NS_PER_MIN;
}

/* What was cut short in a part is cut short in the whole. */
static void
carry_over(struct buf *whole, const struct buf *part)
{
	whole->is_over |= part->is_over;
}

/* Append a number so that it is read back as the same. */
static void
write_number(struct buf *out, double v)
{
	char text[40];

	for (int digits = 15; digits <= 17; digits++) {
		snprintf(text, sizeof text, "%.*g", digits, v);
		if (strtod(text, NULL) == v)
			break;
	}
	buf_addstr(out, text);
}

/* Append the value that is looked at, NaN left out; ${window} in it is how far apart one looks. */
static int
write_value(const struct slo_def *def, struct buf *out, struct err *err)
{
	struct promql_tokens t;
	struct buf clean;
	int r = scan_text(def->raw == NULL ? "" : def->raw, &clean, &t, err);

	buf_addstr(out, "((");
	slo_fill(out, clean.data, resolution(def));
	buf_addstr(out, ") > -Inf)");
	if (r == 0 && out->is_over)
		r = err_set(err, ERR_LIMIT,
		    "becomes longer than %d bytes: record it by a rule and name that",
		    SLO_TEMPLATE_MAX);
	promql_tokens_done(&t);
	buf_done(&clean);
	return r;
}

/* Append what is 0 to 1 at each look: the ratio itself, or whether the value is good. */
static int
write_goodness(const struct slo_def *def, struct buf *out, struct err *err)
{
	int r;

	if (def->sli == SLI_RAW)
		return write_value(def, out, err);
	buf_addch(out, '(');
	r = write_value(def, out, err);
	buf_printf(out, " %s bool ", sli_compare_text(def->compare));
	write_number(out, def->threshold);
	buf_addch(out, ')');
	return r;
}

/* Append sum(FUNCTION(EXPR[W:step])). */
static void
write_over_time(struct buf *out, const char *function, const char *expr, int64_t step_ns)
{
	buf_printf(out, "sum(%s(%s[${less}:${step:%lld}]))", function, expr,
	    (long long)(step_ns / NS_PER_MS));
}

/* --- the ratio of one slice ------------------------------------------------------------------- */

/*
 * ret_seen: has a value in each slice in which good has a series; left empty for bad. Errors that
 * never happened yet have no series, and are 0. So is good while it is gone; but good that is
 * nowhere in all the window is an expression that selects nothing, and must not make every slice
 * of it a bad one.
 */
static int
write_slice_of_events(const struct slo_def *def, struct buf *out, struct buf *ret_seen, struct err *err)
{
	struct buf first, total;
	int r;

	buf_init(&first, SLO_TEMPLATE_MAX);
	buf_init(&total, SLO_TEMPLATE_MAX);
	r = write_count(def, def->good != NULL ? def->good : def->bad, &first, err);
	if (r < 0)
		err_prefix(err, def->good != NULL ? "good" : "bad");
	if (r == 0 && (r = write_count(def, def->total, &total, err)) < 0)
		err_prefix(err, "total");
	if (def->good != NULL)
		slo_fill(ret_seen, first.data, def->slice_ns);
	/* No event, no slice. */
	buf_addstr(out, "((");
	slo_fill(out, first.data, def->slice_ns);
	buf_addstr(out, " or vector(0)) / (");
	slo_fill(out, total.data, def->slice_ns);
	buf_addstr(out, " > 0))");
	buf_done(&first);
	buf_done(&total);
	return r;
}

static int
write_slice_of_values(const struct slo_def *def, struct buf *out, struct err *err)
{
	struct buf goodness, inside;
	int r;

	buf_init(&goodness, SLO_TEMPLATE_MAX);
	buf_init(&inside, SLO_TEMPLATE_MAX);
	r = write_goodness(def, &goodness, err);
	if (resolution(def) >= def->slice_ns)
		buf_printf(out, "avg(%s)", goodness.data);
	else {
		write_over_time(&inside, "avg_over_time", goodness.data, resolution(def));
		buf_addstr(out, "avg");
		slo_fill(out, inside.data + strlen("sum"), def->slice_ns);
	}
	carry_over(out, &goodness);
	carry_over(out, &inside);
	buf_done(&goodness);
	buf_done(&inside);
	return r;
}

/* --- templates -------------------------------------------------------------------------------- */

struct templates {
	struct buf first, total;
	bool is_good;
};

static int
make_ratio(const struct slo_def *def, struct templates *ret, struct err *err)
{
	bool is_good = def->good != NULL;
	int r;

	ret->is_good = is_good;
	r = write_count(def, is_good ? def->good : def->bad, &ret->first, err);
	if (r < 0) {
		err_prefix(err, is_good ? "good" : "bad");
		return r;
	}
	r = write_count(def, def->total, &ret->total, err);
	if (r < 0)
		err_prefix(err, "total");
	return r;
}

/*
 * A ratio of two sums over ${window} is better added up by its sides: then traffic weighs. true:
 * done.
 */
static bool
make_raw_division(const struct slo_def *def, struct templates *ret)
{
	struct slo_def sides = *def;
	size_t first_len, total_len;
	const char *first, *total;
	struct buf clean, a, b;
	bool is_done = false;

	buf_init(&clean, SLO_TEMPLATE_MAX);
	buf_init(&a, SLO_TEMPLATE_MAX);
	buf_init(&b, SLO_TEMPLATE_MAX);
	normalise(&clean, def->raw);
	if (promql_split_division(clean.data, &first, &first_len, &total, &total_len)) {
		buf_add(&a, first, first_len);
		buf_add(&b, total, total_len);
		sides.good = sides.bad = NULL;
		*(def->is_raw_success ? &sides.good : &sides.bad) = a.data;
		sides.total = b.data;
		is_done = strstr(a.data, WINDOW) != NULL && strstr(b.data, WINDOW) != NULL &&
		    make_ratio(&sides, ret, NULL) == 0;
	}
	buf_done(&clean);
	buf_done(&a);
	buf_done(&b);
	return is_done;
}

static int
make_values(const struct slo_def *def, struct templates *ret, struct err *err)
{
	struct buf value, goodness;
	int r;

	if (def->sli == SLI_RAW && def->raw != NULL && make_raw_division(def, ret))
		return 0;
	buf_reset(&ret->first);
	buf_reset(&ret->total);
	buf_init(&value, SLO_TEMPLATE_MAX);
	buf_init(&goodness, SLO_TEMPLATE_MAX);
	r = write_goodness(def, &goodness, err);
	if (r == 0)
		r = write_value(def, &value, err);
	write_over_time(&ret->first, "sum_over_time", goodness.data, resolution(def));
	write_over_time(&ret->total, "count_over_time", value.data, resolution(def));
	ret->is_good = def->sli == SLI_THRESHOLD || def->is_raw_success;
	carry_over(&ret->first, &goodness);
	carry_over(&ret->total, &value);
	buf_done(&value);
	buf_done(&goodness);
	return r;
}

static bool
is_slice_good_ratio(const struct slo_def *def)
{
	switch (def->sli) {
	case SLI_RATIO:
		return def->good != NULL;
	case SLI_RAW:
		return def->is_raw_success;
	case SLI_THRESHOLD:
		break;
	}
	return true;
}

/* Nothing is known of a window in which nothing was seen. */
static void
write_only_where(struct buf *out, const struct buf *sum, const struct buf *seen, int64_t step_ns)
{
	if (seen->len == 0) {
		buf_add(out, sum->data, sum->len);
		return;
	}
	buf_printf(out, "(%s and on () ", sum->data);
	write_over_time(out, "count_over_time", seen->data, step_ns);
	buf_addch(out, ')');
}

static int
make_slices(const struct slo_def *def, struct templates *ret, struct err *err)
{
	struct buf ratio, good, seen, sum;
	int r;

	if (def->slice_ns < NS_PER_MS)
		return err_set(err, ERR_INVALID, "the method %s needs the length of a slice",
		    slo_method_name(def->method));
	buf_init(&ratio, SLO_TEMPLATE_MAX);
	buf_init(&good, SLO_TEMPLATE_MAX);
	buf_init(&seen, SLO_TEMPLATE_MAX);
	buf_init(&sum, SLO_TEMPLATE_MAX);
	r = def->sli == SLI_RATIO ? write_slice_of_events(def, &ratio, &seen, err) :
				    write_slice_of_values(def, &ratio, err);
	ret->is_good = is_slice_good_ratio(def);
	if (def->method == SLO_TIMESLICES) {
		buf_printf(&good, ret->is_good ? "(%s >= bool " : "((1 - %s) >= bool ", ratio.data);
		write_number(&good, def->slice_target);
		buf_addch(&good, ')');
		ret->is_good = true;
	}
	write_over_time(
	    &sum, "sum_over_time", good.len > 0 ? good.data : ratio.data, def->slice_ns);
	write_only_where(&ret->first, &sum, &seen, def->slice_ns);
	write_over_time(&ret->total, "count_over_time", ratio.data, def->slice_ns);
	carry_over(&ret->first, &good);
	carry_over(&ret->first, &seen);
	carry_over(&ret->first, &sum);
	carry_over(&ret->total, &ratio);
	buf_done(&ratio);
	buf_done(&good);
	buf_done(&seen);
	buf_done(&sum);
	return r;
}

static int
check_def(const struct slo_def *def, struct err *err)
{
	if (def->sli == SLI_RATIO &&
	    (def->total == NULL || (def->good == NULL) == (def->bad == NULL)))
		return err_set(err, ERR_INVALID, "a ratio needs total, and one of good and bad");
	if (def->sli != SLI_RATIO && def->raw == NULL)
		return err_set(err, ERR_INVALID, "there is no expression to look at");
	if (def->sli == SLI_THRESHOLD && !isfinite(def->threshold))
		return err_set(err, ERR_INVALID, "the threshold is no number");
	if (def->method == SLO_TIMESLICES && !isfinite(def->slice_target))
		return err_set(
		    err, ERR_INVALID, "the method Timeslices needs a target for a slice");
	return 0;
}

int
slo_terms_direct(
    const struct slo_def *def, struct arena *arena, struct slo_terms *ret, struct err *err)
{
	struct templates t;
	int r = check_def(def, err);

	if (r < 0)
		return r;
	buf_init(&t.first, SLO_TEMPLATE_MAX);
	buf_init(&t.total, SLO_TEMPLATE_MAX);
	if (def->method != SLO_OCCURRENCES)
		r = make_slices(def, &t, err);
	else
		r = def->sli == SLI_RATIO ? make_ratio(def, &t, err) : make_values(def, &t, err);
	if (r == 0 && (t.first.is_over || t.total.is_over))
		r = err_set(err, ERR_LIMIT,
		    "the expressions become longer than %d bytes: record them by rules and name those",
		    SLO_TEMPLATE_MAX);
	if (r == 0)
		*ret = (struct slo_terms){ .first = arena_strdup(arena, t.first.data),
			.is_good = t.is_good,
			.total = arena_strdup(arena, t.total.data) };
	buf_done(&t.first);
	buf_done(&t.total);
	return r;
}

/* Sums of what the rules of `--export slo-rules` recorded every so often. */
static const char *
recorded(const struct slo_def *def, const char *what, struct arena *arena)
{
	char every[PROMQL_DURATION_MAX];
	struct buf out;
	const char *text;

	buf_init(&out, SLO_TEMPLATE_MAX);
	buf_printf(&out, "sum(sum_over_time(slo:%s:increase%s{slo=", what,
	    promql_duration(every, def->recorded_ns));
	promql_quote(&out, def->name);
	buf_printf(&out, "}[${less}:${step:%lld}]))", (long long)(def->recorded_ns / NS_PER_MS));
	text = arena_strdup(arena, out.data);
	buf_done(&out);
	return text;
}

int
slo_terms(const struct slo_def *def, struct arena *arena, struct slo_terms *ret, struct err *err)
{
	int r = slo_terms_direct(def, arena, ret, err);

	if (r == 0 && def->recorded_ns > 0) {
		ret->first = recorded(def, "first", arena);
		ret->total = recorded(def, "total", arena);
	}
	return r;
}
