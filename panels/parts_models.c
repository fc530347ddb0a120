#include "config.h"

#include "parts_models.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"

/* Longer versions are cut: what tells them apart mostly stands in front, and the details have them whole. */
enum { VERSION_MAX = 40, APART_MAX = 8, KINDS_MAX = 16 };

/* --- states -------------------------------------------------------------------------------------- */

const char *
part_model_glyph(const struct model_model *m, enum role *ret_role)
{
	switch (m->state) {
	case MODEL_OUT_OF_STEP: case MODEL_UNSERVED:
		*ret_role = ROLE_ALERT_FIRING;
		return GLYPH_FIRING;
	case MODEL_OLD:
		*ret_role = ROLE_ALERT_TICKET;
		return GLYPH_FIRING;
	case MODEL_IN_STEP:
		*ret_role = m->is_moving ? ROLE_ALERT_PENDING : ROLE_OK;
		return m->is_moving ? GLYPH_PENDING : GLYPH_OK;
	case MODEL_STATE_UNKNOWN:
		break;
	}
	*ret_role = ROLE_UNKNOWN;
	return GLYPH_UNKNOWN;
}

const char *
part_model_word(const struct model_model *m)
{
	return m->state == MODEL_IN_STEP && m->is_moving ? "moving" : model_state_name(m->state);
}

bool
part_model_is_fine(const struct model_model *m)
{
	return m->state == MODEL_IN_STEP;
}

bool
part_model_is_doubtful(const struct model *m, const struct model_model *row)
{
	const struct model_source *s = m != NULL ? model_source_find(m, row->def->registry) : NULL;

	if (row->reg_ns == 0)
		return false;
	return row->is_reg_stale || (s != NULL && s->state != SOURCE_OK && s->state != SOURCE_UNKNOWN);
}

const struct model_model *
part_model_find(const struct model *m, const char *id_or_name)
{
	const struct model_model *found = m != NULL && id_or_name != NULL ? model_model_find(m, id_or_name) : NULL;

	for (size_t i = 0; m != NULL && id_or_name != NULL && found == NULL && i < model_n_models(m); i++)
		if (strcmp(model_model(m, i)->def->name, id_or_name) == 0)
			found = model_model(m, i);
	return found;
}

const char *
part_serve_glyph(enum part_serve serve, enum role *ret_role)
{
	switch (serve) {
	case PART_SERVES_WRONG: *ret_role = ROLE_ALERT_FIRING; return GLYPH_FIRING;
	case PART_SERVES_MOVING: *ret_role = ROLE_ALERT_PENDING; return GLYPH_PENDING;
	case PART_SERVES_RIGHT: *ret_role = ROLE_OK; return GLYPH_OK;
	case PART_SERVES_UNKNOWN: break;
	}
	*ret_role = ROLE_UNKNOWN;
	return GLYPH_UNKNOWN;
}

const char *
part_serve_text(enum serve_state state, const char *version)
{
	if (*version != '\0')
		return version;
	return state == SERVE_NONE ? "none" : "?";
}

const char *
part_host_glyph(enum host_state state, enum role *ret_role)
{
	switch (state) {
	case HOST_UP: *ret_role = ROLE_OK; return GLYPH_OK;
	case HOST_DOWN: *ret_role = ROLE_CRITICAL; return GLYPH_FIRING;
	case HOST_UNKNOWN: break;
	}
	*ret_role = ROLE_UNKNOWN;
	return GLYPH_UNKNOWN;
}

/* Where others are out of step, only one that serves the version before and has not served another since. */
static bool
is_on_its_way(const struct model_model *model, enum serve_state state, const char *version, int64_t since_ns)
{
	if (model == NULL || !model->is_moving)
		return false;
	if (model->state == MODEL_IN_STEP)
		return true;
	return state == SERVE_OTHER && strcmp(version, model->previous) == 0 && since_ns <= model->wanted_since_ns;
}

enum part_serve
part_serve_of(const struct model_model *model, enum serve_state state, const char *version, int64_t since_ns)
{
	switch (state) {
	case SERVE_RIGHT: return PART_SERVES_RIGHT;
	case SERVE_UNKNOWN: return PART_SERVES_UNKNOWN;
	case SERVE_OTHER: case SERVE_NONE: break;
	}
	return is_on_its_way(model, state, version, since_ns) ? PART_SERVES_MOVING : PART_SERVES_WRONG;
}

enum part_serve
part_host_serves(const struct model *m, const struct model_host_row *h)
{
	enum part_serve worst = PART_SERVES_RIGHT;

	for (size_t i = 0; i < h->n_serving; i++) {
		const struct host_serving *s = &h->serving[i];
		bool is_told = s->state == SERVE_RIGHT || s->state == SERVE_UNKNOWN;
		enum part_serve serve = part_serve_of(is_told ? NULL : part_model_find(m, s->model), s->state, s->version,
		    s->since_ns);

		worst = serve < worst ? serve : worst;
	}
	return worst;
}

/* --- versions -------------------------------------------------------------------------------------- */

const char *
part_model_wanted(const struct model_model *m, char *buf)
{
	const char *by = m->def->alias != NULL ? m->def->alias : m->def->stage != NULL ? m->def->stage : "";
	char version[VERSION_MAX] = "?", name[4 * VERSION_MAX];

	if (m->wanted != NULL)
		str_escape_to(version, sizeof version, m->wanted->version);
	str_escape_to(name, sizeof name, by);
	snprintf(buf, PART_VERSIONS_MAX, "%s%s%s", name, *name != '\0' ? " " : "", version);
	return buf;
}

static void
add_text(char *buf, const char *separator, const char *text)
{
	size_t len = strlen(buf);

	snprintf(buf + len, PART_VERSIONS_MAX - len, "%s%s", len > 0 ? separator : "", text);
}

static const char *
served_apart(const struct model_model *m, char *buf)
{
	char version[VERSION_MAX];

	*buf = '\0';
	for (size_t i = 0; i < m->n_hosts; i++)
		add_text(buf, " ", str_escape_to(version, sizeof version,
		    part_serve_text(m->hosts[i].state, m->hosts[i].version)));
	return buf;
}

struct kind {
	const char *text;
	enum serve_state state;
	size_t n;
};

static bool
is_of_kind(const struct model_host *h, const struct kind *kind)
{
	return strcmp(part_serve_text(h->state, h->version), kind->text) == 0;
}

/* How often each is served, in the order they come; n_other of further ones. Returns how many kinds. */
static size_t
served_kinds(const struct model_model *m, struct kind *kinds, size_t *ret_n_other)
{
	size_t n = 0;

	*ret_n_other = 0;
	for (size_t i = 0; i < m->n_hosts; i++) {
		const struct model_host *h = &m->hosts[i];
		size_t k = 0;

		while (k < n && !is_of_kind(h, &kinds[k]))
			k++;
		if (k == n && n < KINDS_MAX)
			kinds[n++] = (struct kind){ part_serve_text(h->state, h->version), h->state, 0 };
		if (k < n)
			kinds[k].n++;
		else
			++*ret_n_other;
	}
	return n;
}

static const char *
kind_text(const struct kind *kind, char *buf, size_t size)
{
	char version[VERSION_MAX];

	str_escape_to(version, sizeof version, kind->text);
	if (kind->n > 1)
		snprintf(buf, size, "%s x%zu", version, kind->n);
	else
		snprintf(buf, size, "%s", version);
	return buf;
}

/* " (web-02, web-03, …)": as many of its hosts as have room; "" none. buf of PART_VERSIONS_MAX. */
static void
kind_hosts(const struct model_model *m, const struct kind *kind, int room, char *buf)
{
	size_t n = 0;

	*buf = '\0';
	for (size_t i = 0; i < m->n_hosts; i++) {
		char name[VERSION_MAX];
		size_t len = strlen(buf);
		int need;

		if (!is_of_kind(&m->hosts[i], kind) || *m->hosts[i].host == '\0')
			continue;
		str_escape_to(name, sizeof name, m->hosts[i].host);
		need = (int)(str_width(buf) + str_width(name)) + 3 + (n + 1 < kind->n ? 3 : 0);
		if (need > room || len + strlen(name) + 16 > PART_VERSIONS_MAX)
			break;
		snprintf(buf + len, PART_VERSIONS_MAX - len, "%s%s", n++ == 0 ? " (" : ", ", name);
	}
	if (n > 0)
		snprintf(buf + strlen(buf), PART_VERSIONS_MAX - strlen(buf), "%s)", n < kind->n ? ", …" : "");
}

/* "6 (web-03), 7 x2": how many serve what; of what they should not, which, where w columns have room. */
static const char *
served_folded(const struct model_model *m, int w, char *buf)
{
	char text[VERSION_MAX + 32], hosts[PART_VERSIONS_MAX];
	struct kind kinds[KINDS_MAX];
	size_t n_other, n = served_kinds(m, kinds, &n_other);
	int room = w - (n_other > 0 ? 2 + snprintf(text, sizeof text, "%zu others", n_other) : 0);

	for (size_t i = 0; i < n; i++)
		room -= (int)str_width(kind_text(&kinds[i], text, sizeof text)) + (i > 0 ? 2 : 0);
	*buf = '\0';
	for (size_t i = 0; i < n; i++) {
		add_text(buf, ", ", kind_text(&kinds[i], text, sizeof text));
		if (kinds[i].state == SERVE_RIGHT)
			continue;
		kind_hosts(m, &kinds[i], room, hosts);
		add_text(buf, "", hosts);
		room -= (int)str_width(hosts);
	}
	if (n_other > 0) {
		snprintf(text, sizeof text, "%zu others", n_other);
		add_text(buf, ", ", text);
	}
	return buf;
}

static bool
is_agreed(const struct model_model *m)
{
	for (size_t i = 1; i < m->n_hosts; i++)
		if (strcmp(part_serve_text(m->hosts[i].state, m->hosts[i].version),
		    part_serve_text(m->hosts[0].state, m->hosts[0].version)) != 0)
			return false;
	return true;
}

const char *
part_model_served(const struct model_model *m, int w, char *buf)
{
	if (m->n_hosts == 0) {
		snprintf(buf, PART_VERSIONS_MAX, "%s", m->serving_ns == 0 ? "?" : "none");
		return buf;
	}
	if (m->n_hosts <= APART_MAX && is_agreed(m) && (int)str_width(served_apart(m, buf)) <= w)
		return buf;
	return served_folded(m, w, buf);
}

const char *
part_version_names(const struct reg_version *v, char *buf)
{
	char name[4 * VERSION_MAX];

	*buf = '\0';
	for (size_t i = 0; i < v->aliases.n; i++)
		add_text(buf, ", ", str_escape_to(name, sizeof name, v->aliases.v[i]));
	if (*v->stage != '\0')
		add_text(buf, ", ", str_escape_to(name, sizeof name, v->stage));
	return buf;
}
