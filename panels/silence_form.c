/*
 * The form for a silence: which alerts (matchers as lines of text), for how long, why; below it what that hides now, and why it
 * may not be made. Nothing is sent from here: the last row asks the confirm dialog.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "panels.h"
#include "silence_draft.h"
#include "ui/key.h"
#include "ui/widget.h"

enum { ROWS_TO_ADD = 32, FIELD_X = 11, LISTED_MAX = 6, MATCHERS_TEXT_MAX = 1 << 14 };

/* Matcher rows first, an empty one at their end to add to; then these. */
enum { FIELD_LENGTH, FIELD_COMMENT, FIELD_SUBMIT, FIELDS };

struct matcher_row {
	struct editor editor;
	const struct matcher *kept;	/* too long to edit: taken as it is, or dropped; else NULL */
};

struct form {
	struct silence_block *draft;	/* what it began with */
	char *source;
	struct matcher_row *matchers;
	int n_matchers, matchers_max;
	struct editor length, comment;
	int focus;			/* row */
	int top;			/* first row of matchers shown */
	int room;			/* rows for matchers */
	bool is_length_touched;
	struct silence_check check;	/* of what the fields add up to, as of the last form_judge() */
	uint64_t preview_key;		/* what check.hides is about; 0: nothing yet */
	bool is_refused;		/* asked for, and told why not: shown in a louder voice */
};

/* What the fields add up to. */
struct result {
	struct silence_block *block;
	int bad_row;			/* whose text is wrong, -1 none */
	struct err err;
};

static struct form *
state_of(const struct panel *p)
{
	return p->state;
}

static int
field_row(const struct form *s, int field)
{
	return s->n_matchers + field;
}

static bool
is_field(const struct form *s, int field)
{
	return s->focus == field_row(s, field);
}

/* --- opening ----------------------------------------------------------------------------------- */

/* One empty row stays at the end of the matchers: typing there adds one. */
static void
keep_empty_row(struct form *s)
{
	const struct matcher_row *last = s->n_matchers > 0 ? &s->matchers[s->n_matchers - 1] : NULL;

	if (s->n_matchers == s->matchers_max || (last != NULL && last->kept == NULL && last->editor.len == 0))
		return;
	if (s->focus >= s->n_matchers)
		s->focus++;
	memset(&s->matchers[s->n_matchers++], 0, sizeof *s->matchers);
}

static void
add_matcher(struct form *s, const struct matcher *m)
{
	struct matcher_row *row = &s->matchers[s->n_matchers++];
	struct buf b;

	buf_init(&b, MATCHERS_TEXT_MAX);
	part_matcher(&b, m);
	editor_set(&row->editor, b.data);
	if (strcmp(row->editor.text, b.data) != 0)
		row->kept = m;
	row->editor.at = 0;
	buf_done(&b);
}

static int
form_open(struct panel *p, const struct view *v, const struct op *op)
{
	struct form *s = state_of(p);
	const struct silence *from;
	char length[DURATION_TEXT_MAX];

	s->draft = silence_block_new(op != NULL && op->silence != NULL ? &op->silence->silence : NULL);
	s->source = xstrdup_or_null(op != NULL ? op->source : NULL);
	from = &s->draft->silence;
	s->matchers_max = (int)from->n_matchers + ROWS_TO_ADD;
	s->matchers = xcalloc((size_t)s->matchers_max, sizeof *s->matchers);
	for (size_t i = 0; i < from->n_matchers; i++)
		add_matcher(s, &from->matchers[i]);
	editor_set(&s->comment, from->comment);
	editor_set(&s->length, duration_format(length, from->ends_ns > v->now_ns ? from->ends_ns - v->now_ns : 2 * NS_PER_HOUR));
	keep_empty_row(s);
	/* What it is about is known; why is what only the person knows. */
	s->focus = from->n_matchers > 0 ? field_row(s, FIELD_COMMENT) : 0;
	return 0;
}

/* --- what the fields say ------------------------------------------------------------------------- */

static int
read_matchers(const struct form *s, struct result *r)
{
	struct matcher *v = arena_alloc(&r->block->arena, (size_t)s->matchers_max * sizeof *v);
	size_t n = 0;

	for (int i = 0; i < s->n_matchers; i++) {
		const struct matcher_row *row = &s->matchers[i];

		if (row->kept != NULL) {
			v[n++] = *row->kept;
		} else if (strspn(row->editor.text, " ") < row->editor.len) {
			if (matcher_parse(row->editor.text, &r->block->arena, &v[n], &r->err) < 0) {
				r->bad_row = i;
				return ERR_SYNTAX;
			}
			n++;
		}
	}
	r->block->silence.matchers = v;
	r->block->silence.n_matchers = n;
	return 0;
}

static int
read_length(const struct form *s, const struct view *v, struct result *r)
{
	const struct silence *from = &s->draft->silence;
	struct silence *to = &r->block->silence;
	int64_t length;

	/* Alertmanager keeps the id of an edited silence only if its start stays exactly what it was. */
	to->starts_ns = *from->id != '\0' ? from->starts_ns : v->now_ns;
	to->ends_ns = from->ends_ns;
	if (!s->is_length_touched && *from->id != '\0')
		return 0;
	if (duration_parse(s->length.text, &length, &r->err) < 0) {
		r->bad_row = field_row(s, FIELD_LENGTH);
		return ERR_SYNTAX;
	}
	if (__builtin_add_overflow(to->starts_ns > v->now_ns ? to->starts_ns : v->now_ns, length, &to->ends_ns)) {
		r->bad_row = field_row(s, FIELD_LENGTH);
		return err_set(&r->err, ERR_LIMIT, "too long: it would end after the year 2262");
	}
	return 0;
}

static void
result_init(const struct form *s, const struct view *v, struct result *r)
{
	static const struct silence empty = { .id = "", .created_by = "", .comment = "" };
	struct silence *to;

	*r = (struct result){ .bad_row = -1 };
	r->block = silence_block_new(&empty);
	to = &r->block->silence;
	to->id = arena_strdup(&r->block->arena, s->draft->silence.id);
	to->created_by = arena_strdup(&r->block->arena, v->user != NULL ? v->user : "");
	to->comment = arena_strdup(&r->block->arena, s->comment.text);
	if (read_matchers(s, r) == 0)
		read_length(s, v, r);
}

static void
result_done(struct result *r)
{
	silence_block_free(r->block);
}

/* Before each frame, and before it is asked for; thousands of alerts are tried again only when something changed. */
static void
form_judge(struct form *s, const struct view *v)
{
	struct result r;

	result_init(s, v, &r);
	if (r.bad_row < 0) {
		uint64_t key = silence_preview_key(&r.block->silence, v);

		if (key != s->preview_key)
			silence_preview(&r.block->silence, v, &s->check);
		s->preview_key = key;
		silence_judge(&r.block->silence, v, &s->check);
	}
	result_done(&r);
}

/* Why it may not be made, or "". buf of size. */
static const char *
refusal_of(const struct form *s, const struct view *v, const struct result *r, char *buf, size_t size)
{
	*buf = '\0';
	if (r->bad_row == field_row(s, FIELD_LENGTH))
		snprintf(buf, size, "for: %s", r->err.msg);
	else if (r->bad_row >= 0)
		snprintf(buf, size, "matcher %d, %s", r->bad_row + 1, r->err.msg);
	else if (*s->check.refusal != '\0')
		snprintf(buf, size, "%s", s->check.refusal);
	else if (strspn(s->comment.text, " ") == s->comment.len)
		snprintf(buf, size, "Say why: whoever looks at it next needs to know.");
	else if (v->is_read_only)
		snprintf(buf, size, "read-only: nothing that changes the world runs");
	else if (!v->range.is_live)
		snprintf(buf, size, "the past is shown: go live (=) first");
	return buf;
}

/* --- asking -------------------------------------------------------------------------------------- */

static void
confirm_alerts(struct op *op, const struct view *v, const struct silence_check *k)
{
	for (size_t i = 0; i < k->n_listed; i++) {
		const struct model_alert *a = model_alert_find(v->model, k->listed[i]);
		struct buf b;

		if (a == NULL)
			continue;
		if (i == LISTED_MAX) {
			op_confirm_line(op, "          …");
			return;
		}
		buf_init(&b, 1024);
		part_labels(&b, a->labels, NULL, part_severity_label(v));
		op_confirm_line(op, "          %s  %s  %s", part_row_word(a), a->name, b.data);
		buf_done(&b);
	}
}

static struct op *
make_op(const struct form *s, const struct view *v, const struct result *r)
{
	const struct silence *to = &r->block->silence;
	const struct environment *e = model_environment(v->live);
	char counts[96], length[DURATION_TEXT_MAX], ends[CLOCK_TEXT_MAX];
	struct op *op = op_new(OP_SILENCE);
	struct buf b;

	op->source = xstrdup_or_null(s->source);
	op->silence = silence_block_new(to);
	op_confirm_line(op, "%s on %s%s%s", *to->id != '\0' ? "Change a silence" : "Silence",
	    s->source != NULL ? s->source : "Alertmanager", e != NULL ? " in " : "", e != NULL ? e->name : "");
	buf_init(&b, MATCHERS_TEXT_MAX);
	for (size_t i = 0; i < to->n_matchers; i++) {
		buf_reset(&b);
		part_matcher(&b, &to->matchers[i]);
		op_confirm_line(op, "%s  %s", i == 0 ? "matching" : "        ", b.data);
	}
	buf_done(&b);
	op_confirm_line(op, "for       %s, until %s", duration_format(length, to->ends_ns - v->now_ns),
	    clock_format(ends, to->ends_ns, 0));
	op_confirm_line(op, "why       %s", to->comment);
	op_confirm_line(op, "by        %s", to->created_by);
	op_confirm_line(op, "hides     %s%s", silence_hides_text(&s->check, counts, sizeof counts),
	    s->check.is_known && s->check.is_tried ? " now" : "");
	confirm_alerts(op, v, &s->check);
	if (*s->check.warning != '\0')
		op_confirm_line(op, "careful   %s", s->check.warning);
	return op;
}

static struct op *
submit(struct form *s, const struct view *v)
{
	struct op *op = NULL;
	struct result r;
	char why[700];

	form_judge(s, v);
	result_init(s, v, &r);
	if (*refusal_of(s, v, &r, why, sizeof why) == '\0')
		op = make_op(s, v, &r);
	else
		s->is_refused = true;
	result_done(&r);
	return op;
}

/* --- keys ---------------------------------------------------------------------------------------- */

static struct editor *
focused_editor(struct form *s)
{
	if (is_field(s, FIELD_LENGTH))
		return &s->length;
	if (is_field(s, FIELD_COMMENT))
		return &s->comment;
	return s->focus < s->n_matchers && s->matchers[s->focus].kept == NULL ? &s->matchers[s->focus].editor : NULL;
}

static void
move_focus(struct form *s, int by)
{
	int n = s->n_matchers + FIELDS;

	s->focus = (s->focus + by + n) % n;
}

/* From why and for how long, Enter goes where one submits; both have sensible neighbours for Tab. */
static void
enter_pressed(struct form *s)
{
	if (is_field(s, FIELD_COMMENT) || is_field(s, FIELD_LENGTH))
		s->focus = field_row(s, s->comment.len > 0 ? FIELD_SUBMIT : FIELD_COMMENT);
	else
		move_focus(s, 1);
}

static bool
edit(struct form *s, int key)
{
	struct editor *e = focused_editor(s);

	if (e == NULL) {
		if (s->focus < s->n_matchers && (key == (KEY_CTRL | 'u') || key == KEY_DEL || key == KEY_BACKSPACE_)) {
			s->matchers[s->focus].kept = NULL;
			editor_set(&s->matchers[s->focus].editor, "");
			return true;
		}
		return false;
	}
	if (!editor_key(e, key))
		return false;
	s->is_refused = false;
	s->is_length_touched |= e == &s->length;
	keep_empty_row(s);
	return true;
}

static bool
form_key(struct panel *p, const struct view *v, int key, struct op **ret_op)
{
	struct form *s = state_of(p);
	struct editor *e = focused_editor(s);

	/* A paste goes into the field whole: a newline in it moves nothing. */
	if (e != NULL && (e->is_pasting || key == KEY_PASTE_BEGIN || key == KEY_PASTE_END)) {
		edit(s, key);
		return true;
	}
	switch (key) {
	case KEY_TAB: case KEY_DOWN_:
		move_focus(s, 1);
		return true;
	case KEY_BACKTAB: case KEY_UP_:
		move_focus(s, -1);
		return true;
	case KEY_ENTER_:
		if (is_field(s, FIELD_SUBMIT))
			*ret_op = submit(s, v);
		else
			enter_pressed(s);
		return true;
	case KEY_ESC: case KEY_CTRL | 'c':
		*ret_op = op_new(OP_CLOSE);
		return true;
	default:
		edit(s, key);
		return true;
	}
}

/* --- drawing ------------------------------------------------------------------------------------- */

static void
form_arrange(struct panel *p, const struct view *v, int w, int h)
{
	struct form *s = state_of(p);
	int fixed = 9;	/* for, why, by, button, the lines between, and a preview worth having */

	(void)w;
	form_judge(s, v);
	s->room = h - fixed;
	if (s->room > s->n_matchers)
		s->room = s->n_matchers;
	if (s->room < 1)
		s->room = 1;
	if (s->focus < s->n_matchers) {
		if (s->focus < s->top)
			s->top = s->focus;
		if (s->focus >= s->top + s->room)
			s->top = s->focus - s->room + 1;
	}
	if (s->top > s->n_matchers - s->room)
		s->top = s->n_matchers - s->room;
}

static void
draw_name(struct canvas *c, int y, const char *name, bool is_focused)
{
	canvas_text(c, 0, y, ROLE_KEY, is_focused ? "›" : " ");
	canvas_text(c, 1, y, is_focused ? ROLE_STRONG : ROLE_DIM, name);
}

static void
draw_matcher(struct canvas *c, int y, const struct form *s, int i, bool is_bad)
{
	const struct matcher_row *row = &s->matchers[i];
	bool is_focused = s->focus == i;
	int w = c->w - FIELD_X - 3;

	draw_name(c, y, i == s->top ? "matching" : "", is_focused);
	if (row->kept != NULL) {
		struct buf b;

		buf_init(&b, MATCHERS_TEXT_MAX);
		part_matcher(&b, row->kept);
		canvas_text_w(c, FIELD_X, y, w - 26, ROLE_TEXT, b.data, false);
		canvas_text_w(c, FIELD_X + w - 25, y, 25, ROLE_DIM, "kept whole; C-u drops it", false);
		buf_done(&b);
	} else {
		editor_draw(c, FIELD_X, y, w, &row->editor, is_focused);
		if (row->editor.len == 0)
			canvas_text_w(c, FIELD_X + 1, y, w - 2, ROLE_DIM, "add one: label=\"value\"  != =~ !~", false);
	}
	if (is_bad)
		canvas_text(c, c->w - 2, y, ROLE_ERROR, "!");
	else if (i == s->top && s->top > 0)
		canvas_text(c, c->w - 2, y, ROLE_DIM, "↑");
	else if (i == s->top + s->room - 1 && i + 1 < s->n_matchers)
		canvas_text(c, c->w - 2, y, ROLE_DIM, "↓");
}

static int
draw_fields(struct canvas *c, int y, const struct form *s, const struct view *v, const struct result *r)
{
	char ends[CLOCK_TEXT_MAX], starts[CLOCK_TEXT_MAX];
	int x;

	draw_name(c, y, "for", is_field(s, FIELD_LENGTH));
	editor_draw(c, FIELD_X, y, 10, &s->length, is_field(s, FIELD_LENGTH));
	if (r->bad_row < 0) {
		x = canvas_printf(c, FIELD_X + 11, y, ROLE_TEXT, "until %s", clock_format(ends, r->block->silence.ends_ns, 0));
		if (*s->draft->silence.id != '\0')
			canvas_printf(c, x + 2, y, ROLE_DIM, "from %s", clock_format(starts, r->block->silence.starts_ns, 0));
	}
	draw_name(c, ++y, "why", is_field(s, FIELD_COMMENT));
	editor_draw(c, FIELD_X, y, c->w - FIELD_X - 3, &s->comment, is_field(s, FIELD_COMMENT));
	draw_name(c, ++y, "by", false);
	canvas_text_w(c, FIELD_X, y, c->w - FIELD_X - 1, ROLE_TEXT, v->user != NULL ? v->user : "?", false);
	return y + 1;
}

static void
draw_preview(struct canvas *c, const struct view *v, const struct silence_check *k)
{
	char counts[96];
	int y = 1, x;

	x = canvas_printf(c, 1, 0, ROLE_STRONG, "hides now: %s", silence_hides_text(k, counts, sizeof counts));
	if (k->is_known && k->is_tried)
		canvas_printf(c, x + 1, 0, ROLE_DIM, "of %zu", k->n_alerts);
	for (size_t i = 0; i < k->n_listed && y < c->h; i++) {
		const struct model_alert *a = model_alert_find(v->model, k->listed[i]);
		struct buf b;
		const char *glyph;
		enum role role;

		if (a == NULL)
			continue;
		buf_init(&b, 4096);
		part_labels(&b, a->labels, NULL, part_severity_label(v));
		glyph = part_row_glyph(a, &role);
		canvas_text(c, 2, y, role, glyph);
		x = canvas_text_w(c, 4, y, c->w / 2, ROLE_TEXT, a->name, false);
		canvas_text_w(c, x + 2, y++, c->w - x - 4, ROLE_DIM, b.data, false);
		buf_done(&b);
	}
	if (y == c->h && (size_t)(y - 1) < part_counted(&k->hides))
		canvas_text_right(c, c->w - 1, c->h - 1, ROLE_DIM, " and more ");
}

static void
draw_verdict(struct canvas *c, int y, const struct form *s, const struct view *v, const struct result *r)
{
	char why[700];

	if (*refusal_of(s, v, r, why, sizeof why) != '\0')
		canvas_text_w(c, 1, y, c->w - 2, s->is_refused ? ROLE_ERROR : ROLE_WARNING, why, false);
	else if (*s->check.warning != '\0')
		canvas_printf(c, 1, y, ROLE_WARNING, "careful: %s", s->check.warning);
}

static void
form_draw(const struct panel *p, const struct view *v, struct canvas *c)
{
	const struct form *s = state_of(p);
	bool is_on_button = is_field(s, FIELD_SUBMIT);
	struct canvas preview;
	struct result r;
	int y = 0, x;

	result_init(s, v, &r);
	for (int i = 0; i < s->room && s->top + i < s->n_matchers; i++)
		draw_matcher(c, y++, s, s->top + i, r.bad_row == s->top + i);
	y = draw_fields(c, y, s, v, &r);
	draw_verdict(c, y++, s, v, &r);
	preview = canvas_sub(c, 0, y, c->w, c->h - y - 1);
	if (r.bad_row < 0 && v->model != NULL)
		draw_preview(&preview, v, &s->check);
	y = c->h - 1;
	draw_name(c, y, "", is_on_button);
	x = canvas_text(c, 1, y, is_on_button ? ROLE_STRONG : ROLE_TEXT, *s->draft->silence.id != '\0' ? "[ Change it ]" :
	    "[ Silence ]");
	if (is_on_button)
		canvas_select(c, 1, y, x - 1);
	canvas_text_w(c, x + 2, y, c->w - x - 3, ROLE_DIM, is_on_button ? "Enter: asks once more    Esc leave" :
	    "Enter or Tab: next field    Esc leave", false);
	result_done(&r);
}

static void
form_summary(const struct panel *p, const struct view *v, char *buf, size_t size)
{
	const struct form *s = state_of(p);
	const struct environment *e = v->live != NULL ? model_environment(v->live) : NULL;

	snprintf(buf, size, "%s%s%s", e != NULL ? e->name : "", s->source != NULL ? "  on " : "",
	    s->source != NULL ? s->source : "");
}

static void
form_close(struct panel *p)
{
	struct form *s = state_of(p);

	silence_block_free(s->draft);
	free(s->source);
	free(s->matchers);
}

static const struct command no_commands[] = { { 0 } };

const struct panel_ops panel_silence_form = {
	.name = "silence-form",
	.title = "Silence",
	.help = "Which alerts to silence, for how long and why, with what that hides now.",
	.flags = PANEL_DIALOG,
	.state_size = sizeof(struct form),
	.watches = MODEL_ALERTS,
	.commands = no_commands,
	.open = form_open,
	.arrange = form_arrange,
	.draw = form_draw,
	.key = form_key,
	.summary = form_summary,
	.close = form_close,
};
