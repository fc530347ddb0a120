/*
 * What must not be kept of a log line: patterns (PCRE2) whose matches become "[redacted NAME]". Applied where lines enter (decoders), so that screen, recording, report and saved files all have the same.
 * The built-in ones: values after password=, token=, secret=, api_key= and their JSON forms, Authorization headers, private key blocks, AWS access keys, credentials in URLs.
 */
#ifndef OPS_BASE_REDACT_H
#define OPS_BASE_REDACT_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

struct redact;			/* immutable after the last redact_add(); any thread */
struct redact *redact_new(bool with_builtin);
void redact_free(struct redact *r);
/* With a group 1, only that is replaced. ERR_INVALID: where the pattern is wrong. */
int redact_add(struct redact *r, const char *name, const char *pattern, struct err *err);
/* false: nothing to redact, b untouched. Else the redacted text is appended. r NULL: false. A text on which a pattern costs too much becomes "[redacted: NAME took too long]" as a whole. */
bool redact_text(const struct redact *r, const char *text, size_t len, struct buf *b);

/* The same for the same text as long as r lives, and then another: tells apart what is redacted, and says nothing of it. */
uint64_t redact_number(const struct redact *r, const char *text, size_t len);

#endif
