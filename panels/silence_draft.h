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

enum { SILENCE_LISTED_MAX = 32 };	/* more than a dialog has rows */

struct silence_check {
	bool is_tried;			/* false: a regex cannot be tried here, so what it hides is not known: hides and listed are empty */
	struct alert_counts hides;	/* alerts known now that it matches */
	size_t n_listed;
	uint64_t listed[SILENCE_LISTED_MAX];	/* ids of the first of them */
	size_t n_alerts;		/* that are known */
	size_t n_firing, n_firing_hidden;
	bool is_known;			/* whether any source tells of alerts */
	char refusal[200];		/* why it must not be made, "" when it may */
	char warning[200];		/* what to think about first, "" nothing */
};
/* What s hides: tries its matchers on every alert, so it is asked again only when silence_preview_key() has changed. */
void silence_preview(const struct silence *s, const struct view *v, struct silence_check *ret_check);
/* Of the matchers and of all that an answer depends on in the model; never 0. */
uint64_t silence_preview_key(const struct silence *s, const struct view *v);
/* Fills refusal and warning in, which also depend on the time: judges matchers, length and what the preview found. */
void silence_judge(const struct silence *s, const struct view *v, struct silence_check *k);
/* "2 firing, 1 pending", "none", or that it is not known. buf of size; returns buf. */
const char *silence_hides_text(const struct silence_check *k, char *buf, size_t size);

#endif
