/*
 * When did what is served change? Markers from the range answer to a marker's expression.
 *
 * Each series says: this thing had this value of the label (a version) while it had samples; a sample of 0 or NaN says it had not. Series that
 * differ in nothing but that label (and __name__) are one host. A marker is put where
 *   - a host goes on with another value: "6 -> 7";
 *   - a host that was not there before brings a value that its group did not have (pods, which change their name with each version);
 *   - such a value is gone for good again while the group goes on: "7 -> 6".
 * The same change on several hosts within two steps is one marker. Lost telemetry with the same value behind it is no change, nor is
 * the value at the start of the range, nor a host that stops. Two values side by side on one host (an old series that has not gone stale
 * yet) count as the newer.
 */
#ifndef OPS_INSIGHT_MARKERS_H
#define OPS_INSIGHT_MARKERS_H

#include "model/event.h"

enum { INSIGHT_MARKERS_MAX = 1000, INSIGHT_VALUES_MAX = 256 };

/*
 * A marker's text is the definition's title with, for each {{LABEL}}: "6 -> 7" for the label with the version; the group's value for group_by
 * (the definition's name where a series has none); for any other label its value where all series that changed share it, else nothing.
 * Without a title: what changed, and the versions.
 *
 * A group with more than INSIGHT_VALUES_MAX values gets no markers, and the set's note says so: a label like that is no version.
 */
/* All markers of def in the range, ascending, at most INSIGHT_MARKERS_MAX; empty for what is not a range. One reference, the caller's. */
struct marker_set *insight_markers(const struct marker_def *def, const struct series_set *range);

#endif
