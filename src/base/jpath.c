#include "config.h"

#include "base/jpath.h"

#include <ctype.h>
#include <string.h>

#include "base/str.h"

static int
wrong(const char *text, const char *at, const char *expected, struct err *err)
{
	char shown[96];

	return err_set(err, ERR_SYNTAX, "the path '%s' breaks at column %zu: %s",
	    str_escape_to(shown, sizeof shown, text), (size_t)(at - text) + 1, expected);
}

/* "['key']" or "[0]"; *p stands behind the bracket. */
static int
read_bracket(const char *text, const char **p, struct jpath_step *s, struct err *err)
{
	const char *at = *p, *end;

	if (*at == '\'' || *at == '"') {
		end = strchr(at + 1, *at);
		if (end == NULL)
			return wrong(text, at, "the quote is not closed", err);
		*s = (struct jpath_step){ .key = at + 1, .len = (size_t)(end - at) - 1 };
		end++;
	} else {
		*s = (struct jpath_step){ .is_index = true };
		for (end = at; isdigit((unsigned char)*end) && s->index <= JPATH_INDEX_MAX; end++)
			s->index = s->index * 10 + (size_t)(*end - '0');
		if (end == at)
			return wrong(text, at, "a number or a key in quotes is expected behind '['", err);
		if (s->index > JPATH_INDEX_MAX)
			return wrong(text, at, "the index is too large", err);
	}
	if (*end != ']')
		return wrong(text, end, "']' is expected", err);
	*p = end + 1;
	return 0;
}

static int
read_key(const char *text, const char **p, struct jpath_step *s, struct err *err)
{
	size_t len = strcspn(*p, ".[]'\"");

	if (len == 0)
		return wrong(text, *p, "a key is expected (one with dots or brackets stands in quotes: ['a.b'])", err);
	*s = (struct jpath_step){ .key = *p, .len = len };
	*p += len;
	return 0;
}

int
jpath_parse(const char *text, struct jpath *ret, struct err *err)
{
	const char *p = text;
	int r;

	*ret = (struct jpath){ 0 };
	while (*p != '\0') {
		if (ret->n == JPATH_STEPS_MAX)
			return err_set(err, ERR_LIMIT, "the path has more than %d steps", JPATH_STEPS_MAX);
		if (*p == '[') {
			p++;
			r = read_bracket(text, &p, &ret->v[ret->n], err);
		} else if (ret->n == 0) {
			r = read_key(text, &p, &ret->v[0], err);
		} else if (*p == '.') {
			p++;
			r = read_key(text, &p, &ret->v[ret->n], err);
		} else {
			r = wrong(text, p, "'.' or '[' is expected", err);
		}
		if (r < 0)
			return r;
		ret->n++;
	}
	return 0;
}
