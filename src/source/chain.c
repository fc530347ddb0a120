/* What all chains share: how the body of an answer gets to them. */
#include "config.h"

#include "source/chain.h"

#include <stdlib.h>

void
chain_ask_done(struct chain_ask *ask)
{
	request_done(&ask->request);
	free(ask->url);
	*ask = (struct chain_ask){ 0 };
}

int
chain_finish(struct decoder *d, struct event_list *events, struct err *err)
{
	const struct small_body *s = decoder_state(d);
	const struct decode_ctx *ctx = decoder_ctx(d);
	struct chain_body *body = block_new(sizeof *body);

	(void)err;
	body->bytes = arena_strndup(&body->block.arena, s->buf.data, s->buf.len);
	body->len = s->buf.len;
	event_list_add(events, EVENT_KINDS, ctx->requested_ns, ctx->source, body);
	return 0;
}
