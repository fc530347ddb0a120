/*
 * Reading runbooks by tables: a row holds a member's name, type, range, default and help; one decoder walks them. Sentences, the manual's test and completion walk the same rows.
 *
 * Every mistake is noted with its place, and the rest is still read. A file with one mistake is not run, so an item with mistakes needs only to be freeable.
 */
#ifndef OPS_RUNBOOK_READ_H
#define OPS_RUNBOOK_READ_H

#include "base/digest.h"
#include "base/yaml.h"
#include "conf/conf_table.h"
#include "runbook/runbook.h"

struct reader;
struct read_row;
typedef void read_by(struct reader *rd, const struct read_row *row, const struct yaml_node *node, void *item);

enum read_type {
	READ_SCALAR,		/* as conf_table.h stores row->scalar */
	READ_UNSIGNED,		/* unsigned, of a CONF_INT */
	READ_TEMPLATE,		/* struct template *, for row->place */
	READ_WORDS,		/* struct template **, NULL-terminated: an argument list */
	READ_PAIRS,		/* struct pair *: NAME: template for row->place */
	READ_TEXTS,		/* char **, NULL-terminated: texts of one line */
	READ_BY,		/* row->by does it */
	READ_APART		/* only known here: read before or after the others */
};
enum { READ_REQUIRED = 1u << 0 };

struct read_row {
	const char *name;	/* last row: NULL */
	enum read_type type;
	enum conf_type scalar;
	unsigned flags;
	size_t offset, n_offset;
	enum template_place place;
	const char *min, *max, *def;	/* as conf_row has them */
	const char *const *choices;
	read_by *by;
	const char *help;
};
struct read_table {
	const char *what;	/* "a step", for sentences */
	const struct read_row *rows;
};

extern const struct read_table read_top_table, read_param_table, read_offer_table, read_hosts_table, read_rollout_table, read_escalate_table, read_bad_table;
extern const struct read_table read_step_table, read_ssh_table, read_registry_table, read_http_table, read_http_expect_table, read_silence_table, read_confirm_table,
    read_notify_table, read_action_table, read_exec_table, read_check_table;
extern const struct read_table read_promql_table, read_alert_table, read_served_table, read_slo_table, read_drift_table, read_http_condition_table, read_time_table, read_value_table,
    read_log_table;

enum { READ_CHAIN_MAX = 8 };

/* Variables that stand for something other than parameters: inside what actions: has. */
struct given {
	const struct pair *v;
	size_t n;
};

struct reader {
	struct runbook *rb;
	const struct conf *conf;
	const struct conf_environment *env;	/* or NULL */
	struct conf_problems *problems;
	bool is_broken;			/* a mistake was found, whether it was listed or not */
	const char *file;		/* being read; one of rb->files, or the config */
	bool has_hosts;			/* the runbook stands for hosts */
	bool is_per_host;		/* what is read now is done for one host */
	const struct given *given;
	unsigned depth;			/* of include: */
	const char *chain[READ_CHAIN_MAX];	/* files on the way here; the runbook first */
	struct digest *hash;		/* over all files */
};

void read_problem(struct reader *rd, const struct yaml_node *at, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
struct position read_position(const struct reader *rd, const struct yaml_node *node);
/* Fill item (zeroed, or with defaults) from a map. false: it is no map. */
bool read_map(struct reader *rd, const struct read_table *table, const struct yaml_node *map, void *item);
/* One row by itself. */
void read_one(struct reader *rd, const struct read_row *row, const struct yaml_node *node, void *item);
/* NULL, with a problem: it is no template for that place, or uses what is not known here. */
struct template *read_template(struct reader *rd, const char *name, const struct yaml_node *node, enum template_place place);
bool read_is_text(struct reader *rd, const char *name, const struct yaml_node *node);
char **read_texts(struct reader *rd, const char *name, const struct yaml_node *node);
int64_t read_duration(struct reader *rd, const char *name, const struct yaml_node *node);	/* 0 with a problem */
/* The one key of the map that is among names; NULL, with a problem that lists them: none, or several. */
const char *read_kind(struct reader *rd, const char *what, const struct yaml_node *map, const char *const *names, size_t n, size_t *ret_i);
const struct runbook_param *read_find_param(const struct runbook *rb, const char *name);
bool read_is_secret(const struct reader *rd, const char *name);
/* "'x' is ..; did you mean 'y'?" or without the question. */
void read_unknown(struct reader *rd, const struct yaml_node *at, const char *sentence, const char *word, const char *const *candidates, size_t n);

/* --- parts, a file each ------------------------------------------------------------------------------------------------------ */

read_by read_params, read_conditions, read_condition_expect;
struct condition *read_condition(struct reader *rd, const struct yaml_node *node, bool is_wait, bool is_when);
/* One condition, or a list; NULL-terminated, count in ret_n. */
struct condition **read_condition_list(struct reader *rd, const char *name, const struct yaml_node *node, bool is_wait, bool is_when, size_t *ret_n);
void condition_free(struct condition *c);
void conditions_free(struct condition **v, size_t n);

/* node: what stands under the kind's name. timeout_ns 0: the usual one. */
struct act *read_act(struct reader *rd, enum step_kind kind, const struct yaml_node *node);
/* It stands behind a url: begins with '/' or '?', or is empty. */
void read_check_path(struct reader *rd, const struct yaml_node *node, const struct template *path);
void templates_free(struct template **v);	/* NULL-terminated; NULL is fine */
bool step_kind_find(const char *name, enum step_kind *ret);
/* What actions: has under the name takes the place of the call; with a step (not NULL) its check and undo do, too. */
void read_provider(struct reader *rd, const struct yaml_node *call, struct act **a, struct runbook_step *s);
read_by read_step_check, read_step_undo;	/* row may be NULL */
void pairs_free(struct pair *v, size_t n);
void act_free_all(struct act *a);

read_by read_steps;
void steps_free(struct runbook_step *v, size_t n);
void params_free(struct runbook_param *v, size_t n);

/* What only the whole shows: names that the environment lacks, steps that cannot run, defaults that do not fit. */
void read_rules(struct reader *rd, const struct yaml_node *root);
void read_env_act(struct reader *rd, const struct yaml_node *at, const struct act *a);
void read_env_condition(struct reader *rd, const struct yaml_node *at, const struct condition *c);
/* How a query is written for this source; NULL: for the first store of lines. false: not known without an environment, or it is none. */
bool read_log_place(const struct reader *rd, const char *source, const char *query, enum template_place *ret);
bool read_group_exists(const struct conf_environment *env, const char *group);
void read_unknown_group(struct reader *rd, const struct yaml_node *at, const char *group);
void read_unknown_contact(struct reader *rd, const struct yaml_node *at, const char *role);
/* Values may not become programs: sh -c and kin. */
void read_check_words(struct reader *rd, const struct yaml_node *node, struct template *const *argv);

/* A file that belongs to the user or root, into b. Shipped ones are trusted where they lie. */
int runbook_file_read(const char *path, bool is_shipped, struct buf *b, struct err *err);
bool runbook_is_shipped(const char *path);

#endif
