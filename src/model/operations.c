/* What the operator did that changes the world: the last few, one entry per operation however often its state changed. */
#include "config.h"

#include <string.h>

#include "model/model_priv.h"

static struct operation_entry *
entry_for(struct model *m, const char *id)
{
	for (size_t i = 0; i < m->n_operations; i++)
		if (strcmp(m->operations[i].operation->id, id) == 0)
			return &m->operations[i];
	if (m->n_operations == OPERATIONS_MAX) {
		block_unref(m->operations[0].operation);
		memmove(&m->operations[0], &m->operations[1], (OPERATIONS_MAX - 1) * sizeof m->operations[0]);
		m->n_operations--;
	}
	m->operations[m->n_operations].operation = NULL;
	return &m->operations[m->n_operations++];
}

void
operations_apply(struct model *m, const struct event *ev)
{
	const struct operation *op = ev->block;
	struct operation_entry *e = entry_for(m, op->id);

	block_replace(&e->operation, op);
	e->time_ns = ev->time_ns;
	e->source = ev->source;
	model_touch(m, MODEL_OPERATIONS | MODEL_MARKERS);
}

void
operations_clone(struct model *to, const struct model *from)
{
	to->n_operations = from->n_operations;
	for (size_t i = 0; i < from->n_operations; i++) {
		to->operations[i] = from->operations[i];
		block_ref(to->operations[i].operation);
	}
}

void
operations_done(struct model *m)
{
	for (size_t i = 0; i < m->n_operations; i++)
		block_unref(m->operations[i].operation);
	m->n_operations = 0;
}

size_t
model_n_operations(const struct model *m)
{
	return m->n_operations;
}

const struct operation *
model_operation(const struct model *m, size_t i)
{
	return m->operations[m->n_operations - 1 - i].operation;
}

int64_t
model_operation_ns(const struct model *m, size_t i)
{
	return m->operations[m->n_operations - 1 - i].time_ns;
}
