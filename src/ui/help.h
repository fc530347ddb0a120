/* The help screen's text: made from the keymap alone, so it says what the keys really do, the user's own included. */
#ifndef OPS_UI_HELP_H
#define OPS_UI_HELP_H

#include "base/buf.h"
#include "ui/keymap.h"

/* Lines for w columns: the focused panel (may be NULL) first, then what works everywhere, then the other panels. */
void help_text(const struct keymap *km, const struct panel_ops *focused, bool is_read_only, int w, struct buf *out);

#endif
