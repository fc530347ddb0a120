#include "config.h"

#include "audit_index.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit/reader_priv.h"
#include "audit/record_priv.h"
#include "base/clock.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "record/pack.h"

enum { EVERY = 512, BLOCK = 1 << 20, WORDS_MAX = 4096 };
#define SEQ_END (UINT64_C(1) << 63)

struct point {			/* of each EVERYth line, from the first */
	struct audit_place place;
	int64_t time_ns;
};

struct intent {			/* or act */
	uint64_t seq, line;
	uint64_t end;			/* behind the line of its result; 0: there is none */
};

struct audit_index {
	char *path;
	struct pack *pack;		/* NULL: it is none */
	struct audit_reader *reader;	/* as of the newest step */
	struct point *points;
	size_t n_points, cap_points;
	uint64_t n;			/* lines */
	struct audit_place end;		/* behind the newest */
	char *last_line;		/* the newest, to tell whether the log is still the same; NULL none */
	size_t last_len;
	uint64_t first_seq, last_seq;
	char last_hash[AUDIT_HASH_HEX + 1];
	struct intent *open;		/* ascending; those that have results only where a time may be asked for at which they had none */
	size_t n_open, cap_open;
	bool has_dropped;		/* some that have results are not there any more */
	char *block;

	char *words;			/* of the filter; "" none */
	struct audit_filter *filter;	/* NULL: none, or it is wrong */
	char filter_error[256];
	uint64_t *matches;		/* numbers of lines, ascending */
	size_t n_matches, cap_matches;
	uint64_t filtered;		/* lines that the filter has seen */
	struct audit_place filter_at;

	int64_t until_ns;
	uint64_t visible;		/* lines up to until_ns */
};

struct audit_index *
audit_index_new(const char *path)
{
	struct audit_index *ix = xcalloc(1, sizeof *ix);

	ix->path = xstrdup(path);
	ix->words = xstrdup("");
	ix->until_ns = INT64_MAX;
	return ix;
}

/* --- the log -------------------------------------------------------------------------------------------------------------------------------------------------- */

static void
forget(struct audit_index *ix)
{
	ix->n_points = 0;
	ix->n = ix->filtered = ix->visible = 0;
	ix->end = ix->filter_at = (struct audit_place){ 0 };
	ix->first_seq = ix->last_seq = 0;
	ix->last_hash[0] = '\0';
	ix->n_open = ix->n_matches = 0;
	ix->has_dropped = false;
	free(ix->last_line);
	ix->last_line = NULL;
}

static int
open_pack(const char *path, struct pack **pack, struct audit_reader **ret, struct err *err)
{
	size_t n, *lens;
	const char **names, **texts, *head;
	int r = *pack != NULL ? 0 : pack_open(path, pack, err);

	if (r < 0)
		return r;
	n = pack_n_slices(*pack);
	names = xcalloc(n + 1, sizeof *names);
	texts = xcalloc(n + 1, sizeof *texts);
	lens = xcalloc(n + 1, sizeof *lens);
	for (size_t i = 0; i < n; i++)
		texts[i] = pack_slice(*pack, i, &lens[i], &names[i], &head);
	*ret = audit_reader_memory(names, texts, lens, n);
	audit_reader_set_slice(*ret);
	free(names);
	free(texts);
	free(lens);
	return 0;
}

static int
open_reader(struct audit_index *ix, struct err *err)
{
	int r = 0;

	audit_reader_free(ix->reader);
	ix->reader = NULL;
	if (ix->pack != NULL || pack_is(ix->path))
		r = open_pack(ix->path, &ix->pack, &ix->reader, err);
	else
		r = audit_reader_open(ix->path, &ix->reader, err);
	return r;
}

/* What stood last still stands there: the log has only grown. */
static bool
is_same(struct audit_index *ix)
{
	struct audit_place at = ix->end;
	struct audit_line l;
	int64_t size;

	if (ix->n == 0)
		return true;
	if (audit_reader_file(ix->reader, at.file, &size) == NULL || at.offset > size || at.offset < (int64_t)ix->last_len + 1)
		return false;
	at.offset -= (int64_t)ix->last_len + 1;
	at.number--;
	audit_reader_seek(ix->reader, &at);
	return audit_reader_next(ix->reader, &l, NULL) > 0 && l.len == ix->last_len && memcmp(l.bytes, ix->last_line, l.len) == 0;
}

static void
keep_last(struct audit_index *ix, const char *line, size_t len)
{
	struct audit_frame f;

	free(ix->last_line);
	ix->last_line = memcpy(xmalloc(len + 1), line, len);
	ix->last_len = len;
	if (audit_frame_read(line, len, &f, NULL) == 0) {
		ix->last_seq = f.seq;
		memcpy(ix->last_hash, f.hash, sizeof ix->last_hash);
	}
}

/* --- intents without results ------------------------------------------------------------------------------------------------------------------------------ */

static void
drop_closed(struct audit_index *ix)
{
	size_t n = 0;

	if (ix->until_ns != INT64_MAX)
		return;
	for (size_t i = 0; i < ix->n_open; i++)
		if (ix->open[i].end == 0)
			ix->open[n++] = ix->open[i];
	ix->has_dropped |= n < ix->n_open;
	ix->n_open = n;
}

static void
open_add(struct audit_index *ix, uint64_t seq, uint64_t line)
{
	if (ix->n_open == ix->cap_open) {
		drop_closed(ix);
		if (ix->n_open > ix->cap_open / 2 || ix->cap_open == 0) {
			ix->cap_open = ix->cap_open * 2 + 256;
			ix->open = xreallocarray(ix->open, ix->cap_open, sizeof *ix->open);
		}
	}
	ix->open[ix->n_open++] = (struct intent){ seq, line, 0 };
}

/* As far as lines are visible. */
static bool
is_unknown(const struct audit_index *ix, const struct intent *o)
{
	return o->line < ix->visible && (o->end == 0 || o->end > ix->visible);
}

/* NULL: there is none. */
static struct intent *
open_find(struct audit_index *ix, uint64_t seq)
{
	size_t lo = 0, hi = ix->n_open;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (ix->open[mid].seq == seq)
			return &ix->open[mid];
		if (ix->open[mid].seq < seq)
			lo = mid + 1;
		else
			hi = mid;
	}
	return NULL;
}

static uint64_t
number_at(const char *p, const char *end)
{
	uint64_t n = 0;

	for (; p < end && (unsigned char)(*p - '0') <= 9 && n < SEQ_END / 10; p++)
		n = n * 10 + (uint64_t)(*p - '0');
	return n;
}

/* The number behind a key. A quote inside a text is escaped, so the key cannot be found in one. */
static uint64_t
number_of(const char *line, size_t len, const char *key)
{
	const char *p = memmem(line, len, key, strlen(key));

	return p == NULL ? 0 : number_at(p + strlen(key), line + len);
}

static bool
is_type(const char *name, size_t len, const char *type)
{
	return strlen(type) == len && memcmp(name, type, len) == 0;
}

static void
take_type(struct audit_index *ix, const char *line, size_t len, uint64_t seq)
{
	const char *name;
	struct intent *open = NULL;
	size_t n;

	if (!audit_line_type(line, len, &name, &n))
		return;
	if (is_type(name, n, "intent") || is_type(name, n, "act"))
		open_add(ix, seq, ix->n - 1);
	else if (is_type(name, n, "result"))
		open = open_find(ix, number_of(line, len, "\"intent\":"));
	else if (is_type(name, n, "act-result"))
		open = open_find(ix, number_of(line, len, "\"act\":"));
	if (open != NULL && open->end == 0)
		open->end = ix->n;
}

/* --- finding lines ----------------------------------------------------------------------------------------------------------------------------------------- */

/* Where it must stand; 0: it does not. */
static int64_t
time_of(const char *line, size_t len)
{
	static const char mark[] = ",\"time\":\"";
	const char *p = memmem(line, len < 64 ? len : 64, mark, sizeof mark - 1);
	int64_t ns = 0;

	if (p != NULL && (size_t)(line + len - p) > sizeof mark - 1 + AUDIT_TIME_LEN)
		audit_time_read(p + sizeof mark - 1, &ns);
	return ns;
}

static void
point_add(struct audit_index *ix, const struct audit_place *at, int64_t time_ns)
{
	if (ix->n_points == ix->cap_points) {
		ix->cap_points = ix->cap_points * 2 + 64;
		ix->points = xreallocarray(ix->points, ix->cap_points, sizeof *ix->points);
	}
	ix->points[ix->n_points++] = (struct point){ *at, time_ns };
}

/* Until a line is later than until_ns: what stands behind it is not known then. */
static void
take_time(struct audit_index *ix, const char *line, size_t len)
{
	if (ix->until_ns == INT64_MAX || (ix->visible == ix->n - 1 && time_of(line, len) <= ix->until_ns))
		ix->visible = ix->n;
}

static void
take_line(struct audit_index *ix, const struct audit_place *at, const char *line, size_t len)
{
	uint64_t seq = len > 7 && memcmp(line, "{\"seq\":", 7) == 0 ? number_at(line + 7, line + len) : 0;

	if (ix->n % EVERY == 0)
		point_add(ix, at, time_of(line, len));
	if (ix->n == 0)
		ix->first_seq = seq;
	ix->n++;
	take_type(ix, line, len, seq);
	take_time(ix, line, len);
}

static void
take_block(struct audit_index *ix, const struct audit_place *block, size_t len)
{
	struct audit_place at = *block;
	const char *p = ix->block, *end = p + len, *lf, *last = p;

	if (at.file == ix->end.file)
		at.number = ix->end.number;
	for (; p < end && (lf = memchr(p, '\n', (size_t)(end - p))) != NULL; p = lf + 1) {
		take_line(ix, &at, p, (size_t)(lf - p));
		last = p;
		at.offset += lf + 1 - p;
		at.number++;
	}
	keep_last(ix, last, (size_t)(end - 1 - last));
	ix->end = at;
}

static int
find_lines(struct audit_index *ix, int64_t until_mono, struct err *err)
{
	struct audit_place at;
	size_t len;
	int r;

	if (ix->block == NULL)
		ix->block = xmalloc(BLOCK);
	audit_reader_seek(ix->reader, &ix->end);
	while ((r = audit_reader_block(ix->reader, ix->block, BLOCK, &len, &at, err)) > 0) {
		take_block(ix, &at, len);
		audit_reader_seek(ix->reader, &ix->end);
		if (clock_mono_fresh() > until_mono)
			return 1;
	}
	return r;
}

/* --- the filter ---------------------------------------------------------------------------------------------------------------------------------------------- */

void
audit_index_filter(struct audit_index *ix, const char *words, int64_t now_ns)
{
	const char *one = words;
	struct err err = ERR_INIT;

	if (strcmp(words, ix->words) == 0)
		return;
	audit_filter_free(ix->filter);
	ix->filter = NULL;
	free(ix->words);
	ix->words = xstrndup(words, WORDS_MAX);
	ix->n_matches = 0;
	ix->filtered = 0;
	ix->filter_at = (struct audit_place){ 0 };
	ix->filter_error[0] = '\0';
	if (words[strspn(words, " \t")] != '\0' && audit_filter_parse(&one, 1, now_ns, &ix->filter, &err) < 0)
		str_escape_to(ix->filter_error, sizeof ix->filter_error, str_has_prefix(err.msg, "filter: ") ? err.msg + strlen("filter: ") : err.msg);
}

static void
match_add(struct audit_index *ix, uint64_t number)
{
	if (ix->n_matches == ix->cap_matches) {
		ix->cap_matches = ix->cap_matches * 2 + 256;
		ix->matches = xreallocarray(ix->matches, ix->cap_matches, sizeof *ix->matches);
	}
	ix->matches[ix->n_matches++] = number;
}

static int
filter_lines(struct audit_index *ix, int64_t until_mono, struct err *err)
{
	struct audit_line l;
	int r = 1;

	audit_reader_seek(ix->reader, &ix->filter_at);
	while (ix->filtered < ix->n && (r = audit_reader_next(ix->reader, &l, err)) > 0) {
		struct audit_record rec;

		if (audit_record_read(l.bytes, l.len, &rec, NULL) == 0) {
			if (audit_filter_matches(ix->filter, &rec))
				match_add(ix, ix->filtered);
			audit_record_done(&rec);
		}
		ix->filtered++;
		if (ix->filtered % 64 == 0 && clock_mono_fresh() > until_mono)
			break;
	}
	audit_reader_place(ix->reader, &ix->filter_at);
	return r < 0 ? r : r > 0 && ix->filtered < ix->n;
}

/* --- steps ---------------------------------------------------------------------------------------------------------------------------------------------------- */

/* Looked up between two points; lines there are read. */
static void
find_visible(struct audit_index *ix)
{
	struct audit_line l;
	size_t i;

	ix->visible = ix->n;
	if (ix->until_ns == INT64_MAX || ix->n_points == 0)
		return;
	for (i = 0; i < ix->n_points && ix->points[i].time_ns <= ix->until_ns; i++)
		;
	ix->visible = 0;
	if (i == 0)
		return;
	ix->visible = (uint64_t)(i - 1) * EVERY;
	audit_reader_seek(ix->reader, &ix->points[i - 1].place);
	while (ix->visible < ix->n && audit_reader_next(ix->reader, &l, NULL) > 0 && time_of(l.bytes, l.len) <= ix->until_ns)
		ix->visible++;
}

void
audit_index_until(struct audit_index *ix, int64_t until_ns)
{
	if (until_ns == ix->until_ns)
		return;
	if (ix->until_ns == INT64_MAX && ix->has_dropped)
		forget(ix);	/* which intents had no result yet is to be known again */
	ix->until_ns = until_ns;
	if (ix->reader != NULL)
		find_visible(ix);
}

int
audit_index_step(struct audit_index *ix, int64_t budget_ns, struct err *err)
{
	int64_t until = clock_mono_fresh() + budget_ns;
	int r = open_reader(ix, err);

	if (r < 0) {
		if (r == ERR_NOTFOUND)
			forget(ix);
		return r;
	}
	if (!is_same(ix))
		forget(ix);
	r = find_lines(ix, until, err);
	if (r == 0 && ix->filter != NULL)
		r = filter_lines(ix, until, err);
	return r;
}

/* --- windows -------------------------------------------------------------------------------------------------------------------------------------------------- */

static uint64_t
count_visible(const struct audit_index *ix)
{
	size_t lo = 0, hi = ix->n_matches;

	if (ix->filter == NULL)
		return ix->visible;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (ix->matches[mid] < ix->visible)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static uint64_t
line_at(const struct audit_index *ix, uint64_t place)
{
	return ix->filter != NULL ? ix->matches[place] : place;
}

/* The reader stands before that line; *at is where it stood before: lines near by are reached by going on. */
static int
go_to(struct audit_index *ix, uint64_t number, uint64_t *at, struct err *err)
{
	struct audit_line l;
	int r = 1;

	if (number < *at || number - *at > EVERY) {
		audit_reader_seek(ix->reader, &ix->points[number / EVERY].place);
		*at = number / EVERY * EVERY;
	}
	for (; *at < number && r > 0; ++*at)
		r = audit_reader_next(ix->reader, &l, err);
	return r;
}

static int
read_rows(struct audit_index *ix, uint64_t first, size_t n, struct audit_view *view, struct err *err)
{
	struct audit_row *rows = arena_alloc(&view->block.arena, (n + 1) * sizeof *rows);
	uint64_t at = UINT64_MAX;
	struct audit_line l;
	const struct intent *open;
	int r = 1;

	for (view->n = 0; view->n < n; view->n++) {
		uint64_t number = line_at(ix, first + view->n);

		r = go_to(ix, number, &at, err);
		if (r > 0)
			r = audit_reader_next(ix->reader, &l, err);
		if (r <= 0)
			break;
		at++;
		audit_row_make(&l, number, &view->block.arena, &rows[view->n]);
		open = open_find(ix, rows[view->n].seq);
		rows[view->n].is_open = open != NULL && is_unknown(ix, open);
	}
	view->rows = rows;
	view->first = first;
	return r < 0 ? r : 0;
}

int
audit_index_window(struct audit_index *ix, uint64_t first, struct audit_view *view, struct err *err)
{
	struct arena *arena = &view->block.arena;
	uint64_t n = count_visible(ix), size;

	view->path = arena_strdup(arena, ix->path);
	view->n_records = ix->visible;
	view->first_seq = ix->first_seq;
	view->last_seq = ix->last_seq;
	view->last_hash = arena_strdup(arena, ix->last_hash);
	for (size_t i = 0; i < ix->n_open; i++)
		view->n_open += is_unknown(ix, &ix->open[i]);
	view->filter = arena_strdup(arena, ix->words);
	view->filter_error = arena_strdup(arena, ix->filter_error);
	view->n_matching = ix->filter_error[0] != '\0' ? 0 : n;
	if (view->n_matching == 0 || ix->reader == NULL)
		return 0;
	size = n < AUDIT_VIEW_ROWS ? n : AUDIT_VIEW_ROWS;
	if (first > n - size)
		first = n - size;
	return read_rows(ix, first, (size_t)size, view, err);
}

void
audit_index_free(struct audit_index *ix)
{
	if (ix == NULL)
		return;
	audit_reader_free(ix->reader);
	pack_free(ix->pack);
	audit_filter_free(ix->filter);
	free(ix->path);
	free(ix->points);
	free(ix->last_line);
	free(ix->open);
	free(ix->block);
	free(ix->words);
	free(ix->matches);
	free(ix);
}
