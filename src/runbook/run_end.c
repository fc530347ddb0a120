/* How a run ended: its exit status (design: the table of --runbook) and the sentence. */
#include "config.h"

#include <stdlib.h>

#include "base/xalloc.h"
#include "runbook/run_priv.h"

struct counts {
	size_t done, failed, left, unknown, acted, undone, not_undone;
};

static void
count_lane(const struct lane *l, struct counts *n)
{
	const struct run *r = l->run;

	for (size_t c = 0; c < r->n_columns; c++) {
		const struct cell *cell = &l->cells[c];

		if (r->columns[c].step == NULL)
			continue;
		n->unknown += cell->outcome == OUTCOME_UNKNOWN;
		n->acted += cell->is_begun && step_changes(r->columns[c].step);
		n->undone += cell->outcome == OUTCOME_UNDONE;
		n->not_undone += cell_needs_undo(l, c);
	}
	if (l == &r->own)
		return;
	n->failed += l->is_failed;
	n->left += l->is_left && !l->is_failed;
	n->done += l->state == LANE_DONE && !l->is_failed;
}

static struct counts
count(const struct run *r)
{
	struct counts n = { 0 };

	for (size_t i = 0; i < r->n_lanes; i++)
		count_lane(&r->lanes[i], &n);
	count_lane(&r->own, &n);
	return n;
}

static int
exit_of(const struct run *r, const struct counts *n)
{
	/* Who stops the verification has not stopped a step. */
	bool is_stopped = r->is_stopping && !r->is_unverified, is_failed = n->failed > 0 || r->own.is_failed || is_stopped || r->is_condition_failed;

	if (n->unknown > 0)
		return 5;
	if (r->is_undone && n->acted > 0)
		return n->not_undone > 0 ? 1 : 4;
	if (r->is_audit_broken)
		return n->acted > 0 ? 1 : 8;
	if (is_failed)
		return n->acted > 0 ? 1 : r->is_declined ? 7 : 3;
	return r->is_unverified ? 9 : 0;
}

char *
run_why_stopper(const struct run *r, const struct lane *l)
{
	char *why = lane_why(l), *text;

	text = xasprintf("stopped: %u of %zu hosts failed, more than %u: %s: %s", run_n_failed(r), r->n_lanes, r->rb->max_failures, l->name, why);
	free(why);
	return text;
}

/* The first failing host, its step and the reason, where nothing has stopped the run; owned by the caller, NULL: none. */
static char *
first_failure(const struct run *r)
{
	for (size_t i = 0; i <= r->n_lanes; i++) {
		const struct lane *l = i < r->n_lanes ? &r->lanes[i] : &r->own;
		char *why, *text;

		if (!l->is_failed || l->is_left)
			continue;
		why = lane_why(l);
		text = xasprintf("%s%s%s", l->name, *l->name != '\0' ? ": " : "", why);
		free(why);
		return text;
	}
	return NULL;
}

void
run_sum_up(struct run *r)
{
	struct counts n = count(r);
	char *why = NULL, *hosts = NULL;

	r->exit = exit_of(r, &n);
	if (r->stopper != NULL && r->why_stopping != NULL) {
		free(r->why_stopping);
		r->why_stopping = run_why_stopper(r, r->stopper);
	}
	why = r->why_stopping != NULL ? xstrdup(r->why_stopping) : first_failure(r);
	if (r->n_lanes > 0)
		text_set(&hosts, "; %zu of %zu hosts done%s", n.done, r->n_lanes, n.left > 0 ? ", some left out" : "");
	else
		hosts = xstrdup("");
	switch (r->exit) {
	case 0:
		text_set(&r->text, "%s%s", r->is_verified ? "done and verified" : "done; the runbook verifies nothing", hosts);
		break;
	case 1:
		if (r->is_undone)
			text_set(&r->text, "undo incomplete: %zu of %zu steps were not taken back%s%s", n.not_undone, n.not_undone + n.undone,
			    why != NULL ? "; " : "", why != NULL ? why : "");
		else if (r->is_audit_broken)
			text_set(&r->text, "stopped: the audit log cannot be written: %s%s", r->audit_why, hosts);
		else
			text_set(&r->text, "%s%s%s", r->why_stopping == NULL ? "failed: " : "", why != NULL ? why : "not all hosts are done", hosts);
		break;
	case 3:
		text_set(&r->text, "nothing was done: %s", why != NULL ? why : "no host could be reached");
		break;
	case 4:
		text_set(&r->text, "failed and undone: %s", why != NULL ? why : "asked for");
		break;
	case 5:
		text_set(&r->text, "outcome unknown of %zu step%s%s%s", n.unknown, n.unknown == 1 ? "" : "s", why != NULL ? ": " : "", why != NULL ? why : "");
		break;
	case 7:
		text_set(&r->text, "nothing was done: %s", why != NULL ? why : "not confirmed");
		break;
	case 8:
		text_set(&r->text, "nothing was done: the audit log cannot be written: %s", r->audit_why);
		break;
	default:
		text_set(&r->text, "every step done, not verified: %s", why != NULL ? why : "");
	}
	free(hosts);
	free(why);
}
