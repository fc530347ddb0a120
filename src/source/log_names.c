/* Names that a store tells, for completion: in any order as they come, sorted and each once as they are taken. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "source/log_round.h"

static int
by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void
settle(struct log_names_list *l)
{
	size_t n = 0;

	if (l->n > 1)
		qsort((void *)(uintptr_t)l->v, l->n, sizeof *l->v, by_text);
	for (size_t i = 0; i < l->n; i++)
		if (n == 0 || strcmp(l->v[n - 1], l->v[i]) != 0)
			l->v[n++] = l->v[i];
	l->n = n;
}

bool
log_names_add(struct log_names_list *l, struct slice name)
{
	const char *word;

	/* Series say the same values again and again: they are sorted out each time that there is no more room. */
	if (l->n == LOG_NAMES_ROOM) {
		settle(l);
		if (l->n > LOG_NAMES_MAX)
			return false;
	}
	word = slice_word(l->mem, name, LOG_LABEL_VALUE_MAX);
	if (word != NULL)
		l->v[l->n++] = word;
	return true;
}

struct strings
log_names_take(struct log_names_list *l)
{
	settle(l);
	return (struct strings){ l->n < LOG_NAMES_MAX ? l->n : LOG_NAMES_MAX, l->v };
}

void
log_names_begin(struct log_names_list *l, struct arena *mem)
{
	*l = (struct log_names_list){ .mem = mem, .v = arena_alloc(mem, LOG_NAMES_ROOM * sizeof *l->v) };
}
