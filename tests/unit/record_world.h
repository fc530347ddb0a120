/* A folder of its own for each test, a recorder in a loop with a frozen clock, a model that it records, and all that it told. */
#ifndef OPS_TESTS_RECORD_WORLD_H
#define OPS_TESTS_RECORD_WORLD_H

#include "tests/unit/feed.h"
#include "record/recorder.h"
#include "record/recording.h"

enum { WORLD_TOLD_MAX = 256 };
struct told {
	char recording[64], file[64], sha256[65], prev[65];
	uint64_t number, bytes, n_events;
	int64_t from_ns, to_ns;
	bool is_pinned;
};
struct world {
	char root[64], dir[96];		/* recordings are in dir; root is removed at the end */
	struct loop *loop;
	struct pool *pool;
	struct recorder *recorder;
	struct recorder_options options;
	struct model *model;
	size_t n_told, n_problems;
	struct told told[WORLD_TOLD_MAX];
	char problems[32][256];
};

int world_setup(void **state);
int world_teardown(void **state);
void world_open(struct world *w);		/* must succeed */
void world_close(struct world *w);		/* waits for the disk */
void world_at(struct world *w, double seconds);	/* the clock; what is due then is done, and what was given to the disk is there */
void world_settle(struct world *w);
/* An event at T(seconds), to model and recorder. Text as for feed_event(). */
void world_event(struct world *w, double seconds, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void world_apply(struct world *w, double seconds, const struct event *ev);
/* The environment with its sources, then something every five seconds up to T(end): ranges that slide, alerts that come and go, reports. */
void world_environment(struct world *w, double seconds);
void world_round(struct world *w, double seconds);
void world_run(struct world *w, double begin, double end);
/* Folder of the only recording; static. */
const char *world_recording(const struct world *w);
struct recording *world_read(const struct world *w);	/* opens it; must succeed */
/* Model as text; free it. */
char *world_dump(const struct model *m);
void *world_file(const char *path, size_t *ret_len);	/* free it */
void world_write_file(const char *path, const void *bytes, size_t len);
size_t world_count(const char *dir, const char *end);	/* files whose names end so */
void world_remove(const char *path);

#endif
