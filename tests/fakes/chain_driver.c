#include "config.h"

#include "fakes/chain_driver.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/xalloc.h"

/* As the transport does: through the decoder of the type. 0 and a body, or err. */
static const struct chain_body *
decode(const struct chain_ops *ops, const struct chain_reply *reply, struct err *err)
{
	const struct decode_ctx ctx = { .source = "s", .query = "", .requested_ns = 1 };
	const struct answer answer = { .status = reply->status, .content_type = reply->content_type };
	size_t len = reply->len > 0 ? reply->len : strlen(reply->body);
	struct event_list events = { 0 };
	const struct chain_body *body = NULL;
	struct decoder *d;

	if (reply->status == 0) {
		err_set(err, ERR_REFUSED, "%s", reply->body);
		return NULL;
	}
	d = decoder_new(ops->decoder, &ctx);
	if (decoder_start(d, &answer) == 0 && decoder_push(d, reply->body, len, err) == 0 && decoder_finish(d, &events, err) == 0)
		body = block_ref(events.v[0].block);
	event_list_done(&events);
	decoder_free(d);
	return body;
}

/* 0, or the round has failed. */
static int
serve(const struct chain_ops *ops, void *chain, const struct chain_ask *ask, chain_server *server, void *server_arg, struct chain_round *r)
{
	struct chain_reply reply = { .status = 200, .content_type = "application/json", .body = "" };
	const struct chain_body *body;
	struct err why = ERR_INIT;
	int result = 0;

	if (r->n_requests < 64)
		snprintf(r->paths[r->n_requests], sizeof r->paths[0], "%s%s", ask->url == NULL ? "" : ask->url, ask->request.path);
	r->n_requests++;
	server(ask, &reply, server_arg);
	body = decode(ops, &reply, &why);
	if (body != NULL)
		ops->answer(chain, ask->tag, body->bytes, body->len, &why);
	if (why.code != 0)
		result = ops->failed(chain, ask->tag, reply.status, &why, &r->err);
	block_unref(body);
	return result;
}

void
chain_drive(const struct chain_ops *ops, const struct conf_source *conf, const void *arg, void **kept, chain_server *server, void *server_arg,
    struct chain_round *ret)
{
	struct chain_ask asks[CHAIN_HOSTS_AT_ONCE];
	void *chain;
	unsigned n;
	int r = 0;

	*ret = (struct chain_round){ .err = ERR_INIT };
	chain = ops->begin(conf, arg, *kept, &ret->err);
	*kept = NULL;
	if (chain == NULL)
		return;
	do {
		for (n = 0; n < ops->at_once && ops->next(chain, &asks[n]); n++)
			;
		for (unsigned i = 0; i < n; i++) {
			if (r == 0)
				r = serve(ops, chain, &asks[i], server, server_arg, ret);
			chain_ask_done(&asks[i]);
		}
	} while (n > 0 && r == 0 && ret->n_requests <= ops->requests_max);
	if (r == 0 && ret->n_requests > ops->requests_max)
		err_set(&ret->err, ERR_LIMIT, "too many requests");
	else if (r == 0)
		ops->end(chain, &ret->events);
	*kept = ops->keep(chain);
	ops->free(chain);
}

void
chain_round_done(struct chain_round *r)
{
	event_list_done(&r->events);
}

bool
chain_was_asked(const struct chain_round *r, const char *prefix)
{
	for (unsigned i = 0; i < r->n_requests && i < 64; i++)
		if (str_has_prefix(r->paths[i], prefix))
			return true;
	return false;
}
