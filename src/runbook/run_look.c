/* Conditions that are judged together: preconditions, health, verify, and a step's `when`. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "runbook/run_priv.h"

enum { WHAT_MAX = 16 << 10 };

/* Names of hosts that conditions are about: all that are not left out; with is_all false only those of batches so far that have not failed. */
const char **
run_hosts_now(struct run *r, bool is_all)
{
	const char **v = xcalloc(r->n_lanes + 1, sizeof *v);
	size_t n = 0;

	for (size_t i = 0; i < r->n_lanes; i++) {
		const struct lane *l = &r->lanes[i];

		if (l->is_left || l->is_failed || (!is_all && (size_t)l->batch > r->batch))
			continue;
		v[n++] = l->name;
	}
	return v;
}

static void
on_look_done(void *arg)
{
	struct look *k = arg;

	if (k->is_reported)
		return;
	k->is_reported = true;
	k->done(k, k->arg);
}

static void
hosts_failed(struct look *k, const struct look_item *it, const struct judgement *j)
{
	if (it->outcome == OUTCOME_OK)
		return;
	if (*it->lane->name != '\0')
		hostlist_add(&k->failed, it->lane->name, NULL);
	for (size_t i = 0; i < j->failed_hosts.n; i++)
		hostlist_add(&k->failed, j->failed_hosts.v[i], NULL);
	for (size_t i = 0; i < j->unknown_hosts.n; i++)
		hostlist_add(&k->failed, j->unknown_hosts.v[i], NULL);
}

static void
on_progress(struct judging *judging, const struct judgement *j, void *arg)
{
	struct look_item *it = arg;

	(void)judging;
	free(it->text);
	it->text = text_clean(j->text);
	if (it->lane->run->state != RUN_PLANNING)
		info_touch(it->look->run);
}

static void
on_judged(struct judging *judging, const struct judgement *j, void *arg)
{
	struct look_item *it = arg;
	struct look *k = it->look;

	free(it->text);
	it->text = text_clean(j->text);
	it->outcome = j->outcome;
	hosts_failed(k, it, j);
	it->judging = NULL;
	judge_free(judging);
	if (--k->left == 0) {
		hostlist_finish(&k->failed);
		on_look_done(k);
	}
}

static size_t
count_items(const struct run *r, struct condition *const *v, size_t n, const struct lane *lane)
{
	size_t items = 0;

	for (size_t i = 0; i < n; i++)
		items += v[i]->is_per_host && lane == &r->own ? r->n_lanes : 1;
	return items;
}

static void
item_add(struct look *k, const struct condition *c, struct lane *l)
{
	struct look_item *it = &k->v[k->n++];

	*it = (struct look_item){ .look = k, .c = c, .lane = l, .bindings = l->bindings, .outcome = OUTCOME_RUNNING };
	it->bindings.hosts = k->hosts;
}

static bool
is_among(const char *const *v, const char *name)
{
	while (*v != NULL && strcmp(*v, name) != 0)
		v++;
	return *v != NULL;
}

/* lane: whose `when` it is, else the run's own: conditions by host are then judged for each of hosts. hosts becomes the look's. */
struct look *
look_begin(struct run *r, enum run_phase phase, struct condition *const *v, size_t n, struct lane *lane, const char **hosts, int64_t since_ns,
    look_done_cb *done, void *arg)
{
	struct look *k = xcalloc(1, sizeof *k);

	k->run = r;
	k->phase = phase;
	k->hosts = hosts;
	k->done = done;
	k->arg = arg;
	k->v = xcalloc(count_items(r, v, n, lane) + 1, sizeof *k->v);
	k->timer = loop_timer_new(r->w->loop, on_look_done, k);
	for (size_t i = 0; i < n; i++) {
		if (!v[i]->is_per_host || lane != &r->own) {
			item_add(k, v[i], lane);
			continue;
		}
		for (size_t j = 0; j < r->n_lanes; j++)
			if (is_among(hosts, r->lanes[j].name))
				item_add(k, v[i], &r->lanes[j]);
	}
	k->left = k->n;
	for (size_t i = 0; i < k->n; i++)
		k->v[i].judging = judge_begin(r->w, k->v[i].c, &k->v[i].bindings, since_ns, lane_act_begun(k->v[i].lane),
		    on_progress, on_judged, &k->v[i]);
	if (k->n == 0)
		loop_timer_in(k->timer, 0);
	return k;
}

void
look_free(struct look *k)
{
	if (k == NULL)
		return;
	for (size_t i = 0; i < k->n; i++) {
		judge_free(k->v[i].judging);
		free(k->v[i].text);
	}
	hostlist_done(&k->failed);
	loop_timer_free(k->timer);
	free(k->hosts);
	free(k->v);
	free(k);
}

static int
badness(enum outcome o)
{
	return o == OUTCOME_FAILED ? 2 : o != OUTCOME_OK;
}

/* All hold: OK. One does not: FAILED. Else one is not known. */
enum outcome
look_outcome(const struct look *k)
{
	enum outcome worst = OUTCOME_OK;

	for (size_t i = 0; i < k->n; i++)
		if (badness(k->v[i].outcome) > badness(worst))
			worst = k->v[i].outcome == OUTCOME_FAILED ? OUTCOME_FAILED : OUTCOME_UNKNOWN;
	return worst;
}

static const struct look_item *
worst_item(const struct look *k)
{
	const struct look_item *worst = NULL;

	for (size_t i = 0; i < k->n; i++)
		if (worst == NULL || badness(k->v[i].outcome) > badness(worst->outcome))
			worst = &k->v[i];
	return worst;
}

/* For people: what is not known leaves a mark. */
static const char *
lookup_shown(const char *name, void *arg, const char **ret_why)
{
	const char *value = run_lookup(name, arg, ret_why);

	return value != NULL ? value : "?";
}

char *
condition_what(const struct condition *c, const struct bindings *b)
{
	struct bindings shown = *b;
	struct err err = ERR_INIT;
	struct buf text;
	char *clean;

	buf_init(&text, WHAT_MAX);
	shown.lookup = lookup_shown;
	if (condition_text(c, b, &text, &err) < 0)
		buf_reset(&text);
	if (text.len == 0 && condition_text(c, &shown, &text, &err) < 0) {
		buf_reset(&text);
		buf_addstr(&text, c->text != NULL ? c->text : "");
	}
	clean = text_clean(text.data);
	buf_done(&text);
	return clean;
}

char *
look_text(const struct look *k)
{
	const struct look_item *it = worst_item(k);
	char *what, *text;

	if (it == NULL)
		return xstrdup("");
	if (badness(it->outcome) == 0 && k->n > 1)
		return xasprintf("%zu conditions hold", k->n);
	what = badness(it->outcome) > 0 ? condition_what(it->c, &it->bindings) : xstrdup("");
	text = xasprintf("%s%s%s%s%s", it->lane->name, *it->lane->name != '\0' ? ": " : "", it->text != NULL ? it->text : "not judged yet",
	    *what != '\0' ? ", wanted: " : "", what);
	free(what);
	return text;
}

void
look_record(struct look *k)
{
	for (size_t i = 0; i < k->n; i++) {
		const struct look_item *it = &k->v[i];
		char *what = condition_what(it->c, &it->bindings);

		record_check(k->run, k->phase, it->lane->name, what, what, it->text, it->outcome);
		run_tell(k->run, NOTICE_CONDITION, &(struct run_notice){ .name = what, .host = it->lane->name,
		    .batch = k->phase == PHASE_HEALTH ? (int)k->run->batch : -1, .outcome = it->outcome, .text = it->text });
		free(what);
	}
}
