/* A table of answers. An entry that is being asked stays where it is; others may go. */
#include "config.h"

#include "logs_names.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "base/xalloc.h"

enum { ENTRIES_MAX = 24, ASKED_MAX = 4, SCRATCH_MAX = 64 << 10 };
#define FRESH (2 * NS_PER_MIN)
#define AGAIN (10 * NS_PER_S)	/* what failed */

struct entry {
	struct logs_names *table;
	char *source, *label, *selector;
	int64_t start_ns, span_ns;	/* start 0: the live range of that length */
	int64_t asked_ns;
	unsigned used;			/* the higher the later */
	bool is_asking;
	struct arena mem;		/* of names */
	struct strings names;
	char error[200];		/* "" none */
};

struct logs_names {
	struct sources *sources;
	const struct redact *redact;
	const struct timerange *range;
	struct entry *v[ENTRIES_MAX];
	size_t n, n_asking;
	unsigned n_uses;
	logs_names_cb *cb;
	void *arg;
};

/* --- entries ----------------------------------------------------------------------------------------------------- */

static void
entry_free(struct entry *e)
{
	free(e->source);
	free(e->label);
	free(e->selector);
	arena_done(&e->mem);
	free(e);
}

static struct entry *
find(const struct logs_names *t, const struct log_names_want *w, int64_t start_ns, int64_t span_ns)
{
	for (size_t i = 0; i < t->n; i++) {
		struct entry *e = t->v[i];

		if (str_eq(e->source, w->source) && str_eq(e->label, w->label) && str_eq(e->selector, w->selector) && e->start_ns == start_ns &&
		    e->span_ns == span_ns)
			return e;
	}
	return NULL;
}

/* SIZE_MAX: all are being asked. */
static size_t
place_for_one(struct logs_names *t)
{
	size_t at = SIZE_MAX;

	if (t->n < ENTRIES_MAX)
		return t->n++;
	for (size_t i = 0; i < t->n; i++)
		if (!t->v[i]->is_asking && (at == SIZE_MAX || t->v[i]->used < t->v[at]->used))
			at = i;
	if (at != SIZE_MAX)
		entry_free(t->v[at]);
	return at;
}

static struct entry *
add(struct logs_names *t, const struct log_names_want *w, int64_t start_ns, int64_t span_ns)
{
	size_t at = place_for_one(t);
	struct entry *e;

	if (at == SIZE_MAX)
		return NULL;
	e = xcalloc(1, sizeof *e);
	*e = (struct entry){ .table = t, .source = xstrdup(w->source), .label = xstrdup_or_null(w->label), .selector = xstrdup_or_null(w->selector),
		.start_ns = start_ns, .span_ns = span_ns };
	t->v[at] = e;
	return e;
}

/* --- asking ------------------------------------------------------------------------------------------------------ */

static void
take_names(struct entry *e, const struct strings *names)
{
	const char **v;
	struct buf scratch;

	arena_done(&e->mem);
	e->mem = (struct arena)ARENA_INIT;
	v = arena_alloc(&e->mem, names->n * sizeof *v + 1);
	e->names = (struct strings){ 0, v };
	buf_init(&scratch, SCRATCH_MAX);
	for (size_t i = 0; i < names->n; i++) {
		buf_reset(&scratch);
		if (!redact_text(e->table->redact, names->v[i], strlen(names->v[i]), &scratch))
			v[e->names.n++] = arena_strdup(&e->mem, names->v[i]);
	}
	buf_done(&scratch);
}

static void
on_names(const struct strings *names, const char *error, void *arg)
{
	struct entry *e = arg;
	struct logs_names *t = e->table;

	e->is_asking = false;
	t->n_asking--;
	*e->error = '\0';
	/* What was known before is better than nothing. */
	if (error != NULL)
		str_escape_to(e->error, sizeof e->error, error);
	else
		take_names(e, names);
	if (t->cb != NULL)
		t->cb(t->arg);
}

static void
ask(struct logs_names *t, struct entry *e)
{
	const struct log_names_want w = { .source = e->source, .label = e->label, .selector = e->selector, .start_ns = t->range->start_ns,
		.end_ns = t->range->end_ns };
	struct err err = ERR_INIT;

	e->asked_ns = clock_now();
	e->is_asking = true;
	t->n_asking++;
	if (sources_log_names(t->sources, &w, on_names, e, &err) == 0)
		return;
	e->is_asking = false;
	t->n_asking--;
	str_escape_to(e->error, sizeof e->error, err.msg);
}

static bool
is_old(const struct entry *e)
{
	int64_t age = clock_now() - e->asked_ns;

	return e->asked_ns == 0 || age < 0 || age >= (*e->error != '\0' ? AGAIN : FRESH);
}

struct logs_told
logs_names_get(struct logs_names *t, const struct log_names_want *w)
{
	int64_t span_ns = t->range->end_ns - t->range->start_ns, start_ns = t->range->is_live ? 0 : t->range->start_ns;
	struct entry *e = find(t, w, start_ns, span_ns);

	if (e == NULL)
		e = add(t, w, start_ns, span_ns);
	if (e == NULL)
		return (struct logs_told){ .is_asking = true };
	e->used = ++t->n_uses;
	/* Others first: what is wanted still is asked for when it is wanted again. */
	if (!e->is_asking && is_old(e) && t->n_asking < ASKED_MAX)
		ask(t, e);
	return (struct logs_told){ .names = e->names, .is_asking = e->is_asking, .error = *e->error != '\0' ? e->error : NULL };
}

/* --- life -------------------------------------------------------------------------------------------------------- */

void
logs_names_on_more(struct logs_names *t, logs_names_cb *cb, void *arg)
{
	t->cb = cb;
	t->arg = arg;
}

struct logs_names *
logs_names_new(struct sources *s, const struct redact *redact, const struct timerange *range)
{
	struct logs_names *t = xcalloc(1, sizeof *t);

	*t = (struct logs_names){ .sources = s, .redact = redact, .range = range };
	return t;
}

void
logs_names_free(struct logs_names *t)
{
	if (t == NULL)
		return;
	for (size_t i = 0; i < t->n; i++)
		entry_free(t->v[i]);
	free(t);
}
