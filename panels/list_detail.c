#include "config.h"

#include "list_detail.h"

#include <limits.h>
#include <stdlib.h>

#include "base/xalloc.h"
#include "ui/key.h"

enum { SCROLL_ROWS = 3 };

/* The first member of each state it is in. */
static struct list_detail *
list_detail_of(const struct panel *p)
{
	return p->state;
}

void
list_detail_clear(struct list_detail *ld)
{
	free(ld->ids);
	ld->ids = NULL;
	ld->n = 0;
}

void
list_detail_done(struct list_detail *ld)
{
	list_detail_clear(ld);
	free(ld->filter);
}

int
list_detail_selected(const struct list_detail *ld)
{
	return ld->list.selected >= 0 && ld->list.selected < ld->n ? ld->list.selected : -1;
}

const char *
list_detail_beyond(const struct list_detail *ld, bool is_of_rows, char *buf)
{
	*buf = '\0';
	return ld->split.list_h > 0 ? part_beyond(ld->n, ld->list.top, ld->page, is_of_rows, buf, LIST_DETAIL_TEXT_MAX) : buf;
}

void
list_detail_no_match(const struct list_detail *ld, struct canvas *c, size_t n, const char *things)
{
	struct pen pen = { .c = c };

	if (*ld->refusal != '\0') {
		pen_text(&pen, ROLE_WARNING, ld->refusal);
		pen_text(&pen, ROLE_DIM, "Esc clears the filter.");
	} else {
		pen_printf(&pen, ROLE_TEXT, "None of %zu %s matches the filter.", n, things);
		pen_text(&pen, ROLE_DIM, "Esc clears it.");
	}
}

/* --- arranging ----------------------------------------------------------------------------------- */

void
list_detail_stay_first(struct list_detail *ld)
{
	if (!ld->has_moved && ld->n > 0)
		ld->list = (struct list){ .selected_id = ld->ids[0] };
}

void
list_detail_split(struct list_detail *ld, int w, int h, int wanted)
{
	ld->split = part_split(w, h, ld->is_detail && ld->n > 0, wanted);
}

bool
list_detail_header(struct list_detail *ld, int from, int rows)
{
	ld->has_header = ld->split.list_h >= from || ld->split.list_h > rows;
	return ld->has_header;
}

void
list_detail_fit(struct list_detail *ld, int header_rows)
{
	ld->page = ld->split.list_h - header_rows;
	ld->page = ld->page < 1 ? 1 : ld->page;
	list_arrange(&ld->list, ld->ids, ld->n, ld->page);
}

bool
list_detail_is_scrolled(const struct list_detail *ld)
{
	return ld->detail_top > 0 && ld->split.kind != SPLIT_NONE;
}

void
list_detail_clamp(struct list_detail *ld, int rows)
{
	int most = rows - ld->split.detail_h;

	ld->detail_top = ld->detail_top > most ? most : ld->detail_top;
	ld->detail_top = ld->detail_top < 0 ? 0 : ld->detail_top;
}

/* --- what keys and others do with it --------------------------------------------------------------- */

void
list_detail_move(struct list_detail *ld, int by)
{
	list_move(&ld->list, ld->ids, ld->n, by);
	ld->has_moved = by != INT_MIN;
	ld->detail_top = 0;
}

void
list_detail_toggle(struct list_detail *ld)
{
	ld->is_detail = !ld->is_detail;
	ld->has_moved |= ld->is_detail;		/* what is read does not change under the reader */
	ld->detail_top = 0;
}

void
list_detail_show(struct list_detail *ld, uint64_t id)
{
	free(ld->filter);
	ld->filter = NULL;
	ld->list.selected_id = id;
	ld->has_moved = ld->is_detail = true;
	ld->detail_top = 0;
}

bool
list_detail_key(struct panel *p, const struct view *v, int key, struct op **ret_op)
{
	struct list_detail *ld = list_detail_of(p);

	(void)v;
	(void)ret_op;
	if (key != KEY_ESC || !ld->is_detail)
		return false;
	ld->is_detail = false;
	return true;
}

void
list_detail_filter(struct panel *p, const char *text)
{
	struct list_detail *ld = list_detail_of(p);

	free(ld->filter);
	ld->filter = xstrdup_or_null(text);
}

/* --- commands -------------------------------------------------------------------------------------- */

static struct op *
move(struct panel *p, const struct view *v, int by)
{
	struct list_detail *ld = list_detail_of(p);

	if (ld->move != NULL)
		return ld->move(p, v, by);
	list_detail_move(ld, by);
	return NULL;
}

static struct op *
scroll(struct panel *p, int by)
{
	struct list_detail *ld = list_detail_of(p);

	ld->detail_top += by;
	ld->detail_top = ld->detail_top < 0 ? 0 : ld->detail_top;
	return NULL;
}

struct op *
list_detail_details(struct panel *p, const struct view *v, const char *arg)
{
	(void)v;
	(void)arg;
	list_detail_toggle(list_detail_of(p));
	return NULL;
}

struct op *
list_detail_next(struct panel *p, const struct view *v, const char *arg)
{
	(void)arg;
	return move(p, v, 1);
}

struct op *
list_detail_previous(struct panel *p, const struct view *v, const char *arg)
{
	(void)arg;
	return move(p, v, -1);
}

struct op *
list_detail_page_down(struct panel *p, const struct view *v, const char *arg)
{
	(void)arg;
	return move(p, v, list_detail_of(p)->page);
}

struct op *
list_detail_page_up(struct panel *p, const struct view *v, const char *arg)
{
	(void)arg;
	return move(p, v, -list_detail_of(p)->page);
}

struct op *
list_detail_first(struct panel *p, const struct view *v, const char *arg)
{
	(void)arg;
	return move(p, v, INT_MIN);
}

struct op *
list_detail_last(struct panel *p, const struct view *v, const char *arg)
{
	(void)arg;
	return move(p, v, INT_MAX);
}

struct op *
list_detail_down(struct panel *p, const struct view *v, const char *arg)
{
	(void)v;
	(void)arg;
	return scroll(p, SCROLL_ROWS);
}

struct op *
list_detail_up(struct panel *p, const struct view *v, const char *arg)
{
	(void)v;
	(void)arg;
	return scroll(p, -SCROLL_ROWS);
}
