/*
 * The objectives of an environment at work: where definitions come from (config, OpenSLO files, rules found in a Prometheus, the log of corrections),
 * their book (insight/slo_book.h) and its rounds.
 *
 * All arithmetic is done in insight's lane of the pool; answers that come meanwhile wait.
 */
#ifndef OPS_SLOS_H
#define OPS_SLOS_H

#include "app.h"
#include "ui/op.h"

struct slos;

struct slos *slos_new(struct app *a);
void slos_free(struct slos *s);
/* Tells the model of the objectives, and begins to ask. */
void slos_start(struct slos *s);
/* Each event of the sources before the model sees it. true: it was about a query of an objective, and not for the model. */
bool slos_event(struct slos *s, const struct event *ev);
/* The shared time range has moved. */
void slos_range(struct slos *s);
/* Queries wanted now; borrowed until the next call of slos_*(). */
size_t slos_wants(const struct slos *s, const struct query_want **ret);
/* true: every objective has been worked out once, or cannot be. */
bool slos_is_settled(const struct slos *s);
/* NULL: no such objective. Borrowed likewise. */
const struct slo_def *slos_find(const struct slos *s, const char *id);
/* Carry out OP_SLO_EXCLUDE or OP_SLO_INCLUDE; how it went follows as EVENT_OPERATION. */
void slos_correct(struct slos *s, const struct op *op);

#endif
