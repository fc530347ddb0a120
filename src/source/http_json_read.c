#include "config.h"

#include "source/http_json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/xalloc.h"
#include "source/decode_json.h"

/* --- what is declared ------------------------------------------------------------------------- */

#define FIELD(member) { #member, offsetof(struct conf_registry, member) }
static const struct {
	const char *name;
	size_t offset;
} fields[SHAPE_FIELDS] = {
	[SHAPE_ITEMS] = FIELD(items),
	[SHAPE_NAME] = FIELD(name),
	[SHAPE_MODEL_DESCRIPTION] = FIELD(model_description),
	[SHAPE_MODEL_CREATED] = FIELD(model_created),
	[SHAPE_MODEL_UPDATED] = FIELD(model_updated),
	[SHAPE_MODEL_TAGS] = FIELD(model_tags),
	[SHAPE_MODEL_ALIASES] = FIELD(model_aliases),
	[SHAPE_VERSIONS] = FIELD(versions),
	[SHAPE_VERSION] = FIELD(version),
	[SHAPE_STAGE] = FIELD(stage),
	[SHAPE_STATUS] = FIELD(status),
	[SHAPE_BY] = FIELD(by),
	[SHAPE_DESCRIPTION] = FIELD(description),
	[SHAPE_URI] = FIELD(uri),
	[SHAPE_RUN] = FIELD(run),
	[SHAPE_CREATED] = FIELD(created),
	[SHAPE_UPDATED] = FIELD(updated),
	[SHAPE_ALIASES] = FIELD(aliases),
	[SHAPE_TAGS] = FIELD(tags),
	[SHAPE_PARAMS] = FIELD(params),
	[SHAPE_METRICS] = FIELD(metrics),
	[SHAPE_ALIAS_NAME] = FIELD(alias_name),
	[SHAPE_ALIAS_VERSION] = FIELD(alias_version),
	[SHAPE_PAIR_KEY] = FIELD(pair_key),
	[SHAPE_PAIR_VALUE] = FIELD(pair_value),
	[SHAPE_PAGE_NEXT] = FIELD(page_next),
	[SHAPE_PAGE_TOKEN] = FIELD(page_token),
};

static const char *
copy_or_null(struct arena *a, const char *text)
{
	return text == NULL ? NULL : arena_strdup(a, text);
}

int
shape_new(struct arena *a, const struct conf_registry *conf, const struct shape **ret, struct err *err)
{
	struct shape *s = arena_alloc(a, sizeof *s);
	int r;

	s->list = copy_or_null(a, conf->list);
	s->versions_list = copy_or_null(a, conf->versions_list);
	s->page_param = copy_or_null(a, conf->page_param);
	s->page_first = conf->page_first;
	s->page_size = conf->page_size;
	for (int i = 0; i < SHAPE_FIELDS; i++) {
		s->text[i] = copy_or_null(a, *(char *const *)((const char *)conf + fields[i].offset));
		if (s->text[i] == NULL)
			continue;
		r = jpath_parse(s->text[i], &s->path[i], err);
		if (r < 0) {
			err_prefix(err, "registry: %s", fields[i].name);
			return r;
		}
	}
	if (s->list == NULL || s->text[SHAPE_ITEMS] == NULL || s->text[SHAPE_NAME] == NULL ||
	    s->text[SHAPE_VERSION] == NULL)
		return err_set(
		    err, ERR_INVALID, "registry: list, items, name and version are needed to read its answers");
	*ret = s;
	return 0;
}

bool
shape_has(const struct shape *s, enum shape_field field)
{
	return s->text[field] != NULL;
}

const json_t *
shape_get(const struct shape *s, enum shape_field field, const json_t *json)
{
	return s->text[field] == NULL ? NULL : json_walk(json, &s->path[field]);
}

/* What is there instead, where a path leads nowhere. */
static void
list_members(char *dst, size_t size, const json_t *json)
{
	char names[160] = "", shown[40];
	const char *name;
	json_t *value;
	size_t len = 0;

	*dst = '\0';
	if (!json_is_object(json) || json_object_size(json) == 0)
		return;
	json_object_foreach((json_t *)(uintptr_t)json, name, value) {
		if (len > sizeof names - sizeof shown - 8) {
			snprintf(names + len, sizeof names - len, ", ...");
			break;
		}
		len += (size_t)snprintf(names + len, sizeof names - len, "%s%s", len > 0 ? ", " : "",
		    str_escape_to(shown, sizeof shown, name));
	}
	snprintf(dst, size, " (it has: %s)", names);
}

int
shape_wrong(
    const struct shape *s, enum shape_field field, const json_t *found, const char *expected, struct err *err)
{
	char shown[96];

	return err_set(err, ERR_INVALID, "%s: '%s' is %s; %s is expected", fields[field].name,
	    str_escape_to(shown, sizeof shown, s->text[field]), json_kind(found), expected);
}

int
shape_missing(
    const struct shape *s, enum shape_field field, const json_t *in, const char *expected, struct err *err)
{
	char members[200];
	int r = shape_wrong(s, field, shape_get(s, field, in), expected, err);
	size_t len = strlen(err == NULL ? "" : err->msg);

	list_members(members, sizeof members, in);
	if (err != NULL)
		snprintf(err->msg + len, sizeof err->msg - len, "%s", members);
	return r;
}

/* --- texts, times, pairs ---------------------------------------------------------------------- */

static const char *
word(struct draft *d, const struct shape *s, enum shape_field field, const json_t *json)
{
	const json_t *v = shape_get(s, field, json);
	const char *text = json_word(&d->mem, v);
	struct err err = ERR_INIT;

	if (text == NULL && v != NULL && !json_is_null(v)) {
		shape_wrong(s, field, v, "a text or number", &err);
		draft_note(d, "%s", err.msg);
	}
	return text == NULL ? "" : text;
}

static int64_t
time_of(struct draft *d, const struct shape *s, enum shape_field field, const json_t *json)
{
	const char *text = word(d, s, field, json);
	int64_t ns = *text == '\0' ? 0 : registry_time(text);
	char shown[64];

	if (ns == 0 && *text != '\0' && strcmp(text, "0") != 0)
		draft_note(
		    d, "%s: '%s' is not a time", fields[field].name, str_escape_to(shown, sizeof shown, text));
	return ns;
}

/* A declared member of an object in a list, else the usual names. */
static const json_t *
part(const struct shape *s, enum shape_field field, const json_t *json, const char *usual, const char *other)
{
	const json_t *v;

	if (shape_has(s, field))
		return shape_get(s, field, json);
	v = json_object_get(json, usual);
	return v != NULL || other == NULL ? v : json_object_get(json, other);
}

static size_t
pairs_of_object(struct draft *d, const struct shape *s, const json_t *object, struct label *v)
{
	const char *name;
	json_t *value;
	size_t n = 0;

	json_object_foreach((json_t *)(uintptr_t)object, name, value) {
		const char *text = json_word(
		    &d->mem, json_is_object(value) ? part(s, SHAPE_PAIR_VALUE, value, "value", NULL) : value);

		if (text != NULL)
			v[n++] = (struct label){ arena_strdup(&d->mem, name), text };
	}
	return n;
}

static size_t
pairs_of_list(struct draft *d, const struct shape *s, const json_t *list, struct label *v)
{
	const char *name, *value;
	json_t *item;
	size_t i, n = 0;

	json_array_foreach(list, i, item) {
		name = json_word(
		    &d->mem, json_is_object(item) ? part(s, SHAPE_PAIR_KEY, item, "key", "name") : item);
		value = json_is_object(item)
		    ? json_word(&d->mem, part(s, SHAPE_PAIR_VALUE, item, "value", NULL))
		    : "";
		if (name != NULL)
			v[n++] = (struct label){ name, value == NULL ? "" : value };
	}
	return n;
}

/* {"owner": "x"}, [{"key": "owner", "value": "x"}], or ["x"], whose values are "". */
static struct labels
pairs(struct draft *d, const struct shape *s, enum shape_field field, const json_t *json)
{
	const json_t *v = shape_get(s, field, json);
	size_t n = json_is_object(v) ? json_object_size(v) : json_array_size(v);
	struct err err = ERR_INIT;
	struct label *labels;

	if (v != NULL && !json_is_null(v) && !json_is_object(v) && !json_is_array(v)) {
		shape_wrong(s, field, v, "an object or a list", &err);
		draft_note(d, "%s", err.msg);
	}
	if (n == 0)
		return (struct labels){ 0 };
	labels = arena_alloc(&d->mem, n * sizeof *labels);
	n = json_is_object(v) ? pairs_of_object(d, s, v, labels) : pairs_of_list(d, s, v, labels);
	return registry_labels(labels, n);
}

static void
read_metrics(struct draft *d, const struct shape *s, const json_t *json, struct reg_version *v)
{
	struct labels texts = pairs(d, s, SHAPE_METRICS, json);
	struct reg_metric *metrics = arena_alloc(&d->mem, texts.n * sizeof *metrics);

	for (size_t i = 0; i < texts.n; i++) {
		metrics[v->n_metrics].name = texts.v[i].name;
		v->n_metrics += registry_double(texts.v[i].value, &metrics[v->n_metrics].value);
	}
	v->metrics = metrics;
}

/* --- aliases ---------------------------------------------------------------------------------- */

/* {"champion": 6}, or [{"alias": "champion", "version": 6}]. */
static void
read_model_aliases(struct draft *d, const struct shape *s, size_t at, const json_t *item)
{
	const json_t *v = shape_get(s, SHAPE_MODEL_ALIASES, item);
	const char *alias, *version;
	struct err err = ERR_INIT;
	json_t *value;
	size_t i;

	if (json_is_object(v)) {
		json_object_foreach((json_t *)(uintptr_t)v, alias, value) {
			version = json_word(&d->mem,
			    json_is_object(value) ? part(s, SHAPE_ALIAS_VERSION, value, "version", NULL)
						  : value);
			if (version != NULL)
				draft_alias(&d->v[at], arena_strdup(&d->mem, alias), version);
		}
	} else if (json_is_array(v)) {
		json_array_foreach(v, i, value) {
			alias = json_word(&d->mem, part(s, SHAPE_ALIAS_NAME, value, "alias", "name"));
			version = json_word(&d->mem, part(s, SHAPE_ALIAS_VERSION, value, "version", NULL));
			if (alias != NULL && version != NULL)
				draft_alias(&d->v[at], alias, version);
		}
	} else if (v != NULL && !json_is_null(v)) {
		shape_wrong(s, SHAPE_MODEL_ALIASES, v, "an object or a list", &err);
		draft_note(d, "%s", err.msg);
	}
}

/* "champion", ["champion"], or [{"alias": "champion"}]. */
static void
read_aliases(struct draft *d, const struct shape *s, size_t at, const json_t *json, const char *version)
{
	const json_t *v = shape_get(s, SHAPE_ALIASES, json);
	const char *alias = json_word(&d->mem, v);
	struct err err = ERR_INIT;
	json_t *item;
	size_t i;

	if (alias != NULL && *alias != '\0')
		draft_alias(&d->v[at], alias, version);
	json_array_foreach(v, i, item) {
		alias = json_word(
		    &d->mem, json_is_object(item) ? part(s, SHAPE_ALIAS_NAME, item, "alias", "name") : item);
		if (alias != NULL)
			draft_alias(&d->v[at], alias, version);
	}
	if (json_is_object(v)) {
		shape_wrong(s, SHAPE_ALIASES, v, "a text or a list", &err);
		draft_note(d, "%s", err.msg);
	}
}

/* --- versions and models ---------------------------------------------------------------------- */

static int
read_version(struct draft *d, const struct shape *s, size_t at, const json_t *json, struct err *err)
{
	const char *version = json_word(&d->mem, shape_get(s, SHAPE_VERSION, json));
	struct reg_version *v;

	if (version == NULL || *version == '\0')
		return shape_missing(s, SHAPE_VERSION, json, "a text or number", err);
	v = draft_version(&d->v[at], version);
	v->stage = word(d, s, SHAPE_STAGE, json);
	if (strcmp(v->stage, "None") == 0)
		v->stage = "";
	v->status = word(d, s, SHAPE_STATUS, json);
	v->by = word(d, s, SHAPE_BY, json);
	v->description = word(d, s, SHAPE_DESCRIPTION, json);
	v->uri = word(d, s, SHAPE_URI, json);
	v->run = word(d, s, SHAPE_RUN, json);
	v->created_ns = time_of(d, s, SHAPE_CREATED, json);
	v->updated_ns = time_of(d, s, SHAPE_UPDATED, json);
	v->tags = pairs(d, s, SHAPE_TAGS, json);
	v->params = pairs(d, s, SHAPE_PARAMS, json);
	read_metrics(d, s, json, v);
	v->is_run_known = shape_has(s, SHAPE_PARAMS) || shape_has(s, SHAPE_METRICS);
	read_aliases(d, s, at, json, version);
	return 0;
}

int
shape_read_versions(struct draft *d, const struct shape *s, size_t at, const json_t *list, struct err *err)
{
	size_t i, n_wrong = 0;
	struct err why = ERR_INIT;
	char shown[64];
	json_t *item;

	if (list != NULL && !json_is_null(list) && !json_is_array(list))
		return shape_wrong(s, SHAPE_VERSIONS, list, "a list", err);
	json_array_foreach(list, i, item)
		n_wrong += read_version(d, s, at, item, &why) < 0;
	if (n_wrong > 0)
		draft_note(d, "%zu version%s of %s left out: %.250s", n_wrong, n_wrong == 1 ? "" : "s",
		    str_escape_to(shown, sizeof shown, d->v[at].m.name), why.msg);
	return 0;
}

static int
read_model(struct draft *d, const struct shape *s, size_t at, const json_t *item, struct err *err)
{
	struct reg_model *m = &d->v[at].m;
	struct err why = ERR_INIT;

	m->description = word(d, s, SHAPE_MODEL_DESCRIPTION, item);
	m->created_ns = time_of(d, s, SHAPE_MODEL_CREATED, item);
	m->updated_ns = time_of(d, s, SHAPE_MODEL_UPDATED, item);
	m->tags = pairs(d, s, SHAPE_MODEL_TAGS, item);
	read_model_aliases(d, s, at, item);
	(void)err;
	if (s->versions_list == NULL &&
	    shape_read_versions(d, s, at, shape_get(s, SHAPE_VERSIONS, item), &why) < 0)
		draft_note(d, "%s", why.msg);
	return 0;
}

/* One version of a list of them. */
static int
read_alone(struct draft *d, const struct shape *s, size_t at, const json_t *item, json_t *seen,
    bool *ret_is_known, struct err *err)
{
	const char *version = json_word(&d->mem, shape_get(s, SHAPE_VERSION, item));
	char *key = xasprintf("%zu %s", at, version == NULL ? "" : version);

	*ret_is_known = version != NULL && json_object_get(seen, key) != NULL;
	json_object_set_new(seen, key, json_true());
	free(key);
	return *ret_is_known ? 0 : read_version(d, s, at, item, err);
}

int
shape_read_item(struct draft *d, const struct shape *s, const json_t *item, json_t *seen,
    struct shape_item *ret, struct err *err)
{
	bool is_alone = !shape_has(s, SHAPE_VERSIONS) && s->versions_list == NULL;
	const char *name = json_word(&d->mem, shape_get(s, SHAPE_NAME, item));

	if (name == NULL || *name == '\0')
		return shape_missing(s, SHAPE_NAME, item, "a text", err);
	if (is_alone && json_word(&d->mem, shape_get(s, SHAPE_VERSION, item)) == NULL)
		return shape_missing(s, SHAPE_VERSION, item, "a text or number", err);
	ret->is_known = draft_find(d, name) != SIZE_MAX;
	if (ret->is_known && !is_alone) {
		ret->model = SIZE_MAX;
		return 0;
	}
	ret->model = draft_model(d, name);
	if (ret->model == SIZE_MAX)
		return 0;
	return is_alone ? read_alone(d, s, ret->model, item, seen, &ret->is_known, err)
			: read_model(d, s, ret->model, item, err);
}

/* --- links ------------------------------------------------------------------------------------ */

/* "/prefix" of "http://host:port/prefix/", "" without one. */
static const char *
path_of_url(const char *url, size_t *ret_len)
{
	const char *host = strstr(url, "://"), *path = host == NULL ? NULL : strpbrk(host + 3, "/?#");
	size_t len;

	if (path == NULL || *path != '/') {
		*ret_len = 0;
		return "";
	}
	len = strcspn(path, "?#");
	while (len > 0 && path[len - 1] == '/')
		len--;
	*ret_len = len;
	return path;
}

static bool
is_sendable(const char *link)
{
	const char *dots = strstr(link, "/..");

	for (const char *p = link; *p != '\0'; p++)
		if (*p <= ' ' || *p > '~')
			return false;
	/* Undone by curl, they would lead out of the prefix. */
	return dots == NULL || dots > link + strcspn(link, "?#");
}

/* A registry behind a proxy often writes its inner name, or http for https: what counts is the path, which is
 * asked of the source as before. */
int
shape_link(const char *url, const char *path, const char *link, char **ret, struct err *err)
{
	size_t prefix_len, len = strcspn(link, "#");
	const char *prefix = path_of_url(url, &prefix_len), *host = NULL;
	char shown[160];

	str_escape_to(shown, sizeof shown, link);
	if (!is_sendable(link) || len == 0 || len > 8000)
		return err_set(err, ERR_INVALID, "the link to the next page ('%s') is none", shown);
	if (strncmp(link, "http://", 7) == 0 || strncmp(link, "https://", 8) == 0) {
		host = strstr(link, "://") + 3;
		link = host + strcspn(host, "/?#");
		len = strcspn(link, "#");
	}
	if (*link == '?') {
		*ret = xasprintf("%.*s%.*s", (int)strcspn(path, "?"), path, (int)len, link);
		return 0;
	}
	if (*link != '/' || strncmp(link, "//", 2) == 0 || strncmp(link, prefix, prefix_len) != 0 ||
	    (link[prefix_len] != '/' && link[prefix_len] != '?'))
		return err_set(
		    err, ERR_INVALID, "the link to the next page ('%s') leads out of the source's url", shown);
	*ret = xasprintf("%.*s", (int)(len - prefix_len), link + prefix_len);
	return 0;
}
