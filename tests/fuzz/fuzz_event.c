/*
 * Events as JSON, a line each, into a model.
 *
 * Whatever is accepted must come back from JSON as it went (from the second time on: times beyond reach are clamped at the first),
 * and no sequence of events may harm the model, its past, or what it says of itself. Written without a tree an event says the same, and a snapshot makes a model that
 * a snapshot of makes an equal one.
 */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "model/model.h"

enum { EVENTS_MAX = 64 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The event that ev becomes by way of JSON. */
static struct event
once_more(const struct event *ev, json_t **ret_json)
{
	struct event again;

	*ret_json = event_to_json(ev);
	if (event_from_json(*ret_json, &again, NULL) < 0)
		abort();
	return again;
}

static void
check_round_trip(const struct event *ev)
{
	json_t *first, *second, *third;
	struct event a = once_more(ev, &first), b = once_more(&a, &second), c = once_more(&b, &third);

	if (!json_equal(second, third))
		abort();
	json_decref(first);
	json_decref(second);
	json_decref(third);
	event_done(&a);
	event_done(&b);
	event_done(&c);
}

/* The text that a recording holds of it. */
static void
check_text(const struct event *ev)
{
	json_t *tree = event_to_json(ev), *read;
	struct buf b;

	buf_init(&b, 64 << 20);
	if (event_write(ev, &b) < 0)
		abort();
	read = json_loadb(b.data, b.len, JSON_ALLOW_NUL, NULL);
	if (read == NULL || !json_equal(tree, read) || memchr(b.data, '\n', b.len) != NULL)
		abort();
	json_decref(tree);
	json_decref(read);
	buf_done(&b);
}

static struct model *
copy_of(const struct model *m)
{
	struct model *copy = model_new(16384, 0);
	struct event_list l = { 0 };

	model_snapshot(m, true, &l);
	for (size_t i = 0; i < l.n; i++) {
		json_t *json;
		struct event ev = once_more(&l.v[i], &json);

		model_apply(copy, &ev);
		event_done(&ev);
		json_decref(json);
	}
	event_list_done(&l);
	return copy;
}

/* The first copy is of what may stand outside of what JSON can say. */
static void
check_snapshot(const struct model *m)
{
	struct model *first = copy_of(m), *second = copy_of(first);
	json_t *a = model_to_json(first), *b = model_to_json(second);

	if (!json_equal(a, b))
		abort();
	json_decref(a);
	json_decref(b);
	model_free(first);
	model_free(second);
}

static void
apply_line(struct model *m, const char *line, size_t len)
{
	json_t *json = json_loadb(line, len, JSON_ALLOW_NUL, NULL);
	struct event ev;

	if (json == NULL)
		return;
	if (event_from_json(json, &ev, NULL) == 0) {
		check_round_trip(&ev);
		check_text(&ev);
		model_apply(m, &ev);
		model_advance(m, ev.time_ns);
		event_done(&ev);
	}
	json_decref(json);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct model *m = model_new(16384, 0);
	const char *p = (const char *)data, *end = p + size;
	int64_t first_ns = 0;
	const struct model *then;

	for (int i = 0; p < end && i < EVENTS_MAX; i++) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));
		size_t len = nl == NULL ? (size_t)(end - p) : (size_t)(nl - p);

		apply_line(m, p, len);
		p += len + (nl != NULL);
	}
	then = model_at(m, model_now(m) - 1, &first_ns);
	json_decref(model_to_json(m));
	check_snapshot(m);
	if (then != NULL)
		json_decref(model_to_json(then));
	model_free(m);
	return 0;
}
