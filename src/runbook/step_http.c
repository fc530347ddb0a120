/*
 * http: one request to an endpoint.
 *
 * What came of it is certain when an answer came, but for the two in which a gateway says that it lost the real one (502, 504). A request that may have left
 * without an answer is OUTCOME_UNKNOWN. Undo by `restore` is for PUT: what a GET of the same path gave before is put back, if what a GET gives now still has
 * all that we had put there (servers add members of their own, such as a time of change).
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/xalloc.h"
#include "runbook/step_priv.h"
#include "source/decode_json.h"

enum http_stage { HTTP_LOOK, HTTP_SEND };
struct http_state {
	enum http_stage stage;
	struct call *call;
	char *before;		/* body of the GET */
};

static int
http_bind(const struct run_world *w, struct bound *b, const struct bindings *bs, struct err *err)
{
	const struct act *act = b->act;
	int r = bind_text(act->path, bs, &b->path, "the path", err);

	(void)w;
	b->source = xstrdup_or_null(act->endpoint);
	if (r == 0)
		r = bind_pairs(act->headers, act->n_headers, bs, &b->headers, "header", err);
	if (r < 0)
		return r;
	b->n_headers = act->n_headers;
	r = bind_body(act, bs, &b->body, err);
	if (r == 0)
		r = bind_text(act->expect_value, bs, &b->expect, "the expected value", err);
	return r;
}

static const char *
method_of(const struct bound *b)
{
	return b->act->method != NULL ? b->act->method : "GET";
}

static bool
is_get(const struct bound *b)
{
	return strcmp(method_of(b), "GET") == 0 || strcmp(method_of(b), "HEAD") == 0;
}

static const char *
path_of(const struct bound *b)
{
	return b->path.real != NULL ? b->path.real : "";
}

/* PUT http://flags/api/flags/x {"on":false}: the endpoint's name stands for its url, which the config has. */
static void
http_text(const struct bound *b, struct buf *to)
{
	const char *path = b->path.shown != NULL ? b->path.shown : "";

	buf_printf(to, "%s http://%s%s", method_of(b), b->source != NULL ? b->source : "?", *path == '/' || *path == '\0' ? "" : "/");
	str_escape(to, path, strlen(path));
	for (size_t i = 0; i < b->n_headers; i++) {
		buf_printf(to, " [%s: ", b->headers[i].name);
		str_escape(to, b->headers[i].value.shown, strlen(b->headers[i].value.shown));
		buf_addch(to, ']');
	}
	if (b->body.shown != NULL) {
		buf_addch(to, ' ');
		str_escape(to, b->body.shown, strlen(b->body.shown));
	}
}

static int
http_check(const struct run_world *w, const struct bound *b, struct err *err)
{
	char shown[64];

	if (env_source(w->env, b->source) == NULL)
		return err_set(err, ERR_NOTFOUND, "there is no endpoint '%s' in this environment",
		    str_escape_to(shown, sizeof shown, b->source != NULL ? b->source : ""));
	return 0;
}

/* --- sending ---------------------------------------------------------------------------------- */

static void on_answer(const struct write_result *result, void *arg);

/* struct request keeps a static text. */
static const char *
static_method(const char *method)
{
	static const char *const methods[] = { "GET", "HEAD", "PUT", "POST", "PATCH", "DELETE" };

	for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
		if (strcmp(methods[i], method) == 0)
			return methods[i];
	return NULL;
}

static int
fill_request(const struct running *r, struct request *q, const char *body, struct err *err)
{
	const struct bound *b = r->b;
	const char *path = path_of(b);
	int e = 0;

	q->path = xasprintf("%s%s", *path == '/' || *path == '\0' ? "" : "/", path);
	q->timeout_ns = b->act->timeout_ns;
	for (size_t i = 0; i < b->n_headers && e == 0; i++)
		e = request_add_header(q, b->headers[i].name, b->headers[i].value.real, err);
	if (e < 0 || body == NULL)
		return e;
	q->content_type = xstrdup(b->act->content_type != NULL ? b->act->content_type : b->act->body_text != NULL ? "text/plain" : "application/json");
	return buf_addstr(&q->body, body) < 0 ? err_set(err, ERR_LIMIT, "the body is too long to send") : 0;
}

static int
send_as(struct running *r, enum http_stage stage, const char *method, const char *body, struct err *err)
{
	struct http_state *s = r->state;
	struct request q;
	int e;

	request_init(&q, static_method(method));
	if (q.method == NULL)
		e = err_set(err, ERR_UNSUPPORTED, "method %s is not one of GET, HEAD, PUT, POST, PATCH, DELETE", method);
	else
		e = fill_request(r, &q, body, err);
	s->stage = stage;
	if (e == 0)
		e = call_begin(r->w, r->b->source, &q, on_answer, r, &s->call, err);
	explicit_bzero(q.body.data, q.body.len);
	request_done(&q);
	return e;
}

/* --- comparing -------------------------------------------------------------------------------- */

static bool
is_within(const char *want, const char *have)
{
	json_t *a = json_loads(want, JSON_DECODE_ANY, NULL), *b = json_loads(have, JSON_DECODE_ANY, NULL);
	bool is = a != NULL && b != NULL ? json_within(a, b) : strcmp(want, have) == 0;

	json_decref(a);
	json_decref(b);
	return is;
}

static bool
is_same(const char *a, const char *b)
{
	return is_within(a, b) && is_within(b, a);
}

static bool
is_success(const struct write_result *result)
{
	return result->answer.status >= 200 && result->answer.status <= 299;
}

/* --- what was there --------------------------------------------------------------------------- */

/* PUT and PATCH leave what they sent; of a POST nothing need be there to see, and an empty body stands in everything. */
static bool
leaves_its_body(const struct bound *b)
{
	return b->body.real != NULL && (strcmp(method_of(b), "PUT") == 0 || strcmp(method_of(b), "PATCH") == 0) && strcmp(b->body.real, "{}") != 0;
}

static void
settle(struct running *r, const char *now)
{
	struct err err = ERR_INIT;

	if (leaves_its_body(r->b) && is_within(r->b->body.real, now)) {
		running_ok(r, r->previous, "what is there now is what was sent: it was done");
	} else if (r->previous != NULL && is_same(r->previous, now)) {
		err_set(&err, ERR_REFUSED, "what is there now is what was there before: it was not done");
		running_failed(r, &err, false);
	} else {
		err_set(&err, ERR_INVALID, "what is there now is neither what was there before nor what was sent");
		running_unknown(r, &err);
	}
}

static void
begin_send(struct running *r)
{
	struct err err = ERR_INIT;
	int e;

	if (r->mode == ACT_RESTORE)
		e = send_as(r, HTTP_SEND, "PUT", r->previous, &err);
	else
		e = send_as(r, HTTP_SEND, method_of(r->b), r->b->body.real, &err);
	if (e < 0)
		running_failed(r, &err, true);
}

static void
on_seen(struct running *r, const char *now)
{
	if (r->mode == ACT_READ)
		running_ok(r, now, "read");
	else if (r->mode == ACT_SETTLE)
		settle(r, now);
	else if (r->is_cancelled)
		running_refused(r, "cancelled before it was sent");
	else if (r->mode == ACT_RESTORE && !is_within(r->b->body.real, now))
		running_refused(r, "what is there now is not what we had put there: somebody else has changed it");
	else if (r->mode == ACT_DO && !is_same(r->previous, now))
		running_refused(r, "what is there now is not what was planned with: somebody else has changed it");
	else
		begin_send(r);
}

static void
on_look(struct running *r, const struct write_result *result)
{
	struct http_state *s = r->state;
	struct err err = result->err;

	if (err.code == 0 && !is_success(result))
		answer_check(&result->answer, result->body, result->len, 200, 299, NULL, NULL, &err);
	if (err.code == 0 && result->len > STEP_VALUE_MAX)
		err_set(&err, ERR_LIMIT, "what is there is larger than %d KiB: it cannot be kept to be put back", STEP_VALUE_MAX >> 10);
	if (err.code == 0 && memchr(result->body, '\0', result->len) != NULL)
		err_set(&err, ERR_INVALID, "what is there is no text: it cannot be kept to be put back");
	if (err.code != 0) {
		err_prefix(&err, "GET before");
		if (r->mode == ACT_SETTLE)
			running_unknown(r, &err);
		else
			running_failed(r, &err, true);
		return;
	}
	s->before = xstrndup(result->body == NULL ? "" : result->body, result->len);
	on_seen(r, s->before);
}

/* --- what came of it -------------------------------------------------------------------------- */

static void
no_answer(struct running *r, const struct write_result *result)
{
	if (call_is_not_sent(result))
		running_failed(r, &result->err, true);
	else
		running_unknown(r, &result->err);
}

static bool
is_lost_by_gateway(const struct running *r, const struct write_result *result)
{
	return !is_get(r->b) && (result->answer.status == 502 || result->answer.status == 504);
}

static void
end_answered(struct running *r, const struct write_result *result, const struct err *err)
{
	struct http_state *s = r->state;
	char line[SENTENCE_MAX], shown[STEP_LINE_MAX], text[STEP_LINE_MAX + 32];
	struct act_result end = { .err = *err, .out = result->body, .out_len = result->len };

	r->evidence = json_pack("{s:I}", "status", (json_int_t)result->answer.status);
	str_escape_to(shown, sizeof shown, body_line(line, result->body, result->len));
	snprintf(text, sizeof text, "%ld%s%s", result->answer.status, *shown != '\0' ? " " : "", shown);
	end.outcome = err->code == 0 ? OUTCOME_OK : is_lost_by_gateway(r, result) && r->mode != ACT_READ ? OUTCOME_UNKNOWN : OUTCOME_FAILED;
	end.text = err->code == 0 ? text : err->msg;
	end.previous = r->mode == ACT_READ ? result->body : s->before;
	running_end(r, &end);
}

static void
on_answer(const struct write_result *result, void *arg)
{
	struct running *r = arg;
	struct http_state *s = r->state;
	const struct act *act = r->b->act;
	struct err err = ERR_INIT;
	bool is_restore = r->mode == ACT_RESTORE;

	s->call = NULL;
	if (s->stage == HTTP_LOOK) {
		on_look(r, result);
		return;
	}
	if (result->err.code != 0) {
		no_answer(r, result);
		return;
	}
	answer_check(&result->answer, result->body, result->len, act->status_min, act->status_max, is_restore ? NULL : act->expect_path,
	    r->b->expect.real, &err);
	end_answered(r, result, &err);
}

/* --- running ---------------------------------------------------------------------------------- */

static int
http_begin(struct running *r, struct err *err)
{
	int e = http_check(r->w, r->b, err);

	if (e < 0)
		return e;
	if (r->mode == ACT_RESTORE && (strcmp(method_of(r->b), "PUT") != 0 || r->b->body.real == NULL))
		return err_set(err, ERR_UNSUPPORTED, "only a PUT can be undone by putting back what was there: give the step an undo of its own");
	if (r->mode == ACT_RESTORE && r->previous == NULL)
		return err_set(err, ERR_INVALID, "what was there before is not known: it cannot be put back");
	if ((r->mode == ACT_READ && is_get(r->b)) || (r->mode == ACT_DO && r->previous == NULL))
		return send_as(r, HTTP_SEND, method_of(r->b), r->b->body.real, err);
	return send_as(r, HTTP_LOOK, "GET", NULL, err);
}

static void
http_free_state(struct running *r)
{
	struct http_state *s = r->state;

	call_forget(s->call);
	free(s->before);
}

const struct step_ops step_http_ops = {
	.kind = STEP_HTTP,
	.state_size = sizeof(struct http_state),
	.bind = http_bind,
	.text = http_text,
	.check = http_check,
	.begin = http_begin,
	.free = http_free_state,
};
