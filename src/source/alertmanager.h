/* What the files of the Alertmanager type share. The public side is source.h. */
#ifndef OPS_SOURCE_ALERTMANAGER_H
#define OPS_SOURCE_ALERTMANAGER_H

#include "source/decode_json.h"

/*
 * One sentence from an error answer of API v2. Its shapes: a bare JSON string, {"code","message"} (from its OpenAPI layer), an empty body, the
 * envelope of v1 {"status","errorType","error"}, and plain text (from a proxy, or its own web server). Always fills err.
 */
int alertmanager_refuse(const struct answer *answer, const char *body, size_t len, struct err *err);
/* What the server says in an error body, as one escaped line. dst of SENTENCE_MAX. */
const char *alertmanager_detail(char *dst, const char *body, size_t len);

#endif
