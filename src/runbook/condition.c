/*
 * Conditions: bound, and judged by looks at the world until one is good enough.
 *
 *   judge_begin -> (waits until since + settle) -> look -> judge_found -> done
 *                                                    ^          |
 *                                                    +--- 2 s --+  while there is time
 */
#include "config.h"

#include "runbook/condition.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "base/xalloc.h"

#define LOOK_AGAIN_NS (2 * NS_PER_S)
enum { CONDITION_TEXT_MAX = 256 << 10 };

/* --- findings --------------------------------------------------------------------------------- */

void
finding_set(struct finding *f, enum outcome outcome, const char *fmt, ...)
{
	char *text;
	va_list ap;

	va_start(ap, fmt);
	text = xvasprintf(fmt, ap);
	va_end(ap);
	f->outcome = outcome;
	f->text = arena_strdup(&f->mem, text);
	free(text);
}

static void
add_string(struct arena *mem, struct strings *to, size_t *cap, const char *s)
{
	const char **v = (const char **)to->v;

	for (size_t i = 0; i < to->n; i++)
		if (strcmp(to->v[i], s) == 0)
			return;
	if (to->n == *cap) {
		*cap = *cap == 0 ? 8 : *cap * 2;
		v = arena_alloc(mem, *cap * sizeof *v);
		if (to->n > 0)
			memcpy(v, to->v, to->n * sizeof *v);
		to->v = v;
	}
	v[to->n++] = arena_strdup(mem, s);
}

void
finding_host(struct finding *f, const char *host, bool is_unknown)
{
	add_string(&f->mem, &f->failed_hosts, &f->cap_failed, host);
	if (is_unknown)
		add_string(&f->mem, &f->unknown_hosts, &f->cap_unknown, host);
}

static void
finding_reset(struct finding *f)
{
	arena_done(&f->mem);
	*f = (struct finding){ .mem = ARENA_INIT, .outcome = OUTCOME_UNKNOWN, .text = "" };
}

/* --- comparing -------------------------------------------------------------------------------- */

bool
compare_numbers(enum compare how, double a, double b)
{
	switch (how) {
	case CMP_EQ: return a == b;
	case CMP_NE: return a != b;
	case CMP_LT: return a < b;
	case CMP_LE: return a <= b;
	case CMP_GT: return a > b;
	case CMP_GE: return a >= b;
	}
	return false;
}

const char *
compare_text(enum compare how)
{
	static const char *const texts[] = { "==", "!=", "<", "<=", ">", ">=" };

	return texts[how];
}

const char *
time_of_day(char *buf, int64_t ns)
{
	clock_format(buf, ns, 0);
	return strlen(buf) > 11 ? buf + 11 : buf;
}

/* --- binding ---------------------------------------------------------------------------------- */

static int
expand(const struct template *t, const struct bindings *b, char **ret, const char *what, struct err *err)
{
	struct buf text;
	int r;

	if (t == NULL)
		return 0;
	buf_init(&text, CONDITION_TEXT_MAX);
	r = template_expand(t, b->lookup, b->arg, &text, err);
	if (r == 0 && memchr(text.data, '\0', text.len) != NULL)
		r = err_set(err, ERR_INVALID, "it has a NUL byte");
	if (r == 0)
		*ret = buf_take(&text, NULL);
	else
		err_prefix(err, "%s", what);
	buf_done(&text);
	return r;
}

static void
bind_hosts(struct bound_condition *to, const struct bindings *b)
{
	size_t n = 0;

	while (b->hosts != NULL && b->hosts[n] != NULL)
		n++;
	to->hosts = xcalloc(n + 1, sizeof *to->hosts);
	for (to->n_hosts = 0; to->n_hosts < n; to->n_hosts++)
		to->hosts[to->n_hosts] = xstrdup(b->hosts[to->n_hosts]);
	if (to->c->is_per_host && b->host != NULL)
		to->host = xstrdup(b->host->name);
}

int
condition_bind(const struct condition *c, const struct bindings *b, struct bound_condition **ret, struct err *err)
{
	struct bound_condition *to = xcalloc(1, sizeof *to);
	int r;

	to->c = c;
	r = expand(c->subject, b, &to->subject, "what is looked at", err);
	if (r == 0)
		r = expand(c->expect, b, &to->expect, "what is expected", err);
	if (r < 0) {
		bound_condition_free(to);
		return r;
	}
	bind_hosts(to, b);
	*ret = to;
	return 0;
}

void
bound_condition_free(struct bound_condition *c)
{
	if (c == NULL)
		return;
	free(c->subject);
	free(c->expect);
	free(c->host);
	for (size_t i = 0; i < c->n_hosts; i++)
		free(c->hosts[i]);
	free(c->hosts);
	free(c);
}

/* --- for people and for the hash -------------------------------------------------------------- */

static void
add(struct buf *to, const char *text)
{
	if (text != NULL)
		str_escape(to, text, strlen(text));
}

static void
text_promql(const struct bound_condition *bc, struct buf *to)
{
	const struct condition *c = bc->c;

	if (c->label != NULL) {
		add(to, c->label);
		buf_addstr(to, " of ");
	}
	add(to, bc->subject);
	buf_printf(to, " %s ", compare_text(c->compare));
	if (c->label != NULL)
		add(to, bc->expect);
	else
		buf_printf(to, "%.17g", c->number);
	buf_addstr(to, c->is_any ? " for any series" : " for every series");
	if (c->host_label != NULL)
		buf_printf(to, " of each host (%s)", c->host_label);
	if (c->source != NULL)
		buf_printf(to, " in %s", c->source);
}

static void
text_http(const struct bound_condition *bc, struct buf *to)
{
	const struct condition *c = bc->c;

	buf_printf(to, "http://%s%s", c->source != NULL ? c->source : "?", bc->subject != NULL && *bc->subject != '/' ? "/" : "");
	add(to, bc->subject);
	if (c->label == NULL) {
		buf_printf(to, " answers %.0f", c->number);
		return;
	}
	buf_addstr(to, " answers with ");
	add(to, c->label);
	buf_printf(to, " %s ", compare_text(c->compare));
	add(to, bc->expect);
}

static void
text_slo(const struct bound_condition *bc, struct buf *to)
{
	buf_addstr(to, "objective ");
	add(to, bc->subject);
	if (bc->expect != NULL) {
		buf_addstr(to, " is ");
		add(to, bc->expect);
	} else {
		buf_printf(to, " has budget %s %.6g%% left", compare_text(bc->c->compare), bc->c->number * 100);
	}
}

static void
text_log(const struct bound_condition *bc, struct buf *to)
{
	const struct condition *c = bc->c;
	char length[DURATION_TEXT_MAX];

	buf_addstr(to, "lines of ");
	add(to, bc->subject);
	if (c->source != NULL)
		buf_printf(to, " in %s", c->source);
	buf_printf(to, " %s %.17g", compare_text(c->compare), c->number);
	if (c->window_ns > 0)
		buf_printf(to, " over %s", duration_format(length, c->window_ns));
}

static void
text_words(struct buf *to, const char *before, const char *subject, const char *between, const char *expect)
{
	buf_addstr(to, before);
	add(to, subject);
	buf_addstr(to, between);
	add(to, expect);
}

void
bound_condition_text(const struct bound_condition *bc, struct buf *to)
{
	const struct condition *c = bc->c;
	char length[DURATION_TEXT_MAX];

	switch (c->kind) {
	case COND_PROMQL: text_promql(bc, to); break;
	case COND_ALERT: text_words(to, "alert ", bc->subject, " is ", bc->expect); break;
	case COND_SERVED: text_words(to, "the hosts serve ", bc->subject, " ", bc->expect); break;
	case COND_SLO: text_slo(bc, to); break;
	case COND_DRIFT:
		text_words(to, "drift of ", c->label != NULL ? c->label : "all", " of ", bc->subject);
		text_words(to, " is ", bc->expect, "", NULL);
		break;
	case COND_HTTP: text_http(bc, to); break;
	case COND_LOG: text_log(bc, to); break;
	case COND_TIME: buf_addstr(to, duration_format(length, c->time_ns)); break;
	case COND_VALUE: text_words(to, "'", bc->subject, c->compare == CMP_NE ? "' is not '" : "' is '", bc->expect); buf_addch(to, '\''); break;
	}
	if (bc->host != NULL && (c->kind == COND_PROMQL || c->kind == COND_LOG))
		text_words(to, " (", bc->host, ")", NULL);
	if (c->within_ns > 0)
		buf_printf(to, ", within %s", duration_format(length, c->within_ns));
	if (c->settle_ns > 0)
		buf_printf(to, ", settled for %s", duration_format(length, c->settle_ns));
}

int
condition_text(const struct condition *c, const struct bindings *b, struct buf *into, struct err *err)
{
	struct bound_condition *bc;
	int r = condition_bind(c, b, &bc, err);

	if (r < 0)
		return r;
	bound_condition_text(bc, into);
	bound_condition_free(bc);
	return into->is_over ? err_set(err, ERR_LIMIT, "the condition is too long") : 0;
}

/* --- looks ------------------------------------------------------------------------------------ */

static void
look_model(struct judging *j)
{
	const struct run_world *w = j->w;
	const struct bound_condition *bc = j->bc;

	if (bc->c->kind == COND_ALERT)
		look_alert(w, bc, j->since_ns, &j->finding);
	else if (bc->c->kind == COND_SERVED)
		look_served(w, bc, j->since_ns, &j->finding);
	else if (bc->c->kind == COND_SLO)
		look_slo(w, bc, j->since_ns, &j->finding);
	else if (bc->c->kind == COND_DRIFT)
		look_drift(w, bc, j->since_ns, &j->finding);
	else
		look_value(bc, &j->finding);
	judge_found(j);
}

/* Not in a wait for a poll that nobody would make before its interval. */
static void
ask_for_news(const struct judging *j)
{
	const char *what = j->bc->c->kind == COND_ALERT ? "alerts" : j->bc->c->kind == COND_SERVED ? "serving" : NULL;

	if (what != NULL && j->w->poll_now != NULL)
		j->w->poll_now(j->w->arg, NULL, what);
}

static void
look(struct judging *j)
{
	finding_reset(&j->finding);
	j->asked = j->bc;
	switch (j->bc->c->kind) {
	case COND_SERVED:
		if (j->since_ns > 0 && served_as_series(j->w, j->bc, &j->finding.mem, &j->served_c, &j->served)) {
			j->asked = &j->served;
			look_promql(j);
		} else {
			look_model(j);
		}
		break;
	case COND_PROMQL:
		look_promql(j);
		break;
	case COND_HTTP:
		look_http(j);
		break;
	case COND_LOG:
		look_log(j);
		break;
	case COND_TIME:
		finding_set(&j->finding, OUTCOME_OK, "the time is over");
		judge_found(j);
		break;
	default:
		look_model(j);
	}
}

static void
tell(struct judging *j, judge_cb *cb)
{
	struct judgement result = {
		.outcome = j->finding.outcome, .text = j->finding.text, .failed_hosts = j->finding.failed_hosts,
		.unknown_hosts = j->finding.unknown_hosts,
	};

	cb(j, &result, j->arg);
}

static void
on_timer(void *arg)
{
	struct judging *j = arg;

	if (j->is_bind_failed) {
		finding_set(&j->finding, OUTCOME_UNKNOWN, "%s", j->bind_err.msg);
		tell(j, j->done);
		return;
	}
	look(j);
}

/* Whose evidence was only too old is given the time of a scrape, also where it is to be judged once. */
static bool
is_time_left(const struct judging *j)
{
	int64_t until = j->until_ns;

	if (j->finding.is_old && j->finding.outcome == OUTCOME_UNKNOWN && j->fresh_until_ns > until)
		until = j->fresh_until_ns;
	return clock_mono() + LOOK_AGAIN_NS <= until;
}

void
judge_found(struct judging *j)
{
	if (j->finding.outcome == OUTCOME_OK || !is_time_left(j)) {
		tell(j, j->done);
		return;
	}
	ask_for_news(j);
	loop_timer_in(j->timer, LOOK_AGAIN_NS);
	if (j->progress != NULL)
		tell(j, j->progress);
}

/* --- life ------------------------------------------------------------------------------------- */

static struct judging *
judging_new(const struct run_world *w, judge_cb *progress, judge_cb *done, void *arg)
{
	struct judging *j = xcalloc(1, sizeof *j);

	*j = (struct judging){ .w = w, .progress = progress, .done = done, .arg = arg };
	finding_reset(&j->finding);
	j->timer = loop_timer_new(w->loop, on_timer, j);
	return j;
}

static int64_t
wait_for_evidence(int64_t until_ns, int64_t most_ns)
{
	int64_t left = until_ns - clock_now();

	return left < 0 ? 0 : left < most_ns ? left : most_ns;
}

/* Lines that are the proof may come while the act is under way; where clocks differ or lines are late, settle is behind its end as for all else. */
static int64_t
evidence_since(const struct condition *c, int64_t ended_ns, int64_t begun_ns)
{
	bool is_proof = c->kind == COND_LOG && log_quiet_ns(c) == 0 && c->settle_ns == 0;

	return is_proof && begun_ns > 0 && begun_ns < ended_ns ? begun_ns : ended_ns;
}

struct judging *
judge_bound(const struct run_world *w, struct bound_condition *bc, int64_t ended_ns, int64_t begun_ns, judge_cb *progress, judge_cb *done, void *arg)
{
	struct judging *j = judging_new(w, progress, done, arg);
	int64_t since_ns = evidence_since(bc->c, ended_ns, begun_ns), wait = bc->c->kind == COND_TIME ? bc->c->time_ns : 0;

	j->bc = bc;
	if (since_ns > 0) {
		j->since_ns = since_ns + bc->c->settle_ns;
		/* No evidence can be newer before then. The clock may have been set: never longer than was meant. */
		if (bc->c->kind != COND_TIME && bc->c->kind != COND_VALUE)
			wait = wait_for_evidence(j->since_ns + log_quiet_ns(bc->c), bc->c->settle_ns + log_quiet_ns(bc->c));
	}
	j->until_ns = clock_mono() + wait + bc->c->within_ns;
	j->fresh_until_ns = since_ns > 0 ? clock_mono() + wait + JUDGE_FRESH_NS : 0;
	if (since_ns > 0)
		ask_for_news(j);
	loop_timer_in(j->timer, wait);
	return j;
}

struct judging *
judge_begin(const struct run_world *w, const struct condition *c, const struct bindings *b, int64_t since_ns, int64_t begun_ns, judge_cb *progress,
    judge_cb *done, void *arg)
{
	struct err err = ERR_INIT;
	struct bound_condition *bc;
	struct judging *j;

	if (condition_bind(c, b, &bc, &err) == 0)
		return judge_bound(w, bc, since_ns, begun_ns, progress, done, arg);
	j = judging_new(w, progress, done, arg);
	j->is_bind_failed = true;
	j->bind_err = err;
	loop_timer_in(j->timer, 0);
	return j;
}

void
judge_free(struct judging *j)
{
	if (j == NULL)
		return;
	look_cancel(j);
	look_log_forget(j);
	loop_timer_free(j->timer);
	bound_condition_free(j->bc);
	arena_done(&j->finding.mem);
	free(j);
}

int
judge_now(const struct run_world *w, const struct condition *c, const struct bindings *b, enum outcome *ret, struct err *err)
{
	struct finding f = { .mem = ARENA_INIT };
	struct bound_condition *bc;
	int r;

	if (c->kind == COND_PROMQL || c->kind == COND_HTTP || c->kind == COND_LOG || c->kind == COND_TIME)
		return err_set(err, ERR_UNSUPPORTED, "this has to be asked, or waited for");
	r = condition_bind(c, b, &bc, err);
	if (r < 0)
		return r;
	finding_reset(&f);
	if (c->kind == COND_ALERT)
		look_alert(w, bc, 0, &f);
	else if (c->kind == COND_SERVED)
		look_served(w, bc, 0, &f);
	else if (c->kind == COND_SLO)
		look_slo(w, bc, 0, &f);
	else if (c->kind == COND_DRIFT)
		look_drift(w, bc, 0, &f);
	else
		look_value(bc, &f);
	*ret = f.outcome;
	/* Why it is not so: who asks `when` says it beside "skipped". */
	if (err != NULL && f.outcome != OUTCOME_OK)
		snprintf(err->msg, sizeof err->msg, "%s", f.text);
	arena_done(&f.mem);
	bound_condition_free(bc);
	return 0;
}
