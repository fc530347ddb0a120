/* What stands above and below the grid of a run: whose run, how it stands, what is next, what is recorded, what is asked. */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/str.h"
#include "run.h"

#define FACT_OUTCOMES "outcomes"	/* in the head */
#define FACT_STEPS "steps"		/* in the grid, where there is one */

enum { HEAD_H = 2, TEXT_X = 3, TEXT_ROWS_MAX = 3, TEXT_WRAPS_FROM = 16, NAME_W_MIN = 8, NAME_W_MAX = 12, PLAN_SHOWN = 16, NEXT_FROM = 9, EVIDENCE_FROM = 10, VALUES_MAX = 1 << 14, CELL_FROM = 12, COMMAND_FROM = 16 };

static int
draw_target(struct canvas *c, int x, const struct run_info *r)
{
	if (*r->target == '\0')
		return canvas_text_w(c, x, 0, c->w - x - 1, ROLE_STRONG, r->env, false);
	if (!str_has_prefix(r->target, r->env))
		x = canvas_text_w(c, x, 0, c->w / 4, ROLE_DIM, r->env, false) + 1;
	return canvas_text_w(c, x, 0, c->w / 3, ROLE_STRONG, r->target, false);
}

/* The sentence that says how it stands; "" where it says no more than the word does. */
static const char *
text_of(const struct run_info *r)
{
	size_t len = strlen(part_run_word(r));

	/* Of a plan, where that is all there is to say: how much it would do. */
	if (r->state == RUN_PLANNED && (*r->text == '\0' || strcmp(r->text, "planned") == 0)) {
		for (size_t i = 0; i < r->n_facts; i++)
			if (strcmp(r->facts[i].name, FACT_OUTCOMES) == 0)
				return r->facts[i].text;
		return "";
	}
	/* What the word has said is not said again. */
	if (strncasecmp(r->text, part_run_word(r), len) == 0 && (r->text[len] == '\0' || strchr(";:", r->text[len]) != NULL))
		return r->text + len + strspn(r->text + len, ";: ");
	return r->text;
}

/* Columns in front of the sentence that says how it stands. */
static int
text_x(const struct run_info *r)
{
	return 5 + (int)str_width(part_run_word(r));
}

int
run_head_rows(const struct run_info *r, int w, int h)
{
	struct pen_measure m;

	/* What it waits for changes all the time: nothing below it may move with that. */
	if (h < TEXT_WRAPS_FROM || r->state == RUN_ACTING || r->state == RUN_VERIFYING || text_x(r) + (int)str_width(text_of(r)) < w)
		return HEAD_H;
	pen_indented(pen_measure(&m, w), TEXT_X, TEXT_ROWS_MAX, ROLE_TEXT, text_of(r));
	return HEAD_H + pen_measure_done(&m);
}

void
run_head_draw(struct canvas *c, const struct view *v, const struct run_info *r)
{
	char elapsed[DURATION_TEXT_MAX];
	const char *glyph;
	enum role role;
	int x, right = c->w - 1;

	x = canvas_text_w(c, 1, 0, c->w / 3, ROLE_TITLE, r->runbook, false);
	x = draw_target(c, x + 2, r);
	if (r->started_ns != 0)
		right = canvas_text_right(c, right, 0, ROLE_TEXT, part_elapsed(part_run_elapsed(r, view_time(v)), elapsed)) - 2;
	if (r->n_batches > 1 && !run_is_plan(r) && right - x > 14) {
		char batch[48];

		snprintf(batch, sizeof batch, "batch %u of %u", r->batch + 1, r->n_batches);
		right = canvas_text_right(c, right, 0, ROLE_TEXT, batch) - 2;
	}
	canvas_text_w(c, x + 2, 0, right - x - 2, ROLE_DIM, r->id, false);
	glyph = part_run_glyph(r, &role);
	canvas_text(c, canvas_text(c, 1, 1, role, glyph) + 1, 1, role, part_run_word(r));
	if (c->h > HEAD_H) {
		struct pen pen = { .c = c, .y = HEAD_H };

		pen_indented(&pen, TEXT_X, TEXT_ROWS_MAX, ROLE_TEXT, text_of(r));
	} else {
		canvas_text_w(c, text_x(r), 1, c->w - text_x(r) - 1, ROLE_TEXT, text_of(r), false);
	}
}

/* --- a plan's facts ----------------------------------------------------------------------------------------------------------- */

bool
run_has_fact(const struct run_info *r, const char *name)
{
	for (size_t i = 0; i < r->n_facts; i++)
		if (strcmp(r->facts[i].name, name) == 0)
			return true;
	return false;
}

/* As wide as the widest: what is left is the text's. */
static int
fact_name_width(const struct run_info *r)
{
	int widest = NAME_W_MIN;

	for (size_t i = 0; i < r->n_facts; i++) {
		int w = (int)str_width(r->facts[i].name);

		if (w > widest && strcmp(r->facts[i].name, FACT_OUTCOMES) != 0)
			widest = w;
	}
	return widest > NAME_W_MAX ? NAME_W_MAX : widest;
}

/* "model spam-filter, tries 3 (default)": what was given here or in the config is known to who gave it. */
void
run_values_draw(struct pen *p, const struct run_info *r)
{
	struct buf b;

	buf_init(&b, VALUES_MAX);
	for (size_t i = 0; i < r->n_values; i++) {
		const struct run_value *value = &r->values[i];
		bool is_told = *value->from != '\0' && strcmp(value->from, "given") != 0 && strcmp(value->from, "config") != 0;

		if (*value->value != '\0' && !run_has_fact(r, value->name))
			buf_printf(&b, "%s%s %s%s%s%s", b.len > 0 ? ", " : "", value->name, value->value, is_told ? " (" : "", is_told ? value->from : "",
			    is_told ? ")" : "");
	}
	p->name_w = fact_name_width(r);
	if (b.len > 0)
		pen_field(p, "with", ROLE_TEXT, b.data);
	buf_done(&b);
}

static bool
is_fact(const struct run_info *r, size_t i, const char *name)
{
	return i < r->n_facts && r->facts[i].outcome == OUTCOME_NONE && strcmp(r->facts[i].name, name) == 0;
}

void
run_facts_draw(struct pen *p, const struct run_info *r, bool has_grid)
{
	p->name_w = fact_name_width(r);
	for (size_t i = 0; i < r->n_facts; i++) {
		const struct run_fact *fact = &r->facts[i];
		const char *name = i > 0 && strcmp(fact->name, r->facts[i - 1].name) == 0 ? "" : fact->name;	/* of several once */
		enum role role;
		const char *glyph = part_outcome_glyph(fact->outcome, &role);

		if (strcmp(fact->name, FACT_OUTCOMES) == 0 || (has_grid && strcmp(fact->name, FACT_STEPS) == 0))
			continue;
		if (is_fact(r, i, "lock") && is_fact(r, i + 1, "audit"))	/* nothing is wrong with either */
			pen_field_printf(p, name, ROLE_TEXT, "%s; audit %s", fact->text, r->facts[++i].text);
		else if (fact->outcome == OUTCOME_NONE)
			pen_field(p, name, ROLE_TEXT, fact->text);
		else
			pen_field_printf(p, name, fact->outcome == OUTCOME_OK ? ROLE_TEXT : role, "%s%s%s", glyph, *glyph != '\0' ? " " : "", fact->text);
	}
}

void
run_plan_draw(struct pen *p, const struct run_info *r)
{
	size_t len = strlen(r->plan);

	run_values_draw(p, r);
	run_facts_draw(p, r, true);
	if (len >= PLAN_SHOWN)
		pen_field_printf(p, "plan", ROLE_DIM, "%.4s %.4s %.4s %.4s", r->plan, r->plan + 4, r->plan + 8, r->plan + 12);
}

/* --- below the grid ------------------------------------------------------------------------------------------------------------- */

static int
cell_rows(int h)
{
	return (h >= CELL_FROM) + (h >= COMMAND_FROM);
}

static bool
is_undone(const struct run_info *r)
{
	for (size_t i = 0; i < r->n_rows; i++)
		for (size_t j = 0; j < r->n_columns; j++)
			if (r->rows[i].cells[j].outcome == OUTCOME_UNDONE)
				return true;
	return false;
}

/* After a bad end: what can be done about it from here. */
static const char *
next_of(const struct run_info *r)
{
	if (*r->next != '\0' || r->state != RUN_ENDED || !r->is_ours || r->is_dry_run || (r->exit != 1 && r->exit != 5) || is_undone(r))
		return r->next;
	return "t tries again what failed, u undoes what was done";
}

static bool
has_next(const struct run_info *r, int h)
{
	return *next_of(r) != '\0' && h >= NEXT_FROM;
}

static bool
has_evidence(const struct run_info *r, int h)
{
	return r->seq_first != 0 && h >= EVIDENCE_FROM;
}

int
run_tail_rows(const struct run_info *r, int h)
{
	return cell_rows(h) + has_next(r, h) + has_evidence(r, h) + (r->question != NULL ? 2 : 0);
}

static int
draw_cell(struct canvas *c, const struct run_panel *s, const struct run_info *r, int rows)
{
	const struct run_row *row = run_selected(s, r, NULL);
	const struct run_cell *cell;
	int x;

	if (row == NULL || r->n_columns == 0 || rows == 0)
		return rows;
	row = run_row_of_step(r, row, s->column);
	cell = &row->cells[s->column];
	x = canvas_text_w(c, 1, 0, c->w / 3, ROLE_STRONG, run_row_name(row), false);
	x = canvas_text_w(c, x + 1, 0, c->w / 4, ROLE_DIM, r->columns[s->column].name, false);
	canvas_text_w(c, x + 2, 0, c->w - x - 3, ROLE_TEXT, *cell->text != '\0' ? cell->text :
	    cell->outcome != OUTCOME_NONE ? outcome_name(cell->outcome) : "nothing yet", false);
	if (rows > 1 && *cell->command != '\0') {
		canvas_text(c, 1, 1, ROLE_KEY, "$");
		canvas_text_w(c, 3, 1, c->w - 4, ROLE_TEXT, cell->command, false);
	}
	return rows;
}

static void
draw_question(struct canvas *c, int y, const struct run_panel *s, const struct run_info *r)
{
	int x = canvas_text(c, 1, y, ROLE_WARNING, GLYPH_FIRING " ");

	canvas_text_w(c, x, y, c->w - x - 1, ROLE_WARNING, r->question, false);
	if (!s->is_answering) {
		x = canvas_text(c, 3, y + 1, ROLE_KEY, "a");
		x = canvas_text(c, x + 1, y + 1, ROLE_TEXT, "answer:");
		for (size_t i = 0; i < r->answers.n && x < c->w - 4; i++)
			x = canvas_text_w(c, x + 1 + (i > 0), y + 1, c->w - x - 3, ROLE_TEXT, r->answers.v[i], false);
		return;
	}
	x = canvas_text(c, 3, y + 1, ROLE_STRONG, "answer:");
	for (size_t i = 0; i < r->answers.n && i < 9 && x < c->w - 8; i++) {
		x = canvas_printf(c, x + 2, y + 1, ROLE_KEY, "%zu", i + 1);
		x = canvas_text_w(c, x + 1, y + 1, c->w - x - 2, ROLE_STRONG, r->answers.v[i], false);
	}
	canvas_text(c, x + 3, y + 1, ROLE_DIM, "Esc not now");
	canvas_select(c, 1, y + 1, c->w - 2);
}

void
run_tail_draw(struct canvas *c, const struct run_panel *s, const struct run_info *r, int h)
{
	struct canvas cell = canvas_sub(c, 0, 0, c->w, cell_rows(h));
	int x, y = draw_cell(&cell, s, r, cell.h);

	if (has_next(r, h)) {
		x = canvas_text(c, 1, y, ROLE_DIM, "next:");
		canvas_text_w(c, x + 1, y++, c->w - x - 2, ROLE_TEXT, next_of(r), false);
	}
	if (has_evidence(r, h))
		canvas_printf(c, 1, y++, r->is_durable ? ROLE_DIM : ROLE_WARNING, "evidence%s: audit %" PRIu64 "-%" PRIu64 ", %s",
		    r->state == RUN_ENDED ? "" : " so far", r->seq_first, r->seq_last, r->is_durable ? "durable" : "NOT YET ON DISK");
	if (r->question != NULL)
		draw_question(c, y, s, r);
}
