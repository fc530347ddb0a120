/* The hosts of an environment: patterns, inventories and targets, put together by name. */
#include "config.h"

#include "conf/conf_hosts.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "conf/conf_within.h"
#include "conf/hostlist.h"
#include "conf/inventory.h"

enum { SHOWN = 120, NOTE_MAX = 400, NOTES_MAX = 50 };

/* One group says that a host is there. Strings are lent; what is not given is NULL or 0. */
struct claim {
	const char *name;
	size_t order;
	const char *group;		/* of the config */
	const char *const *groups;	/* of an inventory, NULL-terminated, or NULL */
	const char *address, *user;
	unsigned port;
	const char *where;		/* in the block's arena, or lent */
	unsigned line;			/* behind where; 0: none */
};
struct builder {
	const struct conf_environment *env;
	struct host_set *set;
	struct claim *v;
	size_t n, cap;
	char **made;			/* names that were made here */
	size_t n_made, cap_made;
	const char **notes;
	size_t n_notes;
	const char **groups;		/* for one host at a time */
	size_t cap_groups;
};

/* --- notes ----------------------------------------------------------------------------------- */

static void __attribute__((format(printf, 2, 3)))
note(struct builder *b, const char *fmt, ...)
{
	char *text;
	va_list ap;

	if (b->n_notes == NOTES_MAX)
		return;
	va_start(ap, fmt);
	text = xvasprintf(fmt, ap);
	va_end(ap);
	b->notes = xreallocarray(b->notes, b->n_notes + 1, sizeof(*b->notes));
	b->notes[b->n_notes++] = arena_strdup(&b->set->block.arena, text);
	free(text);
}

/* --- what groups say ------------------------------------------------------------------------- */

/* Group defaults stand in where the host itself has nothing. */
static void
add_claim(struct builder *b, const struct conf_host_group *g, struct claim claim)
{
	if (b->n == b->cap) {
		b->cap = b->cap > 0 ? b->cap * 2 : 64;
		b->v = xreallocarray(b->v, b->cap, sizeof(*b->v));
	}
	claim.order = b->n;
	claim.group = g->name;
	if (claim.user == NULL)
		claim.user = g->user;
	if (claim.port == 0)
		claim.port = (unsigned)g->port;
	b->v[b->n++] = claim;
}

/* name is taken over. */
static const char *
keep(struct builder *b, char *name)
{
	if (b->n_made == b->cap_made) {
		b->cap_made = b->cap_made > 0 ? b->cap_made * 2 : 64;
		b->made = xreallocarray(b->made, b->cap_made, sizeof(*b->made));
	}
	return b->made[b->n_made++] = name;
}

static void
add_patterns(struct builder *b, const struct conf_host_group *g)
{
	struct hostlist l = { 0 };
	char shown[SHOWN];
	struct err err;

	for (size_t i = 0; g->hosts != NULL && g->hosts[i] != NULL; i++)
		if (hostlist_add(&l, g->hosts[i], &err) < 0)
			note(b, "group %s: %s", str_escape_to(shown, sizeof shown, g->name),
			    err.msg);
	hostlist_finish(&l);
	for (size_t i = 0; i < l.n; i++)
		add_claim(b, g, (struct claim){ .name = keep(b, xstrdup(l.v[i])),
		    .where = g->where });
	hostlist_done(&l);
}

static bool
is_in_group(const struct inventory_host *h, const char *group)
{
	for (size_t i = 0; h->groups[i] != NULL; i++)
		if (str_eq(h->groups[i], group))
			return true;
	return group == NULL || str_eq(group, "all");
}

/* What did not match, and where it came from. */
static void
note_outside(struct builder *b, const struct conf_host_group *g, size_t n, const char *one,
    const char *many)
{
	char name[SHOWN], within[SHOWN];

	if (n > 0)
		note(b, "group %s: %zu %s not within '%s' and left out",
		    str_escape_to(name, sizeof name, g->name), n, n == 1 ? one : many,
		    str_escape_to(within, sizeof within, g->within));
}

static void
add_inventory(struct builder *b, const struct conf_host_group *g, struct within *within)
{
	size_t n_outside = 0;

	for (size_t i = 0; i < g->read->n; i++) {
		const struct inventory_host *h = &g->read->v[i];

		if (!is_in_group(h, g->inventory_group))
			continue;
		if (within != NULL && !within_match(within, h->name)) {
			n_outside++;
			continue;
		}
		add_claim(b, g, (struct claim){ .name = h->name, .address = h->address,
		    .user = h->user, .port = h->port, .groups = h->groups,
		    .where = g->read->path, .line = h->line });
	}
	note_outside(b, g, n_outside, "host of the inventory is", "hosts of the inventory are");
}

/* --- targets --------------------------------------------------------------------------------- */

static bool
has_labels(const struct target *t, const struct conf_host_group *g)
{
	for (size_t i = 0; i < g->n_target_match; i++)
		if (!str_eq(g->target_match[i].value, labels_get(&t->labels, g->target_match[i].name)))
			return false;
	return true;
}

/* "web-1:9100" of "http://web-1:9100/metrics"; owned by the caller. */
static char *
address_of(const char *url)
{
	const char *host = strstr(url, "://");

	host = host != NULL ? host + 3 : url;
	return xstrndup(host, strcspn(host, "/?#"));
}

/* Without port and brackets; owned by the caller. */
static char *
target_host(const struct target *t, const struct conf_host_group *g)
{
	const char *value = labels_get(&t->labels, g->target_label);
	char *text = str_eq(g->target_label, "address") ? address_of(t->url) :
	    xstrdup(value != NULL ? value : ""), *name;
	size_t len = host_of_instance(text);

	if (len > 2 && text[0] == '[' && text[len - 1] == ']')
		name = xstrndup(text + 1, len - 2);
	else
		name = xstrndup(text, len);
	free(text);
	return name;
}

static const struct target_set *
find_targets(const struct host_targets *targets, size_t n, const char *source)
{
	for (size_t i = 0; i < n; i++)
		if (str_eq(targets[i].source, source))
			return targets[i].targets;
	return NULL;
}

static void
add_targets(struct builder *b, const struct conf_host_group *g, const struct target_set *targets,
    struct within *within)
{
	size_t n_outside = 0, n_nameless = 0;
	char shown[SHOWN];
	char *where = xasprintf("targets of %s", g->target_source);
	const char *kept = arena_strdup(&b->set->block.arena, where);

	free(where);
	for (size_t i = 0; i < targets->n; i++) {
		char *name;

		if (!has_labels(&targets->v[i], g))
			continue;
		name = target_host(&targets->v[i], g);
		n_nameless += !host_name_is_valid(name);
		if (host_name_is_valid(name) && within_match(within, name)) {
			add_claim(b, g, (struct claim){ .name = keep(b, name), .where = kept });
			continue;
		}
		n_outside += host_name_is_valid(name);
		free(name);
	}
	note_outside(b, g, n_outside, "target is", "targets are");
	if (n_nameless > 0)
		note(b, "group %s: %zu target%s left out: no name of a host",
		    str_escape_to(shown, sizeof shown, g->name), n_nameless,
		    n_nameless == 1 ? " was" : "s were");
}

static void
add_group(struct builder *b, const struct conf_host_group *g, const struct host_targets *targets,
    size_t n_targets)
{
	const struct target_set *set = find_targets(targets, n_targets, g->target_source);
	struct within *within = NULL;
	char name[SHOWN], source[SHOWN];

	if (g->within != NULL && within_new(g->within, &within, NULL) < 0)
		within = NULL;	/* it was tried when the config was read */
	add_patterns(b, g);
	if (g->read != NULL)
		add_inventory(b, g, within);
	if (g->has_targets && set == NULL)
		note(b, "group %s: the targets of %s are not known yet",
		    str_escape_to(name, sizeof name, g->name),
		    str_escape_to(source, sizeof source, g->target_source));
	else if (g->has_targets && within != NULL)
		add_targets(b, g, set, within);
	within_free(within);
}

/* --- putting them together ------------------------------------------------------------------- */

static int
compare_claims(const void *pa, const void *pb)
{
	const struct claim *a = pa, *b = pb;
	int c = host_name_compare(a->name, b->name);

	return c != 0 ? c : (a->order > b->order) - (a->order < b->order);
}

static int
compare_texts(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool
is_own_group(const struct builder *b, const char *name)
{
	for (size_t i = 0; i < b->env->n_host_groups; i++)
		if (str_eq(b->env->host_groups[i].name, name))
			return true;
	return false;
}

static void
push_group(struct builder *b, size_t *n, const char *name)
{
	if (*n == b->cap_groups) {
		b->cap_groups = b->cap_groups > 0 ? b->cap_groups * 2 : 16;
		b->groups = xreallocarray(b->groups, b->cap_groups, sizeof(*b->groups));
	}
	b->groups[(*n)++] = name;
}

/* A group of an inventory counts, too, but not where the config has one of that name: what the
 * config says of it is all of it. */
static struct strings
merge_groups(struct builder *b, const struct claim *v, size_t n)
{
	struct arena *a = &b->set->block.arena;
	const char **names;
	size_t n_names = 0, kept = 0;

	for (size_t i = 0; i < n; i++) {
		push_group(b, &n_names, v[i].group);
		for (size_t k = 0; v[i].groups != NULL && v[i].groups[k] != NULL; k++)
			if (!is_own_group(b, v[i].groups[k]))
				push_group(b, &n_names, v[i].groups[k]);
	}
	qsort(b->groups, n_names, sizeof(*b->groups), compare_texts);
	names = arena_alloc(a, n_names * sizeof *names);
	for (size_t i = 0; i < n_names; i++)
		if (i == 0 || !str_eq(b->groups[i], b->groups[i - 1]))
			names[kept++] = arena_strdup(a, b->groups[i]);
	return (struct strings){ kept, names };
}

static bool
differ(const char *a, const char *b)
{
	return a != NULL && b != NULL && !str_eq(a, b);
}

/* v[0..n): all claims of one host, in the order of the config; the first that says a thing
 * counts. */
static struct host_def
merge_host(struct builder *b, const struct claim *v, size_t n)
{
	struct arena *a = &b->set->block.arena;
	struct claim all = v[0];
	const char *conflict = NULL;
	char *where;
	struct host_def def;

	for (size_t i = 1; i < n; i++) {
		if (differ(all.address, v[i].address))
			conflict = "address";
		else if (differ(all.user, v[i].user))
			conflict = "user";
		else if (all.port != 0 && v[i].port != 0 && all.port != v[i].port)
			conflict = "port";
		all.address = all.address != NULL ? all.address : v[i].address;
		all.user = all.user != NULL ? all.user : v[i].user;
		all.port = all.port != 0 ? all.port : v[i].port;
	}
	if (conflict != NULL)
		note(b, "%s: groups say different things of its %s; the first counts", all.name,
		    conflict);
	where = all.line > 0 ? xasprintf("%s:%u", all.where, all.line) : xstrdup(all.where);
	def = (struct host_def){
		.name = arena_strdup(a, all.name), .groups = merge_groups(b, v, n),
		.address = arena_strdup(a, all.address != NULL ? all.address : all.name),
		.port = all.port, .user = arena_strdup(a, all.user != NULL ? all.user : ""),
		.where = arena_strdup(a, where),
	};
	free(where);
	return def;
}

static void
merge(struct builder *b)
{
	struct host_def *v = arena_alloc(&b->set->block.arena, (b->n + 1) * sizeof *v);

	if (b->n > 1)
		qsort(b->v, b->n, sizeof(*b->v), compare_claims);
	for (size_t i = 0, n; i < b->n; i += n) {
		for (n = 1; i + n < b->n && str_eq(b->v[i + n].name, b->v[i].name); n++)
			;
		if (b->set->n == HOSTLIST_MAX) {
			note(b, "more than %d hosts; the rest is left out", HOSTLIST_MAX);
			break;
		}
		v[b->set->n++] = merge_host(b, &b->v[i], n);
	}
	b->set->v = v;
}

static void
note_inventories(struct builder *b)
{
	char shown[SHOWN];

	for (size_t i = 0; i < b->env->n_inventories; i++)
		if (b->env->inventories[i]->note != NULL)
			note(b, "%s: %s", str_escape_to(shown, sizeof shown,
			    b->env->inventories[i]->path), b->env->inventories[i]->note);
}

static void
take_notes(struct builder *b)
{
	const char **v = arena_alloc(&b->set->block.arena, (b->n_notes + 1) * sizeof *v);

	for (size_t i = 0; i < b->n_notes; i++)
		v[i] = b->notes[i];
	b->set->notes = (struct strings){ b->n_notes, v };
}

struct host_set *
conf_hosts(const struct conf_environment *env, const struct host_targets *targets, size_t n)
{
	struct builder b = { .env = env, .set = block_new(sizeof(struct host_set)) };

	for (size_t i = 0; i < env->n_host_groups; i++)
		add_group(&b, &env->host_groups[i], targets, n);
	merge(&b);
	note_inventories(&b);
	take_notes(&b);
	for (size_t i = 0; i < b.n_made; i++)
		free(b.made[i]);
	free(b.made);
	free(b.v);
	free(b.notes);
	free(b.groups);
	return b.set;
}
