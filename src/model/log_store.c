#include "config.h"

#include "model/log_store.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/xalloc.h"
#include "model/hindex.h"

struct stream {
	const char *source, *service;
	struct labels labels;
	uint64_t hash, source_hash;	/* for the keys of its lines */
};
struct extra {			/* what a line has beside its text */
	const char *fields, *id;
};
struct log_store {
	struct block block;	/* arena: of the streams and extras */
	void *area;		/* one mapping: the arrays below */
	size_t area_bytes;
	size_t n, cap, text_len, text_cap;
	int64_t *times;
	uint32_t *at;		/* n + 1 */
	uint16_t *streams;
	uint8_t *levels;
	char *text;
	struct stream *v;	/* as many as there are lines at most */
	size_t n_streams;
	struct extra *extras;	/* NULL: no line has any so far */
	size_t extra_len;	/* bytes of their texts */
	bool is_ascii, has_nul;
	/* Only for the one who adds. */
	struct hindex by_stream, by_string;
	size_t n_strings, strings_cap;
	const char **strings;
};

/* --- memory ----------------------------------------------------------------------------------------------------------------- */

static void
store_done(void *block)
{
	struct log_store *s = block;

	munmap(s->area, s->area_bytes);
	hindex_done(&s->by_stream);
	hindex_done(&s->by_string);
	free(s->strings);
}

/* Each part begins a cache line. */
static size_t
part(size_t *at, size_t n, size_t size)
{
	size_t begin = *at;

	*at += (n * size + 63) & ~(size_t)63;
	return begin;
}

struct log_store *
log_store_new(size_t lines, size_t text)
{
	struct log_store *s = block_new(sizeof *s);
	size_t end = 0;
	size_t times = part(&end, lines, sizeof *s->times), at = part(&end, lines + 1, sizeof *s->at), streams = part(&end, lines, sizeof *s->streams);
	size_t levels = part(&end, lines, sizeof *s->levels), texts = part(&end, text, 1), v = part(&end, lines, sizeof *s->v);
	char *area = mmap(NULL, end, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (area == MAP_FAILED) {
		fprintf(stderr, "opsconsole: out of memory\n");
		abort();
	}
	s->block.done = store_done;
	s->area = area;
	s->area_bytes = end;
	s->cap = lines;
	s->text_cap = text;
	s->times = (int64_t *)(void *)(area + times);
	s->at = (uint32_t *)(void *)(area + at);
	s->streams = (uint16_t *)(void *)(area + streams);
	s->levels = (uint8_t *)area + levels;
	s->text = area + texts;
	s->v = (struct stream *)(void *)(area + v);
	s->is_ascii = true;
	hindex_init(&s->by_stream, 0);
	hindex_init(&s->by_string, 0);
	return s;
}

struct log_store *
log_store_ref(struct log_store *s)
{
	return block_ref(s);
}

void
log_store_unref(struct log_store *s)
{
	block_unref(s);
}

size_t
log_store_bytes(const struct log_store *s)
{
	return block_bytes(s) + s->n * (sizeof *s->times + sizeof *s->at + sizeof *s->streams + sizeof *s->levels) + s->text_len +
	    s->n_streams * sizeof *s->v + s->strings_cap * sizeof *s->strings +
	    (s->by_stream.mask + s->by_string.mask + 2) * sizeof *s->by_stream.slots;
}

size_t
log_store_n(const struct log_store *s)
{
	return s->n;
}

size_t
log_store_text(const struct log_store *s)
{
	return s->text_len;
}

int64_t
log_store_time(const struct log_store *s, size_t i)
{
	return s->times[i];
}

/* --- streams ------------------------------------------------------------------------------------------------------------------ */

/* Labels of many streams are the same texts over and over. */
static const char *
intern(struct log_store *s, const char *text)
{
	size_t len = strlen(text);
	uint64_t hash = log_hash(text, len, 0);
	uint32_t at = hindex_get(&s->by_string, hash);

	if (at != HINDEX_NONE && strcmp(s->strings[at], text) == 0)
		return s->strings[at];
	if (s->n_strings == s->strings_cap) {
		s->strings_cap = s->strings_cap == 0 ? 16 : s->strings_cap * 2;
		s->strings = xreallocarray(s->strings, s->strings_cap, sizeof *s->strings);
	}
	s->strings[s->n_strings] = arena_strndup(&s->block.arena, text, len);
	hindex_set(&s->by_string, hash, (uint32_t)s->n_strings);
	return s->strings[s->n_strings++];
}

static bool
stream_is(const struct stream *v, const char *source, const char *service, const struct labels *labels)
{
	return strcmp(v->source, source) == 0 && strcmp(v->service, service) == 0 && labels_equal(&v->labels, labels);
}

uint16_t
log_store_stream(struct log_store *s, const char *source, const char *service, const struct labels *labels)
{
	uint64_t hash = log_hash(source, strlen(source), log_hash(service, strlen(service), labels_hash(labels)));
	uint32_t at = hindex_get(&s->by_stream, hash);
	struct label *copy;

	if (at != HINDEX_NONE && stream_is(&s->v[at], source, service, labels))
		return (uint16_t)at;
	assert(s->n_streams < s->cap);	/* each is asked for by the first line that has it */
	copy = arena_alloc(&s->block.arena, labels->n * sizeof *copy);
	for (size_t i = 0; i < labels->n; i++)
		copy[i] = (struct label){ intern(s, labels->v[i].name), intern(s, labels->v[i].value) };
	s->v[s->n_streams] = (struct stream){
		intern(s, source), intern(s, service), { labels->n, copy }, labels_hash(labels), log_hash(source, strlen(source), 0)
	};
	hindex_set(&s->by_stream, hash, (uint32_t)s->n_streams);
	return (uint16_t)s->n_streams++;
}

/* --- lines -------------------------------------------------------------------------------------------------------------------- */

static bool
text_is_ascii(const char *text, size_t len)
{
	uint64_t all = 0, eight;

	for (; len >= sizeof eight; text += sizeof eight, len -= sizeof eight) {
		memcpy(&eight, text, sizeof eight);
		all |= eight;
	}
	for (; len > 0; len--)
		all |= (unsigned char)*text++;
	return (all & UINT64_C(0x8080808080808080)) == 0;
}

static void
extra_add(struct log_store *s, const struct log_ref *line)
{
	struct arena *arena = &s->block.arena;

	if (s->extras == NULL)
		s->extras = arena_alloc(arena, s->cap * sizeof *s->extras);
	s->extra_len += (line->fields == NULL ? 0 : strlen(line->fields)) + (line->id == NULL ? 0 : strlen(line->id));
	s->extras[s->n] = (struct extra){
		.fields = line->fields == NULL ? NULL : arena_strdup(arena, line->fields),
		.id = line->id == NULL ? NULL : arena_strdup(arena, line->id),
	};
}

bool
log_store_fits(const struct log_store *s, size_t len)
{
	return s->n < s->cap && len < s->text_cap - s->text_len && s->extra_len < s->text_cap;
}

void
log_store_add(struct log_store *s, const struct log_ref *line, uint16_t stream)
{
	s->times[s->n] = line->time_ns;
	s->streams[s->n] = stream;
	s->levels[s->n] = (uint8_t)line->level;
	memcpy(s->text + s->text_len, line->text, line->len);
	s->text[s->text_len + line->len] = '\0';
	s->is_ascii = s->is_ascii && text_is_ascii(line->text, line->len);
	s->has_nul = s->has_nul || memchr(line->text, '\0', line->len) != NULL;
	if (line->fields != NULL || line->id != NULL)
		extra_add(s, line);
	s->text_len += line->len + 1;
	s->at[++s->n] = (uint32_t)s->text_len;
}

/* --- segments ----------------------------------------------------------------------------------------------------------------- */

struct log_segment {		/* what it says holds for the first n lines, whatever is added later */
	struct block block;
	struct log_store *store;
	size_t n, n_streams;
	const struct extra *extras;
	bool is_ascii, has_nul;
};

static void
segment_done(void *block)
{
	log_store_unref(((struct log_segment *)block)->store);
}

struct log_segment *
log_store_publish(struct log_store *s, size_t n)
{
	struct log_segment *segment = block_new(sizeof *segment);

	segment->block.done = segment_done;
	segment->store = log_store_ref(s);
	segment->n = n;
	segment->n_streams = s->n_streams;
	segment->extras = s->extras;
	segment->is_ascii = s->is_ascii;
	segment->has_nul = s->has_nul;
	return segment;
}

struct log_store *
log_segment_store(const struct log_segment *s)
{
	return s->store;
}

struct log_segment *
log_segment_head(const struct log_segment *s, size_t n)
{
	struct log_segment *head = block_new(sizeof *head);

	head->block.done = segment_done;
	head->store = log_store_ref(s->store);
	head->n = n;
	head->n_streams = s->n_streams;
	head->extras = s->extras;
	head->is_ascii = s->is_ascii;
	head->has_nul = s->has_nul;
	return head;
}

size_t
log_segment_n(const struct log_segment *s)
{
	return s->n;
}

int64_t
log_segment_first(const struct log_segment *s)
{
	return s->n == 0 ? 0 : s->store->times[0];
}

int64_t
log_segment_last(const struct log_segment *s)
{
	return s->n == 0 ? 0 : s->store->times[s->n - 1];
}

size_t
log_segment_find(const struct log_segment *s, int64_t t_ns)
{
	size_t lo = 0, hi = s->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (s->store->times[mid] < t_ns)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

bool
log_segment_extends(const struct log_segment *now, const struct log_segment *before)
{
	return now->store == before->store && now->n >= before->n;
}

void
log_segment_texts(const struct log_segment *s, struct log_texts *ret)
{
	const struct log_store *store = s->store;

	*ret = (struct log_texts){ .n = s->n, .text = store->text, .at = store->at, .times = store->times, .levels = store->levels,
		.streams = store->streams, .n_streams = s->n_streams, .is_ascii = s->is_ascii, .has_nul = s->has_nul };
}

void
log_segment_stream(const struct log_segment *s, size_t k, struct log_ref *ret)
{
	const struct stream *v = &s->store->v[k];

	*ret = (struct log_ref){ .source = v->source, .service = v->service, .labels = &v->labels };
}

uint16_t
log_segment_stream_of(const struct log_segment *s, size_t i)
{
	return s->store->streams[i];
}

void
log_segment_line(const struct log_segment *s, size_t i, struct log_ref *ret)
{
	const struct log_store *store = s->store;

	log_segment_stream(s, store->streams[i], ret);
	ret->time_ns = store->times[i];
	ret->text = store->text + store->at[i];
	ret->len = store->at[i + 1] - store->at[i] - 1;
	ret->level = (enum line_level)store->levels[i];
	if (s->extras != NULL) {
		ret->fields = s->extras[i].fields;
		ret->id = s->extras[i].id;
	}
	ret->key = log_ref_hash(ret, store->v[store->streams[i]].source_hash, store->v[store->streams[i]].hash);
}

static int
ref_compare(const void *pa, const void *pb)
{
	const struct log_ref *a = *(const struct log_ref *const *)pa, *b = *(const struct log_ref *const *)pb;

	if (a->time_ns != b->time_ns)
		return a->time_ns < b->time_ns ? -1 : 1;
	return (a > b) - (a < b);
}

struct log_segment *
log_segment_new(const struct log_ref *v, size_t n)
{
	static const struct labels none;
	const struct log_ref **order = xreallocarray(NULL, n + 1, sizeof *order);
	struct log_segment *segment;
	struct log_store *s;
	size_t text = 1;

	n = n < UINT16_MAX ? n : UINT16_MAX;
	for (size_t i = 0; i < n; i++) {
		order[i] = &v[i];
		text += v[i].len + 1;
	}
	qsort(order, n, sizeof *order, ref_compare);
	s = log_store_new(n + 1, text);
	for (size_t i = 0; i < n; i++) {
		const struct log_ref *line = order[i];

		log_store_add(s, line, log_store_stream(s, line->source, line->service, line->labels == NULL ? &none : line->labels));
	}
	free(order);
	segment = log_store_publish(s, n);
	log_store_unref(s);
	return segment;
}

/* --- what makes a line one of its kind ------------------------------------------------------------------------------------------ */

static uint64_t
mix(uint64_t a, uint64_t b)
{
	__uint128_t r = (__uint128_t)(a ^ UINT64_C(0x9e3779b97f4a7c15)) * (b ^ UINT64_C(0xd6e8feb86659fd93));

	return (uint64_t)r ^ (uint64_t)(r >> 64);
}

uint64_t
log_hash(const void *bytes, size_t len, uint64_t seed)
{
	const char *p = bytes;
	uint64_t h = mix(seed, len), eight;

	for (; len >= sizeof eight; p += sizeof eight, len -= sizeof eight) {
		memcpy(&eight, p, sizeof eight);
		h = mix(h, eight);
	}
	eight = 0;
	memcpy(&eight, p, len);
	return mix(h, eight);
}

uint64_t
log_ref_hash(const struct log_ref *line, uint64_t source_hash, uint64_t labels_hash)
{
	uint64_t seed = mix(source_hash, (uint64_t)line->time_ns);

	if (line->id != NULL)
		return log_hash(line->id, strlen(line->id), ~seed);
	return log_hash(line->text, line->len, mix(seed, labels_hash));
}

bool
log_ref_same(const struct log_ref *a, const struct log_ref *b)
{
	if (a->time_ns != b->time_ns || strcmp(a->source, b->source) != 0 || (a->id == NULL) != (b->id == NULL))
		return false;
	if (a->id != NULL)
		return strcmp(a->id, b->id) == 0;
	return a->len == b->len && memcmp(a->text, b->text, a->len) == 0 && labels_equal(a->labels, b->labels);
}
