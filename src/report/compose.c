/* The review as a document: the sections, in the order in which people ask. */
#include "config.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "report/doc.h"
#include "report/report_priv.h"

#define ROW(d, ...) doc_row((d), (const char *const[]){ __VA_ARGS__ })
#define TABLE(d, ...) doc_table((d), sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(const char *), (const char *const[]){ __VA_ARGS__ })

static const char *const summary_lines[] = { "In a few sentences, for somebody who was not there: what users saw, how long, what helped.", NULL };
static const char *const hard_lines[] = { "What made it hard to see, or hard to act? What did people know, expect and try to do at the time, and why did that make sense?", NULL };
static const char *const worked_lines[] = { "What worked? What would have made this worse had it not been there?", NULL };
static const char *const lucky_lines[] = { "Where were we lucky?", NULL };
static const char *const factor_lines[] = { "Conditions that together made this possible: in the system, its monitoring, its documents, the pressures of the day. Not persons, and seldom only one.", NULL };
static const char *const action_lines[] = { "One line each: what, why (which factor it answers), who owns it, until when.", NULL };
static const char *const review_lines[] = { "Reviewed by, on, status:", NULL };

const struct prompt report_prompts[] = {
	{ "summary", "In words", summary_lines },
	{ "hard", "What made it hard", hard_lines },
	{ "worked", "What worked", worked_lines },
	{ "lucky", "Where we were lucky", lucky_lines },
	{ "factors", "Contributing factors", factor_lines },
	{ "actions", "Action items", action_lines },
	{ "review", "Review", review_lines },
	{ NULL, NULL, NULL }
};

static void
place(struct doc *d, const char *name, unsigned level)
{
	for (const struct prompt *p = report_prompts; p->name != NULL; p++)
		if (strcmp(p->name, name) == 0) {
			doc_heading(d, level, p->title);
			doc_place(d, p->name, p->lines);
		}
}

/* --- summary ---------------------------------------------------------------------------------------------------------------- */

static const char *
measure_text(struct report *r, const struct measure *m)
{
	if (!m->is_known)
		return "not known";
	return m->instead != NULL ? m->instead : rep_duration(r, measure_ns(m));
}

/* What nothing vouches for is not called verified. */
static const char *
evidence_summary(struct report *r)
{
	size_t n = 0, n_held = 0;

	for (size_t i = 0; i < r->tapes.n; i++)
		for (size_t j = 0; j < r->tapes.v[i].n_chunks; j++, n++)
			n_held += r->tapes.v[i].chunks[j].state == CHUNK_HOLDS;
	if (!r->is_sound)
		return "not all of it verifies: see the appendix";
	if (n == 0 && r->n_absent == 0)
		return "every chain verifies; there is no recording";
	if (n_held == n && r->n_absent == 0)
		return "every chain and chunk verifies";
	return rep_fmt(r, "every chain verifies; of %zu chunks %zu are as the chains say, %zu are in no chain, %zu are not here: see the appendix", n + r->n_absent, n_held,
	    n - n_held, r->n_absent);
}

static void
compose_summary(struct report *r, struct doc *d)
{
	size_t n_runs = 0, n_verified = 0, n_unknown = 0, n_burned = 0;

	for (size_t i = 0; i < r->tried.n; i++) {
		const struct tried *t = r->tried.v[i];

		n_runs += t->is_run;
		n_verified += t->is_run && t->is_verified;
		n_unknown += !t->is_ended;
		for (size_t j = 0; j < t->steps.n; j++)
			n_unknown += t->steps.v[j].is_unknown;
	}
	for (size_t i = 0; i < r->impacts.n; i++)
		n_burned += r->impacts.v[i]->burning_ns > 0;
	doc_heading(d, 2, "Summary");
	TABLE(d, "Fact", "Value");
	ROW(d, "Incident", r->incident);
	ROW(d, "Environment", r->env);
	ROW(d, "Opened", rep_time(r, r->opened_ns));
	ROW(d, "Closed", r->closed_ns != 0 ? rep_time(r, r->closed_ns) : "not closed");
	for (size_t i = 0; i < 4; i++)
		ROW(d, r->measures[i].title, measure_text(r, &r->measures[i]));
	ROW(d, "Objectives that burned", r->tapes.n == 0 ? "not recorded" : rep_fmt(r, "%zu of %zu", n_burned, r->impacts.n));
	ROW(d, "Runs", rep_fmt(r, "%zu, %zu verified", n_runs, n_verified));
	ROW(d, "Outcomes unknown", rep_fmt(r, "%zu", n_unknown));
	ROW(d, "Evidence", evidence_summary(r));
	place(d, "summary", 3);
}

/* --- impact -------------------------------------------------------------------------------------------------------------------- */

static const char *
chunk_text(struct report *r, const struct chunk *c)
{
	struct evidence v = { .chunk = c };

	return c != NULL ? evidence_text(r, &v) : "not recorded";
}

static void
compose_objectives(struct report *r, struct doc *d)
{
	TABLE(d, "Objective", "Burning", "Budget spent out", "Unknown", "Budget", "Requests failed", "Peak", "Evidence");
	for (size_t i = 0; i < r->impacts.n; i++) {
		const struct impact *v = r->impacts.v[i];
		char rate[SLO_RATE_MAX];

		ROW(d, rep_fmt(r, "%s: %g%% over %s", v->name, v->target * 100, v->window), v->burning_ns > 0 ? rep_duration(r, v->burning_ns) : "none",
		    v->spent_ns > 0 ? rep_duration(r, v->spent_ns) : "none", v->unknown_ns > 0 ? rep_duration(r, v->unknown_ns) : "none", impact_spent_text(r, v),
		    impact_failed_text(r, v), isnan(v->peak) ? "not recorded" : rep_fmt(r, "%s at %s", slo_rate_text(rate, v->peak), rep_time(r, v->peak_ns)),
		    chunk_text(r, v->peak_chunk != NULL ? v->peak_chunk : v->last_chunk));
	}
}

/* That a console began when it was needed is no gap. */
static const char *
recorded_text(struct report *r)
{
	return r->recorded_from_ns > r->from_ns ? rep_fmt(r, " Recorded from %s on.", rep_time(r, r->recorded_from_ns)) : "";
}

static const char *
hurt_text(struct report *r, const struct hurt *h)
{
	const struct tried *run = hurt_run(r, h);

	return run != NULL ? rep_fmt(r, "%s, during %s (run %s)", h->state, run->name, run->id) : h->state;
}

static void
compose_impact(struct report *r, struct doc *d)
{
	doc_heading(d, 2, "Impact");
	if (r->tapes.n == 0) {
		doc_text(d, "Not recorded: there is no recording of this time.");
		return;
	}
	doc_text(d, rep_fmt(r, "From %s to %s, looked at every %s in the recording; lengths are as exact as that.%s%s", rep_time(r, r->from_ns), rep_time(r, r->to_ns),
	    rep_duration(r, r->step_ns), recorded_text(r), r->unrecorded_ns > 0 ? rep_fmt(r, " Not recorded: %s.", rep_duration(r, r->unrecorded_ns)) : ""));
	if (r->impacts.n == 0)
		doc_text(d, "No objectives are in the recording.");
	else
		compose_objectives(r, d);
	doc_heading(d, 3, "Models and hosts");
	if (r->hurts.n == 0)
		doc_text(d, "None was seen out of step, unserved or down.");
	else
		TABLE(d, "What", "State", "For", "From", "To", "Hosts", "Evidence");
	for (size_t i = 0; i < r->hurts.n; i++) {
		const struct hurt *h = r->hurts.v[i];

		ROW(d, rep_fmt(r, "%s %s", h->kind, h->name), hurt_text(r, h), rep_duration(r, h->total_ns), rep_time(r, h->first_ns),
		    h->is_so_last ? "still so at the end" : rep_time(r, h->last_ns), h->hosts, chunk_text(r, h->chunk));
	}
	doc_graphs(d);
}

/* --- timeline, detection ---------------------------------------------------------------------------------------------------------- */

static void
compose_timeline(struct report *r, struct doc *d)
{
	doc_heading(d, 2, "Timeline");
	doc_text(d, "All times are UTC. Evidence is chain:record and the first digits of its hash; of what the recording shows, the record that holds the SHA-256 of the chunk it is in.");
	TABLE(d, "Time", "Kind", "Who", "What", "Evidence");
	for (size_t i = 0; i < r->rows.n; i++) {
		const struct row *w = &r->rows.v[i];
		bool is_late = w->known_ns - w->at_ns >= 60 * NS_PER_S;

		ROW(d, rep_time(r, w->at_ns), row_kind_name(w->kind), w->who, rep_fmt(r, "%s%s%s", w->text, is_late ? rep_fmt(r, " (known %s later)",
		    rep_duration(r, w->known_ns - w->at_ns)) : "", w->is_beside ? " (names no incident)" : ""), evidence_text(r, &w->evidence));
	}
	if (r->rows.n == 0)
		ROW(d, "", "", "", "Nothing is recorded.", "");
}

static void
compose_detection(struct report *r, struct doc *d)
{
	doc_heading(d, 2, "Detection and response");
	TABLE(d, "Measure", "Time", "From", "To", "Worked out", "Evidence");
	for (size_t i = 0; i < 4; i++) {
		const struct measure *m = &r->measures[i];

		ROW(d, m->title, measure_text(r, m), m->is_known ? rep_time(r, m->from_ns) : "", m->is_known ? rep_time(r, m->to_ns) : "", m->basis,
		    m->is_known ? rep_fmt(r, "%s; %s", evidence_text(r, &m->from), evidence_text(r, &m->to)) : "");
	}
}

/* --- what was tried ----------------------------------------------------------------------------------------------------------------- */

static const char *
elapsed_text(struct report *r, int64_t ms)
{
	if (ms < 0)
		return "";
	if (ms < 1000)
		return rep_fmt(r, "%" PRId64 "ms", ms);
	return ms < 60000 ? rep_fmt(r, "%.1fs", (double)ms / 1000) : rep_duration(r, ms * NS_PER_MS);
}

static void
compose_run(struct report *r, struct doc *d, const struct tried *t)
{
	doc_heading(d, 3, rep_fmt(r, "Run %s: %s%s%s", t->id, t->name, *t->target != '\0' ? " on " : "", t->target));
	doc_text(d, rep_fmt(r, "%s%s%sBegun %s by %s%s%s; %s%s%s: %s%s. Evidence: %s", t->title, *t->title != '\0' ? ". " : "",
	    t->is_beside ? "Its records name no incident. " : "", rep_time(r, t->begun_ns), t->who, *t->confirmed != '\0' ? ", confirmed: " : "", t->confirmed,
	    t->is_ended ? "ended " : "no end is recorded", t->is_ended ? rep_time(r, t->ended_ns) : "", t->is_ended ? rep_fmt(r, " with %s", t->outcome) : "; the outcome is unknown",
	    t->is_ended ? t->text : "it may have done more than is written here", t->is_ended ? t->is_verified ? "; verified" : "; not verified" : "", evidence_text(r, &t->evidence)));
	if (t->steps.n > 0)
		TABLE(d, "Step", "Host", "What was done", "Outcome", "Took", "Evidence");
	for (size_t i = 0; i < t->steps.n; i++) {
		const struct tried_step *s = &t->steps.v[i];

		ROW(d, rep_fmt(r, "%s%s%s", s->is_undo ? "undo of " : "", s->step, s->batch >= 0 ? rep_fmt(r, ", batch %d", s->batch + 1) : ""), s->host, s->what,
		    rep_fmt(r, "%s%s%s", s->is_unknown ? "unknown" : s->outcome, *s->text != '\0' ? ": " : "", s->text),
		    elapsed_text(r, s->elapsed_ms), evidence_text(r, &s->evidence));
	}
}

static void
compose_acts(struct report *r, struct doc *d)
{
	bool has_acts = false;

	for (size_t i = 0; i < r->tried.n; i++)
		has_acts |= !r->tried.v[i]->is_run;
	if (!has_acts)
		return;
	doc_heading(d, 3, "Acts outside runs");
	TABLE(d, "Time", "Who", "What", "Outcome", "Evidence");
	for (size_t i = 0; i < r->tried.n; i++) {
		const struct tried *t = r->tried.v[i];

		if (!t->is_run)
			ROW(d, rep_time(r, t->begun_ns), t->who, rep_fmt(r, "%s %s%s%s%s", t->name, t->target, *t->title != '\0' ? ": " : "", t->title,
			    t->is_beside ? " (names no incident)" : ""), rep_fmt(r, "%s%s%s", t->outcome, *t->text != '\0' ? ": " : "", t->text),
			    evidence_text(r, &t->evidence));
	}
}

static void
compose_tried(struct report *r, struct doc *d)
{
	doc_heading(d, 2, "What was tried");
	if (r->tried.n == 0)
		doc_text(d, "Nothing that changes anything is recorded.");
	for (size_t i = 0; i < r->tried.n; i++)
		if (r->tried.v[i]->is_run)
			compose_run(r, d, r->tried.v[i]);
	compose_acts(r, d);
	for (size_t i = 0; i < r->rows.n; i++)
		if (r->rows.v[i].kind == ROW_LOG)
			doc_item(d, rep_fmt(r, "%s: %s [%s]", rep_time(r, r->rows.v[i].at_ns), r->rows.v[i].text, evidence_text(r, &r->rows.v[i].evidence)));
}

/* --- what was said -------------------------------------------------------------------------------------------------------------------- */

static void
compose_said(struct report *r, struct doc *d, const char *title, const char *none, const struct said *v, size_t n, bool has_who)
{
	doc_heading(d, 2, title);
	if (n == 0) {
		doc_text(d, none);
		return;
	}
	if (has_who)
		TABLE(d, "Time", "Who", "What", "Evidence");
	else
		TABLE(d, "Time", "What", "Evidence");
	for (size_t i = 0; i < n; i++) {
		if (has_who)
			ROW(d, rep_time(r, v[i].at_ns), v[i].who, v[i].text, evidence_text(r, &v[i].evidence));
		else
			ROW(d, rep_time(r, v[i].at_ns), v[i].text, evidence_text(r, &v[i].evidence));
	}
}

/* --- the appendix ---------------------------------------------------------------------------------------------------------------------- */

static void
compose_chains(struct report *r, struct doc *d)
{
	doc_heading(d, 3, "Chains");
	TABLE(d, "Chain", "Of", "Where", "Verdict", "Records", "Of this incident", "Head");
	for (size_t i = 0; i < r->chains.n; i++) {
		const struct chain *c = r->chains.v[i];

		ROW(d, c->label, c->writer != NULL ? people_shown(r, c->writer) : "", c->path, rep_fmt(r, "%s: %s", audit_verdict_name(c->verdict.verdict),
		    rep_cleans(r, c->verdict.text)), c->verdict.records > 0 ? rep_fmt(r, "%" PRIu64 " (%" PRIu64 " to %" PRIu64 ")", c->verdict.records, c->verdict.first_seq,
		    c->verdict.last_seq) : "none", rep_fmt(r, "%zu, and %zu of its time", c->n_own, c->n_beside), rep_fmt(r, "%" PRIu64 ":%s%s", c->verdict.last_seq,
		    c->verdict.last_hash, c->verdict.has_head ? "" : " (no head from outside)"));
	}
}

static void
compose_anchors(struct report *r, struct doc *d)
{
	for (size_t i = 0; i < r->entries.n; i++) {
		const struct entry *e = &r->entries.v[i];
		struct evidence v;

		if (e->rec.type != AUDIT_ANCHOR)
			continue;
		v = evidence_of(e);
		doc_item(d, rep_fmt(r, "%s: head %s anchored as %s at %s, key %s [%s]", rep_time(r, e->rec.time_ns), rep_member(r, &e->rec, "head"),
		    rep_member(r, &e->rec, "kind"), rep_member(r, &e->rec, "where"), rep_member(r, &e->rec, "key"), evidence_text(r, &v)));
	}
}

static void
compose_recordings(struct report *r, struct doc *d)
{
	doc_heading(d, 3, "Recordings");
	if (r->tapes.n == 0) {
		doc_text(d, "None.");
		return;
	}
	TABLE(d, "Recording", "Chunk", "From", "To", "SHA-256", "State", "Record");
	for (size_t i = 0; i < r->tapes.n; i++)
		for (size_t j = 0; j < r->tapes.v[i].n_chunks; j++) {
			const struct chunk *c = &r->tapes.v[i].chunks[j];

			ROW(d, c->recording, rep_fmt(r, "%" PRIu64, c->number), rep_time(r, c->from_ns), rep_time(r, c->to_ns), c->sha256,
			    rep_fmt(r, "%s%s%s", chunk_state_name(c->state), *c->problem != '\0' ? ": " : "", c->problem),
			    c->cite.chain != NULL ? rep_fmt(r, "%s:%" PRIu64 " %.*s", c->cite.chain->label, c->cite.seq, REPORT_HASH_SHOWN, c->cite.hash) : "");
		}
}

static void
compose_people(struct report *r, struct doc *d)
{
	if (!r->o.has_names)
		return;
	doc_heading(d, 3, "People");
	TABLE(d, "Name", "Role");
	for (size_t i = 0; i < r->people.n; i++)
		ROW(d, r->people.v[i]->shown, *r->people.v[i]->role != '\0' ? r->people.v[i]->role : rep_fmt(r, "operator %zu", i + 1));
}

static void
compose_integrity(struct report *r, struct doc *d)
{
	doc_heading(d, 2, "Integrity");
	doc_text(d, "What this review rests on. \"opsconsole --verify\" checks the chains again; a chain proves that nobody changed a record without making every later hash anew, not that what a record says is true.");
	compose_chains(r, d);
	compose_anchors(r, d);
	compose_recordings(r, d);
	compose_people(r, d);
	doc_heading(d, 3, "What is missing");
	if (r->missing.n == 0)
		doc_text(d, "Nothing that is known of.");
	for (size_t i = 0; i < r->missing.n; i++)
		doc_item(d, r->missing.v[i]);
	doc_text(d, rep_fmt(r, "Made by opsconsole %s on %s.", PACKAGE_VERSION, rep_time(r, r->o.now_ns)));
}

void
compose(struct report *r, struct doc *d)
{
	doc_heading(d, 1, rep_fmt(r, "Review of incident %s%s%s", r->incident, *r->title != '\0' ? ": " : "", r->title));
	if (!r->is_sound)
		doc_warning(d, "Not all evidence verifies. Rows marked (not verified), and what rests on chunks that differ, may have been changed: see Integrity.");
	compose_summary(r, d);
	compose_impact(r, d);
	compose_timeline(r, d);
	compose_detection(r, d);
	compose_tried(r, d);
	compose_said(r, d, "Changes around the start", "None is recorded in the two hours before the incident, nor during it.", r->changes.v, r->changes.n, false);
	doc_heading(d, 2, "Looking back");
	place(d, "hard", 3);
	place(d, "worked", 3);
	place(d, "lucky", 3);
	place(d, "factors", 3);
	place(d, "actions", 3);
	compose_said(r, d, "Messages sent", "No runbook told anybody.", r->messages.v, r->messages.n, true);
	compose_said(r, d, "Notes", "None was written.", r->notes.v, r->notes.n, true);
	compose_said(r, d, "Handover", "Nothing is left open.", r->handover.v, r->handover.n, false);
	place(d, "review", 2);
	compose_integrity(r, d);
}
