/* The panel of the audit log, over several files: its state, and what each file does. Private to panels/audit*.c. */
#ifndef OPS_PANELS_AUDIT_H
#define OPS_PANELS_AUDIT_H

#include "list_detail.h"
#include "panels.h"

/* Of the log only a window is here. A place counts the records that match the filter, from 0, the oldest. */
struct audit_panel {
	struct list_detail ld;		/* ids are numbers of records, the newest first */
	int head_h;			/* rows above the list */
	bool is_asking;			/* another window is wanted, and not asked for yet */
	int64_t ask_first;		/* -1: the end */
	int64_t wanted;			/* the place to select when it comes; -1 none */
	uint64_t wanted_seq;		/* the same by its number; 0 none */
};

/* The log is its own history: what is shown of it is what is known now, whatever the time cursor. NULL: not looked at yet. */
const struct audit_view *audit_panel_view(const struct view *v);
/* Row of the list, newest first. */
const struct audit_row *audit_panel_row(const struct audit_view *a, int i);

/* audit_head.c: how the chain stands and what vouches for it. Quiet where all is well. */
int audit_head_rows(const struct view *v, const struct audit_view *a, int w, int h);
void audit_head_draw(const struct view *v, const struct audit_view *a, struct canvas *c);

/* audit_rows.c */
void audit_rows_draw(const struct audit_panel *s, const struct view *v, const struct audit_view *a, struct canvas *c);
void audit_detail_draw(struct pen *p, const struct view *v, const struct audit_row *row);

#endif
