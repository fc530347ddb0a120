#include "config.h"

#include "source/decode_json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "source/intern.h"

/* --- the body --------------------------------------------------------------------------------------------------- */

int
small_begin(struct decoder *d)
{
	struct small_body *s = decoder_state(d);

	buf_init(&s->buf, DECODE_SMALL_MAX);
	return 0;
}

int
small_push(struct decoder *d, const char *bytes, size_t len, struct err *err)
{
	struct small_body *s = decoder_state(d);

	/* jansson takes a hundred times the bytes of an empty object. A comma in a text counts as well; a list that is read never comes near. */
	for (size_t i = 0; i < len; i++)
		s->n_values += bytes[i] == '{' || bytes[i] == '[' || bytes[i] == ',';
	if (s->n_values > DECODE_SMALL_VALUES)
		return err_set(err, ERR_LIMIT, "the answer holds more than %d values, more than a list of this kind should", DECODE_SMALL_VALUES);
	if (buf_add(&s->buf, bytes, len) == 0)
		return 0;
	return err_set(err, ERR_LIMIT, "the answer is larger than %d MiB, more than a list of this kind should be",
	    DECODE_SMALL_MAX >> 20);
}

void
small_end(struct decoder *d)
{
	struct small_body *s = decoder_state(d);

	buf_done(&s->buf);
}

json_t *
small_json(struct decoder *d, const char *what, struct err *err)
{
	struct small_body *s = decoder_state(d);

	return json_of_body(s->buf.data, s->buf.len, what, err);
}

json_t *
json_of_body(const char *body, size_t len, const char *what, struct err *err)
{
	char line[SENTENCE_MAX], why[128];
	json_error_t je;
	json_t *json;

	json = json_loadb(body, len, JSON_DECODE_ANY | JSON_ALLOW_NUL, &je);
	if (json != NULL)
		return json;
	if (*body_line(line, body, len) == '\0') {
		err_set(err, ERR_SYNTAX, "the body is empty, not %s", what);
		return NULL;
	}
	str_escape_to(why, sizeof why, je.text);
	err_set(err, ERR_SYNTAX, "not %s: JSON breaks at byte %d (%s); the body begins: %.80s", what, je.position,
	    why, line);
	return NULL;
}

/* --- values ----------------------------------------------------------------------------------------------------- */

int
json_wrong(const struct json_at *at, const char *text, struct err *err)
{
	if (at->outer != NULL)
		return err_set(err, ERR_INVALID, "%s %zu, %s %zu: %s", at->outer, at->outer_index + 1, at->what,
		    at->index + 1, text);
	return err_set(err, ERR_INVALID, "%s %zu: %s", at->what, at->index + 1, text);
}

char *
json_text(struct arena *a, const json_t *string)
{
	return text_copy(a, json_string_value(string), json_string_length(string));
}

const char *
json_text_or(struct arena *a, const json_t *object, const char *key, const char *otherwise)
{
	const json_t *v = json_object_get(object, key);

	return json_is_string(v) ? json_text(a, v) : otherwise;
}

static int
label_cmp(const void *a, const void *b)
{
	return strcmp(((const struct label *)a)->name, ((const struct label *)b)->name);
}

static void
labels_sort(struct label *v, size_t n)
{
	size_t i;

	/* Servers send them sorted, nearly always. */
	for (i = 1; i < n; i++)
		if (strcmp(v[i - 1].name, v[i].name) > 0) {
			qsort(v, n, sizeof *v, label_cmp);
			return;
		}
}

int
json_labels(struct arena *a, const json_t *object, const char *key, bool is_optional, const struct json_at *at,
    struct labels *ret, struct err *err)
{
	json_t *map = json_object_get(object, key), *value;
	struct label *v;
	const char *name;
	char text[96];
	size_t n = 0;

	if (is_optional && (map == NULL || json_is_null(map))) {
		*ret = (struct labels){ 0 };
		return 0;
	}
	if (!json_is_object(map)) {
		snprintf(text, sizeof text, "%s is %s, expected an object of strings", key,
		    map == NULL ? "missing" : "something else");
		return json_wrong(at, text, err);
	}
	v = arena_alloc(a, json_object_size(map) * sizeof *v);
	json_object_foreach(map, name, value) {
		if (!json_is_string(value)) {
			snprintf(text, sizeof text, "%s holds a value that is not a string", key);
			return json_wrong(at, text, err);
		}
		v[n].name = arena_strdup(a, name);
		v[n++].value = json_text(a, value);
	}
	labels_sort(v, n);
	*ret = (struct labels){ .n = n, .v = v };
	return 0;
}

int
json_time(const json_t *object, const char *key, int64_t otherwise, const struct json_at *at, int64_t *ret_ns, struct err *err)
{
	const json_t *v = json_object_get(object, key);
	char text[96];
	int64_t ns;

	if (v == NULL || json_is_null(v) || (json_is_string(v) && json_string_length(v) == 0)) {
		*ret_ns = otherwise;
		return 0;
	}
	if (!json_is_string(v) || clock_parse(json_string_value(v), &ns, NULL) < 0) {
		snprintf(text, sizeof text, "%s is not a time (RFC 3339)", key);
		return json_wrong(at, text, err);
	}
	/* Out of reach: before is not set, and after is what the field says without a time where that is for ever. */
	if (ns == INT64_MIN)
		*ret_ns = otherwise;
	else
		*ret_ns = ns == INT64_MAX && otherwise == INT64_MAX ? otherwise : clock_within(ns);
	return 0;
}

struct strings
json_strings(struct arena *a, const json_t *list, const char *member)
{
	const char **v = arena_alloc(a, json_array_size(list) * sizeof *v);
	json_t *item;
	size_t i, n = 0;

	json_array_foreach(list, i, item) {
		if (member != NULL)
			item = json_object_get(item, member);
		if (json_is_string(item))
			v[n++] = json_text(a, item);
	}
	return (struct strings){ .n = n, .v = v };
}

double
json_double_or(const json_t *object, const char *key, double otherwise)
{
	const json_t *v = json_object_get(object, key);

	return json_is_number(v) ? json_number_value(v) : otherwise;
}

/* --- refusals --------------------------------------------------------------------------------------------------- */

const char *
body_line(char *dst, const char *body, size_t len)
{
	char flat[SENTENCE_MAX];
	struct buf b;
	size_t i, n = 0;

	for (i = 0; i < len && n < sizeof flat - 1; i++) {
		bool is_space = strchr(" \t\r\n", body[i]) != NULL && body[i] != '\0';

		if (!is_space)
			flat[n++] = body[i];
		else if (n > 0 && flat[n - 1] != ' ')
			flat[n++] = ' ';
	}
	while (n > 0 && flat[n - 1] == ' ')
		n--;
	/* A NUL is escaped like any other byte before the text becomes a C string. */
	buf_init(&b, sizeof flat * 8);	/* \u{10FFFF} is the longest escape */
	str_escape(&b, flat, n);
	str_escape_to(dst, SENTENCE_MAX, b.data);
	buf_done(&b);
	return dst;
}

struct refusal {
	long status;
	int code;
	const char *says;	/* "%s" is the server */
	const char *advice;
};
static const struct refusal refusals[] = {
	{ 400, ERR_REFUSED, "%s refuses the request", "" },
	{ 401, ERR_DENIED, "%s does not accept the credentials", "check user and password, or bearer, of this source" },
	{ 403, ERR_DENIED, "%s forbids this request", "the account lacks the right, or the feature is switched off there" },
	{ 404, ERR_NOTFOUND, "%s has nothing at this path", "check the path prefix in the source's url, and its type" },
	{ 405, ERR_REFUSED, "%s does not take this method", "check the source's url and type; a proxy may allow GET only" },
	{ 408, ERR_TIMEOUT, "%s gave up waiting for the request", "the connection is very slow" },
	{ 413, ERR_LIMIT, "%s finds the request too large", "shorten the expression" },
	{ 422, ERR_REFUSED, "%s cannot do what was asked", "" },
	{ 429, ERR_REFUSED, "%s limits how often it may be asked", "raise the source's interval" },
	{ 502, ERR_REFUSED, "a proxy in front of %s gets no answer from it", "is it running?" },
	{ 503, ERR_REFUSED, "%s is not ready", "still starting (replaying its write-ahead log), or shutting down; asked again by itself" },
	{ 504, ERR_TIMEOUT, "a proxy in front of %s waited too long", "is it overloaded?" },
};

static const struct refusal *
refusal_find(long status)
{
	static const struct refusal other_5xx = { 0, ERR_REFUSED, "%s failed inside", "its own log says why" };
	static const struct refusal redirect = { 0, ERR_REFUSED, "%s points elsewhere", "use the final address as the source's url" };
	static const struct refusal other = { 0, ERR_REFUSED, "%s refuses the request", "" };
	size_t i;

	for (i = 0; i < sizeof refusals / sizeof *refusals; i++)
		if (refusals[i].status == status)
			return &refusals[i];
	if (status >= 500)
		return &other_5xx;
	return status >= 300 && status < 400 ? &redirect : &other;
}

/* Words that only repeat the status. */
static bool
is_empty_talk(const char *detail)
{
	static const char *const talk[] = { "", "Unauthorized", "Forbidden", "404 page not found", "Method Not Allowed", "Service Unavailable" };
	size_t i;

	for (i = 0; i < sizeof talk / sizeof *talk; i++)
		if (strcmp(talk[i], detail) == 0)
			return true;
	return false;
}

int
refuse_status(const char *server, const struct answer *answer, const char *detail, struct err *err)
{
	const struct refusal *r = refusal_find(answer->status);
	const char *again = answer->status == 401 && answer->is_authorised_retry ? ", also when read again" : "";
	const char *advice = strstr(detail, "HTTP request to an HTTPS server") != NULL ? "write https:// in the source's url" : r->advice;
	size_t len = is_empty_talk(detail) ? 0 : strlen(detail);
	char says[128];

	if (len > 0 && detail[len - 1] == '.')
		len--;
	snprintf(says, sizeof says, r->says, server);
	/* What the server says is worth more than our guess, and mostly both fit. */
	return err_set(err, r->code, "%s%s (HTTP %ld)%s%.*s%s%s", says, again, answer->status, len > 0 ? ": " : "",
	    (int)len, detail, *advice != '\0' ? "; " : "", advice);
}
