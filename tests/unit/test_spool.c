/* Output that nobody reads: it neither holds up who writes nor is lost below the ceiling, and beyond it whole lines are left out. */
#include "config.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/clock.h"
#include "loop/spool.h"

enum { LINES = 100000 };

struct world {
	struct loop *loop;
	int fds[2];
};

static int
setup(void **state)
{
	struct world *w = calloc(1, sizeof *w);
	struct err err = ERR_INIT;

	assert_int_equal(loop_new(&w->loop, &err), 0);
	assert_int_equal(pipe(w->fds), 0);
	*state = w;
	return 0;
}

static int
teardown(void **state)
{
	struct world *w = *state;

	loop_free(w->loop);
	close(w->fds[0]);
	close(w->fds[1]);
	free(w);
	return 0;
}

static void
write_lines(FILE *f, int first, int n)
{
	for (int i = first; i < first + n; i++) {
		fprintf(f, "line %d of many\n", i);
		fflush(f);
	}
}

static void
read_some(struct world *w, struct buf *b)
{
	char bytes[65536];
	ssize_t n = read(w->fds[0], bytes, sizeof bytes);

	assert_true(n > 0);
	buf_add(b, bytes, (size_t)n);
	loop_once(w->loop, 0);
}

static void
test_nobody_reads(void **state)
{
	struct world *w = *state;
	struct spool *s = spool_new(w->loop, w->fds[1], SPOOL_MAX);
	char last[64];
	struct buf b;
	int i = 0;

	buf_init(&b, SIZE_MAX);
	write_lines(spool_file(s), 0, LINES);
	snprintf(last, sizeof last, "line %d of many\n", LINES - 1);
	while (b.len < strlen(last) || strcmp(b.data + b.len - strlen(last), last) != 0)
		read_some(w, &b);
	for (char *p = strtok(b.data, "\n"); p != NULL; p = strtok(NULL, "\n"), i++) {
		snprintf(last, sizeof last, "line %d of many", i);
		assert_string_equal(p, last);
	}
	assert_int_equal(i, LINES);
	assert_int_equal(spool_free(s), 0);
	buf_done(&b);
}

static void
test_ceiling(void **state)
{
	struct world *w = *state;
	struct spool *s = spool_new(w->loop, w->fds[1], 128 << 10);
	int before = -1, at, n_gaps = 0;
	size_t taken = 0;
	struct buf b;

	buf_init(&b, SIZE_MAX);
	write_lines(spool_file(s), 0, LINES);
	while (b.len < 150 << 10)
		read_some(w, &b);
	while (strstr(b.data, "line 100000 ") == NULL) {
		write_lines(spool_file(s), LINES, 1);
		read_some(w, &b);
	}
	for (char *p = strtok(b.data, "\n"); p != NULL; p = strtok(NULL, "\n")) {
		char again[64];

		taken += strlen(p) + 1;
		assert_int_equal(sscanf(p, "line %d of many", &at), 1);
		snprintf(again, sizeof again, "line %d of many", at);
		assert_string_equal(p, again);
		n_gaps += at > before + 1;
		before = at;
	}
	assert_int_equal(n_gaps, 1);
	assert_true(spool_free(s) > 1000000 && taken < 512 << 10);
	buf_done(&b);
}

static void
test_reader_is_gone(void **state)
{
	struct world *w = *state;
	struct spool *s = spool_new(w->loop, w->fds[1], SPOOL_MAX);

	close(w->fds[0]);
	w->fds[0] = dup(w->fds[1]);
	assert_int_equal(spool_error(s), 0);
	write_lines(spool_file(s), 0, LINES);
	assert_int_equal(spool_error(s), EPIPE);
	assert_int_equal(spool_waiting(s), 0);
	assert_int_equal(spool_free(s), 0);
}

/* Who must end does not wait for a reader that has stopped, and knows how much it has not seen. */
static void
test_dropped(void **state)
{
	struct world *w = *state;
	struct spool *s = spool_new(w->loop, w->fds[1], SPOOL_MAX);
	size_t waiting;

	write_lines(spool_file(s), 0, LINES);
	waiting = spool_waiting(s);
	assert_true(waiting > 0);
	assert_int_equal(spool_left_out(s), 0);
	spool_drop(s);
	assert_int_equal(spool_waiting(s), 0);
	assert_int_equal(spool_left_out(s), waiting);
	assert_int_equal(spool_free(s), waiting);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_nobody_reads, setup, teardown),
		cmocka_unit_test_setup_teardown(test_ceiling, setup, teardown),
		cmocka_unit_test_setup_teardown(test_reader_is_gone, setup, teardown),
		cmocka_unit_test_setup_teardown(test_dropped, setup, teardown),
	};

	signal(SIGPIPE, SIG_IGN);
	clock_tick();
	return cmocka_run_group_tests_name("spool", tests, NULL, NULL);
}
