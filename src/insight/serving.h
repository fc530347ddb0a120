/*
 * Who serves what: the answer to a model's expression, by host; and what moved in a registry between two looks at it.
 */
#ifndef OPS_INSIGHT_SERVING_H
#define OPS_INSIGHT_SERVING_H

#include "model/registry.h"

/* answer: of now, an instant. past: the same over a range up to now, whose unbroken runs (gaps of up to three steps) tell since when; NULL: nobody knows.
 * Series whose newest sample is 0 or NaN do not count. Of two versions on one host the one with the newer sample counts; both when equal. A version too long, or more than
 * 10,000 hosts: left out with a note. Series without the host label that def names, or none with the version label: one host "" with an error. The port is cut off a host (host:port) unless hosts would fall together. One reference. */
struct serving_set *insight_serving(const struct model_def *def, const struct series_set *answer, const struct series_set *past);
/* Markers for aliases and stages that moved from before to now ("spam-filter champion 6 -> 7"), at the time the registry gives, else at now_ns. def is "registry:SOURCE". One reference; n may be 0. */
struct marker_set *insight_registry_moves(const char *source, const struct registry_set *before, const struct registry_set *now, int64_t now_ns);

#endif
