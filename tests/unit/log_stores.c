#include "config.h"

#include "log_stores.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "base/xalloc.h"

unsigned
store_next(uint32_t *seed, unsigned below)
{
	*seed = *seed * 1664525u + 1013904223u;
	return (*seed >> 8) % below;
}

struct store *
store_new(const char *type)
{
	struct store *s = xcalloc(1, sizeof *s);

	s->type = type;
	s->chain = strcmp(type, "loki") == 0 ? &loki_chain : strcmp(type, "journald") == 0 ? &journald_chain : &elastic_chain;
	return s;
}

void
store_free(struct store *s)
{
	s->chain->kept_free(s->kept);
	free(s);
}

void
store_add(struct store *s, int64_t time_ns, bool is_hidden)
{
	if (s->n == sizeof s->v / sizeof s->v[0])
		abort();
	s->v[s->n] = (struct store_line){ .time_ns = time_ns, .id = (unsigned)s->n, .is_hidden = is_hidden };
	s->n++;
}

static int
by_time(const void *a, const void *b)
{
	const struct store_line *x = a, *y = b;

	if (x->time_ns != y->time_ns)
		return x->time_ns < y->time_ns ? -1 : 1;
	return (x->id > y->id) - (x->id < y->id);
}

void
store_sort(struct store *s)
{
	qsort(s->v, s->n, sizeof s->v[0], by_time);
}

/* --- Loki -------------------------------------------------------------------------------------------------------------------- */

static int64_t
number_of(const char *path, const char *name)
{
	const char *at = strstr(path, name);

	return at == NULL ? 0 : strtoll(at + strlen(name), NULL, 10);
}

static void
add_loki(struct store *s, const struct store_line *l, bool *is_first)
{
	size_t len = strlen(s->buf);

	snprintf(s->buf + len, sizeof s->buf - len, "%s{\"stream\":{\"app\":\"a%u\",\"level\":\"info\"},\"values\":[[\"%" PRId64 "\",\"line %u\"]]}",
	    *is_first ? "" : ",", l->id % 3, l->time_ns, l->id);
	*is_first = false;
}

static void
serve_loki(struct store *s, const struct chain_ask *ask, struct chain_reply *ret)
{
	const char *path = ask->request.path;
	int64_t start = number_of(path, "start="), end = number_of(path, "end="), limit = number_of(path, "limit=");
	bool is_forward = strstr(path, "direction=forward") != NULL, is_first = true;

	if (s->page_max > 0 && (size_t)limit > s->page_max) {
		ret->status = 400;
		snprintf(s->buf, sizeof s->buf, "max entries limit per query exceeded, limit > max_entries_limit (%" PRId64 " > %zu)", limit, s->page_max);
		ret->body = s->buf;
		return;
	}
	snprintf(s->buf, sizeof s->buf, "{\"status\":\"success\",\"data\":{\"resultType\":\"streams\",\"result\":[");
	for (size_t k = 0; k < s->n && limit > 0; k++) {
		const struct store_line *l = &s->v[is_forward ? k : s->n - 1 - k];

		if (l->is_hidden || l->time_ns < start || l->time_ns >= end)
			continue;
		add_loki(s, l, &is_first);
		limit--;
	}
	strcat(s->buf, "]}}");
	ret->body = s->buf;
}

/* --- Elasticsearch ------------------------------------------------------------------------------------------------------------- */

static int64_t
date_of(const json_t *range, const char *key)
{
	int64_t t = 0;

	if (clock_parse(json_string_value(json_object_get(range, key)), &t, NULL) < 0)
		abort();
	return t;
}

static void
refuse(struct store *s, struct chain_reply *ret, long status, const char *type)
{
	ret->status = status;
	snprintf(s->buf, sizeof s->buf, "{\"error\":{\"root_cause\":[{\"type\":\"%s\",\"reason\":\"because\"}],\"type\":\"%s\"},\"status\":%ld}", type, type, status);
	ret->body = s->buf;
}

static int64_t
indexed(const struct store *s, const struct store_line *l)
{
	return s->index_us == 0 ? l->time_ns : l->time_ns - l->time_ns % (s->index_us * NS_PER_US);
}

static void
add_hit(struct store *s, const struct store_line *l, size_t at, bool *is_first)
{
	size_t len = strlen(s->buf);
	char when[CLOCK_TEXT_MAX];

	clock_format(when, l->time_ns, 9);
	len += (size_t)snprintf(s->buf + len, sizeof s->buf - len, "%s{\"_index\":\"logs-1\",\"_id\":\"%u\",", *is_first ? "" : ",", l->id);
	if (s->bad_every == 0 || l->id % s->bad_every != 0)
		len += (size_t)snprintf(s->buf + len, sizeof s->buf - len,
		    "\"_source\":{\"@timestamp\":\"%s\",\"log\":{\"level\":\"info\"},\"message\":\"line %u\"},", when, l->id);
	/* A number that is no time in any unit. */
	snprintf(s->buf + len, sizeof s->buf - len, "\"sort\":[%" PRId64 ",%zu]}",
	    s->bad_every != 0 && l->id % (s->bad_every * 3) == 0 ? INT64_C(99999999999) : indexed(s, l), at);
	*is_first = false;
}

static void
search_hits(struct store *s, const json_t *q, bool is_at_point)
{
	json_t *filter = json_array_get(json_object_get(json_object_get(json_object_get(q, "query"), "bool"), "filter"), 0), *after = json_object_get(q, "search_after");
	const json_t *range = json_object_get(json_object_get(filter, "range"), "@timestamp");
	const json_t *sort = json_object_get(json_array_get(json_object_get(q, "sort"), 0), "@timestamp");
	int64_t from = date_of(range, "gt"), to = date_of(range, "lte"), left = json_integer_value(json_object_get(q, "size"));
	bool is_forward = str_eq(json_string_value(json_object_get(sort, "order")), "asc"), is_first = true;
	size_t place = after == NULL ? SIZE_MAX : (size_t)json_integer_value(json_array_get(after, 1));
	unsigned unit_us = s->index_us > 0 ? s->index_us : s->granularity_us;

	if (unit_us > 0) {
		from -= from % (unit_us * NS_PER_US);
		to -= to % (unit_us * NS_PER_US);
	}
	(void)is_at_point;
	for (size_t k = 0; k < s->n && left > 0; k++) {
		size_t at = is_forward ? k : s->n - 1 - k;
		const struct store_line *l = &s->v[at];

		if (l->is_hidden || indexed(s, l) <= from || indexed(s, l) > to || (place != SIZE_MAX && (is_forward ? at <= place : at >= place)))
			continue;
		add_hit(s, l, at, &is_first);
		left--;
	}
}

static void
serve_search(struct store *s, const struct chain_ask *ask, struct chain_reply *ret)
{
	json_t *q = json_loadb(ask->request.body.data, ask->request.body.len, 0, NULL);
	const json_t *pit = json_object_get(q, "pit");
	char id[32];

	if (q == NULL)
		abort();
	s->n_searches++;
	snprintf(id, sizeof id, "pit %u", s->pit);
	if (pit != NULL && (s->lose_pit_at == (int)s->n_searches || !str_eq(json_string_value(json_object_get(pit, "id")), id))) {
		s->n_pits_open = 0;
		s->pit++;
		refuse(s, ret, 404, "search_context_missing_exception");
	} else if (s->status_at == (int)s->n_searches) {
		refuse(s, ret, s->status, "es_rejected_execution_exception");
	} else {
		snprintf(s->buf, sizeof s->buf, "{%s%s%s\"timed_out\":%s,\"_shards\":{\"total\":3,\"failed\":%d%s},\"hits\":{\"hits\":[", pit != NULL ? "\"pit_id\":\"" : "",
		    pit != NULL ? id : "", pit != NULL ? "\"," : "", s->is_timed_out ? "true" : "false", s->is_failing_shard,
		    s->is_failing_shard ? ",\"failures\":[{\"reason\":{\"reason\":\"queue is full\"}}]" : "");
		search_hits(s, q, pit != NULL);
		strcat(s->buf, "]}}");
		ret->body = s->buf;
	}
	json_decref(q);
}

static void
serve_elastic(struct store *s, const struct chain_ask *ask, struct chain_reply *ret)
{
	const char *path = ask->request.path;
	bool is_pit = strstr(path, "/_pit") != NULL || strstr(path, "point_in_time") != NULL;

	if (strcmp(path, "/") == 0) {
		ret->body = s->is_open_search ? "{\"version\":{\"distribution\":\"opensearch\",\"number\":\"2.13.0\"}}" : "{\"version\":{\"number\":\"8.15.0\"}}";
	} else if (is_pit && (strstr(path, "point_in_time") != NULL) != s->is_open_search) {
		refuse(s, ret, 400, "illegal_argument_exception");
	} else if (is_pit && s->is_without_pit) {
		refuse(s, ret, 405, "security_exception");
	} else if (is_pit && strcmp(ask->request.method, "DELETE") == 0) {
		s->n_pits_open--;
		ret->body = "{\"succeeded\":true,\"num_freed\":1}";
	} else if (is_pit) {
		s->n_pits_open++;
		snprintf(s->buf, sizeof s->buf, "{\"%s\":\"pit %u\"}", s->is_open_search ? "pit_id" : "id", ++s->pit);
		ret->body = s->buf;
	} else {
		serve_search(s, ask, ret);
	}
}

/* --- journald ------------------------------------------------------------------------------------------------------------------ */

static const char *
header_of(const struct chain_ask *ask, const char *name)
{
	for (size_t i = 0; i < ask->request.n_headers; i++)
		if (strcmp(ask->request.headers[i].name, name) == 0)
			return ask->request.headers[i].value;
	return "";
}

static long
visible(const struct store *s, long at, long step)
{
	for (at += step; at >= 0 && at < (long)s->n && s->v[at].is_hidden; at += step)
		;
	return at;
}

/* The first entry at or behind a cursor; n: none. */
static long
sought(const struct store *s, const char *cursor)
{
	uint64_t us;
	unsigned id;
	long i;

	if (sscanf(cursor, "i=%u", &id) == 1) {
		for (i = 0; i < (long)s->n; i++)
			if (s->v[i].id == id && !s->v[i].is_hidden)
				return i;
		return -1;
	}
	if (sscanf(cursor, "t=%" SCNx64, &us) != 1)
		return -1;
	for (i = 0; i < (long)s->n && (s->v[i].is_hidden || s->v[i].time_ns / NS_PER_US < (int64_t)us); i++)
		;
	return i;
}

static void
add_entry(struct store *s, const struct store_line *l)
{
	size_t len = strlen(s->buf);
	bool is_null = s->is_null_message && l->id % 3 == 0;
	char text[32];

	snprintf(text, sizeof text, "\"line %u\"", l->id);
	snprintf(s->buf + len, sizeof s->buf - len, "{\"__CURSOR\":\"i=%u;t=%" PRIx64 "\",\"__REALTIME_TIMESTAMP\":\"%" PRId64 "\",\"MESSAGE\":%s,\"PRIORITY\":\"3\",\"_SYSTEMD_UNIT\":\"web.service\"}\n",
	    l->id, (uint64_t)(l->time_ns / NS_PER_US), l->time_ns / NS_PER_US, is_null ? "null" : text);
}

/*
 * As the gateway of systemd 252 does: SKIP -N goes back N + 1 entries from the place, or as far as it can; then COUNT entries forward. At a time between
 * entries, or the end, going back one lands on the entry before; at an entry, on itself.
 */
static void
serve_journal(struct store *s, const struct chain_ask *ask, struct chain_reply *ret)
{
	const char *range = header_of(ask, "Range"), *colon = strchr(range, ':');
	char cursor[200];
	long skip, count, at, step;

	if (!str_has_prefix(range, "entries=") || colon == NULL || sscanf(colon, ":%ld:%ld", &skip, &count) != 2)
		abort();
	snprintf(cursor, sizeof cursor, "%.*s", (int)(colon - range - 8), range + 8);
	at = *cursor == '\0' ? (skip < 0 ? (long)s->n : 0) : sought(s, cursor);
	s->buf[0] = '\0';
	ret->body = s->buf;
	if (at < 0 || (s->is_seek_broken && cursor[0] == 'i')) {
		ret->status = 400;
		ret->body = "Failed to seek in journal.\n";
		return;
	}
	if (skip < 0) {
		/* So that the first step back lands on it, or on the last one of that time. */
		if (cursor[0] == 'i')
			at = visible(s, at, 1);
		while (cursor[0] == 't' && at < (long)s->n && s->v[at].time_ns / NS_PER_US == (int64_t)strtoull(cursor + 2, NULL, 16))
			at = visible(s, at, 1);
		for (step = skip - 1; step < 0; step++) {
			long before = visible(s, at, -1);

			if (before < 0)
				break;
			at = before;
		}
	} else if (at < (long)s->n && s->v[at].is_hidden) {
		at = visible(s, at, 1);
	}
	if (strcmp(header_of(ask, "Accept"), "application/vnd.fdo.journal") == 0) {
		char text[32];
		size_t len = (size_t)snprintf(text, sizeof text, "line %u", s->v[at].id);

		memcpy(s->buf, "__CURSOR=x\nMESSAGE\n\0\0\0\0\0\0\0\0", 27);
		s->buf[19] = (char)len;
		memcpy(s->buf + 27, text, len);
		memcpy(s->buf + 27 + len, "\n_PID=1\n\n", 10);
		ret->len = 27 + len + 9;
		return;
	}
	for (; at < (long)s->n && count > 0; at = visible(s, at, 1), count--)
		add_entry(s, &s->v[at]);
}

/* --- a round --------------------------------------------------------------------------------------------------------------------- */

static void
serve(const struct chain_ask *ask, struct chain_reply *ret, void *arg)
{
	struct store *s = arg;

	if (s->chain == &loki_chain)
		serve_loki(s, ask, ret);
	else if (s->chain == &elastic_chain)
		serve_elastic(s, ask, ret);
	else
		serve_journal(s, ask, ret);
}

static void
take_line(struct store *s, const struct log_line *l)
{
	unsigned id;

	if (sscanf(l->text, "line %u", &id) == 1)
		for (size_t i = 0; i < s->n; i++)
			if (s->v[i].id == id && s->v[i].time_ns == l->time_ns) {
				s->v[i].n_told++;
				return;
			}
	s->n_stray++;
}

static void
take_batch(struct store *s, const struct log_batch *b)
{
	for (size_t i = 0; i < b->n; i++)
		take_line(s, &b->v[i]);
	if (b->note != NULL) {
		s->n_notes++;
		snprintf(s->notes + strlen(s->notes), sizeof s->notes - strlen(s->notes), "%s\n", b->note);
	}
}

/* At the end of the round, as messages may come one by one behind their page. */
static void
check_stretch(struct store *s, const struct log_batch *b)
{
	for (size_t i = 0; b->start_ns < b->end_ns && i < s->n; i++)
		if (!s->v[i].is_hidden && s->v[i].n_told == 0 && s->v[i].time_ns >= b->start_ns && s->v[i].time_ns < b->end_ns)
			s->n_lies++;
}

void
store_ask(struct store *s, const struct log_want *want, size_t page)
{
	const struct log_arg arg = { .want = want, .page = page };
	char name[] = "s", *type = xstrdup(s->type);
	const struct conf_source conf = { .name = name, .type = type };

	s->error[0] = '\0';
	chain_drive(s->chain, &conf, &arg, &s->kept, serve, s, &s->round);
	if (s->round.err.code != 0)
		snprintf(s->error, sizeof s->error, "%s", s->round.err.msg);
	for (size_t i = 0; i < s->round.events.n && want->is_count; i++) {
		s->n_counted = ((const struct log_counts *)s->round.events.v[i].block)->n_lines;
		s->is_least = ((const struct log_counts *)s->round.events.v[i].block)->is_least;
	}
	for (size_t i = 0; i < s->round.events.n; i++)
		if (s->round.events.v[i].kind == EVENT_LOG_LINES)
			take_batch(s, s->round.events.v[i].block);
	for (size_t i = 0; i < s->round.events.n; i++)
		if (s->round.events.v[i].kind == EVENT_LOG_LINES)
			check_stretch(s, s->round.events.v[i].block);
	chain_round_done(&s->round);
	free(type);
}

unsigned
store_untold(const struct store *s, int64_t start_ns, int64_t end_ns)
{
	unsigned n = 0;

	for (size_t i = 0; i < s->n; i++)
		n += !s->v[i].is_hidden && s->v[i].n_told == 0 && s->v[i].time_ns >= start_ns && s->v[i].time_ns < end_ns;
	return n;
}

unsigned
store_told_twice(const struct store *s)
{
	unsigned n = 0;

	for (size_t i = 0; i < s->n; i++)
		n += s->v[i].n_told > 1;
	return n;
}
