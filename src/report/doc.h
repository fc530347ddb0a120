/* A document without a format: blocks in order, with plain text in them. The writers escape; whoever composes does not think of it. */
#ifndef OPS_REPORT_DOC_H
#define OPS_REPORT_DOC_H

#include <stdbool.h>
#include <stddef.h>

enum doc_kind {
	DOC_HEADING,	/* level, text */
	DOC_TEXT,	/* a paragraph */
	DOC_ITEM,	/* of a list */
	DOC_WARNING,	/* a paragraph that must not be missed */
	DOC_TABLE,	/* columns, cells: the first row is the head */
	DOC_PLACE,	/* name, and the lines that stand there until a person writes */
	DOC_GRAPHS	/* where a format can show them */
};
struct doc_block {
	enum doc_kind kind;
	unsigned level, columns;
	const char *text;		/* borrowed: lives as long as the report */
	const char *const *lines;	/* NULL-terminated */
	size_t n_cells, cap;
	const char **cells;
};
struct doc {
	size_t n, cap;
	struct doc_block *v;
};

void doc_init(struct doc *d);
void doc_done(struct doc *d);
void doc_heading(struct doc *d, unsigned level, const char *text);
void doc_text(struct doc *d, const char *text);
void doc_item(struct doc *d, const char *text);
void doc_warning(struct doc *d, const char *text);
void doc_place(struct doc *d, const char *name, const char *const *lines);
void doc_graphs(struct doc *d);
/* Begins a table; head has columns texts. Rows follow by doc_row(). */
void doc_table(struct doc *d, unsigned columns, const char *const *head);
void doc_row(struct doc *d, const char *const *cells);

#endif
