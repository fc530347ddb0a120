/* A lane's own things: where it stands, what its cells say, and beginning an act for it. What it does is in run_lane.c and run_undo.c. */
#include "config.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/xalloc.h"
#include "runbook/run_priv.h"

#define NOT_UNDONE "not undone"

/* --- where it stands ----------------------------------------------------------------------------------------------------------- */

void
lane_enter(struct lane *l, enum lane_state to)
{
	l->state = to;
	if (to == LANE_FAILED && !l->is_failed)
		l->is_failed = true;
	info_touch(l->run);
	run_kick(l->run);
}

struct cell *
lane_cell(struct lane *l)
{
	return &l->cells[l->column];
}

const struct column *
lane_column(const struct lane *l)
{
	return &l->run->columns[l->column];
}

void
lane_phrase(struct lane *l, const char *fmt, ...)
{
	char *old = l->phrase;
	va_list ap;

	va_start(ap, fmt);
	l->phrase = xvasprintf(fmt, ap);
	va_end(ap);
	free(old);
}

/* What a step came to, in a few words; nothing where it has not begun, or changed nothing. */
static void
add_cell(struct buf *b, const struct lane *l, size_t column)
{
	const struct cell *c = &l->cells[column];
	const struct column *col = &l->run->columns[column];
	const char *text = c->text != NULL ? c->text : "", *sep = b->len > 0 ? "; " : "";
	bool is_cause = l->cause != NULL && l->cause_column == column;

	if (c->is_undo_failed && cell_needs_undo(l, column))
		buf_printf(b, "%s%s %s", sep, col->name, strncmp(text, NOT_UNDONE, sizeof NOT_UNDONE - 1) == 0 ? text : NOT_UNDONE);
	else if (is_cause)
		buf_printf(b, "%s%s %s: %s%s", sep, col->name, c->outcome == OUTCOME_UNKNOWN ? "outcome unknown" : c->outcome == OUTCOME_CANCELLED ? "cancelled" : "failed",
		    l->cause, c->outcome == OUTCOME_UNDONE ? ", undone" : "");
	else if (c->outcome == OUTCOME_UNDONE)
		buf_printf(b, "%s%s undone", sep, col->name);
	else if (c->outcome == OUTCOME_OK && step_changes(col->step) && !col->step->is_undo_nothing)
		buf_printf(b, "%s%s done", sep, col->name);
	else if (c->outcome == OUTCOME_FAILED || c->outcome == OUTCOME_UNKNOWN)
		buf_printf(b, "%s%s %s: %s", sep, col->name, c->outcome == OUTCOME_FAILED ? "failed" : "outcome unknown", text);
}

void
lane_sum_up(struct lane *l)
{
	struct buf b;

	buf_init(&b, RUN_TEXT_MAX * 4);
	for (size_t i = 0; i < l->run->n_columns; i++)
		if (l->run->columns[i].step != NULL)
			add_cell(&b, l, i);
	if (l->cause != NULL && l->cause_column >= l->run->n_columns)
		buf_printf(&b, "%s%s", b.len > 0 ? "; " : "", l->cause);
	lane_phrase(l, "%s", b.len > 0 ? b.data : "unchanged");
	buf_done(&b);
}

char *
lane_why(const struct lane *l)
{
	if (l->cause == NULL)
		return xstrdup(l->phrase != NULL ? l->phrase : "failed");
	if (l->cause_column >= l->run->n_columns)
		return xstrdup(l->cause);
	return xasprintf("%s: %s%s", l->run->columns[l->cause_column].name, l->cells[l->cause_column].outcome == OUTCOME_UNKNOWN ? "outcome unknown: " : "", l->cause);
}

bool
lane_is_busy(const struct lane *l)
{
	switch (l->state) {
	case LANE_WHEN: case LANE_CHECK: case LANE_INTENT: case LANE_ACT: case LANE_SETTLE: case LANE_SETTLE_PAUSE: case LANE_RECHECK: case LANE_BACKOFF:
	case LANE_ASK: case LANE_UNDO_NEXT: case LANE_UNDO_CHECK: case LANE_UNDO_INTENT: case LANE_UNDO_ACT: case LANE_UNDO_SETTLE:
		return true;
	default:
		return false;
	}
}

bool
lane_is_over(const struct lane *l)
{
	return l->state == LANE_DONE || l->state == LANE_FAILED || l->state == LANE_LEFT || l->state == LANE_UNDO_DONE;
}

void
cell_set(struct lane *l, size_t column, enum outcome outcome, const char *text)
{
	struct cell *c = &l->cells[column];

	c->outcome = outcome;
	if (text != NULL)
		text_set(&c->text, "%s", text);
	if (outcome == OUTCOME_RUNNING) {
		c->started_ns = clock_now();
		c->ended_ns = 0;
	} else if (outcome != OUTCOME_WAITING) {
		c->ended_ns = clock_now();
		if (c->started_ns == 0)
			c->started_ns = c->ended_ns;
	}
	info_touch(l->run);
}

void
nonce_make(char *buf)
{
	unsigned char bytes[(RUN_NONCE_MAX - 1) / 2];

	/* The pool is seeded long before any run: this neither waits nor fails. */
	if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes)
		abort();
	for (size_t i = 0; i < sizeof bytes; i++)
		snprintf(buf + 2 * i, 3, "%02x", bytes[i]);
}

/* --- beginning an act ------------------------------------------------------------------------------------------------------------ */

/* Other hosts may have ended later: what this one says of its own act is older than that, and counts. */
int64_t
lane_act_begun(const struct lane *l)
{
	const struct run *r = l->run;
	int64_t ns = 0;

	for (size_t i = 0; l != &r->own && i < r->n_columns; i++)
		if (r->columns[i].step != NULL && step_changes(r->columns[i].step) && l->cells[i].is_begun && l->cells[i].begun_ns > ns)
			ns = l->cells[i].begun_ns;
	return ns > 0 ? ns : r->last_begun_ns;
}

int
lane_begin(struct lane *l, struct bound *b, enum act_mode mode, const char *previous, bool has_output, act_done_cb *done, struct err *err)
{
	struct run *r = l->run;
	struct act_start s = {
		.mode = mode, .nonce = lane_cell(l)->nonce, .previous = previous, .run = r->id, .incident = r->incident,
		.since_ns = mode == ACT_SETTLE ? lane_cell(l)->begun_ns : r->last_act_ns, .begun_ns = lane_act_begun(l),
		.output = has_output ? output_add : NULL, .done = done, .arg = l,
	};
	char nonce[RUN_NONCE_MAX];

	assert(l->running == NULL);
	if (mode == ACT_READ) {
		/* A check is an attempt of its own: the act's nonce is kept for settling. */
		nonce_make(nonce);
		s.nonce = nonce;
	}
	l->is_cancelled = false;
	return act_begin(r->w, b, &s, &l->running, err);
}

bool
lane_unbusy(struct lane *l, struct running *running)
{
	if (l->running == running)
		l->running = NULL;
	return true;
}

/* --- its end --------------------------------------------------------------------------------------------------------------------- */

void
lane_done(struct lane *l)
{
	if (l->run->w->audit != NULL)
		audit_forget(l->run->w->audit, l);
	look_free(l->look);
	act_free(l->running);
	loop_timer_free(l->timer);
	output_done(l);
	for (size_t i = 0; l->cells != NULL && i < l->run->n_columns; i++) {
		struct cell *c = &l->cells[i];

		bound_unref(c->act);
		bound_unref(c->check);
		bound_unref(c->undo);
		free(c->text);
		free(c->transport);
		free(c->expect);
		free(c->previous);
		free(c->unbound);
		free(c->undo_unbound);
		free(c->done_in);
	}
	free(l->cells);
	free(l->name);
	free(l->address);
	free(l->user);
	free(l->serving);
	free(l->serving_why);
	free(l->phrase);
	free(l->cause);
}
