/* The panel of runbooks, over several files. Private to panels/runbooks*.c. */
#ifndef OPS_PANELS_RUNBOOKS_H
#define OPS_PANELS_RUNBOOKS_H

#include "list_detail.h"
#include "panels.h"
#include "parts_run.h"

struct runbooks_row {
	uint64_t id;
	size_t index;			/* in the model's set; of problems where is_problem */
	bool is_problem;		/* a file that no runbook came of */
	const struct model_alert *offer;	/* as of the last build; only told apart from NULL later */
};
struct runbooks_panel {
	struct list_detail ld;
	struct runbooks_row *rows;
	int n_offered, n_broken;
	size_t n_filtered;
	char *alert;			/* only those for alerts of this name; NULL: all */
};

/* runbooks_rows.c: which there are, and a line for each. */
void runbooks_rows_build(struct runbooks_panel *s, const struct model *m);
void runbooks_rows_done(struct runbooks_panel *s);
uint64_t runbooks_id(const char *name);
void runbooks_rows_draw(const struct runbooks_panel *s, const struct view *v, struct canvas *c);
const struct past_run *runbooks_last_run(const struct runbook_set *set, const char *name);	/* NULL: none recorded */

/* runbooks_detail.c: all of one. */
void runbooks_detail_draw(struct pen *p, const struct view *v, const struct runbook_set *set, const struct runbooks_row *row);

#endif
