/* All of one line: when, from where, its labels, the fields that its text or its store holds, and the text itself. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "logs.h"

enum { NAME_W_MAX = 24, TEXT_SHOWN = 64 << 10, VALUE_SHOWN = 4096 };

static void
add_text(struct pen *p, enum role role, const char *text, size_t len)
{
	struct buf b;

	buf_init(&b, 1 << 20);
	str_escape(&b, text, len < TEXT_SHOWN ? len : TEXT_SHOWN);
	pen_text(p, role, b.data);
	buf_done(&b);
	if (len > TEXT_SHOWN)
		pen_printf(p, ROLE_DIM, "… %zu further bytes; :save writes all of it", len - TEXT_SHOWN);
}

static void
add_field(struct pen *p, const char *name, const char *value)
{
	struct buf b;
	char shown[64];
	size_t len = strlen(value);

	buf_init(&b, 1 << 20);
	str_escape(&b, value, len < VALUE_SHOWN ? len : VALUE_SHOWN);
	if (len > VALUE_SHOWN)
		buf_addstr(&b, "…");
	pen_field(p, str_escape_to(shown, sizeof shown, name), ROLE_TEXT, b.data);
	buf_done(&b);
}

static int
wider(int w, const char *name)
{
	int columns = (int)str_width(name) + 2;

	columns = columns > NAME_W_MAX ? NAME_W_MAX : columns;
	return columns > w ? columns : w;
}

static int
name_width(const struct log_ref *line, const struct log_field *fields, size_t n)
{
	int w = 10;

	for (size_t i = 0; line->labels != NULL && i < line->labels->n; i++)
		w = wider(w, line->labels->v[i].name);
	for (size_t i = 0; i < n; i++)
		w = wider(w, fields[i].name);
	return w;
}

static void
add_origin(struct pen *p, const struct view *v, const struct log_ref *line)
{
	char at[CLOCK_TEXT_MAX], age[DURATION_TEXT_MAX];
	enum role role;
	const char *glyph = logs_glyph(line->level, &role);

	pen_field_printf(p, "time", ROLE_TEXT, "%s, %s ago", clock_format(at, line->time_ns, 9), duration_format(age, v->now_ns - line->time_ns));
	pen_field_printf(p, "level", role, "%s%s%s", glyph, *glyph != ' ' ? " " : "", log_level_name(line->level));
	pen_field(p, "service", ROLE_TEXT, line->service);
	pen_field(p, "source", ROLE_TEXT, line->source);
	pen_field(p, "id", ROLE_DIM, line->id);
}

void
logs_record_draw(struct pen *p, const struct view *v, const struct log_ref *line)
{
	struct arena arena = ARENA_INIT;
	const struct log_field *fields = NULL;
	size_t n = log_fields(line, &arena, &fields);

	p->name_w = name_width(line, fields, n);
	add_origin(p, v, line);
	p->y++;
	pen_heading(p, "Line");
	add_text(p, ROLE_TEXT, line->text, line->len);
	if (line->labels != NULL && line->labels->n > 0) {
		p->y++;
		pen_heading(p, "Labels of the stream");
	}
	for (size_t i = 0; line->labels != NULL && i < line->labels->n; i++)
		add_field(p, line->labels->v[i].name, line->labels->v[i].value);
	if (n > 0) {
		p->y++;
		pen_heading(p, "Fields");
	}
	for (size_t i = 0; i < n; i++)
		add_field(p, fields[i].name, fields[i].value);
	arena_done(&arena);
}
