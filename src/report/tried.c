/* What was tried: runs with each step on each host, and acts. What has no result has an unknown outcome, and nothing here guesses. */
#include "config.h"

#include <inttypes.h>
#include <string.h>

#include "base/str.h"
#include "report/report_priv.h"

static int64_t
number(const struct entry *e, const char *name, int64_t otherwise)
{
	const json_t *v = json_object_get(e->rec.json, name);

	return json_is_integer(v) ? json_integer_value(v) : otherwise;
}

static struct tried *
find_run(struct report *r, const struct entry *e)
{
	const char *id = e->rec.run != NULL ? rep_cleans(r, e->rec.run) : "";
	struct tried *t;

	for (size_t i = 0; i < r->tried.n; i++)
		if (r->tried.v[i]->is_run && str_eq(r->tried.v[i]->id, id) && r->tried.v[i]->chain == e->chain)
			return r->tried.v[i];
	t = arena_alloc(&r->arena, sizeof *t);
	*LIST_ADD(&r->tried) = t;
	*t = (struct tried){ .is_run = true, .id = id, .name = "", .title = "", .target = "", .who = people_shown(r, e->rec.user), .confirmed = "", .plan = "",
		.outcome = "unknown", .text = "no end is recorded", .exit = -1, .is_beside = !e->is_own, .begun_ns = e->rec.time_ns, .chain = e->chain };
	return t;
}

static void
run_start(struct report *r, const struct entry *e)
{
	struct tried *t = find_run(r, e);

	if (*t->name == '\0') {
		t->name = rep_member(r, &e->rec, "runbook");
		t->title = rep_member(r, &e->rec, "title");
		t->target = rep_member(r, &e->rec, "confirm");
		t->confirmed = rep_member(r, &e->rec, "confirmed");
		t->plan = rep_member(r, &e->rec, "plan");
		t->evidence = evidence_of(e);
	}
	/* Begun again: what it ended with before no longer holds. */
	t->is_ended = t->is_verified = false;
	t->outcome = "unknown";
	t->text = "no end is recorded";
	t->exit = -1;
	t->ended_ns = 0;
	t->evidence.n_cites = t->evidence.n_cites > 1 ? 1 : t->evidence.n_cites;
}

static void
run_end(struct report *r, const struct entry *e)
{
	struct tried *t = find_run(r, e);

	if (*t->name == '\0')
		t->name = rep_member(r, &e->rec, "runbook");
	t->outcome = rep_member(r, &e->rec, "outcome");
	t->text = rep_member(r, &e->rec, "text");
	t->exit = (int)number(e, "exit", -1);
	t->is_verified = json_is_true(json_object_get(e->rec.json, "verified"));
	t->is_ended = true;
	t->ended_ns = e->rec.time_ns;
	if (t->evidence.n_cites > 1)
		t->evidence.n_cites = 1;
	evidence_add(&t->evidence, e);
}

static void
intent(struct report *r, const struct entry *e)
{
	struct tried *t = find_run(r, e);
	struct tried_step *s = LIST_ADD(&t->steps);

	*s = (struct tried_step){ .step = rep_member(r, &e->rec, "step"), .host = rep_member(r, &e->rec, "host"), .what = rep_member(r, &e->rec, "what"),
		.text = "no result is recorded", .outcome = "unknown", .batch = (int)number(e, "batch", -1), .is_undo = json_is_true(json_object_get(e->rec.json, "undo")),
		.is_unknown = true, .at_ns = e->rec.time_ns, .elapsed_ms = -1, .evidence = evidence_of(e) };
}

static void
result(struct report *r, const struct entry *e)
{
	struct tried *t = find_run(r, e);
	uint64_t seq = (uint64_t)number(e, "intent", 0);

	for (size_t i = 0; i < t->steps.n; i++) {
		struct tried_step *s = &t->steps.v[i];

		if (seq == 0 || s->evidence.cites[0].seq != seq)
			continue;
		s->outcome = rep_member(r, &e->rec, "outcome");
		s->text = rep_member(r, &e->rec, "text");
		s->is_unknown = str_eq(s->outcome, "UNKNOWN") || *s->outcome == '\0';
		s->elapsed_ms = number(e, "elapsed_ms", -1);
		if (s->evidence.n_cites > 1)
			s->evidence.n_cites = 1;	/* settled later: the newest result counts */
		evidence_add(&s->evidence, e);
	}
}

static void
act(struct report *r, const struct entry *e)
{
	const char *text = rep_member(r, &e->rec, "text");
	struct tried *t = arena_alloc(&r->arena, sizeof *t);

	*LIST_ADD(&r->tried) = t;
	*t = (struct tried){ .id = "", .name = rep_member(r, &e->rec, "verb"), .title = text, .target = rep_member(r, &e->rec, "object"), .confirmed = "", .plan = "",
		.who = people_shown(r, e->rec.user), .outcome = "unknown", .text = "no result is recorded", .exit = -1, .is_beside = !e->is_own,
		.begun_ns = e->rec.time_ns, .chain = e->chain, .seq = e->rec.seq, .evidence = evidence_of(e) };
}

static void
act_result(struct report *r, const struct entry *e)
{
	uint64_t seq = (uint64_t)number(e, "act", 0);

	for (size_t i = 0; i < r->tried.n; i++) {
		struct tried *t = r->tried.v[i];

		if (t->is_run || t->seq != seq || t->chain != e->chain || t->is_ended)
			continue;
		t->outcome = rep_member(r, &e->rec, "outcome");
		t->text = rep_member(r, &e->rec, "text");
		t->is_ended = true;
		t->ended_ns = e->rec.time_ns;
		evidence_add(&t->evidence, e);
	}
}

void
tried_make(struct report *r)
{
	for (size_t i = 0; i < r->entries.n; i++) {
		const struct entry *e = &r->entries.v[i];

		switch (e->rec.type) {
		case AUDIT_RUN_START:
			run_start(r, e);
			break;
		case AUDIT_RUN_END:
			run_end(r, e);
			break;
		case AUDIT_INTENT:
			intent(r, e);
			break;
		case AUDIT_RESULT:
			result(r, e);
			break;
		case AUDIT_ACT:
			act(r, e);
			break;
		case AUDIT_ACT_RESULT:
			act_result(r, e);
			break;
		default:
			break;
		}
	}
}
