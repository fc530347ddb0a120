/*
 * What a run needs of the rest of the program, as functions: app fills it in, tests fake it. All callbacks come later, from the loop, once.
 */
#ifndef OPS_RUNBOOK_WORLD_H
#define OPS_RUNBOOK_WORLD_H

#include "audit/audit.h"
#include "conf/conf.h"
#include "loop/loop.h"
#include "loop/pool.h"
#include "model/model.h"
#include "model/run.h"
#include "source/registry_write.h"
#include "source/source.h"
#include "ssh/ssh.h"

struct world_ask;

/* set NULL: err says why there is no answer. Borrowed. */
typedef void world_series_cb(const struct series_set *set, const struct err *err, void *arg);

struct run_world {
	struct loop *loop;
	struct ssh *ssh;
	struct audit *audit;		/* NULL: a dry run, nothing is recorded */
	const struct conf *conf;
	const struct conf_environment *env;
	const char *user;
	const char *state_dir;		/* $XDG_STATE_HOME/opsconsole: locks */
	struct pool_lane *lane;		/* where what takes long is read; NULL: here */
	void *arg;
	/* The live model. */
	const struct model *(*model)(void *arg);
	/* An instant query now; source NULL: the first Prometheus. */
	struct world_ask *(*query)(void *arg, const char *source, const char *expr, world_series_cb *cb, void *cb_arg);
	void (*query_cancel)(void *arg, struct world_ask *ask);
	/* One request to a source, never repeated by itself; see sources_write(). */
	int (*write)(void *arg, const char *source, const struct request *r, sources_write_cb *cb, void *cb_arg, struct err *err);
	/* Poll a source again soon ("alerts", "silences", "serving"); source NULL: all that have it. */
	void (*poll_now)(void *arg, const char *source, const char *what);
	/* EVENT_RUN, EVENT_RUN_OUTPUT, EVENT_MARKERS.. into the model. ev is borrowed. */
	void (*apply)(void *arg, const struct event *ev);
};

#endif
