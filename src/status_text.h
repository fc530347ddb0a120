/* What --status prints: a Nagios plugin's first line with performance data, and below it a line for each thing that is known. */
#ifndef OPS_STATUS_TEXT_H
#define OPS_STATUS_TEXT_H

#include "base/buf.h"
#include "model/model.h"

/* Append it. health is that of the first line; is_late: the deadline passed before all had answered. m knows its environment. */
void status_text(const struct model *m, enum health health, bool is_late, struct buf *out);

#endif
