/*
 * Sources: how their requests went, and what state that makes.
 *
 * The state is a function of the requests and of now alone: nothing is remembered about states themselves, so live, history
 * and replay agree.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "model/model_priv.h"

#define INTERVAL_DEFAULT_NS (15 * NS_PER_S)	/* of a source that no config tells of: a replay, a test */
#define INTERVAL_MAX_NS (24 * NS_PER_HOUR)
#define SLACK_MAX_NS (30 * NS_PER_S)
#define DUE_MAX_NS NS_PER_HOUR			/* a report that promises the next one later than this is not believed */

/* --- the list ----------------------------------------------------------------------------------------------------------- */

struct source *
source_get(const struct model *m, const char *name)
{
	for (size_t i = 0; i < m->n_sources; i++)
		if (strcmp(m->sources[i]->pub.name, name) == 0)
			return m->sources[i];
	return NULL;
}

static void
source_set_def(struct source *s, const char *type, const char *url, int64_t interval_ns)
{
	free((char *)s->pub.type);
	free((char *)s->pub.url);
	s->pub.type = xstrdup(type);
	s->pub.url = xstrdup(url);
	s->pub.interval_ns = interval_ns <= 0 ? INTERVAL_DEFAULT_NS : interval_ns > INTERVAL_MAX_NS ? INTERVAL_MAX_NS : interval_ns;
}

static struct source *
source_new(const char *name)
{
	struct source *s = xcalloc(1, sizeof *s);

	s->pub.name = xstrdup(name);
	s->pub.error = "";
	source_set_def(s, "", "", 0);
	return s;
}

static void
source_free(struct source *s)
{
	for (size_t i = 0; i < s->pub.n_requests; i++)
		block_unref(s->requests[i].last);
	free(s->requests);
	block_unref(s->pub.info);
	block_unref(s->pub.targets);
	block_unref(s->pub.rules);
	block_unref(s->pub.groups);
	block_unref(s->alerts);
	block_unref(s->silences);
	free((char *)s->pub.name);
	free((char *)s->pub.type);
	free((char *)s->pub.url);
	free(s);
}

struct source *
source_for_event(struct model *m, const char *name)
{
	struct source *s = source_get(m, name);

	if (s != NULL || m->env != NULL || name[0] == '\0' || m->n_sources >= SOURCES_MAX)
		return s;
	m->sources = xreallocarray(m->sources, m->n_sources + 1, sizeof(struct source *));
	s = source_new(name);
	m->sources[m->n_sources++] = s;
	return s;
}

/* Sources in the order of the environment; those it does not name go. */
void
sources_environment(struct model *m)
{
	const struct environment *env = m->env;
	size_t n = 0, max = env->n_sources < SOURCES_MAX ? env->n_sources : SOURCES_MAX;
	struct source **v = xcalloc(max + 1, sizeof(struct source *));

	for (size_t i = 0; i < max; i++) {
		const struct source_def *def = &env->sources[i];
		struct source *s = NULL;
		bool is_double = false;

		for (size_t j = 0; j < n; j++)
			is_double |= strcmp(v[j]->pub.name, def->name) == 0;
		/* Endpoints of runbooks are never polled: there is nothing to know of them, and they are neither well nor ill. */
		if (is_double || strcmp(def->type, "http") == 0)
			continue;
		for (size_t j = 0; j < m->n_sources && s == NULL; j++) {
			if (m->sources[j] != NULL && strcmp(m->sources[j]->pub.name, def->name) == 0) {
				s = m->sources[j];
				m->sources[j] = NULL;
			}
		}
		v[n] = s == NULL ? source_new(def->name) : s;
		source_set_def(v[n++], def->type, def->url, def->interval_ns);
	}
	for (size_t j = 0; j < m->n_sources; j++)
		if (m->sources[j] != NULL)
			source_free(m->sources[j]);
	free(m->sources);
	m->sources = v;
	m->n_sources = n;
	/* They may be asked at other intervals now. */
	for (size_t i = 0; i < n; i++)
		source_judge(v[i], m->now_ns);
}

void
sources_done(struct model *m)
{
	for (size_t i = 0; i < m->n_sources; i++)
		source_free(m->sources[i]);
	free(m->sources);
	m->sources = NULL;
	m->n_sources = 0;
}

static struct source *
source_clone(const struct source *from)
{
	struct source *s = xmalloc(sizeof *s);

	*s = *from;
	s->pub.name = xstrdup(from->pub.name);
	s->pub.type = xstrdup(from->pub.type);
	s->pub.url = xstrdup(from->pub.url);
	s->requests = xreallocarray(NULL, from->pub.n_requests, sizeof *s->requests);
	for (size_t i = 0; i < from->pub.n_requests; i++) {
		s->requests[i] = from->requests[i];
		block_ref(s->requests[i].last);
	}
	s->pub.requests = s->requests;
	block_ref(s->pub.info);
	block_ref(s->pub.targets);
	block_ref(s->pub.rules);
	block_ref(s->pub.groups);
	block_ref(s->alerts);
	block_ref(s->silences);
	return s;
}

void
sources_clone(struct model *to, const struct model *from)
{
	to->n_sources = from->n_sources;
	to->sources = xcalloc(from->n_sources + 1, sizeof(struct source *));
	for (size_t i = 0; i < from->n_sources; i++)
		to->sources[i] = source_clone(from->sources[i]);
}

/* --- what it is like ------------------------------------------------------------------------------------------------------ */

int64_t
source_patience_ns(const struct source *s)
{
	int64_t slack = 0;

	for (size_t i = 0; i < s->pub.n_requests; i++)
		if (s->requests[i].last->latency_ns > slack)
			slack = s->requests[i].last->latency_ns;
	if (slack > SLACK_MAX_NS)
		slack = SLACK_MAX_NS;
	return STALE_INTERVALS * s->pub.interval_ns + slack;
}

bool
source_is_alertmanager(const struct source *s)
{
	if (s->pub.type[0] != '\0')
		return strcmp(s->pub.type, "alertmanager") == 0;
	return s->silences != NULL || (s->alerts != NULL && s->alerts->n > 0 && s->alerts->v[0].fingerprint != NULL);
}

const struct source_request *
source_request_find(const struct source *s, const char *what)
{
	for (size_t i = 0; i < s->pub.n_requests; i++)
		if (strcmp(s->requests[i].last->what, what) == 0)
			return &s->requests[i];
	return NULL;
}

bool
source_tells_alerts(const struct source *s)
{
	return strcmp(s->pub.type, "alertmanager") == 0 || strcmp(s->pub.type, "prometheus") == 0 ||
	    s->alerts != NULL || source_request_find(s, "alerts") != NULL;
}

int64_t
source_alerts_seen_ns(const struct source *s)
{
	const struct source_request *r = source_request_find(s, "alerts");

	/* An answer that was the same as before may come as a report alone. */
	if (s->alerts == NULL)
		return 0;
	return r != NULL && r->last_ok_ns > s->alerts_ns ? r->last_ok_ns : s->alerts_ns;
}

/* What a person typed may be wrong without the source being to blame, and a server that has no notification groups does all the rest. */
static bool
is_counted(const struct source_request *r)
{
	if (strcmp(r->last->what, "groups") == 0 && r->last->http_status == 404)
		return false;
	return !str_has_prefix(r->last->what, "adhoc:");
}

/* Requests have periods of their own: one that said when it comes next is late only after that. */
static int64_t
request_deadline_ns(const struct source *s, const struct source_request *r)
{
	int64_t base = r->last_ok_ns, due = r->last->next_due_ns;

	if (r->last->is_ok && due > base && due - base < DUE_MAX_NS && due - base > s->pub.interval_ns)
		base = due - s->pub.interval_ns;
	return base + source_patience_ns(s);
}

int64_t
source_fresh_until_ns(const struct source *s, const char *what, int64_t seen_ns)
{
	const struct source_request *r = source_request_find(s, what);
	int64_t until_ns = seen_ns + source_patience_ns(s), deadline_ns = r == NULL ? 0 : request_deadline_ns(s, r);

	return deadline_ns > until_ns ? deadline_ns : until_ns;
}

bool
report_is_of_query(const char *what)
{
	static const char *const prefixes[] = { "query:", "adhoc:", "marker:", "host:", "online:", "serving:" };

	for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++)
		if (str_has_prefix(what, prefixes[i]))
			return true;
	return false;
}

bool
report_is_of_lines(const char *what)
{
	return str_has_prefix(what, "adhoc:lines:");
}

static bool
is_failing(const struct source *s, const struct source_request *r, int64_t now_ns)
{
	return !r->last->is_ok || now_ns > request_deadline_ns(s, r);
}

size_t
source_n_failing(const struct source *s, int64_t now_ns, size_t *ret_n)
{
	size_t n_failing = 0;

	*ret_n = 0;
	for (size_t i = 0; i < s->pub.n_requests; i++) {
		*ret_n += is_counted(&s->requests[i]);
		n_failing += is_counted(&s->requests[i]) && is_failing(s, &s->requests[i], now_ns);
	}
	return n_failing;
}

static int64_t
earliest(int64_t a, int64_t b)
{
	return a == 0 || (b != 0 && b < a) ? b : a;
}

/* A store follows several streams, and one may be refused for what its query says: then which. */
static const char *
error_of(struct source *s, const struct source_request *r)
{
	static const char logs[] = "logs:";

	if (r->last->http_status != 400 || !str_has_prefix(r->last->what, logs))
		return r->last->error;
	snprintf(s->error, sizeof s->error, "stream %s: %s", r->last->what + strlen(logs), r->last->error);
	return s->error;
}

void
source_judge(struct source *s, int64_t now_ns)
{
	int64_t patience = source_patience_ns(s), failing_since = 0, ok_since = 0, error_ns = INT64_MIN;
	struct model_source *pub = &s->pub;
	size_t n_failing = 0;

	pub->error = "";
	pub->last_ok_ns = 0;
	for (size_t i = 0; i < pub->n_requests; i++) {
		const struct source_request *r = &s->requests[i];

		if (!is_counted(r))
			continue;
		if (r->last_ok_ns > pub->last_ok_ns)
			pub->last_ok_ns = r->last_ok_ns;
		if (r->ok_since_ns > ok_since)
			ok_since = r->ok_since_ns;
		if (!is_failing(s, r, now_ns))
			continue;
		n_failing++;
		failing_since = earliest(failing_since, r->last->is_ok ? request_deadline_ns(s, r) : r->failing_since_ns);
		if (!r->last->is_ok && r->last_ns > error_ns) {
			error_ns = r->last_ns;
			pub->error = error_of(s, r);
		}
	}
	if (pub->last_ok_ns != 0 && now_ns - pub->last_ok_ns > patience) {
		pub->state = SOURCE_STALE;
		pub->since_ns = pub->last_ok_ns + patience;
	} else if (pub->last_ok_ns == 0 && n_failing > 0) {
		pub->state = SOURCE_DOWN;
		pub->since_ns = failing_since;
	} else if (pub->last_ok_ns == 0) {
		pub->state = SOURCE_UNKNOWN;
		pub->since_ns = 0;
	} else {
		pub->state = n_failing > 0 ? SOURCE_DEGRADED : SOURCE_OK;
		pub->since_ns = n_failing > 0 ? failing_since : ok_since;
	}
	s->is_alerts_stale = s->alerts != NULL && now_ns - source_alerts_seen_ns(s) > patience;
}

/* --- events --------------------------------------------------------------------------------------------------------------- */

static struct source_request *
request_for(struct source *s, const char *what)
{
	size_t n = s->pub.n_requests, at = 0;

	while (at < n && strcmp(s->requests[at].last->what, what) < 0)
		at++;
	if (at < n && strcmp(s->requests[at].last->what, what) == 0)
		return &s->requests[at];
	if (n >= REQUESTS_MAX)
		return NULL;
	s->requests = xreallocarray(s->requests, n + 1, sizeof *s->requests);
	memmove(&s->requests[at + 1], &s->requests[at], (n - at) * sizeof *s->requests);
	s->requests[at] = (struct source_request){ 0 };
	s->pub.requests = s->requests;
	s->pub.n_requests = n + 1;
	return &s->requests[at];
}

static void
apply_report(struct source *s, const struct event *ev)
{
	const struct source_report *report = ev->block;
	struct source_request *r = request_for(s, report->what);

	if (r == NULL)
		return;
	if (report->is_ok) {
		/* Good again, or good after so long that nobody knows what was between. */
		if (r->last == NULL || !r->last->is_ok || ev->time_ns > request_deadline_ns(s, r))
			r->ok_since_ns = ev->time_ns;
		r->last_ok_ns = ev->time_ns;
		r->n_failed_in_row = 0;
		r->failing_since_ns = 0;
	} else {
		if (r->n_failed_in_row++ == 0)
			r->failing_since_ns = ev->time_ns;
	}
	r->last_ns = ev->time_ns;
	block_replace(&r->last, report);
	r->source = ev->source;
}

static size_t
targets_down(const struct target_set *set)
{
	size_t n = 0;

	for (size_t i = 0; i < set->n; i++)
		n += set->v[i].health == TARGET_DOWN;
	return n;
}

static size_t
rules_failing(const struct rule_set *set)
{
	size_t n = 0;

	for (size_t i = 0; i < set->n; i++)
		n += set->v[i].error[0] != '\0';
	return n;
}

static void
since_when(int64_t *since_ns, bool is_wrong, int64_t now_ns)
{
	if (!is_wrong)
		*since_ns = 0;
	else if (*since_ns == 0)
		*since_ns = now_ns;
}

static void
apply_value(struct model *m, struct source *s, const struct event *ev)
{
	switch (ev->kind) {
	case EVENT_SOURCE_INFO:
		block_replace(&s->pub.info, ev->block);
		s->info_told = (struct told){ ev->time_ns, ev->source };
		break;
	case EVENT_TARGETS:
		block_replace(&s->pub.targets, ev->block);
		s->pub.targets_ns = ev->time_ns;
		s->targets_source = ev->source;
		since_when(&s->targets_down_since_ns, targets_down(ev->block) > 0, ev->time_ns);
		break;
	case EVENT_RULES:
		block_replace(&s->pub.rules, ev->block);
		s->pub.rules_ns = ev->time_ns;
		s->rules_source = ev->source;
		since_when(&s->rules_failing_since_ns, rules_failing(ev->block) > 0, ev->time_ns);
		break;
	case EVENT_ALERTS:
		block_replace(&s->alerts, ev->block);
		s->alerts_ns = ev->time_ns;
		s->alerts_source = ev->source;
		alerts_learn_external(m);
		model_touch(m, MODEL_ALERTS);
		break;
	case EVENT_GROUPS:
		block_replace(&s->pub.groups, ev->block);
		s->pub.groups_ns = ev->time_ns;
		s->groups_source = ev->source;
		model_touch(m, MODEL_ALERTS);
		break;
	case EVENT_SILENCES:
		block_replace(&s->silences, ev->block);
		s->silences_ns = ev->time_ns;
		s->silences_source = ev->source;
		model_touch(m, MODEL_ALERTS);
		break;
	default:
		break;
	}
}

void
sources_apply(struct model *m, const struct event *ev)
{
	struct source *s = source_for_event(m, ev->source);

	if (s == NULL)
		return;
	if (ev->kind == EVENT_SOURCE_REPORT) {
		int64_t patience_ns = source_patience_ns(s);
		bool was_stale = s->is_alerts_stale;

		apply_report(s, ev);
		source_judge(s, m->now_ns);
		/* Since when a model cannot be seen follows from it. */
		if (source_patience_ns(s) != patience_ns)
			model_touch(m, MODEL_MODELS);
		if (was_stale != s->is_alerts_stale || strcmp(((const struct source_report *)ev->block)->what, "alerts") == 0)
			model_touch(m, MODEL_ALERTS);
	} else {
		apply_value(m, s, ev);
		source_judge(s, m->now_ns);
	}
	model_touch(m, MODEL_SOURCES);
}

/* --- time ------------------------------------------------------------------------------------------------------------------ */

static bool
not_after(int64_t *t_ns, int64_t now_ns)
{
	if (*t_ns <= now_ns)
		return false;
	*t_ns = now_ns;
	return true;
}

/* When the clock was set back, what we have is new as of now: else nothing would look old until the clock has caught up. */
static bool
source_clamp(struct source *s, int64_t now_ns)
{
	bool has_changed = false;

	for (size_t i = 0; i < s->pub.n_requests; i++) {
		has_changed |= not_after(&s->requests[i].last_ns, now_ns);
		has_changed |= not_after(&s->requests[i].last_ok_ns, now_ns);
		has_changed |= not_after(&s->requests[i].failing_since_ns, now_ns);
		has_changed |= not_after(&s->requests[i].ok_since_ns, now_ns);
	}
	has_changed |= not_after(&s->alerts_ns, now_ns);
	has_changed |= not_after(&s->silences_ns, now_ns);
	has_changed |= not_after(&s->pub.targets_ns, now_ns);
	has_changed |= not_after(&s->pub.rules_ns, now_ns);
	has_changed |= not_after(&s->pub.groups_ns, now_ns);
	has_changed |= not_after(&s->targets_down_since_ns, now_ns);
	has_changed |= not_after(&s->rules_failing_since_ns, now_ns);
	return has_changed;
}

/* A query that nobody polls any more must not stay failing for ever. */
static bool
is_forgotten(const struct source *s, const struct source_request *r, int64_t now_ns)
{
	int64_t from = r->last_ns, due = r->last->next_due_ns;

	if (!report_is_of_query(r->last->what))
		return false;
	if (due > from && due - from < DUE_MAX_NS)
		from = due;
	return (now_ns - from) / FORGET_INTERVALS > s->pub.interval_ns;
}

static bool
forget_requests(struct source *s, int64_t now_ns)
{
	size_t n = 0;

	for (size_t i = 0; i < s->pub.n_requests; i++) {
		if (is_forgotten(s, &s->requests[i], now_ns))
			block_unref(s->requests[i].last);
		else
			s->requests[n++] = s->requests[i];
	}
	if (n == s->pub.n_requests)
		return false;
	s->pub.n_requests = n;
	return true;
}

void
sources_advance(struct model *m)
{
	for (size_t i = 0; i < m->n_sources; i++) {
		struct source *s = m->sources[i];
		enum source_state state = s->pub.state;
		bool was_stale = s->is_alerts_stale, has_changed;

		/* Alerts say when they were seen, models and hosts judge by how old answers are. */
		if (source_clamp(s, m->now_ns))
			model_touch(m, MODEL_SOURCES | MODEL_ALERTS | MODEL_MODELS);
		/* Before anything is forgotten: since when it is stale must not depend on how far time went at once. */
		source_judge(s, m->now_ns);
		timeline_source(m, s);
		has_changed = forget_requests(s, m->now_ns);
		if (has_changed) {
			model_touch(m, MODEL_MODELS);
			source_judge(s, m->now_ns);
		}
		if (has_changed || s->pub.state != state)
			model_touch(m, MODEL_SOURCES);
		if (s->is_alerts_stale != was_stale)
			model_touch(m, MODEL_ALERTS);
	}
}

/* --- for the reader -------------------------------------------------------------------------------------------------------- */

size_t
model_n_sources(const struct model *m)
{
	return m->n_sources;
}

const struct model_source *
model_source(const struct model *m, size_t i)
{
	return &m->sources[i]->pub;
}

const struct model_source *
model_source_find(const struct model *m, const char *name)
{
	const struct source *s = source_get(m, name);

	return s == NULL ? NULL : &s->pub;
}

const char *
source_state_name(enum source_state state)
{
	switch (state) {
	case SOURCE_UNKNOWN: return "unknown";
	case SOURCE_OK: return "ok";
	case SOURCE_DEGRADED: return "degraded";
	case SOURCE_STALE: return "stale";
	case SOURCE_DOWN: return "down";
	}
	return "unknown";
}
