#include "config.h"

#include "ui/widget.h"

#include <limits.h>

#include "base/str.h"

/* --- lists ------------------------------------------------------------------------------------ */

static int
list_clamp(int64_t i, int n)
{
	return i < 0 || n == 0 ? 0 : i >= n ? n - 1 : (int)i;
}

void
list_arrange(struct list *l, const uint64_t *ids, int n, int h)
{
	l->selected = list_clamp(l->selected, n);
	for (int i = 0; i < n && l->selected_id != 0; i++) {
		if (ids[i] == l->selected_id) {
			l->selected = i;
			break;
		}
	}
	l->selected_id = n > 0 ? ids[l->selected] : l->selected_id;
	h = h < 1 ? 1 : h;
	if (l->top > n - h)
		l->top = n - h;
	if (l->selected >= l->top + h)
		l->top = l->selected - h + 1;
	if (l->selected < l->top)
		l->top = l->selected;
	if (l->top < 0)
		l->top = 0;
}

void
list_move(struct list *l, const uint64_t *ids, int n, int by)
{
	if (n <= 0)
		return;
	l->selected = list_clamp((int64_t)l->selected + by, n);
	l->selected_id = ids[l->selected];
}

/* --- columns ------------------------------------------------------------------------------------ */

/* Columns shown need their minimum and a blank before each but the first. */
static int
columns_need(const struct column *cols, int n)
{
	int need = 0;

	for (int i = 0; i < n; i++)
		if (cols[i].w > 0)
			need += cols[i].min + (need > 0 ? 1 : 0);
	return need;
}

/* The column to give up next: highest priority number, last of equals; never the last one shown. */
static int
columns_victim(const struct column *cols, int n)
{
	int victim = -1, shown = 0;

	for (int i = 0; i < n; i++) {
		if (cols[i].w == 0)
			continue;
		shown++;
		if (victim < 0 || cols[i].priority >= cols[victim].priority)
			victim = i;
	}
	return shown > 1 ? victim : -1;
}

static void
columns_spread(struct column *cols, int n, int room)
{
	int weights = 0;

	for (int i = 0; i < n; i++)
		weights += cols[i].w > 0 ? cols[i].weight : 0;
	for (int i = 0; i < n; i++) {
		int share;

		if (cols[i].w == 0 || cols[i].weight == 0)
			continue;
		/* The last takes what rounding left over. */
		share = room * cols[i].weight / weights;
		cols[i].w += share;
		room -= share;
		weights -= cols[i].weight;
	}
}

void
columns_fit(struct column *cols, int n, int w)
{
	int x = 0, victim;

	for (int i = 0; i < n; i++)
		cols[i].w = cols[i].min > 0 ? cols[i].min : 1;
	while (columns_need(cols, n) > w && (victim = columns_victim(cols, n)) >= 0)
		cols[victim].w = 0;
	if (w > columns_need(cols, n))
		columns_spread(cols, n, w - columns_need(cols, n));
	for (int i = 0; i < n; i++) {
		cols[i].x = x;
		x += cols[i].w > 0 ? cols[i].w + 1 : 0;
	}
}

void
columns_header(struct canvas *c, int y, const struct column *cols, int n)
{
	for (int i = 0; i < n; i++)
		columns_cell(c, y, &cols[i], ROLE_DIM, cols[i].title);
}

void
columns_cell(struct canvas *c, int y, const struct column *col, enum role role, const char *text)
{
	char harmless[256];

	if (col->w <= 0)
		return;
	str_escape_to(harmless, sizeof harmless, text);
	if (col->is_right && str_width(harmless) <= (size_t)col->w)
		canvas_text_right(c, col->x + col->w, y, role, harmless);
	else
		canvas_text_w(c, col->x, y, col->w, role, harmless, false);
}

/* --- frames --------------------------------------------------------------------------------------- */

struct canvas
frame_draw(struct canvas *c, const char *title, const char *right, bool is_focused)
{
	enum role border = is_focused ? ROLE_BORDER_FOCUSED : ROLE_BORDER;
	int room, x;

	canvas_hline(c, 0, 0, c->w, border);
	canvas_char(c, 0, 0, border, ' ');
	/* The focused title is marked without colour too. */
	canvas_char(c, 0, 0, border, is_focused ? 0x25b8 : ' ');
	x = canvas_text_w(c, 1, 0, c->w - 2, is_focused ? ROLE_TITLE_FOCUSED : ROLE_TITLE, title, false);
	canvas_char(c, x, 0, border, ' ');
	room = c->w - x - 4;
	if (right != NULL && *right != '\0' && room > 3) {
		struct canvas end = canvas_sub(c, x + 1, 0, c->w - x - 1, 1);

		x = canvas_text_w(&end, 1, 0, room, ROLE_TEXT, right, false);
		canvas_char(&end, 0, 0, border, ' ');
		canvas_char(&end, x, 0, border, ' ');
	}
	return canvas_sub(c, 0, 1, c->w, c->h - 1);
}

/* --- small charts ------------------------------------------------------------------------------------ */

void
bar_draw(struct canvas *c, int x, int y, int w, enum role role, double ratio)
{
	int eighths, full;

	if (w <= 0)
		return;
	ratio = ratio > 1 ? 1 : ratio >= 0 ? ratio : 0;	/* NaN too */
	eighths = (int)(ratio * w * 8 + 0.5);
	/* Something is never drawn as nothing, nor as all. */
	if (eighths == 0 && ratio > 0)
		eighths = 1;
	if (eighths == w * 8 && ratio < 1)
		eighths--;
	full = eighths / 8;
	for (int i = 0; i < w; i++) {
		if (i < full)
			canvas_char(c, x + i, y, role, 0x2588);
		else if (i == full && eighths % 8 > 0)
			canvas_char(c, x + i, y, role, 0x2590 - (uint32_t)(eighths % 8));
		else
			canvas_char(c, x + i, y, ROLE_GRAPH_AXIS, 0xb7);
	}
}
