/*
 * The interactive console: panels in a layout between a status line and a hint bar, dialogs above them, one command line.
 *
 * It draws from the const model and asks app and operate for everything else. A frame is drawn at the end of a turn when something changed, and at most once a
 * second for the clock.
 */
#ifndef OPS_CONSOLE_H
#define OPS_CONSOLE_H

#include "app.h"
#include "ui/canvas.h"
#include "ui/theme.h"

/* Runs until quit; returns the exit status, or a negative error when the terminal cannot be used. */
int console_run(struct app *a, struct err *err);

/*
 * The same without a terminal, for a film of a replay: frames are drawn into a grid, at the size it is made for, with the focus that the operator had.
 */
struct console;
int console_film(struct app *a, int w, int h, struct console **ret, struct err *err);
void console_film_draw(struct console *c, struct grid *g);	/* of that size */
const struct theme *console_theme(const struct console *c);
void console_film_free(struct console *c);

#endif
