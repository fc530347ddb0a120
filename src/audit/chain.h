/*
 * The files of one chain: opening, locking, the end that others may have moved, appending, rotation, the head. Everything here may block on the disk:
 * it runs in the audit thread, or in audit_open(). A chain belongs to one thread at a time.
 */
#ifndef OPS_AUDIT_CHAIN_H
#define OPS_AUDIT_CHAIN_H

#include "audit/record_priv.h"

struct chain;
/* What the chain needs of records that it writes itself. */
struct chain_who {
	const struct audit_actor *actor;
	const char *env;
};
/*
 * Makes the folder if need be, checks owner and mode, finds the end, moves torn bytes to a side file, compares with the head.
 * The chain is left unlocked. ERR_IO, ERR_DENIED, ERR_INVALID.
 */
int chain_open(const char *dir, const char *head_path, int64_t rotate_bytes, const struct chain_who *who, struct chain **ret, struct err *err);
void chain_free(struct chain *c);

/* The lock of the chain, and the end as it is now. What others left torn is moved and becomes a record of the group that follows. */
int chain_begin(struct chain *c, int64_t now_ns, struct err *err);
/* One record behind those of this group: not yet written. ERR_INVALID, ERR_LIMIT: of the draft, the chain stands as it did. */
int chain_add(struct chain *c, int64_t now_ns, const struct audit_draft *draft, uint64_t *ret_seq, char *ret_hash, struct err *err);
size_t chain_pending(const struct chain *c);	/* bytes of the group */
/* Writes and syncs the group and gives the lock back, also on failure. After ERR_IO the chain is not used again. */
int chain_commit(struct chain *c, struct err *err);
/* The newest durable record into the head file, unless a newer one stands there. Takes the lock. */
int chain_head_write(struct chain *c, struct err *err);

const char *chain_path(const struct chain *c);	/* of the file appended to */
void chain_end(const struct chain *c, struct audit_head *ret);	/* newest durable record; seq 0: none */
/* true: no space could be kept ready; what is left serves runs under way. */
bool chain_is_short_of_space(const struct chain *c);
/* The folder with its parents, for the user alone; what exists is left as it is. */
int chain_dirs_make(const char *dir, struct err *err);
/* Could the folder be made and written, as far as can be told without making it? */
int chain_probe(const char *dir, struct err *err);
/* The end of a chain without changing anything, for naming it elsewhere; seq 0 when there is none to be read. */
void chain_look(const char *dir, struct audit_head *ret);

#endif
