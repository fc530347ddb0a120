/* A small world for tests of the engine: a config with hosts and a model, a loop, locks in a folder of their own, and what the fakes say (tests/fakes/fake_steps.h). */
#ifndef OPS_ENGINE_WORLD_H
#define OPS_ENGINE_WORLD_H

#include "runbook/run.h"
#include "tests/fakes/fake_steps.h"

struct engine {
	struct loop *loop;
	struct conf *conf;
	struct model *model;
	struct runbook *runbook;
	struct run *run;
	struct run_world world;
	char dir[64];
	struct buf notices;		/* a line each */
	size_t n_events, n_outputs;
	int64_t applied_bytes;
};

void engine_open(struct engine *e, unsigned n_hosts);
void engine_close(struct engine *e);
/* Indented YAML behind the usual head of a runbook. */
void engine_runbook(struct engine *e, const char *text);
/* sets: "model=spam", ..; NULL-terminated. 0 or the code of run_new(). */
int engine_new(struct engine *e, const struct run_request *q, const char *const *sets, struct err *err);
/* Turns until the state is reached; fails the test when it is not within some seconds. */
void engine_until(struct engine *e, enum run_state state);
void engine_turns(struct engine *e, unsigned n);
void engine_confirm(struct engine *e);
/* All at once: made, confirmed, ended. Returns the exit status. */
int engine_run(struct engine *e, bool is_interactive);
const struct run_cell *engine_cell(struct engine *e, const char *host, const char *column);
const char *engine_fact(struct engine *e, const char *name);	/* "" none */

#endif
