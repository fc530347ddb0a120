/*
 * The terminal. The only user of curses, and curses only composes bytes: it draws into memory, and those bytes go to a non-blocking descriptor of the
 * terminal of our own. While the terminal does not drain (Ctrl-S, a slow line) frames are dropped, never queued, and nothing else waits. The terminal is
 * restored on every exit, crash and signal that can be caught, from bytes prepared at start.
 */
#ifndef OPS_UI_TERM_H
#define OPS_UI_TERM_H

#include "loop/loop.h"
#include "ui/canvas.h"
#include "ui/theme.h"

struct term;

typedef void term_key_cb(int key, void *arg);
typedef void term_resize_cb(int w, int h, void *arg);

/* Opens /dev/tty (or the terminal of stdin), raw mode, alternate screen, bracketed paste. ERR_IO or ERR_UNSUPPORTED (unknown TERM, not a terminal) say what to do.
 * Colours: as many as terminfo says, up to 256; none with NO_COLOR. */
int term_open(struct loop *l, const struct theme *theme, term_key_cb *key, term_resize_cb *resize, void *arg, struct term **ret_term, struct err *err);
void term_close(struct term *t);	/* restores; NULL is fine */
void term_size(const struct term *t, int *ret_w, int *ret_h);
bool term_is_ascii(const struct term *t);	/* the locale is not UTF-8 */
/* Put a grid on the screen: only differences are sent. false: dropped, the terminal is not draining; try again on a later turn (app is told by a resize-less
 * redraw callback through key KEY_NONE). */
bool term_draw(struct term *t, const struct grid *g);
void term_redraw_all(struct term *t);	/* Ctrl-L: repaint everything on the next draw */
/* Forget keys typed but not yet delivered. */
void term_discard(struct term *t);
void term_bell(struct term *t);
void term_notify(struct term *t, const char *text);	/* OSC 9; text is made harmless */
/* Leave the screen for a shell job stop (Ctrl-Z) and come back. */
void term_suspend(struct term *t);
/* Bytes sent so far and frames drawn, dropped: for benchmarks and tests. */
void term_counts(const struct term *t, uint64_t *ret_bytes, uint64_t *ret_frames, uint64_t *ret_dropped);

#endif
