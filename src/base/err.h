/*
 * Errors: a code for the program and a sentence for the person.
 *
 * Functions return 0 or a negative ERR_*. A trailing `struct err *` (may be NULL) carries the sentence:
 * what, where, and what to do. Lower layers fill it in and never print; whoever acts on it explains it once.
 */
#ifndef OPS_BASE_ERR_H
#define OPS_BASE_ERR_H

enum {
	ERR_NOMEM = -1,
	ERR_IO = -2,		/* a system call failed; the sentence holds strerror */
	ERR_SYNTAX = -3,	/* bytes that do not follow their grammar */
	ERR_LIMIT = -4,		/* a ceiling was met: size, depth, count */
	ERR_NOTFOUND = -5,
	ERR_INVALID = -6,	/* well formed, but not allowed here */
	ERR_TIMEOUT = -7,
	ERR_REFUSED = -8,	/* the other side said no (HTTP status, connection refused) */
	ERR_DENIED = -9,	/* credentials missing or not accepted; ownership or mode of a file */
	ERR_CANCELLED = -10,
	ERR_UNSUPPORTED = -11,
	ERR_USAGE = -12,
};

struct err {
	int code;		/* 0: nothing has gone wrong */
	char msg[512];		/* one sentence, no newline, bytes from outside already escaped */
};

#define ERR_INIT { .code = 0, .msg = "" }

/* Fill err (if not NULL) and return code, so that `return err_set(...)` reads as one step. */
int err_set(struct err *err, int code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* The same with ": strerror(errno_value)" appended. */
int err_set_errno(struct err *err, int code, int errno_value, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/* Put "text: " before the sentence that err holds already. */
void err_prefix(struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* A short name of a code, such as "limit". */
const char *err_code_name(int code);

#endif
