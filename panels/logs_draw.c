/* A row of the list: time, store, level, service, text with what matched; notes of what is missing as rows of their own. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "logs.h"

enum { TIME_W = 12, LEVEL_W = 7, SOURCE_W_MAX = 12, SERVICE_W_MAX = 20, SOURCE_FROM = 90, SERVICE_FROM = 46, WRAP_ROWS_MAX = 40,
	COLUMN_BYTES = 4, NOTE_MAX = 512,
	FOUND_MAX = 64, TEXT_MAX = 1 << 20 };

const char *
logs_glyph(enum line_level level, enum role *ret_role)
{
	switch (level) {
	case LOG_LEVEL_CRITICAL:
	case LOG_LEVEL_ERROR: *ret_role = ROLE_CRITICAL; return GLYPH_FIRING;
	case LOG_LEVEL_WARNING: *ret_role = ROLE_WARNING; return GLYPH_PENDING;
	case LOG_LEVEL_NOTICE:
	case LOG_LEVEL_INFO: *ret_role = ROLE_TEXT; return " ";
	default: break;
	}
	*ret_role = ROLE_DIM;
	return " ";
}

const char *
logs_count(size_t n, char *buf)
{
	char digits[LOGS_COUNT_MAX];
	int len = snprintf(digits, sizeof digits, "%zu", n), to = 0;

	for (int i = 0; i < len && to < LOGS_COUNT_MAX - 2; i++) {
		if (i > 0 && (len - i) % 3 == 0)
			buf[to++] = ',';
		buf[to++] = digits[i];
	}
	buf[to] = '\0';
	return buf;
}

/* --- columns ------------------------------------------------------------------------------------- */

static int
wider(int w, const char *text, int max)
{
	int columns = (int)str_width(text);

	columns = columns > max ? max : columns;
	return columns > w ? columns : w;
}

static size_t
n_stores(const struct view *v)
{
	const struct environment *e = model_environment(v->live);
	static const char *const types[] = { "loki", "elasticsearch", "journald" };
	size_t n = 0;

	for (size_t i = 0; e != NULL && i < e->n_sources; i++)
		for (size_t k = 0; k < sizeof types / sizeof types[0]; k++)
			n += strcmp(e->sources[i].type, types[k]) == 0;
	return n;
}

/* Widths never shrink: text that is read does not move to the left and back with each line that comes. */
void
logs_columns(struct logs_panel *s, const struct view *v, int w)
{
	const struct log_view *view = logs_view(v);
	bool has_source = w >= SOURCE_FROM || (w >= SERVICE_FROM + SOURCE_W_MAX && n_stores(v) > 1);

	for (int i = 0; view != NULL && i < s->n_rows; i++) {
		struct log_ref line;

		if (s->rows[i].kind != LOGS_LINE || s->rows[i].index >= view->n)
			continue;
		log_view_line(view, s->rows[i].index, &line);
		s->source_w = wider(s->source_w, line.source, SOURCE_W_MAX);
		s->service_w = wider(s->service_w, line.service, w < 100 ? SERVICE_W_MAX / 2 + 2 : SERVICE_W_MAX);
	}
	if (!has_source)
		s->source_w = 0;
	if (w < SERVICE_FROM)
		s->service_w = 0;
	s->text_x = 1 + TIME_W + 1 + LEVEL_W;
	s->text_x += s->source_w > 0 ? s->source_w + 1 : 0;
	s->text_x += s->service_w > 0 ? s->service_w + 1 : 0;
	s->text_w = w - s->text_x > 1 ? w - s->text_x : 1;
}

/* --- text ------------------------------------------------------------------------------------------ */

/* Bytes that may be seen on so many columns: a line of a megabyte costs no more than a short one. */
static size_t
seen_bytes(const struct log_ref *line, int columns)
{
	size_t most = (size_t)columns * COLUMN_BYTES + 64;

	return line->len < most ? line->len : most;
}

/* Bytes of harmless text that fit on w columns: at least one character. */
static size_t
row_bytes(const char *text, int w)
{
	size_t len = strlen(text), at = 0;
	int used = 0;

	while (at < len) {
		uint32_t cp = ' ';
		size_t took = utf8_decode(text + at, len - at, &cp);
		int width = took > 0 ? cp_width(cp) : 1;

		if (at > 0 && used + width > w)
			break;
		used += width;
		at += took > 0 ? took : 1;
	}
	return at;
}

int
logs_line_rows(const struct logs_panel *s, const struct log_ref *line)
{
	int max = s->page < WRAP_ROWS_MAX ? s->page : WRAP_ROWS_MAX, rows = 0;
	struct logs_face face;
	struct buf b;

	logs_face_init(&face, s, line);
	buf_init(&b, TEXT_MAX);
	str_escape(&b, face.line.text, seen_bytes(&face.line, max * s->text_w));
	for (const char *at = b.data; *at != '\0' && rows < max; rows++)
		at += row_bytes(at, s->text_w);
	buf_done(&b);
	logs_face_done(&face);
	return rows < 1 ? 1 : rows;
}

/* A text made harmless, and where in it the filter matched. */
struct shown {
	struct buf text;
	struct range {
		size_t start, end;
	} found[FOUND_MAX];
	size_t n;
	size_t fields_at;	/* from there on it is dim */
};

/* Bytes up to `to`, and where the fields begin among them. */
static void
add_shown(struct shown *t, const struct logs_face *f, size_t from, size_t to)
{
	if (from <= f->fields_at && f->fields_at < to) {
		str_escape(&t->text, f->line.text + from, f->fields_at - from);
		t->fields_at = t->text.len;
		from = f->fields_at;
	}
	str_escape(&t->text, f->line.text + from, to - from);
}

static void
shown_init(struct shown *t, const struct log_filter *match, const struct logs_face *f, int columns)
{
	const struct log_ref *line = &f->line;
	size_t len = seen_bytes(line, columns), at = 0, start, end;

	t->n = 0;
	t->fields_at = SIZE_MAX;
	buf_init(&t->text, TEXT_MAX);
	while (match != NULL && t->n < FOUND_MAX && at < len && log_filter_find(match, line->text, len, at, &start, &end) && end > start &&
	    start >= at) {
		add_shown(t, f, at, start);
		t->found[t->n].start = t->text.len;
		add_shown(t, f, start, end);
		t->found[t->n++].end = t->text.len;
		at = end;
	}
	add_shown(t, f, at, len);
}

static enum role
role_at(const struct shown *t, size_t at, enum role role, size_t *ret_until)
{
	for (size_t i = 0; i < t->n; i++) {
		if (at < t->found[i].start) {
			*ret_until = t->found[i].start;
			return role;
		}
		if (at < t->found[i].end) {
			*ret_until = t->found[i].end;
			return ROLE_MATCH;
		}
	}
	*ret_until = t->text.len;
	return role;
}

/* What is said first stands out from what is said beside it. */
static enum role
role_of(const struct shown *t, size_t at, enum role role, size_t *ret_until)
{
	enum role now = role_at(t, at, at < t->fields_at ? role : ROLE_DIM, ret_until);

	if (at < t->fields_at && *ret_until > t->fields_at)
		*ret_until = t->fields_at;
	return now;
}

/* Bytes from..to at column x; returns the column behind. */
static int
draw_bytes(struct canvas *c, int x, const struct shown *t, size_t from, size_t to, enum role role)
{
	while (from < to && x < c->w) {
		size_t until;
		enum role now = role_of(t, from, role, &until);
		struct buf piece;

		until = until < to ? until : to;
		buf_init(&piece, TEXT_MAX);
		buf_add(&piece, t->text.data + from, until - from);
		x = canvas_text(c, x, 0, now, piece.data);
		buf_done(&piece);
		from = until;
	}
	return x;
}

static void
draw_text(const struct logs_panel *s, struct canvas *c, const struct log_ref *line, int sub)
{
	enum role role = line->level == LOG_LEVEL_DEBUG || line->level == LOG_LEVEL_TRACE ? ROLE_DIM : ROLE_TEXT;
	int columns = s->is_wrapped ? (sub + 1) * c->w : s->left + c->w, x;
	struct logs_face face;
	struct shown t;
	size_t from = 0;

	logs_face_init(&face, s, line);
	shown_init(&t, s->match, &face, columns);
	if (s->is_wrapped) {
		for (int i = 0; i < sub; i++)
			from += row_bytes(t.text.data + from, c->w);
		draw_bytes(c, 0, &t, from, from + row_bytes(t.text.data + from, c->w), role);
	} else {
		x = draw_bytes(c, -s->left, &t, 0, t.text.len, role);
		if (s->left > 0)
			canvas_text(c, 0, 0, ROLE_DIM, "…");
		if (x > c->w || seen_bytes(&face.line, columns) < face.line.len)
			canvas_text(c, c->w - 1, 0, ROLE_DIM, "…");
	}
	buf_done(&t.text);
	logs_face_done(&face);
}

static void
draw_head(const struct logs_panel *s, struct canvas *c, int y, const struct log_ref *line)
{
	char at[CLOCK_TEXT_MAX];
	enum role role;
	const char *glyph = logs_glyph(line->level, &role);
	int x = 1;

	if (logs_is_marked(s, line))
		canvas_text(c, 0, y, ROLE_KEY, "*");
	/* "02:28:31.204": UTC like all times here; the day stands in the details. */
	clock_format(at, line->time_ns, 3);
	canvas_printf(c, x, y, ROLE_DIM, "%.12s", strlen(at) > 11 ? at + 11 : at);
	x += TIME_W + 1;
	if (s->source_w > 0) {
		canvas_text_w(c, x, y, s->source_w, ROLE_DIM, line->source, false);
		x += s->source_w + 1;
	}
	canvas_text(c, x, y, role, glyph);
	canvas_text(c, x + 2, y, role, log_level_short(line->level));
	x += LEVEL_W;
	if (s->service_w > 0)
		canvas_text_w(c, x, y, s->service_w, ROLE_STRONG, line->service, false);
}

/* --- notes ----------------------------------------------------------------------------------------- */

/* What is before the first line: dropped, not matching, or never asked for. */
static const char *
top_text(const struct view *v, char *buf, size_t size)
{
	const struct log_totals *t = model_log_totals(v->live);
	char n[LOGS_COUNT_MAX], at[CLOCK_TEXT_MAX];

	if (t->n_dropped > 0)
		snprintf(buf, size, "-- %s older line%s dropped to make room (logs: keep) --", logs_count((size_t)t->n_dropped, n),
		    t->n_dropped == 1 ? " was" : "s were");
	else if (v->replay != NULL)
		snprintf(buf, size, "-- what was said before %s is shown there: g goes to a time --", clock_format(at, t->first_ns, 0));
	else
		snprintf(buf, size, "-- nothing is held before %s: o asks for older lines --", clock_format(at, t->first_ns, 0));
	return buf;
}

static void
draw_note(const struct logs_panel *s, const struct view *v, struct canvas *c, int y, const struct logs_row *row)
{
	char text[NOTE_MAX], at[CLOCK_TEXT_MAX], name[64];
	enum role role = ROLE_DIM;

	if (row->kind == LOGS_TOP) {
		top_text(v, text, sizeof text);
		role = model_log_totals(v->live)->n_dropped > 0 ? ROLE_WARNING : ROLE_DIM;
	} else if (row->kind == LOGS_STORE) {
		snprintf(text, sizeof text, "-- of %s nothing is held before %s: o asks for it --",
		    str_escape_to(name, sizeof name, s->stores[row->index].name), clock_format(at, s->stores[row->index].first_ns, 0));
		role = ROLE_WARNING;
	} else if (row->kind == LOGS_CURSOR) {
		snprintf(text, sizeof text, "-- the time cursor stands at %s: = goes live --", clock_format(at, v->range.cursor_ns, 0));
	} else {
		const struct log_notice *n = model_log_notice(v->live, row->index);

		if (n->n > 1)
			snprintf(text, sizeof text, "-- %s: %s (%u times) --", n->source, n->text, n->n);
		else
			snprintf(text, sizeof text, "-- %s: %s --", n->source, n->text);
		role = ROLE_WARNING;
	}
	canvas_text_w(c, 1, y, c->w - 2, role, text, false);
}

/* --- rows ------------------------------------------------------------------------------------------ */

static void
draw_line(const struct logs_panel *s, const struct log_view *view, struct canvas *c, int y, const struct logs_row *row)
{
	struct canvas text = canvas_sub(c, s->text_x, y, s->text_w, 1);
	struct log_ref line;

	log_view_line(view, row->index, &line);
	if (row->sub == 0)
		draw_head(s, c, y, &line);
	draw_text(s, &text, &line, row->sub);
	if (row->index == s->index)
		canvas_select(c, 0, y, c->w);
}

void
logs_rows_draw(const struct logs_panel *s, const struct view *v, struct canvas *c)
{
	const struct log_view *view = logs_view(v);

	for (int y = 0; view != NULL && y < s->n_rows && y < c->h; y++) {
		if (s->rows[y].kind == LOGS_LINE && s->rows[y].index < view->n)
			draw_line(s, view, c, y, &s->rows[y]);
		else if (s->rows[y].kind != LOGS_LINE)
			draw_note(s, v, c, y, &s->rows[y]);
	}
}
