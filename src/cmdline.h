/* The command line behind ':' and what its words mean. Pure: text in, op out. */
#ifndef OPS_CMDLINE_H
#define OPS_CMDLINE_H

#include "ui/keymap.h"

/* "alerts", "query EXPR", "goto 02:10", "alerts.ack": the op to carry out; NULL when the command itself wanted nothing more. A mistake becomes an OP_ERROR
 * that says what was expected. focus: the panel with the focus. */
struct op *cmdline_run(const struct keymap *km, struct panel *focus, const struct view *v, const char *text);
/* "02:10", "02:10:30" (UTC, the last time it was that), RFC 3339, "-18m". 0 or ERR_SYNTAX. */
int cmdline_time(const char *text, int64_t now_ns, int64_t *ret_ns, struct err *err);

#endif
