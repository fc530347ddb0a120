/*
 * Elasticsearch 7 to 9 and OpenSearch: lines by _search at a point in time with search_after; never by scrolling.
 *
 * A point in time is opened for a round and closed behind it; when it goes in the middle, another one goes on from the last time that was read. A store that holds
 * none is paged by time alone, as a Loki is (log_round.c). Made from documented answers, see tests/fixtures/elasticsearch/README.
 */
#include "config.h"

#include "source/elastic.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "base/xalloc.h"

enum { BODY_MAX = 1 << 20, PIT_BYTES_MAX = 64 << 10, LOST_MAX = 3, BUCKETS = 200, VALUES_MAX = 500, PAGE_MAX = 10000 /* index.max_result_window, unless it was changed */ };
#define KEEP_ALIVE "1m"
#define TIME_FORMAT "strict_date_optional_time_nanos||strict_date_optional_time"

/* --- small parts of requests ------------------------------------------------------------------------------------------------- */

static void
add_text(struct buf *b, const char *text)
{
	static const char hex[] = "0123456789abcdef";

	buf_addch(b, '"');
	for (const char *p = text; *p != '\0'; p++) {
		unsigned char c = (unsigned char)*p;

		if (c == '"' || c == '\\')
			buf_printf(b, "\\%c", c);
		else if (c < 0x20)
			buf_printf(b, "\\u00%c%c", hex[c >> 4], hex[c & 15]);
		else
			buf_addch(b, (char)c);
	}
	buf_addch(b, '"');
}

/* "/logs-a,logs-b*": each index is one that the config's check let through, so only a few characters are escaped. */
static char *
indices_path(const char *const *indices, const char *rest)
{
	struct buf b;
	char *path;

	buf_init(&b, BODY_MAX);
	for (size_t i = 0; indices[i] != NULL; i++) {
		if (i > 0)
			buf_addch(&b, ',');
		request_escape(&b, indices[i]);
	}
	path = xasprintf("/%s%s", b.len > 0 ? b.data : "logs-*", rest);
	buf_done(&b);
	return path;
}

static void
set_json(struct request *ret, const char *method, char *path, struct buf *body)
{
	request_init(ret, method);
	ret->path = path;
	ret->content_type = xstrdup("application/json");
	buf_add(&ret->body, body->data, body->len);
	buf_done(body);
}

/* Query strings are the user's own words; a query that begins with { is JSON, perhaps within {"query": ..}. */
static void
add_query(const struct log_round *r, struct buf *b)
{
	const char *q = r->query + strspn(r->query, " \t\r\n");
	struct slice object = { q, strlen(q) }, inner;

	if (*q == '\0') {
		buf_addstr(b, "{\"match_all\":{}}");
	} else if (*q == '{') {
		inner = slice_get(object, "query");
		/* "query" inside of a query_string is text. */
		if (slice_is(inner, '{'))
			object = inner;
		buf_add(b, object.p, object.len);
	} else {
		buf_addstr(b, "{\"query_string\":{\"analyze_wildcard\":true,\"query\":");
		add_text(b, q);
		buf_addstr(b, "}}");
	}
}

static void
add_filter(const struct log_round *r, const struct elastic *e, int64_t start_ns, int64_t end_ns, struct buf *b)
{
	char from[CLOCK_TEXT_MAX], to[CLOCK_TEXT_MAX];

	buf_addstr(b, "\"query\":{\"bool\":{\"must\":[");
	add_query(r, b);
	buf_addstr(b, "],\"filter\":[{\"range\":{");
	add_text(b, e->time);
	/* The format is said, or a mapping with one of its own would not take it. A field that holds milliseconds cuts what is said here to those: behind the
	 * nanosecond before, and up to the last one, is right for both. */
	buf_printf(b, ":{\"gt\":\"%s\",\"lte\":\"%s\",\"format\":\"" TIME_FORMAT "\"}}}]}}",
	    clock_format(from, start_ns - 1, 9), clock_format(to, end_ns - 1, 9));
}

/* --- requests ------------------------------------------------------------------------------------------------------------------- */

static void
ask_root(struct request *ret)
{
	request_init(ret, "GET");
	ret->path = xstrdup("/");
}

static void
ask_open(const struct log_round *r, struct request *ret)
{
	request_init(ret, "POST");
	if (r->flavour == ELASTIC_OPEN)
		ret->path = indices_path(r->indices, "/_search/point_in_time?keep_alive=" KEEP_ALIVE);
	else
		ret->path = indices_path(r->indices, "/_pit?keep_alive=" KEEP_ALIVE "&ignore_unavailable=true");
}

static void
ask_close(const struct log_round *r, const char *pit, struct request *ret)
{
	struct buf b;

	buf_init(&b, BODY_MAX);
	buf_addstr(&b, r->flavour == ELASTIC_OPEN ? "{\"pit_id\":[" : "{\"id\":");
	add_text(&b, pit);
	buf_addstr(&b, r->flavour == ELASTIC_OPEN ? "]}" : "}");
	set_json(ret, "DELETE", xstrdup(r->flavour == ELASTIC_OPEN ? "/_search/point_in_time" : "/_pit"), &b);
}

static void
ask_page(const struct log_round *r, const struct elastic *e, struct request *ret)
{
	const char *order = r->is_forward ? "asc" : "desc";
	struct buf b;

	buf_init(&b, BODY_MAX);
	buf_printf(&b, "{\"size\":%zu,\"track_total_hits\":false,", r->asked.limit);
	if (e->pit != NULL) {
		buf_addstr(&b, "\"pit\":{\"id\":");
		add_text(&b, e->pit);
		buf_addstr(&b, ",\"keep_alive\":\"" KEEP_ALIVE "\"},");
	}
	if (e->after != NULL)
		buf_printf(&b, "\"search_after\":%s,", e->after);
	buf_addstr(&b, "\"sort\":[{");
	add_text(&b, e->time);
	buf_printf(&b, ":{\"order\":\"%s\",\"numeric_type\":\"date_nanos\",\"unmapped_type\":\"date\"}}", order);
	if (e->pit != NULL)
		buf_printf(&b, ",{\"%s\":\"%s\"}", r->flavour == ELASTIC_OPEN ? "_id" : "_shard_doc", order);
	buf_addstr(&b, "],");
	add_filter(r, e, r->asked.start_ns, r->asked.end_ns, &b);
	buf_addch(&b, '}');
	set_json(ret, "POST",
	    e->pit != NULL ? xstrdup("/_search") : indices_path(r->indices, "/_search?ignore_unavailable=true"), &b);
}

static void
ask_count(const struct log_round *r, const struct elastic *e, struct request *ret)
{
	struct buf b;

	buf_init(&b, BODY_MAX);
	buf_addstr(&b, "{\"size\":0,\"track_total_hits\":true,");
	if (!e->is_flat_count) {
		buf_addstr(&b, "\"aggs\":{\"service\":{\"terms\":{\"field\":");
		add_text(&b, r->fields.service != NULL ? r->fields.service : "service.name");
		buf_printf(&b, ",\"size\":%d,\"missing\":\"\"},\"aggs\":{\"level\":{\"terms\":{\"field\":", BUCKETS);
		add_text(&b, r->fields.level != NULL ? r->fields.level : "log.level");
		buf_printf(&b, ",\"size\":%d,\"missing\":\"\"}}}}},", BUCKETS);
	}
	add_filter(r, e, r->start_ns, r->end_ns, &b);
	buf_addch(&b, '}');
	set_json(ret, "POST", indices_path(r->indices, "/_search?ignore_unavailable=true"), &b);
}

/* --- the round ------------------------------------------------------------------------------------------------------------------- */

static int
elastic_open(struct log_round *r, void *own, struct err *err)
{
	const char *q = r->query + strspn(r->query, " \t\r\n");
	struct elastic *e = own;
	struct slice object;
	struct buf mended;
	int result = 0;

	e->time = r->fields.time != NULL ? r->fields.time : "@timestamp";
	e->is_plain = r->flavour == ELASTIC_PLAIN;
	if (r->page > PAGE_MAX)
		r->page = PAGE_MAX;
	if (*q != '{')
		return 0;
	buf_init(&mended, BODY_MAX);
	result = slice_of(q, strlen(q), "a query in JSON", &mended, &object, err);
	buf_done(&mended);
	return result;
}

static bool
next_page(struct log_round *r, struct elastic *e, struct chain_ask *ret)
{
	if (e->pit == NULL && !e->is_plain && !r->is_done) {
		ret->tag = ELASTIC_OPEN_PIT;
		ask_open(r, &ret->request);
		return true;
	}
	if (log_round_ask(r)) {
		ret->tag = ELASTIC_PAGE;
		ask_page(r, e, &ret->request);
		return true;
	}
	if (e->pit == NULL || e->is_closing)
		return false;
	e->is_closing = true;
	ret->tag = ELASTIC_CLOSE_PIT;
	ask_close(r, e->pit, &ret->request);
	return true;
}

static bool
elastic_next(struct log_round *r, void *own, struct chain_ask *ret)
{
	struct elastic *e = own;

	*ret = (struct chain_ask){ .tag = ELASTIC_ROOT };
	if (r->flavour == ELASTIC_UNKNOWN) {
		ask_root(&ret->request);
		return true;
	}
	if (!r->is_count)
		return next_page(r, e, ret);
	if (e->is_counted)
		return false;
	e->is_counted = true;
	ret->tag = ELASTIC_COUNT;
	ask_count(r, e, &ret->request);
	return true;
}

static bool
elastic_abandon(struct log_round *r, void *own, struct request *ret)
{
	struct elastic *e = own;

	if (e->pit == NULL || e->is_closing)
		return false;
	ask_close(r, e->pit, ret);
	return true;
}

static void
elastic_close(void *own)
{
	struct elastic *e = own;

	free(e->pit);
	free(e->after);
}

/* --- answers --------------------------------------------------------------------------------------------------------------------- */

static void
take_root(struct log_round *r, struct slice all)
{
	struct arena mem = ARENA_INIT;
	const char *which = slice_word(&mem, slice_get(slice_get(all, "version"), "distribution"), 64);

	r->flavour = str_eq(which, "opensearch") ? ELASTIC_OPEN : ELASTIC_SEARCH;
	arena_done(&mem);
}

static int
take_pit(struct log_round *r, struct elastic *e, struct slice all, struct err *err)
{
	struct arena mem = ARENA_INIT;
	const char *id = slice_word(&mem, slice_get(all, r->flavour == ELASTIC_OPEN ? "pit_id" : "id"), PIT_BYTES_MAX);

	if (id != NULL && *id != '\0') {
		free(e->pit);
		e->pit = xstrdup(id);
	}
	arena_done(&mem);
	return e->pit != NULL ? 0 : err_set(err, ERR_INVALID, "the answer names no point in time");
}

/* At a point in time the sort of the last hit leads on; the stretch moves along, for the case that the point is lost. */
static void
paged_at_point(struct log_round *r, struct elastic *e, size_t n, char *after)
{
	const struct log_page p = r->asked;

	free(e->after);
	e->after = after;
	if (n < p.limit || after == NULL) {
		if (r->is_forward)
			r->start_ns = p.end_ns;
		else
			r->end_ns = p.start_ns;
		log_round_close(r, p.start_ns, p.end_ns);
	} else if (r->newest_page_ns == INT64_MIN) {
		/* Hits without a time that could be read: they are passed over. */
		log_round_close(r, 0, 0);
	} else if (r->is_forward) {
		r->start_ns = r->newest_page_ns > p.start_ns ? r->newest_page_ns : p.start_ns;
		log_round_close(r, p.start_ns, r->newest_page_ns);
	} else {
		r->end_ns = r->oldest_page_ns < p.end_ns - 1 ? r->oldest_page_ns + 1 : p.end_ns;
		log_round_close(r, r->oldest_page_ns + 1, p.end_ns);
	}
}

static int
take_page(struct log_round *r, struct elastic *e, struct slice all, struct err *err)
{
	struct arena mem = ARENA_INIT;
	const char *pit;
	char *after;
	size_t n;
	int result = elastic_read_hits(r, e, all, &n, &after, err);

	if (result < 0)
		return result;
	elastic_read_flaws(r, all);
	if (e->is_plain) {
		free(after);
		log_round_paged(r);
		return 0;
	}
	/* It may change from page to page. */
	pit = slice_word(&mem, slice_get(all, "pit_id"), PIT_BYTES_MAX);
	if (pit != NULL && !str_eq(pit, e->pit)) {
		free(e->pit);
		e->pit = xstrdup(pit);
	}
	arena_done(&mem);
	paged_at_point(r, e, n, after);
	return 0;
}

static int
take(struct log_round *r, struct elastic *e, unsigned tag, struct slice all, struct err *err)
{
	switch (tag) {
	case ELASTIC_ROOT: take_root(r, all); return 0;
	case ELASTIC_OPEN_PIT: return take_pit(r, e, all, err);
	case ELASTIC_PAGE: return take_page(r, e, all, err);
	case ELASTIC_COUNT:
		r->is_done = r->is_whole = true;
		return elastic_read_counts(r, all, err);
	default: return 0;
	}
}

static int
elastic_answered(struct log_round *r, void *own, unsigned tag, const char *body, size_t len, struct err *err)
{
	struct slice all;
	struct buf mended;
	int result;

	buf_init(&mended, LOG_BODY_MAX * 3);
	result = slice_of(body, len, "an Elasticsearch answer", &mended, &all, err);
	if (result == 0 && !slice_is(all, '{'))
		result = err_set(err, ERR_INVALID, "not an Elasticsearch answer: check the source's url and type");
	if (result == 0)
		result = take(r, own, tag, all, err);
	buf_done(&mended);
	return result;
}

/* --- refusals -------------------------------------------------------------------------------------------------------------------- */

static bool
is_no_point(long status, const struct err *why)
{
	if (strstr(why->msg, "index_not_found") != NULL)
		return false;
	return status == 403 || status == 404 || status == 400 || status == 405;
}

static int
failed_open(struct log_round *r, struct elastic *e, long status, const struct err *why)
{
	if (!is_no_point(status, why))
		return why->code;
	e->is_plain = true;
	r->flavour = ELASTIC_PLAIN;
	if (!r->is_later)
		log_round_note(r, "the store does not hold a point in time (HTTP %ld): lines that are written while it is read may be missing", status);
	return 0;
}

/* Gone with its time, or with the node that had it: another one, from the last time that was read. What is known is dropped. */
static int
failed_page(struct log_round *r, struct elastic *e, long status, const struct err *why)
{
	bool is_gone = e->pit != NULL && strstr(why->msg, "index_not_found") == NULL &&
	    (status == 404 || strstr(why->msg, "search_context_missing") != NULL);

	if (why->code == ERR_LIMIT && log_round_halve(r))
		return 0;
	if (!is_gone || ++e->n_lost > LOST_MAX)
		return why->code;
	free(e->pit);
	free(e->after);
	e->pit = e->after = NULL;
	return 0;
}

static int
elastic_failed(struct log_round *r, void *own, unsigned tag, long status, const struct err *why, struct err *err)
{
	struct elastic *e = own;
	int result = why->code;

	if (tag == ELASTIC_ROOT && (status == 403 || status == 404)) {
		/* Not everybody may ask what it is. */
		r->flavour = ELASTIC_SEARCH;
		return 0;
	}
	if (tag == ELASTIC_CLOSE_PIT)
		return 0;	/* it goes by itself within a minute */
	if (tag == ELASTIC_OPEN_PIT)
		result = failed_open(r, e, status, why);
	else if (tag == ELASTIC_PAGE)
		result = failed_page(r, e, status, why);
	else if (tag == ELASTIC_COUNT && status == 400 && !e->is_flat_count) {
		/* Fields of type text cannot be counted by. */
		e->is_flat_count = true;
		e->is_counted = false;
		result = 0;
	}
	if (result != 0)
		*err = *why;
	return result;
}

static int
elastic_refuse(struct decoder *d, const struct answer *answer, const char *body, size_t len, struct err *err)
{
	char detail[ELASTIC_DETAIL_MAX];

	(void)d;
	elastic_detail(detail, body, len);
	if (answer->status == 401)
		return err_set(err, ERR_DENIED, "Elasticsearch does not accept the credentials%s (HTTP 401)%s%s; check api_key, or user and password, of this source",
		    answer->is_authorised_retry ? ", also when read again" : "", *detail != '\0' ? ": " : "", detail);
	return refuse_status("Elasticsearch", answer, detail, err);
}

const struct decoder_ops elastic_decoder = { .name = "elasticsearch lines", .refuse = elastic_refuse, LOG_DECODER };

/* --- names ------------------------------------------------------------------------------------------------------------------------- */

/* The values that most lines of the time have. */
static void
ask_values(const struct conf_source *conf, const struct log_names_want *w, const char *const *indices, struct request *ret)
{
	const char *time = conf->log_fields.time != NULL ? conf->log_fields.time : "@timestamp";
	char from[CLOCK_TEXT_MAX], to[CLOCK_TEXT_MAX];
	struct buf b;

	buf_init(&b, BODY_MAX);
	buf_addstr(&b, "{\"size\":0,\"track_total_hits\":false,");
	if (w->start_ns < w->end_ns) {
		buf_addstr(&b, "\"query\":{\"range\":{");
		add_text(&b, time);
		buf_printf(&b, ":{\"gte\":\"%s\",\"lte\":\"%s\",\"format\":\"" TIME_FORMAT "\"}}},", clock_format(from, w->start_ns, 9),
		    clock_format(to, w->end_ns, 9));
	}
	buf_printf(&b, "\"aggs\":{\"values\":{\"terms\":{\"size\":%d,\"field\":", VALUES_MAX);
	add_text(&b, w->label);
	buf_addstr(&b, "}}}}");
	set_json(ret, "POST", indices_path(indices, "/_search?ignore_unavailable=true"), &b);
}

static int
elastic_names(const struct conf_source *conf, const struct log_names_want *w, struct request *ret, struct err *err)
{
	static const char *const none[] = { NULL };
	const char *const *indices = conf->indices != NULL ? (const char *const *)conf->indices : none;

	(void)err;
	if (w->label != NULL) {
		ask_values(conf, w, indices, ret);
		return 0;
	}
	request_init(ret, "GET");
	ret->path = indices_path(indices, "/_field_caps?fields=*&ignore_unavailable=true&filter_path=fields");
	return 0;
}

/* {"fields":{"service.name":{"keyword":{..}}}}; an object has fields, but is none that lines could be asked by. */
static bool
add_field(struct slice key, struct slice value, struct log_names_list *ret)
{
	struct slice type, caps;
	size_t at = 0;

	if (slice_member(value, &at, &type, &caps) && (slice_key_is(type, "object") || slice_key_is(type, "nested")))
		return true;
	return log_names_add(ret, key);
}

static int
elastic_named(const char *label, const char *body, size_t len, struct log_names_list *ret, struct err *err)
{
	struct slice all, key, value, buckets;
	struct buf mended;
	bool has_room = true;
	size_t at = 0;
	int r;

	buf_init(&mended, LOG_BODY_MAX);
	r = slice_of(body, len, "an Elasticsearch answer", &mended, &all, err);
	if (r == 0 && !slice_is(all, '{'))
		r = err_set(err, ERR_INVALID, "not an Elasticsearch answer: check the source's url and type");
	while (r == 0 && has_room && label == NULL && slice_member(slice_get(all, "fields"), &at, &key, &value))
		has_room = add_field(key, value, ret);
	buckets = r == 0 ? slice_get(slice_get(slice_get(all, "aggregations"), "values"), "buckets") : (struct slice){ 0 };
	while (has_room && label != NULL && slice_item(buckets, &at, &value))
		/* Of numbers that stand for something else, such as true or a time, the words. */
		has_room = log_names_add(ret, slice_get(value, slice_get(value, "key_as_string").p != NULL ? "key_as_string" : "key"));
	buf_done(&mended);
	return r;
}

const struct log_store log_store_elastic = {
	.type = "elasticsearch",
	.size = sizeof(struct elastic),
	.open = elastic_open,
	.next = elastic_next,
	.answered = elastic_answered,
	.failed = elastic_failed,
	.abandon = elastic_abandon,
	.close = elastic_close,
	.decoder = &elastic_decoder,
	.names = elastic_names,
	.named = elastic_named,
};

const struct source_ops source_elasticsearch = { .type = "elasticsearch" };
