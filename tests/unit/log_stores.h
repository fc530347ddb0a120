/* Log stores in memory, for tests of paging and following: the same lines, told as a Loki, an Elasticsearch or a journal gateway would. */
#ifndef OPS_TESTS_UNIT_LOG_STORES_H
#define OPS_TESTS_UNIT_LOG_STORES_H

#include "fakes/chain_driver.h"
#include "source/log_round.h"

#define STORE_T0 (INT64_C(1900000000) * NS_PER_S)

struct store_line {
	int64_t time_ns;
	unsigned id;		/* its text is "line ID" */
	bool is_hidden;		/* not there yet */
	unsigned n_told;
};
struct store {
	const char *type;	/* "loki", "elasticsearch", "journald" */
	const struct chain_ops *chain;
	struct store_line v[4096];	/* in the store's order */
	size_t n;
	size_t page_max;	/* most that it answers with; 0: any */
	unsigned granularity_us;	/* 0: nanoseconds */
	/* Elasticsearch: */
	bool is_open_search, is_without_pit;
	int lose_pit_at;	/* at the n-th search, from 1; 0: never */
	unsigned n_searches, n_pits_open, pit;
	bool is_failing_shard, is_timed_out;
	unsigned index_us;	/* its index has times in units of that, its documents finer ones; 0: the same */
	unsigned bad_every;	/* each n-th document comes without its source; 0: none */
	int status_at;		/* fail the n-th request of a page ... */
	long status;		/* ... with this */
	/* journald: */
	bool is_null_message;	/* JSON has no text for every third entry */
	bool is_seek_broken;
	/* What was told: */
	void *kept;
	struct chain_round round;
	unsigned n_notes;
	char notes[2000];
	char error[600];
	unsigned n_stray;	/* told but not in the store */
	unsigned n_lies;	/* lines of a stretch that was said to be told, but were not */
	uint64_t n_counted;
	bool is_least;
	char buf[4 << 20];
};

struct store *store_new(const char *type);
void store_free(struct store *s);
/* Added in the store's order. */
void store_add(struct store *s, int64_t time_ns, bool is_hidden);
/* After adding: order by time. */
void store_sort(struct store *s);
/* One round of the want; what it tells is counted in the lines. page: lines at once. */
void store_ask(struct store *s, const struct log_want *want, size_t page);
unsigned store_untold(const struct store *s, int64_t start_ns, int64_t end_ns);
unsigned store_told_twice(const struct store *s);
unsigned store_next(uint32_t *seed, unsigned below);

#endif
