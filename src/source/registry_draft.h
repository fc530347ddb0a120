/*
 * A registry as it is being read: models and versions in the order and the pieces in which answers bring them,
 * and then one registry_set of it.
 *
 * Texts of a draft may be anything that lives until registry_finish(): its own arena, the set of the round
 * before. The set has copies.
 */
#ifndef OPS_SOURCE_REGISTRY_DRAFT_H
#define OPS_SOURCE_REGISTRY_DRAFT_H

#include "base/arena.h"
#include "model/registry.h"
#include "source/json_walk.h"

/* Versions kept of a model: the newest, and beyond them those an alias points to and the newest of each stage.
 */
enum {
	REGISTRY_MODELS_MAX = 1000,
	REGISTRY_VERSIONS_MAX = 200,
	REGISTRY_ALIASES_MAX = 1000,
	REGISTRY_NOTES_MAX = 20
};
/* Texts that become part of a request, in bytes. */
enum { REGISTRY_NAME_MAX = 4096, REGISTRY_TOKEN_MAX = 4096, REGISTRY_ID_MAX = 512 };

struct draft_model {
	struct reg_model m;		/* its lists are set at the end */
	size_t n_versions, versions_cap;
	struct reg_version *versions;
	size_t n_aliases, aliases_cap, n_aliases_dropped;
	struct reg_alias *aliases;
	/* So many more are older than all that were read, as far as is known; at most, where versions were
	 * deleted. */
	size_t n_older;
};
struct draft_named {		/* a model of the config */
	const char *name, *data_key;	/* data_key: see struct model_def; NULL none */
};
struct draft {
	struct arena mem;
	size_t n, cap;
	struct draft_model *v;
	json_t *index;			/* name -> position; null: left out */
	size_t n_named;
	struct draft_named *named;
	size_t n_left_out;		/* models beyond the limit */
	size_t n_notes;
	const char *notes[REGISTRY_NOTES_MAX];
};

/* models: of the environment; those of this source are remembered. */
void draft_init(struct draft *d, const char *source, const struct model_def *models, size_t n_models);
void draft_done(struct draft *d);
/* It holds as much as one round may bring. */
bool draft_is_full(const struct draft *d);
const struct draft_named *draft_named(
    const struct draft *d, const char *name); /* NULL: the config does not name it */
/* Position of a model; SIZE_MAX: it is not there. */
size_t draft_find(const struct draft *d, const char *name);
/* Finds or adds it; SIZE_MAX: that would be one too many, or its name is too long, and it is counted. Models that
 * the config names are never too many. */
size_t draft_model(struct draft *d, const char *name);
/* A new one at the end, empty; valid until the next. */
struct reg_version *draft_version(struct draft_model *m, const char *version);
void draft_alias(struct draft_model *m, const char *alias, const char *version);
/* Each once; more than fit are dropped. */
void draft_note(struct draft *d, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* RFC 3339, the same without seconds, without a zone (UTC) or with one without a colon, a date (20260801 as well),
 * or seconds, milliseconds, microseconds or nanoseconds since the epoch by their size. 0: it is none. */
int64_t registry_time(const char *text);
/* MLflow's store cannot hold infinities and sends the largest double in their place; NaN comes as a text.
 * false: not a number. */
bool registry_double(const char *text, double *ret);
/* v[0..n) by name, each name once (the last counts); sorts v. */
struct labels registry_labels(struct label *v, size_t n);
/* by_time: versions are in no order that their names tell, the time they were made does. */
struct registry_set *registry_finish(struct draft *d, bool by_time);

/* --- requests to come ------------------------------------------------------------------------- */

struct job {
	unsigned kind;
	unsigned number;	/* of a page */
	size_t model;		/* in the draft */
	size_t n_before;	/* items on the pages before */
	const char *text;	/* token, version, run */
};
struct jobs {			/* tags of requests are positions in it */
	size_t n, cap, n_asked;
	size_t n_back, n_good;	/* answered or failed; those beside the list that the server had an answer to */
	struct job *v;
};
void jobs_add(struct jobs *j, const struct job *job);
void jobs_done(struct jobs *j);
/* One has come back. is_good: it stands beside the list, and the server had an answer to it. */
void jobs_back(struct jobs *j, bool is_good);
/* All are back, and of those beside the list none was good: the server is in trouble, not one model. */
bool jobs_all_failed(const struct jobs *j);

/* The server, or the way to it, is in trouble, whatever is asked of it. */
bool registry_is_away(long status);
/* It failed inside, which may be the fault of the one thing that was asked for. */
bool registry_is_broken(long status);

/* --- refusals --------------------------------------------------------------------------------- */

/* What a JSON or plain-text body of an error says, as one line; "" for HTML. dst of SENTENCE_MAX. Returns dst.
 */
const char *registry_detail(char *dst, const char *body, size_t len);

#endif
