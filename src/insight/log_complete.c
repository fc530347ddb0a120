/* What is being typed at a place of a query, and what it becomes. */
#include "config.h"

#include "insight/log_complete.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/str.h"
#include "base/xalloc.h"

enum { TEXT_BYTES_MAX = 64 << 10 };

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool
is_name_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/* --- words --------------------------------------------------------------------------------------------------------------- */

/* The word that the cursor stands in or behind: words end at blanks outside of quotes. */
struct word {
	size_t start;
	char quote;		/* open at the end */
	size_t quote_at;	/* behind it */
};

static struct word
last_word(const char *text, size_t from, size_t at, bool has_escapes)
{
	struct word w = { .start = from };

	for (size_t i = from; i < at; i++) {
		if (w.quote != '\0' && has_escapes && text[i] == '\\' && i + 1 < at) {
			i++;
		} else if (text[i] == '"') {
			w.quote = w.quote == '\0' ? '"' : '\0';
			w.quote_at = i + 1;
		} else if (w.quote == '\0' && is_blank(text[i])) {
			w.start = i + 1;
		}
	}
	return w;
}

/* Without the quotes, and \" and \\ for what they say. */
static const char *
unquoted(const char *text, size_t len, bool has_escapes, struct arena *a)
{
	char *to = arena_alloc(a, len + 1);
	bool is_quoted = false;
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		if (is_quoted && has_escapes && text[i] == '\\' && i + 1 < len && (text[i + 1] == '"' || text[i + 1] == '\\'))
			to[n++] = text[++i];
		else if (text[i] == '"')
			is_quoted = !is_quoted;
		else
			to[n++] = text[i];
	}
	return to;
}

/* --- the query box's own words --------------------------------------------------------------------------------------------- */

static const struct {
	const char *key;
	enum log_place place;
} keys[] = { { "level:", LOG_PLACE_LEVEL }, { "service:", LOG_PLACE_SERVICE }, { "source:", LOG_PLACE_SOURCE }, { "label:", LOG_PLACE_NAME } };

static void
at_label(const char *text, struct log_complete *c, struct arena *a)
{
	const char *equals = memchr(text + c->start, '=', c->at - c->start);
	size_t len = equals != NULL ? (size_t)(equals - (text + c->start)) : 0;

	if (equals == NULL)
		return;
	c->place = LOG_PLACE_VALUE;
	c->label = unquoted(text + c->start, len, true, a);
	c->start += len + 1;
	c->prefix = unquoted(text + c->start, c->at - c->start, true, a);
}

static void
at_box(const char *text, size_t at, struct arena *a, struct log_complete *c)
{
	struct word w = last_word(text, 0, at, true);
	size_t start = w.start + (text[w.start] == '!' && w.start < at);

	c->quoting = LOG_QUOTE_FILTER;
	c->start = start;
	c->is_first = strspn(text, " \t") >= w.start;
	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
		size_t len = strlen(keys[i].key);

		if (at - start < len || strncmp(text + start, keys[i].key, len) != 0)
			continue;
		c->place = keys[i].place;
		c->start += len + (keys[i].place == LOG_PLACE_LEVEL && text[start + len] == '=' && start + len < at);
		c->prefix = unquoted(text + c->start, at - c->start, true, a);
		if (c->place == LOG_PLACE_NAME)
			at_label(text, c, a);
		return;
	}
	if (w.quote != '\0' || text[start] == '/' || (start > w.start && start == at))
		return;
	c->place = LOG_PLACE_KEY;
	c->prefix = arena_strndup(a, text + start, at - start);
}

/* --- Loki -------------------------------------------------------------------------------------------------------------------- */

struct matcher_at {
	size_t name, name_end, value, end;	/* value: of the quote; end: behind the closing one, or the cursor */
	bool has_op, is_positive, is_regex, is_closed;
};

/* Up to the end of a text in quotes that begins at i; at: it is open there. */
static size_t
skip_quoted(const char *text, size_t i, size_t at, bool *ret_is_closed)
{
	char quote = text[i];

	*ret_is_closed = false;
	for (i++; i < at; i++) {
		if (quote == '"' && text[i] == '\\' && i + 1 < at)
			i++;
		else if (text[i] == quote)
			return *ret_is_closed = true, i + 1;
	}
	return at;
}

/* Where the selector begins that is open at the cursor, behind its brace. SIZE_MAX: there is none. */
static size_t
open_selector(const char *text, size_t from, size_t at)
{
	size_t open = SIZE_MAX;
	bool is_closed = true;

	for (size_t i = from; i < at; ) {
		if (text[i] == '"' || text[i] == '`') {
			i = skip_quoted(text, i, at, &is_closed);
			continue;
		}
		if (text[i] == '{')
			open = i + 1;
		else if (text[i] == '}')
			open = SIZE_MAX;
		i++;
	}
	return open;
}

/* name op "value" from i on, as far as it goes. */
static struct matcher_at
read_matcher(const char *text, size_t i, size_t at)
{
	struct matcher_at m = { 0 };

	while (i < at && (is_blank(text[i]) || text[i] == ','))
		i++;
	m.name = i;
	while (i < at && is_name_char(text[i]))
		i++;
	m.name_end = i;
	while (i < at && is_blank(text[i]))
		i++;
	if (i < at && (text[i] == '=' || text[i] == '!')) {
		m.has_op = true;
		m.is_positive = text[i] == '=';
		for (i++; i < at && (text[i] == '=' || text[i] == '~'); i++)
			m.is_regex |= text[i] == '~';
	}
	while (i < at && is_blank(text[i]))
		i++;
	m.value = m.end = i;
	if (m.has_op && i < at && (text[i] == '"' || text[i] == '`'))
		m.end = skip_quoted(text, i, at, &m.is_closed);
	return m;
}

static void
add_matcher(struct buf *b, const char *text, const struct matcher_at *m, bool *is_good)
{
	if (!m->has_op || !m->is_closed || m->name == m->name_end)
		return;
	buf_printf(b, "%s%.*s", b->len > 1 ? "," : "", (int)(m->end - m->name), text + m->name);
	/* One that an empty value would match is not enough for a Loki. */
	*is_good |= m->is_positive && m->end - m->value > 2 && strncmp(text + m->value, "\".*\"", 4) != 0;
}

/* All that are whole: those before the cursor up to `from`, and those behind it. */
static const char *
other_matchers(const char *text, size_t open, size_t from, size_t at, struct arena *a)
{
	size_t len = strlen(text), behind = at + (text[at] == '"' || text[at] == '`');
	bool is_good = false;
	struct matcher_at m;
	const char *selector = NULL;
	struct buf b;

	buf_init(&b, TEXT_BYTES_MAX);
	buf_addch(&b, '{');
	for (size_t i = open; i < from; i = m.end > i ? m.end : i + 1) {
		m = read_matcher(text, i, from);
		add_matcher(&b, text, &m, &is_good);
	}
	behind += strspn(text + behind, " \t");
	for (size_t i = behind; i < len && text[i] == ','; i += strspn(text + i, " \t")) {
		m = read_matcher(text, i, len);
		if (!m.is_closed)
			break;
		add_matcher(&b, text, &m, &is_good);
		i = m.end;
	}
	buf_addch(&b, '}');
	if (is_good && !b.is_over)
		selector = arena_strdup(a, b.data);
	buf_done(&b);
	return selector;
}

/* A value whose beginning is typed: in quotes, and of a regex the last of several. */
static void
at_logql_value(const char *text, size_t at, const struct matcher_at *m, struct arena *a, struct log_complete *c)
{
	c->place = LOG_PLACE_VALUE;
	c->label = arena_strndup(a, text + m->name, m->name_end - m->name);
	c->start = m->value;
	c->prefix = "";
	c->is_regex = m->is_regex;
	if (m->value == at)
		return;
	c->quote = text[m->value];
	c->start = m->value + 1;
	for (size_t i = c->start; m->is_regex && i < at; i++)
		if (text[i] == '|')
			c->start = i + 1;
	if (c->quote == '"') {
		char *whole = xasprintf("\"%.*s", (int)(at - c->start), text + c->start);

		c->prefix = unquoted(whole, strlen(whole), true, a);
		free(whole);
	} else {
		c->prefix = arena_strndup(a, text + c->start, at - c->start);
	}
}

static void
at_logql(const char *text, size_t from, size_t at, struct arena *a, struct log_complete *c)
{
	size_t open = open_selector(text, from, at), i = open;
	struct matcher_at m;

	c->quoting = LOG_QUOTE_LOGQL;
	if (open == SIZE_MAX)
		return;
	/* The last one is where the cursor stands. */
	for (m = read_matcher(text, i, at); m.is_closed && m.end < at; m = read_matcher(text, i, at)) {
		size_t next = m.end + strspn(text + m.end, " \t");

		if (next >= at || text[next] != ',')
			return;		/* behind a value a comma is due */
		i = next;
	}
	if (m.is_closed || (m.has_op && m.value < at && text[m.value] != '"' && text[m.value] != '`'))
		return;
	if (m.has_op) {
		at_logql_value(text, at, &m, a, c);
	} else {
		if (m.name_end != at)
			return;
		c->place = LOG_PLACE_NAME;
		c->start = m.name;
		c->prefix = arena_strndup(a, text + m.name, at - m.name);
	}
	c->selector = other_matchers(text, open, m.name, at, a);
}

/* --- query strings and matches ------------------------------------------------------------------------------------------------ */

/* field:value, perhaps behind + - ! or brackets. */
static void
at_query_string(const char *text, size_t from, size_t at, struct arena *a, struct log_complete *c)
{
	struct word w = last_word(text, from, at, true);
	const char *colon;

	c->quoting = LOG_QUOTE_STRING;
	if (text[from] == '{')
		return;
	while (w.start < at && strchr("(+-!", text[w.start]) != NULL)
		w.start++;
	c->start = w.start;
	colon = memchr(text + w.start, ':', at - w.start);
	if (colon == NULL) {
		if (w.quote != '\0')
			return;
		c->place = LOG_PLACE_NAME;
		c->prefix = arena_strndup(a, text + w.start, at - w.start);
		return;
	}
	c->place = LOG_PLACE_VALUE;
	c->label = arena_strndup(a, text + w.start, (size_t)(colon - (text + w.start)));
	c->start = (size_t)(colon + 1 - text);
	while (c->start < at && text[c->start] == '(')
		c->start++;
	c->prefix = unquoted(text + c->start, at - c->start, true, a);
}

/* NAME=VALUE; quotes may stand anywhere, and nothing can be written for one. */
static void
at_match(const char *text, size_t from, size_t at, struct arena *a, struct log_complete *c)
{
	struct word w = last_word(text, from, at, false);
	const char *word = unquoted(text + w.start, at - w.start, false, a), *equals = strchr(word, '=');

	c->quoting = LOG_QUOTE_MATCH;
	c->start = w.start;
	c->place = equals == NULL ? LOG_PLACE_NAME : LOG_PLACE_VALUE;
	c->prefix = equals == NULL ? word : equals + 1;
	if (equals != NULL)
		c->label = arena_strndup(a, word, (size_t)(equals - word));
}

/* --- where ---------------------------------------------------------------------------------------------------------------------- */

void
log_complete_at(const char *text, size_t at, struct arena *a, struct log_complete *ret)
{
	static const struct {
		const char *prefix, *type;
		void (*look)(const char *, size_t, size_t, struct arena *, struct log_complete *);
	} natives[] = { { "loki:", "loki", at_logql }, { "es:", "elasticsearch", at_query_string }, { "elasticsearch:", "elasticsearch", at_query_string },
		{ "opensearch:", "elasticsearch", at_query_string }, { "journal:", "journald", at_match }, { "journald:", "journald", at_match } };
	size_t begin = strspn(text, " \t\r\n");

	*ret = (struct log_complete){ .prefix = "", .at = at };
	for (size_t i = 0; i < sizeof natives / sizeof *natives; i++) {
		size_t from = begin + strlen(natives[i].prefix);

		if (at < from || !str_has_prefix(text + begin, natives[i].prefix))
			continue;
		ret->type = natives[i].type;
		from += strspn(text + from, " \t\r\n");
		if (at >= from)
			natives[i].look(text, from, at, a, ret);
		return;
	}
	at_box(text, at, a, ret);
}

/* --- what it becomes -------------------------------------------------------------------------------------------------------------- */

static void
add_escaped(struct buf *b, const char *word, const char *special)
{
	for (; *word != '\0'; word++) {
		if (strchr(special, *word) != NULL)
			buf_addch(b, '\\');
		buf_addch(b, *word);
	}
}

/* Patterns of the shell are meant here: what is none is said so, and then, where it needs them, in quotes. */
static void
add_filter_value(struct buf *b, const char *word)
{
	struct buf glob;

	buf_init(&glob, TEXT_BYTES_MAX);
	add_escaped(&glob, word, "*?[\\");
	if (*word != '\0' && word[strcspn(word, " \t\"")] == '\0') {
		buf_addstr(b, glob.data);
	} else {
		buf_addch(b, '"');
		add_escaped(b, glob.data, "\"\\");
		buf_addch(b, '"');
	}
	buf_done(&glob);
}

/* Where the text goes on behind the word: in the middle of a value that is closed, its rest is replaced, too. */
static size_t
rest_of(const struct log_complete *c, const char *text)
{
	size_t rest = c->at + strspn(text + c->at, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-/");

	return c->place == LOG_PLACE_VALUE && c->quoting == LOG_QUOTE_LOGQL && c->quote != '\0' && text[rest] == c->quote ? rest : c->at;
}

static bool
add_logql_value(const struct log_complete *c, const char *text, const char *word, struct buf *b)
{
	char quote = c->quote != '\0' ? c->quote : '"';

	struct buf regex;

	if (quote == '`' && strchr(word, '`') != NULL)
		return false;
	if (c->quote == '\0')
		buf_addch(b, quote);
	buf_init(&regex, TEXT_BYTES_MAX);
	add_escaped(&regex, word, c->is_regex ? "\\.+*?()|[]{}^$" : "");
	add_escaped(b, regex.data, quote == '"' ? "\"\\" : "");
	buf_done(&regex);
	if (text[rest_of(c, text)] != quote)
		buf_addch(b, quote);
	return true;
}

static void
add_string_value(struct buf *b, const char *word)
{
	if (*word != '\0' && word[strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.")] == '\0') {
		buf_addstr(b, word);
		return;
	}
	buf_addch(b, '"');
	add_escaped(b, word, "\"\\");
	buf_addch(b, '"');
}

static bool
add_match_value(const struct log_complete *c, const char *word, struct buf *b)
{
	if (strchr(word, '"') != NULL)
		return false;
	buf_printf(b, "%s=", c->label);
	if (word[strcspn(word, " \t\r\n")] != '\0')
		buf_printf(b, "\"%s\"", word);
	else
		buf_addstr(b, word);
	return true;
}

static bool
add_value(const struct log_complete *c, const char *text, const char *word, struct buf *b)
{
	switch (c->quoting) {
	case LOG_QUOTE_LOGQL: return add_logql_value(c, text, word, b);
	case LOG_QUOTE_STRING: add_string_value(b, word); return true;
	case LOG_QUOTE_MATCH: return add_match_value(c, word, b);
	case LOG_QUOTE_FILTER: break;
	}
	add_filter_value(b, word);
	return true;
}

/* With what follows a name: a value can be completed at once. */
static bool
add_name(const struct log_complete *c, const char *text, const char *word, struct buf *b)
{
	static const char *const behind[] = { [LOG_QUOTE_FILTER] = "=", [LOG_QUOTE_LOGQL] = "=\"", [LOG_QUOTE_STRING] = ":", [LOG_QUOTE_MATCH] = "=" };

	if (word[strcspn(word, " \t\r\n\"=:(){}")] != '\0')
		return false;
	buf_addstr(b, word);
	if (text[c->at] == '\0' || is_blank(text[c->at]) || text[c->at] == '}' || text[c->at] == ',')
		buf_addstr(b, behind[c->quoting]);
	return true;
}

static bool
can_be_typed(const char *word)
{
	for (size_t len = strlen(word), took; len > 0; len -= took, word += took) {
		uint32_t cp;

		took = utf8_decode(word, len, &cp);
		if (took == 0 || cp_width(cp) < 0)
			return false;
	}
	return true;
}

char *
log_complete_with(const struct log_complete *c, const char *text, const char *word, size_t *ret_at)
{
	char *all = NULL;
	struct buf b;
	bool is_said = true;

	if (c->place == LOG_PLACE_NONE || !can_be_typed(word))
		return NULL;
	buf_init(&b, TEXT_BYTES_MAX);
	buf_add(&b, text, c->start);
	if (c->place == LOG_PLACE_NAME)
		is_said = add_name(c, text, word, &b);
	else if (c->place == LOG_PLACE_KEY || c->place == LOG_PLACE_LEVEL)
		buf_addstr(&b, word);
	else
		is_said = add_value(c, text, word, &b);
	*ret_at = b.len;
	buf_addstr(&b, text + rest_of(c, text));
	if (is_said && !b.is_over)
		all = buf_take(&b, NULL);
	buf_done(&b);
	return all;
}
