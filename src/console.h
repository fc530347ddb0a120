/*
 * The interactive console: panels in a layout between a status line and a hint bar, dialogs above them, one command line.
 *
 * It draws from the const model and asks app and operate for everything else. A frame is drawn at the end of a turn when something changed, and at most once a
 * second for the clock.
 */
#ifndef OPS_CONSOLE_H
#define OPS_CONSOLE_H

#include "app.h"

/* Runs until quit; returns the exit status, or a negative error when the terminal cannot be used. */
int console_run(struct app *a, struct err *err);

#endif
