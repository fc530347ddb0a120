/* Events as the lines of a chunk. In a worker. */
#ifndef OPS_RECORD_ENCODE_H
#define OPS_RECORD_ENCODE_H

#include "base/buf.h"
#include "record/slots.h"

struct encoder {
	struct slots slots;	/* of the chunk under way */
	struct buf line;	/* the last one, with its LF */
};

void encoder_init(struct encoder *e);
void encoder_done(struct encoder *e);
void encoder_reset(struct encoder *e);	/* a chunk begins */
/* An event of the snapshot; then the mark that it ends; then events with the time they were applied. Each makes e->line. */
void encode_snapshot(struct encoder *e, const struct event *ev);
void encode_mark(struct encoder *e, size_t n_events);
void encode_event(struct encoder *e, const struct event *ev, int64_t at_ns);

#endif
