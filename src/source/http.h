/*
 * HTTP on the loop: one request, its answer in pieces, one outcome.
 *
 * libcurl's multi interface behind socket and timer callbacks; one multi for all sites, so connections are kept
 * and shared. Nothing is sent anywhere the config does not name: http and https only, a proxy only from the
 * config, redirects only within the origin. Bodies are counted as they arrive, still packed where they are, and cut off at
 * their ceiling; unpack.h undoes the packing elsewhere.
 */
#ifndef OPS_SOURCE_HTTP_H
#define OPS_SOURCE_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "conf/conf.h"
#include "loop/loop.h"

struct http;
struct http_call;

enum { HTTP_HEADERS_MAX = 64 << 10, HTTP_REDIRECTS_MAX = 5, HTTP_REFUSAL_MAX = 1 << 20 };

/* Where a source is reached. */
struct http_site {
	const struct conf_source *conf;
	char *url;		/* without user, query, fragment and trailing slash */
	char *shown;		/* the same, escaped for people */
	char *scheme, *host, *port;
	char *place;		/* "127.0.0.1:9090", escaped */
	const char *product;	/* "Prometheus" */
	bool is_tls;
};
/* conf must outlive it. ERR_INVALID: not an http(s) URL. */
int http_site_init(struct http_site *site, const struct conf_source *conf, const char *url, struct err *err);
void http_site_done(struct http_site *site);

struct http_header {
	const char *name, *value;
};
struct http_request {		/* lent for the call */
	const char *method, *path;
	const char *content_type, *body;	/* NULL: none */
	size_t body_len;
	const char *password;	/* with conf->user; NULL: none */
	const char *bearer;	/* NULL: none */
	const char *api_key;	/* of an Elasticsearch; NULL: none */
	const struct http_header *headers;
	size_t n_headers;
	int64_t timeout_ns;	/* for all of it, redirects included */
	/* Send it on a connection of its own (an old one may be closed by the other side just then, and curl
	 * would send again), and follow no redirect. */
	bool is_once;
};

struct http_outcome {
	struct err err;		/* code 0: a whole answer, whatever its status */
	long status;		/* 0: no answer */
	int64_t latency_ns;
	size_t bytes;		/* of the body, as they came */
	int64_t skew_ns;
	int64_t retry_after_ns;
	bool is_maybe_sent;	/* some byte of the request left this host */
};

struct http_ops {
	/* The answer's status line and headers are in; once, before its body. Not for redirects that are
	 * followed. content_type, encoding: "" when none. */
	void (*head)(void *arg, long status, const char *content_type, const char *encoding);
	/* Bytes of the body, as packed as encoding says. From inside curl: may call http_pause(), nothing else of this file. */
	void (*body)(void *arg, const char *bytes, size_t len);
	/* The call is over and gone. */
	void (*done)(void *arg, const struct http_outcome *outcome);
};

int http_new(struct loop *l, struct http **ret, struct err *err);
void http_free(struct http *h);		/* after its calls; does not wait for name lookups under way */
/* site must outlive the call. No callback runs before this returns. */
struct http_call *http_start(struct http *h, const struct http_site *site, const struct http_request *request,
    const struct http_ops *ops, void *arg);
void http_cancel(struct http_call *c);
/* No more body until resumed; what curl holds already still comes. The timeout goes on. */
void http_pause(struct http_call *c);
void http_resume(struct http_call *c);

/* --- between http.c, http_setup.c and http_error.c -------------------------------------------- */

#include <curl/curl.h>
#include <sys/queue.h>

struct http_call {
	TAILQ_ENTRY(http_call) next;
	struct http *http;
	const struct http_site *site;
	const struct http_ops *ops;
	void *arg;
	CURL *easy;
	struct curl_slist *headers;	/* holds credentials: wiped when freed */
	bool is_post, is_once;
	int64_t timeout_ns, deadline_ns;	/* monotonic */
	int64_t sent_ns;		/* wall */
	unsigned n_redirects;
	long status;
	size_t header_bytes, bytes, bytes_max;
	bool is_in_body;		/* head() was told */
	bool is_pause_wanted, is_paused;
	bool is_cut;			/* enough of an error's text was read */
	struct err failure;		/* why we ended it ourselves */
	struct loop_timer *start_failed;	/* it could not even be sent: told in the next turn */
	char errbuf[CURL_ERROR_SIZE];
};

/* Everything about a request that does not change with a redirect. ERR_UNSUPPORTED where this libcurl cannot. */
int http_setup(struct http_call *c, const struct http_request *request, struct err *err);
void http_headers_free(struct curl_slist *headers);
/* A sentence for a transfer that failed. */
int http_explain(const struct http_call *c, CURLcode code, struct err *err);
/* "http://host:port" of any URL, escaped; dst of HTTP_ORIGIN_MAX. "" when it is none. */
enum { HTTP_ORIGIN_MAX = 256 };
const char *http_origin(char *dst, const char *url);
/* "64 MiB"; dst of HTTP_SIZE_MAX. */
enum { HTTP_SIZE_MAX = 32 };
const char *http_size_text(char *dst, size_t bytes);

#endif
