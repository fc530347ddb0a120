/*
 * Locks: a second run on the same host of the same environment, by anybody using the same lock folder, is refused with who holds it and since when.
 *
 * One file per environment and target, ENV@HOST.lock, held by flock() (so a dead holder's lock is free at once) and written with owner, pid, run and time for whoever is refused.
 */
#ifndef OPS_RUNBOOK_LOCK_H
#define OPS_RUNBOOK_LOCK_H

#include "base/err.h"
#include <stddef.h>
#include <stdint.h>

struct locks;
/* All or none. targets: hosts, and "run:NAME" for what is done once. ERR_REFUSED: err names the first holder: "web-02 is locked by alice (pid 311 on ops-1) for run 20300101-0229, 4m ago". */
int locks_take(const char *dir, const char *env, const char *const *targets, size_t n, const char *run, const char *user, struct locks **ret, struct err *err);
void locks_free(struct locks *l);
/* Without taking: 0 free. */
int locks_look(const char *dir, const char *env, const char *const *targets, size_t n, struct err *err);

#endif
