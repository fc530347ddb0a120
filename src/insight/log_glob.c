/* Shell patterns, in time that grows with the text and not with its powers: only the last star is ever gone back to. */
#include "config.h"

#include <string.h>

#include "insight/log_filter_priv.h"

/* The set at p, behind its bracket: is c in it? Returns the end of the set, NULL: it has none and the bracket is a bracket. */
static const char *
set_match(const char *p, unsigned char c, bool *ret_is_in)
{
	bool is_not = *p == '!' || *p == '^', is_in = false;

	p += is_not;
	for (bool is_first = true; *p != '\0' && (is_first || *p != ']'); is_first = false) {
		unsigned char lo = (unsigned char)*p++, hi = lo;

		if (*p == '-' && p[1] != '\0' && p[1] != ']') {
			hi = (unsigned char)p[1];
			p += 2;
		}
		is_in = is_in || (c >= lo && c <= hi);
	}
	*ret_is_in = is_in != is_not;
	return *p == ']' ? p + 1 : NULL;
}

/* One character that is no star: where the pattern goes on, NULL: it is another. */
static const char *
one_match(const char *p, char c)
{
	const char *end;
	bool is_in;

	if (*p == '?')
		return p + 1;
	if (*p == '[' && (end = set_match(p + 1, (unsigned char)c, &is_in)) != NULL)
		return is_in ? end : NULL;
	if (*p == '\\' && p[1] != '\0')
		p++;
	return *p == c ? p + 1 : NULL;
}

bool
log_glob(const char *glob, const char *text)
{
	const char *star = NULL, *again = NULL, *next;

	while (*text != '\0') {
		if (*glob == '*') {
			star = ++glob;
			again = text;
		} else if (*glob != '\0' && (next = one_match(glob, *text)) != NULL) {
			glob = next;
			text++;
		} else if (star != NULL) {
			glob = star;
			text = ++again;
		} else {
			return false;
		}
	}
	while (*glob == '*')
		glob++;
	return *glob == '\0';
}
