/* One frame of the console: status line, panels in their places, dialogs above them, the bottom line. */
#include "config.h"

#include "console_priv.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "frame.h"

/* --- drawing ------------------------------------------------------------------------------------------------------ */

int
console_bottom_rows(const struct console *c)
{
	return c->app->replay != NULL ? 2 : 1;
}

static void
place_panels(struct console *c)
{
	int w = grid_width(c->grid), h = grid_height(c->grid) - 1 - console_bottom_rows(c);
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

/* The key that leads there: the command is called as the panel is. */
static const char *
key_to(const char *panel)
{
	for (size_t i = 0; console_commands[i].name != NULL; i++)
		if (strcmp(console_commands[i].name, panel) == 0 && console_commands[i].key != NULL)
			return console_commands[i].key;
	return "";
}

static void
draw_panel(struct console *c, struct canvas *screen, const struct place *place)
{
	int index = console_index_of(place->panel);
	struct canvas area = canvas_sub(screen, place->x, place->y, place->w, place->h);
	struct panel *p;
	struct view v;
	char title[160];

	if (index < 0 || place->w <= 0 || place->h <= 1)
		return;
	p = console_panel(c, index);
	v = console_view(c, index == c->focus && c->n_dialogs == 0);
	snprintf(title, sizeof title, "%s %s", key_to(p->ops->name), p->ops->title);
	if (c->filters[index] != NULL && *c->filters[index] != '\0') {
		size_t used = strlen(title);

		snprintf(title + used, sizeof title - used, "  /%.60s", c->filters[index]);
	}
	panel_draw(p, &v, &area, title);
}

/* At most half of the line, the other half is what is typed. Returns the column where it begins. */
static int
draw_completion(const struct console *c, struct canvas *bar)
{
	int room = bar->w / 2 - 2, w = (int)str_width(c->completion_note), x = bar->w - 1 - (w < room ? w : room);

	canvas_text_w(bar, x, 0, room, ROLE_HINT, c->completion_note, false);
	return x;
}

static void
draw_bottom(struct console *c, struct canvas *screen, const struct view *v)
{
	struct canvas bar = canvas_sub(screen, 0, screen->h - 1, screen->w, 1), both = canvas_sub(screen, 0, screen->h - 2, screen->w, 2);
	bool is_read_only = v->is_read_only || c->app->options->is_read_only || c->app->conf->is_policy_broken || !c->app->range.is_live;

	if (v->replay != NULL) {
		frame_replay(&both, v);
		if (c->line_mode != LINE_NONE || (c->message != NULL && clock_mono() < c->message_until))
			canvas_fill(&bar, 0, 0, bar.w, 1, ROLE_TEXT);
	}
	if (c->line_mode != LINE_NONE) {
		const char *hint = c->line_mode == LINE_COMMAND ? "Enter runs, Tab completes, Esc leaves" :
		    panels[c->focus]->filter == NULL ? "nothing to filter in this panel" :
		    console_completes_logs(c) ? "Enter keeps, Tab completes, Esc clears" : "Enter keeps, Esc clears";
		int right = *c->completion_note != '\0' ? draw_completion(c, &bar) : canvas_text_right(&bar, bar.w - 1, 0, ROLE_HINT, hint);

		canvas_text(&bar, 0, 0, ROLE_KEY, c->line_mode == LINE_COMMAND ? ":" : "/");
		editor_draw(&bar, 1, 0, right > 40 ? right - 2 : bar.w - 1, &c->line, true);
		return;
	}
	if (c->message != NULL && clock_mono() < c->message_until) {
		canvas_text_w(&bar, 1, 0, bar.w - 1, c->is_error ? ROLE_ERROR : ROLE_MESSAGE, c->message, false);
		return;
	}
	if (v->replay == NULL)
		keymap_hints(c->keymap, console_focused(c), is_read_only, &bar, 1, 0, bar.w - 2);
}

void
console_draw(struct console *c)
{
	struct canvas screen = grid_canvas(c->grid), top;
	struct view v = console_view(c, false), dialog_view = console_view(c, true);

	if (screen.w < 1 || screen.h < 1)
		return;
	grid_clear(c->grid);
	place_panels(c);
	top = canvas_sub(&screen, 0, 0, screen.w, 1);
	frame_status(&top, &v);
	for (int i = 0; i < c->n_places; i++)
		draw_panel(c, &screen, &c->places[i]);
	for (int i = 0; i < c->n_dialogs; i++)
		panel_draw_dialog(c->dialogs[i], &dialog_view, &screen);
	draw_bottom(c, &screen, &v);
	c->is_dirty = c->term != NULL && !term_draw(c->term, c->grid);
	c->drawn_s = clock_now() / NS_PER_S;
}
