/* Lines that are known already, by what makes each one of its kind: a hash, and its time so that old ones can be forgotten. */
#ifndef OPS_SOURCE_LOG_SEEN_H
#define OPS_SOURCE_LOG_SEEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct log_seen_entry {
	uint64_t hash;		/* 0: free */
	int64_t time_ns;
};
struct log_seen {
	struct log_seen_entry *v;
	size_t n, cap;		/* cap: a power of two */
};

void log_seen_done(struct log_seen *s);
bool log_seen_has(const struct log_seen *s, uint64_t hash);
/* false: it was there. */
bool log_seen_add(struct log_seen *s, uint64_t hash, int64_t time_ns);
void log_seen_add_all(struct log_seen *s, const struct log_seen *from);
/* Forget what is older. */
void log_seen_since(struct log_seen *s, int64_t since_ns);
/* The time before which all but the newest max entries lie; INT64_MIN when there are no more. */
int64_t log_seen_newest(const struct log_seen *s, size_t max);

#endif
