/*
 * Sorting batches of lines into the chunks: repeats go, newest lines are added where the last chunk ends, others have the chunk remade that they belong to.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/xalloc.h"
#include "model/log_book.h"

struct entry {			/* a line of a batch */
	int64_t time_ns;
	uint64_t hash;
	uint32_t batch, line;	/* of the pending ones */
	bool is_repeat;
};
struct merge {
	struct log_book *book;
	size_t n;
	struct entry *v;
	uint32_t **streams;	/* per batch: of a stream its number in the store that is added to, NO_STREAM none yet */
	struct stream_hash { uint64_t source, *labels; } *hashes;	/* per batch */
	const struct log_store *into;	/* which store those numbers are of */
};
enum { NO_STREAM = UINT32_MAX };

/* --- lines of batches ------------------------------------------------------------------------------------------------------------- */

static const struct labels no_labels;

static void
entry_ref(const struct merge *m, const struct entry *e, struct log_ref *ret)
{
	const struct log_pending *p = &m->book->pending[e->batch];
	const struct log_line *line = &p->batch->v[e->line];
	const struct log_stream *stream = line->stream < p->batch->n_streams ? &p->batch->streams[line->stream] : NULL;
	const char *service = stream == NULL || stream->service == NULL ? "" : stream->service;

	*ret = (struct log_ref){ .time_ns = e->time_ns, .text = line->text, .len = line->len < LOG_TEXT_MAX ? line->len : LOG_TEXT_MAX, .level = line->level,
		.source = p->source, .service = service, .labels = stream == NULL ? &no_labels : &stream->labels, .fields = line->fields, .id = line->id };
}

static uint64_t
entry_hash(const struct merge *m, const struct entry *e)
{
	const struct log_batch *batch = m->book->pending[e->batch].batch;
	uint32_t stream = batch->v[e->line].stream;
	struct log_ref line;

	entry_ref(m, e, &line);
	return log_ref_hash(&line, m->hashes[e->batch].source, stream < batch->n_streams ? m->hashes[e->batch].labels[stream] : labels_hash(&no_labels));
}

static int
entry_compare(const void *pa, const void *pb)
{
	const struct entry *a = pa, *b = pb;

	if (a->time_ns != b->time_ns)
		return a->time_ns < b->time_ns ? -1 : 1;
	if (a->batch != b->batch)
		return a->batch < b->batch ? -1 : 1;
	return (a->line > b->line) - (a->line < b->line);
}

/* A page told newest first is turned round, so that lines of one time stay in the order in which they were written. */
static bool
is_newest_first(const struct log_batch *batch)
{
	return batch->n > 1 && batch->v[0].time_ns > batch->v[batch->n - 1].time_ns;
}

static void
merge_collect(struct merge *m)
{
	bool is_sorted = true;

	for (size_t i = 0; i < m->book->n_pending; i++) {
		const struct log_batch *batch = m->book->pending[i].batch;
		bool is_turned = is_newest_first(batch);

		for (size_t j = 0; j < batch->n; j++) {
			uint32_t line = (uint32_t)(is_turned ? batch->n - 1 - j : j);

			m->v[m->n] = (struct entry){ .time_ns = clock_within(batch->v[line].time_ns), .batch = (uint32_t)i, .line = line };
			is_sorted = is_sorted && (m->n == 0 || m->v[m->n - 1].time_ns <= m->v[m->n].time_ns);
			m->n++;
		}
	}
	if (!is_sorted) {
		/* qsort() is not stable, and the line's number is no order in a page that was turned round. */
		uint32_t *lines = xreallocarray(NULL, m->n, sizeof *lines);

		for (size_t i = 0; i < m->n; i++) {
			lines[i] = m->v[i].line;
			m->v[i].line = (uint32_t)i;
		}
		qsort(m->v, m->n, sizeof *m->v, entry_compare);
		for (size_t i = 0; i < m->n; i++)
			m->v[i].line = lines[m->v[i].line];
		free(lines);
	}
}

static void
merge_init(struct merge *m, struct log_book *book)
{
	*m = (struct merge){ .book = book };
	m->v = xreallocarray(NULL, book->pending_lines + 1, sizeof *m->v);
	m->streams = xcalloc(book->n_pending, sizeof *m->streams);
	m->hashes = xcalloc(book->n_pending, sizeof *m->hashes);
	for (size_t i = 0; i < book->n_pending; i++) {
		const struct log_batch *batch = book->pending[i].batch;

		m->streams[i] = xreallocarray(NULL, batch->n_streams + 1, sizeof **m->streams);
		m->hashes[i].labels = xreallocarray(NULL, batch->n_streams + 1, sizeof *m->hashes[i].labels);
		m->hashes[i].source = log_hash(book->pending[i].source, strlen(book->pending[i].source), 0);
		for (size_t j = 0; j < batch->n_streams; j++)
			m->hashes[i].labels[j] = labels_hash(&batch->streams[j].labels);
	}
	merge_collect(m);
}

static void
merge_done(struct merge *m)
{
	for (size_t i = 0; i < m->book->n_pending; i++) {
		free(m->streams[i]);
		free(m->hashes[i].labels);
	}
	free(m->streams);
	free(m->hashes);
	free(m->v);
}

/* --- repeats ---------------------------------------------------------------------------------------------------------------------- */

struct held {			/* lines of the chunks at one time */
	uint64_t hash;
	uint32_t chunk, line;
};

static size_t
chunk_find_time(const struct log_chunk *c, int64_t t_ns)
{
	const struct log_store *s = c->store;
	size_t lo = 0, hi = log_chunk_n(c);

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (log_store_time(s, mid) < t_ns)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* The first chunk whose last line is not before t; book->n: none. */
static size_t
book_find(const struct log_book *b, int64_t t_ns)
{
	size_t lo = 0, hi = b->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		const struct log_store *s = b->v[mid].store;

		if (log_store_time(s, log_chunk_n(&b->v[mid]) - 1) < t_ns)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static int
held_compare(const void *pa, const void *pb)
{
	const struct held *a = pa, *b = pb;

	return (a->hash > b->hash) - (a->hash < b->hash);
}

/* What is held at t, by hash. */
static struct held *
held_at(struct log_book *b, int64_t t_ns, size_t *ret_n)
{
	size_t n = 0, cap = 0;
	struct held *v = NULL;

	for (size_t c = book_find(b, t_ns); c < b->n; c++) {
		struct log_store *s = b->v[c].store;
		size_t i = chunk_find_time(&b->v[c], t_ns), n_lines = log_chunk_n(&b->v[c]);
		struct log_segment *all = NULL;

		for (; i < n_lines && log_store_time(s, i) == t_ns; i++) {
			struct log_ref line;

			if (all == NULL)
				all = log_chunk_segment(&b->v[c]);
			if (n == cap) {
				cap = cap == 0 ? 16 : cap * 2;
				v = xreallocarray(v, cap, sizeof *v);
			}
			log_segment_line(all, i, &line);
			v[n++] = (struct held){ line.key, (uint32_t)c, (uint32_t)i };
		}
		if (i < n_lines)
			break;
	}
	if (n > 1)
		qsort(v, n, sizeof *v, held_compare);
	*ret_n = n;
	return v;
}

/* How many of the held ones are like the line. */
static size_t
count_held(const struct merge *m, const struct held *v, size_t n, const struct entry *e)
{
	struct log_ref wanted, line;
	size_t lo = 0, hi = n, count = 0;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (v[mid].hash < e->hash)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo == n || v[lo].hash != e->hash)
		return 0;
	entry_ref(m, e, &wanted);
	for (; lo < n && v[lo].hash == e->hash; lo++) {
		log_segment_line(log_chunk_segment(&m->book->v[v[lo].chunk]), v[lo].line, &line);
		count += log_ref_same(&wanted, &line);
	}
	return count;
}

static int
by_hash(const void *pa, const void *pb)
{
	const struct entry *a = *(struct entry *const *)pa, *b = *(struct entry *const *)pb;

	if (a->hash != b->hash)
		return a->hash < b->hash ? -1 : 1;
	if (a->batch != b->batch)
		return a->batch < b->batch ? -1 : 1;
	return (a->line > b->line) - (a->line < b->line);
}

static bool
entries_same(const struct merge *m, const struct entry *a, const struct entry *b)
{
	struct log_ref line_a, line_b;

	entry_ref(m, a, &line_a);
	entry_ref(m, b, &line_b);
	return log_ref_same(&line_a, &line_b);
}

/*
 * Of lines that are all alike as many are kept as one answer told at most: a store may well hold the same line twice at one time, and tells both in each answer. One that has an
 * id is there once.
 */
static void
alike_mark(const struct merge *m, struct entry **v, size_t n, const struct held *held, size_t n_held)
{
	bool has_id = m->book->pending[v[0]->batch].batch->v[v[0]->line].id != NULL;
	size_t have = n_held == 0 ? 0 : count_held(m, held, n_held, v[0]), in_batch = 0;

	for (size_t i = 0; i < n; i++) {
		if (!entries_same(m, v[i], v[0]))
			continue;
		in_batch = i > 0 && v[i]->batch == v[i - 1]->batch ? in_batch + 1 : 1;
		if ((has_id && have > 0) || in_batch <= have)
			v[i]->is_repeat = true;
		else
			have++;
	}
}

/* Those of one time. */
static void
group_mark(const struct merge *m, struct entry *v, size_t n)
{
	const struct log_book *b = m->book;
	size_t n_held = 0;
	struct held *held = NULL;
	struct entry **order;

	if (b->n > 0 && b->totals.last_ns >= v->time_ns)
		held = held_at(m->book, v->time_ns, &n_held);
	if (n_held == 0 && n == 1)
		return;
	order = xreallocarray(NULL, n, sizeof *order);
	for (size_t i = 0; i < n; i++) {
		v[i].hash = entry_hash(m, &v[i]);
		order[i] = &v[i];
	}
	qsort(order, n, sizeof *order, by_hash);
	for (size_t i = 0, j; i < n; i = j) {
		for (j = i + 1; j < n && order[j]->hash == order[i]->hash; j++)
			;
		alike_mark(m, order + i, j - i, held, n_held);
	}
	free(order);
	free(held);
}

static void
merge_drop_repeats(struct merge *m)
{
	size_t kept = 0;

	for (size_t i = 0, j; i < m->n; i = j) {
		for (j = i + 1; j < m->n && m->v[j].time_ns == m->v[i].time_ns; j++)
			;
		group_mark(m, m->v + i, j - i);
	}
	for (size_t i = 0; i < m->n; i++)
		if (!m->v[i].is_repeat)
			m->v[kept++] = m->v[i];
	m->book->totals.n_repeats += m->n - kept;
	m->n = kept;
}

/* --- late ones ---------------------------------------------------------------------------------------------------------------------- */

static struct log_seen *
seen_get(struct log_book *b, const char *source)
{
	for (size_t i = 0; i < b->n_seen; i++)
		if (strcmp(b->seen[i].source, source) == 0)
			return &b->seen[i];
	if (b->n_seen == LOG_SOURCES_MAX)
		return NULL;
	b->seen[b->n_seen] = (struct log_seen){ xstrdup(source), INT64_MAX, INT64_MIN };
	return &b->seen[b->n_seen++];
}

/* Late is what belongs between lines of its source that were there already; what is before all of them is history. */
static void
merge_count_late(const struct merge *m)
{
	struct log_book *b = m->book;
	struct log_seen **seen = xcalloc(b->n_pending, sizeof *seen);

	for (size_t i = 0; i < b->n_pending; i++)
		seen[i] = seen_get(b, b->pending[i].source);
	for (size_t i = 0; i < m->n; i++) {
		const struct log_seen *s = seen[m->v[i].batch];

		b->totals.n_late += s != NULL && m->v[i].time_ns > s->first_ns && m->v[i].time_ns < s->last_ns;
	}
	for (size_t i = 0; i < m->n; i++) {
		struct log_seen *s = seen[m->v[i].batch];

		if (s == NULL)
			continue;
		s->first_ns = m->v[i].time_ns < s->first_ns ? m->v[i].time_ns : s->first_ns;
		s->last_ns = m->v[i].time_ns > s->last_ns ? m->v[i].time_ns : s->last_ns;
	}
	free(seen);
}

/* --- chunks -------------------------------------------------------------------------------------------------------------------------- */

static void
chunk_new_at(struct log_book *b, size_t at, size_t len)
{
	size_t text = log_chunk_text(b);

	if (b->n == b->cap) {
		b->cap = b->cap == 0 ? 16 : b->cap * 2;
		b->v = xreallocarray(b->v, b->cap, sizeof *b->v);
	}
	memmove(&b->v[at + 1], &b->v[at], (b->n - at) * sizeof *b->v);
	b->n++;
	b->v[at] = (struct log_chunk){ .store = log_store_new(log_chunk_lines(b), len + 1 > text ? len + 1 : text) };
}

static void
chunk_add_entry(struct merge *m, struct log_store *s, const struct entry *e)
{
	const struct log_batch *batch = m->book->pending[e->batch].batch;
	uint32_t stream = batch->v[e->line].stream < batch->n_streams ? batch->v[e->line].stream : (uint32_t)batch->n_streams, *number;
	struct log_ref line;

	if (m->into != s) {
		m->into = s;
		for (size_t i = 0; i < m->book->n_pending; i++)
			memset(m->streams[i], 0xff, (m->book->pending[i].batch->n_streams + 1) * sizeof **m->streams);
	}
	entry_ref(m, e, &line);
	number = &m->streams[e->batch][stream];
	if (*number == NO_STREAM)
		*number = log_store_stream(s, line.source, line.service, line.labels);
	log_store_add(s, &line, (uint16_t)*number);
}

/* All of them are not before the last line. */
static void
append(struct merge *m, const struct entry *v, size_t n)
{
	struct log_book *b = m->book;

	for (size_t i = 0; i < n; i++) {
		size_t len = b->pending[v[i].batch].batch->v[v[i].line].len;

		len = len < LOG_TEXT_MAX ? len : LOG_TEXT_MAX;
		if (b->n == 0 || b->v[b->n - 1].is_shared || !log_store_fits(b->v[b->n - 1].store, len))
			chunk_new_at(b, b->n, len);
		chunk_add_entry(m, b->v[b->n - 1].store, &v[i]);
	}
}

struct remake {			/* chunks that take the place of one */
	struct merge *m;
	size_t at, first, n_each;	/* chunk being filled, the first of them; lines of each */
	const struct log_segment *from;	/* whose lines are copied */
	uint32_t *streams;		/* of its streams the numbers in the store of chunk at */
	const struct log_store *into;
};

static struct log_store *
remake_room(struct remake *r, size_t len)
{
	struct log_book *b = r->m->book;

	if (r->at == SIZE_MAX || log_chunk_n(&b->v[r->at]) >= r->n_each || !log_store_fits(b->v[r->at].store, len)) {
		r->at = r->at == SIZE_MAX ? r->first : r->at + 1;
		chunk_new_at(b, r->at, len);
	}
	return b->v[r->at].store;
}

static void
remake_copy(struct remake *r, size_t i)
{
	struct log_store *into;
	struct log_ref line;
	uint32_t *number;

	log_segment_line(r->from, i, &line);
	into = remake_room(r, line.len);
	if (r->into != into) {
		r->into = into;
		memset(r->streams, 0xff, LOG_CHUNK_LINES * sizeof *r->streams);
	}
	number = &r->streams[log_segment_stream_of(r->from, i)];
	if (*number == NO_STREAM)
		*number = log_store_stream(into, line.source, line.service, line.labels);
	log_store_add(into, &line, (uint16_t)*number);
}

/* The lines of chunk c and these, which belong before, into or right after it. */
static void
remake(struct merge *m, size_t c, const struct entry *v, size_t n)
{
	struct log_book *b = m->book;
	struct log_chunk old = b->v[c];
	size_t n_old = log_chunk_n(&old), total = n_old + n, pieces = (total + log_chunk_lines(b) - 1) / log_chunk_lines(b);
	struct remake r = { .m = m, .at = SIZE_MAX, .first = c, .n_each = (total + pieces - 1) / pieces };
	size_t i = 0, j = 0;

	old.segment = log_chunk_segment(&old);
	r.from = old.segment;
	r.streams = xreallocarray(NULL, LOG_CHUNK_LINES, sizeof *r.streams);
	memmove(&b->v[c], &b->v[c + 1], (--b->n - c) * sizeof *b->v);
	while (i < n_old || j < n) {
		if (j == n || (i < n_old && log_store_time(old.store, i) <= v[j].time_ns)) {
			remake_copy(&r, i++);
		} else {
			struct log_ref line;

			entry_ref(m, &v[j], &line);
			chunk_add_entry(m, remake_room(&r, line.len), &v[j++]);
		}
	}
	free(r.streams);
	log_chunk_done(&old);
	m->into = NULL;		/* a new store may be where an old one was */
}

/* These lie before chunk c and after the one before it. */
static void
insert(struct merge *m, size_t c, const struct entry *v, size_t n)
{
	struct log_book *b = m->book;
	size_t at = SIZE_MAX;

	for (size_t i = 0; i < n; i++) {
		struct log_ref line;

		entry_ref(m, &v[i], &line);
		if (at == SIZE_MAX || !log_store_fits(b->v[at].store, line.len)) {
			at = at == SIZE_MAX ? c : at + 1;
			chunk_new_at(b, at, line.len);
		}
		chunk_add_entry(m, b->v[at].store, &v[i]);
	}
}

/* How many of the first ones are before t. */
static size_t
n_before(const struct entry *v, size_t n, int64_t t_ns)
{
	size_t i = 0;

	while (i < n && v[i].time_ns < t_ns)
		i++;
	return i;
}

static void
merge_place(struct merge *m)
{
	struct log_book *b = m->book;
	const struct entry *v = m->v;
	size_t n = m->n;

	while (n > 0) {
		size_t c = book_find(b, v->time_ns), count;
		const struct log_store *s = c == b->n ? NULL : b->v[c].store;
		size_t n_held = s == NULL ? 0 : log_chunk_n(&b->v[c]);
		int64_t last_ns = s == NULL ? 0 : log_store_time(s, n_held - 1);

		/* A line of the same time as the last of all comes after it. */
		if (s == NULL || (c == b->n - 1 && last_ns == v->time_ns)) {
			append(m, v, n);
			return;
		}
		count = n_before(v, n, log_store_time(s, 0));
		if (count > 0 && n_held + count > log_chunk_lines(b)) {
			insert(m, c, v, count);
		} else {
			count = n_before(v, n, c == b->n - 1 ? last_ns : last_ns + 1);
			remake(m, c, v, count);
		}
		v += count;
		n -= count;
	}
}

/* --- budget --------------------------------------------------------------------------------------------------------------------------- */

static void
count_all(struct log_book *b)
{
	struct log_totals *t = &b->totals;

	t->n = t->bytes = t->text_bytes = 0;
	for (size_t i = 0; i < b->n; i++) {
		t->n += log_chunk_n(&b->v[i]);
		t->bytes += log_store_bytes(b->v[i].store);
		t->text_bytes += log_store_text(b->v[i].store) - log_chunk_n(&b->v[i]);
	}
	t->first_ns = b->n == 0 ? 0 : log_store_time(b->v[0].store, 0);
	t->last_ns = b->n == 0 ? 0 : log_store_time(b->v[b->n - 1].store, log_chunk_n(&b->v[b->n - 1]) - 1);
}

void
log_book_drop(struct log_book *b)
{
	struct log_totals *t = &b->totals;
	size_t n = 0, lines = t->n, bytes = t->bytes;

	while (n + 1 < b->n && (lines > b->max_lines || bytes > b->max_bytes)) {
		const struct log_store *s = b->v[n].store;
		size_t n_lines = log_chunk_n(&b->v[n]);
		int64_t whole_ns = log_store_time(s, n_lines - 1) + 1;

		lines -= n_lines;
		bytes -= log_store_bytes(s);
		t->n_dropped += n_lines;
		t->whole_since_ns = whole_ns > t->whole_since_ns ? whole_ns : t->whole_since_ns;
		log_chunk_done(&b->v[n++]);
	}
	if (n == 0)
		return;
	memmove(b->v, b->v + n, (b->n -= n) * sizeof *b->v);
	count_all(b);
}

void
log_book_settle(struct log_book *b)
{
	struct merge m;

	if (b->n_pending == 0)
		return;
	merge_init(&m, b);
	merge_drop_repeats(&m);
	merge_count_late(&m);
	merge_place(&m);
	merge_done(&m);
	for (size_t i = 0; i < b->n_pending; i++)
		block_unref(b->pending[i].batch);
	b->n_pending = b->pending_lines = b->pending_bytes = 0;
	count_all(b);
	log_book_drop(b);
}
