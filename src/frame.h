/* The console's own two lines: the status line at the top, the hint bar at the bottom. Pure drawing. */
#ifndef OPS_FRAME_H
#define OPS_FRAME_H

#include "ui/canvas.h"
#include "ui/view.h"

/* Environment, how bad it is, source health, and the time that everything is shown for. */
void frame_status(struct canvas *c, const struct view *v);
/* The bar of a replay (screens.md): name, position, speed, the whole recording with its marks and gaps; and its keys, two lines. */
void frame_replay(struct canvas *c, const struct view *v);
/* "●" and its role for how bad things are. */
const char *frame_health_glyph(enum health health, enum role *ret_role);

#endif
