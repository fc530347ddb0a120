/*
 * A line that is JSON or logfmt from its beginning to its end, for a row of a list: its message first, then the other fields as name=value. The lines of a service that writes so begin
 * alike otherwise: a time, a level, a name. Those have columns of their own and are left out. Pure, and only for lines that somebody looks at.
 */
#ifndef OPS_INSIGHT_LOG_SHORT_H
#define OPS_INSIGHT_LOG_SHORT_H

#include <stdbool.h>

#include "base/buf.h"
#include "model/log.h"

enum { LOG_SHORT_LINE_MAX = 4 << 10 };	/* longer ones are shown as they are */

/* false: it is neither, or nothing would be left; ret and ret_fields are untouched. Else bytes as they are meant: escape before showing. ret_fields: where in ret the first field begins. */
bool log_short(const struct log_ref *line, struct buf *ret, size_t *ret_fields);

#endif
