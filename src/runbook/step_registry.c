/*
 * registry: an alias, a stage or a tag is moved. Always read first, and read again after:
 *
 *   DO       read -> as planned? -> write -> read back -> (previous' tag) -> end
 *   RESTORE  read -> still what we set? -> write what was there -> read back -> end
 *   READ     read -> end        SETTLE  read -> is it what we set? -> end
 */
#include "config.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/xalloc.h"
#include "runbook/step_priv.h"

enum registry_stage { REG_READ, REG_WRITE, REG_BACK, REG_TAG };
struct registry_state {
	enum registry_stage stage;
	struct call *call;
	const struct conf_source *source;
	const struct registry_write_ops *ops;
	struct registry_change change;	/* strings of the bound act, but version or value of a restore */
	char *before;			/* what was there; "" none */
	bool is_surely_written;		/* the registry said so */
	struct err write_err;		/* why it is not sure */
};

/* --- binding ---------------------------------------------------------------------------------- */

/* "latest" is a word: the newest version there is, as the registry tells of it now. */
static int
bind_latest(const struct run_world *w, struct bound *b, struct err *err)
{
	const struct model_model *m;

	if (!str_eq(b->version.real, "latest"))
		return 0;
	m = live_model(w, b->model.real);
	if (m == NULL || m->reg == NULL || m->is_reg_stale || m->reg->is_unread || m->reg->n_versions == 0)
		return err_set(err, ERR_NOTFOUND, "the latest version is not known: the registry does not tell of it now");
	bound_text_done(&b->version);
	bound_text_set(&b->version, m->reg->versions[0].version);
	return 0;
}

static int
registry_bind(const struct run_world *w, struct bound *b, const struct bindings *bs, struct err *err)
{
	const struct act *act = b->act;
	const struct conf_source *source;
	int r = bind_text(act->model, bs, &b->model, "the model", err);

	if (r == 0)
		r = bind_text(act->version, bs, &b->version, "the version", err);
	if (r == 0)
		r = bind_text(act->value, bs, &b->value, "the tag's value", err);
	if (r < 0)
		return r;
	if (b->model.real == NULL || *b->model.real == '\0')
		return err_set(err, ERR_INVALID, "registry: no model is named");
	r = bind_latest(w, b, err);
	source = env_registry(w->env, act->registry, b->model.real);
	if (source != NULL)
		b->source = xstrdup(source->name);
	else
		b->source = xstrdup_or_null(act->registry);
	return r;
}

static const char *
kind_word(const struct act *act)
{
	return act->alias != NULL ? "alias" : act->stage != NULL ? "stage" : "tag";
}

static const char *
name_of(const struct act *act)
{
	return act->alias != NULL ? act->alias : act->stage != NULL ? act->stage : act->tag;
}

static void
add_shown(struct buf *to, const char *text)
{
	str_escape(to, text, strlen(text));
}

static void
registry_text(const struct bound *b, struct buf *to)
{
	const char *target = b->act->tag != NULL ? b->value.shown : b->version.shown;

	buf_printf(to, "%s registry: %s ", b->source != NULL ? b->source : "no", kind_word(b->act));
	add_shown(to, name_of(b->act));
	buf_addstr(to, " of ");
	add_shown(to, b->model.shown);
	if (b->act->tag != NULL && b->version.shown != NULL) {
		buf_addstr(to, " version ");
		add_shown(to, b->version.shown);
	}
	buf_addstr(to, " -> ");
	add_shown(to, target != NULL ? target : "none");
}

static int
registry_check(const struct run_world *w, const struct bound *b, struct err *err)
{
	const struct conf_source *source = env_source(w->env, b->source);

	if (b->source == NULL)
		return err_set(err, ERR_NOTFOUND, "no registry of this environment can be written to");
	if (source == NULL)
		return err_set(err, ERR_NOTFOUND, "there is no source '%s' in this environment", b->source);
	if (registry_write_find(source->type) == NULL)
		return err_set(err, ERR_UNSUPPORTED, "source %s (type %s) cannot be written to", source->name, source->type);
	if (b->act->tag == NULL && b->act->alias == NULL && b->act->stage == NULL)
		return err_set(err, ERR_INVALID, "registry: neither alias, stage nor tag is named");
	return 0;
}

/* --- the change ------------------------------------------------------------------------------- */

static void
change_init(struct registry_state *s, const struct bound *b)
{
	const struct act *act = b->act;

	s->change = (struct registry_change){
		.kind = act->alias != NULL ? REGISTRY_ALIAS : act->stage != NULL ? REGISTRY_STAGE : REGISTRY_TAG,
		.model = b->model.real,
		.name = name_of(act),
		.version = b->version.real,
		.value = b->value.real,
	};
}

/* What our act puts there; "" nothing. */
static const char *
target_of(const struct bound *b)
{
	const char *target = b->act->tag != NULL ? b->value.real : b->version.real;

	return target != NULL ? target : "";
}

/* What this run of it puts there. */
static const char *
wanted_of(const struct running *r)
{
	return r->mode == ACT_RESTORE ? r->previous : target_of(r->b);
}

static const char *
shown_value(char *dst, size_t size, const char *value)
{
	return *value == '\0' ? "none" : str_escape_to(dst, size, value);
}

static void
change_towards(struct registry_state *s, const char *value)
{
	value = *value == '\0' ? NULL : value;
	if (s->change.kind == REGISTRY_TAG)
		s->change.value = value;
	else
		s->change.version = value;
}

/* --- sending ---------------------------------------------------------------------------------- */

static void on_answer(const struct write_result *result, void *arg);

static int
send_stage(struct running *r, enum registry_stage stage, struct err *err)
{
	struct registry_state *s = r->state;
	struct request q;
	bool is_write = stage == REG_WRITE || stage == REG_TAG;
	int e = (is_write ? s->ops->write : s->ops->read)(s->source, &s->change, &q, err);

	if (e < 0)
		return e;
	s->stage = stage;
	q.timeout_ns = r->b->act->timeout_ns;
	e = call_begin(r->w, s->source->name, &q, on_answer, r, &s->call, err);
	request_done(&q);
	return e;
}

/* --- the end ---------------------------------------------------------------------------------- */

static void
end_moved(struct running *r, const char *note)
{
	struct registry_state *s = r->state;
	char from[64], to[64], name[64];

	running_ok(r, s->before, "%s %s: %s -> %s%s%s", kind_word(r->b->act), str_escape_to(name, sizeof name, name_of(r->b->act)),
	    shown_value(from, sizeof from, s->before), shown_value(to, sizeof to, wanted_of(r)), *note != '\0' ? "; " : "", note);
}

/* Is it this alias (or stage) that says what should serve? Only then its value before is what `previous` means. */
static bool
is_serving_move(const struct running *r)
{
	const struct act *act = r->b->act;
	const struct conf_model *m = env_model(r->w->env, r->b->model.real);

	if (m == NULL || act->tag != NULL)
		return false;
	return act->alias != NULL ? str_eq(m->alias, act->alias) : str_eq(m->stage, act->stage);
}

/* So that a console elsewhere, without this log, knows the way back too. */
static bool
write_previous_tag(struct running *r)
{
	struct registry_state *s = r->state;
	struct err err = ERR_INIT;

	if (r->mode != ACT_DO || *s->before == '\0' || !is_serving_move(r))
		return false;
	s->change = (struct registry_change){
		.kind = REGISTRY_TAG, .model = r->b->model.real, .name = TAG_PREVIOUS, .value = s->before,
	};
	return send_stage(r, REG_TAG, &err) == 0;
}

static void
moved(struct running *r)
{
	if (!write_previous_tag(r))
		end_moved(r, "");
}

static void
settle(struct running *r, const char *now)
{
	const char *target = target_of(r->b);
	struct err err = ERR_INIT;
	char shown[64], was[64];

	if (strcmp(now, target) == 0) {
		running_ok(r, r->previous, "%s is %s: it was done", kind_word(r->b->act), shown_value(shown, sizeof shown, now));
	} else if (r->previous != NULL && strcmp(now, r->previous) == 0) {
		err_set(&err, ERR_REFUSED, "still %s: it was not done", shown_value(shown, sizeof shown, now));
		running_failed(r, &err, false);
	} else {
		err_set(&err, ERR_INVALID, "it is %s now, neither what was there nor what we set (%s)",
		    shown_value(shown, sizeof shown, now), shown_value(was, sizeof was, target));
		running_unknown(r, &err);
	}
}

/* As planned? Then it is written. */
static void
go_on_from(struct running *r, const char *now)
{
	struct registry_state *s = r->state;
	const char *expected = r->mode == ACT_RESTORE ? target_of(r->b) : r->previous;
	struct err err = ERR_INIT;
	char is[64], was[64];

	if (r->is_cancelled) {
		struct act_result result = { .outcome = OUTCOME_CANCELLED, .is_not_begun = true, .text = "cancelled before it was written" };

		err_set(&result.err, ERR_CANCELLED, "%s", result.text);
		running_end_later(r, &result);
		return;
	}
	if (expected != NULL && strcmp(now, expected) != 0) {
		running_refused(r, "%s %s is %s now, not %s as %s: somebody else has moved it", kind_word(r->b->act), name_of(r->b->act),
		    shown_value(is, sizeof is, now), shown_value(was, sizeof was, expected), r->mode == ACT_RESTORE ? "we had set" : "planned");
		return;
	}
	if (strcmp(now, wanted_of(r)) == 0) {
		running_ok(r, now, "already %s", shown_value(is, sizeof is, now));
		return;
	}
	change_towards(s, wanted_of(r));
	if (send_stage(r, REG_WRITE, &err) < 0)
		running_failed(r, &err, true);
}

static void
on_read_first(struct running *r, const char *now)
{
	struct registry_state *s = r->state;
	char shown[64];

	s->before = xstrdup(now);
	if (r->mode == ACT_READ)
		running_ok(r, now, "%s", shown_value(shown, sizeof shown, now));
	else if (r->mode == ACT_SETTLE)
		settle(r, now);
	else
		go_on_from(r, now);
}

/* now NULL: it could not be read back, for why. */
static void
on_read_back(struct running *r, const char *now, const struct err *why)
{
	struct registry_state *s = r->state;
	struct err err = ERR_INIT;
	char shown[64];

	if (now != NULL && strcmp(now, wanted_of(r)) == 0) {
		moved(r);
	} else if (now == NULL && s->is_surely_written) {
		err_set(&err, 0, "not read back: %.200s", why->msg);
		end_moved(r, err.msg);
	} else if (s->is_surely_written) {
		err_set(&err, ERR_REFUSED, "it was set, and is %s now: somebody else has moved it since", shown_value(shown, sizeof shown, now));
		running_failed(r, &err, false);
	} else {
		err_set(&err, s->write_err.code, "%.200s; read back it is %s", s->write_err.msg,
		    now == NULL ? "not known" : shown_value(shown, sizeof shown, now));
		running_unknown(r, &err);
	}
}

static void
on_written(struct running *r, const struct write_result *result)
{
	struct registry_state *s = r->state;
	struct err err = result->err;
	int e = err.code;

	if (e == 0)
		e = s->ops->write_answer(&s->change, &result->answer, result->body, result->len, &err);
	s->is_surely_written = e == 0;
	s->write_err = err;
	/* It understood, and said no. What a broken server or a lost answer left behind is read back. */
	if (e < 0 && (call_is_not_sent(result) || (result->answer.status >= 400 && result->answer.status < 500))) {
		running_failed(r, &err, call_is_not_sent(result));
		return;
	}
	if (send_stage(r, REG_BACK, &err) < 0)
		on_read_back(r, NULL, &err);
}

static void
on_tagged(struct running *r, const struct write_result *result)
{
	struct registry_state *s = r->state;
	struct err err = result->err;
	char note[256];

	if (err.code == 0)
		s->ops->write_answer(&s->change, &result->answer, result->body, result->len, &err);
	if (err.code == 0)
		*note = '\0';
	else
		snprintf(note, sizeof note, "tag %s not written: %.180s", TAG_PREVIOUS, err.msg);
	end_moved(r, note);
}

static void
on_answer(const struct write_result *result, void *arg)
{
	struct running *r = arg;
	struct registry_state *s = r->state;
	struct err err = result->err;
	char *now = NULL;
	int e = err.code;

	s->call = NULL;
	if (s->stage == REG_WRITE) {
		on_written(r, result);
		return;
	}
	if (s->stage == REG_TAG) {
		on_tagged(r, result);
		return;
	}
	if (e == 0)
		e = s->ops->read_answer(&s->change, &result->answer, result->body, result->len, &now, &err);
	if (s->stage == REG_BACK)
		on_read_back(r, e == 0 ? (now != NULL ? now : "") : NULL, &err);
	else if (e == 0)
		on_read_first(r, now != NULL ? now : "");
	else if (r->mode == ACT_SETTLE)
		running_unknown(r, &err);
	else
		running_failed(r, &err, true);
	free(now);
}

/* --- running ---------------------------------------------------------------------------------- */

static int
registry_begin(struct running *r, struct err *err)
{
	struct registry_state *s = r->state;
	int e = registry_check(r->w, r->b, err);

	if (e < 0)
		return e;
	if (r->mode == ACT_RESTORE && r->previous == NULL)
		return err_set(err, ERR_INVALID, "what was there before is not known: it cannot be put back");
	if (r->mode == ACT_RESTORE && r->b->act->stage != NULL && *r->previous == '\0')
		return err_set(err, ERR_UNSUPPORTED, "stage %s was empty before: put the version into another stage by hand", r->b->act->stage);
	s->source = env_source(r->w->env, r->b->source);
	s->ops = registry_write_find(s->source->type);
	change_init(s, r->b);
	return send_stage(r, REG_READ, err);
}

static void
registry_free(struct running *r)
{
	struct registry_state *s = r->state;

	call_forget(s->call);
	free(s->before);
}

const struct step_ops step_registry_ops = {
	.kind = STEP_REGISTRY,
	.state_size = sizeof(struct registry_state),
	.bind = registry_bind,
	.text = registry_text,
	.check = registry_check,
	.begin = registry_begin,
	.free = registry_free,
};

/* --- marking a version as bad ----------------------------------------------------------------- */

struct marking {
	mark_done_cb *done;
	void *arg;
};

static void
on_marked(struct running *r, const struct act_result *result, void *arg)
{
	struct marking *m = arg;

	if (m->done != NULL)
		m->done(result->outcome == OUTCOME_OK ? NULL : &result->err, m->arg);
	free(m);
	act_free(r);
}

int
step_mark_bad(const struct run_world *w, const char *model, const char *version, const char *run, mark_done_cb *done, void *arg,
    struct err *err)
{
	struct marking *m;
	struct act_start start = { .mode = ACT_DO, .run = run, .done = on_marked };
	struct running *running;
	struct bound *b;
	int r = step_bind_mark_bad(w, model, version, run, &b, err);

	if (r < 0)
		return r;
	m = xcalloc(1, sizeof *m);
	*m = (struct marking){ .done = done, .arg = arg };
	start.arg = m;
	r = act_begin(w, b, &start, &running, err);
	bound_unref(b);
	if (r < 0)
		free(m);
	return r;
}
