/*
 * opsconsole.yaml, decoded: see doc/opsconsole.yaml.5 for the user's side of every member.
 *
 * Decoded by the tables in conf_tables.c; one generic decoder walks them, so type, range, default
 * and help of an option stand in one row. Reading is in two tempers: conf_load() collects every
 * problem it finds (conf_problem()s with file:line:column) and keeps each valid section; the
 * caller decides: --check, --status and --runbook are strict, the console opens with what is
 * valid and lists the rest.
 */
#ifndef OPS_CONF_CONF_H
#define OPS_CONF_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* Where a secret comes from; at most one is set. Read by secret_read() at use, and again after a
 * 401. */
struct conf_secret {
	char *file;		/* owned by the user or root, not readable by others */
	char *env;		/* name of an environment variable */
	char **command;		/* argument vector, NULL-terminated; stdout less one newline is the secret */
};

struct slo_def_set;		/* model/slo.h */
struct drift_def_set;		/* model/drift.h */
struct conf_drift;		/* conf/conf_drift.h */
struct inventory;		/* conf/inventory.h */

struct conf_header {
	char *name;
	char *value;		/* or: */
	struct conf_secret secret;
};

/*
 * How a registry of type http-json answers. Members are paths into its JSON as base/jpath.h reads
 * them ("made.by", "builds[0].no", "['odd.key']"); NULL where it has no such thing. Needed: list,
 * items, name and version.
 */
struct conf_registry {
	char *list;		/* request behind the url: "/v1/models?size=50"; {page}, {offset} and {token} are filled in */
	char *items;		/* in the answer: the list of models, or of versions; "" the whole answer */
	char *name;		/* in an item: of the model */
	/* Of a model, in an item. Without versions and versions_list each item is one version, and
	 * these are not read. */
	char *model_description, *model_created, *model_updated, *model_tags;
	char *model_aliases;	/* {"champion": 6}, or a list as alias_name and alias_version say */
	char *versions;		/* in an item: the list of its versions; with versions_list in that answer */
	char *versions_list;	/* a request of its own for each model: "/v1/models/{model}/builds" */
	/* Of a version, in an item or in one of its versions. */
	char *version;		/* text, or a number, whose text is kept */
	char *stage, *status, *by, *description, *uri, *run;
	char *created, *updated;	/* RFC 3339, a date, or seconds or milliseconds since the epoch */
	char *aliases;		/* of this version: a text, or a list of texts or of objects (alias_name) */
	char *tags, *params, *metrics;	/* an object, or a list as pair_key and pair_value say */
	/* Inside the objects of lists. */
	char *alias_name;	/* NULL: "alias", else "name" */
	char *alias_version;	/* NULL: "version" */
	char *pair_key;		/* NULL: "key", else "name" */
	char *pair_value;	/* NULL: "value" */
	/* What leads to the next page; at most one of page_next, page_token and {page} or {offset} in list. */
	char *page_next;	/* in the answer: a link, within the source's url */
	char *page_token;	/* in the answer: a token, for {token} in list, or: */
	char *page_param;	/* name of the query parameter that takes it */
	int64_t page_first;	/* number of the first {page}; default 1 */
	int64_t page_size;	/* fewer items than this are the last page; 0: only none at all are */
};

struct conf_log_fields {	/* which fields of a store hold what; NULL: the usual ones (ECS, OpenTelemetry, Loki's and journald's own) */
	char *time, *level, *message, *service;
};

struct conf_source {
	char *name, *type;	/* type: "prometheus", "alertmanager", "mlflow", "http-json", "http", "loki",
				 * "elasticsearch", "journald" */
	char *url;		/* http(s), a path prefix is kept, no credentials inside */
	char **replicas;	/* further URLs of the same HA pair, NULL-terminated or NULL */
	int64_t interval_ns;
	int64_t timeout_ns;
	int64_t body_max;	/* bytes after decompression */
	int64_t series_max;	/* series kept of one answer */
	char *user;		/* basic auth */
	struct conf_secret password, bearer;
	char *ca_file, *client_cert, *client_key;
	bool tls_verify;	/* default true */
	char *proxy;		/* NULL: none; "environment" opts in to the usual variables; else URL */
	struct conf_header *headers;
	size_t n_headers;
	struct conf_registry registry;	/* of http-json; list is NULL else */
	/* Of log stores. */
	char *tenant;		/* loki: X-Scope-OrgID; NULL none */
	char **indices;		/* elasticsearch: patterns and data streams; NULL-terminated, NULL: "logs-*" */
	struct conf_secret api_key;	/* elasticsearch: Authorization: ApiKey */
	struct conf_log_fields log_fields;
	unsigned line, column;
};

struct conf_query {
	char *name, *title, *expr, *unit, *source;
	double objective;	/* NaN: none */
	char *slo;		/* name of the objective it shows, or NULL */
	unsigned line, column;
};

struct conf_marker {
	char *name, *title, *expr, *label, *group_by, *source;
	unsigned line, column;
};

struct conf_contact {
	char *role, *name, *channel, *responsibility;
};

struct conf_burn {		/* a burn-rate rule in place of the usual ones */
	double factor;
	int64_t long_ns, short_ns, for_ns;
	int severity;		/* index into page, ticket, info */
	unsigned line, column;
};

struct conf_label {
	char *name, *value;
};

/* An objective as it is written: what it becomes is a struct slo_def (conf_slo.h). */
struct conf_slo {
	char *name, *title, *service, *kind;
	double target;
	char *window;		/* "30d", or a word of the calendar: "month" */
	char *timezone;
	char *source;
	/* The indicator: one of good, bad, histogram, expr, timestamp and the ratios. */
	char *good, *bad, *total;
	bool is_counter;
	char *histogram;
	bool is_native;
	char *expr;
	double below, above;	/* NaN: not given */
	char *timestamp;
	int64_t max_age_ns;	/* 0: not given */
	char *error_ratio, *success_ratio;
	int method;		/* enum slo_method */
	int64_t slice_ns;
	double slice_target;	/* NaN: not given */
	int64_t resolution_ns;
	double min_bad, min_events;	/* min_bad NaN: not given */
	struct conf_burn *burns;
	size_t n_burns;
	int no_data;		/* index into unknown, ticket, page */
	struct conf_label *alerts;
	size_t n_alerts;
	unsigned line, column;
};

/* Hosts with a name; the hosts themselves are conf_hosts() (conf_hosts.h). */
struct conf_host_group {
	char *name;
	char **hosts;			/* patterns as conf/hostlist.h reads them, NULL-terminated or NULL */
	char *inventory;		/* path, or NULL */
	char *inventory_group;		/* of it; NULL: all */
	bool has_targets;
	char *target_source;
	struct conf_label *target_match;	/* labels that targets must have */
	size_t n_target_match;
	char *target_label;		/* whose value names the host; "address": what is scraped does */
	char *within;			/* regex that hosts of targets and inventory match wholly; NULL: any */
	char *user;
	int64_t port;			/* 0: not given */
	char *where;			/* "opsconsole.yaml:40:9" */
	const struct inventory *read;	/* the inventory; NULL: none, or it could not be read */
	unsigned line, column;
};

struct conf_online {			/* the online counterpart of a metric of the registry */
	char *metric, *expr, *label, *source;
	unsigned line, column;
};

struct conf_model {			/* a struct model_def (model/registry.h), as it is written */
	char *name, *title, *registry;
	char *alias, *stage;
	char *expr, *version_label, *host_label, *source;
	char *url, *path;
	char *group;
	int64_t max_age_ns, max_data_age_ns;	/* 0: no limit */
	char *data_key;
	struct conf_online *online;
	size_t n_online;
	struct conf_drift *drift;	/* NULL: none is looked at */
	unsigned line, column;
};

struct conf_severity {		/* value of the severity label -> page, ticket, info, none */
	char *value;
	int severity;		/* enum severity of model/event.h */
};

struct conf_log_stream {	/* lines that are followed */
	char *name, *title, *source;
	char *query;		/* the store's own */
	unsigned line, column;
};
struct conf_log_alert {		/* labels of an alert -> its lines */
	struct conf_label *match;	/* labels that it must have; values are shell patterns. none: any */
	size_t n_match;
	char *query;		/* ${labels.NAME} and ${alert} are filled in, encoded for where they stand */
	int64_t before_ns, after_ns;	/* around the alert's since; defaults 5m, 5m */
	unsigned line, column;
};
struct conf_logs {
	struct conf_log_stream *streams;
	size_t n_streams;
	struct conf_log_alert *alerts;
	size_t n_alerts;
	int64_t keep_bytes, keep_lines;	/* default 128 MiB, 2,000,000 */
	int64_t late_ns;	/* default 30s */
	int64_t page;		/* lines fetched at a time for history; default 5000 */
};
struct conf_redact { char *name, *pattern; unsigned line, column; };

struct conf_environment {
	char *name, *title, *colour;
	bool is_protected;
	char *severity_label;
	struct conf_severity *severities;
	size_t n_severities;
	struct conf_source *sources;
	size_t n_sources;
	struct conf_query *queries;
	size_t n_queries;
	struct conf_marker *markers;
	size_t n_markers;
	struct conf_contact *contacts;
	size_t n_contacts;
	struct conf_slo *slos;		/* the short form, as written */
	size_t n_slos;
	char **openslo;			/* files and folders, NULL-terminated or NULL */
	int64_t slo_interval_ns;	/* from one working out of the objectives to the next */
	bool slo_found;			/* use those that Sloth's and Pyrra's rules define */
	char *slo_corrections;		/* path of the log of corrections; NULL: the usual one */
	/* All objectives that are valid, of both forms; see conf_slos(). */
	const struct slo_def_set *slo_defs;
	struct conf_host_group *host_groups;
	size_t n_host_groups;
	struct inventory **inventories;	/* those that could be read, each once */
	size_t n_inventories;
	struct conf_query *host_queries;	/* one value per host: hosts_health, or the usual ones */
	size_t n_host_queries;
	struct conf_model *models;
	size_t n_models;
	int64_t drift_interval_ns;	/* from one working out of drift to the next */
	double drift_confidence, drift_fdr;	/* shares above 0 and below 1 */
	const struct drift_def_set *drift_defs;	/* what of the models is looked at; see conf_drifts() */
	/* What runbooks may use. */
	bool is_read_only;		/* read_only: true: nothing that changes the world can be run here */
	char **exec;			/* programs that exec steps may run: names or absolute paths, NULL-terminated or NULL */
	struct conf_label *params;	/* values of runbooks' parameters of that name */
	size_t n_params;
	struct yaml_node *actions;	/* map: name -> what is done, as a runbook's step has it; owned copy, or NULL */
	struct conf_logs logs;
	unsigned line, column;
};

struct conf_ssh {
	char *config;			/* ssh_config file; NULL: the usual ones */
	int transport;			/* index into auto, libssh2, openssh */
	int64_t connect_ns;		/* 0: ConnectTimeout of ssh_config, else 15 s */
	int64_t idle_ns;		/* default 5m */
	int64_t connecting_max;		/* default 64 */
	int64_t output_max;		/* kept of each stream of a command; default 1MiB */
	char *state_dir;		/* on the hosts; NULL: the usual one */
};
enum conf_journald { CONF_JOURNALD_NO, CONF_JOURNALD_YES, CONF_JOURNALD_AUTO /* where the machine has one of them */ };
struct conf_audit {
	char *dir, *head;		/* NULL: the usual ones */
	char **fallback;		/* further folders, NULL-terminated or NULL */
	int64_t rotate_bytes;		/* default 16MiB */
	/* What makes its end certain from outside. */
	char **copies;			/* files that hold the head, too; NULL-terminated or NULL */
	int journald;			/* the head goes to journald, or syslog: enum conf_journald; default auto */
	char *checkpoint_key;		/* public key file whose private half an agent holds; NULL: none is signed */
	int64_t checkpoint_every_ns;	/* 0: only when asked for and when an incident is closed */
	char *checkpoint_dir;		/* NULL: the usual one */
	struct conf_source *ship;	/* where each record is sent; type "http" or "loki" */
	size_t n_ship;
};
struct conf_record {		/* the flight recorder */
	int64_t keep_ns;		/* default 30m; 0: nothing is recorded */
	int64_t keep_bytes;		/* default 64MiB */
	int64_t kept_max;		/* of all that was pinned; default 4GiB */
	char *dir;			/* NULL: the usual one */
};

struct conf_key {		/* keys: { alerts.ack: A } */
	char *command;		/* "global.quit", "alerts.ack" */
	char *key;		/* as ui/key.h names keys: "a", "C-l", "F5", "Enter" */
	unsigned line, column;
};

struct conf {
	char *path;		/* file it came from, NULL for the built-in empty one */
	char *theme;		/* name of a shipped theme or absolute path */
	char *layout;		/* "auto", "narrow", "wide", or absolute path */
	bool bell, osc9;
	bool ack_enabled;
	int64_t ack_ns;		/* how long an ack silences (default 15m) */
	int64_t history_ns, history_bytes;
	int64_t range_ns;	/* first span of the shared time range (default 1h) */
	int64_t in_flight_max;	/* bytes in flight over all sources */
	struct conf_key *keys;
	size_t n_keys;
	char **runbooks;	/* folders, searched before the usual ones; NULL-terminated or NULL */
	char *lock_dir;		/* shared by all who operate from this machine; NULL: the user's own */
	struct conf_ssh ssh;
	struct conf_audit audit;
	struct conf_redact *redact;	/* beside the built-in patterns */
	size_t n_redact;
	bool redact_builtin;		/* default true */
	struct conf_record record;
	struct conf_environment *environments;
	size_t n_environments;
	size_t n_dropped;	/* environments that have a mistake and were left out */
	bool is_policy_broken;	/* a problem in a section that guards writing: the console is then read-only */
};

struct conf_problems {
	size_t n;
	char **v;		/* "file:line:column: sentence" */
};

/* The file the search order finds: path if given, $OPSCONSOLE_CONFIG,
 * $XDG_CONFIG_HOME/opsconsole/opsconsole.yaml (~/.config without it),
 * /etc/opsconsole/opsconsole.yaml. Owned by the caller. ERR_NOTFOUND says where it looked. */
int conf_find(const char *path, char **ret_path, struct err *err);
/* 0 when the file could be read at all (look at problems then), else ERR_IO, ERR_SYNTAX,
 * ERR_LIMIT, or ERR_DENIED for ownership or mode (of file and folder). */
int conf_load(const char *path, struct conf **ret_conf, struct conf_problems *ret_problems,
    struct err *err);
/* The same from memory, without the checks of ownership, and without the OpenSLO files it names;
 * and without inventories; name for messages. */
int conf_parse(const char *name, const char *text, size_t len, struct conf **ret_conf,
    struct conf_problems *ret_problems, struct err *err);
void conf_free(struct conf *c);
void conf_problems_done(struct conf_problems *p);

/* --check: read path, print each problem to stdout and then "FILE: 3 problems" or "FILE: ok (1
 * environment, 2 sources, 8 queries, 2 markers, 3 objectives, 6 hosts, 2 models)". Also looks at the files, variables and programs
 * the config names. 0; ERR_INVALID with problems printed and err untouched; else as conf_load(). */
/* more (may be NULL) adds what only other parts of the program can tell. */
typedef void conf_check_cb(const struct conf *conf, struct conf_problems *problems);
int conf_check(const char *path, conf_check_cb *more, struct err *err);
/* A sentence with its file:line:column in front. */
void conf_problems_add(struct conf_problems *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* name NULL: the only one; refused with the list of names when there are several (never a default
 * beside a protected one). */
int conf_environment(const struct conf *c, const char *name,
    const struct conf_environment **ret_env, struct err *err);

/* The secret's bytes (malloc()ed; wipe with secret_free()). Runs the command with a short timeout
 * - call from a worker, never in the loop. */
int secret_read(const struct conf_secret *s, char **ret_secret, struct err *err);
void secret_free(char *secret);
bool secret_is_set(const struct conf_secret *s);
/* A source that holds lines of logs. */
bool conf_source_is_log_store(const struct conf_source *s);

/* File and its folder belong to the user or root and nobody else may write them. 0, ERR_DENIED or
 * ERR_IO. */
int conf_check_owner(const char *path, struct err *err);

/* Shipped data: "themes/dark.yaml", "panels/layouts/wide.yaml", "lab/opslab",
 * "opsconsole.yaml.example". Looks in the build tree the program runs from, else in the installed
 * data folder. Owned by the caller; ERR_NOTFOUND says where it looked. */
int conf_data_path(const char *name, char **ret_path, struct err *err);

/* --init: ask localhost's usual ports (9090 Prometheus, 9093 Alertmanager, 8428 VictoriaMetrics;
 * plain HTTP, short timeouts) and write a commented config for what answers to path (NULL: the
 * user's own), never over an existing file. Prints what it found. Blocking; not for the loop. */
int conf_init_write(const char *path, struct err *err);

#endif
