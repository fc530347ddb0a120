/* All that is known of one line of the timeline, and what lasted while it happened. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "timeline.h"

#define LATE_NS (2 * NS_PER_S)

enum { MEANWHILE_MAX = 12 };

static void
length_field(struct pen *p, const struct timeline_panel *s, const struct view *v, const struct model *m, int item)
{
	char text[DURATION_TEXT_MAX];
	bool is_open;
	int64_t lasted = timeline_lasted(s, m, item, view_time(v), &is_open);

	if (lasted < 0)
		return;
	duration_format(text, lasted / NS_PER_S * NS_PER_S);
	pen_field_printf(p, "lasted", ROLE_TEXT, is_open ? "%s so far: it is not over" : "%s", text);
}

/* Since when it was known here counts where that is not at once: what was decided before was decided without it. */
static void
time_fields(struct pen *p, const struct view *v, const struct model *m, const struct timeline_entry *e)
{
	char moment[PART_MOMENT_MAX], offset[PART_OFFSET_MAX], late[DURATION_TEXT_MAX];
	int64_t zero = timeline_zero(m);

	pen_field(p, "at", ROLE_TEXT, part_moment(v, e->at_ns, moment));
	if (zero != 0)
		pen_field_printf(p, "offset", ROLE_TEXT, "%s from the incident's opening", part_offset(e->at_ns, zero, offset));
	if (e->is_backfilled)
		pen_field(p, "known", ROLE_WARNING, "afterwards, from ALERTS of the metrics: the console did not look yet then");
	else if (e->known_ns - e->at_ns > LATE_NS)
		pen_field_printf(p, "known", ROLE_TEXT, "%s later", duration_format(late, (e->known_ns - e->at_ns) / NS_PER_S * NS_PER_S));
}

static bool
is_meanwhile(const struct timeline_panel *s, int span, int item)
{
	return s->spans[span].begin <= item && s->spans[span].end >= item && s->items[item].span != span;
}

static void
draw_span(struct pen *p, const struct timeline_span *span, const struct timeline_entry *e)
{
	struct timeline_entry begin = *e;
	char since[CLOCK_TEXT_MAX], what[256];
	enum role role;
	const char *glyph;

	begin.is_end = false;
	glyph = part_timeline_glyph(&begin, &role);
	canvas_text(p->c, 1, p->y, role, glyph);
	clock_format(since, e->at_ns, 0);
	str_escape_to(what, sizeof what, e->what);
	if (span->begin >= 0)
		canvas_printf(p->c, 3, p->y++, ROLE_TEXT, "%s %s since %s", timeline_kind_name(e->kind), what, since + 11);
	else
		canvas_printf(p->c, 3, p->y++, ROLE_TEXT, "%s %s, since before what is known here", timeline_kind_name(e->kind), what);
}

static void
meanwhile(struct pen *p, const struct timeline_panel *s, const struct model *m, int item)
{
	int n = 0;

	for (int i = 0; i < s->n_spans; i++) {
		const struct timeline_span *span = &s->spans[i];
		const struct timeline_entry *e = timeline_entry_of(s, m, span->begin >= 0 ? span->begin : span->end);

		if (e == NULL || e->kind == TIMELINE_INCIDENT || !is_meanwhile(s, i, item))
			continue;
		if (n++ == 0) {
			p->y++;
			pen_heading(p, "Meanwhile");
		}
		if (n <= MEANWHILE_MAX)
			draw_span(p, span, e);
	}
	if (n > MEANWHILE_MAX)
		pen_printf(p, ROLE_DIM, "and %d more", n - MEANWHILE_MAX);
}

static void
entry_draw(struct pen *p, const struct timeline_panel *s, const struct view *v, const struct model *m, int item)
{
	const struct timeline_entry *e = timeline_entry_of(s, m, item);
	char word[PART_TIMELINE_WORD_MAX], what[512];
	enum role role;
	const char *glyph;

	if (e == NULL)
		return;
	glyph = part_timeline_glyph(e, &role);
	canvas_text(p->c, 1, p->y, role, glyph);
	canvas_printf(p->c, 3, p->y++, ROLE_STRONG, "%s: %s", part_timeline_word(e, word), str_escape_to(what, sizeof what, e->what));
	if (*e->text != '\0')
		pen_text(p, ROLE_TEXT, e->text);
	p->y++;
	time_fields(p, v, m, e);
	length_field(p, s, v, m, item);
	pen_field(p, "severity", part_severity_role(e->severity), e->severity != SEVERITY_NONE ? severity_name(e->severity) : NULL);
	pen_field(p, "by", ROLE_TEXT, e->by);
	if (e->seq != 0)
		pen_field_printf(p, "record", ROLE_TEXT, "%llu of the audit log (r shows it)", (unsigned long long)e->seq);
	pen_field(p, "id", ROLE_DIM, e->id);
	meanwhile(p, s, m, item);
}

void
timeline_detail_draw(struct pen *p, const struct timeline_panel *s, const struct view *v, int row)
{
	bool is_hindsight;
	const struct model *m = timeline_model(v, &is_hindsight);

	if (row < 0 || row >= s->ld.n)
		return;
	switch (s->rows[row].kind) {
	case TIMELINE_ROW_ENTRY:
		entry_draw(p, s, v, m, s->rows[row].item);
		break;
	case TIMELINE_ROW_GAP:
		pen_text(p, ROLE_UNKNOWN, "? Not recorded: what happened in this time is not known here.");
		break;
	case TIMELINE_ROW_DAY:
		pen_text(p, ROLE_DIM, "A day (UTC) begins.");
		break;
	}
}
