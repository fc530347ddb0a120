/* Looks at the live model: alerts, who serves what, objectives; and the comparison of two texts. */
#include "config.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "runbook/condition.h"

static const struct model *
the_model(const struct run_world *w, struct finding *f)
{
	const struct model *m = w->model == NULL ? NULL : w->model(w->arg);

	if (m == NULL)
		finding_set(f, OUTCOME_UNKNOWN, "nothing is known yet");
	return m;
}

/* --- alerts ----------------------------------------------------------------------------------- */

static const struct source_request *
alerts_request(const struct model_source *s)
{
	for (size_t i = 0; i < s->n_requests; i++)
		if (strcmp(s->requests[i].last->what, "alerts") == 0)
			return &s->requests[i];
	return NULL;
}

static bool
tells_alerts(const struct model_source *s)
{
	return strcmp(s->type, "alertmanager") == 0 || strcmp(s->type, "prometheus") == 0 || alerts_request(s) != NULL;
}

/* Its answer is newer than what was done. The answer is dated by our clock, when it was asked for or came. */
static bool
is_news(const struct model_source *s, int64_t since_ns)
{
	const struct source_request *r = alerts_request(s);

	return r != NULL && r->last->is_ok && (s->state == SOURCE_OK || s->state == SOURCE_DEGRADED) && r->last_ok_ns > since_ns;
}

struct alert_view {
	size_t n_sources, n_fresh;
	const char *old_source;		/* one that has no news; NULL none */
	bool is_down;			/* and it is not just waited for */
	const struct model_alert *firing, *stale;
};

static void
view_sources(const struct model *m, int64_t since_ns, struct alert_view *v)
{
	for (size_t i = 0; i < model_n_sources(m); i++) {
		const struct model_source *s = model_source(m, i);

		if (!tells_alerts(s))
			continue;
		v->n_sources++;
		if (is_news(s, since_ns)) {
			v->n_fresh++;
			continue;
		}
		v->is_down = v->is_down || s->state == SOURCE_DOWN || s->state == SOURCE_STALE;
		v->old_source = s->name;
	}
}

/* Silenced and inhibited alerts fire all the same; pending ones do not yet. */
static void
view_alerts(const struct model *m, const char *name, int64_t since_ns, struct alert_view *v)
{
	for (size_t i = 0; i < model_n_alerts(m); i++) {
		const struct model_alert *a = model_alert(m, i);

		if (!str_eq(a->name, name) || a->state == ALERT_PENDING)
			continue;
		if (a->is_stale || a->seen_ns <= since_ns)
			v->stale = a;
		else
			v->firing = a;
	}
}

static void
not_known(const struct alert_view *v, const char *name, struct finding *f)
{
	char shown[64];

	f->is_old = !v->is_down && v->n_sources > 0;
	if (v->n_sources == 0)
		finding_set(f, OUTCOME_UNKNOWN, "no source tells of alerts");
	else if (v->stale != NULL)
		finding_set(f, OUTCOME_UNKNOWN, "alert %s was firing when it was last seen", name);
	else
		finding_set(f, OUTCOME_UNKNOWN, "%s has not told of alerts since", str_escape_to(shown, sizeof shown, v->old_source));
}

/*
 * That it fires is known from one source. That it does not, only when all have told: an Alertmanager forgets alerts of a Prometheus that is gone.
 */
void
look_alert(const struct run_world *w, const struct bound_condition *bc, int64_t since_ns, struct finding *f)
{
	const struct model *m = the_model(w, f);
	struct alert_view v = { 0 };
	bool is_firing_wanted = str_eq(bc->expect, "firing");
	char name[96], length[DURATION_TEXT_MAX];

	if (m == NULL)
		return;
	str_escape_to(name, sizeof name, bc->subject);
	view_sources(m, since_ns, &v);
	view_alerts(m, bc->subject, since_ns, &v);
	if (v.firing != NULL)
		finding_set(f, is_firing_wanted ? OUTCOME_OK : OUTCOME_FAILED, "alert %s is firing, for %s", name,
		    duration_format(length, model_now(m) - v.firing->since_ns));
	else if (v.n_sources == 0 || v.n_fresh < v.n_sources || v.stale != NULL)
		not_known(&v, name, f);
	else
		finding_set(f, is_firing_wanted ? OUTCOME_FAILED : OUTCOME_OK, "alert %s is not firing", name);
}

/* --- who serves what -------------------------------------------------------------------------- */

static const struct model_model *
find_model(const struct model *m, const char *name)
{
	for (size_t i = 0; i < model_n_models(m); i++)
		if (str_eq(model_model(m, i)->def->name, name))
			return model_model(m, i);
	return NULL;
}

struct served_view {
	size_t n, n_right, n_old;
	enum outcome worst;
	char text[256];
};

/* A host that serves two versions stands there twice: both count. */
static void
view_host(const struct model_model *row, const char *host, const char *version, int64_t since_ns, struct served_view *v, struct finding *f)
{
	const struct model_host *wrong = NULL, *right = NULL, *unknown = NULL;
	char at[CLOCK_TEXT_MAX], shown[64];
	bool is_old = false;

	for (size_t i = 0; i < row->n_hosts; i++) {
		const struct model_host *h = &row->hosts[i];

		if (!str_eq(h->host, host))
			continue;
		if (h->at_ns <= since_ns || h->state == SERVE_UNKNOWN || *h->error != '\0') {
			is_old = is_old || (h->at_ns <= since_ns && *h->error == '\0');
			unknown = h;
		} else if (strcmp(h->version, version) == 0) {
			right = h;
		} else {
			wrong = h;
		}
	}
	v->n++;
	if (wrong != NULL) {
		v->worst = OUTCOME_FAILED;
		snprintf(v->text, sizeof v->text, "%.80s serves %s (as of %s)", host,
		    *wrong->version == '\0' ? "none" : str_escape_to(shown, sizeof shown, wrong->version), time_of_day(at, wrong->at_ns));
		finding_host(f, host, false);
		return;
	}
	if (right != NULL && unknown == NULL) {
		v->n_right++;
		return;
	}
	v->n_old += is_old || (unknown == NULL && since_ns > 0);
	if (v->worst != OUTCOME_FAILED) {
		v->worst = OUTCOME_UNKNOWN;
		snprintf(v->text, sizeof v->text, "%.80s has not been heard of%s%.120s", host, unknown != NULL && *unknown->error != '\0' ? ": " : is_old ? " since" : "",
		    unknown != NULL ? unknown->error : "");
	}
	finding_host(f, host, true);
}

void
look_served(const struct run_world *w, const struct bound_condition *bc, int64_t since_ns, struct finding *f)
{
	const struct model *m = the_model(w, f);
	const struct model_model *row = m == NULL ? NULL : find_model(m, bc->subject);
	struct served_view v = { .worst = OUTCOME_OK };
	char name[64], version[64];

	if (m == NULL)
		return;
	str_escape_to(name, sizeof name, bc->subject);
	str_escape_to(version, sizeof version, bc->expect);
	if (row == NULL || bc->n_hosts == 0) {
		finding_set(f, OUTCOME_UNKNOWN, row == NULL ? "nobody tells who serves %s" : "no host is named that should serve %s", name);
		return;
	}
	if (row->is_serving_stale && since_ns == 0) {
		finding_set(f, OUTCOME_UNKNOWN, "nobody has told for too long who serves %s", name);
		return;
	}
	for (size_t i = 0; i < bc->n_hosts; i++)
		if (bc->host == NULL || strcmp(bc->host, bc->hosts[i]) == 0)
			view_host(row, bc->hosts[i], bc->expect, since_ns, &v, f);
	f->is_old = v.n_old > 0 && v.n_old + v.n_right == v.n;
	if (v.worst == OUTCOME_OK)
		finding_set(f, OUTCOME_OK, "%zu of %zu host%s serve%s %s", v.n_right, v.n, v.n == 1 ? "" : "s", v.n == 1 ? "s" : "", version);
	else
		finding_set(f, v.worst, "%s; %zu of %zu serve %s", v.text, v.n_right, v.n, version);
}

bool
served_as_series(const struct run_world *w, const struct bound_condition *bc, struct arena *mem, struct condition *ret_c, struct bound_condition *ret)
{
	const struct model *m = w->model == NULL ? NULL : w->model(w->arg);
	const struct model_model *row = m == NULL ? NULL : find_model(m, bc->subject);
	const struct model_def *def = row == NULL ? NULL : row->def;

	if (def == NULL || def->serving_expr == NULL || def->version_label == NULL || def->host_label == NULL || *def->host_label == '\0')
		return false;
	*ret_c = *bc->c;
	ret_c->source = def->serving_source == NULL ? NULL : arena_strdup(mem, def->serving_source);
	ret_c->label = arena_strdup(mem, def->version_label);
	ret_c->host_label = arena_strdup(mem, def->host_label);
	ret_c->compare = CMP_EQ;
	ret_c->is_any = false;
	*ret = *bc;
	ret->c = ret_c;
	ret->subject = arena_strdup(mem, def->serving_expr);
	return true;
}

/* --- objectives ------------------------------------------------------------------------------- */

static const struct model_slo *
find_slo(const struct model *m, const char *name)
{
	for (size_t i = 0; i < model_n_slos(m); i++) {
		const struct model_slo *s = model_slo(m, i);

		if (str_eq(s->def->name, name) || str_eq(s->def->id, name))
			return s;
	}
	return NULL;
}

static bool
is_firing(const struct slo *s)
{
	return s->state == SLO_PAGE || s->state == SLO_TICKET;
}

static void
judge_slo(const struct slo *s, const struct bound_condition *bc, struct finding *f)
{
	char text[SLO_TEXT_MAX], name[64];
	bool is_good;

	if (s->state == SLO_UNKNOWN || s->state == SLO_NO_DATA || (bc->expect == NULL && isnan(s->left))) {
		finding_set(f, OUTCOME_UNKNOWN, "objective %s: %s", str_escape_to(name, sizeof name, bc->subject), slo_budget_text(text, sizeof text, s));
		return;
	}
	if (bc->expect == NULL)
		is_good = compare_numbers(bc->c->compare, s->left, bc->c->number);
	else if (str_eq(bc->expect, "not-firing"))
		is_good = !is_firing(s);
	else
		is_good = s->state == SLO_OK || s->state == SLO_EXCLUDED || s->state == SLO_GATED;
	finding_set(f, is_good ? OUTCOME_OK : OUTCOME_FAILED, "objective %s: %s, %s", str_escape_to(name, sizeof name, bc->subject),
	    slo_state_name(s->state), slo_budget_text(text, sizeof text, s));
}

void
look_slo(const struct run_world *w, const struct bound_condition *bc, int64_t since_ns, struct finding *f)
{
	const struct model *m = the_model(w, f);
	const struct model_slo *row = m == NULL ? NULL : find_slo(m, bc->subject);
	char name[64];

	if (m == NULL)
		return;
	str_escape_to(name, sizeof name, bc->subject);
	if (row == NULL || row->slo == NULL) {
		finding_set(f, OUTCOME_UNKNOWN, row == NULL ? "there is no objective %s" : "objective %s has not been worked out yet", name);
		f->is_old = row != NULL;
	} else if (row->is_stale || row->slo->at_ns <= since_ns) {
		finding_set(f, OUTCOME_UNKNOWN, "objective %s has not been worked out since", name);
		f->is_old = !row->is_stale;
	} else {
		judge_slo(row->slo, bc, f);
	}
}

/* --- drift ------------------------------------------------------------------------------------- */

static bool
is_of(const struct drift_def *def, const char *model, const char *name)
{
	const char *of = str_has_prefix(def->model, "model:") ? def->model + strlen("model:") : def->model;

	return str_eq(of, model) && (name == NULL || str_eq(def->name, name));
}

/* Not worked out yet, or before what was done: worth waiting for. */
static bool
is_before(const struct model_drift *row, int64_t since_ns)
{
	return row->drift == NULL || (!row->is_stale && row->drift->at_ns <= since_ns);
}

/* What is not known, or rests on too little, is no proof of anything. */
static enum outcome
judge_drift(const struct model_drift *row, bool is_steady_wanted, int64_t since_ns)
{
	enum drift_state state = model_drift_state(row);

	if (is_before(row, since_ns) || row->is_stale || state == DRIFT_UNKNOWN || state == DRIFT_FEW)
		return OUTCOME_UNKNOWN;
	if (state == DRIFT_DRIFTED || (is_steady_wanted && state == DRIFT_MOVING))
		return OUTCOME_FAILED;
	return OUTCOME_OK;
}

static const char *
drift_why(const struct model_drift *row, int64_t since_ns)
{
	if (row->drift == NULL)
		return "has not been worked out yet";
	if (row->is_stale || is_before(row, since_ns))
		return "has not been worked out since";
	return *row->drift->why != '\0' ? row->drift->why : drift_state_name(row->drift->state);
}

struct drift_view {
	size_t n;
	enum outcome outcome;
	const struct model_drift *worst;	/* NULL: all are as they should be */
};

/* What has drifted outranks what is not known. */
static void
view_drifts(const struct model *m, const struct bound_condition *bc, int64_t since_ns, struct drift_view *v)
{
	for (size_t i = 0; i < model_n_drifts(m); i++) {
		const struct model_drift *row = model_drift(m, i);
		enum outcome o;

		if (!is_of(row->def, bc->subject, bc->c->label))
			continue;
		v->n++;
		o = judge_drift(row, str_eq(bc->expect, "steady"), since_ns);
		if (o == OUTCOME_OK || v->outcome == OUTCOME_FAILED || (o == OUTCOME_UNKNOWN && v->worst != NULL))
			continue;
		v->outcome = o;
		v->worst = row;
	}
}

void
look_drift(const struct run_world *w, const struct bound_condition *bc, int64_t since_ns, struct finding *f)
{
	const struct model *m = the_model(w, f);
	struct drift_view v = { .outcome = OUTCOME_OK };
	char name[64], of[64];

	if (m == NULL)
		return;
	view_drifts(m, bc, since_ns, &v);
	str_escape_to(name, sizeof name, bc->subject);
	if (v.n == 0 && bc->c->label != NULL)
		finding_set(f, OUTCOME_UNKNOWN, "%s of %s is not looked at for drift", str_escape_to(of, sizeof of, bc->c->label), name);
	else if (v.n == 0)
		finding_set(f, OUTCOME_UNKNOWN, "nothing of %s is looked at for drift", name);
	else if (v.worst == NULL)
		finding_set(f, OUTCOME_OK, "%zu of %zu of %s %s", v.n, v.n, name, str_eq(bc->expect, "steady") ? "steady" : "not drifted");
	else
		finding_set(f, v.outcome, "%s of %s: %s", str_escape_to(of, sizeof of, v.worst->def->name), name, drift_why(v.worst, since_ns));
	f->is_old = v.outcome == OUTCOME_UNKNOWN && v.worst != NULL && is_before(v.worst, since_ns);
}

/* --- texts ------------------------------------------------------------------------------------ */

void
look_value(const struct bound_condition *bc, struct finding *f)
{
	const char *a = bc->subject != NULL ? bc->subject : "", *b = bc->expect != NULL ? bc->expect : "";
	bool is_equal = strcmp(a, b) == 0;
	char left[96], right[96];

	finding_set(f, is_equal == (bc->c->compare == CMP_EQ) ? OUTCOME_OK : OUTCOME_FAILED, "'%s' is %s'%s'", str_escape_to(left, sizeof left, a),
	    is_equal ? "" : "not ", str_escape_to(right, sizeof right, b));
}
