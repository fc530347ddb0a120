/*
 * Every decoder of an answer, cut anywhere; queries against jansson's tree.
 *
 * Input: one byte that picks decoder and status (see pick()), one byte for the length of the pieces (0: whole), then the body. The outcome
 * must not depend on the pieces. A query answer that is taken must hold what the tree holds, where the two can be compared: no member twice,
 * no NUL, one kind of values in a series, times ascending.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/xalloc.h"
#include "series_tree.h"
#include "source/source.h"

enum { OUTCOME_MAX = 64 << 20, SERIES_MAX = 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The queries get half of the numbers: they are the ones we read ourselves. */
static const struct decoder_ops *
pick(uint8_t which, long *ret_status)
{
	static const long statuses[] = { 200, 200, 200, 200, 200, 200, 400, 503 };
	const struct poll *p = which & 1 ? source_alertmanager.polls : source_prometheus.polls;
	unsigned n = (which >> 1) & 3;

	*ret_status = statuses[which >> 5];
	if (which & 8)
		return source_prometheus.query_decoder;
	while (n-- > 0 && p[1].what != NULL)
		p++;
	return p->decoder;
}

static void
decode(const struct decoder_ops *ops, long status, const uint8_t *body, size_t len, size_t piece, struct event_list *events, struct buf *outcome)
{
	const struct decode_ctx ctx = { .source = "fuzz", .query = "query:fuzz", .series_max = SERIES_MAX, .requested_ns = 1 };
	const struct answer answer = { .status = status, .content_type = "" };
	struct decoder *d = decoder_new(ops, &ctx);
	struct err err = ERR_INIT;
	size_t at, n;
	int r = decoder_start(d, &answer);

	for (at = 0; at < len && r == 0; at += n) {
		char *copy;

		n = piece == 0 || piece > len - at ? len - at : piece;
		copy = memcpy(xmalloc(n), body + at, n);
		r = decoder_push(d, copy, n, &err);
		free(copy);
	}
	if (r == 0)
		r = decoder_finish(d, events, &err);
	decoder_free(d);
	if ((r < 0) != (err.code < 0) || (r < 0 && (err.msg[0] == '\0' || events->n > 0)) || (r == 0 && events->n != 1))
		abort();
	buf_printf(outcome, "%d %s\n", r, err.msg);
	if (events->n > 0) {
		json_t *json = event_to_json(&events->v[0]);
		char *text = json_dumps(json, JSON_COMPACT);

		buf_addstr(outcome, text);
		free(text);
		json_decref(json);
	}
}

/* --- what the tree can be compared to ------------------------------------------------------------------------------ */

static bool
is_ascending(const json_t *pairs)
{
	size_t i;

	for (i = 1; i < json_array_size(pairs); i++)
		if (!(json_number_value(json_array_get(json_array_get(pairs, i - 1), 0)) <
		    json_number_value(json_array_get(json_array_get(pairs, i), 0))))
			return false;
	return true;
}

static bool
is_comparable(const uint8_t *body, size_t len)
{
	json_t *json = json_loadb((const char *)body, len, JSON_REJECT_DUPLICATES, NULL), *series;
	const json_t *result = json_object_get(json_object_get(json, "data"), "result");
	bool r = json != NULL;
	size_t i;

	json_array_foreach(result, i, series)
		r &= (json_object_get(series, "value") == NULL || json_object_get(series, "values") == NULL) &&
		    (json_object_get(series, "histogram") == NULL || json_object_get(series, "histograms") == NULL) &&
		    is_ascending(json_object_get(series, "values")) && is_ascending(json_object_get(series, "histograms"));
	json_decref(json);
	return r;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct event_list whole = { 0 }, cut = { 0 };
	struct buf a, b;
	const struct decoder_ops *ops;
	char why[256];
	long status;

	if (size < 2)
		return 0;
	ops = pick(data[0], &status);
	buf_init(&a, OUTCOME_MAX);
	buf_init(&b, OUTCOME_MAX);
	decode(ops, status, data + 2, size - 2, 0, &whole, &a);
	decode(ops, status, data + 2, size - 2, data[1] == 0 ? 1 : data[1], &cut, &b);
	if (a.len != b.len || memcmp(a.data, b.data, a.len) != 0) {
		fprintf(stderr, "the outcome depends on the pieces:\n%s\n%s\n", a.data, b.data);
		abort();
	}
	if (whole.n == 1 && whole.v[0].kind == EVENT_SERIES && is_comparable(data + 2, size - 2) &&
	    !series_like_tree(whole.v[0].block, (const char *)data + 2, size - 2, why, sizeof why)) {
		fprintf(stderr, "%s\n", why);
		abort();
	}
	event_list_done(&whole);
	event_list_done(&cut);
	buf_done(&a);
	buf_done(&b);
	return 0;
}
