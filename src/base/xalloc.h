/* Memory that does not fail: out of memory ends the program with a sentence on stderr. */
#ifndef OPS_BASE_XALLOC_H
#define OPS_BASE_XALLOC_H

#include <stdarg.h>
#include <stddef.h>

void *xmalloc(size_t size) __attribute__((malloc, returns_nonnull, warn_unused_result));
void *xcalloc(size_t n, size_t size) __attribute__((malloc, returns_nonnull, warn_unused_result));
/* Room for n elements; n * size is checked for overflow. */
void *xreallocarray(void *p, size_t n, size_t size) __attribute__((returns_nonnull, warn_unused_result));
char *xstrdup(const char *s) __attribute__((malloc, returns_nonnull, warn_unused_result));
/* NULL stays NULL. */
char *xstrdup_or_null(const char *s) __attribute__((malloc, warn_unused_result));
char *xstrndup(const char *s, size_t len) __attribute__((malloc, returns_nonnull, warn_unused_result));
char *xasprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2), malloc, returns_nonnull, warn_unused_result));
char *xvasprintf(const char *fmt, va_list ap) __attribute__((malloc, returns_nonnull, warn_unused_result));

#endif
