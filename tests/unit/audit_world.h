/* A folder of its own for each test, a writer in a loop, and a look at what stands in the log afterwards. */
#ifndef OPS_TESTS_AUDIT_WORLD_H
#define OPS_TESTS_AUDIT_WORLD_H

#include "audit/audit.h"
#include "audit/verify.h"

struct world {
	char root[64];		/* removed at the end */
	char dir[128], head[128];
	struct loop *loop;
	struct audit *audit;
	struct audit_options options;
};

extern const struct audit_actor world_actor;

int world_setup(void **state);		/* *state: a struct world, with nothing opened */
int world_teardown(void **state);
void world_open(struct world *w);	/* must succeed */
void world_close(struct world *w);
/* Appends a note and turns the loop until it is answered. Returns the code; err_text (may be NULL) the sentence. */
int world_note(struct world *w, const char *text, uint64_t *ret_seq, char *err_text);
int world_append(struct world *w, const struct audit_draft *draft, uint64_t *ret_seq, char *err_text);
/* Verifies the folder with its head. */
void world_verify(const struct world *w, struct audit_report *ret);
/* The whole text of a file; free it. */
char *world_read(const char *path, size_t *ret_len);
void world_write(const char *path, const void *bytes, size_t len);
/* n records, as the writer makes them, after each other; free it. */
char *world_log(size_t n, size_t *ret_len);
/* How many files of the log's folder have a name that begins so; ret_last (of 256, may be NULL) has one. */
size_t world_files(const char *dir, const char *prefix, char *ret_last);

#endif
