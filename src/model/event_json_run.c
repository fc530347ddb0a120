/* Runbooks, runs, their output, incidents and notes as JSON: one table a struct. */
#include "config.h"

#include <string.h>

#include "base/err.h"
#include "model/event_fields.h"

static const char *const dangers[] = { "low", "medium", "high", NULL };
static const char *const param_types[] = { "string", "int", "enum", "host", "model", "model-version", "duration", "secret", NULL };
static const char *const run_states[] = { "planning", "planned", "refused", "starting", "acting", "asking", "verifying", "undoing", "stopping", "ended",
	NULL };
static const char *const outcomes[] = { "NONE", "WAITING", "RUNNING", "OK", "SKIPPED", "FAILED", "WOULD RUN", "UNVERIFIABLE", "UNKNOWN", "CANCELLED",
	"UNDONE", NULL };
static const char *const phases[] = { "check", "step", "health", "closing", "verify", NULL };

/* --- what can be run ---------------------------------------------------------------------------------------------------- */

static const struct field param_fields[] = {
	F("name", FIELD_TEXT, param_info, name),
	F("title", FIELD_TEXT, param_info, title),
	F_ENUM("type", param_info, type, param_types),
	F("required", FIELD_BOOL, param_info, is_required),
	F("default", FIELD_TEXT_OR_NULL, param_info, def),
	F("of", FIELD_TEXT_OR_NULL, param_info, of),
	F("choices", FIELD_STRINGS, param_info, choices),
	F("from", FIELD_TEXT_OR_NULL, param_info, from),
	F_END
};
static const struct field runbook_fields[] = {
	F("name", FIELD_TEXT, runbook_info, name),
	F("title", FIELD_TEXT, runbook_info, title),
	F("description", FIELD_TEXT, runbook_info, description),
	F_ENUM("danger", runbook_info, danger, dangers),
	F("file", FIELD_TEXT, runbook_info, file),
	F("shipped", FIELD_BOOL, runbook_info, is_shipped),
	F("error", FIELD_TEXT, runbook_info, error),
	F_LIST("params", FIELD_LIST, runbook_info, params, n_params, param_fields),
	F("offer_alerts", FIELD_STRINGS, runbook_info, offer_alerts),
	F("steps", FIELD_STRINGS, runbook_info, steps),
	F("hosts", FIELD_TEXT, runbook_info, hosts),
	F_END
};
static const struct field past_run_fields[] = {
	F("run", FIELD_TEXT, past_run, run),
	F("runbook", FIELD_TEXT, past_run, runbook),
	F("target", FIELD_TEXT, past_run, target),
	F("outcome", FIELD_TEXT, past_run, outcome),
	F("user", FIELD_TEXT, past_run, user),
	F("started", FIELD_TIME, past_run, started_ns),
	F("ended", FIELD_TIME, past_run, ended_ns),
	F("verified", FIELD_BOOL, past_run, is_verified),
	F("left", FIELD_BOOL, past_run, is_left),
	F_END
};
const struct field runbook_set_fields[] = {
	F_LIST("runbooks", FIELD_LIST, runbook_set, v, n, runbook_fields),
	F_LIST("past", FIELD_LIST, runbook_set, past, n_past, past_run_fields),
	F("problems", FIELD_STRINGS, runbook_set, problems),
	F_END
};

/* --- one run ---------------------------------------------------------------------------------------------------------------- */

static const struct field value_fields[] = {
	F("name", FIELD_TEXT, run_value, name),
	F("value", FIELD_TEXT, run_value, value),
	F("from", FIELD_TEXT, run_value, from),
	F_END
};
static const struct field fact_fields[] = {
	F("name", FIELD_TEXT, run_fact, name),
	F("text", FIELD_TEXT, run_fact, text),
	F_ENUM("outcome", run_fact, outcome, outcomes),
	F_END
};
static const struct field column_fields[] = {
	F("name", FIELD_TEXT, run_column, name),
	F("kind", FIELD_TEXT, run_column, kind),
	F_ENUM("phase", run_column, phase, phases),
	F("run_scope", FIELD_BOOL, run_column, is_run_scope),
	F_END
};
const struct field run_cell_fields[] = {
	F_ENUM("outcome", run_cell, outcome, outcomes),
	F("started", FIELD_TIME, run_cell, started_ns),
	F("ended", FIELD_TIME, run_cell, ended_ns),
	F("attempt", FIELD_UINT, run_cell, attempt),
	F("text", FIELD_TEXT, run_cell, text),
	F("command", FIELD_TEXT, run_cell, command),
	F("undo", FIELD_TEXT, run_cell, undo),
	F("intent", FIELD_UINT64, run_cell, intent),
	F("result", FIELD_UINT64, run_cell, result),
	F("transport", FIELD_TEXT, run_cell, transport),
	F_END
};
const struct field run_row_fields[] = {
	F("host", FIELD_TEXT, run_row, host),
	F("batch", FIELD_INT_OR_NONE, run_row, batch),
	F("state", FIELD_TEXT, run_row, state),
	F("failed", FIELD_BOOL, run_row, is_failed),
	F_END
};
const struct field run_info_fields[] = {	/* beside rows */
	F("id", FIELD_TEXT, run_info, id),
	F("runbook", FIELD_TEXT, run_info, runbook),
	F("title", FIELD_TEXT, run_info, title),
	F("env", FIELD_TEXT, run_info, env),
	F("target", FIELD_TEXT, run_info, target),
	F_ENUM("danger", run_info, danger, dangers),
	F("dry_run", FIELD_BOOL, run_info, is_dry_run),
	F("ours", FIELD_BOOL, run_info, is_ours),
	F_ENUM("state", run_info, state, run_states),
	F("actor", FIELD_TEXT, run_info, actor),
	F("plan", FIELD_TEXT, run_info, plan),
	F("incident", FIELD_TEXT_OR_NULL, run_info, incident),
	F("started", FIELD_TIME, run_info, started_ns),
	F("ended", FIELD_TIME, run_info, ended_ns),
	F_LIST("values", FIELD_LIST, run_info, values, n_values, value_fields),
	F_LIST("facts", FIELD_LIST, run_info, facts, n_facts, fact_fields),
	F_LIST("columns", FIELD_LIST, run_info, columns, n_columns, column_fields),
	F("batches", FIELD_UINT, run_info, n_batches),
	F("batch", FIELD_UINT, run_info, batch),
	F("max_failures", FIELD_UINT, run_info, max_failures),
	F("next", FIELD_TEXT, run_info, next),
	F("text", FIELD_TEXT, run_info, text),
	F("exit", FIELD_INT_OR_NONE, run_info, exit),
	F("question", FIELD_TEXT_OR_NULL, run_info, question),
	F("answers", FIELD_STRINGS, run_info, answers),
	F("confirm_typed", FIELD_BOOL, run_info, is_confirm_typed),
	F("seq_first", FIELD_UINT64, run_info, seq_first),
	F("seq_last", FIELD_UINT64, run_info, seq_last),
	F("durable", FIELD_BOOL, run_info, is_durable),
	F_END
};
const struct field run_output_fields[] = {
	F("run", FIELD_TEXT, run_output, run),
	F("host", FIELD_TEXT, run_output, host),
	F("column", FIELD_UINT, run_output, column),
	F("attempt", FIELD_UINT, run_output, attempt),
	F("out", FIELD_TEXT, run_output, out),
	F("err", FIELD_TEXT, run_output, err),
	F("out_bytes", FIELD_UINT64, run_output, out_bytes),
	F("err_bytes", FIELD_UINT64, run_output, err_bytes),
	F("status", FIELD_INT_OR_NONE, run_output, status),
	F("signal", FIELD_TEXT, run_output, signal),
	F("ended", FIELD_BOOL, run_output, is_ended),
	F_END
};

/* --- its rows ----------------------------------------------------------------------------------------------------------------- */

static json_t *
cells_to_json(const struct run_row *row, size_t n)
{
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++) {
		json_t *cell = json_object();

		codec_encode(cell, run_cell_fields, &row->cells[i]);
		json_array_append_new(list, cell);
	}
	return list;
}

json_t *
run_rows_to_json(const struct run_info *run)
{
	json_t *list = json_array();

	for (size_t i = 0; i < run->n_rows; i++) {
		json_t *row = json_object();

		codec_encode(row, run_row_fields, &run->rows[i]);
		json_object_set_new(row, "cells", cells_to_json(&run->rows[i], run->n_columns));
		json_array_append_new(list, row);
	}
	return list;
}

static int
cells_from_json(const json_t *json, size_t n, struct run_row *row, struct arena *arena, struct err *err)
{
	struct run_cell *cells;

	if (!json_is_array(json) || json_array_size(json) != n)
		return err_set(err, ERR_INVALID, "cells: expected a list of %zu, one for each column", n);
	cells = arena_alloc(arena, n * sizeof *cells);
	for (size_t i = 0; i < n; i++) {
		int r = codec_decode(json_array_get(json, i), run_cell_fields, &cells[i], arena, err);

		if (r < 0) {
			err_prefix(err, "cells[%zu]", i);
			return r;
		}
	}
	row->cells = cells;
	return 0;
}

int
run_rows_from_json(const json_t *json, struct run_info *run, struct err *err)
{
	size_t n = json_array_size(json);
	struct run_row *rows = arena_alloc(&run->block.arena, n * sizeof *rows);

	if (json != NULL && !json_is_array(json))
		return err_set(err, ERR_INVALID, "rows: expected a list");
	for (size_t i = 0; i < n; i++) {
		const json_t *row = json_array_get(json, i);
		int r = codec_decode(row, run_row_fields, &rows[i], &run->block.arena, err);

		if (r == 0)
			r = cells_from_json(json_object_get(row, "cells"), run->n_columns, &rows[i], &run->block.arena, err);
		if (r < 0) {
			err_prefix(err, "rows[%zu]", i);
			return r;
		}
	}
	run->n_rows = n;
	run->rows = rows;
	return 0;
}

/* --- incidents and notes ---------------------------------------------------------------------------------------------------------- */

const struct field incident_fields[] = {
	F("id", FIELD_TEXT, incident, id),
	F("title", FIELD_TEXT, incident, title),
	F("by", FIELD_TEXT, incident, by),
	F("opened", FIELD_TIME, incident, opened_ns),
	F("closed", FIELD_TIME, incident, closed_ns),
	F("closing", FIELD_TEXT_OR_NULL, incident, closing),
	F_END
};
const struct field note_fields[] = {
	F("incident", FIELD_TEXT_OR_NULL, note, incident),
	F("by", FIELD_TEXT, note, by),
	F("text", FIELD_TEXT, note, text),
	F("seq", FIELD_UINT64, note, seq),
	F("at", FIELD_TIME, note, at_ns),
	F_END
};

/* --- words -------------------------------------------------------------------------------------------------------------------------- */

static const char *
word(const char *const *words, size_t n, unsigned i)
{
	return i < n ? words[i] : "unknown";
}

#define WORD(words, i) word(words, sizeof(words) / sizeof(words)[0] - 1, (unsigned)(i))

const char *
danger_name(enum danger d)
{
	return WORD(dangers, d);
}

const char *
param_type_name(enum param_type t)
{
	return WORD(param_types, t);
}

const char *
run_state_name(enum run_state s)
{
	return WORD(run_states, s);
}

const char *
outcome_name(enum outcome o)
{
	return WORD(outcomes, o);
}

bool
outcome_find(const char *name, enum outcome *ret)
{
	for (int i = 0; outcomes[i] != NULL; i++) {
		if (strcmp(outcomes[i], name) == 0) {
			*ret = (enum outcome)i;
			return true;
		}
	}
	return false;
}
