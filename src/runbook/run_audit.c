/* Records of a run: bodies as audit/record.h lists them. Values of secrets are marks already; audit_record_write() masks once more. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/secrets.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "runbook/run_priv.h"

/* Text that may hold any byte, as JSON can have it. */
static json_t *
text_json(const char *s, size_t len)
{
	struct buf b;
	json_t *j;

	if (s == NULL)
		return json_null();
	if (utf8_is_valid(s, len) && memchr(s, '\0', len) == NULL)
		return json_stringn(s, len);
	buf_init(&b, SIZE_MAX);
	str_escape(&b, s, len);
	j = json_stringn(b.data, b.len);
	buf_done(&b);
	return j != NULL ? j : json_string("");
}

static json_t *
str_json(const char *s)
{
	return text_json(s, s != NULL ? strlen(s) : 0);
}

void
run_audit_failed(struct run *r, const char *why)
{
	r->is_durable = false;
	if (r->is_audit_broken)
		return;
	r->is_audit_broken = true;
	text_set(&r->audit_why, "%s", why != NULL ? why : "it gave no reason");
	info_touch(r);
	run_kick(r);
}

static void
on_recorded(const struct audit_done *done, void *arg)
{
	struct run *r = arg;

	if (done->err_code != 0)
		run_audit_failed(r, done->err);
	else
		r->seq_last = done->seq;
}

static void
append(struct run *r, enum audit_type type, json_t *body, audit_done_cb *cb, void *arg)
{
	struct audit_draft d = { .type = type, .run = r->id, .incident = r->incident, .body = body };

	audit_append(r->w->audit, &d, cb, arg);
}

static json_t *
hosts_json(const struct run *r, size_t first, size_t n)
{
	json_t *a = json_array();

	for (size_t i = first; i < first + n; i++)
		json_array_append_new(a, str_json(r->lanes[i].name));
	return a;
}

static json_t *
plan_lines(struct run *r)
{
	json_t *a = json_array();

	for (size_t i = 0; i < r->n_facts; i++) {
		char *line = xasprintf("%s: %s", r->facts[i].name, r->facts[i].text);

		json_array_append_new(a, str_json(line));
		free(line);
	}
	return a;
}

void
record_start(struct run *r, audit_done_cb *cb)
{
	json_t *body = json_object(), *params = json_object(), *batches = json_array();

	for (size_t i = 0; i < r->n_values; i++)
		json_object_set_new(params, r->values[i].param->name,
		    r->values[i].param->type == PARAM_SECRET ? str_json("[secret]") : str_json(r->values[i].value));
	for (size_t i = 0; i < r->n_batches; i++)
		json_array_append_new(batches, hosts_json(r, r->batches[i].first, r->batches[i].n));
	json_object_set_new(body, "runbook", str_json(r->rb->name));
	json_object_set_new(body, "file", str_json(r->rb->file));
	json_object_set_new(body, "sha256", str_json(r->rb->sha256));
	json_object_set_new(body, "title", str_json(r->rb->title));
	json_object_set_new(body, "params", params);
	json_object_set_new(body, "hosts", hosts_json(r, 0, r->n_lanes));
	json_object_set_new(body, "batches", batches);
	json_object_set_new(body, "plan", str_json(r->plan.hash));
	json_object_set_new(body, "danger", str_json(danger_name(r->rb->danger)));
	json_object_set_new(body, "confirm", str_json(r->target));
	json_object_set_new(body, "confirmed", str_json(r->how));
	json_object_set_new(body, "resume", str_json(r->resume));
	json_object_set_new(body, "lines", plan_lines(r));
	append(r, AUDIT_RUN_START, body, cb, r);
}

void
record_state(struct run *r, const char *state, const char *text)
{
	json_t *body = json_object();

	json_object_set_new(body, "batch", r->n_batches > 0 ? json_integer((json_int_t)r->batch) : json_null());
	json_object_set_new(body, "state", str_json(state));
	json_object_set_new(body, "text", str_json(text));
	append(r, AUDIT_RUN_STATE, body, on_recorded, r);
}

static void
set_place(json_t *body, const struct lane *l, size_t column)
{
	json_object_set_new(body, "step", str_json(l->run->columns[column].name));
	json_object_set_new(body, "host", str_json(l->name));
}

static const struct bound *
what_is_bound(const struct cell *c, bool is_undo)
{
	return is_undo && c->undo != NULL ? c->undo : c->act;
}

void
record_intent(struct lane *l, size_t column, bool is_undo, audit_done_cb *cb)
{
	const struct cell *c = &l->cells[column];
	json_t *body = json_object();
	char *what = is_undo && c->undo == NULL ? xasprintf("restore %s: %s", c->previous != NULL ? c->previous : "what was there", bound_text(c->act)) :
	    xstrdup(bound_text(what_is_bound(c, is_undo)));

	set_place(body, l, column);
	json_object_set_new(body, "batch", l->batch >= 0 ? json_integer(l->batch) : json_null());
	json_object_set_new(body, "attempt", json_integer(c->attempt));
	json_object_set_new(body, "nonce", str_json(c->nonce));
	json_object_set_new(body, "what", str_json(what));
	json_object_set_new(body, "undo", json_boolean(is_undo));
	free(what);
	append(l->run, AUDIT_INTENT, body, cb, l);
}

/* The head of an output. Masked before it is cut, so that no part of a secret is left at the edge. */
static json_t *
head_json(const char *bytes, size_t len)
{
	struct buf b;
	json_t *j;
	size_t keep;

	buf_init(&b, SIZE_MAX);
	secrets_mask(&b, bytes != NULL ? bytes : "", bytes != NULL ? len : 0);
	keep = b.len < RUN_HEAD_MAX ? b.len : RUN_HEAD_MAX;
	while (keep < b.len && keep > 0 && (b.data[keep] & 0xc0) == 0x80)
		keep--;
	j = text_json(b.data, keep);
	buf_done(&b);
	return j;
}

static void
set_output(json_t *body, struct lane *l, const struct act_result *res)
{
	char hex[2][65];

	output_hash(l, false, hex[0]);
	output_hash(l, true, hex[1]);
	json_object_set_new(body, "out", head_json(res->out, res->out_len));
	json_object_set_new(body, "err", head_json(res->err_out, res->err_len));
	json_object_set_new(body, "out_bytes", json_integer((json_int_t)(res->ssh != NULL ? res->ssh->out_total : res->out_len)));
	json_object_set_new(body, "err_bytes", json_integer((json_int_t)(res->ssh != NULL ? res->ssh->err_total : res->err_len)));
	json_object_set_new(body, "out_sha256", *hex[0] != '\0' ? str_json(hex[0]) : json_null());
	json_object_set_new(body, "err_sha256", *hex[1] != '\0' ? str_json(hex[1]) : json_null());
}

static void
on_result(const struct audit_done *done, void *arg)
{
	struct lane *l = arg;

	if (done->err_code == 0)
		l->cells[l->result_column].result = done->seq;
	on_recorded(done, l->run);
}

void
record_result(struct lane *l, size_t column, bool is_undo, enum outcome outcome, const char *text, const struct act_result *res)
{
	const struct cell *c = &l->cells[column];
	int64_t begun_ns = is_undo ? c->undo_begun_ns : c->started_ns;
	json_t *body = json_object();

	json_object_set_new(body, "intent", c->intent != 0 ? json_integer((json_int_t)c->intent) : json_null());
	set_place(body, l, column);
	json_object_set_new(body, "outcome", str_json(outcome_name(outcome)));
	json_object_set_new(body, "text", str_json(text));
	json_object_set_new(body, "undo", json_boolean(is_undo));
	json_object_set_new(body, "status", res != NULL && res->ssh != NULL && res->ssh->status >= 0 ? json_integer(res->ssh->status) : json_null());
	json_object_set_new(body, "signal", res != NULL && res->ssh != NULL && *res->ssh->signal != '\0' ? str_json(res->ssh->signal) : json_null());
	json_object_set_new(body, "elapsed_ms", begun_ns > 0 ? json_integer((clock_now() - begun_ns) / NS_PER_MS) : json_null());
	json_object_set_new(body, "transport", c->transport != NULL ? str_json(c->transport) : res != NULL && res->ssh != NULL ? str_json("libssh2") : json_null());
	if (res != NULL)
		set_output(body, l, res);
	if (res != NULL && res->evidence != NULL)
		json_object_set(body, "evidence", res->evidence);
	l->result_column = column;
	append(l->run, AUDIT_RESULT, body, on_result, l);
}

static const char *
phase_text(enum run_phase phase)
{
	static const char *const names[] = { [PHASE_CHECK] = "precondition", [PHASE_STEP] = "step", [PHASE_HEALTH] = "health", [PHASE_CLOSING] = "step", [PHASE_VERIFY] = "verify" };

	return names[phase];
}

void
record_check(struct run *r, enum run_phase phase, const char *host, const char *what, const char *expected, const char *found, enum outcome outcome)
{
	json_t *body;

	/* Before the run has begun there is nothing to belong to. */
	if (r->w->audit == NULL || r->state == RUN_PLANNING)
		return;
	body = json_object();
	json_object_set_new(body, "phase", str_json(phase_text(phase)));
	json_object_set_new(body, "host", str_json(host));
	json_object_set_new(body, "what", str_json(what));
	json_object_set_new(body, "expected", str_json(expected));
	json_object_set_new(body, "found", str_json(found));
	json_object_set_new(body, "outcome", str_json(outcome_name(outcome)));
	append(r, AUDIT_CHECK, body, on_recorded, r);
}

static const char *
outcome_word(int exit)
{
	static const char *const words[] = { "done", "failed", "refused", "refused", "undone", "unknown", "refused", "declined", "refused", "not verified" };

	return words[exit];
}

void
record_end(struct run *r, audit_done_cb *cb)
{
	json_t *body = json_object(), *hosts = json_object(), *undone = json_array();

	for (size_t i = 0; i <= r->n_lanes; i++) {
		const struct lane *l = i < r->n_lanes ? &r->lanes[i] : &r->own;

		if (l != &r->own)
			json_object_set_new(hosts, l->name, str_json(l->phrase != NULL ? l->phrase : "unchanged"));
		for (size_t c = 0; c < r->n_columns; c++)
			if (l->cells[c].outcome == OUTCOME_UNDONE)
				json_array_append_new(undone, json_pack("{s:s, s:s}", "step", r->columns[c].name, "host", l->name));
	}
	json_object_set_new(body, "runbook", str_json(r->rb->name));
	json_object_set_new(body, "outcome", str_json(outcome_word(r->exit)));
	json_object_set_new(body, "exit", json_integer(r->exit));
	json_object_set_new(body, "text", str_json(r->text));
	json_object_set_new(body, "hosts", hosts);
	json_object_set_new(body, "undo", undone);
	json_object_set_new(body, "verified", json_boolean(r->is_verified && r->exit == 0));
	append(r, AUDIT_RUN_END, body, cb, r);
}
