/* Silences: the list, and what their matchers would mute. */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "config.h"

#include <pcre2.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/xalloc.h"
#include "model/hindex.h"
#include "model/model_priv.h"

enum {
	PATTERN_MAX = 4096,
	MATCH_LIMIT = 20000,		/* steps; a pattern that needs more on a label is not one to run at 3 a.m. */
	DEPTH_LIMIT = 2000,
	HEAP_LIMIT_KIB = 1024,
	STEPS_MAX = 8 * 1000 * 1000,	/* of all tries of a set: a tenth of a second or so */
	JIT_STACK_MIN = 32 << 10, JIT_STACK_MAX = 512 << 10,
};

/* --- matchers ---------------------------------------------------------------------------------------------------------------- */

static pcre2_code *
compile(const char *pattern)
{
	pcre2_compile_context *context = pcre2_compile_context_create(NULL);
	pcre2_code *code = NULL;
	PCRE2_SIZE at;
	int error;

	if (context != NULL && pcre2_set_max_pattern_length(context, PATTERN_MAX) == 0)
		code = pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED,
		    PCRE2_UTF | PCRE2_ANCHORED | PCRE2_ENDANCHORED | PCRE2_NEVER_BACKSLASH_C, &error, &at, context);
	pcre2_compile_context_free(context);
	return code;
}

struct matcher_set {
	const struct matcher *v;
	size_t n;
	pcre2_code **codes;		/* NULL where it is no regex */
	pcre2_match_data *data;
	pcre2_match_context *context;
	pcre2_jit_stack *stack;
	uint64_t steps;			/* left */
};

static int
not_a_regex(const struct matcher *m, struct err *err)
{
	char name[64], value[256];

	return err_set(err, ERR_INVALID, "matcher %s%s%s is not a regular expression that can be tried",
	    str_escape_to(name, sizeof name, m->name), m->is_equal ? "=~" : "!~", str_escape_to(value, sizeof value, m->value));
}

/* What matching needs, when there is a regex at all. */
static int
set_prepare(struct matcher_set *set)
{
	set->data = pcre2_match_data_create(1, NULL);
	set->context = pcre2_match_context_create(NULL);
	if (set->data == NULL || set->context == NULL)
		return ERR_LIMIT;
	pcre2_set_depth_limit(set->context, DEPTH_LIMIT);
	pcre2_set_heap_limit(set->context, HEAP_LIMIT_KIB);
	/* NULL where there is no JIT: then what was compiled is interpreted. */
	set->stack = pcre2_jit_stack_create(JIT_STACK_MIN, JIT_STACK_MAX, NULL);
	if (set->stack != NULL)
		pcre2_jit_stack_assign(set->context, NULL, set->stack);
	return 0;
}

struct matcher_set *
matcher_set_new(const struct matcher *v, size_t n, struct err *err)
{
	struct matcher_set *set = xcalloc(1, sizeof *set);

	*set = (struct matcher_set){ .v = v, .n = n, .codes = xcalloc(n, sizeof(pcre2_code *)), .steps = STEPS_MAX };
	for (size_t i = 0; i < n; i++) {
		if (!v[i].is_regex)
			continue;
		set->codes[i] = compile(v[i].value);
		if (set->codes[i] == NULL || (set->data == NULL && set_prepare(set) < 0)) {
			not_a_regex(&v[i], err);
			matcher_set_free(set);
			return NULL;
		}
		/* Only faster: without it the same answers. */
		pcre2_jit_compile(set->codes[i], PCRE2_JIT_COMPLETE);
	}
	return set;
}

void
matcher_set_free(struct matcher_set *set)
{
	if (set == NULL)
		return;
	for (size_t i = 0; i < set->n; i++)
		pcre2_code_free(set->codes[i]);
	free(set->codes);
	pcre2_match_data_free(set->data);
	pcre2_match_context_free(set->context);
	pcre2_jit_stack_free(set->stack);
	free(set);
}

/* PCRE2 does not tell what a try cost. So each is first given few steps, and more only where that was too few: what it was given counts. */
static int
try_regex(struct matcher_set *set, const pcre2_code *code, const char *value)
{
	static const uint32_t limits[] = { 64, 1024, MATCH_LIMIT };
	size_t len = strlen(value);
	int r = PCRE2_ERROR_MATCHLIMIT;

	for (size_t i = 0; i < sizeof limits / sizeof limits[0] && r == PCRE2_ERROR_MATCHLIMIT; i++) {
		uint64_t cost = limits[i] + len / 8;

		if (cost > set->steps) {
			set->steps = 0;
			return PCRE2_ERROR_MATCHLIMIT;
		}
		set->steps -= cost;
		pcre2_set_match_limit(set->context, limits[i]);
		r = pcre2_match(code, (PCRE2_SPTR)value, len, 0, 0, set->data, set->context);
	}
	return r;
}

static enum matcher_answer
answer(struct matcher_set *set, size_t i, const struct labels *labels)
{
	const struct matcher *m = &set->v[i];
	const char *value = labels_get(labels, m->name);
	int r;

	if (value == NULL)
		value = "";
	if (!m->is_regex)
		return (strcmp(value, m->value) == 0) == m->is_equal ? MATCHER_YES : MATCHER_NO;
	r = try_regex(set, set->codes[i], value);
	if (r < 0 && r != PCRE2_ERROR_NOMATCH)
		return MATCHER_UNKNOWN;
	return (r >= 0) == m->is_equal ? MATCHER_YES : MATCHER_NO;
}

enum matcher_answer
matcher_set_match(struct matcher_set *set, const struct labels *labels)
{
	enum matcher_answer a = MATCHER_YES;

	if (set->steps == 0)
		return MATCHER_UNKNOWN;
	/* The cheap ones first, so that most alerts never meet a regular expression. */
	for (size_t i = 0; i < set->n && a == MATCHER_YES; i++)
		if (!set->v[i].is_regex)
			a = answer(set, i, labels);
	for (size_t i = 0; i < set->n && a == MATCHER_YES; i++)
		if (set->v[i].is_regex)
			a = answer(set, i, labels);
	return a;
}

bool
matchers_match(const struct matcher *v, size_t n, const struct labels *labels, bool *ret_bad)
{
	struct matcher_set *set = matcher_set_new(v, n, NULL);
	enum matcher_answer a = set != NULL ? matcher_set_match(set, labels) : MATCHER_UNKNOWN;

	matcher_set_free(set);
	if (a == MATCHER_UNKNOWN && ret_bad != NULL)
		*ret_bad = true;
	return a == MATCHER_YES;
}

int
matchers_check(const struct matcher *v, size_t n, struct err *err)
{
	struct matcher_set *set = matcher_set_new(v, n, err);
	bool is_good = set != NULL;

	matcher_set_free(set);
	return is_good ? 0 : ERR_INVALID;
}

/* --- the list ---------------------------------------------------------------------------------------------------------------- */

static int
state_rank(enum silence_state state)
{
	return state == SILENCE_ACTIVE ? 0 : state == SILENCE_PENDING ? 1 : 2;
}

static int
silence_compare(const void *pa, const void *pb)
{
	const struct model_silence *a = pa, *b = pb;
	int c = state_rank(a->silence->state) - state_rank(b->silence->state);

	if (c == 0)
		c = (a->silence->ends_ns > b->silence->ends_ns) - (a->silence->ends_ns < b->silence->ends_ns);
	return c != 0 ? c : strcmp(a->silence->id, b->silence->id);
}

/* Members of a cluster tell of the same silences: one row each, by the newest word. */
static void
add_silence(struct alerts_view *v, struct hindex *ids, const struct silence *silence, const char *source)
{
	uint64_t hash = str_hash(silence->id, strlen(silence->id), STR_HASH_SEED);
	uint32_t at = hindex_get(ids, hash);

	if (at == HINDEX_NONE) {
		at = (uint32_t)v->n_silences++;
		hindex_set(ids, hash, at);
	} else if (silence->updated_ns <= v->silences[at].silence->updated_ns) {
		return;
	}
	v->silences[at] = (struct model_silence){ .silence = silence, .source = source };
}

static struct model_silence *
silence_by_id(struct alerts_view *v, const struct hindex *ids, const char *id)
{
	uint32_t at = hindex_get(ids, str_hash(id, strlen(id), STR_HASH_SEED));

	return at == HINDEX_NONE || strcmp(v->silences[at].silence->id, id) != 0 ? NULL : &v->silences[at];
}

void
silences_mute(struct alerts_view *v, const struct hindex *ids, struct model_alert *row)
{
	for (size_t i = 0; i < row->am->silenced_by.n; i++) {
		struct model_silence *s = silence_by_id(v, ids, row->am->silenced_by.v[i]);

		if (s == NULL || s->silence->state == SILENCE_EXPIRED)
			continue;
		s->n_hides++;
		if (s->silence->ends_ns > row->silenced_until_ns)
			row->silenced_until_ns = s->silence->ends_ns;
		row->is_acked |= str_has_prefix(s->silence->comment, "ACK");
	}
}

void
silences_collect(const struct model *m, struct alerts_view *v, struct hindex *ids)
{
	size_t n = 0;

	for (size_t i = 0; i < m->n_sources; i++)
		n += m->sources[i]->silences == NULL ? 0 : m->sources[i]->silences->n;
	v->silences = xcalloc(n, sizeof *v->silences);
	hindex_init(ids, n);
	for (size_t i = 0; i < m->n_sources; i++) {
		const struct silence_set *set = m->sources[i]->silences;

		for (size_t j = 0; set != NULL && j < set->n; j++)
			add_silence(v, ids, &set->v[j], m->sources[i]->pub.name);
	}
}

void
silences_sort(struct alerts_view *v)
{
	qsort(v->silences, v->n_silences, sizeof *v->silences, silence_compare);
}

size_t
model_n_silences(const struct model *m)
{
	return alerts_get(m)->n_silences;
}

const struct model_silence *
model_silence(const struct model *m, size_t i)
{
	return &alerts_get(m)->silences[i];
}

const struct model_silence *
model_silence_find(const struct model *m, const char *id)
{
	const struct alerts_view *v = alerts_get(m);

	for (size_t i = 0; i < v->n_silences; i++)
		if (strcmp(v->silences[i].silence->id, id) == 0)
			return &v->silences[i];
	return NULL;
}
