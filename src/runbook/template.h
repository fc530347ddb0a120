/*
 * Text with ${name} in it, and how a value is encoded for the place it stands in.
 *
 * ${name} a parameter; ${env}, ${run}, ${user}, ${incident}, ${reason}; ${host}, ${host.address}, ${host.serving} (what it served of the runbook's model when the plan was made)
 * where a step stands for one host. $${ is a literal ${. Nothing else is special: no nesting, no expressions, no defaults. Values never run through a template again.
 *
 * The place decides the encoding, so that no value leaves it:
 *   word    the bytes, whole, as one argument (the transport quotes it). NUL is refused.
 *   shell   nowhere: refused at parse time inside script: and behind `sh -c`.
 *   promql  within the "..." or '...' of a matcher (= != =~ !~): escaped as PromQL strings are; behind =~ and !~ also regex-quoted; anywhere else refused at parse time, as are
 *           quotes and brackets that do not close.
 *   logql   the same, and behind |= and |~ too (` strings take no escapes: refused there).
 *   lucene  a query string of Elasticsearch: within "...", escaped; anywhere else refused at parse time.
 *   journal NAME=VALUE words: within a VALUE. One with a ", or with a blank outside of "...", is refused: they take no escapes.
 *   url     path segment or query value: all but RFC 3986's unreserved as %HH; "." and ".." alone as a segment are refused.
 *   json    the inside of one JSON string, without its quotes: all of it is escaped, what is written as well as values; a template that is all of a scalar stays a string.
 *   json text  a JSON document as text: within its strings escaped, anywhere else refused at parse time.
 *   form    a value of application/x-www-form-urlencoded: as url, with no segments.
 *   regex   regular expressions of Alertmanager: the value is one literal.
 *   header  no CR, LF, NUL.
 *   text    for people: escaped as str_escape() does.
 * Secret parameters may stand only in stdin, env, header and json bodies: elsewhere refused at parse time.
 */
#ifndef OPS_RUNBOOK_TEMPLATE_H
#define OPS_RUNBOOK_TEMPLATE_H

#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"

enum template_place { PLACE_WORD, PLACE_PROMQL, PLACE_LOGQL, PLACE_URL, PLACE_JSON, PLACE_HEADER, PLACE_STDIN, PLACE_ENV, PLACE_TEXT,
    PLACE_JSON_TEXT, PLACE_FORM, PLACE_REGEX, PLACE_LUCENE, PLACE_JOURNAL };
enum { TEMPLATE_MAX = 256 << 10, TEMPLATE_NAME_MAX = 64 };
struct template;

/* Parsed for one place: what could never be encoded there is refused now, with the column (from 1) in ret_column. Pure. */
int template_parse(const char *text, enum template_place place, struct template **ret, size_t *ret_column, struct err *err);
/* The same, but each of these names stands for another template: its values are put together as bytes first, then encoded for the place. Names are those of the others then. */
struct template_given { const char *name; const struct template *value; };
int template_parse_given(const char *text, enum template_place place, const struct template_given *given, size_t n, struct template **ret, size_t *ret_column, struct err *err);
void template_free(struct template *t);
const char *template_source(const struct template *t);
/* Names it uses, in order, each once; borrowed. */
size_t template_names(const struct template *t, const char *const **ret_names);

/* NULL: not known (yet): ret_why may be set to say why. */
typedef const char *template_lookup(const char *name, void *arg, const char **ret_why);
/* Append. ERR_NOTFOUND names the variable; ERR_INVALID a value that cannot stand there; ERR_LIMIT. */
int template_expand(const struct template *t, template_lookup *lookup, void *arg, struct buf *b, struct err *err);

#endif
