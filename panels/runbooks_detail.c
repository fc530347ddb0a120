/* All that is known of one runbook before it is planned. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "runbooks.h"

enum { PAST_MAX = 8, NAMES_W = 12 };

static void
draw_param(struct pen *p, const struct param_info *param)
{
	struct buf b;

	buf_init(&b, 4096);
	buf_addstr(&b, param_type_name(param->type));
	if (param->type == PARAM_SECRET && param->from != NULL)
		buf_printf(&b, ", as in the %s", param->from);
	else if (param->def != NULL && param->from != NULL)
		buf_printf(&b, ", %s (%s)", param->def, param->from);
	else if (param->def != NULL)
		buf_printf(&b, ", %s when not given", param->def);
	else if (param->is_required)
		buf_addstr(&b, ", needed");
	for (size_t i = 0; i < param->choices.n; i++)
		buf_printf(&b, "%s%s", i == 0 ? ": " : " | ", param->choices.v[i]);
	if (*param->title != '\0')
		buf_printf(&b, " (%s)", param->title);
	pen_field(p, param->name, ROLE_TEXT, b.data);
	buf_done(&b);
}

static void
draw_offers(struct pen *p, const struct view *v, size_t index, const struct runbook_info *r)
{
	const struct model_alert *offer = model_runbook_offer(v->model, index);

	for (size_t i = 0; i < r->offer_alerts.n; i++)
		pen_field(p, i == 0 ? "offered for" : "", ROLE_TEXT, r->offer_alerts.v[i]);
	if (offer != NULL)
		pen_field_printf(p, "now", part_severity_role(offer->severity), "%s, %s", offer->name, part_row_word(offer));
}

/* A run that is about nothing but its environment has no target. */
static const char *
text_or_none(const char *text)
{
	return text != NULL ? text : "";
}

static void
draw_past(struct pen *p, const struct view *v, const struct runbook_set *set, const char *name)
{
	char when[PART_MOMENT_MAX];
	int n = 0;

	for (size_t i = 0; i < set->n_past && n < PAST_MAX; i++) {
		const struct past_run *past = &set->past[i];
		enum role role;
		const char *glyph = part_past_glyph(past, &role);

		if (strcmp(past->runbook, name) != 0)
			continue;
		if (n++ == 0)
			pen_heading(p, "Runs recorded here");
		pen_printf(p, role, "%s %s  %s  by %s  %s%s%s", glyph, past->run, part_past_word(past), past->user, text_or_none(past->target),
		    text_or_none(past->target)[0] != '\0' ? "  " : "", part_moment(v, past->started_ns, when));
		if (past->is_left)
			pen_printf(p, ROLE_DIM, "  opsconsole --runbook %s --resume %s finds out", past->runbook, past->run);
	}
	if (n == 0)
		pen_field(p, "last run", ROLE_DIM, "none is recorded here");
}

static void
draw_problem(struct pen *p, const char *name, const char *file, const char *sentence)
{
	pen_heading(p, name);
	pen_text(p, ROLE_ERROR, sentence);
	pen_field(p, "file", ROLE_TEXT, file);
	pen_field(p, "mend", ROLE_DIM, "opsconsole --check names every mistake of every file; a runbook with one is not run");
}

void
runbooks_detail_draw(struct pen *p, const struct view *v, const struct runbook_set *set, const struct runbooks_row *row)
{
	const struct runbook_info *r;

	p->name_w = NAMES_W;
	if (row->is_problem) {
		draw_problem(p, "A file that cannot be used", "", set->problems.v[row->index]);
		return;
	}
	r = &set->v[row->index];
	if (*r->error != '\0') {
		draw_problem(p, r->name, r->file, r->error);
		return;
	}
	pen_heading(p, r->name);
	pen_text(p, ROLE_TEXT, r->title);
	if (*r->description != '\0')
		pen_text(p, ROLE_TEXT, r->description);
	pen_field(p, "danger", part_danger_role(r->danger), r->danger == DANGER_HIGH ? "high: its target must be typed" : danger_name(r->danger));
	pen_field(p, "hosts", ROLE_TEXT, *r->hosts != '\0' ? r->hosts : "none: done once");
	draw_offers(p, v, row->index, r);
	for (size_t i = 0; i < r->steps.n; i++)
		pen_field(p, i == 0 ? "steps" : "", ROLE_TEXT, r->steps.v[i]);
	if (r->n_params > 0)
		pen_heading(p, "Parameters");
	for (size_t i = 0; i < r->n_params; i++)
		draw_param(p, &r->params[i]);
	draw_past(p, v, set, r->name);
	pen_field_printf(p, "file", ROLE_DIM, "%s%s", r->file, r->is_shipped ? " (shipped)" : "");
}
