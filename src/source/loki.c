/*
 * Loki: lines by query_range, page by page in time; counts by an instant metric query.
 *
 * start is inclusive and end exclusive, and there is no token for the next page: what shares the last nanosecond of a page is asked for again (log_round.c).
 * Errors are plain text, labelled JSON. https://grafana.com/docs/loki/latest/reference/loki-http-api/
 */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/jread.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "source/log_round.h"

enum { PATH_MAX_BYTES = 64 << 10, NAME_MAX_BYTES = 1024 };

static const char *const level_labels[] = { "level", "detected_level", "severity", NULL };
static const char *const service_labels[] = { "service_name", "service", "app", "container", "job", NULL };

struct loki {
	bool is_counted;
	bool is_plain_count;	/* not by labels: there are too many series */
};

/* --- asking ------------------------------------------------------------------------------------------------------------------ */

static void
set_path(struct request *ret, const char *path, struct buf *form)
{
	request_init(ret, "GET");
	ret->path = form->len > 0 ? xasprintf("%s?%s", path, form->data) : xstrdup(path);
	buf_done(form);
}

static void
add_tenant(struct request *ret, const char *tenant)
{
	if (tenant != NULL)
		request_add_header(ret, "X-Scope-OrgID", tenant, NULL);
}

static void
add_number(struct buf *form, const char *name, int64_t v)
{
	char text[32];

	snprintf(text, sizeof text, "%" PRId64, v);
	request_add_form(form, name, text);
}

static void
ask_lines(const struct log_round *r, struct request *ret)
{
	struct buf form;

	buf_init(&form, PATH_MAX_BYTES);
	request_add_form(&form, "query", r->query);
	add_number(&form, "start", r->asked.start_ns);
	add_number(&form, "end", r->asked.end_ns);
	add_number(&form, "limit", (int64_t)r->asked.limit);
	request_add_form(&form, "direction", r->is_forward ? "forward" : "backward");
	set_path(ret, "/loki/api/v1/query_range", &form);
	add_tenant(ret, r->tenant);
}

static void
add_names(struct buf *b, const char *own, const char *const *usual)
{
	if (own != NULL) {
		buf_printf(b, "%s%s", b->data[b->len - 1] == '(' ? "" : ",", own);
		return;
	}
	for (; *usual != NULL; usual++)
		buf_printf(b, "%s%s", b->data[b->len - 1] == '(' ? "" : ",", *usual);
}

/* A query for lines is counted; one that begins otherwise counts by itself. Labels that lines do not have are no mistake: their series are without them. */
static void
count_query(const struct log_round *r, bool is_plain, struct buf *b)
{
	int64_t ms = (r->end_ns - r->start_ns + NS_PER_MS - 1) / NS_PER_MS;

	if (r->query[strspn(r->query, " \t\n")] != '{') {
		buf_addstr(b, r->query);
		return;
	}
	buf_addstr(b, "sum");
	if (!is_plain) {
		buf_addstr(b, " by (");
		add_names(b, r->fields.level, level_labels);
		add_names(b, r->fields.service, service_labels);
		buf_addstr(b, ")");
	}
	buf_printf(b, " (count_over_time(%s [%" PRId64 "ms]))", r->query, ms > 0 ? ms : 1);
}

static void
ask_count(const struct log_round *r, const struct loki *l, struct request *ret)
{
	struct buf form, query;

	buf_init(&query, PATH_MAX_BYTES);
	count_query(r, l->is_plain_count, &query);
	buf_init(&form, PATH_MAX_BYTES);
	request_add_form(&form, "query", query.data);
	add_number(&form, "time", r->end_ns);
	set_path(ret, "/loki/api/v1/query", &form);
	add_tenant(ret, r->tenant);
	buf_done(&query);
}

static int
loki_open(struct log_round *r, void *own, struct err *err)
{
	(void)own;
	if (r->query[strspn(r->query, " \t\n")] == '\0')
		return err_set(err, ERR_INVALID, "a Loki needs a selector, such as {app=\"web\"}");
	return 0;
}

static bool
loki_next(struct log_round *r, void *own, struct chain_ask *ret)
{
	struct loki *l = own;

	*ret = (struct chain_ask){ .tag = 0 };
	if (r->is_count) {
		if (l->is_counted)
			return false;
		l->is_counted = true;
		ask_count(r, l, &ret->request);
		return true;
	}
	if (!log_round_ask(r))
		return false;
	ask_lines(r, &ret->request);
	return true;
}

/* --- lines --------------------------------------------------------------------------------------------------------------------- */

struct stream {			/* one that is being read */
	struct arena mem;
	struct label v[LOG_LABELS_MAX];
	size_t n;
	uint64_t hash;		/* of all its labels, in any order */
	const char *level;
	uint32_t index;
};

static const char *
label_of(const struct stream *s, const char *name)
{
	for (size_t i = 0; i < s->n; i++)
		if (strcmp(s->v[i].name, name) == 0)
			return s->v[i].value;
	return NULL;
}

static const char *
first_of(const struct stream *s, const char *own, const char *const *usual)
{
	const char *v = NULL;

	if (own != NULL)
		return label_of(s, own);
	for (; *usual != NULL && v == NULL; usual++)
		v = label_of(s, *usual);
	return v;
}

static void
read_labels(struct stream *s, struct slice labels)
{
	struct slice key, value;
	size_t at = 0;

	s->n = 0;
	s->hash = 0;
	while (slice_member(labels, &at, &key, &value)) {
		s->hash += str_hash(value.p, value.len, str_hash(key.p, key.len, STR_HASH_SEED));
		if (s->n == LOG_LABELS_MAX)
			continue;
		s->v[s->n].name = slice_word(&s->mem, key, NAME_MAX_BYTES);
		s->v[s->n].value = slice_word(&s->mem, value, LOG_LABEL_VALUE_MAX);
		s->n += s->v[s->n].value != NULL;
	}
}

/* In what a line has beside its text: a Loki that knows structured metadata finds the level out by itself. */
static const char *
level_in(struct stream *s, struct slice fields)
{
	const char *level = NULL;

	for (size_t i = 0; level_labels[i] != NULL && level == NULL; i++)
		level = slice_word(&s->mem, slice_get(fields, level_labels[i]), 64);
	if (level == NULL && slice_get(fields, "structuredMetadata").p != NULL)
		return level_in(s, slice_get(fields, "structuredMetadata"));
	return level;
}

static int
read_line(struct log_round *r, struct stream *s, struct slice entry, struct buf *text, struct err *err)
{
	struct log_draft d = { .stream = s->index, .level = s->level };
	struct slice time = { 0 }, line = { 0 };
	uint64_t key = s->hash;
	size_t at = 0;

	if (!slice_item(entry, &at, &time) || !slice_item(entry, &at, &line) || !slice_is(line, '"') || !slice_is(time, '"') ||
	    !slice_int(time, &d.time_ns))
		return err_set(err, ERR_INVALID, "a line is not [\"NANOSECONDS\", \"TEXT\"]");
	slice_item(entry, &at, &d.fields);
	buf_reset(text);
	slice_text(line, text);
	d.text = text->data;
	d.len = text->len;
	if (d.level == NULL && slice_is(d.fields, '{'))
		d.level = level_in(s, d.fields);
	key = str_hash(&d.time_ns, sizeof d.time_ns, str_hash(text->data, text->len, key ^ STR_HASH_SEED));
	log_round_line(r, &d, key);
	return 0;
}

static int
read_stream(struct log_round *r, struct slice one, struct buf *text, struct err *err)
{
	struct slice values = slice_get(one, "values"), entry;
	struct stream s = { 0 };
	size_t at = 0;
	int result = 0;

	if (!slice_is(slice_get(one, "stream"), '{') || !slice_is(values, '['))
		return err_set(err, ERR_INVALID, "a stream has no labels or no values");
	read_labels(&s, slice_get(one, "stream"));
	s.level = first_of(&s, r->fields.level, level_labels);
	s.index = log_build_stream(&r->build, s.v, s.n, first_of(&s, r->fields.service, service_labels));
	while (result == 0 && slice_item(values, &at, &entry))
		result = read_line(r, &s, entry, text, err);
	arena_done(&s.mem);
	return result;
}

/* --- counts --------------------------------------------------------------------------------------------------------------------- */

static int
read_count(struct log_round *r, struct slice one, struct err *err)
{
	struct slice pair = slice_get(one, "value"), time, value;
	struct stream s = { 0 };
	const char *level, *service, *text;
	size_t at = 0;
	double n;

	if (!slice_item(pair, &at, &time) || !slice_item(pair, &at, &value) || !slice_is(value, '"'))
		return err_set(err, ERR_INVALID, "a count is not [SECONDS, \"NUMBER\"]");
	read_labels(&s, slice_get(one, "metric"));
	text = slice_word(&s.mem, value, 64);
	level = first_of(&s, r->fields.level, level_labels);
	service = first_of(&s, r->fields.service, service_labels);
	if (jread_double(text, strlen(text), &n) == 0 && n >= 0 && n < 1e18)
		log_round_count(r, service != NULL ? service : "",
		    level != NULL ? log_level_find(level, strlen(level), false) : LOG_LEVEL_UNKNOWN, (uint64_t)n);
	arena_done(&s.mem);
	return 0;
}

/* --- answers -------------------------------------------------------------------------------------------------------------------- */

static int
wrong_type(const struct log_round *r, const char *type, struct err *err)
{
	char shown[64];

	return err_set(err, ERR_INVALID, "the query answers with what a Loki calls %s: one that %s is expected", str_escape_to(shown, sizeof shown, type),
	    r->is_count ? "can be counted" : "answers with lines, such as {app=\"web\"} |= \"error\",");
}

static int
read_result(struct log_round *r, struct slice data, struct err *err)
{
	struct slice list = slice_get(data, "result"), one;
	struct arena mem = ARENA_INIT;
	const char *type = slice_word(&mem, slice_get(data, "resultType"), 64);
	struct buf text;
	size_t at = 0;
	int result = 0;

	if (type == NULL || !str_eq(type, r->is_count ? "vector" : "streams"))
		result = type == NULL ? err_set(err, ERR_INVALID, "the answer has no resultType") : wrong_type(r, type, err);
	buf_init(&text, LOG_BODY_MAX);
	while (result == 0 && slice_item(list, &at, &one))
		result = r->is_count ? read_count(r, one, err) : read_stream(r, one, &text, err);
	buf_done(&text);
	arena_done(&mem);
	return result;
}

static int
loki_answered(struct log_round *r, void *own, unsigned tag, const char *body, size_t len, struct err *err)
{
	struct slice all, data;
	struct buf mended;
	int result;

	(void)own;
	(void)tag;
	buf_init(&mended, LOG_BODY_MAX * 3);
	result = slice_of(body, len, "a Loki answer", &mended, &all, err);
	if (result == 0 && !slice_is(slice_get(all, "status"), '"'))
		result = err_set(err, ERR_INVALID, "not a Loki answer: it has no status; check the source's url and type");
	if (result == 0) {
		data = slice_get(all, "data");
		/* An empty answer may leave it out. */
		if (slice_is(data, '{'))
			result = read_result(r, data, err);
	}
	if (result == 0 && r->is_count)
		r->is_done = r->is_whole = true;
	else if (result == 0)
		log_round_paged(r);
	buf_done(&mended);
	return result;
}

/* --- refusals ------------------------------------------------------------------------------------------------------------------- */

/* "max entries limit per query exceeded, limit > max_entries_limit (9999 > 5000)" */
static bool
learn_page(struct log_round *r, const char *text)
{
	const char *at = strstr(text, "max entries limit"), *open = at == NULL ? NULL : strrchr(at, '(');
	unsigned long asked, most;

	return open != NULL && sscanf(open, "(%lu > %lu)", &asked, &most) == 2 && log_round_page_max(r, most);
}

/* "the query time range exceeds the limit (query length: 9600h0m0s, limit: 721h0m0s)" */
static bool
learn_window(struct log_round *r, const char *text)
{
	const char *at = strstr(text, "time range exceeds the limit"), *limit = at == NULL ? NULL : strstr(at, "limit: ");
	char word[32];
	int64_t ns;

	if (limit == NULL || sscanf(limit, "limit: %31[0-9a-z]", word) != 1 || duration_parse(word, &ns, NULL) < 0)
		return false;
	if (ns <= 0 || ns >= r->asked.end_ns - r->asked.start_ns)
		return false;
	r->window_ns = ns;
	return true;
}

static int
loki_failed(struct log_round *r, void *own, unsigned tag, long status, const struct err *why, struct err *err)
{
	struct loki *l = own;

	(void)tag;
	if (r->is_count && !l->is_plain_count && strstr(why->msg, "maximum of series") != NULL) {
		l->is_counted = false;
		l->is_plain_count = true;
		return 0;
	}
	if (!r->is_count && status == 400 && (learn_page(r, why->msg) || learn_window(r, why->msg)))
		return 0;
	if (!r->is_count && why->code == ERR_LIMIT && log_round_halve(r))
		return 0;
	*err = *why;
	return err->code;
}

static int
loki_refuse(struct decoder *d, const struct answer *answer, const char *body, size_t len, struct err *err)
{
	char detail[SENTENCE_MAX];

	(void)d;
	body_line(detail, body, len);
	if (answer->status == 401 && strcmp(detail, "no org id") == 0)
		return err_set(err, ERR_DENIED, "Loki: HTTP 401: no org id: it has tenants; give the source a tenant:");
	return refuse_status("Loki", answer, detail, err);
}

const struct decoder_ops loki_decoder = { .name = "loki lines", .refuse = loki_refuse, LOG_DECODER };

/* --- names ------------------------------------------------------------------------------------------------------------------------ */

static int
loki_names(const struct conf_source *conf, const struct log_names_want *w, struct request *ret, struct err *err)
{
	struct buf form, path;

	(void)err;
	buf_init(&form, PATH_MAX_BYTES);
	if (w->selector != NULL)
		request_add_form(&form, "match%5B%5D", w->selector);
	if (w->start_ns < w->end_ns) {
		add_number(&form, "start", w->start_ns);
		add_number(&form, "end", w->end_ns);
	}
	buf_init(&path, PATH_MAX_BYTES);
	if (w->selector != NULL) {
		buf_addstr(&path, "/loki/api/v1/series");
	} else if (w->label == NULL) {
		buf_addstr(&path, "/loki/api/v1/labels");
	} else {
		buf_addstr(&path, "/loki/api/v1/label/");
		request_escape(&path, w->label);
		buf_addstr(&path, "/values");
	}
	set_path(ret, path.data, &form);
	buf_done(&path);
	add_tenant(ret, conf->tenant);
	return 0;
}

/* Of one series: what its labels are called, or the value of one of them. */
static bool
add_series(struct slice one, const char *label, struct log_names_list *ret)
{
	struct slice key, value;
	size_t at = 0;

	while (slice_member(one, &at, &key, &value))
		if ((label == NULL || slice_key_is(key, label)) && !log_names_add(ret, label == NULL ? key : value))
			return false;
	return true;
}

/* A list of words, or of series. */
static int
loki_named(const char *label, const char *body, size_t len, struct log_names_list *ret, struct err *err)
{
	struct slice all, one;
	struct buf mended;
	bool has_room = true;
	size_t at = 0;
	int r;

	buf_init(&mended, LOG_BODY_MAX);
	r = slice_of(body, len, "a Loki answer", &mended, &all, err);
	if (r == 0 && !slice_is(slice_get(all, "status"), '"'))
		r = err_set(err, ERR_INVALID, "not a Loki answer: it has no status; check the source's url and type");
	while (r == 0 && has_room && slice_item(slice_get(all, "data"), &at, &one))
		has_room = slice_is(one, '{') ? add_series(one, label, ret) : log_names_add(ret, one);
	buf_done(&mended);
	return r;
}

const struct log_store log_store_loki = {
	.type = "loki",
	.size = sizeof(struct loki),
	.open = loki_open,
	.next = loki_next,
	.answered = loki_answered,
	.failed = loki_failed,
	.decoder = &loki_decoder,
	.names = loki_names,
	.named = loki_named,
};

const struct source_ops source_loki = { .type = "loki" };
