/*
 * The recordings: which chunks there are and whether they are those that the chains name, and what the model saw, each row with the chunk that holds it.
 */
#include "config.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "report/report_priv.h"

/* --- chunks --------------------------------------------------------------------------------------------------------------- */

static const struct entry *
find_chunk_record(const struct report *r, const char *recording, uint64_t number)
{
	for (size_t i = 0; i < r->entries.n; i++) {
		const struct entry *e = &r->entries.v[i];

		if (e->rec.type == AUDIT_CHUNK && (uint64_t)json_integer_value(json_object_get(e->rec.json, "number")) == number &&
		    str_eq(json_string_value(json_object_get(e->rec.json, "recording")), recording))
			return e;
	}
	return NULL;
}

static void
judge_chunk(const struct report *r, struct chunk *c, const char *recording, bool is_closed)
{
	const struct entry *e = find_chunk_record(r, recording, c->number);

	if (e != NULL)
		c->cite = evidence_of(e).cites[0];
	if (c->sha256[0] == '\0')
		c->state = CHUNK_UNREAD;
	else if (e != NULL)	/* a chunk that cannot be played is evidence all the same, if it is the one that was named */
		c->state = str_eq(json_string_value(json_object_get(e->rec.json, "sha256")), c->sha256) ? CHUNK_HOLDS : CHUNK_DIFFERS;
	else if (*c->problem != '\0')
		c->state = CHUNK_UNREAD;
	else
		c->state = is_closed ? CHUNK_UNCHAINED : CHUNK_OPEN;
}

/* A packed file has chunks of several recordings: RECORDING.NUMBER.rec. */
static const char *
recording_of(struct report *r, const struct taped *t, const struct recording_chunk *c)
{
	const char *id = t->info.id != NULL ? t->info.id : "", *name = c->file != NULL ? c->file : "", *slash = strrchr(name, '/'), *dot;

	if (slash != NULL)
		name = slash + 1;
	dot = strchr(name, '.');
	return t->info.is_packed && dot != NULL && strchr(dot + 1, '.') != NULL ? arena_strndup(&r->arena, name, (size_t)(dot - name)) : id;
}

static void
read_chunks(struct report *r, struct taped *t)
{
	t->chunks = arena_alloc(&r->arena, (t->info.n_chunks + 1) * sizeof *t->chunks);
	for (size_t i = 0; i < t->info.n_chunks; i++) {
		const struct recording_chunk *from = recording_chunk(t->recording, i);
		struct chunk *c = &t->chunks[t->n_chunks];
		struct err err = ERR_INIT;
		const char *id;

		if (from == NULL || from->to_ns < r->from_ns || from->from_ns > r->to_ns)
			continue;
		id = recording_of(r, t, from);
		*c = (struct chunk){ .recording = rep_cleans(r, id), .number = from->number, .from_ns = from->from_ns, .to_ns = from->to_ns,
			.bytes = from->bytes, .problem = rep_cleans(r, from->problem) };
		if (recording_chunk_hash(t->recording, i, c->sha256, &err) < 0) {
			c->sha256[0] = '\0';
			c->problem = rep_cleans(r, err.msg);
		}
		judge_chunk(r, c, id, from->is_closed);
		t->n_chunks++;
	}
}

const struct chunk *
chunk_known(const struct taped *t, int64_t ns)
{
	const struct chunk *found = NULL;

	for (size_t i = 0; i < t->n_chunks; i++)
		if (t->chunks[i].from_ns <= ns && (found == NULL || t->chunks[i].from_ns >= found->from_ns))
			found = &t->chunks[i];
	return found;
}

/* A folder that has other chunks of it. A packed file has those of its time alone. */
static bool
has_recording(const struct report *r, const char *id)
{
	for (size_t i = 0; i < r->tapes.n; i++)
		if (!r->tapes.v[i].info.is_packed && str_eq(r->tapes.v[i].info.id, id))
			return true;
	return false;
}

/* Chunks that a chain names and nobody gave us: evidence that was there. */
static void
tell_absent(struct report *r)
{
	for (size_t i = 0; i < r->entries.n; i++) {
		const struct entry *e = &r->entries.v[i];
		uint64_t number = (uint64_t)json_integer_value(json_object_get(e->rec.json, "number"));
		const char *id = rep_member(r, &e->rec, "recording");
		bool is_here = false;

		if (e->rec.type != AUDIT_CHUNK)
			continue;
		for (size_t t = 0; t < r->tapes.n && !is_here; t++)
			for (size_t c = 0; c < r->tapes.v[t].n_chunks && !is_here; c++)
				is_here = r->tapes.v[t].chunks[c].number == number && str_eq(r->tapes.v[t].chunks[c].recording, id);
		if (is_here)
			continue;
		r->n_absent++;
		r->n_gone += has_recording(r, json_string_value(json_object_get(e->rec.json, "recording")));
		rep_missing(r, rep_fmt(r, "Chunk %" PRIu64 " of recording %s (%s:%" PRIu64 ") is named by the chain, but was not there to be read.", number, id,
		    e->chain->label, e->rec.seq));
	}
}

static bool
is_named(const struct report *r, const char *id)
{
	for (size_t i = 0; i < r->entries.n; i++)
		if (r->entries.v[i].rec.type == AUDIT_CHUNK && str_eq(json_string_value(json_object_get(r->entries.v[i].rec.json, "recording")), id))
			return true;
	for (size_t t = 0; t < r->tapes.n; t++) {
		if (str_eq(r->tapes.v[t].info.id, id))
			return true;
		for (size_t c = 0; c < r->tapes.v[t].n_chunks; c++)
			if (str_eq(r->tapes.v[t].chunks[c].recording, id))
				return true;
	}
	return false;
}

static bool
is_told_before(const struct report *r, size_t at, const char *id)
{
	for (size_t i = 0; i < at; i++)
		if (r->entries.v[i].rec.type == AUDIT_RECORDING && str_eq(json_string_value(json_object_get(r->entries.v[i].rec.json, "recording")), id))
			return true;
	return false;
}

/* A console that was killed had pinned it, and named none of its chunks. */
static void
tell_removed(struct report *r)
{
	for (size_t i = 0; i < r->entries.n; i++) {
		const struct entry *e = &r->entries.v[i];
		const char *id = json_string_value(json_object_get(e->rec.json, "recording"));

		if (e->rec.type != AUDIT_RECORDING || id == NULL || is_named(r, id) || is_told_before(r, i, id))
			continue;
		rep_missing(r, rep_fmt(r, "Recording %s was pinned (%s:%" PRIu64 "), but is not here, and no chunk of it is named: what it showed is not known.", rep_cleans(r, id),
		    e->chain->label, e->rec.seq));
	}
}

static void
tell_bad(struct report *r, const struct taped *t)
{
	for (size_t i = 0; i < t->n_chunks; i++) {
		const struct chunk *c = &t->chunks[i];

		if (c->state == CHUNK_DIFFERS)
			rep_missing(r, rep_fmt(r, "Chunk %" PRIu64 " of recording %s is not the one that the chain names: it was changed, and what is told of it is no evidence.",
			    c->number, c->recording));
		else if (c->state == CHUNK_UNREAD)
			rep_missing(r, rep_fmt(r, "Chunk %" PRIu64 " of recording %s cannot be read: %s", c->number, c->recording, c->problem));
	}
}

/* --- what the model saw ----------------------------------------------------------------------------------------------------- */

#define NEAR_NS (5 * NS_PER_S)
#define ACT_NS (2 * NS_PER_MIN)		/* an act without a result: its outcome was given up by then */

static const struct entry *
act_result_of(const struct report *r, const struct entry *act)
{
	for (const struct entry *e = act + 1; e < r->entries.v + r->entries.n; e++)
		if (e->chain == act->chain && e->rec.type == AUDIT_ACT_RESULT && (uint64_t)json_integer_value(json_object_get(e->rec.json, "act")) == act->rec.seq)
			return e;
	return NULL;
}

/* The operation of an act is told when its outcome is; it does not know its record. */
static bool
is_act_of(const struct report *r, const struct timeline_entry *e, const struct entry *act)
{
	const struct entry *end = act_result_of(r, act);
	int64_t until_ns = end != NULL ? end->rec.time_ns : act->rec.time_ns + ACT_NS;

	return str_eq(json_string_value(json_object_get(act->rec.json, "verb")), e->what) && e->known_ns >= act->rec.time_ns - NEAR_NS && e->known_ns <= until_ns + NEAR_NS;
}

static bool
is_in_chain(const struct report *r, const struct timeline_entry *e)
{
	for (size_t i = 0; i < r->entries.n; i++) {
		const struct audit_record *rec = &r->entries.v[i].rec;
		int64_t apart = rec->time_ns - e->known_ns;

		if (e->kind == TIMELINE_ACT && rec->type == AUDIT_ACT && is_act_of(r, e, &r->entries.v[i]))
			return true;
		if (e->kind == TIMELINE_NOTE && rec->type == AUDIT_NOTE && e->seq == rec->seq && str_eq(json_string_value(json_object_get(rec->json, "text")), e->text))
			return true;	/* however late who read of it did so */
		if (e->kind == TIMELINE_RUN && rec->run != NULL && strncmp(e->id, "run:", 4) == 0 && strcmp(e->id + 4, rec->run) == 0)
			return true;
		if (e->seq != 0 && rec->seq == e->seq && apart > -NEAR_NS && apart < NEAR_NS)
			return true;
		if (e->kind == TIMELINE_INCIDENT && rec->type == (e->is_end ? AUDIT_INCIDENT_CLOSED : AUDIT_INCIDENT_OPENED) && apart > -NEAR_NS &&
		    apart < NEAR_NS)
			return true;
	}
	return false;
}

static enum row_kind
kind_of(enum timeline_kind kind)
{
	switch (kind) {
	case TIMELINE_ALERT:
		return ROW_ALERT;
	case TIMELINE_SLO:
		return ROW_SLO;
	case TIMELINE_DRIFT:
		return ROW_DRIFT;
	case TIMELINE_MODEL:
		return ROW_MODEL;
	case TIMELINE_SOURCE:
		return ROW_SOURCE;
	case TIMELINE_RUN:
		return ROW_RUN;
	case TIMELINE_ACT:
		return ROW_ACT;
	case TIMELINE_MESSAGE:
		return ROW_MESSAGE;
	case TIMELINE_NOTE:
		return ROW_NOTE;
	case TIMELINE_INCIDENT:
		return ROW_INCIDENT;
	case TIMELINE_CHANGE:
	case TIMELINE_KINDS:
		break;
	}
	return ROW_CHANGE;
}

#define SAME_NS (30 * NS_PER_S)

/* Two consoles saw the same thing: the one that knew first tells. When it began is told by different sources, and may differ by as much as they are asked apart. */
static struct row *
find_row(struct report *r, const struct taped *t, const struct timeline_entry *e, const char *id)
{
	for (size_t i = 0; i < r->rows.n; i++) {
		struct row *row = &r->rows.v[i];
		const struct chunk *c = row->evidence.chunk;
		int64_t apart = row->at_ns - e->at_ns;

		if (c == NULL || row->is_end != e->is_end || row->kind != kind_of(e->kind) || !str_eq(row->id, id))
			continue;
		if (c >= t->chunks && c < t->chunks + t->n_chunks ? apart == 0 : apart < SAME_NS && apart > -SAME_NS)
			return row;
	}
	return NULL;
}

/* "champion 7 -> 6" of a registry, "6 -> 7" of what hosts say: not the same thing. */
static const char *
told_by(const struct timeline_entry *e)
{
	if (e->kind != TIMELINE_CHANGE)
		return "";
	return strncmp(e->id, "change:registry:", 16) == 0 ? " (in the registry)" : strncmp(e->id, "change:marker:", 14) == 0 ? " (on the hosts, by the metrics)" : "";
}

const char *
entry_text(struct report *r, const struct timeline_entry *e)
{
	const char *what = rep_cleans(r, e->what), *text = rep_cleans(r, e->text);
	const char *verb = "";

	if (e->kind == TIMELINE_ALERT && e->is_end && str_has_prefix(text, "resolved")) {	/* the verb says so */
		text += strlen("resolved");
		text += str_has_prefix(text, ": ") ? 2 : 0;
	}
	if (e->kind == TIMELINE_ALERT)
		verb = e->is_end ? " is resolved" : " fires";
	else if (e->kind == TIMELINE_SLO)
		verb = e->is_end ? " burns no longer" : " burns";
	else if (e->kind == TIMELINE_DRIFT || e->kind == TIMELINE_MODEL || e->kind == TIMELINE_SOURCE)
		verb = e->is_end ? ": as it should be again" : "";
	return rep_fmt(r, "%s%s%s%s%s%s", what, verb, *text != '\0' ? ": " : "", text, told_by(e), e->is_backfilled ? " (found afterwards in the metrics)" : "");
}

static void
add_row(struct report *r, const struct taped *t, const struct timeline_entry *e)
{
	const char *id = rep_cleans(r, e->id);
	struct row *row = find_row(r, t, e, id);

	if (row != NULL && row->known_ns <= e->known_ns)
		return;
	if (row == NULL && r->rows.n >= REPORT_ROWS_MAX)
		return;
	if (row == NULL)
		row = LIST_ADD(&r->rows);
	*row = (struct row){ .at_ns = e->at_ns, .known_ns = e->known_ns, .kind = kind_of(e->kind), .is_end = e->is_end, .is_page = e->severity == SEVERITY_PAGE,
		.id = id, .who = people_shown(r, e->by), .text = entry_text(r, e), .evidence = { .chunk = chunk_known(t, e->known_ns) } };
}

/* What was over before the window began is of no interest; what began before and lasted into it is. */
static bool
is_over_before(const struct timeline_entry *v, size_t n, size_t at, int64_t from_ns)
{
	if (v[at].known_ns >= from_ns)
		return false;
	if (v[at].is_end || v[at].kind == TIMELINE_NOTE || v[at].kind == TIMELINE_ACT || v[at].kind == TIMELINE_MESSAGE || v[at].kind == TIMELINE_RUN)
		return true;
	if (v[at].kind == TIMELINE_CHANGE)
		return v[at].at_ns < from_ns;
	for (size_t i = at + 1; i < n; i++)
		if (v[i].is_end && str_eq(v[i].id, v[at].id))
			return v[i].known_ns < from_ns;
	return false;
}

static void
read_timeline(struct report *r, struct taped *t)
{
	const struct timeline_entry *v;
	size_t n = player_timeline(t->player, &v);

	for (size_t i = 0; i < n; i++) {
		if (v[i].known_ns > r->to_ns || is_over_before(v, n, i, r->from_ns))
			continue;
		if (v[i].kind == TIMELINE_RUN || v[i].kind == TIMELINE_ACT || v[i].kind == TIMELINE_MESSAGE || v[i].kind == TIMELINE_NOTE || v[i].kind == TIMELINE_INCIDENT)
			if (is_in_chain(r, &v[i]))
				continue;
		add_row(r, t, &v[i]);
	}
}

static void
tell_problems(struct report *r, const struct taped *t)
{
	const struct recording_gap *gaps;
	size_t n = recording_gaps(t->recording, &gaps);
	struct recording_info now;

	recording_info(t->recording, &now);	/* reading it has found more */
	for (size_t i = 0; i < now.problems.n; i++)
		rep_missing(r, rep_fmt(r, "Recording %s: %s", rep_cleans(r, t->info.id), rep_cleans(r, now.problems.v[i])));
	for (size_t i = 0; i < n; i++)
		if (gaps[i].to_ns >= r->from_ns && gaps[i].from_ns <= r->to_ns)
			rep_missing(r, rep_fmt(r, "Recording %s has nothing from %s to %s: %s", rep_cleans(r, t->info.id), rep_time(r, gaps[i].from_ns),
			    rep_time(r, gaps[i].to_ns), rep_cleans(r, gaps[i].why)));
}

/* Before any text of a recording is shown. */
static void
name_people(struct report *r)
{
	for (size_t i = 0; i < r->tapes.n; i++) {
		const struct timeline_entry *v;
		size_t n = player_timeline(r->tapes.v[i].player, &v);

		for (size_t j = 0; j < n; j++)
			people_add(r, v[j].by);
	}
}

/* Before anything is read of them: a recording whose only chunk turns out to be damaged is of this time all the same. */
void
recordings_open(struct report *r)
{
	for (size_t i = 0; i < r->o.n_recordings; i++) {
		struct recording_info info;
		struct taped *t;

		recording_info(r->o.recordings[i], &info);
		if (info.last_ns < r->from_ns || info.first_ns > r->to_ns || (r->env != NULL && *r->env != '\0' && info.env != NULL && !str_eq(r->env, info.env)))
			continue;
		t = LIST_ADD(&r->tapes);
		t->recording = r->o.recordings[i];
		t->info = info;
		t->player = player_new(t->recording);
	}
}

void
recordings_read(struct report *r)
{
	name_people(r);
	for (size_t i = 0; i < r->tapes.n; i++)
		read_chunks(r, &r->tapes.v[i]);
	if (r->tapes.n == 0)
		rep_missing(r, "There is no recording of this time: what the metrics, alerts and models said is not known, and neither impact nor detection can be worked out from evidence.");
	tell_absent(r);
	tell_removed(r);
	for (size_t i = 0; i < r->tapes.n; i++) {
		tell_bad(r, &r->tapes.v[i]);
		tell_problems(r, &r->tapes.v[i]);
		read_timeline(r, &r->tapes.v[i]);
	}
}
