/* What groups, children and variables come to for each host. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "conf/hostlist.h"
#include "conf/inventory_build.h"

enum { SHOWN = 72, NAMES_SHOWN = 8, MEMBERS_MAX = 1000000 };
enum { MARK_NEW, MARK_OPEN, MARK_DONE };

/* --- which group is in which ----------------------------------------------------------------- */

static void
check_defined(struct inventory_build *b)
{
	char shown[SHOWN];

	for (size_t i = 0; i < b->n_groups; i++)
		if (!b->groups[i].is_defined)
			conf_problem(&b->d, &b->groups[i].at, "there is no group '%s' in this "
			    "inventory", str_escape_to(shown, sizeof shown, b->groups[i].name));
}

static void
report_cycle(struct inventory_build *b, const struct inventory_group *parent,
    const struct inventory_edge *edge)
{
	char shown[SHOWN], child[SHOWN];

	str_escape_to(child, sizeof child, b->groups[edge->child].name);
	if (parent == &b->groups[edge->child])
		conf_problem(&b->d, &edge->at, "the group '%s' is its own child", child);
	else
		conf_problem(&b->d, &edge->at, "the group '%s' cannot be a child of '%s', which is "
		    "among its own children", child,
		    str_escape_to(shown, sizeof shown, parent->name));
}

struct visit {
	size_t group, next;	/* child to look at next */
};

/*
 * Depth first, without recursion: groups may be nested as deep as there are groups. order is
 * filled from its end: parents come to stand before their children. Edges that close a circle
 * are told and taken out.
 */
static void
visit_group(struct inventory_build *b, size_t first, struct visit *stack, size_t *order,
    size_t *at)
{
	size_t n = 0;

	stack[n++] = (struct visit){ first, 0 };
	b->groups[first].mark = MARK_OPEN;
	while (n > 0) {
		struct inventory_group *g = &b->groups[stack[n - 1].group];
		size_t *next = &stack[n - 1].next, child;

		if (*next == g->n_children) {
			g->mark = MARK_DONE;
			order[--*at] = stack[--n].group;
			continue;
		}
		child = g->children[*next].child;
		if (b->groups[child].mark == MARK_OPEN) {
			report_cycle(b, g, &g->children[*next]);
			g->children[*next] = g->children[--g->n_children];
			continue;
		}
		(*next)++;
		if (b->groups[child].mark == MARK_NEW) {
			b->groups[child].mark = MARK_OPEN;
			stack[n++] = (struct visit){ child, 0 };
		}
	}
}

static size_t
bits_size(const struct inventory_build *b)
{
	return b->n_groups / 8 + 1;
}

static void
set_bit(unsigned char *bits, size_t i)
{
	bits[i / 8] = (unsigned char)(bits[i / 8] | 1u << i % 8);
}

static bool
has_bit(const unsigned char *bits, size_t i)
{
	return bits[i / 8] >> i % 8 & 1;
}

static void
add_bits(unsigned char *to, const unsigned char *from, size_t size)
{
	for (size_t i = 0; i < size; i++)
		to[i] |= from[i];
}

/* order: parents first. */
static void
spread(struct inventory_build *b, const size_t *order)
{
	for (size_t i = 0; i < b->n_groups; i++) {
		struct inventory_group *g = &b->groups[order[i]];

		if (order[i] != INVENTORY_ALL && g->depth == 0)
			g->depth = 1;
		for (size_t k = 0; k < g->n_children; k++) {
			struct inventory_group *child = &b->groups[g->children[k].child];

			add_bits(child->within, g->within, bits_size(b));
			if (child->depth < g->depth + 1)
				child->depth = g->depth + 1;
		}
	}
}

static void
relate_groups(struct inventory_build *b)
{
	struct visit *stack = xcalloc(b->n_groups, sizeof *stack);
	size_t *order = xcalloc(b->n_groups, sizeof *order), at = b->n_groups;

	for (size_t i = 0; i < b->n_groups; i++) {
		b->groups[i].within = xcalloc(bits_size(b), 1);
		set_bit(b->groups[i].within, i);
		set_bit(b->groups[i].within, INVENTORY_ALL);
	}
	for (size_t i = 0; i < b->n_groups; i++)
		if (b->groups[i].mark == MARK_NEW)
			visit_group(b, i, stack, order, &at);
	spread(b, order);
	free(order);
	free(stack);
}

/* --- hosts ----------------------------------------------------------------------------------- */

struct finish {
	struct inventory_build *b;
	struct inventory *inv;
	const char **names;	/* of each group, the inventory's; NULL: not told */
	size_t *by_name;	/* groups, as they are listed */
	size_t *by_rank;	/* groups, the one whose variables count most first */
	size_t n_members;
};

static int
compare_mentions(const void *pa, const void *pb)
{
	const struct inventory_mention *a = pa, *b = pb;
	int c = host_compare(a->name, b->name);

	return c != 0 ? c : (a->order > b->order) - (a->order < b->order);
}

static int
compare_by_name(const void *pa, const void *pb, void *pb_build)
{
	const struct inventory_group *groups = ((const struct inventory_build *)pb_build)->groups;

	return strcmp(groups[*(const size_t *)pa].name, groups[*(const size_t *)pb].name);
}

/* The deepest first; of those the last by name, as Ansible merges them. */
static int
compare_by_rank(const void *pa, const void *pb, void *pb_build)
{
	const struct inventory_group *groups = ((const struct inventory_build *)pb_build)->groups;
	size_t a = groups[*(const size_t *)pa].depth, b = groups[*(const size_t *)pb].depth;

	return a != b ? (a < b) - (a > b) : -compare_by_name(pa, pb, pb_build);
}

static size_t *
sorted_groups(struct inventory_build *b, int (*compare)(const void *, const void *, void *))
{
	size_t *v = xcalloc(b->n_groups, sizeof *v);

	for (size_t i = 0; i < b->n_groups; i++)
		v[i] = i;
	qsort_r(v, b->n_groups, sizeof *v, compare, b);
	return v;
}

static void
name_groups(struct finish *f)
{
	struct inventory *inv = f->inv;

	inv->groups = xcalloc(f->b->n_groups, sizeof(*inv->groups));
	f->names = xcalloc(f->b->n_groups, sizeof(*f->names));
	for (size_t i = 0; i < f->b->n_groups; i++) {
		struct inventory_group *g = &f->b->groups[f->by_name[i]];

		if (f->by_name[i] <= INVENTORY_UNGROUPED || !g->is_defined)
			continue;
		inv->groups[inv->n_groups] = g->name;
		f->names[f->by_name[i]] = inv->groups[inv->n_groups++];
		g->name = NULL;
	}
}

/* Of a host what is not set yet. */
static void
inherit(struct inventory_host *h, const struct inventory_vars *vars)
{
	if (h->address == NULL)
		h->address = xstrdup_or_null(vars->address);
	if (h->user == NULL)
		h->user = xstrdup_or_null(vars->user);
	if (h->port == 0)
		h->port = vars->port;
}

static void
host_done(struct inventory_host *h)
{
	free(h->name);
	free(h->address);
	free(h->user);
	free(h->groups);
}

static void
list_groups(struct finish *f, struct inventory_host *h, const unsigned char *within)
{
	size_t n = 0;

	h->groups = xcalloc(f->b->n_groups + 1, sizeof(*h->groups));
	for (size_t i = 0; i < f->b->n_groups; i++)
		if (has_bit(within, f->by_name[i]) && f->names[f->by_name[i]] != NULL)
			h->groups[n++] = f->names[f->by_name[i]];
	h->groups = xreallocarray(h->groups, n + 1, sizeof(*h->groups));
	f->n_members += n + 1;
}

/* v[0..n): all mentions of one host, in their order. false: it cannot be used. */
static bool
take_host(struct finish *f, const struct inventory_mention *v, size_t n, struct inventory_host *h)
{
	unsigned char *within = xcalloc(bits_size(f->b), 1);
	bool is_wrong = false;

	*h = (struct inventory_host){ .name = xstrdup(v[0].name), .line = v[0].line };
	/* A later line of a host sets anew what an earlier one set. */
	for (size_t i = n; i-- > 0;) {
		inherit(h, &v[i].vars);
		is_wrong = is_wrong || v[i].vars.is_address_wrong;
		add_bits(within, f->b->groups[v[i].group].within, bits_size(f->b));
	}
	for (size_t i = 0; i < f->b->n_groups; i++)
		if (has_bit(within, f->by_rank[i])) {
			const struct inventory_vars *vars = &f->b->groups[f->by_rank[i]].vars;

			is_wrong = is_wrong || (h->address == NULL && vars->is_address_wrong);
			inherit(h, vars);
		}
	list_groups(f, h, within);
	free(within);
	return !is_wrong;
}

static void
take_hosts(struct finish *f)
{
	static const struct yaml_node top = { .line = 1, .column = 1 };
	struct inventory_build *b = f->b;
	struct inventory *inv = f->inv;

	inv->v = xcalloc(b->n_mentions + 1, sizeof(*inv->v));
	for (size_t i = 0, n; i < b->n_mentions; i += n) {
		for (n = 1; i + n < b->n_mentions &&
		    str_eq(b->mentions[i + n].name, b->mentions[i].name); n++)
			;
		if (inv->n == INVENTORY_HOSTS_MAX || f->n_members > MEMBERS_MAX) {
			conf_problem(&b->d, &top, "more than %d hosts, or %d hosts in groups; the "
			    "rest is left out", INVENTORY_HOSTS_MAX, MEMBERS_MAX);
			break;
		}
		if (take_host(f, &b->mentions[i], n, &inv->v[inv->n]))
			inv->n++;
		else
			host_done(&inv->v[inv->n]);
	}
}

/* --- what was passed over -------------------------------------------------------------------- */

static int
compare_texts(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static char *
note_unused(struct inventory_build *b)
{
	char shown[SHOWN], *note;
	struct buf text;

	if (b->n_unused == 0)
		return NULL;
	qsort(b->unused, b->n_unused, sizeof(*b->unused), compare_texts);
	buf_init(&text, 4096);
	buf_printf(&text, "%zu variable%s mean%s nothing here: ", b->n_unused,
	    b->n_unused == 1 ? "" : "s", b->n_unused == 1 ? "s" : "");
	for (size_t i = 0; i < b->n_unused && i < NAMES_SHOWN; i++)
		buf_printf(&text, "%s%s", i > 0 ? ", " : "",
		    str_escape_to(shown, sizeof shown, b->unused[i]));
	if (b->n_unused > NAMES_SHOWN)
		buf_addstr(&text, ", ...");
	note = buf_take(&text, NULL);
	buf_done(&text);
	return note;
}

/* --- for both forms -------------------------------------------------------------------------- */

void
inventory_finish(struct inventory_build *b, struct inventory *ret)
{
	struct finish f = { .b = b, .inv = ret };

	check_defined(b);
	relate_groups(b);
	f.by_name = sorted_groups(b, compare_by_name);
	f.by_rank = sorted_groups(b, compare_by_rank);
	name_groups(&f);
	if (b->n_mentions > 1)
		qsort(b->mentions, b->n_mentions, sizeof(*b->mentions), compare_mentions);
	take_hosts(&f);
	ret->note = note_unused(b);
	free(f.names);
	free(f.by_name);
	free(f.by_rank);
}

void
inventory_done(struct inventory *inv)
{
	for (size_t i = 0; i < inv->n; i++)
		host_done(&inv->v[i]);
	free(inv->v);
	for (size_t i = 0; i < inv->n_groups; i++)
		free(inv->groups[i]);
	free(inv->groups);
	free(inv->note);
	free(inv->path);
	*inv = (struct inventory){ 0 };
}
