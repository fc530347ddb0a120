/* The timeline, what a model had added up, where the operator looked, and the audit log as panels show it, as JSON: one table a struct. */
#include "config.h"

#include <string.h>

#include "base/err.h"
#include "model/audit_view.h"
#include "model/event_fields.h"
#include "model/memory.h"
#include "model/snapshot.h"
#include "model/timeline.h"

static const char *const timeline_kinds[] = { "alert", "slo", "drift", "model", "source", "change", "run", "act", "message", "note", "incident", NULL };
static const char *const anchor_states[] = { "off", "ok", "behind", "failed", NULL };

/* --- the timeline ----------------------------------------------------------------------------------------------------------- */

static const struct field timeline_entry_fields[] = {
	F("at", FIELD_TIME, timeline_entry, at_ns),
	F("known", FIELD_TIME, timeline_entry, known_ns),
	F_ENUM("kind", timeline_entry, kind, timeline_kinds),
	F("end", FIELD_BOOL, timeline_entry, is_end),
	F("backfilled", FIELD_BOOL, timeline_entry, is_backfilled),
	F_ENUM("severity", timeline_entry, severity, severity_words),
	F("id", FIELD_TEXT, timeline_entry, id),
	F("what", FIELD_TEXT, timeline_entry, what),
	F("text", FIELD_TEXT, timeline_entry, text),
	F("by", FIELD_TEXT, timeline_entry, by),
	F("seq", FIELD_UINT64, timeline_entry, seq),
	F_END
};
const struct field timeline_set_fields[] = {
	F_LIST("entries", FIELD_LIST, timeline_set, v, n, timeline_entry_fields),
	F_END
};

/* --- what a model had added up ---------------------------------------------------------------------------------------------- */

static const struct field memory_request_fields[] = {
	F("what", FIELD_TEXT, memory_request, what),
	F("last", FIELD_TIME, memory_request, last_ns),
	F("last_ok", FIELD_TIME, memory_request, last_ok_ns),
	F("failing_since", FIELD_TIME, memory_request, failing_since_ns),
	F("ok_since", FIELD_TIME, memory_request, ok_since_ns),
	F("failed", FIELD_UINT, memory_request, n_failed),
	F_END
};
static const struct field memory_source_fields[] = {
	F("name", FIELD_TEXT, memory_source, name),
	F("targets_down_since", FIELD_TIME, memory_source, targets_down_ns),
	F("rules_failing_since", FIELD_TIME, memory_source, rules_failing_ns),
	F_LIST("requests", FIELD_LIST, memory_source, requests, n_requests, memory_request_fields),
	F_END
};
static const struct field memory_query_fields[] = {
	F("id", FIELD_TEXT, memory_query, id),
	F("error", FIELD_TEXT, memory_query, error),
	F("error_at", FIELD_TIME, memory_query, error_ns),
	F("seen", FIELD_TIME, memory_query, seen_ns),
	F_END
};
static const struct field memory_seen_fields[] = {
	F("host", FIELD_TEXT, memory_seen, host),
	F("version", FIELD_TEXT, memory_seen, version),
	F("since_ns", FIELD_NS, memory_seen, since_ns),
	F("last_ns", FIELD_NS, memory_seen, last_ns),
	F("arrived", FIELD_BOOL, memory_seen, has_arrived),
	F_END
};
static const struct field memory_model_fields[] = {
	F("id", FIELD_TEXT, memory_model, id),
	F("wanted", FIELD_TEXT_OR_NULL, memory_model, wanted),
	F("previous", FIELD_TEXT, memory_model, previous),
	F("wanted_since", FIELD_TIME, memory_model, wanted_since_ns),
	F("wanted_seen", FIELD_TIME, memory_model, wanted_seen_ns),
	F("moved", FIELD_TIME, memory_model, moved_ns),
	F("first", FIELD_TIME, memory_model, first_ns),
	F_LIST("seen", FIELD_TUPLES, memory_model, seen, n_seen, memory_seen_fields),
	F_END
};
static const struct field memory_track_fields[] = {
	F_ENUM("kind", memory_track, kind, timeline_kinds),
	F("id", FIELD_TEXT, memory_track, id),
	F("what", FIELD_TEXT, memory_track, what),
	F_ENUM("severity", memory_track, severity, severity_words),
	F("state", FIELD_UINT, memory_track, state),
	F("alert", FIELD_TEXT, memory_track, alert),
	F_END
};
const struct field model_memory_set_fields[] = {
	F("external", FIELD_STRINGS, model_memory_set, external),
	F("runs", FIELD_STRINGS, model_memory_set, runs),
	F("incidents", FIELD_STRINGS, model_memory_set, incidents),
	F_LIST("sources", FIELD_LIST, model_memory_set, sources, n_sources, memory_source_fields),
	F_LIST("queries", FIELD_LIST, model_memory_set, queries, n_queries, memory_query_fields),
	F_LIST("models", FIELD_LIST, model_memory_set, models, n_models, memory_model_fields),
	F_LIST("tracks", FIELD_LIST, model_memory_set, tracks, n_tracks, memory_track_fields),
	F_LIST("timeline", FIELD_LIST, model_memory_set, timeline, n_timeline, timeline_entry_fields),
	F("left_out", FIELD_SIZE, model_memory_set, n_left_out),
	F("left_out_until", FIELD_TIME, model_memory_set, left_out_until_ns),
	F_END
};

/* --- where the operator looked ------------------------------------------------------------------------------------------------ */

const struct field operator_focus_fields[] = {
	F("panel", FIELD_TEXT, operator_focus, panel),
	F("zoomed", FIELD_BOOL, operator_focus, is_zoomed),
	F("live", FIELD_BOOL, operator_focus, is_live),
	F("cursor", FIELD_TIME, operator_focus, cursor_ns),
	F("start", FIELD_TIME, operator_focus, start_ns),
	F("end", FIELD_TIME, operator_focus, end_ns),
	F("filter", FIELD_TEXT, operator_focus, filter),
	F_END
};

/* --- the audit log ------------------------------------------------------------------------------------------------------------ */

static const struct field audit_row_fields[] = {
	F("seq", FIELD_UINT64, audit_row, seq),
	F("at", FIELD_TIME, audit_row, time_ns),
	F("type", FIELD_TEXT, audit_row, type),
	F("actor", FIELD_TEXT, audit_row, actor),
	F("run", FIELD_TEXT, audit_row, run),
	F("incident", FIELD_TEXT, audit_row, incident),
	F("text", FIELD_TEXT, audit_row, text),
	F("detail", FIELD_TEXT, audit_row, detail),
	F("hash", FIELD_TEXT, audit_row, hash),
	F("open", FIELD_BOOL, audit_row, is_open),
	F_END
};
static const struct field audit_anchor_fields[] = {
	F("kind", FIELD_TEXT, audit_anchor, kind),
	F("name", FIELD_TEXT, audit_anchor, name),
	F_ENUM("state", audit_anchor, state, anchor_states),
	F("seq", FIELD_UINT64, audit_anchor, seq),
	F("at", FIELD_TIME, audit_anchor, at_ns),
	F("text", FIELD_TEXT, audit_anchor, text),
	F_END
};
const struct field audit_view_fields[] = {
	F("path", FIELD_TEXT, audit_view, path),
	F("records", FIELD_UINT64, audit_view, n_records),
	F("first_seq", FIELD_UINT64, audit_view, first_seq),
	F("last_seq", FIELD_UINT64, audit_view, last_seq),
	F("last_hash", FIELD_TEXT, audit_view, last_hash),
	F("writable", FIELD_BOOL, audit_view, is_writable),
	F("why", FIELD_TEXT, audit_view, why),
	F("open", FIELD_UINT64, audit_view, n_open),
	F_LIST("anchors", FIELD_LIST, audit_view, anchors, n_anchors, audit_anchor_fields),
	F("verdict", FIELD_TEXT, audit_view, verdict),
	F("verified", FIELD_TIME, audit_view, verified_ns),
	F("verdict_text", FIELD_TEXT, audit_view, verdict_text),
	F("filter", FIELD_TEXT, audit_view, filter),
	F("filter_error", FIELD_TEXT, audit_view, filter_error),
	F("matching", FIELD_UINT64, audit_view, n_matching),
	F("partial", FIELD_BOOL, audit_view, is_partial),
	F("first", FIELD_UINT64, audit_view, first),
	F_LIST("rows", FIELD_LIST, audit_view, rows, n, audit_row_fields),
	F_END
};

/* Readers search by seq and keep a window in memory. */
int
audit_view_check(const struct audit_view *view, struct err *err)
{
	if (view->n > AUDIT_VIEW_ROWS)
		return err_set(err, ERR_INVALID, "rows: expected at most %d", AUDIT_VIEW_ROWS);
	for (size_t i = 1; i < view->n; i++)
		if (view->rows[i].seq < view->rows[i - 1].seq)
			return err_set(err, ERR_INVALID, "rows[%zu]: seq: expected one not before the one before it", i);
	return 0;
}

/* --- words -------------------------------------------------------------------------------------------------------------------- */

const char *
timeline_kind_name(enum timeline_kind kind)
{
	return (unsigned)kind < TIMELINE_KINDS ? timeline_kinds[kind] : "unknown";
}

bool
timeline_kind_find(const char *name, enum timeline_kind *ret)
{
	for (int i = 0; timeline_kinds[i] != NULL; i++) {
		if (strcmp(timeline_kinds[i], name) == 0) {
			*ret = (enum timeline_kind)i;
			return true;
		}
	}
	return false;
}
