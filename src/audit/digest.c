/* SHA-256 for many small inputs: the algorithm is fetched once, a context is kept per thread. */
#include "config.h"

#include <openssl/evp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "audit/record_priv.h"

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t key;
static EVP_MD *sha256;

static void
context_free(void *ctx)
{
	EVP_MD_CTX_free(ctx);
}

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
	if (sha256 == NULL || pthread_key_create(&key, context_free) != 0)
		give_up();
}

static EVP_MD_CTX *
context(void)
{
	EVP_MD_CTX *ctx;

	pthread_once(&once, fetch);
	ctx = pthread_getspecific(key);
	if (ctx == NULL) {
		ctx = EVP_MD_CTX_new();
		if (ctx == NULL || pthread_setspecific(key, ctx) != 0)
			give_up();
	}
	return ctx;
}

void
audit_digest(const void *bytes, size_t len, char *ret_hex)
{
	static const char hex[] = "0123456789abcdef";
	EVP_MD_CTX *ctx = context();
	unsigned char md[EVP_MAX_MD_SIZE];
	unsigned n = 0;

	if (EVP_DigestInit_ex2(ctx, sha256, NULL) != 1 || EVP_DigestUpdate(ctx, bytes, len) != 1 ||
	    EVP_DigestFinal_ex(ctx, md, &n) != 1 || n * 2 != AUDIT_HASH_HEX)
		give_up();
	for (unsigned i = 0; i < n; i++) {
		ret_hex[2 * i] = hex[md[i] >> 4];
		ret_hex[2 * i + 1] = hex[md[i] & 15];
	}
	ret_hex[AUDIT_HASH_HEX] = '\0';
}
