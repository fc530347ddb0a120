#include "config.h"

#include "record/digest.h"

#include <openssl/evp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

static pthread_once_t once = PTHREAD_ONCE_INIT;
static EVP_MD *sha256;

static void
give_up(void)
{
	fputs("opsconsole: libcrypto has no SHA-256\n", stderr);
	abort();
}

static void
fetch(void)
{
	sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	if (sha256 == NULL)
		give_up();
}

/* struct digest is libcrypto's context under a name of ours: callers need not know it. */
static EVP_MD_CTX *
context(struct digest *d)
{
	return (EVP_MD_CTX *)d;
}

struct digest *
digest_new(void)
{
	EVP_MD_CTX *ctx;

	pthread_once(&once, fetch);
	ctx = EVP_MD_CTX_new();
	if (ctx == NULL || EVP_DigestInit_ex2(ctx, sha256, NULL) != 1)
		give_up();
	return (struct digest *)ctx;
}

void
digest_add(struct digest *d, const void *bytes, size_t len)
{
	if (EVP_DigestUpdate(context(d), bytes, len) != 1)
		give_up();
}

void
digest_end(struct digest *d, unsigned char *ret)
{
	if (EVP_DigestFinal_ex(context(d), ret, NULL) != 1)
		give_up();
	EVP_MD_CTX_free(context(d));
}

void
digest_free(struct digest *d)
{
	EVP_MD_CTX_free(context(d));
}

void
digest_end_hex(struct digest *d, char *ret)
{
	static const char hex[] = "0123456789abcdef";
	unsigned char md[32];

	digest_end(d, md);
	for (size_t i = 0; i < sizeof md; i++) {
		ret[2 * i] = hex[md[i] >> 4];
		ret[2 * i + 1] = hex[md[i] & 15];
	}
	ret[64] = '\0';
}

void
digest_hex(const void *bytes, size_t len, char *ret)
{
	struct digest *d = digest_new();

	digest_add(d, bytes, len);
	digest_end_hex(d, ret);
}
