/* Times as a person types them. Pure. */
#ifndef OPS_UI_TIME_TEXT_H
#define OPS_UI_TIME_TEXT_H

#include <stdint.h>

#include "base/err.h"

/* "02:10", "02:10:30", "02:10:30.5" (UTC, the last time it was that), RFC 3339, "-18m", "now". 0 or ERR_SYNTAX, which says so. */
int time_text_parse(const char *text, int64_t now_ns, int64_t *ret_ns, struct err *err);

#endif
