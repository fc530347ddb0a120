/* Which rows the list of alerts has: filtered, sorted, grouped, groups folded. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "alerts.h"
#include "base/str.h"
#include "base/xalloc.h"

struct pick {
	const struct model_alert *alert;
	const char *key;	/* of its group */
	size_t order;		/* among all, by the sort in force */
	size_t group_order;	/* order of the first one of its group */
};

const char *
alerts_group_name(enum alerts_group group)
{
	static const char *const names[GROUPS] = { "none", "name", "service", "severity", "notification" };

	return names[group];
}

const char *
alerts_sort_name(enum alerts_sort sort)
{
	static const char *const names[SORTS] = { "worst first", "newest first", "by name" };

	return names[sort];
}

/* --- notification groups ----------------------------------------------------------------------- */

void
alerts_notification_text(struct buf *out, const struct alert_group *group)
{
	buf_addch(out, '{');
	for (size_t i = 0; i < group->labels.n; i++) {
		const struct label *l = &group->labels.v[i];

		buf_addstr(out, i > 0 ? ", " : "");
		part_matcher(out, &(struct matcher){ .name = l->name, .value = l->value, .is_equal = true });
	}
	buf_addstr(out, "} to ");
	str_escape(out, group->receiver, strlen(group->receiver));
}

/* Is it certain that no group holds it? An Alertmanager that has not been heard may well have sent it on. */
static bool
notifies_nobody(const struct model *m, const struct model_alert *a)
{
	return a->am == NULL && (a->state == ALERT_PENDING || model_groups_known(m) || !part_has_alertmanager(m));
}

/* An alert that several groups hold stands under the first one. Of one that Alertmanager tells of, the group may come later, or
 * never from an old server. */
static const char *
notification_key(const struct model *m, const struct model_alert *a, struct arena *mem)
{
	const char *key;
	struct buf b;

	if (a->n_groups == 0)
		return notifies_nobody(m, a) ? "" : "(group not known)";
	buf_init(&b, NOTIFICATION_MAX);
	alerts_notification_text(&b, a->groups[0]);
	key = arena_strndup(mem, b.data, b.len);
	buf_done(&b);
	return key;
}

const struct model_alert *
alerts_notification_first(const struct alerts_row *header, const struct model *m)
{
	const struct model_alert *found = NULL;
	struct arena mem = ARENA_INIT;

	for (size_t i = 0; i < model_n_alerts(m) && found == NULL; i++) {
		const struct model_alert *a = model_alert(m, i);

		if (a->n_groups > 0 && strcmp(notification_key(m, a, &mem), header->key) == 0)
			found = a;
	}
	arena_done(&mem);
	return found;
}

/* --- keys of groups ---------------------------------------------------------------------------- */

/* What is not in the alert itself comes from mem. */
static const char *
key_of(const struct model *m, const struct model_alert *a, enum alerts_group group, struct arena *mem)
{
	const char *key = "";

	switch (group) {
	case GROUP_NAME:
		key = a->name;
		break;
	case GROUP_SERVICE:
		key = labels_get(a->labels, "service");
		key = key != NULL ? key : labels_get(a->labels, "job");
		break;
	case GROUP_SEVERITY:
		key = part_severity_word(a);
		break;
	case GROUP_NOTIFICATION:
		key = notification_key(m, a, mem);
		break;
	case GROUP_NONE: case GROUPS:
		break;
	}
	return key != NULL ? key : "";
}

/* --- sorting: ties keep the model's order, so that nothing jumps about ------------------------- */

static int
by_order(const void *a, const void *b)
{
	const struct pick *x = a, *y = b;

	return (x->order > y->order) - (x->order < y->order);
}

static int
by_newest(const void *a, const void *b)
{
	const struct pick *x = a, *y = b;

	if (x->alert->since_ns != y->alert->since_ns)
		return x->alert->since_ns < y->alert->since_ns ? 1 : -1;
	return by_order(a, b);
}

static int
by_name(const void *a, const void *b)
{
	const struct pick *x = a, *y = b;
	int r = strcmp(x->alert->name, y->alert->name);

	return r != 0 ? r : by_order(a, b);
}

static int
by_key(const void *a, const void *b)
{
	const struct pick *x = a, *y = b;
	int r = strcmp(x->key, y->key);

	return r != 0 ? r : by_order(a, b);
}

static int
by_group(const void *a, const void *b)
{
	const struct pick *x = a, *y = b;

	if (x->group_order != y->group_order)
		return x->group_order < y->group_order ? -1 : 1;
	return by_order(a, b);
}

static void
sort_picks(struct pick *v, size_t n, enum alerts_sort sort, bool is_grouped)
{
	if (sort == SORT_NEWEST)
		qsort(v, n, sizeof *v, by_newest);
	else if (sort == SORT_NAME)
		qsort(v, n, sizeof *v, by_name);
	for (size_t i = 0; i < n; i++)
		v[i].order = i;
	if (!is_grouped)
		return;
	qsort(v, n, sizeof *v, by_key);
	for (size_t i = 0; i < n; i++)
		v[i].group_order = i > 0 && strcmp(v[i].key, v[i - 1].key) == 0 ? v[i - 1].group_order : v[i].order;
	qsort(v, n, sizeof *v, by_group);
}

/* --- rows -------------------------------------------------------------------------------------- */

static bool
is_collapsed(const struct alerts *s, uint64_t header)
{
	for (int i = 0; i < s->n_collapsed; i++)
		if (s->collapsed[i] == header)
			return true;
	return false;
}

void
alerts_row_toggle(struct alerts *s, uint64_t header)
{
	for (int i = 0; i < s->n_collapsed; i++) {
		if (s->collapsed[i] == header) {
			s->collapsed[i] = s->collapsed[--s->n_collapsed];
			return;
		}
	}
	if (s->n_collapsed == ALERTS_COLLAPSED_MAX) {
		memmove(&s->collapsed[0], &s->collapsed[1], sizeof s->collapsed - sizeof s->collapsed[0]);
		s->n_collapsed--;
	}
	s->collapsed[s->n_collapsed++] = header;
}

static uint64_t
header_id(enum alerts_group group, const char *key)
{
	uint64_t h = str_hash(&group, sizeof group, STR_HASH_SEED);

	h = str_hash(key, strlen(key), h);
	return h != 0 ? h : 1;
}

static struct alerts_row *
add_header(struct alerts *s, const char *key)
{
	struct alerts_row *row = &s->rows[s->ld.n++];

	row->id = header_id(s->group, key);
	row->is_header = true;
	row->key = xstrdup(key);
	row->is_collapsed = is_collapsed(s, row->id);
	return row;
}

static void
add_rows(struct alerts *s, const struct pick *v, size_t n)
{
	struct alerts_row *header = NULL;

	s->rows = xcalloc(2 * n, sizeof *s->rows);	/* at most a header each */
	for (size_t i = 0; i < n; i++) {
		if (s->group != GROUP_NONE && (i == 0 || v[i].group_order != v[i - 1].group_order))
			header = add_header(s, v[i].key);
		if (header != NULL)
			part_count(&header->counts, v[i].alert->state);
		if (header == NULL || !header->is_collapsed)
			s->rows[s->ld.n++].id = v[i].alert->id;
	}
	s->ld.ids = xcalloc((size_t)s->ld.n, sizeof *s->ld.ids);
	for (int i = 0; i < s->ld.n; i++)
		s->ld.ids[i] = s->rows[i].id;
}

void
alerts_rows_done(struct alerts *s)
{
	for (int i = 0; i < s->ld.n; i++)
		free(s->rows[i].key);
	free(s->rows);
	s->rows = NULL;
	list_detail_clear(&s->ld);
}

void
alerts_rows_build(struct alerts *s, const struct model *m)
{
	size_t n = 0, n_total = m != NULL ? model_n_alerts(m) : 0;
	struct pick *v = xcalloc(n_total, sizeof *v);
	struct arena keys = ARENA_INIT;

	alerts_rows_done(s);
	s->n_total = n_total;
	s->n_filtered = s->n_muted = 0;
	s->counts = (struct alert_counts){ 0 };
	for (size_t i = 0; i < n_total; i++) {
		const struct model_alert *a = model_alert(m, i);

		part_count(&s->counts, a->state);
		if (!alerts_filter_matches(s->ld.filter, a)) {
			s->n_filtered++;
		} else if (s->is_muted_hidden && (a->state == ALERT_SILENCED || a->state == ALERT_INHIBITED)) {
			s->n_muted++;
		} else {
			v[n] = (struct pick){ .alert = a, .key = key_of(m, a, s->group, &keys), .order = n };
			n++;
		}
	}
	sort_picks(v, n, s->sort, s->group != GROUP_NONE);
	add_rows(s, v, n);
	arena_done(&keys);
	free(v);
}

const struct alerts_row *
alerts_row_selected(const struct alerts *s)
{
	return list_detail_selected(&s->ld) >= 0 ? &s->rows[s->ld.list.selected] : NULL;
}

const struct model_alert *
alerts_selected(const struct alerts *s, const struct view *v)
{
	const struct alerts_row *row = alerts_row_selected(s);

	return row != NULL && !row->is_header && v->model != NULL ? model_alert_find(v->model, row->id) : NULL;
}
