/* The overview, over several files. Private to panels/overview*.c. */
#ifndef OPS_PANELS_OVERVIEW_H
#define OPS_PANELS_OVERVIEW_H

#include "ui/canvas.h"
#include "ui/op.h"
#include "ui/view.h"

/* overview_call.c: whom to call. */
void overview_call_draw(const struct view *v, struct canvas *c);
/* overview_budgets.c: how long have we got, in one line. 0: there is nothing to say. */
int overview_budgets_rows(const struct view *v);
void overview_budgets_draw(const struct view *v, struct canvas *c);
/* overview_models.c: which version serves, in one line. 0: there is nothing to say. */
int overview_models_rows(const struct view *v);
void overview_models_draw(const struct view *v, struct canvas *c);

/* overview_runbooks.c: what may be run for the selected problem. */
bool overview_runbooks_any(const struct view *v);	/* false: none is offered for anything, and nothing is said */
struct op *overview_runbooks_op(const struct view *v, const struct problem *p);	/* to them; p NULL: nothing is selected */
void overview_runbooks_draw(const struct view *v, struct canvas *c, int y, const struct problem *p);

/* overview_sources.c */
bool overview_sources_ok(const struct model *m);	/* true: there are some, and all of them answered */
/* "2 of 2 sources answered 1s ago": the oldest of their newest answers, so that it never flatters. */
void overview_sources_evidence(const struct view *v, char *buf, size_t size);
/* Those that are not ok first: room may be short. */
void overview_sources_draw(const struct view *v, struct canvas *c);

#endif
