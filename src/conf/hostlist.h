/*
 * Names of hosts: patterns such as web-[01-20], and the natural order of names.
 *
 * Grammar of a name (design: hosts from outside match it strictly): labels of letters, digits, '-' and '_' joined by '.', none beginning with '-', each at
 * most 63 and all at most 253 bytes; or an IP address. What ends in a number must be an address with four: some programs take "127.1" or "0x7f000001" for one.
 * A pattern has any number of [..] lists of numbers and ranges; the width of the first number is kept: [01-03] is 01 02 03.
 * "a-[1-2],b" is three names. '!' before one takes names away, wherever it stands: "web-[1-9],!web-3".
 */
#ifndef OPS_CONF_HOSTLIST_H
#define OPS_CONF_HOSTLIST_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/hostfold.h"

enum { HOSTLIST_MAX = 10000, HOST_NAME_MAX_BYTES = 253, HOST_PATTERN_MAX = 2000 };

struct hostlist {
	size_t n, cap;
	char **v;		/* natural order, each once, after hostlist_finish() */
	size_t n_not, cap_not;
	char **not;		/* to be taken away by hostlist_finish() */
};
bool host_name_is_valid(const char *name);
/* A name to log in with: letters, digits and any of ._-+@$\, not beginning with '-'. */
bool host_user_is_valid(const char *user);
/* -1, 0, 1: runs of digits compare as numbers. */
int host_compare(const char *a, const char *b);
/* Add what pattern stands for. 0, ERR_SYNTAX with the column, ERR_LIMIT: then nothing is added. */
int hostlist_add(struct hostlist *l, const char *pattern, struct err *err);
void hostlist_finish(struct hostlist *l);
void hostlist_done(struct hostlist *l);
/* "web-[01-03,07]": the shortest pattern of names that are sorted; appended. */
static inline void
hostlist_fold(struct buf *out, const char *const *names, size_t n)
{
	host_fold(out, names, n);
}

#endif
