#include "config.h"

#include "insight/drain.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/xalloc.h"
#include "insight/drain_priv.h"
#include "model/hindex.h"

enum { SLOTS = 128, SERVICES_MAX = 6, SOURCES_MAX = 64, EXAMPLE_MAX = 500, LEVELS_MAX = 16, NODES_EACH = 8, NONE = UINT32_MAX };
#define SLOT_NS INT64_C(1000000000)	/* the narrowest */

struct word {
	uint64_t hash;		/* 0: anything */
	char *text;
	bool is_glued;
};
struct cluster {
	uint64_t id;
	size_t n_words;
	struct word *words;	/* NULL: the slot is free */
	char *example;
	size_t n;
	enum line_level level;
	int64_t first_ns, last_ns;
	uint64_t sources;	/* a bit each, as the drain numbers them */
	size_t n_services;
	char *services[SERVICES_MAX + 1];	/* one more: there are others */
	/* Lines over time: slots of width_ns from first_slot * width_ns on. */
	int64_t width_ns, first_slot;
	uint32_t slots[SLOTS];
	uint32_t leaf;
	uint32_t newer, older;	/* by when they were seen last */
};
struct node {			/* of the tree */
	struct hindex children;	/* hash of the word -> number of the node */
	size_t n_children;
	size_t n, cap;
	uint32_t *clusters;	/* of a leaf */
};
struct drain {
	struct drain_options o;
	size_t n, cap;		/* clusters, and how many were ever used */
	struct cluster *v;
	uint32_t newest, oldest, free;
	size_t n_nodes, nodes_cap;
	struct node *nodes;	/* 0 is the root */
	size_t n_lines, n_others;
	size_t n_sources;
	struct { char *name; int64_t from_ns; } sources[SOURCES_MAX];	/* the last one stands for all that are too many */
	struct drain_words words;
};

/* --- the tree --------------------------------------------------------------------------------------------------------------- */

static uint32_t
node_new(struct drain *d)
{
	if (d->n_nodes == d->nodes_cap) {
		d->nodes_cap = d->nodes_cap == 0 ? 64 : d->nodes_cap * 2;
		d->nodes = xreallocarray(d->nodes, d->nodes_cap, sizeof *d->nodes);
	}
	d->nodes[d->n_nodes] = (struct node){ 0 };
	hindex_init(&d->nodes[d->n_nodes].children, 0);
	return (uint32_t)d->n_nodes++;
}

struct drain *
drain_new(const struct drain_options *o)
{
	struct drain *d = xcalloc(1, sizeof *d);

	if (o != NULL)
		d->o = *o;
	d->o.depth = d->o.depth == 0 ? 4 : d->o.depth < 3 ? 3 : d->o.depth > LEVELS_MAX ? LEVELS_MAX : d->o.depth;
	d->o.similarity = d->o.similarity == 0 ? 0.4 : d->o.similarity;
	d->o.children_max = d->o.children_max == 0 ? 100 : d->o.children_max;
	d->o.clusters_max = d->o.clusters_max == 0 ? 2000 : d->o.clusters_max;
	d->newest = d->oldest = d->free = NONE;
	node_new(d);
	return d;
}

static void
cluster_done(struct cluster *c)
{
	for (size_t i = 0; i < c->n_words && c->words != NULL; i++)
		free(c->words[i].text);
	for (size_t i = 0; i < c->n_services; i++)
		free(c->services[i]);
	free(c->words);
	free(c->example);
	*c = (struct cluster){ 0 };
}

void
drain_free(struct drain *d)
{
	if (d == NULL)
		return;
	for (size_t i = 0; i < d->cap; i++)
		cluster_done(&d->v[i]);
	for (size_t i = 0; i < d->n_sources; i++)
		free(d->sources[i].name);
	for (size_t i = 0; i < d->n_nodes; i++) {
		hindex_done(&d->nodes[i].children);
		free(d->nodes[i].clusters);
	}
	free(d->nodes);
	free(d->v);
	free(d);
}

/* The child for a word; the one for anything (key 0) where there are too many. NONE when it is not there and is not to be made. */
static uint32_t
node_child(struct drain *d, uint32_t at, uint64_t key, bool is_making)
{
	uint32_t child = hindex_get(&d->nodes[at].children, key);

	if (child != HINDEX_NONE)
		return child;
	/* Branches whose clusters made room stay: they must not be many more than clusters. */
	if (key != 0 && (d->nodes[at].n_children + 1 >= d->o.children_max || d->n_nodes >= NODES_EACH * d->o.clusters_max))
		return node_child(d, at, 0, is_making);
	if (!is_making)
		return key == 0 ? NONE : node_child(d, at, 0, false);
	child = node_new(d);
	hindex_set(&d->nodes[at].children, key, child);
	d->nodes[at].n_children++;
	return child;
}

/*
 * By the number of words, then by the first ones: of the depth the root, the number of words and the leaf are three, as in the code that came with the paper. The root's
 * children are as many as there are numbers of words.
 */
static uint32_t
leaf_of(struct drain *d, const struct drain_words *w, bool is_making)
{
	uint64_t key = w->n + 1;
	uint32_t at = hindex_get(&d->nodes[0].children, key);

	if (at == HINDEX_NONE) {
		if (!is_making)
			return NONE;
		at = node_new(d);
		hindex_set(&d->nodes[0].children, key, at);
	}
	for (size_t i = 0; i + 3 < d->o.depth && i < w->n && at != NONE; i++)
		at = node_child(d, at, w->v[i].hash, is_making);
	return at;
}

/* --- clusters --------------------------------------------------------------------------------------------------------------- */

/*
 * Which of the leaf's clusters the line is most like. As in the paper, by the share of words that are the same; where both have a variable says nothing of whether they are
 * alike and is left out. A template that says the same in every word that it still has is its template, however few those are.
 */
static uint32_t
best_of(const struct drain *d, uint32_t leaf, const struct drain_words *w)
{
	const struct node *node = &d->nodes[leaf];
	double best = -1;
	uint32_t found = NONE;

	for (size_t i = 0; i < node->n; i++) {
		const struct cluster *c = &d->v[node->clusters[i]];
		size_t same = 0, other = 0;
		double similarity;

		for (size_t j = 0; j < w->n; j++) {
			uint64_t a = c->words[j].hash, b = w->v[j].hash;

			same += a == b && a != 0;
			other += a != b && a != 0;
		}
		/* All that it still says is said: better than any that only resembles, and the more it says the better. */
		similarity = other == 0 ? 1 + (double)same / (double)(w->n + 1) : (double)same / (double)(same + other);
		if (similarity >= d->o.similarity && similarity > best) {
			best = similarity;
			found = node->clusters[i];
		}
	}
	return found;
}

static void
unlink_cluster(struct drain *d, uint32_t at)
{
	struct cluster *c = &d->v[at];

	*(c->newer == NONE ? &d->newest : &d->v[c->newer].older) = c->older;
	*(c->older == NONE ? &d->oldest : &d->v[c->older].newer) = c->newer;
}

static void
link_newest(struct drain *d, uint32_t at)
{
	d->v[at].newer = NONE;
	d->v[at].older = d->newest;
	*(d->newest == NONE ? &d->oldest : &d->v[d->newest].newer) = at;
	d->newest = at;
}

static void
forget_oldest(struct drain *d)
{
	uint32_t at = d->oldest;
	struct node *node = &d->nodes[d->v[at].leaf];
	size_t i = 0;

	while (node->clusters[i] != at)
		i++;
	node->clusters[i] = node->clusters[--node->n];
	unlink_cluster(d, at);
	d->n_others += d->v[at].n;
	cluster_done(&d->v[at]);
	d->v[at].older = d->free;
	d->free = at;
	d->n--;
}

static uint32_t
slot_take(struct drain *d)
{
	uint32_t at = d->free;

	if (at != NONE) {
		d->free = d->v[at].older;
		return at;
	}
	if ((d->cap & (d->cap - 1)) == 0)
		d->v = xreallocarray(d->v, d->cap == 0 ? 1 : d->cap * 2, sizeof *d->v);
	return (uint32_t)d->cap++;
}

/* The first form: what tells it from all others for good. */
static uint64_t
words_id(const struct drain_words *w)
{
	uint64_t id = w->n;

	for (size_t i = 0; i < w->n; i++)
		id = log_hash(&w->v[i].hash, sizeof w->v[i].hash, id);
	id &= INT64_MAX;
	return id == 0 ? 1 : id;
}

static uint32_t
cluster_new(struct drain *d, uint32_t leaf, const struct drain_words *w, const struct log_ref *line)
{
	struct node *node;
	struct cluster *c;
	uint32_t at;

	if (d->n >= d->o.clusters_max)
		forget_oldest(d);
	at = slot_take(d);
	c = &d->v[at];
	*c = (struct cluster){ .id = words_id(w), .n_words = w->n, .leaf = leaf, .first_ns = line->time_ns, .last_ns = line->time_ns, .width_ns = SLOT_NS };
	c->words = xcalloc(w->n + 1, sizeof *c->words);
	for (size_t i = 0; i < w->n; i++)
		c->words[i] = (struct word){ w->v[i].hash, xstrndup(w->v[i].text, w->v[i].len), w->v[i].is_glued };
	c->example = xstrndup(line->text, line->len < EXAMPLE_MAX ? line->len : EXAMPLE_MAX);
	c->first_slot = line->time_ns / SLOT_NS;
	d->n++;
	node = &d->nodes[leaf];
	if (node->n == node->cap) {
		node->cap = node->cap == 0 ? 4 : node->cap * 2;
		node->clusters = xreallocarray(node->clusters, node->cap, sizeof *node->clusters);
	}
	node->clusters[node->n++] = at;
	link_newest(d, at);
	return at;
}

/* --- what is known of one ------------------------------------------------------------------------------------------------------ */

static int64_t
floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

/* Half as many slots, each twice as wide. */
static void
slots_widen(struct cluster *c)
{
	int64_t first = floor_div(c->first_slot, 2);
	uint32_t wide[SLOTS] = { 0 };

	for (int i = 0; i < SLOTS; i++)
		wide[floor_div(c->first_slot + i, 2) - first] += c->slots[i];
	memcpy(c->slots, wide, sizeof wide);
	c->first_slot = first;
	c->width_ns *= 2;
}

static void
slots_count(struct cluster *c, int64_t t_ns)
{
	for (;;) {
		int64_t at = floor_div(t_ns, c->width_ns) - c->first_slot, last = SLOTS - 1;

		if (at >= 0 && at < SLOTS) {
			c->slots[at]++;
			return;
		}
		while (last > 0 && c->slots[last] == 0)
			last--;
		/* Earlier than all, and there is room behind: they move up. */
		if (at < 0 && last - at < SLOTS) {
			memmove(c->slots - at, c->slots, (size_t)(last + 1) * sizeof *c->slots);
			memset(c->slots, 0, (size_t)-at * sizeof *c->slots);
			c->first_slot += at;
		} else {
			slots_widen(c);
		}
	}
}

static void
service_add(struct cluster *c, const char *service)
{
	if (service[0] == '\0' || c->n_services > SERVICES_MAX)
		return;
	for (size_t i = 0; i < c->n_services; i++)
		if (strcmp(c->services[i], service) == 0)
			return;
	c->services[c->n_services++] = xstrdup(service);
}

static size_t
source_of(struct drain *d, const char *name)
{
	name = name != NULL ? name : "";
	for (size_t i = 0; i < d->n_sources; i++)
		if (strcmp(d->sources[i].name, name) == 0)
			return i;
	if (d->n_sources == SOURCES_MAX)
		return SOURCES_MAX - 1;
	d->sources[d->n_sources].name = xstrdup(name);
	d->sources[d->n_sources].from_ns = INT64_MIN;
	return d->n_sources++;
}

void
drain_reach(struct drain *d, const char *source, int64_t from_ns)
{
	d->sources[source_of(d, source)].from_ns = from_ns;
}

/* All stores that it came from are held back to then. */
static bool
reaches_back(const struct drain *d, const struct cluster *c, int64_t t_ns)
{
	for (size_t i = 0; i < d->n_sources; i++)
		if ((c->sources & UINT64_C(1) << i) != 0 && d->sources[i].from_ns > t_ns)
			return false;
	return true;
}

/* Words that differ are variables from now on. */
static void
template_merge(struct cluster *c, const struct drain_words *w)
{
	for (size_t i = 0; i < w->n; i++) {
		if (c->words[i].hash == 0 || c->words[i].hash == w->v[i].hash)
			continue;
		free(c->words[i].text);
		c->words[i].text = xstrdup(DRAIN_WILD);
		c->words[i].hash = 0;
	}
}

void
drain_add(struct drain *d, const struct log_ref *line)
{
	struct cluster *c;
	uint32_t leaf, at;

	drain_words(&d->words, line->text, line->len);
	leaf = leaf_of(d, &d->words, true);
	at = best_of(d, leaf, &d->words);
	d->n_lines++;
	if (at == NONE) {
		at = cluster_new(d, leaf, &d->words, line);
	} else {
		template_merge(&d->v[at], &d->words);
		unlink_cluster(d, at);
		link_newest(d, at);
	}
	c = &d->v[at];
	c->n++;
	c->level = line->level > c->level ? line->level : c->level;
	c->first_ns = line->time_ns < c->first_ns ? line->time_ns : c->first_ns;
	c->last_ns = line->time_ns > c->last_ns ? line->time_ns : c->last_ns;
	c->sources |= UINT64_C(1) << source_of(d, line->source);
	service_add(c, line->service);
	slots_count(c, line->time_ns);
}

uint64_t
drain_of(const struct drain *d, const char *text, size_t len)
{
	struct drain_words *w = xcalloc(1, sizeof *w);
	uint32_t leaf, at;

	drain_words(w, text, len);
	leaf = leaf_of((struct drain *)d, w, false);
	at = leaf == NONE ? NONE : best_of(d, leaf, w);
	free(w);
	return at == NONE ? 0 : d->v[at].id;
}

/* --- told ---------------------------------------------------------------------------------------------------------------------- */

static const char *
template_text(struct arena *arena, const struct cluster *c)
{
	const char *text;
	struct buf b;

	buf_init(&b, 1 << 20);
	/* What was cut off after a comma and may be anything now has swallowed it: without a blank it would read as one word with the next. */
	for (size_t i = 0; i < c->n_words; i++)
		buf_printf(&b, "%s%s", i == 0 || (c->words[i].is_glued && c->words[i - 1].hash != 0) ? "" : " ", c->words[i].text);
	text = arena_strndup(arena, b.data, b.len);
	buf_done(&b);
	return text;
}

static const char *
services_text(struct arena *arena, const struct cluster *c)
{
	const char *text;
	struct buf b;

	buf_init(&b, 4096);
	for (size_t i = 0; i < c->n_services; i++)
		buf_printf(&b, "%s%s", i == 0 ? "" : ", ", i == SERVICES_MAX ? "\xe2\x80\xa6" : c->services[i]);
	text = arena_strndup(arena, b.data, b.len);
	buf_done(&b);
	return text;
}

/* Its lines over the range, and how many there are; each slot counts where its middle is. */
static const uint32_t *
trend_of(struct arena *arena, const struct cluster *c, int64_t start_ns, int64_t end_ns, size_t *ret_n)
{
	uint32_t *v = arena_alloc(arena, LOG_TREND * sizeof *v);
	double range = end_ns > start_ns ? (double)end_ns - (double)start_ns : 1;
	size_t n = 0;

	for (int i = 0; i < SLOTS; i++) {
		double middle = ((double)(c->first_slot + i) + 0.5) * (double)c->width_ns, at;

		/* Not outside what was seen of it. */
		middle = middle < (double)c->first_ns ? (double)c->first_ns : middle > (double)c->last_ns ? (double)c->last_ns : middle;
		at = (middle - (double)start_ns) / range * LOG_TREND;
		if (c->slots[i] == 0 || at < 0 || at > LOG_TREND)
			continue;
		v[at >= LOG_TREND ? LOG_TREND - 1 : (size_t)at] += c->slots[i];
		n += c->slots[i];
	}
	*ret_n = c->first_ns >= start_ns && c->last_ns <= end_ns ? c->n : n;
	return v;
}

static int
pattern_compare(const void *pa, const void *pb)
{
	const struct log_pattern *a = pa, *b = pb;

	if (a->is_new != b->is_new)
		return a->is_new ? -1 : 1;
	if (a->is_unknown != b->is_unknown)
		return a->is_unknown ? -1 : 1;
	if (a->n != b->n)
		return a->n > b->n ? -1 : 1;
	return (a->id > b->id) - (a->id < b->id);
}

struct log_pattern_set *
drain_patterns(const struct drain *d, int64_t start_ns, int64_t end_ns, int64_t new_since_ns, size_t max)
{
	struct log_pattern_set *set = block_new(sizeof *set);
	struct arena *arena = &set->block.arena;
	struct log_pattern *v = arena_alloc(arena, (d->n + 1) * sizeof *v);

	set->new_since_ns = new_since_ns != 0 ? new_since_ns : end_ns - (end_ns / 10 - start_ns / 10);
	set->n_lines = set->n_others = d->n_others;
	for (uint32_t at = d->newest; at != NONE; at = d->v[at].older) {
		const struct cluster *c = &d->v[at];
		size_t n;
		const uint32_t *trend = trend_of(arena, c, start_ns, end_ns, &n);
		bool is_later = c->first_ns > set->new_since_ns, is_known = reaches_back(d, c, set->new_since_ns);

		set->n_lines += n;
		if (n > 0)
			v[set->n++] = (struct log_pattern){ .id = c->id, .text = template_text(arena, c), .example = arena_strdup(arena, c->example), .n = n, .level = c->level,
				.first_ns = c->first_ns, .last_ns = c->last_ns, .is_new = is_later && is_known,
				.is_unknown = is_later && !is_known, .trend = trend,
				.services = services_text(arena, c) };
	}
	qsort(v, set->n, sizeof *v, pattern_compare);
	for (size_t i = max; max > 0 && i < set->n; i++)
		set->n_others += v[i].n;
	if (max > 0 && set->n > max)
		set->n = max;
	set->v = v;
	return set;
}
