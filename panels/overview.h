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

#endif
