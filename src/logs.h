/*
 * Logs at work: what is asked of the stores (followed live, history over the shared range, searches), filters and patterns worked out in workers, alerts mapped to queries.
 */
#ifndef OPS_LOGS_H
#define OPS_LOGS_H

#include "app.h"
#include "insight/log_complete.h"
#include "logs_names.h"
#include "model/log.h"

struct logs;
struct logs *logs_new(struct app *a);	/* NULL where no log store is configured; all others take NULL */
void logs_free(struct logs *l);		/* after pool_stop() */
void logs_start(struct logs *l);
void logs_stop(struct logs *l);		/* before pool_stop(): nothing new begins */
void logs_range(struct logs *l);	/* the shared range or its cursor changed */
bool logs_event(struct logs *l, const struct event *ev);	/* true: taken (it is not for the model as it is) */
void logs_turn(struct logs *l);
/* The filter as typed: worked out in the background, an EVENT_LOG_VIEW follows, the last one of several in a row counts. */
void logs_filter(struct logs *l, const char *query);
/* Ask the stores themselves; what they answer comes in among the lines. ERR_INVALID, ERR_NOTFOUND. */
int logs_search(struct logs *l, const char *query, struct err *err);
/* The next page before what is held. ERR_NOTFOUND: nothing to ask. */
int logs_older(struct logs *l, struct err *err);
/* The query for an alert's lines, by the config's map (logs: alerts:), else by labels that streams have too; NULL and err: none fits. malloc()ed. Their time is asked for. */
char *logs_for_alert(struct logs *l, const struct model_alert *alert, struct err *err);
void logs_patterns_wanted(struct logs *l, bool is_wanted);
/* What the filter shows as JSON lines, in the background: written beside and put in its place, never over a file that is there. path NULL: a name by the time, in the current folder. cb once, later: err->code 0 or ERR_IO. */
typedef void logs_saved_cb(const char *path, size_t n, const struct err *err, void *arg);
int logs_save(struct logs *l, const char *path, logs_saved_cb *cb, void *arg, struct err *err);
/* What searches and saving have to say. NULL ends it. */
typedef void logs_say_cb(bool is_error, const char *text, void *arg);
void logs_on_say(struct logs *l, logs_say_cb *cb, void *arg);
/* What can stand at a place of a query: known words at once, whatever was typed of them; what the stores have beside it is asked for, and told by the callback. */
struct logs_offers {
	struct arena mem;
	struct log_complete at;
	struct strings words;
	bool is_failed;
	char note[256];		/* "asking loki"; "loki: .." why it told nothing; "" */
};
/* l NULL: nothing is asked. view: where m holds no lines, as in a replay. */
void logs_offer(struct logs *l, const struct model *m, const struct log_view *view, const char *text, size_t at, struct logs_offers *ret);
void logs_offers_done(struct logs_offers *o);
void logs_on_names(struct logs *l, logs_names_cb *cb, void *arg);
/* true: every store was asked once, or failed, and what came was looked at. */
bool logs_is_settled(const struct logs *l);

#endif
