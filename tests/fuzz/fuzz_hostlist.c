/*
 * Patterns of hosts of any bytes, one on each line: names are valid, sorted and each there once; what they fold to is no
 * longer than they are, and stands for them again. A line that is no pattern changes nothing.
 */
#include "config.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "conf/hostlist.h"

enum { FOLDED_MAX = 300, LINES_MAX = 40 };	/* so that one input takes no time */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void __attribute__((noreturn))
die(const char *what)
{
	fprintf(stderr, "%s\n", what);
	abort();
}

static void
add_line(struct hostlist *l, const char *line)
{
	size_t n = l->n, n_not = l->n_not;
	struct err err = ERR_INIT;
	int r = hostlist_add(l, line, &err);

	if (r != err.code)
		die("result and error disagree");
	if (r < 0 && (l->n != n || l->n_not != n_not))
		die("half a pattern was kept");
	if (r < 0 && (!utf8_is_valid(err.msg, strlen(err.msg)) || strpbrk(err.msg, "\n\033") != NULL))
		die("a sentence that cannot be shown");
	if (l->n > HOSTLIST_MAX || l->n_not > HOSTLIST_MAX)
		die("too many");
}

static void
check_names(const struct hostlist *l)
{
	for (size_t i = 0; i < l->n; i++) {
		if (!host_name_is_valid(l->v[i]))
			die("a name that is none");
		if (i > 0 && host_compare(l->v[i - 1], l->v[i]) >= 0)
			die("names out of order");
	}
}

static void
check_fold(const struct hostlist *l)
{
	size_t n = l->n < FOLDED_MAX ? l->n : FOLDED_MAX, plain = 0;
	struct hostlist back = { 0 };
	struct buf b;

	if (n == 0)
		return;
	buf_init(&b, 1 << 20);
	hostlist_fold(&b, (const char *const *)l->v, n);
	for (size_t i = 0; i < n; i++)
		plain += strlen(l->v[i]) + 1;
	if (b.len >= plain)
		die("folded names are longer");
	/* The ceiling of a pattern is one of what people write. */
	if (b.len <= HOST_PATTERN_MAX) {
		if (hostlist_add(&back, b.data, NULL) < 0)
			die("folded names cannot be read");
		hostlist_finish(&back);
		if (back.n != n)
			die("folding lost names");
		for (size_t i = 0; i < n; i++)
			if (strcmp(back.v[i], l->v[i]) != 0)
				die("folding changed a name");
	}
	hostlist_done(&back);
	buf_done(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct hostlist l = { 0 };
	char *text = xstrndup((const char *)data, size), *next;
	int n = 0;

	for (char *p = text; p != NULL && n < LINES_MAX; p = next, n++) {
		next = strchr(p, '\n');
		if (next != NULL)
			*next++ = '\0';
		add_line(&l, p);
		host_user_is_valid(p);
	}
	hostlist_finish(&l);
	check_names(&l);
	check_fold(&l);
	hostlist_done(&l);
	free(text);
	return 0;
}
