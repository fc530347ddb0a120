#include "config.h"

#include "fake_steps.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit/reader.h"
#include "base/clock.h"
#include "base/xalloc.h"

enum { RULES_MAX = 64, ASKED_MAX = 8192, WAITS_MAX = 16, RECORDS_MAX = 16384 };

static struct {
	struct loop *loop;
	struct buf journal;
	struct fake_rule rules[RULES_MAX];
	size_t n_rules;
	struct { char *key; unsigned n; } asked[ASKED_MAX];
	size_t n_asked;
	char *version, *from, *current, *route_host, *route_why;
	size_t n_running, running_max;
	struct { enum audit_type type; json_t *body; char *run; bool is_durable; } records[RECORDS_MAX];
	size_t n_records;
	unsigned fail_from;
	int64_t settle_since, judge_begun;
	struct { char *text; int64_t begun_ns; } waits[WAITS_MAX];
	size_t n_waits;
	bool is_unintended;
} f;

void
fake_reset(void)
{
	for (size_t i = 0; i < f.n_asked; i++)
		free(f.asked[i].key);
	for (size_t i = 0; i < f.n_records; i++) {
		json_decref(f.records[i].body);
		free(f.records[i].run);
	}
	for (size_t i = 0; i < f.n_waits; i++)
		free(f.waits[i].text);
	if (f.journal.data != NULL)
		buf_done(&f.journal);
	free(f.version);
	free(f.from);
	free(f.current);
	free(f.route_host);
	free(f.route_why);
	memset(&f, 0, sizeof f);
	buf_init(&f.journal, SIZE_MAX);
}

void
fake_loop(struct loop *l)
{
	f.loop = l;
}

void
fake_rule(struct fake_rule rule)
{
	f.rules[f.n_rules++] = rule;
}

static void __attribute__((format(printf, 1, 2)))
note(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	buf_vprintf(&f.journal, fmt, ap);
	va_end(ap);
	buf_addch(&f.journal, '\n');
}

const char *
fake_journal(void)
{
	return f.journal.data;
}

bool
fake_journal_has(const char *part)
{
	return strstr(f.journal.data, part) != NULL;
}

bool
fake_journal_order(const char *a, const char *b)
{
	const char *pa = strstr(f.journal.data, a), *pb = strstr(f.journal.data, b);

	return pa != NULL && pb != NULL && pa < pb;
}

size_t
fake_journal_count(const char *part)
{
	size_t n = 0;

	for (const char *p = f.journal.data; (p = strstr(p, part)) != NULL; p += strlen(part))
		n++;
	return n;
}

void
fake_previous(const char *version, const char *from, const char *current)
{
	f.version = xstrdup_or_null(version);
	f.from = xstrdup_or_null(from);
	f.current = xstrdup_or_null(current);
}

void
fake_route(const char *host, const char *why)
{
	f.route_host = xstrdup(host);
	f.route_why = xstrdup(why);
}

int64_t
fake_settle_since(void)
{
	return f.settle_since;
}

int64_t
fake_judge_begun(void)
{
	return f.judge_begun;
}

int64_t
fake_wait_begun(const char *part)
{
	for (size_t i = f.n_waits; i-- > 0;)
		if (strstr(f.waits[i].text, part) != NULL)
			return f.waits[i].begun_ns;
	return -1;
}

size_t
fake_running_max(void)
{
	return f.running_max;
}

/* --- rules ------------------------------------------------------------------------------------------------------------------------ */

static const char *const what_names[] = { "do", "read", "restore", "settle", "judge" };

static unsigned
asked(enum fake_what what, const char *text)
{
	char *key = xasprintf("%s %s", what_names[what], text);

	for (size_t i = 0; i < f.n_asked; i++)
		if (strcmp(f.asked[i].key, key) == 0) {
			free(key);
			return ++f.asked[i].n;
		}
	f.asked[f.n_asked].key = key;
	return f.asked[f.n_asked++].n = 1;
}

static struct fake_rule
rule_for(enum fake_what what, const char *text)
{
	unsigned n = asked(what, text);

	for (size_t i = 0; i < f.n_rules; i++) {
		const struct fake_rule *r = &f.rules[i];

		if (r->what == what && (r->text == NULL || strstr(text, r->text) != NULL) && n >= r->first && (r->last == 0 || n <= r->last))
			return *r;
	}
	return (struct fake_rule){ .what = what, .outcome = what == FAKE_SETTLE ? OUTCOME_UNKNOWN : OUTCOME_OK, .previous = what == FAKE_READ ? "7" : NULL };
}

/* --- steps -------------------------------------------------------------------------------------------------------------------------- */

struct bound { int refs; const struct act *act; char *text; };

static int
bind_words(const struct act *act, const struct bindings *b, struct buf *to, struct err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && act->argv != NULL && act->argv[i] != NULL; i++) {
		buf_addch(to, ' ');
		r = template_expand(act->argv[i], b->lookup, b->arg, to, err);
	}
	if (r == 0 && act->kind == STEP_REGISTRY) {
		buf_printf(to, " alias %s ", act->alias != NULL ? act->alias : "?");
		r = template_expand(act->version, b->lookup, b->arg, to, err);
	}
	if (r == 0 && act->text != NULL) {
		buf_addch(to, ' ');
		r = template_expand(act->text, b->lookup, b->arg, to, err);
	}
	return r;
}

static struct bound *
bound_of(const struct act *act, char *text)
{
	struct bound *b = xcalloc(1, sizeof *b);

	*b = (struct bound){ 1, act, text };
	return b;
}

int
step_bind(const struct run_world *w, const struct act *act, const struct bindings *b, struct bound **ret, struct err *err)
{
	struct buf text;
	int r;

	(void)w;
	buf_init(&text, SIZE_MAX);
	buf_printf(&text, "%s:", b->host != NULL ? b->host->name : "run");
	r = bind_words(act, b, &text, err);
	if (r == 0)
		*ret = bound_of(act, buf_take(&text, NULL));
	buf_done(&text);
	return r;
}

int
step_bind_mark_bad(const struct run_world *w, const char *model, const char *version, const char *run, struct bound **ret, struct err *err)
{
	static const struct act act = { .kind = STEP_REGISTRY };

	(void)w;
	(void)run;
	(void)err;
	*ret = bound_of(&act, xasprintf("run: mark %s %s bad", model, version));
	return 0;
}

struct bound *
bound_ref(struct bound *b)
{
	b->refs++;
	return b;
}

void
bound_unref(struct bound *b)
{
	if (b == NULL || --b->refs > 0)
		return;
	free(b->text);
	free(b);
}

const char *
bound_text(const struct bound *b)
{
	return b->text;
}

void
bound_hash(const struct bound *b, struct buf *into)
{
	buf_addstr(into, b->text);
}

int
bound_check(const struct run_world *w, const struct bound *b, struct err *err)
{
	(void)w;
	(void)b;
	(void)err;
	return 0;
}

struct running {
	struct bound *b;
	struct act_start s;
	struct fake_rule rule;
	struct loop_timer *timer;
	bool is_cancelled, is_counted;
};

static void
on_act(void *arg)
{
	struct running *r = arg;
	struct act_result res = { .outcome = r->is_cancelled ? OUTCOME_CANCELLED : r->rule.outcome, .is_not_begun = r->rule.is_not_begun || r->rule.is_refused,
		.is_refused = r->rule.is_refused, .previous = r->rule.previous, .is_exited = !r->rule.is_not_begun };

	if (r->is_counted)
		f.n_running--;
	r->is_counted = false;
	res.text = r->rule.say != NULL ? r->rule.say : res.outcome == OUTCOME_OK ? "fine" : "broken";
	if (res.outcome != OUTCOME_OK)
		err_set(&res.err, ERR_REFUSED, "%s", res.text);
	if (r->s.output != NULL && r->s.mode == ACT_DO)
		r->s.output(r, false, "line one\nline two\n", 18, r->s.arg);
	note("ended %s: %s", r->b->text, outcome_name(res.outcome));
	r->s.done(r, &res, r->s.arg);
}

static bool
has_intent(const char *nonce)
{
	for (size_t i = 0; i < f.n_records; i++)
		if (f.records[i].type == AUDIT_INTENT && f.records[i].is_durable && strcmp(json_string_value(json_object_get(f.records[i].body, "nonce")), nonce) == 0)
			return true;
	return false;
}

int
act_begin(const struct run_world *w, struct bound *b, const struct act_start *s, struct running **ret, struct err *err)
{
	static const enum fake_what whats[] = { [ACT_READ] = FAKE_READ, [ACT_DO] = FAKE_DO, [ACT_RESTORE] = FAKE_RESTORE, [ACT_SETTLE] = FAKE_SETTLE };
	struct running *r = xcalloc(1, sizeof *r);

	(void)w;
	(void)err;
	r->b = bound_ref(b);
	r->s = *s;
	r->rule = rule_for(whats[s->mode], b->text);
	r->timer = loop_timer_new(f.loop, on_act, r);
	if (s->mode == ACT_SETTLE)
		f.settle_since = s->since_ns;
	if (b->act->kind == STEP_WAIT && f.n_waits < WAITS_MAX) {
		f.waits[f.n_waits].text = xstrdup(b->text);
		f.waits[f.n_waits++].begun_ns = s->begun_ns;
	}
	note("%s %s%s%s", what_names[whats[s->mode]], b->text, s->mode == ACT_RESTORE ? " to " : "", s->mode == ACT_RESTORE && s->previous != NULL ? s->previous : "");
	if ((s->mode == ACT_DO || s->mode == ACT_RESTORE) && b->act->kind != STEP_WAIT && !has_intent(s->nonce))
		f.is_unintended = true;
	if (s->mode == ACT_DO || s->mode == ACT_RESTORE) {
		r->is_counted = true;
		if (++f.n_running > f.running_max)
			f.running_max = f.n_running;
	}
	if (!r->rule.is_never)
		loop_timer_in(r->timer, r->rule.delay_ns);
	*ret = r;
	return 0;
}

void
act_cancel(struct running *r)
{
	note("cancel %s", r->b->text);
	r->is_cancelled = true;
	loop_timer_in(r->timer, 0);
}

void
act_free(struct running *r)
{
	if (r == NULL)
		return;
	if (r->is_counted)
		f.n_running--;
	loop_timer_free(r->timer);
	bound_unref(r->b);
	free(r);
}

/* --- conditions ------------------------------------------------------------------------------------------------------------------------ */

struct judging {
	struct fake_rule rule;
	struct loop_timer *timer;
	judge_cb *done;
	void *arg;
};

static void
on_judge(void *arg)
{
	struct judging *j = arg;
	struct judgement res = { .outcome = j->rule.outcome, .text = j->rule.say != NULL ? j->rule.say : j->rule.outcome == OUTCOME_OK ? "it holds" : "it does not hold" };

	if (j->rule.failed_host != NULL)
		res.failed_hosts = (struct strings){ 1, &j->rule.failed_host };
	j->done(j, &res, j->arg);
}

struct judging *
judge_begin(const struct run_world *w, const struct condition *c, const struct bindings *b, int64_t since_ns, int64_t begun_ns, judge_cb *progress,
    judge_cb *done, void *arg)
{
	struct judging *j = xcalloc(1, sizeof *j);
	struct buf text;
	struct err err;

	(void)w;
	(void)since_ns;
	(void)progress;
	f.judge_begun = begun_ns;
	buf_init(&text, SIZE_MAX);
	if (condition_text(c, b, &text, &err) < 0)
		abort();
	j->rule = rule_for(FAKE_JUDGE, text.data);
	note("judge %s", text.data);
	buf_done(&text);
	j->done = done;
	j->arg = arg;
	j->timer = loop_timer_new(f.loop, on_judge, j);
	if (!j->rule.is_never)
		loop_timer_in(j->timer, j->rule.delay_ns);
	return j;
}

void
judge_free(struct judging *j)
{
	if (j == NULL)
		return;
	loop_timer_free(j->timer);
	free(j);
}

int
condition_text(const struct condition *c, const struct bindings *b, struct buf *into, struct err *err)
{
	return c->subject != NULL ? template_expand(c->subject, b->lookup, b->arg, into, err) : buf_addstr(into, c->text);
}

/* --- previous, routes --------------------------------------------------------------------------------------------------------------------- */

struct previous_ask { struct loop_timer *timer; previous_cb *cb; void *arg; };

static void
on_previous(void *arg)
{
	struct previous_ask *p = arg;
	struct err err = ERR_INIT;

	err_set(&err, ERR_NOTFOUND, "looked in the audit log and the registry");
	p->cb(f.version != NULL ? &(struct previous){ f.version, f.from, f.current } : NULL, f.version != NULL ? NULL : &err, p->arg);
	previous_cancel(p);
}

struct previous_ask *
previous_begin(const struct run_world *w, const char *model, previous_cb *cb, void *arg)
{
	struct previous_ask *p = xcalloc(1, sizeof *p);

	(void)w;
	note("previous of %s", model);
	*p = (struct previous_ask){ loop_timer_new(f.loop, on_previous, p), cb, arg };
	loop_timer_in(p->timer, 0);
	return p;
}

void
previous_cancel(struct previous_ask *p)
{
	if (p == NULL)
		return;
	loop_timer_free(p->timer);
	free(p);
}

struct route { char *host; ssh_route_cb *cb; void *arg; };

static void
on_route(void *arg)
{
	struct route *r = arg;
	struct ssh_route route = { .transport = SSH_LIBSSH2, .why = "" };

	if (f.route_host != NULL && strcmp(f.route_host, r->host) == 0)
		err_set(&route.err, ERR_INVALID, "%s", f.route_why);
	r->cb(&route, r->arg);
	free(r->host);
	free(r);
}

int
ssh_route(struct ssh *s, const struct ssh_host *host, ssh_route_cb *cb, void *arg, struct err *err)
{
	struct route *r = xcalloc(1, sizeof *r);

	(void)s;
	(void)err;
	*r = (struct route){ xstrdup(host->name), cb, arg };
	loop_post(f.loop, on_route, r);
	return 0;
}

/* --- the audit log --------------------------------------------------------------------------------------------------------------------------- */

struct append { size_t i; audit_done_cb *cb; void *arg; struct append *next; };
static struct append *appends;

static void
on_durable(void *arg)
{
	struct append *a = arg, **p = &appends;
	bool is_bad = f.fail_from != 0 && a->i + 1 >= f.fail_from;
	struct audit_done done = { .err_code = is_bad ? ERR_IO : 0, .err = is_bad ? "no space left on device" : NULL, .seq = a->i + 1, .hash = "" };

	while (*p != a)
		p = &(*p)->next;
	*p = a->next;
	f.records[a->i].is_durable = !is_bad;
	if (a->cb != NULL)
		a->cb(&done, a->arg);
	free(a);
}

void
audit_append(struct audit *audit, const struct audit_draft *draft, audit_done_cb *cb, void *arg)
{
	struct append *a = xcalloc(1, sizeof *a);
	const char *step = json_string_value(json_object_get(draft->body, "step")), *host = json_string_value(json_object_get(draft->body, "host"));
	const char *outcome = json_string_value(json_object_get(draft->body, "outcome"));
	static const char *const names[AUDIT_TYPES] = { [AUDIT_RUN_START] = "run-start", [AUDIT_RUN_STATE] = "run-state", [AUDIT_INTENT] = "intent", [AUDIT_RESULT] = "result",
		[AUDIT_CHECK] = "check", [AUDIT_RUN_END] = "run-end" };

	(void)audit;
	f.records[f.n_records].type = draft->type;
	f.records[f.n_records].body = draft->body;
	f.records[f.n_records].run = xstrdup(draft->run);
	*a = (struct append){ f.n_records++, cb, arg, appends };
	appends = a;
	note("record %s%s%s%s%s%s%s", names[draft->type], step != NULL ? " " : "", step != NULL ? step : "", host != NULL ? " on " : "", host != NULL ? host : "",
	    outcome != NULL ? " " : "", outcome != NULL ? outcome : "");
	loop_post(f.loop, on_durable, a);
}

void
audit_forget(struct audit *audit, const void *arg)
{
	(void)audit;
	for (struct append *a = appends; a != NULL; a = a->next)
		if (a->arg == arg)
			a->cb = NULL;
}

int
audit_check(struct audit *audit, struct err *err)
{
	(void)audit;
	(void)err;
	return 0;
}

void
audit_state(const struct audit *audit, struct audit_state *ret)
{
	(void)audit;
	memset(ret, 0, sizeof *ret);
}

void
audit_actor_self(struct audit_actor *ret)
{
	*ret = (struct audit_actor){ "alice", 1000, "web.example", "", "" };
}

void
fake_audit_fail_from(unsigned nth)
{
	f.fail_from = nth;
}

size_t
fake_audit_n(void)
{
	return f.n_records;
}

const json_t *
fake_audit_body(size_t i, enum audit_type *ret_type)
{
	*ret_type = f.records[i].type;
	return f.records[i].body;
}

bool
fake_audit_all_intended(void)
{
	return !f.is_unintended;
}

/* Read back: a line is the number of its record and the run's id. */
struct audit_reader { size_t i, n; char line[128]; };

char *
audit_dir(const char *dir)
{
	return xstrdup(dir != NULL ? dir : "/nowhere");
}

int
audit_reader_open(const char *path, struct audit_reader **ret, struct err *err)
{
	(void)path;
	(void)err;
	*ret = xcalloc(1, sizeof **ret);
	(*ret)->n = f.n_records;
	return 0;
}

void
audit_reader_free(struct audit_reader *r)
{
	free(r);
}

int
audit_reader_next(struct audit_reader *r, struct audit_line *ret, struct err *err)
{
	(void)err;
	if (r->i >= r->n)
		return 0;
	memset(ret, 0, sizeof *ret);
	ret->len = (size_t)snprintf(r->line, sizeof r->line, "%zu %s", r->i, f.records[r->i].run);
	ret->bytes = r->line;
	r->i++;
	return 1;
}

int
audit_record_read(const char *line, size_t len, struct audit_record *ret, struct err *err)
{
	size_t i = strtoul(line, NULL, 10);

	(void)len;
	(void)err;
	memset(ret, 0, sizeof *ret);
	ret->type = f.records[i].type;
	ret->json = json_incref(f.records[i].body);
	ret->run = f.records[i].run;
	ret->env = "prod";
	return 0;
}

void
audit_record_done(struct audit_record *r)
{
	json_decref(r->json);
}
