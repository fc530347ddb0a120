/*
 * Why a key exchange cannot come to an agreement, from the server's own first bytes: libssh2 says only that it failed.
 * Source: RFC 4253, 4.2 (version), 6 (packets) and 7.1 (SSH_MSG_KEXINIT); pure functions.
 */
#include "config.h"

#include "ssh/ssh_priv.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"

static bool
list_has(const char *list, const char *word, size_t len)
{
	for (const char *p = list; p != NULL; p = strchr(p, ',')) {
		p += *p == ',';
		if (strncmp(p, word, len) == 0 && (p[len] == ',' || p[len] == '\0'))
			return true;
	}
	return false;
}

void
kex_common(struct buf *b, const char *list, const char *has)
{
	for (const char *p = list; *p != '\0'; p += *p == ',') {
		size_t len = strcspn(p, ",");

		if (len > 0 && list_has(has, p, len) && !list_has(b->data, p, len)) {
			if (b->len > 0)
				buf_addch(b, ',');
			buf_add(b, p, len);
		}
		p += len;
	}
}

static uint32_t
u32(const unsigned char *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* Lines may come before the version. */
static const unsigned char *
after_version(const unsigned char *p, const unsigned char *end)
{
	while (p < end) {
		const unsigned char *nl = memchr(p, '\n', (size_t)(end - p));
		bool is_version = end - p > 4 && memcmp(p, "SSH-", 4) == 0;

		if (nl == NULL)
			return NULL;
		p = nl + 1;
		if (is_version)
			return p;
	}
	return NULL;
}

/* The lists of a KEXINIT: kex, host keys, ciphers to and from, MACs to and from. */
static bool
read_lists(const char *hello, size_t len, char lists[6][1024])
{
	const unsigned char *p = (const unsigned char *)hello, *end = p + len;

	p = after_version(p, end);
	/* length, padding length, type, cookie */
	if (p == NULL || end - p < 4 + 1 + 1 + 16 || p[5] != 20)
		return false;
	p += 4 + 1 + 1 + 16;
	for (int i = 0; i < 6; i++) {
		uint32_t n;

		if (end - p < 4)
			return false;
		n = u32(p);
		p += 4;
		if (n > (size_t)(end - p) || n >= sizeof lists[i] || memchr(p, '\0', n) != NULL)
			return false;
		memcpy(lists[i], p, n);
		lists[i][n] = '\0';
		p += n;
	}
	return true;
}

bool
kex_explain(const char *hello, size_t len, const struct kex_offer *ours, char *buf, size_t size)
{
	static const char *const names[] = { "key exchange", "host key type", "cipher", "cipher", "MAC", "MAC" };
	const char *has[] = { ours->kex, ours->host_keys, ours->ciphers, ours->ciphers, ours->macs, ours->macs };
	char lists[6][1024], shown[200];
	struct buf b;

	if (!read_lists(hello, len, lists))
		return false;
	for (int i = 0; i < 6; i++) {
		size_t n;

		buf_init(&b, 4096);
		kex_common(&b, has[i], lists[i]);
		n = b.len;
		buf_done(&b);
		if (n > 0)
			continue;
		str_escape_to(shown, sizeof shown, lists[i]);
		snprintf(buf, size, "%s: the server offers only %s", names[i], shown[0] != '\0' ? shown : "none");
		return true;
	}
	return false;
}
