/*
 * The schedule: when each request is due, to which replica it goes, and what its result means for the next one.
 *
 * Periods are counted from one moment for all sources, so requests that are due together go out in one wake-up.
 * Only a failure brings in chance (backoff with jitter), so that many consoles do not come back to a server at
 * the same time.
 */
#include "config.h"

#include "source/source.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "source/sources_priv.h"

#define BACKOFF_MAX (60 * NS_PER_S)
enum { BACKOFF_FACTOR_MAX = 16 };
/* A periodic request may be this late, to share a wake-up with other timers. */
#define TIMER_SLACK (20 * NS_PER_MS)
/* A 429 or 503 may ask for any pause; longer ones than this would look like a console that has stopped. */
#define RETRY_AFTER_MAX (5 * NS_PER_MIN)

static void on_fetched(const struct fetch_result *result, void *arg);

/* --- events ----------------------------------------------------------------------------------- */

static int64_t
wall_of(int64_t mono_ns)
{
	return mono_ns == INT64_MAX ? 0 : clock_now() + (mono_ns - clock_mono());
}

/* result may be NULL: nothing was sent. */
static void
make_report(struct event *ret, const struct slot *slot, size_t endpoint, const struct fetch_result *result,
    const struct err *err, int64_t next_due_ns)
{
	struct source_report *report = block_new(sizeof *report);
	struct arena *mem = &report->block.arena;

	report->what = arena_strdup(mem, slot->what);
	report->is_ok = err->code == 0;
	report->error = arena_strdup(mem, err->code == 0 ? "" : err->msg);
	report->next_due_ns = wall_of(next_due_ns);
	report->replica = "";
	if (slot->source != NULL && slot->source->n_endpoints > 0)
		report->replica = arena_strdup(mem, slot->source->endpoints[endpoint]->shown);
	if (result != NULL) {
		report->http_status = result->status;
		report->latency_ns = result->latency_ns;
		report->bytes = result->bytes;
		report->skew_ns = result->skew_ns;
	}
	event_init(ret, EVENT_SOURCE_REPORT, clock_now(),
	    slot->source != NULL ? slot->source->conf->name : slot->want.source, report);
}

/* The callback may change wants, and so free any slot: nothing of a slot is used after this. */
static void
deliver(struct sources *s, struct event *report)
{
	s->cb(report, s->arg);
	event_done(report);
}

/* --- when ------------------------------------------------------------------------------------- */

static int64_t
next_of_period(const struct sources *s, int64_t period_ns)
{
	int64_t since = clock_mono() - s->epoch_ns;

	return s->epoch_ns + (since / period_ns + 1) * period_ns;
}

/* Exponential, with all of what exceeds the base left to chance. */
static int64_t
backoff(struct slot *slot, const struct fetch_result *result)
{
	int64_t interval = slot->source != NULL ? slot->source->conf->interval_ns : BACKOFF_MAX;
	bool is_refused = result == NULL ||
	    (result->status >= 400 && result->status < 500 && result->status != 429 && result->status != 408);
	int64_t base, bound;

	/* Where the server understood and said no, asking sooner than usual will not change its mind; else a
	 * rare poll is tried again soon. */
	base = slot->period_ns > 0 && (is_refused || slot->period_ns < interval) ? slot->period_ns : interval;
	bound = base * BACKOFF_FACTOR_MAX < BACKOFF_MAX ? base * BACKOFF_FACTOR_MAX : BACKOFF_MAX;
	if (slot->n_failed < 8 && base << slot->n_failed < bound)
		bound = base << slot->n_failed;
	if (bound <= base)
		return base;
	return base + (int64_t)((double)(bound - base) * rand_r(&slot->all->seed) / RAND_MAX);
}

static int64_t
due_after_failure(struct slot *slot, const struct fetch_result *result)
{
	int64_t wait = backoff(slot, result), asked = result == NULL ? 0 : result->retry_after_ns;

	/* One that is asked once and was understood but refused: the same words would be refused again. */
	if (slot->period_ns == 0 &&
	    (result == NULL || (result->status >= 400 && result->status < 500 && result->status != 429)))
		return INT64_MAX;
	if (asked > RETRY_AFTER_MAX)
		asked = RETRY_AFTER_MAX;
	return clock_mono() + (asked > wait ? asked : wait);
}

static bool
may_run(const struct slot *slot)
{
	if (slot_is_under_way(slot) || slot->due_ns == INT64_MAX)
		return false;
	return !slot_is_query(slot) || slot->source == NULL || slot->source->n_queries < QUERIES_AT_ONCE;
}

/* The one to be sent next; NULL: nothing waits but for answers. */
static struct slot *
first_due(struct sources *s)
{
	struct slot *slot, *first = NULL;

	TAILQ_FOREACH(slot, &s->slots, next)
		if (may_run(slot) && (first == NULL || slot->due_ns < first->due_ns))
			first = slot;
	return first;
}

void
sources_arm(struct sources *s)
{
	struct slot *first = s->is_started ? first_due(s) : NULL;

	if (first == NULL) {
		loop_timer_stop(s->timer);
		return;
	}
	/* What somebody waits for goes at once. */
	loop_timer_slack(s->timer, first->due_ns <= clock_mono() ? 0 : TIMER_SLACK);
	loop_timer_set(s->timer, first->due_ns);
}

/* --- sending ---------------------------------------------------------------------------------- */

static int
slot_request(const struct slot *slot, struct request *ret, struct decode_ctx *ctx, struct err *err)
{
	ctx->query = "";
	if (slot->source != NULL)
		ctx->source = slot->source->conf->name;
	if (slot->poll == NULL)
		return want_request(slot, ret, ctx, err);
	request_init(ret, "GET");
	ret->path = xstrdup(slot->poll->path);
	return 0;
}

static void
round_failed(struct slot *slot, const struct fetch_result *result)
{
	slot->n_failed++;
	slot->is_tried = true;
	slot->was_unreachable = result != NULL && result->status == 0;
	slot->due_ns = slot->is_again ? clock_mono() : due_after_failure(slot, result);
	slot->is_again = false;
}

/* To source->endpoints[slot->endpoint]. */
static int
slot_send(struct slot *slot, struct err *err)
{
	struct sources *s = slot->all;
	struct fetch_spec spec = { 0 };
	struct request request;
	int r = slot_request(slot, &request, &spec.ctx, err);

	if (r < 0)
		return r;
	spec.request = &request;
	spec.decoder = slot->poll != NULL ? slot->poll->decoder : slot->source->ops->query_decoder;
	slot->fetch = s->transport->ops->fetch(
	    s->transport, slot->source->endpoints[slot->endpoint], &spec, on_fetched, slot);
	slot->source->n_queries += slot->poll == NULL;
	request_done(&request);
	return 0;
}

static void
begin_round(struct slot *slot)
{
	struct sources *s = slot->all;
	struct err err = ERR_INIT;
	struct log_told *told;
	struct event report;

	slot->n_endpoints_tried = 1;
	slot->endpoint = slot->source != NULL ? slot->source->current : 0;
	if ((slot->chain != NULL ? chain_start(slot, &err) : slot_send(slot, &err)) == 0)
		return;
	round_failed(slot, NULL);
	make_report(&report, slot, slot->endpoint, NULL, &err, slot->due_ns);
	told = log_told_take(slot, &err);
	deliver(s, &report);
	log_told(s, told);
}

static void
on_timer(void *arg)
{
	struct sources *s = arg;
	struct slot *slot;

	/* Each is under way or due later afterwards, and reports may change the list: so always the first of
	 * what is there now. */
	while ((slot = first_due(s)) != NULL && slot->due_ns <= clock_mono())
		begin_round(slot);
	sources_arm(s);
}

/* --- results ---------------------------------------------------------------------------------- */

/* Would another replica do better? Not where the server has understood and says no, or has more to say than we
 * take, nor where our own credentials are missing. */
bool
fetch_is_worth_another(const struct fetch_result *result)
{
	if (result->err.code == ERR_LIMIT || result->is_unready)
		return false;
	return result->status < 400 || result->status >= 500 || result->status == 429;
}

static bool
try_next_endpoint(struct slot *slot, const struct fetch_result *result)
{
	struct source *source = slot->source;
	size_t failed = slot->endpoint;
	struct err err = ERR_INIT;

	if (slot->n_endpoints_tried >= source->n_endpoints || !fetch_is_worth_another(result))
		return false;
	/* Another request may have found out already. */
	if (source->current == failed)
		source->current = (failed + 1) % source->n_endpoints;
	slot->endpoint = (failed + 1) % source->n_endpoints;
	slot->n_endpoints_tried++;
	return slot_send(slot, &err) == 0;
}

/* The server is back: what waits in its backoff need not. */
static void
wake_unreachable(struct source *source)
{
	struct slot *slot;

	TAILQ_FOREACH(slot, &source->all->slots, next)
		if (slot->source == source && slot->was_unreachable && !slot_is_under_way(slot)) {
			slot->was_unreachable = false;
			slot->due_ns = clock_mono();
		}
}

static void
round_succeeded(struct slot *slot)
{
	slot->source->current = slot->endpoint;
	slot->n_failed = 0;
	slot->was_unreachable = false;
	slot->is_tried = true;
	slot->due_ns = slot->period_ns > 0 ? next_of_period(slot->all, slot->period_ns) : INT64_MAX;
	if (slot->is_again || slot->outcome.is_more)
		slot->due_ns = clock_mono();
	slot->is_again = false;
	wake_unreachable(slot->source);
}

/* What an answer says, and how it came. */
static void
tell(struct slot *slot, size_t endpoint, const struct fetch_result *result)
{
	struct sources *s = slot->all;
	struct err err = result->err;
	struct log_told *told;
	struct event report;

	/* What came counts, but that something is missing must not look like all is well. */
	if (err.code == 0 && slot->outcome.flaw[0] != '\0')
		err_set(&err, ERR_REFUSED, "%s", slot->outcome.flaw);
	make_report(&report, slot, endpoint, result, &err, slot_is_under_way(slot) ? clock_mono() : slot->due_ns);
	told = slot_is_under_way(slot) ? NULL : log_told_take(slot, &result->err);
	sources_arm(s);
	/* What the answer says, and then that it came. */
	for (size_t i = 0; i < result->events.n; i++)
		if (!log_take_event(s, &result->events.v[i]))
			s->cb(&result->events.v[i], s->arg);
	deliver(s, &report);
	log_told(s, told);
}

void
slot_round_over(struct slot *slot, size_t endpoint, const struct fetch_result *result)
{
	slot->endpoint = endpoint;
	if (result->err.code == 0)
		round_succeeded(slot);
	else
		round_failed(slot, result);
	tell(slot, endpoint, result);
}

static void
on_fetched(const struct fetch_result *result, void *arg)
{
	struct slot *slot = arg;
	size_t endpoint = slot->endpoint;

	slot->fetch = NULL;
	slot->source->n_queries -= slot->poll == NULL;
	if (result->err.code != 0 && try_next_endpoint(slot, result))
		tell(slot, endpoint, result);
	else
		slot_round_over(slot, endpoint, result);
}

/* --- slots ------------------------------------------------------------------------------------ */

struct slot *
slot_new(struct sources *s, struct source *source, const char *what)
{
	struct slot *slot = xcalloc(1, sizeof *slot);

	slot->all = s;
	slot->source = source;
	slot->what = xstrdup(what);
	slot->due_ns = clock_mono();
	TAILQ_INSERT_TAIL(&s->slots, slot, next);
	return slot;
}

void
slot_cancel(struct slot *slot)
{
	struct transport *t = slot->all->transport;

	chain_cancel(slot);
	if (slot->fetch == NULL)
		return;
	t->ops->cancel(t, slot->fetch);
	slot->fetch = NULL;
	slot->source->n_queries -= slot->poll == NULL;
}

void
slot_free(struct slot *slot)
{
	slot_cancel(slot);
	TAILQ_REMOVE(&slot->all->slots, slot, next);
	want_done(&slot->want);
	if (slot->chain != NULL)
		slot->chain->kept_free(slot->kept);
	log_slot_free(slot->log);
	free(slot->what);
	free(slot);
}

void
slot_due_now(struct slot *slot)
{
	slot->is_again = slot_is_under_way(slot);
	slot->due_ns = clock_mono();
}

/* --- life ------------------------------------------------------------------------------------- */

static int
open_endpoints(struct source *source, struct err *err)
{
	struct transport *t = source->all->transport;
	const struct conf_source *conf = source->conf;
	size_t n = 1;
	int r;

	for (char **replica = conf->replicas; replica != NULL && *replica != NULL; replica++)
		n++;
	source->endpoints = xcalloc(n, sizeof(struct endpoint *));
	for (size_t i = 0; i < n; i++) {
		r = t->ops->endpoint_new(
		    t, conf, i == 0 ? conf->url : conf->replicas[i - 1], &source->endpoints[i], err);
		if (r < 0) {
			err_prefix(err, "source %s", conf->name);
			return r;
		}
		source->n_endpoints++;
	}
	return 0;
}

static int
open_source(struct source *source, struct err *err)
{
	source->ops = source_ops_find(source->conf->type);
	if (source->ops == NULL)
		return err_set(err, ERR_UNSUPPORTED, "source %s: type '%s' is not known", source->conf->name,
		    source->conf->type);
	for (const struct poll *poll = source->ops->polls; poll != NULL && poll->what != NULL; poll++) {
		struct slot *slot = slot_new(source->all, source, poll->what);

		slot->poll = poll;
		slot->period_ns = source->conf->interval_ns * poll->every;
	}
	if (source->ops->chain != NULL) {
		struct slot *slot = slot_new(source->all, source, source->ops->chain->what);

		slot->chain = source->ops->chain;
		slot->chain_arg = &source->all->registry;
		slot->period_ns = source->conf->interval_ns;
	}
	return open_endpoints(source, err);
}

int
sources_new_on(struct loop *l, struct pool *p, struct transport *t, const struct conf_environment *env, sources_event_cb *cb,
    void *arg, struct sources **ret, struct err *err)
{
	struct sources *s = xcalloc(1, sizeof *s);
	int r;

	*s = (struct sources){ .loop = l, .pool = p, .transport = t, .cb = cb, .arg = arg };
	s->seed = (unsigned)clock_mono_fresh();
	s->epoch_ns = clock_mono();
	s->timer = loop_timer_new(l, on_timer, s);
	TAILQ_INIT(&s->slots);
	LIST_INIT(&s->writes);
	LIST_INIT(&s->serving);
	LIST_INIT(&s->log_names);
	s->log_page = env->logs.page > 0 ? (size_t)env->logs.page : 0;
	s->v = xcalloc(env->n_sources, sizeof *s->v);
	for (size_t i = 0; i < env->n_sources; i++) {
		s->v[s->n++] = (struct source){ .all = s, .conf = &env->sources[i] };
		r = open_source(&s->v[i], err);
		if (r < 0) {
			sources_free(s);
			return r;
		}
	}
	*ret = s;
	return 0;
}

void
sources_free(struct sources *s)
{
	if (s == NULL)
		return;
	serving_cancel(s);
	while (!TAILQ_EMPTY(&s->slots))
		slot_free(TAILQ_FIRST(&s->slots));
	writes_cancel(s);	/* those that slots left behind, too */
	log_names_cancel(s);
	for (size_t i = 0; i < s->n; i++) {
		for (size_t k = 0; k < s->v[i].n_endpoints; k++)
			s->transport->ops->endpoint_free(s->transport, s->v[i].endpoints[k]);
		free(s->v[i].endpoints);
	}
	s->transport->ops->free(s->transport);
	loop_timer_free(s->timer);
	free(s->v);
	free(s);
}

void
sources_start(struct sources *s)
{
	struct slot *slot;

	s->is_started = true;
	s->epoch_ns = clock_mono();
	TAILQ_FOREACH(slot, &s->slots, next)
		slot_due_now(slot);
	sources_arm(s);
}

void
sources_refresh(struct sources *s)
{
	struct slot *slot;

	TAILQ_FOREACH(slot, &s->slots, next) {
		slot->n_failed = 0;
		if (!slot_is_under_way(slot))	/* else its answer is on the way */
			slot_due_now(slot);
	}
	sources_arm(s);
}

void
sources_models(struct sources *s, const struct model_def *v, size_t n)
{
	s->registry = (struct registry_arg){ .models = v, .n_models = n };
}

bool
sources_all_tried(const struct sources *s)
{
	const struct slot *slot;

	TAILQ_FOREACH(slot, &s->slots, next)
		if (!slot->is_tried && (!slot_is_query(slot) || slot->want.every_ns != 0))
			return false;
	return true;
}

struct source *
source_find(struct sources *s, const char *name)
{
	for (size_t i = 0; i < s->n; i++)
		if (str_eq(s->v[i].conf->name, name))
			return &s->v[i];
	return NULL;
}

void
sources_poll_now(struct sources *s, const char *source, const char *what)
{
	struct slot *slot;

	TAILQ_FOREACH(slot, &s->slots, next)
		if (!slot_is_query(slot) && slot->source != NULL && str_eq(slot->source->conf->name, source) && str_eq(slot->what, what))
			slot_due_now(slot);
	sources_arm(s);
}
