/* What the files that write --status share. */
#ifndef OPS_STATUS_PARTS_H
#define OPS_STATUS_PARTS_H

#include <stddef.h>

#include "base/buf.h"
#include "model/model.h"

enum { STATUS_NAME_COLUMNS = 40 };

/* Text of outside, escaped and without a '|', which would begin the performance data. */
void status_add_text(struct buf *out, const char *text);
/* The same in w columns and two blanks behind. */
void status_add_cell(struct buf *out, const char *text, size_t w);
/* A column that holds text too, unless that is longer than max. */
void status_widen(size_t *w, const char *text, size_t max);
/* How long ago, in whole seconds; buf of DURATION_TEXT_MAX. */
const char *status_age(const struct model *m, int64_t at_ns, char *buf);

/* status_drift.c: performance data, and the lines below; nothing where no drift is looked at. */
void status_add_drift_values(struct buf *out, const struct model *m);
void status_add_drifts(struct buf *out, const struct model *m);

/* status_logs.c: the same of lines of logs; nothing where no store is configured. JSON: NULL then. */
void status_add_log_values(struct buf *out, const struct model *m);
void status_add_logs(struct buf *out, const struct model *m);
json_t *status_logs_json(const struct model *m);

#endif
