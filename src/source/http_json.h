/* Registries of any shape: what the config declares (struct conf_registry), and their items into drafts. Used
 * by the chain in http_json.c. */
#ifndef OPS_SOURCE_HTTP_JSON_H
#define OPS_SOURCE_HTTP_JSON_H

#include "conf/conf.h"
#include "source/registry_draft.h"

enum shape_field {
	SHAPE_ITEMS,
	SHAPE_NAME,
	SHAPE_MODEL_DESCRIPTION,
	SHAPE_MODEL_CREATED,
	SHAPE_MODEL_UPDATED,
	SHAPE_MODEL_TAGS,
	SHAPE_MODEL_ALIASES,
	SHAPE_VERSIONS,
	SHAPE_VERSION,
	SHAPE_STAGE,
	SHAPE_STATUS,
	SHAPE_BY,
	SHAPE_DESCRIPTION,
	SHAPE_URI,
	SHAPE_RUN,
	SHAPE_CREATED,
	SHAPE_UPDATED,
	SHAPE_ALIASES,
	SHAPE_TAGS,
	SHAPE_PARAMS,
	SHAPE_METRICS,
	SHAPE_ALIAS_NAME,
	SHAPE_ALIAS_VERSION,
	SHAPE_PAIR_KEY,
	SHAPE_PAIR_VALUE,
	SHAPE_PAGE_NEXT,
	SHAPE_PAGE_TOKEN,
	SHAPE_FIELDS
};
struct shape {
	/* As declared, NULL not; paths point into these texts. */
	const char *text[SHAPE_FIELDS];
	struct jpath path[SHAPE_FIELDS];
	/* Requests. */
	const char *list, *versions_list, *page_param;
	int64_t page_first, page_size;
};

/* In a. ERR_INVALID, ERR_SYNTAX with the name of the member that is wrong. */
int shape_new(struct arena *a, const struct conf_registry *conf, const struct shape **ret, struct err *err);
bool shape_has(const struct shape *s, enum shape_field field);
/* NULL: not declared, or nothing there. */
const json_t *shape_get(const struct shape *s, enum shape_field field, const json_t *json);
/* "versions: 'builds' is an object; a list is expected" */
int shape_wrong(
    const struct shape *s, enum shape_field field, const json_t *found, const char *expected, struct err *err);

/* The same of what has to be in `in`, with the members that are there. */
int shape_missing(
    const struct shape *s, enum shape_field field, const json_t *in, const char *expected, struct err *err);

struct shape_item {		/* what became of an item */
	size_t model;		/* SIZE_MAX: it is one too many */
	bool is_known;		/* it was there before */
};
/* An item of the list, as a model with its versions or as one version. seen: of versions that stand alone,
 * keeps which were there. */
int shape_read_item(struct draft *d, const struct shape *s, const json_t *item, json_t *seen,
    struct shape_item *ret, struct err *err);
/* The list of versions of model at; those that make no sense are left out with a note. */
int shape_read_versions(struct draft *d, const struct shape *s, size_t at, const json_t *list, struct err *err);

/* The path of the next page, behind the url: from a link in the answer to path. malloc()ed. ERR_INVALID: it
 * leads elsewhere. */
int shape_link(const char *url, const char *path, const char *link, char **ret, struct err *err);

#endif
