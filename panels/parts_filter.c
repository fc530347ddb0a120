#include "config.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"
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

/* --- refusing --------------------------------------------------------------------------------------- */

bool
part_filter_is_state(const char *state, const char *value)
{
	for (; *state != '\0' && (*state == *value || (*state == ' ' && *value == '-')); state++)
		value++;
	return *state == '\0' && *value == '\0';
}

static bool
is_known(const char *word, size_t len, const char *const *known)
{
	for (; *known != NULL; known++)
		if (strlen(*known) == len && strncmp(*known, word, len) == 0)
			return true;
	return false;
}

static bool
is_known_state(const char *value, const char *const *states)
{
	for (; *states != NULL; states++)
		if (part_filter_is_state(*states, value))
			return true;
	return false;
}

/* "no state 'foo', only: out-of-step, in-step" */
static void
refuse(const char *what, const char *word, const char *const *known, char *buf, size_t size)
{
	char shown[64];
	size_t len;

	snprintf(buf, size, "no %s '%s', only:", what, str_escape_to(shown, sizeof shown, word));
	for (; *known != NULL; known++) {
		len = strlen(buf);
		snprintf(buf + len, size - len, " %s%s", *known, known[1] != NULL ? "," : "");
		for (; buf[len] != '\0'; len++)
			if (buf[len] == ' ' && buf[len - 1] != ':' && buf[len - 1] != ',')
				buf[len] = '-';
	}
}

const char *
part_filter_refusal(const char *filter, const char *const *keys, const char *const *states, char *buf, size_t size)
{
	char word[WORD_MAX];

	*buf = '\0';
	while (filter != NULL && *(filter += strspn(filter, " ")) != '\0') {
		size_t len = strcspn(filter, " "), bangs = strspn(filter, "!"), kept;
		char *equals;

		bangs = bangs < len ? bangs : len;
		kept = len - bangs < sizeof word ? len - bangs : sizeof word - 1;
		memcpy(word, filter + bangs, kept);
		word[kept] = '\0';
		filter += len;
		equals = strchr(word, '=');
		if (equals == NULL || equals == word)
			continue;
		*equals = '\0';
		if (!is_known(word, (size_t)(equals - word), keys))
			refuse("key", word, keys, buf, size);
		else if (strcmp(word, "state") == 0 && !is_known_state(equals + 1, states))
			refuse("state", equals + 1, states, buf, size);
		if (*buf != '\0')
			break;
	}
	return buf;
}
