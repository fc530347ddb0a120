/* Templates filled in, and PromQL taken apart. How an objective becomes templates: slo_terms.c. */
#include "config.h"

#include "insight/slo_promql.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "insight/promql_scan.h"

/* --- durations and strings -------------------------------------------------------------------- */

const char *
promql_duration(char *buf, int64_t ns)
{
	static const struct {
		int64_t ns;
		const char *unit;
	} units[] = { { 24 * NS_PER_HOUR, "d" }, { NS_PER_HOUR, "h" }, { NS_PER_MIN, "m" },
		{ NS_PER_S, "s" } };
	int64_t ms = ns < NS_PER_MS ? 1 : ns / NS_PER_MS;

	for (size_t i = 0; i < sizeof units / sizeof *units; i++)
		if (ms * NS_PER_MS % units[i].ns == 0) {
			snprintf(buf, PROMQL_DURATION_MAX, "%" PRId64 "%s",
			    ms * NS_PER_MS / units[i].ns, units[i].unit);
			return buf;
		}
	snprintf(buf, PROMQL_DURATION_MAX, "%" PRId64 "ms", ms);
	return buf;
}

void
promql_quote(struct buf *out, const char *text)
{
	buf_addch(out, '"');
	for (; *text != '\0'; text++) {
		unsigned char c = (unsigned char)*text;

		if (c == '"' || c == '\\')
			buf_printf(out, "\\%c", c);
		else if (c < 0x20 || c == 0x7f)
			buf_printf(out, "\\x%02x", c);
		else
			buf_addch(out, (char)c);
	}
	buf_addch(out, '"');
}

/* --- filling in ------------------------------------------------------------------------------- */

static void
add_duration(struct buf *out, int64_t ns)
{
	char text[PROMQL_DURATION_MAX];

	buf_addstr(out, promql_duration(text, ns));
}

/* Append what a placeholder (without ${ and }) stands for; false: it is none of ours. */
static bool
add_placeholder(struct buf *out, const char *name, size_t len, int64_t window_ns, bool is_exact)
{
	if (len == 6 && memcmp(name, "window", len) == 0) {
		add_duration(out, window_ns);
	} else if (len == 4 && memcmp(name, "less", len) == 0) {
		add_duration(out, window_ns - NS_PER_MS);
	} else if (len == 7 && memcmp(name, "seconds", len) == 0) {
		buf_printf(out, "%.15g", (double)window_ns / (double)NS_PER_S);
	} else if (len > 5 && memcmp(name, "step:", 5) == 0) {
		int64_t step_ns = strtoll(name + 5, NULL, 10) * NS_PER_MS;

		add_duration(out, is_exact || step_ns < window_ns ? step_ns : window_ns);
	} else {
		return false;
	}
	return true;
}

static void
fill(struct buf *out, const char *template, int64_t window_ns, bool is_exact)
{
	const char *open, *close;

	while ((open = strstr(template, "${")) != NULL && (close = strchr(open, '}')) != NULL) {
		buf_add(out, template, (size_t)(open - template));
		if (!add_placeholder(
			out, open + 2, (size_t)(close - open - 2), window_ns, is_exact))
			buf_add(out, open, (size_t)(close + 1 - open));
		template = close + 1;
	}
	buf_addstr(out, template);
}

void
slo_fill(struct buf *out, const char *template, int64_t window_ns)
{
	fill(out, template, window_ns, false);
}

void
slo_fill_exact(struct buf *out, const char *template, int64_t window_ns, int64_t overlap_ns)
{
	int64_t longer_ns = window_ns + overlap_ns - NS_PER_MS;

	if (overlap_ns <= NS_PER_MS || strstr(template, "${window}") == NULL) {
		fill(out, template, window_ns, true);
		return;
	}
	buf_addch(out, '(');
	fill(out, template, longer_ns, true);
	buf_printf(out, ") * %.15g", (double)window_ns / (double)longer_ns);
}

void
slo_ratio_expr(struct buf *out, const struct slo_terms *terms, int64_t window_ns)
{
	if (terms->is_good)
		buf_addstr(out, "1 - ");
	slo_fill(out, terms->first, window_ns);
	buf_addstr(out, " / ");
	slo_fill(out, terms->total, window_ns);
}

/* --- taking apart ----------------------------------------------------------------------------- */

/*
 * Index of the only division of [first, end) at its top level when nothing there binds as loosely
 * or more so, else 0.
 */
static size_t
find_division(const struct promql_tokens *t, size_t first, size_t end)
{
	size_t found = 0;

	for (size_t i = first; i < end; i = promql_after(t, i)) {
		const struct promql_token *tok = &t->v[i];

		if (tok->kind == PROMQL_COMMA || promql_is_loose(tok))
			return 0;
		if (tok->kind != PROMQL_OPERATOR || *tok->at == '^' || *tok->at == '@')
			continue;
		/* A sign behind a modifier is not an operation: "x offset -5m". */
		if (*tok->at == '-' && i > first && promql_is_word(&t->v[i - 1], "offset"))
			continue;
		if (*tok->at != '/' || found != 0)
			return 0;
		found = i;
	}
	return found > first && found + 1 < end ? found : 0;
}

static bool
has_matching(const struct promql_token *t)
{
	return promql_is_word(t, "on") || promql_is_word(t, "ignoring") ||
	    promql_is_word(t, "group_left") || promql_is_word(t, "group_right") ||
	    promql_is_word(t, "bool");
}

static const char *
side(const struct promql_tokens *t, size_t first, size_t end, size_t *ret_len)
{
	promql_unbracket(t, &first, &end);
	return promql_text(t, first, end, ret_len);
}

bool
promql_split_division(
    const char *text, const char **ret_a, size_t *ret_a_len, const char **ret_b, size_t *ret_b_len)
{
	struct promql_tokens t;
	size_t first = 0, end, at = 0;

	if (promql_scan(text, strlen(text), &t, NULL) == 0) {
		end = t.n;
		promql_unbracket(&t, &first, &end);
		at = find_division(&t, first, end);
	}
	if (at != 0 && has_matching(&t.v[at + 1]))
		at = 0;
	if (at != 0) {
		*ret_a = side(&t, first, at, ret_a_len);
		*ret_b = side(&t, at + 1, end, ret_b_len);
	}
	promql_tokens_done(&t);
	return at != 0 && *ret_a_len > 0 && *ret_b_len > 0;
}

/* Is it "[duration]", blanks inside passed over? */
static bool
is_range_of(const struct promql_token *t, const char *duration)
{
	const char *from = t->at + 1, *to = t->at + t->len - 1;

	if (t->kind != PROMQL_RANGE)
		return false;
	while (from < to && (*from == ' ' || *from == '\t'))
		from++;
	while (to > from && (to[-1] == ' ' || to[-1] == '\t'))
		to--;
	return (size_t)(to - from) == strlen(duration) &&
	    memcmp(from, duration, (size_t)(to - from)) == 0;
}

unsigned
promql_replace_range(struct buf *out, const char *text, size_t len, const char *old_duration,
    const char *new_duration)
{
	const char *at = text;
	struct promql_tokens t;
	unsigned n = 0;

	if (promql_scan(text, len, &t, NULL) == 0)
		for (size_t i = 0; i < t.n; i++) {
			if (!is_range_of(&t.v[i], old_duration))
				continue;
			buf_add(out, at, (size_t)(t.v[i].at - at));
			buf_printf(out, "[%s]", new_duration);
			at = t.v[i].at + t.v[i].len;
			n++;
		}
	buf_add(out, at, (size_t)(text + len - at));
	promql_tokens_done(&t);
	return n;
}
