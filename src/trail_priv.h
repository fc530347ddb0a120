/* What the files of the trail share: trail.c writes to the audit log, trail_look.c looks at what is written there, by whomever. */
#ifndef OPS_TRAIL_PRIV_H
#define OPS_TRAIL_PRIV_H

#include <sys/queue.h>
#include <time.h>

#include "trail.h"

enum { OWN_MAX = 256 };

struct pending;
struct trail {
	struct app *app;
	const char *mode;
	struct audit *audit;
	struct err broken;		/* why it could not be opened */
	LIST_HEAD(, pending) pending;
	char *incident;			/* open; NULL none */
	char *joined;			/* --incident */
	struct loop_timer *look;
	struct timespec head_seen;
	struct look *looking;
	uint64_t note_seq;		/* records up to this one were looked through for what others did */
	uint64_t own[OWN_MAX];		/* the newest records of this program, a ring */
	size_t n_own;
	bool is_unwritable;
	bool has_looked;
};

/* trail_look.c. Tells the model what is new in the log, in a worker; nothing when its head is as it was, or while that is under way. */
void trail_look(struct trail *t);
void trail_look_stop(struct trail *t);	/* what is being looked for goes to nobody */
void trail_tell_incident(struct trail *t, const char *id, const char *title, const char *by, int64_t opened_ns, int64_t closed_ns, const char *closing);
bool trail_has_note(const struct trail *t, uint64_t seq);	/* the model has the note of that record */

#endif
