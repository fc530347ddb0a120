/*
 * Since when a pattern of lines is new: what began the trouble, as far as the model knows. A cause comes before its page, so what a page or an incident looks back to is the change
 * before it, and some time where there is none; and what a change wrote when it began is older than its marker, for it was seen by asking.
 */
#include "config.h"

#include "base/clock.h"
#include "insight/log_look.h"
#include "model/model.h"

#define CAUSED_WITHIN (15 * NS_PER_MIN)	/* a change that is older than that is not taken for the cause */
#define TROUBLE_LEAD (5 * NS_PER_MIN)
#define CHANGE_LEAD (30 * NS_PER_S)

static int64_t
first_page(const struct model *m)
{
	int64_t at = INT64_MAX;

	for (size_t i = 0; i < model_n_alerts(m); i++) {
		const struct model_alert *a = model_alert(m, i);

		if (a->severity == SEVERITY_PAGE && (a->state == ALERT_FIRING || a->state == ALERT_UNPROCESSED) && a->since_ns < at)
			at = a->since_ns;
	}
	return at;
}

static int64_t
last_change(const struct model *m, int64_t start_ns, int64_t end_ns)
{
	int64_t at = INT64_MIN;

	for (size_t i = 0; i < model_n_markers(m); i++) {
		const struct marker *v = model_marker(m, i);

		if (v->kind == MARKER_CHANGE && v->at_ns >= start_ns && v->at_ns <= end_ns && v->at_ns > at)
			at = v->at_ns;
	}
	return at;
}

/* The first of the changes shortly before. */
static int64_t
before_trouble(const struct model *m, int64_t at_ns)
{
	int64_t first = INT64_MAX;

	for (size_t i = 0; i < model_n_markers(m); i++) {
		const struct marker *v = model_marker(m, i);

		if (v->kind == MARKER_CHANGE && v->at_ns >= at_ns - CAUSED_WITHIN && v->at_ns <= at_ns && v->at_ns < first)
			first = v->at_ns;
	}
	return first != INT64_MAX ? first - CHANGE_LEAD : at_ns - TROUBLE_LEAD;
}

int64_t
log_anchor(const struct model *m, int64_t start_ns, int64_t end_ns, const char **ret_what)
{
	const struct incident *incident = model_incident(m);
	int64_t page = first_page(m), change = last_change(m, start_ns, end_ns);

	if (incident != NULL && incident->opened_ns <= page) {
		*ret_what = "before the incident";
		return before_trouble(m, incident->opened_ns);
	}
	if (page != INT64_MAX) {
		*ret_what = "before the first page";
		return before_trouble(m, page);
	}
	if (change != INT64_MIN) {
		*ret_what = "newest change";
		return change - CHANGE_LEAD;
	}
	*ret_what = "last tenth of the range";
	return end_ns - (end_ns / 10 - start_ns / 10);
}
