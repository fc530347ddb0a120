/* The panel of objectives, over several files: its state, and what each file does. Private to panels/slo*.c. */
#ifndef OPS_PANELS_SLO_H
#define OPS_PANELS_SLO_H

#include "base/clock.h"
#include "list_detail.h"
#include "panels.h"
#include "parts_slo.h"

enum slo_sort { SLO_SORT_URGENT, SLO_SORT_LEFT, SLO_SORT_NAME, SLO_SORTS };

struct slo_panel {
	struct list_detail ld;
	char **rows;			/* ids of the objectives listed */
	size_t n_total;			/* without the filter */
	enum slo_sort sort;
	uint64_t correction;		/* of the selected objective, the one that would be taken back; 0: the one logged last */
	bool is_wanted;			/* that correction is to be scrolled into view */
	bool is_seen;			/* all of it is on the screen */
	bool has_corrections;		/* the objective whose details are shown */
};
/* The correction that would be taken back, and where it stands: rows from the top of the detail. */
struct slo_chosen {
	const struct slo_correction *correction;	/* NULL: there is none */
	int y, h;
};

/* slo_rows.c: which there are, and a line for each. */
const char *slo_sort_name(enum slo_sort sort);
void slo_rows_build(struct slo_panel *s, const struct part_slos *slos);
void slo_rows_done(struct slo_panel *s);
uint64_t slo_hash(const char *id);
void slo_rows_draw(const struct slo_panel *s, const struct view *v, const struct part_slos *slos, struct canvas *c);

/* slo_detail.c: all that is known of one; slo_rates.c and slo_burndown.c: parts of it. */
void slo_detail_draw(struct pen *p, const struct view *v, const struct part_slos *slos, const struct model_slo *m,
    struct slo_chosen *chosen);
void slo_detail_rates(struct pen *p, const struct view *v, const struct model_slo *m);
void slo_detail_burndown(struct pen *p, const struct view *v, const struct model_slo *m);
void slo_detail_spends(struct pen *p, const struct model_slo *m);
/* "2030-01-01 02:13Z–02:28Z": a stretch, with seconds only where it has some. buf of SLO_STRETCH_MAX; returns buf. */
enum { SLO_STRETCH_MAX = 2 * CLOCK_TEXT_MAX + 8 };
const char *slo_stretch(int64_t start_ns, int64_t end_ns, char *buf);
/* Events, slices or samples: what the objective counts. */
const char *slo_counts_what(const struct slo_def *def);

/* slo_acts.c: what can be done about it; each gives an op. */
struct op *slo_act_graph(const struct model_slo *m);
struct op *slo_act_alert(const struct model_slo *m);
struct op *slo_act_exclude(const struct model_slo *m);
struct op *slo_act_include(const struct view *v, const struct model_slo *m, const struct slo_correction *correction);
/* Which share of the budget went in a stretch, by the burn-down: about what comes back when it does not count. NaN: not known;
 * 0 outside the window. */
double slo_spent_in(const struct model_slo *m, int64_t start_ns, int64_t end_ns);
/* "about 12% of the budget", or that it is not known. buf of size; returns buf. */
const char *slo_spent_text(const struct model_slo *m, int64_t start_ns, int64_t end_ns, char *buf, size_t size);

#endif
