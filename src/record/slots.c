#include "config.h"

#include "record/slots.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/xalloc.h"

static void
slot_done(struct slot *slot)
{
	if (slot->name == NULL)
		return;
	free(slot->name);
	event_done(&slot->ev);
}

void
slots_done(struct slots *s)
{
	for (size_t i = 0; i < s->cap; i++)
		slot_done(&s->v[i]);
	free(s->v);
	*s = (struct slots){ 0 };
}

/* Where name is, or would be. There is always a free place. */
static struct slot *
place(const struct slots *s, const char *name)
{
	size_t i = (size_t)str_hash(name, strlen(name), STR_HASH_SEED) & (s->cap - 1);

	while (s->v[i].name != NULL && strcmp(s->v[i].name, name) != 0)
		i = (i + 1) & (s->cap - 1);
	return &s->v[i];
}

struct slot *
slots_find(const struct slots *s, const char *name)
{
	struct slot *slot;

	if (s->cap == 0)
		return NULL;
	slot = place(s, name);
	return slot->name != NULL ? slot : NULL;
}

static void
grow(struct slots *s)
{
	struct slots larger = { .n = s->n, .cap = s->cap == 0 ? 64 : s->cap * 2 };

	larger.v = xcalloc(larger.cap, sizeof *larger.v);
	for (size_t i = 0; i < s->cap; i++)
		if (s->v[i].name != NULL)
			*place(&larger, s->v[i].name) = s->v[i];
	free(s->v);
	*s = larger;
}

struct slot *
slots_get(struct slots *s, const char *name)
{
	struct slot *slot;

	if ((s->n + 1) * 4 > s->cap * 3)
		grow(s);
	slot = place(s, name);
	if (slot->name == NULL) {
		*slot = (struct slot){ .name = xstrdup(name), .ev.source = "" };
		s->n++;
	}
	return slot;
}

void
slot_keep(struct slot *slot, const struct event *ev)
{
	struct event kept = *ev;

	kept.block = block_ref(ev->block);
	event_done(&slot->ev);
	slot->ev = kept;
}
