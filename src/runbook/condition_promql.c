/*
 * A look at series. What a selector gives is up to five minutes old and dated as if it were of now, so its samples' own times are asked too, with timestamp():
 * a host that was scraped before it was acted on is no proof. So are those of a selector that is only compared with a number, as `served == 1`. Of other expressions the time they were worked out at is all there is to know: where they look back
 * (rate(x[5m])) `settle` must cover their window.
 */
#include "config.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "runbook/condition.h"

/* --- what kind of expression -------------------------------------------------------------------- */

static bool
is_name_char(char c, bool is_first)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == ':' || (!is_first && c >= '0' && c <= '9');
}

static const char *
skip_space(const char *p)
{
	return p + strspn(p, " \t\r\n");
}

/* Behind the "}" that closes what p begins with; NULL: none. */
static const char *
skip_matchers(const char *p)
{
	char quote = '\0';

	for (; *p != '\0'; p++) {
		if (quote != '\0') {
			if (*p == '\\' && quote != '`' && p[1] != '\0')
				p++;
			else if (*p == quote)
				quote = '\0';
		} else if (*p == '"' || *p == '\'' || *p == '`') {
			quote = *p;
		} else if (*p == '}') {
			return p + 1;
		}
	}
	return NULL;
}

/* Behind a selector that p begins with; NULL: it begins with none. */
static const char *
skip_selector(const char *p)
{
	const char *begin = p;

	if (is_name_char(*p, true))
		while (is_name_char(*p, false))
			p++;
	if (p - begin == 3 && (strncasecmp(begin, "inf", 3) == 0 || strncasecmp(begin, "nan", 3) == 0))
		return NULL;
	if (*skip_space(p) == '{')
		p = skip_matchers(skip_space(p));
	return p == begin ? NULL : p;
}

/* "== 1" and kin, to the end. */
static bool
is_filter(const char *p)
{
	static const char *const signs[] = { "==", "!=", "<=", ">=", "<", ">" };
	char *end;

	for (size_t i = 0; i < sizeof signs / sizeof *signs; i++) {
		if (!str_has_prefix(p, signs[i]))
			continue;
		p = skip_space(p + strlen(signs[i]));
		strtod(p, &end);
		return end != p && *skip_space(end) == '\0';
	}
	return false;
}

size_t
promql_selector(const char *expr, const char **ret_begin)
{
	const char *begin = skip_space(expr), *end = skip_selector(begin);

	if (end == NULL || (*skip_space(end) != '\0' && !is_filter(skip_space(end))))
		return 0;
	*ret_begin = begin;
	return (size_t)(end - begin);
}

static bool
is_of_samples(const char *expr)
{
	const char *unused;

	return promql_selector(expr, &unused) > 0;
}

/* --- counting ----------------------------------------------------------------------------------- */

struct tally {			/* of one host, or of all series */
	size_t n, n_hold, n_old, n_valueless;
	const struct series *bad;
	int64_t newest_ns;
};
struct count {
	const struct model *m;
	const struct bound_condition *bc;
	const struct series_set *values, *times;
	int64_t since_ns;
	struct tally *tallies;		/* by host, or one */
	size_t n_tallies;
};

/* Labels but for the name, which timestamp() takes away. */
static bool
is_same_series(const struct labels *value, const struct labels *time)
{
	size_t at = 0;

	for (size_t i = 0; i < value->n; i++) {
		if (strcmp(value->v[i].name, "__name__") == 0)
			continue;
		if (at >= time->n || strcmp(value->v[i].name, time->v[at].name) != 0 || strcmp(value->v[i].value, time->v[at].value) != 0)
			return false;
		at++;
	}
	return at == time->n;
}

/* 0: not known, and so old. Both answers are mostly in the same order. */
static int64_t
sample_time(const struct count *c, size_t i)
{
	const struct series_set *t = c->times;

	if (t == NULL)
		return c->values->v[i].v[c->values->v[i].n - 1].t_ns;
	for (size_t k = 0; k < t->n; k++) {
		const struct series *s = &t->v[(i + k) % t->n];
		double at = s->n > 0 ? s->v[s->n - 1].v : NAN;

		if (is_same_series(&c->values->v[i].labels, &s->labels))
			return at >= 0 && at < 9e9 ? (int64_t)(at * 1e9) : 0;
	}
	return 0;
}

static bool
is_host(const struct model *m, const char *host, const char *name, size_t len)
{
	const struct model_host_row *row = m == NULL ? NULL : model_host_find(m, host);

	if (strlen(host) == len && strncmp(host, name, len) == 0)
		return true;
	return row != NULL && row->def != NULL && row->def->address != NULL && strlen(row->def->address) == len &&
	    strncmp(row->def->address, name, len) == 0;
}

/* Which host of the run a series is of; n_hosts: another one. */
static size_t
host_index(const struct count *c, const struct series *s)
{
	const char *value = labels_get(&s->labels, c->bc->c->host_label), *name = value;
	size_t len, i;

	if (value == NULL)
		return c->bc->n_hosts;
	len = host_of_instance(value);
	if (len > 2 && name[0] == '[' && name[len - 1] == ']') {
		name++;
		len -= 2;
	}
	for (i = 0; i < c->bc->n_hosts; i++)
		if (strcmp(c->bc->hosts[i], value) == 0 || is_host(c->m, c->bc->hosts[i], name, len))
			break;
	return i;
}

static bool
holds(const struct bound_condition *bc, const struct series *s)
{
	const char *value;

	if (bc->c->label == NULL)
		return compare_numbers(bc->c->compare, s->v[s->n - 1].v, bc->c->number);
	value = labels_get(&s->labels, bc->c->label);
	return value != NULL && (strcmp(value, bc->expect) == 0) == (bc->c->compare == CMP_EQ);
}

/*
 * All series of one scrape have its time: where the same target has told of others since, one that is older is not there any more. Prometheus itself still shows
 * it for five minutes when it has not seen it go, as after a restart.
 */
static bool
is_gone(const struct count *c, size_t i)
{
	const char *instance = labels_get(&c->values->v[i].labels, "instance"), *job = labels_get(&c->values->v[i].labels, "job");

	if (c->times == NULL || instance == NULL || job == NULL)
		return false;
	for (size_t k = 0; k < c->values->n; k++)
		if (k != i && c->values->v[k].n > 0 && str_eq(labels_get(&c->values->v[k].labels, "instance"), instance) &&
		    str_eq(labels_get(&c->values->v[k].labels, "job"), job) && sample_time(c, k) > c->since_ns)
			return true;
	return false;
}

static void
count_series(struct count *c, size_t i, struct tally *t)
{
	const struct series *s = &c->values->v[i];
	const struct condition *cond = c->bc->c;
	int64_t at_ns;

	if (cond->label != NULL && s->n > 0 && s->v[s->n - 1].v == 0)
		return;
	if (s->n > 0 && sample_time(c, i) <= c->since_ns && is_gone(c, i))
		return;
	t->n++;
	if (s->n == 0 || isnan(s->v[s->n - 1].v) || (cond->label != NULL && labels_get(&s->labels, cond->label) == NULL)) {
		t->n_valueless++;
		return;
	}
	at_ns = sample_time(c, i);
	if (at_ns > t->newest_ns)
		t->newest_ns = at_ns;
	if (at_ns <= c->since_ns)
		t->n_old++;
	else if (holds(c->bc, s))
		t->n_hold++;
	else if (t->bad == NULL)
		t->bad = s;
}

static void
count_all(struct count *c)
{
	bool is_by_host = c->bc->c->host_label != NULL;

	for (size_t i = 0; i < c->values->n; i++) {
		size_t at = is_by_host ? host_index(c, &c->values->v[i]) : 0;

		if (at < c->n_tallies)
			count_series(c, i, &c->tallies[at]);
	}
}

static enum outcome
judge_tally(const struct tally *t, bool is_any)
{
	if (is_any && t->n_hold > 0)
		return OUTCOME_OK;
	if (!is_any && t->bad != NULL)
		return OUTCOME_FAILED;
	if (t->n == 0 || t->n_old > 0 || t->n_valueless > 0)
		return OUTCOME_UNKNOWN;
	return t->bad != NULL ? OUTCOME_FAILED : OUTCOME_OK;
}

/* --- saying it ---------------------------------------------------------------------------------- */

/* "== 1", or "version == 6". buf of 128. */
static const char *
wanted(char *buf, size_t size, const struct bound_condition *bc)
{
	char expect[64], label[40], number[NUM_TEXT_MAX];

	if (bc->c->kind == COND_SERVED)
		snprintf(buf, size, "serve %s", str_escape_to(expect, sizeof expect, bc->expect));
	else if (bc->c->label != NULL)
		snprintf(buf, size, "%s %s %s", str_escape_to(label, sizeof label, bc->c->label), compare_text(bc->c->compare),
		    str_escape_to(expect, sizeof expect, bc->expect));
	else
		snprintf(buf, size, "%s %s", compare_text(bc->c->compare), num_format(number, bc->c->number, "none"));
	return buf;
}

/* Whose series it is, as short as tells it. */
static const char *
who(char *buf, size_t size, const struct series *s, const char *host_label)
{
	static const char *const usual[] = { "instance", "host", "node", "pod", "job" };
	const char *value = host_label != NULL ? labels_get(&s->labels, host_label) : NULL;

	for (size_t i = 0; value == NULL && i < sizeof usual / sizeof *usual; i++)
		value = labels_get(&s->labels, usual[i]);
	return value == NULL ? "it" : str_escape_to(buf, size, value);
}

static void
say_bad(const struct bound_condition *bc, const struct series *s, const char *host, struct finding *f)
{
	char name[96], value[96], number[NUM_TEXT_MAX], want[128];
	const char *is = bc->c->label != NULL ? str_escape_to(value, sizeof value, labels_get(&s->labels, bc->c->label))
					      : num_format(number, s->v[s->n - 1].v, "none");

	if (bc->c->kind == COND_SERVED)
		finding_set(f, OUTCOME_FAILED, "%s serves %s", host, *is == '\0' ? "none" : is);
	else
		finding_set(f, OUTCOME_FAILED, "%s: %s, not %s", host != NULL ? host : who(name, sizeof name, s, bc->c->host_label), is,
		    wanted(want, sizeof want, bc));
}

static void
say_unknown(const struct count *c, const struct tally *t, const char *host, struct finding *f)
{
	char at[CLOCK_TEXT_MAX];

	f->is_old = (t->n_old > 0 || t->n == 0) && t->n_valueless == 0 && c->since_ns > 0;
	if (t->n == 0)
		finding_set(f, OUTCOME_UNKNOWN, "%s%sno series: nothing to judge by", host != NULL ? host : "", host != NULL ? ": " : "");
	else if (t->n_old == 0)
		finding_set(f, OUTCOME_UNKNOWN, "%s%s%zu of %zu series have nothing that could be compared", host != NULL ? host : "",
		    host != NULL ? ": " : "", t->n_valueless, t->n);
	else if (t->newest_ns > 0)
		finding_set(f, OUTCOME_UNKNOWN, "%s%sno data since %s", host != NULL ? host : "", host != NULL ? ": " : "", time_of_day(at, t->newest_ns));
	else
		finding_set(f, OUTCOME_UNKNOWN, "%s%show old its data is cannot be told", host != NULL ? host : "", host != NULL ? ": " : "");
}

/* --- judging ------------------------------------------------------------------------------------ */

static bool
needs_one_each(const struct bound_condition *bc)
{
	return !bc->c->is_any && bc->c->host_label == NULL && bc->host == NULL && is_of_samples(bc->subject);
}

static void
judge_all(const struct count *c, struct finding *f)
{
	const struct bound_condition *bc = c->bc;
	const struct tally *t = &c->tallies[0];
	enum outcome outcome = judge_tally(t, bc->c->is_any);
	char want[128];

	if (outcome == OUTCOME_FAILED && t->bad != NULL) {
		say_bad(bc, t->bad, bc->host, f);
	} else if (outcome == OUTCOME_UNKNOWN) {
		say_unknown(c, t, bc->host, f);
	} else if (!bc->c->is_any && c->values->n_left_out > 0) {
		finding_set(f, OUTCOME_UNKNOWN, "%zu series are beyond the limit and were not read", c->values->n_left_out);
	} else if (needs_one_each(bc) && t->n < bc->n_hosts) {
		finding_set(f, OUTCOME_UNKNOWN, "%zu series for %zu hosts", t->n, bc->n_hosts);
		f->is_old = c->since_ns > 0;
	} else {
		finding_set(f, OUTCOME_OK, "%zu of %zu series %s", t->n_hold, t->n, wanted(want, sizeof want, bc));
	}
	if (bc->host != NULL && f->outcome != OUTCOME_OK)
		finding_host(f, bc->host, f->outcome == OUTCOME_UNKNOWN);
}

/* The worst host gives the sentence: one that failed before one that is not known. */
static void
judge_hosts(const struct count *c, struct finding *f)
{
	const struct bound_condition *bc = c->bc;
	size_t n = 0, n_ok = 0, n_old = 0;
	enum outcome worst = OUTCOME_OK;
	char want[128];

	for (size_t i = 0; i < bc->n_hosts; i++) {
		const struct tally *t = &c->tallies[i];
		enum outcome outcome = judge_tally(t, bc->c->is_any);

		if (bc->host != NULL && strcmp(bc->host, bc->hosts[i]) != 0)
			continue;
		n++;
		n_ok += outcome == OUTCOME_OK;
		if (outcome == OUTCOME_OK)
			continue;
		finding_host(f, bc->hosts[i], outcome == OUTCOME_UNKNOWN);
		n_old += outcome == OUTCOME_UNKNOWN && (t->n_old > 0 || t->n == 0) && t->n_valueless == 0;
		if (outcome == OUTCOME_FAILED && worst != OUTCOME_FAILED)
			say_bad(bc, t->bad, bc->hosts[i], f);
		else if (outcome == OUTCOME_UNKNOWN && worst == OUTCOME_OK)
			say_unknown(c, t, bc->hosts[i], f);
		worst = outcome == OUTCOME_FAILED ? OUTCOME_FAILED : worst == OUTCOME_OK ? outcome : worst;
	}
	f->is_old = n_old > 0 && n_old + n_ok == n && c->since_ns > 0;
	if (n == 0)
		finding_set(f, OUTCOME_UNKNOWN, "no host to judge by");
	else if (worst == OUTCOME_OK)
		finding_set(f, OUTCOME_OK, "%zu of %zu hosts %s", n_ok, n, wanted(want, sizeof want, bc));
}

void
judge_series(const struct model *m, const struct bound_condition *bc, const struct series_set *values, const struct series_set *times,
    int64_t since_ns, struct finding *f)
{
	bool is_by_host = bc->c->host_label != NULL;
	struct count c = { .m = m, .bc = bc, .values = values, .times = times, .since_ns = since_ns };

	if (values->type != SERIES_VECTOR && values->type != SERIES_SCALAR) {
		finding_set(f, OUTCOME_UNKNOWN, "the query gives no instant values that could be compared");
		return;
	}
	c.n_tallies = is_by_host ? bc->n_hosts : 1;
	c.tallies = xcalloc(c.n_tallies + 1, sizeof *c.tallies);
	count_all(&c);
	if (is_by_host)
		judge_hosts(&c, f);
	else
		judge_all(&c, f);
	free(c.tallies);
}

/* --- asking ------------------------------------------------------------------------------------- */

/* Our time as the server's clock tells it. */
static int64_t
server_time(const struct judging *j, int64_t ns)
{
	const struct model *m = j->w->model == NULL || ns == 0 ? NULL : j->w->model(j->w->arg);
	const struct source_request *newest = NULL;
	const char *name = j->asked->c->source;

	for (size_t i = 0; m != NULL && i < model_n_sources(m); i++) {
		const struct model_source *s = model_source(m, i);

		if (name != NULL ? strcmp(s->name, name) != 0 : strcmp(s->type, "prometheus") != 0)
			continue;
		for (size_t k = 0; k < s->n_requests; k++)
			if (s->requests[k].last->is_ok && (newest == NULL || s->requests[k].last_ns > newest->last_ns))
				newest = &s->requests[k];
		break;
	}
	return newest == NULL ? ns : ns + newest->last->skew_ns;
}

static void
forget_answers(struct judging *j)
{
	block_unref(j->values);
	block_unref(j->times);
	j->values = j->times = NULL;
	j->is_values_in = j->is_times_in = false;
}

static void
both_in(struct judging *j)
{
	if (!j->is_values_in || !j->is_times_in)
		return;
	if (j->values == NULL || j->ask_err.code != 0)
		finding_set(&j->finding, OUTCOME_UNKNOWN, "%s", j->ask_err.msg);
	else
		judge_series(j->w->model == NULL ? NULL : j->w->model(j->w->arg), j->asked, j->values, j->times, server_time(j, j->since_ns), &j->finding);
	forget_answers(j);
	judge_found(j);
}

static void
on_values(const struct series_set *set, const struct err *err, void *arg)
{
	struct judging *j = arg;

	j->ask = NULL;
	j->is_values_in = true;
	j->values = block_ref(set);
	if (set == NULL)
		j->ask_err = *err;
	both_in(j);
}

static void
on_times(const struct series_set *set, const struct err *err, void *arg)
{
	struct judging *j = arg;

	j->ask_times = NULL;
	j->is_times_in = true;
	j->times = block_ref(set);
	if (set == NULL && j->ask_err.code == 0)
		j->ask_err = *err;
	both_in(j);
}

static void
no_ask(struct judging *j)
{
	look_cancel(j);
	finding_set(&j->finding, OUTCOME_UNKNOWN, "there is no Prometheus to ask%s%s", j->asked->c->source != NULL ? ": " : "",
	    j->asked->c->source != NULL ? j->asked->c->source : "");
	judge_found(j);
}

void
look_promql(struct judging *j)
{
	const struct run_world *w = j->w;
	const char *selector = NULL;
	size_t len = promql_selector(j->asked->subject, &selector);
	char *expr;

	j->ask_err = (struct err)ERR_INIT;
	forget_answers(j);
	j->ask = w->query(w->arg, j->asked->c->source, j->asked->subject, on_values, j);
	if (j->ask == NULL) {
		no_ask(j);
		return;
	}
	/* How old they are matters only where something was done before. */
	if (j->since_ns == 0 || len == 0) {
		j->is_times_in = true;
		return;
	}
	expr = xasprintf("timestamp(%.*s)", (int)len, selector);
	j->ask_times = w->query(w->arg, j->asked->c->source, expr, on_times, j);
	free(expr);
	if (j->ask_times == NULL)
		no_ask(j);
}

void
look_cancel(struct judging *j)
{
	if (j->ask != NULL)
		j->w->query_cancel(j->w->arg, j->ask);
	if (j->ask_times != NULL)
		j->w->query_cancel(j->w->arg, j->ask_times);
	j->ask = j->ask_times = NULL;
	forget_answers(j);
	call_forget(j->call);
	j->call = NULL;
	look_log_cancel(j);
}
