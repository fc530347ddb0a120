/*
 * Steps: what all kinds have in common. Binding, the line for people, the bytes for the hash, and the life of what runs:
 *
 *   act_begin() -> ops->begin() ... running_end() -> done
 *                              \-> running_end_later() -> the next turn -> done
 */
#include "config.h"

#include "runbook/step_priv.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/secrets.h"
#include "base/str.h"
#include "base/xalloc.h"

static const struct step_ops *const kinds[] = {
	[STEP_SSH] = &step_ssh_ops,
	[STEP_REGISTRY] = &step_registry_ops,
	[STEP_HTTP] = &step_http_ops,
	[STEP_SILENCE] = &step_silence_ops,
	[STEP_WAIT] = &step_wait_ops,
	[STEP_CONFIRM] = &step_confirm_ops,
	[STEP_NOTIFY] = &step_notify_ops,
	[STEP_EXEC] = &step_exec_ops,
	[STEP_ACTION] = NULL,		/* reading a runbook puts in its place what the environment says it is */
};

/* --- binding ---------------------------------------------------------------------------------- */

static void
bind_host(struct bound *b, const struct ssh_host *host)
{
	if (host == NULL)
		return;
	b->host = (struct ssh_host){
		.name = xstrdup(host->name),
		.address = xstrdup(host->address != NULL ? host->address : host->name),
		.user = xstrdup_or_null(host->user),
		.port = host->port,
	};
}

static int
bind_words(struct bound *b, const struct bindings *bs, struct err *err)
{
	const struct act *act = b->act;
	size_t n = 0;
	int r;

	while (act->argv != NULL && act->argv[n] != NULL)
		n++;
	b->argv = xcalloc(n + 1, sizeof *b->argv);
	b->n_argv = n;
	for (size_t i = 0; i < n; i++) {
		r = bind_text(act->argv[i], bs, &b->argv[i], i == 0 ? "the program" : "an argument", err);
		if (r < 0)
			return r;
	}
	r = bind_pairs(act->env, act->n_env, bs, &b->env, "environment", err);
	b->n_env = r < 0 ? 0 : act->n_env;
	return r < 0 ? r : bind_text(act->in, bs, &b->in, "stdin", err);
}

static int
bind_all(const struct run_world *w, struct bound *b, const struct bindings *bs, struct err *err)
{
	int r = bind_words(b, bs, err);

	if (r == 0 && b->ops->bind != NULL)
		r = b->ops->bind(w, b, bs, err);
	return r;
}

static struct bound *
bound_new(const struct step_ops *ops, const struct act *act)
{
	struct bound *b = xcalloc(1, sizeof *b);

	b->refs = 1;
	b->ops = ops;
	b->act = act;
	return b;
}

static void
bound_finish(struct bound *b)
{
	struct buf line, masked;

	buf_init(&line, BOUND_TEXT_MAX);
	buf_init(&masked, BOUND_TEXT_MAX);
	b->ops->text(b, &line);
	/* A value that is no secret parameter may hold a secret all the same. */
	secrets_mask(&masked, line.data, line.len);
	b->line = buf_take(&masked, NULL);
	buf_done(&masked);
	buf_done(&line);
}

int
step_bind(const struct run_world *w, const struct act *act, const struct bindings *bs, struct bound **ret, struct err *err)
{
	struct bound *b;
	int r;

	if ((size_t)act->kind >= sizeof kinds / sizeof *kinds || kinds[act->kind] == NULL)
		return err_set(err, ERR_UNSUPPORTED, "action '%s' is not defined in this environment",
		    act->action != NULL ? act->action : "");
	b = bound_new(kinds[act->kind], act);
	bind_host(b, bs->host);
	r = bind_all(w, b, bs, err);
	if (r < 0) {
		bound_unref(b);
		return r;
	}
	bound_finish(b);
	*ret = b;
	return 0;
}

int
step_bind_mark_bad(const struct run_world *w, const char *model, const char *version, const char *run,
    struct bound **ret, struct err *err)
{
	struct bound *b = bound_new(&step_registry_ops, NULL);
	const struct conf_source *registry = env_registry(w->env, NULL, model);

	b->own = (struct act){ .kind = STEP_REGISTRY, .tag = (char *)TAG_BAD, .timeout_ns = STEP_TIMEOUT_NS };
	b->act = &b->own;
	bound_text_set(&b->model, model);
	bound_text_set(&b->version, version);
	bound_text_set(&b->value, run != NULL && *run != '\0' ? run : "true");
	if (registry == NULL) {
		bound_unref(b);
		return err_set(err, ERR_NOTFOUND, "no registry of this environment can be written to");
	}
	b->source = xstrdup(registry->name);
	bound_finish(b);
	*ret = b;
	return 0;
}

struct bound *
bound_ref(struct bound *b)
{
	if (b != NULL)
		b->refs++;
	return b;
}

static void
host_done(struct ssh_host *host)
{
	free((char *)host->name);
	free((char *)host->address);
	free((char *)host->user);
}

void
bound_unref(struct bound *b)
{
	if (b == NULL || --b->refs > 0)
		return;
	bound_text_done(&b->in);
	bound_text_done(&b->path);
	bound_text_done(&b->body);
	bound_text_done(&b->expect);
	bound_text_done(&b->model);
	bound_text_done(&b->version);
	bound_text_done(&b->value);
	bound_text_done(&b->text);
	for (size_t i = 0; i < b->n_argv; i++)
		bound_text_done(&b->argv[i]);
	free(b->argv);
	bound_pairs_done(b->env, b->n_env);
	bound_pairs_done(b->headers, b->n_headers);
	for (size_t i = 0; i < b->n_conditions; i++)
		bound_condition_free(b->conditions[i]);
	free(b->conditions);
	host_done(&b->host);
	free(b->source);
	free(b->contact);
	free(b->line);
	free(b);
}

const char *
bound_text(const struct bound *b)
{
	return b->line;
}

/* Each with its length in front, so that no two acts have the same bytes. */
static void
hash_text(struct buf *into, const char *name, const char *text)
{
	if (text != NULL)
		buf_printf(into, "%s %zu:%s\n", name, strlen(text), text);
}

static void
hash_number(struct buf *into, const char *name, int64_t v)
{
	if (v != 0)
		buf_printf(into, "%s %lld\n", name, (long long)v);
}

static void
hash_pairs(struct buf *into, const char *name, const struct bound_pair *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		hash_text(into, name, v[i].name);
		hash_text(into, "=", v[i].value.shown);
	}
}

static void
hash_act(struct buf *into, const struct act *act)
{
	hash_number(into, "kind", act->kind + 1);
	hash_number(into, "timeout", act->timeout_ns);
	hash_text(into, "script", act->script);
	hash_text(into, "become", act->become);
	hash_number(into, "unsupervised", act->is_unsupervised);
	hash_text(into, "dir", act->dir);
	hash_text(into, "alias", act->alias);
	hash_text(into, "stage", act->stage);
	hash_text(into, "tag", act->tag);
	hash_text(into, "method", act->method);
	hash_text(into, "content-type", act->content_type);
	hash_number(into, "status-min", act->status_min);
	hash_number(into, "status-max", act->status_max);
	hash_text(into, "expect-path", act->expect_path);
	hash_number(into, "duration", act->duration_ns);
	hash_number(into, "end", act->is_silence_end);
	for (size_t i = 0; act->matcher_is_regex != NULL && i < act->n_matchers; i++)
		hash_number(into, "regex", act->matcher_is_regex[i] + 1);
}

static void
hash_conditions(struct buf *into, const struct bound *b)
{
	for (size_t i = 0; i < b->n_conditions; i++) {
		struct buf text;

		buf_init(&text, BOUND_TEXT_MAX);
		bound_condition_text(b->conditions[i], &text);
		hash_text(into, "condition", text.data);
		buf_done(&text);
	}
}

void
bound_hash(const struct bound *b, struct buf *into)
{
	const struct { const char *name; const struct bound_text *text; } texts[] = {
		{ "stdin", &b->in }, { "path", &b->path }, { "body", &b->body }, { "expect", &b->expect },
		{ "model", &b->model }, { "version", &b->version }, { "value", &b->value }, { "text", &b->text },
	};

	hash_act(into, b->act);
	hash_text(into, "host", b->host.name);
	hash_text(into, "address", b->host.address);
	hash_text(into, "user", b->host.user);
	hash_number(into, "port", b->host.port);
	for (size_t i = 0; i < b->n_argv; i++)
		hash_text(into, "word", b->argv[i].shown);
	hash_pairs(into, "env", b->env, b->n_env);
	hash_pairs(into, "header", b->headers, b->n_headers);
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		hash_text(into, texts[i].name, texts[i].text->shown);
	hash_text(into, "source", b->source);
	hash_text(into, "contact", b->contact);
	hash_conditions(into, b);
}

int
bound_check(const struct run_world *w, const struct bound *b, struct err *err)
{
	return b->ops->check == NULL ? 0 : b->ops->check(w, b, err);
}

/* --- running ---------------------------------------------------------------------------------- */

static void
on_later(void *arg)
{
	struct running *r = arg;

	r->done(r, &r->result, r->arg);
}

int
act_begin(const struct run_world *w, struct bound *b, const struct act_start *s, struct running **ret, struct err *err)
{
	struct running *r;
	int e;

	if (b->ops->begin == NULL)
		return err_set(err, ERR_UNSUPPORTED, "a step of kind %s is asked, not run", step_kind_name(b->act->kind));
	if (s->nonce != NULL && strlen(s->nonce) >= sizeof r->nonce)
		return err_set(err, ERR_INVALID, "the nonce is too long");
	r = xcalloc(1, sizeof *r);
	*r = (struct running){
		.w = w, .b = bound_ref(b), .mode = s->mode, .previous = xstrdup_or_null(s->previous),
		.run = xstrdup_or_null(s->run), .since_ns = s->since_ns, .begun_ns = s->begun_ns, .output = s->output, .done = s->done, .arg = s->arg,
	};
	memcpy(r->nonce, s->nonce != NULL ? s->nonce : "", s->nonce != NULL ? strlen(s->nonce) + 1 : 1);
	r->later = loop_timer_new(w->loop, on_later, r);
	if (b->ops->state_size > 0)
		r->state = xcalloc(1, b->ops->state_size);
	e = b->ops->begin(r, err);
	if (e < 0) {
		act_free(r);
		return e;
	}
	*ret = r;
	return 0;
}

void
act_cancel(struct running *r)
{
	if (r->is_ended || r->is_cancelled)
		return;
	r->is_cancelled = true;
	if (r->b->ops->cancel != NULL)
		r->b->ops->cancel(r);
}

void
act_free(struct running *r)
{
	if (r == NULL)
		return;
	if (r->b->ops->free != NULL)
		r->b->ops->free(r);
	loop_timer_free(r->later);
	json_decref(r->evidence);
	free(r->state);
	free(r->text);
	free(r->found);
	free(r->previous);
	free(r->run);
	bound_unref(r->b);
	free(r);
}

/* --- ends ------------------------------------------------------------------------------------- */

static void
keep_result(struct running *r, const struct act_result *result)
{
	free(r->text);
	r->text = xstrdup(result->text != NULL ? result->text : "");
	if (result->previous != r->found) {
		free(r->found);
		r->found = xstrdup_or_null(result->previous);
	}
	r->result = *result;
	r->result.text = r->text;
	r->result.previous = r->found;
	r->result.evidence = r->evidence;
	r->is_ended = true;
}

void
running_end(struct running *r, const struct act_result *result)
{
	keep_result(r, result);
	r->done(r, &r->result, r->arg);
}

void
running_end_later(struct running *r, const struct act_result *result)
{
	keep_result(r, result);
	loop_timer_in(r->later, 0);
}

static void
end_with(struct running *r, enum outcome outcome, const struct err *err, bool is_not_begun, bool is_refused)
{
	struct act_result result = {
		.outcome = outcome, .is_not_begun = is_not_begun, .is_refused = is_refused, .err = *err, .text = err->msg,
	};

	running_end_later(r, &result);
}

void
running_failed(struct running *r, const struct err *err, bool is_not_begun)
{
	end_with(r, OUTCOME_FAILED, err, is_not_begun, false);
}

void
running_unknown(struct running *r, const struct err *err)
{
	/* Reading changes nothing: there it is only a failure to see. */
	end_with(r, r->mode == ACT_READ ? OUTCOME_FAILED : OUTCOME_UNKNOWN, err, false, false);
}

void
running_refused(struct running *r, const char *fmt, ...)
{
	struct err err = ERR_INIT;
	char *text;
	va_list ap;

	va_start(ap, fmt);
	text = xvasprintf(fmt, ap);
	va_end(ap);
	err_set(&err, ERR_REFUSED, "%s", text);
	free(text);
	end_with(r, OUTCOME_FAILED, &err, true, true);
}

void
running_ok(struct running *r, const char *previous, const char *fmt, ...)
{
	struct act_result result = { .outcome = OUTCOME_OK, .previous = previous };
	char *text;
	va_list ap;

	va_start(ap, fmt);
	text = xvasprintf(fmt, ap);
	va_end(ap);
	result.text = text;
	running_end_later(r, &result);
	free(text);
}

/* --- lines of output -------------------------------------------------------------------------- */

static const char *
line_to(char *dst, const char *bytes, size_t len)
{
	char *line = xstrndup(bytes, len < 4 * STEP_LINE_MAX ? len : 4 * STEP_LINE_MAX);

	str_escape_to(dst, STEP_LINE_MAX, line);
	free(line);
	return dst;
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

const char *
first_line(char *dst, const char *bytes, size_t len)
{
	size_t at = 0, end;

	while (at < len && is_blank(bytes[at]))
		at++;
	for (end = at; end < len && bytes[end] != '\n';)
		end++;
	while (end > at && is_blank(bytes[end - 1]))
		end--;
	return line_to(dst, bytes + at, end - at);
}

const char *
last_line(char *dst, const char *bytes, size_t len)
{
	size_t at;

	while (len > 0 && is_blank(bytes[len - 1]))
		len--;
	for (at = len; at > 0 && bytes[at - 1] != '\n';)
		at--;
	return line_to(dst, bytes + at, len - at);
}
