/*
 * Every recorded answer of Loki and of a journal gateway, and every documented one of Elasticsearch and OpenSearch, gives the right lines, counts or names, or the
 * right sentence.
 *
 * What is right stands in tests/contract/expected/FOLDER/NAME.txt; GENERATE=1 writes these files anew, and their diff is reviewed as a change of behaviour. A fixture
 * that no row below accounts for is a failure, and so is a row without a fixture.
 */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "fakes/chain_driver.h"
#include "fixture.h"
#include "source/log_round.h"

enum { TEXT_MAX = 8 << 20, LINES_SHOWN = 25 };

/* --- what we do not ask for ------------------------------------------------------------------------------------------------- */

static const struct {
	const char *folder, *prefix, *why;	/* all that begin so */
} passed_over[] = {
	{ "loki", "push-", "lines are not written" },
	{ "loki", "err-400-push-", "the same" },
	{ "loki", "err-429-push-", "the same" },
	{ "loki", "tail-", "following asks again, without a websocket" },
	{ "loki", "err-tail-", "the same" },
	{ "loki", "err-400-tail-", "the same" },
	{ "loki", "err-400-stats-parse", "statistics are not asked for" },
	{ "loki", "index-stats", "the same" },
	{ "loki", "format-query", "queries are sent as they are typed" },
	{ "loki", "err-400-format-query", "the same" },
	{ "loki", "ready", "a good answer says more than a probe" },
	{ "loki", "err-503-not-ready", "the same" },
	{ "loki", "err-404-log-level", "the server is not configured" },
	{ "loki", "err-405-method", "the same" },
	{ "loki", "ruler-", "rules of a Loki are not shown" },
	{ "loki", "services-text", "inside of the server" },
	{ "loki", "status-buildinfo", "its version makes no difference" },
	{ "elasticsearch", "async-search-", "searches are not made in the background" },
	{ "elasticsearch", "opensearch-pit-list", "others' points in time are not looked at" },
	{ "journald", "entries-default-accept", "JSON is asked for" },
	{ "journald", "entries-text-", "the same" },
	{ "journald", "entries-event-stream-", "the same" },
	{ "journald", "entries-export-", "of single entries: see read_whole()" },
	{ "journald", "entries-follow-", "following asks again; the answer never ends" },
	{ "journald", "fields-unit", "JSON is asked for" },
	{ "journald", "machine", "which machine it is stands in every entry" },
	{ "journald", "root-redirect", "the interface for browsers" },
};
enum { N_PASSED_OVER = sizeof passed_over / sizeof *passed_over };
static unsigned n_of_row[N_PASSED_OVER], n_failed;

static bool
is_passed_over(const struct fixture *f)
{
	for (size_t i = 0; i < N_PASSED_OVER; i++)
		if (strcmp(passed_over[i].folder, f->folder) == 0 && str_has_prefix(f->name, passed_over[i].prefix)) {
			n_of_row[i]++;
			return true;
		}
	return false;
}

static void
failed(const struct fixture *f, const char *why)
{
	fprintf(stderr, "FAIL %s/%s: %s\n", f->folder, f->name, why);
	n_failed++;
}

/* --- the store that has this answer ------------------------------------------------------------------------------------------ */

struct world {
	const struct fixture *f;
	bool is_served;
	char export[1 << 20];
};

static bool
is_path(const char *path, const char *what)
{
	return strstr(path, what) != NULL;
}

/* What is asked by this request, as far as answers differ. */
static const char *
kind_of(const char *path, const char *method)
{
	static const char *const kinds[] = { "/loki/api/v1/query_range", "/loki/api/v1/query", "/_pit", "/_search/point_in_time", "/_search", "/_bulk", "/entries" };

	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (is_path(path, kinds[i]))
			return strcmp(method, "DELETE") == 0 ? "close" : strcmp(kinds[i], "/_bulk") == 0 ? "/_search" : kinds[i];
	return strcmp(path, "/") == 0 ? "/" : "other";
}

/* The entry of the recorded export whose cursor is asked for. */
static void
read_whole(struct world *w, const struct chain_ask *ask, struct chain_reply *ret)
{
	struct fixture *f = fixture_read("journald", "entries-export-odd");
	const char *range = "entries=", *at, *next;
	char cursor[300];

	for (size_t i = 0; i < ask->request.n_headers; i++)
		if (strcmp(ask->request.headers[i].name, "Range") == 0)
			range = ask->request.headers[i].value;
	snprintf(cursor, sizeof cursor, "__CURSOR=%.*s", (int)strcspn(range + strlen("entries="), ":"), range + strlen("entries="));
	at = memmem(f->body, f->len, cursor, strlen(cursor));
	if (at == NULL)
		abort();
	next = memmem(at + 1, f->len - (size_t)(at - f->body) - 1, "\n__CURSOR=", 10);
	ret->len = (size_t)((next == NULL ? f->body + f->len : next + 1) - at);
	memcpy(w->export, at, ret->len);
	ret->body = w->export;
	fixture_free(f);
}

static bool
is_whole_asked(const struct chain_ask *ask)
{
	for (size_t i = 0; i < ask->request.n_headers; i++)
		if (str_eq(ask->request.headers[i].value, "application/vnd.fdo.journal"))
			return true;
	return false;
}

static void
serve(const struct chain_ask *ask, struct chain_reply *ret, void *arg)
{
	struct world *w = arg;
	const char *kind = kind_of(ask->request.path, ask->request.method);

	if (is_whole_asked(ask)) {
		read_whole(w, ask, ret);
	} else if (!w->is_served && str_eq(kind, kind_of(w->f->path, w->f->method))) {
		w->is_served = true;
		*ret = (struct chain_reply){ w->f->status, w->f->content_type, w->f->body, w->f->len > 0 ? w->f->len : 0 };
	} else if (strcmp(kind, "/loki/api/v1/query_range") == 0) {
		ret->body = "{\"status\":\"success\",\"data\":{\"resultType\":\"streams\",\"result\":[]}}";
	} else if (strcmp(kind, "/loki/api/v1/query") == 0) {
		ret->body = "{\"status\":\"success\",\"data\":{\"resultType\":\"vector\",\"result\":[]}}";
	} else if (strcmp(kind, "/") == 0) {
		ret->body = str_has_prefix(w->f->name, "opensearch") ? "{\"version\":{\"distribution\":\"opensearch\"}}" : "{}";
	} else if (strcmp(kind, "/_pit") == 0 || strcmp(kind, "/_search/point_in_time") == 0) {
		ret->body = "{\"id\":\"p\",\"pit_id\":\"p\"}";
	} else {
		ret->body = strcmp(kind, "/entries") == 0 ? "" : "{\"hits\":{\"total\":{\"value\":0},\"hits\":[]}}";
	}
}

/* --- what it says ---------------------------------------------------------------------------------------------------------------- */

static void
show_text(struct buf *out, const char *text, size_t len)
{
	if (len <= 400)
		str_escape(out, text, len);
	else
		buf_printf(out, "%.60s... %zu bytes, hash %016" PRIx64, text, len, str_hash(text, len, STR_HASH_SEED));
}

static void
show_line(struct buf *out, const struct log_batch *b, const struct log_line *l)
{
	const struct log_stream *s = &b->streams[l->stream];
	char when[CLOCK_TEXT_MAX];

	buf_printf(out, "%s %s [%s]", clock_format(when, l->time_ns, 9), log_level_name(l->level), s->service);
	for (size_t i = 0; i < s->labels.n; i++) {
		buf_printf(out, " %s=", s->labels.v[i].name);
		str_escape(out, s->labels.v[i].value, strlen(s->labels.v[i].value));
	}
	buf_addstr(out, "\n  ");
	show_text(out, l->text, l->len);
	if (l->fields != NULL) {
		buf_addstr(out, "\n  ");
		show_text(out, l->fields, strlen(l->fields));
	}
	buf_printf(out, "%s%s\n", l->id != NULL ? "\n  id " : "", l->id != NULL ? l->id : "");
}

static void
show_batch(struct buf *out, const struct log_batch *b)
{
	char from[CLOCK_TEXT_MAX], to[CLOCK_TEXT_MAX];
	uint64_t hash = STR_HASH_SEED;

	buf_printf(out, "%zu lines of %zu streams, whole from %s to %s%s%s\n", b->n, b->n_streams, clock_format(from, b->start_ns, 9), clock_format(to, b->end_ns, 9),
	    b->note != NULL ? "; " : "", b->note != NULL ? b->note : "");
	for (size_t i = 0; i < b->n; i++) {
		if (i < LINES_SHOWN)
			show_line(out, b, &b->v[i]);
		hash = str_hash(b->v[i].text, b->v[i].len, str_hash(&b->v[i].time_ns, sizeof b->v[i].time_ns, hash));
	}
	if (b->n > LINES_SHOWN)
		buf_printf(out, "... and %zu more, hash of all %016" PRIx64 "\n", b->n - LINES_SHOWN, hash);
}

static void
show_counts(struct buf *out, const struct log_counts *c)
{
	buf_printf(out, "%" PRIu64 " lines%s%s%s\n", c->n_lines, c->is_least ? " or more" : "", c->note != NULL ? "; " : "", c->note != NULL ? c->note : "");
	for (size_t i = 0; i < c->n; i++)
		buf_printf(out, "  [%s] %s %" PRIu64 "\n", c->v[i].service, log_level_name(c->v[i].level), c->v[i].n);
}

static void
show(struct buf *out, const struct chain_round *r)
{
	if (r->err.code != 0)
		buf_printf(out, "error %s: %s\n", err_code_name(r->err.code), r->err.msg);
	for (size_t i = 0; i < r->events.n; i++)
		if (r->events.v[i].kind == EVENT_KINDS)
			show_counts(out, r->events.v[i].block);
		else
			show_batch(out, r->events.v[i].block);
}

/* --- asking ------------------------------------------------------------------------------------------------------------------------ */

static int64_t
nanoseconds_of(const char *path, const char *name, int64_t otherwise)
{
	const char *at = strstr(path, name);

	/* One is recorded with its end before its start, which we never ask for. */
	if (at == NULL || strstr(path, "&end=1795312094658948491") != NULL || strspn(at + strlen(name), "0123456789") != 19)
		return otherwise;
	return strtoll(at + strlen(name), NULL, 10);
}

static bool
is_count(const struct fixture *f)
{
	return str_eq(kind_of(f->path, f->method), "/loki/api/v1/query") || strstr(f->name, "search-total-") != NULL;
}

static void
read_lines(struct buf *out, const struct fixture *f, const struct chain_ops *chain)
{
	static struct world w;
	static struct chain_round r;
	char *source = xstrdup(f->folder);
	const struct conf_source conf = { .name = source, .type = source };
	const char *limit = strstr(f->path, "limit=");
	const struct log_want want = {
		.id = "w", .source = source, .query = strcmp(f->folder, "loki") == 0 ? "{job=\"blog\"}" : "",
		.start_ns = nanoseconds_of(f->path, "start=", 1), .end_ns = nanoseconds_of(f->path, "end=", INT64_C(4100000000) * NS_PER_S),
		.limit = limit != NULL ? strtoul(limit + 6, NULL, 10) : 0, .is_forward = strstr(f->path, "direction=forward") != NULL, .is_count = is_count(f),
	};
	const struct log_arg arg = { .want = &want, .page = 9999 };
	void *kept = NULL;

	w = (struct world){ .f = f };
	chain_drive(chain, &conf, &arg, &kept, serve, &w, &r);
	if (!w.is_served)
		failed(f, "the chain does not ask for it");
	show(out, &r);
	chain_round_done(&r);
	chain->kept_free(kept);
	free(source);
}

static void
show_names(struct buf *out, const struct fixture *f, const struct log_store *store, const char *label)
{
	struct arena mem = ARENA_INIT;
	struct log_names_list list;
	struct strings names;
	struct err err = ERR_INIT;

	log_names_begin(&list, &mem);
	if (store->named(label, f->body, f->len, &list, &err) < 0)
		buf_printf(out, "error %s: %s\n", err_code_name(err.code), err.msg);
	names = log_names_take(&list);
	buf_printf(out, "%zu names\n", names.n);
	for (size_t i = 0; i < names.n; i++)
		buf_printf(out, "  %s\n", names.v[i]);
	arena_done(&mem);
}

/* Of series both: the names of their labels, and the values of one. */
static bool
read_names(struct buf *out, const struct fixture *f)
{
	const char *at = strstr(f->path, "/label/") != NULL ? strstr(f->path, "/label/") + 7 : strstr(f->path, "/fields/") != NULL ? strstr(f->path, "/fields/") + 8 : NULL;
	const struct log_store *store = log_store_find(f->folder);
	bool is_series = strstr(f->path, "/loki/api/v1/series") != NULL, are_values = str_has_prefix(f->name, "terms-");

	if (f->status >= 300 || (at == NULL && !is_series && !are_values && strstr(f->path, "/loki/api/v1/labels") == NULL && strstr(f->path, "/_field_caps") == NULL))
		return false;
	show_names(out, f, store, are_values ? "genre" : at);
	if (is_series)
		show_names(out, f, store, "app");
	return true;
}

/* A refusal reads the same wherever it comes from. */
static void
read_refusal(struct buf *out, const struct fixture *f, const struct chain_ops *chain)
{
	const struct answer answer = { .status = f->status, .content_type = f->content_type };
	struct err err = ERR_INIT;

	chain->decoder->refuse(NULL, &answer, f->body, f->len, &err);
	buf_printf(out, "error %s: %s\n", err_code_name(err.code), err.msg);
}

/* --- the test ------------------------------------------------------------------------------------------------------------------------ */

static void
check_expected(const struct fixture *f, const struct buf *got)
{
	char *below = xasprintf("tests/contract/expected/%s/%s.txt", f->folder, f->name), *want;
	const char *path = source_path(below);
	size_t len;
	FILE *fp;

	if (getenv("GENERATE") != NULL) {
		fp = fopen(path, "wb");
		if (fp == NULL || fwrite(got->data, 1, got->len, fp) != got->len || fclose(fp) != 0)
			failed(f, strerror(errno));
		free(below);
		return;
	}
	want = file_read(path, &len);
	if (want == NULL) {
		failed(f, "no expected outcome (GENERATE=1 writes it; review it)");
	} else if (len != got->len || memcmp(want, got->data, len) != 0) {
		failed(f, "not as expected");
		fprintf(stderr, "--- expected\n%s--- got\n%s", want, got->data);
	}
	free(want);
	free(below);
}

static void
check_fixture(const struct fixture *f)
{
	const struct chain_ops *chain = strcmp(f->folder, "loki") == 0 ? &loki_chain : strcmp(f->folder, "journald") == 0 ? &journald_chain : &elastic_chain;
	struct buf out;

	buf_init(&out, TEXT_MAX);
	if (!read_names(&out, f)) {
		if (strcmp(kind_of(f->path, f->method), "other") != 0 && strcmp(kind_of(f->path, f->method), "close") != 0)
			read_lines(&out, f, chain);
		else if (f->status >= 300)
			read_refusal(&out, f, chain);
		else if (strcmp(kind_of(f->path, f->method), "close") == 0)
			buf_addstr(&out, "closed; what is answered makes no difference\n");
	}
	if (out.len == 0)
		failed(f, "nobody reads it: read it, or add a row with the reason to passed_over");
	else
		check_expected(f, &out);
	buf_done(&out);
}

static void
check_folder(const char *folder)
{
	unsigned n_passed = 0;
	size_t n;
	char **names = fixture_names(folder, &n);

	for (size_t i = 0; i < n; i++) {
		struct fixture *f = fixture_read(folder, names[i]);

		if (is_passed_over(f))
			n_passed++;
		else
			check_fixture(f);
		fixture_free(f);
	}
	printf("%s: %zu fixtures, %u of them for what is not asked\n", folder, n, n_passed);
	fixture_names_free(names, n);
}

int
main(void)
{
	clock_freeze(1795312200 * NS_PER_S);
	check_folder("loki");
	check_folder("elasticsearch");
	check_folder("journald");
	for (size_t i = 0; i < N_PASSED_OVER; i++)
		if (n_of_row[i] == 0) {
			fprintf(stderr, "FAIL passed_over names %s/%s, which does not exist\n", passed_over[i].folder, passed_over[i].prefix);
			n_failed++;
		}
	return n_failed == 0 ? 0 : 1;
}
