/*
 * A panel: one file, one vtable, one line in panels/registry.c.
 *
 * draw() is a pure function of (const panel, const view) onto a canvas. Things are remembered by id, never by pointer into the model. arrange() runs before
 * draw() whenever model, size or time changed: it keeps selection and scrolling valid. Dialogs (forms, confirmations) are panels with PANEL_DIALOG: they stand above
 * the layout and get every key.
 */
#ifndef OPS_UI_PANEL_H
#define OPS_UI_PANEL_H

#include "ui/canvas.h"
#include "ui/command.h"
#include "ui/view.h"

enum {
	PANEL_DIALOG = 1u << 0,
	PANEL_LOW = 1u << 1,	/* a dialog of a few rows: what is behind it stays in sight */
	/* It has something to show of a time that only metrics tell of (PAST_METRICS), and knows how little that is. To the others such a time is
	 * not recorded: they are drawn with no model, so that nothing unseen looks like nothing wrong. */
	PANEL_FROM_METRICS = 1u << 2,
};

struct panel_ops {
	const char *name;	/* stable: config, keys, scenes and audit use it */
	const char *title;
	const char *help;	/* one sentence for the help screen */
	unsigned flags;
	size_t state_size;	/* zeroed before open(), freed after close() */
	unsigned watches;	/* MODEL_*: redrawn when these change */
	const struct command *commands;	/* ends with name == NULL */
	int (*open)(struct panel *p, const struct view *v, const struct op *op);	/* op: what asked for it, or NULL; may be NULL */
	/* Select what arg names (OP_PANEL's arg): an alert's id in hex, a source, a query id. May be NULL. */
	void (*show)(struct panel *p, const struct view *v, const char *arg);
	void (*arrange)(struct panel *p, const struct view *v, int w, int h);	/* may be NULL */
	void (*draw)(const struct panel *p, const struct view *v, struct canvas *c);
	/* Keys before the command table (text fields). true: taken; *ret_op may be set. May be NULL. */
	bool (*key)(struct panel *p, const struct view *v, int key, struct op **ret_op);
	/* Filter as typed behind '/'; "" clears. NULL: the panel has no filter. */
	void (*filter)(struct panel *p, const char *text);
	/* What the app has to do for the filter as it is now, where it is not the panel's own work; NULL: nothing, or it was told already. May be NULL. */
	struct op *(*filtered)(struct panel *p);
	/* What it asks of the app by itself, behind a filter or show(): looked at after each key, once. NULL: nothing. May be NULL. */
	struct op *(*wish)(struct panel *p, const struct view *v);
	/* Right of the title: counts, state. buf of size. May be NULL. */
	void (*summary)(const struct panel *p, const struct view *v, char *buf, size_t size);
	/* What the hint bar calls a command now; NULL: it is not worth its room now. No hint(): the names of those with CMD_HINT. */
	const char *(*hint)(const struct panel *p, const struct command *c);
	void (*close)(struct panel *p);	/* accepts a half-opened panel; may be NULL */
};

struct panel {
	const struct panel_ops *ops;
	void *state;
};

/* NULL when it cannot be opened with that op. */
struct panel *panel_new(const struct panel_ops *ops, const struct view *v, const struct op *op);
void panel_free(struct panel *p);
/* Arranged and drawn below its title row. title NULL: the panel's own. */
void panel_draw(struct panel *p, const struct view *v, struct canvas *c, const char *title);
/* A dialog: in a box in the middle of the screen. */
void panel_draw_dialog(struct panel *p, const struct view *v, struct canvas *screen);

/* panels/registry.c */
extern const struct panel_ops *const panels[];		/* ends with NULL */
const struct panel_ops *panel_find(const char *name);

#endif
