/* Words of a line, with what surely varies taken out before patterns are looked for. */
#include "config.h"

#include <string.h>

#include "insight/drain_priv.h"

enum { BLANK = 1, DIGIT = 2, HEX = 4, ALNUM = 8, JOIN = 16, CUT = 32 };

/* By table, as every byte of every line passes here. JOIN: may stand between digits of one number, time or address; CUT: ends a word without a blank. */
static const unsigned char kinds[256] = {
	['\0'] = BLANK, [' '] = BLANK, ['\t'] = BLANK, ['\n'] = BLANK, ['\r'] = BLANK,
	['0' ... '9'] = DIGIT | HEX | ALNUM, ['a' ... 'f'] = HEX | ALNUM, ['A' ... 'F'] = HEX | ALNUM, ['g' ... 'z'] = ALNUM, ['G' ... 'S'] = ALNUM,
	['T'] = ALNUM | JOIN, ['U' ... 'Z'] = ALNUM,
	['.'] = JOIN, [':'] = JOIN, ['-'] = JOIN, ['+'] = JOIN, ['/'] = JOIN, [','] = CUT, ['{'] = CUT, ['['] = CUT,
};

static bool
is(char c, unsigned kind)
{
	return (kinds[(unsigned char)c] & kind) != 0;
}

/* How long the run of letters and digits at p is, and what is in it. */
static size_t
run(const char *p, const char *end, bool *ret_has_digit, bool *ret_has_letter, bool *ret_is_hex)
{
	const char *q = p;
	unsigned any = 0, all = HEX;

	for (; q < end && is(*q, ALNUM); q++) {
		any |= is(*q, DIGIT) ? DIGIT : ALNUM;
		all &= kinds[(unsigned char)*q];
	}
	*ret_has_digit = (any & DIGIT) != 0;
	*ret_has_letter = (any & ALNUM) != 0;
	*ret_is_hex = all != 0;
	return (size_t)(q - p);
}

/* 123e4567-e89b-12d3-a456-426614174000 */
static bool
is_uuid(const char *p, const char *end)
{
	if (end - p < 36)
		return false;
	for (int i = 0; i < 36; i++)
		if (i == 8 || i == 13 || i == 18 || i == 23 ? p[i] != '-' : !is(p[i], HEX))
			return false;
	return end - p == 36 || !is(p[36], ALNUM);
}

/* Digits, with more behind what joins them: 12.5, 10.0.0.1:80, 2030-01-01T00:00:00. */
static const char *
number_end(const char *p, const char *end)
{
	for (; p < end; p++)
		if (!is(*p, DIGIT) && !(is(*p, JOIN) && p + 1 < end && is(p[1], DIGIT)))
			break;
	return p;
}

/* What varies at p, where a word of letters and digits begins: its end; p: nothing does. */
static const char *
variable_end(const char *p, const char *end)
{
	bool has_digit, has_letter, is_hex;
	size_t len = run(p, end, &has_digit, &has_letter, &is_hex);
	const char *q;

	if (!has_digit && len != 8)
		return p;
	if (len == 8 && is_hex && is_uuid(p, end))
		return p + 36;
	if (!has_digit)
		return p;
	if (len > 2 && p[0] == '0' && (p[1] == 'x' || p[1] == 'X'))
		return p + len;
	if ((len >= 6 && is_hex && has_letter) || (len >= 16 && has_letter))
		return p + len;
	if (is(*p, DIGIT))
		return number_end(p, end);
	/* user12345, but not v1 or p99. */
	for (q = p; q < p + len && !is(*q, DIGIT); q++)
		;
	return p + len - q >= 3 && number_end(q, p + len) == p + len ? p + len : p;
}

/* A quoted value with blanks inside, unless its name says that it is what the line is about; its end, p: none. */
static const char *
quoted_end(const char *p, const char *begin, const char *end)
{
	static const char *const told[] = { "msg", "message", "level", "error", "err", "event", "reason" };
	const char *name = p - 1, *q;
	bool has_blank = false;

	if (p == begin || (p[-1] != '=' && p[-1] != ':'))
		return p;
	for (q = p + 1; q < end && *q != '"'; q++) {
		has_blank = has_blank || *q == ' ';
		q += *q == '\\' && q + 1 < end;
	}
	if (q >= end || !has_blank)
		return p;
	while (name > begin && (is(name[-1], ALNUM) || name[-1] == '"'))
		name--;
	name += *name == '"';
	for (size_t i = 0; i < sizeof told / sizeof told[0]; i++)
		if (strncmp(name, told[i], strlen(told[i])) == 0 && !is(name[strlen(told[i])], ALNUM))
			return p;
	return q + 1;
}

static uint64_t
word_hash(const char *text, size_t len)
{
	return len == sizeof DRAIN_WILD - 1 && memcmp(text, DRAIN_WILD, len) == 0 ? 0 : log_hash(text, len, 0) | 1;
}

static void
word_end(struct drain_words *w, struct drain_word *word, char *to)
{
	word->len = (size_t)(to - word->text);
	if (word->len == 0)
		return;
	word->hash = word_hash(word->text, word->len);
	w->n++;
}

static char *
put_wild(char *to)
{
	return (char *)memcpy(to, DRAIN_WILD, sizeof DRAIN_WILD - 1) + sizeof DRAIN_WILD - 1;
}

void
drain_words(struct drain_words *w, const char *text, size_t len)
{
	const char *p = text, *end = text + (len < DRAIN_BYTES_MAX ? len : DRAIN_BYTES_MAX);
	char *to = w->text;

	w->n = 0;
	for (bool is_glued = false; p < end && w->n < DRAIN_WORDS_MAX;) {
		struct drain_word *word = &w->v[w->n];
		bool is_cut = false;

		for (; p < end && is(*p, BLANK); p++)
			is_glued = false;
		*word = (struct drain_word){ .text = to, .is_glued = is_glued };
		while (p < end && !is(*p, BLANK) && !is_cut) {
			const char *q = *p == '"' ? quoted_end(p, text, end) : is(*p, ALNUM) ? variable_end(p, end) : p;

			if (q > p) {
				to = put_wild(to);
				p = q;
				continue;
			}
			/* The rest of a word of letters goes over as it is. */
			do {
				is_cut = is(*p, CUT);
				*to++ = *p++;
			} while (p < end && is(*p, ALNUM) && is(p[-1], ALNUM));
		}
		is_glued = true;
		word_end(w, word, to);
		*to++ = '\0';
	}
}

size_t
drain_pattern_words(const char *pattern, uint64_t *ret)
{
	size_t n = 0;

	for (const char *p = pattern, *begin; *p != '\0' && n < DRAIN_WORDS_MAX;) {
		while (*p != '\0' && is(*p, BLANK))
			p++;
		begin = p;
		while (*p != '\0' && !is(*p, BLANK) && !(p > begin && is(p[-1], CUT)))
			p++;
		if (p > begin)
			ret[n++] = word_hash(begin, (size_t)(p - begin));
	}
	return n;
}

bool
drain_words_fit(const struct drain_words *w, const uint64_t *pattern, size_t n)
{
	if (w->n != n)
		return false;
	for (size_t i = 0; i < n; i++)
		if (pattern[i] != 0 && pattern[i] != w->v[i].hash)
			return false;
	return true;
}
