/* Commands under the supervisor, run here by whatever shell is to play the host's. */
#ifndef OPS_TESTS_SUPERVISED_H
#define OPS_TESTS_SUPERVISED_H

#include "base/buf.h"
#include "loop/child.h"
#include "ssh/supervisor.h"

struct supervised_run {
	struct child *child;
	struct buf out, err;
	struct supervisor_reader reader;
	bool is_over;
	struct child_end end;
};

extern struct loop *supervised_loop;
extern const char *supervised_login;		/* the login shell, as sshd runs it: LOGIN -c COMMAND */
extern const char *supervised_sh;		/* stands for /bin/sh in what is run; NULL: /bin/sh */
extern const char *const *supervised_env;	/* of the host; NULL: ours */

/* sv is used up. in comes after sv's own input. */
void supervised_start(struct supervised_run *r, struct supervised *sv, const char *nonce, const void *in, size_t in_len);
void supervised_wait(struct supervised_run *r);
void supervised_run_done(struct supervised_run *r);
/* Turns the loop until ms have passed. */
void supervised_turn(int ms);

#endif
