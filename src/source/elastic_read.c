/* What answers of Elasticsearch and OpenSearch say: hits as lines, counts, what is missing, and errors. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "source/elastic.h"

enum { WORD_MAX = 4096, ID_MAX = 600, SORT_MAX = 64 << 10, LABEL_DEPTH = 4 };

/* ECS, OpenTelemetry in its forms, and what shippers make of it; in this order. */
static const char *const time_fields[] = { "@timestamp", "Timestamp", "timestamp", "time", NULL };
static const char *const level_fields[] = { "log.level", "level", "severity", "severity_text", "SeverityText", "severityText", "loglevel", NULL };
static const char *const message_fields[] = { "message", "body.text", "body", "Body", "log", "msg", "event.original", NULL };
static const char *const service_fields[] = { "service.name", "resource.attributes.service.name", "Resource.service.name", "resource.service.name",
	"service", "kubernetes.container.name", "container.name", "app", NULL };

/* --- fields ------------------------------------------------------------------------------------------------------------------ */

/* A name with dots, flat, nested, or any mixture of both. */
static struct slice
field_get(struct slice object, const char *name, unsigned depth)
{
	struct slice found = slice_get(object, name), inner;
	char head[128];

	if (found.p != NULL || depth == LABEL_DEPTH * 2)
		return found;
	for (const char *dot = strchr(name, '.'); dot != NULL && found.p == NULL; dot = strchr(dot + 1, '.')) {
		if ((size_t)(dot - name) >= sizeof head)
			break;
		memcpy(head, name, (size_t)(dot - name));
		head[dot - name] = '\0';
		inner = slice_get(object, head);
		if (slice_is(inner, '{'))
			found = field_get(inner, dot + 1, depth + 1);
	}
	return found;
}

static bool
is_scalar(struct slice s)
{
	return slice_is(s, '"') || slice_is_number(s) || slice_is(s, 't') || slice_is(s, 'f');
}

/* ret_name: of the field it was found in; may be NULL. */
static struct slice
first_field(struct slice object, const char *own, const char *const *usual, const char **ret_name)
{
	const char *const only[] = { own, NULL };
	struct slice v = { NULL, 0 };

	for (const char *const *name = own != NULL ? only : usual; *name != NULL; name++) {
		v = field_get(object, *name, 0);
		if (ret_name != NULL)
			*ret_name = *name;
		if (is_scalar(v))
			return v;
	}
	if (ret_name != NULL)
		*ret_name = NULL;
	return (struct slice){ NULL, 0 };
}

/* --- time -------------------------------------------------------------------------------------------------------------------- */

/* Whole seconds, milli-, micro- or nanoseconds since the epoch, by their size. */
static int64_t
of_epoch(int64_t v)
{
	static const int64_t max = INT64_C(9000000000);		/* the year 2255 in seconds: more does not fit as nanoseconds */

	if (v > -max && v < max)
		return v * NS_PER_S;
	if (v > -max * 1000 && v < max * 1000)
		return v * NS_PER_MS;
	if (v > -max * 1000000 && v < max * 1000000)
		return v * NS_PER_US;
	return v;
}

/* As RFC 3339 has it, also without a zone (which then is UTC), with a comma, with a blank for the T. */
static bool
read_date(const char *text, int64_t *ret)
{
	char t[64];
	size_t n = strlen(text);

	if (n < 10 || n > sizeof t - 12)
		return false;
	snprintf(t, sizeof t, "%s", text);
	if (n == 10)
		snprintf(t + n, sizeof t - n, "T00:00:00");
	t[10] = 'T';
	if (strlen(t) > 19 && t[19] == ',')
		t[19] = '.';
	n = strlen(t);
	/* +0000 is how some write +00:00. */
	if (n > 20 && (t[n - 5] == '+' || t[n - 5] == '-'))
		snprintf(t + n - 2, sizeof t - n + 2, ":%.2s", text + strlen(text) - 2);
	else if (n == 16)
		snprintf(t + n, sizeof t - n, ":00Z");
	else if (t[n - 1] != 'Z' && strpbrk(t + 11, "+-") == NULL)
		snprintf(t + n, sizeof t - n, "Z");
	return clock_parse(t, ret, NULL) == 0;
}

/* By what it was sorted: a field of type date has milliseconds, whatever the document says. 0: not known. */
static int64_t
place_of(struct slice hit)
{
	struct slice sort = slice_get(hit, "sort"), first;
	size_t at = 0;
	int64_t n;

	return slice_item(sort, &at, &first) && slice_int(first, &n) ? of_epoch(n) : 0;
}

static bool
time_of(struct arena *mem, struct slice source, struct slice hit, const char *own, int64_t *ret)
{
	struct slice v = first_field(source, own, time_fields, NULL);
	const char *text;
	int64_t n;

	if (slice_is(v, '"')) {
		text = slice_word(mem, v, 64);
		if (read_date(text, ret))
			return true;
	}
	if (slice_int(v, &n)) {
		*ret = of_epoch(n);
		return true;
	}
	/* It was sorted by its time, so there it stands. */
	*ret = place_of(hit);
	return *ret != 0;
}

/* --- a hit -------------------------------------------------------------------------------------------------------------------- */

/* The object without its message, which is the line's text. */
static void
without(struct slice object, const char *name, struct buf *b)
{
	struct slice key, value;
	size_t at = 0;

	buf_reset(b);
	buf_addch(b, '{');
	while (slice_member(object, &at, &key, &value)) {
		if (name != NULL && slice_key_is(key, name))
			continue;
		if (b->len > 1)
			buf_addch(b, ',');
		buf_add(b, key.p, key.len);
		buf_addch(b, ':');
		buf_add(b, value.p, value.len);
	}
	buf_addch(b, '}');
}

/* What many lines share: where they are, and who wrote them. */
static uint32_t
stream_of(struct log_round *r, struct arena *mem, struct slice source, struct slice hit)
{
	static const char *const names[] = { "host.name", "service.name", "service.version", "data_stream.dataset", "kubernetes.namespace",
		"kubernetes.pod.name", "container.name", NULL };
	const char *index = slice_word(mem, slice_get(hit, "_index"), ID_MAX);
	struct label labels[10];
	size_t n = 0;

	if (index != NULL)
		labels[n++] = (struct label){ "_index", index };
	for (size_t i = 0; names[i] != NULL; i++) {
		struct slice v = field_get(source, names[i], 0);

		if (is_scalar(v))
			labels[n++] = (struct label){ names[i], slice_word(mem, v, WORD_MAX) };
	}
	return log_build_stream(&r->build, labels, n, slice_word(mem, first_field(source, r->fields.service, service_fields, NULL), WORD_MAX));
}

/* A hit without a message is shown as the object that it is. */
static int
read_hit(struct log_round *r, struct slice hit, struct buf *text, struct buf *rest)
{
	struct arena mem = ARENA_INIT;
	struct slice source = slice_get(hit, "_source"), message;
	struct log_draft d = { .place_ns = place_of(hit) };
	const char *name, *index = slice_word(&mem, slice_get(hit, "_index"), ID_MAX), *id = slice_word(&mem, slice_get(hit, "_id"), ID_MAX);
	char whole[ID_MAX * 2 + 2];
	bool is_good = slice_is(source, '{') && time_of(&mem, source, hit, r->fields.time, &d.time_ns);

	if (is_good) {
		snprintf(whole, sizeof whole, "%s/%s", index == NULL ? "" : index, id == NULL ? "" : id);
		d.id = id != NULL ? whole : NULL;
		message = first_field(source, r->fields.message, message_fields, &name);
		buf_reset(text);
		slice_text(message.p != NULL ? message : source, text);
		without(source, name, rest);
		d.text = text->data;
		d.len = text->len;
		d.fields = (struct slice){ rest->data, message.p != NULL ? rest->len : 0 };
		d.level = slice_word(&mem, first_field(source, r->fields.level, level_fields, NULL), 64);
		d.stream = stream_of(r, &mem, source, hit);
		log_round_line(r, &d, id != NULL ? str_hash(whole, strlen(whole), STR_HASH_SEED) : str_hash(hit.p, hit.len, STR_HASH_SEED));
	} else {
		log_round_pass_over(r, d.place_ns);
	}
	arena_done(&mem);
	return is_good ? 0 : ERR_INVALID;
}

int
elastic_read_hits(struct log_round *r, struct elastic *e, struct slice all, size_t *ret_n, char **ret_after, struct err *err)
{
	struct slice list = slice_get(slice_get(all, "hits"), "hits"), hit, sort = { NULL, 0 };
	size_t at = 0, n_bad = 0;
	struct buf text, rest;

	(void)e;
	*ret_n = 0;
	*ret_after = NULL;
	if (!slice_is(list, '['))
		return err_set(err, ERR_INVALID, "not an answer to a search: it has no hits; check the source's url and type");
	buf_init(&text, LOG_BODY_MAX);
	buf_init(&rest, LOG_BODY_MAX);
	while (slice_item(list, &at, &hit)) {
		++*ret_n;
		n_bad += read_hit(r, hit, &text, &rest) < 0;
		sort = slice_get(hit, "sort");
	}
	buf_done(&text);
	buf_done(&rest);
	/* It goes into the next request as it is. */
	if (slice_is(sort, '[') && sort.len <= SORT_MAX)
		*ret_after = xstrndup(sort.p, sort.len);
	if (n_bad > 0)
		log_round_note(r, "%zu of %zu documents have no time or no _source and are not shown", n_bad, *ret_n);
	return 0;
}

/* --- what is missing ------------------------------------------------------------------------------------------------------------ */

void
elastic_read_flaws(struct log_round *r, struct slice all)
{
	struct slice shards = slice_get(all, "_shards"), failure = { NULL, 0 }, reason;
	struct arena mem = ARENA_INIT;
	int64_t failed = 0, total = 0;
	const char *why;
	char shown[200];
	size_t at = 0;

	slice_int(slice_get(shards, "failed"), &failed);
	slice_int(slice_get(shards, "total"), &total);
	if (failed > 0) {
		slice_item(slice_get(shards, "failures"), &at, &failure);
		reason = slice_get(failure, "reason");
		why = slice_word(&mem, slice_get(reason, "reason"), WORD_MAX);
		if (why == NULL)
			why = slice_word(&mem, slice_get(reason, "type"), WORD_MAX);
		log_round_flaw(r, "%lld of %lld shards failed, their lines are missing%s%s", (long long)failed, (long long)total,
		    why != NULL ? ": " : "", why != NULL ? str_escape_to(shown, sizeof shown, why) : "");
	}
	if (slice_is(slice_get(all, "timed_out"), 't'))
		log_round_flaw(r, "the search took longer than the store allows: lines are missing");
	arena_done(&mem);
}

/* --- counts --------------------------------------------------------------------------------------------------------------------- */

static void
count_levels(struct log_round *r, struct arena *mem, const char *service, struct slice bucket)
{
	struct slice list = slice_get(slice_get(bucket, "level"), "buckets"), one;
	const char *level;
	size_t at = 0;
	int64_t n;

	while (slice_item(list, &at, &one)) {
		level = slice_word(mem, slice_get(one, "key"), 64);
		if (level != NULL && slice_int(slice_get(one, "doc_count"), &n) && n > 0)
			log_round_count(r, service, log_level_find(level, strlen(level), false), (uint64_t)n);
	}
}

/* What the buckets leave out is counted all the same. */
int
elastic_read_counts(struct log_round *r, struct slice all, struct err *err)
{
	struct slice total = slice_get(slice_get(all, "hits"), "total"), value = slice_get(total, "value"), one;
	struct slice list = slice_get(slice_get(slice_get(all, "aggregations"), "service"), "buckets");
	struct arena mem = ARENA_INIT;
	const char *service, *relation;
	size_t at = 0;
	int64_t n;

	/* A number by itself: 6.x, and rest_total_hits_as_int. */
	if (!slice_int(slice_is(total, '{') ? value : total, &n) || n < 0)
		return err_set(err, ERR_INVALID, "not an answer to a search: it has no total of hits");
	while (slice_item(list, &at, &one)) {
		service = slice_word(&mem, slice_get(one, "key"), WORD_MAX);
		if (service != NULL)
			count_levels(r, &mem, service, one);
	}
	if (r->n_counted < (uint64_t)n)
		log_round_count(r, "", LOG_LEVEL_UNKNOWN, (uint64_t)n - r->n_counted);
	relation = slice_word(&mem, slice_get(total, "relation"), 8);
	r->is_least = relation != NULL && str_eq(relation, "gte");
	arena_done(&mem);
	elastic_read_flaws(r, all);
	return 0;
}

/* --- errors --------------------------------------------------------------------------------------------------------------------- */

/* The cause of a failed shard says more than "all shards failed". */
const char *
elastic_detail(char *dst, const char *body, size_t len)
{
	struct arena mem = ARENA_INIT;
	struct slice all = { NULL, 0 }, error, cause = { NULL, 0 };
	const char *type, *reason;
	struct buf mended;
	char line[SENTENCE_MAX], shown[ELASTIC_DETAIL_MAX - 100];
	size_t at = 0;

	buf_init(&mended, LOG_BODY_MAX);
	snprintf(dst, ELASTIC_DETAIL_MAX, "%.300s", body_line(line, body, len));
	if (slice_of(body, len, "an error", &mended, &all, NULL) == 0) {
		error = slice_get(all, "error");
		slice_item(slice_get(error, "root_cause"), &at, &cause);
		if (!slice_is(cause, '{'))
			cause = error;
		type = slice_word(&mem, slice_get(cause, "type"), WORD_MAX);
		reason = slice_word(&mem, slice_get(cause, "reason"), WORD_MAX);
		if (reason == NULL && slice_is(error, '"'))
			reason = slice_word(&mem, error, WORD_MAX);
		if (reason != NULL) {
			str_escape_to(shown, sizeof shown, reason);
			snprintf(dst, ELASTIC_DETAIL_MAX, "%s%s%.80s%s", shown, type != NULL ? " (" : "", type != NULL ? type : "", type != NULL ? ")" : "");
		}
	}
	buf_done(&mended);
	arena_done(&mem);
	return dst;
}
