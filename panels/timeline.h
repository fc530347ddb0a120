/* The panel of the timeline, over several files: its state, and what each file does. Private to panels/timeline*.c. */
#ifndef OPS_PANELS_TIMELINE_H
#define OPS_PANELS_TIMELINE_H

#include "list_detail.h"
#include "panels.h"
#include "parts_timeline.h"

enum { TIMELINE_LANES = 12, TIMELINE_GAPS_MAX = 256 };

/* One entry, in the order of when things happened. */
struct timeline_item {
	size_t index;		/* in the model */
	uint64_t hash;
	int span;		/* that it begins or ends; -1 none */
};
/* From a begin to its end. Places are those of items. */
struct timeline_span {
	int begin, end;		/* -1: before all that is known; n_items: not over */
	int lane;		/* -1: none: it is no state of things, or there are too many at once */
};
enum timeline_row_kind { TIMELINE_ROW_ENTRY, TIMELINE_ROW_DAY, TIMELINE_ROW_GAP };
struct timeline_row {
	enum timeline_row_kind kind;
	int item;		/* of an entry */
	int64_t from_ns, to_ns;	/* of a gap; a day begins at from_ns */
};

struct timeline_panel {
	struct list_detail ld;
	struct timeline_item *items;
	int n_items;
	struct timeline_span *spans;
	int n_spans, n_lanes, n_open;
	struct timeline_row *rows;
	size_t n_later;			/* come after the time shown */
	unsigned hidden;		/* 1u << group */
	bool is_oldest_first;
};

/* timeline_rows.c: which there are, what began and ended together. */
/* Whose timeline. Where nothing was recorded it is what is known now of the time before; *ret_is_hindsight says so. NULL: none. */
const struct model *timeline_model(const struct view *v, bool *ret_is_hindsight);
void timeline_rows_build(struct timeline_panel *s, const struct view *v);
void timeline_rows_done(struct timeline_panel *s);
/* NULL: the model has changed since, and it is gone. */
const struct timeline_entry *timeline_entry_of(const struct timeline_panel *s, const struct model *m, int item);
/* How long it lasted up to now_ns, when that is known; *ret_is_open: it is not over. -1 it has no length, or its begin is not known. */
int64_t timeline_lasted(const struct timeline_panel *s, const struct model *m, int item, int64_t now_ns, bool *ret_is_open);
/* What times are relative to: the opening of the incident, or of the last one. 0: none. */
int64_t timeline_zero(const struct model *m);

/* timeline_filter.c */
struct timeline_filter_fact {
	const struct timeline_entry *e;
	bool is_open;		/* it began and is not over */
};
/* Why it cannot be read, into buf of size; "" it can. Returns buf. */
const char *timeline_filter_refusal(const char *filter, char *buf, size_t size);
bool timeline_filter_matches(const char *filter, const struct timeline_filter_fact *fact);

/* timeline_draw.c, timeline_detail.c */
void timeline_rows_draw(const struct timeline_panel *s, const struct view *v, struct canvas *c);
void timeline_detail_draw(struct pen *p, const struct timeline_panel *s, const struct view *v, int row);

#endif
