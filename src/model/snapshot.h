/*
 * A model as events, and the little that events alone would not say.
 *
 * model_snapshot() gives events that make an equal model of a new one: the newest of each kind, source, query, run, .. (blocks are shared: it costs little), and last an
 * EVENT_MEMORY with what a model has added up over time: since when a request fails, since when a host serves a version, labels that Alertmanager adds, the order in which
 * things were heard of, the timeline, and what time it is. Last, as applying the others adds up something itself. Equal means: model_to_json() and every panel say the
 * same, now and after the same further events. What was worked out for a past time is left out, as it is in a past model.
 */
#ifndef OPS_MODEL_SNAPSHOT_H
#define OPS_MODEL_SNAPSHOT_H

#include "base/buf.h"
#include "model/event.h"

struct model;
/* Appends to ret, in the order to be applied: EVENT_ENVIRONMENT first, EVENT_MEMORY last, told at model_now(). Ranges (matrices) are among them when with_ranges. */
void model_snapshot(const struct model *m, bool with_ranges, struct event_list *ret);
/* Which of the slots of a snapshot ev fills: "alerts:am", "series:query:fp:range", "run:ID". Two events of one slot: the newer one replaces the older. Into buf, which is returned. */
char *event_slot(const struct event *ev, char *buf, size_t size);

/* The event as one line of JSON without LF, straight from the tables, no tree; what event_to_json() would give, dumped compactly. 0 or ERR_LIMIT. For recordings: fast. */
int event_write(const struct event *ev, struct buf *b);

/* Where the operator looked: EVENT_FOCUS. */
struct operator_focus {
	struct block block;
	const char *panel;	/* name */
	bool is_zoomed, is_live;
	int64_t cursor_ns;	/* where it is not live */
	int64_t start_ns, end_ns;	/* the range shown */
	const char *filter;	/* of that panel; "" */
};
const struct operator_focus *model_focus(const struct model *m);	/* NULL: none was told */

#endif
