/* The list of silences: what is hidden, by whom, why, and when it comes back. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alerts.h"
#include "base/clock.h"
#include "base/str.h"
#include "base/xalloc.h"

enum { DETAIL_FROM = 14, DETAIL_H = 8, MATCHERS_MAX = 1 << 14 };

uint64_t
alerts_silence_id(const struct model_silence *s)
{
	uint64_t h = str_hash(s->source, strlen(s->source) + 1, STR_HASH_SEED);

	h = str_hash(s->silence->id, strlen(s->silence->id), h);
	return h != 0 ? h : 1;
}

const struct model_silence *
alerts_silence_selected(const struct alerts *s, const struct view *v)
{
	for (size_t i = 0; v->model != NULL && i < model_n_silences(v->model); i++)
		if (alerts_silence_id(model_silence(v->model, i)) == s->silences.selected_id)
			return model_silence(v->model, i);
	return NULL;
}

static int
rows_for_list(int h, int n)
{
	int rows = h - 1;	/* the header */

	if (h >= DETAIL_FROM && n > 0)
		rows -= DETAIL_H + 1;
	return rows < 1 ? 1 : rows;
}

void
alerts_silences_arrange(struct alerts *s, const struct view *v, int h)
{
	free(s->silence_ids);
	s->silence_ids = NULL;
	s->n_silences = 0;
	if (v->model == NULL)
		return;
	s->n_silences = (int)model_n_silences(v->model);
	s->silence_ids = xcalloc((size_t)s->n_silences, sizeof *s->silence_ids);
	for (int i = 0; i < s->n_silences; i++)
		s->silence_ids[i] = alerts_silence_id(model_silence(v->model, (size_t)i));
	s->ld.page = rows_for_list(h, s->n_silences);
	list_arrange(&s->silences, s->silence_ids, s->n_silences, s->ld.page);
}

static const char *
state_text(const struct silence *s, const char **ret_glyph, enum role *ret_role)
{
	*ret_role = ROLE_DIM;
	switch (s->state) {
	case SILENCE_ACTIVE:
		*ret_role = ROLE_ALERT_SILENCED;
		*ret_glyph = GLYPH_SILENCED;
		return "active";
	case SILENCE_PENDING:
		*ret_glyph = GLYPH_PENDING;
		return "pending";
	case SILENCE_EXPIRED:
		break;
	}
	*ret_glyph = "·";
	return "expired";
}

static const char *
when_text(const struct view *v, const struct silence *s, char *buf, size_t size)
{
	char text[DURATION_TEXT_MAX];
	int64_t now = view_time(v);

	if (s->state == SILENCE_EXPIRED)
		snprintf(buf, size, "%s ago", duration_format(text, now - s->ends_ns));
	else if (s->state == SILENCE_PENDING)
		snprintf(buf, size, "in %s", duration_format(text, s->starts_ns - now));
	else
		snprintf(buf, size, "%s left", duration_format(text, s->ends_ns - now));
	return buf;
}

static void
draw_row(struct canvas *c, int y, const struct view *v, const struct model_silence *s, const struct column *cols)
{
	struct canvas row = canvas_sub(c, 1, y, c->w - 1, 1);
	char when[48], hides[32];
	struct buf b;
	enum role role;
	const char *glyph, *word = state_text(s->silence, &glyph, &role);

	buf_init(&b, MATCHERS_MAX);
	part_matchers(&b, s->silence);
	snprintf(hides, sizeof hides, "%zu", s->n_hides);
	columns_cell(&row, 0, &cols[0], role, glyph);
	columns_cell(&row, 0, &cols[1], role, word);
	columns_cell(&row, 0, &cols[2], ROLE_TEXT, when_text(v, s->silence, when, sizeof when));
	columns_cell(&row, 0, &cols[3], s->n_hides > 0 ? ROLE_STRONG : ROLE_DIM, hides);
	columns_cell(&row, 0, &cols[4], ROLE_TEXT, s->silence->created_by);
	columns_cell(&row, 0, &cols[5], ROLE_TEXT, s->silence->comment);
	columns_cell(&row, 0, &cols[6], ROLE_DIM, b.data);
	buf_done(&b);
}

static void
draw_selected(struct canvas *c, const struct view *v, const struct model_silence *s)
{
	struct pen p = { .c = c, .y = 0, .name_w = 10 };
	char starts[PART_MOMENT_MAX], ends[PART_MOMENT_MAX];
	struct buf b;

	buf_init(&b, MATCHERS_MAX);
	part_matchers(&b, s->silence);
	pen_field(&p, "matchers", ROLE_TEXT, b.data);
	buf_done(&b);
	pen_field_printf(&p, "why", ROLE_STRONG, "%s", *s->silence->comment != '\0' ? s->silence->comment : "(no comment)");
	pen_field(&p, "who", ROLE_TEXT, *s->silence->created_by != '\0' ? s->silence->created_by : "?");
	pen_field(&p, "from", ROLE_TEXT, part_moment(v, s->silence->starts_ns, starts));
	pen_field(&p, "until", ROLE_TEXT, part_moment(v, s->silence->ends_ns, ends));
	pen_field_printf(&p, "hides", ROLE_TEXT, "%zu alert%s now", s->n_hides, s->n_hides == 1 ? "" : "s");
	pen_field_printf(&p, "id", ROLE_DIM, "%s on %s", s->silence->id, s->source);
}

void
alerts_silences_draw(const struct alerts *s, const struct view *v, struct canvas *c)
{
	struct column cols[] = {
		{ .title = "", .min = 1, .priority = 0 },
		{ .title = "silence", .min = 7, .priority = 2 },
		{ .title = "ends", .min = 11, .is_right = true, .priority = 0 },
		{ .title = "hides", .min = 5, .is_right = true, .priority = 1 },
		{ .title = "who", .min = 10, .weight = 1, .priority = 3 },
		{ .title = "why", .min = 16, .weight = 2, .priority = 2 },
		{ .title = "matchers", .min = 20, .weight = 3, .priority = 4 },
	};
	const int n_cols = sizeof cols / sizeof cols[0];
	struct canvas header = canvas_sub(c, 1, 0, c->w - 1, 1), below;
	const struct model_silence *selected;

	if (s->n_silences == 0) {
		canvas_text_w(c, 1, 0, c->w - 1, ROLE_DIM, "No silences. S goes back to the alerts.", false);
		return;
	}
	columns_fit(cols, n_cols, c->w - 2);
	columns_header(&header, 0, cols, n_cols);
	for (int i = 0; i < s->ld.page && s->silences.top + i < s->n_silences; i++) {
		draw_row(c, i + 1, v, model_silence(v->model, (size_t)(s->silences.top + i)), cols);
		if (v->is_focused && s->silences.top + i == s->silences.selected)
			canvas_select(c, 0, i + 1, c->w);
	}
	selected = alerts_silence_selected(s, v);
	if (c->h < DETAIL_FROM || selected == NULL)
		return;
	canvas_hline(c, 0, c->h - DETAIL_H - 1, c->w, ROLE_BORDER);
	below = canvas_sub(c, 0, c->h - DETAIL_H, c->w, DETAIL_H);
	draw_selected(&below, v, selected);
}
