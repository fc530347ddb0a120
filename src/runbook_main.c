/*
 * `opsconsole --runbook NAME`: a run from the command line. Results go to stdout, progress, prompts and complaints to stderr; with --json one event a line on stdout.
 *
 * The way through: sources are asked until each has had its say, params that are missing are asked for (with live choices, on a terminal only), the plan is made and shown, confirmed,
 * run. The first Ctrl-C stops new work, the second cancels.
 */
#include "config.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "anchors.h"
#include "base/clock.h"
#include "base/secrets.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "logs.h"
#include "loop/spool.h"
#include "runbook_text.h"
#include "runs.h"

enum { EXIT_USAGE = 2, EXIT_STOPPED = 3, EXIT_DECLINED = 7, EXIT_NO_TRAIL = 8, LINE_BYTES = 4096, KEYS_MAX = 8 };
#define ANSWERS_WAIT (10 * NS_PER_S)	/* for sources, before planning */

enum phase { PHASE_LOOKING, PHASE_ASKING_PARAM, PHASE_PLANS, PHASE_ASKING_CONFIRM, PHASE_RUNS };

struct script {
	struct app *app;
	const struct options *o;
	const struct runbook *book;
	struct run *run;
	struct run_set *sets;
	size_t n_sets;
	char **asked;			/* values that were typed; owned */
	size_t n_asked;
	enum phase phase;
	bool is_terminal;
	struct spool *spools[2];	/* of out and err; one of both where they go to the same place */
	FILE *out, *err;
	struct loop_timer *deadline;
	bool is_late;
	bool is_over;
	/* The line being typed. */
	struct loop_fd *in;
	char line[LINE_BYTES];
	size_t len;
	const struct runbook_param *param;	/* asked for */
	char *keys[KEYS_MAX];		/* paths of key files whose passphrase is asked for, the first one now */
	size_t n_keys;
};

static void begin_plan(struct script *s);

/* --- ends --------------------------------------------------------------------------------------------------------------- */

static void
finish(struct script *s, int status)
{
	s->is_over = true;
	loop_fd_set(s->in, 0);
	loop_stop(s->app->loop, status);
}

static void
fail(struct script *s, const struct err *err, int status)
{
	if (s->o->is_json)
		runbook_json_error(s->out, err->msg, status);
	fprintf(s->err, "opsconsole: %s\n", err->msg);
	finish(s, status);
}

/* --- prompts: on a terminal only ------------------------------------------------------------------------------------------ */

static void
set_echo(bool is_on)
{
	struct termios t;

	if (tcgetattr(STDIN_FILENO, &t) < 0)
		return;
	t.c_lflag = is_on ? t.c_lflag | ECHO : t.c_lflag & ~(tcflag_t)ECHO;
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &t);
}

/* What was typed before the question was meant for something else. */
static void
prompt(struct script *s, enum phase phase)
{
	s->phase = phase;
	s->len = 0;
	tcflush(STDIN_FILENO, TCIFLUSH);
	fflush(s->err);
	loop_fd_set(s->in, LOOP_READ);
}

static const struct runbook_param *
missing_param(const struct script *s)
{
	for (size_t i = 0; i < s->book->n_params; i++) {
		const struct runbook_param *p = &s->book->params[i];
		bool is_known = p->def != NULL || !p->is_required;

		for (size_t j = 0; j < s->n_sets && !is_known; j++)
			is_known = strcmp(s->sets[j].name, p->name) == 0;
		for (size_t j = 0; j < s->app->env->n_params && !is_known; j++)
			is_known = strcmp(s->app->env->params[j].name, p->name) == 0;
		if (!is_known)
			return p;
	}
	return NULL;
}

static void
ask_param(struct script *s)
{
	struct buf choices;

	s->param = missing_param(s);
	if (s->param == NULL) {
		begin_plan(s);
		return;
	}
	buf_init(&choices, LINE_BYTES);
	runbook_choices(s->param, s->sets, s->n_sets, s->app->model, &choices);
	fprintf(s->err, "%s%s%s (%s)%s%s: ", s->param->name, s->param->title != NULL ? ", " : "", s->param->title != NULL ? s->param->title : "",
	    param_type_name(s->param->type), choices.len > 0 ? ", one of " : "", choices.data);
	buf_done(&choices);
	if (s->param->type == PARAM_SECRET)
		set_echo(false);
	prompt(s, PHASE_ASKING_PARAM);
}

static void
add_set(struct script *s, const char *name, const char *value, const char *from)
{
	s->sets = xreallocarray(s->sets, s->n_sets + 1, sizeof *s->sets);
	s->sets[s->n_sets++] = (struct run_set){ .name = name, .value = value, .from = from };
}

static void
param_typed(struct script *s, const char *text)
{
	struct err err = ERR_INIT;
	char *value;

	if (s->param->type == PARAM_SECRET) {
		set_echo(true);
		fputc('\n', s->err);
	}
	if (runbook_param_value(s->param, text, &value, &err) < 0) {
		fprintf(s->err, "%s\n", err.msg);
		ask_param(s);
		return;
	}
	s->asked = xreallocarray(s->asked, s->n_asked + 1, sizeof *s->asked);
	s->asked[s->n_asked++] = value;
	add_set(s, s->param->name, value, "asked");
	ask_param(s);
}

/* --- confirming ---------------------------------------------------------------------------------------------------------------- */

static void
confirm(struct script *s, const char *typed, const char *how)
{
	struct err err = ERR_INIT;

	s->phase = PHASE_RUNS;
	if (run_confirm(s->run, run_plan_hash(s->run), typed, how, &err) < 0 && !s->is_over)
		fail(s, &err, EXIT_DECLINED);
}

static void
decline(struct script *s, const char *why)
{
	fprintf(s->err, "opsconsole: %s: nothing was done\n", why);
	run_decline(s->run);
	if (!s->is_over)
		finish(s, EXIT_DECLINED);
}

/* The plan stands: is somebody allowed to say yes, and has said it? */
static void
planned(struct script *s)
{
	const struct run_info *info = run_info(s->run);
	const char *target = info->target;

	if (s->phase != PHASE_PLANS)
		return;
	if (info->is_confirm_typed && s->o->confirm != NULL) {
		if (strcmp(s->o->confirm, target) == 0) {
			confirm(s, s->o->confirm, "--confirm");
		} else {
			char shown[256];

			fprintf(s->err, "opsconsole: --confirm %s is not what this run is about: it is %s\n", str_escape_to(shown, sizeof shown, s->o->confirm),
			    target);
			decline(s, "not confirmed");
		}
	} else if (!info->is_confirm_typed && (s->o->is_yes || (s->o->confirm != NULL && strcmp(s->o->confirm, target) == 0))) {
		confirm(s, target, s->o->is_yes ? "--yes" : "--confirm");
	} else if (!s->is_terminal) {
		if (info->is_confirm_typed)
			fprintf(s->err, "opsconsole: danger %s: --confirm %s would run it%s\n", danger_name(info->danger), target,
			    s->o->is_yes ? " (--yes is not enough)" : "");
		else
			fprintf(s->err, "opsconsole: --yes would run it\n");
		decline(s, "not confirmed");
	} else if (info->is_confirm_typed) {
		fprintf(s->err, "\nType %s to run it, anything else leaves: ", target);
		prompt(s, PHASE_ASKING_CONFIRM);
	} else {
		fprintf(s->err, "\nRun it? Type y or yes, anything else leaves: ");
		prompt(s, PHASE_ASKING_CONFIRM);
	}
}

static void
confirm_typed(struct script *s, const char *text)
{
	const struct run_info *info = run_info(s->run);

	if (info->is_confirm_typed ? strcmp(text, info->target) == 0 : strcmp(text, "y") == 0 || strcmp(text, "yes") == 0)
		confirm(s, text, info->is_confirm_typed ? "typed" : "yes");
	else
		decline(s, "not confirmed");
}

/* --- a question of the run ------------------------------------------------------------------------------------------------------- */

static void
show_question(struct script *s, const char *text)
{
	const struct run_info *info = run_info(s->run);

	fprintf(s->err, "%s (", text);
	for (size_t i = 0; i < info->answers.n; i++)
		fprintf(s->err, "%s%s", i > 0 ? ", " : "", info->answers.v[i]);
	fprintf(s->err, "): ");
	prompt(s, PHASE_RUNS);
}

static void
answer_typed(struct script *s, const char *text)
{
	const struct run_info *info = run_info(s->run);
	struct err err = ERR_INIT;

	if (info->state != RUN_ASKING)
		return;
	if (run_answer(s->run, text, &err) < 0) {
		fprintf(s->err, "%s\n", err.msg);
		show_question(s, info->question);
	}
}

/* --- passphrases of key files -------------------------------------------------------------------------------------------------- */

static void
ask_passphrase(struct script *s)
{
	char shown[512];

	fprintf(s->err, "passphrase of %s: ", str_escape_to(shown, sizeof shown, s->keys[0]));
	set_echo(false);
	prompt(s, s->phase);
}

static void
on_passphrase(const char *path, void *arg)
{
	struct script *s = arg;

	if (s->n_keys == KEYS_MAX) {
		runs_passphrase(s->app->runs, path, NULL);
		return;
	}
	s->keys[s->n_keys++] = xstrdup(path);
	if (s->n_keys == 1)
		ask_passphrase(s);
}

/* text "" or NULL: none is given. */
static void
passphrase_typed(struct script *s, char *text)
{
	char *path = s->keys[0];

	set_echo(true);
	fputc('\n', s->err);
	memmove(&s->keys[0], &s->keys[1], --s->n_keys * sizeof s->keys[0]);
	runs_passphrase(s->app->runs, path, text != NULL && *text != '\0' ? text : NULL);
	free(path);
	if (s->n_keys > 0)
		ask_passphrase(s);
	else if (s->phase == PHASE_RUNS && run_info(s->run)->state == RUN_ASKING)
		show_question(s, run_info(s->run)->question);
}

static void
line_typed(struct script *s, char *text)
{
	loop_fd_set(s->in, 0);
	if (s->n_keys > 0) {
		passphrase_typed(s, text);
		return;
	}
	switch (s->phase) {
	case PHASE_ASKING_PARAM: param_typed(s, text); break;
	case PHASE_ASKING_CONFIRM: confirm_typed(s, text); break;
	case PHASE_RUNS: answer_typed(s, text); break;
	default: break;
	}
}

static void
on_input(int fd, unsigned ready, void *arg)
{
	struct script *s = arg;
	char *end;
	ssize_t n;

	(void)ready;
	n = read(fd, s->line + s->len, sizeof s->line - 1 - s->len);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {	/* the terminal is gone, or Ctrl-D: whoever was asked has not said yes */
		loop_fd_set(s->in, 0);
		if (s->n_keys > 0) {
			passphrase_typed(s, NULL);
		} else if (s->phase == PHASE_ASKING_PARAM) {
			set_echo(true);
			fprintf(s->err, "\nopsconsole: %s was not given: nothing was done\n", s->param->name);
			finish(s, EXIT_DECLINED);
		} else if (s->phase == PHASE_ASKING_CONFIRM) {
			fputc('\n', s->err);
			decline(s, "not confirmed");
		} else if (s->phase == PHASE_RUNS) {
			run_stop(s->run, "nobody is there to answer");
		}
		return;
	}
	s->len += (size_t)n;
	s->line[s->len] = '\0';
	end = strchr(s->line, '\n');
	if (end == NULL && s->len < sizeof s->line - 1)
		return;
	if (end != NULL)
		*end = '\0';
	s->len = 0;
	line_typed(s, s->line);
	explicit_bzero(s->line, sizeof s->line);	/* it may have been a secret */
}

/* --- what the run tells ------------------------------------------------------------------------------------------------------------- */

static void
on_notice(struct run *run, const struct run_notice *n, void *arg)
{
	struct script *s = arg;
	enum run_state state;

	s->run = run;
	if (s->is_over)
		return;
	if (s->o->is_json)
		runbook_json_notice(s->out, run_info(run), n);
	else
		runbook_text_notice(s->err, run_info(run), n);
	state = run_state(run);
	if (n->kind == NOTICE_QUESTION && s->is_terminal && s->n_keys == 0)
		show_question(s, n->text);
	if (n->kind == NOTICE_STATE && state == RUN_PLANNED && !s->o->is_dry_run && s->phase == PHASE_PLANS) {
		if (!s->o->is_json)
			runbook_text_plan(s->err, run_info(run));
		planned(s);
		return;
	}
	if (n->kind != NOTICE_END)
		return;
	if (s->o->is_json)
		runbook_json_summary(s->out, run_info(run));
	else if (s->o->is_dry_run)
		runbook_text_plan(s->out, run_info(run));
	else
		runbook_text_summary(s->out, run_info(run));
	finish(s, run_exit(run));
}

static void
begin_plan(struct script *s)
{
	struct run_request q = {
		.runbook = s->book, .sets = s->sets, .n_sets = s->n_sets, .limit = s->o->limit, .incident = trail_incident(s->app->trail),
		.on_disconnect = s->o->stops_on_disconnect ? DISCONNECT_STOP : DISCONNECT_FINISH, .is_interactive = s->is_terminal,
		.is_dry_run = s->o->is_dry_run, .resume = s->o->resume };
	struct err err = ERR_INIT;
	int r;

	s->phase = PHASE_PLANS;
	r = runs_begin(s->app->runs, &q, on_notice, s, &s->run, &err);
	if (r < 0)
		fail(s, &err, r == ERR_USAGE || r == ERR_INVALID || r == ERR_NOTFOUND ? EXIT_USAGE : EXIT_STOPPED);
}

/* Sources have had their say: hosts, models and alerts are known as far as they can be. */
static void
on_turn(void *arg)
{
	struct script *s = arg;
	struct app *a = s->app;

	app_range_follow(a);
	logs_turn(a->logs);	/* or lines that nobody looks at are waited for until the deadline */
	model_advance(a->model, clock_now());
	model_changes(a->model);
	if (s->phase != PHASE_LOOKING || s->is_over || !(s->is_late || (sources_all_tried(a->sources) && app_slos_settled(a))))
		return;
	if (s->is_terminal)
		ask_param(s);
	else
		begin_plan(s);
}

static void
on_deadline(void *arg)
{
	((struct script *)arg)->is_late = true;
}

static void
on_signal(int signo, void *arg)
{
	struct script *s = arg;

	if (s->run == NULL || s->phase < PHASE_RUNS) {
		static const char why[] = "interrupted before anything was done";

		if (s->is_over)
			return;
		if (s->phase == PHASE_ASKING_PARAM || s->n_keys > 0)
			set_echo(true);
		fprintf(s->err, "\nopsconsole: %s\n", why);
		if (s->run != NULL && run_state(s->run) == RUN_PLANNED)
			run_decline(s->run);
		if (s->is_over)
			return;
		if (s->o->is_json)
			runbook_json_error(s->out, why, EXIT_DECLINED);
		finish(s, EXIT_DECLINED);
	} else if (signo == SIGHUP) {
		runs_detach(s->app->runs);
	} else {
		bool is_cancelled = run_stop(s->run, signo == SIGINT ? "interrupted" : "terminated");

		if (!s->is_over)
			fprintf(s->err, "\nopsconsole: %s\n", is_cancelled ? "what runs is cancelled" : "nothing new is begun; once more cancels what runs");
		fflush(s->err);
	}
}

/* --- life ------------------------------------------------------------------------------------------------------------------------------ */

static int
read_sets(struct script *s, struct err *err)
{
	for (size_t i = 0; i < s->o->n_sets; i++) {
		const char *eq = strchr(s->o->sets[i], '=');
		char shown[96];
		char *name;

		if (eq == NULL || eq == s->o->sets[i])
			return err_set(err, ERR_USAGE, "--set %s: it is name=value", str_escape_to(shown, sizeof shown, s->o->sets[i]));
		name = xstrndup(s->o->sets[i], (size_t)(eq - s->o->sets[i]));
		s->asked = xreallocarray(s->asked, s->n_asked + 1, sizeof *s->asked);
		s->asked[s->n_asked++] = name;
		add_set(s, name, eq + 1, "given");
	}
	return 0;
}

/* Whether anything may be done here at all is told before anything is planned: exit 8 comes early, not after a confirmation. */
static int
open_trail(struct script *s, struct err *err)
{
	struct trail *t = s->app->trail;
	struct audit *audit;

	if (s->o->incident != NULL && trail_join(t, s->o->incident, err) < 0)
		return EXIT_USAGE;
	if (s->o->is_dry_run)
		return 0;
	if (s->app->env->is_read_only) {
		err_set(err, ERR_DENIED, "environment %s is read_only in the config: only --dry-run runs here", s->app->env->name);
		return EXIT_USAGE;
	}
	audit = trail_audit(t, err);
	if (audit == NULL)
		return EXIT_NO_TRAIL;
	if (s->o->incident == NULL)
		trail_find_incident(t, NULL);	/* a log that cannot be read is told by the check */
	anchors_start(s->app->anchors);
	if (audit_check(audit, err) == 0)
		return 0;
	if (s->o->break_glass == NULL)
		return EXIT_NO_TRAIL;
	fprintf(stderr, "opsconsole: %s\nopsconsole: --break-glass: records go to the journal and to stderr\n", err->msg);
	return audit_break_glass(audit, s->o->break_glass, err) < 0 ? EXIT_NO_TRAIL : 0;
}

static int
watch_signals(struct script *s, struct err *err)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP };

	for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++) {
		int r = loop_signal(s->app->loop, signals[i], on_signal, s, err);

		if (r < 0)
			return r;
	}
	return 0;
}

/* A run does not wait for whoever reads of it. */
static void
open_spools(struct script *s)
{
	struct stat out, err;
	bool is_one = fstat(STDOUT_FILENO, &out) == 0 && fstat(STDERR_FILENO, &err) == 0 && out.st_dev == err.st_dev && out.st_ino == err.st_ino;

	s->spools[0] = spool_new(s->app->loop, STDOUT_FILENO, SPOOL_MAX);
	if (!is_one)
		s->spools[1] = spool_new(s->app->loop, STDERR_FILENO, SPOOL_MAX);
	s->out = spool_file(s->spools[0]);
	s->err = is_one ? s->out : spool_file(s->spools[1]);
}

static void
close_spools(struct script *s)
{
	uint64_t n = spool_free(s->spools[1]) + spool_free(s->spools[0]);

	if (n > 0)
		fprintf(stderr, "opsconsole: %llu bytes of output were left out: nobody read them\n", (unsigned long long)n);
}

int
runbook_main(struct app *a, const struct options *o)
{
	struct script s = { .app = a, .o = o };
	struct err err = ERR_INIT;
	int status;

	s.is_terminal = isatty(STDIN_FILENO) && isatty(STDERR_FILENO) && !o->is_json;
	runs_start(a->runs);
	status = runbooks_pick(runs_books(a->runs), o->runbook, &s.book, &err) < 0 || read_sets(&s, &err) < 0 ? EXIT_USAGE : open_trail(&s, &err);
	if (status == 0 && watch_signals(&s, &err) < 0)
		status = EXIT_USAGE;
	if (status != 0) {
		if (o->is_json)
			runbook_json_error(stdout, err.msg, status);
		fprintf(stderr, "opsconsole: %s\n", err.msg);
		goto done;
	}
	open_spools(&s);
	s.in = loop_fd_new(a->loop, STDIN_FILENO, 0, on_input, &s);
	s.deadline = loop_timer_new(a->loop, on_deadline, &s);
	loop_timer_in(s.deadline, o->deadline_ns > 0 ? o->deadline_ns : ANSWERS_WAIT);
	loop_on_turn(a->loop, on_turn, &s);
	a->is_instant = true;
	if (s.is_terminal)
		runs_on_passphrase(a->runs, on_passphrase, &s);
	app_start(a);
	status = loop_run(a->loop);
	loop_on_turn(a->loop, NULL, NULL);
	/* Whoever was asked for a passphrase, or a secret, types visibly again. */
	if (s.n_keys > 0)
		set_echo(true);
	close_spools(&s);
done:
	loop_timer_free(s.deadline);
	loop_fd_free(s.in);
	runs_on_passphrase(a->runs, NULL, NULL);
	for (size_t i = 0; i < s.n_keys; i++)
		free(s.keys[i]);
	for (size_t i = 0; i < s.n_asked; i++)
		free(s.asked[i]);
	free(s.asked);
	free(s.sets);
	return status;
}

int
runbooks_main(struct app *a, const struct options *o)
{
	const struct runbook *book;
	struct err err = ERR_INIT;

	runs_start(a->runs);
	if (o->runbook == NULL)
		return runbooks_list_main(runs_books(a->runs), o->is_json);
	if (runbooks_pick(runs_books(a->runs), o->runbook, &book, &err) == 0)
		return runbook_describe_main(book, o->is_json);
	fprintf(stderr, "opsconsole: %s\n", err.msg);
	return EXIT_USAGE;
}
