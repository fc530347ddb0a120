/* What the files of the Prometheus type share. The public side is source.h. */
#ifndef OPS_SOURCE_PROMETHEUS_H
#define OPS_SOURCE_PROMETHEUS_H

#include "source/decode_json.h"

/* Answers of /api/v1/query and /api/v1/query_range, read while they arrive (prometheus_query.c). */
extern const struct decoder_ops prometheus_query_decoder;

/* One sentence from an error answer: the JSON envelope, or plain text. Always fills err. */
int prometheus_refuse(struct decoder *d, const struct answer *answer, const char *body, size_t len, struct err *err);
/* The same for an envelope with "status":"error" that came with status 200. */
int prometheus_error(const char *type, const char *text, struct err *err);

/*
 * A JSON number of seconds as nanoseconds, exactly: the digits are read, not a double made of them; those beyond the ninth behind the
 * point are cut. 0, or ERR_SYNTAX when it is no decimal number or does not fit.
 */
int prometheus_time(const char *text, size_t len, int64_t *ret_ns);

#endif
