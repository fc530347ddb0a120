/*
 * Patterns of hosts in inventories: www[01:50].example.com, db-[a:f], node[0:98:2].
 * Source: Ansible user guide, "How to build your inventory", adding ranges of hosts.
 */
#include "config.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "conf/hostlist.h"
#include "conf/inventory_build.h"

enum { SHOWN = 96, DIGITS_MAX = 15 };

struct expansion {
	const char *pattern;
	size_t max;
	char **v;
	size_t n;
	struct buf name;	/* so far */
};
struct range {
	bool is_letters;
	long long from, to, step;
	int width;
};

static int
wrong(const struct expansion *x, const char *at, const char *expected, struct err *err)
{
	char shown[SHOWN];

	return err_set(err, ERR_SYNTAX, "'%s' breaks at its character %zu: %s",
	    str_escape_to(shown, sizeof shown, x->pattern), (size_t)(at - x->pattern) + 1,
	    expected);
}

/* --- one range ------------------------------------------------------------------------------- */

static bool
read_number(const char *s, size_t len, long long *ret)
{
	if (len == 0 || len > DIGITS_MAX || strspn(s, "0123456789") < len)
		return false;
	*ret = strtoll(s, NULL, 10);
	return true;
}

static int
read_bounds(const struct expansion *x, const char *from, size_t from_len, const char *to,
    size_t to_len, struct range *ret, struct err *err)
{
	/* [:5] begins at 0. */
	if (from_len == 0) {
		from = "0";
		from_len = 1;
	}
	if (from_len == 1 && to_len == 1 && isalpha((unsigned char)*from) &&
	    isalpha((unsigned char)*to)) {
		ret->is_letters = true;
		ret->from = *from;
		ret->to = *to;
		if (!islower((unsigned char)*from) != !islower((unsigned char)*to))
			return wrong(x, to, "a range of letters has only small or only capital "
			    "ones", err);
		return 0;
	}
	if (!read_number(from, from_len, &ret->from) || !read_number(to, to_len, &ret->to))
		return wrong(x, to, "a range is two numbers or two letters, as in [01:50] or [a:f]",
		    err);
	if (*from == '0' && from_len > 1) {
		if (from_len != to_len)
			return wrong(x, to, "both ends of a range that begins with 0 need the same "
			    "number of digits", err);
		ret->width = (int)from_len;
	}
	return 0;
}

/* What stands between the brackets. */
static int
read_range(const struct expansion *x, const char *s, size_t len, struct range *ret,
    struct err *err)
{
	const char *end = s + len, *colon = memchr(s, ':', len), *second;
	int r;

	*ret = (struct range){ .step = 1 };
	if (colon == NULL)
		return wrong(x, s, "a range has a colon, as in [01:50]", err);
	second = memchr(colon + 1, ':', (size_t)(end - colon) - 1);
	r = read_bounds(x, s, (size_t)(colon - s), colon + 1,
	    (size_t)((second != NULL ? second : end) - colon) - 1, ret, err);
	if (r < 0)
		return r;
	if (second != NULL && (!read_number(second + 1, (size_t)(end - second) - 1, &ret->step) ||
	    ret->step == 0))
		return wrong(x, second + 1, "the step is not a number above 0", err);
	if (ret->to < ret->from)
		return wrong(x, colon + 1, "the range goes down", err);
	return 0;
}

/* --- all of them ----------------------------------------------------------------------------- */

static int
add_name(struct expansion *x, struct err *err)
{
	char shown[SHOWN];

	if (x->n == x->max)
		return err_set(err, ERR_LIMIT, "'%s' stands for more hosts than the %d an "
		    "inventory may have", str_escape_to(shown, sizeof shown, x->pattern),
		    INVENTORY_HOSTS_MAX);
	if (!host_name_is_valid(x->name.data))
		return err_set(err, ERR_SYNTAX, "'%s' is not the name of a host (letters, digits, "
		    "-, _ and dots, or an IP address)",
		    str_escape_to(shown, sizeof shown, x->name.data));
	if ((x->n & (x->n - 1)) == 0)
		x->v = xreallocarray(x->v, x->n > 0 ? x->n * 2 : 1, sizeof(*x->v));
	x->v[x->n++] = xstrdup(x->name.data);
	return 0;
}

static void
cut(struct buf *b, size_t len)
{
	b->len = len;
	b->data[len] = '\0';
}

/* x->name holds what comes before s. */
static int
expand(struct expansion *x, const char *s, const char *end, struct err *err)
{
	const char *open = memchr(s, '[', (size_t)(end - s)), *close;
	size_t len = x->name.len, inner;
	struct range range;
	int r;

	if (open == NULL) {
		buf_add(&x->name, s, (size_t)(end - s));
		r = add_name(x, err);
		cut(&x->name, len);
		return r;
	}
	close = memchr(open, ']', (size_t)(end - open));
	if (close == NULL)
		return wrong(x, open, "']' is missing", err);
	r = read_range(x, open + 1, (size_t)(close - open) - 1, &range, err);
	buf_add(&x->name, s, (size_t)(open - s));
	inner = x->name.len;
	for (long long i = range.from; r == 0 && i <= range.to; i += range.step) {
		if (range.is_letters)
			buf_addch(&x->name, (char)i);
		else
			buf_printf(&x->name, "%0*lld", range.width, i);
		r = expand(x, close + 1, end, err);
		cut(&x->name, inner);
	}
	cut(&x->name, len);
	return r;
}

int
inventory_expand(const char *pattern, size_t len, size_t max, char ***ret, size_t *ret_n,
    struct err *err)
{
	struct expansion x = { .pattern = pattern, .max = max };
	int r;

	if (len > HOST_PATTERN_MAX)
		return err_set(err, ERR_LIMIT, "the name of a host is longer than %d bytes",
		    HOST_PATTERN_MAX);
	/* Each bracket becomes at most as many digits as may stand in it. */
	buf_init(&x.name, HOST_PATTERN_MAX * 4);
	r = expand(&x, pattern, pattern + len, err);
	buf_done(&x.name);
	if (r == 0) {
		*ret = x.v;
		*ret_n = x.n;
		return 0;
	}
	for (size_t i = 0; i < x.n; i++)
		free(x.v[i]);
	free(x.v);
	return r;
}
