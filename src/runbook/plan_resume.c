/*
 * Going on with a run that did not end well: from the audit log, what was done on which host. What is done is not done again (its check, where it has one, has the last word);
 * what is unknown is found out first, by the nonce of its intent. The log is read once, before the plan.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "audit/reader.h"
#include "base/xalloc.h"
#include "runbook/run_priv.h"

static const char *
member(const struct audit_record *rec, const char *name)
{
	const char *text = json_string_value(json_object_get(rec->json, name));

	return text != NULL ? text : "";
}

static struct cell *
cell_of(struct run *r, const struct audit_record *rec)
{
	const char *host = member(rec, "host"), *step = member(rec, "step");

	for (size_t i = 0; i <= r->n_lanes; i++) {
		struct lane *l = i < r->n_lanes ? &r->lanes[i] : &r->own;

		if (strcmp(l->name, host) != 0)
			continue;
		for (size_t c = 0; c < r->n_columns; c++)
			if (r->columns[c].step != NULL && strcmp(r->columns[c].name, step) == 0)
				return &l->cells[c];
	}
	return NULL;
}

static int
same_params(const struct run *r, const struct audit_record *rec, struct err *err)
{
	const json_t *params = json_object_get(rec->json, "params");

	for (size_t i = 0; i < r->n_values; i++) {
		const struct value *v = &r->values[i];
		const char *was = json_string_value(json_object_get(params, v->param->name));

		if (v->param->type == PARAM_SECRET)
			continue;
		/* `previous` may be another one after half a run: what was meant then is what is meant. */
		if (v->is_previous && was != NULL) {
			r->values[i].is_previous = false;
			text_set(&r->values[i].value, "%s", was);
			text_set(&r->values[i].from, "of run %s", r->resume);
		} else if (was == NULL || v->value == NULL || strcmp(was, v->value) != 0) {
			return err_set(err, ERR_INVALID, "run %s had %s = %.80s, this one has %.80s: only the same can be resumed", r->resume, v->param->name,
			    was != NULL ? was : "(none)", v->value != NULL ? v->value : "(none)");
		}
	}
	return 0;
}

static int
take_start(struct run *r, const struct audit_record *rec, struct err *err)
{
	if (strcmp(member(rec, "sha256"), r->rb->sha256) != 0)
		return err_set(err, ERR_INVALID, "run %s was made with another %s (sha256 %.12s, now %.12s): only the same runbook can be resumed", r->resume,
		    r->rb->name, member(rec, "sha256"), r->rb->sha256);
	if (rec->env == NULL || strcmp(rec->env, r->w->env->name) != 0)
		return err_set(err, ERR_INVALID, "run %s was in environment %s, this is %s", r->resume, rec->env != NULL ? rec->env : "(none)", r->w->env->name);
	return same_params(r, rec, err);
}

/* What is seen counts as evidence only from after it, as it did for the run that is resumed. */
static void
take_act(struct run *r, const struct audit_record *rec)
{
	int64_t now = clock_now(), at = rec->time_ns < now ? rec->time_ns : now;

	if (r->last_act_ns < at)
		r->last_act_ns = at;
}

static void
take_intent(struct run *r, const struct audit_record *rec)
{
	struct cell *c = cell_of(r, rec);
	const char *nonce = member(rec, "nonce");

	if (c == NULL)
		return;
	/* Whether or not it was taken back: it is not known to be done any more. */
	free(c->done_in);
	c->done_in = NULL;
	if (json_is_true(json_object_get(rec->json, "undo")))
		return;
	/* Until its result is read, nobody knows. */
	c->must_settle = true;
	c->begun_ns = rec->time_ns;
	c->intent = rec->seq;		/* what is found out is its result */
	memcpy(c->nonce, nonce, strnlen(nonce, sizeof c->nonce - 1) + 1);
	c->nonce[sizeof c->nonce - 1] = '\0';
}

static void
take_result(struct run *r, const struct audit_record *rec)
{
	struct cell *c = cell_of(r, rec);
	enum outcome o;

	if (c == NULL || !outcome_find(member(rec, "outcome"), &o))
		return;
	if (json_is_true(json_object_get(rec->json, "undo"))) {
		free(c->done_in);
		c->done_in = NULL;
		return;
	}
	c->must_settle = o == OUTCOME_UNKNOWN;
	if (!c->must_settle)
		c->intent = 0;
	if (o == OUTCOME_OK)
		text_set(&c->done_in, "%s", rec->run);
}

/* --- the log ------------------------------------------------------------------------------------------------------------------------- */

enum { CHAIN_MAX = 32 };

/* A run that is resumed may have resumed another: what that one did counts, too. */
struct chain { char *v[CHAIN_MAX]; size_t n; };

static bool
chain_has(const struct chain *c, const char *run)
{
	for (size_t i = 0; i < c->n; i++)
		if (strcmp(c->v[i], run) == 0)
			return true;
	return false;
}

static void
chain_done(struct chain *c)
{
	while (c->n > 0)
		free(c->v[--c->n]);
}

static bool
may_tell_of(const struct chain *c, const struct audit_line *line)
{
	for (size_t i = 0; i < c->n; i++)
		if (memmem(line->bytes, line->len, c->v[i], strlen(c->v[i])) != NULL)
			return true;
	return false;
}

typedef int record_cb(struct run *r, struct chain *c, const struct audit_record *rec, struct err *err);

/* Each record of the runs in the chain, in order. */
static int
walk(struct run *r, struct chain *c, const char *dir, record_cb *cb, struct err *err)
{
	struct audit_reader *reader = NULL;
	struct audit_line line;
	int code = audit_reader_open(dir, &reader, err), more = 0;

	while (code == 0 && (more = audit_reader_next(reader, &line, err)) > 0) {
		struct audit_record rec;

		if (line.is_torn || !may_tell_of(c, &line))
			continue;
		if ((code = audit_record_read(line.bytes, line.len, &rec, err)) < 0) {
			err_prefix(err, "the audit log cannot be trusted, so that nothing can be resumed from it");
			break;
		}
		if (rec.run != NULL && chain_has(c, rec.run))
			code = cb(r, c, &rec, err);
		audit_record_done(&rec);
	}
	audit_reader_free(reader);
	return code == 0 && more < 0 ? more : code;
}

static int
find_before(struct run *r, struct chain *c, const struct audit_record *rec, struct err *err)
{
	const char *before = member(rec, "resume");

	(void)r;
	(void)err;
	if (rec->type == AUDIT_RUN_START && *before != '\0' && !chain_has(c, before) && c->n < CHAIN_MAX)
		c->v[c->n++] = xstrdup(before);
	return 0;
}

static int
take_record(struct run *r, struct chain *c, const struct audit_record *rec, struct err *err)
{
	(void)c;
	switch (rec->type) {
	case AUDIT_RUN_START:
		r->is_resumable |= strcmp(rec->run, r->resume) == 0;
		return take_start(r, rec, err);
	case AUDIT_INTENT:
		take_act(r, rec);
		take_intent(r, rec);
		return 0;
	case AUDIT_RESULT:
		take_act(r, rec);
		take_result(r, rec);
		return 0;
	default:
		return 0;
	}
}

int
plan_resume(struct run *r, struct err *err)
{
	struct chain c = { 0 };
	size_t n_known = 0;
	char *dir;
	int code = 0;

	if (r->resume == NULL)
		return 0;
	dir = audit_dir(r->w->conf->audit.dir);
	c.v[c.n++] = xstrdup(r->resume);
	/* Who came before stands earlier in the log: once more for each that is found. */
	while (code == 0 && n_known < c.n) {
		n_known = c.n;
		code = walk(r, &c, dir, find_before, err);
	}
	r->is_resumable = false;
	if (code == 0)
		code = walk(r, &c, dir, take_record, err);
	if (code == 0 && !r->is_resumable)
		code = err_set(err, ERR_NOTFOUND, "no run %s stands in the audit log %s", r->resume, dir);
	chain_done(&c);
	free(dir);
	return code;
}
