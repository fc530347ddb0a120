/*
 * Hosts: one row for each that the config knows or that serves a model, with its targets, what it serves, and its health.
 *
 * Whoever tells of a host calls it by an instance: "serving-01:9100", an address, or its name. The index finds the row: by the whole text, by what is left
 * without the port, then by address where no two hosts share it.
 */
#include "config.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/xalloc.h"
#include "model/model_priv.h"

/* --- finding a host by what others call it ------------------------------------------------------------------------------- */

enum { AMBIGUOUS = UINT32_MAX - 1 };

void
host_index_init(struct host_index *h, size_t n_expected)
{
	*h = (struct host_index){ 0 };
	hindex_init(&h->by_name, n_expected);
	hindex_init(&h->by_address, n_expected);
}

void
host_index_done(struct host_index *h)
{
	hindex_done(&h->by_name);
	hindex_done(&h->by_address);
	free(h->v);
	*h = (struct host_index){ 0 };
}

static uint64_t
hash_of(const char *s, size_t len)
{
	return str_hash(s, len, STR_HASH_SEED);
}

void
host_index_add(struct host_index *h, const char *name, const char *address)
{
	uint64_t key = hash_of(name, strlen(name));
	uint32_t at = (uint32_t)h->n, known = hindex_get(&h->by_name, key);

	if (h->n == h->cap) {
		h->cap = h->cap == 0 ? 64 : h->cap * 2;
		h->v = xreallocarray(h->v, h->cap, sizeof *h->v);
	}
	h->v[h->n++] = (struct host_names){ name, address };
	if (known == HINDEX_NONE)
		hindex_set(&h->by_name, key, at);
	if (address == NULL || address[0] == '\0')
		return;
	key = hash_of(address, strlen(address));
	known = hindex_get(&h->by_address, key);
	hindex_set(&h->by_address, key, known == HINDEX_NONE ? at : AMBIGUOUS);
}

static bool
is_text(const char *s, const char *text, size_t len)
{
	return strncmp(s, text, len) == 0 && s[len] == '\0';
}

static uint32_t
find_name(const struct host_index *h, const char *text, size_t len)
{
	uint32_t at = hindex_get(&h->by_name, hash_of(text, len));

	return at != HINDEX_NONE && is_text(h->v[at].name, text, len) ? at : HINDEX_NONE;
}

static uint32_t
find_address(const struct host_index *h, const char *text, size_t len)
{
	uint32_t at;

	if (len > 2 && text[0] == '[' && text[len - 1] == ']') {
		text++;
		len -= 2;
	}
	at = hindex_get(&h->by_address, hash_of(text, len));
	return at < AMBIGUOUS && is_text(h->v[at].address, text, len) ? at : HINDEX_NONE;
}

uint32_t
host_index_find(const struct host_index *h, const char *instance)
{
	size_t len = strlen(instance), host_len = host_of_instance(instance);
	uint32_t at;

	if (h->n == 0 || len == 0)
		return HINDEX_NONE;
	at = find_name(h, instance, len);
	if (at == HINDEX_NONE && host_len != len)
		at = find_name(h, instance, host_len);
	if (at == HINDEX_NONE)
		at = find_address(h, instance, host_len);
	return at;
}

/* --- lists of the rows ------------------------------------------------------------------------------------------------------ */

struct items {			/* things in the order they were found, each of one row */
	size_t n, cap, size;
	uint32_t *rows;
	char *v;
};

static void *
item_add(struct items *l, uint32_t row)
{
	if (l->n == l->cap) {
		l->cap = l->cap == 0 ? 64 : l->cap * 2;
		l->rows = xreallocarray(l->rows, l->cap, sizeof *l->rows);
		l->v = xreallocarray(l->v, l->cap, l->size);
	}
	l->rows[l->n] = row;
	return l->v + l->n++ * l->size;
}

/* Moves all into arena, those of a row together, and gives each row how many it has and where they begin. */
static void
items_hand_out(struct items *l, struct arena *arena, struct model_host_row *rows, size_t n_rows, size_t n_offset, size_t v_offset)
{
	char *all = arena_alloc(arena, l->n * l->size);
	size_t *at = xcalloc(n_rows + 1, sizeof *at), sum = 0;

	for (size_t i = 0; i < l->n; i++)
		at[l->rows[i] + 1]++;
	for (size_t i = 0; i < n_rows; i++) {
		const void *v = all + sum * l->size;

		memcpy((char *)&rows[i] + n_offset, &at[i + 1], sizeof at[i + 1]);
		memcpy((char *)&rows[i] + v_offset, &v, sizeof v);
		sum += at[i + 1];
		at[i + 1] = sum;
	}
	for (size_t i = 0; i < l->n; i++)
		memcpy(all + at[l->rows[i]]++ * l->size, l->v + i * l->size, l->size);
	free(at);
	free(l->rows);
	free(l->v);
}
#define HAND_OUT(l, v, n_member, member) \
	items_hand_out(l, &(v)->arena, (v)->rows, (v)->n, offsetof(struct model_host_row, n_member), offsetof(struct model_host_row, member))

/* --- rows ------------------------------------------------------------------------------------------------------------------------ */

struct builder {
	const struct model *m;
	struct hosts_view *v;
	struct host_index index;
	size_t cap;
};

static uint32_t
row_add(struct builder *b, const char *name, const struct host_def *def)
{
	struct hosts_view *v = b->v;

	if (v->n == b->cap) {
		b->cap = b->cap == 0 ? 64 : b->cap * 2;
		v->rows = xreallocarray(v->rows, b->cap, sizeof *v->rows);
	}
	v->rows[v->n] = (struct model_host_row){ .def = def, .name = name, .error = "" };
	host_index_add(&b->index, name, def == NULL ? NULL : def->address);
	return (uint32_t)v->n++;
}

static void
add_rows(struct builder *b, const struct models_view *models)
{
	const struct host_set *hosts = b->m->hosts;

	for (size_t i = 0; hosts != NULL && i < hosts->n; i++)
		if (find_name(&b->index, hosts->v[i].name, strlen(hosts->v[i].name)) == HINDEX_NONE)
			row_add(b, hosts->v[i].name, &hosts->v[i]);
	for (size_t i = 0; i < models->n; i++)
		for (size_t k = 0; k < models->rows[i].n_hosts; k++) {
			const char *host = models->rows[i].hosts[k].host;

			if (host[0] != '\0' && host_index_find(&b->index, host) == HINDEX_NONE)
				row_add(b, host, NULL);
		}
}

static void
add_serving(struct builder *b, const struct models_view *models)
{
	struct items l = { .size = sizeof(struct host_serving) };

	for (size_t i = 0; i < models->n; i++)
		for (size_t k = 0; k < models->rows[i].n_hosts; k++) {
			const struct model_host *h = &models->rows[i].hosts[k];
			uint32_t at = host_index_find(&b->index, h->host);

			if (at != HINDEX_NONE)
				*(struct host_serving *)item_add(&l, at) = (struct host_serving){
					.model = models->rows[i].def->name, .version = h->version, .state = h->state, .since_ns = h->since_ns };
		}
	HAND_OUT(&l, b->v, n_serving, serving);
}

/* --- targets ---------------------------------------------------------------------------------------------------------------------- */

/* What was up when last seen need not be now: old targets are listed, and tell nothing. */
static void
judge_target(struct model_host_row *row, const struct target *t, bool is_fresh)
{
	if (t->last_scrape_ns > row->seen_ns)
		row->seen_ns = t->last_scrape_ns;
	if (!is_fresh || t->health == TARGET_UNKNOWN || row->state == HOST_DOWN)
		return;
	row->state = t->health == TARGET_UP ? HOST_UP : HOST_DOWN;
	if (t->health == TARGET_DOWN)
		row->error = t->error;
}

static void
add_targets_of(struct builder *b, const struct source *s, struct items *l)
{
	int64_t until_ns = source_fresh_until_ns(s, "targets", s->pub.targets_ns);
	bool is_fresh = b->m->now_ns <= until_ns;

	if (is_fresh && until_ns < b->v->next_ns)
		b->v->next_ns = until_ns;
	for (size_t i = 0; i < s->pub.targets->n; i++) {
		const struct target *t = &s->pub.targets->v[i];
		uint32_t at = host_index_find(&b->index, t->instance);

		if (at == HINDEX_NONE)
			continue;
		*(struct host_target *)item_add(l, at) = (struct host_target){ t, s->pub.name };
		judge_target(&b->v->rows[at], t, is_fresh);
	}
}

static void
add_targets(struct builder *b)
{
	struct items l = { .size = sizeof(struct host_target) };

	for (size_t i = 0; i < b->m->n_sources; i++)
		if (b->m->sources[i]->pub.targets != NULL)
			add_targets_of(b, b->m->sources[i], &l);
	HAND_OUT(&l, b->v, n_targets, targets);
}

/* --- health ------------------------------------------------------------------------------------------------------------------------- */

static const char *
host_label(const struct labels *l)
{
	static const char *const names[] = { "instance", "host", "node", "nodename" };

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		const char *value = labels_get(l, names[i]);

		if (value != NULL)
			return value;
	}
	return "";
}

/* One value per host: of several series, such as disks, the highest. slots: by row, where in l its value of this query is, from first on. */
static void
add_value(struct items *l, size_t first, size_t *slots, uint32_t at, const struct query_def *def, const struct sample *s)
{
	struct host_value *known = slots[at] >= first && slots[at] < l->n && l->rows[slots[at]] == at ?
	    (struct host_value *)(void *)(l->v + slots[at] * l->size) : NULL;

	if (known == NULL) {
		slots[at] = l->n;
		*(struct host_value *)item_add(l, at) = (struct host_value){ def, s->v, s->t_ns };
	} else if (s->v > known->v) {
		known->v = s->v;
		known->at_ns = s->t_ns;
	}
}

static void
add_values(struct builder *b)
{
	struct items l = { .size = sizeof(struct host_value) };
	size_t *slots = xcalloc(b->v->n + 1, sizeof *slots);

	for (size_t i = 0; i < b->m->n_queries; i++) {
		const struct model_query *q = &b->m->queries[i]->pub;
		size_t first = l.n;

		if (q->def == NULL || q->instant == NULL || !str_has_prefix(q->id, "host:"))
			continue;
		for (size_t k = 0; k < q->instant->n; k++) {
			const struct series *s = &q->instant->v[k];
			uint32_t at = host_index_find(&b->index, host_label(&s->labels));

			if (at != HINDEX_NONE && s->n > 0 && !isnan(s->v[s->n - 1].v))
				add_value(&l, first, slots, at, q->def, &s->v[s->n - 1]);
		}
	}
	free(slots);
	HAND_OUT(&l, b->v, n_values, values);
}

/* --- groups --------------------------------------------------------------------------------------------------------------------------- */

static int
text_compare(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void
collect_groups(struct hosts_view *v, const struct host_set *hosts)
{
	size_t n = 0, n_kept = 0;
	const char **names;

	for (size_t i = 0; hosts != NULL && i < hosts->n; i++)
		n += hosts->v[i].groups.n;
	names = arena_alloc(&v->arena, n * sizeof *names);
	n = 0;
	for (size_t i = 0; hosts != NULL && i < hosts->n; i++)
		for (size_t k = 0; k < hosts->v[i].groups.n; k++)
			names[n++] = hosts->v[i].groups.v[k];
	if (n > 0)
		qsort(names, n, sizeof *names, text_compare);
	for (size_t i = 0; i < n; i++)
		if (n_kept == 0 || strcmp(names[n_kept - 1], names[i]) != 0)
			names[n_kept++] = names[i];
	v->groups = (struct strings){ n_kept, names };
}

/* --- all of them ------------------------------------------------------------------------------------------------------------------------ */

static int
row_compare(const void *a, const void *b)
{
	return host_name_compare(((const struct model_host_row *)a)->name, ((const struct model_host_row *)b)->name);
}

static void
hosts_build(const struct model *m, struct hosts_view *v)
{
	const struct models_view *models = models_get(m);
	struct builder b = { .m = m, .v = v };

	v->next_ns = INT64_MAX;
	host_index_init(&b.index, m->hosts == NULL ? 0 : m->hosts->n);
	add_rows(&b, models);
	add_serving(&b, models);
	add_targets(&b);
	add_values(&b);
	collect_groups(v, m->hosts);
	host_index_done(&b.index);
	if (v->n > 0)
		qsort(v->rows, v->n, sizeof *v->rows, row_compare);
}

static const struct hosts_view *
hosts_get(const struct model *m)
{
	struct derived *d = m->derived;

	if (!d->has_hosts) {
		hosts_view_done(&d->hosts);
		hosts_build(m, &d->hosts);
		d->has_hosts = true;
	}
	return &d->hosts;
}

void
hosts_view_done(struct hosts_view *v)
{
	arena_done(&v->arena);
	free(v->rows);
	*v = (struct hosts_view){ .next_ns = INT64_MAX };
}

/* --- for the reader ------------------------------------------------------------------------------------------------------------------------ */

size_t
model_n_hosts(const struct model *m)
{
	return hosts_get(m)->n;
}

const struct model_host_row *
model_host(const struct model *m, size_t i)
{
	return &hosts_get(m)->rows[i];
}

const struct model_host_row *
model_host_find(const struct model *m, const char *name)
{
	const struct hosts_view *v = hosts_get(m);
	const struct model_host_row key = { .name = name };

	return v->n == 0 ? NULL : bsearch(&key, v->rows, v->n, sizeof *v->rows, row_compare);
}

struct strings
model_host_groups(const struct model *m)
{
	return hosts_get(m)->groups;
}

const char *
host_state_name(enum host_state state)
{
	switch (state) {
	case HOST_UNKNOWN: return "unknown";
	case HOST_UP: return "up";
	case HOST_DOWN: return "down";
	}
	return "unknown";
}
