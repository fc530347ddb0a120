/*
 * The writer of the audit log: one chain per user and machine, in files audit-000001.jsonl, .. of one folder (mode 0700, files 0600).
 *
 * audit_append() never blocks: the audit thread takes drafts in order, under flock() reads what others appended since (several consoles share the chain), gives seq,
 * prev and hash, writes, fdatasync()s once for all that wait (group commit), and wakes the loop, which calls each draft's callback; the head file follows within 50 ms. Who must not
 * act without a record acts in that callback. Once a write or fsync failed the file is not used again: everything later fails at once with the reason, until audit_open() again
 * (fallback places in turn). 1 MiB is kept preallocated so that a run under way can finish its records on a full disk.
 * Rotation: at rotate_bytes a new file begins; the chain goes on across files. The folder is fsynced on create and rotate.
 */
#ifndef OPS_AUDIT_AUDIT_H
#define OPS_AUDIT_AUDIT_H

#include "audit/record.h"
#include "loop/loop.h"

struct audit;

struct audit_options {
	const char *dir;		/* NULL: $XDG_STATE_HOME/opsconsole/audit */
	const char *const *fallback;	/* further folders, NULL-terminated; NULL none */
	const char *head;		/* file kept outside the log with "SEQ:HASH"; NULL: $XDG_STATE_HOME/opsconsole/audit-head */
	int64_t rotate_bytes;		/* 0: 16 MiB */
	const char *env;		/* of the records */
	const char *mode;		/* "console", "runbook", "note", ..: for the opened record */
	const struct audit_actor *actor;	/* copied. NULL: found out (audit_actor_self()) */
	bool is_lazy;			/* nothing is made or written before the first append: for consoles that only look */
};
/* Opens, recovers torn bytes, writes "opened". 0; ERR_IO, ERR_DENIED, ERR_INVALID (the log's end does not hold: what --verify would say), after all fallbacks were tried. */
int audit_open(struct loop *l, const struct audit_options *o, struct audit **ret, struct err *err);
/* Waits for what was appended to be durable (bounded by timeout_ns), then closes. Before loop_free(). Callbacks that have not come do not come any more. */
void audit_close(struct audit *a, int64_t timeout_ns);

struct audit_done { int err_code; const char *err; uint64_t seq; const char *hash; };	/* err_code 0: durable */
typedef void audit_done_cb(const struct audit_done *done, void *arg);	/* in the loop */
/* Takes draft->body. cb may be NULL. Always calls back, in order of the appends; also when the log is broken. */
void audit_append(struct audit *a, const struct audit_draft *draft, audit_done_cb *cb, void *arg);
/* The callbacks for arg do not come any more (the records do). */
void audit_forget(struct audit *a, const void *arg);

/* 0: the log could be written when last tried (a lazy one: its folder could be made); else the code, and err says why. */
int audit_check(struct audit *a, struct err *err);
struct audit_state {
	char path[512];			/* file appended to now; "" none yet */
	uint64_t seq;			/* newest durable here; 0 none */
	char hash[AUDIT_HASH_HEX + 1];
	int64_t head_ns;		/* when the head was last written; 0: not */
	bool is_fallback, is_broken;
	char why[512];			/* broken, or head not writable */
	size_t waiting;
};
void audit_state(const struct audit *a, struct audit_state *ret);
void audit_actor_self(struct audit_actor *ret);	/* static storage */

/* Act without the log (--break-glass REASON): records go to journald (syslog socket) and stderr from now on; the next good open of the log writes a gap record.
 * For a log that broke, or a lazy one whose audit_check() fails: when audit_open() failed, open once more with is_lazy and break the glass of that.
 * ERR_INVALID: the log can be written. ERR_USAGE: no reason given. */
int audit_break_glass(struct audit *a, const char *reason, struct err *err);
/* The folder as options would find it, for readers. Owned by the caller. */
char *audit_dir(const char *dir);
char *audit_head_path(const char *head);

#endif
