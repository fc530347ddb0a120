/* Inside of the conditions: bound, looked at, judged. The public side is step.h (judge_*). */
#ifndef OPS_RUNBOOK_CONDITION_H
#define OPS_RUNBOOK_CONDITION_H

#include "runbook/call.h"
#include "runbook/step.h"

/* A condition with its texts: nothing is expanded later. */
struct bound_condition {
	const struct condition *c;
	char *subject, *expect;		/* expect NULL: number */
	char *host;			/* of a condition that is judged for each host by itself; NULL: not so */
	char **hosts;			/* of the run, NULL-terminated */
	size_t n_hosts;
};
int condition_bind(const struct condition *c, const struct bindings *b, struct bound_condition **ret, struct err *err);
void bound_condition_free(struct bound_condition *c);	/* NULL is fine */
/* 'up{job="serving"} == 1 for every series, within 1m' */
void bound_condition_text(const struct bound_condition *c, struct buf *into);
/* Judge what is bound already; owns c. */
struct judging *judge_bound(const struct run_world *w, struct bound_condition *c, int64_t ended_ns, int64_t begun_ns, judge_cb *progress, judge_cb *done, void *arg);

/* --- one look ------------------------------------------------------------------------------------------------------------------------ */

/* What a look finds; strings in the arena. */
struct finding {
	struct arena mem;
	enum outcome outcome;
	const char *text;
	bool is_old;			/* UNKNOWN for want of evidence that is new enough, and nothing else */
	struct strings failed_hosts, unknown_hosts;
	size_t cap_failed, cap_unknown;
};
void finding_set(struct finding *f, enum outcome outcome, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* A host for which it does not hold, or is not known. */
void finding_host(struct finding *f, const char *host, bool is_unknown);

struct judging {
	const struct run_world *w;
	struct bound_condition *bc;
	const struct bound_condition *asked;	/* of series: bc, or what it becomes */
	struct condition served_c;	/* who serves, asked of the series that tell of it */
	struct bound_condition served;
	int64_t since_ns;		/* evidence is newer than this (wall, ours); 0: any that is fresh */
	int64_t until_ns, fresh_until_ns;	/* monotonic */
	judge_cb *progress, *done;
	void *arg;
	struct loop_timer *timer;
	bool is_bind_failed;
	struct err bind_err;
	struct finding finding;
	/* Under way: */
	struct world_ask *ask, *ask_times;
	struct series_set *values, *times;
	bool is_values_in, is_times_in;
	struct err ask_err;
	struct call *call;
	struct log_look *log;		/* of lines, under way */
	void *log_kept;			/* what the store's chain learnt, from one look to the next */
};
/* A look ends in this, once. */
void judge_found(struct judging *j);
/* One look each: pure, from the model. */
void look_alert(const struct run_world *w, const struct bound_condition *bc, int64_t since_ns, struct finding *f);
void look_served(const struct run_world *w, const struct bound_condition *bc, int64_t since_ns, struct finding *f);
/*
 * The same as a condition on series, where series tell of it: the model knows when it asked, and only the samples' own times say whether a host has been scraped since it was acted on.
 * false: they do not. Strings in mem.
 */
bool served_as_series(const struct run_world *w, const struct bound_condition *bc, struct arena *mem, struct condition *ret_c, struct bound_condition *ret);
void look_drift(const struct run_world *w, const struct bound_condition *bc, int64_t since_ns, struct finding *f);
void look_slo(const struct run_world *w, const struct bound_condition *bc, int64_t since_ns, struct finding *f);
void look_value(const struct bound_condition *bc, struct finding *f);
/* Those that ask: they end in judge_found(). */
void look_promql(struct judging *j);
void look_http(struct judging *j);
void look_log(struct judging *j);
void look_cancel(struct judging *j);
/* Of a look at lines: what is under way, and at the end what is kept. */
void look_log_cancel(struct judging *j);
void look_log_forget(struct judging *j);
/* How long there must have been nothing before lines that do not come are evidence; 0: it is their coming that is. */
int64_t log_quiet_ns(const struct condition *c);

bool compare_numbers(enum compare how, double a, double b);
const char *compare_text(enum compare how);		/* "==" */
/* Where in PromQL its selector stands (name, {matchers}, or both) when there is nothing beside it but a comparison with a number: its length; 0 when there is more. */
size_t promql_selector(const char *expr, const char **ret_begin);
/*
 * Judge series, with the times of their samples where those were asked (NULL: not). Pure; since_ns by the server's clock.
 *
 * With `label` a series counts whose value is not 0 (`version="7"} 0` says that 7 is not served), and its label is compared. Fewer series than hosts are unknown where each
 * host must have one: with `by`, and for selectors with `match: every`; of sums and the like one series is all there is.
 */
void judge_series(const struct model *m, const struct bound_condition *bc, const struct series_set *values, const struct series_set *times, int64_t since_ns, struct finding *f);

/* "22:31:05Z": the time of day of evidence. buf of CLOCK_TEXT_MAX. */
const char *time_of_day(char *buf, int64_t ns);

#endif
