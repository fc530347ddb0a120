#include "config.h"

#include "report/doc.h"

#include <stdlib.h>

#include "base/xalloc.h"

void
doc_init(struct doc *d)
{
	*d = (struct doc){ .n = 0 };
}

void
doc_done(struct doc *d)
{
	for (size_t i = 0; i < d->n; i++)
		free(d->v[i].cells);
	free(d->v);
}

static struct doc_block *
add(struct doc *d, enum doc_kind kind, const char *text)
{
	if (d->n == d->cap) {
		d->cap = d->cap == 0 ? 64 : 2 * d->cap;
		d->v = xreallocarray(d->v, d->cap, sizeof *d->v);
	}
	d->v[d->n] = (struct doc_block){ .kind = kind, .text = text };
	return &d->v[d->n++];
}

void
doc_heading(struct doc *d, unsigned level, const char *text)
{
	add(d, DOC_HEADING, text)->level = level;
}

void
doc_text(struct doc *d, const char *text)
{
	add(d, DOC_TEXT, text);
}

void
doc_item(struct doc *d, const char *text)
{
	add(d, DOC_ITEM, text);
}

void
doc_warning(struct doc *d, const char *text)
{
	add(d, DOC_WARNING, text);
}

void
doc_place(struct doc *d, const char *name, const char *const *lines)
{
	add(d, DOC_PLACE, name)->lines = lines;
}

void
doc_graphs(struct doc *d)
{
	add(d, DOC_GRAPHS, "");
}

void
doc_table(struct doc *d, unsigned columns, const char *const *head)
{
	add(d, DOC_TABLE, "")->columns = columns;
	doc_row(d, head);
}

void
doc_row(struct doc *d, const char *const *cells)
{
	struct doc_block *t = &d->v[d->n - 1];

	if (t->n_cells + t->columns > t->cap) {
		t->cap = t->cap == 0 ? (size_t)t->columns * 32 : 2 * t->cap;
		t->cells = xreallocarray(t->cells, t->cap, sizeof *t->cells);
	}
	for (unsigned i = 0; i < t->columns; i++)
		t->cells[t->n_cells++] = cells[i] != NULL ? cells[i] : "";
}
