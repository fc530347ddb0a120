#include "config.h"

#include "supervised.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"

struct loop *supervised_loop;
const char *supervised_login = "/bin/sh", *supervised_sh;
const char *const *supervised_env;

static void
on_err(const char *bytes, size_t len, void *arg)
{
	struct supervised_run *r = arg;

	assert_int_equal(buf_add(&r->err, bytes, len), 0);
}

static void
on_read(struct child *c, enum child_stream stream, const char *bytes, size_t len, void *arg)
{
	struct supervised_run *r = arg;

	(void)c;
	if (stream == CHILD_OUT)
		assert_int_equal(buf_add(&r->out, bytes, len), 0);
	else
		supervisor_read(&r->reader, bytes, len, on_err, r);
}

static void
on_end(struct child *c, const struct child_end *end, void *arg)
{
	struct supervised_run *r = arg;

	(void)c;
	supervisor_read_end(&r->reader, on_err, r);
	r->end = *end;
	r->is_over = true;
}

/* The command with the other shell in place of /bin/sh. */
static void
replaced(struct buf *b, const char *command)
{
	const char *at;

	for (; (at = strstr(command, "/bin/sh")) != NULL; command = at + strlen("/bin/sh")) {
		buf_add(b, command, (size_t)(at - command));
		buf_addstr(b, supervised_sh != NULL ? supervised_sh : "/bin/sh");
	}
	buf_addstr(b, command);
}

void
supervised_start(struct supervised_run *r, struct supervised *sv, const char *nonce, const void *in, size_t in_len)
{
	struct buf command;
	struct child_spec spec = { .env = supervised_env, .is_session = true, .read = on_read, .end = on_end, .arg = r };
	struct err err = ERR_INIT;

	memset(r, 0, sizeof *r);
	buf_init(&r->out, 64 << 20);
	buf_init(&r->err, 64 << 20);
	supervisor_reader_init(&r->reader, nonce);
	buf_init(&command, 1 << 20);
	replaced(&command, sv->command.data);
	if (in_len > 0)
		buf_add(&sv->input, in, in_len);
	spec.argv = (const char *const[]){ supervised_login, "-c", command.data, NULL };
	spec.in = sv->input.data;
	spec.in_len = sv->input.len;
	if (child_start(supervised_loop, &spec, &r->child, &err) < 0)
		fail_msg("%s", err.msg);
	buf_done(&command);
	supervised_done(sv);
}

void
supervised_wait(struct supervised_run *r)
{
	int64_t give_up = clock_mono_fresh() + 120 * NS_PER_S;

	while (!r->is_over && clock_mono_fresh() < give_up)
		loop_once(supervised_loop, NS_PER_S);
	assert_true(r->is_over);
	if (r->end.err.code != 0)
		fail_msg("%s", r->end.err.msg);
}

void
supervised_run_done(struct supervised_run *r)
{
	child_free(r->child);
	buf_done(&r->out);
	buf_done(&r->err);
	supervisor_reader_done(&r->reader);
}

void
supervised_turn(int ms)
{
	int64_t until = clock_mono_fresh() + ms * NS_PER_MS;

	while (clock_mono_fresh() < until)
		loop_once(supervised_loop, 10 * NS_PER_MS);
}
