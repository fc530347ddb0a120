/* The panel of hosts, over several files: its state, and what each file does. Private to panels/hosts*.c. */
#ifndef OPS_PANELS_HOSTS_H
#define OPS_PANELS_HOSTS_H

#include "list_detail.h"
#include "panels.h"
#include "parts_models.h"

enum hosts_sort { HOSTS_SORT_GROUP, HOSTS_SORT_STATE, HOSTS_SORT_NAME, HOSTS_SORTS };

struct hosts_counts {
	size_t n, down, wrong, moving, unknown;	/* unknown: whether it answers, or serves what it should */
};
struct hosts_row {
	uint64_t id;			/* of the host in this group, or of the group */
	bool is_header, is_folded;
	char *group;			/* NULL when nothing is grouped; "" in none */
	char *host;			/* NULL: a header */
	size_t index;			/* where it stood when it was listed: looked at first */
	struct hosts_counts counts;	/* header: of those listed below it */
};

struct hosts_panel {
	struct list_detail ld;
	struct hosts_row *rows;
	size_t n_filtered, n_fine;	/* left out by the filter, by is_wrong_only */
	enum hosts_sort sort;
	bool is_wrong_only;
	uint64_t *folded;		/* ids of groups */
	size_t n_folded;
};

/* hosts_rows.c: which there are. */
const char *hosts_sort_name(enum hosts_sort sort);
void hosts_rows_build(struct hosts_panel *s, const struct model *m);
void hosts_rows_done(struct hosts_panel *s);
void hosts_row_toggle(struct hosts_panel *s, uint64_t header);
/* NULL: a header, or it has gone. */
const struct model_host_row *hosts_row_host(const struct hosts_row *row, const struct model *m);
/* host NULL: of the group; group NULL: not grouped. */
uint64_t hosts_id(const char *group, const char *host);
void hosts_count(struct hosts_counts *n, const struct model *m, const struct model_host_row *h);
bool hosts_is_fine(const struct model *m, const struct model_host_row *h);
/* "12 hosts, 1 down, 2 serve another version than they should". buf of size; returns buf. */
const char *hosts_counts_text(const struct hosts_counts *n, char *buf, size_t size);

/* hosts_draw.c: a line for each. */
void hosts_rows_draw(const struct hosts_panel *s, const struct view *v, struct canvas *c);
/* A value's text, and true when it is too old to be of now. buf of NUM_TEXT_MAX. */
bool hosts_value_text(const struct view *v, const struct host_value *value, char *buf);

/* hosts_detail.c: all that is known of one. */
void hosts_detail_draw(struct pen *p, const struct view *v, const struct model_host_row *h);

#endif
