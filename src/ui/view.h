/* What a panel is drawn from: the model as known at the shared time, that time itself, and how the screen is. */
#ifndef OPS_UI_VIEW_H
#define OPS_UI_VIEW_H

#include "model/model.h"

/* The one time range all panels share, with a cursor in it. */
struct timerange {
	int64_t start_ns, end_ns;
	int64_t cursor_ns;		/* == end_ns when live */
	bool is_live;			/* end follows now, cursor at the end */
};

/* Replaying: what the bar at the bottom shows. */
struct replay_view {
	const char *incident, *title;	/* or name of the recording; title "" */
	int64_t at_ns;			/* the position: everything is shown as known then */
	int64_t first_ns, last_ns;	/* of what is recorded */
	int64_t zero_ns;		/* "+00:16:35" counts from here: the incident's opening, else the first */
	double speed;			/* 1 as it was; 0.25 .. 64 */
	bool is_paused, is_following, is_skipping;	/* skipping: stretches in which nothing happens */
	bool follows_operator;		/* focus and range are the operator's own */
	bool is_film;			/* nobody has keys */
	const char *unknown_why;	/* where model is NULL: "000002.rec: it cannot be read"; else "" or NULL */
	const struct timeline_entry *marks;
	size_t n_marks;
	const struct replay_gap { int64_t from_ns, to_ns; } *gaps;
	size_t n_gaps;
	const char *verified;		/* "verified", "verified in part: ..", "NOT VERIFIED: edited at 4127", "verifying" */
};

/* Where a shown past comes from, for the frame and for panels that say so. */
enum past_from {
	PAST_NONE,		/* live, or not recorded */
	PAST_MEMORY,		/* of this console */
	PAST_RECORDING,
	PAST_METRICS		/* before the recording: metrics by query_range, alerts from ALERTS; nothing else is known */
};

struct view {
	const struct model *model;	/* as known at range.cursor_ns; NULL: not recorded then */
	const struct model *live;	/* always now: environment, ranges of metrics */
	int64_t now_ns;			/* the clock */
	struct timerange range;
	bool is_focused;		/* this panel has the keys */
	bool is_read_only;
	bool is_unrecorded;		/* the audit log cannot be written: nothing can be done from here */
	const char *user;		/* the real user, for silences */
	enum past_from past_from;
	const struct audit_view *audit;	/* the audit log as it is shown now; NULL: not looked at yet */
	const struct log_view *log_view;	/* lines and patterns where live does not have them: in a replay; else NULL */
	const struct log_pattern_set *log_patterns;
	const struct replay_view *replay;	/* NULL: no replay */
	int64_t ack_ns;			/* how long an ack silences; 0: off by config */
};

/* The time things are judged against: the cursor's in the past, now when live. */
int64_t view_time(const struct view *v);
/* "14m", or "~41s" style is the panel's: age of at_ns against view_time(); "-" for 0. buf of DURATION_TEXT_MAX. */
const char *view_age(const struct view *v, int64_t at_ns, char *buf);

#endif
