/*
 * Completing a query for lines: what is being typed at a place in it, and what it becomes with a name or a value put there. Pure; names and values themselves come from elsewhere.
 *
 * In the language of the query box keys (level: service: ..), levels, and what services, sources and labels are called. In a store's own (log_filter.h: loki:, es:, journal:) names of
 * labels or fields, and their values: inside the selector of a Loki, in the words of a query string and of a journal's matches.
 */
#ifndef OPS_INSIGHT_LOG_COMPLETE_H
#define OPS_INSIGHT_LOG_COMPLETE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"

enum log_place {
	LOG_PLACE_NONE,			/* text, a regex, JSON, stages of a pipeline: nothing is known of it */
	LOG_PLACE_KEY,			/* the first letters of a key, or of a word */
	LOG_PLACE_LEVEL, LOG_PLACE_SERVICE, LOG_PLACE_SOURCE,
	LOG_PLACE_NAME,			/* of a label or field */
	LOG_PLACE_VALUE,		/* of the one that is called label */
};
enum log_quoting { LOG_QUOTE_FILTER, LOG_QUOTE_LOGQL, LOG_QUOTE_STRING, LOG_QUOTE_MATCH };

struct log_complete {
	enum log_place place;
	const char *type;		/* of the store whose own words they are; NULL: the query box's */
	const char *prefix;		/* as it is meant, without quotes and escapes */
	const char *label;		/* LOG_PLACE_VALUE */
	const char *selector;		/* Loki: the other matchers that are typed, as a selector; NULL: none that a Loki would take */
	size_t start, at;		/* bytes of the text that are replaced: up to where the cursor stands */
	enum log_quoting quoting;
	char quote;			/* that is open in front of the prefix; 0 none */
	bool is_regex;			/* the value is a part of one */
	bool is_first;			/* nothing is before it */
};

/* at: where the cursor stands, in bytes. Strings are in the arena, or static. */
void log_complete_at(const char *text, size_t at, struct arena *a, struct log_complete *ret);
/* The text with the word there in place of the prefix; ret_at: where the cursor stands then. NULL: the word cannot be said there. malloc()ed. */
char *log_complete_with(const struct log_complete *c, const char *text, const char *word, size_t *ret_at);

#endif
