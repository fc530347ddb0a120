/* Which lines of a segment a filter lets through: a bit for each line, and one term after the other takes some away. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "insight/drain_priv.h"
#include "insight/log_filter_priv.h"

enum { LINES_MAX = 1 << 16, WORDS = LINES_MAX / 64, FEW = 16 };

struct run {
	const struct log_filter *f;
	const struct log_segment *segment;
	struct log_texts texts;
	struct term_search search;
	size_t from, to;
	uint64_t bits[WORDS], hits[WORDS];
};

/* --- what is known of a stream or by the level --------------------------------------------------------------------------------- */

static bool
level_passes(const struct term *t, enum line_level level)
{
	return (t->is_exact ? level == t->level : level >= t->level) != t->is_not;
}

static bool
stream_passes(const struct term *t, const struct log_ref *line)
{
	const char *value;

	switch (t->kind) {
	case TERM_SERVICE:
		return log_glob(t->glob, line->service) != t->is_not;
	case TERM_SOURCE:
		return log_glob(t->glob, line->source) != t->is_not;
	case TERM_LABEL:
		value = labels_get(line->labels, t->name);
		return (value != NULL && log_glob(t->glob, value)) != t->is_not;
	case TERM_TEXT:
	case TERM_LEVEL:
	case TERM_PATTERN:
		break;
	}
	return true;
}

static bool *
streams_pass(const struct run *r)
{
	bool *v = xcalloc(r->texts.n_streams + 1, sizeof *v);

	for (size_t i = 0; i < r->texts.n_streams; i++) {
		struct log_ref line;

		log_segment_stream(r->segment, i, &line);
		v[i] = true;
		for (size_t j = 0; j < r->f->n; j++)
			v[i] = v[i] && stream_passes(&r->f->v[j], &line);
	}
	return v;
}

static void
start(struct run *r)
{
	bool levels[LOG_LEVELS], is_any = false, *streams;

	for (size_t i = 0; i < r->f->n; i++)
		is_any = is_any || (r->f->v[i].kind != TERM_TEXT && r->f->v[i].kind != TERM_PATTERN);
	if (!is_any) {
		for (size_t i = r->from; i < r->to; i++)
			r->bits[(i - r->from) / 64] |= UINT64_C(1) << (i - r->from) % 64;
		return;
	}
	for (int i = 0; i < LOG_LEVELS; i++) {
		levels[i] = true;
		for (size_t j = 0; j < r->f->n; j++)
			if (r->f->v[j].kind == TERM_LEVEL)
				levels[i] = levels[i] && level_passes(&r->f->v[j], (enum line_level)i);
	}
	streams = streams_pass(r);
	for (size_t i = r->from; i < r->to; i++)
		if (levels[r->texts.levels[i]] && streams[r->texts.streams[i]])
			r->bits[(i - r->from) / 64] |= UINT64_C(1) << (i - r->from) % 64;
	free(streams);
}

/* --- patterns ---------------------------------------------------------------------------------------------------------------------- */

static bool
pattern_passes(const struct term *t, const struct log_ref *line)
{
	struct drain_words words;

	drain_words(&words, line->text, line->len);
	return drain_words_fit(&words, t->words, t->n_words) != t->is_not;
}

static void
pattern_term(struct run *r, const struct term *t)
{
	for (size_t i = r->from; i < r->to; i++) {
		uint64_t *word = &r->bits[(i - r->from) / 64], bit = UINT64_C(1) << (i - r->from) % 64;
		struct log_ref line;

		if ((*word & bit) == 0)
			continue;
		log_segment_line(r->segment, i, &line);
		if (!pattern_passes(t, &line))
			*word &= ~bit;
	}
}

/* --- texts ------------------------------------------------------------------------------------------------------------------------- */

static size_t
n_left(const struct run *r)
{
	size_t n = 0;

	for (size_t i = 0; i <= (r->to - r->from) / 64 && i < WORDS; i++)
		n += (size_t)__builtin_popcountll(r->bits[i]);
	return n;
}

/* Few lines are left: only those. */
static void
each_left(struct run *r, const struct term *t)
{
	for (size_t i = r->from; i < r->to; i++) {
		uint64_t *word = &r->bits[(i - r->from) / 64], bit = UINT64_C(1) << (i - r->from) % 64;
		size_t before = r->search.n_too_costly;
		const char *text = r->texts.text + r->texts.at[i];
		bool is_in;

		if ((*word & bit) == 0)
			continue;
		is_in = term_in_text(&r->search, t, text, r->texts.at[i + 1] - r->texts.at[i] - 1, r->texts.is_ascii);
		if (is_in == t->is_not || r->search.n_too_costly > before)
			*word &= ~bit;
	}
}

/* Only lines that have the word which the regex needs; true: few are left, and they have been looked at. */
static bool
need_first(struct run *r, const struct term *t)
{
	size_t n = r->to - r->from, words = (n + 63) / 64;

	/* With case ignored the regex takes letters of other scripts for the same, the word does not. */
	if (t->need == NULL || t->is_not || (t->is_caseless && !r->texts.is_ascii))
		return false;
	memset(r->hits, 0, words * sizeof *r->hits);
	if (!term_need_in_lines(&r->search, t, &r->texts, r->from, r->to, r->hits))
		return false;
	for (size_t i = 0; i < words; i++)
		r->bits[i] &= r->hits[i];
	if (n_left(r) * 4 >= n)
		return false;
	each_left(r, t);
	return true;
}

static void
text_term(struct run *r, const struct term *t)
{
	size_t left = n_left(r), n = r->to - r->from, words = (n + 63) / 64;

	if (left == 0)
		return;
	if (!t->is_plain || !t->is_jit || left * FEW < n) {
		each_left(r, t);
		return;
	}
	if (need_first(r, t))
		return;
	memset(r->hits, 0, words * sizeof *r->hits);
	if (!term_in_lines(&r->search, t, &r->texts, r->from, r->to, r->hits)) {
		each_left(r, t);
		return;
	}
	for (size_t i = 0; i < words; i++)
		r->bits[i] &= t->is_not ? ~r->hits[i] : r->hits[i];
}

size_t
log_filter_run(const struct log_filter *f, const struct log_segment *s, size_t from, size_t to, uint32_t *ret, size_t *ret_too_costly)
{
	struct run *r = xcalloc(1, sizeof *r);
	size_t n = 0;

	r->f = f;
	r->segment = s;
	r->from = from;
	r->to = to;
	log_segment_texts(s, &r->texts);
	term_search_init(&r->search, f);
	start(r);
	for (size_t i = 0; i < f->n; i++)
		if (f->v[i].kind == TERM_TEXT)
			text_term(r, &f->v[i]);
		else if (f->v[i].kind == TERM_PATTERN)
			pattern_term(r, &f->v[i]);
	for (size_t i = 0; i < (to - from + 63) / 64; i++)
		for (uint64_t word = r->bits[i]; word != 0; word &= word - 1)
			ret[n++] = (uint32_t)(from + i * 64 + (size_t)__builtin_ctzll(word));
	if (ret_too_costly != NULL)
		*ret_too_costly = r->search.n_too_costly;
	term_search_done(&r->search);
	free(r);
	return n;
}

/* --- one line ------------------------------------------------------------------------------------------------------------------------ */

static bool
term_passes(struct term_search *search, const struct term *t, const struct log_ref *line)
{
	size_t before = search->n_too_costly;

	if (t->kind == TERM_LEVEL)
		return level_passes(t, line->level);
	if (t->kind == TERM_PATTERN)
		return pattern_passes(t, line);
	if (t->kind != TERM_TEXT)
		return stream_passes(t, line);
	return term_in_text(search, t, line->text, line->len, log_text_is_ascii(line->text, line->len)) != t->is_not && search->n_too_costly == before;
}

bool
log_filter_line(const struct log_filter *f, const struct log_ref *line)
{
	struct term_search search;
	bool is_in = true;

	term_search_init(&search, f);
	for (size_t i = 0; i < f->n && is_in; i++)
		is_in = term_passes(&search, &f->v[i], line);
	term_search_done(&search);
	return is_in;
}

bool
log_filter_find(const struct log_filter *f, const char *text, size_t len, size_t from, size_t *ret_start, size_t *ret_end)
{
	struct term_search search;
	bool is_found = false;

	term_search_init(&search, f);
	for (size_t i = 0; i < f->n; i++) {
		const struct term *t = &f->v[i];
		size_t at, end;

		if (t->kind != TERM_TEXT || t->is_not || !term_find(&search, t, text, len, from, &at, &end))
			continue;
		if (is_found && (at > *ret_start || (at == *ret_start && end <= *ret_end)))
			continue;
		*ret_start = at;
		*ret_end = end;
		is_found = true;
	}
	term_search_done(&search);
	return is_found;
}
