#include "config.h"

#include <stdlib.h>

#include "source/source.h"

/* Bodies are forms of queries and drafts of silences. */
enum { REQUEST_BODY_MAX = 1 << 20 };

void
request_init(struct request *r, const char *method)
{
	*r = (struct request){ .method = method };
	buf_init(&r->body, REQUEST_BODY_MAX);
}

void
request_done(struct request *r)
{
	free(r->path);
	free(r->content_type);
	buf_done(&r->body);
	*r = (struct request){ 0 };
}
