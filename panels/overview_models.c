/* Which version serves: the model to worry about, and how many more there are, in the line of a heading. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "overview.h"
#include "parts_models.h"

enum { TITLE_W = 8, SENTENCE_MAX = 512, SHOWN_MAX = 64, SERVED_W = 24, SERVED_W_NARROW = 12,
	WIDE_FROM = 100 };

int
overview_models_rows(const struct view *v)
{
	return v->model != NULL && model_n_models(v->model) > 0 ? 1 : 0;
}

/* "1 more wrong, 1 more not known, 3 in step": what the one line does not show, as much of it as has room. */
static void
others_text(const struct model *m, const struct model_model *shown, int room, char *buf, size_t size)
{
	struct {
		size_t n;
		const char *word;
	} parts[] = { { 0, "more wrong" }, { 0, "more not known" }, { 0, "more moving" },
		{ 0, "in step" } };

	for (size_t i = 0; i < model_n_models(m); i++) {
		const struct model_model *other = model_model(m, i);

		if (other == shown)
			continue;
		if (other->state == MODEL_IN_STEP)
			parts[other->is_moving ? 2 : 3].n++;
		else
			parts[other->state == MODEL_STATE_UNKNOWN].n++;
	}
	*buf = '\0';
	for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
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
worst_text(const struct model_model *m, int w, char *buf, size_t size)
{
	char name[SHOWN_MAX], wanted[PART_VERSIONS_MAX], served[PART_VERSIONS_MAX];

	snprintf(buf, size, "%s: %s %s, serving %s", part_model_word(m),
	    str_escape_to(name, sizeof name, m->def->name),
	    part_model_wanted(m, wanted), part_model_served(m, w < WIDE_FROM ? SERVED_W_NARROW : SERVED_W, served));
}

/* "in step: ranker champion 3, spam-filter champion 7" */
static void
all_text(const struct model *m, char *buf, size_t size)
{
	snprintf(buf, size, "in step: ");
	for (size_t i = 0; i < model_n_models(m); i++) {
		char name[SHOWN_MAX], wanted[PART_VERSIONS_MAX];
		size_t len = strlen(buf);

		snprintf(buf + len, size - len, "%s%s%s %s", i > 0 ? ", " : "",
		    part_model_is_doubtful(m, model_model(m, i)) ? GLYPH_STALE : "",
		    str_escape_to(name, sizeof name, model_model(m, i)->def->name),
		    part_model_wanted(model_model(m, i), wanted));
	}
}

/* Hosts that disagree tell something also where what they should serve is not known. */
static bool
is_torn(const struct model_model *m)
{
	for (size_t i = 1; i < m->n_hosts; i++)
		if (strcmp(m->hosts[i].version, m->hosts[0].version) != 0)
			return true;
	return false;
}

/* Less is more telling: what is known to be wrong, hosts that disagree, what is not known, what is fine. */
static int
rank(const struct model_model *m)
{
	if (m->state == MODEL_OUT_OF_STEP || m->state == MODEL_UNSERVED)
		return 0;
	if (is_torn(m))
		return 1;
	return m->state == MODEL_OLD ? 2 : m->state == MODEL_STATE_UNKNOWN ? 3 : 4;
}

static const struct model_model *
telling(const struct model *m)
{
	const struct model_model *best = model_model(m, 0);

	for (size_t i = 1; i < model_n_models(m); i++)
		if (rank(model_model(m, i)) < rank(best))
			best = model_model(m, i);
	return best;
}

void
overview_models_draw(const struct view *v, struct canvas *c)
{
	const struct model_model *m = telling(v->model);
	bool is_all_fine = part_model_is_fine(m) && !m->is_moving;
	char text[SENTENCE_MAX], others[96] = "";
	enum role role;
	const char *glyph = part_model_glyph(m, &role);
	int x;

	part_heading(c, 0, "Models", NULL);
	if (is_all_fine)
		all_text(v->model, text, sizeof text);
	else
		worst_text(m, c->w, text, sizeof text);
	x = canvas_text(c, canvas_text(c, TITLE_W, 0, role, glyph), 0, ROLE_TEXT, " ");
	x = canvas_text_w(c, x, 0, c->w - x - 1, part_model_is_fine(m) ? ROLE_TEXT : role, text, false);
	if (!is_all_fine)
		others_text(v->model, m, c->w - x - 3, others, sizeof others);
	if (*others != '\0')
		x = canvas_text(c, canvas_text(c, x, 0, ROLE_TEXT, "  "), 0, ROLE_DIM, others);
	canvas_char(c, x, 0, ROLE_BORDER, ' ');
}
