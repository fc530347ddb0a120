/* The panel of models, over several files: its state, and what each file does. Private to panels/models*.c. */
#ifndef OPS_PANELS_MODELS_H
#define OPS_PANELS_MODELS_H

#include "list_detail.h"
#include "panels.h"
#include "parts_drift.h"
#include "parts_models.h"

enum models_sort { MODELS_SORT_WORST, MODELS_SORT_NAME, MODELS_SORTS };

struct models_row {
	uint64_t id;
	bool is_other;			/* a registry has it, the config does not name it */
	size_t index;			/* where it stood when it was listed: looked at first */
	char *key;			/* id of the model; name of an other one */
	char *source;			/* of an other one */
};
/* What a row stands for. */
struct models_item {
	const struct model_model *m;	/* NULL: an other one */
	const struct reg_model *reg;	/* NULL: not known */
	const char *name, *source;
};

struct models_panel {
	struct list_detail ld;		/* until somebody selected a row it is the worst */
	struct models_row *rows;
	size_t n_filtered, n_fine;	/* left out by the filter, by is_wrong_only */
	int n_drift_lines;		/* of the rows in sight, how many tell of drift below their model */
	enum models_sort sort;
	bool is_wrong_only;
	int64_t past_ns;		/* the time that was shown; 0: now */
	/* Of the selected model; forgotten when another one is selected. */
	uint64_t of;			/* its id */
	char *chosen;			/* version; NULL: the one that should serve */
	char *marked;			/* version to compare with; NULL: none */
	bool is_following;		/* scroll so that the chosen one is to be seen */
	char *left, *right;		/* versions side by side; NULL: none are */
	bool is_same_shown;
};

/* models_rows.c: which there are, and a line for each. */
const char *models_sort_name(enum models_sort sort);
void models_rows_build(struct models_panel *s, const struct model *m);
void models_rows_done(struct models_panel *s);
void models_rows_draw(const struct models_panel *s, const struct view *v, struct canvas *c);
/* How many of the rows have a line about what has drifted below them, where there is room for all. */
int models_drift_lines(const struct models_panel *s, const struct view *v);
/* false: it has gone. */
bool models_item_find(const struct models_row *row, const struct model *m, struct models_item *ret);
bool models_selected(const struct models_panel *s, const struct view *v, struct models_item *ret);
uint64_t models_id(const char *source, const char *key);

/* models_detail.c: all that is known of one. table_rows: how many versions are seen at once; ret_chosen_y (may be NULL):
 * the row of the chosen one. */
void models_detail_draw(struct pen *p, const struct view *v, const struct models_panel *s,
    const struct models_item *item, int table_rows, int *ret_chosen_y);

/* models_versions.c: the versions of one, and all of the chosen one. */
int models_chosen_index(const struct models_panel *s, const struct models_item *item);	/* -1: it has no versions */
void models_versions_draw(struct pen *p, const struct view *v, const struct models_panel *s,
    const struct models_item *item, int table_rows, int *ret_chosen_y);
void models_version_facts(struct pen *p, const struct view *v, const struct models_item *item,
    const struct reg_version *version);

/* models_online.c: what an offline metric came to when it served. */
enum models_freshness { MODELS_NO_VALUE, MODELS_OLD_VALUE, MODELS_FRESH_VALUE };
enum models_freshness models_online(const struct view *v, const struct online_def *def, const char *version,
    double *ret_value);
/* "0.902", "~0.902" when it is old, "?" when there is none. buf of NUM_TEXT_MAX; returns buf. */
const char *models_online_text(const struct view *v, const struct online_def *def, const char *version, char *buf);
const struct reg_metric *models_metric(const struct reg_version *v, const char *name);	/* NULL: it has none */
const char *models_number(double value, char *buf);	/* buf of NUM_TEXT_MAX; returns buf */

/* models_compare.c: two versions side by side. */
bool models_compare_pick(const struct models_panel *s, const struct models_item *item, const char **ret_left,
    const char **ret_right);
void models_compare_draw(struct pen *p, const struct view *v, const struct models_panel *s,
    const struct models_item *item);

#endif
