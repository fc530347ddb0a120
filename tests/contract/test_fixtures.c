/*
 * Every recorded answer of Prometheus and Alertmanager gives the right events or the right sentence.
 *
 * What is right stands in tests/contract/expected/FOLDER/NAME.txt; GENERATE=1 writes these files anew, and their diff is reviewed as a change
 * of behaviour. Each body is pushed whole, byte by byte, and cut at random: the outcome must not differ. A fixture that no table below
 * accounts for is a failure, and so is one that a table names but that is not there.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "fixture.h"
#include "series_tree.h"
#include "source/source.h"

enum { SHOWN_MAX = 24 << 10, TEXT_MAX = 64 << 20 };

/* --- what we do not ask for ---------------------------------------------------------------------------------------- */

static const struct {
	const char *folder, *name, *why;
} passed_over[] = {
	{ "alertmanager", "alerts-post-ok", "we send no alerts" },
	{ "alertmanager", "healthy", "a good answer to a poll says more than a probe" },
	{ "alertmanager", "ready", "the same" },
	{ "alertmanager", "metrics-text", "exposition format, for Prometheus to read" },
	{ "alertmanager", "receivers", "the configuration in the status lists them" },
	{ "alertmanager", "silence-get", "silences are read back from the list" },
	{ "alertmanager", "silence-get-expired", "the same" },
	{ "alertmanager", "webhook-default-firing", "a request that Alertmanager sends, not an answer" },
	{ "alertmanager", "webhook-default-mixed", "the same" },
	{ "alertmanager", "webhook-default-resolved", "the same" },
	{ "alertmanager", "webhook-ml-team-firing", "the same" },
	{ "alertmanager", "webhook-ml-team-mixed", "the same" },
	{ "alertmanager", "webhook-ml-team-resolved", "the same" },
	{ "alertmanager", "webhook-oncall-firing", "the same" },
	{ "alertmanager", "webhook-oncall-mixed", "the same" },
	{ "alertmanager", "webhook-oncall-resolved", "the same" },
	{ "alertmanager", "webhook-tickets-firing", "the same" },
	{ "alertmanager", "webhook-tickets-resolved", "the same" },
	{ "prometheus", "admin-delete-series-204", "we delete nothing" },
	{ "prometheus", "alertmanagers", "Alertmanagers are sources of their own, named in the config" },
	{ "prometheus", "exemplars", "exemplars are not asked for" },
	{ "prometheus", "exemplars-empty", "the same" },
	{ "prometheus", "exposition-invalid", "exposition format, for Prometheus to read" },
	{ "prometheus", "exposition-node", "the same" },
	{ "prometheus", "exposition-openmetrics-spamfilter", "the same" },
	{ "prometheus", "exposition-text-features", "the same" },
	{ "prometheus", "exposition-text-web", "the same" },
	{ "prometheus", "federate-text", "the same" },
	{ "prometheus", "healthy", "a good answer to a poll says more than a probe" },
	{ "prometheus", "ready", "the same" },
	{ "prometheus", "label-values-job", "labels are not asked for apart from their series" },
	{ "prometheus", "label-values-name", "the same" },
	{ "prometheus", "label-values-unknown", "the same" },
	{ "prometheus", "labels", "the same" },
	{ "prometheus", "labels-match", "the same" },
	{ "prometheus", "metadata", "units come from the config" },
	{ "prometheus", "metadata-limit", "the same" },
	{ "prometheus", "metadata-one", "the same" },
	{ "prometheus", "metadata-unknown", "the same" },
	{ "prometheus", "targets-metadata", "the same" },
	{ "prometheus", "series", "series are asked for by queries" },
	{ "prometheus", "series-empty", "the same" },
	{ "prometheus", "series-warnings", "the same" },
	{ "prometheus", "starting-walreplay", "the 503 while starting says it" },
	{ "prometheus", "status-walreplay", "the same" },
	{ "prometheus", "status-config", "Prometheus' own configuration is not shown" },
	{ "prometheus", "status-flags", "the same" },
	{ "prometheus", "status-tsdb", "the same" },
	{ "prometheus", "status-runtimeinfo", "not served by VictoriaMetrics" },
};
enum { N_PASSED_OVER = sizeof passed_over / sizeof *passed_over };

static bool
is_passed_over(const struct fixture *f)
{
	size_t i;

	for (i = 0; i < N_PASSED_OVER; i++)
		if (strcmp(passed_over[i].folder, f->folder) == 0 && strcmp(passed_over[i].name, f->name) == 0)
			return true;
	return false;
}

/* --- who reads it -------------------------------------------------------------------------------------------------- */

static bool
is_path(const char *path, const char *wanted)
{
	size_t n = strcspn(wanted, "?");

	return strcspn(path, "?") == n && memcmp(path, wanted, n) == 0;
}

static const struct decoder_ops *
poll_decoder(const struct source_ops *type, const char *path)
{
	const struct poll *p;

	for (p = type->polls; p->what != NULL; p++)
		if (is_path(path, p->path))
			return p->decoder;
	return NULL;
}

static const struct decoder_ops *
decoder_for(const struct fixture *f)
{
	const struct source_ops *type = source_ops_find(f->folder);
	const struct decoder_ops *ops = poll_decoder(type, f->path);

	if (ops != NULL && (strcmp(f->method, "GET") == 0 || f->status >= 300))
		return ops;
	if (is_path(f->path, "/api/v1/query") || is_path(f->path, "/api/v1/query_range"))
		return type->query_decoder;
	if (type == &source_alertmanager && is_path(f->path, "/api/v1/alerts"))
		return poll_decoder(type, "/api/v2/alerts");
	if (type == &source_alertmanager && is_path(f->path, "/api/v1/status"))
		return poll_decoder(type, "/api/v2/status");
	/* A refusal reads the same wherever it comes from. */
	return f->status >= 300 ? type->polls[0].decoder : NULL;
}

static bool
is_write(const struct fixture *f, const char *method, const char *prefix)
{
	return strcmp(f->folder, "alertmanager") == 0 && strcmp(f->method, method) == 0 && str_has_prefix(f->path, prefix);
}

/* --- what it says -------------------------------------------------------------------------------------------------- */

/* How the body is cut: whole, by bytes, or into pieces of 1 to 97 bytes by a small generator. */
enum cut { CUT_NONE, CUT_BYTES, CUT_RANDOM, N_CUTS };

static size_t
next_cut(enum cut cut, uint32_t *seed)
{
	if (cut == CUT_NONE)
		return SIZE_MAX;
	if (cut == CUT_BYTES)
		return 1;
	*seed = *seed * 1664525u + 1013904223u;
	return 1 + (*seed >> 16) % 97;
}

static int
push_all(struct decoder *d, const char *body, size_t len, enum cut cut, struct err *err)
{
	uint32_t seed = (uint32_t)len;
	size_t at, n;
	char *piece;
	int r = 0;

	for (at = 0; at < len && r == 0; at += n) {
		n = next_cut(cut, &seed);
		if (n > len - at)
			n = len - at;
		/* In memory of its own, so that reading past a piece's end is caught by the sanitizer. */
		piece = memcpy(xmalloc(n), body + at, n);
		r = decoder_push(d, piece, n, err);
		free(piece);
	}
	return r;
}

static void
show_error(struct buf *out, const struct err *err)
{
	buf_printf(out, "error %s: %s\n", err_code_name(err->code), err->msg);
}

static void
show_events(struct buf *out, const struct event_list *events)
{
	size_t i;

	for (i = 0; i < events->n; i++) {
		json_t *json = event_to_json(&events->v[i]);
		char *text = json_dumps(json, JSON_INDENT(1) | JSON_SORT_KEYS);
		size_t len = strlen(text);

		if (len <= SHOWN_MAX)
			buf_printf(out, "%s\n", text);
		else
			buf_printf(out, "%.*s\n... %zu bytes, hash %016llx\n", SHOWN_MAX / 8, text, len,
			    (unsigned long long)str_hash(text, len, STR_HASH_SEED));
		free(text);
		json_decref(json);
	}
}

static void
decode(struct buf *out, const struct fixture *f, const struct decoder_ops *ops, size_t len, enum cut cut, struct event_list *ret_events)
{
	struct decode_ctx ctx = { .source = f->folder, .query = "", .series_max = 100000, .requested_ns = 1795311904 * NS_PER_S };
	struct answer answer = { .status = f->status, .content_type = f->content_type };
	struct err err = ERR_INIT;
	struct decoder *d;

	if (ops == source_prometheus.query_decoder)
		ctx.query = "query:contract";
	d = decoder_new(ops, &ctx);
	if (decoder_start(d, &answer) < 0 || push_all(d, f->body, len, cut, &err) < 0 ||
	    decoder_finish(d, ret_events, &err) < 0)
		show_error(out, &err);
	else
		show_events(out, ret_events);
	decoder_free(d);
}

static void
read_write(struct buf *out, const struct fixture *f)
{
	struct answer answer = { .status = f->status, .content_type = f->content_type };
	struct err err = ERR_INIT;
	char *id = NULL;
	int r;

	if (strcmp(f->method, "POST") == 0)
		r = alertmanager_silence_answer(&answer, f->body, f->len, &id, &err);
	else
		r = alertmanager_expire_answer(&answer, f->body, f->len, &err);
	if (r < 0)
		show_error(out, &err);
	else
		buf_printf(out, "%s\n", id == NULL ? "expired" : id);
	free(id);
}

/* --- the test ------------------------------------------------------------------------------------------------------ */

static unsigned n_failed;

static void
failed(const struct fixture *f, const char *why)
{
	fprintf(stderr, "FAIL %s/%s: %s\n", f->folder, f->name, why);
	n_failed++;
}

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
	if (want == NULL)
		failed(f, "no expected outcome (GENERATE=1 writes it; review it)");
	else if (len != got->len || memcmp(want, got->data, len) != 0) {
		failed(f, "not as expected");
		fprintf(stderr, "--- expected\n%s--- got\n%s", want, got->data);
	}
	free(want);
	free(below);
}

/* The first half of a body is never a whole answer. */
static void
check_half(const struct fixture *f, const struct decoder_ops *ops)
{
	struct event_list events = { 0 };
	struct buf out;

	buf_init(&out, TEXT_MAX);
	decode(&out, f, ops, f->len / 2, CUT_NONE, &events);
	if (events.n > 0 || !str_has_prefix(out.data, "error "))
		failed(f, "half a body gives events");
	event_list_done(&events);
	buf_done(&out);
}

/* The same values as a JSON tree of the body holds, read in another way. */
static void
check_values(const struct fixture *f, const struct event_list *events)
{
	char why[256];

	if (events->n > 0 && events->v[0].kind == EVENT_SERIES && !series_like_tree(events->v[0].block, f->body, f->len, why, sizeof why))
		failed(f, why);
}

static void
check_decoder(const struct fixture *f, const struct decoder_ops *ops)
{
	struct buf out[N_CUTS];
	int cut;

	for (cut = 0; cut < N_CUTS; cut++) {
		struct event_list events = { 0 };

		buf_init(&out[cut], TEXT_MAX);
		buf_printf(&out[cut], "%s\n", ops->name);
		decode(&out[cut], f, ops, f->len, (enum cut)cut, &events);
		if (cut > 0 && (out[cut].len != out[0].len || memcmp(out[cut].data, out[0].data, out[0].len) != 0))
			failed(f, "the outcome depends on how the body is cut");
		if (cut == 0)
			check_values(f, &events);
		event_list_done(&events);
	}
	check_expected(f, &out[0]);
	if (f->status >= 200 && f->status < 300)
		check_half(f, ops);
	for (cut = 0; cut < N_CUTS; cut++)
		buf_done(&out[cut]);
}

static void
check_fixture(const struct fixture *f)
{
	const struct decoder_ops *ops;
	struct buf out;

	if (is_write(f, "POST", "/api/v2/silences") || is_write(f, "DELETE", "/api/v2/silence/")) {
		buf_init(&out, TEXT_MAX);
		read_write(&out, f);
		check_expected(f, &out);
		buf_done(&out);
		return;
	}
	if (is_passed_over(f))
		return;
	ops = decoder_for(f);
	if (ops == NULL)
		failed(f, "nobody reads it: add a decoder, or a row with the reason to passed_over");
	else
		check_decoder(f, ops);
}

static unsigned
check_folder(const char *folder)
{
	size_t n, i;
	char **names = fixture_names(folder, &n);
	unsigned n_passed = 0;

	for (i = 0; i < n; i++) {
		struct fixture *f = fixture_read(folder, names[i]);

		n_passed += is_passed_over(f);
		check_fixture(f);
		fixture_free(f);
	}
	printf("%s: %zu fixtures, %u of them for endpoints that are not asked\n", folder, n, n_passed);
	fixture_names_free(names, n);
	return n_passed;
}

int
main(void)
{
	unsigned n_passed = check_folder("prometheus") + check_folder("alertmanager");

	if (n_passed != N_PASSED_OVER) {
		fprintf(stderr, "FAIL passed_over names %d fixtures, %u of them exist\n", N_PASSED_OVER, n_passed);
		n_failed++;
	}
	return n_failed == 0 ? 0 : 1;
}
