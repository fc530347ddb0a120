/*
 * Standard error of a host, any bytes: the supervisor's lines are taken out the same way however the bytes are cut into reads, and nothing else is
 * lost or made up. "::o" stands for the marker with its
 * nonce, so that the fuzzer finds it. The same bytes are words of ssh.
 */
#include "config.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/str.h"
#include "ssh/openssh_words.h"
#include "ssh/supervisor.h"

#define NONCE "NNNNNNNNNNNNNNNN"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void __attribute__((noreturn))
die(const char *what)
{
	fprintf(stderr, "%s\n", what);
	abort();
}

static void
collect(const char *bytes, size_t len, void *arg)
{
	if (buf_add(arg, bytes, len) < 0)
		die("more came out than went in");
}

/* "::o" in the input becomes the marker: short to find, long to match. */
static void
unfold(struct buf *b, const char *in, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		if (size - i >= 3 && memcmp(in + i, "::o", 3) == 0) {
			buf_addstr(b, "::opsconsole:" NONCE ":");
			i += 2;
		} else {
			buf_addch(b, in[i]);
		}
	}
}

static void
read_in_steps(const struct buf *in, size_t step, struct supervisor_reader *r, struct buf *out)
{
	buf_init(out, in->len);
	supervisor_reader_init(r, NONCE);
	for (size_t at = 0; at < in->len; at += step)
		supervisor_read(r, in->data + at, in->len - at < step ? in->len - at : step, collect, out);
	supervisor_read_end(r, collect, out);
	supervisor_closed(r);
}

static void
check_words(const struct buf *in)
{
	for (int is_login = 0; is_login < 2; is_login++) {
		struct err err = ERR_INIT;
		char line[64];

		if ((openssh_words_fail(in->data, in->len, is_login, "h", &err) == SSH_FAIL_NONE) != (err.code == 0))
			die("reason and sentence disagree");
		if (!utf8_is_valid(err.msg, strlen(err.msg)) || strpbrk(err.msg, "\n\033") != NULL)
			die("a sentence that cannot be shown");
		openssh_words_last(in->data, in->len, line, sizeof line);
		if (openssh_words_after_login(in->data, in->len) > in->len)
			die("beyond its end");
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct supervisor_reader whole, cut;
	struct buf in, out, again;

	if (size > 8192)
		return 0;
	buf_init(&in, 8192 * 20);
	unfold(&in, (const char *)data, size);
	read_in_steps(&in, in.len + 1, &whole, &out);
	for (size_t step = 1; step < 40; step += 7) {
		read_in_steps(&in, step, &cut, &again);
		if (again.len != out.len || memcmp(again.data, out.data, out.len) != 0)
			die("the cut of the reads shows");
		if (cut.is_started != whole.is_started || cut.is_ended != whole.is_ended || cut.outcome != whole.outcome || cut.status != whole.status ||
		    cut.fail != whole.fail || strcmp(cut.words, whole.words) != 0)
			die("the cut of the reads changes what is understood");
		supervisor_reader_done(&cut);
		buf_done(&again);
	}
	if (whole.is_ended && whole.outcome == SSH_EXITED && whole.status < 0)
		die("an end without its status");
	check_words(&in);
	supervisor_reader_done(&whole);
	buf_done(&out);
	buf_done(&in);
	return 0;
}
