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
/* Where the locks of this user are. */
struct lock_place {
	char *dir;
	char *usual;	/* dir stands in for this one, which cannot be written; NULL: it is the usual one */
	char *why;	/* it cannot */
};
/*
 * lock_dir as configured, else STATE/locks, or where that cannot be written $XDG_RUNTIME_DIR/opsconsole/locks or /tmp/opsconsole-locks-UID. A configured folder has no stand-in: it is
 * there for others to look in. Nothing is made. ERR_DENIED, ERR_IO: none can be written.
 */
int lock_place_find(const char *lock_dir, const char *state_dir, struct lock_place *ret, struct err *err);
void lock_place_done(struct lock_place *p);
/* As locks_take(); what is held in the usual folder counts, too. */
int lock_place_take(const struct lock_place *p, const char *env, const char *const *targets, size_t n, const char *run, const char *user, struct locks **ret, struct err *err);
int lock_place_look(const struct lock_place *p, const char *env, const char *const *targets, size_t n, struct err *err);

/* Without taking: 0 free. */
int locks_look(const char *dir, const char *env, const char *const *targets, size_t n, struct err *err);

#endif
