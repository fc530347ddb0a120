#include "config.h"

#include "source/decode.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/xalloc.h"

struct decoder {
	const struct decoder_ops *ops;
	struct decode_ctx ctx;
	struct answer answer;
	char *content_type;
	struct buf refusal;	/* body of an answer that is not 2xx */
	bool is_begun;		/* ops->begin() ran: ops->end() is due */
	bool has_first_byte;
	struct err failure;	/* first error of a push: told again by finish */
	max_align_t state[];
};

struct decoder *
decoder_new(const struct decoder_ops *ops, const struct decode_ctx *ctx)
{
	struct decoder *d = xcalloc(1, sizeof *d + ops->size);

	d->ops = ops;
	d->ctx = *ctx;
	d->content_type = xstrdup("");
	d->answer.content_type = d->content_type;
	buf_init(&d->refusal, DECODE_ERROR_BODY_MAX);
	return d;
}

void
decoder_free(struct decoder *d)
{
	if (d == NULL)
		return;
	if (d->is_begun && d->ops->end != NULL)
		d->ops->end(d);
	buf_done(&d->refusal);
	free(d->content_type);
	free(d);
}

const struct decode_ctx *
decoder_ctx(const struct decoder *d)
{
	return &d->ctx;
}

void *
decoder_state(struct decoder *d)
{
	return d->state;
}

static bool
is_success(const struct decoder *d)
{
	return d->answer.status >= 200 && d->answer.status <= 299;
}

int
decoder_start(struct decoder *d, const struct answer *answer)
{
	int r;

	free(d->content_type);
	d->content_type = xstrdup(answer->content_type == NULL ? "" : answer->content_type);
	d->answer = *answer;
	d->answer.content_type = d->content_type;
	if (!is_success(d))
		return 0;
	r = d->ops->begin == NULL ? 0 : d->ops->begin(d);
	d->is_begun = r == 0;
	return r;
}

/* "prometheus alerts" -> "Prometheus": the server whose answer was expected. */
static const char *
product(const struct decoder *d, char *dst, size_t size)
{
	size_t n = strcspn(d->ops->name, " ");

	if (n >= size)
		n = size - 1;
	memcpy(dst, d->ops->name, n);
	dst[n] = '\0';
	dst[0] = (char)toupper((unsigned char)dst[0]);
	return dst;
}

/* A login page or a proxy's page comes with status 200, often under a wrong content type: no JSON begins with '<'. */
static int
refuse_html(struct decoder *d, const char *bytes, size_t len, struct err *err)
{
	char name[32];
	size_t i = 0;

	if (d->has_first_byte)
		return 0;
	/* JSON's white space only, so that a body cut here or there is judged alike. */
	while (i < len && bytes[i] != '\0' && strchr(" \t\r\n", bytes[i]) != NULL)
		i++;
	if (i == len)
		return 0;
	d->has_first_byte = true;
	if (bytes[i] != '<')
		return 0;
	return err_set(err, ERR_INVALID,
	    "an HTML page, not %s %s answer: is there a login or a proxy in between?",
	    strchr("aeM", d->ops->name[0]) != NULL ? "an" : "a", product(d, name, sizeof name));
}

int
decoder_push(struct decoder *d, const void *bytes, size_t len, struct err *err)
{
	size_t room = DECODE_ERROR_BODY_MAX - d->refusal.len;

	if (d->failure.code != 0) {
		if (err != NULL)
			*err = d->failure;
		return d->failure.code;
	}
	if (!is_success(d)) {
		/* The sentence is at the beginning; the rest of a long error page is of no use. */
		buf_add(&d->refusal, bytes, len < room ? len : room);
		return 0;
	}
	if (refuse_html(d, bytes, len, &d->failure) == 0)
		d->ops->push(d, bytes, len, &d->failure);
	if (d->failure.code != 0 && err != NULL)
		*err = d->failure;
	return d->failure.code;
}

int
decoder_finish(struct decoder *d, struct event_list *ret_events, struct err *err)
{
	struct event_list events = { 0 };

	if (!is_success(d))
		return d->ops->refuse(d, &d->answer, d->refusal.data, d->refusal.len, err);
	if (d->failure.code == 0)
		d->ops->finish(d, &events, &d->failure);
	if (d->failure.code != 0) {
		event_list_done(&events);
		if (err != NULL)
			*err = d->failure;
		return d->failure.code;
	}
	*ret_events = events;
	return 0;
}
