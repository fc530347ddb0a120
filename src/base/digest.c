#include "config.h"

#include "base/digest.h"

#include <errno.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { FILE_PIECE = 32 << 10 };

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t key;
static EVP_MD *sha256;

static void
give_up(void)
{
	fputs("opsconsole: libcrypto has no SHA-256\n", stderr);
	abort();
}

static void
kept_free(void *ctx)
{
	EVP_MD_CTX_free(ctx);
}

static void
fetch(void)
{
	sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	if (sha256 == NULL || pthread_key_create(&key, kept_free) != 0)
		give_up();
}

/* struct digest is libcrypto's context under a name of ours: callers need not know it. */
static EVP_MD_CTX *
context(struct digest *d)
{
	return (EVP_MD_CTX *)d;
}

static void
start(EVP_MD_CTX *ctx)
{
	if (EVP_DigestInit_ex2(ctx, sha256, NULL) != 1)
		give_up();
}

struct digest *
digest_new(void)
{
	EVP_MD_CTX *ctx;

	pthread_once(&once, fetch);
	ctx = EVP_MD_CTX_new();
	if (ctx == NULL)
		give_up();
	start(ctx);
	return (struct digest *)ctx;
}

/* This thread's own, begun anew. */
static struct digest *
kept(void)
{
	EVP_MD_CTX *ctx;

	pthread_once(&once, fetch);
	ctx = pthread_getspecific(key);
	if (ctx == NULL) {
		ctx = EVP_MD_CTX_new();
		if (ctx == NULL || pthread_setspecific(key, ctx) != 0)
			give_up();
	}
	start(ctx);
	return (struct digest *)ctx;
}

void
digest_free(struct digest *d)
{
	EVP_MD_CTX_free(context(d));
}

void
digest_add(struct digest *d, const void *bytes, size_t len)
{
	if (EVP_DigestUpdate(context(d), bytes, len) != 1)
		give_up();
}

static void
final(struct digest *d, unsigned char *ret)
{
	if (EVP_DigestFinal_ex(context(d), ret, NULL) != 1)
		give_up();
}

static void
final_hex(struct digest *d, char *ret)
{
	static const char hex[] = "0123456789abcdef";
	unsigned char md[DIGEST_LEN];

	final(d, md);
	for (size_t i = 0; i < sizeof md; i++) {
		ret[2 * i] = hex[md[i] >> 4];
		ret[2 * i + 1] = hex[md[i] & 15];
	}
	ret[DIGEST_HEX] = '\0';
}

void
digest_end(struct digest *d, unsigned char *ret)
{
	final(d, ret);
	digest_free(d);
}

void
digest_end_hex(struct digest *d, char *ret)
{
	final_hex(d, ret);
	digest_free(d);
}

void
digest_so_far_hex(const struct digest *d, char *ret)
{
	EVP_MD_CTX *copy = EVP_MD_CTX_new();

	if (copy == NULL || EVP_MD_CTX_copy_ex(copy, (const EVP_MD_CTX *)d) != 1)
		give_up();
	digest_end_hex((struct digest *)copy, ret);
}

void
digest_hex(const void *bytes, size_t len, char *ret)
{
	struct digest *d = kept();

	digest_add(d, bytes, len);
	final_hex(d, ret);
}

int
digest_file(int fd, char *ret)
{
	struct digest *d = kept();
	char bytes[FILE_PIECE];
	ssize_t got;

	while ((got = read(fd, bytes, sizeof bytes)) > 0 || (got < 0 && errno == EINTR))
		if (got > 0)
			digest_add(d, bytes, (size_t)got);
	final_hex(d, ret);
	return got < 0 ? -1 : 0;
}
