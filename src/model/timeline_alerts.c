/*
 * Alerts in the timeline: each begins when it is first told to fire and ends when no source that tells of it does so any more. A source that is stale still
 * tells what it told last, so that its silence ends nothing.
 *
 * An alert keeps the name it began with, though its id may change once Prometheus tells of it, too: it is known again by the labels that Alertmanager gives it.
 */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/xalloc.h"
#include "model/timeline_priv.h"

enum { ALERT_TEXT_MAX = 600 };

const char *
timeline_alert_id(char *buf, uint64_t id)
{
	snprintf(buf, TIMELINE_ALERT_ID_MAX, "alert:%016" PRIx64, id);
	return buf;
}

/* Is what the timeline says of them the same? Sources tell the same alerts in the same order mostly; where not, they are looked at again. */
bool
timeline_alerts_same(const struct alert_set *a, const struct alert_set *b)
{
	if (a == b)
		return true;
	if (a == NULL || b == NULL || a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++) {
		const struct alert *x = &a->v[i], *y = &b->v[i];

		if (x->since_ns != y->since_ns || x->state != y->state || !labels_equal(&x->labels, &y->labels))
			return false;
	}
	return true;
}

static bool
is_open(const struct model_alert *row)
{
	return row->state != ALERT_PENDING;
}

static struct timeline_entry
entry_of(const struct model_alert *row, const char *id, const char *text, int64_t known_ns)
{
	return (struct timeline_entry){ .at_ns = timeline_since(row->since_ns, known_ns), .known_ns = known_ns, .kind = TIMELINE_ALERT,
		.severity = row->severity, .id = id, .what = row->name[0] != '\0' ? row->name : "(no name)", .text = text, .by = "" };
}

static struct tl_item *
begun(const struct model_alert *row, const char *id, int64_t known_ns)
{
	const char *summary = labels_get(row->annotations, "summary");
	char text[ALERT_TEXT_MAX];
	struct timeline_entry e;

	snprintf(text, sizeof text, "%s%s%s", severity_name(row->severity), summary == NULL || *summary == '\0' ? "" : ", ",
	    summary == NULL ? "" : summary);
	e = entry_of(row, id, text, known_ns);
	return tl_item_new(&e);
}

static uint64_t
am_hash(const struct model_alert *row)
{
	return row->am == NULL ? 0 : labels_hash(&row->am->labels);
}

/* Those of old that no row has taken, by the hash of what Alertmanager calls them. */
static void
index_rest(const struct tl_tracks *old, const bool *is_taken, struct hindex *ret)
{
	hindex_init(ret, 0);
	for (size_t i = 0; i < old->n; i++)
		if (!is_taken[i] && old->v[i].am_hash != 0)
			hindex_set(ret, old->v[i].am_hash, (uint32_t)i);
}

/* The row goes on as what it began as. */
static void
carry(struct tl_tracks *to, struct tl_track *from, const struct model_alert *row)
{
	tracks_add(to, tl_item_ref(from->begin), 1);
	to->v[to->n - 1].alert = row->id;
	to->v[to->n - 1].am_hash = row->am == NULL ? from->am_hash : from->am_hash != 0 ? from->am_hash : am_hash(row);
}

static void
begin(struct model *m, struct tl_tracks *to, const struct model_alert *row)
{
	char id[TIMELINE_ALERT_ID_MAX];
	struct tl_item *item = begun(row, timeline_alert_id(id, row->id), m->timeline->alerts_ns);

	timeline_insert(m, tl_item_ref(item));
	tracks_add(to, item, 1);
	to->v[to->n - 1].alert = row->id;
	to->v[to->n - 1].am_hash = am_hash(row);
}

/* With what it said when it began: alerts of one name are told apart by that. */
static void
end(struct model *m, const struct tl_track *track)
{
	struct timeline_entry e = track->begin->entry;
	const char *summary = strstr(e.text, ", ");
	char text[ALERT_TEXT_MAX + sizeof "resolved: "];

	snprintf(text, sizeof text, "resolved%s%s", summary == NULL ? "" : ": ", summary == NULL ? "" : summary + 2);
	e.at_ns = e.known_ns = m->timeline->alerts_ns;
	e.is_end = true;
	e.is_backfilled = false;
	e.text = text;
	e.seq = 0;
	timeline_insert(m, tl_item_new(&e));
}

/* Rows that go on under their id; the rest of them go into fresh. Returns how many. */
static size_t
carry_known(const struct alerts_view *view, struct tl_tracks *old, bool *is_taken, struct tl_tracks *now, const struct model_alert **fresh)
{
	struct hindex by_id;
	size_t n = 0;

	hindex_init(&by_id, old->n);
	for (size_t i = 0; i < old->n; i++)
		hindex_set(&by_id, old->v[i].alert, (uint32_t)i);
	for (size_t i = 0; i < view->n; i++) {
		uint32_t at = hindex_get(&by_id, view->rows[i].id);

		if (!is_open(&view->rows[i]))
			continue;
		if (at == HINDEX_NONE || is_taken[at]) {
			fresh[n++] = &view->rows[i];
			continue;
		}
		is_taken[at] = true;
		carry(now, &old->v[at], &view->rows[i]);
	}
	hindex_done(&by_id);
	return n;
}

/* Of those the known ones under another id go on, the others begin. */
static void
take_fresh(struct model *m, struct tl_tracks *old, bool *is_taken, struct tl_tracks *now, const struct model_alert *const *fresh, size_t n)
{
	struct hindex by_labels;

	index_rest(old, is_taken, &by_labels);
	for (size_t i = 0; i < n; i++) {
		uint64_t hash = am_hash(fresh[i]);
		uint32_t at = hash == 0 ? HINDEX_NONE : hindex_get(&by_labels, hash);

		if (at == HINDEX_NONE || is_taken[at]) {
			begin(m, now, fresh[i]);
			continue;
		}
		is_taken[at] = true;
		carry(now, &old->v[at], fresh[i]);
	}
	hindex_done(&by_labels);
}

void
timeline_settle_alerts(struct model *m)
{
	struct timeline *t = m->timeline;
	const struct alerts_view *view = alerts_get(m);
	struct tl_tracks old = t->alerts, now = { 0 };
	bool *is_taken = xcalloc(old.n + 1, sizeof *is_taken);
	const struct model_alert **fresh = xcalloc(view->n + 1, sizeof(const struct model_alert *));
	size_t n_fresh = carry_known(view, &old, is_taken, &now, fresh);

	take_fresh(m, &old, is_taken, &now, fresh, n_fresh);
	for (size_t i = 0; i < old.n; i++)
		if (!is_taken[i] && !t->is_quiet)
			end(m, &old.v[i]);
	tracks_done(&old);
	t->alerts = now;
	t->is_quiet = false;
	free(is_taken);
	free(fresh);
}

/* --- from a memory ------------------------------------------------------------------------------------------------------------ */

static uint64_t
text_hash(const char *s)
{
	return str_hash(s, strlen(s), STR_HASH_SEED);
}

/* Those that began under another id, by the one they have now. */
static void
index_remembered(const struct memory_track *v, size_t n, struct hindex *ret)
{
	hindex_init(ret, 0);
	for (size_t i = 0; i < n; i++)
		if (v[i].kind == TIMELINE_ALERT)
			hindex_set(ret, text_hash(v[i].alert), (uint32_t)i);
}

static void
adopt(struct model *m, const struct model_alert *row, const struct memory_track *v, const struct hindex *by_alert)
{
	struct tl_tracks *t = &m->timeline->alerts;
	char id[TIMELINE_ALERT_ID_MAX];
	const char *hex = timeline_alert_id(id, row->id) + strlen("alert:");
	uint32_t at = hindex_get(by_alert, text_hash(hex));
	bool is_other = at != HINDEX_NONE && strcmp(v[at].alert, hex) == 0;

	tracks_add(t, begun(row, is_other ? v[at].id : id, m->now_ns), 1);
	t->v[t->n - 1].alert = row->id;
	t->v[t->n - 1].am_hash = am_hash(row);
}

void
timeline_adopt_alerts(struct model *m, const struct memory_track *v, size_t n)
{
	struct timeline *t = m->timeline;
	const struct alerts_view *view = alerts_get(m);

	struct hindex by_alert;

	index_remembered(v, n, &by_alert);
	tracks_done(&t->alerts);
	for (size_t i = 0; i < view->n; i++)
		if (is_open(&view->rows[i]))
			adopt(m, &view->rows[i], v, &by_alert);
	hindex_done(&by_alert);
}
