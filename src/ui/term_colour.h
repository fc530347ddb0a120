/* Colours for terminals with fewer of them: pure arithmetic. Colours are those of theme.h. */
#ifndef OPS_UI_TERM_COLOUR_H
#define OPS_UI_TERM_COLOUR_H

#include "ui/theme.h"

/* What a terminal with this many colours (0, 8, 16, 256) can show of a look: fg and bg become its colour numbers, or -1 for its own. Where a colour is lost,
 * bold and dim stand in for light and dark. With 0 colours only attributes are left. */
struct look colour_fit(const struct look *look, int n_colours);
/* The look of a selected cell: what selected sets wins. Below 256 colours backgrounds are too coarse, so it is reversed instead. */
struct look colour_select(const struct look *look, const struct look *selected, int n_colours);

#endif
