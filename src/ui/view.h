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

struct view {
	const struct model *model;	/* as known at range.cursor_ns; NULL: not recorded then */
	const struct model *live;	/* always now: environment, ranges of metrics */
	int64_t now_ns;			/* the clock */
	struct timerange range;
	bool is_focused;		/* this panel has the keys */
	bool is_read_only;
	bool is_unrecorded;		/* the audit log cannot be written: nothing can be done from here */
	const char *user;		/* the real user, for silences */
	int64_t ack_ns;			/* how long an ack silences; 0: off by config */
};

/* The time things are judged against: the cursor's in the past, now when live. */
int64_t view_time(const struct view *v);
/* "14m", or "~41s" style is the panel's: age of at_ns against view_time(); "-" for 0. buf of DURATION_TEXT_MAX. */
const char *view_age(const struct view *v, int64_t at_ns, char *buf);

#endif
