/*
 * From a name to its lines: plain names by a table, wildcards and hashed names by trying each.
 *
 * What was found for a name is remembered (a host is asked for the types known and then for its key), for as many names as a run may have hosts.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/xalloc.h"
#include "ssh/known_hosts_priv.h"

enum { MEMO_SLOTS = 8192, MEMO_FULL = 4096 };

static void
push(uint32_t **v, size_t *n, size_t *cap, uint32_t line)
{
	if (*n == *cap) {
		*cap = *cap > 0 ? *cap * 2 : 64;
		*v = xreallocarray(*v, *cap, sizeof **v);
	}
	(*v)[(*n)++] = line;
}

static uint32_t
name_hash(const char *s, size_t len)
{
	return (uint32_t)str_hash(s, len, STR_HASH_SEED);
}

/* --- plain names ------------------------------------------------------------------------------ */

static void
bucket_add(struct known_hosts *kh, uint32_t at)
{
	size_t b = kh->names[at].hash & (kh->n_buckets - 1);

	kh->names[at].next = 0;
	if (kh->buckets[b] == 0)
		kh->buckets[b] = at + 1;
	else
		kh->names[kh->tails[b] - 1].next = at + 1;
	kh->tails[b] = at + 1;
}

static void
buckets_grow(struct known_hosts *kh)
{
	kh->n_buckets = kh->n_buckets > 0 ? kh->n_buckets * 2 : 256;
	free(kh->buckets);
	free(kh->tails);
	kh->buckets = xcalloc(kh->n_buckets, sizeof *kh->buckets);
	kh->tails = xcalloc(kh->n_buckets, sizeof *kh->tails);
	for (uint32_t i = 0; i < kh->n_names; i++)
		bucket_add(kh, i);
}

static void
name_add(struct known_hosts *kh, uint32_t hash, uint32_t line)
{
	if (kh->n_names == kh->cap_names) {
		kh->cap_names = kh->cap_names > 0 ? kh->cap_names * 2 : 64;
		kh->names = xreallocarray(kh->names, kh->cap_names, sizeof *kh->names);
	}
	kh->names[kh->n_names] = (struct known_name){ .hash = hash, .line = line };
	if (kh->n_names++ >= kh->n_buckets)
		buckets_grow(kh);
	else
		bucket_add(kh, (uint32_t)(kh->n_names - 1));
}

void
known_index_add(struct known_hosts *kh, uint32_t line)
{
	const struct known_line *l = &kh->lines[line];

	if (l->is_hashed) {
		push(&kh->hashed, &kh->n_hashed, &kh->cap_hashed, line);
		return;
	}
	if (known_list_is_wild(l->names)) {
		push(&kh->wild, &kh->n_wild, &kh->cap_wild, line);
		return;
	}
	for (const char *p = l->names;; p++) {
		size_t len = strcspn(p, ",");

		name_add(kh, name_hash(p, len), line);
		p += len;
		if (*p == '\0')
			break;
	}
}

/* --- looking ---------------------------------------------------------------------------------- */

static int
compare_lines(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

/* A line that lists a name twice is there twice. */
static void
sort_unique(struct known_memo *m)
{
	size_t n = 0;

	if (m->n == 0)
		return;
	qsort(m->lines, m->n, sizeof *m->lines, compare_lines);
	for (size_t i = 1; i < m->n; i++)
		if (m->lines[i] != m->lines[n])
			m->lines[++n] = m->lines[i];
	m->n = n + 1;
}

static void
look(const struct known_hosts *kh, struct known_memo *m)
{
	uint32_t hash = name_hash(m->name, strlen(m->name)), next;
	struct known_hasher *h;
	size_t cap = 0;

	for (next = kh->n_buckets > 0 ? kh->buckets[hash & (kh->n_buckets - 1)] : 0; next != 0; next = kh->names[next - 1].next) {
		const struct known_name *n = &kh->names[next - 1];

		/* A line that lists a name a million times is read once. */
		if (m->n > 0 && m->lines[m->n - 1] == n->line)
			continue;
		if (n->hash == hash && known_list_matches(kh->lines[n->line].names, m->name))
			push(&m->lines, &m->n, &cap, n->line);
	}
	for (size_t i = 0; i < kh->n_wild; i++)
		if (known_list_matches(kh->lines[kh->wild[i]].names, m->name))
			push(&m->lines, &m->n, &cap, kh->wild[i]);
	if (kh->n_hashed > 0) {
		h = known_hasher_new(m->name);
		for (size_t i = 0; i < kh->n_hashed; i++)
			if (known_hasher_matches(h, &kh->lines[kh->hashed[i]]))
				push(&m->lines, &m->n, &cap, kh->hashed[i]);
		known_hasher_free(h);
	}
	sort_unique(m);
}

void
known_index_forget(struct known_hosts *kh)
{
	for (size_t i = 0; kh->memos != NULL && i < MEMO_SLOTS; i++) {
		free(kh->memos[i].name);
		free(kh->memos[i].lines);
	}
	free(kh->memos);
	kh->memos = NULL;
	kh->n_memos = 0;
}

const uint32_t *
known_index_find(const struct known_hosts *kh, const char *name, size_t *ret_n)
{
	/* What is remembered changes no answer, so asking stays const. */
	struct known_hosts *k = (struct known_hosts *)(uintptr_t)kh;
	size_t i = name_hash(name, strlen(name)) % MEMO_SLOTS;

	if (k->n_memos >= MEMO_FULL)
		known_index_forget(k);
	if (k->memos == NULL)
		k->memos = xcalloc(MEMO_SLOTS, sizeof *k->memos);
	while (k->memos[i].name != NULL && strcmp(k->memos[i].name, name) != 0)
		i = (i + 1) % MEMO_SLOTS;
	if (k->memos[i].name == NULL) {
		k->memos[i].name = xstrdup(name);
		k->n_memos++;
		look(kh, &k->memos[i]);
	}
	*ret_n = k->memos[i].n;
	return k->memos[i].lines;
}

void
known_index_done(struct known_hosts *kh)
{
	known_index_forget(kh);
	free(kh->wild);
	free(kh->hashed);
	free(kh->names);
	free(kh->buckets);
	free(kh->tails);
}
