/*
 * A line for something that happened, for who reads lines and not a screen: the live console without curses (plain.c) and --replay --plain.
 *
 *     2030-01-01T00:05:00Z  alert    begins page     SpamFalsePositiveRateHigh: too much is spam  by ann  known 2030-01-01T00:10:02Z  audit 5
 *
 * Time, kind, begins or ends, severity in a word, what; then what there is to say. Whatever came from outside is escaped: one thing is one line.
 */
#ifndef OPS_PLAIN_LINE_H
#define OPS_PLAIN_LINE_H

#include "base/buf.h"
#include "model/timeline.h"

struct plain_line {		/* NULL as "" */
	int64_t at_ns;
	int64_t known_ns;	/* told where it was known much later than it happened; 0: then */
	const char *kind;	/* "alert" */
	const char *word;	/* "begins", "ends", "now"; "": it just is */
	const char *severity;	/* "page", "unknown"; "": none, shown as "-" */
	const char *what, *text, *by;
	uint64_t seq;		/* of its record in the audit log; 0 none */
};

void plain_line_add(struct buf *out, const struct plain_line *l);
void plain_line_entry(struct buf *out, const struct timeline_entry *e);

#endif
