#include "config.h"

#include "insight/slo_found_priv.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "insight/slo_promql.h"

enum { RULES_TEXT_MAX = 240, SELECTOR_MAX = SLO_TEMPLATE_MAX };

/* As many as the short form of the config waits for when nothing is said: one error in a quiet hour is no outage. */
static const double min_bad = 3;

/* --- helpers of both finders ------------------------------------------------------------------------------------------------ */

void
found_note(struct found *f, const char *fmt, ...)
{
	char text[FOUND_NOTE_MAX], shown[FOUND_NOTE_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	str_escape_to(shown, sizeof shown, text);
	for (size_t i = 0; i < f->n_notes; i++)
		if (strcmp(f->notes[i], shown) == 0)
			return;
	if (f->n_notes < FOUND_NOTES_MAX)
		f->notes[f->n_notes++] = arena_strdup(f->arena, shown);
}

const char *
found_join(struct arena *arena, const char *a, const char *b)
{
	size_t a_len = strlen(a), b_len = strlen(b);
	char *s = arena_alloc(arena, a_len + b_len + 1);

	memcpy(s, a, a_len);
	memcpy(s + a_len, b, b_len);
	return s;
}

/* 12 digits are more than anybody writes and fewer than binary gets wrong. */
static double
rounded(double v, int digits)
{
	char text[NUM_TEXT_MAX];

	snprintf(text, sizeof text, "%.*g", digits, v);
	return strtod(text, NULL);
}

bool
found_constant(const struct rule *r, double *ret)
{
	if (r == NULL || !expr_constant(r->query, ret))
		return false;
	*ret = rounded(*ret, 12);
	return true;
}

const struct rule *
found_recorded(const struct found_rules *rules, const char *name)
{
	for (size_t i = 0; i < rules->n; i++)
		if (!rules->v[i]->is_alerting && strcmp(rules->v[i]->name, name) == 0)
			return rules->v[i];
	return NULL;
}

const struct rule *
found_shortest(const struct found_rules *rules, const char *infix, const char **ret_duration)
{
	const struct rule *shortest = NULL;
	int64_t shortest_ns = INT64_MAX, ns;
	const char *duration;

	for (size_t i = 0; i < rules->n; i++) {
		const struct rule *r = rules->v[i];

		if (r->is_alerting || !expr_window(r->name, strlen(r->name), infix, &ns, &duration) || ns >= shortest_ns)
			continue;
		shortest = r;
		shortest_ns = ns;
		*ret_duration = duration;
	}
	return shortest;
}

bool
found_target(struct found *f, double target)
{
	if (!(target > 0 && target < 1))
		return false;
	f->def.target = rounded(target, 12);
	return f->def.target > 0 && f->def.target < 1;
}

bool
found_period(struct found *f, double seconds)
{
	if (!(seconds >= 1 && seconds <= 10 * 365.0 * 86400))
		return false;
	f->def.period_ns = (int64_t)(seconds * 1e3 + 0.5) * NS_PER_MS;
	return true;
}

/* --- indicator ------------------------------------------------------------------------------------------------------------------ */

/* NAME{label="value"}, in the arena. */
static const char *
selector(struct arena *arena, const char *name, const char *label, const char *value)
{
	const char *copy;
	struct buf b;

	buf_init(&b, SELECTOR_MAX);
	buf_printf(&b, "%s{%s=", name, label);
	promql_quote(&b, value);
	buf_addch(&b, '}');
	copy = arena_strndup(arena, b.data, b.len);
	buf_done(&b);
	return copy;
}

void
found_indicator(struct found *f, const struct rule *ratio, const char *duration, const char *label, const char *value)
{
	struct expr_ratio sums;
	const char *why;

	if (expr_ratio(ratio->query, duration, f->arena, &sums, &why)) {
		f->def.sli = SLI_RATIO;
		f->def.good = sums.is_good ? sums.first : NULL;
		f->def.bad = sums.is_good ? NULL : sums.first;
		f->def.total = sums.total;
		f->def.is_counter = true;
	} else {
		f->def.sli = SLI_RAW;
		f->def.raw = selector(f->arena, ratio->name, label, value);
		found_note(f, "an average of the recorded ratios over %s: traffic does not weigh (its expression %s)", duration, why);
	}
	if (strcmp(ratio->health, "err") == 0)
		found_note(f, "its rule %s fails: %s", ratio->name, ratio->error);
}

/* --- burn rates --------------------------------------------------------------------------------------------------------------------- */

static bool
has_rule(const struct found *f, const struct slo_rule *rule)
{
	for (size_t i = 0; i < f->n_rules; i++)
		if (f->rules[i].factor == rule->factor && f->rules[i].long_ns == rule->long_ns && f->rules[i].short_ns == rule->short_ns)
			return true;
	return false;
}

bool
found_alert(struct found *f, const struct rule *alert, const char *infix, enum severity severity)
{
	struct expr_burn burns[EXPR_BURNS_MAX];
	double target;
	int n = expr_burns(alert->query, infix, burns, &target);

	if (n < 0) {
		found_note(f, "its alert %s is not used: it compares something else than burn rates over one or two windows", alert->name);
		return false;
	}
	for (int i = 0; i < n && f->n_rules < FOUND_RULES_MAX; i++) {
		struct slo_rule rule = { .long_ns = burns[i].long_ns, .short_ns = burns[i].short_ns, .severity = severity };

		/* Sloth writes 14.4 * 0.0009999999999999432: six digits bring the 14.4 back. */
		rule.factor = rounded(burns[i].threshold / (1 - f->def.target), 6);
		if (!has_rule(f, &rule))
			f->rules[f->n_rules++] = rule;
	}
	return true;
}

static int
rule_compare(const void *pa, const void *pb)
{
	const struct slo_rule *a = pa, *b = pb;

	if (a->severity != b->severity)
		return a->severity > b->severity ? -1 : 1;
	if (a->factor != b->factor)
		return a->factor > b->factor ? -1 : 1;
	return (a->long_ns > b->long_ns) - (a->long_ns < b->long_ns);
}

static bool
is_workbook(const struct found *f)
{
	size_t n;
	const struct slo_rule *workbook = slo_default_rules(f->def.period_ns, f->arena, &n);

	if (n != f->n_rules)
		return false;
	for (size_t i = 0; i < n; i++)
		if (!has_rule(f, &workbook[i]))
			return false;
	return true;
}

/* "14 over 1h/5m, 7 over 6h/30m"; durations as in the names of the rules. */
static void
note_factors(struct found *f, const char *whose)
{
	char text[RULES_TEXT_MAX] = "", a[PROMQL_DURATION_MAX], b[PROMQL_DURATION_MAX];
	size_t len = 0;

	for (size_t i = 0; i < f->n_rules && len < sizeof text; i++) {
		const struct slo_rule *rule = &f->rules[i];

		len += (size_t)snprintf(text + len, sizeof text - len, "%s%g over %s%s%s", i == 0 ? "" : ", ", rule->factor,
		    promql_duration(a, rule->long_ns), rule->short_ns == 0 ? "" : "/",
		    rule->short_ns == 0 ? "" : promql_duration(b, rule->short_ns));
	}
	found_note(f, "burn rates of %s's alerts, not the Workbook's: %s", whose, text);
}

void
found_finish_rules(struct found *f, const char *whose)
{
	struct slo_rule *rules;

	if (f->n_rules == 0) {
		f->def.rules = slo_default_rules(f->def.period_ns, f->arena, &f->def.n_rules);
		found_note(f, "%s's rules hold no burn rate alert for it: the Workbook's burn rates are taken", whose);
		return;
	}
	qsort(f->rules, f->n_rules, sizeof *f->rules, rule_compare);
	if (!is_workbook(f))
		note_factors(f, whose);
	rules = arena_alloc(f->arena, f->n_rules * sizeof *rules);
	memcpy(rules, f->rules, f->n_rules * sizeof *rules);
	f->def.rules = rules;
	f->def.n_rules = f->n_rules;
}

/* --- whose rule is it ---------------------------------------------------------------------------------------------------------------- */

struct claim {
	enum slo_origin origin;
	const char *key;
	const struct rule *rule;	/* the rules of a set stand in one row: their addresses are their order */
};

static int
claim_compare(const void *pa, const void *pb)
{
	const struct claim *a = pa, *b = pb;
	int c = (a->origin > b->origin) - (a->origin < b->origin);

	if (c == 0)
		c = strcmp(a->key, b->key);
	return c != 0 ? c : (a->rule > b->rule) - (a->rule < b->rule);
}

static size_t
claim_rules(const struct rule_set *rules, struct claim *claims, struct arena *arena)
{
	size_t n = 0;

	for (size_t i = 0; i < rules->n; i++) {
		const struct rule *r = &rules->v[i];
		struct claim c = { .origin = SLO_FROM_SLOTH, .key = found_sloth_id(r, arena), .rule = r };

		if (c.key == NULL)
			c = (struct claim){ .origin = SLO_FROM_PYRRA, .key = found_pyrra_slo(r), .rule = r };
		if (c.key != NULL)
			claims[n++] = c;
	}
	if (n > 0)
		qsort(claims, n, sizeof *claims, claim_compare);
	return n;
}

/* --- the set --------------------------------------------------------------------------------------------------------------------------- */

static void
found_begin(struct found *f, struct arena *arena, const char *source, const struct claim *claim)
{
	struct label *label = arena_alloc(arena, sizeof *label);
	bool is_sloth = claim->origin == SLO_FROM_SLOTH;

	*f = (struct found){ .arena = arena };
	f->def = (struct slo_def){ .id = found_join(arena, "slo:", claim->key), .title = "", .service = "", .kind = "", .source = source,
		.where = "", .slice_target = NAN, .resolution_ns = NS_PER_MIN, .min_bad = min_bad };
	*label = (struct label){ is_sloth ? "sloth_id" : "slo", arena_strdup(arena, claim->key) };
	f->def.alert_labels = (struct labels){ 1, label };
}

static void
found_end(struct found *f, struct slo_def *to)
{
	const char **notes = arena_alloc(f->arena, f->n_notes * sizeof *notes);

	memcpy(notes, f->notes, f->n_notes * sizeof *notes);
	f->def.notes = (struct strings){ f->n_notes, notes };
	*to = f->def;
}

/* All claims of one key. */
static bool
find_one(struct arena *arena, const char *source, const struct claim *claims, size_t n, struct slo_def *ret)
{
	const struct rule **v = xcalloc(n, sizeof *v);
	struct found_rules rules = { n, v };
	struct found f;
	bool r;

	for (size_t i = 0; i < n; i++)
		v[i] = claims[i].rule;
	found_begin(&f, arena, source, &claims[0]);
	r = (claims[0].origin == SLO_FROM_SLOTH ? found_sloth : found_pyrra)(&f, claims[0].key, &rules);
	if (r)
		found_end(&f, ret);
	free(v);
	return r;
}

static int
def_compare(const void *pa, const void *pb)
{
	const struct slo_def *a = pa, *b = pb;
	int c = strcmp(a->id, b->id);

	return c != 0 ? c : (a->origin > b->origin) - (a->origin < b->origin);
}

/* An id of Sloth and a name of Pyrra may be the same word. */
static void
make_unique(struct arena *arena, struct slo_def *v, size_t n)
{
	for (size_t i = 1; i < n; i++)
		if (strcmp(v[i - 1].id, v[i].id) == 0)
			v[i].id = found_join(arena, v[i].id, "@pyrra");
	if (n > 0)
		qsort(v, n, sizeof *v, def_compare);
}

struct slo_def_set *
slo_found(const struct rule_set *rules, const char *source)
{
	struct slo_def_set *set = block_new(sizeof *set);
	struct arena *arena = &set->block.arena, keys = ARENA_INIT;
	struct claim *claims = xcalloc(rules->n + 1, sizeof *claims);
	size_t n = claim_rules(rules, claims, &keys), n_keys = 0, i, j;
	struct slo_def *v;

	for (i = 0; i < n; i++)
		n_keys += i == 0 || claims[i].origin != claims[i - 1].origin || strcmp(claims[i].key, claims[i - 1].key) != 0;
	v = arena_alloc(arena, n_keys * sizeof *v);
	source = arena_strdup(arena, source);
	for (i = 0; i < n; i = j) {
		for (j = i + 1; j < n && claims[j].origin == claims[i].origin && strcmp(claims[j].key, claims[i].key) == 0; j++)
			;
		set->n += find_one(arena, source, &claims[i], j - i, &v[set->n]);
	}
	if (set->n > 0)
		qsort(v, set->n, sizeof *v, def_compare);
	make_unique(arena, v, set->n);
	set->v = v;
	free(claims);
	arena_done(&keys);
	return set;
}

/* --- rules of --export slo-rules --------------------------------------------------------------------------------------------------------- */

#define RECORDED_FIRST "slo:first:increase"
#define RECORDED_TOTAL "slo:total:increase"

struct tile {			/* a recording rule of ours */
	const char *name, *service;
	int64_t step_ns;
	bool is_total;
};

static int
tile_compare(const void *pa, const void *pb)
{
	const struct tile *a = pa, *b = pb;
	int c = strcmp(a->name, b->name);

	if (c == 0)
		c = strcmp(a->service, b->service);
	if (c == 0)
		c = (a->step_ns > b->step_ns) - (a->step_ns < b->step_ns);
	return c != 0 ? c : a->is_total - b->is_total;
}

static bool
read_tile(const struct rule *r, struct tile *ret)
{
	const char *slo = labels_get(&r->labels, "slo"), *service = labels_get(&r->labels, "service"), *duration;
	bool is_total = str_has_prefix(r->name, RECORDED_TOTAL);
	int64_t ns;

	if (r->is_alerting || slo == NULL || strcmp(r->health, "err") == 0 || (!is_total && !str_has_prefix(r->name, RECORDED_FIRST)) ||
	    !expr_window(r->name, strlen(r->name), ":increase", &ns, &duration))
		return false;
	*ret = (struct tile){ slo, service == NULL ? "" : service, ns, is_total };
	return true;
}

/* The first and the total over the same length must both be there; the shortest such length, 0 for none. */
static int64_t
tile_of(const struct slo_def *def, const struct tile *v, size_t n)
{
	const struct tile key = { .name = def->name, .service = def->service };
	size_t lo = 0, hi = n;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (tile_compare(&v[mid], &key) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	for (; lo + 1 < n && strcmp(v[lo].name, def->name) == 0 && strcmp(v[lo].service, def->service) == 0; lo++)
		if (!v[lo].is_total && v[lo + 1].is_total && v[lo + 1].step_ns == v[lo].step_ns && strcmp(v[lo + 1].name, def->name) == 0 &&
		    strcmp(v[lo + 1].service, def->service) == 0)
			return v[lo].step_ns;
	return 0;
}

static void
set_recorded(struct slo_def *def, int64_t step_ns, struct arena *arena)
{
	static const char text[] = "its window is read from the recording rules of --export slo-rules: what was before they were loaded does not count";
	const char **notes = arena_alloc(arena, (def->notes.n + 1) * sizeof *notes);

	def->recorded_ns = step_ns;
	if (def->notes.n > 0)
		memcpy(notes, def->notes.v, def->notes.n * sizeof *notes);
	notes[def->notes.n] = text;
	def->notes = (struct strings){ def->notes.n + 1, notes };
}

struct slo_def_set *
slo_found_recorded(const struct slo_def_set *defs, const struct rule_set *rules, const char *source)
{
	struct slo_def_set *set = block_new(sizeof *set);
	struct tile *tiles = xcalloc(rules->n + 1, sizeof *tiles);
	struct slo_def *v = arena_alloc(&set->block.arena, defs->n * sizeof *v);
	size_t n = 0, i;

	for (i = 0; i < rules->n; i++)
		n += read_tile(&rules->v[i], &tiles[n]);
	if (n > 0)
		qsort(tiles, n, sizeof *tiles, tile_compare);
	for (i = 0; i < defs->n; i++) {
		const struct slo_def *def = &defs->v[i];
		bool is_ours = def->origin == SLO_FROM_CONFIG || def->origin == SLO_FROM_OPENSLO;
		int64_t step_ns = is_ours && strcmp(def->source, source) == 0 ? tile_of(def, tiles, n) : 0;

		slo_def_copy(&v[i], def, &set->block.arena);
		if (step_ns > 0)
			set_recorded(&v[i], step_ns, &set->block.arena);
	}
	set->v = v;
	set->n = defs->n;
	free(tiles);
	return set;
}
