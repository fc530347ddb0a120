/*
 * Words and regexes, by PCRE2 and its compiler to machine code.
 *
 * A line's end, its NUL, is what ends a line for the regex too. Where a regex can neither match nor look beyond that, many lines are searched as one text: a call for each
 * line that matches, not for each line.
 */
#include "config.h"

#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "insight/log_filter_priv.h"

enum {
	WINDOW = 32 << 10,		/* long lines are searched by parts ... */
	WINDOW_STEP = 24 << 10,		/* ... that overlap */
	PATTERN_MAX = 4096,
};
#define LINE_NS (50 * NS_PER_MS)	/* for one long line */

/* --- compiling ------------------------------------------------------------------------------------------------------------ */

bool
log_text_is_ascii(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)text[i] >= 0x80)
			return false;
	return true;
}

/*
 * Only what is known to stay inside the line: letters, ., classes that say what is in them, groups, |, counts, anchors. Not [^x], \S, \W or \D, which match the NUL between two
 * lines, and not what looks around.
 */
static bool
is_plain(const char *p, size_t len)
{
	const char *end = p + len;

	for (; p < end; p++) {
		if (*p == '\\') {
			if (++p == end || (strchr("dwsbtnrf", *p) == NULL && !(*p > ' ' && (unsigned char)*p < 0x7f && strchr("._-/+*?()[]{}|^$\\:,;=<>!@#%&~'\"`", *p) != NULL)))
				return false;
		} else if (*p == '[') {
			if (p + 1 == end || p[1] == '^' || p[1] == ']' || p[1] == '[')
				return false;
			for (p++; p < end && *p != ']'; p++) {
				if (*p == '[' || (*p == '\\' && (++p == end || strchr("dws.-]/\\^", *p) == NULL)))
					return false;
			}
			if (p == end)
				return false;
		} else if (*p == '(' && p + 1 < end && (p[1] == '*' || (p[1] == '?' && (p + 2 == end || p[2] != ':')))) {
			return false;
		} else if (*p == '\0') {
			return false;
		}
	}
	return true;
}

static int
compile_one(struct log_filter *f, const struct term *t, uint32_t options, pcre2_code **ret, struct err *err)
{
	PCRE2_SIZE at = 0;
	int code = 0;

	*ret = pcre2_compile((PCRE2_SPTR)t->text, t->len, options | (t->is_word ? 0 : PCRE2_NEVER_BACKSLASH_C), &code, &at, f->compile);
	if (*ret == NULL) {
		PCRE2_UCHAR text[200];
		char shown[240];

		pcre2_get_error_message(code, text, sizeof text);
		return err_set(err, ERR_INVALID, "%s, at its character %zu", str_escape_to(shown, sizeof shown, (const char *)text), (size_t)at + 1);
	}
	return 0;
}

static void
compile_need(struct log_filter *f, struct term *t)
{
	PCRE2_SIZE at;
	struct buf b;
	int code;

	buf_init(&b, t->len + 1);
	if (t->is_plain && t->is_jit && !t->is_word && log_filter_need(t, &b)) {
		t->need = pcre2_compile((PCRE2_SPTR)b.data, b.len, PCRE2_LITERAL | (t->is_caseless ? PCRE2_CASELESS : 0), &code, &at, f->compile);
		if (t->need != NULL && pcre2_jit_compile(t->need, PCRE2_JIT_COMPLETE) != 0) {
			pcre2_code_free(t->need);
			t->need = NULL;
		}
	}
	buf_done(&b);
}

int
term_compile(struct log_filter *f, struct term *t, struct err *err)
{
	uint32_t options = (t->is_caseless ? PCRE2_CASELESS : 0) | (t->is_word ? PCRE2_LITERAL : PCRE2_MULTILINE);
	bool is_pattern_ascii = log_text_is_ascii(t->text, t->len);
	int r;

	if (t->len > PATTERN_MAX)
		return err_set(err, ERR_INVALID, "longer than %d bytes", PATTERN_MAX);
	if (!utf8_is_valid(t->text, t->len))
		return err_set(err, ERR_INVALID, "not UTF-8");
	/* Of a word in ASCII only ASCII's case is ignored, as by stores: a Kelvin sign is no k. */
	if (!t->is_word || !is_pattern_ascii) {
		r = compile_one(f, t, options | PCRE2_UTF | PCRE2_MATCH_INVALID_UTF, &t->utf, err);
		if (r < 0)
			return r;
	}
	t->is_plain = t->is_word || is_plain(t->text, t->len);
	/* A verb such as (*UTF) must not have bytes taken for UTF-8 that are none. */
	if (is_pattern_ascii && (t->is_plain || memmem(t->text, t->len, "(*", 2) == NULL)) {
		r = compile_one(f, t, options, &t->bytes, err);
		if (r < 0)
			return r;
	}
	t->is_jit = (t->utf == NULL || pcre2_jit_compile(t->utf, PCRE2_JIT_COMPLETE) == 0) && (t->bytes == NULL || pcre2_jit_compile(t->bytes, PCRE2_JIT_COMPLETE) == 0);
	compile_need(f, t);
	return 0;
}

/* --- one text -------------------------------------------------------------------------------------------------------------- */

void
term_search_init(struct term_search *s, const struct log_filter *f)
{
	*s = (struct term_search){ .f = f, .data = pcre2_match_data_create(1, NULL) };
}

void
term_search_done(struct term_search *s)
{
	pcre2_match_data_free(s->data);
}

static const pcre2_code *
code_for(const struct term *t, bool is_text_ascii)
{
	return t->utf == NULL || (is_text_ascii && t->bytes != NULL) ? t->bytes : t->utf;
}

/* Above 0 (0: more groups than room): a match; PCRE2_ERROR_NOMATCH; another error: too costly. */
static int
match(struct term_search *s, const struct term *t, bool is_text_ascii, const char *text, size_t len, size_t from, uint32_t options)
{
	const pcre2_code *code = code_for(t, is_text_ascii);

	if (t->is_jit)
		return pcre2_jit_match(code, (PCRE2_SPTR)text, len, from, options, s->data, s->f->match);
	return pcre2_match(code, (PCRE2_SPTR)text, len, from, options, s->data, s->f->match);
}

/* From a place on; a long text by overlapping parts, so that what a regex costs does not grow with the square of its length. */
static bool
match_from(struct term_search *s, const struct term *t, bool is_text_ascii, const char *text, size_t len, size_t from, uint32_t options)
{
	int64_t began_ns = len > WINDOW ? clock_mono_fresh() : 0;

	for (;; from += WINDOW_STEP) {
		bool is_last = t->is_word || len - from <= WINDOW;
		int r;

		/* Not into the middle of a character. */
		for (int i = 0; i < 3 && from > 0 && from < len && ((unsigned char)text[from] & 0xc0) == 0x80; i++)
			from--;
		r = match(s, t, is_text_ascii, text, is_last ? len : from + WINDOW, from, options | (is_last ? 0 : PCRE2_NOTEOL));
		if (r >= 0)
			return true;
		if (r != PCRE2_ERROR_NOMATCH || (!is_last && clock_mono_fresh() - began_ns > LINE_NS)) {
			s->n_too_costly++;
			return false;
		}
		if (is_last)
			return false;
	}
}

bool
term_in_text(struct term_search *s, const struct term *t, const char *text, size_t len, bool is_text_ascii)
{
	return match_from(s, t, is_text_ascii, text, len, 0, 0);
}

bool
term_find(struct term_search *s, const struct term *t, const char *text, size_t len, size_t from, size_t *ret_start, size_t *ret_end)
{
	const PCRE2_SIZE *at;

	if (from > len || !match_from(s, t, log_text_is_ascii(text, len), text, len, from, PCRE2_NOTEMPTY))
		return false;
	at = pcre2_get_ovector_pointer(s->data);
	/* \K can put the start behind the end. */
	*ret_start = at[0] < at[1] ? at[0] : at[1];
	*ret_end = at[1];
	return *ret_start < *ret_end && *ret_start >= from;
}

/* --- many lines -------------------------------------------------------------------------------------------------------------- */

static void
set_bit(uint64_t *bits, size_t i)
{
	bits[i / 64] |= UINT64_C(1) << i % 64;
}

static bool
code_in_lines(struct term_search *s, const pcre2_code *code, const struct log_texts *texts, size_t from, size_t to, uint64_t *bits)
{
	size_t line = from, end = texts->at[to];

	/* All up to the NUL of the last line, so that $ is at its end. */
	for (size_t pos = texts->at[from]; line < to; pos = texts->at[++line]) {
		int r = pcre2_jit_match(code, (PCRE2_SPTR)texts->text, end, pos, 0, s->data, s->f->match);
		size_t at;

		if (r == PCRE2_ERROR_NOMATCH)
			return true;
		if (r < 0)
			return false;
		at = pcre2_get_ovector_pointer(s->data)[0];
		while (line < to && texts->at[line + 1] <= at)
			line++;
		if (line == to)
			return true;
		set_bit(bits, line - from);
	}
	return true;
}

bool
term_in_lines(struct term_search *s, const struct term *t, const struct log_texts *texts, size_t from, size_t to, uint64_t *bits)
{
	return code_in_lines(s, code_for(t, texts->is_ascii), texts, from, to, bits);
}

bool
term_need_in_lines(struct term_search *s, const struct term *t, const struct log_texts *texts, size_t from, size_t to, uint64_t *bits)
{
	return code_in_lines(s, t->need, texts, from, to, bits);
}
