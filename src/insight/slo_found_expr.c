#include "config.h"

#include "insight/slo_found_expr.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/str.h"
#include "insight/promql_scan.h"
#include "insight/slo_found_value.h"
#include "insight/slo_promql.h"

/* A rule's expression that is longer is none of Sloth's or Pyrra's; templates have to be shorter anyway. */
enum { TEXT_MAX = 2 * SLO_TEMPLATE_MAX, WINDOWS_MAX = 2, WHY_MAX = 160, NAME_SHOWN_MAX = 64 };

/* promql_tokens_done() in either case. */
static bool
scan(const char *text, size_t len, struct promql_tokens *ret)
{
	*ret = (struct promql_tokens){ 0 };
	return len <= TEXT_MAX && promql_scan(text, len, ret, NULL) == 0;
}

/* --- small answers -------------------------------------------------------------------------------------------------------- */

bool
expr_constant(const char *text, double *ret)
{
	struct promql_tokens t;
	size_t i = 0;
	bool r = false;

	if (scan(text, strlen(text), &t)) {
		i += promql_is_word(&t.v[0], "vector");
		r = value_scalar(&t, &i, ret, NULL) && i == t.n;
	}
	promql_tokens_done(&t);
	return r;
}

bool
expr_window(const char *name, size_t len, const char *infix, int64_t *ret_ns, const char **ret_duration)
{
	size_t n = strlen(infix);

	/* The last one: a metric may have the same word in its own name. */
	for (size_t i = len; i-- > n;)
		if (memcmp(name + i - n, infix, n) == 0) {
			*ret_duration = name + i;
			return value_duration(name + i, len - i, ret_ns);
		}
	return false;
}

static const char *
skip_blanks(const char *p, const char *end)
{
	while (p < end && strchr(" \t\r\n", *p) != NULL)
		p++;
	return p;
}

/* The string that stands behind the name p; NULL: it is not compared by "=". */
static const char *
matched(const char *p, const char *end, struct arena *arena)
{
	const char *from;

	p = skip_blanks(p, end);
	if (p == end || *p++ != '=')
		return NULL;
	from = p = skip_blanks(p, end);
	if (p == end || strchr("\"'`", *p) == NULL)
		return NULL;
	for (p++; p < end && *p != *from; p++)
		p += *p == '\\' && *from != '`';
	return p < end ? value_string(from, (size_t)(p + 1 - from), arena) : NULL;
}

/* Among {label matchers}; names stand behind "{" or ",", strings are passed over. */
static const char *
find_matcher(const char *text, size_t len, const char *label, struct arena *arena)
{
	const char *p = text, *end = text + len;
	size_t n = strlen(label);

	while (p < end) {
		bool is_name = *p == '{' || *p == ',';
		char quote = *p++;

		if (quote == '"' || quote == '\'' || quote == '`') {
			while (p < end && *p != quote)
				p += *p == '\\' && quote != '`' ? 2 : 1;
			p++;
		}
		if (!is_name)
			continue;
		p = skip_blanks(p, end);
		if ((size_t)(end - p) > n && memcmp(p, label, n) == 0 && strchr(" \t\r\n=!", p[n]) != NULL && matched(p + n, end, arena) != NULL)
			return matched(p + n, end, arena);
	}
	return NULL;
}

const char *
expr_matcher(const char *text, const char *label, struct arena *arena)
{
	const char *value = NULL;
	struct promql_tokens t;

	if (scan(text, strlen(text), &t))
		for (size_t i = 0; i < t.n && value == NULL; i++)
			if (t.v[i].kind == PROMQL_BRACES)
				value = find_matcher(t.v[i].at, t.v[i].len, label, arena);
	promql_tokens_done(&t);
	return value;
}

const char *
expr_grouping(const char *text, struct arena *arena)
{
	const char *labels = "", *from;
	struct promql_tokens t;
	size_t len;

	if (scan(text, strlen(text), &t))
		for (size_t i = 0; i + 1 < t.n && labels[0] == '\0'; i++)
			if (promql_is_word(&t.v[i], "by") && t.v[i + 1].kind == PROMQL_OPEN) {
				from = promql_text(&t, i + 2, t.v[i + 1].close, &len);
				labels = arena_strndup(arena, from, len);
			}
	promql_tokens_done(&t);
	return labels;
}

/* --- burn rate alerts ----------------------------------------------------------------------------------------------------- */

struct reader {			/* of one alert's expression */
	const char *infix;
	const struct promql_tokens *t;
	size_t i;
	double target;
	size_t n_windows;	/* of the pair at hand */
	int64_t windows[WINDOWS_MAX];
	double threshold;
	size_t n;
	struct expr_burn *v;
};

static bool
is_near(double a, double b)
{
	return fabs(a - b) <= 1e-9 * (fabs(a) + fabs(b));
}

/* The pair at hand is complete. */
static bool
end_pair(struct reader *r)
{
	bool is_swapped = r->n_windows == 2 && r->windows[0] > r->windows[1];

	if (r->n_windows == 0 || r->n == EXPR_BURNS_MAX)
		return false;
	r->v[r->n++] = (struct expr_burn){ .long_ns = r->windows[r->n_windows == 2 && !is_swapped],
		.short_ns = r->n_windows == 2 ? r->windows[is_swapped] : 0, .threshold = r->threshold };
	r->n_windows = 0;
	return true;
}

/* On the name of a burn rate; what follows must be "{...} > THRESHOLD", brackets aside. */
static bool
read_comparison(struct reader *r, int64_t window_ns)
{
	const struct promql_token *v = r->t->v;
	double threshold, rest;

	r->i++;
	r->i += v[r->i].kind == PROMQL_BRACES;
	while (v[r->i].kind == PROMQL_CLOSE)
		r->i++;
	if (!promql_is(&v[r->i], PROMQL_OPERATOR, ">") && !promql_is(&v[r->i], PROMQL_OPERATOR, ">="))
		return false;
	r->i++;
	if (!value_scalar(r->t, &r->i, &threshold, &rest) || threshold <= 0 || r->n_windows == WINDOWS_MAX ||
	    (r->n_windows > 0 && !is_near(threshold, r->threshold)))
		return false;
	if (!isnan(rest))
		r->target = rest;
	r->windows[r->n_windows++] = window_ns;
	r->threshold = threshold;
	return true;
}

/* One step through the expression. */
static bool
read_step(struct reader *r)
{
	const struct promql_token *t = &r->t->v[r->i];
	const char *duration;
	int64_t window_ns;

	if (t->kind == PROMQL_WORD && expr_window(t->at, t->len, r->infix, &window_ns, &duration))
		return read_comparison(r, window_ns);
	r->i++;
	if (promql_is_word(t, "unless"))
		return false;
	return !promql_is_word(t, "or") || end_pair(r);
}

int
expr_burns(const char *text, const char *infix, struct expr_burn *ret, double *ret_target)
{
	struct reader r = { .infix = infix, .target = NAN, .v = ret };
	struct promql_tokens t;
	bool is_read = scan(text, strlen(text), &t);

	r.t = &t;
	while (is_read && r.i < t.n)
		is_read = read_step(&r);
	is_read = is_read && end_pair(&r);
	promql_tokens_done(&t);
	*ret_target = r.target;
	return is_read ? (int)r.n : -1;
}

/* --- indicators ------------------------------------------------------------------------------------------------------------- */

/* fmt has one %s, for the text. */
static const char *
why_about(struct arena *arena, const char *fmt, const char *text, size_t len)
{
	char name[NAME_SHOWN_MAX], why[WHY_MAX];

	snprintf(name, sizeof name, "%.*s", (int)(len < sizeof name ? len : sizeof name - 1), text);
	snprintf(why, sizeof why, fmt, name);
	return arena_strdup(arena, why);
}

/*
 * Functions that keep events countable: what they give for two windows that touch is, added up, what they give for both together (or is that per
 * second). The rest (a quantile, a mean, a maximum) cannot be put together again.
 */
static bool
is_additive(const struct promql_token *t)
{
	static const char *const known[] = { "sum", "rate", "increase", "sum_over_time", "count_over_time", "count", "vector", "histogram_count",
		"histogram_fraction", "by", "without", "and", "or", "unless", "on", "ignoring" };

	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
		if (promql_is_word(t, known[i]))
			return true;
	return false;
}

/* A series whose own name says the window ("correction:ratio5m") has no other. */
static bool
names_window(const struct promql_token *t, const char *duration)
{
	size_t n = strlen(duration);

	return memchr(t->at, ':', t->len) != NULL && t->len > n && memcmp(t->at + t->len - n, duration, n) == 0;
}

static bool
is_range_of(const struct promql_token *t, const char *duration)
{
	return t->len == strlen(duration) + 2 && memcmp(t->at + 1, duration, t->len - 2) == 0;
}

/* Why the token at i keeps the expression from being asked over any window; NULL: it does not. */
static const char *
objection(const struct promql_tokens *t, size_t i, const char *duration, struct arena *arena)
{
	const struct promql_token *tok = &t->v[i];

	if (tok->kind == PROMQL_WORD && t->v[i + 1].kind == PROMQL_OPEN && !is_additive(tok))
		return why_about(arena, "uses %s(), which cannot be added up", tok->at, tok->len);
	if (tok->kind == PROMQL_WORD && names_window(tok, duration))
		return why_about(arena, "reads %s, which has one window only", tok->at, tok->len);
	if (tok->kind == PROMQL_RANGE && !is_range_of(tok, duration))
		return why_about(arena, "has a range that is not [%s]", duration, strlen(duration));
	if (tok->kind == PROMQL_OPERATOR && memchr("/%^@", *tok->at, 4) != NULL)
		return why_about(arena, "has %s within a side of its division", tok->at, tok->len);
	return NULL;
}

/* The fraction of a histogram counts only times its count. */
static bool
is_sum(const struct promql_tokens *t, const char *duration, struct arena *arena, const char **ret_why)
{
	bool has_range = false, has_fraction = false, has_count = false;

	for (size_t i = 0; i < t->n; i++) {
		*ret_why = objection(t, i, duration, arena);
		if (*ret_why != NULL)
			return false;
		has_range |= t->v[i].kind == PROMQL_RANGE;
		has_fraction |= promql_is_word(&t->v[i], "histogram_fraction");
		has_count |= promql_is_word(&t->v[i], "histogram_count");
	}
	*ret_why = has_range ? "uses histogram_fraction(), which cannot be added up" : "has a side without a range";
	return has_range && (!has_fraction || has_count);
}

/* "sum(...)": one value without labels, as a window's sum has to be. */
static bool
is_aggregated(const struct promql_tokens *t)
{
	return promql_is_word(&t->v[0], "sum") && t->n > 1 && t->v[1].kind == PROMQL_OPEN && t->v[1].close + 1 == t->n;
}

static const char *
with_window(const char *text, size_t len, bool is_bare, const char *duration, struct arena *arena)
{
	const char *copy = NULL;
	struct buf b;

	buf_init(&b, SLO_TEMPLATE_MAX);
	buf_addstr(&b, is_bare ? "sum(" : "");
	if (promql_replace_range(&b, text, len, duration, "${window}") > 0) {
		buf_addstr(&b, is_bare ? ")" : "");
		copy = b.is_over ? NULL : arena_strndup(arena, b.data, b.len);
	}
	buf_done(&b);
	return copy;
}

const char *
expr_sum(const char *text, size_t len, const char *duration, struct arena *arena, const char **ret_why)
{
	const char *sum = NULL;
	struct promql_tokens t;

	*ret_why = "could not be read";
	if (scan(text, len, &t) && is_sum(&t, duration, arena, ret_why)) {
		text = promql_text(&t, 0, t.n, &len);
		sum = with_window(text, len, !is_aggregated(&t), duration, arena);
		*ret_why = "is too long";
	}
	promql_tokens_done(&t);
	return sum;
}

/* "1 - REST", brackets around it and around the rest passed over; the text itself when it is not that. */
static const char *
one_less(const struct promql_tokens *t, bool *ret_is_less, size_t *ret_len)
{
	size_t first = 0, end = t->n;

	promql_unbracket(t, &first, &end);
	*ret_is_less = end - first > 2 && promql_is(&t->v[first], PROMQL_NUMBER, "1") && promql_is(&t->v[first + 1], PROMQL_OPERATOR, "-");
	if (*ret_is_less)
		first += 2;
	return promql_text(t, first, end, ret_len);
}

bool
expr_ratio(const char *text, const char *duration, struct arena *arena, struct expr_ratio *ret, const char **ret_why)
{
	struct expr_ratio ratio = { 0 };
	size_t len = 0, a_len, b_len;
	const char *division = NULL, *a, *b;
	struct promql_tokens t;

	if (scan(text, strlen(text), &t) && t.n > 0) {
		division = one_less(&t, &ratio.is_good, &len);
		division = arena_strndup(arena, division, len);
	}
	promql_tokens_done(&t);
	if (division == NULL || !promql_split_division(division, &a, &a_len, &b, &b_len)) {
		*ret_why = division == NULL ? "could not be read" : "is no division of two sums";
		return false;
	}
	ratio.first = expr_sum(a, a_len, duration, arena, ret_why);
	ratio.total = ratio.first == NULL ? NULL : expr_sum(b, b_len, duration, arena, ret_why);
	if (ratio.total == NULL)
		return false;
	*ret = ratio;
	return true;
}
