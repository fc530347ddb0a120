/* What each place lets in, and how a value is encoded so that it cannot leave it. */
#include "config.h"

#include <stdint.h>
#include <string.h>

#include "base/str.h"
#include "runbook/template_priv.h"

/* ASCII's, whatever the locale says. */
static bool
is_alnum(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* --- PromQL and LogQL ------------------------------------------------------------------------------- */

static bool
is_query_language(enum template_place place)
{
	return place == PLACE_PROMQL || place == PLACE_LOGQL;
}

static void
note_operator(struct scan *s, char c)
{
	s->before[0] = s->is_apart ? '\0' : s->before[1];
	s->before[1] = c;
	s->is_apart = false;
}

/* Is the string that opens here the value of a matcher? Elsewhere strings are templates, patterns and names of
 * labels, which a value could turn into something else. */
static void
open_string(struct scan *s, char quote)
{
	char a = s->before[0], b = s->before[1];
	bool is_selector = s->n_open > 0 && s->open[s->n_open - 1] == '{';
	bool is_equal = b == '=' && (a == '\0' || strchr("=<>|", a) == NULL);
	bool is_regex = b == '~' && (a == '=' || a == '!');

	s->quote = quote;
	s->is_regex = is_regex;
	s->is_matcher = (is_equal || is_regex) && is_selector;
	/* Filters of lines and labels stand behind the selector; label_format x="{{..}}" does so, too. */
	if (s->place == PLACE_LOGQL && !is_selector) {
		s->is_regex = is_regex || (b == '~' && a == '|');
		s->is_matcher = s->is_regex || (b == '=' && (a == '!' || a == '|'));
	}
}

static int
scan_bracket(struct scan *s, char c, struct err *err)
{
	const char *closing = strchr(")]}", c);

	if (closing == NULL) {
		if (s->n_open == BRACKETS_MAX)
			return err_set(err, ERR_LIMIT, "brackets stand more than %d deep",
			    BRACKETS_MAX);
		s->open[s->n_open++] = c;
		return 0;
	}
	if (s->n_open == 0 || s->open[s->n_open - 1] != "([{"[closing - ")]}"])
		return err_set(err, ERR_SYNTAX, "'%c' closes nothing that is open", c);
	s->n_open--;
	return 0;
}

static int
scan_in_string(struct scan *s, char c, struct err *err)
{
	if (s->quote != '`' && c == '\n')
		return err_set(err, ERR_SYNTAX, "the string that begins with %c is not closed on "
		    "its line", s->quote);
	if (s->is_escaped) {
		s->is_escaped = false;
	} else if (c == '\\' && s->quote != '`') {
		s->is_escaped = true;
	} else if (c == s->quote) {
		s->quote = '\0';
		note_operator(s, c);
	}
	return 0;
}

static int
scan_query(struct scan *s, char c, struct err *err)
{
	if (s->is_comment) {
		s->is_comment = c != '\n';
		return 0;
	}
	if (s->quote != '\0')
		return scan_in_string(s, c, err);
	if (c == '#') {
		s->is_comment = true;
		return 0;
	}
	if (strchr("\"'`", c) != NULL) {
		open_string(s, c);
		return 0;
	}
	if (strchr(" \t\r\n", c) != NULL) {
		s->is_apart = true;
		return 0;
	}
	/* An operator begins anew behind what is no operator. */
	if (strchr("=!~<>|", c) == NULL)
		s->is_apart = true;
	note_operator(s, c);
	return strchr("()[]{}", c) != NULL ? scan_bracket(s, c, err) : 0;
}

static int
query_variable(const struct scan *s, enum encoding *ret, struct err *err)
{
	const char *language = s->place == PLACE_PROMQL ? "PromQL" : "LogQL";

	if (s->quote == '\0' || s->is_comment)
		return err_set(err, ERR_INVALID, "a variable stands only inside the \"...\" of a "
		    "matcher in %s, such as job=\"${job}\"", language);
	if (s->quote == '`')
		return err_set(err, ERR_INVALID, "`...` of %s takes no escapes: use \"...\" around a "
		    "variable", language);
	if (!s->is_matcher)
		return err_set(err, ERR_INVALID, "this string of %s is no matcher's value: a "
		    "variable stands only behind = != =~ or !~", language);
	if (s->is_escaped)
		return err_set(err, ERR_INVALID, "a backslash stands right before the variable");
	*ret = s->is_regex ? ENCODE_STRING_REGEX : ENCODE_STRING;
	return 0;
}

/* --- URLs ---------------------------------------------------------------------------------------------- */

static int
scan_url(struct scan *s, char c, struct err *err)
{
	/* RFC 3986: unreserved, reserved but for the fragment, and %HH. */
	static const char marks[] = "-._~:/?[]@!$&'()*+,;=%";

	if (!is_alnum(c) && strchr(marks, c) == NULL)
		return err_set(err, ERR_INVALID, "holds a character that must be written as %%XX");
	s->is_query = s->is_query || c == '?';
	return 0;
}

static size_t
dot_length(const char *p, const char *to)
{
	if (p < to && *p == '.')
		return 1;
	if (to - p >= 3 && p[0] == '%' && p[1] == '2' && (p[2] == 'e' || p[2] == 'E'))
		return 3;
	return 0;
}

int
check_segments(const char *from, const char *to, struct err *err)
{
	const char *end, *p;
	size_t dots;

	p = memchr(from, '?', (size_t)(to - from));
	to = p != NULL ? p : to;
	for (p = from; p < to; p = end + 1) {
		end = memchr(p, '/', (size_t)(to - p));
		end = end != NULL ? end : to;
		dots = 0;
		for (size_t n; (n = dot_length(p, end)) > 0; p += n)
			dots++;
		if (p == end && (dots == 1 || dots == 2))
			return err_set(err, ERR_INVALID, "a part of the path is '%s', which would "
			    "lead elsewhere", dots == 1 ? "." : "..");
	}
	return 0;
}

/* --- JSON as text ---------------------------------------------------------------------------------------- */

static int
scan_json(struct scan *s, char c, struct err *err)
{
	if (s->quote != '\0')
		return scan_in_string(s, c, err);
	if (c == '"')
		s->quote = c;
	return strchr("[]{}", c) != NULL ? scan_bracket(s, c, err) : 0;
}

static int
json_variable(const struct scan *s, enum encoding *ret, struct err *err)
{
	if (s->quote == '\0')
		return err_set(err, ERR_INVALID, "a variable stands only inside a string in JSON, "
		    "such as \"${to}\"");
	if (s->is_escaped)
		return err_set(err, ERR_INVALID, "a backslash stands right before the variable");
	*ret = ENCODE_JSON;
	return 0;
}

/* --- query strings, and matches of a journal ----------------------------------------------------------------- */

/* In a regular expression between slashes a quote is a character like others, so a value beside one could be outside of "...". */
static int
scan_lucene(struct scan *s, char c)
{
	if (s->is_escaped) {
		s->is_escaped = false;
		return 0;
	}
	if (c == '\\') {
		s->is_escaped = true;
		return 0;
	}
	if (c == '/' && s->quote == '\0')
		s->is_pattern = true;
	if (c == '"' && !s->is_pattern)
		s->quote = s->quote == '\0' ? '"' : '\0';
	return 0;
}

static int
lucene_variable(const struct scan *s, enum encoding *ret, struct err *err)
{
	if (s->is_pattern)
		return err_set(err, ERR_INVALID, "a / that may begin a pattern stands before the variable: write \\/ where it is none");
	if (s->quote == '\0')
		return err_set(err, ERR_INVALID, "a variable stands only inside \"...\" in a query string, such as service.name:\"${service}\"");
	if (s->is_escaped)
		return err_set(err, ERR_INVALID, "a backslash stands right before the variable");
	*ret = ENCODE_LUCENE;
	return 0;
}

static int
scan_journal(struct scan *s, char c)
{
	if (c == '"')
		s->quote = s->quote == '\0' ? '"' : '\0';
	else if (c == '=')
		s->is_value = true;
	else if (s->quote == '\0' && strchr(" \t\r\n", c) != NULL)
		s->is_value = false;
	return 0;
}

static int
journal_variable(const struct scan *s, enum encoding *ret, struct err *err)
{
	if (!s->is_value)
		return err_set(err, ERR_INVALID, "a variable stands only in the value of a match, such as _SYSTEMD_UNIT=${service}.service");
	*ret = s->quote == '\0' ? ENCODE_JOURNAL : ENCODE_JOURNAL_QUOTED;
	return 0;
}

/* --- all places --------------------------------------------------------------------------------------------- */

int
scan_byte(struct scan *s, char c, struct err *err)
{
	if (is_query_language(s->place))
		return scan_query(s, c, err);
	if (s->place == PLACE_URL)
		return scan_url(s, c, err);
	if (s->place == PLACE_JSON_TEXT)
		return scan_json(s, c, err);
	if (s->place == PLACE_LUCENE)
		return scan_lucene(s, c);
	if (s->place == PLACE_JOURNAL)
		return scan_journal(s, c);
	if (s->place == PLACE_HEADER && (((unsigned char)c < 0x20 && c != '\t') || c == 0x7f))
		return err_set(err, ERR_INVALID, "holds a control character");
	return 0;
}

int
scan_variable(const struct scan *s, enum encoding *ret, struct err *err)
{
	switch (s->place) {
	case PLACE_PROMQL:
	case PLACE_LOGQL: return query_variable(s, ret, err);
	case PLACE_JSON_TEXT: return json_variable(s, ret, err);
	case PLACE_LUCENE: return lucene_variable(s, ret, err);
	case PLACE_JOURNAL: return journal_variable(s, ret, err);
	case PLACE_URL: *ret = s->is_query ? ENCODE_QUERY : ENCODE_SEGMENT; break;
	case PLACE_FORM: *ret = ENCODE_QUERY; break;
	case PLACE_JSON: *ret = ENCODE_JSON; break;
	case PLACE_HEADER: *ret = ENCODE_HEADER; break;
	case PLACE_TEXT: *ret = ENCODE_SHOWN; break;
	case PLACE_REGEX: *ret = ENCODE_REGEX; break;
	case PLACE_WORD:
	case PLACE_STDIN:
	case PLACE_ENV: *ret = ENCODE_BYTES; break;
	}
	return 0;
}

int
scan_end(const struct scan *s, struct err *err)
{
	if (s->quote != '\0')
		return err_set(err, ERR_SYNTAX, "the string that begins with %c is not closed",
		    s->quote);
	if (s->n_open > 0)
		return err_set(err, ERR_SYNTAX, "'%c' is not closed", s->open[s->n_open - 1]);
	return 0;
}

enum encoding
place_literal(enum template_place place)
{
	/* What is written is already in the language of the place, except inside one string of JSON. */
	return place == PLACE_JSON ? ENCODE_JSON : ENCODE_BYTES;
}

/* --- encoding -------------------------------------------------------------------------------------------------- */

static int
check_utf8(const char *what, const char *value, size_t len, struct err *err)
{
	if (utf8_is_valid(value, len))
		return 0;
	return err_set(err, ERR_INVALID, "the value of %s holds bytes that are not UTF-8", what);
}

static void
add_string_byte(struct buf *b, unsigned char c)
{
	if (c == '\n')
		buf_addstr(b, "\\n");
	else if (c < 0x20 || c == 0x7f || c == '\'')
		/* A \' within "..." is a mistake to both. */
		buf_printf(b, "\\x%02x", c);
	else if (strchr("\\\"", c) != NULL)
		buf_printf(b, "\\%c", c);
	else
		buf_addch(b, (char)c);
}

static bool
is_meta(unsigned char c)
{
	return c != '\0' && strchr("\\.+*?()|[]{}^$", c) != NULL;
}

static void
add_string(struct buf *b, const char *value, size_t len, bool is_regex)
{
	for (size_t i = 0; i < len; i++) {
		if (is_regex && is_meta((unsigned char)value[i]))
			buf_addstr(b, "\\\\");
		add_string_byte(b, (unsigned char)value[i]);
	}
}

static void
add_regex(struct buf *b, const char *value, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (is_meta((unsigned char)value[i]))
			buf_addch(b, '\\');
		buf_addch(b, value[i]);
	}
}

static int
add_url(struct buf *b, const char *what, bool is_segment, const char *value, size_t len,
    struct err *err)
{
	/* "/models//delete" is another request than the one that was meant. */
	if (is_segment && len == 0)
		return err_set(err, ERR_INVALID, "the value of %s is empty: it cannot be a part of "
		    "a path", what);
	for (size_t i = 0; i < len; i++)
		if (is_alnum(value[i]) || strchr("-._~", value[i]) != NULL)
			buf_addch(b, value[i]);
		else
			buf_printf(b, "%%%02X", (unsigned char)value[i]);
	return 0;
}

static int
add_json(struct buf *b, const char *what, const char *value, size_t len, struct err *err)
{
	int r = check_utf8(what, value, len, err);

	for (size_t i = 0; i < len && r == 0; i++) {
		unsigned char c = (unsigned char)value[i];

		if (c == '"' || c == '\\')
			buf_printf(b, "\\%c", c);
		else if (c < 0x20 || c == 0x7f)
			buf_printf(b, "\\u%04x", c);
		else
			buf_addch(b, (char)c);
	}
	return r;
}

static int
add_header(struct buf *b, const char *what, const char *value, size_t len, struct err *err)
{
	for (size_t i = 0; i < len; i++)
		if (((unsigned char)value[i] < 0x20 && value[i] != '\t') || value[i] == 0x7f)
			return err_set(err, ERR_INVALID, "the value of %s holds a control character, "
			    "which no header may have", what);
	buf_add(b, value, len);
	return 0;
}

/* A quoted phrase: a backslash makes any character itself. What is none could end a line where only one is read. */
static int
add_lucene(struct buf *b, const char *what, const char *value, size_t len, struct err *err)
{
	for (size_t i = 0; i < len; i++) {
		if ((unsigned char)value[i] < 0x20 || value[i] == 0x7f)
			return err_set(err, ERR_INVALID, "the value of %s holds a control character, which no query string may have", what);
		if (value[i] == '"' || value[i] == '\\')
			buf_addch(b, '\\');
		buf_addch(b, value[i]);
	}
	return check_utf8(what, value, len, err);
}

static int
add_journal(struct buf *b, const char *what, bool is_quoted, const char *value, size_t len, struct err *err)
{
	for (size_t i = 0; i < len; i++)
		if (value[i] == '"' || (!is_quoted && strchr(" \t\r\n", value[i]) != NULL))
			return err_set(err, ERR_INVALID, "the value of %s holds a %s, which cannot be written in a match of a journal%s", what,
			    value[i] == '"' ? "\"" : "blank", value[i] == '"' ? "" : " without \"...\" around it");
	buf_add(b, value, len);
	return 0;
}

static int
encode_into(enum encoding e, const char *what, const char *value, size_t len, struct buf *b,
    struct err *err)
{
	int r = 0;

	switch (e) {
	case ENCODE_BYTES: buf_add(b, value, len); break;
	case ENCODE_STRING:
	case ENCODE_STRING_REGEX:
		r = check_utf8(what, value, len, err);
		if (r == 0)
			add_string(b, value, len, e == ENCODE_STRING_REGEX);
		break;
	case ENCODE_SEGMENT: r = add_url(b, what, true, value, len, err); break;
	case ENCODE_QUERY: r = add_url(b, what, false, value, len, err); break;
	case ENCODE_JSON: r = add_json(b, what, value, len, err); break;
	case ENCODE_HEADER: r = add_header(b, what, value, len, err); break;
	case ENCODE_SHOWN: str_escape(b, value, len); break;
	case ENCODE_LUCENE: r = add_lucene(b, what, value, len, err); break;
	case ENCODE_JOURNAL:
	case ENCODE_JOURNAL_QUOTED: r = add_journal(b, what, e == ENCODE_JOURNAL_QUOTED, value, len, err); break;
	case ENCODE_REGEX:
		r = check_utf8(what, value, len, err);
		if (r == 0)
			add_regex(b, value, len);
		break;
	}
	return r;
}

int
encode(enum encoding e, const char *what, const char *value, size_t len, struct buf *b,
    struct err *err)
{
	int r = encode_into(e, what, value, len, b, err);

	if (r == 0 && b->is_over)
		return err_set(err, ERR_LIMIT, "with the value of %s it is longer than %zu bytes",
		    what, b->max);
	return r;
}
