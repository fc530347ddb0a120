/*
 * Prometheus' HTTP API: alerts, rules, targets, build information; queries as requests. The answers to queries: prometheus_query.c.
 *
 * The same code reads Thanos, Mimir and VictoriaMetrics, so it asks only for what all of them serve, and members that some leave out are
 * optional. /api/v1/status/runtimeinfo is not asked for that reason.
 * Source: the HTTP API page of Prometheus' manual; answers of 2.42.
 */
#include "config.h"

#include "source/prometheus.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "source/source.h"

enum { URL_MAX = 4096, EXPR_MAX = 1 << 20 };

static const char expected[] = "a Prometheus answer";

/* --- errors ------------------------------------------------------------------------------------------------------- */

int
prometheus_error(const char *type, const char *text, struct err *err)
{
	char line[SENTENCE_MAX];

	body_line(line, text, strlen(text));
	if (str_eq(type, "timeout"))
		return err_set(err, ERR_TIMEOUT,
		    "Prometheus gave up on the query: %s; ask for less, or raise its --query.timeout", line);
	if (str_eq(type, "canceled"))
		return err_set(err, ERR_CANCELLED, "Prometheus cancelled the query: %s", line);
	return err_set(err, ERR_REFUSED, "Prometheus refuses: %s", *line != '\0' ? line : "it does not say why");
}

int
prometheus_refuse(struct decoder *d, const struct answer *answer, const char *body, size_t len, struct err *err)
{
	json_t *json = json_loadb(body, len, JSON_ALLOW_NUL, NULL);
	const char *type = json_string_value(json_object_get(json, "errorType"));
	const char *text = json_string_value(json_object_get(json, "error"));
	char line[SENTENCE_MAX];
	int r;

	(void)d;
	if (text != NULL && answer->status != 401 && answer->status != 403)
		r = prometheus_error(type, text, err);
	else if (text != NULL)
		r = refuse_status("Prometheus", answer, body_line(line, text, strlen(text)), err);
	else if (json != NULL || (len > 0 && body[0] == '<'))
		r = refuse_status("Prometheus", answer, "", err);
	else
		r = refuse_status("Prometheus", answer, body_line(line, body, len), err);
	json_decref(json);
	return r;
}

/* The answer's data, borrowed from *ret_json, which the caller releases. NULL: err says why. */
static const json_t *
data_of(struct decoder *d, json_t **ret_json, struct err *err)
{
	json_t *json = *ret_json = small_json(d, expected, err);
	const char *status = json_string_value(json_object_get(json, "status"));
	const json_t *data = json_object_get(json, "data");
	const char *text = json_string_value(json_object_get(json, "error"));

	if (json == NULL)
		return NULL;
	if (str_eq(status, "success") && json_is_object(data))
		return data;
	if (str_eq(status, "error"))
		prometheus_error(json_string_value(json_object_get(json, "errorType")), text == NULL ? "" : text, err);
	else
		err_set(err, ERR_INVALID, "not %s: expected status \"success\" and data; check the source's url and type", expected);
	return NULL;
}

/* A list inside the data; a server may leave an empty one out or send null. NULL with err set when it is something else. */
static bool
is_list(const json_t *data, const char *key, const json_t **ret_list, struct err *err)
{
	const json_t *list = json_object_get(data, key);

	*ret_list = list;
	if (list == NULL || json_is_null(list) || json_is_array(list))
		return true;
	err_set(err, ERR_INVALID, "not %s: data.%s is not a list", expected, key);
	return false;
}

/* A decoder of a small answer: what to allocate, how to fill it in, as which event. */
typedef int read_cb(const json_t *data, void *block, struct err *err);

static int
finish_small(struct decoder *d, struct event_list *events, size_t size, read_cb *read_data, enum event_kind kind, struct err *err)
{
	const struct decode_ctx *ctx = decoder_ctx(d);
	const json_t *data;
	json_t *json;
	void *block;
	int r = ERR_INVALID;

	data = data_of(d, &json, err);
	if (data != NULL) {
		block = block_new(size);
		r = read_data(data, block, err);
		if (r < 0)
			block_unref(block);
		else
			event_list_add(events, kind, ctx->requested_ns, ctx->source, block);
	}
	json_decref(json);
	return r;
}

/* --- alerts ------------------------------------------------------------------------------------------------------- */

/* A state we do not know is shown as one whose fate is open, rather than hidden. */
static enum alert_state
alert_state(const char *state)
{
	if (str_eq(state, "firing"))
		return ALERT_FIRING;
	return str_eq(state, "pending") ? ALERT_PENDING : ALERT_UNPROCESSED;
}

static int
read_alert(struct arena *mem, const json_t *json, const struct json_at *at, struct alert *a, struct err *err)
{
	const char *name;

	if (json_labels(mem, json, "labels", false, at, &a->labels, err) < 0 ||
	    json_labels(mem, json, "annotations", true, at, &a->annotations, err) < 0 ||
	    json_time(json, "activeAt", 0, at, &a->since_ns, err) < 0)
		return ERR_INVALID;
	name = labels_get(&a->labels, "alertname");
	a->name = name == NULL ? "" : name;
	a->state = alert_state(json_string_value(json_object_get(json, "state")));
	a->ends_ns = INT64_MAX;
	a->value = json_text_or(mem, json, "value", NULL);
	return 0;
}

static int
read_alerts(const json_t *data, void *block, struct err *err)
{
	struct alert_set *set = block;
	struct json_at at = { .what = "alert" };
	const json_t *list;
	struct alert *v;
	json_t *item;

	if (!is_list(data, "alerts", &list, err))
		return ERR_INVALID;
	set->v = v = arena_alloc(&set->block.arena, json_array_size(list) * sizeof *v);
	json_array_foreach(list, at.index, item) {
		if (str_eq(json_string_value(json_object_get(item, "state")), "inactive"))
			continue;
		if (read_alert(&set->block.arena, item, &at, &v[set->n++], err) < 0)
			return ERR_INVALID;
	}
	return 0;
}

static int
finish_alerts(struct decoder *d, struct event_list *events, struct err *err)
{
	return finish_small(d, events, sizeof(struct alert_set), read_alerts, EVENT_ALERTS, err);
}

/* --- rules -------------------------------------------------------------------------------------------------------- */

static int
read_rule(struct arena *mem, const json_t *json, const char *group, const struct json_at *at, struct rule *r, struct err *err)
{
	if (json_labels(mem, json, "labels", true, at, &r->labels, err) < 0 ||
	    json_time(json, "lastEvaluation", 0, at, &r->evaluated_ns, err) < 0)
		return ERR_INVALID;
	r->group = group;
	r->name = json_text_or(mem, json, "name", "");
	r->query = json_text_or(mem, json, "query", "");
	r->error = json_text_or(mem, json, "lastError", "");
	r->health = json_text_or(mem, json, "health", "unknown");
	r->is_alerting = str_eq(json_string_value(json_object_get(json, "type")), "alerting");
	r->evaluation_s = json_double_or(json, "evaluationTime", 0);
	return 0;
}

static int
read_group(const json_t *group, size_t index, struct rule_set *set, struct rule *v, struct err *err)
{
	struct json_at at = { .outer = "rule group", .outer_index = index, .what = "rule" };
	const char *name = json_text_or(&set->block.arena, group, "name", "");
	json_t *item;

	json_array_foreach(json_object_get(group, "rules"), at.index, item) {
		struct rule *r = &v[set->n++];

		if (read_rule(&set->block.arena, item, name, &at, r, err) < 0)
			return ERR_INVALID;
		set->n_err += str_eq(r->health, "err");
	}
	return 0;
}

static int
read_rules(const json_t *data, void *block, struct err *err)
{
	struct rule_set *set = block;
	const json_t *groups;
	struct rule *v;
	size_t i, n = 0;
	json_t *group;

	if (!is_list(data, "groups", &groups, err))
		return ERR_INVALID;
	json_array_foreach(groups, i, group)
		n += json_array_size(json_object_get(group, "rules"));
	set->v = v = arena_alloc(&set->block.arena, n * sizeof *v);
	json_array_foreach(groups, i, group)
		if (read_group(group, i, set, v, err) < 0)
			return ERR_INVALID;
	return 0;
}

static int
finish_rules(struct decoder *d, struct event_list *events, struct err *err)
{
	return finish_small(d, events, sizeof(struct rule_set), read_rules, EVENT_RULES, err);
}

/* --- targets ------------------------------------------------------------------------------------------------------ */

static int
read_target(struct arena *mem, const json_t *json, const struct json_at *at, struct target_set *set, struct target *t, struct err *err)
{
	const char *health = json_string_value(json_object_get(json, "health"));
	const json_t *labels = json_object_get(json, "labels");

	if (json_time(json, "lastScrape", 0, at, &t->last_scrape_ns, err) < 0 ||
	    json_labels(mem, json, "labels", true, at, &t->labels, err) < 0)
		return ERR_INVALID;
	t->job = json_text_or(mem, labels, "job", "");
	t->instance = json_text_or(mem, labels, "instance", "");
	t->url = json_text_or(mem, json, "scrapeUrl", "");
	t->error = json_text_or(mem, json, "lastError", "");
	t->scrape_s = json_double_or(json, "lastScrapeDuration", 0);
	if (str_eq(health, "up"))
		t->health = TARGET_UP;
	else if (str_eq(health, "down"))
		t->health = TARGET_DOWN;
	set->n_up += t->health == TARGET_UP;
	set->n_down += t->health == TARGET_DOWN;
	set->n_unknown += t->health == TARGET_UNKNOWN;
	return 0;
}

/* From 2.49 on servers tell how many they dropped; before, only in the answers that list them. */
static size_t
n_dropped(const json_t *data)
{
	const json_t *counts = json_object_get(data, "droppedTargetCounts"), *count;
	size_t n = json_array_size(json_object_get(data, "droppedTargets")), sum = 0;
	const char *pool;

	json_object_foreach((json_t *)counts, pool, count)
		if (json_integer_value(count) > 0)
			sum += (size_t)json_integer_value(count);
	return sum > n ? sum : n;
}

static int
read_targets(const json_t *data, void *block, struct err *err)
{
	struct target_set *set = block;
	struct json_at at = { .what = "target" };
	const json_t *list;
	struct target *v;
	json_t *item;

	if (!is_list(data, "activeTargets", &list, err))
		return ERR_INVALID;
	set->v = v = arena_alloc(&set->block.arena, json_array_size(list) * sizeof *v);
	json_array_foreach(list, at.index, item)
		if (read_target(&set->block.arena, item, &at, set, &v[at.index], err) < 0)
			return ERR_INVALID;
	set->n = at.index;
	set->n_dropped = n_dropped(data);
	return 0;
}

static int
finish_targets(struct decoder *d, struct event_list *events, struct err *err)
{
	return finish_small(d, events, sizeof(struct target_set), read_targets, EVENT_TARGETS, err);
}

/* --- build information -------------------------------------------------------------------------------------------- */

static int
read_buildinfo(const json_t *data, void *block, struct err *err)
{
	struct source_info *info = block;
	struct arena *mem = &info->block.arena;

	if (!json_is_string(json_object_get(data, "version")))
		return err_set(err, ERR_INVALID, "not %s: the build information has no version", expected);
	/* Mimir says what it is; the others answer as Prometheus does. */
	info->product = json_text_or(mem, data, "application", "Prometheus");
	info->version = json_text_or(mem, data, "version", "");
	return 0;
}

static int
finish_buildinfo(struct decoder *d, struct event_list *events, struct err *err)
{
	return finish_small(d, events, sizeof(struct source_info), read_buildinfo, EVENT_SOURCE_INFO, err);
}

/* --- queries as requests ------------------------------------------------------------------------------------------ */

/* Milliseconds are all that Prometheus keeps. */
static void
add_seconds(struct buf *b, const char *name, int64_t ns)
{
	int64_t ms = ns / NS_PER_MS;
	char text[32];

	snprintf(text, sizeof text, "%s%" PRId64 ".%03d", ms < 0 ? "-" : "", ms < 0 ? -(ms / 1000) : ms / 1000,
	    (int)(ms < 0 ? -(ms % 1000) : ms % 1000));
	request_add_form(b, name, text);
}

static int
check_want(const struct query_want *want, int64_t start_ns, int64_t end_ns, struct err *err)
{
	if (want->expr == NULL || *want->expr == '\0')
		return err_set(err, ERR_INVALID, "the query is empty");
	if (strlen(want->expr) > EXPR_MAX / 4)
		return err_set(err, ERR_LIMIT, "the query is longer than %d KiB", EXPR_MAX / 4 / 1024);
	if (want->step_ns < 0 || (want->step_ns > 0 && (want->step_ns < NS_PER_MS || end_ns < start_ns)))
		return err_set(err, ERR_INVALID, "a range needs a step of 1 ms or more, and an end behind its start");
	return 0;
}

/* GET where it fits: caches, proxies and logs know it best. A long expression goes as a form, which both endpoints take. */
static int
query_request(const struct query_want *want, int64_t start_ns, int64_t end_ns, struct request *ret, struct err *err)
{
	const char *path = want->step_ns > 0 ? "/api/v1/query_range" : "/api/v1/query";
	struct buf form;
	int r = check_want(want, start_ns, end_ns, err);

	if (r < 0)
		return r;
	buf_init(&form, EXPR_MAX);
	request_add_form(&form, "query", want->expr);
	if (want->step_ns > 0) {
		add_seconds(&form, "start", start_ns);
		add_seconds(&form, "end", end_ns);
		add_seconds(&form, "step", want->step_ns);
	} else
		add_seconds(&form, "time", end_ns);
	if (strlen(path) + 1 + form.len <= URL_MAX) {
		request_init(ret, "GET");
		ret->path = xasprintf("%s?%s", path, form.data);
	} else {
		request_init(ret, "POST");
		ret->path = xstrdup(path);
		ret->content_type = xstrdup("application/x-www-form-urlencoded");
		r = buf_add(&ret->body, form.data, form.len);
	}
	buf_done(&form);
	if (r < 0) {
		request_done(ret);
		return err_set(err, ERR_LIMIT, "the query is too long to send");
	}
	return 0;
}

/* --- the type ----------------------------------------------------------------------------------------------------- */

static const struct decoder_ops alerts_decoder = {
	.name = "prometheus alerts", .size = sizeof(struct small_body),
	.begin = small_begin, .push = small_push, .finish = finish_alerts, .refuse = prometheus_refuse, .end = small_end,
};
static const struct decoder_ops rules_decoder = {
	.name = "prometheus rules", .size = sizeof(struct small_body),
	.begin = small_begin, .push = small_push, .finish = finish_rules, .refuse = prometheus_refuse, .end = small_end,
};
static const struct decoder_ops targets_decoder = {
	.name = "prometheus targets", .size = sizeof(struct small_body),
	.begin = small_begin, .push = small_push, .finish = finish_targets, .refuse = prometheus_refuse, .end = small_end,
};
static const struct decoder_ops buildinfo_decoder = {
	.name = "prometheus build information", .size = sizeof(struct small_body),
	.begin = small_begin, .push = small_push, .finish = finish_buildinfo, .refuse = prometheus_refuse, .end = small_end,
};

static const struct poll polls[] = {
	{ "alerts",    "/api/v1/alerts",                    1,  &alerts_decoder },
	/* The alerts are asked for already; servers before 2.52 do not know the parameter and ignore it. */
	{ "rules",     "/api/v1/rules?exclude_alerts=true", 6,  &rules_decoder },
	{ "targets",   "/api/v1/targets?state=active",      6,  &targets_decoder },
	{ "buildinfo", "/api/v1/status/buildinfo",          60, &buildinfo_decoder },
	{ 0 },
};

const struct source_ops source_prometheus = {
	.type = "prometheus",
	.polls = polls,
	.query = query_request,
	.query_decoder = &prometheus_query_decoder,
};
