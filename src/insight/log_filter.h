/*
 * One query language for all stores, and searching the lines that are held. Pure: workers call it on immutable segments.
 *
 *   words            all of them in the line, case ignored (of a word in ASCII ASCII's alone, as stores do)
 *   /regex/          PCRE2 (JIT), case as written; /regex/i. A dot is also a line's end inside the line; ^ and $ are its beginning and end. Not closed it goes on to the end;
 *                    with more than an i behind the second slash it is a word: /api/v1/users
 *   !word !/regex/   not
 *   level:warning    that or worse; level:=info exactly, level:=unknown
 *   service:web*     source:loki  label:NAME=VALUE   shell patterns; label:NAME has any value; service:"a b"
 *   pattern:"user <*> not found"   lines of that pattern, as it is told
 *   "with blanks"    and what looks like a key but is none: "levl:error"
 *   loki: {..}, es: .., journal: ..   the rest is the store's own query, asked of the store
 */
#ifndef OPS_INSIGHT_LOG_FILTER_H
#define OPS_INSIGHT_LOG_FILTER_H

#include "base/buf.h"
#include "model/log.h"

struct log_filter;		/* immutable, any thread */
/* "" matches all. ERR_INVALID with what and where (column). */
int log_filter_new(const char *query, struct log_filter **ret, struct err *err);
void log_filter_free(struct log_filter *f);
/* Matching lines of the segment among [from, to): their indices into ret (room for to - from). Returns how many. A line on which the regex costs too much is not matched, and counted. */
size_t log_filter_run(const struct log_filter *f, const struct log_segment *s, size_t from, size_t to, uint32_t *ret, size_t *ret_too_costly);
bool log_filter_line(const struct log_filter *f, const struct log_ref *line);
/* Where in the text it matched, for highlighting: the first at or after from. */
bool log_filter_find(const struct log_filter *f, const char *text, size_t len, size_t from, size_t *ret_start, size_t *ret_end);
/* Native part: which store type ("loki", "elasticsearch", "journald") and the query; NULL: none. */
const char *log_filter_native(const struct log_filter *f, const char **ret_type);
/* What a store can do of it itself, as that store's query appended to base ("{job=\"x\"}"): what it cannot is filtered here afterwards, so the answer may only be wider. That holds for the
 * lines as the store has them, before redaction and cutting, and for Elasticsearch's usual analysis of texts (words in lower case). 0, or ERR_LIMIT: ret is too small. */
int log_filter_logql(const struct log_filter *f, const char *base, struct buf *ret);
int log_filter_query_string(const struct log_filter *f, const char *base, struct buf *ret);	/* Elasticsearch */
int log_filter_matches(const struct log_filter *f, const char *base, struct buf *ret);	/* journald: NAME=VALUE lines */

/* Does the regex of this filter make sense for narrowing (typing on: "err" -> "erro")? Then only what matched before needs to be looked at. */
bool log_filter_narrows(const struct log_filter *before, const struct log_filter *now);

/* The fields of a line: JSON text, logfmt, and the store's own, by name; values as text. For the record view. */
struct log_field { const char *name, *value; };
size_t log_fields(const struct log_ref *line, struct arena *arena, const struct log_field **ret);
/* The same of a text that is nothing but a JSON object, or nothing but logfmt, in its order, at most LOG_TEXT_FIELDS_MAX of them. 0: it is neither. */
enum { LOG_TEXT_FIELDS_MAX = 64 };
size_t log_text_fields(const char *text, size_t len, struct arena *arena, const struct log_field **ret);

#endif
