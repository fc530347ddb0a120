/*
 * The audit log as the shared state knows it: how the chain stands, what anchors it, what the last verification said, and a window of its records.
 * Made by app (src/audit_view.c) from the log; plain data, so that panels show it live, in the past and in a replay.
 */
#ifndef OPS_MODEL_AUDIT_VIEW_H
#define OPS_MODEL_AUDIT_VIEW_H

#include "model/event.h"

enum { AUDIT_VIEW_ROWS = 512 };		/* at most so many rows in one window */

struct audit_row {
	uint64_t seq;
	int64_t time_ns;
	const char *type;	/* "intent" */
	const char *actor;	/* "alice@web" */
	const char *run, *incident;	/* "" none */
	const char *text;	/* the line for people, escaped, without seq, time and actor (audit_record_text()'s words) */
	const char *detail;	/* the record as JSON over several lines, escaped; for the detail */
	const char *hash;	/* 64 hex */
	bool is_open;		/* an intent or act without its result: outcome unknown */
};
enum anchor_state { ANCHOR_OFF, ANCHOR_OK, ANCHOR_BEHIND, ANCHOR_FAILED };
struct audit_anchor {		/* something outside the log that remembers its head, or has its records */
	const char *kind;	/* "head", "copy", "journald", "checkpoint", "ship" */
	const char *name;	/* path, or name of the target */
	enum anchor_state state;
	uint64_t seq;		/* how far it reaches; 0: not at all */
	int64_t at_ns;		/* when it was last written */
	const char *text;	/* why it failed, or "12 records behind" ; "" */
};
struct audit_view {		/* EVENT_AUDIT_VIEW: all of it, whenever something of it changed (at most twice a second) */
	struct block block;
	const char *path;	/* folder, or packed file */
	uint64_t n_records;	/* 0: there is no log yet */
	uint64_t first_seq, last_seq;
	const char *last_hash;
	bool is_writable;
	const char *why;	/* not writable; "" */
	uint64_t n_open;	/* intents and acts whose outcome is unknown */
	size_t n_anchors;
	const struct audit_anchor *anchors;
	const char *verdict;	/* "good", "edited", .. (src/verify_show.h); "" never verified; "running" */
	int64_t verified_ns;	/* when */
	const char *verdict_text;	/* the sentence to it */
	const char *filter;	/* words as --log has them; "" none */
	const char *filter_error;	/* "" */
	uint64_t n_matching;	/* records that match; all without a filter */
	bool is_partial;	/* the log is still being read: these numbers grow, and another view follows */
	uint64_t first;		/* place among them of rows[0], from 0 */
	size_t n;
	const struct audit_row *rows;	/* ascending */
};

struct model;
const struct audit_view *model_audit_view(const struct model *m);	/* NULL: not looked at yet */

#endif
