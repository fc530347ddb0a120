/* Elasticsearch and OpenSearch: what elastic.c (requests, pages) and elastic_read.c (hits) share. */
#ifndef OPS_SOURCE_ELASTIC_H
#define OPS_SOURCE_ELASTIC_H

#include "source/log_round.h"

enum elastic_flavour { ELASTIC_UNKNOWN, ELASTIC_SEARCH, ELASTIC_OPEN, ELASTIC_PLAIN /* holds no point in time */ };
enum elastic_tag { ELASTIC_ROOT, ELASTIC_OPEN_PIT, ELASTIC_PAGE, ELASTIC_COUNT, ELASTIC_CLOSE_PIT };

struct elastic {
	char *pit;			/* open; NULL: none */
	char *after;			/* search_after: the sort of the last hit, as it came; NULL: from the beginning */
	bool is_plain;			/* no point in time: pages by time */
	bool is_pit_told, is_counted, is_flat_count, is_closing;
	unsigned n_lost;		/* points in time that went */
	const char *time;		/* the field that is sorted by */
};

/* Adds the hits of an answer as lines, and notes what it lacks. ret_after: sort of the last hit, malloc()ed, NULL when there is none; ret_n: hits. */
int elastic_read_hits(struct log_round *r, struct elastic *e, struct slice all, size_t *ret_n, char **ret_after, struct err *err);
int elastic_read_counts(struct log_round *r, struct slice all, struct err *err);
/* "2 of 5 shards failed: ..", "it took too long". */
void elastic_read_flaws(struct log_round *r, struct slice all);
/* The sentence of an error answer into dst. */
enum { ELASTIC_DETAIL_MAX = 400 };
const char *elastic_detail(char *dst, const char *body, size_t len);

#endif
