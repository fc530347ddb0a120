/* What anchors do on the disk, in a worker: where the head is, what came since, and its copies. */
#ifndef OPS_ANCHORS_LOOK_H
#define OPS_ANCHORS_LOOK_H

#include "audit/record_priv.h"
#include "audit/checkpoint.h"

enum { ANCHOR_COPIES_MAX = 10 };
struct anchor_copy { uint64_t seq; int64_t at_ns; char why[256]; };	/* why "": it holds seq */

struct anchors_look {		/* inputs are copies, owned */
	char *dir, *head_path, *checkpoint_dir;	/* checkpoint_dir NULL: none are made */
	char **copies;			/* NULL-terminated or NULL */
	uint64_t seen_seq;		/* records up to this one have been looked at */
	bool has_seen;
	/* found */
	struct audit_head head;		/* seq 0: there is none yet */
	int64_t head_ns;		/* when it was written */
	char why[256];			/* it cannot be read; "" */
	bool has_run_end, has_incident_closed;	/* among the records since */
	struct audit_checkpoint checkpoint;	/* the newest; only when it was not has_seen */
	struct anchor_copy copy[ANCHOR_COPIES_MAX];
};
void anchors_look(struct anchors_look *l);
void anchors_look_done(struct anchors_look *l);
/* The copies alone, for the end of the program. */
void anchors_look_copies(struct anchors_look *l);

#endif
