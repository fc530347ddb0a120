/* Drift in --status: how many there are of each state, and a line for each that is not steady. */
#include "config.h"

#include "status_parts.h"

#include <inttypes.h>
#include <string.h>

#include "base/clock.h"

enum { LINES_MAX = 50, DRIFT_STATES = DRIFT_STEADY + 1 };

static void
count_states(const struct model *m, size_t n[DRIFT_STATES])
{
	memset(n, 0, DRIFT_STATES * sizeof *n);
	for (size_t i = 0; i < model_n_drifts(m); i++)
		n[model_drift_state(model_drift(m, i))]++;
}

/* Numbers only: with a value for each of a thousand features nobody could read the line. */
void
status_add_drift_values(struct buf *out, const struct model *m)
{
	size_t n[DRIFT_STATES];

	if (model_n_drifts(m) == 0)
		return;
	count_states(m, n);
	buf_printf(out, " drifted=%zu;0 'drift moving'=%zu 'drift unknown'=%zu 'drift steady'=%zu;;;0;%zu", n[DRIFT_DRIFTED],
	    n[DRIFT_MOVING], n[DRIFT_UNKNOWN] + n[DRIFT_FEW], n[DRIFT_STEADY], model_n_drifts(m));
}

static const char *
model_name(const struct drift_def *def)
{
	const char *colon = strchr(def->model, ':');

	return colon != NULL ? colon + 1 : def->model;
}

static void
add_drift(struct buf *out, const struct model *m, const struct model_drift *row, size_t name_w)
{
	const struct drift *d = row->drift;
	char age[DURATION_TEXT_MAX];

	buf_addstr(out, "drift    ");
	status_add_cell(out, row->def->name, name_w);
	buf_printf(out, "%-15s %6s  ", drift_state_name(model_drift_state(row)),
	    d != NULL && d->since_ns > 0 ? status_age(m, d->since_ns, age) : "-");
	status_add_text(out, model_name(row->def));
	buf_printf(out, " %s", drift_kind_name(row->def->kind));
	if (row->is_stale)
		buf_printf(out, ", last worked out %s ago", status_age(m, d->at_ns, age));
	if (d == NULL)
		buf_addstr(out, ", not worked out yet");
	if (d != NULL && d->against[0] != '\0') {
		buf_addstr(out, " against ");
		status_add_text(out, d->against);
	}
	if (d != NULL && d->why[0] != '\0') {
		buf_addstr(out, row->is_stale ? "; then: " : ": ");
		status_add_text(out, d->why);
	}
	buf_addch(out, '\n');
}

/* "12: 1 drifted, 2 moving, 9 steady", the worst first. */
static void
add_sum(struct buf *out, const size_t n[DRIFT_STATES], size_t n_all)
{
	bool is_first = true;

	buf_printf(out, "drift    %zu: ", n_all);
	for (int state = 0; state < DRIFT_STATES; state++) {
		if (n[state] == 0)
			continue;
		buf_printf(out, "%s%zu %s", is_first ? "" : ", ", n[state], drift_state_name((enum drift_state)state));
		is_first = false;
	}
	buf_addch(out, '\n');
}

void
status_add_drifts(struct buf *out, const struct model *m)
{
	size_t n[DRIFT_STATES], n_lines, name_w = 18;

	if (model_n_drifts(m) == 0)
		return;
	count_states(m, n);
	n_lines = model_n_drifts(m) - n[DRIFT_STEADY];
	if (n_lines > LINES_MAX)
		n_lines = LINES_MAX;
	/* Steady ones are the last. */
	for (size_t i = 0; i < n_lines; i++)
		status_widen(&name_w, model_drift(m, i)->def->name, STATUS_NAME_COLUMNS);
	for (size_t i = 0; i < n_lines; i++)
		add_drift(out, m, model_drift(m, i), name_w);
	if (model_n_drifts(m) - n[DRIFT_STEADY] > n_lines)
		buf_printf(out, "drift    and %zu more that are not steady\n", model_n_drifts(m) - n[DRIFT_STEADY] - n_lines);
	add_sum(out, n, model_n_drifts(m));
}
