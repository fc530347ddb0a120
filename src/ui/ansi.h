/* A grid of cells as bytes for a terminal: the whole of it, or what changed since another. For asciicast; needs no terminal, and no curses. */
#ifndef OPS_UI_ANSI_H
#define OPS_UI_ANSI_H

#include "base/buf.h"
#include "ui/canvas.h"
#include "ui/theme.h"

/* before NULL: all of it, cleared first. Both of one size. Nothing is written when nothing changed. Colours in 256 (or 16 / none) as the theme has them. 0 or ERR_LIMIT. */
enum ansi_colours { ANSI_NONE, ANSI_16, ANSI_256, ANSI_RGB };
int ansi_frame(const struct grid *before, const struct grid *now, const struct theme *theme, enum ansi_colours colours, struct buf *b);

#endif
