/*
 * Registries and hosts, with a hostile server: whole rounds of each chain.
 *
 * Input: one byte that picks the chain (see pick()), then the answers, each after a byte that picks its status, separated by lines "%%". Requests are
 * answered in their order, the last answer again and again. A round must end within its number of requests, with one event or with a sentence; what it
 * says must survive being written as JSON and read again; and requests must be ones that can be sent.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/xalloc.h"
#include "fakes/chain_driver.h"
#include "model/registry.h"
#include "source/registry_write.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define T(text) ((char *)(uintptr_t)(text))

static const struct conf_registry shapes[] = {
	{ .list = T("/l?p={page}"), .items = T("i"), .name = T("n"), .version = T("v"), .aliases = T("a"), .tags = T("t"), .metrics = T("m"), .created = T("c"), .stage = T("s") },
	{ .list = T("/l"), .items = T(""), .name = T("n"), .versions = T("vs"), .version = T(""), .model_aliases = T("a"), .model_tags = T("t"), .page_next = T("next") },
	{ .list = T("/l?o={offset}"), .items = T("a.b[0]"), .name = T("['n.x'].y"), .versions_list = T("/m/{model}"), .versions = T("vs"), .version = T("v"),
	    .params = T("p"), .pair_key = T("k"), .pair_value = T("w"), .alias_name = T("an"), .aliases = T("al"), .page_size = 2 },
	{ .list = T("/l?t={token}"), .items = T("i"), .name = T("n"), .version = T("v"), .page_token = T("t"), .updated = T("u"), .by = T("by"), .run = T("r") },
};
static const struct model_def models[] = {
	{ .id = "model:m", .registry = "s", .name = "m", .data_key = "k" }, { .id = "model:o", .registry = "s", .name = "o" },
};
static const struct registry_arg registry_arg = { .models = models, .n_models = 2 };
static const struct serving_host hosts[] = { { "web-1", NULL }, { "web-2", "::1" }, { "../x", NULL }, { "web-3", "web-3.example" } };
static const struct serving_want serving_text = { .model = "model:m", .source = "s", .url = "http://{host}:1/v/{host}", .path = "", .n_hosts = 4, .hosts = hosts };
static const struct serving_want serving_json = { .model = "model:m", .source = "s", .url = "http://{host}", .path = "a[0].v", .n_hosts = 4, .hosts = hosts };

static const struct chain_ops *
pick(uint8_t which, struct conf_source *conf, const void **ret_arg)
{
	*conf = (struct conf_source){ .name = T("s"), .url = T("http://a/pre") };
	*ret_arg = &registry_arg;
	if (which % 8 < 2)
		return &mlflow_chain;
	if (which % 8 < 6) {
		conf->registry = shapes[which % 8 - 2];
		return &http_json_chain;
	}
	*ret_arg = which % 8 == 6 ? &serving_text : &serving_json;
	return &serving_http_chain;
}

/* --- the server ------------------------------------------------------------------------------------------------------ */

struct answers {
	const char *rest, *end;
	char *current;		/* terminated; its first byte picks the status */
	size_t len;
};

static void
next_answer(struct answers *a)
{
	const char *stop;

	if (a->rest == NULL)
		return;
	stop = memmem(a->rest, (size_t)(a->end - a->rest), "\n%%\n", 4);
	free(a->current);
	a->len = (size_t)((stop == NULL ? a->end : stop) - a->rest);
	a->current = memcpy(xcalloc(a->len + 1, 1), a->rest, a->len);
	a->rest = stop == NULL ? NULL : stop + 4;
}

static void
check_request(const struct chain_ask *ask)
{
	if (ask->request.path[0] != '/' && ask->request.path[0] != '?')
		abort();
	for (const char *p = ask->request.path; *p != '\0'; p++)
		if (*p <= ' ' || *p > '~')
			abort();
	if (ask->url != NULL && strncmp(ask->url, "http://", 7) != 0)
		abort();
}

static void
serve(const struct chain_ask *ask, struct chain_reply *ret, void *arg)
{
	static const long statuses[] = { 200, 200, 200, 200, 403, 404, 500, 0 };
	struct answers *a = arg;

	check_request(ask);
	next_answer(a);
	ret->status = a->len == 0 ? 200 : statuses[(unsigned char)a->current[0] % 8];
	ret->body = a->len == 0 ? "" : a->current + 1;
	ret->len = a->len == 0 ? 0 : a->len - 1;
	if (ret->status == 0)
		ret->body = "connection refused";
}

/* --- what comes out -------------------------------------------------------------------------------------------------- */

static void
check_event(const struct event *ev)
{
	json_t *json = event_to_json(ev), *again;
	struct event copy;
	struct err err = ERR_INIT;

	if (event_from_json(json, &copy, &err) < 0) {
		fprintf(stderr, "the event cannot be read again: %s\n", err.msg);
		abort();
	}
	again = event_to_json(&copy);
	if (!json_equal(json, again))
		abort();
	json_decref(again);
	json_decref(json);
	event_done(&copy);
}

static void
check_set(const struct registry_set *set)
{
	for (size_t i = 0; i < set->n; i++)
		if (reg_model_find(set, set->v[i].name) != &set->v[i])
			abort();
}

/* The same bytes as the answer to a change, and to what is read before one. */
static void
read_as_write(const uint8_t *data, size_t size)
{
	static const struct registry_change changes[] = {
		{ .kind = REGISTRY_ALIAS, .model = "m", .name = "a", .version = "1" }, { .kind = REGISTRY_STAGE, .model = "m", .name = "Production", .version = "1" },
		{ .kind = REGISTRY_TAG, .model = "m", .name = "k", .version = "1" }, { .kind = REGISTRY_TAG, .model = "m", .name = "k" },
	};
	const struct registry_write_ops *ops = registry_write_find("mlflow");
	const struct answer answer = { .status = data[0] & 1 ? 200 : 400, .content_type = "text/html" };

	for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
		struct err err = ERR_INIT;
		char *now = NULL;

		if ((ops->read_answer(&changes[i], &answer, (const char *)data, size, &now, &err) < 0) != (err.code < 0) || (err.code < 0 && now != NULL))
			abort();
		free(now);
		err = (struct err)ERR_INIT;
		if ((ops->write_answer(&changes[i], &answer, (const char *)data, size, &err) < 0) != (err.code < 0))
			abort();
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct chain_ops *ops;
	struct conf_source conf;
	struct chain_round *r;
	const void *arg;
	void *kept = NULL;

	if (size < 1)
		return 0;
	read_as_write(data, size);
	ops = pick(data[0], &conf, &arg);
	r = xcalloc(1, sizeof *r);
	/* Twice: the second round begins with what the first has kept. */
	for (int i = 0; i < 2; i++) {
		struct answers a = { .rest = (const char *)data + 1, .end = (const char *)data + size };

		chain_drive(ops, &conf, arg, &kept, serve, &a, r);
		if (r->n_requests > ops->requests_max || (r->err.code == 0) != (r->events.n == 1) || (r->err.code != 0 && r->err.msg[0] == '\0'))
			abort();
		for (size_t k = 0; k < r->events.n; k++) {
			check_event(&r->events.v[k]);
			if (r->events.v[k].kind == EVENT_REGISTRY)
				check_set(r->events.v[k].block);
		}
		chain_round_done(r);
		free(a.current);
	}
	ops->kept_free(kept);
	free(r);
	return 0;
}
