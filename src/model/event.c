#include "config.h"

#include "model/event.h"

#include <stdlib.h>

#include "base/xalloc.h"

void
event_init(struct event *ev, enum event_kind kind, int64_t time_ns, const char *source, void *block)
{
	struct block *b = block;

	*ev = (struct event){ .kind = kind, .time_ns = time_ns, .block = block };
	ev->source = source == NULL || source[0] == '\0' ? "" : arena_strdup(&b->arena, source);
}

void
event_done(struct event *ev)
{
	block_unref(ev->block);
	*ev = (struct event){ .source = "" };
}

void
event_list_add(struct event_list *l, enum event_kind kind, int64_t time_ns, const char *source, void *block)
{
	if (l->n == l->cap) {
		l->cap = l->cap == 0 ? 4 : l->cap * 2;
		l->v = xreallocarray(l->v, l->cap, sizeof *l->v);
	}
	event_init(&l->v[l->n++], kind, time_ns, source, block);
}

void
event_list_done(struct event_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		event_done(&l->v[i]);
	free(l->v);
	*l = (struct event_list){ 0 };
}
