/* Queries that somebody wants answered: keeping the list, and what to ask when one is due. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "source/sources_priv.h"

void
want_done(struct query_want *w)
{
	/* Owned by the slot, const for everybody else. */
	free((char *)(uintptr_t)w->id);
	free((char *)(uintptr_t)w->source);
	free((char *)(uintptr_t)w->expr);
	*w = (struct query_want){ 0 };
}

static void
want_copy(struct query_want *to, const struct query_want *from)
{
	*to = *from;
	to->id = xstrdup(from->id);
	to->source = xstrdup(from->source);
	to->expr = xstrdup(from->expr);
}

/* A live range moves with the clock, and that alone is no change. */
static bool
is_same(const struct query_want *a, const struct query_want *b)
{
	bool is_same_range = a->is_live && b->is_live ?
	    a->end_ns - a->start_ns == b->end_ns - b->start_ns :
	    a->is_live == b->is_live && a->start_ns == b->start_ns && a->end_ns == b->end_ns;

	return is_same_range && a->step_ns == b->step_ns && a->at_ns == b->at_ns && a->every_ns == b->every_ns &&
	    str_eq(a->source, b->source) && str_eq(a->expr, b->expr);
}

static struct slot *
slot_of_want(struct sources *s, const char *id)
{
	struct slot *slot;

	TAILQ_FOREACH(slot, &s->slots, next)
		if (slot_is_query(slot) && str_eq(slot->want.id, id))
			return slot;
	return NULL;
}

static void
take_want(struct sources *s, const struct query_want *w)
{
	struct slot *slot = slot_of_want(s, w->id);

	if (slot != NULL && is_same(&slot->want, w)) {
		slot->is_wanted = true;
		return;
	}
	/* What is under way answers a question that nobody asks any more. */
	if (slot != NULL)
		slot_free(slot);
	slot = slot_new(s, source_find(s, w->source), w->id);
	want_copy(&slot->want, w);
	slot->period_ns = w->every_ns;
	slot->is_wanted = true;
}

void
sources_want(struct sources *s, const struct query_want *v, size_t n)
{
	struct slot *slot, *after;

	TAILQ_FOREACH(slot, &s->slots, next)
		slot->is_wanted = false;
	for (size_t i = 0; i < n; i++)
		take_want(s, &v[i]);
	for (slot = TAILQ_FIRST(&s->slots); slot != NULL; slot = after) {
		after = TAILQ_NEXT(slot, next);
		if (slot_is_query(slot) && !slot->is_wanted)
			slot_free(slot);
	}
	sources_arm(s);
}

static int64_t
align_down(int64_t t, int64_t step)
{
	int64_t rest = t % step;

	return t - (rest < 0 ? rest + step : rest);
}

int
want_request(const struct slot *slot, struct request *ret, struct decode_ctx *ctx, struct err *err)
{
	const struct query_want *w = &slot->want;
	char shown[64];

	if (slot->source == NULL)
		return err_set(err, ERR_NOTFOUND, "there is no source '%s' in this environment",
		    str_escape_to(shown, sizeof shown, w->source));
	if (slot->source->ops->query == NULL)
		return err_set(err, ERR_UNSUPPORTED, "%s (%s) answers no queries: name a Prometheus as source",
		    slot->source->conf->name, slot->source->conf->type);
	ctx->query = w->id;
	ctx->step_ns = w->step_ns;
	ctx->start_ns = w->start_ns;
	ctx->end_ns = w->end_ns;
	if (w->step_ns <= 0) {
		ctx->start_ns = ctx->end_ns = w->at_ns != 0 ? w->at_ns : clock_now();
	} else if (w->is_live) {
		/* On the same points of time each poll: a graph does not flicker, and the server's own cache
		 * helps. */
		ctx->end_ns = align_down(clock_now(), w->step_ns);
		ctx->start_ns = align_down(ctx->end_ns - (w->end_ns - w->start_ns), w->step_ns);
	}
	return slot->source->ops->query(w, ctx->start_ns, ctx->end_ns, ret, err);
}
