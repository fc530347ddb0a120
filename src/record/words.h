/* Pieces of JSON, straight into a buffer; texts that are not UTF-8 are escaped as event_to_json() does. */
#ifndef OPS_RECORD_WORDS_H
#define OPS_RECORD_WORDS_H

#include <stdint.h>

#include "base/buf.h"
#include "model/event.h"

void words_text(struct buf *b, const char *s);
void words_double(struct buf *b, double v);	/* the shortest that reads back the same; "NaN", "+Inf", "-Inf" */
void words_labels(struct buf *b, const struct labels *l);
void words_strings(struct buf *b, const struct strings *s);

#endif
