/*
 * Option tables: one row holds an option's name, type, range, default and help. One decoder
 * (conf_decode.c) walks them; conf_free(), the example's test and the manual's test walk the same
 * rows.
 *
 * Defaults and ranges stand in the rows as a user would write them and are read by the option's own
 * type.
 */
#ifndef OPS_CONF_CONF_TABLE_H
#define OPS_CONF_CONF_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/yaml.h"
#include "conf/conf.h"

enum conf_type {
	CONF_CONST,		/* text that must be row->def; stored nowhere */
	CONF_STRING,		/* char *: one line of text that may be shown as it is */
	CONF_NAME,		/* char *: a string without blanks at its ends */
	CONF_PROMQL,		/* char *: any lines, not empty, blanks around it cut */
	CONF_INT,		/* int64_t */
	CONF_BYTES,		/* int64_t: 64MiB */
	CONF_DURATION,		/* int64_t ns: 1h30m */
	CONF_BOOL,		/* bool: true, false */
	CONF_DOUBLE,		/* double; NaN when absent */
	CONF_RATIO,		/* double above 0 and below 1: 99.9% or 0.999; NaN when absent */
	CONF_AMOUNT,		/* double: 0.3, 300ms (seconds), 2%; NaN when absent */
	CONF_WINDOW,		/* char *: a duration, or day, week, month, quarter, year */
	CONF_ENUM,		/* char *: one of row->choices */
	CONF_CHOICE,		/* int: index into row->choices */
	CONF_URL,		/* char *: http(s), trailing slashes cut */
	CONF_PROXY,		/* char *: "environment", or a URL */
	CONF_PATH,		/* char *: absolute, ~/ expanded */
	CONF_SECRET_PATH,	/* the same, never repeated in a sentence */
	CONF_FILE_OR_NAME,	/* char *: a path, or the name of something shipped */
	CONF_ENV_NAME,		/* char *: name of an environment variable */
	CONF_HEADER_NAME,	/* char *: name of an HTTP header */
	CONF_JPATH,		/* char *: path into JSON (base/jpath.h), perhaps empty */
	CONF_REGEX,		/* char *: regex for whole names of hosts (conf_within.h) */
	CONF_USER,		/* char *: name to log in with */
	CONF_REMOTE_PATH,	/* char *: absolute, on another machine */
	/* The above are scalars; the following are not. */
	CONF_URLS,		/* char **, NULL-terminated */
	CONF_PATHS,		/* char **, NULL-terminated */
	CONF_ARGV,		/* char **, NULL-terminated */
	CONF_PROGRAMS,		/* char **, NULL-terminated: names, or absolute paths */
	CONF_PATTERNS,		/* char **, NULL-terminated: patterns of hosts (conf/hostlist.h) */
	CONF_INDICES,		/* char **, NULL-terminated: names and patterns of indices */
	CONF_SECRET,		/* struct conf_secret: { file: | env: | command: } */
	CONF_HEADER,		/* struct conf_header, all but its name: text, or a secret */
	CONF_GROUP,		/* a map whose rows are members of the same struct */
	CONF_LIST,		/* list of maps -> array of row->table */
	/* Map -> array of row->table: its first row reads the key, its second the value */
	CONF_PAIRS,
	CONF_MAP,		/* map -> pointer to a struct of row->table; NULL when absent */
	CONF_LINES,		/* char *: any lines, perhaps empty; max counts characters */
	CONF_NODE,		/* struct yaml_node *: a map, copied as it stands; max counts its pairs */
	CONF_ANY,		/* whatever stands there; stored nowhere */
	/* The same, but row->help is added to the char ** that rows of this type share */
	CONF_UNUSED,
};

enum {
	ROW_REQUIRED = 1u << 0,		/* absent or wrong: the whole item is dropped */
	/* Wrong: the whole item is dropped rather than used without it */
	ROW_ESSENTIAL = 1u << 1,
	ROW_GUARDS = 1u << 2,		/* wrong: nothing may write until it is mended */
};

struct conf_table;
struct conf_decode;

struct conf_row {
	const char *name;		/* last row: NULL */
	enum conf_type type;
	unsigned flags;
	size_t offset;
	size_t n_offset;		/* CONF_LIST, CONF_PAIRS: of the size_t count */
	const char *min, *max;		/* NULL: no bound. For text: bytes; for lists: items */
	const char *def;		/* NULL: none */
	const char *const *choices;	/* ends with NULL */
	const struct conf_table *table;	/* CONF_GROUP, CONF_LIST, CONF_PAIRS */
	const char *help;
};

struct conf_table {
	const char *what;		/* "source", for sentences */
	const struct conf_row *rows;
	size_t size;			/* of one item */
	bool has_position;
	size_t position;		/* offset of `unsigned line, column` */
	bool has_node;
	size_t node;			/* offset of `const struct yaml_node *`, the item's map */
	const char *bare;		/* row that an item is which is only text; NULL: none may be */
	bool is_unique;			/* no two items with the same text in the first row */
	bool is_secret;			/* sentences do not repeat its keys */
	/* An unknown key here may be a misspelled guard: nothing may write */
	bool is_guard;
	/* An unknown key: the item is dropped rather than used without what was meant */
	bool is_strict;
	/* What single rows cannot say. false: the item is dropped. May be NULL. */
	bool (*check)(struct conf_decode *d, const struct yaml_node *node, void *item);
	/* Frees what no row holds. May be NULL. */
	void (*done)(void *item);
};

extern const struct conf_table conf_table_top;	/* struct conf */
/* The members of a secret, for CONF_SECRET. */
extern const struct conf_table conf_table_secret;
/* struct conf_slo, and the members of struct conf_environment for all objectives. */
extern const struct conf_table conf_table_slo, conf_table_slo_group;
/* struct conf_host_group, struct conf_query of hosts, struct conf_model; members of conf_source. */
extern const struct conf_table conf_table_hosts, conf_table_host_query, conf_table_model;
/* struct conf_drift and what is in it (conf_drift.h), and the members of struct conf_environment
 * for all drift. */
extern const struct conf_table conf_table_drift, conf_table_drift_item, conf_table_drift_reference;
extern const struct conf_table conf_table_drift_group;
extern const struct conf_table conf_table_registry;
/* Members of conf_source for log stores, of struct conf_environment for logs, of struct conf for
 * what is redacted; lines that are followed, and those of alerts. */
extern const struct conf_table conf_table_log_fields, conf_table_logs_group, conf_table_redact_group;
extern const struct conf_table conf_table_log_stream, conf_table_log_alert;
/* Members of struct conf_source that other forms of it have, too. */
extern const struct conf_table conf_table_header, conf_table_tls;
/* The members of struct conf for the audit log and for recordings (conf_audit_tables.c). */
extern const struct conf_table conf_table_audit, conf_table_record;
/* Checks that look at several rows at once (conf_rules.c). */
bool conf_rule_top(struct conf_decode *d, const struct yaml_node *node, void *item);
bool conf_rule_source(struct conf_decode *d, const struct yaml_node *node, void *item);
bool conf_rule_ship(struct conf_decode *d, const struct yaml_node *node, void *item);
bool conf_rule_environment(struct conf_decode *d, const struct yaml_node *node, void *item);
void conf_environment_done(void *item);
/* The same, and what conf_rule_hosts() read. */
void conf_environment_free(void *item);
bool conf_rule_host_group(struct conf_decode *d, const struct yaml_node *node, void *item);
void conf_host_group_done(void *item);
bool conf_rule_model(struct conf_decode *d, const struct yaml_node *node, void *item);
bool conf_rule_drift(struct conf_decode *d, const struct yaml_node *node, void *item);
bool conf_rule_drift_item(struct conf_decode *d, const struct yaml_node *node, void *item);
bool conf_rule_drift_reference(struct conf_decode *d, const struct yaml_node *node, void *item);
/* What goes with the type of a source, where it is a registry or has one. */
bool conf_rule_registry(struct conf_decode *d, const struct yaml_node *node,
    struct conf_source *s);
bool conf_source_is_registry(const struct conf_source *s);
/* What goes with the type of a source that is a log store, and does not with others. */
bool conf_rule_log_store(struct conf_decode *d, const struct yaml_node *node,
    const struct conf_source *s);
bool conf_rule_log_alert(struct conf_decode *d, const struct yaml_node *node, void *item);
bool conf_rule_redact(struct conf_decode *d, const struct yaml_node *node, void *item);
/* References of an environment's streams of lines; its sources are known by now. */
void conf_rule_logs(struct conf_decode *d, const struct yaml_node *env_node,
    struct conf_environment *env);
/* References of an environment's hosts and models; its sources are known by now. */
void conf_rule_hosts(struct conf_decode *d, const struct yaml_node *env_node,
    struct conf_environment *env);
void conf_rule_models(struct conf_decode *d, const struct yaml_node *env_node,
    struct conf_environment *env);
/* The node of a list that stands at line and column, or NULL. */
const struct yaml_node *conf_find_item(const struct yaml_node *list, unsigned line,
    unsigned column);
/* An item with that name was written in list, and left out for a mistake that has been told. */
bool conf_is_written(const struct yaml_node *list, const char *name);
/* Make *source the name of a Prometheus source, the first when it is NULL. false, with a problem
 * about what ("query", "marker" or "objective", the item at line and column): there is none. */
bool conf_resolve_source(struct conf_decode *d, const struct yaml_node *env_node,
    const struct conf_environment *env, const char *what, unsigned line, unsigned column,
    char **source);
/* Objectives of both forms -> env->slo_defs, and what queries say of them (conf_slo.c). */
void conf_rule_slos(struct conf_decode *d, const struct yaml_node *env_node,
    struct conf_environment *env);
/* Drift of its models -> env->drift_defs (conf_drift.c); its sources and models are known by now. */
void conf_rule_drifts(struct conf_decode *d, const struct yaml_node *env_node,
    struct conf_environment *env);
/* The name of a metric, perhaps with {labels}: *ret_clean, owned by the caller, can be given further
 * ones before its }. is_histogram: without _bucket, and no label le. A sentence
 * without position (conf_slo_select.c). */
int conf_selector(const char *text, bool is_histogram, char **ret_clean, struct err *err);

/* --- types ----------------------------------------------------------------------------------- */

struct conf_value {
	int64_t number;		/* int, bytes, duration, choice, bool */
	double real;
	char *text;		/* owned */
};

bool conf_type_is_scalar(enum conf_type type);
/* "duration", "true or false": for sentences and the manual's test. */
const char *conf_type_name(enum conf_type type);
/* Text to a value, range included. ret_value is owned by the caller. err: a sentence without
 * position; it never repeats text that might be a secret. */
int conf_scalar(const struct conf_row *row, const char *text, size_t len,
    struct conf_value *ret_value, struct err *err);
/* http(s) with a host, no user, no query: the one check behind CONF_URL, CONF_URLS and
 * CONF_PROXY. */
int conf_url(const char *text, size_t len, char **ret_url, struct err *err);
/* ~/ expanded. is_secret: do not repeat the text in the sentence. */
int conf_path_expand(const char *text, size_t len, bool is_secret, char **ret_path,
    struct err *err);
/* A program that may be run: a name without '/', or an absolute path. */
int conf_program(const char *text, char **ret_program, struct err *err);
/* A pattern of hosts. */
int conf_pattern(const char *text, char **ret_pattern, struct err *err);
/* An index, data stream or alias of Elasticsearch, perhaps with *, of a remote cluster, or left
 * out with a minus before it. */
int conf_index(const char *text, char **ret_index, struct err *err);
/* Readers of types, for conf_types.c (conf_types_hosts.c). */
int conf_read_jpath(const struct conf_row *row, const char *text, size_t len,
    struct conf_value *v, struct err *err);
int conf_read_regex(const struct conf_row *row, const char *text, size_t len,
    struct conf_value *v, struct err *err);
int conf_read_remote_path(const struct conf_row *row, const char *text, size_t len,
    struct conf_value *v, struct err *err);
int conf_read_user(const struct conf_row *row, const char *text, size_t len,
    struct conf_value *v, struct err *err);
/* The home folder, or NULL. Owned by the caller. */
char *conf_home(void);

/* --- decoding -------------------------------------------------------------------------------- */

enum { CONF_PROBLEMS_MAX = 200 };

struct conf_decode {
	const char *name;		/* of the file, escaped */
	struct conf *conf;
	struct conf_problems *problems;
	bool reads_files;		/* files that the config names are read too */
};

void conf_problem(struct conf_decode *d, const struct yaml_node *at, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* A sentence that says where by itself. */
void conf_problem_add(struct conf_decode *d, const char *sentence);
/* Fill item (zeroed) from a map. false: the item cannot be used; what it holds must still be
 * freed. */
bool conf_decode_map(struct conf_decode *d, const struct conf_table *table,
    const struct yaml_node *map, void *item);
/* Where a problem with key is told: at its value, else at the map that should have it. */
const struct yaml_node *conf_at(const struct yaml_node *map, const char *key);
bool conf_is_given(const struct yaml_node *map, const char *key);	/* there, and not null */
/* A map of the file as it stands, for who reads it later. */
struct yaml_node *conf_node_copy(const struct yaml_node *node);
void conf_node_free(struct yaml_node *node);
/* Free what an item holds, not the item. */
void conf_item_done(const struct conf_table *table, void *item);

#endif
