#include "config.h"

#include "plain_watch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "model/hindex.h"
#include "plain_line.h"
#include "status_text.h"

enum { STATUS_MAX = 32 << 20, LINE_MAX_BYTES = 640 };
#define STEADY (10 * NS_PER_S)		/* what comes and goes at once is not told */

struct track {				/* a problem */
	uint64_t key;
	enum problem_kind kind;
	bool is_unknown, is_told, is_seen;
	int64_t first_ns;
	char *name, *id, *text;		/* id: of an objective, of drift; "" */
};

enum muting { NOT_MUTED, IS_SILENCED, IS_ACKED, IS_INHIBITED };

struct plain_watch {
	size_t n;
	struct track *v;
	struct hindex muted;		/* alert's id to enum muting */
	enum health health;
};

struct plain_watch *
plain_watch_new(void)
{
	struct plain_watch *w = xcalloc(1, sizeof *w);

	hindex_init(&w->muted, 0);
	w->health = HEALTH_OK;
	return w;
}

static void
track_done(struct track *t)
{
	free(t->name);
	free(t->id);
	free(t->text);
}

void
plain_watch_free(struct plain_watch *w)
{
	if (w == NULL)
		return;
	for (size_t i = 0; i < w->n; i++)
		track_done(&w->v[i]);
	free(w->v);
	hindex_done(&w->muted);
	free(w);
}

/* --- muted alerts ---------------------------------------------------------------------------------------------------------- */

static enum muting
muting_of(const struct model_alert *a)
{
	if (a->state == ALERT_SILENCED)
		return a->is_acked ? IS_ACKED : IS_SILENCED;
	return a->state == ALERT_INHIBITED ? IS_INHIBITED : NOT_MUTED;
}

static void
tell_muting(const struct model *m, const struct model_alert *a, enum muting now, struct buf *out)
{
	static const char *const words[] = { "not muted any more", "silenced", "acknowledged", "inhibited by another alert" };
	bool has_end = (now == IS_SILENCED || now == IS_ACKED) && a->silenced_until_ns != 0;
	char text[LINE_MAX_BYTES], until[CLOCK_TEXT_MAX];

	snprintf(text, sizeof text, "%s%s%s", words[now], has_end ? " until " : "", has_end ? clock_format(until, a->silenced_until_ns, 0) : "");
	plain_line_add(out, &(struct plain_line){ .at_ns = model_now(m), .kind = "alert", .word = "now",
	    .severity = a->severity == SEVERITY_NONE ? "" : severity_name(a->severity), .what = a->name, .text = text });
}

static void
look_at_alerts(struct plain_watch *w, const struct model *m, struct buf *out)
{
	struct hindex now;

	hindex_init(&now, model_n_alerts(m));
	for (size_t i = 0; i < model_n_alerts(m); i++) {
		const struct model_alert *a = model_alert(m, i);
		uint32_t was = hindex_get(&w->muted, a->id);
		enum muting is = muting_of(a);

		if (a->state == ALERT_PENDING)
			continue;
		hindex_set(&now, a->id, is);
		if (out != NULL && is != (was == HINDEX_NONE ? NOT_MUTED : (enum muting)was))
			tell_muting(m, a, is, out);
	}
	hindex_done(&w->muted);
	w->muted = now;
}

/* --- problems -------------------------------------------------------------------------------------------------------------------- */

static bool
is_silent(const struct model_source *s)
{
	return s != NULL && (s->state == SOURCE_STALE || s->state == SOURCE_DOWN);
}

/* What has no entries in the timeline. */
static bool
is_watched(const struct model *m, const struct problem *p)
{
	switch (p->kind) {
	case PROBLEM_ALERT: return false;
	case PROBLEM_SOURCE: return !is_silent(model_source_find(m, p->name));
	case PROBLEM_TARGETS:
	case PROBLEM_RULES: return true;
	case PROBLEM_SLO:
	case PROBLEM_DRIFT: return p->is_unknown;
	case PROBLEM_MODEL: return p->is_unknown || p->severity == SEVERITY_TICKET;	/* it is old */
	}
	return false;
}

static const char *
id_of(const struct problem *p)
{
	return p->slo_id != NULL ? p->slo_id : p->drift_id != NULL ? p->drift_id : "";
}

static uint64_t
key_of(const struct problem *p)
{
	const int what[2] = { (int)p->kind, p->is_unknown };
	uint64_t h = str_hash(what, sizeof what, STR_HASH_SEED);

	return str_hash(p->name, strlen(p->name), str_hash(id_of(p), strlen(id_of(p)) + 1, h));
}

static void
tell_problem(const struct model *m, const struct problem *p, const char *word, struct buf *out)
{
	plain_line_add(out, &(struct plain_line){ .at_ns = model_now(m), .kind = problem_kind_name(p->kind), .word = word,
	    .severity = p->is_unknown ? "unknown" : severity_name(p->severity), .what = p->name, .text = p->text });
}

static void
track_begin(struct plain_watch *w, const struct model *m, const struct problem *p, bool is_told)
{
	w->v = xreallocarray(w->v, w->n + 1, sizeof *w->v);
	w->v[w->n++] = (struct track){ .key = key_of(p), .kind = p->kind, .is_unknown = p->is_unknown, .is_told = is_told, .is_seen = true,
		.first_ns = model_now(m), .name = xstrdup(p->name), .id = xstrdup(id_of(p)), .text = xstrdup(p->text) };
}

/* How many targets are down, or rules fail, is told when it changes; what is said of other problems holds ages and durations, which change all the time. */
static void
track_go_on(const struct model *m, struct track *t, const struct problem *p, struct buf *out)
{
	bool is_counted = t->kind == PROBLEM_TARGETS || t->kind == PROBLEM_RULES;

	t->is_seen = true;
	if (out == NULL) {
		t->is_told = true;
	} else if (!t->is_told && model_now(m) - t->first_ns >= STEADY) {
		t->is_told = true;
		tell_problem(m, p, "begins", out);
	} else if (t->is_told && is_counted && strcmp(t->text, p->text) != 0) {
		tell_problem(m, p, "now", out);
	}
	if (strcmp(t->text, p->text) != 0) {
		free(t->text);
		t->text = xstrdup(p->text);
	}
}

/*
 * What is said of its end; "" nothing: the timeline tells the rest, or it is gone from the config. NULL: it has not ended, it is only not listed beside the source that hides it.
 */
static const char *
slo_ending(const struct model *m, const char *id, char *text, size_t size)
{
	const struct model_slo *row = model_slo_find(m, id);
	char budget[SLO_TEXT_MAX * 4];

	if (row == NULL)
		return "";
	if (row->slo == NULL || row->is_stale || row->slo->state == SLO_UNKNOWN || row->slo->state == SLO_NO_DATA)
		return NULL;
	snprintf(text, size, "known again: %s, %s", slo_state_name(row->slo->state), slo_budget_text(budget, sizeof budget, row->slo));
	return text;
}

static const char *
drift_ending(const struct model *m, const char *id, char *text, size_t size)
{
	const struct model_drift *row = model_drift_find(m, id);

	if (row == NULL)
		return "";
	if (model_drift_state(row) == DRIFT_UNKNOWN)
		return NULL;
	snprintf(text, size, "known again: %s", drift_state_name(model_drift_state(row)));
	return text;
}

static const char *
model_ending(const struct model *m, const struct track *t, char *text, size_t size)
{
	for (size_t i = 0; i < model_n_models(m); i++) {
		const struct model_model *row = model_model(m, i);

		if (strcmp(row->def->name, t->name) != 0)
			continue;
		if (row->state == MODEL_STATE_UNKNOWN)
			return NULL;
		snprintf(text, size, "%s%s", t->is_unknown ? "known again: " : "", model_state_name(row->state));
		return text;
	}
	return "";
}

static const char *
ending_of(const struct model *m, const struct track *t, char *text, size_t size)
{
	switch (t->kind) {
	case PROBLEM_SOURCE: return is_silent(model_source_find(m, t->name)) ? "" : "all its requests are answered";
	case PROBLEM_TARGETS: return "no target is down";
	case PROBLEM_RULES: return "no rule fails";
	case PROBLEM_SLO: return slo_ending(m, t->id, text, size);
	case PROBLEM_DRIFT: return drift_ending(m, t->id, text, size);
	case PROBLEM_MODEL: return model_ending(m, t, text, size);
	case PROBLEM_ALERT: break;
	}
	return "";
}

/* true: it is over. */
static bool
track_end(const struct model *m, const struct track *t, struct buf *out)
{
	char buf[LINE_MAX_BYTES];
	const char *text = ending_of(m, t, buf, sizeof buf);

	if (text == NULL)
		return false;
	if (out != NULL && t->is_told && *text != '\0')
		plain_line_add(out, &(struct plain_line){ .at_ns = model_now(m), .kind = problem_kind_name(t->kind), .word = "ends", .what = t->name, .text = text });
	return true;
}

static void
look_at_problems(struct plain_watch *w, const struct model *m, struct buf *out)
{
	size_t n_before = w->n, kept = 0;
	struct hindex known;

	hindex_init(&known, w->n);
	for (size_t i = 0; i < w->n; i++) {
		w->v[i].is_seen = false;
		hindex_set(&known, w->v[i].key, (uint32_t)i);
	}
	for (size_t i = 0; i < model_n_problems(m); i++) {
		const struct problem *p = model_problem(m, i);
		uint32_t at = is_watched(m, p) ? hindex_get(&known, key_of(p)) : HINDEX_NONE;

		if (at != HINDEX_NONE)
			track_go_on(m, &w->v[at], p, out);
		else if (is_watched(m, p))
			track_begin(w, m, p, out == NULL);
	}
	hindex_done(&known);
	for (size_t i = 0; i < w->n; i++) {
		if (i < n_before && !w->v[i].is_seen && track_end(m, &w->v[i], out))
			track_done(&w->v[i]);
		else
			w->v[kept++] = w->v[i];
	}
	w->n = kept;
}

/* --- health ---------------------------------------------------------------------------------------------------------------------- */

/* Without the performance data, which begin at the only '|' there is. */
void
plain_summary(const struct model *m, struct buf *out)
{
	static const char plugin[] = "OPSCONSOLE ";
	struct buf text;

	buf_init(&text, STATUS_MAX);
	status_text(m, model_health(m), false, &text);
	buf_add(out, text.data + strlen(plugin), strcspn(text.data + strlen(plugin), "|\n"));
	while (out->len > 0 && out->data[out->len - 1] == ' ')
		out->data[--out->len] = '\0';
	buf_done(&text);
}

void
plain_summary_line(const struct model *m, struct buf *out)
{
	struct buf text;
	const char *colon;

	buf_init(&text, STATUS_MAX);
	plain_summary(m, &text);
	colon = strstr(text.data, ": ");
	plain_line_add(out, &(struct plain_line){ .at_ns = model_now(m), .kind = "status", .word = "now", .severity = health_name(model_health(m)),
	    .what = colon != NULL ? colon + 2 : text.data });
	buf_done(&text);
}

static void
look_at_health(struct plain_watch *w, const struct model *m, struct buf *out)
{
	enum health now = model_health(m);

	if (out != NULL && now != w->health)
		plain_summary_line(m, out);
	w->health = now;
}

void
plain_watch_look(struct plain_watch *w, const struct model *m, struct buf *out)
{
	look_at_alerts(w, m, out);
	look_at_problems(w, m, out);
	look_at_health(w, m, out);
}
