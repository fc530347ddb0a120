#include "config.h"

#include "ui/term_tty.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

/* CAN ends a sequence that was cut in the middle; everywhere else terminals ignore it. */
#define CANCEL "\x18"

enum { RESTORE_MAX = 512, RESTORE_WAITS = 10, RESTORE_WAIT_MS = 20, STACK_SIZE = 64 * 1024 };

/* Signals that end a program by default. Those the loop takes through a descriptor are blocked and do not come here. */
static const int end_signals[] = {
	SIGSEGV, SIGABRT, SIGBUS, SIGILL, SIGFPE, SIGSYS, SIGTRAP, SIGQUIT, SIGXCPU, SIGXFSZ,
	SIGTERM, SIGHUP, SIGINT, SIGALRM, SIGVTALRM, SIGPROF, SIGUSR1, SIGUSR2,
};
enum { END_SIGNALS = sizeof end_signals / sizeof end_signals[0] };

/* One terminal, in static memory: a handler must find it without asking anyone. */
static struct {
	int fd;
	pid_t pid;			/* a fork must not restore its parent's terminal */
	volatile sig_atomic_t is_taken;	/* raw, on the alternate screen */
	volatile sig_atomic_t is_mid_write;
	struct termios saved, raw;
	char restore[RESTORE_MAX];
	size_t restore_len;
	struct sigaction old[END_SIGNALS];
	bool has_handlers, has_atexit;
} tty = { .fd = -1 };

static char handler_stack[STACK_SIZE];

/* --- the way back ---------------------------------------------------------------------------- */

/* Only what a signal handler may call. A terminal that does not drain gets a moment, then it is left as it is. */
static void
write_patiently(const char *bytes, size_t len)
{
	int waits = 0;

	while (len > 0 && waits < RESTORE_WAITS) {
		ssize_t n = write(tty.fd, bytes, len);

		if (n > 0) {
			bytes += n;
			len -= (size_t)n;
		} else if (n < 0 && errno == EAGAIN) {
			struct pollfd p = { .fd = tty.fd, .events = POLLOUT };

			waits++;
			poll(&p, 1, RESTORE_WAIT_MS);
		} else if (n == 0 || errno != EINTR) {
			return;
		}
	}
}

void
tty_release(void)
{
	int saved_errno = errno;

	if (!tty.is_taken || tty.pid != getpid())
		return;
	tty.is_taken = 0;
	if (tty.is_mid_write)
		write_patiently(CANCEL, sizeof CANCEL - 1);
	tty.is_mid_write = 0;
	write_patiently(tty.restore, tty.restore_len);
	tcsetattr(tty.fd, TCSANOW, &tty.saved);
	errno = saved_errno;
}

static void
on_end_signal(int signo, siginfo_t *info, void *context)
{
	(void)context;
	tty_release();
	for (size_t i = 0; i < END_SIGNALS; i++)
		if (end_signals[i] == signo)
			sigaction(signo, &tty.old[i], NULL);
	/* A fault happens again on return, now with its own report (core, sanitizer); what was sent has to be sent again. */
	if (info->si_code <= 0 || signo == SIGABRT)
		raise(signo);
}

static void
install_handlers(void)
{
	struct sigaction action = { .sa_sigaction = on_end_signal, .sa_flags = SA_SIGINFO | SA_ONSTACK };
	stack_t stack = { .ss_sp = handler_stack, .ss_size = sizeof handler_stack };
	stack_t before;

	/* A sanitizer may have given the thread a stack already. */
	if (sigaltstack(NULL, &before) == 0 && (before.ss_flags & SS_DISABLE))
		sigaltstack(&stack, NULL);
	/* With everything blocked, tcsetattr() cannot stop us in the background (SIGTTOU). */
	sigfillset(&action.sa_mask);
	for (size_t i = 0; i < END_SIGNALS; i++) {
		sigaction(end_signals[i], NULL, &tty.old[i]);
		if (tty.old[i].sa_handler != SIG_IGN)
			sigaction(end_signals[i], &action, NULL);
	}
	tty.has_handlers = true;
}

static void
remove_handlers(void)
{
	for (size_t i = 0; i < END_SIGNALS && tty.has_handlers; i++) {
		struct sigaction now;

		/* Somebody may have put theirs in since. */
		if (sigaction(end_signals[i], NULL, &now) == 0 && now.sa_sigaction == on_end_signal)
			sigaction(end_signals[i], &tty.old[i], NULL);
	}
	tty.has_handlers = false;
}

/* --- taking ------------------------------------------------------------------------------------- */

int
tty_open(int *ret_fd, struct err *err)
{
	int flags = O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC, fd = open("/dev/tty", flags);
	const char *name;

	for (int std = STDIN_FILENO; fd < 0 && std <= STDERR_FILENO; std++) {
		name = ttyname(std);
		if (name != NULL)
			fd = open(name, flags);
	}
	if (fd < 0 || !isatty(fd)) {
		if (fd >= 0)
			close(fd);
		return err_set(err, ERR_UNSUPPORTED, "no terminal to draw on (/dev/tty and stdin are none); "
		    "--status prints the overview as text");
	}
	*ret_fd = fd;
	return 0;
}

/* Raw input with Ctrl-C a key like others; Ctrl-S and Ctrl-Q stay what the user has set them to. Output is sent as it is. */
static struct termios
raw_of(const struct termios *saved)
{
	struct termios raw = *saved;

	raw.c_iflag &= ~(tcflag_t)(BRKINT | ICRNL | IGNCR | INLCR | INPCK | ISTRIP | PARMRK);
	raw.c_oflag &= ~(tcflag_t)OPOST;
	raw.c_lflag &= ~(tcflag_t)(ECHO | ECHONL | ICANON | IEXTEN | ISIG);
	raw.c_cflag = (raw.c_cflag & ~(tcflag_t)(CSIZE | PARENB)) | CS8;
	raw.c_cc[VMIN] = 1;
	raw.c_cc[VTIME] = 0;
	return raw;
}

int
tty_take(int fd, const char *restore, size_t len, struct err *err)
{
	if (len > sizeof tty.restore)
		return err_set(err, ERR_LIMIT, "the terminal's terminfo entry has sequences that are too long to keep");
	if (tcgetattr(fd, &tty.saved) < 0)
		return err_set_errno(err, ERR_IO, errno, "cannot read the terminal's modes");
	tty.fd = fd;
	tty.pid = getpid();
	memcpy(tty.restore, restore, len);
	tty.restore_len = len;
	tty.raw = raw_of(&tty.saved);
	tty.is_mid_write = 0;
	if (!tty.has_atexit && atexit(tty_release) == 0)
		tty.has_atexit = true;
	install_handlers();
	tty.is_taken = 1;
	if (tcsetattr(fd, TCSANOW, &tty.raw) < 0) {
		int e = errno;

		tty_give_back();
		return err_set_errno(err, ERR_IO, e, "cannot set the terminal's modes");
	}
	return 0;
}

void
tty_retake(void)
{
	if (tty.fd < 0)
		return;
	/* A shell may have changed the modes meanwhile: its newest are the ones to give back. */
	if (!tty.is_taken)
		tcgetattr(tty.fd, &tty.saved);
	tty.raw = raw_of(&tty.saved);
	tty.is_taken = 1;
	tcsetattr(tty.fd, TCSANOW, &tty.raw);
}

void
tty_mid_write(bool is_mid_write)
{
	tty.is_mid_write = is_mid_write;
}

void
tty_give_back(void)
{
	tty_release();
	remove_handlers();
	tty.fd = -1;
}
