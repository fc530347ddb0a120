/*
 * The only user of curses. Curses composes into memory: what to send so that a terminal that shows the last frame shows this one. Nothing here touches the
 * terminal.
 */
#ifndef OPS_UI_TERM_SCREEN_H
#define OPS_UI_TERM_SCREEN_H

#include "base/buf.h"
#include "base/err.h"
#include "ui/canvas.h"
#include "ui/key.h"
#include "ui/theme.h"

struct screen;

/* By $TERM. is_ascii: only ASCII will be drawn. ERR_UNSUPPORTED says what to set. One at a time. */
int screen_new(const struct theme *theme, bool is_ascii, int w, int h, struct screen **ret_screen, struct err *err);
void screen_free(struct screen *s);
/* Bytes that take the terminal and give it back. */
void screen_enter(const struct screen *s, struct buf *out);
void screen_leave(const struct screen *s, struct buf *out);
void screen_resize(struct screen *s, int w, int h);
/* The next frame repaints everything. */
void screen_forget(struct screen *s);
/* Append what has to be sent for g; nothing when it looks like the frame before. */
void screen_compose(struct screen *s, const struct grid *g, struct buf *out);
/* What this terminal sends for keys; lent. */
const struct key_seq *screen_keys(const struct screen *s, size_t *ret_n);
/* A terminal of the xterm family: knows OSC strings, and ignores private modes it does not know. */
bool screen_is_xterm(const struct screen *s);

#endif
