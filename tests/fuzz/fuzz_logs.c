/*
 * Log stores, with a hostile server: whole rounds of each chain, and the names for completion.
 *
 * Input: one byte that picks the store and the want, then the answers, each after a byte that picks its status, separated by lines "%%". Requests are answered in
 * their order, the last answer again and again. A round must end within its number of requests; its lines lie in memory as they say, within the range that was asked
 * for, with labels in order and fields that are JSON; and requests must be ones that can be sent.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/xalloc.h"
#include "fakes/chain_driver.h"
#include "source/log_round.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define T(text) ((char *)(uintptr_t)(text))
#define NOW (INT64_C(1900000000) * NS_PER_S)

static char *indices[] = { T("logs-a*"), T("-logs-b"), NULL };
static const struct {
	const char *type, *query;
	const struct chain_ops *chain;
} stores[] = {
	{ "loki", "{app=\"web\"} |= \"x\"", &loki_chain },
	{ "elasticsearch", "level:error", &elastic_chain },
	{ "elasticsearch", "{\"match\":{\"a\":1}}", &elastic_chain },
	{ "journald", "A=b _C=\"d e\" + PRIORITY=3", &journald_chain },
	{ "journald", "", &journald_chain },
};
enum { N_STORES = sizeof stores / sizeof *stores };

/* --- the server ------------------------------------------------------------------------------------------------------------ */

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
	struct slice body;
	struct buf mended;

	if (ask->request.path[0] != '/' || ask->url != NULL)
		abort();
	for (const char *p = ask->request.path; *p != '\0'; p++)
		if (*p <= ' ' || *p > '~')
			abort();
	for (size_t i = 0; i < ask->request.n_headers; i++)
		if (strpbrk(ask->request.headers[i].value, "\r\n") != NULL)
			abort();
	if (ask->request.body.len == 0)
		return;
	buf_init(&mended, 8 << 20);
	if (slice_of(ask->request.body.data, ask->request.body.len, "a request", &mended, &body, NULL) < 0 || mended.len > 0)
		abort();
	buf_done(&mended);
}

static void
serve(const struct chain_ask *ask, struct chain_reply *ret, void *arg)
{
	static const long statuses[] = { 200, 200, 200, 200, 400, 404, 429, 0 };
	struct answers *a = arg;

	check_request(ask);
	next_answer(a);
	ret->status = a->len == 0 ? 200 : statuses[(unsigned char)a->current[0] % 8];
	ret->body = a->len == 0 ? "" : a->current + 1;
	ret->len = a->len == 0 ? 0 : a->len - 1;
	if (ret->status == 0)
		ret->body = "connection refused";
}

/* --- what comes out ---------------------------------------------------------------------------------------------------------- */

static void
check_stream(const struct log_stream *s)
{
	for (size_t i = 0; i < s->labels.n; i++)
		if (strlen(s->labels.v[i].value) > LOG_LABEL_VALUE_MAX * 3 || (i > 0 && strcmp(s->labels.v[i - 1].name, s->labels.v[i].name) > 0))
			abort();
	if (s->service == NULL)
		abort();
}

static void
check_line(const struct log_batch *b, const struct log_line *l)
{
	json_t *fields;

	if (l->len > LOG_TEXT_MAX || l->text[l->len] != '\0' || l->stream >= b->n_streams || l->level >= LOG_LEVELS)
		abort();
	if (l->fields == NULL)
		return;
	fields = json_loads(l->fields, JSON_ALLOW_NUL, NULL);
	/* Ours takes more: numbers of any size. */
	if (fields != NULL && !json_is_object(fields))
		abort();
	json_decref(fields);
}

static void
check_batch(const struct log_batch *b, const struct log_want *w, bool is_first)
{
	for (size_t i = 0; i < b->n_streams; i++)
		check_stream(&b->streams[i]);
	for (size_t i = 0; i < b->n; i++) {
		check_line(b, &b->v[i]);
		if (is_first && (b->v[i].time_ns < w->start_ns || b->v[i].time_ns >= NOW))
			abort();
	}
	if (b->end_ns > NOW || b->start_ns > b->end_ns)
		abort();
}

static void
check_round(const struct chain_round *r, const struct chain_ops *ops, const struct log_want *w, bool is_first)
{
	if (r->n_requests > ops->requests_max || (r->err.code != 0 && r->err.msg[0] == '\0'))
		abort();
	for (size_t i = 0; i < r->events.n; i++)
		if (r->events.v[i].kind == EVENT_LOG_LINES)
			check_batch(r->events.v[i].block, w, is_first);
		else if (!w->is_count || r->events.n != 1)
			abort();
}

static void
read_names(const char *type, const uint8_t *data, size_t size)
{
	const struct log_store *store = log_store_find(type);

	for (int i = 0; i < 2; i++) {
		struct arena mem = ARENA_INIT;
		struct log_names_list list;
		struct strings names;
		struct err err = ERR_INIT;

		log_names_begin(&list, &mem);
		if ((store->named(i == 0 ? NULL : "x", (const char *)data, size, &list, &err) < 0) != (err.code < 0))
			abort();
		names = log_names_take(&list);
		for (size_t k = 0; k < names.n; k++)
			if (names.v[k] == NULL)
				abort();
		arena_done(&mem);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned which = size > 0 ? data[0] : 0;
	const char *type = stores[which % N_STORES].type;
	struct conf_source conf = { .name = T("s"), .type = T(type), .indices = indices, .tenant = T("t") };
	const struct chain_ops *ops = stores[which % N_STORES].chain;
	struct log_want w = { .id = "w", .source = "s", .query = stores[which % N_STORES].query, .start_ns = NOW - NS_PER_HOUR, .limit = 20,
		.is_follow = (which & 0x20) != 0, .is_forward = (which & 0x40) != 0, .is_count = (which & 0x80) != 0 };
	const struct log_arg arg = { .want = &w, .page = 4 };
	struct chain_round *r;
	void *kept = NULL;

	if (size < 1)
		return 0;
	clock_freeze(NOW);
	read_names(type, data + 1, size - 1);
	r = xcalloc(1, sizeof *r);
	/* Twice: the second round begins with what the first has kept. */
	for (int i = 0; i < 2; i++) {
		struct answers a = { .rest = (const char *)data + 1, .end = (const char *)data + size };

		chain_drive(ops, &conf, &arg, &kept, serve, &a, r);
		check_round(r, ops, &w, i == 0);
		chain_round_done(r);
		free(a.current);
	}
	ops->kept_free(kept);
	free(r);
	return 0;
}
