/* The grid of a run: a row for each host, one for what is done once; a column for each step. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/xalloc.h"
#include "run.h"

enum { HOST_W_MIN = 8, HOST_W_MAX = 32, CELL_W_MIN = 7, CELL_W_MAX = 18, STATE_W_MIN = 12, BATCH_W = 6, COLUMNS_MAX = 64 };

/* --- what became of a row ---------------------------------------------------------------------------------------------------- */

/* The worst first, then what goes on, then what is over. */
static const enum outcome ranks[] = { OUTCOME_FAILED, OUTCOME_UNKNOWN, OUTCOME_UNVERIFIABLE, OUTCOME_RUNNING, OUTCOME_CANCELLED, OUTCOME_UNDONE,
	OUTCOME_WOULD_RUN, OUTCOME_WAITING, OUTCOME_NONE, OUTCOME_OK, OUTCOME_SKIPPED };
enum { RANKS = sizeof ranks / sizeof ranks[0] };

static int
rank_of(enum outcome o)
{
	for (int i = 0; i < RANKS; i++)
		if (ranks[i] == o)
			return i;
	return 0;
}

/* Does this row have this step? */
static bool
is_of_row(const struct run_column *col, const struct run_row *row)
{
	return col->is_run_scope == (*row->host == '\0');
}

enum outcome
run_row_outcome(const struct run_info *r, const struct run_row *row)
{
	int best = RANKS - 1;

	for (size_t i = 0; i < r->n_columns; i++) {
		enum outcome o = row->cells[i].outcome;
		bool is_open = o == OUTCOME_NONE || o == OUTCOME_WAITING;

		/* Not every row comes to every condition. */
		if (is_open && (r->columns[i].phase != PHASE_STEP || !is_of_row(&r->columns[i], row)))
			continue;
		if (rank_of(o) < best)
			best = rank_of(o);
	}
	return row->is_failed && ranks[best] != OUTCOME_UNKNOWN ? OUTCOME_FAILED : ranks[best];
}

static const char *
count_word(const struct run_info *r, enum outcome o)
{
	switch (o) {
	case OUTCOME_FAILED: return "FAILED";
	case OUTCOME_UNKNOWN: return "UNKNOWN";
	case OUTCOME_UNVERIFIABLE: return "UNVERIFIABLE";
	case OUTCOME_RUNNING: return "running";
	case OUTCOME_CANCELLED: return "cancelled";
	case OUTCOME_UNDONE: return "undone";
	case OUTCOME_WOULD_RUN: return "WOULD RUN";
	case OUTCOME_OK: return "ok";
	case OUTCOME_SKIPPED: return "skipped";
	case OUTCOME_WAITING: case OUTCOME_NONE: break;
	}
	return r->state == RUN_ENDED || r->state == RUN_REFUSED ? "not begun" : "waiting";
}

const char *
run_counts_text(const struct run_info *r, char *buf, size_t size)
{
	size_t n[RANKS] = { 0 }, hosts = 0, len;

	for (size_t i = 0; i < r->n_rows; i++) {
		enum outcome o = run_row_outcome(r, &r->rows[i]);

		if (*r->rows[i].host == '\0')
			continue;
		hosts++;
		n[rank_of(o == OUTCOME_NONE ? OUTCOME_WAITING : o)]++;
	}
	len = (size_t)snprintf(buf, size, "%zu host%s", hosts, hosts == 1 ? "" : "s");
	for (int i = 0, n_said = 0; i < RANKS && len < size; i++)
		if (n[i] > 0)
			len += (size_t)snprintf(buf + len, size - len, "%s%zu %s", n_said++ == 0 ? ": " : ", ", n[i], count_word(r, ranks[i]));
	return buf;
}

/* --- which rows, in which order ------------------------------------------------------------------------------------------------- */

static uint64_t
row_id(const struct run_row *row)
{
	uint64_t h = str_hash(row->host, strlen(row->host), STR_HASH_SEED);

	return h != 0 ? h : 1;
}

void
run_grid_build(struct run_panel *s, const struct run_info *r)
{
	free(s->order);
	free(s->ids);
	s->order = xcalloc(r->n_rows + 1, sizeof *s->order);
	s->ids = xcalloc(r->n_rows + 1, sizeof *s->ids);
	s->n = 0;
	if (!s->is_worst_first) {
		for (size_t i = 0; i < r->n_rows; i++)
			s->order[s->n++] = i;
	} else {
		for (int rank = 0; rank < RANKS; rank++)
			for (size_t i = 0; i < r->n_rows; i++)
				if (rank_of(run_row_outcome(r, &r->rows[i])) == rank)
					s->order[s->n++] = i;
	}
	for (int i = 0; i < s->n; i++)
		s->ids[i] = row_id(&r->rows[s->order[i]]);
}

/* --- columns ------------------------------------------------------------------------------------------------------------------------ */

struct fit {
	int host_w, batch_w, state_w, cells_x;
	int w[COLUMNS_MAX];
	unsigned n;
};

static int
within(int v, int lo, int hi)
{
	return v < lo ? lo : v > hi ? hi : v;
}

static int
column_width(const struct view *v, const struct run_info *r, unsigned col)
{
	int widest = (int)str_width(r->columns[col].name) + 2;
	char text[PART_CELL_MAX];
	enum role role;

	for (size_t i = 0; i < r->n_rows; i++) {
		int w = (int)str_width(part_cell_text(&r->rows[i].cells[col], view_time(v), text, &role));

		widest = w > widest ? w : widest;
	}
	return within(widest, CELL_W_MIN, CELL_W_MAX);
}

static void
fit_of(const struct view *v, const struct run_info *r, int w, struct fit *f)
{
	*f = (struct fit){ .n = r->n_columns > COLUMNS_MAX ? COLUMNS_MAX : (unsigned)r->n_columns };
	f->host_w = HOST_W_MIN;
	for (size_t i = 0; i < r->n_rows; i++) {
		int width = (int)str_width(run_row_name(&r->rows[i]));

		f->host_w = width > f->host_w ? width : f->host_w;
	}
	f->host_w = within(f->host_w, HOST_W_MIN, within(w / 3, HOST_W_MIN, HOST_W_MAX));
	f->batch_w = r->n_batches > 1 ? BATCH_W : 0;
	f->cells_x = 3 + f->host_w + 1 + f->batch_w;
	for (unsigned i = 0; i < f->n; i++)
		f->w[i] = column_width(v, r, i);
}

/* Columns of the columns from first to last. */
static int
width_of(const struct fit *f, unsigned first, unsigned last)
{
	int w = 0;

	for (unsigned i = first; i <= last && i < f->n; i++)
		w += f->w[i] + 1;
	return w;
}

void
run_grid_fit(struct run_panel *s, const struct view *v, const struct run_info *r, int w)
{
	struct fit f;

	fit_of(v, r, w, &f);
	if (s->column >= f.n)
		s->column = f.n > 0 ? f.n - 1 : 0;
	if (f.n == 0 || width_of(&f, 0, f.n - 1) <= w - f.cells_x) {
		s->column_left = 0;
		return;
	}
	if (s->column_left > s->column)
		s->column_left = s->column;
	while (s->column_left < s->column && width_of(&f, s->column_left, s->column) > w - f.cells_x)
		s->column_left++;
}

/* --- drawing -------------------------------------------------------------------------------------------------------------------------- */

static void
draw_header(const struct run_panel *s, const struct run_info *r, const struct fit *f, struct canvas *c)
{
	int x = f->cells_x;

	if (f->batch_w > 0)
		canvas_text(c, 3 + f->host_w + 1, 0, ROLE_DIM, "batch");
	if (s->column_left > 0)
		canvas_text(c, 1, 0, ROLE_KEY, "←");
	for (unsigned i = s->column_left; i < f->n; i++) {
		char name[128];

		if (x + f->w[i] > c->w) {
			canvas_text(c, c->w - 1, 0, ROLE_KEY, "→");
			break;
		}
		snprintf(name, sizeof name, i == s->column ? "[%.100s]" : "%.100s", r->columns[i].name);
		canvas_text_w(c, x, 0, f->w[i], i == s->column ? ROLE_STRONG : ROLE_DIM, name, false);
		x += f->w[i] + 1;
	}
	if (c->w - x > STATE_W_MIN)
		canvas_text(c, x, 0, ROLE_DIM, "now");
}

static void
draw_row(const struct run_panel *s, const struct view *v, const struct run_info *r, const struct fit *f, const struct run_row *row, struct canvas *c,
    int y)
{
	char text[PART_CELL_MAX];
	int x = f->cells_x;
	enum role role;

	if (row->is_failed)
		canvas_text(c, 1, y, ROLE_CRITICAL, GLYPH_FIRING);
	canvas_text_w(c, 3, y, f->host_w, *row->host != '\0' ? ROLE_STRONG : ROLE_DIM, run_row_name(row), false);
	if (f->batch_w > 0 && row->batch >= 0)
		canvas_printf(c, 3 + f->host_w + 1, y, ROLE_DIM, "%d", row->batch + 1);
	for (unsigned i = s->column_left; i < f->n && x + f->w[i] <= c->w; x += f->w[i] + 1, i++) {
		const struct run_cell *cell = &row->cells[i];

		if (cell->outcome == OUTCOME_NONE && !is_of_row(&r->columns[i], row))
			continue;
		part_cell_text(cell, view_time(v), text, &role);
		canvas_text_w(c, x, y, f->w[i], role, text, false);
	}
	if (c->w - x > STATE_W_MIN)
		canvas_text_w(c, x, y, c->w - x - 1, row->is_failed ? ROLE_WARNING : ROLE_TEXT, row->state, false);
}

void
run_grid_draw(const struct run_panel *s, const struct view *v, const struct run_info *r, struct canvas *c)
{
	struct fit f;

	fit_of(v, r, c->w, &f);
	draw_header(s, r, &f, c);
	for (int i = 0; i < c->h - 1 && s->list.top + i < s->n; i++) {
		draw_row(s, v, r, &f, &r->rows[s->order[s->list.top + i]], c, i + 1);
		if (v->is_focused && s->list.top + i == s->list.selected)
			canvas_select(c, 0, i + 1, c->w);
	}
}
