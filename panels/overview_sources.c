/* What the overview tells of the sources: all of them in its heading, then each, those that are not ok first. */
#include "config.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/str.h"
#include "overview.h"
#include "parts.h"

bool
overview_sources_ok(const struct model *m)
{
	size_t n = model_n_sources(m);

	for (size_t i = 0; i < n; i++)
		if (model_source(m, i)->state != SOURCE_OK)
			return false;
	return n > 0;
}

void
overview_sources_evidence(const struct view *v, char *buf, size_t size)
{
	size_t n = model_n_sources(v->model), n_ok = 0;
	char age[DURATION_TEXT_MAX];
	int64_t oldest = INT64_MAX;

	for (size_t i = 0; i < n; i++) {
		const struct model_source *s = model_source(v->model, i);

		if (s->state != SOURCE_OK)
			continue;
		n_ok++;
		oldest = s->last_ok_ns < oldest ? s->last_ok_ns : oldest;
	}
	if (n_ok == 0)
		snprintf(buf, size, "0 of %zu sources answered", n);
	else
		snprintf(buf, size, "%zu of %zu source%s answered %s ago", n_ok, n, n == 1 ? "" : "s",
		    view_age(v, oldest, age));
}

static void
draw_source(struct canvas *c, int y, const struct view *v, const struct model_source *s, int name_w)
{
	char age[DURATION_TEXT_MAX], version[80] = "";
	enum role role;
	const char *glyph = part_source_glyph(s->state, &role);
	int x;

	canvas_text(c, 1, y, role, glyph);
	canvas_text_w(c, 3, y, name_w, ROLE_STRONG, s->name, false);
	x = 4 + name_w;
	canvas_text(c, x, y, role, source_state_name(s->state));
	x += 10;
	if (s->last_ok_ns == 0)
		x = canvas_text(c, x, y, ROLE_TEXT, s->state == SOURCE_UNKNOWN ? "has not answered yet" : "no good answer yet");
	else
		x = canvas_printf(c, x, y, s->state == SOURCE_OK ? ROLE_TEXT : ROLE_STALE, "answered %s ago",
		    view_age(v, s->last_ok_ns, age));
	if (s->state != SOURCE_OK && *s->error != '\0') {
		canvas_text_w(c, x + 2, y, c->w - x - 3, ROLE_TEXT, s->error, false);
		return;
	}
	if (s->info != NULL)
		snprintf(version, sizeof version, "%.40s %.30s", s->info->product, s->info->version);
	canvas_text_w(c, x + 2, y, c->w - x - 3, ROLE_DIM, version, false);
}

static int
source_name_width(const struct model *m, int w)
{
	int widest = 8;

	for (size_t i = 0; i < model_n_sources(m); i++) {
		int width = (int)str_width(model_source(m, i)->name);

		widest = width > widest ? width : widest;
	}
	return widest > w / 3 ? w / 3 : widest;
}

void
overview_sources_draw(const struct view *v, struct canvas *c)
{
	size_t n = model_n_sources(v->model);
	int y = 1, name_w = source_name_width(v->model, c->w);
	char evidence[96];

	overview_sources_evidence(v, evidence, sizeof evidence);
	part_heading(c, 0, "Sources", n > 0 ? evidence : "");
	for (int is_ok = 0; is_ok <= 1; is_ok++)
		for (size_t i = 0; i < n && y < c->h; i++)
			if ((model_source(v->model, i)->state == SOURCE_OK) == is_ok)
				draw_source(c, y++, v, model_source(v->model, i), name_w);
	if (n == 0)
		canvas_text_w(c, 1, 1, c->w - 1, ROLE_UNKNOWN, GLYPH_UNKNOWN " no sources are configured", false);
}
