/* The panel of drift, over several files: its state, and what each file does. Private to panels/drift*.c. */
#ifndef OPS_PANELS_DRIFT_H
#define OPS_PANELS_DRIFT_H

#include "list_detail.h"
#include "panels.h"
#include "parts_drift.h"

enum { DRIFT_LEGEND_FROM = 8 };	/* rows that a list needs to explain its shades */
enum drift_sort { DRIFT_SORT_MODEL, DRIFT_SORT_WORST, DRIFT_SORT_NAME, DRIFT_SORTS };

struct drift_panel {
	struct list_detail ld;
	char **rows;			/* ids of the definitions listed */
	size_t n_total;			/* without the filter */
	enum drift_sort sort;
};

/* drift_rows.c: which there are, and a line for each. */
const char *drift_sort_name(enum drift_sort sort);
void drift_rows_build(struct drift_panel *s, const struct part_drifts *drifts);
void drift_rows_done(struct drift_panel *s);
uint64_t drift_hash(const char *id);
void drift_rows_draw(const struct drift_panel *s, const struct view *v, const struct part_drifts *drifts, struct canvas *c);

/* drift_detail.c: all that is known of one; drift_cells.c: the two histograms, of one that has cells. */
void drift_detail_draw(struct pen *p, const struct view *v, const struct part_drifts *drifts, const struct model_drift *m);
void drift_cells_draw(struct pen *p, const struct model_drift *m);

#endif
