/*
 * How much goes into one request of a source. Nobody says how much a server can do, so it is
 * learned.
 *
 * What was refused as too much while the server is well lowers the ceiling, for an hour. Where all
 * fails together (a server that is gone, or one that cannot do any of it in time) less is asked the
 * next time; when all is well again it doubles back to the ceiling, and each time that fails at
 * once it waits twice as long before it tries again.
 */
#include "config.h"

#include "insight/slo_book_priv.h"

#include "base/clock.h"

enum { PATIENCE_MAX = 64, CALM_ROUNDS = 240 };

void
limit_init(struct limit *l, unsigned max)
{
	*l = (struct limit){ .now = max, .ceiling = max, .max = max, .patience = 1 };
}

void
limit_learn(struct limit *l, size_t n, int64_t now_ns)
{
	unsigned half = n > 1 ? (unsigned)n / 2 : 1;

	if (half < l->now)
		l->now = half;
	if (half < l->ceiling) {
		l->ceiling = half;
		l->learned_ns = now_ns;
	}
}

void
limit_doubt(struct limit *l, size_t n)
{
	if (n / 2 < l->now)
		l->now = (unsigned)n / 2;
	if (n > l->busy)
		l->busy = (unsigned)n;
}

/*
 * Something failed with no word why. Where something else was answered in the same round, it was
 * too large.
 */
static void
limit_judge(struct limit *l, bool has_answered, bool was_well, int64_t now_ns)
{
	if (has_answered)
		limit_learn(l, l->busy, now_ns);
	else if (was_well && l->patience < PATIENCE_MAX)
		l->patience *= 2;
	l->busy = 0;
	l->n_well = 0;
}

static void
limit_grow(struct limit *l, int64_t now_ns)
{
	if (l->ceiling < l->max && now_ns - l->learned_ns > CEILING_NS) {
		l->ceiling = l->ceiling * 2 < l->max ? l->ceiling * 2 : l->max;
		l->learned_ns = now_ns;
	}
	if (l->now < l->ceiling && ++l->n_well >= l->patience) {
		l->now = l->now * 2 < l->ceiling ? l->now * 2 : l->ceiling;
		l->n_well = 0;
	} else if (l->now >= l->ceiling && ++l->n_well >= CALM_ROUNDS) {
		l->patience = 1;
	}
}

static void
limit_round(struct limit *l, const struct book_source *s, int64_t now_ns)
{
	if (l->busy != 0)
		limit_judge(l, s->n_answered > 0, s->was_well, now_ns);
	else if (s->n_failed == 0 && s->n_answered > 0)
		limit_grow(l, now_ns);
}

void
limits_round(struct slo_book *b)
{
	struct book_source *s;

	TAILQ_FOREACH(s, &b->sources, next) {
		limit_round(&s->instants, s, b->now_ns);
		limit_round(&s->tiles, s, b->now_ns);
		s->was_well = s->n_failed == 0 && s->n_answered > 0;
		s->n_answered = s->n_failed = 0;
	}
}
