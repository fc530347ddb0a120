/*
 * A growing byte buffer with its ceiling set at birth.
 *
 * Always NUL-terminated behind its bytes, so data may be used as a C string when it holds no NUL. What does not fit under the
 * ceiling is refused whole: the buffer keeps what it had, is_over is set and stays set until buf_reset().
 */
#ifndef OPS_BASE_BUF_H
#define OPS_BASE_BUF_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

struct buf {
	char *data;		/* never NULL after buf_init() */
	size_t len;
	size_t cap;
	size_t max;		/* bytes it may hold */
	bool is_over;
};

void buf_init(struct buf *b, size_t max);
void buf_done(struct buf *b);
/* Forget the bytes, keep the memory. */
void buf_reset(struct buf *b);
/* 0 or ERR_LIMIT. */
int buf_add(struct buf *b, const void *bytes, size_t len);
int buf_addstr(struct buf *b, const char *s);
int buf_addch(struct buf *b, char c);
int buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
int buf_vprintf(struct buf *b, const char *fmt, va_list ap);
/* The caller now owns the bytes (free()); the buffer is empty and usable. */
char *buf_take(struct buf *b, size_t *ret_len);

#endif
