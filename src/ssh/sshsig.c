/* Source: OpenSSH PROTOCOL.sshsig. */
#include "config.h"

#include "ssh/sshsig.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "ssh/agent_wire.h"

enum { COLUMNS = 70, BLOB_MAX = 64 << 10 };
#define MAGIC "SSHSIG"
#define HASH "sha512"

static void
put_text(struct buf *b, const char *s)
{
	wire_put_string(b, s, strlen(s));
}

int
sshsig_blob(const char *message, size_t len, const char *name_space, struct buf *ret, struct err *err)
{
	unsigned char md[EVP_MAX_MD_SIZE];
	unsigned n = 0;

	if (EVP_Digest(message, len, md, &n, EVP_sha512(), NULL) != 1)
		return err_set(err, ERR_UNSUPPORTED, "signature: libcrypto has no SHA-512");
	buf_add(ret, MAGIC, sizeof MAGIC - 1);
	put_text(ret, name_space);
	put_text(ret, "");	/* reserved */
	put_text(ret, HASH);
	wire_put_string(ret, md, n);
	return ret->is_over ? err_set(err, ERR_LIMIT, "signature: no room for it") : 0;
}

/* SHA-1 is not accepted in such signatures, and an agent that does not know the flags answers with it. */
static int
check_signature(const void *signature, size_t len, struct err *err)
{
	struct wire w = { signature, len };
	struct wire_bytes type;

	if (!wire_string(&w, &type) || type.len == 0)
		return err_set(err, ERR_SYNTAX, "signature: the agent's answer is none");
	if (type.len == 7 && memcmp(type.s, "ssh-rsa", 7) == 0)
		return err_set(err, ERR_UNSUPPORTED, "signature: this agent signs with SHA-1 only, which nobody accepts: use another key, or a newer agent");
	return 0;
}

int
sshsig_armour(const void *key, size_t key_len, const void *signature, size_t signature_len, const char *name_space, struct buf *ret, struct err *err)
{
	struct buf b;
	char *text;
	size_t len;
	int r = check_signature(signature, signature_len, err);

	if (r < 0)
		return r;
	buf_init(&b, BLOB_MAX);
	buf_add(&b, MAGIC, sizeof MAGIC - 1);
	wire_put_u32(&b, 1);
	wire_put_string(&b, key, key_len);
	put_text(&b, name_space);
	put_text(&b, "");
	put_text(&b, HASH);
	wire_put_string(&b, signature, signature_len);
	if (b.is_over) {
		buf_done(&b);
		return err_set(err, ERR_LIMIT, "signature: it is larger than %d KiB", BLOB_MAX >> 10);
	}
	text = xmalloc(b.len / 3 * 4 + 8);
	len = (size_t)EVP_EncodeBlock((unsigned char *)text, (const unsigned char *)b.data, (int)b.len);
	buf_addstr(ret, "-----BEGIN SSH SIGNATURE-----\n");
	for (size_t i = 0; i < len; i += COLUMNS) {
		buf_add(ret, text + i, len - i < COLUMNS ? len - i : COLUMNS);
		buf_addch(ret, '\n');
	}
	buf_addstr(ret, "-----END SSH SIGNATURE-----\n");
	free(text);
	buf_done(&b);
	return ret->is_over ? err_set(err, ERR_LIMIT, "signature: no room for it") : 0;
}
