/* Between the parts of the OpenSLO reader. */
#ifndef OPS_CONF_OPENSLO_PRIV_H
#define OPS_CONF_OPENSLO_PRIV_H

#include "base/buf.h"
#include "conf/conf_slo_build.h"
#include "conf/openslo.h"
#include "conf/openslo_tables.h"

struct openslo_file {
	char *name;
	struct yaml_file *yaml;		/* items point into it */
	struct conf_decode d;		/* problems of this file */
	char shown[200];
};

struct openslo_doc {
	struct openslo_file *file;
	enum openslo_kind kind;
	const struct yaml_node *node;
	const char *name;		/* in node */
	void *item;			/* of the kind's table; begins with a struct os_object */
	bool is_usable;			/* else its mistakes have been told */
};

struct openslo {
	struct slo_build *b;
	struct openslo_file **files;
	size_t n_files;
	struct openslo_doc *docs;
	size_t n_docs;
	bool is_full;			/* there were too many, which has been told */
};

/* An SLO on its way to be definitions, one for each of its objectives. */
struct openslo_slo {
	struct openslo *o;
	struct openslo_doc *doc;
	struct slo_def def;		/* what all objectives share */
	bool has_rules;			/* else the usual ones hold */
	struct buf unused;		/* fields that mean nothing here, for a note */
};

/* The document that ref names, or NULL with a problem at node, which stands in file. what: the
 * field that refers. */
const struct openslo_doc *openslo_follow(struct openslo *o, struct openslo_file *file,
    const struct yaml_node *node, const char *what, enum openslo_kind kind, const char *ref);
const struct openslo_doc *openslo_find(const struct openslo *o, enum openslo_kind kind,
    const char *name);
/* The member of a map where it stands, else the map. */
const struct yaml_node *openslo_at(const struct yaml_node *map, const char *key);
/* Fields of an object that the SLO rests on. where: "" for the SLO itself, "SLI 'x': ". */
void openslo_note_unused(struct openslo_slo *s, const char *where, char *const *unused);
/* The same for an object with its metadata. */
void openslo_note_object(struct openslo_slo *s, enum openslo_kind kind,
    const struct os_object *object);

/* "1d", "4w": how many of m h d w M Q Y. false: it is none. */
bool openslo_shorthand(const char *text, int *ret_n, char *ret_unit);
/* Its length where months have 30, quarters 90 and years 365 days. false: none, or too long. */
bool openslo_duration(const char *text, int64_t *ret_ns);

/* What an indicator must be by itself; problems go to d. */
bool openslo_check_sli(struct conf_decode *d, const struct os_sli *sli);
bool openslo_check_condition(struct conf_decode *d, const struct os_condition *c);
/* Fill in s->def's indicator and source. false: with problems. (openslo_metric.c) */
bool openslo_set_indicator(struct openslo_slo *s);
/* Its rules. false: with problems. (openslo_rules.c) */
bool openslo_set_rules(struct openslo_slo *s);
/* All objectives of one SLO document. (openslo_def.c) */
void openslo_build_slo(struct openslo *o, struct openslo_doc *doc);

#endif
