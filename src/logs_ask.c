/* What is asked of the log stores: streams that are followed, and once: what was before, around a time, and searches. */
#include "config.h"

#include "logs_priv.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "insight/log_filter.h"

enum { QUERY_MAX = 1 << 16 };
#define OLDER_SPAN (24 * NS_PER_HOUR)	/* stores refuse ranges that are too long, often of 30 days */
#define AROUND (NS_PER_S)		/* behind the cursor, for what belongs to the same moment */

/* --- the list ----------------------------------------------------------------------------------------------------- */

static size_t
limit_of(const struct logs *l)
{
	return (size_t)l->app->env->logs.page;
}

static struct log_want
followed_want(const struct logs *l, const struct followed *f)
{
	return (struct log_want){ .id = f->id, .source = f->def->source, .query = f->def->query != NULL ? f->def->query : "",
		.start_ns = f->since_ns, .limit = limit_of(l), .is_follow = true, .late_ns = l->app->env->logs.late_ns };
}

static struct log_want
shot_want(const struct logs *l, const struct shot *s)
{
	return (struct log_want){ .id = s->id, .source = s->source, .query = s->query, .start_ns = s->start_ns, .end_ns = s->end_ns,
		.limit = limit_of(l) };
}

void
logs_tell_wants(struct logs *l)
{
	struct log_want *v = xcalloc(2 * l->n_streams + l->n_shots + 1, sizeof *v);
	size_t n = 0;

	for (size_t i = 0; i < l->n_streams; i++)
		v[n++] = followed_want(l, &l->streams[i]);
	for (size_t i = 0; i < l->n_shots; i++)
		v[n++] = shot_want(l, &l->shots[i]);
	n += logs_count_wants(l, v + n);
	sources_logs(l->app->sources, v, n, l->redact);
	l->are_wants_old = false;
	free(v);
}

static void
shot_done(struct shot *s)
{
	free(s->id);
	free(s->source);
	free(s->query);
	log_filter_free(s->filter);
}

void
logs_shots_done(struct logs *l)
{
	for (size_t i = 0; i < l->n_shots; i++)
		shot_done(&l->shots[i]);
	free(l->shots);
}

static struct searched *
searched_of(struct logs *l, const char *source)
{
	for (size_t i = 0; i < l->app->env->n_sources; i++)
		if (str_eq(l->app->env->sources[i].name, source))
			return &l->searched[i];
	return NULL;
}

/* The first of several begins to count anew. */
static void
search_began(struct logs *l, const char *source)
{
	struct searched *s = searched_of(l, source);

	if (l->n_searches++ == 0) {
		memset(l->searched, 0, l->app->env->n_sources * sizeof *l->searched);
		*l->search_error = '\0';
	}
	if (s != NULL)
		s->is_asked = true;
}

bool
logs_shot(struct logs *l, enum shot_kind kind, const char *source, const char *query, int64_t start_ns, int64_t end_ns, size_t stream)
{
	/* What is asked once never comes again: as "adhoc:" it says nothing of how well the source is. */
	static const char *const names[] = { [SHOT_OLDER] = "adhoc:lines:older", [SHOT_AROUND] = "adhoc:lines:around",
		[SHOT_SEARCH] = "adhoc:lines:search" };
	struct shot *s;

	if (l->n_shots == SHOTS_MAX || start_ns >= end_ns)
		return false;
	l->shots = xreallocarray(l->shots, l->n_shots + 1, sizeof *l->shots);
	s = &l->shots[l->n_shots++];
	*s = (struct shot){ .kind = kind, .id = xasprintf("%s:%u", names[kind], ++l->n_made), .source = xstrdup(source),
		.query = xstrdup(query != NULL ? query : ""), .start_ns = start_ns, .end_ns = end_ns, .reach_ns = end_ns, .stream = stream };
	l->are_wants_old = true;
	if (kind == SHOT_SEARCH)
		search_began(l, source);
	return true;
}

bool
logs_has_shot(const struct logs *l, enum shot_kind kind, size_t stream)
{
	for (size_t i = 0; i < l->n_shots; i++)
		if (l->shots[i].kind == kind && l->shots[i].stream == stream)
			return true;
	return false;
}

/* --- ends --------------------------------------------------------------------------------------------------------- */

/* All lines that ever came into the model, as often as they were new. */
static uint64_t
n_lines(const struct logs *l)
{
	const struct log_totals *t = model_log_totals(l->app->model);

	return t->n + t->n_dropped;
}

void
logs_search_applied(struct logs *l)
{
	if (l->applying != NULL)
		l->applying->n_new += (size_t)(n_lines(l) - l->n_before);
	l->applying = NULL;
}

static size_t
n_matching(const struct shot *s, const struct log_batch *b)
{
	size_t n = 0;

	if (s->filter == NULL)
		return b->n;
	for (size_t i = 0; i < b->n; i++) {
		const struct log_line *line = &b->v[i];
		const struct log_stream *stream = &b->streams[line->stream];

		n += log_filter_line(s->filter, &(struct log_ref){ .time_ns = line->time_ns, .text = line->text, .len = line->len,
			.level = line->level, .source = s->source, .service = stream->service, .fields = line->fields, .id = line->id, .labels = &stream->labels });
	}
	return n;
}

void
logs_search_lines(struct logs *l, const struct log_batch *b)
{
	for (size_t i = 0; i < l->n_shots; i++) {
		const struct shot *s = &l->shots[i];

		if (s->kind != SHOT_SEARCH || !str_eq(s->id, b->want))
			continue;
		l->applying = searched_of(l, s->source);
		l->n_before = n_lines(l);
		if (l->applying != NULL) {
			l->applying->n_read += b->n;
			l->applying->n += n_matching(s, b);
		}
		return;
	}
}

/* "loki: 12 lines, 9 of them new here; journal: no line" */
static void
tell_searched(struct logs *l)
{
	struct buf text;

	buf_init(&text, QUERY_MAX);
	for (size_t i = 0; i < l->app->env->n_sources; i++) {
		const struct searched *s = &l->searched[i];

		if (!s->is_asked)
			continue;
		buf_printf(&text, "%s%s: ", text.len > 0 ? "; " : "", l->app->env->sources[i].name);
		if (s->n < s->n_read)
			buf_printf(&text, "%zu of %zu line%s read match%s", s->n, s->n_read, s->n_read == 1 ? "" : "s", s->n == 1 ? "es" : "");
		else if (s->n == 0)
			buf_addstr(&text, "no line");
		else if (s->n_new == 0)
			buf_printf(&text, "%zu line%s, none new here", s->n, s->n == 1 ? "" : "s");
		else
			buf_printf(&text, "%zu line%s, %zu of them new here", s->n, s->n == 1 ? "" : "s", s->n_new);
	}
	logs_tell(l, false, "%s", text.data);
	buf_done(&text);
}

static void
search_ended(struct logs *l)
{
	if (--l->n_searches > 0)
		return;
	if (*l->search_error != '\0')
		logs_tell(l, true, "searching: %s", l->search_error);
	else
		tell_searched(l);
}

/* Between what was asked around the cursor and what is held there is a gap: a row says so where it begins. */
static void
note_gap(struct logs *l, const struct shot *s, const struct followed *f)
{
	struct log_batch *b;
	char to[CLOCK_TEXT_MAX], *text;
	struct event ev;

	if (f->from_ns == INT64_MAX || s->end_ns >= f->from_ns)
		return;
	b = block_new(sizeof *b);
	b->want = arena_strdup(&b->block.arena, s->id);
	text = xasprintf("lines from here to %s were not asked for when the cursor came here: o asks for older ones", clock_format(to, f->from_ns, 0));
	b->note = arena_strdup(&b->block.arena, text);
	free(text);
	event_init(&ev, EVENT_LOG_LINES, s->end_ns, s->source, b);
	app_apply(l->app, &ev);
	event_done(&ev);
}

/* One that failed is not asked again until the cursor leaves what it was about; one that moved meanwhile is asked now. */
static void
around_ended(struct logs *l, const struct shot *s, bool is_whole)
{
	struct followed *f = &l->streams[s->stream];

	f->around_from_ns = is_whole || s->reach_ns == s->end_ns ? s->start_ns : s->reach_ns;
	f->around_to_ns = s->end_ns;
	note_gap(l, s, f);
	logs_ask_range(l);
}

void
logs_on_done(const char *id, bool is_whole, const char *error, void *arg)
{
	struct logs *l = arg;

	logs_search_applied(l);
	logs_count_done(l, id, is_whole, error);
	for (size_t i = 0; i < l->n_shots; i++) {
		struct shot s = l->shots[i];

		if (strcmp(s.id, id) != 0)
			continue;
		memmove(&l->shots[i], &l->shots[i + 1], (--l->n_shots - i) * sizeof *l->shots);
		l->are_wants_old = true;
		if (s.kind == SHOT_SEARCH && error != NULL && *l->search_error == '\0')
			str_escape_to(l->search_error, sizeof l->search_error, error);
		if (s.kind == SHOT_AROUND)
			around_ended(l, &s, is_whole);
		if (s.kind == SHOT_SEARCH)
			search_ended(l);
		else if (error != NULL)
			logs_tell(l, true, "%s: %s", s.source, error);
		else if (is_whole && s.stream < l->n_streams && s.kind == SHOT_OLDER && s.start_ns < l->streams[s.stream].from_ns)
			l->streams[s.stream].from_ns = s.start_ns;
		shot_done(&s);
		return;
	}
}

/* --- ranges ------------------------------------------------------------------------------------------------------- */

/* What of the range was before the lines that are followed, and what is at the cursor: a page of each. */
static void
ask_stream(struct logs *l, size_t i)
{
	const struct timerange *r = &l->app->range;
	struct followed *f = &l->streams[i];
	int64_t to = f->from_ns < r->end_ns ? f->from_ns : r->end_ns;

	if (f->from_ns == INT64_MAX && r->is_live)
		return;		/* the first answer is on its way, and reaches as far */
	if (r->start_ns < f->asked_ns && r->start_ns < to) {
		f->asked_ns = r->start_ns;
		logs_shot(l, SHOT_OLDER, f->def->source, f->def->query, r->start_ns, to, i);
	}
	if (!r->is_live && r->cursor_ns + AROUND < to && !logs_has_shot(l, SHOT_AROUND, i) &&
	    (r->cursor_ns < f->around_from_ns || r->cursor_ns + AROUND > f->around_to_ns))
		logs_shot(l, SHOT_AROUND, f->def->source, f->def->query, r->start_ns, r->cursor_ns + AROUND, i);
}

void
logs_ask_range(struct logs *l)
{
	for (size_t i = 0; i < l->n_streams; i++)
		ask_stream(l, i);
}

int
logs_older(struct logs *l, struct err *err)
{
	size_t n = 0;

	if (l == NULL || l->n_streams == 0)
		return err_set(err, ERR_NOTFOUND, "no stream of lines is configured: logs: streams: in opsconsole.yaml");
	for (size_t i = 0; i < l->n_streams; i++) {
		struct followed *f = &l->streams[i];
		int64_t to = f->from_ns != INT64_MAX ? f->from_ns : clock_now(), span = l->app->span_ns;

		if (logs_has_shot(l, SHOT_OLDER, i))
			continue;
		span = span > OLDER_SPAN ? span : OLDER_SPAN;
		logs_shot(l, SHOT_OLDER, f->def->source, f->def->query, to - span, to, i);
		n++;
	}
	return n > 0 ? 0 : err_set(err, ERR_NOTFOUND, "older lines are on their way");
}

/* --- searches ----------------------------------------------------------------------------------------------------- */

/* The filter in the store's own words, on top of base: it may let more through, never less. */
static int
native_query(const struct log_filter *f, const char *type, const char *base, struct buf *out)
{
	base = base != NULL ? base : "";
	if (str_eq(type, "loki"))
		return log_filter_logql(f, base, out);
	if (str_eq(type, "elasticsearch"))
		return log_filter_query_string(f, base, out);
	return log_filter_matches(f, base, out);
}

const struct conf_source *
logs_source(const struct logs *l, const char *name)
{
	for (size_t i = 0; i < l->app->env->n_sources; i++)
		if (str_eq(l->app->env->sources[i].name, name))
			return &l->app->env->sources[i];
	return NULL;
}

static size_t
ask_natively(struct logs *l, const char *type, const char *query, int64_t start_ns, int64_t end_ns)
{
	size_t n = 0;

	for (size_t i = 0; i < l->app->env->n_sources; i++) {
		const struct conf_source *s = &l->app->env->sources[i];

		if (!str_eq(s->type, type))
			continue;
		n += logs_shot(l, SHOT_SEARCH, s->name, query, start_ns, end_ns, SIZE_MAX);
	}
	return n;
}

static size_t
ask_streams(struct logs *l, const char *typed, const struct log_filter *f, int64_t start_ns, int64_t end_ns)
{
	size_t n = 0;
	struct buf query;

	buf_init(&query, QUERY_MAX);
	for (size_t i = 0; i < l->n_streams; i++) {
		const struct conf_log_stream *def = l->streams[i].def;
		const struct conf_source *s = logs_source(l, def->source);

		buf_reset(&query);
		if (s == NULL || native_query(f, s->type, def->query, &query) < 0)
			continue;
		if (!logs_shot(l, SHOT_SEARCH, def->source, query.data, start_ns, end_ns, i))
			continue;
		n++;
		log_filter_new(typed, &l->shots[l->n_shots - 1].filter, NULL);	/* it compiled before */
	}
	buf_done(&query);
	return n;
}

static int
ask_stores(struct logs *l, const char *query, int64_t start_ns, int64_t end_ns, size_t *ret_n, struct err *err)
{
	struct log_filter *f;
	const char *type = NULL, *native;
	int r = log_filter_new(query, &f, err);

	if (r < 0)
		return r;
	native = log_filter_native(f, &type);
	*ret_n = native != NULL ? ask_natively(l, type, native, start_ns, end_ns) : ask_streams(l, query, f, start_ns, end_ns);
	if (*ret_n == 0 && native != NULL)
		err_set(err, ERR_NOTFOUND, "no source of type %s in this environment", type);
	else if (*ret_n == 0)
		err_set(err, ERR_NOTFOUND, "no stream can be asked that: name one under logs: streams:, or begin with loki:, es: or journal:");
	log_filter_free(f);
	return *ret_n > 0 ? 0 : ERR_NOTFOUND;
}

int
logs_search_range(struct logs *l, const char *query, int64_t start_ns, int64_t end_ns, struct err *err)
{
	size_t n;
	int r;

	if (start_ns >= end_ns)
		return err_set(err, ERR_NOTFOUND, "the time to ask for has not come yet");
	r = ask_stores(l, query, start_ns, end_ns, &n, err);
	if (r < 0)
		return r;
	return 0;
}

int
logs_search(struct logs *l, const char *query, struct err *err)
{
	const struct timerange *r;

	if (l == NULL)
		return err_set(err, ERR_NOTFOUND, "no log store is configured: a source of type loki, elasticsearch or journald");
	r = &l->app->range;
	return logs_search_range(l, query, r->start_ns, r->is_live ? clock_now() : r->cursor_ns + AROUND, err);
}
