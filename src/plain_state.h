/* What the live console without curses says when it is asked, and once when it opens: how things stand, which alerts there are. */
#ifndef OPS_PLAIN_STATE_H
#define OPS_PLAIN_STATE_H

#include "base/buf.h"
#include "model/model.h"

struct plain_facts {		/* of the console itself */
	const char *read_only;	/* why it is; NULL: it is not */
	const char *recorded;	/* whether this is */
	bool is_unwritable;	/* the audit log */
	bool is_late;		/* not all that was asked was answered in time */
};

/* The lines of --status without performance data and values of queries, then what it leaves out: muted alerts, the incident, the console. */
void plain_state(const struct model *m, const struct plain_facts *f, struct buf *out);
/* Every alert, a line each, worst first. */
void plain_alerts(const struct model *m, struct buf *out);

#endif
