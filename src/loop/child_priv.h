/* Making a process run a program, for child.c, which watches it. */
#ifndef OPS_LOOP_CHILD_PRIV_H
#define OPS_LOOP_CHILD_PRIV_H

#include <sys/types.h>

#include "loop/child.h"

struct child_launch {
	const char *path;		/* of the program */
	char *const *argv;
	char *const *env;
	const char *dir;
	bool is_session, is_bound;
	int in, out, err;		/* all above 2 */
	pid_t parent;
	int fds_max;
	int error;			/* errno; 0: it runs */
	const char *failed;		/* what failed, when it was not the program */
};

/* [0] is read from, [1] written to: the child takes in[0], out[1], err[1]. */
struct child_pipes {
	int in[2], out[2], err[2];
};

/* The program by the PATH, malloc()ed; NULL: there is none. */
char *child_find_program(const char *name);
/* Our ends do not block, and no other program gets them. Closes those that are left (-1: taken). */
int child_pipes_open(struct child_pipes *p, bool has_input, struct err *err);
void child_pipes_close(struct child_pipes *p);
/* 0, or the errno of what failed; *ret_pid is -1 when there was no process to be had. l->path is given. */
int child_launch(struct child_launch *l, const struct child_spec *spec, struct child_pipes *p, pid_t *ret_pid);
/* Why a launch failed. */
void child_explain(const struct child_launch *l, const char *name, struct err *err);

#endif
