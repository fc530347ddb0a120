/*
 * The transfers: curl's multi on the loop, and the life of a call.
 *
 *   http_start -> curl -> on_header, on_body ... -> finish -> ops->done
 *                            \-> redirect within the origin -> the same handle once more
 *
 * Handles go back to a stack when a call ends; connections live in the multi and outlast them.
 */
#include "config.h"

#include "source/http.h"

#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/xalloc.h"

enum { SPARE_MAX = 16, CONNECTIONS_MAX = 64 };

struct http {
	struct loop *loop;
	struct loop_timer *timer;
	CURLM *multi;
	TAILQ_HEAD(, http_call) calls;
	CURL *spare[SPARE_MAX];
	size_t n_spare;
	bool is_in_curl;		/* callbacks of curl run: it must not be called again */
};

/* --- curl on the loop ------------------------------------------------------------------------- */

static void settle(struct http *h);

static void
drive(struct http *h, curl_socket_t fd, int ready)
{
	int n_running;

	h->is_in_curl = true;
	curl_multi_socket_action(h->multi, fd, ready, &n_running);
	h->is_in_curl = false;
	settle(h);
}

static void
on_ready(int fd, unsigned ready, void *arg)
{
	int what = 0;

	if (ready & LOOP_READ)
		what |= CURL_CSELECT_IN;
	if (ready & LOOP_WRITE)
		what |= CURL_CSELECT_OUT;
	if (ready & LOOP_HANGUP)
		what |= CURL_CSELECT_ERR;
	drive(arg, fd, what);
}

static void
on_timeout(void *arg)
{
	drive(arg, CURL_SOCKET_TIMEOUT, 0);
}

static int
on_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *socket_arg)
{
	struct http *h = arg;
	struct loop_fd *f = socket_arg;
	unsigned events = 0;

	(void)easy;
	if (what == CURL_POLL_REMOVE) {
		loop_fd_free(f);
		curl_multi_assign(h->multi, fd, NULL);
		return 0;
	}
	if (what & CURL_POLL_IN)
		events |= LOOP_READ;
	if (what & CURL_POLL_OUT)
		events |= LOOP_WRITE;
	if (f != NULL)
		loop_fd_set(f, events);
	else
		curl_multi_assign(h->multi, fd, loop_fd_new(h->loop, fd, events, on_ready, h));
	return 0;
}

static int
on_timer_change(CURLM *multi, long ms, void *arg)
{
	struct http *h = arg;

	(void)multi;
	if (ms < 0)
		loop_timer_stop(h->timer);
	else
		loop_timer_in(h->timer, ms * NS_PER_MS);
	return 0;
}

/* --- what the server says --------------------------------------------------------------------- */

static bool
is_redirect(const struct http_call *c)
{
	switch (c->status) {
	case 301: case 302: case 303: case 307: case 308:
		return true;
	}
	return false;
}

static size_t
on_header(char *bytes, size_t size, size_t n, void *arg)
{
	struct http_call *c = arg;
	char limit[HTTP_SIZE_MAX];

	(void)bytes;
	c->header_bytes += size * n;
	if (c->header_bytes > HTTP_HEADERS_MAX) {
		err_set(&c->failure, ERR_LIMIT, "headers of the answer larger than %s",
		    http_size_text(limit, HTTP_HEADERS_MAX));
		return 0;
	}
	return size * n;
}

static void
begin_body(struct http_call *c)
{
	const char *type = NULL;
	struct curl_header *encoding;

	if (c->is_in_body)
		return;
	c->is_in_body = true;
	curl_easy_getinfo(c->easy, CURLINFO_RESPONSE_CODE, &c->status);
	if (is_redirect(c))
		return;
	curl_easy_getinfo(c->easy, CURLINFO_CONTENT_TYPE, &type);
	if (curl_easy_header(c->easy, "Content-Encoding", 0, CURLH_HEADER, -1, &encoding) != CURLHE_OK)
		encoding = NULL;
	c->ops->head(c->arg, c->status, type == NULL ? "" : type, encoding == NULL ? "" : encoding->value);
}

static void
pause_now(struct http_call *c)
{
	if (c->is_paused)
		return;
	c->is_paused = true;
	curl_easy_pause(c->easy, CURLPAUSE_RECV);
}

static size_t
on_body(char *bytes, size_t size, size_t n, void *arg)
{
	struct http_call *c = arg;
	size_t len = size * n;
	char limit[HTTP_SIZE_MAX];

	begin_body(c);
	if (len > c->bytes_max - c->bytes) {
		err_set(&c->failure, ERR_LIMIT, "answer larger than %s (body_max)",
		    http_size_text(limit, c->bytes_max));
		return 0;
	}
	c->bytes += len;
	if (!is_redirect(c))
		c->ops->body(c->arg, bytes, len);
	/* At once: curl reads up to a hundred buffers in a row, and unpacks each, before it returns. */
	if (c->is_pause_wanted)
		pause_now(c);
	/* Why something was refused stands at the beginning. */
	c->is_cut = (c->status < 200 || c->status > 299) && c->bytes > HTTP_REFUSAL_MAX;
	return c->is_cut ? 0 : len;
}

/* --- the end of a call ------------------------------------------------------------------------ */

static void
call_free(struct http_call *c)
{
	struct http *h = c->http;

	TAILQ_REMOVE(&h->calls, c, next);
	curl_multi_remove_handle(h->multi, c->easy);
	if (h->n_spare < SPARE_MAX) {
		curl_easy_reset(c->easy);
		/* One that is never used again is cleaned up too. */
		curl_easy_setopt(c->easy, CURLOPT_QUICK_EXIT, 1L);
		h->spare[h->n_spare++] = c->easy;
	} else {
		curl_easy_cleanup(c->easy);
	}
	http_headers_free(c->headers);
	loop_timer_free(c->start_failed);
	free(c);
}

/* The Date header was written between our sending and now; what is surely more than a second off is told. */
static int64_t
skew_of(const struct http_call *c)
{
	struct curl_header *date;
	int64_t server_ns;
	time_t t;

	if (curl_easy_header(c->easy, "Date", 0, CURLH_HEADER, -1, &date) != CURLHE_OK)
		return 0;
	t = curl_getdate(date->value, NULL);
	if (t <= 0)
		return 0;
	server_ns = t > CLOCK_FAR_NS / NS_PER_S ? CLOCK_FAR_NS : (int64_t)t * NS_PER_S;
	if (server_ns > clock_now() + NS_PER_S)
		return server_ns - clock_now();
	if (server_ns + NS_PER_S < c->sent_ns - NS_PER_S)	/* the header has whole seconds, cut */
		return server_ns + NS_PER_S - c->sent_ns;
	return 0;
}

static void
outcome_of(const struct http_call *c, struct http_outcome *o)
{
	curl_off_t retry_after = 0, took_us = 0;
	long request_bytes = 0;

	curl_easy_getinfo(c->easy, CURLINFO_TOTAL_TIME_T, &took_us);
	curl_easy_getinfo(c->easy, CURLINFO_RETRY_AFTER, &retry_after);
	curl_easy_getinfo(c->easy, CURLINFO_REQUEST_SIZE, &request_bytes);
	o->status = c->status;
	o->latency_ns = took_us * NS_PER_US;
	o->bytes = c->bytes;
	o->skew_ns = c->status == 0 ? 0 : skew_of(c);
	if (c->status == 429 || c->status == 503)
		o->retry_after_ns = retry_after > NS_PER_HOUR / NS_PER_S ? NS_PER_HOUR : retry_after * NS_PER_S;
	o->is_maybe_sent = request_bytes > 0 || c->status != 0;
}

static void
call_done(struct http_call *c, const struct err *err)
{
	const struct http_ops *ops = c->ops;
	struct http_outcome o = { .err = *err };
	void *arg = c->arg;

	outcome_of(c, &o);
	call_free(c);
	ops->done(arg, &o);
}

/* --- redirects -------------------------------------------------------------------------------- */

/* By hand and not by curl: whose origin it is must be known before anything is sent there. */
static int
check_redirect(const struct http_call *c, const char *to, struct err *err)
{
	char from_origin[HTTP_ORIGIN_MAX], to_origin[HTTP_ORIGIN_MAX];

	http_origin(to_origin, to);
	if (strcmp(http_origin(from_origin, c->site->url), to_origin) != 0)
		return err_set(err, ERR_REFUSED,
		    "redirected to another origin (%s), which is not followed: if that is right, name it in url",
		    *to_origin == '\0' ? "not a URL" : to_origin);
	if (c->n_redirects >= HTTP_REDIRECTS_MAX)
		return err_set(err, ERR_REFUSED,
		    "redirected more than %d times: check url (is a login in between?)", HTTP_REDIRECTS_MAX);
	if (c->is_once || (c->is_post && c->status < 307))
		return err_set(err, ERR_REFUSED,
		    "redirected (status %ld), which is not followed for this request: check url", c->status);
	return 0;
}

/* The same request to another place of the same origin. Takes over the call, or fails. */
static int
follow(struct http_call *c, struct err *err)
{
	int64_t left_ms = (c->deadline_ns - clock_mono_fresh()) / NS_PER_MS;
	char *to = NULL, *copy;
	int r;

	curl_easy_getinfo(c->easy, CURLINFO_REDIRECT_URL, &to);
	if (to == NULL)
		return err_set(err, ERR_SYNTAX, "redirected (status %ld) to nowhere: check url", c->status);
	r = check_redirect(c, to, err);
	if (r < 0)
		return r;
	copy = xstrdup(to);	/* it is freed with the transfer */
	curl_multi_remove_handle(c->http->multi, c->easy);
	curl_easy_setopt(c->easy, CURLOPT_URL, copy);
	curl_easy_setopt(c->easy, CURLOPT_TIMEOUT_MS, (long)(left_ms > 0 ? left_ms : 1));
	free(copy);
	c->n_redirects++;
	c->status = 0;
	c->header_bytes = c->bytes = 0;
	c->is_in_body = c->is_cut = false;
	curl_multi_add_handle(c->http->multi, c->easy);
	return 0;
}

/* --- what curl reports ------------------------------------------------------------------------ */

static void
call_ended(struct http_call *c, CURLcode code)
{
	struct err err = ERR_INIT;

	curl_easy_getinfo(c->easy, CURLINFO_RESPONSE_CODE, &c->status);
	if (c->failure.code != 0) {
		err = c->failure;
	} else if (code != CURLE_OK && !c->is_cut) {
		http_explain(c, code, &err);
	} else if (is_redirect(c)) {
		if (follow(c, &err) == 0)
			return;
	} else {
		begin_body(c);	/* an answer without a body */
	}
	call_done(c, &err);
}

static void
apply_pauses(struct http *h)
{
	struct http_call *c;

	TAILQ_FOREACH(c, &h->calls, next)
		if (c->is_pause_wanted)
			pause_now(c);
}

/* After curl has run, when it may be called again. */
static void
settle(struct http *h)
{
	struct http_call *c;
	CURLMsg *m;
	int n;

	/* Callbacks may start and cancel calls: so always the first of what is there now. */
	while ((m = curl_multi_info_read(h->multi, &n)) != NULL) {
		if (m->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)&c);
		call_ended(c, m->data.result);
	}
	apply_pauses(h);
}

/* --- calls ------------------------------------------------------------------------------------ */

/* Not from inside http_start(): nobody is told of a call before he holds it. */
static void
on_not_started(void *arg)
{
	struct http_call *c = arg;

	call_done(c, &c->failure);
}

static CURL *
take_easy(struct http *h)
{
	CURL *easy = h->n_spare > 0 ? h->spare[--h->n_spare] : curl_easy_init();

	if (easy == NULL) {
		fprintf(stderr, "opsconsole: out of memory (curl)\n");
		abort();
	}
	return easy;
}

struct http_call *
http_start(struct http *h, const struct http_site *site, const struct http_request *r,
    const struct http_ops *ops, void *arg)
{
	struct http_call *c = xcalloc(1, sizeof *c);

	assert(!h->is_in_curl);
	*c = (struct http_call){
		.http = h, .site = site, .ops = ops, .arg = arg, .is_once = r->is_once, .timeout_ns = r->timeout_ns,
	};
	c->easy = take_easy(h);
	c->is_post = strcmp(r->method, "GET") != 0;
	c->bytes_max = (size_t)site->conf->body_max;
	c->deadline_ns = clock_mono_fresh() + r->timeout_ns;
	c->sent_ns = clock_now();
	TAILQ_INSERT_TAIL(&h->calls, c, next);
	curl_easy_setopt(c->easy, CURLOPT_PRIVATE, c);
	curl_easy_setopt(c->easy, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(c->easy, CURLOPT_HEADERDATA, c);
	curl_easy_setopt(c->easy, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(c->easy, CURLOPT_WRITEDATA, c);
	if (http_setup(c, r, &c->failure) < 0) {
		c->start_failed = loop_timer_new(h->loop, on_not_started, c);
		loop_timer_in(c->start_failed, 0);
	} else {
		curl_multi_add_handle(h->multi, c->easy);
	}
	return c;
}

void
http_cancel(struct http_call *c)
{
	assert(!c->http->is_in_curl);
	call_free(c);
}

void
http_pause(struct http_call *c)
{
	c->is_pause_wanted = true;
	if (!c->http->is_in_curl)
		apply_pauses(c->http);
}

void
http_resume(struct http_call *c)
{
	struct http *h = c->http;

	c->is_pause_wanted = false;
	if (!c->is_paused)
		return;
	c->is_paused = false;
	h->is_in_curl = true;	/* it may hand over what it holds at once */
	curl_easy_pause(c->easy, CURLPAUSE_CONT);
	h->is_in_curl = false;
	apply_pauses(h);
}

/* --- life ------------------------------------------------------------------------------------- */

static void
init_curl(void)
{
	struct sigaction old;

	curl_global_init(CURL_GLOBAL_DEFAULT);
	/* A peer that goes away is an error of write() for us, not the end of the program. */
	if (sigaction(SIGPIPE, NULL, &old) == 0 && old.sa_handler == SIG_DFL)
		signal(SIGPIPE, SIG_IGN);
}

int
http_new(struct loop *l, struct http **ret, struct err *err)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct http *h;

	pthread_once(&once, init_curl);
	h = xcalloc(1, sizeof *h);
	h->loop = l;
	TAILQ_INIT(&h->calls);
	h->multi = curl_multi_init();
	if (h->multi == NULL) {
		free(h);
		return err_set(err, ERR_NOMEM, "libcurl could not be started");
	}
	h->timer = loop_timer_new(l, on_timeout, h);
	curl_multi_setopt(h->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
	curl_multi_setopt(h->multi, CURLMOPT_SOCKETDATA, h);
	curl_multi_setopt(h->multi, CURLMOPT_TIMERFUNCTION, on_timer_change);
	curl_multi_setopt(h->multi, CURLMOPT_TIMERDATA, h);
	curl_multi_setopt(h->multi, CURLMOPT_MAXCONNECTS, (long)CONNECTIONS_MAX);
	*ret = h;
	return 0;
}

void
http_free(struct http *h)
{
	if (h == NULL)
		return;
	while (!TAILQ_EMPTY(&h->calls))
		call_free(TAILQ_FIRST(&h->calls));
	while (h->n_spare > 0)
		curl_easy_cleanup(h->spare[--h->n_spare]);
	curl_multi_cleanup(h->multi);
	loop_timer_free(h->timer);
	free(h);
}
