/* Bytes on their way in or out: added behind, cut in front. Empty ones keep no memory but a little. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "ssh/ssh_priv.h"

char *
ssh_buf_text(struct buf *b)
{
	char *text = buf_take(b, NULL);

	buf_done(b);
	return text;
}

void
fifo_add(struct fifo *f, const void *bytes, size_t len)
{
	if (len == 0)
		return;
	if (f->at > 0 && f->at + f->len + len > f->cap) {
		memmove(f->data, f->data + f->at, f->len);
		f->at = 0;
	}
	if (f->len + len > f->cap) {
		f->cap = f->len + len < 1024 ? 1024 : (f->len + len) * 3 / 2;
		f->data = xreallocarray(f->data, f->cap, 1);
	}
	memcpy(f->data + f->at + f->len, bytes, len);
	f->len += len;
}

void
fifo_cut(struct fifo *f, size_t n)
{
	f->at += n;
	f->len -= n;
	if (f->len > 0)
		return;
	f->at = 0;
	if (f->cap > SSH_FIFO_KEPT)
		fifo_done(f);
}

void
fifo_done(struct fifo *f)
{
	free(f->data);
	*f = (struct fifo){ 0 };
}
