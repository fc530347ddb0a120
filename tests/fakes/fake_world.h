/*
 * The world of a run without any of it: a loop, a live model that tests feed, queries and requests answered by what a test has written down. One of each.
 */
#ifndef OPS_FAKES_FAKE_WORLD_H
#define OPS_FAKES_FAKE_WORLD_H

#include "runbook/step.h"

extern struct run_world world;
extern struct model *live;
extern struct conf_environment world_env;	/* sources prom, am, mlflow, flags, loki, elastic, journal; model spam (alias champion); exec: /bin/sh; contact secondary */

int world_setup(void **state);		/* clocks run */
int world_teardown(void **state);
/* Turn until *flag, which a callback sets; fails the test after many turns. */
void world_until(const bool *flag);
/* One turn of a few ms, n times. */
void world_turns(unsigned n);
/* From here on the clocks stand at ns, and each turn of world_until() moves them by half a second. */
void world_freeze(int64_t ns);
/* Called before each turn of world_until(), when set: the world goes on. */
extern void (*world_tick)(void);

/* --- requests ---------------------------------------------------------------------------------------- */

/* The next request to any source must be "METHOD PATH" and is answered with status and body. status 0: no answer came; sent: maybe. */
void world_reply(const char *request, long status, const char *body);
void world_no_reply(const char *request, bool is_maybe_sent);
/* How many of the replies were not asked for; requests that were not expected fail the test. */
unsigned world_replies_left(void);
struct world_request { char source[64], line[512], body[4096], headers[1024]; };
extern struct world_request last_request;
extern unsigned n_requests;

/* --- queries ------------------------------------------------------------------------------------------- */

/* expr is answered, from now on, with series: "instance=web-01:9100,version=6 1" one a line; " @SECONDS" behind gives the sample's time (seconds since the epoch). NULL: fails with why. */
void world_series(const char *expr, const char *series, const char *why);
extern unsigned n_queries, n_polls;
extern char last_poll[64];

/* --- bindings -------------------------------------------------------------------------------------------- */

/* Values for ${}: "name=value" of each; those whose name begins with "secret" are secrets. host NULL: scope run. */
struct test_values { const char *names[8], *values[8]; };
struct bindings world_bindings(struct test_values *v, const char *host);
extern const char *const three_hosts[];		/* web-01 .. web-03 */
struct template *tpl(const char *text, enum template_place place);	/* freed at teardown */

/* --- results, copied ----------------------------------------------------------------------------------------- */

struct told {
	bool is_done;
	enum outcome outcome;
	bool is_not_begun, is_refused, is_exited;
	int status;
	char text[512], previous[65600], why[512], output[4096];
	bool has_previous;
};
extern struct told told;
/* Bind, begin and wait for the end; 0 or what step_bind() or act_begin() said. b may be NULL. */
int world_act(struct act *act, const struct bindings *b, const struct act_start *start, struct err *err);
struct bound *world_bind(struct act *act, const struct bindings *b);
void world_told(struct running *r, const struct act_result *result, void *arg);

struct judged { bool is_done; enum outcome outcome; char text[512], failed[256], unknown[256]; unsigned n_progress; };
extern struct judged judged;
void world_judge(struct condition *c, const struct bindings *b, int64_t since_ns);
void world_judge_behind(struct condition *c, const struct bindings *b, int64_t since_ns, int64_t begun_ns);

#endif
