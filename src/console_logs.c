/* What the commands of the logs panel, and those that lead there, ask of the app. */
#include "config.h"

#include "console_priv.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/xalloc.h"
#include "logs.h"
#include "replay.h"

static void
on_saved(const char *path, size_t n, const struct err *err, void *arg)
{
	char text[512], shown[400];

	if (err->code != 0)
		snprintf(text, sizeof text, "%s", err->msg);
	else
		snprintf(text, sizeof text, "saved %zu line%s to %s", n, n == 1 ? "" : "s", str_escape_to(shown, sizeof shown, path));
	console_say(arg, err->code != 0, text);
}

static void
filter(struct console *c, const struct op *op)
{
	int index = console_index_of("logs");

	if (c->app->replay != NULL)
		replay_op(c->app->replay, op, NULL);
	else
		logs_filter(c->app->logs, op->text);
	if (index < 0)
		return;
	/* What the title says and Esc clears. */
	free(c->filters[index]);
	c->filters[index] = op->arg != NULL && *op->arg != '\0' ? xstrdup(op->arg) : NULL;
}

static void
show(struct console *c, int64_t at_ns, const char *query)
{
	struct op *op = op_text(OP_PANEL, "logs");

	op->arg = xasprintf("%" PRId64 " %s", at_ns, query);
	console_show_panel(c, op);
	op_free(op);
}

static void
show_alert(struct console *c, const char *id)
{
	struct view v = console_view(c, true);
	const struct model_alert *alert = v.model != NULL ? model_alert_find(v.model, strtoull(id, NULL, 16)) : NULL;
	struct err err = ERR_INIT;
	char *query = NULL;

	if (alert == NULL)
		err_set(&err, ERR_NOTFOUND, "the alert is gone");
	else
		query = logs_for_alert(c->app->logs, alert, &err);
	if (query == NULL)
		console_say(c, true, err.msg);
	else
		show(c, alert->since_ns, query);
	free(query);
}

/* What they answer is shown by the same words; of a store's own language the panel says that it filters nothing here. */
static void
search(struct console *c, const struct op *op)
{
	struct err err = ERR_INIT;

	if (logs_search(c->app->logs, op->text, &err) < 0) {
		console_say(c, true, err.msg);
		return;
	}
	show(c, 0, op->text);
	console_say(c, false, "asking the stores");
}

bool
console_is_about_logs(const struct op *op)
{
	return op->kind >= OP_LOG_FILTER && op->kind <= OP_LOG_SAVE;
}

void
console_logs(struct console *c, const struct op *op)
{
	struct logs *l = c->app->logs;
	struct err err = ERR_INIT;
	int r = 0;

	switch (op->kind) {
	case OP_LOG_FILTER: filter(c, op); break;
	case OP_LOG_SEARCH: search(c, op); break;
	case OP_LOG_OLDER: r = logs_older(l, &err); break;
	case OP_LOG_ALERT: show_alert(c, op->text); break;
	case OP_LOG_PATTERNS: logs_patterns_wanted(l, op->number != 0); break;
	case OP_LOG_SAVE: r = logs_save(l, op->text != NULL && *op->text != '\0' ? op->text : NULL, on_saved, c, &err); break;
	default: break;
	}
	if (r < 0)
		console_say(c, true, err.msg);
	else if (op->kind == OP_LOG_OLDER)
		console_say(c, false, "asking for older lines");
}
