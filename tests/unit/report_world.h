/* An incident made by hand: two operators' chains in files, and a recording whose events stand in memory behind the functions of record/recording.h and record/pack.h. */
#ifndef OPS_TESTS_REPORT_WORLD_H
#define OPS_TESTS_REPORT_WORLD_H

#include "report/report.h"
#include "tests/unit/feed.h"

#define INCIDENT "20300101-0214-web"
/* Seconds after T0 of a time of day. */
#define AT(h, m, s) ((h) * 3600 + (m) * 60 + (s))

struct tape;			/* a recording in memory */
struct log;
struct report_world {
	char root[64];
	struct log *alice, *bob;
	struct tape *tape;	/* NULL: there is no recording */
	bool has_names;
	const struct environment *environment;
};

/* --- logs ---------------------------------------------------------------------------------------------------------- */
struct log *log_new(const char *user, const char *host);
void log_free(struct log *l);
/* One record; its seq. body: members of a JSON object without the braces, with ' for ". run, incident NULL: none. */
uint64_t log_add(struct log *l, double seconds, const char *type, const char *run, const char *incident, const char *body, ...) __attribute__((format(printf, 6, 7)));
char *log_text(const struct log *l, size_t *ret_len);	/* free it */
/* Into folder, with its head at folder-head. */
void log_write(const struct log *l, const char *folder);

/* --- recordings -------------------------------------------------------------------------------------------------------- */
/* Chunks of a minute from one second of T0's day to another. */
struct tape *tape_new(const char *id, double from, double to);
void tape_free(struct tape *t);
void tape_feed(struct tape *t, double seconds, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void tape_alert(struct tape *t, double seconds, const char *alerts);
/* state: "ok", "page", ..; left of the budget, burn rate, bad events. */
void tape_slo(struct tape *t, double seconds, const char *state, double left, double burn, double bad);
/* Its snapshot cannot be read, which shows only when it is. */
void tape_damage(struct tape *t);
void tape_gap(struct tape *t, double from, double to);
/* What recording_chunk_hash() says of chunk n: tests put it into a record, or another one. */
void tape_hash(const struct tape *t, uint64_t n, char *ret_hex);
void tape_hash_of(const char *id, uint64_t n, char *ret_hex);
struct recording *tape_recording(struct tape *t);
/* recordings_find() finds it; NULL nothing. */
void tapes_found(struct tape *t);
/* pack_is() says so of this path from now on; its slices are these logs, with their heads. NULL: of none. */
void packs_found(const char *path, const struct log *const *logs, size_t n);

/* --- the incident -------------------------------------------------------------------------------------------------------- */
int report_world_setup(void **state);		/* all of it, as it really goes */
int report_world_teardown(void **state);
/* Only the openings and the two logs: tests add what they are about. */
int report_world_setup_bare(void **state);
struct report *world_gather(const struct report_world *w);		/* must succeed */
int world_try(const struct report_world *w, const char *incident, struct report **ret, struct err *err);
/* The document; free it. Times of making, folder and version are put into one form. */
char *world_document(const struct report_world *w, enum report_format format);
char *report_document(const struct report_world *w, const struct report *r, enum report_format format);

#endif
