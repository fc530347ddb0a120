/* Which rows the list of hosts has: filtered, by group with groups folded, or flat and sorted. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/xalloc.h"
#include "hosts.h"

struct pick {
	const char *group;		/* NULL when nothing is grouped */
	size_t index;			/* of the host in the model: natural order */
	int rank;			/* worst first */
	const struct model_host_row *host;
};

const char *
hosts_sort_name(enum hosts_sort sort)
{
	static const char *const names[HOSTS_SORTS] = { "by group", "worst first", "by name" };

	return names[sort];
}

/* --- what a row stands for --------------------------------------------------------------------- */

uint64_t
hosts_id(const char *group, const char *host)
{
	uint64_t h = str_hash(host != NULL ? "host" : "group", 4, STR_HASH_SEED);

	if (group != NULL)
		h = str_hash(group, strlen(group) + 1, h);
	if (host != NULL)
		h = str_hash(host, strlen(host) + 1, h);
	return h != 0 ? h : 1;
}

const struct model_host_row *
hosts_row_host(const struct hosts_row *row, const struct model *m)
{
	const struct model_host_row *h;

	if (row->is_header || m == NULL)
		return NULL;
	h = row->index < model_n_hosts(m) ? model_host(m, row->index) : NULL;
	return h != NULL && strcmp(h->name, row->host) == 0 ? h : model_host_find(m, row->host);
}

/* --- how it stands ------------------------------------------------------------------------------- */

/* What is not known is not fine; what is on its way is. */
bool
hosts_is_fine(const struct model *m, const struct model_host_row *h)
{
	enum part_serve serves = part_host_serves(m, h);

	return h->state == HOST_UP && (serves == PART_SERVES_RIGHT || serves == PART_SERVES_MOVING);
}

void
hosts_count(struct hosts_counts *n, const struct model *m, const struct model_host_row *h)
{
	enum part_serve serves = part_host_serves(m, h);

	n->n++;
	n->down += h->state == HOST_DOWN;
	n->wrong += serves == PART_SERVES_WRONG;
	n->moving += serves == PART_SERVES_MOVING;
	n->unknown += h->state == HOST_UNKNOWN || serves == PART_SERVES_UNKNOWN;
}

const char *
hosts_counts_text(const struct hosts_counts *n, char *buf, size_t size)
{
	const struct {
		size_t n;
		const char *word;
	} parts[] = { { n->down, "down" }, { n->wrong, "not serving what it should" }, { n->moving, "moving" },
		{ n->unknown, "not known" } };
	size_t used = (size_t)snprintf(buf, size, "%zu host%s", n->n, n->n == 1 ? "" : "s");

	for (size_t i = 0; i < sizeof parts / sizeof parts[0] && used < size; i++)
		if (parts[i].n > 0)
			used += (size_t)snprintf(buf + used, size - used, ", %zu %s", parts[i].n, parts[i].word);
	return buf;
}

/* --- filter -------------------------------------------------------------------------------------- */

static bool
strings_contain(const struct strings *v, const char *word)
{
	for (size_t i = 0; i < v->n; i++)
		if (str_contains(v->v[i], word))
			return true;
	return false;
}

static bool
contains(const void *thing, const char *word)
{
	const struct model_host_row *h = thing;

	if (str_contains(h->name, word) || str_contains(host_state_name(h->state), word) ||
	    str_contains(h->error, word))
		return true;
	if (h->def != NULL && (strings_contain(&h->def->groups, word) || str_contains(h->def->address, word)))
		return true;
	for (size_t i = 0; i < h->n_serving; i++)
		if (str_contains(h->serving[i].model, word) || str_contains(h->serving[i].version, word))
			return true;
	return false;
}

static bool
is_in_group(const struct model_host_row *h, const char *group)
{
	for (size_t i = 0; h->def != NULL && i < h->def->groups.n; i++)
		if (strcmp(h->def->groups.v[i], group) == 0)
			return true;
	return *group == '\0' && (h->def == NULL || h->def->groups.n == 0);
}

static bool
serves(const struct model_host_row *h, const char *model, const char *version)
{
	for (size_t i = 0; i < h->n_serving; i++)
		if ((model == NULL || strcmp(h->serving[i].model, model) == 0) &&
		    (version == NULL || strcmp(h->serving[i].version, version) == 0))
			return true;
	return false;
}

static bool
member_is(const void *thing, const char *name, const char *value)
{
	const struct model_host_row *h = thing;

	if (strcmp(name, "name") == 0 || strcmp(name, "host") == 0)
		return strcmp(h->name, value) == 0;
	if (strcmp(name, "state") == 0)
		return strcmp(host_state_name(h->state), value) == 0;
	if (strcmp(name, "group") == 0)
		return is_in_group(h, value);
	if (strcmp(name, "model") == 0)
		return serves(h, value, NULL);
	return strcmp(name, "version") == 0 && serves(h, NULL, value);
}

static bool
is_listed(struct hosts_panel *s, const struct model *m, const struct model_host_row *h)
{
	static const struct part_filter words = { contains, member_is };

	if (*s->ld.refusal != '\0' || !part_filter_matches(s->ld.filter, &words, h)) {
		s->n_filtered++;
		return false;
	}
	if (s->is_wrong_only && hosts_is_fine(m, h)) {
		s->n_fine++;
		return false;
	}
	return true;
}

/* --- picking and sorting ----------------------------------------------------------------------------- */

struct picks {
	struct pick *v;
	size_t n, cap;
};

static void
pick(struct picks *p, const char *group, size_t index, const struct model_host_row *host)
{
	if (p->n == p->cap) {
		p->cap = p->cap == 0 ? 64 : p->cap * 2;
		p->v = xreallocarray(p->v, p->cap, sizeof *p->v);
	}
	p->v[p->n++] = (struct pick){ .group = group, .index = index, .host = host };
}

/* A host stands below each group it is in. */
static void
pick_host(struct picks *p, enum hosts_sort sort, size_t index, const struct model_host_row *h)
{
	if (sort != HOSTS_SORT_GROUP) {
		pick(p, NULL, index, h);
		return;
	}
	for (size_t i = 0; h->def != NULL && i < h->def->groups.n; i++)
		pick(p, h->def->groups.v[i], index, h);
	if (h->def == NULL || h->def->groups.n == 0)
		pick(p, "", index, h);
}

/* Those in no group come last. */
static int
by_group(const void *a, const void *b)
{
	const struct pick *x = a, *y = b;
	int c = (*x->group == '\0') - (*y->group == '\0');

	if (c == 0)
		c = host_name_compare(x->group, y->group);
	if (c == 0)
		c = strcmp(x->group, y->group);
	return c != 0 ? c : (x->index > y->index) - (x->index < y->index);
}

static int
rank(const struct model *m, const struct model_host_row *h)
{
	enum part_serve serves = part_host_serves(m, h);

	if (h->state == HOST_DOWN)
		return 0;
	if (serves == PART_SERVES_WRONG)
		return 1;
	if (serves == PART_SERVES_UNKNOWN || h->state == HOST_UNKNOWN)
		return 2;
	return serves == PART_SERVES_MOVING ? 3 : 4;
}

static int
by_state(const void *a, const void *b)
{
	const struct pick *x = a, *y = b;
	int c = x->rank - y->rank;

	return c != 0 ? c : (x->index > y->index) - (x->index < y->index);
}

/* --- rows -------------------------------------------------------------------------------------- */

static bool
is_folded(const struct hosts_panel *s, uint64_t header)
{
	for (size_t i = 0; i < s->n_folded; i++)
		if (s->folded[i] == header)
			return true;
	return false;
}

void
hosts_row_toggle(struct hosts_panel *s, uint64_t header)
{
	for (size_t i = 0; i < s->n_folded; i++) {
		if (s->folded[i] == header) {
			s->folded[i] = s->folded[--s->n_folded];
			return;
		}
	}
	s->folded = xreallocarray(s->folded, s->n_folded + 1, sizeof *s->folded);
	s->folded[s->n_folded++] = header;
}

static struct hosts_row *
add_header(struct hosts_panel *s, const char *group)
{
	struct hosts_row *row = &s->rows[s->ld.n++];

	*row = (struct hosts_row){ .id = hosts_id(group, NULL), .is_header = true, .group = xstrdup(group) };
	row->is_folded = is_folded(s, row->id);
	return row;
}

static void
add_rows(struct hosts_panel *s, const struct model *m, const struct picks *p)
{
	struct hosts_row *header = NULL;

	s->rows = xcalloc(2 * p->n, sizeof *s->rows);	/* at most a header each */
	for (size_t i = 0; i < p->n; i++) {
		const struct pick *at = &p->v[i];

		if (at->group != NULL && (header == NULL || strcmp(header->group, at->group) != 0))
			header = add_header(s, at->group);
		if (header != NULL)
			hosts_count(&header->counts, m, at->host);
		if (header == NULL || !header->is_folded)
			s->rows[s->ld.n++] = (struct hosts_row){ .id = hosts_id(at->group, at->host->name),
			    .group = xstrdup_or_null(at->group),
				.host = xstrdup(at->host->name), .index = at->index };
	}
	s->ld.ids = xcalloc((size_t)s->ld.n, sizeof *s->ld.ids);
	for (int i = 0; i < s->ld.n; i++)
		s->ld.ids[i] = s->rows[i].id;
}

void
hosts_rows_done(struct hosts_panel *s)
{
	for (int i = 0; i < s->ld.n; i++) {
		free(s->rows[i].group);
		free(s->rows[i].host);
	}
	free(s->rows);
	s->rows = NULL;
	list_detail_clear(&s->ld);
}

/* What name=value may be in a filter. */
static const char *const keys[] = { "name", "host", "state", "group", "model", "version", NULL };
static const char *const states[] = { "up", "down", "unknown", NULL };

void
hosts_rows_build(struct hosts_panel *s, const struct model *m)
{
	struct picks p = { 0 };

	hosts_rows_done(s);
	s->n_filtered = s->n_fine = 0;
	part_filter_refusal(s->ld.filter, keys, states, s->ld.refusal, sizeof s->ld.refusal);
	for (size_t i = 0; m != NULL && i < model_n_hosts(m); i++)
		if (is_listed(s, m, model_host(m, i)))
			pick_host(&p, s->sort, i, model_host(m, i));
	for (size_t i = 0; i < p.n && s->sort == HOSTS_SORT_STATE; i++)
		p.v[i].rank = rank(m, p.v[i].host);
	if (p.n > 0 && s->sort != HOSTS_SORT_NAME)
		qsort(p.v, p.n, sizeof *p.v, s->sort == HOSTS_SORT_GROUP ? by_group : by_state);
	add_rows(s, m, &p);
	free(p.v);
}
