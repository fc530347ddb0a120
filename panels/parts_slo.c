#include "config.h"

#include "parts_slo.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"

enum { NAME_W = 24, NAME_W_MIN = 6, TIME_W = 6 };

/* --- which of them ----------------------------------------------------------------------------- */

/* The newest of them; 0 when none was worked out. */
static int64_t
newest(const struct model *m)
{
	int64_t at = 0;

	for (size_t i = 0; m != NULL && i < model_n_slos(m); i++)
		if (model_slo(m, i)->slo != NULL && model_slo(m, i)->slo->at_ns > at)
			at = model_slo(m, i)->slo->at_ns;
	return at;
}

struct part_slos
part_slos(const struct view *v)
{
	int64_t recorded_ns = newest(v->model), worked_out_ns = 0;
	size_t n_worked_out = v->live != NULL ? model_n_past_slos(v->live, &worked_out_ns) : 0;
	enum part_standing kind = part_standing(v, recorded_ns, n_worked_out > 0 ? worked_out_ns : 0);
	const struct model *m = kind == STANDING_PENDING ? v->live : v->model;

	if (kind == STANDING_WORKED_OUT)
		return (struct part_slos){ kind, v->live, n_worked_out, worked_out_ns };
	return (struct part_slos){ kind, m, m != NULL ? model_n_slos(m) : 0, recorded_ns };
}

struct model_slo
part_slo(const struct part_slos *s, size_t i)
{
	struct model_slo row = s->kind == STANDING_WORKED_OUT ? *model_past_slo(s->model, i) : *model_slo(s->model, i);

	if (s->kind == STANDING_PENDING)
		row = (struct model_slo){ .def = row.def };
	return row;
}

bool
part_slo_find(const struct part_slos *s, const char *id, struct model_slo *ret)
{
	for (size_t i = 0; id != NULL && i < s->n; i++) {
		struct model_slo row = part_slo(s, i);

		if (strcmp(row.def->id, id) == 0) {
			*ret = row;
			return true;
		}
	}
	return false;
}

const char *
part_slos_text(const struct view *v, const struct part_slos *s, char *buf)
{
	return part_standing_text(v, s->kind, s->n, s->at_ns, buf);
}

/* --- states -------------------------------------------------------------------------------------- */

enum severity
part_slo_severity(const struct model_slo *s)
{
	if (s->slo == NULL || s->is_stale)
		return SEVERITY_NONE;
	switch (s->slo->state) {
	case SLO_PAGE: return SEVERITY_PAGE;
	case SLO_TICKET: return SEVERITY_TICKET;
	case SLO_NO_DATA: return s->def->no_data_severity;
	case SLO_EXHAUSTED: case SLO_UNKNOWN: case SLO_GATED: case SLO_OK: case SLO_EXCLUDED: break;
	}
	return SEVERITY_NONE;
}

const char *
part_slo_glyph(const struct model_slo *s, enum role *ret_role)
{
	*ret_role = ROLE_UNKNOWN;
	if (s->slo == NULL)
		return GLYPH_UNKNOWN;
	if (s->is_stale) {
		*ret_role = ROLE_STALE;
		return GLYPH_STALE;
	}
	switch (s->slo->state) {
	case SLO_PAGE: *ret_role = ROLE_ALERT_FIRING; return GLYPH_FIRING;
	case SLO_TICKET: *ret_role = ROLE_ALERT_TICKET; return GLYPH_FIRING;
	case SLO_EXHAUSTED: *ret_role = ROLE_CRITICAL; return GLYPH_FIRING;
	case SLO_GATED: *ret_role = ROLE_ALERT_PENDING; return GLYPH_PENDING;
	case SLO_OK: *ret_role = ROLE_OK; return GLYPH_OK;
	case SLO_EXCLUDED: *ret_role = ROLE_ALERT_SILENCED; return GLYPH_SILENCED;
	case SLO_NO_DATA:
		/* Who says that missing data pages wants to see it as a page. */
		if (s->def->no_data_severity == SEVERITY_NONE)
			break;
		*ret_role = part_severity_role(s->def->no_data_severity);
		return GLYPH_FIRING;
	case SLO_UNKNOWN: break;
	}
	return GLYPH_UNKNOWN;
}

const char *
part_slo_word(const struct model_slo *s)
{
	if (s->slo == NULL)
		return "unknown";
	switch (s->slo->state) {
	case SLO_NO_DATA: return "no data";
	case SLO_EXHAUSTED: return "spent";
	case SLO_PAGE: case SLO_TICKET: case SLO_UNKNOWN: case SLO_GATED: case SLO_OK: case SLO_EXCLUDED: break;
	}
	return slo_state_name(s->slo->state);
}

bool
part_slo_is_blind(const struct model_slo *s)
{
	return s->slo == NULL || s->slo->state == SLO_NO_DATA || s->slo->state == SLO_UNKNOWN || isnan(s->slo->left);
}

/* --- a few words --------------------------------------------------------------------------------- */

bool
part_slo_first(const struct part_slos *s, struct model_slo *ret)
{
	enum severity worst = SEVERITY_INFO;
	bool is_found = false;

	for (size_t i = 0; i < s->n; i++) {
		struct model_slo row = part_slo(s, i);
		enum severity severity = part_slo_severity(&row);

		if (severity > worst) {
			worst = severity;
			*ret = row;
			is_found = true;
		}
		if (worst > SEVERITY_INFO || part_slo_is_blind(&row) || (is_found && !(row.slo->left < ret->slo->left)))
			continue;
		*ret = row;
		is_found = true;
	}
	return is_found;
}

const char *
part_slo_share(const struct slo *s, char *buf)
{
	char share[SLO_SHARE_MAX];

	snprintf(buf, PART_SHARE_MAX, "%s%s", slo_is_partial(s) ? GLYPH_STALE : "", slo_share_text(share, s->left));
	return buf;
}

/* "1m52s", "" where no end is in sight. */
static const char *
time_left(const struct model_slo *s, char *buf)
{
	*buf = '\0';
	if (s->slo != NULL && !part_slo_is_blind(s) && s->slo->left > 0 && s->slo->exhaustion_ns > 0 && s->slo->exhaustion_ns < INT64_MAX)
		slo_time_text(buf, s->slo->exhaustion_ns);
	return buf;
}

/* Columns by which the time may grow from one second to the next: with less than that to spare, words would come and go. */
static int
time_slack(const struct model_slo *s)
{
	char in[DURATION_TEXT_MAX];
	int w = (int)str_width(time_left(s, in));

	return w > 0 && w < TIME_W ? TIME_W - w : 0;
}

const char *
part_slo_short(const struct model_slo *s, char *buf)
{
	char share[PART_SHARE_MAX], in[DURATION_TEXT_MAX];

	if (part_slo_is_blind(s))
		snprintf(buf, PART_SLO_SHORT_MAX, "%s", s->slo != NULL && s->slo->state == SLO_NO_DATA ? "no data" : "?");
	else if (s->slo->left <= 0)
		snprintf(buf, PART_SLO_SHORT_MAX, "spent %s", slo_share_text(share, 1 - s->slo->left));
	else
		snprintf(buf, PART_SLO_SHORT_MAX, "%s%s%s", part_slo_share(s->slo, share), *time_left(s, in) != '\0' ? ", " : "", in);
	return buf;
}

/* text is harmless already. */
static void
cut_to(char *text, size_t size, int w)
{
	size_t at = 0, len = strlen(text), took;
	uint32_t cp = 0;

	if ((int)str_width(text) <= w)
		return;
	for (int cols = 0; (took = utf8_decode(text + at, len - at, &cp)) > 0; at += took) {
		cols += cp_width(cp);
		if (cols >= w)
			break;
	}
	snprintf(text + at, size - at, "…");
}

const char *
part_slo_sentence(const struct model_slo *s, int w, char *buf, size_t size)
{
	char text[SLO_TEXT_MAX], name[4 * NAME_W], how[4 * SLO_TEXT_MAX], brief[PART_SLO_SHORT_MAX];
	int room = w - time_slack(s);

	str_escape_to(name, sizeof name, s->def->name);
	str_escape_to(how, sizeof how, slo_budget_text(text, sizeof text, s->slo));
	snprintf(buf, size, "budget %s %s", name, how);
	if ((int)str_width(buf) <= room)
		return buf;
	snprintf(buf, size, "%s %s", name, how);
	if ((int)str_width(buf) <= room)
		return buf;
	part_slo_short(s, brief);
	snprintf(buf, size, "%s %s", name, brief);
	if ((int)str_width(buf) <= room)
		return buf;
	/* Some of the name is better than none. */
	room -= (int)str_width(brief) + 1;
	if (room >= NAME_W_MIN) {
		cut_to(name, sizeof name, room);
		snprintf(buf, size, "%s %s", name, brief);
		return buf;
	}
	snprintf(buf, size, "budget %s", brief);
	if ((int)str_width(buf) > w)
		*buf = '\0';
	return buf;
}

const char *
part_target(double target, char *buf)
{
	snprintf(buf, PART_TARGET_MAX, "%.10g%%", target * 100);
	return buf;
}

const char *
part_window(int64_t window_ns, char *buf)
{
	static const struct {
		int64_t ns;
		char letter;
	} units[] = { { 24 * NS_PER_HOUR, 'd' }, { NS_PER_HOUR, 'h' }, { NS_PER_MIN, 'm' }, { NS_PER_S, 's' } };

	for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
		if (window_ns > 0 && window_ns % units[i].ns == 0) {
			snprintf(buf, DURATION_TEXT_MAX, "%lld%c", (long long)(window_ns / units[i].ns), units[i].letter);
			return buf;
		}
	}
	return slo_time_text(buf, window_ns);
}
