#include "config.h"

#include "insight/promql_sum.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"

enum { PARTS_MAX = 32 };
#define WINDOW "${window}"
#define ADVICE "write the sum over the window yourself, such as sum(increase(NAME[${window}]))"

/* --- sums of selectors: without a window ------------------------------------------------------ */

struct sum {			/* an expression being taken apart and put together again */
	const struct promql_tokens *t;
	bool is_windowed;	/* ${window} is in it: parts stand as they are */
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
	static const char *const names[] = { "sum", "min", "max", "avg", "count", "group", "stddev",
		"stdvar", "topk", "bottomk", "count_values", "quantile", "limitk", "limit_ratio" };

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
	static const char *const names[] = { "sum", "min", "max", "avg", "label_replace",
		"label_join", "vector", "scalar", "sort", "sort_desc", "histogram_count",
		"histogram_sum" };

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (promql_is_word(t, names[i]))
			return true;
	return false;
}

static int
refuse(const struct sum *s, const struct promql_token *t, const char *what)
{
	char shown[64], text[48];

	snprintf(text, sizeof text, "%.*s",
	    t->len < sizeof text ? (int)t->len : (int)sizeof text - 1, t->at);
	return err_set(s->err, ERR_INVALID, "'%s' %s: " ADVICE,
	    str_escape_to(shown, sizeof shown, text), what);
}

/*
 * The inside of "sum(...)" and "sum by (x) (...)", and of brackets: adding up is done at the end
 * anyway.
 */
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
			if (!is_grouping(&t->v[stop + 1]) || t->v[stop + 2].kind != PROMQL_OPEN ||
			    promql_after(t, stop + 2) != *end)
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
		if (i == first || tok->kind != PROMQL_OPERATOR ||
		    (*tok->at != '+' && *tok->at != '-'))
			continue;
		if (t->v[i - 1].kind != PROMQL_OPERATOR && !promql_is_word(&t->v[i - 1], "offset"))
			found = i;
	}
	return found;
}

/*
 * Sums and differences become parts: each is added up by itself, for their labels need not fit
 * together.
 */
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
		return err_set(s->err, ERR_LIMIT,
		    "more than %d sums in one expression: record their sum by a rule and name that",
		    PARTS_MAX);
	s->parts[s->n_parts].first = first;
	s->parts[s->n_parts].end = end;
	s->parts[s->n_parts++].is_minus = is_minus;
	return 0;
}

/* Index behind the modifiers "offset 5m" and "@ 1234" at i, not behind end. */
static size_t
skip_modifiers(const struct promql_tokens *t, size_t i, size_t end)
{
	while (i < end) {
		bool is_at = promql_is(&t->v[i], PROMQL_OPERATOR, "@");

		if (!is_at && !promql_is_word(&t->v[i], "offset"))
			break;
		i++;
		if (i < end && promql_is(&t->v[i], PROMQL_OPERATOR, "-"))
			i++;
		if (i < end)
			i++;
		if (is_at && i < end && t->v[i].kind == PROMQL_OPEN)	/* @ end() */
			i = promql_after(t, i);
	}
	return i;
}

static void
write_text(struct buf *out, const struct promql_tokens *t, size_t first, size_t end)
{
	size_t len;
	const char *text = promql_text(t, first, end, &len);

	buf_add(out, text, len);
}

/* A selector at token i of a part, with increase() around it; returns the index behind. */
static size_t
write_selector(const struct sum *s, struct buf *out, size_t i, size_t part_end)
{
	size_t end = s->t->v[i].kind == PROMQL_WORD && s->t->v[i + 1].kind == PROMQL_BRACES ?
	    i + 2 :
	    i + 1;
	size_t after = skip_modifiers(s->t, end, part_end);

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
	if (promql_is_word(t, "and") || promql_is_word(t, "unless") || promql_is_word(t, "bool") ||
	    promql_is_word(t, "on") || promql_is_word(t, "ignoring") ||
	    promql_is_word(t, "group_left") || promql_is_word(t, "group_right"))
		return refuse(s, t, "between counters does not say which of them counts events");
	return is_linear(t) ? 0 : refuse(s, t, "around a counter is no number of events");
}

static bool
is_keyword(const struct promql_token *t)
{
	static const char *const names[] = { "and", "or", "unless", "bool", "on", "ignoring",
		"group_left", "group_right", "by", "without", "inf", "nan" };

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
			i = write_selector(s, out, i, end);
			at = s->t->v[i - 1].at + s->t->v[i - 1].len;
			n_selectors++;
			continue;
		}
		if (t->kind == PROMQL_OPERATOR && (*t->at == '*' || *t->at == '/'))
			product = t;
		else if (t->kind == PROMQL_OPERATOR && *t->at != '+' && *t->at != '-')
			return refuse(s, t, "between counters is no number of events");
		if (t->kind == PROMQL_WORD && !promql_is_word(t, "inf") &&
		    !promql_is_word(t, "nan")) {
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

/* --- a part with a window in it --------------------------------------------------------------- */

/* Is there a range of ${window} between two tokens? */
static bool
is_over_window(const struct promql_tokens *t, size_t i, size_t end)
{
	for (; i < end; i++)
		if (t->v[i].kind == PROMQL_RANGE &&
		    memmem(t->v[i].at, t->v[i].len, WINDOW, strlen(WINDOW)) != NULL)
			return true;
	return false;
}

/* Is there a call of a function over ${window} at token i? */
static bool
is_call_over_window(const struct promql_tokens *t, size_t i, const char *function)
{
	return promql_is(&t->v[i], PROMQL_WORD, function) && t->v[i + 1].kind == PROMQL_OPEN &&
	    is_over_window(t, i + 1, t->v[i + 1].close);
}

/* Rates over ${window} as numbers of events. */
static void
write_rates(const struct promql_tokens *t, struct buf *out, size_t first, size_t end)
{
	const char *at = t->v[first].at;

	for (size_t i = first; i < end; i++) {
		bool is_rate = is_call_over_window(t, i, "rate");

		if (!is_rate && !is_call_over_window(t, i, "irate"))
			continue;
		buf_add(out, at, (size_t)(t->v[i].at - at));
		if (is_rate) {
			buf_addstr(out, "increase");
		} else {
			buf_addch(out, '(');
			write_text(out, t, i, promql_after(t, i + 1));
			buf_addstr(out, " * ${seconds})");
			i = t->v[i + 1].close;
		}
		at = t->v[i].at + t->v[i].len;
	}
	buf_add(out, at, (size_t)(t->v[end - 1].at + t->v[end - 1].len - at));
}

/*
 * rate(X[W]) times the seconds of W is increase(X[W]) (promql/functions.go: one function does
 * both). Where something is compared, the rates must stay rates and the whole is multiplied.
 */
static void
write_windowed(const struct promql_tokens *t, struct buf *out, size_t first, size_t end)
{
	bool is_compared = false, is_per_second = false;

	for (size_t i = first; i < end; i++) {
		is_compared |= t->v[i].kind == PROMQL_OPERATOR && promql_is_loose(&t->v[i]);
		is_per_second |= is_call_over_window(t, i, "rate") ||
		    is_call_over_window(t, i, "irate");
	}
	if (is_compared && is_per_second)
		buf_addch(out, '(');
	if (is_compared || !is_per_second)
		write_text(out, t, first, end);
	else
		write_rates(t, out, first, end);
	if (is_compared && is_per_second)
		buf_addstr(out, ") * ${seconds}");
}

/* --- parts together --------------------------------------------------------------------------- */

static int
write_sum_of(const struct sum *s, struct buf *out, size_t part)
{
	int r = 0;

	buf_addstr(out, "sum(");
	if (s->is_windowed)
		write_windowed(s->t, out, s->parts[part].first, s->parts[part].end);
	else
		r = write_part(s, out, s->parts[part].first, s->parts[part].end);
	buf_addch(out, ')');
	return r;
}

/*
 * What is added. One of several that has no series (no such error happened yet) must not hide the
 * others, as "+" would.
 */
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
		return err_set(s->err, ERR_INVALID,
		    "the expression is only subtracted from: begin with what is counted");
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

int
promql_sum(const struct promql_tokens *t, bool is_counter, struct buf *out, struct err *err)
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

/*
 * Parts are numbers of events only if each is over the window: "1 - avg_over_time(up[W])" is not a
 * difference of two. Nor is what says how its sides match taken apart.
 */
static bool
are_parts_windowed(const struct sum *s)
{
	for (size_t i = 0; i < s->n_parts; i++) {
		const struct promql_token *t = &s->t->v[s->parts[i].first];

		if (!is_over_window(s->t, s->parts[i].first, s->parts[i].end) ||
		    promql_is_word(t, "on") || promql_is_word(t, "ignoring"))
			return false;
	}
	return true;
}

int
promql_sum_windowed(const struct promql_tokens *t, struct buf *out, struct err *err)
{
	struct sum s = { .t = t, .is_windowed = true, .err = err };
	int r = split(&s, 0, t->n, false);

	if (r < 0)
		return r;
	if (!are_parts_windowed(&s)) {
		s.n_parts = 1;
		s.parts[0].first = 0;
		s.parts[0].end = t->n;
		strip_sum(t, &s.parts[0].first, &s.parts[0].end);
	}
	return write_sum(&s, out);
}
