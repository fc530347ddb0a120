#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/xalloc.h"
#include "source/source.h"

/* Bodies are forms of queries and drafts of silences. */
enum { REQUEST_BODY_MAX = 1 << 20 };

void
request_init(struct request *r, const char *method)
{
	*r = (struct request){ .method = method };
	buf_init(&r->body, REQUEST_BODY_MAX);
}

/* RFC 3986, section 2.3; isalnum() would follow the locale. */
static bool
is_unreserved(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	    (c != '\0' && strchr("-._~", c) != NULL);
}

int
request_escape(struct buf *b, const char *value)
{
	static const char hex[] = "0123456789ABCDEF";
	int r = 0;

	for (; r == 0 && *value != '\0'; value++) {
		unsigned char c = (unsigned char)*value;
		char escaped[] = { '%', hex[c >> 4], hex[c & 15] };

		r = is_unreserved(c) ? buf_addch(b, (char)c) : buf_add(b, escaped, sizeof escaped);
	}
	return r;
}

int
request_add_form(struct buf *b, const char *name, const char *value)
{
	int r = buf_printf(b, "%s%s=", b->len > 0 ? "&" : "", name);

	return r == 0 ? request_escape(b, value) : r;
}

/* RFC 9110, section 5.6.2 */
static bool
is_token(const char *name)
{
	for (const char *p = name; *p != '\0'; p++)
		if (*p <= ' ' || *p >= 0x7f || strchr("\"(),/:;<=>?@[\\]{}", *p) != NULL)
			return false;
	return *name != '\0';
}

int
request_add_header(struct request *r, const char *name, const char *value, struct err *err)
{
	char shown[64];

	if (!is_token(name))
		return err_set(err, ERR_INVALID, "'%s' cannot be the name of a header",
		    str_escape_to(shown, sizeof shown, name));
	if (strpbrk(value, "\r\n") != NULL)
		return err_set(err, ERR_INVALID, "the value of header %s has a line break", name);
	r->headers = xreallocarray(r->headers, r->n_headers + 1, sizeof *r->headers);
	r->headers[r->n_headers++] = (struct request_header){ xstrdup(name), xstrdup(value) };
	return 0;
}

void
request_done(struct request *r)
{
	for (size_t i = 0; i < r->n_headers; i++) {
		explicit_bzero(r->headers[i].value, strlen(r->headers[i].value));
		free(r->headers[i].value);
		free(r->headers[i].name);
	}
	free(r->headers);
	free(r->path);
	free(r->content_type);
	buf_done(&r->body);
	*r = (struct request){ 0 };
}
