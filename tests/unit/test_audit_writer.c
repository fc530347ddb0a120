/* The writer on real files: what is durable stays, what fails is said, what others do meanwhile is seen. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "audit/glass.h"
#include "audit/reader.h"
#include "audit_world.h"
#include "base/clock.h"
#include "base/fault.h"

static void
expect_verdict(const struct world *w, enum audit_verdict verdict, uint64_t last_seq, int line)
{
	struct audit_report rep;

	world_verify(w, &rep);
	if (rep.verdict != verdict || rep.last_seq != last_seq)
		fail_msg("line %d: %s, last record %d: %s", line, audit_verdict_name(rep.verdict), (int)rep.last_seq, rep.text);
}
#define EXPECT(w, verdict, last) expect_verdict((w), (verdict), (last), __LINE__)

static char *
log_path(const struct world *w, unsigned number)
{
	static char path[256];

	snprintf(path, sizeof path, "%s/audit-%06u.jsonl", w->dir, number);
	return path;
}

static unsigned
mode_of(const char *path)
{
	struct stat st;

	assert_int_equal(lstat(path, &st), 0);
	return st.st_mode & 07777;
}

/* --- the plain case -------------------------------------------------------------------------------------------------------- */

static void
test_append(void **state)
{
	struct world *w = *state;
	struct audit_state s;
	uint64_t seq;

	umask(0);
	world_open(w);
	assert_int_equal(world_note(w, "one", &seq, NULL), 0);
	assert_int_equal(seq, 2);
	assert_int_equal(world_note(w, "two", &seq, NULL), 0);
	assert_int_equal(seq, 3);
	audit_state(w->audit, &s);
	assert_string_equal(s.path, log_path(w, 1));
	assert_int_equal(s.seq, 3);
	assert_false(s.is_broken || s.is_fallback);
	assert_int_equal(s.waiting, 0);
	assert_int_equal(audit_check(w->audit, NULL), 0);
	world_close(w);
	EXPECT(w, AUDIT_GOOD, 3);
	assert_int_equal(mode_of(w->dir), 0700);
	assert_int_equal(mode_of(log_path(w, 1)), 0600);
	assert_int_equal(mode_of(w->head), 0600);
	world_open(w);
	assert_int_equal(world_note(w, "three", &seq, NULL), 0);
	assert_int_equal(seq, 5);
	world_close(w);
	EXPECT(w, AUDIT_GOOD, 5);
}

/* The head comes by itself, without another record and without closing. */
static void
test_head_follows(void **state)
{
	struct world *w = *state;
	struct audit_report rep;
	int64_t until = clock_mono_fresh() + 20 * NS_PER_S;

	world_open(w);
	assert_int_equal(world_note(w, "one", NULL, NULL), 0);
	do
		world_verify(w, &rep);
	while (rep.verdict == AUDIT_UNANCHORED && clock_mono_fresh() < until);
	assert_int_equal(rep.verdict, AUDIT_GOOD);
	assert_int_equal(rep.last_seq, 2);
}

struct counter { unsigned n, failed; uint64_t last_seq; bool is_in_order; };

static void
on_counted(const struct audit_done *done, void *arg)
{
	struct counter *c = arg;

	c->n++;
	c->failed += done->err_code != 0;
	if (done->err_code == 0) {
		c->is_in_order &= done->seq > c->last_seq;
		c->last_seq = done->seq;
	}
}

static void
append_many(struct world *w, struct counter *c, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		struct audit_draft d = { .type = AUDIT_NOTE, .run = "r", .body = json_pack("{s:i}", "n", (int)i) };

		audit_append(w->audit, &d, on_counted, c);
	}
}

static void
test_many_in_order(void **state)
{
	struct world *w = *state;
	struct counter c = { .is_in_order = true }, forgotten = { 0 };

	world_open(w);
	append_many(w, &c, 5000);
	append_many(w, &forgotten, 10);
	audit_forget(w->audit, &forgotten);
	append_many(w, &c, 1);
	while (c.n < 5001)
		loop_once(w->loop, -1);
	assert_int_equal(c.failed, 0);
	assert_true(c.is_in_order);
	assert_int_equal(forgotten.n, 0);
	assert_int_equal(c.last_seq, 5012);
	world_close(w);
	EXPECT(w, AUDIT_GOOD, 5012);
}

struct forgetter {
	struct world *w;
	const struct counter *forgotten;
	unsigned n;
};

static void
on_forget(const struct audit_done *done, void *arg)
{
	struct forgetter *f = arg;

	assert_int_equal(done->err_code, 0);
	f->n++;
	audit_forget(f->w->audit, f->forgotten);
}

/* Of those that are durable together, too, none is told that was forgotten when the one before was. */
static void
test_forgotten_meanwhile(void **state)
{
	struct world *w = *state;
	struct counter c = { 0 }, forgotten = { 0 };
	struct forgetter f = { w, &forgotten, 0 };
	struct audit_draft note = { .type = AUDIT_NOTE };

	world_open(w);
	note.body = json_pack("{s:s}", "text", "first");
	audit_append(w->audit, &note, on_forget, &f);
	append_many(w, &forgotten, 20);
	append_many(w, &c, 1);
	while (c.n < 1)
		loop_once(w->loop, -1);
	assert_int_equal(f.n, 1);
	assert_int_equal(forgotten.n, 0);
	world_close(w);
	EXPECT(w, AUDIT_GOOD, 23);
}

/* Closing waits for what was appended, although nobody turns the loop. */
static void
test_close_is_durable(void **state)
{
	struct world *w = *state;
	struct counter c = { 0 };

	world_open(w);
	append_many(w, &c, 300);
	world_close(w);
	assert_int_equal(c.n, 0);
	EXPECT(w, AUDIT_GOOD, 301);
}

static void
test_lazy(void **state)
{
	struct world *w = *state;
	struct stat st;

	w->options.is_lazy = true;
	world_open(w);
	assert_int_equal(audit_check(w->audit, NULL), 0);
	world_close(w);
	assert_int_equal(stat(w->dir, &st), -1);
	world_open(w);
	assert_int_equal(world_note(w, "first", NULL, NULL), 0);
	world_close(w);
	EXPECT(w, AUDIT_GOOD, 2);
}

static void
test_rotation(void **state)
{
	struct world *w = *state;
	struct audit_state s;
	struct stat st;

	w->options.rotate_bytes = 4096;
	world_open(w);
	for (int i = 0; i < 60; i++)
		assert_int_equal(world_note(w, "a record that takes its room in the file", NULL, NULL), 0);
	audit_state(w->audit, &s);
	world_close(w);
	assert_true(world_files(w->dir, "audit-", NULL) >= 4);
	EXPECT(w, AUDIT_GOOD, 61);
	/* what was kept ready behind an old file's end was given back */
	assert_int_equal(stat(log_path(w, 1), &st), 0);
	assert_true(st.st_blocks * 512 <= 16384);
	world_open(w);
	assert_int_equal(world_note(w, "goes on", NULL, NULL), 0);
	world_close(w);
	EXPECT(w, AUDIT_GOOD, 63);
}

/* A body that cannot be a record fails alone. */
static void
test_bad_draft(void **state)
{
	struct world *w = *state;
	struct audit_draft d = { .type = AUDIT_NOTE, .body = json_pack("{s:i}", "seq", 1) };
	char text[512];
	uint64_t seq;

	world_open(w);
	assert_int_equal(world_append(w, &d, &seq, text), ERR_INVALID);
	assert_non_null(strstr(text, "\"seq\""));
	assert_int_equal(seq, 0);
	assert_int_equal(world_note(w, "fine", &seq, NULL), 0);
	assert_int_equal(seq, 2);
	world_close(w);
	EXPECT(w, AUDIT_GOOD, 2);
}

/* --- torn ends, and ends that do not hold --------------------------------------------------------------------------------- */

static void
add_bytes(const char *path, const char *bytes)
{
	int fd = open(path, O_WRONLY | O_APPEND);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, strlen(bytes)), strlen(bytes));
	close(fd);
}

static void
test_recovered(void **state)
{
	struct world *w = *state;
	struct audit_report rep;
	char name[256], path[512], *side;

	world_open(w);
	assert_int_equal(world_note(w, "one", NULL, NULL), 0);
	world_close(w);
	add_bytes(log_path(w, 1), "{\"seq\":3,\"ti");
	EXPECT(w, AUDIT_TORN, 2);
	world_open(w);
	world_close(w);
	world_verify(w, &rep);
	assert_int_equal(rep.verdict, AUDIT_GOOD);
	assert_int_equal(rep.recovered, 1);
	assert_int_equal(rep.last_seq, 4);
	assert_int_equal(world_files(w->dir, "torn-3-", name), 1);
	snprintf(path, sizeof path, "%s/%s", w->dir, name);
	side = world_read(path, NULL);
	assert_string_equal(side, "{\"seq\":3,\"ti");
	free(side);
	side = world_read(log_path(w, 1), NULL);
	assert_non_null(strstr(side, name));
	free(side);
}

/* Another process dies while ours is open: its torn bytes are moved before our next record. */
static void
test_recovered_meanwhile(void **state)
{
	struct world *w = *state;
	struct audit_report rep;
	uint64_t seq;

	world_open(w);
	assert_int_equal(world_note(w, "one", NULL, NULL), 0);
	add_bytes(log_path(w, 1), "half a li");
	assert_int_equal(world_note(w, "two", &seq, NULL), 0);
	assert_int_equal(seq, 4);
	add_bytes(log_path(w, 1), "half");
	assert_int_equal(world_note(w, "three", &seq, NULL), 0);
	assert_int_equal(seq, 6);
	world_close(w);
	world_verify(w, &rep);
	assert_int_equal(rep.verdict, AUDIT_GOOD);
	assert_int_equal(rep.recovered, 2);
}

static int
open_fails(struct world *w, char *text)
{
	struct err err = ERR_INIT;
	int r = audit_open(w->loop, &w->options, &w->audit, &err);

	if (text != NULL)
		memcpy(text, err.msg, sizeof err.msg);
	return r;
}

static void
test_end_does_not_hold(void **state)
{
	struct world *w = *state;
	char *bytes, text[512];
	size_t len;

	world_open(w);
	world_close(w);
	bytes = world_read(log_path(w, 1), &len);
	bytes[len - 10] ^= 1;
	world_write(log_path(w, 1), bytes, len);
	assert_int_equal(open_fails(w, text), ERR_INVALID);
	assert_non_null(strstr(text, "--verify"));
	/* cut off, and the head knows better */
	bytes[len - 10] ^= 1;
	world_write(log_path(w, 1), bytes, len);
	world_open(w);
	world_close(w);
	world_write(log_path(w, 1), bytes, len);
	assert_int_equal(open_fails(w, text), ERR_INVALID);
	assert_non_null(strstr(text, "cut off"));
	assert_int_equal(unlink(log_path(w, 1)), 0);
	assert_int_equal(open_fails(w, text), ERR_INVALID);
	free(bytes);
}

static void
test_changed_while_open(void **state)
{
	struct world *w = *state;
	char text[512];

	world_open(w);
	assert_int_equal(world_note(w, "one", NULL, NULL), 0);
	assert_int_equal(truncate(log_path(w, 1), 10), 0);
	assert_int_equal(world_note(w, "two", NULL, text), ERR_INVALID);
	assert_non_null(strstr(text, "cut or replaced"));
	assert_int_equal(world_note(w, "three", NULL, NULL), ERR_INVALID);
	assert_int_equal(audit_check(w->audit, NULL), ERR_INVALID);
}

/* --- owners and modes ------------------------------------------------------------------------------------------------------ */

static void
test_open_to_others(void **state)
{
	struct world *w = *state;
	char other[256], text[512];

	world_open(w);
	world_close(w);
	assert_int_equal(chmod(w->dir, 0750), 0);
	assert_int_equal(open_fails(w, text), ERR_DENIED);
	assert_non_null(strstr(text, "chmod 700"));
	assert_int_equal(chmod(w->dir, 0700), 0);
	assert_int_equal(chmod(log_path(w, 1), 0640), 0);
	assert_int_equal(open_fails(w, text), ERR_DENIED);
	assert_non_null(strstr(text, "chmod 600"));
	assert_int_equal(chmod(log_path(w, 1), 0600), 0);
	/* a second name; a symbolic link for a file, for the lock, for the folder */
	snprintf(other, sizeof other, "%s/other", w->root);
	assert_int_equal(link(log_path(w, 1), other), 0);
	assert_int_equal(open_fails(w, text), ERR_DENIED);
	assert_int_equal(unlink(log_path(w, 1)), 0);
	assert_int_equal(symlink(other, log_path(w, 1)), 0);
	assert_int_equal(open_fails(w, text), ERR_DENIED);
	assert_int_equal(unlink(log_path(w, 1)), 0);
	assert_int_equal(rename(other, log_path(w, 1)), 0);
	assert_int_equal(rename(w->dir, other), 0);
	assert_int_equal(symlink(other, w->dir), 0);
	assert_int_equal(open_fails(w, text), ERR_DENIED);
	assert_non_null(strstr(text, "symbolic link"));
}

/* --- faults ---------------------------------------------------------------------------------------------------------------- */

static void
fault_case(void **state, enum fault_place place, enum fault_kind fault, const char *wanted)
{
	struct world *w = *state;
	char text[512];
	struct audit_state s;
	struct audit_report rep;

	world_open(w);
	assert_int_equal(world_note(w, "one", NULL, NULL), 0);
	fault_set(place, 1, fault);
	assert_int_equal(world_note(w, "two", NULL, text), ERR_IO);
	assert_non_null(strstr(text, wanted));
	/* not used again, although the next write would go through */
	assert_int_equal(world_note(w, "three", NULL, text), ERR_IO);
	assert_int_equal(audit_check(w->audit, NULL), ERR_IO);
	audit_state(w->audit, &s);
	assert_true(s.is_broken);
	assert_non_null(strstr(s.why, wanted));
	world_close(w);
	world_open(w);
	assert_int_equal(world_note(w, "four", NULL, NULL), 0);
	world_close(w);
	world_verify(w, &rep);
	assert_int_equal(rep.verdict, AUDIT_GOOD);
}

static void test_write_eio(void **state) { fault_case(state, FAULT_AUDIT_WRITE, FAULT_EIO, "cannot write"); }
static void test_write_enospc(void **state) { fault_case(state, FAULT_AUDIT_WRITE, FAULT_ENOSPC, "No space left"); }
static void test_fsync_eio(void **state) { fault_case(state, FAULT_AUDIT_FSYNC, FAULT_EIO, "cannot sync"); }

static void
test_write_short(void **state)
{
	struct world *w = *state;

	world_open(w);
	for (unsigned i = 1; i < 4; i++) {
		fault_set(FAULT_AUDIT_WRITE, 1, FAULT_SHORT);
		assert_int_equal(world_note(w, "in two pieces", NULL, NULL), 0);
	}
	world_close(w);
	EXPECT(w, AUDIT_GOOD, 4);
}

/* Without a head the log goes on, and says so. */
static void
test_head_fails(void **state)
{
	struct world *w = *state;
	struct audit_report rep;

	world_open(w);
	fault_set(FAULT_SAVE_RENAME, 1, FAULT_EIO);
	assert_int_equal(world_note(w, "one", NULL, NULL), 0);
	world_close(w);
	world_verify(w, &rep);
	assert_int_equal(rep.verdict, AUDIT_UNANCHORED);
	assert_int_equal(rep.unanchored, 1);
	assert_int_equal(mkdir(w->dir, 0700), -1);
	assert_int_equal(unlink(w->head), 0);
	assert_int_equal(mkdir(w->head, 0700), 0);
	assert_int_not_equal(open_fails(w, NULL), 0);	/* a head that cannot be read may name more records than there are */
}

/* A child does it and dies there; afterwards everything that it was told is durable is there, and the log goes on. */
static void
kill_case(struct world *w, enum fault_place place, unsigned nth)
{
	int told[2], status;
	uint64_t last = 0, seq;
	struct audit_report rep;
	pid_t pid;

	assert_int_equal(pipe(told), 0);
	pid = fork();
	if (pid == 0) {
		struct loop *l;

		close(told[0]);
		if (loop_new(&l, NULL) < 0)
			_exit(3);
		w->loop = l;
		w->options.rotate_bytes = 3000;
		fault_set(place, nth, FAULT_KILL);
		if (audit_open(w->loop, &w->options, &w->audit, NULL) < 0)
			_exit(4);
		for (int i = 0; i < 40; i++)
			if (world_note(w, "told", &seq, NULL) != 0 || write(told[1], &seq, sizeof seq) != sizeof seq)
				_exit(5);
		audit_close(w->audit, NS_PER_S);
		_exit(0);
	}
	close(told[1]);
	while (read(told[0], &seq, sizeof seq) == sizeof seq)
		last = seq;
	close(told[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	world_open(w);
	assert_int_equal(world_note(w, "after", &seq, NULL), 0);
	assert_true(seq > last);
	world_close(w);
	world_verify(w, &rep);
	if (rep.verdict != AUDIT_GOOD || rep.last_seq < last)
		fail_msg("killed at place %d, call %u: %s, %d of %d: %s", (int)place, nth, audit_verdict_name(rep.verdict), (int)rep.last_seq, (int)last, rep.text);
}

static void
test_killed(void **state)
{
	/* the head is surely written only at the opening and at the closing */
	static const struct { enum fault_place place; unsigned times; } places[] = {
		{ FAULT_AUDIT_WRITE, 3 }, { FAULT_AUDIT_FSYNC, 3 }, { FAULT_SAVE_RENAME, 2 }, { FAULT_AUDIT_ROTATE, 3 }
	};

	for (size_t i = 0; i < sizeof places / sizeof places[0]; i++)
		for (unsigned nth = 1; nth <= places[i].times; nth++)
			kill_case(*state, places[i].place, nth);
}

/* --- places ---------------------------------------------------------------------------------------------------------------- */

static void
test_fallback(void **state)
{
	struct world *w = *state;
	char other[256], *text, want[128];
	const char *fallback[] = { other, NULL };
	struct audit_state s;
	uint64_t seq;

	snprintf(other, sizeof other, "%s/elsewhere", w->root);
	w->options.fallback = fallback;
	world_open(w);
	assert_int_equal(world_note(w, "one", NULL, NULL), 0);
	audit_state(w->audit, &s);
	snprintf(want, sizeof want, "\"after\":\"2:%s\"", s.hash);
	fault_set(FAULT_AUDIT_FSYNC, 1, FAULT_EIO);
	assert_int_equal(world_note(w, "two", NULL, NULL), ERR_IO);
	world_close(w);
	assert_int_equal(chmod(w->dir, 0755), 0);
	world_open(w);
	assert_int_equal(world_note(w, "there", &seq, NULL), 0);
	assert_int_equal(seq, 2);
	audit_state(w->audit, &s);
	assert_true(s.is_fallback);
	world_close(w);
	snprintf(other, sizeof other, "%s/elsewhere/audit-000001.jsonl", w->root);
	text = world_read(other, NULL);
	/* the record whose fsync failed may be there or not: it is named if it is */
	assert_true(strstr(text, want) != NULL || strstr(text, "\"after\":\"3:") != NULL);
	assert_non_null(strstr(text, "\"instead_of\":\""));
	free(text);
	snprintf(other, sizeof other, "%s/elsewhere-head", w->root);
	assert_int_equal(mode_of(other), 0600);
}

static void
test_break_glass(void **state)
{
	struct world *w = *state;
	struct sockaddr_un here = { .sun_family = AF_UNIX };
	int journal = socket(AF_UNIX, SOCK_DGRAM, 0), out;
	char datagram[4096] = "", out_path[256], *text;
	struct audit_report rep;
	struct audit_frame f;
	ssize_t n;

	snprintf(here.sun_path, sizeof here.sun_path, "%s/journal", w->root);
	assert_int_equal(bind(journal, (struct sockaddr *)&here, sizeof here), 0);
	snprintf(out_path, sizeof out_path, "%s/stderr", w->root);
	out = open(out_path, O_RDWR | O_CREAT | O_APPEND, 0600);
	glass_places_set(here.sun_path, NULL, out);

	world_open(w);
	assert_int_equal(audit_break_glass(w->audit, "because", NULL), ERR_INVALID);
	fault_set(FAULT_AUDIT_WRITE, 1, FAULT_EIO);
	assert_int_equal(world_note(w, "lost", NULL, NULL), ERR_IO);
	assert_int_equal(audit_break_glass(w->audit, "  ", NULL), ERR_USAGE);
	assert_int_equal(audit_break_glass(w->audit, "disk broken, site down", NULL), 0);
	assert_int_equal(world_note(w, "acted", NULL, NULL), 0);
	world_close(w);
	n = recv(journal, datagram, sizeof datagram - 1, MSG_DONTWAIT);
	assert_true(n > 0);
	assert_non_null(strstr(datagram, "SYSLOG_IDENTIFIER=opsconsole\n"));
	assert_non_null(strstr(datagram, "\nMESSAGE={\"seq\":1,"));
	assert_non_null(strstr(datagram, "disk broken, site down"));
	text = world_read(out_path, NULL);
	assert_int_equal(audit_frame_read(text, strcspn(text, "\n"), &f, NULL), 0);
	assert_true(f.is_hash_right);
	assert_non_null(strstr(text, "\"text\":\"acted\""));
	free(text);
	close(out);
	close(journal);

	/* the next good open tells of it, once */
	world_open(w);
	world_close(w);
	world_verify(w, &rep);
	assert_int_equal(rep.verdict, AUDIT_GOOD);
	assert_int_equal(rep.gaps, 1);
	text = world_read(log_path(w, 1), NULL);
	assert_non_null(strstr(text, "\"type\":\"gap\""));
	assert_non_null(strstr(text, "disk broken, site down"));
	free(text);
	world_open(w);
	world_close(w);
	world_verify(w, &rep);
	assert_int_equal(rep.gaps, 1);
	glass_places_set("/run/systemd/journal/socket", "/dev/log", 2);
}

/* --- two writers ------------------------------------------------------------------------------------------------------------- */

static void
test_two_in_turn(void **state)
{
	struct world *w = *state;
	struct audit *first, *second;
	uint64_t seq;

	world_open(w);
	first = w->audit;
	world_open(w);
	second = w->audit;
	w->options.rotate_bytes = 2000;
	for (uint64_t i = 0; i < 40; i++) {
		w->audit = i % 2 ? second : first;
		assert_int_equal(world_note(w, "in turn", &seq, NULL), 0);
		assert_int_equal(seq, 3 + i);
	}
	audit_close(first, 10 * NS_PER_S);
	w->audit = second;
	world_close(w);
	EXPECT(w, AUDIT_GOOD, 42);
}

static void
many_child(struct world *w, unsigned n)
{
	struct counter c = { .is_in_order = true };
	struct loop *l;

	if (loop_new(&l, NULL) < 0)
		_exit(3);
	w->loop = l;
	w->options.rotate_bytes = 20000;
	if (audit_open(w->loop, &w->options, &w->audit, NULL) < 0)
		_exit(4);
	for (unsigned i = 0; i < n; i += 10) {
		append_many(w, &c, 10);
		while (c.n < i + 10)
			loop_once(w->loop, -1);
	}
	audit_close(w->audit, 10 * NS_PER_S);
	_exit(c.failed == 0 && c.is_in_order ? 0 : 5);
}

static void
test_four_processes(void **state)
{
	struct world *w = *state;
	pid_t pids[4];

	for (size_t i = 0; i < 4; i++) {
		pids[i] = fork();
		if (pids[i] == 0)
			many_child(w, 100);
	}
	for (size_t i = 0; i < 4; i++) {
		int status;

		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		assert_int_equal(status, 0);
	}
	EXPECT(w, AUDIT_GOOD, 404);
}

/* The lock held by somebody who does not let go: appending does not block, closing gives up in time. */
static void
test_stuck_lock(void **state)
{
	struct world *w = *state;
	struct counter c = { 0 };
	char path[256];
	int fd;

	world_open(w);
	snprintf(path, sizeof path, "%s/lock", w->dir);
	fd = open(path, O_RDWR);
	assert_int_equal(flock(fd, LOCK_EX), 0);
	append_many(w, &c, 3);
	audit_close(w->audit, 20 * NS_PER_MS);
	w->audit = NULL;
	close(fd);
	/* the thread that was left behind finishes alone */
	for (;;) {
		struct audit_report rep;

		world_verify(w, &rep);
		if (rep.last_seq == 4 && rep.verdict == AUDIT_GOOD)
			break;
	}
	assert_int_equal(c.n, 0);
}

/* --- a full disk ---------------------------------------------------------------------------------------------------------------- */

/* What was kept ready is still there for the run that goes on; audit_check() tells who wants to begin another. */
static void
test_full_disk(void **state)
{
	struct world *w = *state;
	char mount_at[128], filler[256];
	static char block[64 << 10];
	uint64_t seq = 0;
	int fd;

	snprintf(mount_at, sizeof mount_at, "%s/disk", w->root);
	assert_int_equal(mkdir(mount_at, 0700), 0);
	if (mount("tmpfs", mount_at, "tmpfs", 0, "size=3m,mode=0700") < 0) {
		print_message("no small file system can be mounted here (%s)\n", strerror(errno));
		skip();
	}
	snprintf(w->dir, sizeof w->dir, "%s/disk/log", w->root);
	world_open(w);
	assert_int_equal(world_note(w, "before", NULL, NULL), 0);
	snprintf(filler, sizeof filler, "%s/filler", mount_at);
	fd = open(filler, O_WRONLY | O_CREAT, 0600);
	while (write(fd, block, sizeof block) > 0)
		;
	for (int i = 0; i < 1200; i++)	/* more than half of what is kept */
		assert_int_equal(world_note(w, "a record of a run under way, of about a kilobyte of room with all that goes with it "
		    "................................................................................................................", &seq, NULL), 0);
	assert_int_equal(audit_check(w->audit, NULL), ERR_IO);
	assert_int_equal(ftruncate(fd, 0), 0);
	close(fd);
	assert_int_equal(world_note(w, "space again", NULL, NULL), 0);
	assert_int_equal(audit_check(w->audit, NULL), 0);
	world_close(w);
	EXPECT(w, AUDIT_GOOD, seq + 1);
	assert_int_equal(umount(mount_at), 0);
}

/* The same limit for everybody: the file may not grow. */
static void
test_file_limit(void **state)
{
	struct world *w = *state;
	struct rlimit before, small;
	char text[512] = "";
	unsigned n = 0;

	world_open(w);
	getrlimit(RLIMIT_FSIZE, &before);
	small = before;
	small.rlim_cur = 4000;
	signal(SIGXFSZ, SIG_IGN);
	setrlimit(RLIMIT_FSIZE, &small);
	while (n < 50 && world_note(w, "until it is full", NULL, text) == 0)
		n++;
	setrlimit(RLIMIT_FSIZE, &before);
	assert_true(n > 2 && n < 50);
	assert_non_null(strstr(text, "File too large"));
	world_close(w);
	world_open(w);
	world_close(w);
	EXPECT(w, AUDIT_GOOD, n + 2);	/* what failed was taken back */
}

/* What was written between the opening of the log and the reading of its head was not cut off. */
static void
verified_while_it_grows(void **state)
{
	struct world *w = *state;
	struct audit_reader *reader;
	struct audit_report report;

	world_open(w);
	assert_int_equal(world_note(w, "a", NULL, NULL), 0);
	assert_int_equal(audit_reader_open(w->dir, &reader, NULL), 0);
	assert_int_equal(world_note(w, "b", NULL, NULL), 0);
	assert_int_equal(world_note(w, "c", NULL, NULL), 0);
	world_close(w);
	assert_int_equal(audit_verify(reader, NULL, w->head, &report, NULL), 0);
	assert_string_equal(report.text, "all records hold, up to the head");
	assert_int_equal(report.verdict, AUDIT_GOOD);
	assert_int_equal(report.records, report.last_seq);
	audit_reader_free(reader);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, world_setup, world_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_append), TEST(verified_while_it_grows), TEST(test_head_follows), TEST(test_many_in_order), TEST(test_close_is_durable), TEST(test_lazy),
		TEST(test_forgotten_meanwhile),
		TEST(test_rotation), TEST(test_bad_draft), TEST(test_recovered), TEST(test_recovered_meanwhile), TEST(test_end_does_not_hold),
		TEST(test_changed_while_open), TEST(test_open_to_others), TEST(test_write_eio), TEST(test_write_enospc), TEST(test_fsync_eio),
		TEST(test_write_short), TEST(test_head_fails), TEST(test_killed), TEST(test_fallback), TEST(test_break_glass),
		TEST(test_two_in_turn), TEST(test_four_processes), TEST(test_stuck_lock), TEST(test_full_disk), TEST(test_file_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
