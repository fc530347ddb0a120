/*
 * What a confirmation and an approval are bound to: SHA-256 over all that decides what would happen, part by part with its length, and no observation. The parts are kept, so
 * that a plan made again can say what has changed.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "base/xalloc.h"
#include "runbook/run_priv.h"

enum { PLAN_BYTES_MAX = 256 << 20 };

/* The run's id is the one thing that two plans of the same deed may differ in: it does not count, wherever it stands. */
static void
add_without_id(struct buf *b, const char *bytes, size_t len, const char *id)
{
	size_t n = strlen(id);
	const char *p;

	while (len >= n && (p = memmem(bytes, len, id, n)) != NULL) {
		buf_add(b, bytes, (size_t)(p - bytes));
		buf_addstr(b, "${run}");
		len -= (size_t)(p - bytes) + n;
		bytes = p + n;
	}
	buf_add(b, bytes, len);
}

static void
add(struct run *r, const char *label, const char *bytes, size_t len)
{
	struct plan_bytes *p = &r->plan;
	struct buf part;

	buf_init(&part, PLAN_BYTES_MAX);
	add_without_id(&part, bytes, len, r->id);
	buf_printf(&p->bytes, "%s %zu\n", label, part.len);
	p->v = xreallocarray(p->v, p->n + 1, sizeof *p->v);
	p->v[p->n++] = (struct canon){ xstrdup(label), p->bytes.len, part.len };
	buf_add(&p->bytes, part.data, part.len);
	buf_addch(&p->bytes, '\n');
	buf_done(&part);
}

static void
add_text(struct run *r, const char *label, const char *text)
{
	add(r, label, text != NULL ? text : "", text != NULL ? strlen(text) : 0);
}

static void
add_number(struct run *r, const char *label, int64_t v)
{
	char text[32];

	snprintf(text, sizeof text, "%lld", (long long)v);
	add_text(r, label, text);
}

static void
add_values(struct run *r)
{
	for (size_t i = 0; i < r->n_values; i++) {
		char *label = xasprintf("parameter %s", r->values[i].param->name);

		/* Of a secret only that it is there. */
		add_text(r, label, r->values[i].param->type == PARAM_SECRET ? "[secret]" : r->values[i].value);
		free(label);
	}
}

static void
add_bound(struct run *r, const char *label, const struct bound *b)
{
	struct buf bytes;

	buf_init(&bytes, PLAN_BYTES_MAX);
	if (b != NULL)
		bound_hash(b, &bytes);
	add(r, label, bytes.data, bytes.len);
	buf_done(&bytes);
}

static void
add_conditions(struct run *r, const char *what, struct condition *const *v, size_t n, const struct lane *l)
{
	for (size_t i = 0; i < n; i++) {
		struct buf text;
		struct err err;
		char *label = xasprintf("%s %zu", what, i + 1);

		buf_init(&text, PLAN_BYTES_MAX);
		/* By host it stands for each; its source then says what is meant. */
		if (condition_text(v[i], &l->bindings, &text, &err) < 0) {
			buf_reset(&text);
			buf_addstr(&text, v[i]->text != NULL ? v[i]->text : "");
		}
		buf_printf(&text, "\nwithin %lld settle %lld any %d", (long long)v[i]->within_ns, (long long)v[i]->settle_ns, v[i]->is_any);
		add(r, label, text.data, text.len);
		buf_done(&text);
		free(label);
	}
}

static void
add_cell(struct run *r, const struct lane *l, size_t column)
{
	const struct column *col = &r->columns[column];
	const struct cell *c = &l->cells[column];
	char *label = xasprintf("%s on %s", col->name, *l->name != '\0' ? l->name : "the run");

	if (c->act != NULL || c->unbound != NULL) {
		add_bound(r, label, c->act);
		add_bound(r, "its check", c->check);
		add_text(r, "its expected answer", c->expect);
		add_bound(r, "its undo", c->undo);
		add_text(r, "the value before", c->previous);
		add_text(r, "done before", c->done_in);
		add_conditions(r, "its when", col->step->when, col->step->n_when, l);
	}
	free(label);
}

static void
add_steps(struct run *r)
{
	for (size_t c = 0; c < r->n_columns; c++) {
		const struct runbook_step *s = r->columns[c].step;

		if (s == NULL)
			continue;
		add_text(r, "step", s->name);
		add_number(r, "its scope", r->columns[c].part);
		add_number(r, "its retries", s->retries);
		add_number(r, "its backoff", s->backoff_ns);
		add_number(r, "its on_failure", s->on_failure);
		add_number(r, "its undo restores", s->is_undo_restore);
		for (size_t i = 0; i <= r->n_lanes; i++)
			add_cell(r, i < r->n_lanes ? &r->lanes[i] : &r->own, c);
	}
}

static void
add_hosts(struct run *r)
{
	for (size_t i = 0; i < r->n_lanes; i++) {
		char *text = xasprintf("%s %s %s %u batch %d", r->lanes[i].name, r->lanes[i].address, r->lanes[i].user, r->lanes[i].ssh.port, r->lanes[i].batch);

		add_text(r, "host", text);
		free(text);
	}
}

void
plan_hash(struct run *r)
{
	plan_bytes_done(&r->plan);
	buf_init(&r->plan.bytes, PLAN_BYTES_MAX);
	add_text(r, "plan", "opsconsole/v1");
	add_text(r, "runbook", r->rb->name);
	add_text(r, "its sha256", r->rb->sha256);
	add_text(r, "environment", r->w->env->name);
	add_values(r);
	add_text(r, "target", r->target);
	add_text(r, "resumed run", r->resume);
	add_hosts(r);
	add_number(r, "max_failures", r->rb->max_failures);
	add_number(r, "parallel", r->rb->parallel);
	add_number(r, "pause", r->rb->pause_ns);
	add_conditions(r, "precondition", r->rb->preconditions, r->rb->n_preconditions, &r->own);
	add_steps(r);
	add_conditions(r, "health", r->rb->health, r->rb->n_health, &r->own);
	add_conditions(r, "verify", r->rb->verify, r->rb->n_verify, &r->own);
	digest_hex(r->plan.bytes.data, r->plan.bytes.len, r->plan.hash);
}

void
plan_bytes_done(struct plan_bytes *p)
{
	for (size_t i = 0; i < p->n; i++)
		free(p->v[i].label);
	free(p->v);
	if (p->bytes.data != NULL)
		buf_done(&p->bytes);
	memset(p, 0, sizeof *p);
}

static char *
shown(const struct plan_bytes *p, size_t i)
{
	char *raw = xstrndup(p->bytes.data + p->v[i].at, p->v[i].len < 80 ? p->v[i].len : 80), *clean = text_clean(raw);

	free(raw);
	return clean;
}

/* The first part that is not the same, as it was and as it is. */
char *
plan_difference(const struct plan_bytes *before, const struct plan_bytes *now)
{
	size_t i = 0;
	char *was, *is, *text;

	while (i < before->n && i < now->n && strcmp(before->v[i].label, now->v[i].label) == 0 && before->v[i].len == now->v[i].len &&
	    memcmp(before->bytes.data + before->v[i].at, now->bytes.data + now->v[i].at, now->v[i].len) == 0)
		i++;
	if (i >= before->n || i >= now->n || strcmp(before->v[i].label, now->v[i].label) != 0)
		return xasprintf("%s is new, or gone", i < now->n ? now->v[i].label : i < before->n ? before->v[i].label : "its end");
	was = shown(before, i);
	is = shown(now, i);
	text = xasprintf("%s was %s, is %s", now->v[i].label, *was != '\0' ? was : "nothing", *is != '\0' ? is : "nothing");
	free(was);
	free(is);
	return text;
}
