/*
 * Where the lines of an audit log are, so that a window of them anywhere in a million comes quickly: the place of each 512th line, and of each that matches a filter.
 *
 * Belongs to one thread at a time (a worker of the pool). Lines are found by their LF and not verified: a window reads its own with all care, and shows what is no
 * record as such. All work is done in pieces of a given time, so that a worker is never held up.
 */
#ifndef OPS_AUDIT_INDEX_H
#define OPS_AUDIT_INDEX_H

#include "audit/record.h"
#include "model/audit_view.h"

struct audit_index;
struct audit_index *audit_index_new(const char *path);	/* a folder, a file, or a packed file */
void audit_index_free(struct audit_index *ix);

/* The words of a filter, as --log has them; "" none. What is wrong with it is kept for the view. */
void audit_index_filter(struct audit_index *ix, const char *words, int64_t now_ns);
/* Only records up to then; INT64_MAX all. */
void audit_index_until(struct audit_index *ix, int64_t until_ns);
/* Takes in what was appended, and goes on with the filter, for at most budget_ns. 1: there is more to do; 0 done; negative: err. ERR_NOTFOUND: no log yet. */
int audit_index_step(struct audit_index *ix, int64_t budget_ns, struct err *err);
/* Fills in what the log has to say: counts, the filter, and the rows from place first among those that match (UINT64_MAX: the last ones), into view and its arena. */
int audit_index_window(struct audit_index *ix, uint64_t first, struct audit_view *view, struct err *err);
/* --- between audit_index.c and audit_rows.c --- */
struct audit_line;
/* One row of a view from a line; is_open: its outcome is unknown. number: of the line in the log, for what has no seq. */
void audit_row_make(const struct audit_line *l, uint64_t number, struct arena *arena, struct audit_row *ret);

#endif
