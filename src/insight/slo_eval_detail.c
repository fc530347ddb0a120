/* Error budgets over the window: the burn-down, when the budget was spent, and what corrections keep of it. */
#include "config.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/xalloc.h"
#include "insight/slo_eval_priv.h"

/*
 * A piece is hot when it spends at more than this many times the pace that would just use the
 * budget up; what lies between hot ones is not over.
 */
#define HOT_PACE 2.0
/* A stretch is worth telling when so much of the budget went in it. */
#define SPEND_LEAST 0.02
#define REST_NOTHING 1e-12
enum { SPENDS_MAX = 16, COOL_PIECES_MAX = 2, LEAD_PIECES = 3, HELD_MAX = 16 };
enum { BESIDE_MAX = 3, BESIDE_KEPT_MAX = 64, BESIDE_BYTES_MAX = 1024 };

struct piece {
	int64_t start_ns, end_ns;
	double share;			/* of the budget, spent in it */
};
struct course {				/* the window, piece by piece */
	const struct slo_input *in;
	struct arena *mem;
	struct slo_budget budget;
	struct piece *v;		/* the pieces that are in the window */
	size_t n;
	size_t first;			/* the first that has data */
	double base_ns;			/* how long a time the budget is of */
};

/* --- pieces ----------------------------------------------------------------------------------------------------- */

/* false: no data. */
static bool
piece_bad(const struct course *c, size_t i, struct piece *p)
{
	struct slo_count count, excluded;
	int64_t a, b;
	const struct slo_sum *sum = slo_piece(c->in, i, &a, &b);

	if (!slo_count_of(c->in, sum, 0, &count, NULL))
		return false;
	count.bad *= (double)(p->end_ns - p->start_ns) / (double)(b - a);
	count.total *= (double)(p->end_ns - p->start_ns) / (double)(b - a);
	if (slo_excluded(c->in, c->budget.start_ns, p->start_ns, p->end_ns, &excluded) > 0)
		slo_count_subtract(&count, &excluded);
	p->share = count.bad;
	return true;
}

/*
 * The sums of corrections are spread over the pieces as well as the tiles tell; all together must
 * come to what the budget says.
 */
static void
pieces_settle(struct course *c)
{
	double bad = 0, scale;

	for (size_t i = 0; i < c->n; i++)
		bad += c->v[i].share;
	scale = bad > 0 && c->budget.allowed > 0 ? c->budget.count.bad / bad / c->budget.allowed : 0;
	for (size_t i = 0; i < c->n; i++)
		c->v[i].share *= scale;
}

static void
pieces_collect(struct course *c)
{
	size_t n = slo_n_pieces(c->in);
	bool has_data = false;

	c->v = xcalloc(n + 1, sizeof *c->v);
	for (size_t i = 0; i < n; i++) {
		struct piece *p = &c->v[c->n];

		(void)slo_piece(c->in, i, &p->start_ns, &p->end_ns);
		if (p->start_ns < c->budget.start_ns)
			p->start_ns = c->budget.start_ns;
		if (p->end_ns > c->in->at_ns)
			p->end_ns = c->in->at_ns;
		if (p->end_ns <= p->start_ns)
			continue;
		p->share = 0;
		has_data |= piece_bad(c, i, p);
		/* A calendar window that has just begun has none: its end stands for it. */
		c->first = has_data ? c->first : c->n + (i + 1 < n);
		c->n++;
	}
	pieces_settle(c);
}

/* --- burn-down -------------------------------------------------------------------------------------------------- */

static void
burn_down(const struct course *c, struct slo_detail *ret)
{
	struct sample *v = arena_alloc(c->mem, (c->n + 1) * sizeof *v);
	double left = 1;
	size_t n = 0;

	/* Before there was data there was no budget that could have been whole. */
	for (size_t i = c->first; i < c->n; i++) {
		left -= c->v[i].share;
		v[n++] = (struct sample){ c->v[i].end_ns, left };
	}
	if (n > 0)
		v[n - 1].v = c->budget.left;		/* the same number, to the last bit */
	ret->n = n;
	ret->left = v;
}

/* --- what was beside -------------------------------------------------------------------------------------------- */

enum nearness { NEAR_CHANGE, NEAR_BEGINS, NEAR_LASTS, NEAR_NOT };

/*
 * Changes are read first, for they are causes; then what began with the stretch, then what was
 * there all the time.
 */
static enum nearness
nearness_of(const struct slo_past *past, int64_t lead_ns, const struct slo_spend *spend)
{
	int64_t from_ns = spend->start_ns - lead_ns;

	if (past->start_ns > spend->end_ns)
		return NEAR_NOT;
	if (past->end_ns <= past->start_ns)
		return past->start_ns >= from_ns ? NEAR_CHANGE : NEAR_NOT;
	if (past->start_ns >= from_ns)
		return NEAR_BEGINS;
	return past->end_ns > spend->start_ns ? NEAR_LASTS : NEAR_NOT;
}

struct beside {
	size_t n;			/* different texts */
	const char *v[BESIDE_KEPT_MAX];
};

static void
beside_add(struct beside *b, const char *text)
{
	for (size_t i = 0; i < b->n && i < BESIDE_KEPT_MAX; i++)
		if (strcmp(b->v[i], text) == 0)
			return;
	if (b->n < BESIDE_KEPT_MAX)
		b->v[b->n] = text;
	b->n++;
}

static const char *
beside_text(const struct beside *b, struct arena *mem)
{
	struct buf text;
	const char *s;

	buf_init(&text, BESIDE_BYTES_MAX);
	for (size_t i = 0; i < b->n && i < BESIDE_MAX; i++)
		buf_printf(&text, "%s%s", i > 0 ? "; " : "", b->v[i]);
	if (b->n > BESIDE_MAX)
		buf_printf(&text, " and %zu more", b->n - BESIDE_MAX);
	s = arena_strdup(mem, text.data);
	buf_done(&text);
	return s;
}

static const char *
beside(const struct course *c, const struct slo_spend *spend)
{
	struct beside b = { 0 };

	for (enum nearness near = NEAR_CHANGE; near < NEAR_NOT; near++)
		for (size_t i = 0; i < c->in->n_past; i++)
			if (nearness_of(&c->in->past[i], LEAD_PIECES * c->in->step_ns, spend) == near)
				beside_add(&b, c->in->past[i].text);
	return beside_text(&b, c->mem);
}

/* --- spends ----------------------------------------------------------------------------------------------------- */

static bool
is_hot(const struct course *c, const struct piece *p)
{
	double pace = (double)(p->end_ns - p->start_ns) / c->base_ns;

	return p->share > HOT_PACE * pace;
}

/* The stretch that begins with the hot piece i; returns the piece behind it. */
static size_t
stretch_from(const struct course *c, size_t i, struct slo_spend *ret)
{
	double since_hot = 0;
	size_t last = i, j;

	*ret = (struct slo_spend){ .start_ns = c->v[i].start_ns };
	for (j = i; j < c->n && j <= last + COOL_PIECES_MAX + 1; j++) {
		since_hot += c->v[j].share;
		if (!is_hot(c, &c->v[j]))
			continue;
		ret->share += since_hot;
		since_hot = 0;
		last = j;
	}
	ret->end_ns = c->v[last].end_ns;
	return last + 1;
}

static int
by_share(const void *a, const void *b)
{
	const struct slo_spend *x = a, *y = b;

	if (x->share != y->share)
		return x->share > y->share ? -1 : 1;
	return x->start_ns < y->start_ns ? -1 : x->start_ns > y->start_ns;
}

static void
spends(const struct course *c, struct slo_detail *ret)
{
	struct slo_spend *all = xcalloc(c->n + 1, sizeof *all), *v;
	double rest = 1 - c->budget.left;
	size_t n = 0;

	for (size_t i = 0; i < c->n;) {
		if (!is_hot(c, &c->v[i])) {
			i++;
			continue;
		}
		i = stretch_from(c, i, &all[n]);
		if (all[n].share >= SPEND_LEAST)
			n++;
	}
	qsort(all, n, sizeof *all, by_share);
	n = n < SPENDS_MAX ? n : SPENDS_MAX;
	v = arena_alloc(c->mem, (n + 1) * sizeof *v);
	for (size_t i = 0; i < n; i++) {
		v[i] = all[i];
		v[i].beside = beside(c, &v[i]);
		rest -= v[i].share;
	}
	free(all);
	ret->n_spends = n;
	ret->spends = v;
	ret->rest = rest > REST_NOTHING ? rest : 0;
}

/* --- what corrections keep -------------------------------------------------------------------------------------- */

/* What would be left without correction i. */
static double
left_without(const struct slo_input *in, size_t i)
{
	size_t n = in->def->n_corrections;
	struct slo_correction *others = xcalloc(n, sizeof *others);
	struct slo_sum *excluded = xcalloc(n, sizeof *excluded);
	struct slo_def def = *in->def;
	struct slo_input without = *in;
	struct slo_budget budget;

	for (size_t from = 0, to = 0; from < n; from++) {
		if (from == i)
			continue;
		others[to] = in->def->corrections[from];
		if (in->excluded != NULL)
			excluded[to] = in->excluded[from];
		to++;
	}
	def.corrections = others;
	def.n_corrections = n - 1;
	without.def = &def;
	without.excluded = in->excluded != NULL ? excluded : NULL;
	slo_budget_of(&without, &budget, NULL);
	free(others);
	free(excluded);
	return budget.left;
}

/* They come by their start: from the last one back. Two that name the same time keep nothing each. */
static void
holds(const struct course *c, struct slo_detail *ret)
{
	const struct slo_def *def = c->in->def;
	struct slo_held *v = arena_alloc(c->mem, HELD_MAX * sizeof *v);
	size_t n = 0;

	for (size_t i = def->n_corrections; i-- > 0 && n < HELD_MAX;) {
		const struct slo_correction *k = &def->corrections[i];
		double left;

		if (k->end_ns <= c->budget.start_ns || k->start_ns >= c->in->at_ns)
			continue;
		left = left_without(c->in, i);
		if (!isnan(left))
			v[n++] = (struct slo_held){ arena_strdup(c->mem, k->id), c->budget.left - left };
	}
	ret->n_held = n;
	ret->held = v;
}

void
slo_detail(const struct slo_input *in, struct arena *arena, struct slo_detail *ret)
{
	struct course c = { .in = in, .mem = arena };

	memset(ret, 0, sizeof *ret);
	ret->id = arena_strdup(arena, in->def->id);
	ret->step_ns = in->step_ns;
	ret->rest = NAN;
	slo_budget_of(in, &c.budget, NULL);
	if (isnan(c.budget.left))
		return;
	c.base_ns = slo_budget_ns(in, &c.budget);
	pieces_collect(&c);
	burn_down(&c, ret);
	spends(&c, ret);
	holds(&c, ret);
	free(c.v);
}
