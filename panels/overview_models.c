/* Which version serves: the model to worry about, and how many more there are, in the line of a heading. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "overview.h"
#include "parts_models.h"

enum { TITLE_W = 8, SENTENCE_MAX = 512, SHOWN_MAX = 64, SERVED_W = 24 };

int
overview_models_rows(const struct view *v)
{
	return v->model != NULL && model_n_models(v->model) > 0 ? 1 : 0;
}

/* "1 more wrong, 1 more not known, 3 in step": what the one line does not show, as much of it as has room. */
static void
others_text(const struct model *m, int room, char *buf, size_t size)
{
	struct {
		size_t n;
		const char *word;
	} parts[] = { { 0, "more wrong" }, { 0, "more not known" }, { 0, "in step" } };

	for (size_t i = 1; i < model_n_models(m); i++) {
		enum model_state state = model_model(m, i)->state;

		parts[state == MODEL_STATE_UNKNOWN ? 1 : state == MODEL_IN_STEP ? 2 : 0].n++;
	}
	*buf = '\0';
	for (size_t i = 0; i < 3; i++) {
		size_t len = strlen(buf);

		if (parts[i].n == 0)
			continue;
		snprintf(buf + len, size - len, "%s%zu %s", len > 0 ? ", " : "", parts[i].n, parts[i].word);
		if ((int)str_width(buf) > room) {
			buf[len] = '\0';
			return;
		}
	}
}

/* "out of step: spam-filter champion 7, serving 6 7 7" */
static void
worst_text(const struct model_model *m, char *buf, size_t size)
{
	char name[SHOWN_MAX], wanted[PART_VERSIONS_MAX], served[PART_VERSIONS_MAX];

	snprintf(buf, size, "%s: %s %s, serving %s", part_model_word(m),
	    str_escape_to(name, sizeof name, m->def->name),
	    part_model_wanted(m, wanted), part_model_served(m, SERVED_W, served));
}

/* "in step: ranker champion 3, spam-filter champion 7" */
static void
all_text(const struct model *m, char *buf, size_t size)
{
	snprintf(buf, size, "in step: ");
	for (size_t i = 0; i < model_n_models(m); i++) {
		char name[SHOWN_MAX], wanted[PART_VERSIONS_MAX];
		size_t len = strlen(buf);

		snprintf(buf + len, size - len, "%s%s %s", i > 0 ? ", " : "",
		    str_escape_to(name, sizeof name, model_model(m, i)->def->name),
		    part_model_wanted(model_model(m, i), wanted));
	}
}

void
overview_models_draw(const struct view *v, struct canvas *c)
{
	const struct model_model *m = model_model(v->model, 0);
	bool is_all_fine = part_model_is_fine(m) && !m->is_moving;
	char text[SENTENCE_MAX], others[96] = "";
	enum role role;
	const char *glyph = part_model_glyph(m, &role);
	int x;

	part_heading(c, 0, "Models", NULL);
	if (is_all_fine)
		all_text(v->model, text, sizeof text);
	else
		worst_text(m, text, sizeof text);
	x = canvas_text(c, canvas_text(c, TITLE_W, 0, role, glyph), 0, ROLE_TEXT, " ");
	x = canvas_text_w(c, x, 0, c->w - x - 1, part_model_is_fine(m) ? ROLE_TEXT : role, text, false);
	if (!is_all_fine)
		others_text(v->model, c->w - x - 3, others, sizeof others);
	if (*others != '\0')
		x = canvas_text(c, canvas_text(c, x, 0, ROLE_TEXT, "  "), 0, ROLE_DIM, others);
	canvas_char(c, x, 0, ROLE_BORDER, ' ');
}
