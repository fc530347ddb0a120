/*
 * Secret values that are known to the program, so that they can be taken out of whatever it shows or writes.
 *
 * Whoever reads a secret adds its value here before it is used. Audit records, output of hosts, screen, debug log, plans and reports all go through
 * secrets_mask(): each occurrence becomes "[secret NAME]", also in the forms the value takes inside JSON, URLs, quotes of a shell and base64 (the three alignments).
 * Values under 4 bytes are not looked for (they would blot out ordinary text): secrets_add() refuses them. One thread, except secrets_mask(), which may be
 * called from the audit thread too (a lock inside). Core dumps are switched off by the first secrets_add().
 */
#ifndef OPS_BASE_SECRETS_H
#define OPS_BASE_SECRETS_H

#include "base/buf.h"
#include "base/err.h"

/* name is for the mark; both copied. ERR_INVALID: too short to be hidden, or has control characters other than tab and newline. */
int secrets_add(const char *name, const char *value, size_t len, struct err *err);
size_t secrets_count(void);
/* Append bytes to b with every known secret replaced. 0 or ERR_LIMIT. */
int secrets_mask(struct buf *b, const char *bytes, size_t len);
/* true: bytes hold a known secret in any of its forms. */
bool secrets_found(const char *bytes, size_t len);
/* The longest form: whoever streams keeps this many bytes back, so that one split over two reads is seen. */
size_t secrets_longest(void);
void secrets_wipe(void);

#endif
