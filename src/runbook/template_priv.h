/* Between template.c, which cuts text into pieces, and template_place.c, which knows what a place lets in. */
#ifndef OPS_RUNBOOK_TEMPLATE_PRIV_H
#define OPS_RUNBOOK_TEMPLATE_PRIV_H

#include <stdbool.h>

#include "runbook/template.h"

/* How a value is encoded: what the place and the text before it make of it. */
enum encoding {
	ENCODE_BYTES,		/* as it is */
	ENCODE_STRING,		/* within a string of PromQL or LogQL */
	ENCODE_STRING_REGEX,	/* the same, one literal of a regular expression */
	ENCODE_SEGMENT,		/* in the path of a URL */
	ENCODE_QUERY,		/* in its query, or a form */
	ENCODE_JSON,
	ENCODE_HEADER,
	ENCODE_SHOWN,
	ENCODE_REGEX,
	ENCODE_LUCENE,		/* within "..." of a query string */
	ENCODE_JOURNAL,		/* in the value of a match */
	ENCODE_JOURNAL_QUOTED	/* the same, within "..." */
};

enum { BRACKETS_MAX = 64 };

/* What has been read so far of a text, as the place's grammar sees it. */
struct scan {
	enum template_place place;
	char quote;			/* inside this string; 0: outside */
	bool is_escaped;		/* behind a backslash inside a string */
	bool is_comment;
	bool is_matcher, is_regex;	/* the string is the value of a matcher; of =~ or !~ */
	char before[2];			/* the operator that stands last, outside strings */
	bool is_apart;			/* a blank stands behind it */
	char open[BRACKETS_MAX];
	size_t n_open;
	bool is_query;			/* behind the ? of a URL */
	bool is_pattern;		/* behind a / of a query string, where what is a string is not known any more */
	bool is_value;			/* behind the = of a journal's match */
};

/* One byte of what is written. 0, ERR_SYNTAX, ERR_INVALID, ERR_LIMIT. */
int scan_byte(struct scan *s, char c, struct err *err);
/* A variable stands here. 0, or ERR_INVALID: none may. */
int scan_variable(const struct scan *s, enum encoding *ret, struct err *err);
int scan_end(const struct scan *s, struct err *err);
/* How what is written itself is put out. */
enum encoding place_literal(enum template_place place);

/* Append a value. 0, ERR_INVALID, ERR_LIMIT; what names it in the sentence. */
int encode(enum encoding e, const char *what, const char *value, size_t len, struct buf *b, struct err *err);
/* A path has no segment "." or ".."; to: behind the whole path and query. */
int check_segments(const char *from, const char *to, struct err *err);

#endif
