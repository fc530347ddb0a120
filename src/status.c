#include "config.h"

#include "status.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "model/model.h"

enum { STATUS_OUTPUT_MAX = 32 << 20, NAMES_IN_LINE = 4 };
#define DEADLINE_DEFAULT (10 * NS_PER_S)

/* Exit statuses of the Monitoring Plugins Development Guidelines, "Plugin Return Codes". */
static int
exit_status(enum health health)
{
	switch (health) {
	case HEALTH_OK: return 0;
	case HEALTH_WARNING: return 1;
	case HEALTH_CRITICAL: return 2;
	case HEALTH_UNKNOWN: break;
	}
	return 3;
}

/* In whole seconds. */
static const char *
age_of(const struct model *m, int64_t at_ns, char *buf)
{
	return duration_format(buf, (model_now(m) - at_ns) / NS_PER_S * NS_PER_S);
}

/* --- the first line ----------------------------------------------------------------------------------------------- */

struct counts {
	size_t page, ticket, other, pending, silenced, inhibited, sources, sources_ok, problems_unknown;
};

static struct counts
count(const struct model *m)
{
	struct counts n = { .sources = model_n_sources(m) };

	for (size_t i = 0; i < model_n_alerts(m); i++) {
		const struct model_alert *a = model_alert(m, i);

		switch (a->state) {
		case ALERT_PENDING: n.pending++; break;
		case ALERT_SILENCED: n.silenced++; break;
		case ALERT_INHIBITED: n.inhibited++; break;
		case ALERT_FIRING:
		case ALERT_UNPROCESSED:
			if (a->severity == SEVERITY_PAGE)
				n.page++;
			else if (a->severity == SEVERITY_TICKET)
				n.ticket++;
			else
				n.other++;
		}
	}
	for (size_t i = 0; i < n.sources; i++)
		n.sources_ok += model_source(m, i)->state == SOURCE_OK;
	for (size_t i = 0; i < model_n_problems(m); i++)
		n.problems_unknown += model_problem(m, i)->is_unknown;
	return n;
}

/* A '|' would begin the performance data, so it becomes another bar. */
static void
add_line_text(struct buf *out, const char *text)
{
	size_t from = out->len;

	str_escape(out, text, strlen(text));
	for (size_t i = from; i < out->len; i++)
		if (out->data[i] == '|')
			out->data[i] = '/';
}

/* The worst few by name, with how long; the rest as a number. */
static void
add_names(struct buf *out, const struct model *m)
{
	size_t shown = 0, more = 0;

	for (size_t i = 0; i < model_n_problems(m); i++) {
		const struct problem *p = model_problem(m, i);
		char age[DURATION_TEXT_MAX];

		if (p->kind == PROBLEM_ALERT && p->state != ALERT_FIRING && p->state != ALERT_UNPROCESSED)
			continue;
		if (shown == NAMES_IN_LINE) {
			more++;
			continue;
		}
		buf_addstr(out, shown++ == 0 ? ": " : ", ");
		add_line_text(out, p->name);
		if (p->since_ns > 0)
			buf_printf(out, " %s", age_of(m, p->since_ns, age));
	}
	if (more > 0)
		buf_printf(out, " and %zu more", more);
}

static void
add_part(struct buf *out, bool *is_first, size_t n, const char *what)
{
	if (n == 0)
		return;
	buf_printf(out, "%s%zu %s", *is_first ? "" : ", ", n, what);
	*is_first = false;
}

static void
add_summary(struct buf *out, const struct model *m, const struct counts *n)
{
	bool is_first = true;

	add_part(out, &is_first, n->page, "page");
	add_part(out, &is_first, n->ticket, "ticket");
	add_part(out, &is_first, n->other, "other");
	if (!is_first)
		buf_addstr(out, " firing");
	add_part(out, &is_first, n->problems_unknown, "not known");
	if (is_first)
		buf_printf(out, "%s", model_alerts_known(m) ? "no alert fires" : "nothing is known yet");
}

static void
add_perfdata(struct buf *out, const struct model *m, const struct counts *n)
{
	buf_printf(out, " | page=%zu;;0 ticket=%zu;0 pending=%zu silenced=%zu inhibited=%zu sources_ok=%zu;;;0;%zu",
	    n->page, n->ticket, n->pending, n->silenced, n->inhibited, n->sources_ok, n->sources);
	for (size_t i = 0; i < model_n_queries(m); i++) {
		const struct model_query *q = model_query(m, i);

		/* A label of several series would have to name them all: only single values are given. */
		if (q->def == NULL || q->instant == NULL || q->instant->n != 1 || q->instant->v[0].n == 0)
			continue;
		buf_addstr(out, " '");
		for (const char *p = q->def->name; *p != '\0'; p++)
			buf_addch(out, *p == '\'' || *p == '=' || *p == '|' || (unsigned char)*p < 0x20 ? '_' : *p);
		if (isfinite(q->instant->v[0].v[0].v))
			buf_printf(out, "'=%.6g", q->instant->v[0].v[0].v);
		else
			buf_addstr(out, "'=U");
		if (str_eq(q->def->unit, "seconds"))
			buf_addch(out, 's');
		else if (str_eq(q->def->unit, "bytes"))
			buf_addch(out, 'B');
	}
}

/* --- the lines below ---------------------------------------------------------------------------------------------- */

/* Text of outside in w columns and two blanks behind. */
static void
add_cell(struct buf *out, const char *text, size_t w)
{
	size_t from = out->len, used;

	add_line_text(out, text);
	used = str_width(out->data + from);
	do
		buf_addch(out, ' ');
	while (++used < w + 2);
}

static const char *
problem_word(const struct problem *p)
{
	if (p->is_unknown)
		return "unknown";
	return p->severity == SEVERITY_NONE ? "-" : severity_name(p->severity);
}

static const char *
problem_state(const struct problem *p)
{
	switch (p->kind) {
	case PROBLEM_ALERT: return alert_state_name(p->state);
	case PROBLEM_SOURCE: return "source";
	case PROBLEM_TARGETS: return "targets";
	case PROBLEM_RULES: return "rules";
	case PROBLEM_SLO: return "slo";
	}
	return "";
}

static void
add_problems(struct buf *out, const struct model *m)
{
	size_t name_w = 0;

	for (size_t i = 0; i < model_n_problems(m); i++) {
		size_t w = str_width(model_problem(m, i)->name);

		if (w > name_w && w <= 40)
			name_w = w;
	}
	for (size_t i = 0; i < model_n_problems(m); i++) {
		const struct problem *p = model_problem(m, i);
		char age[DURATION_TEXT_MAX];

		buf_printf(out, "%-8s %-10s %6s  ", problem_word(p), problem_state(p),
		    p->since_ns > 0 ? age_of(m, p->since_ns, age) : "-");
		add_cell(out, p->name, name_w);
		add_line_text(out, p->text);
		if (*p->evidence != '\0') {
			buf_addstr(out, " [");
			add_line_text(out, p->evidence);
			buf_addch(out, ']');
		}
		buf_addch(out, '\n');
	}
}

static void
add_changes(struct buf *out, const struct model *m)
{
	for (size_t i = 0; i < model_n_markers(m) && i < 10; i++) {
		const struct marker *k = model_marker(m, i);
		char at[CLOCK_TEXT_MAX];

		buf_printf(out, "changed  %s  ", clock_format(at, k->at_ns, 0));
		add_line_text(out, k->text);
		buf_addch(out, '\n');
	}
}

/* "serving-01 spam-filter ": whose value it is. */
static void
add_label_values(struct buf *out, const struct labels *l)
{
	for (size_t i = 0; i < l->n; i++) {
		if (strcmp(l->v[i].name, "__name__") == 0)
			continue;
		add_line_text(out, l->v[i].value);
		buf_addch(out, ' ');
	}
}

static void
add_value(struct buf *out, const struct model_query *q)
{
	char num[NUM_TEXT_MAX];

	buf_addstr(out, "value    ");
	add_cell(out, q->def->name, 18);
	if (q->instant == NULL)
		add_line_text(out, *q->error != '\0' ? q->error : "no answer yet");
	else if (q->instant->n == 0)
		buf_addstr(out, "no data");
	for (size_t i = 0; q->instant != NULL && i < q->instant->n && i < 5; i++) {
		const struct series *s = &q->instant->v[i];

		if (i > 0)
			buf_addstr(out, ", ");
		if (q->instant->n > 1)
			add_label_values(out, &s->labels);
		if (s->n > 0)
			buf_addstr(out, num_format(num, s->v[s->n - 1].v, q->def->unit));
		else if (s->n_histograms > 0)
			buf_printf(out, "histogram of %.0f", s->histograms[s->n_histograms - 1].count);
	}
	if (q->instant != NULL && q->instant->n > 5)
		buf_printf(out, " and %zu more series", q->instant->n - 5);
	buf_addch(out, '\n');
}

static void
add_source(struct buf *out, const struct model *m, const struct model_source *s)
{
	char age[DURATION_TEXT_MAX];

	buf_addstr(out, "source   ");
	add_cell(out, s->name, 18);
	buf_printf(out, "%s", source_state_name(s->state));
	if (s->info != NULL) {
		buf_addstr(out, ", ");
		add_line_text(out, s->info->product);
		buf_addch(out, ' ');
		add_line_text(out, s->info->version);
	}
	if (s->last_ok_ns > 0)
		buf_printf(out, ", answered %s ago", age_of(m, s->last_ok_ns, age));
	else
		buf_addstr(out, ", never answered");
	if (*s->error != '\0') {
		buf_addstr(out, ": ");
		add_line_text(out, s->error);
	}
	buf_addch(out, '\n');
}

static void
add_contacts(struct buf *out, const struct environment *e)
{
	for (size_t i = 0; i < e->n_contacts; i++) {
		buf_addstr(out, "call     ");
		add_cell(out, e->contacts[i].role, 18);
		add_line_text(out, e->contacts[i].name);
		buf_addstr(out, ", ");
		add_line_text(out, e->contacts[i].channel);
		buf_addch(out, '\n');
	}
}

static void
write_text(const struct model *m, enum health health, bool is_late, struct buf *out)
{
	const struct environment *e = model_environment(m);
	struct counts n = count(m);
	char now[CLOCK_TEXT_MAX];

	buf_printf(out, "OPSCONSOLE %s: ", health_name(health));
	if (is_late)
		buf_addstr(out, "the deadline passed; ");
	add_summary(out, m, &n);
	add_names(out, m);
	add_perfdata(out, m, &n);
	buf_addstr(out, "\nat       ");
	buf_printf(out, "%s  environment ", clock_format(now, model_now(m), 0));
	add_line_text(out, e->name);
	if (*e->title != '\0') {
		buf_addstr(out, ", ");
		add_line_text(out, e->title);
	}
	buf_addch(out, '\n');
	add_problems(out, m);
	add_changes(out, m);
	for (size_t i = 0; i < model_n_queries(m); i++)
		if (model_query(m, i)->def != NULL)
			add_value(out, model_query(m, i));
	for (size_t i = 0; i < model_n_sources(m); i++)
		add_source(out, m, model_source(m, i));
	add_contacts(out, e);
}

/* 0, or ERR_IO or ERR_LIMIT: not all of it was written. */
static int
print_text(const struct model *m, enum health health, bool is_late)
{
	struct buf out;
	int r = 0;

	buf_init(&out, STATUS_OUTPUT_MAX);
	write_text(m, health, is_late, &out);
	if (fwrite(out.data, 1, out.len, stdout) < out.len)
		r = ERR_IO;
	else if (out.is_over)
		r = ERR_LIMIT;
	buf_done(&out);
	return r;
}

static int
print_json(const struct model *m, enum health health, bool is_late)
{
	json_t *json = model_to_json(m);
	int r;

	json_object_set_new(json, "health", json_string(health_name(health)));
	json_object_set_new(json, "deadline_passed", json_boolean(is_late));
	r = json_dumpf(json, stdout, JSON_COMPACT | JSON_PRESERVE_ORDER | JSON_ENSURE_ASCII);
	json_decref(json);
	return r < 0 || putchar('\n') == EOF ? ERR_IO : 0;
}

/* --- running ------------------------------------------------------------------------------------------------------ */

struct status {
	struct app *app;
	struct loop_timer *deadline, *watch;
	bool is_late, is_printed;
};

/* What is not known because the deadline passed is not ok either. */
static int
print(struct status *s)
{
	const struct model *m = s->app->model;
	enum health health = model_health(m);
	int r;

	if (s->is_late && health != HEALTH_CRITICAL)
		health = HEALTH_UNKNOWN;
	r = s->app->options->is_json ? print_json(m, health, s->is_late) : print_text(m, health, s->is_late);
	if (fflush(stdout) != 0)
		r = ERR_IO;
	if (r < 0) {
		fprintf(stderr, "opsconsole: the status could not be written whole: %s\n", r == ERR_IO ? strerror(errno) : "it is too long");
		health = HEALTH_UNKNOWN;	/* nobody has seen it */
	}
	s->is_printed = true;
	return exit_status(health);
}

static void
on_turn(void *arg)
{
	struct status *s = arg;
	struct app *a = s->app;

	model_advance(a->model, clock_now());
	if (s->is_printed || !(s->is_late || (sources_all_tried(a->sources) && a->n_insight == 0)))
		return;
	if (s->is_late)
		fprintf(stderr, "opsconsole: the deadline passed before every source had answered; "
		    "what is known follows (--deadline S waits longer)\n");
	if (a->options->watch_ns == 0) {
		loop_stop(a->loop, print(s));
		return;
	}
	print(s);
	loop_timer_in(s->watch, a->options->watch_ns);
}

static void
on_deadline(void *arg)
{
	((struct status *)arg)->is_late = true;
}

static void
on_watch(void *arg)
{
	struct status *s = arg;

	if (ferror(stdout)) {
		loop_stop(s->app->loop, exit_status(HEALTH_UNKNOWN));
		return;
	}
	model_advance(s->app->model, clock_now());
	s->is_late = false;
	print(s);
	loop_timer_in(s->watch, s->app->options->watch_ns);
}

static void
on_signal(int signo, void *arg)
{
	struct status *s = arg;

	(void)signo;
	loop_stop(s->app->loop, s->is_printed ? exit_status(model_health(s->app->model)) : exit_status(HEALTH_UNKNOWN));
}

int
status_run(struct app *a)
{
	struct status s = { .app = a };
	struct err err = ERR_INIT;
	int status;

	if (loop_signal(a->loop, SIGINT, on_signal, &s, &err) < 0 || loop_signal(a->loop, SIGTERM, on_signal, &s, &err) < 0) {
		fprintf(stderr, "opsconsole: %s\n", err.msg);
		return exit_status(HEALTH_UNKNOWN);
	}
	a->is_instant = true;
	s.deadline = loop_timer_new(a->loop, on_deadline, &s);
	s.watch = loop_timer_new(a->loop, on_watch, &s);
	loop_timer_in(s.deadline, a->options->deadline_ns > 0 ? a->options->deadline_ns : DEADLINE_DEFAULT);
	loop_on_turn(a->loop, on_turn, &s);
	app_start(a);
	status = loop_run(a->loop);
	loop_timer_free(s.deadline);
	loop_timer_free(s.watch);
	return status;
}
