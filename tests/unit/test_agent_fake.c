/*
 * Agents that hang, close, answer garbage, promise huge lengths or come in single bytes: a server of our own in the same loop.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/xalloc.h"
#include "ssh/agent.h"
#include "ssh/agent_client.h"
#include "ssh/agent_wire.h"
#include "ssh_world.h"

enum manner {
	ANSWERS,	/* the whole answer */
	BYTEWISE,	/* one byte a turn */
	HANGS,		/* reads and says nothing */
	CLOSES,		/* when it was asked */
	CLOSES_FIRST,	/* the first connection after its first answer, later ones live */
	HALF,		/* half of the answer, then the end */
};
enum { CONNECTIONS = 16 };

struct fake {
	struct loop *l;
	char *path;
	int fd, conns[CONNECTIONS];
	struct loop_fd *watch, *watches[CONNECTIONS];
	size_t n;
	enum manner manner;
	struct buf answer;
	struct loop_timer *drip;	/* BYTEWISE */
	int drip_fd;
	size_t sent;
	unsigned n_asked;
	/* What came. */
	bool is_done;
	unsigned n_replies, n_errors;
	size_t reply_len;
	unsigned char reply[64];
	struct err err;
};

static void
drip_due(void *arg)
{
	struct fake *f = arg;

	assert_int_equal(send(f->drip_fd, f->answer.data + f->sent++, 1, MSG_NOSIGNAL), 1);
	if (f->sent < f->answer.len)
		loop_timer_in(f->drip, NS_PER_MS);
}

static void
respond(struct fake *f, int fd)
{
	size_t len = f->answer.len;

	if (f->manner == HANGS)
		return;
	if (f->manner == CLOSES) {
		shutdown(fd, SHUT_RDWR);
		return;
	}
	if (f->manner == HALF)
		len /= 2;
	if (f->manner == BYTEWISE) {
		f->sent = 0;
		f->drip_fd = fd;
		loop_timer_in(f->drip, 0);
		return;
	}
	assert_int_equal(send(fd, f->answer.data, len, MSG_NOSIGNAL), len);
	if (f->manner == HALF || (f->manner == CLOSES_FIRST && f->n == 1))
		shutdown(fd, SHUT_RDWR);
}

static void
asked(int fd, unsigned ready, void *arg)
{
	struct fake *f = arg;
	char request[4096];
	ssize_t n = read(fd, request, sizeof request);

	(void)ready;
	if (n > 0) {
		f->n_asked++;
		respond(f, fd);
		return;
	}
	for (size_t i = 0; i < f->n; i++)
		if (f->conns[i] == fd) {
			loop_fd_free(f->watches[i]);
			f->watches[i] = NULL;
		}
}

static void
connected(int fd, unsigned ready, void *arg)
{
	struct fake *f = arg;
	int conn = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	(void)ready;
	assert_true(conn >= 0 && f->n < CONNECTIONS);
	f->conns[f->n] = conn;
	f->watches[f->n] = loop_fd_new(f->l, conn, LOOP_READ, asked, f);
	f->n++;
}

static void
fake_begin(struct fake *f, void **state, enum manner manner, const void *answer, size_t len)
{
	struct ssh_world *w = *state;
	struct sockaddr_un to = { .sun_family = AF_UNIX };

	*f = (struct fake){ .manner = manner };
	assert_int_equal(loop_new(&f->l, NULL), 0);
	f->path = world_path(w, "fake");
	unlink(f->path);
	snprintf(to.sun_path, sizeof to.sun_path, "%s", f->path);
	f->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(f->fd, (struct sockaddr *)&to, sizeof to), 0);
	assert_int_equal(listen(f->fd, 8), 0);
	f->watch = loop_fd_new(f->l, f->fd, LOOP_READ, connected, f);
	f->drip = loop_timer_new(f->l, drip_due, f);
	buf_init(&f->answer, 1 << 20);
	buf_add(&f->answer, answer, len);
}

static void
fake_end(struct fake *f)
{
	for (size_t i = 0; i < f->n; i++) {
		loop_fd_free(f->watches[i]);
		close(f->conns[i]);
	}
	loop_fd_free(f->watch);
	loop_timer_free(f->drip);
	close(f->fd);
	loop_free(f->l);
	buf_done(&f->answer);
	unlink(f->path);
	free(f->path);
}

static void
replied(const unsigned char *reply, size_t len, const struct err *err, void *arg)
{
	struct fake *f = arg;

	f->is_done = true;
	f->n_replies += reply != NULL;
	f->n_errors += reply == NULL;
	f->reply_len = len;
	if (reply != NULL)
		memcpy(f->reply, reply, len < sizeof f->reply ? len : sizeof f->reply);
	if (err != NULL)
		f->err = *err;
}

static struct agent_call *
call(struct fake *f, struct agent_client *c, int64_t timeout_ns)
{
	struct buf request;
	struct agent_call *r;

	f->is_done = false;
	buf_init(&request, 1024);
	wire_list_request(&request);
	r = agent_client_call(c, &request, timeout_ns, replied, f);
	buf_done(&request);
	return r;
}

static const unsigned char no_keys[] = { 0, 0, 0, 5, 12, 0, 0, 0, 0 };

/* --- the client ------------------------------------------------------------------------------- */

static void
test_manners(void **state)
{
	static const struct { enum manner manner; const void *answer; size_t len; int code; const char *word; } rows[] = {
		{ ANSWERS, no_keys, 9, 0, "" }, { BYTEWISE, no_keys, 9, 0, "" }, { CLOSES, no_keys, 9, ERR_IO, "closed the connection" },
		{ HALF, no_keys, 9, ERR_IO, "closed the connection" }, { ANSWERS, "\0\0\0\0", 4, ERR_SYNTAX, "does not speak" },
		{ ANSWERS, "\xff\xff\xff\xff\x0c", 5, ERR_SYNTAX, "does not speak" }, { ANSWERS, "HTTP/1.1 400 Bad Request\r\n\r\n", 28, ERR_SYNTAX, "does not speak" },
		{ ANSWERS, "\0\4\0\1", 4, ERR_SYNTAX, "does not speak" }, { HANGS, no_keys, 9, ERR_TIMEOUT, "gave no answer" },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct fake f;
		struct agent_client *c;

		fake_begin(&f, state, rows[i].manner, rows[i].answer, rows[i].len);
		c = agent_client_new(f.l, f.path);
		call(&f, c, rows[i].manner == HANGS ? NS_PER_S / 10 : 20 * NS_PER_S);
		assert_true(world_wait(f.l, &f.is_done));
		if (f.err.code != rows[i].code || strstr(f.err.msg, rows[i].word) == NULL || f.n_replies + f.n_errors != 1)
			fail_msg("row %zu: %d %s", i, f.err.code, f.err.msg);
		if (rows[i].code == 0)
			assert_int_equal(f.reply_len, 5);
		agent_client_free(c);
		fake_end(&f);
	}
}

/* The whole queue fails with the one that had to wait: ten times the timeout is what nobody has. */
static void
test_hang_once(void **state)
{
	struct fake f;
	struct agent_client *c;

	fake_begin(&f, state, HANGS, no_keys, sizeof no_keys);
	c = agent_client_new(f.l, f.path);
	for (int i = 0; i < 10; i++)
		call(&f, c, NS_PER_S / 5);
	assert_true(world_wait(f.l, &f.is_done));
	assert_int_equal(f.n_errors, 10);
	assert_int_equal(f.n_asked, 1);
	/* And the next one is asked anew. */
	f.manner = ANSWERS;
	call(&f, c, 20 * NS_PER_S);
	assert_true(world_wait(f.l, &f.is_done));
	assert_int_equal(f.n_replies, 1);
	agent_client_free(c);
	fake_end(&f);
}

/* An agent that was started anew between two requests of one connection. */
static void
test_reconnects(void **state)
{
	struct fake f;
	struct agent_client *c;

	fake_begin(&f, state, CLOSES_FIRST, no_keys, sizeof no_keys);
	c = agent_client_new(f.l, f.path);
	for (int i = 0; i < 3; i++)
		call(&f, c, 20 * NS_PER_S);
	while (f.n_replies + f.n_errors < 3) {
		f.is_done = false;
		assert_true(world_wait(f.l, &f.is_done));
	}
	assert_int_equal(f.n_replies, 3);
	assert_int_equal(f.n, 2);
	agent_client_free(c);
	fake_end(&f);
}

/* The answer to a request that was cancelled must not be taken for the next one's. */
static void
test_cancel(void **state)
{
	struct fake f;
	struct agent_client *c;
	struct agent_call *first, *second;
	int64_t until = clock_mono_fresh() + 10 * NS_PER_S;

	fake_begin(&f, state, HANGS, no_keys, sizeof no_keys);
	c = agent_client_new(f.l, f.path);
	first = call(&f, c, 20 * NS_PER_S);
	second = call(&f, c, 20 * NS_PER_S);
	while (f.n_asked == 0 && clock_mono_fresh() < until)
		loop_once(f.l, NS_PER_S / 100);
	assert_int_equal(f.n_asked, 1);
	agent_call_cancel(second);
	agent_call_cancel(first);
	f.manner = ANSWERS;
	call(&f, c, 20 * NS_PER_S);
	assert_true(world_wait(f.l, &f.is_done));
	assert_int_equal(f.n_replies, 1);
	assert_int_equal(f.n_errors, 0);
	assert_int_equal(f.n, 2);
	agent_client_free(c);
	fake_end(&f);
}

static void
free_client(const unsigned char *reply, size_t len, const struct err *err, void *arg)
{
	struct { struct fake *f; struct agent_client *c; } *both = arg;

	replied(reply, len, err, both->f);
	agent_client_free(both->c);
}

static void
test_freed_inside(void **state)
{
	struct fake f;
	struct { struct fake *f; struct agent_client *c; } both;
	struct buf request;

	fake_begin(&f, state, ANSWERS, no_keys, sizeof no_keys);
	both.f = &f;
	both.c = agent_client_new(f.l, f.path);
	buf_init(&request, 1024);
	wire_list_request(&request);
	agent_client_call(both.c, &request, 20 * NS_PER_S, free_client, &both);
	buf_done(&request);
	call(&f, both.c, 20 * NS_PER_S);
	assert_true(world_wait(f.l, &f.is_done));
	assert_int_equal(f.n_replies, 1);
	fake_end(&f);
}

static void
test_long_path(void **state)
{
	struct fake f;
	struct agent_client *c;
	char path[200];

	fake_begin(&f, state, ANSWERS, no_keys, sizeof no_keys);
	memset(path, 'x', sizeof path);
	path[0] = '/';
	path[sizeof path - 1] = '\0';
	c = agent_client_new(f.l, path);
	call(&f, c, 20 * NS_PER_S);
	assert_true(world_wait(f.l, &f.is_done));
	assert_non_null(strstr(f.err.msg, "too long"));
	agent_client_free(c);
	fake_end(&f);
}

/* --- messages --------------------------------------------------------------------------------- */

static void
put_key(struct buf *b, const char *type, const char *comment)
{
	struct buf blob;

	buf_init(&blob, 1024);
	wire_put_string(&blob, type, strlen(type));
	wire_put_string(&blob, "key", 3);
	wire_put_string(b, blob.data, blob.len);
	wire_put_string(b, comment, strlen(comment));
	buf_done(&blob);
}

static void
test_list(void **state)
{
	struct agent_key *keys;
	struct buf b;
	size_t n;

	(void)state;
	buf_init(&b, 4096);
	buf_addch(&b, 12);
	wire_put_u32(&b, 3);
	put_key(&b, "ssh-ed25519", "me@\033[31mhere");
	put_key(&b, "bad type", "left out");
	put_key(&b, "ssh-rsa", "");
	assert_int_equal(wire_list_answer((unsigned char *)b.data, b.len, &keys, &n, NULL), 0);
	assert_int_equal(n, 2);
	assert_string_equal(keys[0].type, "ssh-ed25519");
	assert_string_equal(keys[0].comment, "me@\\x1B[31mhere");
	assert_string_equal(keys[1].type, "ssh-rsa");
	agent_keys_free(keys, n);
	/* Cut anywhere: refused, or less keys were promised. */
	for (size_t len = 0; len < b.len; len++)
		assert_int_equal(wire_list_answer((unsigned char *)b.data, len, &keys, &n, NULL), ERR_SYNTAX);
	assert_int_equal(wire_list_answer((const unsigned char *)"\5", 1, &keys, &n, NULL), ERR_REFUSED);
	assert_int_equal(wire_list_answer((const unsigned char *)"\14\xff\xff\xff\xff", 5, &keys, &n, NULL), ERR_SYNTAX);
	assert_int_equal(wire_list_answer((const unsigned char *)"\16\0\0\0\0", 5, &keys, &n, NULL), ERR_SYNTAX);
	buf_done(&b);
}

static void
test_sign(void **state)
{
	unsigned char blob[] = "blob";
	struct agent_key key = { .blob = blob, .len = 4 };
	struct wire_bytes signature;
	struct err err = ERR_INIT;
	struct buf b;

	(void)state;
	buf_init(&b, WIRE_MESSAGE_MAX + 4);
	assert_int_equal(wire_sign_request(&b, &key, "data", 4, 4), 0);
	assert_int_equal(b.len, 4 + 1 + 8 + 8 + 4);
	assert_memory_equal(b.data, "\0\0\0\25\15\0\0\0\4blob\0\0\0\4data\0\0\0\4", b.len);
	assert_int_equal(wire_sign_request(&b, &key, "x", WIRE_MESSAGE_MAX, 0), ERR_LIMIT);
	assert_int_equal(wire_sign_answer((const unsigned char *)"\16\0\0\0\13\0\0\0\2ab\0\0\0\1c", 16, &signature, &err), 0);
	assert_int_equal(signature.len, 11);
	assert_int_equal(wire_sign_answer((const unsigned char *)"\16\0\0\0\13\0\0\0\2ab\0\0\0\1c", 15, &signature, &err), ERR_SYNTAX);
	assert_int_equal(wire_sign_answer((const unsigned char *)"\16\0\0\0\4\0\0\0\0", 9, &signature, &err), ERR_SYNTAX);
	assert_int_equal(wire_sign_answer((const unsigned char *)"\5", 1, &signature, &err), ERR_REFUSED);
	assert_int_equal(wire_sign_answer((const unsigned char *)"", 0, &signature, &err), ERR_SYNTAX);
	buf_done(&b);
}

/* --- agents ----------------------------------------------------------------------------------- */

static void
listed(const struct agent_list *list, const struct err *err, void *arg)
{
	struct fake *f = arg;

	f->is_done = true;
	f->reply_len = list->n;
	if (err != NULL)
		f->err = *err;
}

/* Many hosts want the keys of one agent: it is asked once, also when its answer is no use. */
static void
test_asked_once(void **state)
{
	static const unsigned char garbage[] = { 0, 0, 0, 2, 99, 1 };
	struct fake f;
	struct agents *a;
	struct ssh_settings *s;
	struct ssh_world *w = *state;
	struct agent_ask *cancelled = NULL;
	char *text;

	fake_begin(&f, state, ANSWERS, garbage, sizeof garbage);
	text = xasprintf("hostname h\nuser u\nport 22\nidentityagent %s\n", f.path);
	assert_int_equal(ssh_settings_parse("h", text, strlen(text), &s, NULL), 0);
	a = agents_new(f.l, w->dir);
	for (int i = 0; i < 50; i++)
		cancelled = agents_keys(a, s, listed, &f);
	agent_ask_cancel(cancelled);
	assert_true(world_wait(f.l, &f.is_done));
	f.is_done = false;
	agents_keys(a, s, listed, &f);
	assert_true(world_wait(f.l, &f.is_done));
	assert_int_equal(f.n_asked, 1);
	assert_int_equal(f.err.code, ERR_NOTFOUND);
	assert_non_null(strstr(f.err.msg, "message 99"));
	agents_free(a);
	ssh_settings_unref(s);
	free(text);
	fake_end(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_manners), cmocka_unit_test(test_hang_once), cmocka_unit_test(test_reconnects), cmocka_unit_test(test_cancel),
		cmocka_unit_test(test_freed_inside), cmocka_unit_test(test_long_path), cmocka_unit_test(test_list), cmocka_unit_test(test_sign),
		cmocka_unit_test(test_asked_once),
	};

	return cmocka_run_group_tests_name("agent_fake", tests, world_setup, world_teardown);
}
