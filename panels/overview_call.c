/* Whom to call. */
#include "config.h"

#include "base/str.h"
#include "overview.h"
#include "parts.h"
#include "ui/widget.h"

static int
widest(const struct environment *e, const char *(*text)(const struct contact *), int w)
{
	int most = 4;

	for (size_t i = 0; i < e->n_contacts; i++) {
		int width = (int)str_width(text(&e->contacts[i]));

		most = width > most ? width : most;
	}
	return most > w ? w : most;
}

static const char *
contact_role(const struct contact *k)
{
	return k->role;
}

static const char *
contact_name(const struct contact *k)
{
	return k->name;
}

static const char *
contact_channel(const struct contact *k)
{
	return k->channel;
}

void
overview_call_draw(const struct view *v, struct canvas *c)
{
	const struct environment *e = v->live != NULL ? model_environment(v->live) : NULL;
	struct column cols[4];

	part_heading(c, 0, "Call", "");
	if (e == NULL || e->n_contacts == 0) {
		canvas_text_w(c, 1, 1, c->w - 1, ROLE_DIM, "No contacts are configured (contacts: in opsconsole.yaml).", false);
		return;
	}
	cols[0] = (struct column){ .min = widest(e, contact_role, c->w / 4), .priority = 0 };
	cols[1] = (struct column){ .min = widest(e, contact_name, c->w / 3), .priority = 0 };
	cols[2] = (struct column){ .min = widest(e, contact_channel, c->w / 3), .priority = 1 };
	cols[3] = (struct column){ .min = 8, .weight = 1, .priority = 2 };
	columns_fit(cols, 4, c->w - 2);
	for (int i = 0; i < c->h - 1 && (size_t)i < e->n_contacts; i++) {
		const struct contact *k = &e->contacts[i];
		struct canvas row = canvas_sub(c, 1, i + 1, c->w - 1, 1);

		columns_cell(&row, 0, &cols[0], ROLE_DIM, k->role);
		columns_cell(&row, 0, &cols[1], ROLE_STRONG, k->name);
		columns_cell(&row, 0, &cols[2], ROLE_TEXT, k->channel);
		columns_cell(&row, 0, &cols[3], ROLE_DIM, k->responsibility);
	}
}
