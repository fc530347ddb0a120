/* What the keys of the run panel ask the app to do. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/hostfold.h"
#include "base/xalloc.h"
#include "run.h"

enum { NAMES_MAX = 1 << 16 };

/* Why nothing can be done about it from here; NULL when it can. */
static struct op *
not_ours(const struct run_info *r)
{
	if (r == NULL)
		return op_text(OP_MESSAGE, "there is no run: 8 lists what can be run");
	if (!r->is_ours)
		return op_text(OP_MESSAGE, "%s is run by %s elsewhere: it can be stopped there only", r->id, r->actor);
	return NULL;
}

struct op *
run_act_open(const struct run_panel *s, const struct run_info *r)
{
	struct op *op = not_ours(r);

	(void)s;
	if (op != NULL)
		return op;
	if (r->state == RUN_PLANNING)
		return op_text(OP_MESSAGE, "it is still being planned");
	if (r->state == RUN_REFUSED)
		return op_text(OP_ERROR, "this plan cannot be run: %s", r->text);
	if (r->is_dry_run)
		return op_text(OP_MESSAGE, "a dry run is to be looked at only, as are all plans in a read-only environment");
	if (r->state != RUN_PLANNED)
		return op_text(OP_MESSAGE, "this is no plan: 8 lists what can be run");
	return op_text(OP_RUN_FORM, "%s", r->id);
}

/* Always allowed: it begins nothing. A plan is only forgotten. */
struct op *
run_act_stop(const struct run_info *r)
{
	struct op *op = not_ours(r);

	if (op != NULL)
		return op;
	if (run_is_under_way(r))
		return op_text(OP_RUN_STOP, "%s", r->id);
	if (r->state < RUN_STARTING && !r->is_dry_run)
		return op_text(OP_RUN_DROP, "%s", r->id);
	return op_text(OP_MESSAGE, "it has ended already");
}

struct op *
run_act_skip(const struct run_info *r, const struct run_row *row)
{
	struct op *op = not_ours(r);

	if (op != NULL)
		return op;
	if (!run_is_under_way(r))
		return op_text(OP_MESSAGE, "only a run under way has hosts to leave out");
	if (row == NULL || *row->host == '\0')
		return op_text(OP_MESSAGE, "select the host to leave out");
	op = op_text(OP_RUN_SKIP, "%s", r->id);
	op->arg = xstrdup(row->host);
	op_confirm_line(op, "Leave %s out of %s from here on", row->host, r->id);
	op_confirm_line(op, "now       %s", *row->state != '\0' ? row->state : "nothing is known of it yet");
	op_confirm_line(op, "then      what was done there stays; verification does not count it");
	return op;
}

static bool
has_failed(const struct run_info *r, const struct run_row *row)
{
	enum outcome o = run_row_outcome(r, row);

	return row->is_failed || o == OUTCOME_FAILED || o == OUTCOME_UNKNOWN;
}

/* Of all that failed the names. Returns how many. */
static size_t
failed_names(const struct run_info *r, struct buf *out)
{
	const char **names = xcalloc(r->n_rows + 1, sizeof *names);
	size_t n = 0;

	for (size_t i = 0; i < r->n_rows; i++)
		if (has_failed(r, &r->rows[i]))
			names[n++] = run_row_name(&r->rows[i]);
	host_fold(out, names, n);
	free(names);
	return n;
}

struct op *
run_act_retry(const struct run_info *r, const struct run_row *row)
{
	struct op *op = not_ours(r);
	struct buf names;

	if (op != NULL)
		return op;
	if (run_is_plan(r))
		return op_text(OP_MESSAGE, "nothing was run yet");
	buf_init(&names, NAMES_MAX);
	if (failed_names(r, &names) == 0) {
		op = op_text(OP_MESSAGE, "nothing failed");
	} else {
		op = op_text(OP_RUN_RETRY, "%s", r->id);
		if (row != NULL && *row->host != '\0' && has_failed(r, row)) {
			op->arg = xstrdup(row->host);
			op_confirm_line(op, "Try %s again in %s", row->host, r->id);
			op_confirm_line(op, "now       %s", *row->state != '\0' ? row->state : "nothing is known of it");
		} else {
			op_confirm_line(op, "Try all that failed again in %s", r->id);
			op_confirm_line(op, "hosts     %s", names.data);
		}
		op_confirm_line(op, "target    %s in %s", *r->target != '\0' ? r->target : r->runbook, r->env);
		op_confirm_line(op, "first     what may have been done is checked, where the step has a check");
	}
	buf_done(&names);
	return op;
}

/* How many steps were done that can be undone, and that cannot. */
static void
count_undo(const struct run_info *r, size_t *ret_can, size_t *ret_cannot)
{
	*ret_can = *ret_cannot = 0;
	for (size_t i = 0; i < r->n_rows; i++)
		for (size_t j = 0; j < r->n_columns; j++) {
			const struct run_cell *cell = &r->rows[i].cells[j];

			if (cell->intent == 0 || cell->outcome == OUTCOME_UNDONE)
				continue;
			*(*cell->undo != '\0' ? ret_can : ret_cannot) += 1;
		}
}

struct op *
run_act_undo(const struct run_info *r)
{
	struct op *op = not_ours(r);
	size_t can, cannot;

	if (op != NULL)
		return op;
	if (run_is_plan(r))
		return op_text(OP_MESSAGE, "nothing was run yet: there is nothing to undo");
	count_undo(r, &can, &cannot);
	if (can == 0)
		return op_text(OP_MESSAGE, cannot > 0 ? "none of what was done can be undone" : "nothing was done: there is nothing to undo");
	op = op_text(OP_RUN_UNDO, "%s", r->id);
	op_confirm_line(op, "Undo %s: %s in %s", r->id, *r->target != '\0' ? r->target : r->runbook, r->env);
	op_confirm_line(op, "undoes    %zu step%s, the last first", can, can == 1 ? "" : "s");
	if (cannot > 0)
		op_confirm_line(op, "cannot    be undone: %zu step%s", cannot, cannot == 1 ? "" : "s");
	op_confirm_line(op, "careful   nothing new is begun; where somebody else changed the target since, it is left as it is");
	return op;
}

/* By number, or by the first letter where no other answer begins with it. */
struct op *
run_act_answer(const struct run_info *r, int key)
{
	const char *answer = NULL;
	size_t n_same = 0;
	struct op *op;

	if (key >= '1' && key <= '9' && (size_t)(key - '1') < r->answers.n)
		answer = r->answers.v[key - '1'];
	for (size_t i = 0; answer == NULL && i < r->answers.n; i++)
		n_same += (unsigned char)r->answers.v[i][0] == (unsigned)key && key > ' ';
	for (size_t i = 0; answer == NULL && n_same == 1 && i < r->answers.n; i++)
		if ((unsigned char)r->answers.v[i][0] == (unsigned)key)
			answer = r->answers.v[i];
	if (answer == NULL)
		return NULL;
	op = op_text(OP_RUN_ANSWER, "%s", r->id);
	op->arg = xstrdup(answer);
	return op;
}
