/*
 * Writing to a registry: pure, bytes in both directions, for whoever moves an alias (runbooks, later). Always read again before writing: the caller compares
 * what is there with what was planned, and refuses when somebody else was faster (set-alias is last-write-wins on the server).
 */
#ifndef OPS_SOURCE_REGISTRY_WRITE_H
#define OPS_SOURCE_REGISTRY_WRITE_H

#include "conf/conf.h"
#include "source/source.h"

enum registry_change_kind { REGISTRY_ALIAS, REGISTRY_STAGE, REGISTRY_TAG };
struct registry_change {
	enum registry_change_kind kind;
	const char *model;
	const char *name;	/* alias, stage, or key of the tag */
	const char *version;	/* alias, stage: where it moves to; tag: of this version. NULL: alias is taken away; tag of the model */
	const char *value;	/* of a tag; NULL: taken away */
};
struct registry_write_ops {
	/* Reads what change is about to change. */
	int (*read)(const struct conf_source *conf, const struct registry_change *change, struct request *ret, struct err *err);
	/* ret_now: the version (or tag's value) there is now, malloc()ed; NULL: none. */
	int (*read_answer)(const struct registry_change *change, const struct answer *answer, const char *body, size_t len, char **ret_now, struct err *err);
	int (*write)(const struct conf_source *conf, const struct registry_change *change, struct request *ret, struct err *err);
	int (*write_answer)(const struct registry_change *change, const struct answer *answer, const char *body, size_t len, struct err *err);
};
/* By type of source; NULL: it cannot be written to. */
const struct registry_write_ops *registry_write_find(const char *type);

#endif
