/*
 * Rounds of chains: the requests of one go out a few at a time, their answers go to the chain in a worker, and
 * what it says at the end is the outcome of the round.
 *
 * A step is what a worker does with a chain at once: it takes the answers that have come, asks for the next
 * requests, and ends the chain when there is nothing more to wait for. While a step is under way nothing else
 * touches the chain, so that it needs no lock.
 */
#include "config.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "source/sources_priv.h"

struct chain_call {
	TAILQ_ENTRY(chain_call) next;
	struct chain_run *run;
	struct chain_ask ask;
	struct endpoint *own;		/* of ask.url; NULL: one of the source's */
	size_t endpoint;
	struct fetch *fetch;		/* NULL: it has come back */
	/* How: */
	struct err err;
	long status;
	int64_t retry_after_ns;
	const struct chain_body *body;	/* NULL: none */
};
TAILQ_HEAD(chain_calls, chain_call);

struct chain_run {
	struct slot *slot;		/* NULL: cancelled; it goes when no step is under way */
	const struct chain_ops *ops;
	void *chain;
	struct pool_lane *lane;
	bool is_stepping;
	struct chain_calls sent, back;
	unsigned n_sent, n_asked;
	size_t endpoint;		/* where requests go now */
	unsigned n_endpoints_tried;
	struct fetch_result result;	/* of the round, as it adds up */
};

struct chain_step {
	struct chain_run *run;
	struct chain_calls calls;	/* to be told */
	unsigned n_sent;		/* still under way */
	unsigned n_room;
	/* What came out: */
	unsigned n_asks;
	struct chain_ask asks[CHAIN_HOSTS_AT_ONCE];
	bool is_end;
	struct event_list events;
	struct chain_outcome outcome;
	struct err err;			/* why the round failed ... */
	long status;			/* ... and what the server said then */
	int64_t retry_after_ns;
};

static void run_step(struct chain_run *run);

/* --- life ------------------------------------------------------------------------------------- */

/* The transport may be gone when a step comes back, so nothing of it stays with a call that is not under way.
 */
static void
call_close(struct chain_call *c)
{
	struct transport *t;

	if (c->fetch == NULL && c->own == NULL)
		return;
	t = c->run->slot->all->transport;
	if (c->fetch != NULL)
		t->ops->cancel(t, c->fetch);
	if (c->own != NULL)
		t->ops->endpoint_free(t, c->own);
	c->fetch = NULL;
	c->own = NULL;
}

static void
call_free(struct chain_call *c)
{
	call_close(c);
	chain_ask_done(&c->ask);
	block_unref(c->body);
	free(c);
}

static void
calls_free(struct chain_calls *calls)
{
	struct chain_call *c;

	while ((c = TAILQ_FIRST(calls)) != NULL) {
		TAILQ_REMOVE(calls, c, next);
		call_free(c);
	}
}

/* With nothing under way any more. */
static void
run_free(struct chain_run *run)
{
	run->ops->free(run->chain);
	pool_lane_free(run->lane);
	free(run);
}

/* Off its slot, with what the chain keeps handed back: nobody waits for it any more. */
static void
run_detach(struct chain_run *run)
{
	struct slot *slot = run->slot;

	calls_free(&run->sent);
	calls_free(&run->back);
	slot->run = NULL;
	run->slot = NULL;
}

static void
ignore(const struct write_result *result, void *arg)
{
	(void)result;
	(void)arg;
}

/* What the chain holds on a server is given back; nobody waits for that, and without it the server forgets it by itself. */
static void
abandon(struct chain_run *run)
{
	struct slot *slot = run->slot;
	struct request request;

	if (run->ops->abandon == NULL || !run->ops->abandon(run->chain, &request))
		return;
	sources_write(slot->all, slot->source->conf->name, &request, ignore, NULL, NULL);
	request_done(&request);
}

/* The chain may be in a worker's hands, so what it keeps is lost; the next round reads it again. */
void
chain_cancel(struct slot *slot)
{
	struct chain_run *run = slot->run;

	if (run == NULL)
		return;
	if (!run->is_stepping)
		abandon(run);
	run_detach(run);
	pool_lane_free(run->lane);	/* a step that has not begun comes back all the same */
	run->lane = NULL;
	if (!run->is_stepping)
		run_free(run);
}

static void
round_over(struct chain_run *run)
{
	struct slot *slot = run->slot;
	struct fetch_result result = run->result;
	size_t endpoint = run->endpoint;

	if (result.err.code != 0)
		abandon(run);
	slot->kept = run->ops->keep(run->chain);
	run_detach(run);
	run_free(run);
	slot_round_over(slot, endpoint, &result);
	event_list_done(&result.events);
}

/* --- answers ---------------------------------------------------------------------------------- */

static bool
try_next_replica(struct chain_call *c, const struct fetch_result *result)
{
	struct chain_run *run = c->run;
	struct source *source = run->slot->source;

	if (c->ask.url != NULL || !fetch_is_worth_another(result))
		return false;
	if (c->endpoint != run->endpoint)
		return true;	/* another request has found out already */
	if (run->n_endpoints_tried >= source->n_endpoints)
		return false;
	run->n_endpoints_tried++;
	run->endpoint = (run->endpoint + 1) % source->n_endpoints;
	return true;
}

static void
add_up(struct fetch_result *sum, const struct fetch_result *one)
{
	sum->bytes += one->bytes;
	if (one->latency_ns > sum->latency_ns)
		sum->latency_ns = one->latency_ns;
	if (one->status != 0) {
		sum->status = one->status;
		sum->skew_ns = one->skew_ns;
	}
}

static void call_send(struct chain_call *c);

static void
on_call_done(const struct fetch_result *result, void *arg)
{
	struct chain_call *c = arg;
	struct chain_run *run = c->run;

	c->fetch = NULL;
	call_close(c);
	TAILQ_REMOVE(&run->sent, c, next);
	run->n_sent--;
	add_up(&run->result, result);
	if (result->err.code != 0 && try_next_replica(c, result)) {
		call_send(c);
		return;
	}
	c->err = result->err;
	c->status = result->status;
	c->retry_after_ns = result->retry_after_ns;
	if (result->events.n > 0)
		c->body = block_ref(result->events.v[0].block);
	TAILQ_INSERT_TAIL(&run->back, c, next);
	if (result->is_unready) {
		/* Without credentials no other request would go out either. */
		run->result.err = result->err;
		run->result.is_unready = true;
		run->result.status = 0;
		if (!run->is_stepping) {
			round_over(run);
			return;
		}
	}
	run_step(run);
}

static void
call_send(struct chain_call *c)
{
	struct chain_run *run = c->run;
	struct slot *slot = run->slot;
	struct transport *t = slot->all->transport;
	struct fetch_spec spec = {
		.request = &c->ask.request,
		.decoder = run->ops->decoder,
		.ctx = { .source = slot->source->conf->name, .query = "" },
	};

	c->endpoint = run->endpoint;
	TAILQ_INSERT_TAIL(&run->sent, c, next);
	run->n_sent++;
	c->fetch = t->ops->fetch(
	    t, c->own != NULL ? c->own : slot->source->endpoints[c->endpoint], &spec, on_call_done, c);
}

/* Takes what ask holds. */
static void
call_new(struct chain_run *run, struct chain_ask *ask)
{
	struct chain_call *c = xcalloc(1, sizeof *c);
	struct transport *t = run->slot->all->transport;

	*c = (struct chain_call){ .run = run, .ask = *ask };
	*ask = (struct chain_ask){ 0 };
	run->n_asked++;
	if (c->ask.url == NULL ||
	    t->ops->endpoint_new(t, run->slot->source->conf, c->ask.url, &c->own, &c->err) == 0)
		call_send(c);
	else
		TAILQ_INSERT_TAIL(&run->back, c, next);
}

/* --- steps ------------------------------------------------------------------------------------ */

static void
tell_chain(struct chain_step *step, const struct chain_call *c)
{
	const struct chain_run *run = step->run;
	struct err why = c->err;

	if (c->body != NULL && why.code == 0)
		run->ops->answer(run->chain, c->ask.tag, c->body->bytes, c->body->len, &why);
	if (why.code == 0 || run->ops->failed(run->chain, c->ask.tag, c->status, &why, &step->err) == 0)
		return;
	step->status = c->status;
	step->retry_after_ns = c->retry_after_ns;
}

static void
work(void *arg)
{
	struct chain_step *step = arg;
	struct chain_run *run = step->run;
	const struct chain_call *c;

	TAILQ_FOREACH(c, &step->calls, next) {
		tell_chain(step, c);
		if (step->err.code != 0)
			return;
	}
	while (step->n_asks < step->n_room && run->ops->next(run->chain, &step->asks[step->n_asks]))
		step->n_asks++;
	step->is_end = step->n_asks == 0 && step->n_sent == 0 && step->n_room > 0;
	if (!step->is_end)
		return;
	run->ops->end(run->chain, &step->events);
	if (run->ops->outcome != NULL)
		run->ops->outcome(run->chain, &step->outcome);
}

static void
take_step(struct chain_run *run, struct chain_step *step)
{
	struct fetch_result *r = &run->result;

	if (step->err.code == 0 && run->n_asked + step->n_asks > run->ops->requests_max)
		err_set(&step->err, ERR_LIMIT, "it takes more than %u requests to read it all",
		    run->ops->requests_max);
	if (step->err.code != 0 && r->err.code == 0) {
		r->err = step->err;
		r->status = step->status;
		r->retry_after_ns = step->retry_after_ns;
	}
	if (r->err.code != 0 || step->is_end) {
		if (r->err.code == 0) {
			r->events = step->events;
			step->events = (struct event_list){ 0 };
			run->slot->outcome = step->outcome;
		}
		round_over(run);
		return;
	}
	for (unsigned i = 0; i < step->n_asks; i++)
		call_new(run, &step->asks[i]);
	if (!TAILQ_EMPTY(&run->back))
		run_step(run);
}

static void
on_worked(void *arg)
{
	struct chain_step *step = arg;
	struct chain_run *run = step->run;

	run->is_stepping = false;
	calls_free(&step->calls);
	if (run->slot != NULL)
		take_step(run, step);
	else
		run_free(run);
	for (unsigned i = 0; i < step->n_asks; i++)
		chain_ask_done(&step->asks[i]);
	event_list_done(&step->events);
	free(step);
}

static void
run_step(struct chain_run *run)
{
	struct chain_step *step;

	if (run->is_stepping)
		return;
	step = xcalloc(1, sizeof *step);
	step->run = run;
	step->n_sent = run->n_sent;
	step->n_room = run->n_sent < run->ops->at_once ? run->ops->at_once - run->n_sent : 0;
	TAILQ_INIT(&step->calls);
	TAILQ_CONCAT(&step->calls, &run->back, next);
	run->is_stepping = true;
	if (run->slot->all->pool != NULL) {
		pool_run(run->lane, work, on_worked, step);
	} else {
		work(step);
		on_worked(step);
	}
}

int
chain_start(struct slot *slot, struct err *err)
{
	struct chain_run *run;
	void *kept = slot->kept, *chain;
	char shown[64];

	slot->outcome = (struct chain_outcome){ 0 };
	if (slot->source == NULL)
		return err_set(err, ERR_NOTFOUND, "there is no source '%s' in this environment",
		    str_escape_to(shown, sizeof shown, slot->want.source));
	slot->kept = NULL;
	chain = slot->chain->begin(slot->source->conf, slot->chain_arg, kept, err);
	if (chain == NULL)
		return err->code;
	run = xcalloc(1, sizeof *run);
	*run = (struct chain_run){ .slot = slot, .ops = slot->chain, .chain = chain };
	run->endpoint = slot->endpoint;
	run->n_endpoints_tried = 1;
	TAILQ_INIT(&run->sent);
	TAILQ_INIT(&run->back);
	if (slot->all->pool != NULL)
		run->lane = pool_lane_new(slot->all->pool);
	slot->run = run;
	run_step(run);
	return 0;
}
