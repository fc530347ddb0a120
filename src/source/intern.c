#include "config.h"

#include "source/intern.h"

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"

enum { CAP_FIRST = 256, PROBES_MAX = 32, LEN_MAX = 4096 };

void
intern_init(struct intern *t, struct arena *arena)
{
	*t = (struct intern){ .arena = arena };
}

void
intern_done(struct intern *t)
{
	free(t->v);
	t->v = NULL;
	t->n = t->cap = 0;
}

/* Eight bytes at a time: labels are most of a vector's bytes. Nothing depends on the hash being hard to guess, see PROBES_MAX. */
static uint32_t
hash_of(const char *s, size_t len)
{
	const uint64_t k = UINT64_C(0x9e3779b97f4a7c15);
	uint64_t h = len * k, word;

	for (; len >= sizeof word; s += sizeof word, len -= sizeof word) {
		memcpy(&word, s, sizeof word);
		h = (h ^ word) * k;
		h ^= h >> 29;
	}
	word = 0;
	memcpy(&word, s, len);
	h = (h ^ word) * k;
	/* A product's low bits do not depend on its factors' high ones: the last bytes of a text. */
	h = (h ^ h >> 32) * k;
	return (uint32_t)(h >> 32);
}

char *
text_copy(struct arena *a, const char *s, size_t len)
{
	size_t i, n = 0;
	char *copy, *p;

	if (memchr(s, '\0', len) == NULL)
		return arena_strndup(a, s, len);
	for (i = 0; i < len; i++)
		n += s[i] == '\0';
	copy = p = arena_alloc(a, len + 2 * n + 1);
	for (i = 0; i < len; i++)
		if (s[i] == '\0')
			p = (char *)memcpy(p, "\xe2\x90\x80", 3) + 3;
		else
			*p++ = s[i];
	return copy;
}

static void
grow(struct intern *t)
{
	struct intern_entry *old = t->v;
	size_t n = t->cap, i, at;

	t->cap = n == 0 ? CAP_FIRST : n * 2;
	t->v = xcalloc(t->cap, sizeof *t->v);
	for (i = 0; i < n; i++) {
		if (old[i].text == NULL)
			continue;
		at = old[i].hash & (t->cap - 1);
		while (t->v[at].text != NULL)
			at = (at + 1) & (t->cap - 1);
		t->v[at] = old[i];
	}
	free(old);
}

const char *
intern_text(struct intern *t, const char *text, size_t len)
{
	uint32_t hash;
	size_t at;
	int probe;

	if (len == 0)
		return "";
	if (len > LEN_MAX)
		return text_copy(t->arena, text, len);
	if (t->n * 2 >= t->cap)
		grow(t);
	hash = hash_of(text, len);
	at = hash & (t->cap - 1);
	for (probe = 0; probe < PROBES_MAX; probe++) {
		struct intern_entry *e = &t->v[at];

		if (e->text == NULL) {
			*e = (struct intern_entry){ text_copy(t->arena, text, len), (uint32_t)len, hash };
			t->n++;
			return e->text;
		}
		if (e->hash == hash && e->len == len && memcmp(e->text, text, len) == 0)
			return e->text;
		at = (at + 1) & (t->cap - 1);
	}
	return text_copy(t->arena, text, len);
}
