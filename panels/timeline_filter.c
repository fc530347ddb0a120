/*
 * The timeline's filter: words that must be found, key:value, joined by and (or nothing), or, not, and parentheses.
 *
 *	expression = term { "or" term } ;  term = factor { [ "and" ] factor } ;  factor = "not" factor | "!" factor | "(" expression ")" | word
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "timeline.h"

enum { WORD_MAX = 256, DEPTH_MAX = 32 };

struct scan {
	const char *at;
	const struct timeline_filter_fact *fact;	/* NULL: only whether it can be read */
	int depth;
	char *error;
	size_t error_size;
};

static bool expression(struct scan *s);

static void
refuse(struct scan *s, const char *text)
{
	if (*s->error == '\0')
		snprintf(s->error, s->error_size, "%s", text);
}

/* "kind:alrt: no such kind; alert, slo, .." */
static void
refuse_value(struct scan *s, const char *word, const char *what, const char *const *known, size_t n)
{
	char shown[64];
	size_t len;

	if (*s->error != '\0')
		return;
	snprintf(s->error, s->error_size, "%s: no %s of that name:", str_escape_to(shown, sizeof shown, word), what);
	for (size_t i = 0; i < n; i++) {
		len = strlen(s->error);
		snprintf(s->error + len, s->error_size - len, "%s %s", i > 0 ? "," : "", known[i]);
	}
}

/* --- words ------------------------------------------------------------------------------------------ */

static bool
contains(const struct timeline_entry *e, const char *word)
{
	char kind[PART_TIMELINE_WORD_MAX];

	return str_contains(part_timeline_word(e, kind), word) || str_contains(e->what, word) || str_contains(e->text, word) ||
	    str_contains(e->by, word) || str_contains(e->id, word);
}

static bool
has_kind(struct scan *s, const char *word, const char *value)
{
	const char *names[TIMELINE_KINDS];
	enum timeline_kind kind;

	for (int i = 0; i < TIMELINE_KINDS; i++)
		names[i] = timeline_kind_name((enum timeline_kind)i);
	if (!timeline_kind_find(value, &kind)) {
		refuse_value(s, word, "kind", names, TIMELINE_KINDS);
		return false;
	}
	return s->fact != NULL && s->fact->e->kind == kind;
}

static bool
has_severity(struct scan *s, const char *word, const char *value)
{
	static const enum severity all[] = { SEVERITY_PAGE, SEVERITY_TICKET, SEVERITY_INFO, SEVERITY_NONE };
	enum { ALL = sizeof all / sizeof all[0] };
	const char *names[ALL];

	for (size_t i = 0; i < ALL; i++) {
		names[i] = severity_name(all[i]);
		if (strcmp(names[i], value) == 0)
			return s->fact != NULL && s->fact->e->severity == all[i];
	}
	refuse_value(s, word, "severity", names, ALL);
	return false;
}

static bool
has_state(struct scan *s, const char *word, const char *value)
{
	static const char *const names[] = { "begin", "end", "open" };

	if (strcmp(value, "begin") == 0)
		return s->fact != NULL && !s->fact->e->is_end;
	if (strcmp(value, "end") == 0)
		return s->fact != NULL && s->fact->e->is_end;
	if (strcmp(value, "open") == 0)
		return s->fact != NULL && s->fact->is_open;
	refuse_value(s, word, "state", names, sizeof names / sizeof names[0]);
	return false;
}

static bool
has_text(const struct scan *s, const char *key, const char *value)
{
	const struct timeline_entry *e = s->fact != NULL ? s->fact->e : NULL;
	char seq[24];

	if (e == NULL)
		return false;
	if (strcmp(key, "by") == 0)
		return str_contains(e->by, value);
	if (strcmp(key, "what") == 0)
		return str_contains(e->what, value);
	if (strcmp(key, "id") == 0)
		return str_contains(e->id, value);
	snprintf(seq, sizeof seq, "%llu", (unsigned long long)e->seq);
	return strcmp(seq, value) == 0;
}

static bool
has_one(struct scan *s, const char *word, const char *key, const char *value)
{
	static const char *const keys[] = { "kind", "sev", "state", "by", "what", "id", "seq" };
	enum { KEYS = sizeof keys / sizeof keys[0] };

	if (strcmp(key, "kind") == 0)
		return has_kind(s, word, value);
	if (strcmp(key, "sev") == 0 || strcmp(key, "severity") == 0)
		return has_severity(s, word, value);
	if (strcmp(key, "state") == 0)
		return has_state(s, word, value);
	for (size_t i = 3; i < KEYS; i++)
		if (strcmp(key, keys[i]) == 0)
			return has_text(s, key, value);
	refuse_value(s, word, "key", keys, KEYS);
	return false;
}

/* kind:alert,slo is either. A colon inside a word that no key begins, as in a time, is part of it. */
static bool
word_matches(struct scan *s, const char *word)
{
	size_t key_len = strspn(word, "abcdefghijklmnopqrstuvwxyz");
	char key[WORD_MAX], values[WORD_MAX], *value = values, *comma;
	bool is_any = false;

	if (key_len == 0 || (word[key_len] != ':' && word[key_len] != '='))
		return s->fact != NULL && contains(s->fact->e, word);
	snprintf(key, sizeof key, "%.*s", (int)key_len, word);
	snprintf(values, sizeof values, "%s", word + key_len + 1);
	do {
		comma = strchr(value, ',');
		if (comma != NULL)
			*comma = '\0';
		is_any |= has_one(s, word, key, value);
		value = comma != NULL ? comma + 1 : value;
	} while (comma != NULL);
	return is_any;
}

/* --- what joins them ----------------------------------------------------------------------------------- */

/* The next word without taking it; "" at the end. Parentheses are words of their own. */
static size_t
peek(struct scan *s, char *word)
{
	size_t len;

	s->at += strspn(s->at, " ");
	len = *s->at == '(' || *s->at == ')' || *s->at == '!' ? 1 : strcspn(s->at, " ()");
	snprintf(word, WORD_MAX, "%.*s", (int)(len < WORD_MAX ? len : WORD_MAX - 1), s->at);
	return len;
}

static bool
factor(struct scan *s)
{
	char word[WORD_MAX];
	size_t len = peek(s, word);
	bool is_true;

	if (len == 0 || *word == ')' || strcmp(word, "or") == 0 || strcmp(word, "and") == 0) {
		refuse(s, "a word is missing: words, key:value, not, and, or, ( )");
		return false;
	}
	if (s->depth >= DEPTH_MAX) {
		refuse(s, "too many parentheses");
		return false;
	}
	s->at += len;
	s->depth++;
	if (strcmp(word, "not") == 0 || strcmp(word, "!") == 0) {
		is_true = !factor(s);
	} else if (*word == '(') {
		is_true = expression(s);
		if (peek(s, word) == 0 || *word != ')')
			refuse(s, "a ) is missing");
		else
			s->at++;
	} else {
		is_true = word_matches(s, word);
	}
	s->depth--;
	return is_true;
}

static bool
term(struct scan *s)
{
	char word[WORD_MAX];
	bool is_true = factor(s);

	while (*s->error == '\0') {
		size_t len = peek(s, word);

		if (len == 0 || *word == ')' || strcmp(word, "or") == 0)
			break;
		if (strcmp(word, "and") == 0)
			s->at += len;
		is_true &= factor(s);
	}
	return is_true;
}

static bool
expression(struct scan *s)
{
	char word[WORD_MAX];
	bool is_true = term(s);

	while (*s->error == '\0' && peek(s, word) == 2 && strcmp(word, "or") == 0) {
		s->at += 2;
		is_true |= term(s);
	}
	return is_true;
}

static bool
whole(struct scan *s)
{
	char word[WORD_MAX];
	bool is_true;

	*s->error = '\0';
	if (s->at == NULL || peek(s, word) == 0)
		return true;
	is_true = expression(s);
	if (*s->error == '\0' && peek(s, word) > 0)
		refuse(s, "a ) without its (");
	return is_true;
}

const char *
timeline_filter_refusal(const char *filter, char *buf, size_t size)
{
	struct scan s = { .at = filter, .error = buf, .error_size = size };

	whole(&s);
	return buf;
}

bool
timeline_filter_matches(const char *filter, const struct timeline_filter_fact *fact)
{
	char error[WORD_MAX];
	struct scan s = { .at = filter, .fact = fact, .error = error, .error_size = sizeof error };

	return whole(&s) && *error == '\0';
}
