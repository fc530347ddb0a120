/* The records of the window, newest first, and all of one. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "audit.h"

enum { COL_SEQ, COL_TIME, COL_AGE, COL_GLYPH, COL_TYPE, COL_ACTOR, COL_TEXT, COLS };
enum { ACTOR_FROM = 90, AGE_FROM = 110, TYPE_W = 15, DETAIL_LINE_ROWS = 8 };

static void
columns_of(const struct audit_view *a, int w, struct column *cols, int actor_w)
{
	char seq[24];
	int digits = snprintf(seq, sizeof seq, "%llu", (unsigned long long)a->last_seq);

	cols[COL_SEQ] = (struct column){ .title = "seq", .min = digits < 4 ? 4 : digits, .is_right = true, .priority = 0 };
	cols[COL_TIME] = (struct column){ .title = "time", .min = 9, .priority = 1 };
	cols[COL_AGE] = (struct column){ .title = "ago", .min = w >= AGE_FROM ? 8 : w, .is_right = true, .priority = w >= AGE_FROM ? 6 : 9 };
	cols[COL_GLYPH] = (struct column){ .title = "", .min = 1, .priority = 0 };
	cols[COL_TYPE] = (struct column){ .title = "type", .min = TYPE_W, .priority = 3 };
	cols[COL_ACTOR] = (struct column){ .title = "by", .min = w >= ACTOR_FROM ? actor_w : w, .priority = w >= ACTOR_FROM ? 5 : 9 };
	cols[COL_TEXT] = (struct column){ .title = "", .min = 12, .weight = 1, .priority = 0 };
	columns_fit(cols, COLS, w - 2);
}

/* "@web" where all rows in sight are of that host, which need not stand in each of them; "" where they are not. */
static const char *
common_host(const struct audit_panel *s, const struct audit_view *a)
{
	const char *host = NULL;

	for (int i = s->ld.list.top; i < s->ld.list.top + s->ld.page && i < s->ld.n; i++) {
		const struct audit_row *r = audit_panel_row(a, i);
		const char *at = r != NULL ? strrchr(r->actor, '@') : NULL;

		if (at == NULL || at == r->actor || (host != NULL && strcmp(at, host) != 0))
			return "";
		host = at;
	}
	return host != NULL ? host : "";
}

/* What a row alone must not say quietly. */
static const char *
row_glyph(const struct audit_row *row, enum role *ret_role)
{
	*ret_role = ROLE_UNKNOWN;
	if (row->is_open)
		return GLYPH_UNKNOWN;
	*ret_role = ROLE_WARNING;
	if (strcmp(row->type, "gap") == 0 || strcmp(row->type, "recovered") == 0)
		return GLYPH_FIRING;
	*ret_role = ROLE_TEXT;
	return " ";
}

static const char *
row_age(const struct view *v, const struct audit_row *row, char *buf)
{
	char text[DURATION_TEXT_MAX];
	int64_t ns = (view_time(v) - row->time_ns) / NS_PER_S * NS_PER_S;

	snprintf(buf, DURATION_TEXT_MAX + 8, "%s%s", ns < 0 ? "in " : "", duration_format(text, ns < 0 ? -ns : ns));
	return buf;
}

static void
draw_row(struct canvas *row, const struct column *cols, const struct view *v, const struct audit_row *r, const char *host)
{
	char seq[24], when[CLOCK_TEXT_MAX], age[DURATION_TEXT_MAX + 8], *text, *actor;
	bool is_later = r->time_ns > view_time(v);
	enum role role, base = is_later ? ROLE_DIM : ROLE_TEXT;
	const char *glyph = row_glyph(r, &role);

	snprintf(seq, sizeof seq, "%llu", (unsigned long long)r->seq);
	actor = xstrndup(r->actor, strlen(r->actor) - strlen(host));
	text = xasprintf("%s%s%s", is_later ? "(later) " : "", r->is_open ? "outcome unknown: " : "", r->text);
	columns_cell(row, 0, &cols[COL_SEQ], ROLE_DIM, seq);
	columns_cell(row, 0, &cols[COL_TIME], base, part_when(v, r->time_ns, when));
	columns_cell(row, 0, &cols[COL_AGE], ROLE_DIM, row_age(v, r, age));
	columns_cell(row, 0, &cols[COL_GLYPH], role, glyph);
	columns_cell(row, 0, &cols[COL_TYPE], base, r->type);
	columns_cell(row, 0, &cols[COL_ACTOR], ROLE_DIM, actor);
	columns_cell(row, 0, &cols[COL_TEXT], r->is_open ? role : base, text);
	free(actor);
	free(text);
}

void
audit_rows_draw(const struct audit_panel *s, const struct view *v, const struct audit_view *a, struct canvas *c)
{
	struct column cols[COLS] = { 0 };
	const char *host = common_host(s, a);
	int y = 0;

	columns_of(a, c->w, cols, *host != '\0' ? 9 : 14);
	if (s->ld.has_header) {
		struct canvas header = canvas_sub(c, 1, 0, c->w - 1, 1);

		columns_header(&header, y++, cols, COLS);
	}
	for (int i = s->ld.list.top; i < s->ld.list.top + s->ld.page && i < s->ld.n; i++, y++) {
		const struct audit_row *r = audit_panel_row(a, i);
		struct canvas row = canvas_sub(c, 1, y, c->w - 1, 1);

		if (r != NULL)
			draw_row(&row, cols, v, r, host);
		if (v->is_focused && i == s->ld.list.selected)
			canvas_select(c, 0, y, c->w);
	}
}

/* --- one record ------------------------------------------------------------------------------------------- */

/* The record as it stands, with its own line breaks and indentation: who reads it looks for a member. */
static void
draw_json(struct pen *p, const char *text)
{
	while (*text != '\0') {
		size_t len = strcspn(text, "\n"), blanks = strspn(text, " ");
		char *line = xstrndup(text + blanks, len > blanks ? len - blanks : 0);

		pen_indented(p, 1 + (int)(blanks < 16 ? blanks : 16), DETAIL_LINE_ROWS, ROLE_TEXT, line);
		free(line);
		text += len;
		text += *text == '\n';
	}
}

void
audit_detail_draw(struct pen *p, const struct view *v, const struct audit_row *row)
{
	char moment[PART_MOMENT_MAX], type[64];
	enum role role;

	row_glyph(row, &role);
	canvas_printf(p->c, 1, p->y++, ROLE_STRONG, "%llu  %s", (unsigned long long)row->seq, str_escape_to(type, sizeof type, row->type));
	pen_text(p, ROLE_TEXT, row->text);
	if (row->is_open)
		pen_text(p, role, "? No result is recorded: whether it was done is unknown.");
	p->y++;
	pen_field(p, "time", ROLE_TEXT, part_moment(v, row->time_ns, moment));
	pen_field(p, "by", ROLE_TEXT, row->actor);
	pen_field(p, "run", ROLE_TEXT, row->run);
	pen_field(p, "incident", ROLE_TEXT, row->incident);
	pen_field(p, "hash", ROLE_DIM, row->hash);
	p->y++;
	pen_heading(p, "The record");
	draw_json(p, row->detail);
}
