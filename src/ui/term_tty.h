/*
 * The terminal's descriptor and its modes, and giving both back whatever happens. No curses here.
 *
 * The descriptor is an open file description of our own: making it non-blocking changes nothing for the shell or a program beside us. The way back is prepared
 * when the terminal is taken (saved modes and bytes), so that it needs only write() and tcsetattr() and may run in a signal handler.
 */
#ifndef OPS_UI_TERM_TTY_H
#define OPS_UI_TERM_TTY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/* Opens /dev/tty or the terminal of stdin, non-blocking. ERR_UNSUPPORTED when there is none. */
int tty_open(int *ret_fd, struct err *err);
/* Takes the terminal: raw modes on fd; handlers for the signals that end a program; atexit(). restore: bytes that undo what will be written, copied. One at a time. */
int tty_take(int fd, const char *restore, size_t len, struct err *err);
/* Raw modes again, after tty_release(). */
void tty_retake(void);
/* Writes the bytes and puts the modes back; never waits longer than a moment. The handlers stay. */
void tty_release(void);
/* Tells the way back that a sequence of ours may be cut: a frame is only partly written. */
void tty_mid_write(bool is_mid_write);
/* tty_release(), and the handlers are as they were. */
void tty_give_back(void);

#endif
