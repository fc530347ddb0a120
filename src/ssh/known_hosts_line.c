/*
 * One line: [@marker] names type base64 [comment].
 *
 * As OpenSSH reads it (hostfile.c): blanks are spaces and tabs, one marker at most, and the type written must be that of the blob.
 * (It passes over a marker with a tab behind it when a space follows later on the line; for us a revocation counts then too.)
 * Types it does not know are kept all the same: they can only ever match themselves.
 */
#include "config.h"

#include "ssh/known_hosts_priv.h"

#include <ctype.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/xalloc.h"

enum { BLOB_MAX = 16 * 1024 };	/* RSA of 16384 bits takes 2 KiB, a certificate some more */

struct span {
	const char *s;
	size_t len;
};

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* The next word; what is left stays in *rest. len 0: there is none. */
static struct span
word_next(struct span *rest)
{
	struct span w;

	while (rest->len > 0 && is_blank(*rest->s)) {
		rest->s++;
		rest->len--;
	}
	w.s = rest->s;
	while (rest->len > 0 && !is_blank(*rest->s)) {
		rest->s++;
		rest->len--;
	}
	w.len = (size_t)(rest->s - w.s);
	return w;
}

static bool
span_eq(struct span w, const char *text)
{
	return w.len == strlen(text) && memcmp(w.s, text, w.len) == 0;
}

static int
read_marker(struct span w, enum known_marker *ret)
{
	if (span_eq(w, "@cert-authority"))
		*ret = KNOWN_AUTHORITY;
	else if (span_eq(w, "@revoked"))
		*ret = KNOWN_REVOKES;
	else
		return ERR_SYNTAX;
	return 0;
}

static int
read_names(struct span w, struct known_line *l)
{
	if (*w.s == '|') {
		l->is_hashed = true;
		return known_hash_read(w.s, w.len, l->salt, l->hash) ? 0 : ERR_SYNTAX;
	}
	l->names = xstrndup(w.s, w.len);
	for (char *p = l->names; *p != '\0'; p++)
		*p = (char)tolower((unsigned char)*p);
	return 0;
}

/* How many '=' end a base64 text; -1: it is none. */
static int
base64_padding(struct span w)
{
	int n = 0;

	if (w.len == 0 || w.len % 4 != 0 || w.len / 4 * 3 > BLOB_MAX)
		return -1;
	while (n < 2 && w.s[w.len - 1 - (size_t)n] == '=')
		n++;
	/* EVP_DecodeBlock() takes blanks and newlines at the ends, and '=' anywhere in the last group. */
	for (size_t i = 0; i < w.len - (size_t)n; i++)
		if (!isalnum((unsigned char)w.s[i]) && w.s[i] != '+' && w.s[i] != '/')
			return -1;
	return n;
}

/* The name of the type stands first in the blob. */
static bool
read_type(struct known_line *l)
{
	size_t n;

	if (l->len < 4)
		return false;
	n = (size_t)l->blob[0] << 24 | (size_t)l->blob[1] << 16 | (size_t)l->blob[2] << 8 | l->blob[3];
	if (n == 0 || n > l->len - 4 || n >= sizeof l->type)
		return false;
	for (size_t i = 0; i < n; i++)
		if (l->blob[4 + i] <= ' ' || l->blob[4 + i] > '~' || l->blob[4 + i] == ',')
			return false;
	memcpy(l->type, l->blob + 4, n);
	l->type[n] = '\0';
	return n < l->len - 4;
}

static int
read_key(struct span type, struct span base64, struct known_line *l)
{
	int padding = base64_padding(base64), n;

	if (padding < 0)
		return ERR_SYNTAX;
	l->blob = xmalloc(base64.len / 4 * 3 + 1);
	n = EVP_DecodeBlock(l->blob, (const unsigned char *)base64.s, (int)base64.len);
	if (n < padding)
		return ERR_SYNTAX;
	l->len = (size_t)(n - padding);
	return read_type(l) && span_eq(type, l->type) ? 0 : ERR_SYNTAX;
}

int
known_line_read(const char *text, size_t len, struct known_line *ret)
{
	struct known_line l = { 0 };
	struct span rest = { text, len }, w, type;
	int r;

	if (len > 0 && text[len - 1] == '\r')
		rest.len--;
	w = word_next(&rest);
	if (w.len == 0 || *w.s == '#')
		return 0;
	if (memchr(text, '\0', len) != NULL)
		return ERR_SYNTAX;
	if (*w.s == '@') {
		r = read_marker(w, &l.marker);
		if (r < 0)
			return r;
		w = word_next(&rest);
		if (w.len == 0 || *w.s == '@')
			return ERR_SYNTAX;
	}
	r = read_names(w, &l);
	type = word_next(&rest);
	if (r == 0)
		r = read_key(type, word_next(&rest), &l);
	if (r < 0) {
		known_line_done(&l);
		return r;
	}
	*ret = l;
	return 1;
}

void
known_line_done(struct known_line *l)
{
	free(l->names);
	free(l->blob);
}
