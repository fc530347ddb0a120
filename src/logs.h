/*
 * Logs at work: what is asked of the stores (followed live, history over the shared range, searches), filters and patterns worked out in workers, alerts mapped to queries.
 */
#ifndef OPS_LOGS_H
#define OPS_LOGS_H

#include "app.h"
#include "model/log.h"

struct logs;
struct logs *logs_new(struct app *a);	/* NULL where no log store is configured */
void logs_free(struct logs *l);
void logs_start(struct logs *l);
void logs_range(struct logs *l);	/* the shared range or its cursor changed */
bool logs_event(struct logs *l, const struct event *ev);	/* true: taken (it is not for the model as it is) */
void logs_turn(struct logs *l);
/* The filter as typed: worked out in the background, an EVENT_LOG_VIEW follows, the last one of several in a row counts. */
void logs_filter(struct logs *l, const char *query);
/* Ask the stores themselves. */
int logs_search(struct logs *l, const char *query, struct err *err);
void logs_older(struct logs *l);	/* the next page before what is held */
/* The query for an alert's lines, by the config's map (logs: alerts:), else by labels that streams have too; NULL and err: none fits. malloc()ed. */
char *logs_for_alert(struct logs *l, const struct model_alert *alert, struct err *err);
void logs_patterns(struct logs *l, bool is_wanted);
/* What the filter shows (all of it, or the marked ones) as JSON lines. ERR_IO. Returns how many by ret_n. Written beside and renamed. */
int logs_save(struct logs *l, const char *path, size_t *ret_n, struct err *err);
/* true: every store was asked once, or failed. */
bool logs_is_settled(const struct logs *l);

#endif
