/*
 * The transport that speaks HTTP: a request with the credentials of its source, and the answer's bytes through
 * a decoder in the pool.
 *
 * Bytes in flight are bounded twice: an answer whose decoder lags is paused, and when all answers under way
 * together hold more than in_flight_max, all but the oldest are, until there is room again. The oldest goes on,
 * bounded by its own body_max, so it always ends.
 */
#ifndef OPS_SOURCE_WEB_H
#define OPS_SOURCE_WEB_H

#include "loop/loop.h"
#include "loop/pool.h"
#include "source/transport.h"

int web_new(struct loop *l, struct pool *p, int64_t in_flight_max, struct transport **ret, struct err *err);

#endif
