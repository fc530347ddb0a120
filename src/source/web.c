#include "config.h"

#include "source/web.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/xalloc.h"
#include "source/credentials.h"
#include "source/http.h"
#include "source/web_decode.h"

/* An answer is paused when so much of it waits to be decoded, and goes on at half of that. */
enum { WAITING_MAX = 256 << 10, WRITE_ANSWER_MAX = 1 << 20 };

/* All URLs of a source share its credentials. */
struct secrets {
	LIST_ENTRY(secrets) next;
	const struct conf_source *conf;
	struct credentials *credentials;
	unsigned n_users;
};

struct web_endpoint {
	struct endpoint pub;
	struct http_site site;
	struct secrets *secrets;
};

struct web {
	struct transport pub;
	struct loop *loop;
	struct pool *pool;
	struct http *http;
	LIST_HEAD(, secrets) secrets;
	TAILQ_HEAD(, fetch) fetches;	/* oldest first */
	size_t in_flight, in_flight_max;
};

struct fetch {
	TAILQ_ENTRY(fetch) next;
	struct web *web;
	struct web_endpoint *endpoint;
	fetch_done_cb *done;
	void *arg;
	/* The request, kept for a second try. */
	const char *method;
	char *path, *content_type, *body;
	size_t body_len;
	struct request headers;		/* only its headers */
	struct http_header *all_headers;	/* the source's and these, lent to http.c */
	int64_t timeout_ns;

	struct credentials_waiter waiter;
	bool is_waiting;		/* for credentials */
	unsigned generation;		/* of those that were sent */
	int64_t sent_ns;		/* monotonic */
	bool is_second_try, is_unready;
	struct http_call *call;		/* NULL: not under way */
	bool is_denied;			/* a 401 that a second try may cure: its body is of no use */
	bool is_paused, was_crowded;	/* was paused for the others */
	size_t bytes;			/* counted in in_flight */
	struct http_outcome outcome;	/* once the call is over */

	struct decoding *decoding;	/* NULL: a write */
	struct buf collected;		/* answer of a write */
	char *answer_type;
};

static void send_request(struct fetch *f);

/* --- pauses ----------------------------------------------------------------------------------- */

static bool
is_to_pause(struct fetch *f)
{
	const struct web *w = f->web;
	size_t limit = f->is_paused ? WAITING_MAX / 2 : WAITING_MAX;
	bool is_crowded_out = w->in_flight > w->in_flight_max && f != TAILQ_FIRST(&w->fetches);

	f->was_crowded |= is_crowded_out;
	return is_crowded_out || (f->decoding != NULL && decoding_waiting(f->decoding) > limit);
}

/* Something has gone, or has been decoded: who may go on? */
static void
review_pauses(struct web *w)
{
	struct fetch *f;

	TAILQ_FOREACH(f, &w->fetches, next) {
		if (!f->is_paused || f->call == NULL || is_to_pause(f))
			continue;
		f->is_paused = false;
		http_resume(f->call);
	}
}

/* --- the end of a fetch ----------------------------------------------------------------------- */

static void
fetch_free(struct fetch *f)
{
	struct web *w = f->web;

	TAILQ_REMOVE(&w->fetches, f, next);
	w->in_flight -= f->bytes;
	if (f->is_waiting)
		credentials_unwait(&f->waiter);
	if (f->call != NULL)
		http_cancel(f->call);
	decoding_free(f->decoding);
	buf_done(&f->collected);
	free(f->answer_type);
	free(f->path);
	free(f->content_type);
	free(f->all_headers);
	request_done(&f->headers);
	if (f->body != NULL)
		explicit_bzero(f->body, f->body_len);
	free(f->body);
	free(f);
	review_pauses(w);
}

/* events may be NULL. f is gone afterwards. */
static void
fetch_done(struct fetch *f, const struct err *err, struct event_list *events)
{
	struct fetch_result result = {
		.err = *err,
		.is_unready = f->is_unready,
		.status = f->outcome.status,
		.latency_ns = f->outcome.latency_ns,
		.bytes = f->outcome.bytes,
		.skew_ns = f->outcome.skew_ns,
		.retry_after_ns = f->outcome.retry_after_ns,
		.is_maybe_sent = f->outcome.is_maybe_sent,
	};
	fetch_done_cb *done = f->done;
	char *type = f->answer_type;
	struct buf body = f->collected;
	void *arg = f->arg;

	if (events != NULL) {
		result.events = *events;
		*events = (struct event_list){ 0 };
	}
	result.content_type = type == NULL ? "" : type;
	result.body = body.data;
	result.len = body.len;
	f->answer_type = NULL;
	f->collected = (struct buf){ 0 };
	fetch_free(f);
	done(&result, arg);
	event_list_done(&result.events);
	buf_done(&body);
	free(type);
}

/* --- decoding --------------------------------------------------------------------------------- */

static void
on_decoding_progress(void *arg)
{
	review_pauses(((struct fetch *)arg)->web);
}

static void
on_decoded(void *arg, const struct err *err, struct event_list *events)
{
	struct fetch *f = arg;

	f->outcome.bytes = decoding_bytes(f->decoding);
	/* Not to its end: more bytes would not make it better. */
	if (f->call != NULL) {
		f->outcome.latency_ns = clock_mono() - f->sent_ns;
	}
	fetch_done(f, err, events);
}

static const struct decoding_ops decoding_ops = { .progress = on_decoding_progress, .done = on_decoded };

/* --- what http says --------------------------------------------------------------------------- */

static void
on_head(void *arg, long status, const char *content_type, const char *encoding)
{
	struct fetch *f = arg;

	f->outcome.status = status;
	f->is_denied = status == 401 && !f->is_second_try && f->decoding != NULL &&
	    credentials_can_change(f->endpoint->secrets->credentials);
	if (f->is_denied)
		return;
	if (f->decoding != NULL)
		decoding_start(f->decoding, status, content_type, encoding, (size_t)f->endpoint->site.conf->body_max, f->is_second_try);
	else
		f->answer_type = xstrdup(content_type);
}

static void
on_body(void *arg, const char *bytes, size_t len)
{
	struct fetch *f = arg;
	struct web *w = f->web;
	size_t room = WRITE_ANSWER_MAX - f->collected.len;

	if (f->is_denied)
		return;
	f->bytes += len;
	w->in_flight += len;
	if (f->decoding != NULL)
		decoding_push(f->decoding, bytes, len);
	else
		buf_add(&f->collected, bytes, len < room ? len : room);
	/* Only itself: the others cannot be told from inside curl, and meet this line with their own next bytes. */
	if (is_to_pause(f) && !f->is_paused) {
		f->is_paused = true;
		http_pause(f->call);
	}
}

static void
on_http_done(void *arg, const struct http_outcome *o)
{
	struct fetch *f = arg;
	struct err err = o->err;

	f->call = NULL;
	f->is_paused = false;
	f->outcome = *o;
	if (o->status == 401)
		credentials_refused(f->endpoint->secrets->credentials, f->generation);
	if (err.code == ERR_TIMEOUT && f->was_crowded)
		err_set(&err, ERR_LIMIT,
		    "answer held back: all answers under way together are larger than in_flight_max allows");
	if (err.code != 0) {
		fetch_done(f, &err, NULL);
	} else if (f->is_denied) {
		/* Tokens are exchanged while we run: read them again, and try once more. */
		f->is_second_try = true;
		f->is_denied = false;
		send_request(f);
	} else if (f->decoding != NULL) {
		decoding_finish(f->decoding);
	} else {
		fetch_done(f, &err, NULL);
	}
}

static const struct http_ops http_ops = { .head = on_head, .body = on_body, .done = on_http_done };

/* --- sending ---------------------------------------------------------------------------------- */

static void
on_credentials(const struct err *err, void *arg)
{
	struct fetch *f = arg;

	f->is_waiting = false;
	f->is_unready = err->code != 0;
	if (f->is_unready)
		fetch_done(f, err, NULL);
	else
		send_request(f);
}

static void
add_headers(struct fetch *f, struct http_request *r)
{
	size_t n = f->headers.n_headers;

	if (n == 0)
		return;
	f->all_headers = xreallocarray(f->all_headers, r->n_headers + n, sizeof *f->all_headers);
	for (size_t i = 0; i < r->n_headers; i++)
		f->all_headers[i] = r->headers[i];
	for (size_t i = 0; i < n; i++)
		f->all_headers[r->n_headers + i] =
		    (struct http_header){ f->headers.headers[i].name, f->headers.headers[i].value };
	r->headers = f->all_headers;
	r->n_headers += n;
}

static void
send_request(struct fetch *f)
{
	struct credentials *c = f->endpoint->secrets->credentials;
	struct http_request r = {
		.method = f->method,
		.path = f->path,
		.content_type = f->content_type,
		.body = f->body,
		.body_len = f->body_len,
		.timeout_ns = f->timeout_ns,
		.is_once = f->decoding == NULL,
	};

	if (!credentials_ready(c, &f->waiter)) {
		f->is_waiting = true;
		return;
	}
	f->generation = credentials_generation(c);
	credentials_apply(c, &r);
	add_headers(f, &r);
	f->sent_ns = clock_mono();
	f->call = http_start(f->web->http, &f->endpoint->site, &r, &http_ops, f);
}

static struct fetch *
web_fetch(struct transport *t, struct endpoint *e, const struct fetch_spec *spec, fetch_done_cb *done, void *arg)
{
	struct web *w = (struct web *)t;
	struct fetch *f = xcalloc(1, sizeof *f);
	struct decode_ctx ctx = spec->ctx;

	*f = (struct fetch){
		.web = w, .endpoint = (struct web_endpoint *)e, .done = done, .arg = arg, .method = spec->request->method,
	};
	f->waiter = (struct credentials_waiter){ .cb = on_credentials, .arg = f };
	f->path = xstrdup(spec->request->path);
	f->content_type = xstrdup_or_null(spec->request->content_type);
	f->timeout_ns = spec->request->timeout_ns > 0 ? spec->request->timeout_ns : f->endpoint->site.conf->timeout_ns;
	request_init(&f->headers, f->method);
	for (size_t i = 0; i < spec->request->n_headers; i++)
		request_add_header(
		    &f->headers, spec->request->headers[i].name, spec->request->headers[i].value, NULL);
	f->body_len = spec->request->body.len;
	if (f->body_len > 0)
		f->body = memcpy(xmalloc(f->body_len), spec->request->body.data, f->body_len);
	buf_init(&f->collected, WRITE_ANSWER_MAX);
	if (spec->decoder != NULL) {
		ctx.requested_ns = clock_now();
		ctx.series_max = (size_t)f->endpoint->site.conf->series_max;
		f->decoding = decoding_new(w->pool, spec->decoder, &ctx, &decoding_ops, f);
	}
	TAILQ_INSERT_TAIL(&w->fetches, f, next);
	send_request(f);
	return f;
}

static void
web_cancel(struct transport *t, struct fetch *f)
{
	(void)t;
	fetch_free(f);
}

/* --- endpoints -------------------------------------------------------------------------------- */

static struct secrets *
secrets_use(struct web *w, const struct conf_source *conf)
{
	struct secrets *s;

	LIST_FOREACH(s, &w->secrets, next)
		if (s->conf == conf)
			break;
	if (s == NULL) {
		s = xcalloc(1, sizeof *s);
		s->conf = conf;
		s->credentials = credentials_new(w->loop, conf);
		LIST_INSERT_HEAD(&w->secrets, s, next);
	}
	s->n_users++;
	return s;
}

static void
secrets_leave(struct secrets *s)
{
	if (--s->n_users > 0)
		return;
	LIST_REMOVE(s, next);
	credentials_free(s->credentials);
	free(s);
}

static int
web_endpoint_new(struct transport *t, const struct conf_source *conf, const char *url, struct endpoint **ret,
    struct err *err)
{
	struct web_endpoint *e = xcalloc(1, sizeof *e);
	int r = http_site_init(&e->site, conf, url, err);

	if (r < 0) {
		free(e);
		return r;
	}
	e->pub.shown = e->site.shown;
	e->secrets = secrets_use((struct web *)t, conf);
	*ret = &e->pub;
	return 0;
}

static void
web_endpoint_free(struct transport *t, struct endpoint *pub)
{
	struct web_endpoint *e = (struct web_endpoint *)pub;

	(void)t;
	if (e == NULL)
		return;
	secrets_leave(e->secrets);
	http_site_done(&e->site);
	free(e);
}

/* --- life ------------------------------------------------------------------------------------- */

static void
web_free(struct transport *t)
{
	struct web *w = (struct web *)t;

	http_free(w->http);
	free(w);
}

static const struct transport_ops web_ops = {
	.endpoint_new = web_endpoint_new,
	.endpoint_free = web_endpoint_free,
	.fetch = web_fetch,
	.cancel = web_cancel,
	.free = web_free,
};

int
web_new(struct loop *l, struct pool *p, int64_t in_flight_max, struct transport **ret, struct err *err)
{
	struct web *w = xcalloc(1, sizeof *w);
	int r;

	*w = (struct web){ .pub.ops = &web_ops, .loop = l, .pool = p };
	w->in_flight_max = in_flight_max > 0 ? (size_t)in_flight_max : SIZE_MAX;
	LIST_INIT(&w->secrets);
	TAILQ_INIT(&w->fetches);
	r = http_new(l, &w->http, err);
	if (r < 0) {
		free(w);
		return r;
	}
	*ret = &w->pub;
	return 0;
}

/* Here and not in sources.c, so that the schedule links without a network. */
int
sources_new(struct loop *l, struct pool *p, const struct conf_environment *env, int64_t in_flight_max,
    sources_event_cb *cb, void *arg, struct sources **ret, struct err *err)
{
	struct transport *t;
	int r = web_new(l, p, in_flight_max, &t, err);

	return r < 0 ? r : sources_new_on(l, p, t, env, cb, arg, ret, err);
}
