#include "config.h"

#include "ui/op.h"

#include <stdarg.h>
#include <stdlib.h>

#include "base/xalloc.h"

struct op *
op_new(enum op_kind kind)
{
	struct op *op = xcalloc(1, sizeof *op);

	op->kind = kind;
	return op;
}

struct op *
op_text(enum op_kind kind, const char *fmt, ...)
{
	struct op *op = op_new(kind);
	va_list ap;

	va_start(ap, fmt);
	op->text = xvasprintf(fmt, ap);
	va_end(ap);
	return op;
}

static size_t
confirm_count(const struct op *op)
{
	size_t n = 0;

	while (op->confirm != NULL && op->confirm[n] != NULL)
		n++;
	return n;
}

void
op_confirm_line(struct op *op, const char *fmt, ...)
{
	size_t n = confirm_count(op);
	va_list ap;

	op->confirm = xreallocarray(op->confirm, n + 2, sizeof *op->confirm);
	va_start(ap, fmt);
	op->confirm[n] = xvasprintf(fmt, ap);
	va_end(ap);
	op->confirm[n + 1] = NULL;
}

void
op_free(struct op *op)
{
	size_t n;

	if (op == NULL)
		return;
	n = confirm_count(op);
	for (size_t i = 0; i < n; i++)
		free(op->confirm[i]);
	free(op->confirm);
	silence_block_free(op->silence);
	free(op->source);
	free(op->text);
	free(op->arg);
	free(op);
}

bool
op_writes(const struct op *op)
{
	switch (op->kind) {
	case OP_SILENCE: case OP_ACK: case OP_EXPIRE:
	case OP_SLO_EXCLUDE: case OP_SLO_INCLUDE:
	case OP_RUN_GO: case OP_RUN_SKIP: case OP_RUN_RETRY: case OP_RUN_UNDO: case OP_RUN_ANSWER:
	case OP_NOTE: case OP_INCIDENT_OPEN: case OP_INCIDENT_CLOSE:
		return true;
	default:
		return false;
	}
}

/* --- drafts of silences ---------------------------------------------------------------------- */

static const char *
copy_text(struct arena *a, const char *text)
{
	return arena_strdup(a, text != NULL ? text : "");
}

static void
copy_silence(struct silence_block *b, const struct silence *from)
{
	struct matcher *matchers;

	b->silence = *from;
	b->silence.id = copy_text(&b->arena, from->id);
	b->silence.created_by = copy_text(&b->arena, from->created_by);
	b->silence.comment = copy_text(&b->arena, from->comment);
	if (from->n_matchers == 0)
		return;
	matchers = arena_alloc(&b->arena, from->n_matchers * sizeof *matchers);
	for (size_t i = 0; i < from->n_matchers; i++) {
		matchers[i] = from->matchers[i];
		matchers[i].name = copy_text(&b->arena, from->matchers[i].name);
		matchers[i].value = copy_text(&b->arena, from->matchers[i].value);
	}
	b->silence.matchers = matchers;
}

struct silence_block *
silence_block_new(const struct silence *copy)
{
	static const struct silence empty = { .id = "", .created_by = "", .comment = "" };
	struct silence_block *b = xcalloc(1, sizeof *b);

	copy_silence(b, copy != NULL ? copy : &empty);
	return b;
}

void
silence_block_free(struct silence_block *b)
{
	if (b == NULL)
		return;
	arena_done(&b->arena);
	free(b);
}
