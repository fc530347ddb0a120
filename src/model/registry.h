/*
 * Models: what the registry says, what each host really serves, and which hosts there are.
 *
 * Versions are text everywhere: "1.10" is not 1.1, and numbers beyond 2^53 stay what they are. All strings are as received: escape before showing.
 */
#ifndef OPS_MODEL_REGISTRY_H
#define OPS_MODEL_REGISTRY_H

#include "model/event.h"

/* --- the registry ------------------------------------------------------------------------------------------------------- */

struct reg_metric {
	const char *name;
	double value;
	int64_t at_ns;		/* 0 unknown */
};
struct reg_version {
	const char *version;
	const char *stage;	/* "Production", ""; MLflow's "None" is "" */
	struct strings aliases;
	const char *status;	/* "READY", "FAILED_REGISTRATION", "" where the registry has none */
	const char *by;		/* who made it, "" unknown */
	const char *description, *uri, *run;	/* run: id of the training run, "" */
	int64_t created_ns, updated_ns;	/* 0 unknown */
	int64_t data_ns;	/* up to when its training data goes, 0 unknown (model_def.data_key) */
	struct labels tags, params;
	size_t n_metrics;
	const struct reg_metric *metrics;	/* of the training run, by name */
	bool is_run_known;	/* params and metrics were read */
};
struct reg_alias {
	const char *alias, *version;
};
struct reg_model {
	const char *name, *description;
	int64_t created_ns, updated_ns;
	struct labels tags;
	size_t n_aliases;
	const struct reg_alias *aliases;	/* by alias */
	size_t n_versions;
	const struct reg_version *versions;	/* newest first */
	size_t n_left_out;	/* older ones beyond the limit: counted, not kept */
	bool is_unread;		/* its versions could not be read, or not all: those there are older or fewer than they may be */
};
struct registry_set {		/* EVENT_REGISTRY: all models of one source */
	struct block block;
	size_t n;
	const struct reg_model *v;	/* by name */
	size_t n_left_out;
	struct strings notes;	/* "page 7 repeats page 6: the rest is not known", "no permission to read runs" */
};

/* --- what serves ---------------------------------------------------------------------------------------------------------- */

struct serving {
	const char *host;	/* "" where the metric names none */
	const char *version;	/* "" : the host answered, but serves none */
	int64_t at_ns;		/* newest evidence */
	int64_t since_ns;	/* it was there all the time since then, maybe longer; 0: nobody said */
	const char *error;	/* why it is not known, "" when it is */
};
struct serving_set {		/* EVENT_SERVING: who serves what of one model now */
	struct block block;
	const char *model;	/* id of the model_def */
	size_t n;
	const struct serving *v;	/* by host, in natural order; a host that serves two versions stands there twice */
	struct strings notes;	/* "3 series have no label 'version'" */
};

/* --- hosts ---------------------------------------------------------------------------------------------------------------- */

struct host_def {
	const char *name;	/* as people call it; unique */
	struct strings groups;	/* sorted */
	const char *address;	/* to connect to: ansible_host, else the name */
	unsigned port;		/* 0: not given */
	const char *user;	/* "" not given */
	const char *where;	/* "opsconsole.yaml:40:9", "/etc/ansible/hosts:12", "targets of prometheus" */
};
struct host_set {		/* EVENT_HOSTS: all of them */
	struct block block;
	size_t n;
	const struct host_def *v;	/* in natural order: web-2 before web-10 */
	struct strings notes;	/* "3 targets are not within 'web-[0-9]+' and were left out" */
};

/* --- what the config says -------------------------------------------------------------------------------------------------- */

struct online_def {		/* the online counterpart of an offline metric */
	const char *metric;	/* name in the registry: "auc" */
	const char *query;	/* id of the query that has it: "online:MODEL:METRIC" */
	const char *expr, *label, *source;	/* label: whose value is the version */
};
struct model_def {
	const char *id;		/* "model:NAME" */
	const char *name;	/* in the registry */
	const char *title;
	const char *registry;	/* source */
	const char *alias, *stage;	/* which version should serve: one of them, the other NULL */
	const char *serving_expr, *serving_source;	/* NULL: by http */
	const char *version_label, *host_label;
	const char *serving_url;	/* with {host}; NULL: by expr */
	const char *serving_path;	/* where in the JSON; "" the whole body, as text */
	const char *group;	/* of the hosts that should serve it, or NULL: those that do */
	int64_t max_age_ns, max_data_age_ns;	/* 0: no limit */
	const char *data_key;	/* tag or param of a version that says up to when its training data goes; NULL none */
	size_t n_online;
	const struct online_def *online;
};

/* --- worked out by the model ------------------------------------------------------------------------------------------------- */

enum model_state {		/* worst first */
	MODEL_OUT_OF_STEP,	/* a host serves another version than it should */
	MODEL_UNSERVED,		/* a host that should serve it serves none, or is not heard of */
	MODEL_STATE_UNKNOWN,	/* registry or serving cannot be seen */
	MODEL_OLD,		/* model or training data beyond their limits */
	MODEL_IN_STEP,
};
enum serve_state { SERVE_OTHER, SERVE_NONE, SERVE_UNKNOWN, SERVE_RIGHT };
struct model_host {
	const char *host, *version, *error;
	enum serve_state state;
	int64_t since_ns;	/* of this version here, as far as was seen; 0 unknown */
	int64_t at_ns;
	bool is_on_its_way;	/* still where it was before a move that was seen: no alarm yet */
};
struct model_model {
	const struct model_def *def;
	const struct reg_model *reg;		/* NULL: not known */
	const struct reg_version *wanted;	/* what should serve; NULL: alias or stage points nowhere, or not known */
	int64_t wanted_since_ns;		/* since when it should, as far as was seen; 0 unknown */
	const char *previous;			/* version that should serve before it, as far as was seen; "" none was */
	bool is_moving;				/* that changed less than MODEL_SETTLE_NS ago, and hosts are still on their way: no alarm yet */
	int64_t reg_ns;				/* newest good answer of the registry; 0 never */
	int64_t serving_ns;			/* newest good answer about who serves it; 0 never */
	const char *serving_source;		/* who gave it, "" never */
	bool is_reg_stale, is_serving_stale;	/* these are too old to judge by, or there is none */
	enum model_state state;
	int64_t since_ns;			/* as far as was seen: it may be longer; 0 unknown */
	const char *why;			/* one sentence; "" in step, unless is_moving */
	size_t n_hosts, n_right;
	const struct model_host *hosts;		/* wrong ones first, then in natural order */
	struct strings notes;			/* of the registry and of who serves */
};

/* So long after the alias or stage moved, hosts that still serve the version before it, or none, are on their way. */
#define MODEL_SETTLE_NS (60 * INT64_C(1000000000))

const char *model_state_name(enum model_state state);	/* "out of step", "unserved", "unknown", "old", "in step" */
const char *serve_state_name(enum serve_state state);	/* "other", "none", "unknown", "right" */

/* --- finding -------------------------------------------------------------------------------------------------------------------- */

const struct reg_model *reg_model_find(const struct registry_set *set, const char *name);	/* NULL: it has none; set may be NULL */
const struct reg_version *reg_version_find(const struct reg_model *model, const char *version);	/* NULL: not among those kept */
/* Which version alias points to, or the newest in stage (the other is NULL); NULL: none. The version need not be among those kept. */
const char *reg_version_wanted(const struct reg_model *model, const char *alias, const char *stage);
/*
 * Can reg_version_wanted() be believed? The newest in a stage is not known of a model whose versions were not read; where an alias points is, if the model
 * itself tells of it.
 */
bool reg_is_wanted_known(const struct reg_model *model, const char *alias);
/* May the registry have models that the set does not? Then one that is not there may only not have been read. */
bool registry_set_is_partial(const struct registry_set *set);
/* Natural order of names: runs of digits compare as numbers, the shorter of equal ones first. */
int host_name_compare(const char *a, const char *b);
/* How many bytes of an instance label are the host: "web-1:9100" 5, "[::1]:9100" 5 ("[::1]"), "::1" 3, "web-1" 5. */
size_t host_of_instance(const char *instance);

#endif
