#include "config.h"

#include <stdlib.h>
#include <string.h>

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

void
request_done(struct request *r)
{
	free(r->path);
	free(r->content_type);
	buf_done(&r->body);
	*r = (struct request){ 0 };
}
