/*
 * Drift at work in one environment: definitions from the config, training profiles from the registry or from files, the book's queries asked and its arithmetic done in
 * insight's lane of the pool.
 */
#ifndef OPS_DRIFTS_H
#define OPS_DRIFTS_H

#include "app.h"

struct drifts;

/* NULL when no model of the environment has drift: all other functions take that. */
struct drifts *drifts_new(struct app *a);
void drifts_free(struct drifts *d);
/* Tells the model of the definitions, and begins to ask. */
void drifts_start(struct drifts *d);
/* Each event of the sources before the model sees it. true: it was about a query of drift, and not for the model. */
bool drifts_event(struct drifts *d, const struct event *ev);
/* A registry has answered: versions that should serve and profiles may have changed. */
void drifts_look(struct drifts *d);
/* The shared time range has moved. */
void drifts_range(struct drifts *d);
/* Queries wanted now; borrowed until the next call of drifts_*(). */
size_t drifts_wants(const struct drifts *d, const struct query_want **ret);
/* true: every definition has been worked out once, or cannot be. */
bool drifts_is_settled(const struct drifts *d);

#endif
