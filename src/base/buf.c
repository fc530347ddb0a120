#include "config.h"

#include "base/buf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/xalloc.h"

enum { BUF_FIRST = 64 };

void
buf_init(struct buf *b, size_t max)
{
	*b = (struct buf){ .max = max, .cap = BUF_FIRST };
	b->data = xmalloc(b->cap);
	b->data[0] = '\0';
}

void
buf_done(struct buf *b)
{
	free(b->data);
	*b = (struct buf){ 0 };
}

void
buf_reset(struct buf *b)
{
	b->len = 0;
	b->data[0] = '\0';
	b->is_over = false;
}

static int
buf_grow(struct buf *b, size_t more)
{
	size_t cap = b->cap;

	if (b->is_over || more > b->max || b->len > b->max - more) {
		b->is_over = true;
		return ERR_LIMIT;
	}
	while (cap < b->len + more + 1)
		cap += cap / 2 + 1;
	if (cap != b->cap) {
		b->data = xreallocarray(b->data, cap, 1);
		b->cap = cap;
	}
	return 0;
}

int
buf_add(struct buf *b, const void *bytes, size_t len)
{
	int r = buf_grow(b, len);

	if (r < 0)
		return r;
	if (len > 0)
		memcpy(b->data + b->len, bytes, len);
	b->len += len;
	b->data[b->len] = '\0';
	return 0;
}

int
buf_addstr(struct buf *b, const char *s)
{
	return buf_add(b, s, strlen(s));
}

int
buf_addch(struct buf *b, char c)
{
	return buf_add(b, &c, 1);
}

int
buf_vprintf(struct buf *b, const char *fmt, va_list ap)
{
	va_list again;
	int want, r;

	va_copy(again, ap);
	want = vsnprintf(NULL, 0, fmt, again);
	va_end(again);
	if (want < 0)
		return ERR_INVALID;
	r = buf_grow(b, (size_t)want);
	if (r < 0)
		return r;
	vsnprintf(b->data + b->len, (size_t)want + 1, fmt, ap);
	b->len += (size_t)want;
	return 0;
}

int
buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap;
	int r;

	va_start(ap, fmt);
	r = buf_vprintf(b, fmt, ap);
	va_end(ap);
	return r;
}

char *
buf_take(struct buf *b, size_t *ret_len)
{
	char *data = b->data;
	size_t max = b->max;

	if (ret_len != NULL)
		*ret_len = b->len;
	buf_init(b, max);
	return data;
}
