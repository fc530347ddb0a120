/*
 * silence: one is made in an Alertmanager; undone by ending it. Or, with end: true, all with exactly these matchers are ended:
 *
 *   list -> end each -> list again: none may be left
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "runbook/step_priv.h"

enum silence_stage { SILENCE_MAKE, SILENCE_END, SILENCE_LOOK, ENDING_LIST, ENDING_ONE, ENDING_BACK };
struct silencing {
	enum silence_stage stage;
	struct call *call;
	int64_t ends_ns;
	char **ids;		/* end: true: those to be ended */
	size_t n_ids, n_ended;
};

static int
silence_bind(const struct run_world *w, struct bound *b, const struct bindings *bs, struct err *err)
{
	const struct act *act = b->act;
	const struct conf_source *am = act->alertmanager != NULL ? env_source(w->env, act->alertmanager) : env_source_of(w->env, "alertmanager");
	int r = bind_pairs(act->matchers, act->n_matchers, bs, &b->headers, "matcher", err);

	b->n_headers = r < 0 ? 0 : act->n_matchers;
	b->source = xstrdup_or_null(am != NULL ? am->name : act->alertmanager);
	return r < 0 ? r : bind_text(act->comment, bs, &b->text, "the comment", err);
}

static bool
is_regex(const struct bound *b, size_t i)
{
	return b->act->matcher_is_regex != NULL && b->act->matcher_is_regex[i];
}

static void
silence_text(const struct bound *b, struct buf *to)
{
	char length[DURATION_TEXT_MAX];

	buf_printf(to, "%s: %s", b->source != NULL ? b->source : "no Alertmanager", b->act->is_silence_end ? "end every silence" : "silence");
	for (size_t i = 0; i < b->n_headers; i++) {
		buf_printf(to, " %s%s\"", b->headers[i].name, is_regex(b, i) ? "=~" : "=");
		str_escape(to, b->headers[i].value.shown, strlen(b->headers[i].value.shown));
		buf_addch(to, '"');
	}
	if (!b->act->is_silence_end)
		buf_printf(to, " for %s", duration_format(length, b->act->duration_ns));
	if (b->text.shown != NULL) {
		buf_addstr(to, ": ");
		str_escape(to, b->text.shown, strlen(b->text.shown));
	}
}

static int
silence_check(const struct run_world *w, const struct bound *b, struct err *err)
{
	const struct conf_source *am = env_source(w->env, b->source);

	if (am == NULL)
		return err_set(err, ERR_NOTFOUND, b->source == NULL ? "this environment has no Alertmanager" : "there is no source '%s' in this environment",
		    b->source);
	if (!str_eq(am->type, "alertmanager"))
		return err_set(err, ERR_UNSUPPORTED, "source %s is no Alertmanager (type %s)", am->name, am->type);
	return 0;
}

/* --- sending ---------------------------------------------------------------------------------- */

static void on_answer(const struct write_result *result, void *arg);

static const char *
comment_of(const struct bound *b)
{
	return b->text.real != NULL && *b->text.real != '\0' ? b->text.real : "set by a runbook";
}

static struct matcher *
matchers_of(const struct bound *b)
{
	struct matcher *v = xcalloc(b->n_headers + 1, sizeof *v);

	for (size_t i = 0; i < b->n_headers; i++)
		v[i] = (struct matcher){
			.name = b->headers[i].name, .value = b->headers[i].value.real, .is_regex = is_regex(b, i), .is_equal = true,
		};
	return v;
}

static int
draft_request(struct running *r, struct request *q, struct err *err)
{
	struct silencing *s = r->state;
	struct matcher *matchers = matchers_of(r->b);
	struct silence_draft draft = {
		.n_matchers = r->b->n_headers,
		.matchers = matchers,
		.starts_ns = clock_now(),
		.ends_ns = clock_now() + r->b->act->duration_ns,
		.created_by = r->w->user != NULL ? r->w->user : "opsconsole",
		.comment = comment_of(r->b),
	};
	int e = alertmanager_silence_request(&draft, q, err);

	s->ends_ns = draft.ends_ns;
	free(matchers);
	return e;
}

static int
send_stage(struct running *r, enum silence_stage stage, struct err *err)
{
	struct silencing *s = r->state;
	struct request q;
	int e = 0;

	s->stage = stage;
	if (stage == SILENCE_MAKE) {
		e = draft_request(r, &q, err);
	} else if (stage == SILENCE_END) {
		e = alertmanager_expire_request(r->previous, &q, err);
	} else if (stage == ENDING_ONE) {
		e = alertmanager_expire_request(s->ids[s->n_ended], &q, err);
	} else {
		request_init(&q, "GET");
		q.path = xstrdup("/api/v2/silences");
	}
	if (e < 0)
		return e;
	q.timeout_ns = r->b->act->timeout_ns;
	e = call_begin(r->w, r->b->source, &q, on_answer, r, &s->call, err);
	request_done(&q);
	return e;
}

/* --- answers ---------------------------------------------------------------------------------- */

static void
on_made(struct running *r, const struct write_result *result)
{
	struct silencing *s = r->state;
	struct err err = ERR_INIT;
	char *id = NULL, until[CLOCK_TEXT_MAX], shown[64];

	if (alertmanager_silence_answer(&result->answer, result->body, result->len, &id, &err) == 0) {
		running_ok(r, id, "silence %s until %s", str_escape_to(shown, sizeof shown, id), clock_format(until, s->ends_ns, 0));
		r->w->poll_now(r->w->arg, r->b->source, "silences");
	} else if (result->answer.status >= 200 && result->answer.status <= 299) {
		running_unknown(r, &err);
	} else {
		running_failed(r, &err, false);
	}
	free(id);
}

static void
on_ended(struct running *r, const struct write_result *result)
{
	struct err err = ERR_INIT;
	int e = alertmanager_expire_answer(&result->answer, result->body, result->len, &err);

	if (e == 0)
		running_ok(r, NULL, "silence ended");
	else if (e == ERR_NOTFOUND)
		running_ok(r, NULL, "the silence is gone already");
	else
		running_failed(r, &err, false);
	r->w->poll_now(r->w->arg, r->b->source, "silences");
}

static bool
is_matcher_of(const struct bound *b, const json_t *m)
{
	for (size_t i = 0; i < b->n_headers; i++)
		if (str_eq(json_string_value(json_object_get(m, "name")), b->headers[i].name) &&
		    str_eq(json_string_value(json_object_get(m, "value")), b->headers[i].value.real) &&
		    json_is_true(json_object_get(m, "isRegex")) == is_regex(b, i) && !json_is_false(json_object_get(m, "isEqual")))
			return true;
	return false;
}

/* Not over, and with these matchers and no other. */
static bool
is_matching(const struct bound *b, const json_t *silence)
{
	const json_t *matchers = json_object_get(silence, "matchers"), *m;
	size_t i;

	if (json_array_size(matchers) != b->n_headers ||
	    str_eq(json_string_value(json_object_get(json_object_get(silence, "status"), "state")), "expired"))
		return false;
	json_array_foreach(matchers, i, m)
		if (!is_matcher_of(b, m))
			return false;
	return true;
}

/* Made by us, for this: the same words and matchers, and not over. */
static bool
is_ours(const struct running *r, const json_t *silence)
{
	int64_t starts_ns;

	if (!str_eq(json_string_value(json_object_get(silence, "comment")), comment_of(r->b)) ||
	    !str_eq(json_string_value(json_object_get(silence, "createdBy")), r->w->user) || !is_matching(r->b, silence))
		return false;
	/* Begins are sent in milliseconds. */
	return r->since_ns == 0 || clock_parse(json_string_value(json_object_get(silence, "startsAt")), &starts_ns, NULL) < 0 ||
	    starts_ns >= r->since_ns / NS_PER_MS * NS_PER_MS;
}

static void
on_listed(struct running *r, const struct write_result *result)
{
	json_t *all = json_loadb(result->body, result->len, 0, NULL), *item;
	const char *id = NULL;
	struct err err = ERR_INIT;
	char shown[64];
	size_t i;

	json_array_foreach(all, i, item)
		if (id == NULL && is_ours(r, item))
			id = json_string_value(json_object_get(item, "id"));
	if (!json_is_array(all)) {
		err_set(&err, ERR_SYNTAX, "HTTP %ld: the silences cannot be read", result->answer.status);
		running_unknown(r, &err);
	} else if (id != NULL) {
		running_ok(r, id, "silence %s is there: it was made", str_escape_to(shown, sizeof shown, id));
	} else {
		err_set(&err, ERR_NOTFOUND, "there is no such silence: it was not made");
		running_failed(r, &err, false);
	}
	json_decref(all);
}

/* --- ending those there are -------------------------------------------------------------------- */

static void
ids_done(struct silencing *s)
{
	for (size_t i = 0; i < s->n_ids; i++)
		free(s->ids[i]);
	free(s->ids);
	s->ids = NULL;
	s->n_ids = s->n_ended = 0;
}

static void
ids_take(struct running *r, const json_t *all)
{
	struct silencing *s = r->state;
	const json_t *item;
	size_t i;

	json_array_foreach(all, i, item) {
		const char *id = json_string_value(json_object_get(item, "id"));

		if (id == NULL || !is_matching(r->b, item))
			continue;
		s->ids = xreallocarray(s->ids, s->n_ids + 1, sizeof *s->ids);
		s->ids[s->n_ids++] = xstrdup(id);
	}
}

static void
go_on(struct running *r, enum silence_stage stage)
{
	struct err err = ERR_INIT;

	if (send_stage(r, stage, &err) < 0)
		running_failed(r, &err, stage == ENDING_LIST);
}

static void
on_ending_list(struct running *r, const struct write_result *result)
{
	struct silencing *s = r->state;
	json_t *all = json_loadb(result->body, result->len, 0, NULL);
	struct err err = ERR_INIT;

	if (json_is_array(all)) {
		ids_take(r, all);
		if (s->n_ids > 0)
			go_on(r, ENDING_ONE);
		else
			running_ok(r, NULL, "none active");
	} else {
		err_set(&err, ERR_SYNTAX, "HTTP %ld: the silences cannot be read", result->answer.status);
		running_failed(r, &err, true);
	}
	json_decref(all);
}

static void
on_ending_one(struct running *r, const struct write_result *result)
{
	struct silencing *s = r->state;
	struct err err = ERR_INIT;
	int e = alertmanager_expire_answer(&result->answer, result->body, result->len, &err);

	/* Gone already is as good. */
	if (e < 0 && e != ERR_NOTFOUND) {
		running_failed(r, &err, s->n_ended == 0);
		return;
	}
	s->n_ended++;
	go_on(r, s->n_ended < s->n_ids ? ENDING_ONE : ENDING_BACK);
}

/* Also how an outcome that was lost is settled. */
static void
on_ending_back(struct running *r, const struct write_result *result)
{
	struct silencing *s = r->state;
	size_t n_ended = s->n_ended;
	json_t *all = json_loadb(result->body, result->len, 0, NULL);
	struct err err = ERR_INIT;
	char shown[64];

	ids_done(s);
	ids_take(r, all);
	if (!json_is_array(all)) {
		err_set(&err, ERR_SYNTAX, "HTTP %ld: the silences cannot be read", result->answer.status);
		running_unknown(r, &err);
	} else if (s->n_ids > 0) {
		err_set(&err, ERR_REFUSED, "silence %s is still active", str_escape_to(shown, sizeof shown, s->ids[0]));
		running_failed(r, &err, false);
	} else if (r->mode == ACT_SETTLE) {
		running_ok(r, NULL, "none active");
	} else {
		running_ok(r, NULL, "%zu silence%s ended", n_ended, n_ended == 1 ? "" : "s");
	}
	json_decref(all);
	r->w->poll_now(r->w->arg, r->b->source, "silences");
}

static void
on_stage(struct running *r, const struct write_result *result)
{
	switch (((struct silencing *)r->state)->stage) {
	case SILENCE_MAKE: on_made(r, result); break;
	case SILENCE_END: on_ended(r, result); break;
	case SILENCE_LOOK: on_listed(r, result); break;
	case ENDING_LIST: on_ending_list(r, result); break;
	case ENDING_ONE: on_ending_one(r, result); break;
	case ENDING_BACK: on_ending_back(r, result); break;
	}
}

static void
on_answer(const struct write_result *result, void *arg)
{
	struct running *r = arg;
	struct silencing *s = r->state;

	s->call = NULL;
	if (result->err.code != 0 && (s->stage == ENDING_LIST || (call_is_not_sent(result) && r->mode != ACT_SETTLE && s->n_ended == 0)))
		running_failed(r, &result->err, true);
	else if (result->err.code != 0)
		running_unknown(r, &result->err);
	else
		on_stage(r, result);
}

/* --- running ---------------------------------------------------------------------------------- */

static int
silence_begin(struct running *r, struct err *err)
{
	int e = silence_check(r->w, r->b, err);

	if (e < 0)
		return e;
	switch (r->mode) {
	case ACT_READ:
		running_ok(r, NULL, "nothing to read before a silence is made or ended");
		return 0;
	case ACT_DO:
		return send_stage(r, r->b->act->is_silence_end ? ENDING_LIST : SILENCE_MAKE, err);
	case ACT_RESTORE:
		return send_stage(r, SILENCE_END, err);
	case ACT_SETTLE:
		break;
	}
	return send_stage(r, r->b->act->is_silence_end ? ENDING_BACK : SILENCE_LOOK, err);
}

static void
silence_free(struct running *r)
{
	struct silencing *s = r->state;

	call_forget(s->call);
	ids_done(s);
}

const struct step_ops step_silence_ops = {
	.kind = STEP_SILENCE,
	.state_size = sizeof(struct silencing),
	.bind = silence_bind,
	.text = silence_text,
	.check = silence_check,
	.begin = silence_begin,
	.free = silence_free,
};
