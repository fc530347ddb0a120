/*
 * A name against the names of a line: patterns, and HMAC-SHA1 of hashed ones.
 */
#include "config.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "ssh/known_hosts_priv.h"

enum { PATTERN_MAX = 1022 };	/* longer ones make the whole list match nothing, as in match.c of OpenSSH */
enum { HMAC_BLOCK = 64 };

/* * and ? only. Goes back to the last * alone, so the time is the product of the lengths at worst. */
static bool
pattern_matches(const char *p, size_t len, const char *s)
{
	const char *end = p + len, *star = NULL, *from = NULL;

	while (*s != '\0') {
		if (p < end && *p == '*') {
			star = p++;
			from = s;
		} else if (p < end && (*p == '?' || *p == *s)) {
			p++;
			s++;
		} else if (star != NULL) {
			p = star + 1;
			s = ++from;
		} else
			return false;
	}
	while (p < end && *p == '*')
		p++;
	return p == end;
}

bool
known_list_matches(const char *list, const char *name)
{
	bool is_found = false;

	for (;;) {
		size_t len = strcspn(list, ",");
		bool is_not = *list == '!';
		const char *p = list + is_not;

		if (len - is_not > PATTERN_MAX)
			return false;
		if (pattern_matches(p, len - is_not, name)) {
			if (is_not)
				return false;
			is_found = true;
		}
		if (list[len] == '\0')
			return is_found;
		list += len + 1;
	}
}

bool
known_list_is_wild(const char *list)
{
	return strpbrk(list, "*?!") != NULL || strlen(list) > PATTERN_MAX;
}

/* 28 characters are 20 bytes and one '='. Only the one way of writing them counts, since OpenSSH compares the text. */
static bool
digest_read(const char *s, unsigned char *ret)
{
	enum { TEXT = 28 };
	unsigned char bytes[TEXT / 4 * 3 + 1], again[TEXT + 1];

	if (EVP_DecodeBlock(bytes, (const unsigned char *)s, TEXT) != KNOWN_DIGEST + 1)
		return false;
	EVP_EncodeBlock(again, bytes, KNOWN_DIGEST);
	if (memcmp(again, s, TEXT) != 0)
		return false;
	memcpy(ret, bytes, KNOWN_DIGEST);
	return true;
}

bool
known_hash_read(const char *names, size_t len, unsigned char *salt, unsigned char *hash)
{
	return len == 3 + 28 + 1 + 28 && memcmp(names, "|1|", 3) == 0 && names[31] == '|' && digest_read(names + 3, salt) &&
	    digest_read(names + 32, hash);
}

/* --- hashed names ----------------------------------------------------------------------------- */

/* HMAC written out over one digest context: EVP_MAC sets up a context for each key, which takes four times as long, and here each line has its own. */
struct known_hasher {
	EVP_MD *sha1;
	EVP_MD_CTX *ctx;
	char *name;
	size_t len;
};

struct known_hasher *
known_hasher_new(const char *name)
{
	struct known_hasher *h = xcalloc(1, sizeof *h);

	h->sha1 = EVP_MD_fetch(NULL, "SHA1", NULL);
	h->ctx = EVP_MD_CTX_new();
	h->name = xstrdup(name);
	h->len = strlen(name);
	return h;
}

static bool
digest_two(struct known_hasher *h, const unsigned char *block, const void *bytes, size_t len, unsigned char *ret)
{
	return EVP_DigestInit_ex2(h->ctx, h->sha1, NULL) == 1 && EVP_DigestUpdate(h->ctx, block, HMAC_BLOCK) == 1 &&
	    EVP_DigestUpdate(h->ctx, bytes, len) == 1 && EVP_DigestFinal_ex(h->ctx, ret, NULL) == 1;
}

bool
known_hasher_matches(struct known_hasher *h, const struct known_line *l)
{
	unsigned char inner[HMAC_BLOCK], outer[HMAC_BLOCK], digest[EVP_MAX_MD_SIZE];

	if (h->sha1 == NULL || h->ctx == NULL)
		return false;
	memset(inner, 0x36, sizeof inner);
	memset(outer, 0x5c, sizeof outer);
	for (size_t i = 0; i < KNOWN_DIGEST; i++) {
		inner[i] ^= l->salt[i];
		outer[i] ^= l->salt[i];
	}
	return digest_two(h, inner, h->name, h->len, digest) && digest_two(h, outer, digest, KNOWN_DIGEST, digest) &&
	    memcmp(digest, l->hash, KNOWN_DIGEST) == 0;
}

void
known_hasher_free(struct known_hasher *h)
{
	if (h == NULL)
		return;
	EVP_MD_CTX_free(h->ctx);
	EVP_MD_free(h->sha1);
	free(h->name);
	free(h);
}
