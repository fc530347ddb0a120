/* The commands that work in every panel. */
#include "config.h"

#include "console_priv.h"

#include <string.h>

#include "base/clock.h"
#include "base/xalloc.h"
#include "cmdline.h"

/* --- the global commands ------------------------------------------------------------------------------------------- */

#define GLOBAL(name, ...)							\
	static struct op *							\
	global_##name(struct panel *p, const struct view *v, const char *arg)	\
	{									\
		struct op *op;							\
										\
		(void)p;							\
		(void)v;							\
		(void)arg;							\
		__VA_ARGS__							\
		return op;							\
	}
#define SIMPLE(name, kind_) GLOBAL(name, op = op_new(kind_);)
#define NUMBER(name, kind_, n) GLOBAL(name, op = op_new(kind_); op->number = (n);)

static struct op *
show_nth(int n)
{
	if (panels[n] == NULL || (panels[n]->flags & PANEL_DIALOG))
		return NULL;
	return op_text(OP_PANEL, "%s", panels[n]->name);
}

/* The spans + and - walk through. */
static int64_t
next_span(int64_t span_ns, int by)
{
	static const int64_t spans_min[] = { 5, 15, 30, 60, 180, 360, 720, 1440, 2880, 10080, 43200 };
	enum { N = sizeof spans_min / sizeof spans_min[0] };

	if (by > 0) {
		for (int i = 0; i < N; i++)
			if (spans_min[i] * NS_PER_MIN > span_ns)
				return spans_min[i] * NS_PER_MIN;
	} else {
		for (int i = N - 1; i >= 0; i--)
			if (spans_min[i] * NS_PER_MIN < span_ns)
				return spans_min[i] * NS_PER_MIN;
	}
	return span_ns;
}

static int64_t
span_of(const struct view *v)
{
	return v->range.end_ns - v->range.start_ns;
}

SIMPLE(quit, OP_QUIT)
SIMPLE(help, OP_HELP)
SIMPLE(messages, OP_MESSAGES)
SIMPLE(command, OP_COMMAND_LINE)
SIMPLE(filter, OP_FILTER_LINE)
SIMPLE(zoom, OP_ZOOM)
SIMPLE(back, OP_BACK)
SIMPLE(live, OP_TIME_LIVE)
SIMPLE(refresh, OP_REFRESH)
SIMPLE(redraw, OP_REDRAW)
SIMPLE(recording, OP_RECORDING)
SIMPLE(verify, OP_AUDIT_VERIFY)
SIMPLE(checkpoint, OP_AUDIT_CHECKPOINT)
GLOBAL(timeline, op = op_text(OP_PANEL, "timeline");)
GLOBAL(audit, op = op_text(OP_PANEL, "audit");)
SIMPLE(suspend, OP_SUSPEND)
NUMBER(next, OP_FOCUS, 1)
NUMBER(previous, OP_FOCUS, -1)
NUMBER(step_back, OP_TIME_STEP, -1)
NUMBER(step_forward, OP_TIME_STEP, 1)
NUMBER(leap_back, OP_TIME_STEP, -10)
NUMBER(leap_forward, OP_TIME_STEP, 10)
NUMBER(longer, OP_TIME_SPAN, next_span(span_of(v), 1))
NUMBER(shorter, OP_TIME_SPAN, next_span(span_of(v), -1))
GLOBAL(panel_1, op = show_nth(0);)
GLOBAL(panel_2, op = show_nth(1);)
GLOBAL(panel_3, op = show_nth(2);)
GLOBAL(panel_4, op = show_nth(3);)
GLOBAL(panel_5, op = show_nth(4);)
GLOBAL(panel_6, op = show_nth(5);)
GLOBAL(panel_7, op = show_nth(6);)
GLOBAL(panel_8, op = show_nth(7);)
GLOBAL(panel_9, op = show_nth(8);)
GLOBAL(panel_10, op = show_nth(9);)

static struct op *
global_goto(struct panel *p, const struct view *v, const char *arg)
{
	struct err err = ERR_INIT;
	struct op *op;
	int64_t t;

	(void)p;
	if (arg == NULL)
		return op_text(OP_ERROR, "goto needs a time: 02:10, 02:10:30, -18m or 2030-01-31T02:10:00Z (all UTC)");
	if (cmdline_time(arg, v->now_ns, &t, &err) < 0)
		return op_text(OP_ERROR, "%s", err.msg);
	op = op_new(OP_TIME_JUMP);
	op->number = t;
	return op;
}

static struct op *
global_span(struct panel *p, const struct view *v, const char *arg)
{
	struct err err = ERR_INIT;
	struct op *op;
	int64_t span;

	(void)p;
	(void)v;
	if (arg == NULL)
		return op_text(OP_ERROR, "span needs a duration, such as 30m, 6h or 7d");
	if (duration_parse(arg, &span, &err) < 0)
		return op_text(OP_ERROR, "%s", err.msg);
	op = op_new(OP_TIME_SPAN);
	op->number = span;
	return op;
}

static struct op *
global_query(struct panel *p, const struct view *v, const char *arg)
{
	(void)p;
	(void)v;
	if (arg == NULL)
		return op_text(OP_ERROR, "query needs PromQL, such as: query rate(http_requests_total[5m])");
	return op_text(OP_QUERY, "%s", arg);
}

/* ":logs" goes there, ":logs QUERY" filters; what is in a store's own language is asked of the store. */
static struct op *
global_logs(struct panel *p, const struct view *v, const char *arg)
{
	static const char *const stores[] = { "loki:", "es:", "journal:" };
	struct op *op;

	(void)p;
	(void)v;
	for (size_t i = 0; arg != NULL && i < sizeof stores / sizeof stores[0]; i++)
		if (strncmp(arg, stores[i], strlen(stores[i])) == 0)
			return op_text(OP_LOG_SEARCH, "%s", arg);
	op = op_text(OP_PANEL, "logs");
	op->arg = arg != NULL ? xasprintf("0 %s", arg) : NULL;
	return op;
}

/* ":note TEXT", or a line to type it into. */
static struct op *
global_note(struct panel *p, const struct view *v, const char *arg)
{
	(void)p;
	(void)v;
	return arg != NULL ? op_text(OP_NOTE, "%s", arg) : op_new(OP_NOTE_FORM);
}

/* ":incident open TITLE", ":incident join ID TITLE", ":incident close [WORDS]". */
static struct op *
global_incident(struct panel *p, const struct view *v, const char *arg)
{
	static const char usage[] = "incident open TITLE, incident join ID TITLE, or incident close [WORDS]";
	size_t verb = arg != NULL ? strcspn(arg, " ") : 0, id;
	const char *rest = arg != NULL ? arg + verb + strspn(arg + verb, " ") : "";
	struct op *op;

	(void)p;
	(void)v;
	if (verb == 4 && strncmp(arg, "open", verb) == 0 && *rest != '\0')
		return op_text(OP_INCIDENT_OPEN, "%s", rest);
	if (verb == 5 && strncmp(arg, "close", verb) == 0) {
		op = op_new(OP_INCIDENT_CLOSE);
		op->arg = *rest != '\0' ? xstrdup(rest) : NULL;
		return op;
	}
	id = strcspn(rest, " ");
	if (verb == 4 && strncmp(arg, "join", verb) == 0 && rest[id] != '\0') {
		op = op_text(OP_INCIDENT_OPEN, "%s", rest + id + strspn(rest + id, " "));
		op->arg = xstrndup(rest, id);
		return op;
	}
	return op_text(OP_ERROR, "%s", usage);
}

const struct command console_commands[] = {
	{ "help", "?", CMD_HINT, global_help, "explain the keys" },
	{ "overview", "1", 0, global_panel_1, "go to the overview" },
	{ "alerts", "2", CMD_HINT, global_panel_2, "go to the alerts" },
	{ "metrics", "3", CMD_HINT, global_panel_3, "go to the metrics" },
	{ "sources", "4", CMD_HINT, global_panel_4, "go to the sources" },
	{ "slo", "5", CMD_HINT, global_panel_5, "go to the objectives and their budgets" },
	{ "models", "6", CMD_HINT, global_panel_6, "go to the models and what serves" },
	{ "hosts", "7", CMD_HINT, global_panel_7, "go to the hosts" },
	{ "runbooks", "8", CMD_HINT, global_panel_8, "go to the runbooks" },
	{ "run", "9", CMD_HINT, global_panel_9, "go to the run under way, or the last plan" },
	{ "drift", "0", 0, global_panel_10, "go to what drifts" },
	{ "logs", "L", CMD_ARG | CMD_HINT, global_logs, "go to the lines of logs; :logs QUERY filters them" },
	{ "timeline", "T", CMD_HINT, global_timeline, "go to what happened, in order" },
	{ "audit", "A", 0, global_audit, "go to the audit log" },
	{ "recording", NULL, 0, global_recording, "how the flight recorder stands" },
	{ "verify", NULL, 0, global_verify, "has anything in the audit log been changed?" },
	{ "checkpoint", NULL, 0, global_checkpoint, "sign the audit log's head with your ssh key" },
	{ "note", "C", CMD_ARG | CMD_HINT, global_note, "record a note; :note TEXT does so at once" },
	{ "incident", NULL, CMD_ARG, global_incident, "open TITLE, join ID TITLE, or close [WORDS]" },
	{ "filter", "/", CMD_HINT, global_filter, "show only rows that match" },
	{ "command", ":", CMD_HINT, global_command, "type a command; Tab completes" },
	{ "quit", "q", CMD_HINT, global_quit, "leave" },
	{ "next-panel", "Tab", 0, global_next, "go to the next panel" },
	{ "previous-panel", "S-Tab", 0, global_previous, "go to the panel before" },
	{ "zoom", "z", CMD_HINT, global_zoom, "let this panel fill the screen, or no longer" },
	{ "back", "Esc", 0, global_back, "one step out: filter, zoom, past" },
	{ "step-back", ",", 0, global_step_back, "time cursor one step back" },
	{ "step-forward", ".", 0, global_step_forward, "time cursor one step forward" },
	{ "leap-back", "<", 0, global_leap_back, "time cursor ten steps back" },
	{ "leap-forward", ">", 0, global_leap_forward, "time cursor ten steps forward" },
	{ "live", "=", 0, global_live, "back to now" },
	{ "longer", "+", 0, global_longer, "a longer time range" },
	{ "shorter", "-", 0, global_shorter, "a shorter time range" },
	{ "goto", NULL, CMD_ARG, global_goto, "time cursor to 02:10, -18m or a full time (UTC)" },
	{ "span", NULL, CMD_ARG, global_span, "length of the time range, such as 6h" },
	{ "query", NULL, CMD_ARG, global_query, "graph PromQL beside the named queries" },
	{ "refresh", "C-r", 0, global_refresh, "ask every source again now, and read the runbooks again" },
	{ "messages", NULL, 0, global_messages, "what the message line said lately" },
	{ "redraw", "C-l", 0, global_redraw, "paint the screen anew" },
	{ "suspend", "C-z", 0, global_suspend, "back to the shell; fg returns" },
	{ 0 }
};
