#include "config.h"

#include "audit/glass.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/xalloc.h"

enum { NOTE_MAX = 16 << 10, DATAGRAM_MAX = 48 << 10, SYSLOG_MAX = 8 << 10 };

static struct {
	const char *journal, *syslog;
	int fd;
} places = { "/run/systemd/journal/socket", "/dev/log", 2 };

void
glass_places_set(const char *journal, const char *syslog, int fd)
{
	places.journal = journal;
	places.syslog = syslog;
	places.fd = fd;
}

struct glass {
	const struct chain_who *who;
	struct audit_head end;
	struct buf line;
};

struct glass *
glass_new(const struct chain_who *who)
{
	struct glass *g = xcalloc(1, sizeof *g);

	g->who = who;
	buf_init(&g->line, AUDIT_LINE_MAX);
	return g;
}

void
glass_free(struct glass *g)
{
	if (g == NULL)
		return;
	buf_done(&g->line);
	free(g);
}

/* --- places ------------------------------------------------------------------------------------------------------------------------------------ */

/* One datagram, without waiting for who reads them. */
static int
send_to(const char *path, const struct iovec *parts, size_t n)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	struct msghdr m = { .msg_name = &to, .msg_namelen = sizeof to, .msg_iov = (struct iovec *)(uintptr_t)parts, .msg_iovlen = n };
	int fd, r;

	if (path == NULL || strlen(path) >= sizeof to.sun_path)
		return -1;
	memcpy(to.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -1;
	r = sendmsg(fd, &m, MSG_NOSIGNAL) < 0 ? -1 : 0;
	close(fd);
	return r;
}

/* A datagram has its ceiling, and what stands beyond it is lost there: stderr has all of it. */
static int
send_journal(const char *line, size_t len)
{
	static char head[] = "PRIORITY=4\nSYSLOG_IDENTIFIER=opsconsole\nOPSCONSOLE_AUDIT=break-glass\nMESSAGE=", end[] = "\n";
	struct iovec parts[] = {
		{ head, sizeof head - 1 }, { (char *)(uintptr_t)line, len < DATAGRAM_MAX ? len : DATAGRAM_MAX }, { end, 1 },
	};

	return send_to(places.journal, parts, 3);
}

static int
send_syslog(const char *line, size_t len)
{
	static char head[] = "<84>opsconsole: ";	/* authpriv, warning */
	struct iovec parts[] = { { head, sizeof head - 1 }, { (char *)(uintptr_t)line, len < SYSLOG_MAX ? len : SYSLOG_MAX } };

	return send_to(places.syslog, parts, 2);
}

int
glass_say(const char *kind, const char *text)
{
	char *journal = xasprintf("PRIORITY=5\nSYSLOG_IDENTIFIER=opsconsole\nOPSCONSOLE_AUDIT=%s\nMESSAGE=%s\n", kind, text);
	char *syslog = xasprintf("<85>opsconsole: %s", text);	/* authpriv, notice */
	const struct iovec one = { journal, strlen(journal) }, other = { syslog, strlen(syslog) };
	int r = send_to(places.journal, &one, 1);

	if (r < 0)
		r = send_to(places.syslog, &other, 1);
	free(journal);
	free(syslog);
	return r;
}

bool
glass_has_place(void)
{
	return (places.journal != NULL && access(places.journal, F_OK) == 0) || (places.syslog != NULL && access(places.syslog, F_OK) == 0);
}

static int
print(const char *line, size_t len)
{
	while (len > 0) {
		ssize_t n = write(places.fd, line, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -1;
		line += n;
		len -= (size_t)n;
	}
	return 0;
}

int
glass_record(struct glass *g, int64_t now_ns, const struct audit_draft *draft, uint64_t *ret_seq, char *ret_hash, struct err *err)
{
	int r, r_log, r_print;

	buf_reset(&g->line);
	r = audit_record_write(&g->line, g->end.seq + 1, now_ns, g->end.seq == 0 ? AUDIT_ZERO : g->end.hash, g->who->actor, g->who->env,
	    draft, ret_hash, err);
	if (r < 0)
		return r;
	r_log = send_journal(g->line.data, g->line.len - 1);
	if (r_log < 0)
		r_log = send_syslog(g->line.data, g->line.len - 1);
	r_print = print(g->line.data, g->line.len);
	if (r_log < 0 && r_print < 0)
		return err_set(err, ERR_IO, "break glass: neither journald, syslog nor stderr took the record");
	*ret_seq = ++g->end.seq;
	memcpy(g->end.hash, ret_hash, sizeof g->end.hash);
	return 0;
}

/* --- the note for the next open ------------------------------------------------------------------------------------------------------------ */

/* i 0: beside the head, 1: in the runtime folder. NULL: there is no such place. */
static char *
note_path(const char *head_path, unsigned i)
{
	const char *runtime = getenv("XDG_RUNTIME_DIR");

	if (i == 0)
		return xasprintf("%s.gap", head_path);
	return runtime != NULL && runtime[0] == '/' ? xasprintf("%s/opsconsole-audit.gap", runtime) : NULL;
}

static int
note_write(const char *path, const char *text, size_t len)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600), r = -1;

	if (fd < 0)
		return errno == EEXIST ? 0 : -1;	/* the first reason stands until a record tells of it */
	if (write(fd, text, len) == (ssize_t)len && fsync(fd) == 0)
		r = 0;
	close(fd);
	if (r < 0)
		unlink(path);
	return r;
}

int
glass_note_leave(const char *head_path, const char *reason, int64_t now_ns, struct err *err)
{
	char when[CLOCK_TEXT_MAX];
	json_t *body = json_pack("{s:s%, s:s, s:s}", "reason", reason, strlen(reason), "since", clock_format(when, now_ns, 9), "where",
	    "journald or syslog (identifier opsconsole), and stderr of the one who acted");
	char *text = body == NULL ? NULL : json_dumps(body, JSON_COMPACT);
	int r = -1;

	json_decref(body);
	if (text == NULL)
		return err_set(err, ERR_USAGE, "break glass: the reason is not UTF-8");
	for (unsigned i = 0; i < 2 && r < 0; i++) {
		char *path = note_path(head_path, i);

		if (path != NULL)
			r = note_write(path, text, strlen(text));
		free(path);
	}
	free(text);
	return r < 0 ? err_set_errno(err, ERR_IO, errno, "break glass: no note could be left for the next opening of the log") : 0;
}

json_t *
glass_note_read(const char *head_path)
{
	json_t *body = NULL;

	for (unsigned i = 0; i < 2 && body == NULL; i++) {
		char *path = note_path(head_path, i), *text;
		int fd = path == NULL ? -1 : open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
		struct stat st;
		ssize_t n;

		free(path);
		if (fd < 0)
			continue;
		text = xmalloc(NOTE_MAX);
		n = fstat(fd, &st) == 0 && st.st_uid == geteuid() ? read(fd, text, NOTE_MAX) : -1;
		close(fd);
		if (n >= 0)
			body = json_loadb(text, (size_t)n, JSON_REJECT_DUPLICATES, NULL);
		if (n >= 0 && !json_is_object(body)) {
			/* Somebody did act without the log, even if it cannot be read why. */
			json_decref(body);
			body = json_pack("{s:s}", "reason", "(the note left by --break-glass cannot be read)");
		}
		free(text);
	}
	return body;
}

void
glass_note_remove(const char *head_path)
{
	for (unsigned i = 0; i < 2; i++) {
		char *path = note_path(head_path, i);

		if (path != NULL)
			unlink(path);
		free(path);
	}
}
