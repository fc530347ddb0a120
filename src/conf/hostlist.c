/* Patterns to names. The way back is base/hostfold.c. */
#include "config.h"

#include "conf/hostlist.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "model/registry.h"

enum { SHOWN = 96, LABEL_MAX = 63, USER_MAX = 64, DIGITS_MAX = 15, LISTS_MAX = 16 };

static const char alnum[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/* --- one name -------------------------------------------------------------------------------- */

static bool
is_label(const char *s, size_t len)
{
	if (len == 0 || len > LABEL_MAX || s[0] == '-')
		return false;
	for (size_t i = 0; i < len; i++)
		if (strchr(alnum, s[i]) == NULL && s[i] != '-' && s[i] != '_')
			return false;
	return true;
}

/* Whether inet_aton() and its kin would read the last label as a number. */
static bool
ends_in_number(const char *name)
{
	const char *last = strrchr(name, '.');

	last = last != NULL ? last + 1 : name;
	if (strncasecmp(last, "0x", 2) == 0)
		return last[2 + strspn(last + 2, "0123456789abcdefABCDEF")] == '\0';
	return last[strspn(last, "0123456789")] == '\0';
}

static bool
is_address(int family, const char *name)
{
	unsigned char address[sizeof(struct in6_addr)];

	return inet_pton(family, name, address) == 1;
}

bool
host_name_is_valid(const char *name)
{
	const char *p = name, *end;

	if (strlen(name) > HOST_NAME_MAX_BYTES)
		return false;
	if (strchr(name, ':') != NULL)
		return is_address(AF_INET6, name);
	for (;; p = end + 1) {
		end = p + strcspn(p, ".");
		if (!is_label(p, (size_t)(end - p)))
			return false;
		if (*end == '\0')
			break;
	}
	return !ends_in_number(name) || is_address(AF_INET, name);
}

bool
host_user_is_valid(const char *user)
{
	size_t len = strlen(user);

	if (len == 0 || len > USER_MAX || user[0] == '-')
		return false;
	for (size_t i = 0; i < len; i++)
		if (strchr(alnum, user[i]) == NULL && strchr("._-+@$\\", user[i]) == NULL)
			return false;
	return true;
}

/* One order everywhere: the model sorts hosts, too. */
int
host_compare(const char *a, const char *b)
{
	return host_name_compare(a, b);
}

/* --- the lists of a term --------------------------------------------------------------------- */

struct range {
	uint64_t lo, hi;
	int width;
};
/* What stands in one pair of brackets. */
struct numbers {
	struct range *v;
	size_t n, count;
};
/* "web-[01-03]-[1,2].example": the texts around the lists, and the lists. */
struct term {
	const char *pattern;
	const char *text[LISTS_MAX + 1];
	size_t len[LISTS_MAX + 1];
	struct numbers lists[LISTS_MAX];
	size_t n, count;	/* lists; names it stands for */
};

static int
wrong(const struct term *t, const char *at, const char *expected, struct err *err)
{
	char shown[SHOWN];

	return err_set(err, ERR_SYNTAX, "'%s' breaks at column %zu: %s",
	    str_escape_to(shown, sizeof shown, t->pattern), (size_t)(at - t->pattern) + 1,
	    expected);
}

static int
too_many(const struct term *t, struct err *err)
{
	char shown[SHOWN];

	return err_set(err, ERR_LIMIT, "'%s' makes it more than %d hosts",
	    str_escape_to(shown, sizeof shown, t->pattern), HOSTLIST_MAX);
}

static int
read_number(const struct term *t, const char **p, uint64_t *ret, int *ret_width, struct err *err)
{
	size_t n = strspn(*p, "0123456789");

	if (n == 0)
		return wrong(t, *p, "a number is expected in brackets, as in web-[01-20]", err);
	if (n > DIGITS_MAX)
		return wrong(t, *p, "the number has more than 15 digits", err);
	*ret = strtoull(*p, NULL, 10);
	*ret_width = (int)n;
	*p += n;
	return 0;
}

/* "07" or "01-20"; *p stands at its first digit. */
static int
read_range(struct term *t, const char **p, struct range *ret, struct err *err)
{
	const char *at = *p;
	int width, r = read_number(t, p, &ret->lo, &ret->width, err);

	ret->hi = ret->lo;
	if (r < 0 || **p != '-')
		return r;
	(*p)++;
	at = *p;
	r = read_number(t, p, &ret->hi, &width, err);
	if (r < 0)
		return r;
	if (ret->hi < ret->lo)
		return wrong(t, at, "the range goes down; the smaller number comes first", err);
	/* [1-010]: is the first of them 1 or 001? */
	if (*at == '0' && width != ret->width)
		return wrong(t, at, "both ends of a range need the same number of digits where "
		    "one begins with 0", err);
	return ret->hi - ret->lo < HOSTLIST_MAX ? 0 : too_many(t, err);
}

/* *p stands behind '['. */
static int
read_numbers(struct term *t, struct numbers *l, const char **p, struct err *err)
{
	int r;

	for (;; (*p)++) {
		l->v = xreallocarray(l->v, l->n + 1, sizeof(*l->v));
		r = read_range(t, p, &l->v[l->n], err);
		if (r < 0)
			return r;
		l->count += (size_t)(l->v[l->n].hi - l->v[l->n].lo) + 1;
		l->n++;
		if (l->count > HOSTLIST_MAX)
			return too_many(t, err);
		if (**p != ',')
			break;
	}
	if (**p != ']')
		return wrong(t, *p, "',' or ']' is expected", err);
	(*p)++;
	t->count *= l->count;	/* both at most HOSTLIST_MAX */
	return t->count <= HOSTLIST_MAX ? 0 : too_many(t, err);
}

/* Up to the ',' outside brackets, or the end. */
static int
read_term(struct term *t, const char **p, struct err *err)
{
	int r;

	for (;;) {
		t->text[t->n] = *p;
		t->len[t->n] = strcspn(*p, "[],! \t");
		*p += t->len[t->n];
		if (**p != '[')
			break;
		if (t->n == LISTS_MAX)
			return wrong(t, *p, "more than 16 pairs of brackets", err);
		(*p)++;
		r = read_numbers(t, &t->lists[t->n++], p, err);
		if (r < 0)
			return r;
	}
	if (**p == '\0' || **p == ',' || **p == ' ')
		return 0;
	return wrong(t, *p, **p == ']' ? "']' has no '['" : "no name of a host has this", err);
}

static void
term_done(struct term *t)
{
	for (size_t i = 0; i < LISTS_MAX; i++)
		free(t->lists[i].v);
}

/* --- the names of a term --------------------------------------------------------------------- */

static void
add_number(struct buf *b, const struct numbers *l, size_t i)
{
	const struct range *range = l->v;

	while (i > range->hi - range->lo) {
		i -= (size_t)(range->hi - range->lo) + 1;
		range++;
	}
	buf_printf(b, "%0*llu", range->width, (unsigned long long)(range->lo + i));
}

/* The i-th of its names; the last list turns fastest. */
static void
write_name(struct buf *b, const struct term *t, size_t i)
{
	size_t rest = t->count;

	buf_reset(b);
	for (size_t k = 0; k <= t->n; k++) {
		buf_add(b, t->text[k], t->len[k]);
		if (k == t->n)
			break;
		rest /= t->lists[k].count;
		add_number(b, &t->lists[k], i / rest);
		i %= rest;
	}
}

struct names {
	char ***v;
	size_t *n, *cap;
};

static void
names_add(struct names *names, const char *name)
{
	if (*names->n == *names->cap) {
		*names->cap = *names->cap > 0 ? *names->cap * 2 : 16;
		*names->v = xreallocarray(*names->v, *names->cap, sizeof(**names->v));
	}
	(*names->v)[(*names->n)++] = xstrdup(name);
}

static int
not_a_name(const struct term *t, const char *name, struct err *err)
{
	char shown[SHOWN], in[SHOWN];

	if (name[0] == '\0')
		return wrong(t, t->text[0], "the name of a host is expected", err);
	str_escape_to(shown, sizeof shown, name);
	if (str_eq(name, t->pattern))
		return err_set(err, ERR_SYNTAX, "'%s' is not the name of a host (letters, digits, "
		    "-, _ and dots, or an IP address)", shown);
	return err_set(err, ERR_SYNTAX, "'%s' breaks at column %zu: '%s' is not the name of a host "
	    "(letters, digits, -, _ and dots, or an IP address)",
	    str_escape_to(in, sizeof in, t->pattern), (size_t)(t->text[0] - t->pattern) + 1, shown);
}

static int
add_names(struct names *names, const struct term *t, struct err *err)
{
	struct buf b;
	int r = 0;

	if (*names->n + t->count > HOSTLIST_MAX)
		return too_many(t, err);
	buf_init(&b, HOST_PATTERN_MAX + LISTS_MAX * DIGITS_MAX);
	for (size_t i = 0; i < t->count && r == 0; i++) {
		write_name(&b, t, i);
		if (host_name_is_valid(b.data))
			names_add(names, b.data);
		else
			r = not_a_name(t, b.data, err);
	}
	buf_done(&b);
	return r;
}

/* --- a list ---------------------------------------------------------------------------------- */

static void
cut(char **v, size_t *n, size_t to)
{
	while (*n > to)
		free(v[--*n]);
}

static int
add_term(struct hostlist *l, const char *pattern, const char **p, struct err *err)
{
	struct term t = { .pattern = pattern, .count = 1 };
	struct names names = { &l->v, &l->n, &l->cap };
	int r;

	if (**p == '!') {
		names = (struct names){ &l->not, &l->n_not, &l->cap_not };
		(*p)++;
	}
	r = read_term(&t, p, err);
	if (r == 0)
		r = add_names(&names, &t, err);
	term_done(&t);
	return r;
}

int
hostlist_add(struct hostlist *l, const char *pattern, struct err *err)
{
	const struct term whole = { .pattern = pattern };
	size_t n = l->n, n_not = l->n_not;
	const char *p = pattern;
	int r = 0;

	if (strlen(pattern) > HOST_PATTERN_MAX)
		return err_set(err, ERR_LIMIT, "the pattern is longer than %d bytes",
		    HOST_PATTERN_MAX);
	while (r == 0) {
		p += strspn(p, " ");
		r = add_term(l, pattern, &p, err);
		p += strspn(p, " ");
		if (r < 0 || *p == '\0')
			break;
		if (*p != ',')
			r = wrong(&whole, p, "',' is expected between names", err);
		else
			p++;
	}
	if (r < 0) {
		cut(l->v, &l->n, n);
		cut(l->not, &l->n_not, n_not);
	}
	return r;
}

static int
compare_names(const void *a, const void *b)
{
	return host_compare(*(char *const *)a, *(char *const *)b);
}

/* Sort, and keep each once. */
static void
sort_names(char **v, size_t *n)
{
	size_t kept = 0;

	if (*n > 1)
		qsort(v, *n, sizeof(*v), compare_names);
	for (size_t i = 0; i < *n; i++) {
		if (kept > 0 && str_eq(v[kept - 1], v[i]))
			free(v[i]);
		else
			v[kept++] = v[i];
	}
	*n = kept;
}

void
hostlist_finish(struct hostlist *l)
{
	size_t kept = 0, k = 0;

	sort_names(l->v, &l->n);
	sort_names(l->not, &l->n_not);
	for (size_t i = 0; i < l->n; i++) {
		while (k < l->n_not && host_compare(l->not[k], l->v[i]) < 0)
			k++;
		if (k < l->n_not && str_eq(l->not[k], l->v[i]))
			free(l->v[i]);
		else
			l->v[kept++] = l->v[i];
	}
	l->n = kept;
}

void
hostlist_done(struct hostlist *l)
{
	cut(l->v, &l->n, 0);
	cut(l->not, &l->n_not, 0);
	free(l->v);
	free(l->not);
	*l = (struct hostlist){ 0 };
}
