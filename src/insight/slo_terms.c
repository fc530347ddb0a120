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

enum { PARTS_MAX = 32 };
#define WINDOW "${window}"
#define ADVICE "write the sum over the window yourself, such as sum(increase(NAME[${window}]))"

/* --- the text as written ------------------------------------------------------------------------------------------ */

static bool
is_word_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
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
		if (strncmp(p, names[i], len) == 0 && (has_braces ? p[len] == '}' : !is_word_char(p[len])))
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

/* Without comments (what stands behind the expression would be lost in them), with one way to write the window. */
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

/* --- sums of selectors: without a window -------------------------------------------------------------------------- */

struct sum {			/* an expression being taken apart and put together again */
	const struct promql_tokens *t;
	bool is_counter;
	struct {
		size_t first, end;	/* tokens */
		bool is_minus;
	} parts[PARTS_MAX];
	size_t n_parts;
	struct err *err;
};

static bool
is_aggregation(const struct promql_token *t)
{
	static const char *const names[] = { "sum", "min", "max", "avg", "count", "group", "stddev", "stdvar", "topk", "bottomk",
	    "count_values", "quantile", "limitk", "limit_ratio" };

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (promql_is_word(t, names[i]))
			return true;
	return false;
}

static bool
is_grouping(const struct promql_token *t)
{
	return promql_is_word(t, "by") || promql_is_word(t, "without");
}

/* What may stand around a selector, so that the same around its increase means the increase. */
static bool
is_linear(const struct promql_token *t)
{
	static const char *const names[] = { "sum", "min", "max", "avg", "label_replace", "label_join", "vector", "scalar", "sort",
	    "sort_desc", "histogram_count", "histogram_sum" };

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (promql_is_word(t, names[i]))
			return true;
	return false;
}

static int
refuse(const struct sum *s, const struct promql_token *t, const char *what)
{
	char shown[64], text[48];

	snprintf(text, sizeof text, "%.*s", t->len < sizeof text ? (int)t->len : (int)sizeof text - 1, t->at);
	return err_set(s->err, ERR_INVALID, "'%s' %s: " ADVICE, str_escape_to(shown, sizeof shown, text), what);
}

/* The inside of "sum(...)" and "sum by (x) (...)", and of brackets: adding up is done at the end anyway. */
static void
strip_sum(const struct promql_tokens *t, size_t *first, size_t *end)
{
	for (;;) {
		size_t at = *first + 1, stop = *end;

		promql_unbracket(t, first, end);
		if (stop != *end)
			continue;
		if (at >= *end || !promql_is_word(&t->v[*first], "sum"))
			return;
		if (is_grouping(&t->v[at]) && t->v[at + 1].kind == PROMQL_OPEN)
			at = promql_after(t, at + 1);
		if (t->v[at].kind != PROMQL_OPEN)
			return;
		stop = t->v[at].close;
		if (stop + 1 < *end) {		/* "sum(...) by (x)" */
			if (!is_grouping(&t->v[stop + 1]) || t->v[stop + 2].kind != PROMQL_OPEN || promql_after(t, stop + 2) != *end)
				return;
		}
		*first = at + 1;
		*end = stop;
	}
}

/* Index of the last + or - that adds at the top level, 0: none does. */
static size_t
find_addition(const struct promql_tokens *t, size_t first, size_t end)
{
	size_t found = 0;

	for (size_t i = first; i < end; i = promql_after(t, i)) {
		const struct promql_token *tok = &t->v[i];

		if (tok->kind == PROMQL_COMMA || promql_is_loose(tok))
			return 0;
		if (i == first || tok->kind != PROMQL_OPERATOR || (*tok->at != '+' && *tok->at != '-'))
			continue;
		if (t->v[i - 1].kind != PROMQL_OPERATOR && !promql_is_word(&t->v[i - 1], "offset"))
			found = i;
	}
	return found;
}

/* Sums and differences become parts: each is added up by itself, for their labels need not fit together. */
static int
split(struct sum *s, size_t first, size_t end, bool is_minus)
{
	size_t at;
	int r;

	strip_sum(s->t, &first, &end);
	at = find_addition(s->t, first, end);
	if (at != 0) {
		r = split(s, first, at, is_minus);
		return r < 0 ? r : split(s, at + 1, end, is_minus != (*s->t->v[at].at == '-'));
	}
	if (first >= end)
		return err_set(s->err, ERR_INVALID, "a part of the expression is empty");
	if (s->n_parts == PARTS_MAX)
		return err_set(s->err, ERR_LIMIT, "more than %d sums in one expression: record their sum by a rule and name that", PARTS_MAX);
	s->parts[s->n_parts].first = first;
	s->parts[s->n_parts].end = end;
	s->parts[s->n_parts++].is_minus = is_minus;
	return 0;
}

/* Index behind the modifiers "offset 5m" and "@ 1234" at i. */
static size_t
skip_modifiers(const struct promql_tokens *t, size_t i)
{
	for (;;) {
		bool is_at = promql_is(&t->v[i], PROMQL_OPERATOR, "@");

		if (!is_at && !promql_is_word(&t->v[i], "offset"))
			return i;
		i++;
		if (promql_is(&t->v[i], PROMQL_OPERATOR, "-"))
			i++;
		if (i < t->n)
			i++;
		if (is_at && i < t->n && t->v[i].kind == PROMQL_OPEN)	/* @ end() */
			i = promql_after(t, i);
	}
}

static void
write_text(struct buf *out, const struct promql_tokens *t, size_t first, size_t end)
{
	size_t len;
	const char *text = promql_text(t, first, end, &len);

	buf_add(out, text, len);
}

/* A selector at token i, with increase() around it; returns the index behind. */
static size_t
write_selector(const struct sum *s, struct buf *out, size_t i)
{
	size_t end = s->t->v[i].kind == PROMQL_WORD && s->t->v[i + 1].kind == PROMQL_BRACES ? i + 2 : i + 1;
	size_t after = skip_modifiers(s->t, end);

	buf_addstr(out, s->is_counter ? "increase(" : "sum_over_time(");
	write_text(out, s->t, i, end);
	buf_addstr(out, s->is_counter ? "[" WINDOW "]" : "[${less}]");
	if (after > end) {
		buf_addch(out, ' ');
		write_text(out, s->t, end, after);
	}
	buf_addch(out, ')');
	return after;
}

/* A word that is no selector: 0 fine, else refused. */
static int
check_word(const struct sum *s, const struct promql_token *t)
{
	if (promql_is_word(t, "or") || is_grouping(t))
		return 0;
	if (promql_is_word(t, "and") || promql_is_word(t, "unless") || promql_is_word(t, "bool") || promql_is_word(t, "on") ||
	    promql_is_word(t, "ignoring") || promql_is_word(t, "group_left") || promql_is_word(t, "group_right"))
		return refuse(s, t, "between counters does not say which of them counts events");
	return is_linear(t) ? 0 : refuse(s, t, "around a counter is no number of events");
}

static bool
is_keyword(const struct promql_token *t)
{
	static const char *const names[] = { "and", "or", "unless", "bool", "on", "ignoring", "group_left", "group_right", "by", "without",
	    "inf", "nan" };

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (promql_is_word(t, names[i]))
			return true;
	return false;
}

static bool
is_selector(const struct promql_tokens *t, size_t i)
{
	const struct promql_token *next = &t->v[i + 1];

	if (t->v[i].kind == PROMQL_BRACES)
		return true;
	if (t->v[i].kind != PROMQL_WORD || is_keyword(&t->v[i]) || next->kind == PROMQL_OPEN)
		return false;
	return !is_aggregation(&t->v[i]) || !is_grouping(next);
}

static int
write_part(const struct sum *s, struct buf *out, size_t first, size_t end)
{
	const struct promql_token *product = NULL;
	const char *at = s->t->v[first].at;
	size_t n_selectors = 0, i = first;
	int r;

	while (i < end) {
		const struct promql_token *t = &s->t->v[i];

		if (is_selector(s->t, i)) {
			buf_add(out, at, (size_t)(t->at - at));
			i = write_selector(s, out, i);
			at = s->t->v[i - 1].at + s->t->v[i - 1].len;
			n_selectors++;
			continue;
		}
		if (t->kind == PROMQL_OPERATOR && (*t->at == '*' || *t->at == '/'))
			product = t;
		else if (t->kind == PROMQL_OPERATOR && *t->at != '+' && *t->at != '-')
			return refuse(s, t, "between counters is no number of events");
		if (t->kind == PROMQL_WORD && !promql_is_word(t, "inf") && !promql_is_word(t, "nan")) {
			r = check_word(s, t);
			if (r < 0)
				return r;
		}
		/* Names of labels look like selectors. */
		i = t->kind == PROMQL_WORD && is_grouping(t) ? promql_after(s->t, i + 1) : i + 1;
	}
	if (n_selectors == 0)
		return refuse(s, &s->t->v[first], "selects no counter");
	if (product != NULL && n_selectors > 1)
		return refuse(s, product, "between counters is no number of events");
	buf_add(out, at, (size_t)(s->t->v[end - 1].at + s->t->v[end - 1].len - at));
	return 0;
}

static int
write_sum_of(const struct sum *s, struct buf *out, size_t part)
{
	int r;

	buf_addstr(out, "sum(");
	r = write_part(s, out, s->parts[part].first, s->parts[part].end);
	buf_addch(out, ')');
	return r;
}

/* What is added. One of several that has no series (no such error happened yet) must not hide the others, as "+" would. */
static int
write_plus(const struct sum *s, struct buf *out, size_t n_plus)
{
	size_t n = 0;
	int r = 0;

	if (n_plus > 1)
		buf_addstr(out, "sum(");
	for (size_t i = 0; i < s->n_parts && r == 0; i++) {
		if (s->parts[i].is_minus)
			continue;
		if (n_plus > 1)
			buf_printf(out, "%slabel_replace(", n > 0 ? " or " : "");
		r = write_sum_of(s, out, i);
		if (n_plus > 1)
			buf_printf(out, ", \"part\", \"%zu\", \"\", \"\")", ++n);
	}
	if (n_plus > 1)
		buf_addch(out, ')');
	return r;
}

static int
write_sum(const struct sum *s, struct buf *out)
{
	size_t n_minus = 0;
	int r;

	for (size_t i = 0; i < s->n_parts; i++)
		n_minus += s->parts[i].is_minus;
	if (n_minus == s->n_parts)
		return err_set(s->err, ERR_INVALID, "the expression is only subtracted from: begin with what is counted");
	if (n_minus > 0)
		buf_addch(out, '(');
	r = write_plus(s, out, s->n_parts - n_minus);
	for (size_t i = 0; i < s->n_parts && r == 0; i++) {
		if (!s->parts[i].is_minus)
			continue;
		buf_addstr(out, " - (");
		r = write_sum_of(s, out, i);
		buf_addstr(out, " or vector(0))");
	}
	if (n_minus > 0)
		buf_addch(out, ')');
	return r;
}

/* --- with a window ------------------------------------------------------------------------------------------------ */

/* Is there a range of ${window} in the brackets that open at token i? */
static bool
is_over_window(const struct promql_tokens *t, size_t i)
{
	for (size_t end = t->v[i].close; i < end; i++)
		if (t->v[i].kind == PROMQL_RANGE && memmem(t->v[i].at, t->v[i].len, WINDOW, strlen(WINDOW)) != NULL)
			return true;
	return false;
}

/* rate(X[W]) times the seconds of W is increase(X[W]) (promql/functions.go: one function does both). Where something is compared, the rates must stay rates
 * and the whole is multiplied. */
static void
write_windowed(const struct promql_tokens *t, struct buf *out)
{
	size_t first = 0, end = t->n;
	bool is_compared = false, is_per_second = false;
	const char *at;

	strip_sum(t, &first, &end);
	for (size_t i = first; i < end; i++) {
		bool is_call = t->v[i].kind == PROMQL_WORD && t->v[i + 1].kind == PROMQL_OPEN;

		is_compared |= t->v[i].kind == PROMQL_OPERATOR && promql_is_loose(&t->v[i]);
		is_per_second |= is_call && is_over_window(t, i + 1) &&
		    (promql_is(&t->v[i], PROMQL_WORD, "rate") || promql_is(&t->v[i], PROMQL_WORD, "irate"));
	}
	buf_addstr(out, is_compared && is_per_second ? "sum((" : "sum(");
	at = t->v[first].at;
	for (size_t i = first; i < end && is_per_second && !is_compared; i++) {
		bool is_rate = promql_is(&t->v[i], PROMQL_WORD, "rate"), is_irate = promql_is(&t->v[i], PROMQL_WORD, "irate");

		if ((!is_rate && !is_irate) || t->v[i + 1].kind != PROMQL_OPEN || !is_over_window(t, i + 1))
			continue;
		buf_add(out, at, (size_t)(t->v[i].at - at));
		if (is_rate) {
			buf_addstr(out, "increase");
			at = t->v[i].at + t->v[i].len;
			continue;
		}
		buf_addch(out, '(');
		write_text(out, t, i, promql_after(t, i + 1));
		buf_addstr(out, " * ${seconds})");
		i = t->v[i + 1].close;
		at = t->v[i].at + t->v[i].len;
	}
	buf_add(out, at, (size_t)(t->v[end - 1].at + t->v[end - 1].len - at));
	buf_addstr(out, is_compared && is_per_second ? ") * ${seconds})" : ")");
}

/* --- a number of events ------------------------------------------------------------------------------------------- */

static int
write_events(const struct promql_tokens *t, bool is_counter, struct buf *out, struct err *err)
{
	struct sum s = { .t = t, .is_counter = is_counter, .err = err };
	int r;

	for (size_t i = 0; i < t->n; i++)
		if (t->v[i].kind == PROMQL_RANGE)
			return err_set(err, ERR_INVALID,
			    "has a range but no ${window}: write ${window} in its place, such as rate(NAME[${window}]), or name the counter alone");
	r = split(&s, 0, t->n, false);
	return r < 0 ? r : write_sum(&s, out);
}

static int
scan_text(const char *text, struct buf *ret_clean, struct promql_tokens *ret, struct err *err)
{
	int r;

	buf_init(ret_clean, SLO_TEMPLATE_MAX);
	*ret = (struct promql_tokens){ 0 };
	normalise(ret_clean, text);
	if (ret_clean->is_over)
		return err_set(err, ERR_LIMIT, "is longer than %d bytes: record it by a rule and name that", SLO_TEMPLATE_MAX);
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
		write_windowed(&t, out);
	else if (r == 0)
		r = write_events(&t, def->is_counter, out, err);
	if (r == 0 && out->is_over)
		r = err_set(err, ERR_LIMIT, "becomes longer than %d bytes: record it by a rule and name that", SLO_TEMPLATE_MAX);
	promql_tokens_done(&t);
	buf_done(&clean);
	return r;
}

/* --- values that are looked at ------------------------------------------------------------------------------------ */

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
		r = err_set(err, ERR_LIMIT, "becomes longer than %d bytes: record it by a rule and name that", SLO_TEMPLATE_MAX);
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
	buf_printf(out, "sum(%s(%s[${less}:${step:%lld}]))", function, expr, (long long)(step_ns / NS_PER_MS));
}

/* --- the ratio of one slice --------------------------------------------------------------------------------------- */

static int
write_slice_of_events(const struct slo_def *def, struct buf *out, struct err *err)
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
	/* No event, no slice; and errors that never happened yet have no series. */
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

/* --- templates ---------------------------------------------------------------------------------------------------- */

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

/* A ratio of two sums over ${window} is better added up by its sides: then traffic weighs. true: done. */
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
		is_done = strstr(a.data, WINDOW) != NULL && strstr(b.data, WINDOW) != NULL && make_ratio(&sides, ret, NULL) == 0;
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

static int
make_slices(const struct slo_def *def, struct templates *ret, struct err *err)
{
	struct buf ratio, good;
	int r;

	if (def->slice_ns < NS_PER_MS)
		return err_set(err, ERR_INVALID, "the method %s needs the length of a slice", slo_method_name(def->method));
	buf_init(&ratio, SLO_TEMPLATE_MAX);
	buf_init(&good, SLO_TEMPLATE_MAX);
	r = def->sli == SLI_RATIO ? write_slice_of_events(def, &ratio, err) : write_slice_of_values(def, &ratio, err);
	ret->is_good = is_slice_good_ratio(def);
	if (def->method == SLO_TIMESLICES) {
		buf_printf(&good, ret->is_good ? "(%s >= bool " : "((1 - %s) >= bool ", ratio.data);
		write_number(&good, def->slice_target);
		buf_addch(&good, ')');
		ret->is_good = true;
	}
	write_over_time(&ret->first, "sum_over_time", good.len > 0 ? good.data : ratio.data, def->slice_ns);
	write_over_time(&ret->total, "count_over_time", ratio.data, def->slice_ns);
	carry_over(&ret->first, &good);
	carry_over(&ret->total, &ratio);
	buf_done(&ratio);
	buf_done(&good);
	return r;
}

static int
check_def(const struct slo_def *def, struct err *err)
{
	if (def->sli == SLI_RATIO && (def->total == NULL || (def->good == NULL) == (def->bad == NULL)))
		return err_set(err, ERR_INVALID, "a ratio needs total, and one of good and bad");
	if (def->sli != SLI_RATIO && def->raw == NULL)
		return err_set(err, ERR_INVALID, "there is no expression to look at");
	if (def->sli == SLI_THRESHOLD && !isfinite(def->threshold))
		return err_set(err, ERR_INVALID, "the threshold is no number");
	if (def->method == SLO_TIMESLICES && !isfinite(def->slice_target))
		return err_set(err, ERR_INVALID, "the method Timeslices needs a target for a slice");
	return 0;
}

int
slo_terms_direct(const struct slo_def *def, struct arena *arena, struct slo_terms *ret, struct err *err)
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
		r = err_set(err, ERR_LIMIT, "the expressions become longer than %d bytes: record them by rules and name those", SLO_TEMPLATE_MAX);
	if (r == 0)
		*ret = (struct slo_terms){ .first = arena_strdup(arena, t.first.data), .is_good = t.is_good,
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
	buf_printf(&out, "sum(sum_over_time(slo:%s:increase%s{slo=", what, promql_duration(every, def->recorded_ns));
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
