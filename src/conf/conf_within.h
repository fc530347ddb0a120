/*
 * Which hosts a group may have: a regular expression for whole names.
 *
 * PCRE2, anchored at both ends. A name that costs too much to try is not within: what is not known to be allowed is not.
 */
#ifndef OPS_CONF_CONF_WITHIN_H
#define OPS_CONF_CONF_WITHIN_H

#include <stdbool.h>

#include "base/err.h"

enum { WITHIN_MAX = 500 };

struct within;
/* ERR_SYNTAX or ERR_LIMIT; a sentence without position. */
int within_new(const char *pattern, struct within **ret, struct err *err);
void within_free(struct within *w);
bool within_match(struct within *w, const char *name);

#endif
