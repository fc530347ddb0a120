/* What a filter lets through: parts of segments, read as one list. */
#include "config.h"

#include "model/log.h"

#include <string.h>

#include "model/model_priv.h"

static void
view_done(void *block)
{
	struct log_view *v = block;

	for (size_t i = 0; i < v->n_parts; i++) {
		block_unref(v->parts[i].segment);
		block_unref(v->parts[i].held);
	}
}

void
log_view_init(struct log_view *v)
{
	v->block.done = view_done;
}

struct log_view *
log_view_new(void)
{
	struct log_view *v = block_new(sizeof *v);

	log_view_init(v);
	v->query = v->error = "";
	return v;
}

static size_t
part_line(const struct log_part *p, size_t i)
{
	return p->v == NULL ? i : p->v[i];
}

void
log_view_line(const struct log_view *v, size_t i, struct log_ref *ret)
{
	const struct log_part *p = v->parts;

	for (; i >= p->n; p++)
		i -= p->n;
	log_segment_line(p->segment, part_line(p, i), ret);
}

/* How many lines of the part are before t. */
static size_t
part_find(const struct log_part *p, int64_t t_ns)
{
	size_t line = log_segment_find(p->segment, t_ns), lo = 0, hi = p->n;

	if (p->v == NULL)
		return line < p->n ? line : p->n;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (p->v[mid] < line)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

size_t
log_view_find(const struct log_view *v, int64_t t_ns)
{
	size_t before = 0;

	for (size_t i = 0; i < v->n_parts; i++) {
		const struct log_part *p = &v->parts[i];
		size_t n = log_segment_n(p->segment) == 0 || log_segment_last(p->segment) < t_ns ? p->n : part_find(p, t_ns);

		before += n;
		if (n < p->n)
			break;
	}
	return before;
}

struct log_view *
log_view_until(const struct log_view *v, int64_t t_ns)
{
	size_t n = t_ns == INT64_MAX ? v->n : log_view_find(v, t_ns + 1), left = n;
	struct log_view *past = block_ref(v);
	struct log_bucket *buckets;
	struct log_part *parts;

	if (n == v->n)
		return past;
	block_unref(past);
	past = log_view_new();
	parts = arena_alloc(&past->block.arena, v->n_parts * sizeof *parts);
	past->query = arena_strdup(&past->block.arena, v->query);
	past->error = arena_strdup(&past->block.arena, v->error);
	past->is_partial = v->is_partial;
	past->n = n;
	past->n_of = v->n_of;
	past->start_ns = v->start_ns;
	past->step_ns = v->step_ns;
	past->n_buckets = v->n_buckets;
	buckets = arena_alloc(&past->block.arena, v->n_buckets * sizeof *buckets);
	if (v->n_buckets > 0)
		memcpy(buckets, v->buckets, v->n_buckets * sizeof *buckets);
	for (size_t i = 0; i < v->n_buckets; i++)
		if (v->start_ns + (int64_t)i * v->step_ns > t_ns)
			memset(&buckets[i], 0, sizeof buckets[i]);
	past->buckets = buckets;
	for (; past->n_parts < v->n_parts && left > 0; left -= parts[past->n_parts++].n) {
		struct log_part *p = &parts[past->n_parts];

		*p = v->parts[past->n_parts];
		block_ref(p->segment);
		block_ref(p->held);
		p->n = p->n < left ? p->n : left;
		if (p->v != NULL && p->held == NULL)
			p->v = memcpy(arena_alloc(&past->block.arena, p->n * sizeof *p->v + 1), p->v, p->n * sizeof *p->v);
	}
	past->parts = parts;
	return past;
}
