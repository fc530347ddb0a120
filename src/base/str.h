/* Text: UTF-8, columns, and making bytes from outside harmless. */
#ifndef OPS_BASE_STR_H
#define OPS_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/* Decode the code point at s (len > 0 bytes). Returns how many bytes it took; 0 means the bytes there are not UTF-8
 * (one byte should then be shown escaped and skipped). Overlong forms, surrogates and > U+10FFFF are not UTF-8. */
size_t utf8_decode(const char *s, size_t len, uint32_t *ret_cp);
/* Encode into out[4]; returns the number of bytes, 0 for what is not a code point. */
size_t utf8_encode(uint32_t cp, char *out);
bool utf8_is_valid(const char *s, size_t len);

/* Columns on screen: 0 combining, 1, 2 wide; -1 for what must never reach a terminal as it is: C0, DEL, C1, bidi controls,
 * line and paragraph separators, zero-width and invisible format characters, tags, noncharacters, unassigned private controls. */
int cp_width(uint32_t cp);
/* Columns that str_escape()d text takes. */
size_t str_width(const char *s);

/* Append s to b with everything that cp_width() refuses, and bytes that are not UTF-8, written visibly as \n \t \r \xHH or \u{HEX}.
 * A backslash stays a backslash: the result is for people, not for reading back. */
void str_escape(struct buf *b, const char *s, size_t len);
/* The same into dst (always terminated); what does not fit ends in "…" ("..." where that has no room). Returns dst. */
char *str_escape_to(char *dst, size_t size, const char *s);

bool str_has_prefix(const char *s, const char *prefix);
bool str_eq(const char *a, const char *b);		/* NULL equals only NULL */
/* Case is ignored for ASCII; needle "" is found everywhere. */
bool str_contains(const char *haystack, const char *needle);
/* The candidate nearest to word by edit distance, or NULL when none is near enough to suggest. */
const char *str_nearest(const char *word, const char *const *candidates, size_t n);
/* FNV-1a, for tables and change detection; not for anything secret. */
uint64_t str_hash(const void *bytes, size_t len, uint64_t seed);
#define STR_HASH_SEED UINT64_C(0xcbf29ce484222325)

/* A number for people: 3 significant digits with SI prefix or unit. unit: "ratio" (as %), "seconds", "bytes", "per-second", "count",
 * "none" or any other word (appended). NaN gives "NaN", infinities "+Inf"/"-Inf". buf of NUM_TEXT_MAX; returns buf. */
enum { NUM_TEXT_MAX = 48 };
const char *num_format(char *buf, double v, const char *unit);

#endif
