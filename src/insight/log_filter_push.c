/*
 * What a store can do of a filter itself. Its answer may be wider than the filter, never narrower: what is not surely the same there is left to us.
 *
 * The store looks at its lines as they are, before redaction and before long ones are cut.
 */
#include "config.h"

#include <ctype.h>
#include <string.h>

#include "base/str.h"
#include "insight/log_filter_priv.h"

enum { COUNT_MAX = 1000, DEPTH_MAX = 100 };	/* of RE2: of x{n}, and of groups, with room to spare */

static bool
is_plain_ascii(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)text[i] < ' ' || (unsigned char)text[i] > '~')
			return false;
	return len > 0;
}

/* --- Loki ------------------------------------------------------------------------------------------------------------------ */

/* Inside "..": Go's escapes. */
static void
add_go_string(struct buf *b, const char *text, size_t len)
{
	buf_addch(b, '"');
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '"' || text[i] == '\\')
			buf_addch(b, '\\');
		buf_addch(b, text[i]);
	}
	buf_addch(b, '"');
}

/* Every character that could mean something, escaped. */
static void
add_regex_literal(struct buf *b, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (strchr("\\.+*?()|[]{}^$", text[i]) != NULL)
			buf_addch(b, '\\');
		buf_addch(b, text[i]);
	}
}

/* To RE2 the long s and the Kelvin sign are an s and a k when case is ignored; not to us, and lines with them must not be left out. */
static bool
has_odd_case(const struct term *t)
{
	return strpbrk(t->text, "sSkK") != NULL;
}

static void
add_word(struct buf *b, const struct term *t)
{
	if (!t->is_not || !has_odd_case(t)) {
		buf_addstr(b, "(?i)");
		add_regex_literal(b, t->text, t->len);
		return;
	}
	for (size_t i = 0; i < t->len; i++) {
		unsigned char c = (unsigned char)t->text[i];

		if (isalpha(c))
			buf_printf(b, "[%c%c]", tolower(c), toupper(c));
		else
			add_regex_literal(b, t->text + i, 1);
	}
}

struct re2 {			/* a regex of ours written for RE2 */
	const char *p, *end;
	struct buf *b;
	unsigned depth;
	bool is_sure;		/* matches the same texts, whatever bytes they hold; else it may match more */
};

/* \s has the vertical tab with us and not in RE2. */
static bool
re2_escape(struct re2 *r)
{
	char c = *++r->p;

	if (r->p == r->end)
		return false;
	if (c == 's') {
		buf_addstr(r->b, "[\\s\\x0b]");
		return true;
	}
	if (strchr("dwbtnrf", c) == NULL && (isalnum((unsigned char)c) || c < '!'))
		return false;
	if (strchr("dwbtnrf\\.+*?()|[]{}^$", c) != NULL)
		buf_addch(r->b, '\\');
	buf_addch(r->b, c);
	return true;
}

static bool
re2_class(struct re2 *r)
{
	if (r->p + 1 < r->end && (r->p[1] == ']' || r->p[1] == '['))
		return false;
	if (r->p + 1 < r->end && r->p[1] == '^') {
		/* Bytes that are no UTF-8 are characters there, and match; with us they do not. */
		r->is_sure = false;
		if (r->p + 2 < r->end && r->p[2] == ']')
			return false;
	}
	for (buf_addch(r->b, *r->p++); r->p < r->end && *r->p != ']'; r->p++) {
		if (*r->p == '[' || (*r->p == '&' && r->p[1] == '&'))
			return false;
		if (*r->p == '\\') {
			/* [^\s]: it would have to leave out the same. */
			if (++r->p == r->end || strchr("dws.-]/\\^", *r->p) == NULL)
				return false;
			if (*r->p == 's')
				buf_addstr(r->b, "\\x0b");
			buf_addch(r->b, '\\');
			if (*r->p == '/')
				r->b->data[--r->b->len] = '\0';
		}
		buf_addch(r->b, *r->p);
	}
	if (r->p == r->end)
		return false;
	buf_addch(r->b, ']');
	return true;
}

/* {2}, {2,}, {2,5}: the same in both as long as no count is too large; any other brace is a letter to us, and not surely to RE2. */
static bool
re2_count(struct re2 *r)
{
	const char *p = r->p + 1;
	unsigned value = 0;
	int digits = 0;

	for (; p < r->end && *p != '}'; p++) {
		if (*p == ',' && digits > 0 && memchr(r->p, ',', (size_t)(p - r->p)) == NULL) {
			value = 0;
		} else if (isdigit((unsigned char)*p) && value <= COUNT_MAX) {
			value = value * 10 + (unsigned)(*p - '0');
			digits++;
		} else {
			return false;
		}
		if (value > COUNT_MAX / 10)
			return false;
	}
	if (p == r->end || digits == 0)
		return false;
	buf_add(r->b, r->p, (size_t)(p + 1 - r->p));
	r->p = p;
	return true;
}

/* A quantifier behind a quantifier: x+? is lazy in both; x++ is not known to RE2. */
static bool
re2_one(struct re2 *r, bool is_quantified)
{
	char c = *r->p;

	if ((unsigned char)c >= 0x80 || (c > 0 && c < ' ') || c == '\0')
		return false;
	if (c == '\\')
		return re2_escape(r);
	if (c == '[')
		return re2_class(r);
	if (c == '{')
		return !is_quantified && re2_count(r);
	if (is_quantified && (c == '*' || c == '+'))
		return false;
	if (c == '(') {
		if (r->p + 1 < r->end && r->p[1] == '*')
			return false;
		if (r->p + 1 < r->end && r->p[1] == '?') {
			if (r->p + 2 == r->end || r->p[2] != ':')
				return false;
			buf_addstr(r->b, "(?:");
			r->p += 2;
			return ++r->depth < DEPTH_MAX;
		}
		r->depth++;
	}
	r->is_sure = r->is_sure && c != '.';
	buf_addch(r->b, c);
	return r->depth < DEPTH_MAX;
}

/* The regex for RE2; false: it cannot be sure. */
static bool
add_re2(struct buf *b, const struct term *t, bool *ret_is_sure)
{
	struct re2 r = { .p = t->text, .end = t->text + t->len, .b = b, .is_sure = true };
	bool is_quantified = false;

	/* A dot is also a line's end inside the line. */
	buf_addstr(b, t->is_caseless ? "(?is)" : "(?s)");
	for (; r.p < r.end; r.p++) {
		char c = *r.p;
		bool was = is_quantified;

		is_quantified = (c == '*' || c == '+' || c == '?' || c == '{') && !was;
		if (was && c == '?')
			is_quantified = true;
		if (!re2_one(&r, was))
			return false;
	}
	*ret_is_sure = r.is_sure;
	return true;
}

static void
loki_text(const struct term *t, struct buf *ret)
{
	bool is_sure = true;
	struct buf regex;

	buf_init(&regex, 4 * t->len + 64);
	if (t->is_word && is_plain_ascii(t->text, t->len)) {
		add_word(&regex, t);
	} else if (t->is_word || !t->is_plain || !add_re2(&regex, t, &is_sure)) {
		is_sure = false;
		buf_reset(&regex);
	}
	if (regex.len > 0 && (is_sure || !t->is_not)) {
		buf_addstr(ret, t->is_not ? " !~ " : " |~ ");
		add_go_string(ret, regex.data, regex.len);
	}
	buf_done(&regex);
}

static bool
is_label_name(const char *name)
{
	for (const char *p = name; *p != '\0'; p++)
		if (!(isalpha((unsigned char)*p) || *p == '_' || (p > name && isdigit((unsigned char)*p))))
			return false;
	return name[0] != '\0';
}

/* Only texts with * and ?: a label that is not there is "" to Loki, and that must not match where we say that it is there. */
static void
loki_label(const struct term *t, struct buf *ret)
{
	size_t len = strlen(t->glob);
	struct buf regex;

	if (!is_label_name(t->name) || !is_plain_ascii(t->glob, len) || strpbrk(t->glob, "[\\") != NULL || (t->is_not && strspn(t->glob, "*") == len))
		return;
	buf_init(&regex, 4 * len + 64);
	buf_addstr(&regex, "(?s)");
	for (const char *p = t->glob; *p != '\0'; p++) {
		if (*p == '*')
			buf_addstr(&regex, ".*");
		else if (*p == '?')
			buf_addch(&regex, '.');
		else
			add_regex_literal(&regex, p, 1);
	}
	/* A ? is one byte with us and one character there. */
	if (strchr(t->glob, '?') == NULL) {
		buf_printf(ret, " | %s%s", t->name, t->is_not ? "!~" : "=~");
		add_go_string(ret, regex.data, regex.len);
	}
	buf_done(&regex);
}

static int
over(const struct buf *b)
{
	return b->is_over ? ERR_LIMIT : 0;
}

int
log_filter_logql(const struct log_filter *f, const char *base, struct buf *ret)
{
	buf_addstr(ret, base);
	for (size_t i = 0; i < f->n; i++)
		if (f->v[i].kind == TERM_TEXT)
			loki_text(&f->v[i], ret);
	for (size_t i = 0; i < f->n; i++)
		if (f->v[i].kind == TERM_LABEL)
			loki_label(&f->v[i], ret);
	return over(ret);
}

/* --- Elasticsearch --------------------------------------------------------------------------------------------------------- */

/*
 * Its index holds words in lower case, and letters and digits that stand together are in one of them: each such run of a word of ours is inside one of its words. What a
 * field's own analyzer does beside that (stems, stop words) we do not know; the usual one does neither.
 */
static bool
add_runs(struct buf *b, const char *word, size_t len, bool is_first)
{
	for (size_t i = 0, j; i < len; i = j + 1) {
		for (j = i; j < len && isalnum((unsigned char)word[j]); j++)
			;
		if (j == i)
			continue;
		buf_addstr(b, is_first ? "*" : " AND *");
		for (size_t k = i; k < j; k++)
			buf_addch(b, (char)tolower((unsigned char)word[k]));
		buf_addch(b, '*');
		is_first = false;
	}
	return is_first;
}

int
log_filter_query_string(const struct log_filter *f, const char *base, struct buf *ret)
{
	bool is_first = base[strspn(base, " \t\n")] == '\0' || strcmp(base, "*") == 0;

	/* A query in JSON is the store's own: nothing is added to it. */
	if (base[strspn(base, " \t\n")] == '{') {
		buf_addstr(ret, base);
		return over(ret);
	}
	if (is_first && base[0] == '*')
		base = "";
	if (!is_first)
		buf_printf(ret, "(%s)", base);
	for (size_t i = 0; i < f->n; i++) {
		const struct term *t = &f->v[i];

		if (t->kind == TERM_TEXT && t->is_word && !t->is_not && is_plain_ascii(t->text, t->len))
			is_first = add_runs(ret, t->text, t->len, is_first);
	}
	if (is_first)
		buf_addstr(ret, base[0] == '\0' ? "*" : base);
	return over(ret);
}

/* --- journald -------------------------------------------------------------------------------------------------------------- */

static bool
is_journal_field(const char *name)
{
	for (const char *p = name; *p != '\0'; p++)
		if (!(isupper((unsigned char)*p) || *p == '_' || (p > name && isdigit((unsigned char)*p))))
			return false;
	return name[0] != '\0';
}

/* Matches of one field are alternatives, so that one more of a field that is there already makes the answer wider, not narrower. */
int
log_filter_matches(const struct log_filter *f, const char *base, struct buf *ret)
{
	buf_addstr(ret, base);
	for (size_t i = 0; i < f->n; i++) {
		const struct term *t = &f->v[i];

		if (t->kind != TERM_LABEL || t->is_not || !is_journal_field(t->name) || !is_plain_ascii(t->glob, strlen(t->glob)) ||
		    strpbrk(t->glob, " *?[\\+\"") != NULL)
			continue;
		buf_printf(ret, "%s%s=%s", ret->len > 0 ? " " : "", t->name, t->glob);
	}
	return over(ret);
}
