/* Which runbooks there are: those offered for what fires first, by how bad that is; those whose file has mistakes last. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "runbooks.h"

enum { NAME_W_MIN = 8, NAME_W_MAX = 28, LAST_W = 30, LAST_W_NARROW = 12, WIDE_FROM = 100 };

uint64_t
runbooks_id(const char *name)
{
	uint64_t h = str_hash(name, strlen(name), STR_HASH_SEED);

	return h != 0 ? h : 1;
}

/* --- which -------------------------------------------------------------------------------------------------------------- */

static bool
contains(const void *thing, const char *word)
{
	const struct runbook_info *r = thing;

	return str_contains(r->name, word) || str_contains(r->title, word) || str_contains(r->description, word) || str_contains(r->hosts, word);
}

static const char *const keys[] = { "name", "danger", NULL };
static const char *const no_states[] = { NULL };

static bool
is(const void *thing, const char *name, const char *value)
{
	const struct runbook_info *r = thing;

	if (strcmp(name, "name") == 0)
		return strcmp(r->name, value) == 0;
	return strcmp(name, "danger") == 0 && strcmp(danger_name(r->danger), value) == 0;
}

static bool
is_shown(const struct runbooks_panel *s, const struct runbook_info *r)
{
	static const struct part_filter filter = { contains, is };

	if (s->alert != NULL && *s->alert != '\0' && !runbook_is_for(r, s->alert))
		return false;
	return *s->ld.refusal == '\0' && part_filter_matches(s->ld.filter, &filter, r);
}

/* Is this problem told with the runbook it is of? */
static bool
is_of_runbook(const struct runbook_set *set, const char *problem)
{
	for (size_t i = 0; i < set->n; i++)
		if (*set->v[i].error != '\0' && (strcmp(set->v[i].error, problem) == 0 ||
		    (*set->v[i].file != '\0' && str_has_prefix(problem, set->v[i].file))))
			return true;
	return false;
}

static void
add(struct runbooks_panel *s, const struct runbooks_row *row)
{
	s->rows[s->ld.n] = *row;
	s->ld.ids[s->ld.n++] = row->id;
}

/* 0 offered, 1 not, 2 broken. */
static int
section_of(const struct runbook_info *r, const struct model_alert *offer)
{
	return *r->error != '\0' ? 2 : offer != NULL ? 0 : 1;
}

/* How bad what it is offered for is: its place among the alerts. */
static size_t
rank(const struct model *m, const struct model_alert *offer)
{
	size_t i = 0;

	while (i < model_n_alerts(m) && model_alert(m, i) != offer)
		i++;
	return i;
}

/* Those offered stand in the order of their alerts; equal ones stay by name. */
static void
sort_offered(struct runbooks_panel *s, const struct model *m)
{
	for (int i = 1; i < s->n_offered; i++)
		for (int j = i; j > 0 && rank(m, s->rows[j].offer) < rank(m, s->rows[j - 1].offer); j--) {
			struct runbooks_row row = s->rows[j];

			s->rows[j] = s->rows[j - 1];
			s->rows[j - 1] = row;
		}
	for (int i = 0; i < s->n_offered; i++)
		s->ld.ids[i] = s->rows[i].id;
}

void
runbooks_rows_build(struct runbooks_panel *s, const struct model *m)
{
	const struct runbook_set *set = m != NULL ? model_runbooks(m) : NULL;

	runbooks_rows_done(s);
	part_filter_refusal(s->ld.filter, keys, no_states, s->ld.refusal, sizeof s->ld.refusal);
	if (set == NULL)
		return;
	s->rows = xcalloc(set->n + set->problems.n, sizeof *s->rows);
	s->ld.ids = xcalloc(set->n + set->problems.n, sizeof *s->ld.ids);
	for (int section = 0; section < 3; section++)
		for (size_t i = 0; i < set->n; i++) {
			const struct model_alert *offer = model_runbook_offer(m, i);

			if (section_of(&set->v[i], offer) != section)
				continue;
			if (!is_shown(s, &set->v[i])) {
				s->n_filtered++;
				continue;
			}
			s->n_offered += section == 0;
			s->n_broken += section == 2;
			add(s, &(struct runbooks_row){ .id = runbooks_id(set->v[i].name), .index = i, .offer = offer });
		}
	sort_offered(s, m);
	for (size_t i = 0; i < set->problems.n; i++) {
		if (is_of_runbook(set, set->problems.v[i]) || (s->alert != NULL && *s->alert != '\0') || (s->ld.filter != NULL && *s->ld.filter != '\0'))
			continue;
		s->n_broken++;
		add(s, &(struct runbooks_row){ .id = runbooks_id(set->problems.v[i]), .index = i, .is_problem = true });
	}
}

void
runbooks_rows_done(struct runbooks_panel *s)
{
	free(s->rows);
	s->rows = NULL;
	list_detail_clear(&s->ld);
	s->n_offered = s->n_broken = 0;
	s->n_filtered = 0;
}

const struct past_run *
runbooks_last_run(const struct runbook_set *set, const char *name)
{
	for (size_t i = 0; i < set->n_past; i++)
		if (strcmp(set->past[i].runbook, name) == 0)
			return &set->past[i];
	return NULL;
}

/* --- lines ----------------------------------------------------------------------------------------------------------------- */

enum { COL_GLYPH, COL_NAME, COL_DANGER, COL_TITLE, COL_FOR, COL_LAST, COLS };

static int
name_width(const struct runbook_set *set, int w)
{
	int widest = NAME_W_MIN;

	for (size_t i = 0; i < set->n; i++) {
		int width = (int)str_width(set->v[i].name);

		widest = width > widest ? width : widest;
	}
	w /= 3;
	return widest > NAME_W_MAX || widest > w ? (w < NAME_W_MAX ? w : NAME_W_MAX) : widest;
}

static void
columns_of(const struct runbooks_panel *s, const struct runbook_set *set, int w, struct column *cols)
{
	cols[COL_GLYPH] = (struct column){ .title = "", .min = 1, .priority = 0 };
	cols[COL_NAME] = (struct column){ .title = "runbook", .min = name_width(set, w), .priority = 0 };
	cols[COL_DANGER] = (struct column){ .title = "danger", .min = 6, .priority = 2 };
	cols[COL_TITLE] = (struct column){ .title = "what it does", .min = 36, .weight = 3, .priority = 1 };
	cols[COL_FOR] = (struct column){ .title = s->n_offered > 0 ? "offered for" : "", .min = s->n_offered > 0 ? 16 : 1,
		.weight = s->n_offered > 0 ? 1 : 0, .priority = 4 };
	cols[COL_LAST] = (struct column){ .title = "last run", .min = w < WIDE_FROM ? LAST_W_NARROW : LAST_W, .priority = 3 };
	columns_fit(cols, COLS, w - 2);
}

static void
draw_last(struct canvas *row, const struct column *col, const struct view *v, const struct past_run *last)
{
	char age[DURATION_TEXT_MAX], text[256];
	enum role role;
	const char *glyph;
	int64_t when_ns;

	if (last == NULL) {
		columns_cell(row, 0, col, ROLE_DIM, "-");
		return;
	}
	glyph = part_past_glyph(last, &role);
	when_ns = last->ended_ns != 0 ? last->ended_ns : last->started_ns;
	if (col->w < LAST_W)
		snprintf(text, sizeof text, "%s %s ago", glyph, view_age(v, when_ns, age));
	else
		snprintf(text, sizeof text, "%s %s, %s ago", glyph, part_past_word(last), view_age(v, when_ns, age));
	columns_cell(row, 0, col, role, text);
}

static void
draw_row(struct canvas *row, const struct column *cols, const struct view *v, const struct runbook_set *set, const struct runbooks_row *r)
{
	const struct runbook_info *info = r->is_problem ? NULL : &set->v[r->index];
	const struct model_alert *offer = info != NULL ? model_runbook_offer(v->model, r->index) : NULL;
	const char *glyph;
	enum role role;

	if (info == NULL || *info->error != '\0') {
		columns_cell(row, 0, &cols[COL_GLYPH], ROLE_ERROR, "!");
		columns_cell(row, 0, &cols[COL_NAME], ROLE_ERROR, info != NULL ? info->name : "(file)");
		canvas_text_w(row, cols[COL_NAME].x + cols[COL_NAME].w + 1, 0, row->w - cols[COL_NAME].x - cols[COL_NAME].w - 2, ROLE_ERROR,
		    info != NULL ? info->error : set->problems.v[r->index], false);
		return;
	}
	glyph = offer != NULL ? part_row_glyph(offer, &role) : "·";
	columns_cell(row, 0, &cols[COL_GLYPH], offer != NULL ? role : ROLE_DIM, glyph);
	columns_cell(row, 0, &cols[COL_NAME], ROLE_STRONG, info->name);
	columns_cell(row, 0, &cols[COL_DANGER], part_danger_role(info->danger), danger_name(info->danger));
	columns_cell(row, 0, &cols[COL_TITLE], ROLE_TEXT, info->title);
	columns_cell(row, 0, &cols[COL_FOR], ROLE_TEXT, offer != NULL ? offer->name : "");
	draw_last(row, &cols[COL_LAST], v, runbooks_last_run(set, info->name));
}

void
runbooks_rows_draw(const struct runbooks_panel *s, const struct view *v, struct canvas *c)
{
	const struct runbook_set *set = model_runbooks(v->model);
	struct column cols[COLS];
	int y = 0;

	columns_of(s, set, c->w, cols);
	if (s->ld.has_header) {
		struct canvas header = canvas_sub(c, 1, y++, c->w - 1, 1);

		columns_header(&header, 0, cols, COLS);
	}
	for (int i = 0; i < s->ld.page && s->ld.list.top + i < s->ld.n; i++, y++) {
		struct canvas row = canvas_sub(c, 1, y, c->w - 1, 1);

		draw_row(&row, cols, v, set, &s->rows[s->ld.list.top + i]);
		if (v->is_focused && s->ld.list.top + i == s->ld.list.selected)
			canvas_select(c, 0, y, c->w);
	}
}
