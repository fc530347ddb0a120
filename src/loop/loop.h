/*
 * The one place that waits.
 *
 * A turn: wait (poll) -> callbacks of ready descriptors, due timers, signals, posts of workers -> the turn
 * callback (app: model events, draw, one terminal flush). Callbacks are short and never wait. All functions are
 * for the loop's own thread except loop_post().
 */
#ifndef OPS_LOOP_LOOP_H
#define OPS_LOOP_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct loop;
struct loop_fd;
struct loop_timer;

enum { LOOP_READ = 1u << 0, LOOP_WRITE = 1u << 1, LOOP_HANGUP = 1u << 2 };

typedef void loop_fd_cb(int fd, unsigned ready, void *arg);
typedef void loop_timer_cb(void *arg);
typedef void loop_signal_cb(int signo, void *arg);
typedef void loop_turn_cb(void *arg);

int loop_new(struct loop **ret_loop, struct err *err);
/* Handles that are left go with it, and posts that have not run are dropped. */
void loop_free(struct loop *l);

/* Watch fd for events (LOOP_READ | LOOP_WRITE; 0 pauses it). The handle is freed by loop_fd_free(), also from
 * inside callbacks. fd stays the caller's. */
struct loop_fd *loop_fd_new(struct loop *l, int fd, unsigned events, loop_fd_cb *cb, void *arg);
void loop_fd_set(struct loop_fd *f, unsigned events);
void loop_fd_free(struct loop_fd *f);

/* A timer is created unarmed. loop_timer_set() arms it once, at a monotonic time (see clock_mono()); again
 * re-arms it. Timers due at about the same time fire in one wake-up when slack_ns allows it. */
struct loop_timer *loop_timer_new(struct loop *l, loop_timer_cb *cb, void *arg);
void loop_timer_set(struct loop_timer *t, int64_t at_mono_ns);
void loop_timer_in(struct loop_timer *t, int64_t in_ns);
void loop_timer_slack(struct loop_timer *t, int64_t slack_ns);
void loop_timer_stop(struct loop_timer *t);
void loop_timer_free(struct loop_timer *t);

/* Deliver signo as a callback in the loop (signalfd; the signal is blocked in all threads started later). */
int loop_signal(struct loop *l, int signo, loop_signal_cb *cb, void *arg, struct err *err);

/* From any thread: run cb(arg) in the loop's thread during the next turn, in the order posted. */
void loop_post(struct loop *l, void (*cb)(void *arg), void *arg);

/* Called at the end of each turn. */
void loop_on_turn(struct loop *l, loop_turn_cb *cb, void *arg);
/* Turn until loop_stop(); returns the status given there. */
int loop_run(struct loop *l);
void loop_stop(struct loop *l, int status);
/* One turn that waits at most max_wait_ns (0: does not wait, -1: no limit): for tests and for draining. */
void loop_once(struct loop *l, int64_t max_wait_ns);
/* Turns so far: idle benchmarks count wake-ups with it. */
uint64_t loop_turns(const struct loop *l);

#endif
