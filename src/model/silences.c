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

/* 1 matches, 0 does not, -1 cannot be tried. */
static int
regex_match(const char *pattern, const char *value)
{
	pcre2_code *code = compile(pattern);
	pcre2_match_data *data = code == NULL ? NULL : pcre2_match_data_create(1, NULL);
	pcre2_match_context *context = data == NULL ? NULL : pcre2_match_context_create(NULL);
	int r = PCRE2_ERROR_NOMEMORY;

	if (context != NULL) {
		pcre2_set_match_limit(context, MATCH_LIMIT);
		pcre2_set_depth_limit(context, DEPTH_LIMIT);
		pcre2_set_heap_limit(context, HEAP_LIMIT_KIB);
		r = pcre2_match(code, (PCRE2_SPTR)value, strlen(value), 0, 0, data, context);
	}
	pcre2_match_context_free(context);
	pcre2_match_data_free(data);
	pcre2_code_free(code);
	return r >= 0 ? 1 : r == PCRE2_ERROR_NOMATCH ? 0 : -1;
}

static bool
matcher_matches(const struct matcher *m, const struct labels *labels, bool *bad)
{
	const char *value = labels_get(labels, m->name);
	int r;

	if (value == NULL)
		value = "";
	if (!m->is_regex)
		return (strcmp(value, m->value) == 0) == m->is_equal;
	r = regex_match(m->value, value);
	if (r < 0) {
		*bad = true;
		return false;
	}
	return (r > 0) == m->is_equal;
}

bool
matchers_match(const struct matcher *v, size_t n, const struct labels *labels, bool *ret_bad)
{
	bool is_match = true, is_bad = false;

	/* The cheap ones first, so that most alerts never meet a regular expression. */
	for (size_t i = 0; i < n && is_match; i++)
		if (!v[i].is_regex)
			is_match = matcher_matches(&v[i], labels, &is_bad);
	for (size_t i = 0; i < n && is_match; i++)
		if (v[i].is_regex)
			is_match = matcher_matches(&v[i], labels, &is_bad);
	if (is_bad && ret_bad != NULL)
		*ret_bad = true;
	return is_match;
}

int
matchers_check(const struct matcher *v, size_t n, struct err *err)
{
	for (size_t i = 0; i < n; i++) {
		pcre2_code *code = v[i].is_regex ? compile(v[i].value) : NULL;
		char name[64], value[256];

		if (v[i].is_regex && code == NULL)
			return err_set(err, ERR_INVALID, "matcher %s%s%s is not a regular expression that can be tried",
			    str_escape_to(name, sizeof name, v[i].name), v[i].is_equal ? "=~" : "!~",
			    str_escape_to(value, sizeof value, v[i].value));
		pcre2_code_free(code);
	}
	return 0;
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
