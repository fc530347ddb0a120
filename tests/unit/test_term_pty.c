/* The terminal on a real pty: what is taken is given back, whatever ends the program, and a terminal that does not drain stops nothing. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <poll.h>
#include <pty.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>
#include <utmp.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/clock.h"
#include "loop/loop.h"
#include "ui/key.h"
#include "ui/term.h"

enum { WIDTH = 60, HEIGHT = 12, KEYS_MAX = 64, STUCK = 100, HANG_S = 300 };

/* What the child tells of itself. */
struct shared {
	volatile int n_keys;
	volatile int keys[KEYS_MAX];
	volatile uint64_t turns, dropped, redraws, bytes;
	volatile int w, h;
	volatile int open_error;
	volatile int stops;
	volatile bool is_stuck;
	char message[512];
};

struct run {
	pid_t pid;
	int master, slave;
	struct shared *shared;
	struct termios before;
	struct buf seen;
};

struct child {
	struct shared *shared;
	struct loop *loop;
	struct term *term;
	struct grid *grid;
	unsigned frame, n_stuck;
};

/* --- the child -------------------------------------------------------------------------------- */

static void
draw_text(struct child *c, const char *text)
{
	struct canvas canvas = grid_canvas(c->grid);

	grid_clear(c->grid);
	canvas_text(&canvas, 2, 1, ROLE_ALERT_FIRING, text);
	term_draw(c->term, c->grid);
}

static void
tell_counts(struct child *c)
{
	uint64_t frames, bytes, dropped;

	term_counts(c->term, &bytes, &frames, &dropped);
	c->shared->bytes = bytes;
	c->shared->dropped = dropped;
}

/* Keys that make the child do something; all are told. */
static void
on_key(int key, void *arg)
{
	struct child *c = arg;

	if (key == KEY_NONE) {
		c->shared->redraws++;
		draw_text(c, "drawn again");
		return;
	}
	if (c->shared->n_keys < KEYS_MAX)
		c->shared->keys[c->shared->n_keys] = key;
	c->shared->n_keys++;
	switch (key) {
	case 'q':
		loop_stop(c->loop, 0);
		break;
	case 'x':
		exit(3);
	case 'c':
		*(volatile int *)(intptr_t)(c->shared->stops + 64) = 1;	/* stops is 0: an address that nothing has, and no sanitizer knows */
		break;
	case 'a':
		abort();
	case 's':
		draw_text(c, "hello");	/* the same again */
		tell_counts(c);
		break;
	case 'n':
		term_notify(c->term, "evil\a\033]0;title");
		term_bell(c->term);
		break;
	case 'z':
		term_suspend(c->term);
		c->shared->stops++;
		break;
	}
}

static void
on_resize(int w, int h, void *arg)
{
	struct child *c = arg;

	c->shared->w = w;
	c->shared->h = h;
}

static void
on_turn(void *arg)
{
	struct child *c = arg;

	c->shared->turns++;
	tell_counts(c);
}

/* Frames that differ everywhere, as fast as the loop turns. */
static void
on_flood(void *arg)
{
	struct child *c = arg;
	struct canvas canvas = grid_canvas(c->grid);

	c->frame++;
	for (int y = 0; y < grid_height(c->grid); y++)
		for (int x = 0; x < grid_width(c->grid); x++)
			canvas_char(&canvas, x, y, (c->frame + (unsigned)x) % 2 ? ROLE_TEXT : ROLE_STRONG, 'A' + (c->frame + (unsigned)x) % 26);
	/* A pty takes a few more bytes each time the kernel moves some on: only many drops in a row mean that it is full. */
	c->n_stuck = term_draw(c->term, c->grid) ? 0 : c->n_stuck + 1;
}

static void
child_open(struct child *c)
{
	struct theme theme;
	struct err err = ERR_INIT;
	int r;

	theme_plain(&theme);
	r = loop_new(&c->loop, &err);
	if (r == 0)
		r = term_open(c->loop, &theme, on_key, on_resize, c, &c->term, &err);
	if (r < 0) {
		strcpy(c->shared->message, err.msg);
		c->shared->open_error = r;
		loop_free(c->loop);
		_exit(4);
	}
	term_size(c->term, &r, (int *)&c->shared->h);
	c->shared->w = r;
	c->grid = grid_new(r, c->shared->h, term_is_ascii(c->term));
	loop_on_turn(c->loop, on_turn, c);
	draw_text(c, "hello");
	tell_counts(c);
}

static void
child_run(struct shared *shared, bool is_flood)
{
	struct child c = { .shared = shared };
	struct loop_timer *timer = NULL;
	int status;

	child_open(&c);
	if (is_flood) {
		timer = loop_timer_new(c.loop, on_flood, &c);
		while (c.n_stuck < STUCK) {
			loop_timer_in(timer, NS_PER_MS);
			loop_once(c.loop, NS_PER_S);
		}
		loop_timer_free(timer);
		shared->is_stuck = true;
	}
	status = loop_run(c.loop);
	term_close(c.term);
	grid_free(c.grid);
	loop_free(c.loop);
	exit(status);
}

/* A job needs a shell: the child forks the program into a group of its own and plays shell. */
static void
shell_run(struct shared *shared)
{
	pid_t pid = fork();
	int status;

	signal(SIGTTOU, SIG_IGN);
	if (pid == 0) {
		setpgid(0, 0);
		tcsetpgrp(0, getpid());
		signal(SIGTTOU, SIG_DFL);
		alarm(HANG_S);
		child_run(shared, false);
	}
	setpgid(pid, pid);
	tcsetpgrp(0, pid);
	while (waitpid(pid, &status, WUNTRACED) == pid && WIFSTOPPED(status)) {
		/* Where the parent can read it: the terminal as a stopped job leaves it. */
		printf("[stopped]\n");
		fflush(stdout);
		kill(pid, SIGCONT);
	}
	_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 99);
}

/* --- the parent -------------------------------------------------------------------------------- */

enum kind { RUN_PLAIN, RUN_FLOOD, RUN_SHELL };

static void
run_start(struct run *r, enum kind kind, const char *term)
{
	struct winsize ws = { .ws_row = HEIGHT, .ws_col = WIDTH };

	*r = (struct run){ .shared = mmap(NULL, sizeof *r->shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0) };
	assert_true(r->shared != MAP_FAILED);
	buf_init(&r->seen, 64 << 20);
	/* Both ends stay open here, so the modes can be read when the child has gone. */
	assert_int_equal(openpty(&r->master, &r->slave, NULL, NULL, &ws), 0);
	assert_int_equal(tcgetattr(r->slave, &r->before), 0);
	r->pid = fork();
	assert_true(r->pid >= 0);
	if (r->pid == 0) {
		/* cmocka catches faults to go on with the next test; the child shall die of them. */
		for (int signo = 1; signo < 32; signo++)
			signal(signo, SIG_DFL);
		setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
		close(r->master);
		alarm(HANG_S);
		if (login_tty(r->slave) < 0)
			_exit(5);
		setenv("TERM", term, 1);
		if (kind == RUN_SHELL)
			shell_run(r->shared);
		child_run(r->shared, kind == RUN_FLOOD);
	}
	fcntl(r->master, F_SETFL, O_NONBLOCK);
}

static void
read_now(struct run *r)
{
	char bytes[4096];
	ssize_t n;

	while ((n = read(r->master, bytes, sizeof bytes)) > 0)
		buf_add(&r->seen, bytes, (size_t)n);
}

static bool
has_seen(const struct run *r, const char *text)
{
	return memmem(r->seen.data, r->seen.len, text, strlen(text)) != NULL;
}

static size_t
count_seen(const struct run *r, const char *text)
{
	size_t n = 0, at = 0;
	char *p;

	while ((p = memmem(r->seen.data + at, r->seen.len - at, text, strlen(text))) != NULL) {
		at = (size_t)(p - r->seen.data) + strlen(text);
		n++;
	}
	return n;
}

/* Waits for what is to come, for as long as it takes; alarm() ends a test that hangs. */
#define wait_for(r, condition) do { while (!(condition)) { struct pollfd p_ = { .fd = (r)->master, .events = POLLIN }; poll(&p_, 1, 10); read_now(r); } } while (0)
#define wait_quietly(condition) do { while (!(condition)) poll(NULL, 0, 5); } while (0)

static void
type(struct run *r, const char *bytes)
{
	assert_int_equal(write(r->master, bytes, strlen(bytes)), strlen(bytes));
}

static int
run_wait(struct run *r)
{
	int status;

	wait_for(r, waitpid(r->pid, &status, WNOHANG) == r->pid);
	read_now(r);
	return status;
}

static void
run_done(struct run *r)
{
	buf_done(&r->seen);
	close(r->master);
	close(r->slave);
	munmap(r->shared, sizeof *r->shared);
}

static void
assert_restored(struct run *r)
{
	static const char *const undone[] = { "\033[?1049l", "\033[?2004l", "\033[?25h", "\033[?1l" };
	struct termios now;

	for (size_t i = 0; i < sizeof undone / sizeof undone[0]; i++)
		if (!has_seen(r, undone[i]))
			fail_msg("not undone: ESC%s", undone[i] + 1);
	assert_int_equal(tcgetattr(r->slave, &now), 0);
	assert_int_equal(now.c_lflag, r->before.c_lflag);
	assert_int_equal(now.c_iflag, r->before.c_iflag);
	assert_int_equal(now.c_oflag, r->before.c_oflag);
	assert_int_equal(now.c_cflag, r->before.c_cflag);
}

/* --- tests ---------------------------------------------------------------------------------------- */

static void
takes_and_gives_back(void **state)
{
	struct run r;
	struct termios raw;
	int flags, status;

	(void)state;
	run_start(&r, RUN_PLAIN, "xterm-256color");
	wait_for(&r, has_seen(&r, "hello"));
	assert_true(has_seen(&r, "\033[?1049h"));
	assert_true(has_seen(&r, "\033[?2004h"));
	assert_int_equal(tcgetattr(r.slave, &raw), 0);
	assert_int_equal(raw.c_lflag & (ICANON | ECHO | ISIG | IEXTEN), 0);
	assert_int_equal(raw.c_oflag & OPOST, 0);
	assert_int_equal(raw.c_iflag & IXON, r.before.c_iflag & IXON);
	assert_int_equal(r.shared->w, WIDTH);
	assert_int_equal(r.shared->h, HEIGHT);
	/* What we inherited is shared with the shell: it stays blocking. */
	flags = fcntl(r.slave, F_GETFL);
	assert_int_equal(flags & O_NONBLOCK, 0);
	type(&r, "q");
	status = run_wait(&r);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	assert_restored(&r);
	run_done(&r);
}

static void
restores_after(const char *keys, int signo, bool (*is_end)(int status))
{
	struct run r;
	int status;

	run_start(&r, RUN_PLAIN, "xterm-256color");
	wait_for(&r, has_seen(&r, "hello"));
	if (keys != NULL)
		type(&r, keys);
	else
		kill(r.pid, signo);
	status = run_wait(&r);
	assert_true(is_end(status));
	assert_restored(&r);
	run_done(&r);
}

static bool
is_exit_3(int status)
{
	return WIFEXITED(status) && WEXITSTATUS(status) == 3;
}

static bool
is_segv(int status)
{
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV;
}

static bool
is_abort(int status)
{
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

static bool
is_term(int status)
{
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM;
}

static bool
is_hup(int status)
{
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGHUP;
}

static void
restores_on_exit(void **state)
{
	(void)state;
	restores_after("x", 0, is_exit_3);
}

static void
restores_on_crash(void **state)
{
	(void)state;
	restores_after("c", 0, is_segv);
}

static void
restores_on_abort(void **state)
{
	(void)state;
	restores_after("a", 0, is_abort);
}

static void
restores_on_sigterm(void **state)
{
	(void)state;
	restores_after(NULL, SIGTERM, is_term);
}

static void
restores_on_sighup(void **state)
{
	(void)state;
	restores_after(NULL, SIGHUP, is_hup);
}

static void
same_frame_costs_nothing(void **state)
{
	struct run r;
	uint64_t before;

	(void)state;
	run_start(&r, RUN_PLAIN, "xterm-256color");
	wait_for(&r, has_seen(&r, "hello"));
	wait_for(&r, r.shared->bytes > 0);
	before = r.shared->bytes;
	type(&r, "sss");
	wait_for(&r, r.shared->n_keys == 3);
	assert_int_equal(r.shared->bytes, before);
	type(&r, "q");
	run_wait(&r);
	run_done(&r);
}

static void
reads_keys(void **state)
{
	static const struct {
		const char *bytes;
		int key;
	} cases[] = {
		{ "j", 'j' }, { "\033[A", KEY_UP_ }, { "\033OB", KEY_DOWN_ }, { "\x03", KEY_CTRL | 'c' }, { "\033x", KEY_ALT | 'x' },
		{ "\xc3\xa4", 0xe4 }, { "\033", KEY_ESC }, { "\033[200~", KEY_PASTE_BEGIN }, { "\033[201~", KEY_PASTE_END },
		{ "\x1a", KEY_CTRL | 'z' }, { "\r", KEY_ENTER_ }, { "\x7f", KEY_BACKSPACE_ },
	};
	struct run r;

	(void)state;
	run_start(&r, RUN_PLAIN, "xterm-256color");
	wait_for(&r, has_seen(&r, "hello"));
	for (int i = 0; i < (int)(sizeof cases / sizeof cases[0]); i++) {
		type(&r, cases[i].bytes);
		wait_for(&r, r.shared->n_keys > i);
		assert_int_equal(r.shared->keys[i], cases[i].key);
	}
	type(&r, "q");
	run_wait(&r);
	run_done(&r);
}

static void
follows_the_size(void **state)
{
	struct winsize ws = { .ws_row = 30, .ws_col = 100 };
	struct run r;

	(void)state;
	run_start(&r, RUN_PLAIN, "xterm-256color");
	wait_for(&r, has_seen(&r, "hello"));
	assert_int_equal(ioctl(r.master, TIOCSWINSZ, &ws), 0);
	wait_for(&r, r.shared->w == 100 && r.shared->h == 30);
	/* One that would take gigabytes to draw is not followed all the way. */
	ws = (struct winsize){ .ws_row = 65535, .ws_col = 65535 };
	assert_int_equal(ioctl(r.master, TIOCSWINSZ, &ws), 0);
	wait_for(&r, r.shared->w != 100 && r.shared->h != 30);
	assert_int_equal(r.shared->w, 1000);
	assert_int_equal(r.shared->h, 500);
	type(&r, "q");
	run_wait(&r);
	run_done(&r);
}

static void
survives_a_terminal_that_does_not_drain(void **state)
{
	struct run r;
	uint64_t turns;

	(void)state;
	run_start(&r, RUN_FLOOD, "xterm-256color");
	/* Nobody reads: frames are dropped, */
	wait_quietly(r.shared->is_stuck);
	assert_true(r.shared->dropped >= STUCK);
	turns = r.shared->turns;
	/* the loop goes on turning, and keys are answered. */
	type(&r, "sss");
	wait_quietly(r.shared->n_keys == 3);
	wait_quietly(r.shared->turns > turns);
	/* Once it drains, the program is told and a whole new frame follows. */
	wait_for(&r, r.shared->redraws > 0 && has_seen(&r, "drawn again"));
	type(&r, "q");
	run_wait(&r);
	assert_restored(&r);
	run_done(&r);
}

static void
ends_while_blocked(void **state)
{
	struct termios now;
	struct run r;
	int status;

	(void)state;
	run_start(&r, RUN_FLOOD, "xterm-256color");
	wait_quietly(r.shared->is_stuck);
	type(&r, "q");
	/* Nobody reads to the end: the modes come back all the same. */
	wait_quietly(waitpid(r.pid, &status, WNOHANG) == r.pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(tcgetattr(r.slave, &now), 0);
	assert_int_equal(now.c_lflag, r.before.c_lflag);
	run_done(&r);
}

static void
stops_and_comes_back(void **state)
{
	struct run r;
	size_t stopped_at, entered_again;

	(void)state;
	run_start(&r, RUN_SHELL, "xterm-256color");
	wait_for(&r, has_seen(&r, "hello"));
	type(&r, "z");
	wait_for(&r, has_seen(&r, "[stopped]") && has_seen(&r, "drawn again"));
	wait_for(&r, r.shared->stops == 1);
	stopped_at = (size_t)((char *)memmem(r.seen.data, r.seen.len, "[stopped]", 9) - r.seen.data);
	entered_again = (size_t)((char *)memmem(r.seen.data + stopped_at, r.seen.len - stopped_at, "\033[?1049h", 8) - r.seen.data);
	assert_true(memmem(r.seen.data, stopped_at, "\033[?1049l", 8) != NULL);
	assert_true(entered_again > stopped_at);
	type(&r, "q");
	run_wait(&r);
	assert_restored(&r);
	run_done(&r);
}

static void
notifies_harmlessly(void **state)
{
	struct run r;

	(void)state;
	run_start(&r, RUN_PLAIN, "xterm-256color");
	wait_for(&r, has_seen(&r, "hello"));
	type(&r, "n");
	wait_for(&r, has_seen(&r, "\033]9;opsconsole: evil\\x07\\x1B]0;title\a\a"));
	assert_false(has_seen(&r, "\033]0;"));
	type(&r, "q");
	run_wait(&r);
	run_done(&r);
}

static void
asks_old_terminals_for_nothing_new(void **state)
{
	struct run r;

	(void)state;
	run_start(&r, RUN_PLAIN, "vt100");
	wait_for(&r, has_seen(&r, "hello"));
	type(&r, "nq");
	run_wait(&r);
	assert_int_equal(count_seen(&r, "\033[?20"), 0);	/* neither paste nor synchronised output */
	assert_int_equal(count_seen(&r, "\033]"), 0);
	assert_int_equal(count_seen(&r, "$<"), 0);
	run_done(&r);
}

static void
explains_what_it_cannot_use(void **state)
{
	static const struct {
		const char *term, *says;
	} cases[] = {
		{ "dumb", "cannot move its cursor" }, { "no-such-terminal", "is not known here" }, { "", "TERM is not set" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct termios now;
		struct run r;

		run_start(&r, RUN_PLAIN, cases[i].term);
		run_wait(&r);
		assert_int_equal(r.shared->open_error, ERR_UNSUPPORTED);
		if (strstr(r.shared->message, cases[i].says) == NULL)
			fail_msg("%s: %s", cases[i].term, r.shared->message);
		assert_int_equal(r.seen.len, 0);
		assert_int_equal(tcgetattr(r.slave, &now), 0);
		assert_int_equal(now.c_lflag, r.before.c_lflag);
		run_done(&r);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_and_gives_back),
		cmocka_unit_test(restores_on_exit),
		cmocka_unit_test(restores_on_crash),
		cmocka_unit_test(restores_on_abort),
		cmocka_unit_test(restores_on_sigterm),
		cmocka_unit_test(restores_on_sighup),
		cmocka_unit_test(same_frame_costs_nothing),
		cmocka_unit_test(reads_keys),
		cmocka_unit_test(follows_the_size),
		cmocka_unit_test(survives_a_terminal_that_does_not_drain),
		cmocka_unit_test(ends_while_blocked),
		cmocka_unit_test(stops_and_comes_back),
		cmocka_unit_test(notifies_harmlessly),
		cmocka_unit_test(asks_old_terminals_for_nothing_new),
		cmocka_unit_test(explains_what_it_cannot_use),
	};

	alarm(HANG_S);
	unsetenv("NO_COLOR");
	setlocale(LC_ALL, "C.UTF-8");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
