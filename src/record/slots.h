/* The newest event of each slot within one chunk: what "again" and ranges refer to. Writer and reader keep the same table. */
#ifndef OPS_RECORD_SLOTS_H
#define OPS_RECORD_SLOTS_H

#include "model/event.h"

struct slot {
	char *name;
	struct event ev;		/* block NULL: none yet */
	unsigned char digest[32];	/* writer: of what the event says but for its time */
	bool has_digest;
};
struct slots {
	size_t n, cap;
	struct slot *v;			/* open addressing; free places have no name */
};

void slots_done(struct slots *s);	/* empty and usable afterwards */
struct slot *slots_find(const struct slots *s, const char *name);	/* NULL none; until the next slots_get() */
struct slot *slots_get(struct slots *s, const char *name);		/* made where there is none */
/* The slot holds a reference of its own from here on. */
void slot_keep(struct slot *slot, const struct event *ev);

#endif
