/*
 * Text with ${name} in it, and how a value is encoded for the place it stands in.
 *
 * ${name} a parameter; ${env}, ${run}, ${user}, ${incident}, ${reason}; ${host}, ${host.address}, ${host.serving} (what it served of the runbook's model when the plan was made)
 * where a step stands for one host. $${ is a literal ${. Nothing else is special: no nesting, no expressions, no defaults. Values never run through a template again.
 *
 * The place decides the encoding, so that no value leaves it:
 *   word    the bytes, whole, as one argument (the transport quotes it). NUL is refused.
 *   shell   nowhere: refused at parse time inside script: and behind `sh -c`.
 *   promql  within a "..." or '...' string: escaped as PromQL strings are; as a label value of =~ also regex-quoted; outside a string refused at parse time.
 *   logql   the same for LogQL strings (` strings take no escapes: refused there).
 *   url     path segment or query value: all but RFC 3986's unreserved as %HH; "." and ".." alone as a segment are refused.
 *   json    within a JSON string: escaped; a template that is all of a scalar stays a string.
 *   header  no CR, LF, NUL.
 *   text    for people: escaped as str_escape() does.
 * Secret parameters may stand only in stdin, env, header and json bodies: elsewhere refused at parse time.
 */
#ifndef OPS_RUNBOOK_TEMPLATE_H
#define OPS_RUNBOOK_TEMPLATE_H

#include "base/buf.h"
#include "base/err.h"

enum template_place { PLACE_WORD, PLACE_PROMQL, PLACE_LOGQL, PLACE_URL, PLACE_JSON, PLACE_HEADER, PLACE_STDIN, PLACE_ENV, PLACE_TEXT };
struct template;

/* Parsed for one place: what could never be encoded there is refused now, with the column (from 1) in ret_column. Pure. */
int template_parse(const char *text, enum template_place place, struct template **ret, size_t *ret_column, struct err *err);
void template_free(struct template *t);
const char *template_source(const struct template *t);
/* Names it uses, in order, each once; borrowed. */
size_t template_names(const struct template *t, const char *const **ret_names);

/* NULL: not known (yet): ret_why may be set to say why. */
typedef const char *template_lookup(const char *name, void *arg, const char **ret_why);
/* Append. ERR_NOTFOUND names the variable; ERR_INVALID a value that cannot stand there; ERR_LIMIT. */
int template_expand(const struct template *t, template_lookup *lookup, void *arg, struct buf *b, struct err *err);

#endif
