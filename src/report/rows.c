/* The timeline: a row for each thing that a record tells of. Steps of one batch are one row; what went wrong in it stands in the text, and each host under "what was tried". */
#include "config.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "report/report_priv.h"

static struct row *
row_add(struct report *r, const struct entry *e, enum row_kind kind, const char *text)
{
	struct row *row;

	if (r->rows.n >= REPORT_ROWS_MAX)
		return NULL;
	row = LIST_ADD(&r->rows);
	*row = (struct row){ .at_ns = e->rec.time_ns, .known_ns = e->rec.time_ns, .kind = kind, .is_beside = !e->is_own, .id = "",
		.who = people_shown(r, e->rec.user), .text = text, .evidence = evidence_of(e) };
	return row;
}

static int64_t
number(const struct entry *e, const char *name, int64_t otherwise)
{
	const json_t *v = json_object_get(e->rec.json, name);

	return json_is_integer(v) ? json_integer_value(v) : otherwise;
}

/* The result of an act or intent, in the same chain. */
static const struct entry *
result_of(const struct report *r, const struct entry *e)
{
	const char *name = e->rec.type == AUDIT_ACT ? "act" : "intent";
	enum audit_type type = e->rec.type == AUDIT_ACT ? AUDIT_ACT_RESULT : AUDIT_RESULT;

	for (const struct entry *p = e + 1; p < r->entries.v + r->entries.n; p++)
		if (p->chain == e->chain && p->rec.type == type && number(p, name, 0) == (int64_t)e->rec.seq)
			return p;
	return NULL;
}

static const char *
colon(const char *text)
{
	return *text != '\0' ? ": " : "";
}

static void
act_row(struct report *r, const struct entry *e)
{
	const struct entry *end = result_of(r, e);
	const char *object = rep_member(r, &e->rec, "object"), *text = rep_member(r, &e->rec, "text");
	const char *outcome = end != NULL ? rep_member(r, &end->rec, "outcome") : "outcome unknown, no result is recorded";
	struct row *row = row_add(r, e, ROW_ACT, rep_fmt(r, "%s %s%s%s: %s", rep_member(r, &e->rec, "verb"), object, colon(text), text, outcome));

	if (end != NULL && row != NULL)
		evidence_add(&row->evidence, end);
}

/* --- steps of a batch ---------------------------------------------------------------------------------------------------------- */

static bool
is_same_batch(const struct entry *a, const struct entry *b)
{
	return b->rec.type == AUDIT_INTENT && a->chain == b->chain && str_eq(a->rec.run, b->rec.run) && number(a, "batch", -1) == number(b, "batch", -1) &&
	    str_eq(json_string_value(json_object_get(a->rec.json, "step")), json_string_value(json_object_get(b->rec.json, "step"))) &&
	    json_is_true(json_object_get(a->rec.json, "undo")) == json_is_true(json_object_get(b->rec.json, "undo"));
}

static bool
is_message(const struct entry *e)
{
	const char *what = json_string_value(json_object_get(e->rec.json, "what"));

	return what != NULL && (strncmp(what, "notify ", 7) == 0 || strncmp(what, "notify:", 7) == 0 || strncmp(what, "notify,", 7) == 0);
}

/* Beyond it there is nothing of the run that e is of: large logs are not searched from end to end. */
static bool
is_bound(const struct entry *e, const struct entry *at, enum audit_type type)
{
	return at->rec.type == type && at->chain == e->chain && str_eq(at->rec.run, e->rec.run);
}

static bool
is_first_of_batch(const struct report *r, const struct entry *e)
{
	for (const struct entry *p = e; p-- > r->entries.v && !is_bound(e, p, AUDIT_RUN_START);)
		if (is_same_batch(e, p) && !is_message(p))
			return false;
	return true;
}

struct tally { size_t n, n_ok, n_unknown; const struct entry *last; const char *bad; };

static void
tally_step(struct report *r, struct tally *t, const struct entry *e)
{
	const struct entry *end = result_of(r, e);
	const char *outcome = end != NULL ? json_string_value(json_object_get(end->rec.json, "outcome")) : NULL;

	t->n++;
	if (end == NULL || str_eq(outcome, "UNKNOWN")) {
		t->n_unknown++;
	} else if (str_eq(outcome, "OK") || str_eq(outcome, "UNDONE")) {
		t->n_ok++;
	} else if (*t->bad == '\0') {
		const char *text = rep_member(r, &end->rec, "text"), *host = rep_member(r, &e->rec, "host");

		t->bad = rep_fmt(r, "%s%s%s%s%s", *host != '\0' ? "; " : "; ", host, *host != '\0' ? ": " : "", rep_cleans(r, outcome), *text != '\0' ?
		    rep_fmt(r, " (%s)", text) : "");
	}
	if (end != NULL && (t->last == NULL || end > t->last))
		t->last = end;
}

/* One that was not sent, or nobody knows whether it was, must not stand there as if it had been. */
static void
message_row(struct report *r, const struct entry *e)
{
	const struct entry *end = result_of(r, e);
	const char *what = rep_member(r, &e->rec, "what"), *outcome = end != NULL ? rep_member(r, &end->rec, "outcome") : "UNKNOWN";
	const char *text = end != NULL ? rep_member(r, &end->rec, "text") : "no result is recorded";
	struct row *row;

	if (str_eq(outcome, "OK")) {
		row_add(r, e, ROW_MESSAGE, what);
		return;
	}
	row = row_add(r, e, ROW_MESSAGE, rep_fmt(r, "%s (%s: %s%s%s)", what, str_eq(outcome, "UNKNOWN") ? "not known whether it was sent" : "not sent", outcome, colon(text), text));
	if (row != NULL && end != NULL)
		evidence_add(&row->evidence, end);
}

static void
step_row(struct report *r, const struct entry *e)
{
	struct tally t = { .bad = "" };
	int64_t batch = number(e, "batch", -1);
	const char *host = rep_member(r, &e->rec, "host");
	struct row *row;

	if (is_message(e)) {
		message_row(r, e);
		return;
	}
	if (!is_first_of_batch(r, e))
		return;
	for (const struct entry *p = e; p < r->entries.v + r->entries.n && !is_bound(e, p, AUDIT_RUN_END); p++)
		if (is_same_batch(e, p) && !is_message(p))
			tally_step(r, &t, p);
	row = row_add(r, e, ROW_STEP, rep_fmt(r, "%s%s%s%s%s: %zu of %zu OK%s%s", json_is_true(json_object_get(e->rec.json, "undo")) ? "undo of " : "",
	    rep_member(r, &e->rec, "step"), t.n == 1 && *host != '\0' ? rep_fmt(r, " on %s", host) : t.n > 1 ? rep_fmt(r, " on %zu hosts", t.n) : "",
	    batch >= 0 ? rep_fmt(r, ", batch %" PRId64, batch + 1) : "", e->rec.run != NULL ? rep_fmt(r, " (run %s)", rep_cleans(r, e->rec.run)) : "", t.n_ok, t.n,
	    t.n_unknown > 0 ? rep_fmt(r, ", %zu outcome unknown", t.n_unknown) : "", t.bad));
	if (row != NULL && t.last != NULL)
		evidence_add(&row->evidence, t.last);
}

/* --- each record ------------------------------------------------------------------------------------------------------------------ */

static void
check_row(struct report *r, const struct entry *e)
{
	const char *outcome = rep_member(r, &e->rec, "outcome"), *phase = rep_member(r, &e->rec, "phase"), *host = rep_member(r, &e->rec, "host");
	const char *what = rep_member(r, &e->rec, "what"), *expected = rep_member(r, &e->rec, "expected");

	/* A check of a step asks whether there is anything to do: what came of it is the step's outcome. */
	if (strcmp(phase, "step") == 0 || (strcmp(outcome, "OK") == 0 && strcmp(phase, "verify") != 0))
		return;
	row_add(r, e, ROW_CHECK, rep_fmt(r, "%s%s%s%s%s%s%s, found %s: %s", phase, colon(phase), what, *host != '\0' ? " on " : "", host,
	    strcmp(what, expected) != 0 ? ", expected " : "", strcmp(what, expected) != 0 ? expected : "", rep_member(r, &e->rec, "found"), outcome));
}

static const char *
end_text(struct report *r, const struct entry *e)
{
	const json_t *verified = json_object_get(e->rec.json, "verified");
	const char *text = rep_member(r, &e->rec, "text");

	return rep_fmt(r, "run %s of %s ended: %s%s, exit %" PRId64 "%s%s", rep_cleans(r, e->rec.run), rep_member(r, &e->rec, "runbook"),
	    rep_member(r, &e->rec, "outcome"), json_is_true(verified) ? ", verified" : ", not verified", number(e, "exit", -1), colon(text), text);
}

static const char *
start_text(struct report *r, const struct entry *e)
{
	const char *target = rep_member(r, &e->rec, "confirm"), *confirmed = rep_member(r, &e->rec, "confirmed");

	return rep_fmt(r, "run %s of %s begins%s%s, %zu hosts%s%s", rep_cleans(r, e->rec.run), rep_member(r, &e->rec, "runbook"), *target != '\0' ? " on " : "", target,
	    json_array_size(json_object_get(e->rec.json, "hosts")), *confirmed != '\0' ? "; confirmed: " : "", confirmed);
}

static const char *
state_text(struct report *r, const struct entry *e)
{
	int64_t batch = number(e, "batch", -1);
	const char *text = rep_member(r, &e->rec, "text"), *state = rep_member(r, &e->rec, "state");

	if (strcmp(state, "batch") == 0 && *text != '\0')
		return rep_fmt(r, "run %s: %s", rep_cleans(r, e->rec.run), text);
	return rep_fmt(r, "run %s%s: %s%s%s", rep_cleans(r, e->rec.run), batch >= 0 ? rep_fmt(r, ", batch %" PRId64, batch + 1) : "", state,
	    colon(text), text);
}

static const char *
gap_text(struct report *r, const struct entry *e)
{
	return rep_fmt(r, "acts were made without the log since %s (break glass: %s); their records: %s", rep_member(r, &e->rec, "since"),
	    rep_member(r, &e->rec, "reason"), rep_member(r, &e->rec, "where"));
}

static void
record_row(struct report *r, const struct entry *e)
{
	const char *text = rep_member(r, &e->rec, "text");

	switch (e->rec.type) {
	case AUDIT_INCIDENT_OPENED:
		row_add(r, e, ROW_INCIDENT, rep_fmt(r, "incident %s: %s", json_is_true(json_object_get(e->rec.json, "joined")) ? "joined" : "opened",
		    rep_member(r, &e->rec, "title")));
		break;
	case AUDIT_INCIDENT_CLOSED:
		row_add(r, e, ROW_INCIDENT, rep_fmt(r, "incident closed%s%s", colon(text), text));
		break;
	case AUDIT_NOTE:
		row_add(r, e, ROW_NOTE, text);
		break;
	case AUDIT_ACT:
		act_row(r, e);
		break;
	case AUDIT_INTENT:
		step_row(r, e);
		break;
	case AUDIT_CHECK:
		check_row(r, e);
		break;
	case AUDIT_RUN_START:
		row_add(r, e, ROW_RUN, start_text(r, e));
		break;
	case AUDIT_RUN_STATE:
		row_add(r, e, ROW_RUN, state_text(r, e));
		break;
	case AUDIT_RUN_END:
		row_add(r, e, ROW_RUN, end_text(r, e));
		break;
	case AUDIT_GAP:
		row_add(r, e, ROW_LOG, gap_text(r, e));
		break;
	case AUDIT_RECOVERED:
		row_add(r, e, ROW_LOG, rep_fmt(r, "%" PRId64 " torn bytes at the end of the log were moved aside", number(e, "bytes", 0)));
		break;
	case AUDIT_TYPES:
		row_add(r, e, ROW_LOG, rep_fmt(r, "%s, a record of a newer version%s%s", rep_cleans(r, e->rec.type_name), colon(text), text));
		break;
	case AUDIT_OPENED:
	case AUDIT_RESULT:
	case AUDIT_ACT_RESULT:
	case AUDIT_RECORDING:
	case AUDIT_CHUNK:
	case AUDIT_ANCHOR:
		break;		/* told with what they belong to, or in the appendix */
	}
}

/* Merged without disturbing either order: records as the chains have them, the recording's rows by the time that they tell of. */
static int
by_time(const void *pa, const void *pb)
{
	const struct row *a = pa, *b = pb;

	return a->at_ns != b->at_ns ? (a->at_ns < b->at_ns ? -1 : 1) : a->known_ns != b->known_ns ? (a->known_ns < b->known_ns ? -1 : 1) : 0;
}

static void
merge_rows(struct report *r, size_t n_seen)
{
	size_t n = r->rows.n, a = 0, b = n_seen;
	struct row *v = arena_alloc(&r->arena, (n + 1) * sizeof *v);

	for (size_t i = 0; i < n; i++)
		v[i] = a < n_seen && (b == n || r->rows.v[a].at_ns <= r->rows.v[b].at_ns) ? r->rows.v[a++] : r->rows.v[b++];
	memcpy(r->rows.v, v, n * sizeof *v);
}

void
rows_make(struct report *r)
{
	size_t n_seen = r->rows.n;

	if (n_seen > 0)
		qsort(r->rows.v, n_seen, sizeof *r->rows.v, by_time);
	for (size_t i = 0; i < r->entries.n; i++)
		record_row(r, &r->entries.v[i]);
	if (r->rows.n > 0)
		merge_rows(r, n_seen);
	if (r->rows.n >= REPORT_ROWS_MAX)
		rep_missing(r, rep_fmt(r, "Only the first %d rows of the timeline are here; the chains have the rest.", REPORT_ROWS_MAX));
}
