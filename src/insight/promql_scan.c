#include "config.h"

#include "insight/promql_scan.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/str.h"
#include "base/xalloc.h"

enum { DEPTH_MAX = 256 };

struct scanner {
	const char *at, *end;
	struct promql_tokens *out;
	size_t cap;
	size_t open[DEPTH_MAX];		/* brackets that wait to be closed */
	size_t depth;
};

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
is_word_start(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == ':';
}

static bool
is_word(char c)
{
	return is_word_start(c) || is_digit(c) || c == '.';
}

/* Behind the string that begins at s; NULL: it does not end. */
static const char *
skip_string(const char *s, const char *end)
{
	char quote = *s;

	for (s++; s < end; s++) {
		if (*s == quote)
			return s + 1;
		if (*s == '\\' && quote != '`' && s + 1 < end)
			s++;
	}
	return NULL;
}

static const char *
skip_comment(const char *s, const char *end)
{
	while (s < end && *s != '\n')
		s++;
	return s;
}

/*
 * Behind the closing one of a pair that does not nest, strings and comments inside passed over;
 * NULL: it does not end.
 */
static const char *
skip_to(const char *s, const char *end, char close)
{
	while (s != NULL && s < end) {
		if (*s == close)
			return s + 1;
		if (*s == '"' || *s == '\'' || *s == '`')
			s = skip_string(s, end);
		else if (*s == '#')
			s = skip_comment(s, end);
		else if (s[0] == '$' && s + 1 < end && s[1] == '{')
			s = skip_to(s + 2, end, '}');
		else
			s++;
	}
	return NULL;
}

static const char *
skip_number(const char *s, const char *end)
{
	bool is_hex = end - s > 1 && s[0] == '0' && (s[1] == 'x' || s[1] == 'X');

	for (s++; s < end; s++) {
		bool is_exponent = !is_hex && (*s == '+' || *s == '-') &&
		    (s[-1] == 'e' || s[-1] == 'E');

		if (!is_word(*s) && !is_exponent)
			break;
	}
	return s;
}

static size_t
operator_len(const char *s, const char *end)
{
	static const char *const two[] = { "==", "!=", "<=", ">=", "=~", "!~" };

	for (size_t i = 0; i < sizeof two / sizeof *two; i++)
		if (end - s >= 2 && memcmp(s, two[i], 2) == 0)
			return 2;
	return memchr("+-*/%^<>@", *s, 9) != NULL ? 1 : 0;
}

static struct promql_token *
add(struct scanner *s, enum promql_kind kind, const char *end)
{
	struct promql_token *t;

	if (s->out->n + 1 >= s->cap) {
		s->cap = s->cap == 0 ? 32 : s->cap * 2;
		s->out->v = xreallocarray(s->out->v, s->cap, sizeof *s->out->v);
	}
	t = &s->out->v[s->out->n++];
	*t = (struct promql_token){ .kind = kind, .at = s->at, .len = (size_t)(end - s->at) };
	s->at = end;
	return t;
}

static int
not_closed(const struct scanner *s, const char *what, struct err *err)
{
	char shown[48];
	struct buf text;
	int r;

	buf_init(&text, 256);
	buf_add(&text, s->at, s->end - s->at < 200 ? (size_t)(s->end - s->at) : 200);
	r = err_set(err, ERR_INVALID, "%s is not closed: %s", what,
	    str_escape_to(shown, sizeof shown, text.data));
	buf_done(&text);
	return r;
}

/* What ends with a certain byte: end is NULL when it does not. */
static int
add_closed(
    struct scanner *s, enum promql_kind kind, const char *end, const char *what, struct err *err)
{
	if (end == NULL)
		return not_closed(s, what, err);
	add(s, kind, end);
	return 0;
}

static int
scan_bracket(struct scanner *s, struct err *err)
{
	if (*s->at == '(') {
		if (s->depth == DEPTH_MAX)
			return err_set(
			    err, ERR_LIMIT, "more than %d brackets in one another", DEPTH_MAX);
		s->open[s->depth++] = s->out->n;
		add(s, PROMQL_OPEN, s->at + 1);
		return 0;
	}
	if (s->depth == 0)
		return err_set(err, ERR_INVALID, "a bracket ')' closes nothing");
	s->out->v[s->open[--s->depth]].close = s->out->n;
	add(s, PROMQL_CLOSE, s->at + 1);
	return 0;
}

static int
scan_one(struct scanner *s, struct err *err)
{
	const char *at = s->at;
	char shown[16], text[2] = { *at, '\0' };

	if (*at == '"' || *at == '\'' || *at == '`')
		return add_closed(s, PROMQL_STRING, skip_string(at, s->end), "a string", err);
	if (*at == '{')
		return add_closed(
		    s, PROMQL_BRACES, skip_to(at + 1, s->end, '}'), "a brace '{'", err);
	if (*at == '[')
		return add_closed(
		    s, PROMQL_RANGE, skip_to(at + 1, s->end, ']'), "a range '['", err);
	if (at[0] == '$' && s->end - at > 1 && at[1] == '{')
		return add_closed(
		    s, PROMQL_NUMBER, skip_to(at + 2, s->end, '}'), "a placeholder '${'", err);
	if (*at == '(' || *at == ')')
		return scan_bracket(s, err);
	if (is_word_start(*at)) {
		while (at < s->end && is_word(*at))
			at++;
		add(s, PROMQL_WORD, at);
	} else if (is_digit(*at) || *at == '.') {
		add(s, PROMQL_NUMBER, skip_number(at, s->end));
	} else if (*at == ',') {
		add(s, PROMQL_COMMA, at + 1);
	} else if (operator_len(at, s->end) > 0) {
		add(s, PROMQL_OPERATOR, at + operator_len(at, s->end));
	} else {
		return err_set(err, ERR_INVALID, "'%s' has no meaning in PromQL there",
		    str_escape_to(shown, sizeof shown, text));
	}
	return 0;
}

int
promql_scan(const char *text, size_t len, struct promql_tokens *ret, struct err *err)
{
	struct scanner s = { .at = text, .end = text + len, .out = ret };
	int r = 0;

	*ret = (struct promql_tokens){ 0 };
	while (r == 0 && s.at < s.end) {
		if (strchr(" \t\r\n", *s.at) != NULL && *s.at != '\0')
			s.at++;
		else if (*s.at == '#')
			s.at = skip_comment(s.at, s.end);
		else
			r = scan_one(&s, err);
	}
	if (r == 0 && s.depth > 0) {
		s.at = ret->v[s.open[s.depth - 1]].at;
		r = not_closed(&s, "a bracket '('", err);
	}
	add(&s, PROMQL_END, s.at);
	ret->n--;
	return r;
}

void
promql_tokens_done(struct promql_tokens *t)
{
	free(t->v);
	*t = (struct promql_tokens){ 0 };
}

bool
promql_is(const struct promql_token *t, enum promql_kind kind, const char *text)
{
	return t->kind == kind && t->len == strlen(text) && memcmp(t->at, text, t->len) == 0;
}

bool
promql_is_word(const struct promql_token *t, const char *word)
{
	return t->kind == PROMQL_WORD && t->len == strlen(word) &&
	    strncasecmp(t->at, word, t->len) == 0;
}

bool
promql_is_loose(const struct promql_token *t)
{
	if (t->kind == PROMQL_OPERATOR)
		return memchr("=!<>", *t->at, 4) != NULL;
	return promql_is_word(t, "and") || promql_is_word(t, "or") || promql_is_word(t, "unless");
}

void
promql_unbracket(const struct promql_tokens *t, size_t *first, size_t *end)
{
	while (*end - *first >= 2 && t->v[*first].kind == PROMQL_OPEN &&
	    t->v[*first].close == *end - 1) {
		++*first;
		--*end;
	}
}

size_t
promql_after(const struct promql_tokens *t, size_t i)
{
	return (t->v[i].kind == PROMQL_OPEN ? t->v[i].close : i) + 1;
}

const char *
promql_text(const struct promql_tokens *t, size_t first, size_t end, size_t *ret_len)
{
	const char *from = t->v[first].at;

	*ret_len = first == end ? 0 : (size_t)(t->v[end - 1].at + t->v[end - 1].len - from);
	return from;
}
