/*
 * Layouts: where panels stand. YAML of rows and columns with weights and minima (panels/layouts/NAME.yaml):
 *   root: { columns: [ { rows: [ {panel: overview, weight: 2}, {panel: alerts} ], weight: 1 }, { panel: metrics, weight: 2, min: 60 } ] }
 * weight (default 1) shares out room, min (default 3 rows, 20 columns) is in the direction of the list the entry stands in. Between columns one column is
 * left free. What does not fit its minimum is dropped by priority (last first unless `priority` says otherwise), and its room given to the rest.
 */
#ifndef OPS_UI_LAYOUT_H
#define OPS_UI_LAYOUT_H

#include <stddef.h>

#include "base/err.h"

struct layout;

struct place {
	const char *panel;	/* name; lives as long as the layout */
	int x, y, w, h;		/* outer, with its frame row(s) */
};

int layout_load(const char *path, struct layout **ret_layout, struct err *err);
void layout_free(struct layout *l);
/* Every panel named is one of known: 0, or ERR_INVALID with file:line:column and the nearest name. */
int layout_check(const struct layout *l, const char *const *known, size_t n_known, struct err *err);
/* Fill places (at most max) for an area; returns how many. Order: reading order, used for focus. */
int layout_place(const struct layout *l, int w, int h, struct place *places, int max);

#endif
