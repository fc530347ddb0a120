/* Which runbooks are for the selected problem, in one line. */
#include "config.h"

#include <string.h>

#include "overview.h"
#include "parts_run.h"

enum { NAMES_MAX = 512 };

bool
overview_runbooks_any(const struct view *v)
{
	const struct runbook_set *set = v->model != NULL ? model_runbooks(v->model) : NULL;

	for (size_t i = 0; set != NULL && i < set->n; i++)
		if (*set->v[i].error == '\0' && model_runbook_offer(v->model, i) != NULL)
			return true;
	return false;
}

void
overview_runbooks_draw(const struct view *v, struct canvas *c, int y, const struct problem *p)
{
	char names[NAMES_MAX];
	int x;

	if (p == NULL || p->kind != PROBLEM_ALERT || *part_runbooks_for(v->model, p->name, names, sizeof names) == '\0') {
		canvas_text_w(c, 3, y, c->w - 4, ROLE_DIM, "no runbook is offered for this", false);
		return;
	}
	x = canvas_text(c, 3, y, ROLE_DIM, "runbooks for this alert:");
	x = canvas_text_w(c, x + 1, y, c->w - x - 6, ROLE_STRONG, names, false);
	canvas_text(c, x + 3, y, ROLE_KEY, "R");
}

struct op *
overview_runbooks_op(const struct view *v, const struct problem *p)
{
	if (p == NULL || p->kind != PROBLEM_ALERT)
		return op_text(OP_MESSAGE, p == NULL ? "nothing is selected" : "runbooks are offered for alerts: 8 lists all of them");
	return part_runbooks_op(v->model, p->name);
}
