#include "config.h"

#include <string.h>

#include "alerts.h"
#include "base/str.h"
#include "base/xalloc.h"

enum { WORD_MAX = 256 };

static bool
labels_contain(const struct labels *l, const char *word)
{
	for (size_t i = 0; i < l->n; i++)
		if (str_contains(l->v[i].value, word) || str_contains(l->v[i].name, word))
			return true;
	return false;
}

static bool
contains(const struct model_alert *a, const char *word)
{
	return str_contains(a->name, word) || str_contains(part_row_word(a), word) ||
	    str_contains(alert_state_name(a->state), word) || (a->is_stale && str_contains("stale", word)) ||
	    labels_contain(a->labels, word) || labels_contain(a->annotations, word);
}

/* state= and severity= also mean what the panel shows in those columns. */
static bool
label_is(const struct model_alert *a, const char *name, const char *value)
{
	if (str_eq(labels_get(a->labels, name), value))
		return true;
	if (strcmp(name, "state") == 0)
		return strcmp(part_row_word(a), value) == 0 || strcmp(alert_state_name(a->state), value) == 0;
	if (strcmp(name, "severity") == 0)
		return strcmp(part_severity_word(a), value) == 0;
	return *value == '\0' && labels_get(a->labels, name) == NULL;
}

static bool
word_matches(const char *word, const struct model_alert *a)
{
	const char *equals;
	char name[WORD_MAX];

	if (*word == '!')
		return word[1] == '\0' || !word_matches(word + 1, a);
	equals = strchr(word, '=');
	if (equals == NULL || equals == word)
		return contains(a, word);
	memcpy(name, word, (size_t)(equals - word));
	name[equals - word] = '\0';
	return label_is(a, name, equals + 1);
}

bool
alerts_filter_matches(const char *filter, const struct model_alert *a)
{
	char word[WORD_MAX];

	if (filter == NULL)
		return true;
	while (*(filter += strspn(filter, " ")) != '\0') {
		size_t len = strcspn(filter, " "), kept = len < sizeof word ? len : sizeof word - 1;

		memcpy(word, filter, kept);
		word[kept] = '\0';
		if (!word_matches(word, a))
			return false;
		filter += len;
	}
	return true;
}
