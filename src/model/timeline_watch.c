/* What events say that begins or ends something: compared with what the model knew before, so that what is told again is one entry. */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "model/timeline_priv.h"

enum { LINE_MAX_BYTES = 640, STATE_KEPT = 1000 };	/* STATE_KEPT: nobody can tell, it stays what it was */
#define SLACK_NS NS_PER_MIN				/* the same change seen in answers of other steps */
#define SLACK_SHARE 60
#define MODELS_EVERY_NS NS_PER_S

/* --- things that stand in some way -------------------------------------------------------------------------------------- */

struct standing {
	enum timeline_kind kind;
	const char *id, *what, *text;
	enum severity severity;
	int64_t since_ns, known_ns;
	unsigned state;			/* 0 as it should be */
};

static struct timeline_entry
entry_of(const struct standing *s)
{
	return (struct timeline_entry){ .at_ns = timeline_since(s->since_ns, s->known_ns), .known_ns = s->known_ns, .kind = s->kind,
		.is_end = s->state == 0, .severity = s->severity, .id = s->id, .what = s->what, .text = s->text, .by = "" };
}

static void
watch_begin(struct tl_tracks *t, enum timeline_kind kind, struct hindex *index)
{
	tracks_index(t, kind, index);
	for (size_t i = 0; i < t->n; i++)
		t->v[i].is_seen = false;
}

/* Is there something to say of it? ret_at: its track, SIZE_MAX none. */
static bool
is_news(struct tl_tracks *t, const struct hindex *index, enum timeline_kind kind, const char *id, unsigned state, size_t *ret_at)
{
	*ret_at = tracks_find(t, index, kind, id);
	if (*ret_at == SIZE_MAX)
		return state != 0 && state != STATE_KEPT;
	t->v[*ret_at].is_seen = true;
	return state != STATE_KEPT && state != t->v[*ret_at].state;
}

static void
tell(struct model *m, const struct standing *s, size_t at)
{
	struct tl_tracks *t = &m->timeline->others;
	struct timeline_entry e = entry_of(s);
	struct tl_item *item = tl_item_new(&e);

	timeline_insert(m, tl_item_ref(item));
	if (at == SIZE_MAX && s->state != 0 && t->n < TRACKS_MAX) {
		tracks_add(t, tl_item_ref(item), s->state);
		t->v[t->n - 1].is_new = true;
	} else if (at != SIZE_MAX) {
		t->v[at].state = s->state;
		if (s->state != 0) {
			tl_item_unref(t->v[at].begin);
			t->v[at].begin = tl_item_ref(item);
		}
	}
	tl_item_unref(item);
}

/* What has ended, and what is not spoken of any more, which is not known to have ended. */
static void
watch_end(struct tl_tracks *t, enum timeline_kind kind, struct hindex *index)
{
	for (size_t i = t->n; i-- > 0;)
		if (t->v[i].begin->entry.kind == kind && (t->v[i].state == 0 || (!t->v[i].is_seen && !t->v[i].is_new)))
			tracks_remove(t, i);
	for (size_t i = 0; i < t->n; i++)
		t->v[i].is_new = false;
	hindex_done(index);
}

/* --- objectives ------------------------------------------------------------------------------------------------------------ */

static unsigned
slo_standing(const struct slo *s)
{
	switch (s->state) {
	case SLO_PAGE: return 3;
	case SLO_TICKET: return 2;
	case SLO_EXHAUSTED: return 1;
	case SLO_GATED: case SLO_OK: case SLO_EXCLUDED: return 0;
	case SLO_NO_DATA: case SLO_UNKNOWN: break;
	}
	return STATE_KEPT;
}

static const char *
slo_line(char *line, const struct slo *s)
{
	char budget[SLO_TEXT_MAX];

	slo_budget_text(budget, sizeof budget, s);
	if (slo_standing(s) == 0)
		snprintf(line, LINE_MAX_BYTES, "no rule fires, %s", budget);
	else if (s->state == SLO_EXHAUSTED)
		snprintf(line, LINE_MAX_BYTES, "ticket, nothing is left: %s", budget);
	else
		snprintf(line, LINE_MAX_BYTES, "%s, %s%s%s", slo_state_name(s->state), s->why, s->why[0] != '\0' ? "; " : "", budget);
	return line;
}

/* "slo:NAME" is called NAME where no definition says more. */
static const char *
name_in(const char *id)
{
	const char *colon = strchr(id, ':');

	return colon != NULL && colon[1] != '\0' ? colon + 1 : id;
}

static void
watch_slos(struct model *m, const struct slo_set *set, int64_t known_ns)
{
	struct tl_tracks *t = &m->timeline->others;
	struct hindex index;

	watch_begin(t, TIMELINE_SLO, &index);
	for (size_t i = 0; i < set->n; i++) {
		const struct slo *s = &set->v[i];
		const struct slo_def *def;
		char line[LINE_MAX_BYTES];
		size_t at;

		if (!is_news(t, &index, TIMELINE_SLO, s->id, slo_standing(s), &at))
			continue;
		def = m->slo_defs == NULL ? NULL : slo_def_find(m->slo_defs, s->id);
		tell(m, &(struct standing){ TIMELINE_SLO, s->id, def == NULL ? name_in(s->id) : def->name, slo_line(line, s),
		    s->state == SLO_PAGE ? SEVERITY_PAGE : slo_standing(s) != 0 ? SEVERITY_TICKET : SEVERITY_NONE, s->since_ns, known_ns,
		    slo_standing(s) }, at);
	}
	watch_end(t, TIMELINE_SLO, &index);
}

/* --- drift -------------------------------------------------------------------------------------------------------------------- */

static const struct drift_def *
drift_def_of(const struct model *m, const char *id)
{
	for (size_t i = 0; m->drift_defs != NULL && i < m->drift_defs->n; i++)
		if (strcmp(m->drift_defs->v[i].id, id) == 0)
			return &m->drift_defs->v[i];
	return NULL;
}

/* One that moves is not steady yet, and not drifted either. */
static unsigned
drift_standing(const struct drift *d)
{
	return d->state == DRIFT_DRIFTED ? 1 : d->state == DRIFT_STEADY ? 0 : STATE_KEPT;
}

static void
watch_drifts(struct model *m, const struct drift_set *set, int64_t known_ns)
{
	struct tl_tracks *t = &m->timeline->others;
	struct hindex index;

	watch_begin(t, TIMELINE_DRIFT, &index);
	for (size_t i = 0; i < set->n; i++) {
		const struct drift *d = &set->v[i];
		unsigned state = drift_standing(d);
		const struct drift_def *def;
		size_t at;

		if (!is_news(t, &index, TIMELINE_DRIFT, d->id, state, &at))
			continue;
		def = drift_def_of(m, d->id);
		tell(m, &(struct standing){ TIMELINE_DRIFT, d->id, def == NULL ? name_in(d->id) : def->name, state == 0 ? "steady again" : d->why,
		    state == 0 || def == NULL ? SEVERITY_NONE : def->severity, d->since_ns, known_ns, state }, at);
	}
	watch_end(t, TIMELINE_DRIFT, &index);
}

/* --- models --------------------------------------------------------------------------------------------------------------------- */

static unsigned
model_standing(const struct model_model *row)
{
	switch (row->state) {
	case MODEL_OUT_OF_STEP: return 2;
	case MODEL_UNSERVED: return 1;
	case MODEL_OLD: case MODEL_IN_STEP: return 0;
	case MODEL_STATE_UNKNOWN: break;
	}
	return STATE_KEPT;
}

static void
settle_models(struct model *m)
{
	struct timeline *t = m->timeline;
	const struct models_view *view = models_get(m);
	struct hindex index;

	watch_begin(&t->others, TIMELINE_MODEL, &index);
	for (size_t i = 0; i < view->n; i++) {
		const struct model_model *row = &view->rows[i];
		unsigned state = model_standing(row);
		char line[LINE_MAX_BYTES];
		size_t at;

		if (!is_news(&t->others, &index, TIMELINE_MODEL, row->def->id, state, &at))
			continue;
		snprintf(line, sizeof line, "%s%s%s", model_state_name(row->state), state != 0 && row->why[0] != '\0' ? ": " : "", state != 0 ? row->why : "");
		tell(m, &(struct standing){ TIMELINE_MODEL, row->def->id, row->def->name, line, state != 0 ? SEVERITY_PAGE : SEVERITY_NONE,
		    state != 0 ? row->since_ns : 0, t->models_ns, state }, at);
	}
	watch_end(&t->others, TIMELINE_MODEL, &index);
}

/* --- sources ---------------------------------------------------------------------------------------------------------------------- */

static size_t
source_track(const struct model *m, const struct source *s)
{
	const struct tl_tracks *t = &m->timeline->others;

	for (size_t i = 0; i < t->n; i++)
		if (t->v[i].begin->entry.kind == TIMELINE_SOURCE && strcmp(name_in(t->v[i].begin->entry.id), s->pub.name) == 0)
			return i;
	return SIZE_MAX;
}

static void
tell_source(struct model *m, const struct source *s, const char *line, int64_t since_ns, int64_t known_ns, size_t at)
{
	char id[LINE_MAX_BYTES];

	snprintf(id, sizeof id, "source:%s", s->pub.name);
	tell(m, &(struct standing){ TIMELINE_SOURCE, id, s->pub.name, line, SEVERITY_NONE, since_ns, known_ns, at == SIZE_MAX }, at);
	if (at != SIZE_MAX)
		tracks_remove(&m->timeline->others, at);
}

/* That nothing came is known as soon as it is too late, and told in words that do not depend on who looks when: an error may come later. */
static void
source_lost(struct model *m, const struct source *s, int64_t since_ns)
{
	tell_source(m, s, "no good answer any more", since_ns, since_ns, SIZE_MAX);
}

static void
watch_source(struct model *m, const struct source *s, int64_t known_ns)
{
	enum source_state state = s->pub.state;
	size_t at = source_track(m, s);
	char line[LINE_MAX_BYTES];

	if (state == SOURCE_UNKNOWN || (state == SOURCE_STALE || state == SOURCE_DOWN) == (at != SIZE_MAX))
		return;
	if (at != SIZE_MAX) {
		tell_source(m, s, "answers again", known_ns, known_ns, at);
	} else if (state == SOURCE_STALE) {
		source_lost(m, s, s->pub.since_ns);
	} else {
		snprintf(line, sizeof line, "does not answer%s%s", s->pub.error[0] != '\0' ? ": " : "", s->pub.error);
		tell_source(m, s, line, s->pub.since_ns, known_ns, SIZE_MAX);
	}
}

/* A good answer after a silence that nobody looked at: it was stale between. */
static void
watch_silence(struct model *m, const struct event *ev)
{
	const struct source_report *report = ev->block;
	const struct source *s = source_get(m, ev->source);
	int64_t until_ns;

	if (s == NULL || !report->is_ok || s->pub.last_ok_ns == 0)
		return;
	until_ns = s->pub.last_ok_ns + source_patience_ns(s);
	if (ev->time_ns > until_ns && source_track(m, s) == SIZE_MAX)
		source_lost(m, s, until_ns);
}

void
timeline_source(struct model *m, const struct source *s)
{
	if (m->timeline != NULL && m->timeline->is_watching)
		watch_source(m, s, m->now_ns);
}

/* --- changes --------------------------------------------------------------------------------------------------------------------------- */

/* The text without what changed, which has its own place. */
static const char *
marker_line(const struct marker *k)
{
	size_t len = strlen(k->what);

	if (len > 0 && strncmp(k->text, k->what, len) == 0 && k->text[len] == ' ' && k->text[len + 1] != '\0')
		return k->text + len + 1;
	return k->text;
}

static bool
is_registry(const struct marker_set *set)
{
	return str_has_prefix(set->def, "registry:");
}

static void
watch_marker(struct model *m, const struct marker_set *set, const struct marker *k, int64_t slack_ns, int64_t known_ns)
{
	char id[LINE_MAX_BYTES];

	if (is_registry(set))	/* its line begins with what moved: several aliases and stages may move alike */
		snprintf(id, sizeof id, "change:%s:%s:%s", set->def, k->what, marker_line(k));
	else
		snprintf(id, sizeof id, "change:%s:%s:%s:%s", set->def, k->what, k->from, k->to);
	if (timeline_is_left_out(m->timeline, k->at_ns) || timeline_find(m->timeline, id, false, k->at_ns, slack_ns) != NULL)
		return;
	timeline_insert(m, tl_item_new(&(struct timeline_entry){ .at_ns = timeline_since(k->at_ns, known_ns), .known_ns = known_ns, .kind = TIMELINE_CHANGE,
	    .id = id, .what = k->what, .text = marker_line(k), .by = "" }));
}

/* Of what drifts there are entries of its own. Moves in a registry are told once; what a query finds is told whenever it is asked, and of a long range roughly. */
static void
watch_markers(struct model *m, const struct marker_set *set, int64_t known_ns)
{
	int64_t span_ns = set->end_ns - set->start_ns, slack_ns = SLACK_NS;

	if (m->n_marker_sets == 0 || m->marker_sets[m->n_marker_sets - 1].set != set || strcmp(set->def, "drift") == 0)
		return;
	if (is_registry(set))
		slack_ns = 0;
	else if (span_ns / SLACK_SHARE > slack_ns)
		slack_ns = span_ns / SLACK_SHARE;
	for (size_t i = 0; i < set->n; i++)
		if (set->v[i].kind == MARKER_CHANGE)
			watch_marker(m, set, &set->v[i], slack_ns, known_ns);
}

/* --- runs -------------------------------------------------------------------------------------------------------------------------------- */

static bool
has_begun(const struct run_info *run)
{
	return run != NULL && !run_is_plan(run);
}

static void
tell_run(struct model *m, const struct run_info *run, bool is_end, int64_t known_ns)
{
	char id[LINE_MAX_BYTES];
	const char *begin = run->target[0] != '\0' ? run->target : run->title;

	snprintf(id, sizeof id, "run:%s", run->id);
	timeline_insert(m, tl_item_new(&(struct timeline_entry){ .at_ns = timeline_since(is_end ? run->ended_ns : run->started_ns, known_ns),
	    .known_ns = known_ns, .kind = TIMELINE_RUN, .is_end = is_end, .severity = is_end && run->exit > 0 ? SEVERITY_TICKET : SEVERITY_NONE, .id = id,
	    .what = run->runbook, .text = is_end ? run->text : begin, .by = run->actor, .seq = is_end ? run->seq_last : run->seq_first }));
}

/* The record of it may come later than it does. */
static void
number_run(struct model *m, const struct run_info *run, const struct run_info *before)
{
	char id[LINE_MAX_BYTES];

	snprintf(id, sizeof id, "run:%s", run->id);
	if (run->seq_first != 0 && before->seq_first == 0)
		timeline_set_seq(m, id, false, run->seq_first);
	if (run->state == RUN_ENDED && before->state == RUN_ENDED && run->seq_last != 0 && before->seq_last == 0)
		timeline_set_seq(m, id, true, run->seq_last);
}

static void
watch_message(struct model *m, const struct run_info *run, const struct run_info *before, size_t row, size_t column, int64_t known_ns)
{
	const struct run_cell *cell = run_row_cell(run, row, column), *was = before == NULL ? NULL : run_row_cell(before, row, column);
	const struct run_column *c = &run->columns[column];
	char id[LINE_MAX_BYTES];

	if (cell->outcome != OUTCOME_OK)
		return;
	snprintf(id, sizeof id, "message:%s:%s:%s", run->id, c->name, run->rows[row].host);
	if (was != NULL && was->outcome == OUTCOME_OK) {
		if (was->result == 0 && cell->result != 0)
			timeline_set_seq(m, id, false, cell->result);
		return;
	}
	timeline_insert(m, tl_item_new(&(struct timeline_entry){ .at_ns = timeline_since(cell->ended_ns, known_ns), .known_ns = known_ns,
	    .kind = TIMELINE_MESSAGE, .id = id, .what = c->name, .text = cell->text, .by = run->actor, .seq = cell->result }));
}

static void
watch_run(struct model *m, const struct run_info *run, int64_t known_ns)
{
	const struct run_info *before = model_run_find(m, run->id);

	if (!has_begun(run))
		return;
	if (!has_begun(before))
		tell_run(m, run, false, known_ns);
	for (size_t c = 0; c < run->n_columns; c++)
		for (size_t row = 0; strcmp(run->columns[c].kind, "notify") == 0 && row < run->n_rows; row++)
			watch_message(m, run, has_begun(before) ? before : NULL, row, c, known_ns);
	if (run->state == RUN_ENDED && (before == NULL || before->state != RUN_ENDED))
		tell_run(m, run, true, known_ns);
	if (has_begun(before))
		number_run(m, run, before);
}

/* --- what people do ------------------------------------------------------------------------------------------------------------------------- */

static void
watch_operation(struct model *m, const struct operation *op, int64_t known_ns)
{
	static const char *const ends[] = { "", "", " (failed)", " (outcome unknown)" };
	char id[LINE_MAX_BYTES], line[LINE_MAX_BYTES];

	for (size_t i = 0; i < m->n_operations; i++)
		if (strcmp(m->operations[i].operation->id, op->id) == 0 && m->operations[i].operation->state == op->state)
			return;
	if (op->state == OPERATION_STARTED)
		return;
	snprintf(id, sizeof id, "act:%s", op->id);
	snprintf(line, sizeof line, "%s%s", op->text, ends[(unsigned)op->state % 4]);
	timeline_insert(m, tl_item_new(&(struct timeline_entry){ .at_ns = known_ns, .known_ns = known_ns, .kind = TIMELINE_ACT,
	    .severity = op->state == OPERATION_DONE ? SEVERITY_NONE : SEVERITY_TICKET, .id = id, .what = op->verb, .text = line, .by = "" }));
}

static void
tell_incident(struct model *m, const struct incident *incident, bool is_end, int64_t known_ns)
{
	char id[LINE_MAX_BYTES], line[LINE_MAX_BYTES];
	bool has_words = is_end && incident->closing != NULL && *incident->closing != '\0';

	snprintf(id, sizeof id, "incident:%s", incident->id);
	snprintf(line, sizeof line, "%s%s", has_words ? "closed: " : is_end ? "closed" : incident->title, has_words ? incident->closing : "");
	timeline_insert(m, tl_item_new(&(struct timeline_entry){ .at_ns = timeline_since(is_end ? incident->closed_ns : incident->opened_ns, known_ns),
	    .known_ns = known_ns, .kind = TIMELINE_INCIDENT, .is_end = is_end, .id = id, .what = incident->id, .text = line,
	    .by = incident->by }));
}

static void
watch_incident(struct model *m, const struct incident *incident, int64_t known_ns)
{
	const struct incident *before = NULL;

	for (size_t i = 0; i < m->n_incidents; i++)
		if (strcmp(m->incidents[i].incident->id, incident->id) == 0)
			before = m->incidents[i].incident;
	if (before == NULL || (before->closed_ns != 0 && incident->closed_ns == 0))
		tell_incident(m, incident, false, known_ns);
	if (incident->closed_ns != 0 && (before == NULL || before->closed_ns == 0))
		tell_incident(m, incident, true, known_ns);
}

static void
watch_note(struct model *m, const struct note *note, int64_t known_ns)
{
	uint64_t hash = str_hash(note->text, strlen(note->text), str_hash(note->by, strlen(note->by), STR_HASH_SEED));
	char id[64];

	if (note->seq != 0)
		snprintf(id, sizeof id, "note:%" PRIu64, note->seq);
	else
		snprintf(id, sizeof id, "note:%016" PRIx64, hash);
	if (timeline_find(m->timeline, id, false, known_ns, note->seq != 0 ? INT64_MAX / 4 : 0) != NULL)
		return;
	timeline_insert(m, tl_item_new(&(struct timeline_entry){ .at_ns = timeline_since(note->at_ns, known_ns), .known_ns = known_ns, .kind = TIMELINE_NOTE, .id = id, .what = "note",
	    .text = note->text, .by = note->by, .seq = note->seq }));
}

/* --- found afterwards ------------------------------------------------------------------------------------------------------------------------- */

/* What the metrics say of a time before is as rough as their steps are. */
static void
watch_found(struct model *m, const struct timeline_set *set, int64_t known_ns)
{
	for (size_t i = 0; i < set->n; i++) {
		struct timeline_entry e = set->v[i];

		if (e.is_backfilled && timeline_is_left_out(m->timeline, e.at_ns))
			continue;
		if (timeline_find(m->timeline, e.id, e.is_end, e.at_ns, e.is_backfilled ? SLACK_NS : 0) != NULL) {
			if (e.seq != 0)
				timeline_set_seq(m, e.id, e.is_end, e.seq);
			continue;
		}
		if (e.known_ns == 0)
			e.known_ns = known_ns;
		timeline_insert(m, tl_item_new(&e));
	}
}

int64_t
timeline_told_ns(const struct model *m)
{
	const struct timeline *t = m->timeline;

	return t != NULL && t->is_watching && (t->has_alerts_changed || t->has_models_changed) ? t->told_ns : INT64_MAX;
}

/* --- events --------------------------------------------------------------------------------------------------------------------------------- */

void
timeline_settle(struct model *m)
{
	struct timeline *t = m->timeline;

	if (!t->is_watching)
		return;
	if (t->has_alerts_changed) {
		t->has_alerts_changed = false;
		timeline_settle_alerts(m);
	}
	if (t->has_models_changed) {
		t->has_models_changed = false;
		settle_models(m);
	}
}

void
timeline_touched(struct model *m, unsigned changes)
{
	struct timeline *t = m->timeline;

	if (t == NULL || !t->is_watching || !(changes & (MODEL_ENVIRONMENT | MODEL_MODELS)))
		return;
	t->has_models_changed = true;
	t->models_ns = t->event_ns;
}

void
timeline_turn(struct model *m, int64_t now_ns)
{
	if (m->timeline == NULL)
		return;
	m->timeline->event_ns = now_ns;
	m->timeline->told_ns = now_ns;
}

void
timeline_before(struct model *m, const struct event *ev)
{
	struct timeline *t = m->timeline;
	const struct source *s;

	if (t == NULL || !t->is_watching)
		return;
	/* Alerts are looked at after each answer, models after each second in which something was told of them: what came of it would else depend on who looks when. */
	if ((t->has_alerts_changed && (ev->kind == EVENT_ALERTS || ev->kind == EVENT_ENVIRONMENT)) ||
	    (t->has_models_changed && (ev->kind == EVENT_ENVIRONMENT || ev->time_ns - t->models_ns >= MODELS_EVERY_NS)))
		timeline_settle(m);
	t->event_ns = ev->time_ns;
	t->told_ns = ev->time_ns > t->told_ns ? ev->time_ns : t->told_ns;
	if (ev->kind == EVENT_ALERTS) {
		s = source_get(m, ev->source);
		t->is_told_again = s != NULL && timeline_alerts_same(s->alerts, ev->block);
	} else if (ev->kind == EVENT_SOURCE_REPORT) {
		watch_silence(m, ev);
	} else if (ev->kind == EVENT_OPERATION) {
		watch_operation(m, ev->block, ev->time_ns);
	} else if (ev->kind == EVENT_INCIDENT) {
		watch_incident(m, ev->block, ev->time_ns);
	} else if (ev->kind == EVENT_RUN) {
		watch_run(m, ev->block, ev->time_ns);
	}
}

/* Sources that the environment does not name any more are not stale, they are gone. */
static void
forget_sources(struct model *m)
{
	struct tl_tracks *t = &m->timeline->others;

	for (size_t i = t->n; i-- > 0;)
		if (t->v[i].begin->entry.kind == TIMELINE_SOURCE && source_get(m, name_in(t->v[i].begin->entry.id)) == NULL)
			tracks_remove(t, i);
}

static void
alerts_changed(struct model *m, int64_t at_ns)
{
	m->timeline->has_alerts_changed = true;
	m->timeline->alerts_ns = at_ns;
}

void
timeline_after(struct model *m, const struct event *ev)
{
	const struct source *s;

	if (m->timeline == NULL || !m->timeline->is_watching)
		return;
	if (ev->kind == EVENT_ALERTS) {
		if (!m->timeline->is_told_again && source_get(m, ev->source) != NULL)
			alerts_changed(m, ev->time_ns);
	} else if (ev->kind == EVENT_ENVIRONMENT) {
		m->timeline->is_quiet = true;
		alerts_changed(m, ev->time_ns);
		forget_sources(m);
	} else if (ev->kind == EVENT_SOURCE_REPORT) {
		s = source_get(m, ev->source);
		if (s != NULL)
			watch_source(m, s, ev->time_ns);
	} else if (ev->kind == EVENT_SLOS) {
		if (!((const struct slo_set *)ev->block)->is_past)
			watch_slos(m, ev->block, ev->time_ns);
	} else if (ev->kind == EVENT_DRIFTS) {
		if (!((const struct drift_set *)ev->block)->is_past)
			watch_drifts(m, ev->block, ev->time_ns);
	} else if (ev->kind == EVENT_MARKERS) {
		watch_markers(m, ev->block, ev->time_ns);
	} else if (ev->kind == EVENT_NOTE) {
		watch_note(m, ev->block, ev->time_ns);
	} else if (ev->kind == EVENT_TIMELINE) {
		watch_found(m, ev->block, ev->time_ns);
	}
}
