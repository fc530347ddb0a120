/* Rows of the codec's tables, and the tables that event_json.c, event_json_slo.c, event_json_drift.c, event_json_registry.c, event_json_run.c and event_json_after.c share. For src/model only. */
#ifndef OPS_MODEL_EVENT_FIELDS_H
#define OPS_MODEL_EVENT_FIELDS_H

#include "model/audit_view.h"
#include "base/buf.h"
#include "model/codec.h"
#include "model/drift.h"
#include "model/log.h"
#include "model/registry.h"
#include "model/run.h"
#include "model/slo.h"

#define F(key, type, s, member) { key, type, offsetof(struct s, member), 0, 0, NULL, NULL }
#define F_ENUM(key, s, member, words) { key, FIELD_ENUM, offsetof(struct s, member), 0, 0, NULL, words }
#define F_FLOATS(key, s, member, count) { key, FIELD_FLOATS, offsetof(struct s, member), offsetof(struct s, count), 0, NULL, NULL }
#define F_TIMES(key, s, member, count) { key, FIELD_TIMES, offsetof(struct s, member), offsetof(struct s, count), 0, NULL, NULL }
#define F_LIST(key, type, s, member, count, fields) \
	{ key, type, offsetof(struct s, member), offsetof(struct s, count), sizeof *((struct s *)NULL)->member, fields, NULL }
#define F_END { NULL, FIELD_TEXT, 0, 0, 0, NULL, NULL }

extern const char *const severity_words[];
extern const struct field sample_fields[];
extern const struct field slo_def_set_fields[], slo_set_fields[], slo_detail_set_fields[];
extern const struct field drift_def_set_fields[], drift_set_fields[], drift_history_fields[];
extern const struct field model_def_fields[], registry_set_fields[], serving_set_fields[], host_set_fields[];

extern const struct field runbook_set_fields[], run_info_fields[], run_output_fields[], incident_fields[], note_fields[];

extern const struct field log_batch_fields[], log_view_fields[], log_pattern_set_fields[];
extern const struct field timeline_set_fields[], model_memory_set_fields[], operator_focus_fields[], audit_view_fields[];

extern const struct field run_row_fields[], run_cell_fields[];
/* NULL: there is no such kind. */
const struct field *event_kind_fields(enum event_kind kind);

/* What slo.h promises and readers rely on: order, and nothing that they would divide by zero. 0 or ERR_INVALID naming the member. */
int slo_defs_check(const struct slo_def_set *set, struct err *err);
int slos_check(const struct slo_set *set, struct err *err);
int slo_details_check(const struct slo_detail_set *set, struct err *err);
/* Likewise of drift.h. */
int drift_defs_check(const struct drift_def_set *set, struct err *err);
int drifts_check(const struct drift_set *set, struct err *err);
int drift_history_check(const struct drift_history *set, struct err *err);
/* Likewise of registry.h. */
int registry_check(const struct registry_set *set, struct err *err);
int hosts_check(const struct host_set *set, struct err *err);
/* Likewise of audit_view.h. */
int audit_view_check(const struct audit_view *view, struct err *err);
/* Rows of a run, which have as many cells as the run has columns: no table of fields can say that. */
json_t *run_rows_to_json(const struct run_info *run);
int run_rows_from_json(const json_t *json, struct run_info *run, struct err *err);
/* Lines of a batch and of a view, trends of patterns: event_json_logs.c. */
extern const char *const log_level_words[];
/* JSON holds no bytes that are not UTF-8: those are written as \xHH. */
void log_text_escape(const char *text, size_t len, struct buf *b);
json_t *log_lines_to_json(const struct log_batch *batch);
int log_lines_from_json(const json_t *json, struct log_batch *batch, struct err *err);
json_t *log_view_lines_to_json(const struct log_view *v);
int log_view_lines_from_json(const json_t *json, struct log_view *v, struct err *err);	/* the rest of v is there; makes it one whose parts are released */
void log_trends_to_json(const struct log_pattern_set *set, json_t *patterns);
int log_trends_from_json(const json_t *patterns, struct log_pattern_set *set, struct err *err);

#endif
