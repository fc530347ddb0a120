/* Documents of all files, and the references between them. */
#include "config.h"

#include "conf/openslo.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "conf/openslo_priv.h"

enum { SHOWN = 72, DOCS_MAX = 10000 };

struct openslo *
openslo_new(struct slo_build *b)
{
	struct openslo *o = xcalloc(1, sizeof *o);

	o->b = b;
	return o;
}

void
openslo_free(struct openslo *o)
{
	if (o == NULL)
		return;
	for (size_t i = 0; i < o->n_docs; i++) {
		conf_item_done(openslo_tables[o->docs[i].kind], o->docs[i].item);
		free(o->docs[i].item);
	}
	for (size_t i = 0; i < o->n_files; i++) {
		yaml_file_free(o->files[i]->yaml);
		free(o->files[i]->name);
		free(o->files[i]);
	}
	free(o->docs);
	free(o->files);
	free(o);
}

const struct yaml_node *
openslo_at(const struct yaml_node *map, const char *key)
{
	const struct yaml_node *node = yaml_get(map, key);

	return node != NULL ? node : map;
}

/* --- durations ------------------------------------------------------------------------------- */

bool
openslo_shorthand(const char *text, int *ret_n, char *ret_unit)
{
	size_t digits = strspn(text, "0123456789");

	if (digits == 0 || digits > 6 || strchr("mhdwMQY", text[digits]) == NULL ||
	    text[digits] == '\0' || text[digits + 1] != '\0')
		return false;
	*ret_n = atoi(text);
	*ret_unit = text[digits];
	return true;
}

bool
openslo_duration(const char *text, int64_t *ret_ns)
{
	static const struct {
		char unit;
		int64_t ns;
	} units[] = {
		{ 'm', NS_PER_MIN }, { 'h', NS_PER_HOUR }, { 'd', NS_PER_DAY },
		{ 'w', 7 * NS_PER_DAY }, { 'M', 30 * NS_PER_DAY }, { 'Q', 90 * NS_PER_DAY },
		{ 'Y', 365 * NS_PER_DAY },
	};
	char unit;
	int n;

	if (!openslo_shorthand(text, &n, &unit))
		return false;
	for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
		if (units[i].unit == unit)
			return !__builtin_mul_overflow(units[i].ns, n, ret_ns);
	return false;
}

/* --- documents ------------------------------------------------------------------------------- */

/* The text of a member of a map, or NULL. */
static const char *
text_of(const struct yaml_node *map, const char *key)
{
	const struct yaml_node *node = yaml_get(map, key);

	return node != NULL && node->type == YAML_TYPE_SCALAR ? node->text : NULL;
}

static bool
check_version(struct conf_decode *d, const struct yaml_node *node)
{
	const char *version = text_of(node, "apiVersion");
	char shown[SHOWN];

	if (str_eq(version, "openslo/v1"))
		return true;
	if (version == NULL)
		conf_problem(d, openslo_at(node, "apiVersion"), "'apiVersion' is missing; a "
		    "document of OpenSLO has openslo/v1");
	else if (str_has_prefix(version, "openslo"))
		conf_problem(d, openslo_at(node, "apiVersion"), "apiVersion: '%s' is another "
		    "version of OpenSLO than openslo/v1, which is read",
		    str_escape_to(shown, sizeof shown, version));
	else
		conf_problem(d, openslo_at(node, "apiVersion"), "apiVersion: '%s' is no OpenSLO; "
		    "openslo/v1 is expected", str_escape_to(shown, sizeof shown, version));
	return false;
}

static bool
read_kind(struct conf_decode *d, const struct yaml_node *node, enum openslo_kind *ret)
{
	const char *kind = text_of(node, "kind"), *near;
	char shown[SHOWN];

	for (size_t i = 0; kind != NULL && i < OPENSLO_KINDS; i++)
		if (str_eq(kind, openslo_kinds[i])) {
			*ret = (enum openslo_kind)i;
			return true;
		}
	if (kind == NULL) {
		conf_problem(d, openslo_at(node, "kind"), "'kind' is missing");
		return false;
	}
	near = str_nearest(kind, openslo_kinds, OPENSLO_KINDS);
	str_escape_to(shown, sizeof shown, kind);
	if (near != NULL)
		conf_problem(d, openslo_at(node, "kind"), "kind: '%s' is not known; did you mean "
		    "'%s'?", shown, near);
	else
		conf_problem(d, openslo_at(node, "kind"), "kind: '%s' is not one of DataSource, "
		    "Service, SLI, SLO, AlertPolicy, AlertCondition or AlertNotificationTarget",
		    shown);
	return false;
}

/* What a document of its own needs, where one inside another does not. */
static bool
check_whole(struct openslo_doc *doc)
{
	static const bool needs_spec[OPENSLO_KINDS] = {
		[OPENSLO_SLI] = true, [OPENSLO_SLO] = true, [OPENSLO_ALERT_POLICY] = true,
		[OPENSLO_ALERT_CONDITION] = true,
	};
	const char *const members[] = { "metadata", needs_spec[doc->kind] ? "spec" : NULL };
	struct conf_decode *d = &doc->file->d;
	const struct os_object *object = doc->item;
	bool is_good = object->ref == NULL;

	if (!is_good)
		conf_problem(d, doc->node, "a reference is no document of its own");
	for (size_t i = 0; i < 2; i++)
		if (members[i] != NULL && yaml_is_null(yaml_get(doc->node, members[i]))) {
			conf_problem(d, doc->node, "'%s' is missing", members[i]);
			is_good = false;
		}
	if (is_good && doc->kind == OPENSLO_SLI)
		return openslo_check_sli(d, doc->item);
	if (is_good && doc->kind == OPENSLO_ALERT_CONDITION)
		return openslo_check_condition(d, doc->item);
	return is_good;
}

static bool
check_first(struct openslo *o, const struct openslo_doc *doc)
{
	const struct openslo_doc *other;
	char shown[SHOWN];

	other = doc->name != NULL ? openslo_find(o, doc->kind, doc->name) : NULL;
	if (other == NULL)
		return true;
	conf_problem(&doc->file->d, openslo_at(yaml_get(doc->node, "metadata"), "name"),
	    "the name '%s' is taken by the %s at %s:%u", str_escape_to(shown, sizeof shown,
	    doc->name), openslo_kinds[doc->kind], other->file->shown, other->node->line);
	return false;
}

static void
add_document(struct openslo *o, struct openslo_file *file, const struct yaml_node *node)
{
	struct openslo_doc doc = { .file = file, .node = node };
	const struct conf_table *table;

	if (o->n_docs == DOCS_MAX) {
		conf_problem(&file->d, node, "no more than %d documents are read; this one and "
		    "what follows are not", (int)DOCS_MAX);
		o->is_full = true;
		return;
	}
	if (node->type != YAML_TYPE_MAP) {
		conf_problem(&file->d, node, "a document of OpenSLO is a map (NAME: VALUE)");
		return;
	}
	if (!check_version(&file->d, node) || !read_kind(&file->d, node, &doc.kind))
		return;
	table = openslo_tables[doc.kind];
	doc.name = text_of(yaml_get(node, "metadata"), "name");
	doc.item = xcalloc(1, table->size);
	doc.is_usable = conf_decode_map(&file->d, table, node, doc.item);
	doc.is_usable = doc.is_usable && check_whole(&doc);
	/* The first of a name counts, if it is right or not: else mending it would change others. */
	if (!check_first(o, &doc)) {
		conf_item_done(table, doc.item);
		free(doc.item);
		return;
	}
	o->docs = xreallocarray(o->docs, o->n_docs + 1, sizeof *o->docs);
	o->docs[o->n_docs++] = doc;
}

void
openslo_add(struct openslo *o, const char *name, const char *text, size_t len)
{
	struct conf_decode *d = o->b->d;
	struct openslo_file *file;
	struct err err = ERR_INIT;
	struct yaml_file *yaml;

	if (yaml_parse(name, text, len, &yaml, &err) < 0) {
		conf_problem_add(d, err.msg);
		return;
	}
	file = xcalloc(1, sizeof *file);
	file->name = xstrdup(name);
	file->yaml = yaml;
	str_escape_to(file->shown, sizeof file->shown, name);
	file->d = (struct conf_decode){ .name = file->shown, .conf = d->conf,
	    .problems = d->problems };
	o->files = xreallocarray(o->files, o->n_files + 1, sizeof(*o->files));
	o->files[o->n_files++] = file;
	if (yaml->n_docs == 0)
		conf_problem(&file->d, &(struct yaml_node){ .line = 1, .column = 1 },
		    "is empty; documents of OpenSLO are expected");
	for (size_t i = 0; i < yaml->n_docs && !o->is_full; i++)
		add_document(o, file, yaml->docs[i]);
}

/* --- references ------------------------------------------------------------------------------ */

const struct openslo_doc *
openslo_find(const struct openslo *o, enum openslo_kind kind, const char *name)
{
	for (size_t i = 0; i < o->n_docs; i++)
		if (o->docs[i].kind == kind && str_eq(o->docs[i].name, name))
			return &o->docs[i];
	return NULL;
}

static const char *
nearest(const struct openslo *o, enum openslo_kind kind, const char *name)
{
	const char **names = xcalloc(o->n_docs + 1, sizeof *names), *near;
	size_t n = 0;

	for (size_t i = 0; i < o->n_docs; i++)
		if (o->docs[i].kind == kind && o->docs[i].name != NULL)
			names[n++] = o->docs[i].name;
	near = str_nearest(name, names, n);
	free(names);
	return near;
}

const struct openslo_doc *
openslo_follow(struct openslo *o, struct openslo_file *file, const struct yaml_node *node,
    const char *what, enum openslo_kind kind, const char *ref)
{
	const struct openslo_doc *doc = openslo_find(o, kind, ref);
	char shown[SHOWN], near_shown[SHOWN];
	const char *near;

	if (doc != NULL && doc->is_usable)
		return doc;
	str_escape_to(shown, sizeof shown, ref);
	near = doc == NULL ? nearest(o, kind, ref) : NULL;
	if (doc != NULL)
		conf_problem(&file->d, node, "%s: the %s '%s' has a mistake of its own", what,
		    openslo_kinds[kind], shown);
	else if (near != NULL)
		conf_problem(&file->d, node, "%s: there is no %s '%s'; did you mean '%s'?", what,
		    openslo_kinds[kind], shown, str_escape_to(near_shown, sizeof near_shown, near));
	else
		conf_problem(&file->d, node, "%s: there is no %s '%s' in the files that openslo: "
		    "names", what, openslo_kinds[kind], shown);
	return NULL;
}

void
openslo_note_unused(struct openslo_slo *s, const char *where, char *const *unused)
{
	for (size_t i = 0; unused != NULL && unused[i] != NULL; i++)
		buf_printf(&s->unused, "%s%s%s", s->unused.len > 0 ? ", " : "", where, unused[i]);
}

void
openslo_note_object(struct openslo_slo *s, enum openslo_kind kind, const struct os_object *object)
{
	char shown[SHOWN], where[SHOWN + 40];

	if (object->meta == NULL)
		return;
	snprintf(where, sizeof where, "%s '%s': ", openslo_kinds[kind],
	    str_escape_to(shown, sizeof shown, object->meta->name));
	openslo_note_unused(s, where, object->meta->unused);
}

void
openslo_build(struct openslo *o)
{
	for (size_t i = 0; i < o->n_docs; i++)
		if (o->docs[i].kind == OPENSLO_SLO && o->docs[i].is_usable)
			openslo_build_slo(o, &o->docs[i]);
}
