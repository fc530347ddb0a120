/*
 * The live console without curses, for screen readers, dumb terminals, serial lines and logs: how things stand, then a line for each thing that happens.
 *
 * It asks, records and follows the audit log as the interactive console does, but has nothing that acts: on a terminal a few commands by line, of which a note is the only one that
 * writes anything. Lines are never drawn over and have no colours; what a reader does not take is kept for it in memory, so that nothing waits for it.
 */
#ifndef OPS_PLAIN_H
#define OPS_PLAIN_H

#include "app.h"

/* Runs until a signal, "quit", or nobody reads any more: 0. EXIT_FAILURE where what was said could not be written, or a negative error before anything was asked. */
int plain_run(struct app *a, struct err *err);

#endif
