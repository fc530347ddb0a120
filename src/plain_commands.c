/*
 * Commands by line, where both ends are a terminal: "opsconsole --plain | less" leaves the keys to less.
 */
#include "config.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "plain_priv.h"
#include "plain_state.h"
#include "trail.h"

/* --- the commands ---------------------------------------------------------------------------------------------------------- */

static void do_help(struct plain *p, const char *arg);

static void
do_status(struct plain *p, const char *arg)
{
	(void)arg;
	plain_show_state(p);
}

static void
do_alerts(struct plain *p, const char *arg)
{
	struct buf out;

	(void)arg;
	buf_init(&out, PLAIN_OUT_MAX);
	plain_alerts(p->app->model, &out);
	plain_write(p, &out);
	buf_done(&out);
}

/* One that is recorded is an entry of the timeline, which is told as all others are. */
static void
on_recorded(uint64_t seq, const struct err *err, void *arg)
{
	(void)seq;
	if (err != NULL)
		plain_say(arg, true, err->msg);
}

static void
do_note(struct plain *p, const char *arg)
{
	struct err err = ERR_INIT;

	if (trail_note(p->app->trail, arg, on_recorded, p, &err) < 0)
		plain_say(p, true, err.msg);
}

static void
do_quit(struct plain *p, const char *arg)
{
	(void)arg;
	plain_end(p);
}

static const struct command {
	const char *name, *value;	/* value: name of its argument; NULL: it takes none */
	void (*run)(struct plain *p, const char *arg);
	const char *help;
} commands[] = {
	{ "status", NULL, do_status, "how things stand" },
	{ "alerts", NULL, do_alerts, "every alert, a line each" },
	{ "note", "TEXT", do_note, "write a note into the audit log" },
	{ "help", NULL, do_help, "this" },
	{ "quit", NULL, do_quit, "leave; so does Ctrl-D" },
};
enum { N_COMMANDS = sizeof commands / sizeof commands[0] };

static void
do_help(struct plain *p, const char *arg)
{
	struct buf out;

	(void)arg;
	buf_init(&out, PLAIN_OUT_MAX);
	for (size_t i = 0; i < N_COMMANDS; i++) {
		char left[32];

		snprintf(left, sizeof left, "%s%s%s", commands[i].name, commands[i].value != NULL ? " " : "", commands[i].value != NULL ? commands[i].value : "");
		buf_printf(&out, "%-10s  %s\n", left, commands[i].help);
	}
	plain_write(p, &out);
	buf_done(&out);
}

static void
refuse(struct plain *p, const char *word)
{
	const char *names[N_COMMANDS], *near;
	char shown[64], text[192];

	for (size_t i = 0; i < N_COMMANDS; i++)
		names[i] = commands[i].name;
	near = str_nearest(word, names, N_COMMANDS);
	str_escape_to(shown, sizeof shown, word);
	if (near != NULL)
		snprintf(text, sizeof text, "%s: no such command; did you mean %s?", shown, near);
	else
		snprintf(text, sizeof text, "%s: no such command; help lists them", shown);
	plain_say(p, true, text);
}

/* line is cut up. */
static void
carry_out(struct plain *p, char *line)
{
	char *word = line + strspn(line, " \t"), *arg = word + strcspn(word, " \t");

	if (*word == '\0')
		return;
	if (*arg != '\0')
		*arg++ = '\0';
	arg += strspn(arg, " \t");
	for (size_t i = 0; i < N_COMMANDS; i++) {
		if (strcmp(commands[i].name, word) != 0)
			continue;
		if (commands[i].value == NULL && *arg != '\0')
			plain_say(p, true, "that command takes nothing behind it");
		else
			commands[i].run(p, arg);
		return;
	}
	refuse(p, word);
}

/* --- lines ------------------------------------------------------------------------------------------------------------------ */

static void
take_line(struct plain *p, size_t len)
{
	p->typed[len] = '\0';
	if (p->is_too_long)
		plain_say(p, true, "that line is too long");
	else if (strlen(p->typed) == len)
		carry_out(p, p->typed);
	else
		plain_say(p, true, "that line holds a NUL");
	p->is_too_long = false;
}

static void
take_lines(struct plain *p)
{
	char *lf;

	while (!p->is_ending && (lf = memchr(p->typed, '\n', p->n_typed)) != NULL) {
		size_t len = (size_t)(lf - p->typed);

		take_line(p, len);
		p->n_typed -= len + 1;
		memmove(p->typed, lf + 1, p->n_typed);
	}
	if (p->n_typed == sizeof p->typed - 1) {
		p->is_too_long = true;
		p->n_typed = 0;
	}
}

static void
on_typed(int fd, unsigned ready, void *arg)
{
	struct plain *p = arg;
	ssize_t n = read(fd, p->typed + p->n_typed, sizeof p->typed - 1 - p->n_typed);

	(void)ready;
	if (n == 0) {
		plain_end(p);
	} else if (n < 0) {
		loop_fd_set(p->in, 0);	/* in the background the terminal is the shell's: tried again in a second */
	} else {
		p->n_typed += (size_t)n;
		take_lines(p);
	}
}

void
plain_commands_start(struct plain *p)
{
	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
		return;
	signal(SIGTTIN, SIG_IGN);	/* a read in the background is an error, and does not stop us */
	p->in = loop_fd_new(p->app->loop, STDIN_FILENO, LOOP_READ, on_typed, p);
	plain_say(p, false, "help lists the commands");
}

void
plain_commands_turn(struct plain *p)
{
	if (p->in != NULL)
		loop_fd_set(p->in, LOOP_READ);
}

void
plain_commands_stop(struct plain *p)
{
	loop_fd_free(p->in);
	p->in = NULL;
}
