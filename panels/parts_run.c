#include "config.h"

#include "parts_run.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "base/xalloc.h"

/* --- outcomes ---------------------------------------------------------------------------------------------------------- */

static const struct {
	const char *glyph, *word;
	enum role role;
} looks[] = {
	[OUTCOME_NONE] = { "·", "", ROLE_DIM },
	[OUTCOME_WAITING] = { "", "waiting", ROLE_DIM },
	[OUTCOME_RUNNING] = { GLYPH_PENDING, "running", ROLE_CHANGED },
	[OUTCOME_OK] = { GLYPH_OK, "ok", ROLE_OK },
	[OUTCOME_SKIPPED] = { GLYPH_SILENCED, "skipped", ROLE_DIM },
	[OUTCOME_FAILED] = { GLYPH_FIRING, "FAILED", ROLE_CRITICAL },
	[OUTCOME_WOULD_RUN] = { "▸", "WOULD RUN", ROLE_CHANGED },
	[OUTCOME_UNVERIFIABLE] = { GLYPH_UNKNOWN, "UNVERIFIABLE", ROLE_UNKNOWN },
	[OUTCOME_UNKNOWN] = { GLYPH_UNKNOWN, "UNKNOWN", ROLE_UNKNOWN },
	[OUTCOME_CANCELLED] = { GLYPH_INHIBITED, "cancelled", ROLE_WARNING },
	[OUTCOME_UNDONE] = { "◀", "undone", ROLE_WARNING },
};

const char *
part_outcome_glyph(enum outcome o, enum role *ret_role)
{
	if ((unsigned)o >= sizeof looks / sizeof looks[0])
		o = OUTCOME_UNKNOWN;
	*ret_role = looks[o].role;
	return looks[o].glyph;
}

/* "1.9s", "12s", "3m05s": tenths while they tell something. */
static const char *
took_text(int64_t ns, char *buf)
{
	if (ns < 0)
		ns = 0;
	if (ns < 10 * NS_PER_S)
		snprintf(buf, DURATION_TEXT_MAX, "%d.%ds", (int)(ns / NS_PER_S), (int)(ns / (NS_PER_S / 10) % 10));
	else
		duration_format(buf, ns);
	return buf;
}

const char *
part_cell_text(const struct run_cell *cell, int64_t now_ns, char *buf, enum role *ret_role)
{
	const char *glyph = part_outcome_glyph(cell->outcome, ret_role);
	const char *word = (unsigned)cell->outcome < sizeof looks / sizeof looks[0] ? looks[cell->outcome].word : "UNKNOWN";
	char took[DURATION_TEXT_MAX] = "", attempt[16] = "";

	if (cell->outcome == OUTCOME_RUNNING && cell->started_ns != 0)
		duration_format(took, now_ns > cell->started_ns ? now_ns - cell->started_ns : 0);
	else if (cell->outcome == OUTCOME_OK && cell->started_ns != 0 && cell->ended_ns != 0)
		took_text(cell->ended_ns - cell->started_ns, took);
	if (cell->attempt > 1)
		snprintf(attempt, sizeof attempt, " x%u", cell->attempt % 10000);
	snprintf(buf, PART_CELL_MAX, "%s%s%s%s%s%s", glyph, *glyph != '\0' && *word != '\0' ? " " : "", word, attempt, *took != '\0' ? " " : "",
	    took);
	return buf;
}

/* --- runs ---------------------------------------------------------------------------------------------------------------- */

/* By the exit statuses of design.md, section 6. */
static const struct {
	const char *glyph, *word;
	enum role role;
} ends[] = {
	{ GLYPH_OK, "done and verified", ROLE_OK },
	{ GLYPH_FIRING, "FAILED", ROLE_CRITICAL },
	{ GLYPH_FIRING, "not begun: usage", ROLE_WARNING },
	{ GLYPH_FIRING, "stopped before any act", ROLE_WARNING },
	{ "◀", "FAILED and undone", ROLE_WARNING },
	{ GLYPH_UNKNOWN, "OUTCOME UNKNOWN", ROLE_UNKNOWN },
	{ GLYPH_INHIBITED, "locked, nothing done", ROLE_WARNING },
	{ GLYPH_SILENCED, "declined, nothing done", ROLE_DIM },
	{ GLYPH_FIRING, "no audit, nothing done", ROLE_CRITICAL },
	{ GLYPH_UNKNOWN, "done, NOT VERIFIED", ROLE_UNKNOWN },
};
enum { ENDS = sizeof ends / sizeof ends[0], EXIT_UNVERIFIABLE = 5, EXIT_DRY_REFUSED = 3 };

static bool
is_end_known(const struct run_info *r)
{
	return r->state == RUN_ENDED && r->exit >= 0 && r->exit < ENDS;
}

const char *
part_run_word(const struct run_info *r)
{
	if (r->state == RUN_ENDED && r->is_dry_run)
		return r->exit == 0 ? "would run" : r->exit == EXIT_UNVERIFIABLE ? "UNVERIFIABLE" : r->exit == EXIT_DRY_REFUSED ? "would refuse" :
		    "dry run ended";
	if (is_end_known(r))
		return ends[r->exit].word;
	return r->state == RUN_PLANNED ? "plan" : r->state == RUN_REFUSED ? "REFUSED" : run_state_name(r->state);
}

const char *
part_run_glyph(const struct run_info *r, enum role *ret_role)
{
	if (is_end_known(r) && !(r->is_dry_run && r->exit == 0)) {
		*ret_role = ends[r->exit].role;
		return ends[r->exit].glyph;
	}
	switch (r->state) {
	case RUN_REFUSED:
		*ret_role = ROLE_WARNING;
		return GLYPH_FIRING;
	case RUN_ASKING: case RUN_STOPPING: case RUN_UNDOING:
		*ret_role = ROLE_WARNING;
		return GLYPH_PENDING;
	case RUN_ENDED: case RUN_PLANNED:
		*ret_role = ROLE_CHANGED;
		return "▸";
	default:
		*ret_role = ROLE_CHANGED;
		return GLYPH_PENDING;
	}
}

enum role
part_danger_role(enum danger d)
{
	return d == DANGER_HIGH ? ROLE_CRITICAL : d == DANGER_MEDIUM ? ROLE_WARNING : ROLE_TEXT;
}

const char *
part_past_glyph(const struct past_run *p, enum role *ret_role)
{
	const char *word = part_past_word(p);

	if (p->is_verified) {
		*ret_role = ROLE_OK;
		return GLYPH_OK;
	}
	if (p->ended_ns == 0 || str_contains(word, "unknown") || str_contains(word, "verified")) {
		*ret_role = ROLE_UNKNOWN;
		return GLYPH_UNKNOWN;
	}
	*ret_role = str_contains(word, "failed") ? ROLE_CRITICAL : ROLE_WARNING;
	return str_contains(word, "failed") ? GLYPH_FIRING : GLYPH_INHIBITED;
}

const char *
part_past_word(const struct past_run *p)
{
	return p->ended_ns == 0 ? "no end recorded" : p->outcome != NULL && *p->outcome != '\0' ? p->outcome : "ended";
}

const char *
part_elapsed(int64_t ns, char *buf)
{
	int64_t s = ns < 0 ? 0 : ns / NS_PER_S;
	int days = (int)(s / 86400 % 100000);

	if (days > 0)
		snprintf(buf, DURATION_TEXT_MAX, "%dd %02d:%02d:%02d", days, (int)(s / 3600 % 24), (int)(s / 60 % 60), (int)(s % 60));
	else
		snprintf(buf, DURATION_TEXT_MAX, "%02d:%02d:%02d", (int)(s / 3600 % 24), (int)(s / 60 % 60), (int)(s % 60));
	return buf;
}

int64_t
part_run_elapsed(const struct run_info *r, int64_t now_ns)
{
	int64_t end_ns = r->ended_ns != 0 && !run_is_under_way(r) ? r->ended_ns : now_ns;

	return r->started_ns == 0 || end_ns < r->started_ns ? 0 : end_ns - r->started_ns;
}

const struct run_info *
part_run_first(const struct model *m)
{
	for (size_t i = 0; m != NULL && i < model_runs(m); i++)
		if (run_is_under_way(model_run(m, i)))
			return model_run(m, i);
	return m != NULL && model_runs(m) > 0 ? model_run(m, 0) : NULL;
}

/* --- runbooks for alerts ------------------------------------------------------------------------------------------------------ */

const char *
part_runbooks_for(const struct model *m, const char *alert, char *buf, size_t size)
{
	const struct runbook_set *set = m != NULL ? model_runbooks(m) : NULL;
	size_t len = 0;

	*buf = '\0';
	for (size_t i = 0; set != NULL && i < set->n && len < size; i++)
		if (*set->v[i].error == '\0' && runbook_is_for(&set->v[i], alert))
			len += (size_t)snprintf(buf + len, size - len, "%s%s", len > 0 ? ", " : "", set->v[i].name);
	return buf;
}

struct op *
part_runbooks_op(const struct model *m, const char *alert)
{
	struct op *op;
	char names[8];

	if (m == NULL || model_runbooks(m) == NULL)
		return op_text(OP_MESSAGE, "runbooks have not been read");
	if (*part_runbooks_for(m, alert, names, sizeof names) == '\0')
		return op_text(OP_MESSAGE, "no runbook is offered for %s: 8 lists all of them", alert);
	op = op_text(OP_PANEL, "runbooks");
	op->arg = xasprintf("alert:%s", alert);
	return op;
}
