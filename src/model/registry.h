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
	const char *error;	/* why it is not known, "" when it is */
};
struct serving_set {		/* EVENT_SERVING: who serves what of one model now */
	struct block block;
	const char *model;	/* id of the model_def */
	size_t n;
	const struct serving *v;	/* by host; a host that serves two versions stands there twice */
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
};
struct model_model {
	const struct model_def *def;
	const struct reg_model *reg;		/* NULL: not known */
	const struct reg_version *wanted;	/* what should serve; NULL: alias or stage points nowhere, or not known */
	int64_t wanted_since_ns;		/* since when it should, as far as was seen; 0 unknown */
	int64_t reg_ns;				/* newest good answer of the registry */
	enum model_state state;
	int64_t since_ns;
	const char *why;			/* one sentence; "" in step */
	size_t n_hosts;
	const struct model_host *hosts;		/* wrong ones first */
};

const char *model_state_name(enum model_state state);	/* "out of step", "unserved", "unknown", "old", "in step" */

#endif
