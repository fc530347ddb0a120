/*
 * Runs, runbooks and incidents as several panels show them: glyph and word of an outcome, how a run stands, what may be run for an alert. Pure. What
 * comes from outside is as received: canvas and cells make it harmless.
 */
#ifndef OPS_PANELS_PARTS_RUN_H
#define OPS_PANELS_PARTS_RUN_H

#include "parts.h"
#include "ui/op.h"

/* "○", "●", ..; "" for what has none. */
const char *part_outcome_glyph(enum outcome o, enum role *ret_role);
/* What a cell says: "○ ok 1.9s", "◐ running 3s", "● FAILED x2". buf of PART_CELL_MAX; returns buf. */
enum { PART_CELL_MAX = 48 };
const char *part_cell_text(const struct run_cell *cell, int64_t now_ns, char *buf, enum role *ret_role);
/* How a run stands: "acting", "done and verified", "failed and undone". */
const char *part_run_word(const struct run_info *r);
const char *part_run_glyph(const struct run_info *r, enum role *ret_role);
enum role part_danger_role(enum danger d);
/* The same for the outcome of a run that is over, as the audit log words it. */
const char *part_past_glyph(const struct past_run *p, enum role *ret_role);
const char *part_past_word(const struct past_run *p);
/* "00:14:32", "2d 03:00:00". buf of DURATION_TEXT_MAX. */
const char *part_elapsed(int64_t ns, char *buf);
/* How long it has been going on, or took. */
int64_t part_run_elapsed(const struct run_info *r, int64_t now_ns);

/* The run to show when none was chosen: one under way, else the newest. NULL: none. */
const struct run_info *part_run_first(const struct model *m);

/* "rollback, takedown": names of those offered for an alert of this name; "" none. buf of size; returns buf. */
const char *part_runbooks_for(const struct model *m, const char *alert, char *buf, size_t size);
/* To the list of runbooks for that alert; a message when there is none. */
struct op *part_runbooks_op(const struct model *m, const char *alert);

#endif
