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

enum { WORDS_SHOWN = 60 };

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

/* --- completing a query -------------------------------------------------------------------------------------------- */

/* Where the query begins in what is typed; SIZE_MAX: it is none. */
static size_t
query_begin(const struct console *c)
{
	static const char logs[] = "logs ", search[] = "search ";
	bool is_here = c->focus == console_index_of("logs");

	if (c->line_mode == LINE_FILTER && is_here)
		return 0;
	if (c->line_mode == LINE_COMMAND && str_has_prefix(c->line.text, logs))
		return strlen(logs);
	return c->line_mode == LINE_COMMAND && is_here && str_has_prefix(c->line.text, search) ? strlen(search) : SIZE_MAX;
}

bool
console_completes_logs(const struct console *c)
{
	size_t begin = query_begin(c);

	return begin != SIZE_MAX && c->line.at >= begin;
}

/* "2 of 14: container job" */
static void
note_offers(struct console *c, const struct logs_offers *o, size_t chosen)
{
	char word[48];
	size_t used = 0, size = sizeof c->completion_note;

	*c->completion_note = '\0';
	if (o->words.n == 0 && *o->note == '\0')
		used = (size_t)snprintf(c->completion_note, size, "nothing known to put here");
	else if (o->words.n > 0 && chosen < o->words.n)
		used = (size_t)snprintf(c->completion_note, size, "%zu of %zu", chosen + 1, o->words.n);
	else if (o->words.n > 0)
		used = (size_t)snprintf(c->completion_note, size, "%zu known", o->words.n);
	if (*o->note != '\0')
		used += (size_t)snprintf(c->completion_note + used, size - used, "%s%s", used > 0 ? "; " : "", o->note);
	for (size_t i = chosen < o->words.n ? chosen + 1 : 0; i < o->words.n && used < WORDS_SHOWN && *o->note == '\0'; i++)
		used += (size_t)snprintf(c->completion_note + used, size - used, "%s%s", i == (chosen < o->words.n ? chosen + 1 : 0) ? ": " : " ",
		    str_escape_to(word, sizeof word, o->words.v[i]));
}

static void
offer(struct console *c, struct logs_offers *ret)
{
	struct view v = console_view(c, true);
	size_t begin = query_begin(c);

	logs_offer(c->app->logs, v.live, v.log_view, c->completing + begin, c->completing_at - begin, ret);
}

/* What is typed with the word in it; NULL: it cannot be said there, or has no room. malloc()ed. */
static char *
text_with(const struct console *c, const struct logs_offers *o, const char *word, size_t *ret_at)
{
	size_t begin = query_begin(c);
	char *query = log_complete_with(&o->at, c->completing + begin, word, ret_at), *text = NULL;

	if (query != NULL && begin + strlen(query) < EDITOR_MAX)
		text = xasprintf("%.*s%s", (int)begin, c->completing, query);
	*ret_at += begin;
	free(query);
	return text;
}

static bool
put(struct console *c, const struct logs_offers *o, const char *word)
{
	size_t at = 0;
	char *text = text_with(c, o, word, &at);

	if (text == NULL)
		return false;
	editor_set(&c->line, text);
	c->line.at = at < c->line.len ? at : c->line.len;
	free(text);
	return true;
}

static void
end_completing(struct console *c)
{
	free(c->completing);
	c->completing = NULL;
	*c->completion_note = '\0';
}

/* Which of the words was put there last; SIZE_MAX: none. */
static size_t
find_put(const struct console *c, const struct logs_offers *o)
{
	bool is_there = false;
	size_t i = 0, at;

	while (i < o->words.n && !is_there) {
		char *text = text_with(c, o, o->words.v[i], &at);

		is_there = str_eq(text, c->line.text);
		i += !is_there;
		free(text);
	}
	return is_there ? i : SIZE_MAX;
}

/* More is known: it is told, and what is typed is left as it is. */
static void
on_names(void *arg)
{
	struct console *c = arg;
	struct logs_offers o;
	size_t i;

	if (c->completing == NULL || !console_completes_logs(c))
		return;
	offer(c, &o);
	i = find_put(c, &o);
	c->completion = i == SIZE_MAX ? 0 : i + 1;
	note_offers(c, &o, i);
	if (o.words.n == 1 && i == 0 && *o.note == '\0')
		end_completing(c);
	logs_offers_done(&o);
	c->is_dirty = true;
}

static void
begin_completing(struct console *c)
{
	if (c->completing != NULL)
		return;
	c->completing = xstrdup(c->line.text);
	c->completing_at = c->line.at;
	c->completion = 0;
}

/* Round and round, with what was typed as the last stop; the only one is put there for good. */
void
console_complete_logs(struct console *c)
{
	struct logs_offers o;
	size_t i;

	begin_completing(c);
	logs_on_names(c->app->logs, on_names, c);
	offer(c, &o);
	i = c->completion;
	while (i < o.words.n && !put(c, &o, o.words.v[i]))
		i++;
	if (i >= o.words.n) {
		editor_set(&c->line, c->completing);
		c->line.at = c->completing_at;
		c->completion = 0;
	} else {
		c->completion = i + 1;
	}
	note_offers(c, &o, i);
	if (o.words.n == 1 && i == 0 && *o.note == '\0' && strcmp(c->line.text, c->completing) != 0)
		end_completing(c);
	logs_offers_done(&o);
}

/* --- commands ------------------------------------------------------------------------------------------------------- */

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
