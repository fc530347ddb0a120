/* All of one step on one host: what was run, how it went, what it said. */
#include "config.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/xalloc.h"
#include "run.h"

enum { NAMES_W = 10, LINE_ROWS_MAX = 4 };

static void
draw_stream(struct pen *p, const char *name, const char *text, uint64_t bytes)
{
	if (bytes == 0 && *text == '\0')
		return;
	if (bytes > RUN_OUTPUT_KEPT)
		pen_printf(p, ROLE_DIM, "%s, %" PRIu64 " bytes, of which the last are kept:", name, bytes);
	else
		pen_printf(p, ROLE_DIM, "%s:", name);
	while (*text != '\0') {
		size_t len = strcspn(text, "\n");
		char *line = xstrndup(text, len);

		if (*line == '\0')
			p->y++;
		else
			pen_indented(p, 2, LINE_ROWS_MAX, ROLE_TEXT, line);
		free(line);
		text += len + (text[len] == '\n');
	}
}

static void
draw_output(struct pen *p, const struct run_output *o)
{
	if (*o->signal != '\0')
		pen_field_printf(p, "ended", ROLE_WARNING, "by signal %s", o->signal);
	else if (o->status >= 0)
		pen_field_printf(p, "ended", o->status == 0 ? ROLE_TEXT : ROLE_WARNING, "with exit status %d", o->status);
	else
		pen_field(p, "ended", o->is_ended ? ROLE_UNKNOWN : ROLE_DIM, o->is_ended ? "how is not known" : "not yet");
	draw_stream(p, "stdout", o->out, o->out_bytes);
	draw_stream(p, "stderr", o->err, o->err_bytes);
	if (o->out_bytes + o->err_bytes == 0)
		pen_text(p, ROLE_DIM, "It said nothing.");
}

static void
draw_records(struct pen *p, const struct run_cell *cell)
{
	if (cell->intent == 0)
		return;
	if (cell->result == 0)
		pen_field_printf(p, "audit", ROLE_UNKNOWN, "intent %" PRIu64 ", no result", cell->intent);
	else
		pen_field_printf(p, "audit", ROLE_DIM, "intent %" PRIu64 ", result %" PRIu64, cell->intent, cell->result);
}

void
run_detail_draw(struct pen *p, const struct view *v, const struct run_info *r, const struct run_row *row, unsigned column)
{
	const struct run_cell *cell = &row->cells[column];
	const struct run_output *o = model_run_output(v->model, r->id, row->host, column);
	char text[PART_CELL_MAX], when[PART_MOMENT_MAX];
	enum role role;

	p->name_w = NAMES_W;
	pen_printf(p, ROLE_TITLE, "%s, %s", run_row_name(row), r->columns[column].name);
	part_cell_text(cell, view_time(v), text, &role);
	pen_printf(p, role, "%s%s%s", text, *cell->text != '\0' ? "  " : "", cell->text);
	pen_field(p, "host now", ROLE_TEXT, row->state);
	pen_field(p, "command", ROLE_STRONG, cell->command);
	pen_field(p, "undo", ROLE_TEXT, *cell->undo != '\0' || *cell->command == '\0' ? cell->undo : "cannot be undone");
	pen_field(p, "through", ROLE_DIM, cell->transport);
	if (cell->started_ns != 0)
		pen_field(p, "began", ROLE_DIM, part_moment(v, cell->started_ns, when));
	if (cell->attempt > 1)
		pen_field_printf(p, "attempt", ROLE_WARNING, "%u", cell->attempt);
	draw_records(p, cell);
	if (o != NULL)
		draw_output(p, o);
	else if (!run_is_plan(r))
		pen_text(p, ROLE_DIM, "No output is kept.");
}
