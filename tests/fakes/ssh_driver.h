/*
 * For tests of ssh/: real sshds (sshd-farm) and jobs whose ends are collected.
 */
#ifndef OPS_FAKES_SSH_DRIVER_H
#define OPS_FAKES_SSH_DRIVER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "loop/loop.h"
#include "ssh/ssh.h"

struct farm {
	pid_t pid;
	int in;			/* closed: it ends */
	unsigned port;
	char dir[200];
	char why[200];		/* it cannot be had here: what is missing; "" */
};
/* groups as sshd-farm takes them, NULL-terminated. */
void farm_start(struct farm *f, const char *const *groups);
void farm_stop(struct farm *f);
/* extra: ssh_config text that comes first. Path of the file into buf; name tells it apart. */
const char *farm_config(const struct farm *f, const char *name, const char *extra, char *buf, size_t size);
void farm_write(const struct farm *f, const char *name, const char *text);
char *farm_read(const struct farm *f, const char *name);

struct answer {			/* how a job ended */
	bool is_done;
	struct ssh_result result;
	char *out, *err_out;	/* copies */
	char why[300];
	size_t streamed[2];
	unsigned stages;	/* bits of those reported */
	struct ssh_job *job;
};
void answer_done(struct answer *a);
/* A command of words on "NAME"; nonces count up. Asserts that it could be asked for. */
void ask(struct ssh *s, const char *host, const char *const *argv, struct answer *a);
void ask_command(struct ssh *s, const char *host, struct ssh_command *cmd, struct answer *a);
void ask_settle(struct ssh *s, const char *host, const char *nonce, struct answer *a);
/* Turns until all are done; fails the test when that takes longer than 60 s. */
void wait_for(struct loop *l, struct answer *a, size_t n);
void wait_for_stage(struct loop *l, const struct answer *a, enum ssh_stage stage);
/* Turns for so long. */
void turn_for(struct loop *l, int64_t ns);
const char *next_nonce(void);

#endif
