/* What of the timeline has not been told yet. Entries are known again by their id, time and end, so that the timeline may sort late ones in and drop old ones. */
#ifndef OPS_PLAIN_NEWS_H
#define OPS_PLAIN_NEWS_H

#include "base/buf.h"
#include "model/model.h"

struct plain_news;
/* since_ns: what people did before is history, and what still lasts is news whenever it began. */
struct plain_news *plain_news_new(int64_t since_ns);
void plain_news_free(struct plain_news *n);
/* Appends a line for each; out NULL: they are known, from now on. */
void plain_news_look(struct plain_news *n, const struct model *m, struct buf *out);

#endif
