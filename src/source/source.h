/*
 * Sources: which requests are due and what their answers mean.
 *
 * A type of source is a row of struct source_ops: a table of polls, how a query becomes a request, how a write becomes one. Schedule, auth, TLS, retry with
 * backoff and jitter, replicas, ceilings and health are common code (sources.c, http.c).
 */
#ifndef OPS_SOURCE_SOURCE_H
#define OPS_SOURCE_SOURCE_H

#include "base/buf.h"
#include "conf/conf.h"
#include "loop/loop.h"
#include "loop/pool.h"
#include "model/event.h"
#include "source/decode.h"

/* A request that a type sends by itself, every `every` intervals of the source. */
struct poll {
	const char *what;	/* "alerts": name in health and events */
	const char *path;	/* behind the source's url: "/api/v1/alerts" */
	unsigned every;		/* 1: each interval; 12: each twelfth */
	const struct decoder_ops *decoder;
};

/* A query somebody wants answered: named, ad hoc, marker, objective. Instants have step_ns 0 and are asked at at_ns, or "now" when that is 0. */
struct query_want {
	const char *id;		/* "query:false-positives" */
	const char *source;	/* name of the source */
	const char *expr;
	int64_t start_ns, end_ns, step_ns;
	int64_t at_ns;
	int64_t every_ns;	/* again after this long; 0: once */
	bool is_live;		/* range: end follows now (aligned down to step), keeping its length */
};

/* A request as bytes: what http.c sends. All strings owned; request_done() frees. */
struct request {
	const char *method;	/* static: GET, HEAD, POST, PUT, PATCH, DELETE */
	char *path;		/* with query string, percent-encoded */
	char *content_type;	/* NULL: none */
	struct buf body;	/* POST, PUT, PATCH, DELETE */
	/* Of this request, beside those of the source; wiped when freed: values may be secret. Of one that the source has too, both are sent. */
	struct request_header {
		char *name, *value;
	} *headers;
	size_t n_headers;
	int64_t timeout_ns;	/* 0: the source's */
};
void request_init(struct request *r, const char *method);
void request_done(struct request *r);
/* Both copied. ERR_INVALID: the name is no token, the value has CR or LF. */
int request_add_header(struct request *r, const char *name, const char *value, struct err *err);
/* Append value with all but RFC 3986's unreserved characters as %HH; and "name=value" behind a "&" where b is not empty. 0 or ERR_LIMIT. */
int request_escape(struct buf *b, const char *value);
int request_add_form(struct buf *b, const char *name, const char *value);

/* A draft of a silence: what the form edits. */
struct silence_draft {
	const char *id;		/* NULL: new; else edit */
	size_t n_matchers;
	const struct matcher *matchers;
	int64_t starts_ns, ends_ns;
	const char *created_by, *comment;
};

struct chain_ops;		/* source/chain.h */

struct source_ops {
	const char *type;
	const struct poll *polls;	/* ends with what == NULL; NULL: none */
	const struct chain_ops *chain;	/* a poll of several requests, each interval; NULL: none */
	/* NULL where the type answers no queries. Pure. */
	int (*query)(const struct query_want *want, int64_t start_ns, int64_t end_ns, struct request *ret, struct err *err);
	const struct decoder_ops *query_decoder;
};
extern const struct source_ops source_prometheus, source_alertmanager, source_mlflow, source_http_json, source_http;
const struct source_ops *source_ops_find(const char *type);	/* NULL: unknown type */

/* Alertmanager's writes: pure, bytes in both directions. */
int alertmanager_silence_request(const struct silence_draft *draft, struct request *ret, struct err *err);
int alertmanager_expire_request(const char *id, struct request *ret, struct err *err);
/* Answer of POST /api/v2/silences -> id (malloc()ed). Also reads the error shapes (see the fixtures). */
int alertmanager_silence_answer(const struct answer *answer, const char *body, size_t len, char **ret_id, struct err *err);
int alertmanager_expire_answer(const struct answer *answer, const char *body, size_t len, struct err *err);

/* --- all sources of an environment ------------------------------------------------------------------------------------ */

struct sources;
typedef void sources_event_cb(const struct event *ev, void *arg);	/* in the loop's thread; borrow ev */

/* conf must outlive it. Nothing is sent before sources_start(). in_flight_max: bytes over all answers under way. */
int sources_new(struct loop *l, struct pool *p, const struct conf_environment *env, int64_t in_flight_max,
    sources_event_cb *cb, void *arg, struct sources **ret, struct err *err);
void sources_start(struct sources *s);
/* Cancels what is under way without waiting for it. */
void sources_free(struct sources *s);
/* The queries wanted from now on, whole list; wants with the same id and unchanged expr/range keep their schedule, new ones are due at once. Copied. */
void sources_want(struct sources *s, const struct query_want *v, size_t n);
/* Ask everything again now (key `r`): backoff is forgotten. */
void sources_refresh(struct sources *s);
/* true when every poll of every source, and every query that is wanted again and again, has been answered or has failed at least once. */
bool sources_all_tried(const struct sources *s);

/* One write to a source, outside the schedule. Never retried by itself. The answer (status, body up to 1 MiB, or err->code != 0 when no answer came:
 * outcome unknown if any byte was sent, see is_maybe_sent) reaches cb once. */
struct write_result {
	struct answer answer;
	const char *body;
	size_t len;
	struct err err;
	bool is_maybe_sent;
};
typedef void sources_write_cb(const struct write_result *result, void *arg);
int sources_write(struct sources *s, const char *source, const struct request *r, sources_write_cb *cb, void *arg, struct err *err);

/* The models of the environment: registries ask for those that name them with more care, and date their training data. Lent until the next call, or the end. */
void sources_models(struct sources *s, const struct model_def *v, size_t n);

/* A model whose hosts are asked over HTTP what they serve. */
struct serving_host {
	const char *name, *address;	/* address: for {host}; NULL: the name */
};
struct serving_want {
	const char *model;	/* id of the model_def */
	const char *source;	/* name for events and health, of its own: "serving:spam-filter" */
	const char *url;	/* with {host}, anywhere in it */
	const char *path;	/* into the JSON (base/jpath.h); "" the whole body is the version */
	int64_t every_ns;
	int64_t timeout_ns;	/* of one host */
	size_t n_hosts;
	const struct serving_host *hosts;
};
/* The whole list, copied. One that has not changed keeps its schedule, others are asked at once. Each round ends in one EVENT_SERVING of its source, and a
 * report "serving". */
void sources_serving(struct sources *s, const struct serving_want *v, size_t n);
/* Have one poll of a source asked now, e.g. "silences" to read back a write. */
void sources_poll_now(struct sources *s, const char *source, const char *what);

#endif
