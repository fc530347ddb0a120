#include "config.h"

#include "parts_drift.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"

enum { NAME_SHOWN_MAX = 160, COLUMNS_MAX = 100000 };

/* --- which of them ----------------------------------------------------------------------------- */

/* The newest of them; 0 when none was worked out. */
static int64_t
newest(const struct model *m)
{
	int64_t at = 0;

	for (size_t i = 0; m != NULL && i < model_n_drifts(m); i++)
		if (model_drift(m, i)->drift != NULL && model_drift(m, i)->drift->at_ns > at)
			at = model_drift(m, i)->drift->at_ns;
	return at;
}

struct part_drifts
part_drifts(const struct view *v)
{
	int64_t recorded_ns = newest(v->model), worked_out_ns = 0;
	size_t n_worked_out = v->live != NULL ? model_n_past_drifts(v->live, &worked_out_ns) : 0;
	enum part_standing kind = part_standing(v, recorded_ns, n_worked_out > 0 ? worked_out_ns : 0);
	const struct model *m = kind == STANDING_PENDING ? v->live : v->model;

	if (kind == STANDING_WORKED_OUT)
		return (struct part_drifts){ kind, v->live, n_worked_out, worked_out_ns };
	return (struct part_drifts){ kind, m, m != NULL ? model_n_drifts(m) : 0, recorded_ns };
}

struct model_drift
part_drift(const struct part_drifts *d, size_t i)
{
	struct model_drift row = d->kind == STANDING_WORKED_OUT ? *model_past_drift(d->model, i) : *model_drift(d->model, i);

	if (d->kind == STANDING_PENDING)
		row = (struct model_drift){ .def = row.def };
	return row;
}

bool
part_drift_find(const struct part_drifts *d, const char *id, struct model_drift *ret)
{
	for (size_t i = 0; id != NULL && i < d->n; i++) {
		struct model_drift row = part_drift(d, i);

		if (strcmp(row.def->id, id) == 0) {
			*ret = row;
			return true;
		}
	}
	return false;
}

bool
part_drift_of_model(const struct part_drifts *d, const char *model, struct model_drift *ret)
{
	for (size_t i = 0; i < d->n; i++) {
		struct model_drift row = part_drift(d, i);
		enum drift_state state = model_drift_state(&row);

		if (state > DRIFT_MOVING)	/* worst first: none that follows has moved */
			return false;
		if (strcmp(row.def->model, model) == 0) {
			*ret = row;
			return true;
		}
	}
	return false;
}

const char *
part_drifts_text(const struct view *v, const struct part_drifts *d, char *buf)
{
	return part_standing_text(v, d->kind, d->n, d->at_ns, buf);
}

/* --- states -------------------------------------------------------------------------------------- */

const char *
part_drift_glyph(const struct model_drift *m, enum role *ret_role)
{
	*ret_role = ROLE_UNKNOWN;
	if (m->drift == NULL)
		return GLYPH_UNKNOWN;
	if (m->is_stale) {
		*ret_role = ROLE_STALE;
		return GLYPH_STALE;
	}
	switch (m->drift->state) {
	case DRIFT_DRIFTED:
		*ret_role = part_severity_role(m->def->severity);
		return GLYPH_FIRING;
	case DRIFT_MOVING: *ret_role = ROLE_ALERT_PENDING; return GLYPH_PENDING;
	case DRIFT_FEW: *ret_role = ROLE_DIM; return GLYPH_SILENCED;
	case DRIFT_STEADY: *ret_role = ROLE_OK; return GLYPH_OK;
	case DRIFT_UNKNOWN: break;
	}
	return GLYPH_UNKNOWN;
}

const char *
part_drift_word(const struct model_drift *m)
{
	if (m->drift == NULL)
		return "unknown";
	if (m->is_stale)
		return "stale";
	return m->drift->state == DRIFT_FEW ? "few data" : drift_state_name(m->drift->state);
}

bool
part_drift_is_blind(const struct model_drift *m)
{
	return m->drift == NULL || m->drift->state == DRIFT_UNKNOWN;
}

const char *
part_drift_model(const struct drift_def *def)
{
	const char *colon = strchr(def->model, ':');

	return colon != NULL ? colon + 1 : def->model;
}

/* --- numbers ------------------------------------------------------------------------------------- */

const char *
part_score(double value, bool is_short, char *buf)
{
	int digits = fabs(value) >= 100 ? 0 : fabs(value) >= 10 ? 1 : is_short && fabs(value) >= 0.0095 ? 2 : 3;

	if (!isfinite(value)) {
		snprintf(buf, PART_SCORE_MAX, "%s", isnan(value) ? "?" : value > 0 ? "inf" : "-inf");
		return buf;
	}
	if (fabs(value) >= 1e7)
		snprintf(buf, PART_SCORE_MAX, "%.2g", value);
	else
		snprintf(buf, PART_SCORE_MAX, "%.*f", digits, value);
	if (is_short && strncmp(buf, "0.", 2) == 0)
		memmove(buf, buf + 1, strlen(buf));
	return buf;
}

const struct drift_score *
part_drift_judged(const struct drift *d)
{
	static const enum drift_measure by[] = { DRIFT_PSI, DRIFT_MEAN };

	for (size_t i = 0; i < sizeof by / sizeof by[0]; i++) {
		const struct drift_score *s = drift_score_find(d, by[i]);

		if (s != NULL && !isnan(s->value))
			return s;
	}
	return NULL;
}

const char *
part_drift_n(double n, char *buf)
{
	if (isfinite(n))
		num_format(buf, n, "count");
	else
		snprintf(buf, NUM_TEXT_MAX, "?");
	return buf;
}

const char *
part_drift_short(const struct model_drift *m, char *buf)
{
	const struct drift_score *s = m->drift != NULL ? part_drift_judged(m->drift) : NULL;
	bool is_mean = s != NULL && s->measure == DRIFT_MEAN;
	char name[NAME_SHOWN_MAX], value[PART_SCORE_MAX], noise[PART_SCORE_MAX], n[NUM_TEXT_MAX];

	str_escape_to(name, sizeof name, m->def->name);
	if (s == NULL) {
		snprintf(buf, PART_DRIFT_SHORT_MAX, "%s %s", name, part_drift_word(m));
		return buf;
	}
	snprintf(buf, PART_DRIFT_SHORT_MAX, "%s %s %s%s%s (noise %s, n %s)", is_mean ? "mean" : "PSI", name,
	    is_mean && s->value > 0 ? "+" : "", part_score(s->value, true, value), is_mean ? " sd" : "",
	    part_score(s->floor, true, noise), part_drift_n(m->drift->n_now, n));
	return buf;
}

/* --- over time ------------------------------------------------------------------------------------- */

/* The one that is known now reaches into the past as well. */
const struct drift_history *
part_drift_history(const struct view *v)
{
	const struct drift_history *h = v->live != NULL ? model_drift_history(v->live) : NULL;

	return h != NULL || v->model == NULL ? h : model_drift_history(v->model);
}

int
part_drift_columns(const struct view *v, const struct drift_history *h)
{
	int64_t ended;
	size_t most = 0;

	if (h == NULL || h->step_ns <= 0)
		return 0;
	for (size_t i = 0; i < h->n; i++)
		most = h->v[i].n > most ? h->v[i].n : most;
	if (most > COLUMNS_MAX)
		most = COLUMNS_MAX;
	if (v->range.is_live || v->range.cursor_ns < h->start_ns)
		return v->range.is_live ? (int)most : 0;
	ended = (v->range.cursor_ns - h->start_ns) / h->step_ns;
	return ended < (int64_t)most ? (int)ended : (int)most;
}

/* Steps that differ without colour, and keep their order in ASCII. */
static const struct {
	double below;
	uint32_t shade;
	enum role role;
	const char *word;
} steps[] = {
	{ 1, 0xb7, ROLE_DIM, "noise" },
	{ 2, 0x2583, ROLE_TEXT, "1-2x" },
	{ 5, 0x2585, ROLE_WARNING, "2-5x" },
	{ INFINITY, 0x2588, ROLE_CRITICAL, ">5x" },
};
enum { STEPS = sizeof steps / sizeof steps[0] };

static size_t
step_of(float ratio)
{
	size_t i = 0;

	while (i + 1 < STEPS && !((double)ratio < steps[i].below))
		i++;
	return i;
}

int
part_drift_heat(struct canvas *c, int x, int y, int w, const struct drift_history *h, const char *id, int n)
{
	const struct drift_row *row = NULL;
	int drawn = 0;

	for (size_t i = 0; h != NULL && row == NULL && i < h->n; i++)
		if (strcmp(h->v[i].id, id) == 0)
			row = &h->v[i];
	for (int i = 0; row != NULL && i < w && i < n; i++) {
		size_t at = (size_t)(n - 1 - i), step;

		if (at >= row->n || isnan(row->ratio[at]))
			continue;
		step = step_of(row->ratio[at]);
		canvas_char(c, x + w - 1 - i, y, steps[step].role, steps[step].shade);
		drawn++;
	}
	return drawn;
}

int
part_drift_legend(struct canvas *c, int x, int y)
{
	for (size_t i = 0; i < STEPS; i++) {
		canvas_char(c, x, y, steps[i].role, steps[i].shade);
		x = canvas_text(c, x + 2, y, ROLE_DIM, steps[i].word) + 2;
	}
	return x - 2;
}
