/*
 * A look at lines of logs: how many the store has, asked by the chain that counts them for the console too (source/log_round.h), a request after the other.
 *
 * Only lines later than the last act and settle count, by the times that the store has for them. Where no line at all would be right as well (== 0, < 5), that
 * none came says something only when there was time for it: then a whole window must have passed since, and its lines count. Else all since the act count,
 * or those of the window that is asked for.
 */
#include "config.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "runbook/condition.h"
#include "source/log_round.h"

#define WINDOW_NS NS_PER_MIN
/* PAGE: of a journal, whose entries are counted here, as many as the answer to one request may hold. COUNT: it is counted further where that decides. */
enum { PAGE = 500, COUNT = 1000, COUNT_MAX = 50000 };

struct log_look {
	const struct chain_ops *ops;
	const char *source;
	void *chain;
	struct log_want want;		/* the chain's own copy counts */
	unsigned tag, n_asked;
};

/* --- what is asked ------------------------------------------------------------------------------ */

static const struct conf_source *
find_source(const struct run_world *w, const char *name)
{
	for (size_t i = 0; i < w->env->n_sources; i++) {
		const struct conf_source *s = &w->env->sources[i];

		if (log_store_find(s->type) != NULL && (name == NULL || str_eq(s->name, name)))
			return s;
	}
	return NULL;
}

static const struct chain_ops *
chain_of(const char *type)
{
	return str_eq(type, "loki") ? &loki_chain : str_eq(type, "journald") ? &journald_chain : &elastic_chain;
}

static bool
is_quiet_right(const struct condition *c)
{
	return c->kind == COND_LOG && compare_numbers(c->compare, 0, c->number);
}

int64_t
log_quiet_ns(const struct condition *c)
{
	return !is_quiet_right(c) ? 0 : c->window_ns > 0 ? c->window_ns : WINDOW_NS;
}

/* [start, end), in whole milliseconds as a Loki counts. false: nothing can be told yet. */
static bool
stretch_of(const struct judging *j, struct log_want *want)
{
	const struct condition *c = j->bc->c;
	int64_t now = clock_now(), window = c->window_ns, length = INT64_MAX;

	if (window == 0 && (j->since_ns == 0 || is_quiet_right(c)))
		window = WINDOW_NS;
	if (j->since_ns > 0)
		length = (now - j->since_ns - 1) / NS_PER_MS * NS_PER_MS;
	if (j->since_ns > 0 && length < log_quiet_ns(c) - NS_PER_MS)
		return false;
	if (window > 0 && length > window)
		length = window;
	want->end_ns = now;
	want->start_ns = now - length;
	return length >= NS_PER_MS;
}

static size_t
count_limit(const struct condition *c)
{
	return c->number < COUNT - 1 ? COUNT : c->number < COUNT_MAX - 1 ? (size_t)c->number + 2 : COUNT_MAX;
}

/* --- what it says ------------------------------------------------------------------------------- */

/* n, or where the store counted no further, n or more. */
static enum outcome
judge_count(const struct condition *c, double n, bool is_least)
{
	bool holds = compare_numbers(c->compare, n, c->number);
	bool is_decided = !is_least;

	if (is_least && (c->compare == CMP_GE || c->compare == CMP_GT))
		is_decided = holds;
	else if (is_least && (c->compare == CMP_LT || c->compare == CMP_LE))
		is_decided = !holds;
	else if (is_least)
		is_decided = n > c->number;
	return !is_decided ? OUTCOME_UNKNOWN : holds ? OUTCOME_OK : OUTCOME_FAILED;
}

static void
judge_counts(struct judging *j, const struct log_counts *counts)
{
	const struct condition *c = j->bc->c;
	bool is_least = counts->is_least || counts->note != NULL;
	enum outcome outcome = judge_count(c, (double)counts->n_lines, is_least);
	const char *how = outcome == OUTCOME_OK ? "" : outcome == OUTCOME_FAILED ? "not " : "not known to be ";
	char at[CLOCK_TEXT_MAX];

	finding_set(&j->finding, outcome, "%llu line%s%s since %s, %s%s %.17g", (unsigned long long)counts->n_lines, counts->n_lines == 1 ? "" : "s",
	    is_least ? " or more" : "", time_of_day(at, counts->start_ns), how, compare_text(c->compare), c->number);
	if (counts->note != NULL)
		finding_set(&j->finding, outcome, "%s: %s", j->finding.text, counts->note);
}

static void
end_look(struct judging *j)
{
	if (j->bc->host != NULL && j->finding.outcome != OUTCOME_OK)
		finding_host(&j->finding, j->bc->host, j->finding.outcome == OUTCOME_UNKNOWN);
	look_log_cancel(j);
	judge_found(j);
}

static void
unknown(struct judging *j, const struct err *err)
{
	finding_set(&j->finding, OUTCOME_UNKNOWN, "%s", err->msg);
	end_look(j);
}

static void
take_end(struct judging *j)
{
	struct event_list events = { 0 };

	j->log->ops->end(j->log->chain, &events);
	if (events.n > 0)
		judge_counts(j, events.v[0].block);
	else
		finding_set(&j->finding, OUTCOME_UNKNOWN, "%s has counted nothing", j->log->source);
	event_list_done(&events);
	end_look(j);
}

/* --- asking ------------------------------------------------------------------------------------- */

static void ask_next(struct judging *j);

/* The answer as the source's own poll would have it: the body, or the sentence of a refusal. */
static int
tell_chain(struct log_look *l, const struct write_result *result, struct err *err)
{
	const struct decode_ctx ctx = { .source = l->source, .query = "", .requested_ns = clock_now() };
	struct decoder *d = decoder_new(l->ops->decoder, &ctx);
	struct event_list events = { 0 };
	const struct chain_body *body;
	int r = decoder_start(d, &result->answer);

	if (r == 0)
		r = decoder_push(d, result->body, result->len, err);
	if (r == 0)
		r = decoder_finish(d, &events, err);
	if (r == 0 && events.n > 0) {
		body = events.v[0].block;
		r = l->ops->answer(l->chain, l->tag, body->bytes, body->len, err);
	}
	event_list_done(&events);
	decoder_free(d);
	return r;
}

static void
on_answer(const struct write_result *result, void *arg)
{
	struct judging *j = arg;
	struct log_look *l = j->log;
	struct err why = result->err, err = ERR_INIT;

	j->call = NULL;
	if (why.code == 0 && tell_chain(l, result, &why) < 0 && why.code == 0)
		err_set(&why, ERR_INVALID, "%s answers with what cannot be read", l->source);
	if (why.code != 0 && l->ops->failed(l->chain, l->tag, result->answer.status, &why, &err) != 0)
		unknown(j, err.code != 0 ? &err : &why);
	else
		ask_next(j);
}

static void
ask_next(struct judging *j)
{
	struct log_look *l = j->log;
	struct err err = ERR_INIT;
	struct chain_ask ask;
	int r;

	if (!l->ops->next(l->chain, &ask)) {
		take_end(j);
		return;
	}
	l->tag = ask.tag;
	if (++l->n_asked > l->ops->requests_max)
		r = err_set(&err, ERR_LIMIT, "it takes more than %u requests to count the lines", l->ops->requests_max);
	else
		r = call_begin(j->w, l->source, &ask.request, on_answer, j, &j->call, &err);
	chain_ask_done(&ask);
	if (r < 0)
		unknown(j, &err);
}

static int
begin(struct judging *j, const struct conf_source *source, struct err *err)
{
	struct log_look *l = j->log;
	const struct log_arg arg = { .want = &l->want, .page = PAGE };
	void *kept = j->log_kept;

	j->log_kept = NULL;
	l->chain = l->ops->begin(source, &arg, kept, err);
	return l->chain == NULL ? err->code : 0;
}

void
look_log(struct judging *j)
{
	const struct conf_source *source = find_source(j->w, j->bc->c->source);
	struct err err = ERR_INIT;
	struct log_look *l;

	if (source == NULL) {
		err_set(&err, ERR_NOTFOUND, "there is no store of lines to ask%s%s", j->bc->c->source != NULL ? ": " : "", j->bc->c->source != NULL ? j->bc->c->source : "");
		unknown(j, &err);
		return;
	}
	l = j->log = xcalloc(1, sizeof *l);
	*l = (struct log_look){ .ops = chain_of(source->type), .source = source->name };
	l->want = (struct log_want){ .id = "run", .source = source->name, .query = j->bc->subject, .is_count = true, .limit = count_limit(j->bc->c) };
	if (!stretch_of(j, &l->want)) {
		j->finding.is_old = true;
		err_set(&err, ERR_NOTFOUND, "it is not long enough since the last act");
		unknown(j, &err);
	} else if (begin(j, source, &err) < 0) {
		unknown(j, &err);
	} else {
		ask_next(j);
	}
}

/* --- the end ------------------------------------------------------------------------------------ */

void
look_log_cancel(struct judging *j)
{
	struct log_look *l = j->log;

	if (l == NULL)
		return;
	if (l->chain != NULL) {
		look_log_forget(j);
		j->log_kept = l->ops->keep(l->chain);
		l->ops->free(l->chain);
	}
	free(l);
	j->log = NULL;
}

/* One condition asks one store, so all that is kept is of one kind. */
void
look_log_forget(struct judging *j)
{
	loki_chain.kept_free(j->log_kept);
	j->log_kept = NULL;
}
