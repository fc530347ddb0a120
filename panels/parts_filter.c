#include "config.h"

#include <string.h>

#include "parts.h"

enum { WORD_MAX = 256 };

static bool
word_matches(const struct part_filter *f, const char *word, const void *thing)
{
	const char *equals;
	char name[WORD_MAX];

	if (*word == '!')
		return word[1] == '\0' || !word_matches(f, word + 1, thing);
	equals = strchr(word, '=');
	if (equals == NULL || equals == word)
		return f->contains(thing, word);
	memcpy(name, word, (size_t)(equals - word));
	name[equals - word] = '\0';
	return f->is(thing, name, equals + 1);
}

bool
part_filter_matches(const char *filter, const struct part_filter *f, const void *thing)
{
	char word[WORD_MAX];

	if (filter == NULL)
		return true;
	while (*(filter += strspn(filter, " ")) != '\0') {
		size_t len = strcspn(filter, " "), kept = len < sizeof word ? len : sizeof word - 1;

		memcpy(word, filter, kept);
		word[kept] = '\0';
		if (!word_matches(f, word, thing))
			return false;
		filter += len;
	}
	return true;
}
