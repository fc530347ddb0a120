/*
 * Two versions side by side: what differs, numbers with how much. What is the same is counted, and shown when asked for:
 * among 80 parameters the two that were changed are the answer.
 */
#include "config.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "models.h"

enum { NAME_W_MIN = 10, NAME_W_MAX = 32, DIFFERENCE_W = 20, LISTED_MAX = 1000, DIFFERENCE_FROM = 72,
	VALUE_W_MIN = 8, VALUE_MAX = 4096, STACKED_ROWS_MAX = 6, COMMON_MAX = 120, COMMON_SHOWN = 24 };

struct compare {
	struct pen *p;
	const struct view *v;
	const struct models_item *item;
	const char *left_name, *right_name;
	const struct reg_version *left, *right;	/* NULL: not among those kept */
	int name_w, value_w;
	bool has_difference;		/* room for that column */
	bool is_same_shown;
	size_t n_same;			/* of this section, not shown */
};

/* --- which two ------------------------------------------------------------------------------------ */

static const char *
version_at(const struct models_item *item, int i)
{
	return i >= 0 && (size_t)i < item->reg->n_versions ? item->reg->versions[i].version : NULL;
}

/* What a person would hold the wanted version against: what is served instead, else what should serve before it, else
 * the one before it. */
static const char *
opponent_of_wanted(const struct model_model *m, const struct models_item *item, int chosen)
{
	if (m->n_hosts > 0 && m->hosts[0].state == SERVE_OTHER)
		return m->hosts[0].version;
	return *m->previous != '\0' ? m->previous : version_at(item, chosen + 1);
}

static const char *
opponent(const struct models_panel *s, const struct models_item *item, int chosen, const char *version)
{
	const struct model_model *m = item->m;
	const char *found;

	if (s->marked != NULL && strcmp(s->marked, version) != 0)
		return s->marked;
	if (m != NULL && m->wanted != NULL && strcmp(m->wanted->version, version) != 0)
		return m->wanted->version;
	found = m != NULL && m->wanted != NULL ? opponent_of_wanted(m, item, chosen) : version_at(item, chosen + 1);
	if (found != NULL && strcmp(found, version) != 0)
		return found;
	return chosen > 0 ? version_at(item, chosen - 1) : version_at(item, chosen + 1);
}

static int
place_of(const struct reg_model *reg, const char *version)
{
	const struct reg_version *v = reg_version_find(reg, version);

	return v != NULL ? (int)(v - reg->versions) : (int)reg->n_versions;
}

/* The older one stands on the left. */
bool
models_compare_pick(const struct models_panel *s, const struct models_item *item, const char **ret_left,
    const char **ret_right)
{
	int chosen = models_chosen_index(s, item);
	const char *version = chosen >= 0 ? version_at(item, chosen) : NULL;
	const char *other = version != NULL ? opponent(s, item, chosen, version) : NULL;
	bool is_older;

	if (other == NULL)
		return false;
	is_older = place_of(item->reg, other) > chosen;
	*ret_left = is_older ? other : version;
	*ret_right = is_older ? version : other;
	return true;
}

/* --- how far apart ---------------------------------------------------------------------------------- */

/* "+0.012 (+1.3%)" */
static void
difference_text(double left, double right, char *buf, size_t size)
{
	double by = right - left, percent;

	*buf = '\0';
	if (!isfinite(by) || by == 0)
		return;
	snprintf(buf, size, fabs(by) < 1e15 && by == floor(by) ? "%+.0f" : "%+.4g", by);
	percent = left != 0 ? by / fabs(left) * 100 : INFINITY;
	if (fabs(percent) < 10000)
		snprintf(buf + strlen(buf), size - strlen(buf), fabs(percent) < 99.5 ? " (%+.2g%%)" : " (%+.0f%%)", percent);
}

/* The whole text is a number. */
static bool
is_number(const char *text, double *ret)
{
	char *end;

	if (text == NULL || strspn(text, "0123456789+-.eE") != strlen(text) || *text == '\0')
		return false;
	*ret = strtod(text, &end);
	return *end == '\0' && isfinite(*ret);
}

/* --- rows ---------------------------------------------------------------------------------------------- */

static bool
fits(const struct compare *k, const char *text)
{
	return strlen(text) < VALUE_MAX && (int)str_width(text) <= k->value_w;
}

/* Values too wide for a column stand one below the other: cut, they would hide what differs. */
static void
draw_side(struct pen *p, int name_w, const char *version, enum role role, const char *text, size_t from)
{
	char *shown = xasprintf("%s%s", from > 0 ? "… " : "", text + from);

	canvas_text_w(p->c, 1, p->y, name_w, ROLE_DIM, version, false);
	pen_indented(p, name_w + 2, STACKED_ROWS_MAX, role, shown);
	free(shown);
}

/* Where a long text begins to be of interest: a little before the first byte that differs, at the start of a
 * character. */
static size_t
interest_of(const char *left, const char *right)
{
	size_t at = 0;

	while (left[at] != '\0' && left[at] == right[at])
		at++;
	if (at < COMMON_MAX)
		return 0;
	at -= COMMON_SHOWN;
	while (at > 0 && (left[at] & 0xc0) == 0x80)
		at--;
	return at;
}

static void
draw_stacked(struct compare *k, const char *name, const char *left, const char *right, bool is_same)
{
	size_t from = is_same ? 0 : interest_of(left, right);

	canvas_text_w(k->p->c, 1, k->p->y++, k->p->c->w - 2, ROLE_DIM, name, false);
	draw_side(k->p, k->name_w, k->left_name, is_same ? ROLE_DIM : ROLE_TEXT, left, from);
	if (!is_same)
		draw_side(k->p, k->name_w, k->right_name, ROLE_STRONG, right, from);
}

static void
draw_row(struct compare *k, const char *name, const char *left, const char *right, const char *difference,
    bool is_same)
{
	struct canvas *c = k->p->c;
	int x = 1 + k->name_w + 1;

	left = *left != '\0' ? left : "-";
	right = *right != '\0' ? right : "-";
	if (!fits(k, left) || !fits(k, right)) {
		draw_stacked(k, name, left, right, is_same);
		return;
	}
	canvas_text_w(c, 1, k->p->y, k->name_w, ROLE_DIM, name, false);
	canvas_text_w(c, x, k->p->y, k->value_w, is_same ? ROLE_DIM : ROLE_TEXT, left, false);
	canvas_text_w(c, x + k->value_w + 1, k->p->y, k->value_w, is_same ? ROLE_DIM : ROLE_STRONG, right, false);
	if (k->has_difference)
		canvas_text_w(c, x + 2 * (k->value_w + 1), k->p->y, DIFFERENCE_W, ROLE_TEXT, difference, false);
	k->p->y++;
}

static void
compare_texts(struct compare *k, const char *name, const char *left, const char *right, bool is_same_wanted)
{
	bool is_same = str_eq(left, right);
	char difference[64] = "";
	double a, b;

	if (is_same != is_same_wanted)
		return;
	if (!is_same && is_number(left, &a) && is_number(right, &b))
		difference_text(a, b, difference, sizeof difference);
	draw_row(k, name, left != NULL ? left : "", right != NULL ? right : "", difference, is_same);
}

/* Each section twice: what differs, then what does not. */
typedef void section_fn(struct compare *k, bool is_same_wanted);

static size_t
rows_of(struct compare *k, section_fn *draw, bool is_same_wanted)
{
	struct pen_measure measure;
	struct pen *p = k->p;
	int rows;

	k->p = pen_measure(&measure, p->c->w);
	draw(k, is_same_wanted);
	rows = pen_measure_done(&measure);
	k->p = p;
	return (size_t)rows;
}

static void
section(struct compare *k, const char *title, size_t n_all, size_t n_same, section_fn *draw)
{
	char heading[96];

	if (n_all == 0)
		return;
	k->p->y++;
	if (n_same == n_all)
		snprintf(heading, sizeof heading, "%s: all %zu the same", title, n_all);
	else
		snprintf(heading, sizeof heading, "%s: %zu of %zu differ", title, n_all - n_same, n_all);
	pen_heading(k->p, heading);
	draw(k, false);
	if (k->is_same_shown)
		draw(k, true);
}

/* --- labels: parameters and tags --------------------------------------------------------------------------- */

/* Both sorted by name: one walk along both. Returns how many there are; those that are the same in *ret_same. */
static size_t
walk_labels(struct compare *k, const struct labels *a, const struct labels *b, bool is_drawn, bool is_same_wanted,
    size_t *ret_same)
{
	size_t i = 0, j = 0, n = 0;

	for (*ret_same = 0; (i < a->n || j < b->n) && n < LISTED_MAX; n++) {
		int c = i == a->n ? 1 : j == b->n ? -1 : strcmp(a->v[i].name, b->v[j].name);
		const char *name = c <= 0 ? a->v[i].name : b->v[j].name;
		const char *left = c <= 0 ? a->v[i].value : NULL, *right = c >= 0 ? b->v[j].value : NULL;

		*ret_same += str_eq(left, right);
		if (is_drawn)
			compare_texts(k, name, left, right, is_same_wanted);
		i += c <= 0;
		j += c >= 0;
	}
	return n;
}

static void
draw_params(struct compare *k, bool is_same_wanted)
{
	size_t n_same;

	walk_labels(k, &k->left->params, &k->right->params, true, is_same_wanted, &n_same);
}

static void
draw_tags(struct compare *k, bool is_same_wanted)
{
	size_t n_same;

	walk_labels(k, &k->left->tags, &k->right->tags, true, is_same_wanted, &n_same);
}

/* --- metrics ------------------------------------------------------------------------------------------------ */

static void
compare_numbers(struct compare *k, const char *name, const double *left, const double *right, bool is_same_wanted)
{
	bool is_same = left != NULL && right != NULL && (*left == *right || (isnan(*left) && isnan(*right)));
	char a[NUM_TEXT_MAX] = "-", b[NUM_TEXT_MAX] = "-", difference[64] = "";

	if (is_same != is_same_wanted)
		return;
	if (left != NULL)
		models_number(*left, a);
	if (right != NULL)
		models_number(*right, b);
	if (left != NULL && right != NULL)
		difference_text(*left, *right, difference, sizeof difference);
	draw_row(k, name, a, b, difference, is_same);
}

static size_t
walk_metrics(struct compare *k, bool is_drawn, bool is_same_wanted, size_t *ret_same)
{
	const struct reg_version *a = k->left, *b = k->right;
	size_t i = 0, j = 0, n = 0;

	for (*ret_same = 0; (i < a->n_metrics || j < b->n_metrics) && n < LISTED_MAX; n++) {
		int c = i == a->n_metrics ? 1 : j == b->n_metrics ? -1 :
		    strcmp(a->metrics[i].name, b->metrics[j].name);
		const double *left = c <= 0 ? &a->metrics[i].value : NULL;
		const double *right = c >= 0 ? &b->metrics[j].value : NULL;

		*ret_same += left != NULL && right != NULL && (*left == *right || (isnan(*left) && isnan(*right)));
		if (is_drawn)
			compare_numbers(k, c <= 0 ? a->metrics[i].name : b->metrics[j].name, left, right,
			    is_same_wanted);
		i += c <= 0;
		j += c >= 0;
	}
	return n;
}

static void
draw_metrics(struct compare *k, bool is_same_wanted)
{
	size_t n_same;

	walk_metrics(k, true, is_same_wanted, &n_same);
}

/* What serves now, and what served: all of it, whether it differs or not. */
static void
draw_online(struct compare *k)
{
	const struct model_def *def = k->item->m != NULL ? k->item->m->def : NULL;

	if (def == NULL || def->n_online == 0)
		return;
	k->p->y++;
	pen_heading(k->p, "Online, as measured now");
	for (size_t i = 0; i < def->n_online; i++) {
		char left[NUM_TEXT_MAX], right[NUM_TEXT_MAX], difference[64] = "";
		double a = 0, b = 0;

		if (models_online(k->v, &def->online[i], k->left_name, &a) == MODELS_FRESH_VALUE &&
		    models_online(k->v, &def->online[i], k->right_name, &b) == MODELS_FRESH_VALUE)
			difference_text(a, b, difference, sizeof difference);
		draw_row(k, def->online[i].metric, models_online_text(k->v, &def->online[i], k->left_name, left),
		    models_online_text(k->v, &def->online[i], k->right_name, right), difference, false);
	}
}

/* --- facts --------------------------------------------------------------------------------------------- */

/* "2029-12-20 02:28Z": seconds tell nothing of versions. */
static const char *
time_text(int64_t ns, char *buf)
{
	char full[CLOCK_TEXT_MAX];

	if (ns == 0)
		snprintf(buf, CLOCK_TEXT_MAX, "?");
	else
		snprintf(buf, CLOCK_TEXT_MAX, "%.10s %.5sZ", clock_format(full, ns, 0), full + 11);
	return buf;
}

static void
draw_times(struct compare *k, bool is_same_wanted)
{
	const struct {
		const char *name;
		int64_t left, right;
	} times[] = { { "made", k->left->created_ns, k->right->created_ns },
	    { "data until", k->left->data_ns, k->right->data_ns } };

	for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
		char left[CLOCK_TEXT_MAX], right[CLOCK_TEXT_MAX], difference[DURATION_TEXT_MAX + 8] = "",
		    by[DURATION_TEXT_MAX];
		bool is_same = times[i].left == times[i].right;

		if (is_same != is_same_wanted || (is_same && times[i].left == 0))
			continue;
		if (times[i].left != 0 && times[i].right != 0)
			snprintf(difference, sizeof difference, "%s%s", times[i].right > times[i].left ? "+" : "",
			    duration_format(by, times[i].right - times[i].left));
		draw_row(k, times[i].name, time_text(times[i].left, left), time_text(times[i].right, right),
		    is_same ? "" : difference, is_same);
	}
}

static void
draw_facts(struct compare *k, bool is_same_wanted)
{
	const struct reg_version *a = k->left, *b = k->right;
	char left[PART_VERSIONS_MAX], right[PART_VERSIONS_MAX];

	draw_times(k, is_same_wanted);
	compare_texts(k, "alias, stage", part_version_names(a, left), part_version_names(b, right), is_same_wanted);
	compare_texts(k, "status", a->status, b->status, is_same_wanted);
	compare_texts(k, "by", a->by, b->by, is_same_wanted);
	compare_texts(k, "about", a->description, b->description, is_same_wanted);
	compare_texts(k, "run", a->run, b->run, is_same_wanted);
	compare_texts(k, "stored", a->uri, b->uri, is_same_wanted);
}

/* --- all of it ----------------------------------------------------------------------------------------- */

static int
wider(const char *name, int widest)
{
	int w = (int)str_width(name);

	return w > widest ? w : widest;
}

static int
widest_name(const struct labels *l, int widest)
{
	for (size_t i = 0; i < l->n && i < LISTED_MAX; i++)
		widest = wider(l->v[i].name, widest);
	return widest;
}

static void
place_columns(struct compare *k, int w)
{
	int widest = NAME_W_MIN, room;

	for (size_t side = 0; side < 2; side++) {
		const struct reg_version *v = side == 0 ? k->left : k->right;

		widest = widest_name(&v->tags, widest_name(&v->params, widest));
		for (size_t i = 0; i < v->n_metrics && i < LISTED_MAX; i++)
			widest = wider(v->metrics[i].name, widest);
	}
	widest = widest > w / 4 ? w / 4 : widest;
	k->name_w = widest < NAME_W_MIN ? NAME_W_MIN : widest > NAME_W_MAX ? NAME_W_MAX : widest;
	k->has_difference = w >= DIFFERENCE_FROM;
	room = w - 3 - k->name_w - (k->has_difference ? DIFFERENCE_W + 1 : 0);
	k->value_w = (room - 1) / 2 < VALUE_W_MIN ? VALUE_W_MIN : (room - 1) / 2;
}

static void
draw_head(struct compare *k)
{
	struct pen *p = k->p;
	char names[PART_VERSIONS_MAX];
	int x = 2 + k->name_w;

	canvas_text_w(p->c, 1, p->y, k->name_w, ROLE_STRONG, k->item->name, false);
	canvas_text_w(p->c, x, p->y, k->value_w, ROLE_STRONG, k->left_name, false);
	canvas_text_w(p->c, x + k->value_w + 1, p->y, k->value_w, ROLE_STRONG, k->right_name, false);
	if (k->has_difference)
		canvas_text(p->c, x + 2 * (k->value_w + 1), p->y, ROLE_DIM, "difference");
	p->y++;
	canvas_text_w(p->c, x, p->y, k->value_w, ROLE_TEXT, part_version_names(k->left, names), false);
	canvas_text_w(p->c, x + k->value_w + 1, p->y++, k->value_w, ROLE_TEXT, part_version_names(k->right, names),
	    false);
}

static void
draw_run_unknown(struct compare *k)
{
	const struct {
		const struct reg_version *v;
		const char *name;
	} sides[] = { { k->left, k->left_name }, { k->right, k->right_name } };

	for (size_t i = 0; i < 2; i++)
		if (!sides[i].v->is_run_known)
			pen_printf(k->p, ROLE_UNKNOWN,
			    "? metrics and parameters of %s are not known: the registry did not tell them", sides[i].name);
}

static void
draw_sections(struct compare *k)
{
	size_t n, n_same;

	draw_run_unknown(k);
	draw_online(k);
	n = walk_metrics(k, false, false, &n_same);
	section(k, "Metrics", n, n_same, draw_metrics);
	n = walk_labels(k, &k->left->params, &k->right->params, false, false, &n_same);
	section(k, "Parameters", n, n_same, draw_params);
	n = walk_labels(k, &k->left->tags, &k->right->tags, false, false, &n_same);
	section(k, "Tags", n, n_same, draw_tags);
	n_same = rows_of(k, draw_facts, true);
	n = rows_of(k, draw_facts, false);
	if (n > 0 || k->is_same_shown) {
		k->p->y++;
		pen_heading(k->p, "Facts");
		draw_facts(k, false);
		if (k->is_same_shown)
			draw_facts(k, true);
	}
	if (!k->is_same_shown) {
		k->p->y++;
		pen_text(k->p, ROLE_DIM, "What is the same is not shown: s shows it. Esc goes back.");
	}
}

void
models_compare_draw(struct pen *p, const struct view *v, const struct models_panel *s,
    const struct models_item *item)
{
	struct compare k = { .p = p, .v = v, .item = item, .left_name = s->left, .right_name = s->right,
	    .is_same_shown = s->is_same_shown,
		.left = reg_version_find(item->reg, s->left), .right = reg_version_find(item->reg, s->right) };

	if (k.left == NULL || k.right == NULL) {
		pen_printf(p, ROLE_UNKNOWN, "? %s cannot be compared: version %s is not among those that the registry "
		    "told of", item->name,
		    k.left == NULL ? s->left : s->right);
		return;
	}
	place_columns(&k, p->c->w);
	draw_head(&k);
	draw_sections(&k);
}
