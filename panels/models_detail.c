/* All that is known of one model. The answer first: what is wrong and how sure; then host by host, what moved, its
 * versions. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "models.h"

enum { HOSTS_LISTED_MAX = 100, FOLD_FROM = 24, MOVES_MAX = 8, HOST_W_MIN = 8, HOST_W_MAX = 28, VERSION_W_MIN = 4,
	VERSION_W_MAX = 24 };

/* --- how it stands ------------------------------------------------------------------------------- */

/* Since when it should, and what should before it, as far as was seen. */
static void
wanted_field(struct pen *p, const struct view *v, const struct model_model *m)
{
	char wanted[PART_VERSIONS_MAX], age[DURATION_TEXT_MAX], since[DURATION_TEXT_MAX + 32] = "",
	    before[160] = "", shown[96];

	if (m->wanted_since_ns != 0)
		snprintf(since, sizeof since, "%s %s", *m->previous != '\0' ? " for" : ", for at least",
		    view_age(v, m->wanted_since_ns, age));
	if (*m->previous != '\0')
		snprintf(before, sizeof before, "; before it %s", str_escape_to(shown, sizeof shown, m->previous));
	pen_field_printf(p, "should serve",
	    m->wanted == NULL ? ROLE_UNKNOWN : m->is_reg_stale ? ROLE_STALE : ROLE_STRONG, "%s%s%s",
	    part_model_wanted(m, wanted), since, before);
}

/* "made  20m ago, by trainer-ci (limit 14d)" */
static void
age_field(struct pen *p, const struct view *v, const char *name, int64_t at_ns, int64_t limit_ns, const char *by)
{
	char age[DURATION_TEXT_MAX], limit[DURATION_TEXT_MAX], who[160] = "", most[DURATION_TEXT_MAX + 16] = "",
	    shown[128];
	bool is_old = limit_ns > 0 && at_ns != 0 && view_time(v) - at_ns > limit_ns;

	if (at_ns == 0 && limit_ns == 0)
		return;
	if (limit_ns > 0)
		snprintf(most, sizeof most, " (limit %s)", duration_format(limit, limit_ns));
	if (*by != '\0')
		snprintf(who, sizeof who, ", by %s", str_escape_to(shown, sizeof shown, by));
	if (at_ns == 0)
		pen_field_printf(p, name, ROLE_UNKNOWN, "? not known%s", most);
	else
		pen_field_printf(p, name, is_old ? ROLE_WARNING : ROLE_TEXT, "%s%s ago%s%s", is_old ? "! " : "",
		    view_age(v, at_ns, age), who, most);
}

/* Who tells it, how long ago, and why not since. */
static void
evidence_field(struct pen *p, const struct view *v, const char *name, const char *source, int64_t at_ns,
    bool is_stale, bool is_doubtful)
{
	const struct model_source *s = *source != '\0' ? model_source_find(v->model, source) : NULL;
	const char *error = s != NULL && (is_stale || is_doubtful) ? s->error : "";
	char age[DURATION_TEXT_MAX];

	if (*source == '\0')
		source = "nobody";
	if (at_ns == 0)
		pen_field_printf(p, name, ROLE_UNKNOWN, GLYPH_UNKNOWN " %s has not told yet%s%s", source,
		    *error != '\0' ? ": " : "", error);
	else if (is_stale)
		pen_field_printf(p, name, ROLE_STALE, GLYPH_STALE " %s, %s ago: too old to judge by%s%s", source,
		    view_age(v, at_ns, age),
		    *error != '\0' ? "; " : "", error);
	else if (is_doubtful)
		pen_field_printf(p, name, ROLE_STALE, GLYPH_STALE " %s, %s ago, and fails since%s%s", source,
		    view_age(v, at_ns, age), *error != '\0' ? ": " : "", error);
	else
		pen_field_printf(p, name, ROLE_DIM, "%s, %s ago", source, view_age(v, at_ns, age));
}

/* All is fresh: one line says so. */
static void
evidence(struct pen *p, const struct view *v, const struct model_model *m)
{
	char reg[DURATION_TEXT_MAX], serving[DURATION_TEXT_MAX];

	if (m->reg_ns != 0 && m->serving_ns != 0 && !part_model_is_doubtful(v->model, m) && !m->is_serving_stale) {
		pen_field_printf(p, "how sure", ROLE_DIM, "%s %s ago, %s %s ago", m->def->registry,
		    view_age(v, m->reg_ns, reg),
		    m->serving_source, view_age(v, m->serving_ns, serving));
		return;
	}
	evidence_field(p, v, "registry", m->def->registry, m->reg_ns, m->is_reg_stale,
	    part_model_is_doubtful(v->model, m));
	evidence_field(p, v, "who serves", m->serving_source, m->serving_ns, m->is_serving_stale, false);
}

/* The worst of what goes in and comes out of it; how many more, the panel of drift tells. */
static void
drift_field(struct pen *p, const struct view *v, const struct model_def *def)
{
	struct part_drifts drifts = part_drifts(v);
	char text[PART_DRIFT_SHORT_MAX], more[64] = "";
	struct model_drift worst;
	size_t n = 0;
	enum role role;

	if (!part_drift_of_model(&drifts, def->id, &worst))
		return;
	for (size_t i = 0; i < drifts.n; i++) {
		struct model_drift row = part_drift(&drifts, i);
		enum drift_state state = model_drift_state(&row);

		n += strcmp(row.def->model, def->id) == 0 && (state == DRIFT_DRIFTED || state == DRIFT_MOVING);
	}
	if (n > 1)
		snprintf(more, sizeof more, "; %zu more drifted or moving", n - 1);
	part_drift_glyph(&worst, &role);
	pen_field_printf(p, "drift", role, "%s: %s%s", part_drift_word(&worst), part_drift_short(&worst, text), more);
}

static void
detail_head(struct pen *p, const struct view *v, const struct model_model *m)
{
	char age[DURATION_TEXT_MAX];
	enum role role;
	const char *glyph = part_model_glyph(m, &role);

	canvas_text(p->c, 1, p->y, role, glyph);
	canvas_text_w(p->c, 3, p->y++, p->c->w - 4, ROLE_STRONG, m->def->name, false);
	if (*m->def->title != '\0' && strcmp(m->def->title, m->def->name) != 0)
		pen_text(p, ROLE_TEXT, m->def->title);
	if (*m->why != '\0')
		pen_text(p, role, m->why);
	p->y++;
	if (m->since_ns != 0)
		pen_field_printf(p, "state", role, "%s, for at least %s", part_model_word(m),
		    view_age(v, m->since_ns, age));
	else
		pen_field(p, "state", role, part_model_word(m));
	wanted_field(p, v, m);
	if (m->wanted != NULL) {
		age_field(p, v, "made", m->wanted->created_ns, m->def->max_age_ns, m->wanted->by);
		age_field(p, v, "its data", m->wanted->data_ns, m->def->max_data_age_ns, "");
	}
	drift_field(p, v, m->def);
	evidence(p, v, m);
}

static void
other_head(struct pen *p, const struct models_item *item)
{
	canvas_text(p->c, 1, p->y, ROLE_DIM, "·");
	canvas_text_w(p->c, 3, p->y++, p->c->w - 4, ROLE_STRONG, item->name, false);
	pen_text(p, ROLE_DIM, "Not judged: the config does not name it, so that which version should serve where is not "
	    "known.");
	p->y++;
	pen_field(p, "registry", ROLE_TEXT, item->source);
}

/* --- hosts ------------------------------------------------------------------------------------------- */

struct host_widths {
	int host, version;
};

static struct host_widths
measure_hosts(const struct model_model *m, size_t n, int w)
{
	struct host_widths widths = { HOST_W_MIN, VERSION_W_MIN };

	for (size_t i = 0; i < n; i++) {
		int host = (int)str_width(m->hosts[i].host), version = (int)str_width(m->hosts[i].version);

		widths.host = host > widths.host ? host : widths.host;
		widths.version = version > widths.version ? version : widths.version;
	}
	widths.host = widths.host > HOST_W_MAX ? HOST_W_MAX : widths.host;
	widths.version = widths.version > VERSION_W_MAX ? VERSION_W_MAX : widths.version;
	if (widths.host + widths.version > w - 20)
		widths.version = VERSION_W_MIN;
	return widths;
}

/* "● web-03    6  for 27m"; an error tells of the last time it was heard instead. */
static void
host_row(struct pen *p, const struct view *v, const struct model_model *m, const struct model_host *h,
    const struct host_widths *widths)
{
	const char *name = *h->host != '\0' ? h->host : "(no host named)";
	char age[DURATION_TEXT_MAX];
	enum role role;
	const char *glyph = part_serve_glyph(part_serve_of(m, h->state, h->version, h->since_ns), &role);
	int x = 3;

	canvas_text(p->c, 1, p->y, role, glyph);
	canvas_text_w(p->c, x, p->y, widths->host, ROLE_STRONG, name, false);
	x += widths->host + 1;
	canvas_text_w(p->c, x, p->y, widths->version, h->state == SERVE_RIGHT ? ROLE_TEXT : role,
	    part_serve_text(h->state, h->version), false);
	x += widths->version + 2;
	if (h->since_ns == 0)
		x = canvas_text(p->c, x, p->y, ROLE_DIM, "since when is not known");
	else
		x = canvas_printf(p->c, x, p->y, m->is_serving_stale ? ROLE_STALE : ROLE_DIM, "%s %s%s",
		    *h->error != '\0' ? "last heard of" : "for",
		    view_age(v, h->since_ns, age), *h->error != '\0' ? " ago" : "");
	if (*h->error != '\0')
		canvas_text_w(p->c, x + 2, p->y, p->c->w - x - 3, ROLE_TEXT, h->error, false);
	p->y++;
}

/* Many that serve what they should say nothing new each: they are one row. */
static size_t
rows_listed(const struct model_model *m)
{
	size_t n = m->n_hosts;

	if (n > FOLD_FROM)
		for (n = 0; n < m->n_hosts && m->hosts[n].state != SERVE_RIGHT;)
			n++;
	return n > HOSTS_LISTED_MAX ? HOSTS_LISTED_MAX : n;
}

/* "Hosts: 2 of 4 serve what they should, 1 moving, 1 not known" */
static void
hosts_heading(struct pen *p, const struct model_model *m)
{
	char heading[192] = "Hosts", unknown[48] = "", moving[48] = "";
	size_t n = 0, n_moving = 0;

	for (size_t i = 0; i < m->n_hosts; i++) {
		const struct model_host *h = &m->hosts[i];

		n += h->state == SERVE_UNKNOWN;
		n_moving += part_serve_of(m, h->state, h->version, h->since_ns) == PART_SERVES_MOVING;
	}
	if (n_moving > 0)
		snprintf(moving, sizeof moving, ", %zu moving", n_moving);
	if (n > 0)
		snprintf(unknown, sizeof unknown, ", %zu not known", n);
	if (n > 0 && n == m->n_hosts)
		snprintf(heading, sizeof heading, "Hosts: whether they serve what they should is not known");
	else if (m->n_hosts > 0)
		snprintf(heading, sizeof heading, "Hosts: %zu of %zu serve what they should%s%s", m->n_right,
		    m->n_hosts, moving, unknown);
	pen_heading(p, heading);
}

static void
detail_hosts(struct pen *p, const struct view *v, const struct model_model *m)
{
	size_t n = rows_listed(m), n_wrong = 0;
	struct host_widths widths = measure_hosts(m, n, p->c->w);

	p->y++;
	hosts_heading(p, m);
	if (m->n_hosts == 0)
		pen_text(p, m->serving_ns == 0 ? ROLE_UNKNOWN : ROLE_TEXT,
		    m->serving_ns == 0 ? "? which hosts serve it is not known" : "none serves it");
	for (size_t i = 0; i < n; i++)
		host_row(p, v, m, &m->hosts[i], &widths);
	while (n_wrong < m->n_hosts && m->hosts[n_wrong].state != SERVE_RIGHT)
		n_wrong++;
	if (n < n_wrong)
		pen_printf(p, ROLE_TEXT, "… and %zu more that do not (h shows the hosts)", n_wrong - n);
	if (m->n_hosts > FOLD_FROM && n_wrong < m->n_hosts)
		pen_printf(p, ROLE_TEXT, GLYPH_OK " %zu hosts serve %s, as they should (h shows the hosts)",
		    m->n_hosts - n_wrong,
		    m->hosts[n_wrong].version);
}

/* --- what moved -------------------------------------------------------------------------------------- */

/* Markers that insight makes of a registry are of the model's name, or begin with it. */
static bool
is_about(const struct marker *marker, const char *name)
{
	size_t len = strlen(name);

	return marker->kind == MARKER_CHANGE && strncmp(marker->what, name, len) == 0 &&
	    (marker->what[len] == '\0' || marker->what[len] == ' ');
}

static void
detail_moves(struct pen *p, const struct view *v, const char *name)
{
	size_t n = 0, n_shown = 0;

	for (size_t i = 0; i < model_n_markers(v->model); i++) {
		const struct marker *marker = model_marker(v->model, i);
		char when[CLOCK_TEXT_MAX], age[DURATION_TEXT_MAX], ago[DURATION_TEXT_MAX + 8];
		int right;

		if (!is_about(marker, name))
			continue;
		if (n++ == 0) {
			p->y++;
			pen_heading(p, "What moved, as far as was seen");
		}
		if (n_shown == MOVES_MAX)
			continue;
		n_shown++;
		snprintf(ago, sizeof ago, "%s ago", view_age(v, marker->at_ns, age));
		right = canvas_text_right(p->c, p->c->w - 1, p->y, ROLE_DIM, ago);
		canvas_text(p->c, 1, p->y, ROLE_TEXT, part_when(v, marker->at_ns, when));
		canvas_text(p->c, 11, p->y, ROLE_CHANGED, GLYPH_CHANGED);
		canvas_text_w(p->c, 13, p->y++, right - 14, ROLE_TEXT, marker->text, false);
	}
	if (n > n_shown)
		pen_printf(p, ROLE_DIM, "… and %zu before that", n - n_shown);
}

/* --- all of it --------------------------------------------------------------------------------------- */

static void
detail_notes(struct pen *p, const struct strings *notes)
{
	if (notes->n == 0)
		return;
	p->y++;
	pen_heading(p, "Notes");
	for (size_t i = 0; i < notes->n; i++) {
		canvas_text(p->c, 1, p->y, ROLE_DIM, "·");
		pen_indented(p, 3, 4, ROLE_TEXT, notes->v[i]);
	}
}

static void
detail_registry(struct pen *p, const struct reg_model *reg)
{
	if (reg == NULL || (reg->n_aliases == 0 && *reg->description == '\0'))
		return;
	p->y++;
	pen_field(p, "about", ROLE_TEXT, reg->description);
	for (size_t i = 0; i < reg->n_aliases; i++) {
		char alias[256], version[256];

		pen_field_printf(p, i == 0 ? "aliases" : "", ROLE_TEXT, "%s %s",
		    str_escape_to(alias, sizeof alias, reg->aliases[i].alias),
		    str_escape_to(version, sizeof version, reg->aliases[i].version));
	}
}

void
models_detail_draw(struct pen *p, const struct view *v, const struct models_panel *s,
    const struct models_item *item, int table_rows, int *ret_chosen_y)
{
	int chosen = models_chosen_index(s, item);

	if (item->m != NULL)
		detail_head(p, v, item->m);
	else
		other_head(p, item);
	if (item->m != NULL)
		detail_hosts(p, v, item->m);
	detail_moves(p, v, item->name);
	detail_registry(p, item->reg);
	if (item->m != NULL)
		detail_notes(p, &item->m->notes);
	if (item->reg != NULL && item->reg->n_versions == 0) {
		p->y++;
		pen_text(p, ROLE_UNKNOWN, "It has no versions.");
	}
	models_versions_draw(p, v, s, item, table_rows, ret_chosen_y);
	if (chosen >= 0)
		models_version_facts(p, v, item, &item->reg->versions[chosen]);
}
