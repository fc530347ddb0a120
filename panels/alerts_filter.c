#include "config.h"

#include <string.h>

#include "alerts.h"
#include "base/str.h"

static bool
labels_contain(const struct labels *l, const char *word)
{
	for (size_t i = 0; i < l->n; i++)
		if (str_contains(l->v[i].value, word) || str_contains(l->v[i].name, word))
			return true;
	return false;
}

static bool
contains(const void *thing, const char *word)
{
	const struct model_alert *a = thing;

	return str_contains(a->name, word) || str_contains(part_row_word(a), word) ||
	    str_contains(alert_state_name(a->state), word) || (a->is_stale && str_contains("stale", word)) ||
	    labels_contain(a->labels, word) || labels_contain(a->annotations, word);
}

/* state= and severity= also mean what the panel shows in those columns. */
static bool
label_is(const void *thing, const char *name, const char *value)
{
	const struct model_alert *a = thing;

	if (str_eq(labels_get(a->labels, name), value))
		return true;
	if (strcmp(name, "state") == 0)
		return strcmp(part_row_word(a), value) == 0 || strcmp(alert_state_name(a->state), value) == 0;
	if (strcmp(name, "severity") == 0)
		return strcmp(part_severity_word(a), value) == 0;
	return *value == '\0' && labels_get(a->labels, name) == NULL;
}

bool
alerts_filter_matches(const char *filter, const struct model_alert *a)
{
	static const struct part_filter words = { contains, label_is };

	return part_filter_matches(filter, &words, a);
}
