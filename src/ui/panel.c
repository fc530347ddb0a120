#include "config.h"

#include "ui/panel.h"

#include <stdlib.h>

#include "base/xalloc.h"
#include "ui/widget.h"

enum { DIALOG_W = 96, DIALOG_H = 28, DIALOG_LOW_H = 9, SUMMARY_MAX = 160 };

struct panel *
panel_new(const struct panel_ops *ops, const struct view *v, const struct op *op)
{
	struct panel *p = xcalloc(1, sizeof *p);

	p->ops = ops;
	p->state = xcalloc(1, ops->state_size > 0 ? ops->state_size : 1);
	if (ops->open != NULL && ops->open(p, v, op) < 0) {
		panel_free(p);
		return NULL;
	}
	return p;
}

void
panel_free(struct panel *p)
{
	if (p == NULL)
		return;
	if (p->ops->close != NULL)
		p->ops->close(p);
	free(p->state);
	free(p);
}

static void
draw_inside(struct panel *p, const struct view *v, struct canvas *outer, struct canvas *inner, const char *title)
{
	char summary[SUMMARY_MAX] = "";
	struct view seen = *v;

	if (v->past_from == PAST_METRICS && (p->ops->flags & PANEL_FROM_METRICS) == 0)
		seen.model = NULL;
	if (p->ops->arrange != NULL)
		p->ops->arrange(p, &seen, inner->w, inner->h);
	if (p->ops->summary != NULL)
		p->ops->summary(p, &seen, summary, sizeof summary);
	frame_draw(outer, title != NULL ? title : p->ops->title, summary, v->is_focused);
	p->ops->draw(p, &seen, inner);
}

void
panel_draw(struct panel *p, const struct view *v, struct canvas *c, const char *title)
{
	struct canvas inner = canvas_sub(c, 0, 1, c->w, c->h - 1);

	draw_inside(p, v, c, &inner, title);
}

void
panel_draw_dialog(struct panel *p, const struct view *v, struct canvas *screen)
{
	int most_h = p->ops->flags & PANEL_LOW ? DIALOG_LOW_H : DIALOG_H;
	int w = screen->w - 4 < DIALOG_W ? screen->w - 4 : DIALOG_W, h = screen->h - 4 < most_h ? screen->h - 4 : most_h;
	struct canvas box, inner;

	if (w < 10 || h < 4) {	/* no room for a margin */
		w = screen->w;
		h = screen->h;
	}
	box = canvas_sub(screen, (screen->w - w) / 2, (screen->h - h) / 2, w, h);
	canvas_fill(&box, 0, 0, w, h, ROLE_TEXT);
	canvas_vline(&box, 0, 1, h - 2, ROLE_BORDER_FOCUSED);
	canvas_vline(&box, w - 1, 1, h - 2, ROLE_BORDER_FOCUSED);
	canvas_hline(&box, 1, h - 1, w - 2, ROLE_BORDER_FOCUSED);
	canvas_char(&box, 0, h - 1, ROLE_BORDER_FOCUSED, 0x2514);
	canvas_char(&box, w - 1, h - 1, ROLE_BORDER_FOCUSED, 0x2518);
	inner = canvas_sub(&box, 1, 1, w - 2, h - 2);
	draw_inside(p, v, &box, &inner, NULL);
	canvas_char(&box, w - 1, 0, ROLE_BORDER_FOCUSED, 0x2510);
}
