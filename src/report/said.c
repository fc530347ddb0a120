/* Notes, messages to the public, what changed around the start, and what whoever takes over must know. */
#include "config.h"

#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "report/report_priv.h"

#define CHANGES_BEFORE_NS (2 * NS_PER_HOUR)

static struct said
said_of(const struct row *w)
{
	return (struct said){ .at_ns = w->at_ns, .who = w->who, .text = w->text, .evidence = w->evidence };
}

static bool
is_change(const struct row *w)
{
	return w->kind == ROW_CHANGE || w->kind == ROW_MODEL || (w->kind == ROW_DRIFT && !w->is_end);
}

/* Changes that were known when the window began: older than the timeline's rows, but near the start. The first chunk that is here holds them, too. */
static void
changes_before(struct report *r, const struct taped *t)
{
	const struct timeline_entry *v;
	size_t n = player_timeline(t->player, &v);

	for (size_t i = 0; i < n; i++) {
		const struct chunk *chunk = chunk_known(t, v[i].known_ns);
		bool is_known = v[i].kind != TIMELINE_CHANGE || v[i].known_ns >= r->from_ns || v[i].at_ns >= r->from_ns || v[i].at_ns < r->opened_ns - CHANGES_BEFORE_NS;
		const char *text = is_known ? "" : entry_text(r, &v[i]);

		for (size_t j = 0; j < r->changes.n && !is_known; j++)
			is_known = r->changes.v[j].at_ns == v[i].at_ns && str_eq(r->changes.v[j].text, text);
		if (!is_known)
			*LIST_ADD(&r->changes) = (struct said){ .at_ns = v[i].at_ns, .who = "", .text = text,
				.evidence = { .chunk = chunk != NULL ? chunk : t->n_chunks > 0 ? &t->chunks[0] : NULL } };
	}
}

static void
config_of(struct report *r)
{
	const char *last = NULL;

	for (size_t i = 0; i < r->entries.n; i++) {
		const struct entry *e = &r->entries.v[i];
		const char *sha = rep_member(r, &e->rec, "config_sha256");

		if (e->rec.type != AUDIT_OPENED || *sha == '\0' || str_eq(sha, last))
			continue;
		*LIST_ADD(&r->changes) = (struct said){ .at_ns = e->rec.time_ns, .who = people_shown(r, e->rec.user), .evidence = evidence_of(e),
			.text = rep_fmt(r, "opsconsole %s began with the configuration %.*s", rep_member(r, &e->rec, "version"), REPORT_HASH_SHOWN, sha) };
		last = sha;
	}
}

static void
sort_changes(struct report *r)
{
	for (size_t i = 1; i < r->changes.n; i++)
		for (size_t j = i; j > 0 && r->changes.v[j].at_ns < r->changes.v[j - 1].at_ns; j--) {
			struct said s = r->changes.v[j];

			r->changes.v[j] = r->changes.v[j - 1];
			r->changes.v[j - 1] = s;
		}
}

/* --- handover ------------------------------------------------------------------------------------------------------------- */

static void
hand_over(struct report *r, const char *text, struct evidence evidence, int64_t at_ns)
{
	*LIST_ADD(&r->handover) = (struct said){ .at_ns = at_ns, .who = "", .text = text, .evidence = evidence };
}

static void
open_tries(struct report *r)
{
	for (size_t i = 0; i < r->tried.n; i++) {
		const struct tried *t = r->tried.v[i];

		if (!t->is_ended)
			hand_over(r, t->is_run ? rep_fmt(r, "Run %s of %s has no end: see how it stands before anything else is begun on its hosts.", t->id, t->name) :
			    rep_fmt(r, "%s %s has no result: its outcome is unknown.", t->name, t->target), t->evidence, t->begun_ns);
		for (size_t j = 0; j < t->steps.n; j++)
			if (t->steps.v[j].is_unknown)
				hand_over(r, rep_fmt(r, "%s%s%s of run %s: the outcome is unknown.", t->steps.v[j].step, *t->steps.v[j].host != '\0' ? " on " : "", t->steps.v[j].host,
				    t->id), t->steps.v[j].evidence, t->steps.v[j].at_ns);
	}
}

static void
open_alerts(struct report *r, const struct taped *t)
{
	int64_t at_ns = t->info.last_ns < r->to_ns ? t->info.last_ns : r->to_ns;
	const struct model *m = player_seek(t->player, at_ns, NULL);
	struct evidence where = { .chunk = t->n_chunks > 0 ? &t->chunks[t->n_chunks - 1] : NULL };

	for (size_t i = 0; m != NULL && i < model_n_alerts(m); i++) {
		const struct model_alert *a = model_alert(m, i);

		if (a->state == ALERT_FIRING && a->severity >= SEVERITY_TICKET)
			hand_over(r, rep_fmt(r, "%s still fires (%s).", rep_cleans(r, a->name), severity_name(a->severity)), where, at_ns);
	}
	for (size_t i = 0; m != NULL && i < model_n_silences(m); i++) {
		const struct silence *s = model_silence(m, i)->silence;

		if (s->state == SILENCE_ACTIVE)
			hand_over(r, rep_fmt(r, "A silence holds until %s: %s", rep_time(r, s->ends_ns), rep_cleans(r, s->comment)), where, at_ns);
	}
	for (size_t i = 0; i < r->impacts.n; i++)
		if (r->impacts.v[i]->is_burning_last)
			hand_over(r, rep_fmt(r, "Objective %s still burns.", r->impacts.v[i]->name), where, at_ns);
}

static const struct taped *
newest_tape(const struct report *r)
{
	const struct taped *t = NULL;

	for (size_t i = 0; i < r->tapes.n; i++)
		if (t == NULL || r->tapes.v[i].info.last_ns > t->info.last_ns)
			t = &r->tapes.v[i];
	return t;
}

static void
tell_chains(struct report *r)
{
	for (size_t i = 0; i < r->chains.n; i++) {
		const struct chain *c = r->chains.v[i];

		if (!c->is_good)
			rep_missing(r, rep_fmt(r, "Chain %s does not verify (%s): %s", c->label, audit_verdict_name(c->verdict.verdict), rep_cleans(r, c->verdict.text)));
		if (c->n_left_out > 0)
			rep_missing(r, rep_fmt(r, "%zu line%s of chain %s %s no record that holds, and %s left out.", c->n_left_out, c->n_left_out == 1 ? "" : "s", c->label,
			    c->n_left_out == 1 ? "is" : "are", c->n_left_out == 1 ? "is" : "are"));
		if (!c->verdict.has_head)
			rep_missing(r, rep_fmt(r, "Chain %s had no head to compare with: records cut off at its end would not show.", c->label));
		if (c->n_own == 0)
			rep_missing(r, rep_fmt(r, "Chain %s knows nothing of this incident.", c->label));
	}
}

/* Nothing is missing where no console ran before the incident was opened. */
static int64_t
looked_from(const struct report *r)
{
	return r->recorded_from_ns != 0 && r->recorded_from_ns < r->opened_ns ? r->recorded_from_ns : r->opened_ns;
}

void
said_make(struct report *r)
{
	const struct taped *newest = newest_tape(r);

	for (size_t i = 0; i < r->rows.n; i++) {
		const struct row *w = &r->rows.v[i];

		if (w->kind == ROW_NOTE)
			*LIST_ADD(&r->notes) = said_of(w);
		else if (w->kind == ROW_MESSAGE)
			*LIST_ADD(&r->messages) = said_of(w);
		else if (is_change(w) && w->at_ns >= r->opened_ns - CHANGES_BEFORE_NS)
			*LIST_ADD(&r->changes) = said_of(w);
	}
	for (size_t i = 0; i < r->tapes.n; i++)
		changes_before(r, &r->tapes.v[i]);
	config_of(r);
	sort_changes(r);
	if (r->closed_ns == 0)
		hand_over(r, "The incident is not closed.", (struct evidence){ .n_cites = 0 }, r->to_ns);
	open_tries(r);
	if (newest != NULL)
		open_alerts(r, newest);
	if (r->unrecorded_ns > 0 && r->tapes.n > 0)
		rep_missing(r, rep_fmt(r, "%s of the %s looked at are not recorded.", rep_duration(r, r->unrecorded_ns),
		    rep_duration(r, r->to_ns - looked_from(r))));
	tell_chains(r);
}
