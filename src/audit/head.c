/* The head file: "SEQ:HASH" of the newest durable record, kept outside the log's folder. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "audit/chain_priv.h"
#include "base/save.h"
#include "base/str.h"
#include "base/xalloc.h"

enum { HEAD_MAX = 18 + 1 + AUDIT_HASH_HEX + 1 };

bool
audit_head_parse(const char *text, size_t len, struct audit_head *ret)
{
	struct audit_head h = { 0 };
	size_t i = 0;

	while (len > 0 && (text[len - 1] == '\n' || text[len - 1] == ' '))
		len--;
	for (; i < len && i < 18 && text[i] >= '0' && text[i] <= '9'; i++)
		h.seq = h.seq * 10 + (uint64_t)(text[i] - '0');
	if (i == 0 || text[0] == '0' || i + 1 + AUDIT_HASH_HEX != len || text[i] != ':')
		return false;
	for (size_t k = 0; k < AUDIT_HASH_HEX; k++) {
		char c = text[i + 1 + k];

		if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')))
			return false;
		h.hash[k] = c;
	}
	*ret = h;
	return true;
}

int
audit_head_read(const char *path, struct audit_head *ret, struct err *err)
{
	char text[HEAD_MAX + 1], shown[256];
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	ssize_t n;

	str_escape_to(shown, sizeof shown, path);
	if (fd < 0)
		return err_set_errno(err, errno == ENOENT ? ERR_NOTFOUND : ERR_IO, errno, "head of the audit log: %s", shown);
	n = read(fd, text, sizeof text);
	if (n < 0) {
		int e = errno;

		close(fd);
		return err_set_errno(err, ERR_IO, e, "head of the audit log: %s", shown);
	}
	close(fd);
	if (!audit_head_parse(text, (size_t)n, ret))
		return err_set(err, ERR_SYNTAX, "head of the audit log: %s does not hold SEQ:HASH", shown);
	return 0;
}

/* The rename is not synced by itself: after a power cut the head may be an older one, never a broken one. */
int
chain_head_write(struct chain *c, struct err *err)
{
	struct audit_head there;
	char text[HEAD_MAX + 1];
	int r = chain_lock(c, err);

	if (r < 0)
		return r;
	if (audit_head_read(c->head_path, &there, NULL) == 0 && there.seq >= c->end.seq) {
		chain_unlock(c);
		return 0;
	}
	snprintf(text, sizeof text, "%" PRIu64 ":%s\n", c->end.seq, c->end.hash);
	r = save_bytes(c->head_path, text, strlen(text), SAVE_ALONE, err);
	if (r < 0)
		err_prefix(err, "head of the audit log");
	chain_unlock(c);
	return r;
}
