/*
 * What the log stores told of names and values for completion: asked when somebody wants them, kept for minutes, bounded in number. The one that was not looked at for longest makes room.
 */
#ifndef OPS_LOGS_NAMES_H
#define OPS_LOGS_NAMES_H

#include "base/redact.h"
#include "source/log.h"
#include "ui/view.h"

struct logs_names;
typedef void logs_names_cb(void *arg);	/* more is known now */

struct logs_names *logs_names_new(struct sources *s, const struct redact *redact, const struct timerange *range);
void logs_names_free(struct logs_names *t);	/* after the sources, or before anything was asked; NULL is fine */
void logs_names_on_more(struct logs_names *t, logs_names_cb *cb, void *arg);

struct logs_told {
	struct strings names;	/* lent until the next logs_names_get(); what is redacted in lines is not among them */
	bool is_asking;
	const char *error;	/* the last question failed; NULL: it did not */
};
/* What is known now; what is not known, or is old, is asked for. Of w only source, label and selector count: the time is that of the range. */
struct logs_told logs_names_get(struct logs_names *t, const struct log_names_want *w);

#endif
