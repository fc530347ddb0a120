/*
 * Feeds: recorded events as JSON, with two abbreviations so that a person can read them:
 *   - an alert with "repeat": N stands for N alerts; {i} in its texts is 0 to N-1
 *   - so does one of a registry's models, of its versions, a host, one that serves, a row of a run or of a history, or what may drift
 *   - a series with "every": {"from": TIME, "step_s": S, "values": [..]} has its samples there; null is a missing one
 */
#include "config.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "scene.h"

static json_t *
text_with_index(const char *text, int i)
{
	struct buf b;
	json_t *json;
	const char *hole;

	buf_init(&b, 1 << 16);
	while ((hole = strstr(text, "{i}")) != NULL) {
		buf_add(&b, text, (size_t)(hole - text));
		buf_printf(&b, "%d", i);
		text = hole + 3;
	}
	buf_addstr(&b, text);
	json = json_string(b.data);
	buf_done(&b);
	return json;
}

static json_t *
with_index(const json_t *from, int i)
{
	json_t *to, *value;
	const char *key;
	size_t at;

	if (json_is_string(from))
		return text_with_index(json_string_value(from), i);
	if (json_is_object(from)) {
		to = json_object();
		json_object_foreach((json_t *)from, key, value)
			json_object_set_new(to, key, with_index(value, i));
		return to;
	}
	if (json_is_array(from)) {
		to = json_array();
		json_array_foreach(from, at, value)
			json_array_append_new(to, with_index(value, i));
		return to;
	}
	return json_deep_copy(from);
}

/* What repeats itself has its index; the rest stays as it is. */
static void
expand_list(json_t *owner, const char *member)
{
	json_t *list = json_object_get(owner, member), *all, *thing;
	size_t at;

	if (list == NULL)
		return;
	all = json_array();
	json_array_foreach(list, at, thing) {
		int n = (int)json_integer_value(json_object_get(thing, "repeat"));

		for (int i = 0; i < (n > 0 ? n : 1); i++) {
			json_t *one = n > 0 ? with_index(thing, i) : json_deep_copy(thing);

			json_object_del(one, "repeat");
			json_array_append_new(all, one);
		}
	}
	json_object_set_new(owner, member, all);
}

static void
expand_lists(json_t *event)
{
	static const char *const lists[] = { "alerts", "models", "hosts", "serving", "rows", "drifts" };
	json_t *model;
	size_t at;

	for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++)
		expand_list(event, lists[i]);
	json_array_foreach(json_object_get(event, "models"), at, model)
		expand_list(model, "versions");
}

static int
expand_series(json_t *series, struct err *err)
{
	const json_t *every = json_object_get(series, "every"), *value;
	json_t *samples;
	int64_t t, step;
	size_t at;

	if (every == NULL)
		return 0;
	if (clock_parse(json_string_value(json_object_get(every, "from")), &t, err) < 0)
		return ERR_SYNTAX;
	step = (int64_t)json_integer_value(json_object_get(every, "step_s")) * NS_PER_S;
	samples = json_array();
	json_array_foreach(json_object_get(every, "values"), at, value) {
		if (!json_is_null(value))
			json_array_append_new(samples, json_pack("[I,O]", (json_int_t)(t + (int64_t)at * step), value));
	}
	json_object_set_new(series, "samples", samples);
	return 0;
}

static int
apply_one(json_t *json, struct model *m, struct err *err)
{
	struct event ev;
	json_t *series;
	size_t at;
	int r;

	expand_lists(json);
	json_array_foreach(json_object_get(json, "series"), at, series) {
		r = expand_series(series, err);
		if (r < 0)
			return r;
	}
	r = event_from_json(json, &ev, err);
	if (r < 0)
		return r;
	model_apply(m, &ev);
	event_done(&ev);
	return 0;
}

int
feed_apply(const char *path, struct model *m, struct err *err)
{
	json_error_t where;
	json_t *feed = json_load_file(path, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &where), *event;
	size_t at;
	int r = 0;

	if (feed == NULL)
		return err_set(err, ERR_SYNTAX, "%s:%d: %s", path, where.line, where.text);
	if (!json_is_array(feed))
		r = err_set(err, ERR_INVALID, "%s: expected a list of events", path);
	json_array_foreach(feed, at, event) {
		r = apply_one(event, m, err);
		if (r < 0) {
			err_prefix(err, "%s: event %zu", path, at);
			break;
		}
	}
	json_decref(feed);
	return r;
}
