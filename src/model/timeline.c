/* The timeline: its entries, what has begun and not ended, and what of it was known at a past time. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "model/timeline_priv.h"

enum { ID_MAX = 400, WHAT_MAX = 200, TEXT_MAX = 500, BY_MAX = 120, ROOM = TIMELINE_MAX / 16 };

/* --- one entry --------------------------------------------------------------------------------------------------------- */

static uint64_t
id_hash(const char *id, bool is_end)
{
	return str_hash(&is_end, sizeof is_end, str_hash(id, strlen(id), STR_HASH_SEED));
}

/* How many bytes of s are kept: not more than max, and no half of a character. */
static size_t
cut(const char *s, size_t max)
{
	size_t len = strnlen(s, max + 1);

	if (len <= max)
		return len;
	for (len = max; len > 0 && ((unsigned char)s[len] & 0xC0) == 0x80; len--)
		;
	return len;
}

static const char *
put(char **to, const char *s, size_t len)
{
	char *at = *to;

	memcpy(at, s, len);
	at[len] = '\0';
	*to += len + 1;
	return at;
}

struct tl_item *
tl_item_new(const struct timeline_entry *e)
{
	size_t id = cut(e->id, ID_MAX), what = cut(e->what, WHAT_MAX), text = cut(e->text, TEXT_MAX), by = cut(e->by, BY_MAX);
	struct tl_item *item = xmalloc(sizeof *item + id + what + text + by + 4);
	char *bytes = (char *)(item + 1);

	item->refs = 1;
	item->entry = *e;
	item->entry.id = put(&bytes, e->id, id);
	item->entry.what = put(&bytes, e->what, what);
	item->entry.text = put(&bytes, e->text, text);
	item->entry.by = put(&bytes, e->by, by);
	item->hash = id_hash(item->entry.id, e->is_end);
	return item;
}

struct tl_item *
tl_item_ref(struct tl_item *item)
{
	item->refs++;
	return item;
}

void
tl_item_unref(struct tl_item *item)
{
	if (--item->refs == 0)
		free(item);
}

int64_t
timeline_since(int64_t since_ns, int64_t known_ns)
{
	return since_ns <= 0 || since_ns > known_ns ? known_ns : since_ns;
}

/* --- finding one ---------------------------------------------------------------------------------------------------------- */

static void
index_add(struct tl_index *x, const struct tl_item *item)
{
	if (x->n == x->cap) {
		x->cap = x->cap == 0 ? 64 : x->cap * 2;
		x->v = xreallocarray(x->v, x->cap, sizeof *x->v);
	}
	x->v[x->n] = (struct tl_same){ item, hindex_set(&x->heads, item->hash, (uint32_t)x->n) };
	x->n++;
}

static void
index_done(struct tl_index *x)
{
	hindex_done(&x->heads);
	free(x->v);
	*x = (struct tl_index){ 0 };
}

static void
index_build(struct timeline *t)
{
	index_done(&t->index);
	hindex_init(&t->index.heads, t->n);
	for (size_t i = 0; i < t->n; i++)
		index_add(&t->index, t->v[i]);
	t->index.is_valid = true;
}

const struct tl_item *
timeline_find(struct timeline *t, const char *id, bool is_end, int64_t at_ns, int64_t slack_ns)
{
	uint32_t i;

	if (!t->index.is_valid)
		index_build(t);
	for (i = hindex_get(&t->index.heads, id_hash(id, is_end)); i != HINDEX_NONE; i = t->index.v[i].next) {
		const struct timeline_entry *e = &t->index.v[i].item->entry;

		if (e->is_end == is_end && strcmp(e->id, id) == 0 && e->at_ns >= clock_within(at_ns) - slack_ns && e->at_ns <= clock_within(at_ns) + slack_ns)
			return t->index.v[i].item;
	}
	return NULL;
}

/* --- all of them -------------------------------------------------------------------------------------------------------------- */

/* What sources tell again and again, so that what made room must be known for it. */
static bool
is_told_again(enum timeline_kind kind)
{
	return kind == TIMELINE_CHANGE;
}

bool
timeline_is_left_out(const struct timeline *t, int64_t at_ns)
{
	return t->n_left_out > 0 && at_ns <= t->left_out_until_ns;
}

static void
make_room(struct timeline *t)
{
	for (size_t i = 0; i < ROOM; i++) {
		const struct timeline_entry *e = &t->v[i]->entry;

		if ((is_told_again(e->kind) || e->is_backfilled) && e->at_ns > t->left_out_until_ns)
			t->left_out_until_ns = e->at_ns;
		tl_item_unref(t->v[i]);
	}
	t->n -= ROOM;
	memmove(t->v, t->v + ROOM, t->n * sizeof(struct tl_item *));
	t->n_left_out += ROOM;
	t->index.is_valid = false;
}

static void
put_at(struct model *m, struct tl_item *item, size_t from_end)
{
	struct timeline *t = m->timeline;
	size_t at;

	if (t->n == TIMELINE_MAX)
		make_room(t);
	if (t->n == t->cap) {
		t->cap = t->cap == 0 ? 64 : t->cap * 2;
		t->v = xreallocarray(t->v, t->cap, sizeof(struct tl_item *));
	}
	at = from_end > t->n ? 0 : t->n - from_end;
	memmove(&t->v[at + 1], &t->v[at], (t->n - at) * sizeof(struct tl_item *));
	t->v[at] = item;
	t->n++;
	t->generation++;
	if (t->index.is_valid)
		index_add(&t->index, item);
	m->changes |= MODEL_TIMELINE;
}

void
timeline_append(struct model *m, struct tl_item *item)
{
	put_at(m, item, 0);
}

static int64_t
place_ns(const struct tl_item *item)
{
	return item->entry.is_backfilled ? item->entry.at_ns : item->entry.known_ns;
}

void
timeline_insert(struct model *m, struct tl_item *item)
{
	const struct timeline *t = m->timeline;
	size_t from_end = 0;

	while (from_end < t->n && place_ns(t->v[t->n - 1 - from_end]) > place_ns(item))
		from_end++;
	put_at(m, item, from_end);
}

void
timeline_set_seq(struct model *m, const char *id, bool is_end, uint64_t seq)
{
	struct timeline *t = m->timeline;
	uint64_t hash = id_hash(id, is_end);

	for (size_t i = t->n; i-- > 0;) {
		struct tl_item *old = t->v[i];
		struct timeline_entry e = old->entry;

		if (old->hash != hash || e.is_end != is_end || strcmp(e.id, id) != 0)
			continue;
		if (e.seq != 0)
			return;
		e.seq = seq;
		t->v[i] = tl_item_new(&e);
		tl_item_unref(old);
		t->index.is_valid = false;
		t->generation++;
		m->changes |= MODEL_TIMELINE;
		return;
	}
}

static void
entries_clear(struct timeline *t)
{
	for (size_t i = 0; i < t->n; i++)
		tl_item_unref(t->v[i]);
	t->n = 0;
	t->n_left_out = 0;
	t->left_out_until_ns = 0;
	t->index.is_valid = false;
	t->generation++;
}

void
timeline_reset(struct timeline *t)
{
	if (t != NULL)
		timeline_clear(t);
}

void
timeline_clear(struct timeline *t)
{
	entries_clear(t);
	tracks_done(&t->alerts);
	tracks_done(&t->others);
	t->has_alerts_changed = t->has_models_changed = t->is_quiet = false;
}

/* --- what has begun -------------------------------------------------------------------------------------------------------------- */

void
tracks_done(struct tl_tracks *t)
{
	for (size_t i = 0; i < t->n; i++)
		tl_item_unref(t->v[i].begin);
	free(t->v);
	*t = (struct tl_tracks){ 0 };
}

void
tracks_add(struct tl_tracks *t, struct tl_item *begin, unsigned state)
{
	if (t->n == t->cap) {
		t->cap = t->cap == 0 ? 16 : t->cap * 2;
		t->v = xreallocarray(t->v, t->cap, sizeof *t->v);
	}
	t->v[t->n++] = (struct tl_track){ .begin = begin, .state = state };
}

void
tracks_remove(struct tl_tracks *t, size_t i)
{
	tl_item_unref(t->v[i].begin);
	memmove(&t->v[i], &t->v[i + 1], (--t->n - i) * sizeof *t->v);
}

void
tracks_index(const struct tl_tracks *t, enum timeline_kind kind, struct hindex *ret)
{
	hindex_init(ret, t->n);
	for (size_t i = 0; i < t->n; i++)
		if (t->v[i].begin->entry.kind == kind)
			hindex_set(ret, id_hash(t->v[i].begin->entry.id, false), (uint32_t)i);
}

size_t
tracks_find(const struct tl_tracks *t, const struct hindex *index, enum timeline_kind kind, const char *id)
{
	uint32_t at = t->n == 0 ? HINDEX_NONE : hindex_get(index, id_hash(id, false));

	if (at == HINDEX_NONE)
		return SIZE_MAX;
	if (at < t->n && t->v[at].begin->entry.kind == kind && strcmp(t->v[at].begin->entry.id, id) == 0)
		return at;
	for (size_t i = 0; i < t->n; i++)	/* two of one hash, or one was removed since */
		if (t->v[i].begin->entry.kind == kind && strcmp(t->v[i].begin->entry.id, id) == 0)
			return i;
	return SIZE_MAX;
}

/* --- a life ------------------------------------------------------------------------------------------------------------------------ */

struct timeline *
timeline_new(void)
{
	struct timeline *t = xcalloc(1, sizeof *t);

	t->is_watching = true;
	return t;
}

void
timeline_free(struct timeline *t)
{
	if (t == NULL)
		return;
	timeline_clear(t);
	index_done(&t->index);
	free(t->v);
	free(t);
}

static void
tracks_copy(struct tl_tracks *to, const struct tl_tracks *from)
{
	to->n = to->cap = from->n;
	to->v = xreallocarray(NULL, from->n, sizeof *to->v);
	for (size_t i = 0; i < from->n; i++) {
		to->v[i] = from->v[i];
		tl_item_ref(to->v[i].begin);
	}
}

/* Those of from that were known at t. */
static void
entries_copy(struct timeline *to, const struct timeline *from, int64_t t_ns)
{
	if (to->cap < from->n) {
		to->cap = from->n;
		to->v = xreallocarray(to->v, to->cap, sizeof(struct tl_item *));
	}
	for (size_t i = 0; i < from->n; i++)
		if (from->v[i]->entry.known_ns <= t_ns)
			to->v[to->n++] = tl_item_ref(from->v[i]);
	to->n_left_out = from->n_left_out;
	to->left_out_until_ns = from->left_out_until_ns;
}

void
timeline_clone(struct model *to, const struct model *from)
{
	const struct timeline *t = from->timeline;

	if (t == NULL)
		return;
	to->timeline = xcalloc(1, sizeof *to->timeline);
	to->timeline->is_watching = t->is_watching;
	to->timeline->has_alerts_changed = t->has_alerts_changed;
	to->timeline->has_models_changed = t->has_models_changed;
	to->timeline->is_quiet = t->is_quiet;
	to->timeline->alerts_ns = t->alerts_ns;
	to->timeline->models_ns = t->models_ns;
	entries_copy(to->timeline, t, INT64_MAX);
	tracks_copy(&to->timeline->alerts, &t->alerts);
	tracks_copy(&to->timeline->others, &t->others);
}

static size_t
n_known(const struct timeline *t, int64_t t_ns)
{
	size_t n = 0;

	for (size_t i = 0; i < t->n; i++)
		n += t->v[i]->entry.known_ns <= t_ns;
	return n;
}

void
timeline_lend(struct model *to, const struct model *from, int64_t t_ns)
{
	struct timeline *t = to->timeline;

	if (from->timeline == NULL)
		return;
	timeline_settle((struct model *)from);
	if (t == NULL)
		t = to->timeline = xcalloc(1, sizeof *t);
	if (t->lent_from == from->timeline && t->lent_generation == from->timeline->generation && t->n == n_known(from->timeline, t_ns))
		return;
	entries_clear(t);
	entries_copy(t, from->timeline, t_ns);
	t->lent_from = from->timeline;
	t->lent_generation = from->timeline->generation;
	to->changes |= MODEL_TIMELINE;
}

/* --- for the reader ------------------------------------------------------------------------------------------------------------------ */

/* What follows from events is worked out when somebody asks, as all that is derived. */
static const struct timeline *
settled(const struct model *m)
{
	if (m->timeline != NULL)
		timeline_settle((struct model *)m);
	return m->timeline;
}

size_t
model_n_timeline(const struct model *m)
{
	const struct timeline *t = settled(m);

	return t == NULL ? 0 : t->n;
}

const struct timeline_entry *
model_timeline(const struct model *m, size_t i)
{
	return &settled(m)->v[i]->entry;
}

size_t
model_timeline_left_out(const struct model *m)
{
	const struct timeline *t = settled(m);

	return t == NULL ? 0 : t->n_left_out;
}
