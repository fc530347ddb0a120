/* Lines that somebody wants: a slot for each want, and what is told of it beside events. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/xalloc.h"
#include "source/log_round.h"
#include "source/sources_priv.h"

struct log_slot {
	struct log_want want;		/* strings owned */
	struct log_arg arg;
};

/* --- wants ---------------------------------------------------------------------------------------------------------------------- */

void
log_slot_free(struct log_slot *l)
{
	if (l == NULL)
		return;
	/* Owned here, const for everybody else. */
	free((char *)(uintptr_t)l->want.id);
	free((char *)(uintptr_t)l->want.source);
	free((char *)(uintptr_t)l->want.query);
	free(l);
}

static struct log_slot *
log_slot_new(const struct sources *s, const struct log_want *w)
{
	struct log_slot *l = xcalloc(1, sizeof *l);

	l->want = *w;
	l->want.id = xstrdup(w->id);
	l->want.source = xstrdup(w->source);
	l->want.query = xstrdup_or_null(w->query);
	l->arg = (struct log_arg){ .want = &l->want, .redact = s->log_redact, .page = s->log_page };
	return l;
}

static bool
is_same(const struct log_want *a, const struct log_want *b)
{
	return str_eq(a->source, b->source) && str_eq(a->query, b->query) && a->start_ns == b->start_ns && a->end_ns == b->end_ns &&
	    a->is_forward == b->is_forward && a->limit == b->limit && a->is_follow == b->is_follow && a->late_ns == b->late_ns &&
	    a->is_count == b->is_count;
}

static const struct chain_ops *
chain_of(const struct source *source)
{
	if (source != NULL && str_eq(source->conf->type, "elasticsearch"))
		return &elastic_chain;
	return source != NULL && str_eq(source->conf->type, "journald") ? &journald_chain : &loki_chain;
}

static struct slot *
slot_of_log(struct sources *s, const char *id)
{
	struct slot *slot;

	TAILQ_FOREACH(slot, &s->slots, next)
		if (slot->log != NULL && str_eq(slot->log->want.id, id))
			return slot;
	return NULL;
}

static void
take_want(struct sources *s, const struct log_want *w)
{
	struct slot *slot = slot_of_log(s, w->id);

	if (slot != NULL && is_same(&slot->log->want, w)) {
		slot->is_wanted = true;
		slot->log->arg.redact = s->log_redact;
		return;
	}
	if (slot != NULL)
		slot_free(slot);
	slot = slot_new(s, source_find(s, w->source), w->id);
	slot->want.source = xstrdup(w->source);
	slot->log = log_slot_new(s, w);
	slot->chain = chain_of(slot->source);
	slot->chain_arg = &slot->log->arg;
	slot->period_ns = w->is_follow && slot->source != NULL ? slot->source->conf->interval_ns : 0;
	slot->is_wanted = true;
}

void
sources_logs(struct sources *s, const struct log_want *v, size_t n, const struct redact *redact)
{
	struct slot *slot, *after;

	s->log_redact = redact;
	TAILQ_FOREACH(slot, &s->slots, next)
		if (slot->log != NULL)
			slot->is_wanted = false;
	for (size_t i = 0; i < n; i++)
		take_want(s, &v[i]);
	for (slot = TAILQ_FIRST(&s->slots); slot != NULL; slot = after) {
		after = TAILQ_NEXT(slot, next);
		if (slot->log != NULL && !slot->is_wanted)
			slot_free(slot);
	}
	sources_arm(s);
}

/* --- what is told --------------------------------------------------------------------------------------------------------------- */

struct log_told {
	char *id;
	bool is_whole;
	struct err err;
};

void
sources_logs_done(struct sources *s, log_done_cb *cb, void *arg)
{
	s->log_done = cb;
	s->log_done_arg = arg;
}

void
sources_logs_counts(struct sources *s, log_counts_cb *cb, void *arg)
{
	s->log_counts = cb;
	s->log_counts_arg = arg;
}

struct log_told *
log_told_take(const struct slot *slot, const struct err *err)
{
	struct log_told *t;

	if (slot->log == NULL)
		return NULL;
	t = xcalloc(1, sizeof *t);
	*t = (struct log_told){ .id = xstrdup(slot->log->want.id), .is_whole = err->code == 0 && slot->outcome.is_whole, .err = *err };
	return t;
}

void
log_told(struct sources *s, struct log_told *t)
{
	if (t == NULL)
		return;
	if (s->log_done != NULL)
		s->log_done(t->id, t->is_whole, t->err.code != 0 ? t->err.msg : NULL, s->log_done_arg);
	free(t->id);
	free(t);
}

bool
log_take_event(struct sources *s, const struct event *ev)
{
	if (ev->kind != EVENT_KINDS)
		return false;
	if (s->log_counts != NULL)
		s->log_counts(ev->block, s->log_counts_arg);
	return true;
}

/* --- names ---------------------------------------------------------------------------------------------------------------------- */

struct log_names {
	LIST_ENTRY(log_names) next;
	const struct log_store *store;
	char *label;
	log_names_cb *cb;
	void *arg;
};

static void
names_free(struct log_names *l)
{
	LIST_REMOVE(l, next);
	free(l->label);
	free(l);
}

/* Their requests went with the writes. */
void
log_names_cancel(struct sources *s)
{
	while (!LIST_EMPTY(&s->log_names))
		names_free(LIST_FIRST(&s->log_names));
}

static void
on_names(const struct write_result *result, void *arg)
{
	struct log_names *l = arg;
	struct arena mem = ARENA_INIT;
	struct log_names_list list;
	struct strings names;
	struct err err = result->err;

	log_names_begin(&list, &mem);
	if (err.code == 0 && result->answer.status / 100 != 2)
		l->store->decoder->refuse(NULL, &result->answer, result->body, result->len, &err);
	if (err.code == 0)
		l->store->named(l->label, result->body, result->len, &list, &err);
	names = log_names_take(&list);
	l->cb(&names, err.code != 0 ? err.msg : NULL, l->arg);
	names_free(l);
	arena_done(&mem);
}

int
sources_log_names(struct sources *s, const struct log_names_want *w, log_names_cb *cb, void *arg, struct err *err)
{
	const struct source *from = source_find(s, w->source);
	const struct log_store *store = from == NULL ? NULL : log_store_find(from->conf->type);
	struct log_names *l;
	struct request request;
	char shown[64];
	int r;

	if (store == NULL)
		return err_set(err, ERR_NOTFOUND, "'%s' is no store of lines in this environment", str_escape_to(shown, sizeof shown, w->source));
	r = store->names(from->conf, w, &request, err);
	if (r < 0)
		return r;
	l = xcalloc(1, sizeof *l);
	*l = (struct log_names){ .store = store, .label = xstrdup_or_null(w->label), .cb = cb, .arg = arg };
	LIST_INSERT_HEAD(&s->log_names, l, next);
	r = sources_write(s, w->source, &request, on_names, l, err);
	request_done(&request);
	if (r < 0)
		names_free(l);
	return r;
}
