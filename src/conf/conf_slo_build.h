/*
 * Definitions of objectives as they come in, from the short form and from OpenSLO files.
 *
 * Both forms fill in a struct slo_def by the same helpers, so that windows, rules and defaults
 * mean the same in both.
 */
#ifndef OPS_CONF_CONF_SLO_BUILD_H
#define OPS_CONF_CONF_SLO_BUILD_H

#include "conf/conf_calendar.h"
#include "conf/conf_table.h"
#include "model/slo.h"

#define NS_PER_DAY (24 * NS_PER_HOUR)

struct slo_build {
	struct conf_decode *d;		/* of opsconsole.yaml; its list has all files' problems */
	const struct yaml_node *env_node;
	const struct conf_environment *env;
	struct slo_def_set *set;	/* its arena holds what definitions point to */
	struct slo_def *v;
	size_t n;
	bool is_full;
	/* The calendar that was reckoned last: objectives of one team tend to share one. */
	struct calendar calendar;
	const int64_t *bounds;		/* NULL: none yet */
	size_t n_bounds;
};

extern const char slo_note_raw[];	/* of a ratio that comes ready made */

/* A copy in the arena; NULL stays NULL. */
const char *slo_build_text(struct slo_build *b, const char *s);
const char *slo_build_printf(struct slo_build *b, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* One more thing that a reader must know. */
void slo_build_note(struct slo_build *b, struct slo_def *def, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* "FILE:LINE:COLUMN", without the folder. */
const char *slo_build_where(struct slo_build *b, const char *file, unsigned line, unsigned column);

/* The windows of a calendar from two years back (100 days where a window is shorter than a week) to
 * 400 days ahead. false: with a problem at node. */
bool slo_build_calendar(struct slo_build *b, struct conf_decode *d, const struct yaml_node *node,
    const struct calendar *calendar, struct slo_def *def);
/* By name, as struct labels wants them; v is in the arena. */
void slo_build_set_labels(struct slo_def *def, struct label *v, size_t n);
/* The Workbook's rules for the definition's period, slices and resolution. */
void slo_build_default_rules(struct slo_build *b, struct slo_def *def);
/* Worst severity first, then by factor. */
void slo_build_sort_rules(struct slo_rule *v, size_t n);
/* Fewer bad events than this do not fire where nothing else is said: 3 of events that are counted.
 * Slices and samples come at their own pace, whatever the traffic, and may be bad in part. */
double slo_build_min_bad(const struct slo_def *def);
/* What rules, slices and windows must be to each other. burns: what the rules are called in the
 * file. false: with a problem at node. */
bool slo_build_check(struct slo_build *b, struct conf_decode *d, const struct yaml_node *node,
    const char *burns, const struct slo_def *def);
/* Take def (its strings in the arena). false: its name is taken, or there are too many, with a
 * problem at node. */
bool slo_build_add(struct slo_build *b, struct conf_decode *d, const struct yaml_node *node,
    const struct slo_def *def);

/* The short form (conf_slo_short.c). */
void slo_build_short(struct slo_build *b, const struct conf_slo *s, const struct yaml_node *node);
/* A classic or native histogram as PromQL for events up to a bound (conf_slo_select.c). err: a
 * sentence without position. */
int slo_build_histogram(struct slo_build *b, const char *selector, double bound, bool is_native,
    const char **ret_good, const char **ret_total, struct err *err);

#endif
