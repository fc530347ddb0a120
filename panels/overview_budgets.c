/* How long have we got: the objective to worry about, and how many more there are, in the line of a heading. */
#include "config.h"

#include <stdio.h>

#include "base/str.h"
#include "overview.h"
#include "parts_slo.h"

enum { TITLE_W = 9, SENTENCE_MAX = 256 };

int
overview_budgets_rows(const struct view *v)
{
	return part_slos(v).n > 0 ? 1 : 0;
}

/* "2 more burn, 1 not known": what the one line does not show. */
static void
others_text(const struct part_slos *slos, const struct model_slo *first, char *buf, size_t size)
{
	size_t burning = 0, spent = 0, blind = 0, used = 0;

	for (size_t i = 0; i < slos->n; i++) {
		struct model_slo m = part_slo(slos, i);

		blind += m.def != first->def && part_slo_is_blind(&m);
		burning += m.def != first->def && m.slo != NULL && m.slo->state < SLO_EXHAUSTED;
		spent += m.def != first->def && m.slo != NULL && m.slo->state == SLO_EXHAUSTED;
	}
	*buf = '\0';
	if (burning > 0)
		used = (size_t)snprintf(buf, size, "%zu more burn%s", burning, burning == 1 ? "s" : "");
	if (spent > 0)
		used += (size_t)snprintf(buf + used, size - used, "%s%zu spent", used > 0 ? ", " : "", spent);
	if (used == 0 && first->slo->state == SLO_OK && slos->n > 1)
		used = (size_t)snprintf(buf, size, "the least of %zu", slos->n);
	if (blind > 0)
		snprintf(buf + used, size - used, "%s%zu not known", used > 0 ? ", " : "", blind);
}

static int
draw_first(struct canvas *c, const struct part_slos *slos, const struct model_slo *first)
{
	char text[SLO_TEXT_MAX], sentence[SENTENCE_MAX], name[SENTENCE_MAX / 2], others[96];
	enum role role;
	const char *glyph = part_slo_glyph(first, &role);
	int x = TITLE_W;

	others_text(slos, first, others, sizeof others);
	str_escape_to(name, sizeof name, first->def->name);
	snprintf(sentence, sizeof sentence, "%s %s", name, slo_budget_text(text, sizeof text, first->slo));
	x = canvas_text(c, canvas_text(c, x, 0, role, glyph), 0, ROLE_TEXT, " ");
	x = canvas_text_w(c, x, 0, c->w - x - 1, first->slo->state == SLO_OK ? ROLE_TEXT : role, sentence, false);
	if (*others != '\0' && x + 2 + (int)str_width(others) < c->w)
		x = canvas_text(c, canvas_text(c, x, 0, ROLE_TEXT, "  "), 0, ROLE_DIM, others);
	return x;
}

void
overview_budgets_draw(const struct view *v, struct canvas *c)
{
	struct part_slos slos = part_slos(v);
	struct model_slo first;
	int x;

	part_heading(c, 0, "Budgets", NULL);
	if (part_slo_first(&slos, &first))
		x = draw_first(c, &slos, &first);
	else if (slos.kind == STANDING_PENDING)
		x = canvas_text_w(c, TITLE_W, 0, c->w - TITLE_W - 1, ROLE_DIM, "working them out for this time …", false);
	else
		x = canvas_printf(c, TITLE_W, 0, ROLE_UNKNOWN, GLYPH_UNKNOWN " not known: %zu objective%s, no budget worked out",
		    slos.n, slos.n == 1 ? "" : "s");
	canvas_char(c, x, 0, ROLE_BORDER, ' ');
}
