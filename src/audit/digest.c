/* SHA-256 for many small inputs: the algorithm is fetched once, a context is kept per thread. */
#include "config.h"

#include <errno.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "audit/record_priv.h"

enum { FILE_PIECE = 32 << 10 };

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

static void
to_hex(const unsigned char *md, unsigned n, char *ret_hex)
{
	static const char hex[] = "0123456789abcdef";

	for (unsigned i = 0; i < n; i++) {
		ret_hex[2 * i] = hex[md[i] >> 4];
		ret_hex[2 * i + 1] = hex[md[i] & 15];
	}
	ret_hex[2 * n] = '\0';
}

void
audit_digest(const void *bytes, size_t len, char *ret_hex)
{
	EVP_MD_CTX *ctx = context();
	unsigned char md[EVP_MAX_MD_SIZE];
	unsigned n = 0;

	if (EVP_DigestInit_ex2(ctx, sha256, NULL) != 1 || EVP_DigestUpdate(ctx, bytes, len) != 1 ||
	    EVP_DigestFinal_ex(ctx, md, &n) != 1 || n * 2 != AUDIT_HASH_HEX)
		give_up();
	to_hex(md, n, ret_hex);
}

int
audit_digest_file(int fd, char *ret_hex)
{
	EVP_MD_CTX *ctx = context();
	unsigned char md[EVP_MAX_MD_SIZE];
	char bytes[FILE_PIECE];
	unsigned n = 0;
	ssize_t got;

	if (EVP_DigestInit_ex2(ctx, sha256, NULL) != 1)
		give_up();
	while ((got = read(fd, bytes, sizeof bytes)) > 0 || (got < 0 && errno == EINTR))
		if (got > 0 && EVP_DigestUpdate(ctx, bytes, (size_t)got) != 1)
			give_up();
	if (EVP_DigestFinal_ex(ctx, md, &n) != 1 || n * 2 != AUDIT_HASH_HEX)
		give_up();
	to_hex(md, n, ret_hex);
	return got < 0 ? -1 : 0;
}
