/*
 * The quick way through a log that holds: what a line says by itself (its form, its hash) is checked by as many threads as there are, a block of lines each; that each
 * names the one before is then compared in order, at the seams too. Nothing is judged here: in front of the first line that is not as it should be, this ends, and
 * the careful way goes on from there.
 */
#include "config.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "audit/verify_priv.h"
#include "base/str.h"
#include "base/xalloc.h"

enum {
	BLOCK = 384 << 10,		/* more than the longest line, and small enough for a cache */
	LINE_LEAST = 192,		/* no record is shorter */
	LINES = BLOCK / LINE_LEAST,
	THREADS_MAX = 4,
	SLOTS_MAX = THREADS_MAX + 1
};

enum slot_state { SLOT_EMPTY, SLOT_FILLED, SLOT_TAKEN, SLOT_CHECKED };
struct slot {
	enum slot_state state;
	char *bytes;
	size_t len;
	struct audit_place at;
	struct audit_checked *lines;
	size_t n;			/* of them that hold */
};

struct crew {
	pthread_mutex_t lock;
	pthread_cond_t filled, checked;
	struct slot slots[SLOTS_MAX];
	size_t n_slots, first, n;	/* a ring: [first, first + n) are under way */
	bool is_strict, is_ending;
	pthread_t threads[THREADS_MAX];
	size_t n_threads;
};

/* --- the threads ----------------------------------------------------------------------------------------------------------------------------------- */

/* With the lock held: the oldest that nobody has taken. */
static struct slot *
take(struct crew *c)
{
	for (size_t i = 0; i < c->n; i++) {
		struct slot *s = &c->slots[(c->first + i) % c->n_slots];

		if (s->state == SLOT_FILLED) {
			s->state = SLOT_TAKEN;
			return s;
		}
	}
	return NULL;
}

/* With the lock held, which it gives up meanwhile. */
static void
check(struct crew *c, struct slot *s)
{
	pthread_mutex_unlock(&c->lock);
	s->n = audit_check_lines(s->bytes, s->len, c->is_strict, s->lines, LINES);
	pthread_mutex_lock(&c->lock);
	s->state = SLOT_CHECKED;
	pthread_cond_signal(&c->checked);
}

static void *
crew_thread(void *arg)
{
	struct crew *c = arg;
	struct slot *s;

	pthread_mutex_lock(&c->lock);
	while (!c->is_ending) {
		s = take(c);
		if (s != NULL)
			check(c, s);
		else
			pthread_cond_wait(&c->filled, &c->lock);
	}
	pthread_mutex_unlock(&c->lock);
	return NULL;
}

static size_t
helpers(const struct verify *v)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	size_t n = v->options->threads != 0 ? v->options->threads : cpus > 1 ? (size_t)cpus : 1;

	return (n < THREADS_MAX ? n : THREADS_MAX) - 1;
}

/* Fewer threads than wanted are as good. Signals are the loop's. */
static void
crew_begin(struct crew *c, const struct verify *v)
{
	size_t wanted = helpers(v);
	sigset_t all, before;

	*c = (struct crew){ .is_strict = !v->options->is_chain_only };
	pthread_mutex_init(&c->lock, NULL);
	pthread_cond_init(&c->filled, NULL);
	pthread_cond_init(&c->checked, NULL);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	while (c->n_threads < wanted && pthread_create(&c->threads[c->n_threads], NULL, crew_thread, c) == 0)
		c->n_threads++;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	c->n_slots = c->n_threads > 0 ? c->n_threads + 2 : 1;
	for (size_t i = 0; i < c->n_slots; i++) {
		c->slots[i].bytes = xmalloc(BLOCK);
		c->slots[i].lines = xreallocarray(NULL, LINES, sizeof *c->slots[i].lines);
	}
}

static void
crew_end(struct crew *c)
{
	pthread_mutex_lock(&c->lock);
	c->is_ending = true;
	pthread_cond_broadcast(&c->filled);
	pthread_mutex_unlock(&c->lock);
	for (size_t i = 0; i < c->n_threads; i++)
		pthread_join(c->threads[i], NULL);
	for (size_t i = 0; i < c->n_slots; i++) {
		free(c->slots[i].bytes);
		free(c->slots[i].lines);
	}
	pthread_cond_destroy(&c->filled);
	pthread_cond_destroy(&c->checked);
	pthread_mutex_destroy(&c->lock);
}

/* --- in order ---------------------------------------------------------------------------------------------------------------------------------------- */

/* Reads ahead as far as there is room. 1: there is more. */
static int
fill(struct crew *c, struct verify *v, struct err *err)
{
	int r = 1;

	while (r > 0 && c->n < c->n_slots) {
		struct slot *s = &c->slots[(c->first + c->n) % c->n_slots];

		r = audit_reader_block(v->reader, s->bytes, BLOCK, &s->len, &s->at, err);
		if (r <= 0)
			break;
		pthread_mutex_lock(&c->lock);
		s->state = SLOT_FILLED;
		c->n++;
		pthread_cond_signal(&c->filled);
		pthread_mutex_unlock(&c->lock);
	}
	return r;
}

/* The oldest block, checked: by us when nobody else has it in hand. */
static struct slot *
next(struct crew *c)
{
	struct slot *s = &c->slots[c->first], *mine;

	pthread_mutex_lock(&c->lock);
	while (s->state != SLOT_CHECKED) {
		mine = take(c);
		if (mine != NULL)
			check(c, mine);
		else
			pthread_cond_wait(&c->checked, &c->lock);
	}
	pthread_mutex_unlock(&c->lock);
	return s;
}

static void
drop_first(struct crew *c)
{
	pthread_mutex_lock(&c->lock);
	c->slots[c->first].state = SLOT_EMPTY;
	c->first = (c->first + 1) % c->n_slots;
	c->n--;
	pthread_mutex_unlock(&c->lock);
}

static void
keep_last(struct verify *v, const struct slot *s, size_t n, uint64_t number)
{
	const struct audit_checked *l = &s->lines[n - 1];
	const char *file = audit_reader_file(v->reader, s->at.file, NULL);

	v->last.seq = l->seq;
	memcpy(v->last.prev, l->prev, AUDIT_HASH_HEX);
	memcpy(v->last.hash, l->hash, AUDIT_HASH_HEX);
	v->last_place.line = number;
	v->last_place.offset = (uint64_t)s->at.offset + (uint64_t)(l->line - s->bytes);
	if (file != v->file) {
		str_escape_to(v->last_place.file, sizeof v->last_place.file, file);
		v->file = file;
	}
}

/* How many of its lines follow, each naming the one before. */
static size_t
follow(struct verify *v, const struct slot *s)
{
	const char *hash = v->last.hash;
	uint64_t seq = v->last.seq;
	size_t i;

	for (i = 0; i < s->n; i++) {
		const struct audit_checked *l = &s->lines[i];

		if (l->seq != seq + 1 || memcmp(l->prev, hash, AUDIT_HASH_HEX) != 0)
			break;
		seq = l->seq;
		hash = l->hash;
		verify_count(v, seq, hash, l->type, l->ref);
		verify_tell(v, l->line, l->len, l->type);
	}
	return i;
}

/* true: all of it was as it should be. *number: of the lines of its file that are behind us. */
static bool
consume(struct verify *v, const struct slot *s, uint64_t *number, struct audit_place *ret_at)
{
	size_t n = follow(v, s);
	const char *behind = n == 0 ? s->bytes : s->lines[n - 1].line + s->lines[n - 1].len + 1;

	*number += n;
	if (n > 0)
		keep_last(v, s, n, *number);
	*ret_at = (struct audit_place){ s->at.file, s->at.offset + (behind - s->bytes), *number };
	return behind == s->bytes + s->len;
}

int
verify_blocks(struct verify *v, struct err *err)
{
	struct audit_place at;
	struct crew c;
	bool is_good = true;
	uint64_t number, counted = 0;
	size_t file;
	int r = 1;

	audit_reader_place(v->reader, &at);
	number = at.number;
	file = at.file;
	crew_begin(&c, v);
	while (is_good && r >= 0) {
		struct slot *s;

		if (r > 0)
			r = fill(&c, v, err);
		if (r < 0 || c.n == 0)
			break;
		s = next(&c);
		if (s->at.file != file)
			number = 0;
		file = s->at.file;
		is_good = consume(v, s, &number, &at);
		drop_first(&c);
		if (v->options->progress != NULL && v->report->records - counted > 1 << 16) {
			counted = v->report->records;
			if (!v->options->progress(counted, v->options->arg))
				r = err_set(err, ERR_CANCELLED, "the verification was given up");
		}
	}
	crew_end(&c);
	audit_reader_seek(v->reader, &at);
	return r < 0 ? r : 0;
}
