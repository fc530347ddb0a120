/* The panel of runs, over several files: its state, and what each file does. Private to panels/run*.c. */
#ifndef OPS_PANELS_RUN_H
#define OPS_PANELS_RUN_H

#include "panels.h"
#include "parts_run.h"
#include "ui/widget.h"

enum { RUN_OUTPUT_KEPT = 64 << 10 };	/* bytes of a stream that the model has: model/run.h */

/* What one row's output of the selected column was when the groups were made. */
struct run_slot {
	const void *output;		/* told apart only, never looked into */
	uint64_t bytes, hash;
	bool is_ended;
};
struct run_group {			/* rows whose output is the same */
	char *hosts;			/* folded */
	size_t row;			/* one of them */
	bool is_ended;
	size_t n;
};

struct run_panel {
	char *run;			/* id of the one chosen; NULL: part_run_first() */
	char *shown;			/* id of the one shown when it was last arranged */
	struct list list;
	uint64_t *ids;			/* of rows, in the order shown */
	size_t *order;			/* their places in the run */
	int n;
	unsigned column, column_left;	/* selected; first one shown */
	bool is_worst_first, is_outputs, is_detail;
	int detail_top, outputs_top;
	bool is_plan, is_runnable, is_asking, is_going;	/* as last arranged: what the hints offer */
	bool is_answering, is_answer_shown;	/* keys are answers; only once that was drawn */
	struct split split;
	/* rows of each part, from the top */
	int head_h, facts_h, grid_h, outputs_h;
	bool has_counts;
	/* outputs of the selected column */
	char *slots_run;
	unsigned slots_column;
	size_t n_slots, n_groups;
	struct run_slot *slots;
	struct run_group *groups;	/* the largest first */
};

/* run.c */
const struct run_info *run_shown(const struct run_panel *s, const struct model *m);	/* NULL: none */
/* The row selected among r's; NULL none. */
const struct run_row *run_selected(const struct run_panel *s, const struct run_info *r, size_t *ret_row);
const char *run_row_name(const struct run_row *row);
/* The row that has this step: of what is done once the run's own, whichever host is selected. */
const struct run_row *run_row_of_step(const struct run_info *r, const struct run_row *row, unsigned column);

/* run_head.c: what stands above and below the grid. */
/* Two, and more where how it stands takes them and h rows have the room. */
int run_head_rows(const struct run_info *r, int w, int h);
/* c: the head's rows. */
void run_head_draw(struct canvas *c, const struct view *v, const struct run_info *r);
/* Of a plan: parameters that no fact tells of; facts (with a grid beside them its steps are not said again); both, with the plan's hash. */
void run_values_draw(struct pen *p, const struct run_info *r);
void run_facts_draw(struct pen *p, const struct run_info *r, bool has_grid);
void run_plan_draw(struct pen *p, const struct run_info *r);
bool run_has_fact(const struct run_info *r, const char *name);
/* h: rows of head, grid and tail together: what is said least goes first where they are few. */
int run_tail_rows(const struct run_info *r, int h);
void run_tail_draw(struct canvas *c, const struct run_panel *s, const struct run_info *r, int h);

/* run_grid.c: rows x columns. */
void run_grid_build(struct run_panel *s, const struct run_info *r);
void run_grid_fit(struct run_panel *s, const struct view *v, const struct run_info *r, int w);
void run_grid_draw(const struct run_panel *s, const struct view *v, const struct run_info *r, struct canvas *c);
/* "200 hosts: 2 FAILED, 10 running, 38 waiting, 150 ok". buf of size; returns buf. */
const char *run_counts_text(const struct run_info *r, char *buf, size_t size);
/* What became of a row as a whole: what is worst, then what is to come. */
enum outcome run_row_outcome(const struct run_info *r, const struct run_row *row);

/* run_outputs.c: the same output said once. */
void run_outputs_build(struct run_panel *s, const struct model *m, const struct run_info *r);
void run_outputs_done(struct run_panel *s);
/* Of those that have ended, not all said the same. */
bool run_outputs_differ(const struct run_panel *s);
/* At most lines_max lines of each group. */
void run_outputs_draw(struct pen *p, const struct run_panel *s, const struct model *m, const struct run_info *r, int lines_max);

/*
 * run_diff.c: what text says that base does not, and the other way round, line by line; at most lines_max rows. Where these are few (RUN_DIFF_BRIEF) only
 * what it says, the last of it: how something failed stands at its end.
 */
enum { RUN_DIFF_BRIEF = 5 };
void run_diff_draw(struct pen *p, const char *base, const char *text, int lines_max);

/* run_detail.c: all of one cell. */
void run_detail_draw(struct pen *p, const struct view *v, const struct run_info *r, const struct run_row *row, unsigned column);

/* run_acts.c: what is asked of the app. */
struct op *run_act_open(const struct run_panel *s, const struct run_info *r);	/* confirmation of a plan */
struct op *run_act_stop(const struct run_info *r);
struct op *run_act_skip(const struct run_info *r, const struct run_row *row);
struct op *run_act_retry(const struct run_info *r, const struct run_row *row);
struct op *run_act_undo(const struct run_info *r);
struct op *run_act_answer(const struct run_info *r, int key);	/* NULL: the key stands for none */

#endif
