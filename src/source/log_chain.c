/* The chain of a want: its beginning, its end, and what is kept from one round to the next. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "source/log_round.h"

enum { LIMIT = 5000, LIMIT_MAX = 1000000 };
#define LATE_NS (30 * NS_PER_S)

static const struct log_store *const stores[] = { &log_store_loki, &log_store_elastic, &log_store_journald };

const struct log_store *
log_store_find(const char *type)
{
	for (size_t i = 0; i < sizeof stores / sizeof *stores; i++)
		if (str_eq(stores[i]->type, type))
			return stores[i];
	return NULL;
}

/* --- beginning ------------------------------------------------------------------------------------------------------------------ */

static struct log_kept *
kept_new(void)
{
	struct log_kept *k = xcalloc(1, sizeof *k);

	k->told_ns = k->seen_since_ns = INT64_MIN;
	return k;
}

static void
log_kept_free(void *arg)
{
	struct log_kept *k = arg;

	if (k == NULL)
		return;
	log_seen_done(&k->seen);
	free(k->cursor);
	free(k);
}

static void
log_free(void *arg)
{
	struct log_round *r = arg;

	if (r->store->close != NULL && r->own != NULL)
		r->store->close(r->own);
	free(r->own);
	log_build_done(&r->build);
	log_seen_done(&r->fresh);
	event_list_done(&r->events);
	log_kept_free(r->kept);
	free(r->cursor);
	free(r->counts);
	arena_done(&r->mem);
	free(r);
}

static const char *
copy(struct log_round *r, const char *text)
{
	return text == NULL ? NULL : arena_strdup(&r->mem, text);
}

static char *
field(struct log_round *r, const char *text)
{
	return text == NULL ? NULL : arena_strdup(&r->mem, text);
}

static void
take_conf(struct log_round *r, const struct conf_source *conf)
{
	const char **v;
	size_t n = 0;

	r->source = copy(r, conf->name);
	r->tenant = copy(r, conf->tenant);
	r->fields = (struct conf_log_fields){
		.time = field(r, conf->log_fields.time), .level = field(r, conf->log_fields.level),
		.message = field(r, conf->log_fields.message), .service = field(r, conf->log_fields.service),
	};
	while (conf->indices != NULL && conf->indices[n] != NULL)
		n++;
	v = arena_alloc(&r->mem, (n + 1) * sizeof *v);
	for (size_t i = 0; i < n; i++)
		v[i] = copy(r, conf->indices[i]);
	r->indices = v;
}

/* All that is newer than what was told: nothing, unless the store's clock is behind. */
static void
look_deep(struct log_round *r, const struct log_want *w)
{
	int64_t from = r->now_ns - LOG_DEEP_NS;

	if (from <= r->kept->told_ns)
		from = r->kept->told_ns + 1;
	if (from < w->start_ns)
		from = w->start_ns;
	if (from < r->start_ns)
		r->start_ns = from;
}

/* The first round of one that follows is a search of the past. */
static void
take_want(struct log_round *r, const struct log_want *w)
{
	const struct log_kept *k = r->kept;

	r->want = copy(r, w->id);
	r->query = copy(r, w->query == NULL ? "" : w->query);
	r->is_follow = w->is_follow;
	r->is_count = w->is_count;
	r->late_ns = r->late_wanted_ns = w->late_ns > 0 ? w->late_ns : LATE_NS;
	if (k->late_ns > 0 && k->late_ns < r->late_ns)
		r->late_ns = k->late_ns;
	r->is_later = w->is_follow && k->is_begun;
	r->start_ns = w->start_ns;
	r->end_ns = w->end_ns != 0 ? w->end_ns : r->now_ns;
	r->is_forward = w->is_forward;
	r->limit = w->limit > 0 && w->limit < LIMIT_MAX ? w->limit : w->limit == 0 ? LIMIT : LIMIT_MAX;
	if (!r->is_later)
		return;
	r->start_ns = k->newest_ns - r->late_ns;
	/* What was told before is forgotten, and would be told again. */
	if (r->start_ns < k->seen_since_ns)
		r->start_ns = k->seen_since_ns;
	if (k->n_rounds % LOG_DEEP_EVERY == 0)
		look_deep(r, w);
	r->end_ns = r->now_ns + LOG_AHEAD_NS;
	r->is_forward = true;
	r->limit = LOG_ROUND_LINES;
}

static void *
log_begin(const struct conf_source *conf, const void *arg, void *kept, struct err *err)
{
	const struct log_arg *a = arg;
	struct log_round *r = xcalloc(1, sizeof *r);

	r->store = log_store_find(conf->type);
	r->kept = kept != NULL ? kept : kept_new();
	r->now_ns = clock_now();
	r->redact = a->redact;
	r->newest_ns = INT64_MIN;
	r->page = a->page > 0 ? a->page : LOG_PAGE;
	r->page_max = r->kept->page_max;
	r->window_ns = r->kept->window_ns;
	r->flavour = r->kept->flavour;
	r->cursor = xstrdup_or_null(r->kept->cursor);
	log_build_init(&r->build, r->redact);
	take_conf(r, conf);
	take_want(r, a->want);
	r->own = xcalloc(1, r->store->size);
	if (r->store->open != NULL && r->store->open(r, r->own, err) < 0) {
		log_free(r);
		return NULL;
	}
	return r;
}

/* --- between ---------------------------------------------------------------------------------------------------------------------- */

static bool
log_next(void *arg, struct chain_ask *ret)
{
	struct log_round *r = arg;

	return r->store->next(r, r->own, ret);
}

static int
log_answer(void *arg, unsigned tag, const char *body, size_t len, struct err *err)
{
	struct log_round *r = arg;

	return r->store->answered(r, r->own, tag, body, len, err);
}

static int
log_failed(void *arg, unsigned tag, long status, const struct err *why, struct err *err)
{
	struct log_round *r = arg;

	return r->store->failed(r, r->own, tag, status, why, err);
}

static bool
log_abandon(void *arg, struct request *ret)
{
	struct log_round *r = arg;

	return r->store->abandon != NULL && r->store->abandon(r, r->own, ret);
}

/* --- the end ------------------------------------------------------------------------------------------------------------------------ */

/* Where the next round looks back to. A line ahead of our clock moves it no further than now; without lines it moves on all the same, or a quiet store
 * would be searched further back each time. */
static void
remember_newest(struct log_round *r)
{
	struct log_kept *k = r->kept;
	int64_t newest = r->newest_ns, floor = r->now_ns - (k->behind_ns > 0 ? k->behind_ns : LOG_BEHIND_NS);

	if (newest > r->now_ns)
		newest = r->now_ns;
	/* One that is not finished goes on exactly where it stopped. */
	if (r->is_forward && !r->is_whole) {
		k->newest_ns = r->start_ns + r->late_ns;
		k->late_ns = r->late_ns;
		k->is_begun = true;
		return;
	}
	if (!k->is_begun && newest < floor)
		newest = r->end_ns < r->now_ns ? r->end_ns : floor;
	if (newest < floor)
		newest = floor;
	/* It had moved on beyond what a store tells whose clock turned out to be behind. */
	if (!k->is_begun || newest > k->newest_ns || (k->behind_ns > 0 && r->newest_ns != INT64_MIN))
		k->newest_ns = newest;
	k->is_begun = true;
}

/* How its lines are dated. One that is not finished says nothing of it: what is newest is not there yet. */
static void
remember_skew(struct log_round *r)
{
	struct log_kept *k = r->kept;
	char text[LOG_SKEW_TEXT_MAX];
	int64_t lag = r->newest_ns != INT64_MIN ? r->now_ns - r->newest_ns : 0;

	if (r->newest_ns != INT64_MIN && r->newest_ns > k->told_ns)
		k->told_ns = lag < 0 ? r->now_ns : r->newest_ns;
	if (r->is_forward && !r->is_whole)
		return;
	if (r->is_later && r->newest_ns != INT64_MIN)
		k->behind_ns = lag > LOG_BEHIND_NS ? lag + LOG_BEHIND_NS : 0;
	if (log_skew_round(&k->skew, r->now_ns, r->newest_ns, r->is_later, text))
		log_round_note(r, "%s", text);
}

/* A window that holds more lines than can be asked for again each time shrinks, which is said; it grows again when there are fewer. */
static void
remember_window(struct log_round *r)
{
	struct log_kept *k = r->kept;
	int64_t bound = log_seen_newest(&k->seen, LOG_LATE_LINES), late;
	char text[DURATION_TEXT_MAX];

	/* What was before a first page that is full is history. */
	if (!r->is_later && !r->is_whole && r->end_ns < k->newest_ns && k->newest_ns - r->end_ns < r->late_ns)
		k->late_ns = k->newest_ns - r->end_ns;
	else if (bound == INT64_MIN && k->seen.n < LOG_LATE_LINES / 2)
		/* Beyond what is wanted it is of no use. */
		k->late_ns = k->late_ns < r->late_wanted_ns ? k->late_ns * 2 : 0;
	if (bound == INT64_MIN)
		return;
	late = k->newest_ns > bound ? k->newest_ns - bound : NS_PER_MS;
	if (k->late_ns == 0 || late < k->late_ns / 2)
		log_round_note(r, "more than %d lines in the time in which late ones are looked for: only %s are looked back", LOG_LATE_LINES,
		    duration_format(text, late));
	k->late_ns = late;
}

/* Of what is newer than all that had been told before this round everything is known. */
static void
forget(struct log_kept *k, int64_t since_ns, int64_t told_before_ns)
{
	if (told_before_ns != INT64_MIN && told_before_ns < k->seen_since_ns)
		k->seen_since_ns = told_before_ns + 1;
	if (since_ns > k->seen_since_ns)
		k->seen_since_ns = since_ns;
	log_seen_since(&k->seen, since_ns);
}

static void
remember(struct log_round *r)
{
	struct log_kept *k = r->kept;
	int64_t told_before_ns = k->told_ns;
	bool is_quiet;

	k->page_max = r->page_max;
	k->window_ns = r->window_ns;
	k->flavour = r->flavour;
	k->n_rounds++;
	if (!r->is_follow)
		return;
	remember_skew(r);
	remember_newest(r);
	free(k->cursor);
	k->cursor = xstrdup_or_null(r->cursor);
	log_seen_add_all(&k->seen, &r->fresh);
	/* Of a store that tells nothing new for a while the last lines stay known: its clock may be behind. */
	is_quiet = k->told_ns != INT64_MIN && k->told_ns < k->newest_ns - r->late_ns;
	forget(k, (is_quiet ? k->told_ns : k->newest_ns) - r->late_ns, told_before_ns);
	if (is_quiet)
		k->late_ns = k->late_ns < r->late_wanted_ns ? k->late_ns * 2 : 0;
	else if (!r->is_forward || r->is_whole)
		remember_window(r);
}

static void
end_count(struct log_round *r, struct event_list *ret)
{
	struct log_counts *c = block_new(sizeof *c);
	struct arena *mem = &c->block.arena;
	struct log_count *v = arena_alloc(mem, r->n_counts * sizeof *v + 1);

	for (size_t i = 0; i < r->n_counts; i++) {
		v[i] = r->counts[i];
		v[i].service = arena_strdup(mem, r->counts[i].service);
	}
	c->want = arena_strdup(mem, r->want);
	c->start_ns = r->start_ns;
	c->end_ns = r->end_ns;
	c->n_lines = r->n_counted;
	c->is_least = r->is_least || !r->is_whole;
	c->v = v;
	c->n = r->n_counts;
	c->note = r->flaw[0] != '\0' ? arena_strdup(mem, r->flaw) : NULL;
	event_list_add(ret, EVENT_KINDS, r->now_ns, r->source, c);
}

static void
log_end(void *arg, struct event_list *ret)
{
	struct log_round *r = arg;

	remember(r);
	if (r->is_count) {
		end_count(r, ret);
		return;
	}
	/* Notes of no page. */
	if (r->build.batch->note != NULL)
		log_round_close(r, 0, 0);
	*ret = r->events;
	r->events = (struct event_list){ 0 };
}

static void
log_outcome(void *arg, struct chain_outcome *ret)
{
	const struct log_round *r = arg;

	snprintf(ret->flaw, sizeof ret->flaw, "%s", r->flaw);
	ret->is_whole = r->is_whole;
	/* One that tells nothing new will not do better at once. */
	ret->is_more = r->is_later && !r->is_whole && r->n_lines > 0;
}

static void *
log_keep(void *arg)
{
	struct log_round *r = arg;
	struct log_kept *k = r->kept;

	/* What a server allows holds even when the round failed. */
	k->page_max = r->page_max;
	k->window_ns = r->window_ns;
	k->flavour = r->flavour;
	r->kept = NULL;
	return k;
}

#define LOG_CHAIN(read)                                                                                                    \
	{                                                                                                                  \
		.what = "lines", .at_once = 1, .requests_max = LOG_ROUND_REQUESTS * 4, .decoder = &read, .begin = log_begin,   \
		.next = log_next, .answer = log_answer, .failed = log_failed, .end = log_end, .outcome = log_outcome,          \
		.abandon = log_abandon, .keep = log_keep, .kept_free = log_kept_free, .free = log_free,                        \
	}

const struct chain_ops loki_chain = LOG_CHAIN(loki_decoder);
const struct chain_ops elastic_chain = LOG_CHAIN(elastic_decoder);
const struct chain_ops journald_chain = LOG_CHAIN(journald_decoder);
