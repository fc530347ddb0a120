/*
 * A list, and the detail of its selected row: beside it where there is room, below it, or in its place. What panels of this kind remember, and the keys that
 * they have in common.
 *
 * A panel has it as the first member of its state: that is where the commands look for it. What is listed, and what is said of a row, is the panel's.
 */
#ifndef OPS_PANELS_LIST_DETAIL_H
#define OPS_PANELS_LIST_DETAIL_H

#include "parts.h"
#include "ui/command.h"
#include "ui/panel.h"
#include "ui/widget.h"

struct list_detail {
	struct list list;
	uint64_t *ids;		/* of the rows, in order: the selection follows them; allocated by the panel, freed here */
	int n;
	int page;		/* rows in sight */
	bool has_header;	/* above them */
	struct split split;
	char *filter;		/* NULL or "": none */
	char refusal[192];	/* why nothing can match it; "" it can */
	bool is_detail;		/* it is to be shown */
	int detail_top;		/* rows of it that are out of sight above */
	bool has_moved;		/* somebody selected a row; until then it is the one that matters most, whichever that is */
	/* Where moving is more than list_detail_move(); by as there. NULL: it is not. */
	struct op *(*move)(struct panel *p, const struct view *v, int by);
};

void list_detail_done(struct list_detail *ld);
/* Before they are listed anew: there are no rows. What was selected is remembered. */
void list_detail_clear(struct list_detail *ld);
int list_detail_selected(const struct list_detail *ld);		/* -1: no row is */
/* "None of 12 hosts matches the filter.", or why none can. */
void list_detail_no_match(const struct list_detail *ld, struct canvas *c, size_t n, const char *things);

/* What stands first in the title: part_beyond() of the list. buf of LIST_DETAIL_TEXT_MAX; returns buf. */
enum { LIST_DETAIL_TEXT_MAX = 48 };
const char *list_detail_beyond(const struct list_detail *ld, bool is_of_rows, char *buf);

/* --- arranging ---------------------------------------------------------------------------------------------------------- */

/* The first row is the one to see, until somebody looks at another. */
void list_detail_stay_first(struct list_detail *ld);
/* wanted: how many rows the list would take, its header among them. */
void list_detail_split(struct list_detail *ld, int w, int h, int wanted);
/* Whether the list has a header: from so many rows on, and wherever none of its rows has to give way to it. */
enum { LIST_HEADER_FROM = 4 };
bool list_detail_header(struct list_detail *ld, int from, int rows);
/* What the list has beside its header rows is for rows of it, one at least; the selected one is among them. */
void list_detail_fit(struct list_detail *ld, int header_rows);
/* true: how long the detail is has to be known. */
bool list_detail_is_scrolled(const struct list_detail *ld);
/* Scrolled no further than there is something. rows: what all of it takes; 0: it is not scrolled, or of no row. */
void list_detail_clamp(struct list_detail *ld, int rows);

/* --- what keys and others do with it -------------------------------------------------------------------------------------- */

/* INT_MIN: to the first row, and it stays the first from there on; INT_MAX: to the last. */
void list_detail_move(struct list_detail *ld, int by);
void list_detail_toggle(struct list_detail *ld);
/* It is asked for by name: no filter may hide it, and all of it is shown. */
void list_detail_show(struct list_detail *ld, uint64_t id);

/* Of panel_ops. Esc closes the detail, before it means anything else. */
bool list_detail_key(struct panel *p, const struct view *v, int key, struct op **ret_op);
void list_detail_filter(struct panel *p, const char *text);

/* For tables of commands. Which key shows the detail is the panel's to say. */
struct op *list_detail_details(struct panel *p, const struct view *v, const char *arg);
struct op *list_detail_next(struct panel *p, const struct view *v, const char *arg);
struct op *list_detail_previous(struct panel *p, const struct view *v, const char *arg);
struct op *list_detail_page_down(struct panel *p, const struct view *v, const char *arg);
struct op *list_detail_page_up(struct panel *p, const struct view *v, const char *arg);
struct op *list_detail_first(struct panel *p, const struct view *v, const char *arg);
struct op *list_detail_last(struct panel *p, const struct view *v, const char *arg);
struct op *list_detail_down(struct panel *p, const struct view *v, const char *arg);
struct op *list_detail_up(struct panel *p, const struct view *v, const char *arg);

/* The rows that every such table has, at its end. */
#define LIST_DETAIL_COMMANDS									\
	{ "next", "j", 0, list_detail_next, "select the next row" },				\
	{ "previous", "k", 0, list_detail_previous, "select the row before" },			\
	{ "next-arrow", "Down", CMD_HIDDEN, list_detail_next, "select the next row" },		\
	{ "previous-arrow", "Up", CMD_HIDDEN, list_detail_previous, "select the row before" },	\
	{ "page-down", "PgDn", 0, list_detail_page_down, "a page down" },			\
	{ "page-up", "PgUp", 0, list_detail_page_up, "a page up" },				\
	{ "first", "Home", 0, list_detail_first, "select the first row" },			\
	{ "last", "End", 0, list_detail_last, "select the last row" },				\
	{ "detail-down", "J", 0, list_detail_down, "scroll the details down" },			\
	{ "detail-up", "K", 0, list_detail_up, "scroll the details up" }

#endif
