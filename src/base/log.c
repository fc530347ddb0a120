#include "config.h"

#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/str.h"

enum { LINE_MAX_BYTES = 2048 };
#define REPEAT_REPORT_NS (10 * NS_PER_S)

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static atomic_int log_fd = -1;

/* The message written last, without its time: what comes again is only counted. Under lock. */
static struct {
	char text[LINE_MAX_BYTES];
	unsigned n_repeats;
	int64_t written_ns;
} last;

static const char *const level_names[] = { [LOG_ERROR] = "error", [LOG_INFO] = "info ", [LOG_DEBUG] = "debug" };

/* Read here and not from clock_now(): that one belongs to the loop's thread, and a log is to tell what happened within a turn. */
static int64_t
wall_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * NS_PER_S + ts.tv_nsec;
}

/* One write a line, so that lines of several programs do not mix. A log that cannot be written is lost: nothing waits for it. */
static void
put_line(int64_t now_ns, const char *text)
{
	char line[LINE_MAX_BYTES + CLOCK_TEXT_MAX + 2], time[CLOCK_TEXT_MAX];
	int len = snprintf(line, sizeof line, "%s %s\n", clock_format(time, now_ns, 6), text);
	ssize_t n;

	do
		n = write(atomic_load(&log_fd), line, (size_t)len);
	while (n < 0 && errno == EINTR);
}

static void
put_repeats(int64_t now_ns)
{
	char text[64];

	if (last.n_repeats == 0)
		return;
	snprintf(text, sizeof text, "info  log: %u more like the line before", last.n_repeats);
	put_line(now_ns, text);
	last.n_repeats = 0;
	last.written_ns = now_ns;
}

static void
close_locked(void)
{
	int fd = atomic_load(&log_fd);

	if (fd < 0)
		return;
	put_repeats(wall_ns());
	atomic_store(&log_fd, -1);
	last.text[0] = '\0';
	close(fd);
}

int
log_open(const char *path, struct err *err)
{
	/* Not blocking: a pipe that nobody reads must not stop the console. */
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0600);

	if (fd < 0)
		return err_set_errno(err, ERR_IO, errno, "cannot open the debug log %s", path);
	pthread_mutex_lock(&lock);
	close_locked();
	atomic_store(&log_fd, fd);
	pthread_mutex_unlock(&lock);
	return 0;
}

void
log_close(void)
{
	pthread_mutex_lock(&lock);
	close_locked();
	pthread_mutex_unlock(&lock);
}

/* One message is one line that a terminal may show, whatever the caller forgot to escape: no controls (C0, C1), nothing that turns the direction of
 * text or is invisible, no bytes that are not UTF-8. */
static void
make_harmless(char *s)
{
	size_t len = strlen(s);

	while (len > 0) {
		uint32_t cp = 0;
		size_t took = utf8_decode(s, len, &cp), n = took == 0 ? 1 : took;

		if (took == 0 || cp_width(cp) < 0)
			memset(s, '?', n);
		s += n;
		len -= n;
	}
}

void
log_write(enum log_level level, const char *subsystem, const char *fmt, ...)
{
	char text[LINE_MAX_BYTES];
	int64_t now_ns;
	va_list ap;
	int used;

	if (atomic_load_explicit(&log_fd, memory_order_relaxed) < 0)
		return;
	used = snprintf(text, sizeof text, "%s %.32s: ", level_names[level], subsystem);
	va_start(ap, fmt);
	vsnprintf(text + used, sizeof text - (size_t)used, fmt, ap);
	va_end(ap);
	make_harmless(text);
	now_ns = wall_ns();
	pthread_mutex_lock(&lock);
	if (atomic_load(&log_fd) < 0) {
		/* closed meanwhile */
	} else if (strcmp(text, last.text) == 0) {
		last.n_repeats++;
		if (now_ns - last.written_ns >= REPEAT_REPORT_NS || now_ns < last.written_ns)
			put_repeats(now_ns);
	} else {
		put_repeats(now_ns);
		put_line(now_ns, text);
		memcpy(last.text, text, strlen(text) + 1);
		last.written_ns = now_ns;
	}
	pthread_mutex_unlock(&lock);
}
