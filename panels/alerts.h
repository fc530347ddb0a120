/* The alerts panel, over several files: its state, and what each file does. Private to panels/alerts*.c. */
#ifndef OPS_PANELS_ALERTS_H
#define OPS_PANELS_ALERTS_H

#include "list_detail.h"
#include "panels.h"

enum alerts_group { GROUP_NONE, GROUP_NAME, GROUP_SERVICE, GROUP_SEVERITY, GROUP_NOTIFICATION, GROUPS };
enum alerts_sort { SORT_WORST, SORT_NEWEST, SORT_NAME, SORTS };
enum { ALERTS_COLLAPSED_MAX = 64, NOTIFICATION_MAX = 1 << 14 };

struct alerts_row {
	uint64_t id;			/* of the alert, or of the group */
	bool is_header, is_collapsed;
	char *key;			/* header: value all of the group share; "" when they lack it */
	struct alert_counts counts;	/* header */
};

struct alerts {
	struct list_detail ld;
	struct alerts_row *rows;
	enum alerts_group group;
	enum alerts_sort sort;
	bool is_muted_hidden;		/* silenced and inhibited ones */
	size_t n_total, n_filtered, n_muted;	/* all; left out by the filter, by is_muted_hidden */
	struct alert_counts counts;	/* of all */
	uint64_t collapsed[ALERTS_COLLAPSED_MAX];
	int n_collapsed;
	/* The selected row vanished by itself, and what stands there now was not chosen: an ack, which asks nothing, must not take it. */
	bool is_slid;
	bool is_rearranged;		/* a key changed what is listed: then the selection may move */
	/* The list of silences instead */
	bool is_silences;
	struct list silences;
	uint64_t *silence_ids;
	int n_silences;
};

/* alerts_filter.c: words that must all be found, !word must not be, label=value exactly. */
bool alerts_filter_matches(const char *filter, const struct model_alert *a);

/* alerts_rows.c */
const char *alerts_group_name(enum alerts_group group);
const char *alerts_sort_name(enum alerts_sort sort);
void alerts_rows_build(struct alerts *s, const struct model *m);
void alerts_rows_done(struct alerts *s);
void alerts_row_toggle(struct alerts *s, uint64_t header);
const struct alerts_row *alerts_row_selected(const struct alerts *s);
/* {service="web"} to oncall: a notification group as Alertmanager shows it. Escaped. */
void alerts_notification_text(struct buf *out, const struct alert_group *group);
/* The first alert below that header when grouped by notification; NULL when they have no group. */
const struct model_alert *alerts_notification_first(const struct alerts_row *header, const struct model *m);
/* NULL when a header, or nothing, is selected. */
const struct model_alert *alerts_selected(const struct alerts *s, const struct view *v);

/* alerts_detail.c */
void alerts_detail(struct pen *p, const struct view *v, const struct model_alert *a);
/* It is one of the alerts that tell of this objective. */
bool alerts_tells_of(const struct model_alert *a, const struct slo_def *d);

/* alerts_silences.c */
uint64_t alerts_silence_id(const struct model_silence *s);
const struct model_silence *alerts_silence_selected(const struct alerts *s, const struct view *v);
void alerts_silences_arrange(struct alerts *s, const struct view *v, int h);
void alerts_silences_draw(const struct alerts *s, const struct view *v, struct canvas *c);

/* alerts_acts.c: what can be done about them; each gives an op or says why not. */
struct op *alerts_act_ack(const struct alerts *s, const struct view *v);
struct op *alerts_act_silence(const struct alerts *s, const struct view *v);
struct op *alerts_act_expire(const struct alerts *s, const struct view *v);
struct op *alerts_act_budget(const struct alerts *s, const struct view *v);
struct op *alerts_act_edit(const struct alerts *s, const struct view *v);

#endif
