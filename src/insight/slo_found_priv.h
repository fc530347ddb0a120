/* What the finders of Sloth's and of Pyrra's objectives share. Private to slo_found. */
#ifndef OPS_INSIGHT_SLO_FOUND_PRIV_H
#define OPS_INSIGHT_SLO_FOUND_PRIV_H

#include "base/clock.h"
#include "insight/slo_found.h"
#include "insight/slo_found_expr.h"

#define FOUND_DAY_NS (24 * NS_PER_HOUR)

enum { FOUND_NOTES_MAX = 16, FOUND_NOTE_MAX = 400, FOUND_RULES_MAX = 32 };

/* One objective's rules, in the order in which Prometheus has them. */
struct found_rules {
	size_t n;
	const struct rule *const *v;
};
/* The objective in the making. */
struct found {
	struct arena *arena;	/* of the set */
	struct slo_def def;
	size_t n_notes;
	const char *notes[FOUND_NOTES_MAX];
	size_t n_rules;
	struct slo_rule rules[FOUND_RULES_MAX];
};

/* A sentence for the reader; the same one only once. */
void found_note(struct found *f, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
const char *found_join(struct arena *arena, const char *a, const char *b);
/* What r says as "vector(X)" or a number, rounded to what it was before it went through binary: 0.9990000000000001 is 0.999. */
bool found_constant(const struct rule *r, double *ret);
/* The first recording rule of that name; NULL without one. */
const struct rule *found_recorded(const struct found_rules *rules, const char *name);
/*
 * The recording rule over the shortest window whose name ends in infix and a window (ret_duration: its text). One whose labels have not but them of an
 * objective (a rule that takes its labels from others) does not count. NULL without one.
 */
const struct rule *found_shortest(const struct found_rules *rules, const char *infix, const char **ret_duration);

/*
 * The indicator, from the rule that records the error ratio over duration: two sums, or (with a note) the recorded ratio itself, selected by
 * name and label="value".
 */
void found_indicator(struct found *f, const struct rule *ratio, const char *duration, const char *label, const char *value);
/* Objective and window, when they are possible: a target within (0, 1), a window of a second to ten years. */
bool found_target(struct found *f, double target);
bool found_period(struct found *f, double seconds);
/* Take the burn rates of an alert over, with this severity; its factors follow from the target. false, and a note: it says something else. */
bool found_alert(struct found *f, const struct rule *alert, const char *infix, enum severity severity);
/* The rules in their order; the Workbook's, with a note, when there were none. */
void found_finish_rules(struct found *f, const char *whose);

/* One objective out of all rules that belong to one id. false: too little is known (the debug log says what). */
bool found_sloth(struct found *f, const char *id, const struct found_rules *rules);
bool found_pyrra(struct found *f, const char *slo, const struct found_rules *rules);

/* To whom a rule belongs: the value of sloth_id, or Pyrra's slo; NULL: to nobody. In the rule's own block or the arena. */
const char *found_sloth_id(const struct rule *r, struct arena *arena);
const char *found_pyrra_slo(const struct rule *r);

#endif
