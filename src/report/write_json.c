/* The review as one JSON object: all that the other formats say, and the numbers behind them. doc/opsconsole-report.5 describes the members. */
#include "config.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit/record.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/str.h"
#include "report/report_priv.h"

/* --- values -------------------------------------------------------------------------------------------------------------- */

static json_t *
time_json(int64_t ns)
{
	char text[CLOCK_TEXT_MAX];

	return ns == 0 ? json_null() : json_string(clock_format(text, ns, 9));
}

static json_t *
text_json(const char *text)
{
	return text == NULL ? json_null() : json_string(text);
}

static json_t *
real_json(double v)
{
	return isfinite(v) ? json_real(v) : json_null();
}

static json_t *
ms_json(int64_t ns)
{
	return json_integer(ns / NS_PER_MS);
}

static json_t *
chunk_json(const struct chunk *c)
{
	json_t *o = json_object();

	json_object_set_new(o, "recording", text_json(c->recording));
	json_object_set_new(o, "number", json_integer((json_int_t)c->number));
	json_object_set_new(o, "from", time_json(c->from_ns));
	json_object_set_new(o, "to", time_json(c->to_ns));
	json_object_set_new(o, "bytes", json_integer((json_int_t)c->bytes));
	json_object_set_new(o, "sha256", *c->sha256 != '\0' ? json_string(c->sha256) : json_null());
	json_object_set_new(o, "state", json_string(chunk_state_name(c->state)));
	json_object_set_new(o, "problem", *c->problem != '\0' ? text_json(c->problem) : json_null());
	return o;
}

static json_t *
cite_json(const struct cite *c)
{
	return json_pack("{s:s, s:I, s:s, s:b}", "chain", c->chain->label, "seq", (json_int_t)c->seq, "hash", c->hash, "verified", c->is_trusted);
}

/* Records first; of the recording: the chunk, and the record that names it. */
static json_t *
evidence_json(const struct evidence *v)
{
	json_t *o = json_object(), *records = json_array();

	for (size_t i = 0; i < v->n_cites; i++)
		json_array_append_new(records, cite_json(&v->cites[i]));
	if (v->chunk != NULL && v->chunk->cite.chain != NULL)
		json_array_append_new(records, cite_json(&v->chunk->cite));
	json_object_set_new(o, "records", records);
	json_object_set_new(o, "chunk", v->chunk == NULL ? json_null() : json_pack("{s:s, s:I, s:s, s:s}", "recording", v->chunk->recording, "number",
	    (json_int_t)v->chunk->number, "sha256", v->chunk->sha256, "state", chunk_state_name(v->chunk->state)));
	return o;
}

/* --- sections --------------------------------------------------------------------------------------------------------------- */

static json_t *
incident_json(const struct report *r)
{
	json_t *o = json_object();

	json_object_set_new(o, "id", text_json(r->incident));
	json_object_set_new(o, "title", text_json(r->title));
	json_object_set_new(o, "env", text_json(r->env));
	json_object_set_new(o, "state", text_json(r->state));
	json_object_set_new(o, "opened", time_json(r->opened_ns));
	json_object_set_new(o, "closed", time_json(r->closed_ns));
	json_object_set_new(o, "from", time_json(r->from_ns));
	json_object_set_new(o, "to", time_json(r->to_ns));
	return o;
}

static json_t *
samples_json(const struct report *r, const double *v)
{
	json_t *a = json_array();

	for (size_t i = 0; i < r->n_samples; i++)
		json_array_append_new(a, real_json(v[i]));
	return a;
}

static json_t *
objective_json(struct report *r, const struct impact *v)
{
	json_t *o = json_object();
	double bad = v->bad_last - v->bad_first;
	bool is_same_window = v->is_rolling || v->start_first_ns == v->start_last_ns;
	struct evidence where = { .chunk = v->peak_chunk != NULL ? v->peak_chunk : v->last_chunk };

	json_object_set_new(o, "id", text_json(v->id));
	json_object_set_new(o, "name", text_json(v->name));
	json_object_set_new(o, "title", text_json(v->title));
	json_object_set_new(o, "target", real_json(v->target));
	json_object_set_new(o, "window", text_json(v->window));
	json_object_set_new(o, "burning_ms", ms_json(v->burning_ns));
	json_object_set_new(o, "exhausted_ms", ms_json(v->spent_ns));
	json_object_set_new(o, "unknown_ms", ms_json(v->unknown_ns));
	json_object_set_new(o, "burning_from", time_json(v->burn_first_ns));
	json_object_set_new(o, "burning_to", time_json(v->burn_last_ns));
	json_object_set_new(o, "budget_spent", is_same_window ? real_json(v->left_first - v->left_last) : json_null());
	json_object_set_new(o, "budget_left", real_json(v->left_last));
	json_object_set_new(o, "budget_ms", v->budget_ns > 0 ? ms_json(v->budget_ns) : json_null());
	json_object_set_new(o, "budget_text", text_json(impact_spent_text(r, v)));
	json_object_set_new(o, "requests_failed", v->counts_events && is_same_window && bad >= 0 ? real_json(bad) : json_null());
	json_object_set_new(o, "requests_failed_text", text_json(impact_failed_text(r, v)));
	json_object_set_new(o, "peak", real_json(v->peak));
	json_object_set_new(o, "peak_at", time_json(v->peak_ns));
	json_object_set_new(o, "burn", samples_json(r, v->burn));
	json_object_set_new(o, "evidence", evidence_json(&where));
	return o;
}

static json_t *
hurt_json(const struct report *r, const struct hurt *h)
{
	const struct tried *run = hurt_run(r, h);
	struct evidence where = { .chunk = h->chunk };
	json_t *o = json_object();

	json_object_set_new(o, "kind", text_json(h->kind));
	json_object_set_new(o, "name", text_json(h->name));
	json_object_set_new(o, "state", text_json(h->state));
	json_object_set_new(o, "for_ms", ms_json(h->total_ns));
	json_object_set_new(o, "from", time_json(h->first_ns));
	json_object_set_new(o, "to", time_json(h->last_ns));
	json_object_set_new(o, "still", json_boolean(h->is_so_last));
	json_object_set_new(o, "hosts", text_json(h->hosts));
	json_object_set_new(o, "during", text_json(run != NULL ? run->id : NULL));
	json_object_set_new(o, "evidence", evidence_json(&where));
	return o;
}

static json_t *
impact_json(struct report *r)
{
	json_t *o = json_object(), *objectives = json_array(), *hurts = json_array(), *curves = json_array();

	for (size_t i = 0; i < r->impacts.n; i++)
		json_array_append_new(objectives, objective_json(r, r->impacts.v[i]));
	for (size_t i = 0; i < r->hurts.n; i++)
		json_array_append_new(hurts, hurt_json(r, r->hurts.v[i]));
	for (size_t i = 0; i < r->curves.n; i++) {
		const struct curve *c = r->curves.v[i];
		json_t *q = json_object();

		json_object_set_new(q, "id", text_json(c->id));
		json_object_set_new(q, "title", text_json(c->title));
		json_object_set_new(q, "unit", text_json(c->unit));
		json_object_set_new(q, "objective", real_json(c->objective));
		json_object_set_new(q, "values", samples_json(r, c->v));
		json_array_append_new(curves, q);
	}
	json_object_set_new(o, "recorded", json_boolean(r->tapes.n > 0));
	json_object_set_new(o, "recorded_from", time_json(r->recorded_from_ns));
	json_object_set_new(o, "recorded_to", time_json(r->recorded_to_ns));
	json_object_set_new(o, "step_ms", ms_json(r->step_ns));
	json_object_set_new(o, "unrecorded_ms", ms_json(r->unrecorded_ns));
	json_object_set_new(o, "objectives", objectives);
	json_object_set_new(o, "models_and_hosts", hurts);
	json_object_set_new(o, "queries", curves);
	return o;
}

static json_t *
timeline_json(const struct report *r)
{
	json_t *a = json_array();

	for (size_t i = 0; i < r->rows.n; i++) {
		const struct row *w = &r->rows.v[i];
		json_t *o = json_object();

		json_object_set_new(o, "at", time_json(w->at_ns));
		json_object_set_new(o, "known", time_json(w->known_ns));
		json_object_set_new(o, "kind", json_string(row_kind_name(w->kind)));
		json_object_set_new(o, "end", json_boolean(w->is_end));
		json_object_set_new(o, "page", json_boolean(w->is_page));
		json_object_set_new(o, "of_incident", json_boolean(!w->is_beside));
		json_object_set_new(o, "who", text_json(w->who));
		json_object_set_new(o, "text", text_json(w->text));
		json_object_set_new(o, "evidence", evidence_json(&w->evidence));
		json_array_append_new(a, o);
	}
	return a;
}

static json_t *
detection_json(const struct report *r)
{
	json_t *o = json_object();

	for (size_t i = 0; i < 4; i++) {
		const struct measure *m = &r->measures[i];
		json_t *v = json_object();

		json_object_set_new(v, "ms", m->is_known ? ms_json(measure_ns(m)) : json_null());
		json_object_set_new(v, "instead", text_json(m->instead));
		json_object_set_new(v, "from", m->is_known ? time_json(m->from_ns) : json_null());
		json_object_set_new(v, "to", m->is_known ? time_json(m->to_ns) : json_null());
		json_object_set_new(v, "basis", text_json(m->basis));
		json_object_set_new(v, "evidence_from", evidence_json(&m->from));
		json_object_set_new(v, "evidence_to", evidence_json(&m->to));
		json_object_set_new(o, m->name, v);
	}
	json_object_set_new(o, "change", json_null());
	if (r->change != NULL) {
		json_t *c = json_object();

		json_object_set_new(c, "at", time_json(r->change->at_ns));
		json_object_set_new(c, "text", text_json(r->change->text));
		json_object_set_new(c, "evidence", evidence_json(&r->change->evidence));
		json_object_set_new(o, "change", c);
	}
	return o;
}

static json_t *
step_json(const struct tried_step *s)
{
	json_t *o = json_object();

	json_object_set_new(o, "step", text_json(s->step));
	json_object_set_new(o, "host", text_json(s->host));
	json_object_set_new(o, "batch", s->batch >= 0 ? json_integer(s->batch + 1) : json_null());
	json_object_set_new(o, "undo", json_boolean(s->is_undo));
	json_object_set_new(o, "at", time_json(s->at_ns));
	json_object_set_new(o, "what", text_json(s->what));
	json_object_set_new(o, "outcome", s->is_unknown ? json_string("unknown") : text_json(s->outcome));
	json_object_set_new(o, "text", text_json(s->text));
	json_object_set_new(o, "elapsed_ms", s->elapsed_ms >= 0 ? json_integer(s->elapsed_ms) : json_null());
	json_object_set_new(o, "evidence", evidence_json(&s->evidence));
	return o;
}

static json_t *
one_tried_json(const struct tried *t)
{
	json_t *o = json_object(), *steps = json_array();

	for (size_t i = 0; i < t->steps.n; i++)
		json_array_append_new(steps, step_json(&t->steps.v[i]));
	json_object_set_new(o, t->is_run ? "run" : "verb", text_json(t->is_run ? t->id : t->name));
	if (t->is_run)
		json_object_set_new(o, "runbook", text_json(t->name));
	json_object_set_new(o, t->is_run ? "target" : "object", text_json(t->target));
	json_object_set_new(o, t->is_run ? "title" : "why", text_json(t->title));
	json_object_set_new(o, "who", text_json(t->who));
	json_object_set_new(o, "of_incident", json_boolean(!t->is_beside));
	json_object_set_new(o, "begun", time_json(t->begun_ns));
	json_object_set_new(o, "ended", time_json(t->ended_ns));
	json_object_set_new(o, "outcome", text_json(t->outcome));
	json_object_set_new(o, "text", text_json(t->text));
	if (t->is_run) {
		json_object_set_new(o, "confirmed", text_json(t->confirmed));
		json_object_set_new(o, "plan", text_json(t->plan));
		json_object_set_new(o, "exit", t->exit >= 0 ? json_integer(t->exit) : json_null());
		json_object_set_new(o, "verified", json_boolean(t->is_verified));
		json_object_set_new(o, "steps", steps);
	} else {
		json_decref(steps);
	}
	json_object_set_new(o, "evidence", evidence_json(&t->evidence));
	return o;
}

static json_t *
tried_json(const struct report *r)
{
	json_t *runs = json_array(), *acts = json_array(), *o = json_object();

	for (size_t i = 0; i < r->tried.n; i++)
		json_array_append_new(r->tried.v[i]->is_run ? runs : acts, one_tried_json(r->tried.v[i]));
	json_object_set_new(o, "runs", runs);
	json_object_set_new(o, "acts", acts);
	return o;
}

static json_t *
said_json(const struct said *v, size_t n)
{
	json_t *a = json_array();

	for (size_t i = 0; i < n; i++) {
		json_t *o = json_object();

		json_object_set_new(o, "at", time_json(v[i].at_ns));
		json_object_set_new(o, "who", text_json(v[i].who));
		json_object_set_new(o, "text", text_json(v[i].text));
		json_object_set_new(o, "evidence", evidence_json(&v[i].evidence));
		json_array_append_new(a, o);
	}
	return a;
}

static json_t *
chain_json(struct report *r, const struct chain *c)
{
	json_t *o = json_object();

	json_object_set_new(o, "chain", text_json(c->label));
	json_object_set_new(o, "of", c->writer != NULL ? text_json(people_shown(r, c->writer)) : json_null());
	json_object_set_new(o, "path", text_json(c->path));
	json_object_set_new(o, "packed", json_boolean(c->is_packed));
	json_object_set_new(o, "verdict", json_string(audit_verdict_name(c->verdict.verdict)));
	json_object_set_new(o, "text", text_json(rep_cleans(r, c->verdict.text)));
	json_object_set_new(o, "records", json_integer((json_int_t)c->verdict.records));
	json_object_set_new(o, "first_seq", json_integer((json_int_t)c->verdict.first_seq));
	json_object_set_new(o, "last_seq", json_integer((json_int_t)c->verdict.last_seq));
	json_object_set_new(o, "last_hash", json_string(c->verdict.last_hash));
	json_object_set_new(o, "has_head", json_boolean(c->verdict.has_head));
	json_object_set_new(o, "of_incident", json_integer((json_int_t)c->n_own));
	json_object_set_new(o, "of_its_time", json_integer((json_int_t)c->n_beside));
	json_object_set_new(o, "left_out", json_integer((json_int_t)c->n_left_out));
	json_object_set_new(o, "clock_steps_back", json_integer((json_int_t)c->n_steps_back));
	return o;
}

static json_t *
anchors_json(struct report *r)
{
	json_t *a = json_array();

	for (size_t i = 0; i < r->entries.n; i++) {
		const struct entry *e = &r->entries.v[i];
		struct evidence v;
		json_t *o;

		if (e->rec.type != AUDIT_ANCHOR)
			continue;
		v = evidence_of(e);
		o = json_object();
		json_object_set_new(o, "at", time_json(e->rec.time_ns));
		json_object_set_new(o, "head", text_json(rep_member(r, &e->rec, "head")));
		json_object_set_new(o, "kind", text_json(rep_member(r, &e->rec, "kind")));
		json_object_set_new(o, "where", text_json(rep_member(r, &e->rec, "where")));
		json_object_set_new(o, "key", text_json(rep_member(r, &e->rec, "key")));
		json_object_set_new(o, "evidence", evidence_json(&v));
		json_array_append_new(a, o);
	}
	return a;
}

static json_t *
integrity_json(struct report *r)
{
	json_t *o = json_object(), *chains = json_array(), *chunks = json_array(), *missing = json_array();

	for (size_t i = 0; i < r->chains.n; i++)
		json_array_append_new(chains, chain_json(r, r->chains.v[i]));
	for (size_t i = 0; i < r->tapes.n; i++)
		for (size_t j = 0; j < r->tapes.v[i].n_chunks; j++) {
			const struct chunk *c = &r->tapes.v[i].chunks[j];
			json_t *v = chunk_json(c);

			json_object_set_new(v, "record", c->cite.chain != NULL ? cite_json(&c->cite) : json_null());
			json_array_append_new(chunks, v);
		}
	for (size_t i = 0; i < r->missing.n; i++)
		json_array_append_new(missing, text_json(r->missing.v[i]));
	json_object_set_new(o, "sound", json_boolean(r->is_sound));
	json_object_set_new(o, "chains", chains);
	json_object_set_new(o, "anchors", anchors_json(r));
	json_object_set_new(o, "chunks", chunks);
	json_object_set_new(o, "missing", missing);
	return o;
}

static json_t *
people_json(const struct report *r)
{
	json_t *a = json_array();

	for (size_t i = 0; r->o.has_names && i < r->people.n; i++)
		json_array_append_new(a, json_pack("{s:s, s:s}", "name", r->people.v[i]->shown, "role", r->people.v[i]->role));
	return a;
}

/* --- what a person wrote ---------------------------------------------------------------------------------------------------------- */

static json_t *
yours_json(json_t *prompts)
{
	json_t *yours = json_object();

	for (const struct prompt *p = report_prompts; p->name != NULL; p++) {
		json_object_set_new(yours, p->name, json_string(""));
		json_object_set_new(prompts, p->name, json_string(p->lines[0]));
	}
	return yours;
}

/* Tools write 1.0 as 1, and 1e-05 as 0.00001: the same number has one text here. */
static json_t *
canonical(const json_t *v)
{
	json_t *made, *item;
	const char *name;
	char text[64];
	size_t i;

	switch (json_typeof(v)) {
	case JSON_OBJECT:
		made = json_object();
		json_object_foreach((json_t *)(uintptr_t)v, name, item)
			json_object_set_new(made, name, canonical(item));
		return made;
	case JSON_ARRAY:
		made = json_array();
		json_array_foreach(v, i, item)
			json_array_append_new(made, canonical(item));
		return made;
	case JSON_INTEGER:
	case JSON_REAL:
		snprintf(text, sizeof text, "#%.15g", json_number_value(v) + 0.0);	/* + 0: no -0 */
		return json_string(text);
	default:
		return json_deep_copy(v);
	}
}

/* Of all but what is a person's. */
static void
sum_of(const json_t *document, char *ret_hex)
{
	json_t *rest, *generated = json_copy((json_t *)(uintptr_t)document);
	char *text;

	json_object_del(generated, "yours");
	json_object_del(generated, "generated");
	rest = canonical(generated);
	json_decref(generated);
	text = json_dumps(rest, JSON_COMPACT | JSON_SORT_KEYS);
	digest_hex(text != NULL ? text : "", text != NULL ? strlen(text) : 0, ret_hex);
	free(text);
	json_decref(rest);
}

static int
keep_yours(json_t *document, const char *old, size_t old_len, struct err *err)
{
	json_error_t bad;
	json_t *before = json_loadb(old, old_len, JSON_REJECT_DUPLICATES, &bad), *yours = json_object_get(before, "yours"), *value;
	char hex[AUDIT_HASH_HEX + 1], shown[256];
	const char *name;
	int result = 0;

	if (before == NULL)
		return err_set(err, ERR_SYNTAX, "line %d: this is not JSON any more: %s", bad.line, str_escape_to(shown, sizeof shown, bad.text));
	if (!str_eq(json_string_value(json_object_get(before, "document")), "opsconsole-report") || !json_is_object(yours)) {
		result = err_set(err, ERR_SYNTAX, "this is no review that opsconsole wrote, or its object \"yours\" is missing");
	} else {
		sum_of(before, hex);
		if (!str_eq(json_string_value(json_object_get(before, "generated")), hex))
			result = err_set(err, ERR_INVALID, "something outside of \"yours\" was changed, and would be lost: move it into a member of \"yours\", or write to another file");
	}
	if (result == 0)
		json_object_foreach(yours, name, value)
			json_object_set(json_object_get(document, "yours"), name, value);
	json_decref(before);
	return result;
}

static json_t *
document_json(struct report *r)
{
	json_t *o = json_object(), *prompts = json_object(), *yours = yours_json(prompts);

	json_object_set_new(o, "document", json_string("opsconsole-report"));
	json_object_set_new(o, "format", json_integer(1));
	json_object_set_new(o, "version", json_string(PACKAGE_VERSION));
	json_object_set_new(o, "made", time_json(r->o.now_ns));
	json_object_set_new(o, "incident", incident_json(r));
	json_object_set_new(o, "yours", yours);
	json_object_set_new(o, "prompts", prompts);
	json_object_set_new(o, "impact", impact_json(r));
	json_object_set_new(o, "timeline", timeline_json(r));
	json_object_set_new(o, "detection", detection_json(r));
	json_object_set_new(o, "tried", tried_json(r));
	json_object_set_new(o, "changes", said_json(r->changes.v, r->changes.n));
	json_object_set_new(o, "messages", said_json(r->messages.v, r->messages.n));
	json_object_set_new(o, "notes", said_json(r->notes.v, r->notes.n));
	json_object_set_new(o, "handover", said_json(r->handover.v, r->handover.n));
	json_object_set_new(o, "integrity", integrity_json(r));
	json_object_set_new(o, "people", people_json(r));
	return o;
}

int
write_json(struct report *r, const char *old, size_t old_len, struct buf *b, struct err *err)
{
	json_t *o = document_json(r);
	char hex[AUDIT_HASH_HEX + 1], *text;
	int result = 0;

	sum_of(o, hex);
	json_object_set_new(o, "generated", json_string(hex));
	if (old != NULL)
		result = keep_yours(o, old, old_len, err);
	text = result == 0 ? json_dumps(o, JSON_INDENT(2)) : NULL;
	if (result == 0 && (text == NULL || buf_addstr(b, text) < 0 || buf_addch(b, '\n') < 0))
		result = err_set(err, ERR_LIMIT, "the review is longer than %zu bytes", b->max);
	free(text);
	json_decref(o);
	return result;
}
