/*
 * The programs, and the words around them. What they do and why is told in the header; they use no construct that dash, bash, busybox, ksh, mksh or
 * yash would read differently, no single quote (they stand in single quotes) and as few processes as can be: each costs the host half a
 * millisecond of a command that often takes three.
 */
#include "config.h"

#include "ssh/supervisor.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"

/* Common to all: $1 nonce, $2 folder of states or nothing. Descriptor 3 is the command's stdin, 4 its stderr. Linux tells the user id without a process. */
#define COMMON \
	"n=$1 d=$2 i=\n" \
	"exec 3<&0 4>&2 </dev/null 2>/dev/null\n" \
	"say() { printf \"::opsconsole:%s:%s\\n\" \"$n\" \"$*\" >&4; }\n" \
	"no() { say refused \"$*\"; exit 125; }\n" \
	"[ \"$d\" ] || while read -r a i r; do [ \"$a\" != Uid: ] || break; done </proc/self/status\n" \
	": \"${d:=${TMPDIR:-/tmp}/opsconsole-${i:-$(id -u)}}\"\n" \
	"p= b= k= r= u=\n" \
	"[ -d \"$d\" ] || (umask 077; mkdir -p \"$d\" && date +%s >\"$d/since\")\n" \
	"[ -d \"$d\" ] && [ -O \"$d\" ] && [ ! -L \"$d\" ] || no \"$d: cannot be made, or is not a folder of this user alone\"\n" \
	"f=$d/$n\n" \
	"claim() { set -C; printf \"%s\\n\" \"$1\" >\"$f\"; set -- $?; set +C; return $1; }\n"

/* The state file and the group it names. What is written after the end of the command had no part in it. */
#define STATE \
	"look() {\n" \
	"\tr=\n" \
	"\twhile read -r a x y; do\n" \
	"\t\tcase $a in started) p=$x b=$y ;; exited) r=$x ;; become) u=$x ;; *) [ \"$r\" ] || k=$a ;; esac\n" \
	"\tdone <\"$f\"\n" \
	"}\n" \
	"born() { s=; read -r s <\"/proc/$1/stat\"; set -- ${s##*\\) }; z=${1-} s=${20-}; }\n" \
	"group() { kill -s \"$1\" -- \"-$p\" || kill -s \"$1\" \"$p\"; }\n" \
	"nap() { sleep 0.1 || sleep 1; }\n" \
	"gone() {\n" \
	"\ti=0\n" \
	"\twhile kill -s 0 -- \"-$p\"; do i=$((i + 1)); [ $i -le $1 ] || return 1; nap; done\n" \
	"}\n" \
	"end() { printf \"%s\\n\" \"$1\" >>\"$f\"; group TERM; gone 50 || group KILL; }\n"

/*
 * $3 seconds, then the words. The sleeper is sent KILL: a shell that has forked but not yet become `sleep` would lose a TERM to the trap it inherited. The watcher goes
 * however the command ended, unless it is the watcher who ends it: later the number of the group may be somebody else's.
 */
#define RUN \
	"t=$3\n" \
	"shift 3\n" \
	"[ ! -e \"$f\" ] || no \"$n was used before\"\n" \
	"claim claimed || no \"$d: cannot be written\"\n" \
	"say ready\n" \
	"if command -v setsid >/dev/null; then\n" \
	"\tsetsid -- \"$@\" <&3 2>&4 3<&- 4>&- &\n" \
	"else\n" \
	"\tset -m\n" \
	"\t{ exec \"$@\"; } <&3 2>&4 3<&- 4>&- &\n" \
	"fi\n" \
	"p=$!\n" \
	"trap \"\" HUP PIPE\n" \
	"exec 3<&- >/dev/null\n" \
	"born \"$p\"\n" \
	"printf \"started %s %s\\n\" \"$p\" \"$s\" >>\"$f\"\n" \
	"(\n" \
	"\tq=; trap \"q=1\" TERM; exec 4>&-\n" \
	"\tsleep \"$t\" & s=$!\n" \
	"\tif [ \"$q\" ] || ! wait \"$s\"; then kill -s KILL \"$s\"; else end timeout; fi\n" \
	") &\n" \
	"w=$!\n" \
	"case $n in 0*) find \"$d\" -type f ! -name since -mtime +7 -exec rm -f {} + 4>&- & esac\n" \
	"wait \"$p\"; c=$?\n" \
	"printf \"exited %s\\n\" \"$c\" >>\"$f\"\n" \
	"look\n" \
	"case $k in\n" \
	"timeout) gone 80 || k=lost ;;\n" \
	"cancelled) kill \"$w\"; gone 80 || k=lost ;;\n" \
	"*) kill \"$w\"; k=exited ;;\n" \
	"esac\n" \
	"say \"$k\" \"$c\"\n"

/* $3: user, $4: RUN's text, then RUN's own arguments from its third on. */
#define BECOME \
	"u=$3 m=$4\n" \
	"shift 4\n" \
	"[ ! -e \"$f\" ] || no \"$n was used before\"\n" \
	"claim \"become $u\" || no \"$d: cannot be written\"\n" \
	"say shell\n" \
	"exec sudo -n -u \"$u\" -- /bin/sh -c \"$m\" opsconsole \"$n\" \"$o\" \"$@\" <&3 2>&4 3<&- 4>&-\n"

/* Before COMMON, for what goes on as another user: its folder is another one too. */
#define OTHER_DIR "o=${2:+$2.become}\n"

/* What both questions begin with ($3: their own text, to be asked again as the other user) and end with. $y: what "never" adds. */
#define ASK \
	"m=$3\n" \
	"claim never && is_new=1 || is_new=\n" \
	"look\n" \
	"[ -z \"$u\" ] || exec sudo -n -u \"$u\" -- /bin/sh -c \"$m\" opsconsole \"$n\" \"$o\" \"$m\" 2>&4 4>&-\n"
#define LIVES \
	"lives() {\n" \
	"\t[ \"$p\" ] || return 1\n" \
	"\tborn \"$p\"\n" \
	"\t[ -z \"$s\" ] || { [ \"$s\" = \"$b\" ] && [ \"$z\" != Z ]; } || return 1\n" \
	"\tkill -s 0 -- \"-$p\" || kill -s 0 \"$p\"\n" \
	"}\n"
#define TELL \
	"look\n" \
	"case $k in\n" \
	"never) say never $v ;;\n" \
	"*)\tif [ \"$r\" ]; then [ \"$k\" != claimed ] || k=exited; say \"$k\" \"$r\"\n" \
	"\telif lives; then say running\n" \
	"\telif [ \"$k\" = claimed ]; then say lost\n" \
	"\telse say \"$k\"\n" \
	"\tfi ;;\n" \
	"esac\n"

#define RUN_PROGRAM COMMON STATE RUN
#define BECOME_PROGRAM OTHER_DIR COMMON BECOME
#define SETTLE_PROGRAM OTHER_DIR COMMON STATE ASK LIVES \
	"v=0; read -r v <\"$d/since\"; v=$(($(date +%s) - v))\n" \
	TELL
/* A command that is just being started has no PID yet: it is waited for, 2 s at most. */
#define CANCEL_PROGRAM OTHER_DIR COMMON STATE ASK LIVES \
	"v= i=0\n" \
	"while [ \"$k\" = claimed ] && [ -z \"$p$r\" ] && [ $i -lt 20 ]; do nap; look; i=$((i + 1)); done\n" \
	"if [ -z \"$r\" ] && lives; then\n" \
	"\tend cancelled\n" \
	"\tgone 20; i=0\n" \
	"\twhile [ -z \"$r\" ] && [ $i -lt 5 ]; do nap; look; i=$((i + 1)); done\n" \
	"fi\n" \
	TELL

/*
 * csh reads line by line and goes on after a mistake, so a line of a word would be a command to it: it has to leave on the first, by exec: exit does not end it ($?0 is one digit there, in
 * sh the status 0 and a 0). To fish both lines are a syntax error, before anything is run. Between them stand what `sh -c` takes: a program, its name, its words. A
 * login shell that is sh already (and has therefore read no file of the user's) goes on itself, which saves the host an exec.
 */
#define GUARD "[ \"$?0\" = 00 ] || exec false\n[ \"${0+x}\" = x ] && set -- "
#define GO " && if [ \"${0##*/}\" = sh ]; then eval \"shift 2; $1\"; else exec /bin/sh -c \"$@\"; fi"

/* Reads the line that holds what no argv may hold; it ends in what is to be done. */
static const char starter[] =
    "opsconsole_nl=\"\n\"; IFS= read -r opsconsole_line && eval \"$opsconsole_line\"";

/* --- checks ----------------------------------------------------------------------------------- */

static int
check_nonce(const char *nonce, struct err *err)
{
	size_t len = nonce == NULL ? 0 : strspn(nonce, "0123456789abcdefABCDEF");

	if (len < 16 || len > 32 || nonce[len] != '\0')
		return err_set(err, ERR_INVALID, "the nonce of a command has to be 16 to 32 hexadecimal digits");
	return 0;
}

static int
check_dir(const char *dir, struct err *err)
{
	if (dir != NULL && (dir[0] != '/' || strchr(dir, '\n') != NULL))
		return err_set(err, ERR_INVALID, "the folder for states on hosts has to be an absolute path without line ends");
	return 0;
}

static int
check_user(const char *user, struct err *err)
{
	char shown[100];
	bool is_name = *user != '\0' && *user != '-';

	for (const char *c = user; *c != '\0'; c++)
		is_name = is_name && (isalnum((unsigned char)*c) || strchr("_.-", *c) != NULL);
	if (!is_name)
		return err_set(err, ERR_INVALID, "become: \"%s\" is not a user's name", str_escape_to(shown, sizeof shown, user));
	return 0;
}

static int
check_variable(const char *entry, struct err *err)
{
	char shown[100], name[80];
	size_t len = strcspn(entry, "=");
	bool is_name = len > 0 && entry[len] == '=' && !isdigit((unsigned char)entry[0]);

	for (size_t i = 0; i < len; i++)
		is_name = is_name && (isalnum((unsigned char)entry[i]) || entry[i] == '_');
	if (is_name)
		return 0;
	snprintf(name, sizeof name, "%.*s", (int)(len < 60 ? len : 60), entry);	/* never the value */
	return err_set(err, ERR_INVALID, "env: \"%s\" is not a variable's name", str_escape_to(shown, sizeof shown, name));
}

static int
check_command(const struct ssh_command *cmd, struct err *err)
{
	int r = 0;

	if (cmd->script == NULL && (cmd->argv == NULL || cmd->argv[0] == NULL))
		return err_set(err, ERR_INVALID, "a command needs at least one word");
	if (cmd->script != NULL && cmd->in_len > 0)
		return err_set(err, ERR_INVALID, "a script cannot have stdin too");
	if (cmd->become != NULL)
		r = check_user(cmd->become, err);
	for (size_t i = 0; r == 0 && cmd->env != NULL && cmd->env[i] != NULL; i++)
		r = check_variable(cmd->env[i], err);
	if (r < 0 || !cmd->is_unsupervised)
		return r;
	if (cmd->script != NULL || (cmd->env != NULL && cmd->env[0] != NULL))
		return err_set(err, ERR_INVALID, "supervise: none allows neither script nor env: they need the supervisor to carry them");
	return 0;
}

/* --- words ------------------------------------------------------------------------------------ */

int
supervisor_quote(struct buf *b, const char *word, struct err *err)
{
	const char *quote;
	int r = buf_addch(b, '\'');

	for (; (quote = strchr(word, '\'')) != NULL; word = quote + 1) {
		r = r < 0 ? r : buf_add(b, word, (size_t)(quote - word));
		r = r < 0 ? r : buf_addstr(b, "'\\''");
	}
	r = r < 0 ? r : buf_addstr(b, word);
	r = r < 0 ? r : buf_addch(b, '\'');
	if (r < 0)
		return err_set(err, ERR_LIMIT, "the command is too long for the host (over %zu bytes); pass long values by stdin or env", b->max);
	return 0;
}

static void
add_word(struct buf *b, const char *word)
{
	buf_addch(b, ' ');
	supervisor_quote(b, word, NULL);
}

static void
add_words(struct buf *b, const char *const *argv)
{
	for (size_t i = 0; argv != NULL && argv[i] != NULL; i++)
		add_word(b, argv[i]);
}

/* As supervisor_quote(), on one line. */
static void
add_on_a_line(struct buf *b, const char *text)
{
	buf_addch(b, '\'');
	for (; *text != '\0'; text++) {
		if (*text == '\'')
			buf_addstr(b, "'\\''");
		else if (*text == '\n')
			buf_addstr(b, "'\"$opsconsole_nl\"'");
		else
			buf_addch(b, *text);
	}
	buf_addch(b, '\'');
}

static void
add_line(struct buf *b, const struct ssh_command *cmd)
{
	for (size_t i = 0; cmd->env != NULL && cmd->env[i] != NULL; i++) {
		size_t name = strcspn(cmd->env[i], "=") + 1;

		buf_addstr(b, "export ");
		buf_add(b, cmd->env[i], name);
		add_on_a_line(b, cmd->env[i] + name);
		buf_addstr(b, "; ");
	}
	if (cmd->script != NULL) {
		buf_addstr(b, "opsconsole_script=");
		add_on_a_line(b, cmd->script);
		buf_addstr(b, "; unset opsconsole_line opsconsole_nl; exec </dev/null; eval \"$opsconsole_script\"\n");
	} else {
		buf_addstr(b, "unset opsconsole_line opsconsole_nl; exec \"$@\"\n");
	}
}

/* --- programs --------------------------------------------------------------------------------- */

static int
finish(struct supervised *s, struct supervised *ret, struct err *err)
{
	if (s->command.is_over || s->input.is_over) {
		int r = s->command.is_over ?
		    err_set(err, ERR_LIMIT, "the command is too long for the host (over %d bytes); pass long values by stdin or env",
			SUPERVISOR_COMMAND_MAX) :
		    err_set(err, ERR_LIMIT, "env and script are too long together (over %d bytes)", SUPERVISOR_INPUT_MAX);

		supervised_done(s);
		return r;
	}
	*ret = *s;
	return 0;
}

static void
supervised_init(struct supervised *s)
{
	buf_init(&s->command, SUPERVISOR_COMMAND_MAX);
	buf_init(&s->input, SUPERVISOR_INPUT_MAX);
}

static int
wrap_bare(const struct ssh_command *cmd, struct supervised *ret, struct err *err)
{
	struct supervised s;

	supervised_init(&s);
	if (cmd->become != NULL)
		buf_printf(&s.command, "sudo -n -u %s -- ", cmd->become);
	for (size_t i = 0; cmd->argv[i] != NULL; i++) {
		if (i > 0)
			buf_addch(&s.command, ' ');
		supervisor_quote(&s.command, cmd->argv[i], NULL);
	}
	return finish(&s, ret, err);
}

int
supervisor_wrap(const struct ssh_command *cmd, const char *state_dir, struct supervised *ret, struct err *err)
{
	bool has_line = cmd->script != NULL || (cmd->env != NULL && cmd->env[0] != NULL);
	char seconds[32];
	struct supervised s;
	int r = check_command(cmd, err);

	if (r == 0 && cmd->is_unsupervised)
		return wrap_bare(cmd, ret, err);
	if (r == 0)
		r = check_nonce(cmd->nonce, err);
	if (r == 0)
		r = check_dir(state_dir, err);
	if (r == 0 && cmd->timeout_ns <= 0)
		r = err_set(err, ERR_INVALID, "a command needs a timeout");
	if (r < 0)
		return r;
	supervised_init(&s);
	snprintf(seconds, sizeof seconds, "%lld", (long long)((cmd->timeout_ns - 1) / NS_PER_S + 1));
	buf_addstr(&s.command, GUARD);
	supervisor_quote(&s.command, cmd->become != NULL ? BECOME_PROGRAM : RUN_PROGRAM, NULL);
	buf_printf(&s.command, " opsconsole %s", cmd->nonce);
	add_word(&s.command, state_dir != NULL ? state_dir : "");
	if (cmd->become != NULL) {
		add_word(&s.command, cmd->become);
		add_word(&s.command, RUN_PROGRAM);
	}
	buf_printf(&s.command, " %s", seconds);
	if (has_line) {
		buf_addstr(&s.command, " /bin/sh -c");
		add_word(&s.command, starter);
		buf_addstr(&s.command, " sh");
		add_line(&s.input, cmd);
	}
	add_words(&s.command, cmd->argv);
	buf_addstr(&s.command, GO);
	return finish(&s, ret, err);
}

void
supervised_done(struct supervised *s)
{
	if (s->input.data != NULL)
		explicit_bzero(s->input.data, s->input.len);
	buf_done(&s->command);
	buf_done(&s->input);
}

static int
ask(const char *program, const char *nonce, const char *state_dir, struct supervised *ret, struct err *err)
{
	struct supervised s;
	int r = check_nonce(nonce, err);

	if (r == 0)
		r = check_dir(state_dir, err);
	if (r < 0)
		return r;
	supervised_init(&s);
	buf_addstr(&s.command, GUARD "'eval \"$3\"' opsconsole ");
	buf_addstr(&s.command, nonce);
	add_word(&s.command, state_dir != NULL ? state_dir : "");
	add_word(&s.command, program);
	buf_addstr(&s.command, GO);
	return finish(&s, ret, err);
}

int
supervisor_cancel(const char *nonce, const char *state_dir, struct supervised *ret, struct err *err)
{
	return ask(CANCEL_PROGRAM, nonce, state_dir, ret, err);
}

int
supervisor_settle(const char *nonce, const char *state_dir, struct supervised *ret, struct err *err)
{
	return ask(SETTLE_PROGRAM, nonce, state_dir, ret, err);
}
