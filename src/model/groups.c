/*
 * Notification groups: which of them hold an alert.
 *
 * A group names its alerts by fingerprint, which only the Alertmanager that gave it is sure to mean the same by: of two members of a
 * cluster the groups count that come from the one whose alert is believed.
 */
#include "config.h"

#include <string.h>

#include "base/str.h"
#include "model/hindex.h"
#include "model/model_priv.h"

static uint64_t
fingerprint_hash(const char *fingerprint, const char *source)
{
	return str_hash(source, strlen(source), str_hash(fingerprint, strlen(fingerprint) + 1, STR_HASH_SEED));
}

/* Two routes may lead to one receiver by the same labels: one line about it is enough. */
static bool
has_group(const struct model_alert *row, const struct alert_group *group)
{
	for (size_t i = 0; i < row->n_groups; i++)
		if (strcmp(row->groups[i]->receiver, group->receiver) == 0 && labels_equal(&row->groups[i]->labels, &group->labels))
			return true;
	return false;
}

static void
row_add_group(struct arena *mem, struct model_alert *row, const struct alert_group *group)
{
	size_t n = row->n_groups;

	if (n == ALERT_GROUPS_MAX || has_group(row, group))
		return;
	/* Room for 1, 2, 4.. of them. */
	if ((n & (n - 1)) == 0) {
		const struct alert_group **v = arena_alloc(mem, (n == 0 ? 1 : 2 * n) * sizeof *v);

		if (n > 0)
			memcpy(v, row->groups, n * sizeof *v);
		row->groups = v;
	}
	row->groups[row->n_groups++] = group;
}

static void
collect_set(struct alerts_view *v, const struct hindex *rows, const struct group_set *set, const char *source)
{
	for (size_t i = 0; i < set->n; i++) {
		const struct strings *fingerprints = &set->v[i].fingerprints;

		for (size_t j = 0; j < fingerprints->n; j++) {
			uint32_t at = hindex_get(rows, fingerprint_hash(fingerprints->v[j], source));

			if (at != HINDEX_NONE && strcmp(v->rows[at].am->fingerprint, fingerprints->v[j]) == 0)
				row_add_group(&v->groups, &v->rows[at], &set->v[i]);
		}
	}
}

void
groups_collect(const struct model *m, struct alerts_view *v)
{
	struct hindex rows;

	if (!model_groups_known(m))
		return;
	hindex_init(&rows, v->n);
	for (size_t i = 0; i < v->n; i++)
		if (v->rows[i].am != NULL && v->rows[i].am->fingerprint != NULL)
			hindex_set(&rows, fingerprint_hash(v->rows[i].am->fingerprint, v->rows[i].am_source), (uint32_t)i);
	for (size_t i = 0; i < m->n_sources; i++)
		if (m->sources[i]->pub.groups != NULL)
			collect_set(v, &rows, m->sources[i]->pub.groups, m->sources[i]->pub.name);
	hindex_done(&rows);
}

bool
model_groups_known(const struct model *m)
{
	for (size_t i = 0; i < m->n_sources; i++)
		if (m->sources[i]->pub.groups != NULL)
			return true;
	return false;
}
