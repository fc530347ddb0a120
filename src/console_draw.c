/* One frame of the console: status line, panels in their places, dialogs above them, the bottom line. */
#include "config.h"

#include "console_priv.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "frame.h"

/* --- drawing ------------------------------------------------------------------------------------------------------ */

static void
place_panels(struct console *c)
{
	int w = grid_width(c->grid), h = grid_height(c->grid) - 2;
	bool has_focus = false;

	c->n_places = layout_place(c->layout, w, h, c->places, PLACES_MAX);
	for (int i = 0; i < c->n_places; i++) {
		c->places[i].y++;	/* below the status line */
		has_focus |= strcmp(c->places[i].panel, panels[c->focus]->name) == 0;
	}
	if (has_focus && !c->is_zoomed)
		return;
	/* Zoomed, or a panel that the layout does not show: it has the screen alone. */
	c->places[0] = (struct place){ .panel = panels[c->focus]->name, .x = 0, .y = 1, .w = w, .h = h };
	c->n_places = 1;
}

static void
draw_panel(struct console *c, struct canvas *screen, const struct place *place)
{
	int index = console_index_of(place->panel);
	struct canvas outer = canvas_sub(screen, place->x, place->y, place->w, place->h), inner;
	struct panel *p;
	struct view v;
	char title[160], summary[96] = "";

	if (index < 0 || place->w <= 0 || place->h <= 1)
		return;
	p = console_panel(c, index);
	v = console_view(c, index == c->focus && c->n_dialogs == 0);
	inner = canvas_sub(&outer, 0, 1, place->w, place->h - 1);
	if (p->ops->arrange != NULL)
		p->ops->arrange(p, &v, inner.w, inner.h);
	if (p->ops->summary != NULL)
		p->ops->summary(p, &v, summary, sizeof summary);
	snprintf(title, sizeof title, "%d %s", index + 1, p->ops->title);
	if (c->filters[index] != NULL && *c->filters[index] != '\0') {
		size_t used = strlen(title);

		snprintf(title + used, sizeof title - used, "  /%.60s", c->filters[index]);
	}
	frame_draw(&outer, title, summary, v.is_focused);
	p->ops->draw(p, &v, &inner);
}

static void
draw_dialog(struct console *c, struct canvas *screen, struct panel *p)
{
	int w = screen->w - 4 < 96 ? screen->w - 4 : 96, h = screen->h - 4 < 28 ? screen->h - 4 : 28;
	struct canvas box, inner;
	struct view v = console_view(c, true);
	char summary[96] = "";

	if (w < 10 || h < 4) {
		w = screen->w;
		h = screen->h;
	}
	box = canvas_sub(screen, (screen->w - w) / 2, (screen->h - h) / 2, w, h);
	canvas_fill(&box, 0, 0, w, h, ROLE_TEXT);
	inner = canvas_sub(&box, 2, 1, w - 4, h - 2);
	if (p->ops->arrange != NULL)
		p->ops->arrange(p, &v, inner.w, inner.h);
	if (p->ops->summary != NULL)
		p->ops->summary(p, &v, summary, sizeof summary);
	frame_draw(&box, p->ops->title, summary, true);
	canvas_hline(&box, 1, h - 1, w - 2, ROLE_BORDER_FOCUSED);
	canvas_vline(&box, 0, 1, h - 2, ROLE_BORDER_FOCUSED);
	canvas_vline(&box, w - 1, 1, h - 2, ROLE_BORDER_FOCUSED);
	canvas_char(&box, 0, h - 1, ROLE_BORDER_FOCUSED, 0x2514);
	canvas_char(&box, w - 1, h - 1, ROLE_BORDER_FOCUSED, 0x2518);
	canvas_char(&box, w - 1, 0, ROLE_BORDER_FOCUSED, 0x2510);
	p->ops->draw(p, &v, &inner);
}

static void
draw_bottom(struct console *c, struct canvas *screen)
{
	struct canvas bar = canvas_sub(screen, 0, screen->h - 1, screen->w, 1);
	bool is_read_only = c->app->options->is_read_only || c->app->conf->is_policy_broken || !c->app->range.is_live;

	if (c->line_mode != LINE_NONE) {
		canvas_text(&bar, 0, 0, ROLE_KEY, c->line_mode == LINE_COMMAND ? ":" : "/");
		editor_draw(&bar, 1, 0, bar.w - 1, &c->line, true);
		return;
	}
	if (c->message != NULL && clock_mono() < c->message_until) {
		canvas_text_w(&bar, 1, 0, bar.w - 1, c->is_error ? ROLE_ERROR : ROLE_MESSAGE, c->message, false);
		return;
	}
	keymap_hints(c->keymap, console_focused(c)->ops, is_read_only, &bar, 1, 0, bar.w - 2);
}

void
console_draw(struct console *c)
{
	struct canvas screen = grid_canvas(c->grid), top;
	struct view v = console_view(c, false);

	if (screen.w < 1 || screen.h < 1)
		return;
	grid_clear(c->grid);
	place_panels(c);
	top = canvas_sub(&screen, 0, 0, screen.w, 1);
	frame_status(&top, &v);
	for (int i = 0; i < c->n_places; i++)
		draw_panel(c, &screen, &c->places[i]);
	for (int i = 0; i < c->n_dialogs; i++)
		draw_dialog(c, &screen, c->dialogs[i]);
	draw_bottom(c, &screen);
	c->is_dirty = !term_draw(c->term, c->grid);
	c->drawn_s = clock_now() / NS_PER_S;
}
