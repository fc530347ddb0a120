/*
 * Local programs, run beside the loop: ssh -G, the openssh transport, ssh-agent and ssh-add, exec steps, commands for secrets.
 *
 * A child gets its own process group (or session), pipes for its three streams, and default signals; nothing else of ours is inherited: all other
 * descriptors are closed. No shell is involved. Nothing here waits.
 */
#ifndef OPS_LOOP_CHILD_H
#define OPS_LOOP_CHILD_H

#include <stddef.h>
#include <sys/types.h>

#include "loop/loop.h"

struct child;

enum child_stream { CHILD_OUT, CHILD_ERR };
struct child_end {
	int status;		/* exit status; -1: by a signal, or it never ran */
	int signo;		/* 0: none */
	bool is_timeout;	/* we ended it for its timeout (SIGTERM to the group, SIGKILL 2 s later) */
	struct err err;		/* code != 0: it could not be run, and why ("cannot run ssh: not found in PATH") */
};
/* Bytes as they come; len > 0. May call child_free() and child_pause(). */
typedef void child_read_cb(struct child *c, enum child_stream stream, const char *bytes, size_t len, void *arg);
/* Once, when it has ended and both streams are at their end (or 1 s after it ended, where somebody else holds them open). May call child_free(). */
typedef void child_end_cb(struct child *c, const struct child_end *end, void *arg);

struct child_spec {
	const char *const *argv;	/* NULL-terminated; argv[0] is looked up in PATH unless it has a slash */
	const char *const *env;		/* "NAME=value" put over what is inherited, NULL-terminated; NULL: nothing */
	const char *const *unset;	/* names taken away from it; NULL: none */
	const char *dir;		/* NULL: ours */
	bool is_session;		/* a session of its own, so that it has no terminal to ask on */
	bool is_bound;			/* SIGTERM reaches it when we end, however we end (Linux: when the loop's thread does) */
	const void *in;			/* stdin, copied; then end of file. NULL: end of file at once */
	size_t in_len;
	int64_t timeout_ns;		/* 0: none */
	child_read_cb *read;		/* NULL: dropped */
	child_end_cb *end;
	void *arg;
};

/* ERR_IO when there are no processes or descriptors left; all else, a program that is not there too, reaches end. */
int child_start(struct loop *l, const struct child_spec *spec, struct child **ret, struct err *err);
pid_t child_pid(const struct child *c);	/* -1: it could not be run */
/* To its process group; harmless once it has ended. */
void child_signal(struct child *c, int signo);
/* Pauses and resumes reading: a reader that cannot keep up slows the program, not us. */
void child_pause(struct child *c, bool is_paused);
/* Ends it with SIGKILL to the group when it still runs; it is reaped in the background. No callback comes any more. NULL is fine. */
void child_free(struct child *c);

#endif
