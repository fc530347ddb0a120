/* Objectives as values: copies, one set out of several, the Workbook's rules, and which is more urgent. */
#include "config.h"

#include "model/slo.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/xalloc.h"

#define NS_PER_DAY (24 * NS_PER_HOUR)

/* --- copies ------------------------------------------------------------------------------------------------------------ */

static const char *
copy_text(const char *s, struct arena *arena)
{
	if (s == NULL)
		return NULL;
	return s[0] == '\0' ? "" : arena_strdup(arena, s);
}

static const void *
copy_bytes(const void *v, size_t n, size_t size, struct arena *arena)
{
	void *copy = arena_alloc(arena, n * size);

	if (n > 0)
		memcpy(copy, v, n * size);
	return copy;
}

static void
copy_strings(struct strings *to, const struct strings *from, struct arena *arena)
{
	const char **v = arena_alloc(arena, from->n * sizeof *v);

	for (size_t i = 0; i < from->n; i++)
		v[i] = copy_text(from->v[i], arena);
	*to = (struct strings){ from->n, v };
}

static void
copy_labels(struct labels *to, const struct labels *from, struct arena *arena)
{
	struct label *v = arena_alloc(arena, from->n * sizeof *v);

	for (size_t i = 0; i < from->n; i++)
		v[i] = (struct label){ copy_text(from->v[i].name, arena), copy_text(from->v[i].value, arena) };
	*to = (struct labels){ from->n, v };
}

static const struct slo_correction *
copy_corrections(const struct slo_correction *from, size_t n, struct arena *arena)
{
	struct slo_correction *v = arena_alloc(arena, n * sizeof *v);

	for (size_t i = 0; i < n; i++) {
		v[i] = from[i];
		v[i].id = copy_text(from[i].id, arena);
		v[i].reason = copy_text(from[i].reason, arena);
		v[i].by = copy_text(from[i].by, arena);
	}
	return v;
}

void
slo_def_copy(struct slo_def *to, const struct slo_def *from, struct arena *arena)
{
	*to = *from;
	to->id = copy_text(from->id, arena);
	to->name = copy_text(from->name, arena);
	to->title = copy_text(from->title, arena);
	to->service = copy_text(from->service, arena);
	to->kind = copy_text(from->kind, arena);
	to->source = copy_text(from->source, arena);
	to->where = copy_text(from->where, arena);
	to->good = copy_text(from->good, arena);
	to->bad = copy_text(from->bad, arena);
	to->total = copy_text(from->total, arena);
	to->raw = copy_text(from->raw, arena);
	to->bounds = copy_bytes(from->bounds, from->n_bounds, sizeof *from->bounds, arena);
	to->rules = copy_bytes(from->rules, from->n_rules, sizeof *from->rules, arena);
	to->corrections = copy_corrections(from->corrections, from->n_corrections, arena);
	copy_labels(&to->alert_labels, &from->alert_labels, arena);
	copy_strings(&to->notes, &from->notes, arena);
}

/* --- sets of definitions ------------------------------------------------------------------------------------------------ */

struct candidate {
	const struct slo_def *def;
	size_t place;		/* in the order given: the first of one id counts */
};

static bool
is_configured(const struct slo_def *def)
{
	return def->origin == SLO_FROM_CONFIG || def->origin == SLO_FROM_OPENSLO;
}

/* What a person wrote down replaces what was found in rules under the same name. */
static bool
replaces(const struct slo_def *configured, const struct slo_def *found)
{
	return strcmp(configured->name, found->name) == 0 &&
	    (configured->service[0] == '\0' || strcmp(configured->service, found->service) == 0);
}

static bool
is_replaced(const struct slo_def *found, const struct candidate *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (is_configured(v[i].def) && replaces(v[i].def, found))
			return true;
	return false;
}

static int
candidate_compare(const void *pa, const void *pb)
{
	const struct candidate *a = pa, *b = pb;
	int c = strcmp(a->def->id, b->def->id);

	return c != 0 ? c : (a->place > b->place) - (a->place < b->place);
}

static struct candidate *
collect(const struct slo_def_set *const *v, size_t n, size_t *ret_n)
{
	struct candidate *all;
	size_t n_all = 0;

	for (size_t i = 0; i < n; i++)
		n_all += v[i] == NULL ? 0 : v[i]->n;
	all = xcalloc(n_all, sizeof *all);
	*ret_n = 0;
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; v[i] != NULL && j < v[i]->n; j++, (*ret_n)++)
			all[*ret_n] = (struct candidate){ &v[i]->v[j], *ret_n };
	return all;
}

/* The same rules in two Prometheuses are two objectives: the second is called after its source. */
static void
name_by_source(struct slo_def *def, struct arena *arena)
{
	size_t size = strlen(def->name) + strlen(def->source) + sizeof "slo:@";
	char *id = arena_alloc(arena, size);

	snprintf(id, size, "slo:%s@%s", def->name, def->source);
	def->id = id;
	def->name = id + strlen("slo:");
}

static int
def_compare(const void *a, const void *b)
{
	return strcmp(((const struct slo_def *)a)->id, ((const struct slo_def *)b)->id);
}

struct slo_def_set *
slo_def_merge(const struct slo_def_set *const *v, size_t n)
{
	struct slo_def_set *set = block_new(sizeof *set);
	size_t n_all, n_kept = 0;
	struct candidate *all = collect(v, n, &n_all);
	struct slo_def *defs;
	bool is_same;

	if (n_all > 0)
		qsort(all, n_all, sizeof *all, candidate_compare);
	defs = arena_alloc(&set->block.arena, n_all * sizeof *defs);
	for (size_t i = 0; i < n_all; i++) {
		if (!is_configured(all[i].def) && is_replaced(all[i].def, all, n_all))
			continue;
		is_same = i > 0 && strcmp(all[i - 1].def->id, all[i].def->id) == 0;
		if (is_same && (is_configured(all[i].def) || strcmp(all[i - 1].def->source, all[i].def->source) == 0))
			continue;
		slo_def_copy(&defs[n_kept], all[i].def, &set->block.arena);
		if (is_same)
			name_by_source(&defs[n_kept], &set->block.arena);
		n_kept++;
	}
	free(all);
	if (n_kept > 0)
		qsort(defs, n_kept, sizeof *defs, def_compare);
	set->v = defs;
	set->n = n_kept;
	return set;
}

static int
id_compare(const void *id, const void *def)
{
	return strcmp(id, ((const struct slo_def *)def)->id);
}

const struct slo_def *
slo_def_find(const struct slo_def_set *set, const char *id)
{
	return set == NULL || set->n == 0 ? NULL : bsearch(id, set->v, set->n, sizeof *set->v, id_compare);
}

/* --- the Workbook's rules ------------------------------------------------------------------------------------------------- */

/* The Site Reliability Workbook, table 5-8, with the ticket of 3 over a day that its text and Sloth have too. */
const struct slo_rule *
slo_default_rules(int64_t period_ns, struct arena *arena, size_t *ret_n)
{
	static const struct slo_rule workbook[] = {
		{ 14.4, NS_PER_HOUR, 5 * NS_PER_MIN, 0, SEVERITY_PAGE },
		{ 6, 6 * NS_PER_HOUR, 30 * NS_PER_MIN, 0, SEVERITY_PAGE },
		{ 3, NS_PER_DAY, 2 * NS_PER_HOUR, 0, SEVERITY_TICKET },
		{ 1, 3 * NS_PER_DAY, 6 * NS_PER_HOUR, 0, SEVERITY_TICKET },
	};
	struct slo_rule *rules = arena_alloc(arena, sizeof workbook);
	size_t n = 0;

	for (size_t i = 0; i < sizeof workbook / sizeof workbook[0]; i++)
		if (workbook[i].long_ns < period_ns)
			rules[n++] = workbook[i];
	*ret_n = n;
	return rules;
}

/* --- order ------------------------------------------------------------------------------------------------------------------ */

int
slo_urgency(const struct slo *a, const struct slo *b)
{
	int c = (a->state > b->state) - (a->state < b->state);

	if (c == 0)
		c = (a->exhaustion_ns > b->exhaustion_ns) - (a->exhaustion_ns < b->exhaustion_ns);
	if (c == 0)
		c = isnan(a->left) - isnan(b->left);
	if (c == 0)
		c = (a->left > b->left) - (a->left < b->left);
	return c != 0 ? c : strcmp(a->id, b->id);
}
