/* From a draft to the set: order, limits, aliases on both sides, copies in one block. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "source/intern.h"
#include "source/registry_draft.h"

/* --- order ------------------------------------------------------------------------------------ */

/* Newest first. Versions of the same name stand together, those whose run is known in front. */
static int
by_name(const void *a, const void *b)
{
	const struct reg_version *va = a, *vb = b;
	int c = host_name_compare(vb->version, va->version);

	return c != 0 ? c : (int)vb->is_run_known - (int)va->is_run_known;
}

static int
by_made(const void *a, const void *b)
{
	const struct reg_version *va = a, *vb = b;

	if (va->created_ns != vb->created_ns)
		return va->created_ns < vb->created_ns ? 1 : -1;
	return by_name(a, b);
}

static int
by_alias(const void *a, const void *b)
{
	return strcmp(((const struct reg_alias *)a)->alias, ((const struct reg_alias *)b)->alias);
}

static int
by_model(const void *a, const void *b)
{
	return strcmp(((const struct draft_model *)a)->m.name, ((const struct draft_model *)b)->m.name);
}

/* "12", "v12", "1.4.0": names that tell the order by themselves. */
static bool
is_numbered(const char *version)
{
	if (*version == 'v' || *version == 'V')
		version++;
	return *version >= '0' && *version <= '9' && strspn(version, "0123456789.-_") == strlen(version);
}

static bool
is_to_sort_by_time(const struct draft_model *m)
{
	bool is_any_unnumbered = false;

	for (size_t i = 0; i < m->n_versions; i++) {
		if (m->versions[i].created_ns == 0)
			return false;
		is_any_unnumbered |= !is_numbered(m->versions[i].version);
	}
	return is_any_unnumbered;
}

/* --- limits ----------------------------------------------------------------------------------- */

static void
drop_doubles(struct draft_model *m)
{
	size_t n = 0;

	for (size_t i = 0; i < m->n_versions; i++)
		if (n == 0 || strcmp(m->versions[n - 1].version, m->versions[i].version) != 0)
			m->versions[n++] = m->versions[i];
	m->n_versions = n;
}

/* An alias that two answers give twice points where the later one says: it may have moved between them. */
static void
sort_aliases(struct draft_model *m)
{
	size_t n = 0;

	/* Stable, for few: an insertion. */
	for (size_t i = 1; i < m->n_aliases; i++)
		for (size_t k = i; k > 0 && by_alias(&m->aliases[k - 1], &m->aliases[k]) > 0; k--) {
			struct reg_alias swap = m->aliases[k];

			m->aliases[k] = m->aliases[k - 1];
			m->aliases[k - 1] = swap;
		}
	for (size_t i = 0; i < m->n_aliases; i++) {
		if (n > 0 && by_alias(&m->aliases[n - 1], &m->aliases[i]) == 0)
			n--;
		m->aliases[n++] = m->aliases[i];
	}
	m->n_aliases = n;
}

static bool
is_aliased(const struct draft_model *m, const char *version)
{
	for (size_t i = 0; i < m->n_aliases; i++)
		if (strcmp(m->aliases[i].version, version) == 0)
			return true;
	return false;
}

/* Is there none newer in this stage? */
static bool
is_first_of_stage(const struct draft_model *m, size_t at)
{
	const char *stage = m->versions[at].stage;

	if (*stage == '\0')
		return false;
	for (size_t i = 0; i < at; i++)
		if (strcmp(m->versions[i].stage, stage) == 0)
			return false;
	return true;
}

static void
limit_versions(struct draft_model *m)
{
	size_t n = 0, n_kept_older = 0, n_left_out = 0;

	for (size_t i = 0; i < m->n_versions; i++) {
		bool is_new = i < REGISTRY_VERSIONS_MAX;

		if (is_new || is_aliased(m, m->versions[i].version) || is_first_of_stage(m, i)) {
			n_kept_older += !is_new;
			m->versions[n++] = m->versions[i];
		} else {
			n_left_out++;
		}
	}
	m->n_versions = n;
	m->m.n_left_out = n_left_out + (m->n_older > n_kept_older ? m->n_older - n_kept_older : 0);
}

/* --- copies ----------------------------------------------------------------------------------- */

struct copier {
	const struct draft *draft;
	struct arena *mem;
	struct intern texts;
};

static const char *
copy_text(struct copier *c, const char *text)
{
	return text == NULL || *text == '\0' ? "" : intern_text(&c->texts, text, strlen(text));
}

static struct labels
copy_labels(struct copier *c, const struct labels *from)
{
	struct label *v;

	if (from->n == 0)
		return (struct labels){ 0 };
	v = arena_alloc(c->mem, from->n * sizeof *v);
	for (size_t i = 0; i < from->n; i++)
		v[i] = (struct label){ copy_text(c, from->v[i].name), copy_text(c, from->v[i].value) };
	return (struct labels){ .n = from->n, .v = v };
}

static const struct reg_metric *
copy_metrics(struct copier *c, const struct reg_metric *from, size_t n)
{
	struct reg_metric *v;

	if (n == 0)
		return NULL;
	v = arena_alloc(c->mem, n * sizeof *v);
	for (size_t i = 0; i < n; i++) {
		v[i] = from[i];
		v[i].name = copy_text(c, from[i].name);
	}
	return v;
}

static struct strings
aliases_of(struct copier *c, const struct draft_model *m, const char *version)
{
	struct strings s = { 0 };
	const char **v;

	if (!is_aliased(m, version))
		return s;
	s.v = v = arena_alloc(c->mem, m->n_aliases * sizeof *v);
	for (size_t i = 0; i < m->n_aliases; i++)
		if (strcmp(m->aliases[i].version, version) == 0)
			v[s.n++] = copy_text(c, m->aliases[i].alias);
	return s;
}

static int64_t
data_time(const struct reg_version *v, const char *key)
{
	const char *text;

	if (key == NULL)
		return 0;
	text = labels_get(&v->tags, key);
	return registry_time(text != NULL ? text : labels_get(&v->params, key));
}

static void
copy_version(
    struct copier *c, const struct draft_model *m, const struct reg_version *from, struct reg_version *to)
{
	const struct draft_named *named = draft_named(c->draft, m->m.name);

	*to = *from;
	to->version = copy_text(c, from->version);
	to->stage = copy_text(c, from->stage);
	to->aliases = aliases_of(c, m, from->version);
	to->status = copy_text(c, from->status);
	to->by = copy_text(c, from->by);
	to->description = copy_text(c, from->description);
	to->uri = copy_text(c, from->uri);
	to->run = copy_text(c, from->run);
	to->data_ns = data_time(from, named == NULL ? NULL : named->data_key);
	to->tags = copy_labels(c, &from->tags);
	to->params = copy_labels(c, &from->params);
	to->metrics = copy_metrics(c, from->metrics, from->n_metrics);
}

static void
copy_model(struct copier *c, const struct draft_model *from, struct reg_model *to)
{
	struct reg_version *versions = arena_alloc(c->mem, from->n_versions * sizeof *versions);
	struct reg_alias *aliases = arena_alloc(c->mem, from->n_aliases * sizeof *aliases);

	*to = from->m;
	to->name = copy_text(c, from->m.name);
	to->description = copy_text(c, from->m.description);
	to->tags = copy_labels(c, &from->m.tags);
	for (size_t i = 0; i < from->n_versions; i++)
		copy_version(c, from, &from->versions[i], &versions[i]);
	for (size_t i = 0; i < from->n_aliases; i++)
		aliases[i] = (struct reg_alias){ copy_text(c, from->aliases[i].alias),
			copy_text(c, from->aliases[i].version) };
	to->versions = versions;
	to->n_versions = from->n_versions;
	to->aliases = aliases;
	to->n_aliases = from->n_aliases;
}

static void
note_aliases(struct draft *d, const struct draft_model *m)
{
	char shown[96];

	if (m->n_aliases_dropped > 0)
		draft_note(d, "%s has more than %d aliases: %zu were left out",
		    str_escape_to(shown, sizeof shown, m->m.name), REGISTRY_ALIASES_MAX, m->n_aliases_dropped);
}

static struct strings
copy_notes(struct copier *c)
{
	const struct draft *d = c->draft;
	const char **notes = arena_alloc(c->mem, (d->n_notes + 1) * sizeof *notes);
	struct strings s = { .v = notes };
	char more[80];

	if (d->n_left_out > 0) {
		snprintf(more, sizeof more, "%zu more model%s not kept", d->n_left_out,
		    d->n_left_out == 1 ? " is" : "s are");
		notes[s.n++] = arena_strdup(c->mem, more);
	}
	for (size_t i = 0; i < d->n_notes; i++)
		notes[s.n++] = arena_strdup(c->mem, d->notes[i]);
	return s;
}

struct registry_set *
registry_finish(struct draft *d, bool by_time)
{
	struct registry_set *set = block_new(sizeof *set);
	struct copier c = { .draft = d, .mem = &set->block.arena };
	struct reg_model *v = arena_alloc(c.mem, d->n * sizeof *v);

	intern_init(&c.texts, c.mem);
	if (d->n > 0)
		qsort(d->v, d->n, sizeof *d->v, by_model);
	for (size_t i = 0; i < d->n; i++) {
		struct draft_model *m = &d->v[i];

		sort_aliases(m);
		if (m->n_versions > 0)
			qsort(m->versions, m->n_versions, sizeof *m->versions, by_name);
		drop_doubles(m);
		if (by_time && is_to_sort_by_time(m))
			qsort(m->versions, m->n_versions, sizeof *m->versions, by_made);
		limit_versions(m);
		note_aliases(d, m);
		copy_model(&c, m, &v[i]);
	}
	intern_done(&c.texts);
	set->v = v;
	set->n = d->n;
	set->n_left_out = d->n_left_out;
	set->notes = copy_notes(&c);
	return set;
}
