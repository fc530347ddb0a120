/*
 * Models and hosts of an environment at work: hosts put together from the config and from targets, what is asked of registries and of who serves, and
 * what moved between two looks at a registry.
 */
#ifndef OPS_MODELS_H
#define OPS_MODELS_H

#include "app.h"

struct models;

struct models *models_new(struct app *a);
void models_free(struct models *m);
/* Tells the model of the hosts, and the sources of what to ask. */
void models_start(struct models *m);
/* Each event of the sources before the model sees it. true: it was the answer to a model's expression, and not for the model. */
bool models_event(struct models *m, const struct event *ev);
/* The id of the query that says who serves a model: "serving:NAME"; NULL when it is asked over HTTP. Borrowed. */
const char *models_query(const struct models *m, size_t i);
/* The same over a range, which says since when: "serving-since:NAME". */
const char *models_past_query(const struct models *m, size_t i);

#endif
