#include "config.h"

#include "parts.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "base/xalloc.h"

#define NEAR_CURSOR (2 * NS_PER_S)

enum { BESIDE_FROM = 110, BELOW_FROM = 16, NAME_W = 13, FIELD_ROWS_MAX = 60, TEXT_MAX = 1 << 16 };

/* --- states ---------------------------------------------------------------------------------- */

enum role
part_severity_role(enum severity severity)
{
	switch (severity) {
	case SEVERITY_PAGE: return ROLE_ALERT_FIRING;
	case SEVERITY_TICKET: return ROLE_ALERT_TICKET;
	case SEVERITY_INFO: case SEVERITY_NONE: break;
	}
	return ROLE_TEXT;
}

const char *
part_alert_glyph(enum alert_state state, enum severity severity, enum role *ret_role)
{
	switch (state) {
	case ALERT_PENDING:
		*ret_role = ROLE_ALERT_PENDING;
		return GLYPH_PENDING;
	case ALERT_SILENCED:
		*ret_role = ROLE_ALERT_SILENCED;
		return GLYPH_SILENCED;
	case ALERT_INHIBITED:
		*ret_role = ROLE_ALERT_INHIBITED;
		return GLYPH_INHIBITED;
	case ALERT_FIRING: case ALERT_UNPROCESSED:
		break;
	}
	*ret_role = part_severity_role(severity);
	return GLYPH_FIRING;
}

const char *
part_row_glyph(const struct model_alert *a, enum role *ret_role)
{
	const char *glyph = part_alert_glyph(a->state, a->severity, ret_role);

	if (!a->is_stale)
		return glyph;
	*ret_role = ROLE_STALE;
	return GLYPH_STALE;
}

const char *
part_row_word(const struct model_alert *a)
{
	if (a->state == ALERT_SILENCED && a->is_acked)
		return "acked";
	/* Alertmanager has it but has not yet decided what to do: for the person it fires. */
	if (a->state == ALERT_UNPROCESSED)
		return "firing";
	return alert_state_name(a->state);
}

const char *
part_source_glyph(enum source_state state, enum role *ret_role)
{
	switch (state) {
	case SOURCE_OK: *ret_role = ROLE_OK; return GLYPH_OK;
	case SOURCE_DEGRADED: *ret_role = ROLE_WARNING; return GLYPH_PENDING;
	case SOURCE_STALE: *ret_role = ROLE_STALE; return GLYPH_STALE;
	case SOURCE_DOWN: *ret_role = ROLE_CRITICAL; return GLYPH_FIRING;
	case SOURCE_UNKNOWN: break;
	}
	*ret_role = ROLE_UNKNOWN;
	return GLYPH_UNKNOWN;
}

const char *
part_severity_word(const struct model_alert *a)
{
	return *a->severity_text != '\0' ? a->severity_text : severity_name(a->severity);
}

const char *
part_alert_summary(const struct labels *annotations)
{
	static const char *const names[] = { "summary", "description", "message" };

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		const char *text = labels_get(annotations, names[i]);

		if (text != NULL && *text != '\0')
			return text;
	}
	return "";
}

/* --- counts ---------------------------------------------------------------------------------- */

void
part_count(struct alert_counts *n, enum alert_state state)
{
	switch (state) {
	case ALERT_FIRING: case ALERT_UNPROCESSED: n->firing++; break;
	case ALERT_PENDING: n->pending++; break;
	case ALERT_SILENCED: n->silenced++; break;
	case ALERT_INHIBITED: n->inhibited++; break;
	}
}

size_t
part_counted(const struct alert_counts *n)
{
	return n->firing + n->pending + n->silenced + n->inhibited;
}

const char *
part_counts_text(const struct alert_counts *n, char *buf, size_t size)
{
	const struct {
		size_t n;
		const char *word;
	} parts[] = { { n->firing, "firing" }, { n->pending, "pending" }, { n->silenced, "silenced" },
		{ n->inhibited, "inhibited" } };
	size_t used = 0;

	snprintf(buf, size, "none");
	for (size_t i = 0; i < sizeof parts / sizeof parts[0] && used < size; i++)
		if (parts[i].n > 0)
			used += (size_t)snprintf(buf + used, size - used, "%s%zu %s", used > 0 ? ", " : "", parts[i].n,
			    parts[i].word);
	return buf;
}

bool
part_has_alertmanager(const struct model *m)
{
	for (size_t i = 0; i < model_n_sources(m); i++)
		if (strcmp(model_source(m, i)->type, "alertmanager") == 0)
			return true;
	return false;
}

/* --- labels ---------------------------------------------------------------------------------- */

/* What things are usually known by: their values speak for themselves. */
static const char *const identities[] = {
	"service", "model", "model_version", "version", "feature", "instance", "host", "node", "pod", "job",
};
enum { IDENTITIES = sizeof identities / sizeof identities[0] };

static int
identity_index(const char *name)
{
	for (int i = 0; i < IDENTITIES; i++)
		if (strcmp(name, identities[i]) == 0)
			return i;
	return -1;
}

static bool
is_telling(const struct label *l, const struct labels *common, const char *severity_label)
{
	if (*l->value == '\0')
		return false;
	if (severity_label != NULL && (strcmp(l->name, "alertname") == 0 || strcmp(l->name, severity_label) == 0))
		return false;
	return common == NULL || !str_eq(labels_get(common, l->name), l->value);
}

/* service="spam-filter" model="spam-filter": once is enough. */
static bool
is_said(const struct labels *labels, int before, const char *value)
{
	for (int i = 0; i < before; i++)
		if (str_eq(labels_get(labels, identities[i]), value))
			return true;
	return false;
}

static void
add_escaped(struct buf *out, const char *text)
{
	str_escape(out, text, strlen(text));
}

void
part_labels(struct buf *out, const struct labels *labels, const struct labels *common, const char *severity_label)
{
	size_t begin = out->len;

	for (int i = 0; i < IDENTITIES; i++) {
		const char *value = labels_get(labels, identities[i]);
		struct label l = { identities[i], value };

		if (value == NULL || !is_telling(&l, common, severity_label) || is_said(labels, i, value))
			continue;
		buf_addstr(out, out->len > begin ? " " : "");
		/* A bare "7" would say nothing. */
		if (strcmp(l.name, "version") == 0 || strcmp(l.name, "model_version") == 0)
			buf_addch(out, 'v');
		add_escaped(out, value + (value[0] == 'v' && strstr(l.name, "version") != NULL));
	}
	for (size_t i = 0; i < labels->n; i++) {
		const struct label *l = &labels->v[i];

		if (identity_index(l->name) >= 0 || !is_telling(l, common, severity_label))
			continue;
		buf_addstr(out, out->len > begin ? " " : "");
		add_escaped(out, l->name);
		buf_addch(out, '=');
		add_escaped(out, l->value);
	}
}

static bool
is_plain_name(const char *name)
{
	return *name != '\0' && strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") == strlen(name) &&
	    (*name < '0' || *name > '9');
}

static void
add_quoted(struct buf *out, const char *text)
{
	size_t len = strlen(text);

	buf_addch(out, '"');
	while (len > 0) {
		uint32_t cp = 0;
		size_t took = utf8_decode(text, len, &cp);

		if (took == 0) {
			buf_printf(out, "\\x%02x", (unsigned char)*text);
			took = 1;
		} else if (cp == '"' || cp == '\\') {
			buf_printf(out, "\\%c", (char)cp);
		} else if (cp == '\n') {
			buf_addstr(out, "\\n");
		} else if (cp_width(cp) < 0) {
			buf_printf(out, "\\u{%X}", (unsigned)cp);
		} else {
			buf_add(out, text, took);
		}
		text += took;
		len -= took;
	}
	buf_addch(out, '"');
}

void
part_matcher(struct buf *out, const struct matcher *m)
{
	if (is_plain_name(m->name))
		buf_addstr(out, m->name);
	else
		add_quoted(out, m->name);
	buf_addstr(out, m->is_equal ? m->is_regex ? "=~" : "=" : m->is_regex ? "!~" : "!=");
	add_quoted(out, m->value);
}

void
part_matchers(struct buf *out, const struct silence *s)
{
	for (size_t i = 0; i < s->n_matchers; i++) {
		buf_addstr(out, i > 0 ? " " : "");
		part_matcher(out, &s->matchers[i]);
	}
}

const char *
part_severity_label(const struct view *v)
{
	const struct environment *e = v->live != NULL ? model_environment(v->live) : NULL;

	return e != NULL && *e->severity_label != '\0' ? e->severity_label : "severity";
}

/* --- time ------------------------------------------------------------------------------------ */

const char *
part_when(const struct view *v, int64_t at_ns, char *buf)
{
	static const char months[][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
	char text[CLOCK_TEXT_MAX];
	int64_t ago = view_time(v) - at_ns;
	unsigned month, day;

	clock_format(text, at_ns, 0);
	if (ago < 20 * NS_PER_HOUR && ago > -20 * NS_PER_HOUR)
		return memmove(buf, text + 11, strlen(text + 11) + 1);
	month = (unsigned)atoi(text + 5);
	day = (unsigned)atoi(text + 8);
	snprintf(buf, CLOCK_TEXT_MAX, "%2u %.3s", day % 100, months[month >= 1 && month <= 12 ? month - 1 : 0]);
	return buf;
}

const char *
part_moment(const struct view *v, int64_t at_ns, char *buf)
{
	char at[CLOCK_TEXT_MAX], age[DURATION_TEXT_MAX];
	int64_t ago = view_time(v) - at_ns;

	clock_format(at, at_ns, 0);
	if (ago >= 0)
		snprintf(buf, PART_MOMENT_MAX, "%s, %s ago", at, duration_format(age, ago));
	else
		snprintf(buf, PART_MOMENT_MAX, "%s, in %s", at, duration_format(age, -ago));
	return buf;
}

static bool
is_near_cursor(const struct view *v, int64_t at_ns)
{
	return llabs(at_ns - v->range.cursor_ns) <= NEAR_CURSOR;
}

enum part_standing
part_standing(const struct view *v, int64_t recorded_ns, int64_t worked_out_ns)
{
	if (v->range.is_live)
		return STANDING_LIVE;
	if (worked_out_ns != 0 && is_near_cursor(v, worked_out_ns))
		return STANDING_WORKED_OUT;
	return recorded_ns != 0 ? STANDING_RECORDED : STANDING_PENDING;
}

const char *
part_standing_text(const struct view *v, enum part_standing standing, size_t n, int64_t at_ns, char *buf)
{
	char at[CLOCK_TEXT_MAX];
	const char *shown;

	clock_format(at, at_ns, 0);
	shown = v->now_ns - at_ns < 20 * NS_PER_HOUR ? at + 11 : at;
	*buf = '\0';
	switch (standing) {
	case STANDING_LIVE: break;
	case STANDING_WORKED_OUT: snprintf(buf, STANDING_TEXT_MAX, "worked out for %s", shown); break;
	case STANDING_RECORDED: snprintf(buf, STANDING_TEXT_MAX, "as recorded %s", shown); break;
	case STANDING_PENDING: snprintf(buf, STANDING_TEXT_MAX, "%s", n > 0 ? "working it out …" : ""); break;
	}
	return buf;
}

/* --- drawing --------------------------------------------------------------------------------- */

bool
part_not_recorded(struct canvas *c, const struct view *v)
{
	const char *why = v->replay != NULL ? v->replay->unknown_why : NULL;
	char at[CLOCK_TEXT_MAX], shown[512];

	if (v->model != NULL)
		return false;
	clock_format(at, view_time(v), 0);
	canvas_printf(c, 1, 0, ROLE_UNKNOWN, GLYPH_UNKNOWN " not recorded: nothing is known of %s", at);
	canvas_wrap(c, 3, 1, c->w - 3, 2, ROLE_DIM, why != NULL && *why != '\0' ? str_escape_to(shown, sizeof shown, why) : v->past_from == PAST_METRICS ?
	    "Only the metrics tell of that time: alerts, metrics, objectives and drift show what they say." :
	    "The console was not running then, or it is longer ago than it keeps.");
	return true;
}

void
part_heading(struct canvas *c, int y, const char *title, const char *right)
{
	int x;

	canvas_hline(c, 0, y, c->w, ROLE_BORDER);
	x = canvas_text_w(c, 1, y, c->w - 2, ROLE_TITLE, title, false);
	canvas_char(c, 0, y, ROLE_BORDER, ' ');
	canvas_char(c, x, y, ROLE_BORDER, ' ');
	if (right == NULL || *right == '\0' || c->w - x < 8)
		return;
	x = canvas_text_w(c, x + 1, y, c->w - x - 3, ROLE_DIM, right, false);
	canvas_char(c, x, y, ROLE_BORDER, ' ');
}

void
pen_heading(struct pen *p, const char *title)
{
	canvas_text_w(p->c, 1, p->y++, p->c->w - 1, ROLE_TITLE, title, false);
}


void
pen_printf(struct pen *p, enum role role, const char *fmt, ...)
{
	va_list ap;
	char *text;

	va_start(ap, fmt);
	text = xvasprintf(fmt, ap);
	va_end(ap);
	pen_text(p, role, text);
	free(text);
}

/* A newline from outside must not begin a row that looks like one of ours. */
static char *
one_line(const char *text)
{
	size_t len = strlen(text), shown = len > TEXT_MAX / 16 ? TEXT_MAX / 16 : len;
	struct buf b;
	char *line;

	buf_init(&b, TEXT_MAX + 64);
	str_escape(&b, text, shown);
	if (shown < len)
		buf_printf(&b, "… and %zu more bytes", len - shown);
	line = buf_take(&b, NULL);
	buf_done(&b);
	return line;
}

/* canvas_wrap() over at most FIELD_ROWS_MAX rows; the last of them says so when that is not all. Returns rows used. */
static int
wrap_field(struct canvas *c, int x, int y, int w, enum role role, const char *text)
{
	struct canvas nowhere = canvas_sub(c, 0, 0, c->w, 0);

	if (canvas_wrap(&nowhere, x, 0, w, FIELD_ROWS_MAX + 1, role, text) <= FIELD_ROWS_MAX)
		return canvas_wrap(c, x, y, w, FIELD_ROWS_MAX, role, text);
	canvas_wrap(c, x, y, w, FIELD_ROWS_MAX - 1, role, text);
	y += FIELD_ROWS_MAX - 1;
	canvas_fill(c, x, y, w, 1, ROLE_TEXT);
	canvas_text_w(c, x, y, w, ROLE_STALE, "(cut: longer than is shown here)", false);
	return FIELD_ROWS_MAX;
}

void
pen_indented(struct pen *p, int x, int rows_max, enum role role, const char *text)
{
	char *line = one_line(text);

	p->y += canvas_wrap(p->c, x, p->y, p->c->w - x - 1, rows_max, role, line);
	free(line);
}

void
pen_text(struct pen *p, enum role role, const char *text)
{
	char *line = one_line(text);

	p->y += wrap_field(p->c, 1, p->y, p->c->w - 2, role, line);
	free(line);
}

/* Further rows are indented beyond the names, so that a newline in the text can stay one. */
void
pen_field(struct pen *p, const char *name, enum role role, const char *text)
{
	int name_w = p->name_w > 0 ? p->name_w : NAME_W, w = p->c->w - name_w - 3, rows;
	char *shown_name;

	if (text == NULL || *text == '\0')
		return;
	shown_name = one_line(name);
	if (w < 12) {
		char *line = one_line(text);

		canvas_text_w(p->c, 1, p->y, p->c->w - 2, ROLE_DIM, shown_name, false);
		rows = 1 + wrap_field(p->c, 2, p->y + 1, p->c->w - 3, role, line);
		free(line);
	} else {
		canvas_text_w(p->c, 1, p->y, name_w, ROLE_DIM, shown_name, false);
		rows = wrap_field(p->c, name_w + 2, p->y, w, role, text);
	}
	p->y += rows > 0 ? rows : 1;
	free(shown_name);
}

void
pen_field_printf(struct pen *p, const char *name, enum role role, const char *fmt, ...)
{
	va_list ap;
	char *text;

	va_start(ap, fmt);
	text = xvasprintf(fmt, ap);
	va_end(ap);
	pen_field(p, name, role, text);
	free(text);
}

struct pen *
pen_measure(struct pen_measure *m, int w)
{
	m->grid = grid_new(w, 1, false);
	m->c = grid_canvas(m->grid);
	m->c.h = 0;
	m->pen = (struct pen){ .c = &m->c };
	return &m->pen;
}

int
pen_measure_done(struct pen_measure *m)
{
	grid_free(m->grid);
	return m->pen.y;
}

struct split
part_split(int w, int h, bool is_wanted, int list_rows)
{
	struct split s = { .kind = SPLIT_NONE, .list_w = w, .list_h = h };

	if (!is_wanted)
		return s;
	if (w >= BESIDE_FROM) {
		s.kind = SPLIT_BESIDE;
		s.list_w = w * 55 / 100;
		s.detail_x = s.list_w + 1;
		s.detail_w = w - s.detail_x;
		s.detail_h = h;
		return s;
	}
	if (h >= BELOW_FROM) {
		s.kind = SPLIT_BELOW;
		/* A short list leaves its room to the detail. */
		s.list_h = h * 45 / 100;
		if (list_rows < s.list_h)
			s.list_h = list_rows < 3 ? 3 : list_rows;
		s.detail_y = s.list_h + 1;
		s.detail_w = w;
		s.detail_h = h - s.detail_y;
		return s;
	}
	s.kind = SPLIT_FULL;
	s.list_h = 0;
	s.detail_w = w;
	s.detail_h = h;
	return s;
}

struct canvas
part_split_detail(struct canvas *c, const struct split *s)
{
	if (s->kind == SPLIT_BESIDE)
		canvas_vline(c, s->detail_x - 1, 0, c->h, ROLE_BORDER);
	else if (s->kind == SPLIT_BELOW)
		canvas_hline(c, 0, s->detail_y - 1, c->w, ROLE_BORDER);
	return canvas_sub(c, s->detail_x, s->detail_y, s->detail_w, s->detail_h);
}

void
part_more(struct canvas *part, int y_end)
{
	if (y_end <= part->h || part->h <= 2)
		return;
	canvas_fill(part, 0, part->h - 1, part->w, 1, ROLE_TEXT);
	canvas_text_right(part, part->w - 1, part->h - 1, ROLE_DIM, "J more");
}

/* --- out of sight ------------------------------------------------------------------------------------------------------- */

const char *
part_beyond(int n, int top, int page, bool is_of_rows, char *buf, size_t size)
{
	int above = top, below = n - top - page, first = above > 0 ? above : below;
	const char *row = !is_of_rows ? "" : first == 1 ? "row " : "rows ";

	*buf = '\0';
	if (above > 0 && below > 0)
		snprintf(buf, size, "%d %sabove, %d below  ", above, row, below);
	else if (first > 0)
		snprintf(buf, size, "%d %s%s  ", first, row, above > 0 ? "above" : "below");
	return buf;
}
