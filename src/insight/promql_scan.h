/*
 * A little of PromQL's grammar: the words of an expression, so that nobody takes strings, comments
 * or label matchers for something else.
 *
 * Source: prometheus.io, "Querying basics" and "Operators"; promql/parser/lex.go of Prometheus. It
 * is tolerant: what is no PromQL at all may pass, and the server then says so.
 */
#ifndef OPS_INSIGHT_PROMQL_SCAN_H
#define OPS_INSIGHT_PROMQL_SCAN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

enum promql_kind {
	PROMQL_END,
	PROMQL_WORD,		/* a metric, a function, a keyword */
	PROMQL_NUMBER,		/* a number, a duration, a ${placeholder} */
	PROMQL_STRING,
	PROMQL_BRACES,		/* {label matchers}, whole */
	PROMQL_RANGE,		/* [5m] or [1h:1m], whole */
	PROMQL_OPEN, PROMQL_CLOSE, PROMQL_COMMA,
	PROMQL_OPERATOR,	/* + - * / % ^ == != <= < >= > @ */
};
struct promql_token {
	enum promql_kind kind;
	const char *at;
	size_t len;
	size_t close;		/* PROMQL_OPEN: index of its PROMQL_CLOSE */
};
struct promql_tokens {
	size_t n;		/* without the PROMQL_END behind the last */
	struct promql_token *v;
};

/*
 * 0, or ERR_INVALID for what is not closed. *ret points into text; promql_tokens_done() frees (also
 * after a failure).
 */
int promql_scan(const char *text, size_t len, struct promql_tokens *ret, struct err *err);
void promql_tokens_done(struct promql_tokens *t);

bool promql_is(const struct promql_token *t, enum promql_kind kind, const char *text);
/* A keyword or an aggregation, whose case does not matter. */
bool promql_is_word(const struct promql_token *t, const char *word);
/* and, or, unless, or an operator that compares. */
bool promql_is_loose(const struct promql_token *t);
/* The part [*first, *end) of tokens without the brackets that stand around all of it. */
void promql_unbracket(const struct promql_tokens *t, size_t *first, size_t *end);
/* Index behind what t->v[i] opens: of a bracket behind its closing one, else i + 1. */
size_t promql_after(const struct promql_tokens *t, size_t i);
/* The bytes from token first to the one before end. */
const char *promql_text(const struct promql_tokens *t, size_t first, size_t end, size_t *ret_len);

#endif
