/*
 * Runs of runbooks with their output, what can be run, incidents and notes: what was said last of each, the last few of each.
 *
 * Outputs can be large and many. They are kept by run, column and host, and bounded as a whole: the oldest go first.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "model/model_priv.h"

/* --- outputs ------------------------------------------------------------------------------------------------------------- */

static int
output_compare(const struct run_output *o, const char *run, unsigned column, const char *host)
{
	int c = strcmp(o->run, run);

	if (c == 0)
		c = (o->column > column) - (o->column < column);
	return c != 0 ? c : strcmp(o->host, host);
}

/* Where it is, or would be. */
static size_t
output_at(const struct model *m, const char *run, unsigned column, const char *host, bool *ret_is_there)
{
	size_t lo = 0, hi = m->n_outputs;

	*ret_is_there = false;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int c = output_compare(m->outputs[mid].output, run, column, host);

		if (c == 0) {
			*ret_is_there = true;
			return mid;
		}
		if (c < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static void
output_remove(struct model *m, size_t i)
{
	m->output_bytes -= block_bytes(m->outputs[i].output);
	block_unref(m->outputs[i].output);
	memmove(&m->outputs[i], &m->outputs[i + 1], (--m->n_outputs - i) * sizeof *m->outputs);
}

static void
outputs_bound(struct model *m)
{
	while (m->n_outputs > 1 && (m->n_outputs > RUN_OUTPUTS_MAX || m->output_bytes > RUN_OUTPUT_BYTES_MAX)) {
		size_t oldest = 0;

		for (size_t i = 1; i < m->n_outputs; i++)
			if (m->outputs[i].time_ns < m->outputs[oldest].time_ns)
				oldest = i;
		output_remove(m, oldest);
	}
}

static void
output_put(struct model *m, struct run_output_entry e)
{
	const struct run_output *o = e.output;
	bool is_there;
	size_t i = output_at(m, o->run, o->column, o->host, &is_there);

	block_ref(o);
	if (is_there)
		output_remove(m, i);
	if (m->n_outputs == m->outputs_cap) {
		m->outputs_cap = m->outputs_cap == 0 ? 16 : m->outputs_cap * 2;
		m->outputs = xreallocarray(m->outputs, m->outputs_cap, sizeof *m->outputs);
	}
	memmove(&m->outputs[i + 1], &m->outputs[i], (m->n_outputs++ - i) * sizeof *m->outputs);
	m->outputs[i] = e;
	m->output_bytes += block_bytes(o);
	outputs_bound(m);
}

static void
outputs_forget(struct model *m, const char *run)
{
	for (size_t i = m->n_outputs; i-- > 0;)
		if (strcmp(m->outputs[i].output->run, run) == 0)
			output_remove(m, i);
}

static void
outputs_done(struct model *m)
{
	for (size_t i = 0; i < m->n_outputs; i++)
		block_unref(m->outputs[i].output);
	free(m->outputs);
	m->outputs = NULL;
	m->n_outputs = m->outputs_cap = m->output_bytes = 0;
}

void
runs_lend_outputs(struct model *to, const struct model *from, int64_t t_ns)
{
	if (to->n_outputs == 0 && from->n_outputs == 0)
		return;
	outputs_done(to);
	for (size_t i = 0; i < from->n_outputs; i++)
		if (from->outputs[i].time_ns <= t_ns)
			output_put(to, from->outputs[i]);
	model_touch(to, MODEL_RUNS);
}

/* --- runs ------------------------------------------------------------------------------------------------------------------ */

static void
run_remove(struct model *m, size_t i)
{
	struct run_entry e = m->runs[i];

	memmove(&m->runs[i], &m->runs[i + 1], (--m->n_runs - i) * sizeof *m->runs);
	outputs_forget(m, e.run->id);
	block_unref(e.run);
}

/* The oldest one that is not under way makes room. */
static void
runs_make_room(struct model *m)
{
	size_t i = 0;

	if (m->n_runs < RUNS_MAX)
		return;
	while (i < m->n_runs - 1 && run_is_under_way(m->runs[i].run))
		i++;
	run_remove(m, i);
}

/* A plan that is carried out goes on under the name of the run. */
static void
forget_plan_of(struct model *m, const struct run_info *run)
{
	if (run_is_plan(run) || *run->plan == '\0')
		return;
	for (size_t i = m->n_runs; i-- > 0;) {
		const struct run_info *other = m->runs[i].run;

		if (other->state == RUN_PLANNED && strcmp(other->id, run->id) != 0 && strcmp(other->plan, run->plan) == 0)
			run_remove(m, i);
	}
}

static void
apply_run(struct model *m, const struct event *ev)
{
	const struct run_info *run = ev->block;
	bool is_marked = true;
	size_t i = 0;

	while (i < m->n_runs && strcmp(m->runs[i].run->id, run->id) != 0)
		i++;
	if (i < m->n_runs) {
		is_marked = m->runs[i].run->state != run->state || run->state == RUN_ENDED;
		block_replace(&m->runs[i].run, run);
		m->runs[i].time_ns = ev->time_ns;
		m->runs[i].source = ev->source;
	} else {
		runs_make_room(m);
		m->runs[m->n_runs++] = (struct run_entry){ block_ref(run), ev->time_ns, ev->source };
	}
	forget_plan_of(m, run);
	model_touch(m, MODEL_RUNS | (is_marked ? MODEL_MARKERS : 0));
}

/* --- incidents and notes ------------------------------------------------------------------------------------------------------ */

static void
apply_incident(struct model *m, const struct event *ev)
{
	const struct incident *incident = ev->block;
	size_t i = 0;

	while (i < m->n_incidents && strcmp(m->incidents[i].incident->id, incident->id) != 0)
		i++;
	if (i < m->n_incidents) {
		block_replace(&m->incidents[i].incident, incident);
	} else {
		if (m->n_incidents == INCIDENTS_MAX) {
			block_unref(m->incidents[0].incident);
			memmove(&m->incidents[0], &m->incidents[1], --m->n_incidents * sizeof m->incidents[0]);
		}
		m->incidents[i = m->n_incidents++].incident = block_ref(incident);
	}
	m->incidents[i].told = (struct told){ ev->time_ns, ev->source };
	model_touch(m, MODEL_INCIDENT);
}

static void
apply_note(struct model *m, const struct event *ev)
{
	if (m->n_notes == NOTES_MAX) {
		block_unref(m->notes[0].note);
		memmove(&m->notes[0], &m->notes[1], --m->n_notes * sizeof m->notes[0]);
	}
	m->notes[m->n_notes++] = (struct note_entry){ block_ref(ev->block), ev->time_ns, ev->source };
	model_touch(m, MODEL_INCIDENT | MODEL_MARKERS);
}

/* --- events --------------------------------------------------------------------------------------------------------------------- */

void
runs_apply(struct model *m, const struct event *ev)
{
	if (ev->kind == EVENT_RUNBOOKS) {
		block_replace(&m->runbooks, ev->block);
		m->runbooks_told = (struct told){ ev->time_ns, ev->source };
		model_touch(m, MODEL_RUNBOOKS);
	} else if (ev->kind == EVENT_RUN) {
		apply_run(m, ev);
	} else if (ev->kind == EVENT_RUN_OUTPUT) {
		output_put(m, (struct run_output_entry){ ev->block, ev->time_ns, ev->source });
		model_touch(m, MODEL_RUNS);
	} else if (ev->kind == EVENT_INCIDENT) {
		apply_incident(m, ev);
	} else {
		apply_note(m, ev);
	}
}

void
runs_clone(struct model *to, const struct model *from)
{
	to->runbooks = block_ref(from->runbooks);
	to->runbooks_told = from->runbooks_told;
	for (size_t i = 0; i < from->n_runs; i++) {
		to->runs[i] = from->runs[i];
		block_ref(to->runs[i].run);
	}
	to->n_runs = from->n_runs;
	for (size_t i = 0; i < from->n_outputs; i++)
		output_put(to, from->outputs[i]);
	for (size_t i = 0; i < from->n_incidents; i++) {
		to->incidents[i] = from->incidents[i];
		block_ref(to->incidents[i].incident);
	}
	to->n_incidents = from->n_incidents;
	for (size_t i = 0; i < from->n_notes; i++) {
		to->notes[i] = from->notes[i];
		block_ref(to->notes[i].note);
	}
	to->n_notes = from->n_notes;
}

void
runs_done(struct model *m)
{
	block_unref(m->runbooks);
	m->runbooks = NULL;
	for (size_t i = 0; i < m->n_runs; i++)
		block_unref(m->runs[i].run);
	m->n_runs = 0;
	outputs_done(m);
	for (size_t i = 0; i < m->n_incidents; i++)
		block_unref(m->incidents[i].incident);
	m->n_incidents = 0;
	for (size_t i = 0; i < m->n_notes; i++)
		block_unref(m->notes[i].note);
	m->n_notes = 0;
}

/* --- markers ---------------------------------------------------------------------------------------------------------------------- */

enum { MARKERS_OF_RUN = 2, MARKER_TEXT_MAX = 512 };

size_t
runs_n_markers(const struct model *m)
{
	return MARKERS_OF_RUN * m->n_runs + m->n_notes;
}

static void
add_marker(struct markers_view *v, int64_t at_ns, const char *what, const char *text)
{
	/* Copied: what it is of may be replaced by what says the same. */
	v->v[v->n++] = (struct marker){ .kind = MARKER_ACTION, .at_ns = at_ns, .what = arena_strdup(&v->arena, what), .from = "", .to = "",
	    .text = arena_strdup(&v->arena, text) };
}

static void
add_run_markers(struct markers_view *v, const struct run_info *run)
{
	char text[MARKER_TEXT_MAX];

	if (run_is_plan(run) || run->started_ns == 0)
		return;
	snprintf(text, sizeof text, "%s%s%s begun by %s", run->runbook, *run->target != '\0' ? " " : "", run->target, run->actor);
	add_marker(v, run->started_ns, run->runbook, text);
	if (run->state != RUN_ENDED || run->ended_ns == 0)
		return;
	snprintf(text, sizeof text, "%s%s%s: %s", run->runbook, *run->target != '\0' ? " " : "", run->target, run->text);
	add_marker(v, run->ended_ns, run->runbook, text);
}

void
runs_add_markers(const struct model *m, struct markers_view *v)
{
	for (size_t i = 0; i < m->n_runs; i++)
		add_run_markers(v, m->runs[i].run);
	for (size_t i = 0; i < m->n_notes; i++)
		add_marker(v, m->notes[i].time_ns, "note", m->notes[i].note->text);
}

/* --- for the reader ----------------------------------------------------------------------------------------------------------------- */

bool
run_is_plan(const struct run_info *r)
{
	return r->is_dry_run || r->state <= RUN_REFUSED;
}

bool
run_is_under_way(const struct run_info *r)
{
	return !r->is_dry_run && r->state >= RUN_STARTING && r->state < RUN_ENDED;
}

const struct run_cell *
run_row_cell(const struct run_info *r, size_t row, size_t column)
{
	return row < r->n_rows && column < r->n_columns ? &r->rows[row].cells[column] : NULL;
}

const struct runbook_set *
model_runbooks(const struct model *m)
{
	return m->runbooks;
}

size_t
model_runs(const struct model *m)
{
	return m->n_runs;
}

const struct run_info *
model_run(const struct model *m, size_t i)
{
	return m->runs[m->n_runs - 1 - i].run;
}

const struct run_info *
model_run_find(const struct model *m, const char *id)
{
	for (size_t i = m->n_runs; i-- > 0;)
		if (strcmp(m->runs[i].run->id, id) == 0)
			return m->runs[i].run;
	return NULL;
}

const struct run_output *
model_run_output(const struct model *m, const char *run, const char *host, unsigned column)
{
	bool is_there;
	size_t i = output_at(m, run, column, host, &is_there);

	return is_there ? m->outputs[i].output : NULL;
}

const struct incident *
model_incident(const struct model *m)
{
	for (size_t i = m->n_incidents; i-- > 0;)
		if (m->incidents[i].incident->closed_ns == 0)
			return m->incidents[i].incident;
	return NULL;
}

size_t
model_notes(const struct model *m)
{
	return m->n_notes;
}

const struct note *
model_note(const struct model *m, size_t i, int64_t *ret_at_ns)
{
	const struct note_entry *e = &m->notes[m->n_notes - 1 - i];

	if (ret_at_ns != NULL)
		*ret_at_ns = e->time_ns;
	return e->note;
}
