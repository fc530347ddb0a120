/*
 * Lines clustered into templates as they stream by: Drain (He, Zhu, Zheng, Lyu: "Drain: An Online Log Parsing Approach with Fixed Depth Tree", ICWS 2017).
 *
 * Numbers, hex, addresses, UUIDs, times and quoted values are taken for variables before the tree is walked. Bounded: clusters_max; beyond it the one that was seen longest ago makes room, and its lines
 * are counted among others.
 */
#ifndef OPS_INSIGHT_DRAIN_H
#define OPS_INSIGHT_DRAIN_H

#include "model/log.h"

struct drain;
struct drain_options { unsigned depth; double similarity; unsigned children_max; size_t clusters_max; };	/* 0: 4, 0.4, 100, 2000 */
struct drain *drain_new(const struct drain_options *o);
void drain_free(struct drain *d);
void drain_add(struct drain *d, const struct log_ref *line);
/* Of source all lines are told since from_ns: whether a pattern was there before is not known. Of one that was never told of, all are. */
void drain_reach(struct drain *d, const char *source, int64_t from_ns);
/* The patterns for the range, those first seen after new_since_ns as new where that is known. One reference. */
struct log_pattern_set *drain_patterns(const struct drain *d, int64_t start_ns, int64_t end_ns, int64_t new_since_ns, size_t max);
uint64_t drain_of(const struct drain *d, const char *text, size_t len);	/* id of the pattern it belongs to; 0 none */

#endif
