/* Sources: PROTOCOL.key of OpenSSH for its own format; RFC 7468 and RFC 1421 for the headers of the others. */
#include "config.h"

#include "ssh/agent_file.h"

#include <ctype.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/xalloc.h"
#include "ssh/agent_wire.h"
#include "ssh/known_hosts_priv.h"

enum { FILE_MAX = 1024 * 1024 };
static const char opensshkey_begin[] = "-----BEGIN OPENSSH PRIVATE KEY-----", opensshkey_end[] = "-----END OPENSSH PRIVATE KEY-----";

static bool
has_text(const char *text, size_t len, const char *what)
{
	return memmem(text, len, what, strlen(what)) != NULL;
}

/* A line of a .pub file is one of known_hosts without its names. */
static bool
parse_public(const char *text, size_t len, struct agent_file *f)
{
	const char *nl = memchr(text, '\n', len);
	size_t n = nl != NULL ? (size_t)(nl - text) : len;
	char *line = xmalloc(n + 2);
	struct known_line l;
	int r;

	memcpy(line, "* ", 2);
	memcpy(line + 2, text, n);
	r = known_line_read(line, n + 2, &l);
	free(line);
	if (r <= 0)
		return false;
	memcpy(f->type, l.type, sizeof f->type);
	f->blob = l.blob;
	f->len = l.len;
	free(l.names);
	return true;
}

/* The characters between the two lines, without blanks. *ret_bytes is the caller's. */
static bool
decode_armour(const char *text, size_t len, unsigned char **ret_bytes, size_t *ret_len)
{
	const char *from = text + strlen(opensshkey_begin), *to = memmem(text, len, opensshkey_end, strlen(opensshkey_end));
	char *base64;
	size_t n = 0, padding = 0;
	int r;

	if (to == NULL || to < from)
		return false;
	base64 = xmalloc((size_t)(to - from) + 1);
	for (const char *p = from; p < to; p++)
		if (!isspace((unsigned char)*p))
			base64[n++] = *p;
	while (padding < 2 && padding < n && base64[n - 1 - padding] == '=')
		padding++;
	*ret_bytes = xmalloc(n / 4 * 3 + 1);
	r = n % 4 == 0 ? EVP_DecodeBlock(*ret_bytes, (const unsigned char *)base64, (int)n) : -1;
	OPENSSL_cleanse(base64, n);
	free(base64);
	if (r < (int)padding) {
		free(*ret_bytes);
		return false;
	}
	*ret_len = (size_t)r - padding;
	return true;
}

/* "openssh-key-v1" NUL, cipher, kdf, options, one key: its public part, then the private one. */
static bool
parse_openssh(const char *text, size_t len, struct agent_file *f)
{
	static const char magic[] = "openssh-key-v1";
	unsigned char *bytes;
	size_t n;
	struct wire w;
	struct wire_bytes cipher, kdf, options, blob;
	uint32_t count;
	bool is_read;

	if (!decode_armour(text, len, &bytes, &n))
		return false;
	is_read = n > sizeof magic && memcmp(bytes, magic, sizeof magic) == 0;
	if (is_read) {
		w = (struct wire){ bytes + sizeof magic, n - sizeof magic };
		is_read = wire_string(&w, &cipher) && wire_string(&w, &kdf) && wire_string(&w, &options) && wire_u32(&w, &count) && count == 1 &&
		    wire_string(&w, &blob) && wire_key_type(blob.s, blob.len, f->type, sizeof f->type);
	}
	if (is_read) {
		f->is_private = true;
		f->is_encrypted = cipher.len != 4 || memcmp(cipher.s, "none", 4) != 0;
		f->len = blob.len;
		f->blob = xmalloc(blob.len);
		memcpy(f->blob, blob.s, blob.len);
	}
	OPENSSL_cleanse(bytes, n);
	free(bytes);
	return is_read;
}

bool
agent_file_parse(const char *text, size_t len, struct agent_file *ret)
{
	*ret = (struct agent_file){ .blob = NULL };
	if (len > strlen(opensshkey_begin) && memcmp(text, opensshkey_begin, strlen(opensshkey_begin)) == 0)
		return parse_openssh(text, len, ret);
	if (len > 11 && memcmp(text, "-----BEGIN ", 11) == 0) {
		ret->is_private = has_text(text, len, "PRIVATE KEY-----");
		ret->is_encrypted = has_text(text, len, "BEGIN ENCRYPTED PRIVATE KEY") || has_text(text, len, "Proc-Type: 4,ENCRYPTED");
		return ret->is_private;
	}
	return parse_public(text, len, ret);
}

static bool
read_one(const char *path, struct agent_file *ret)
{
	struct stat st;
	char *text;
	size_t len = 0, size;
	ssize_t n;
	bool r = false;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0)
		return false;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size < FILE_MAX) {
		size = (size_t)st.st_size;
		text = xmalloc(size + 1);
		while (len < size && (n = read(fd, text + len, size - len)) > 0)
			len += (size_t)n;
		r = agent_file_parse(text, len, ret);
		OPENSSL_cleanse(text, size);
		free(text);
	}
	close(fd);
	return r;
}

/* In the order of ssh: the private file's own public part, the file as a public one, the .pub beside it. */
bool
agent_file_read(const char *path, struct agent_file *ret)
{
	struct agent_file pub;
	char *beside;
	bool is_key = read_one(path, ret), has_pub;

	if (is_key && ret->blob != NULL)
		return true;
	beside = xasprintf("%s.pub", path);
	has_pub = read_one(beside, &pub);
	free(beside);
	if (has_pub && (pub.blob == NULL || pub.is_private)) {
		agent_file_done(&pub);
		has_pub = false;
	}
	if (!is_key)
		*ret = (struct agent_file){ .blob = NULL };
	if (has_pub) {
		memcpy(ret->type, pub.type, sizeof ret->type);
		ret->blob = pub.blob;
		ret->len = pub.len;
	}
	return is_key || has_pub;
}

void
agent_file_done(struct agent_file *f)
{
	free(f->blob);
	f->blob = NULL;
}
