/*
 * A silence as a person writes it: matchers as text, and what a draft would do. Pure; Alertmanager's own answer counts in the
 * end, this is so that nobody hides a page by mistake.
 */
#ifndef OPS_PANELS_SILENCE_DRAFT_H
#define OPS_PANELS_SILENCE_DRAFT_H

#include "base/err.h"
#include "parts.h"

/*
 * name="value", name!=.., name=~"regex", name!~..; the value may stand without quotes when nothing follows it. In quotes \" \\ \n
 * \xHH (a byte) and \u{HEX} are read. Text lives in arena. ERR_SYNTAX says at which character.
 */
int matcher_parse(const char *text, struct arena *arena, struct matcher *ret_matcher, struct err *err);

struct silence_check {
	struct alert_counts hides;	/* alerts known now that it matches */
	size_t n_alerts;		/* that are known */
	size_t n_firing, n_firing_hidden;
	bool is_known;			/* whether any source tells of alerts */
	char refusal[200];		/* why it must not be made, "" when it may */
	char warning[200];		/* what to think about first, "" nothing */
};
/* Judges matchers and length; starts_ns and ends_ns of s count, its comment does not. */
void silence_check(const struct silence *s, const struct view *v, struct silence_check *ret_check);
/* Would s mute the alert? */
bool silence_hides(const struct silence *s, const struct model_alert *a);

#endif
