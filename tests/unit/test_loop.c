/* The loop: order of a turn, timers with slack, handles freed inside callbacks, signals, posts from other
 * threads, no busy turns. */
#include "config.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "loop/loop.h"

#define EPOCH (INT64_C(1900000000) * NS_PER_S)

/* What happened, one letter each. */
static char trace[64];

static void
note(char c)
{
	size_t n = strlen(trace);

	assert_true(n + 1 < sizeof trace);
	trace[n] = c;
	trace[n + 1] = '\0';
}

static int
setup(void **state)
{
	struct loop *l;

	trace[0] = '\0';
	assert_int_equal(loop_new(&l, NULL), 0);
	*state = l;
	return 0;
}

static int
teardown(void **state)
{
	loop_free(*state);
	clock_freeze(0);
	return 0;
}

static void
on_letter(void *arg)
{
	note(*(const char *)arg);
}

static void
on_readable(int fd, unsigned ready, void *arg)
{
	char c;

	assert_true(ready & LOOP_READ);
	assert_int_equal(read(fd, &c, 1), 1);
	note(*(const char *)arg);
}

static void
on_signal(int signo, void *arg)
{
	assert_int_equal(signo, SIGUSR1);
	note(*(const char *)arg);
}

static void
make_pair(int fds[2])
{
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
}

static void
close_pair(int fds[2])
{
	close(fds[0]);
	close(fds[1]);
}

static void
test_order_of_a_turn(void **state)
{
	struct loop *l = *state;
	struct loop_timer *t = loop_timer_new(l, on_letter, "t");
	int fds[2];

	make_pair(fds);
	assert_int_equal(loop_signal(l, SIGUSR1, on_signal, "s", NULL), 0);
	loop_on_turn(l, on_letter, "e");
	loop_post(l, on_letter, "p");
	raise(SIGUSR1);
	loop_timer_in(t, 0);
	loop_fd_new(l, fds[0], LOOP_READ, on_readable, "d");
	assert_int_equal(write(fds[1], "x", 1), 1);
	loop_once(l, 0);
	assert_string_equal(trace, "dtspe");
	assert_int_equal(loop_turns(l), 1);
	close_pair(fds);
}

static void
test_timers_fire_by_time(void **state)
{
	static const char *const names[] = { "a", "b", "c", "d", "e", "f", "g" };
	static const int order[] = { 3, 6, 0, 5, 1, 4, 2 };
	struct loop *l = *state;
	struct loop_timer *t[7];

	clock_freeze(EPOCH);
	for (size_t i = 0; i < 7; i++) {
		t[order[i]] = loop_timer_new(l, on_letter, (void *)(uintptr_t)names[order[i]]);
		loop_timer_set(t[order[i]], EPOCH + order[i] * NS_PER_S);
	}
	loop_timer_stop(t[4]);
	loop_timer_free(t[1]);
	loop_timer_set(t[0], EPOCH + 10 * NS_PER_S);	/* again: later */
	clock_freeze(EPOCH + 5 * NS_PER_S);
	loop_once(l, 0);
	assert_string_equal(trace, "cdf");
	clock_freeze(EPOCH + 20 * NS_PER_S);
	loop_once(l, 0);
	assert_string_equal(trace, "cdfga");
	loop_once(l, 0);	/* armed once, fires once */
	assert_string_equal(trace, "cdfga");
}

/* Many timers armed, moved and stopped: the heap gives them back sorted. */
static int64_t last_fired;
static unsigned n_fired;

static void
on_ascending(void *arg)
{
	const int64_t *at = arg;

	assert_true(*at >= last_fired);
	last_fired = *at;
	n_fired++;
}

static void
test_heap_keeps_order(void **state)
{
	enum { N = 500 };
	struct loop *l = *state;
	static struct loop_timer *t[N];
	static int64_t at[N];
	uint32_t seed = 12345;
	unsigned n_armed = 0;

	clock_freeze(EPOCH);
	last_fired = 0;
	n_fired = 0;
	for (int i = 0; i < N; i++)
		t[i] = loop_timer_new(l, on_ascending, &at[i]);
	for (int pass = 0; pass < 3; pass++) {
		for (int i = 0; i < N; i++) {
			seed = seed * 1664525 + 1013904223;
			at[i] = EPOCH + (seed >> 8) % 1000;
			loop_timer_set(t[i], at[i]);
			if (seed % 5 == 0)
				loop_timer_stop(t[i]);
			else if (pass == 2)
				n_armed++;
		}
	}
	clock_freeze(EPOCH + NS_PER_S);
	loop_once(l, 0);
	assert_int_equal(n_fired, n_armed);
}

struct again {
	struct loop_timer *t;
	unsigned n;
};

static void
on_again(void *arg)
{
	struct again *a = arg;

	a->n++;
	loop_timer_in(a->t, 0);
}

/* A timer that is always due must not keep the turn from ending. */
static void
test_rearmed_timer_waits_for_next_turn(void **state)
{
	struct loop *l = *state;
	struct again a = { 0 };

	a.t = loop_timer_new(l, on_again, &a);
	loop_timer_in(a.t, 0);
	loop_once(l, 0);
	assert_int_equal(a.n, 1);
	loop_once(l, 0);
	assert_int_equal(a.n, 2);
}

/* Real time: the one with slack is due first, may be late, and so shares the other's wake-up. */
static void
test_slack_shares_a_wakeup(void **state)
{
	struct loop *l = *state;
	struct loop_timer *lazy = loop_timer_new(l, on_letter, "l"), *exact = loop_timer_new(l, on_letter, "x");
	int64_t now = clock_mono();

	loop_timer_slack(lazy, NS_PER_S);
	loop_timer_set(lazy, now + 1 * NS_PER_MS);
	loop_timer_set(exact, now + 20 * NS_PER_MS);
	loop_once(l, -1);
	assert_string_equal(trace, "lx");
	assert_int_equal(loop_turns(l), 1);
	assert_true(clock_mono() >= now + 20 * NS_PER_MS);
}

/* Waiting: one turn per timer, none before it is due. */
static void
test_waits_without_spinning(void **state)
{
	struct loop *l = *state;
	struct loop_timer *t = loop_timer_new(l, on_letter, "t");
	int64_t due = clock_mono() + 30 * NS_PER_MS;
	int fds[2];

	make_pair(fds);
	loop_fd_new(l, fds[0], LOOP_READ, on_readable, "d");
	loop_timer_set(t, due);
	loop_once(l, -1);
	assert_string_equal(trace, "t");
	assert_true(clock_mono() >= due);
	close_pair(fds);
}

static struct loop_timer *victim_timer;
static struct loop_fd *victim_fd;

static void
on_free_timer(void *arg)
{
	note(*(const char *)arg);
	loop_timer_free(victim_timer);
	victim_timer = NULL;
}

static void
test_timer_freed_by_another(void **state)
{
	struct loop *l = *state;
	struct loop_timer *killer = loop_timer_new(l, on_free_timer, "k");

	victim_timer = loop_timer_new(l, on_letter, "v");
	clock_freeze(EPOCH);
	loop_timer_set(killer, EPOCH);
	loop_timer_set(victim_timer, EPOCH + 1);
	clock_freeze(EPOCH + 2);
	loop_once(l, 0);
	assert_string_equal(trace, "k");
	assert_null(victim_timer);
}

static void
on_free_fd(int fd, unsigned ready, void *arg)
{
	on_readable(fd, ready, arg);
	loop_fd_free(victim_fd);
	victim_fd = NULL;
}

static void
test_descriptor_freed_by_another(void **state)
{
	struct loop *l = *state;
	int a[2], b[2];

	make_pair(a);
	make_pair(b);
	loop_fd_new(l, a[0], LOOP_READ, on_free_fd, "k");
	victim_fd = loop_fd_new(l, b[0], LOOP_READ, on_readable, "v");
	assert_int_equal(write(a[1], "x", 1), 1);
	assert_int_equal(write(b[1], "x", 1), 1);
	loop_once(l, 0);
	assert_string_equal(trace, "k");
	/* and one that comes in the freed one's place is served in the next turn */
	loop_fd_new(l, b[0], LOOP_READ, on_readable, "n");
	loop_once(l, 0);
	assert_string_equal(trace, "kn");
	close_pair(a);
	close_pair(b);
}

static void
on_free_self(int fd, unsigned ready, void *arg)
{
	(void)fd;
	(void)arg;
	assert_true(ready & LOOP_HANGUP);
	note('h');
	loop_fd_free(victim_fd);
}

static void
test_hangup_is_told_and_self_freed(void **state)
{
	struct loop *l = *state;
	int fds[2];

	make_pair(fds);
	victim_fd = loop_fd_new(l, fds[0], LOOP_READ, on_free_self, NULL);
	close(fds[1]);
	loop_once(l, 0);
	loop_once(l, 0);
	assert_string_equal(trace, "h");
	close(fds[0]);
}

static void
test_paused_descriptor_is_silent(void **state)
{
	struct loop *l = *state;
	struct loop_fd *f;
	int fds[2];

	make_pair(fds);
	f = loop_fd_new(l, fds[0], LOOP_READ, on_readable, "r");
	assert_int_equal(write(fds[1], "xy", 2), 2);
	loop_fd_set(f, 0);
	loop_once(l, 0);
	assert_string_equal(trace, "");
	loop_fd_set(f, LOOP_READ);
	loop_once(l, 0);
	assert_string_equal(trace, "r");
	/* a hang-up of a paused one does not wake either: the wait below ends by the timer */
	loop_fd_set(f, 0);
	close(fds[1]);
	loop_timer_in(loop_timer_new(l, on_letter, "t"), NS_PER_MS);
	loop_once(l, -1);
	assert_string_equal(trace, "rt");
	close(fds[0]);
}

static void
test_closed_descriptor_does_not_spin(void **state)
{
	struct loop *l = *state;
	int fds[2];

	make_pair(fds);
	loop_fd_new(l, fds[0], LOOP_WRITE, on_free_self, NULL);
	victim_fd = NULL;
	close_pair(fds);
	loop_once(l, 0);
	loop_once(l, 0);
	assert_string_equal(trace, "h");
}

struct poster {
	struct loop *loop;
	unsigned n_posted, n_seen;
};
enum { POSTS = 10000 };

static void
on_counted(void *arg)
{
	struct poster *p = arg;

	if (++p->n_seen == POSTS)
		loop_stop(p->loop, 7);
}

static void *
poster_main(void *arg)
{
	struct poster *p = arg;

	for (p->n_posted = 0; p->n_posted < POSTS; p->n_posted++)
		loop_post(p->loop, on_counted, p);
	return NULL;
}

static void
test_posts_from_a_thread(void **state)
{
	struct poster p = { .loop = *state };
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, poster_main, &p), 0);
	assert_int_equal(loop_run(p.loop), 7);
	assert_int_equal(p.n_seen, POSTS);
	pthread_join(thread, NULL);
}

static void
on_post_again(void *arg)
{
	note('p');
	loop_post(arg, on_letter, "q");
}

static void
test_post_of_a_post_waits(void **state)
{
	struct loop *l = *state;

	loop_post(l, on_post_again, l);
	loop_once(l, 0);
	assert_string_equal(trace, "p");
	loop_once(l, 0);
	assert_string_equal(trace, "pq");
}

static void
test_signal_mask_is_put_back(void **state)
{
	sigset_t mask;
	struct loop *l;

	(void)state;
	assert_int_equal(loop_new(&l, NULL), 0);
	assert_int_equal(loop_signal(l, SIGUSR1, on_signal, "1", NULL), 0);
	assert_int_equal(loop_signal(l, SIGUSR2, on_signal, "2", NULL), 0);
	pthread_sigmask(SIG_BLOCK, NULL, &mask);
	assert_true(sigismember(&mask, SIGUSR1) && sigismember(&mask, SIGUSR2));
	loop_free(l);
	pthread_sigmask(SIG_BLOCK, NULL, &mask);
	assert_false(sigismember(&mask, SIGUSR1) || sigismember(&mask, SIGUSR2));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_order_of_a_turn),
		TEST(test_timers_fire_by_time),
		TEST(test_heap_keeps_order),
		TEST(test_rearmed_timer_waits_for_next_turn),
		TEST(test_slack_shares_a_wakeup),
		TEST(test_waits_without_spinning),
		TEST(test_timer_freed_by_another),
		TEST(test_descriptor_freed_by_another),
		TEST(test_hangup_is_told_and_self_freed),
		TEST(test_paused_descriptor_is_silent),
		TEST(test_closed_descriptor_does_not_spin),
		TEST(test_posts_from_a_thread),
		TEST(test_post_of_a_post_waits),
		cmocka_unit_test(test_signal_mask_is_put_back),
	};

	return cmocka_run_group_tests_name("loop", tests, NULL, NULL);
}
