/*
 * How much goes into one request of a source, and how many are under way. Nobody says how much a
 * server can do, so it is learned.
 *
 * What was refused as too much, or failed beside what was answered, makes the requests smaller for
 * an hour. Where nothing at all is answered their size tells nothing, and many of them help nobody:
 * one small request at a time asks whether the source is back, and what it answers lets all go.
 */
#include "config.h"

#include "insight/slo_book_priv.h"

#include "base/clock.h"
#include "base/str.h"

/* --- how large -------------------------------------------------------------------------------- */

void
limit_init(struct limit *l, unsigned max)
{
	*l = (struct limit){ .now = max, .max = max };
}

void
limit_learn(struct limit *l, size_t n, int64_t now_ns)
{
	unsigned half = n > 1 ? (unsigned)n / 2 : 1;

	if (half < l->now) {
		l->now = half;
		l->learned_ns = now_ns;
	}
}

void
limit_doubt(struct limit *l, size_t n)
{
	if (n > l->busy)
		l->busy = (unsigned)n;
}

static void
limit_round(struct limit *l, const struct book_source *s, int64_t now_ns)
{
	bool is_well = s->n_failed == 0 && s->n_answered > 0;

	if (l->busy != 0 && s->n_answered > 0) {
		limit_learn(l, l->busy, now_ns);
	} else if (is_well && l->now < l->max && now_ns - l->learned_ns > CEILING_NS) {
		l->now = l->now * 2 < l->max ? l->now * 2 : l->max;
		l->learned_ns = now_ns;
	}
	l->busy = 0;
}

void
limits_round(struct slo_book *b)
{
	struct book_source *s;

	TAILQ_FOREACH(s, &b->sources, next) {
		limit_round(&s->instants, s, b->now_ns);
		limit_round(&s->tiles, s, b->now_ns);
		if (s->n_failed > 0 && s->n_spoke == 0)
			s->is_mute = true;
		s->n_answered = s->n_failed = s->n_spoke = 0;
	}
}

/* --- how many --------------------------------------------------------------------------------- */

void
limit_spoke(struct book_source *s)
{
	s->n_spoke++;
	s->is_mute = false;
}

bool
limit_lets_go(const struct batch *batch)
{
	const struct book_source *s = batch->source;

	if (batch->kind == BATCH_INSTANTS)
		return s->n_instants_out < (s->is_mute ? 1 : INSTANTS_OUT);
	if (s->is_mute)
		return s->n_instants_out == 0 && s->n_ranges_out == 0;
	return s->n_ranges_out < RANGES_OUT;
}

/* --- what a refusal says ---------------------------------------------------------------------- */

static bool
is_about_cost(const char *error)
{
	static const char *const words[] = { "too many", "exceed", "limit", "too large", "too long",
		"maximum", "timed out", "gave up on the query" };

	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (str_contains(error, words[i]))
			return true;
	return false;
}

/*
 * A limit told with 400, as proxies and Prometheus itself ("exceeded maximum resolution of 11,000
 * points") do. What is not understood is quoted in the error, and may well be named "limit".
 */
static bool
is_about_limit(const char *error)
{
	return !str_contains(error, "parse error") &&
	    (str_contains(error, "exceeds the limit") || str_contains(error, "exceeds the max") ||
		str_contains(error, "exceeded max") || str_contains(error, "limit exceeded"));
}

/*
 * Prometheus: 400 bad data, 422 execution (wrong, or over a limit), 500 internal, 503 timeout;
 * Mimir's limits are 422 too.
 */
enum fault
fault_of(const struct batch *batch, long status, const char *error)
{
	if ((status == 422 || status == 500 || status == 503 || status == 504) &&
	    is_about_cost(error))
		return FAULT_COSTLY;
	if (status == 400 && is_about_limit(error))
		return FAULT_COSTLY;
	if (status == 400 || status == 422)
		return FAULT_WRONG;
	if (status == 413)
		return FAULT_COSTLY;
	if (status == 0 || status == 500 || status == 502 || status == 503 || status == 504)
		/* Was anything else answered since it was sent? Then the server is well. */
		return batch->source->n_answers > batch->n_answers ? FAULT_COSTLY : FAULT_BUSY;
	return FAULT_SOURCE;
}
