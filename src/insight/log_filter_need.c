/*
 * A word that every match of a regex has in it. Words are found ten times as fast as most regexes, and lines without the word need not be looked at.
 *
 * Only for plain regexes (see log_filter_text.c), and only what stands outside of groups, is not optional and has no alternative beside it.
 */
#include "config.h"

#include <string.h>

#include "base/buf.h"
#include "insight/log_filter_priv.h"

enum { NEED_MIN = 3, NEED_MAX = 64 };

/* Behind the class or group that begins at p; the pattern is known to be sound. */
static const char *
behind(const char *p, const char *end)
{
	unsigned depth = 0;
	bool is_class = false;

	for (; p < end; p++) {
		if (*p == '\\') {
			p++;
		} else if (is_class) {
			is_class = *p != ']';
		} else if (*p == '[') {
			is_class = true;
		} else {
			depth += *p == '(';
			depth -= *p == ')';
		}
		if (depth == 0 && !is_class)
			return p + 1;
	}
	return end;
}

/* The letter that the pattern says at p, one that stands for itself; 0: something else. */
static char
letter(const char *p, const char *end, const char **ret_next)
{
	*ret_next = p + 1;
	if (*p == '\\' && p + 1 < end && strchr("dwsbtnrf", p[1]) == NULL) {
		*ret_next = p + 2;
		return p[1];
	}
	return (unsigned char)*p >= 0x80 || strchr("\\.[(|)^$*+?{", *p) != NULL ? '\0' : *p;
}

static void
keep_longest(struct buf *run, struct buf *longest)
{
	if (run->len > longest->len) {
		buf_reset(longest);
		buf_add(longest, run->data, run->len);
	}
	buf_reset(run);
}

/* false: an alternative at the top, after which nothing is needed. */
static bool
scan(const char *p, const char *end, struct buf *run, struct buf *longest)
{
	while (p < end) {
		const char *next;
		char c = letter(p, end, &next), after;

		if (*p == '|')
			return false;
		if (c == '\0' && (*p == '(' || *p == '['))
			next = behind(p, end);
		else if (c == '\0' && *p == '\\')
			next = p + 2;
		after = next < end ? *next : '\0';
		/* What may be there any number of times ends the run, before it where it may be missing. */
		if (c == '\0' || after == '?' || after == '*' || after == '{') {
			keep_longest(run, longest);
		} else {
			buf_addch(run, c);
			if (after == '+' || run->len == NEED_MAX)
				keep_longest(run, longest);
		}
		/* Counts and what makes them lazy or possessive. */
		for (p = next; p < end && c != '\0' && strchr("?*+", *p) != NULL; p++)
			;
		/* {2,5}; other braces are letters, which may have an alternative between them. */
		if (p < end && *p == '{') {
			keep_longest(run, longest);
			p += 1 + strspn(p + 1, "0123456789,");
			p += p < end && *p == '}';
		}
	}
	keep_longest(run, longest);
	return true;
}

bool
log_filter_need(const struct term *t, struct buf *ret)
{
	struct buf run;
	bool is_found;

	buf_init(&run, NEED_MAX + 1);
	is_found = scan(t->text, t->text + t->len, &run, ret) && ret->len >= NEED_MIN;
	buf_done(&run);
	return is_found;
}
