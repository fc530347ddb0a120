#include "config.h"

#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void
err_vset(struct err *err, int code, const char *fmt, va_list ap)
{
	err->code = code;
	vsnprintf(err->msg, sizeof err->msg, fmt, ap);
}

int
err_set(struct err *err, int code, const char *fmt, ...)
{
	va_list ap;

	if (err == NULL)
		return code;
	va_start(ap, fmt);
	err_vset(err, code, fmt, ap);
	va_end(ap);
	return code;
}

int
err_set_errno(struct err *err, int code, int errno_value, const char *fmt, ...)
{
	va_list ap;
	size_t used;

	if (err == NULL)
		return code;
	va_start(ap, fmt);
	err_vset(err, code, fmt, ap);
	va_end(ap);
	used = strlen(err->msg);
	snprintf(err->msg + used, sizeof err->msg - used, ": %s", strerror(errno_value));
	return code;
}

void
err_prefix(struct err *err, const char *fmt, ...)
{
	char old[sizeof err->msg];
	va_list ap;
	size_t used;

	if (err == NULL)
		return;
	memcpy(old, err->msg, sizeof old);
	va_start(ap, fmt);
	vsnprintf(err->msg, sizeof err->msg, fmt, ap);
	va_end(ap);
	used = strlen(err->msg);
	snprintf(err->msg + used, sizeof err->msg - used, ": %s", old);
}

const char *
err_code_name(int code)
{
	switch (code) {
	case 0: return "ok";
	case ERR_NOMEM: return "memory";
	case ERR_IO: return "io";
	case ERR_SYNTAX: return "syntax";
	case ERR_LIMIT: return "limit";
	case ERR_NOTFOUND: return "not found";
	case ERR_INVALID: return "invalid";
	case ERR_TIMEOUT: return "timeout";
	case ERR_REFUSED: return "refused";
	case ERR_DENIED: return "denied";
	case ERR_CANCELLED: return "cancelled";
	case ERR_UNSUPPORTED: return "unsupported";
	case ERR_USAGE: return "usage";
	}
	return "error";
}
