/* The inside of struct log_filter, for log_filter*.c only. */
#ifndef OPS_INSIGHT_LOG_FILTER_PRIV_H
#define OPS_INSIGHT_LOG_FILTER_PRIV_H

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "insight/log_filter.h"

enum term_kind { TERM_TEXT, TERM_LEVEL, TERM_SERVICE, TERM_SOURCE, TERM_LABEL, TERM_PATTERN };
struct term {
	enum term_kind kind;
	bool is_not;
	/* TERM_TEXT: a word, case ignored, or a regex. */
	bool is_word, is_caseless;
	bool is_plain;		/* what it matches never goes beyond a line, nor does what it looks at: many lines are searched as one text */
	const char *text;	/* the word; the regex */
	size_t len;
	pcre2_code *bytes;	/* for texts that are ASCII; NULL: utf does for them */
	pcre2_code *utf;	/* NULL: bytes does for all */
	bool is_jit;
	pcre2_code *need;	/* a word that each match of the regex has in it, as bytes; NULL: none is known */
	/* the others */
	enum line_level level;
	bool is_exact;
	const char *name;	/* of a label */
	const char *glob;
	const uint64_t *words;	/* TERM_PATTERN: see drain_priv.h */
	size_t n_words;
};
struct log_filter {
	struct arena arena;
	size_t n, cap;
	struct term *v;
	const char *native, *native_type;	/* NULL none */
	pcre2_compile_context *compile;
	pcre2_match_context *match;
};

/* log_filter_text.c */
bool log_text_is_ascii(const char *text, size_t len);
/* Compile the text of a term. ERR_INVALID: what is wrong, without where. */
int term_compile(struct log_filter *f, struct term *t, struct err *err);
/* What searching needs that threads do not share. */
struct term_search {
	const struct log_filter *f;
	pcre2_match_data *data;
	size_t n_too_costly;
};
void term_search_init(struct term_search *s, const struct log_filter *f);
void term_search_done(struct term_search *s);
/* Is there a match, whatever is_not says? False, and counted, where it costs too much. */
bool term_in_text(struct term_search *s, const struct term *t, const char *text, size_t len, bool is_ascii);
/* Of a term that is plain and jit: one bit for each line of [from, to) (bit 0 is line from) in which it is; bits are zero before. false: some lines are too costly to do so. */
bool term_in_lines(struct term_search *s, const struct term *t, const struct log_texts *texts, size_t from, size_t to, uint64_t *bits);
/* The same of the word that its matches need, which must be there. */
bool term_need_in_lines(struct term_search *s, const struct term *t, const struct log_texts *texts, size_t from, size_t to, uint64_t *bits);
/* The first match that is not empty at or after from. */
bool term_find(struct term_search *s, const struct term *t, const char *text, size_t len, size_t from, size_t *ret_start, size_t *ret_end);

/* log_filter_need.c */
/* The word that each match of a plain regex has in it, into the empty ret; false: none that is long enough to be of use. */
bool log_filter_need(const struct term *t, struct buf *ret);

/* log_glob.c: * ? [a-z] [!a-z] and \ before any of them. */
bool log_glob(const char *glob, const char *text);

#endif
