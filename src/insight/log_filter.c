/* The query as typed: read into terms, all of which a line must have. */
#include "config.h"

#include "insight/log_filter.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/xalloc.h"
#include "insight/drain_priv.h"
#include "insight/log_filter_priv.h"

enum {
	MATCH_LIMIT = 100000,		/* steps back from one place, before a line is too costly */
	TERMS_MAX = 64,
	QUERY_MAX = 16384,
};

/* --- reading it ------------------------------------------------------------------------------------------------------------- */

struct reader {
	struct log_filter *f;
	const char *query, *p;
	struct err *err;
};

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Which column p is in, counted in characters from 1. */
static size_t
column(const struct reader *r, const char *p)
{
	size_t n = 1;

	for (const char *q = r->query; q < p; q++)
		n += ((unsigned char)*q & 0xc0) != 0x80;
	return n;
}

static struct term *
term_add(struct reader *r, enum term_kind kind, bool is_not)
{
	struct log_filter *f = r->f;

	if (f->n == f->cap) {
		f->cap = f->cap == 0 ? 4 : f->cap * 2;
		f->v = xreallocarray(f->v, f->cap, sizeof *f->v);
	}
	f->v[f->n] = (struct term){ .kind = kind, .is_not = is_not };
	return &f->v[f->n++];
}

static int
add_text(struct reader *r, const char *at, bool is_not, bool is_word, bool is_caseless, const char *text, size_t len)
{
	struct term *t;
	int rc;

	if (r->f->n == TERMS_MAX)
		return err_set(r->err, ERR_INVALID, "column %zu: more than %d terms", column(r, at), TERMS_MAX);
	t = term_add(r, TERM_TEXT, is_not);
	t->is_word = is_word;
	t->is_caseless = is_caseless;
	t->text = arena_strndup(&r->f->arena, text, len);
	t->len = len;
	rc = term_compile(r->f, t, r->err);
	if (rc < 0)
		err_prefix(r->err, "column %zu: %s", column(r, at), is_word ? "the word" : "the regex");
	return rc;
}

/* Up to the closing quote or the end, with \" and \\ for " and \. */
static void
read_quoted(struct reader *r, struct buf *b)
{
	for (r->p++; *r->p != '\0' && *r->p != '"'; r->p++) {
		if (*r->p == '\\' && (r->p[1] == '"' || r->p[1] == '\\'))
			r->p++;
		buf_addch(b, *r->p);
	}
	r->p += *r->p == '"';
}

/* Up to a blank; parts in quotes may hold blanks: label:path="/a b". */
static void
read_value(struct reader *r, struct buf *b)
{
	while (*r->p != '\0' && !is_blank(*r->p)) {
		if (*r->p == '"')
			read_quoted(r, b);
		else
			buf_addch(b, *r->p++);
	}
}

/* /regex/ or /regex/i; not closed, it goes on to the end. false: no regex but a word, such as /api/v1. */
static bool
read_regex(struct reader *r, struct buf *b, bool *ret_is_caseless)
{
	const char *p = r->p + 1;

	for (; *p != '\0' && *p != '/'; p++) {
		if (*p == '\\' && p[1] == '/')
			p++;
		else if (*p == '\\' && p[1] != '\0')
			buf_addch(b, *p++);
		buf_addch(b, *p);
	}
	*ret_is_caseless = *p == '/' && p[1] == 'i';
	if (*p == '/')
		p += 1 + *ret_is_caseless;
	if (*p != '\0' && !is_blank(*p))
		return false;
	r->p = p;
	return true;
}

static int
read_level(struct reader *r, const char *at, bool is_not, const char *value)
{
	bool is_exact = value[0] == '=';
	const char *word = value + is_exact;
	enum line_level level = log_level_find(word, strlen(word), false);
	char shown[40];
	struct term *t;

	if (level == LOG_LEVEL_UNKNOWN && !(is_exact && strcmp(word, log_level_name(LOG_LEVEL_UNKNOWN)) == 0))
		return err_set(r->err, ERR_INVALID, "column %zu: no level \"%s\": expected trace, debug, info, notice, warning, error or critical, with = before it for that alone",
		    column(r, at), str_escape_to(shown, sizeof shown, word));
	t = term_add(r, TERM_LEVEL, is_not);
	t->level = level;
	t->is_exact = is_exact;
	return 0;
}

static int
read_label(struct reader *r, const char *at, bool is_not, const char *value)
{
	const char *equal = strchr(value, '=');
	size_t len = equal == NULL ? strlen(value) : (size_t)(equal - value);
	struct term *t;

	if (len == 0)
		return err_set(r->err, ERR_INVALID, "column %zu: expected label:NAME=VALUE, or label:NAME for any value", column(r, at));
	t = term_add(r, TERM_LABEL, is_not);
	t->name = arena_strndup(&r->f->arena, value, len);
	t->glob = equal == NULL ? "*" : arena_strdup(&r->f->arena, equal + 1);
	return 0;
}

static void
add_pattern(struct reader *r, bool is_not, const char *pattern)
{
	uint64_t *words = arena_alloc(&r->f->arena, DRAIN_WORDS_MAX * sizeof *words);
	struct term *t = term_add(r, TERM_PATTERN, is_not);

	t->n_words = drain_pattern_words(pattern, words);
	t->words = words;
}

static int
read_key(struct reader *r, const char *at, bool is_not, enum term_kind kind)
{
	struct buf b;
	int rc = 0;

	r->p = strchr(r->p, ':') + 1;
	buf_init(&b, QUERY_MAX);
	read_value(r, &b);
	if (r->f->n == TERMS_MAX)
		rc = err_set(r->err, ERR_INVALID, "column %zu: more than %d terms", column(r, at), TERMS_MAX);
	else if (b.len == 0)
		rc = err_set(r->err, ERR_INVALID, "column %zu: expected a value after the colon", column(r, at));
	else if (kind == TERM_LEVEL)
		rc = read_level(r, at, is_not, b.data);
	else if (kind == TERM_LABEL)
		rc = read_label(r, at, is_not, b.data);
	else if (kind == TERM_PATTERN)
		add_pattern(r, is_not, b.data);
	else
		term_add(r, kind, is_not)->glob = arena_strdup(&r->f->arena, b.data);
	buf_done(&b);
	return rc;
}

static const struct {
	const char *name;
	enum term_kind kind;
} keys[] = { { "level:", TERM_LEVEL }, { "service:", TERM_SERVICE }, { "source:", TERM_SOURCE }, { "label:", TERM_LABEL }, { "pattern:", TERM_PATTERN } };

/* "levl:error" is a slip far more often than what somebody looks for in lines. */
static int
check_word(const struct reader *r, const char *at, const char *word)
{
	static const char *const names[] = { "level", "service", "source", "label", "pattern" };
	size_t len = strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");
	const char *near;
	char name[16];

	if (len < 3 || len >= sizeof name || word[len] != ':')
		return 0;
	for (size_t i = 0; i <= len; i++)
		name[i] = (char)(i < len && word[i] >= 'A' && word[i] <= 'Z' ? word[i] - 'A' + 'a' : i < len ? word[i] : '\0');
	near = str_nearest(name, names, sizeof names / sizeof names[0]);
	if (near == NULL)
		return 0;
	return err_set(r->err, ERR_INVALID, "column %zu: no key \"%s:\"; did you mean %s:? In quotes it is text", column(r, at), name, near);
}

static int
read_term(struct reader *r)
{
	const char *at = r->p;
	bool is_not = *r->p == '!' && r->p[1] != '\0' && !is_blank(r->p[1]), is_word = true, is_caseless = true;
	struct buf b;
	int rc = 0;

	r->p += is_not;
	for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
		if (str_has_prefix(r->p, keys[i].name))
			return read_key(r, at, is_not, keys[i].kind);
	buf_init(&b, QUERY_MAX);
	if (*r->p == '/')
		is_word = !read_regex(r, &b, &is_caseless);
	if (is_word) {
		buf_reset(&b);
		is_caseless = true;
		if (*r->p == '"')
			read_quoted(r, &b);
		else {
			rc = check_word(r, at, r->p);
			while (*r->p != '\0' && !is_blank(*r->p))
				buf_addch(&b, *r->p++);
		}
	}
	if (rc == 0 && b.len > 0)
		rc = add_text(r, at, is_not, is_word, is_caseless, b.data, b.len);
	buf_done(&b);
	return rc;
}

/* The rest is the store's own. */
static bool
read_native(struct log_filter *f, const char *query)
{
	static const struct {
		const char *prefix, *type;
	} natives[] = { { "loki:", "loki" }, { "es:", "elasticsearch" }, { "elasticsearch:", "elasticsearch" }, { "opensearch:", "elasticsearch" },
		{ "journal:", "journald" }, { "journald:", "journald" } };

	for (size_t i = 0; i < sizeof natives / sizeof natives[0]; i++) {
		if (!str_has_prefix(query, natives[i].prefix))
			continue;
		query += strlen(natives[i].prefix);
		while (is_blank(*query))
			query++;
		f->native = arena_strdup(&f->arena, query);
		f->native_type = natives[i].type;
		return true;
	}
	return false;
}

/* Those that need the fewest lines looked at first: what is known of the stream or the line's level, then words, then regexes, then what must not be in it. */
static int
term_cost(const struct term *t)
{
	if (t->kind == TERM_PATTERN)
		return 2;
	if (t->kind != TERM_TEXT)
		return 0;
	return 1 + !t->is_word + !t->is_plain + 4 * t->is_not;
}

static int
term_compare(const void *a, const void *b)
{
	return term_cost(a) - term_cost(b);
}

static int
read_all(struct log_filter *f, const char *query, struct err *err)
{
	struct reader r = { .f = f, .query = query, .p = query, .err = err };
	int rc = 0;

	if (strlen(query) > QUERY_MAX - 2)
		return err_set(err, ERR_INVALID, "the query is longer than %d bytes", QUERY_MAX - 2);
	while (is_blank(*r.p))
		r.p++;
	if (read_native(f, r.p))
		return 0;
	while (rc == 0 && *r.p != '\0') {
		rc = read_term(&r);
		while (is_blank(*r.p))
			r.p++;
	}
	if (f->n > 1)
		qsort(f->v, f->n, sizeof *f->v, term_compare);
	return rc;
}

int
log_filter_new(const char *query, struct log_filter **ret, struct err *err)
{
	struct log_filter *f = xcalloc(1, sizeof *f);
	int r;

	f->compile = pcre2_compile_context_create(NULL);
	f->match = pcre2_match_context_create(NULL);
	if (f->compile == NULL || f->match == NULL) {
		log_filter_free(f);
		return err_set(err, ERR_NOMEM, "out of memory");
	}
	pcre2_set_newline(f->compile, PCRE2_NEWLINE_NUL);
	pcre2_set_match_limit(f->match, MATCH_LIMIT);
	r = read_all(f, query, err);
	if (r < 0) {
		log_filter_free(f);
		return r;
	}
	*ret = f;
	return 0;
}

void
log_filter_free(struct log_filter *f)
{
	if (f == NULL)
		return;
	for (size_t i = 0; i < f->n; i++) {
		pcre2_code_free(f->v[i].bytes);
		pcre2_code_free(f->v[i].utf);
		pcre2_code_free(f->v[i].need);
	}
	pcre2_compile_context_free(f->compile);
	pcre2_match_context_free(f->match);
	free(f->v);
	arena_done(&f->arena);
	free(f);
}

const char *
log_filter_native(const struct log_filter *f, const char **ret_type)
{
	if (f->native != NULL && ret_type != NULL)
		*ret_type = f->native_type;
	return f->native;
}

/* --- does one let through only what another does? ----------------------------------------------------------------------------------- */

static bool
text_implies(const struct term *now, const struct term *before)
{
	if (now->len == before->len && memcmp(now->text, before->text, now->len) == 0 && now->is_word == before->is_word)
		return now->is_caseless == before->is_caseless;
	if (!now->is_word || !before->is_word)
		return false;
	/* A longer word that must be there, a shorter one that must not. */
	return now->is_not ? str_contains(before->text, now->text) : str_contains(now->text, before->text);
}

static bool
level_implies(const struct term *now, const struct term *before)
{
	if (now->is_exact == before->is_exact && now->level == before->level)
		return true;
	if (before->is_exact)
		return false;
	/* Not that or worse: a lower bar lets fewer through. */
	return now->is_not ? !now->is_exact && now->level <= before->level : now->level >= before->level;
}

static bool
term_implies(const struct term *now, const struct term *before)
{
	if (now->kind != before->kind || now->is_not != before->is_not)
		return false;
	switch (now->kind) {
	case TERM_TEXT:
		return text_implies(now, before);
	case TERM_LEVEL:
		return level_implies(now, before);
	case TERM_LABEL:
		return strcmp(now->name, before->name) == 0 && strcmp(now->glob, before->glob) == 0;
	case TERM_SERVICE:
	case TERM_SOURCE:
		return strcmp(now->glob, before->glob) == 0;
	case TERM_PATTERN:
		return now->n_words == before->n_words && memcmp(now->words, before->words, now->n_words * sizeof *now->words) == 0;
	}
	return false;
}

bool
log_filter_narrows(const struct log_filter *before, const struct log_filter *now)
{
	if (before->native != NULL || now->native != NULL)
		return before->native != NULL && now->native != NULL && strcmp(before->native, now->native) == 0 && before->native_type == now->native_type;
	for (size_t i = 0; i < before->n; i++) {
		bool is_implied = false;

		for (size_t j = 0; j < now->n && !is_implied; j++)
			is_implied = term_implies(&now->v[j], &before->v[i]);
		if (!is_implied)
			return false;
	}
	return true;
}
