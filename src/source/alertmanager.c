/*
 * Alertmanager's API v2: alerts, silences, notification groups, status.
 *
 * Of a group only its labels, its receiver and the fingerprints of its alerts are kept: it repeats the alerts as a whole, but they
 * are polled more often by themselves. The list of receivers is in the configuration that the status holds, so /api/v2/receivers is
 * not asked for.
 * Source: the OpenAPI file of Alertmanager, api/v2/openapi.yaml; answers of 0.25.
 */
#include "config.h"

#include "source/alertmanager.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "base/yaml.h"
#include "source/source.h"

static const char expected[] = "an Alertmanager v2 answer";

/* --- errors ------------------------------------------------------------------------------------------------------- */

const char *
alertmanager_detail(char *dst, const char *body, size_t len)
{
	json_t *json = json_loadb(body, len, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
	const json_t *text = json;

	if (json_is_object(json)) {
		text = json_object_get(json, "message");
		if (text == NULL)
			text = json_object_get(json, "error");
	}
	if (json_is_string(text))
		body_line(dst, json_string_value(text), json_string_length(text));
	else if (json == NULL && len > 0 && body[0] != '<')
		body_line(dst, body, len);
	else
		*dst = '\0';
	json_decref(json);
	return dst;
}

int
alertmanager_refuse(const struct answer *answer, const char *body, size_t len, struct err *err)
{
	char detail[SENTENCE_MAX];

	return refuse_status("Alertmanager", answer, alertmanager_detail(detail, body, len), err);
}

static int
refuse(struct decoder *d, const struct answer *answer, const char *body, size_t len, struct err *err)
{
	(void)d;
	return alertmanager_refuse(answer, body, len, err);
}

/* API v1 wraps its answers in an envelope, which tells that the path is wrong. */
static void
refuse_shape(const json_t *json, const char *wanted, struct err *err)
{
	if (json_is_string(json_object_get(json, "status")))
		err_set(err, ERR_UNSUPPORTED,
		    "an answer of Alertmanager's API v1, which was removed in 0.27: the source's url must not end in /api/v1");
	else
		err_set(err, ERR_INVALID, "not %s: expected %s; check the source's url and type", expected, wanted);
}

static json_t *
list_of(struct decoder *d, struct err *err)
{
	json_t *json = small_json(d, expected, err);

	if (json == NULL || json_is_array(json))
		return json;
	refuse_shape(json, "a list", err);
	json_decref(json);
	return NULL;
}

/* --- alerts ------------------------------------------------------------------------------------------------------- */

/* A silence is somebody's decision, so it names the state where an alert is inhibited as well. A state we do not know is not "active". */
static enum alert_state
alert_state(const char *state, const struct alert *a)
{
	if (str_eq(state, "active"))
		return ALERT_FIRING;
	if (!str_eq(state, "suppressed"))
		return ALERT_UNPROCESSED;
	return a->silenced_by.n == 0 && a->inhibited_by.n > 0 ? ALERT_INHIBITED : ALERT_SILENCED;
}

static int
read_alert(struct arena *mem, const json_t *json, const struct json_at *at, struct alert *a, struct err *err)
{
	const json_t *status = json_object_get(json, "status");
	const char *name;

	if (json_labels(mem, json, "labels", false, at, &a->labels, err) < 0 ||
	    json_labels(mem, json, "annotations", true, at, &a->annotations, err) < 0 ||
	    json_time(json, "startsAt", 0, at, &a->since_ns, err) < 0 ||
	    json_time(json, "updatedAt", 0, at, &a->updated_ns, err) < 0 ||
	    json_time(json, "endsAt", INT64_MAX, at, &a->ends_ns, err) < 0)
		return ERR_INVALID;
	if (!json_is_object(status))
		return json_wrong(at, "status is missing", err);
	name = labels_get(&a->labels, "alertname");
	a->name = name == NULL ? "" : name;
	a->fingerprint = json_text_or(mem, json, "fingerprint", NULL);
	a->generator_url = json_text_or(mem, json, "generatorURL", NULL);
	a->silenced_by = json_strings(mem, json_object_get(status, "silencedBy"), NULL);
	a->inhibited_by = json_strings(mem, json_object_get(status, "inhibitedBy"), NULL);
	a->receivers = json_strings(mem, json_object_get(json, "receivers"), "name");
	a->state = alert_state(json_string_value(json_object_get(status, "state")), a);
	return 0;
}

static int
read_alerts(const json_t *list, struct alert_set *set, struct err *err)
{
	struct alert *v = arena_alloc(&set->block.arena, json_array_size(list) * sizeof *v);
	struct json_at at = { .what = "alert" };
	json_t *item;

	json_array_foreach(list, at.index, item)
		if (read_alert(&set->block.arena, item, &at, &v[at.index], err) < 0)
			return ERR_INVALID;
	set->v = v;
	set->n = at.index;
	return 0;
}

static int
finish_alerts(struct decoder *d, struct event_list *events, struct err *err)
{
	const struct decode_ctx *ctx = decoder_ctx(d);
	json_t *list = list_of(d, err);
	struct alert_set *set;
	int r;

	if (list == NULL)
		return ERR_INVALID;
	set = block_new(sizeof *set);
	r = read_alerts(list, set, err);
	json_decref(list);
	if (r < 0)
		block_unref(set);
	else
		event_list_add(events, EVENT_ALERTS, ctx->requested_ns, ctx->source, set);
	return r;
}

/* --- groups ------------------------------------------------------------------------------------------------------- */

static int
read_fingerprints(struct arena *mem, const json_t *alerts, const struct json_at *at, struct strings *ret, struct err *err)
{
	const char **v;
	json_t *alert;
	size_t i;

	if (!json_is_array(alerts))
		return json_wrong(at, "alerts is not a list", err);
	v = arena_alloc(mem, json_array_size(alerts) * sizeof *v);
	json_array_foreach(alerts, i, alert) {
		v[i] = json_text_or(mem, alert, "fingerprint", NULL);
		if (v[i] == NULL)
			return json_wrong(at, "one of its alerts has no fingerprint", err);
	}
	*ret = (struct strings){ i, v };
	return 0;
}

static int
read_group(struct arena *mem, const json_t *json, const struct json_at *at, struct alert_group *g, struct err *err)
{
	if (json_labels(mem, json, "labels", false, at, &g->labels, err) < 0)
		return ERR_INVALID;
	g->receiver = json_text_or(mem, json_object_get(json, "receiver"), "name", NULL);
	if (g->receiver == NULL)
		return json_wrong(at, "receiver.name is missing", err);
	return read_fingerprints(mem, json_object_get(json, "alerts"), at, &g->fingerprints, err);
}

static int
read_groups(const json_t *list, struct group_set *set, struct err *err)
{
	struct alert_group *v = arena_alloc(&set->block.arena, json_array_size(list) * sizeof *v);
	struct json_at at = { .what = "group" };
	json_t *item;

	json_array_foreach(list, at.index, item)
		if (read_group(&set->block.arena, item, &at, &v[at.index], err) < 0)
			return ERR_INVALID;
	set->v = v;
	set->n = at.index;
	return 0;
}

static int
finish_groups(struct decoder *d, struct event_list *events, struct err *err)
{
	const struct decode_ctx *ctx = decoder_ctx(d);
	json_t *list = list_of(d, err);
	struct group_set *set;
	int r;

	if (list == NULL)
		return ERR_INVALID;
	set = block_new(sizeof *set);
	r = read_groups(list, set, err);
	json_decref(list);
	if (r < 0)
		block_unref(set);
	else
		event_list_add(events, EVENT_GROUPS, ctx->requested_ns, ctx->source, set);
	return r;
}

/* --- silences ----------------------------------------------------------------------------------------------------- */

static int
read_matchers(struct arena *mem, const json_t *list, const struct json_at *at, struct silence *s, struct err *err)
{
	struct matcher *v;
	json_t *item;
	size_t i;

	if (!json_is_array(list))
		return json_wrong(at, "matchers is not a list", err);
	v = arena_alloc(mem, json_array_size(list) * sizeof *v);
	json_array_foreach(list, i, item) {
		const json_t *is_equal = json_object_get(item, "isEqual");

		v[i].name = json_text_or(mem, item, "name", NULL);
		v[i].value = json_text_or(mem, item, "value", NULL);
		if (v[i].name == NULL || v[i].value == NULL)
			return json_wrong(at, "a matcher lacks name or value", err);
		v[i].is_regex = json_is_true(json_object_get(item, "isRegex"));
		v[i].is_equal = !json_is_false(is_equal);	/* absent before 0.22: equal */
	}
	s->matchers = v;
	s->n_matchers = i;
	return 0;
}

static int
read_silence(struct arena *mem, const json_t *json, const struct json_at *at, struct silence *s, struct err *err)
{
	const char *state = json_string_value(json_object_get(json_object_get(json, "status"), "state"));

	s->id = json_text_or(mem, json, "id", "");
	if (*s->id == '\0')
		return json_wrong(at, "id is missing", err);
	if (read_matchers(mem, json_object_get(json, "matchers"), at, s, err) < 0 ||
	    json_time(json, "startsAt", 0, at, &s->starts_ns, err) < 0 ||
	    json_time(json, "endsAt", INT64_MAX, at, &s->ends_ns, err) < 0 ||
	    json_time(json, "updatedAt", 0, at, &s->updated_ns, err) < 0)
		return ERR_INVALID;
	s->created_by = json_text_or(mem, json, "createdBy", "");
	s->comment = json_text_or(mem, json, "comment", "");
	if (str_eq(state, "active"))
		s->state = SILENCE_ACTIVE;
	else if (str_eq(state, "pending"))
		s->state = SILENCE_PENDING;
	else if (str_eq(state, "expired"))
		s->state = SILENCE_EXPIRED;
	else
		return json_wrong(at, "status.state is none of active, pending, expired", err);
	return 0;
}

static int
read_silences(const json_t *list, struct silence_set *set, struct err *err)
{
	struct silence *v = arena_alloc(&set->block.arena, json_array_size(list) * sizeof *v);
	struct json_at at = { .what = "silence" };
	json_t *item;

	json_array_foreach(list, at.index, item)
		if (read_silence(&set->block.arena, item, &at, &v[at.index], err) < 0)
			return ERR_INVALID;
	set->v = v;
	set->n = at.index;
	return 0;
}

static int
finish_silences(struct decoder *d, struct event_list *events, struct err *err)
{
	const struct decode_ctx *ctx = decoder_ctx(d);
	json_t *list = list_of(d, err);
	struct silence_set *set;
	int r;

	if (list == NULL)
		return ERR_INVALID;
	set = block_new(sizeof *set);
	r = read_silences(list, set, err);
	json_decref(list);
	if (r < 0)
		block_unref(set);
	else
		event_list_add(events, EVENT_SILENCES, ctx->requested_ns, ctx->source, set);
	return r;
}

/* --- status ------------------------------------------------------------------------------------------------------- */

/* The configuration as Alertmanager runs it is YAML inside the JSON; what cannot be read leaves the list empty, it is only shown. */
static struct strings
receivers_of(struct arena *mem, const json_t *original)
{
	const struct yaml_node *list, *name;
	struct strings names = { 0 };
	struct yaml_file *f;
	const char **v;

	if (!json_is_string(original) ||
	    yaml_parse("configuration", json_string_value(original), json_string_length(original), &f, NULL) < 0)
		return names;
	list = f->n_docs == 0 ? NULL : yaml_get(f->docs[0], "receivers");
	if (list != NULL && list->type == YAML_TYPE_LIST) {
		names.v = v = arena_alloc(mem, list->n * sizeof *v);
		for (size_t i = 0; i < list->n; i++) {
			name = yaml_get(list->items[i], "name");
			if (name != NULL && name->type == YAML_TYPE_SCALAR)
				v[names.n++] = arena_strdup(mem, name->text);
		}
	}
	yaml_file_free(f);
	return names;
}

/* Only what an operator may want to know: a cluster that is not ready, and its peers. */
static struct strings
cluster_notes(struct arena *mem, const json_t *cluster)
{
	const json_t *peers = json_object_get(cluster, "peers");
	const char *status = json_text_or(mem, cluster, "status", "");
	const char **v = arena_alloc(mem, (json_array_size(peers) + 1) * sizeof *v);
	struct strings notes = { .v = v };
	char line[512];
	json_t *peer;
	size_t i;

	if (*status == '\0' || str_eq(status, "disabled"))
		return notes;
	snprintf(line, sizeof line, "cluster %s, %zu peer%s", status, json_array_size(peers),
	    json_array_size(peers) == 1 ? "" : "s");
	v[notes.n++] = arena_strdup(mem, line);
	json_array_foreach(peers, i, peer) {
		snprintf(line, sizeof line, "peer %s at %s", json_text_or(mem, peer, "name", "?"),
		    json_text_or(mem, peer, "address", "?"));
		v[notes.n++] = arena_strdup(mem, line);
	}
	return notes;
}

static int
read_status(const json_t *json, struct source_info *info, struct err *err)
{
	static const struct json_at at = { .what = "status" };
	const json_t *version = json_object_get(json, "versionInfo");
	struct arena *mem = &info->block.arena;

	if (!json_is_object(version)) {
		refuse_shape(json, "versionInfo", err);
		return ERR_INVALID;
	}
	info->product = "Alertmanager";
	info->version = json_text_or(mem, version, "version", "");
	info->receivers = receivers_of(mem, json_object_get(json_object_get(json, "config"), "original"));
	info->notes = cluster_notes(mem, json_object_get(json, "cluster"));
	return json_time(json, "uptime", 0, &at, &info->started_ns, err);
}

static int
finish_status(struct decoder *d, struct event_list *events, struct err *err)
{
	const struct decode_ctx *ctx = decoder_ctx(d);
	json_t *json = small_json(d, expected, err);
	struct source_info *info;
	int r;

	if (json == NULL)
		return ERR_SYNTAX;
	info = block_new(sizeof *info);
	r = read_status(json, info, err);
	json_decref(json);
	if (r < 0)
		block_unref(info);
	else
		event_list_add(events, EVENT_SOURCE_INFO, ctx->requested_ns, ctx->source, info);
	return r;
}

/* --- the type ----------------------------------------------------------------------------------------------------- */

static const struct decoder_ops alerts_decoder = {
	.name = "alertmanager alerts", .size = sizeof(struct small_body),
	.begin = small_begin, .push = small_push, .finish = finish_alerts, .refuse = refuse, .end = small_end,
};
static const struct decoder_ops groups_decoder = {
	.name = "alertmanager groups", .size = sizeof(struct small_body),
	.begin = small_begin, .push = small_push, .finish = finish_groups, .refuse = refuse, .end = small_end,
};
static const struct decoder_ops silences_decoder = {
	.name = "alertmanager silences", .size = sizeof(struct small_body),
	.begin = small_begin, .push = small_push, .finish = finish_silences, .refuse = refuse, .end = small_end,
};
static const struct decoder_ops status_decoder = {
	.name = "alertmanager status", .size = sizeof(struct small_body),
	.begin = small_begin, .push = small_push, .finish = finish_status, .refuse = refuse, .end = small_end,
};

static const struct poll polls[] = {
	{ "alerts",   "/api/v2/alerts",        1,  &alerts_decoder },
	{ "silences", "/api/v2/silences",      1,  &silences_decoder },
	{ "status",   "/api/v2/status",        60, &status_decoder },
	{ "groups",   "/api/v2/alerts/groups", 3,  &groups_decoder },
	{ 0 },
};

const struct source_ops source_alertmanager = {
	.type = "alertmanager",
	.polls = polls,
};
