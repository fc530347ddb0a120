#include "config.h"

#include "ui/term.h"

#include <errno.h>
#include <langinfo.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "ui/key.h"
#include "ui/term_screen.h"
#include "ui/term_tty.h"

/* A frame of 500 x 200 cells, each with colours of its own, stays below this. */
enum { CANCEL = 0x18, OUT_MAX = 16 << 20, NOTE_MAX = 200, READ_MAX = 4096, WIDTH_MAX = 1000, HEIGHT_MAX = 500 };

/* A lone ESC is the Esc key when nothing follows for this long; sequences come in one piece, or nearly. */
#define ESC_WAIT (25 * NS_PER_MS)

struct term {
	struct loop *loop;
	int fd;
	struct loop_fd *watch;
	struct loop_timer *esc_timer;
	struct screen *screen;
	struct buf out;			/* bytes of the frame on its way; out_at of them are written */
	size_t out_at;
	bool was_dropped;		/* a frame was asked for while out was not empty */
	bool is_ascii, is_bell, is_gone;
	char *note;
	int w, h;
	struct key_reader reader;
	unsigned n_discards;
	term_key_cb *key;
	term_resize_cb *resize;
	void *arg;
	uint64_t bytes, frames, dropped;
};

/* The loop keeps signal callbacks for good; they look here. */
static struct term *term_now;

/* --- output ------------------------------------------------------------------------------------- */

static void
watch_set(struct term *t)
{
	unsigned events = t->is_gone ? 0 : LOOP_READ;

	if (!t->is_gone && t->out_at < t->out.len)
		events |= LOOP_WRITE;
	loop_fd_set(t->watch, events);
}

/* The terminal went away: what ends the program then is the signal it would have got as its child. */
static void
terminal_gone(struct term *t)
{
	if (t->is_gone)
		return;
	log_write(LOG_INFO, "term", "the terminal is gone");
	t->is_gone = true;
	buf_reset(&t->out);
	t->out_at = 0;
	watch_set(t);
	kill(getpid(), SIGHUP);
}

static void
out_write(struct term *t)
{
	while (t->out_at < t->out.len) {
		ssize_t n = write(t->fd, t->out.data + t->out_at, t->out.len - t->out_at);

		if (n > 0) {
			t->out_at += (size_t)n;
			t->bytes += (size_t)n;
		} else if (n < 0 && errno == EINTR) {
			continue;
		} else if (n < 0 && errno == EAGAIN) {
			break;
		} else {
			terminal_gone(t);
			return;
		}
	}
	if (t->out_at == t->out.len) {
		buf_reset(&t->out);
		t->out_at = 0;
	}
	tty_mid_write(t->out_at > 0);
}

static bool
is_draining(const struct term *t)
{
	return t->out.len > 0;
}

/* Bell and notification ride on a frame; a repeated one while they wait is one. */
static void
extras_add(struct term *t)
{
	if (t->is_bell)
		buf_addch(&t->out, '\a');
	if (t->note != NULL)
		buf_printf(&t->out, "\033]9;%s\a", t->note);
	t->is_bell = false;
	free(t->note);
	t->note = NULL;
}

static void
extras_send(struct term *t)
{
	if (is_draining(t) || t->is_gone)
		return;
	extras_add(t);
	out_write(t);
	watch_set(t);
}

/* Terminals that know mode 2026 show a frame at once; all others ignore it. */
static void
compose(struct term *t, const struct grid *g)
{
	static const char begin[] = "\033[?2026h", end[] = "\033[?2026l";
	bool is_synced = screen_is_xterm(t->screen);
	size_t before = is_synced ? sizeof begin - 1 : 0;

	if (is_synced)
		buf_addstr(&t->out, begin);
	screen_compose(t->screen, g, &t->out);
	if (t->out.len == before)
		buf_reset(&t->out);
	else if (is_synced)
		buf_addstr(&t->out, end);
	/* A frame cut at the ceiling would leave the screen in an unknown state. */
	if (t->out.is_over) {
		buf_reset(&t->out);
		screen_forget(t->screen);
	}
}

bool
term_draw(struct term *t, const struct grid *g)
{
	if (t->is_gone)
		return true;
	if (is_draining(t)) {
		t->dropped++;
		t->was_dropped = true;
		return false;
	}
	compose(t, g);
	extras_add(t);
	t->frames++;
	out_write(t);
	watch_set(t);
	return true;
}

static void
on_writable(struct term *t)
{
	out_write(t);
	if (!is_draining(t) && (t->is_bell || t->note != NULL))
		extras_send(t);
	watch_set(t);
	if (!is_draining(t) && t->was_dropped) {
		t->was_dropped = false;
		t->key(KEY_NONE, t->arg);
	}
}

void
term_redraw_all(struct term *t)
{
	screen_forget(t->screen);
}

void
term_bell(struct term *t)
{
	t->is_bell = true;
	extras_send(t);
}

void
term_notify(struct term *t, const char *text)
{
	char shown[NOTE_MAX];

	if (!screen_is_xterm(t->screen))
		return;
	str_escape_to(shown, sizeof shown, text);
	free(t->note);
	/* The word in front keeps texts like "4;1;50" from being read as another terminal's command. */
	t->note = xasprintf("opsconsole: %s", shown);
	extras_send(t);
}

/* --- input ----------------------------------------------------------------------------------------- */

static void
keys_deliver(struct term *t, bool is_final)
{
	unsigned n_discards = t->n_discards;
	int key;

	while (n_discards == t->n_discards && key_take(&t->reader, is_final, &key))
		if (key != KEY_UNKNOWN_)
			t->key(key, t->arg);
}

static void
on_esc_timer(void *arg)
{
	struct term *t = arg;

	keys_deliver(t, true);
}

static void
bytes_deliver(struct term *t, const char *bytes, size_t len)
{
	unsigned n_discards = t->n_discards;

	while (len > 0 && n_discards == t->n_discards) {
		size_t took = key_put(&t->reader, bytes, len);

		bytes += took;
		len -= took;
		keys_deliver(t, false);
	}
	loop_timer_stop(t->esc_timer);
	if (t->reader.n > 0 || t->reader.is_answer)
		loop_timer_in(t->esc_timer, ESC_WAIT);
}

static void
on_readable(struct term *t)
{
	char bytes[READ_MAX];
	ssize_t n = read(t->fd, bytes, sizeof bytes);

	if (n > 0)
		bytes_deliver(t, bytes, (size_t)n);
	else if (n == 0 || (errno != EAGAIN && errno != EINTR))
		terminal_gone(t);
}

static void
on_ready(int fd, unsigned ready, void *arg)
{
	struct term *t = arg;

	(void)fd;
	if (ready & LOOP_WRITE)
		on_writable(t);
	if (ready & LOOP_READ)
		on_readable(t);
	else if (ready & LOOP_HANGUP)
		terminal_gone(t);
}

void
term_discard(struct term *t)
{
	char bytes[READ_MAX];

	t->n_discards++;
	t->reader.n = 0;
	t->reader.is_answer = false;
	loop_timer_stop(t->esc_timer);
	while (!t->is_gone && read(t->fd, bytes, sizeof bytes) > 0)
		continue;
}

/* --- size, stop and go -------------------------------------------------------------------------------- */

static void
size_read(struct term *t)
{
	struct winsize ws;
	bool is_known = ioctl(t->fd, TIOCGWINSZ, &ws) == 0 && ws.ws_col > 0 && ws.ws_row > 0;

	/* The other end of a terminal says any size it likes, and each cell costs memory: what is beyond the limit stays empty. */
	t->w = !is_known ? 80 : ws.ws_col < WIDTH_MAX ? ws.ws_col : WIDTH_MAX;
	t->h = !is_known ? 24 : ws.ws_row < HEIGHT_MAX ? ws.ws_row : HEIGHT_MAX;
}

static void
on_winch(int signo, void *arg)
{
	struct term *t = term_now;
	int w, h;

	(void)signo;
	(void)arg;
	if (t == NULL)
		return;
	w = t->w;
	h = t->h;
	size_read(t);
	if (w == t->w && h == t->h)
		return;
	screen_resize(t->screen, t->w, t->h);
	t->resize(t->w, t->h, t->arg);
}

/* Take the screen (again). The bytes go out before the next frame, which is a whole one. */
static void
enter(struct term *t)
{
	bool is_cut = t->out_at > 0;

	buf_reset(&t->out);
	t->out_at = 0;
	if (is_cut)
		buf_addch(&t->out, CANCEL);
	screen_enter(t->screen, &t->out);
	out_write(t);
	screen_forget(t->screen);
	watch_set(t);
}

static void
on_cont(int signo, void *arg)
{
	struct term *t = term_now;

	(void)signo;
	(void)arg;
	if (t == NULL || t->is_gone)
		return;
	tty_retake();
	enter(t);
	on_winch(SIGWINCH, NULL);
	/* Draw even when nothing else is going to. */
	t->was_dropped = is_draining(t);
	if (!t->was_dropped)
		t->key(KEY_NONE, t->arg);
}

static void
on_tstp(int signo, void *arg)
{
	(void)signo;
	(void)arg;
	if (term_now != NULL)
		term_suspend(term_now);
}

/* Stop as an unprepared program would: the shell sees a stopped job, and where there is none the kernel ignores it. */
static void
stop_here(void)
{
	struct sigaction dfl = { .sa_handler = SIG_DFL }, old;
	sigset_t set, before;

	sigaction(SIGTSTP, &dfl, &old);
	sigemptyset(&set);
	sigaddset(&set, SIGTSTP);
	raise(SIGTSTP);
	pthread_sigmask(SIG_UNBLOCK, &set, &before);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	sigaction(SIGTSTP, &old, NULL);
}

void
term_suspend(struct term *t)
{
	tty_release();
	buf_reset(&t->out);
	t->out_at = 0;
	stop_here();
	on_cont(SIGCONT, NULL);
}

/* --- life ------------------------------------------------------------------------------------------------ */

static int
signals_watch(struct loop *l, struct err *err)
{
	int r = loop_signal(l, SIGWINCH, on_winch, NULL, err);

	if (r == 0)
		r = loop_signal(l, SIGCONT, on_cont, NULL, err);
	if (r == 0)
		r = loop_signal(l, SIGTSTP, on_tstp, NULL, err);
	return r;
}

static int
take(struct term *t, struct err *err)
{
	struct buf leave;
	int r;

	buf_init(&leave, 4096);
	screen_leave(t->screen, &leave);
	r = tty_take(t->fd, leave.data, leave.len, err);
	buf_done(&leave);
	return r;
}

int
term_open(struct loop *l, const struct theme *theme, term_key_cb *key, term_resize_cb *resize, void *arg, struct term **ret_term,
    struct err *err)
{
	struct term *t = xcalloc(1, sizeof *t);
	int r;

	*t = (struct term){ .loop = l, .fd = -1, .key = key, .resize = resize, .arg = arg };
	buf_init(&t->out, OUT_MAX);
	t->is_ascii = strcmp(nl_langinfo(CODESET), "UTF-8") != 0;
	r = tty_open(&t->fd, err);
	if (r < 0)
		goto fail;
	size_read(t);
	r = screen_new(theme, t->is_ascii, t->w, t->h, &t->screen, err);
	if (r == 0)
		r = signals_watch(l, err);
	if (r == 0)
		r = take(t, err);
	if (r < 0)
		goto fail;
	t->reader.seqs = screen_keys(t->screen, &t->reader.n_seqs);
	t->watch = loop_fd_new(l, t->fd, LOOP_READ, on_ready, t);
	t->esc_timer = loop_timer_new(l, on_esc_timer, t);
	term_now = t;
	enter(t);
	*ret_term = t;
	return 0;
fail:
	term_close(t);
	return r;
}

void
term_close(struct term *t)
{
	if (t == NULL)
		return;
	if (term_now == t) {
		/* The last frame may still be on its way; the screen is left anyway. */
		tty_give_back();
		term_now = NULL;
	}
	if (t->watch != NULL)
		loop_fd_free(t->watch);
	if (t->esc_timer != NULL)
		loop_timer_free(t->esc_timer);
	screen_free(t->screen);
	if (t->fd >= 0)
		close(t->fd);
	buf_done(&t->out);
	free(t->note);
	free(t);
}

void
term_size(const struct term *t, int *ret_w, int *ret_h)
{
	*ret_w = t->w;
	*ret_h = t->h;
}

bool
term_is_ascii(const struct term *t)
{
	return t->is_ascii;
}

void
term_counts(const struct term *t, uint64_t *ret_bytes, uint64_t *ret_frames, uint64_t *ret_dropped)
{
	*ret_bytes = t->bytes;
	*ret_frames = t->frames;
	*ret_dropped = t->dropped;
}
