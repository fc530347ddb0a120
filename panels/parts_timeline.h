/*
 * Lines of the timeline as the panel and the bar of a replay show them: glyph and role, which of several counts most, the group
 * a kind belongs to. Pure. Texts are as received: canvas and cells make them harmless.
 */
#ifndef OPS_PANELS_PARTS_TIMELINE_H
#define OPS_PANELS_PARTS_TIMELINE_H

#include "base/clock.h"
#include "parts.h"

/* What can be shown or hidden together: a key each in the panel. */
enum part_timeline_group {
	PART_TIMELINE_WRONG,	/* alerts, objectives, drift, models */
	PART_TIMELINE_CHANGED,
	PART_TIMELINE_DONE,	/* runs, acts, messages */
	PART_TIMELINE_WRITTEN,	/* notes, incidents */
	PART_TIMELINE_SOURCES,
	PART_TIMELINE_GROUPS
};
enum part_timeline_group part_timeline_group(enum timeline_kind kind);
const char *part_timeline_group_name(enum part_timeline_group group);	/* "wrong" */

const char *part_timeline_glyph(const struct timeline_entry *e, enum role *ret_role);
/* "alert", "alert end": at most PART_TIMELINE_WORD_W columns. */
enum { PART_TIMELINE_WORD_W = 12, PART_TIMELINE_WORD_MAX = 24 };
const char *part_timeline_word(const struct timeline_entry *e, char *buf);
/* Where several share a cell, the one with the highest stands there: what pages, then what was done, what changed, .. */
int part_timeline_rank(const struct timeline_entry *e);
/* "+00:16:35", "-00:02:00": from zero_ns to at_ns. buf of PART_OFFSET_MAX; returns buf. */
enum { PART_OFFSET_MAX = DURATION_TEXT_MAX + 4 };
const char *part_offset(int64_t at_ns, int64_t zero_ns, char *buf);

#endif
