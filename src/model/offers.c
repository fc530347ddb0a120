/* Which runbooks are for which alerts: regexes over the alert's name, as the runbooks give them. */
#include "config.h"

#include <stdlib.h>

#include "base/xalloc.h"
#include "model/model_priv.h"

static struct matcher
offer_matcher(const char *regex)
{
	return (struct matcher){ .name = "alertname", .value = regex, .is_regex = true, .is_equal = true };
}

bool
runbook_is_for(const struct runbook_info *r, const char *alert)
{
	struct label name = { "alertname", alert };
	struct labels labels = { 1, &name };

	for (size_t i = 0; i < r->offer_alerts.n; i++) {
		struct matcher m = offer_matcher(r->offer_alerts.v[i]);

		if (matchers_match(&m, 1, &labels, NULL))
			return true;
	}
	return false;
}

/* Acknowledged ones are being worked on: that is when a runbook is wanted. */
static bool
is_offered_for(const struct model_alert *a)
{
	return a->state == ALERT_FIRING || a->state == ALERT_UNPROCESSED || a->state == ALERT_SILENCED;
}

/* One regex over all alerts, the worst first; what is better than what was found already is not looked at. */
static void
try_regex(const struct alerts_view *alerts, const char *regex, struct offer *best)
{
	struct matcher m = offer_matcher(regex);
	struct matcher_set *set = matcher_set_new(&m, 1, NULL);

	for (size_t i = 0; set != NULL && i < alerts->n && i < best->rank; i++) {
		const struct model_alert *a = alerts->order[i];
		struct label name = { "alertname", a->name };
		struct labels labels = { 1, &name };

		if (is_offered_for(a) && matcher_set_match(set, &labels) == MATCHER_YES)
			*best = (struct offer){ a, i };
	}
	matcher_set_free(set);
}

static void
offers_build(const struct model *m, struct offers_view *v)
{
	const struct alerts_view *alerts = alerts_get(m);

	v->n = m->runbooks->n;
	v->v = xcalloc(v->n, sizeof *v->v);
	for (size_t i = 0; i < v->n; i++) {
		const struct strings *regexes = &m->runbooks->v[i].offer_alerts;

		v->v[i].rank = SIZE_MAX;
		for (size_t j = 0; j < regexes->n; j++)
			try_regex(alerts, regexes->v[j], &v->v[i]);
	}
}

void
offers_view_done(struct offers_view *v)
{
	free(v->v);
	*v = (struct offers_view){ 0 };
}

const struct model_alert *
model_runbook_offer(const struct model *m, size_t i)
{
	struct derived *d = m->derived;

	if (m->runbooks == NULL)
		return NULL;
	if (!d->has_offers) {
		offers_view_done(&d->offers);
		offers_build(m, &d->offers);
		d->has_offers = true;
	}
	return i < d->offers.n ? d->offers.v[i].alert : NULL;
}
