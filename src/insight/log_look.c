#include "config.h"

#include "insight/log_look.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/xalloc.h"

enum { CHUNK = 16384, BUCKETS_MAX = 1 << 16 };
#define SLOT (10 * NS_PER_S)

static bool
is_stopped(const struct log_look *look)
{
	return look->stop != NULL && __atomic_load_n(look->stop, __ATOMIC_RELAXED) != 0;
}

/* Multiples of step below and up to t, for times before 1970 too. */
static int64_t
floor_div(int64_t t, int64_t step)
{
	int64_t q = t / step;

	return t % step < 0 ? q - 1 : q;
}

static int64_t
time_of(const struct log_segment *s, size_t i)
{
	struct log_ref line;

	log_segment_line(s, i, &line);
	return line.time_ns;
}

/* The first line not before t. */
static size_t
line_at(const struct log_segment *s, int64_t t_ns)
{
	size_t lo = 0, hi = log_segment_n(s);

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (time_of(s, mid) < t_ns)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

bool
log_segment_goes_on(const struct log_segment *s, const struct log_segment *before)
{
	size_t n = log_segment_n(before);
	struct log_ref a, b;

	if (n == 0 || log_segment_n(s) < n)
		return false;
	log_segment_line(s, 0, &a);
	log_segment_line(before, 0, &b);
	if (a.key != b.key)
		return false;
	log_segment_line(s, n - 1, &a);
	log_segment_line(before, n - 1, &b);
	return a.key == b.key;
}

/* --- which match ------------------------------------------------------------------------------------------------------- */

struct matches {
	uint32_t *v;
	size_t n, n_costly;
};

/* Only lines that matched the wider filter can match. */
static bool
match_within(const struct log_look *look, const struct log_segment *s, const struct log_found *within, struct matches *m)
{
	struct log_ref line;

	for (size_t i = 0; i < within->n; i++) {
		uint32_t at = within->v != NULL ? within->v[i] : (uint32_t)i;

		if (i % CHUNK == 0 && is_stopped(look))
			return false;
		log_segment_line(s, at, &line);
		if (log_filter_line(look->filter, &line))
			m->v[m->n++] = at;
	}
	return true;
}

static bool
match_from(const struct log_look *look, const struct log_segment *s, size_t from, struct matches *m)
{
	size_t n = log_segment_n(s), n_costly;

	for (; from < n; from += CHUNK) {
		size_t to = from + CHUNK < n ? from + CHUNK : n;

		if (is_stopped(look))
			return false;
		n_costly = 0;
		m->n += log_filter_run(look->filter, s, from, to, m->v + m->n, &n_costly);
		m->n_costly += n_costly;
	}
	return true;
}

static bool
match(const struct log_look *look, const struct log_segment *s, const struct log_found *before, const struct log_found *within,
    struct matches *m)
{
	size_t from = 0;

	m->v = xcalloc(log_segment_n(s) + 1, sizeof *m->v);
	if (within != NULL && within->n_looked == log_segment_n(s))
		return match_within(look, s, within, m);
	if (before != NULL) {
		for (; m->n < before->n; m->n++)
			m->v[m->n] = before->v != NULL ? before->v[m->n] : (uint32_t)m->n;
		m->n_costly = before->n_costly;
		from = before->n_looked;
	}
	return match_from(look, s, from, m);
}

/* --- buckets ------------------------------------------------------------------------------------------------------------ */

/* Which buckets the segment has lines in. */
static void
buckets_reach(struct log_found *f, const struct log_look *look, const struct log_segment *s)
{
	int64_t lo = log_segment_first(s), hi = log_segment_last(s);

	f->step_ns = look->step_ns;
	f->lo_ns = look->lo_ns;
	f->hi_ns = look->hi_ns;
	lo = lo < look->lo_ns ? look->lo_ns : lo;
	hi = hi >= look->hi_ns ? look->hi_ns - 1 : hi;
	if (look->step_ns <= 0 || hi < lo || f->n == 0)
		return;
	f->first = floor_div(lo, look->step_ns);
	f->n_buckets = (size_t)(floor_div(hi, look->step_ns) - f->first) + 1;
	if (f->n_buckets > BUCKETS_MAX)
		f->n_buckets = BUCKETS_MAX;
}

static void
buckets_count(struct log_found *f, const struct log_look *look, const struct log_segment *s, const struct log_found *before)
{
	struct log_bucket *v;
	size_t from = 0;

	buckets_reach(f, look, s);
	if (f->n_buckets == 0)
		return;
	v = arena_alloc(&f->block.arena, f->n_buckets * sizeof *v);
	if (before != NULL && before->n_buckets > 0 && before->first == f->first && before->n_buckets <= f->n_buckets) {
		memcpy(v, before->buckets, before->n_buckets * sizeof *v);
		from = before->n;
	}
	for (size_t i = from; i < f->n; i++) {
		struct log_ref line;
		int64_t at;

		log_segment_line(s, f->v != NULL ? f->v[i] : i, &line);
		at = floor_div(line.time_ns, look->step_ns) - f->first;
		if (line.time_ns >= look->lo_ns && line.time_ns < look->hi_ns && at >= 0 && (size_t)at < f->n_buckets)
			v[at].n[line.level < LOG_LEVELS ? line.level : LOG_LEVEL_UNKNOWN]++;
	}
	f->buckets = v;
}

static bool
is_same_window(const struct log_look *look, const struct log_found *f)
{
	return f->step_ns == look->step_ns && f->lo_ns == look->lo_ns && f->hi_ns == look->hi_ns;
}

struct log_found *
log_found_new(const struct log_look *look, const struct log_segment *s, const struct log_found *before, const struct log_found *within)
{
	struct log_found *f;
	struct matches m = { 0 };
	uint32_t *v;

	if (is_stopped(look))
		return NULL;
	if (look->filter != NULL && !match(look, s, before, within, &m)) {
		free(m.v);
		return NULL;
	}
	f = block_new(sizeof *f);
	f->n_looked = log_segment_n(s);
	f->n = look->filter != NULL ? m.n : f->n_looked;
	f->n_costly = m.n_costly;
	if (look->filter != NULL) {
		v = arena_alloc(&f->block.arena, (m.n + 1) * sizeof *v);
		memcpy(v, m.v, m.n * sizeof *v);
		f->v = v;
	}
	free(m.v);
	buckets_count(f, look, s, before != NULL && is_same_window(look, before) ? before : NULL);
	return f;
}

struct log_found *
log_found_again(const struct log_look *look, const struct log_segment *s, const struct log_found *found)
{
	struct log_found *f;
	uint32_t *v;

	if (is_stopped(look))
		return NULL;
	f = block_new(sizeof *f);
	f->n_looked = found->n_looked;
	f->n = found->n;
	f->n_costly = found->n_costly;
	if (found->v != NULL) {
		v = arena_alloc(&f->block.arena, (found->n + 1) * sizeof *v);
		memcpy(v, found->v, found->n * sizeof *v);
		f->v = v;
	}
	buckets_count(f, look, s, NULL);
	return f;
}

/* --- services ----------------------------------------------------------------------------------------------------------- */

static struct log_tally_service *
service_of(struct log_tally *t, const char *name)
{
	/* Lines of one service mostly come with the same text in the same place. */
	for (size_t i = 0; i < t->n; i++)
		if (t->v[i].name == name)
			return &t->v[i];
	for (size_t i = 0; i < t->n; i++)
		if (strcmp(t->v[i].name, name) == 0)
			return &t->v[i];
	if (t->n == LOG_TALLY_SERVICES) {
		t->v[t->n - 1].name = "(others)";
		return &t->v[t->n - 1];
	}
	t->v[t->n].name = arena_strdup(&t->block.arena, name);
	return &t->v[t->n++];
}

static void
tally_go_on(struct log_tally *t, const struct log_tally *before)
{
	t->first = before->first;
	t->n_looked = before->n_looked;
	t->n = before->n;
	memcpy(t->v, before->v, before->n * sizeof *t->v);
	for (size_t i = 0; i < t->n; i++)
		t->v[i].name = arena_strdup(&t->block.arena, before->v[i].name);
}

struct log_tally *
log_tally_new(const struct log_segment *s, const struct log_tally *before, int64_t now_ns)
{
	int64_t now_slot = floor_div(now_ns, SLOT);
	size_t n = log_segment_n(s);
	struct log_tally *t;

	if (n == 0 || log_segment_last(s) < now_ns - LOG_LATELY - SLOT)
		return NULL;
	t = block_new(sizeof *t);
	t->v = arena_alloc(&t->block.arena, LOG_TALLY_SERVICES * sizeof *t->v);
	t->first = now_slot - LOG_LATELY / SLOT - 1;
	if (before != NULL && now_slot < before->first + LOG_TALLY_SLOTS - 2)
		tally_go_on(t, before);
	else
		t->n_looked = line_at(s, t->first * SLOT);
	for (size_t i = t->n_looked; i < n; i++) {
		struct log_tally_service *service;
		struct log_ref line;
		int64_t slot;

		log_segment_line(s, i, &line);
		slot = floor_div(line.time_ns, SLOT) - t->first;
		if (slot < 0 || slot >= LOG_TALLY_SLOTS)
			continue;
		service = service_of(t, line.service != NULL ? line.service : "");
		service->n_lines[slot]++;
		service->n_errors[slot] += line.level >= LOG_LEVEL_ERROR;
	}
	t->n_looked = n;
	return t;
}

/* --- the view ----------------------------------------------------------------------------------------------------------- */

static void
add_buckets(struct log_bucket *to, const struct log_view *v, const struct log_found *f)
{
	int64_t first = floor_div(v->start_ns, v->step_ns);

	if (f->step_ns != v->step_ns)
		return;
	for (size_t i = 0; i < f->n_buckets; i++) {
		int64_t at = f->first + (int64_t)i - first;

		if (at < 0 || (size_t)at >= v->n_buckets)
			continue;
		for (int level = 0; level < LOG_LEVELS; level++)
			to[at].n[level] += f->buckets[i].n[level];
	}
}

struct sums {
	struct log_service *v;
	size_t n, cap;
};

static struct log_service *
sum_of(struct sums *s, const char *name)
{
	for (size_t i = 0; i < s->n; i++)
		if (strcmp(s->v[i].name, name) == 0)
			return &s->v[i];
	if (s->n == s->cap) {
		s->cap = s->cap * 2 + 16;
		s->v = xreallocarray(s->v, s->cap, sizeof *s->v);
	}
	s->v[s->n] = (struct log_service){ .name = name };
	return &s->v[s->n++];
}

static void
add_tally(struct sums *s, const struct log_tally *t, int64_t now_ns)
{
	int64_t from = floor_div(now_ns - LOG_LATELY, SLOT) + 1, to = floor_div(now_ns, SLOT) + 1;

	for (size_t i = 0; i < t->n; i++) {
		struct log_service *service = sum_of(s, t->v[i].name);

		for (int k = 0; k < LOG_TALLY_SLOTS; k++) {
			if (t->first + k < from || t->first + k > to)
				continue;
			service->n_lines += t->v[i].n_lines[k];
			service->n_errors += t->v[i].n_errors[k];
		}
	}
}

static int
by_errors(const void *a, const void *b)
{
	const struct log_service *x = a, *y = b;

	if (x->n_errors != y->n_errors)
		return x->n_errors > y->n_errors ? -1 : 1;
	if (x->n_lines != y->n_lines)
		return x->n_lines > y->n_lines ? -1 : 1;
	return strcmp(x->name, y->name);
}

static void
add_services(struct log_view *view, const struct log_seen *v, size_t n, int64_t now_ns)
{
	struct log_service *services;
	struct sums s = { 0 };
	size_t kept = 0;

	for (size_t i = 0; i < n; i++)
		if (v[i].tally != NULL)
			add_tally(&s, v[i].tally, now_ns);
	if (s.n > 0)
		qsort(s.v, s.n, sizeof *s.v, by_errors);
	services = arena_alloc(&view->block.arena, (s.n + 1) * sizeof *services);
	for (size_t i = 0; i < s.n; i++) {
		if (s.v[i].n_lines == 0)
			continue;
		services[kept] = s.v[i];
		services[kept++].name = arena_strdup(&view->block.arena, s.v[i].name);
	}
	view->services = services;
	view->n_services = kept;
	free(s.v);
}

struct log_view *
log_look_view(const struct log_view_ask *ask, const struct log_seen *v, size_t n)
{
	struct log_view *view = log_view_new();
	struct arena *arena = &view->block.arena;
	struct log_part *parts = arena_alloc(arena, (n + 1) * sizeof *parts);
	struct log_bucket *buckets;

	view->query = arena_strdup(arena, ask->query);
	view->error = arena_strdup(arena, ask->error);
	view->step_ns = ask->step_ns > 0 ? ask->step_ns : NS_PER_S;
	view->start_ns = floor_div(ask->start_ns, view->step_ns) * view->step_ns;
	view->n_buckets = ask->end_ns > view->start_ns ? (size_t)((ask->end_ns - view->start_ns + view->step_ns - 1) / view->step_ns) : 0;
	view->n_buckets = view->n_buckets > BUCKETS_MAX ? BUCKETS_MAX : view->n_buckets;
	buckets = arena_alloc(arena, (view->n_buckets + 1) * sizeof *buckets);
	for (size_t i = 0; i < n; i++) {
		const struct log_found *f = v[i].found;

		if (f == NULL) {
			view->is_partial = true;
			continue;
		}
		parts[view->n_parts++] = (struct log_part){ .segment = block_ref(v[i].segment), .n = f->n, .v = f->v,
			.held = block_ref(&f->block) };
		view->n += f->n;
		view->n_of += f->n_looked;
		add_buckets(buckets, view, f);
	}
	view->parts = parts;
	view->buckets = buckets;
	add_services(view, v, n, ask->now_ns);
	return view;
}

struct log_view *
log_look_now(const struct model *m, const struct log_filter *filter, const struct log_view_ask *ask)
{
	size_t n = model_n_log_segments(m);
	struct log_seen *v = xcalloc(n + 1, sizeof *v);
	struct log_look look = { .filter = filter, .step_ns = ask->step_ns, .lo_ns = ask->start_ns - ask->step_ns,
		.hi_ns = ask->end_ns + ask->step_ns };
	struct log_view *view;

	for (size_t i = 0; i < n; i++) {
		v[i].segment = model_log_segment(m, i);
		v[i].found = log_found_new(&look, v[i].segment, NULL, NULL);
		v[i].tally = log_tally_new(v[i].segment, NULL, ask->now_ns);
	}
	view = log_look_view(ask, v, n);
	for (size_t i = 0; i < n; i++) {
		block_unref(v[i].found);
		block_unref(v[i].tally);
	}
	free(v);
	return view;
}
